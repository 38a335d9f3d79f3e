"""Random expressions mean the same in Python, on DuckDB and on Spark, on awkward records."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from spcbench.errors import ExpressionError
from spcbench.measures.expression import Expression, parse_value

_MODEL = Path(__file__).with_name("expression_model.py")
_SPEC = importlib.util.spec_from_file_location("expression_model", _MODEL)
assert _SPEC is not None
assert _SPEC.loader is not None
model = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(model)

ARROW = {
    "number": pa.float64(),
    "text": pa.string(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "datetime": pa.timestamp("us"),
}
SCHEMA = pa.schema([(name, ARROW[kind]) for kind in model.KINDS for name in model.NAMES[kind]])
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def read(text: str) -> Expression:
    """The expression; another is drawn where it is too deep or grows too large."""
    try:
        return parse_value(text, model.FIELDS)
    except ExpressionError as error:
        assume("levels deep" not in str(error))
        assume("pieces of it" not in str(error))
        raise


def same(found: Any, expected: Any) -> bool:
    """Bit for bit, except that any NaN is NaN and zero has no sign."""
    if isinstance(expected, float) and isinstance(found, float):
        return found == expected or (math.isnan(found) and math.isnan(expected))
    return type(found) is type(expected) and found == expected


def on_duckdb(expressions: list[Expression], records: list[Any]) -> list[tuple[Any, ...]]:
    columns = ", ".join(expression.to_sql() for expression in expressions)
    with duckdb.connect(config={"memory_limit": "1GB", "threads": "1"}) as connection:
        connection.register("records", pa.Table.from_pylist(records, schema=SCHEMA))
        return connection.execute(f"SELECT {columns} FROM records").fetchall()


def check(found: list[tuple[Any, ...]], drawn: list[tuple[str, Any]], records: list[Any]) -> None:
    for row, record in zip(found, records, strict=True):
        for value, (kind, one) in zip(row, drawn, strict=True):
            expected = one.value(record)
            if kind == "datetime" and expected is not None:
                expected = model.order(expected)
            assert same(value, expected), (one.text, record, value, expected)


@settings(suppress_health_check=QUIET, deadline=None)
@given(model.ANY_KIND, model.RECORDS)
def test_duckdb_means_what_the_page_says(drawn, records):
    kind, one = drawn
    expression = read(one.text)
    assert expression.kind == kind
    check(on_duckdb([expression], records), [drawn], records)


def on_spark(
    spark: Any, expressions: list[Expression], records: list[Any]
) -> list[tuple[Any, ...]]:
    from pyspark.sql import types

    kinds = {
        "number": types.DoubleType(),
        "text": types.StringType(),
        "boolean": types.BooleanType(),
        "date": types.DateType(),
        "datetime": types.TimestampNTZType(),
    }
    schema = types.StructType(
        [types.StructField(name, kinds[kind]) for kind in model.KINDS for name in model.NAMES[kind]]
    )
    rows = [tuple(record[name] for name in schema.names) for record in records]
    frame = spark.createDataFrame(rows, schema).coalesce(1)
    found = frame.selectExpr(*(expression.to_sql("spark") for expression in expressions))
    return [tuple(row) for row in found.collect()]


ONCE_FOR_ALL = [*QUIET, HealthCheck.function_scoped_fixture]


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::ResourceWarning")
@settings(suppress_health_check=ONCE_FOR_ALL, deadline=None, max_examples=10)
@given(drawn=st.lists(model.ANY_KIND, min_size=12, max_size=12), records=model.RECORDS)
def test_spark_means_what_the_page_says(spark, drawn, records):
    expressions = [read(one.text) for _, one in drawn]
    check(on_spark(spark, expressions, records), drawn, records)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::ResourceWarning")
def test_spark_does_not_change_the_clocks(spark):
    moment = model.dt.datetime(2024, 3, 31, 1, 30)  # no clock in London shows it
    records = [{**dict.fromkeys(SCHEMA.names), "m": moment, "d": moment.date()}]
    texts = ["minutes_between(d, m)", "hours_between(m, DATE '2024-04-01')", "days_between(m, d)"]
    expressions = [parse_value(text, model.FIELDS) for text in texts]
    assert on_spark(spark, expressions, records) == [(90.0, 22.0, 0.0)]


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::ResourceWarning")
def test_spark_and_duckdb_agree_on_letters_and_halves(spark):
    letters = [chr(code) for code in range(1, 0x2C00) if chr(code) not in "\u1c89\u1c8a"]
    letters = [letter for letter in letters if letter not in "\u019b\u0264"]  # of Unicode 16
    halves = [(i * 37 % 200_001 - 100_000) / 1_000 + 0.0005 for i in range(len(letters))]
    records = [
        {**dict.fromkeys(SCHEMA.names), "t": f"a{letter}b", "n": half, "k": half * 1e7}
        for letter, half in zip(letters, halves, strict=True)
    ]
    texts = ["LOWER(t)", "UPPER(t)", "TRIM(t)", "ROUND(n)", "ROUND(n, 3)", "ROUND(k, 2)"]
    expressions = [parse_value(text, model.FIELDS) for text in texts]
    ours = on_duckdb(expressions, records)
    theirs = on_spark(spark, expressions, records)
    wrong = [pair for pair in zip(ours, theirs, strict=True) if pair[0] != pair[1]]
    assert not wrong[:5]
