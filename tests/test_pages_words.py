"""What pages say of records set aside, of coarse periods, of small numbers, and of mistakes."""

import types

import numpy as np
import pandas as pd
import pytest

import spcbench as sb
from spcbench.errors import InputError, OptionError, UnknownNameError
from spcbench.measures.measure import Composite, Field, Measure
from spcbench.plugin import hookimpl
from spcbench.plugin.host import PluginHost
from spcbench.plugin.records import Pack

QUARTERS = pd.date_range("2022-01-01", periods=12, freq="QS")
TREE = pd.DataFrame(
    [("S", None, "system", "The system"), ("A", "S", "provider", "Alpha Trust")],
    columns=["unit", "parent", "level", "name"],
)


def counts(periods=QUARTERS, measure="warm", **given):
    made = {"unit": "A", "numerator": 8, "denominator": 10, "missing": 0}
    return pd.DataFrame({"measure": measure, "period": periods, **(made | given)})


def frame(report, name):
    (found,) = [one for one in report.all_tables if one.id == name]
    return found.frame


def text_of(report, title):
    return " ".join(one for part in report.sections if part.title == title for one in part.text)


# -------------------------------------------------------------------------------- coarse periods


def test_quarters_are_written_to_their_end():
    notes = [sb.note("comment", date="2024-04-01", reason="Hats", unit="A")]
    page = sb.unit_report(counts(), unit="A", better="higher", notes=notes)
    glance = next(one for one in page.all_tables if one.id == "at_a_glance")
    missed = next(one for one in page.all_tables if one.id == "missed_by_period")

    assert page.title == "A: January 2022 to December 2024"
    assert glance.title == "At a glance: the 4 quarters from Jan 2024 to Dec 2024"
    assert glance.frame["latest"].to_list() == ["80%\n8 of 10, Oct to Dec 2024"]
    assert missed.headings["2024-10-01"] == "Oct to Dec 2024"
    (noted,) = frame(page, "noted_and_since").to_dict("records")
    assert noted["before"].endswith("Jan 2022 to Mar 2024")
    assert noted["after"].endswith("Apr 2024 to Dec 2024")


def test_charts_of_quarters_say_to_when_they_go():
    charts = sb.control_charts(counts(numerator=[*[8] * 11, 0]), better="higher")
    said = charts.describe("warm", "A") if hasattr(charts, "describe") else describe(charts)
    assert "p chart of 12 points, Jan 2022 to Dec 2024" in said
    assert "the latest in Oct to Dec 2024" in said


def describe(charts):
    from spcbench.pictures import describe_chart

    return describe_chart(charts, "warm", "A")


def test_a_single_year_is_written_to_its_end():
    page = sb.unit_report(
        counts(pd.date_range("2020-04-01", periods=5, freq="12MS")), unit="A", better="higher"
    )
    assert page.title == "A: April 2020 to March 2025"
    assert page.all_tables[0].title == "At a glance: the year from Apr 2024 to Mar 2025"


# --------------------------------------------------------------------------- what charts say


def test_variation_is_of_the_latest_points_and_stepped_limits_of_the_latest():
    months = pd.date_range("2022-01-01", periods=24, freq="MS")
    steps = counts(months, denominator=[*range(10, 33), 20], numerator=[*range(8, 31), 17])
    said = describe(sb.control_charts(steps, better="higher"))
    assert "At its latest points: common cause, no significant change." in said
    assert " Limits at the latest point " in said

    level = describe(sb.control_charts(counts(months), better="higher"))
    assert " Limits " in level
    assert "at the latest point " not in level


def test_the_page_says_what_is_drawn():
    said = text_of(sb.unit_report(counts(), unit="A", better="higher"), "How to read this page")
    assert "Blue diamonds mark improvement, orange squares concern" in said
    assert "circles" not in said


# ----------------------------------------------------------------------------- small numbers


def small(periods, **given):
    page = sb.unit_report(counts(periods, **given), unit="A", better="higher")
    return text_of(page, "At a glance")


def test_longer_periods_are_advised_only_where_enough_would_remain():
    few = small(pd.date_range("2022-01-01", periods=36, freq="MS"), denominator=9)
    assert "Counting by quarters would leave 12 points, and a chart needs 13" in few
    many = small(pd.date_range("2021-01-01", periods=39, freq="MS"), denominator=9)
    assert "Counting by quarters steadies the picture." in many
    assert "--" not in few + many


def test_no_case_in_a_usual_period_is_fewer_than_one():
    months = pd.date_range("2022-01-01", periods=24, freq="MS")
    none = np.where(np.arange(24) % 3 == 0, 1, 0)
    said = small(months, numerator=0, denominator=none)
    assert "in a usual month fewer than one case counts towards each measure here" in said
    both = pd.concat(
        [
            counts(months, numerator=0, denominator=none),
            counts(months, measure="milk", numerator=5, denominator=7),
        ]
    )
    page = sb.unit_report(both, unit="A", better="higher")
    assert "in a usual month up to about 7 cases count" in text_of(page, "At a glance")


def host_of(*measures):
    plugin = types.ModuleType("words_plugin")
    plugin.SPCBENCH_API = 1
    fields = (
        Field(name="weeks", type="integer", range=(22, 44), title="Weeks"),
        Field(name="warm", type="boolean"),
        Field(name="milk", type="boolean"),
    )
    pack = Pack(
        id="care", title="Care", version="1", record="baby", fields=fields, measures=measures
    )

    @hookimpl
    def spcbench_packs():
        return [pack]

    plugin.spcbench_packs = spcbench_packs
    return PluginHost.of(plugin), pack


WARM = Measure(
    id="warm", title="Warm", better="higher", eligible="weeks < 34", met="warm", counts="baby"
)
MILK = Measure(id="milk", title="Milk", better="higher", eligible="weeks < 32", met="milk")
BUNDLE = Composite(
    id="bundle", title="Bundle", better="higher", of=("warm", "milk"), form="opportunity"
)


def births():
    """A: 30 records in 2024, of which 2 break a range; one of 30 has no date. B has 5."""
    size = 35
    table = pd.DataFrame(
        {
            "unit": ["A"] * 30 + ["B"] * 5,
            "born": [f"2024-{place % 12 + 1:02d}-01" for place in range(size)],
            "weeks": pd.array([30] * size, dtype="Int64"),
            "warm": pd.array([True] * size, dtype="boolean"),
            "milk": pd.array([True] * size, dtype="boolean"),
        }
    )
    table.loc[[0, 1], "weeks"] = 99
    table.loc[2, "weeks"] = pd.NA
    table.loc[[3, 4], "milk"] = pd.NA
    table.loc[5, "born"] = None
    return table


@pytest.fixture(scope="module")
def counted():
    _, pack = host_of(WARM, MILK, BUNDLE)
    return sb.count(births(), packs=[pack], unit_column="unit", date_column="born")


@pytest.fixture(scope="module")
def host():
    return host_of(WARM, MILK, BUNDLE)[0]


def test_opportunities_are_not_taken_for_babies(counted, host):
    said = text_of(sb.unit_report(counted, unit="A", host=host), "At a glance")
    assert "in a usual month about 2 cases count towards each measure here." in said


# ------------------------------------------------------------------- records that were set aside


def test_records_set_aside_stand_on_the_page_of_their_unit(counted, host):
    page = sb.unit_report(counted, unit="A", host=host)
    aside = "2 of the 29 records of this unit that were read (6.9%) were set aside"
    assert aside in text_of(page, "At a glance")
    assert aside in text_of(page, "How complete the records are")
    assert (
        "1 of all 35 records that were read has no unit or date that is known, so it is on "
        "nobody's page." in text_of(page, "How complete the records are")
    )
    (why,) = frame(page, "set_aside").to_dict("records")
    assert (why["field"], why["records"]) == ("Weeks", "2")
    assert why["reason"] == "expected 22 to 44"

    assert "made from counts" not in text_of(page, "How to read this page")

    other = sb.unit_report(counted, unit="B", host=host)
    assert "set aside" not in text_of(other, "At a glance")
    assert "None of the 5 records of this unit" in text_of(other, "How complete the records are")


def test_an_area_tells_the_records_of_its_units(counted, host):
    page = sb.area_report(counted, host=host)
    assert "2 of the 34 records of these units that were read (5.9%) were set aside" in text_of(
        page, "How complete the records are"
    )


def test_counts_alone_say_that_nobody_knows_what_was_set_aside():
    page = sb.unit_report(counts(), unit="A", better="higher")
    assert "How complete the records are" not in [one.title for one in page.sections]
    assert "do not say how many records were set aside" in text_of(page, "How to read this page")


def test_completeness_is_of_those_who_were_asked(counted, host):
    table = frame(sb.unit_report(counted, unit="A", host=host), "completeness")
    rows = table.set_index("measure_id")
    # 30 records, less 2 set aside, 1 without a date and 1 of unknown weeks.
    assert rows.loc["care@1:warm", "known"] == "100%"
    assert rows.loc["care@1:warm", "eligible"] == "26 babies"
    assert rows.loc["care@1:milk", "known"] == "92.3%\n2 of 26 not known"
    assert rows.loc["care@1:milk", "unsure"] == "1"
    assert len(rows) == 3
    assert rows.loc["care@1:bundle", "eligible"].endswith("opportunities")


# ------------------------------------------------------------------------------------ mistakes


def test_measures_are_chosen_by_whole_and_partial_names(counted, host):
    for name in ("milk", "care:milk", "care@1:milk"):
        page = sb.unit_report(counted, unit="A", measure=name, host=host)
        assert frame(page, "at_a_glance")["measure_id"].to_list() == ["care@1:milk"]
    page = sb.area_report(counted, measure="bundle", host=host)
    assert frame(page, "at_a_glance")["measure_id"].to_list() == ["care@1:bundle"]
    with pytest.raises(UnknownNameError, match="there is no measure 'nonsense'"):
        sb.unit_report(counted, unit="A", measure="nonsense", host=host)


def test_a_total_is_no_unit_and_no_area_without_a_hierarchy():
    with pytest.raises(OptionError, match=r"'S' is a system, not one unit: .*area= \(--area\)"):
        sb.unit_report(counts(), unit="S", hierarchy=TREE)
    with pytest.raises(OptionError, match=r"hierarchy= \(--hierarchy\)"):
        sb.area_report(counts(), area="S")


@pytest.mark.parametrize("nation", [QUARTERS[:1], QUARTERS[::4]])
def test_national_figures_of_longer_periods_are_refused(nation):
    months = pd.date_range("2022-01-01", periods=36, freq="MS")
    with pytest.raises(InputError, match="period"):
        sb.unit_report(
            counts(months), unit="A", national=counts(nation, unit="E92", numerator=900)
            .assign(denominator=1000), better="higher",
        )  # fmt: skip
