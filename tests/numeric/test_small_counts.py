"""Mid-P, Jeffreys and exact limits: drawn as they judge, and how often they flag by chance."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from spcbench.numeric import exact, small_counts
from spcbench.numeric.chance import BINOMIAL, POISSON
from spcbench.numeric.segments import Segments
from spcbench.numeric.small_counts import SMALL_METHODS

THREE_SIGMA = float(special.ndtr(-3.0))
ALPHAS = {sigma: float(special.ndtr(-sigma)) for sigma in (1.0, 2.0, 3.0)}
SHARES = np.concatenate([[1e-6, 1e-3], np.arange(1, 100) / 100, [0.999, 0.999999]])
RATES = np.array([1e-6, 1e-3, 0.01, 0.1, 0.3, 0.5, 0.9, 1.0, 1.7, 2.0, 3.3, 5.0, 9.9, 25.0, 80.0])

# In-control tails at 3 sigma per 1,000: (θ, n), then exact, mid-P and Jeffreys, upper side.
TAILS = {
    (0.01, 20): ("1.00", "1.00", "1.00"),
    (0.01, 100): ("0.53", "0.53", "0.53"),
    (0.03, 10): ("0.15", "0.15", "2.76"),
    (0.05, 20): ("0.33", "0.33", "2.57"),
    (0.05, 50): ("0.76", "0.76", "0.76"),
    (0.03, 100): ("0.87", "0.87", "0.87"),
    (0.01, 300): ("1.02", "1.02", "1.02"),
    (0.30, 10): ("0.14", "1.59", "1.59"),
    (0.05, 100): ("0.46", "1.46", "1.46"),
}


def cells(law):
    """Counts down the rows against every size and rate: count, size, rate, chance."""
    if law is POISSON:
        count = np.arange(200.0)[:, None]
        return [(count, size, RATES, stats.poisson.pmf(count, size * RATES)) for size in (1, 2.3)]
    made = []
    for size in (1, 2, 3, 5, 10, 23, 60, 150, 400):
        count = np.arange(size + 1.0)[:, None]
        made.append((count, size, SHARES, stats.binom.pmf(count, size, SHARES)))
    return made


@pytest.mark.parametrize("law", [BINOMIAL, POISSON], ids=["binomial", "poisson"])
@pytest.mark.parametrize("method", SMALL_METHODS)
@pytest.mark.parametrize("sigma", ALPHAS)
def test_every_count_is_judged_as_drawn_and_scored(law, method, sigma):
    alpha = ALPHAS[sigma]
    for count, size, rate, _ in cells(law):
        value = count / size
        low, high = small_counts.verdicts(law, count, size, rate, alpha=alpha, method=method)
        lower = small_counts.lower_limit(law, size, rate, alpha=alpha, method=method)
        upper = small_counts.upper_limit(law, size, rate, alpha=alpha, method=method)
        np.testing.assert_array_equal(value < lower, low)
        np.testing.assert_array_equal(value > upper, high)
        score = small_counts.scores(law, count, size, rate, method=method)
        np.testing.assert_array_equal(score < -sigma, low)
        np.testing.assert_array_equal(score > sigma, high)
        assert (lower <= rate).all()
        assert (upper >= rate).all()
        assert lower.min() >= 0
        if law is BINOMIAL:
            assert upper.max() <= 1


@pytest.mark.parametrize(("theta", "size"), TAILS)
def test_the_published_table_of_tails(theta, size):
    count = np.arange(size + 1.0)
    chance = stats.binom.pmf(count, size, theta)
    for method, expected in zip(SMALL_METHODS, TAILS[theta, size], strict=True):
        upper = small_counts.upper_limit(BINOMIAL, size, theta, alpha=THREE_SIGMA, method=method)
        tail = chance[count / size > upper].sum() * 1000
        assert f"{tail:.2f}" == expected, method


def test_the_lower_tail_of_jeffreys_in_the_table():
    lower = small_counts.lower_limit(BINOMIAL, 100, 0.05, alpha=THREE_SIGMA, method="jeffreys")
    assert f"{stats.binom.cdf(np.ceil(lower * 100) - 1, 100, 0.05) * 1000:.2f}" == "5.92"


@pytest.mark.parametrize("law", [BINOMIAL, POISSON], ids=["binomial", "poisson"])
def test_exact_never_flags_above_nominal_and_mid_p_never_above_twice(law):
    for count, size, rate, chance in cells(law):
        for alpha in ALPHAS.values():
            for method, most in (("exact", 1), ("mid_p", 2)):
                sides = small_counts.verdicts(law, count, size, rate, alpha=alpha, method=method)
                for side in sides:
                    flagged = np.where(side, chance, 0.0).sum(axis=0).max()
                    assert flagged <= most * alpha * (1 + 1e-9), method


def test_worst_tails_on_the_grid_of_the_documentation():
    theta = np.arange(5, 496) / 1000
    worst = dict.fromkeys(SMALL_METHODS, 0.0)
    for size in (10, 20, 30, 50, 100, 200):
        count = np.arange(size + 1.0)[:, None]
        chance = stats.binom.pmf(count, size, theta)
        for method in SMALL_METHODS:
            sides = small_counts.verdicts(
                BINOMIAL, count, size, theta, alpha=THREE_SIGMA, method=method
            )
            for side in sides:
                tail = np.where(side, chance, 0.0).sum(axis=0).max() * 1000
                worst[method] = max(worst[method], tail)
    assert worst["exact"] <= 1.35
    assert 2.6 < worst["mid_p"] <= 2.70  # n = 30, θ = .179
    assert 6.6 < worst["jeffreys"] < 6.7  # n = 10, θ = .394


def test_the_verdicts_are_those_of_scipys_distributions():
    count, alpha = np.arange(31.0), 0.025
    tail = stats.binom.sf(count, 30, 0.2) + stats.binom.pmf(count, 30, 0.2) / 2
    low, high = small_counts.verdicts(BINOMIAL, count, 30, 0.2, alpha=alpha, method="mid_p")
    np.testing.assert_array_equal(high, tail <= alpha)
    np.testing.assert_array_equal(low, 1 - tail <= alpha)
    low, high = small_counts.verdicts(BINOMIAL, count, 30, 0.2, alpha=alpha, method="jeffreys")
    np.testing.assert_array_equal(high, stats.beta.ppf(alpha, count + 0.5, 30.5 - count) > 0.2)
    np.testing.assert_array_equal(low, stats.beta.ppf(1 - alpha, count + 0.5, 30.5 - count) < 0.2)
    low, high = small_counts.verdicts(POISSON, count, 2.0, 6.0, alpha=alpha, method="jeffreys")
    np.testing.assert_array_equal(high, stats.gamma.ppf(alpha, count + 0.5) / 2 > 6.0)
    np.testing.assert_array_equal(low, stats.gamma.ppf(1 - alpha, count + 0.5) / 2 < 6.0)
    tail = stats.poisson.sf(count, 12.0) + stats.poisson.pmf(count, 12.0) / 2
    low, high = small_counts.verdicts(POISSON, count, 2.0, 6.0, alpha=alpha, method="mid_p")
    np.testing.assert_array_equal(high, tail <= alpha)
    np.testing.assert_array_equal(low, 1 - tail <= alpha)


def test_a_tail_of_exactly_alpha_signals_under_mid_p_only():
    # One of one case at 50 %: P(R > 1) + P(R = 1)/2 is a quarter, exactly.
    for alpha, high in ((0.25, True), (0.25 - 1e-12, False)):
        assert (
            small_counts.verdicts(BINOMIAL, 1, 1, 0.5, alpha=alpha, method="mid_p")[1].item()
            is high
        )
        line = small_counts.upper_limit(BINOMIAL, 1, 0.5, alpha=alpha, method="mid_p")
        assert (line < 1.0) == high
    # Two of two: P(R >= 2) is a quarter, exactly.
    assert not small_counts.verdicts(BINOMIAL, 2, 2, 0.5, alpha=0.25, method="exact")[1]
    assert small_counts.upper_limit(BINOMIAL, 2, 0.5, alpha=0.25, method="exact") == 1.0


def test_a_mid_p_tail_of_exactly_that_of_k_sigma_scores_beyond_k():
    found = 0
    for sigma, alpha in ALPHAS.items():
        # None, where half of P(R = 0) is the tail: which mean gives it to the last
        # digit depends on the library, so try the neighbours too.
        mean = -np.log(2 * alpha)
        means = mean + np.arange(-300, 300) * np.spacing(mean)
        tails = small_counts.low_tail(POISSON, 0, 1, means, method="mid_p")
        exactly = means[tails == alpha]
        assert (small_counts.scores(POISSON, 0, 1, exactly, method="mid_p") < -sigma).all()
        found += exactly.size
    assert found


@pytest.mark.parametrize("method", ["mid_p", "jeffreys"])
@pytest.mark.parametrize("law", [BINOMIAL, POISSON], ids=["binomial", "poisson"])
def test_the_line_is_where_the_continued_tail_is_alpha(law, method):
    rate, size = np.array([0.2, 0.35, 0.5, 0.8]), np.array([[40.0], [75.0], [400.0]])
    for alpha in ALPHAS.values():
        line = small_counts.lower_limit(law, size, rate, alpha=alpha, method=method)
        tail = small_counts.low_tail(law, line * size, size, rate, method=method)
        np.testing.assert_allclose(tail, alpha, rtol=1e-7)
        line = small_counts.upper_limit(law, size, rate, alpha=alpha, method=method)
        tail = small_counts.high_tail(law, line * size, size, rate, method=method)
        open_line = line < 1.0 if law is BINOMIAL else np.full(line.shape, True)
        assert open_line.sum() >= 9
        np.testing.assert_allclose(tail[open_line], alpha, rtol=1e-7)


@pytest.mark.parametrize("method", SMALL_METHODS)
def test_upper_is_one_minus_the_lower_of_the_complement(method):
    size = np.arange(5.0, 60.0)
    upper = small_counts.upper_limit(BINOMIAL, size, 0.07, alpha=0.001, method=method)
    lower = small_counts.lower_limit(BINOMIAL, size, 0.93, alpha=0.001, method=method)
    np.testing.assert_allclose(upper, 1 - lower, rtol=1e-8)


@pytest.mark.parametrize("method", SMALL_METHODS)
def test_many_cases_of_small_probability_have_the_limits_of_a_rate(method):
    for name in ("lower_limit", "upper_limit"):
        limit = getattr(small_counts, name)
        cases = limit(BINOMIAL, 1e7, 8e-7, alpha=0.00135, method=method) * 1e7
        events = limit(POISSON, 1.0, 8.0, alpha=0.00135, method=method)
        assert cases == pytest.approx(events, rel=1e-4)


@pytest.mark.parametrize("method", SMALL_METHODS)
@pytest.mark.parametrize("law", [BINOMIAL, POISSON], ids=["binomial", "poisson"])
def test_nothing_known_and_nothing_possible(law, method):
    size, rate = np.array([np.nan, 0.0, 10.0, 10.0]), np.array([0.5, 0.5, np.nan, 0.0])
    for name in ("lower_limit", "upper_limit"):
        line = getattr(small_counts, name)(law, size, rate, alpha=0.025, method=method)
        np.testing.assert_array_equal(line, [np.nan, np.nan, np.nan, 0.0])
    found = small_counts.scores(law, [1.0, 0.0, 1.0, 0.0], size, rate, method=method)
    assert np.isnan(found[:3]).all()
    assert found[3] == 0
    low, high = small_counts.verdicts(law, 1.0, size[:3], rate[:3], alpha=0.025, method=method)
    assert not (low | high).any()
    assert small_counts.upper_limit(law, [], [], alpha=0.025, method=method).shape == (0,)
    for bad in (np.inf, -0.1, 1.1 if law is BINOMIAL else -1.0):
        if method != "exact":
            line = small_counts.upper_limit(law, 10.0, bad, alpha=0.025, method=method)
            assert np.isnan(line)
    if law is BINOMIAL:
        for name in ("lower_limit", "upper_limit"):
            assert getattr(small_counts, name)(law, 9, 1.0, alpha=0.025, method=method) == 1.0


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(SMALL_METHODS),
    st.floats(1e-8, 0.999999),
    st.lists(st.integers(1, 3000), min_size=2, max_size=5),
)
def test_a_line_does_not_depend_on_the_others_worked_out_with_it(method, rate, sizes):
    for law in (BINOMIAL, POISSON):
        for limit in (small_counts.lower_limit, small_counts.upper_limit):
            together = limit(law, sizes, rate, alpha=THREE_SIGMA, method=method)
            alone = [limit(law, size, rate, alpha=THREE_SIGMA, method=method) for size in sizes]
            assert together.tolist() == [float(line) for line in alone]


def test_exact_limits_of_proportions_are_those_of_the_exact_module():
    size = np.arange(1.0, 90.0)[:, None]
    for name in ("lower_limit", "upper_limit"):
        np.testing.assert_array_equal(
            getattr(small_counts, name)(BINOMIAL, size, SHARES, alpha=0.001, method="exact"),
            getattr(exact, name)(size, SHARES, alpha=0.001),
        )


@pytest.mark.parametrize(
    ("law", "r", "n", "rate", "likely"),
    [
        (BINOMIAL, 2, 2, 0.8, True),  # 0.64
        (BINOMIAL, 2, 2, 0.7, False),  # 0.49
        (BINOMIAL, 1, 1, 0.5, True),  # one half
        (BINOMIAL, 0, 1, 0.5, True),
        (BINOMIAL, 0, 2, 0.2, True),
        (BINOMIAL, 0, 2, 0.3, False),
        (BINOMIAL, 1, 2, 0.01, False),
        (BINOMIAL, 2, 2, 1.0, False),  # on the centre
        (BINOMIAL, 0, 2, 0.0, False),
        (BINOMIAL, np.nan, 2, 0.9, False),
        (BINOMIAL, 0, 0, 0.1, False),
        (POISSON, 0, 2, 0.3, True),  # exp(-0.6) is 0.55
        (POISSON, 0, 2, 0.4, False),
        (POISSON, 2, 2, 0.9, False),  # no most
        (POISSON, 0, 0, 0.1, False),
    ],
)
def test_what_is_at_a_likely_bound(law, r, n, rate, likely):
    assert bool(small_counts.at_a_likely_bound(law, r, n, rate)) is likely


def test_few_are_expected_of_a_segment():
    segments = Segments.from_lengths([2, 2, 1])
    size = np.array([50.0, np.nan, 50.0, 49.0, 0.0])
    rate = np.array([0.1, 0.1, 0.1])
    few = small_counts.expects_few(BINOMIAL, rate, size, segments)
    assert few.tolist() == [False, True, False]
    each = small_counts.expects_few(BINOMIAL, np.full(5, 0.1), size, segments, each=True)
    assert each.tolist() == [False, True, False]
    assert small_counts.expects_few(BINOMIAL, np.zeros(3), size, segments).tolist()[:2] == [
        True,
        True,
    ]


def test_tails_are_continued_between_whole_counts_up_to_the_bounds():
    def between(x):
        return special.betainc(x, 11 - x, 0.8)  # P(R >= x) of 10

    found = small_counts.high_tail(BINOMIAL, 9.5, 10, 0.8, method="mid_p")
    assert found == pytest.approx((between(9.5) + between(10.5)) / 2, rel=1e-12)
    found = small_counts.low_tail(BINOMIAL, 0.5, 10, 0.2, method="mid_p")
    assert found == pytest.approx((between(9.5) + between(10.5)) / 2, rel=1e-12)
    found = small_counts.low_tail(POISSON, 0.5, 2.0, 1.5, method="mid_p")
    tails = special.gammaincc(1.5, 3.0), special.gammaincc(0.5, 3.0)
    assert found == pytest.approx(sum(tails) / 2, rel=1e-12)
