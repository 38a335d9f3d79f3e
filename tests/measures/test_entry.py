"""How cells of text enter: the quick way gives what the strict way gives."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spcbench.measures.dialect_duckdb import DuckDB
from spcbench.measures.entry import Way, entry, plausible
from spcbench.measures.field import TYPES, Field


class Strict(DuckDB):
    """DuckDB without its short cuts."""

    def quick(self, kind, cell):
        return None

    def trimmed_name(self, cell):
        return self.trimmed(cell)


CELLS = [
    "", " ", "\u00a0", "12", " 12", "12 ", "12\u00a0", "+12", "-12", "012", "1_000", "0x1F", "1e3",
    "12.0", "12.5", ".5", "5.", ".", "1e999", "nan", "NaN", "inf", "-Infinity", "+inf", "१२", "1,5",
    "9223372036854775808", "9007199254740993", "1e-400", "-0", "--1", "1e", "e1", "1e5_0",
    "true", "TRUE", "tRuE", "t", "f", "yes", "YES", "yEs", "Y", "n", "0", "1", "2", "no", " no",
    "2024-01-05", "2024-1-5", "2024-01-05 10:00", "2024-01-05T10:00", "2024-01-05 10:00:00",
    "2024-01-05 10:00:60", "2024-01-05 24:00", "2024-01-05 1:00", "2024-01-05  1:00",
    "2024-01-05 10:0Z", "2024-01-05 10:00Z", "2024-06-05T10:00:30.5+01:00",
    "2024-06-05 10:00+25:00",
    "2024-01-05 00:00:00.000", "2024-02-30", "0024-01-01", "12024-01-05", "2101-01-01",
    "2100-12-31 23:59:59", "1899-12-31", "1900-01-01", " 2024-01-05", "2024-01-05 ", "20240105",
    "2024/01/05", "05/01/2024", "infinity", "epoch", "-infinity", "2024-01-05 (BC)", "A", "~", "Ø",
    "'", '"', "a\tb", "2024-03-31T23:00:00Z", "2024-12-31T00:00:00Z", "24-01-05", "2024-01-05 10",
]  # fmt: skip


def entered(cells, kind, dialect):
    """Value, and the codes of the problems, of each cell."""
    way = Way(dialect=dialect, source="test")
    field = Field(name="x", type=kind, required=True)
    made = entry(field, "VARCHAR", way, value="v", cell="c", date_format=None)
    taken = plausible("v0", dialect) if kind in ("date", "datetime") else "v0"
    flags = ", ".join(f"({condition}) AS {code}" for code, condition in made.problems)
    with duckdb.connect() as connection:
        connection.register("records", pa.table({"x": pa.array(cells, pa.string())}))
        return connection.execute(
            f"WITH a AS (SELECT {made.value} AS v0, x AS c FROM records), "
            f"b AS (SELECT *, {taken} AS v FROM a) SELECT v, {flags} FROM b"
        ).fetchall()


near = st.one_of(
    st.sampled_from(CELLS),
    st.text(alphabet=" \t0123456789-+.:TZe_/aA\u00a0", max_size=22),
    st.from_regex(r" ?[12][0-9]{3}-[0-9]{1,2}-[0-9]{1,2}([ T][0-9]{1,2}:[0-9]{2}(:[0-9]{2})?Z?)? ?",
                  fullmatch=True),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.none(), near), min_size=1, max_size=40))
@example(CELLS)
def test_the_quick_way_gives_what_the_strict_way_gives(cells):
    for kind in TYPES:
        quick, strict = (entered(cells, kind, one) for one in (DuckDB(), Strict()))
        for cell, one, other in zip(cells, quick, strict, strict=True):
            assert repr(one) == repr(other), (kind, cell)


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("integer", "012", 12.0),
        ("integer", "12.0", 12.0),
        ("integer", "12.5", None),
        ("integer", "1_000", None),
        ("number", ".5", 0.5),
        ("number", "1e999", None),
        ("boolean", " yEs\u00a0", True),
        ("boolean", "t", None),
        ("text", " a ", " a "),
    ],
)
def test_a_cell_of_text(kind, cell, value):
    assert entered([cell], kind, DuckDB())[0][0] == value


@pytest.mark.parametrize("cell", [None, "", " \t", "\u00a0", "NaN", "-inf"])
def test_what_is_missing_is_not_of_a_wrong_type(cell):
    _, wrong, missing = entered([cell], "number", DuckDB())[0]
    assert (wrong, missing) == (False, True)
    if cell in ("NaN", "-inf"):
        assert entered([cell], "boolean", DuckDB())[0][1:] == (True, False)
