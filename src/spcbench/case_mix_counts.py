"""Records and their risks become counts by unit and period."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from spcbench.case_mix_records import Cases
from spcbench.counts_cells import Place, dates, words
from spcbench.counts_check import check_counts
from spcbench.errors import InputError
from spcbench.intake import as_date
from spcbench.measures.entry import YEARS
from spcbench.numeric.segments import Flags, Floats, Integers
from spcbench.tables import STATUS, STRING

Days = np.ndarray[Any, np.dtype[np.datetime64]]

_TIME = r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Unit and day of each record, and how long periods last.

    Parameters
    ----------
    unit : pandas.Series
        Codes.
    day : array of datetime64[D], shape (records,)
        When each case was.
    known : array of bool, shape (records,)
        Records that have both; the others are left out.
    blank : dict of str to int
        How many lack what, by column.
    length : str
        A word of `measures.counting.PERIODS`.
    """

    unit: pd.Series
    day: Days
    known: Flags
    blank: dict[str, int]
    length: str


def placed(
    frame: pd.DataFrame,
    place: Place,
    *,
    unit_column: str,
    date_column: str | None,
    period: str | None,
    date_format: str | None,
    missing: str,
) -> Placed:
    """Unit and day of each record.

    Parameters
    ----------
    frame : pandas.DataFrame
        The records.
    place : Place
        For messages.
    unit_column, date_column, period, date_format, missing
        As `expected_counts` has them.

    Raises
    ------
    InputError
        If a unit or a date is not of its kind, or blank though such records
        are not to be left out, or no record has both.
    OptionError
        If `period` is to be a date, and is none.
    """
    unit = words(frame[unit_column], place)
    blanks = {unit_column: unit.isna().to_numpy()}
    if date_column is None:
        day = np.full(len(frame), as_date(period, "period"), dtype="datetime64[D]")
    else:
        day = _days(frame[date_column], place, date_format)
        blanks[date_column] = np.isnat(day)
    for name, blank in blanks.items():
        if blank.any() and missing != "leave_out":
            raise InputError(
                f"{place.at(int(np.argmax(blank)), name)} is blank; correct it, or leave records "
                "without unit or date out with missing='leave_out' (--missing leave_out)"
                + place.also(blank)
            )
    known = ~np.logical_or.reduce(list(blanks.values()))
    if not known.any():
        raise InputError(f"{place.whole}: no record has both a unit and a date")
    return Placed(
        unit=unit,
        day=day,
        known=known,
        blank={name: int(blank.sum()) for name, blank in blanks.items()},
        length=(period or "month") if date_column else "day",
    )


def _days(cells: pd.Series, place: Place, form: str | None) -> Days:
    """The day of each case; NaT where blank."""
    found = _dates(cells, place, form)
    years = found.dt.year.to_numpy(dtype=np.float64, na_value=np.nan)
    odd: Flags = (years < YEARS[0]) | (years > YEARS[1])
    if odd.any():
        row = int(np.argmax(odd))
        raise InputError(
            f"{place.at(row, str(cells.name))}: the year {years[row]:.0f} is a slip of the pen; a "
            f"date lies between {YEARS[0]} and {YEARS[1]}" + place.also(odd)
        )
    return np.asarray(found.to_numpy(), dtype="datetime64[D]")


def _dates(cells: pd.Series, place: Place, form: str | None) -> pd.Series:
    """Dates without the time of day: a time of birth is welcome."""
    if not types.is_string_dtype(cells.dtype):
        timed = isinstance(cells.dtype, np.dtype) and cells.dtype.kind == "M"
        return dates(cells.dt.normalize() if timed else cells, place, date_format=form)
    codes, days = pd.factorize(cells)
    texts = pd.Series(days, dtype=cells.dtype, name=cells.name)
    try:
        found = dates(_timeless(texts, form), place, date_format=form)
    except InputError:
        # There are fewer days than cases, but only a case has a row to be named.
        return dates(_timeless(cells, form), place, date_format=form)
    return pd.Series(found.array.take(codes, allow_fill=True), name=cells.name)


def _timeless(texts: pd.Series, form: str | None) -> pd.Series:
    if form is None:
        plain = texts.astype(STRING).str.strip()
        timed = plain.str.fullmatch(_TIME).fillna(False).astype(bool)
        return plain.mask(timed, plain.str.slice(0, 10))
    read = pd.to_datetime(texts, format=form, errors="coerce")
    # What cannot be read is left as it is, and told by those who read dates.
    whole = (read.notna() | texts.isna()).all()
    return read.dt.normalize() if whole else texts


def _numbered(days: Days, length: str) -> tuple[Integers, Days]:
    """Which period each day lies in, and the first day of every period from first to last."""
    if length in ("day", "week"):
        # 1970 began on a Thursday; weeks begin on Mondays.
        shift, step = (3, 7) if length == "week" else (0, 1)
        at = (days.astype(np.int64) + shift) // step
        whole = np.arange(at.min(), at.max() + 1) * step - shift
        return at - at.min(), whole.astype("datetime64[D]")
    step = {"month": 1, "quarter": 3, "year": 12}[length]
    at = days.astype("datetime64[M]").astype(np.int64) // step
    whole = np.arange(at.min(), at.max() + 1) * step
    return at - at.min(), whole.astype("datetime64[M]").astype("datetime64[D]")


def risk_counts(where: Placed, own: Cases, risk: Floats, measure: str) -> pd.DataFrame:
    """One row per unit and period; a record counts if outcome and covariates are known.

    Parameters
    ----------
    where : Placed
        Unit and day of each record.
    own : Cases
        Outcomes and covariates.
    risk : array of float, shape (records,)
        NaN where a covariate is missing.
    measure : str
        What to call it.

    Returns
    -------
    pandas.DataFrame
        As `Expected` describes its counts.
    """
    at_period, periods = _numbered(where.day[where.known], where.length)
    at_unit, units = pd.factorize(where.unit[where.known], sort=True)
    at, size = at_unit * periods.size + at_period, len(units) * periods.size
    outcome, risk = own.outcome[where.known], risk[where.known]
    known = ~np.isnan(outcome)
    counted = known & own.complete[where.known]

    def total(which: Flags, values: Floats | None = None) -> Floats:
        weights = None if values is None else values[which]
        return np.asarray(np.bincount(at[which], weights, minlength=size), dtype=np.float64)

    denominator = total(counted)
    empty = denominator == 0
    expected = total(counted, risk)
    variance = total(counted, risk * (1 - risk))
    status = np.where(empty, STATUS.index("no_data"), STATUS.index("ok"))
    return check_counts(
        pd.DataFrame(
            {
                "measure": measure,
                "unit": units.repeat(periods.size),
                "period": np.tile(periods.astype("datetime64[us]"), len(units)),
                "numerator": total(counted, outcome).astype(np.int64),
                "denominator": denominator.astype(np.int64),
                "expected": np.where(empty, np.nan, expected),
                "variance": np.where(empty, np.nan, variance),
                "missing": total(~known).astype(np.int64),
                "status": pd.Categorical.from_codes(status, categories=list(STATUS)),
                "left_out": pd.array(total(known & ~counted).astype(np.int64), dtype="Int64"),
            }
        )
    )
