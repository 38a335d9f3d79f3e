"""Which period a moment belongs to, and which periods there are.

A period is called by its first day. Where that does not say how long it lasts
(a financial year, a rolling window, periods of one's own) the counts also
have a column `period_end`, its last day.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from spcbench.errors import InputError, OptionError, suggest
from spcbench.measures.dialect import Dialect

PERIODS = ("day", "week", "month", "quarter", "year")
"""Parts of the calendar; a week starts on Monday."""

LENGTHS = (*PERIODS, "financial_year")
"""How long a period may last; a financial year starts in April."""

ROLLING_MAX = 120
"""Months that a rolling window may hold."""

_STEPS: dict[str, tuple[str, int]] = {
    "day": ("D", 1),
    "week": ("D", 7),
    "month": ("M", 1),
    "quarter": ("M", 3),
    "year": ("M", 12),
    "financial_year": ("M", 12),
}
_ROLLING = re.compile(r"rolling[:_]([0-9]{1,4})(_months)?")
_FINANCIAL_START = 3
"""Months from January to the start of a financial year."""

Days = np.ndarray[Any, np.dtype[np.datetime64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """How records are divided by time.

    Parameters
    ----------
    length : str
        One of `LENGTHS`; of a rolling window ``"month"``; ``"own"`` for given first days.
    window : int
        Months added up in a rolling window; 1 for any other.
    starts : tuple of date
        First days of periods of one's own, in order.
    """

    length: str
    window: int = 1
    starts: tuple[datetime.date, ...] = ()

    @property
    def name(self) -> str:
        """What provenance calls it."""
        if self.window > 1:
            return f"rolling:{self.window}"
        return "own" if self.starts else self.length

    @property
    def has_end(self) -> bool:
        """Whether the counts say when each period ends."""
        return self.window > 1 or bool(self.starts) or self.length == "financial_year"

    def start_sql(self, moment: str, dialect: Dialect) -> str:
        """First day, as DATE, of the period that a moment belongs to."""
        if self.starts:
            return _bisected(moment, self.starts, dialect)
        if self.length != "financial_year":
            return dialect.period_start(moment, self.length)
        # Shifted back to January; no day of a month is lost, for its year is all that is kept.
        earlier = dialect.months_later(moment, -_FINANCIAL_START)
        january = dialect.period_start(earlier, "year")
        return dialect.cast(dialect.months_later(january, _FINANCIAL_START), "date")

    def outside_sql(self, moment: str, dialect: Dialect) -> str | None:
        """When a moment belongs to no period; None if there always is one."""
        if not self.starts:
            return None
        return f"{moment} < {dialect.moment(self.starts[0].isoformat())}"

    def between(self, first: np.datetime64, last: np.datetime64) -> Days:
        """Every period from one to another, by first days."""
        if self.starts:
            all_days = np.array(self.starts, dtype="datetime64[D]")
            return all_days[(all_days >= first) & (all_days <= last)]
        code, step = _STEPS[self.length]
        low, high = (one.astype(f"datetime64[{code}]") for one in (first, last))
        return np.arange(low, high + 1, step).astype("datetime64[D]")

    def ends(self, first_days: Days) -> Days:
        """Last day of each period; not known (NaT) for the last of one's own."""
        if self.starts:
            all_days = np.array(self.starts, dtype="datetime64[D]")
            following = np.append(all_days[1:], np.datetime64("NaT", "D"))
            return following[np.searchsorted(all_days, first_days)] - 1
        code, step = _STEPS[self.length]
        later = first_days.astype(f"datetime64[{code}]") + step * self.window
        return later.astype("datetime64[D]") - 1


def chosen_periods(period: str | Path | Iterable[Any]) -> Periods:
    """How records are divided, from what a caller says.

    Parameters
    ----------
    period : str, Path or iterable of dates
        One of `LENGTHS`; ``"rolling:3"`` (or ``"rolling_3_months"``) for windows of
        months; first days of periods of one's own; or a file of them, one a
        line as YYYY-MM-DD, under the name ``period`` if it has names.

    Returns
    -------
    Periods
        With at least one first day where they are one's own.

    Raises
    ------
    OptionError
        If there is no such period, or first days repeat or go back.
    InputError
        If the file cannot be read or a line is not a date.

    Examples
    --------
    >>> chosen_periods("rolling_12_months").name
    'rolling:12'
    >>> chosen_periods(["2024-01-08", "2024-03-01"]).starts[1].isoformat()
    '2024-03-01'
    """
    if isinstance(period, Path) or (isinstance(period, str) and _names_file(period)):
        return _own(_days_of_file(Path(period)), f"{Path(period).name}: ")
    if not isinstance(period, str):
        return _own([_day(one) for one in period], "period: ")
    if rolling := _ROLLING.fullmatch(period):
        window = int(rolling[1])
        if not 2 <= window <= ROLLING_MAX:
            raise OptionError(
                f"period {period!r}: a rolling window holds 2 to {ROLLING_MAX} months"
            )
        return Periods(length="month", window=window)
    if period in ("financial_quarter", "fiscal_quarter"):
        raise OptionError(
            f"there is no period {period!r}, because the quarters of a financial year that starts "
            "in April are those of the calendar; use 'quarter'"
        )
    if period not in LENGTHS:
        known = (*LENGTHS, "rolling:3")
        raise OptionError(f"there is no period {period!r}; {suggest(period, known)}")
    return Periods(length=period)


def rolled(cells: np.ndarray, window: int) -> np.ndarray:
    """Sums of so many neighbours along the last axis; only whole windows.

    Examples
    --------
    >>> rolled(np.array([[1, 2, 3, 4]]), 3).tolist()
    [[6, 9]]
    """
    if window == 1:
        return cells
    summed = np.cumsum(np.pad(cells, [(0, 0)] * (cells.ndim - 1) + [(1, 0)]), axis=-1)
    return np.asarray(summed[..., window:] - summed[..., :-window])


def _names_file(period: str) -> bool:
    return period.lower().endswith((".csv", ".txt"))


def _days_of_file(path: Path) -> list[datetime.date]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InputError(f"{path.name}: first days of periods cannot be read ({reason})") from None
    cells = [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()]
    if cells and cells[0][1] == "period":
        cells = cells[1:]
    return [_day(text, f"{path.name}, line {number}: ") for number, text in cells]


def _day(given: Any, where: str = "period: ") -> datetime.date:
    if isinstance(given, datetime.datetime):
        if given.time() != datetime.time():
            raise OptionError(f"{where}a period starts at midnight, not at {given:%H:%M}")
        return given.date()
    if isinstance(given, datetime.date):
        return given
    if isinstance(given, np.datetime64):
        return _day(str(given.astype("datetime64[D]")), where)
    try:
        if isinstance(given, str) and len(given) == len("2024-01-01"):
            return datetime.date.fromisoformat(given)
    except ValueError:
        pass  # told below, like any other text
    message = f"{where}a first day is written YYYY-MM-DD, not {str(given)[:40]!r}"
    raise (OptionError if where == "period: " else InputError)(message)


def _own(days: Sequence[datetime.date], where: str) -> Periods:
    if not days:
        raise OptionError(f"{where}there is no first day of a period")
    for earlier, later in pairwise(days):
        if later <= earlier:
            raise OptionError(
                f"{where}first days of periods must go up; {later} stands after {earlier}"
            )
    return Periods(length="own", starts=tuple(days))


def _bisected(moment: str, starts: Sequence[datetime.date], dialect: Dialect) -> str:
    """The last first day that is not later, by halving: few comparisons for many periods."""
    if len(starts) == 1:
        return dialect.cast(dialect.moment(starts[0].isoformat()), "date")
    half = len(starts) // 2
    edge = dialect.moment(starts[half].isoformat())
    return (
        f"CASE WHEN {moment} < {edge} THEN {_bisected(moment, starts[:half], dialect)} "
        f"ELSE {_bisected(moment, starts[half:], dialect)} END"
    )
