"""Composites of which a unit never records one part, against sums made by hand."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spcbench as sb
from spcbench.measures.counting import count
from spcbench.measures.events import event_counts
from spcbench.measures.measure import Composite, Field, Measure
from spcbench.measures.unrecorded import Unrecorded, unrecorded_notes
from spcbench.measures.validating import validate
from spcbench.plugin.records import Pack

BY = {"unit_column": "unit", "date_column": "born"}
NOTE = "not counted, because for no case is this known to be due, and met or not: Cord"
LEFT_OUT = "leaves out what for no case is known to be due, and met or not: Cord"

PARTS = (("cord", "Cord", 2),)


def made_pack(*, missing="exclude", count_by="", cluster="") -> Pack:
    same: dict[str, Any] = {"better": "higher", "of": ("warm", "cord")}
    return Pack(
        id="p",
        title="P",
        version="1",
        record="baby",
        fields=(
            *(Field(name=one, type="boolean", optional=True) for one in ("warm", "cord")),
            Field(name="due", type="boolean", optional=True),
            Field(name="mother", type="text", optional=True),
        ),
        measures=(
            Measure(id="warm", title="Warm", better="higher", eligible="TRUE", met="warm"),
            Measure(
                id="cord",
                title="Cord clamped after a minute",
                short="Cord",
                better="higher",
                eligible="due",
                met="cord",
                missing=missing,
            ),
            Composite(id="all", title="All", count_by=count_by, **same),
            Composite(id="score", title="Score", form="opportunity", cluster=cluster, **same),
        ),
    )


ROWS = [
    # A records both; B never records the cord, of whom one is not warm: 0 of 1, were it counted.
    ("A", "2024-01-05", True, True, True, "m1"),
    ("A", "2024-01-06", True, False, True, "m2"),
    ("A", "2024-02-07", True, None, True, "m3"),
    ("B", "2024-01-05", True, None, True, "m4"),
    ("B", "2024-01-06", False, None, True, "m5"),
    ("B", "2024-02-07", True, None, False, "m6"),
]


def babies(rows=ROWS) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["unit", "born", "warm", "cord", "due", "mother"])
    boolean = dict.fromkeys(("warm", "cord", "due"), "boolean")
    return frame.astype({**boolean, "mother": "string"})


def told(counted, measure) -> list[tuple]:
    counts = counted.counts
    notes = counts["note"] if "note" in counts else pd.Series([None] * len(counts))
    rows = counts.assign(note=notes)[counts["measure"].eq(f"p@1:{measure}")]
    columns = ["unit", "numerator", "denominator", "missing", "status", "note"]
    return [
        tuple(None if pd.isna(cell) else cell for cell in row)
        for row in rows[columns].itertuples(index=False)
    ]


def never_known(counted) -> list[list]:
    rows = counted.quality[counted.quality["problem"] == "part_never_known"]
    return rows[["measure", "field", "records"]].to_numpy().tolist()


EXPECTED = [
    ("A", 1, 2, 0, "ok", None),
    ("A", 0, 0, 1, "no_data", None),  # unknown in one month only: an ordinary unknown
    ("B", None, None, 1, "no_data", NOTE),
    ("B", None, None, 0, "no_data", NOTE),
]


@pytest.mark.parametrize("quality", [True, False])
def test_a_unit_that_never_records_a_part_is_not_counted(quality):
    counted = count(babies(), packs=[made_pack()], quality=quality, **BY)
    assert told(counted, "all") == EXPECTED
    assert told(counted, "warm")[2:] == [("B", 1, 2, 0, "ok", None), ("B", 1, 1, 0, "ok", None)]
    expected = [["p@1:all", "cord", 2], ["p@1:score", "cord", 2]]
    assert never_known(counted) == (expected if quality else [])
    assert f"p@1:all of B: {NOTE}" in counted.provenance["notes"]


def test_a_composite_alone_is_counted_the_same():
    alone = count(babies(), packs=[made_pack()], measures=["p:all"], **BY)
    assert told(alone, "all") == EXPECTED
    assert never_known(alone) == [["p@1:all", "cord", 2]]


def test_a_share_of_opportunities_is_counted_and_says_what_it_leaves_out():
    assert told(count(babies(), packs=[made_pack()], **BY), "score") == [
        ("A", 3, 4, 0, "ok", None),
        ("A", 1, 1, 1, "ok", None),
        ("B", 1, 2, 2, "ok", LEFT_OUT),
        ("B", 1, 1, 0, "ok", LEFT_OUT),
    ]


def test_an_absent_column_is_recorded_by_nobody():
    counted = count(babies().drop(columns="cord"), packs=[made_pack()], **BY)
    rows = told(counted, "all")
    assert [row[1:3] for row in rows] == [(None, None)] * 4
    assert {row[5] for row in rows} == {NOTE}
    assert f"p@1:all of A, B: {NOTE}" in counted.provenance["notes"]


def test_a_part_that_is_due_to_nobody_is_not_missed():
    frame = babies().assign(due=pd.array([False] * 6, "boolean"))
    counted = count(frame, packs=[made_pack()], **BY)
    assert "note" not in counted.counts.columns
    assert [row[1:4] for row in told(counted, "all")] == [
        (2, 2, 0),
        (1, 1, 0),
        (1, 2, 0),
        (1, 1, 0),
    ]


def test_a_part_of_which_nobody_knows_to_whom_it_is_due_is_never_known():
    """It was taken for due to nobody: everybody warm had all that was due, 5 of 6."""
    for frame in (
        babies().drop(columns=["due", "cord"]),
        babies().drop(columns="due").assign(cord=pd.array([False] * 6, "boolean")),
    ):
        counted = count(frame, packs=[made_pack()], **BY)
        assert told(counted, "all") == [
            ("A", None, None, 2, "no_data", NOTE),
            ("A", None, None, 1, "no_data", NOTE),
            ("B", None, None, 1, "no_data", NOTE),
            ("B", None, None, 1, "no_data", NOTE),
        ]
        assert told(counted, "score")[0] == ("A", 2, 2, 2, "ok", LEFT_OUT)
        assert never_known(counted) == [["p@1:all", "cord", 6], ["p@1:score", "cord", 6]]
        assert f"p@1:all of A, B: {NOTE}" in counted.provenance["notes"]
        waits = event_counts(frame, packs=[made_pack()], measures=["all"], event="not_met", **BY)
        assert waits.counts.empty


def test_what_was_received_settles_a_part_whoever_it_was_due_to():
    frame = babies().drop(columns="due")
    counted = count(frame.assign(cord=pd.array([True] * 6, "boolean")), packs=[made_pack()], **BY)
    assert told(counted, "all") == [
        ("A", 2, 2, 0, "ok", None),
        ("A", 1, 1, 0, "ok", None),
        ("B", 1, 2, 0, "ok", None),
        ("B", 1, 1, 0, "ok", None),
    ]
    # As opportunities they stay unknown: nobody can say that they were any.
    assert told(counted, "score")[0] == ("A", 2, 2, 2, "ok", LEFT_OUT)


@pytest.mark.parametrize(("others", "counted"), [(9, False), (10, True)])
def test_a_part_that_may_be_due_to_very_few_does_not_stop_the_composite(others, counted):
    one = [("B", "2024-01-05", True, None, None, "m0")]
    rest = [("B", "2024-01-06", True, None, False, f"m{number}") for number in range(others)]
    (row,) = told(count(babies(one + rest), packs=[made_pack()], **BY), "all")
    assert row[1:5] == ((others, others, 1, "ok") if counted else (None, None, 1, "no_data"))


def test_a_case_that_may_be_due_nothing_at_all_is_no_case_and_asks_for_nothing():
    """As a baby of unknown gestation: outside, told, and no reason to withhold the others."""
    same: dict[str, Any] = {"better": "higher", "of": ("warm", "cord")}
    asked = made_pack().measures
    pack = dataclasses.replace(
        made_pack(),
        measures=(
            dataclasses.replace(asked[0], eligible="due"),
            asked[1],
            Composite(id="all", title="All", **same),
            Composite(id="score", title="Score", form="opportunity", **same),
        ),
    )
    rows = [("A", "2024-01-05", True, True, due, "m") for due in (True, None, None, False)]
    counted = count(babies(rows), packs=[pack], **BY)
    assert told(counted, "all") == [("A", 1, 1, 0, "ok", None)]
    assert told(counted, "score") == [("A", 2, 2, 0, "ok", None)]
    unsure = counted.quality.set_index(["measure", "problem"])["records"]
    assert unsure["p@1:all", "eligible_unknown"] == unsure["p@1:score", "eligible_unknown"] == 2
    bare = count(babies(rows).drop(columns="cord"), packs=[pack], **BY)
    assert never_known(bare) == [["p@1:all", "cord", 1], ["p@1:score", "cord", 1]]


@pytest.mark.parametrize(("others", "counted"), [(9, False), (10, True)])
def test_a_part_due_to_very_few_does_not_stop_the_composite(others, counted):
    one = [("B", "2024-01-05", True, None, True, "m0")]
    rest = [("B", "2024-01-06", True, None, False, f"m{number}") for number in range(others)]
    (row,) = told(count(babies(one + rest), packs=[made_pack()], **BY), "all")
    # One of ten is a tenth; one of eleven is less, and is an ordinary unknown.
    assert row[1:5] == ((others, others, 1, "ok") if counted else (None, None, 1, "no_data"))


def test_a_part_whose_unknowns_count_as_not_met_is_always_known():
    counted = count(babies(), packs=[made_pack(missing="not_met")], **BY)
    assert told(counted, "all")[2:] == [("B", 0, 2, 0, "ok", None), ("B", 1, 1, 0, "ok", None)]
    assert not never_known(counted)


def test_the_whole_of_the_data_decides_and_not_a_window_of_it():
    rows = [*ROWS, ("B", "2024-04-01", True, True, True, "m7")]
    counted = count(babies(rows), packs=[made_pack()], period="rolling:2", **BY)
    assert [row for row in told(counted, "all") if row[0] == "B"] == [
        ("B", 1, 2, 1, "ok", None),
        ("B", 1, 1, 0, "ok", None),
        ("B", 1, 1, 0, "ok", None),
    ]
    counted = count(babies(), packs=[made_pack()], period="rolling:2", **BY)
    assert told(counted, "all")[1] == ("B", None, None, 1, "no_data", NOTE)


def test_mothers_are_asked_only_where_they_can_be_taken_together():
    pack = made_pack(count_by="mother", cluster="mother")
    assert [row[1:4] for row in told(count(babies(), packs=[pack], **BY), "all")] == [
        (1, 2, 0),
        (0, 0, 1),
        (None, None, 1),
        (None, None, 0),
    ]
    # The only baby of B whose cord is known has no mother's number, and is not in the composite.
    rows = [*ROWS, ("B", "2024-01-09", True, True, True, None)]
    counted = count(babies(rows), packs=[pack], **BY)
    assert told(counted, "all")[2][1:3] == (None, None)
    assert never_known(counted) == [["p@1:all", "cord", 2], ["p@1:score", "cord", 2]]


def test_several_packs_and_units_are_kept_apart():
    frame = pd.concat([babies(), babies().assign(unit="C", cord=True)])
    other = Pack(
        id="q",
        title="Q",
        version="1",
        record="baby",
        fields=made_pack().fields,
        measures=tuple(one for one in made_pack(missing="not_met").measures),
    )
    counts = count(frame, packs=[other, made_pack()], **BY).counts
    blank = counts[counts["denominator"].isna()]
    assert set(zip(blank["measure"], blank["unit"], strict=True)) == {("p@1:all", "B")}


def test_rare_events_leave_the_unit_out_and_say_so():
    how = {"packs": [made_pack()], "measures": ["all"], "event": "not_met", **BY}
    waits = event_counts(babies(), between="cases", **how)
    assert waits.counts["unit"].unique().tolist() == ["A"]
    assert f"p@1:all of B: {NOTE}" in waits.provenance["notes"]
    cases = event_counts(babies(), **how)
    assert cases.counts[["unit", "numerator", "denominator"]].to_numpy().tolist() == [
        ["A", 0, 1], ["A", 1, 1], ["A", 0, 0],
    ]  # fmt: skip
    assert next(iter(cases.display.values())).form == ""
    nothing = event_counts(babies().drop(columns="cord"), between="days", **how)
    assert nothing.counts.empty


def test_validate_tells_the_same():
    found = validate(babies(), packs=[made_pack()], unit_column="unit")
    assert never_known(found) == [["p@1:all", "cord", 2], ["p@1:score", "cord", 2]]
    whole = validate(babies(), packs=[made_pack()])
    assert never_known(whole) == [], "without units all records are one, and A records it"


def test_the_bias_of_what_is_partly_known_is_told():
    rows = [("A", f"2024-{month:02}-05", True, None, True, "m") for month in range(1, 13)] * 2
    rows += [
        ("A", f"2024-{month:02}-06", True, month != 4, True, "m") for month in range(1, 13)
    ] * 8
    counted = count(babies(rows), packs=[made_pack()], **BY)
    assert counted.display["p@1:all"].form == "all_or_none"
    for made in (sb.control_charts(counted), sb.funnels(counted)):
        advice = made.advice[made.advice["code"] == "unknown_outcomes"].set_index("measure")
        assert "the share shown is too low" in advice.loc["p@1:all", "message"]
        assert json.loads(advice.loc["p@1:all", "evidence"])["share_shown"] == "too_low"
        assert "too low" not in advice.loc["p@1:cord", "message"]


def test_what_is_not_counted_is_no_share_of_unknown_outcomes():
    rows = [(unit, f"2024-{month:02}-05", unit == "A", True if unit == "A" else None, True, "m")
            for month in range(1, 13) for unit in "AB"]  # fmt: skip
    counted = count(babies(rows), packs=[made_pack()], measures=["all"], **BY)
    charts = sb.control_charts(counted)
    assert "unknown_outcomes" not in set(charts.advice["code"])
    b = charts.summary.set_index("unit").loc["B"]
    assert (b["status"], b["reason"]) == ("no_data", "no period has data")
    assert set(charts.points.loc[charts.points["unit"].eq("B"), "note"]) == {NOTE}
    units = sb.funnels(counted).units.set_index("unit")
    assert units.loc["B", "status"] == "no_data"
    assert pd.isna(units.loc["B", "value"])


def test_a_system_says_which_unit_it_lacks():
    tree = pd.DataFrame({"unit": ["S", "A", "B"], "parent": [None, "S", "S"],
                         "level": ["system", "provider", "provider"]})  # fmt: skip
    made = sb.rolled_up(count(babies(), packs=[made_pack()], measures=["all"], **BY), tree)
    row = made.counts[made.counts["unit"].eq("S")].iloc[0]
    assert (row["numerator"], row["denominator"], row["units_missing"]) == (1, 2, 1)
    assert row["note"] == "1 of 2 units; without B"


@pytest.mark.parametrize(
    ("units", "named"),
    [
        (1, "unit 01"),
        (10, ", ".join(f"unit {place:02}" for place in range(1, 11))),
        (11, ", ".join(f"unit {place:02}" for place in range(1, 11)) + " and 1 more"),
        (25, ", ".join(f"unit {place:02}" for place in range(1, 11)) + " and 15 more"),
    ],
)
def test_a_note_names_ten_units_and_says_how_many_more_there_are(units, named):
    lost = [
        Unrecorded(measure="p@1:all", unit=f"unit {place:02}", counted=False, parts=PARTS)
        for place in range(1, units + 1)
    ]
    assert unrecorded_notes(lost) == [f"p@1:all of {named}: {NOTE}"]


# ------------------------------------------------------------------ against plain Python

RECORD = st.tuples(
    st.sampled_from("AB"),
    st.sampled_from(["2024-01-05", "2024-02-05"]),
    *[st.sampled_from([True, False, None])] * 3,
)


def by_hand(rows) -> dict[tuple[str, str], tuple]:
    """What `all` should be in each unit and month, written as one would say it."""
    made: dict[tuple[str, str], tuple] = {}
    for unit in {row[0] for row in rows}:
        own = [row for row in rows if row[0] == unit]
        settled = [
            row for row in own if (row[3] if row[4] is None else row[4] and row[3] is not None)
        ]
        open_ = [row for row in own if row[4] is not False and row not in settled]
        lost = not any(row[2] is not None for row in own) or (
            not settled and len(open_) >= 0.1 * len(own) and bool(open_)
        )
        for day in ("2024-01-05", "2024-02-05"):
            outcomes = []
            for row in own:
                asked = [row[2], *([row[3]] if row[4] else [])]
                if row[4] is None:
                    asked.append(True if row[3] else None)  # had it: no matter whether it was due
                if row[1] == day:
                    outcomes.append(False if False in asked else None if None in asked else True)
            met, missed = outcomes.count(True), outcomes.count(False)
            known = (None, None) if lost else (met, met + missed)
            made[unit, day[:7]] = (*known, outcomes.count(None))
    return made


@settings(max_examples=60, deadline=None)
@given(st.lists(RECORD, min_size=1, max_size=14))
def test_random_records_against_plain_python(rows):
    # A third unit with a baby in each month, so that both months are in every table.
    fixed = [("Z", day, True, True, True) for day in ("2024-01-05", "2024-02-05")]
    frame = babies([(*row, "m") for row in [*rows, *fixed]])
    counts = count(frame, packs=[made_pack()], measures=["all"], **BY).counts
    found = {
        (row.unit, f"{row.period:%Y-%m}"): tuple(
            None if pd.isna(cell) else cell
            for cell in (row.numerator, row.denominator, row.missing)
        )
        for row in counts.itertuples()
        if row.unit != "Z"
    }
    assert found == by_hand(rows)
    assert counts["denominator"].isna().to_numpy().tolist() == (
        counts["note"].notna().to_numpy().tolist() if "note" in counts else [False] * len(counts)
    )
