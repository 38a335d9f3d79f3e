"""Simulated false alarms against exact theory, and against a plain loop."""

from __future__ import annotations

import math

import numpy as np
import pytest

from spcbench.numeric import rules
from spcbench.numeric.false_alarms import average_run_length, chance_of_any
from spcbench.numeric.segments import Segments

TAIL = math.erfc(3 / math.sqrt(2))


def beyond_three(value, z, side, segments):
    return rules.outside(z)


def run_of(length):
    return lambda value, z, side, segments: rules.runs(side, segments, length=length)


def zone(points, window, sigma):
    return lambda value, z, side, segments: rules.beyond(
        z, segments, points=points, window=window, sigma=sigma
    )


def silent(value, z, side, segments):
    return np.zeros(z.size, dtype=np.bool_)


def within_four_errors(found, error, exact):
    return abs(found - exact) <= 4 * error


def test_a_point_outside_comes_after_370_points():
    found = average_run_length([beyond_three], runs=4_000, seed=3)
    assert within_four_errors(found.mean, found.error, 1 / TAIL)
    # The number of points is geometric: its standard deviation is about its mean.
    assert found.error == pytest.approx(370 / 4_000**0.5, rel=0.1)
    assert (found.runs, found.unfinished) == (4_000, 0)


@pytest.mark.parametrize(("length", "exact"), [(2, 3), (7, 127), (8, 255), (9, 511)])
def test_a_run_of_k_comes_after_2_to_the_k_less_1_points(length, exact):
    found = average_run_length([run_of(length)], runs=4_000, seed=4)
    assert within_four_errors(found.mean, found.error, exact)


def test_western_electric_is_what_champ_and_woodall_computed():
    detectors = [beyond_three, zone(2, 3, 2.0), zone(4, 5, 1.0), run_of(8)]
    found = average_run_length(detectors, runs=10_000, seed=5)
    assert within_four_errors(found.mean, found.error, 91.75)


def test_a_point_outside_with_a_run_of_eight():
    found = average_run_length([beyond_three, run_of(8)], runs=10_000, seed=6)
    assert within_four_errors(found.mean, found.error, 152.73)


@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_the_signal_counts_when_it_is_complete(monkeypatch, chunk):
    """The same draws looked at point by point: a signal of 4 of 5 marks points before."""
    from spcbench.numeric import false_alarms

    monkeypatch.setattr(false_alarms, "CHUNK", chunk)
    detectors = [zone(4, 5, 0.5), run_of(5)]
    first = false_alarms._first_completed(
        detectors,
        np.array([[0.6, 0.6, 0.1, 0.6, 0.6, -1.0], [1, 1, -1, 1, 1, 0.6]]),
        known_silent=0,
    )
    assert first.tolist() == [5, 5]
    found = average_run_length([run_of(3)], runs=1_500, seed=8)
    assert within_four_errors(found.mean, found.error, 7)


def test_run_lengths_equal_a_plain_loop():
    """One series at a time with the same random numbers, however long the beginnings."""
    from spcbench.numeric.false_alarms import CHUNK, _first_completed

    detectors = [zone(2, 3, 1.0), run_of(4)]
    points = np.random.default_rng(9).standard_normal((200, CHUNK))

    def signals(beginning):
        side = np.sign(beginning).astype(np.int8)
        one = Segments.from_lengths([beginning.size])
        return any(rule(beginning, beginning, side, one).any() for rule in detectors)

    expected = [next(size for size in range(1, CHUNK + 1) if signals(row[:size])) for row in points]
    assert _first_completed(detectors, points, known_silent=0).tolist() == expected


def test_rules_that_never_signal_are_given_up():
    found = average_run_length([silent], runs=5, seed=1, longest=200)
    assert (found.mean, found.error, found.unfinished) == (200.0, 0.0, 5)


def test_the_same_seed_gives_the_same_figures():
    first, again, other = (
        average_run_length([run_of(4)], runs=300, seed=seed) for seed in (1, 1, 2)
    )
    assert first == again != other
    chances = [
        chance_of_any([run_of(4)], 24, estimated=True, runs=300, seed=seed) for seed in (1, 1, 2)
    ]
    assert chances[0] == chances[1] != chances[2]


@pytest.mark.parametrize("points", [12, 24, 60])
def test_chance_of_a_point_outside_known_limits(points):
    found = chance_of_any([beyond_three], points, estimated=False, runs=20_000, seed=2)
    assert within_four_errors(found.any_signal, found.any_error, 1 - (1 - TAIL) ** points)
    assert within_four_errors(found.latest, found.latest_error, TAIL)
    assert (found.points, found.runs) == (points, 20_000)


def test_chance_of_a_run_of_seven_in_seven_points():
    found = chance_of_any([run_of(7)], 7, estimated=False, runs=20_000, seed=2)
    assert within_four_errors(found.any_signal, found.any_error, 2 / 2**7)
    assert found.latest == found.any_signal


def test_estimated_limits_take_mean_and_moving_range_of_the_same_points():
    """3 sigma in 24 points: .063 known, .059 estimated (reference table, error .002)."""
    found = chance_of_any([beyond_three], 24, estimated=True, runs=20_000, seed=2)
    assert abs(found.any_signal - 0.059) < 4 * math.hypot(found.any_error, 0.0017)

    seen = {}

    def look(value, z, side, segments):
        seen.update(value=value, z=z, side=side, segments=segments)
        return np.zeros(z.size, dtype=np.bool_)

    chance_of_any([look], 12, estimated=True, runs=3, seed=2)
    drawn = np.random.default_rng(2).standard_normal((3, 12))
    moving = np.abs(np.diff(drawn, axis=1)).mean(axis=1, keepdims=True)
    expected = (drawn - drawn.mean(axis=1, keepdims=True)) / (moving / 1.128)
    np.testing.assert_allclose(seen["z"].reshape(3, 12), expected, rtol=1e-12)
    assert seen["segments"].lengths.tolist() == [12, 12, 12]

    chance_of_any([look], 12, estimated=True, runs=3, seed=2, centre="median")
    assert seen["side"].reshape(3, 12).sum(axis=1).tolist() == [0, 0, 0]


def test_latest_means_the_last_point_of_each_chart():
    def last(value, z, side, segments):
        flags = np.zeros(z.size, dtype=np.bool_)
        flags[segments.lasts] = True
        return flags

    assert chance_of_any([last], 12, estimated=False, runs=50, seed=1).latest == 1.0


def test_rules_about_the_chart_do_not_mark_the_latest_point():
    every = lambda value, z, side, segments: np.ones(z.size, dtype=np.bool_)  # noqa: E731
    found = chance_of_any([every, silent], 12, estimated=False, runs=50, seed=1)
    assert (found.any_signal, found.latest) == (1.0, 1.0)
    found = chance_of_any(
        [every, silent], 12, estimated=False, runs=50, seed=1, marking=(False, True)
    )
    assert (found.any_signal, found.latest) == (1.0, 0.0)
