from dataclasses import fields

import numpy as np
import pytest

from spcbench.numeric.engine import chart
from spcbench.numeric.limits import METHODS, ChartOptions, Limits, p_limits
from spcbench.numeric.rules import side_of

LINES = [field.name for field in fields(Limits) if field.name != "neutral"]
OWN = ["side", "fired", "dispersion", "known"]


@pytest.fixture(scope="module")
def many(proportions):
    """Sixty series of all kinds: rare, common, nearly all; with gaps and missing points."""
    draw = np.random.default_rng(20)
    lengths = draw.integers(1, 40, 60)
    odds = np.repeat(draw.choice([0.0, 0.01, 0.2, 0.5, 0.96, 1.0], 60), lengths)
    sizes = draw.integers(0, 90, odds.size).astype(float)
    events = draw.binomial(sizes.astype(int), odds).astype(float)
    events[draw.random(odds.size) < 0.04] = np.nan
    return proportions(
        events,
        sizes,
        lengths=lengths,
        gap=draw.random(odds.size) < 0.03,
        in_baseline=draw.random(odds.size) < 0.9,
    )


def charted(series, rules, **options):
    block = {"block_rows": options.pop("block_rows")} if "block_rows" in options else {}
    return chart(series, ChartOptions(**options), limits=p_limits, rules=rules, **block)


def assert_same(one, other, *, rows=slice(None), part=slice(None)):
    """Bit for bit, NaN equal to NaN."""
    for name in LINES:
        np.testing.assert_array_equal(
            getattr(one.limits, name), getattr(other.limits, name)[rows], err_msg=name
        )
    for name in OWN:
        cut = rows if name in ("side", "fired") else part
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name)[cut], err_msg=name)


@pytest.mark.parametrize("method", ["auto", "normal", "exact"])
def test_many_series_together_equal_each_alone(proportions, four_rules, many, method):
    together = charted(many, four_rules, limit_method=method)
    for at, (first, length) in enumerate(
        zip(many.segments.starts, many.segments.lengths, strict=True)
    ):
        rows = slice(int(first), int(first + length))
        alone = proportions(
            many.numerator[rows],
            many.denominator[rows],
            gap=many.gap[rows],
            in_baseline=many.in_baseline[rows],
        )
        assert_same(
            charted(alone, four_rules, limit_method=method),
            together,
            rows=rows,
            part=slice(at, at + 1),
        )


@pytest.mark.parametrize("block_rows", [1, 7, 100])
def test_the_size_of_the_blocks_does_not_matter(four_rules, many, block_rows):
    assert_same(charted(many, four_rules, block_rows=block_rows), charted(many, four_rules))


def test_the_order_of_the_series_does_not_matter(proportions, four_rules, many):
    order = np.random.default_rng(1).permutation(len(many.segments))
    starts, lengths = many.segments.starts, many.segments.lengths
    rows = np.concatenate([np.arange(starts[at], starts[at] + lengths[at]) for at in order])
    moved = proportions(
        many.numerator[rows],
        many.denominator[rows],
        lengths=lengths[order],
        gap=many.gap[rows],
        in_baseline=many.in_baseline[rows],
    )
    assert_same(charted(moved, four_rules), charted(many, four_rules), rows=rows, part=order)


def test_inputs_are_not_written_to(four_rules, many):
    names = ("value", "numerator", "denominator", "in_baseline", "gap")
    before = {name: getattr(many, name).copy() for name in names}
    charted(many, four_rules)
    for name in names:
        np.testing.assert_array_equal(getattr(many, name), before[name], err_msg=name)


def test_per_cent_and_proportion_give_the_same_signals(four_rules, many):
    found = charted(many, four_rules, limit_method="normal")
    centre, value = found.limits.centre, many.value
    np.testing.assert_array_equal(side_of(value * 100, centre * 100), side_of(value, centre))
    trend = four_rules[1]
    np.testing.assert_array_equal(
        trend(value * 100, None, None, many.segments), trend(value, None, None, many.segments)
    )


@pytest.mark.parametrize(("points", "drawn"), [(1, False), (2, False), (3, True)])
def test_fewer_than_three_points_have_no_limits(proportions, four_rules, points, drawn):
    found = charted(proportions([*[30, 90, 20, np.nan][:points], np.nan], 100), four_rules)
    assert found.known.tolist() == [points]
    assert found.limits.centre[0] == pytest.approx(sum([30, 90, 20][:points]) / (100 * points))
    for name in ("sigma", "lcl", "ucl", "lower_warning", "upper_warning", "z"):
        assert bool(np.isfinite(getattr(found.limits, name)[0])) is drawn, name
    assert bool(found.side.any()) is drawn
    assert bool(found.fired.any()) is drawn


def test_each_rule_has_its_bit_in_order(proportions, four_rules):
    # Seven rising points above the rest; the last three far out.
    events = [300, 300, 300, 300, 300, 300, 301, 302, 303, 304, 305, 400, 420]
    found = charted(proportions(events, 1000), four_rules, limit_method="normal")
    z = found.limits.z
    assert (np.abs(z) > 3).tolist() == [False] * 11 + [True] * 2
    assert (found.fired & 1 > 0).tolist() == [False] * 11 + [True] * 2
    assert (found.fired & 2 > 0).tolist() == [False] * 5 + [True] * 8
    assert (found.fired & 8 > 0).tolist() == [True] * 11 + [False] * 2


def test_a_gap_breaks_a_run_a_trend_and_a_window(proportions, four_rules):
    low, high = [300, 300, 300, 300, 300, 300, 300], [400, 400, 400, 400, 400, 400, 400]
    whole = charted(proportions(low + high, 1000), four_rules, limit_method="normal")
    assert (whole.fired & 8 > 0).all()
    gap = np.arange(14) == 10
    cut = charted(proportions(low + high, 1000, gap=gap), four_rules, limit_method="normal")
    assert (cut.fired & 8 > 0).tolist() == [True] * 7 + [False] * 7
    # The limits look across the gap: it is one phase.
    np.testing.assert_array_equal(cut.limits.ucl, whole.limits.ucl)


def test_a_missing_point_breaks_a_run(proportions, four_rules):
    events = [300.0] * 7 + [400.0] * 7
    events[3] = np.nan
    found = charted(proportions(events, 1000), four_rules, limit_method="normal")
    assert (found.fired & 8 > 0).tolist() == [False] * 7 + [True] * 7


def test_dispersion_is_about_one_for_chance_alone(proportions, four_rules):
    draw = np.random.default_rng(4)
    sizes = draw.integers(300, 500, 20_000)
    found = charted(proportions(draw.binomial(sizes, 0.3), sizes, lengths=[20_000]), four_rules)
    assert found.dispersion[0] == pytest.approx(1.0, abs=0.05)


def test_nothing_in_gives_nothing_out(proportions, four_rules):
    found = charted(proportions([], [], lengths=[]), four_rules)
    assert found.fired.size == found.known.size == found.limits.centre.size == 0


def test_all_at_100_per_cent_is_flat_and_silent(proportions, four_rules):
    found = charted(proportions([12] * 24, 12), four_rules)
    assert {METHODS[code] for code in found.limits.method} == {"exact"}
    assert not found.fired.any()
    assert not found.side.any()
