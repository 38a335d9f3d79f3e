"""Counts to control charts: tables, verdicts, phases, icons and advice."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spcbench as sb
from spcbench import tables
from spcbench.errors import (
    AmbiguousNameError,
    InputError,
    OptionError,
    UnknownNameError,
)


def counts(numerator, denominator=50, *, unit="RJ1", measure="milk", start="2023-01-01"):
    return pd.DataFrame(
        {
            "measure": measure,
            "unit": unit,
            "period": pd.date_range(start, periods=len(numerator), freq="MS"),
            "numerator": numerator,
            "denominator": denominator,
        }
    )


STEADY = [40, 38, 41, 39, 42, 38, 40, 41, 39, 40, 38, 42, 40, 39]


def rebase(date, **more):
    return sb.note("rebase", date=date, reason="New pathway", author="A Smith", **more)


def only(frame):
    assert len(frame) == 1
    return frame.iloc[0]


def test_centre_and_limits_by_hand():
    charts = sb.control_charts(counts([10, 20, 30], [50, 50, 100]), limits="normal")
    centre = 60 / 200
    sigma = np.sqrt(centre * (1 - centre) / np.array([50, 50, 100]))
    np.testing.assert_allclose(charts.points["centre"], centre, rtol=1e-15)
    np.testing.assert_allclose(charts.points["sigma"], sigma, rtol=1e-15)
    np.testing.assert_allclose(charts.points["ucl"], centre + 3 * sigma, rtol=1e-15)
    np.testing.assert_allclose(charts.points["lower_warning"], centre - 2 * sigma, rtol=1e-14)


def test_tables_keep_their_contract_with_and_without_rows():
    full = sb.control_charts(counts(STEADY), better="higher")
    empty = sb.control_charts(counts([]), better="higher")
    for charts in (full, empty):
        for name in ("points", "signals", "summary", "advice"):
            contract = getattr(tables, name.upper())
            frame = getattr(charts, name)
            assert list(frame.columns) == contract.names
            assert [str(kind) for kind in frame.dtypes] == [
                str(kind) for kind in contract.empty().dtypes
            ]
    assert len(empty.points) == 0


@pytest.mark.parametrize(
    ("better", "verdict", "variation"),
    [
        ("higher", "concern", "concern_low"),
        ("lower", "improvement", "improvement_low"),
        ("neither", "neither", "neither_low"),
        (None, "neither", "neither_low"),
    ],
)
def test_a_low_last_point_is_judged_by_the_direction_of_good(better, verdict, variation):
    charts = sb.control_charts(counts([*STEADY, 10]), better=better)
    assert charts.points["verdict"].iloc[-1] == verdict
    assert charts.points["rules"].iloc[-1] == "3s"
    assert only(charts.summary)["variation"] == variation
    signal = charts.signals.iloc[-1]
    assert (signal["rule"], signal["side"], signal["verdict"]) == ("3s", "below", verdict)
    assert signal["latest"]


def test_the_icon_is_that_of_the_latest_point_only():
    charts = sb.control_charts(counts([20, *[34, 46] * 7]), chart="p", better="higher")
    assert charts.points["rules"].iloc[0] == "3s"
    assert only(charts.summary)["variation"] == "common_cause"


def test_twelve_points_have_no_icon_and_thirteen_have():
    twelve, thirteen = ([*STEADY[: size - 1], 5] for size in (12, 13))
    assert only(sb.control_charts(counts(twelve)).summary)["variation"] == "not_enough_data"
    assert only(sb.control_charts(counts(thirteen)).summary)["variation"] == "neither_low"


def test_a_trend_is_judged_by_its_direction_and_signals_both_turns():
    rise = [20, 22, 24, 26, 28, 30, 32]
    charts = sb.control_charts(counts([*rise, *rise[-2::-1]], 40), better="higher", limits="normal")
    trends = charts.signals[charts.signals["rule"] == "trend7"]
    assert trends["side"].tolist() == ["rising", "falling"]
    assert trends["verdict"].tolist() == ["improvement", "concern"]
    assert trends["points"].tolist() == [7, 7]
    assert trends["last"].iloc[0] == trends["first"].iloc[1]


def test_a_run_and_its_extension_are_one_signal():
    charts = sb.control_charts(counts([20] * 8 + [30] * 9, 50), better="higher")
    runs = charts.signals[charts.signals["rule"] == "run7"]
    assert runs["points"].tolist() == [8, 9]
    assert runs["side"].tolist() == ["below", "above"]


def test_two_of_three_split_by_its_third_point_is_one_signal():
    # p̄ is near 0.5 and n = 400, so 2 sigma is 20 cases.
    values = [200] * 9 + [224, 202, 224] + [196] * 8
    charts = sb.control_charts(counts(values, 400), better="higher")
    found = charts.signals[charts.signals["rule"] == "2of3"]
    assert found["points"].tolist() == [2]
    assert (found["last"].iloc[0] - found["first"].iloc[0]).days > 50


def test_a_missing_month_breaks_a_run_and_is_advised():
    whole = counts([20] * 8 + [40] * 8, 50)
    gapped = whole.drop(index=[11])  # 3 and 4 points of the high run on either side
    assert "run7" in set(sb.control_charts(whole).signals["rule"])
    charts = sb.control_charts(gapped)
    high = charts.signals[(charts.signals["side"] == "above") & (charts.signals["rule"] == "run7")]
    assert high.empty
    advice = charts.advice[charts.advice["code"] == "gap"]
    assert json.loads(only(advice)["evidence"]) == {"frequency": "month", "gaps": 1}


def test_no_data_keeps_its_row_and_leaves_the_centre():
    frame = counts([10, 0, 20], [50, 0, 50])
    charts = sb.control_charts(frame)
    assert charts.points["status"].tolist() == ["ok", "no_data", "ok"]
    assert np.isnan(charts.points["value"].iloc[1])
    assert charts.points["centre"].iloc[0] == pytest.approx(0.3)


def test_one_and_two_points_have_no_limits():
    for size in (1, 2):
        charts = sb.control_charts(counts(STEADY[:size]))
        assert charts.points["ucl"].isna().all()
        assert only(charts.summary)["status"] == "insufficient_data"
        assert not charts.points["special_cause"].any()


def test_all_met_draws_one_line_and_says_so():
    charts = sb.control_charts(counts([50] * 24), better="higher", target=1.0)
    row = only(charts.summary)
    assert (row["centre"], row["lcl"], row["ucl"]) == (1.0, 1.0, 1.0)
    assert charts.signals.empty
    assert row["reason"].startswith("every case was met: the centre and both limits are 100%")


@pytest.mark.parametrize(
    ("met", "better", "target", "word"),
    [
        (50, "higher", 1.0, "none"),
        (50, "higher", 0.8, "passes"),
        (50, "neither", 1.0, "none"),
        (50, "lower", 1.0, "none"),
        (50, "lower", 0.5, "fails"),
        (0, "lower", 0.0, "none"),
        (0, "lower", 0.1, "passes"),
    ],
)
def test_limits_that_fell_together_on_the_target_assure_of_nothing(met, better, target, word):
    row = only(sb.control_charts(counts([met] * 24), better=better, target=target).summary)
    assert row["assurance"] == word
    fell = word == "none" and better != "neither"
    assert ("no assurance icon" in row["reason"]) == fell


def test_near_the_ceiling_only_the_dip_is_outside_the_limits():
    charts = sb.control_charts(counts([50] * 23 + [40]), better="higher")
    outside = charts.points["rules"].str.contains("3s")
    assert outside.tolist() == [False] * 23 + [True]
    assert set(charts.points["limit_method"]) == {"exact"}


@pytest.mark.parametrize(
    ("better", "target", "word"),
    [
        ("higher", 0.99, "fails"),
        ("higher", 0.2, "passes"),
        ("higher", 0.8, "hit_or_miss"),
        ("lower", 0.99, "passes"),
        ("lower", 0.2, "fails"),
        ("neither", 0.2, "none"),
        ("higher", None, "none"),
    ],
)
def test_assurance_is_the_target_against_the_limits(better, target, word):
    charts = sb.control_charts(counts(STEADY), better=better, target=target)
    assert only(charts.summary)["assurance"] == word


def test_a_phase_starts_afresh():
    frame = counts([20] * 14 + [40] * 14)
    charts = sb.control_charts(frame, notes=[rebase("2024-03-01")], better="higher")
    assert charts.points["phase"].tolist() == [1] * 14 + [2] * 14
    np.testing.assert_allclose(charts.points["centre"], [0.4] * 14 + [0.8] * 14)
    assert charts.signals.empty
    assert only(charts.summary)["centre"] == pytest.approx(0.8)
    # Two phases of 14 points each have their own chance of a false signal.
    once = only(sb.control_charts(frame.iloc[:14]).summary)["expected_false_signals"]
    assert only(charts.summary)["expected_false_signals"] == pytest.approx(2 * once)


def test_a_note_that_fits_no_period_is_refused():
    with pytest.raises(InputError, match="2024-03-02"):
        sb.control_charts(counts(STEADY), notes=[rebase("2024-03-02")])


def test_until_leaves_out_the_latest_period():
    charts = sb.control_charts(counts([*STEADY, 2]), until="2024-02-01")
    assert len(charts.points) == 14
    assert charts.signals.empty


def test_expected_false_signals_come_from_the_rule_set():
    charts = sb.control_charts(counts(STEADY[:12] * 2))
    assert only(charts.summary)["expected_false_signals"] == pytest.approx(0.154)
    assert charts.method["expected_false_signals"] == pytest.approx(0.154)


def test_advice_names_what_the_analyst_should_know():
    few = sb.control_charts(counts(STEADY[:8]))
    assert only(few.advice[few.advice["code"] == "few_points"])["message"] == (
        "The latest phase has 8 points. Limits from fewer than 12 are trial limits: "
        "expect them to move."
    )
    wild = sb.control_charts(counts([10, 40] * 10))
    assert "overdispersed" in set(wild.advice["code"])
    half = sb.control_charts(counts([*STEADY, 8], [50] * 14 + [10]))
    assert "incomplete_period" in set(half.advice["code"])
    small = sb.control_charts(counts([3, 5, 4] * 5, 5))
    assert "exact_limits" in set(small.advice["code"])


def test_many_series_equal_each_alone():
    draw = np.random.default_rng(5)
    parts = [
        counts(draw.binomial(30, 0.8, size), 30, unit=f"U{size:02d}") for size in (5, 30, 14, 24)
    ]
    together = sb.control_charts(pd.concat(parts, ignore_index=True), better="higher")
    for part in parts:
        alone = sb.control_charts(part, better="higher")
        unit = part["unit"].iloc[0]
        for name in ("points", "signals", "summary"):
            mine = getattr(together, name)
            mine = mine[mine["unit"] == unit].reset_index(drop=True)
            pd.testing.assert_frame_equal(mine, getattr(alone, name))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=3, max_size=40), st.randoms())
def test_the_order_of_the_rows_is_irrelevant(numerators, shuffler):
    frame = counts(numerators, 40)
    rows = list(range(len(frame)))
    shuffler.shuffle(rows)
    one, other = sb.control_charts(frame), sb.control_charts(frame.iloc[rows])
    pd.testing.assert_frame_equal(one.points, other.points)
    pd.testing.assert_frame_equal(one.signals, other.signals)
    assert one.provenance["input_digest"] == other.provenance["input_digest"]
    points = one.points.dropna(subset=["ucl"])
    assert (points["lcl"] <= points["centre"]).all()
    assert (points["centre"] <= points["ucl"]).all()


def test_frame_polars_and_arrow_agree():
    import polars as pl
    import pyarrow as pa

    frame = counts(STEADY)
    expected = sb.control_charts(frame).points
    for other in (pl.from_pandas(frame), pa.Table.from_pandas(frame, preserve_index=False)):
        pd.testing.assert_frame_equal(sb.control_charts(other).points, expected)


def test_numerator_above_denominator_names_the_row():
    with pytest.raises(InputError, match=r"row 2 \(RJ1, Feb 2023\) has 51 of 50 \(2 such rows\)$"):
        sb.control_charts(counts([40, 51, 52]))


def test_names_and_options_that_do_not_exist():
    frame = counts(STEADY)
    with pytest.raises(UnknownNameError, match=r"no rule set 'mdc-2032-11'; did you mean 'mdc-2"):
        sb.control_charts(frame, rules="mdc-2032-11")
    with pytest.raises(UnknownNameError, match=r"there is no measure 'mlik'; did you mean 'milk'"):
        sb.control_charts(frame, measure="mlik")
    with pytest.raises(UnknownNameError, match=r"there is no unit 'RJ2'"):
        sb.control_charts(frame, unit="RJ2")
    with pytest.raises(UnknownNameError, match="no chart"):
        sb.control_charts(frame, chart="pp")
    with pytest.raises(OptionError, match=r"limits must be one of auto, normal, exact"):
        sb.control_charts(frame, limits="wald")
    with pytest.raises(OptionError, match=r"better must be one of higher, lower, neither"):
        sb.control_charts(frame, better="up")
    with pytest.raises(OptionError, match=r"target 85 is not a proportion .*write 85 % as 0.85"):
        sb.control_charts(frame, target=85)
    two = pd.concat([counts(STEADY, measure="a@1:milk"), counts(STEADY, measure="b@1:milk")])
    with pytest.raises(AmbiguousNameError, match="could be a@1:milk or b@1:milk"):
        sb.control_charts(two, measure="milk")


def test_mixed_levels_are_refused_until_one_is_chosen():
    frame = pd.concat(
        [counts(STEADY).assign(level="provider"), counts(STEADY, unit="Y56").assign(level="region")]
    )
    with pytest.raises(InputError, match="mixes the levels provider, region"):
        sb.control_charts(frame)
    charts = sb.control_charts(frame, level="region")
    assert set(charts.points["unit"]) == {"Y56"}
    with pytest.raises(UnknownNameError, match="there is no level 'site'"):
        sb.control_charts(frame, level="site")


def test_suppressed_counts_are_never_zero():
    frame = counts(STEADY).assign(status=["suppressed", *["ok"] * 13])
    charts = sb.control_charts(frame)
    assert charts.points["numerator"].isna().iloc[0]
    assert charts.points["status"].iloc[0] == "suppressed"
    assert charts.points["centre"].iloc[0] == pytest.approx(sum(STEADY[1:]) / (13 * 50))


def test_plot_is_a_ggplot_to_go_on_editing():
    from plotnine import ggplot, labs

    plot = sb.control_charts(counts(STEADY)).plot()
    assert isinstance(plot + labs(title="mine"), ggplot)


def test_the_counts_are_left_as_they_were():
    frame = counts([*STEADY[::-1]]).iloc[::-1]
    before = frame.copy(deep=True)
    sb.control_charts(frame, better="higher")
    pd.testing.assert_frame_equal(frame, before)


def test_a_file_is_named_with_the_line_even_after_sorting(tmp_path):
    path = tmp_path / "counts.csv"
    path.write_text(
        "measure,unit,period,numerator,denominator\n"
        "milk,B,2024-01-01,1,2\nmilk,A,2024-02-01,9,2\nmilk,A,2024-01-01,1,2\n"
    )
    table = sb.read(path)
    message = r"counts.csv, line 3 \(A, Feb 2024\) has 9 of 2$"
    with pytest.raises(InputError, match=message):
        sb.control_charts(table)


def test_two_rises_that_adjoin_are_two_rising_trends_and_no_fall():
    charts = sb.control_charts(counts([*range(10, 17), *range(10, 17)]), better="higher")
    trends = charts.signals[charts.signals["rule"] == "trend7"]
    assert trends["side"].tolist() == ["rising", "rising"]
    assert trends["points"].tolist() == [7, 7]
    assert set(charts.points["verdict"]) == {"improvement"}


def test_a_stated_status_is_honoured():
    frame = counts([*STEADY, 1]).assign(status=[*["ok"] * 14, "no_data"])
    charts = sb.control_charts(frame, better="higher")
    assert np.isnan(charts.points["value"].iloc[-1])
    assert charts.signals.empty
    assert only(charts.summary)["variation"] == "common_cause"


def test_each_measure_has_its_own_frequency():
    monthly = counts(STEADY, measure="m")
    quarterly = counts([20] * 8 + [40] * 8, measure="q")
    quarterly["period"] = pd.date_range("2020-01-01", periods=16, freq="QS")
    charts = sb.control_charts(pd.concat([monthly, quarterly]))
    assert "gap" not in set(charts.advice["code"])
    assert charts.signals.query("measure == 'q'")["rule"].tolist().count("run7") == 2
    assert charts.method["frequency"] == "m: month; q: quarter"


def test_a_firing_ends_where_a_point_is_missing():
    values = [200] * 9 + [224, 224, 0, 224, 224] + [196] * 8
    sizes = [400] * 11 + [0] + [400] * 10
    found = sb.control_charts(counts(values, sizes)).signals
    assert found[found["rule"] == "2of3"].empty
    values = [200] * 9 + [224, 224, 205, 0, 205, 224, 224] + [196] * 8
    sizes = [400] * 12 + [0] + [400] * 11
    found = sb.control_charts(counts(values, sizes)).signals
    assert found[found["rule"] == "2of3"]["points"].tolist() == [2, 2]


def test_a_latest_phase_of_two_points_shows_no_limits():
    charts = sb.control_charts(counts([*STEADY, 40, 41]), notes=[rebase("2024-03-01")])
    row = only(charts.summary)
    assert charts.points["phase"].iloc[-1] == 2
    assert row["status"] == "insufficient_data"
    assert np.isnan([row["centre"], row["lcl"], row["ucl"]]).all()


def test_what_would_leave_nothing_is_refused():
    two = pd.concat([counts(STEADY, measure="m"), counts(STEADY, measure="n", unit="RJ2")])
    with pytest.raises(UnknownNameError, match="there is no unit 'RJ2'"):
        sb.control_charts(two, measure="m", unit="RJ2")
    with pytest.raises(OptionError, match="until '2001-01' leaves no period; the counts begin on"):
        sb.control_charts(two, until="2001-01")
    with pytest.raises(InputError, match="no column 'numerator'"):
        sb.control_charts(
            pd.DataFrame({"measure": "m", "unit": "a", "period": ["2024-01-01"], "value": [0.5]}),
            chart="p",
        )
    with pytest.raises(InputError, match="column 'target': 85 is not a proportion"):
        sb.control_charts(counts(STEADY).assign(target=85.0))
    with pytest.raises(InputError, match=r"mixes the levels \(none stated\), provider"):
        sb.control_charts(
            pd.concat([counts(STEADY).assign(level="provider"), counts(STEADY, unit="E")])
        )
    zoned = counts(STEADY)
    zoned["period"] = [
        pd.Timestamp("2024-01-01", tz="UTC"),
        *zoned["period"].iloc[1:].dt.strftime("%Y-%m-%d"),
    ]
    with pytest.raises(InputError, match="has a time zone"):
        sb.control_charts(zoned)


def test_one_marker_of_suppression_may_be_given_as_plain_text(tmp_path):
    path = tmp_path / "counts.csv"
    path.write_text(
        "measure,unit,period,numerator,denominator\nm,A,2024-01-01,5,9\nm,A,2024-02-01,<5,9\n"
    )
    assert sb.read(path, suppressed="<5").data["status"].tolist() == ["ok", "suppressed"]


def test_unknown_outcomes_are_advised_once_a_measure():
    frame = pd.concat([counts(STEADY), counts(STEADY, unit="RJ2")]).assign(
        missing=[0] * 14 + [20] * 14
    )
    for found in (sb.control_charts(frame), sb.funnels(frame)):
        advice = found.advice[found.advice["code"] == "unknown_outcomes"]
        evidence = json.loads(only(advice)["evidence"])
        assert evidence["share_unknown"] == pytest.approx(280 / (280 + 1400), abs=1e-4)
        assert evidence["units"] == {"RJ2": pytest.approx(20 / 70, abs=1e-4)}
        assert only(advice)["message"].startswith("It is not known whether 17% of the cases met")
    assert "unknown_outcomes" not in set(sb.control_charts(frame.assign(missing=1)).advice["code"])
