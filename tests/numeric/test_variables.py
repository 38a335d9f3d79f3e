import csv
import re
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spcbench.numeric.baseline import means, medians
from spcbench.numeric.engine import chart
from spcbench.numeric.limits import METHODS, ChartOptions, Limits, Series
from spcbench.numeric.rules import outside
from spcbench.numeric.segments import Segments
from spcbench.numeric.variables import (
    RANGE_SIGMA,
    i_limits,
    i_prime_limits,
    mr_limits,
    run_limits,
)

GOLDEN = Path(__file__).parents[2] / ".." / "shared" / "golden"
LINES = ("lcl", "lower_warning", "centre", "upper_warning", "ucl")
THEIRS = ("lcl", "lcl.95", "cl", "ucl.95", "ucl")
RTOL = 1e-9  # same closed form, other order of operations
PLAIN = ChartOptions()
CHARTS = {"run": run_limits, "i": i_limits, "mr": mr_limits, "ip": i_prime_limits}
JUDGED = ("sigma", "lcl", "ucl", "lower_warning", "upper_warning", "z")
FORMS = [
    (i_limits, {}),
    (i_limits, {"factor": "2.66"}),
    (i_limits, {"centre_line": "median"}),
    (i_limits, {"moving_range": "median"}),
    (mr_limits, {}),
    (i_prime_limits, {}),
    (run_limits, {}),
]


def values(value, *, lengths=None, in_baseline=None, gap=None, **more):
    array = np.asarray(value, dtype=np.float64)
    return Series(
        value=array,
        in_baseline=np.ones(array.size, bool)
        if in_baseline is None
        else np.asarray(in_baseline, bool),
        gap=np.zeros(array.size, bool) if gap is None else np.asarray(gap, bool),
        segments=Segments.from_lengths(
            [array.size] if lengths is None and array.size else lengths or []
        ),
        **{name: np.asarray(one, dtype=np.float64) for name, one in more.items()},
    )


def read(name, case=None):
    path = GOLDEN / name
    if not path.exists():
        pytest.skip("the golden folder is not beside this repository")
    with path.open(newline="", encoding="utf-8") as handle:
        return [row for row in csv.DictReader(handle) if case is None or row["case_id"] == case]


def column(rows, name):
    return np.array([float(row[name]) if row[name] not in ("", "NA") else np.nan for row in rows])


def lengths_of(rows, *names):
    keys = [tuple(row[name] for name in names) for row in rows]
    return [keys.count(key) for key in dict.fromkeys(keys)]


def qic(case, *, kind):
    """One case of qicharts2 as our series, with its rows."""
    rows = read("qicharts2_points.csv", case)
    size = column(rows, "n")
    series = values(
        column(rows, "y.sum" if kind == "mr" else "y"),
        lengths=lengths_of(rows, "facet1", "facet2", "part"),
        in_baseline=[row["baseline"] == row["include"] == "TRUE" for row in rows],
        **({} if np.isnan(size).all() else {"denominator": size}),
    )
    return series, rows


def kind_of(call):
    return re.search(r"chart='(\w+)'", call).group(1)


# --- by hand -------------------------------------------------------------------------


def test_individuals_by_hand():
    # Ranges 2, 3, 4: mean 3, so sigma is 3 / 1.128 round the mean of 11.
    limits = i_limits(values([10, 12, 9, 13]), PLAIN)
    assert limits.centre == pytest.approx([11] * 4)
    assert limits.sigma == pytest.approx([3 / 1.128] * 4, rel=1e-15)
    assert limits.ucl == pytest.approx([11 + 9 / 1.128] * 4, rel=1e-15)
    assert limits.lower_warning == pytest.approx([11 - 6 / 1.128] * 4, rel=1e-15)
    assert limits.z == pytest.approx(np.array([-1, 1, -2, 2]) * 1.128 / 3, rel=1e-14)
    assert limits.value is None
    assert {METHODS[code] for code in limits.method} == {"normal"}


@pytest.mark.parametrize(
    ("chosen", "centre", "distance"),
    [
        # Values 1, 2, 4, 9, ranges 1, 2, 5: means 4 and 8/3, medians 3 and 2.
        ({}, 4, 3 * (8 / 3) / 1.128),
        ({"factor": "2.66"}, 4, 2.66 * (8 / 3)),
        ({"centre_line": "median"}, 3, 3 * (8 / 3) / 1.128),
        ({"moving_range": "median"}, 4, 3 * 2 / 0.954),
        ({"moving_range": "median", "factor": "2.66"}, 4, 3.145 * 2),
    ],
)
def test_what_the_analyst_may_choose_for_individuals(chosen, centre, distance):
    limits = i_limits(values([1, 2, 4, 9]), ChartOptions(settings=chosen))
    assert limits.centre[0] == pytest.approx(centre, rel=1e-15)
    assert limits.ucl[0] - centre == pytest.approx(distance, rel=1e-14)
    assert centre - limits.lcl[0] == pytest.approx(distance, rel=1e-14)  # below 0: not clipped


def test_moving_ranges_by_hand():
    limits = mr_limits(values([10, 12, 9, 13]), PLAIN)
    np.testing.assert_array_equal(limits.value, [np.nan, 2, 3, 4])
    assert limits.centre == pytest.approx([3] * 4)
    assert limits.lcl.tolist() == [0] * 4
    assert limits.ucl == pytest.approx([3 * 3.267] * 4, rel=1e-15)
    assert limits.upper_warning == pytest.approx([3 * (1 + 2 * 2.267 / 3)] * 4, rel=1e-15)
    np.testing.assert_allclose(
        limits.z, np.array([np.nan, -1, 0, 1]) / (3 * RANGE_SIGMA), rtol=1e-14
    )


def test_the_printed_constants_are_near_the_exact_ones():
    d2, d3 = 2 / np.sqrt(np.pi), np.sqrt(2 - 4 / np.pi)
    assert pytest.approx(d3 / d2, rel=3e-4) == RANGE_SIGMA
    assert mr_limits(values([1, 2, 4]), ChartOptions(sigma=2)).ucl[0] == pytest.approx(
        1.5 * (1 + 2 * d3 / d2), rel=3e-4
    )


def test_i_prime_by_hand():
    series = values([0.2, 0.3, 0.1], denominator=[50, 50, 200])
    limits = i_prime_limits(series, PLAIN)
    s = np.sqrt(np.pi / 2) * np.array([0.1 / np.sqrt(2 / 50), 0.2 / np.sqrt(1 / 50 + 1 / 200)])
    assert limits.centre == pytest.approx([(10 + 15 + 20) / 300] * 3, rel=1e-14)
    assert limits.sigma == pytest.approx(s.mean() / np.sqrt([50, 50, 200]), rel=1e-14)


def test_i_prime_of_equal_denominators_is_the_exact_individuals_chart():
    draw = np.random.default_rng(3).normal(5, 1, 30)
    plain = i_limits(values(draw), PLAIN)
    for more in ({}, {"denominator": np.full(30, 40.0)}):
        prime = i_prime_limits(values(draw, **more), PLAIN)
        np.testing.assert_allclose(prime.centre, plain.centre, rtol=1e-14)
        np.testing.assert_allclose(prime.sigma, plain.sigma * 1.128 * np.sqrt(np.pi) / 2, 1e-14)


def test_i_prime_leaves_out_points_without_cases():
    with_none = values([0.2, np.nan, 0.3, 0.1, 0.9], denominator=[50, 0, 50, 200, np.nan])
    limits = i_prime_limits(with_none, PLAIN)
    assert limits.centre == pytest.approx([0.15] * 5, rel=1e-14)
    s = np.sqrt(np.pi / 2) * 0.2 / np.sqrt(1 / 50 + 1 / 200)  # the range over the gap is none
    np.testing.assert_allclose(limits.sigma, s / np.sqrt([50, np.nan, 50, 200, np.nan]), rtol=1e-14)
    assert np.isnan(limits.z).tolist() == [False, True, False, False, True]


def test_run_by_hand():
    limits = run_limits(values([3, 1, np.nan, 9, 2, 8], lengths=[4, 2]), PLAIN)
    assert limits.centre.tolist() == [3, 3, 3, 3, 5, 5]
    for name in JUDGED:
        assert np.isnan(getattr(limits, name)).all(), name


# --- other tools ---------------------------------------------------------------------

DIFFER = {"cdi_i_exclude", "cdi_ip_freeze24"}  # on purpose; tested below


def test_every_run_i_and_i_prime_chart_of_qicharts2():
    cases = read("qicharts2_cases.csv")
    wanted = {
        case["case_id"]: case
        for case in cases
        if kind_of(case["call"]) in ("run", "i", "ip") and case["case_id"] not in DIFFER
    }
    assert len(wanted) == 36
    flagged = 0
    for case, of in wanted.items():
        kind = kind_of(of["call"])
        series, rows = qic(case, kind=kind)
        screening = "once" if of["screened_mr"] == "TRUE" else "none"
        limits = CHARTS[kind](series, ChartOptions(screening=screening))
        for ours, theirs in zip(LINES, THEIRS, strict=True):
            np.testing.assert_allclose(
                getattr(limits, ours), column(rows, theirs), rtol=RTOL, err_msg=f"{case} {theirs}"
            )
        signal = [row["sigma.signal"] == "TRUE" for row in rows]
        assert outside(limits.z).tolist() == signal, case
        flagged += sum(signal)
    assert flagged == 640


@pytest.mark.parametrize("case", ["cdi_mr", "ae_nat_att_mr"])
def test_moving_range_charts_of_qicharts2_but_for_the_warning_line(case):
    series, rows = qic(case, kind="mr")
    limits = mr_limits(series, ChartOptions(screening="once"))
    np.testing.assert_allclose(limits.value, column(rows, "y"), rtol=RTOL)
    for ours, theirs in (("lcl", "lcl"), ("centre", "cl"), ("ucl", "ucl")):
        np.testing.assert_allclose(getattr(limits, ours), column(rows, theirs), rtol=RTOL)
    assert outside(limits.z).tolist() == [row["sigma.signal"] == "TRUE" for row in rows]
    # Theirs is two thirds of the way from 0, not from the centre: 1.6 sigma, not 2.
    np.testing.assert_allclose(column(rows, "ucl.95"), limits.centre * 3.267 * 2 / 3, rtol=RTOL)
    np.testing.assert_allclose(limits.upper_warning, limits.centre * (1 + 2.267 * 2 / 3), RTOL)


def test_an_excluded_point_is_not_bridged_by_a_moving_range():
    # qic(month, n, data=d, chart='i', exclude=c(3,10)), qicharts2 0.8.1: it takes the range
    # from month 2 to month 4 as if they were neighbours.
    series, rows = qic("cdi_i_exclude", kind="i")
    limits = i_limits(series, ChartOptions(screening="once"))
    np.testing.assert_allclose(limits.centre, column(rows, "cl"), rtol=RTOL)
    assert column(rows, "ucl")[0] == pytest.approx(24.428622, abs=1e-6)
    assert limits.ucl[0] == pytest.approx(24.223613, abs=1e-6)
    kept = values(series.value[series.in_baseline])
    bridged = i_limits(kept, ChartOptions(screening="once"))
    np.testing.assert_allclose(bridged.ucl, column(rows, "ucl")[0], rtol=RTOL)


def test_a_freeze_reaches_the_sigma_of_i_prime():
    # qic(..., chart='ip', multiply=10000, freeze=24), qicharts2 0.8.1: only the centre freezes.
    series, rows = qic("cdi_ip_freeze24", kind="ip")
    screened = ChartOptions(screening="once")
    limits = i_prime_limits(series, screened)
    whole = i_prime_limits(replace(series, in_baseline=np.ones(36, bool)), screened)
    np.testing.assert_allclose(limits.centre, column(rows, "cl"), rtol=RTOL)
    theirs = column(rows, "ucl") - column(rows, "cl")
    np.testing.assert_allclose(whole.ucl - whole.centre, theirs, rtol=RTOL)
    assert theirs[0] == pytest.approx(7.847487, abs=1e-6)
    assert (limits.ucl - limits.centre)[0] == pytest.approx(8.291059, abs=1e-6)
    alone = i_prime_limits(values(series.value[:24], denominator=series.denominator[:24]), screened)
    np.testing.assert_allclose(limits.sigma[:24], alone.sigma, rtol=1e-14)


def test_every_chart_of_nhsrplotthedots():
    cases = {case["case_id"]: case["call"] for case in read("ptd_cases.csv")}
    rows = read("ptd_points.csv")
    keys = ("case_id", "f", "rebase_group")
    for screened in (True, False):
        some = [
            row
            for row in rows
            if ("screen_outliers=FALSE" not in cases[row["case_id"]]) is screened
        ]
        assert some
        series = values(
            column(some, "y"),
            lengths=lengths_of(some, *keys),
            in_baseline=[row["fix_y"] not in ("", "NA") for row in some],
        )
        limits = i_limits(
            series,
            ChartOptions(screening="once" if screened else "none", settings={"factor": "2.66"}),
        )
        for ours, theirs in (("lcl", "lpl"), ("centre", "mean_col"), ("ucl", "upl")):
            np.testing.assert_allclose(getattr(limits, ours), column(some, theirs), rtol=RTOL)
        beyond = [row["outside_limits"] == "TRUE" for row in some]
        assert outside(limits.z).tolist() == beyond


@pytest.mark.parametrize("case", ["cdi_xbarone", "ae_nat_att_xbarone"])
def test_charts_of_qcc(case):
    rows = read("qcc_points.csv", case)
    (summary,) = read("qcc_cases.csv", case)
    limits = i_limits(values(column(rows, "statistic")), PLAIN)
    np.testing.assert_allclose(limits.sigma, float(summary["std_dev"]), rtol=RTOL)
    for ours, theirs in (("lcl", "lcl"), ("centre", "center"), ("ucl", "ucl")):
        np.testing.assert_allclose(getattr(limits, ours), column(rows, theirs), rtol=RTOL)


# --- what stays out ------------------------------------------------------------------


def test_no_moving_range_over_a_gap_missing_data_or_a_segment():
    at = [1.0, 2.0, 9.0, 10.0]
    assert i_limits(values(at, gap=[0, 0, 1, 0]), PLAIN).sigma[0] == pytest.approx(1 / 1.128)
    split = i_limits(values(at, lengths=[2, 2]), PLAIN)
    assert split.sigma == pytest.approx([1 / 1.128] * 4)
    assert split.centre.tolist() == [1.5, 1.5, 9.5, 9.5]
    missing = i_limits(values([1.0, 2.0, np.nan, 9.0, 10.0]), PLAIN)
    assert missing.sigma == pytest.approx([1 / 1.128] * 5)
    assert np.isnan(missing.z).tolist() == [False, False, True, False, False]
    ranges = mr_limits(values(at, gap=[0, 0, 1, 0]), PLAIN)
    np.testing.assert_array_equal(ranges.value, [np.nan, 1, np.nan, 1])


def test_points_outside_the_baseline_get_limits_and_feed_none():
    later = [True] * 4 + [False] * 3
    for judge, chosen in FORMS:
        one, other = (
            judge(
                values([1, 2, 4, 9, *end], in_baseline=later, denominator=[9.0] * 7),
                ChartOptions(settings=chosen),
            )
            for end in ([5, 5, 5], [50, -70, 500])
        )
        for name in ("centre", *JUDGED[:-1]):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def test_excluded_points_have_no_moving_range():
    excluded = np.array([False, False, True, False, False])
    series = replace(values([1, 2, 90, 3, 5], in_baseline=~excluded), excluded=excluded)
    limits = mr_limits(series, PLAIN)
    np.testing.assert_array_equal(limits.value, [np.nan, 1, np.nan, np.nan, 2])
    assert limits.centre[0] == 1.5
    frozen = mr_limits(values([1, 2, 90, 3], in_baseline=[True, True, False, False]), PLAIN)
    np.testing.assert_array_equal(frozen.value, [np.nan, 1, 88, 87])
    assert frozen.centre[0] == 1


def test_screening_is_the_choice_of_the_analyst():
    series = values([0, 1, 0, 1, 0, 1, 0, 20, 0, 1, 0, 1, 0])
    none, once = (i_limits(series, ChartOptions(screening=word)) for word in ("none", "once"))
    assert none.sigma[0] == pytest.approx(50 / 12 / 1.128)
    assert once.sigma[0] == pytest.approx(1 / 1.128)
    ranges = [mr_limits(series, ChartOptions(screening=word)) for word in ("none", "once")]
    np.testing.assert_array_equal(ranges[0].ucl, ranges[1].ucl)  # it judges them itself


# --- edges ---------------------------------------------------------------------------


@pytest.mark.parametrize("screening", ["none", "once", "iterative"])
@pytest.mark.parametrize("judge", [i_limits, mr_limits, i_prime_limits])
@pytest.mark.parametrize("level", [0.0, 1.0])
def test_a_constant_series_has_a_centre_and_no_limits(judge, level, screening):
    # Such limits would be those of NHSRplotthedots: NaN, by 0/0 in screening.
    limits = judge(values([level] * 24), ChartOptions(screening=screening))
    assert limits.centre.tolist() == [0.0 if judge is mr_limits else level] * 24
    for name in JUDGED:
        assert np.isnan(getattr(limits, name)).all(), name


@pytest.mark.parametrize("screening", ["none", "once", "iterative"])
def test_one_dip_in_24_months_does_not_flag_the_others(screening, four_rules):
    # NHSRplotthedots and PowerBI screen both ranges away: sigma 0, 24 of 24 outside.
    dip = [1.0] * 23 + [0.9]
    dip[10], dip[23] = dip[23], dip[10]
    limits = i_limits(values(dip), ChartOptions(screening=screening))
    assert limits.sigma[0] == pytest.approx(0.2 / 23 / 1.128)
    assert outside(limits.z).tolist() == [at == 10 for at in range(24)]
    flat = chart(values([1.0] * 24), PLAIN, limits=i_limits, rules=four_rules)
    assert not flat.fired.any()


def test_a_median_moving_range_of_zero_leaves_no_limits():
    chosen = ChartOptions(settings={"moving_range": "median"})
    limits = i_limits(values([1, 1, 1, 1, 2]), chosen)
    assert limits.centre[0] == pytest.approx(1.2)
    assert np.isnan(limits.ucl).all()


@pytest.mark.parametrize(("judge", "chosen"), FORMS)
def test_nothing_one_two_points_and_no_data(judge, chosen):
    options = ChartOptions(settings=chosen)
    assert judge(values([]), options).centre.size == 0
    one = judge(values([5.0]), options)
    assert np.isnan(one.sigma).all()
    if judge is not mr_limits:
        assert one.centre.tolist() == [5.0]
    none = judge(values([np.nan] * 3), options)
    for name in ("centre", *JUDGED):
        assert np.isnan(getattr(none, name)).all(), name
    alternating = judge(values([1.0, np.nan, 2.0, np.nan, 3.0]), options)
    assert np.isnan(alternating.sigma).all()
    if judge is not mr_limits:
        assert alternating.centre.tolist() == [2.0] * 5
    unused = judge(values([1.0, 2.0, 4.0], in_baseline=[False] * 3), options)
    for name in ("centre", *JUDGED):
        assert np.isnan(getattr(unused, name)).all(), name


def test_two_points_have_one_range():
    limits = i_limits(values([1.0, 3.0]), PLAIN)
    assert (limits.centre[0], limits.sigma[0]) == (2.0, pytest.approx(2 / 1.128))


# --- given values --------------------------------------------------------------------


@pytest.mark.parametrize(("judge", "chosen"), FORMS)
def test_a_given_centre_replaces_the_estimate(judge, chosen):
    centre = [np.nan, np.nan, np.nan, 7, 7, 7]
    series = values([1, 2, 4, 1, 2, 4], lengths=[3, 3], given_centre=centre)
    limits = judge(series, ChartOptions(settings=chosen))
    assert limits.centre[3:].tolist() == [7] * 3
    assert limits.centre[0] < 7
    assert [METHODS[code] for code in limits.method] == ["normal"] * 3 + ["given"] * 3
    if judge in (i_limits, i_prime_limits):
        np.testing.assert_allclose(limits.sigma[3:], limits.sigma[:3], rtol=1e-15)
        assert limits.ucl[3] == pytest.approx(7 + 3 * limits.sigma[3])


@pytest.mark.parametrize("judge", [i_limits, mr_limits, i_prime_limits])
def test_a_given_sigma_replaces_the_estimate(judge):
    sigma = [np.nan, np.nan, np.nan, 0.5, 0.5, 0.5]
    series = values([1, 2, 4, 3, 3, 3], lengths=[3, 3], given_sigma=sigma, denominator=[4] * 6)
    limits = judge(series, PLAIN)
    assert limits.sigma[3:].tolist() == [0.5] * 3  # even where none could be estimated
    assert limits.ucl[4] == pytest.approx(limits.centre[4] + 1.5)
    assert [METHODS[code] for code in limits.method] == ["normal"] * 3 + ["given"] * 3


def test_a_wrong_word_is_refused_by_name():
    with pytest.raises(ValueError, match=r"^factor must be one of 1\.128, 2\.66, not '2\.65'$"):
        i_limits(values([1, 2]), ChartOptions(settings={"factor": "2.65"}))


# --- properties ----------------------------------------------------------------------


@st.composite
def many_series(draw):
    lengths = draw(st.lists(st.integers(1, 12), min_size=1, max_size=6))
    size = sum(lengths)
    # A unit so small that a quarter of it is nothing would change the picture.
    some = st.floats(-50, 50).map(lambda one: round(one, 9))
    number = st.one_of(st.just(np.nan), st.integers(-4, 9).map(float), some)
    array = draw(st.lists(number, min_size=size, max_size=size))
    flags = st.lists(st.booleans(), min_size=size, max_size=size)
    sizes = draw(st.lists(st.integers(0, 60), min_size=size, max_size=size))
    in_baseline = [not out for out in draw(flags)] if draw(st.booleans()) else [True] * size
    gap = draw(flags) if draw(st.booleans()) else [False] * size
    return values(array, lengths=lengths, in_baseline=in_baseline, gap=gap, denominator=sizes)


@settings(max_examples=60, deadline=None)
@given(many_series(), st.sampled_from(FORMS), st.sampled_from(["none", "once", "iterative"]))
def test_many_series_together_equal_each_alone(series, form, screening):
    judge, chosen = form
    options = ChartOptions(settings=chosen, screening=screening)
    together = judge(series, options)
    for at, first in enumerate(series.segments.starts):
        rows = slice(int(first), int(first + series.segments.lengths[at]))
        cut = {name: getattr(series, name)[rows] for name in ("value", "denominator")}
        alone = judge(
            values(
                cut.pop("value"), in_baseline=series.in_baseline[rows], gap=series.gap[rows], **cut
            ),
            options,
        )
        for field in fields(Limits):
            one, all_of_them = getattr(alone, field.name), getattr(together, field.name)
            if one is not None:
                np.testing.assert_array_equal(one, all_of_them[rows], err_msg=field.name)


@settings(max_examples=60, deadline=None)
@given(many_series(), st.sampled_from(FORMS), st.floats(0.5, 4))
def test_lines_are_in_order_and_agree_with_z(series, form, multiple):
    judge, chosen = form
    options = ChartOptions(settings=chosen, sigma=multiple)
    limits = judge(series, options)
    plotted = series.value if limits.value is None else limits.value
    judged = ~np.isnan(limits.sigma)
    drawn = np.stack([getattr(limits, name)[judged] for name in LINES])
    assert (np.diff(drawn, axis=0) >= 0).all()
    assert (limits.sigma[judged] > 0).all()
    seen = judged & ~np.isnan(plotted)
    np.testing.assert_array_equal(np.isnan(limits.z), ~seen)
    clear = seen & (np.abs(np.abs(limits.z) - multiple) > 1e-9)
    beyond = (plotted > limits.ucl) | (plotted < limits.lcl)
    np.testing.assert_array_equal(outside(limits.z, sigma=multiple)[clear], beyond[clear])


@settings(max_examples=40, deadline=None)
@given(many_series(), st.sampled_from(FORMS[:4]), st.sampled_from([0.25, 2.0, 8.0]))
def test_another_unit_changes_the_scale_and_no_score(series, form, factor):
    judge, chosen = form
    options = ChartOptions(settings=chosen)
    one = judge(series, options)
    other = judge(replace(series, value=series.value * factor), options)
    np.testing.assert_array_equal(other.ucl, one.ucl * factor)  # powers of two: to the last bit
    np.testing.assert_array_equal(other.z, one.z)


@settings(max_examples=60, deadline=None)
@given(many_series())
def test_quick_medians_are_the_medians(series):
    masked = np.where(series.in_baseline, series.value, np.nan)
    np.testing.assert_array_equal(medians(masked, series.segments), one_by_one(masked, series))


def one_by_one(values, series):
    parts = np.split(values, series.segments.starts[1:])
    known = [part[~np.isnan(part)] for part in parts]
    return [np.median(part) if part.size else np.nan for part in known]


def test_medians_and_means_of_odd_shapes():
    lengths = [400, *[2] * 50]  # a table of these would be nearly empty
    draw = np.random.default_rng(1).normal(size=500)
    segments = Segments.from_lengths(lengths)
    np.testing.assert_array_equal(
        medians(draw, segments), [np.median(part) for part in np.split(draw, segments.starts[1:])]
    )
    assert medians(draw[:0], Segments.from_lengths([])).size == 0
    weights = np.array([1.0, 3.0, np.nan, 0.0])
    found = means(np.array([2.0, 6.0, np.nan, 9.0]), Segments.from_lengths([3, 1]), weights=weights)
    np.testing.assert_array_equal(found, [5.0, np.nan])


@pytest.mark.parametrize(("judge", "chosen"), FORMS)
def test_nothing_is_written_into_the_series(judge, chosen):
    series = values(
        [1, 2, np.nan, 9],
        denominator=[0, 4, 5, 6],
        in_baseline=[True, True, True, False],
        given_sigma=[np.nan, np.nan, np.nan, 0.0],
        given_centre=[np.nan, 1, 2, 3],
    )
    held = {field.name: getattr(series, field.name) for field in fields(Series)}
    before = {name: one.copy() for name, one in held.items() if isinstance(one, np.ndarray)}
    judge(series, ChartOptions(settings=chosen))
    for name, one in before.items():
        np.testing.assert_array_equal(one, getattr(series, name), err_msg=name)
