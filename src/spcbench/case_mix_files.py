"""Records that lie in a file, as a frame: which columns are numbers, categories or outcomes.

The cells of a text file do not say what they are. Nothing is guessed from a
part of them: a column is numbers if every cell is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spcbench.counts_cells import Place
from spcbench.counts_check import as_pandas
from spcbench.errors import InputError
from spcbench.measures.records_sql import named, open_records, rows_of_csv
from spcbench.numeric.segments import Flags, Floats
from spcbench.tables import FileScan, Table

TRUE = ("true", "yes", "y", "1")
FALSE = ("false", "no", "n", "0")
"""What an outcome may be written as in a text file; the same as when counting."""

_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_NONE = ("nan", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity")
"""Numbers that are none; missing, as when counting."""


@dataclass(frozen=True, slots=True)
class _FileRows(Place):
    """Rows of text files, whose lines are looked up when one has to be named."""

    paths: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    def row(self, row: int) -> str:
        """One row, as a spreadsheet numbers it."""
        if "delimiter" not in self.options:  # one record a line, and no names above them
            return f"{self.source}, line {row + 1}"
        for path in self.paths:
            lines = rows_of_csv(path, self.options, skipped=set())
            if row < len(lines):
                return f"{Path(path).name}, line {lines[row]}"
            row -= len(lines)
        raise IndexError(row)


def table_frame(
    table: Table, columns: Sequence[str], *, beside: Iterable[str] = ()
) -> tuple[pd.DataFrame, Place]:
    """The wanted columns of what a reader gave, and where its rows stand.

    Parameters
    ----------
    table : Table
        Records or counts. The cells of a text file stay text, and the place
        says so.
    columns : sequence of str
        Those that must be there.
    beside : iterable of str
        Those that come along where they exist.

    Raises
    ------
    InputError
        If a column is missing, or the file cannot be read or has a row with
        too few or too many cells.
    """
    scan = table.data
    if not isinstance(scan, FileScan):
        return as_pandas(scan), Place(table.source, table.text, table.lines)
    import duckdb

    with closing(open_records(table, columns=columns, beside=beside)) as records:
        wanted = ", ".join(named(name) for name in records.natives if name in {*columns, *beside})
        query = f"SELECT {wanted} FROM {records.relation}"
        try:
            found = records.connection.sql(query).to_arrow_table()
        except duckdb.Error as error:
            # The first line says what is wrong; the others may quote the data.
            reason = str(error).splitlines()[0]
            raise InputError(f"{table.source}: cannot be read ({reason})") from error
        ragged = records.ragged()
    if ragged:
        path, line, fault = ragged[0]
        more = f" ({len(ragged):,} such rows)" if len(ragged) > 1 else ""
        raise InputError(f"{Path(path).name}, line {line} has {fault}; correct the file{more}")
    if scan.form == "parquet":
        return as_pandas(found), Place(table.source)
    rows = _FileRows(table.source, True, None, scan.paths, scan.options)
    return as_pandas(found), rows


def outcome_cells(cells: pd.Series, place: Place) -> pd.Series:
    """Text cells of an outcome as 1, 0 and missing.

    Parameters
    ----------
    cells : pandas.Series
        Text.
    place : Place
        For messages, which never say what stands in a record.

    Raises
    ------
    InputError
        If a cell is neither.

    Examples
    --------
    >>> outcome_cells(pd.Series(["true", "no", " ", "1"]), Place("births.csv")).to_list()
    [1.0, 0.0, nan, 1.0]
    """
    codes, words = _distinct(cells)
    low = words.str.lower()
    made = np.where(low.isin(TRUE), 1.0, np.where(low.isin(FALSE), 0.0, np.nan))
    odd = np.isnan(made) & ~words.eq("").to_numpy(dtype=np.bool_)
    bad = _spread(odd, codes)
    if bad.any():
        raise InputError(
            f"{place.at(int(np.argmax(bad)), str(cells.name))} is no outcome: a cell is 1, true or "
            "yes for a case in which it happened, 0, false or no for one in which it did not, "
            "blank where that is not known" + place.also(bad)
        )
    return pd.Series(_spread_numbers(made, codes), name=cells.name)


def covariate_cells(cells: pd.Series, place: Place, *, category: bool) -> pd.Series:
    """Text cells of a covariate as numbers, or as text for a category.

    Parameters
    ----------
    cells : pandas.Series
        Text.
    place : Place
        For messages.
    category : bool
        Whether it is a category even if its cells look like numbers.

    Raises
    ------
    InputError
        If some cells are numbers and others are not.

    Examples
    --------
    >>> covariate_cells(pd.Series(["30", "", "31.5"]), Place("a"), category=False).to_list()
    [30.0, nan, 31.5]
    """
    codes, words = _distinct(cells)
    low = words.str.lower()
    nothing = words.eq("") | (low.isin(_NONE) if not category else False)
    number = words.str.fullmatch(_NUMBER) & ~nothing
    truth = low.isin(("true", "false")) & ~nothing
    if category or not (number | truth).any() or nothing.all():
        levels = words.mask(words.eq("")).astype("category").array
        return pd.Series(levels.take(codes, allow_fill=True), name=cells.name)
    kept = truth if truth.any() and not number.any() else number
    other = _spread((~kept & ~nothing).to_numpy(dtype=np.bool_), codes)
    if other.any():
        raise InputError(_mixed(cells, place, other, int(_spread(number.to_numpy(), codes).sum())))
    made = np.where(low.eq("true"), 1.0, 0.0)
    if kept is number:
        made = pd.to_numeric(words.where(number).astype("object")).to_numpy(dtype=np.float64)
    return pd.Series(_spread_numbers(np.where(nothing, np.nan, made), codes), name=cells.name)


def _mixed(cells: pd.Series, place: Place, other: Flags, numbers: int) -> str:
    name, count = str(cells.name), int(other.sum())
    return (
        f"{place.at(int(np.argmax(other)), name)} is not a number, though {numbers:,} other cells "
        f"of the column are ({count:,} {'is' if count == 1 else 'are'} not); correct "
        f"{'it' if count == 1 else 'them'}, or say that the column is a category: "
        f"categories=[{name!r}] (--category {name})"
    )


def _distinct(cells: pd.Series) -> tuple[np.ndarray, pd.Series]:
    """The number of each cell's text, −1 where there is none, and the texts, trimmed."""
    codes, texts = pd.factorize(cells)
    return codes, pd.Series(texts, dtype=cells.dtype).str.strip()


def _spread(flags: np.ndarray, codes: np.ndarray) -> Flags:
    return np.asarray(np.append(flags, False)[codes], dtype=np.bool_)


def _spread_numbers(values: np.ndarray, codes: np.ndarray) -> Floats:
    return np.asarray(np.append(values, np.nan)[codes], dtype=np.float64)
