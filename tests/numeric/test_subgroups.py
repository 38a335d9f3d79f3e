import csv
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from spcbench.numeric.limits import METHODS, ChartOptions, Limits, Series
from spcbench.numeric.rules import outside
from spcbench.numeric.segments import Segments
from spcbench.numeric.subgroups import c4, s_limits, xbar_limits

GOLDEN = Path(__file__).parents[2] / ".." / "shared" / "golden"
LINES = ("lcl", "lower_warning", "centre", "upper_warning", "ucl")
THEIRS = ("lcl", "lcl.95", "cl", "ucl.95", "ucl")
RTOL = 1e-9  # same closed form, other order of operations
PLAIN = ChartOptions()
JUDGED = ("sigma", "lcl", "ucl", "lower_warning", "upper_warning", "z")
BOTH = pytest.mark.parametrize("judge", [xbar_limits, s_limits])


def subgroups(mean, sd, size, *, lengths=None, in_baseline=None, **more):
    means, sds, sizes = (np.asarray(one, dtype=np.float64) for one in (mean, sd, size))
    return Series(
        value=means,
        mean=means,
        sd=sds,
        denominator=np.broadcast_to(sizes, means.shape).copy(),
        in_baseline=np.ones(means.size, bool)
        if in_baseline is None
        else np.asarray(in_baseline, bool),
        gap=np.zeros(means.size, bool),
        segments=Segments.from_lengths(
            [means.size] if lengths is None and means.size else lengths or []
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


def test_c4_of_two_and_three_in_closed_form():
    assert c4(2) == pytest.approx(np.sqrt(2 / np.pi), rel=1e-15)
    assert c4(3) == pytest.approx(np.sqrt(np.pi) / 2, rel=1e-15)
    assert np.isnan(c4([1, 0, np.nan])).all()


def test_c4_of_large_samples_keeps_its_digits():
    size = np.array([1e3, 1e6, 1e9])
    series = 1 - 1 / (4 * size) - 7 / (32 * size**2) - 19 / (128 * size**3)
    assert c4(size) == pytest.approx(series, rel=1e-12)
    below, above = c4([201.0, 202.0])  # either side of where the series takes over
    for each, of in ((below, 201.0), (above, 202.0)):
        gammas = np.exp(special.gammaln(of / 2) - special.gammaln((of - 1) / 2))
        assert each == pytest.approx(np.sqrt(2 / (of - 1)) * gammas, rel=1e-13)


def test_c4_obeys_the_recursion_of_the_gamma_function():
    # Γ(x + 1) = x·Γ(x) links c4 of m and m + 2, with x = (m − 1)/2.
    size = np.arange(2.0, 2000.0)
    x = (size - 1) / 2
    step = (x + 0.5) / np.sqrt(x * (x + 1))
    np.testing.assert_allclose(c4(size + 2), c4(size) * step, rtol=1e-14)


def test_the_constants_of_qicharts2():
    rows = read("qicharts2_constants_c4_A3_B3_B4.csv")
    size = column(rows, "n")
    names = {name.lower(): name for name in rows[0]}
    np.testing.assert_allclose(c4(size), column(rows, names["c4"]), rtol=RTOL)
    # Subgroups of mean 0 and S 1, so that limits are the constants themselves.
    series = subgroups(np.zeros(size.size), np.ones(size.size), size)
    means, spreads = xbar_limits(series, PLAIN), s_limits(series, PLAIN)
    np.testing.assert_allclose(means.ucl, column(rows, names["a3"]), rtol=RTOL)
    np.testing.assert_allclose(spreads.lcl, column(rows, names["b3"]), rtol=RTOL)
    np.testing.assert_allclose(spreads.ucl, column(rows, names["b4"]), rtol=RTOL)


def test_by_hand():
    # S² = (4·1 + 14·4)/18; the centre weighs 15 members against 5.
    series = subgroups([4.0, 6.0], [1.0, 2.0], [5, 15])
    s = np.sqrt(60 / 18)
    factor = c4([5, 15])
    means, spreads = xbar_limits(series, PLAIN), s_limits(series, PLAIN)
    assert means.centre.tolist() == [5.5, 5.5]
    assert means.sigma == pytest.approx(s / (factor * np.sqrt([5, 15])), rel=1e-14)
    assert means.z == pytest.approx(np.array([-1.5, 0.5]) / means.sigma, rel=1e-14)
    assert means.lcl == pytest.approx(5.5 - 3 * means.sigma, rel=1e-14)
    assert spreads.centre == pytest.approx([s, s], rel=1e-14)
    width = np.sqrt(1 - factor**2) / factor * s
    assert spreads.ucl == pytest.approx(s + 3 * width, rel=1e-13)
    assert spreads.lower_warning == pytest.approx(np.maximum(s - 2 * width, 0), rel=1e-12)
    assert spreads.lcl[0] == 0
    assert spreads.lcl[1] == pytest.approx(s - 3 * width[1], rel=1e-12)
    assert spreads.value.tolist() == [1, 2]
    assert spreads.z == pytest.approx((np.array([1, 2]) - s) / width, rel=1e-12)


def test_the_mean_of_s_may_stand_for_the_pooled_one():
    # qicharts2 0.8.1 takes it wherever all sizes are equal, and pools otherwise.
    series = subgroups([4.0, 6.0], [1.0, 2.0], [10, 10])
    pooled, mean = (
        s_limits(series, ChartOptions(settings={"spread": word})).centre[0]
        for word in ("pooled", "mean")
    )
    assert pooled == pytest.approx(np.sqrt(2.5), rel=1e-15)
    assert mean == 1.5
    with pytest.raises(ValueError, match=r"^spread must be one of pooled, mean, not 'range'$"):
        s_limits(series, ChartOptions(settings={"spread": "range"}))


@pytest.mark.parametrize(
    ("case", "judge", "signals"), [("cabg_los_xbar", xbar_limits, 0), ("cabg_los_s", s_limits, 15)]
)
def test_charts_of_qicharts2(case, judge, signals):
    rows = read("qicharts2_points.csv", case)
    series = subgroups(column(rows, "y.mean"), column(rows, "y.sd"), column(rows, "y.length"))
    limits = judge(series, PLAIN)
    np.testing.assert_allclose(
        series.value if limits.value is None else limits.value, column(rows, "y"), rtol=RTOL
    )
    for ours, theirs in zip(LINES, THEIRS, strict=True):
        np.testing.assert_allclose(getattr(limits, ours), column(rows, theirs), rtol=RTOL)
    assert outside(limits.z).tolist() == [row["sigma.signal"] == "TRUE" for row in rows]
    assert outside(limits.z).sum() == signals


@BOTH
def test_points_outside_the_baseline_get_limits_and_feed_none(judge):
    inside = [True, True, True, False]
    one = judge(subgroups([4, 6, 5, 5], [1, 2, 1, 1], [5, 9, 7, 8], in_baseline=inside), PLAIN)
    other = judge(subgroups([4, 6, 5, 50], [1, 2, 1, 20], [5, 9, 7, 8], in_baseline=inside), PLAIN)
    for name in LINES:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@BOTH
def test_subgroups_of_one_have_a_centre_and_no_limits(judge):
    limits = judge(subgroups([4, 6, 5], [1, np.nan, 1], [5, 1, 5]), PLAIN)
    assert np.isfinite(limits.centre).all()
    for name in JUDGED:
        assert np.isnan(getattr(limits, name)).tolist() == [False, True, False], name
    if judge is xbar_limits:
        assert limits.centre[0] == pytest.approx(51 / 11)  # its mean is known all the same


def test_the_spread_of_one_member_says_nothing():
    series = subgroups([4, 6, 5], [1, 0, 3], [5, 1, 5])
    assert s_limits(series, ChartOptions(settings={"spread": "mean"})).centre[0] == 2
    assert s_limits(series, PLAIN).centre[0] == pytest.approx(np.sqrt(5), rel=1e-15)


def test_a_subgroup_without_members_is_no_data():
    limits = xbar_limits(subgroups([4, 99, 6], [1, 9, 1], [5, 0, 5]), PLAIN)
    assert limits.centre.tolist() == [5] * 3
    assert np.isnan(limits.ucl).tolist() == [False, True, False]
    assert s_limits(subgroups([4, 99, 6], [1, 9, 1], [5, 0, 5]), PLAIN).centre[0] == 1


@BOTH
def test_no_spread_gives_no_limits(judge):
    limits = judge(subgroups([1.0] * 24, [0.0] * 24, 12), PLAIN)
    assert limits.centre.tolist() == [1.0 if judge is xbar_limits else 0.0] * 24
    for name in JUDGED:
        assert np.isnan(getattr(limits, name)).all(), name


@BOTH
def test_nothing_one_point_and_no_data(judge):
    assert judge(subgroups([], [], []), PLAIN).centre.size == 0
    assert np.isfinite(judge(subgroups([5.0], [1.0], [4]), PLAIN).ucl).all()
    none = judge(subgroups([np.nan] * 3, [np.nan] * 3, [np.nan, 0, 5]), PLAIN)
    for name in ("centre", *JUDGED):
        assert np.isnan(getattr(none, name)).all(), name
    unused = judge(subgroups([5.0], [1.0], [4], in_baseline=[False]), PLAIN)
    assert np.isnan(unused.centre).all()


@BOTH
def test_subgroups_need_their_columns(judge):
    bare = Series(
        value=np.ones(2),
        in_baseline=np.ones(2, bool),
        gap=np.zeros(2, bool),
        segments=Segments.from_lengths([2]),
    )
    with pytest.raises(ValueError, match="subgroups need means, standard deviations and sizes"):
        judge(bare, PLAIN)


@BOTH
def test_given_values_replace_the_estimates(judge):
    series = subgroups(
        [4, 6, 5, 5],
        [1, 2, 1, 2],
        [5, 9, 5, 9],
        lengths=[2, 2],
        given_centre=[np.nan, np.nan, 3, 3],
    )
    limits = judge(series, PLAIN)
    assert limits.centre[2:].tolist() == [3, 3]
    assert [METHODS[code] for code in limits.method] == ["normal"] * 2 + ["given"] * 2
    if judge is s_limits:
        factor = c4([5, 9])
        assert limits.sigma[2:] == pytest.approx(3 * np.sqrt(1 - factor**2) / factor, rel=1e-14)
    fixed = judge(subgroups([4, 6], [1, 2], [5, 1], given_sigma=[0.5, 0.5]), PLAIN)
    assert fixed.sigma.tolist() == [0.5, 0.5]
    assert fixed.ucl == pytest.approx(fixed.centre + 1.5)


@BOTH
@settings(max_examples=50, deadline=None)
@given(data=st.data(), spread=st.sampled_from(["pooled", "mean"]))
def test_many_series_together_equal_each_alone(judge, data, spread):
    options = ChartOptions(settings={"spread": spread})
    lengths = data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=6))
    rows = sum(lengths)

    def drawn(each):
        return np.array(data.draw(st.lists(each, min_size=rows, max_size=rows)))

    mean, sd = (
        drawn(st.floats(-9, 9, allow_subnormal=False) | st.just(np.nan)),
        drawn(st.floats(0, 9, allow_subnormal=False)),
    )
    size, inside = drawn(st.integers(0, 12).map(float)), drawn(st.booleans())
    together = judge(subgroups(mean, sd, size, lengths=lengths, in_baseline=inside), options)
    judged = ~np.isnan(together.sigma + together.centre)
    lines = np.stack([getattr(together, name)[judged] for name in LINES])
    assert (np.diff(lines, axis=0) >= 0).all()
    first = 0
    for length in lengths:
        cut = slice(first, first + length)
        first += length
        alone = judge(subgroups(mean[cut], sd[cut], size[cut], in_baseline=inside[cut]), options)
        for field in fields(Limits):
            one, all_of_them = getattr(alone, field.name), getattr(together, field.name)
            if one is not None:
                np.testing.assert_array_equal(one, all_of_them[cut], err_msg=field.name)


def test_sizes_looked_up_are_sizes_computed():
    size = np.arange(2.0, 200.0)
    series = subgroups(np.zeros(size.size), np.ones(size.size), size)
    uneven = subgroups(np.zeros(size.size), np.ones(size.size), size)
    uneven.denominator[0] = 2.5  # not whole: nothing is looked up
    looked_up, computed = xbar_limits(series, PLAIN), xbar_limits(uneven, PLAIN)
    np.testing.assert_array_equal(looked_up.sigma[1:], computed.sigma[1:])
