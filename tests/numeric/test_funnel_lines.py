"""Lines of funnels: by hand, by enumeration, as they judge, adjusted, at the edges, and quickly."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from spcbench.numeric import exact, exact_poisson
from spcbench.numeric import overdispersed_counts as mixtures
from spcbench.numeric.funnel_lines import DRAWN, curve_sizes, funnel_lines, lines_by_events
from spcbench.numeric.funnel_scales import SCALES, from_scale, on_scale, scores, standard_errors
from spcbench.numeric.funnel_tails import LINE_METHODS, p_values

LEVELS = (0.025, 0.001)
SD_LEVELS = (float(special.ndtr(-2.0)), float(special.ndtr(-3.0)))
CASES = np.array([5, 10, 20, 50, 100, 300, 1000, 3000, 10_000])
SHARES = np.array([0.005, 0.01, 0.03, 0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 0.97, 0.99, 0.995])


def drawn(lines):
    return np.array(DRAWN)[lines.method].tolist()


def ratio_of(data_type, count, size):
    with np.errstate(divide="ignore"):
        return count / (size - count) if data_type == "two_counts" else count / size


def test_by_hand():
    # Two counts of 10 together, ratio 1: the first is binomial(10, 1/2).
    # P(R <= 1) = 11/1024 is below 2.5 %, P(R <= 2) = 56/1024 is not.
    share = (56 / 1024 - 0.025) / (45 / 1024)
    line = (2 - share) / 10
    lines = funnel_lines("two_counts", 10.0, 1.0, alphas=[0.025], method="exact")
    assert lines.lower[0, 0] == pytest.approx(line / (1 - line), rel=1e-12)
    assert lines.upper[0, 0] == pytest.approx((1 - line) / line, rel=1e-12)
    # One half, 25 cases: 0.5 ± 1.96·0.1.
    lines = funnel_lines("proportion", 25.0, 0.5, alphas=[0.025], method="normal")
    assert lines.lower[0, 0] == pytest.approx(0.5 - 1.959963984540054 * 0.1, rel=1e-12)
    # A quarter as many as expected of 100: exp(±1.96·√(1/100 + 0.03)).
    lines = funnel_lines("ratio", 100.0, 1.0, alphas=[0.025], method="normal", tau2=0.03)
    assert lines.upper[0, 0] == pytest.approx(np.exp(1.959963984540054 * 0.2), rel=1e-12)
    # A change measured with s = 0.1, doubled in variance: exp(±1.96·0.1·√2).
    lines = funnel_lines("change", 100.0, 1.0, alphas=[0.025], method="normal", phi=2.0)
    assert lines.lower[0, 0] == pytest.approx(np.exp(-0.1959963984540054 * np.sqrt(2)), rel=1e-12)


def test_five_of_five_at_95_per_cent_is_not_outside():
    exactly = funnel_lines("proportion", np.full(390, 5.0), 0.95, alphas=LEVELS, method="exact")
    assert (exactly.upper == 1.0).all()
    published = funnel_lines("proportion", 5.0, 0.95, alphas=LEVELS, method="spiegelhalter")
    assert (published.upper < 1.0).all()  # every 5 of 5, which is 77 % of units in control


@pytest.mark.parametrize("size", CASES)
def test_exact_never_flags_above_nominal_and_mid_p_never_above_twice(size):
    count = np.arange(size + 1.0)[:, None]
    value, chance = count / size, stats.binom.pmf(count, size, SHARES)
    for method, most in (("exact", 1.0), ("mid_p", 2.0)):
        lines = funnel_lines("proportion", size, SHARES, alphas=LEVELS + SD_LEVELS, method=method)
        for level, alpha in enumerate(LEVELS + SD_LEVELS):
            for side in (value < lines.lower[level], value > lines.upper[level]):
                flagged = np.where(side, chance, 0.0).sum(axis=0)
                assert flagged.max() <= most * alpha * (1 + 1e-8)


@pytest.mark.parametrize("size", CASES)
def test_exact_lines_agree_with_the_verdict_at_every_count(size):
    count = np.arange(size + 1.0)[:, None]
    lines = funnel_lines("proportion", size, SHARES, alphas=LEVELS + SD_LEVELS, method="exact")
    for level, alpha in enumerate(LEVELS + SD_LEVELS):
        low, high = exact.verdicts(count, size, SHARES, alpha=alpha)
        np.testing.assert_array_equal(count / size < lines.lower[level], low)
        np.testing.assert_array_equal(count / size > lines.upper[level], high)


def test_exact_rates_and_ratios_never_flag_above_nominal_and_mid_p_never_above_twice():
    mean = np.concatenate([np.geomspace(0.001, 1, 10), np.arange(2, 60) / 2, [50, 100, 300]])
    count = np.arange(500.0)[:, None]
    chance = stats.poisson.pmf(count, mean)
    for data_type, target in (("rate", 0.02), ("ratio", 1.0)):
        for method, most in (("exact", 1.0), ("mid_p", 2.0)):
            lines = funnel_lines(data_type, mean / target, target, alphas=LEVELS, method=method)
            for level, alpha in enumerate(LEVELS):
                value = count / (mean / target)
                for side in (value < lines.lower[level], value > lines.upper[level]):
                    flagged = np.where(side, chance, 0.0).sum(axis=0)
                    assert flagged.max() <= most * alpha * (1 + 1e-8)


def ways():
    for data_type, methods in LINE_METHODS.items():
        for method in methods:
            for scale in SCALES[data_type] if method == "normal" else (None,):
                for adjusted in ({}, {"tau2": 0.05}, {"phi": 2.5}):
                    if data_type != "change" and (method != "spiegelhalter" or adjusted):
                        yield data_type, method, scale, adjusted


@pytest.mark.parametrize(("data_type", "method", "scale", "adjusted"), list(ways()))
def test_the_p_value_says_what_the_line_says_at_every_count(data_type, method, scale, adjusted):
    options = {"method": method, "scale": scale, **adjusted}
    bounded = data_type in ("proportion", "two_counts")
    targets = {"proportion": SHARES[::2], "rate": SHARES, "ratio": np.array([0.7, 1.0, 1.6])}
    for size in (1, 3, 10, 33, 150) if bounded else (0.4, 2.0, 11.3, 80.0):
        for target in targets.get(data_type, np.array([0.2, 1.0, 3.7])):
            theta = target if data_type != "rate" else target * 10
            count = np.arange(size + 1.0) if bounded else np.arange(400.0)
            lines = funnel_lines(data_type, size, theta, alphas=LEVELS + SD_LEVELS, **options)
            p = p_values(data_type, count, size, theta, **options)
            value = ratio_of(data_type, count, size)
            for level, alpha in enumerate(LEVELS + SD_LEVELS):
                outside = (value < lines.lower[level]) | (value > lines.upper[level])
                judged = p < 2 * alpha
                if method == "mid_p" and not adjusted:
                    judged |= p == 2 * alpha
                # Normal lines and scores are rounded apart: look away from the very line.
                with np.errstate(invalid="ignore"):  # all of two counts: infinity less itself
                    off = [abs(value - line[level]) for line in (lines.lower, lines.upper)]
                near = np.fmin(*off)
                certain = near > 1e-12 if drawn(lines)[0] in ("normal", "arcsine", "chi2") else True
                np.testing.assert_array_equal(outside & certain, judged & certain)


@pytest.mark.parametrize("data_type", ["proportion", "rate", "ratio", "two_counts"])
def test_two_sided_p_values_are_twice_the_smaller_exact_tail(data_type):
    count, size, target = np.array([0.0, 3.0, 9.0, 14.0]), 20.0, 0.3
    if data_type in ("proportion", "two_counts"):
        law = stats.binom(20, 0.3 if data_type == "proportion" else 0.3 / 1.3)
    else:
        law = stats.poisson(6.0)
    tails = np.minimum(law.cdf(count), law.sf(count - 1))
    found = p_values(data_type, count, size, target, method="exact")
    np.testing.assert_allclose(found, np.minimum(2 * tails, 1), rtol=1e-10)


def test_overdispersed_p_values_are_those_of_the_mixture():
    found = p_values("ratio", [9.0, 0.0], [2.0, 6.0], 1.0, method="exact", tau2=0.2)
    law = stats.nbinom(5.0, [5 / 7, 5 / 11])
    np.testing.assert_allclose(found, 2 * np.array([law.sf(8)[0], law.cdf(0)[1]]), rtol=1e-10)
    # Two counts: the variance of the log ratio is that of the log odds of the first.
    found = p_values("two_counts", 1.0, 30.0, 1.0, method="exact", tau2=0.25)
    assert found[0] == pytest.approx(2 * stats.betabinom.cdf(1, 30, 8, 8), rel=1e-9)
    found = p_values("proportion", 1.0, 30.0, 0.5, method="exact", tau2=0.05)
    assert found[0] == pytest.approx(2 * stats.betabinom.cdf(1, 30, 2, 2), rel=1e-9)


def test_normal_p_values_by_hand():
    found = p_values("proportion", [60.0, 50.0], 100.0, 0.5, method="normal")
    np.testing.assert_allclose(found, [2 * stats.norm.sf(2.0), 1.0], rtol=1e-12)
    found = p_values("proportion", 60.0, 100.0, 0.5, method="normal", phi=4.0)
    np.testing.assert_allclose(found, 2 * stats.norm.sf(1.0), rtol=1e-12)
    found = p_values("proportion", 60.0, 100.0, 0.5, method="normal", tau2=0.0075)
    np.testing.assert_allclose(found, 2 * stats.norm.sf(1.0), rtol=1e-12)
    found = p_values("change", np.exp(0.3), 100.0, 1.0, method="normal")
    np.testing.assert_allclose(found, 2 * stats.norm.sf(3.0), rtol=1e-12)
    found = p_values("change", -0.3, 100.0, 0.0, method="normal", scale="natural")
    np.testing.assert_allclose(found, 2 * stats.norm.sf(3.0), rtol=1e-12)


def test_none_at_all_is_judged_by_its_exact_tail_where_it_has_no_logarithm():
    # exp(-3) is 0.0498 and exp(-4) 0.0183: none of 3 expected is not low, none of 4 is.
    options = {"method": "normal", "scale": "log"}
    lines = funnel_lines("ratio", [3.0, 4.0], 1.0, alphas=[0.025], **options)
    assert lines.lower[0, 0] == 0.0
    assert lines.lower[0, 1] == pytest.approx(np.exp(-1.959963984540054 / 2))
    assert lines.lower_unclipped[0, 0] > 0
    found = p_values("ratio", 0.0, [3.0, 4.0], 1.0, **options)
    np.testing.assert_allclose(found, 2 * np.exp([-3.0, -4.0]), rtol=1e-12)
    # Twice the variance is half the evidence; units that differ have a law of their own.
    found = p_values("ratio", 0.0, 4.0, 1.0, phi=2.0, **options)
    assert found[0] == pytest.approx(2 * np.exp(-2.0))
    found = p_values("ratio", 0.0, 4.0, 1.0, tau2=0.25, **options)
    assert found[0] == pytest.approx(2 * 0.5**4)
    # All of both counts, likewise: (1/2)^4 is 6 %, (1/2)^6 1.6 %.
    lines = funnel_lines("two_counts", [4.0, 6.0], 1.0, alphas=[0.025], method="normal")
    assert lines.lower[0, 0] == 0.0
    assert lines.upper[0, 0] == np.inf
    assert (lines.lower[0, 1] > 0) & (lines.upper[0, 1] < np.inf)


@pytest.mark.parametrize("data_type", ["proportion", "rate", "ratio", "two_counts"])
@pytest.mark.parametrize("adjusted", [{}, {"tau2": 0.002}])
def test_exact_lines_close_in_on_the_target_as_units_grow(data_type, adjusted):
    for target in (0.03, 0.4, 0.97):
        size = (
            np.arange(1.0, 1200.0)
            if data_type in ("proportion", "two_counts")
            else (np.geomspace(0.05, 3000, 700))
        )
        lines = funnel_lines(data_type, size, target, alphas=LEVELS, method="exact", **adjusted)
        assert (np.diff(lines.lower) >= -1e-9).all()
        assert (lines.upper[:, 1:] <= lines.upper[:, :-1] + 1e-9).all()
        assert (lines.lower <= target).all()
        assert (lines.upper >= target).all()
        assert (lines.lower[1] <= lines.lower[0]).all()
        assert (lines.upper[1] >= lines.upper[0]).all()


def test_adjusted_lines_are_never_inside_unadjusted_ones():
    size = np.geomspace(5, 20_000, 60).round()
    for data_type, target in (("proportion", 0.8), ("rate", 0.03), ("ratio", 1.0)):
        for scale in SCALES[data_type]:
            for method in ("exact", "normal"):
                options = {"alphas": LEVELS, "method": method, "scale": scale}
                plain = funnel_lines(data_type, size, target, **options)
                for adjusted in ({"tau2": 0.01},) + (({"phi": 3.0},) if method == "normal" else ()):
                    wide = funnel_lines(data_type, size, target, **options, **adjusted)
                    assert (wide.lower <= plain.lower + 1e-12).all()
                    assert (wide.upper >= plain.upper - 1e-12).all()


def test_exact_additive_lines_are_near_the_normal_ones_where_units_are_large():
    options = {"alphas": [0.025], "tau2": 4e-4}
    for data_type, size, target, near in (
        ("proportion", 4000.0, 0.6, 1e-3),
        ("ratio", 4000.0, 1.0, 3e-3),
        ("rate", 80_000.0, 0.05, 2e-4),
        ("two_counts", 8000.0, 1.0, 3e-3),
    ):
        exactly = funnel_lines(data_type, size, target, method="exact", **options)
        roughly = funnel_lines(data_type, size, target, method="normal", **options)
        assert exactly.lower[0, 0] == pytest.approx(roughly.lower[0, 0], abs=near)
        assert exactly.upper[0, 0] == pytest.approx(roughly.upper[0, 0], abs=near)


@pytest.mark.parametrize("scale", SCALES["rate"])
@pytest.mark.parametrize("method", ["exact", "normal"])
def test_a_rate_is_a_ratio_to_what_is_expected(scale, method):
    exposure, target = np.array([30.0, 400.0, 9000.0]), 0.02
    options = {"alphas": LEVELS, "method": method, "scale": scale, "tau2": 0.03}
    rate = funnel_lines("rate", exposure, target, **options)
    ratio = funnel_lines("ratio", exposure * target, 1.0, **options)
    np.testing.assert_allclose(rate.lower, target * ratio.lower, rtol=1e-9)
    np.testing.assert_allclose(rate.upper, target * ratio.upper, rtol=1e-9)
    np.testing.assert_allclose(
        p_values(
            "rate", [2.0, 1.0, 220.0], exposure, target, method=method, scale=scale, tau2=0.03
        ),
        p_values(
            "ratio",
            [2.0, 1.0, 220.0],
            exposure * target,
            1.0,
            method=method,
            scale=scale,
            tau2=0.03,
        ),
        rtol=1e-9,
    )


def test_what_each_was_drawn_by():
    def by(data_type, method, **adjusted):
        return drawn(
            funnel_lines(data_type, [9.0, np.nan], 0.5, alphas=LEVELS, method=method, **adjusted)
        )

    assert by("proportion", "exact") == ["exact", ""]
    assert by("proportion", "exact", tau2=0.01) == ["beta_binomial", ""]
    assert by("ratio", "exact", tau2=0.01) == ["poisson_gamma", ""]
    assert by("ratio", "mid_p", tau2=0.01) == ["normal", ""]
    assert by("rate", "exact", phi=2.0) == ["normal", ""]
    assert by("rate", "exact", phi=0.4) == ["exact", ""]
    assert by("proportion", "arcsine", tau2=0.01) == ["arcsine", ""]
    assert by("ratio", "chi2") == ["chi2", ""]


def test_many_funnels_at_once_are_each_alone():
    draw = np.random.default_rng(5)
    size = draw.integers(1, 200, 300).astype(float)
    target, tau2 = np.repeat([0.1, 0.8, 0.8], 100), np.repeat([0.0, 0.0, 0.003], 100)
    for data_type in ("proportion", "rate", "two_counts"):
        together = funnel_lines(data_type, size, target, alphas=LEVELS, method="exact", tau2=tau2)
        for start in (0, 100, 200):
            rows = slice(start, start + 100)
            alone = funnel_lines(
                data_type,
                size[rows],
                target[start],
                alphas=LEVELS,
                method="exact",
                tau2=tau2[start],
            )
            np.testing.assert_array_equal(together.lower[:, rows], alone.lower)
            np.testing.assert_array_equal(together.upper[:, rows], alone.upper)


def test_a_variance_ratio_of_1_or_less_never_narrows():
    size = np.array([3.0, 40.0, 900.0])
    for method in ("exact", "normal"):
        plain = funnel_lines("proportion", size, 0.3, alphas=LEVELS, method=method)
        steady = funnel_lines("proportion", size, 0.3, alphas=LEVELS, method=method, phi=0.2)
        np.testing.assert_array_equal(plain.lower, steady.lower)


def test_exact_lines_are_those_of_the_exact_modules():
    size = np.arange(1.0, 400.0)
    for share in (1e-6, 0.0009, 0.0011, 0.04, 0.5, 0.93, 1 - 1e-9):
        lines = funnel_lines("proportion", size, share, alphas=LEVELS, method="exact")
        for level, alpha in enumerate(LEVELS):
            for side in ("lower", "upper"):
                surely = getattr(exact, f"{side}_limit")(size, share, alpha=alpha)
                found = getattr(lines, side)[level]
                np.testing.assert_allclose(found, surely, rtol=1e-10, atol=1e-14)
        lines = funnel_lines("rate", size, share, alphas=[0.001], method="exact")
        np.testing.assert_array_equal(
            lines.lower[0], exact_poisson.lower_limit(size, share, alpha=0.001)
        )


def test_a_tail_of_exactly_the_nominal_one_is_not_outside():
    # P(R = 0) of 3 at one half is 1/8.
    lines = funnel_lines("proportion", 3.0, 0.5, alphas=[0.125], method="exact")
    assert lines.lower[0, 0] == 0.0
    assert lines.upper[0, 0] == 1.0
    inside = funnel_lines("proportion", 3.0, 0.5, alphas=[np.nextafter(0.125, 1)], method="exact")
    assert inside.lower[0, 0] > 0.0
    assert inside.upper[0, 0] < 1.0


def test_nothing_known_and_targets_at_the_edge():
    for data_type, methods in LINE_METHODS.items():
        for method in methods:
            lines = funnel_lines(
                data_type,
                [np.nan, 0.0, -2.0, 10.0, np.inf],
                [0.5, 0.5, 0.5, np.nan, 0.5],
                alphas=LEVELS,
                method=method,
            )
            for one in (lines.lower, lines.upper, lines.lower_unclipped, lines.upper_unclipped):
                assert one.shape == (2, 5)
                assert np.isnan(one).all()
            assert funnel_lines(data_type, [], 0.5, alphas=LEVELS, method=method).lower.shape == (
                2,
                0,
            )
            found = p_values(data_type, [1.0, np.nan], [np.nan, 10.0], 0.5, method=method)
            assert np.isnan(found).all()
    for method in LINE_METHODS["proportion"]:
        for target in (0.0, 1.0):
            lines = funnel_lines("proportion", [4.0, 90.0], target, alphas=LEVELS, method=method)
            assert (lines.lower == target).all()
            assert (lines.upper == target).all()
            assert np.isnan(
                funnel_lines("proportion", 4.0, 1.2, alphas=LEVELS, method=method).lower
            ).all()
            found = p_values("proportion", 4 * target, 4.0, target, method=method)
            assert found.tolist() == [1.0]
    for method in ("exact", "normal"):
        lines = funnel_lines("rate", [4.0, 90.0], 0.0, alphas=LEVELS, method=method)
        assert (lines.upper == 0.0).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data_type": "means"}, "there is no funnel data type 'means'; there are proportion"),
        ({"method": "wilson"}, "a proportion has no limits by the method 'wilson'; it has exact"),
        ({"data_type": "ratio", "method": "arcsine"}, "a ratio has no scale 'arcsine'"),
        ({"data_type": "change"}, "a change has no limits by the method 'exact'; it has normal"),
        ({"scale": "sqrt"}, "a proportion has no scale 'sqrt'; it has natural, arcsine, logit"),
        ({"tau2": 0.1, "phi": 2.0}, "by tau2 or by phi, not by both"),
        ({"tau2": -0.1}, "tau2 and phi must be at least 0"),
        ({"alphas": [0.95]}, r"one-sided tails between 0 and 1/2, not \[0.95\]"),
    ],
)
def test_what_cannot_be_asked_for(options, message):
    options = {"data_type": "proportion", "method": "exact", "alphas": LEVELS, **options}
    with pytest.raises(ValueError, match=message):
        funnel_lines(size=[10.0], target=0.5, **options)


def test_scores_by_hand():
    found = scores("proportion", [60.0, 50.0, np.nan], 100.0, 0.5)
    np.testing.assert_allclose(found.z, [2.0, 0.0, np.nan])
    found = scores("ratio", [20.0, 0.0], [10.0, 10.0], 1.0)
    np.testing.assert_allclose(found.z, [np.log(2) * np.sqrt(10), np.nan])
    found = scores("ratio", 20.0, 10.0, 1.0, scale="sqrt")
    np.testing.assert_allclose(found.z, (np.sqrt(2) - 1) * 2 * np.sqrt(10))
    found = scores("rate", 20.0, 200.0, 0.05)
    np.testing.assert_allclose(found.z, np.log(2) * np.sqrt(10))
    assert found.target == 0.0
    found = scores("two_counts", 4.0, 10.0, 1.0)
    error = np.sqrt(4 / 4.5**2 + 6 / 6.5**2)
    np.testing.assert_allclose(found.z, np.log(4.5 / 6.5) / error)
    np.testing.assert_allclose(found.standard_error, error)
    assert scores("proportion", 9.0, 9.0, 1.0).z == 0.0
    with pytest.raises(ValueError, match="a change has no count"):
        scores("change", 1.0, 1.0, 1.0)


def test_standard_errors_are_the_slopes_of_the_scales_times_those_of_counts():
    # Delta method, by differences: sd(y)·g′(θ).
    cases = (
        ("proportion", 80.0, 0.3, np.sqrt(0.3 * 0.7 / 80)),
        ("ratio", 12.0, 1.7, np.sqrt(1.7 / 12)),
        ("change", 50.0, 1.0, np.sqrt(1 / 50)),
    )
    for data_type, size, target, spread in cases:
        for scale in SCALES[data_type]:
            slope = (on_scale(target + 1e-6, scale) - on_scale(target - 1e-6, scale)) / 2e-6
            found = standard_errors(data_type, size, target, scale=scale)
            assert found == pytest.approx(spread * slope, rel=1e-6)
    # A rate is a ratio to what is expected; two counts have both their variances.
    for scale in SCALES["rate"]:
        assert standard_errors("rate", 300.0, 0.04, scale=scale) == standard_errors(
            "ratio", 12.0, 1.0, scale=scale
        )
    assert standard_errors("two_counts", 50.0, 0.25) == pytest.approx(np.sqrt(1 / 10 + 1 / 40))


@settings(max_examples=50, deadline=None)
@given(st.floats(0.001, 0.999), st.sampled_from(["natural", "arcsine", "logit", "log", "sqrt"]))
def test_scales_come_back(value, scale):
    assert from_scale(on_scale(value, scale), scale) == pytest.approx(value, rel=1e-12)


def test_angles_and_roots_do_not_turn_back():
    assert from_scale([-0.2, 2.0], "arcsine").tolist() == [0.0, 1.0]
    lines = funnel_lines("proportion", [1.0, 2.0, 5.0], 0.9, alphas=LEVELS, method="arcsine")
    assert (lines.upper == 1.0).all()
    assert (np.diff(lines.lower) >= 0).all()
    lines = funnel_lines("ratio", [0.1, 0.5], 1.0, alphas=LEVELS, method="normal", scale="sqrt")
    assert (lines.lower == 0.0).all()


def test_lines_by_events_judge_as_the_exact_tails_do():
    events, expected = np.arange(60.0)[:, None], np.geomspace(0.2, 150, 300)
    lines = lines_by_events(events[:, 0], 1.0, alphas=LEVELS)
    for level, alpha in enumerate(LEVELS):
        value = events / expected
        low = value < lines.lower[level][:, None]
        high = value > lines.upper[level][:, None]
        judged_low, judged_high = exact_poisson.verdicts(events, 1.0, expected, alpha=alpha)
        # No line can be below a ratio of 0, though no events of 10 expected are low.
        np.testing.assert_array_equal(low[1:], judged_low[1:])
        np.testing.assert_array_equal(high, judged_high)
    assert np.isnan(lines_by_events([np.nan, -1.0], 1.0, alphas=LEVELS).upper).all()


def test_curve_sizes_begin_at_one_and_end_beyond_the_largest():
    for largest in (1, 2, 3, 57, 4000, 1e6):
        size = curve_sizes(largest)
        assert size[0] == 1
        assert largest < size[-1] <= np.ceil(largest * 1.05)
        assert (np.diff(size) > 0).all()
        assert size.size <= 400
        np.testing.assert_array_equal(size, size.round())
        assert (size[:20] == np.arange(1, min(size.size, 20) + 1)).all()
    for largest in (0.3, 4.0, 900.5):
        size = curve_sizes(largest, whole=False)
        assert size[0] <= min(1.0, largest)
        assert size[-1] > largest
        assert (np.diff(size) > 0).all()
    for largest in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="the largest size must be above 0"):
            curve_sizes(largest)


def best_of(repeats, call):
    took = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        took.append(time.perf_counter() - start)
    return min(took)


def test_each_distinct_size_is_worked_out_once():
    # 300,000 units of 100 sizes would cost seconds one by one.
    size = np.tile(np.arange(1.0, 101.0), 3000)
    took = best_of(2, lambda: funnel_lines("proportion", size, 0.3, alphas=LEVELS, method="exact"))
    assert took < 1.0
    first = funnel_lines("proportion", size, 0.3, alphas=LEVELS, method="exact")
    np.testing.assert_array_equal(first.lower[:, :100], first.lower[:, -100:])


def test_variance_ratios_from_simulated_units_that_differ():
    """Honest units of variance ratio about 2 stay inside as often as promised."""
    draw = np.random.default_rng(17)
    size, target, shape = 50.0, 1.0, 50.0
    count = draw.poisson(size * draw.gamma(shape, 1 / shape, 40_000))
    lines = funnel_lines("ratio", size, target, alphas=LEVELS, method="exact", tau2=1 / shape)
    for level, alpha in enumerate(LEVELS):
        for outside in (count / size < lines.lower[level], count / size > lines.upper[level]):
            assert outside.mean() <= alpha + 3 * np.sqrt(alpha / 40_000)
    assert mixtures.gamma_shape(1.0, 1 / shape, scale="log") == pytest.approx(shape)
