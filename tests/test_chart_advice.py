"""Advice on control charts: when each code is given, what it says, and how often chance does."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import spcbench as sb
from spcbench.chart_advice import CODES
from spcbench.measures.counting import Counted
from spcbench.numeric.choice import OVERDISPERSED
from spcbench.tables import ADVICE, Display

PAGE = Path(__file__).parents[1] / "docs" / "advice.md"


def counts(numerator, denominator=50, *, unit="RJ1", measure="milk", freq="MS"):
    return pd.DataFrame(
        {
            "measure": measure,
            "unit": unit,
            "period": pd.date_range("2021-01-01", periods=len(numerator), freq=freq),
            "numerator": numerator,
            "denominator": denominator,
        }
    )


def many(number, size):
    """One unit a row of two arrays."""
    number, size = np.broadcast_arrays(number, size)
    units = [f"U{at:05d}" for at in range(number.shape[0])]
    return pd.DataFrame(
        {
            "measure": "milk",
            "unit": np.repeat(units, number.shape[1]),
            "period": np.tile(
                pd.date_range("2021-01-01", periods=number.shape[1], freq="MS"), len(units)
            ),
            "numerator": number.ravel(),
            "denominator": size.ravel(),
        }
    )


def advice(frame, **options):
    return sb.control_charts(frame, **options).advice


def codes(frame, **options):
    return advice(frame, **options)["code"].to_list()


def only(frame, code, **options):
    """Message and evidence of the one piece of advice with this code."""
    found = advice(frame, **options)
    found = found[found["code"] == code]
    assert len(found) == 1
    return found["message"].iloc[0], json.loads(found["evidence"].iloc[0])


def lively(points=24, *, spread=0.08, size=1000, seed=1):
    """Counts that vary much more than chance."""
    draw = np.random.default_rng(seed)
    size = np.broadcast_to(size, points)
    return counts(draw.binomial(size, np.clip(draw.normal(0.7, spread, points), 0, 1)), size)


def quiet(points=24, *, size=200, chance=0.7, seed=20):
    draw = np.random.default_rng(seed)
    size = np.broadcast_to(size, points)
    return counts(draw.binomial(size, chance), size)


def test_a_steady_chart_has_no_advice_and_an_empty_one_neither():
    assert codes(quiet()) == []
    for frame in (quiet(), quiet().iloc[:0]):
        found = advice(frame)
        assert list(found.columns) == ADVICE.names
        assert found.empty


# ------------------------------------------------------------------------ too much, too little


def test_overdispersed_on_a_p_chart_compares_the_limits():
    message, evidence = only(lively(), "overdispersed", chart="p")
    assert re.match(
        r"The points vary \d+\.\d times as much as chance in these denominators would make them\. "
        r"The limits of a p chart are too narrow and signal too often\. At the latest point limits "
        r"would be: p \d+% to \d+%, p′ \d+% to \d+%, additive p \d+% to \d+%, XmR \d+% to \d+%\.$",
        message,
    )
    assert (evidence["chart"], evidence["allowed_for"]) == ("p", False)
    assert evidence["threshold"] == OVERDISPERSED
    assert evidence["interval"][0] < evidence["dispersion"] < evidence["interval"][1]


def test_the_limits_compared_are_those_that_the_charts_would_draw():
    draw = np.random.default_rng(3)
    frame = lively(size=draw.integers(500, 900, 24))
    frame.loc[23, ["numerator", "denominator"]] = [pd.NA, pd.NA]  # the latest has no data
    quiet_one = quiet(30).assign(unit="RJ0")
    frame = pd.concat([quiet_one, frame, quiet_one.assign(unit="RJ2")], ignore_index=True)
    _, evidence = only(frame, "overdispersed", chart="p")
    for chart, limits in evidence["limits"].items():
        last = sb.control_charts(frame, chart=chart, limits="normal").points.iloc[30 + 22]
        np.testing.assert_allclose(limits, last[["lcl", "ucl"]].astype(float), rtol=1e-3)
    assert list(evidence["limits"]) == ["i", "p", "p_additive", "p_prime"]


def test_a_chart_that_allows_for_it_says_so_and_auto_says_why_it_was_taken():
    found = advice(lively())
    assert found["code"].to_list() == ["overdispersed", "chart_chosen"]
    assert (
        "This p′ chart allows for that; the limits of a p chart would be"
        in (found["message"].iloc[0])
    )
    chosen = json.loads(found["evidence"].iloc[1])
    assert (chosen["chart"], chosen["reason"]) == ("p_prime", "overdispersed")
    uneven = lively(size=np.tile([400, 1000], 12))
    message, evidence = only(uneven, "chart_chosen")
    assert (evidence["chart"], evidence["reason"]) == ("p_additive", "uneven")
    assert message.startswith("The additive p chart was taken: the points vary ")
    assert "with denominators from 400 to 1,000." in message
    assert codes(quiet(), chart="p_prime") == []
    assert "chart_chosen" not in codes(lively(), chart="p_prime")


def unsure():
    """A stable series that seems to vary 1.3 to 2 times as much as chance."""
    for seed in range(200):
        frame = quiet(seed=seed)
        charts = sb.control_charts(frame, chart="p")
        ratio = charts.summary["dispersion"].iloc[0]
        if OVERDISPERSED <= ratio < 2:
            return frame
    raise AssertionError


def test_where_chance_may_explain_it_that_is_said_and_once_only():
    message, evidence = only(unsure(), "overdispersed", chart="p")
    assert evidence["interval"][0] < 1
    assert "would make them, though that may be chance as well. If it is not, the limits" in message
    assert "overdispersed" not in codes(unsure())
    assert "chart_chosen" in codes(unsure())


def test_cases_that_go_together_are_not_charted_as_if_apart():
    frame = quiet()
    apart = frame["numerator"] * (1 - frame["numerator"] / frame["denominator"])
    twice = frame.assign(variance=2.0 * apart)
    message, evidence = only(twice, "clustered", chart="p")
    assert evidence["ratio"] == pytest.approx(2.0)
    assert "these limits are too narrow" in message
    assert sb.control_charts(frame).summary["chart"].tolist() == ["p"]
    charts = sb.control_charts(twice)
    assert charts.summary["chart"].tolist() == ["p_prime"]
    found = charts.advice[charts.advice["code"] == "clustered"]
    assert "come from the points themselves" in found["message"].iloc[0]
    assert "clustered" not in codes(frame.assign(variance=apart), chart="p")


def test_rates_and_numbers_are_compared_with_their_own_charts():
    draw = np.random.default_rng(2)
    frame = counts(draw.poisson(draw.gamma(20, 10, 24)), 100)
    message, evidence = only(frame, "overdispersed", chart="u")
    assert list(evidence["limits"]) == ["u", "u_prime"]
    assert "The limits of a u chart are too narrow" in message
    message, evidence = only(frame, "overdispersed", chart="c")
    assert list(evidence["limits"]) == ["c", "c_prime"]
    assert "as chance would make such counts vary" in message
    assert "overdispersed" not in codes(frame.assign(denominator=1000), chart="i")


def test_dispersion_is_not_spoken_of_under_twelve_points_or_with_exact_limits():
    assert "overdispersed" not in codes(lively(11), chart="p")
    assert "overdispersed" in codes(lively(12), chart="p")
    draw = np.random.default_rng(1)
    wild = counts(np.where(draw.random(24) < 0.5, 0, 6), 20)
    assert "overdispersed" not in codes(wild)


def test_charts_that_chance_says_nothing_about_have_no_advice_on_chance():
    draw = np.random.default_rng(2)
    days = counts([None] * 24).drop(columns=["numerator", "denominator"])
    days["value"] = draw.geometric(0.05, 24)
    assert codes(days, chart="g") == []
    assert "overdispersed" not in codes(lively(), chart="i_prime")
    frame = quiet()
    frame["value"] = frame["numerator"] / frame["denominator"]
    assert codes(frame, chart="i_prime") == []


def test_underdispersed_and_what_explains_it_better():
    tame = counts([70, 72, 71, 69, 70, 71] * 4, 100)
    message, evidence = only(tame, "underdispersed")
    assert message.startswith("The points vary only 0.0")
    assert evidence["upper_99"] < 1
    assert "underdispersed" not in codes(tame.iloc[:11])
    assert "underdispersed" not in codes(counts([80] * 24, 100))


# ------------------------------------------------------------------------ small, constant, edges


def test_small_denominators_say_how_much_longer_a_period_must_be():
    message, evidence = only(counts([18, 19, 17] * 8, 20), "small_denominators")
    assert message == (
        "A usual month has about 20 cases and expects only 2.0 of the rarer outcome, so one month "
        "says little. Count quarters instead (--period quarter)."
    )
    assert evidence == {
        "usual_denominator": 20.0,
        "expected": 2.0,
        "threshold": 5.0,
        "periods_needed": 3,
    }
    message, _ = only(counts([9, 10, 9] * 8, 10), "small_denominators")
    assert message == (
        "A usual month has about 10 cases and expects only 0.7 of the rarer outcome, so one month "
        "says little. Count longer periods, such as quarters (8 months together expect 5), or "
        "chart the number of cases from one rare outcome to the next (a g chart; `spcbench events "
        "--event not_met --between cases` makes its counts from records)."
    )
    message, _ = only(counts([10] * 23 + [9], 10), "small_denominators")
    assert "Chart the number of cases from one rare outcome to the next (a g chart" in message
    assert "small_denominators" not in codes(counts([45, 44, 46] * 8, 50))


def test_constant_series_of_every_kind():
    message, evidence = only(counts([50] * 24), "constant")
    assert message == (
        "All 24 points of the latest phase are 100%. Limits lie on the centre line, and any other "
        "value will be a signal."
    )
    assert evidence == {"value": 1.0, "points": 24}
    assert only(counts([0] * 24), "constant")[0].startswith("All 24 points of the latest phase are")
    message, _ = only(counts([400] * 24, 500), "constant", chart="p")
    assert message.endswith("check how they were collected.")
    message, _ = only(counts([400] * 24, 500), "constant", chart="i")
    assert message.endswith("There is no variation to set limits by, so there are none.")
    assert "constant" not in codes(counts([50] * 23 + [49]))
    assert "constant" not in codes(counts([50] * 2))


@pytest.mark.parametrize("size", [[50] * 24, [50, 60] * 12, list(range(40, 64))])
def test_a_constant_series_shows_no_pattern(size):
    frame = counts(size, size)
    assert set(codes(frame)) <= {"constant", "exact_limits"}


def test_near_the_ceiling_and_near_the_floor():
    draw = np.random.default_rng(4)
    high = draw.binomial(200, 0.97, 24)
    message, evidence = only(counts(high, 200), "near_ceiling")
    assert "on average a month at 100% is ordinary and cannot signal" in message
    assert "from one that was missed to the next" in message
    assert evidence["threshold"] == 0.95
    message, _ = only(counts(200 - high, 200), "near_ceiling")
    assert "a month at 0% is ordinary" in message
    assert "from one that was met to the next" in message
    message, _ = only(counts(200 - high, 200), "near_ceiling", better="lower")
    assert "from one with the event to the next" in message
    assert "met" not in message
    message, _ = only(counts(high, 200), "near_ceiling", better="lower")
    assert "from one without the event to the next" in message
    assert "near_ceiling" not in codes(counts(draw.binomial(2000, 0.97, 24), 2000))
    assert "near_ceiling" not in codes(counts([50] * 24))
    assert "near_ceiling" not in codes(counts(high, 200), chart="np")


def test_clipped_limits_where_a_change_for_the_worse_cannot_show():
    frame = counts([6, 8, 5, 7, 4, 6] * 4, 30)
    message, evidence = only(frame, "clipped_limits", better="higher")
    assert message.startswith("The limits reach to 0% at the latest point, so no single month")
    assert evidence["lcl"] == 0.0
    assert "clipped_limits" not in codes(frame, better="lower")
    assert "clipped_limits" not in codes(frame)
    assert "clipped_limits" in codes(counts([24, 22, 25, 23, 26, 24] * 4, 30), better="lower")
    assert "clipped_limits" not in codes(counts([8, 9, 7, 10, 6, 8] * 4, 40), better="higher")
    wide = counts([6, 30, 12, 24, 5, 29] * 4, 35)
    message, _ = only(wide, "clipped_limits")
    assert message.startswith("The limits reach to 0% and 100% at the latest point")


def test_few_points_keep_their_words_and_say_when_an_icon_comes():
    message, evidence = only(quiet(8), "few_points")
    assert message == (
        "The latest phase has 8 points. Limits from fewer than 12 are trial limits: "
        "expect them to move."
    )
    assert evidence == {"points": 8, "wanted": 12, "icon_from": 13}
    assert "few_points" in codes(quiet(11))
    assert "few_points" not in codes(quiet(12))
    words, _ = only(quiet(2), "few_points")
    assert words == "The latest phase has 2 points: too few for limits, or for any judgement."


# ------------------------------------------------------------------------ patterns


def test_seasons_are_named():
    time = np.arange(36)
    draw = np.random.default_rng(3)
    frame = counts(draw.binomial(400, 0.7 + 0.06 * np.cos(2 * np.pi * time / 12)), 400)
    message, evidence = only(frame, "seasonal", chart="p")
    assert evidence["chance"] < 0.01
    assert evidence["highest"] in ("December", "January", "February")
    assert evidence["lowest"] in ("June", "July", "August", "May")
    assert f"(highest {evidence['highest']}, lowest {evidence['lowest']})" in message
    assert "autocorrelated" not in codes(frame, chart="p")
    assert "seasonal" not in codes(frame.iloc[:23], chart="p")


def test_quarters_have_seasons_too():
    draw = np.random.default_rng(3)
    frame = counts(draw.binomial(400, np.tile([0.8, 0.7, 0.6, 0.7], 5)), 400, freq="QS")
    message, evidence = only(frame, "seasonal")
    assert (evidence["highest"], evidence["lowest"]) == ("January to March", "July to September")
    assert message.startswith("The same quarters come out high")


def test_weeks_have_none():
    frame = lively(60)
    frame["period"] = pd.date_range("2021-01-04", periods=60, freq="7D")
    assert "seasonal" not in codes(frame)


def test_neighbours_alike_as_after_a_lasting_change():
    draw = np.random.default_rng(5)
    changed = counts(draw.binomial(400, np.repeat([0.7, 0.78], 18)), 400)
    message, evidence = only(changed, "autocorrelated")
    assert message.startswith("Neighbouring months are more alike than chance would make them.")
    assert evidence["lag_1"] > 2.3 * evidence["standard_error"]
    assert evidence["limits_too_narrow_by"] == pytest.approx(
        1 / np.sqrt(1 - evidence["lag_1"]), rel=1e-3
    )


def test_rolling_totals_are_recognised():
    draw = np.random.default_rng(6)
    size = draw.poisson(60, 47)
    number = draw.binomial(size, 0.8)
    frame = counts(*(np.convolve(one, np.ones(12, dtype=int), "valid") for one in (number, size)))
    message, evidence = only(frame, "rolling")
    assert message.startswith("Each point is so close to the one before that neighbouring months")
    assert evidence["sign"] == "steadier_than_chance"
    assert evidence["lag_1"] > 0.5
    others = set(codes(frame))
    assert not others & {"autocorrelated", "seasonal", "underdispersed"}


def test_periods_that_reach_into_the_next_say_so_themselves():
    frame = quiet()
    end = frame.assign(period_end=pd.to_datetime(frame["period"]) + pd.offsets.MonthEnd(1))
    assert "rolling" not in codes(end)
    two = frame.assign(period_end=pd.to_datetime(frame["period"]) + pd.offsets.MonthEnd(2))
    message, evidence = only(two, "rolling")
    assert evidence["sign"] == "dates"
    assert message.startswith("Each period reaches into the next one")


def test_single_values_have_patterns_too():
    time = np.arange(36)
    frame = pd.DataFrame(
        {
            "measure": "wait",
            "unit": "RJ1",
            "period": pd.date_range("2021-01-01", periods=36, freq="MS"),
            "value": 20
            + 5 * np.cos(2 * np.pi * time / 12)
            + np.random.default_rng(1).normal(size=36),
        }
    )
    assert "seasonal" in codes(frame, chart="i")


# ------------------------------------------------------------------------ the counts themselves


def test_rounded_counts_and_the_chance_of_that():
    draw = np.random.default_rng(7)
    size = 5 * draw.integers(10, 30, 24)
    frame = counts(5 * np.round(draw.binomial(size, 0.7) / 5).astype(int), size)
    message, evidence = only(frame, "rounded")
    assert message.startswith("All numerators and denominators are multiples of 5, so they have")
    assert evidence["multiples_of"] == {"denominator": 5, "numerator": 5}
    assert evidence["chance"] < 1e-6
    # A sample of 20 every month is no rounding.
    assert "rounded" not in codes(counts(draw.binomial(20, 0.5, 24), 20))
    alone = counts(10 * draw.binomial(30, 0.5, 24), 317)
    assert json.loads(advice(alone).set_index("code").loc["rounded", "evidence"])[
        "multiples_of"
    ] == {"numerator": 10}


def test_varying_denominators_only_where_the_chart_does_not_stand_them():
    draw = np.random.default_rng(8)
    size = draw.integers(100, 300, 24)
    frame = counts(draw.binomial(size, 0.6), size)
    message, evidence = only(frame, "varying_denominators", chart="i")
    assert "This chart gives every period the same limits" in message
    assert evidence["furthest_from_mean"] > evidence["threshold"] == 0.25
    message, _ = only(frame, "varying_denominators", chart="p_prime")
    assert "by the same factor, too little for the large ones" in message
    assert "varying_denominators" not in codes(frame, chart="p")
    assert "varying_denominators" not in codes(frame, chart="p_additive")
    assert "varying_denominators" not in codes(frame, chart="run")
    even = counts(draw.binomial(100, 0.6, 24), 100)
    assert "varying_denominators" not in codes(even, chart="i")


def test_a_latest_period_apart_from_those_before_may_not_be_complete():
    sizes = [50] * 14 + [24]
    _, evidence = only(counts([10] * 15, sizes), "incomplete_period")
    assert evidence == {"latest": 24, "usual": 50.0}
    assert "incomplete_period" not in codes(counts([10] * 15, [50] * 14 + [25]))
    # One of the six was nearly as small: denominators vary that much here.
    restless = [50] * 9 + [32, 50, 50, 50, 50, 24]
    assert "incomplete_period" not in codes(counts([10] * 15, restless))


# ------------------------------------------------------------------------ the whole


def test_what_matters_most_comes_first_and_every_code_is_known():
    draw = np.random.default_rng(9)
    size = draw.integers(5, 40, (60, 30))
    found = advice(many(draw.binomial(size, 0.9), size), chart="i")
    assert set(found["code"]) <= set(CODES)
    for _, own in found.groupby("unit"):
        places = [CODES.index(code) for code in own["code"]]
        assert places == sorted(places)
    for evidence in found["evidence"]:
        json.loads(evidence, parse_constant=pytest.fail)


def test_advice_on_many_is_that_on_each_alone():
    draw = np.random.default_rng(10)
    size = draw.integers(10, 90, (25, 26))
    frame = many(draw.binomial(size, np.clip(draw.normal(0.8, 0.1, size.shape), 0, 1)), size)
    together = advice(frame)
    for unit, own in frame.groupby("unit"):
        alone = advice(own.reset_index(drop=True))
        mine = together[together["unit"] == unit].reset_index(drop=True)
        pd.testing.assert_frame_equal(mine, alone)


RATES = {
    "underdispersed": 0.02,
    "overdispersed": 0.025,
    "autocorrelated": 0.02,
    "seasonal": 0.02,
    "rolling": 0.01,
    "rounded": 0.002,
    "incomplete_period": 0.002,
    "gap": 0.0,
    "constant": 0.0,
}


@pytest.mark.parametrize("points", [24, 36])
def test_stable_series_seldom_get_advice_that_only_chance_explains(points):
    draw = np.random.default_rng(points)
    size = draw.poisson(80, (2000, points))
    found = advice(many(draw.binomial(size, 0.8), size))
    share = found["code"].value_counts() / 2000
    for code, most in RATES.items():
        assert share.get(code, 0.0) <= most, code
    assert share["chart_chosen"] == pytest.approx({24: 0.221, 36: 0.177}[points], abs=0.03)


def test_the_page_names_every_code_and_no_other():
    if not PAGE.exists():
        pytest.skip("the pages are not here")
    named = re.findall(r"^### `(\w+)`", PAGE.read_text(encoding="utf-8"), re.M)
    assert sorted(named) == sorted(CODES)


# ------------------------------------------------------------ what a measure itself asks for


def measured(frame, **display):
    """Counts of a measure that a pack shows in this way."""
    shown = {"milk": Display(title="Milk", better="higher", **display)}
    empty = pd.DataFrame()
    return Counted(
        counts=frame, quality=empty, rejects=empty, display=shown, provenance={"source": "x"}
    )


def test_small_numbers_of_a_measure_are_told_as_missed_ones():
    message, evidence = only(measured(counts([5, 6, 5, 4] * 6, 6)), "small_denominators")
    assert message == (
        "A usual month has about 6 cases and expects only 1.0 missed ones, so one month says "
        "little. Count longer periods, such as quarters (5 months together expect 5), or chart the "
        "number of cases from one missed case to the next (a g chart; `spcbench events --event "
        "not_met --between cases` makes its counts from records)."
    )
    assert evidence["periods_needed"] == 5
    rare = only(measured(counts([1, 0, 1, 2] * 6, 6)), "small_denominators")[0]
    assert "1.0 of the rarer outcome" in rare
    assert "--event met " in rare


def test_a_caution_is_told_once_a_measure():
    both = pd.concat([quiet(), quiet().assign(unit="RJ2")])
    found = advice(measured(both, caution="Mind\n the kinds of unit."))
    assert found[["unit", "code", "message"]].fillna("").to_numpy().tolist() == [
        ["", "caution", "Mind the kinds of unit."]
    ]


@pytest.mark.parametrize(
    ("level", "told"),
    [
        ("provider", "These rows are of trusts."),
        (None, "Of these rows nobody says at which level they are."),
        ("system", None),
        ("region", None),
    ],
)
def test_a_level_that_is_preferred_is_told_at_others(level, told):
    frame = quiet() if level is None else quiet().assign(level=level)
    found = advice(measured(frame, compare_at=("system", "region")))
    if told is None:
        assert found.empty
        return
    assert found["code"].to_list() == ["prefer_level"]
    message = found["message"].iloc[0]
    assert message.startswith(f"This measure is best compared between systems or regions. {told}")
    assert json.loads(found["evidence"].iloc[0]) == {
        "level": level,
        "compare_at": ["system", "region"],
    }


def test_a_full_score_by_construction_is_told_of_the_units_that_have_it():
    full = counts([200] * 23 + [199], 200)
    frame = pd.concat([full, counts([180] * 12 + [170] * 12, 200, unit="RJ2")])
    found = advice(measured(frame, strata="designation"))
    found = found[found["code"] == "by_construction"]
    assert found["unit"].to_list() == ["RJ1"]
    assert "whatever they do" in found["message"].iloc[0]
    assert json.loads(found["evidence"].iloc[0])["threshold"] == 0.99
    assert "by_construction" not in codes(measured(frame))  # no strata: a real 100 %


def test_a_target_that_is_not_verified_is_told_with_the_definition():
    for shown, told in (
        ({"target": 0.8, "target_verified": False}, "The target of this measure has not"),
        ({"target_verified": False}, None),
        ({"verified": False}, "The definition of this measure has not"),
        (
            {"target": 0.8, "verified": False, "target_verified": False},
            "The definition and the target of this measure have not",
        ),
    ):
        found = advice(measured(quiet(), **shown))
        if told is None:
            assert found.empty
        else:
            assert found["code"].to_list() == ["unverified_definition"]
            assert found["message"].iloc[0].startswith(told)
    own = advice(measured(quiet(), target=0.8, target_verified=False), target=0.9)
    assert own.empty  # the analyst's own target
