"""Training as the stock that it is: who is in date on a day, and how that will run out.

The share of staff in date does not vary from month to month as cases do: it is
the same staff again, less those whose year is up. So the question is not which
month signals, but who must attend by when.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from typing import Any

import pandas as pd

from spcbench.errors import InputError, OptionError, suggest
from spcbench_mis.scheme_data import YEARS, Item, scheme
from spcbench_mis.scheme_due import day_of, given_day
from spcbench_mis.verdict import exact_share, successes_needed

STAFF_COLUMNS = ("staff", "measure", "attended")
"""Columns of a list of staff: an id, the course and group as an item's id, the last date."""

FORECAST_COLUMNS = (
    "measure", "unit", "on", "in_post", "in_date", "value", "expired", "to_attend", "threshold",
    "threshold_of",
)  # fmt: skip
"""Columns of a forecast."""

DAY = "2025-01-31"


def training_forecast(
    staff: Any,
    *,
    on: date | str,
    until: date | str,
    unit: str,
    threshold: Fraction | str | None = None,
    months_valid: int = 12,
) -> pd.DataFrame:
    """Who of today's staff will be in date at the end of each month, if no one attends again.

    Parameters
    ----------
    staff : pandas.DataFrame
        One row a person and course, with `STAFF_COLUMNS`; `attended` is the
        last date, missing for who never has. Leave out who the local rule
        leaves out, such as long-term absence.
    on : date or str
        Today; a later attendance is refused.
    until : date or str
        Last day to look at.
    unit : str
        The trust.
    threshold : Fraction or str, optional
        Share of the group that must be in date, such as ``"0.9"``; without it
        that of the scheme's newest year that has one.
    months_valid : int
        How long a training lasts, in months to the day.

    Returns
    -------
    pandas.DataFrame
        One row a measure and date, with `FORECAST_COLUMNS`: `in_date` of the
        staff in post, `expired` since `on`, and `to_attend`, how many more
        would have to attend to reach the threshold on that date.

    Raises
    ------
    InputError
        If a cell is malformed, or a person stands twice in a group.
    OptionError
        If the dates are the wrong way round.

    Examples
    --------
    >>> staff = pd.DataFrame({"staff": ["a", "b", "c", "d"], "measure": "sa8_fm_midwives",
    ...     "attended": ["2024-10-15", "2025-02-01", "2025-06-30", None]})
    >>> made = training_forecast(staff, on=date(2025, 9, 1), until=date(2025, 11, 30), unit="RJ1")
    >>> made[["on", "in_date", "in_post", "to_attend"]]
               on  in_date  in_post  to_attend
    0  2025-09-01        3        4          1
    1  2025-09-30        3        4          1
    2  2025-10-31        2        4          2
    3  2025-11-30        2        4          2
    """
    on, until = given_day(on, "on"), given_day(until, "until")
    if until < on:
        raise OptionError(f"the forecast ends on {until}, before it begins on {on}")
    if isinstance(months_valid, bool) or not isinstance(months_valid, int) or months_valid < 1:
        raise OptionError(f"months_valid must be 1 or more, not {months_valid!r}")
    frame = checked_staff(staff, on=on)
    ends = [_lasts_until(day, months_valid) for day in frame["attended"]]
    rows = []
    for measure, own in frame.assign(ends=ends).groupby("measure", sort=True):
        if threshold is not None:
            mark, whose = exact_share(threshold), "given"
        else:
            mark, whose = _mark(str(measure))
        last = [end for end in own["ends"] if end is not None]
        first = sum(end >= on for end in last)
        for day in _days(on, until):
            in_date, in_post = sum(end >= day for end in last), len(own)
            rows.append(
                {
                    "measure": f"mis:{measure}",
                    "unit": unit,
                    "on": day,
                    "in_post": in_post,
                    "in_date": in_date,
                    "value": in_date / in_post,
                    "expired": first - in_date,
                    "to_attend": max(0, successes_needed(in_post, mark) - in_date),
                    "threshold": float(mark),
                    "threshold_of": whose,
                }
            )
    return pd.DataFrame(rows, columns=list(FORECAST_COLUMNS))


def training_counts(
    staff: Any, *, on: date | str, unit: str, months_valid: int = 12
) -> pd.DataFrame:
    """The share in date on one day as counts, for the scorecard and run charts.

    Parameters
    ----------
    staff, on, unit, months_valid
        As `training_forecast`.

    Returns
    -------
    pandas.DataFrame
        `measure, unit, period, period_end, numerator, denominator`; both
        periods are the day, so that it is not taken for the month.

    Examples
    --------
    >>> staff = pd.DataFrame({"staff": ["a"], "measure": ["sa8_fm_midwives"],
    ...                       "attended": ["2025-02-01"]})
    >>> training_counts(staff, on=date(2025, 9, 1), unit="RJ1").iloc[0, 4:].to_list()
    [1, 1]
    """
    on = given_day(on, "on")
    made = training_forecast(
        staff, on=on, until=on, unit=unit, months_valid=months_valid, threshold="1"
    )  # no mark is looked at
    return pd.DataFrame(
        {
            "measure": made["measure"],
            "unit": made["unit"],
            "period": pd.to_datetime(made["on"]),
            "period_end": pd.to_datetime(made["on"]),
            "numerator": made["in_date"],
            "denominator": made["in_post"],
        }
    )


def checked_staff(staff: Any, *, on: date) -> pd.DataFrame:
    """A list of staff with its dates as dates.

    Raises
    ------
    InputError
        For the first cell that is not as it must be, by row.
    """
    frame = pd.DataFrame(staff).reset_index(drop=True)
    for name in STAFF_COLUMNS:
        if name not in frame.columns:
            raise InputError(
                f"the list of staff has no column {name!r}; {suggest(name, map(str, frame))}. "
                f"It needs the columns {', '.join(STAFF_COLUMNS)}"
            )
    known = {item.id for item in scheme().items if item.form == "stock" and _of_staff(item)}
    days = []
    seen: dict[tuple[str, str], int] = {}
    for place, cells in enumerate(frame[list(STAFF_COLUMNS)].to_dict("records"), start=2):
        measure = _measure(cells["measure"])
        person = _text(cells["staff"])
        if not person:
            raise InputError(f"row {place}, column staff: is empty; give every person an id")
        if measure not in known:
            raise InputError(
                f"row {place}, column measure: {measure!r} is no training measure of the scheme, "
                "such as sa8_fm_midwives (see docs: measures of the scheme)"
            )
        if (first := seen.setdefault((person, measure), place)) != place:
            raise InputError(
                f"row {place}: {person!r} stands in {measure} already, in row {first}; keep the "
                "latest attendance"
            )
        days.append(_day(cells["attended"], place, on))
    measures = [_measure(one) for one in frame["measure"]]
    made = frame[["staff"]].assign(measure=measures)
    made["attended"] = pd.Series(days, index=made.index, dtype=object)
    return made


def _of_staff(item: Item) -> bool:
    """Whether a stock counts people, not the parts of a care bundle."""
    return not item.denominator.endswith("interventions")


def _text(value: Any) -> str:
    return "" if value is None or (not isinstance(value, str) and pd.isna(value)) else (
        str(value).strip()
    )  # fmt: skip


def _measure(value: Any) -> str:
    """An item's id, whether or not the pack and year stand before it."""
    pack, colon, item = _text(value).rpartition(":")
    ours = pack in ("mis", *(f"mis@{year}" for year in YEARS))
    return item if not colon or ours else _text(value)


def _day(value: Any, row: int, on: date) -> date | None:
    where = f"row {row}, column attended"
    if not _text(value):
        return None
    try:
        day = day_of(value)
    except ValueError:
        raise InputError(f"{where}: {_text(value)!r} is not a date such as {DAY}") from None
    if day > on:
        raise InputError(f"{where}: {day} lies after {on}; leave out what is only planned")
    return day


def _lasts_until(attended: date | None, months: int) -> date | None:
    """The last day in date: the day before the same day so many months on."""
    if attended is None or pd.isna(attended):
        return None
    end: date = (pd.Timestamp(attended) + pd.DateOffset(months=months, days=-1)).date()
    return end


def _days(on: date, until: date) -> list[date]:
    """Today, and the end of every month from then on."""
    ends = pd.date_range(on, until, freq="ME")
    return [on, *(end.date() for end in ends if end.date() > on)]


def _mark(measure: str) -> tuple[Fraction, str]:
    """The newest mark of an item, and whose it is."""
    marks: Mapping[str, Fraction] = scheme().item(measure).thresholds
    if not marks:
        raise OptionError(f"{measure} has no mark in the scheme; give threshold=")
    newest = max(marks)
    return marks[newest], f"MIS {scheme().year(newest).label} (not verified)"
