"""Which rows of a trust's counts are about which item, and which are about none.

A row that cannot be right is refused here, with its place; one that does not
count is kept with the reason, because a figure must not vanish without a word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pandas as pd

from spcbench.errors import InputError, OptionError, suggest
from spcbench_mis.scheme_data import Item, Window, scheme

OWN_PACK = "mis"

UNUSED_COLUMNS = ("measure", "period", "period_end", "why")
"""Columns of the table of rows that do not count."""


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
    measure : str
        As the counts name it.
    place : str
        File and line, where they are known, for messages.
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
    measure: str = ""
    place: str = ""

    @property
    def day(self) -> date:
        """Of which day the state of a stock is: the end if it is given, else the date itself."""
        return self.last if self.says_its_end else self.first

    @property
    def dates(self) -> str:
        """What it covers, in words."""
        return f"{self.first:%d %b %Y} to {self.last:%d %b %Y}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRows:
    """Rows of one trust, by what they are about.

    Parameters
    ----------
    rows : mapping of str to list of Row
        By item, in the order of their dates.
    unused : pandas.DataFrame
        The rows that do not count, with `UNUSED_COLUMNS`.
    """

    rows: Mapping[str, list[Row]]
    unused: pd.DataFrame


def rows_by_item(
    counts: pd.DataFrame, *, year: str, unit: str, on: date, places: Sequence[str] = ()
) -> ItemRows:
    """The rows of one trust that count for items of a year, and those that do not.

    Parameters
    ----------
    counts : pandas.DataFrame
        Checked counts, and `eligible` and `expected_total` where they are
        known. Measures are called
        ``mis@y7:sa1_parent_views``, ``mis:sa1_parent_views`` or without a
        pack; those of other packs are left alone.
    year : str
        Such as ``"y7"``.
    unit : str
        The trust.
    on : date
        As of when.
    places : sequence of str
        From `row_places`: where each row stands, for messages.

    Returns
    -------
    ItemRows
        Every row of ours stands once, under its item or among the unused.

    Raises
    ------
    InputError
        If a measure is no item of the scheme, a row is impossible or stands
        twice, or one overlaps another.
    """
    own = counts.assign(_place=list(places) or "")[counts["unit"].eq(unit)]
    items = {one.id: one for one in scheme().items}
    found: dict[str, list[Row]] = {}
    unused: list[tuple[Row, str]] = []
    for name, lines in own.groupby("measure", sort=True):
        item, why = _meant(str(name), year)
        if not (item or why):
            continue
        meant = items.get(str(name).rpartition(":")[2])
        read = [_row(str(name), one, meant) for one in _records(lines)]
        if item:
            found.setdefault(item, []).extend(read)
        else:
            unused += [(row, why) for row in read]
    kept = {}
    for name, rows in found.items():
        one = items[name]
        window = scheme().window(one, year)
        reasons = [(row, why_unused(one, row, window, on)) for row in _apart(one, unit, rows)]
        kept[name] = [row for row, why in reasons if not why]
        unused += [(row, why) for row, why in reasons if why]
    return ItemRows(rows=kept, unused=_table(unused))


def row_places(counts: Any) -> list[str]:
    """Where each row of what a reader gave stands: its file and line.

    Parameters
    ----------
    counts : Table or a table
        As `scorecard` takes it.

    Returns
    -------
    list of str
        Such as ``"counts.csv, line 3, "``; empty for what has no lines.
    """
    lines = getattr(counts, "lines", None)
    return [] if lines is None else [f"{counts.source}, line {line}, " for line in lines]


def why_unused(item: Item, row: Row, window: Window, on: date) -> str:
    """Why a row does not count on a day; empty if it does.

    Parameters
    ----------
    item : Item
        A flow, or a stock, which is of one day.
    row : Row
        Of it.
    window : Window
        Its period.
    on : date
        As of when.
    """
    first, last = (row.day, row.day) if item.form == "stock" else (row.first, row.last)
    if last < window.first or first > window.last:
        return f"outside the period, {window.first:%d %b %Y} to {window.last:%d %b %Y}"
    if first > on:
        return f"later than {on:%d %b %Y}"
    # A month without an end may be under way; on its first day it can only be of the future.
    if last > on and (row.says_its_end or first == on):
        return f"not over by {on:%d %b %Y}"
    return ""


def unused_lines(unused: pd.DataFrame) -> list[str]:
    """Rows that do not count in sentences, one for each reason.

    Parameters
    ----------
    unused : pandas.DataFrame
        With `UNUSED_COLUMNS`.

    Examples
    --------
    >>> rows = pd.DataFrame([["mis:sa1_parent_views", None, None, "later than 01 May 2025"]] * 2,
    ...                     columns=list(UNUSED_COLUMNS))
    >>> unused_lines(rows)
    ['2 rows not used: later than 01 May 2025 (mis:sa1_parent_views)']
    """
    made = []
    for why, rows in unused.groupby("why", sort=False):
        names = list(dict.fromkeys(rows["measure"]))
        listed = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        number = f"{len(rows)} row{'' if len(rows) == 1 else 's'}"
        made.append(f"{number} not used: {why} ({listed})")
    return made


def month_end(day: date) -> date:
    """The last day of a month."""
    following = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
    return following - timedelta(days=1)


def _table(unused: list[tuple[Row, str]]) -> pd.DataFrame:
    rows = [
        (row.measure, row.first, row.last if row.says_its_end else None, why) for row, why in unused
    ]
    return pd.DataFrame(rows, columns=list(UNUSED_COLUMNS))


def _meant(name: str, year: str) -> tuple[str, str]:
    """The item that a measure's name means; or why a name of ours means none of this year."""
    pack, colon, item = name.rpartition(":")
    base, at, other = pack.partition("@")
    if colon and base != OWN_PACK:
        near = base.strip().casefold() == OWN_PACK
        return "", f"the pack is written {OWN_PACK!r}, not {base!r}" if near else ""
    if at and other != year:
        known = scheme().years.get(other)
        return "", f"named for {known.label}" if known else f"there is no year {other!r}"
    items = {one.id: one for one in scheme().items}
    if item not in items:
        _check_foreign(name, item, ours=bool(colon))
        return "", ""
    if items[item].kind == "evidence":
        raise InputError(
            f"{item!r} is an evidence item, not a figure: keep it in the file of evidence, not "
            "among the counts"
        )
    if year not in items[item].years:
        return "", f"not in the standard of {scheme().years[year].label}"
    return item, ""


def _check_foreign(name: str, item: str, *, ours: bool) -> None:
    """Refuse a name that is no item; a bare one only if it looks like ours."""
    near = suggest(item, [one.id for one in scheme().items])
    if ours or near.startswith("did you mean"):
        other = "" if ours else " (a measure of your own needs a pack's name, such as local:NAME)"
        raise InputError(
            f"the measure {name!r} of the counts is no item of the scheme{other}; {near}"
        )


def _records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in one.items()} for one in rows.to_dict("records")]


def _row(name: str, cells: dict[str, Any], item: Item | None) -> Row:
    first = pd.Timestamp(cells["period"]).date()
    end = cells.get("period_end")
    note = cells.get("note")
    says_its_end = end is not None and not pd.isna(end)
    made = Row(
        first=first,
        last=pd.Timestamp(end).date() if says_its_end else month_end(first),
        says_its_end=says_its_end,
        numerator=_whole(cells.get("numerator")),
        # 0 of 0 is a report that there was no case, which the contract calls no_data.
        denominator=_whole(cells.get("denominator")),
        eligible=_total(name, cells, "eligible"),
        expected_total=_total(name, cells, "expected_total"),
        status=str(cells["status"]),
        note="" if note is None or pd.isna(note) else str(note),
        measure=name,
        place=cells["_place"],
    )
    _check_possible(made, item, _where(name, cells))
    return made


def _check_possible(row: Row, item: Item | None, where: str) -> None:
    """Refuse figures that contradict each other: added up, they would hide one another."""
    if row.last < row.first:
        raise InputError(
            f"{where}, column period_end: {row.last} lies before period, {row.first}; both belong "
            "to what the row covers"
        )
    met, cases = row.numerator, row.denominator
    fixed = item is not None and item.denominator.isdecimal()
    if item is not None and fixed and max(met or 0, cases or 0) > int(item.denominator):
        most = max(met or 0, cases or 0)
        raise InputError(f"{where}: {most} is more than the {item.denominator} that there are")
    # Counts such as red flags have a denominator of another kind, which they may exceed.
    share = item is None or item.kind == "statistic" or fixed
    if share and met is not None and cases is not None and met > cases:
        raise InputError(
            f"{where}, column numerator: {met} of {cases} cases cannot be; the numerator counts "
            "cases of the denominator"
        )
    if row.eligible is not None and cases is not None and row.eligible < cases:
        raise InputError(
            f"{where}, column eligible: {row.eligible} cases are eligible, fewer than the {cases} "
            "that are due; eligible counts those that are not yet due as well"
        )


def _where(name: str, cells: Mapping[str, Any]) -> str:
    return f"{cells['_place']}{name}, {cells['unit']}, {pd.Timestamp(cells['period']):%Y-%m-%d}"


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
            f"{_where(name, cells)}, column {column}: {text!r} is not a whole number of at least 0"
        )
    return int(text.removesuffix(".0"))


def _apart(item: Item, unit: str, rows: list[Row]) -> list[Row]:
    """Rows in the order of their dates; two that cover the same day are refused."""
    if item.form == "stock":
        rows = sorted(rows, key=lambda row: row.day)
        for row, after in pairwise(rows):
            if row.day == after.day:
                raise InputError(_twice(item, unit, after, row.day))
        return rows
    # Without an end a row may be its whole month, whatever its date says.
    rows = sorted(rows, key=lambda row: (_begins(row), row.last))
    for row, after in pairwise(rows):
        if _begins(after) > row.last:
            continue
        if after.first == row.first:
            raise InputError(_twice(item, unit, after, row.first))
        where = f"{after.place}{item.id}, {unit}"
        if row.says_its_end and after.says_its_end:
            raise InputError(
                f"{where}: the row of {row.first} to {row.last} reaches into that of "
                f"{after.first}; its cases would be counted twice"
            )
        open_one = after if row.says_its_end else row
        raise InputError(
            f"{where}: the rows of {row.first} and {after.first} may hold the same cases, because "
            f"that of {open_one.first} does not say its end and so stands for its month; give "
            "both their period_end"
        )
    return rows


def _begins(row: Row) -> date:
    return row.first if row.says_its_end else row.first.replace(day=1)


def _twice(item: Item, unit: str, row: Row, day: date) -> str:
    return (
        f"{row.place}{item.id}, {unit}: the period {day} stands there twice (perhaps with and "
        "without 'mis:'); keep one row"
    )


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
