"""One bucket of series on one worker: the very steps of `control_charts`, on a part of the table.

What depends on the whole table comes with the `Job`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from spcbench.chart_advice import advice_table
from spcbench.chart_drawing import Asked, drawn_from
from spcbench.chart_running import Plan
from spcbench.chart_series import FREQUENCIES
from spcbench.chart_tables import points_table, signals_table, summary_table
from spcbench.errors import UnknownNameError
from spcbench.intake import Taken, keep_rows, take
from spcbench.spark.facts import Name, Reading
from spcbench.spark.frames import arrow_of
from spcbench.tables import ADVICE, POINTS, SIGNALS, SUMMARY, Contract, Display, Table

if TYPE_CHECKING:
    from spcbench.drawn import Drawn
    from spcbench.plugin.records import RuleSet

TABLES: Mapping[str, Contract] = {
    "points": POINTS,
    "signals": SIGNALS,
    "summary": SUMMARY,
    "advice": ADVICE,
}
_ELSEWHERE = "\x00"
"""No unit is called so: with it among the known units a bucket is always a part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What every worker is told.

    Parameters
    ----------
    reading : Reading
        How to read counts, and which rows to keep.
    chart, rules, limit_method, screening, settings
        As `control_charts`; a rule set of the analyst's own comes as it is.
    measure : str, optional
        Full name of the only measure that is wanted.
    display : mapping of str to Display
        How each measure is shown and judged.
    frequency : mapping of str to str
        How long the periods of each measure last.
    centre, sigma : mapping of str to float, optional
        Given lines, by full name of the measure.
    target, baseline
        As `control_charts`.
    notes : pandas.DataFrame, optional
        Checked notes.
    measures, units, periods : tuple of str
        All of the whole table, where there are notes.
    invalid : frozenset of (measure, unit)
        Series that are left out.
    level : str, optional
        What the rows are, if they say so.
    """

    reading: Reading
    chart: str
    rules: str | RuleSet
    limit_method: str
    screening: str
    settings: Mapping[str, Any]
    measure: str | None
    display: Mapping[str, Display]
    frequency: Mapping[str, str]
    centre: Mapping[str, float] | None
    sigma: Mapping[str, float] | None
    target: float | None
    baseline: int | tuple[Any, Any] | None
    notes: pd.DataFrame | None = None
    measures: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    periods: tuple[str, ...] = ()
    invalid: frozenset[Name] = frozenset()
    level: str | None = None


def chart_bucket(frame: pd.DataFrame, job: Job, table: str) -> pa.Table:
    """One table of the charts of one bucket.

    Parameters
    ----------
    frame : pandas.DataFrame
        Whole series of a table of counts.
    job : Job
        What to do.
    table : str
        One of `TABLES`.

    Returns
    -------
    pyarrow.Table
        As Spark takes it; advice on a measure as a whole is left out.
    """
    contract = TABLES[table]
    parts = [arrow_of(_of_series(_table(drawn, table)), contract) for drawn in _drawn(frame, job)]
    return pa.concat_tables([arrow_of(contract.empty(), contract), *parts])


def _table(drawn: Drawn, table: str) -> pd.DataFrame:
    build = {
        "points": points_table,
        "signals": signals_table,
        "summary": summary_table,
        "advice": advice_table,
    }[table]
    return build(drawn)


def _of_series(made: pd.DataFrame) -> pd.DataFrame:
    # Advice without a unit is about a measure, of which a bucket may hold a part only.
    whole = made["unit"].isna()
    return made[~whole].reset_index(drop=True) if whole.any() else made


def _drawn(frame: pd.DataFrame, job: Job) -> Iterator[Drawn]:
    """The charts, those whose periods last alike together."""
    from spcbench.plugin.host import default_host

    host = default_host()
    chart_type = None if job.chart == "auto" else host.chart(job.chart)
    plan = Plan(
        rule_set=host.rule_set(job.rules) if isinstance(job.rules, str) else job.rules,
        limit_method=job.limit_method,
        screening=job.screening,
        settings=job.settings,
    )
    taken = taken_part(frame, job, takes=chart_type.takes if chart_type else "auto")
    if taken is not None:
        for word, part in _by_frequency(taken, job.frequency):
            yield drawn_from(part, chart_type, plan, _asked(part, job, word), host=host)


def taken_part(frame: pd.DataFrame, job: Job, *, takes: str) -> Taken | None:
    """The counts of one bucket that are wanted, or None if none is.

    Parameters
    ----------
    frame : pandas.DataFrame
        Whole series of a table of counts.
    job : Job
        What to do.
    takes : str
        As `check_counts`.
    """
    from spcbench.plugin.host import default_host

    if job.invalid:
        keys = pd.MultiIndex.from_frame(frame[["measure", "unit"]].astype("object").map(str))
        frame = frame[~keys.isin(list(job.invalid))].reset_index(drop=True)
    reading = job.reading
    try:
        taken = take(
            Table(kind="counts", data=frame, source="", text=True),
            host=default_host(),
            measure=job.measure,
            unit=reading.unit,
            level=reading.level,
            date_format=reading.date_format,
            suppressed=reading.suppressed,
            takes=takes,
        )
    except UnknownNameError:
        return None  # what is wanted stands in other buckets
    if reading.until is not None:
        taken = keep_rows(taken, taken.frame["period"].to_numpy() <= reading.until)
    if not taken.series.size:
        return None
    whole = taken.whole if job.notes is None else _known(job)
    return replace(taken, whole=whole, display={name: job.display[name] for name in taken.display})


def _known(job: Job) -> pd.DataFrame:
    """The names and periods of the whole table, as notes are told of them."""
    columns = {
        "measure": list(job.measures),
        "unit": [*job.units, _ELSEWHERE],
        "period": list(job.periods),
    }
    size = max(map(len, columns.values()))
    # The lists differ in length; each is read for its different entries only.
    made = pd.DataFrame(
        {name: cells + cells[-1:] * (size - len(cells)) for name, cells in columns.items()}
    )
    return made.assign(period=pd.to_datetime(made["period"]))


def _by_frequency(taken: Taken, frequency: Mapping[str, str]) -> Iterator[tuple[str | None, Taken]]:
    """Measures whose periods last alike; None is for what is found from the part itself.

    A length without a word of its own (every 10 days, say) is found again,
    because all series of such a measure are in one bucket.
    """
    names = [str(name) for name in taken.frame["measure"].array.take(taken.series.starts)]
    words = [frequency[name] if frequency[name] in FREQUENCIES else None for name in names]
    for word in dict.fromkeys(words):
        alike = taken.series.spread(np.array([one == word for one in words], dtype=np.bool_))
        yield word, keep_rows(taken, alike)


def _asked(part: Taken, job: Job, word: str | None) -> Asked:
    baseline = job.baseline
    # Shorter series than that are all baseline; the whole table has one that is long enough.
    if isinstance(baseline, int) and int(part.series.lengths.max()) < baseline:
        baseline = None
    return Asked(
        notes=job.notes,
        target=job.target,
        centre=_here(job.centre, part),
        sigma=_here(job.sigma, part),
        baseline=baseline,
        frequency=word,
        until=job.reading.until,
    )


def _here(line: Mapping[str, float] | None, part: Taken) -> dict[str, float] | None:
    """A given line for the measures of a part; that there is one says something too."""
    return None if line is None else {one: at for one, at in line.items() if one in part.display}
