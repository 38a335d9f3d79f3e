"""One unit beside its system, its region and the nation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from spcbench.errors import InputError, OptionError, UnknownNameError
from spcbench.funnel_estimates import interval
from spcbench.funnel_highlights import latest_rows
from spcbench.funnel_sums import AMOUNTS, in_window
from spcbench.funnel_units import Recipe
from spcbench.intake import Taken, usable_once
from spcbench.levels import Level
from spcbench.tables import LEVEL, beside_contract

ABOVE = ("group", "system", "region", "national")
"""Levels that a unit can belong to, the nearest first."""


def beside_table(
    taken: Taken, recipe: Recipe, unit: str, *, first: Any | None, last: Any | None
) -> pd.DataFrame:
    """A unit and whatever it belongs to, each with its value, as `tables.BESIDE`.

    Parameters
    ----------
    taken : Taken
        The counts, and the rows of other levels that came with them.
    recipe : Recipe
        What is compared.
    unit : str
        Its code, or its name.
    first, last : date, optional
        The window.

    Raises
    ------
    UnknownNameError
        If there is no such unit.
    InputError
        If the counts have no rows of anything that it belongs to.
    OptionError
        If it is a change that is compared.
    """
    if recipe.data_type == "change":
        raise OptionError("a change is not set beside that of a system or region; compare values")
    code = _code(unit, taken)
    whole = taken.whole
    if "level" not in whole.columns:
        raise _nothing(taken, code)
    latest = latest_rows(taken, (first, last))
    own = latest[latest["unit"].eq(code)].iloc[0]
    wanted = {code: str(own["level"])}
    for level in ABOVE:
        wanted |= dict.fromkeys(_above(level, own, whole), level)
    wanted[code] = str(own["level"])
    if len(wanted) == 1:
        raise _nothing(taken, code)
    keep = whole["unit"].isin(list(wanted)) & whole["measure"].isin(list(taken.display))
    keep &= whole["status"].eq("ok") & in_window(whole, first, last)
    rows = whole[keep.to_numpy(dtype=np.bool_)]
    rows = rows[usable_once(rows, taken.display)]
    return _summed(rows[rows["level"].eq(rows["unit"].map(wanted))], recipe, list(wanted))


def reference_lines(table: pd.DataFrame) -> tuple[tuple[str, str, float], ...]:
    """Measure, label and value of everything above the unit in a table of `beside_table`."""
    above = table[table["level"].isin(ABOVE) & table["value"].notna()]
    labels = above["unit_name"].fillna(above["unit"])
    return tuple(zip(above["measure"], labels, above["value"], strict=True))


def _code(unit: str, taken: Taken) -> str:
    codes = taken.frame["unit"].unique().tolist()
    if unit in codes:
        return unit
    for code in codes:
        if taken.unit_names.get(code) == unit:
            return str(code)
    raise UnknownNameError("unit", unit, [*codes, *taken.unit_names.values()])


def _nothing(taken: Taken, code: str) -> InputError:
    return InputError(
        f"{taken.source} has no rows of a system, region or nation that {code!r} belongs to; "
        "roll the counts up first (rolled_up, or spcbench roll-up)"
    )


def _above(level: str, own: pd.Series[Any], whole: pd.DataFrame) -> list[str]:
    """Codes of what a unit belongs to at a level; everything belongs to the nation."""
    there = whole.loc[whole["level"].eq(level).to_numpy(bool, na_value=False), "unit"]
    if level == "national":
        return [str(code) for code in there.unique()]
    code = own.get(level)
    return [] if code is None or pd.isna(code) or code not in set(there) else [str(code)]


def _summed(rows: pd.DataFrame, recipe: Recipe, order: list[str]) -> pd.DataFrame:
    """Sums over the window, the unit first and then upwards."""
    places = pd.Series(range(len(order)), index=order)
    grouped = rows.assign(place=rows["unit"].map(places)).groupby(["measure", "place"])
    ends = grouped.agg(
        unit=("unit", "last"),
        level=("level", "last"),
        first=("period", "min"),
        last=("period", "max"),
        periods=("period", "size"),
    ).reset_index()
    names = pd.Series(None, index=ends.index, dtype="object")
    if "unit_name" in rows.columns:
        names = grouped["unit_name"].last().reset_index(drop=True)
    sums = {
        name: grouped[name].sum(min_count=1).astype("float64").to_numpy()
        if name in rows.columns
        else np.full(len(ends), np.nan)
        for name in AMOUNTS
    }
    count = sums["numerator"]
    size = sums["expected" if recipe.data_type == "ratio" else "denominator"]
    lines: dict[str, Any] = {}
    for one in recipe.levels:
        lines |= _interval(recipe, count, size, one)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.where(size > 0, count / size, np.nan)
    return beside_contract([one.name for one in recipe.levels]).frame(
        {
            **{name: ends[name] for name in ("measure", "unit", "first", "last", "periods")},
            "level": pd.Categorical(ends["level"].astype("string"), categories=list(LEVEL)),
            "unit_name": names,
            "numerator": pd.array(sums["numerator"], dtype="Int64"),
            "denominator": pd.array(sums["denominator"], dtype="Int64"),
            "expected": sums["expected"],
            "value": value,
            **lines,
        }
    )


def _interval(
    recipe: Recipe, count: np.ndarray, size: np.ndarray, level: Level
) -> dict[str, np.ndarray]:
    both = count + size if recipe.data_type == "two_counts" else size
    lower, upper = interval(recipe.data_type, count, both, level.alpha)
    return {f"interval_lower_{level.name}": lower, f"interval_upper_{level.name}": upper}
