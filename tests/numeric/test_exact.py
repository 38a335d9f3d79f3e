"""Exact limits: never flagged more often than promised, and drawn as they judge."""

from pathlib import Path

import numpy as np
import pytest
from scipy import special, stats

from spcbench.numeric import exact

ALPHAS = {
    "95 %": 0.025,
    "1 sigma": float(special.ndtr(-1.0)),
    "2 sigma": float(special.ndtr(-2.0)),
    "3 sigma": float(special.ndtr(-3.0)),
    "99.8 %": 0.001,
}
PERCENT = np.arange(1, 100) / 100
SIZES = [*range(5, 61), 75, 100, 150, 250, 400, 700, 1000, 2500, 10_000]
GOLDEN = Path(__file__).parents[2] / ".." / "shared" / "golden"


@pytest.mark.parametrize("size", SIZES)
def test_every_count_is_judged_as_drawn_and_never_flagged_too_often(size):
    count = np.arange(size + 1.0)[:, None]
    value = count / size
    low_tail = exact.at_most(count, size, PERCENT)
    high_tail = exact.at_least(count, size, PERCENT)
    chance = stats.binom.pmf(count, size, PERCENT)
    for name, alpha in ALPHAS.items():
        below = value < exact.lower_limit(size, PERCENT, alpha=alpha)
        above = value > exact.upper_limit(size, PERCENT, alpha=alpha)
        np.testing.assert_array_equal(below, low_tail < alpha, err_msg=name)
        np.testing.assert_array_equal(above, high_tail < alpha, err_msg=name)
        # Summed from scipy's own probabilities, so independent of our tails.
        for side in (below, above):
            flagged = np.where(side, chance, 0.0).sum(axis=0)
            assert flagged.max() <= alpha * (1 + 1e-9), name


@pytest.mark.parametrize("size", [5, 23, 60, 400, 10_000])
def test_tails_are_those_of_scipy(size):
    count = np.arange(-1.0, size + 2)[:, None]
    # 1e-9: both evaluate the incomplete beta function, by different routes.
    np.testing.assert_allclose(
        exact.at_most(count, size, PERCENT),
        stats.binom.cdf(count, size, PERCENT),
        rtol=1e-9,
        atol=1e-200,
    )
    np.testing.assert_allclose(
        exact.at_least(count, size, PERCENT),
        stats.binom.sf(count - 1, size, PERCENT),
        rtol=1e-9,
        atol=1e-200,
    )


@pytest.mark.parametrize("size", [*range(1, 40), 100, 1000])
@pytest.mark.parametrize("sigma", [1.0, 2.0, 3.0])
def test_scores_are_beyond_k_exactly_where_the_verdict_is(size, sigma):
    count = np.arange(size + 1.0)[:, None]
    alpha = float(special.ndtr(-sigma))
    score = exact.tail_scores(count, size, PERCENT)
    low, high = exact.verdicts(count, size, PERCENT, alpha=alpha)
    np.testing.assert_array_equal(score < -sigma, low)
    np.testing.assert_array_equal(score > sigma, high)


def test_scores_are_zero_on_the_centre_and_have_the_sign_of_the_side():
    assert exact.tail_scores([5, 1, 3], [10, 10, 10], [0.5, 0.1, 0.3]).tolist() == [0, 0, 0]
    count = np.arange(21.0)
    score = exact.tail_scores(count, 20, 0.37)
    assert (score[count < 7.4] <= 0).all()
    assert (score[count > 7.4] >= 0).all()
    assert (np.diff(score) >= 0).all()
    # P(R >= 1) of one case at 60 % is 0.6: above the centre, but no evidence of it.
    assert exact.tail_scores(1, 1, 0.6) == 0.0


def test_five_of_five_at_95_per_cent_is_ordinary_though_the_published_line_flags_it():
    assert exact.upper_limit(5, 0.95, alpha=0.001) == 1.0
    assert exact.interpolated_limit(5, 0.95, probability=0.999) < 1.0
    low, high = exact.verdicts(5, 5, 0.95, alpha=0.001)
    assert (bool(low), bool(high)) == (False, False)


def test_the_smallest_unit_that_none_of_five_condemns():
    # 0 of 5 at p: P(R <= 0) = (1 - p)^5 = 0.001 at p = 0.74881...
    assert exact.lower_limit(5, 0.748, alpha=0.001) == 0.0
    assert exact.lower_limit(5, 0.749, alpha=0.001) > 0.0


@pytest.mark.parametrize("alpha", [0.001, 0.025])
def test_upper_is_one_minus_the_lower_of_the_complement(alpha):
    size, odds = np.arange(5.0, 200.0)[:, None], np.array([0.05, 0.25, 0.5, 0.8, 0.97])
    np.testing.assert_allclose(
        exact.upper_limit(size, odds, alpha=alpha),
        1 - exact.lower_limit(size, 1 - odds, alpha=alpha),
        rtol=1e-9,
    )


@pytest.mark.parametrize("certain", [0.0, 1.0])
def test_a_certain_outcome_has_its_limits_on_itself(certain):
    for line in (exact.lower_limit, exact.upper_limit):
        assert line([1, 24], certain, alpha=0.001).tolist() == [certain, certain]


def test_missing_arguments_give_nan_and_no_verdict():
    size, odds = np.array([np.nan, 0.0, 10.0]), np.array([0.5, 0.5, np.nan])
    for line in (exact.lower_limit, exact.upper_limit):
        assert np.isnan(line(size, odds, alpha=0.025)).all()
    assert np.isnan(exact.interpolated_limit(size, odds, probability=0.025)).all()
    low, high = exact.verdicts(np.nan, size, odds, alpha=0.025)
    assert not low.any()
    assert not high.any()


def test_the_published_interpolation_equals_its_reference():
    path = GOLDEN / "reference_spiegelhalter_exact_limits.csv"
    if not path.exists():
        pytest.skip("the golden folder is not beside this repository")
    rows = np.genfromtxt(
        path, delimiter=",", names=True, dtype=None, encoding="utf-8", usecols=(0, 3, 4, 5, 6)
    )
    rows = rows[rows["case_id"] == "medpar_died_binomial_exact"]
    assert rows.size == 216
    for probability in np.unique(rows["p"]):
        part = rows[rows["p"] == probability]
        np.testing.assert_allclose(
            exact.interpolated_limit(
                part["denominator"], part["target"], probability=float(probability)
            ),
            part["limit"],
            rtol=1e-9,  # same closed form, other incomplete beta function
        )
