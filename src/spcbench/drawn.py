"""Control charts as arrays: what the tables, the advice and the pictures are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spcbench.numeric.segments import Flags, Floats, Integers, Segments, Signs

if TYPE_CHECKING:
    from spcbench.intake import Taken
    from spcbench.numeric.choice import Choice
    from spcbench.numeric.engine import Charted
    from spcbench.numeric.limits import Series
    from spcbench.plugin.records import ChartType, Rule, RuleSet

_GOOD = {"higher": 1, "lower": -1, "neither": 0}


@dataclass(frozen=True, slots=True)
class Phases:
    """Phases of all series.

    Parameters
    ----------
    number : array of int64, shape (rows,)
        1 for the first phase of a series.
    segments : Segments
        One per phase of each series.
    latest : array of int64, shape (series,)
        Which segment is the last phase of each series.
    """

    number: Integers
    segments: Segments
    latest: Integers


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Everything that the tables are made of.

    Parameters
    ----------
    taken : Taken
        The counts.
    charts : sequence of ChartType
        The chart types that were used.
    chart_code : array of int8, shape (series,)
        Which of them each series has.
    rule_set : RuleSet
        The rules.
    series : Series
        What was charted.
    charted : Charted
        Limits and signals.
    phases : Phases
        Where phases begin.
    frequency : mapping of str to str
        How long a period of each measure is.
    target : array of float, shape (rows,)
        On the measure's scale; NaN where there is none.
    auto : bool
        Whether the chart types were chosen by spcbench.
    dispersion : array of float, shape (series,)
        Observed over expected variance of each series, all phases together;
        NaN where chance alone says nothing about the variance.
    choice : Choice, optional
        Why, for series of shares of cases.
    comment : array of str, shape (rows,), optional
        What notes say about each point.
    notes : sequence of mapping
        The notes that took effect.
    note_rows : sequence of array of int64
        Of each note, the row of each series that it begins with.
    """

    taken: Taken
    charts: Sequence[ChartType]
    chart_code: npt.NDArray[np.int8]
    rule_set: RuleSet
    series: Series
    charted: Charted
    phases: Phases
    frequency: Mapping[str, str]
    target: Floats
    dispersion: Floats
    auto: bool = False
    choice: Choice | None = None
    comment: npt.NDArray[Any] | None = None
    notes: Sequence[Mapping[str, Any]] = field(default=())
    note_rows: Sequence[Integers] = field(default=())

    @cached_property
    def _names(self) -> dict[str, Any]:
        first = self.taken.series.starts
        return {name: self.taken.frame[name].array.take(first) for name in ("measure", "unit")}

    def names(self, column: str) -> Any:
        """Measure or unit of each series; shape (series,)."""
        return self._names[column]

    def of_chart(self, name: str) -> Any:
        """One field of each series' chart type, such as `takes`; shape (series,)."""
        return np.array([getattr(chart, name) for chart in self.charts])[self.chart_code]

    @cached_property
    def value(self) -> Floats:
        """What is plotted; shape (rows,)."""
        value = self.charted.limits.value
        return self.series.value if value is None else value

    @cached_property
    def used(self) -> Flags:
        """Points with data that no note excludes; shape (rows,)."""
        known = ~np.isnan(self.value)
        return known if self.series.excluded is None else known & ~self.series.excluded

    @cached_property
    def fired(self) -> npt.NDArray[np.uint8]:
        """Bits of the rules that mark the point itself; shape (rows,)."""
        whole = _bits(self, "chart")
        return self.charted.fired & ~whole if whole else self.charted.fired

    @cached_property
    def good(self) -> Signs:
        """Direction that is better for each series: 1 higher, −1 lower, 0 neither."""
        shown = self.taken.display
        if len(shown) == 1:
            (only,) = shown.values()
            return np.full(len(self.taken.series), _GOOD[only.better], dtype=np.int8)
        return np.array(
            [_GOOD[shown[name].better] for name in self.names("measure")], dtype=np.int8
        )

    @cached_property
    def heading(self) -> Signs:
        """1 where the point's leading rule points up, −1 down, 0 for common cause."""
        return _heading(self)

    @cached_property
    def unbroken(self) -> Segments:
        """Stretches that no phase edge and no missing period interrupts."""
        return Segments.from_breaks(self.phases.segments.breaks | self.series.gap)

    @cached_property
    def last_known(self) -> Integers:
        """Row of the last point that is used of each series; its last row without any."""
        rows = np.where(self.used, np.arange(self.value.size), -1)
        if not rows.size:
            return rows
        latest = np.maximum.reduceat(rows, self.taken.series.starts)
        return np.where(latest < self.taken.series.starts, self.taken.series.lasts, latest)


def _steps(drawn: Drawn, rows: Integers) -> Signs:
    """Steps that belong to a trend among the rows that take part: 1 rising, −1 falling.

    Shape (rows,), 0 for the first point of a trend. The step between two
    trends that adjoin is not part of either: it stands alone, while a trend
    has at least two steps the same way.
    """
    value = drawn.value
    step = np.zeros(rows.size, dtype=np.int8)
    joined = _stretch(drawn, rows)[1:] == _stretch(drawn, rows)[:-1]
    if drawn.rule_set.ties == "skip":
        # Neighbours, or with nothing but repeats of the earlier value between them.
        changes = np.cumsum(np.append(True, value[1:] != value[:-1]))
        joined &= changes[rows[1:] - 1] == changes[rows[:-1]]
    else:
        joined &= np.diff(rows) == 1
    step[1:] = np.where(joined, np.sign(value[rows[1:]] - value[rows[:-1]]), 0)
    like = np.zeros(rows.size + 1, dtype=np.bool_)
    like[1:-1] = step[1:] == step[:-1]
    return np.where(like[1:] | like[:-1], step, 0).astype(np.int8)


def _stretch(drawn: Drawn, rows: Integers, *, across_gaps: bool = False) -> Integers:
    """Number of the stretch that each row lies in: none reaches over a point without data."""
    segments = drawn.phases.segments if across_gaps else drawn.unbroken
    number = np.searchsorted(segments.starts, rows, side="right")
    if across_gaps or drawn.used.all():
        return number
    # Each missing point counts as an edge of its own.
    return np.asarray(number + np.searchsorted(np.flatnonzero(~drawn.used), rows))


def _rising(drawn: Drawn) -> Signs:
    """Direction of each point as a trend sees it: the step from it, else the step to it.

    A turning point that ends one trend and begins another thus goes the newer
    way, as in NHSRplotthedots.
    """
    rows = np.flatnonzero(drawn.fired & _bits(drawn, "direction"))
    step = _steps(drawn, rows)
    after = np.append(step[1:], 0)
    made = np.zeros(drawn.value.size, dtype=np.int8)
    made[rows] = np.where(after != 0, after, step)
    return made


def _bits(drawn: Drawn, judged_by: str) -> np.uint8:
    """Bits of the rules that are judged in one way."""
    return np.uint8(
        sum(
            1 << bit for bit, rule in enumerate(drawn.rule_set.rules) if rule.judged_by == judged_by
        )
    )


def _heading(drawn: Drawn) -> Signs:
    fired = drawn.fired
    heading = np.zeros(fired.size, dtype=np.int8)
    rows = np.flatnonzero(fired)
    if not rows.size:
        return heading
    leading = np.array([0] + [(code & -code).bit_length() - 1 for code in range(1, 256)])
    judged = np.array([rule.judged_by for rule in drawn.rule_set.rules])[leading[fired[rows]]]
    heading[rows] = np.where(judged == "side", drawn.charted.side[rows], 0)
    trending = rows[judged == "direction"]
    if trending.size:
        heading[trending] = _rising(drawn)[trending]
    return heading


def firings(drawn: Drawn, bit: int, rule: Rule) -> tuple[npt.NDArray[Any], ...] | None:
    """First row, last row, points, heading and rule number of each firing of one rule.

    Parameters
    ----------
    drawn : Drawn
        The charts as arrays.
    bit : int
        The rule's place in its set.
    rule : Rule
        The rule.

    Returns
    -------
    tuple of arrays, shape (firings,)
        None if it never fired.
    """
    flags = (drawn.charted.fired >> bit & 1).astype(np.bool_)
    rows = np.flatnonzero(flags)
    if not rows.size:
        return None
    if rule.judged_by == "chart":
        phase = np.searchsorted(drawn.phases.segments.starts, rows, side="right")
        parts = [_cut(rows, phase[1:] != phase[:-1], 0)]
    elif rule.judged_by == "direction":
        # Follow the steps: a turning point ends one trend and begins the next.
        step = _steps(drawn, rows)
        at = np.flatnonzero(step)
        new = (np.diff(at) > 1) | (step[at][1:] != step[at][:-1])
        parts = [_cut(rows[at], new, step[at], before=rows[np.maximum(at - 1, 0)])]
    elif rule.judged_by == "none":
        stretch = _stretch(drawn, rows)
        parts = [_cut(rows, (stretch[1:] != stretch[:-1]) | (np.diff(rows) > rule.reach), 0)]
    else:
        parts = list(_by_side(drawn, rows, rule))
    found = tuple(np.concatenate(column) for column in zip(*parts, strict=True))
    return (*found, np.full(found[0].size, bit))


def _by_side(drawn: Drawn, rows: Integers, rule: Rule) -> Iterator[tuple[npt.NDArray[Any], ...]]:
    """Firings of each side by themselves: the other side's points may lie between."""
    side = drawn.charted.side[rows]
    for sign in (1, -1, 0):
        own = rows[side == sign]
        if not own.size:
            continue
        if drawn.rule_set.ties == "skip":
            run = _runs_past_ties(drawn, across_gaps=rule.across_gaps)[own]
            new = run[1:] != run[:-1]
        else:
            stretch = _stretch(drawn, own)
            new = (stretch[1:] != stretch[:-1]) | (np.diff(own) > rule.reach)
        yield _cut(own, new, sign)


def _cut(
    rows: Integers, new: Flags, heading: Any, *, before: Integers | None = None
) -> tuple[npt.NDArray[Any], ...]:
    """First row, last row, points and heading of stretches that begin where `new` says.

    `before` holds the row in front of each, for stretches of steps, which have
    a point more than steps.
    """
    starts = np.flatnonzero(np.append(True, new)[: rows.size])
    ends = np.append(starts[1:], rows.size) - 1
    first = rows[starts] if before is None else before[starts]
    number = ends - starts + (1 if before is None else 2)
    return first, rows[ends], number, np.broadcast_to(heading, rows.shape)[starts]


def _runs_past_ties(drawn: Drawn, *, across_gaps: bool) -> Integers:
    """Number of the run that each row off the centre belongs to; others count for none."""
    side = np.where(drawn.used, drawn.charted.side, 0)
    off = np.flatnonzero(side)
    stretch = _stretch(drawn, off, across_gaps=across_gaps)
    changed = (side[off][1:] != side[off][:-1]) | (stretch[1:] != stretch[:-1])
    made = np.zeros(side.size, dtype=np.int64)
    made[off] = np.cumsum(np.append(True, changed)[: off.size])
    return made
