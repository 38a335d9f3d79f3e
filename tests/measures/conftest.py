from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import pytest

from spcbench.measures.expression import parse
from spcbench.measures.measure import Field, Measure
from spcbench.plugin.records import Pack

FIELDS = (
    Field(name="n", type="number"),
    Field(name="i", type="integer"),
    Field(name="t", type="text"),
    Field(name="b", type="boolean"),
    Field(name="d", type="date"),
    Field(name="m", type="datetime"),
)
TYPES = {
    "n": "DOUBLE",
    "i": "DOUBLE",
    "t": "VARCHAR",
    "b": "BOOLEAN",
    "d": "DATE",
    "m": "TIMESTAMP",
}


@pytest.fixture(scope="session")
def fields() -> tuple[Field, ...]:
    return FIELDS


@pytest.fixture
def truth() -> Callable[..., bool | None]:
    """What DuckDB makes of an expression on one record."""

    def evaluate(text: str, **values: Any) -> bool | None:
        cells = ", ".join(f"CAST(? AS {TYPES[name]}) AS {name}" for name in TYPES)
        query = f"SELECT {parse(text, FIELDS).to_sql()} FROM (SELECT {cells})"
        with duckdb.connect() as connection:
            row = connection.execute(query, [values.get(name) for name in TYPES]).fetchone()
        assert row is not None
        return row[0]

    return evaluate


@pytest.fixture
def make_pack() -> Callable[..., Pack]:
    """A pack of the standard fields and the given measures."""

    def make(*measures: Any, fields: tuple[Field, ...] = FIELDS, **more: Any) -> Pack:
        settings = {"id": "test", "title": "Test", "version": "1", "record": "case", **more}
        return Pack(fields=fields, measures=measures, **settings)

    return make


@pytest.fixture
def make_measure() -> Callable[..., Measure]:
    def make(**settings: Any) -> Measure:
        defaults = {"id": "a", "title": "A", "better": "higher", "eligible": "TRUE", "met": "b"}
        return Measure(**{**defaults, **settings})

    return make
