"""Funnels of rates and ratios, of groups, and of units that differ by more than chance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import spcbench as sb
from spcbench.errors import InputError, OptionError

GOLDEN = Path(__file__).parents[2] / "shared" / "golden"
RTOL = 1e-9  # the same closed form


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


def only(frame):
    assert len(frame) == 1
    return frame.iloc[0]


def wild(units=60, seed=4, spread=0.06):
    draw = np.random.default_rng(seed)
    size = draw.integers(80, 600, units)
    share = np.clip(draw.normal(0.4, spread, units), 0.02, 0.98)
    return table(draw.binomial(size, share), denominator=size)


def test_rates_are_judged_by_the_poisson_tail():
    frame = table([3, 9, 30, 12], denominator=[100, 100, 100, 100])
    found = sb.funnels(frame, data_type="rate", target=0.1, better="lower", per=1000)
    low, high = stats.poisson.cdf([3, 9, 30, 12], 10), stats.poisson.sf([2, 8, 29, 11], 10)
    np.testing.assert_allclose(
        found.units["p_value"], np.minimum(1, 2 * np.minimum(low, high)), rtol=1e-12
    )
    assert found.units["position"].tolist() == ["below_95", "within", "above_998", "within"]
    assert found.units["verdict"].iloc[2] == "worse_than_expected"
    assert found.display["m"].per == 1000
    found.plot()


def test_ratios_stand_on_what_was_expected():
    frame = table([12, 8, 40], expected=[10.0, 10.0, 15.0])
    found = sb.funnels(frame, data_type="ratio", target=1.0, better="lower")
    assert found.units["value"].tolist() == pytest.approx([1.2, 0.8, 40 / 15])
    assert found.units["position"].tolist() == ["within", "within", "above_998"]
    assert found.units["expected"].tolist() == [10.0, 10.0, 15.0]
    assert found.units["denominator"].isna().all()
    assert (found.curve["lower_95"] <= found.curve["upper_95"]).all()
    found.plot()


def test_each_group_is_a_funnel_of_its_own():
    frame = pd.concat(
        [wild(30).assign(group="NICU"), wild(20, seed=9).assign(group="LNU")], ignore_index=True
    )
    frame["unit"] = [f"U{at}" for at in range(50)]
    both = sb.funnels(frame, by="group")
    assert both.summary["group"].tolist() == ["LNU", "NICU"]
    assert both.summary["units"].tolist() == [20, 30]
    alone = sb.funnels(frame[frame["group"] == "LNU"])
    mine = both.units[both.units["group"] == "LNU"].reset_index(drop=True)
    for name in ("target", "z", "p_value", "q_value", "lower_95", "upper_998"):
        pd.testing.assert_series_equal(mine[name], alone.units[name])
    assert set(both.curve["group"]) == {"LNU", "NICU"}
    both.plot()


def test_a_unit_belongs_to_one_group():
    frame = pd.concat([wild(5).assign(group="A"), wild(5).assign(group="B")])
    frame["period"] = [pd.Timestamp("2024-01-01")] * 5 + [pd.Timestamp("2024-02-01")] * 5
    with pytest.raises(InputError, match="unit 'U000' has more than one group in measure 'm'"):
        sb.funnels(frame, by="group")
    for first, last, where in (("2024-02", None, "B"), (None, "2024-01", "A")):
        found = sb.funnels(frame, by="group", first=first, last=last)
        assert found.summary["group"].tolist() == [where]
    with pytest.raises(OptionError, match="by 'ward' is no column of the counts"):
        sb.funnels(frame, by="ward")


def test_additive_limits_are_wider_and_flag_fewer():
    frame = wild()
    plain, wide = sb.funnels(frame), sb.funnels(frame, overdispersion="additive")
    assert only(plain.summary)["phi"] > 2
    assert only(wide.summary)["tau2"] > 0
    assert only(wide.summary)["limit_method"] == "beta_binomial"
    assert (wide.units["upper_998"] >= plain.units["upper_998"]).all()
    assert (wide.units["lower_998"] <= plain.units["lower_998"]).all()
    assert only(wide.summary)["outside_998"] < only(plain.summary)["outside_998"]
    assert (wide.units["z_adjusted"].abs() <= wide.units["z"].abs()).all()
    outside = wide.units["position"] != "within"
    assert ((wide.units["p_value"] < 0.05) == outside).all()
    assert "The limits are widened for it." in only(wide.advice)["message"]
    wide.plot()


def test_multiplicative_limits_widen_all_alike():
    frame = wild()
    wide = sb.funnels(frame, overdispersion="multiplicative", limits="normal")
    plain = sb.funnels(frame, limits="normal")
    factor = np.sqrt(only(plain.summary)["phi_winsorised"])
    half = plain.units["upper_95"] - plain.units["target"]
    np.testing.assert_allclose(
        wide.units["upper_95"] - wide.units["target"], half * factor, rtol=RTOL
    )
    np.testing.assert_allclose(wide.units["z_adjusted"], plain.units["z"] / factor, rtol=RTOL)


def test_chance_alone_widens_nothing():
    draw = np.random.default_rng(1)
    size = draw.integers(80, 600, 60)
    frame = table(draw.binomial(size, 0.4), denominator=size)
    plain, wide = sb.funnels(frame), sb.funnels(frame, overdispersion="additive")
    if only(wide.summary)["tau2"] == 0:
        pd.testing.assert_series_equal(plain.units["upper_95"], wide.units["upper_95"])
    assert only(wide.summary)["tau2"] < 0.0005


@pytest.mark.parametrize("method", ["dl", "pm", "reml"])
def test_every_estimator_of_tau2_can_be_asked_for(method):
    found = sb.funnels(wild(), overdispersion="additive", tau2_method=method, winsorise=0.0)
    assert 0.05**2 < only(found.summary)["tau2"] < 0.08**2  # the truth is 0.06 squared
    assert found.method["tau2_method"] == method


def test_published_limits_through_the_public_door():
    # FunnelPlotR 0.6.0, funnel_plot(..., data_type = "PR"), draw_adjusted FALSE or TRUE.
    if not (GOLDEN / "funnelplotr_units.csv").exists():
        pytest.skip("the golden values of FunnelPlotR are not here")
    units = pd.read_csv(GOLDEN / "funnelplotr_units.csv", dtype={"group": str})
    rows = units[units["case_id"] == "aea_breach_PR"].sort_values("group", ignore_index=True)
    frame = table(rows["numerator"].astype(int), denominator=rows["denominator"].astype(int))
    frame["unit"] = rows["group"]
    found = sb.funnels(frame, limits="arcsine")
    for ours, theirs in (
        ("lower_95", "LCL95"),
        ("upper_95", "UCL95"),
        ("lower_998", "LCL99"),
        ("upper_998", "UCL99"),
    ):
        # Theirs multiplies by 1.959964 and 3.090232.
        np.testing.assert_allclose(found.units[ours], rows[theirs], rtol=1e-7, err_msg=ours)


def test_many_funnels_at_once_equal_each_alone():
    frames = [wild(12, seed=seed).assign(measure=f"m{seed}") for seed in range(6)]
    together = sb.funnels(pd.concat(frames), overdispersion="additive")
    for seed, frame in enumerate(frames):
        alone = sb.funnels(frame, overdispersion="additive")
        mine = together.units[together.units["measure"] == f"m{seed}"].reset_index(drop=True)
        pd.testing.assert_frame_equal(mine, alone.units)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"data_type": "means"}, "data_type must be one of proportion, rate, ratio"),
        ({"overdispersion": "yes"}, "overdispersion must be one of none, additive, multip"),
        ({"tau2_method": "ml"}, "tau2_method must be one of dl, pm, reml"),
        ({"winsorise": 0.5}, "winsorise must be a share from 0 to below 0.5, not 0.5"),
        ({"limits": "chi2"}, "limits must be one of exact, mid_p, jeffreys"),
        ({"data_type": "rate", "target": 0.0}, "target must be above 0 for a rate, not 0"),
        ({"target": 85}, "target 85 is not a proportion"),
    ],
)
def test_wrong_options_are_told(options, words):
    with pytest.raises(OptionError, match=words):
        sb.funnels(wild(), **options)


def test_a_ratio_needs_what_is_expected():
    with pytest.raises(InputError, match="no column 'expected'"):
        sb.funnels(wild(), data_type="ratio")


@pytest.mark.parametrize("expected", [-1.0, 0.0])
def test_what_cannot_be_expected_is_refused(expected):
    frame = table([12, 8, 40], expected=[10.0, expected, 15.0])
    with pytest.raises(InputError, match=r"row 2, column 'expected': -?[01] cannot be expected"):
        sb.funnels(frame, data_type="ratio")
    with pytest.raises(InputError, match="a number expected is above 0"):
        sb.control_charts(frame.assign(unit=["A", "B", "C"]), chart="vlad")


def test_one_unit_in_a_group_has_no_peers():
    frame = wild(6).assign(group=["A"] * 5 + ["B"])
    found = sb.funnels(frame, by="group")
    assert found.summary["status"].tolist() == ["ok", "insufficient_data"]
    lone = only(found.units[found.units["group"] == "B"])
    assert pd.isna(lone["position"])
    assert np.isnan(lone["upper_95"])
