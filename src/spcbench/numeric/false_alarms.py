"""How often rules signal on series in which nothing happens: seeded simulation.

The series are independent draws from the standard normal distribution. Every
estimate comes with its Monte Carlo standard error, and the same seed gives the
same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spcbench.numeric.engine import Detect
from spcbench.numeric.moving import D2
from spcbench.numeric.rules import side_of
from spcbench.numeric.segments import BLOCK_ROWS, Flags, Floats, Integers, Segments

MEMORY = 32
"""Points that a rule may look back, unless said; 15 is the most that a published one does."""

CHUNK = 64
"""Points added at a time to the runs that have not signalled yet."""


@dataclass(frozen=True, slots=True)
class AverageRunLength:
    """Mean number of points to the first false signal.

    Parameters
    ----------
    mean : float
        Points, the one that completes the signal included.
    error : float
        Its standard error.
    runs : int
        Runs simulated.
    unfinished : int
        Runs without a signal when the simulation stopped; with any, `mean` is
        too low.
    """

    mean: float
    error: float
    runs: int
    unfinished: int = 0


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """Chances of a false signal on charts of a given length.

    Parameters
    ----------
    points : int
        Length of each chart.
    any_signal, any_error : float
        Chance that any rule fires anywhere, and its standard error.
    latest, latest_error : float
        Chance that the latest point is marked, and its standard error.
    runs : int
        Charts simulated.
    """

    points: int
    any_signal: float
    any_error: float
    latest: float
    latest_error: float
    runs: int


def average_run_length(
    rules: Sequence[Detect],
    *,
    runs: int,
    seed: int,
    memory: int = MEMORY,
    longest: int = 100_000,
) -> AverageRunLength:
    """Mean points until the first signal is complete, limits known, nothing changed.

    Parameters
    ----------
    rules : sequence of callable
        Detectors ``detect(value, z, side, segments)`` that look back a limited
        number of points (not rules about a chart as a whole, whose limits move
        with its length).
    runs : int
        How many runs to simulate, at least 2.
    seed : int
        Where the random numbers begin.
    memory : int
        Points that any of the rules looks back, at most.
    longest : int
        Points after which a run is given up.

    Returns
    -------
    AverageRunLength

    Examples
    --------
    >>> far = lambda value, z, side, segments: abs(z) > 3
    >>> found = average_run_length([far], runs=500, seed=1)
    >>> abs(found.mean - 370.4) < 4 * found.error
    True
    """
    draw = np.random.default_rng(seed)
    length = np.full(runs, longest, dtype=np.float64)
    alive = np.arange(runs)
    before = np.empty((runs, 0))
    done = 0
    while alive.size and done < longest:
        points = np.concatenate([before, draw.standard_normal((alive.size, CHUNK))], axis=1)
        signalled = _signals(rules, points)
        carried = before.shape[1]
        first = _first_completed(rules, points[signalled], known_silent=carried)
        length[alive[signalled]] = done - carried + first
        alive = alive[~signalled]
        before = points[~signalled][:, -memory:]
        done += CHUNK
    np.minimum(length, longest, out=length)
    error = float(length.std(ddof=1)) / runs**0.5
    return AverageRunLength(float(length.mean()), error, runs, int(alive.size))


def chance_of_any(
    rules: Sequence[Detect],
    points: int,
    *,
    estimated: bool,
    runs: int,
    seed: int,
    centre: str = "mean",
    marking: Sequence[bool] | None = None,
) -> FalseAlarms:
    """Chance that a chart on which nothing happens shows a signal.

    Parameters
    ----------
    rules : sequence of callable
        Detectors ``detect(value, z, side, segments)``.
    points : int
        Points of each chart, at least 3.
    estimated : bool
        Whether centre line and sigma (mean moving range / 1.128) come from the
        same points, as on most charts, or are known.
    runs : int
        How many charts to simulate.
    seed : int
        Where the random numbers begin.
    centre : str
        ``"mean"`` or ``"median"``: the centre line, if it is estimated.
    marking : sequence of bool, optional
        Which of the rules mark single points; all by default. The others do
        not count for the latest point.

    Returns
    -------
    FalseAlarms

    Examples
    --------
    >>> far = lambda value, z, side, segments: abs(z) > 3
    >>> found = chance_of_any([far], 24, estimated=False, runs=4000, seed=1)
    >>> abs(found.any_signal - (1 - 0.9973**24)) < 4 * found.any_error
    True
    """
    draw = np.random.default_rng(seed)
    marks = tuple(marking) if marking is not None else (True,) * len(rules)
    some, latest = 0, 0
    for part in _parts(runs, points):
        value = draw.standard_normal((part.stop - part.start, points))
        middle, sigma = _limits(value, estimated=estimated, centre=centre)
        segments = Segments.from_lengths(np.full(value.shape[0], points))
        flags = np.zeros(value.shape, dtype=np.bool_)
        marked = np.zeros(value.shape[0], dtype=np.bool_)
        for detect, single in zip(rules, marks, strict=True):
            found = _detected(detect, value - middle, sigma, segments).reshape(value.shape)
            flags |= found
            if single:
                marked |= found[:, -1]
        some += int(flags.any(axis=1).sum())
        latest += int(marked.sum())
    chances = (some / runs, latest / runs)
    errors = tuple((chance * (1.0 - chance) / runs) ** 0.5 for chance in chances)
    return FalseAlarms(points, chances[0], errors[0], chances[1], errors[1], runs)


def _limits(value: Floats, *, estimated: bool, centre: str) -> tuple[Floats, Floats]:
    """Centre line and sigma of each chart, shape (charts, 1)."""
    if not estimated:
        return np.zeros((value.shape[0], 1)), np.ones((value.shape[0], 1))
    middle = np.median if centre == "median" else np.mean
    moving = np.abs(np.diff(value, axis=1)).mean(axis=1, keepdims=True)
    return middle(value, axis=1, keepdims=True), moving / D2


def _detected(detect: Detect, deviation: Floats, sigma: Floats, segments: Segments) -> Flags:
    flat = deviation.ravel()
    z = (deviation / sigma).ravel()
    return detect(flat, z, side_of(flat, np.zeros(flat.size)), segments)


def _signals(rules: Sequence[Detect], points: Floats) -> Flags:
    """Which rows of points, limits known, hold a complete signal."""
    found = np.zeros(points.shape[0], dtype=np.bool_)
    one = np.ones(1)
    for part in _parts(*points.shape):
        block = points[part]
        segments = Segments.from_lengths(np.full(block.shape[0], block.shape[1]))
        for detect in rules:
            flags = _detected(detect, block, one, segments)
            found[part] |= flags.reshape(block.shape).any(axis=1)
    return found


def _first_completed(rules: Sequence[Detect], points: Floats, *, known_silent: int) -> Integers:
    """Length of the shortest beginning of each row that holds a signal.

    Rules mark points in hindsight, so the length is searched by halving: a
    beginning that signals does so however far it is continued.
    """
    silent = np.full(points.shape[0], known_silent, dtype=np.int64)
    signals = np.full(points.shape[0], points.shape[1], dtype=np.int64)
    while (open_ := signals - silent > 1).any():
        tried = (silent + signals) // 2
        rows = np.flatnonzero(open_)
        found = _beginnings_signal(rules, points[rows], tried[rows])
        signals[rows[found]] = tried[rows[found]]
        silent[rows[~found]] = tried[rows[~found]]
    return signals


def _beginnings_signal(
    rules: Sequence[Detect], points: Floats, lengths: Integers
) -> npt.NDArray[np.bool_]:
    found = np.zeros(lengths.size, dtype=np.bool_)
    one = np.ones(1)
    for part in _parts(*points.shape):
        kept = np.arange(points.shape[1]) < lengths[part, None]
        segments = Segments.from_lengths(lengths[part])
        for detect in rules:
            flags = _detected(detect, points[part][kept], one, segments)
            found[part] |= segments.sums(flags.astype(np.int64)) > 0
    return found


def _parts(rows: int, columns: int) -> Iterator[slice]:
    """Rows in blocks that fit the processor's cache."""
    step = max(1, BLOCK_ROWS // max(columns, 1))
    for first in range(0, rows, step):
        yield slice(first, min(first + step, rows))
