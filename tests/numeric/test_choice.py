"""Which chart each series gets: every boundary, phases, small counts, and how it fares."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spcbench.numeric.choice import (
    CHARTS,
    OVERDISPERSED,
    REASONS,
    Grounds,
    chance_deviation,
    choice,
    grounds,
)
from spcbench.numeric.segments import Segments

NAN = np.nan


def one(dispersion, *, points=24, smallest=50.0, largest=60.0, small=False, data_type="proportion"):
    found = choice(
        Grounds(
            dispersion=np.array([dispersion]),
            points=np.array([points]),
            smallest=np.array([smallest]),
            largest=np.array([largest]),
            small=np.array([small]),
        ),
        data_type=data_type,
    )
    return found.charts[found.code[0]], REASONS[found.reason[0]]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"dispersion": 1.0}, ("p", "chance")),
        ({"dispersion": np.nextafter(1.3, 0)}, ("p", "chance")),
        ({"dispersion": 1.3}, ("p_prime", "overdispersed")),
        ({"dispersion": 1.3, "largest": np.nextafter(100.0, 0)}, ("p_prime", "overdispersed")),
        ({"dispersion": 1.3, "largest": 100.0}, ("p_additive", "uneven")),
        ({"dispersion": 90.0, "largest": 101.0}, ("p_additive", "uneven")),
        ({"dispersion": 1.29, "largest": 5000.0}, ("p", "chance")),
        ({"dispersion": 90.0, "largest": 101.0, "small": True}, ("p", "small_counts")),
        ({"dispersion": 1.3, "points": 2}, ("p_prime", "overdispersed")),
        ({"dispersion": NAN}, ("p", "unknown")),
        ({"dispersion": NAN, "small": True}, ("p", "small_counts")),
        ({"dispersion": 0.0}, ("p", "underdispersed")),
        ({"dispersion": 5.0, "smallest": NAN, "largest": NAN}, ("p_prime", "overdispersed")),
        ({"dispersion": 1.29, "data_type": "rate"}, ("u", "chance")),
        ({"dispersion": 1.3, "data_type": "rate"}, ("u_prime", "overdispersed")),
        ({"dispersion": 1.3, "largest": 500.0, "data_type": "rate"}, ("u_prime", "uneven")),
        ({"dispersion": 3.0, "small": True, "data_type": "rate"}, ("u", "small_counts")),
    ],
)
def test_every_line_of_the_decision_table_and_its_boundary(asked, expected):
    assert one(**asked) == expected


def test_less_than_chance_begins_where_the_upper_bound_is_below_one():
    edge = float(np.exp(-1.959963984540054 * 2 * np.sqrt(0.826 / 23)))
    assert one(edge * (1 - 1e-12))[1] == "underdispersed"
    assert one(edge * (1 + 1e-12))[1] == "chance"


def test_the_interval_is_that_of_the_formula():
    found = choice(
        Grounds(
            dispersion=np.array([1.5]),
            points=np.array([36]),
            smallest=np.array([1.0]),
            largest=np.array([1.0]),
            small=np.array([False]),
        )
    )
    wide = np.exp(1.959963984540054 * 2 * np.sqrt(0.826 / 35))
    assert found.lower[0] == pytest.approx(1.5 / wide, rel=1e-12)
    assert found.upper[0] == pytest.approx(1.5 * wide, rel=1e-12)


def test_an_unknown_type_of_data_is_an_error():
    with pytest.raises(KeyError):
        one(1.0, data_type="value")


def test_dispersion_by_hand_over_two_phases(proportions):
    # Phase 1: centre 0.5, sigma 0.05, so deviations −2, 2, −2; phase 2: centre 0.2, sigma 0.04,
    # deviations 1.25, −1.25. Moving ranges 4, 4 and 2.5: none across the phases.
    series = proportions([40, 60, 40, 60, 25, 15], 100, lengths=[4, 2])
    whole = Segments.from_lengths([6])
    np.testing.assert_allclose(chance_deviation(series), [-2, 2, -2, 2, 1.25, -1.25], rtol=1e-12)
    found = grounds(series, whole)
    assert found.dispersion[0] == pytest.approx(((4 * 3 + 2.5) / 4 / 1.128) ** 2, rel=1e-12)
    assert found.points.tolist() == [5]
    assert (found.smallest[0], found.largest[0], found.small[0]) == (100.0, 100.0, False)


def test_a_series_on_its_centre_shows_no_rounding_errors(proportions):
    size = np.arange(3.0, 60.0)
    series = proportions(0.3 * size, size)
    series = replace(series, given_centre=np.full(size.size, 0.1 + 0.2))  # 0.30000000000000004
    assert (chance_deviation(series) == 0.0).all()


def test_rates_vary_as_poisson_counts_do(proportions):
    series = proportions([16.0, 36.0, 26.0], 2.0)
    # Rates 8, 18, 13; centre 13, sigma √(13/2).
    expected = np.array([-5, 5, 0]) / np.sqrt(6.5)
    np.testing.assert_allclose(chance_deviation(series, data_type="rate"), expected, rtol=1e-12)
    found = grounds(series, series.segments, data_type="rate")
    assert found.dispersion[0] == pytest.approx((7.5 / np.sqrt(6.5) / 1.128) ** 2, rel=1e-12)
    assert not found.small[0]  # 26 events are expected of each; only too few events count


def test_counts_without_denominators_are_one_exposure_each(proportions):
    with_ones = proportions([16.0, 36.0, 26.0], 1.0)
    alone = replace(with_ones, denominator=None)
    for name in Grounds.__slots__:
        np.testing.assert_array_equal(
            getattr(grounds(alone, alone.segments, data_type="rate"), name),
            getattr(grounds(with_ones, alone.segments, data_type="rate"), name),
        )
    with pytest.raises(ValueError, match="needs numerators"):
        chance_deviation(replace(with_ones, numerator=None))


@pytest.mark.parametrize(
    ("numerator", "size", "small"),
    [(5, 50, False), (4, 50, True), (45, 50, False), (46, 50, True), (0, 50, True)],
)
def test_small_is_under_five_events_or_non_events(proportions, numerator, size, small):
    series = proportions([numerator] * 3, size)
    assert grounds(series, series.segments).small.tolist() == [small]


def test_a_small_phase_makes_the_series_small_and_a_small_rate_only_by_events(proportions):
    series = proportions([50, 50, 99, 99], 100, lengths=[2, 2])
    assert grounds(series, Segments.from_lengths([4])).small.tolist() == [True]
    assert grounds(series, Segments.from_lengths([2, 2])).small.tolist() == [False, True]
    rates = proportions([99.0, 99.0], 100.0)
    assert grounds(rates, rates.segments, data_type="rate").small.tolist() == [False]


def test_gaps_missing_points_and_the_baseline_are_kept_to(proportions):
    gap = np.array([False, False, True, False])
    series = proportions([40, 60, 40, 60], 100, gap=gap)
    assert grounds(series, series.segments).points.tolist() == [3]
    kept = np.array([True, True, True, False])
    series = proportions([40, 60, 50, 1000], [100, 100, 100, 5000], in_baseline=kept)
    found = grounds(series, series.segments)
    assert found.dispersion[0] == pytest.approx(((4 + 2) / 2 / 1.128) ** 2, rel=1e-12)
    assert found.largest[0] == 100.0
    holes = proportions([40, NAN, 40, 60], 100)
    assert grounds(holes, holes.segments).points.tolist() == [2]
    alternating = proportions([40, 60, 40, 60], 100, gap=[False, True, True, True])
    assert np.isnan(grounds(alternating, alternating.segments).dispersion[0])


def test_a_given_centre_replaces_the_estimate(proportions):
    series = proportions([40, 60, 40], 100)
    series = replace(series, given_centre=np.full(3, 0.2))
    np.testing.assert_allclose(chance_deviation(series), [5, 10, 5], rtol=1e-12)
    series = replace(series, given_centre=np.full(3, NAN))
    centre = 140 / 300
    expected = (0.4 - centre) / np.sqrt(centre * (1 - centre) / 100)
    assert chance_deviation(series)[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("numerators", [[], [5], [5, 7], [50] * 24, [0] * 24, [50] * 23 + [49]])
def test_edges_give_an_answer_without_a_warning(proportions, numerators):
    series = proportions(numerators, 50, lengths=[len(numerators)] if numerators else [])
    found = choice(grounds(series, series.segments))
    assert found.code.tolist() == [0] * len(series.segments)


def test_all_missing_is_unknown(proportions):
    series = proportions([NAN, NAN, NAN], 50)
    found = choice(grounds(series, series.segments))
    assert [REASONS[code] for code in found.reason] == ["unknown"]
    assert np.isnan(found.grounds.smallest[0])
    assert not found.grounds.small[0]


@settings(max_examples=30, deadline=None)
@given(lengths=st.lists(st.integers(1, 30), min_size=1, max_size=6), seed=st.integers(0, 10_000))
def test_many_series_equal_each_alone(proportions, lengths, seed):
    draw = np.random.default_rng(seed)
    size = draw.integers(5, 400, sum(lengths))
    number = draw.binomial(size, draw.uniform(0.02, 0.98))
    together = proportions(number, size, lengths=lengths)
    found = choice(grounds(together, together.segments))
    for at, (start, length) in enumerate(
        zip(together.segments.starts, together.segments.lengths, strict=True)
    ):
        rows = slice(start, start + length)
        alone = proportions(number[rows], size[rows])
        same = choice(grounds(alone, alone.segments))
        assert (found.code[at], found.reason[at]) == (same.code[0], same.reason[0])
        np.testing.assert_array_equal(found.grounds.dispersion[at], same.grounds.dispersion[0])


def test_stable_series_leave_the_p_chart_as_often_as_published_here(proportions):
    draw = np.random.default_rng(11)
    for points, expected in ((12, 0.283), (24, 0.221), (36, 0.177)):
        series = proportions(draw.binomial(200, 0.85, 6000 * points), 200, lengths=[points] * 6000)
        found = choice(grounds(series, series.segments))
        assert (found.code > 0).mean() == pytest.approx(expected, abs=0.02)
        assert ((found.grounds.dispersion >= OVERDISPERSED) == (found.code > 0)).all()


def test_what_may_be_chosen_starts_with_the_chart_of_chance_alone():
    assert {names[0] for names in CHARTS.values()} == {"p", "u"}
