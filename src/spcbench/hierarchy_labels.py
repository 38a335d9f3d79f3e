"""Labels that say what each row's unit belonged to, so that a region can have its own funnel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from spcbench.hierarchy_base import numbered, places
from spcbench.hierarchy_check import RANK, Hierarchy, climbed
from spcbench.tables import LEVEL

NATIONAL = LEVEL.index("national")
_USUAL = int(RANK[LEVEL.index("provider")])
"""Rank of units that have none, such as groups; and of no units at all."""


def label_levels(chosen: Sequence[int], tree: Hierarchy) -> list[int]:
    """Levels above the units that get a column, the lowest first, a group last.

    Parameters
    ----------
    chosen : sequence of int
        Levels of the units, as places in `LEVEL`.
    tree : Hierarchy
        Where they belong. Its nation is left out: it is that of all.
    """
    there = {int(one) for one in np.unique(tree.level)}
    lowest = min((int(RANK[one]) for one in chosen if RANK[one] >= 0), default=_USUAL)
    ranked = [one for one in there if RANK[one] > lowest and one != NATIONAL]
    return sorted(ranked, key=lambda one: RANK[one]) + [one for one in there if RANK[one] < 0]


def labelled(frame: pd.DataFrame, chosen: Sequence[int], tree: Hierarchy) -> pd.DataFrame:
    """Counts with a column for each level above the units, holding the code of that level.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of units and of totals.
    chosen : sequence of int
        Levels of the units, as places in `LEVEL`.
    tree : Hierarchy
        Where they belong.

    Returns
    -------
    pandas.DataFrame
        Missing where a unit belonged to none in that period; a row of that
        level has its own code. A column that is there and says otherwise of
        any row stays as it is.
    """
    unit = places(frame["unit"], tree)
    period, days = numbered(frame["period"])
    number, distinct = pd.factorize(unit)
    climb = climbed(tree, distinct, days)
    span = climb.span[period]
    own = np.where(unit >= 0, tree.level[unit], -1) if len(tree.units) else unit
    made = {}
    for level in label_levels(chosen, tree):
        at = np.where(own == level, unit, climb.above[level][number, span])
        codes = pd.Series(tree.units.array.take(at, allow_fill=True), index=frame.index)
        name = LEVEL[level]
        if name not in frame.columns or _agree(frame[name], codes):
            made[name] = codes
    return frame.assign(**made)


def _agree(theirs: pd.Series, codes: pd.Series) -> bool:
    """Whether cells that say something all say the same as the codes."""
    said = theirs.notna()
    return bool((theirs[said].astype("string") == codes[said].astype("string")).fillna(False).all())
