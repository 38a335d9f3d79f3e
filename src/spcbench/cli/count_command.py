"""`spcbench count`: records in, counts out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spcbench.cli import options
from spcbench.errors import InputError, OptionError

if TYPE_CHECKING:
    import pandas as pd

    from spcbench.plugin.host import PluginHost

SUFFIXES = (".csv", ".parquet")
LIST_SUFFIXES = (*SUFFIXES, ".xlsx")
SHEET_ROWS = 1_048_576
"""Rows that a sheet of a workbook may have, with that of the names."""


@click.command(
    "count",
    epilog=options.examples(
        "spcbench count births.csv --packs pop --unit-column trust_code "
        "--date-column birth_date --period month -o counts.csv"
    ),
)
@click.argument("records", type=options.FILE)
@options.record_options
@options.period
@click.option(
    "--measure",
    "measures",
    multiple=True,
    metavar="NAME",
    help="Only this measure of the packs, such as mgso4. May be repeated.",
)
@options.source_options
@click.option(
    "--rejects",
    type=options.FILE,
    metavar="FILE",
    help="Also list every record that was set aside: its row and the reason, never its content. "
    "The name ends in .csv, .parquet or .xlsx.",
)
@click.option(
    "--max-set-aside",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    help="Fail, and write nothing, if more of the records than this are set aside, such as 0.2.",
)
@options.output_option("counts.csv or counts.parquet")
@click.pass_obj
def command(
    host: PluginHost,
    /,
    *,
    records: Path,
    measures: tuple[str, ...],
    rejects: Path | None,
    max_set_aside: float | None,
    output: Path,
    **given: Any,
) -> None:
    """Count patient records by measure, unit and period.

    RECORDS has one row for each case (a baby, a mother). What is counted is
    defined by measure packs; `spcbench measures` lists them. The result has a
    row for each measure, unit and period. Nothing is dropped silently: records
    that cannot be used are counted and told.
    """
    import spcbench
    from spcbench.cli.inputs import Given, counted_records
    from spcbench.writing import write_files

    _check_files(records, output, rejects)
    asked = Given(**given)
    _check_needed(
        packs=tuple(asked.packs), unit_column=asked.unit_column, date_column=asked.date_column
    )
    counted = counted_records(
        spcbench.read(
            records,
            reader=asked.reader,
            sheet=asked.sheet,
            on_error=asked.on_error,
            host=host,
        ),
        asked,
        measures=measures or None,
        rejects=rejects is not None,
        host=host,
    )
    _check_set_aside(counted.provenance, max_set_aside)
    files = {output: table_bytes(counted.counts, output)}
    if rejects is not None:
        files[rejects] = table_bytes(counted.rejects, rejects)
    for written in write_files(files):
        click.echo(written)


def table_bytes(table: pd.DataFrame, path: Path) -> bytes:
    """One table as CSV, Parquet or XLSX, whichever the ending of `path` says.

    Raises
    ------
    OptionError
        If what writes workbooks is not installed, or the table is too long for one.
    """
    if path.suffix.lower() == ".csv":
        from spcbench.builtin.formats import csv_bytes

        return csv_bytes(table)
    if path.suffix.lower() == ".xlsx":
        return _sheet_bytes(table, path)
    from io import BytesIO

    import pyarrow as pa
    import pyarrow.parquet as pq

    from spcbench.tables import SCHEMA_VERSION

    arrow = pa.Table.from_pandas(table, preserve_index=False)
    known = arrow.schema.metadata or {}
    buffer = BytesIO()
    pq.write_table(
        arrow.replace_schema_metadata({**known, b"schema_version": SCHEMA_VERSION.encode()}), buffer
    )
    return buffer.getvalue()


def _sheet_bytes(table: pd.DataFrame, path: Path) -> bytes:
    """A workbook of one sheet; texts stay texts, whatever sign they begin with."""
    from io import BytesIO

    try:
        import xlsxwriter
    except ModuleNotFoundError:
        raise OptionError(
            f"to write {path.name!r}, install XlsxWriter (pip install 'spcbench[xlsx]'), "
            "or let the name end in .csv"
        ) from None
    if len(table) >= SHEET_ROWS:
        raise OptionError(
            f"{path.name!r} would have {len(table):,} rows, and a sheet holds "
            f"{SHEET_ROWS - 1:,}; let the name end in .csv or .parquet"
        )
    buffer = BytesIO()
    with xlsxwriter.Workbook(buffer, {"strings_to_formulas": False, "strings_to_urls": False,
                                      "in_memory": True}) as book:  # fmt: skip
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, list(table.columns))
        for at, name in enumerate(table.columns):
            cells = table[name].astype("object")
            sheet.write_column(1, at, cells.where(cells.notna(), None).tolist())
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, max(len(table), 1), max(len(table.columns) - 1, 0))
    return buffer.getvalue()


def check_list(path: Path, source: Path) -> None:
    """Refuse a name that no list can be written to, before the records are read.

    Raises
    ------
    OptionError
        If it is the file being read, its folder does not exist, or its ending is none of ours.
    """
    _check_file(path, source, LIST_SUFFIXES)


def _check_file(path: Path, source: Path, allowed: tuple[str, ...]) -> None:
    from spcbench.writing import check_folder

    options.check_not_input(path, source)
    if path.suffix.lower() not in allowed:
        endings = " or ".join([", ".join(allowed[:-1]), allowed[-1]])
        raise OptionError(f"cannot write {path.name!r}: the name must end in {endings}")
    check_folder(path)


def _check_files(records: Path, output: Path, rejects: Path | None) -> None:
    """Refuse names that cannot be written, before the records are read."""
    _check_file(output, records, SUFFIXES)
    if rejects is not None:
        check_list(rejects, records)
    if rejects is not None and rejects.absolute() == output.absolute():
        raise OptionError(f"--rejects and -o both name {output.name!r}; give each its own name")


def _check_set_aside(known: Mapping[str, Any], most: float | None) -> None:
    """Refuse a count of which more records were set aside than is wished."""
    read, lost = known["records_read"], known["records_rejected"]
    if most is not None and lost > most * read:
        raise InputError(
            f"{known['source']}: {lost:,} of {read:,} records were set aside, which is more than "
            f"--max-set-aside {most:g}; nothing was written. `spcbench validate` says what to put "
            "right"
        )


def _check_needed(**needed: str | tuple[str, ...] | None) -> None:
    for name, value in needed.items():
        if not value:
            raise click.UsageError(
                f"Missing option '--{name.replace('_', '-')}'.", click.get_current_context()
            )
