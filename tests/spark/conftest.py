"""One small Spark for all tests of the room, and the same walk without it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from spcbench.charting import control_charts
from spcbench.spark import charts, measure_advice, planning
from spcbench.spark.bucket import TABLES, chart_bucket
from spcbench.spark.facts import facts, merged
from spcbench.spark.frames import arrow_of
from spcbench.tables import STRING, SUMMARY

KEYS = {
    "points": ("measure", "unit", "period", "value"),
    "signals": ("measure", "unit", "first", "rule", "last", "side"),
    "summary": ("measure", "unit"),
    "advice": ("measure", "unit", "code"),
}
DEFAULTS = dict(control_charts.__kwdefaults__)


def _charted_apart(
    frame: pd.DataFrame, *, buckets: int = 5, seed: int = 0, **options: Any
) -> dict[str, pa.Table]:
    """All tables, from buckets that were drawn by lot."""
    asked = charts.Options(**(DEFAULTS | options))
    takes = charts._tried_out(list(frame.columns), asked)
    reading = charts._reading(asked, takes)
    whole = merged(facts(part, reading) for part in _parts(frame, buckets, seed, []))
    invalid = charts._invalid(whole, asked)
    small = charts._stand_in(whole, asked, takes, levelled="level" in frame.columns)
    job = charts._job(whole, small, asked, reading, invalid)
    own = "target" in frame.columns and job.target is None
    beside = planning.together(whole, job.frequency, takes, own_target=own)
    parts = _parts(frame, buckets, seed, beside)
    made = {
        name: pa.concat_tables(
            [
                arrow_of(contract.empty(), contract),
                *(chart_bucket(part, job, name) for part in parts),
            ]
        )
        for name, contract in TABLES.items()
    }
    told = planning.invalid_rows(invalid, measure=job.measure, unit=job.reading.unit)
    if told:
        rows = pd.DataFrame(told, columns=SUMMARY.names)
        types = {one.name: one.dtype for one in SUMMARY.columns}
        made["summary"] = pa.concat_tables([made["summary"], arrow_of(rows.astype(types), SUMMARY)])
    made["advice"] = pa.concat_tables([made["advice"], *_on_measures(frame, parts, job, takes)])
    return {name: ordered(table, name) for name, table in made.items()}


def _on_measures(frame: pd.DataFrame, parts: list[pd.DataFrame], job: Any, takes: str) -> list[Any]:
    schema = arrow_of(TABLES["advice"].empty(), TABLES["advice"]).schema
    whole = measure_advice.of_measures(job.display, job.level)
    rows = [dict(zip(schema.names, row, strict=True)) for row in whole]
    made = [pa.Table.from_pylist(rows, schema)]
    if "missing" in frame.columns and parts:
        sums = pa.concat_tables(measure_advice._sums(part, job, takes) for part in parts)
        for name in sums["measure"].unique().to_pylist():
            made.append(measure_advice._unknown(sums.filter(pc.equal(sums["measure"], name))))
    return made


def _parts(frame: pd.DataFrame, buckets: int, seed: int, beside: list[str]) -> list[pd.DataFrame]:
    """Whole series, dealt by lot; those of some measures go together."""
    keys = frame["measure"].astype(str) + "\x00" + frame["unit"].astype(str)
    number, names = pd.factorize(keys)
    lot = np.random.default_rng(seed).integers(0, buckets, len(names))[number]
    lot = np.where(frame["measure"].isin(beside), -1, lot) if len(frame) else lot
    return [
        # As workers see them: from Arrow, in whatever order.
        pa.Table.from_pandas(part.sample(frac=1, random_state=seed), preserve_index=False)
        .to_pandas(types_mapper=_strings)
        .reset_index(drop=True)
        for _, part in frame.groupby(lot)
    ]


def _strings(kind: pa.DataType) -> Any:
    return STRING if pa.types.is_string(kind) or pa.types.is_large_string(kind) else None


def _charted_whole(frame: pd.DataFrame, **options: Any) -> dict[str, pa.Table]:
    """All tables as the local verb gives them, in the types of Spark."""
    made = control_charts(pa.Table.from_pandas(frame, preserve_index=False), **options)
    return {
        name: ordered(arrow_of(getattr(made, name), contract), name)
        for name, contract in TABLES.items()
    }


def ordered(table: pa.Table, name: str) -> pa.Table:
    """The rows in one order, floats by their bits, so that equal means equal."""
    table = table.sort_by([(key, "ascending") for key in KEYS[name]])
    columns = {}
    for column in table.column_names:
        cells = table[column].combine_chunks()
        columns[column] = cells.view(pa.int64()) if pa.types.is_float64(cells.type) else cells
    return pa.table(columns)


def _assert_same(apart: dict[str, pa.Table], whole: dict[str, pa.Table]) -> None:
    """Every table has the same rows, to the last bit."""
    for name, expected in whole.items():
        if name in apart and not apart[name].equals(expected):
            left, right = apart[name].to_pylist(), expected.to_pylist()
            assert len(left) == len(right), f"{name}: {len(left)} rows, expected {len(right)}"
            assert left == right, name
            assert apart[name].schema == expected.schema, name


KINDS = ("share", "doubtful", "value", "number", "quarter", "ten_days", "mixed")
_EVERY = {"quarter": "QS", "ten_days": "10D"}
_RATES = (0.5, 0.8, 0.97, 0.02)


def make_counts(seed: int, *, units: int = 5, kinds: tuple[str, ...] = KINDS) -> pd.DataFrame:
    """Shares, values and numbers alone, of months, quarters and ten days, with gaps and blanks."""
    draw = np.random.default_rng(seed)
    rows = [
        _row(draw, kind, unit, period)
        for kind in kinds
        for unit in range(units)
        for period in _periods(draw, kind)
        if draw.random() > 0.06
    ]
    made = pd.DataFrame(rows)
    for name in ("numerator", "denominator", "missing"):
        made[name] = made[name].astype("Int64")
    made["value"] = made["value"].astype("float64")
    return made.sample(frac=1, random_state=seed).reset_index(drop=True)


def _periods(draw: np.random.Generator, kind: str) -> Any:
    first, many = int(draw.integers(0, 6)), int(draw.integers(1, 40))
    return pd.date_range("2020-01-01", periods=first + many, freq=_EVERY.get(kind, "MS"))[first:]


def _row(draw: np.random.Generator, kind: str, unit: int, period: Any) -> dict[str, Any]:
    made = dict.fromkeys(("numerator", "denominator", "value", "missing"))
    cases = int(draw.integers(0, 300))
    if kind in ("value", "ten_days"):
        made["value"] = float(draw.normal(10, 2))
    elif kind == "number" or (kind == "mixed" and unit % 2):
        made["numerator"] = int(draw.poisson(6))
    else:
        made["numerator"] = int(draw.binomial(cases, _RATES[unit % 4]))
        made["denominator"] = cases
        made["missing"] = int(draw.binomial(cases, 0.2 if kind == "doubtful" else 0.05))
    if draw.random() < 0.03:
        made["numerator"] = None
    return {"measure": f"m_{kind}", "unit": f"U{unit}", "period": period.date(), **made}


@pytest.fixture
def random_counts() -> Any:
    """Make counts of every kind: ``random_counts(seed, units=5, kinds=...)``."""
    return make_counts


@pytest.fixture
def charted_apart() -> Any:
    """Chart in buckets without Spark: ``charted_apart(frame, buckets=5, seed=0, **options)``."""
    return _charted_apart


@pytest.fixture
def charted_whole() -> Any:
    """Chart as ever: ``charted_whole(frame, **options)``."""
    return _charted_whole


@pytest.fixture
def assert_same() -> Any:
    """Compare two sets of tables to the last bit: ``assert_same(apart, whole)``."""
    return _assert_same


@pytest.fixture
def rows_in_order() -> Any:
    """Put a table into one order: ``rows_in_order(table, "points")``."""
    return ordered
