import csv
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spcbench.numeric.event_cusum import (
    bernoulli_cusum_limits,
    bernoulli_cusum_sums,
    poisson_cusum_limits,
)
from spcbench.numeric.event_run_length import bernoulli_cusum_limits_of, poisson_cusum_designs
from spcbench.numeric.limits import METHODS, ChartOptions, Series
from spcbench.numeric.rules import outside
from spcbench.numeric.segments import Segments

GOLDEN = Path(__file__).parents[2] / ".." / "shared" / "golden"
NAN = float("nan")
ARRAYS = ("value", "centre", "sigma", "lcl", "ucl", "lower_warning", "upper_warning", "z")
K = 0.5 / math.log(2)  # μ0 = 0.5, doubled


def chosen(sigma=3.0, **choices):
    return ChartOptions(sigma=sigma, settings=choices)


def counts(numerator, *, lengths=None, base=None, gap=None, **more):
    top = np.asarray(numerator, dtype=np.float64)
    return Series(
        value=top,
        numerator=top,
        in_baseline=np.ones(top.size, bool) if base is None else base,
        gap=np.zeros(top.size, bool) if gap is None else gap,
        segments=Segments.from_lengths([top.size] if lengths is None else lengths),
        **more,
    )


def cases(numerator, denominator=1, *, p0=None, **more):
    top = np.asarray(numerator, dtype=np.float64)
    size = np.broadcast_to(np.asarray(denominator, dtype=np.float64), top.shape)
    made = counts(top, denominator=size, **more)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = top / size
    centre = None if p0 is None else np.full(top.size, p0)
    return Series(
        **{
            name: getattr(made, name)
            for name in ("numerator", "denominator", "in_baseline", "gap", "segments", "excluded")
        },
        value=value,
        given_centre=centre,
    )


# ---- cases


def test_cases_by_hand():
    # p0 = 1/3, odds ratio 2: p1 = 1/2, so ln 1.5 for an event and ln 0.75 without;
    # the other way p2 = 1/5: ln 0.6 and ln 1.2.
    limits = bernoulli_cusum_limits(cases([1, 1, 0, 0, 0, 0], p0=1 / 3), chosen(h=0.8))
    up, down = math.log(1.5), math.log(1.2)
    wanted = [up, 2 * up, -down, -2 * down, -3 * down, -4 * down]
    assert limits.value == pytest.approx(wanted)
    assert outside(limits.z).tolist() == [False, True, False, False, False, False]
    assert limits.ucl.tolist() == [0.8] * 6
    assert limits.lcl.tolist() == [-0.8] * 6
    assert (limits.method == METHODS.index("given")).all()


def test_cases_of_a_row_add_up():
    by_case = bernoulli_cusum_limits(cases([1, 1, 0, 1], p0=0.25), chosen(h=9.0))
    by_row = bernoulli_cusum_limits(cases([3], 4, p0=0.25), chosen(h=9.0))
    assert by_row.value[0] == pytest.approx(by_case.value[3])


@pytest.mark.parametrize(
    ("case", "events", "limit", "signals"),
    [
        ("death_t200_or2", 68, 3.5, [855]),
        ("death_p0.03", 68, 3.5, [895]),
        ("readm_t200_or2_l5", 477, 5.0, []),
    ],
)
def test_every_bernoulli_cusum_of_qicharts2(case, events, limit, signals):
    path = GOLDEN / "qicharts2_bchart_points.csv"
    if not path.exists():
        pytest.skip("the golden folder is not beside this repository")
    with path.open(newline="", encoding="utf-8") as handle:
        rows = [row for row in csv.DictReader(handle) if row["case_id"] == case]
    had = np.array([float(row["y"]) for row in rows])
    assert (had.size, had.sum(), float(rows[0]["limit1"])) == (2205, events, limit)
    series = cases(had, p0=float(rows[0]["p0"]))
    options = chosen(h=limit, odds_ratio=float(rows[0]["or"]))
    sums = bernoulli_cusum_sums(series, series.given_centre, np.full(had.size, limit), options)
    theirs = [np.array([float(row[name]) for row in rows]) for name in ("cusum1", "cusum2")]
    fired = [
        np.flatnonzero([row[name] not in ("", "NA") for row in rows]).tolist()
        for name in ("signal1", "signal2")
    ]
    assert np.flatnonzero(sums.upper > limit).tolist() == fired[0] == []
    assert np.flatnonzero(sums.lower > limit).tolist() == fired[1] == signals
    # On purpose: they show 0 where a sum signals, we show the sum that did.
    for row in signals:
        assert theirs[1][row] == 0.0
        assert 3.5 < sums.lower[row] < 3.52
    same = np.setdiff1d(np.arange(had.size), signals)
    np.testing.assert_allclose(sums.upper, theirs[0], rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(-sums.lower[same], theirs[1][same], rtol=1e-9, atol=1e-13)
    assert np.flatnonzero(outside(bernoulli_cusum_limits(series, options).z)).tolist() == signals


def test_one_side_alone():
    had = [0, 0, 0, 0, 1, 1, 1, 0]
    both = bernoulli_cusum_sums(cases(had, p0=0.2), np.full(8, 0.2), np.full(8, 9.0), chosen())
    rising = bernoulli_cusum_limits(cases(had, p0=0.2), chosen(h=9.0, side="rising"))
    falling = bernoulli_cusum_limits(cases(had, p0=0.2), chosen(h=9.0, side="falling"))
    assert rising.value.tolist() == both.upper.tolist()
    assert falling.value.tolist() == (-both.lower).tolist()
    assert rising.lcl.tolist() == rising.lower_warning.tolist() == [0.0] * 8
    assert falling.ucl.tolist() == falling.upper_warning.tolist() == [0.0] * 8
    assert rising.ucl.tolist() == [9.0] * 8
    assert falling.lcl.tolist() == [-9.0] * 8
    ahead = bernoulli_cusum_limits(
        cases([NAN, *had], p0=0.2), chosen(h=9.0, side="rising", head_start=0.5)
    )
    assert (ahead.value[1:] >= 0).all()


def test_the_chance_is_that_of_the_baseline():
    base = np.array([True] * 4 + [False] * 2)
    limits = bernoulli_cusum_limits(cases([1, 2, 0, 1, 9, 9], 10, base=base), chosen())
    same = bernoulli_cusum_limits(cases([1, 2, 0, 1, 9, 9], 10, p0=0.1), chosen())
    np.testing.assert_array_equal(limits.value, same.value)
    wanted = bernoulli_cusum_limits_of(np.array([0.1]), arl0=5000.0, odds_ratio=2.0)
    assert limits.ucl[0] == wanted[0]
    assert (limits.method == METHODS.index("exact")).all()
    other = bernoulli_cusum_limits(
        cases([1, 2, 0, 1], 10), chosen(arl0=800.0, odds_ratio=3.0, side="rising")
    )
    wanted = bernoulli_cusum_limits_of(np.array([0.1]), arl0=800.0, odds_ratio=3.0, side="rising")
    assert other.ucl[0] == wanted[0]


@pytest.mark.parametrize("h", [0.0, 3.5])
@pytest.mark.parametrize("events", [[20] * 24, [0] * 24])
def test_all_or_none_teaches_nothing(events, h):
    limits = bernoulli_cusum_limits(cases(events, 20), chosen(h=h, head_start=0.5))
    assert limits.value.tolist() == [0.0] * 24
    assert np.isnan(limits.ucl).all()
    assert np.isnan(limits.z).all()


def test_all_but_one():
    limits = bernoulli_cusum_limits(cases([20] * 23 + [19], 20), chosen())
    assert np.isfinite(limits.ucl).all()
    assert np.flatnonzero(outside(limits.z)).size == 0


def test_cases_need_denominators():
    with pytest.raises(ValueError, match="needs numerators and denominators"):
        bernoulli_cusum_limits(counts([1, 0]), chosen())
    with pytest.raises(ValueError, match="needs numerators and denominators"):
        bernoulli_cusum_sums(counts([1, 0]), np.ones(2), np.ones(2), chosen())


# ---- counts


def test_counts_by_hand():
    series = counts([0, 2, 2, 0, 1], given_centre=np.full(5, 0.5))
    limits = poisson_cusum_limits(series, chosen(h=2.0))
    # 2 − K; then 4 − 2K beyond 2; then anew: 0, and 1 − K.
    assert limits.value == pytest.approx([0, 2 - K, 4 - 2 * K, 0, 1 - K])
    assert outside(limits.z).tolist() == [False, False, True, False, False]
    assert limits.ucl.tolist() == [2.0] * 5
    assert limits.lcl.tolist() == limits.lower_warning.tolist() == [0.0] * 5
    assert limits.upper_warning == pytest.approx([4 / 3] * 5)
    on = poisson_cusum_limits(series, chosen(h=2.0, after_signal="continue"))
    assert on.value == pytest.approx([0, 2 - K, 4 - 2 * K, 4 - 3 * K, 5 - 4 * K])
    ahead = poisson_cusum_limits(series, chosen(h=2.0, head_start=0.5))
    assert ahead.value[:2] == pytest.approx([1 - K, 3 - 2 * K])


def test_where_the_mean_comes_from():
    base = np.array([True, True, False, False])
    estimated = poisson_cusum_limits(counts([1, 0, 9, 9], base=base), chosen(h=50.0))
    assert estimated.value == pytest.approx([1 - K, 0, 9 - K, 18 - 2 * K])
    expected = np.array([0.5, 0.5, 1.0, NAN])
    by_row = poisson_cusum_limits(
        counts([1, 0, 9, 9], base=base, expected=expected), chosen(h=50.0)
    )
    assert by_row.value == pytest.approx([1 - K, 0, 9 - 2 * K, 18 - 3 * K])
    given_ = poisson_cusum_limits(
        counts([1, 0, 9, 9], expected=expected, given_centre=np.full(4, 0.25)), chosen(h=50.0)
    )
    assert given_.value == pytest.approx([1 - K / 2, 1 - K, 10 - 1.5 * K, 19 - 2 * K])


def test_k_and_h_are_calibrated_unless_given():
    mean = np.array([0.2, 0.2, *np.linspace(0.4, 3.0, 9)])
    limits = poisson_cusum_limits(counts([1] * 11, expected=mean), chosen())
    design = poisson_cusum_designs(mean, arl0=100.0, ratio=2.0)
    np.testing.assert_array_equal(limits.ucl, design.limit)
    assert limits.value[:2] == pytest.approx([1 - design.reference[0], 2 - 2 * design.reference[0]])
    assert limits.ucl[0] < limits.ucl[2]
    assert (limits.method == METHODS.index("exact")).all()
    other = poisson_cusum_limits(counts([1] * 11, expected=mean), chosen(arl0=20.0, ratio=3.0))
    np.testing.assert_array_equal(
        other.ucl, poisson_cusum_designs(mean, arl0=20.0, ratio=3.0).limit
    )


def test_a_second_level_as_the_warning_line():
    series = counts([1, NAN, 0, 1], given_centre=np.full(4, 0.3))
    limits = poisson_cusum_limits(series, chosen(warning_arl0=20.0))
    level = poisson_cusum_designs(np.full(1, 0.3), arl0=20.0, ratio=2.0).limit[0]
    np.testing.assert_array_equal(limits.upper_warning, [level, NAN, level, level])
    assert level < limits.ucl[0]


def test_a_month_without_events_can_be_kept_quiet():
    series = counts([3, 3, 0, 1], given_centre=np.full(4, 0.5))
    loud = poisson_cusum_limits(series, chosen(h=2.0, after_signal="continue"))
    assert outside(loud.z).tolist() == [True, True, True, True]
    quiet = poisson_cusum_limits(
        series, chosen(h=2.0, after_signal="continue", quiet_without_events=True)
    )
    assert outside(quiet.z).tolist() == [True, True, False, True]
    np.testing.assert_array_equal(quiet.value, loud.value)


@pytest.mark.parametrize("h", [0.0, 3.0])
def test_no_events_at_all_teach_nothing(h):
    limits = poisson_cusum_limits(counts([0] * 24), chosen(h=h, warning_arl0=20.0))
    assert limits.value.tolist() == [0.0] * 24
    assert np.isnan(limits.ucl).all()
    assert np.isnan(limits.upper_warning).all()


def test_a_constant_series_of_counts_has_limits_and_no_signal():
    limits = poisson_cusum_limits(counts([3] * 24), chosen())
    assert limits.value.tolist() == [0.0] * 24
    assert np.isfinite(limits.ucl).all()


# ---- both

CHARTS = [bernoulli_cusum_limits, poisson_cusum_limits]


@pytest.mark.parametrize("limits", CHARTS)
def test_edges(limits):
    assert limits(cases([], lengths=[]), chosen()).value.size == 0
    unknown = limits(cases([NAN] * 3, 5), chosen())
    assert np.isnan(unknown.value).all()
    assert np.isnan(unknown.ucl).all()
    one = limits(cases([1], 5), chosen())
    assert np.isfinite(one.ucl).all()
    baseless = limits(cases([1, 2], 5, base=np.zeros(2, bool)), chosen())
    assert np.isnan(baseless.ucl).all()
    assert baseless.value.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("limits", CHARTS)
def test_no_cases_and_exclusions_leave_the_sum_as_it_was(limits):
    out = np.array([False, False, True, False, False])
    series = cases([1, 1, 5, NAN, 0], [5, 5, 5, 0, 5], excluded=out, base=~out)
    found = limits(series, chosen(h=9.0))
    plain = limits(cases([1, 1, 0], 5), chosen(h=9.0))
    np.testing.assert_array_equal(found.value[[0, 1, 4]], plain.value)
    assert found.value[2] == found.value[1]
    assert np.isnan(found.value[3])


@pytest.mark.parametrize("limits", CHARTS)
def test_a_gap_does_not_stop_a_sum(limits):
    gap = np.array([False, True, False, True])
    np.testing.assert_array_equal(
        limits(cases([1, 2, 0, 3], 9, gap=gap), chosen()).value,
        limits(cases([1, 2, 0, 3], 9), chosen()).value,
    )


@st.composite
def rows_of_cases(draw):
    lengths = draw(st.lists(st.integers(1, 10), min_size=1, max_size=5))
    size = sum(lengths)
    total = draw(st.lists(st.integers(0, 9), min_size=size, max_size=size))
    events = [draw(st.integers(0, number)) if number else NAN for number in total]
    flags = st.lists(st.booleans(), min_size=size, max_size=size).map(np.array)
    return cases(events, total, lengths=lengths, base=draw(flags), excluded=draw(flags))


@settings(max_examples=50, deadline=None)
@given(rows_of_cases(), st.sampled_from(CHARTS), st.sampled_from([0.0, 0.5]))
def test_many_series_together_equal_each_alone(series, limits, head_start):
    options = chosen(head_start=head_start, arl0=50.0)
    together = limits(series, options)
    known = ~np.isnan(together.z)
    np.testing.assert_array_equal(
        outside(together.z)[known],
        ((together.value > together.ucl) | (together.value < together.lcl))[known],
    )
    for at, (begin, length) in enumerate(
        zip(series.segments.starts, series.segments.lengths, strict=True)
    ):
        rows = slice(int(begin), int(begin + length))
        part = Series(
            **{
                name: getattr(series, name)[rows]
                for name in (
                    "value", "numerator", "denominator", "in_baseline", "gap", "excluded",
                )
            },
            segments=series.segments.part(at, at + 1),
        )  # fmt: skip
        alone = limits(part, options)
        for name in ARRAYS:
            np.testing.assert_array_equal(getattr(alone, name), getattr(together, name)[rows])
