"""Every chart type through the public door, and what an analyst may choose."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import spcbench as sb
from spcbench.errors import InputError, OptionError, UnknownNameError
from spcbench.measures.counting import Counted
from spcbench.plugin import default_host
from spcbench.tables import Display

STEADY = [40, 38, 41, 39, 42, 38, 40, 41, 39, 40, 38, 42, 40, 39]


def table(size=None, *, unit="RJ1", measure="m", **columns):
    size = size or len(next(iter(columns.values())))
    return pd.DataFrame(
        {
            "measure": measure,
            "unit": unit,
            "period": pd.date_range("2023-01-01", periods=size, freq="MS"),
            **columns,
        }
    )


def shares(numerator, denominator=50, **more):
    return table(numerator=numerator, denominator=denominator, **more)


def only(frame):
    assert len(frame) == 1
    return frame.iloc[0]


COLUMNS = {
    "proportion": {"numerator": STEADY, "denominator": 50},
    "rate": {"numerator": STEADY, "denominator": 20},
    "count": {"numerator": STEADY},
    "value": {"value": [12.5 + 0.1 * at for at in STEADY]},
    "event": {"value": STEADY},
    "subgroup": {"mean": [float(at) for at in STEADY], "sd": [3.0, 4.0] * 7, "denominator": 5},
    "expected": {"numerator": STEADY, "expected": 40.0},
}


@pytest.mark.parametrize("offered", default_host().charts(), ids=lambda one: one.id)
def test_every_chart_type_takes_its_columns_and_fills_the_tables(offered):
    frame = table(**COLUMNS[offered.record.takes])
    charts = sb.control_charts(frame, chart=offered.id, better="higher")
    row = only(charts.summary)
    assert (row["chart"], row["status"], row["points"]) == (
        offered.id,
        "ok",
        13 if offered.id == "mr" else 14,
    )
    assert np.isfinite(row["centre"])
    assert np.isfinite(row["ucl"]) == offered.record.has_limits
    assert len(charts.points) == 14
    assert charts.advice is not None
    assert charts.method["chart"] == offered.id
    charts.plot()


def test_auto_takes_what_the_counts_hold():
    frame = pd.concat(
        [
            shares(STEADY, measure="a"),
            table(value=COLUMNS["value"]["value"], measure="b"),
            table(numerator=STEADY, measure="c"),
        ]
    )
    summary = sb.control_charts(frame).summary
    assert summary["chart"].tolist() == ["p", "i", "c"]
    assert summary["status"].tolist() == ["ok"] * 3
    alone = sb.control_charts(table(numerator=STEADY, measure="c")).summary
    pd.testing.assert_series_equal(alone.iloc[0], summary.iloc[2], check_names=False)


def wild(sizes):
    """Shares that vary far more than chance, with these denominators by turns."""
    size = np.resize(sizes, 24)
    share = np.resize([0.2, 0.5, 0.3, 0.6], 24)
    return shares((size * share).astype(int), size)


@pytest.mark.parametrize(
    ("frame", "chart"),
    [
        (wild([1000, 1900]), "p_prime"),
        (wild([1000, 2000]), "p_additive"),
        (wild([1000, 1900]).head(11), "p"),
        (shares([14, 15] * 12, 15), "p"),
        (shares(STEADY * 2), "p"),
    ],
    ids=["alike", "uneven", "too few points", "small counts", "chance"],
)
def test_auto_lets_the_variation_decide(frame, chart):
    charts = sb.control_charts(frame)
    row = only(charts.summary)
    assert row["chart"] == chart
    assert charts.method["chart_chosen"] == "auto"
    named = sb.control_charts(frame, chart=chart)
    pd.testing.assert_frame_equal(charts.points, named.points)
    pd.testing.assert_frame_equal(charts.summary, named.summary)


def test_auto_on_many_series_equals_each_alone():
    frames = [
        wild([1000, 1900]).assign(unit="A"),
        shares(STEADY * 2).assign(unit="B"),
        wild([1000, 2000]).assign(unit="C"),
        shares([14, 15] * 12, 15).assign(unit="D"),
    ]
    together = sb.control_charts(pd.concat(frames), better="higher")
    assert together.summary["chart"].tolist() == ["p_prime", "p", "p_additive", "p"]
    for at, frame in enumerate(frames):
        alone = sb.control_charts(frame, better="higher")
        mine = together.points[together.points["unit"] == "ABCD"[at]].reset_index(drop=True)
        pd.testing.assert_frame_equal(mine, alone.points)


@pytest.mark.parametrize(
    ("numerator", "centre", "signals"),
    [([20] * 24, 1.0, 0), ([20] * 23 + [19], 479 / 480, 0), ([0] * 24, 0.0, 0)],
    ids=["all", "one miss", "none"],
)
def test_near_the_edges_nothing_cries_wolf(numerator, centre, signals):
    charts = sb.control_charts(shares(numerator, 20), better="higher")
    row = only(charts.summary)
    assert row["chart"] == "p"
    assert row["centre"] == pytest.approx(centre)
    assert set(charts.points["limit_method"]) == {"exact"}
    assert len(charts.signals) == signals
    assert row["variation"] == "common_cause"


def test_a_deep_dip_near_the_ceiling_is_the_only_signal():
    charts = sb.control_charts(shares([20] * 23 + [14], 20), better="higher")
    signal = only(charts.signals)
    assert (signal["rule"], signal["points"], signal["verdict"]) == ("3s", 1, "concern")


def test_constant_values_are_not_estimable():
    charts = sb.control_charts(table(value=[1.0] * 24), chart="i")
    row = only(charts.summary)
    assert row["status"] == "not_estimable"
    assert row["reason"].startswith("the values do not vary")
    assert row["centre"] == 1.0
    assert np.isnan(row["ucl"])
    assert charts.signals.empty


def test_constant_values_with_one_dip_are_never_all_flagged():
    for screening in (False, True, "iterative"):
        charts = sb.control_charts(table(value=[1.0] * 23 + [0.9]), chart="i", screening=screening)
        assert charts.signals["rule"].tolist().count("3s") == 1


@pytest.mark.parametrize("size", [1, 2])
def test_one_or_two_points_have_no_limits(size):
    for chart in ("auto", "p", "i", "u", "run"):
        row = only(sb.control_charts(shares([40] * size), chart=chart).summary)
        assert row["status"] == "insufficient_data"
        assert np.isnan(row["ucl"])


def test_alternating_gaps_leave_no_moving_range():
    charts = sb.control_charts(
        shares([40, None] * 12).astype({"numerator": "Int64"}), chart="i", frequency="month"
    )
    row = only(charts.summary)
    assert (row["status"], row["points"]) == ("not_estimable", 12)
    assert charts.signals.empty


def test_a_given_centre_is_drawn_and_judged():
    national = sb.control_charts(shares(STEADY), chart="p", centre=0.9, limits="normal")
    assert (national.points["centre"] == 0.9).all()
    sigma = np.sqrt(0.9 * 0.1 / 50)
    assert only(national.summary)["ucl"] == pytest.approx(min(1.0, 0.9 + 3 * sigma))
    assert set(national.points["limit_method"]) == {"given"}
    assert "run7" in set(national.signals["rule"])
    by_measure = sb.control_charts(shares(STEADY), chart="p", centre={"m": 0.9}, limits="normal")
    pd.testing.assert_frame_equal(by_measure.points, national.points)


def test_a_given_sigma_replaces_the_moving_range():
    charts = sb.control_charts(table(value=STEADY), chart="i", centre=40, sigma=2.0)
    row = only(charts.summary)
    assert (row["lcl"], row["centre"], row["ucl"]) == (34.0, 40.0, 46.0)


def test_given_lines_that_cannot_be_are_refused():
    with pytest.raises(OptionError, match="sigma must be a number above 0, not 0"):
        sb.control_charts(table(value=STEADY), chart="i", sigma=0)
    with pytest.raises(OptionError, match="centre must be a number, not 'high'"):
        sb.control_charts(table(value=STEADY), chart="i", centre="high")
    with pytest.raises(UnknownNameError, match="there is no measure 'x'"):
        sb.control_charts(table(value=STEADY), chart="i", centre={"x": 1.0})
    with pytest.raises(OptionError, match="centre 85 is not a proportion between 0 and 1"):
        sb.control_charts(shares(STEADY), chart="p", centre=85)


def test_a_baseline_holds_on():
    frame = shares([40] * 6 + [20] * 6)
    frozen = sb.control_charts(frame, chart="p", baseline=6)
    assert frozen.points["centre"].tolist() == [0.8] * 12
    assert frozen.points["in_baseline"].tolist() == [True] * 6 + [False] * 6
    dated = sb.control_charts(frame, chart="p", baseline=("2023-01-01", "2023-06-01"))
    pd.testing.assert_frame_equal(frozen.points, dated.points)
    with pytest.raises(OptionError, match="baseline must be a whole number of 3 points or more"):
        sb.control_charts(frame, baseline=2)
    with pytest.raises(OptionError, match="holds no period"):
        sb.control_charts(frame, baseline=("2001-01", "2002-01"))


def test_an_excluded_point_is_shown_and_not_used():
    frame = shares([*STEADY, 5, *STEADY])
    note = sb.note("exclude", date="2024-03-01", reason="Power cut", author="A Smith")
    charts = sb.control_charts(frame, chart="p", notes=[note])
    row = charts.points.iloc[14]
    assert row["value"] == 0.1
    assert row["excluded"]
    assert not row["in_baseline"]
    assert not row["special_cause"]
    assert row["note"] == "Not used: Power cut (A Smith)"
    assert charts.points["centre"].iloc[0] == pytest.approx(sum(STEADY) / 50 / 14)
    assert charts.method["notes"][0]["author"] == "A Smith"


def test_settings_belong_to_a_chart_type():
    frame = table(value=STEADY)
    median = sb.control_charts(frame, chart="i", settings={"centre_line": "median"})
    assert only(median.summary)["centre"] == 40.0
    assert median.method["settings"]["i"]["centre_line"] == "median"
    with pytest.raises(UnknownNameError, match="did you mean 'centre_line'"):
        sb.control_charts(frame, chart="i", settings={"centreline": "median"})
    with pytest.raises(OptionError, match="centre_line of chart 'i' must be one of mean, median"):
        sb.control_charts(frame, chart="i", settings={"centre_line": "mode"})
    with pytest.raises(OptionError, match=r"weight of chart 'ewma' must lie between 0\.01 and 1"):
        sb.control_charts(frame, chart="ewma", settings={"weight": 2})
    with pytest.raises(OptionError, match="name it with chart="):
        sb.control_charts(frame, settings={"weight": 0.2})
    with pytest.raises(OptionError, match="chart 'p' has no settings"):
        sb.control_charts(shares(STEADY), chart="p", settings={"weight": 0.2})


def test_screening_is_asked_for_and_said():
    values = [10.0, 11.0] * 8 + [30.0, 10.0]
    plain, once = (
        sb.control_charts(table(value=values), chart="i", screening=how) for how in (False, True)
    )
    assert (plain.method["screening"], once.method["screening"]) == ("none", "once")
    assert only(once.summary)["ucl"] < only(plain.summary)["ucl"]
    with pytest.raises(OptionError, match="screening must be one of none, once, iterative"):
        sb.control_charts(table(value=values), chart="i", screening="twice")


def test_numbers_of_cases_have_no_target_of_the_measure_and_distances_none_at_all():
    frame = shares(STEADY)
    with pytest.raises(OptionError, match="target is on the scale of the measure"):
        sb.control_charts(frame, chart="mr", target=0.85)
    own = sb.control_charts(frame.assign(target=0.85), chart="mr")
    assert np.isnan(only(own.summary)["target"])
    counted = sb.control_charts(table(numerator=STEADY), chart="c", target=45.0, better="lower")
    assert only(counted.summary)["target"] == 45.0
    assert counted.display["m"].per == 1


def test_a_changing_target_and_a_trajectory_are_kept():
    frame = shares(STEADY).assign(
        target=[0.5] * 7 + [0.99] * 7, trajectory=np.linspace(0.5, 0.9, 14)
    )
    charts = sb.control_charts(frame, better="higher")
    assert charts.points["target"].tolist() == [0.5] * 7 + [0.99] * 7
    assert charts.points["trajectory"].iloc[-1] == 0.9
    row = only(charts.summary)
    assert (row["target"], row["assurance"]) == (0.99, "fails")


def test_what_does_not_fit_the_scale_of_a_chart_is_not_drawn_on_it():
    frame = shares(STEADY).assign(trajectory=0.8)
    assert sb.control_charts(frame, chart="cusum").points["trajectory"].isna().all()
    assert sb.control_charts(frame, chart="i").points["trajectory"].eq(0.8).all()
    with pytest.raises(OptionError, match="references is on the scale of the measure"):
        sb.control_charts(frame, chart="cusum", references={"England": 0.7})


def test_references_and_the_last_points_are_for_pictures_only():
    charts = sb.control_charts(shares(STEADY), references={"England": 0.7}, show_last=5)
    assert charts.method["references"] == {"England": 0.7}
    assert charts.method["show_last"] == 5
    assert len(charts.points) == 14
    charts.plot()
    with pytest.raises(OptionError, match="show_last must be 1 or more"):
        sb.control_charts(shares(STEADY), show_last=0)


def test_rates_may_pass_one_and_are_shown_per_so_many():
    frame = table(numerator=[3, 5, 2, 4, 6, 3, 5] * 2, denominator=2)
    charts = sb.control_charts(frame, chart="u", per=1000)
    assert charts.display["m"].per == 1000
    assert only(charts.summary)["centre"] == pytest.approx(2.0)
    with pytest.raises(InputError, match="every numerator must lie between 0 and its denominator"):
        sb.control_charts(frame)
    with pytest.raises(OptionError, match="per must be a whole number"):
        sb.control_charts(frame, chart="u", per=0)


def test_events_of_one_day_keep_their_order_and_have_no_gaps():
    frame = pd.DataFrame(
        {
            "measure": "death",
            "unit": "A",
            "period": pd.to_datetime(["2024-01-03"] * 2 + ["2024-05-01", "2024-11-30"]),
            "sequence": [2, 1, 1, 1],
            "value": [0, 31, 119, 213],
        }
    )
    charts = sb.control_charts(frame, chart="t")
    assert charts.points["value"].tolist() == [31, 0, 119, 213]
    assert "gap" not in set(charts.advice["code"])
    with pytest.raises(InputError, match="-1 cannot be; the value is the number of cases"):
        sb.control_charts(frame.assign(value=-1), chart="t")
    with pytest.raises(InputError, match="needs values above 0, but 1 is not"):
        sb.control_charts(frame, chart="t", settings={"form": "nelson"})


def test_what_a_chart_needs_is_said():
    with pytest.raises(InputError, match="no column 'expected'"):
        sb.control_charts(table(numerator=STEADY), chart="vlad")
    with pytest.raises(InputError, match="no column 'sd'"):
        sb.control_charts(table(mean=[1.0] * 5, denominator=4), chart="xbar")
    with pytest.raises(InputError, match="no column 'value'"):
        sb.control_charts(shares(STEADY), chart="g")


def test_frequency_may_be_said():
    frame = shares(STEADY).drop(index=[3])
    assert "gap" in set(sb.control_charts(frame).advice["code"])
    said = sb.control_charts(frame, frequency="irregular")
    assert said.method["frequency"] == "irregular"
    assert "gap" not in set(said.advice["code"])
    with pytest.raises(OptionError, match="frequency must be one of day, week, month"):
        sb.control_charts(frame, frequency="fortnight")
    odd = frame.assign(period=frame["period"].where(frame.index != 5, pd.Timestamp("2023-06-04")))
    with pytest.raises(InputError, match="wants periods that begin on the same day of the month"):
        sb.control_charts(odd, frequency="month")
    years = pd.DataFrame(
        {
            "measure": "m",
            "unit": "A",
            "period": [f"{year}-04-06" for year in range(2008, 2024)],
            "numerator": 40,
            "denominator": 50,
        }
    )
    assert sb.control_charts(years).method["frequency"] == "year"


def test_on_error_row_goes_on_without_the_wrong_series():
    frame = pd.concat([shares(STEADY, unit="A"), shares([60, *STEADY[1:]], unit="B")])
    with pytest.raises(InputError, match=r"row 15 \(B, Jan 2023\) has 60 of 50"):
        sb.control_charts(frame)
    charts = sb.control_charts(frame, on_error="row")
    assert charts.summary["status"].tolist() == ["ok", "invalid_input"]
    assert "row 15 (B, Jan 2023) has 60 of 50" in charts.summary["reason"].iloc[1]
    assert set(charts.points["unit"]) == {"A"}
    pd.testing.assert_frame_equal(charts.points, sb.control_charts(shares(STEADY, unit="A")).points)
    with pytest.raises(OptionError, match="on_error must be one of raise, row"):
        sb.control_charts(frame, on_error="ignore")
    with pytest.raises(InputError, match="no column 'numerator'"):
        sb.control_charts(frame.drop(columns="numerator"), chart="p", on_error="row")


def test_rules_that_do_not_suit_a_chart_are_silent():
    values = list(range(20))
    assert set(sb.control_charts(table(value=values), chart="i").signals["rule"]) >= {"trend7"}
    assert "trend7" not in set(sb.control_charts(table(value=values), chart="ewma").signals["rule"])


def test_a_signal_of_the_whole_chart_marks_no_point():
    values = [10.0] * 12 + [20.0] * 12
    values = [at + 0.1 * (place % 3) for place, at in enumerate(values)]
    charts = sb.control_charts(table(value=values), chart="run", rules="anhoej-2014")
    crossings = charts.signals[charts.signals["side"].isna()]
    row = only(crossings)
    assert (row["points"], row["verdict"], row["latest"]) == (24, "neither", True)
    whole = set(crossings["rule"])
    marked = {name for rules in charts.points["rules"] for name in rules.split(";")}
    assert not whole & marked
    assert only(charts.summary)["variation"] in {"neither_high", "neither_low"}


def test_an_adapted_rule_set_can_be_passed():
    published = default_host().rule_set("mdc-2023-11")
    own = published.adapted(
        id="ours-2024", title="Ours", source="Ward meeting", without=("trend7",)
    )
    charts = sb.control_charts(shares(STEADY), rules=own)
    assert charts.method["rule_set"] == "ours-2024"
    assert np.isnan(only(charts.summary)["expected_false_signals"])


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_change_nothing(threads):
    draw = np.random.default_rng(4)
    frame = pd.concat(
        [shares(draw.binomial(60, 0.4, 36), 60, unit=f"U{at:03d}") for at in range(40)]
    )
    one, other = (sb.control_charts(frame, threads=number) for number in (1, threads))
    pd.testing.assert_frame_equal(one.points, other.points)
    pd.testing.assert_frame_equal(one.summary, other.summary)


def test_a_chart_that_fits_nothing_in_the_table_says_so():
    with pytest.raises(
        InputError,
        match="has no value, or numerator and denominator: there is nothing but numerator",
    ):
        sb.control_charts(table(numerator=STEADY).assign(denominator=None), chart="i")
    nothing = table(numerator=[None] * 5, denominator=[None] * 5)
    assert only(sb.control_charts(nothing).summary)["status"] == "no_data"


def test_false_signals_are_not_promised_where_they_are_not_known():
    frame = shares(STEADY * 2)
    assert only(sb.control_charts(frame, chart="p").summary)["expected_false_signals"] > 0.1
    for options in ({"baseline": 12}, {"centre": 0.8}):
        charts = sb.control_charts(frame, chart="p", **options)
        assert np.isnan(only(charts.summary)["expected_false_signals"])
        assert charts.method["expected_false_signals"] is None
    assert sb.control_charts(frame, chart="cusum").method["expected_false_signals"] is None


def test_measurements_are_never_shown_in_per_cent():
    subgroups = table(**COLUMNS["subgroup"])
    assert sb.control_charts(subgroups, chart="xbar").display["m"].per == 1
    above = table(numerator=[90] * 14, denominator=20)
    assert sb.control_charts(above, chart="i").display["m"].per == 1


def test_references_must_fit_on_the_chart():
    for wrong, words in (
        ({"E": 72}, "reference 'E': 72 is not a proportion between 0 and 1; write 72 % as 0.72"),
        ({"E": float("nan")}, "reference 'E' must be a number"),
        ({"E": "0.7"}, "reference 'E' must be a number, not '0.7'"),
        ([0.7], "references must map labels to values"),
    ):
        with pytest.raises(OptionError, match=words):
            sb.control_charts(shares(STEADY), references=wrong)


def test_options_of_the_wrong_kind_are_told():
    for wrong, words in (
        ({"target": "0.85"}, "target must be a number, not '0.85'"),
        ({"settings": ["weight"]}, "settings must map names to values"),
        ({"baseline": 100}, "baseline 100 is more than the 14 periods"),
        ({"threads": 0}, "threads must be 1 or more"),
    ):
        with pytest.raises(OptionError, match=words):
            sb.control_charts(shares(STEADY), **wrong)


def test_a_result_says_what_it_is_in_one_line():
    charts = sb.control_charts(shares(STEADY))
    assert repr(charts) == "ControlCharts(1 charts of 14 points; p; mdc-2023-11; 0 signals)"


def test_a_measure_that_asks_for_a_chart_of_rates_may_count_a_case_twice():
    frame = table(measure="flags", numerator=[130, *[80, 70] * 11, 90])
    none = pd.DataFrame()

    def charted(counts, **shown):
        display = {"flags": Display(title="Flags", per=1, **shown)}
        return sb.control_charts(
            Counted(counts=counts, quality=none, rejects=none, display=display, provenance={})
        )

    named = {"chart": "u", "chart_reason": "one record may raise several"}
    beside = charted(frame.assign(denominator=100), **named)
    assert only(beside.summary)["chart"] == "u"
    assert beside.points["value"].iloc[0] == pytest.approx(1.3)
    assert "asks for it" in " ".join(beside.advice["message"])
    alone = charted(frame, **named)
    assert only(alone.summary)["chart"] == "c"
    assert "asks for it" not in " ".join(alone.advice["message"])
    with pytest.raises(InputError, match="130 of 100"):
        charted(frame.assign(denominator=100))
