import numpy as np
import pytest

from spcbench.numeric.dispersion import additive_variance, variance_ratio, variance_ratio_interval
from spcbench.numeric.moving import D2
from spcbench.numeric.segments import Segments


def test_by_hand_two_series_with_a_gap_and_a_missing_point():
    deviation = np.array([0.0, 2.0, -1.0, 5.0, 100.0, 1.0, np.nan, 3.0, 4.0])
    gap = np.array([False, False, False, True, False, False, False, False, False])
    found = variance_ratio(deviation, gap, Segments.from_lengths([4, 5]))
    # First: ranges 2 and 3, the gap takes the third. Second: 99 and 1.
    assert found == pytest.approx([(2.5 / D2) ** 2, (50.0 / D2) ** 2], rel=1e-15)


def test_no_moving_range_gives_nan_and_a_constant_series_gives_zero():
    deviation = np.array([1.0, np.nan, 2.0, 3.0, 3.0])
    found = variance_ratio(deviation, np.zeros(5, bool), Segments.from_lengths([3, 2]))
    assert np.isnan(found[0])
    assert found[1] == 0.0


def test_chance_alone_gives_about_one():
    draw = np.random.default_rng(3).normal(size=50_000)
    found = variance_ratio(draw, np.zeros(50_000, bool), Segments.from_lengths([50_000]))
    assert found[0] == pytest.approx(1.0, abs=0.03)


def test_its_input_is_not_written_to():
    deviation, gap = np.array([1.0, 2.0, 4.0]), np.array([False, True, False])
    before = deviation.copy()
    variance_ratio(deviation, gap, Segments.from_lengths([3]))
    np.testing.assert_array_equal(deviation, before)


@pytest.mark.parametrize(("points", "spread"), [(12, 0.548), (24, 0.379), (36, 0.307), (60, 0.237)])
def test_the_interval_of_a_ratio(points, spread):
    interval = variance_ratio_interval(np.array([1.0, 1.8, np.nan]), points)
    half = np.log(interval.upper[:2] / interval.lower[:2]) / 2
    assert half / 1.959964 == pytest.approx([spread, spread], abs=5e-4)
    assert np.sqrt(interval.lower[1] * interval.upper[1]) == pytest.approx(1.8, rel=1e-12)
    assert np.isnan([interval.lower[2], interval.upper[2]]).all()


def test_one_point_says_nothing_about_a_ratio():
    interval = variance_ratio_interval(np.array([1.0, np.nan]), np.array([1, 0]))
    assert interval.lower[0] == 0.0
    assert interval.upper[0] == np.inf
    assert np.isnan(interval.upper[1])


def test_the_interval_covers_the_ratio_of_chance_19_times_in_20():
    draw = np.random.default_rng(5).normal(size=(4000, 24))
    segments = Segments.from_lengths([24] * 4000)
    ratio = variance_ratio(draw.ravel(), np.zeros(draw.size, bool), segments)
    interval = variance_ratio_interval(ratio, 24)
    covered = np.mean((interval.lower < 1) & (interval.upper > 1))
    assert covered == pytest.approx(0.95, abs=0.015)


def test_additive_variance_by_hand():
    value = np.array([0.5, 0.7, 0.5, 0.9, 0.1, np.nan, 0.3, 0.3])
    sigma = np.array([0.1, 0.1, 0.2, 0.1, 0.1, np.nan, 0.1, 0.1])
    gap = np.array([False, False, False, True, False, False, False, False])
    found = additive_variance(value, sigma, gap, Segments.from_lengths([4, 2, 2]))
    # First: 0.04 - 0.02 and 0.04 - 0.05, half their mean; the gap takes the third.
    # Second: no range. Third: the ranges are less than chance.
    assert found[0] == pytest.approx((0.02 - 0.01) / 2 / 2, rel=1e-12)
    assert np.isnan(found[1])
    assert found[2] == 0.0
    assert additive_variance(value[:0], sigma[:0], gap[:0], Segments.from_lengths([])).size == 0


def test_additive_variance_finds_what_was_put_in():
    draw = np.random.default_rng(8)
    sigma = draw.uniform(0.01, 0.05, 60_000)
    value = 0.5 + draw.normal(0, 0.02, 60_000) + draw.normal(0, 1, 60_000) * sigma
    before = value.copy(), sigma.copy()
    gap = np.zeros(60_000, bool)
    found = additive_variance(value, sigma, gap, Segments.from_lengths([60_000]))
    assert found[0] == pytest.approx(0.02**2, rel=0.1)
    np.testing.assert_array_equal(value, before[0])
    np.testing.assert_array_equal(sigma, before[1])
