"""Control charts of Spark DataFrames: the very tables that one machine gives."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

import spcbench as sb
from spcbench.errors import InputError
from spcbench.spark.frames import is_spark
from spcbench.testing.births import invented_births, write_births

pytestmark = pytest.mark.filterwarnings(
    "ignore:PySpark does not yet fully support pandas >= 3:FutureWarning"
)
TABLES = ("points", "signals", "summary", "advice")


def on_spark(spark, frame):
    return spark.createDataFrame(pa.Table.from_pandas(frame, preserve_index=False))


def collected(made, rows_in_order):
    return {name: rows_in_order(getattr(made, name).toArrow(), name) for name in TABLES}


@pytest.fixture
def many_buckets(monkeypatch):
    """As if a few hundred rows were worth a call."""
    monkeypatch.setattr("spcbench.spark.charts.ROWS_WORTH_A_CALL", 200)


@pytest.mark.usefixtures("many_buckets")
def test_random_counts_in_several_partitions(
    spark, random_counts, charted_whole, assert_same, rows_in_order
):
    frame = random_counts(11, units=3)
    table = on_spark(spark, frame).repartition(5)
    assert is_spark(table)
    made = sb.control_charts(table, better="higher")
    assert made.points.schema.simpleString().startswith("struct<measure:string,unit:string,period")
    assert_same(collected(made, rows_in_order), charted_whole(frame, better="higher"))


def test_demo_counts(spark, charted_whole, assert_same, rows_in_order):
    births = invented_births(seed=3)
    counted = sb.count(births, packs=["pop"], unit_column="trust_code", date_column="birth_date")
    frame = counted.counts
    assert_same(
        collected(sb.control_charts(on_spark(spark, frame)), rows_in_order), charted_whole(frame)
    )


def test_no_rows(spark, random_counts, rows_in_order):
    empty = on_spark(spark, random_counts(0, units=1)).limit(0)
    made = collected(sb.control_charts(empty, chart="p"), rows_in_order)
    assert {name: table.num_rows for name, table in made.items()} == dict.fromkeys(TABLES, 0)


def test_moments_and_padded_text_are_taken_as_people_mean_them(spark):
    table = spark.sql(
        "SELECT 'm' AS measure, IF(n % 2 = 0, 'RJ1', ' RJ1 ') AS unit, "
        "add_months(DATE'2023-01-01', n)::timestamp AS period, 40 AS numerator, "
        "CAST(50 AS DECIMAL(10, 0)) AS denominator FROM (SELECT explode(sequence(0, 17)) AS n)"
    )
    made = sb.control_charts(table, chart="p")
    (row,) = made.summary.collect()
    assert (row.unit, row.points, str(row.first)) == ("RJ1", 18, "2023-01-01")


def test_one_bad_series(spark, random_counts):
    frame = random_counts(12, kinds=("share",), units=3)
    frame.loc[frame["unit"] == "U1", "numerator"] = frame["denominator"] + 1
    table = on_spark(spark, frame)
    with pytest.raises(InputError, match="measure 'm_share', unit 'U1', period '20"):
        sb.control_charts(table)
    rows = sb.control_charts(table, on_error="row").summary.collect()
    assert {row.unit: row.status for row in rows}["U1"] == "invalid_input"
    assert len(rows) == 3


def test_notes_that_fit_nothing_are_refused_at_once(spark, random_counts):
    table = on_spark(spark, random_counts(13, kinds=("share",), units=2))
    said = {"action": "rebase", "reason": "New clinic", "author": "AS"}
    with pytest.raises(InputError, match="the counts have no unit 'RX9'"):
        sb.control_charts(table, notes=sb.note(date="2020-09-01", unit="RX9", **said))
    with pytest.raises(InputError, match="begins on 2031-01-01"):
        sb.control_charts(table, notes=sb.note(date="2031-01-01", **said))


def test_nothing_but_spark_frames_is_taken_for_one():
    assert not is_spark(pd.DataFrame())
    assert not is_spark(pa.table({}))


def test_the_page_on_scale_runs(spark, random_counts, tmp_path):
    write_births(tmp_path / "births.csv")
    counts = on_spark(spark, random_counts(14, kinds=("share",), units=2))
    counts.write.parquet(str(tmp_path / "counts.parquet"))
    page = (Path(__file__).parents[2] / "docs" / "scale.md").read_text(encoding="utf-8")
    # Spark looks for files where it was started, wherever Python is now.
    page = re.sub(r'"(\w+\.(csv|parquet))"', lambda name: repr(str(tmp_path / name[1])), page)
    counting, charting = ({}, {})
    for block, names in zip(
        re.findall(r"```python\n(.*?)```", page, re.S), (counting, charting), strict=True
    ):
        exec(compile(block, "docs/scale.md", "exec"), names)
    assert counting["counted"].counts["numerator"].sum() > 1000
    assert spark.read.parquet(str(tmp_path / "summary.parquet")).count() == 2
