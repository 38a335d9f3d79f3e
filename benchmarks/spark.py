"""Counting and charting on Spark in local mode, by the number of records and of series.

    python benchmarks/spark.py                 1, 3 and 10 million records
    python benchmarks/spark.py --quick         0.1 million only
    python benchmarks/spark.py --records 3000000

Records are invented with a seed and written to a temporary folder as Parquet.
DuckDB counts the same file in the same run, and the counts must be equal.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

import spcbench as sb
from spcbench.measures.measure import Field, Measure
from spcbench.plugin.records import Pack

TRUSTS, MONTHS = 126, 72
CONDITIONS = {
    "early": "temperature >= 36.5 AND minutes_between(born_at, seen_at) <= 60",
    "warm": "temperature BETWEEN 36.5 AND 37.5",
    "given": "given",
}
PACK = Pack(
    id="bench",
    title="Invented",
    version="1",
    record="baby",
    fields=(
        Field(name="ga_days", type="integer", range=(140, 320)),
        Field(name="temperature", type="number", range=(25, 45)),
        Field(name="born_at", type="datetime"),
        Field(name="seen_at", type="datetime"),
        Field(name="given", type="boolean"),
    ),
    measures=tuple(
        Measure(
            id=f"{name}{weeks}",
            title=name,
            better="higher",
            eligible=f"ga_days < {weeks * 7}",
            met=met,
        )
        for weeks in (28, 32, 34)
        for name, met in CONDITIONS.items()
    ),
)
HOW = {"packs": [PACK], "unit_column": "trust", "date_column": "born_at"}


def write_records(path: Path, size: int) -> None:
    """Invented births of six years, half a million at a time."""
    draw = np.random.default_rng(size)
    writer = None
    for first in range(0, size, 500_000):
        many = min(500_000, size - first)
        minutes = draw.integers(0, MONTHS * 30 * 1440, many).astype("timedelta64[m]")
        born = np.datetime64("2018-01-01T00:00", "us") + minutes
        later = draw.integers(0, 120, many).astype("timedelta64[m]")
        table = pa.table(
            {
                "trust": pa.array([f"R{at:03d}" for at in draw.integers(0, TRUSTS, many)]),
                "ga_days": draw.integers(150, 300, many),
                "temperature": draw.normal(36.8, 0.6, many),
                "born_at": born,
                "seen_at": born + later,
                "given": pa.array(draw.random(many) < 0.8, mask=draw.random(many) < 0.05),
            }
        )
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def invented_counts(series: int) -> pa.Table:
    """Counts of so many series of six years of months."""
    draw = np.random.default_rng(series)
    size = draw.integers(20, 200, series * MONTHS)
    return pa.table(
        {
            "measure": pa.array(np.repeat(np.arange(series) % 9, MONTHS).astype("U")),
            "unit": pa.array(np.repeat([f"R{at:06d}" for at in range(series)], MONTHS)),
            "period": np.tile(
                pd.date_range("2018-01-01", periods=MONTHS, freq="MS").to_numpy("datetime64[D]"),
                series,
            ),
            "numerator": draw.binomial(size, 0.8),
            "denominator": size,
        }
    )


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """How long a piece of work takes, and what it gives."""
    start = time.perf_counter()
    made = work()
    return time.perf_counter() - start, made


def compare_counts(spark: Any, sizes: list[int]) -> None:
    print(f"{'records':>12} {'DuckDB s':>9} {'Spark s':>9} {'Spark, µs a record':>19}")
    with TemporaryDirectory() as folder:
        for size in sizes:
            path = Path(folder) / f"{size}.parquet"
            write_records(path, size)
            here, local = seconds(lambda path=path: sb.count(path, **HOW))
            frame = spark.read.parquet(str(path))
            for _ in range(2):  # the first runs compile the query
                sb.count(frame, **HOW)
            there, far = seconds(lambda frame=frame: sb.count(frame, **HOW))
            pd.testing.assert_frame_equal(far.counts, local.counts)
            print(f"{size:>12,} {here:>9.2f} {there:>9.2f} {there / size * 1e6:>19.2f}")


def compare_charts(spark: Any, sizes: list[int]) -> None:
    print(f"{'series':>12} {'rows':>12} {'here s':>9} {'Spark s':>9}")
    with TemporaryDirectory() as folder:
        for series in sizes:
            path = Path(folder) / f"{series}.parquet"
            counts = invented_counts(series)
            pq.write_table(counts, path)
            here, _ = seconds(lambda counts=counts: sb.control_charts(counts).summary)
            frame = spark.read.parquet(str(path))
            there, charts = seconds(
                lambda frame=frame: sb.control_charts(frame).summary.toArrow().num_rows
            )
            if charts != series:
                raise RuntimeError(f"{charts} charts of {series} series")
            print(f"{series:>12,} {series * MONTHS:>12,} {here:>9.2f} {there:>9.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="0.1 million records only")
    parser.add_argument("--records", type=int, nargs="*", help="how many records")
    asked = parser.parse_args()
    sizes = asked.records or ([100_000] if asked.quick else [1_000_000, 3_000_000, 10_000_000])
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    from pyspark.sql import SparkSession

    cores = os.cpu_count() or 1
    spark = (
        SparkSession.builder.master(f"local[{cores}]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.warehouse.dir", gettempdir())
        .config("spark.sql.shuffle.partitions", str(2 * cores))
        .config("spark.log.level", "ERROR")
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    print(f"local[{cores}], Spark {spark.version}, nine measures, {TRUSTS} trusts, {MONTHS} months")
    compare_counts(spark, sizes)
    compare_charts(spark, [1_000] if asked.quick else [1_000, 3_000, 9_000])
    spark.stop()


if __name__ == "__main__":
    main()
