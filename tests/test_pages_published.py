"""Pages of counts that others added up: stocks, and measures that support others."""

import types

import pandas as pd
import pytest

import spcbench as sb
from spcbench.errors import InputError, PackError
from spcbench.measures.measure import Measure
from spcbench.plugin.hookspecs import hookimpl
from spcbench.plugin.host import PluginHost
from spcbench.plugin.records import Pack
from spcbench.report import Section

MONTHS = pd.date_range("2023-01-01", periods=24, freq="MS")
TREE = pd.DataFrame(
    [("R", None, "region", "The region"), *((one, "R", "provider", one) for one in "AB")],
    columns=["unit", "parent", "level", "name"],
)
TRAINED = [*[2] * 12, *[8] * 12]


def measure(name, title, **more):
    return Measure(id=name, title=title, better="higher", kind="given", **more)


@pytest.fixture(scope="module")
def asked():
    return []


@pytest.fixture(scope="module")
def host(asked):
    def sections(page):
        asked.append(page)
        return [Section(title="Data quality")]

    reason = "months hold mostly the same people"
    one = Pack(
        id="care",
        title="Care",
        version="1",
        record="case",
        measures=(
            measure("warm", "Warm"),
            measure("staff", "Trained", stock=True, chart="run", chart_reason=reason),
            measure("known", "Warmth known", supporting=True),
            measure("flags", "Flags", per=1, chart="u", chart_reason="a case may raise several"),
        ),
        sections=sections,
    )
    plugin = types.ModuleType("published_plugin")
    plugin.SPCBENCH_API = 1
    plugin.spcbench_packs = hookimpl(lambda: [one], specname="spcbench_packs")
    return PluginHost.of(plugin)


def rows(name, unit, numerator, denominator=10):
    return pd.DataFrame(
        {
            "measure": f"care@1:{name}",
            "unit": unit,
            "period": MONTHS,
            "numerator": numerator,
            "denominator": denominator,
        }
    )


def counts(*names):
    """Staff of B are told until October only."""
    made = [
        rows("warm", "A", 5),
        rows("warm", "B", 5),
        rows("staff", "A", TRAINED),
        rows("staff", "B", TRAINED, 20).iloc[:22],
        rows("known", "A", 9),
        rows("known", "B", 9),
    ]
    return pd.concat([one for one in made if one["measure"].iloc[0].partition(":")[2] in names])


def frame(report, name):
    (found,) = [one for one in report.all_tables if one.id == name]
    return found.frame.set_index("measure_id") if "measure_id" in found.frame else found.frame


# ------------------------------------------------------------------------------------- stocks


def test_of_a_stock_nothing_is_added_up_on_the_page_of_a_unit(host):
    page = sb.unit_report(counts("warm", "staff"), unit="A", hierarchy=TREE, host=host)
    cells = frame(page, "at_a_glance")
    assert cells.loc["care@1:staff", "recent"] == "80%\n8 of 10, Dec 2024"
    assert cells.loc["care@1:staff", "missed"] == "2 cases"
    assert cells.loc["care@1:warm", "recent"] == "50%\n60 of 120"
    # The region's latest month is one that B lacks.
    assert cells.loc["care@1:staff", "region"] == "80%\n8 of 10, Dec 2024, 1 of 2 units"


def test_of_a_stock_nothing_is_added_up_on_the_page_of_an_area(host):
    page = sb.area_report(counts("warm", "staff"), area="R", hierarchy=TREE, host=host)
    cells = frame(page, "then_and_now")
    then = cells.loc["care@1:staff"]
    # Of each unit its latest: the region's own latest month lacks B, and so the half of its staff.
    assert then["then"] == "13.3%\n4 of 30, Dec 2023"
    assert then["now"] == "53.3%\n16 of 30, each unit's latest, Oct 2024 to Dec 2024"
    assert then["difference"] == "40 points higher"  # mostly the same people: no interval
    matrix = frame(page, "units_and_measures").set_index("unit_code")["m1"]
    assert matrix["A"].startswith("80%\n8 of 10, Dec 2024\n")
    assert matrix["B"].startswith("40%\n8 of 20, Oct 2024\n")
    (funnels,) = [one for one in page.all_results if hasattr(one, "curve")]
    units = funnels.units.set_index(["measure", "unit"])[["numerator", "denominator"]]
    assert units.loc[("care@1:staff", "A")].to_list() == [8, 10]
    assert units.loc[("care@1:staff", "B")].to_list() == [8, 20]
    assert units.loc[("care@1:warm", "A")].to_list() == [60, 120]


def test_a_stock_is_no_window_of_a_whole_area_either(host):
    page = sb.area_report(counts("staff").iloc[:24], host=host)
    cells = frame(page, "at_a_glance")
    assert cells.loc["care@1:staff", "recent"] == "80%\n8 of 10, Dec 2024"
    then = frame(page, "then_and_now").loc["care@1:staff"]
    assert then[["then", "now"]].to_list() == ["20%\n2 of 10, Dec 2023", "80%\n8 of 10, Dec 2024"]


def test_a_row_of_many_periods_is_told_by_its_months(host):
    given = pd.concat(
        [
            rows("warm", "A", 28, 29).iloc[:1].assign(
                period=pd.Timestamp("2024-12-01"), period_end=pd.Timestamp("2025-09-30")
            ),
            *(rows("flags", "A", 1).iloc[:1].assign(period=pd.Timestamp(one))
              for one in ("2025-04-02", "2025-05-01", "2025-07-01")),
        ]
    )  # fmt: skip
    page = sb.unit_report(given, unit="A", host=host)
    cells = frame(page, "at_a_glance")
    assert cells.loc["care@1:warm", "recent"] == "96.6%\n28 of 29, Dec 2024 to Sep 2025"
    (missed,) = [one for one in page.all_tables if one.id == "missed_by_period"]
    assert "Longer periods stand where they begin." in missed.note


def test_the_rest_of_a_split_month_stands_under_its_month(host, asked):
    split = rows("warm", "A", 5)
    split = split.assign(period_end=split["period"] + pd.offsets.MonthEnd(0))
    split.loc[21, "period"] = pd.Timestamp("2024-10-02")
    staff = rows("staff", "A", TRAINED)
    page = sb.unit_report(pd.concat([split, staff]), unit="A", host=host)
    assert frame(page, "at_a_glance").loc["care@1:warm", "recent"] == "50%\n60 of 120"
    # The pack is told of the day itself.
    given = asked[-1].counts.query("measure == 'care@1:warm'")["period"]
    assert pd.Timestamp("2024-10-02") in set(given)
    assert pd.Timestamp("2024-10-01") not in set(given)


def test_what_stands_beside_the_measures_has_a_calendar_of_its_own(host):
    half = rows("known", "A", 9).iloc[[0, 6, 12, 18]]
    page = sb.unit_report(pd.concat([counts("warm"), half]), unit="A", host=host)
    assert frame(page, "at_a_glance").loc["care@1:warm", "recent"] == "50%\n60 of 120"
    later = half.assign(period=half["period"] + pd.DateOffset(months=9))
    page = sb.unit_report(pd.concat([counts("warm"), later]), unit="A", host=host)
    assert (
        page.sections[0].tables[0].title == "At a glance: the 12 months from Jan 2024 to Dec 2024"
    )


def on_days(days):
    """Staff of A, told on days of their own, beside monthly cases."""
    dates = pd.to_datetime(days)
    staff = rows("staff", "A", TRAINED).iloc[: len(days)].assign(period=dates, period_end=dates)
    return pd.concat([rows("warm", "A", 5), staff])


def test_a_stock_told_on_the_last_day_of_each_month_stands_beside_months(host):
    ends = [*(MONTHS + pd.offsets.MonthEnd(0)).strftime("%Y-%m-%d")]
    ends[-1] = "2024-12-17"
    cells = frame(sb.unit_report(on_days(ends), unit="A", host=host), "at_a_glance")
    assert cells.loc["care@1:staff", "recent"] == "80%\n8 of 10, 17 Dec 2024"
    assert cells.loc["care@1:warm", "recent"] == "50%\n60 of 120"


def test_a_stock_told_on_a_day_without_an_end_is_of_that_day(host, asked):
    given = on_days([f"{one:%Y-%m}-17" for one in MONTHS]).drop(columns="period_end")
    cells = frame(sb.unit_report(given, unit="A", host=host), "at_a_glance")
    assert cells.loc["care@1:staff", "recent"] == "80%\n8 of 10, 17 Dec 2024"
    told = asked[-1].counts.query("measure == 'care@1:staff'")["period_end"]
    assert told.max() == pd.Timestamp("2024-12-17")


def test_halves_of_a_month_do_not_become_one_month_twice(host):
    first = rows("warm", "A", 5).assign(period_end=MONTHS + pd.Timedelta(days=14))
    second = rows("warm", "A", 5).assign(
        period=MONTHS + pd.Timedelta(days=15), period_end=MONTHS + pd.offsets.MonthEnd(0)
    )
    page = sb.unit_report(pd.concat([first, second]), unit="A", host=host)
    (charts,) = [one for one in page.all_results if hasattr(one, "signals")]
    assert charts.points["period"].nunique() == 48


def test_a_stock_told_twice_in_a_month_keeps_its_days(host):
    days = [f"{one:%Y-%m}-{day}" for one in MONTHS[:12] for day in ("10", "20")]
    with pytest.raises(InputError, match="adds all measures up over one window"):
        sb.unit_report(on_days(days), unit="A", host=host)


# -------------------------------------------------------------------- measures that support others


def test_measures_that_support_others_are_not_charted(host, asked):
    given = counts("warm", "known")
    page = sb.unit_report(given, unit="A", host=host)
    assert frame(page, "at_a_glance").index.to_list() == ["care@1:warm"]
    assert {name for one in page.all_results for name in one.summary["measure"]} == {"care@1:warm"}
    assert any("1 measure that only" in line for line in page.sections[-1].text)
    # The pack is told of them, and sets them beside the others.
    assert set(asked[-1].counts["measure"]) == {"care@1:warm", "care@1:known"}
    # Values without counts cannot be added up, and need not be.
    values = given.assign(value=float("nan"))
    values.loc[values["measure"].eq("care@1:known"), ["numerator", "denominator"]] = None
    values.loc[values["measure"].eq("care@1:known"), "value"] = 1.1
    area = sb.area_report(values, area="R", hierarchy=TREE, host=host)
    assert "care@1:known" in set(asked[-1].counts["measure"])
    area = sb.area_report(values, host=host)
    assert {name for one in area.all_results for name in one.summary["measure"]} == {"care@1:warm"}
    assert list(frame(area, "units_and_measures").columns) == [
        "unit",
        "unit_code",
        "m0",
        "m0_variation",
    ]


def test_a_measure_that_supports_others_is_charted_when_it_is_asked_for(host):
    for given, name in ((counts("warm", "known"), "known"), (counts("known"), None)):
        page = sb.unit_report(given, unit="A", measure=name, host=host)
        assert frame(page, "at_a_glance").index.to_list() == ["care@1:known"]
        assert not any("only support" in line for line in page.sections[-1].text)


def test_whether_a_measure_supports_others_is_true_or_false():
    with pytest.raises(PackError, match="supporting must be true or false, not 'yes'"):
        measure("known", "Known", supporting="yes")


def test_many_measures_stand_in_several_tables(host):
    many = [rows(f"x{number:02}", unit, 5) for number in range(13) for unit in "AB"]
    table = pd.concat(many).replace({"measure": r"^care@1:(x\d+)$"}, {"measure": r"\1"}, regex=True)
    page = sb.area_report(table, better="higher", host=host)
    made = [one for one in page.all_tables if one.id.startswith("units_and_measures")]
    assert [one.id for one in made] == ["units_and_measures", "units_and_measures_2"]
    heads = [list(one.headings.values()) for one in made]
    assert heads == [
        ["Unit", *(f"x{number:02}" for number in range(6))],
        ["Unit", *(f"x{number:02}" for number in range(6, 13))],
    ]
    assert made[1].title.endswith("(2 of 2)")
    assert [bool(one.note) for one in made] == [False, True]


def test_counts_without_denominators_are_not_said_to_be_no_data():
    months = pd.date_range("2024-01-01", periods=14, freq="MS")
    base = {"unit": "A", "period": months}
    made = [
        pd.DataFrame({"measure": "Milk", "numerator": 5, "denominator": 9, **base}),
        pd.DataFrame({"measure": "Meetings", "numerator": 1, **base}),
        pd.DataFrame({"measure": "Cord", "denominator": 0, **base}),
    ]
    said = sb.unit_report(pd.concat(made), unit="A").sections[0].text
    assert "No data for: Cord." in said
    assert "Not charted here, for the counts have no denominators: Meetings." in said


def test_a_rate_that_counts_a_case_several_times_has_a_chart_and_no_funnel(host):
    made = pd.concat([counts("warm"), *(rows("flags", one, 13) for one in "AB")])
    page = sb.unit_report(made, unit="A", hierarchy=TREE, host=host)
    assert frame(page, "at_a_glance").loc["care@1:flags", "latest"] == "1.3\n13 of 10, Dec 2024"
    (charts,) = page.sections[1].results
    assert charts.summary.set_index("measure")["chart"]["care@1:flags"] == "u"
    area = sb.area_report(made, area="R", hierarchy=TREE, host=host)
    funnels = [one for part in area.sections for one in part.results if hasattr(one, "units")]
    assert {name for one in funnels for name in one.units["measure"]} == {"care@1:warm"}
    # Not of 100 %: an interval of shares has no place here.
    assert "interval" not in frame(area, "then_and_now").loc["care@1:flags", "difference"]
