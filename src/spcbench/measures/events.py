"""Records become what charts of rare events take: what lies between events, or case by case.

A g chart counts cases between events, a t chart the time between them, and a
Bernoulli CUSUM takes each case in turn. No wait is made up: the one that began
before the records, and the one that has not ended, stand in the table as rows
that no chart uses, with how long they are at the least.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

import numpy as np
import pandas as pd
import pyarrow as pa

from spcbench.errors import InputError, OptionError, suggest
from spcbench.measures.choosing import chosen_packs, wanted_measures
from spcbench.measures.counting import Counted, count, declared
from spcbench.measures.dialect_duckdb import DUCKDB
from spcbench.measures.entry import ZONE, Way
from spcbench.measures.event_words import event_display, event_name, wait_text
from spcbench.measures.events_sql import Event, every_case_sql, waits_sql
from spcbench.measures.mapping import ColumnMapping, column_mapping
from spcbench.measures.measure import Composite
from spcbench.measures.periods import chosen_periods
from spcbench.measures.query import CountQuery
from spcbench.measures.records_sql import Records, open_records
from spcbench.measures.wanted import Wanted, key_of, named_measures
from spcbench.plugin.records import Pack
from spcbench.spark.frames import is_spark
from spcbench.tables import (
    COUNTS,
    COUNTS_OPTIONAL,
    STATUS,
    STRING,
    Column,
    Contract,
    coded,
)

if TYPE_CHECKING:
    from spcbench.plugin.host import PluginHost

BETWEEN = ("cases", "days", "hours")
"""What may be counted between events."""


def _with(*names: str) -> Contract:
    optional = tuple(one for one in COUNTS_OPTIONAL.columns if one.name in names)
    return Contract("counts", (*COUNTS.columns, *optional))


WAITS = Contract(
    "counts",
    (
        *_with("value", "sequence", "status", "note").columns,
        Column("at_least", "float"),
        Column("unknown", "integer"),
    ),
)
"""The columns of waits; `missing` is for shares of cases, so `unknown` is a label of its own."""

EVERY_CASE = _with("missing", "sequence", "status")
"""The columns of cases one by one."""


def event_counts(
    table: Any,
    *,
    packs: Iterable[str | Path | Pack],
    unit_column: str,
    date_column: str,
    event: str,
    between: str | None = None,
    measures: Iterable[str] | None = None,
    columns: Mapping[str, str] | None = None,
    mapping: str | Path | ColumnMapping | None = None,
    date_format: str | None = None,
    time_zone: str = ZONE,
    rejects: bool = False,
    host: PluginHost | None = None,
) -> Counted:
    """Counts for charts of rare events: what lies between events, or every case in order.

    Parameters
    ----------
    table : path, Table, pandas, polars or Arrow table
        Records, one row a case; scanned twice.
    packs, unit_column, date_column, measures, columns, mapping, date_format
        As for `count`, and so are `time_zone`, `rejects` and `host`. Cases stand
        in the order of `date_column`, by the time of day where it has one.
    event : str
        What an event is: an eligible case that ``"met"`` the measure (a death),
        or one that did ``"not_met"`` (a missed dose).
    between : str, optional
        ``"cases"`` without an event since the event before (for ``chart="g"``);
        ``"days"`` of the calendar, or ``"hours"``, since then (for ``"t"``).
        Without it every case is a row (for ``"bernoulli_cusum"``).

    Returns
    -------
    Counted
        Its counts are in the order of events; `period` is the day of an event
        or case, and `sequence` numbers those of one day. Measures are called
        ``pack@version:measure.cases_between_not_met`` and the like, because
        neither their values nor their good side are those of the measure.

        With `between` (columns of `WAITS`): one row an event, with its wait
        in `value`, and in `unknown` the cases within it of unknown outcome,
        which are not in its value. When the wait for the first event began
        is not known, and a last row holds the wait that has not ended: both are
        ``insufficient_data`` without a value, and `at_least` so long.

        Without (columns of `EVERY_CASE`): one row a case, 1 of 1 or 0 of 1; one
        of unknown outcome is 0 of 0 and ``no_data``.

        A composite that `count` does not count for a unit has no rows of it, and
        the provenance says why.

    Raises
    ------
    InputError
        If the records cannot be read, or have dates only and hours are wanted.
    OptionError
        If an option or a name of a measure or pack is wrong, a measure takes
        records together or counts opportunities, or the records are on Spark.
    PackError
        If a pack breaks the format.

    Notes
    -----
    Cases of one moment (of one day, where there are no times) have no order.
    The events among them are spread evenly, so that the order of rows in a
    file does not matter.

    Examples
    --------
    >>> import pandas as pd
    >>> from spcbench.measures.measure import Field, Measure
    >>> dose = Measure(id="dose", title="Dose", better="higher", eligible="TRUE", met="given")
    >>> pack = Pack(id="example", title="Example", version="1", record="baby",
    ...             fields=(Field(name="given", type="boolean"),), measures=(dose,))
    >>> births = pd.DataFrame({"unit": "RJ1", "given": [True, False, True, True, False, True],
    ...                        "born": pd.date_range("2024-01-01", periods=6)})
    >>> waits = event_counts(births, packs=[pack], unit_column="unit", date_column="born",
    ...                      event="not_met", between="cases")
    >>> waits.counts[["period", "value", "status", "at_least"]]
          period  value             status  at_least
    0 2024-01-02    NaN  insufficient_data       1.0
    1 2024-01-05    2.0                 ok       NaN
    2 2024-01-06    NaN  insufficient_data       1.0
    """
    kind = _checked_event(event, between)
    packs = [packs] if isinstance(packs, (str, Path, Pack)) else list(packs)
    measures = [measures] if isinstance(measures, str) else measures
    measures = None if measures is None else list(measures)
    wanted = wanted_measures(chosen_packs(packs, host), measures)
    _check_have_events(wanted)
    if is_spark(table):
        raise OptionError(
            "cases are put in order on one machine only; choose the columns and the eligible "
            "records on Spark, and give what is left as a pandas or Arrow table"
        )
    if isinstance(table, (str, Path)):
        from spcbench.reading import read

        table = read(table, host=host)
    if hasattr(table, "__arrow_c_stream__") and not hasattr(table, "__len__"):
        table = pa.table(table)  # a stream would be used up by the first scan
    # What could not be used is told in the words, and by the rules, of every other count.
    counted = count(
        table,
        packs=packs,
        unit_column=unit_column,
        date_column=date_column,
        period="year",
        measures=measures,
        date_format=date_format,
        columns=columns,
        mapping=mapping,
        time_zone=time_zone,
        rejects=rejects,
        host=host,
    )
    needed = (unit_column, date_column, *(name for one in wanted for name in one.columns))
    made = column_mapping(mapping, columns, date_format=date_format, zone=time_zone, host=host)
    opened = open_records(table, columns=needed, beside=declared(wanted), mapping=made)
    with closing(opened) as records:
        query = CountQuery(
            wanted,
            records.natives,
            Way(dialect=DUCKDB, source=records.source, zone=time_zone),
            unit_column=unit_column,
            date_column=date_column,
            periods=chosen_periods("year"),
            date_format=date_format,
            quality=False,
        )
        counts = (
            _every_case(query, records, wanted, kind)
            if between is None
            else _waits(query, records, wanted, kind, between)
        )
    counts = _without_uncounted(counts, counted.counts, wanted, kind, between)
    _check_same(counts, counted.counts, kind, between, source=counted.provenance["source"])
    provenance = {**counted.provenance, "period": "event", "event": event, "between": between}
    return replace(
        counted,
        counts=counts,
        display={
            event_name(full, kind, between): event_display(measure, kind, between)
            for full, _, measure in named_measures(wanted)
        },
        provenance=provenance,
    )


def _checked_event(event: str, between: str | None) -> Event:
    if event not in get_args(Event):
        raise OptionError(
            f"event must be 'met' or 'not_met', not {event!r}: which of the eligible cases are "
            "the events"
        )
    if between is not None and between not in BETWEEN:
        raise OptionError(f"there is no between={between!r}; {suggest(str(between), BETWEEN)}")
    return cast("Event", event)


def _check_have_events(wanted: Sequence[Wanted]) -> None:
    """Refuse measures of which one record is not one case."""
    for full, _, measure in named_measures(wanted):
        why = ""
        if isinstance(measure, Composite) and measure.form == "opportunity":
            why = "counts opportunities, of which a record has several"
        elif key := key_of(measure):
            why = f"takes the records of one {key!r} together"
        if why:
            raise OptionError(
                f"{full} {why}, so no record is an event of it; choose others with measures= "
                "(--measure)"
            )


def _without_uncounted(
    made: pd.DataFrame,
    counted: pd.DataFrame,
    wanted: Sequence[Wanted],
    event: Event,
    between: str | None,
) -> pd.DataFrame:
    """Leave out units for which a composite is not counted, as `unrecorded` says.

    Nearly all cases there are a known miss or unknown, so that waits for the next miss would
    be far too short. The provenance has a note of each.
    """
    blank = counted.loc[counted["denominator"].isna(), ["measure", "unit"]].drop_duplicates()
    if blank.empty:
        return made
    names = {full: event_name(full, event, between) for full, _, _ in named_measures(wanted)}
    lost = pd.MultiIndex.from_arrays([blank["measure"].map(names), blank["unit"]])
    kept = ~pd.MultiIndex.from_frame(made[["measure", "unit"]]).isin(lost)
    return made[kept].reset_index(drop=True)


def _check_same(
    made: pd.DataFrame, counted: pd.DataFrame, event: Event, between: str | None, *, source: str
) -> None:
    """Refuse records that were not the same in both scans."""
    met = int(counted["numerator"].sum())
    expected = met if event == "met" else int(counted["denominator"].sum()) - met
    if between is None:
        found = int(made["numerator"].sum())
    else:
        found = len(made) - len(made[["measure", "unit"]].drop_duplicates())
    if found != expected:
        raise InputError(
            f"{source}: {expected:,} events were read first and {found:,} then; the records "
            "are scanned twice and must not change meanwhile: give a file or a table"
        )


def _waits(
    query: CountQuery, records: Records, wanted: Sequence[Wanted], event: Event, between: str
) -> pd.DataFrame:
    found = records.fetch(waits_sql(query, wanted, records.relation, event))
    size = len(found["measure"])
    if between == "hours" and size and not found["timed"].any():
        raise InputError(
            f"{records.source}: the column that dates the records has dates without times, so "
            "there are no hours between events; use between='days' (--between days)"
        )
    length = np.asarray(found[between], dtype=np.float64)
    nothing = pd.arrays.IntegerArray(np.zeros(size, np.int64), np.ones(size, np.bool_))
    partly = np.asarray(found["first"] | found["ending"], dtype=np.bool_)
    return WAITS.frame(
        {
            **_keys(found, wanted, event, between),
            "numerator": nothing,
            "denominator": nothing,
            "value": np.where(partly, np.nan, length),
            "status": coded(STATUS, np.where(partly, STATUS.index("insufficient_data"), 0)),
            "note": _notes(found, length, between),
            "at_least": np.where(partly, length, np.nan),
            "unknown": found["unknown"],
        }
    )


def _every_case(
    query: CountQuery, records: Records, wanted: Sequence[Wanted], event: Event
) -> pd.DataFrame:
    found = records.fetch(every_case_sql(query, wanted, records.relation, event))
    unsure = np.asarray(found["unsure"], dtype=np.bool_)
    return EVERY_CASE.frame(
        {
            **_keys(found, wanted, event, None),
            "numerator": found["event"],
            "denominator": (~unsure).astype(np.int64),
            "missing": unsure.astype(np.int64),
            "status": coded(STATUS, np.where(unsure, STATUS.index("no_data"), 0)),
        }
    )


def _keys(
    found: Mapping[str, Any], wanted: Sequence[Wanted], event: Event, between: str | None
) -> dict[str, Any]:
    names = [event_name(full, event, between) for full, _, _ in named_measures(wanted)]
    return {
        "measure": pd.array(names, dtype=STRING).take(np.asarray(found["measure"], np.int64)),
        "unit": found["unit"],
        "period": np.asarray(found["period"]).astype("datetime64[us]"),
        "sequence": found["sequence"],
    }


def _notes(found: Mapping[str, Any], length: np.ndarray, between: str) -> np.ndarray:
    """What a wait of unknown length is; few rows have one."""
    notes = np.full(length.size, None, dtype=object)
    first, ending = (np.asarray(found[name], dtype=np.bool_) for name in ("first", "ending"))
    for row in np.flatnonzero(first | ending):
        told = wait_text(float(length[row]), between)
        if not ending[row]:
            notes[row] = f"first event; at least {told} since the one before"
        elif first[row]:
            notes[row] = f"no event in the records; {told} so far"
        else:
            notes[row] = f"no event since; {told} so far"
    return notes
