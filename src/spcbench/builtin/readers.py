"""Readers of CSV, Parquet and JSON lines, offered like any plugin's."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from spcbench.errors import InputError
from spcbench.plugin.hookspecs import hookimpl
from spcbench.plugin.records import Reader
from spcbench.reading import content_of, head_of

if TYPE_CHECKING:
    from spcbench.tables import Table

SPCBENCH_API = 1

DELIMITERS = (",", ";", "\t")


@hookimpl
def spcbench_readers() -> Iterable[Reader]:
    """Offer the readers of general files."""
    return (
        Reader(
            id="csv",
            title="CSV: cells between commas, semicolons or tabs",
            suffixes=(".csv", ".tsv"),
            sniff=sniff_csv,
            read=read_csv,
            general=True,
        ),
        Reader(
            id="parquet",
            title="Parquet",
            suffixes=(".parquet",),
            sniff=sniff_parquet,
            read=read_parquet,
            general=True,
        ),
        Reader(
            id="json-lines",
            title="JSON lines: one record a line",
            suffixes=(".jsonl", ".ndjson"),
            sniff=sniff_json_lines,
            read=read_json_lines,
            general=True,
        ),
    )


def holds_counts(columns: Iterable[str]) -> bool:
    """Whether columns are those of counts rather than of records.

    Examples
    --------
    >>> holds_counts(["measure", "unit", "period", "numerator", "denominator"])
    True
    >>> holds_counts(["unit", "birth_date"])
    False
    """
    names = {str(name).strip().lower() for name in columns}  # the check then names the misspelt
    return {"measure", "unit", "period"} <= names and bool({"numerator", "value", "mean"} & names)


def sniff_csv(head: bytes, path: Path) -> bool:
    """Whether the first bytes are plain text; which cells, the header will say."""
    return not content_of(head)


def sniff_parquet(head: bytes, path: Path) -> bool:
    """Whether the first bytes are those of Parquet."""
    return head.startswith(b"PAR1")


def sniff_json_lines(head: bytes, path: Path) -> bool:
    """Whether the first line is an object."""
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")


def read_csv(path: Path) -> Table:
    """Records or counts from a CSV file with the names in its first line.

    Parameters
    ----------
    path : Path
        UTF-8, with or without a byte order mark; cells between commas,
        semicolons or tabs, whichever gives the header more names.

    Returns
    -------
    Table
        Counts as text, cell by cell; records as a `FileScan`.

    Raises
    ------
    InputError
        If it is missing or not UTF-8, a column stands twice, or a row of counts has too
        few or too many cells.
    """
    from spcbench.tables import FileScan, Table

    head_of(path)
    delimiter = max(DELIMITERS, key=lambda one: len(_first_row(path, one)))
    columns = _names(_first_row(path, delimiter), path)
    if not holds_counts(columns):
        options = {"delimiter": delimiter, "columns": tuple(columns)}
        scan = FileScan(paths=(str(path),), form="csv", options=options)
        return Table(kind="records", data=scan, source=path.name)
    import pandas as pd

    rows = list(_whole_rows(path, delimiter, len(columns)))
    frame = pd.DataFrame(rows, columns=columns, dtype="object")
    return Table(kind="counts", data=frame, source=path.name, text=True)


def read_parquet(path: Path) -> Table:
    """Records or counts from a Parquet file.

    Raises
    ------
    InputError
        If the file is missing or damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from spcbench.tables import FileScan, Table

    head_of(path)
    try:
        # Opened here, so that signs in the name are never taken for a pattern.
        with path.open("rb") as opened:
            file = pq.ParquetFile(opened)
            counts = file.read() if holds_counts(file.schema_arrow.names) else None
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(
            f"{path.name}: is not a whole Parquet file ({str(error).splitlines()[0]})"
        ) from error
    if counts is None:
        scan = FileScan(paths=(str(path),), form="parquet")
        return Table(kind="records", data=scan, source=path.name)
    from spcbench.counts_check import as_pandas

    return Table(kind="counts", data=as_pandas(counts), source=path.name)


def read_json_lines(path: Path) -> Table:
    """Records from a file with one JSON object a line.

    Raises
    ------
    InputError
        If the file is missing or empty.
    """
    from spcbench.tables import FileScan, Table

    head_of(path)
    scan = FileScan(paths=(str(path),), form="json")
    return Table(kind="records", data=scan, source=path.name)


def _rows(path: Path, delimiter: str, *, strict: bool = True) -> Iterator[list[str]]:
    """The rows of a CSV file; faults of the text are told with their line."""
    with path.open(encoding="utf-8-sig", newline="") as opened:
        rows = csv.reader(opened, delimiter=delimiter, strict=strict)
        try:
            yield from rows
        except UnicodeDecodeError:
            raise InputError(
                f"{path.name}, line {_undecodable_line(path)}: the text is not UTF-8; "
                "save the file as 'CSV UTF-8'"
            ) from None
        except csv.Error as error:
            raise InputError(f"{path.name}, line {rows.line_num}: {error}") from None


def _undecodable_line(path: Path) -> int:
    """The first line that is not UTF-8; the file is decoded in blocks, which do not tell."""
    with path.open("rb") as opened:
        for line, content in enumerate(opened, 1):
            try:
                content.decode()
            except UnicodeDecodeError:
                return line
    return 1


def _first_row(path: Path, delimiter: str) -> list[str]:
    # Not strict: with a wrong delimiter, quotation marks end in the middle of a cell.
    return next(_rows(path, delimiter, strict=False), [])


def _names(row: Sequence[str], path: Path) -> list[str]:
    """The names of the columns; a column without a name gets its place for one."""
    if not any(name.strip() for name in row):
        raise InputError(f"{path.name}, line 1 is blank; the names of the columns stand there")
    names = [name.strip() or f"column {place}" for place, name in enumerate(row, 1)]
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.lower(), name)
        if other is not name:
            twice = (
                f"has the column {name!r} twice"
                if other == name
                else f"has the columns {other!r} and {name!r}, which differ only in capitals"
            )
            raise InputError(f"{path.name} {twice}; rename or remove one of them")
    return names


def _whole_rows(path: Path, delimiter: str, width: int) -> Iterator[list[str | None]]:
    """The rows below the header, every one with as many cells as there are names."""
    blank = 0
    for line, cells in enumerate(_rows(path, delimiter), 1):
        if not cells:
            blank = blank or line
            continue
        if blank:
            raise InputError(f"{path.name}, line {blank} is blank; remove it")
        if len(cells) != width:
            raise InputError(
                f"{path.name}, line {line} has {len(cells)} cells, expected {width}; "
                "a cell that holds the separator must stand in quotation marks"
            )
        if line > 1:
            yield [cell or None for cell in cells]
