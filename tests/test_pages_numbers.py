"""What pages add up: who is missing from a total, windows of the calendar, shares and rates."""

from dataclasses import replace

import pandas as pd
import pytest

import spcbench as sb
from spcbench.errors import InputError, OptionError
from spcbench.pages_area import area_funnels, members_of
from spcbench.pages_cells import difference_lines, known_lines, lost_text
from spcbench.pages_ground import ground_of
from spcbench.pages_unit import Asked, since_table
from spcbench.pages_window import calendar, summed
from spcbench.plugin.host import default_host
from spcbench.tables import Display

MONTHS = pd.date_range("2023-01-01", periods=24, freq="MS")
TREE = pd.DataFrame(
    [
        ("R", None, "region", "The region"),
        *((one, "R", "provider", f"Trust {one}") for one in "ABC"),
    ],
    columns=["unit", "parent", "level", "name"],
)


def rows(unit, numerator, denominator=10, *, measure="warm", periods=MONTHS, **more):
    return pd.DataFrame(
        {
            "measure": measure,
            "unit": unit,
            "period": periods,
            "numerator": numerator,
            "denominator": denominator,
            **more,
        }
    )


def one_stops():
    """B, at 20 %, has nothing in the second year; A and C stay at 80 %."""
    return pd.concat([rows("A", 8), rows("B", 2).iloc[:12], rows("C", 8)])


def area_page(table, area="R", **given):
    made = {"hierarchy": TREE, "better": "higher"}
    return sb.area_report(table, area=area, **(made | given))


def frame(report, name):
    (found,) = [one for one in report.all_tables if one.id == name]
    return found.frame


def ground(table, **given):
    made = {
        "hierarchy": TREE,
        "national": None,
        "level": None,
        "until": None,
        "window": None,
        "host": default_host(),
        "shown": {"better": "higher"},
    }
    return ground_of(table, **(made | given))


# ----------------------------------------------------------------- units missing from a total


@pytest.mark.parametrize("tree", [TREE, None])
def test_a_total_says_of_how_many_units_it_is(tree):
    table = one_stops().assign(missing=0)
    glance = frame(
        area_page(table, "R" if tree is not None else None, hierarchy=tree), "at_a_glance"
    )

    assert glance["recent"].to_list() == ["80%\n192 of 240, 2 of 3 units"]
    assert glance["latest"].to_list() == ["80%\n16 of 20, Dec 2024, 2 of 3 units"]
    assert glance["known"].to_list() == ["100%\n2 of 3 units"]


def test_what_stands_beside_a_unit_says_it_too():
    page = sb.unit_report(one_stops(), unit="A", hierarchy=TREE, better="higher")
    glance = page.sections[0].tables[0]

    assert glance.frame["region"].to_list() == ["80%\n192 of 240, 2 of 3 units"]
    assert glance.frame["recent"].to_list() == ["80%\n96 of 120"]
    assert "“2 of 3 units”: in one month or more" in glance.note


def test_the_fewest_units_of_any_period_are_told():
    assert lost_text({"periods": 12, "withheld": 0, "units": 2, "of_units": 3}, 12, "month") == (
        "2 of 3 units"
    )
    table = one_stops()
    table = table[~(table["unit"].eq("C") & table["period"].eq(MONTHS[20]))]
    (cell,) = frame(area_page(table), "at_a_glance")["recent"]
    assert cell == "80%\n184 of 230, 1 of 3 units"


def test_then_and_now_are_of_the_same_units():
    (line,) = frame(area_page(one_stops()), "then_and_now").to_dict("records")
    said = "80%\n192 of 240, the 2 of 3 units with data in both"

    assert (line["then"], line["now"]) == (said, said)
    assert line["difference"].startswith("no difference\n95% interval: ")


def test_a_unit_that_is_late_with_0_of_0_is_not_in_both():
    late = rows("B", [*[2] * 12, *[0] * 12], [*[10] * 12, *[0] * 12])
    (line,) = frame(
        area_page(pd.concat([rows("A", 8), late, rows("C", 8)])), "then_and_now"
    ).to_dict("records")
    assert line["then"] == "80%\n192 of 240, the 2 of 3 units with data in both"


def test_a_unit_with_most_periods_counts_as_there_and_one_with_few_does_not():
    table = pd.concat([rows("A", 8), rows("B", 2).iloc[:21], rows("C", 8)])  # 9 of 12 months
    assert "units" not in frame(area_page(table), "then_and_now")["then"].iloc[0]
    table = pd.concat([rows("A", 8), rows("B", 2).iloc[:20], rows("C", 8)])
    assert "the 2 of 3 units" in frame(area_page(table), "then_and_now")["then"].iloc[0]


def test_without_units_in_both_there_is_no_difference():
    table = pd.concat([rows("A", 8).iloc[:12], rows("B", 2).iloc[12:]])
    (line,) = frame(area_page(table, hierarchy=TREE[TREE["unit"].ne("C")]), "then_and_now").to_dict(
        "records"
    )
    assert line["difference"] == "–"


def test_totals_that_lack_units_nobody_knows_have_no_difference():
    rolled = sb.rolled_up(one_stops(), TREE).drop(columns="region")
    found = sb.area_report(
        rolled[rolled["level"].eq("region") | rolled["unit"].ne("B")],
        area="R",
        level="provider",
        better="higher",
    )
    (line,) = frame(found, "then_and_now").to_dict("records")
    assert line["difference"] == "–"
    assert line["now"] == "80%\n192 of 240, 2 of 3 units"


def test_a_unit_that_is_not_counted_is_told_beside_what_is_known():
    why = "not counted, because this is known for no case: Milk"
    lost = rows("B", None, None, missing=4, note=why)
    table = pd.concat([rows("A", 8, missing=0, note=None), lost, rows("C", 8, missing=0)])
    kinds = {"numerator": "Int64", "denominator": "Int64", "note": "string"}
    glance = frame(area_page(table.astype(kinds)), "at_a_glance")

    assert glance["recent"].to_list() == ["80%\n192 of 240, 2 of 3 units"]
    assert glance["known"].to_list() == ["100%\n2 of 3 units"]


# ------------------------------------------------------------------- a window of the calendar


def test_a_month_that_nobody_has_does_not_stretch_the_window():
    table = pd.concat([rows("A", [*[2] * 12, *[8] * 12]), rows("B", [*[2] * 12, *[8] * 12])])
    table = table[table["period"].ne(MONTHS[18])]
    tree = TREE[TREE["unit"].ne("C")]
    page = area_page(table, hierarchy=tree)
    glance = next(one for one in page.all_tables if one.id == "at_a_glance")

    assert glance.title == "At a glance: the 12 months from Jan 2024 to Dec 2024"
    assert glance.frame["recent"].to_list() == ["80%\n176 of 220, 11 of 12 months"]
    (line,) = frame(page, "then_and_now").to_dict("records")
    assert line["then"] == "20%\n48 of 240"
    assert line["now"] == "80%\n176 of 220, 11 of 12 months"
    funnel = page.sections[4].results[0].units
    assert funnel["periods"].to_list() == [11, 11]
    assert funnel["denominator"].to_list() == [110, 110]


def test_the_calendar():
    weeks = pd.to_datetime(["2024-01-01", "2024-01-15"])
    assert [one.day for one in calendar(weeks, "week")] == [1, 8, 15]
    quarters = pd.to_datetime(["2023-10-01", "2024-04-01"])
    assert [one.month for one in calendar(quarters, "quarter")] == [10, 1, 4]
    # Periods that do not follow the calendar are not lost.
    odd = pd.to_datetime(["2024-01-01", "2024-01-08", "2024-01-16"])
    assert list(calendar(odd, "week")) == list(odd)
    assert list(calendar(odd, "irregular")) == list(odd)


def test_periods_of_different_lengths_are_refused():
    weeks = pd.date_range("2023-01-02", periods=104, freq="7D")
    table = pd.concat([rows("A", 20, 30, measure="milk", periods=weeks), rows("A", 8)])
    for page in (sb.unit_report, sb.area_report):
        how = {"unit": "A"} if page is sb.unit_report else {}
        with pytest.raises(InputError, match="'milk' are of a week and those of 'warm' of a month"):
            page(table, **how)


def test_a_measure_by_quarters_is_told_by_its_own_periods():
    quarters = pd.date_range("2023-01-01", periods=7, freq="QS")
    slow = rows("A", 24, 30, measure="milk", periods=quarters)
    page = sb.unit_report(pd.concat([rows("A", 8), slow]), unit="A", better="higher")
    glance = next(one for one in page.all_tables if one.id == "at_a_glance")
    assert glance.title == "At a glance: the 12 months from Jan 2024 to Dec 2024"
    cells = glance.frame.set_index("measure_id")
    assert cells.loc["warm", "recent"] == "80%\n96 of 120"
    # What the window holds of it ends before the window does.
    assert cells.loc["milk", "recent"] == (
        "80%\n72 of 90, the 3 quarters from Jan 2024 to Sep 2024"
    )
    assert cells.loc["milk", "latest"] == "80%\n24 of 30, Jul to Sep 2024"
    missed = next(one for one in page.all_tables if one.id == "missed_by_period")
    lines = missed.frame.set_index("measure")
    assert lines.loc["milk (cases, by quarter)", ["2024-01-01", "2024-02-01"]].to_list() == [
        "6 of 30",
        "–",
    ]
    assert "Longer periods stand where they begin." in missed.note


def test_a_year_that_begins_within_the_window_is_told():
    years = pd.to_datetime(["2022-04-01", "2023-04-01", "2024-04-01"])
    slow = rows("A", 24, 30, measure="milk", periods=years)
    page = sb.unit_report(pd.concat([rows("A", 8), slow]), unit="A", better="higher")
    cells = frame(page, "at_a_glance").set_index("measure_id")["recent"]
    assert cells["milk"] == "80%\n24 of 30, the year from Apr 2024 to Mar 2025"


def test_of_a_stock_the_latest_of_each_window_counts():
    table = pd.concat([rows("A", [*[2] * 12, *[8] * 12]), rows("B", [*[2] * 12, *[8] * 12])])
    shown = {"warm": Display(title="Trained", better="higher", per=100, stock=True)}
    made = summed(table.assign(missing=1, status="ok"), list(MONTHS), shown)
    assert made["numerator"].to_list() == [8, 8]
    assert made["denominator"].to_list() == [10, 10]
    assert made["missing"].to_list() == [1, 1]


def test_first_and_last_tell_longer_periods_by_their_own():
    quarters = pd.date_range("2023-01-01", periods=7, freq="QS")
    table = pd.concat(
        [
            piece
            for unit in "ABC"
            for piece in (
                rows(unit, 8),
                rows(unit, 24, 30, measure="milk", periods=quarters),
            )
        ]
    )
    (table,) = [one for one in area_page(table).all_tables if one.id == "then_and_now"]
    cells = table.frame.set_index("measure_id")
    assert [table.headings[one] for one in ("then", "now")] == ["First periods", "Last periods"]
    assert cells.loc["milk", "then"] == "80%\n216 of 270\nJan 2023 to Sep 2023"
    assert cells.loc["milk", "now"] == "80%\n216 of 270\nJan 2024 to Sep 2024"
    assert cells.loc["warm", "now"] == "80%\n288 of 360\nJan 2024 to Dec 2024"


def test_windows_of_three_months_are_told_by_their_own_months():
    windows = pd.date_range("2023-03-01", periods=8, freq="3MS")  # the last is Dec 2024 to Feb 2025
    table = pd.concat(
        [
            piece
            for unit in "ABC"
            for piece in (
                rows(unit, [*[8] * 12, *[4] * 12]),
                rows(unit, [*[24] * 4, *[12] * 4], 30, measure="milk", periods=windows),
                rows(unit, 5, measure="once", periods=MONTHS).iloc[[3]],
            )
        ]
    )
    cells = frame(area_page(table), "then_and_now").set_index("measure_id")
    assert cells.loc["warm", "then"] == "80%\n288 of 360\nJan 2023 to Dec 2023"
    # As many windows on both sides, which the calendar of months would not give.
    assert cells.loc["milk", "then"] == "80%\n288 of 360\nMar 2023 to Feb 2024"
    assert cells.loc["milk", "now"] == "40%\n144 of 360\nMar 2024 to Feb 2025"
    assert cells.loc["once", ["then", "now", "difference"]].to_list() == ["No data", "No data", "–"]


def test_a_measure_with_too_few_periods_to_tell_is_not_refused():
    table = pd.concat([rows("A", 8), rows("A", 2, 3, measure="milk").iloc[[3, 23]]])
    page = sb.unit_report(table, unit="A", better="higher")
    assert page.all_tables[0].headings["recent"] == "Last 12 months"


def test_weeks_that_begin_on_the_first_are_named_by_day():
    weeks = pd.date_range("2021-03-01", periods=30, freq="7D")
    notes = [sb.note("comment", date="2021-05-24", reason="Hats", unit="A")]
    table = rows("A", 8, periods=weeks)
    page = sb.unit_report(table, unit="A", better="higher", window=30, notes=notes)
    glance = next(one for one in page.all_tables if one.id == "at_a_glance")

    assert page.title == "A: 1 March 2021 to 20 September 2021"
    assert glance.title == "At a glance: the 30 weeks from 1 Mar 2021 to 20 Sep 2021"
    (noted,) = frame(page, "noted_and_since").to_dict("records")
    assert noted["before"].endswith("1 Mar 2021 to 17 May 2021")
    months = sb.unit_report(rows("A", 8), unit="A", better="higher")
    assert months.title == "A: January 2023 to December 2024"


# -------------------------------------------------------------------------- shares and rates


def test_rates_have_no_interval_and_nothing_missed():
    table = pd.concat([rows("A", 2, 100), rows("B", 2, 100), rows("C", 2, 100)])
    for how in ({"chart": "u", "per": 1000}, {"per": 1000}, {"chart": "u"}):
        (line,) = frame(area_page(table, **how), "then_and_now").to_dict("records")
        assert line["difference"] == "no difference"
        page = sb.unit_report(table, unit="A", better="higher", **how)
        assert frame(page, "at_a_glance")["missed"].to_list() == ["–"]
        assert "missed_by_period" not in [one.id for one in page.all_tables]
    page = sb.unit_report(table, unit="A", better="higher", chart="run")
    assert frame(page, "at_a_glance")["missed"].to_list() == ["1,176 cases"]


def test_charts_of_single_values_have_no_interval():
    table = pd.concat([rows("A", 8), rows("B", 8)])
    page = area_page(table, hierarchy=TREE[TREE["unit"].ne("C")], chart="i")
    assert frame(page, "then_and_now")["difference"].to_list() == ["no difference"]


def test_opportunities_of_one_case_have_no_interval():
    table = pd.concat([rows("A", [*[6] * 12, *[8] * 12]), rows("B", 8)]).assign(variance=2.0)
    page = area_page(table, hierarchy=TREE[TREE["unit"].ne("C")])
    assert frame(page, "then_and_now")["difference"].to_list() == ["10 points higher"]


def test_no_difference_is_told_in_words():
    for per in (100, 1000):
        shown = Display(title="Thing", per=per)
        assert difference_lines(0.0, -0.01, 0.01, shown).startswith("no difference\n95% interval")
    assert difference_lines(0.02, 0.0, 0.04, Display(title="Thing")).endswith("0 to 4 higher")


def test_what_is_nearly_all_known_is_not_all():
    assert known_lines(99_999, 1) == "99.9%\n1 of 100,000 not known"


# ------------------------------------------------------------------------- nothing to draw


@pytest.mark.parametrize("tree", [TREE, None])
def test_a_unit_with_withheld_counts_only(tree):
    hidden = rows("B", None, None, status="suppressed")
    table = pd.concat([rows("A", 8, status="ok"), hidden, rows("C", 8, status="ok")])
    message = r"draw of 'B': all of its counts are withheld or without data \(24 of 24 withheld\)"
    with pytest.raises(InputError, match=message):
        sb.unit_report(table, unit="B", hierarchy=tree)


@pytest.mark.parametrize("tree", [TREE, None])
def test_an_area_with_withheld_counts_only(tree):
    table = pd.concat([rows(one, None, None, status="suppressed") for one in "ABC"])
    code = "all" if tree is None else "R"
    with pytest.raises(InputError, match=f"nothing to draw of '{code}': all of its counts are"):
        area_page(table, None if tree is None else "R", hierarchy=tree)


def test_codes_and_dates_that_cannot_be():
    with pytest.raises(OptionError, match="unit must be the code of a unit, not None"):
        sb.unit_report(one_stops(), unit=None)
    for until in (5, True):
        with pytest.raises(OptionError, match=f"until {until} is not a date such as"):
            sb.unit_report(one_stops(), unit="A", until=until)


# ------------------------------------------------------------------- who belongs where, and when


MOVED = pd.DataFrame(
    [
        ("R", None, "region", None, None),
        ("S1", "R", "system", None, None),
        ("S2", "R", "system", None, None),
        ("A", "S1", "provider", "2000-01-01", "2023-12-31"),
        ("A", "S2", "provider", "2024-01-01", None),
        ("B", "S1", "provider", None, None),
        ("C", "S2", "provider", None, None),
    ],
    columns=["unit", "parent", "level", "from", "to"],
)


def test_a_unit_that_moved_stands_beside_where_it_is_now():
    there = ground(pd.concat([rows(one, 8) for one in "ABC"]), hierarchy=MOVED)
    assert there.above("A") == {"system": "S2", "region": "R"}
    assert members_of(there, "S1") == ["B"]
    assert members_of(there, "S2") == ["A", "C"]


def test_given_figures_of_the_nation_take_the_place_of_the_sum():
    tree = pd.concat(
        [
            TREE.assign(parent=TREE["parent"].mask(TREE["unit"].eq("R"), "N")),
            pd.DataFrame([("N", None, "national", "The nation")], columns=TREE.columns),
        ]
    )
    table = pd.concat([rows("A", 8), rows("B", 2), rows("C", 8)])
    for code in ("E92", "N"):
        nation = rows(code, 900, 1000)
        page = sb.unit_report(table, unit="A", hierarchy=tree, national=nation, better="higher")
        assert frame(page, "at_a_glance")["national"].to_list() == ["90%\n10,800 of 12,000"]


def test_a_total_without_labels_is_compared_with_no_other():
    shown = Display(title="Warm", better="higher", compare_at=("system", "region"))
    rolled = sb.rolled_up(pd.concat([rows(one, 8) for one in "ABC"]), MOVED)
    bare = rolled.drop(columns=["system", "region"])
    there = replace(ground(bare, hierarchy=None, level="provider"), display={"warm": shown})
    assert area_funnels(there, "S1", [], Asked()) == []
    (between,) = area_funnels(there, "R", [], Asked())
    assert sorted(between.units["unit"]) == ["S1", "S2"]


def test_sums_leave_out_figures_that_are_not_ok():
    table = rows("A", 8).iloc[:3].assign(status=["ok", "insufficient_data", "no_data"])
    (line,) = summed(table, list(MONTHS)).to_dict("records")
    assert (line["numerator"], line["denominator"]) == (8, 10)
    assert (line["periods"], line["withheld"]) == (3, 1)


def test_a_fall_is_not_where_improvement_is_seen():
    table = pd.concat(
        [rows("A", 30, 40), rows("B", [*[36] * 12, *[20] * 12], 40), rows("C", 30, 40)]
    )
    page = area_page(table)
    (part,) = [one for one in page.sections if one.title == "Where improvement is seen"]
    assert part.tables == ()
    assert part.text[0].startswith("No unit's chart shows")


def test_the_last_missed_case_is_the_one_before_the_wait_that_has_not_ended():
    days = pd.to_datetime(["2024-01-05", "2024-03-09", "2024-12-30"])
    made = rows("A", 8)
    waits = pd.DataFrame(
        {
            "measure": "warm.cases_between_not_met",
            "unit": "A",
            "period": days,
            "value": [None, 4.0, None],
            "at_least": [None, None, 7.0],
        }
    )
    told = type("Waits", (), {"counts": waits, "display": {"warm.cases_between_not_met": None}})
    table = since_table(ground(made, hierarchy=None), "A", told)
    assert table.frame["last"].to_list() == ["9 Mar 2024"]
    assert table.frame["since"].to_list() == ["7 cases"]


def test_sums_of_totals_keep_the_units_of_the_period_that_lacks_most():
    table = rows("R", 8).iloc[:3].assign(status="ok")
    kinds = {"units": "Int64", "units_missing": "Int64"}
    table = table.assign(units=[3, 1, 2], units_missing=[0, 2, 1]).astype(kinds)
    (line,) = summed(table, list(MONTHS)).to_dict("records")
    assert (line["units"], line["of_units"]) == (1, 3)
    (whole,) = summed(table, [MONTHS[0]]).to_dict("records")
    assert pd.isna(whole["of_units"])


def test_a_unit_with_cases_in_neither_window_is_not_missed():
    between = rows("B", 2).assign(denominator=[*[0] * 8, *[10] * 8, *[0] * 8])
    between["numerator"] = between["denominator"] // 5
    table = pd.concat([rows("A", 8), between, rows("C", 8)])
    (line,) = frame(area_page(table, window=8), "then_and_now").to_dict("records")
    assert (line["then"], line["now"]) == ("80%\n128 of 160", "80%\n128 of 160")
