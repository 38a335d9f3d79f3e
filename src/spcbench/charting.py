"""Counts become control charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import pandas as pd

from spcbench.actions import actions_table
from spcbench.chart_advice import advice_table
from spcbench.chart_drawing import Asked, drawn_from, method_of
from spcbench.chart_running import Plan
from spcbench.chart_tables import points_table, signals_table, summary_table
from spcbench.drawn import Drawn
from spcbench.errors import OptionError
from spcbench.intake import Taken, as_date, keep_rows, take
from spcbench.plugin.records import RuleSet
from spcbench.reference_lines import checked_references
from spcbench.spark.frames import is_spark
from spcbench.tables import Display
from spcbench.tracing import provenance

if TYPE_CHECKING:
    from plotnine import ggplot

    from spcbench.plugin.host import PluginHost
    from spcbench.plugin.records import ChartType

LIMITS = ("auto", "normal", "exact", "mid_p", "jeffreys")
SMALL_COUNTS = ("exact", "mid_p", "jeffreys")
SCREENING = ("none", "once", "iterative")


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
        Chart types, limits, settings, rule set, notes that took effect,
        phases, expected false signals.
    """

    points: pd.DataFrame = field(repr=False)
    signals: pd.DataFrame = field(repr=False)
    summary: pd.DataFrame = field(repr=False)
    display: Mapping[str, Display] = field(repr=False)
    unit_names: Mapping[str, str] = field(repr=False)
    method: Mapping[str, Any] = field(repr=False)
    _drawn: Drawn = field(repr=False)
    _host: PluginHost = field(repr=False)

    def __repr__(self) -> str:
        return (
            f"ControlCharts({len(self.summary):,} charts of {len(self.points):,} points; "
            f"{self.method['chart']}; {self.method['rule_set']}; {len(self.signals):,} signals)"
        )

    @cached_property
    def advice(self) -> pd.DataFrame:
        """What the analyst should know, as `tables.ADVICE`; written when asked for."""
        return advice_table(self._drawn)

    @cached_property
    def actions(self) -> pd.DataFrame:
        """What was noted and what is seen since, as `tables.ACTIONS`; worked out when asked for."""
        return actions_table(self._drawn, self.signals)

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
    rules: str | RuleSet = "mdc-2023-11",
    limits: str = "auto",
    notes: Any | None = None,
    better: str | None = None,
    target: float | None = None,
    centre: float | Mapping[str, float] | None = None,
    sigma: float | Mapping[str, float] | None = None,
    baseline: int | tuple[Any, Any] | None = None,
    screening: bool | str = False,
    settings: Mapping[str, Any] | None = None,
    references: Mapping[str, float] | str | None = None,
    measure: str | None = None,
    unit: str | None = None,
    level: str | None = None,
    per: int | None = None,
    frequency: str | None = None,
    until: Any | None = None,
    show_last: int | None = None,
    date_format: str | None = None,
    suppressed: Sequence[str] = (),
    threads: int = 1,
    on_error: str = "raise",
    host: PluginHost | None = None,
) -> ControlCharts:
    """Control charts of every measure and unit in a table of counts.

    Parameters
    ----------
    counts : Counted, Table, pandas, polars, Arrow or Spark table
        The result of `count` or `read`, or a table with the columns of counts.
        A Spark DataFrame gives Spark DataFrames (`spcbench.spark.charts.SparkCharts`).
    chart : str
        A chart type (see ``spcbench charts``). ``"auto"`` chooses for each
        series: shares of cases get a p chart, or one that allows for more
        variation than chance where there is more; values without denominators
        an XmR chart; counts without denominators a c chart. `advice` says why.
    rules : str or RuleSet
        A rule set (see ``spcbench rules``), or one of your own.
    limits : str
        ``"normal"``, ``"exact"``, ``"mid_p"``, ``"jeffreys"``, or ``"auto"``:
        exact where a phase expects fewer than 5 events or non-events in any
        period.
    notes : path, table, or list of notes, optional
        Where phases begin, baselines, exclusions and comments, as `read_notes`.
    better : str, optional
        ``"higher"``, ``"lower"`` or ``"neither"``; without it what the measure
        says, or ``"neither"`` for a measure that is not known.
    target : float, optional
        On the natural scale (0 to 1 for a share); without it the counts' or
        the measure's.
    centre, sigma : float, or mapping of measure to float, optional
        Centre line (a national figure, say), and standard deviation of one
        point, on the natural scale, instead of those estimated.
    baseline : int or pair of dates, optional
        Limits of each series come from its first so many points, or from these
        dates, and hold on from there; for a lasting decision write a note.
    screening : bool or str
        Whether moving ranges that are too large leave their mean: True or
        ``"once"``, ``"iterative"``, or False.
    settings : mapping of str to object, optional
        The chart type's own settings (see ``spcbench charts NAME``).
    references : mapping of str to float, or "published", optional
        Further lines to draw, by their label, on the natural scale; or the
        newest values that were published for each measure.
    measure, unit, level : str, optional
        Chart only these.
    per : int, optional
        Display scale, such as 1000 for "per 1,000"; else the measure's.
    frequency : str, optional
        How long a period is: ``"day"``, ``"week"``, ``"month"``,
        ``"quarter"``, ``"year"`` or ``"irregular"``; inferred without it.
    until : date, optional
        Last period to use, to leave out one that is not complete.
    show_last : int, optional
        Pictures show only so many of the latest points; limits and rules use all.
    date_format, suppressed
        As `spcbench.counts_check.check_counts`.
    threads : int
        How many threads calculate at once, which pays from about 100,000 rows;
        the result does not depend on it.
    on_error : str
        ``"raise"``, or ``"row"``: go on without the series that are wrong, and
        give each a row in `summary` with status ``invalid_input`` and the reason.
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
        If the counts break the contract, or a note fits nothing in them.
    OptionError
        If a name or value of an option is not known.

    Examples
    --------
    >>> import pandas as pd
    >>> counts = pd.DataFrame({
    ...     "measure": "early_milk", "unit": "RJ1",
    ...     "period": pd.date_range("2024-01-01", periods=14, freq="MS"),
    ...     "numerator": [40] * 13 + [10], "denominator": 50})
    >>> charts = control_charts(counts, chart="p", better="higher")
    >>> charts.signals[["rule", "side", "verdict", "points"]]
       rule   side      verdict  points
    0  run7  above  improvement      13
    1    3s  below      concern       1
    """
    if is_spark(counts):
        options = dict(locals())
        from spcbench.spark.charts import spark_charts

        # Spark in, Spark out: the tables have the same names and columns.
        return cast("ControlCharts", spark_charts(**options))
    from spcbench.plugin.host import default_host

    host = host or default_host()
    chart_type = _chart_type(chart, limits, host)
    own_scale = chart_type is not None and chart_type.scale not in ("measure", "count")
    for name, said in (("references", references), ("target", target is not None)):
        if said and own_scale:
            raise OptionError(
                f"{name} is on the scale of the measure, which chart {chart!r} does not show"
            )
    plan = Plan(
        rule_set=rules if isinstance(rules, RuleSet) else host.rule_set(rules),
        limit_method=_word("limits", limits, LIMITS),
        screening=_word("screening", _screening(screening), SCREENING),
        settings=_mapping("settings", settings),
        threads=_at_least_one("threads", threads) or 1,
    )
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
        takes=chart_type.takes if chart_type else "auto",
        per=per,
        on_error=on_error,
    )
    asked = Asked(
        notes=notes,
        target=target,
        centre=centre,
        sigma=sigma,
        baseline=baseline,
        references=checked_references(references, taken),
        published=isinstance(references, str),
        frequency=frequency,
        until=until,
        show_last=_at_least_one("show_last", show_last),
    )
    drawn = drawn_from(_until(taken, until), chart_type, plan, asked, host=host)
    summary = summary_table(drawn)
    return ControlCharts(
        points=points_table(drawn),
        signals=signals_table(drawn),
        summary=summary,
        display=drawn.taken.display,
        unit_names=taken.unit_names,
        method=method_of(drawn, plan, asked, summary),
        _drawn=drawn,
        _host=host,
    )


def _word(name: str, given: str, choices: Sequence[str]) -> str:
    if given not in choices:
        raise OptionError(f"{name} must be one of {', '.join(choices)}, not {given!r}")
    return given


def _mapping(name: str, given: Mapping[str, Any] | None) -> dict[str, Any]:
    if given is not None and not isinstance(given, Mapping):
        raise OptionError(f"{name} must map names to values, such as {{'weight': 0.2}}")
    return dict(given or {})


def _screening(given: bool | str) -> str:
    if isinstance(given, bool):
        return "once" if given else "none"
    return given


def _at_least_one(name: str, given: int | None) -> int | None:
    if given is not None and given < 1:
        raise OptionError(f"{name} must be 1 or more, not {given}")
    return given


def _chart_type(chart: str, limits: str, host: PluginHost) -> ChartType | None:
    """The chart type of a name; None for ``"auto"``."""
    if chart == "auto":
        return None
    chart_type = host.chart(chart)
    if limits in SMALL_COUNTS and not chart_type.small_counts:
        raise OptionError(
            f"limits {limits!r} are for charts of counts as chance alone makes them, which chart "
            f"{chart!r} is not; leave limits= (--limits) out"
        )
    return chart_type


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
