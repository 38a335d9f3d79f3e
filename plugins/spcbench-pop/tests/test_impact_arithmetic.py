"""The arithmetic of impact: by hand, by its properties, and against a million draws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from spcbench.errors import OptionError
from spcbench_pop.impact import (
    capped_cases,
    cases_prevented,
    implied_treated,
    needed_to_treat,
    ranges,
)
from spcbench_pop.impact.arithmetic import relative_risk_of, rounded
from spcbench_pop.impact.ranges import (
    Range,
    extra_treated,
    product_range,
    spared_by_one,
    treated_range,
)

DRAWS = 1_000_000
# Of the width of the interval: the limits of Wilson and Newcombe against Jeffreys' posterior.
TOLERANCE = 0.04


def exactly(value: float) -> Range:
    return Range(low=value, point=value, high=value)


# ------------------------------------------------------------------------------ by hand


@pytest.mark.parametrize(
    ("value", "floor", "nearest"),
    [(385.68, 385, 386), (74.486, 74, 74), (80.97, 80, 81), (2.5, 2, 3), (-2.5, -3, -3), (0, 0, 0)],
)
def test_roundings(value, floor, nearest):
    assert (rounded(value, "floor"), rounded(value, "nearest")) == (floor, nearest)
    assert rounded(value) == value


def test_rounding_down_does_not_lose_a_whole_case_to_the_computer():
    lost = [n for n in range(1, 3000) if math.floor(49 * n * (1 / 49)) != n]

    assert lost  # plain arithmetic does
    assert all(rounded(49 * n * (1 / 49), "floor") == n for n in lost)


def test_an_unknown_figure_stays_unknown():
    assert math.isnan(rounded(math.nan, "floor"))


def test_the_settings_are_printed_with_the_figure():
    found = cases_prevented(259, unit="babies", rounding="none")

    assert found.cases == 7.0
    assert found.words == "7.0 (259 babies / 37, not rounded)"


def test_the_magnesium_figure_is_refused_from_30_weeks_on():
    with pytest.raises(OptionError) as raised:
        cases_prevented(100, below_weeks=30.1)

    assert str(raised.value) == (
        "the number needed to treat for magnesium sulphate holds for births below 30 weeks; it was "
        "asked for births below 30.1 weeks. Count only women who gave birth below 30 weeks"
    )
    assert cases_prevented(37, below_weeks=30).cases == 1.0
    with pytest.raises(OptionError, match="below 30 weeks"):
        cases_prevented(100, below_weeks=math.nan)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"nnt": 0.5}, "a number needed to treat is 1 or more, not 0.5"),
        ({"nnt": math.nan}, "a number needed to treat is 1 or more, not nan"),
        ({"rounding": "up"}, "rounding must be one of none, floor, nearest, not 'up'"),
        ({"unit": "people"}, "unit must be one of women, babies, not 'people'"),
    ],
)
def test_wrong_settings_are_named(asked, said):
    with pytest.raises(OptionError) as raised:
        cases_prevented(100, **asked)

    assert str(raised.value) == said


@pytest.mark.parametrize("treated", [-1, math.nan, math.inf])
def test_impossible_numbers_of_people_are_refused(treated):
    with pytest.raises(OptionError, match="the number treated must be 0 or more"):
        cases_prevented(treated)


def test_more_treated_than_eligible_is_refused():
    with pytest.raises(OptionError, match="12 treated is more than the 10 eligible"):
        treated_range(12, 10)


def test_numbers_needed_to_treat_from_risks():
    # Crowther 2017: 106 of 2,275 against 157 of 2,326, unadjusted.
    assert pytest.approx(47.8, abs=0.05) == 1 / (157 / 2326 - 106 / 2275)
    assert needed_to_treat(157 / 2326, 0.68) == pytest.approx(46.3, abs=0.05)
    # The programme's 37 implies a baseline risk of about 8.4 %.
    assert pytest.approx(0.084, abs=0.0005) == 1 / (37 * (1 - 0.68))
    assert needed_to_treat(1 / (37 * (1 - 0.68)), 0.68) == pytest.approx(37)
    assert needed_to_treat(0.1, 1.0) == math.inf
    with pytest.raises(OptionError, match="a baseline risk lies above 0"):
        needed_to_treat(0.0, 0.68)
    with pytest.raises(OptionError, match="a relative risk is above 0"):
        needed_to_treat(0.1, -1.0)


def test_an_odds_ratio_keeps_its_odds():
    risk = 0.2
    with_care = risk * relative_risk_of(0.68, risk)

    assert with_care / (1 - with_care) == pytest.approx(0.68 * risk / (1 - risk))


@pytest.mark.parametrize("rounding", ["floor", "nearest"])
def test_implied_people_are_all_that_give_the_figure_and_no_others(rounding):
    for nnt in (33, 37, 50, 46.3):
        fewest, most = implied_treated(61, nnt=nnt, rounding=rounding)
        gives = [rounded(n / nnt, rounding) == 61 for n in range(fewest - 2, most + 3)]
        assert gives == [False] * 2 + [True] * (most - fewest + 1) + [False] * 2


# ----------------------------------------------------------------------------- uncertainty


def test_uptake_has_the_limits_of_wilson():
    found = treated_range(85, 100)

    # Wilson by hand: (p + z²/2n ± z·sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n)
    z = stats.norm.ppf(0.975)
    middle = (0.85 + z**2 / 200) / (1 + z**2 / 100)
    half = z * math.sqrt(0.85 * 0.15 / 100 + z**2 / 40_000) / (1 + z**2 / 100)
    assert (found.low, found.high) == pytest.approx((100 * (middle - half), 100 * (middle + half)))
    assert treated_range(85) == exactly(85)


def test_a_difference_has_the_limits_of_newcombe():
    # Newcombe 1998, table II: 56/70 - 48/80, method 10: 0.0524 to 0.3339.
    found = extra_treated(56, 70, before=(48, 80))

    assert (found.low / 70, found.high / 70) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_a_given_rate_adds_no_uncertainty_of_its_own():
    alone = treated_range(920, 1000)
    found = extra_treated(920, 1000, before=exactly(0.658))

    assert found.point == pytest.approx(262)
    assert (found.low, found.high) == pytest.approx((alone.low - 658, alone.high - 658))


def test_a_rate_that_fell_gives_fewer():
    people = extra_treated(60, 100, before=exactly(0.7))
    found = product_range(people, spared_by_one(Range(low=30, point=40, high=60)))

    assert found.point == pytest.approx(-0.25)
    assert found.low < -10 / 30
    assert found.low < found.point < found.high


def test_exact_people_leave_the_range_of_the_number_needed():
    found = product_range(exactly(348), spared_by_one(Range(low=30, point=40, high=50)))

    assert (found.low, found.high) == pytest.approx((348 / 50, 348 / 30))


def test_perhaps_no_effect_means_perhaps_nothing_prevented():
    people = treated_range(600, 800)
    found = product_range(people, spared_by_one(Range(low=26.9, point=53.8, high=math.inf)))

    assert found.low == pytest.approx(0.0, abs=0.01)
    assert found.point == pytest.approx(600 / 53.8)


@pytest.mark.parametrize("treated", range(58, 92, 2))
def test_a_change_that_is_not_clear_is_not_clear_in_cases(treated):
    people = extra_treated(treated, 100, before=(70, 100))
    found = product_range(people, spared_by_one(Range(low=32, point=46, high=114)))

    assert (found.low > 0, found.high < 0) == (people.low > 0, people.high < 0)


def test_exact_cases_leave_the_range_of_the_people():
    people = treated_range(600, 800)
    found = product_range(people, spared_by_one(exactly(37)))

    # RTOL 1e-6: the limits are found by bisection between two million-to-one points.
    assert (found.low, found.high) == pytest.approx((people.low / 37, people.high / 37), rel=1e-6)


@pytest.mark.parametrize("scale", [2, 5, 20])
def test_more_people_with_the_same_uptake_narrow_it(scale):
    spared = spared_by_one(exactly(37))
    few, many = (
        product_range(treated_range(80 * k, 100 * k), spared).high / (80 * k) for k in (1, scale)
    )

    assert many < few


@pytest.mark.parametrize(("treated", "eligible"), [(60, 72), (600, 800), (2270, 2467), (11, 12)])
@pytest.mark.parametrize("ratios", [(0.54, 0.68, 0.87), (0.52, 0.68, 0.90)])
def test_gross_limits_agree_with_a_million_draws(treated, eligible, ratios):
    low, point, high = ratios
    baseline = 157 / 2326
    draw = np.random.default_rng(3)
    # Independent of the closed form: the uptake as Jeffreys' posterior, the risk ratio log-normal.
    people = eligible * draw.beta(treated + 0.5, eligible - treated + 0.5, DRAWS)
    spread = (math.log(high) - math.log(low)) / (2 * stats.norm.ppf(0.975))
    ratio = np.exp(draw.normal(math.log(point), spread, DRAWS))
    drawn = np.quantile(people * baseline * (1 - ratio), [0.025, 0.975])

    spared = Range(
        low=baseline * (1 - high), point=baseline * (1 - point), high=baseline * (1 - low)
    )
    found = product_range(treated_range(treated, eligible), spared)

    width = drawn[1] - drawn[0]
    assert abs(np.array([found.low, found.high]) - drawn).max() < TOLERANCE * width


@pytest.mark.parametrize(
    ("treated", "eligible", "before"),
    [(920, 1000, (658, 1000)), (90, 100, (66, 100)), (70, 100, (69, 100)), (60, 100, (70, 100))],
)
def test_incremental_limits_agree_with_a_million_draws(treated, eligible, before):
    draw = np.random.default_rng(4)
    now, then = (draw.beta(x + 0.5, n - x + 0.5, DRAWS) for x, n in ((treated, eligible), before))
    # Number needed to treat 63 (39 to 172): the limits are those of its reciprocal.
    spared = spared_by_one(Range(low=39, point=63, high=172))
    each = draw.normal(
        spared.point, (spared.high - spared.low) / (2 * stats.norm.ppf(0.975)), DRAWS
    )
    drawn = np.quantile(eligible * (now - then) * each, [0.025, 0.975])

    found = product_range(extra_treated(treated, eligible, before=before), spared)

    width = drawn[1] - drawn[0]
    assert abs(np.array([found.low, found.high]) - drawn).max() < TOLERANCE * width


# -------------------------------------------------------------------------------- together


def test_care_together_spares_its_share_of_what_the_others_left():
    # 100 deaths; the first leaves 100 * (1 - 0.32 * 0.5) = 84, the second 84 * (1 - 0.2) = 67.2.
    assert capped_cases(100, [0.32, 0.2], [0.5, 1.0]) == pytest.approx(32.8)
    assert capped_cases(100, [0.32], [0.5]) == pytest.approx(16.0)


def test_care_together_never_saves_more_than_there_are_nor_more_than_the_sum():
    draw = np.random.default_rng(5)
    for _ in range(200):
        cut, share = draw.random(4), draw.random(4)
        found = capped_cases(50, cut, share)
        assert found <= 50
        assert found <= (50 * cut * share).sum() + 1e-9
        assert found == pytest.approx(50 * (1 - np.prod(1 - cut * share)))


def test_care_together_against_earlier_uptakes():
    found = capped_cases(100, [0.3, 0.2], [0.9, 0.8], before=[0.5, 0.8])

    left_before, left = (1 - 0.15) * (1 - 0.16), (1 - 0.27) * (1 - 0.16)
    assert found == pytest.approx(100 * (left_before - left))
    assert capped_cases(100, [0.3], [0.4], before=[0.6]) < 0


def test_care_together_needs_an_uptake_for_each():
    with pytest.raises(OptionError, match="there are 2 reductions, 1 uptakes and 2 before"):
        capped_cases(100, [0.3, 0.2], [0.5])
    with pytest.raises(OptionError, match=r"lie between 0 and 1, not 1\.2"):
        capped_cases(100, [1.2], [0.5])


@pytest.mark.parametrize("most", [40.0, 63.0, math.inf])
@pytest.mark.parametrize("people", [1, 100, 3000])
def test_limits_hold_no_noise_where_nothing_lies_beyond(people, most):
    spared = spared_by_one(Range(low=40, point=40, high=most))
    none = product_range(treated_range(0, people), spared)
    assert none.low == none.point == 0.0 < none.high
    every = product_range(treated_range(people, people), spared)
    assert every.low < every.point == every.high == people / 40
    half = Range(low=0.5, point=0.5, high=0.5)
    fewer = product_range(extra_treated(0, people, before=half), spared)
    assert fewer.low == fewer.point == -people / 80


def test_what_a_search_leaves_below_zero_is_no_case(monkeypatch):
    spared = spared_by_one(Range(low=40, point=50, high=math.inf))
    monkeypatch.setattr(ranges, "_product_quantile", lambda share, people, each: -4.7e-13)
    assert product_range(treated_range(50, 100), spared).low == 0.0
    # Where fewer may have been treated than before, it may be so.
    perhaps = extra_treated(50, 100, before=Range(low=0.45, point=0.45, high=0.45))
    assert product_range(perhaps, spared).low == -4.7e-13


def test_a_range_is_in_order():
    with pytest.raises(OptionError, match="it was given 3, 2, 5"):
        Range(low=3, point=2, high=5)
