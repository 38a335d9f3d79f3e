"""Reading files: finding the reader that knows each, and checking counts on the way in."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from spcbench.errors import AmbiguousNameError, InputError, OptionError, PluginError
from spcbench.text_files import first_bytes, is_gzip

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
    sheet: str | None = None,
    date_format: str | None = None,
    suppressed: Sequence[str] = (),
    on_error: str = "raise",
    host: PluginHost | None = None,
) -> Table:
    """Records or counts from a file, or records from many; which of the two, the reader says.

    Parameters
    ----------
    path : str or Path
        A file; or a folder, or a pattern such as ``"births/*.csv"``, whose
        files hold records with the same columns in any order, or counts of
        one publication whose reader can join them.
    reader : str, optional
        Which reader to use (see ``spcbench readers``); without it the ending
        and the first bytes of the file decide, and a reader that knows one
        publication goes before a general one.
    sheet : str, optional
        For workbooks: name of the sheet; the first by default.
    date_format : str, optional
        For counts: how periods are written in text when not as YYYY-MM-DD.
    suppressed : sequence of str
        For counts: cell texts that stand for a suppressed figure, such as ``"*"``.
    on_error : str
        For folders and patterns: ``"raise"`` stops at a file that cannot be
        read, ``"skip_file"`` leaves it out and says so in the provenance.
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

    if on_error not in ("raise", "skip_file"):
        raise OptionError(f"on_error must be 'raise' or 'skip_file', not {on_error!r}")
    if not str(path).strip():
        raise OptionError("path is empty; give the name of a file or folder")
    host = host or default_host()
    one = partial(read_one, reader=reader, sheet=sheet, host=host)
    from spcbench.reading_folder import files_of, joined, read_set

    files = files_of(Path(path))
    if files is not None:
        table = read_set(Path(path), files, skip=on_error == "skip_file", read=one, host=host)
    else:
        table, chosen = one(Path(path))
        table = joined([table], chosen, host) if table.kind == "counts" else table
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


def read_one(
    file: Path, *, reader: str | None, sheet: str | None, host: PluginHost
) -> tuple[Table, Reader]:
    """What the reader of one file makes of it, and that reader; counts are not checked yet.

    Raises
    ------
    InputError, OptionError, PluginError
        As `read`.
    """
    from spcbench.tables import Table

    head = head_of(file)
    chosen = host.reader(reader) if reader is not None else _choose(file, head, host)
    more = {} if sheet is None else {"sheet": sheet}
    if more and "sheet" not in inspect.signature(chosen.read).parameters:
        raise OptionError(f"{file.name} has no sheets; leave out sheet={sheet!r}")
    with host.using(chosen):
        table = chosen.read(file, **more)
    if not isinstance(table, Table):
        raise PluginError(
            f"reader {chosen.id!r} gave {type(table).__name__} for {file.name}, wanted a Table"
        )
    return table, chosen


def holds_counts(columns: Iterable[str]) -> bool:
    """Whether columns are those of counts rather than of records.

    Examples
    --------
    >>> holds_counts(["measure", "unit", "period", "numerator", "denominator"])
    True
    >>> holds_counts(["unit", "birth_date"])
    False
    """
    names = {str(name).strip().lower() for name in columns}  # the check then names the misspelt
    return {"measure", "unit", "period"} <= names and bool({"numerator", "value", "mean"} & names)


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
        At most `HEAD_BYTES`, decompressed where the name ends in ``.gz``.

    Raises
    ------
    InputError
        If the file is missing, a folder, empty, or cannot be opened.
    """
    try:
        if file.is_dir():
            raise InputError(f"{file} is a folder; name a file in it")
        with file.open("rb") as opened:
            head = opened.read(2)
        if head != b"\x1f\x8b" and is_gzip(file) and head:
            raise InputError(f"{file.name} is not what its ending '.gz' says")
        head = first_bytes(file, HEAD_BYTES)
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
    if content == "a gzip archive":
        content += f"; name it {file.name}.gz"
    looks = f"it looks like {content}" if content else "its first bytes say something else"
    raise InputError(f"{file.name} is not what its ending {file.suffix!r} says: {looks}")


def _recognises(one: Offered[Reader], head: bytes, file: Path, host: PluginHost) -> bool:
    with host.using(one.record):
        return bool(one.record.sniff(head, file))
