"""Records from a database, by a query of one's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from spcbench.errors import InputError, OptionError

if TYPE_CHECKING:
    import pyarrow as pa

    from spcbench.tables import Table

BATCH_ROWS = 50_000
"""How many rows are held as Python objects at one time."""


def read_sql(query: str, connection: Any, *, source: str = "the query") -> Table:
    """Records from a database.

    Parameters
    ----------
    query : str
        One statement that gives rows, in the database's own SQL. Name only the
        columns that are needed: what it gives is held in memory.
    connection : DB-API connection, or SQLAlchemy engine or connection
        Stays open.
    source : str
        What the result is called in messages.

    Returns
    -------
    Table
        Records, for `count`.

    Raises
    ------
    InputError
        If the database refuses the query, or a column has no name or stands twice.
    OptionError
        If `connection` is neither of them.

    Examples
    --------
    >>> import sqlite3
    >>> base = sqlite3.connect(":memory:")
    >>> read_sql("SELECT 'RJ1' AS unit, 36.6 AS celsius", base).data.column_names
    ['unit', 'celsius']
    >>> base.close()
    """
    from spcbench.tables import Table

    with _cursor(connection, query, source) as cursor:
        names = _names(cursor.description, source)
        batches = list(_batches(cursor, len(names), source))
    import pyarrow as pa

    columns = {name: _joined([batch[at] for batch in batches]) for at, name in enumerate(names)}
    return Table(kind="records", data=pa.table(columns), source=source)


@contextmanager
def _cursor(connection: Any, query: str, source: str) -> Iterator[Any]:
    """A DB-API cursor on which the query has run."""
    if hasattr(connection, "raw_connection"):  # an SQLAlchemy engine
        with closing(connection.raw_connection()) as raw, _cursor(raw, query, source) as cursor:
            yield cursor
        return
    if hasattr(connection, "exec_driver_sql"):  # an SQLAlchemy connection
        connection = connection.connection
    if not hasattr(connection, "cursor"):
        raise OptionError(
            "connection must be a DB-API connection, or an SQLAlchemy engine or connection, "
            f"not {type(connection).__name__}"
        )
    with closing(connection.cursor()) as cursor:
        try:
            cursor.execute(query)
        except Exception as error:  # every driver has exceptions of its own
            raise InputError(
                f"{source}: the database refused it ({type(error).__name__}); try it in a "
                "program of the database"
            ) from error
        yield cursor


def _names(description: Sequence[Sequence[Any]] | None, source: str) -> list[str]:
    if not description:
        raise InputError(f"{source} gives no rows; write a SELECT")
    names = [str(column[0] or "") for column in description]
    for place, name in enumerate(names, 1):
        if not name or name.lower() in [other.lower() for other in names[: place - 1]]:
            fault = f"has the column {name!r} twice" if name else f"column {place} has no name"
            raise InputError(f"{source}: {fault}; name it with AS")
    return names


def _batches(cursor: Any, width: int, source: str) -> Iterator[list[pa.Array]]:
    while True:
        try:
            rows = cursor.fetchmany(BATCH_ROWS)
        except Exception as error:  # every driver has exceptions of its own
            raise InputError(
                f"{source}: the database stopped on the way ({type(error).__name__})"
            ) from error
        yield [_column([row[at] for row in rows]) for at in range(width)]
        if not rows:
            return


def _column(cells: list[Any]) -> pa.Array:
    import pyarrow as pa

    try:
        made = pa.array(cells)
    except (pa.ArrowException, OverflowError):
        return _texts(cells)
    # Decimals of different lengths would not fit together; measures compute with DOUBLE.
    return made.cast(pa.float64()) if pa.types.is_decimal(made.type) else made


def _texts(cells: Sequence[Any]) -> pa.Array:
    import pyarrow as pa

    return pa.array([None if cell is None else str(cell) for cell in cells], pa.string())


def _joined(chunks: list[pa.Array]) -> pa.ChunkedArray:
    """Batches of one column, as text where they are of different kinds."""
    import pyarrow as pa

    kinds = {chunk.type for chunk in chunks if not pa.types.is_null(chunk.type)}
    kind = kinds.pop() if kinds else pa.null()
    if kinds:
        numeric = all(
            pa.types.is_integer(one) or pa.types.is_floating(one) for one in {kind, *kinds}
        )
        kind = pa.float64() if numeric else pa.string()
    if pa.types.is_string(kind):
        chunks = [
            chunk if pa.types.is_string(chunk.type) else _texts(chunk.to_pylist())
            for chunk in chunks
        ]
    return pa.chunked_array([chunk.cast(kind) for chunk in chunks], kind)
