"""Control charts of a Spark DataFrame of counts: checked at once, drawn where the rows are."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from spcbench.advice_measures import level_of
from spcbench.counts_check import as_pandas
from spcbench.errors import OptionError
from spcbench.intake import Taken, as_date, keep_rows
from spcbench.notes import read_notes
from spcbench.spark import planning
from spcbench.spark.bucket import TABLES, Job, chart_bucket
from spcbench.spark.facts import Name, Reading, Whole, facts, first_error, merged
from spcbench.spark.frames import bucketed, by_bucket, chosen, schema_of
from spcbench.spark.measure_advice import measure_advice
from spcbench.spark.noting import check_notes
from spcbench.tables import COUNTS, COUNTS_OPTIONAL, SUMMARY, Display

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from spcbench.plugin.records import RuleSet

ROWS_A_CALL = 200_000
"""Rows of counts that one call of a worker should hold at most."""

ROWS_WORTH_A_CALL = 20_000
"""Under so many rows a call of its own costs more than it saves."""

NOT_ON_SPARK = ("references", "show_last", "host")
"""Options that are for pictures, or that no worker could be told."""


@dataclass(frozen=True, kw_only=True)
class SparkCharts:
    """What `control_charts` gives for a Spark DataFrame: tables that Spark works out when used.

    Parameters
    ----------
    points, signals, summary, advice : pyspark.sql.DataFrame
        The columns of `ControlCharts`' tables; a word of a category is text,
        what is missing is null. Rows have no order beyond their own series.
    display : mapping of str to Display
        How each measure is shown.
    method : mapping
        What was asked for, and how long the periods of each measure last.
    """

    points: DataFrame = field(repr=False)
    signals: DataFrame = field(repr=False)
    summary: DataFrame = field(repr=False)
    advice: DataFrame = field(repr=False)
    display: Mapping[str, Display] = field(repr=False)
    method: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of `control_charts`, by their names there."""

    chart: str
    rules: str | RuleSet
    limits: str
    notes: Any | None
    better: str | None
    target: float | None
    centre: float | Mapping[str, float] | None
    sigma: float | Mapping[str, float] | None
    baseline: int | tuple[Any, Any] | None
    screening: bool | str
    settings: Mapping[str, Any] | None
    references: Mapping[str, float] | None
    measure: str | None
    unit: str | None
    level: str | None
    per: int | None
    frequency: str | None
    until: Any | None
    show_last: int | None
    date_format: str | None
    suppressed: Sequence[str]
    threads: int
    on_error: str
    host: Any | None

    def some(self, *names: str) -> dict[str, Any]:
        """Some of them, by name."""
        return {name: getattr(self, name) for name in names}


def spark_charts(counts: DataFrame, **options: Any) -> SparkCharts:
    """Control charts of every measure and unit in a Spark DataFrame of counts.

    The whole table is checked at once, in one Spark job; tables are worked out
    when they are used.

    Parameters
    ----------
    counts : pyspark.sql.DataFrame
        With the columns of counts.
    **options
        All of `control_charts`. `references`, `show_last` and `host` are
        refused; `threads` is not needed, because Spark works on many buckets
        at once.

    Returns
    -------
    SparkCharts
        The same rows as `control_charts` gives for the same counts, bit for bit.

    Raises
    ------
    InputError, OptionError
        As `control_charts`; a row is named by its measure, unit and period.
    """
    asked = Options(**options)
    table = chosen(counts, [*COUNTS.names, *COUNTS_OPTIONAL.names])
    takes = _tried_out(table.columns, asked)
    reading = _reading(asked, takes)
    whole = _facts(table, reading)
    invalid = _invalid(whole, asked)
    small = _stand_in(whole, asked, takes, levelled="level" in table.columns)
    job = _job(whole, small, asked, reading, invalid)
    rows = _divided(table, whole, job, own_target="target" in table.columns)
    if job.notes is not None:
        check_notes(rows, job, whole, takes)
    return _charted(rows, job, takes, invalid)


def _tried_out(columns: Sequence[str], asked: Options) -> str:
    """What the chart takes, once every option has been tried on a table without rows."""
    from spcbench.charting import control_charts
    from spcbench.plugin.host import default_host

    for name in NOT_ON_SPARK:
        if getattr(asked, name) is not None:
            raise OptionError(
                f"{name} is not offered for Spark DataFrames; collect the counts of the charts "
                "that you want, and give those to control_charts"
            )
    nothing = pd.DataFrame({name: [] for name in columns}, dtype="object")
    control_charts(
        nothing,
        **asked.some("chart", "rules", "limits", "screening", "settings", "target", "better"),
        **asked.some("baseline", "frequency", "per", "threads", "on_error", "date_format"),
    )
    return "auto" if asked.chart == "auto" else default_host().chart(asked.chart).takes


def _reading(asked: Options, takes: str) -> Reading:
    dates = asked.baseline if isinstance(asked.baseline, tuple | list) else None
    markers = asked.suppressed
    return Reading(
        takes=takes,
        date_format=asked.date_format,
        suppressed=(markers,) if isinstance(markers, str) else tuple(markers),
        level=asked.level,
        unit=asked.unit,
        until=None if asked.until is None else as_date(asked.until, "until"),
        baseline=dates and (as_date(dates[0], "baseline"), as_date(dates[1], "baseline")),
        names=asked.unit is not None or asked.notes is not None,
    )


def _facts(table: DataFrame, reading: Reading) -> Whole:
    """What is known of the whole table: the one job that runs at once."""

    def look(rows: pa.Table) -> pa.Table:
        found = facts(as_pandas(rows), reading)
        return pa.table({"found": pa.array([pickle.dumps(found)], pa.binary())})

    number = int(table.sparkSession.conf.get("spark.sql.shuffle.partitions") or 200)
    found = by_bucket(bucketed(table, number), look, "found binary").collect()
    return merged(pickle.loads(bytes(row.found)) for row in found)


def _invalid(whole: Whole, asked: Options) -> dict[Name, str]:
    """Series that are left out because they break the contract."""
    if not whole.errors:
        return {}
    if asked.on_error == "raise":
        raise first_error(whole.errors)
    return whole.errors | whole.lacking


def _stand_in(whole: Whole, asked: Options, takes: str, *, levelled: bool) -> Taken:
    """The measures that are charted, in a small table."""
    from spcbench.plugin.host import default_host

    chosen_by = asked.some("measure", "level", "better", "target", "per")
    small = planning.stand_in(whole, takes, host=default_host(), levelled=levelled, **chosen_by)
    planning.check_wanted(whole, list(small.display), asked.unit, asked.until)
    left = [name for name in small.display if whole.measures[name].rows]
    return keep_rows(small, small.frame["measure"].isin(left).to_numpy())


def _job(
    whole: Whole,
    small: Taken,
    asked: Options,
    reading: Reading,
    invalid: Mapping[Name, str],
) -> Job:
    wanted = list(small.display)
    planning.check_baseline([whole.measures[name] for name in wanted], asked.baseline)
    given = planning.lines(small, reading.takes, **asked.some("centre", "sigma"))
    screening = asked.screening
    if isinstance(screening, bool):
        screening = "once" if screening else "none"
    return Job(
        reading=reading,
        chart=asked.chart,
        rules=asked.rules,
        limit_method=asked.limits,
        screening=screening,
        settings=dict(asked.settings or {}),
        measure=wanted[0] if asked.measure is not None and wanted else None,
        display=small.display,
        frequency=planning.frequencies(whole, wanted, asked.frequency),
        target=asked.target,
        baseline=asked.baseline,
        notes=None if asked.notes is None else read_notes(asked.notes),
        periods=tuple(sorted(whole.periods)),
        measures=tuple(sorted(whole.measures)),
        units=tuple(sorted(whole.units)),
        invalid=frozenset(invalid),
        level=level_of(small.frame),
        **given,
    )


def _divided(table: DataFrame, whole: Whole, job: Job, *, own_target: bool) -> DataFrame:
    """The rows, in as many buckets as pays."""
    beside = planning.together(
        whole,
        job.frequency,
        job.reading.takes,
        own_target=own_target and job.target is None,
    )
    rows = sum(one.before_until for one in whole.measures.values())
    workers = int(table.sparkSession.conf.get("spark.sql.shuffle.partitions") or 200)
    number = max(-(-rows // ROWS_A_CALL), min(workers, -(-rows // ROWS_WORTH_A_CALL)), 1)
    return bucketed(table, number, together=beside)


def _charted(rows: DataFrame, job: Job, takes: str, invalid: Mapping[Name, str]) -> SparkCharts:
    made = {name: by_bucket(rows, _drawing(job, name), schema_of(TABLES[name])) for name in TABLES}
    for more in measure_advice(rows, job, takes=takes):
        made["advice"] = made["advice"].unionByName(more)
    told = planning.invalid_rows(invalid, measure=job.measure, unit=job.reading.unit)
    if told:
        session = rows.sparkSession
        made["summary"] = made["summary"].unionByName(
            session.createDataFrame(told, schema_of(SUMMARY))
        )
    rules = job.rules if isinstance(job.rules, str) else job.rules.id
    method = {
        "chart": job.chart,
        "limits": job.limit_method,
        "rule_set": rules,
        "screening": job.screening,
        "settings": dict(job.settings),
        "frequency": dict(job.frequency),
    }
    return SparkCharts(**made, display=job.display, method=method)


def _drawing(job: Job, name: str) -> Callable[[pa.Table], pa.Table]:
    def draw(rows: pa.Table) -> pa.Table:
        return chart_bucket(as_pandas(rows), job, name)

    return draw
