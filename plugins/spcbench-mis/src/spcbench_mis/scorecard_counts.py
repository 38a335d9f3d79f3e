"""What the rows of an item add up to, and what stays unknown about it.

The dates of the scheme do not keep to months. What lies across the first or the
last day is looked at both ways, and a verdict that depends on it is not given.
Nor is one on a period of which a day is not reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import pandas as pd

from spcbench.errors import InputError
from spcbench_mis.scheme_data import Item, Window
from spcbench_mis.scorecard_rows import Row, month_end

GRACE_DAYS = 7
"""How old the last figure of a stock may be at the end of its period.

The scheme asks for a state at the end and knows no such allowance: seven days are
this package's choice, so that a list of the last working day does.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What the rows of an item add up to, as of a day.

    Parameters
    ----------
    numerator, denominator, eligible : int, optional
        Sums; None where nothing is reported. `eligible` counts cases that are
        not yet due too.
    expected_total : int, optional
        Cases that will be due by the end of the period, as the latest row says.
    lowest, highest : tuple of (int, int), optional
        Numerator and denominator if of the rows across an edge of the period
        only failures, or only successes, belonged to it.
    first, last : date, optional
        What the rows cover.
    doubts : tuple of str
        Why a verdict on the whole period cannot be given.
    notes : tuple of str
        What else a reader should know.
    choice : str
        What the trust would have to choose where its figures allow two verdicts.
    """

    numerator: int | None = None
    denominator: int | None = None
    eligible: int | None = None
    expected_total: int | None = None
    lowest: tuple[int, int] | None = None
    highest: tuple[int, int] | None = None
    first: date | None = None
    last: date | None = None
    doubts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    choice: str = ""

    @property
    def known(self) -> bool:
        """Whether anything is reported."""
        return self.numerator is not None


def tally(item: Item, rows: Sequence[Row], window: Window, on: date) -> Tally:
    """What the rows of an item add up to within its period, as of a day.

    Parameters
    ----------
    item : Item
        A flow, whose cases add up, or a stock, of which the latest row counts.
    rows : sequence of Row
        Those that count, from `rows_by_item`, in the order of their dates.
    window : Window
        The item's period.
    on : date
        As of when.
    """
    if item.form == "stock":
        return _latest(list(rows), window, on)
    return _added_up(item, list(rows), window, on)


def _latest(rows: list[Row], window: Window, on: date) -> Tally:
    """The latest state that is known; a stock is never added up."""
    known = [row for row in rows if row.numerator is not None]
    if not known:
        return Tally(notes=tuple(_lost(rows)))
    latest = known[-1]
    doubts, notes = [], []
    age = (window.last - latest.day).days
    if on > window.last and age:
        said = f"the latest figure is of {latest.day:%d %b %Y}"
        if age > GRACE_DAYS:
            hint = ""
            if (window.last - latest.last).days <= GRACE_DAYS:  # its month ends there
                hint = "; if it is of the end of its month, say so in period_end"
            doubts.append(f"{said}, not of the end of the period{hint}")
        else:
            notes.append(f"{said}, {age} day{'s' if age > 1 else ''} before the end")
    if rows[-1] is not latest:
        doubts += _lost(rows[rows.index(latest) :])
    return Tally(
        numerator=latest.numerator,
        denominator=latest.denominator,
        eligible=latest.eligible,
        first=latest.day,
        last=latest.day,
        doubts=tuple(doubts),
        notes=(*notes, *(one for one in _lost(rows) if one not in doubts), *_said([latest])),
    )


def _added_up(item: Item, rows: list[Row], window: Window, on: date) -> Tally:
    known = [row for row in rows if row.numerator is not None]
    doubts, notes = _lost(rows), _under_way(known, on)
    if not known:
        return Tally(notes=tuple(doubts))
    if window.audit_months is None:
        doubts += _gaps(item, rows, window, on)
    inside = [row for row in known if window.first <= row.first and row.last <= window.last]
    across = [row for row in known if row not in inside]
    # Of a row across the edge most days decide whether it is shown among the figures.
    taken = [row for row in known if row in inside or _share_within(row, window) > 0.5]
    notes += [_edge_note(row, counted=row in taken) for row in across]
    if not taken:
        return Tally(doubts=tuple(doubts), notes=tuple(notes))
    expected = _final_total(item, taken)
    if on > window.last:
        doubts += _never_came(known, expected)
    if item.kind == "statistic":
        doubts += [f"{row.dates}: no denominator" for row in taken if row.denominator is None]
    low, high = _extremes(inside, across) if across else (None, None)
    eligible = [row.eligible for row in taken]
    made = Tally(
        numerator=sum(row.numerator or 0 for row in taken),
        denominator=_sum([row.denominator for row in taken]),
        eligible=None if across or None in eligible else _sum(eligible),
        expected_total=None if across else expected,
        lowest=low,
        highest=high,
        first=taken[0].first,
        last=taken[-1].last,
        doubts=tuple(doubts),
        notes=(*notes, *_said(taken)),
    )
    return _audited(item, made, inside, window, on) if window.audit_months else made


def _edge_note(row: Row, *, counted: bool) -> str:
    said = "is counted" if counted else "is left out"
    return f"the row of {row.dates} lies across an edge of the period and {said}"


def _never_came(rows: list[Row], expected: int | None) -> list[str]:
    """What is said of cases that were expected and are not among those reported."""
    cases = sum(row.denominator or 0 for row in rows)
    if expected is None or expected <= cases:
        return []
    return [f"{expected} cases were expected in all, {cases} are reported"]


def _audited(item: Item, made: Tally, rows: list[Row], window: Window, on: date) -> Tally:
    """An audit of so many months in a row, which the trust chooses within the dates.

    Every stretch that is long enough is looked at, and all that is reported. A
    verdict is given if they agree, and lost only if no stretch is left.
    """
    months = window.audit_months or 0
    found = [
        (sum(row.numerator or 0 for row in one), sum(row.denominator or 0 for row in one))
        for one in _stretches(rows, window, months)
    ]
    doubts = list(made.doubts)
    if not found:
        doubts.append(f"the audit needs {months} months in a row; the rows do not cover them")
    pairs = [*found, *filter(None, (made.lowest, made.highest))]
    pairs.append((made.numerator or 0, made.denominator or 0))
    # Of a row longer than the audit nobody knows where in it cases failed.
    long = [row for row in rows if row.last > _months_on(row.first, window, months)]
    pairs += [(row.numerator, row.numerator) for row in long if row.numerator]
    if item.none != "met" and any(cases for _, cases in pairs):
        pairs = [pair for pair in pairs if pair[1]]
    low = min(pairs, key=lambda pair: (_share(pair), not pair[1]))
    high = max(pairs, key=lambda pair: (_share(pair), pair[1]))
    choice = f"keep only the rows of the {months} months in a row that the audit is of"
    if on <= window.last and _room_left(rows, window, months):
        high, choice = (0, 0), f"any {months} months in a row within the dates would do"
    return replace(
        made, expected_total=None, lowest=low, highest=high, doubts=tuple(doubts), choice=choice
    )


def _share(pair: tuple[int, int]) -> float:
    """The share of cases; where there was none, none failed."""
    return pair[0] / pair[1] if pair[1] else 1.0


def _stretches(rows: list[Row], window: Window, months: int) -> list[list[Row]]:
    """Rows one after the other, without a day missing, that are long enough for an audit."""
    made = []
    for start, first in enumerate(rows):
        one = [first]
        enough = _months_on(first.first, window, months)
        for row in [*rows[start + 1 :], None]:
            if one[-1].last >= enough:
                made.append(list(one))
            if row is None or row.first != one[-1].last + timedelta(days=1):
                break
            one.append(row)
    return made


def _months_on(first: date, window: Window, months: int) -> date:
    """The last day of so many months from a day; the first month of a period may lack a day."""
    if first == window.first and first.day == 2:
        first = first.replace(day=1)
    last: date = (pd.Timestamp(first) + pd.DateOffset(months=months, days=-1)).date()
    return last


def _room_left(rows: list[Row], window: Window, months: int) -> bool:
    """Whether there is a stretch within the dates that need not hold any of the failures."""
    failed = [row for row in rows if (row.denominator or 0) > (row.numerator or 0)]
    for start in (window.first, *(row.first + timedelta(days=1) for row in failed)):
        end = _months_on(start, window, months)
        if end <= window.last and not any(start <= row.first and row.last <= end for row in failed):
            return True
    return False


def _final_total(item: Item, rows: list[Row]) -> int | None:
    """How many cases there will be in all, as the latest row that says so has it."""
    told = [row for row in rows if row.expected_total is not None]
    due = _sum([row.denominator for row in rows])
    if not told or due is None:
        return None
    total = told[-1].expected_total or 0
    if total < due:
        raise InputError(
            f"{told[-1].place}{item.id}, {told[-1].first}, column expected_total: {total} cases "
            f"are expected in the whole period, fewer than the {due} that were due so far"
        )
    return total


def _extremes(inside: list[Row], across: list[Row]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Figures with only the failures of rows across an edge, and with only their successes."""
    met = sum(row.numerator or 0 for row in inside)
    cases = sum(row.denominator or 0 for row in inside)
    more = sum(row.numerator or 0 for row in across)
    failed = sum((row.denominator or 0) - (row.numerator or 0) for row in across)
    return (met, cases + max(0, failed)), (met + more, cases + more)


def _sum(numbers: list[int | None]) -> int | None:
    """Their sum; None if there is none or one is missing."""
    return None if not numbers or None in numbers else sum(one or 0 for one in numbers)


def _said(rows: list[Row]) -> list[str]:
    """What the trust says of figures that count, such as that they are provisional; each once."""
    return list(dict.fromkeys(row.note for row in rows if row.note))


def _lost(rows: list[Row]) -> list[str]:
    """Why rows of the period have no figure."""
    return [
        f"{row.first:%b %Y}: {row.status.replace('_', ' ')}{f' ({row.note})' if row.note else ''}"
        for row in rows
        if row.numerator is None
    ]


def _share_within(row: Row, window: Window) -> float:
    days = (min(row.last, window.last) - max(row.first, window.first)).days + 1
    return days / ((row.last - row.first).days + 1)


def _under_way(rows: list[Row], on: date) -> list[str]:
    """Months without an end that are not over yet."""
    return [
        f"{row.first:%b %Y} is not over; it counts as it stands" for row in rows if row.last > on
    ]


def _gaps(item: Item, rows: list[Row], window: Window, on: date) -> list[str]:
    """Days of the period, of months that are over by then, of which no row says anything."""
    until = min(on.replace(day=1) - timedelta(days=1), window.last)
    if on > window.last:
        until = window.last
    missing, day = [], window.first
    for row in rows:
        if row.first > day and day <= until:
            missing.append(_dates(day, min(row.first - timedelta(days=1), until)))
        day = row.last + timedelta(days=1)
    if day <= until:
        missing.append(_dates(day, until))
    # What is done, such as a meeting, may be reported only when it is done.
    taken = ", taken as none" if item.kind == "count" else ""
    if len(missing) > 4:
        missing = [*missing[:3], f"and {len(missing) - 3} more gaps"]
    return [f"no row for {', '.join(missing)}{taken}"] if missing else []


def _dates(first: date, last: date) -> str:
    """Days in words, whole months by their names."""
    if first.day == 1 and last == month_end(last):
        ends = f"{first:%b %Y}", f"{last:%b %Y}"
    else:
        ends = f"{first:%d %b %Y}", f"{last:%d %b %Y}"
    return " to ".join(dict.fromkeys(ends))
