"""Special-cause tests on standardised deviations.

Every test gets the whole of many series and answers with True for each point
that takes part. Rules see `z`, the `side` of the centre line and, for trends,
the `value`, so that one rule serves every chart type. Nothing looks across a
segment's edge, and a point without data (NaN) ends whatever went before. A
point on the centre line breaks a run, but for the tests whose names say that
they look past it. Tests of a whole chart (longest run, crossings) are in
`spcbench.numeric.runs`.
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
        far: Flags = z * side > 2.0
    return _two_on_one_side(far, side, segments)


def two_of_three_inside(z: Floats, side: Signs, segments: Segments) -> Flags:
    """Two of three points in a row between 2 and 3 sigma, all three on that side.

    Making Data Count before November 2023: a point beyond the limits is not
    one of the two, but may be the third.

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
        True for the points between 2 and 3 sigma, not for the third.

    Examples
    --------
    >>> import numpy as np
    >>> z = np.array([2.5, 3.1, 3.0, 0.2])
    >>> two_of_three_inside(z, np.sign(z).astype(np.int8), Segments.from_lengths([4]))
    array([ True, False,  True, False])
    """
    with np.errstate(invalid="ignore"):
        score = z * side
    return _two_on_one_side((score > 2.0) & (score <= 3.0), side, segments)


def runs_past_ties(value: Floats, side: Signs, segments: Segments, *, length: int) -> Flags:
    """Stretches of `length` or more points on one side, points on the centre line left out.

    Parameters
    ----------
    value : array of float, shape (rows,)
        What is plotted; NaN (no data) ends a run.
    side : array of int8, shape (rows,)
        As `side_of` gives it; 0 with a value neither breaks a run nor counts.
    segments : Segments
        Runs never cross their edges.
    length : int
        Fewest points that make a signal, at least 2.

    Returns
    -------
    array of bool, shape (rows,)
        True for the points of such a stretch that are off the centre line.

    References
    ----------
    .. [1] Perla, Provost & Murray (2011), BMJ Quality & Safety 20:46 (run charts).

    Examples
    --------
    >>> import numpy as np
    >>> side = np.array([1, 1, 0, 1, -1], dtype=np.int8)
    >>> runs_past_ties(side * 1.0, side, Segments.from_lengths([5]), length=3)
    array([ True,  True, False,  True, False])
    """
    kept = (side != 0) | np.isnan(value)
    found = np.zeros(value.size, dtype=np.bool_)
    found[kept] = runs(side[kept], _only(kept, segments), length=length)
    return found


def trends_past_repeats(value: Floats, segments: Segments, *, length: int) -> Flags:
    """Stretches of `length` or more rising (or falling) points, equal neighbours counted once.

    Parameters
    ----------
    value : array of float, shape (rows,)
        What is plotted; NaN ends a trend.
    segments : Segments
        Trends never cross their edges.
    length : int
        Fewest different points that make a signal, at least 2.

    Returns
    -------
    array of bool, shape (rows,)
        True for the points of such a stretch, of equal neighbours for the first.

    References
    ----------
    .. [1] Perla, Provost & Murray (2011), BMJ Quality & Safety 20:46 (run charts).

    Examples
    --------
    >>> import numpy as np
    >>> trends_past_repeats(np.array([1.0, 2.0, 2.0, 3.0]), Segments.from_lengths([4]), length=3)
    array([ True,  True, False,  True])
    """
    kept = np.ones(value.size, dtype=np.bool_)
    kept[1:] = value[1:] != value[:-1]
    kept[segments.starts] = True
    found = np.zeros(value.size, dtype=np.bool_)
    found[kept] = trends(value[kept], _only(kept, segments), length=length)
    return found


def alternations(value: Floats, segments: Segments, *, length: int) -> Flags:
    """Stretches of `length` or more points that go up and down in turn.

    Parameters
    ----------
    value : array of float, shape (rows,)
        What is plotted; equal neighbours or NaN break the stretch.
    segments : Segments
        Stretches never cross their edges.
    length : int
        Fewest points that make a signal, at least 3.

    Returns
    -------
    array of bool, shape (rows,)
        True for every point of such a stretch.

    Examples
    --------
    >>> import numpy as np
    >>> value = np.array([1.0, 3.0, 2.0, 4.0, 5.0])
    >>> alternations(value, Segments.from_lengths([5]), length=4)
    array([ True,  True,  True,  True, False])
    """
    step = np.zeros(value.size, dtype=np.int8)
    step[1:] = (value[1:] > value[:-1]).view(np.int8) - (value[1:] < value[:-1]).view(np.int8)
    step[segments.starts] = 0
    turned = np.zeros(value.size, dtype=np.bool_)
    # Of two steps with opposite signs, neither of them none, the product is -1.
    turned[1:] = step[1:] * step[:-1] < 0
    return _backwards(_in_a_row(turned, length - 2), length)


def beyond(z: Floats, segments: Segments, *, points: int, window: int, sigma: float) -> Flags:
    """At least `points` of `window` points in a row strictly beyond `sigma`, on one side.

    The others may lie anywhere, but must have data.

    Parameters
    ----------
    z : array of float, shape (rows,)
        Score; NaN where there is no data.
    segments : Segments
        The points never cross their edges.
    points, window : int
        How many of how many: 2 of 3, 3 of 4, 4 of 5.
    sigma : float
        How far out.

    Returns
    -------
    array of bool, shape (rows,)
        True for the points beyond, not for the others.

    Examples
    --------
    >>> import numpy as np
    >>> z = np.array([2.5, -0.1, 3.5, 0.2])
    >>> beyond(z, Segments.from_lengths([4]), points=2, window=3, sigma=2.0)
    array([ True, False,  True, False])
    """
    whole = _in_a_row(_together(~np.isnan(z), segments), window - 1)
    found = np.zeros(z.size, dtype=np.bool_)
    for far in (z > sigma, z < -sigma):
        number = far.astype(np.int8)
        for back in range(1, window):
            number[back:] += far[:-back]
        found |= far & _backwards(whole & (number >= points), window)
    return found


def within(z: Floats, side: Signs, segments: Segments, *, sigma: float, length: int) -> Flags:
    """Stretches of `length` or more points strictly within ± `sigma`, on either side.

    Parameters
    ----------
    z : array of float, shape (rows,)
        Score; NaN where there is no data.
    side : array of int8, shape (rows,)
        As `side_of` gives it; 0 breaks the stretch, as it breaks a run.
    segments : Segments
        Stretches never cross their edges.
    sigma : float
        The limit.
    length : int
        Fewest points that make a signal, at least 2.

    Returns
    -------
    array of bool, shape (rows,)
        True for every point of such a stretch.

    Examples
    --------
    >>> import numpy as np
    >>> z = np.array([0.5, -0.5, 0.9, 1.0])
    >>> within(z, np.sign(z).astype(np.int8), Segments.from_lengths([4]), sigma=1.0, length=3)
    array([ True,  True,  True, False])
    """
    near = (np.abs(z) < sigma) & (side != 0)
    return _backwards(_in_a_row(_together(near, segments), length - 1), length)


def without(z: Floats, segments: Segments, *, sigma: float, length: int) -> Flags:
    """Stretches of `length` or more points none of which lies within ± `sigma`.

    Parameters
    ----------
    z : array of float, shape (rows,)
        Score; NaN where there is no data, which breaks the stretch.
    segments : Segments
        Stretches never cross their edges.
    sigma : float
        The limit; a point on it is not within.
    length : int
        Fewest points that make a signal, at least 2.

    Returns
    -------
    array of bool, shape (rows,)
        True for every point of such a stretch.

    Examples
    --------
    >>> import numpy as np
    >>> z = np.array([1.5, -1.0, 2.0, 0.9])
    >>> without(z, Segments.from_lengths([4]), sigma=1.0, length=3)
    array([ True,  True,  True, False])
    """
    far = np.abs(z) >= sigma
    return _backwards(_in_a_row(_together(far, segments), length - 1), length)


def _two_on_one_side(far: Flags, side: Signs, segments: Segments) -> Flags:
    """Mark the far points where two of three are far and all three on one side."""
    last, middle, first = far[2:], far[1:-1], far[:-2]
    completed = _in_a_row(_same_side(side, segments), 2)
    completed[2:] &= (last & middle) | (last & first) | (middle & first)
    far &= _backwards(completed, 3)
    return far


def _only(kept: Flags, segments: Segments) -> Segments:
    """Segments of the kept rows alone."""
    owner = segments.spread(np.arange(len(segments)))[kept]
    breaks = np.ones(owner.size, dtype=np.bool_)
    breaks[1:] = owner[1:] != owner[:-1]
    return Segments.from_breaks(breaks)


def _together(flags: Flags, segments: Segments) -> Flags:
    """True where this flag and the one before it in the segment are True."""
    both = flags.copy()
    both[1:] &= flags[:-1]
    both[segments.starts] = False
    return both


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
