"""The dated table of who belongs to whom, checked, and climbing it.

One row says: this unit, of this level, belonged to that parent from then to
then. Units are climbed by level and not by steps, because trees are of uneven
depth: some trusts belong to a system, others to a region at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd

from spcbench.counts_cells import Place, dates, words
from spcbench.dated_tables import check_columns, table_of
from spcbench.errors import InputError
from spcbench.numeric.segments import Flags, Integers
from spcbench.tables import LEVEL, Column, Contract

RANKED = ("site", "provider", "system", "region", "national")
"""Levels from the lowest to the highest; ``group`` has no rank and may stand between any two."""

ALSO_CALLED: Mapping[str, str] = {"trust": "provider", "country": "national"}
"""Other words for a level."""

HIERARCHY = Contract(
    "hierarchy",
    (
        Column("unit", "string"),
        Column("parent", "string"),
        Column("level", "category", LEVEL),
        Column("from", "date"),
        Column("to", "date"),
        Column("name", "string"),
    ),
)
"""A checked hierarchy: `level` is that of the unit, `from` and `to` are both included."""

NEEDED = HIERARCHY.names[:3]
RANK = np.array([RANKED.index(word) if word in RANKED else -1 for word in LEVEL], dtype=np.int64)
"""Rank of each word of `LEVEL`, -1 for a group."""

MOST_STEPS = 50
_EVER = 2**22
_BITS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Hierarchy:
    """A checked hierarchy, ready to be climbed.

    Parameters
    ----------
    rows : pandas.DataFrame
        As `HIERARCHY`, sorted by unit and date.
    place : Place
        Where each of those rows stands.
    units : pandas.Index
        The codes, sorted; what follows speaks of places in it.
    level : array of int64, shape (units,)
        Level of each unit, as a place in `LEVEL`.
    unit, parent : array of int64, shape (rows,)
        Unit and parent of each row; -1 where there is no parent.
    first, last : array of int64, shape (rows,)
        Days from which and to which a row holds.
    """

    rows: pd.DataFrame
    place: Place
    units: pd.Index
    level: Integers
    unit: Integers
    parent: Integers
    first: Integers
    last: Integers

    def row_of(self, units: Integers, days: Integers) -> Integers:
        """The row that holds for each unit on its day; -1 where none does, or no unit is given."""
        keys = (self.unit << _BITS) + self.first + 2 * _EVER
        at = np.searchsorted(keys, (units << _BITS) + days + 2 * _EVER, side="right") - 1
        holds = (units >= 0) & (at >= 0)
        holds &= (self.unit[at] == units) & (days <= self.last[at])
        return np.where(holds, at, -1)

    def names(self) -> Mapping[str, str]:
        """The latest name of each unit that has one."""
        named = self.rows[["unit", "name"]].dropna().drop_duplicates("unit", keep="last")
        return dict(zip(named["unit"], named["name"], strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Climbed:
    """Where units stood in spans of time in which nothing changed.

    Parameters
    ----------
    span : array of int64, shape (days,)
        Which span each day lies in.
    row : array of int64, shape (units, spans)
        Row of the hierarchy that held for the unit, -1 for none.
    top : array of int64, shape (units, spans)
        The last row that was reached above it, or its own.
    above : mapping of int to array of int64, shape (units, spans)
        For each level, the nearest unit above of that level; -1 for none.
    """

    span: Integers
    row: Integers
    top: Integers
    above: Mapping[int, Integers]


def as_days(periods: Any) -> Integers:
    """Whole days since 1970 of some dates; a date that is missing is an error of the caller."""
    days = np.asarray(periods, dtype="datetime64[D]").astype(np.int64)
    return np.clip(days, 1 - _EVER, _EVER - 1)


def climbed(hierarchy: Hierarchy, units: Integers, days: Integers) -> Climbed:
    """Parents, grandparents and so on of some units on some days.

    Parameters
    ----------
    hierarchy : Hierarchy
        What to climb.
    units : array of int64, shape (units,)
        Places in `hierarchy.units`.
    days : array of int64, shape (days,)
        As `as_days` gives them.
    """
    turns = np.unique(np.append(hierarchy.first, hierarchy.last + 1))
    # Between two turns nothing changes, so a few days stand for all of them.
    _, sample, span = np.unique(
        np.searchsorted(turns, days, side="right"), return_index=True, return_inverse=True
    )
    shape = (units.size, sample.size)
    day = np.broadcast_to(days[sample], shape)
    row = hierarchy.row_of(np.broadcast_to(units[:, None], shape), day)
    above = {level: np.full(shape, -1, dtype=np.int64) for level in range(len(LEVEL))}
    top, at = row.copy(), row
    for _ in range(MOST_STEPS):
        parent = np.where(at >= 0, hierarchy.parent[at], -1)
        at = hierarchy.row_of(parent, day)
        if not (at >= 0).any():
            break
        top = np.where(at >= 0, at, top)
        level = np.where(at >= 0, hierarchy.level[parent], -1)
        for number, found in above.items():
            found[(level == number) & (found < 0)] = parent[(level == number) & (found < 0)]
    return Climbed(span=span.astype(np.int64), row=row, top=top, above=above)


def read_hierarchy(source: Any, *, date_format: str | None = None) -> Hierarchy:
    """A hierarchy from a CSV file or a table, checked.

    Parameters
    ----------
    source : path, pandas, polars or Arrow table, or Hierarchy
        Columns `unit, parent, level` and perhaps `from, to, name`. `level` is
        the level of the unit: ``site``, ``provider`` (or ``trust``),
        ``system``, ``region``, ``national`` (or ``country``) or ``group``.
        The parent of the topmost is blank. Columns of other names are left.
    date_format : str, optional
        How dates are written in text when not as YYYY-MM-DD.

    Returns
    -------
    Hierarchy
        A blank `from` or `to` means always before, always after.

    Raises
    ------
    InputError
        For the first fault: a column or cell is missing, a parent has no row
        of its own, two rows of a unit overlap, a unit has two levels or stands
        above itself, or a parent is of no higher level. Names line and code.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"unit": ["Y56", "QKK", "RJ1"], "parent": [None, "Y56", "QKK"],
    ...                       "level": ["region", "system", "trust"]})
    >>> read_hierarchy(table).rows["level"].to_list()
    ['system', 'provider', 'region']
    """
    if isinstance(source, Hierarchy):
        return source
    frame, place = table_of(source, what="the hierarchy")
    check_columns(frame, place, needed=NEEDED, optional=HIERARCHY.names[3:], what="A hierarchy")
    frame = frame.reindex(columns=HIERARCHY.names)
    built: dict[str, Any] = {
        "unit": words(frame["unit"], place, required=True),
        "parent": words(frame["parent"], place),
        "level": words(_plain_levels(frame["level"]), place, required=True, choices=LEVEL),
        "from": _dates(frame["from"], place, date_format),
        "to": _dates(frame["to"], place, date_format),
        "name": words(frame["name"], place),
    }
    hierarchy = _sorted(HIERARCHY.frame(built), place)
    _check_spans(hierarchy)
    _check_levels(hierarchy)
    _check_climb(hierarchy)
    return hierarchy


def _dates(cells: pd.Series, place: Place, date_format: str | None) -> pd.Series:
    try:
        return dates(cells, place, date_format=date_format)
    except InputError as error:
        # On the command line --date-format is that of the counts.
        told = str(error).replace("(--date-format", "(--hierarchy-date-format")
        raise InputError(told) from None


def _plain_levels(cells: pd.Series) -> pd.Series:
    """The words of the contract for those that mean the same."""
    loose = cells.astype("object")
    told = loose.map(lambda cell: cell.strip() if isinstance(cell, str) else cell)
    return told.map(lambda cell: ALSO_CALLED.get(cell, cell) if isinstance(cell, str) else cell)


def _sorted(frame: pd.DataFrame, place: Place) -> Hierarchy:
    """By unit and date, with units as numbers; refuses a parent without a row."""
    units = pd.Index(sorted(frame["unit"].unique()), dtype=frame["unit"].dtype)
    unit = units.get_indexer(frame["unit"])
    parent = np.where(frame["parent"].isna(), -1, units.get_indexer(frame["parent"]))
    unknown = (parent < 0) & frame["parent"].notna().to_numpy()
    if unknown.any():
        row = int(np.argmax(unknown))
        code = frame["parent"].iloc[row]
        near = get_close_matches(code, list(units), n=3)
        meant = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise InputError(
            f"{place.at(row, 'parent')}: {code!r}, the parent of {frame['unit'].iloc[row]!r}, has "
            f"no row of its own{place.also(unknown)}{meant}"
        )
    ends = {"from": -_EVER, "to": _EVER}
    first, last = (
        np.where(frame[name].isna(), ever, as_days(frame[name].fillna(pd.Timestamp(0))))
        for name, ever in ends.items()
    )
    order = np.lexsort((last, first, unit))
    lines = np.arange(1, len(frame) + 1) if place.lines is None else place.lines
    level = np.zeros(len(units), dtype=np.int64)
    level[unit] = frame["level"].cat.codes.to_numpy()
    return Hierarchy(
        rows=frame.iloc[order].reset_index(drop=True),
        place=replace(place, lines=lines[order]),
        units=units,
        level=level,
        unit=unit[order].astype(np.int64),
        parent=parent[order].astype(np.int64),
        first=first[order].astype(np.int64),
        last=last[order].astype(np.int64),
    )


def _check_spans(hierarchy: Hierarchy) -> None:
    """Refuse a row that ends before it begins, and two rows of a unit on one day."""
    rows, place = hierarchy.rows, hierarchy.place
    backwards: Flags = hierarchy.last < hierarchy.first
    if backwards.any():
        row = int(np.argmax(backwards))
        raise InputError(
            f"{place.at(row, 'to')}: {rows['unit'].iloc[row]!r} belongs to its parent to "
            f"{rows['to'].iloc[row]:%Y-%m-%d}, before it began on {rows['from'].iloc[row]:%Y-%m-%d}"
            + place.also(backwards)
        )
    same = hierarchy.unit[1:] == hierarchy.unit[:-1]
    both: Flags = same & (hierarchy.first[1:] <= hierarchy.last[:-1])
    if both.any():
        row = int(np.argmax(both))
        code, day = rows["unit"].iloc[row], hierarchy.first[row + 1]
        parents = [str(one) for one in rows["parent"].iloc[row : row + 2].fillna("(none)")]
        when = "from the start" if day == -_EVER else f"on {np.datetime64(int(day), 'D')}"
        told = f"two parents, {' and '.join(parents)}," if parents[0] != parents[1] else "two rows"
        raise InputError(
            f"{place.row(row)} and {place.row(row + 1)} overlap: {code!r} has {told} {when}; give "
            "the dates from which and to which each holds" + place.also(both)
        )


def _check_levels(hierarchy: Hierarchy) -> None:
    """Refuse a unit that has a level in one row and another in the next."""
    stated = hierarchy.rows["level"].cat.codes.to_numpy()
    same = hierarchy.unit[1:] == hierarchy.unit[:-1]
    changed: Flags = same & (stated[1:] != stated[:-1])
    if changed.any():
        row = int(np.argmax(changed))
        was, now = hierarchy.rows["level"].iloc[row : row + 2]
        raise InputError(
            f"{hierarchy.place.at(row + 1, 'level')}: {hierarchy.rows['unit'].iloc[row]!r} is a "
            f"{now}, and a {was} in {hierarchy.place.row(row)}; a unit has one level"
        )


def _check_climb(hierarchy: Hierarchy) -> None:
    """Refuse a unit above itself, and a parent that is of no higher level.

    Climbing from each row on the day it begins finds every loop, because a
    loop begins on the day on which its latest row does.
    """
    day, at = hierarchy.first, np.arange(len(hierarchy.rows))
    highest = RANK[hierarchy.level[hierarchy.unit]]
    wrong = np.full(day.size, -1, dtype=np.int64)
    for _ in range(MOST_STEPS):
        parent = np.where(at >= 0, hierarchy.parent[at], -1)
        rank = np.where(parent >= 0, RANK[hierarchy.level[parent]], -1)
        wrong = np.where((wrong < 0) & (rank >= 0) & (rank <= highest), at, wrong)
        highest = np.maximum(highest, rank)
        at = hierarchy.row_of(parent, day)
        if not (at >= 0).any():
            break
    else:
        _refuse_loop(hierarchy, int(np.argmax(at >= 0)))
    if (wrong >= 0).any():
        row = int(wrong[np.argmax(wrong >= 0)])
        unit, parent = hierarchy.rows.loc[row, ["unit", "parent"]]
        levels = [
            LEVEL[hierarchy.level[one]] for one in (hierarchy.unit[row], hierarchy.parent[row])
        ]
        raise InputError(
            f"{hierarchy.place.at(row, 'parent')}: {parent!r} is a {levels[1]}, which cannot stand "
            f"above {unit!r}, a {levels[0]}; the order is {', '.join(RANKED)}, and a group may "
            "stand between any two"
        )


def _refuse_loop(hierarchy: Hierarchy, start: int) -> None:
    day, walked = hierarchy.first[start : start + 1], [start]
    while True:
        row = int(hierarchy.row_of(hierarchy.parent[walked[-1:]], day)[0])
        if row in walked or row < 0:
            break
        walked.append(row)
    if row < 0:
        code = hierarchy.rows["unit"].iloc[start]
        raise InputError(
            f"{hierarchy.place.row(start)}: more than {MOST_STEPS} units stand above {code!r}"
        )
    loop = walked[walked.index(row) :]
    codes = [str(hierarchy.rows["unit"].iloc[one]) for one in [*loop, row]]
    raise InputError(
        f"{hierarchy.place.row(row)}: {codes[0]!r} stands above itself: {' in '.join(codes)}"
    )
