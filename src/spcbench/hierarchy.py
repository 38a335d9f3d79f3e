"""Rolling counts up: from sites and trusts to systems, regions and the nation.

A parent's figures are the sums of those that belonged to it in that period.
What is a total already is never added again, and a total that lacks a unit
says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, overload

import numpy as np
import pandas as pd

from spcbench.counts_cells import Place
from spcbench.counts_check import checked
from spcbench.errors import OptionError, UnknownNameError
from spcbench.hierarchy_base import (
    base_rows,
    check_addable,
    check_nested,
    check_reach,
    chosen_levels,
    level_words,
    levels_of,
    numbered,
    places,
    refuse_nowhere,
    taken_counts,
    target_levels,
)
from spcbench.hierarchy_check import climbed, read_hierarchy
from spcbench.hierarchy_labels import labelled
from spcbench.hierarchy_sums import filled, reported, stacked, totals, without_keys
from spcbench.measures.counting import Counted

PARTIAL = ("note", "leave_out")


@overload
def rolled_up(
    counts: Counted,
    hierarchy: Any,
    *,
    to: str | Sequence[str] | None = None,
    level: str | Sequence[str] | None = None,
    keep: bool = True,
    partial: str = "note",
    date_format: str | None = None,
) -> Counted: ...
@overload
def rolled_up(
    counts: Any,
    hierarchy: Any,
    *,
    to: str | Sequence[str] | None = None,
    level: str | Sequence[str] | None = None,
    keep: bool = True,
    partial: str = "note",
    date_format: str | None = None,
) -> pd.DataFrame: ...
def rolled_up(
    counts: Any,
    hierarchy: Any,
    *,
    to: str | Sequence[str] | None = None,
    level: str | Sequence[str] | None = None,
    keep: bool = True,
    partial: str = "note",
    date_format: str | None = None,
) -> Any:
    """Counts with rows for systems, regions and the nation beside those of units.

    Parameters
    ----------
    counts : Counted, Table, pandas, polars or Arrow table
        Counts of units; numerators and denominators, not single values.
    hierarchy : path, table or Hierarchy
        As `read_hierarchy` takes it. The parent on the first day of a period
        is the parent for that period.
    to : str or sequence of str, optional
        Levels to add (``"trust"`` is ``"provider"``); by default all that the
        hierarchy has above the units.
    level : str or sequence of str, optional
        Level of the rows to add from; needed where the counts hold several.
        Other rows are left as they are, and where one of them is a total
        already, none is made in its place.
    keep : bool
        Whether rows of levels that are not made stay.
    partial : str
        What becomes of a total that lacks a unit which usually reports, or
        whose count is withheld: ``"note"`` says so in the column `note`,
        ``"leave_out"`` says so and blanks it (status ``insufficient_data``).
    date_format : str, optional
        How dates of the hierarchy are written when not as YYYY-MM-DD.

    Returns
    -------
    Counted or pandas.DataFrame
        `Counted` if that came, else a frame, in the order of counts. Sums of
        numerator, denominator and, where they are there, expected, variance
        and missing; a sum with an unknown term is unknown. `level` is filled;
        `units` says how many units with data a row rests on, `units_missing`
        how many that usually report had none. `system`, `region` and so on,
        one for each level above the units but the nation, hold the code of
        what the unit belonged to in that period (of a total: its own in its
        level's); a column of that name that says otherwise is left as it is.
        Empty counts stay empty.

    Raises
    ------
    InputError
        If the hierarchy is faulty (`read_hierarchy`), counts break their
        contract or hold single values, levels are mixed and none is chosen, a
        unit is nowhere in the hierarchy or belongs to none of the level asked
        for, or a row's level is not that of the hierarchy.
    OptionError
        If an option is out of its range.

    Examples
    --------
    >>> import pandas as pd
    >>> tree = pd.DataFrame({"unit": ["QKK", "RJ1", "RJ2"], "parent": [None, "QKK", "QKK"],
    ...                      "level": ["system", "provider", "provider"]})
    >>> counts = pd.DataFrame({"measure": "warm", "unit": ["RJ1", "RJ2"], "period": "2024-01-01",
    ...                        "numerator": [7, 8], "denominator": [9, 10]})
    >>> rolled_up(counts, tree)[["unit", "numerator", "denominator", "level", "system"]]
      unit  numerator  denominator     level system
    0  QKK         15           19    system    QKK
    1  RJ1          7            9  provider    QKK
    2  RJ2          8           10  provider    QKK
    """
    if partial not in PARTIAL:
        raise OptionError(f"partial must be one of {', '.join(PARTIAL)}, not {partial!r}")
    frame, place, default_level = taken_counts(counts)
    tree = read_hierarchy(hierarchy, date_format=date_format)
    unit = places(frame["unit"], tree)
    levels = levels_of(frame, unit, tree, place)
    chosen = chosen_levels(levels, level_words(level, "level"), default_level, place)
    targets = target_levels(level_words(to, "to"), chosen, tree)
    base = base_rows(frame, np.isin(levels, chosen), unit, tree, place)
    check_addable(frame, base, place)
    check_reach(frame, base, targets, tree, place)
    check_nested(base, chosen, tree, place)
    totalled = np.isin(levels, targets)
    refuse_nowhere(totalled & (unit < 0), frame, tree, place)
    frame = filled(frame, levels, base, tree.names())
    reports = reported(base)
    made = [totals(frame, base, reports, one, tree, blank=partial != "note") for one in targets]
    # A total that was published may hold what its parts do not, or hide what they show: it stays.
    made = [without_keys(part, frame) for part in made]
    whole = stacked(frame if keep else frame[totalled], made)
    done = checked(labelled(whole, chosen, tree), place=Place("the totals")).frame
    return replace(counts, counts=done) if isinstance(counts, Counted) else done


def compared_with(counts: Any, hierarchy: Any, unit: str) -> pd.DataFrame:
    """The rows of one unit and of whatever it belonged to in each period.

    Parameters
    ----------
    counts : Counted, Table, pandas, polars or Arrow table
        As `rolled_up` gives them.
    hierarchy : path, table or Hierarchy
        The same as for `rolled_up`.
    unit : str
        Its code.

    Returns
    -------
    pandas.DataFrame
        A part of the counts, in their order.

    Raises
    ------
    InputError
        If counts or hierarchy are faulty.
    UnknownNameError
        If the hierarchy does not have the unit.

    Examples
    --------
    >>> import pandas as pd
    >>> tree = pd.DataFrame({"unit": ["QKK", "RJ1", "RJ2"], "parent": [None, "QKK", "QKK"],
    ...                      "level": ["system", "provider", "provider"]})
    >>> counts = pd.DataFrame({"measure": "warm", "unit": ["RJ1", "RJ2"], "period": "2024-01-01",
    ...                        "numerator": [7, 8], "denominator": [9, 10]})
    >>> compared_with(rolled_up(counts, tree), tree, "RJ2")["unit"].to_list()
    ['QKK', 'RJ2']
    """
    frame, _, _ = taken_counts(counts)
    tree = read_hierarchy(hierarchy)
    own = tree.units.get_indexer([unit])
    if own[0] < 0:
        raise UnknownNameError("unit", unit, tree.units)
    period, days = numbered(frame["period"])
    climb = climbed(tree, own, days)
    at = places(frame["unit"], tree)
    keep = at == own[0]
    for above in climb.above.values():
        keep |= (at >= 0) & (at == above[0][climb.span[period]])
    return frame[keep].reset_index(drop=True)
