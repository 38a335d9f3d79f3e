"""Codes of organisations: which are maternity providers, their successors, comparator groups."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spcbench.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from spcbench.tables import Table

COLUMNS = {"group": "MBRRACE_Group", "unit": "Org_Code"}
"""Columns that a table of comparator groups must have."""


def is_listed(code: str) -> bool:
    """Whether a code is that of a maternity provider of the published annual lists.

    Examples
    --------
    >>> is_listed("RJ1"), is_listed("XX1")
    (True, False)
    """
    return code in providers()


@cache
def providers() -> frozenset[str]:
    """Codes of the providers that the annual files of 2020-21 to 2022-23 list.

    Examples
    --------
    >>> len(providers()) > 100
    True
    """
    return frozenset(_content()["providers"]["codes"])


@cache
def successors() -> Mapping[str, tuple[str, date]]:
    """The provider that each former one became part of, and when.

    None of the dates has been compared with the Organisation Data Service.

    Examples
    --------
    >>> successors()["RVY"]
    ('RBN', datetime.date(2023, 7, 1))
    """
    return {one["code"]: (one["into"], one["since"]) for one in _content()["successor"]}


def comparator_groups(path: str | Path) -> pd.DataFrame:
    """MBRRACE-UK comparator groups from a table of them.

    Parameters
    ----------
    path : str or Path
        A CSV file with the columns `MBRRACE_Group` (1 to 5) and `Org_Code`,
        and `valid_from` and `valid_to` (YYYY-MM-DD) where the groups changed.

    Returns
    -------
    pandas.DataFrame
        Columns `unit`, `group` (as the monthly files spell it), `valid_from`
        and `valid_to` (dates; missing: always).

    Raises
    ------
    InputError
        If the file is missing, a column is missing, or a row does not fit; a
        provider may stand in one group at a time.
    """
    import pandas as pd

    from spcbench.tables import DATE, STRING

    path = Path(path)
    rows = list(_group_rows(path))
    made = pd.DataFrame(rows, columns=["unit", "group", "valid_from", "valid_to", "line"])
    for name in ("valid_from", "valid_to"):
        made[name] = pd.to_datetime(made[name]).astype(DATE)
    ordered = made.sort_values(["unit", "valid_from"], na_position="first", kind="stable")
    same = ordered["unit"].eq(ordered["unit"].shift())
    apart = ordered["valid_from"] > ordered["valid_to"].shift()
    clash = ordered[same & ~apart]
    if len(clash):
        raise InputError(
            f"{path.name}, line {clash['line'].iloc[0]}: {clash['unit'].iloc[0]} stands in two "
            "groups at one time; give the earlier one a valid_to"
        )
    return made.drop(columns="line").astype({"unit": STRING, "group": STRING})


def with_groups(counts: Table, groups: pd.DataFrame) -> Table:
    """Counts with the comparator group of each provider in the column `group`.

    Parameters
    ----------
    counts : Table
        Counts.
    groups : pandas.DataFrame
        As `comparator_groups` gives them.

    Returns
    -------
    Table
        The same rows; `group` is null for a provider that no group holds at
        the end of the period, and for other levels. A former provider is in
        the group of its own code.
    """
    from dataclasses import replace

    from spcbench.tables import STRING

    frame = counts.data
    when = frame["period_end"] if "period_end" in frame else frame["period"]
    left = frame[["unit"]].assign(when=when, row=range(len(frame)))
    found = left.merge(groups, on="unit", how="inner")
    valid = found["valid_from"].isna() | (found["valid_from"] <= found["when"])
    valid &= found["valid_to"].isna() | (found["valid_to"] >= found["when"])
    placed = found[valid].set_index("row")["group"].reindex(range(len(frame)))
    provider = frame["level"].eq("provider").to_numpy() if "level" in frame else True
    group = placed.astype(STRING).where(provider)
    data = frame.assign(group=group.array)
    return replace(counts, data=data)


def _group_rows(path: Path) -> Iterable[tuple[str, str, str | None, str | None, int]]:
    from spcbench_mis.monthly_cells import GROUPS, date_in

    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {error}") from error
    rows = csv.DictReader(text.splitlines())
    for name in COLUMNS.values():
        if name not in (rows.fieldnames or ()):
            raise InputError(
                f"{path.name}, line 1: no column {name!r}; a table of comparator "
                f"groups has {', '.join(COLUMNS.values())}"
            )
    for row in rows:
        where = f"{path.name}, line {rows.line_num}"
        number, code = ((row[name] or "").strip() for name in ("MBRRACE_Group", "Org_Code"))
        if code == "NA":  # a health board of another nation has no code of this kind
            continue
        if number not in GROUPS:
            raise InputError(
                f"{where}, column MBRRACE_Group: {number!r} is not a group from 1 to 6"
            )
        if not code:
            raise InputError(f"{where}, column Org_Code: the cell is empty")
        dates = [(row.get(name) or "").strip() or None for name in ("valid_from", "valid_to")]
        for name, day in zip(("valid_from", "valid_to"), dates, strict=True):
            if day is not None and date_in(day) is None:
                raise InputError(f"{where}, column {name}: {day!r} is not a date as YYYY-MM-DD")
        yield code, GROUPS[number], dates[0], dates[1], rows.line_num


@cache
def _content() -> dict[str, Any]:
    text = (files("spcbench_mis") / "organisations.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
