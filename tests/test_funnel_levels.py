"""Limits of any level, false discovery, targets by name, and what each unit could have shown."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, special, stats
from statsmodels.stats.multitest import multipletests

import spcbench as sb
from spcbench import levels, tables
from spcbench.errors import InputError, OptionError, UnknownNameError

GOLDEN = Path(__file__).parents[2] / "shared" / "golden"


def table(numerator, **columns):
    return pd.DataFrame(
        {
            "measure": "m",
            "unit": [f"U{at:03d}" for at in range(len(numerator))],
            "period": pd.Timestamp("2024-01-01"),
            "numerator": numerator,
            **columns,
        }
    )


def wild(units=60, seed=4, spread=0.06):
    draw = np.random.default_rng(seed)
    size = draw.integers(80, 600, units)
    share = np.clip(draw.normal(0.4, spread, units), 0.02, 0.98)
    return table(draw.binomial(size, share), denominator=size)


def only(frame):
    assert len(frame) == 1
    return frame.iloc[0]


# --- levels --------------------------------------------------------------------------------------


def test_levels_are_named_for_what_they_are():
    found = levels.chosen_levels(probabilities=[0.998, 0.9, 0.9973], sigmas=[2])
    assert [one.name for one in found] == ["90", "2sd", "9973", "998"]
    assert found[0].alpha == pytest.approx(0.05)
    assert found[1].alpha == pytest.approx(stats.norm.sf(2.0), rel=1e-12)
    assert [levels.level_words(one.name) for one in found] == ["90%", "2 SD", "99.73%", "99.8%"]
    assert levels.level_names(f"{side}_{one.name}" for one in found for side in ("lower", "x")) == (
        "90",
        "2sd",
        "9973",
        "998",
    )


def test_two_and_three_standard_deviations_are_not_95_and_99_8():
    found = sb.funnels(wild(), preset="2sd-3sd", limits="normal")
    assert [name for name in found.units if name.startswith(("lower", "upper"))] == [
        "lower_2sd",
        "upper_2sd",
        "lower_3sd",
        "upper_3sd",
    ]
    unit = found.units.iloc[0]
    sd = math.sqrt(unit["target"] * (1 - unit["target"]) / unit["denominator"])
    assert unit["upper_2sd"] - unit["target"] == pytest.approx(2 * sd, rel=1e-12)
    assert unit["target"] - unit["lower_3sd"] == pytest.approx(3 * sd, rel=1e-12)
    summary = only(found.summary)
    assert summary["expected_false_positives"] == pytest.approx(60 * 2 * stats.norm.sf(2.0))
    assert summary["outside_2sd"] == found.units["position"].ne("within").sum() > 5
    assert summary["outside_3sd"] == found.units["position"].str.endswith("3sd").sum()
    assert found.units["position"].cat.categories.tolist() == list(tables.positions(["2sd", "3sd"]))
    assert found.curve.columns.tolist() == tables.curve_contract(["2sd", "3sd"]).names


def test_one_level_alone_and_four_together():
    alone = sb.funnels(wild(), probabilities=[0.9])
    assert set(alone.units["position"].dropna()) <= {"within", "above_90", "below_90"}
    assert only(alone.summary)["expected_false_positives"] == pytest.approx(6.0)
    four = sb.funnels(wild(), probabilities=[0.8, 0.95, 0.99], sigmas=[3])
    lower = four.units[[f"lower_{name}" for name in ("80", "95", "99", "3sd")]].to_numpy()
    assert (np.diff(lower, axis=1) < 0).all()
    two = sb.funnels(wild())
    pd.testing.assert_series_equal(four.units["upper_95"], two.units["upper_95"])


def test_verdicts_follow_the_side_at_any_level():
    frame = table([0, 1, 30, 12, 20], denominator=[100] * 5)
    found = sb.funnels(frame, sigmas=[1, 2, 3], better="higher", target=0.1).units
    assert found["position"].tolist() == [
        "below_3sd",
        "below_3sd",
        "above_3sd",
        "within",
        "above_2sd",
    ]
    assert found["verdict"].tolist() == [
        "worse_than_expected",
        "worse_than_expected",
        "better_than_expected",
        "as_expected",
        "better_than_expected",
    ]


def test_without_a_word_the_levels_are_95_and_99_8():
    plain, named = sb.funnels(wild()), sb.funnels(wild(), preset="95-998")
    pd.testing.assert_frame_equal(plain.units, named.units)
    assert plain.method["levels"] == ["95", "998"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"probabilities": [95]}, "probabilities lie between 0.5 and 1, not 95; write 99.8 %"),
        ({"probabilities": [1.0]}, "probabilities lie between 0.5 and 1, not 1"),
        ({"probabilities": [float("nan")]}, "probabilities lie between 0.5 and 1, not nan"),
        ({"probabilities": []}, "a funnel has 1 to 4 pairs of limits, not 0"),
        ({"probabilities": 0.95}, "probabilities must be a list of numbers, not 0.95"),
        ({"probabilities": ["x"]}, "probabilities must be numbers, not 'x'"),
        ({"sigmas": [0]}, "sigmas lie above 0 and up to 8, not 0"),
        ({"sigmas": [2, 2.0]}, "the same limits are asked for twice"),
        ({"sigmas": [1, 2, 3, 4, 5]}, "a funnel has 1 to 4 pairs of limits, not 5"),
        ({"preset": "hqip"}, "preset must be one of 95-998, 2sd-3sd, not 'hqip'"),
        ({"preset": "95-998", "sigmas": [2]}, "preset already says which limits"),
        ({"fdr": 0}, "fdr must be a share between 0 and 1, such as 0.05, not 0"),
        ({"fdr": "x"}, "fdr must be a share between 0 and 1, such as 0.05, not 'x'"),
        ({"winsorise": "x"}, "winsorise must be a share from 0 to below 0.5, not 'x'"),
        ({"preset": ["a"]}, "preset must be one of"),
        ({"by": ["a"]}, "is no column of the counts"),
        ({"consistent": "no"}, "consistent must be one of True, False, not 'no'"),
        ({"target": True}, "target must be a number, not True"),
        ({"scale": "log"}, "scale must be one of natural, arcsine, logit, not 'log'"),
        ({"limits": "arcsine", "scale": "logit"}, "with limits 'arcsine', scale must be one of"),
        ({"change_of": "rate"}, "change_of goes with data_type 'change', not 'proportion'"),
        ({"target": "peers"}, "target must be a number, or one of pooled, standard, national"),
        ({"target": "standard"}, "the measure 'm' has no target of its own"),
        ({"references": {"England": 85}}, "reference 'England': 85 is not a proportion"),
    ],
)
def test_wrong_options_are_told(options, words):
    with pytest.raises(OptionError, match=words):
        sb.funnels(wild(), **options)


# --- false discovery -----------------------------------------------------------------------------


def test_q_values_are_those_of_statsmodels():
    frame = pd.concat([wild(30), wild(45, seed=8).assign(measure="n")], ignore_index=True)
    found = sb.funnels(frame).units
    for _, rows in found.groupby("measure"):
        p = rows["p_value"].to_numpy()
        for column, method in (("q_value", "fdr_bh"), ("q_value_by", "fdr_by")):
            np.testing.assert_allclose(
                rows[column], multipletests(p, method=method)[1], rtol=1e-12, err_msg=column
            )


@pytest.mark.parametrize("dependent", [False, True])
@pytest.mark.parametrize("how", ["none", "additive", "multiplicative"])
@pytest.mark.parametrize("limits", ["exact", "mid_p", "normal", "spiegelhalter"])
def test_who_is_discovered_lies_outside_the_line(limits, how, dependent):
    frame = wild(80, spread=0.035)
    odd = np.arange(0, 80, 9)
    frame.loc[odd, "numerator"] = (frame.loc[odd, "denominator"] * 0.75).astype(int)
    asked = {"limits": limits, "overdispersion": how, "winsorise": 0.2}
    found = sb.funnels(frame, **asked, fdr=0.05, dependent=dependent)
    q = found.units["q_value_by" if dependent else "q_value"]
    assert only(found.summary)["outside_fdr"] == (q <= 0.05).sum() > 3
    curve = found.curve.set_index("denominator")
    lower, upper = (np.interp(found.units["size"], curve.index, curve[f"{side}_fdr"])
                    for side in ("lower", "upper"))  # fmt: skip
    clear = np.abs(found.units["value"] - np.where(found.units["z"] < 0, lower, upper)) > 0.002
    outside = (found.units["value"] < lower) | (found.units["value"] > upper)
    assert clear.sum() > 60
    assert (outside[clear] == (q <= 0.05)[clear]).all()


def test_without_asking_there_is_no_line_of_discovery():
    found = sb.funnels(wild())
    assert found.curve["lower_fdr"].isna().all()
    assert only(found.summary)["outside_fdr"] is pd.NA


# --- targets -------------------------------------------------------------------------------------


def mixed():
    """Three trusts and a nation that holds more than them."""
    frame = table([80, 85, 40], denominator=100)
    frame["level"] = "provider"
    nation = table([700], denominator=[1000]).assign(unit="ENG", level="national")
    late = nation.assign(period=pd.Timestamp("2025-01-01"), numerator=0)
    return pd.concat([frame, nation, late], ignore_index=True)


def test_a_national_figure_is_that_of_the_nation_not_the_sum_of_trusts():
    found = sb.funnels(mixed(), level="provider", target="national", last="2024-12-31")
    assert found.units["target"].tolist() == [0.7] * 3
    assert found.method["target"] == "national"
    assert only(sb.funnels(mixed(), level="provider").summary)["target"] == pytest.approx(205 / 300)


def test_a_national_figure_is_of_the_periods_of_the_units():
    whole = sb.funnels(mixed(), level="provider", target="national")
    assert only(whole.summary)["target"] == pytest.approx(0.7)  # 2025 is the nation's alone
    hidden = mixed().astype({"numerator": "Int64"})
    early = (
        hidden[hidden["level"] == "national"]
        .head(1)
        .assign(
            period=pd.Timestamp("2023-12-01"), numerator=pd.NA, denominator=500, status="suppressed"
        )
    )
    both = pd.concat([hidden, early, table([9] * 3, denominator=10).assign(
        level="provider", period=pd.Timestamp("2023-12-01"))])  # fmt: skip
    found = sb.funnels(both, level="provider", target="national")
    assert only(found.summary)["target"] == pytest.approx(0.7)


def test_a_national_ratio_stands_on_what_was_expected():
    frame = pd.concat(
        [
            table([12, 8], expected=[10.0, 10.0]).assign(level="provider"),
            table([90], expected=[100.0], denominator=[999]).assign(unit="ENG", level="national"),
        ]
    )
    found = sb.funnels(frame, data_type="ratio", level="provider", target="national")
    assert only(found.summary)["target"] == pytest.approx(0.9)


def test_two_nations_are_not_added_up():
    frame = pd.concat([mixed(), mixed()[3:4].assign(unit="UK")])
    with pytest.raises(InputError, match=r"several units of the level 'national' \(ENG, UK\)"):
        sb.funnels(frame, level="provider", target="national")


def test_a_nation_that_is_not_there_is_told():
    with pytest.raises(InputError, match="has no rows of the level 'national'"):
        sb.funnels(wild(), target="national")
    frame = mixed()
    frame.loc[frame["level"] == "national", ["numerator", "denominator"]] = np.nan
    with pytest.raises(InputError, match="has no national figure of 'm' in the periods of the"):
        sb.funnels(frame, level="provider", target="national")


def test_the_standard_of_a_measure_is_asked_for_by_name():
    pytest.importorskip("spcbench_pop")
    frame = wild().assign(measure="pop@2023:ocm")
    name = sb.funnels(frame).display["pop@2023:ocm"]
    if name.target is None:
        pytest.skip("the measure has no standard of its own")
    assert only(sb.funnels(frame, target="standard").summary)["target"] == name.target


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, 1.1])
def test_a_target_out_of_range_is_refused(value):
    with pytest.raises(OptionError, match="target"):
        sb.funnels(wild(), target=value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, 0.0])
@pytest.mark.parametrize("kind", ["change", "two_counts"])
def test_a_target_of_a_ratio_lies_above_0(kind, value):
    more = {"before": ("2023-01", "2023-12")} if kind == "change" else {}
    frame = pd.concat([wild(), wild(seed=5).assign(period=pd.Timestamp("2023-01-01"))])
    with pytest.raises(OptionError, match="target must be"):
        sb.funnels(frame, data_type=kind, target=value, **more)


# --- overdispersion ------------------------------------------------------------------------------


def test_consistent_phi_is_divided_by_what_winsorising_takes():
    plain, fair = (sb.funnels(wild(), consistent=one) for one in (False, True))
    ratio = only(plain.summary)["phi_winsorised"] / only(fair.summary)["phi_winsorised"]
    c = stats.norm.isf(0.1)  # a tenth at each end drawn in to c
    inside = integrate(lambda z: z * z * stats.norm.pdf(z), -c, c)
    assert ratio == pytest.approx(inside + 2 * 0.1 * c * c, rel=1e-9)
    pd.testing.assert_series_equal(plain.summary["phi"], fair.summary["phi"])


def integrate(function, low, high):
    from scipy.integrate import quad

    return quad(function, low, high)[0]


def test_consistent_tau2_is_larger_and_flags_fewer():
    plain, fair = (
        sb.funnels(wild(), consistent=one, overdispersion="additive") for one in (False, True)
    )
    assert only(fair.summary)["tau2"] > 1.5 * only(plain.summary)["tau2"]
    assert only(fair.summary)["outside_95"] < only(plain.summary)["outside_95"]


def test_tau2_is_that_of_corrected_scores():
    frame = wild()
    units = sb.funnels(frame).units
    z = units["z"].to_numpy()
    drawn_in = np.clip(z, *np.quantile(z, [0.1, 0.9])) / math.sqrt(0.6788)
    weight = units["size"] / (units["target"] * (1 - units["target"]))
    excess = (drawn_in**2).sum() - 59
    tau2 = excess / (weight.sum() - (weight**2).sum() / weight.sum())
    found = sb.funnels(frame, overdispersion="additive")
    assert only(found.summary)["tau2"] == pytest.approx(tau2, rel=1e-3)


def test_units_that_vary_less_than_chance_have_the_limits_of_chance():
    frame = table([40, 41, 39, 40] * 10, denominator=100)
    plain, wide = (sb.funnels(frame, overdispersion=how) for how in ("none", "multiplicative"))
    assert only(plain.summary)["phi_winsorised"] < 0.1
    pd.testing.assert_series_equal(wide.units["upper_95"], plain.units["upper_95"])


def test_missing_a_standard_is_no_variation_between_units():
    frame = table([500, 505, 495] * 10, denominator=1000)
    for how in ("none", "additive", "multiplicative"):
        found = sb.funnels(frame, target=0.85, overdispersion=how, better="higher")
        assert only(found.summary)["phi"] < 1
        assert (found.units["position"] == "below_998").all(), how
        assert "overdispersed" not in found.advice["code"].tolist()
    alone = sb.funnels(table([10], denominator=[100]), target=0.5, overdispersion="additive")
    assert alone.units["position"].tolist() == ["below_998"]


def test_whether_to_adjust_is_tested():
    found = sb.funnels(wild())
    assert only(found.summary)["phi_threshold"] == pytest.approx(1 + 2 * math.sqrt(2 / 60))
    assert "overdispersed" in found.advice["code"].tolist()
    draw = np.random.default_rng(2)
    tame = table(draw.binomial(300, 0.4, 60), denominator=300)
    found = sb.funnels(tame)
    assert only(found.summary)["phi"] < only(found.summary)["phi_threshold"]
    assert "overdispersed" not in found.advice["code"].tolist()


def test_adjusted_proportions_of_funnelplotr_through_the_public_door():
    # FunnelPlotR 0.6.0, data_type = "PR", draw_adjusted = TRUE: arcsine, winsorised, DL.
    if not (GOLDEN / "funnelplotr_units.csv").exists():
        pytest.skip("the golden values of FunnelPlotR are not here")
    units = pd.read_csv(GOLDEN / "funnelplotr_units.csv", dtype={"group": str})
    rows = units[units["case_id"] == "aea_breach_PR"].sort_values("group", ignore_index=True)
    frame = table(rows["numerator"].astype(int), denominator=rows["denominator"].astype(int))
    frame["unit"] = rows["group"]
    found = sb.funnels(frame, limits="arcsine", overdispersion="additive", consistent=False)
    # The largest unit's lower limit is the edge that they do not repair: 0.00037 for 0.
    inner = rows["group"].ne("R1H").to_numpy()
    for ours, theirs in (
        ("lower_95", "OD95LCL"),
        ("upper_95", "OD95UCL"),
        ("lower_998", "OD99LCL"),
        ("upper_998", "OD99UCL"),
    ):
        np.testing.assert_allclose(
            found.units[ours][inner], rows[theirs][inner], rtol=1e-6, atol=1e-12, err_msg=ours
        )


# --- what a unit could have shown ----------------------------------------------------------------


def test_small_units_of_which_nothing_can_be_said_are_named():
    frame = table([2, 3, 190, 186, 188], denominator=[2, 3, 200, 200, 200])
    found = sb.funnels(frame, target=0.5)
    # 2 of 2 and 3 of 3 have tails 1/4 and 1/8; 0 of them as much: none below 2.5 %.
    note = found.estimates["note"].tolist()
    assert note[:2] == ["too few cases to say anything: no value would lie outside the limits"] * 2
    assert note[2:] == [""] * 3
    told = found.advice[found.advice["code"] == "too_small"]
    assert json.loads(only(told)["evidence"])["units"] == ["U000", "U001"]
    assert "2 units are too small to say anything of" in only(told)["message"]


def test_a_unit_near_100_per_cent_may_be_shown_low_but_not_high():
    frame = table([40, 380, 390], denominator=[40, 400, 400])
    found = sb.funnels(frame, target=0.95)
    first = found.estimates.iloc[0]
    assert first["note"] == "too few cases to lie above the limits, whatever its value"
    assert np.isnan(first["detectable_above"])
    # The largest share that would lie below its limit four times in five.
    line = found.units["lower_95"][0]
    most = math.ceil(line * 40) - 1
    share = optimize.brentq(lambda p: stats.binom.cdf(most, 40, p) - 0.8, 0.01, 0.99)
    assert first["detectable_below"] == pytest.approx(share, rel=1e-9)
    assert "too_small" not in found.advice["code"].tolist()


def test_intervals_leave_the_target_out_exactly_when_the_unit_is_outside():
    found = sb.funnels(wild(80, spread=0.03), target=0.4)
    for name in ("95", "998"):
        low, high = (found.estimates[f"interval_{side}_{name}"] for side in ("lower", "upper"))
        outside = (found.units["value"] < found.units[f"lower_{name}"]) | (
            found.units["value"] > found.units[f"upper_{name}"]
        )
        assert ((low > 0.4) | (high < 0.4)).tolist() == outside.tolist()
        assert outside.any()
        assert not outside.all()
    first = found.units.iloc[0]
    events, size = first["numerator"], first["denominator"]
    assert found.estimates["interval_lower_95"][0] == pytest.approx(
        stats.beta.ppf(0.025, events, size - events + 1), rel=1e-9
    )


def test_shrunken_values_lie_between_their_own_and_the_target():
    found = sb.funnels(wild())
    own, goal, shrunk = (
        found.estimates["value"],
        found.units["target"],
        found.estimates["shrunken"],
    )
    assert ((shrunk - goal) * (own - goal) >= 0).all()
    assert ((shrunk - goal).abs() <= (own - goal).abs()).all()
    # The larger the unit, the more of its own value it keeps.
    by_size = found.units["size"].argsort()
    assert found.estimates["kept"].iloc[by_size].is_monotonic_increasing
    assert (found.estimates["shrunken_lower_998"] < found.estimates["shrunken_lower_95"]).all()


def test_shrinkage_is_that_of_the_beta_with_all_of_the_variance():
    frame = wild()
    found = sb.funnels(frame)
    # DerSimonian-Laird of all scores, none drawn in.
    size, value = found.units["size"], found.units["value"]
    goal = value @ size / size.sum()
    weight = size / (goal * (1 - goal))
    q = (weight * (value - goal) ** 2).sum()
    tau2 = (q - 59) / (weight.sum() - (weight**2).sum() / weight.sum())
    prior = goal * (1 - goal) / tau2 - 1
    expected = (found.units["numerator"] + prior * goal) / (size + prior)
    np.testing.assert_allclose(found.estimates["shrunken"], expected, rtol=1e-9)


def test_estimates_of_rates_and_ratios_are_those_of_the_gamma():
    draw = np.random.default_rng(6)
    size = draw.uniform(5, 80, 40)
    frame = table(draw.poisson(size * draw.gamma(20, 1 / 20, 40)), expected=size)
    found = sb.funnels(frame, data_type="ratio")
    events = found.units["numerator"].astype(float)
    np.testing.assert_allclose(
        found.estimates["interval_upper_95"], stats.gamma.ppf(0.975, events + 1) / size, rtol=1e-9
    )
    assert found.estimates["detectable_above"].gt(found.units["upper_95"]).all()
    share = special.gammaincc(
        np.floor(found.units["upper_95"] * size) + 1, found.estimates["detectable_above"] * size
    )
    np.testing.assert_allclose(1 - share, 0.8, rtol=1e-9)
    assert found.estimates.dtypes.to_dict() == tables.ESTIMATES.empty().dtypes.to_dict()


def test_ratios_of_common_events_say_that_poisson_limits_are_too_wide():
    frame = table([70, 75, 66], expected=[70.0, 70.0, 70.0])
    assert "common_outcome" not in sb.funnels(frame, data_type="ratio").advice["code"].tolist()
    told = sb.funnels(frame.assign(variance=21.0), data_type="ratio").advice
    found = only(told[told["code"] == "common_outcome"])
    assert json.loads(found["evidence"])["variance_over_expected"] == 0.3
    assert "vary 0.3 times as much as the Poisson limits allow for" in found["message"]
    rare = sb.funnels(frame.assign(variance=65.0), data_type="ratio").advice
    assert "common_outcome" not in rare["code"].tolist()


def test_shrunken_rates_are_those_of_the_gamma():
    draw = np.random.default_rng(9)
    size = draw.integers(200, 2000, 50)
    frame = table(draw.poisson(size * 0.02 * draw.gamma(8, 1 / 8, 50)), denominator=size)
    found = sb.funnels(frame, data_type="rate", tau2_method="pm")
    goal, kept = found.units["target"], found.estimates["kept"]
    # Gamma(k) of mean goal: k events beforehand in k/goal of exposure.
    shape = goal * size * (1 - kept) / kept
    assert shape.std() < 1e-6 * shape.mean()
    assert 4 < shape[0] < 16
    np.testing.assert_allclose(
        found.estimates["shrunken"],
        (shape + found.units["numerator"]) / (shape / goal + size),
        rtol=1e-9,
    )


def test_cases_that_go_together_widen_limits_and_intervals():
    frame = wild(40, spread=0.0)
    apart = frame["numerator"] * (1 - frame["numerator"] / frame["denominator"])
    plain = sb.funnels(frame, limits="normal")
    twice = sb.funnels(frame.assign(variance=2.0 * apart))
    half = plain.units["upper_95"] - plain.units["target"]
    np.testing.assert_allclose(
        twice.units["upper_95"] - twice.units["target"], half * math.sqrt(2), rtol=1e-9
    )
    told = only(twice.advice[twice.advice["code"] == "clustered"])
    assert json.loads(told["evidence"])["ratio"] == 2.0
    width, wider = (
        (one.estimates["interval_upper_95"] - one.estimates["interval_lower_95"]).mean()
        for one in (plain, twice)
    )
    assert wider / width == pytest.approx(math.sqrt(2), rel=0.03)
    less = sb.funnels(frame.assign(variance=0.5 * apart))
    pd.testing.assert_series_equal(less.units["upper_95"], sb.funnels(frame).units["upper_95"])
    with pytest.raises(OptionError, match="additive limits cannot allow for"):
        sb.funnels(frame.assign(variance=2.0 * apart), overdispersion="additive")


def test_units_without_data_have_no_estimates():
    frame = wild(6).astype({"numerator": "Int64", "denominator": "Int64"})
    frame.loc[2, ["numerator", "denominator"]] = pd.NA
    found = sb.funnels(frame)
    row = found.estimates.iloc[2]
    assert row["status"] == "no_data"
    assert row[["value", "interval_lower_95", "shrunken", "kept", "detectable_below"]].isna().all()
    assert row["note"] == ""


def test_windows_that_overlap_are_not_added_up():
    frame = pd.concat([wild(4), wild(4).assign(period=pd.Timestamp("2024-02-01"))])
    apart = frame.assign(period_end=frame["period"] + pd.offsets.MonthEnd(1))
    assert sb.funnels(apart).units["periods"].tolist() == [2] * 4
    rolling = frame.assign(period_end=frame["period"] + pd.offsets.MonthEnd(3))
    with pytest.raises(InputError, match="of 'U000' reaches into the next one"):
        sb.funnels(rolling)
    assert sb.funnels(rolling, last="2024-01").units["periods"].tolist() == [1] * 4


def test_those_outside_stand_in_the_order_of_the_table():
    found = sb.funnels(wild())
    assert found.outside["unit"].is_monotonic_increasing
    assert len(found.outside) == only(found.summary)["outside_95"]
    assert "within" not in found.outside["position"].tolist()


def test_all_units_equal_are_as_expected():
    found = sb.funnels(table([40] * 20, denominator=100))
    assert (found.units["position"] == "within").all()
    assert (found.units["z"] == 0).all()
    assert only(found.summary)["phi"] == 0
    additive = sb.funnels(table([40] * 20, denominator=100), overdispersion="additive")
    pd.testing.assert_series_equal(additive.units["lower_95"], found.units["lower_95"])
    assert (additive.estimates["shrunken"] == 0.4).all()


def test_a_unit_that_breaks_the_contract_keeps_a_row_when_asked():
    frame = wild(6)
    frame.loc[2, "numerator"] = 10_000
    with pytest.raises(InputError, match="row 3"):
        sb.funnels(frame)
    found = sb.funnels(frame, on_error="row")
    assert found.units["status"].tolist() == ["ok", "ok", "invalid_input", "ok", "ok", "ok"]
    assert only(found.summary)["units"] == 5
    none = sb.funnels(frame.iloc[2:3], on_error="row")
    assert none.units["status"].tolist() == ["invalid_input"]
    assert none.summary["status"].tolist() == ["no_data"]
    good = sb.funnels(frame.drop(index=2))
    pd.testing.assert_frame_equal(
        found.units.drop(index=2).reset_index(drop=True), good.units, check_dtype=True
    )


# --- how it is shown -----------------------------------------------------------------------------


def test_highlights_are_units_names_or_labels():
    frame = wild(6).assign(unit_name=[f"Trust {at}" for at in range(6)], region=list("AABBBB"))
    found = sb.funnels(frame)
    view = found.shown(highlight=["U001", "Trust 2", "region=B"]).view
    assert [(one.name, one.units) for one in view.highlight] == [
        ("Trust 1", ("U001",)),
        ("Trust 2", ("U002",)),
        ("B", ("U002", "U003", "U004", "U005")),
    ]
    view = found.shown(highlight={"My system": ["U001", "U002"]}).view
    assert [(one.name, one.units) for one in view.highlight] == [("My system", ("U001", "U002"))]
    assert found.view.highlight == ()
    pd.testing.assert_frame_equal(found.shown(highlight="U001").units, found.units)


def test_highlights_that_do_not_exist_are_told():
    found = sb.funnels(wild(6).assign(region="A"))
    with pytest.raises(UnknownNameError, match="there is no unit 'U999'"):
        found.shown(highlight="U999")
    with pytest.raises(UnknownNameError, match="there is no region 'B'"):
        found.shown(highlight="region=B")
    with pytest.raises(OptionError, match="'ward' is no column of the counts"):
        found.shown(highlight="ward=B")
    for odd in (5, {"x": 3}, [None]):
        with pytest.raises(OptionError, match="highlight must name units or labels"):
            found.shown(highlight=odd)
    with pytest.raises(OptionError, match="at most 3 highlights can be told apart, not 4"):
        found.shown(highlight=["U000", "U001", "U002", "U003"])
    with pytest.raises(OptionError, match="label must be one of outside, outside_95, outside_998"):
        found.shown(label="best")
    with pytest.raises(OptionError, match="size must be one of page, half, slide, not 'A3'"):
        found.shown(size="A3")
    with pytest.raises(OptionError, match="picture must be one of funnel, caterpillar"):
        found.shown(picture="pie")


TREE = pd.DataFrame(
    {
        "unit": ["ENG", "Y1", "QK", "QW", "A", "B", "C", "D"],
        "parent": [None, "ENG", "Y1", "Y1", "QK", "QK", "QW", "QW"],
        "level": ["national", "region", "system", "system", *["provider"] * 4],
        "name": ["England", "London", "South East", "South West", *[None] * 4],
    }
)


def test_a_trust_stands_beside_its_system_region_and_nation():
    counts = pd.DataFrame(
        {
            "measure": "m",
            "unit": list("ABCD") * 2,
            "period": ["2024-01-01"] * 4 + ["2024-02-01"] * 4,
            "numerator": [7, 8, 30, 9, 7, 8, 31, 9],
            "denominator": [20, 30, 40, 30] * 2,
        }
    )
    rolled = sb.rolled_up(counts, TREE)
    found = sb.funnels(rolled, level="provider", last="2024-01-31")
    beside = found.beside("A")
    assert beside["unit"].tolist() == ["A", "QK", "Y1", "ENG"]
    assert beside["level"].tolist() == ["provider", "system", "region", "national"]
    assert beside["numerator"].tolist() == [7, 15, 54, 54]
    assert beside["value"].tolist() == pytest.approx([0.35, 0.3, 0.45, 0.45])
    assert beside["interval_upper_95"][1] == pytest.approx(stats.beta.ppf(0.975, 16, 35))
    assert beside.dtypes.to_dict() == tables.BESIDE.empty().dtypes.to_dict()
    view = found.shown(beside="A").view
    assert [line[1] for line in view.references] == ["South East", "London", "England"]
    assert view.highlight[0].units == ("A",)
    assert found.shown(highlight="system=QK").view.highlight[0].name == "South East"
    assert sb.funnels(rolled, level="provider", by="system").summary["group"].tolist() == [
        "QK",
        "QW",
    ]


def test_beside_counts_what_is_compared():
    frame = pd.DataFrame(
        {
            "measure": "m",
            "unit": ["A", "B", "ENG"],
            "period": "2024-01-01",
            "numerator": [12, 8, 90],
            "denominator": [4, 16, 30],
            "expected": [10.0, 10.0, 100.0],
            "level": ["provider", "provider", "national"],
        }
    )
    ratio = sb.funnels(frame, data_type="ratio", level="provider").beside("B")
    assert ratio["value"].tolist() == [0.8, 0.9]
    assert ratio["interval_lower_95"][0] == pytest.approx(stats.gamma.ppf(0.025, 8) / 10)
    two = sb.funnels(frame, data_type="two_counts", level="provider").beside("B")
    assert two["value"].tolist() == [0.5, 3.0]
    low = stats.beta.ppf(0.025, 8, 17)
    assert two["interval_lower_95"][0] == pytest.approx(low / (1 - low))


def test_a_trust_stands_beside_where_it_was_in_the_window():
    tree = pd.DataFrame(
        {
            "unit": ["QK", "QW", "A", "A", "B", "C"],
            "parent": [None, None, "QK", "QW", "QK", "QW"],
            "level": ["system", "system", *["provider"] * 4],
            "from": [None, None, None, "2024-02-01", None, None],
            "to": [None, None, "2024-01-31", None, None, None],
        }
    )
    counts = pd.DataFrame(
        {
            "measure": "m",
            "unit": list("ABC") * 2,
            "period": ["2024-01-01"] * 3 + ["2024-02-01"] * 3,
            "numerator": [5, 10, 30] * 2,
            "denominator": [20, 30, 40] * 2,
        }
    )
    rolled = sb.rolled_up(counts, tree)
    early = sb.funnels(rolled, level="provider", last="2024-01-31")
    assert early.beside("A")["unit"].tolist() == ["A", "QK"]
    assert early.beside("A")["numerator"].tolist() == [5, 15]
    assert early.shown(highlight="system=QK").view.highlight[0].units == ("A", "B")
    late = sb.funnels(rolled, level="provider", first="2024-02-01")
    assert late.beside("A")["unit"].tolist() == ["A", "QW"]
    assert late.shown(highlight="system=QK").view.highlight[0].units == ("B",)


def test_a_trust_with_nothing_above_it_is_told():
    found = sb.funnels(wild(6))
    with pytest.raises(InputError, match="has no rows of a system, region or nation that 'U001'"):
        found.beside("U001")
    with pytest.raises(UnknownNameError, match="there is no unit 'U999'"):
        found.beside("U999")


def test_every_table_is_written(tmp_path):
    found = sb.funnels(wild(), preset="2sd-3sd", fdr=0.05)
    sb.write(sb.Report([found, sb.funnels(wild())]), tmp_path / "out.json")
    told = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert len(told["estimates"]) == len(told["units"]) == 120
    assert {"lower_2sd", "lower_95"} <= set(told["units"][0])
    assert told["units"][0]["lower_95"] is None
    sb.write(sb.Report([found]), tmp_path / "out.csv")
    assert (tmp_path / "out.estimates.csv").read_text(encoding="utf-8").count("\n") == 61
