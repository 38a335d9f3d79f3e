"""Advice about a measure as a whole, whose series may lie in many buckets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa

from spcbench.advice_data import unverified_definition
from spcbench.advice_measures import of_measure
from spcbench.counts_check import as_pandas
from spcbench.spark.bucket import Job, taken_part
from spcbench.spark.frames import by_bucket, schema_of
from spcbench.tables import ADVICE, Column, Contract, Display
from spcbench.tracing import LEANS, unknown_outcomes

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame

    from spcbench.advice_facts import Facts

SUMS = Contract(
    "sums",
    (
        Column("measure", "string"),
        Column("unit", "string"),
        Column("missing", "integer"),
        Column("denominator", "integer"),
    ),
)
"""Cases of one series: of unknown outcome, and of known."""


def measure_advice(counts: DataFrame, job: Job, *, takes: str) -> list[DataFrame]:
    """Advice without a unit, as `tables.ADVICE`.

    Parameters
    ----------
    counts : DataFrame
        Counts with their buckets.
    job : Job
        What workers are told.
    takes : str
        As `check_counts`.

    Returns
    -------
    list of DataFrame
        Tables that belong under the advice on series.
    """
    made = []
    if whole := of_measures(job.display, job.level):
        made.append(counts.sparkSession.createDataFrame(whole, schema_of(ADVICE)))
    if "missing" in counts.columns:

        def add_up(rows: pa.Table) -> pa.Table:
            return _sums(as_pandas(rows), job, takes)

        sums = by_bucket(counts, add_up, schema_of(SUMS))

        def told(rows: pa.Table) -> pa.Table:
            return _unknown(rows, job.display)

        made.append(sums.groupBy("measure").applyInArrow(told, schema_of(ADVICE)))
    return made


def of_measures(
    display: Mapping[str, Display], level: str | None = None
) -> list[tuple[str | None, ...]]:
    """Rows of advice that the measures themselves ask for, whatever their counts.

    Examples
    --------
    >>> of_measures({"m": Display(title="M", verified=False)})[0][:3]
    ('m', None, 'unverified_definition')
    """
    names = list(display)
    # All that this piece of advice looks at is the measures and how they are shown.
    drawn = SimpleNamespace(taken=SimpleNamespace(display=display), names=lambda _: names)
    rows = unverified_definition(cast("Facts", SimpleNamespace(drawn=drawn)))
    made = [_row(name, *told) for name in names for told in of_measure(display[name], level)]
    return made + [_row(names[which], code, message, told) for which, code, message, told in rows]


def _row(measure: str, code: str, message: str, told: Mapping[str, Any]) -> tuple[str | None, ...]:
    return measure, None, code, message, json.dumps(told, sort_keys=True)


def _sums(frame: pd.DataFrame, job: Job, takes: str) -> pa.Table:
    from spcbench.spark.frames import arrow_of

    taken = taken_part(frame, job, takes=takes)
    if taken is None:
        return arrow_of(SUMS.empty(), SUMS)
    leaning = [name for name, shown in job.display.items() if shown.form in LEANS]
    counted = ~taken.frame["measure"].isin(leaning) | taken.frame["denominator"].notna()
    cells = taken.frame.loc[counted, SUMS.names].fillna({"missing": 0, "denominator": 0})
    added = cells.groupby(["measure", "unit"], as_index=False).sum()
    return arrow_of(SUMS.frame({name: added[name] for name in SUMS.names}), SUMS)


def _unknown(rows: pa.Table, display: Mapping[str, Display] | None = None) -> pa.Table:
    """Advice on one measure, from the sums of all its series."""
    frame = as_pandas(rows)
    name = str(frame["measure"].iloc[0])
    shown = (display or {}).get(name)
    found = unknown_outcomes(frame, name, form=shown.form if shown else "")
    cells = list(zip(_row(name, "unknown_outcomes", *found), strict=True)) if found else [()] * 5
    return pa.table(
        {one: pa.array(cell, pa.string()) for one, cell in zip(ADVICE.names, cells, strict=True)}
    )
