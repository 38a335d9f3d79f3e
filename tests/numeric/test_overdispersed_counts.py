"""Counts of units that differ: tails against scipy, and lines drawn as they judge."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats

from spcbench.numeric import beta_binomial, exact, exact_poisson
from spcbench.numeric import overdispersed_counts as mixtures
from spcbench.numeric.overdispersed_counts import BETA_BINOMIAL, POISSON_GAMMA

SIZES = (1, 2, 5, 17, 100, 900)
TARGETS = (0.005, 0.05, 0.3, 0.5, 0.9, 0.995)
PRECISIONS = (0.1, 1.0, 5.0, 50.0, 500.0, 1e4)
ALPHAS = (0.025, 0.001, float(special.ndtr(-2.0)), float(special.ndtr(-3.0)))
LAWS = {"beta-binomial": BETA_BINOMIAL, "poisson-gamma": POISSON_GAMMA}


def cells():
    """Size, target, precision, and the chances of every count by scipy."""
    for size in SIZES:
        for target in TARGETS:
            for m in PRECISIONS:
                chance = stats.betabinom.pmf(
                    np.arange(size + 1), size, target * m, (1 - target) * m
                )
                yield size, target, m, chance


def test_by_hand():
    # A uniform proportion makes every count of 0 to 3 equally likely.
    count = np.arange(4.0)
    np.testing.assert_allclose(
        mixtures.at_most(BETA_BINOMIAL, count, 3, 0.5, 2.0), [0.25, 0.5, 0.75, 1.0], rtol=1e-14
    )
    # A gamma of shape 1 makes the counts geometric: P(R >= r) = (mean/(1 + mean))^r.
    np.testing.assert_allclose(
        mixtures.at_least(POISSON_GAMMA, count, 2.0, 1.5, 1.0), 0.75**count, rtol=1e-13
    )
    # P(R <= 0) = 1/4 and P(R <= 1) = 1/2: 0.3 is a fifth of the way, so 1 − 4/5.
    line = mixtures.lower_limit(BETA_BINOMIAL, 3, 0.5, 2.0, alpha=0.3)
    assert line == pytest.approx((1 - 0.8) / 3, rel=1e-12)
    # P(R >= 3) = 1/4 and P(R >= 2) = 1/2: mirrored.
    line = mixtures.upper_limit(BETA_BINOMIAL, 3, 0.5, 2.0, alpha=0.3)
    assert line == pytest.approx((2 + 0.8) / 3, rel=1e-12)


def test_tails_are_those_of_scipy():
    for size, target, m, chance in cells():
        count = np.arange(size + 1.0)
        low, high = np.cumsum(chance), np.cumsum(chance[::-1])[::-1]
        seen = low > 1e-9
        found = mixtures.at_most(BETA_BINOMIAL, count, size, target, m)
        # scipy subtracts logarithms of large gamma functions: 1e-10 at a precision of 10,000.
        np.testing.assert_allclose(found[seen], low[seen], rtol=2e-9)
        seen = high > 1e-9
        found = mixtures.at_least(BETA_BINOMIAL, count, size, target, m)
        np.testing.assert_allclose(found[seen], high[seen], rtol=2e-9)


def test_tails_of_very_alike_units_lose_no_digits():
    # Exact fractions: a = 3e9 and b = 7e9, 4 cases. scipy is wrong from the fifth digit here.
    a, b, n = Fraction(3 * 10**9), Fraction(7 * 10**9), 4
    none = Fraction(1)
    for step in range(n):
        none *= (b + step) / (a + b + step)
    found = mixtures.at_most(BETA_BINOMIAL, 0.0, n, 0.3, 1e10)
    assert found == pytest.approx(float(none), rel=1e-14)


@pytest.mark.parametrize(
    ("size", "target", "m", "r"),
    [(20_000, 0.18, 25.0, 1500.0), (300_000, 0.18, 15.0, 3000.0), (9_000, 0.9, 400.0, 7600.0)],
)
def test_large_counts_are_integrated_as_exactly_as_they_are_summed(size, target, m, r):
    a, b = np.array([target * m]), np.array([(1 - target) * m])
    count, cases = np.array([r]), np.array([float(size)])
    summed = beta_binomial._summed(count, cases, a, b)
    np.testing.assert_allclose(beta_binomial._integrated(count, cases, a, b), summed, rtol=1e-9)
    np.testing.assert_allclose(beta_binomial._below(count, cases, a, b), summed, rtol=1e-9)
    assert summed[0] > 1e-9


def test_the_tail_is_the_binomial_one_averaged_over_the_units():
    found = mixtures.at_most(BETA_BINOMIAL, 700.0, 1000, 0.8, 60.0)
    expected = integrate.quad(
        lambda p: special.betaincc(701, 300, p) * stats.beta.pdf(p, 48.0, 12.0), 0, 1, epsabs=1e-13
    )[0]
    assert found == pytest.approx(expected, rel=1e-8)


def test_gamma_tails_are_those_of_scipy():
    count = np.arange(0.0, 80.0)[:, None]
    mean = np.array([0.01, 0.5, 3.0, 20.0])
    for shape in (0.3, 2.0, 40.0, 1e6):
        law = stats.nbinom(shape, shape / (shape + mean))
        for found, expected in (
            (mixtures.at_most(POISSON_GAMMA, count, 2.0, mean / 2, shape), law.cdf(count)),
            (mixtures.at_least(POISSON_GAMMA, count, 2.0, mean / 2, shape), law.sf(count - 1)),
        ):
            seen = expected > 1e-9
            # scipy rounds shape/(shape + mean), which is near 1, before it begins.
            np.testing.assert_allclose(found[seen], expected[seen], rtol=1e-7)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_every_count_is_judged_as_drawn_and_never_flagged_too_often(alpha):
    for size, target, m, chance in cells():
        count = np.arange(size + 1.0)
        lower = mixtures.lower_limit(BETA_BINOMIAL, size, target, m, alpha=alpha)
        upper = mixtures.upper_limit(BETA_BINOMIAL, size, target, m, alpha=alpha)
        low = mixtures.at_most(BETA_BINOMIAL, count, size, target, m) < alpha
        high = mixtures.at_least(BETA_BINOMIAL, count, size, target, m) < alpha
        np.testing.assert_array_equal(count / size < lower, low)
        np.testing.assert_array_equal(count / size > upper, high)
        # Summed from scipy's own probabilities, so independent of our tails.
        assert chance[low].sum() <= alpha * (1 + 1e-8)
        assert chance[high].sum() <= alpha * (1 + 1e-8)
        assert 0 <= lower <= upper <= 1


@pytest.mark.parametrize("alpha", ALPHAS)
def test_every_count_of_rates_is_judged_as_drawn(alpha):
    count = np.arange(400.0)[:, None]
    rate = np.concatenate([np.geomspace(1e-5, 0.1, 8), np.arange(1, 60) / 4]) / 1.3
    for shape in (0.5, 4.0, 100.0, 1e5):
        given = (POISSON_GAMMA, 1.3, rate, shape)
        lower = mixtures.lower_limit(*given, alpha=alpha)
        upper = mixtures.upper_limit(*given, alpha=alpha)
        tails = (POISSON_GAMMA, count, 1.3, rate, shape)
        np.testing.assert_array_equal(count / 1.3 < lower, mixtures.at_most(*tails) < alpha)
        np.testing.assert_array_equal(count / 1.3 > upper, mixtures.at_least(*tails) < alpha)


def test_without_variance_the_lines_are_those_of_chance():
    size = np.arange(1.0, 200.0)
    for target in (0.05, 0.5, 0.93):
        for name in ("lower_limit", "upper_limit"):
            found = getattr(mixtures, name)(BETA_BINOMIAL, size, target, np.inf, alpha=0.001)
            by_chance = getattr(exact, name)(size, target, alpha=0.001)
            # Where the line leaves 0 it is the difference of nearly equal numbers.
            np.testing.assert_allclose(found, by_chance, rtol=1e-11, atol=1e-12)
            found = getattr(mixtures, name)(BETA_BINOMIAL, size, target, 1e13, alpha=0.001)
            np.testing.assert_allclose(found, by_chance, rtol=1e-8, atol=1e-10)
            found = getattr(mixtures, name)(POISSON_GAMMA, size, target, np.inf, alpha=0.001)
            by_chance = getattr(exact_poisson, name)(size, target, alpha=0.001)
            np.testing.assert_allclose(found, by_chance, rtol=1e-11, atol=1e-12)


def test_the_lines_of_large_units_end_at_the_spread_between_units():
    for target, m in ((0.8, 40.0), (0.1, 200.0)):
        for alpha in (0.025, 0.001):
            between = stats.beta.ppf([alpha, 1 - alpha], target * m, (1 - target) * m)
            assert mixtures.lower_limit(
                BETA_BINOMIAL, 1e6, target, m, alpha=alpha
            ) == pytest.approx(between[0], rel=1e-3)
            assert mixtures.upper_limit(
                BETA_BINOMIAL, 1e6, target, m, alpha=alpha
            ) == pytest.approx(between[1], rel=1e-3)
            between = stats.gamma.ppf([alpha, 1 - alpha], 25.0, scale=1 / 25.0)
            for found, expected in zip(
                (
                    mixtures.lower_limit(POISSON_GAMMA, 1e6, 1.0, 25.0, alpha=alpha),
                    mixtures.upper_limit(POISSON_GAMMA, 1e6, 1.0, 25.0, alpha=alpha),
                ),
                between,
                strict=True,
            ):
                assert found == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("alpha", [0.025, 0.001])
@pytest.mark.parametrize("target", [0.02, 0.3, 0.85])
def test_lower_lines_rise_with_size_and_upper_ones_fall(target, alpha):
    size = np.arange(1.0, 1500.0)
    for tau in (0.01, 0.05):
        m = mixtures.beta_precision(target, (tau * target) ** 2, scale="natural")
        shape = mixtures.gamma_shape(target, tau**2, scale="log")
        for law, spread in ((BETA_BINOMIAL, m), (POISSON_GAMMA, shape)):
            lower = mixtures.lower_limit(law, size, target, spread, alpha=alpha)
            upper = mixtures.upper_limit(law, size, target, spread, alpha=alpha)
            assert (np.diff(lower) >= -1e-9).all()
            assert (np.diff(upper) <= 1e-9).all()


def test_more_variance_between_units_makes_wider_lines():
    size, tau2 = np.array([20.0, 200.0, 5000.0]), np.array([0.0, 1e-4, 1e-3, 1e-2])[:, None]
    m = mixtures.beta_precision(0.7, tau2, scale="natural")
    lower = mixtures.lower_limit(BETA_BINOMIAL, size, 0.7, m, alpha=0.001)
    upper = mixtures.upper_limit(BETA_BINOMIAL, size, 0.7, m, alpha=0.001)
    assert lower.shape == (4, 3)
    assert (np.diff(lower, axis=0) < 0).all()
    assert (np.diff(upper, axis=0) >= 0).all()


@pytest.mark.parametrize(
    ("scale", "target", "tau2", "precision"),
    [
        ("natural", 0.2, 0.01, 15.0),
        ("arcsine", 0.2, 0.01, 24.0),
        ("logit", 0.2, 0.01, 625.0),
        ("natural", 0.2, 0.2, 0.0),
        ("arcsine", 0.5, 1.0, 0.0),
        ("natural", 0.2, 0.0, np.inf),
    ],
)
def test_the_precision_of_the_beta(scale, target, tau2, precision):
    assert mixtures.beta_precision(target, tau2, scale=scale) == pytest.approx(precision)


def test_the_beta_has_the_variance_asked_for():
    for scale, tau2, share in (("natural", 4e-4, 1.0), ("arcsine", 4e-4, 4 * 0.3 * 0.7)):
        m = float(mixtures.beta_precision(0.3, tau2, scale=scale))
        assert stats.beta.var(0.3 * m, 0.7 * m) == pytest.approx(tau2 * share, rel=1e-12)
    # On the logit to first order: the variance of log odds is ψ′(a) + ψ′(b).
    m = float(mixtures.beta_precision(0.3, 4e-4, scale="logit"))
    log_odds = special.polygamma(1, 0.3 * m) + special.polygamma(1, 0.7 * m)
    assert log_odds == pytest.approx(4e-4, rel=1e-3)


@pytest.mark.parametrize(("scale", "shape"), [("natural", 400.0), ("log", 100.0), ("sqrt", 50.0)])
def test_the_shape_of_the_gamma(scale, shape):
    found = float(mixtures.gamma_shape(2.0, 0.01, scale=scale))
    assert found == pytest.approx(shape)
    slope = {"natural": 1.0, "log": 1 / 2.0, "sqrt": 0.5 / np.sqrt(2.0)}[scale]
    between = stats.gamma.var(shape, scale=2.0 / shape)
    assert between * slope**2 == pytest.approx(0.01, rel=1e-12)
    assert mixtures.gamma_shape(2.0, 0.0, scale=scale) == np.inf


def test_a_scale_that_is_not_theirs_is_refused():
    with pytest.raises(ValueError, match="a beta has no scale 'sqrt'"):
        mixtures.beta_precision(0.5, 0.1, scale="sqrt")
    with pytest.raises(ValueError, match="a gamma has no scale 'logit'"):
        mixtures.gamma_shape(0.5, 0.1, scale="logit")


def test_where_no_beta_varies_so_much_nothing_is_outside():
    size = np.array([1.0, 50.0, 1e5])
    assert mixtures.lower_limit(BETA_BINOMIAL, size, 0.3, 0.0, alpha=0.025).tolist() == [0, 0, 0]
    assert mixtures.upper_limit(BETA_BINOMIAL, size, 0.3, 0.0, alpha=0.025).tolist() == [1, 1, 1]
    assert mixtures.at_most(BETA_BINOMIAL, [-1, 0, 9, 10], 10, 0.3, 0.0).tolist() == [
        0,
        0.7,
        0.7,
        1,
    ]
    found = mixtures.at_least(BETA_BINOMIAL, [0, 1, 10, 11], 10, 0.3, 0.0)
    np.testing.assert_allclose(found, [1, 0.3, 0.3, 0])


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
@pytest.mark.parametrize("name", ["lower_limit", "upper_limit"])
def test_nothing_known_and_nothing_possible(law, name):
    limit = getattr(mixtures, name)
    size = [np.nan, 0.0, -1.0, 10.0, 10.0, 10.0, np.inf]
    target = [0.5, 0.5, 0.5, np.nan, 0.5, -0.1, 0.5]
    precision = [5.0, 5.0, 5.0, 5.0, np.nan, 5.0, 5.0]
    assert np.isnan(limit(law, size, target, precision, alpha=0.025)).all()
    assert limit(law, [], [], 5.0, alpha=0.025).shape == (0,)
    assert limit(law, np.ones((2, 1)), 0.5, np.ones(3), alpha=0.025).shape == (2, 3)
    assert limit(law, [4.0, 9.0], 0.0, 5.0, alpha=0.025).tolist() == [0.0, 0.0]
    if law is BETA_BINOMIAL:
        assert limit(law, 9.0, 1.0, 5.0, alpha=0.025) == 1.0
        assert np.isnan(limit(law, 9.0, 1.1, 5.0, alpha=0.025))
    for tail in (mixtures.at_most, mixtures.at_least):
        assert np.isnan(tail(law, [1.0, np.nan, 1.0], [np.nan, 4.0, 0.0], 0.5, 5.0)).all()


@settings(max_examples=60, deadline=None)
@given(
    st.floats(0.001, 0.999),
    st.floats(0.05, 1e6),
    st.lists(st.integers(1, 3000), min_size=2, max_size=4),
    st.sampled_from([0.025, 0.001]),
)
def test_lines_judge_as_the_tails_do_and_none_depends_on_the_others(target, m, sizes, alpha):
    for law in LAWS.values():
        for limit, tail, side in (
            (mixtures.lower_limit, mixtures.at_most, -1),
            (mixtures.upper_limit, mixtures.at_least, 1),
        ):
            together = limit(law, sizes, target, m, alpha=alpha)
            for size, line in zip(sizes, together, strict=True):
                assert line == pytest.approx(limit(law, size, target, m, alpha=alpha), rel=1e-12)
                near = np.floor(line * size) + np.arange(-2.0, 4.0)
                near = near[(near >= 0) & ((near <= size) | (law is POISSON_GAMMA))]
                outside = side * (near / size - line) > 0
                judged = tail(law, near, size, target, m) < alpha
                np.testing.assert_array_equal(outside, judged)


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_the_quick_search_finds_what_halving_finds(law):
    draw = np.random.default_rng(3)
    size = draw.integers(1, 5000, 400).astype(float)
    target, precision = draw.uniform(0.001, 0.999, 400), 10 ** draw.uniform(-2, 6, 400)
    for side in (-1, 1):
        for alpha in (0.025, 0.001):
            given = (law, size, target, precision, alpha)
            quick, share = mixtures._outermost(*given, side=side)
            np.testing.assert_array_equal(quick, mixtures._halved(*given, side=side))
            assert (share >= 0).all()
            assert (share < 1 + 1e-9).all()
