"""Funnels of changes between two periods, and of one count over another."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import StratifiedTable

import spcbench as sb
from spcbench.errors import InputError, OptionError

BEFORE = ("2023-01", "2023-12")


def only(frame):
    assert len(frame) == 1
    return frame.iloc[0]


def periods(before, after, **columns):
    """Counts of the same units in 2023 and in 2024."""
    parts = [
        pd.DataFrame(
            {
                "measure": "m",
                "unit": [f"U{at:02d}" for at in range(len(numerator))],
                "period": pd.Timestamp(f"{year}-01-01"),
                "numerator": numerator,
                **{name: values[at] for name, values in columns.items()},
            }
        )
        for at, (year, numerator) in enumerate(((2023, before), (2024, after)))
    ]
    return pd.concat(parts, ignore_index=True)


def changed(units=60, seed=7, drift=0.0):
    draw = np.random.default_rng(seed)
    size = draw.integers(60, 500, (2, units))
    level = draw.normal(0.5, 0.5, units)
    later = level + 0.3 + draw.normal(0, drift, units)
    share = 1 / (1 + np.exp(-np.stack([level, later])))
    met = draw.binomial(size, share)
    return periods(met[0], met[1], denominator=size)


def test_a_change_of_shares_is_an_odds_ratio_with_the_variance_of_both_periods():
    # 20 of 100, then 40 of 100: odds ratio (40/60)/(20/80).
    frame = periods([20, 50], [40, 50], denominator=[[100, 100], [100, 100]])
    found = sb.funnels(frame, data_type="change", before=BEFORE, target=1.0)
    unit = found.units.iloc[0]
    se = math.sqrt(1 / 20 + 1 / 80 + 1 / 40 + 1 / 60)
    assert unit["value"] == pytest.approx((40 / 60) / (20 / 80), rel=1e-12)
    assert unit["size"] == pytest.approx(1 / se**2, rel=1e-12)
    assert unit["z"] == pytest.approx(math.log(8 / 3) / se, rel=1e-12)
    assert unit["p_value"] == pytest.approx(2 * stats.norm.sf(math.log(8 / 3) / se), rel=1e-12)
    assert unit["upper_95"] == pytest.approx(math.exp(stats.norm.isf(0.025) * se), rel=1e-12)
    assert (unit["value_before"], unit["value_after"]) == (0.2, 0.4)
    assert unit[["numerator_before", "numerator", "denominator_before"]].tolist() == [20, 40, 100]
    assert found.units["position"].tolist() == ["above_95", "within"]
    assert found.units["verdict"].tolist() == ["differs", "as_expected"]
    assert pd.isna(unit["expected"])


def test_a_change_of_rates_is_a_rate_ratio():
    frame = periods([30, 10], [45, 12], denominator=[[1000, 400], [1200, 500]])
    found = sb.funnels(frame, data_type="change", change_of="rate", before=BEFORE, target=1.0)
    unit = found.units.iloc[0]
    assert unit["value"] == pytest.approx((45 / 1200) / (30 / 1000), rel=1e-12)
    assert unit["size"] == pytest.approx(1 / (1 / 30 + 1 / 45), rel=1e-12)


def test_a_change_of_ratios_stands_on_what_was_expected():
    frame = periods([30, 10], [45, 12], expected=[[25.0, 11.0], [50.0, 10.0]])
    found = sb.funnels(frame, data_type="change", change_of="ratio", before=BEFORE, target=1.0)
    unit = found.units.iloc[0]
    assert unit["value"] == pytest.approx((45 / 50) / (30 / 25), rel=1e-12)
    assert (unit["value_before"], unit["value_after"]) == (1.2, 0.9)
    assert unit["expected_before"] == 25.0


def test_without_a_target_units_are_compared_with_the_change_of_all():
    found = sb.funnels(changed(), data_type="change", before=BEFORE)
    target, units = only(found.summary)["target"], found.units
    tables = [
        np.array([[hit, all_ - hit], [hit_before, all_before - hit_before]])
        for hit, all_, hit_before, all_before in units[
            ["numerator", "denominator", "numerator_before", "denominator_before"]
        ].itertuples(index=False)
    ]
    assert target == pytest.approx(StratifiedTable(tables).oddsratio_pooled, rel=1e-12)
    assert 1.2 < target < 1.5  # the truth is e^0.3
    # Everyone changed alike, and levels that differ are no change: chance alone is left.
    assert only(found.summary)["phi"] < only(found.summary)["phi_threshold"]
    assert only(found.summary)["outside_998"] == 0


@pytest.mark.parametrize(("kind", "share"), [("rate", 0.01), ("proportion", 0.95)])
def test_the_change_of_all_is_right_when_one_period_is_much_shorter(kind, share):
    draw = np.random.default_rng(5)
    size = np.stack([np.full(4000, 1200), np.full(4000, 100)])
    met = draw.poisson(size * share) if kind == "rate" else draw.binomial(size, share)
    frame = periods(met[0], met[1], denominator=size)
    frame["unit"] = np.tile([f"U{at:04d}" for at in range(4000)], 2)
    found = sb.funnels(frame, data_type="change", change_of=kind, before=BEFORE)
    assert only(found.summary)["target"] == pytest.approx(1.0, abs=0.03)  # nothing changed


def test_units_keep_their_own_past_when_they_change_places():
    frame = periods([10, 20, 30, 40], [12, 22, 33, 44], denominator=[[100, 200, 300, 400]] * 2)
    frame["group"] = ["b", "a", "a", "b", "a", "b", "a", "b"]
    found = sb.funnels(frame, data_type="change", before=BEFORE, by="group").units
    assert found["unit"].tolist() == ["U00", "U02", "U01", "U03"]
    assert found["group"].tolist() == ["a", "a", "b", "b"]
    assert found["numerator_before"].tolist() == [10, 30, 20, 40]
    assert found["denominator_before"].tolist() == [100, 300, 200, 400]


def test_a_unit_hidden_before_says_so():
    frame = changed(4).astype({"numerator": "Int64"})
    frame["status"] = "ok"
    frame.loc[1, "status"] = "suppressed"
    found = sb.funnels(frame, data_type="change", before=BEFORE)
    assert found.units["status"].tolist() == ["ok", "suppressed", "ok", "ok"]


def test_one_period_may_be_compared_with_one():
    found = sb.funnels(changed(4), data_type="change", before=("2023-01-01", "2023-01-01"))
    assert found.units["status"].eq("ok").all()
    with pytest.raises(OptionError, match="no period of the counts comes after 2024-01-01"):
        sb.funnels(changed(4), data_type="change", before=("2023-01-01", "2024-01-01"))


def test_nothing_has_changed_in_nothing():
    empty = changed(2).iloc[:0]
    found = sb.funnels(empty, data_type="change", before=BEFORE)
    assert found.units.empty
    assert "kept" in found.units
    assert found.summary.empty


def test_changes_that_differ_by_more_than_chance_widen_the_limits():
    frame = changed(drift=0.4)
    plain = sb.funnels(frame, data_type="change", before=BEFORE)
    wide = sb.funnels(
        frame, data_type="change", before=BEFORE, overdispersion="additive", winsorise=0.0
    )
    assert "overdispersed" in plain.advice["code"].tolist()
    assert only(wide.summary)["tau2"] == pytest.approx(0.16, rel=0.5)
    assert (wide.units["upper_95"] > plain.units["upper_95"]).all()
    half = np.log(wide.units["upper_95"] / wide.units["target"])
    spread = np.sqrt(1 / wide.units["size"] + only(wide.summary)["tau2"])
    np.testing.assert_allclose(half, stats.norm.isf(0.025) * spread, rtol=1e-12)


def test_regression_to_the_mean_is_told_with_its_size():
    found = sb.funnels(changed(), data_type="change", before=BEFORE)
    told = only(found.advice[found.advice["code"] == "regression_to_the_mean"])
    evidence = json.loads(told["evidence"])
    kept = found.units["kept"]
    assert evidence["kept_median"] == pytest.approx(kept.median(), abs=1e-4)
    # tau2/(tau2 + s2) at the pooled share of the earlier period, on the scale of logits.
    unit = found.units.iloc[0]
    sums = found.units[["numerator_before", "denominator_before"]].astype(float).sum()
    share = sums["numerator_before"] / sums["denominator_before"]
    s2 = 1 / (share * (1 - share) * unit["denominator_before"])
    tau2 = unit["kept"] * s2 / (1 - unit["kept"])
    assert tau2 == pytest.approx(0.25, rel=0.5)  # units differ by 0.5 in logits
    assert f"would show {kept.median():.0%} again" in told["message"]


def test_the_kept_share_foretells_how_deviations_come_back():
    # Nobody changes; of the deviations in the first period, so much is seen in the second.
    draw = np.random.default_rng(11)
    units = 4000
    share = 1 / (1 + np.exp(-draw.normal(0.0, 0.3, units)))
    met = draw.binomial(80, share, (2, units))
    frame = periods(met[0], met[1], denominator=np.full((2, units), 80))
    found = sb.funnels(frame, data_type="change", before=BEFORE).units
    first, second = (
        found["value_before"].sub(found["value_before"].mean()),
        found["value_after"].sub(found["value_after"].mean()),
    )
    seen = (first * second).sum() / (first**2).sum()
    assert found["kept"].mean() == pytest.approx(seen, abs=0.04)


def test_a_change_from_none_is_told_to_be_rough():
    frame = periods([0, 50, 40], [9, 50, 41], denominator=np.full((2, 3), 100))
    found = sb.funnels(frame, data_type="change", before=BEFORE, target=1.0)
    assert json.loads(only(found.advice[found.advice["code"] == "half_added"])["evidence"])[
        "units"
    ] == ["U00"]
    assert found.units["value"][0] == pytest.approx((9.5 / 91.5) / (0.5 / 100.5))


def test_a_unit_without_an_earlier_period_is_not_compared():
    frame = changed(6).drop(index=2)
    found = sb.funnels(frame, data_type="change", before=BEFORE)
    assert found.units["status"].tolist() == ["ok", "ok", "no_data", "ok", "ok", "ok"]
    assert np.isnan(found.units["value"][2])
    assert pd.isna(found.units["position"][2])
    assert only(found.summary)["units"] == 5


def test_windows_are_added_up_before_they_are_compared():
    frame = changed(6)
    twice = pd.concat([frame, frame.assign(period=frame["period"] + pd.DateOffset(months=1))])
    found = sb.funnels(twice, data_type="change", before=BEFORE)
    once = sb.funnels(frame, data_type="change", before=BEFORE)
    assert (found.units["numerator"] == 2 * once.units["numerator"]).all()
    np.testing.assert_allclose(found.units["size"], 2 * once.units["size"])
    np.testing.assert_allclose(found.units["value"], once.units["value"])
    assert found.method["before"] == ["2023-01-01", "2023-12-01"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "a change needs before, the first and last period of the earlier window"),
        ({"before": "2023-01"}, "a change needs before"),
        ({"before": ("2023-12", "2023-01")}, "before runs from 2023-12-01 to 2023-01-01"),
        ({"before": ("2023-01", "2024-12")}, "no period of the counts comes after 2024-12-01"),
        ({"before": ("2023-01", "2024-01"), "first": "2024-01"}, "first, 2024-01-01, does not co"),
        ({"before": ("2021-01", "2021-12")}, "no period lies between first and last"),
        ({"before": BEFORE, "limits": "exact"}, "limits must be one of normal, not 'exact'"),
        ({"before": BEFORE, "change_of": "mean"}, "change_of must be one of proportion, rate, ra"),
        ({"before": BEFORE, "target": "national"}, "a change is compared with that of all units"),
        ({"before": BEFORE, "scale": "sqrt"}, "scale must be one of log, not 'sqrt'"),
    ],
)
def test_wrong_changes_are_told(options, words):
    with pytest.raises(OptionError, match=words):
        sb.funnels(changed(), data_type="change", **options)


def test_a_change_has_intervals_and_shrunken_values_too():
    found = sb.funnels(changed(drift=0.4), data_type="change", before=BEFORE)
    unit, own = found.units.iloc[0], found.estimates.iloc[0]
    half = stats.norm.isf(0.025) / math.sqrt(unit["size"])
    assert own["interval_lower_95"] == pytest.approx(unit["value"] * math.exp(-half), rel=1e-12)
    towards = (found.estimates["shrunken"] - unit["target"]).abs()
    assert (towards <= (found.estimates["value"] - unit["target"]).abs()).all()
    # A true change that would be above its limit four times in five.
    se = 1 / math.sqrt(unit["size"])
    beyond = stats.norm.sf((math.log(unit["upper_95"]) - math.log(own["detectable_above"])) / se)
    assert beyond == pytest.approx(0.8, rel=1e-9)
    with pytest.raises(OptionError, match="a change is not set beside"):
        found.beside("U00")
    assert found.display["m"].per == 1


# --- one count over another ----------------------------------------------------------------------


def two(first, second):
    return pd.DataFrame(
        {
            "measure": "m",
            "unit": [f"U{at:02d}" for at in range(len(first))],
            "period": pd.Timestamp("2024-01-01"),
            "numerator": first,
            "denominator": second,
        }
    )


def test_two_counts_are_judged_given_their_sum():
    found = sb.funnels(two([30, 4, 12], [10, 16, 12]), data_type="two_counts", target=1.0)
    assert found.units["value"].tolist() == [3.0, 0.25, 1.0]
    assert found.units["size"].tolist() == [40.0, 20.0, 24.0]
    tails = [stats.binom.sf(29, 40, 0.5), stats.binom.cdf(4, 20, 0.5), 0.5]
    np.testing.assert_allclose(found.units["p_value"], 2 * np.array(tails), rtol=1e-12)
    assert found.units["position"].tolist() == ["above_95", "below_95", "within"]
    assert found.units["expected"].tolist() == [20.0, 10.0, 12.0]
    pooled = sb.funnels(two([30, 4, 12], [10, 16, 12]), data_type="two_counts")
    assert only(pooled.summary)["target"] == pytest.approx(46 / 38)


def test_none_of_the_second_count_is_no_error_and_no_number():
    found = sb.funnels(two([14, 3, 12, 0], [0, 4, 12, 0]), data_type="two_counts", target=1.0)
    assert np.isnan(found.units["value"][0])  # a ratio without end
    assert found.units["position"].tolist()[:3] == ["above_998", "within", "within"]
    assert found.units["status"].tolist() == ["ok", "ok", "ok", "no_data"]
    assert pd.isna(found.units["position"][3])
    assert np.isnan(found.units["z"][0])  # none has no logarithm
    assert np.isfinite(only(found.summary)["phi"])
    with pytest.raises(InputError, match="2 of 0 cannot be"):
        sb.funnels(two([2, 3], [0, 4]))


def test_a_second_count_of_none_anywhere_has_no_ratio():
    found = sb.funnels(two([14, 3], [0, 0]), data_type="two_counts")
    line = only(found.summary)
    assert (line["status"], line["expected_false_positives"]) == ("not_estimable", 0.0)
    assert "the second count is 0 in every unit" in line["reason"]
    assert found.units["position"].isna().all()


def test_shrunken_ratios_of_two_counts_hold_the_truth():
    draw = np.random.default_rng(3)
    odds = np.exp(draw.normal(-1.5, 0.6, 400))
    both = draw.integers(8, 60, 400)
    first = draw.binomial(both, odds / (1 + odds))
    frame = two(first, both - first)
    frame["unit"] = [f"U{at:03d}" for at in range(400)]
    own = sb.funnels(frame, data_type="two_counts", tau2_method="pm").estimates
    inside = (own["shrunken_lower_95"] <= odds) & (odds <= own["shrunken_upper_95"])
    assert inside.mean() > 0.9
    assert inside[first == 0].mean() > 0.75  # 20 % when the none's score was taken at its word
    assert own["kept"][both.argsort()].is_monotonic_increasing


def test_detectable_ratios_of_two_counts():
    found = sb.funnels(two([300, 40, 120], [100, 160, 120]), data_type="two_counts", target=1.0)
    line, own = found.units.iloc[0], found.estimates.iloc[0]
    share = own["detectable_above"] / (1 + own["detectable_above"])
    least = math.floor(line["upper_95"] / (1 + line["upper_95"]) * 400) + 1
    assert stats.binom.sf(least - 1, 400, share) == pytest.approx(0.8, rel=1e-9)
    assert own["detectable_below"] < line["lower_95"] < 1 < line["upper_95"]
    assert own["detectable_above"] > line["upper_95"]


def test_intervals_of_two_counts_are_exact():
    found = sb.funnels(two([30, 4, 12], [10, 16, 12]), data_type="two_counts", target=1.0)
    low = stats.beta.ppf(0.025, 30, 11)
    assert found.estimates["interval_lower_95"][0] == pytest.approx(low / (1 - low), rel=1e-9)
    assert np.isfinite(found.curve["upper_95"].iloc[-1])
    assert np.isnan(found.curve["upper_95"].iloc[0])  # 1 of 1 is no surprise: no limit
