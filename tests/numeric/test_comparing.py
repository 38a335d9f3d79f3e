"""Change, shrinkage, intervals and power: against scipy's distributions and by simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from spcbench.numeric import comparing, exact, exact_poisson, small_counts
from spcbench.numeric.chance import BINOMIAL, POISSON
from spcbench.numeric.power import _first_high, _last_low, detectable

LAWS = (BINOMIAL, POISSON)
LAW_NAMES = ("binomial", "poisson")


# --- change between periods -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scale", "difference", "variance"),
    [
        ("logit", np.log(40 / 60) - np.log(20 / 80), 1 / 20 + 1 / 80 + 1 / 40 + 1 / 60),
        ("log", np.log(0.4 / 0.2), 1 / 20 + 1 / 40),
        ("sqrt", np.sqrt(0.4) - np.sqrt(0.2), 1 / 400 + 1 / 400),
    ],
)
def test_change_by_hand(scale, difference, variance):
    found = comparing.change([20.0], [100.0], [40.0], [100.0], scale=scale)
    assert found.difference[0] == pytest.approx(difference, rel=1e-14)
    assert found.se[0] == pytest.approx(np.sqrt(variance), rel=1e-14)
    assert found.size[0] == pytest.approx(1 / variance, rel=1e-14)
    z = difference / np.sqrt(variance)
    assert found.z[0] == pytest.approx(z, rel=1e-14)
    assert found.p_value[0] == pytest.approx(2 * stats.norm.sf(abs(z)), rel=1e-12)
    assert not found.half_added[0]


def test_change_with_a_zero_adds_a_half_to_both_periods_and_says_so():
    before, cases = np.array([0.0, 5.0, 5.0, 5.0, 0.0]), np.full(5, 10.0)
    after = np.array([5.0, 10.0, 0.0, 6.0, 0.0])
    logit = comparing.change(before, cases, after, cases, scale="logit")
    np.testing.assert_array_equal(logit.half_added, [True, True, True, False, True])
    assert logit.difference[0] == pytest.approx(np.log(5.5 / 5.5) - np.log(0.5 / 10.5))
    assert logit.se[0] ** 2 == pytest.approx(2 / 5.5 + 1 / 0.5 + 1 / 10.5)
    assert logit.difference[3] == pytest.approx(np.log(6 / 4))
    assert logit.difference[4] == 0.0
    log = comparing.change(before, cases, after, cases, scale="log")
    np.testing.assert_array_equal(log.half_added, [True, False, True, False, True])
    assert log.difference[0] == pytest.approx(np.log(5.5 / 0.5))
    assert log.se[0] ** 2 == pytest.approx(1 / 5.5 + 1 / 0.5)
    root = comparing.change(before, cases, after, cases, scale="sqrt")
    assert not root.half_added.any()
    assert root.difference[0] == pytest.approx(np.sqrt(0.5))


@pytest.mark.parametrize("scale", comparing.CHANGE_SCALES)
def test_change_without_data_in_either_period_is_missing(scale):
    lost = np.nan
    found = comparing.change(
        [lost, 5.0, 0.0, 5.0, 5.0],
        [10.0, lost, 0.0, 10.0, 10.0],
        [5.0, 5.0, 5.0, 5.0, lost],
        [10.0, 10.0, 10.0, 0.0, 10.0],
        scale=scale,
    )
    for values in (found.difference, found.se, found.size, found.z, found.p_value):
        assert np.isnan(values).all()
    assert not found.half_added.any()


@pytest.mark.parametrize("scale", comparing.CHANGE_SCALES)
def test_change_back_is_the_change_with_the_other_sign(scale):
    r1, n1 = np.array([0.0, 3.0, 50.0]), np.array([9.0, 12.0, 75.0])
    r2, n2 = np.array([4.0, 12.0, 40.0]), np.array([20.0, 12.0, 90.0])
    there = comparing.change(r1, n1, r2, n2, scale=scale)
    back = comparing.change(r2, n2, r1, n1, scale=scale)
    np.testing.assert_allclose(there.difference, -back.difference, rtol=1e-14)
    np.testing.assert_allclose(there.p_value, back.p_value, rtol=1e-13)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(60, 90),
    st.integers(60, 90),
    st.sampled_from(comparing.CHANGE_SCALES),
)
def test_limits_on_effective_size_agree_with_the_score(r1, r2, n1, n2, scale):
    found = comparing.change([r1], [n1], [r2], [n2], scale=scale)
    limit = 1.959964 / np.sqrt(found.size)
    np.testing.assert_array_equal(np.abs(found.difference) > limit, np.abs(found.z) > 1.959964)


def test_change_against_the_change_of_all_and_with_drift():
    found = comparing.change([20.0], [100.0], [40.0], [100.0], scale="log", target=0.5)
    assert found.z[0] == pytest.approx((np.log(2) - 0.5) / np.sqrt(0.075))
    drifting = comparing.change(
        [20.0], [100.0], [40.0], [100.0], scale="log", tau2=0.04, correlation=0.75
    )
    assert drifting.z[0] == pytest.approx(np.log(2) / np.sqrt(0.075 + 0.02))
    assert drifting.se[0] == pytest.approx(np.sqrt(0.075))  # chance alone
    steady = comparing.change([20.0], [100.0], [40.0], [100.0], scale="log", tau2=9.0)
    assert steady.z[0] == pytest.approx(np.log(2) / np.sqrt(0.075))


@pytest.mark.parametrize(
    ("scale", "case"), [("logit", "cases"), ("log", "exposure"), ("sqrt", "exposure")]
)
def test_units_that_did_not_change_are_flagged_about_as_often_as_promised(scale, case):
    draw = np.random.default_rng(31)
    size = draw.integers(150, 900, 40_000)
    if case == "cases":
        before, after = draw.binomial(size, 0.3), draw.binomial(2 * size, 0.3)
    else:
        before, after = draw.poisson(0.3 * size), draw.poisson(0.6 * size)
    if scale == "sqrt":  # its standard error is that of a ratio of 1
        size = 0.3 * size
    found = comparing.change(before, size, after, 2 * size, scale=scale)
    # 0.005: Monte Carlo 0.001, the rest is the normal approximation.
    assert np.mean(found.p_value < 0.05) == pytest.approx(0.05, abs=0.005)


def test_change_refuses_what_does_not_exist():
    with pytest.raises(ValueError, match="no scale 'odds'; there are logit, log, sqrt"):
        comparing.change([1.0], [2.0], [1.0], [2.0], scale="odds")
    for correlation in (-1.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="a correlation lies between -1 and 1"):
            comparing.change([1.0], [2.0], [1.0], [2.0], scale="log", correlation=correlation)


def test_change_of_no_units_and_inputs_untouched():
    assert comparing.change([], [], [], [], scale="log").z.shape == (0,)
    before = np.array([0.0, 5.0])
    comparing.change(before, [10.0, 0.0], [5.0, 5.0], [10.0, 10.0], scale="logit")
    np.testing.assert_array_equal(before, [0.0, 5.0])


def test_flagged_units_fall_back_by_the_share_that_was_chance():
    draw = np.random.default_rng(5)
    tau2, se = 0.04, 0.3
    level = draw.normal(0, np.sqrt(tau2), 400_000)
    before, after = (level + draw.normal(0, se, level.size) for _ in range(2))
    flagged = before > 1.959964 * np.sqrt(tau2 + se**2)
    kept = comparing.kept_share(se, tau2)
    assert kept == pytest.approx(0.04 / 0.13)
    assert after[flagged].mean() / before[flagged].mean() == pytest.approx(float(kept), abs=0.01)


def test_kept_share_edges():
    np.testing.assert_array_equal(
        comparing.kept_share([0.1, 0.1, np.nan, 0.1], [0.0, np.nan, 1.0, np.inf]),
        [0.0, np.nan, np.nan, np.nan],
    )


# --- shrinkage ------------------------------------------------------------------------------------


def test_shrunken_by_hand_and_at_both_ends():
    found = comparing.shrunken(
        [1.4, 1.4, np.nan], [0.2, 0.2, 0.2], 1.0, [0.12, 0.0, 0.1], alpha=0.025
    )
    np.testing.assert_allclose(found.weight, [0.75, 0.0, np.nan])
    np.testing.assert_allclose(found.estimate, [1.3, 1.0, np.nan])
    half = 1.959963984540054 * 0.2 * np.sqrt(0.75)
    np.testing.assert_allclose(found.lower, [1.3 - half, 1.0, np.nan])
    np.testing.assert_allclose(found.upper, [1.3 + half, 1.0, np.nan])


def test_shrunken_intervals_cover_the_truth_and_estimates_are_nearer_to_it():
    draw = np.random.default_rng(9)
    se = np.exp(draw.normal(-1.5, 0.7, 100_000))
    truth = draw.normal(0.8, 0.25, se.size)
    own = truth + draw.normal(size=se.size) * se
    found = comparing.shrunken(own, se, 0.8, 0.0625, alpha=0.025)
    covered = (found.lower < truth) & (truth < found.upper)
    assert covered.mean() == pytest.approx(0.95, abs=0.003)
    assert np.mean((found.estimate - truth) ** 2) < 0.7 * np.mean((own - truth) ** 2)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 5000),
    st.floats(0, 1),
    st.floats(0.01, 0.99),
    st.floats(0.001, 0.99),
    st.sampled_from([0.025, 0.001]),
)
def test_shrunken_proportions_are_the_posterior_of_scipy(cases, share, target, spread, alpha):
    events, tau2 = round(share * cases), spread * target * (1 - target)
    found = comparing.shrunken_counts(BINOMIAL, [events], [cases], target, tau2, alpha=alpha)
    prior = target * (1 - target) / tau2 - 1
    posterior = stats.beta(prior * target + events, prior * (1 - target) + cases - events)
    assert found.estimate[0] == pytest.approx(posterior.mean(), rel=1e-9)
    # 1e-6: scipy.stats and scipy.special invert by different routes.
    assert found.lower[0] == pytest.approx(posterior.ppf(alpha), rel=1e-6, abs=1e-12)
    assert found.upper[0] == pytest.approx(posterior.isf(alpha), rel=1e-6, abs=1e-12)
    drawn_in = target + found.weight[0] * (events / cases - target)
    assert found.estimate[0] == pytest.approx(drawn_in, rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 5000), st.floats(0.01, 5000), st.floats(0.01, 50), st.floats(1e-4, 10))
def test_shrunken_rates_are_the_posterior_of_scipy(events, exposure, target, tau2):
    found = comparing.shrunken_counts(POISSON, [events], [exposure], target, tau2, alpha=0.025)
    shape, rate = target**2 / tau2 + events, target / tau2 + exposure
    posterior = stats.gamma(shape, scale=1 / rate)
    assert found.estimate[0] == pytest.approx(posterior.mean(), rel=1e-9)
    assert found.lower[0] == pytest.approx(posterior.ppf(0.025), rel=1e-6, abs=1e-12)
    assert found.upper[0] == pytest.approx(posterior.isf(0.025), rel=1e-6, abs=1e-12)
    drawn_in = target + found.weight[0] * (events / exposure - target)
    assert found.estimate[0] == pytest.approx(drawn_in, rel=1e-9)


@pytest.mark.parametrize("law", LAWS, ids=LAW_NAMES)
def test_shrunken_counts_without_variance_between_units_are_the_target(law):
    for tau2, width in ((0.0, 0.0), (1e-12, 5e-6)):
        found = comparing.shrunken_counts(law, [0.0, 9.0], [10.0, 10.0], 0.3, tau2, alpha=0.025)
        np.testing.assert_allclose(found.estimate, 0.3, atol=1e-9)
        np.testing.assert_allclose(found.upper - found.lower, width, rtol=0.3, atol=1e-15)
        np.testing.assert_allclose(found.weight, 0.0, atol=1e-9)


@pytest.mark.parametrize("law", LAWS, ids=LAW_NAMES)
def test_shrunken_counts_that_are_missing(law):
    lost = np.nan
    found = comparing.shrunken_counts(
        law,
        [lost, 1.0, 0.0, 1.0],
        [10.0, lost, 0.0, 10.0],
        [0.3, 0.3, 0.3, lost],
        0.01,
        alpha=0.025,
    )
    zero = comparing.shrunken_counts(law, [lost, 0.0], [10.0, 0.0], 0.3, 0.0, alpha=0.025)
    for one in (found, zero):
        for values in (one.estimate, one.lower, one.upper, one.weight):
            assert np.isnan(values).all()


def test_a_variance_that_no_beta_has_gives_nothing():
    found = comparing.shrunken_counts(
        BINOMIAL, [1.0, 1.0], [10.0, 10.0], 0.5, [0.25, 0.3], alpha=0.025
    )
    assert np.isnan(found.estimate).all()
    assert np.isnan(found.weight).all()
    wide = comparing.shrunken_counts(POISSON, [1.0], [10.0], 0.5, 0.3, alpha=0.025)
    assert np.isfinite(wide.estimate).all()


def test_shrunken_proportions_of_small_units_cover_the_truth():
    draw = np.random.default_rng(10)
    truth = draw.beta(9.0, 1.0, 50_000)
    cases = draw.integers(1, 30, truth.size)
    found = comparing.shrunken_counts(
        BINOMIAL, draw.binomial(cases, truth), cases, 0.9, 0.9 * 0.1 / 11, alpha=0.025
    )
    covered = (found.lower < truth) & (truth < found.upper)
    assert covered.mean() == pytest.approx(0.95, abs=0.004)


# --- intervals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("cases", [1, 5, 24, 400])
@pytest.mark.parametrize("alpha", [0.025, 0.001])
def test_proportion_intervals_are_clopper_pearson(cases, alpha):
    events = np.arange(cases + 1.0)
    found = comparing.exact_interval(BINOMIAL, events, cases, alpha=alpha)
    lower, upper = proportion_confint(events, cases, alpha=2 * alpha, method="beta")
    # 1e-8: scipy.stats.beta.ppf, which statsmodels uses, is itself an iteration.
    np.testing.assert_allclose(found.lower, lower, rtol=1e-8)
    np.testing.assert_allclose(found.upper, upper, rtol=1e-8)
    assert found.lower[0] == 0.0
    assert found.upper[-1] == 1.0


@pytest.mark.parametrize("alpha", [0.025, 0.001])
def test_rate_intervals_are_garwood(alpha):
    events, exposure = np.arange(200.0), 12.5
    found = comparing.exact_interval(POISSON, events, exposure, alpha=alpha)
    with np.errstate(invalid="ignore"):
        lower = np.where(events > 0, stats.chi2.ppf(alpha, 2 * np.maximum(events, 1)) / 2, 0.0)
    np.testing.assert_allclose(found.lower, lower / exposure, rtol=1e-10)
    upper = stats.chi2.isf(alpha, 2 * events + 2) / 2
    np.testing.assert_allclose(found.upper, upper / exposure, rtol=1e-10)


@settings(max_examples=80, deadline=None)
@given(
    st.integers(1, 300),
    st.floats(0, 1),
    st.floats(0.01, 0.99),
    st.sampled_from([0.025, 0.001]),
    st.sampled_from([0, 1]),
)
def test_an_interval_leaves_the_target_out_when_the_unit_is_outside(
    cases, share, target, alpha, which
):
    law, events = LAWS[which], float(round(share * cases))
    found = comparing.exact_interval(law, [events], [cases], alpha=alpha)
    low, high = small_counts.verdicts(law, [events], [cases], target, alpha=alpha, method="exact")
    for end in (found.lower, found.upper):
        if abs(end[0] - target) < 1e-9:
            return  # nearer than rounding can tell
    assert (found.upper[0] < target) == low[0]
    assert (found.lower[0] > target) == high[0]


@pytest.mark.parametrize("law", LAWS, ids=LAW_NAMES)
def test_intervals_without_data_are_missing(law):
    found = comparing.exact_interval(law, [np.nan, 0.0, 3.0], [10.0, 0.0, np.nan], alpha=0.025)
    assert np.isnan(found.lower).all()
    assert np.isnan(found.upper).all()
    assert comparing.exact_interval(law, [], [], alpha=0.025).lower.shape == (0,)


# --- power ----------------------------------------------------------------------------------------


def chance_outside(law, true, size, lower, upper):
    """Probabilities of a value strictly below and strictly above, from scipy."""
    counts = np.arange(0, 4 * size + 200 if law is POISSON else size + 1)
    spread = stats.poisson(true * size) if law is POISSON else stats.binom(size, true)
    probability = spread.pmf(counts)
    return probability[counts / size < lower].sum(), probability[counts / size > upper].sum()


@pytest.mark.parametrize("power", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("size", [3, 5, 17, 60, 400, 2500])
@pytest.mark.parametrize("target", [0.02, 0.3, 0.95])
@pytest.mark.parametrize("law", LAWS, ids=LAW_NAMES)
def test_a_unit_with_the_value_found_is_outside_with_the_power_asked_for(law, size, target, power):
    module = exact if law is BINOMIAL else exact_poisson
    lower = float(module.lower_limit(size, target, alpha=0.001))
    upper = float(module.upper_limit(size, target, alpha=0.001))
    found = detectable(law, [size], lower, upper, power=power)
    below, above = float(found.below[0]), float(found.above[0])
    # 1e-8: an inverse incomplete beta or gamma function put back into its sum.
    if np.isnan(below):
        assert chance_outside(law, 1e-15, size, lower, upper)[0] < power
    else:
        assert below < target
        assert chance_outside(law, below, size, lower, upper)[0] == pytest.approx(power, rel=1e-8)
    if np.isnan(above):
        assert law is BINOMIAL
        assert chance_outside(law, 1.0, size, lower, upper)[1] == 0.0
    else:
        assert above > target
        assert chance_outside(law, above, size, lower, upper)[1] == pytest.approx(power, rel=1e-8)


def test_five_cases_at_95_percent_are_too_few_to_show_anything_above():
    lower, upper = exact.lower_limit(5, 0.95, alpha=0.001), exact.upper_limit(5, 0.95, alpha=0.001)
    found = detectable(BINOMIAL, 5, lower, upper)
    assert np.isnan(found.above)
    # Outside needs at most 1 of 5: (1 − p)⁵ + 5p(1 − p)⁴ = 0.8.
    p = float(found.below)
    assert (1 - p) ** 5 + 5 * p * (1 - p) ** 4 == pytest.approx(0.8, rel=1e-12)
    small = detectable(BINOMIAL, 3, 0.0, 1.0)
    assert np.isnan(small.below)


def test_no_events_at_all_can_be_all_that_is_outside():
    # Only 0 of 10 is below, only 10 of 10 above: (1 − p)¹⁰ = .8 and p¹⁰ = .8.
    found = detectable(BINOMIAL, 10, 0.05, 0.95)
    assert found.below == pytest.approx(1 - 0.8**0.1, rel=1e-12)
    assert found.above == pytest.approx(0.8**0.1, rel=1e-12)
    rate = detectable(POISSON, 10.0, 0.05, 0.95)
    assert rate.below == pytest.approx(-np.log(0.8) / 10, rel=1e-12)


def test_a_value_on_the_limit_is_not_outside():
    # 3/10 and 7/10 are the limits: 2 and 8 are the first outside.
    found = detectable(BINOMIAL, 10, 3 / 10, 7 / 10)
    assert stats.binom.cdf(2, 10, float(found.below)) == pytest.approx(0.8, rel=1e-9)
    assert stats.binom.sf(7, 10, float(found.above)) == pytest.approx(0.8, rel=1e-9)


@pytest.mark.parametrize("away", [-np.inf, 0.0, np.inf])
def test_counts_outside_are_judged_as_the_line_is_drawn(away):
    # Lines that are counts over sizes, and their nearest neighbours: where rounding bites.
    size = np.arange(1.0, 400.0)[:, None]
    count = np.arange(0.0, 400.0)
    line = np.nextafter(count / size, away) if away else count / size
    low, high = _last_low(size, line), _first_high(size, line)
    assert (low / size < line).all()
    assert ((low + 1) / size >= line).all()
    assert (high / size > line).all()
    assert ((high - 1) / size <= line).all()


def test_more_cases_show_smaller_differences():
    size = np.array([50.0, 200.0, 800.0, 3200.0])
    lower, upper = (
        exact.lower_limit(size, 0.8, alpha=0.025),
        exact.upper_limit(size, 0.8, alpha=0.025),
    )
    found = detectable(BINOMIAL, size, lower, upper)
    assert (np.diff(found.below) > 0).all()
    assert (np.diff(found.above) < 0).all()
    # Near the normal answer where cases are many: (1.96 + 0.84)·s.
    assert 0.8 - found.below[-1] == pytest.approx(2.8016 * np.sqrt(0.16 / 3200), rel=0.05)


@pytest.mark.parametrize("law", LAWS, ids=LAW_NAMES)
def test_levels_and_missing_units_keep_their_places(law):
    lower = np.array([[0.2, np.nan, 0.2], [0.1, 0.1, 0.1]])
    found = detectable(law, [50.0, 50.0, 0.0], lower, lower + 0.5)
    assert found.below.shape == found.above.shape == (2, 3)
    lost = [[False, True, True], [False, False, True]]
    np.testing.assert_array_equal(np.isnan(found.below), lost)
    np.testing.assert_array_equal(np.isnan(found.above), lost)
    assert detectable(law, [], [], []).below.shape == (0,)


@pytest.mark.parametrize("power", [0.0, 1.0, float("nan")])
def test_a_power_that_is_none_is_refused(power):
    with pytest.raises(ValueError, match="a power lies between 0 and 1"):
        detectable(BINOMIAL, [5.0], [0.1], [0.9], power=power)
