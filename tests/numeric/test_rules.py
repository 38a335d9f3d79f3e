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


@pytest.mark.parametrize(
    ("z", "expected"),
    [
        ([2.1, 0.5, 2.1], "x.x"),
        ([2.1, 3.0, 0.5], "xx."),
        ([2.1, 0.5, 3.1], "..."),
        ([2.1, 2.1, 3.1], "xx."),
        ([-2.1, -0.5, -2.1], "x.x"),
        ([2.1, -0.5, 2.1], "..."),
        ([2.1, NAN, 2.1], "..."),
        ([2.0, 0.5, 2.1], "..."),
    ],
)
def test_two_of_three_between_2_and_3_sigma(z, expected):
    array = np.array(z, dtype=np.float64)
    side = np.nan_to_num(np.sign(array)).astype(np.int8)
    assert marks(rules.two_of_three_inside(array, side, whole(array.size))) == expected


@pytest.mark.parametrize(
    ("z", "points", "window", "sigma", "expected"),
    [
        ([2.1, -0.5, 2.1], 2, 3, 2.0, "x.x"),
        ([2.1, 0.0, 2.1], 2, 3, 2.0, "x.x"),
        ([2.1, -2.1, 2.1], 2, 3, 2.0, "x.x"),
        ([2.1, NAN, 2.1], 2, 3, 2.0, "..."),
        ([2.1, 2.0, 0.5], 2, 3, 2.0, "..."),
        ([2.1, 2.1], 2, 3, 2.0, ".."),
        ([2.1, 2.1, NAN], 2, 3, 2.0, "..."),
        ([2.1, 0.5, 0.5, 2.1], 2, 3, 2.0, "...."),
        ([-2.1, 2.1, 2.1, -2.1, 0.1], 2, 3, 2.0, ".xx.."),
        ([1.6, 1.6, -0.5, 1.6], 3, 4, 1.5, "xx.x"),
        ([1.6, 1.5, 1.6, -1.6, 0.0], 3, 4, 1.5, "....."),
        ([1.6, 1.6, 1.6, 0.0, 1.6], 3, 4, 1.5, "xxx.x"),
        ([1.1, 1.1, -3.5, 1.1, 1.1], 4, 5, 1.0, "xx.xx"),
        ([-1.1, -1.1, -1.1, -1.1, 0.2, 0.2], 4, 5, 1.0, "xxxx.."),
        ([1.1, 1.1, 1.1, 1.1], 4, 5, 1.0, "...."),
        ([1.1, 1.1, 0.2, 0.2, 1.1, 1.1], 4, 5, 1.0, "......"),
        ([], 4, 5, 1.0, ""),
    ],
)
def test_so_many_of_so_many_beyond(z, points, window, sigma, expected):
    array = np.array(z, dtype=np.float64)
    found = rules.beyond(array, whole(array.size), points=points, window=window, sigma=sigma)
    assert marks(found) == expected


@pytest.mark.parametrize(
    ("z", "expected"),
    [
        ([0.9, -0.9, 0.1, 0.2], "xxxx"),
        ([0.9, -0.9, 0.1], "..."),
        ([0.9, -0.9, 1.0, 0.1, 0.2], "....."),
        ([0.9, -0.9, 0.0, 0.1, 0.2], "....."),
        ([0.9, -0.9, NAN, 0.1, 0.2], "....."),
        ([1.5, 0.9, -0.9, 0.1, 0.2, 0.3, -1.0], ".xxxxx."),
    ],
)
def test_four_within_1_sigma(z, expected):
    array = np.array(z)
    side = np.nan_to_num(np.sign(array)).astype(np.int8)
    found = rules.within(array, side, whole(array.size), sigma=1.0, length=4)
    assert marks(found) == expected


@pytest.mark.parametrize(
    ("z", "expected"),
    [
        ([1.5, -1.0, 3.5, 1.2], "xxxx"),
        ([1.5, -1.0, 3.5], "..."),
        ([1.5, -1.0, 0.99, 3.5, 1.2], "....."),
        ([1.5, -1.0, NAN, 3.5, 1.2], "....."),
    ],
)
def test_four_without_any_within_1_sigma(z, expected):
    array = np.array(z)
    assert marks(rules.without(array, whole(array.size), sigma=1.0, length=4)) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2, 1, 2], "xxxx"),
        ([2, 1, 2], "..."),
        ([1, 2, 1, 1, 2, 1], "......"),
        ([1, 2, 3, 2, 3, 4], ".xxxx."),
        ([1, 2, NAN, 2, 1, 2], "......"),
        ([1, 2, 1, 2, 1, 1], "xxxxx."),
    ],
)
def test_four_alternating(values, expected):
    array = np.array(values, dtype=np.float64)
    assert marks(rules.alternations(array, whole(array.size), length=4)) == expected


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        ("++++++", "xxxxxx"),
        ("+++++", "....."),
        ("+++0+++", "xxx.xxx"),
        ("0+++00+++0", ".xxx..xxx."),
        ("+++.+++", "......."),
        ("+++0++-", "......."),
        ("++++++.-----", "xxxxxx......"),
    ],
)
def test_shift_of_six_past_points_on_the_centre_line(drawn, expected):
    side = signs(drawn)
    value = np.array([NAN if mark == "." else 1.0 for mark in drawn])
    found = rules.runs_past_ties(value, side, whole(side.size), length=6)
    assert marks(found) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2, 3, 4, 5], "xxxxx"),
        ([1, 2, 2, 3, 4, 5], "xx.xxx"),
        ([1, 2, 2, 3, 4, 4], "......"),
        ([5, 4, 4, 4, 3, 2, 1, 1], "xx..xxx."),
        ([1, 2, NAN, 3, 4, 5], "......"),
        ([1, 1, 1, 1, 1, 1], "......"),
    ],
)
def test_trend_of_five_with_equal_neighbours_counted_once(values, expected):
    array = np.array(values, dtype=np.float64)
    assert marks(rules.trends_past_repeats(array, whole(array.size), length=5)) == expected


def test_skipping_does_not_leak_between_segments():
    side, segments = signs("0+++00+++0"), Segments.from_lengths([5, 5])
    assert not rules.runs_past_ties(side * 1.0, side, segments, length=6).any()
    value = np.array([1.0, 2, 3, 3, 3, 4, 5])
    assert not rules.trends_past_repeats(value, Segments.from_lengths([4, 3]), length=5).any()
    # A segment that begins with the value the one before it ended with keeps that point.
    alone = rules.trends_past_repeats(value, Segments.from_lengths([3, 4]), length=3)
    assert marks(alone) == "xxxx.xx"
    empty = np.zeros(0, dtype=np.int8)
    assert rules.runs_past_ties(empty * 1.0, empty, whole(0), length=6).size == 0
    assert rules.trends_past_repeats(empty * 1.0, whole(0), length=5).size == 0


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


def slow_two_of_three_inside(z, side):
    found = [False] * len(z)
    for first in range(len(z) - 2):
        three = range(first, first + 3)
        if any(side[at] == 0 or side[at] != side[first] for at in three):
            continue
        near = [at for at in three if 2 < side[at] * z[at] <= 3]
        if len(near) >= 2:
            for at in near:
                found[at] = True
    return found


def slow_beyond(z, points, window, sigma):
    found = [False] * len(z)
    for first in range(len(z) - window + 1):
        these = range(first, first + window)
        if any(math.isnan(z[at]) for at in these):
            continue
        for way in (1, -1):
            far = [at for at in these if way * z[at] > sigma]
            if len(far) >= points:
                for at in far:
                    found[at] = True
    return found


def slow_stretches(true, length):
    found = [False] * len(true)
    for first in range(len(true) - length + 1):
        if all(true[first : first + length]):
            found[first : first + length] = [True] * length
    return found


def slow_alternations(value, length):
    found = [False] * len(value)
    for first in range(len(value) - length + 1):
        steps = [b - a for a, b in itertools.pairwise(value[first : first + length])]
        if all(a * b < 0 for a, b in itertools.pairwise(steps)):
            found[first : first + length] = [True] * length
    return found


def slow_past(kept, size, flags):
    """A rule applied to the places that are kept alone."""
    found = [False] * size
    for at, flag in zip(kept, flags, strict=True):
        found[at] = flag
    return found


def slow_runs_past_ties(value, side, length):
    kept = [at for at in range(len(side)) if side[at] != 0 or math.isnan(value[at])]
    return slow_past(kept, len(side), slow_runs([side[at] for at in kept], length))


def slow_trends_past_repeats(value, length):
    kept = [at for at in range(len(value)) if at == 0 or value[at] != value[at - 1]]
    return slow_past(kept, len(value), slow_trends([value[at] for at in kept], length))


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


@settings(max_examples=150, deadline=None)
@given(MANY, st.integers(3, 6))
def test_the_other_rules_equal_their_plain_definitions_on_many_series(many, length):
    z = np.array([score for series in many for score in series])
    side = np.nan_to_num(np.sign(z)).astype(np.int8)
    segments = Segments.from_lengths([len(series) for series in many])
    before = z.copy(), side.copy()
    expected: dict[str, list[bool]] = {name: [] for name in ("old", "2of3", "4of5", "in", "out")}
    expected |= {"alternating": [], "shift": [], "trend": []}
    for series in many:
        sides = [0 if math.isnan(score) else (score > 0) - (score < 0) for score in series]
        near = [bool(mark) and abs(score) < 1 for mark, score in zip(sides, series, strict=True)]
        expected["old"] += slow_two_of_three_inside(series, sides)
        expected["2of3"] += slow_beyond(series, 2, 3, 2.0)
        expected["4of5"] += slow_beyond(series, 4, 5, 0.5)
        expected["in"] += slow_stretches(near, length)
        expected["out"] += slow_stretches([abs(score) >= 1 for score in series], length)
        expected["alternating"] += slow_alternations(series, length)
        expected["shift"] += slow_runs_past_ties(series, sides, length)
        expected["trend"] += slow_trends_past_repeats(series, length)
    found = {
        "old": rules.two_of_three_inside(z, side, segments),
        "2of3": rules.beyond(z, segments, points=2, window=3, sigma=2.0),
        "4of5": rules.beyond(z, segments, points=4, window=5, sigma=0.5),
        "in": rules.within(z, side, segments, sigma=1.0, length=length),
        "out": rules.without(z, segments, sigma=1.0, length=length),
        "alternating": rules.alternations(z, segments, length=length),
        "shift": rules.runs_past_ties(z, side, segments, length=length),
        "trend": rules.trends_past_repeats(z, segments, length=length),
    }
    for name, flags in found.items():
        assert flags.tolist() == expected[name], name
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
