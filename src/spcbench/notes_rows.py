"""Which rows of the counts a note is about, and where among them its date lies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from spcbench.errors import AmbiguousNameError, InputError, UnknownNameError, suggest
from spcbench.intake import as_date, matching
from spcbench.numeric.segments import Flags, Integers, Segments
from spcbench.tables import DATE

Dates = npt.NDArray[np.datetime64]
Codes = npt.NDArray[np.int32]

MOST_NAMES = 20
"""Names that a message lists; of more, only those that are near."""

_LENGTHS = {"day": (1, 0), "week": (7, 0), "month": (1, 1), "quarter": (3, 1), "year": (12, 1)}


@dataclass(frozen=True, kw_only=True)
class Ground:
    """The counts as notes need them: names and dates as small numbers.

    Parameters
    ----------
    series : Segments
        One segment per measure and unit.
    edge : array of bool, shape (rows,)
        First row of each series.
    dates : array of datetime64, shape (periods,)
        The distinct periods, in order.
    code : array of int32, shape (rows,)
        Which of `dates` each row has.
    has_data : array of bool, shape (rows,)
        Rows whose status is ok.
    measures, units : list of str
        The distinct names.
    measure, unit : array of int64, shape (series,)
        Which of them each series has.
    known_measures, known_units : frozenset of str
        Names of the whole table, of which these counts may be a part.
    known_periods : array of datetime64, optional
        Periods of the whole table.
    until : datetime64, optional
        Last period that was kept, when later ones were left out.
    frequency : mapping of str to str
        How long the periods of a measure last, where that is known.
    """

    series: Segments
    edge: Flags
    dates: Dates
    code: Codes
    has_data: Flags
    measures: list[str]
    units: list[str]
    measure: Integers
    unit: Integers
    known_measures: frozenset[str]
    known_units: frozenset[str]
    known_periods: Dates
    until: np.datetime64 | None
    frequency: Mapping[str, str]

    @cached_property
    def narrowed(self) -> bool:
        """Whether the whole table has measures or units that are not here."""
        return bool(self.known_measures - set(self.measures) or self.known_units - set(self.units))

    @cached_property
    def points_before(self) -> Integers:
        """Rows with data before each row, and at last all of them; shape (rows + 1,)."""
        return np.append(0, np.cumsum(self.has_data.view(np.int8), dtype=np.int64))

    @cached_property
    def ends(self) -> Integers:
        """One past the last row of each series."""
        return self.series.lasts + 1

    @cached_property
    def _key(self) -> Integers:
        """Series and period of each row in one number that rises from row to row."""
        number = np.arange(len(self.series), dtype=np.int64) * self.dates.size
        return self.series.spread(number) + self.code

    def series_of(self, rows: Integers) -> Integers:
        """Which series each row belongs to."""
        return np.searchsorted(self.series.starts, rows, side="right") - 1

    def after(self, rows: Integers, date: np.datetime64) -> Integers:
        """First row later than `date` in the series of each row, else the series' end."""
        code = int(np.searchsorted(self.dates, date, side="right"))
        return np.searchsorted(self._key, self.series_of(rows) * self.dates.size + code)

    def named(self, row: int) -> str:
        """The series of a row, in words."""
        one = int(self.series_of(np.array([row]))[0])
        return f"measure {self.measures[self.measure[one]]!r}, unit {self.units[self.unit[one]]!r}"

    def period(self, row: int) -> str:
        """Period of a row, as text."""
        return as_text(self.dates[self.code[row]])

    @cached_property
    def lengths(self) -> list[tuple[int, bool]]:
        """How long the periods of each measure last: a number of months (True) or days."""
        return [self._length(number, name) for number, name in enumerate(self.measures)]

    def _length(self, number: int, name: str) -> tuple[int, bool]:
        told = self.frequency.get(name, "")
        if told in _LENGTHS:
            count, months = _LENGTHS[told]
            return count, bool(months)
        if found := re.fullmatch(r"(\d+) (days|months)", told):
            return int(found[1]), found[2] == "months"
        of_measure = np.flatnonzero(self.measure == number)
        rows = slice(self.series.starts[of_measure[0]], self.ends[of_measure[-1]])
        dates = self.dates[np.bincount(self.code[rows], minlength=self.dates.size) > 0]
        by_month = dates.astype("datetime64[M]")
        monthly = bool((by_month == dates).all())
        step = np.diff((by_month if monthly else dates.astype("datetime64[D]")).astype(np.int64))
        usual = int(np.bincount(np.minimum(step, 400)).argmax()) if step.size else 1
        return usual, monthly


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """One note, and the rows of the series that it is about.

    Parameters
    ----------
    action, reason, author, measure, unit, date, until, points
        The note; None where blank (NaT for dates), the measure with its full name.
    where : str
        Where the note stands, for messages.
    rows : slice or array of int64
        The rows, whole series of them.
    code : array of int32, edge : array of bool
        Of those rows, as in `Ground`.
    """

    action: str
    reason: str
    author: str | None
    measure: str | None
    unit: str | None
    date: np.datetime64
    until: np.datetime64
    points: int | None
    where: str
    rows: slice | Integers
    code: Codes
    edge: Flags

    def at(self, mask: Flags) -> Integers:
        """Rows of the whole table where `mask`, over the rows of the note, is True."""
        found = np.flatnonzero(mask)
        return found + self.rows.start if isinstance(self.rows, slice) else self.rows[found]

    def firsts(self, code: int) -> Integers:
        """First row of each series on or after the period of that code."""
        beyond = self.code >= code
        mask = beyond.copy()
        mask[1:] &= ~beyond[:-1] | self.edge[1:]
        return self.at(mask)

    def lasts(self, code: int) -> Integers:
        """Last row of each series on or before the period of that code."""
        within = self.code <= code
        mask = within.copy()
        mask[:-1] &= ~within[1:] | self.edge[1:]
        return self.at(mask)

    @property
    def elsewhere(self) -> bool:
        """Whether the note may be about other series too."""
        return self.measure is None or self.unit is None

    def entry(self) -> dict[str, Any]:
        """What a result says of the note."""
        return {
            "action": self.action,
            "date": None if np.isnat(self.date) else as_text(self.date),
            "until": None if np.isnat(self.until) else as_text(self.until),
            "points": self.points,
            "reason": self.reason,
            "author": self.author,
            "measure": self.measure,
            "unit": self.unit,
        }


def as_text(date: np.datetime64) -> str:
    """A date as YYYY-MM-DD."""
    return str(date.astype("datetime64[D]"))


def ground(
    frame: pd.DataFrame,
    series: Segments,
    *,
    known_measures: Iterable[str] | None,
    known_units: Iterable[str] | None,
    known_periods: Any,
    until: Any,
    frequency: Mapping[str, str] | None,
) -> Ground:
    """The counts as notes need them; arguments as `spcbench.notes.place`."""
    dates, code = _calendar(frame["period"].to_numpy())
    names = {}
    for column in ("measure", "unit"):
        number, distinct = pd.factorize(frame[column].array.take(series.starts))
        names[column] = number.astype(np.int64), distinct.to_numpy(dtype=object).tolist()
    has_data = np.ones(series.size, dtype=np.bool_)
    if "status" in frame.columns:
        has_data = np.asarray(frame["status"].cat.codes.to_numpy() == 0)
    measures, units = names["measure"][1], names["unit"][1]
    periods = dates if known_periods is None else np.asarray(known_periods)
    return Ground(
        series=series,
        edge=series.breaks,
        dates=dates,
        code=code,
        has_data=has_data,
        measures=measures,
        units=units,
        measure=names["measure"][0],
        unit=names["unit"][0],
        known_measures=frozenset(measures if known_measures is None else known_measures),
        known_units=frozenset(units if known_units is None else known_units),
        known_periods=periods.astype(DATE),
        until=None if until is None else as_date(until, "until"),
        frequency=frequency or {},
    )


def _calendar(period: Dates) -> tuple[Dates, Codes]:
    """The distinct days in order, and which of them each row has."""
    # A table of all days between the first and the last: quicker than sorting or hashing.
    day = period.astype("datetime64[us]").view(np.int64) // 86_400_000_000
    first = int(day.min())
    day -= first
    present = np.zeros(int(day.max()) + 1, dtype=np.bool_)
    present[day] = True
    rank = np.cumsum(present, dtype=np.int32) - np.int32(1)
    dates = (np.flatnonzero(present) + first).astype("datetime64[D]").astype(DATE)
    return dates, rank[day]


def concern(row: Any, counts: Ground) -> Concern | None:
    """A note and its rows, or None if it is about other series of the whole table.

    Raises
    ------
    InputError
        If the counts have no such measure, no such unit, or not both together.
    """
    measure, unit = _measure(row, counts), _unit(row, counts)
    wanted = np.ones(len(counts.series), dtype=np.bool_)
    if measure is not None:
        wanted &= counts.measure == _number(measure, counts.measures)
    if unit is not None:
        wanted &= counts.unit == _number(unit, counts.units)
    if not wanted.any():
        if counts.narrowed:
            return None
        raise InputError(f"{row.where}: no row has measure {measure!r} and unit {unit!r}")
    rows = _rows(wanted, counts.series, counts.ends)
    return Concern(
        action=row.action,
        reason=row.reason,
        author=_text_or_none(row.author),
        measure=measure,
        unit=unit,
        date=row.date.to_datetime64(),
        until=row.until.to_datetime64(),
        points=None if pd.isna(row.points) else int(row.points),
        where=row.where,
        rows=rows,
        code=counts.code[rows],
        edge=counts.edge[rows],
    )


def _text_or_none(cell: Any) -> str | None:
    return cell if isinstance(cell, str) else None


def _number(name: str, names: list[str]) -> int:
    return names.index(name) if name in names else -1


def _measure(row: Any, counts: Ground) -> str | None:
    given = _text_or_none(row.measure)
    if given is None:
        return None
    try:
        return matching(given, sorted(counts.known_measures))
    except UnknownNameError:
        near = _near(given, counts.known_measures)
        raise InputError(
            f"{row.where}, column 'measure': the counts have no measure {given!r}; {near}"
        ) from None
    except AmbiguousNameError as error:
        raise InputError(f"{row.where}, column 'measure': {error}") from None


def _unit(row: Any, counts: Ground) -> str | None:
    given = _text_or_none(row.unit)
    if given is not None and given not in counts.known_units:
        near = _near(given, counts.known_units)
        raise InputError(f"{row.where}, column 'unit': the counts have no unit {given!r}; {near}")
    return given


def _near(name: str, choices: frozenset[str]) -> str:
    if len(choices) <= MOST_NAMES:
        return suggest(name, choices)
    near = get_close_matches(name, sorted(choices), n=3)
    listed = " or ".join(map(repr, near))
    return f"did you mean {listed}?" if near else f"they have {len(choices):,} others"


def _rows(wanted: Flags, series: Segments, ends: Integers) -> slice | Integers:
    """The rows of some series: as a slice where they lie together, which spares copying."""
    chosen = np.flatnonzero(wanted)
    if chosen[-1] - chosen[0] + 1 == chosen.size:
        return slice(int(series.starts[chosen[0]]), int(ends[chosen[-1]]))
    lengths = (ends - series.starts)[chosen]
    skipped = series.starts[chosen] - (np.cumsum(lengths) - lengths)
    return np.repeat(skipped, lengths) + np.arange(int(lengths.sum()))


def beginning(note: Concern, counts: Ground) -> int:
    """Code of the period that the note's date is; of the first of all without a date.

    Raises
    ------
    InputError
        If no period begins then in any of the note's series.
    """
    if np.isnat(note.date):
        return 0
    code = int(np.searchsorted(counts.dates, note.date))
    here = code < counts.dates.size and counts.dates[code] == note.date
    if here and (note.code == code).any():
        return code
    if counts.until is not None and note.date > counts.until:
        return int(counts.dates.size)
    if counts.narrowed and note.elsewhere and note.date in counts.known_periods:
        return code
    raise InputError(
        f"{note.where}, column 'date': no period{_of(note)} begins on {as_text(note.date)}; "
        + nearest(note, counts)
    )


def _of(note: Concern) -> str:
    told = [f"measure {note.measure!r}"] if note.measure else []
    told += [f"unit {note.unit!r}"] if note.unit else []
    return " of " + ", ".join(told) if told else ""


def nearest(note: Concern, counts: Ground) -> str:
    """The periods before and after a note's date, in words."""
    dates = counts.dates[np.unique(note.code)]
    at = int(np.searchsorted(dates, note.date))
    near = [as_text(date) for date in dates[max(at - 1, 0) : at + 1]]
    return f"the nearest {'is' if len(near) == 1 else 'are'} {' and '.join(near)}"


def containing(note: Concern, counts: Ground) -> Integers:
    """Row of each series whose period a comment's date falls in.

    Raises
    ------
    InputError
        If it falls in no period of any of the note's series.
    """
    code = int(np.searchsorted(counts.dates, note.date, side="right")) - 1
    rows = note.lasts(code)
    # Only a series' last period needs its length: the others last until the next one.
    stays = np.ones(rows.size, dtype=np.bool_)
    last = np.flatnonzero(counts.ends[counts.series_of(rows)] == rows + 1)
    stays[last] = _ends(rows[last], counts) > note.date
    rows = rows[stays]
    if rows.size or (counts.until is not None and note.date > counts.until):
        return rows
    if counts.narrowed and note.elsewhere and note.date >= counts.known_periods.min():
        return rows
    raise InputError(
        f"{note.where}, column 'date': {as_text(note.date)} falls in no period{_of(note)}; "
        + nearest(note, counts)
    )


def _ends(rows: Integers, counts: Ground) -> Dates:
    """The day after the period of each row."""
    dates = counts.dates[counts.code[rows]]
    measure = counts.measure[counts.series_of(rows)]
    count = np.array([length for length, _ in counts.lengths], dtype=np.int64)[measure]
    monthly = np.array([months for _, months in counts.lengths], dtype=np.bool_)[measure]
    by_month = (dates.astype("datetime64[M]") + count).astype(DATE)
    by_day = (dates.astype("datetime64[D]") + count).astype(DATE)
    return np.where(monthly, by_month, by_day)
