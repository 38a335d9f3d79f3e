"""Reading the workbooks of the PERIPrem optimisation tool: one trust and month each.

The layout is checked before anything is believed, because an answer in the wrong column
would be a wrong number that nobody sees.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spcbench import InputWarning
from spcbench.errors import InputError, SpcbenchError
from spcbench.plugin import sheet_names
from spcbench_pop.periprem_book import has_tool_sheet, sheet_cells
from spcbench_pop.periprem_layout import (
    COLUMNS,
    GESTATIONS,
    HEADING_ROWS,
    MONTH_CELL,
    TRUST_CELL,
    Column,
    answer,
    is_word,
    plain,
)
from spcbench_pop.periprem_origin import Origin, is_named_like_tool, origin_of

if TYPE_CHECKING:
    import pyarrow as pa

    from spcbench.tables import Table

FIGURES = 3
"""So many numbers where the form has words make a row of totals."""


def looks_periprem(head: bytes, path: Path) -> bool:
    """Whether a file is a workbook of the optimisation tool, by its data sheet.

    One that is named like the tool's and has the form in another sheet is
    taken too, so that it is told how to name the sheet.

    Parameters
    ----------
    head : bytes
        The beginning of the file.
    path : Path
        The file; of one that is not named like the tool's only the list of
        sheets is read.
    """
    if not head.startswith(b"PK\x03\x04"):
        return False
    return has_tool_sheet(path) or (is_named_like_tool(path.name) and _holds_form(path))


def _holds_form(path: Path) -> bool:
    """Whether any sheet has the headings of the form in their places."""
    for name in sheet_names(path):
        try:
            _check_headings(sheet_cells(path, name)[1], path)
        except SpcbenchError:
            continue
        return True
    return False


def read_periprem(path: Path, *, sheet: str | None = None) -> Table:
    """One record for each baby of a workbook of the PERIPrem optimisation tool.

    Parameters
    ----------
    path : Path
        The workbook, named like ``MAY 2024 - YEO.xlsx``: month and trust.
        Where the name does not say them, cells B3 and H3 do, with a warning.
    sheet : str, optional
        Name of the sheet, if it is not the tool's own.

    Returns
    -------
    Table
        Records with the columns ``org_code`` (as in the name of the file),
        ``trust_code`` (of the Organisation Data Service; empty where the
        abbreviation is not one of the tool's), ``trust_name``, ``month``,
        ``file``, ``sheet``, ``row``, and the form's 24 questions as text,
        blank where blank. Without rows, and with a warning, where the form has
        no babies. Names of people and free text are not read.

    Raises
    ------
    InputError
        If the file is damaged, the sheet or a heading is not where the tool
        has it, or neither name nor cells say the trust and the month.
    OptionError
        If there is no such sheet, or python-calamine is not installed.
    """
    import numpy as np

    from spcbench.tables import Table

    name, cells = sheet_cells(path, sheet)
    _check_headings(cells, path)
    origin = origin_of(path.name, month=_cell(cells, MONTH_CELL), trust=_cell(cells, TRUST_CELL))
    babies = list(_babies(cells))
    empty = () if babies else ("no babies; read as a month without births",)
    for said in (*origin.notes, *empty):
        warnings.warn(f"{path.name}: {said}", InputWarning, stacklevel=3)
    return Table(
        kind="records",
        data=_arrow(babies, origin, path.name, name),
        source=path.name,
        lines=np.array([one.row for one in babies], dtype=np.int64),
        covers=f"{origin.org_code}, {origin.month:%B %Y}",
    )


@dataclass(frozen=True, slots=True)
class _Baby:
    """One row of the form: as the spreadsheet numbers it, and its answers from A to X."""

    row: int
    answers: list[str | None]


def _cell(cells: Sequence[Sequence[Any]], place: str) -> Any:
    column, row = ord(place[0]) - ord("A"), int(place[1:]) - 1
    line = cells[row] if row < len(cells) else []
    found = line[column] if column < len(line) else None
    return None if found == "" else found


def _check_headings(cells: Sequence[Sequence[Any]], path: Path) -> None:
    """Refuse a sheet whose questions do not stand where the tool has them."""
    above = [_headings(cells[:HEADING_ROWS], place) for place in range(len(COLUMNS))]
    for place, column in enumerate(COLUMNS):
        if any(column.heading in heading for heading in above[place]):
            continue
        elsewhere = [
            other.letter
            for other, headings in zip(COLUMNS, above, strict=True)
            if any(column.heading in heading for heading in headings)
        ]
        moved = f"; it stands in column {elsewhere[0]}" if elsewhere else ""
        raise InputError(
            f"{path.name}: expected a heading with the words {column.heading!r} in column "
            f"{column.letter}, rows 1 to {HEADING_ROWS}{moved}. Only the layout of the PERIPrem "
            "optimisation tool with 11 elements (2021) is known; put the columns A to X back "
            "in their places"
        )
    first = _headings(cells[HEADING_ROWS:], 0)
    if any(COLUMNS[0].heading in heading for heading in first):
        raise InputError(
            f"{path.name}: the headings reach below row {HEADING_ROWS}, and the first baby "
            f"belongs in row {HEADING_ROWS + 1}; remove the rows that were put in above"
        )


def _headings(rows: Sequence[Sequence[Any]], place: int) -> list[str]:
    return [plain(row[place]) for row in rows if place < len(row) and isinstance(row[place], str)]


def _babies(cells: Sequence[Sequence[Any]]) -> Iterator[_Baby]:
    """The rows that hold a baby; below the totals only those with the form's own words."""
    below = False
    for row, line in enumerate(cells[HEADING_ROWS:], HEADING_ROWS + 1):
        whole = [None if cell == "" else cell for cell in line[: len(COLUMNS)]]
        whole += [None] * (len(COLUMNS) - len(whole))
        answers = [answer(cell) for cell in whole]
        if not any(answers):
            continue
        if _is_totals(whole, answers):
            below = True
        elif not below or answers[0] in GESTATIONS or (is_word(answers[1]) and is_word(answers[2])):
            yield _Baby(row, answers)


def _is_totals(cells: Sequence[Any], answers: Sequence[str | None]) -> bool:
    """Whether a row holds figures where the form has words, as the foot of the sheet does."""
    if any(is_word(one) for one in answers):
        return False
    numbers = [
        column.name
        for column, cell in zip(COLUMNS, cells, strict=True)
        if isinstance(cell, (int, float)) and not isinstance(cell, bool)
    ]
    worded = {"gestation", "weight", "births", "steroids_doses"}
    return len([name for name in numbers if name not in worded]) >= FIGURES


def _arrow(babies: Sequence[_Baby], origin: Origin, file: str, sheet: str) -> pa.Table:
    import pyarrow as pa

    def same(value: str | None) -> pa.Array:
        return pa.array([value] * len(babies), pa.string())

    months: list[date] = [origin.month] * len(babies)
    asked: dict[Column, list[str | None]] = {
        column: [one.answers[place] for one in babies] for place, column in enumerate(COLUMNS)
    }
    return pa.table(
        {
            "org_code": same(origin.org_code),
            "trust_code": same(origin.trust_code),
            "trust_name": same(origin.trust_name),
            "month": pa.array(months, pa.date32()),
            "file": same(file),
            "sheet": same(sheet),
            "row": pa.array([one.row for one in babies], pa.int64()),
            **{column.name: pa.array(cells, pa.string()) for column, cells in asked.items()},
        }
    )
