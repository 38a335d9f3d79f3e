"""Special-cause rules: by hand, against slow plain Python, and against another tool."""

import csv
import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spcbench.numeric import rules
from spcbench.numeric.segments import Segments

GOLDEN = Path(__file__).parents[2] / ".." / "shared" / "golden"
NAN = math.nan


def signs(text: str) -> np.ndarray:
    """Sides from a drawing: + above, - below, 0 on the centre, . no data."""
    return np.array([{"+": 1, "-": -1}.get(mark, 0) for mark in text], dtype=np.int8)


def marks(flags: np.ndarray) -> str:
    return "".join("x" if flag else "." for flag in flags)


def whole(size: int) -> Segments:
    return Segments.from_breaks(np.zeros(size, dtype=np.bool_))


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        ("-++++++-", "........"),
        ("-+++++++-", ".xxxxxxx."),
        ("+-------", ".xxxxxxx"),
        ("+++++++++-", "xxxxxxxxx."),
        ("+++0++++", "........"),
        ("++++++0+++++++", ".......xxxxxxx"),
        ("0000000", "......."),
        ("+++++++-------", "xxxxxxxxxxxxxx"),
        ("+-+-+-+", "......."),
    ],
)
def test_run_of_seven(drawn, expected):
    side = signs(drawn)
    assert marks(rules.runs(side, whole(side.size), length=7)) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2, 3, 4, 5, 6, 5], "......."),
        ([9, 1, 2, 3, 4, 5, 6, 7, 7], ".xxxxxxx."),
        ([7, 6, 5, 4, 3, 2, 1, 0], "xxxxxxxx"),
        ([1, 2, 3, 4, 4, 5, 6, 7], "........"),
        ([1, 2, 3, NAN, 5, 6, 7, 8], "........"),
        ([1, 2, 3, 4, 5, 6, 7, 6, 5, 4, 3, 2, 1], "xxxxxxxxxxxxx"),
        ([1, 2, 3, 4, 5, 6, 7, 6, 5, 4, 3, 2, 2], "xxxxxxx......"),
    ],
)
def test_trend_of_seven(values, expected):
    array = np.array(values, dtype=np.float64)
    assert marks(rules.trends(array, whole(array.size), length=7)) == expected


@pytest.mark.parametrize(
    ("z", "expected"),
    [
        ([2.1, 0.5, 2.1], "x.x"),
        ([2.1, 2.1, 0.5], "xx."),
        ([0.5, 2.1, 2.1], ".xx"),
        ([-2.1, -0.5, -2.1], "x.x"),
        ([3.5, 0.5, 2.1], "x.x"),
        ([3.5, 0.5, 4.5], "x.x"),
        ([2.1, -0.5, 2.1], "..."),
        ([2.1, 0.0, 2.1], "..."),
        ([2.1, NAN, 2.1], "..."),
        ([2.1, -2.1, 2.1], "..."),
        ([2.0, 0.5, 2.1], "..."),
        ([2.1, 0.5, 0.5, 2.1], "...."),
        ([2.1, 2.1], ".."),
        ([2.1], "."),
        ([], ""),
        ([2.1, 0.5, 2.1, 0.5, 2.1], "x.x.x"),
        ([-2.1, 2.1, 2.1, 0.5, -2.1, -2.1, -0.5], ".xx.xx."),
    ],
)
def test_two_of_three(z, expected):
    array = np.array(z, dtype=np.float64)
    side = np.nan_to_num(np.sign(array)).astype(np.int8)
    assert marks(rules.two_of_three(array, side, whole(array.size))) == expected


def test_outside_is_strict_and_never_without_data():
    z = np.array([3.0, np.nextafter(3.0, 4), -3.0, -3.1, NAN, math.inf, -math.inf])
    assert marks(rules.outside(z)) == ".x.x.xx"
    assert marks(rules.outside(z, sigma=2.0)) == "xxxx.xx"


def test_a_value_within_a_billionth_of_the_centre_lies_on_it():
    centre = np.full(5, 0.3)
    value = centre * np.array([1.0, 1 + 5e-10, 1 - 5e-10, 1 + 2e-9, 1 - 2e-9])
    assert rules.side_of(value, centre).tolist() == [0, 0, 0, 1, -1]
    assert rules.side_of(np.array([NAN, 0.0, 1e-12]), np.array([0.5, 0.0, 0.0])).tolist() == [
        0,
        0,
        1,
    ]


@pytest.mark.parametrize("length", [2, 7])
def test_segments_do_not_leak(length):
    lengths = [length - 1, length - 1, 1]
    side = np.ones(sum(lengths), dtype=np.int8)
    rising = np.arange(side.size, dtype=np.float64)
    segments = Segments.from_lengths(lengths)
    assert not rules.runs(side, segments, length=length).any()
    assert not rules.trends(rising, segments, length=length).any()
    assert rules.runs(side, whole(side.size), length=length).all()
    assert rules.trends(rising, whole(side.size), length=length).all()


def test_two_of_three_does_not_leak():
    z, side = np.full(4, 2.5), np.ones(4, dtype=np.int8)
    assert not rules.two_of_three(z, side, Segments.from_lengths([2, 2])).any()
    assert marks(rules.two_of_three(z, side, Segments.from_lengths([1, 3]))) == ".xxx"


# The definitions, point by point and slowly.


def slow_runs(side, length):
    found = [False] * len(side)
    for first in range(len(side) - length + 1):
        window = side[first : first + length]
        if window[0] != 0 and all(mark == window[0] for mark in window):
            found[first : first + length] = [True] * length
    return found


def slow_trends(value, length):
    found = [False] * len(value)
    for first in range(len(value) - length + 1):
        window = value[first : first + length]
        steps = list(itertools.pairwise(window))
        if all(a < b for a, b in steps) or all(a > b for a, b in steps):
            found[first : first + length] = [True] * length
    return found


def slow_two_of_three(z, side):
    found = [False] * len(z)
    for first in range(len(z) - 2):
        three = range(first, first + 3)
        if any(side[at] == 0 or side[at] != side[first] for at in three):
            continue
        far = [at for at in three if side[at] * z[at] > 2]
        if len(far) >= 2:
            for at in far:
                found[at] = True
    return found


SCORES = st.sampled_from([-3.5, -2.5, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 2.5, 3.5, NAN])
MANY = st.lists(st.lists(SCORES, min_size=1, max_size=14), min_size=1, max_size=8)


@settings(max_examples=200, deadline=None)
@given(MANY, st.integers(2, 8))
def test_every_rule_equals_its_plain_definition_on_many_series(many, length):
    z = np.array([score for series in many for score in series])
    side = np.nan_to_num(np.sign(z)).astype(np.int8)
    segments = Segments.from_lengths([len(series) for series in many])
    before = z.copy(), side.copy()
    expected_runs, expected_trends, expected_two = [], [], []
    for series in many:
        sides = [0 if math.isnan(score) else (score > 0) - (score < 0) for score in series]
        expected_runs += slow_runs(sides, length)
        expected_trends += slow_trends(series, length)
        expected_two += slow_two_of_three(series, sides)
    assert rules.runs(side, segments, length=length).tolist() == expected_runs
    assert rules.trends(z, segments, length=length).tolist() == expected_trends
    assert rules.two_of_three(z, side, segments).tolist() == expected_two
    np.testing.assert_array_equal(z, before[0])
    np.testing.assert_array_equal(side, before[1])


def other_tool() -> list[dict[str, str]]:
    """NHSRplotthedots 0.2.2, ``ptd_spc(d, y, date, improvement_direction=…)``."""
    path = GOLDEN / "ptd_points.csv"
    if not path.exists():
        pytest.skip("the golden folder is not beside this repository")
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def test_the_same_points_as_nhsrplotthedots():
    rows = other_tool()
    keys = [(row["case_id"], row["f"], row["rebase_group"]) for row in rows]
    breaks = np.array([True, *(a != b for a, b in itertools.pairwise(keys))])
    segments = Segments.from_breaks(breaks)
    value, centre, lower, upper = (
        np.array([float(row[name]) for row in rows]) for name in ("y", "mean_col", "lpl", "upl")
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (value - centre) / ((upper - lower) / 6)
    side = rules.side_of(value, centre)
    label = np.array([row["special_cause_type"] for row in rows])
    # It gives one label a point, in this order.
    outside = rules.outside(z)
    trend = rules.trends(value, segments, length=7)
    run = rules.runs(side, segments, length=7)
    two = np.char.startswith(label, "2 in 3")
    np.testing.assert_array_equal(outside, np.isin(label, ["Above UCL", "Below LCL"]))
    np.testing.assert_array_equal(trend & ~outside, np.char.startswith(label, "7 Point Trend"))
    np.testing.assert_array_equal(
        run & ~outside & ~trend & ~two,
        np.isin(label, ["7 Points Above CL", "7 Points Below CL"]),
    )
    # Its two of three is the rule before November 2023, which found fewer.
    assert rules.two_of_three(z, side, segments)[two].all()
    assert (outside.sum(), two.sum()) == (246, 134)
