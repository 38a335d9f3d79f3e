"""Runs about the centre line, judged for a whole chart.

A run is a stretch of points on one side of the centre line. Points on it, and
points without data, are dropped before anything is counted, as the published
tests do; the points that remain are the useful ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import special

from spcbench.numeric.segments import Flags, Floats, Integers, Segments, Signs

FEWEST_USEFUL = 10
"""Fewer useful points have no limits for the number of runs: the printed tables begin here."""


@dataclass(frozen=True, slots=True)
class RunStatistics:
    """Runs of each segment; arrays of int64, shape (segments,).

    Parameters
    ----------
    useful : array
        Points off the centre line.
    above : array
        Those of them above it.
    longest : array
        Points of the longest run; 0 without a useful point.
    crossings : array
        Times that successive useful points lie on different sides.
    """

    useful: Integers
    above: Integers
    longest: Integers
    crossings: Integers


@dataclass(frozen=True, slots=True)
class RunsLimits:
    """Numbers of runs that chance allows; arrays of int64 of one shape.

    Parameters
    ----------
    fewest, most : array
        Fewer than `fewest`, or more than `most`, is a signal.
    """

    fewest: Integers
    most: Integers


@dataclass(frozen=True, slots=True)
class _Stretches:
    """Every run of useful points, all segments in order.

    Parameters
    ----------
    rows : array, shape (useful,)
        The useful rows.
    points : array, shape (runs,)
        Points of each run.
    per_segment, useful, above : array, shape (segments,)
        Runs, useful points, and those of them above the centre line.
    """

    rows: Integers
    points: Integers
    per_segment: Integers
    useful: Integers
    above: Integers


def _stretches(side: Signs, segments: Segments) -> _Stretches:
    rows = np.flatnonzero(side)
    useful = side[rows]
    bounds = np.searchsorted(rows, np.append(segments.starts, segments.size))
    new = np.ones(rows.size + 1, dtype=np.bool_)
    new[1:-1] = useful[1:] != useful[:-1]
    new[bounds] = True
    first = np.flatnonzero(new[:-1])
    up = np.concatenate(([0], np.cumsum(useful > 0)))
    return _Stretches(
        rows=rows,
        points=np.diff(first, append=rows.size),
        per_segment=np.diff(np.searchsorted(first, bounds)),
        useful=np.diff(bounds),
        above=np.diff(up[bounds]),
    )


def run_statistics(side: Signs, segments: Segments) -> RunStatistics:
    """Count useful points, longest run and crossings of each segment.

    Parameters
    ----------
    side : array of int8, shape (rows,)
        As `spcbench.numeric.rules.side_of` gives it; 0 (on the centre line, or
        no data) is dropped.
    segments : Segments
        Runs never cross their edges.

    Returns
    -------
    RunStatistics
        Arrays of shape (segments,).

    Examples
    --------
    >>> import numpy as np
    >>> side = np.array([1, 1, 0, 1, -1, 1], dtype=np.int8)
    >>> found = run_statistics(side, Segments.from_lengths([6]))
    >>> found.useful, found.longest, found.crossings
    (array([5]), array([3]), array([2]))
    """
    found = _stretches(side, segments)
    longest = np.zeros(len(segments), dtype=np.int64)
    some = found.per_segment > 0
    if some.any():
        starts = (np.cumsum(found.per_segment) - found.per_segment)[some]
        longest[some] = np.maximum.reduceat(found.points, starts)
    crossings = np.maximum(found.per_segment - 1, 0)
    return RunStatistics(found.useful, found.above, longest, crossings)


def longest_run_limit(useful: Integers) -> Integers:
    """Points of the longest run that chance allows: round(log2(useful)) + 3.

    Parameters
    ----------
    useful : array of int64
        Points off the centre line.

    Returns
    -------
    array of int64, of the same shape
        A longer run is a signal; 0 where there is no useful point.

    References
    ----------
    .. [1] Anhøj & Olesen (2014), PLoS ONE 9:e113825.

    Examples
    --------
    >>> import numpy as np
    >>> longest_run_limit(np.array([10, 24, 60]))
    array([6, 8, 9])
    """
    points = np.asarray(useful, dtype=np.int64)
    limit = np.rint(np.log2(np.maximum(points, 1))).astype(np.int64) + 3
    return np.where(points > 0, limit, 0)


def crossings_limit(useful: Integers) -> Integers:
    """Fewest crossings that chance allows: the 5 % quantile of Binomial(useful − 1, 0.5).

    Parameters
    ----------
    useful : array of int64
        Points off the centre line.

    Returns
    -------
    array of int64, of the same shape
        Fewer crossings are a signal; 0 where there is no useful point.

    References
    ----------
    .. [1] Anhøj & Olesen (2014), PLoS ONE 9:e113825.

    Examples
    --------
    >>> import numpy as np
    >>> crossings_limit(np.array([10, 24, 60]))
    array([ 2,  8, 23])
    """
    distinct, place = np.unique(np.asarray(useful, dtype=np.int64), return_inverse=True)
    limits = np.array([_fewest_crossings(int(points)) for points in distinct], dtype=np.int64)
    return limits[place].reshape(np.shape(useful))


@cache
def _fewest_crossings(useful: int) -> int:
    # bdtr(k, n, p) is P(X <= k); it is not defined for n = 0.
    if useful < 2:
        return 0
    steps = useful - 1
    return int(np.searchsorted(special.bdtr(np.arange(steps + 1.0), steps, 0.5), 0.05))


def runs_limits(above: Integers, below: Integers) -> RunsLimits:
    """Fewest and most runs that chance allows, at 2.5 % in each tail.

    Computed from the exact distribution of the number of runs among so many
    points above and so many below, all orders equally likely.

    Parameters
    ----------
    above, below : array of int64, of one shape
        Useful points on each side of the centre line.

    Returns
    -------
    RunsLimits
        Limits that no number of runs breaks (0 and all points) where fewer
        than 10 points are useful, or all lie on one side.

    References
    ----------
    .. [1] Swed & Eisenhart (1943), Annals of Mathematical Statistics 14:66: the
       same distribution as a table (to check; run-chart books print it by the
       number of useful points alone).

    Examples
    --------
    >>> import numpy as np
    >>> limits = runs_limits(np.array([5, 12]), np.array([5, 12]))
    >>> limits.fewest, limits.most
    (array([3, 8]), array([ 9, 18]))
    """
    up, down = np.asarray(above, dtype=np.int64), np.asarray(below, dtype=np.int64)
    # A pair as one number: much quicker to sort than rows of two.
    base = int(down.max(initial=0)) + 1
    distinct, place = np.unique(up * base + down, return_inverse=True)
    found = [_runs_limits(*divmod(int(pair), base)) for pair in distinct]
    limits = np.array(found, dtype=np.int64).reshape(-1, 2)[place.reshape(up.shape)]
    return RunsLimits(limits[..., 0], limits[..., 1])


@cache
def _runs_limits(above: int, below: int) -> tuple[int, int]:
    if above + below < FEWEST_USEFUL or not above or not below:
        return 0, above + below
    chance = _runs_distribution(above, below)
    at_most, at_least = np.cumsum(chance), np.cumsum(chance[::-1])[::-1]
    fewest = int(np.flatnonzero(at_most > 0.025)[0])
    most = int(np.flatnonzero(at_least > 0.025)[-1])
    return fewest, most


def _runs_distribution(above: int, below: int) -> Floats:
    """Chance of 0, 1, 2, … runs among `above` and `below` points, both at least 1."""
    number = np.arange(2 * min(above, below) + 2)
    half = number // 2
    even = _log_ways(above, half) + _log_ways(below, half) + np.log(2.0)
    one_more_above = _log_ways(above, half + 1) + _log_ways(below, half)
    one_more_below = _log_ways(above, half) + _log_ways(below, half + 1)
    ways = np.where(number % 2 == 0, even, np.logaddexp(one_more_above, one_more_below))
    chance: Floats = np.exp(ways - _log_choose(above + below, np.array(above)))
    return chance


def _log_ways(points: int, parts: Integers) -> Floats:
    """Log of the ways to cut `points` into so many runs; −infinity where there is none."""
    possible = (parts >= 1) & (parts <= points)
    ways = _log_choose(points - 1, np.where(possible, parts - 1, 0))
    return np.where(possible, ways, -np.inf)


def _log_choose(whole: int, part: Integers) -> Floats:
    made: Floats = (
        special.gammaln(whole + 1.0)
        - special.gammaln(part + 1.0)
        - special.gammaln(whole - part + 1.0)
    )
    return made


def long_runs(side: Signs, segments: Segments) -> Flags:
    """Points of runs that are longer than chance allows on such a chart.

    Parameters
    ----------
    side : array of int8, shape (rows,)
        As `spcbench.numeric.rules.side_of` gives it; 0 is dropped, so that a
        run goes on past it.
    segments : Segments
        Each is a chart of its own.

    Returns
    -------
    array of bool, shape (rows,)
        True for the useful points of every run beyond `longest_run_limit`.

    References
    ----------
    .. [1] Anhøj & Olesen (2014), PLoS ONE 9:e113825.

    Examples
    --------
    >>> import numpy as np
    >>> long_runs(np.array([1, 1, 1, 1, 1, 1, 0, 1, -1], np.int8), Segments.from_lengths([9]))
    array([ True,  True,  True,  True,  True,  True, False,  True, False])
    """
    found = _stretches(side, segments)
    limit = np.repeat(longest_run_limit(found.useful), found.per_segment)
    flags = np.zeros(side.size, dtype=np.bool_)
    flags[found.rows] = np.repeat(found.points > limit, found.points)
    return flags


def few_crossings(value: Floats, side: Signs, segments: Segments) -> Flags:
    """Charts that cross the centre line less often than chance allows.

    Parameters
    ----------
    value : array of float, shape (rows,)
        What is plotted; NaN where there is no data.
    side : array of int8, shape (rows,)
        As `spcbench.numeric.rules.side_of` gives it; 0 is dropped.
    segments : Segments
        Each is a chart of its own.

    Returns
    -------
    array of bool, shape (rows,)
        True on every point with data of such a chart.

    References
    ----------
    .. [1] Anhøj & Olesen (2014), PLoS ONE 9:e113825.

    Examples
    --------
    >>> import numpy as np
    >>> side = np.repeat(np.array([1, -1], dtype=np.int8), 6)
    >>> few_crossings(side * 1.0, side, Segments.from_lengths([12])).all()
    np.True_
    """
    found = _stretches(side, segments)
    crossings = np.maximum(found.per_segment - 1, 0)
    return _whole(crossings < crossings_limit(found.useful), value, segments)


def few_runs(value: Floats, side: Signs, segments: Segments) -> Flags:
    """Charts with fewer runs than chance allows (`runs_limits`).

    Parameters
    ----------
    value, side, segments
        As for `few_crossings`.

    Returns
    -------
    array of bool, shape (rows,)
        True on every point with data of such a chart.

    Examples
    --------
    >>> import numpy as np
    >>> side = np.repeat(np.array([1, -1], dtype=np.int8), 6)
    >>> few_runs(side * 1.0, side, Segments.from_lengths([12])).all()
    np.True_
    """
    number, limits = _runs_and_limits(side, segments)
    return _whole(number < limits.fewest, value, segments)


def many_runs(value: Floats, side: Signs, segments: Segments) -> Flags:
    """Charts with more runs than chance allows (`runs_limits`).

    Parameters
    ----------
    value, side, segments
        As for `few_crossings`.

    Returns
    -------
    array of bool, shape (rows,)
        True on every point with data of such a chart.

    Examples
    --------
    >>> import numpy as np
    >>> side = np.tile(np.array([1, -1], dtype=np.int8), 6)
    >>> many_runs(side * 1.0, side, Segments.from_lengths([12])).all()
    np.True_
    """
    number, limits = _runs_and_limits(side, segments)
    return _whole(number > limits.most, value, segments)


def _runs_and_limits(side: Signs, segments: Segments) -> tuple[Integers, RunsLimits]:
    found = _stretches(side, segments)
    return found.per_segment, runs_limits(found.above, found.useful - found.above)


def _whole(signal: Flags, value: Floats, segments: Segments) -> Flags:
    return segments.spread(signal) & ~np.isnan(value)
