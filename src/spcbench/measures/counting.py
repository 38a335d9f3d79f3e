"""Records become counts, in one pass over the records.

Nothing is dropped silently: whatever is not in the counts is in the quality
table and, when asked for, in the list of rejects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from spcbench.errors import InputError, OptionError
from spcbench.measures.choosing import chosen_packs, wanted_measures
from spcbench.measures.counted_tables import (
    COMPLETENESS,
    COUNTED,
    Grid,
    completeness_table,
    counts_table,
    quality_table,
)
from spcbench.measures.dialect import Dialect
from spcbench.measures.dialect_duckdb import DUCKDB
from spcbench.measures.doubts import check_anything_known, doubtful, set_aside_notes
from spcbench.measures.entry import ZONE, Way, check_format, check_zone
from spcbench.measures.mapping import ColumnMapping, column_mapping
from spcbench.measures.measure import display_of
from spcbench.measures.periods import PERIODS, Periods, chosen_periods
from spcbench.measures.query import CountQuery
from spcbench.measures.records_sql import Records, open_records
from spcbench.measures.rejects import list_rejects, numbered
from spcbench.measures.repeats import Repeats, repeats
from spcbench.measures.tallies import RECORD, known_name, order_name
from spcbench.measures.unit_faults import UNIT_PROBLEMS, UNITS, unit_tables
from spcbench.measures.unrecorded import unrecorded, unrecorded_notes
from spcbench.measures.wanted import Wanted, named_measures
from spcbench.plugin.records import Pack
from spcbench.spark.frames import is_spark
from spcbench.tables import QUALITY, REJECTS, Display

if TYPE_CHECKING:
    from spcbench.plugin.host import PluginHost

__all__ = ["COMPLETENESS", "COUNTED", "PERIODS", "Counted", "count"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What `count` gives.

    Parameters
    ----------
    counts : pandas.DataFrame
        Columns of `COUNTED`; one row per measure, unit and period, without
        gaps between the first and the last period of the records. A period
        without cases has 0 of 0 and status ``no_data``. With `variance` where
        a share of opportunities is among the measures, and `period_end` where
        the first day does not say how long a period lasts. A composite of
        which a unit never records one part is not counted for that unit:
        numerator and denominator are null, and `note` says why.
    quality : pandas.DataFrame
        Columns of `tables.QUALITY`: what could not be used, and how often.
    rejects : pandas.DataFrame
        Columns of `tables.REJECTS`: each record set aside, if asked for.
    display : mapping of str to Display
        How each measure is shown and judged, by its full name.
    provenance : dict
        What was counted: source, packs, records read, used and rejected.
    completeness : pandas.DataFrame
        Columns of `COMPLETENESS`: of how many records a field, or whether a
        measure is met, is known, by unit and period.
    units, unit_problems : pandas.DataFrame
        Columns of `unit_faults.UNITS` and `unit_faults.UNIT_PROBLEMS`: how many
        records of each unit were set aside over all periods, and why.
    """

    counts: pd.DataFrame
    quality: pd.DataFrame
    rejects: pd.DataFrame
    display: Mapping[str, Display]
    provenance: dict[str, Any]
    completeness: pd.DataFrame = field(default_factory=COMPLETENESS.empty)
    units: pd.DataFrame = field(default_factory=UNITS.empty)
    unit_problems: pd.DataFrame = field(default_factory=UNIT_PROBLEMS.empty)


def count(
    table: Any,
    *,
    packs: Iterable[str | Path | Pack],
    unit_column: str,
    date_column: str,
    period: str | Path | Iterable[Any] = "month",
    measures: Iterable[str] | None = None,
    columns: Mapping[str, str] | None = None,
    mapping: str | Path | ColumnMapping | None = None,
    date_format: str | None = None,
    time_zone: str = ZONE,
    quality: bool = True,
    rejects: bool = False,
    host: PluginHost | None = None,
) -> Counted:
    """Counts of every wanted measure, by unit and period.

    Parameters
    ----------
    table : path, Table, pandas, polars, Arrow or Spark table
        Records, one row a case. A Spark DataFrame is counted on Spark, and
        only the counts come back.
    packs : iterable of str, Path or Pack
        Ids (``"pop"``, ``"pop@2023"``), files ending in ``.toml``, or packs.
    unit_column, date_column : str
        Which column names the unit, and which dates the record.
    period : str, Path or iterable of dates
        ``"day"``, ``"week"`` (from Monday), ``"month"``, ``"quarter"``,
        ``"year"`` or ``"financial_year"`` (from April); ``"rolling:3"`` for
        windows of so many months; or first days of periods of your own, as a
        list or a file of one day a line.
    measures : iterable of str, optional
        Which measures of the packs (``"mgso4"``, ``"pop:mgso4"``,
        ``"pop@2023:mgso4"``); all by default.
    columns : mapping of str to str, optional
        Columns that the packs ask for, and what they are made from:
        ``{"ga_days": "gestation weeks * 7 + days"}``.
    mapping : str, Path or ColumnMapping, optional
        The same from a TOML file, or the name of a profile such as ``"badgernet"``.
    date_format : str, optional
        How dates are written in text when not as YYYY-MM-DD, such as ``"%d/%m/%Y"``.
    time_zone : str
        Whose clocks moments with a time zone are told by; others are taken as
        they stand.
    quality : bool
        Tell what is wrong with records and how complete they are; False gives
        the same counts a little faster.
    rejects : bool
        List every record set aside; costs a second scan.
    host : PluginHost, optional
        Where packs are found by id; the default host if none is given.

    Returns
    -------
    Counted
        Missing cases are in the column ``missing``; records that break a
        declared type or range are in ``quality``, never in the counts.

    Raises
    ------
    InputError
        If the records cannot be read, a column is missing, dates stand in
        another order than said, or no record can be used at all.
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
    >>> pack = Pack(id="example", title="Example", version="1", record="baby",
    ...             fields=(Field(name="celsius", type="number"),), measures=(warm,))
    >>> births = pd.DataFrame({"unit": ["RJ1", "RJ1", "RJ1"], "celsius": [36.4, 36.5, None],
    ...                        "born": ["2024-01-03", "2024-01-09", "2024-01-09"]})
    >>> counted = count(births, packs=[pack], unit_column="unit", date_column="born")
    >>> counted.counts[["measure", "numerator", "denominator", "missing"]]
              measure  numerator  denominator  missing
    0  example@1:warm          1            2        1
    """
    periods = chosen_periods(period)
    if date_format is not None:
        check_format(date_format)
    check_zone(time_zone)
    wanted = wanted_measures(chosen_packs(packs, host), measures)
    check_together(wanted, periods)
    if isinstance(table, (str, Path)):
        from spcbench.reading import read

        table = read(table, host=host)
    needed = (unit_column, date_column, *(name for one in wanted for name in one.columns))
    made = column_mapping(mapping, columns, date_format=date_format, zone=time_zone, host=host)
    records, dialect = _opened(table, needed, declared(wanted), made, rejects=rejects)
    with closing(records):
        query = CountQuery(
            wanted,
            records.natives,
            Way(dialect=dialect, source=records.source, zone=time_zone),
            unit_column=unit_column,
            date_column=date_column,
            periods=periods,
            date_format=date_format,
            quality=quality,
        )
        counted = _run(query, records, wanted, periods=periods, quality=quality, rejects=rejects)
    named = {"unit_column": unit_column, "date_column": date_column, "period": periods.name}
    return replace(counted, provenance={**counted.provenance, **named})


def _opened(
    table: Any,
    columns: Iterable[str],
    beside: Iterable[str],
    mapping: ColumnMapping | None,
    *,
    rejects: bool,
) -> tuple[Records, Dialect]:
    """Records, and the engine that counts them: the one that holds them already, else DuckDB."""
    if not is_spark(table):
        return open_records(table, columns=columns, beside=beside, mapping=mapping), DUCKDB
    if mapping is not None:
        raise OptionError(
            "columns= and mapping= do not go with a Spark DataFrame; make the columns with "
            "its own selectExpr() first"
        )
    from spcbench.spark.dialect import SPARK
    from spcbench.spark.records import open_spark

    if rejects:
        raise OptionError(
            "rejects are not offered for Spark DataFrames, whose records have no row numbers; "
            "the quality table says how many were set aside and why"
        )
    return cast("Records", open_spark(table, columns=columns, beside=beside)), SPARK


def _run(
    query: CountQuery,
    records: Records,
    wanted: Sequence[Wanted],
    *,
    periods: Periods,
    quality: bool,
    rejects: bool,
) -> Counted:
    """Scan once and add up; again for keys, what is counted by mother, and the rejects."""
    found = records.fetch(query.counts(records.relation))
    check_order(query, records, found)
    totals = totals_of(found, records)
    again = repeats(wanted, records, query.dialect) if quality else Repeats()
    told = quality_table(query, wanted, found, totals, again.found) if quality else QUALITY.empty()
    _check_any_used(totals, told, records.source)
    grid = Grid.of(found, periods)
    if grid is None and np.asarray(~np.ma.getmaskarray(found["period"])).any():
        raise InputError(
            f"{records.source} covers fewer months than a window of {periods.window}; choose a "
            "shorter one"
        )
    shared = [records.fetch(one) for one in query.shared(records.relation)]
    check_anything_known(query, wanted, [found, *shared], records.source)
    units, problems = unit_tables(query, found, set_aside_only=True) if quality else (None, None)
    return Counted(
        counts=counts_table(wanted, grid, [found, *shared]),
        quality=told,
        completeness=completeness_table(query, wanted, grid, found)
        if quality
        else COMPLETENESS.empty(),
        units=UNITS.empty() if units is None else units,
        unit_problems=UNIT_PROBLEMS.empty() if problems is None else problems,
        rejects=list_rejects(query, records) if rejects else REJECTS.empty(),
        display={name: display_of(measure) for name, _, measure in named_measures(wanted)},
        provenance=_provenance(
            records,
            wanted,
            totals,
            periods,
            [
                *set_aside_notes(query, found, totals),
                *again.notes,
                *(one.note for one in doubtful(wanted, [found])),
                *([] if grid is None else grid.silence(found)),
                *(never_known(query, found) if quality else ()),
                *unrecorded_notes(unrecorded(wanted, found)),
            ],
        )
        | columns_absent(query, wanted),
    )


def never_known(query: CountQuery, found: Mapping[str, Any]) -> list[str]:
    """What to say of fields that are known for no record at all: a column may be misnamed."""
    lost = [
        name
        for name in query.complete_fields
        if np.sum(found["records"]) and not np.sum(found[known_name(name)])
    ]
    return [f"known for no record: {', '.join(lost)}"] if lost else []


def columns_absent(query: CountQuery, wanted: Sequence[Wanted]) -> dict[str, list[str]]:
    """Optional columns that the measures use and the data do not have, for the provenance."""
    names = list(dict.fromkeys(field.name for one in wanted for field in query.absent(one)))
    return {"columns_absent": names} if names else {}


def totals_of(found: Mapping[str, Any], records: Records) -> dict[str, int]:
    """How many records there are, were set aside, and have too few or too many cells."""
    totals = {name: int(np.sum(found[name])) for name in ("records", "rejected")}
    return {**totals, "ragged": len(records.ragged())}


def declared(wanted: Sequence[Wanted]) -> list[str]:
    """Columns that packs declare, used or not."""
    return [one.name for pack in wanted for one in pack.declared]


def check_together(wanted: Sequence[Wanted], periods: Periods) -> None:
    """Refuse rolling windows of what counts once a period.

    Raises
    ------
    OptionError
        If a mother with births in two months of a window would count twice.
    """
    from spcbench.measures.wanted import key_of

    for name, _, measure in named_measures(wanted):
        if periods.window > 1 and (key := key_of(measure)):
            raise OptionError(
                f"{name} takes the records of one {key!r} together in each period, so its months "
                f"cannot be added up to {periods.name!r}; count it by 'quarter' or 'year'"
            )


def check_order(query: CountQuery, records: Records, found: Mapping[str, Any]) -> None:
    """Refuse dates in another order, and say which is the first.

    Raises
    ------
    InputError
        If there are any.
    """
    for name in query.other_orders:
        if not np.sum(found[order_name(name)]):
            continue
        for path, relation in records.relations:
            first = records.fetch(query.first_other_order(numbered(relation), name))
            if len(first[RECORD]):
                row = records.rows(path, [int(first[RECORD][0])])[0]
                raise InputError(
                    f"{Path(path).name}, {records.row_word} {row}, column {name!r}: the date is "
                    f"written like {first['shape'][0]} (9 stands for any digit), expected "
                    "YYYY-MM-DD; say how dates are written with date_format='%d/%m/%Y' "
                    "(--date-format '%d/%m/%Y')"
                )


def _check_any_used(totals: Mapping[str, int], quality: pd.DataFrame, source: str) -> None:
    read = totals["records"] + totals["ragged"]
    if not read or totals["records"] != totals["rejected"]:
        return
    message = f"{source}: none of its {read:,} records can be used"
    if len(quality):
        commonest = quality.loc[quality["records"].idxmax()]
        column = "" if pd.isna(commonest["field"]) else f"column {commonest['field']!r}: "
        message += f"; most often {column}{commonest['problem']} ({commonest['records']:,} of them)"
    raise InputError(message)


def _provenance(
    records: Records,
    wanted: Sequence[Wanted],
    totals: Mapping[str, int],
    periods: Periods,
    told: Sequence[str],
) -> dict[str, Any]:
    from spcbench import __version__

    read = totals["records"] + totals["ragged"]
    rejected = totals["rejected"] + totals["ragged"]
    notes = [*getattr(records, "notes", ()), *told]
    known = {
        "generator": "spcbench",
        "version": __version__,
        "source": records.source,
        "packs": [one.pack.name for one in wanted],
        "records_read": read,
        "records_used": read - rejected,
        "records_rejected": rejected,
        **({"notes": notes} if notes else {}),
    }
    if periods.window > 1:
        known["rolling_months"] = periods.window
    if skipped := _checks_not_made(wanted, records.natives):
        known["checks_not_made"] = skipped
    return known


def _checks_not_made(wanted: Sequence[Wanted], natives: Mapping[str, str]) -> list[str]:
    """Checks between fields that the table does not have."""
    found = []
    for one in wanted:
        known = {name.name for name in one.declared if name.name in natives}
        known |= {derived.name for derived, _ in one.derivable(natives)}
        found += [
            f"{one.pack.name}:{check.id}"
            for check, condition in one.checks
            if not condition.columns <= known
        ]
    return found
