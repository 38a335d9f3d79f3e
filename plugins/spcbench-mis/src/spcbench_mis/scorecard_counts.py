"""Which rows of a trust's counts bear on an item, and what they add up to.

The dates of the scheme do not keep to months. What lies across the first or the
last day is looked at both ways, and a verdict that depends on it is not given.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pandas as pd

from spcbench.errors import InputError, OptionError, suggest
from spcbench_mis.scheme_data import Item, Window, scheme

OWN_PACK = "mis"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of counts.

    Parameters
    ----------
    first, last : date
        What it covers.
    numerator, denominator, eligible, expected_total : int, optional
        None where nothing is reported.
    status : str
        As `spcbench.tables.STATUS`.
    note : str
        What the trust says about it.
    says_its_end : bool
        Whether `last` was given, and not taken to be the end of the month.
    """

    first: date
    last: date
    numerator: int | None
    denominator: int | None
    eligible: int | None
    expected_total: int | None
    status: str
    note: str = ""
    says_its_end: bool = False


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

    @property
    def known(self) -> bool:
        """Whether anything is reported."""
        return self.numerator is not None


def rows_by_item(counts: pd.DataFrame, *, year: str, unit: str) -> dict[str, list[Row]]:
    """The rows of one trust that are about items of a year, by item.

    Parameters
    ----------
    counts : pandas.DataFrame
        Checked counts, and `eligible` and `expected_total` where they are
        known. Measures are called
        ``mis@y7:sa1_parent_views``, ``mis:sa1_parent_views`` or without a
        pack; those of other packs and other years are left alone.
    year : str
        Such as ``"y7"``.
    unit : str
        The trust.

    Returns
    -------
    dict of str to list of Row
        In the order of their dates.

    Raises
    ------
    InputError
        If a measure is no item of the scheme, a row stands twice, or one
        overlaps the next.
    """
    own = counts[counts["unit"].eq(unit)]
    items = {item.id for item in scheme().of_year(year)}
    found: dict[str, list[Row]] = {}
    for name, rows in own.groupby("measure", sort=True):
        item = _item_of(str(name), year)
        if item in items:
            found.setdefault(item, []).extend(_row(str(name), one) for one in _records(rows))
    return {item: _apart(item, unit, rows) for item, rows in found.items()}


def tally(item: Item, rows: Iterable[Row], window: Window, on: date) -> Tally:
    """What the rows of an item add up to within its period, as of a day.

    Parameters
    ----------
    item : Item
        A flow, whose cases add up, or a stock, of which the latest row counts.
    rows : iterable of Row
        From `rows_by_item`.
    window : Window
        The item's period.
    on : date
        Rows that begin later are left out.
    """
    within = [row for row in rows if row.last >= window.first and row.first <= window.last]
    within = [row for row in within if row.first <= on]
    if item.form == "stock":
        return _latest(within, window, on)
    return _added_up(item, within, window, on)


def _latest(rows: list[Row], window: Window, on: date) -> Tally:
    """The latest state that is known; a stock is never added up."""
    rows = [row for row in rows if row.first >= window.first]
    known = [row for row in rows if row.numerator is not None]
    if not known:
        return Tally(notes=tuple(_lost(rows)))
    latest = known[-1]
    doubts = []
    at_the_end = (latest.first.year, latest.first.month) == (window.last.year, window.last.month)
    if on > window.last and not at_the_end:
        doubts.append(
            f"the latest figure is of {latest.first:%d %b %Y}, not of the end of the period"
        )
    return Tally(
        numerator=latest.numerator,
        denominator=latest.denominator,
        eligible=latest.eligible,
        first=latest.first,
        last=latest.first,
        doubts=tuple(doubts),
        notes=(*_lost(rows), *_said([latest])),
    )


def _added_up(item: Item, rows: list[Row], window: Window, on: date) -> Tally:
    known = [row for row in rows if row.numerator is not None]
    doubts, notes = _lost(rows), []
    if not known:
        return Tally(notes=tuple(doubts))
    # What is done, such as a meeting, is reported when it is done; cases every month.
    missing = [] if item.kind == "count" else _missing_months(rows, window, min(on, window.last))
    if missing:
        doubts.append(f"no row for {', '.join(missing)}")
    inside = [row for row in known if window.first <= row.first and row.last <= window.last]
    across = [row for row in known if row not in inside]
    # Of a row across the edge most days decide whether it is shown among the figures.
    taken = [row for row in known if row in inside or _share_within(row, window) > 0.5]
    for row in across:
        said = "is counted" if row in taken else "is left out"
        notes.append(
            f"the row of {row.first:%d %b %Y} to {row.last:%d %b %Y} lies across an edge of the "
            f"period and {said}"
        )
    if not taken:
        return Tally(doubts=tuple(doubts), notes=tuple(notes))
    low, high = _extremes(inside, across) if across else (None, None)
    eligible = [row.eligible for row in taken]
    return Tally(
        numerator=sum(row.numerator or 0 for row in taken),
        denominator=_sum([row.denominator for row in taken]),
        eligible=None if across or None in eligible else _sum(eligible),
        expected_total=None if across else _final_total(item, taken),
        lowest=low,
        highest=high,
        first=taken[0].first,
        last=taken[-1].last,
        doubts=tuple(doubts),
        notes=(*notes, *_said(taken)),
    )


def _final_total(item: Item, rows: list[Row]) -> int | None:
    """How many cases there will be in all, as the latest row that says so has it."""
    told = [row for row in rows if row.expected_total is not None]
    due = _sum([row.denominator for row in rows])
    if not told or due is None:
        return None
    total = told[-1].expected_total or 0
    if total < due:
        raise InputError(
            f"{item.id}, {told[-1].first:%Y-%m-%d}, column expected_total: {total} cases are "
            f"expected in the whole period, fewer than the {due} that were due so far"
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


def _missing_months(rows: list[Row], window: Window, until: date) -> list[str]:
    """Months of the period, over by then, of which no row says anything."""
    if window.rule:
        return []
    missing, day = [], window.first.replace(day=1)
    while day <= until:
        end = _month_end(day)
        covered = any(row.first <= end and row.last >= day for row in rows)
        if not covered and end <= until:
            missing.append(f"{day:%b %Y}")
        day = end + timedelta(days=1)
    return missing


def _month_end(day: date) -> date:
    following = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
    return following - timedelta(days=1)


def _item_of(name: str, year: str) -> str | None:
    """Id of the item that a measure's name means; None for what is not ours or of this year."""
    pack, colon, item = name.rpartition(":")
    if colon and pack not in (OWN_PACK, f"{OWN_PACK}@{year}"):
        return None
    known = {one.id: one for one in scheme().items}
    if item in known:
        if known[item].kind == "evidence":
            raise InputError(
                f"{item!r} is an evidence item, not a figure: keep it in the file of evidence, not "
                "among the counts"
            )
        return item
    # A bare name may be anyone's; with the pack's name before it, it is meant to be ours.
    near = suggest(item, known)
    if colon or near.startswith("did you mean"):
        other = "" if colon else " (a measure of your own needs a pack's name, such as local:NAME)"
        raise InputError(
            f"the measure {name!r} of the counts is no item of the scheme{other}; {near}"
        )
    return None


def _records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in one.items()} for one in rows.to_dict("records")]


def _row(name: str, cells: dict[str, Any]) -> Row:
    first = pd.Timestamp(cells["period"]).date()
    end = cells.get("period_end")
    numerator, denominator = (_whole(cells.get(key)) for key in ("numerator", "denominator"))
    # 0 of 0 is a report that there was no case, which the contract calls no_data.
    eligible = _total(name, cells, "eligible")
    if eligible is not None and denominator is not None and eligible < denominator:
        raise InputError(
            f"{name}, {cells['unit']}, {first}, column eligible: {eligible} cases are eligible, "
            f"fewer than the {denominator} that are due; eligible counts those that are not yet "
            "due as well"
        )
    note = cells.get("note")
    says_its_end = end is not None and not pd.isna(end)
    return Row(
        first=first,
        last=pd.Timestamp(end).date() if says_its_end else _month_end(first),
        says_its_end=says_its_end,
        numerator=numerator,
        denominator=denominator,
        eligible=eligible,
        expected_total=_total(name, cells, "expected_total"),
        status=str(cells["status"]),
        note="" if note is None or pd.isna(note) else str(note),
    )


def _whole(value: Any) -> int | None:
    return None if value is None or pd.isna(value) else int(value)


def _total(name: str, cells: dict[str, Any], column: str) -> int | None:
    """A number of cases in a column that the contract of counts does not know."""
    value = cells.get(column)
    text = "" if value is None or pd.isna(value) else str(value).strip()
    if not text:
        return None
    if not text.removesuffix(".0").isdecimal():
        raise InputError(
            f"{name}, {cells['unit']}, {pd.Timestamp(cells['period']):%Y-%m-%d}, column {column}: "
            f"{text!r} is not a whole number of at least 0"
        )
    return int(text.removesuffix(".0"))


def _apart(item: str, unit: str, rows: list[Row]) -> list[Row]:
    """Rows in the order of their dates, none of which reaches into the next."""
    rows = sorted(rows, key=lambda row: (row.first, row.last))
    made = []
    for row, after in zip(rows, [*rows[1:], None], strict=True):
        if after is None or after.first > row.last:
            made.append(row)
            continue
        if after.first == row.first:
            raise InputError(
                f"{item}, {unit}: the period {row.first:%Y-%m-%d} stands there twice "
                "(perhaps with and without 'mis:'); keep one row"
            )
        if row.says_its_end:
            raise InputError(
                f"{item}, {unit}: the row of {row.first:%Y-%m-%d} to {row.last:%Y-%m-%d} reaches "
                f"into that of {after.first:%Y-%m-%d}; its cases would be counted twice"
            )
        # Without an end a row is a month; where the next begins sooner, it ends there.
        made.append(replace(row, last=after.first - timedelta(days=1)))
    return made


def chosen_unit(counts: pd.DataFrame, unit: str | None) -> str:
    """The trust that is meant: the one asked for, else the only one.

    Raises
    ------
    OptionError
        If it is not in the counts, or there are several to choose from.
    """
    units = sorted(map(str, counts["unit"].unique()))
    if unit is not None:
        if unit not in units:
            raise OptionError(f"unit {unit!r} is not in the counts; {suggest(unit, units)}")
        return unit
    if len(units) != 1:
        listed = ", ".join(units[:8]) + (", …" if len(units) > 8 else "")
        raise OptionError(f"the counts hold {len(units)} units ({listed}); choose one with --unit")
    return units[0]
