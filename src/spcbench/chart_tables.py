"""From arrays to the tables of control charts: points, signals, summary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from spcbench.numeric.engine import FEWEST_POINTS, Charted
from spcbench.numeric.limits import Series
from spcbench.numeric.segments import Floats, Integers, Segments, Signs
from spcbench.tables import (
    ASSURANCE,
    LIMIT_METHOD,
    POINT_VERDICT,
    POINTS,
    SIDE,
    SIGNALS,
    STATUS,
    STRING,
    SUMMARY,
    VARIATION,
    Column,
)

if TYPE_CHECKING:
    from spcbench.intake import Taken
    from spcbench.plugin.records import ChartType, Rule, RuleSet

ICON_POINTS = 13
"""Fewest points in the latest phase for a variation or assurance icon."""

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
    """Everything that the tables are made of."""

    taken: Taken
    chart: ChartType
    rule_set: RuleSet
    series: Series
    charted: Charted
    phases: Phases
    frequency: Mapping[str, str]
    target: Floats

    @cached_property
    def _names(self) -> dict[str, Any]:
        first = self.taken.series.starts
        return {name: self.taken.frame[name].array.take(first) for name in ("measure", "unit")}

    def names(self, column: str) -> Any:
        """Measure or unit of each series; shape (series,)."""
        return self._names[column]

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
        """Row of the last point with data of each series; its last row without any."""
        rows = np.where(np.isnan(self.series.value), -1, np.arange(self.series.value.size))
        if not rows.size:
            return rows
        latest = np.maximum.reduceat(rows, self.taken.series.starts)
        return np.where(latest < self.taken.series.starts, self.taken.series.lasts, latest)


def strings(choices: list[str], codes: npt.NDArray[Any]) -> Any:
    """A text column from a few words and their codes."""
    return STRING.__from_arrow__(pa.array(choices, pa.large_string()).take(pa.array(codes)))


def words(choices: tuple[str, ...], codes: npt.NDArray[Any]) -> pd.Categorical:
    """A category column from its codes."""
    return pd.Categorical.from_codes(codes, dtype=Column("", "category", choices).dtype)


def trend_steps(drawn: Drawn, flags: npt.NDArray[np.bool_]) -> Signs:
    """Steps that belong to a trend: 1 rising, −1 falling, on the later point of each step.

    The step between two trends that adjoin is not part of either: it stands
    alone, while a trend has at least two steps the same way.
    """
    value, stretch = drawn.series.value, drawn.unbroken.breaks
    step = np.zeros(flags.size, dtype=np.int8)
    if not flags.size:
        return step
    step[1:] = np.sign(np.nan_to_num(np.diff(value))).astype(np.int8)
    step[1:][~(flags[1:] & flags[:-1])] = 0
    step[stretch] = 0
    like = np.zeros(flags.size + 1, dtype=np.bool_)
    like[1:-1] = step[1:] == step[:-1]
    return np.where(like[1:] | like[:-1], step, 0).astype(np.int8)


def rising(drawn: Drawn) -> Signs:
    """Direction of each point as a trend sees it: the step to it, else the step from it."""
    taking_part = np.zeros(drawn.series.value.size, dtype=np.bool_)
    for bit, rule in enumerate(drawn.rule_set.rules):
        if rule.judged_by == "direction":
            taking_part |= (drawn.charted.fired >> bit & 1).astype(np.bool_)
    step = trend_steps(drawn, taking_part)
    after = np.zeros_like(step)
    after[:-1] = step[1:]
    return np.where(step != 0, step, after)


def _heading(drawn: Drawn) -> Signs:
    fired = drawn.charted.fired
    heading = np.zeros(fired.size, dtype=np.int8)
    rows = np.flatnonzero(fired)
    if not rows.size:
        return heading
    leading = np.array([0] + [(code & -code).bit_length() - 1 for code in range(1, 256)])
    direction = np.array([rule.judged_by == "direction" for rule in drawn.rule_set.rules])
    by_trend = direction[leading[fired[rows]]]
    heading[rows] = drawn.charted.side[rows]
    trending = rows[by_trend]
    heading[trending] = rising(drawn)[trending]
    return heading


def _verdicts(heading: Signs, good: Signs) -> npt.NDArray[np.int8]:
    """Codes of `POINT_VERDICT`: common cause, improvement, concern, neither."""
    codes = np.full(heading.size, POINT_VERDICT.index("neither"), dtype=np.int8)
    towards = heading * good
    codes[towards > 0] = POINT_VERDICT.index("improvement")
    codes[towards < 0] = POINT_VERDICT.index("concern")
    codes[heading == 0] = POINT_VERDICT.index("common_cause")
    return codes


def points_table(drawn: Drawn) -> pd.DataFrame:
    """One row a plotted point, as `tables.POINTS`.

    Parameters
    ----------
    drawn : Drawn
        The charts as arrays.

    Returns
    -------
    pandas.DataFrame
        In the order of the counts.
    """
    frame, charted, series = drawn.taken.frame, drawn.charted, drawn.series
    size = series.value.size
    rules = [rule.id for rule in drawn.rule_set.rules]
    joined = [
        ";".join(name for bit, name in enumerate(rules) if code >> bit & 1)
        for code in range(2 ** len(rules))
    ]
    verdict = _verdicts(drawn.heading, drawn.taken.series.spread(drawn.good))
    # A firing without a direction (alternation, say) is still a special cause.
    odd = (verdict == 0) & (charted.fired != 0)
    verdict[odd] = POINT_VERDICT.index("neither")
    if "note" in frame.columns:
        note = frame["note"].array
    else:
        note = strings([""], np.zeros(size, dtype=np.int8))
    limits = charted.limits
    return POINTS.frame(
        {
            **{name: frame[name] for name in ("measure", "unit", "period")},
            **{name: frame[name] for name in ("numerator", "denominator")},
            "value": series.value,
            "centre": limits.centre,
            "sigma": limits.sigma,
            "lcl": limits.lcl,
            "ucl": limits.ucl,
            "lower_warning": limits.lower_warning,
            "upper_warning": limits.upper_warning,
            "limit_method": words(LIMIT_METHOD, limits.method),
            "phase": pd.arrays.IntegerArray(drawn.phases.number, np.zeros(size, dtype=np.bool_)),
            "in_baseline": series.in_baseline,
            "target": drawn.target,
            "special_cause": charted.fired != 0,
            "verdict": words(POINT_VERDICT, verdict),
            "rules": strings(joined, charted.fired),
            "status": frame["status"],
            "note": note,
        }
    )


def signals_table(drawn: Drawn) -> pd.DataFrame:
    """One row a firing of a rule, as `tables.SIGNALS`.

    Parameters
    ----------
    drawn : Drawn
        The charts as arrays.

    Returns
    -------
    pandas.DataFrame
        Ordered by measure, unit, first period and rule.
    """
    parts = [
        found
        for bit, rule in enumerate(drawn.rule_set.rules)
        if (found := _firings(drawn, bit, rule)) is not None
    ]
    if not parts:
        return SIGNALS.empty()
    first, last, number, heading, rule = (
        np.concatenate([part[at] for part in parts]) for at in range(5)
    )
    order = np.lexsort((rule, first))
    first, last, number, heading, rule = (x[order] for x in (first, last, number, heading, rule))
    which = np.searchsorted(drawn.taken.series.starts, first, side="right") - 1
    period = drawn.taken.frame["period"].to_numpy()
    ids = [one.id for one in drawn.rule_set.rules]
    trend = np.array([one.judged_by == "direction" for one in drawn.rule_set.rules])[rule]
    side = np.where(trend, np.where(heading > 0, 2, 3), np.where(heading > 0, 0, 1))
    return SIGNALS.frame(
        {
            "measure": drawn.names("measure").take(which),
            "unit": drawn.names("unit").take(which),
            "rule_set": strings([drawn.rule_set.id], np.zeros(first.size, dtype=np.int8)),
            "rule": strings(ids, rule),
            "first": period[first],
            "last": period[last],
            "points": pd.array(number, dtype="Int64"),
            "side": words(SIDE, np.where(heading == 0, -1, side)),
            "verdict": words(POINT_VERDICT, _signal_verdicts(heading, drawn.good[which])),
            "latest": last == drawn.last_known[which],
        }
    )


def _signal_verdicts(heading: Signs, good: Signs) -> npt.NDArray[np.int8]:
    codes = _verdicts(heading, good)
    codes[codes == 0] = POINT_VERDICT.index("neither")
    return codes


def _firings(drawn: Drawn, bit: int, rule: Rule) -> tuple[npt.NDArray[Any], ...] | None:
    """First row, last row, points, heading and rule number of each firing of one rule."""
    flags = (drawn.charted.fired >> bit & 1).astype(np.bool_)
    rows = np.flatnonzero(flags)
    if not rows.size:
        return None
    if rule.judged_by == "direction":
        # Follow the steps: a turning point ends one trend and begins the next.
        heading, lead = trend_steps(drawn, flags), 1
        rows = np.flatnonzero(heading)
    else:
        heading, lead = drawn.charted.side, 0
    edges = drawn.unbroken.breaks
    edges[1:] |= heading[1:] != heading[:-1]
    stretch = np.cumsum(edges)
    new = np.ones(rows.size, dtype=np.bool_)
    new[1:] = (np.diff(rows) > rule.reach) | (stretch[rows][1:] != stretch[rows][:-1])
    starts = np.flatnonzero(new)
    ends = np.append(starts[1:], rows.size) - 1
    return (
        rows[starts] - lead,
        rows[ends],
        ends - starts + 1 + lead,
        heading[rows[starts]],
        np.full(starts.size, bit),
    )


def summary_table(drawn: Drawn) -> pd.DataFrame:
    """One row a chart, as `tables.SUMMARY`.

    Parameters
    ----------
    drawn : Drawn
        The charts as arrays.

    Returns
    -------
    pandas.DataFrame
        Limits, variation and assurance are those at the latest point with
        data, in the latest phase.
    """
    series, charted = drawn.taken.series, drawn.charted
    period = drawn.taken.frame["period"].to_numpy()
    at, phase = drawn.last_known, drawn.phases.latest
    known = charted.known[phase]
    enough = known >= ICON_POINTS
    all_known = series.sums((~np.isnan(drawn.series.value)).astype(np.int64))
    status = np.zeros(len(series), dtype=np.int8)
    status[known < FEWEST_POINTS] = STATUS.index("insufficient_data")
    status[all_known == 0] = STATUS.index("no_data")
    limits, unlimited = charted.limits, known < FEWEST_POINTS
    centre, lcl, ucl = (
        np.where(unlimited, np.nan, line[at]) for line in (limits.centre, limits.lcl, limits.ucl)
    )
    constant = str(drawn.rule_set.id), str(drawn.chart.id)
    zeros = np.zeros(len(series), dtype=np.int8)
    return SUMMARY.frame(
        {
            "measure": drawn.names("measure"),
            "unit": drawn.names("unit"),
            "chart": strings([constant[1]], zeros),
            "rule_set": strings([constant[0]], zeros),
            "points": pd.array(all_known, dtype="Int64"),
            "first": period[series.starts],
            "last": period[series.lasts],
            "latest_value": drawn.series.value[at],
            "centre": centre,
            "lcl": lcl,
            "ucl": ucl,
            "target": drawn.target[at],
            "variation": words(VARIATION, _variation(drawn, at, enough)),
            "assurance": words(ASSURANCE, _assurance(drawn, at, phase, enough)),
            "dispersion": charted.dispersion[phase],
            "expected_false_signals": _expected_false(drawn),
            "status": words(STATUS, status),
            "reason": _reasons(status, centre, known),
        }
    )


def _variation(drawn: Drawn, at: Integers, enough: npt.NDArray[np.bool_]) -> Integers:
    heading = drawn.heading[at]
    verdict = _verdicts(heading, drawn.good)
    odd = (heading == 0) & (drawn.charted.fired[at] != 0)
    codes = np.zeros(at.size, dtype=np.int64)
    for code, word in enumerate(POINT_VERDICT[1:], start=1):
        for sign, height in ((1, "high"), (-1, "low")):
            codes[(verdict == code) & (heading == sign)] = VARIATION.index(f"{word}_{height}")
    above = drawn.charted.limits.z[at] >= 0
    codes[odd & above] = VARIATION.index("neither_high")
    codes[odd & ~above] = VARIATION.index("neither_low")
    codes[~enough] = VARIATION.index("not_enough_data")
    return codes


def _assurance(
    drawn: Drawn, at: Integers, phase: Integers, enough: npt.NDArray[np.bool_]
) -> Integers:
    """Target against the limits; where they touch, every point must meet the target to pass."""
    target, good, limits = drawn.target[at], drawn.good, drawn.charted.limits
    lcl, ucl = limits.lcl[at], limits.ucl[at]
    value, segments = drawn.series.value, drawn.phases.segments
    way = drawn.taken.series.spread(good)
    with np.errstate(invalid="ignore"):
        missed = (value - drawn.target) * way < 0
        above, below = target > ucl, target < lcl
        touching = (target == ucl) | (target == lcl)
    none_missed = (segments.sums(missed.astype(np.int64)) == 0)[phase]
    codes = np.full(at.size, ASSURANCE.index("hit_or_miss"))
    codes[np.where(good > 0, below, above) | (touching & none_missed)] = ASSURANCE.index("passes")
    codes[np.where(good > 0, above, below)] = ASSURANCE.index("fails")
    codes[(good == 0) | np.isnan(target) | np.isnan(ucl) | ~enough] = ASSURANCE.index("none")
    return codes


def _expected_false(drawn: Drawn) -> Floats:
    """False signals to expect if nothing changed, summed over a chart's phases."""
    chance = any_signal(drawn.rule_set.any_signal, drawn.rule_set.arl0, drawn.charted.known)
    chart = np.searchsorted(drawn.taken.series.starts, drawn.phases.segments.starts, side="right")
    return np.bincount(chart - 1, weights=chance, minlength=len(drawn.taken.series)).astype(
        np.float64
    )


def any_signal(table: Mapping[int, float], arl0: float | None, points: Integers) -> Floats:
    """Chance of any false signal in charts of so many points.

    Parameters
    ----------
    table : mapping of int to float
        Simulated chances by number of points; empty if not known.
    arl0 : float, optional
        Mean points to the first false signal, for charts longer than the table.
    points : array of int
        Points with data of each chart.

    Returns
    -------
    array of float
        Interpolated from (0, 0) on; NaN when the table is empty.

    Examples
    --------
    >>> import numpy as np
    >>> any_signal({12: 0.05, 24: 0.15}, 90.0, np.array([0, 12, 18])).round(3)
    array([0.  , 0.05, 0.1 ])
    """
    if not table:
        return np.full(points.size, np.nan)
    known = sorted(table)
    chance = np.interp(points, [0, *known], [0.0, *(table[size] for size in known)])
    longer = np.maximum(points - known[-1], 0)
    if arl0 is not None:
        chance = 1.0 - (1.0 - chance) * (1.0 - 1.0 / arl0) ** longer
    return np.where(points < FEWEST_POINTS, 0.0, chance)


def _reasons(status: npt.NDArray[np.int8], centre: Floats, known: Integers) -> Any:
    choices = [
        "",
        "no period has data",
        f"fewer than {FEWEST_POINTS} points in the latest phase: no limits",
        "every case was met: the centre and both limits are 100%",
        "no case was met: the centre and both limits are 0%",
        f"fewer than {ICON_POINTS} points in the latest phase: too few for an icon",
    ]
    codes = np.zeros(status.size, dtype=np.int8)
    codes[known < ICON_POINTS] = 5
    codes[centre == 1.0] = 3
    codes[centre == 0.0] = 4
    codes[status == STATUS.index("insufficient_data")] = 2
    codes[status == STATUS.index("no_data")] = 1
    return strings(choices, codes)
