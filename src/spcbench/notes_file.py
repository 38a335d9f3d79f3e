"""The CSV file of a team's notes: its cells with their lines, and rows added at its end."""

from __future__ import annotations

import csv
import io
import secrets
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from spcbench.errors import InputError, OptionError
from spcbench.reading import content_of, head_of

_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True, slots=True, kw_only=True)
class NotesFile:
    """The cells of a CSV file as they stand.

    Parameters
    ----------
    source : str
        The file's name.
    delimiter : str
        What stands between cells.
    names : list of str
        The columns.
    cells : list of list of str
        The rows below the names that are not blank.
    lines : list of int
        Line on which each of those rows begins.
    """

    source: str
    delimiter: str
    names: list[str]
    cells: list[list[str]]
    lines: list[int]


def opened(path: Path) -> NotesFile:
    """Read a CSV file with the names of its columns in the first line.

    Parameters
    ----------
    path : Path
        UTF-8, with or without a byte order mark; cells between commas,
        semicolons or tabs. Rows without any text are passed over.

    Raises
    ------
    InputError
        If the file is missing, empty, not UTF-8 text, or a row has too few or
        too many cells.
    """
    looks = content_of(head_of(path))
    if looks:
        raise InputError(f"{path.name} is not a CSV file of notes: it looks like {looks}")
    text = _decoded(path)
    header = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=header.count)
    rows = list(_rows(text, delimiter, path.name))
    first, names = rows[0] if rows else (1, [])
    if first != 1 or not any(map(str.strip, names)):
        raise InputError(f"{path.name}, line 1 is blank; the names of the columns stand there")
    kept = [(line, cells) for line, cells in rows[1:] if any(map(str.strip, cells))]
    for line, cells in kept:
        if len(cells) != len(names):
            raise InputError(
                f"{path.name}, line {line} has {len(cells)} cells, expected {len(names)}; "
                "a text that holds the separator must stand in quotation marks"
            )
    return NotesFile(
        source=path.name,
        delimiter=delimiter,
        names=[name.strip() for name in names],
        cells=[cells for _, cells in kept],
        lines=[line for line, _ in kept],
    )


def _decoded(path: Path) -> str:
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path.name}, line {line}: the text is not UTF-8; save the file as 'CSV UTF-8'"
        ) from None


def _rows(text: str, delimiter: str, source: str) -> Iterable[tuple[int, list[str]]]:
    """Each row that has cells, with the line on which it begins; a cell may span lines."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in rows:
            if cells:
                yield line, cells
            line = rows.line_num + 1
    except csv.Error as error:
        raise InputError(f"{source}, line {rows.line_num}: {error}") from None


def extend(path: Path, names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Add rows at the end of a CSV file, or make it; what stands there stays byte for byte.

    Parameters
    ----------
    path : Path
        The file. It is replaced in one step, so that nobody ever sees half of it.
    names : sequence of str
        Columns of `rows`. An existing file must have all of them that hold anything.
    rows : sequence of sequence of str
        The cells to add.

    Raises
    ------
    InputError
        If an existing file lacks a column that is needed.
    OptionError
        If the file cannot be written.
    """
    # A link stays a link: it is the file behind it that is replaced.
    path = path.resolve()
    before, delimiter, columns, ending = b"", ",", list(names), "\n"
    if path.exists():
        file = opened(path)
        before, delimiter, columns = path.read_bytes(), file.delimiter, file.names
        ending = "\r\n" if before.partition(b"\n")[0].endswith(b"\r") else "\n"
    made = io.StringIO(newline="")
    writer = csv.writer(made, delimiter=delimiter, lineterminator=ending)
    if before and not before.endswith(b"\n"):
        made.write(ending)
    if not before:
        writer.writerow(columns)
    for row in rows:
        cells = {name: cell for name, cell in zip(names, row, strict=True) if cell}
        for name in cells:
            if name not in columns:
                raise InputError(
                    f"{path.name} has no column {name!r}, which the new note needs; add the "
                    "column to the file"
                )
        writer.writerow([cells.get(name, "") for name in columns])
    _replace(path, before + made.getvalue().encode())


def _replace(path: Path, content: bytes) -> None:
    """Put a file in the place of another in one step."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with temporary.open("xb") as file:
            file.write(content)
        if path.exists():
            shutil.copymode(path, temporary)
        temporary.replace(path)
    except OSError as error:
        raise OptionError(
            f"cannot write {str(path)!r}: {error.strerror or error}; the notes are as they were"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
