import csv
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spcbench.numeric.limits import METHODS, ChartOptions, p_limits
from spcbench.numeric.rules import outside

GOLDEN = Path(__file__).parents[2] / ".." / "shared" / "golden"
NORMAL = ChartOptions(limit_method="normal")
LINES = ("lcl", "lower_warning", "centre", "upper_warning", "ucl")
RTOL = 1e-9  # same closed form, other order of operations

# qic(period, breaches, n=attendances, data=d, facets=~org_code, chart='p'), qicharts2 0.8.1,
# its facet RQM. Counts: NHS England A&E attendances (Open Government Licence).
# fmt: off
BREACHES = [
    1199, 929, 970, 1178, 1110, 1388, 2061, 1985, 2675, 3141, 1942, 2030, 1309, 1960, 1169, 1117,
    1085, 1492, 1280, 1197, 1569, 1406, 1328, 1564, 1204, 1130, 1190, 1064, 1073, 1255, 1264, 1552,
    1267, 1587, 1774, 1116,
]
ATTENDANCES = [
    15154, 16705, 16021, 16761, 15084, 15918, 16564, 16478, 16931, 16920, 14482, 17414, 15957,
    17871, 16675, 17265, 15872, 16776, 18024, 17891, 17695, 17990, 16205, 18906, 17309, 18745,
    17999, 18560, 16715, 17777, 19002, 18987, 18569, 19897, 18296, 19746,
]
# fmt: on
WITHIN = [0, 5, 12, 17, 20, 21, 22, 23, 31, 33]
DRAWN = {  # point: lcl, lcl.95, cl, ucl.95, ucl
    0: [0.07757163879821855, 0.07982915063163096, 0.08434417429845578, 0.0888591979652806,
        0.09111670979869302],
    11: [0.07802637738125848, 0.08013230968699092, 0.08434417429845578, 0.08855603890992064,
         0.09066197121565309],
    35: [0.07841116040532033, 0.08038883170303214, 0.08434417429845578, 0.08829951689387942,
         0.09027718819159124],
}  # fmt: skip


def test_by_hand(proportions):
    limits = p_limits(proportions([8, 12, 10], 100), NORMAL)
    # Centre 30 of 300; sigma is the root of 0.1 x 0.9 / 100, which is 0.03.
    assert limits.centre == pytest.approx([0.1] * 3, rel=1e-15)
    assert limits.sigma == pytest.approx([0.03] * 3, rel=1e-15)
    assert limits.lcl == pytest.approx([0.01] * 3, rel=1e-12)
    assert limits.ucl == pytest.approx([0.19] * 3, rel=1e-15)
    assert limits.lower_warning == pytest.approx([0.04] * 3, rel=1e-12)
    assert limits.upper_warning == pytest.approx([0.16] * 3, rel=1e-15)
    assert limits.z == pytest.approx([-2 / 3, 2 / 3, 0], abs=1e-12)


def test_a_chart_of_qicharts2(proportions):
    limits = p_limits(proportions(BREACHES, ATTENDANCES), NORMAL)
    for at, drawn in DRAWN.items():
        assert [getattr(limits, name)[at] for name in LINES] == pytest.approx(drawn, rel=RTOL)
    assert np.flatnonzero(~outside(limits.z)).tolist() == WITHIN


def test_every_p_chart_of_qicharts2(proportions):
    path = GOLDEN / "qicharts2_points.csv"
    if not path.exists():
        pytest.skip("the golden folder is not beside this repository")
    with path.with_name("qicharts2_cases.csv").open(newline="", encoding="utf-8") as handle:
        calls = {row["case_id"]: row["call"] for row in csv.DictReader(handle)}
    wanted = {case for case, call in calls.items() if re.search("chart='p'", call)}
    assert len(wanted) == 5
    assert not any("multiply" in calls[case] for case in wanted)
    with path.open(newline="", encoding="utf-8") as handle:
        rows = [row for row in csv.DictReader(handle) if row["case_id"] in wanted]
    keys = [(row["case_id"], row["facet1"]) for row in rows]
    lengths = [keys.count(key) for key in dict.fromkeys(keys)]
    assert lengths == [36, 36, 17, 20, 36, 36, 36, 36, 36]
    counts = [[float(row[name]) for row in rows] for name in ("y.sum", "n")]
    limits = p_limits(proportions(*counts, lengths=lengths), NORMAL)
    for name, theirs in zip(LINES, ("lcl", "lcl.95", "cl", "ucl.95", "ucl"), strict=True):
        golden = np.array([float(row[theirs] or "nan") for row in rows])
        np.testing.assert_allclose(getattr(limits, name), golden, rtol=RTOL, err_msg=theirs)
    signal = [row["sigma.signal"] == "TRUE" for row in rows]
    assert outside(limits.z).tolist() == signal
    assert sum(signal) == 171


@st.composite
def tables_of_counts(draw):
    lengths = draw(st.lists(st.integers(1, 9), min_size=1, max_size=6))
    sizes = draw(st.lists(st.integers(0, 60), min_size=sum(lengths), max_size=sum(lengths)))
    events = [draw(st.integers(0, size)) for size in sizes]
    return events, sizes, lengths


@settings(max_examples=80, deadline=None)
@given(tables_of_counts(), st.sampled_from(["auto", *METHODS[:4]]))
def test_lines_are_in_order_within_0_and_1_and_agree_with_z(proportions, counts, method):
    events, sizes, lengths = counts
    series = proportions(events, sizes, lengths=lengths)
    limits = p_limits(series, ChartOptions(limit_method=method))
    data = np.asarray(sizes) > 0
    drawn = np.stack([getattr(limits, name)[data] for name in LINES])
    assert not np.isnan(drawn).any()
    assert (np.diff(drawn, axis=0) >= 0).all()
    assert drawn.min(initial=0.0) >= 0
    assert drawn.max(initial=1.0) <= 1
    exactly = data & (limits.method > 0)
    beyond = (series.value < limits.lcl) | (series.value > limits.ucl)
    np.testing.assert_array_equal(outside(limits.z)[exactly], beyond[exactly])
    for name in ("sigma", "lcl", "ucl", "lower_warning", "upper_warning", "z"):
        assert np.isnan(getattr(limits, name)[~data]).all(), name


def test_four_times_the_denominator_halves_the_width(proportions):
    small = p_limits(proportions([200, 300, 220], [1000, 1100, 900]), NORMAL)
    large = p_limits(proportions([800, 1200, 880], [4000, 4400, 3600]), NORMAL)
    np.testing.assert_allclose(large.sigma, small.sigma / 2, rtol=1e-14)
    np.testing.assert_allclose(large.ucl - large.lcl, (small.ucl - small.lcl) / 2, rtol=1e-12)


@pytest.mark.parametrize(
    ("events", "sizes", "method"),
    [
        ([5, 5, 5], [50, 50, 50], "normal"),  # expects exactly 5
        ([50, 50, 5], [500, 501, 49], "exact"),  # 4.9 expected in the last
        ([45, 45, 45], [50, 50, 50], "normal"),  # exactly 5 non-events
        ([46, 45, 45], [50, 50, 50], "exact"),
        ([100, 100, 0], [500, 500, 0], "normal"),  # no cases decide nothing
    ],
)
def test_auto_is_exact_where_fewer_than_5_are_expected(proportions, events, sizes, method):
    limits = p_limits(proportions(events, sizes), ChartOptions())
    assert {METHODS[code] for code in limits.method} == {method}


def test_auto_looks_at_each_segment_alone(proportions):
    limits = p_limits(proportions([5, 5, 4, 5], [10, 10, 9, 10], lengths=[2, 2]), ChartOptions())
    assert [METHODS[code] for code in limits.method] == ["normal", "normal", "exact", "exact"]


@pytest.mark.parametrize("method", ["auto", *METHODS[:4]])
@pytest.mark.parametrize("share", [0.0, 1.0])
def test_all_or_none_gives_a_flat_chart_without_signals(proportions, method, share):
    sizes = np.arange(10.0, 34.0)
    limits = p_limits(proportions(share * sizes, sizes), ChartOptions(limit_method=method))
    for name in LINES:
        assert getattr(limits, name).tolist() == [share] * 24, name
    assert limits.z.tolist() == [0.0] * 24


def test_one_miss_in_24_months_of_100_per_cent_is_no_signal(proportions):
    events = np.full(24, 12.0)
    events[9] = 11
    limits = p_limits(proportions(events, 12), ChartOptions())
    # P(R <= 11) of 12 at 287/288 is 0.041: ordinary.
    assert not outside(limits.z, sigma=2.0).any()
    assert (limits.ucl == 1.0).all()


def test_only_the_baseline_sets_the_centre(proportions):
    baseline = np.array([True, True, False, False])
    limits = p_limits(proportions([20, 30, 90, 100], 100, in_baseline=baseline), NORMAL)
    assert limits.centre == pytest.approx([0.25] * 4, rel=1e-15)


def test_no_data_leaves_both_sums(proportions):
    with_gap = p_limits(proportions([20, np.nan, 30], [100, 100, 100]), NORMAL)
    assert with_gap.centre == pytest.approx([0.25] * 3, rel=1e-15)


def test_a_segment_without_a_baseline_is_nan_throughout(proportions):
    series = proportions([2, 3, 4, 5], 10, lengths=[2, 2], in_baseline=[True, True, False, False])
    limits = p_limits(series, ChartOptions())
    assert np.isnan(limits.centre).tolist() == [False, False, True, True]
    assert np.isnan(limits.ucl).tolist() == [False, False, True, True]


def test_wider_with_sigma(proportions):
    series = proportions([30, 40, 35], 100)
    for method in METHODS[:4]:
        two, three = (
            p_limits(series, ChartOptions(sigma=sigma, limit_method=method)) for sigma in (2.0, 3.0)
        )
        assert (two.ucl < three.ucl).all()
        assert (two.lcl > three.lcl).all()
        np.testing.assert_allclose(three.upper_warning, two.ucl, rtol=1e-12)


@pytest.mark.parametrize("method", ["exact", "mid_p", "jeffreys"])
def test_each_method_says_its_name(proportions, method):
    limits = p_limits(proportions([30, 40, 35], 100), ChartOptions(limit_method=method))
    assert {METHODS[code] for code in limits.method} == {method}


@pytest.mark.parametrize("method", ["arcsine", "spiegelhalter", "given", "Exact"])
def test_a_method_that_is_not_there_is_named(proportions, method):
    with pytest.raises(ValueError, match=f"limit_method must be one of auto, .*, not '{method}'"):
        p_limits(proportions([3, 4], 10), ChartOptions(limit_method=method))


def test_sigma_follows_from_a_given_centre(proportions):
    series = proportions([20, 30, 40, 50], 100, lengths=[2, 2])
    given_centre = np.array([0.5, 0.5, np.nan, np.nan])
    limits = p_limits(replace(series, given_centre=given_centre), NORMAL)
    assert limits.centre == pytest.approx([0.5, 0.5, 0.45, 0.45], rel=1e-15)
    assert limits.sigma[:2] == pytest.approx([0.05, 0.05], rel=1e-15)
    assert limits.z[:2] == pytest.approx([-6, -4], rel=1e-12)
    assert limits.ucl[:2] == pytest.approx([0.65, 0.65], rel=1e-12)
    assert [METHODS[code] for code in limits.method] == ["given", "given", "normal", "normal"]


def test_a_given_centre_decides_whether_limits_are_exact(proportions):
    series = proportions([20, 30, 40], 100)
    limits = p_limits(replace(series, given_centre=np.full(3, 0.04)), ChartOptions())
    assert {METHODS[code] for code in limits.method} == {"exact"}
    limits = p_limits(replace(series, given_centre=np.full(3, 0.05)), ChartOptions())
    assert {METHODS[code] for code in limits.method} == {"given"}


def test_a_given_centre_needs_no_baseline(proportions):
    series = proportions([2, 3], 10, in_baseline=[False, False])
    limits = p_limits(replace(series, given_centre=np.full(2, 0.25)), ChartOptions())
    assert not np.isnan(limits.ucl).any()


def test_only_points_at_a_likely_bound_are_neutral(proportions):
    few = p_limits(proportions([2, 2, 2, 0], [2, 2, 2, 2]), ChartOptions())
    assert few.neutral.tolist() == [True, True, True, False]  # .75 squared is .5625
    assert p_limits(proportions([2, 1, 2, 0], [2, 2, 2, 2]), ChartOptions()).neutral is None
    assert p_limits(proportions([2, 2, 2, 0], [2, 2, 2, 2]), NORMAL).neutral is None
    two = proportions([12, 11, 12, 12, 300, 310], [12, 12, 12, 12, 600, 600], lengths=[4, 2])
    neutral = p_limits(two, ChartOptions()).neutral
    assert neutral.tolist() == [True, False, True, True, False, False]  # (47/48)^12 is .78
