"""Counts become control charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spcbench.chart_advice import advice_table
from spcbench.chart_tables import Drawn, Phases, points_table, signals_table, summary_table
from spcbench.errors import InputError, OptionError
from spcbench.intake import Taken, as_date, keep_rows, provenance, take
from spcbench.numeric.engine import chart as chart_series
from spcbench.numeric.limits import ChartOptions, Series
from spcbench.numeric.segments import Flags, Floats, Segments
from spcbench.tables import DATE, Display

if TYPE_CHECKING:
    from plotnine import ggplot

    from spcbench.plugin.host import PluginHost
    from spcbench.plugin.records import ChartType, RuleSet

LIMITS = ("auto", "normal", "exact")
FREQUENCIES = {1: "month", 3: "quarter", 12: "year"}


@dataclass(frozen=True, kw_only=True)
class ControlCharts:
    """What `control_charts` gives: tables, and how they were made.

    Parameters
    ----------
    points, signals, summary : pandas.DataFrame
        As `tables.POINTS`, `SIGNALS` and `SUMMARY`.
    display : mapping of str to Display
        How each measure is shown.
    unit_names : mapping of str to str
        Names of units that have one.
    method : mapping
        Chart type, limits, rule set, phases, expected false signals.
    """

    points: pd.DataFrame
    signals: pd.DataFrame
    summary: pd.DataFrame
    display: Mapping[str, Display]
    unit_names: Mapping[str, str]
    method: Mapping[str, Any]
    _drawn: Drawn = field(repr=False)
    _host: PluginHost = field(repr=False)

    @cached_property
    def advice(self) -> pd.DataFrame:
        """What the analyst should know, as `tables.ADVICE`; written when asked for."""
        return advice_table(self._drawn)

    @cached_property
    def provenance(self) -> Mapping[str, Any]:
        """Where the numbers came from: version, source, digest of the counts, plugins."""
        return provenance(self._drawn.taken, host=self._host)

    def plot(self, *, measure: str | None = None, unit: str | None = None) -> ggplot:
        """Draw one chart, or several side by side.

        Parameters
        ----------
        measure, unit : str, optional
            Which; all if not given.

        Returns
        -------
        plotnine.ggplot
            Yours to go on editing.
        """
        from spcbench.pictures.control_chart import control_chart

        return control_chart(self, measure=measure, unit=unit)


def control_charts(
    counts: Any,
    *,
    chart: str = "auto",
    rules: str = "mdc-2023-11",
    limits: str = "auto",
    breaks: Sequence[Any] | None = None,
    better: str | None = None,
    target: float | None = None,
    measure: str | None = None,
    unit: str | None = None,
    level: str | None = None,
    until: Any | None = None,
    date_format: str | None = None,
    suppressed: Sequence[str] = (),
    host: PluginHost | None = None,
) -> ControlCharts:
    """Control charts of every measure and unit in a table of counts.

    Parameters
    ----------
    counts : Counted, Table, pandas, polars or Arrow table
        The result of `count` or `read`, or a table with the columns of counts.
    chart : str
        A chart type (see ``spcbench charts``); ``"auto"`` takes the p chart.
    rules : str
        A rule set (see ``spcbench rules``).
    limits : str
        ``"normal"``, ``"exact"``, or ``"auto"``: exact where a phase expects
        fewer than 5 events or non-events in any period.
    breaks : sequence of dates, optional
        First periods of new phases; limits and rules start afresh there.
    better : str, optional
        ``"higher"``, ``"lower"`` or ``"neither"``; without it what the measure
        says, or ``"neither"`` for a measure that is not known.
    target : float, optional
        On the natural scale (0 to 1); without it the counts' or the measure's.
    measure, unit, level : str, optional
        Chart only these.
    until : date, optional
        Last period to use, to leave out one that is not complete.
    date_format, suppressed
        As `spcbench.counts_check.check_counts`.
    host : PluginHost, optional
        Where charts, rule sets and measures are found.

    Returns
    -------
    ControlCharts
        Periods without data keep their row, with NaN. A phase of fewer than 3
        points with data has no limits.

    Raises
    ------
    InputError
        If the counts break the contract; names the row.
    OptionError
        If a name or value of an option is not known.

    Examples
    --------
    >>> import pandas as pd
    >>> counts = pd.DataFrame({
    ...     "measure": "early_milk", "unit": "RJ1",
    ...     "period": pd.date_range("2024-01-01", periods=14, freq="MS"),
    ...     "numerator": [40] * 13 + [10], "denominator": 50})
    >>> charts = control_charts(counts, better="higher")
    >>> charts.signals[["rule", "side", "verdict", "points"]]
       rule   side      verdict  points
    0  run7  above  improvement      13
    1    3s  below      concern       1
    """
    from spcbench.plugin.host import default_host

    host = host or default_host()
    if limits not in LIMITS:
        raise OptionError(f"limits must be one of {', '.join(LIMITS)}, not {limits!r}")
    chart_type = host.chart("p" if chart == "auto" else chart)
    rule_set = host.rule_set(rules)
    taken = take(
        counts,
        host=host,
        measure=measure,
        unit=unit,
        level=level,
        better=better,
        target=target,
        date_format=date_format,
        suppressed=suppressed,
    )
    taken = _until(taken, until)
    drawn = _drawn(taken, chart_type, rule_set, limits=limits, breaks=breaks, target=target)
    summary = summary_table(drawn)
    return ControlCharts(
        points=points_table(drawn),
        signals=signals_table(drawn),
        summary=summary,
        display=taken.display,
        unit_names=taken.unit_names,
        method=_method(drawn, limits, float(summary["expected_false_signals"].sum())),
        _drawn=drawn,
        _host=host,
    )


def _until(taken: Taken, until: Any | None) -> Taken:
    if until is None:
        return taken
    keep = taken.frame["period"].to_numpy() <= as_date(until, "until")
    if keep.size and not keep.any():
        raise OptionError(
            f"until {until!r} leaves no period; the counts begin on "
            f"{taken.frame['period'].min():%Y-%m-%d}"
        )
    return keep_rows(taken, keep)


def _drawn(
    taken: Taken,
    chart_type: ChartType,
    rule_set: RuleSet,
    *,
    limits: str,
    breaks: Sequence[Any] | None,
    target: float | None,
) -> Drawn:
    """Everything that the tables are made of, as arrays."""
    frame = taken.frame
    numerator = frame["numerator"].to_numpy(dtype=np.float64, na_value=np.nan)
    denominator = frame["denominator"].to_numpy(dtype=np.float64, na_value=np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = numerator / denominator
    value[frame["status"].cat.codes.to_numpy() != 0] = np.nan
    phases = _phases(frame, taken.series, breaks)
    gap, frequency = _gaps(frame, taken.series)
    series = Series(
        value=value,
        numerator=numerator,
        denominator=denominator,
        in_baseline=~np.isnan(value),
        gap=gap,
        segments=phases.segments,
    )
    charted = chart_series(
        series,
        ChartOptions(limit_method=limits),
        limits=chart_type.limits,
        rules=[rule.detect for rule in rule_set.rules],
    )
    return Drawn(
        taken=taken,
        chart=chart_type,
        rule_set=rule_set,
        series=series,
        charted=charted,
        phases=phases,
        frequency=frequency,
        target=_targets(taken, target),
    )


def _phases(frame: pd.DataFrame, series: Segments, breaks: Sequence[Any] | None) -> Phases:
    """Number of the phase on each row, and one segment per phase of each series."""
    number = np.ones(series.size, dtype=np.int64)
    if breaks is None or len(breaks) == 0:
        return Phases(number, series, np.arange(len(series)))
    period = frame["period"].to_numpy()
    dates = np.unique(np.array([as_date(one, "breaks") for one in breaks], dtype=DATE))
    for date in dates:
        if not (period == date).any():
            raise InputError(
                f"a phase is to begin on {date.astype('datetime64[D]')}, but no period of the "
                "counts begins then; give the first day of a period"
            )
    passed = np.searchsorted(dates, period, side="right")
    edges = series.breaks
    edges[1:] |= passed[1:] != passed[:-1]
    segments = Segments.from_breaks(edges)
    count = np.cumsum(edges)
    number += count - series.spread(count[series.starts])
    last = np.searchsorted(segments.starts, series.lasts, side="right") - 1
    return Phases(number, segments, last)


def _gaps(frame: pd.DataFrame, series: Segments) -> tuple[Flags, dict[str, str]]:
    """Rows just before which a period is missing, and how long each measure's periods last."""
    gap = np.zeros(series.size, dtype=np.bool_)
    if not series.size:
        return gap, {}
    names = frame["measure"].array.take(series.starts)
    new = np.flatnonzero(np.append(True, names[1:] != names[:-1]))
    starts = np.append(series.starts[new], series.size)
    period, edge = frame["period"].to_numpy(), series.breaks
    frequency = {}
    for name, first, last in zip(names.take(new), starts[:-1], starts[1:], strict=True):
        rows = slice(first, last)
        gap[rows], frequency[str(name)] = _measure_gaps(period[rows], edge[rows])
    return gap, frequency


def _measure_gaps(period: np.ndarray, edge: Flags) -> tuple[Flags, str]:
    # Thousands of series share a few dozen periods: convert each of them once.
    codes, dates = pd.factorize(period)
    months = dates.astype("datetime64[M]")
    monthly = bool((months.astype(DATE) == dates).all())
    count = (months if monthly else dates.astype("datetime64[D]")).astype(np.int64)[codes]
    step = np.diff(count, prepend=count[0])
    within = ~edge & (step > 0)  # events of one day do not set the frequency
    if not within.any():
        return np.zeros(period.size, dtype=np.bool_), "unknown"
    usual = int(np.bincount(np.minimum(step[within], 400)).argmax())
    words = FREQUENCIES if monthly else {1: "day", 7: "week"}
    name = words.get(usual, f"{usual} {'months' if monthly else 'days'}")
    return within & (step > usual), name


def _frequency(drawn: Drawn) -> str:
    """How long a period is, for the method: measures are named where they differ."""
    words = sorted(set(drawn.frequency.values()))
    if len(words) <= 1:
        return words[0] if words else "unknown"
    return "; ".join(f"{name}: {word}" for name, word in drawn.frequency.items())


def _targets(taken: Taken, target: float | None) -> Floats:
    """The target on each row: the one asked for, else the counts', else the measure's."""
    known = {
        name: np.nan if shown.target is None else shown.target
        for name, shown in taken.display.items()
    }
    if len(known) == 1:
        made = np.full(len(taken.frame), next(iter(known.values())))
    else:
        first = taken.frame["measure"].array.take(taken.series.starts)
        made = taken.series.spread(np.array([known[name] for name in first], dtype=np.float64))
    if target is None and "target" in taken.frame.columns:
        own = taken.frame["target"].to_numpy(dtype=np.float64)
        made = np.where(np.isnan(own), made, own)
    return made


def _method(drawn: Drawn, limits: str, expected: float) -> dict[str, Any]:
    return {
        "chart": drawn.chart.id,
        "chart_title": drawn.chart.title,
        "chart_source": drawn.chart.source,
        "limits": limits,
        "sigma": 3.0,
        "rule_set": drawn.rule_set.id,
        "rule_set_title": drawn.rule_set.title,
        "rule_set_source": drawn.rule_set.source,
        "rules": [rule.title for rule in drawn.rule_set.rules],
        "screening": "none",
        "frequency": _frequency(drawn),
        "phases": int(drawn.phases.number.max()) if drawn.phases.number.size else 0,
        "expected_false_signals": expected,
        "disclosure": "none",
    }
