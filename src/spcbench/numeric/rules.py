"""Special-cause tests on standardised deviations.

Every test gets the whole of many series and answers with True for each point
that takes part. Rules see `z`, the `side` of the centre line and, for trends,
the `value`, so that one rule serves every chart type. Nothing looks across a
segment's edge; NaN and points on the centre line break runs.
"""

from __future__ import annotations

import numpy as np

from spcbench.numeric.segments import Flags, Floats, Segments, Signs

TIE = 1e-9
"""Nearer than this share of the centre line, a value lies on it."""


def side_of(value: Floats, centre: Floats) -> Signs:
    """Side of the centre line: 1 above, −1 below, 0 on it or no data.

    Parameters
    ----------
    value, centre : array of float, shape (rows,)
        On the same scale.

    Returns
    -------
    array of int8, shape (rows,)

    Examples
    --------
    >>> import numpy as np
    >>> side_of(np.array([0.2, 0.1, np.nan]), np.array([0.1, 0.1, 0.1]))
    array([1, 0, 0], dtype=int8)
    """
    difference = value - centre
    near = np.abs(centre)
    near *= TIE
    above = difference > near
    below = difference < np.negative(near, out=near)
    return above.view(np.int8) - below.view(np.int8)


def outside(z: Floats, *, sigma: float = 3.0) -> Flags:
    """Points strictly beyond ± `sigma` (rule "3s").

    Parameters
    ----------
    z : array of float, shape (rows,)
        NaN where there is no data, which is never outside.
    sigma : float
        The limit.

    Returns
    -------
    array of bool, shape (rows,)

    Examples
    --------
    >>> import numpy as np
    >>> outside(np.array([3.0, -3.1, np.nan]))
    array([False,  True, False])
    """
    return np.abs(z) > sigma


def runs(side: Signs, segments: Segments, *, length: int) -> Flags:
    """Stretches of `length` or more points strictly on one side.

    Parameters
    ----------
    side : array of int8, shape (rows,)
        As `side_of` gives it; 0 breaks a run.
    segments : Segments
        Runs never cross their edges.
    length : int
        Fewest points that make a signal, at least 2.

    Returns
    -------
    array of bool, shape (rows,)
        True for every point of such a stretch.

    Examples
    --------
    >>> import numpy as np
    >>> side = np.array([1, 1, 1, -1, 1], dtype=np.int8)
    >>> runs(side, Segments.from_lengths([5]), length=3)
    array([ True,  True,  True, False, False])
    """
    return _backwards(_in_a_row(_same_side(side, segments), length - 1), length)


def trends(value: Floats, segments: Segments, *, length: int) -> Flags:
    """Stretches of `length` or more points all rising, or all falling.

    Parameters
    ----------
    value : array of float, shape (rows,)
        What is plotted; a tie or NaN breaks a trend.
    segments : Segments
        Trends never cross their edges.
    length : int
        Fewest points that make a signal (one more than the steps).

    Returns
    -------
    array of bool, shape (rows,)
        True for every point of such a stretch.

    Examples
    --------
    >>> import numpy as np
    >>> trends(np.array([1.0, 2.0, 3.0, 3.0]), Segments.from_lengths([4]), length=3)
    array([ True,  True,  True, False])
    """
    found = np.zeros(value.size, dtype=np.bool_)
    for step in (np.greater, np.less):
        moved = np.zeros(value.size, dtype=np.bool_)
        step(value[1:], value[:-1], out=moved[1:])
        moved[segments.starts] = False
        found |= _backwards(_in_a_row(moved, length - 1), length)
    return found


def two_of_three(z: Floats, side: Signs, segments: Segments) -> Flags:
    """Two of three consecutive points beyond 2 sigma, all three on that side.

    Beyond the limits counts as beyond 2 sigma (Making Data Count since
    November 2023).

    Parameters
    ----------
    z : array of float, shape (rows,)
        Score; NaN where there is no data.
    side : array of int8, shape (rows,)
        As `side_of` gives it.
    segments : Segments
        The three points never cross their edges.

    Returns
    -------
    array of bool, shape (rows,)
        True for the points beyond 2 sigma, not for the third.

    Examples
    --------
    >>> import numpy as np
    >>> z = np.array([2.5, 0.1, 3.5, 0.2])
    >>> two_of_three(z, np.sign(z).astype(np.int8), Segments.from_lengths([4]))
    array([ True, False,  True, False])
    """
    with np.errstate(invalid="ignore"):
        beyond: Flags = z * side > 2.0
    last, middle, first = beyond[2:], beyond[1:-1], beyond[:-2]
    completed = _in_a_row(_same_side(side, segments), 2)
    completed[2:] &= (last & middle) | (last & first) | (middle & first)
    beyond &= _backwards(completed, 3)
    return beyond


def _same_side(side: Signs, segments: Segments) -> Flags:
    """True where a point is off the centre line and on the side of the one before it."""
    same: Flags = side != 0
    same[1:] &= side[1:] == side[:-1]
    same[segments.starts] = False
    return same


def _in_a_row(flags: Flags, length: int) -> Flags:
    """True where this flag and the `length` − 1 before it are all True."""
    found, reach = flags.copy(), 1
    while reach < length:
        step = min(reach, length - reach)
        found[step:] &= found[:-step]
        found[:step] = False
        reach += step
    return found


def _backwards(ends: Flags, length: int) -> Flags:
    """True on each marked row and the `length` − 1 rows before it."""
    found, reach = ends.copy(), 1
    while reach < length:
        step = min(reach, length - reach)
        found[:-step] |= found[step:]
        reach += step
    return found
