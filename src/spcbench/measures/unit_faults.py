"""What is wrong with the records of each unit, so that each can be told what to put right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spcbench.measures.rejects import reason_of
from spcbench.measures.tallies import problem_name
from spcbench.tables import Column, Contract

if TYPE_CHECKING:
    from spcbench.measures.query import CountQuery

UNITS = Contract(
    "units",
    (
        Column("unit", "string"),
        Column("records", "integer"),
        Column("set_aside", "integer"),
    ),
)
"""How many records each unit has, and how many of them are set aside. `unit` is empty where
the unit or the date of a record is not known."""

UNIT_PROBLEMS = Contract(
    "unit_problems",
    (
        Column("unit", "string"),
        Column("field", "string"),
        Column("problem", "string"),
        Column("reason", "string"),
        Column("records", "integer"),
    ),
)
"""How many records of each unit have each problem, by field (or check) and in plain words."""


def unit_tables(
    query: CountQuery, found: Mapping[str, Any], *, set_aside_only: bool = False
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Records of each unit, and its problems.

    Parameters
    ----------
    query : CountQuery
        What was asked of the records, by a column of units.
    found : mapping
        What the query gave: one row per unit and period.
    set_aside_only : bool
        Leave out problems for which no record is set aside.

    Returns
    -------
    tuple of two pandas.DataFrame
        With the columns of `UNITS` and of `UNIT_PROBLEMS`, units in order,
        that without a name last. Rows of too few cells belong to none.
    """
    told = [one for one in query.problems if one.sets_aside or not set_aside_only]
    reasons = {(one.field, one.code): reason_of(one, query) for one in reversed(told)}
    reasons = dict(reversed(reasons.items()))
    tallies = {key: problem_name(*key) for key in reasons}
    sums = _sums(found, ["records", "rejected", *tallies.values()])
    units = [(unit, own["records"], own["rejected"]) for unit, own in sums.items()]
    problems = [
        (unit, *key, reason, own[tallies[key]])
        for unit, own in sums.items()
        for key, reason in reasons.items()
        if own[tallies[key]]
    ]
    return _table(UNITS, units), _table(UNIT_PROBLEMS, problems)


def _sums(found: Mapping[str, Any], names: list[str]) -> dict[str | None, dict[str, int]]:
    lost = np.ma.getmaskarray(found["unit"])
    named = sorted({str(one) for one in np.asarray(found["unit"])[~lost]})
    listed: list[str | None] = [*named, *([None] if lost.any() else [])]
    return {
        unit: {name: int(np.sum(np.asarray(found[name])[_of(found, unit, lost)])) for name in names}
        for unit in listed
    }


def _of(found: Mapping[str, Any], unit: str | None, lost: np.ndarray) -> np.ndarray:
    if unit is None:
        return lost
    return np.asarray(~lost & (np.ma.getdata(found["unit"]) == unit), dtype=bool)


def _table(contract: Contract, rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    columns = list(zip(*rows, strict=True)) or [()] * len(contract.names)
    return contract.frame(dict(zip(contract.names, map(list, columns), strict=True)))
