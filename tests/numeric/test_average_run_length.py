import math

import numpy as np
import pytest

from spcbench.numeric.average_run_length import cusum_arl, cusum_limit, ewma_arl, ewma_width

ROUNDED = 2e-3  # the published widths have three decimals, the run lengths three digits


@pytest.mark.parametrize(
    ("weight", "width", "published"),
    [
        (0.05, 2.615, 500),
        (0.10, 2.814, 500),
        (0.20, 2.962, 500),
        (0.40, 3.054, 500),
        (0.20, 2.86, 371),
        (0.20, 3.0, 560),
        (0.10, 3.0, 842),
    ],
)
def test_published_run_lengths_of_ewma(weight, width, published):
    assert ewma_arl(weight, width) == pytest.approx(published, rel=ROUNDED)


def test_an_ewma_of_the_newest_point_alone_is_a_shewhart_chart():
    # 1 / P(|z| > 3), and 1 / P(|z| > 3) one sigma away.
    assert ewma_arl(1.0, 3.0) == pytest.approx(370.3983, rel=1e-6)
    assert ewma_arl(1.0, 3.0, shift=1.0) == pytest.approx(43.8947, rel=1e-5)


@pytest.mark.parametrize(
    ("h", "sides", "published"), [(4, 2, 168), (4, 1, 335), (5, 2, 465), (5, 1, 931)]
)
def test_published_run_lengths_of_cusum(h, sides, published):
    assert cusum_arl(0.5, h, sides=sides) == pytest.approx(published, rel=ROUNDED)


def test_a_cusum_finds_the_shift_that_it_looks_for():
    # Montgomery's table for k = 0.5, h = 5, two-sided: 38.0, 10.4 and 4.01 points.
    lengths = [cusum_arl(0.5, 5.0, mean=mean) for mean in (0.5, 1.0, 2.0)]
    assert lengths == pytest.approx([38.0, 10.4, 4.01], rel=3e-3)


@pytest.mark.parametrize("arl0", [20.0, 100.0, 370.0, 5000.0])
def test_limits_give_the_run_length_that_was_asked_for(arl0):
    for weight in (0.02, 0.2, 1.0):
        assert ewma_arl(weight, ewma_width(arl0, weight=weight)) == pytest.approx(arl0, rel=1e-6)
    for shift in (0.1, 0.5, 1.0):
        for sides in (1, 2):
            h = cusum_limit(arl0, shift=shift, sides=sides)
            assert cusum_arl(shift, h, sides=sides) == pytest.approx(arl0, rel=1e-6)


def test_where_the_smallest_limit_is_enough_it_is_given():
    assert cusum_limit(2.0, shift=3.0) == 0.001


def run_lengths(move, limit, *, runs=3000):
    """Points until |state| or state first exceeds the limit, in so many runs."""
    state, found, points = np.zeros(runs), [], 0
    while state.size:
        points += 1
        state = move(state)
        hit = np.abs(state) > limit
        found += [points] * int(hit.sum())
        state = state[~hit]
    return np.mean(found), np.std(found) / math.sqrt(runs)


def test_simulation_agrees():
    draw = np.random.default_rng(5)
    limit = 2.5 * math.sqrt(0.1 / 1.9)
    mean, error = run_lengths(lambda e: 0.9 * e + 0.1 * draw.normal(size=e.size), limit)
    assert abs(mean - ewma_arl(0.1, 2.5)) < 3 * error
    mean, error = run_lengths(lambda c: np.maximum(0, c + draw.normal(size=c.size) - 0.5), 3.0)
    assert abs(mean - cusum_arl(0.5, 3.0, sides=1)) < 3 * error


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ewma_arl(0.0, 3.0), "it got weight 0 and width 3"),
        (lambda: ewma_arl(1.1, 3.0), "it got weight 1.1 and width 3"),
        (lambda: ewma_arl(0.2, 0.0), "it got weight 0.2 and width 0"),
        (lambda: ewma_width(1.0, weight=0.2), "must be above 1, not 1"),
        (lambda: cusum_limit(0.5, shift=0.5), "must be above 1, not 0.5"),
        (lambda: cusum_arl(-0.1, 4.0), "it got shift -0.1, h 4 and 2 sides"),
        (lambda: cusum_arl(0.5, 0.0), "it got shift 0.5, h 0 and 2 sides"),
        (lambda: cusum_arl(0.5, 4.0, sides=3), "it got shift 0.5, h 4 and 3 sides"),
    ],
)
def test_what_is_out_of_range_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
