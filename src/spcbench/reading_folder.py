"""Reading a folder, or the files that a pattern finds, as one table of records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from spcbench.errors import InputError
from spcbench.record_sets import RecordSet

if TYPE_CHECKING:
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
    read: Callable[[Path], Table],
) -> Table:
    """The records of several files as one table.

    Parameters
    ----------
    place : Path
        The folder or pattern, for messages.
    files : sequence of Path
        At least one.
    skip : bool
        Leave out a file that cannot be read, and say so.
    read : callable
        Reads one file.

    Raises
    ------
    InputError
        If a file cannot be read or holds counts, and is not to be left out;
        if no file is left; or if two files are of the same.
    """
    from spcbench.tables import Table

    parts, left_out = [], []
    for file in files:
        try:
            parts.append(_records(read(file)))
        except InputError as error:
            if not skip:
                more = (
                    "" if len(files) == 1 else f" (one of the {len(files)} files of {place.name})"
                )
                raise InputError(f"{error}{more}") from None
            left_out.append(str(error))
    if not parts:
        raise InputError(f"none of the files of {place.name} can be read; first: {left_out[0]}")
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


def _records(table: Table) -> Table:
    if table.kind == "counts":
        raise InputError(
            f"{table.source} holds counts; files that are read together must hold records"
        )
    return table


def _matching(path: Path) -> list[Path]:
    """Files found by a pattern; only the part after the last plain folder is a pattern."""
    parts = path.parts
    first = next(i for i, part in enumerate(parts) if any(sign in part for sign in "*?["))
    return list(Path(*parts[:first]).glob(str(Path(*parts[first:]))))


def _is_litter(path: Path) -> bool:
    return path.name.startswith((".", "_", "~")) or path.name.lower() in _LITTER
