"""Rows that must not be used, baselines that are too short, targets on other scales."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

import spcbench as sb
from spcbench.errors import InputError, OptionError
from spcbench.pictures.chart_rows import line_rows, scaled_points


def table(size=24, **columns):
    months = pd.date_range("2022-01-01", periods=size, freq="MS")
    return pd.DataFrame({"measure": "m", "unit": "A", "period": months, **columns})


def steady(size=24, level=40, seed=1):
    return level + np.random.default_rng(seed).integers(-3, 4, size)


def only(frame):
    assert len(frame) == 1
    return frame.iloc[0]


def last(status, size=24):
    return ["ok"] * (size - 1) + [status]


@pytest.mark.parametrize("status", ["suppressed", "no_data", "invalid_input"])
@pytest.mark.parametrize(
    ("chart", "columns"),
    [
        ("c", {"numerator": [*steady(23), 99]}),
        ("c_prime", {"numerator": [*steady(23), 99]}),
        ("np", {"numerator": [*steady(23), 99], "denominator": 100}),
        ("p", {"numerator": [*steady(23), 99], "denominator": 100}),
        ("u", {"numerator": [*steady(23), 99], "denominator": 100}),
        ("i", {"value": [*steady(23), 99.0]}),
        ("xbar", {"mean": [*steady(23), 99.0], "sd": 2.0, "denominator": 5}),
        ("s", {"mean": 40.0, "sd": [2.0, 2.5] * 11 + [2.2, 99.0], "denominator": 5}),
        ("vlad", {"numerator": [*steady(23), 99], "expected": 40.0}),
        ("poisson_cusum", {"numerator": [*steady(23), 99]}),
    ],
)
def test_a_row_that_is_not_ok_is_neither_shown_nor_used(chart, columns, status):
    charts = sb.control_charts(table(status=last(status), **columns), chart=chart)
    assert np.isnan(charts.points["value"].iloc[-1])
    assert not charts.points["special_cause"].iloc[-1]
    row = only(charts.summary)
    assert row["points"] == 23
    assert row["latest_value"] != 99
    without = sb.control_charts(table(**columns).iloc[:-1], chart=chart)
    assert row["centre"] == only(without.summary)["centre"]


def test_a_unit_without_denominators_is_no_chart_of_counts():
    good = table(numerator=steady(), denominator=50)
    bad = table(numerator=steady(), denominator=None).assign(unit="B")
    both = pd.concat([good, bad]).astype({"denominator": "Int64"})
    charts = sb.control_charts(both)
    assert charts.summary["status"].tolist() == ["ok", "no_data"]
    assert charts.summary["chart"].iloc[0] == "p"
    assert charts.display["m"].per == 100
    assert charts.points[charts.points["unit"] == "B"]["value"].isna().all()


def test_a_row_without_data_decides_no_limits():
    frame = table(numerator=[160] * 24, denominator=[200] * 23 + [4]).astype({"numerator": "Int64"})
    frame.loc[23, "numerator"] = pd.NA
    charts = sb.control_charts(frame, chart="p")
    assert set(charts.points["limit_method"].iloc[:-1]) == {"normal"}


def test_a_baseline_counts_points_with_data():
    values = [None] * 10 + [*steady(14)]
    frame = table(numerator=values, denominator=50).astype({"numerator": "Int64"})
    charts = sb.control_charts(frame, chart="p", baseline=12)
    assert charts.points["in_baseline"].sum() == 12


@pytest.mark.parametrize("how", ["dates", "freeze"])
def test_a_baseline_of_one_point_makes_no_limits(how):
    frame = table(numerator=steady(), denominator=50)
    if how == "dates":
        charts = sb.control_charts(frame, chart="p", baseline=("2022-01-01", "2022-01-01"))
    else:
        note = sb.note("freeze", date="2022-01-01", until="2022-01-31", reason="r", author="A")
        charts = sb.control_charts(frame, chart="p", notes=[note])
    row = only(charts.summary)
    assert row["status"] == "insufficient_data"
    assert row["reason"] == "fewer than 3 points in the baseline of the latest phase: no limits"
    assert charts.signals.empty


def test_a_baseline_of_points_starts_anew_with_each_phase():
    note = sb.note("rebase", date="2023-01-01", reason="New clinic", author="A")
    charts = sb.control_charts(
        table(numerator=steady(), denominator=50), chart="p", baseline=6, notes=[note]
    )
    used = charts.points.groupby("phase")["in_baseline"].sum()
    assert used.tolist() == [6, 6]
    assert only(charts.summary)["status"] == "ok"


def test_rounding_is_no_spread_and_no_side():
    charts = sb.control_charts(table(value=[0.3] * 23 + [0.1 + 0.2]), chart="i")
    assert only(charts.summary)["status"] == "not_estimable"
    assert charts.signals.empty
    values = [0.1, 0.2, -0.3, *[0.0] * 7, 0.1, 0.2, -0.3]
    assert sb.control_charts(table(13, value=values), chart="i").signals.empty


def test_targets_of_shares_are_numbers_on_an_np_chart():
    frame = table(numerator=steady(level=30), denominator=50)
    share, number = (
        only(sb.control_charts(frame, chart=chart, better="higher", target=0.85).summary)
        for chart in ("p", "np")
    )
    assert number["target"] == pytest.approx(0.85 * 50)
    assert number["assurance"] == share["assurance"] == "fails"


def test_a_chart_of_counts_takes_no_share_for_a_target():
    frame = table(numerator=steady(), denominator=50, target=0.85)
    assert np.isnan(only(sb.control_charts(frame, chart="c", better="lower").summary)["target"])


def test_values_beside_counts_are_no_proportions():
    draw = np.random.default_rng(3)
    values = draw.normal(12.3, 1, 24)
    counts = table(numerator=40, denominator=50, value=values)
    alone = sb.control_charts(table(value=values), chart="ewma")
    beside = sb.control_charts(counts, chart="ewma")
    np.testing.assert_allclose(beside.points["centre"], alone.points["centre"])
    assert beside.signals.empty


def test_an_excluded_point_decides_neither_icon_nor_assurance():
    frame = table(14, numerator=[50] * 13 + [0], denominator=50)
    note = sb.note("exclude", date="2023-02-01", reason="Strike", author="A")
    row = only(sb.control_charts(frame, notes=[note], target=0.9, better="higher").summary)
    assert row["latest_value"] == 1.0
    assert row["assurance"] == "passes"


def test_a_centre_that_is_no_share_is_refused_whatever_is_missing():
    frame = table(numerator=steady(), denominator=50).astype({"denominator": "Int64"})
    frame.loc[3, "denominator"] = pd.NA
    with pytest.raises(OptionError, match="centre 85 is not a proportion"):
        sb.control_charts(frame, centre=85)


def test_until_may_drop_a_measure_that_is_not_verified():
    later = table(numerator=steady(), denominator=50).assign(measure="pop@2023:all_eligible")
    later["period"] += pd.DateOffset(years=2)
    frame = pd.concat([table(numerator=steady(), denominator=50), later])
    charts = sb.control_charts(frame, until="2023-06-01")
    assert list(charts.display) == ["m"]
    assert charts.advice is not None


def test_limits_by_name_keep_the_plain_chart_and_say_nothing_else():
    sizes = np.resize([1000, 1900], 24)
    frame = table(numerator=(sizes * np.resize([0.2, 0.5], 24)).astype(int), denominator=sizes)
    charts = sb.control_charts(frame, limits="exact")
    assert only(charts.summary)["chart"] == "p"
    assert not {"chart_chosen", "exact_limits"} & set(charts.advice["code"])


def test_markers_of_suppression_may_stand_in_polars():
    frame = pl.DataFrame(
        {
            "measure": "m",
            "unit": "A",
            "period": ["2024-01-01", "2024-02-01", "2024-03-01"],
            "numerator": ["32", "*", "30"],
            "denominator": [50, 50, 50],
        }
    )
    charts = sb.control_charts(frame, suppressed="*")
    assert charts.points["status"].tolist() == ["ok", "suppressed", "ok"]
    with pytest.raises(InputError, match="is text, expected a number"):
        sb.control_charts(frame.with_columns(numerator=pl.lit("32")))


def test_wrong_series_are_listed_only_where_they_were_asked_for():
    good = table(numerator=steady(), denominator=50)
    bad = table(numerator=60, denominator=50).assign(measure="n", unit="B")
    charts = sb.control_charts(pd.concat([good, bad]), measure="m", on_error="row")
    assert charts.summary["measure"].tolist() == ["m"]


def test_a_rate_taken_for_shares_is_asked_about():
    draw = np.random.default_rng(2)
    days = draw.integers(4000, 5000, 24)
    frame = table(numerator=draw.binomial(days, 0.002), denominator=days)
    assert "perhaps_a_rate" in set(sb.control_charts(frame).advice["code"])
    assert "perhaps_a_rate" not in set(sb.control_charts(frame, chart="p").advice["code"])
    assert "perhaps_a_rate" not in set(sb.control_charts(frame, chart="u").advice["code"])
    few = table(numerator=[2] * 24, denominator=900)
    assert "perhaps_a_rate" not in set(sb.control_charts(few).advice["code"])


def test_dated_events_taken_for_measurements_are_asked_about():
    days = np.random.default_rng(5).integers(1, 60, 20).cumsum()
    events = table(20, value=np.diff(days, prepend=0).astype(float)).assign(
        period=pd.Timestamp("2022-01-03") + pd.to_timedelta(days, "D")
    )
    assert "perhaps_events" in set(sb.control_charts(events).advice["code"])
    assert "perhaps_events" not in set(sb.control_charts(events, chart="t").advice["code"])


def test_assurance_waits_for_thirteen_points():
    for size, word in ((12, "none"), (13, "passes")):
        frame = table(size, numerator=[45, 46] * 6 + [45] * (size - 12), denominator=50)
        row = only(sb.control_charts(frame, target=0.5, better="higher").summary)
        assert row["assurance"] == word


def test_longer_charts_than_were_simulated_go_on_by_the_average_run_length():
    from spcbench.chart_tables import any_signal

    found = any_signal({12: 0.05, 60: 0.44}, 86.0, np.array([60, 100, 2]))
    assert found[0] == pytest.approx(0.44)
    assert found[1] == pytest.approx(1 - (1 - 0.44) * (1 - 1 / 86) ** 40)
    assert found[2] == 0.0


def test_nelson_on_counts_expects_what_its_first_four_rules_give():
    frame = table(numerator=steady(), denominator=50)
    counted = only(sb.control_charts(frame, chart="p", rules="nelson-1984").summary)
    assert counted["expected_false_signals"] == pytest.approx(0.127)
    values = table(value=steady().astype(float))
    measured = only(sb.control_charts(values, rules="nelson-1984").summary)
    assert measured["expected_false_signals"] == pytest.approx(0.192)


def test_a_stated_ok_does_not_make_data_of_nothing():
    frame = table(numerator=[40] * 23 + [None], denominator=50, status="ok").astype(
        {"numerator": "Int64"}
    )
    charts = sb.control_charts(frame)
    assert charts.points["status"].iloc[-1] == "no_data"


def test_notes_after_until_are_not_for_this_chart():
    frame = table(numerator=steady(), denominator=50)
    late = sb.note("rebase", date="2023-10-01", reason="New clinic", author="A")
    charts = sb.control_charts(frame, notes=[late], until="2023-06-01")
    assert charts.method["notes"] == []
    assert charts.method["phases"] == 1


def test_points_outside_the_baseline_feed_no_dispersion():
    sizes = [100] * 24
    frame = table(numerator=[*([50, 52] * 6), *([20, 80] * 6)], denominator=sizes)
    frozen = sb.control_charts(frame, chart="p", baseline=12)
    alone = sb.control_charts(frame.head(12), chart="p")
    assert only(frozen.summary)["dispersion"] == only(alone.summary)["dispersion"]


@pytest.mark.parametrize(("cases", "share"), [(20, 0.95), (10, 0.9), (30, 0.97), (6, 0.98)])
def test_stable_small_units_signal_no_more_often_than_is_said(cases, share):
    draw = np.random.default_rng(12)
    series, months = 400, 36
    frame = pd.DataFrame(
        {
            "measure": "m",
            "unit": np.repeat([f"U{at:03d}" for at in range(series)], months),
            "period": np.tile(pd.date_range("2021-01-01", periods=months, freq="MS"), series),
            "numerator": draw.binomial(cases, share, series * months),
            "denominator": cases,
        }
    )
    charts = sb.control_charts(frame)
    false = charts.signals["unit"].nunique() / series
    assert false < 0.261 + 3 * np.sqrt(0.261 * 0.739 / series)
    assert "underdispersed" not in set(charts.advice["code"])


def test_a_lasting_fall_of_few_cases_is_still_found():
    draw = np.random.default_rng(3)
    fallen = [*draw.binomial(20, 0.95, 26), *draw.binomial(20, 0.8, 10)]
    charts = sb.control_charts(table(36, numerator=fallen, denominator=20), better="higher")
    assert "concern" in set(charts.signals["verdict"])


def test_a_share_is_no_target_of_a_chart_of_counts():
    with pytest.raises(OptionError, match=r"target 0\.7 is a share, but the chart shows numbers"):
        sb.control_charts(table(numerator=steady()), chart="c", target=0.7)


def test_points_between_gaps_have_their_limits_drawn():
    frame = table(numerator=steady(), denominator=50, status=["ok", "no_data"] * 12)
    charts = sb.control_charts(frame, chart="p", limits="normal")
    key = ("m", "A")
    lines = line_rows(scaled_points(charts, [key], {key: "A"}))
    upper = lines[lines["line"] == "ucl"]
    assert upper["group"].nunique() == 12
    assert upper.groupby("group")["x"].nunique().eq(2).all()


def test_write_says_what_it_takes(tmp_path):
    charts = sb.control_charts(table(numerator=steady(), denominator=50))
    with pytest.raises(OptionError, match=r"takes a Report, not ControlCharts"):
        sb.write(charts, tmp_path / "x.csv")


def test_a_funnel_of_a_table_without_shares_draws_nothing(tmp_path):
    shares = pd.concat([table(1, numerator=[40], denominator=50).assign(unit=u) for u in "AB"])
    counts = shares.assign(measure="n", denominator=None)
    both = pd.concat([shares, counts], ignore_index=True).astype({"denominator": "Int64"})
    found = sb.funnels(both)
    assert found.summary["status"].tolist() == ["ok", "no_data"]
    whole = found.plot()
    assert whole.layers
    nothing = found.plot(measure="n")
    assert len(nothing.layers) < len(whole.layers)
    for name in ("f.png", "f.html"):
        (path,) = sb.write(sb.Report([found], title="x"), tmp_path / name)
        assert path.stat().st_size > 1000


def test_variation_that_cannot_be_known_is_said():
    draw = np.random.default_rng(2)
    wild = draw.binomial(1000, np.clip(draw.normal(0.7, 0.06, 36), 0, 1))
    frame = table(36, numerator=wild, denominator=1000, status=["ok", "no_data"] * 18)
    charts = sb.control_charts(frame)
    assert np.isnan(only(charts.summary)["dispersion"])
    assert "dispersion_unknown" in set(charts.advice["code"])
    whole = sb.control_charts(frame.drop(columns="status"))
    assert "dispersion_unknown" not in set(whole.advice["code"])
