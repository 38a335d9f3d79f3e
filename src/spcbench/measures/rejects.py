"""The list of records set aside: where each stands and why, never what it says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from spcbench.measures.measure import Field
from spcbench.measures.query import CountQuery, Problem, class_name
from spcbench.measures.records_sql import Records
from spcbench.measures.wanted import Wanted
from spcbench.tables import REJECTS

if TYPE_CHECKING:
    import pandas as pd

Reject = tuple[str, int, str | None, str, str]


def list_rejects(query: CountQuery, records: Records, wanted: Sequence[Wanted]) -> pd.DataFrame:
    """Every record set aside, by a second scan.

    Parameters
    ----------
    query : CountQuery
        What was asked of the records.
    records : Records
        Where they lie; the counting scan has been made.
    wanted : sequence of Wanted
        Packs, for what was expected.

    Returns
    -------
    pandas.DataFrame
        Columns of `tables.REJECTS`, one row per record and problem, by file
        and row. In a CSV file the names stand in row 1; elsewhere the first
        record is row 1.
    """
    rows: set[Reject] = set()
    for path, relation in records.relations:
        found = records.fetch(query.rejects(relation))
        at = records.rows(path, [int(record) for record in found["record"]])
        rows.update(_of_file(Path(path).name, at, found, query, wanted))
    for path, row, fault in records.ragged():
        rows.add((Path(path).name, row, None, "row", fault))
    ordered = sorted(rows, key=lambda row: (row[0], row[1], row[2] or "", row[4]))
    columns = list(zip(*ordered, strict=True)) or [()] * len(REJECTS.names)
    return REJECTS.frame(dict(zip(REJECTS.names, map(list, columns), strict=True)))


def _of_file(
    file: str, at: list[int], found: dict[str, Any], query: CountQuery, wanted: Sequence[Wanted]
) -> Iterator[Reject]:
    for problem in query.problems:
        classes = found[class_name(problem.field)]
        for place in np.flatnonzero(found[problem.flag]):
            reason = _reason(problem, wanted)
            yield (file, at[place], problem.field, str(classes[place]), reason)
    for mark, measure in query.set_aside_late.items():
        for place in np.flatnonzero(found[mark]):
            yield (file, at[place], None, "blank", f"{measure}: not known whether met")


def _reason(problem: Problem, wanted: Sequence[Wanted]) -> str:
    if problem.code == "missing":
        return "missing"
    name = problem.flag.partition("?")[2]
    field = (
        cast(
            "Field",
            next(
                one
                for one in wanted[int(name.partition(".")[0])].pack.fields
                if one.name == problem.field
            ),
        )
        if name[:1].isdigit()
        else None
    )
    if field is None:
        return "expected a date" if name == "day" else "expected text"
    if problem.code == "out_of_range" and field.range is not None:
        return f"expected {field.range[0]:g} to {field.range[1]:g}"
    if problem.code == "unlisted_value":
        return "expected one of " + ", ".join(map(str, field.values))
    return f"expected {field.type}"
