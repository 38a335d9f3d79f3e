"""Adding rows up to the rows of those that they belonged to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spcbench.hierarchy_base import Base, key_of
from spcbench.hierarchy_check import Hierarchy
from spcbench.numeric.segments import Flags, Floats, Integers
from spcbench.tables import LEVEL, STATUS, STRING, category

USUAL_SHARE = 0.5
"""A unit usually reports if it has data in this share of its periods (a proposal)."""

NAMED = 3
"""Most units that a note names."""

SUMMED = ("numerator", "denominator", "expected", "variance", "missing")
SHARED = ("target", "period_end")
"""Columns that a total keeps where all rows that were added agree."""

_WHOLE = ("numerator", "denominator", "missing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """Which series had data in which period, and which lacked them.

    Parameters
    ----------
    series, period : array of int64, shape (reports,)
        Pairs with data.
    lacking_series, lacking_period : array of int64, shape (lacking,)
        Pairs without, of series that usually report or whose count is withheld.
    """

    series: Integers
    period: Integers
    lacking_series: Integers
    lacking_period: Integers


def reported(base: Base) -> Reports:
    """Which units had data when, and which should have had.

    Parameters
    ----------
    base : Base
        The rows that are added up.
    """
    shape = (base.unit.size, base.climb.span.size)
    has, hidden = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    has[base.series[base.ok], base.period[base.ok]] = True
    hidden[base.series[base.hidden], base.period[base.hidden]] = True
    live = np.zeros((int(base.measure.max(initial=-1)) + 1, shape[1]), dtype=np.bool_)
    some = base.ok | base.hidden
    live[base.measure[some], base.period[some]] = True
    due = (base.climb.row[:, base.climb.span] >= 0) & live[base.measure_of]
    seldom = has.sum(axis=1) < USUAL_SHARE * due.sum(axis=1)
    due[seldom] = False
    lacking = (due | hidden) & ~has & ~_nobody_eligible(base, has)
    return Reports(
        **dict(zip(("series", "period"), np.nonzero(has), strict=True)),
        **dict(zip(("lacking_series", "lacking_period"), np.nonzero(lacking), strict=True)),
    )


def _nobody_eligible(base: Base, has: Flags) -> Flags:
    """Where a series says 0 of 0 and its unit has cases of another measure in that period.

    Such a unit has reported. One whose every measure says 0 of 0 may be late, and is missed.
    """
    none = np.zeros(has.shape, dtype=np.bool_)
    none[base.series[base.none], base.period[base.none]] = True
    units, unit = np.unique(base.unit, return_inverse=True)
    heard = np.zeros((units.size, has.shape[1]), dtype=np.bool_)
    np.logical_or.at(heard, unit, has)
    told: Flags = none & heard[unit]
    return told


def totals(
    frame: pd.DataFrame, base: Base, reports: Reports, level: int, tree: Hierarchy, *, blank: bool
) -> pd.DataFrame:
    """One row for each measure, unit of a level, and period in which it had a row below it.

    Parameters
    ----------
    frame : pandas.DataFrame
        The counts that `base` speaks of.
    base, reports
        The rows to add, and who had data when.
    level : int
        Place in `LEVEL`.
    tree : Hierarchy
        Where the units belong.
    blank : bool
        Whether a total that lacks a unit loses its figures.
    """
    span = base.climb.span
    node = base.climb.above[level][base.series, span[base.period]]
    below = np.flatnonzero(node >= 0)
    group, distinct = pd.factorize(key_of(base.measure, node, base.period, tree, span.size)[below])
    rows, first = base.rows[below], _first_rows(group, distinct.size)
    units, without, notes = _behind(base, reports, level, tree, pd.Index(distinct))
    whole = (units > 0) & ~(blank & (without > 0))
    status = _status(frame, rows, group, distinct.size)
    status[(units > 0) & ~whole] = STATUS.index("insufficient_data")
    none = _unknown_only(frame, base)[below]
    nobody = (units == 0) & ~(blank & (without > 0))
    nobody &= ~_any(group, base.hidden[below], first.size) & _any(group, none, first.size)
    added = _Added(frame.iloc[rows], base.ok[below], none, group, whole, nobody)
    known, names = tree.names(), tree.units[node[below[first]]]
    made = {
        "measure": frame["measure"].array.take(rows[first]),
        "unit": pd.array(names, dtype=STRING),
        "period": frame["period"].array.take(rows[first]),
        **{name: added.sums(name) for name in SUMMED if name in frame.columns},
        **{name: added.agreed(name, first) for name in SHARED if name in frame.columns},
        "level": pd.Categorical.from_codes(np.full(first.size, level), dtype=category(LEVEL)),
        "status": pd.Categorical.from_codes(status, dtype=category(STATUS)),
        "note": pd.array(notes, dtype=STRING),
        "unit_name": pd.array([known.get(one) for one in names], dtype=STRING),
        "units": pd.array(units, dtype="Int64"),
        "units_missing": pd.array(without, dtype="Int64"),
    }
    return pd.DataFrame(made)


def _behind(
    base: Base, reports: Reports, level: int, tree: Hierarchy, keys: pd.Index
) -> tuple[Integers, Integers, list[str | None]]:
    """How many units with data stand behind each total, how many lack them, and that in words."""
    above, span = base.climb.above[level], base.climb.span

    def groups(series: Integers, period: Integers) -> Integers:
        unit = above[series, span[period]]
        wanted = key_of(base.measure_of[series], unit, period, tree, span.size)
        return np.where(unit >= 0, keys.get_indexer(wanted), -1)

    into = groups(reports.series, reports.period)
    lost = groups(reports.lacking_series, reports.lacking_period)
    units = np.bincount(into[into >= 0], minlength=len(keys))
    without = np.bincount(lost[lost >= 0], minlength=len(keys))
    codes = tree.units[base.unit[reports.lacking_series]]
    return units, without, _notes(units, without, lost, codes)


@dataclass(frozen=True, slots=True)
class _Added:
    """Rows to add, the group each goes to, and which groups get a figure."""

    rows: pd.DataFrame
    ok: Flags
    none: Flags
    group: Integers
    whole: Flags
    nobody: Flags  # nothing but unknown cases: 0 of 0, as it is where records are counted

    def sums(self, name: str) -> pd.Series | Floats:
        """Sum of a column in each group; unknown where one term is.

        Cases of which nothing is known stand in rows of 0 of 0, and are missing all the same.
        """
        cells = self.rows[name].to_numpy(dtype=np.float64, na_value=np.nan)
        use = self.ok | self.none if name == "missing" else self.ok
        sums = np.bincount(self.group[use], cells[use], minlength=self.whole.size)
        told = self.whole | self.nobody if name in _WHOLE else self.whole
        sums = np.where(told, sums, np.nan)
        return pd.Series(sums).astype("Int64") if name in _WHOLE else sums

    def agreed(self, name: str, first: Integers) -> pd.Series:
        """What all rows of each group say, or nothing."""
        cells = self.rows[name].reset_index(drop=True)
        told = cells.iloc[first].reset_index(drop=True)
        same = cells.to_numpy() == told.to_numpy()[self.group]  # what is missing equals nothing
        return told.mask(np.bincount(self.group[~same], minlength=first.size) > 0)


def _any(group: Integers, flags: Flags, size: int) -> Flags:
    """Which groups have a flagged row."""
    return np.asarray(np.bincount(group[flags], minlength=size) > 0, dtype=np.bool_)


def _unknown_only(frame: pd.DataFrame, base: Base) -> Flags:
    """Rows of 0 of 0 that say how many cases are unknown."""
    if "missing" not in frame.columns:
        return np.zeros(base.none.size, dtype=np.bool_)
    told = frame["missing"].gt(0).fillna(False).to_numpy(dtype=np.bool_)
    return np.asarray(base.none & told[base.rows], dtype=np.bool_)


def _first_rows(group: Integers, size: int) -> Integers:
    first = np.zeros(size, dtype=np.int64)
    first[group[::-1]] = np.arange(group.size)[::-1]
    return first


def _status(frame: pd.DataFrame, at: Integers, group: Integers, size: int) -> Integers:
    """Ok where any row is, else the gravest word among them."""
    codes = frame["status"].cat.codes.to_numpy()[at].astype(np.int64)
    gravest = np.zeros(size, dtype=np.int64)
    np.maximum.at(gravest, group, codes)
    gravest[group[codes == STATUS.index("ok")]] = STATUS.index("ok")
    return gravest


def _notes(units: Integers, without: Integers, lost: Integers, codes: pd.Index) -> list[str | None]:
    """What each total lacks, in words."""
    notes: list[str | None] = [None] * units.size
    order = np.lexsort((np.asarray(codes, dtype=object).astype("U"), lost))
    order = order[lost[order] >= 0]
    starts = np.flatnonzero(np.diff(lost[order], prepend=-1))
    for start in starts:
        group = int(lost[order[start]])
        count = int(without[group])
        named = [str(codes[one]) for one in order[start : start + min(count, NAMED)]]
        more = f" and {count - NAMED} more" if count > NAMED else ""
        notes[group] = (
            f"{units[group]} of {units[group] + count} units; without {', '.join(named)}{more}"
        )
    return notes


def filled(
    frame: pd.DataFrame, levels: Integers, base: Base, names: Mapping[str, str]
) -> pd.DataFrame:
    """The counts with every column that totals have.

    Parameters
    ----------
    frame : pandas.DataFrame
        Checked counts.
    levels : array of int64, shape (rows,)
        Level of each row.
    base : Base
        The rows that are added up: one unit stands behind each that has data.
    names : mapping of str to str
        What the hierarchy calls units; a name that the counts have stays.
    """
    made = frame.copy(deep=False)
    made["level"] = pd.Categorical.from_codes(levels, dtype=category(LEVEL))
    for name in ("note", "unit_name"):
        if name not in made.columns:
            made[name] = made["unit"].array.take(np.full(len(made), -1), allow_fill=True)
    known = made["unit"].map(names).astype(STRING)
    made["unit_name"] = made["unit_name"].astype(STRING).fillna(known)
    own = np.full(len(made), np.nan)
    own[base.rows] = base.ok
    for name, values in (("units", own), ("units_missing", np.full(len(made), np.nan))):
        before = values
        if name in made.columns:  # a table that was rolled up before
            numbers = pd.to_numeric(made[name], errors="coerce")
            before = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
        made[name] = pd.Series(np.where(np.isnan(values), before, values)).astype("Int64")
    for name in made.columns:
        kind = made[name].dtype
        if isinstance(kind, np.dtype) and kind.kind in "iub":
            # A label of whole numbers has to hold "none" in the rows that are added.
            made[name] = made[name].astype("boolean" if kind.kind == "b" else "Int64")
    return made


def without_keys(part: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Totals for which the counts have no row yet.

    Parameters
    ----------
    part : pandas.DataFrame
        As `totals` gives them.
    frame : pandas.DataFrame
        The counts.
    """
    there = frame[frame["unit"].isin(part["unit"].unique())]
    if there.empty:
        return part
    key = ["measure", "unit", "period"]
    both = pd.MultiIndex.from_frame(part[key]).isin(pd.MultiIndex.from_frame(there[key]))
    return part[~both]


def stacked(frame: pd.DataFrame, parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Counts and totals in one table; what totals do not have is missing in them.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `filled` gives them.
    parts : sequence of pandas.DataFrame
        As `totals` gives them.
    """
    whole = [frame.reset_index(drop=True)]
    for part in parts:
        # Made from the counts' own columns, so that every type stays what it was.
        made = frame.iloc[:0].reset_index(drop=True).reindex(range(len(part)))
        for name in part.columns:
            made[name] = part[name].array
        whole.append(made)
    return pd.concat(whole, ignore_index=True)
