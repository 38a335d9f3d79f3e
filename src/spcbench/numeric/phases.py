"""Suggesting where a series moved to a new level: the stable shift algorithm.

A step is suggested where a long run on one side of the centre line is followed
by enough points to draw new limits, and nothing within those points speaks for
a return. The algorithm is sequential by nature, so it takes one series at a
time; `may_step` tells for many series at once which are worth that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spcbench.numeric.phase_limits import (
    PROPORTIONS,
    Drawn,
    Plotted,
    band,
    drawn_from,
    first_rows,
    plotted,
)
from spcbench.numeric.rules import runs
from spcbench.numeric.segments import Flags, Floats, Integers, Segments, Signs


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOptions:
    """How steps are looked for.

    Parameters
    ----------
    period : int
        Rows that limits are drawn from, and fewest points that must follow.
    baseline : int, optional
        Rows of the first such period; `period` if not given.
    shift : int
        Points in a row on one side that make a shift.
    max_exclusions : int
        Most points left out of each period's limits, the furthest outside first.
    no_regrets : bool
        Wait while the end of the data could still become a return, so that
        later data never take a suggestion back.
    overhanging : bool
        Whether a return counts that begins within the trial period and only
        later data complete.
    every_shift : bool
        Suggest a step at every shift, whatever speaks for a return.
    baseline_only : bool
        Draw the first limits only.
    screening : str
        Moving ranges beyond 3.267 times their mean leave it ``"none"``,
        ``"once"`` or ``"iterative"``.
    neutral_bounds : bool
        Whether counts of none or all, where chance alone puts half of all
        points or more, count for neither side. With 12 cases at 99 % nine
        months in ten have 12 of 12: a run of those is no shift.

    Raises
    ------
    ValueError
        If `period`, `baseline` or `shift` is less than 2.
    """

    period: int = 21
    baseline: int | None = None
    shift: int = 8
    max_exclusions: int = 3
    no_regrets: bool = True
    overhanging: bool = True
    every_shift: bool = False
    baseline_only: bool = False
    screening: str = "once"
    neutral_bounds: bool = False

    def __post_init__(self) -> None:
        if min(self.period, self.first_period, self.shift) < 2:
            raise ValueError("period, baseline and shift must be at least 2")

    @property
    def first_period(self) -> int:
        """Rows of the first period."""
        return self.period if self.baseline is None else self.baseline


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A shift that was looked at: what speaks for a step there, and what against.

    Parameters
    ----------
    start, last : int
        First row of the shift, and last row that the new limits come from.
    before, after : float
        Centre line until then, and from the rows `start` to `last`.
    run : int
        Points in a row on the new side, from `start` on.
    points : int
        Points with data in rows `start` to `last`.
    excluded : int
        How many of them the new limits leave out.
    opposing : bool
        A shift back begins before `last`.
    unfinished : bool
        The data end on a stretch that could still become a shift back.
    rises : bool
        Whether the run lies above the centre line before it.
    accepted : bool
        Whether a step is suggested.
    """

    start: int
    last: int
    before: float
    after: float
    run: int
    points: int
    excluded: int
    opposing: bool
    unfinished: bool
    rises: bool
    accepted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Steps of one series, and the limits that they rest on; arrays of shape (rows,).

    Parameters
    ----------
    trials : tuple of Trial
        Every shift that was looked at, in order.
    centre : array of float
        NaN throughout where there are too few points for the first limits.
    lcl, ucl : array of float
        NaN where there is no data, or no moving range to draw limits from.
    excluded : array of bool
        Points that the limits leave out.
    outside : array of bool
        Points strictly outside the limits.
    shifted : array of bool
        Points of a run of `shift` or more on one side.
    """

    trials: tuple[Trial, ...]
    centre: Floats
    lcl: Floats
    ucl: Floats
    excluded: Flags
    outside: Flags
    shifted: Flags

    @property
    def accepted(self) -> tuple[Trial, ...]:
        """The steps that are suggested."""
        return tuple(trial for trial in self.trials if trial.accepted)


def step_changes(
    numerator: Floats,
    denominator: Floats | None = None,
    *,
    chart: str = "p_prime",
    options: StepOptions | None = None,
) -> Steps:
    """Where one series moved to a new level and stayed there.

    Parameters
    ----------
    numerator : array of float, shape (rows,)
        Cases, or what is plotted where the chart has no denominators. NaN is
        no data: the row counts towards the length of a period, breaks runs and
        moving ranges, and feeds nothing.
    denominator : array of float, shape (rows,), optional
        For ``p`` and ``p_prime``; NaN or 0 is no data.
    chart : str
        One of `phase_limits.CHARTS`.
    options : StepOptions, optional
        The published defaults if not given.

    Returns
    -------
    Steps
        On the natural scale (0 to 1 for a proportion).

    Raises
    ------
    ValueError
        If the chart is not known, or lacks its denominators.

    References
    ----------
    .. [1] Woodcock, O'Connor & Bell (2025), BMJ Quality & Safety,
       doi:10.1136/bmjqs-2025-019263.

    Examples
    --------
    >>> import numpy as np
    >>> values = np.tile([10.0, 12.0, 11.0], 16)
    >>> values[24:] += 20
    >>> (step,) = step_changes(values, chart="i").accepted
    >>> step.start, step.before, step.after, step.points
    (24, 11.0, 31.0, 21)
    """
    options = options or StepOptions()
    single = Segments.from_lengths([numerator.size] if numerator.size else [])
    data = plotted(numerator, denominator, chart, single)
    later = np.cumsum(~np.isnan(data.value)[::-1])[::-1]
    if not later.size or later[0] < options.first_period:
        return _without_limits(numerator.size)
    size = options.first_period
    state = _State(data, neutral_bounds=options.neutral_bounds)
    state.adopt(0, _limits(data, np.zeros(1, np.int64), size, options))
    trials: list[Trial] = []
    at = numerator.size if options.baseline_only else size
    while at < numerator.size - 1 and later[at] >= options.period:
        start = _next_shift(state.side[at:], options.shift)
        if start is None or later[at + start] < options.period:
            break
        at += start
        drawn = _limits(data, np.array([at]), options.period, options)
        trials.append(_trial(data, state, at, drawn, options))
        if trials[-1].accepted:
            state.adopt(at, drawn)
            at += options.period
        else:
            at += 1
    return state.steps(trials, options.shift)


def may_step(
    numerator: Floats,
    denominator: Floats | None,
    segments: Segments,
    *,
    chart: str = "p_prime",
    options: StepOptions | None = None,
) -> Flags:
    """Which of many series have a shift that `step_changes` would look at.

    Parameters
    ----------
    numerator, denominator : array of float, shape (rows,)
        As `step_changes` takes them, the series laid end to end.
    segments : Segments
        One for each series.
    chart, options
        As `step_changes`.

    Returns
    -------
    array of bool, shape (segments,)
        False only where `step_changes` would look at no shift at all.

    Examples
    --------
    >>> import numpy as np
    >>> values = np.tile([10.0, 12.0, 11.0], 32)
    >>> values[72:] += 20
    >>> may_step(values, None, Segments.from_lengths([48, 48]), chart="i")
    array([False,  True])
    """
    options = options or StepOptions()
    found = np.zeros(len(segments), dtype=np.bool_)
    if options.baseline_only:
        return found
    for first, last in segments.blocks():
        part = segments.part(first, last)
        begin = int(segments.starts[first])
        rows = slice(begin, begin + part.size)
        bottom = None if denominator is None else denominator[rows]
        data = plotted(numerator[rows], bottom, chart, part)
        found[first:last] = _may_step(data, part, options)
    return found


def _may_step(data: Plotted, segments: Segments, options: StepOptions) -> Flags:
    size = options.first_period
    known = ~np.isnan(data.value)
    beyond = np.arange(segments.size) - segments.spread(segments.starts) >= size
    after = segments.sums((known & beyond).astype(np.int64))
    enough = segments.sums(known.astype(np.int64)) >= size
    enough &= after >= max(options.period, options.shift)
    centre = np.full(len(segments), np.nan)
    if enough.any():
        centre[enough] = _limits(data, segments.starts[enough], size, options).centre
    side = data.sides(segments.spread(centre), neutral_bounds=options.neutral_bounds)
    side[~beyond] = 0
    flags = runs(side, segments, length=options.shift)
    return np.asarray(segments.sums(flags.astype(np.int64)) > 0, dtype=np.bool_)


def _limits(data: Plotted, starts: Integers, size: int, options: StepOptions) -> Drawn:
    """Limits from the first `size` rows from each start."""
    return drawn_from(
        data.rows(first_rows(starts, size)),
        max_exclusions=options.max_exclusions,
        screening=options.screening,
    )


class _State:
    """Limits so far: those of each accepted period go on to the end of the data."""

    def __init__(self, data: Plotted, *, neutral_bounds: bool) -> None:
        rows = data.value.size
        self.data, self.neutral_bounds = data, neutral_bounds
        self.starts: list[int] = []
        self.centre, self.lcl, self.ucl = np.empty(rows), np.empty(rows), np.empty(rows)
        self.excluded = np.zeros(rows, dtype=np.bool_)
        self.side = np.zeros(rows, dtype=np.int8)

    def adopt(self, start: int, drawn: Drawn) -> None:
        """Limits drawn from the period at `start` hold from there on."""
        rows, size = slice(start, None), drawn.excluded.shape[1]
        tail = self.data.rows(rows)
        self.starts.append(start)
        self.centre[rows] = drawn.centre[0]
        self.lcl[rows], upper = band(tail, drawn.centre, drawn.spread)
        if self.data.chart in PROPORTIONS:
            np.minimum(upper[size:], 1.0, out=upper[size:])
        self.ucl[rows] = upper
        self.excluded[rows] = False
        self.excluded[start : start + size] = drawn.excluded[0]
        self.side[rows] = tail.sides(self.centre[rows], neutral_bounds=self.neutral_bounds)

    def steps(self, trials: list[Trial], shift: int) -> Steps:
        """The result once nothing is left to look at."""
        phases = Segments(np.array(self.starts, dtype=np.int64), self.side.size)
        return Steps(
            trials=tuple(trials),
            centre=self.centre,
            lcl=self.lcl,
            ucl=self.ucl,
            excluded=self.excluded,
            outside=(self.data.value > self.ucl) | (self.data.value < self.lcl),
            shifted=runs(self.side, phases, length=shift),
        )


def _next_shift(side: Signs, shift: int) -> int | None:
    """First row of the first run of `shift` or more."""
    flags = runs(side, Segments.from_lengths([side.size]), length=shift)
    return int(np.argmax(flags)) if flags.any() else None


def _trial(data: Plotted, state: _State, start: int, drawn: Drawn, options: StepOptions) -> Trial:
    """What limits from the period at `start` would say of the data from there on."""
    size = options.period
    before, after = float(state.centre[start]), float(drawn.centre[0])
    value = data.value[start:]
    centre = np.full(value.size, after)
    side = data.rows(slice(start, None)).sides(centre, neutral_bounds=options.neutral_bounds)
    new = int(state.side[start])
    opposing = _opposing(side if options.overhanging else side[:size], new, size, options.shift)
    unfinished = _unfinished(side, new, size)
    stops = opposing or (options.no_regrets and unfinished)
    return Trial(
        start=start,
        last=start + size - 1,
        before=before,
        after=after,
        run=_length_of_first(state.side[start:]),
        points=int((~np.isnan(value[:size])).sum()),
        excluded=int(drawn.excluded.sum()),
        opposing=opposing,
        unfinished=unfinished,
        rises=new > 0,
        accepted=options.every_shift or not stops,
    )


def _length_of_first(side: Signs) -> int:
    """Rows of the stretch on one side that `side` begins with."""
    other = side != side[0]
    return int(np.argmax(other)) if other.any() else side.size


def _opposing(side: Signs, new: int, size: int, shift: int) -> bool:
    """Whether a shift back begins within the first `size` rows."""
    back = runs(side, Segments.from_lengths([side.size]), length=shift) & (side == -new)
    # The run that called for the trial may lie on either side of a centre that it moved.
    back[: _length_of_first(side)] = False
    return bool(back[:size].any())


def _unfinished(side: Signs, new: int, size: int) -> bool:
    """Whether the period ends on the old side, and the data have stayed there since."""
    off = np.flatnonzero(side[:size])
    return bool(off.size) and not bool((side[off[-1] :] == new).any())


def _without_limits(rows: int) -> Steps:
    unknown, never = np.full(rows, np.nan), np.zeros(rows, dtype=np.bool_)
    return Steps(
        trials=(),
        centre=unknown,
        lcl=unknown,
        ucl=unknown,
        excluded=never,
        outside=never,
        shifted=never,
    )
