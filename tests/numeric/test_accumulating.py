import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spcbench.numeric.accumulating import cusum_limits, ewma_limits, vlad_limits
from spcbench.numeric.average_run_length import cusum_limit, ewma_width
from spcbench.numeric.engine import chart
from spcbench.numeric.limits import METHODS, ChartOptions, Series
from spcbench.numeric.rules import outside
from spcbench.numeric.segments import Segments
from spcbench.numeric.walks import cusum_sums, running_sums

GOLDEN = Path(__file__).parents[2] / ".." / "shared" / "golden"
RTOL = 1e-9  # same closed form, other order of operations
NAN = float("nan")
ARRAYS = ("value", "centre", "sigma", "lcl", "ucl", "lower_warning", "upper_warning", "z")


def chosen(sigma=3.0, **choices):
    return ChartOptions(sigma=sigma, settings=choices)


def singles(value, *, lengths=None, **more):
    values = np.asarray(value, dtype=np.float64)
    return Series(
        value=values,
        in_baseline=np.ones(values.size, bool) if "base" not in more else more.pop("base"),
        gap=np.zeros(values.size, bool) if "gap" not in more else more.pop("gap"),
        segments=Segments.from_lengths([values.size] if lengths is None else lengths),
        **more,
    )


def expected_numbers(numerator, expected, **more):
    top = np.asarray(numerator, dtype=np.float64)
    return singles(top, numerator=top, expected=np.asarray(expected, dtype=np.float64), **more)


# ---- EWMA


def test_an_average_by_hand():
    given_ = {"given_centre": np.full(3, 10.0), "given_sigma": np.full(3, 2.0)}
    limits = ewma_limits(singles([14, 10, 10], **given_), chosen(weight=0.5, width=3.0))
    assert limits.value.tolist() == [12, 11, 10.5]
    # Variances 4·(1/4), 1·(1/4) + 1, 1.25/4 + 1.
    assert limits.sigma**2 == pytest.approx([1.0, 1.25, 1.3125])
    assert limits.ucl == pytest.approx(10 + 3 * np.sqrt([1.0, 1.25, 1.3125]))
    assert limits.upper_warning == pytest.approx(10 + 2 * np.sqrt([1.0, 1.25, 1.3125]))
    assert limits.z[0] == pytest.approx(2.0)
    assert (limits.method == METHODS.index("given")).all()


def test_proportions_follow_their_denominators(proportions):
    limits = ewma_limits(proportions([10, 60], [100, 400]), chosen(weight=0.2, width=2.5))
    # p̄ = 70/500 = 0.14; variances 0.04·0.1204/100, then 0.64 of it + 0.04·0.1204/400.
    first = 0.04 * 0.1204 / 100
    second = 0.64 * first + 0.04 * 0.1204 / 400
    assert limits.centre == pytest.approx([0.14, 0.14])
    assert limits.value == pytest.approx([0.132, 0.1356])
    assert limits.sigma == pytest.approx(np.sqrt([first, second]))
    assert limits.lcl == pytest.approx(0.14 - 2.5 * np.sqrt([first, second]))
    assert limits.z == pytest.approx(np.array([-0.008, -0.0044]) / np.sqrt([first, second]) * 1.2)


def golden_rows(name, case=None):
    path = GOLDEN / name
    if not path.exists():
        pytest.skip("the golden folder is not beside this repository")
    with path.open(newline="", encoding="utf-8") as handle:
        return [row for row in csv.DictReader(handle) if case in (None, row["case_id"])]


def column(rows, name):
    return np.array([float(row[name]) for row in rows])


@pytest.mark.parametrize(
    "case", ["ae_nat_att_lambda0.2", "ae_nat_att_lambda0.4", "cdi_n_lambda0.2"]
)
def test_every_ewma_of_qcc(case):
    rows = golden_rows("qcc_ewma.csv", case)
    assert len(rows) == 36
    weight, width = float(rows[0]["lambda"]), float(rows[0]["nsigmas"])
    limits = ewma_limits(singles(column(rows, "y")), chosen(weight=weight, width=width))
    for ours, theirs in (("value", "ewma"), ("lcl", "lcl"), ("ucl", "ucl"), ("centre", "center")):
        np.testing.assert_allclose(getattr(limits, ours), column(rows, theirs), rtol=RTOL)
    assert outside(limits.z).tolist() == [row["violation"] == "TRUE" for row in rows]


def test_width_is_calibrated_unless_given():
    series = singles([3, 5, 4, 6, 4])
    calibrated = ewma_limits(series, chosen(arl0=500.0, weight=0.1))
    given_ = ewma_limits(series, chosen(width=ewma_width(500.0, weight=0.1), weight=0.1))
    assert calibrated.ucl.tolist() == given_.ucl.tolist()
    usual = ewma_limits(series, chosen())
    assert usual.ucl.tolist() == ewma_limits(series, chosen(arl0=370.0, weight=0.2)).ucl.tolist()


def test_limits_of_proportions_keep_within_0_and_1(proportions):
    limits = ewma_limits(proportions([0, 1, 0, 2], 4), chosen(weight=0.9))
    assert limits.lcl.tolist() == [0.0] * 4
    assert ewma_limits(proportions([4, 3, 4, 2], 4), chosen(weight=0.9)).ucl.tolist() == [1.0] * 4


def test_rates_above_one_are_single_values(proportions):
    rates = proportions([30, 50, 40, 60], [20, 20, 20, 20])
    np.testing.assert_array_equal(
        ewma_limits(rates, chosen()).ucl, ewma_limits(singles(rates.value), chosen()).ucl
    )
    once = proportions([10, 12, 40, 11], [20, 20, 20, 20])
    np.testing.assert_array_equal(
        ewma_limits(once, chosen()).ucl, ewma_limits(singles(once.value), chosen()).ucl
    )
    mixed = proportions([1, 2, 30, 50], [20, 20, 20, 20], lengths=[2, 2])
    limits = ewma_limits(mixed, chosen(width=3.0, weight=1.0))
    assert limits.sigma[0] == pytest.approx(np.sqrt(0.075 * 0.925 / 20))
    assert limits.sigma[2] == pytest.approx(1.0 / 1.128)


# ---- CUSUM of single values


def test_sums_by_hand():
    # Deviations 1, 3, −1, −4 with k = 0.5: up 0.5, 3, 1.5, 0; down 0, 0, 0.5, 4.
    given_ = {"given_centre": np.full(4, 10.0), "given_sigma": np.full(4, 2.0)}
    limits = cusum_limits(singles([12, 16, 8, 2], **given_), chosen(h=3.5))
    assert limits.value.tolist() == [0.5, 3.0, 1.5, -4.0]
    assert limits.centre.tolist() == [0.0] * 4
    assert limits.lcl.tolist() == [-3.5] * 4
    assert limits.ucl.tolist() == [3.5] * 4
    assert limits.z == pytest.approx(np.array([0.5, 3.0, 1.5, -4.0]) / 3.5 * 3)
    assert outside(limits.z).tolist() == [False, False, False, True]


def test_a_sum_on_the_limit_is_no_signal_and_one_just_beyond_is():
    for h in (0.1, 1.1, 3.0, 4.77, 5.3):
        given_ = {"given_centre": np.zeros(2), "given_sigma": np.ones(2)}
        series = singles([h, np.nextafter(h, 9)], lengths=[1, 1], **given_)
        limits = cusum_limits(series, chosen(h=h, shift=0.0))
        assert outside(limits.z).tolist() == [False, True]


def test_after_a_signal_a_sum_begins_again_or_goes_on():
    given_ = {"given_centre": np.zeros(4), "given_sigma": np.ones(4)}
    series = singles([3.5, 3.5, 1.5, 0.5], **given_)
    assert cusum_limits(series, chosen(h=5.0)).value.tolist() == [3, 6, 1, 1]
    on = cusum_limits(series, chosen(h=5.0, after_signal="continue"))
    assert on.value.tolist() == [3, 6, 7, 7]
    ahead = cusum_limits(series, chosen(h=5.0, head_start=0.5))
    assert ahead.value.tolist() == [5.5, 5.5, 3.5, 3.5]


def test_the_other_sum_goes_on_after_a_signal():
    sums = cusum_sums(
        np.array([4.0, -1.0]), np.array([2.0, 0.5]), np.full(2, 3.0), Segments.from_lengths([2])
    )
    assert sums.upper.tolist() == [4.0, 0.0]
    assert sums.lower.tolist() == [2.0, 2.5]
    assert sums.further.tolist() == [4.0, -2.5]


def test_a_sum_that_is_not_wanted_stays_0():
    moves, h, segments = np.array([1.0, -3.0]), np.full(2, 4.0), Segments.from_lengths([2])
    both = cusum_sums(moves, -moves, h, segments, head_start=0.5)
    upper = cusum_sums(moves, None, h, segments, head_start=0.5)
    lower = cusum_sums(None, -moves, h, segments, head_start=0.5)
    assert (upper.upper.tolist(), upper.lower.tolist()) == (both.upper.tolist(), [0.0, 0.0])
    assert (lower.upper.tolist(), lower.lower.tolist()) == ([0.0, 0.0], both.lower.tolist())


def test_h_is_calibrated_unless_given():
    series = singles([3, 5, 4, 6, 4])
    assert cusum_limits(series, chosen()).ucl[0] == cusum_limit(370.0, shift=0.5)
    wide = cusum_limits(series, chosen(arl0=1000.0, shift=1.0))
    assert wide.ucl[0] == cusum_limit(1000.0, shift=1.0)


def test_sigma_is_the_moving_range_of_the_baseline():
    values = [1, 3, 2, 4, 9, 9]
    base = np.array([True] * 4 + [False] * 2)
    limits = cusum_limits(singles(values, base=base), chosen(h=5.0))
    mean, sigma = 2.5, (2 + 1 + 2) / 3 / 1.128
    upper, lower, wanted = 0.0, 0.0, []
    for value in values:
        upper = max(0.0, upper + (value - mean) / sigma - 0.5)
        lower = max(0.0, lower - (value - mean) / sigma - 0.5)
        wanted.append(upper if upper >= lower else -lower)
        upper, lower = (0.0 if sum_ > 5.0 else sum_ for sum_ in (upper, lower))
    assert limits.value == pytest.approx(wanted)
    gap = np.array([False, False, True, False, False, False])
    assert cusum_limits(singles(values, base=base, gap=gap), chosen(h=5.0)).value[
        0
    ] == pytest.approx(-(1.5 / (2 / 1.128) - 0.5))


# ---- VLAD


def test_what_is_saved_adds_up():
    series = expected_numbers([1, 0, NAN, 0, 2, 0], [0.5, 0.5, 0.5, 0.25, 0.5, 1], lengths=[4, 2])
    limits = vlad_limits(series, chosen())
    np.testing.assert_array_equal(limits.value, [-0.5, 0.0, NAN, 0.25, -1.5, -0.5])
    assert limits.centre.tolist() == [0.0] * 6
    for name in ("sigma", "lcl", "ucl", "lower_warning", "upper_warning", "z"):
        assert np.isnan(getattr(limits, name)).all(), name


def test_a_vlad_needs_what_was_expected():
    with pytest.raises(ValueError, match="needs numerators and the numbers expected"):
        vlad_limits(singles([1.0]), chosen())


# ---- all of them

CHARTS = [ewma_limits, cusum_limits, vlad_limits]


@pytest.mark.parametrize("limits", CHARTS)
def test_no_rows(limits):
    found = limits(expected_numbers([], [], lengths=[]), chosen())
    assert all(getattr(found, name).size == 0 for name in ARRAYS)


@pytest.mark.parametrize("limits", [ewma_limits, cusum_limits])
@pytest.mark.parametrize("values", [[5.0], [5.0, 5.0], [2.0] * 24, [0.0] * 24, [7.0, NAN, 7.0]])
def test_without_a_moving_range_there_are_no_limits(limits, values):
    found = limits(singles(values), chosen())
    known = ~np.isnan(values)
    assert np.isfinite(found.value[known]).all()
    assert np.isfinite(found.centre).all()
    for name in ("sigma", "lcl", "ucl", "z"):
        assert np.isnan(getattr(found, name)).all(), name
    wanted = 0.0 if limits is cusum_limits else np.asarray(values)[known]
    np.testing.assert_array_equal(found.value[known], wanted * np.ones(known.sum()))


@pytest.mark.parametrize("gaps", [[False] * 4, [False, True, True, True]])
@pytest.mark.parametrize("limits", [ewma_limits, cusum_limits])
def test_nothing_known(limits, gaps):
    found = limits(singles([NAN] * 4, gap=np.array(gaps)), chosen())
    assert np.isnan(found.value).all()
    assert np.isnan(found.ucl).all()
    isolated = limits(singles([1, 2, 3, 4], gap=np.array([False, True, True, True])), chosen())
    assert np.isnan(isolated.ucl).all()


@pytest.mark.parametrize("events", [[20] * 24, [0] * 24])
def test_all_or_none_has_no_limits(events, proportions):
    found = ewma_limits(proportions(events, 20), chosen())
    assert found.value.tolist() == [events[0] / 20] * 24
    assert np.isnan(found.ucl).all()


def test_all_but_one(proportions):
    found = ewma_limits(proportions([20] * 23 + [19], 20), chosen())
    assert np.isfinite(found.ucl).all()
    # One of 480 is missed, on the last point: nothing out of the way.
    assert not outside(found.z).any()


@pytest.mark.parametrize("limits", CHARTS)
def test_a_point_without_data_leaves_the_sum_as_it_was(limits):
    values, expected = [3.0, 5.0, 4.0, 9.0, 2.0, 6.0], [4.0] * 6
    with_hole = [*values[:3], NAN, *values[3:]]
    kept = [0, 1, 2, 4, 5, 6]
    given_ = lambda size: {"given_centre": np.full(size, 4.5), "given_sigma": np.full(size, 1.5)}  # noqa: E731
    whole = limits(expected_numbers(values, expected, **given_(6)), chosen())
    holed = limits(expected_numbers(with_hole, [4.0] * 7, **given_(7)), chosen())
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(holed, name)[kept], getattr(whole, name))
    assert np.isnan(holed.value[3])
    assert np.isnan(holed.ucl[3])


@pytest.mark.parametrize("limits", CHARTS)
def test_an_excluded_point_shows_the_sum_as_it_stands(limits):
    values = [3.0, 5.0, 4.0, 99.0, 2.0, 6.0]
    out = np.array([False, False, False, True, False, False])
    found = limits(expected_numbers(values, [4.0] * 6, base=~out, excluded=out), chosen())
    holed = [3.0, 5.0, 4.0, NAN, 2.0, 6.0]
    without = limits(expected_numbers(holed, [4.0] * 6), chosen())
    np.testing.assert_array_equal(found.value[~out], without.value[~out])
    assert found.value[3] == found.value[2]


@pytest.mark.parametrize("limits", [ewma_limits, cusum_limits])
def test_other_multiples_of_sigma_move_the_lines_alone(limits):
    series = singles([3, 5, 4, 6, 4])
    usual, narrow = limits(series, chosen()), limits(series, chosen(sigma=2.0))
    np.testing.assert_allclose(narrow.ucl, usual.upper_warning, rtol=1e-14)
    np.testing.assert_array_equal(narrow.z, usual.z)
    np.testing.assert_array_equal(narrow.value, usual.value)


@st.composite
def long_series(draw):
    lengths = draw(st.lists(st.integers(1, 12), min_size=1, max_size=6))
    size = sum(lengths)
    number = st.one_of(st.just(NAN), st.integers(0, 30).map(float))
    flags = st.lists(st.booleans(), min_size=size, max_size=size).map(np.array)
    values = draw(st.lists(number, min_size=size, max_size=size))
    return expected_numbers(
        values,
        [10.0] * size,
        lengths=lengths,
        base=draw(flags),
        gap=draw(flags),
        excluded=draw(flags),
    )


def part_of(series, at):
    begin = int(series.segments.starts[at])
    rows = slice(begin, begin + int(series.segments.lengths[at]))
    return rows, Series(
        value=series.value[rows],
        numerator=series.numerator[rows],
        expected=series.expected[rows],
        in_baseline=series.in_baseline[rows],
        gap=series.gap[rows],
        excluded=series.excluded[rows],
        segments=series.segments.part(at, at + 1),
    )


@settings(max_examples=60, deadline=None)
@given(long_series(), st.sampled_from(CHARTS))
def test_many_series_together_equal_each_alone(series, limits):
    together = limits(series, chosen(head_start=0.25))
    for at in range(len(series.segments)):
        rows, part = part_of(series, at)
        alone = limits(part, chosen(head_start=0.25))
        for name in ARRAYS:
            np.testing.assert_array_equal(getattr(alone, name), getattr(together, name)[rows])


@settings(max_examples=60, deadline=None)
@given(long_series(), st.floats(0, 1), st.booleans())
def test_sums_equal_those_of_a_plain_loop(series, head_start, resets):
    move, h = np.nan_to_num(series.value) - 10.0, 7.0
    lengths = series.segments
    found = cusum_sums(
        move, -move, np.full(move.size, h), lengths, head_start=head_start, resets=resets
    )
    kept = running_sums(move, np.full(move.size, 0.75), lengths)
    for start, length in zip(lengths.starts, lengths.lengths, strict=True):
        upper = lower = head_start * h
        average = 0.0
        for row in range(start, start + length):
            upper, lower = max(0.0, upper + move[row]), max(0.0, lower - move[row])
            average = 0.75 * average + move[row]
            assert (found.upper[row], found.lower[row], kept[row]) == (upper, lower, average)
            upper = head_start * h if resets and upper > h else upper
            lower = head_start * h if resets and lower > h else lower


def test_through_the_engine():
    draw = np.random.default_rng(8)
    values = draw.normal(10, 1, 400)
    values[30:40] += 2.0
    series = singles(values, lengths=[40] * 10)
    for limits in (ewma_limits, cusum_limits):
        made = chart(
            series,
            chosen(),
            limits=limits,
            rules=[lambda value, z, side, segments: outside(z)],
            block_rows=90,
        )
        alone = limits(series, chosen())
        np.testing.assert_array_equal(made.limits.value, alone.value)
        np.testing.assert_array_equal(made.limits.ucl, alone.ucl)
        assert made.fired[30:40].any()
        assert made.fired[40:].sum() < 10
