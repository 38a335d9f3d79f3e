"""What is wrong with records, told to those who can put it right.

Like a count, but without units or periods: each problem by field and row, how
complete each field is, and which measures lose cases by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spcbench.errors import OptionError
from spcbench.measures.choosing import chosen_packs, wanted_measures
from spcbench.measures.counted_tables import Found, quality_table
from spcbench.measures.counting import columns_absent, declared, never_known, totals_of
from spcbench.measures.dialect_duckdb import DUCKDB
from spcbench.measures.doubts import doubtful, set_aside_notes
from spcbench.measures.entry import ZONE, Way, check_format, check_zone
from spcbench.measures.mapping import ColumnMapping, column_mapping
from spcbench.measures.measure import Composite, Measure
from spcbench.measures.periods import Periods
from spcbench.measures.query import CountQuery
from spcbench.measures.records_sql import Records, open_records
from spcbench.measures.rejects import list_rejects
from spcbench.measures.repeats import Repeats, repeat_rows, repeats
from spcbench.measures.tallies import (
    UNKNOWN_PROBLEM,
    broken_name,
    known_name,
    missing_of,
    order_name,
    part_name,
)
from spcbench.measures.trying import differing_examples
from spcbench.measures.unit_faults import UNIT_PROBLEMS, UNITS, unit_tables
from spcbench.measures.wanted import Wanted, key_of, named_measures
from spcbench.plugin.records import Pack
from spcbench.tables import Column, Contract

if TYPE_CHECKING:
    from spcbench.plugin.host import PluginHost

FIELDS = Contract(
    "fields",
    (
        Column("field", "string"),
        Column("records", "integer"),
        Column("known", "integer"),
        Column("share", "float"),
    ),
)
"""Of how many records each field that the measures use is known."""

SUFFERING = Contract(
    "measures",
    (
        Column("measure", "string"),
        Column("eligible", "integer"),
        Column("known", "integer"),
        Column("share", "float"),
        Column("eligible_unknown", "integer"),
        Column("set_aside", "integer"),
        Column("fields", "string"),
    ),
)
"""What each measure loses: of how many eligible cases it is known whether they met it,
of how many records it is unknown whether they are eligible, and how many were set aside
for its pack. `fields` are those with a problem or a missing value that it uses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """What `validate` gives.

    Parameters
    ----------
    problems : pandas.DataFrame
        Columns of `tables.REJECTS`: where each problem stands, by file, row
        and field, and why; the first few of each kind, or all.
    quality : pandas.DataFrame
        Columns of `tables.QUALITY`: how often each problem occurs in all.
    fields : pandas.DataFrame
        Columns of `FIELDS`: how complete each field is.
    measures : pandas.DataFrame
        Columns of `SUFFERING`: what each measure loses.
    provenance : dict
        Source, packs, records read and set aside; in its notes every worked
        example of a pack of your own that comes out otherwise.
    units, unit_problems : pandas.DataFrame
        Columns of `UNITS` and `UNIT_PROBLEMS`: the same for each unit, empty
        without a column of units.
    """

    problems: pd.DataFrame
    quality: pd.DataFrame
    fields: pd.DataFrame
    measures: pd.DataFrame
    provenance: dict[str, Any]
    units: pd.DataFrame = field(default_factory=UNITS.empty)
    unit_problems: pd.DataFrame = field(default_factory=UNIT_PROBLEMS.empty)


def validate(
    table: Any,
    *,
    packs: Iterable[str | Path | Pack],
    unit_column: str | None = None,
    date_column: str | None = None,
    measures: Iterable[str] | None = None,
    columns: Mapping[str, str] | None = None,
    mapping: str | Path | ColumnMapping | None = None,
    date_format: str | None = None,
    time_zone: str = ZONE,
    rows: int | None = 20,
    host: PluginHost | None = None,
) -> Validated:
    """What to put right in records before they are counted.

    Parameters
    ----------
    table, packs, measures, columns, mapping, date_format, time_zone, host
        As for `count`.
    unit_column, date_column : str, optional
        Checked like any other column where they are given. With a column of
        units the problems are told for each unit too.
    rows : int, optional
        How many rows to name for each problem; None for all. Costs two more
        scans, or one for all.

    Returns
    -------
    Validated
        Values of records are in none of its tables.

    Raises
    ------
    InputError
        If the records cannot be read or a column is missing.
    OptionError
        If an option or a name of a measure or pack is wrong.
    PackError
        If a pack breaks the format.

    Examples
    --------
    >>> import pandas as pd
    >>> from spcbench.measures.measure import Field, Measure
    >>> warm = Measure(id="warm", title="Warm", better="higher",
    ...                eligible="TRUE", met="celsius >= 36.5")
    >>> celsius = Field(name="celsius", type="number", range=(25, 45))
    >>> pack = Pack(id="example", title="Example", version="1", record="baby",
    ...             fields=(celsius,), measures=(warm,))
    >>> found = validate(pd.DataFrame({"celsius": [36.4, 365, None]}), packs=[pack])
    >>> found.problems[["row", "field", "reason"]]
       row    field             reason
    0    2  celsius  expected 25 to 45
    >>> found.fields[["field", "known"]].to_numpy().tolist()
    [['celsius', 1]]
    """
    if rows is not None and rows < 0:
        raise OptionError(f"rows must be 0 or more, not {rows}")
    if date_format is not None:
        check_format(date_format)
    check_zone(time_zone)
    chosen = chosen_packs(packs, host)
    wanted = wanted_measures(chosen, measures)
    if isinstance(table, (str, Path)):
        from spcbench.reading import read

        table = read(table, host=host)
    named = [one for one in (unit_column, date_column) if one is not None]
    needed = (*named, *(name for one in wanted for name in one.columns))
    made = column_mapping(mapping, columns, date_format=date_format, zone=time_zone, host=host)
    opened = open_records(table, columns=needed, beside=declared(wanted), mapping=made)
    with closing(opened) as records:
        query = CountQuery(
            wanted,
            records.natives,
            Way(dialect=DUCKDB, source=records.source, zone=time_zone),
            unit_column=unit_column,
            date_column=date_column,
            periods=Periods(length="year"),
            date_format=date_format,
        )
        differ = differing_examples(chosen, host)
        return _run(query, records, wanted, rows, by_unit=unit_column is not None, before=differ)


def _run(
    query: CountQuery,
    records: Records,
    wanted: Sequence[Wanted],
    rows: int | None,
    *,
    by_unit: bool,
    before: Sequence[str] = (),
) -> Validated:
    found = records.fetch(query.counts(records.relation))
    totals = totals_of(found, records)
    read = totals["records"] + totals["ragged"]
    again = repeats(wanted, records, query.dialect)
    quality = quality_table(query, wanted, found, totals, again.found)
    notes = [
        *set_aside_notes(query, found, totals),
        *before,
        *again.notes,
        *records.notes,
        *_orders(query, found),
        *never_known(query, found),
        *(one.note for one in doubtful(wanted, [found])),
    ]
    fields = _fields(query, found, totals["records"])
    units, unit_problems = (
        unit_tables(query, found) if by_unit else (UNITS.empty(), UNIT_PROBLEMS.empty())
    )
    return Validated(
        units=units,
        unit_problems=unit_problems,
        problems=_problems(query, records, again, rows),
        quality=quality,
        fields=fields,
        measures=_measures(wanted, found, quality, fields),
        provenance={
            "source": records.source,
            "packs": [one.pack.name for one in wanted],
            "records_read": read,
            "records_rejected": totals["rejected"] + totals["ragged"],
            "files": len(records.parts),
            **({"notes": notes} if notes else {}),
            **columns_absent(query, wanted),
        },
    )


def _problems(
    query: CountQuery, records: Records, again: Repeats, rows: int | None
) -> pd.DataFrame:
    """Where problems stand, with the records that stand in the data twice, by file and row."""
    told = list_rejects(query, records, most=rows, reported=True)
    twice = repeat_rows(again, records, most=rows)
    if twice.empty:
        return told
    return pd.concat([told, twice]).sort_values(["file", "row"], kind="stable", ignore_index=True)


def _orders(query: CountQuery, found: Found) -> list[str]:
    """What counting would stop at: dates in another order."""
    return [
        f"{name}: dates stand in another order than 2024-12-31, at which counting stops; say how "
        "they are written with date_format='%d/%m/%Y' (--date-format '%d/%m/%Y')"
        for name in query.other_orders
        if np.sum(found[order_name(name)])
    ]


def _fields(query: CountQuery, found: Found, read: int) -> pd.DataFrame:
    names = query.complete_fields
    known = np.array([np.sum(found[known_name(name)]) for name in names], dtype=np.int64)
    share = known / read if read else np.full(known.size, np.nan)
    return FIELDS.frame(
        {
            "field": np.array(names, dtype=object),
            "records": np.full(known.size, read),
            "known": known,
            "share": share,
        }
    )


def _measures(
    wanted: Sequence[Wanted], found: Found, quality: pd.DataFrame, fields: pd.DataFrame
) -> pd.DataFrame:
    """What each measure loses; eligible and known are empty where records count together."""
    # With a measure beside it, `field` names a part of a composite and no column.
    columns = quality.loc[quality["measure"].isna(), "field"].dropna()
    lacking = set(columns) | set(fields.loc[fields["known"] < fields["records"], "field"])
    rows = []
    for full, name, measure in named_measures(wanted):
        place, _, _ = name.partition(":")
        owner = wanted[int(place)]
        eligible, known = _eligible_and_known(found, name, measure)
        alone = Wanted(
            pack=owner.pack,
            measures=(measure,),
            conditions=owner.conditions,
            derived=owner.derived,
        )
        rows.append(
            (
                full,
                eligible,
                known,
                known / eligible if known is not None and eligible else np.nan,
                _total(found, part_name(name, "eligible_unknown")),
                _total(found, broken_name(int(place))),
                ", ".join(one for one in alone.fields if one in lacking),
            )
        )
    cells = map(list, zip(*rows, strict=True))
    return SUFFERING.frame(dict(zip(SUFFERING.names, cells, strict=True)))


def _eligible_and_known(
    found: Found, name: str, measure: Measure | Composite
) -> tuple[int | None, int | None]:
    """How many cases a measure is about, and of how many it is known whether they met it."""
    if key_of(measure):
        return None, None
    known = _total(found, part_name(name, "denominator"))
    unknown = _total(found, part_name(name, "missing"))
    late = UNKNOWN_PROBLEM.get(missing_of(measure), ())
    unknown += sum(_total(found, part_name(name, one)) for one in late)
    known -= unknown if missing_of(measure) == "not_met" else 0
    return known + unknown, known


def _total(found: Found, tally: str) -> int:
    return int(np.sum(found[tally])) if tally in found else 0
