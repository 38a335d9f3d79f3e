"""Hierarchies: what is let in, every message, and that sums are of the right rows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import spcbench
from spcbench.cli import main
from spcbench.errors import InputError, OptionError, UnknownNameError
from spcbench.hierarchy import compared_with, rolled_up
from spcbench.hierarchy_check import Hierarchy, read_hierarchy
from spcbench.tables import LEVEL, STATUS, Table
from spcbench.testing.births import write_births

TREE = """unit,parent,level,from,to,name
ENG,,national,,,England
Y56,ENG,region,,,London
Y60,ENG,region,,,Midlands
QKK,Y56,system,,,South East London
QWE,Y56,system,,,South West London
RJ1,QKK,trust,,,
RJ2,QKK,trust,,,
RJ6,QWE,trust,,2024-02-29,
RJ6,QKK,trust,2024-03-01,,
RXK,Y60,trust,,,
"""
JANUARY, FEBRUARY, MARCH, APRIL = (f"2024-0{month}-01" for month in (1, 2, 3, 4))


def tree(text=TREE):
    cells = [line.split(",") for line in text.strip().splitlines()]
    return pd.DataFrame(cells[1:], columns=cells[0]).replace("", None)


def counts(*rows, **columns):
    """Counts of (unit, period, numerator, denominator)."""
    frame = pd.DataFrame(rows, columns=["unit", "period", "numerator", "denominator"])
    return frame.assign(measure="m", **columns)


SMALL = counts(
    ("RJ1", JANUARY, 1, 10),
    ("RJ2", JANUARY, 2, 20),
    ("RJ6", JANUARY, 3, 30),
    ("RXK", JANUARY, 4, 40),
    ("RJ1", MARCH, 5, 50),
    ("RJ2", MARCH, 6, 60),
    ("RJ6", MARCH, 7, 70),
    ("RXK", MARCH, 8, 80),
)


MOVED = SMALL[SMALL["period"] == MARCH]


def figures(frame, level=None):
    """Numerator and denominator by unit and month."""
    frame = frame if level is None else frame[frame["level"] == level]
    return {
        (row.unit, row.period.month): (row.numerator, row.denominator) for row in frame.itertuples()
    }


def refused(call, *given, error=InputError, **options):
    with pytest.raises(error) as caught:
        call(*given, **options)
    return str(caught.value)


# ------------------------------------------------------------------------------------- the sums


def test_every_level_adds_those_that_belonged_to_it_in_that_month():
    found = rolled_up(SMALL, tree())

    assert figures(found, "system") == {
        ("QKK", 1): (3, 30),
        ("QWE", 1): (3, 30),
        ("QKK", 3): (18, 180),  # RJ6 has moved
    }
    assert figures(found, "region") == {
        ("Y56", 1): (6, 60),
        ("Y60", 1): (4, 40),
        ("Y56", 3): (18, 180),
        ("Y60", 3): (8, 80),
    }
    assert figures(found, "national") == {("ENG", 1): (10, 100), ("ENG", 3): (26, 260)}
    assert figures(found, "provider") == figures(SMALL.assign(period=pd.to_datetime(SMALL.period)))


def test_rows_say_of_what_level_they_are_and_what_stands_behind_them():
    found = rolled_up(SMALL, tree()).set_index(["unit", "period"])

    assert found.loc[("ENG", MARCH), "units"] == 4
    assert found.loc[("QKK", JANUARY), "units"] == 2
    assert found.loc[("RJ1", JANUARY), "units"] == 1
    assert found.loc[("Y56", MARCH), "unit_name"] == "London"
    assert found.loc[("RJ1", MARCH), "level"] == "provider"
    assert set(found["status"]) == {"ok"}
    assert found["note"].isna().all()


def test_one_level_can_be_asked_for_alone():
    found = rolled_up(SMALL, tree(), to="region", keep=False)

    assert set(found["level"]) == {"region"}
    assert figures(found) == figures(rolled_up(SMALL, tree()), "region")


def test_trust_is_another_word_for_provider():
    sites = tree(TREE + "S1,RJ1,site,,,\nS2,RJ1,site,,,\n")
    found = rolled_up(counts(("S1", JANUARY, 1, 2), ("S2", JANUARY, 1, 3)), sites, to="trust")

    assert figures(found, "provider") == {("RJ1", 1): (2, 5)}
    assert set(found["level"]) == {"site", "provider"}


def test_columns_that_can_be_added_are_and_others_stay_only_where_they_agree():
    given_counts = SMALL.assign(
        expected=0.5, variance=0.25, missing=1, target=[0.1] * 4 + [0.1, 0.1, 0.2, 0.1]
    )
    found = rolled_up(given_counts, tree()).set_index(["unit", "period"])

    assert found.loc[("QKK", MARCH), ["expected", "variance", "missing"]].to_list() == [
        1.5,
        0.75,
        3,
    ]
    assert found.loc[("QKK", JANUARY), "target"] == 0.1
    assert np.isnan(found.loc[("QKK", MARCH), "target"])


def test_a_sum_with_an_unknown_term_is_unknown():
    found = rolled_up(SMALL.assign(expected=[None, *[1.0] * 7]), tree()).set_index(
        ["unit", "period"]
    )

    assert np.isnan(found.loc[("QKK", JANUARY), "expected"])
    assert found.loc[("QKK", JANUARY), "numerator"] == 3
    assert found.loc[("QWE", JANUARY), "expected"] == 1.0


def test_labels_keep_their_types():
    found = rolled_up(SMALL.assign(beds=12, teaching=True, town="Here"), tree())

    assert found["beds"].dtype == "Int64"
    assert found["teaching"].dtype == "boolean"
    assert found.loc[found["level"] == "system", ["beds", "town"]].isna().all(axis=None)


# ----------------------------------------------------------------------------------- the labels


def belonging(found, unit, period):
    """System and region of a row."""
    row = found[(found["unit"] == unit) & (found["period"] == period)].iloc[0]
    return [None if pd.isna(row[name]) else row[name] for name in ("system", "region")]


def test_rows_have_the_codes_of_what_their_unit_belonged_to_in_that_month():
    found = rolled_up(SMALL, tree())

    assert belonging(found, "RJ6", JANUARY) == ["QWE", "Y56"]
    assert belonging(found, "RJ6", MARCH) == ["QKK", "Y56"]
    assert belonging(found, "RXK", MARCH) == [None, "Y60"]
    assert belonging(found, "QKK", MARCH) == ["QKK", "Y56"]
    assert belonging(found, "Y60", MARCH) == [None, "Y60"]
    assert belonging(found, "ENG", MARCH) == [None, None]
    assert "national" not in found.columns
    assert "provider" not in found.columns
    assert list(found.columns[-2:]) == ["system", "region"]


def test_labels_do_not_depend_on_what_is_made_or_kept():
    whole = rolled_up(SMALL, tree())
    for options in ({"to": "region"}, {"to": "national", "keep": False}):
        part = rolled_up(SMALL, tree(), **options)
        both = whole.merge(part, on=["unit", "period"], suffixes=("", "_part"))
        assert len(both) == len(part)
        for name in ("system", "region"):
            pd.testing.assert_series_equal(both[name], both[f"{name}_part"], check_names=False)


def test_sites_have_a_trust_and_groups_are_labels_too():
    sites = tree(TREE + "S1,RJ1,site,,,\nG1,QKK,group,,,\n").replace({"parent": {"RJ1": "RJ1"}})
    sites.loc[(sites["unit"] == "RJ1"), "parent"] = "G1"
    found = rolled_up(counts(("S1", JANUARY, 1, 2)), sites, to=["trust", "group"])

    labels = ["provider", "system", "region", "group"]
    assert found.set_index("unit").loc["S1", labels].to_list() == ["RJ1", "QKK", "Y56", "G1"]
    assert found.set_index("unit").loc["G1", ["system", "group"]].to_list() == ["QKK", "G1"]
    assert found.set_index("unit").loc["RJ1", ["provider", "group"]].to_list() == ["RJ1", "G1"]


def test_a_label_that_says_otherwise_is_left_alone():
    theirs = SMALL.assign(system="BadgerNet", region=["Y56"] * 3 + ["Y60"] + [None] * 4)
    found = rolled_up(theirs, tree())

    own = found[found["level"] == "provider"]
    assert set(own["system"]) == {"BadgerNet"}
    assert found.loc[found["level"] != "provider", "system"].isna().all()
    # What is blank says nothing, so it is filled in.
    assert belonging(found, "RJ2", MARCH) == ["BadgerNet", "Y56"]
    assert belonging(found, "QKK", MARCH) == [None, "Y56"]
    numbers = rolled_up(SMALL.assign(region=7), tree())
    assert set(numbers.loc[numbers["level"] == "provider", "region"]) == {7}


def test_trusts_of_one_region_are_compared_with_one_another():
    rolled = rolled_up(SMALL, tree())
    funnels = spcbench.funnels(rolled, level="provider", by="region")

    groups = funnels.units.groupby("group", sort=True)["unit"].apply(list).to_dict()
    assert groups == {"Y56": ["RJ1", "RJ2", "RJ6"], "Y60": ["RXK"]}
    assert funnels.summary["target"].iloc[0] == pytest.approx(24 / 240)
    with pytest.raises(InputError, match="unit 'RJ6' has more than one system"):
        spcbench.funnels(rolled, level="provider", by="system")
    spring = spcbench.funnels(rolled_up(MOVED, tree()), level="provider", by="system")
    assert spring.units.groupby("group")["unit"].apply(list).to_dict()["QKK"] == [
        *("RJ1", "RJ2", "RJ6")
    ]


def test_measures_are_added_apart():
    both = pd.concat([SMALL, SMALL.assign(measure="n", numerator=0)])
    found = rolled_up(both, tree(), to="national", keep=False)

    assert found[["measure", "numerator"]].to_numpy().tolist() == [
        ["m", 10],
        ["m", 26],
        ["n", 0],
        ["n", 0],
    ]


def test_events_of_one_day_are_added():
    found = rolled_up(
        counts(("RJ1", JANUARY, 1, 1), ("RJ1", JANUARY, 0, 1), sequence=[1, 2]), tree(), to="system"
    )

    row = found[found["unit"] == "QKK"]
    assert row[["numerator", "denominator", "units"]].to_numpy().tolist() == [[1, 2, 1]]


def test_numerators_alone_are_added():
    found = rolled_up(SMALL.drop(columns="denominator"), tree(), to="national", keep=False)

    assert found["numerator"].to_list() == [10, 26]
    assert found["denominator"].isna().all()


# ------------------------------------------------------------------------------ uneven trees


def test_a_unit_without_a_system_is_in_its_region_all_the_same():
    found = rolled_up(SMALL, tree())

    assert "RXK" not in set(found.loc[found["level"] == "system", "unit"])
    assert figures(found, "region")["Y60", 3] == (8, 80)


def test_a_group_may_stand_between_and_be_asked_for():
    grouped = tree(
        TREE.replace("RJ1,QKK", "RJ1,LMNS").replace("RJ2,QKK", "RJ2,LMNS") + "LMNS,QKK,group,,,\n"
    )
    found = rolled_up(SMALL, grouped)
    groups = rolled_up(SMALL, grouped, to="group")

    assert figures(found) == figures(rolled_up(SMALL, tree()))
    assert figures(groups, "group") == {("LMNS", 1): (3, 30), ("LMNS", 3): (11, 110)}


def test_sites_and_whole_trusts_can_be_added_together():
    sites = tree(TREE + "S1,RJ1,site,,,\n")
    mixed = counts(("S1", JANUARY, 1, 10), ("RJ2", JANUARY, 2, 20))
    found = rolled_up(mixed, sites, level=("site", "trust"))

    assert figures(found, "system") == {("QKK", 1): (3, 30)}
    assert figures(found, "provider") == {("RJ1", 1): (1, 10), ("RJ2", 1): (2, 20)}


def test_a_site_and_its_trust_are_not_added_together():
    sites = tree(TREE + "S1,RJ1,site,,,\n")
    mixed = counts(("S1", JANUARY, 1, 10), ("RJ1", JANUARY, 1, 10))

    assert refused(rolled_up, mixed, sites, level=("site", "trust")) == (
        "row 1, column 'unit': 'S1' is in 'RJ1', which has a row for that period too; adding both "
        "would count people twice"
    )


# -------------------------------------------------------------------------- totals that are there


def with_totals():
    totals = counts(("QKK", JANUARY, 99, 100), ("ENG", JANUARY, 98, 990))
    levels = ["provider"] * 8 + ["system", "national"]
    return pd.concat([SMALL, totals], ignore_index=True).assign(level=levels)


def test_a_table_that_holds_totals_is_refused_until_told_what_to_add():
    message = (
        "the table holds the levels national, provider, system, so some rows may be totals of "
        "others; say which level to add from with level= (--level)"
    )

    assert refused(rolled_up, with_totals(), tree()) == message
    assert refused(rolled_up, with_totals().drop(columns="level"), tree()) == message


def test_totals_that_are_there_stay_and_are_never_added():
    found = rolled_up(with_totals(), tree(), level="provider")

    assert figures(found, "system")["QKK", 1] == (99, 100)
    assert figures(found, "system")["QKK", 3] == (18, 180)
    assert figures(found, "national") == {("ENG", 1): (98, 990), ("ENG", 3): (26, 260)}
    assert figures(found, "region")["Y56", 1] == (6, 60)


def test_a_suppressed_total_is_not_worked_out_again():
    hidden = with_totals().assign(status=["ok"] * 8 + ["suppressed", "ok"])
    found = rolled_up(hidden, tree(), level="provider").set_index(["unit", "period"])

    assert found.loc[("QKK", JANUARY), "status"] == "suppressed"
    assert found.loc[("QKK", JANUARY), "numerator"] is pd.NA


def test_keeping_only_totals_keeps_those_that_were_there():
    found = rolled_up(with_totals(), tree(), level="provider", to="system", keep=False)

    assert figures(found)["QKK", 1] == (99, 100)
    assert set(found["level"]) == {"system"}


def test_a_total_of_an_unknown_code_is_refused():
    strange = with_totals().replace({"ENG": "ALL"})

    assert refused(rolled_up, strange, tree(), level="provider").startswith(
        "row 10, column 'unit': 'ALL' is nowhere in the hierarchy; "
    )


def test_rolling_up_twice_changes_nothing():
    once = rolled_up(SMALL, tree())

    pd.testing.assert_frame_equal(rolled_up(once, tree(), level="provider"), once)


def test_steps_one_by_one_give_the_same_figures():
    system = rolled_up(SMALL, tree(), to="system", keep=False)
    region = rolled_up(system, tree(), to="region", keep=False)

    # RXK has no system, so only London can be reached this way.
    assert figures(region) == {
        key: value
        for key, value in figures(rolled_up(SMALL, tree()), "region").items()
        if key[0] == "Y56"
    }


def test_the_level_a_reader_prefers_is_added():
    table = Table(kind="counts", data=with_totals(), source="file.csv", default_level="provider")

    assert figures(rolled_up(table, tree()), "region")["Y56", 1] == (6, 60)


# ------------------------------------------------------------------------------ partial totals


def quarter(**changed):
    months = [JANUARY, FEBRUARY, MARCH, APRIL]
    rows = [(unit, month, 1, 10) for unit in ("RJ1", "RJ2") for month in months]
    return counts(*rows, **changed)


def test_a_total_without_a_unit_that_usually_reports_says_so():
    found = rolled_up(quarter().drop(index=7), tree(), to="system").set_index(["unit", "period"])

    assert found.loc[("QKK", APRIL), "note"] == "1 of 2 units; without RJ2"
    assert found.loc[("QKK", APRIL), ["units", "units_missing"]].to_list() == [1, 1]
    assert found.loc[("QKK", APRIL), "numerator"] == 1
    assert found.loc[("QKK", APRIL), "status"] == "ok"
    assert found.loc[("QKK", MARCH), "units_missing"] == 0


def test_it_can_be_left_out():
    found = rolled_up(quarter().drop(index=7), tree(), to="system", partial="leave_out")
    row = found.set_index(["unit", "period"]).loc[("QKK", APRIL)]

    assert row["status"] == "insufficient_data"
    assert row["numerator"] is pd.NA
    assert row["note"] == "1 of 2 units; without RJ2"


@pytest.mark.parametrize(("reports", "usual"), [(1, False), (2, True), (3, True)])
def test_half_of_the_periods_is_usual(reports, usual):
    found = rolled_up(quarter().drop(index=range(4 + reports, 8)), tree(), to="system")
    row = found.set_index(["unit", "period"]).loc[("QKK", APRIL)]

    assert row["units_missing"] == int(usual)


def test_a_unit_is_not_missed_where_it_did_not_exist():
    dated = tree(TREE.replace("RJ2,QKK,trust,,,", "RJ2,QKK,trust,,2024-02-29,"))
    found = rolled_up(quarter().drop(index=[6, 7]), dated, to="system", keep=False)

    assert found["units"].to_list() == [2, 2, 1, 1]
    assert found["units_missing"].to_list() == [0, 0, 0, 0]


def test_a_unit_without_cases_after_it_closed_needs_no_row():
    dated = tree(TREE.replace("RJ2,QKK,trust,,,", "RJ2,QKK,trust,,2024-02-29,"))
    closed = quarter().assign(numerator=[1] * 6 + [0, 0], denominator=[10] * 6 + [0, 0])
    found = rolled_up(closed, dated, to="system", keep=False)

    assert found["units_missing"].to_list() == [0, 0, 0, 0]


def test_no_cases_in_a_unit_that_usually_has_some_is_said():
    none = quarter().assign(numerator=[1] * 7 + [0], denominator=[10] * 7 + [0])
    found = rolled_up(none, tree(), to="system", keep=False)

    assert found["note"].to_list()[-1] == "1 of 2 units; without RJ2"


def test_nobody_eligible_for_one_measure_is_no_gap_where_another_has_cases():
    none = quarter().assign(numerator=[1] * 7 + [0], denominator=[10] * 7 + [0])
    other = quarter().assign(measure="other")
    both = pd.concat([none, other], ignore_index=True)
    found = rolled_up(both, tree(), to="system", keep=False)
    assert found["units_missing"].to_list() == [0] * 8
    assert found["note"].isna().all()

    # A row that is not there, or is blank, says nothing about who was eligible.
    found = rolled_up(both.drop(index=7), tree(), to="system", keep=False)
    assert found["units_missing"].sum() == 1
    blank = both.assign(denominator=both["denominator"].mask(both.index == 7))
    blank = blank.assign(numerator=blank["numerator"].mask(both.index == 7))
    found = rolled_up(blank, tree(), to="system", keep=False)
    assert found["units_missing"].sum() == 1


def test_cases_of_which_nothing_is_known_stay_missing_in_the_total():
    made = counts(
        ("RJ1", JANUARY, 1, 10),
        ("RJ2", JANUARY, 0, 0),  # two cases, of neither is it known
        ("RJ1", FEBRUARY, 0, 0),
        ("RJ2", FEBRUARY, 0, 0),
        ("RJ1", MARCH, 0, 0),  # nobody at all
        ("RJ2", MARCH, 0, 0),
        missing=[3, 2, 1, 4, 0, 0],
        expected=[0.5, 0.1, 0.1, 0.1, 0.0, 0.0],
    )
    found = rolled_up(made, tree(), to="system", keep=False)

    assert found["missing"].fillna(-1).to_list() == [5, 5, -1]
    assert found["denominator"].fillna(-1).to_list() == [10, 0, -1]
    assert found["numerator"].fillna(-1).to_list() == [1, 0, -1]
    assert found["status"].to_list() == ["ok", "no_data", "no_data"]
    assert found["units"].to_list() == [1, 0, 0]
    assert found["expected"].fillna(-1).to_list() == [0.5, -1, -1]  # of those counted only

    # And on to the region: nothing is lost on the way.
    again = rolled_up(found, tree(), to="region", level="system", keep=False)
    assert again["missing"].fillna(-1).to_list() == [5, 5, -1]


def test_missing_cases_of_a_withheld_count_are_withheld_too():
    made = counts(("RJ1", JANUARY, 0, 0), ("RJ2", JANUARY, 0, 0), missing=[2, 3])
    made["status"] = ["no_data", "suppressed"]
    found = rolled_up(made, tree(), to="system", keep=False)

    assert found["status"].to_list() == ["suppressed"]
    assert found[["numerator", "denominator", "missing"]].isna().all(axis=None)


def test_a_count_that_is_withheld_is_always_said():
    status = ["ok"] * 4 + ["suppressed"] * 4
    found = rolled_up(quarter(status=status), tree(), to="system", keep=False)

    assert found["note"].to_list() == ["1 of 2 units; without RJ2"] * 4
    assert found["numerator"].to_list() == [1] * 4


def test_where_all_is_withheld_the_total_is_too():
    found = rolled_up(quarter(status="suppressed"), tree(), to="system", keep=False)

    assert set(found["status"]) == {"suppressed"}
    assert found["numerator"].isna().all()
    assert found["units"].to_list() == [0] * 4


def test_where_nobody_has_data_the_total_has_none():
    found = rolled_up(quarter().assign(numerator=0, denominator=0), tree(), to="system", keep=False)

    assert set(found["status"]) == {"no_data"}
    assert found["units_missing"].to_list() == [0] * 4


def test_a_note_names_three_units_and_counts_the_rest():
    codes = [f"R{number}" for number in range(6)]
    wide = tree("unit,parent,level\nQ,,system\n" + "".join(f"{one},Q,trust\n" for one in codes))
    rows = [(one, month, 1, 2) for one in codes for month in (JANUARY, FEBRUARY)]
    rows = [row for row in rows if row[1] == JANUARY or row[0] == "R0"]
    found = rolled_up(counts(*rows), wide, to="system", keep=False)

    assert found["note"].to_list()[-1] == "1 of 6 units; without R1, R2, R3 and 2 more"


# --------------------------------------------------------------------- faults of a hierarchy


def test_a_file_is_read_with_its_lines(tmp_path):
    path = tmp_path / "tree.csv"
    path.write_text(TREE.replace("RJ2,QKK", "RJ2,QKX"))

    assert refused(read_hierarchy, path) == (
        "tree.csv, line 8, column 'parent': 'QKX', the parent of 'RJ2', has no row of its own; "
        "did you mean 'QKK'?"
    )
    path.write_text(TREE)
    assert figures(rolled_up(SMALL, path)) == figures(rolled_up(SMALL, tree()))
    assert refused(read_hierarchy, tmp_path / "none.csv").startswith("there is no file")
    path.write_bytes(b"PAR1....")
    assert refused(read_hierarchy, path) == (
        "tree.csv is not a CSV file of a hierarchy: it looks like a Parquet file"
    )


FAULTS = {
    "a,b,site\nb,c,system\nc,a,region": "the hierarchy, row 1: 'a' stands above itself: "
    "a in b in c in a",
    "a,a,site": "the hierarchy, row 1: 'a' stands above itself: a in a",
    "a,b,system\nb,,system": "the hierarchy, row 1, column 'parent': 'b' is a system, which cannot "
    "stand above 'a', a system; the order is site, provider, system, region, national, and a "
    "group may stand between any two",
    "a,g,region\ng,b,group\nb,,site": "the hierarchy, row 2, column 'parent': 'b' is a site, which "
    "cannot stand above 'g', a group",
    "a,b,site\na,c,site\nb,,system\nc,,system": "the hierarchy, row 1 and the hierarchy, row 2 "
    "overlap: 'a' has two parents, b and c, from the start; give the dates from which and to which "
    "each holds",
    "a,b,site\na,b,site\nb,,system": "the hierarchy, row 1 and the hierarchy, row 2 overlap: 'a' "
    "has two rows from the start",
    "a,b,ward\nb,,system": "the hierarchy, row 1, column 'level': 'ward' is not a level",
    "a,b,site\nb,,": "the hierarchy, row 2, column 'level' is blank; every row needs a level",
    ",b,site\nb,,system": "the hierarchy, row 1, column 'unit' is blank",
}


@pytest.mark.parametrize("rows", FAULTS)
def test_faults_are_refused(rows):
    message = refused(read_hierarchy, tree("unit,parent,level\n" + rows))

    assert message.startswith(FAULTS[rows])


DATED = {
    "a,b,site,2024-02-01,2024-01-31\nb,,system,,": "the hierarchy, row 1, column 'to': 'a' belongs "
    "to its parent to 2024-01-31, before it began on 2024-02-01",
    "a,b,site,,2024-02-01\na,c,site,2024-02-01,\nb,,system,,\nc,,system,,": "the hierarchy, row 1 "
    "and the hierarchy, row 2 overlap: 'a' has two parents, b and c, on 2024-02-01",
    "a,b,site,,2024-01-31\na,b,provider,2024-02-01,\nb,,system,,": "the hierarchy, row 2, column "
    "'level': 'a' is a provider, and a site in the hierarchy, row 1; a unit has one level",
    "a,b,site,1 May,\nb,,system,,": "the hierarchy, row 1, column 'from': '1 May' is not a date in "
    "ISO order",
    # Neither loops for itself; only from March on do they.
    "a,b,group,,\nb,,group,,2024-02-29\nb,a,group,2024-03-01,": "the hierarchy, row 3: 'b' stands "
    "above itself: b in a in b",
}


@pytest.mark.parametrize("rows", DATED)
def test_faults_of_dates_are_refused(rows):
    message = refused(read_hierarchy, tree("unit,parent,level,from,to\n" + rows))

    assert message.startswith(DATED[rows])


def test_days_that_meet_do_not_overlap():
    found = read_hierarchy(
        tree(
            "unit,parent,level,from,to\na,b,site,,2024-01-31\na,c,site,2024-02-01,\n"
            "b,,system,,\nc,,system,,"
        )
    )

    assert len(found.rows) == 4


def test_two_units_that_change_places_are_no_loop():
    swapped = (
        "unit,parent,level,from,to\na,b,group,,2024-02-29\na,,group,2024-03-01,\n"
        "b,,group,,2024-02-29\nb,a,group,2024-03-01,"
    )

    assert isinstance(read_hierarchy(tree(swapped)), Hierarchy)


def test_columns_are_checked():
    named = tree().rename(columns={"parent": "above"})

    assert refused(read_hierarchy, named).startswith(
        "the hierarchy has no column 'parent'; Known: "
    )
    assert refused(read_hierarchy, tree().rename(columns={"from": "form"})) == (
        "the hierarchy has a column 'form'; did you mean 'from'?"
    )
    assert len(read_hierarchy(tree().assign(confidence="high")).rows) == 10


def test_chains_of_any_depth_end():
    codes = [f"g{number:02d}" for number in range(60)]
    rows = [f"{one},{other},group" for one, other in zip(codes, [*codes[1:], ""], strict=True)]

    assert refused(read_hierarchy, tree("unit,parent,level\n" + "\n".join(rows))) == (
        "the hierarchy, row 1: more than 50 units stand above 'g00'"
    )


# ------------------------------------------------------------------ faults of counts in a hierarchy


def test_a_unit_that_is_nowhere_is_refused():
    lost = pd.concat([SMALL, counts(("RJ9", JANUARY, 1, 2))], ignore_index=True)

    assert refused(rolled_up, lost, tree()).startswith(
        "row 9, column 'unit': 'RJ9' is nowhere in the hierarchy; did you mean 'RJ6'"
    )


def test_counts_when_no_row_holds_are_refused():
    late = tree(TREE.replace("RJ1,QKK,trust,,,", "RJ1,QKK,trust,2024-01-15,,"))

    assert refused(rolled_up, SMALL, late) == (
        "row 1, column 'unit': 'RJ1' has counts for 2024-01-01, on which no row of the hierarchy "
        "holds for it"
    )


def test_an_orphan_is_refused_where_its_total_would_lack_it():
    orphan = tree(TREE.replace("RXK,Y60", "RXK,"))

    assert refused(rolled_up, SMALL, orphan) == (
        "row 4, column 'unit': 'RXK' belongs to no national on 2024-01-01: 'RXK' has no parent "
        "(the hierarchy, row 10) (2 such rows)"
    )
    fading = tree(TREE.replace("Y60,ENG,region,,,", "Y60,ENG,region,,2024-01-31,"))
    assert refused(rolled_up, SMALL, fading) == (
        "row 8, column 'unit': 'RXK' belongs to no national on 2024-03-01: 'RXK' has the parent "
        "'Y60', with no row on 2024-03-01 (the hierarchy, row 10)"
    )


def test_a_chain_that_goes_far_enough_will_do():
    assert figures(rolled_up(SMALL[SMALL.unit == "RJ1"], tree(), to="system"), "system") == {
        ("QKK", 1): (1, 10),
        ("QKK", 3): (5, 50),
    }
    without_nation = tree(TREE.replace("ENG,,national,,,England\n", "").replace(",ENG,", ",,"))
    assert "national" not in set(rolled_up(SMALL, without_nation)["level"])


def test_a_level_unlike_that_of_the_hierarchy_is_refused():
    assert refused(rolled_up, SMALL.assign(level="site"), tree()) == (
        "row 1, column 'level': 'RJ1' is a site here and a provider in the hierarchy (8 such rows)"
    )


def test_single_values_are_refused():
    waits = SMALL.assign(value=1.5, numerator=None, denominator=None)

    assert refused(rolled_up, waits, tree()) == (
        "row 1: 'm' of 'RJ1' has no numerator; only counts can be added up, not single values "
        "(8 such rows)"
    )


def test_lines_of_a_file_are_named(tmp_path):
    path = tmp_path / "counts.csv"
    pd.concat([counts(("RZZ", MARCH, 1, 2)), SMALL]).to_csv(path, index=False)

    assert refused(rolled_up, spcbench.read(path), tree()).startswith(
        "counts.csv, line 2, column 'unit': 'RZZ' is nowhere"
    )


def test_options_are_checked():
    assert refused(rolled_up, SMALL, tree(), error=OptionError, partial="drop") == (
        "partial must be one of note, leave_out, not 'drop'"
    )
    assert refused(rolled_up, SMALL, tree(), error=OptionError, to="icb").startswith(
        "to: 'icb' is not a level; "
    )
    assert refused(rolled_up, SMALL, tree(), error=UnknownNameError, level="site").startswith(
        "there is no level 'site'"
    )
    assert (
        refused(rolled_up, SMALL, tree(), to="site") == "the hierarchy has no unit of level 'site'"
    )
    records = Table(kind="records", data=SMALL, source="births.csv")
    assert refused(rolled_up, records, tree()) == (
        "births.csv holds records, not counts; count them first"
    )


# ------------------------------------------------------------------------------- what comes back


def test_what_was_counted_stays_counted():
    found = spcbench.Counted(
        counts=rolled_up(SMALL, tree()),
        quality=pd.DataFrame(),
        rejects=pd.DataFrame(),
        display={},
        provenance={},
    )
    rolled = rolled_up(found, tree(), level="provider")

    assert isinstance(rolled, spcbench.Counted)
    pd.testing.assert_frame_equal(rolled.counts, found.counts)


def test_it_feeds_a_chart():
    charts = spcbench.control_charts(
        rolled_up(quarter(), tree()), chart="p", level="national", better="higher"
    )

    assert charts.points["denominator"].to_list() == [20] * 4


def test_polars_and_row_order_make_no_difference():
    found = rolled_up(SMALL, tree())

    pd.testing.assert_frame_equal(rolled_up(pl.from_pandas(SMALL), pl.from_pandas(tree())), found)
    pd.testing.assert_frame_equal(
        rolled_up(SMALL.sample(frac=1, random_state=1), tree().iloc[::-1]), found
    )


def test_nothing_is_written_to_what_came():
    before, above = SMALL.copy(), tree()
    rolled_up(SMALL, above)

    pd.testing.assert_frame_equal(SMALL, before)
    pd.testing.assert_frame_equal(above, tree())


def test_no_counts_are_no_totals():
    found = rolled_up(SMALL.iloc[:0], tree())

    assert found.empty
    assert {"level", "units", "units_missing", "system", "region"} <= set(found.columns)
    assert found["level"].cat.categories.to_list() == list(LEVEL)
    assert found["status"].cat.categories.to_list() == list(STATUS)


def test_one_unit_is_shown_beside_its_system_region_and_nation():
    found = compared_with(rolled_up(SMALL, tree()), tree(), "RJ6")

    assert figures(found).keys() == {
        ("RJ6", 1), ("QWE", 1), ("Y56", 1), ("ENG", 1),
        ("RJ6", 3), ("QKK", 3), ("Y56", 3), ("ENG", 3),
    }  # fmt: skip
    assert refused(compared_with, SMALL, tree(), "RJ7", error=UnknownNameError).startswith(
        "there is no unit 'RJ7'; did you mean"
    )


def test_the_last_day_of_a_row_is_in_it_and_the_next_is_not():
    days = ["2024-02-28", "2024-02-29", "2024-03-01", "2024-03-02"]
    found = rolled_up(counts(*(("RJ6", day, 1, 2) for day in days)), tree(), to="system")
    systems = found[found["level"] == "system"].set_index("period")["unit"]

    assert systems.loc[pd.to_datetime(days)].to_list() == ["QWE", "QWE", "QKK", "QKK"]


def test_a_unit_that_has_ended_has_no_counts_on_the_next_day():
    ended = tree("unit,parent,level,from,to\na,b,site,,2024-02-29\nb,,system,,")
    days = counts(("a", "2024-02-29", 1, 2), ("a", "2024-03-01", 1, 2))

    assert "'a' has counts for 2024-03-01, on which no row" in refused(rolled_up, days, ended)


def test_a_row_may_hold_for_one_day():
    brief = "a,b,site,2024-01-01,2024-01-01\nb,,system,,"
    above = read_hierarchy(tree("unit,parent,level,from,to\n" + brief))

    assert figures(rolled_up(counts(("a", JANUARY, 1, 2)), above), "system") == {("b", 1): (1, 2)}


def test_of_two_groups_the_nearer_one_is_made():
    nested = tree("unit,parent,level\na,g,site\ng,h,group\nh,b,group\nb,,system")
    found = rolled_up(counts(("a", JANUARY, 1, 2)), nested, to="group")

    assert set(found["unit"]) == {"a", "g"}


def test_a_trust_without_data_beside_its_site_is_no_double():
    sites = tree(TREE + "S1,RJ1,site,,,\n")
    mixed = counts(("S1", JANUARY, 1, 10), ("RJ1", JANUARY, 0, 0), ("RJ2", JANUARY, 2, 20))
    found = rolled_up(mixed, sites, level=("site", "trust"))

    assert figures(found, "system") == {("QKK", 1): (3, 30)}


def test_the_first_code_of_all_is_a_parent_like_any_other():
    first = tree("unit,parent,level\nA,,provider\nS,A,site")
    mixed = counts(("S", JANUARY, 1, 10), ("A", JANUARY, 1, 10))

    assert "'S' is in 'A', which has a row" in refused(
        rolled_up, mixed, first, level=("site", "provider")
    )


def test_all_trusts_are_kept_whether_added_or_there():
    sites = tree(TREE + "S1,RJ1,site,,,\n")
    mixed = counts(("S1", JANUARY, 1, 10), ("RJ2", JANUARY, 2, 20))
    found = rolled_up(mixed, sites, level=("site", "trust"), to="trust", keep=False)

    assert figures(found) == {("RJ1", 1): (1, 10), ("RJ2", 1): (2, 20)}


def test_an_orphan_without_data_is_no_fault():
    orphan = tree(TREE.replace("RXK,Y60", "RXK,"))
    without = SMALL.mask(SMALL["unit"] == "RXK", SMALL.assign(numerator=0, denominator=0))

    assert figures(rolled_up(without, orphan), "national")["ENG", 1] == (6, 60)


def test_two_of_five_periods_are_not_usual():
    months = [f"2024-0{month}-01" for month in range(1, 6)]
    rows = [("RJ1", month, 1, 10) for month in months] + [("RJ2", one, 1, 10) for one in months[:2]]
    found = rolled_up(counts(*rows), tree(), to="system", keep=False)

    assert found["units_missing"].to_list() == [0] * 5


def test_a_month_in_which_nobody_had_data_is_held_against_nobody():
    empty = quarter().assign(numerator=[1, 1, 1, 0] * 2, denominator=[10, 10, 10, 0] * 2)
    found = rolled_up(empty, tree(), to="system", keep=False)

    assert found["units_missing"].to_list() == [0] * 4
    assert found["status"].to_list() == ["ok"] * 3 + ["no_data"]


def test_three_units_are_all_named():
    codes = [f"R{number}" for number in range(4)]
    wide = tree("unit,parent,level\nQ,,system\n" + "".join(f"{one},Q,trust\n" for one in codes))
    rows = [(one, JANUARY, 1, 2) for one in codes] + [("R0", FEBRUARY, 1, 2)]
    found = rolled_up(counts(*rows), wide, to="system", keep=False)

    assert found["note"].to_list()[-1] == "1 of 4 units; without R1, R2, R3"


def test_rows_of_units_that_are_nowhere_are_not_shown_beside():
    strange = pd.concat([SMALL, counts(("ALL", JANUARY, 1, 2))])

    assert "ALL" not in set(compared_with(strange, tree(), "RJ1")["unit"])


# ------------------------------------------------------------------------------------ properties


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    systems=st.integers(1, 4),
    units=st.integers(1, 12),
    months=st.integers(1, 8),
)
def test_nobody_is_lost_or_counted_twice(seed, systems, units, months):
    rng = np.random.default_rng(seed)
    codes = [f"R{number:02d}" for number in range(units)]
    periods = pd.date_range("2024-01-01", periods=months, freq="MS")
    rows = [("E", None, "national", None, None)]
    rows += [(f"Q{one}", "E", "system", None, None) for one in range(systems)]
    belongs = rng.integers(systems, size=(units, months))
    for code, own in zip(codes, belongs, strict=True):
        rows += [
            (code, f"Q{one}", "provider", period, period + pd.offsets.MonthEnd(1))
            for one, period in zip(own, periods, strict=True)
        ]
    moving = pd.DataFrame(rows, columns=["unit", "parent", "level", "from", "to"])
    moving["parent"] = moving["parent"].astype("object").where(moving["parent"].notna(), None)
    denominator = rng.integers(1, 50, units * months)
    given_counts = pd.DataFrame(
        {
            "measure": "m",
            "unit": np.repeat(codes, months),
            "period": np.tile(periods, units),
            "numerator": rng.binomial(denominator, 0.3),
            "denominator": denominator,
        }
    )
    found = rolled_up(given_counts, moving)
    by_hand = given_counts.assign(unit=[f"Q{one}" for one in belongs.ravel()])
    by_hand = by_hand.groupby(["unit", "period"])[["numerator", "denominator"]].sum()
    made = found[found["level"] == "system"].set_index(["unit", "period"])

    assert made["numerator"].to_dict() == by_hand["numerator"].to_dict()
    assert made["denominator"].to_dict() == by_hand["denominator"].to_dict()
    nation = found[found["level"] == "national"]
    assert nation["denominator"].sum() == denominator.sum()
    assert (nation["units"] == units).all()


def test_ten_thousand_units_and_three_years_are_added_and_labelled():
    units, months = 10_000, 36
    codes = [f"U{number:05d}" for number in range(units)]
    rows = [("ENG", None, "national"), *((f"Y{one}", "ENG", "region") for one in range(7))]
    rows += [(f"Q{one}", f"Y{one % 7}", "system") for one in range(42)]
    rows += [(code, f"Q{at % 42}", "provider") for at, code in enumerate(codes)]
    above = read_hierarchy(pd.DataFrame(rows, columns=["unit", "parent", "level"]))
    wide = pd.DataFrame(
        {
            "measure": "m",
            "unit": pd.array(np.repeat(codes, months), dtype="string"),
            "period": np.tile(pd.date_range("2022-01-01", periods=months, freq="MS"), units),
            "numerator": 1,
            "denominator": 2,
        }
    )
    found = rolled_up(wide, above)

    assert len(found) == (units + 50) * months
    own = found[found["level"] == "provider"].drop_duplicates("unit")
    assert own["system"].to_list() == [f"Q{at % 42}" for at in range(units)]
    assert own["region"].to_list() == [f"Y{at % 42 % 7}" for at in range(units)]


# ---------------------------------------------------------------------------------------- the page


def test_the_page_runs(tmp_path, monkeypatch, capsys):
    births = write_births(tmp_path / "births.csv")
    counted = spcbench.count(
        births, packs=["pop"], unit_column="trust_code", date_column="birth_date"
    )
    counted.counts.to_csv(tmp_path / "counts.csv", index=False)
    monkeypatch.chdir(tmp_path)
    page = Path(__file__).parents[1] / "docs" / "hierarchy.md"
    for language, block in re.findall(r"```(python|sh)\n(.*?)```", page.read_text("utf-8"), re.S):
        if language == "python":
            exec(compile(block, page.name, "exec"), {})
            continue
        for line in block.splitlines():
            done = CliRunner().invoke(main, shlex.split(line)[1:])
            assert done.exit_code == 0, f"{line}\n{done.output}"

    assert "national" in capsys.readouterr().out


def test_units_get_the_names_that_the_hierarchy_has_for_them():
    tree = pd.DataFrame(
        {
            "unit": ["QKK", "RJ1", "RJ2"],
            "parent": [None, "QKK", "QKK"],
            "level": ["system", "provider", "provider"],
            "name": ["South East London", "Guy's", "Lewisham"],
        }
    )
    counts = pd.DataFrame(
        {
            "measure": "warm",
            "unit": ["RJ1", "RJ2"],
            "unit_name": [None, "Lewisham and Greenwich"],
            "period": "2024-01-01",
            "numerator": [7, 8],
            "denominator": [9, 10],
        }
    )
    made = rolled_up(counts, tree).set_index("unit")["unit_name"].to_dict()
    assert made == {
        "QKK": "South East London",
        "RJ1": "Guy's",
        "RJ2": "Lewisham and Greenwich",  # what the counts say stays
    }
