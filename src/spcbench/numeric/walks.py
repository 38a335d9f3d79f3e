"""Sums that each point carries on from the one before it.

They walk along the positions of a segment, all segments at a step, so that the
cost is one of rows and not of series (a single long series pays some
microseconds a row for its steps).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TypedDict

import numpy as np

from spcbench.numeric.segments import Floats, Integers, Segments


class Restarts(TypedDict):
    """How sums begin: as `cusum_sums` takes it."""

    head_start: float
    resets: bool


@dataclass(frozen=True, slots=True)
class Steps:
    """Order of rows in which a walk meets them: first all first points, then all second ones.

    Parameters
    ----------
    place : array of int64, shape (rows,)
        Where each row stands in that order; longer segments come first.
    bounds : array of int64, shape (longest + 1,)
        Where each step begins, and where the last one ends.

    Examples
    --------
    >>> steps = Steps.of(Segments.from_lengths([1, 3]))
    >>> steps.place, steps.bounds
    (array([1, 0, 2, 3]), array([0, 2, 3, 4]))
    """

    place: Integers
    bounds: Integers

    @classmethod
    def of(cls, segments: Segments) -> Steps:
        """The steps of some segments."""
        lengths = segments.lengths
        rank = np.empty(lengths.size, dtype=np.int64)
        rank[np.argsort(-lengths, kind="stable")] = np.arange(lengths.size)
        reached = lengths.size - np.cumsum(np.bincount(lengths))[:-1]
        bounds = np.concatenate([[0], np.cumsum(reached)])
        position = np.arange(segments.size) - segments.spread(segments.starts)
        return cls(bounds[position] + segments.spread(rank), bounds)

    def ordered(self, rows: Floats) -> Floats:
        """Rows, shape (…, rows), in the order of the walk."""
        made = np.empty(rows.shape)
        made[..., self.place] = rows
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Both sums of a CUSUM, each 0 or more; arrays of shape (rows,).

    Parameters
    ----------
    upper, lower : array of float
        Evidence of a rise, and of a fall. A signalling point shows the sum
        that signalled, before any reset.
    """

    upper: Floats
    lower: Floats

    @property
    def further(self) -> Floats:
        """The sum further from 0, the lower one as a negative number; shape (rows,)."""
        return np.where(self.upper >= self.lower, self.upper, -self.lower)


def running_sums(add: Floats, keep: Floats | None, segments: Segments) -> Floats:
    """Sums that keep a share of themselves at every point.

    Parameters
    ----------
    add : array of float, shape (rows,)
        What each point adds; no NaN.
    keep : array of float, shape (rows,), optional
        Share of the sum before that stays; all of it when not given.
    segments : Segments
        Each begins at 0.

    Returns
    -------
    array of float, shape (rows,)

    Examples
    --------
    >>> import numpy as np
    >>> running_sums(np.array([1.0, 1.0, 1.0]), np.full(3, 0.5), Segments.from_lengths([3]))
    array([1.  , 1.5 , 1.75])
    """
    steps = Steps.of(segments)
    made = steps.ordered(add)
    kept = None if keep is None else steps.ordered(keep)
    for (before, begin), (_, end) in pairwise(pairwise(steps.bounds.tolist())):
        state = made[before : before + end - begin]
        made[begin:end] += state if kept is None else state * kept[begin:end]
    return np.asarray(made[steps.place], dtype=np.float64)


def cusum_sums(
    upward: Floats | None,
    downward: Floats | None,
    h: Floats,
    segments: Segments,
    *,
    head_start: float = 0.0,
    resets: bool = True,
) -> Sums:
    """Sums of evidence that never fall below 0.

    Parameters
    ----------
    upward, downward : array of float, shape (rows,), or None
        What each point adds to the upper and to the lower sum; 0 leaves a sum
        as it was, and there is no NaN. None for a sum that is not wanted and
        stays 0; not for both.
    h : array of float, shape (rows,)
        A sum signals when it exceeds this; infinite where none shall.
    segments : Segments
        Each begins anew.
    head_start : float
        Share of h at which sums begin, and begin again (fast initial response).
    resets : bool
        Whether a sum that has signalled begins again with the next point; the
        other goes on.

    Returns
    -------
    Sums

    References
    ----------
    .. [1] Page (1954), Biometrika 41:100; Lucas & Crosier (1982),
       Technometrics 24:199 (head start).

    Examples
    --------
    >>> import numpy as np
    >>> moves = np.array([2.0, 2.0, 1.0])
    >>> cusum_sums(moves, -moves, np.full(3, 3.0), Segments.from_lengths([3])).upper
    array([2., 4., 1.])
    """
    steps = Steps.of(segments)
    made = steps.ordered(np.stack([moves for moves in (upward, downward) if moves is not None]))
    limit = steps.ordered(h)
    # An infinite limit has no share to begin with.
    start = np.where(np.isfinite(limit), limit, 0.0) * head_start
    state = np.repeat(start[np.newaxis, : len(segments)], len(made), axis=0)
    for begin, end in pairwise(steps.bounds.tolist()):
        sums = state[:, : end - begin]
        sums += made[:, begin:end]
        np.maximum(sums, 0.0, out=sums)
        made[:, begin:end] = sums
        if resets:
            np.copyto(sums, start[begin:end], where=sums > limit[begin:end])
    found, none = made[:, steps.place], np.zeros(h.size)
    return Sums(
        upper=none if upward is None else found[0], lower=none if downward is None else found[-1]
    )
