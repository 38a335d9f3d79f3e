"""Composites and what counts by mother, against sums made by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spcbench.errors import PackError
from spcbench.measures.counting import count
from spcbench.measures.measure import Composite, Field, Measure
from spcbench.measures.pack import check_pack
from spcbench.plugin.records import Pack

FIELDS = (
    *(Field(name=name, type="boolean") for name in ("due_a", "a", "due_b", "b")),
    Field(name="mother", type="text"),
    Field(name="weight", type="number"),
)
BY = {"unit_column": "unit", "date_column": "born"}


def pack(*more, missing="exclude", **by):
    first = Measure(
        id="a", title="A", better="higher", eligible="due_a", met="a", missing=missing, **by
    )
    second = Measure(id="b", title="B", better="higher", eligible="due_b", met="b")
    return Pack(
        id="p",
        title="P",
        version="1",
        record="baby",
        fields=FIELDS,
        measures=(first, second, *more),
    )


def composite(**settings):
    return Composite(id="c", title="C", better="higher", of=("a", "b"), **settings)


OPPORTUNITY = composite(form="opportunity")


def babies(rows):
    frame = pd.DataFrame(rows, columns=["due_a", "a", "due_b", "b", "mother"])
    for name in ("due_a", "a", "due_b", "b"):
        frame[name] = frame[name].astype("boolean")
    return frame.assign(unit="A", born="2024-01-01", mother=frame["mother"].astype("string"))


def row_of(frame, chosen, measure="c", **options):
    found = count(frame, packs=[chosen], measures=[measure], **BY, **options)
    return found, found.counts.iloc[0]


def parts_of(row):
    return (row["numerator"], row["denominator"], row["missing"])


def test_opportunities_are_added_up_and_their_variance_is_clustered_by_record():
    # received of due: 2/2, 1/2, 0/1, 1/1, and one opportunity that is not known
    frame = babies(
        [
            (True, True, True, True, None),
            (True, True, True, False, None),
            (True, False, False, True, None),
            (False, None, True, True, None),
            (True, None, False, None, None),
        ]
    )
    _, row = row_of(frame, pack(OPPORTUNITY))
    assert parts_of(row) == (4, 6, 1)
    share = 4 / 6
    squares = sum((y - share * x) ** 2 for y, x in ((2, 2), (1, 2), (0, 1), (1, 1)))
    assert row["variance"] == pytest.approx(4 / 3 * squares, rel=1e-12)  # the same closed form


def test_opportunities_of_one_mother_go_together_where_the_pack_says_so():
    frame = babies(
        [
            (True, True, True, True, "m1"),
            (True, True, True, True, "m1"),
            (True, False, True, False, "m2"),
            (True, True, True, False, None),
        ]
    )
    found, row = row_of(frame, pack(composite(form="opportunity", cluster="mother")))
    # Two clusters: 4 of 4 and 0 of 2. The record without a mother is told, not counted.
    assert parts_of(row) == (4, 6, 0)
    share = 4 / 6
    assert row["variance"] == pytest.approx(
        2 * ((4 - share * 4) ** 2 + (0 - share * 2) ** 2), rel=1e-12
    )
    quality = found.quality[["measure", "problem", "records"]].to_numpy().tolist()
    assert quality == [["p@1:c", "shared_key_unknown", 1]]


def test_one_cluster_says_nothing_about_how_clusters_differ():
    _, row = row_of(babies([(True, True, True, False, "m")]), pack(OPPORTUNITY))
    assert parts_of(row) == (1, 2, 0)
    assert math.isnan(row["variance"])


def test_a_record_due_nothing_is_no_cluster():
    rows = [(True, True, True, False, None), (True, True, True, True, None)]
    nothing = [(False, None, False, None, None)] * 50
    _, alone = row_of(babies(rows), pack(OPPORTUNITY))
    _, among = row_of(babies(rows + nothing), pack(OPPORTUNITY))
    assert among["variance"] == alone["variance"]
    _, empty = row_of(babies(nothing), pack(OPPORTUNITY))
    assert parts_of(empty) == (0, 0, 0)
    assert empty["status"] == "no_data"


def test_an_unknown_that_counts_as_not_met_is_an_opportunity_missed():
    frame = babies([(True, None, True, True, None)])
    _, row = row_of(frame, pack(OPPORTUNITY, missing="not_met"))
    assert parts_of(row) == (1, 2, 0)


def test_the_variance_is_empty_for_other_measures_and_absent_without_opportunities():
    frame = babies([(True, True, True, False, "m"), (True, True, True, True, "n")])
    counts = count(frame, packs=[pack(OPPORTUNITY)], **BY).counts
    assert counts["variance"].isna().tolist() == [True, True, False]
    assert "variance" not in count(frame, packs=[pack()], **BY).counts


# due_a, a, due_b, b; all-or-none, opportunities (None: outside), and both where an
# unknown `a` counts as not met.
UNSURE = [
    ((None, None, True, True), (0, 0, 1), (1, 1, 1), (0, 0, 1), (1, 1, 1)),
    ((None, False, True, True), (0, 0, 1), (1, 1, 1), (0, 0, 1), (1, 1, 1)),
    ((None, True, True, True), (1, 1, 0), (1, 1, 1), (1, 1, 0), (1, 1, 1)),
    ((None, None, True, False), (0, 1, 0), (0, 1, 1), (0, 1, 0), (0, 1, 1)),
    ((None, True, True, False), (0, 1, 0), (0, 1, 1), (0, 1, 0), (0, 1, 1)),
    ((None, True, True, None), (0, 0, 1), (0, 0, 2), (0, 0, 1), (0, 0, 2)),
    ((True, None, None, None), (0, 0, 1), (0, 0, 2), (0, 1, 0), (0, 1, 1)),
    ((None, None, False, None), (0, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0)),
    ((None, True, False, True), (0, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0)),
    ((None, None, None, None), (0, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0)),
    ((False, None, True, True), (1, 1, 0), (1, 1, 0), (1, 1, 0), (1, 1, 0)),
]


@pytest.mark.parametrize(("record", "expected"), [(one[0], one[1:]) for one in UNSURE])
@pytest.mark.parametrize("together", [False, True])
def test_a_part_that_may_or_may_not_be_due(record, expected, together):
    # Another baby, of whom all is known, so that the unit records every part.
    frame = babies([(*record, "m"), (True, True, True, True, "n")])
    whole = composite(**({"count_by": "mother"} if together else {}))
    score = composite(form="opportunity", **({"cluster": "mother"} if together else {}))
    asked = [(whole, "exclude"), (score, "exclude"), (whole, "not_met"), (score, "not_met")]
    for (chosen, missing), (met, due, unknown) in zip(asked, expected, strict=True):
        found, row = row_of(frame, pack(chosen, missing=missing))
        more = 2 if chosen is score else 1
        assert parts_of(row) == (met + more, due + more, unknown)
        unsure = None in (record[0], record[2])
        assert ("eligible_unknown" in set(found.quality["problem"])) is unsure


TWINS = [
    # babies of one mother                                             all-or-none by mother
    ([(True, True, True, True), (True, True, False, None)], (1, 1, 0)),
    ([(True, True, True, True), (True, True, True, False)], (0, 1, 0)),
    ([(True, True, True, None), (True, True, True, False)], (0, 1, 0)),
    ([(True, True, True, None), (True, True, True, True)], (0, 0, 1)),
    ([(False, None, False, None), (True, True, True, True)], (1, 1, 0)),
    ([(False, None, False, None), (False, None, False, False)], (0, 0, 0)),
]


@pytest.mark.parametrize(("twins", "expected"), TWINS)
def test_a_mother_counts_once_and_as_met_only_for_all_her_babies(twins, expected):
    frame = babies([(*one, "m") for one in twins])
    _, row = row_of(frame, pack(composite(count_by="mother")))
    assert parts_of(row) == expected


def test_a_measure_too_may_count_mothers():
    frame = babies(
        [
            (True, True, True, True, "m"),
            (True, False, True, True, "m"),
            (True, True, True, True, "n"),
            (True, None, True, True, "o"),
        ]
    )
    _, row = row_of(frame, pack(count_by="mother"), measure="a")
    assert parts_of(row) == (1, 2, 1)
    _, row = row_of(frame, pack(count_by="mother", missing="not_met"), measure="a")
    assert parts_of(row) == (1, 3, 0)
    found, row = row_of(frame, pack(count_by="mother", missing="reject_record"), measure="a")
    assert parts_of(row) == (1, 2, 0)
    assert found.quality["problem"].tolist() == ["met_unknown_set_aside"]


def test_mothers_and_babies_are_counted_side_by_side():
    frame = babies([(True, True, True, True, "m"), (True, True, True, True, "m")])
    counts = count(frame, packs=[pack(composite(count_by="mother"))], **BY).counts
    assert counts["denominator"].tolist() == [2, 2, 1]
    assert counts["measure"].tolist() == ["p@1:a", "p@1:b", "p@1:c"]


def test_a_field_to_count_by_must_be_declared_and_tell_cases_apart():
    with pytest.raises(PackError, match="'c' uses the column 'nobody'"):
        pack(composite(count_by="nobody"))
    with pytest.raises(PackError, match="declared as number; expected a field of type text or int"):
        check_pack(pack(composite(form="opportunity", cluster="weight")))


truth = st.one_of(st.none(), st.booleans())


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(truth, truth, truth, truth, st.sampled_from(["m1", "m2", "m3"])),
        min_size=1,
        max_size=40,
    )
)
def test_clustered_sums_equal_those_made_by_hand(rows):
    chosen = pack(composite(form="opportunity", cluster="mother"))
    _, row = row_of(babies(rows), chosen)
    sums: dict[str, list[int]] = {}
    unknown = 0
    for due_a, a, due_b, b, mother in rows:
        cell = sums.setdefault(mother, [0, 0])
        for due, met in ((due_a, a), (due_b, b)):
            cell[0] += due is True and met is True
            cell[1] += due is True and met is not None
            if due_a or due_b:  # else nothing is known to be due: no case
                unknown += due is None or (due and met is None)
    received, due = (sum(cell[at] for cell in sums.values()) for at in (0, 1))
    assert parts_of(row) == (received, due, unknown)
    clusters = [cell for cell in sums.values() if cell[1]]
    if len(clusters) > 1:
        share = received / due
        squares = sum((y - share * x) ** 2 for y, x in clusters)
        wanted = len(clusters) / (len(clusters) - 1) * squares
        # Sums of squares against a sum of squared differences.
        assert row["variance"] == pytest.approx(wanted, rel=1e-9, abs=1e-9)
    else:
        assert np.isnan(row["variance"])
