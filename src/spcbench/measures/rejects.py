"""The list of records set aside: where each stands and why, never what it says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spcbench.measures.field import Field
from spcbench.measures.query import OUTSIDE, CountQuery, Problem, class_name
from spcbench.measures.records_sql import Records, named
from spcbench.measures.tallies import RECORD
from spcbench.tables import REJECTS

if TYPE_CHECKING:
    import pandas as pd

Reject = tuple[str, int, str | None, str, str]


def numbered(relation: str) -> str:
    """A relation with a column that counts its rows; DuckDB gives them in order."""
    return f"(SELECT *, row_number() OVER () AS {named(RECORD)} FROM {relation})"


def list_rejects(
    query: CountQuery, records: Records, *, most: int | None = None, reported: bool = False
) -> pd.DataFrame:
    """Every record set aside, by a second scan.

    Parameters
    ----------
    query : CountQuery
        What was asked of the records.
    records : Records
        Where they lie; the counting scan has been made.
    most : int, optional
        Only the first so many of each problem in each file, found by a scan of their own.
    reported : bool
        Also those that break a check which is only reported.

    Returns
    -------
    pandas.DataFrame
        Columns of `tables.REJECTS`, one row per record and problem, by file
        and row. In a CSV file the names stand in row 1; elsewhere the first
        record is row 1.
    """
    rows: set[Reject] = set()
    told_of = [one for one in query.problems if one.sets_aside or reported]
    for path, relation in records.relations:
        only = None
        if most is not None:
            first = records.fetch(query.first_places(numbered(relation), most))
            only = sorted({int(one) for cell in first.values() for one in _listed(cell[0])})
        found = records.fetch(query.rejects(numbered(relation), only=only, reported=reported))
        at = records.rows(path, [int(record) for record in found[RECORD]])
        rows.update(_of_file(Path(path).name, at, found, query, told_of))
    ragged = [(Path(path).name, row, None, "row", fault) for path, row, fault in records.ragged()]
    rows.update(ragged[:most])
    ordered = sorted(rows, key=lambda row: (row[0], row[1], row[2] or "", row[4]))
    if most is not None:
        ordered = _first_of_each(ordered, most)
    columns = list(zip(*ordered, strict=True)) or [()] * len(REJECTS.names)
    return REJECTS.frame(dict(zip(REJECTS.names, map(list, columns), strict=True)))


def _listed(cell: Any) -> Iterable[int]:
    """A list that the engine gave, or nothing for a null."""
    return () if cell is None or cell is np.ma.masked else cell


def _first_of_each(ordered: Sequence[Reject], most: int) -> list[Reject]:
    """A row is named for the problem that it is among the first of, and for its others too."""
    seen: Counter[tuple[str, str | None, str]] = Counter()
    kept = []
    for row in ordered:
        kind = (row[0], row[2], row[4])
        seen[kind] += 1
        if seen[kind] <= most:
            kept.append(row)
    return kept


def _of_file(
    file: str, at: list[int], found: dict[str, Any], query: CountQuery, problems: Sequence[Problem]
) -> Iterator[Reject]:
    for problem in problems:
        for place in np.flatnonzero(found[problem.flag]):
            yield (file, at[place], *told(problem, found, int(place), query))
    for mark, measure in query.set_aside_late.items():
        for place in np.flatnonzero(found[mark]):
            yield (file, at[place], None, "blank", f"{measure}: not known whether met")


def told(
    problem: Problem, found: dict[str, Any], place: int, query: CountQuery
) -> tuple[str, str, str]:
    """Field, value class and reason of one problem of one record."""
    if problem.check is not None:
        return problem.field, "record", reason_of(problem, query)
    word = str(found[class_name(problem.field)][place])
    return problem.field, word, reason_of(problem, query)


def reason_of(problem: Problem, query: CountQuery) -> str:
    """What was expected, in plain words."""
    if problem.check is not None:
        return f"breaks the check: {problem.check.title}"
    return _reason(problem, query.field_of(problem))


def _reason(problem: Problem, field: Field) -> str:
    if problem.code == "missing":
        return "missing"
    if problem.code == OUTSIDE:
        return "before the first of the periods"
    if problem.code == "out_of_range":
        return _expected_range(field)
    if problem.code == "unlisted_value":
        return "expected one of " + ", ".join(map(str, field.values))
    if problem.place < 0:
        return "expected a date" if field.type == "datetime" else "expected text"
    return f"expected {field.type}"


def _expected_range(field: Field) -> str:
    if field.range is None:
        return "expected at most 15 digits; long identifiers are text"
    return f"expected {field.range[0]:g} to {field.range[1]:g}"
