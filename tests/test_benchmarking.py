"""Counts to funnels: sums, targets, limits, positions and verdicts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import spcbench as sb
from spcbench import tables
from spcbench.errors import InputError, OptionError, UnknownNameError


def counts(numerator, denominator, *, measure="milk", period="2024-01-01"):
    return pd.DataFrame(
        {
            "measure": measure,
            "unit": [f"U{at:03d}" for at in range(len(numerator))],
            "period": period,
            "numerator": numerator,
            "denominator": denominator,
        }
    )


def test_the_pooled_target_and_scores_by_hand():
    found = sb.funnels(counts([80, 60, 70], [100, 100, 200]), limits="normal")
    target = 210 / 400
    units = found.units
    assert units["target"].tolist() == [target] * 3
    np.testing.assert_allclose(units["expected"], [52.5, 52.5, 105.0])
    se = np.sqrt(target * (1 - target) / np.array([100, 100, 200]))
    np.testing.assert_allclose(units["z"], (np.array([0.8, 0.6, 0.35]) - target) / se)
    np.testing.assert_allclose(units["upper_95"], target + 1.959963984540054 * se)
    np.testing.assert_allclose(units["lower_998"], target - 3.090232306167813 * se)


def test_p_values_are_exact_and_two_sided():
    found = sb.funnels(counts([3, 12, 20], [20, 20, 20]), target=0.5)
    expected = [
        min(1, 2 * min(stats.binom.cdf(r, 20, 0.5), stats.binom.sf(r - 1, 20, 0.5)))
        for r in (3, 12, 20)
    ]
    np.testing.assert_allclose(found.units["p_value"], expected, rtol=1e-10)
    ordered = np.sort(expected)
    q_value = np.minimum.accumulate((3 * ordered / np.arange(1, 4))[::-1])[::-1]
    np.testing.assert_allclose(np.sort(found.units["q_value"]), q_value, rtol=1e-10)


@pytest.mark.parametrize(
    ("better", "high", "low"),
    [
        ("higher", "better_than_expected", "worse_than_expected"),
        ("lower", "worse_than_expected", "better_than_expected"),
        ("neither", "differs", "differs"),
        (None, "differs", "differs"),
    ],
)
def test_verdicts_follow_the_direction_of_good(better, high, low):
    found = sb.funnels(counts([95, 50, 5], 100), target=0.5, better=better)
    assert found.units["position"].tolist() == ["above_998", "within", "below_998"]
    assert found.units["verdict"].tolist() == [high, "as_expected", low]


def test_periods_are_added_up_within_the_window():
    frame = pd.concat(
        [counts([1, 2], 10, period=f"2024-0{month}-01") for month in range(1, 6)],
        ignore_index=True,
    )
    frame.loc[0, ["numerator", "denominator"]] = np.nan  # U000 has no data in January
    found = sb.funnels(frame, first="2024-01", last="2024-03")
    assert found.units["periods"].tolist() == [2, 3]
    assert found.units["numerator"].tolist() == [2, 6]
    assert found.units["denominator"].tolist() == [20, 30]
    assert found.method["last"] == "2024-03-01"
    with pytest.raises(OptionError, match="no period lies between first and last; the counts run"):
        sb.funnels(frame, first="2025-01-01")


def test_a_unit_without_data_keeps_its_row():
    frame = counts([5, 6, None], [10, 10, 10])
    found = sb.funnels(frame)
    row = found.units.iloc[2]
    assert row["status"] == "no_data"
    assert pd.isna(row["numerator"])
    assert pd.isna(row["position"])
    assert pd.isna(row["verdict"])
    assert np.isnan(row["z"])
    assert found.summary["units"].tolist() == [2]
    assert found.units["target"].iloc[0] == pytest.approx(0.55)


def test_a_suppressed_unit_says_so():
    frame = counts([5, 6, 7], 10).assign(status=["ok", "ok", "suppressed"])
    found = sb.funnels(frame)
    assert found.units["status"].tolist() == ["ok", "ok", "suppressed"]


def test_one_unit_alone_has_no_peers_unless_a_target_is_given():
    alone = sb.funnels(counts([5], 10))
    assert alone.summary["status"].tolist() == ["insufficient_data"]
    assert alone.summary["reason"].iloc[0].startswith("one unit alone has no peers")
    assert alone.curve.empty
    assert alone.units["upper_95"].isna().all()
    assert sb.funnels(counts([5], 10), target=0.5).summary["status"].tolist() == ["ok"]


def test_several_measures_are_one_funnel_each_and_equal_each_alone():
    parts = [counts([5, 6, None], 10, measure="a"), counts([50, 90, 10], 100, measure="b")]
    together = sb.funnels(pd.concat(parts, ignore_index=True))
    for part in parts:
        alone = sb.funnels(part)
        for name in ("units", "curve", "summary"):
            mine = getattr(together, name)
            mine = mine[mine["measure"] == part["measure"].iloc[0]].reset_index(drop=True)
            pd.testing.assert_frame_equal(mine, getattr(alone, name))


def test_all_units_equal_are_all_as_expected():
    found = sb.funnels(counts([5] * 10, 10))
    assert set(found.units["position"]) == {"within"}
    everyone = sb.funnels(counts([10] * 10, 10))
    assert set(everyone.units["position"]) == {"within"}
    assert everyone.units["z"].tolist() == [0.0] * 10


def test_tables_keep_their_contract_with_and_without_rows():
    for found in (sb.funnels(counts([5, 6], 10)), sb.funnels(counts([], []))):
        for frame, contract in (
            (found.units, tables.UNITS),
            (found.curve, tables.CURVE),
            (found.summary, tables.FUNNEL_SUMMARY),
            (found.advice, tables.ADVICE),
        ):
            assert list(frame.columns) == contract.names
            assert [str(kind) for kind in frame.dtypes] == [
                str(kind) for kind in contract.empty().dtypes
            ]


def test_expected_false_positives_and_outside_are_counted():
    found = sb.funnels(counts([95, *[50] * 39], 100), target=0.5)
    row = found.summary.iloc[0]
    assert row["expected_false_positives"] == pytest.approx(2.0)
    assert (row["outside_95"], row["outside_998"]) == (1, 1)


def test_overdispersion_is_shown_and_advised():
    draw = np.random.default_rng(1)
    wide = draw.binomial(1000, np.clip(draw.normal(0.5, 0.05, 60), 0, 1))
    found = sb.funnels(counts(wide, 1000))
    assert found.summary["phi"].iloc[0] > found.summary["phi_winsorised"].iloc[0] > 1
    assert found.advice["code"].tolist() == ["overdispersed"]
    calm = sb.funnels(counts(draw.binomial(1000, 0.5, 60), 1000))
    assert calm.advice.empty


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 400), st.floats(0, 1)), min_size=2, max_size=30),
    st.sampled_from(["exact", "normal"]),
)
def test_every_position_agrees_with_the_drawn_line(pairs, method):
    size = np.array([n for n, _ in pairs])
    events = np.round(size * np.array([share for _, share in pairs])).astype(int)
    units = sb.funnels(counts(events, size), limits=method).units
    value = units["value"].to_numpy()
    words = np.select(
        [
            value > units["upper_998"],
            value < units["lower_998"],
            value > units["upper_95"],
            value < units["lower_95"],
        ],
        ["above_998", "below_998", "above_95", "below_95"],
        "within",
    )
    assert units["position"].astype(str).tolist() == words.tolist()
    if method == "exact":
        outside = units["p_value"] < 0.05
        assert ((units["position"] != "within") == outside).all()


def test_the_curve_meets_the_units():
    found = sb.funnels(counts([30, 40, 5], [50, 60, 10]))
    curve = found.curve
    assert curve["denominator"].iloc[0] == 1
    assert curve["denominator"].iloc[-1] > 60
    assert curve["denominator"].is_monotonic_increasing
    at_50 = curve[curve["denominator"] == 50]
    unit = found.units.iloc[0]
    for line in ("lower_95", "upper_95", "lower_998", "upper_998"):
        assert at_50[line].item() == unit[line]


def test_exact_limits_never_flag_five_of_five_at_95_percent():
    frame = counts([5, 5], [5, 5])
    assert set(sb.funnels(frame, target=0.95).units["position"]) == {"within"}
    parity = sb.funnels(frame, target=0.95, limits="spiegelhalter")
    assert set(parity.units["position"]) == {"above_998"}  # why it is for parity only


def test_bad_options_and_input():
    frame = counts([5, 6], 10)
    with pytest.raises(
        OptionError, match="limits must be one of exact, mid_p, jeffreys, spiegelhalter, normal"
    ):
        sb.funnels(frame, limits="wald")
    with pytest.raises(OptionError, match="data_type must be one of proportion"):
        sb.funnels(frame, data_type="rates")
    with pytest.raises(UnknownNameError, match="there is no measure"):
        sb.funnels(frame, measure="silk")
    with pytest.raises(InputError, match=r"row 1 \(U000, Jan 2024\) has 11 of 10"):
        sb.funnels(counts([11, 2], 10))
    with pytest.raises(InputError, match="are both measure 'milk', unit 'U000'"):
        sb.funnels(pd.concat([frame, frame]))
    with pytest.raises(InputError, match="this is list"):
        sb.funnels([1, 2])


def test_plot_is_a_ggplot():
    from plotnine import ggplot

    assert isinstance(sb.funnels(counts([5, 6, 9], 10)).plot(), ggplot)


def test_a_report_takes_results_only():
    with pytest.raises(OptionError, match="it was given str"):
        sb.Report(["units"])


def test_a_missing_numerator_is_no_data_even_beside_a_value():
    frame = counts([None, 50], 100).assign(value=0.5)
    found = sb.funnels(frame, target=0.5)
    assert found.units["status"].tolist() == ["no_data", "ok"]


def test_a_unit_outside_the_window_keeps_its_row():
    frame = pd.concat([counts([5, 6, 7], 10), counts([5, 6], 10, period="2024-05-01")])
    found = sb.funnels(frame, first="2024-05")
    assert found.units["status"].tolist() == ["ok", "ok", "no_data"]
    assert found.units["first"].isna().tolist() == [False, False, True]


def test_a_target_of_one_has_no_score_but_a_position():
    found = sb.funnels(counts([9, 10], 10), target=1.0)
    assert found.units["position"].tolist() == ["below_998", "within"]
    assert found.units["z"].isna().tolist() == [True, False]
