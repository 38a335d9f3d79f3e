"""Moving ranges: how far each point lies from the one before it."""

from __future__ import annotations

import numpy as np

from spcbench.numeric.segments import Flags, Floats, Segments

D2 = 1.128
"""Mean moving range of two normal values, in sigmas, as printed in the tables."""

D4 = 3.267
"""A moving range further out than so many mean ranges is one in a hundred, as printed."""

MEDIAN_RANGE = 0.954
"""Median moving range of two normal values, in sigmas, as printed in the tables."""


def moving_ranges(values: Floats, breaks: Flags, segments: Segments) -> Floats:
    """Distance of each point from the one before it.

    Parameters
    ----------
    values : array of float, shape (rows,)
        NaN (no data, or not in the baseline) leaves the ranges on both sides.
    breaks : array of bool, shape (rows,)
        True where no range reaches back to the row before (a gap).
    segments : Segments
        No range crosses their edges.

    Returns
    -------
    array of float, shape (rows,)
        NaN where there is no range.

    Examples
    --------
    >>> import numpy as np
    >>> moving_ranges(np.array([1.0, 3.0, 2.0]), np.zeros(3, bool), Segments.from_lengths([3]))
    array([nan,  2.,  1.])
    """
    moving = np.empty(values.size)
    with np.errstate(invalid="ignore"):
        np.subtract(values[1:], values[:-1], out=moving[1:])
    np.abs(moving, out=moving)
    moving[breaks] = np.nan
    moving[segments.starts] = np.nan
    return moving


def mean_moving_range(moving: Floats, segments: Segments, *, screening: str = "none") -> Floats:
    """Mean moving range of each segment.

    Parameters
    ----------
    moving : array of float, shape (rows,)
        As `moving_ranges` gives it; anything not finite is left out.
    segments : Segments
        One mean for each.
    screening : str
        ``"none"``; ``"once"``: leave out ranges of 3.267 means or more and
        take the mean again; ``"iterative"``: until none is left out. Screening
        that would leave no range but zeros is not done.

    Returns
    -------
    array of float, shape (segments,)
        NaN with no moving range.

    References
    ----------
    .. [1] Nelson (1982), Journal of Quality Technology 14:172 (screening).

    Examples
    --------
    >>> import numpy as np
    >>> moving = np.array([np.nan, 1.0, 1.0, 1.0, 1.0, 1.0, 19.0])
    >>> segments = Segments.from_lengths([7])
    >>> mean_moving_range(moving, segments), mean_moving_range(moving, segments, screening="once")
    (array([4.]), array([1.]))
    """
    known = np.isfinite(moving)
    mean = _mean(moving, known, segments)
    rounds = {"none": 0, "once": 1, "iterative": moving.size}[screening]
    for _ in range(rounds):
        with np.errstate(invalid="ignore"):
            kept = known & (moving < segments.spread(D4 * mean))
        # Limits of no width at all would flag every point: keep those segments as they are.
        screened = _mean(moving, kept, segments)
        usable = screened > 0
        kept = np.where(segments.spread(usable), kept, known)
        if (kept == known).all():
            break
        known, mean = kept, np.where(usable, screened, mean)
    return mean


def _mean(moving: Floats, known: Flags, segments: Segments) -> Floats:
    number = segments.sums(known.astype(np.float64))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: Floats = segments.sums(np.where(known, moving, 0.0)) / number
    return mean
