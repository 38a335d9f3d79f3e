"""Suggested step changes: where a series may have moved to a new level.

A suggestion is never applied. A person with a reason accepts it, and it becomes
a note; the note, not the suggestion, begins a new phase of a chart.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spcbench.chart_series import DAYS, MONTHS, column, gaps, plotted
from spcbench.errors import InputError, OptionError, UnknownNameError
from spcbench.intake import Taken, as_date, keep_rows, take
from spcbench.notes import NOTES
from spcbench.numeric.phases import StepOptions, Steps, Trial, may_step, step_changes
from spcbench.numeric.segments import Flags, Floats, Integers, Segments
from spcbench.tables import Column, Contract, Display

if TYPE_CHECKING:
    from spcbench.plugin.host import PluginHost

TAKES = {
    "auto": "auto",
    "p_prime": "proportion",
    "p": "proportion",
    "c_prime": "count",
    "c": "count",
    "i": "value",
    "mr": "value",
}
"""Charts that steps can be looked for on, and what each takes."""

FEWEST_POINTS = 12
"""Limits from fewer points are trial limits (Making Data Count): no ground for a step."""

SHORTEST_SHIFT = 6
"""The shortest run that a published rule set takes for a signal."""

METHOD = "stable shift algorithm (Woodcock, O'Connor & Bell 2025)"

STEPS = Contract(
    "steps",
    (
        Column("measure", "string"),
        Column("unit", "string"),
        Column("date", "date"),
        Column("before", "float"),
        Column("after", "float"),
        Column("points", "integer"),
        Column("message", "string"),
        Column("evidence", "string"),
    ),
)
"""One row is one suggested step."""


def suggested_steps(
    counts: Any,
    *,
    chart: str = "auto",
    period: int = 21,
    baseline: int | None = None,
    shift: int = 8,
    measure: str | None = None,
    unit: str | None = None,
    level: str | None = None,
    until: Any | None = None,
    frequency: str | None = None,
    date_format: str | None = None,
    suppressed: Sequence[str] = (),
    host: PluginHost | None = None,
) -> pd.DataFrame:
    """Where each measure of each unit may have moved to a new level.

    Nothing is applied to any chart: `accepted_steps` makes notes of those that
    somebody has a reason for.

    Parameters
    ----------
    counts : Counted, Table, pandas, polars or Arrow table
        As `control_charts`.
    chart : str
        ``"p"``, ``"p_prime"``, ``"c"``, ``"c_prime"``, ``"i"`` or ``"mr"``.
        ``"auto"`` takes ``"p_prime"`` where there are denominators, ``"i"``
        where there are values, ``"c_prime"`` for numerators alone: their limits
        allow for what varies beyond chance, so that ordinary points of large
        units are not left out as extremes.
    period : int
        Periods that a level is drawn from, at least 12; as many must follow a
        step. 24 makes whole years of months.
    baseline : int, optional
        Periods of the first level; `period` if not given.
    shift : int
        Points in a row on one side that make a shift, at least 6.
    measure, unit, level, until, frequency, date_format, suppressed, host
        As `control_charts`. A missing period keeps its place without data.

    Returns
    -------
    pandas.DataFrame
        As `STEPS`, ordered by measure, unit and date; empty without any.
        `before` and `after` are centre lines on the natural scale, `points`
        the points with data that `after` comes from; `evidence` is JSON.

    Raises
    ------
    InputError
        If the counts break the contract; names the row.
    OptionError
        If a name or value of an option is not known.

    References
    ----------
    .. [1] Woodcock, O'Connor & Bell (2025), BMJ Quality & Safety,
       doi:10.1136/bmjqs-2025-019263.

    Examples
    --------
    >>> import pandas as pd
    >>> counts = pd.DataFrame({
    ...     "measure": "early_milk", "unit": "RJ1",
    ...     "period": pd.date_range("2021-01-01", periods=48, freq="MS"),
    ...     "numerator": [28, 30, 29] * 8 + [40, 42, 41] * 8, "denominator": 50})
    >>> suggested_steps(counts)[["unit", "date", "before", "after", "points"]]
      unit       date  before  after  points
    0  RJ1 2023-01-01    0.58   0.82      21
    """
    options = _options(period, baseline, shift)
    if chart not in TAKES:
        raise UnknownNameError("step chart", chart, TAKES)
    if host is None:
        from spcbench.plugin.host import default_host

        host = default_host()
    taken = take(
        counts,
        host=host,
        measure=measure,
        unit=unit,
        level=level,
        date_format=date_format,
        suppressed=suppressed,
        takes=TAKES[chart],
    )
    if until is not None:
        taken = keep_rows(taken, taken.frame["period"].to_numpy() <= as_date(until, "until"))
    found = [
        row
        for kind, part in _by_chart(taken, chart)
        for row in _rows(part, _laid(part, kind, frequency), options)
    ]
    found.sort(key=lambda row: (row["measure"], row["unit"], row["date"]))
    return STEPS.frame({name: [row[name] for row in found] for name in STEPS.names})


def _options(period: int, baseline: int | None, shift: int) -> StepOptions:
    for name, given, least in (
        ("period", period, FEWEST_POINTS),
        ("baseline", period if baseline is None else baseline, FEWEST_POINTS),
        ("shift", shift, SHORTEST_SHIFT),
    ):
        if isinstance(given, bool) or not isinstance(given, int | np.integer) or given < least:
            raise OptionError(f"{name} must be a whole number of at least {least}, not {given!r}")
    return StepOptions(period=period, baseline=baseline, shift=shift, neutral_bounds=True)


def _by_chart(taken: Taken, chart: str) -> Iterator[tuple[str, Taken]]:
    """The series that each chart is for; one chart for all series of a measure."""
    if chart != "auto" or not len(taken.frame):
        yield ("p_prime" if chart == "auto" else chart), taken
        return
    names = taken.frame["measure"]
    cases = names[~np.isnan(column(taken.frame, "denominator"))].unique()
    values = names[~np.isnan(column(taken.frame, "value"))].unique()
    of_cases = names.isin(cases).to_numpy(dtype=np.bool_)
    of_values = names.isin(values).to_numpy(dtype=np.bool_) & ~of_cases
    kinds = (("p_prime", of_cases), ("i", of_values), ("c_prime", ~of_cases & ~of_values))
    for kind, rows in kinds:
        if rows.any():
            yield kind, keep_rows(taken, rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Laid:
    """Series with a row for every period, also for those that are missing.

    `numerator` and `denominator` are what the chart takes; `origin` is the row
    of the counts, −1 for a missing period.
    """

    chart: str
    numerator: Floats
    denominator: Floats | None
    origin: Integers
    segments: Segments


def _laid(taken: Taken, chart: str, frequency: str | None) -> _Laid:
    frame, series = taken.frame, taken.series
    value = plotted(frame, TAKES[chart])
    holes = _missing_before(taken, frequency)
    place = np.arange(series.size) + np.cumsum(holes)
    rows = int(place[-1]) + 1 if place.size else 0

    def spread(values: Floats) -> Floats:
        laid = np.full(rows, np.nan)
        laid[place] = values
        return laid

    origin = np.full(rows, -1, dtype=np.int64)
    origin[place] = np.arange(series.size)
    top, size = value, None
    if TAKES[chart] == "proportion":
        known = ~np.isnan(value)
        top = np.where(known, column(frame, "numerator"), np.nan)
        size = spread(np.where(known, column(frame, "denominator"), np.nan))
    return _Laid(
        chart=chart,
        numerator=spread(top),
        denominator=size,
        origin=origin,
        segments=Segments.from_lengths(series.lengths + series.sums(holes)),
    )


def _missing_before(taken: Taken, frequency: str | None) -> Integers:
    """How many periods are missing just before each row."""
    gap, words = gaps(taken.frame, taken.series, frequency=frequency)
    holes = np.zeros(gap.size, dtype=np.int64)
    after = np.flatnonzero(gap)
    if not after.size:
        return holes
    period = taken.frame["period"].to_numpy()
    names = taken.frame["measure"].array.take(after)
    for name, word in words.items():
        rows = after[np.asarray(names == name, dtype=np.bool_)]
        length, unit = _length(word)
        dates = period.astype(f"datetime64[{unit}]").astype(np.int64)
        # A step that is no whole number of periods still leaves a gap.
        holes[rows] = np.maximum((dates[rows] - dates[rows - 1]) // length - 1, 1)
    return holes


def _length(frequency: str) -> tuple[int, str]:
    """Length of a period and its unit, of a word such as ``"quarter"`` or ``"2 months"``."""
    if frequency in MONTHS:
        return MONTHS[frequency], "M"
    if frequency in DAYS:
        return DAYS[frequency], "D"
    number, _, unit = frequency.partition(" ")
    return (int(number), "M" if unit == "months" else "D") if unit else (1, "D")


def _rows(taken: Taken, laid: _Laid, options: StepOptions) -> Iterator[dict[str, Any]]:
    """One row of `STEPS` for every suggestion."""
    found = _promising(laid, options)
    ends = np.append(laid.segments.starts, laid.segments.size)
    period = taken.frame["period"].to_numpy()
    for which in np.flatnonzero(found):
        rows = slice(int(ends[which]), int(ends[which + 1]))
        steps = step_changes(
            laid.numerator[rows],
            None if laid.denominator is None else laid.denominator[rows],
            chart=laid.chart,
            options=options,
        )
        first = taken.series.starts[which]
        measure = str(taken.frame["measure"].iloc[first])
        dated = _Dated(laid.origin[rows], period, laid.chart, taken.display[measure])
        for step in steps.accepted:
            yield {
                "measure": measure,
                "unit": str(taken.frame["unit"].iloc[first]),
                "date": dated.date(step.start),
                "before": step.before,
                "after": step.after,
                "points": step.points,
                "message": dated.message(step),
                "evidence": json.dumps(dated.evidence(step, steps, options), sort_keys=True),
            }


def _promising(laid: _Laid, options: StepOptions) -> Flags:
    return may_step(
        laid.numerator, laid.denominator, laid.segments, chart=laid.chart, options=options
    )


@dataclass(frozen=True, slots=True)
class _Dated:
    """Words for the steps of one series: row of the counts of each row, and their dates."""

    origin: Integers
    period: np.ndarray
    chart: str
    display: Display

    def date(self, row: int) -> np.datetime64:
        return np.datetime64(self.period[self.origin[row]], "D")

    def dates(self, rows: Any) -> list[str]:
        return [str(self.date(row)) for row in rows if self.origin[row] >= 0]

    def shown(self, value: float) -> str:
        per = 1 if TAKES[self.chart] == "count" else self.display.per
        if per == 100:
            text = f"{100 * value:.1f} %"
            # Not all or nothing where it only rounds to it.
            whole = text in ("0.0 %", "100.0 %") and value not in (0.0, 1.0)
            return f"{100 * value:.2f} %" if whole else text
        return f"{per * value:.4g}" + (f" per {per:,}" if per > 1 else "")

    def message(self, step: Trial) -> str:
        what = "distance from point to point" if self.chart == "mr" else "level"
        without = f", {step.excluded} of them left out as extreme" if step.excluded else ""
        return (
            f"From {self.date(step.start)} the {what} may have moved: "
            f"{self.shown(step.before)} → {self.shown(step.after)}, based on {step.points} "
            f"points{without}; {step.run} points in a row lie {self.side(step)} the centre "
            "line before it."
        )

    def side(self, step: Trial) -> str:
        return "above" if step.rises else "below"

    def evidence(self, step: Trial, steps: Steps, options: StepOptions) -> dict[str, Any]:
        period = self.dates(range(step.start, step.last + 1))
        left_out = step.start + np.flatnonzero(steps.excluded[step.start : step.last + 1])
        return {
            "method": METHOD,
            "chart": self.chart,
            "period": options.period,
            "shift": options.shift,
            "run": step.run,
            "side": self.side(step),
            "points": step.points,
            "first": period[0],
            "last": period[-1],
            "excluded": self.dates(left_out),
        }


def accepted_steps(
    suggestions: pd.DataFrame, *, author: str, reason: str | None = None
) -> pd.DataFrame:
    """Notes that begin a new phase at each suggested step.

    The only way from a suggestion to a chart: somebody puts a name to it. Pass
    only the rows that you accept.

    Parameters
    ----------
    suggestions : pandas.DataFrame
        Rows of `suggested_steps`.
    author : str
        Who accepts them.
    reason : str, optional
        Why the level moved; the message of each suggestion if not given. What
        happened there says more than what the points look like.

    Returns
    -------
    pandas.DataFrame
        One note of action ``"rebase"`` a row, in the columns of notes.

    Raises
    ------
    InputError
        Without an author, with an empty reason, or if `suggestions` lacks a
        column.

    Examples
    --------
    >>> import pandas as pd
    >>> steps = pd.DataFrame({"measure": ["m"], "unit": ["RJ1"],
    ...     "date": pd.to_datetime(["2023-01-01"]), "message": ["…"]})
    >>> accepted_steps(steps, author="A. Analyst", reason="New pathway").iloc[0].to_dict()["reason"]
    'New pathway'
    """
    if not isinstance(author, str) or not author.strip():
        raise InputError(
            "a step is accepted by somebody: say who with author= (--author), "
            'such as author="A. Analyst"'
        )
    if reason is not None and not reason.strip():
        raise InputError("the reason is empty; say why the level moved, or leave reason= out")
    for name in ("measure", "unit", "date", "message"):
        if name not in suggestions.columns:
            raise InputError(
                f"the suggestions have no column {name!r}; give rows of suggested_steps()"
            )
    given = suggestions["message"] if reason is None else [reason.strip()] * len(suggestions)
    notes = NOTES.frame(
        {
            "measure": suggestions["measure"],
            "unit": suggestions["unit"],
            "date": suggestions["date"],
            "action": "rebase",
            "reason": given,
            "author": author.strip(),
            "until": pd.NaT,
            "points": pd.NA,
            "where": None,
        }
    )
    return notes.drop(columns="where")
