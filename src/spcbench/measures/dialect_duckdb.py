"""The SQL of DuckDB."""

from __future__ import annotations

from typing import ClassVar

from spcbench.measures.dialect import BLANKS, Dialect
from spcbench.measures.engine_text import Dialect as DialectName
from spcbench.measures.records_sql import named, quoted

_NATIVES: dict[str, str] = {
    **dict.fromkeys(("VARCHAR", "ENUM", "JSON", "UUID"), "text"),
    "BOOLEAN": "boolean",
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"), "integer"),
    **dict.fromkeys(("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"), "integer"),
    **dict.fromkeys(("FLOAT", "DOUBLE", "DECIMAL"), "number"),
    "DATE": "date",
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"), "datetime"),
    **dict.fromkeys(("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS"), "zoned"),
    "NULL": "null",
}
_TRUE = ("true", "True", "TRUE", "1", "yes", "Yes", "y", "Y")
_BITS = 31
_FALSE = ("false", "False", "FALSE", "0", "no", "No", "n", "N")


class DuckDB(Dialect):
    """DuckDB; its casts are lenient, so the quick ways compare what they give with the cell."""

    name: ClassVar[DialectName] = "duckdb"
    types: ClassVar = {
        "text": "VARCHAR",
        "integer": "DOUBLE",
        "number": "DOUBLE",
        "boolean": "BOOLEAN",
        "date": "DATE",
        "datetime": "TIMESTAMP",
    }

    def named(self, column: str) -> str:
        """A name as an identifier."""
        return named(column)

    def quoted(self, text: str) -> str:
        """A text as a literal."""
        return quoted(text)

    def native(self, native_type: str) -> str:
        """What a column of that type holds."""
        head = native_type.upper().split("(", maxsplit=1)[0].strip('"')
        return _NATIVES.get(head, head)

    def as_text(self, cell: str) -> str:
        """Any value as text."""
        return f"CAST({cell} AS VARCHAR)"

    def taken(self, cell: str, native_type: str) -> str:
        """Single precision by its shortest decimals; nanoseconds cut off, not rounded up."""
        if native_type.upper() == "FLOAT":
            return f"CAST(CAST({cell} AS VARCHAR) AS DOUBLE)"
        if native_type.upper() == "TIMESTAMP_NS":
            return f"CASE WHEN isfinite({cell}) THEN make_timestamp(epoch_ns({cell}) // 1000) END"
        if native_type.upper() == "TIMESTAMPTZ_NS":
            return f"CAST({cell} AS TIMESTAMPTZ)"
        return cell

    def trimmed(self, cell: str) -> str:
        """Without the blanks around it; null where nothing is left."""
        return f"NULLIF(trim(CAST({cell} AS VARCHAR), {quoted(BLANKS)}), '')"

    def matches(self, text: str, pattern: str) -> str:
        """Whether the whole text matches."""
        return f"regexp_full_match({text}, {quoted(pattern)})"

    def try_cast(self, text: str, kind: str) -> str:
        """Null where it cannot be one."""
        return f"TRY_CAST({text} AS {self.types[kind]})"

    def parsed(self, text: str, date_format: str, zone: str) -> str:
        """A moment written in a format."""
        moment = f"try_strptime({text}, {quoted(date_format)})"
        return self.wall_clock(moment, zone) if "%z" in date_format else moment

    def wall_clock(self, moment: str, zone: str) -> str:
        """What clocks in a zone show."""
        return f"timezone({quoted(zone)}, {moment})"

    def zoned(self, text: str, zone: str) -> str:
        """What clocks in a zone show at a moment written with its distance from UTC."""
        return self.wall_clock(f"TRY_CAST({text} AS TIMESTAMPTZ)", zone)

    def finite(self, value: str) -> str:
        """Neither NaN nor infinite."""
        return f"isfinite({value})"

    def whole(self, number: str) -> str:
        """Without decimal places."""
        return f"(trunc({number}) = {number})"

    def moment(self, text: str) -> str:
        """A literal moment."""
        return f"TIMESTAMP {quoted(text)}"

    def quick(self, kind: str, cell: str) -> tuple[str, str] | None:
        """Cells that read the same when written again; trimming blanks costs four times more."""
        if kind == "text":
            return f"{cell} BETWEEN '!' AND '~'", cell
        if kind == "boolean":
            # A CASE and no IN, which DuckDB turns into a join that every row goes through.
            words = "".join(f" WHEN {quoted(word)} THEN TRUE" for word in _TRUE)
            words += "".join(f" WHEN {quoted(word)} THEN FALSE" for word in _FALSE)
            made = f"CASE {cell}{words} END"
            return f"{made} IS NOT NULL", made
        if kind == "integer":
            made = f"TRY_CAST({cell} AS BIGINT)"
            return f"CAST({made} AS VARCHAR) = {cell}", f"CAST({made} AS DOUBLE)"
        made = f"TRY_CAST({cell} AS {'DOUBLE' if kind == 'number' else 'TIMESTAMP'})"
        if kind == "number":
            # Beyond what the strict way takes, the cast knows NaN, infinity and 1_000.
            return f"isfinite({made}) AND NOT contains({cell}, '_')", made
        sizes = "(10)" if kind == "date" else "(10, 16, 19)"
        same = f"starts_with(CAST({made} AS VARCHAR), {cell})"
        return f"strlen({cell}) IN {sizes} AND {same}", self.cast(made, kind)

    def trimmed_name(self, cell: str) -> str:
        """Text whose first and last signs are plain ones has no blanks around it."""
        plain = f"{cell} BETWEEN '!' AND '~' AND {cell}[-1] BETWEEN '!' AND '~'"
        return f"CASE WHEN {plain} THEN {cell} ELSE {self.trimmed(cell)} END"

    def period_start(self, moment: str, length: str) -> str:
        """First day of the period."""
        return f"CAST(date_trunc({quoted(length)}, {moment}) AS DATE)"

    def months_later(self, moment: str, months: int) -> str:
        """So many months later or earlier."""
        return f"({moment} + INTERVAL ({months}) MONTH)"

    def counted(self, condition: str) -> str:
        """How many rows of a group meet a condition; a third faster than a FILTER."""
        return f"CAST(coalesce(count_if({condition}), 0) AS BIGINT)"

    def outcomes(self, eligible: str, met: str) -> tuple[str, str, str]:
        """Three counts as the digits of one sum, which DuckDB works out once: twice as fast.

        Each has 31 bits, for two thousand million rows a group; the sum itself has 128.
        """
        digit = [1 << (_BITS * place) for place in range(3)]
        total = (
            f"coalesce(sum(CASE WHEN {eligible} THEN CASE {met} WHEN TRUE THEN {digit[0]} "
            f"WHEN FALSE THEN {digit[1]} ELSE {digit[2]} END END), 0)"
        )
        given, missed, unknown = (
            f"CAST(({total} >> {_BITS * place}) & {digit[1] - 1} AS BIGINT)" for place in range(3)
        )
        return given, missed, unknown

    def without_digits(self, text: str) -> str:
        """Every digit replaced by 9."""
        return f"regexp_replace(trim({self.as_text(text)}), '[0-9]', '9', 'g')"


DUCKDB = DuckDB()
