"""Opening a workbook of the PERIPrem tool: its sheets, and the cells of one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spcbench.errors import InputError, UnknownNameError
from spcbench.plugin import open_workbook, sheet_names
from spcbench_pop.periprem_layout import SHEET, plain

SHEET_BYTES = 200 << 20
CELLS_MAX = 5_000_000
"""The form has about a hundred rows; so many cells span 200 columns and 25,000 rows."""


def has_tool_sheet(path: Path) -> bool:
    """Whether a file is a workbook with the data sheet of the tool; False if damaged."""
    return any(plain(name) == plain(SHEET) for name in sheet_names(path))


def sheet_cells(path: Path, sheet: str | None) -> tuple[str, list[list[Any]]]:
    """The name of the data sheet and its cells, from A1.

    Parameters
    ----------
    path : Path
        The workbook.
    sheet : str, optional
        Its name, if it is not the tool's own.

    Raises
    ------
    InputError
        If the file is missing or damaged, has a password or no such sheet, or
        a cell stands far outside the form.
    UnknownNameError
        If the sheet that was asked for is not there.
    OptionError
        If python-calamine is not installed.
    """
    with open_workbook(path, most=CELLS_MAX, largest=SHEET_BYTES) as book:
        name = _sheet_name(book.book.sheet_names, sheet, path)
        return name, book.cells(name)


def _sheet_name(names: Sequence[str], sheet: str | None, path: Path) -> str:
    if sheet is not None:
        if sheet not in names:
            raise UnknownNameError(f"sheet in {path.name} called", sheet, names)
        return sheet
    found = [name for name in names if plain(name) == plain(SHEET)]
    if not found:
        listed = ", ".join(map(repr, names))
        raise InputError(
            f"{path.name} has no sheet {SHEET!r}, in which the PERIPrem optimisation tool keeps "
            f"its babies; it has {listed}. If one of them is it, name it: "
            "--reader periprem --sheet NAME (in Python reader='periprem', sheet=)"
        )
    return found[0]
