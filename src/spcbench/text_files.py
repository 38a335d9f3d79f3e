"""Text files, read with limits: what encoding they have, and whether their lines can be held.

The engine that scans records trusts what it is given: it drops a line that is
longer than its buffer, seeks the end of a quotation mark for minutes, and reads
on where a gzip file is damaged. So a file is looked through once, in blocks of
fixed size, before anything else reads it.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TextIO, cast

from spcbench.errors import InputError

LINE_BYTES_MAX = 2_000_000
"""The longest line, and the longest cell in quotation marks; the engine's own limit is 2 MiB."""

BLOCK_BYTES = 1 << 20
"""How much is looked at in one step."""

UTF8 = "utf-8-sig"
WINDOWS = "cp1252"

_TWICE_ENCODED = re.compile(rb"[\xc2\xc3][\x80-\xbf]|\xe2\x80[\x80-\xbf]")
"""Letters of UTF-8 that nobody means in Windows-1252, where they read 'Ã©' or 'â€™'."""
_EDGES = b',;\t|\r\n"'


class InputWarning(UserWarning):
    """A file was read, though not as it should have been written."""


def is_gzip(path: Path) -> bool:
    """Whether the name says that a file is compressed.

    Examples
    --------
    >>> is_gzip(Path("births.csv.GZ"))
    True
    """
    return path.suffix.lower() == ".gz"


def encoding_of(path: Path, *, delimited: bool = True) -> str:
    """The encoding of a text file that has been looked through from end to end.

    Parameters
    ----------
    path : Path
        The file; decompressed on the way where its name ends in ``.gz``.
    delimited : bool
        Whether quotation marks enclose cells, which may then hold line ends.

    Returns
    -------
    str
        ``"utf-8-sig"`` (with or without a byte order mark) or ``"cp1252"``.

    Raises
    ------
    InputError
        If a line or a quoted cell is longer than `LINE_BYTES_MAX`, the bytes
        are of neither encoding or of both, or a gzip file is damaged.
    """
    lines, marks, letters = _Lines(path), _Marks(path), _Letters(path)
    for block in _blocks(path):
        lines.take(block)
        letters.take(block)
        if delimited:
            marks.take(block)
    lines.close()
    letters.close()
    if marks.doubtful:
        _check_marks(path, letters.encoding)
    return letters.encoding


def opened(path: Path, encoding: str = UTF8) -> TextIO:
    """A text file opened with its line ends as they are, decompressed where it is gzip."""
    if is_gzip(path):
        return cast("TextIO", gzip.open(path, "rt", encoding=encoding, newline=""))
    return path.open(encoding=encoding, newline="")


def first_bytes(path: Path, size: int) -> bytes:
    """The beginning of what a file holds, decompressed where it is gzip.

    Raises
    ------
    InputError
        If a gzip file is damaged.
    OSError
        If the file cannot be opened.
    """
    with path.open("rb") as raw:
        head = raw.read(2)
    if not is_gzip(path) or not head:
        with path.open("rb") as raw:
            return raw.read(size)
    with _telling_damage(path), gzip.open(path, "rb") as packed:
        return packed.read(size)


def bounded_lines(handle: TextIO, path: Path) -> Iterator[str]:
    """The lines of a text file, none of them longer than can be held.

    Raises
    ------
    InputError
        If a line is longer than `LINE_BYTES_MAX`.
    """
    number = 0
    while line := handle.readline(LINE_BYTES_MAX + 1):
        number += 1
        if len(line) > LINE_BYTES_MAX:
            raise _long_line(path, number)
        yield line


def csv_rows(
    path: Path, delimiter: str, encoding: str = UTF8, *, strict: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """The rows of a delimited file, each with the line on which it ends.

    Raises
    ------
    InputError
        If a line, a cell or a quotation mark is not as it must be; names the line.
    """
    with opened(path, encoding) as handle:
        rows = csv.reader(bounded_lines(handle, path), delimiter=delimiter, strict=strict)
        start = 1
        try:
            for cells in rows:
                yield rows.line_num, cells
                start = rows.line_num + 1
        except UnicodeDecodeError:
            raise _neither(path, undecodable_line(path, encoding)) from None
        except csv.Error as error:
            limit = "field limit" in str(error)
            reason = (
                "a quotation mark is opened and not closed, or a cell is longer than "
                f"{csv.field_size_limit():,} characters"
                if limit
                else str(error)
            )
            line = start if limit else rows.line_num
            raise InputError(f"{path.name}, line {line}: {reason}") from None


class _telling_damage:  # noqa: N801 - reads like the function it stands for
    """Turn what a damaged gzip file raises into one error."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (EOFError, gzip.BadGzipFile, zlib.error)):
            reason = "it ends too early" if isinstance(error, EOFError) else "its check sum differs"
            raise InputError(
                f"{self._path.name} is not a whole gzip file ({reason}); copy or save it again"
            ) from None


def _blocks(path: Path) -> Iterator[bytes]:
    size = min(BLOCK_BYTES, LINE_BYTES_MAX)
    with path.open("rb") as raw:
        if not is_gzip(path):
            while block := raw.read(size):
                yield block
            return
        with _telling_damage(path), gzip.open(raw, "rb") as packed:
            while block := cast("IO[bytes]", packed).read(size):
                yield block


class _Lines:
    """Watches that no line is longer than can be held."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0
        self._start = 0

    def take(self, block: bytes) -> None:
        end = b"\n" if b"\n" in block else b"\r"
        first = block.find(end)
        self._check(self._at + (len(block) if first < 0 else first))
        if first >= 0:
            self._start = self._at + block.rfind(end) + 1
        self._at += len(block)

    def close(self) -> None:
        self._check(self._at)

    def _check(self, end: int) -> None:
        if end - self._start > LINE_BYTES_MAX:
            raise _long_line(self._path, _line_at(self._path, self._start))


class _Marks:
    """Watches for a quotation mark that may be open over more text than can be held."""

    def __init__(self, path: Path) -> None:
        self.doubtful = False
        self._last = -1
        self._open = False
        self._at = 0
        self._before = b"\n"

    def take(self, block: bytes) -> None:
        first, last = block.find(b'"'), block.rfind(b'"')
        reach = self._at + (len(block) if first < 0 else first)
        if self._open and reach - self._last > LINE_BYTES_MAX // 2:
            self.doubtful = True
        if last >= 0:
            self._last = self._at + last
            before = block[last - 1 : last] if last else self._before
            after = block[last + 1 : last + 2]
            # A mark after a letter and before a separator closes; any other might be open.
            self._open = before in _EDGES or after not in _EDGES or not after
        self._before = block[-1:]
        self._at += len(block)


class _Letters:
    """Watches which encoding the letters beyond ASCII are of."""

    def __init__(self, path: Path) -> None:
        self.encoding = UTF8
        self._path = path
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._seen_utf8 = False
        self._at = 0

    def take(self, block: bytes) -> None:
        at, self._at = self._at, self._at + len(block)
        if self.encoding == UTF8 and not self._valid(block, at):
            self.encoding = WINDOWS
        if self.encoding == WINDOWS:
            self._check_windows(block, at)

    def close(self) -> None:
        if self.encoding == UTF8:
            try:
                self._decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                self.encoding = WINDOWS  # the last letter of the file, at its very end

    def _valid(self, block: bytes, at: int) -> bool:
        waiting = len(self._decoder.getstate()[0])
        if block.isascii() and not waiting:
            return True
        try:
            text = self._decoder.decode(block)
        except UnicodeDecodeError as error:
            bad = at - waiting + error.start
            head = block[: max(bad - at, 0)]
            mark = head[3:] if at == 0 and head.startswith(codecs.BOM_UTF8) else head
            if self._seen_utf8 or not mark.isascii():
                raise _mixed(self._path, _line_at(self._path, bad)) from None
            if at == 0 and head.startswith(codecs.BOM_UTF8):
                raise _mixed(self._path, _line_at(self._path, bad)) from None
            return False
        rest = text.removeprefix("\ufeff") if at == 0 else text
        self._seen_utf8 = self._seen_utf8 or not rest.isascii()
        return True

    def _check_windows(self, block: bytes, at: int) -> None:
        if block.isascii():
            return
        try:
            block.decode(WINDOWS)
        except UnicodeDecodeError as error:
            raise _neither(self._path, _line_at(self._path, at + error.start)) from None
        both = _TWICE_ENCODED.search(block)
        if both is not None:
            raise _mixed(self._path, _line_at(self._path, at + both.start()))


def _check_marks(path: Path, encoding: str) -> None:
    """Refuse a quotation mark that stays open; slow, so done only where there is doubt."""
    for _ in csv_rows(path, _likely_delimiter(path, encoding), encoding):
        pass


def _likely_delimiter(path: Path, encoding: str) -> str:
    with opened(path, encoding) as handle:
        head = next(bounded_lines(handle, path), "")
    return max((",", ";", "\t"), key=head.count)


def _line_at(path: Path, offset: int) -> int:
    """The number of the line that holds a byte."""
    line = 1
    for block in _blocks(path):
        line += block[:offset].count(b"\n")
        offset -= len(block)
        if offset <= 0:
            break
    return line


def undecodable_line(path: Path, encoding: str) -> int:
    """The first line that cannot be decoded; the file is decoded in blocks, which do not tell."""
    line = 1
    for block in _blocks(path):
        for content in block.splitlines(keepends=True):
            try:
                content.decode(encoding)
            except UnicodeDecodeError:
                return line
            line += content.endswith(b"\n")
    return line


def _long_line(path: Path, line: int) -> InputError:
    return InputError(
        f"{path.name}, line {line} is longer than {LINE_BYTES_MAX:,} bytes; "
        "a line end may be missing, or this is no text file"
    )


def _mixed(path: Path, line: int) -> InputError:
    return InputError(
        f"{path.name}, line {line}: the text is partly UTF-8 and partly not; "
        "save the file as 'CSV UTF-8' in one program"
    )


def _neither(path: Path, line: int) -> InputError:
    return InputError(
        f"{path.name}, line {line}: the text is neither UTF-8 nor Windows-1252; "
        "save the file as 'CSV UTF-8'"
    )
