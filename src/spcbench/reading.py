"""Reading a file: finding the reader that knows it, and checking counts on the way in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from spcbench.errors import AmbiguousNameError, InputError, PluginError

if TYPE_CHECKING:
    from spcbench.plugin.host import PluginHost
    from spcbench.plugin.names import Offered
    from spcbench.plugin.records import Reader
    from spcbench.tables import Table

HEAD_BYTES = 65_536
"""How much of a file the readers see before one of them is chosen."""

_SIGNATURES = (
    (b"PAR1", "a Parquet file"),
    (b"PK\x03\x04", "an Excel workbook or other zip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\xff\xfe", "UTF-16 text; save it as 'CSV UTF-8'"),
    (b"\xfe\xff", "UTF-16 text; save it as 'CSV UTF-8'"),
    (b"SQLite format 3", "an SQLite database"),
)


def read(
    path: str | Path,
    *,
    reader: str | None = None,
    date_format: str | None = None,
    suppressed: Sequence[str] = (),
    host: PluginHost | None = None,
) -> Table:
    """Records or counts from a file; which of the two, the reader says.

    Parameters
    ----------
    path : str or Path
        The file.
    reader : str, optional
        Which reader to use (see ``spcbench readers``); without it the ending
        and the first bytes of the file decide, and a reader that knows one
        publication goes before a general one.
    date_format : str, optional
        For counts: how periods are written in text when not as YYYY-MM-DD.
    suppressed : sequence of str
        For counts: cell texts that stand for a suppressed figure, such as ``"*"``.
    host : PluginHost, optional
        Where readers are found; the default host if none is given.

    Returns
    -------
    Table
        Counts are checked and in the order and types of the contract.
        Records are left where they lie; `count` reads them.

    Raises
    ------
    InputError
        If the file is missing, empty, not what its ending says, of an unknown
        ending, or malformed; names file and line.
    UnknownNameError, AmbiguousNameError
        If there is no such reader, or several know the file.
    """
    from spcbench.plugin.host import default_host
    from spcbench.tables import Table

    file = Path(path)
    host = host or default_host()
    head = head_of(file)
    chosen = host.reader(reader) if reader is not None else _choose(file, head, host)
    with host.using(chosen):
        table = chosen.read(file)
    if not isinstance(table, Table):
        raise PluginError(
            f"reader {chosen.id!r} gave {type(table).__name__} for {file.name}, wanted a Table"
        )
    if table.kind == "records":
        return table
    from spcbench.counts_cells import Place
    from spcbench.counts_check import checked

    found = checked(
        table.data,
        place=Place(table.source, table.text),
        date_format=date_format,
        suppressed=suppressed,
    )
    lines = found.order + 2 if table.text else None
    return replace(table, data=found.frame, text=False, lines=lines)


def content_of(head: bytes) -> str:
    """What a file is by its first bytes, in words; empty when nothing gives it away.

    Parameters
    ----------
    head : bytes
        The beginning of a file.

    Examples
    --------
    >>> content_of(b"PAR1...")
    'a Parquet file'
    >>> content_of(b"unit,date")
    ''
    """
    for signature, words in _SIGNATURES:
        if head.startswith(signature):
            return words
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page or XML (a download that needed a login is often saved like this)"
    return "binary data" if b"\x00" in head else ""


def head_of(file: Path) -> bytes:
    """The first bytes of a file that is there and not empty.

    Parameters
    ----------
    file : Path
        The file.

    Returns
    -------
    bytes
        At most `HEAD_BYTES`.

    Raises
    ------
    InputError
        If the file is missing, a folder, empty, or cannot be opened.
    """
    try:
        if file.is_dir():
            raise InputError(f"{file} is a folder; name a file in it")
        with file.open("rb") as opened:
            head = opened.read(HEAD_BYTES)
    except FileNotFoundError:
        raise InputError(f"there is no file {file}; check the name and the folder") from None
    except OSError as error:
        raise InputError(f"{file}: cannot be opened ({error.strerror})") from None
    if not head.strip():
        raise InputError(f"{file.name} is empty")
    return head


def _choose(file: Path, head: bytes, host: PluginHost) -> Reader:
    """The one reader that recognises the file; those of one publication come first."""
    name = file.name.lower()
    fitting = [one for one in host.readers() if name.endswith(one.record.suffixes)]
    if not fitting:
        endings = sorted({suffix for one in host.readers() for suffix in one.record.suffixes})
        raise InputError(
            f"{file.name}: no reader knows files ending in {file.suffix or 'nothing'!r}; "
            f"known endings: {', '.join(endings)}"
        )
    for general in (False, True):
        found = [one for one in fitting if one.record.general is general]
        knowing = [one for one in found if _recognises(one, head, file, host)]
        # Of two general readers the built-in one is meant, as for every bare name.
        knowing = [one for one in knowing if one.builtin] or knowing if general else knowing
        if len(knowing) > 1:
            listed = ", ".join(one.full_name for one in knowing)
            raise AmbiguousNameError(
                f"several readers know {file.name}: {listed}; say which with reader="
            )
        if knowing:
            return knowing[0].record
    content = content_of(head)
    looks = f"it looks like {content}" if content else "its first bytes say something else"
    raise InputError(f"{file.name} is not what its ending {file.suffix!r} says: {looks}")


def _recognises(one: Offered[Reader], head: bytes, file: Path, host: PluginHost) -> bool:
    with host.using(one.record):
        return bool(one.record.sniff(head, file))
