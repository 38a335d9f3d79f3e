"""Spark DataFrames at the door: telling them apart, and tables going in and out as Arrow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from spcbench.errors import InputError
from spcbench.tables import Contract

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

BUCKET = "__bucket"
"""Name of the column that says which series are worked on in one call."""

_SQL = {
    "string": "string",
    "category": "string",
    "date": "date",
    "integer": "bigint",
    "float": "double",
    "boolean": "boolean",
}
_BLANKS = r"(?U)^\s+|\s+$"


def is_spark(table: Any) -> bool:
    """Whether a table is a Spark DataFrame, of Spark itself or of Spark Connect.

    Examples
    --------
    >>> import pandas as pd
    >>> is_spark(pd.DataFrame())
    False
    """
    return any(
        kind.__name__ == "DataFrame" and kind.__module__.startswith("pyspark.sql.")
        for kind in type(table).__mro__
    )


def schema_of(contract: Contract) -> str:
    """The columns of a table as Spark declares them; words of a category are text.

    Examples
    --------
    >>> from spcbench.tables import COUNTS
    >>> schema_of(COUNTS)
    '`measure` string, `unit` string, `period` date, `numerator` bigint, `denominator` bigint'
    """
    return ", ".join(f"`{one.name}` {_SQL[one.kind]}" for one in contract.columns)


def arrow_of(frame: pd.DataFrame, contract: Contract) -> pa.Table:
    """A table as Spark takes it: what is missing is null, a date has no time.

    Parameters
    ----------
    frame : pandas.DataFrame
        With the columns and types of the contract.
    contract : Contract
        Its columns.

    Returns
    -------
    pyarrow.Table
        With the types that `schema_of` declares.
    """
    made = {one.name: _ARROW[one.kind](frame[one.name]) for one in contract.columns}
    return pa.table(made)


def _text(cells: pd.Series) -> Any:
    return pa.chunked_array(cells.array.__arrow_array__()).cast(pa.string())


def _words(cells: pd.Series) -> Any:
    codes = cells.cat.codes.to_numpy()
    places = pa.array(codes.astype(np.int32), mask=codes < 0)
    return pa.array(cells.cat.categories.to_list(), pa.string()).take(places)


def _days(cells: pd.Series) -> Any:
    return pa.array(cells.to_numpy().astype("datetime64[D]"), pa.date32())


_ARROW: dict[str, Callable[[pd.Series], Any]] = {
    "string": _text,
    "category": _words,
    "date": _days,
    "integer": lambda cells: pa.array(cells, pa.int64(), from_pandas=True),
    "float": lambda cells: pa.array(cells.to_numpy(), pa.float64(), from_pandas=True),
    "boolean": lambda cells: pa.array(cells.to_numpy(), pa.bool_()),
}


def trimmed(name: str) -> Column:
    """A text column without the blanks around it, as the check of counts sees it."""
    from pyspark.sql import functions as sql

    return sql.regexp_replace(sql.col(_quoted(name)).cast("string"), _BLANKS, "")


def chosen(table: DataFrame, names: Iterable[str]) -> DataFrame:
    """The columns of these names that a table has; moments become local wall-clock times.

    Raises
    ------
    InputError
        If a column stands twice.
    """
    from pyspark.sql import functions as sql

    wanted, listed = set(names), list(table.columns)
    for name in wanted:
        if listed.count(name) > 1:
            raise InputError(f"the table has the column {name!r} twice; keep one of them")
    kinds = dict(table.dtypes)
    picked = [
        sql.col(_quoted(name)).cast("timestamp_ntz").alias(name)
        if kinds[name] == "timestamp"
        else sql.col(_quoted(name))
        for name in listed
        if name in wanted
    ]
    return table.select(*picked)


def bucketed(table: DataFrame, number: int, *, together: Sequence[str] = ()) -> DataFrame:
    """A table of counts with the bucket of each row: all rows of a series share one.

    Parameters
    ----------
    table : DataFrame
        With `measure` and `unit`.
    number : int
        How many buckets.
    together : sequence of str
        Measures that must be worked on in one call.
    """
    from pyspark.sql import functions as sql

    bucket = sql.pmod(sql.xxhash64(trimmed("measure"), trimmed("unit")), sql.lit(number))
    if together:
        alone = trimmed("measure").isin(list(together))
        bucket = sql.when(alone, sql.lit(-1).cast("bigint")).otherwise(bucket)
    return table.withColumn(BUCKET, bucket)


def by_bucket(table: DataFrame, work: Callable[[pa.Table], pa.Table], schema: str) -> DataFrame:
    """Work on each bucket in one call, wherever Spark puts it.

    Parameters
    ----------
    table : DataFrame
        As `bucketed` gives it.
    work : callable
        From the rows of one bucket to a table with the columns of `schema`.
    schema : str
        As `schema_of` gives it.
    """

    def call(rows: pa.Table) -> pa.Table:
        return work(rows.drop_columns([BUCKET]))

    return table.groupBy(BUCKET).applyInArrow(call, schema)


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
