"""`spcbench count`: records in, counts out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from spcbench.cli import options
from spcbench.errors import OptionError

if TYPE_CHECKING:
    import pandas as pd

    from spcbench.plugin.host import PluginHost

SUFFIXES = (".csv", ".parquet")


@click.command(
    "count",
    epilog=options.examples(
        "spcbench count births.csv --packs pop --unit-column trust_code "
        "--date-column birth_date --period month -o counts.csv"
    ),
)
@click.argument("records", type=options.FILE)
@options.packs
@click.option(
    "--measure",
    "measures",
    multiple=True,
    metavar="NAME",
    help="Only this measure of the packs, such as mgso4. May be repeated.",
)
@options.unit_column
@options.date_column
@options.period
@options.date_format
@options.reader
@click.option(
    "--rejects",
    type=options.FILE,
    metavar="FILE.csv",
    help="Also list every record that was set aside: its row and the reason, never its content.",
)
@options.output_option("counts.csv or counts.parquet")
@click.pass_obj
def command(
    host: PluginHost,
    /,
    *,
    records: Path,
    packs: tuple[str, ...],
    measures: tuple[str, ...],
    unit_column: str | None,
    date_column: str | None,
    period: str,
    date_format: str | None,
    reader: str | None,
    rejects: Path | None,
    output: Path,
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
    _check_needed(packs=packs, unit_column=unit_column, date_column=date_column)
    counted = counted_records(
        spcbench.read(records, reader=reader, host=host),
        Given(
            packs=packs,
            unit_column=unit_column,
            date_column=date_column,
            period=period,
            date_format=date_format,
            suppressed=(),
            reader=reader,
        ),
        measures=measures or None,
        rejects=rejects is not None,
        host=host,
    )
    files = {output: table_bytes(counted.counts, output)}
    if rejects is not None:
        files[rejects] = table_bytes(counted.rejects, rejects)
    for written in write_files(files):
        click.echo(written)


def table_bytes(table: pd.DataFrame, path: Path) -> bytes:
    """One table as CSV or Parquet, whichever the ending of `path` says."""
    if path.suffix.lower() == ".csv":
        from spcbench.builtin.formats import csv_bytes

        return csv_bytes(table)
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


def _check_files(records: Path, output: Path, rejects: Path | None) -> None:
    """Refuse names that cannot be written, before the records are read."""
    from spcbench.writing import check_folder

    for path, allowed in ((output, SUFFIXES), (rejects, SUFFIXES[:1])):
        if path is None:
            continue
        options.check_not_input(path, records)
        if path.suffix.lower() not in allowed:
            raise OptionError(
                f"cannot write {path.name!r}: the name must end in {' or '.join(allowed)}"
            )
        check_folder(path)
    if rejects is not None and rejects.absolute() == output.absolute():
        raise OptionError(f"--rejects and -o both name {output.name!r}; give each its own name")


def _check_needed(**needed: str | tuple[str, ...] | None) -> None:
    for name, value in needed.items():
        if not value:
            raise click.UsageError(
                f"Missing option '--{name.replace('_', '-')}'.", click.get_current_context()
            )
