"""Which cases are due: a review that has months to be published cannot have failed before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from spcbench.errors import InputError, OptionError
from spcbench_mis.scheme_data import Window

MONTHS = {
    "sa1_surveillance_1m": 1,
    "sa1_review_started_2m": 2,
    "sa1_draft_4m": 4,
    "sa1_published_6m": 6,
}
"""Months that the items of safety action 1 allow; working days need bank holidays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueCounts:
    """Cases of a period, as of a day.

    Parameters
    ----------
    numerator : int
        Of those due, done in time.
    denominator : int
        Whose time was up.
    eligible : int
        All cases of the period so far.
    expected_total : int, optional
        Cases whose time will be up by the end of the period, once no more can come.
    """

    numerator: int
    denominator: int
    eligible: int
    expected_total: int | None


def due_counts(
    cases: Any, *, months: int, on: date | str, window: Window | tuple[date | str, date | str]
) -> DueCounts:
    """Due, done in time and eligible cases, from a list of cases.

    Parameters
    ----------
    cases : pandas.DataFrame
        One row a case: `event`, the day it happened, and `done`, the day that
        what was asked for was done, missing where it is not.
    months : int
        Calendar months that it may take, to the same day of the month or the
        last of a shorter one.
    on : date or str
        As of when. The time of a case is up the day after its last day. What was
        done in time but before that is not counted yet: quick cases alone would
        look too good.
    window : Window or pair of dates
        First and last day; cases outside are left alone.

    Returns
    -------
    DueCounts
        At and after the end of the window, time up by its last day is what counts.

    Raises
    ------
    InputError
        If a date is missing or malformed, or something was done before its case.
    OptionError
        If `months` is less than 1, or a date is none.

    Examples
    --------
    >>> cases = pd.DataFrame({"event": ["2025-01-10", "2025-02-01", "2025-06-20"],
    ...                       "done": ["2025-07-10", "2025-08-02", None]})
    >>> year = ("2024-12-01", "2025-11-30")
    >>> due_counts(cases, months=6, on="2025-09-01", window=year)
    DueCounts(numerator=1, denominator=2, eligible=3, expected_total=2)
    """
    if isinstance(months, bool) or not isinstance(months, int) or months < 1:
        raise OptionError(f"months must be a whole number of at least 1, not {months!r}")
    on, window = given_day(on, "on"), _window(window)
    frame = pd.DataFrame(cases).reset_index(drop=True)
    events, done = (_days(frame, name, needed=name == "event") for name in ("event", "done"))
    numerator = denominator = eligible = by_the_end = 0
    for row, (event, finished) in enumerate(zip(events, done, strict=True), start=2):
        if event is None or not window.first <= event <= min(window.last, on):
            continue
        if finished is not None and finished < event:
            raise InputError(f"row {row}, column done: {finished} lies before the case, {event}")
        eligible += 1
        deadline: date = (pd.Timestamp(event) + pd.DateOffset(months=months)).date()
        by_the_end += deadline <= window.last
        if deadline <= window.last and deadline < on:
            denominator += 1
            numerator += finished is not None and finished <= deadline
    # A case from now on would have its time up after the end: no more can come.
    settled = (pd.Timestamp(on) + pd.DateOffset(months=months)).date() > window.last
    return DueCounts(
        numerator=int(numerator),
        denominator=denominator,
        eligible=eligible,
        expected_total=int(by_the_end) if settled else None,
    )


def _days(frame: pd.DataFrame, name: str, *, needed: bool) -> list[date | None]:
    if name not in frame.columns:
        raise InputError(f"the list of cases has no column {name!r}; it needs event and done")
    days: list[date | None] = []
    for row, value in enumerate(frame[name], start=2):
        missing = (
            value is None or value is pd.NaT or (not isinstance(value, str) and pd.isna(value))
        )
        if missing or (isinstance(value, str) and not value.strip()):
            if needed:
                raise InputError(f"row {row}, column {name}: the date is missing")
            days.append(None)
            continue
        try:
            days.append(day_of(value))
        except ValueError:
            raise InputError(
                f"row {row}, column {name}: {value!r} is not a date such as 2025-01-31"
            ) from None
    return days


def _window(given: Any) -> Window:
    if isinstance(given, Window):
        return given
    if isinstance(given, str) or not isinstance(given, Sequence) or len(given) != 2:
        raise OptionError(
            f"window must be a first and a last day, such as ('2024-12-01', '2025-11-30'), "
            f"not {given!r}"
        )
    first, last = (given_day(one, "window") for one in given)
    if last < first:
        raise OptionError(f"window ends on {last}, before it begins on {first}")
    return Window(title="", first=first, last=last)


def given_day(value: Any, option: str) -> date:
    """A date that an argument names.

    Raises
    ------
    OptionError
        If it is none.

    Examples
    --------
    >>> given_day("2025-11-10", "on")
    datetime.date(2025, 11, 10)
    """
    try:
        return day_of(value)
    except ValueError:
        raise OptionError(f"{option} {value!r} is not a date such as 2025-01-31") from None


def day_of(value: Any) -> date:
    """A date, or a text such as 2025-01-31, as a date; nothing else.

    A number is none, though pandas takes 20250110 for a moment in 1970; nor is
    2025-W05-5, which Python takes and a reader would not.

    Raises
    ------
    ValueError
        If it is something else.
    """
    if isinstance(value, date) and not pd.isna(value):
        day: date = pd.Timestamp(value).date()
        return day
    if not isinstance(value, str):
        raise ValueError(value)
    day = date.fromisoformat(value.strip())
    if day.isoformat() != value.strip():
        raise ValueError(value)
    return day
