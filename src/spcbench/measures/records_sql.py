"""Where records lie, as something DuckDB can scan: files in place, frames through Arrow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from spcbench.errors import InputError
from spcbench.measures.column_names import chosen_columns
from spcbench.measures.scans import RAGGED, fault_of_csv, fault_of_scan, named, quoted
from spcbench.tables import Table
from spcbench.text_files import UTF8, csv_rows

if TYPE_CHECKING:
    import duckdb

    from spcbench.measures.mapping import ColumnMapping

__all__ = ["Records", "chosen_columns", "named", "open_records", "quoted"]

_NUMBERS = {
    *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL"),
    *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"),
}
_MOMENTS = {"DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"}
_CONFIG = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    # A list of five words or more would become a join with them, through which planning a
    # pack of many fields takes seconds instead of hundredths; our lists are short.
    "disabled_optimizers": "in_clause",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One file, or one table in memory.

    Parameters
    ----------
    path : str
        The file as it is named to people; the table's name for a frame.
    scanned : str
        The file that is scanned: itself, or a readable copy of it.
    form : str
        ``"csv"``, ``"parquet"``, ``"json"`` or ``"frame"``.
    options : mapping
        What the reader found out.
    sql : str
        To scan the wanted columns.
    natives : mapping of str to str
        DuckDB's type of each of them.
    lines : array of int, optional
        Row of the sheet that each record came from.
    """

    path: str
    scanned: str
    form: str
    options: Mapping[str, Any]
    sql: str
    natives: Mapping[str, str]
    lines: Any = None


@dataclass(slots=True, kw_only=True)
class Records:
    """Records ready to be scanned.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Private to one count.
    parts : tuple of Part
        The files.
    source : str
        For messages.
    notes : tuple of str
        What was assumed or left out, for the provenance.
    copies : TemporaryDirectory, optional
        Holds the copies of files that DuckDB cannot read itself.
    """

    connection: duckdb.DuckDBPyConnection
    parts: tuple[Part, ...]
    source: str
    notes: tuple[str, ...] = ()
    copies: TemporaryDirectory[str] | None = None
    _natives: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        names = dict.fromkeys(name for part in self.parts for name in part.natives)
        self._natives = {
            name: _common_type(p.natives[name] for p in self.parts if name in p.natives)
            for name in names
        }

    @property
    def natives(self) -> Mapping[str, str]:
        """DuckDB's type of each column."""
        return self._natives

    @property
    def relations(self) -> tuple[tuple[str, str], ...]:
        """Path of each file and the SQL to scan it; one of the table's name for a frame."""
        return tuple((part.path, self._alike(part)) for part in self.parts)

    @property
    def relation(self) -> str:
        """The SQL to scan all of them."""
        each = [sql for _, sql in self.relations]
        return each[0] if len(each) == 1 else f"({' UNION ALL '.join(map(_selected, each))})"

    def fetch(self, query: str) -> dict[str, Any]:
        """The result of a query, one array per column.

        Raises
        ------
        InputError
            If the records cannot be read; names the file.
        """
        import duckdb

        try:
            found = dict(self.connection.execute(query).fetchnumpy())
        except duckdb.Error as error:
            for part in self.parts:
                self.check(part)
            raise fault_of_scan("frame", self.source, error) from None
        self.ragged()
        return found

    def check(self, part: Part) -> None:
        """Read a file from end to end, and say what is wrong with it.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        import duckdb

        cells = ", ".join(map(named, part.natives))
        try:
            self.connection.execute(f"SELECT bit_xor(hash({cells})) FROM {part.sql}").fetchall()
        except duckdb.Error as error:
            raise fault_of_scan(part.form, part.path, error) from None
        self.ragged()

    def close(self) -> None:
        """Let go of the connection and of the copies."""
        self.connection.close()
        if self.copies is not None:
            self.copies.cleanup()

    def ragged(self) -> list[tuple[str, int, str]]:
        """Path, row and fault of the CSV rows that the scans so far left out.

        Raises
        ------
        InputError
            If a fault is not one of a single row, such as an open quotation mark.
        """
        import duckdb

        paths = {part.scanned: part.path for part in self.parts if part.form == "csv"}
        if not paths:
            return []
        try:
            found = self.connection.execute(
                "SELECT DISTINCT file_path, line, error_type FROM reject_errors "
                "JOIN reject_scans USING (scan_id, file_id) ORDER BY file_path, line, error_type"
            ).fetchall()
        except duckdb.CatalogException:
            return []  # no scan of a CSV file has been made yet
        rows = {}
        for scanned, line, fault in found:
            path = paths.get(scanned)
            if path is None:
                continue  # a file that was left out
            if fault not in RAGGED:
                raise InputError(f"{Path(path).name}, line {line}: {fault_of_csv(fault)}")
            rows[path, int(line)] = RAGGED[fault]
        return [(path, line, fault) for (path, line), fault in rows.items()]

    def rows(self, path: str, records: Sequence[int]) -> list[int]:
        """Where records stand, as people count: rows of a CSV file or sheet, else from 1.

        Parameters
        ----------
        path : str
            One of `relations`.
        records : sequence of int
            Places in the scan of that file, from 1.
        """
        part = next(one for one in self.parts if one.path == path)
        if part.lines is not None:
            return [int(part.lines[record - 1]) for record in records]
        if part.form != "csv" or not records:
            return list(records)
        left_out = {line for file, line, _ in self.ragged() if file == path}
        lines = _rows_of_records(part, skipped=left_out)
        return [lines[record - 1] for record in records]

    @property
    def row_word(self) -> str:
        """What a row is called in a message."""
        return "line" if all(part.form == "csv" for part in self.parts) else "row"

    def _alike(self, part: Part) -> str:
        """A part with its columns in the order and of the types of them all."""
        if len(self.parts) == 1:
            return part.sql
        cells = ", ".join(
            named(name)
            if part.natives.get(name) == native
            else f"CAST({named(name) if name in part.natives else 'NULL'} AS {native}) "
            f"AS {named(name)}"
            for name, native in self._natives.items()
        )
        return f"(SELECT {cells} FROM {part.sql})"


def open_records(
    table: Any,
    *,
    columns: Iterable[str],
    beside: Iterable[str] = (),
    mapping: ColumnMapping | None = None,
) -> Records:
    """Records ready to be scanned, with the wanted columns.

    Parameters
    ----------
    table : Table, pandas, polars or Arrow table, or DuckDB relation
        The records.
    columns : iterable of str
        The columns that must be there.
    beside : iterable of str
        Columns that come along where they exist.
    mapping : ColumnMapping, optional
        How wanted columns are made from those of the records.

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
    if isinstance(table, Table) and table.kind == "counts":
        raise InputError(
            f"{source} holds counts already; give it to control_charts() or funnels() as it is"
        )
    from spcbench.measures.opening import Opening

    opening = Opening(
        connection=duckdb.connect(config=_CONFIG),
        wanted=list(dict.fromkeys(columns)),
        beside=list(beside),
        mapping=mapping,
    )
    try:
        return opening.records(table, source)
    except BaseException:
        opening.close()
        raise


def _common_type(natives: Iterable[str]) -> str:
    """The type that several files' columns of one name share; text where they differ in kind."""
    each = list(dict.fromkeys(natives))
    if len(each) == 1:
        return each[0]
    heads = {native.partition("(")[0] for native in each}
    if heads <= _NUMBERS:
        return "DOUBLE"
    if heads <= _MOMENTS:
        return "TIMESTAMP"
    return "VARCHAR"


def _selected(sql: str) -> str:
    return f"SELECT * FROM {sql}"


def _rows_of_records(part: Part, *, skipped: set[int]) -> list[int]:
    """Row, as a spreadsheet numbers it, of each record that DuckDB scans.

    For the first record, the second, and so on; the names stand in row 1.
    """
    return rows_of_csv(part.path, part.options, skipped=skipped)


def rows_of_csv(path: str, options: Mapping[str, Any], *, skipped: set[int]) -> list[int]:
    """Row, as a spreadsheet numbers it, of each record of a delimited file.

    Parameters
    ----------
    path : str
        The file.
    options : mapping
        As `FileScan.options`.
    skipped : set of int
        Rows that the scan left out.
    """
    found = csv_rows(Path(path), options["delimiter"], options.get("encoding", UTF8))
    return [row for row, (_, cells) in enumerate(found, 1) if cells and row not in skipped][1:]
