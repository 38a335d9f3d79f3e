"""Reading a folder, or the files that a pattern finds, as one table."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from spcbench.errors import InputError, PluginError
from spcbench.record_sets import RecordSet

if TYPE_CHECKING:
    from spcbench.plugin.host import PluginHost
    from spcbench.plugin.records import Reader
    from spcbench.tables import Table

_LITTER = ("thumbs.db", "desktop.ini")
"""Files that Windows leaves in folders; marks of jobs and hidden files begin with _ . or ~."""


def files_of(path: Path) -> list[Path] | None:
    """The files of a folder or of a pattern, in the order of their names.

    Parameters
    ----------
    path : Path
        A folder (its own files, not those of folders in it), a pattern with
        ``*``, ``?`` or ``[``, or the name of one file.

    Returns
    -------
    list of Path or None
        None for the name of one file, whatever signs it holds.

    Raises
    ------
    InputError
        If the folder or the pattern has no file.
    """
    if path.is_dir():
        found = [one for one in path.iterdir() if one.is_file()]
    elif not path.exists() and any(sign in str(path) for sign in "*?["):
        found = [one for one in _matching(path) if one.is_file()]
    else:
        return None
    files = sorted(one for one in found if not _is_litter(one))
    if not files:
        raise InputError(f"there is no file in {path}; check the name and the folder")
    return files


def read_set(
    place: Path,
    files: Sequence[Path],
    *,
    skip: bool,
    read: Callable[[Path], tuple[Table, Reader]],
    host: PluginHost,
) -> Table:
    """The records, or the counts, of several files as one table.

    Parameters
    ----------
    place : Path
        The folder or pattern, for messages.
    files : sequence of Path
        At least one.
    skip : bool
        Leave out a file that cannot be read, and say so.
    read : callable
        Reads one file, and says which reader did.
    host : PluginHost
        Whose readers they are.

    Raises
    ------
    InputError
        If a file cannot be read, or holds counts that its reader cannot join,
        and is not to be left out; if no file is left; if they are not all
        records, nor all counts of one publication; or if two files of records
        are of the same.
    """
    from spcbench.tables import Table

    parts: list[Table] = []
    left_out: list[str] = []
    readers: list[Reader] = []
    for file in files:
        try:
            table, reader = read(file)
            parts.append(_to_be_joined(table, reader))
            readers.append(reader)
        except InputError as error:
            if not skip:
                more = (
                    "" if len(files) == 1 else f" (one of the {len(files)} files of {place.name})"
                )
                raise InputError(f"{error}{more}") from None
            left_out.append(str(error))
    if not parts:
        raise InputError(f"none of the files of {place.name} can be read; first: {left_out[0]}")
    if any(part.kind == "counts" for part in parts):
        _check_one_publication(parts, readers)
        _tell(left_out)
        return replace(joined(parts, readers[0], host), source=place.name)
    _check_each_once(parts)
    data = RecordSet(parts=tuple(parts), left_out=tuple(left_out), skip=skip)
    return Table(kind="records", data=data, source=place.name)


def _check_each_once(parts: Sequence[Table]) -> None:
    """Refuse two files of the same; which is the right one, is not for a reader to say."""
    seen: dict[str, str] = {}
    for part in parts:
        first = seen.setdefault(part.covers, part.source) if part.covers else part.source
        if first != part.source:
            raise InputError(
                f"{first} and {part.source} are both of {part.covers}, and every record would "
                "count twice; keep one of them"
            )


def joined(parts: Sequence[Table], reader: Reader, host: PluginHost) -> Table:
    """One table of counts from those of files of one publication.

    Parameters
    ----------
    parts : sequence of Table
        Counts, at least one; one alone stays as it is if the reader joins none.
    reader : Reader
        What read them.
    host : PluginHost
        Whose reader it is.

    Raises
    ------
    InputError
        If the reader refuses to join them.
    PluginError
        If it gives something else than a table of counts.
    """
    from spcbench.tables import Table

    if reader.join is None:
        return parts[0]
    with host.using(reader):
        table = reader.join(parts)
    if not isinstance(table, Table) or table.kind != "counts":
        raise PluginError(f"reader {reader.id!r}: join must give a Table of counts")
    return table


def _to_be_joined(table: Table, reader: Reader) -> Table:
    if table.kind == "counts" and reader.join is None:
        raise InputError(
            f"{table.source} holds counts; files that are read together must hold records"
        )
    return table


def _check_one_publication(parts: Sequence[Table], readers: Sequence[Reader]) -> None:
    if all(reader is readers[0] for reader in readers):
        return
    must = "files that are read together must be of one publication"
    choose = "choose with a pattern such as 'folder/*measures*.csv'"
    known = next((one for one in readers if not one.general), None)
    odd = next((part for part, one in zip(parts, readers, strict=True) if one.general), None)
    if known is not None and odd is not None:
        raise InputError(
            f"{odd.source} is not recognised as {known.title!r}, as other files there are"
            f"{_why_not(odd)}; {must}: move it away, or {choose}"
        )
    part, reader = next(
        (part, one) for part, one in zip(parts, readers, strict=True) if one is not readers[0]
    )
    raise InputError(
        f"{parts[0].source} is read as {readers[0].title!r}, {part.source} as "
        f"{reader.title!r}; {must}: move one away, or {choose}"
    )


def _why_not(part: Table) -> str:
    """What may have become of a file that the reader of its publication does not know."""
    mark = getattr(part.data, "options", {}).get("delimiter", ",")
    if mark != ",":
        named = "semicolons" if mark == ";" else "tabs"
        return f": its cells stand between {named}; save it again with commas, as it was published"
    return ": its columns are not those of the publication (notes about the data look like this)"


def _tell(left_out: Sequence[str]) -> None:
    from spcbench.text_files import InputWarning

    for reason in left_out:
        warnings.warn(f"left out: {reason}", InputWarning, stacklevel=4)


def _matching(path: Path) -> list[Path]:
    """Files found by a pattern; only the part after the last plain folder is a pattern."""
    parts = path.parts
    first = next(i for i, part in enumerate(parts) if any(sign in part for sign in "*?["))
    return list(Path(*parts[:first]).glob(str(Path(*parts[first:]))))


def _is_litter(path: Path) -> bool:
    return path.name.startswith((".", "_", "~")) or path.name.lower() in _LITTER
