"""The tables of a count, from the sums that an engine gives back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spcbench.measures.doubts import doubtful, doubtful_quality
from spcbench.measures.measure import Composite
from spcbench.measures.periods import Days, Periods, rolled
from spcbench.measures.tallies import (
    KEY_UNKNOWN,
    REPEATED,
    SUMS,
    UNKNOWN_PROBLEM,
    known_name,
    missing_of,
    part_name,
    problem_name,
)
from spcbench.measures.unrecorded import Unrecorded, unrecorded, unrecorded_quality
from spcbench.measures.wanted import Wanted, key_of, named_measures
from spcbench.tables import COUNTS, COUNTS_OPTIONAL, QUALITY, STATUS, Column, Contract, coded

if TYPE_CHECKING:
    from spcbench.measures.query import CountQuery

Found = Mapping[str, Any]
"""The result of a query, one array per column."""


def counted_contract(*optional: str) -> Contract:
    """The columns that `count` makes, with some that not every count needs.

    Parameters
    ----------
    *optional : str
        ``"variance"``, ``"period_end"`` or ``"note"``.
    """
    chosen = ("missing", "status", *optional)
    more = (one for one in COUNTS_OPTIONAL.columns if one.name in chosen)
    return Contract("counts", (*COUNTS.columns, *more))


COUNTED = counted_contract()
"""The columns that every count has."""

COMPLETENESS = Contract(
    "completeness",
    (
        Column("measure", "string"),
        Column("field", "string"),
        Column("unit", "string"),
        Column("period", "date"),
        Column("records", "integer"),
        Column("known", "integer"),
        Column("share", "float"),
        Column("eligible_unknown", "integer"),
    ),
)
"""How complete records are. A field: of how many records it is known, `measure` empty.
A measure: of how many eligible cases it is known whether they met it, `field` empty, and
of how many records more it is not known whether they are eligible."""


SILENT_DAYS = np.timedelta64(731, "D")
"""From so long without a record it is asked whether a date is wrong (a proposal)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Every unit in every period, from the first to the last that occur.

    Parameters
    ----------
    units : array of str, shape (units,)
        In order.
    periods : Periods
        How records were divided by time.
    months : array of dates, shape (periods,)
        First days of the periods that were counted; of a rolling window, of its months.
    """

    units: np.ndarray
    periods: Periods
    months: Days

    @classmethod
    def of(cls, found: Found, periods: Periods) -> Grid | None:
        """The grid of a result; None if no record has both unit and period."""
        placed = ~np.ma.getmaskarray(found["period"])
        if not placed.any():
            return None
        started = np.asarray(found["period"][placed]).astype("datetime64[D]")
        months = periods.between(started.min(), started.max())
        if months.size < periods.window:
            return None
        units = np.unique(np.asarray(found["unit"][placed]).astype("U"))
        return cls(units=units, periods=periods, months=months)

    @property
    def first_days(self) -> Days:
        """First day of each period of the table."""
        return self.months[: self.months.size - self.periods.window + 1]

    def silence(self, found: Found) -> list[str]:
        """What to say of two years or more without any record: one date may be wrong."""
        placed = ~np.ma.getmaskarray(found["period"])
        days = np.unique(np.asarray(found["period"][placed]).astype("datetime64[D]"))
        steps = np.diff(days)
        if not steps.size or steps.max() < SILENT_DAYS:
            return []
        at = int(np.argmax(steps))
        return [
            f"no record at all lies between the periods that begin on {days[at]} and on "
            f"{days[at + 1]}; is a date wrong there?"
        ]

    def cells(self, found: Found, name: str) -> np.ndarray:
        """One tally by unit and period, shape (units × periods,); 0 where there is no record."""
        placed = ~np.ma.getmaskarray(found["period"])
        names = np.asarray(found["unit"][placed]).astype("U")
        started = np.asarray(found["period"][placed]).astype("datetime64[D]")
        cells = np.zeros((self.units.size, self.months.size), dtype=np.int64)
        if placed.any():
            at = np.searchsorted(self.units, names), np.searchsorted(self.months, started)
            cells[at] = found[name][placed]
        return rolled(cells, self.periods.window).ravel()

    def keys(self, repeated: int) -> dict[str, Any]:
        """The columns `unit` and `period`, so many times over."""
        days = self.first_days.astype("datetime64[us]")
        return {
            "unit": np.tile(np.repeat(self.units, days.size), repeated),
            "period": np.tile(days, self.units.size * repeated),
        }


def counts_table(
    wanted: Sequence[Wanted], grid: Grid | None, results: Sequence[Found]
) -> pd.DataFrame:
    """Every measure, unit and period.

    Parameters
    ----------
    wanted : sequence of Wanted
        Packs and measures.
    grid : Grid, optional
        Units and periods; None for a table without rows.
    results : sequence of mappings
        What the queries gave; each tally is in one of them.
    """
    listed = named_measures(wanted)
    varied = any(isinstance(one, Composite) and one.form == "opportunity" for _, _, one in listed)
    optional = ["variance"] if varied else []
    if grid is None:
        return counted_contract(*optional).empty()
    optional += ["period_end"] if grid.periods.has_end else []
    lost = unrecorded(wanted, results[0])
    optional += ["note"] if lost else []
    built = {
        part: np.concatenate([_part(grid, results, name, part) for _, name, _ in listed])
        for part in ("numerator", "denominator", "missing")
    }
    empty = built["denominator"] == 0
    names = [full for full, _, _ in listed]
    notes, uncounted = _told(grid, names, lost)
    for part in ("numerator", "denominator") if lost else ():
        built[part] = pd.arrays.IntegerArray(built[part], uncounted)
    columns: dict[str, Any] = {
        "measure": np.repeat(names, empty.size // len(listed)),
        **grid.keys(len(listed)),
        **built,
        **({"note": notes} if lost else {}),
        "status": coded(
            STATUS, np.where(empty | uncounted, STATUS.index("no_data"), STATUS.index("ok"))
        ),
    }
    if varied:
        columns["variance"] = np.concatenate(
            [_variances(grid, results, name) for _, name, _ in listed]
        )
    if grid.periods.has_end:
        ends = grid.periods.ends(grid.first_days).astype("datetime64[us]")
        columns["period_end"] = np.tile(ends, grid.units.size * len(listed))
    return counted_contract(*optional).frame(columns)


def _told(
    grid: Grid, names: Sequence[str], lost: Sequence[Unrecorded]
) -> tuple[np.ndarray, np.ndarray]:
    """What is said of rows of composites that lack a part, and which rows are not counted."""
    shape = (len(names), grid.units.size, grid.first_days.size)
    notes, uncounted = np.full(shape, None, dtype=object), np.zeros(shape, dtype=np.bool_)
    for one in lost:
        at = names.index(one.measure), int(np.searchsorted(grid.units, one.unit))
        notes[at], uncounted[at] = one.note, not one.counted
    return notes.ravel(), uncounted.ravel()


def _part(grid: Grid, results: Sequence[Found], name: str, part: str) -> np.ndarray:
    tally = part_name(name, part)
    for found in results:
        if tally in found:
            return grid.cells(found, tally)
    return np.zeros(grid.units.size * grid.first_days.size, dtype=np.int64)


def _variances(grid: Grid, results: Sequence[Found], name: str) -> np.ndarray:
    """Variance of the numerator of a share of opportunities, clustered; NaN for other measures.

    n/(n − 1) · Σ (received − share · due)² over clusters [1]_, from sums of
    squares. It is that of the numerator, so that it adds up over units; that of the
    share itself is a denominator squared smaller.

    References
    ----------
    .. [1] Cochran (1977), Sampling Techniques, 3rd ed., § 6.4 (ratio estimator).
    """
    size = grid.units.size * grid.first_days.size
    if not any(part_name(name, SUMS[0]) in found for found in results):
        return np.full(size, np.nan)
    received, due = (
        _part(grid, results, name, part).astype(float) for part in ("numerator", "denominator")
    )
    squared, crossed, due_squared, clusters = (
        _part(grid, results, name, part).astype(float) for part in SUMS
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        share = received / due
        squares = squared - 2.0 * share * crossed + share * share * due_squared
        # One cluster says nothing about how clusters differ.
        factor = np.where(clusters > 1, clusters / (clusters - 1.0), np.nan)
        return np.asarray(factor * np.maximum(squares, 0.0), dtype=np.float64)


def quality_table(
    query: CountQuery,
    wanted: Sequence[Wanted],
    found: Found,
    totals: Mapping[str, int],
    repeated: Mapping[str, int] | None = None,
) -> pd.DataFrame:
    """What could not be used, and how often.

    Parameters
    ----------
    query : CountQuery
        What was asked of the records.
    wanted : sequence of Wanted
        Packs and measures.
    found : mapping
        What the query gave.
    totals : mapping
        With ``ragged``: rows of too few or too many cells.
    repeated : mapping of str to int, optional
        How many records repeat another, by the field that names a record.
    """
    rows: list[tuple[str | None, str | None, str, int]] = [
        (None, None, "ragged_row", totals["ragged"])
    ]
    for field, code in dict.fromkeys((one.field, one.code) for one in query.problems):
        rows.append((None, field, code, int(np.sum(found[problem_name(field, code)]))))
    rows += [(None, field, REPEATED, number) for field, number in (repeated or {}).items()]
    for full, name, measure in named_measures(wanted):
        codes = ["eligible_unknown", *UNKNOWN_PROBLEM.get(missing_of(measure), ())]
        codes += [KEY_UNKNOWN] if key_of(measure) else []
        rows += [(full, None, one, int(np.sum(found[part_name(name, one)]))) for one in codes]
    rows += unrecorded_quality(unrecorded(wanted, found))
    rows += doubtful_quality(doubtful(wanted, [found]))
    columns = list(zip(*(row for row in rows if row[3]), strict=True)) or [()] * 4
    return QUALITY.frame(dict(zip(QUALITY.names, map(list, columns), strict=True)))


def completeness_table(
    query: CountQuery, wanted: Sequence[Wanted], grid: Grid | None, found: Found
) -> pd.DataFrame:
    """Of how many records fields and measures are known, by unit and period.

    Parameters
    ----------
    query : CountQuery
        What was asked of the records.
    wanted : sequence of Wanted
        Packs and measures.
    grid : Grid, optional
        Units and periods; None for a table without rows.
    found : mapping
        What the query gave.
    """
    if grid is None:
        return COMPLETENESS.empty()
    records = grid.cells(found, "records")
    nobody = np.zeros_like(records)
    parts: list[tuple[str | None, str | None, np.ndarray, np.ndarray, np.ndarray]] = [
        (None, field, records, grid.cells(found, known_name(field)), nobody)
        for field in query.complete_fields
    ]
    for full, name, measure in named_measures(wanted):
        if key_of(measure):
            continue  # its cases are not records; `missing` in the counts says how many
        known = grid.cells(found, part_name(name, "denominator"))
        unknown = _part(grid, [found], name, "missing")
        for problem in UNKNOWN_PROBLEM.get(missing_of(measure), ()):
            unknown = unknown + grid.cells(found, part_name(name, problem))
        eligible = known if missing_of(measure) == "not_met" else known + unknown
        unsure = grid.cells(found, part_name(name, "eligible_unknown"))
        parts.append((full, None, eligible, eligible - unknown, unsure))
    total, known, unsure = (np.concatenate([part[at] for part in parts]) for at in (2, 3, 4))
    names = {
        column: np.repeat(np.array([part[place] for part in parts], dtype=object), records.size)
        for place, column in enumerate(("measure", "field"))
    }
    share = np.divide(known, total, out=np.full(total.size, np.nan), where=total > 0)
    return COMPLETENESS.frame(
        {
            **names,
            **grid.keys(len(parts)),
            "records": total,
            "known": known,
            "share": share,
            "eligible_unknown": unsure,
        }
    )
