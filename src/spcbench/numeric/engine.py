"""All series at once: limits, rules and dispersion, block by block.

Work goes through in blocks of whole segments that fit the processor's cache,
which makes it several times quicker than passes over the whole array, and
keeps the memory for intermediate steps small.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from spcbench.numeric.dispersion import variance_ratio
from spcbench.numeric.limits import ChartOptions, Limits, Series
from spcbench.numeric.rules import side_of
from spcbench.numeric.segments import BLOCK_ROWS, Flags, Floats, Segments, Signs

LimitsFunction = Callable[[Series, ChartOptions], Limits]
Detect = Callable[[Floats, Floats, Signs, Segments], Flags]

FEWEST_POINTS = 3
"""A segment, or a baseline, with fewer points has no limits: they would only mirror the points."""

KEPT_BYTES = 30 * 2**20
"""Memory that glibc shall hold on to between blocks; its own ceiling is 32 MiB.

glibc hands freed memory back to the system at once until it has seen one array
of such a size freed, and fetching it again for every block costs as much as all
the arithmetic. The array is never touched, so making it is free.
"""


THREAD_ROWS = 2 * BLOCK_ROWS
"""Rows of a block when several are worked on at once.

Threads take turns at everything that is not arithmetic on whole arrays; larger
blocks leave less of it.
"""

_FLOATS = ("value", "centre", "sigma", "lcl", "ucl", "lower_warning", "upper_warning", "z")
_UNKNOWN_OF_FEW = ("sigma", "lcl", "ucl", "lower_warning", "upper_warning", "z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Charted:
    """Limits and signals of many series; arrays of shape (rows,) unless said.

    Parameters
    ----------
    limits : Limits
        NaN in segments of fewer than `FEWEST_POINTS` points; `value` is what is
        plotted, whichever the chart, and `neutral` is left out.
    side : array of int8
        Side of the centre line: 1, −1, or 0.
    fired : array of uint8
        Bit i is set where rule i found the point to take part.
    dispersion : array of float, shape (segments,)
        Observed over expected variance of each segment's baseline.
    known : array of int64, shape (segments,)
        Points with data in each segment that are not excluded.
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
    across_gaps: Sequence[bool] = (),
    limited: bool = True,
    threads: int = 1,
    block_rows: int | None = None,
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
    across_gaps : sequence of bool, optional
        Which of the rules look past missing periods; none by default.
    limited : bool
        False for charts that have no limits; otherwise no rule fires in a
        segment whose sigma cannot be estimated.
    threads : int
        How many blocks are worked on at once.
    block_rows : int, optional
        Rows worked on at a time; the result depends neither on it nor on
        `threads`.

    Returns
    -------
    Charted
    """
    made = _space(series)
    np.empty(KEPT_BYTES, dtype=np.uint8)
    judge = _Judge(tuple(rules), tuple(across_gaps) or (False,) * len(rules), limited)

    def work(part: tuple[int, int]) -> None:
        first, last = part
        begin = int(series.segments.starts[first])
        segments = series.segments.part(first, last)
        rows = slice(begin, begin + segments.size)
        block = _block(series, rows, segments)
        found = limits(block, options)
        _fill(made, slice(first, last), rows, block=block, found=found, judge=judge)

    usual = BLOCK_ROWS if threads == 1 else THREAD_ROWS
    blocks = series.segments.blocks(block_rows or usual)
    if threads == 1:
        for part in blocks:
            work(part)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, blocks))
    return made


@dataclass(frozen=True, slots=True)
class _Judge:
    """How a block is judged: the rules, which look past gaps, and whether limits are needed."""

    rules: tuple[Detect, ...]
    across_gaps: tuple[bool, ...]
    limited: bool


def _space(series: Series) -> Charted:
    size, segments = series.value.size, len(series.segments)
    floats: dict[str, Any] = {name: np.empty(size) for name in _FLOATS}
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
    judge: _Judge,
) -> None:
    """Write one block's limits, sides, signals and dispersion into the whole."""
    segments = block.segments
    value = block.value if found.value is None else found.value
    seen = ~np.isnan(value)
    if block.excluded is not None:
        seen &= ~block.excluded
    known = segments.sums(seen.astype(np.int64))
    for name in _FLOATS:
        getattr(made.limits, name)[rows] = value if name == "value" else getattr(found, name)
    made.limits.method[rows] = found.method
    few = known < FEWEST_POINTS
    if block.given_centre is None and not block.in_baseline.all():
        few |= segments.sums(block.in_baseline.astype(np.int64)) < FEWEST_POINTS
    if few.any():
        empty = segments.spread(few)
        for name in _UNKNOWN_OF_FEW:
            getattr(made.limits, name)[rows][empty] = np.nan
    side = _sides(value, found, segments.spread(few) if few.any() else None)
    made.side[rows] = side
    made.known[part] = known
    made.fired[rows] = _fired(block, value, made.limits.z[rows], side, judge=judge)
    with np.errstate(invalid="ignore", divide="ignore"):
        deviation = value - found.centre
        deviation /= found.sigma
    deviation[~block.in_baseline] = np.nan
    made.dispersion[part] = variance_ratio(deviation, block.gap, segments)


def _sides(value: Floats, found: Limits, empty: Flags | None) -> Signs:
    side = side_of(value, found.centre)
    if empty is not None:
        side[empty] = 0
    if found.neutral is not None:
        side[found.neutral] = 0
    return side


def _fired(
    block: Series, value: Floats, z: Floats, side: Signs, *, judge: _Judge
) -> npt.NDArray[np.uint8]:
    """Bits of the rules that fired on each row."""
    whole = block.segments
    unseen = np.zeros(0, dtype=np.bool_)
    if judge.limited:
        unseen = np.isnan(z)
        unseen &= ~np.isnan(value)
    if block.excluded is not None:
        unseen = block.excluded | unseen if unseen.size else block.excluded
    if unseen.any():
        value, z, side = value.copy(), z.copy(), side.copy()
        value[unseen], z[unseen], side[unseen] = np.nan, np.nan, 0
    unbroken = whole if not block.gap.any() else Segments.from_breaks(whole.breaks | block.gap)
    fired = np.zeros(value.size, dtype=np.uint8)
    for bit, (detect, across) in enumerate(zip(judge.rules, judge.across_gaps, strict=True)):
        flags = detect(value, z, side, whole if across else unbroken)
        fired |= flags.view(np.uint8) << np.uint8(bit)
    return fired
