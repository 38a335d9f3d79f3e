"""Reading the cells of a table of counts: texts, dates, numbers, and where they stand."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Number

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.api import types

from spcbench.errors import InputError, suggest
from spcbench.numeric.segments import Flags, Integers
from spcbench.tables import DATE, STRING, category

LARGEST = 2.0**53
"""Whole numbers beyond this are no longer all different as floats."""

_ISO = r"\d{4}-\d{2}(-\d{2}([ T]00:00(:00(\.0+)?)?)?)?"
_MARK = re.compile(r"[<>≤≥]?=? ?\d{1,2}( ?[-–] ?\d{1,2})?|\d{1,2} or (fewer|less)")
"""A suppressed count written as a bound or a range, such as ``<5`` or ``1-7``."""

_NUMBER = r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cell stands, in words for a message.

    Parameters
    ----------
    source : str, optional
        The file's name.
    text : bool
        True for a text file, whose line 1 is the header.
    lines : array of int, optional
        Line of the file that each row came from, once rows have been sorted.
    """

    source: str | None
    text: bool = False
    lines: Integers | None = None

    @property
    def whole(self) -> str:
        """The table as a whole."""
        return self.source or "the table"

    def row(self, row: int) -> str:
        """One row, counted from 0 here and as people count in the message."""
        if self.lines is not None:
            words = f"{'line' if self.source else 'row'} {self.lines[row]}"
        else:
            words = f"line {row + 2}" if self.text else f"row {row + 1}"
        return f"{self.source}, {words}" if self.source else words

    def at(self, row: int, column: str) -> str:
        """One cell."""
        return f"{self.row(row)}, column {column!r}"

    @staticmethod
    def also(bad: Flags) -> str:
        """How many rows share the fault."""
        count = int(bad.sum())
        return f" ({count:,} such rows)" if count > 1 else ""


def words(
    cells: pd.Series, place: Place, *, required: bool = False, choices: Sequence[str] = ()
) -> pd.Series:
    """Text cells, trimmed; blank means missing.

    Parameters
    ----------
    cells : pandas.Series
        Text, or a category of text.
    place : Place
        For messages.
    required : bool
        Whether a missing cell is an error.
    choices : sequence of str
        The only words allowed; the result is then a category.

    Raises
    ------
    InputError
        For the first cell that is not text, missing though required, or not
        one of the choices.
    """
    return named(cells, place, required=required, choices=choices)[0]


def named(
    cells: pd.Series, place: Place, *, required: bool = False, choices: Sequence[str] = ()
) -> tuple[pd.Series, Integers | None]:
    """Text cells as `words` gives them, and their `changes` where those are known already."""
    name = str(cells.name)
    if types.is_numeric_dtype(cells.dtype) and not cells.isna().all():
        raise InputError(
            f"{place.at(0, name)}: {cells.iloc[0]} is a number, expected text; codes that look "
            "like numbers lose their leading zeros, so read that column as text"
        )
    if choices and not required and _is_coded(cells, choices):
        return cells, None
    made = cells if cells.dtype == STRING else cells.astype("object").astype(STRING)
    starts = None if choices else changes(made)
    if starts is not None and _tidy(made, starts, required=required):
        return made, starts
    blank = made.isna().to_numpy()
    stripped = made.str.strip()
    blank = blank | stripped.fillna("x").eq("").to_numpy(dtype=np.bool_)
    if required and blank.any():
        raise InputError(
            f"{place.at(int(np.argmax(blank)), name)} is blank; every row needs a {name}"
            + place.also(blank)
        )
    made = stripped if not blank.any() else stripped.mask(blank)
    if not choices:
        return made, None
    wrong = ~blank & ~made.isin(choices).to_numpy()
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(
            f"{place.at(row, name)}: {made.iloc[row]!r} is not a {name}; "
            f"{suggest(str(made.iloc[row]), choices)}" + place.also(wrong)
        )
    coded = pd.Categorical(made.astype("object"), categories=list(choices))
    return pd.Series(coded, name=name), None


def changes(cells: pd.Series) -> Integers:
    """Rows whose text differs from the row before, the first among them; shape (changes,).

    Tables come grouped by unit, so this spares hashing every row.
    """
    held = pa.chunked_array(cells.array.__arrow_array__())
    # Combining would copy all texts, also where there is nothing to combine.
    texts = held.chunk(0) if held.num_chunks == 1 else held.combine_chunks()
    if not len(texts):
        return np.zeros(0, dtype=np.int64)
    differs = pc.not_equal(texts[1:], texts[:-1]).fill_null(True)
    return np.flatnonzero(np.append(True, differs.to_numpy(zero_copy_only=False)))


def _is_coded(cells: pd.Series, choices: Sequence[str]) -> bool:
    """Whether cells are the category already that these choices make."""
    if not isinstance(cells.dtype, pd.CategoricalDtype) or cells.dtype.ordered:
        return False
    return bool(cells.dtype.categories.identical(category(tuple(choices)).categories))


def _tidy(cells: pd.Series, starts: Integers, *, required: bool) -> bool:
    """Whether no text is blank or padded, or missing though required."""
    distinct = pd.Series(cells.array.take(starts), dtype=STRING)
    missing = distinct.isna()
    trimmed = distinct.str.strip()
    tidy = missing | (trimmed.eq(distinct) & trimmed.ne(""))
    return bool(tidy.all()) and not (required and bool(missing.any()))


def dates(
    cells: pd.Series, place: Place, *, date_format: str | None = None, required: bool = False
) -> pd.Series:
    """Dates without time or time zone; text must be in ISO order unless the format is given.

    Raises
    ------
    InputError
        For the first cell that is not such a date, or missing though required.
    """
    name = str(cells.name)
    if isinstance(cells.dtype, pd.DatetimeTZDtype):
        raise InputError(_zoned(name, place))
    if types.is_datetime64_dtype(cells.dtype):
        made = cells.astype(DATE)
    else:
        made = _parsed(cells, place, name, date_format)
    missing = made.isna().to_numpy()
    if required and missing.any():
        raise InputError(
            f"{place.at(int(np.argmax(missing)), name)} is blank; every row needs a date"
            + place.also(missing)
        )
    timed = ~missing & (made.to_numpy() != made.to_numpy().astype("datetime64[D]"))
    if timed.any():
        row = int(np.argmax(timed))
        raise InputError(
            f"{place.at(row, name)}: {made.iloc[row]} holds a time of day; a period is the date "
            "of its first day" + place.also(timed)
        )
    return made


def _parsed(cells: pd.Series, place: Place, name: str, date_format: str | None) -> pd.Series:
    loose = cells.astype("object")
    is_text = loose.map(lambda cell: isinstance(cell, str)).to_numpy(dtype=np.bool_)
    blank = loose.isna().to_numpy() | loose.map(
        lambda cell: isinstance(cell, str) and not cell.strip()
    ).to_numpy(dtype=np.bool_)
    is_date = loose.map(lambda cell: isinstance(cell, datetime.date)).to_numpy(dtype=np.bool_)
    wrong = ~(is_text | is_date | blank)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(
            f"{place.at(row, name)}: {loose.iloc[row]!r} is not a date; expected a date or text "
            "as YYYY-MM-DD" + place.also(wrong)
        )
    texts = loose.where(is_text & ~blank).astype(STRING).str.strip()
    form, well = "ISO8601", texts.str.fullmatch(_ISO, na=False).to_numpy(dtype=np.bool_)
    if date_format is not None:
        form, well = date_format, is_text
    made = pd.to_datetime(texts.where(well), format=form, errors="coerce").astype(DATE)
    if is_date.any():
        try:
            objects = pd.to_datetime(loose.where(is_date)).astype(DATE)
        except (ValueError, TypeError) as error:
            raise InputError(_zoned(name, place)) from error
        made = made.where(~is_date, objects)
    bad = ~blank & made.isna().to_numpy()
    if bad.any():
        row = int(np.argmax(bad))
        raise InputError(
            _not_a_date(place.at(row, name), str(loose.iloc[row]), date_format) + place.also(bad)
        )
    return made.rename(name)


def _zoned(name: str, place: Place) -> str:
    return (
        f"column {name!r} of {place.whole} has a time zone; a period is a date: "
        "convert it with .dt.tz_localize(None) after choosing the local day"
    )


def _not_a_date(where: str, cell: str, date_format: str | None) -> str:
    if date_format is not None:
        return f"{where}: {cell!r} is not a date written as {date_format!r}"
    if re.fullmatch(r"\d{5}(\.0*)?", cell.strip()):
        return (
            f"{where}: {cell!r} is not a date but the number that a spreadsheet keeps for one; "
            "give the column a date format there, YYYY-MM-DD, and save it again"
        )
    named = re.fullmatch(r"[A-Za-z]{3}([ -])(\d{2}|\d{4})", cell.strip())
    form = f"%b{named[1]}{'%y' if len(named[2]) == 2 else '%Y'}" if named else "%d/%m/%Y"
    return (
        f"{where}: {cell!r} is not a date in ISO order (YYYY-MM-DD), and the order is never "
        f"guessed; say how dates are written, such as date_format={form!r} "
        f"(--date-format {form!r})"
    )


def numbers(
    cells: pd.Series, place: Place, *, whole: bool, markers: Sequence[str] = ()
) -> tuple[pd.Series, Flags]:
    """Numbers, and which cells hold a marker of suppression.

    Parameters
    ----------
    cells : pandas.Series
        Numbers, with markers among them; or text if the place is a text file.
    place : Place
        For messages.
    whole : bool
        Whether only whole numbers of 0 or more will do; the result is then
        Int64, else float64.
    markers : sequence of str
        Texts that stand for a suppressed count.

    Returns
    -------
    pandas.Series
        Missing where blank or marked.
    array of bool
        True where a marker stood.

    Raises
    ------
    InputError
        For the first cell that is no number, infinite, or not a count.
    """
    name = str(cells.name)
    marked = np.zeros(len(cells), dtype=np.bool_)
    if types.is_numeric_dtype(cells.dtype) and not types.is_bool_dtype(cells.dtype):
        plain = cells
    elif cells.isna().all():
        plain = pd.Series(np.full(len(cells), np.nan), name=name)
    else:
        plain, marked = _from_text(cells, place, name, markers)
    if plain.dtype == pd.Int64Dtype() or types.is_integer_dtype(plain.dtype):
        made = plain.astype("Int64" if whole else "float64")
    else:
        made = plain.astype("float64")
        _refuse(np.isinf(made.to_numpy()), made, place, "is not a finite number")
        if whole:
            values = made.to_numpy()
            _refuse(values > LARGEST, made, place, "is larger than any count can be")
            fraction = np.flatnonzero(values != np.floor(values)) if values.size else ()
            broken = np.zeros(values.size, dtype=np.bool_)
            broken[[row for row in fraction if not np.isnan(values[row])]] = True
            _refuse(broken, made, place, "is not a whole number; counts are whole")
            made = made.astype("Int64")
    if whole:
        negative = made.lt(0).fillna(False).to_numpy(dtype=np.bool_)
        _refuse(negative, made, place, "is negative; counts are 0 or more")
    return made, marked


def _refuse(bad: Flags, cells: pd.Series, place: Place, why: str) -> None:
    if bad.any():
        row = int(np.argmax(bad))
        value = cells.iloc[row]
        raise InputError(f"{place.at(row, str(cells.name))}: {value:.15g} {why}" + place.also(bad))


def _from_text(
    cells: pd.Series, place: Place, name: str, markers: Sequence[str]
) -> tuple[pd.Series, Flags]:
    texts = cells.astype("object").map(lambda cell: cell.strip() if isinstance(cell, str) else cell)
    blank = texts.isna().to_numpy() | texts.eq("").to_numpy(dtype=np.bool_)
    marked = texts.isin(list(markers)).to_numpy()
    as_text = texts.where(~blank & ~marked).astype(STRING)
    well = as_text.str.fullmatch(_NUMBER, na=False).to_numpy(dtype=np.bool_)
    if not place.text:
        # A frame may hold numbers beside its markers, but no numbers written as text.
        # Polars and Arrow have no columns of both: with a marker in it, all is text.
        numeric = texts.map(_is_number).to_numpy(dtype=np.bool_)
        well = (well | numeric) if marked.any() else numeric
    bad = ~blank & ~marked & ~well
    if bad.any():
        row = int(np.argmax(bad))
        wrong = _not_a_number(texts.iloc[row], text=place.text)
        raise InputError(f"{place.at(row, name)}: {wrong}{place.also(bad)}")
    return pd.to_numeric(as_text.astype("object")).astype("float64").rename(name), marked


def _is_number(cell: object) -> bool:
    return isinstance(cell, Number) and not isinstance(cell, bool | np.bool_)


def _not_a_number(cell: object, *, text: bool) -> str:
    if text:
        return f"{cell!r} is {_text_advice(str(cell))}"
    if isinstance(cell, str):
        return f"{cell!r} is text, expected a number; convert the column to numbers first"
    return f"{cell} is not a number; convert the column to numbers first"


def _text_advice(cell: str) -> str:
    if cell.replace(",", "").strip().isdigit():
        return "not a plain number; write it without thousands separators"
    if any(letter.isdigit() for letter in cell) and not _MARK.fullmatch(cell.strip()):
        return "not a number; write the number alone, without a unit or a sign"
    return (
        "not a number; if it marks a suppressed count say so with "
        f"suppressed={cell!r} (--suppressed {cell!r})"
    )
