"""Where records lie, as something DuckDB can scan: files in place, frames through Arrow."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spcbench.errors import InputError, suggest
from spcbench.tables import FileScan, Table

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

RAGGED = {"MISSING COLUMNS": "too few cells", "TOO MANY COLUMNS": "too many cells"}
"""What DuckDB calls the rows that are set aside; any other fault of a CSV file stops the count."""

_OFFLINE = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """Records ready to be scanned.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Private to one count.
    relations : tuple of (str, str)
        Path of each file and the SQL to scan it; one of the table's name for a frame.
    relation : str
        The SQL to scan all of them.
    natives : mapping of str to str
        DuckDB's type of each column.
    source : str
        For messages.
    scan : FileScan, optional
        None for a frame.
    """

    connection: duckdb.DuckDBPyConnection
    relations: tuple[tuple[str, str], ...]
    relation: str
    natives: Mapping[str, str]
    source: str
    scan: FileScan | None

    def fetch(self, query: str) -> dict[str, Any]:
        """The result of a query, one array per column.

        Raises
        ------
        InputError
            If the records cannot be read.
        """
        import duckdb

        try:
            return dict(self.connection.execute(query).fetchnumpy())
        except duckdb.Error as error:
            # The first line says what is wrong; the others may quote the data.
            reason = str(error).splitlines()[0]
            raise InputError(f"{self.source}: cannot be read ({reason})") from error

    def close(self) -> None:
        """Let go of the connection."""
        self.connection.close()

    def ragged(self) -> list[tuple[str, int, str]]:
        """Path, row and fault of the CSV rows that the scans so far left out.

        Raises
        ------
        InputError
            If a fault is not one of a single row, such as an open quotation mark.
        """
        if self.scan is None or self.scan.form != "csv":
            return []
        found = self.connection.execute(
            "SELECT DISTINCT file_path, line, error_type FROM reject_errors "
            "JOIN reject_scans USING (scan_id, file_id) ORDER BY file_path, line, error_type"
        ).fetchall()
        rows = {}
        for path, line, fault in found:
            if fault not in RAGGED:
                raise InputError(f"{Path(path).name}, line {line}: {_told(fault)}")
            rows[path, int(line)] = RAGGED[fault]
        return [(path, line, fault) for (path, line), fault in rows.items()]

    def rows(self, path: str, records: Sequence[int]) -> list[int]:
        """Where records stand, as people count: lines of a CSV file, else records from 1.

        Parameters
        ----------
        path : str
            One of `relations`.
        records : sequence of int
            Places in the scan of that file, from 1.
        """
        if self.scan is None or self.scan.form != "csv" or not records:
            return list(records)
        left_out = {line for file, line, _ in self.ragged() if file == path}
        lines = csv_rows(path, self.scan.options["delimiter"], skipped=left_out)
        return [lines[record - 1] for record in records]

    @property
    def row_word(self) -> str:
        """What a row is called in a message."""
        return "line" if self.scan is not None and self.scan.form == "csv" else "row"


def open_records(table: Any, *, columns: Iterable[str], beside: Iterable[str] = ()) -> Records:
    """Records ready to be scanned, with the wanted columns.

    Parameters
    ----------
    table : Table, pandas, polars or Arrow table
        The records.
    columns : iterable of str
        The columns that must be there.
    beside : iterable of str
        Columns that come along where they exist.

    Returns
    -------
    Records
        With the wanted columns only, where the form allows it.

    Raises
    ------
    InputError
        If it is not a table of records, or a column is missing.
    """
    import duckdb

    source = table.source if isinstance(table, Table) else "the table"
    data = table.data if isinstance(table, Table) else table
    if isinstance(table, Table) and table.kind == "counts":
        raise InputError(
            f"{source} holds counts already; give it to control_charts() or funnels() as it is"
        )
    wanted, extra = list(dict.fromkeys(columns)), list(beside)
    connection = duckdb.connect(config=_OFFLINE)
    if isinstance(data, FileScan):
        return _file_records(data, wanted, extra, source, connection)
    connection.register("records", _arrow(data, wanted, extra, source))
    return Records(
        connection=connection,
        relations=((source, "records"),),
        relation="records",
        natives=_natives(connection, "records"),
        source=source,
        scan=None,
    )


def chosen_columns(
    names: Iterable[str], wanted: Sequence[str], beside: Sequence[str], source: str
) -> list[str]:
    """The wanted columns, and those beside them that the table has.

    Raises
    ------
    InputError
        If a wanted column is not there, naming near matches, then every
        column; or if one of them stands twice.
    """
    known = list(names)
    chosen = list(dict.fromkeys([*wanted, *(name for name in beside if name in known)]))
    repeated = sorted({name for name in chosen if known.count(name) > 1})
    if repeated:
        raise InputError(f"{source} has the column {repeated[0]!r} twice; keep one of them")
    lacking = [name for name in wanted if name not in known]
    if lacking:
        more = f" (also missing: {', '.join(lacking[1:])})" if len(lacking) > 1 else ""
        raise InputError(
            f"{source} has no column {lacking[0]!r}; {suggest(lacking[0], known)}{more}"
        )
    return chosen


def csv_rows(path: str, delimiter: str, *, skipped: set[int]) -> list[int]:
    """Row, as a spreadsheet numbers it, of each record that DuckDB scans.

    Parameters
    ----------
    path : str
        A CSV file.
    delimiter : str
        What stands between its cells.
    skipped : set of int
        Rows that the scan left out.

    Returns
    -------
    list of int
        For the first record, the second, and so on; the names stand in row 1.
    """
    with Path(path).open(encoding="utf-8-sig", newline="") as opened:
        rows = csv.reader(opened, delimiter=delimiter)
        return [row for row, cells in enumerate(rows, 1) if cells and row not in skipped][1:]


def _file_records(
    scan: FileScan,
    wanted: list[str],
    beside: list[str],
    source: str,
    connection: duckdb.DuckDBPyConnection,
) -> Records:
    import duckdb

    try:
        names = scan.options.get("columns") or tuple(_natives(connection, _relation(scan, None)))
        chosen = chosen_columns(names, wanted, beside, source)
        relation = _relation(scan, chosen)
        natives = (
            _natives(connection, relation)
            if scan.form == "parquet"
            else dict.fromkeys(chosen, "VARCHAR")
        )
    except duckdb.Error as error:
        raise InputError(f"{source}: cannot be read ({str(error).splitlines()[0]})") from error
    each = [(path, _relation(replace(scan, paths=(path,)), chosen)) for path in scan.paths]
    return Records(
        connection=connection,
        relations=tuple(each),
        relation=relation,
        natives=natives,
        source=source,
        scan=scan,
    )


def _relation(scan: FileScan, wanted: list[str] | None) -> str:
    paths = "[" + ", ".join(quoted(_literally(path)) for path in scan.paths) + "]"
    if scan.form == "parquet":
        return f"read_parquet({paths}, hive_partitioning=false)"
    if scan.form == "json":
        # As text, so that each field is converted by its declared type and nothing is guessed.
        columns = "" if wanted is None else f", columns={_texts(wanted)}"
        return f"read_json({paths}, format='newline_delimited'{columns})"
    return (
        f"read_csv({paths}, auto_detect=false, header=true, quote='\"', escape='\"', nullstr='', "
        f"delim={quoted(scan.options['delimiter'])}, columns={_texts(scan.options['columns'])}, "
        "store_rejects=true)"
    )


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def named(column: str) -> str:
    """A name as an SQL identifier."""
    return '"' + column.replace('"', '""') + '"'


def _literally(path: str) -> str:
    """A path whose signs DuckDB does not take for a pattern."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in path)


def _texts(columns: Iterable[str]) -> str:
    return "{" + ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in columns) + "}"


def _natives(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    described = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    return {name: native for name, native, *_ in described}


def _arrow(data: Any, wanted: list[str], beside: list[str], source: str) -> pa.Table:
    """The wanted columns as Arrow; polars and Arrow tables are not copied."""
    import pandas as pd
    import pyarrow as pa

    if isinstance(data, pd.DataFrame):
        data = data.rename(columns=str)
        chosen = chosen_columns(data.columns, wanted, beside, source)
        return pa.table({name: _arrow_column(data[name]) for name in chosen})
    if hasattr(data, "collect_schema") and hasattr(data, "collect"):
        data = data.collect()  # a lazy polars frame
    if not hasattr(data, "__arrow_c_stream__"):
        raise InputError(
            "records must be a file, the result of read(), or a pandas, polars or Arrow table; "
            f"this is {type(data).__name__}"
        )
    arrow = pa.table(data)
    return arrow.select(chosen_columns(arrow.column_names, wanted, beside, source))


def _arrow_column(cells: Any) -> pa.Array:
    import pyarrow as pa

    try:
        return pa.array(cells, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        # Numbers beside words in one column: as text, like the cells of a CSV file.
        texts = cells.astype("object").map(str, na_action="ignore")
        return pa.array(texts.tolist(), type=pa.string(), from_pandas=True)


def _told(fault: str) -> str:
    if fault == "UNQUOTED VALUE":
        return "a quotation mark is opened and not closed; close it, or double it inside a cell"
    if fault == "INVALID ENCODING":
        return "the text is not UTF-8; save the file as 'CSV UTF-8'"
    return f"the row cannot be read ({fault.lower()})"
