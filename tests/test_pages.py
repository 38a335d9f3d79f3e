"""The page of a unit and the page of an area: sums by hand, words, order, what is left out."""

import types
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import spcbench as sb
from spcbench.errors import InputError, OptionError, PluginError, UnknownNameError
from spcbench.measures.measure import Composite, Field, Measure
from spcbench.plugin import hookimpl
from spcbench.plugin.host import PluginHost
from spcbench.plugin.records import Pack
from spcbench.report import Page, ReportTable, Section
from spcbench.tables import Reference

MONTHS = pd.date_range("2023-01-01", periods=24, freq="MS")
TREE = pd.DataFrame(
    [
        ("R", None, "region", "Region of invention", None),
        ("S1", "R", "system", "First system", None),
        ("S2", "R", "system", "Second system", None),
        ("A", "S1", "provider", "Zeta Trust", "NICU"),
        ("B", "S1", "provider", "Alpha Trust", "LNU"),
        ("C", "S2", "provider", "Mid Trust", "LNU"),
    ],
    columns=["unit", "parent", "level", "name", "designation"],
)


def measure(name, **given):
    made = {"title": name.capitalize(), "better": "higher", "eligible": "TRUE", "met": name}
    made["verified"] = True
    return Measure(id=name, **(made | given))


FIELDS = tuple(Field(name=one, type="boolean") for one in ("warm", "place", "milk"))
WARM = measure("warm", target=0.9, stretch=0.95, counts="baby")
PLACE = measure(
    "place",
    compare_at=("system", "region"),
    strata="designation",
    caution="Near all by construction.",
)
MILK = measure("milk", verified=False)
BOTH = Composite(id="both", title="Both", better="higher", of=("warm", "milk"), form="all_or_none")


def pack(**given):
    made = {"measures": (WARM, PLACE, MILK, BOTH), "fields": FIELDS, "record": "baby"}
    return Pack(**({"id": "care", "title": "Care", "version": "1"} | made | given))


def host_with(one):
    """A host of the built-ins and a plugin that offers one pack."""
    plugin = types.ModuleType("pages_plugin")
    plugin.SPCBENCH_API = 1

    @hookimpl
    def spcbench_packs():
        return [one]

    plugin.spcbench_packs = spcbench_packs
    return PluginHost.of(plugin)


@pytest.fixture(scope="module")
def host():
    return host_with(pack())


def rows(name, unit, numerator, denominator, **more):
    return pd.DataFrame(
        {
            "measure": f"care@1:{name}",
            "unit": unit,
            "period": MONTHS,
            "numerator": numerator,
            "denominator": denominator,
            "missing": more.get("missing", 0),
        }
    )


def counts():
    """Three trusts; C is better since 2024, and A has nothing on milk."""
    later = np.arange(24) >= 12
    return pd.concat(
        [
            rows("warm", "A", 4, 5, missing=1),
            rows("warm", "B", 40, 50),
            rows("warm", "C", np.where(later, 90, 70), 100),
            rows("place", "A", 5, 5),
            rows("place", "B", 0, 5),
            rows("place", "C", 1, 5),
            rows("milk", "A", 0, 0),
            rows("milk", "B", 10, 20),
            rows("milk", "C", 30, 40),
            rows("both", "A", 1, 5),
            rows("both", "B", 12, 50),
            rows("both", "C", np.where(later, 40, 20), 100),
        ]
    )


def unit_page(host, unit="A", table=None, **given):
    made = {"hierarchy": TREE, "host": host}
    return sb.unit_report(counts() if table is None else table, unit=unit, **(made | given))


def area_page(host, area="R", table=None, **given):
    made = {"hierarchy": TREE, "host": host}
    return sb.area_report(counts() if table is None else table, area=area, **(made | given))


def section(report, title):
    (found,) = [one for one in report.sections if one.title == title]
    return found


def frame(report, name):
    (found,) = [one for one in report.all_tables if one.id == name]
    return found.frame


def words(report):
    """Everything that a page says."""
    for part in report.sections:
        yield part.title
        yield from part.text
        for table in part.tables:
            yield from (table.title, table.note, *table.headings.values())
            shown = table.frame[list(table.headings)]
            yield from (str(cell) for cell in shown.to_numpy().ravel() if not pd.isna(cell))


# ------------------------------------------------------------------------------- a unit's page


def test_at_a_glance_by_hand(host):
    page = unit_page(host)
    warm = frame(page, "at_a_glance").iloc[0]

    assert page.title == "Zeta Trust: January 2023 to December 2024"
    assert warm["measure"] == "Warm"
    assert warm["latest"] == "80%\n4 of 5, Dec 2024"
    assert warm["recent"] == "80%\n48 of 60"
    assert warm["system"] == "80%\n528 of 660"  # 12 × (4 + 40) of 12 × (5 + 50)
    assert warm["region"] == "86.5%\n1,608 of 1,860"  # and 12 × 90 of 12 × 100
    assert warm["target"] == "90%\nStretch 95%"
    assert warm["known"] == "83.3%\n12 of 72 not known"
    assert warm["missed"] == "12 babies"
    assert warm["variation_code"] == "common_cause"
    headings = page.all_tables[0].headings
    assert (headings["system"], headings["region"]) == ("First system", "Region of invention")
    assert headings["recent"] == "Last 12 months"


def test_measures_stand_in_the_order_of_their_pack(host):
    shown = frame(unit_page(host, "B"), "at_a_glance")["measure_id"]
    assert shown.to_list() == [f"care@1:{one}" for one in ("warm", "place", "milk", "both")]


def test_measures_without_data_are_named_in_one_line(host):
    page = unit_page(host)
    assert "No data for: Milk." in section(page, "At a glance").text
    assert "care@1:milk" not in set(page.all_results[0].summary["measure"])


def test_why_a_measure_is_not_counted_is_said(host):
    why = "not counted, because this is known for no case: Milk"
    table = counts().assign(note=None)
    lost = table["measure"].eq("care@1:both") & table["unit"].eq("A")
    table.loc[lost, ["numerator", "denominator"]] = None
    table.loc[lost, "missing"] = 3
    table["note"] = table["note"].mask(lost, why)
    table = table.astype({"numerator": "Int64", "denominator": "Int64", "note": "string"})
    text = section(unit_page(host, table=table), "At a glance").text

    assert text[:2] == ("No data for: Milk.", f"Both: {why}.")


def test_periods_that_reach_into_each_other_are_refused(host):
    table = counts()
    table["period_end"] = table["period"] + pd.DateOffset(months=3, days=-1)
    for page in (unit_page, area_page):
        with pytest.raises(InputError, match="would count cases more than once"):
            page(host, table=table)


def test_what_is_not_verified_is_said(host):
    assert (
        "Milk\nDefinition not verified"
        in frame(unit_page(host, "B"), "at_a_glance")["measure"].to_list()
    )


def test_a_caution_of_the_pack_is_told(host):
    assert "Place: Near all by construction." in section(unit_page(host), "At a glance").text


def test_small_numbers_are_told_in_plain_words(host):
    text = " ".join(section(unit_page(host), "At a glance").text)
    assert (
        "Numbers here are small: in a usual month about 5 cases count towards each measure" in text
    )
    assert "Counting by quarters would leave 8 points, and a chart needs 13" in text
    few = " ".join(section(unit_page(host, "C"), "At a glance").text)
    assert "about 5 cases count towards Place." in few
    large = counts()[lambda one: ~one["measure"].eq("care@1:place")]
    assert "Numbers here are small" not in " ".join(words(unit_page(host, "C", large)))


def test_missed_by_period_by_hand(host):
    missed = frame(unit_page(host), "missed_by_period").set_index("measure")
    assert missed.loc["Warm (babies)", "2024-12-01"] == "1 of 5"
    assert missed.loc["Place (cases)", "2024-01-01"] == "0 of 5"
    assert list(missed.columns) == [f"2024-{month:02d}-01" for month in range(1, 13)]


def test_weeks_have_a_window_of_a_year_and_twelve_columns():
    weeks = pd.date_range("2023-01-02", periods=80, freq="W-MON")
    table = pd.DataFrame({"measure": "warm", "unit": "A", "period": weeks})
    page = sb.unit_report(table.assign(numerator=4, denominator=5), unit="A", better="higher")
    assert page.all_tables[0].headings["recent"] == "Last 52 weeks"
    assert frame(page, "at_a_glance")["recent"].to_list() == ["80%\n208 of 260"]
    assert len(frame(page, "missed_by_period").columns) == 13


def test_counts_that_are_no_shares_are_refused():
    table = pd.DataFrame({"measure": "falls", "unit": "A", "period": MONTHS})
    with pytest.raises(InputError, match="numerator"):
        sb.unit_report(table.assign(numerator=9, denominator=5), unit="A")


def test_where_less_is_better_nothing_is_missed():
    table = counts()[lambda one: one["measure"].eq("care@1:warm")].assign(measure="falls")
    page = sb.unit_report(table, unit="A")
    assert frame(page, "at_a_glance")["missed"].to_list() == ["–"]
    assert "missed_by_period" not in [one.id for one in page.all_tables]


def test_quarters_have_a_window_of_four(host):
    table = counts()
    table["period"] = table["period"].dt.to_period("Q").dt.start_time
    quarters = table.groupby(["measure", "unit", "period"], as_index=False).sum()
    page = unit_page(host, table=quarters)
    warm = frame(page, "at_a_glance").iloc[0]

    assert page.all_tables[0].headings["recent"] == "Last 4 quarters"
    assert warm["recent"] == "80%\n48 of 60"
    assert warm["latest"] == "80%\n12 of 15, Oct to Dec 2024"


def test_another_window_and_an_earlier_end(host):
    page = unit_page(host, "C", until="2024-03", window=6)
    warm = frame(page, "at_a_glance").iloc[0]
    assert warm["recent"] == "80%\n480 of 600"  # October to December at 70, then three at 90
    assert page.title.endswith("January 2023 to March 2024")


def test_national_counts_stand_beside(host):
    nation = pd.concat([rows("warm", "E92", 900, 1000), rows("place", "E92", 1, 4)])
    nation = nation.assign(unit_name="England")
    page = unit_page(host, national=nation)
    glance = frame(page, "at_a_glance").set_index("measure_id")

    assert page.all_tables[0].headings["national"] == "England"
    assert glance.loc["care@1:warm", "national"] == "90%\n10,800 of 12,000"
    assert glance.loc["care@1:both", "national"] == "No data"


def test_national_counts_of_other_periods_are_not_set_beside(host):
    nation = rows("warm", "E92", 900, 1000).iloc[:-1]  # the last month is not out yet
    cell = frame(unit_page(host, national=nation), "at_a_glance").iloc[0]["national"]
    assert cell == "90%\n9,900 of 11,000, 11 of 12 months"


def test_national_counts_of_two_units_are_refused(host):
    nation = pd.concat([rows("warm", "E92", 9, 10), rows("warm", "W92", 9, 10)])
    with pytest.raises(InputError, match="holds 2 units; figures of the nation are those of one"):
        unit_page(host, national=nation)


def test_withheld_periods_are_told(host):
    table = counts()
    hidden = table["unit"].eq("A") & table["period"].eq(MONTHS[20])
    table["status"] = np.where(hidden, "suppressed", "ok")
    table.loc[hidden.to_numpy(), ["numerator", "denominator", "missing"]] = pd.NA
    warm = frame(unit_page(host, table=table), "at_a_glance").iloc[0]

    assert warm["recent"] == "80%\n44 of 55, 1 month withheld"
    assert warm["known"] == "–"  # eleven months of unknown cases are not those of twelve


def test_notes_are_listed_with_what_is_seen_since(host):
    notes = [
        sb.note("comment", date="2024-01-01", reason="Hats in every cot", unit="C"),
        sb.note("comment", date="2024-01-01", reason="Only elsewhere", unit="B"),
    ]
    noted = frame(unit_page(host, "C", notes=notes), "noted_and_since")
    warm = noted.iloc[0]

    assert noted["what"].unique().tolist() == ["Hats in every cot"]
    assert warm["before"] == "70%\n840 of 1,200, Jan 2023 to Dec 2023"
    assert warm["after"] == "90%\n1,080 of 1,200, Jan 2024 to Dec 2024"
    assert warm["difference"].startswith("20 points higher\n95% interval: ")
    assert warm["since"] == "A signal of improvement"
    page = unit_page(host, "C", notes=notes)
    assert "does not show what brought it about" in " ".join(words(page))


def test_a_page_without_notes_has_no_such_section(host):
    titles = [one.title for one in unit_page(host).sections]
    assert "What was done, and what is seen since" not in titles


def test_a_unit_that_is_not_there(host):
    with pytest.raises(UnknownNameError, match="there is no unit 'D'"):
        unit_page(host, "D")
    with pytest.raises(OptionError, match="'S1' is a system, not one unit"):
        unit_page(host, "S1")


def test_without_a_hierarchy_a_unit_stands_alone(host):
    page = unit_page(host, hierarchy=None)
    headings = list(page.all_tables[0].headings)
    assert page.title.startswith("A: ")
    assert "system" not in headings


def test_counts_that_are_rolled_up_already_need_no_hierarchy(host):
    rolled = sb.rolled_up(counts(), TREE)
    given = frame(unit_page(host, table=rolled, hierarchy=None, level="provider"), "at_a_glance")
    pd.testing.assert_frame_equal(given, frame(unit_page(host), "at_a_glance"))
    with pytest.raises(InputError, match="say which with level="):
        unit_page(host, table=rolled, hierarchy=None)


# ------------------------------------------------------------------------------- an area's page


def test_units_stand_by_name_and_never_by_value(host):
    matrix = frame(area_page(host), "units_and_measures")
    assert matrix["unit"].to_list() == ["Alpha Trust", "Mid Trust", "Zeta Trust"]


def test_the_matrix_by_hand(host):
    page = area_page(host)
    (table,) = [one for one in page.all_tables if one.id == "units_and_measures"]
    cells = table.frame.set_index("unit_code")
    columns = {title: name for name, title in table.headings.items()}

    value, amount, found = cells.loc["C", columns["Warm"]].split("\n")
    assert (value, amount) == ("90%", "1,080 of 1,200")
    # 90 % against 86.5 % of all: z is 3.6 at this size, beyond the 99.8 % limits.
    assert found == "Improvement; higher than the others (99.8%)"
    assert cells.loc["A", columns["Milk"]] == "No data"
    assert table.icons[columns["Warm"]] == f"{columns['Warm']}_variation"
    assert cells.loc["C", f"{columns['Warm']}_variation"] == "improvement_high"
    assert cells.loc["A", f"{columns['Milk']}_variation"] is None


def test_a_measure_is_compared_within_its_strata_and_between_systems(host):
    page = area_page(host)
    compared = section(page, "Is any unit different from the others?")
    place = [one for one in compared.results if "care@1:place" in set(one.units["measure"])]
    units = [sorted(one.units["unit"]) for one in place]
    groups = [set(one.units["group"].dropna()) for one in place]

    assert units == [["S1", "S2"], ["B", "C"]]
    assert groups == [set(), {"LNU"}]
    said = "Place: no funnel within NICU, where no case was met, or every case."
    assert said in compared.text


def test_what_may_not_be_compared_is_not_set_side_by_side(host):
    page = area_page(host)
    (table,) = [one for one in page.all_tables if one.id == "units_and_measures"]

    assert list(table.headings.values()) == ["Unit", "Warm", "Milk", "Both"]
    assert "because units are not alike: Place." in " ".join(
        section(page, "Units and measures").text
    )


def test_without_strata_such_a_measure_is_compared_between_systems_only(host):
    page = area_page(host, hierarchy=TREE.drop(columns="designation"))
    funnels = section(page, "Is any unit different from the others?").results

    assert all(
        set(one.units["unit"]) == {"S1", "S2"}
        for one in funnels
        if "care@1:place" in set(one.units["measure"])
    )


def test_then_and_now_by_hand(host):
    table = frame(area_page(host), "then_and_now").set_index("measure_id")
    warm = table.loc["care@1:warm"]

    assert table.index[0] == "care@1:both"  # composites come first
    assert warm["then"] == "73.5%\n1,368 of 1,860"
    assert warm["now"] == "86.5%\n1,608 of 1,860"
    assert warm["difference"].startswith("12.9 points higher\n95% interval: ")


def test_where_improvement_is_seen(host):
    seen = frame(area_page(host), "improvement_seen").set_index("measure")
    assert seen["units"].to_dict() == {"Warm": "Mid Trust", "Both": "Mid Trust"}


def test_where_no_improvement_is_seen_the_page_says_so(host):
    table = counts()[lambda one: one["unit"].ne("C")]
    page = area_page(host, "S1", table, hierarchy=TREE[TREE["unit"].ne("C")])
    assert "No unit's chart shows" in section(page, "Where improvement is seen").text[0]


def test_notes_of_units_are_listed_by_themselves(host):
    notes = [
        sb.note("comment", date="2024-01-01", reason="Hats", unit="C", measure="care:warm"),
        sb.note("comment", date="2023-06-15", reason="A campaign", measure="care:warm"),
        sb.note("comment", date="2023-06-15", reason="Of the region", unit="R", measure="warm"),
    ]
    page = area_page(host, notes=notes)
    assert frame(page, "units_noted")[["unit", "what"]].to_numpy().tolist() == [
        ["Mid Trust", "Hats"]
    ]
    assert frame(page, "noted_and_since")["what"].to_list() == ["A campaign", "Of the region"]


def test_all_units_together_need_no_hierarchy(host):
    page = area_page(host, None, hierarchy=None)
    warm = frame(page, "at_a_glance").iloc[0]

    assert page.title.startswith("All units: ")
    assert warm["recent"] == "86.5%\n1,608 of 1,860"
    assert len(frame(page, "units_and_measures")) == 3


def test_a_system_has_its_own_members_only(host):
    page = area_page(host, "S1")
    assert frame(page, "units_and_measures")["unit_code"].to_list() == ["B", "A"]
    assert list(page.all_tables[0].headings.values()).count("Region of invention") == 1


def test_an_area_that_is_none(host):
    with pytest.raises(OptionError, match="'A' is one unit, not an area"):
        area_page(host, "A")
    with pytest.raises(UnknownNameError, match="there is no area 'X'"):
        area_page(host, "X")


def test_a_unit_with_the_code_of_all(host):
    with pytest.raises(InputError, match="a unit has the code 'all'"):
        area_page(host, None, counts().replace({"unit": {"A": "all"}}), hierarchy=None)


def test_one_period_has_no_then_and_now(host):
    table = counts()[lambda one: one["period"].eq(MONTHS[0])]
    page = area_page(host, table=table)
    assert "then_and_now" not in [one.id for one in page.all_tables]


# ---------------------------------------------------------------------------- what packs add


def told(page: Page):
    made = f"{page.kind} {page.unit} {page.unit_name} {'+'.join(page.members)}"
    levels = sorted(page.counts["level"].unique())
    table = ReportTable(id="added", title="x", frame=pd.DataFrame({"a": [1]}), headings={"a": "A"})
    return [Section(title="Added", text=[made, str(levels), f"{page.last:%Y-%m}"], tables=[table])]


def test_a_pack_adds_sections_to_a_page():
    host = host_with(pack(sections=told))
    unit, area = unit_page(host), area_page(host)

    assert section(unit, "Added").text == (
        "unit A Zeta Trust A",
        "['provider', 'region', 'system']",
        "2024-12",
    )
    assert section(area, "Added").text[0] == "area R Region of invention B+C+A"


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        (lambda page: 1 / 0, "pack 'care@1' failed when asked for its sections of the page of 'A'"),
        (lambda page: ["text"], "pack 'care@1': sections gives Sections, not str"),
    ],
)
def test_a_pack_that_fails_is_named(sections, message):
    with pytest.raises(PluginError, match=message):
        unit_page(host_with(pack(sections=sections)))


# ------------------------------------------------------------------------------ from records


def births(size=600, seed=4):
    draw = np.random.default_rng(seed)
    days = pd.date_range("2023-01-01", "2024-12-31", freq="D")
    return pd.DataFrame(
        {
            "unit": draw.choice(["A", "B"], size, p=[0.15, 0.85]),
            "born": draw.choice(days, size),
            "warm": draw.random(size) < 0.8,
            "place": True,
            "milk": pd.array(np.where(draw.random(size) < 0.1, None, draw.random(size) < 0.6)),
        }
    )


def test_records_tell_how_complete_they_are_and_since_when(host):
    from spcbench.pages_unit import rare_measures

    table = births()
    how = {"packs": [pack()], "unit_column": "unit", "date_column": "born"}
    counted = sb.count(table, **how)
    rare = rare_measures(counted, "A", host)
    events = sb.event_counts(table, event="not_met", between="cases", measures=rare, **how)
    page = sb.unit_report(counted, unit="A", events=events, host=host)

    own = table[table["unit"].eq("A")].sort_values("born", kind="stable")
    since = len(own) - 1 - np.flatnonzero(~own["warm"].to_numpy())[-1]
    shown = frame(page, "since_last_missed").set_index("measure")
    assert rare == ["care@1:warm", "care@1:place", "care@1:milk"]
    assert shown.loc["Warm", "since"] == f"{since} {'baby' if since == 1 else 'babies'}"
    assert "Place" not in shown.index  # it was never missed
    waits = section(page, "Missed opportunities").results[0]
    assert waits.unit_names == {"A": "A"}

    recent = own[own["born"] >= "2024-01-01"]
    unknown, size = int(recent["milk"].isna().sum()), len(recent)
    complete = frame(page, "completeness").set_index("measure_id")
    milk = complete.loc["care@1:milk"]
    assert milk["known"].endswith(f"\n{unknown} of {size} not known")
    assert complete.loc["care@1:warm", "known"] == "100%"


def test_pages_are_the_same_twice_and_in_any_order_of_rows(host):
    one, two = area_page(host), area_page(host, table=counts().sample(frac=1, random_state=1))
    assert list(words(one)) == list(words(two))


def test_pages_neither_rank_nor_blame(host):
    notes = [sb.note("comment", date="2024-01-01", reason="Hats", unit="C")]
    for page in (unit_page(host, notes=notes), area_page(host, notes=notes)):
        said = " ".join(words(page)).lower()
        for word in ("worst", "rank", "league", "outlier", "because of it", "effect of", "caused"):
            assert word not in said


def test_options_that_cannot_be(host):
    with pytest.raises(OptionError, match="window must be a whole number of periods"):
        unit_page(host, window=0)
    with pytest.raises(OptionError, match="leaves no period"):
        unit_page(host, until="2020-01")
    with pytest.raises(InputError, match="has no rows, so there is nothing to report"):
        unit_page(host, table=counts().iloc[:0])
    with pytest.raises(UnknownNameError):
        unit_page(host, rules="nelson-of-mars")


def test_the_input_is_not_changed(host):
    table, tree = counts(), TREE.copy()
    before = table.copy()
    area_page(host, table=table, hierarchy=tree)
    pd.testing.assert_frame_equal(table, before)
    pd.testing.assert_frame_equal(tree, TREE)


def test_a_stretch_and_an_unverified_target_are_told():
    host = host_with(pack(measures=(replace(WARM, target_verified=False), PLACE, MILK, BOTH)))
    assert frame(unit_page(host), "at_a_glance").iloc[0]["target"] == (
        "90%\nStretch 95%\nNot verified"
    )


def test_the_newest_published_value_stands_beside_when_asked():
    known = (
        Reference(value=0.8, place="England", period="2021"),
        Reference(value=0.855, place="England", period="2022"),
        Reference(value=0.99, place="One trust", period="2024"),  # not a nation
    )
    host = host_with(pack(measures=(replace(WARM, references=known), PLACE, MILK, BOTH)))
    glance = frame(unit_page(host, references="published"), "at_a_glance")

    assert glance["published"].to_list()[:2] == ["85.5%\nEngland 2022", "–"]
    assert "published" not in frame(unit_page(host), "at_a_glance").columns


def test_measures_of_months_and_of_quarters_share_one_window():
    months = pd.DataFrame(
        {
            "measure": "b_monthly", "unit": "A", "period": pd.date_range("2024-01-01", periods=24,
            freq="MS"), "numerator": 8, "denominator": 10,
        }
    )  # fmt: skip
    quarters = months.iloc[::3].assign(measure="a_quarterly", denominator=40)
    page = sb.unit_report(pd.concat([quarters, months], ignore_index=True), unit="A")
    table = page.sections[0].tables[0]
    cells = table.frame.set_index("measure_id")["recent"]
    assert table.title == "At a glance: the 12 months from Jan 2025 to Dec 2025"
    assert cells["b_monthly"] == "80%\n96 of 120"
    assert cells["a_quarterly"] == "20%\n32 of 160"
    assert table.headings["latest"] == "Latest period"
