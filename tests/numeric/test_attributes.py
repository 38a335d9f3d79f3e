"""Charts of counted things: by hand, against R packages, and at the edges."""

import csv
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spcbench.numeric import attributes, engine
from spcbench.numeric.limits import METHODS, ChartOptions, Series, p_limits
from spcbench.numeric.rules import outside
from spcbench.numeric.segments import Segments

GOLDEN = Path(__file__).parents[2] / ".." / "shared" / "golden"
NORMAL = ChartOptions(limit_method="normal")
LINES = ("lcl", "lower_warning", "centre", "upper_warning", "ucl")
THEIRS = ("lcl", "lcl.95", "cl", "ucl.95", "ucl")
RTOL = 1e-9  # same closed form, other order of operations
CHARTS = {
    "p": p_limits,
    "np": attributes.np_limits,
    "u": attributes.u_limits,
    "c": attributes.c_limits,
    "pp": attributes.p_prime_limits,
    "up": attributes.u_prime_limits,
    "cp": attributes.c_prime_limits,
    "additive": attributes.p_additive_limits,
}
MOVING = ("pp", "up", "cp", "additive")
CASES = Counter(p=5, pp=7, c=9, u=11, up=8)  # without cdi_up_exclude


@pytest.fixture(scope="module")
def golden():
    """Read a golden file: ``golden("qcc_points.csv")``, rows as dictionaries."""

    def read(name):
        path = GOLDEN / name
        if not path.exists():
            pytest.skip("the golden folder is not beside this repository")
        with path.open(newline="", encoding="utf-8") as handle:
            return list(csv.DictReader(handle))

    return read


def numbers(rows, name):
    return np.array([float(row[name] or "nan") for row in rows])


def of_qicharts(rows, call):
    """The series and the options of one case, and what its values were multiplied by."""
    multiple = float((re.search(r"multiply=(\d+)", call) or [0, 1])[1])
    keys = [(row["facet1"], row["facet2"], row["part"]) for row in rows]
    numerator, size = numbers(rows, "y.sum"), numbers(rows, "n")
    centre = re.search(r"cl=(\d+)", call)
    series = Series(
        value=numbers(rows, "y") / multiple,
        numerator=numerator,
        denominator=size,
        in_baseline=np.array([row["baseline"] == row["include"] == "TRUE" for row in rows]),
        gap=np.zeros(len(rows), bool),
        segments=Segments.from_lengths([keys.count(key) for key in dict.fromkeys(keys)]),
        given_centre=np.full(len(rows), float(centre[1])) if centre else None,
    )
    return series, multiple


def test_every_attribute_chart_of_qicharts2(golden):
    points, found = golden("qicharts2_points.csv"), Counter()
    signals = 0
    for case in golden("qicharts2_cases.csv"):
        chart = re.search(r"chart='(pp|up|p|u|c)'", case["call"])
        if not chart or case["case_id"] == "cdi_up_exclude":
            continue
        rows = [row for row in points if row["case_id"] == case["case_id"]]
        series, multiple = of_qicharts(rows, case["call"])
        options = ChartOptions(
            limit_method="normal",
            screening="once" if case["screened_mr"] == "TRUE" else "none",
            settings={"narrow": True},
        )
        limits = CHARTS[chart[1]](series, options)
        for name, theirs in zip(LINES, THEIRS, strict=True):
            np.testing.assert_allclose(
                getattr(limits, name) * multiple,
                numbers(rows, theirs),
                rtol=RTOL,
                atol=1e-12 * multiple,
                err_msg=f"{case['case_id']} {theirs}",
            )
        theirs = [row["sigma.signal"] == "TRUE" for row in rows]
        assert outside(limits.z).tolist() == theirs, case["case_id"]
        signals += sum(theirs)
        found[chart[1]] += 1
    assert found == CASES
    assert signals == 794


def test_an_excluded_point_is_not_bridged_as_qicharts2_does(golden):
    rows = [r for r in golden("qicharts2_points.csv") if r["case_id"] == "cdi_up_exclude"]
    series, _ = of_qicharts(rows, "")
    series = replace(series, value=series.value / 10_000)
    options = ChartOptions(screening="once", settings={"narrow": True})
    ours = attributes.u_prime_limits(series, options)
    # Their centre is ours; their third and tenth months are left out, and the
    # moving ranges reach over them.
    np.testing.assert_allclose(ours.centre * 1e4, numbers(rows, "cl"), rtol=RTOL)
    kept = series.in_baseline
    assert np.flatnonzero(~kept).tolist() == [2, 9]
    bridged = replace(
        series,
        **{name: getattr(series, name)[kept] for name in ("value", "numerator", "denominator")},
        in_baseline=kept[kept],
        gap=series.gap[kept],
        segments=Segments.from_lengths([kept.sum()]),
    )
    theirs = attributes.u_prime_limits(bridged, options)
    np.testing.assert_allclose(theirs.ucl * 1e4, numbers(rows, "ucl")[kept], rtol=RTOL)
    assert numbers(rows, "ucl")[0] == pytest.approx(17.414358809875893, rel=1e-9)
    assert ours.ucl[0] * 1e4 == pytest.approx(17.239166486372653, rel=1e-9)


@pytest.mark.parametrize(
    ("case", "chart"), [("cdi_u", "u"), ("cdi_c", "c"), ("acc_p", "p"), ("cabg_readm_p", "p")]
)
def test_charts_of_qcc(golden, case, chart):
    rows = [row for row in golden("qcc_points.csv") if row["case_id"] == case]
    value, size = numbers(rows, "statistic"), numbers(rows, "size")
    size = np.ones(value.size) if chart == "c" else size
    series = flat(np.rint(value * size), size)
    limits = CHARTS[chart](series, NORMAL)
    for name, theirs in (("centre", "center"), ("lcl", "lcl"), ("ucl", "ucl")):
        np.testing.assert_allclose(
            getattr(limits, name), numbers(rows, theirs), rtol=RTOL, atol=1e-15
        )
    beyond = [row["beyond_limits"] == "TRUE" for row in rows]
    assert outside(limits.z).tolist() == beyond


@pytest.mark.parametrize(
    ("case", "chart", "per"),
    [
        ("ed_att_Cp_baselineonly", "cp", 1),
        ("ed_4h_Pp_p24", "pp", 100),
        ("ed_4h_P_p24", "p", 100),
        ("s2a_Cbaselineonly", "c", 1),
    ],
)
def test_first_period_of_autospc(golden, case, chart, per):
    rows = [row for row in golden("autospc_points.csv") if row["case_id"] == case]
    breaks = [at for at, row in enumerate(rows[1:], 1) if row["breakPoint"] == "TRUE"]
    stop = next((at for at, row in enumerate(rows) if row["periodType"] != "calculation"), None)
    rows = rows[: stop or (breaks or [len(rows)])[0]]
    numerator = numbers(rows, "y_numerator" if per == 100 else "y")
    size = numbers(rows, "n") if per == 100 else np.ones(numerator.size)
    excluded = np.array([row["excluded"] == "TRUE" for row in rows])
    kept = flat(numerator[~excluded], size[~excluded])  # autospc bridges what it leaves out
    limits = CHARTS[chart](kept, ChartOptions(limit_method="normal", screening="once"))
    for name, theirs in (("centre", "cl"), ("ucl", "ucl"), ("lcl", "lcl")):
        golden_line = numbers(rows, theirs)[~excluded]
        np.testing.assert_allclose(getattr(limits, name) * per, golden_line, rtol=RTOL)


def flat(numerator, size, **more):
    """One series of events over cases or exposure."""
    numerator = np.asarray(numerator, dtype=np.float64)
    size = np.broadcast_to(np.asarray(size, dtype=np.float64), numerator.shape).copy()
    with np.errstate(divide="ignore", invalid="ignore"):
        value = numerator / size
    arrays = {
        "in_baseline": np.ones(numerator.size, bool),
        "gap": np.zeros(numerator.size, bool),
        "segments": Segments.from_lengths([numerator.size] if numerator.size else []),
    }
    return Series(value=value, numerator=numerator, denominator=size, **{**arrays, **more})


# By hand.


def test_np_is_p_times_its_denominators():
    limits = attributes.np_limits(flat([8, 12, 10], 100), NORMAL)
    # 30 of 300; sigma is the root of 100 x 0.1 x 0.9, which is 3.
    assert limits.centre == pytest.approx([10] * 3, rel=1e-15)
    assert limits.sigma == pytest.approx([3] * 3, rel=1e-12)
    assert limits.lcl == pytest.approx([1] * 3, rel=1e-9)
    assert limits.ucl == pytest.approx([19] * 3, rel=1e-12)
    assert limits.upper_warning == pytest.approx([16] * 3, rel=1e-12)
    assert limits.z == pytest.approx([-2 / 3, 2 / 3, 0], abs=1e-12)
    assert limits.value.tolist() == [8, 12, 10]


def test_u_by_hand():
    limits = attributes.u_limits(flat([10, 30], [100, 300]), NORMAL)
    # 40 in 400; sigma is the root of 0.1/100, and of 0.1/300.
    assert limits.centre == pytest.approx([0.1, 0.1], rel=1e-15)
    assert limits.sigma == pytest.approx([0.1**0.5 / 10, (0.1 / 300) ** 0.5], rel=1e-14)
    assert limits.ucl == pytest.approx([0.19486832980505138, 0.154772255750516], rel=1e-12)


def test_c_by_hand():
    limits = attributes.c_limits(flat([14, 18, 16], 7), NORMAL)
    assert limits.value.tolist() == [14, 18, 16]  # whatever the denominator
    assert limits.centre.tolist() == [16] * 3
    assert limits.lcl.tolist() == [4] * 3
    assert limits.ucl.tolist() == [28] * 3
    assert limits.z.tolist() == [-0.5, 0.5, 0]


def test_laney_by_hand():
    # z is -2, 2, -2, 2: moving ranges of 4, and sigma_z = 4/1.128.
    limits = attributes.p_prime_limits(flat([40, 60, 40, 60], 100), NORMAL)
    assert limits.sigma == pytest.approx([0.05 * 4 / 1.128] * 4, rel=1e-12)
    assert limits.lcl.tolist() == [0] * 4
    assert limits.ucl.tolist() == [1] * 4
    limits = attributes.c_prime_limits(flat([80, 120, 80, 120], 1), NORMAL)
    assert limits.centre.tolist() == [100] * 4
    assert limits.sigma == pytest.approx([10 * 4 / 1.128] * 4, rel=1e-12)


def test_laney_does_not_narrow_unless_asked():
    # z is -0.2 or 0.2: sigma_z = 0.4/1.128.
    series = flat([49, 51, 49, 51], 100)
    assert attributes.p_prime_limits(series, NORMAL).sigma == pytest.approx([0.05] * 4)
    asked = ChartOptions(settings={"narrow": True})
    narrow = attributes.p_prime_limits(series, asked).sigma
    assert narrow == pytest.approx([0.05 * 0.4 / 1.128] * 4, rel=1e-12)


def test_additive_by_hand():
    # Squared ranges 0.04; chance takes 0.0025 + 0.0025; half of the rest is tau^2.
    limits = attributes.p_additive_limits(flat([40, 60, 40, 60], 100), NORMAL)
    assert limits.sigma == pytest.approx([(0.0025 + 0.0175) ** 0.5] * 4, rel=1e-12)
    quiet = attributes.p_additive_limits(flat([49, 51, 49, 51], 100), NORMAL)
    assert quiet.sigma == pytest.approx([0.05] * 4, rel=1e-12)


def test_a_gap_and_a_left_out_point_take_their_moving_ranges():
    series = flat([40, 60, 50, 50, 90, 50], 100)
    gap = np.array([False, False, True, False, False, False])
    left_out = np.array([True, True, True, True, False, True])
    series = replace(series, gap=gap, in_baseline=left_out)
    # Ranges: 60-40 and 50-50 remain; the centre is 250 of 500.
    found = attributes.p_prime_limits(series, NORMAL).sigma[0]
    assert found == pytest.approx(0.05 * (4 + 0) / 2 / 1.128, rel=1e-12)
    found = attributes.p_additive_limits(series, NORMAL).sigma[0]
    assert found == pytest.approx((0.0025 + (0.04 / 2 - 0.005) / 2) ** 0.5, rel=1e-12)


def test_screening_reaches_laneys_charts():
    events = [50, 52, 48, 51, 49, 50, 52, 48, 51, 90]
    plain, screened = (
        attributes.p_prime_limits(
            flat(events, 100), ChartOptions(screening=screening, settings={"narrow": True})
        ).sigma[0]
        for screening in ("none", "once")
    )
    assert screened < plain / 2


# What is given, and what is judged.


@pytest.mark.parametrize("chart", [*CHARTS])
def test_a_given_centre_and_sigma_replace_the_estimates(chart):
    events = [38.0, 61.0, 45.0, 52.0]
    size = 1.0 if chart in ("c", "cp") else 100.0
    centre = 55.0 if chart in ("c", "cp") else 0.55
    series = flat(events, size, given_centre=np.array([np.nan, np.nan, centre, centre]))
    limits = CHARTS[chart](series, NORMAL)
    plain = CHARTS[chart](flat(events, size), NORMAL)
    scale = 100.0 if chart == "np" else 1.0
    assert limits.centre == pytest.approx([*plain.centre[:2], centre * scale, centre * scale])
    assert [METHODS[code] for code in limits.method] == ["normal", "normal", "given", "given"]
    chance = {"p": 0.55 * 0.45 / 100, "np": 0.55 * 0.45 * 100, "u": 0.0055, "c": 55}
    if chart in chance:
        assert limits.sigma[2:] == pytest.approx([chance[chart] ** 0.5] * 2, rel=1e-12)
    sigma = 0.5 * limits.sigma
    sigma[:1] = np.nan
    given_both = CHARTS[chart](replace(series, given_sigma=sigma), NORMAL)
    assert given_both.sigma == pytest.approx([limits.sigma[0], *sigma[1:]], rel=1e-12)
    assert given_both.ucl[2] - given_both.centre[2] == pytest.approx(3 * sigma[2])


def test_the_exact_limits_round_a_given_centre_stay_exact():
    for chart, centre in (("p", 0.02), ("np", 0.02), ("u", 0.02), ("c", 2.0)):
        series = flat([2, 3, 2, 60], 1 if chart == "c" else 100, given_centre=np.full(4, centre))
        limits = CHARTS[chart](series, ChartOptions())
        assert {METHODS[code] for code in limits.method} == {"exact"}, chart
        assert outside(limits.z).tolist() == [False, False, False, True], chart
        own = CHARTS[chart](replace(series, given_sigma=np.full(4, 0.5)), ChartOptions())
        assert {METHODS[code] for code in own.method} == {"given"}, chart


@pytest.mark.parametrize(
    ("chart", "events", "size", "method"),
    [
        ("u", [5, 5, 5], [50, 50, 50], "normal"),  # expects exactly 5
        ("u", [5, 5, 5], [50, 50, 49.9], "exact"),
        ("u", [500, 500, 0], [500, 500, 0], "normal"),  # no exposure decides nothing
        ("u", [95, 95, 95], [100, 100, 100], "normal"),  # a rate has no non-events
        ("c", [5, 5, 5], 1, "normal"),
        ("c", [5, 5, 4], 1, "exact"),
        ("np", [46, 45, 45], 50, "exact"),
        ("np", [45, 45, 45], 50, "normal"),
    ],
)
def test_auto_is_exact_where_fewer_than_5_are_expected(chart, events, size, method):
    limits = CHARTS[chart](flat(events, size), ChartOptions())
    assert {METHODS[code] for code in limits.method} == {method}


@pytest.mark.parametrize("chart", ["p", "np", "u", "c"])
def test_a_method_that_is_not_there_is_named(chart):
    with pytest.raises(ValueError, match="not 'arcsine'"):
        CHARTS[chart](flat([1, 2], 10), ChartOptions(limit_method="arcsine"))


@pytest.mark.parametrize("chart", [*CHARTS])
def test_counts_that_are_missing_are_named(chart):
    series = replace(flat([1, 2], 10), numerator=None)
    with pytest.raises(ValueError, match="needs numerators"):
        CHARTS[chart](series, ChartOptions())


# Edges.


@pytest.mark.parametrize("chart", [*CHARTS])
@pytest.mark.parametrize("events", [[], [3.0], [3.0, 4.0], [np.nan] * 4, [7.0] * 5])
def test_short_empty_and_constant_series(chart, events):
    limits = CHARTS[chart](flat(events, 20), ChartOptions())
    assert limits.centre.shape == (len(events),)
    data = ~np.isnan(np.asarray(events))
    for name in (*LINES, "sigma", "z"):
        made = getattr(limits, name)
        assert made.shape == (len(events),)
        unknown = np.isnan(made[data])
        if chart in MOVING and name != "centre" and (len(events) == 1 or len(set(events)) == 1):
            constant = chart == "additive" and len(events) > 1
            assert (unknown != constant).all(), name
        else:
            assert not unknown.any(), name


@pytest.mark.parametrize("chart", [*CHARTS])
def test_no_range_is_left_where_every_other_month_is_missing(chart):
    gap = np.array([False, True, True, True])
    limits = CHARTS[chart](replace(flat([30, 40, 35, 45], 100), gap=gap), ChartOptions())
    assert np.isnan(limits.sigma).all() == (chart in MOVING)
    assert not np.isnan(limits.centre).any()


@pytest.mark.parametrize(
    ("share", "chart"),
    [*((0.0, chart) for chart in CHARTS), *((1.0, c) for c in ("p", "np", "pp", "additive"))],
)
def test_all_zero_and_24_of_100_per_cent(share, chart):
    size = np.arange(10.0, 34.0)
    limits = CHARTS[chart](flat(share * size, size), ChartOptions())
    on = share * size if chart == "np" else np.full(24, share)
    for name in LINES:
        assert getattr(limits, name).tolist() == on.tolist(), name
    assert limits.z.tolist() == [0.0] * 24
    assert limits.neutral is None


@pytest.mark.parametrize("chart", ["pp", "up", "additive"])
def test_what_comes_after_a_frozen_constant_is_a_signal(chart):
    baseline = np.array([True] * 4 + [False])
    series = flat([0, 0, 0, 0, 1], 20, in_baseline=baseline)
    limits = CHARTS[chart](series, ChartOptions())
    assert limits.ucl.tolist() == [0] * 5
    assert limits.z[:4].tolist() == [0] * 4
    assert limits.z[4] == np.inf


def test_a_constant_rate_of_changing_exposure_is_not_estimable_whatever_rounding_does():
    size = np.arange(10.0, 400.0, 13.0)
    for narrow in (False, True):
        limits = attributes.u_prime_limits(
            flat(0.3 * size, size), ChartOptions(settings={"narrow": narrow})
        )
        assert np.isnan(limits.sigma).all()
        assert np.isnan(limits.ucl).all()


def test_no_exposure_is_no_data():
    for chart in ("u", "up"):
        limits = CHARTS[chart](flat([5, 0, 9, 7], [100, 0, 120, 90]), ChartOptions())
        assert np.isnan(limits.ucl).tolist() == [False, True, False, False], chart
        assert limits.centre == pytest.approx([21 / 310] * 4)


# Properties.


@st.composite
def counts_of_many_series(draw):
    lengths = draw(st.lists(st.integers(1, 9), min_size=1, max_size=5))
    rows = sum(lengths)
    sizes = draw(st.lists(st.integers(0, 60), min_size=rows, max_size=rows))
    events = [draw(st.integers(0, size)) for size in sizes]
    flags = st.lists(st.booleans(), min_size=rows, max_size=rows)
    gap, in_baseline = np.array(draw(flags)), np.array(draw(flags)) | draw(st.booleans())
    segments = Segments.from_lengths(lengths)
    return flat(events, sizes, gap=gap, in_baseline=in_baseline, segments=segments)


def alone(series, place):
    begin = int(series.segments.starts[place])
    rows = slice(begin, begin + int(series.segments.lengths[place]))
    arrays = ("value", "numerator", "denominator", "gap", "in_baseline")
    return rows, replace(
        series,
        **{name: getattr(series, name)[rows] for name in arrays},
        segments=series.segments.part(place, place + 1),
    )


@settings(max_examples=60, deadline=None)
@given(
    counts_of_many_series(),
    st.sampled_from([*CHARTS]),
    st.sampled_from(["auto", "normal", "exact", "mid_p", "jeffreys"]),
)
def test_lines_in_order_each_series_alone_and_verdict_as_drawn(series, chart, method):
    options = ChartOptions(limit_method=method, screening="once")
    limits = CHARTS[chart](series, options)
    value = series.value if limits.value is None else limits.value
    drawn = np.stack([getattr(limits, name) for name in LINES])
    whole = ~np.isnan(drawn).any(axis=0)
    assert (np.diff(drawn[:, whole], axis=0) >= -1e-12).all()
    assert drawn[:, whole].min(initial=0.0) >= 0
    if chart in ("p", "pp", "additive"):
        assert drawn[:, whole].max(initial=1.0) <= 1
    # Only a missing denominator, baseline or moving range leaves a point without limits.
    if chart in ("p", "np", "u"):
        unknown = (series.denominator == 0) | np.isnan(limits.centre)
        np.testing.assert_array_equal(np.isnan(limits.ucl), unknown)
    small = limits.method > 0
    beyond = (value < limits.lcl) | (value > limits.ucl)
    np.testing.assert_array_equal(outside(limits.z)[small], beyond[small])
    beyond = (value < limits.lower_warning) | (value > limits.upper_warning)
    np.testing.assert_array_equal(outside(limits.z, sigma=2.0)[small], beyond[small])
    for place in range(len(series.segments)):
        rows, one = alone(series, place)
        part = CHARTS[chart](one, options)
        for name in (*LINES, "sigma", "z", "method"):
            np.testing.assert_array_equal(getattr(part, name), getattr(limits, name)[rows])
        if limits.neutral is not None:
            neutral = False if part.neutral is None else part.neutral
            np.testing.assert_array_equal(limits.neutral[rows], neutral)


@pytest.mark.parametrize("chart", [*CHARTS])
def test_no_input_is_written_to(chart):
    series = flat([3, 0, 9, 20, 4, 6], 20, in_baseline=np.array([True] * 5 + [False]))
    arrays = ("value", "numerator", "denominator", "gap", "in_baseline")
    before = {name: getattr(series, name).copy() for name in arrays}
    for method in ("normal", "exact", "mid_p", "jeffreys"):
        CHARTS[chart](series, ChartOptions(limit_method=method))
    for name in arrays:
        np.testing.assert_array_equal(getattr(series, name), before[name], err_msg=name)


@pytest.mark.parametrize("chart", ["u", "up", "c", "cp", "np", "pp", "additive"])
def test_four_times_the_exposure_halves_the_width(chart):
    events, size = np.array([200, 300, 220, 280]), np.array([1000, 1100, 900, 1000])
    small, large = (CHARTS[chart](flat(k * events, k * size), NORMAL) for k in (1, 4))
    ratio = {"c": 2, "np": 2, "u": 0.5, "up": 0.5 * 2, "cp": 4, "pp": 1, "additive": 1}[chart]
    # Where more than chance is seen, four times the counts show it all the same.
    rtol = 0.2 if chart == "additive" else 1e-9
    np.testing.assert_allclose(large.sigma, ratio * small.sigma, rtol=rtol)


def test_the_engine_judges_what_is_plotted(four_rules):
    events = np.array([2.0, 3, 2, 3, 2, 3, 2, 14])
    charted = engine.chart(
        flat(events, 50), ChartOptions(), limits=attributes.np_limits, rules=four_rules
    )
    assert charted.limits.value.tolist() == events.tolist()
    assert charted.fired[-1] & 1


def test_months_at_100_per_cent_count_for_neither_side(four_rules):
    events = np.full(24, 12.0)
    events[9] = 11
    series = flat(events, 12)
    for chart, method in ((c, m) for c in ("p", "np") for m in ("auto", "mid_p", "jeffreys")):
        charted = engine.chart(
            series, ChartOptions(limit_method=method), limits=CHARTS[chart], rules=four_rules
        )
        assert charted.side.tolist() == [0] * 9 + [-1] + [0] * 14, (chart, method)
        assert not charted.fired.any(), (chart, method)
    none = flat(12 - events, 12)
    charted = engine.chart(none, ChartOptions(), limits=attributes.u_limits, rules=four_rules)
    assert charted.side.tolist() == [0] * 9 + [1] + [0] * 14
    assert not charted.fired.any()
    charted = engine.chart(series, NORMAL, limits=p_limits, rules=four_rules)
    assert (charted.side[10:] == 1).all()


def test_a_line_in_counts_has_the_same_counts_beyond_it_as_in_proportions():
    # 1/49 of 49 is less than 1 to a computer; 1 of 49 lies on the line all the same.
    cases = np.arange(1.0, 400.0)[:, None]
    count = np.arange(1.0, 41.0)
    for line in (count / cases, np.nextafter(count / cases, 0), np.nextafter(count / cases, 9)):
        for upper in (True, False):
            drawn = attributes._in_counts(line, cases + 0 * count, upper=upper)
            share = count / cases
            beyond = share > line if upper else share < line
            np.testing.assert_array_equal(count > drawn if upper else count < drawn, beyond)
