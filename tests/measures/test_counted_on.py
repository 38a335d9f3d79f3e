"""A case that several records share is counted on one of them; composites ask every record."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pandas as pd
import pytest

from spcbench.measures.choosing import wanted_measures
from spcbench.measures.counting import count
from spcbench.measures.events import event_counts
from spcbench.measures.measure import Composite, Field, Measure
from spcbench.measures.validating import validate
from spcbench.plugin.records import Pack

BY = {"unit_column": "unit", "date_column": "born"}
FIRST = "births = 1 OR place = 1"


def pack(missing="exclude", counted_on=FIRST):
    mother = Measure(
        id="mgso4",
        title="Magnesium",
        better="higher",
        eligible="days < 210",
        met="given",
        missing=missing,
        counts="mother",
        counted_on=counted_on,
    )
    baby = Measure(id="warm", title="Warm", better="higher", eligible="days < 238", met="warm")
    shared = {"title": "All", "better": "higher", "of": ("mgso4", "warm")}
    return Pack(
        id="p",
        title="P",
        version="1",
        record="baby",
        fields=(
            *(Field(name=one, type="integer") for one in ("days", "births", "place")),
            *(Field(name=one, type="boolean") for one in ("given", "warm")),
        ),
        measures=(
            mother,
            baby,
            Composite(id="all_eligible", **shared),
            Composite(id="score", form="opportunity", **shared),
        ),
    )


TWINS = [
    # days, births, place, given, warm
    (200, 1, 1, True, True),
    (200, 2, 1, False, True),  # a mother of twins without magnesium, counted once
    (200, 2, 2, False, True),
    (230, 2, 1, None, True),  # too late for magnesium
    (230, 2, 2, None, False),
]


def babies(rows):
    frame = pd.DataFrame(rows, columns=["days", "births", "place", "given", "warm"])
    types = dict.fromkeys(("days", "births", "place"), "Int64")
    types |= dict.fromkeys(("given", "warm"), "boolean")
    return frame.astype(types).assign(unit="A", born="2024-01-01")


def counted(rows, chosen=None, **options):
    return count(babies(rows), packs=[chosen or pack()], **BY, **options)


def figures(found):
    rows = found.counts.set_index("measure")[["numerator", "denominator", "missing"]]
    return {name.partition(":")[2]: tuple(row) for name, row in rows.T.items()}


def quality(found):
    return {
        (name.partition(":")[2], problem): records
        for name, problem, records in found.quality[["measure", "problem", "records"]].to_numpy()
    }


def test_a_mother_of_twins_counts_once_and_each_twin_is_judged_with_her_magnesium():
    found = counted(TWINS)
    assert figures(found) == {
        "mgso4": (1, 2, 0),
        "warm": (4, 5, 0),
        # The second twin of the mother without magnesium did not receive all either.
        "all_eligible": (2, 5, 0),
        "score": (5, 8, 0),
    }
    assert not len(found.quality)


def test_the_old_way_judged_the_second_twin_without_it():
    within = "days < 210 AND (births = 1 OR place = 1)"
    old = pack(counted_on="")
    measures = (replace(old.measures[0], eligible=within), *old.measures[1:])
    found = counted(TWINS, replace(old, measures=measures))
    assert figures(found)["mgso4"] == (1, 2, 0)
    assert figures(found)["all_eligible"] == (3, 5, 0)  # too good by the second twin


@pytest.mark.parametrize(
    ("days", "births", "place", "expected"),
    [
        (200, None, 1, "counted"),
        (200, 1, None, "counted"),
        (200, None, None, "unknown"),
        (200, 2, None, "unknown"),
        (200, None, 2, "unknown"),
        (200, 2, 2, "outside"),
        (230, None, None, "outside"),  # not eligible, whatever her place
        (None, 1, 1, "unknown"),
        (None, 2, 2, "outside"),  # not counted here, whatever her gestation
    ],
)
def test_where_it_is_unknown_the_record_is_left_out_and_told(days, births, place, expected):
    found = counted([(days, births, place, True, True)], measures=["mgso4"])
    assert figures(found)["mgso4"] == (int(expected == "counted"),) * 2 + (0,)
    told = {("mgso4", "eligible_unknown"): 1} if expected == "unknown" else {}
    assert quality(found) == told


def test_a_composite_does_not_need_to_know_where_it_is_counted():
    found = counted([(200, None, None, True, True)], measures=["all_eligible", "score"])
    assert figures(found) == {"all_eligible": (1, 1, 0), "score": (2, 2, 0)}
    assert not len(found.quality)
    columns = wanted_measures([pack()], ["all_eligible"])[0].columns
    assert set(columns) == {"days", "given", "warm"}
    frame = babies(TWINS).drop(columns=["births", "place"])
    assert figures(count(frame, packs=[pack()], measures=["all_eligible"], **BY)) == {
        "all_eligible": (2, 5, 0)
    }


@pytest.mark.parametrize(
    ("missing", "expected", "problem"),
    [
        ("exclude", (1, 1, 1), None),
        ("not_met", (1, 2, 0), "met_unknown_not_met"),
        ("reject_record", (1, 1, 0), "met_unknown_set_aside"),
    ],
)
def test_an_unknown_outcome_is_told_of_the_counted_record_only(missing, expected, problem):
    rows = [(200, 1, 1, True, True), (200, 2, 1, None, True), (200, 2, 2, None, True)]
    found = counted(rows, pack(missing), measures=["mgso4"], rejects=True)
    assert figures(found)["mgso4"] == expected
    assert quality(found) == ({("mgso4", problem): 1} if problem else {})
    assert found.rejects["row"].to_list() == ([2] if missing == "reject_record" else [])


@pytest.mark.parametrize("missing", ["exclude", "not_met", "reject_record"])
def test_every_combination_is_as_by_hand(missing):
    """Each twin, known or not, against the rule written out."""
    cases = itertools.product((200, 230, None), (1, 2, None), (1, 2, None), (True, False, None))
    for days, births, place, given in cases:
        due = None if days is None else days < 210
        here = True if 1 in (births, place) else None if None in (births, place) else False
        eligible = False if False in (due, here) else None if None in (due, here) else True
        given_ = False if given is None and missing == "not_met" else given
        expected = (
            int(eligible is True and given_ is True),
            int(eligible is True and given_ is not None),
            int(eligible is True and given_ is None and missing == "exclude"),
        )
        found = counted([(days, births, place, given, True)], pack(missing), measures=["mgso4"])
        assert figures(found)["mgso4"] == expected, (days, births, place, given)
        assert ("mgso4", "eligible_unknown") in quality(found) or eligible is not None


def test_events_are_those_of_counted_records():
    frame = babies(TWINS).assign(born=pd.date_range("2024-01-01", periods=5))
    found = event_counts(frame, packs=[pack()], measures=["mgso4"], event="not_met", **BY)
    assert found.counts["numerator"].to_list() == [0, 1]  # not the second twin's
    waits = event_counts(
        frame, packs=[pack()], measures=["mgso4"], event="not_met", between="cases", **BY
    )
    assert waits.counts["status"].astype(str).to_list() == ["insufficient_data"] * 2


def test_validate_counts_the_same_cases():
    found = validate(babies(TWINS), packs=[pack()], measures=["mgso4"], **BY)
    assert found.measures[["eligible", "known"]].to_numpy().tolist() == [[2, 2]]
    assert found.fields["field"].to_list() == ["days", "births", "place", "given"]
