"""Records become counts, in one pass over the records.

Nothing is dropped silently: whatever is not in the counts is in the quality
table and, when asked for, in the list of rejects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spcbench.errors import InputError, OptionError, suggest
from spcbench.measures.choosing import chosen_packs, wanted_measures
from spcbench.measures.measure import Measure, display_of
from spcbench.measures.query import (
    UNKNOWN_PROBLEM,
    CountQuery,
    order_name,
    part_name,
    problem_name,
)
from spcbench.measures.records_sql import Records, open_records
from spcbench.measures.rejects import list_rejects
from spcbench.measures.wanted import Wanted, named_measures
from spcbench.plugin.records import Pack
from spcbench.tables import (
    COUNTS,
    COUNTS_OPTIONAL,
    QUALITY,
    REJECTS,
    STATUS,
    Contract,
    Display,
)

if TYPE_CHECKING:
    from spcbench.plugin.host import PluginHost

PERIODS = ("day", "week", "month", "quarter", "year")
"""How long a period may last; a week starts on Monday."""

COUNTED = Contract(
    "counts",
    (
        *COUNTS.columns,
        *(one for one in COUNTS_OPTIONAL.columns if one.name in ("missing", "status")),
    ),
)
"""The columns that `count` makes."""

_STEPS: Mapping[str, tuple[str, int]] = {
    "day": ("D", 1),
    "week": ("D", 7),
    "month": ("M", 1),
    "quarter": ("M", 3),
    "year": ("Y", 1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What `count` gives.

    Parameters
    ----------
    counts : pandas.DataFrame
        Columns of `COUNTED`; one row per measure, unit and period, without
        gaps between the first and the last period of the records. A period
        without cases has 0 of 0 and status ``no_data``.
    quality : pandas.DataFrame
        Columns of `tables.QUALITY`: what could not be used, and how often.
    rejects : pandas.DataFrame
        Columns of `tables.REJECTS`: each record set aside, if asked for.
    display : mapping of str to Display
        How each measure is shown and judged, by its full name.
    provenance : dict
        What was counted: source, packs, records read, used and rejected.
    """

    counts: pd.DataFrame
    quality: pd.DataFrame
    rejects: pd.DataFrame
    display: Mapping[str, Display]
    provenance: dict[str, Any]


def count(
    table: Any,
    *,
    packs: Iterable[str | Path | Pack],
    unit_column: str,
    date_column: str,
    period: str = "month",
    measures: Iterable[str] | None = None,
    date_format: str | None = None,
    rejects: bool = False,
    host: PluginHost | None = None,
) -> Counted:
    """Counts of every wanted measure, by unit and period.

    Parameters
    ----------
    table : path, Table, pandas, polars or Arrow table
        Records, one row a case.
    packs : iterable of str, Path or Pack
        Ids (``"pop"``, ``"pop@2023"``), files ending in ``.toml``, or packs.
    unit_column, date_column : str
        Which column names the unit, and which dates the record.
    period : str
        ``"day"``, ``"week"`` (from Monday), ``"month"``, ``"quarter"`` or ``"year"``.
    measures : iterable of str, optional
        Which measures of the packs (``"mgso4"``, ``"pop:mgso4"``,
        ``"pop@2023:mgso4"``); all by default.
    date_format : str, optional
        How dates are written in text when not as YYYY-MM-DD, such as ``"%d/%m/%Y"``.
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
    if period not in PERIODS:
        raise OptionError(f"there is no period {period!r}; {suggest(period, PERIODS)}")
    if date_format is not None:
        _check_format(date_format)
    wanted = wanted_measures(chosen_packs(packs, host), measures)
    if isinstance(table, (str, Path)):
        from spcbench.reading import read

        table = read(table, host=host)
    needed = (unit_column, date_column, *(name for one in wanted for name in one.columns))
    with closing(open_records(table, columns=needed, beside=_declared(wanted))) as records:
        query = CountQuery(
            wanted,
            records.natives,
            unit_column=unit_column,
            date_column=date_column,
            period=period,
            date_format=date_format,
            source=records.source,
        )
        counted = _run(query, records, wanted, period=period, rejects=rejects)
    named = {"unit_column": unit_column, "date_column": date_column, "period": period}
    return replace(counted, provenance={**counted.provenance, **named})


def _run(
    query: CountQuery, records: Records, wanted: Sequence[Wanted], *, period: str, rejects: bool
) -> Counted:
    """Scan once and add up; a second time for the rejects."""
    found = records.fetch(query.counts(records.relation))
    _check_order(query, records, found)
    totals = {name: int(np.sum(found[name])) for name in ("records", "rejected")}
    totals["ragged"] = len(records.ragged())
    quality = _quality(query, wanted, found, totals)
    _check_any_used(totals, quality, records.source)
    return Counted(
        counts=_counts(wanted, found, period),
        quality=quality,
        rejects=list_rejects(query, records, wanted) if rejects else REJECTS.empty(),
        display={name: display_of(measure) for name, _, measure in named_measures(wanted)},
        provenance=_provenance(records, wanted, totals),
    )


def _check_format(date_format: str) -> None:
    """Refuse a format that leaves the day, month or year open, or that is none."""
    import duckdb

    needed = (("%d", "%-d", "%j"), ("%m", "%-m", "%b", "%B", "%j"), ("%Y", "%y"))
    try:
        with duckdb.connect() as connection:
            connection.execute("SELECT try_strptime('', ?)", [date_format])
        complete = all(any(mark in date_format for mark in marks) for marks in needed)
    except duckdb.Error:
        complete = False
    if not complete:
        raise OptionError(
            f"date_format {date_format!r} must say where day, month and year stand, "
            "such as '%d/%m/%Y'"
        )


def _declared(wanted: Sequence[Wanted]) -> list[str]:
    return [field.name for one in wanted for field in one.pack.fields]


def _check_order(query: CountQuery, records: Records, found: Mapping[str, Any]) -> None:
    """Refuse dates in another order, and say which is the first."""
    for field in query.other_orders:
        if not np.sum(found[order_name(field)]):
            continue
        for path, relation in records.relations:
            first = records.fetch(query.first_other_order(relation, field))
            if len(first["record"]):
                row = records.rows(path, [int(first["record"][0])])[0]
                raise InputError(
                    f"{Path(path).name}, {records.row_word} {row}, column {field!r}: the date is "
                    f"written like {first['shape'][0]} (9 stands for any digit), expected "
                    "YYYY-MM-DD; say how dates are written with date_format='%d/%m/%Y' "
                    "(--date-format '%d/%m/%Y')"
                )


def _check_any_used(totals: Mapping[str, int], quality: pd.DataFrame, source: str) -> None:
    read = totals["records"] + totals["ragged"]
    if read and totals["records"] == totals["rejected"]:
        commonest = quality.loc[quality["records"].idxmax()]
        column = "" if pd.isna(commonest["field"]) else f"column {commonest['field']!r}: "
        raise InputError(
            f"{source}: none of its {read:,} records can be used; most often "
            f"{column}{commonest['problem']} ({commonest['records']:,} of them)"
        )


def _counts(wanted: Sequence[Wanted], found: Mapping[str, Any], period: str) -> pd.DataFrame:
    """Every measure, unit and period between the first and the last that occur."""
    placed = ~np.ma.getmaskarray(found["period"])
    if not placed.any():
        return COUNTED.empty()
    names, at_unit = np.unique(found["unit"][placed].astype("U"), return_inverse=True)
    code, step = _STEPS[period]
    started = np.asarray(found["period"][placed]).astype(f"datetime64[{code}]")
    periods = np.arange(started.min(), started.max() + 1, step)
    at = at_unit * periods.size + (started - started.min()).astype(np.int64) // step
    parts: dict[str, list[np.ndarray]] = {"numerator": [], "denominator": [], "missing": []}
    listed = named_measures(wanted)
    for part, columns in parts.items():
        for _, name, _ in listed:
            column = np.zeros(names.size * periods.size, dtype=np.int64)
            column[at] = found[part_name(name, part)][placed]
            columns.append(column)
    built = {part: np.concatenate(columns) for part, columns in parts.items()}
    empty = built["denominator"] == 0
    status = pd.Categorical.from_codes(
        np.where(empty, STATUS.index("no_data"), STATUS.index("ok")), categories=list(STATUS)
    )
    return COUNTED.frame(
        {
            "measure": np.repeat([full for full, _, _ in listed], names.size * periods.size),
            "unit": np.tile(np.repeat(names, periods.size), len(listed)),
            "period": np.tile(periods.astype("datetime64[us]"), names.size * len(listed)),
            **built,
            "status": status,
        }
    )


def _quality(
    query: CountQuery,
    wanted: Sequence[Wanted],
    found: Mapping[str, Any],
    totals: Mapping[str, int],
) -> pd.DataFrame:
    rows: list[tuple[str | None, str | None, str, int]] = [
        (None, None, "ragged_row", totals["ragged"])
    ]
    for field, code in dict.fromkeys((one.field, one.code) for one in query.problems):
        rows.append((None, field, code, int(np.sum(found[problem_name(field, code)]))))
    for full, name, measure in named_measures(wanted):
        missing = measure.missing if isinstance(measure, Measure) else "exclude"
        codes = ["eligible_unknown", *UNKNOWN_PROBLEM.get(missing, ())]
        rows += [(full, None, one, int(np.sum(found[part_name(name, one)]))) for one in codes]
    columns = list(zip(*(row for row in rows if row[3]), strict=True)) or [()] * 4
    return QUALITY.frame(dict(zip(QUALITY.names, map(list, columns), strict=True)))


def _provenance(
    records: Records, wanted: Sequence[Wanted], totals: Mapping[str, int]
) -> dict[str, Any]:
    from spcbench import __version__

    read = totals["records"] + totals["ragged"]
    rejected = totals["rejected"] + totals["ragged"]
    return {
        "generator": "spcbench",
        "version": __version__,
        "source": records.source,
        "packs": [one.pack.name for one in wanted],
        "records_read": read,
        "records_used": read - rejected,
        "records_rejected": rejected,
    }
