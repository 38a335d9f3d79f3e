"""Which rows of some counts are added up, and where each belonged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from spcbench.counts_cells import Place
from spcbench.counts_check import checked
from spcbench.errors import InputError, OptionError, UnknownNameError, suggest
from spcbench.hierarchy_check import ALSO_CALLED, RANK, Climbed, Hierarchy, as_days, climbed
from spcbench.measures.counting import Counted
from spcbench.numeric.segments import Flags, Integers
from spcbench.tables import LEVEL, STATUS, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The rows that are added up, and the series they make.

    Arrays of shape (rows,): `rows` (of the counts), `measure`, `series`,
    `period` (numbers), `ok`, `hidden` and `none` (has data; has data that is
    withheld; says that there were no cases).
    Of shape (series,): `unit` and `measure_of`. `climb` speaks of series.
    """

    rows: Integers
    measure: Integers
    series: Integers
    period: Integers
    ok: Flags
    hidden: Flags
    none: Flags
    unit: Integers
    measure_of: Integers
    climb: Climbed


# ------------------------------------------------------------------ what came, and of what level


def taken_counts(counts: Any) -> tuple[pd.DataFrame, Place, str | None]:
    """Checked counts, where their rows stood, and the level that a reader prefers."""
    place, default, table = Place(None), None, counts
    if isinstance(counts, Counted):
        table = counts.counts
    if isinstance(counts, Table):
        if counts.kind == "records":
            raise InputError(f"{counts.source} holds records, not counts; count them first")
        place, default = Place(counts.source, counts.text, counts.lines), counts.default_level
        table = counts.data
    found = checked(table, place=place)
    lines = found.order + (2 if place.text else 1) if place.lines is None else place.lines
    if place.lines is not None:
        lines = np.asarray(lines)[found.order]
    return found.frame, replace(place, lines=lines), default


def numbered(periods: pd.Series) -> tuple[Integers, Integers]:
    """The number of each period, and the days of all of them in order."""
    days, number = np.unique(as_days(periods.to_numpy()), return_inverse=True)
    return number.astype(np.int64), days


def places(units: pd.Series, tree: Hierarchy) -> Integers:
    """Where each row's unit stands in the hierarchy; -1 for nowhere."""
    number, codes = pd.factorize(units)
    return np.asarray(tree.units.get_indexer(codes)[number], dtype=np.int64)


def level_words(given: str | Sequence[str] | None, option: str) -> list[int]:
    """Places in `LEVEL` of the words of an option."""
    made = []
    for one in [given] if isinstance(given, str) else list(given or ()):
        word = ALSO_CALLED.get(one, one)
        if word not in LEVEL:
            raise OptionError(f"{option}: {one!r} is not a level; {suggest(one, LEVEL)}")
        made.append(LEVEL.index(word))
    return list(dict.fromkeys(made))


def levels_of(frame: pd.DataFrame, unit: Integers, tree: Hierarchy, place: Place) -> Integers:
    """Level of each row: as it says, else as the hierarchy says of its unit."""
    known = np.where(unit >= 0, tree.level[unit], -1)
    stated = np.full(len(frame), -1, dtype=np.int64)
    if "level" in frame.columns:
        stated = frame["level"].cat.codes.to_numpy().astype(np.int64)
    unlike = (known >= 0) & (stated >= 0) & (known != stated)
    if unlike.any():
        row = int(np.argmax(unlike))
        raise InputError(
            f"{place.at(row, 'level')}: {frame['unit'].iloc[row]!r} is a {LEVEL[stated[row]]} here "
            f"and a {LEVEL[known[row]]} in {tree.place.whole}" + place.also(unlike)
        )
    levels = np.where(stated >= 0, stated, known)
    refuse_nowhere(levels < 0, frame, tree, place)
    return levels


def refuse_nowhere(bad: Flags, frame: pd.DataFrame, tree: Hierarchy, place: Place) -> None:
    """Refuse rows whose unit the hierarchy does not have."""
    if bad.any():
        row = int(np.argmax(bad))
        code = str(frame["unit"].iloc[row])
        near = suggest(code, tree.units) if len(tree.units) <= 20 else "add a row for it"
        raise InputError(
            f"{place.at(row, 'unit')}: {code!r} is nowhere in {tree.place.whole}; {near}"
            + place.also(bad)
        )


def chosen_levels(
    levels: Integers, asked: list[int], default: str | None, place: Place
) -> list[int]:
    """The levels that are added up: those asked for, else the only one there is."""
    present = [int(one) for one in np.unique(levels)]
    if not asked and default is not None and LEVEL.index(default) in present:
        asked = [LEVEL.index(default)]
    for one in asked:
        if one not in present and present:
            raise UnknownNameError("level", LEVEL[one], [LEVEL[other] for other in present])
    if not asked and len(present) > 1:
        raise InputError(
            f"{place.whole} holds the levels {', '.join(sorted(LEVEL[one] for one in present))}, "
            "so some rows may be totals of others; say which level to add from with level= "
            "(--level)"
        )
    return asked or present


def target_levels(asked: list[int], chosen: list[int], tree: Hierarchy) -> list[int]:
    """The levels that are made, the lowest first."""
    there = {int(one) for one in np.unique(tree.level)}
    for one in asked:
        if one not in there:
            raise InputError(f"{tree.place.whole} has no unit of level {LEVEL[one]!r}")
    lowest = min((RANK[one] for one in chosen), default=-1)
    ranked = [one for one in asked or sorted(there) if RANK[one] > lowest]
    # A group has no rank: it is made when it is asked for, and is never made of groups.
    groups = [one for one in asked if RANK[one] < 0 and one not in chosen]
    return sorted(ranked, key=lambda one: RANK[one]) + groups


# --------------------------------------------------------------------- the rows that are added


def base_rows(
    frame: pd.DataFrame, chosen: Flags, unit: Integers, tree: Hierarchy, place: Place
) -> Base:
    """The chosen rows, their series, and all that those belonged to."""
    refuse_nowhere(chosen & (unit < 0), frame, tree, place)
    at = np.flatnonzero(chosen)
    period, days = numbered(frame["period"])
    measure = pd.factorize(frame["measure"])[0].astype(np.int64)[at]
    key = measure * max(len(tree.units), 1) + unit[at]
    series, distinct = pd.factorize(key)
    codes = frame["status"].cat.codes.to_numpy()[at]
    # Cases there were, and no count of them: a composite of which one part is never known.
    uncounted = (codes == STATUS.index("no_data")) & _uncounted(frame)[at]
    return Base(
        rows=at,
        measure=measure,
        series=series.astype(np.int64),
        period=period[at],
        ok=codes == STATUS.index("ok"),
        hidden=(codes > STATUS.index("no_data")) | uncounted,
        none=(codes == STATUS.index("no_data"))
        & frame["denominator"].eq(0).fillna(False).to_numpy(dtype=np.bool_)[at],
        unit=distinct % max(len(tree.units), 1),
        measure_of=distinct // max(len(tree.units), 1),
        climb=climbed(tree, distinct % max(len(tree.units), 1), days),
    )


def _uncounted(frame: pd.DataFrame) -> Flags:
    """Rows without numerator and denominator that say how many cases are unknown."""
    if "missing" not in frame.columns:
        return np.zeros(len(frame), dtype=np.bool_)
    told = frame["missing"].gt(0).fillna(False)
    return np.asarray(
        told & frame["denominator"].isna() & frame["numerator"].isna(), dtype=np.bool_
    )


def check_addable(frame: pd.DataFrame, base: Base, place: Place) -> None:
    """Refuse rows that hold a single value: there is nothing to add."""
    bad = np.zeros(len(frame), dtype=np.bool_)
    bad[base.rows[base.ok]] = frame["numerator"].isna().to_numpy()[base.rows[base.ok]]
    if bad.any():
        row = int(np.argmax(bad))
        raise InputError(
            f"{place.row(row)}: {frame['measure'].iloc[row]!r} of {frame['unit'].iloc[row]!r} has "
            "no numerator; only counts can be added up, not single values" + place.also(bad)
        )


def check_reach(
    frame: pd.DataFrame, base: Base, targets: list[int], tree: Hierarchy, place: Place
) -> None:
    """Refuse data of a unit that stood nowhere, or under nobody of the highest level asked for."""
    ranked = [one for one in targets if RANK[one] >= 0]
    span = base.climb.span[base.period]
    row, top = base.climb.row[base.series, span], base.climb.top[base.series, span]
    data = base.ok | base.hidden
    lost = data & (row < 0)
    short = lost.copy()
    if ranked:
        # A level may be left out on the way up, but not the last one: that total would lack a unit.
        reached = RANK[tree.level[np.where(top >= 0, tree.unit[top], 0)]]
        short |= data & (reached < RANK[ranked[-1]])
    if not short.any():
        return
    bad = int(np.argmax(lost)) if lost.any() else int(np.argmax(short))
    at, everyone = int(base.rows[bad]), lost if lost.any() else short
    code, day = frame["unit"].iloc[at], f"{frame['period'].iloc[at]:%Y-%m-%d}"
    if lost.any():
        end = f"{code!r} has counts for {day}, on which no row of {tree.place.whole} holds for it"
    else:
        last = int(top[bad])
        own, parent = tree.rows["unit"].iloc[last], tree.rows["parent"].iloc[last]
        why = "no parent" if pd.isna(parent) else f"the parent {parent!r}, with no row on {day}"
        end = (
            f"{code!r} belongs to no {LEVEL[ranked[-1]]} on {day}: "
            f"{own!r} has {why} ({tree.place.row(last)})"
        )
    raise InputError(f"{place.at(at, 'unit')}: {end}" + place.also(everyone))


def check_nested(base: Base, chosen: list[int], tree: Hierarchy, place: Place) -> None:
    """Refuse to add a unit and one that stands above it, such as a site and its trust."""
    if len(chosen) < 2:
        return
    span = base.climb.span[base.period]
    periods = base.climb.span.size
    own = pd.Index(key_of(base.measure, base.unit[base.series], base.period, tree, periods))
    for level in chosen:
        above = base.climb.above[level][base.series, span]
        twice = (above >= 0) & base.ok
        twice &= np.isin(key_of(base.measure, above, base.period, tree, periods), own[base.ok])
        if twice.any():
            row = int(np.argmax(twice))
            unit, parent = tree.units[base.unit[base.series[row]]], tree.units[above[row]]
            raise InputError(
                f"{place.at(int(base.rows[row]), 'unit')}: {unit!r} is in {parent!r}, which has "
                "a row for that period too; adding both would count people twice"
                + place.also(twice)
            )


def key_of(
    measure: Integers, unit: Integers, period: Integers, tree: Hierarchy, periods: int
) -> Integers:
    """One number for each measure, unit and period."""
    return (measure * len(tree.units) + unit) * periods + period
