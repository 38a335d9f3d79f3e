import numpy as np
import pytest

from spcbench.numeric.dispersion import D2, variance_ratio
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
