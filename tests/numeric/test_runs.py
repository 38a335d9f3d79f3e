"""Runs about the centre line: by hand, by counting every order, and against other tools."""

from __future__ import annotations

import csv
import itertools
import math
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spcbench.numeric import rules, runs
from spcbench.numeric.segments import Segments

GOLDEN = Path(__file__).parents[3] / "shared" / "golden"


def signs(text: str) -> np.ndarray:
    """Sides from a drawing: + above, - below, 0 on the centre, . no data."""
    return np.array([{"+": 1, "-": -1}.get(mark, 0) for mark in text], dtype=np.int8)


def values(text: str) -> np.ndarray:
    return np.where([mark == "." for mark in text], np.nan, signs(text).astype(float))


def marks(flags: np.ndarray) -> str:
    return "".join("x" if flag else "." for flag in flags)


def golden(name: str) -> list[dict[str, str]]:
    if not (GOLDEN / name).exists():
        pytest.skip("the golden folder is not beside this repository")
    with (GOLDEN / name).open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def numbers(rows: list[dict[str, str]], name: str) -> np.ndarray:
    return np.array([float(row[name]) if row[name] else math.nan for row in rows])


@pytest.mark.parametrize(
    ("drawn", "useful", "above", "longest", "crossings"),
    [
        ("++-+++", 6, 5, 3, 2),
        ("++0.+-", 4, 3, 3, 1),
        ("0000", 0, 0, 0, 0),
        ("+", 1, 1, 1, 0),
        ("-+", 2, 1, 1, 1),
        ("+-+-+-", 6, 3, 1, 5),
    ],
)
def test_statistics_of_a_chart(drawn, useful, above, longest, crossings):
    found = runs.run_statistics(signs(drawn), Segments.from_lengths([len(drawn)]))
    assert found.useful.tolist() == [useful]
    assert found.above.tolist() == [above]
    assert found.longest.tolist() == [longest]
    assert found.crossings.tolist() == [crossings]


def test_no_series_at_all():
    nothing, none = np.zeros(0, dtype=np.int8), Segments.from_lengths([])
    assert runs.run_statistics(nothing, none).useful.size == 0
    assert runs.long_runs(nothing, none).size == 0
    for rule in (runs.few_crossings, runs.few_runs, runs.many_runs):
        assert rule(nothing * 1.0, nothing, none).size == 0


def test_limits_by_the_number_of_useful_points():
    useful = np.array([0, 1, 2, 10, 12, 20, 24, 36, 60])
    assert runs.longest_run_limit(useful).tolist() == [0, 3, 4, 6, 7, 7, 8, 8, 9]
    assert runs.crossings_limit(useful).tolist() == [0, 0, 0, 2, 3, 6, 8, 13, 23]
    assert runs.crossings_limit(np.zeros(0, dtype=np.int64)).size == 0


def test_limits_are_those_of_qicharts2():
    """The table of qicharts2 0.8.1 for 1 to 200 points."""
    rows = golden("anhoej_run_rules_lookup.csv")
    useful = numbers(rows, "n_useful").astype(np.int64)
    assert useful.tolist() == list(range(1, 201))
    np.testing.assert_array_equal(runs.longest_run_limit(useful), numbers(rows, "longest_run_max"))
    np.testing.assert_array_equal(runs.crossings_limit(useful), numbers(rows, "n_crossings_min"))


@pytest.mark.parametrize("useful", [5, 24, 200])
def test_crossings_limit_is_the_5_percent_quantile(useful):
    ways = [math.comb(useful - 1, crossed) for crossed in range(useful)]
    at_most = [Fraction(part, 2 ** (useful - 1)) for part in itertools.accumulate(ways)]
    expected = next(crossed for crossed, chance in enumerate(at_most) if chance >= 0.05)
    assert runs.crossings_limit(np.array([useful])).tolist() == [expected]


@pytest.mark.parametrize(("above", "below"), [(5, 5), (6, 6), (7, 4), (8, 8), (1, 10), (3, 9)])
def test_limits_of_runs_equal_counting_every_order(above, below):
    """All arrangements of so many + and − are equally likely: count the runs of each."""
    size = above + below
    counted: Counter[int] = Counter()
    for places in itertools.combinations(range(size), above):
        row = [at in places for at in range(size)]
        counted[1 + sum(a != b for a, b in itertools.pairwise(row))] += 1
    total = sum(counted.values())
    tail = Fraction(25, 1000)

    def share(wanted):
        return Fraction(sum(count for number, count in counted.items() if wanted(number)), total)

    every = range(1, size + 1)
    fewest = min(limit for limit in every if share(lambda number: number <= limit) > tail)  # noqa: B023
    most = max(limit for limit in every if share(lambda number: number >= limit) > tail)  # noqa: B023
    found = runs.runs_limits(np.array([above]), np.array([below]))
    assert (found.fewest[0], found.most[0]) == (fewest, most)


@pytest.mark.parametrize(
    ("half", "critical"),
    [(5, (2, 10)), (6, (3, 11)), (8, (4, 14)), (10, (6, 16)), (12, (7, 19)), (15, (10, 22))],
)
def test_limits_of_runs_are_the_critical_values_of_swed_and_eisenhart(half, critical):
    """Their table at 2.5 %: so few or so many runs are significant (to check in print)."""
    found = runs.runs_limits(np.array([half]), np.array([half]))
    assert (found.fewest[0] - 1, found.most[0] + 1) == critical


def test_limits_of_runs_where_there_are_none():
    found = runs.runs_limits(np.array([4, 0, 12, 0]), np.array([5, 12, 0, 0]))
    assert found.fewest.tolist() == [0, 0, 0, 0]
    assert found.most.tolist() == [9, 12, 12, 0]


def test_limits_of_runs_on_long_charts():
    """Half a million points: the normal approximation, mean ± 1.96 sd, is near."""
    half = 5_000
    found = runs.runs_limits(np.array([half]), np.array([half]))
    width = 1.96 * math.sqrt(half / 2 * (2 * half - 2) / (2 * half - 1))
    assert found.fewest[0] == pytest.approx(half + 1 - width, abs=2)
    assert found.most[0] == pytest.approx(half + 1 + width, abs=2)


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        # 10 useful points: a run of 6 is allowed, of 7 is not.
        ("++++++----", ".........."),
        ("+++++++---", "xxxxxxx..."),
        # Points on the centre and missing ones are passed over and not marked.
        ("++++0+.++---", "xxxx.x.xx..."),
        ("-------+++++++", "." * 14),
        ("--------++++++++", "xxxxxxxxxxxxxxxx"),
    ],
)
def test_points_of_runs_that_are_too_long(drawn, expected):
    assert marks(runs.long_runs(signs(drawn), Segments.from_lengths([len(drawn)]))) == expected


@pytest.mark.parametrize(
    ("drawn", "crossings", "few", "many"),
    [
        # 12 useful points: 3 crossings, 4 to 10 runs.
        ("++++++------", True, True, False),
        ("+++---+++---", False, False, False),
        ("++++----++--", False, False, False),
        ("+++++---++++", True, False, False),
        ("+-+-+-+-+-+-", False, False, True),
        ("+-+-+-+-+--+", False, False, True),
        ("+-+-+-++--+-", False, False, False),
        ("0+++++.+------", True, True, False),
        ("++++----", False, False, False),
        ("++++++++++++", True, False, False),
    ],
)
def test_charts_judged_as_a_whole(drawn, crossings, few, many):
    value, side, segments = values(drawn), signs(drawn), Segments.from_lengths([len(drawn)])
    known = ~np.isnan(value)
    for rule, fires in (
        (runs.few_crossings, crossings),
        (runs.few_runs, few),
        (runs.many_runs, many),
    ):
        expected = known if fires else np.zeros_like(known)
        assert marks(rule(value, side, segments)) == marks(expected), rule.__name__


def slow_statistics(drawn: str) -> tuple[int, int, int]:
    useful = [mark for mark in drawn if mark in "+-"]
    stretches = [len(list(group)) for _, group in itertools.groupby(useful)]
    return len(useful), max(stretches, default=0), max(len(stretches) - 1, 0)


CHARTS = st.lists(st.text("+-0.", min_size=1, max_size=30), min_size=1, max_size=6)


@settings(max_examples=150, deadline=None)
@given(CHARTS)
def test_many_charts_equal_each_alone(many):
    side, value = signs("".join(many)), values("".join(many))
    segments = Segments.from_lengths([len(drawn) for drawn in many])
    found = runs.run_statistics(side, segments)
    statistics = zip(found.useful, found.longest, found.crossings, strict=True)
    assert list(statistics) == [slow_statistics(drawn) for drawn in many]
    for place, drawn in enumerate(many):
        rows = slice(int(segments.starts[place]), int(segments.lasts[place]) + 1)
        one = Segments.from_lengths([len(drawn)])
        np.testing.assert_array_equal(
            runs.long_runs(side, segments)[rows], runs.long_runs(signs(drawn), one)
        )
        for rule in (runs.few_crossings, runs.few_runs, runs.many_runs):
            np.testing.assert_array_equal(
                rule(value, side, segments)[rows], rule(values(drawn), signs(drawn), one)
            )


@settings(max_examples=100, deadline=None)
@given(st.text("+-0.", min_size=1, max_size=30))
def test_turned_upside_down_or_backwards_a_chart_is_judged_alike(drawn):
    one = Segments.from_lengths([len(drawn)])
    for rule in (runs.few_crossings, runs.few_runs, runs.many_runs):
        plain = rule(values(drawn), signs(drawn), one).any()
        assert rule(values(drawn), -signs(drawn), one).any() == plain
        assert rule(values(drawn[::-1]), signs(drawn[::-1]), one).any() == plain


# Another tool: qicharts2 0.8.1, ``qic(..., return.data = TRUE)``.


def charts_of_qicharts2():
    """Its points as one stack of segments, and its run statistics in the same order."""
    rows = golden("qicharts2_points.csv")
    names = ("case_id", "facet1", "facet2", "part")
    keys = [tuple(row[name] for name in names) for row in rows]
    breaks = np.array([True, *(a != b for a, b in itertools.pairwise(keys))])
    segments = Segments.from_breaks(breaks)
    by_key = {tuple(row[name] for name in names): row for row in golden("qicharts2_runs.csv")}
    found = [by_key[keys[start]] for start in segments.starts]
    assert len(found) == len(by_key) == 291
    return rows, segments, found


def test_the_same_runs_as_qicharts2():
    rows, segments, expected = charts_of_qicharts2()
    value, centre = numbers(rows, "y"), numbers(rows, "cl")
    side = rules.side_of(value, centre)
    side[[row["include"] != "TRUE" for row in rows]] = 0
    found = runs.run_statistics(side, segments)
    np.testing.assert_array_equal(found.useful, numbers(expected, "n.useful"))
    # It gives no number where all points lie on the centre line, or there is none.
    longest, crossings = numbers(expected, "longest.run"), numbers(expected, "n.crossings")
    np.testing.assert_array_equal(found.longest, np.nan_to_num(longest))
    np.testing.assert_array_equal(found.crossings, np.nan_to_num(crossings))
    assert (found.useful == 0).sum() == 2


def test_the_same_charts_signal_as_in_qicharts2():
    rows, segments, expected = charts_of_qicharts2()
    value, centre = numbers(rows, "y"), numbers(rows, "cl")
    side = rules.side_of(value, centre)
    side[[row["include"] != "TRUE" for row in rows]] = 0
    fired = runs.long_runs(side, segments) | runs.few_crossings(value, side, segments)
    ours = segments.sums(fired.astype(np.int64)) > 0
    theirs = np.array([row["runs.signal"] == "TRUE" for row in expected])
    calls = {row["case_id"]: row["call"] for row in golden("qicharts2_cases.csv")}
    # On charts of moving ranges it leaves the run analysis out; some calls ask for other limits.
    other = np.array(
        [
            "chart='mr'" in calls[row["case_id"]] or "method=" in calls[row["case_id"]]
            for row in expected
        ]
    )
    np.testing.assert_array_equal(ours[~other], theirs[~other])
    assert ((~other).sum(), theirs[~other].sum()) == (288, 149)


def test_as_many_points_outside_as_in_qicharts2():
    rows, segments, expected = charts_of_qicharts2()
    value, centre = numbers(rows, "y"), numbers(rows, "cl")
    # Limits may be uneven: each side in units of its own distance.
    limit = np.where(value > centre, numbers(rows, "ucl"), numbers(rows, "lcl"))
    with np.errstate(divide="ignore", invalid="ignore"):
        z = 3.0 * ((value - centre) / np.abs(limit - centre))
    outside = rules.outside(z)
    np.testing.assert_array_equal(outside, [row["sigma.signal"] == "TRUE" for row in rows])
    np.testing.assert_array_equal(
        segments.sums(outside.astype(np.int64)), numbers(expected, "sigma.signals")
    )
    assert outside.sum() == 1470
