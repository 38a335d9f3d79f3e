"""All series at once: limits, rules and dispersion, block by block.

Work goes through in blocks of whole segments that fit the processor's cache,
which makes it several times quicker than passes over the whole array, and
keeps the memory for intermediate steps small.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from spcbench.numeric.dispersion import variance_ratio
from spcbench.numeric.limits import ChartOptions, Limits, Series
from spcbench.numeric.rules import side_of
from spcbench.numeric.segments import BLOCK_ROWS, Flags, Floats, Segments, Signs

LimitsFunction = Callable[[Series, ChartOptions], Limits]
Detect = Callable[[Floats, Floats, Signs, Segments], Flags]

FEWEST_POINTS = 3
"""A segment with fewer points has no limits: they would only mirror the points."""

KEPT_BYTES = 30 * 2**20
"""Memory that glibc shall hold on to between blocks; its own ceiling is 32 MiB.

glibc hands freed memory back to the system at once until it has seen one array
of such a size freed, and fetching it again for every block costs as much as all
the arithmetic. The array is never touched, so making it is free.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charted:
    """Limits and signals of many series; arrays of shape (rows,) unless said.

    Parameters
    ----------
    limits : Limits
        NaN in segments of fewer than `FEWEST_POINTS` points.
    side : array of int8
        Side of the centre line: 1, −1, or 0.
    fired : array of uint8
        Bit i is set where rule i found the point to take part.
    dispersion : array of float, shape (segments,)
        Observed over expected variance of each segment's baseline.
    known : array of int64, shape (segments,)
        Points with data in each segment.
    """

    limits: Limits
    side: Signs
    fired: npt.NDArray[np.uint8]
    dispersion: Floats
    known: npt.NDArray[np.int64]


def chart(
    series: Series,
    options: ChartOptions,
    *,
    limits: LimitsFunction,
    rules: Sequence[Detect],
    block_rows: int = BLOCK_ROWS,
) -> Charted:
    """Chart many series with one chart type and one set of rules.

    Parameters
    ----------
    series : Series
        All series, one segment per phase.
    options : ChartOptions
        What the analyst chose.
    limits : callable
        The chart type's function.
    rules : sequence of callable
        Up to eight detectors, in order.
    block_rows : int
        Rows worked on at a time; the result does not depend on it.

    Returns
    -------
    Charted
    """
    made = _space(series)
    np.empty(KEPT_BYTES, dtype=np.uint8)
    for first, last in series.segments.blocks(block_rows):
        begin = int(series.segments.starts[first])
        segments = series.segments.part(first, last)
        rows = slice(begin, begin + segments.size)
        block = _block(series, rows, segments)
        found = limits(block, options)
        _fill(made, slice(first, last), rows, block=block, found=found, rules=rules)
    return made


def _space(series: Series) -> Charted:
    size, segments = series.value.size, len(series.segments)
    floats = {field.name: np.empty(size) for field in fields(Limits) if field.name != "method"}
    return Charted(
        limits=Limits(**floats, method=np.empty(size, dtype=np.int8)),
        side=np.empty(size, dtype=np.int8),
        fired=np.zeros(size, dtype=np.uint8),
        dispersion=np.empty(segments),
        known=np.empty(segments, dtype=np.int64),
    )


def _block(series: Series, rows: slice, segments: Segments) -> Series:
    cut = {
        field.name: array[rows]
        for field in fields(Series)
        if field.name != "segments" and (array := getattr(series, field.name)) is not None
    }
    return replace(series, **cut, segments=segments)


def _fill(
    made: Charted,
    part: slice,
    rows: slice,
    *,
    block: Series,
    found: Limits,
    rules: Sequence[Detect],
) -> None:
    """Write one block's limits, sides, signals and dispersion into the whole."""
    segments, value = block.segments, block.value
    known = segments.sums((~np.isnan(value)).astype(np.int64))
    for field in fields(Limits):
        getattr(made.limits, field.name)[rows] = getattr(found, field.name)
    side = side_of(value, found.centre)
    few = known < FEWEST_POINTS
    if few.any():
        empty = segments.spread(few)
        side[empty] = 0
        for name in ("sigma", "lcl", "ucl", "lower_warning", "upper_warning", "z"):
            getattr(made.limits, name)[rows][empty] = np.nan
    z = made.limits.z[rows]
    unbroken = (
        segments if not block.gap.any() else Segments.from_breaks(segments.breaks | block.gap)
    )
    fired = made.fired[rows]
    for bit, detect in enumerate(rules):
        fired |= detect(value, z, side, unbroken).view(np.uint8) << np.uint8(bit)
    made.side[rows] = side
    made.known[part] = known
    with np.errstate(invalid="ignore", divide="ignore"):
        deviation = value - found.centre
        deviation /= found.sigma
    deviation[~block.in_baseline] = np.nan
    made.dispersion[part] = variance_ratio(deviation, block.gap, segments)
