"""Exact Poisson limits: never flagged more often than promised, and drawn as they judge."""

import numpy as np
import pytest
from scipy import special, stats

from spcbench.numeric import exact_poisson

ALPHAS = {
    "95 %": 0.025,
    "1 sigma": float(special.ndtr(-1.0)),
    "2 sigma": float(special.ndtr(-2.0)),
    "3 sigma": float(special.ndtr(-3.0)),
    "99.8 %": 0.001,
}
MEANS = np.concatenate([np.geomspace(1e-6, 0.1, 15), np.arange(1, 150) / 10, [20, 50, 120.5, 400]])


@pytest.mark.parametrize("size", [1.0, 7.0, 0.3, 14768.4166666667])
def test_every_count_is_judged_as_drawn_and_never_flagged_too_often(size):
    count, rate = np.arange(700.0)[:, None], MEANS / size
    value, chance = count / size, stats.poisson.pmf(count, size * rate)
    for name, alpha in ALPHAS.items():
        below = value < exact_poisson.lower_limit(size, rate, alpha=alpha)
        above = value > exact_poisson.upper_limit(size, rate, alpha=alpha)
        low, high = exact_poisson.verdicts(count, size, rate, alpha=alpha)
        np.testing.assert_array_equal(below, low, err_msg=name)
        np.testing.assert_array_equal(above, high, err_msg=name)
        # Summed from scipy's own probabilities, so independent of our tails.
        for side in (below, above):
            flagged = np.where(side, chance, 0.0).sum(axis=0)
            assert flagged.max() <= alpha * (1 + 1e-9), name


def test_by_hand():
    # Mean 2: P(R >= 7) = 0.00453, P(R >= 8) = 0.00110. 0.00135 lies 92.6 % of the way.
    tails = stats.poisson.sf([6, 7], 2.0)
    share = (tails[0] - 0.00135) / (tails[0] - tails[1])
    assert 7 < 7 + share < 8
    assert exact_poisson.upper_limit(1.0, 2.0, alpha=0.00135) == pytest.approx(7 + share)
    # P(R = 0) = 0.135: none is never low.
    assert exact_poisson.lower_limit(1.0, 2.0, alpha=0.00135) == 0.0
    # Mean 20: P(R <= 7) = 0.00078, P(R <= 8) = 0.00209.
    tails = stats.poisson.cdf([7, 8], 20.0)
    share = (tails[1] - 0.00135) / (tails[1] - tails[0])
    assert exact_poisson.lower_limit(1.0, 20.0, alpha=0.00135) == pytest.approx(8 - share)


def test_none_is_low_from_minus_log_alpha():
    # P(R = 0) = exp(-mean) is below 0.001 from a mean of 6.9078.
    assert exact_poisson.lower_limit(1.0, 6.907, alpha=0.001) == 0.0
    assert exact_poisson.lower_limit(1.0, 6.908, alpha=0.001) > 0.0


def test_tails_are_those_of_scipy():
    count = np.arange(-1.0, 60.0)[:, None]
    np.testing.assert_allclose(
        exact_poisson.at_most(count, 2.0, MEANS / 2), stats.poisson.cdf(count, MEANS), rtol=1e-12
    )
    np.testing.assert_allclose(
        exact_poisson.at_least(count, 2.0, MEANS / 2),
        stats.poisson.sf(count - 1, MEANS),
        rtol=1e-9,
        atol=1e-200,
    )


@pytest.mark.parametrize("sigma", [1.0, 2.0, 3.0])
def test_scores_are_beyond_k_exactly_where_the_verdict_is(sigma):
    count, alpha = np.arange(600.0)[:, None], float(special.ndtr(-sigma))
    score = exact_poisson.tail_scores(count, 1.0, MEANS)
    low, high = exact_poisson.verdicts(count, 1.0, MEANS, alpha=alpha)
    np.testing.assert_array_equal(score < -sigma, low)
    np.testing.assert_array_equal(score > sigma, high)


def test_scores_on_the_centre_off_it_and_of_no_exposure():
    assert exact_poisson.tail_scores([5, 3], [10, 1.0], [0.5, 3.0]).tolist() == [0, 0]
    assert np.isnan(exact_poisson.tail_scores(0.0, 0.0, 0.5))
    # P(R >= 1) of mean 0.9 is 0.59: above the centre, but no evidence of it.
    assert exact_poisson.tail_scores(1, 1.0, 0.9) == 0.0
    score = exact_poisson.tail_scores(np.arange(40.0), 1.0, 9.3)
    assert (np.diff(score) >= 0).all()


@pytest.mark.parametrize("limit", [exact_poisson.lower_limit, exact_poisson.upper_limit])
def test_a_rate_of_0_has_its_limits_on_itself_and_nothing_known_gives_nan(limit):
    assert limit([1.0, 24.0], 0.0, alpha=0.001).tolist() == [0.0, 0.0]
    size, rate = [np.nan, 0.0, 10.0, 10.0, np.inf, -1.0], [0.5, 0.5, np.nan, np.inf, 0.5, 0.5]
    assert np.isnan(limit(size, rate, alpha=0.025)).all()
    assert np.isnan(limit(10.0, -0.5, alpha=0.025))
    assert limit([], [], alpha=0.025).shape == (0,)
    assert limit(np.ones((2, 1)), np.ones(3), alpha=0.025).shape == (2, 3)


def test_large_means_come_near_the_normal_limits():
    mean = 1e6
    for sigma in (2.0, 3.0):
        alpha = float(special.ndtr(-sigma))
        upper = exact_poisson.upper_limit(1.0, mean, alpha=alpha)
        assert upper == pytest.approx(mean + sigma * 1000 + (sigma**2 - 1) / 6, abs=0.6)
        lower = exact_poisson.lower_limit(1.0, mean, alpha=alpha)
        assert lower == pytest.approx(mean - sigma * 1000 + (sigma**2 - 1) / 6, abs=0.6)


def test_the_smallest_count_is_found_from_any_guess():
    wanted = np.array([0.0, 3.0, 17.0])
    for guess in (np.zeros(3), np.full(3, 40.2), wanted, wanted - 5):
        found = exact_poisson.smallest_count(lambda count, at: count >= wanted[at], guess)
        assert found.tolist() == wanted.tolist()


@pytest.mark.parametrize("size", [1.0, 3.0, 7.0, 49.0, 1e-3])
def test_rounding_lets_no_line_touch_the_count_outside(size):
    one, rate = np.ones(1), np.ones(1)
    just_above, just_below = np.nextafter(7.0, 8.0) * one, np.nextafter(8.0, 7.0) * one
    assert exact_poisson.lower_line(just_above, 8 * one, size * one, rate) > 7 / size
    assert exact_poisson.upper_line(just_below, 8 * one, size * one, rate) < 8 / size
