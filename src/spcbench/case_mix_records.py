"""Records for a case-mix model: their outcome and covariates, as numbers that can be fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api import types

from spcbench.case_mix_files import covariate_cells, outcome_cells, table_frame
from spcbench.counts_cells import Place
from spcbench.counts_check import as_pandas
from spcbench.errors import InputError
from spcbench.measures.records_sql import chosen_columns
from spcbench.numeric.segments import Flags, Floats, Integers
from spcbench.tables import Table

MISSING = ("refuse", "leave_out", "unknown")
UNKNOWN = "unknown"
"""The level of a covariate that is missing, where that is asked for."""

ALIKE = 1e-9
"""A column whose part that no other explains is smaller than this, relative to 1, adds nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Covariate:
    """One column that risk depends on.

    Parameters
    ----------
    name : str
        The column.
    levels : tuple of str
        Of a category: the level that others are compared with, then the
        others. Empty for a number.
    centre, spread : float
        Of a number: mean and standard deviation, so that fitting is stable
        whatever the unit (grams, weeks).
    """

    name: str
    levels: tuple[str, ...] = ()
    centre: float = 0.0
    spread: float = 1.0

    @property
    def terms(self) -> list[tuple[str, str | None]]:
        """Column and level of each coefficient."""
        return [(self.name, level) for level in self.levels[1:]] or [(self.name, None)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cases:
    """Records as they came, checked.

    Parameters
    ----------
    outcome : array of float, shape (records,)
        0, 1, or NaN where unknown.
    columns : mapping of str to pandas.Series
        Text for a category, floats for a number.
    placed : array of bool, shape (records,)
        Records whose unit and date are known, or need not be.
    place : Place
        For messages.
    """

    outcome: Floats
    columns: dict[str, pd.Series]
    placed: Flags
    place: Place

    @property
    def complete(self) -> Flags:
        """Records of which unit, date and every covariate are known."""
        known = self.placed.copy()
        for cells in self.columns.values():
            known &= cells.notna().to_numpy()
        return known


def records_frame(records: Any, names: Sequence[str], whole: str) -> tuple[pd.DataFrame, Place]:
    """The wanted columns of some records, as a pandas frame, and where its rows stand.

    Parameters
    ----------
    records : Table, pandas, polars or Arrow table
        One row a case.
    names : sequence of str
        Columns.
    whole : str
        What to call a table in memory in messages.

    Raises
    ------
    InputError
        If it is no table of records, or lacks a column.
    """
    if isinstance(records, Table):
        if records.kind == "counts":
            raise InputError(
                f"{records.source} holds counts; a case-mix model is fitted on records, one row a "
                "case (counts by stratum are for standardised_counts(), `spcbench standardise`)"
            )
        frame, place = table_frame(records, names)
    elif isinstance(records, pd.DataFrame | pa.Table) or hasattr(records, "to_arrow"):
        frame, place = as_pandas(records), Place(whole)
    else:
        raise InputError(
            "records must be what read() gives, or a pandas, polars or Arrow table; "
            f"this is {type(records).__name__}"
        )
    chosen = chosen_columns(map(str, frame.columns), names, (), place.whole)
    return frame[chosen], place


def cases(
    frame: pd.DataFrame,
    *,
    outcome: str,
    covariates: Sequence[str],
    categories: Sequence[str],
    missing: str,
    place: Place,
    placed: Flags | None = None,
) -> Cases:
    """Outcome and covariates of records, checked.

    Parameters
    ----------
    frame : pandas.DataFrame
        The records.
    outcome, covariates
        Columns.
    categories : sequence of str
        Those covariates that are categories whatever they look like.
    missing : str
        ``"refuse"``, ``"leave_out"`` or ``"unknown"``.
    place : Place
        For messages; one of a text file says that all cells are text.
    placed : array of bool, shape (records,), optional
        Records whose unit and date are known; all if not given.

    Raises
    ------
    InputError
        For the first cell that is not an outcome, or that is missing.
    """
    columns = {name: _covariate(frame[name], place, name in categories) for name in covariates}
    for name, cells in columns.items():
        blank = cells.isna().to_numpy()
        number = types.is_float_dtype(cells.dtype)
        if not blank.any() or missing == "leave_out":
            continue
        if missing == UNKNOWN and not number:
            columns[name] = _named_unknown(cells)
            continue
        advice = "leave such records out with missing='leave_out' (--missing leave_out)" + (
            ", or make bands of it, of which one is 'unknown'"
            if number
            else ", or give them a level of their own with missing='unknown' (--missing unknown)"
        )
        raise InputError(
            f"{place.at(int(np.argmax(blank)), name)} is blank; a risk needs every covariate: "
            + advice
            + place.also(blank)
        )
    return Cases(
        outcome=_outcome(frame[outcome], place),
        columns=columns,
        placed=np.ones(len(frame), dtype=np.bool_) if placed is None else placed,
        place=place,
    )


def _named_unknown(cells: pd.Series) -> pd.Series:
    if UNKNOWN not in cells.cat.categories:
        cells = cells.cat.add_categories([UNKNOWN])
    return cells.fillna(UNKNOWN)


def _outcome(cells: pd.Series, place: Place) -> Floats:
    name = str(cells.name)
    if place.text:
        cells = outcome_cells(cells, place)
    if not (types.is_numeric_dtype(cells.dtype) or types.is_bool_dtype(cells.dtype)):
        loose = cells.dropna()
        if not loose.map(lambda one: isinstance(one, bool | int | float | np.generic)).all():
            row = int(np.argmax(cells.notna().to_numpy()))
            raise InputError(
                f"{place.at(row, name)}: {cells.iloc[row]!r} is text; an outcome is 1 or true for "
                "a case in which it happened, 0 or false for one in which it did not"
            )
    values = np.asarray(pd.array(cells, dtype="Float64").to_numpy(np.float64, na_value=np.nan))
    bad: Flags = ~np.isnan(values) & (values != 0) & (values != 1)
    if bad.any():
        row = int(np.argmax(bad))
        raise InputError(
            f"{place.at(row, name)}: {values[row]:g} is not an outcome; expected 0 or 1"
            + place.also(bad)
        )
    return values


def _covariate(cells: pd.Series, place: Place, category: bool) -> pd.Series:
    """Text of a category, or floats."""
    name = str(cells.name)
    cells = cells.reset_index(drop=True)
    if place.text:
        cells = covariate_cells(cells, place, category=category)
    elif category:
        cells = _as_text(cells)
    kind = cells.dtype
    if isinstance(kind, pd.CategoricalDtype):
        return cells.cat.rename_categories([str(one) for one in kind.categories])
    if types.is_numeric_dtype(kind) or types.is_bool_dtype(kind):
        return _number(cells, place)
    loose = cells.dropna()
    if loose.map(lambda one: isinstance(one, str)).all() and len(loose):
        text = cells.astype("object").where(cells.notna(), None)
        told = text.map(lambda one: (one.strip() or None) if isinstance(one, str) else None)
        return told.astype("category")
    if loose.map(lambda one: isinstance(one, bool | int | float)).all():
        return _number(cells, place)
    raise InputError(
        f"column {name!r} of {place.whole} holds neither numbers nor text alone "
        f"({kind}); make it one of them"
    )


def _as_text(cells: pd.Series) -> pd.Series:
    """Numbers as people write them, so that codes can be categories."""
    if not (types.is_numeric_dtype(cells.dtype) or types.is_bool_dtype(cells.dtype)):
        return cells
    written = cells.astype("object").map(
        lambda one: f"{one:.15g}" if isinstance(one, float) else str(one), na_action="ignore"
    )
    return written.where(cells.notna(), None)


def _number(cells: pd.Series, place: Place) -> pd.Series:
    made = pd.array(cells, dtype="Float64").to_numpy(np.float64, na_value=np.nan)
    infinite: Flags = np.isinf(made)
    if infinite.any():
        row = int(np.argmax(infinite))
        raise InputError(
            f"{place.at(row, str(cells.name))}: {made[row]} is not a finite number"
            + place.also(infinite)
        )
    return pd.Series(made)


def designed(found: Cases, used: Flags) -> tuple[Covariate, ...]:
    """How covariates become columns of numbers.

    Parameters
    ----------
    found : Cases
        The records that the model is fitted on.
    used : array of bool, shape (records,)
        Those of them that are.

    Raises
    ------
    InputError
        If a covariate is the same in all records.
    """
    made = []
    for name, cells in found.columns.items():
        some = cells[used]
        if types.is_float_dtype(cells.dtype):
            spread = float(some.std(ddof=0)) if len(some) else 0.0
            one = Covariate(name=name, centre=float(some.mean()), spread=spread)
            alike = not spread > 0
        else:
            one = Covariate(name=name, levels=_ordered(some, cells))
            alike = len(one.levels) < 2
        if alike:
            raise InputError(
                f"column {name!r} of {found.place.whole} is the same in all records that can be "
                "used, so risk cannot depend on it; leave it out"
            )
        made.append(one)
    return tuple(made)


def _ordered(some: pd.Series, cells: pd.Series) -> tuple[str, ...]:
    """Levels that occur, the commonest first; of equally common ones the first in order."""
    sizes = some.value_counts(sort=False)
    levels = [str(level) for level in cells.cat.categories if sizes[level] > 0]
    if not levels:
        return ()
    commonest = max(levels, key=lambda level: int(sizes[level]))
    return (commonest, *(level for level in levels if level != commonest))


def matrix(covariates: Sequence[Covariate], found: Cases) -> Floats:
    """The columns that are fitted: ones, then indicators of levels and scaled numbers.

    Parameters
    ----------
    covariates : sequence of Covariate
        As `designed` gives them, perhaps for other records.
    found : Cases
        The records.

    Returns
    -------
    array of float, shape (records, 1 + terms)
        NaN where a covariate is missing.

    Raises
    ------
    InputError
        If a level occurs that the model has not seen.
    """
    columns = [np.ones(found.outcome.size)]
    for one in covariates:
        cells = found.columns[one.name]
        if types.is_float_dtype(cells.dtype) != (not one.levels):
            own, other = ("numbers", "text") if one.levels else ("text", "numbers")
            raise InputError(
                f"column {one.name!r} holds {own} in {found.place.whole} and {other} in the "
                "records that the model was fitted on; make them alike, or categories in both: "
                f"categories=[{one.name!r}] (--category {one.name})"
            )
        if not one.levels:
            columns.append((cells.to_numpy() - one.centre) / one.spread)
            continue
        codes = _codes(one, cells, found.place)
        for number in range(1, len(one.levels)):
            columns.append(np.where(codes < 0, np.nan, codes == number))
    return np.column_stack(columns)


def _codes(one: Covariate, cells: pd.Series, place: Place) -> Integers:
    codes = cells.cat.set_categories(list(one.levels)).cat.codes.to_numpy()
    new: Flags = (codes < 0) & cells.notna().to_numpy()
    if new.any():
        row = int(np.argmax(new))
        raise InputError(
            f"{place.at(row, one.name)}: {cells.iloc[row]!r} does not occur in the records that "
            f"the model was fitted on ({', '.join(one.levels)})" + place.also(new)
        )
    return np.asarray(codes, dtype=np.int64)


def check_estimable(covariates: Sequence[Covariate], values: Floats, outcome: Floats) -> None:
    """Refuse what leaves a coefficient without bounds or without meaning.

    Parameters
    ----------
    covariates : sequence of Covariate
        What the columns after the first stand for.
    values : array of float, shape (records, 1 + terms)
        Without missing values.
    outcome : array of float, shape (records,)
        0 or 1.

    Raises
    ------
    InputError
        If a column follows from those before it, or separates those with the
        outcome from those without.
    """
    terms = [term for one in covariates for term in one.terms]
    left = np.abs(np.diag(np.linalg.qr(values, mode="r"))) / np.sqrt(len(values))
    size = np.sqrt(np.mean(values**2, axis=0))
    for number, (name, level) in enumerate(terms, 1):
        if number >= left.size or left[number] <= ALIKE * size[number]:
            what = f"covariate {name!r}" + ("" if level is None else f", level {level!r},")
            raise InputError(f"{what} follows from the covariates before it; leave one of them out")
    at = 1
    for one in covariates:
        own = values[:, at : at + len(one.terms)]
        at += len(one.terms)
        if one.levels:
            _check_levels(one, own, outcome)
        else:
            _check_apart(one.name, own[:, 0], outcome)


def _check_levels(one: Covariate, own: Floats, outcome: Floats) -> None:
    within = np.column_stack([own.sum(axis=1) == 0, own == 1])
    sizes, events = within.sum(axis=0), within[outcome == 1].sum(axis=0)
    bad = (events == 0) | (events == sizes)
    if bad.any():
        number = int(np.argmax(bad))
        share = "none" if events[number] == 0 else "every one"
        raise InputError(
            f"covariate {one.name!r}: {share} of the {sizes[number]:,} records with "
            f"{one.levels[number]!r} has the outcome, so its odds have no bounds (separation); "
            "join that level to another"
        )


def _check_apart(name: str, values: Floats, outcome: Floats) -> None:
    with_it, without = values[outcome == 1], values[outcome == 0]
    if with_it.min() >= without.max() or with_it.max() <= without.min():
        raise separated(f"covariate {name!r}")


def separated(what: str) -> InputError:
    """What to say where a coefficient grows without bounds."""
    return InputError(
        f"{what} tells all records with the outcome from those without, or nearly so, and its "
        "odds have no bounds (separation); join levels, leave it out, or use more records"
    )
