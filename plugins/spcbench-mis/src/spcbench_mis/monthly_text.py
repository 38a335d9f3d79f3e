"""Opening a monthly file: its columns as coded texts, and the line of any row.

All cells come as text first. A column is kept as the different texts it holds
and a number for each row, because a month has tens of thousands of rows and
few different texts: each text is then read once.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spcbench.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

WEB_PAGE = re.compile(rb"\s*(<!doctype|<html|<\?xml)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Coded:
    """A column of text.

    Parameters
    ----------
    codes : array of int64, shape (rows,)
        Which of `texts` each row holds.
    texts : list of str
        The different texts, trimmed; blank for a blank cell.
    """

    codes: Integers
    texts: list[str]

    def mapped(self, function: Callable[[str], Any], dtype: Any = np.int64) -> npt.NDArray[Any]:
        """What a function makes of each cell, each different text looked at once."""
        made = np.array([function(text) for text in self.texts], dtype=dtype)
        return made[self.codes] if len(self.texts) else np.zeros(0, dtype=dtype)

    def reworded(self, function: Callable[[str], str]) -> Coded:
        """The column in other words, these in their order."""
        said = [function(text) for text in self.texts]
        words = sorted(set(said))
        places = np.array([words.index(word) for word in said], dtype=np.int64)
        return Coded(places[self.codes] if said else self.codes, words)

    def taken(self, keep: Flags) -> Coded:
        """Some of the rows."""
        return Coded(self.codes[keep], self.texts)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One file of a publication, read but not understood yet.

    Parameters
    ----------
    name : str
        The file's name, for messages.
    columns : mapping of str to Coded
        By the plain name of the column (see `plain`).
    published : mapping of str to str
        How each of these columns is spelled in the file.
    line_of : callable
        Line of the file of a row, counted from 0.
    """

    name: str
    columns: Mapping[str, Coded]
    published: Mapping[str, str]
    line_of: Callable[[int], int]

    def where(self, row: int, column: str | None = None) -> str:
        """Where a row or cell stands, in words for a message."""
        place = f"{self.name}, line {self.line_of(row)}"
        return place if column is None else f"{place}, column {self.published[column]}"

    def refuse(self, bad: Flags, column: str, why: Callable[[str], str]) -> None:
        """Raise for the first row at fault, with how many there are.

        Raises
        ------
        InputError
            If any row is bad.
        """
        if not bad.any():
            return
        row = int(np.argmax(bad))
        held = self.columns[column]
        more = f" ({int(bad.sum()):,} such rows)" if bad.sum() > 1 else ""
        raise InputError(f"{self.where(row, column)}: {why(held.texts[held.codes[row]])}{more}")


@lru_cache(maxsize=4096)
def plain(name: str) -> str:
    """A column's name without what varies between years: capitals, spaces, underscores.

    Examples
    --------
    >>> plain("Org_Level "), plain("ORG Level")
    ('orglevel', 'orglevel')
    """
    return re.sub(r"[\s_\ufeff]", "", name).casefold()


def header_of(head: bytes) -> list[str]:
    """Plain names of the columns in the first line of a text file."""
    return [plain(name) for name in cells_of(head, 1)]


def cells_of(head: bytes, line: int) -> list[str]:
    """Cells of one line among the first bytes of a text file; none if it is not there."""
    text = head.decode("utf-8-sig", errors="replace").splitlines()[line - 1 : line]
    try:
        return next(csv.reader(text), [])
    except csv.Error:
        return []


def opened(
    path: Path, wanted: Mapping[str, Sequence[str]], *, optional: Sequence[str] = ()
) -> Sheet:
    """The wanted columns of a file.

    Parameters
    ----------
    path : Path
        A CSV file, in UTF-8 or Windows-1252, or a workbook (its first sheet).
    wanted : mapping of str to sequence of str
        Columns, and the published names that each has had, the usual one first.
    optional : sequence of str
        Those that may be missing.

    Raises
    ------
    InputError
        If the file is missing, a web page, damaged, without rows, or lacks a
        column or has it twice.
    """
    if path.suffix.lower() == ".xlsx":
        header, rows, lines = _workbook(path)
        places = _places(header, path.name, wanted, optional)
        held = list(zip(*rows, strict=True))
        columns = {name: _coded(held[at]) for name, at in places.items()} if rows else {}
        return _sheet(path.name, header, columns, lines.__getitem__, places)
    content = _content(path)
    header = _header(content, path.name)
    places = _places(header, path.name, wanted, optional)
    table = _quick_table(content, len(header), places)
    if table is None:
        rows = [cells for _, cells in strict_rows(content, path.name, len(header))]
        cells = list(zip(*rows, strict=True))
        columns = {name: _coded(cells[at]) for name, at in places.items()} if rows else {}
    else:
        columns = {name: _arrow_coded(table.column(str(at))) for name, at in places.items()}

    def line_of(row: int) -> int:
        for number, (line, _) in enumerate(strict_rows(content, path.name, len(header))):
            if number == row:
                return line
        raise IndexError(row)

    return _sheet(path.name, header, columns, line_of, places)


def strict_rows(content: bytes, name: str, width: int) -> Iterator[tuple[int, list[str]]]:
    """Line and cells of every row below the header that is not blank.

    Slow, so used only to find the line of a fault, and for files that hold
    line ends inside cells.

    Raises
    ------
    InputError
        At the first row that is no CSV or has too few or too many cells.
    """
    rows = csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True)
    header = True
    while True:
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(
                f"{name}, line {rows.line_num} is not CSV ({error}); download the file again"
            ) from error
        if not cells:
            continue
        if header:
            header = False
            continue
        if len(cells) != width:
            raise InputError(
                f"{name}, line {rows.line_num} has {len(cells)} cells, the header has {width}: "
                "the row is cut short or broken; download the file again"
            )
        yield rows.line_num, cells


def refuse_web_page(content: bytes, name: str) -> None:
    """Refuse a page of HTML that was saved under the name of a file.

    Raises
    ------
    InputError
        If these are the first bytes of one.
    """
    if WEB_PAGE.match(content[:500].removeprefix(b"\xef\xbb\xbf")):
        raise InputError(
            f"{name} is a web page, not the CSV file: the address it came from gave something "
            "else; download the file again"
        )


def _content(path: Path) -> bytes:
    """The file as UTF-8 without a byte order mark."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    refuse_web_page(content, path.name)
    if content[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in content:
        raise InputError(f"{path.name} is not plain text; expected the CSV file as published")
    if content and not content.isspace() and content[-1:] not in b"\r\n":
        # A figure that is cut is still a figure: 1085 would be read as 10.
        raise InputError(
            f"{path.name} does not end with the end of a line, so it may have been cut short; "
            "download the file again"
        )
    content = content.removeprefix(b"\xef\xbb\xbf")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        try:
            return content.decode("cp1252").encode()
        except UnicodeDecodeError:
            raise InputError(
                f"{path.name} is neither UTF-8 nor Windows-1252 text; "
                "expected the CSV file as published"
            ) from None
    return content


def _header(content: bytes, name: str) -> list[str]:
    first = io.BytesIO(content).readline().decode("utf-8").rstrip("\r\n")
    try:
        header = next(csv.reader([first], strict=True), [])
    except csv.Error:
        header = []
    if not any(cell.strip() for cell in header):
        raise InputError(f"{name}, line 1: no names of columns; expected the file as published")
    return header


def _quick_table(content: bytes, width: int, places: Mapping[str, int]) -> pa.Table | None:
    """The cells of these columns as text; None where the quick way cannot be trusted with them."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    names = [str(place) for place in range(width)]
    coded = pa.dictionary(pa.int32(), pa.string())
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(content),
            read_options=arrow_csv.ReadOptions(
                column_names=names, skip_rows=1, block_size=max(len(content), 1), use_threads=True
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, coded),
                strings_can_be_null=False,
                include_columns=[names[place] for place in places.values()],
                check_utf8=False,  # `_content` has
            ),
        )
    except pa.ArrowInvalid:
        return None
    # A quotation mark that was never closed swallows lines without any error.
    lines = content.count(b"\n") + (not content.endswith(b"\n"))
    return table if lines == table.num_rows + 1 else None


def _arrow_coded(column: pa.ChunkedArray) -> Coded:
    import pyarrow as pa

    if not len(column):
        return Coded(np.zeros(0, dtype=np.int64), [])
    whole = column.unify_dictionaries().combine_chunks()
    whole = whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole
    texts = [_trimmed(text) for text in whole.dictionary.to_pylist()]
    return _merged(whole.indices.to_numpy(zero_copy_only=False).astype(np.int64), texts)


def _coded(cells: Sequence[str]) -> Coded:
    seen: dict[str, int] = {}
    codes = np.fromiter((seen.setdefault(cell, len(seen)) for cell in cells), dtype=np.int64)
    return _merged(codes, [_trimmed(text) for text in seen])


def _merged(codes: Integers, texts: list[str]) -> Coded:
    """The same, with texts that are equal once trimmed taken together."""
    seen: dict[str, int] = {}
    places = np.array([seen.setdefault(text, len(seen)) for text in texts], dtype=np.int64)
    return Coded(places[codes] if texts else codes, list(seen))


def _trimmed(text: str) -> str:
    return " ".join(text.replace("\u00a0", " ").split())


def _sheet(
    name: str,
    header: list[str],
    found: Mapping[str, Coded],
    line_of: Callable[[int], int],
    places: Mapping[str, int],
) -> Sheet:
    size = max((len(column.codes) for column in found.values()), default=0)
    blank = np.full(size, all("" in column.texts for column in found.values()))
    for column in found.values() if blank.any() else ():
        blank &= column.mapped(lambda text: not text, np.bool_)
    if blank.all():
        raise InputError(f"{name} has a header but no rows; download the file again")
    published = {column: header[place].strip("\ufeff ") for column, place in places.items()}
    if not blank.any():
        return Sheet(name, found, published, line_of)
    # A spreadsheet leaves rows of commas below the last one.
    rows = np.flatnonzero(~blank)
    kept = {column: held.taken(~blank) for column, held in found.items()}
    return Sheet(name, kept, published, lambda row: line_of(int(rows[row])))


def _places(
    header: list[str], name: str, wanted: Mapping[str, Sequence[str]], optional: Sequence[str]
) -> dict[str, int]:
    """Where each wanted column stands."""
    found = [plain(column) for column in header]
    places = {}
    for column, spellings in wanted.items():
        there = {plain(one): one for one in spellings if plain(one) in found}
        if len(there) > 1:
            one, other = [*there.values()][:2]
            raise InputError(
                f"{name}, line 1: the columns {one!r} and {other!r} mean the same, and files have "
                "one of them; leave out the other"
            )
        here = next(iter(there.values()), None)
        if here is None:
            if column in optional:
                continue
            raise InputError(
                f"{name}, line 1: no column {spellings[0]!r}; a file of this kind has "
                + ", ".join(one[0] for column, one in wanted.items() if column not in optional)
            )
        if found.count(plain(here)) > 1:
            raise InputError(f"{name}, line 1: the column {here!r} stands there twice")
        places[column] = found.index(plain(here))
    return places


def _workbook(path: Path) -> tuple[list[str], list[list[str]], Integers]:
    """Names of columns, cells as text, and the row of each in the sheet."""
    import spcbench

    if not path.exists():
        raise InputError(f"cannot read {path}: there is no such file")
    table = spcbench.read(path, reader="workbook")
    columns = [[_cell_text(cell) for cell in one.to_pylist()] for one in table.data.columns]
    rows = [list(cells) for cells in zip(*columns, strict=True)]
    return list(table.data.column_names), rows, table.lines


def sheet_header(path: Path) -> list[str]:
    """Plain names of the columns of a workbook's first sheet."""
    return [plain(name) for name in _workbook(path)[0]]


def _cell_text(cell: Any) -> str:
    """A cell of a workbook as a CSV file would hold it."""
    if cell is None:
        return ""
    if hasattr(cell, "isoformat"):
        return str(cell.isoformat())[:10]
    return str(cell)
