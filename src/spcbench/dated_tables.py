"""Small tables about units that people keep beside their counts: as a file, or in memory."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spcbench.counts_cells import Place
from spcbench.counts_check import as_pandas
from spcbench.errors import InputError, suggest
from spcbench.notes_file import opened
from spcbench.reading import content_of, head_of


@dataclass(frozen=True, slots=True)
class _TableRows(Place):
    """Rows of a table in memory: it has a name in messages, and no lines."""

    def row(self, row: int) -> str:
        """One row, as people count."""
        number = row + 1 if self.lines is None else self.lines[row]
        return f"{self.source}, row {number}"


def table_of(source: Any, *, what: str) -> tuple[pd.DataFrame, Place]:
    """The cells of a table, and where they stand.

    Parameters
    ----------
    source : path, pandas, polars or Arrow table
        A CSV file has its columns named in line 1.
    what : str
        What it is, for messages: ``"the hierarchy"``.

    Raises
    ------
    InputError
        If the file is missing or not a CSV file.
    """
    if not isinstance(source, str | os.PathLike):
        return as_pandas(source), _TableRows(what)
    path = Path(source)
    looks = content_of(head_of(path))
    if looks:
        named = what.removeprefix("the ")
        raise InputError(f"{path.name} is not a CSV file of a {named}: it looks like {looks}")
    file = opened(path)
    cells = [[cell.strip() or None for cell in row] for row in file.cells]
    frame = pd.DataFrame(cells, columns=file.names, dtype="object")
    return frame, Place(file.source, text=True, lines=np.array(file.lines, dtype=np.int64))


def check_columns(
    frame: pd.DataFrame,
    place: Place,
    *,
    needed: Sequence[str],
    optional: Sequence[str],
    what: str,
    meant: Mapping[str, str] | None = None,
) -> None:
    """Refuse a table that lacks a column, has one twice, or one that is misspelt.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table.
    place : Place
        For messages.
    needed, optional : sequence of str
        Columns it must have, and may have.
    what : str
        What it is, for messages: ``"A hierarchy"``.
    meant : mapping of str to str, optional
        Other names that an optional column is given by mistake.

    Raises
    ------
    InputError
        Naming the column.
    """
    names = [str(name) for name in frame.columns]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InputError(f"{place.whole} has the column {repeated[0]!r} twice; keep one of them")
    for name in needed:
        if name not in names:
            raise InputError(
                f"{place.whole} has no column {name!r}; {suggest(name, names)}. {what} needs "
                f"the columns {', '.join(needed)}"
            )
    for name in names:
        # Other columns are welcome, but a misspelt date would be a date that is not heeded.
        near = get_close_matches(name.lower(), optional, n=1, cutoff=0.7)
        near = [meant[name.lower()]] if meant and name.lower() in meant else near
        if name not in (*needed, *optional) and near and near[0] not in names:
            raise InputError(f"{place.whole} has a column {name!r}; did you mean {near[0]!r}?")
