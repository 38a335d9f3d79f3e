"""Tables in memory, and relations of other libraries, as something DuckDB can scan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from spcbench.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa


def frame_names(data: Any) -> list[str]:
    """Names of the columns of a table.

    Parameters
    ----------
    data : pandas, polars or Arrow table, Arrow dataset or reader, DuckDB relation
        Nothing of it is read.

    Raises
    ------
    InputError
        If it is none of them.
    """
    import pyarrow as pa
    import pyarrow.dataset as ds

    if _is_pandas(data):
        return [str(name) for name in data.columns]
    if _is_lazy(data):
        return list(data.collect_schema().names())
    if _is_relation(data):
        return list(data.columns)
    if hasattr(data, "get_columns"):
        return list(data.columns)  # a polars frame
    if isinstance(data, (pa.Table, pa.RecordBatch, pa.RecordBatchReader, ds.Dataset)):
        return list(data.schema.names)
    if hasattr(data, "__arrow_c_stream__"):
        return list(_arrow(data).column_names)
    raise InputError(
        "records must be a file, the result of read(), a DuckDB relation, or a pandas, polars "
        f"or Arrow table; this is {type(data).__name__}"
    )


def scannable(data: Any, columns: Sequence[str]) -> Any:
    """The wanted columns as Arrow, or a dataset that is read in place.

    Parameters
    ----------
    data : object
        A table with `frame_names`.
    columns : sequence of str
        Only these are read, where the library can leave out the others.
        Columns of polars and Arrow tables are not copied.
    """
    import pyarrow as pa

    wanted = list(columns)
    if _is_pandas(data):
        data = data.rename(columns=str)
        return pa.table({name: _arrow_column(data[name]) for name in wanted})
    if _is_lazy(data):
        return _arrow(data.select(wanted).collect())
    if _is_relation(data):
        listed = ", ".join('"' + name.replace('"', '""') + '"' for name in wanted)
        return _arrow(data.project(listed))
    if hasattr(data, "scanner"):
        return data
    if isinstance(data, pa.RecordBatchReader):
        # A reader can be read once; rejects and the place of a fault need a second time.
        batches = [batch.select(wanted) for batch in data]
        schema = pa.schema([data.schema.field(name) for name in wanted])
        return pa.Table.from_batches(batches, schema)
    return _arrow(data).select(wanted)


def _arrow(data: Any) -> pa.Table:
    import pyarrow as pa

    return pa.table(data)


def _is_pandas(data: Any) -> bool:
    import pandas as pd

    return isinstance(data, pd.DataFrame)


def _is_lazy(data: Any) -> bool:
    return hasattr(data, "collect_schema") and hasattr(data, "collect")


def _is_relation(data: Any) -> bool:
    import duckdb

    return isinstance(data, duckdb.DuckDBPyRelation)


def _mixed_moments(cells: Any) -> bool:
    """Whether days stand beside moments, or moments with a zone beside some without."""
    import datetime

    kinds = {
        (isinstance(one, datetime.datetime), getattr(one, "tzinfo", None) is None)
        for one in cells[cells.notna()]
        if isinstance(one, datetime.date)
    }
    return len(kinds) > 1


def _written(cell: Any) -> str:
    return str(cell.isoformat() if hasattr(cell, "isoformat") else cell)


def _arrow_column(cells: Any) -> pa.Array:
    import pyarrow as pa

    if cells.dtype == object and _mixed_moments(cells):
        # Arrow would cut off the times of day, or mix up the clocks.
        return pa.array(cells.map(_written, na_action="ignore").tolist(), type=pa.string())
    try:
        return pa.array(cells, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        # Numbers beside words in one column: as text, like the cells of a CSV file.
        texts = cells.astype("object").map(str, na_action="ignore")
        return pa.array(texts.tolist(), type=pa.string(), from_pandas=True)
