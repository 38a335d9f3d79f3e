"""Opening records: what each file or table needs before it can be scanned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from spcbench.errors import InputError
from spcbench.measures.column_names import chosen_columns
from spcbench.measures.frames import frame_names, scannable
from spcbench.measures.mapped_sql import mapped_sql
from spcbench.measures.mapping_plan import Plan, planned
from spcbench.measures.records_sql import Part, Records
from spcbench.measures.scans import fault_of_scan, named, readable_copy, scan_sql
from spcbench.record_sets import RecordSet
from spcbench.tables import FileScan, Table
from spcbench.text_files import WINDOWS

if TYPE_CHECKING:
    import duckdb

    from spcbench.measures.mapping import ColumnMapping


@dataclass(slots=True, kw_only=True)
class Opening:
    """What the parts of one table of records are opened with.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Private to one count.
    wanted, beside : list of str
        The columns that must be there, and those that come along.
    mapping : ColumnMapping, optional
        How wanted columns are made.
    copies : TemporaryDirectory, optional
        Made when the first copy is needed.
    notes : list of str
        What was assumed or left out.
    frames : int
        How many tables in memory there are so far.
    """

    connection: duckdb.DuckDBPyConnection
    wanted: list[str]
    beside: list[str]
    mapping: ColumnMapping | None
    copies: TemporaryDirectory[str] | None = None
    notes: list[str] = field(default_factory=list)
    frames: int = 0

    def records(self, table: Any, source: str) -> Records:
        """The records, and what had to be assumed to read them."""
        data = table.data if isinstance(table, Table) else table
        if isinstance(data, RecordSet):
            parts = self._parts_of_set(data)
        else:
            parts = self._parts(table, source)
        return Records(
            connection=self.connection,
            parts=tuple(parts),
            source=source,
            notes=tuple(dict.fromkeys(self.notes)),
            copies=self.copies,
        )

    def close(self) -> None:
        """Let go of what was opened."""
        self.connection.close()
        if self.copies is not None:
            self.copies.cleanup()

    def _parts_of_set(self, data: RecordSet) -> list[Part]:
        """The parts of every file; one that proves faulty is left out if that is wished."""
        parts: list[Part] = []
        left_out = list(data.left_out)
        for table in data.parts:
            try:
                found = self._parts(table, table.source)
                if data.skip:
                    self._check(found, table.source)
            except InputError as error:
                if not data.skip:
                    raise
                left_out.append(str(error))
            else:
                parts += found
        if not parts:
            raise InputError(f"none of the files can be counted; first: {left_out[0]}")
        self.notes.extend(f"left out: {reason}" for reason in left_out)
        return parts

    def _check(self, parts: Sequence[Part], source: str) -> None:
        records = Records(connection=self.connection, parts=tuple(parts), source=source)
        for part in parts:
            records.check(part)

    def _parts(self, table: Any, source: str) -> list[Part]:
        data = table.data if isinstance(table, Table) else table
        if isinstance(data, FileScan):
            return [self._file(data, path, source) for path in data.paths]
        names = frame_names(data)
        plan = self._plan(names, source)
        self.frames += 1
        name = f"records {self.frames}"
        self.connection.register(name, scannable(data, plan.sources or names[:1]))
        lines = table.lines if isinstance(table, Table) else None
        natives = self._types(f"SELECT * FROM {named(name)}")
        return [self._part(plan, source, named(name), natives, form="frame", lines=lines)]

    def _file(self, scan: FileScan, path: str, source: str) -> Part:
        import duckdb

        scanned = self._readable(path, scan.options)
        try:
            plan, natives = self._plan_of_file(scan, scanned, source)
            raw = scan_sql(scan.form, [scanned], scan.options, plan.sources)
            return self._part(
                plan, path, raw, natives, form=scan.form, scanned=scanned, options=scan.options
            )
        except duckdb.Error as error:
            raise fault_of_scan(scan.form, path, error) from None

    def _plan_of_file(
        self, scan: FileScan, scanned: str, source: str
    ) -> tuple[Plan, dict[str, str]]:
        """Where the columns come from, and what each column of the file holds."""
        names = scan.options.get("columns")
        if names:
            return self._plan(list(names), source), dict.fromkeys(names, "VARCHAR")
        raw = scan_sql(scan.form, [scanned], scan.options, None)
        natives = self._types(f"FROM {raw}")
        if scan.form != "json":
            return self._plan(list(natives), source), natives
        try:
            plan = self._plan(list(natives), source)
        except InputError:
            # A field may be left out of every line but the last.
            raw = scan_sql(scan.form, [scanned], scan.options, None, every_line=True)
            plan = self._plan(list(self._types(f"FROM {raw}")), source)
        return plan, dict.fromkeys(plan.sources, "VARCHAR")

    def _part(
        self, plan: Plan, path: str, raw: str, natives: Mapping[str, str], **more: Any
    ) -> Part:
        if plan.mapped:
            sql = mapped_sql(plan, raw, natives, path)
            kept = self._types(f"FROM {sql}")
        else:
            sql, kept = raw, {name: natives[name] for name in plan.sources}
        return Part(path=path, sql=sql, natives=kept, **{"scanned": path, "options": {}, **more})

    def _plan(self, names: list[str], source: str) -> Plan:
        if self.mapping is None:
            chosen = chosen_columns(names, self.wanted, self.beside, source)
            return Plan(passed=tuple(chosen))
        plan = planned(self.mapping, names, self.wanted, self.beside, source)
        self.notes.extend(plan.passed_over)
        self.notes.extend(self.mapping.notes([one.name for one in plan.made], plan.passed))
        return plan

    def _readable(self, path: str, options: Mapping[str, Any]) -> str:
        encoding = options.get("encoding")
        if encoding is None:
            return path
        if encoding == WINDOWS:
            self.notes.append(f"{Path(path).name} was read as Windows-1252, as it is not UTF-8")
        if self.copies is None:
            self.copies = TemporaryDirectory(prefix="spcbench-")
        return readable_copy(path, options, Path(self.copies.name))

    def _types(self, query: str) -> dict[str, str]:
        described = self.connection.execute(f"DESCRIBE {query}").fetchall()
        return {name: native for name, native, *_ in described}
