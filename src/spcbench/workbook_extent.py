"""How far the cells of a workbook reach, found out before the library reads them.

That library keeps a whole rectangle from the first cell to the last and ends the process
where memory does not suffice, with no error to catch: one stray cell at the far end of a
sheet makes 17 thousand million. So a sheet is looked at first, as a stream. Formatted cells
that hold nothing do not count, as the library does not keep them.

Left alone are old workbooks (.xls): their format has 65,536 rows and 256 columns, hence at
most 0.5 GB for each sheet. A damaged one that claims more cannot be told beforehand.
"""

from __future__ import annotations

import html
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from xml.parsers import expat

from spcbench.errors import InputError

CELLS_MAX = 50_000_000
"""Cells of the rectangle that a sheet may span: a full sheet of 1,048,576 rows and 47 columns.

Measured with python-calamine 0.9: of .xlsx 31 bytes for each cell, empty or not, and 8 more
once it is handed over; of .ods 63 and 8. Fifty million take 2 GB and 3.5 GB, before what they hold.
"""

_LIST_BYTES = 1 << 20
"""A list of sheets is far shorter."""

_CHUNK = 1 << 20
_PLACE = re.compile(rb"\br\s*=\s*[\"']([A-Za-z]{0,8})([0-9]{1,12})[\"']")
_CELL = re.compile("([A-Za-z]{0,8})([0-9]{1,12})")
_TAGS = (b"<c ", b"<c>", b"<row ", b"<row>")
_SHEET = re.compile(r"<(?:\w+:)?sheet\b([^>]*)>")
_LINK = re.compile(r"<(?:\w+:)?Relationship\b([^>]*)>")
_ODS_VALUES = frozenset(
    f"office:{kind}" for kind in ("value", "string-value", "date-value", "time-value")
) | {"office:boolean-value", "table:formula"}


@dataclass(frozen=True, slots=True)
class Extent:
    """The last row and the last column in which something stands; both count from 1."""

    rows: int
    columns: int

    @property
    def cells(self) -> int:
        """How many cells the rectangle from A1 has."""
        return self.rows * self.columns


def check_all_sheets(book: zipfile.ZipFile, file: str, *, most: int) -> None:
    """Refuse a workbook whose sheets are all read on opening, if they reach too far together.

    Parameters
    ----------
    book : ZipFile
        The archive; only one of OpenDocument is looked at.
    file : str
        Its name, for the message.
    most : int
        How many cells the rectangles may have.

    Raises
    ------
    InputError
        If there are more, the workbook has a password, or it is a binary one
        (.xlsb), which is not read.
    """
    parts = _parts(book)
    if "xl/workbook.bin" in parts and "xl/workbook.xml" not in parts:
        raise InputError(
            f"{file} is a binary workbook (.xlsb) under another ending; open it in Excel and "
            "save it as 'Excel Workbook (.xlsx)'"
        )
    if "content.xml" not in parts or "xl/workbook.xml" in parts:
        return
    if "encryption-data" in _text(book, parts.get("meta-inf/manifest.xml")):
        # The library says of such a file, once it is open, that it knows no such format.
        raise InputError(f"{file} has a password; save a copy without one")
    total = 0
    for sheet, extent in _ods_extents(book, parts["content.xml"]).items():
        total += extent.cells
        if total > most:
            raise _too_far(file, sheet, extent, most)


def check_sheet(
    book: zipfile.ZipFile, file: str, sheet: str, *, most: int, largest: int | None = None
) -> None:
    """Refuse a sheet of an Excel workbook whose cells reach too far for memory.

    Parameters
    ----------
    book : ZipFile
        The archive.
    file, sheet : str
        Names, for the message; `sheet` also says which part is looked at.
    most : int
        How many cells the rectangle from A1 may have.
    largest : int, optional
        How many bytes the sheet may have once unpacked.

    Raises
    ------
    InputError
        If it has more.
    """
    parts = _parts(book)
    if "content.xml" in parts and "xl/workbook.xml" not in parts:
        return  # OpenDocument, looked at when it was opened
    known = parts.get(sheet_parts(book).get(sheet, "").lower())
    # A book that names its parts in a way of its own is looked at whole.
    for part in [known] if known else [one for name, one in parts.items() if name[-4:] == ".xml"]:
        if largest is not None and part.file_size > largest:
            raise InputError(
                f"{file}, sheet {sheet!r} holds {part.file_size / 1e6:,.0f} MB, expected at most "
                f"{largest / 1e6:,.0f}; copy the table alone to a new workbook and save that"
            )
        # The quick look takes formatted empty cells for filled; the exact one is slower.
        quick = _quick_extent(book, part)
        if quick is None or quick.cells > most:
            exact = _exact_extent(book, part)
            if exact.cells > most:
                raise _too_far(file, sheet, exact, most)


def sheet_parts(book: zipfile.ZipFile) -> dict[str, str]:
    """The part of an Excel workbook that holds each sheet, by the name of the sheet.

    Parameters
    ----------
    book : ZipFile
        The archive.

    Returns
    -------
    dict of str to str
        In the order of the workbook; empty where its list of sheets is not in
        the usual place.
    """
    parts = _parts(book)
    links = {
        _attribute(one, "Id"): _attribute(one, "Target").lstrip("/").removeprefix("xl/")
        for one in _LINK.findall(_text(book, parts.get("xl/_rels/workbook.xml.rels")))
    }
    return {
        html.unescape(_attribute(one, "name")): "xl/" + links.get(_attribute(one, r"\w+:id"), "")
        for one in _SHEET.findall(_text(book, parts.get("xl/workbook.xml")))
    }


def _too_far(file: str, sheet: str, extent: Extent, most: int) -> InputError:
    letters, left = "", extent.columns
    while left:
        left, letter = divmod(left - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return InputError(
        f"{file}, sheet {sheet!r}: cells stand as far as row {extent.rows:,} and column "
        f"{extent.columns:,} ({letters}), which makes a rectangle of more than the {most:,} cells "
        "that are read; delete the rows and columns in which something stands far below or right "
        "of the table and save it again, or if the table is that large, save it as 'CSV UTF-8'"
    )


def _parts(book: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Parts by their names in small letters, as capitals make no difference there."""
    return {one.filename.replace("\\", "/").lower(): one for one in book.infolist()}


def _text(book: zipfile.ZipFile, part: zipfile.ZipInfo | None) -> str:
    if part is None:
        return ""
    with book.open(part) as opened:
        return opened.read(_LIST_BYTES).decode("utf-8", errors="replace")


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf"(?:^|\s){name}\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", tag)
    return "" if found is None else found[1] or found[2] or ""


def _pieces(book: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[bytes]:
    """What the part holds, cut behind the end of a tag wherever one is near."""
    before = b""
    with book.open(part) as opened:
        while piece := opened.read(_CHUNK):
            cut = piece.rfind(b">") + 1
            if cut or len(before) > _CHUNK:
                yield before + piece[:cut]
                before = b""
            before += piece[cut:]
    yield before


def _quick_extent(book: zipfile.ZipFile, part: zipfile.ZipInfo) -> Extent | None:
    """No less than how far the cells of a sheet reach; None where some do not say their place."""
    letters: set[bytes] = set()
    rows, places, tags = 1, 0, 0
    for piece in _pieces(book, part):
        found = _PLACE.findall(piece)
        places += len(found)
        tags += sum(piece.count(tag) for tag in _TAGS)
        letters.update(column for column, _ in found)
        rows = max(rows, *(int(row) for _, row in found)) if found else rows
    if tags > places:
        return None
    return Extent(rows, max((_number(one.decode()) for one in letters), default=1))


def _exact_extent(book: zipfile.ZipFile, part: zipfile.ZipInfo) -> Extent:
    """How far the cells of a sheet reach that hold something."""
    at, far = [0, 0], [0, 0]  # row and column
    row = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal row
        kind = name.rpartition(":")[2]
        place = _CELL.fullmatch(attributes.get("r", "")) if kind in ("c", "row") else None
        if kind == "row":
            row = row + 1 if place is None else int(place[2])
            at[:] = row, 0
        elif kind == "c":
            at[:] = (row, at[1] + 1) if place is None else (int(place[2]), _number(place[1]))
        elif kind in ("v", "is"):
            far[:] = max(far[0], at[0]), max(far[1], at[1])

    _parse(book, part, start)
    return Extent(*far)


def _ods_extents(book: zipfile.ZipFile, part: zipfile.ZipInfo) -> dict[str, Extent]:
    """How far the cells of each sheet of an OpenDocument workbook reach that hold something.

    An empty cell or row often says that it is repeated to the end of the sheet; it reaches
    no further than what stands after it.
    """
    found: dict[str, Extent] = {}
    sheet, row, repeats, column = "", 0, 0, 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal sheet, row, repeats, column
        if name == "table:table":
            sheet, row, repeats = attributes.get("table:name", ""), 0, 0
            found.setdefault(sheet, Extent(0, 0))
        elif name == "table:table-row":
            row, column = row + repeats, 0
            repeats = int(attributes.get("table:number-rows-repeated", 1))
        elif name in ("table:table-cell", "table:covered-table-cell"):
            column += int(attributes.get("table:number-columns-repeated", 1))
            text = attributes.get("office:value-type") == "string"
            if text or not _ODS_VALUES.isdisjoint(attributes):
                far = found.get(sheet, Extent(0, 0))
                found[sheet] = Extent(max(far.rows, row + repeats), max(far.columns, column))

    _parse(book, part, start)
    return found


def _parse(
    book: zipfile.ZipFile, part: zipfile.ZipInfo, start: Callable[[str, dict[str, str]], None]
) -> None:
    """Hand the beginning of every element of a part to `start`."""
    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    with book.open(part) as opened:
        try:
            while piece := opened.read(_CHUNK):
                parser.Parse(piece, False)
            parser.Parse(b"", True)
        except expat.ExpatError:
            # Its own words may quote what the file holds.
            raise ValueError("not well-formed XML") from None


def _number(letters: str) -> int:
    """Which column it is: A is 1, AA is 27; 0 for none."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
