"""Sheets of workbooks, read cell by cell: dates as dates, numbers as numbers."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spcbench.errors import InputError, UnknownNameError
from spcbench.plugin import open_workbook
from spcbench.reading import head_of, holds_counts

if TYPE_CHECKING:
    import pyarrow as pa

    from spcbench.tables import Table

_ZIP, _OLD = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


def sniff_workbook(head: bytes, path: Path) -> bool:
    """Whether the file begins like a workbook."""
    return head.startswith((_ZIP, _OLD))


def read_workbook(path: Path, *, sheet: str | None = None) -> Table:
    """Records or counts from one sheet, with the names in its first row that is not blank.

    Parameters
    ----------
    path : Path
        An Excel or OpenDocument workbook.
    sheet : str, optional
        Name of the sheet; the first one that is not hidden by default.

    Returns
    -------
    Table
        An Arrow table of records, or a frame of counts. A column that holds
        things of several kinds comes as text, dates as YYYY-MM-DD.

    Raises
    ------
    InputError
        If the file is missing or damaged, a column stands twice, or a cell
        stands so far away that the rectangle up to it has over 50 million cells.
    OptionError
        If there is no such sheet, or python-calamine is not installed.
    """
    import numpy as np

    from spcbench.tables import Table

    head_of(path)
    found, source = _cells(path, sheet)
    cells = _filled(found)
    at, names = next(cells, (0, []))
    if not names:
        raise InputError(f"{source}: the sheet is empty; names of columns stand in its first row")
    columns = _names(names, path)
    rows = list(cells)
    long = next((row for row, found in rows if len(_trimmed(found)) > len(columns)), None)
    if long is not None:
        raise InputError(
            f"{source}, row {long}: a cell stands beyond the last column that has a name "
            f"in row {at}; name the column or clear the cell"
        )
    table = _arrow(columns, [found for _, found in rows])
    if holds_counts(columns):
        from spcbench.counts_check import as_pandas

        return Table(kind="counts", data=as_pandas(table), source=source)
    lines = np.array([row for row, _ in rows], dtype=np.int64)
    return Table(kind="records", data=table, source=source, lines=lines)


def _cells(path: Path, sheet: str | None) -> tuple[list[list[Any]], str]:
    """The cells of one sheet, and what to call it: by its name too, if it had to be chosen."""
    with open_workbook(path) as book:
        name, others = _sheet_name(book.book, sheet, path)
        return book.cells(name), f"{path.name}, sheet {name!r}" if others else path.name


def _sheet_name(book: Any, sheet: str | None, path: Path) -> tuple[str, bool]:
    """The sheet that is asked for, else the first that is seen, and whether there are others."""
    known = [one.name for one in book.sheets_metadata if str(one.typ).endswith("WorkSheet")]
    seen = [
        one.name
        for one in book.sheets_metadata
        if one.name in known and str(one.visible).endswith("Visible")
    ]
    if not known:
        raise InputError(f"{path.name} has no sheet of cells")
    if sheet is None:
        return str((seen or known)[0]), len(seen or known) > 1
    if sheet not in known:
        raise UnknownNameError(f"sheet in {path.name} called", sheet, known)
    return sheet, len(known) > 1


def _filled(rows: Sequence[Sequence[Any]]) -> Iterator[tuple[int, list[Any]]]:
    """Rows that hold something, as the spreadsheet numbers them."""
    for row, cells in enumerate(rows, 1):
        found = [None if cell == "" else cell for cell in cells]
        if any(cell is not None for cell in found):
            yield row, found


def _trimmed(cells: Sequence[Any]) -> Sequence[Any]:
    last = max((place for place, cell in enumerate(cells, 1) if cell is not None), default=0)
    return cells[:last]


def _names(cells: Sequence[Any], path: Path) -> list[str]:
    names = [
        f"column {place}" if cell is None else _text(cell).strip()
        for place, cell in enumerate(_trimmed(cells), 1)
    ]
    seen: dict[str, str] = {}
    for name in names:
        if name.lower() in seen:
            raise InputError(
                f"{path.name} has the columns {seen[name.lower()]!r} and {name!r}; "
                "rename or remove one of them"
            )
        seen[name.lower()] = name
    return names


def _arrow(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> pa.Table:
    import pyarrow as pa

    return pa.table(
        {
            name: _column([row[place] if place < len(row) else None for row in rows])
            for place, name in enumerate(names)
        }
    )


def _column(cells: list[Any]) -> pa.Array:
    """Cells of one kind as that kind; of several kinds, as text."""
    import pyarrow as pa

    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds <= {datetime.date, datetime.datetime} and kinds:
        moments = [None if cell is None else _moment(cell) for cell in cells]
        return pa.array(moments, type=pa.timestamp("us"))
    if kinds <= {int, float}:
        whole = all(cell is None or float(cell).is_integer() for cell in cells)
        small = whole and all(cell is None or abs(cell) < 2**53 for cell in cells)
        if small:
            return pa.array([None if cell is None else int(cell) for cell in cells], pa.int64())
        return pa.array([None if cell is None else float(cell) for cell in cells], pa.float64())
    if kinds == {bool}:
        return pa.array(cells, pa.bool_())
    return pa.array([None if cell is None else _text(cell) for cell in cells], pa.string())


def _moment(cell: datetime.date) -> datetime.datetime:
    if isinstance(cell, datetime.datetime):
        return cell
    return datetime.datetime(cell.year, cell.month, cell.day)


def _text(cell: Any) -> str:
    """A cell as a CSV file would hold it."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime.datetime):
        return cell.isoformat(sep=" ")
    return str(cell)
