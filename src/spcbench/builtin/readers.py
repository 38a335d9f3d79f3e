"""Readers of CSV, Parquet, JSON lines and workbooks, offered like any plugin's."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spcbench.builtin.workbooks import read_workbook, sniff_workbook
from spcbench.errors import InputError
from spcbench.plugin.hookspecs import hookimpl
from spcbench.plugin.records import Reader
from spcbench.reading import content_of, head_of, holds_counts
from spcbench.text_files import (
    UTF8,
    WINDOWS,
    InputWarning,
    csv_rows,
    encoding_of,
    first_bytes,
    undecodable_line,
)

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
            suffixes=(".csv", ".tsv", ".csv.gz", ".tsv.gz"),
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
            suffixes=(".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz"),
            sniff=sniff_json_lines,
            read=read_json_lines,
            general=True,
        ),
        Reader(
            id="workbook",
            title="Workbook: one sheet of an Excel or OpenDocument file",
            suffixes=(".xlsx", ".xlsm", ".xls", ".ods"),
            sniff=sniff_workbook,
            read=read_workbook,
            general=True,
        ),
    )


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
        UTF-8, with or without a byte order mark, else Windows-1252, which is
        told; cells between commas, semicolons or tabs, whichever gives the
        header more names; compressed where the name ends in ``.gz``.

    Returns
    -------
    Table
        Counts as text, cell by cell; records as a `FileScan`.

    Raises
    ------
    InputError
        If it is missing or cannot be trusted, a column stands twice, or a row
        of counts has too few or too many cells.

    Warns
    -----
    InputWarning
        If the text is not UTF-8.
    """
    from spcbench.tables import FileScan, Table

    head_of(path)
    encoding = encoding_of(path)
    if encoding == WINDOWS:
        warnings.warn(
            f"{path.name} is not UTF-8; it was read as Windows-1252. If names look wrong, "
            "save it as 'CSV UTF-8'",
            InputWarning,
            stacklevel=2,
        )
    delimiter = max(DELIMITERS, key=lambda one: len(_first_row(path, one, encoding)))
    columns = _names(_first_row(path, delimiter, encoding), path)
    if not holds_counts(columns):
        options: dict[str, Any] = {"delimiter": delimiter, "columns": tuple(columns)}
        options |= {"encoding": WINDOWS} if encoding == WINDOWS else {}
        scan = FileScan(paths=(str(path),), form="csv", options=options)
        return Table(kind="records", data=scan, source=path.name)
    import pandas as pd

    rows = list(_whole_rows(path, delimiter, len(columns), encoding))
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
        with path.open("rb") as opened_file:
            file = pq.ParquetFile(opened_file)
            names = file.schema_arrow.names
            counts = file.read() if holds_counts(names) else None
    except (pa.ArrowException, OSError, ValueError):
        # The library's own words may quote what the file holds.
        raise InputError(
            f"{path.name} is not a whole Parquet file; copy or write it again"
        ) from None
    _check_apart(names, path)
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
        If the file is missing, empty, damaged or not UTF-8.
    """
    from spcbench.tables import FileScan, Table

    head_of(path)
    if encoding_of(path, delimited=False) == WINDOWS:
        line = undecodable_line(path, UTF8)
        raise InputError(
            f"{path.name}, line {line}: the text is not UTF-8, as JSON must be; write it again"
        )
    marked = first_bytes(path, 3) == b"\xef\xbb\xbf"
    # The engine does not take a byte order mark in JSON; some shells write one.
    options = {"encoding": UTF8} if marked else {}
    scan = FileScan(paths=(str(path),), form="json", options=options)
    return Table(kind="records", data=scan, source=path.name)


def _first_row(path: Path, delimiter: str, encoding: str) -> list[str]:
    # Not strict: with a wrong delimiter, quotation marks end in the middle of a cell.
    rows = csv_rows(path, delimiter, encoding)
    return next((cells for _, cells in rows), [])


def _names(row: Sequence[str], path: Path) -> list[str]:
    """The names of the columns; a column without a name gets its place for one."""
    if 1 <= len(row) <= 2 and row[0].lower().startswith("sep="):
        raise InputError(
            f"{path.name}, line 1 is a note to Excel that begins with 'sep='; remove that line"
        )
    if not any(name.strip() for name in row):
        raise InputError(f"{path.name}, line 1 is blank; the names of the columns stand there")
    names = [name.strip() or f"column {place}" for place, name in enumerate(row, 1)]
    _check_apart(names, path)
    return names


def _check_apart(names: Sequence[str], path: Path) -> None:
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


def _whole_rows(
    path: Path, delimiter: str, width: int, encoding: str
) -> Iterator[list[str | None]]:
    """The rows below the header, every one with as many cells as there are names."""
    blank = 0
    for line, (_, cells) in enumerate(csv_rows(path, delimiter, encoding, strict=True), 1):
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
