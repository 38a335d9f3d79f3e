"""The SQL of Spark, where it must be put otherwise than DuckDB's to mean the same."""

from __future__ import annotations

import re
from typing import ClassVar

from spcbench.errors import OptionError
from spcbench.measures.dialect import BLANKS, Dialect
from spcbench.measures.engine_text import Dialect as DialectName
from spcbench.measures.engine_text import column_name, moment_literal, text_literal

_NATIVES: dict[str, str] = {
    **dict.fromkeys(("string", "char", "varchar"), "text"),
    "boolean": "boolean",
    **dict.fromkeys(("tinyint", "smallint", "int", "bigint"), "integer"),
    **dict.fromkeys(("float", "double", "decimal"), "number"),
    "date": "date",
    "timestamp_ntz": "datetime",
    # As Spark shows it: most were made from local times, by the clocks of the session.
    "timestamp": "datetime",
    "void": "null",
}
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_CENTURY = 69
"""Years of two digits from here on are of the 1900s, as POSIX has it."""

_MARKS = {
    "d": "([0-9]{1,2}+)",
    "m": "([0-9]{1,2}+)",
    "Y": "([0-9]{1,4}+)",
    "y": "([0-9]{1,2}+)",
    "b": f"({'|'.join(one[:3] for one in _MONTHS)})",
    "B": f"({'|'.join(_MONTHS)})",
    "H": "([0-9]{1,2}+)",
    "M": "([0-9]{1,2}+)",
    "S": "([0-9]{1,2}+)",
}
"""What may stand for each mark of a date format, as DuckDB reads it."""


class Spark(Dialect):
    """Spark, whether its ANSI mode is on or off.

    The zone of the session matters for columns of the type TIMESTAMP only.
    """

    name: ClassVar[DialectName] = "spark"
    types: ClassVar = {
        "text": "STRING",
        "integer": "DOUBLE",
        "number": "DOUBLE",
        "boolean": "BOOLEAN",
        "date": "DATE",
        "datetime": "TIMESTAMP_NTZ",
    }

    def named(self, column: str) -> str:
        """A name as an identifier."""
        return column_name(column, "spark")

    def quoted(self, text: str) -> str:
        """A text as a literal."""
        return text_literal(text, "spark")

    def native(self, native_type: str) -> str:
        """What a column of that type holds."""
        head = native_type.lower().partition("(")[0]
        return _NATIVES.get(head, head)

    def as_text(self, cell: str) -> str:
        """Any value as text."""
        return f"CAST({cell} AS STRING)"

    def trimmed(self, cell: str) -> str:
        """Without the blanks around it; null where nothing is left."""
        return f"NULLIF(btrim(CAST({cell} AS STRING), {self.quoted(BLANKS)}), '')"

    def matches(self, text: str, pattern: str) -> str:
        r"""Whether the whole text matches; ``$`` would let a line end, and ``.`` stop at five."""
        whole = rf"(?d)\A(?:{pattern})\z"
        return f"({text} RLIKE {self.quoted(whole)})"

    def try_cast(self, text: str, kind: str) -> str:
        """Null where it cannot be one."""
        return f"TRY_CAST({text} AS {self.types[kind]})"

    def parsed(self, text: str, date_format: str, zone: str) -> str:
        """A moment written in a format, taken apart by one pattern.

        Spark's own formats are others, and read a time as one of the session's zone.

        Raises
        ------
        OptionError
            If the format has a mark that is not known here.
        """
        del zone
        pattern, marks = _pattern(date_format)
        literal = self.quoted(pattern)

        def part(*wanted: str) -> str:
            at = next((marks.index(one) for one in wanted if one in marks), None)
            return "'0'" if at is None else f"regexp_extract({text}, {literal}, {at + 1})"

        year = f"TRY_CAST({part('Y', 'y')} AS INT)"
        if "Y" not in marks:
            year = f"({year} + CASE WHEN {year} < {_CENTURY} THEN 2000 ELSE 1900 END)"
        month = f"TRY_CAST({part('m')} AS INT)"
        if "m" not in marks:
            letters = f"lower(substr({part('b', 'B')}, 1, 3))"
            names = ",".join(one[:3] for one in _MONTHS)
            month = f"find_in_set({letters}, '{names}')"
        clock = ", ".join(f"TRY_CAST({part(one)} AS INT)" for one in ("H", "M"))
        seconds = f"TRY_CAST({part('S')} AS DECIMAL(8, 6))"
        # A second of 60 would be the next minute here and nothing in DuckDB.
        return (
            f"CASE WHEN {text} RLIKE {literal} AND {seconds} < 60 THEN try_make_timestamp_ntz("
            f"{year}, {month}, TRY_CAST({part('d')} AS INT), {clock}, {seconds}) END"
        )

    def wall_clock(self, moment: str, zone: str) -> str:
        """What clocks in a zone show, by the number of microseconds they are past 1970."""
        shifted = f"unix_micros(from_utc_timestamp({moment}, {self.quoted(zone)}))"
        start = moment_literal("1970-01-01 00:00:00", "spark")
        return f"({start} + {shifted} * INTERVAL '0.000001' SECOND)"

    def taken(self, cell: str, native_type: str) -> str:
        """Single precision by its shortest decimals."""
        if native_type.lower() == "float":
            return f"CAST(CAST({cell} AS STRING) AS DOUBLE)"
        return cell

    def zoned(self, text: str, zone: str) -> str:
        """What clocks in a zone show at a moment written with its distance from UTC."""
        # Spark wants seconds where there is a zone.
        seconds = f"{self.quoted('^(.{10}[ T][0-9:]{5})([Z+-])')}, {self.quoted('$1:00$2')}"
        return self.wall_clock(
            f"TRY_CAST(regexp_replace({text}, {seconds}) AS TIMESTAMP_LTZ)", zone
        )

    def finite(self, value: str) -> str:
        """Neither NaN nor infinite."""
        if value.startswith("`"):
            # A column, perhaps of dates, which abs does not take; asked only where it has no value.
            return f"({self.as_text(value)} NOT IN ('NaN', 'Infinity', '-Infinity'))"
        return f"(abs({value}) < CAST('Infinity' AS DOUBLE))"  # NaN is the largest here

    def whole(self, number: str) -> str:
        """Without decimal places."""
        return f"({number} % CAST(1 AS DOUBLE) = 0)"

    def moment(self, text: str) -> str:
        """A literal moment."""
        return moment_literal(f"{text} 00:00:00", "spark")

    def period_start(self, moment: str, length: str) -> str:
        """First day of the period."""
        day = self.cast(moment, "date")
        return day if length == "day" else f"trunc({day}, '{length.upper()}')"

    def months_later(self, moment: str, months: int) -> str:
        """So many months later or earlier; of a moment its day is enough here."""
        return f"add_months({self.cast(moment, 'date')}, {months})"

    def without_digits(self, text: str) -> str:
        """Every digit replaced by 9."""
        return f"regexp_replace(trim({self.as_text(text)}), '[0-9]', '9')"


SPARK = Spark()


def _pattern(date_format: str) -> tuple[str, list[str]]:
    """A regular expression for a date format, and the mark of each of its groups."""
    made, marks = [], []
    for mark, other in re.findall(r"%-?([A-Za-z%])|([^%]+)", date_format):
        if mark == "%":
            made.append("%")
        elif mark:
            if mark not in _MARKS:
                raise OptionError(
                    f"date_format {date_format!r}: %{mark} is not known on Spark; known are "
                    f"{', '.join('%' + one for one in _MARKS)}"
                )
            made.append(_MARKS[mark])
            marks.append(mark)
        else:
            made += [r"\s+" if one.isspace() else re.escape(one) for one in other]
    return rf"(?di)\A{''.join(made)}\z", marks
