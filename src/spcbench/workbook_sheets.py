"""Opening a workbook, choosing one of its sheets and taking the cells, without risk to memory."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spcbench.errors import InputError, OptionError
from spcbench.workbook_extent import CELLS_MAX, check_all_sheets, check_sheet, sheet_parts

# zipfile raises the last two for ways of packing that it does not know, and for a password.
_FAULTS = (
    *(zipfile.BadZipFile, zlib.error, KeyError, OSError, ValueError, EOFError),
    *(NotImplementedError, RuntimeError),
)


@dataclass(frozen=True, slots=True)
class Workbook:
    """A workbook that is open.

    Attributes
    ----------
    file : str
        Its name, without folders.
    book : CalamineWorkbook
        As python-calamine has it; ``book.sheets_metadata`` lists the sheets.
    """

    file: str
    book: Any
    _archive: zipfile.ZipFile | None
    _most: int
    _largest: int | None

    def cells(self, sheet: str) -> list[list[Any]]:
        """The cells of one sheet from A1, row by row; ``""`` where there is nothing.

        Raises
        ------
        InputError
            If cells stand too far below or right; says how far.
        """
        if self._archive is not None:
            check_sheet(self._archive, self.file, sheet, most=self._most, largest=self._largest)
        found: list[list[Any]] = self.book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
        return found


@contextmanager
def open_workbook(
    path: Path, *, most: int = CELLS_MAX, largest: int | None = None
) -> Iterator[Workbook]:
    """A workbook, open as long as the ``with`` statement lasts.

    Parameters
    ----------
    path : Path
        A file of Excel (.xlsx, .xlsm, .xls) or OpenDocument (.ods).
    most : int
        How many cells a sheet may span from A1 to its last row and column,
        empty ones counted; of OpenDocument, all sheets together.
    largest : int, optional
        How many bytes the sheet that is read may have once unpacked.

    Yields
    ------
    Workbook
        With `Workbook.cells` for the cells of a sheet.

    Raises
    ------
    InputError
        If the file is missing or damaged, has a password, or holds a cell too
        far away for memory.
    OptionError
        If python-calamine is not installed.
    """
    try:
        import python_calamine as calamine
    except ImportError:
        raise OptionError(
            "reading workbooks needs the package python-calamine: pip install 'spcbench[xlsx]', "
            f"or save {path.name} as 'CSV UTF-8'"
        ) from None
    try:
        # Opened here, so that the name is never told in the library's own words.
        with path.open("rb") as opened:
            archive = zipfile.ZipFile(opened) if zipfile.is_zipfile(opened) else None
            if archive is not None:
                check_all_sheets(archive, path.name, most=most)
            opened.seek(0)
            book = calamine.CalamineWorkbook.from_filelike(opened)
            yield Workbook(path.name, book, archive, most, largest)
    except FileNotFoundError:
        raise InputError(f"there is no file {path}; check the name and the folder") from None
    except calamine.PasswordError:
        raise InputError(f"{path.name} has a password; save a copy without one") from None
    except (calamine.CalamineError, *_FAULTS):
        raise InputError(
            f"{path.name} is not a whole workbook; open it in Excel and save it again"
        ) from None


def sheet_names(path: Path) -> list[str]:
    """Names of the sheets of an Excel workbook, of which only their list is read.

    Parameters
    ----------
    path : Path
        The file; what is no workbook has no sheets.

    Returns
    -------
    list of str
        In the order of the workbook; empty if it is damaged or an old one.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return list(sheet_parts(archive))
    except _FAULTS:
        return []
