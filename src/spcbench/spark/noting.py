"""Notes on a table that lies in parts: a note that fits nothing anywhere is still an error."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from spcbench.counts_check import as_pandas
from spcbench.errors import InputError
from spcbench.intake import matching
from spcbench.notes import place
from spcbench.notes_rows import concern, ground
from spcbench.numeric.segments import Segments
from spcbench.spark.bucket import Job, taken_part
from spcbench.spark.facts import Whole
from spcbench.spark.frames import by_bucket
from spcbench.tables import DATE

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Noted = tuple[list[str], list[str]]
"""Notes that took effect, as JSON, and messages about others."""


def check_notes(counts: DataFrame, job: Job, whole: Whole, takes: str) -> None:
    """Try notes on every bucket before any chart is drawn.

    Parameters
    ----------
    counts : DataFrame
        Counts with their buckets.
    job : Job
        With notes.
    whole : Whole
        What is known of the table.
    takes : str
        As `check_counts`.

    Raises
    ------
    InputError
        If a note names what the counts do not have, or contradicts another.
    """
    if job.notes is None or job.notes.empty or not whole.units:
        return
    _check_names(job, whole)

    def look(rows: pa.Table) -> pa.Table:
        found = noted(as_pandas(rows), job, takes)
        return pa.table({"found": pa.array([pickle.dumps(found)], pa.binary())})

    parts = [
        pickle.loads(bytes(row.found)) for row in by_bucket(counts, look, "found binary").collect()
    ]
    errors = sorted(message for _, messages in parts for message in messages)
    if errors:
        raise InputError(errors[0])
    narrowed = (job.measure, job.reading.unit, job.reading.level) != (None, None, None)
    if not narrowed:
        _check_all_applied(job, whole, {one for applied, _ in parts for one in applied})


def noted(frame: pd.DataFrame, job: Job, takes: str) -> Noted:
    """Which notes take effect in one bucket, and what is wrong with others.

    Parameters
    ----------
    frame : pandas.DataFrame
        Whole series of a table of counts.
    job : Job
        With notes.
    takes : str
        As `check_counts`.
    """
    taken = taken_part(frame, job, takes=takes)
    if taken is None or job.notes is None:
        return [], []
    whole = taken.whole
    try:
        found = place(
            job.notes,
            taken.frame,
            taken.series,
            known_measures=whole["measure"].unique(),
            known_units=whole["unit"].unique(),
            known_periods=whole["period"].to_numpy(),
            until=job.reading.until,
            frequency=job.frequency,
        )
    except InputError as error:
        return [], [str(error)]
    return [_told(one) for one in found.applied], []


def _told(entry: dict[str, Any]) -> str:
    return json.dumps(entry, sort_keys=True)


def _check_names(job: Job, whole: Whole) -> None:
    """Refuse measures and units that the whole table does not have."""
    some = pd.DataFrame(
        {
            "measure": [min(whole.measures)],
            "unit": [min(whole.units)],
            "period": np.array([min(whole.periods)], dtype=DATE),
        }
    )
    counts = ground(
        some,
        Segments.from_lengths([1]),
        known_measures=whole.measures,
        known_units=whole.units,
        # So that no message can take this one row for the whole table.
        known_periods=np.array(sorted(whole.periods), dtype=DATE),
        until=None,
        frequency=job.frequency,
    )
    several = counts.narrowed
    for row in job.notes.itertuples(index=False) if job.notes is not None and several else ():
        concern(row, counts)


def _check_all_applied(job: Job, whole: Whole, applied: set[str]) -> None:
    if job.notes is None:
        return
    found = {_key(json.loads(one)) for one in applied}
    names = sorted(whole.measures)
    until = job.reading.until
    for row in job.notes.itertuples(index=False):
        entry = {
            "action": row.action,
            "date": None if pd.isna(row.date) else f"{row.date:%Y-%m-%d}",
            "reason": row.reason,
            "measure": matching(row.measure, names) if isinstance(row.measure, str) else None,
            "unit": row.unit if isinstance(row.unit, str) else None,
        }
        later = until is not None and not pd.isna(row.date) and row.date.to_datetime64() > until
        if _key(entry) not in found and not later:
            where = f"measure {entry['measure']!r}, unit {entry['unit']!r}"
            raise InputError(
                f"{row.where}, column 'date': no period of {where} begins on {entry['date']} "
                "(None stands for all of them)"
            )


def _key(entry: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(entry[name] for name in ("action", "date", "reason", "measure", "unit"))
