"""Opening what a command is given: counts, or records that are counted on the way."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spcbench.cli.progress import stage
from spcbench.cli.values import mapped_columns
from spcbench.errors import (
    AmbiguousNameError,
    InputError,
    OptionError,
    UnknownNameError,
    suggest,
)

if TYPE_CHECKING:
    import pandas as pd

    from spcbench.measures.counting import Counted
    from spcbench.plugin.host import PluginHost
    from spcbench.plugin.records import Pack
    from spcbench.tables import Table

MADE_MAX = 3
"""So many columns that a mapping made are told one by one."""

WORKBOOKS = (".xlsx", ".xlsm")
COUNTS_NEED = ("measure", "unit", "period", "numerator", "denominator")


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The options of `options.input_options`, as the user gave them."""

    packs: Sequence[str]
    unit_column: str | None
    date_column: str | None
    period: str = "month"
    date_format: str | None = None
    time_zone: str = "Europe/London"
    maps: Sequence[str] = ()
    mapping: str | None = None
    suppressed: Sequence[str] = ()
    reader: str | None = None
    sheet: str | None = None
    on_error: str = "raise"


def opened(source: Path, given: Given, *, measure: str | None, host: PluginHost) -> Counted | Table:
    """Counts from a file of counts, or of records with ``--packs``.

    Parameters
    ----------
    source : Path
        The file.
    given : Given
        How to read it.
    measure : str, optional
        The only measure that is wanted.
    host : PluginHost
        Where readers and packs are found.

    Raises
    ------
    OptionError
        If the options do not go with what the file holds.
    SpcbenchError
        As `spcbench.read` and `spcbench.count`.
    """
    import spcbench

    with stage(f"Reading {source.name}"):
        table = spcbench.read(
            source,
            reader=given.reader,
            sheet=given.sheet,
            date_format=given.date_format,
            suppressed=given.suppressed,
            on_error=given.on_error,
            host=host,
        )
    if table.kind == "counts":
        if given.unit_column or given.date_column:
            raise OptionError(
                f"{source.name} holds counts already; leave out --unit-column and --date-column, "
                "which are for records"
            )
        if not len(table.data):
            raise InputError(
                f"{table.source} has column names but no rows; "
                "expected one row per measure, unit and period"
            )
        return measures_of(table, given.packs, host) if given.packs else table
    if not (given.packs and given.unit_column and given.date_column):
        _check_no_misspelt_counts(table)
        raise OptionError(
            f"{source.name} holds records, one row a case (counts have the columns "
            f"{', '.join(COUNTS_NEED)}); to count them give --packs, --unit-column "
            "and --date-column, such as --packs pop --unit-column trust_code "
            f"--date-column birth_date{_other_sheets(source, given.sheet)}"
        )
    return counted_records(
        table,
        given,
        measures=None if measure is None else [measure],
        rejects=False,
        host=host,
    )


def counts_of(
    source: Path,
    *,
    host: PluginHost | None,
    sheet: str | None = None,
    date_format: str | None = None,
    suppressed: Sequence[str] = (),
) -> Table:
    """Counts from a file, for a command that takes nothing else.

    Parameters
    ----------
    source : Path
        The file.
    host : PluginHost, optional
        Where readers are found.
    sheet, date_format, suppressed
        As `options.counts_options` gives them.

    Raises
    ------
    InputError
        If it holds something else; names the columns that counts have.
    SpcbenchError
        As `spcbench.read`.
    """
    import spcbench
    from spcbench.measures.column_names import suggest_columns

    table = spcbench.read(
        source, sheet=sheet, date_format=date_format, suppressed=suppressed, host=host
    )
    if table.kind == "counts":
        return table
    columns = _columns_of(table)
    lacking = next((name for name in COUNTS_NEED if name not in columns), COUNTS_NEED[0])
    raise InputError(
        f"{table.source} has no column {lacking!r}; {suggest_columns(lacking, columns)}. Counts "
        f"need the columns {', '.join(COUNTS_NEED)}{_other_sheets(source, sheet)}"
    )


def cells_of(source: Path, *, what: str, sheet: str | None, host: PluginHost | None) -> Any:
    """The cells of a small table that holds no counts, and where they stand.

    Parameters
    ----------
    source : Path
        A CSV file, or a workbook.
    what : str
        What it is, for messages: ``"the list of staff"``.
    sheet : str, optional
        Which sheet of a workbook.
    host : PluginHost, optional
        Where readers are found.

    Returns
    -------
    tuple of (pandas.DataFrame, Place)
        As `spcbench.dated_tables.table_of`.

    Raises
    ------
    InputError, OptionError
        If it cannot be read as such.
    """
    import spcbench
    from spcbench.counts_cells import Place
    from spcbench.counts_check import as_pandas
    from spcbench.dated_tables import table_of
    from spcbench.tables import FileScan

    if source.suffix.lower() == ".csv" and sheet is None:
        return table_of(source, what=what)
    table = spcbench.read(source, sheet=sheet, host=host)
    if isinstance(table.data, FileScan):
        raise InputError(f"{source.name} must be a .csv file or a workbook")
    return as_pandas(table.data), Place(table.source, lines=table.lines)


def _columns_of(table: Table) -> tuple[str, ...]:
    """The columns of records: of a file that is not read yet, or of a sheet."""
    found = getattr(table.data, "options", {}).get("columns", ())
    return tuple(map(str, found or getattr(table.data, "column_names", ())))


def _other_sheets(source: Path, sheet: str | None) -> str:
    """That a workbook has other sheets too, where none was asked for."""
    from spcbench.plugin import sheet_names

    names = sheet_names(source) if sheet is None and source.suffix.lower() in WORKBOOKS else []
    told = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
    return f". {source.name} has the sheets {told}: say which with --sheet" if names[1:] else ""


def measures_of(table: Table, packs: Sequence[str], host: PluginHost) -> Table:
    """The rows of counts whose measures belong to some packs.

    A measure named without a version, such as ``pop:ocm``, is taken to be that
    of the version that is asked for.

    Raises
    ------
    OptionError
        If there is no such row; names the packs that the counts are of.
    SpcbenchError
        As `spcbench.load_pack`, or if a pack is not known.
    """
    from spcbench.measures.choosing import chosen_packs

    plain = {one for one in packs if "@" not in one and not one.lower().endswith(".toml")}
    versions = [one for one in packs if one not in plain]
    for name in plain:
        host.pack(name)  # tells a wrong name
    dated = chosen_packs(versions, host) if versions else ()
    wanted = plain | {pack.name for pack in dated}
    called = {str(name): str(name) for name in table.data["measure"].unique()}
    called |= _dated(called, [pack for pack in dated if pack.id not in plain])
    names = {name: _packs_meant(full, host) for name, full in called.items()}
    kept = table.data["measure"].map({name: bool(of & wanted) for name, of in names.items()})
    rows = kept.to_numpy(dtype=bool)
    if not rows.any():
        listed = sorted({min(of, key=len) for of in names.values() if of})
        raise OptionError(
            f"{table.source} holds no measure of {', '.join(packs)}; its measures belong to "
            f"{', '.join(listed) or 'no pack that is installed'}"
        )
    chosen = rows_of(table, rows)
    if any(name != full for name, full in called.items()):
        data = chosen.data
        data = data.assign(measure=data["measure"].map(called).astype(data["measure"].dtype))
        chosen = replace(chosen, data=data)
    return chosen


def rows_of(table: Table, rows: Any) -> Table:
    """Some rows of counts, with the lines that they stand on.

    Parameters
    ----------
    table : Table
        Counts.
    rows : array of bool
        Which to keep.
    """
    lines = None if table.lines is None else table.lines[rows]
    return replace(table, data=table.data[rows].reset_index(drop=True), lines=lines)


def _dated(names: Iterable[str], packs: Sequence[Pack]) -> dict[str, str]:
    """Names without a version, with the newest of these packs that holds such a measure."""
    from spcbench.plugin.names import newest

    found = {}
    for name in names:
        pack, _, item = name.rpartition(":")
        held = [one for one in packs if one.id == pack and item in {m.id for m in one.measures}]
        if held:
            found[name] = f"{newest(held).name}:{item}"
    return found


def _packs_meant(name: str, host: PluginHost) -> set[str]:
    """Id and name of the pack that a measure of counts belongs to; empty if none is known."""
    pack, colon, _ = name.rpartition(":")
    if "@" in pack:
        return {pack, pack.partition("@")[0]}
    try:
        found = host.measure(name)[0]
    except (UnknownNameError, AmbiguousNameError):
        return {pack} if colon else set()
    return {found.name, found.id}


def _check_no_misspelt_counts(table: Table) -> None:
    """Tell a table of counts that lacks one column, or misspells it, from records."""
    columns = _columns_of(table)
    lacking = [name for name in COUNTS_NEED if name not in columns]
    if 0 < len(lacking) <= 2:
        raise InputError(
            f"{table.source} has no column {lacking[0]!r}; {suggest(lacking[0], columns)}. "
            f"Counts need the columns {', '.join(COUNTS_NEED)}"
        )


def counted_records(
    table: Table, given: Given, *, measures: Sequence[str] | None, rejects: bool, host: PluginHost
) -> Counted:
    """Count records, and tell what could not be used.

    Raises
    ------
    InputError
        If `table` holds counts.
    SpcbenchError
        As `spcbench.count`.
    """
    import spcbench

    if table.kind == "counts":
        raise InputError(
            f"{table.source} holds counts already, not records; "
            "give it to `spcbench chart` or `spcbench funnel`"
        )
    with stage("Counting records"):
        counted = spcbench.count(
            table,
            packs=given.packs,
            unit_column=given.unit_column or "",
            date_column=given.date_column or "",
            period=given.period,
            measures=measures,
            columns=mapped_columns(given.maps) or None,
            mapping=given.mapping,
            date_format=given.date_format,
            time_zone=given.time_zone,
            rejects=rejects,
            host=host,
        )
    if not counted.provenance["records_read"]:
        raise InputError(f"{table.source} has column names but no records")
    for line in quality_lines(counted):
        click.echo(line, err=True)
    return counted


def strata_table(source: Path) -> Table:
    """A table of counts by stratum, or of the rates of strata, as it stands in its file.

    `spcbench.read` would refuse it: a unit has several rows for one period.

    Raises
    ------
    InputError
        If it is missing, empty, or neither a CSV nor a Parquet file.
    """
    from spcbench.builtin.readers import read_csv, read_parquet
    from spcbench.reading import content_of, head_of

    looks = content_of(head_of(source))
    if source.suffix.lower() == ".parquet" and looks == "a Parquet file":
        return read_parquet(source)
    if source.suffix.lower() in (".csv", ".tsv") and not looks:
        return read_csv(source)
    told = f"it looks like {looks}" if looks else f"it ends in {source.suffix or 'nothing'!r}"
    raise InputError(f"{source.name} must be a .csv or .parquet table; {told}")


def quality_lines(counted: Counted) -> list[str]:
    """How many records were read and what was wrong with those not used, line by line."""
    from spcbench.measures.column_names import CHECK_FIRST

    known = counted.provenance
    notes = known.get("notes", ())
    loud = [note for note in notes if note.startswith(CHECK_FIRST)]
    lines = [
        f"{known['source']}: {known['records_read']:,} records read, "
        f"{known['records_rejected']:,} set aside",
        *(f"{CHECK_FIRST.upper()}{note.removeprefix(CHECK_FIRST)}" for note in loud),
    ]
    for row in counted.quality.to_dict("records"):
        named = [_present(row[name]) for name in ("measure", "field")]
        subject = ", ".join(one for one in named if one) or "record"
        noun = "record" if row["records"] == 1 else "records"
        problem = row["problem"].replace("_", " ")
        lines.append(f"  {subject}: {problem} ({row['records']:,} {noun})")
    return lines + [f"  {note}" for note in _fewer([one for one in notes if one not in loud])]


_MADE = re.compile(r".+? is made from .* \((mapping '[^']+')(; sure: \w+)?\)", re.DOTALL)


def _fewer(notes: Sequence[str]) -> list[str]:
    """Notes with one line for all the columns that one mapping made, where it made many."""
    made: dict[str, list[str]] = {}
    for note in notes:
        if found := _MADE.fullmatch(note):
            made.setdefault(found[1], []).append(note)
    told = {name: own for name, own in made.items() if len(own) > MADE_MAX}
    unsure = {name: sum("; sure: high)" not in one for one in own) for name, own in told.items()}
    lines = [
        f"{len(own)} columns are made by the {name}"
        + (f", {unsure[name]} of them not with sure: high" if unsure[name] else "")
        + "; `spcbench validate` tells each"
        for name, own in told.items()
    ]
    hidden = {note for own in told.values() for note in own}
    return [*(note for note in notes if note not in hidden), *lines]


def _present(cell: Any) -> str:
    """A cell's text; empty for a missing one."""
    return cell if isinstance(cell, str) else ""


def print_advice(advice: pd.DataFrame, *, most: int = 5) -> None:
    """Print on stderr what the analyst should know, the first few of it."""
    subjects: dict[str, list[str]] = {}
    for row in advice.to_dict("records"):
        parts = [part for name in ("measure", "unit") if (part := _present(row[name]))]
        subjects.setdefault(row["message"], []).append(", ".join(parts))
    for message, concerned in list(subjects.items())[:most]:
        more = f" and {len(concerned) - 1} more" if len(concerned) > 1 else ""
        click.echo(f"Note on {concerned[0]}{more}: {message}", err=True)
    if len(subjects) > most:
        click.echo(
            f"And {len(subjects) - most} more, all in the advice of .csv and .json", err=True
        )
