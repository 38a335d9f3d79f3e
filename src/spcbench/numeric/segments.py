"""Many series laid end to end: sums, repeats and runs inside each.

A segment is one phase of one series. Everything here works on all segments at
once with whole-array operations; nothing looks across a segment's edge.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Signs = npt.NDArray[np.int8]
Scalar = TypeVar("Scalar", bound=np.generic)

BLOCK_ROWS = 60_000
"""Rows that fit a processor's cache together with their working arrays."""


@dataclass(frozen=True, slots=True)
class Segments:
    """Where each segment starts in flat arrays.

    Parameters
    ----------
    starts : array of int64, shape (segments,)
        Index of the first row of each segment, increasing from 0. No segment
        is empty.
    size : int
        Number of rows altogether.

    Examples
    --------
    >>> import numpy as np
    >>> segments = Segments.from_lengths([2, 3])
    >>> segments.sums(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    array([ 3., 12.])
    >>> segments.spread(np.array([10, 20]))
    array([10, 10, 20, 20, 20])
    """

    starts: Integers
    size: int

    @classmethod
    def from_lengths(cls, lengths: npt.ArrayLike) -> Segments:
        """Segments of the given numbers of rows, one after another."""
        counts = np.asarray(lengths, dtype=np.int64)
        ends = np.cumsum(counts)
        return cls(ends - counts, int(ends[-1]) if counts.size else 0)

    @classmethod
    def from_breaks(cls, breaks: Flags) -> Segments:
        """Segments that start wherever `breaks` is True; the first row always does."""
        starts = np.flatnonzero(breaks)
        if breaks.size and (not starts.size or starts[0] != 0):
            starts = np.concatenate(([0], starts))
        return cls(starts.astype(np.int64, copy=False), int(breaks.size))

    def __len__(self) -> int:
        return int(self.starts.size)

    @property
    def lengths(self) -> Integers:
        """Rows of each segment, shape (segments,)."""
        return np.diff(self.starts, append=self.size)

    @property
    def lasts(self) -> Integers:
        """Index of the last row of each segment, shape (segments,)."""
        return self.starts + self.lengths - 1

    @property
    def breaks(self) -> Flags:
        """True on the first row of each segment, shape (rows,)."""
        first = np.zeros(self.size, dtype=np.bool_)
        first[self.starts] = True
        return first

    def sums(self, values: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
        """Sum within each segment, shape (segments,); NaN spreads, so mask first."""
        if not len(self):
            return values[:0]
        made: npt.NDArray[Any] = np.add.reduceat(values, self.starts)
        return made

    def minima(self, values: Floats) -> Floats:
        """Smallest value within each segment, shape (segments,)."""
        if not len(self):
            return values[:0]
        return np.minimum.reduceat(values, self.starts)

    def spread(self, values: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
        """One value a segment, repeated on each of its rows, shape (rows,)."""
        return np.repeat(values, self.lengths)

    def blocks(self, rows: int = BLOCK_ROWS) -> Iterator[tuple[int, int]]:
        """First and one-past-last segment of successive blocks of about `rows` rows."""
        first = 0
        while first < len(self):
            limit = self.starts[first] + rows
            last = int(np.searchsorted(self.starts, limit, side="left"))
            last = max(last, first + 1)
            yield first, last
            first = last

    def part(self, first: int, last: int) -> Segments:
        """Segments `first` to `last` (exclusive) as if they stood alone."""
        begin = self.starts[first]
        end = self.starts[last] if last < len(self) else self.size
        return Segments(self.starts[first:last] - begin, int(end - begin))
