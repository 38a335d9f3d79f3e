"""Patterns over time: by hand, against slow plain Python, and how often chance makes them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from spcbench.numeric.patterns import (
    autocorrelation,
    denominator_variation,
    rounding,
    seasonality,
)
from spcbench.numeric.segments import Segments
from spcbench.numeric.shared_cases import ROLLING, rolling

NAN = math.nan


def none(values) -> np.ndarray:
    return np.zeros(np.asarray(values).size, dtype=np.bool_)


def apart(count: int, points: int) -> Segments:
    return Segments.from_lengths([points] * count)


# ------------------------------------------------------------------------ neighbours alike


def slow_autocorrelation(values, gap, lag):
    """The definition, one pair at a time."""
    known = [value for value in values if not math.isnan(value)]
    number, mean = len(known), sum(known) / len(known)
    product, pairs = 0.0, 0
    for later in range(lag, len(values)):
        earlier = later - lag
        if any(gap[earlier + 1 : later + 1]):
            continue
        if math.isnan(values[earlier]) or math.isnan(values[later]):
            continue
        product += (values[earlier] - mean) * (values[later] - mean)
        pairs += 1
    spread = sum((value - mean) ** 2 for value in known)
    return product / spread + pairs / (number * (number - 1)), pairs


def test_autocorrelation_by_hand():
    values = np.array([1.0, 2.0, 3.0, 4.0, 1.0, -1.0, 1.0, -1.0])
    found = autocorrelation(values, none(values), Segments.from_lengths([4, 4]))
    # (1.5·0.5 − 0.25 + 0.5·1.5)/5 = 0.25 and −3/4, each with 3/(4·3) added.
    np.testing.assert_allclose(found.coefficient, [0.5, -0.5], rtol=1e-15)
    np.testing.assert_allclose(found.standard_error, math.sqrt(3 / 24), rtol=1e-15)
    assert found.pairs.tolist() == [3, 3]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-5, 5) | st.just(NAN), st.booleans()), min_size=3, max_size=20),
    st.integers(1, 4),
)
def test_autocorrelation_equals_the_slow_definition(rows, lag):
    values = np.array([float(value) for value, _ in rows])
    gap = np.array([broken and at % 3 == 2 for at, (_, broken) in enumerate(rows)])
    doubled, gaps = np.concatenate([values, values]), np.concatenate([gap, gap])
    found = autocorrelation(doubled, gaps, apart(2, values.size), lag=lag)
    known = values[~np.isnan(values)]
    if known.size < 2 or (known == known[0]).all():
        assert np.isnan(found.coefficient).all()
        return
    expected, pairs = slow_autocorrelation(values.tolist(), gap.tolist(), lag)
    assert found.pairs.tolist() == [pairs, pairs]
    if pairs:
        np.testing.assert_allclose(found.coefficient, expected, rtol=1e-9, atol=1e-12)
    else:
        assert np.isnan(found.coefficient).all()


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0], [NAN] * 5, [0.1] * 30, [NAN, 1.0, NAN]])
def test_autocorrelation_of_next_to_nothing(values):
    values = np.array(values)
    segments = Segments.from_lengths([values.size] if values.size else [])
    found = autocorrelation(values, none(values), segments, lag=3)
    assert np.isnan(found.coefficient).all()
    assert not found.beyond(0.01).any()


def test_alternating_gaps_leave_no_pair():
    values = np.arange(8.0)
    found = autocorrelation(values, np.ones(8, bool), Segments.from_lengths([8]))
    assert found.pairs.tolist() == [0]
    assert np.isnan(found.coefficient[0])


def test_independent_points_have_none_on_average_and_seldom_look_alike():
    draw = np.random.default_rng(2)
    for points in (12, 24, 36):
        for lag in (1, 12):
            if lag >= points:
                continue
            values = draw.normal(size=4000 * points)
            found = autocorrelation(values, none(values), apart(4000, points), lag=lag)
            assert found.coefficient.mean() == pytest.approx(0.0, abs=0.01)
            assert found.coefficient.std() == pytest.approx(found.standard_error[0], rel=0.07)
            assert found.beyond(0.01).mean() <= 0.02


def test_beyond_is_the_one_sided_chance():
    draw = np.random.default_rng(3)
    values = draw.normal(size=3000 * 60)
    found = autocorrelation(values, none(values), apart(3000, 60))
    assert found.beyond(0.05).mean() == pytest.approx(0.05, abs=0.015)
    assert found.beyond(0.01).mean() == pytest.approx(0.01, abs=0.006)


# ------------------------------------------------------------------------ seasons


def test_seasons_are_an_analysis_of_variance_by_month():
    draw = np.random.default_rng(5)
    values, month = draw.normal(size=41), np.arange(41) % 12
    values[7] = NAN
    found = seasonality(values, month, Segments.from_lengths([41]))
    groups = [values[(month == one) & ~np.isnan(values)] for one in range(12)]
    expected = stats.f_oneway(*groups)
    assert found.f[0] == pytest.approx(expected.statistic, rel=1e-10)
    assert found.probability[0] == pytest.approx(expected.pvalue, rel=1e-10)
    np.testing.assert_allclose(found.means[0], [group.mean() for group in groups], rtol=1e-12)


@pytest.mark.parametrize(("points", "spoken"), [(23, False), (24, True)])
def test_two_years_are_wanted(points, spoken):
    values = np.random.default_rng(1).normal(size=points)
    found = seasonality(values, np.arange(points) % 12, Segments.from_lengths([points]))
    assert np.isnan(found.f[0]) != spoken


def test_half_of_the_seasons_must_come_twice_and_quarters_do_as_months():
    values = np.random.default_rng(1).normal(size=24)
    twice = np.array([*range(6), *range(6), *([0] * 12)])
    assert np.isfinite(seasonality(values, twice, Segments.from_lengths([24])).f[0])
    once = np.array([*range(5), *range(5), *([0] * 14)])
    assert np.isnan(seasonality(values, once, Segments.from_lengths([24])).f[0])
    quarters = seasonality(values, np.arange(24) % 4, Segments.from_lengths([24]), seasons=4)
    assert quarters.means.shape == (1, 4)


@pytest.mark.parametrize("values", [[], [1.0], [NAN] * 30, [0.1] * 36, [0.0, 1.0] * 18])
def test_seasons_of_next_to_nothing(values):
    values = np.array(values)
    segments = Segments.from_lengths([values.size] if values.size else [])
    found = seasonality(values, np.arange(values.size) % 12, segments)
    assert np.isnan(found.probability).all()


def test_seasons_are_found_and_steps_and_trends_are_not_seasons():
    draw = np.random.default_rng(9)
    time = np.tile(np.arange(36), 1000)
    noise, segments = draw.normal(size=36_000), apart(1000, 36)

    def share(values):
        return (seasonality(values, time % 12, segments).probability < 0.01).mean()

    assert share(noise) == pytest.approx(0.01, abs=0.01)
    assert share(noise + 2.0 * np.sin(2 * np.pi * time / 12)) > 0.95
    assert share(noise + 3.0 * (time >= 18)) < 0.01
    assert share(noise + 0.1 * time) < 0.01


# ------------------------------------------------------------------------ rolling totals


def rolled(draw, window, points, *, spread=0.0, mean=60):
    """Deviations and denominators of sums over `window` months, 500 series."""
    size = draw.poisson(mean, (500, points + window - 1))
    chance = np.clip(draw.normal(0.8, spread, size.shape), 0, 1) if spread else 0.8
    number = draw.binomial(size, chance)
    view = np.lib.stride_tricks.sliding_window_view
    number, size = (view(counts, window, axis=1).sum(axis=-1) for counts in (number, size))
    centre = (number.sum(axis=1) / size.sum(axis=1))[:, None]
    deviation = (number / size - centre) / np.sqrt(centre * (1 - centre) / size)
    return deviation.ravel(), size.astype(float).ravel()


def found_rolling(deviation, size, points, **more):
    made = rolling(deviation, none(deviation), apart(500, points), denominator=size, **more)
    return (made.sign > 0).mean(), made


def test_twelve_month_totals_are_found_and_monthly_counts_are_not():
    draw = np.random.default_rng(8)
    share, made = found_rolling(*rolled(draw, 12, 36), 36)
    assert share > 0.95
    assert np.median(made.steps) == pytest.approx(1 / 12, rel=0.15)
    assert np.median(made.denominator_steps) == pytest.approx(1 / 12, rel=0.15)
    assert found_rolling(*rolled(draw, 12, 36, spread=0.1), 36)[0] > 0.9
    assert found_rolling(*rolled(draw, 3, 36), 36)[0] > 0.75
    for points in (12, 24, 36):
        assert found_rolling(*rolled(draw, 1, points), points)[0] <= 0.02


def test_totals_of_large_and_restless_counts_are_known_by_their_smoothness():
    draw = np.random.default_rng(8)
    share, made = found_rolling(*rolled(draw, 12, 36, spread=0.08, mean=2000), 36)
    assert share > 0.9
    assert np.median(made.steps) > 1
    deviation, _ = rolled(draw, 12, 36, spread=0.08, mean=2000)
    assert found_rolling(deviation, None, 36, by_chance=False)[0] > 0.7
    assert {ROLLING[code] for code in made.sign} <= {"none", "denominators", "smooth"}


def test_a_lasting_change_a_trend_or_a_season_is_not_rolling():
    draw = np.random.default_rng(6)
    time = np.tile(np.arange(36), 500)
    noise = draw.normal(size=time.size)
    for pattern in (4.0 * (time >= 18), 0.1 * time, 2.0 * np.sin(2 * np.pi * time / 12)):
        assert found_rolling(noise + pattern, np.full(time.size, 50.0), 36)[0] < 0.03


def test_without_chance_to_compare_with_steps_must_not_take_each_other_back():
    draw = np.random.default_rng(6)
    time = np.tile(np.arange(36), 500)
    trend = draw.normal(size=time.size) + 0.3 * time
    share, made = found_rolling(trend, None, 36, by_chance=False)
    assert np.median(made.lag_1) > 0.75
    assert share < 0.1


def test_rolling_wants_twelve_points_and_stands_edges():
    draw = np.random.default_rng(8)
    deviation, size = rolled(draw, 12, 11)
    assert found_rolling(deviation, size, 11)[0] == 0.0
    for values in ([], [1.0], [1.0, 2.0], [NAN] * 30, [0.5] * 30):
        segments = Segments.from_lengths([len(values)] if values else [])
        made = rolling(np.array(values), none(values), segments, denominator=np.array(values))
        assert (made.sign == 0).all()


def test_by_chance_may_differ_from_series_to_series():
    draw = np.random.default_rng(8)
    deviation, _ = rolled(draw, 12, 24)
    some = np.arange(500) % 2 == 0
    _, made = found_rolling(deviation, None, 24, by_chance=some)
    assert np.isnan(made.steps[~some]).all()
    assert np.isfinite(made.steps[some]).all()
    assert not (made.sign[~some] == ROLLING.index("steadier_than_chance")).any()


# ------------------------------------------------------------------------ counts


@pytest.mark.parametrize(
    ("counts", "base", "distinct"),
    [
        ([10, 20, 30, 20], 10, 3),
        ([10, 25, 30, 25, NAN, 0], 5, 3),
        ([10, 25, 31], 0, 0),
        ([0, 0, 0], 0, 0),
        ([NAN, NAN], 0, 0),
        ([50] * 24, 10, 1),
        ([7], 0, 0),
    ],
)
def test_rounding_by_hand(counts, base, distinct):
    found = rounding(np.array(counts, dtype=float), Segments.from_lengths([len(counts)]))
    assert (found.base[0], found.distinct[0]) == (base, distinct)
    assert found.chance[0] == pytest.approx(float(base) ** -distinct if base else 1.0, rel=1e-12)


def test_rounding_of_nothing_and_of_many_at_once():
    empty = rounding(np.array([]), Segments.from_lengths([]))
    assert empty.base.size == empty.distinct.size == empty.chance.size == 0
    found = rounding(np.array([10.0, 20, 5, 10, 3, 5, 10]), Segments.from_lengths([2, 2, 1, 2]))
    assert found.base.tolist() == [10, 5, 0, 5]
    assert found.distinct.tolist() == [2, 2, 0, 2]


def test_honest_counts_do_not_look_rounded():
    draw = np.random.default_rng(4)
    counts = draw.binomial(200, 0.5, 4000 * 12).astype(float)
    assert (rounding(counts, apart(4000, 12)).chance < 1e-3).mean() < 0.001


def test_variation_of_denominators_by_hand():
    size = np.array([50.0, 100, 90, NAN, 0, 60, 60, NAN, 100, 200, 100, 400])
    found = denominator_variation(size, Segments.from_lengths([5, 2, 1, 4]))
    np.testing.assert_allclose(found, [0.375, 0.0, NAN, 1.0], rtol=1e-15)


def test_inputs_are_not_written_to():
    draw = np.random.default_rng(1)
    values, size, gap = draw.normal(size=48), draw.poisson(50, 48).astype(float), none(range(48))
    before = values.copy(), size.copy(), gap.copy()
    segments = apart(2, 24)
    autocorrelation(values, gap, segments)
    seasonality(values, np.arange(48) % 12, segments)
    rolling(values, gap, segments, denominator=size)
    rounding(size, segments)
    denominator_variation(size, segments)
    for mine, kept in zip((values, size, gap), before, strict=True):
        np.testing.assert_array_equal(mine, kept)
