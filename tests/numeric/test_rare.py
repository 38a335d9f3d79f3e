import csv
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from spcbench.numeric.engine import chart
from spcbench.numeric.limits import METHODS, ChartOptions, Limits, Series
from spcbench.numeric.rare import g_limits, t_limits
from spcbench.numeric.rules import outside, side_of
from spcbench.numeric.segments import Segments

GOLDEN = Path(__file__).parents[2] / ".." / "shared" / "golden"
LINES = ("lcl", "lower_warning", "centre", "upper_warning", "ucl")
THEIRS = ("lcl", "lcl.95", "cl", "ucl.95", "ucl")
RTOL = 1e-9  # same closed form, other order of operations
PLAIN = ChartOptions()
ALPHA = {multiple: stats.norm.sf(multiple) for multiple in (1.0, 2.0, 3.0)}
FORMS = [
    (g_limits, {}),
    (g_limits, {"form": "classic"}),
    (g_limits, {"form": "inclusive"}),
    (t_limits, {}),
    (t_limits, {"times": "continuous"}),
    (t_limits, {"times": "whole"}),
    (t_limits, {"form": "nelson"}),
]
EXACT = [form for form in FORMS if "form" not in form[1]]


def waits(value, *, lengths=None, in_baseline=None, gap=None, **more):
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


def read(name, case):
    path = GOLDEN / name
    if not path.exists():
        pytest.skip("the golden folder is not beside this repository")
    with path.open(newline="", encoding="utf-8") as handle:
        return [row for row in csv.DictReader(handle) if row["case_id"] == case]


def column(rows, name):
    return np.array([float(row[name]) if row[name] not in ("", "NA") else np.nan for row in rows])


def words(limits):
    return [METHODS[code] for code in limits.method]


# --- g by hand -----------------------------------------------------------------------


def test_probability_limits_of_g_by_hand():
    # Mean 9: nine in ten cases pass without an event, and half of all waits exceed 6.58.
    series = waits([4, 20, 0, 12, 9])
    limits = g_limits(series, PLAIN)
    assert limits.centre == pytest.approx([np.log(0.5) / np.log(0.9)] * 5, rel=1e-14)
    assert limits.sigma == pytest.approx([np.sqrt(90)] * 5, rel=1e-14)
    assert limits.ucl == pytest.approx([np.log(ALPHA[3]) / np.log(0.9)] * 5, rel=1e-13)
    assert limits.upper_warning == pytest.approx([np.log(ALPHA[2]) / np.log(0.9)] * 5, rel=1e-13)
    assert limits.lcl.tolist() == [0] * 5
    upper = stats.norm.isf(0.9 ** np.array([20, 12, 9]))  # P(X >= x)
    lower = stats.norm.ppf(1 - 0.9 ** np.array([5, 1]))  # P(X <= x)
    assert limits.z == pytest.approx([lower[0], upper[0], lower[1], *upper[1:]], rel=1e-12)
    assert words(limits) == ["exact"] * 5


def test_the_lower_limit_of_g_counts_the_point_itself():
    # ln(1 − α)/ln(1 − p) alone would lie above 0 at any mean, and flag every wait of 0 cases,
    # which at a mean of 9 are one in ten; it is the limit of P(X < x), not of P(X <= x).
    assert np.log1p(-ALPHA[3]) / np.log(0.9) > 0
    assert g_limits(waits([9, 9, 0, 18]), PLAIN).z[2] == pytest.approx(stats.norm.ppf(0.1))
    # Only where 0 cases are rarer than that can few be too few: a mean above 740.
    limits = g_limits(waits([2000, 919, 0, 1]), PLAIN)
    assert limits.lcl[0] == 0
    rare = g_limits(waits([3000, 3100, 2900, 0, 3], in_baseline=[1, 1, 1, 0, 0]), PLAIN)
    assert rare.lcl[0] == pytest.approx(3.05, abs=0.01)
    assert outside(rare.z).tolist() == [False, False, False, True, True]


def test_classic_limits_are_round_the_mean_and_the_line_at_the_median():
    limits = g_limits(waits([4, 20, 0, 12, 9]), ChartOptions(settings={"form": "classic"}))
    assert limits.centre.tolist() == [9] * 5
    limits = g_limits(waits([4, 21, 0, 12, 8]), ChartOptions(settings={"form": "classic"}))
    assert limits.centre.tolist() == [8] * 5
    assert limits.ucl == pytest.approx([9 + 3 * np.sqrt(90)] * 5)
    assert limits.lcl.tolist() == [0] * 5
    assert limits.z == pytest.approx((np.array([4, 21, 0, 12, 8]) - 9) / np.sqrt(90))
    assert words(limits) == ["normal"] * 5


@pytest.mark.parametrize("case", ["cabg_deaths_g", "cabg_deaths_g_freeze30"])
def test_classic_g_charts_of_qicharts2(case):
    rows = read("qicharts2_points.csv", case)
    series = waits(column(rows, "y"), in_baseline=[row["baseline"] == "TRUE" for row in rows])
    limits = g_limits(series, ChartOptions(settings={"form": "classic"}))
    for ours, theirs in zip(LINES, THEIRS, strict=True):
        np.testing.assert_allclose(getattr(limits, ours), column(rows, theirs), rtol=RTOL)
    assert outside(limits.z).tolist() == [row["sigma.signal"] == "TRUE" for row in rows]


def test_the_default_g_chart_is_not_that_of_qicharts2():
    # qic(dd, data=d, chart='g'), qicharts2 0.8.1: 1 of 67 waits above 128.2.
    rows = read("qicharts2_points.csv", "cabg_deaths_g")
    limits = g_limits(waits(column(rows, "y")), PLAIN)
    assert column(rows, "ucl")[0] == pytest.approx(128.1749, abs=1e-4)
    assert limits.ucl[0] == pytest.approx(212.564284, abs=1e-6)
    assert column(rows, "cl")[0] == 24
    assert limits.centre[0] == pytest.approx(22.297, abs=1e-3)
    assert sum(row["sigma.signal"] == "TRUE" for row in rows) == 1
    assert outside(limits.z).sum() == 0
    mean = np.nanmean(limits.centre) / np.log(2) - 0.5  # near enough
    theirs = stats.geom.sf(np.floor(128.1749), 1 / (mean + 1), loc=-1)
    assert theirs > 13 * ALPHA[3]
    assert stats.geom.sf(np.floor(limits.ucl[0]), 1 / (mean + 1), loc=-1) < ALPHA[3]


def test_the_inclusive_g_chart_of_qcc():
    rows = read("qcc_points.csv", "cabg_deaths_g")
    limits = g_limits(
        waits(column(rows, "statistic")), ChartOptions(settings={"form": "inclusive"})
    )
    for ours, theirs in (("lcl", "lcl"), ("centre", "center"), ("ucl", "ucl")):
        np.testing.assert_allclose(getattr(limits, ours), column(rows, theirs), rtol=RTOL)
    (summary,) = read("qcc_cases.csv", "cabg_deaths_g")
    np.testing.assert_allclose(limits.sigma, float(summary["std_dev"]), rtol=RTOL)
    assert (np.flatnonzero(outside(limits.z)) + 1).tolist() == [int(summary["beyond"])]


# --- t by hand -----------------------------------------------------------------------


def test_probability_limits_of_t_by_hand():
    series = waits([4.5, 20, 0.5, 15])
    limits = t_limits(series, PLAIN)
    assert limits.centre == pytest.approx([10 * np.log(2)] * 4, rel=1e-14)
    assert limits.sigma == pytest.approx([10] * 4)
    assert limits.lcl == pytest.approx([stats.expon.ppf(ALPHA[3], scale=10)] * 4, rel=1e-12)
    assert limits.ucl == pytest.approx([stats.expon.isf(ALPHA[3], scale=10)] * 4, rel=1e-12)
    assert limits.lower_warning == pytest.approx([stats.expon.ppf(ALPHA[2], scale=10)] * 4)
    low, high = stats.expon.cdf([4.5, 0.5], scale=10), stats.expon.sf([20, 15], scale=10)
    scores = [stats.norm.ppf(low[0]), stats.norm.isf(high[0])]
    scores += [stats.norm.ppf(low[1]), stats.norm.isf(high[1])]
    assert limits.z == pytest.approx(scores, rel=1e-12)
    assert words(limits) == ["exact"] * 4


def test_two_events_on_one_day_are_no_signal_by_themselves():
    # Days are whole: 0 may be anything below 1 day, which one wait in ten is at a mean of 10.
    days = [4, 20, 0, 16]
    limits = t_limits(waits(days), PLAIN)
    assert limits.lcl.tolist() == [0] * 4
    assert limits.z[2] == pytest.approx(stats.norm.ppf(-np.expm1(-0.1)))
    assert not outside(limits.z).any()
    hours = t_limits(waits(days), ChartOptions(settings={"times": "continuous"}))
    assert hours.lcl[0] == pytest.approx(0.0135, abs=1e-4)
    assert outside(hours.z).tolist() == [False, False, True, False]
    np.testing.assert_array_equal(hours.ucl, limits.ucl)


def test_whole_days_are_seen_in_each_baseline():
    at = [4, 20, 0, 16, 4.5, 20, 0.5, 15, 3, 5, 7, 2.5]
    inside = [True] * 11 + [False]
    limits = t_limits(waits(at, lengths=[4, 4, 4], in_baseline=inside), PLAIN)
    assert (limits.lcl > 0).tolist() == [False] * 4 + [True] * 4 + [False] * 4


def test_nelson_by_hand():
    times = np.array([1.0, 2.0, 4.0, 3.0]) ** 3.6
    limits = t_limits(waits(times), ChartOptions(settings={"form": "nelson"}))
    # Of the roots 1, 2, 4, 3: mean 2.5, ranges 1, 2, 1.
    sigma = 4 / 3 / 1.128
    assert limits.centre == pytest.approx([2.5**3.6] * 4, rel=1e-13)
    assert limits.ucl == pytest.approx([(2.5 + 3 * sigma) ** 3.6] * 4, rel=1e-13)
    assert limits.upper_warning == pytest.approx([(2.5 + 2 * sigma) ** 3.6] * 4, rel=1e-13)
    assert limits.lower_warning == pytest.approx([(2.5 - 2 * sigma) ** 3.6] * 4, rel=1e-12)
    assert limits.lcl.tolist() == [0] * 4
    assert limits.z == pytest.approx(np.array([-1.5, -0.5, 1.5, 0.5]) / sigma, rel=1e-12)
    assert limits.sigma == pytest.approx([3.6 * 2.5**2.6 * sigma] * 4, rel=1e-13)
    assert words(limits) == ["normal"] * 4


@pytest.mark.parametrize(
    ("case", "screening"),
    [
        ("cabg_deaths_t", "once"),
        ("cabg_deaths_t_freeze30", "once"),
        ("cabg_deaths_t__noscreen", "none"),
    ],
)
def test_t_charts_of_qicharts2(case, screening):
    rows = read("qicharts2_points.csv", case)
    series = waits(column(rows, "y"), in_baseline=[row["baseline"] == "TRUE" for row in rows])
    limits = t_limits(series, ChartOptions(screening=screening, settings={"form": "nelson"}))
    for ours, theirs in zip(LINES, THEIRS, strict=True):
        np.testing.assert_allclose(getattr(limits, ours), column(rows, theirs), rtol=RTOL)
    assert outside(limits.z).tolist() == [row["sigma.signal"] == "TRUE" for row in rows]


# --- the verdict and the line --------------------------------------------------------


@pytest.mark.parametrize("multiple", [1.0, 2.0, 3.0, 2.5])
@pytest.mark.parametrize("mean", [0.01, 0.4, 1.0, 9.0, 100.0, 750.0, 3000.0])
def test_beyond_the_line_is_beyond_k_and_a_rare_tail(mean, multiple):
    count = np.arange(0.0, 12 * mean + 60)
    base = np.array([np.floor(mean), np.ceil(mean), mean])  # only its mean matters
    value = np.concatenate([base, count])
    inside = np.arange(value.size) < 3
    base_mean = base.mean()
    limits = g_limits(waits(value, in_baseline=inside), ChartOptions(sigma=multiple))
    chance = stats.geom(1 / (base_mean + 1), loc=-1)
    alpha = stats.norm.sf(multiple)
    high, low = chance.sf(count - 1) < alpha, chance.cdf(count) < alpha
    beyond = (value > limits.ucl) | (value < limits.lcl)
    np.testing.assert_array_equal(outside(limits.z, sigma=multiple), beyond)
    np.testing.assert_array_equal((value > limits.ucl)[3:], high)
    np.testing.assert_array_equal((value < limits.lcl)[3:], low)
    warned = (value > limits.upper_warning) | (value < limits.lower_warning)
    np.testing.assert_array_equal(outside(limits.z, sigma=multiple * 2 / 3), warned)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.integers(0, 400).map(float) | st.floats(0, 90, allow_subnormal=False),
        min_size=2,
        max_size=30,
    ),
    st.sampled_from(EXACT),
    st.floats(0.5, 4.5),
)
def test_scores_agree_with_lines_and_sides(value, form, multiple):
    judge, chosen = form
    series = waits(value)
    limits = judge(series, ChartOptions(sigma=multiple, settings=chosen))
    drawn = np.stack([getattr(limits, name) for name in LINES])
    assert np.isfinite(drawn).all()
    assert drawn.min() >= 0
    assert (np.diff(drawn, axis=0) >= 0).all()
    beyond = (series.value > limits.ucl) | (series.value < limits.lcl)
    np.testing.assert_array_equal(outside(limits.z, sigma=multiple), beyond)
    side = side_of(series.value, limits.centre)
    assert (np.sign(limits.z) * side >= 0).all()
    assert np.isfinite(limits.z).all()


def test_a_median_below_1_makes_waits_of_0_neutral():
    # Three in four cases have the event: most waits are 0, which is nothing unusual.
    series = waits([0, 0, 0, 0, 0, 0, 0, 1, 0, 2])
    limits = g_limits(series, PLAIN)
    assert limits.centre[0] < 1
    np.testing.assert_array_equal(limits.neutral, series.value == 0)
    assert limits.z[0] == 0
    more = g_limits(waits([0, 3, 1, 2]), PLAIN)
    assert not more.neutral.any()
    assert not t_limits(waits([0, 0.5, 0.1]), PLAIN).neutral.any()


# --- edges ---------------------------------------------------------------------------


@pytest.mark.parametrize(("judge", "chosen"), EXACT)
def test_all_waits_0(judge, chosen, four_rules):
    series = waits([0] * 24 + [3], in_baseline=[True] * 24 + [False])
    limits = judge(series, ChartOptions(settings=chosen))
    for name in LINES:
        assert getattr(limits, name).tolist() == [0] * 25, name
    assert limits.z[:24].tolist() == [0] * 24
    assert outside(limits.z).tolist() == [False] * 24 + [True]
    found = chart(waits([0] * 24), ChartOptions(settings=chosen), limits=judge, rules=four_rules)
    assert not found.fired.any()


@pytest.mark.parametrize("form", ["classic", "inclusive"])
def test_normal_g_limits_without_a_spread_cannot_be_estimated(form):
    level = 1.0 if form == "inclusive" else 0.0
    limits = g_limits(waits([level] * 5), ChartOptions(settings={"form": form}))
    assert limits.centre.tolist() == [level] * 5
    assert np.isnan(limits.ucl).all()
    assert np.isnan(limits.z).all()


def test_constant_times_have_no_limits_after_nelson():
    limits = t_limits(waits([2.0] * 9), ChartOptions(settings={"form": "nelson"}))
    assert limits.centre == pytest.approx([2.0] * 9, rel=1e-14)
    assert np.isnan(limits.ucl).all()


@pytest.mark.parametrize(("judge", "chosen"), FORMS)
def test_nothing_one_two_points_and_no_data(judge, chosen):
    options = ChartOptions(settings=chosen)
    assert judge(waits([]), options).centre.size == 0
    one = judge(waits([5.0]), options)
    assert np.isfinite(one.centre).all()
    two = judge(waits([2.0, 5.0, np.nan]), options)
    assert np.isnan(two.z).tolist() == [False, False, True]
    assert np.isfinite(two.ucl).all()
    for none in (waits([np.nan] * 3), waits([1.0, 2.0], in_baseline=[False, False])):
        limits = judge(none, options)
        for name in (*LINES, "sigma", "z"):
            assert np.isnan(getattr(limits, name)).all(), name


@pytest.mark.parametrize(
    ("judge", "chosen", "value", "message"),
    [
        (g_limits, {}, [1, -1], "g chart: values must be 0 or more"),
        (g_limits, {"form": "classic"}, [1, -1], "g chart: values must be 0 or more"),
        (g_limits, {"form": "inclusive"}, [1, 0], "g chart: values must be 1 or more"),
        (t_limits, {}, [1, -0.5], "t chart: values must be 0 or more"),
        (t_limits, {"form": "nelson"}, [1, 0], "t chart: values must be above 0"),
        (
            g_limits,
            {"form": "exact"},
            [1, 2],
            "form must be one of probability, classic, inclusive, not 'exact'",
        ),
    ],
)
def test_what_cannot_be_a_wait_is_refused(judge, chosen, value, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        judge(waits(value), ChartOptions(settings=chosen))


# --- baseline and given values -------------------------------------------------------


@pytest.mark.parametrize(("judge", "chosen"), FORMS)
def test_points_outside_the_baseline_get_limits_and_feed_none(judge, chosen):
    one, other = (
        judge(
            waits([1, 2, 4, 9, *end], in_baseline=[True] * 4 + [False] * 3),
            ChartOptions(settings=chosen),
        )
        for end in ([5, 5, 5], [50, 7.5, 500])
    )
    for name in (*LINES, "sigma"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


@pytest.mark.parametrize(
    ("judge", "chosen"),
    # The line of the classic form says nothing exact about the mean.
    [form for form in FORMS if form[1].get("form") != "classic"],
)
def test_the_estimated_centre_given_back_gives_the_same_limits(judge, chosen):
    options = ChartOptions(settings=chosen)
    value = [3, 14, 1, 40, 6, 11]
    one = judge(waits(value), options)
    other = judge(waits(value, given_centre=one.centre), options)
    for name in (*LINES, "sigma", "z"):
        np.testing.assert_allclose(
            getattr(one, name), getattr(other, name), rtol=1e-12, atol=1e-12, err_msg=name
        )
    assert set(words(other)) == ({"exact"} if (judge, chosen) in EXACT else {"given"})


def test_a_given_centre_of_the_classic_form_is_0693_of_the_mean():
    limits = g_limits(
        waits([1, 2, 3], given_centre=[6.93] * 3), ChartOptions(settings={"form": "classic"})
    )
    assert limits.centre.tolist() == [6.93] * 3
    assert limits.ucl == pytest.approx([10 + 3 * np.sqrt(110)] * 3)


def test_a_given_centre_of_0_leaves_no_waits():
    limits = g_limits(waits([0, 2, 3], given_centre=[0.0] * 3), PLAIN)
    assert limits.ucl.tolist() == [0] * 3
    assert outside(limits.z).tolist() == [False, True, True]


@pytest.mark.parametrize(("judge", "chosen"), FORMS)
def test_a_given_sigma_makes_normal_limits(judge, chosen):
    sigma = [np.nan] * 3 + [2.0] * 3
    limits = judge(
        waits([3, 14, 1, 3, 14, 1], lengths=[3, 3], given_sigma=sigma),
        ChartOptions(settings=chosen),
    )
    first = "exact" if (judge, chosen) in EXACT else "normal"
    assert words(limits) == [first] * 3 + ["given"] * 3
    assert limits.sigma[3:] == pytest.approx([2.0] * 3)
    if (judge, chosen) in EXACT:
        assert limits.ucl[3] == pytest.approx(limits.centre[3] + 6)
        assert limits.lcl[3] == max(limits.centre[3] - 6, 0)
        assert limits.z[3] == pytest.approx((3 - limits.centre[3]) / 2)


# --- many at once --------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(FORMS), st.booleans())
def test_many_series_together_equal_each_alone(data, form, everything_known):
    judge, chosen = form
    options = ChartOptions(settings=chosen)
    lengths = data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=6))
    size = sum(lengths)
    number = st.integers(1, 40).map(float) | st.floats(1, 60)
    if not everything_known:
        number = number | st.just(np.nan)
    value = np.array(data.draw(st.lists(number, min_size=size, max_size=size)))
    flags = st.lists(st.booleans(), min_size=size, max_size=size)
    inside, gap = np.array(data.draw(flags)), np.array(data.draw(flags))
    series = waits(value, lengths=lengths, in_baseline=inside, gap=gap)
    together = judge(series, options)
    for at, first in enumerate(series.segments.starts):
        rows = slice(int(first), int(first) + lengths[at])
        alone = judge(waits(value[rows], in_baseline=inside[rows], gap=gap[rows]), options)
        for field in fields(Limits):
            one, all_of_them = getattr(alone, field.name), getattr(together, field.name)
            if one is not None:
                np.testing.assert_array_equal(one, all_of_them[rows], err_msg=field.name)


@pytest.mark.parametrize(("judge", "chosen"), EXACT)
def test_waits_whose_mean_has_no_reciprocal_count_as_0(judge, chosen):
    limits = judge(waits([0.0, 2e-313]), ChartOptions(settings=chosen))
    assert limits.ucl.tolist() == [0, 0]
    assert np.isfinite(limits.z).all()


def test_the_tail_of_a_very_long_wait_stays_a_number():
    limits = g_limits(waits([1.0, 3.0, 1e9], in_baseline=[True, True, False]), PLAIN)
    assert 30 < limits.z[2] < np.inf
    assert special.ndtri(np.finfo(float).tiny) == pytest.approx(-limits.z[2])
