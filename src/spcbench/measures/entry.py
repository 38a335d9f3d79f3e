"""How a cell enters: converted by its declared type, or set aside with a reason.

Nothing is guessed. Text is converted strictly; NaN, infinity and blank text
are missing values on every road in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from spcbench.errors import InputError
from spcbench.measures.measure import Field
from spcbench.measures.records_sql import named, quoted

Native = Literal["text", "boolean", "integer", "number", "date", "datetime", "null"]

YEARS = (1900, 2100)
"""A date outside is a slip of the pen, such as 0024 for 2024."""

_NUMBER = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
_WHOLE = r"[+-]?[0-9]+(\.0*)?"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_DATE = _DAY + r"([ T]00:00(:00(\.0+)?)?)?"
_MOMENT = _DAY + r"([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?)?"
_OTHER_ORDER = (
    r"([0-9]{1,2}[ /.-]([0-9]{1,2}|[A-Za-z]{3,9})[ /.-]([0-9]{4}|[0-9]{2})"
    r"|[0-9]{4}[/.][0-9]{1,2}[/.][0-9]{1,2})([ T].*)?"
)
_NOT_A_NUMBER = "('nan', 'inf', '+inf', '-inf', 'infinity', '+infinity', '-infinity')"
_TRUE = "('true', 'yes', 'y', '1')"
_FALSE = "('false', 'no', 'n', '0')"
_ACCEPTED: dict[str, tuple[Native, ...]] = {
    "text": ("text", "integer"),
    "boolean": ("text", "boolean", "integer", "number"),
    "integer": ("text", "integer", "number"),
    "number": ("text", "integer", "number"),
    "date": ("text", "date", "datetime"),
    "datetime": ("text", "date", "datetime"),
}

_NATIVES: dict[str, Native] = {
    **dict.fromkeys(("VARCHAR", "ENUM", "JSON", "UUID"), "text"),
    "BOOLEAN": "boolean",
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"), "integer"),
    **dict.fromkeys(("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"), "integer"),
    **dict.fromkeys(("FLOAT", "DOUBLE", "DECIMAL"), "number"),
    "DATE": "date",
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"), "datetime"),
    "NULL": "null",
}
_ENGINE_TYPE = {
    "text": "VARCHAR",
    "integer": "DOUBLE",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "datetime": "TIMESTAMP",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The SQL that takes in one column.

    Parameters
    ----------
    value : str
        The converted value; null where missing or wrong.
    problems : tuple of (str, str)
        Code of a problem and the condition under which a cell has it.
    value_class : str
        What the cell holds, in one word that betrays nothing.
    other_order : str
        The condition under which a date is written in another order, or "".
    """

    value: str
    problems: tuple[tuple[str, str], ...]
    value_class: str
    other_order: str = ""


def entry(field: Field, native_type: str, *, source: str, date_format: str | None = None) -> Entry:
    """How one column enters.

    Parameters
    ----------
    field : Field
        What the pack declares.
    native_type : str
        DuckDB's type of the column.
    source : str
        For messages.
    date_format : str, optional
        How text dates are written; None is ISO.

    Returns
    -------
    Entry
        SQL on the column's own name.

    Raises
    ------
    InputError
        If the column's type cannot hold such a field.
    """
    native = _native(native_type)
    cell = named(field.name)
    if native == "null":
        value = f"CAST(NULL AS {_ENGINE_TYPE[field.type]})"
        return Entry(
            value=value,
            problems=(("missing", "TRUE"),) if field.required else (),
            value_class="'blank'",
        )
    if native not in _ACCEPTED[field.type]:
        hint = (
            "; convert it to local time without a time zone first"
            if "TIME ZONE" in native_type
            else ""
        )
        raise InputError(
            f"{source}, column {field.name!r}: holds {native_type.lower()} values, but the "
            f"field is declared as {field.type}{hint}"
        )
    present, value = _conversion(field.type, native, cell, date_format)
    problems = [("wrong_type", f"{present} AND {value} IS NULL")]
    if field.range is not None:
        low, high = field.range
        problems.append(("out_of_range", f"{value} NOT BETWEEN {low!r} AND {high!r}"))
    if field.values:
        listed = ", ".join(
            quoted(choice) if isinstance(choice, str) else str(choice) for choice in field.values
        )
        problems.append(("unlisted_value", f"{value} NOT IN ({listed})"))
    if field.required:
        problems.append(("missing", f"NOT {present}"))
    dated = native == "text" and field.type in ("date", "datetime")
    return Entry(
        value=value,
        problems=tuple(problems),
        value_class=_value_class(native, cell),
        other_order=f"{present} AND {value} IS NULL AND {_matches(trimmed(cell), _OTHER_ORDER)}"
        if dated and date_format is None
        else "",
    )


def _native(native_type: str) -> str:
    """The kind of thing a DuckDB type holds; the type itself where it is none of them."""
    head = native_type.upper().split("(", maxsplit=1)[0].strip('"')
    return _NATIVES.get(head, head)


def _conversion(kind: str, native: str, cell: str, date_format: str | None) -> tuple[str, str]:
    """When a cell holds something, and what it converts to (null where it cannot)."""
    if native == "text":
        return _from_text(kind, cell, date_format)
    present = f"({cell} IS NOT NULL)"
    if native in ("date", "datetime"):
        present = f"({cell} IS NOT NULL AND isfinite({cell}))"
        return present, _plausible(f"CAST({cell} AS {_ENGINE_TYPE[kind]})", present)
    if native == "boolean":
        return present, cell
    if native == "number":
        present = f"({cell} IS NOT NULL AND isfinite(CAST({cell} AS DOUBLE)))"
    if kind == "text":
        return present, f"CAST({cell} AS VARCHAR)"
    return present, _from_number(kind, f"CASE WHEN {present} THEN CAST({cell} AS DOUBLE) END")


def _from_number(kind: str, number: str) -> str:
    if kind == "boolean":
        return f"CASE {number} WHEN 1 THEN TRUE WHEN 0 THEN FALSE END"
    if kind == "integer":
        return f"CASE WHEN trunc({number}) = {number} THEN {number} END"
    return f"({number})"


def _from_text(kind: str, cell: str, date_format: str | None) -> tuple[str, str]:
    text = trimmed(cell)
    present = f"({text} IS NOT NULL)"
    if kind == "text":
        return present, f"CASE WHEN {present} THEN CAST({cell} AS VARCHAR) END"
    if kind == "boolean":
        low = f"lower({text})"
        return present, (
            f"CASE WHEN {low} IN {_TRUE} THEN TRUE WHEN {low} IN {_FALSE} THEN FALSE END"
        )
    if kind in ("integer", "number"):
        present = f"({text} IS NOT NULL AND lower({text}) NOT IN {_NOT_A_NUMBER})"
        number = f"TRY_CAST({text} AS DOUBLE)"
        shape = _matches(text, _WHOLE if kind == "integer" else _NUMBER)
        return present, f"CASE WHEN {shape} AND isfinite({number}) THEN {number} END"
    if date_format is not None:
        moment = f"try_strptime({text}, {quoted(date_format)})"
        made = moment if kind == "datetime" else f"CAST({moment} AS DATE)"
        return present, _plausible(made, present)
    if kind == "date":
        made = f"TRY_CAST(substr({text}, 1, 10) AS DATE)"
        return present, _plausible(made, _matches(text, _DATE))
    return present, _plausible(f"TRY_CAST({text} AS TIMESTAMP)", _matches(text, _MOMENT))


def trimmed(cell: str) -> str:
    """A cell without the blanks around it; null where nothing is left."""
    return f"NULLIF(trim(CAST({cell} AS VARCHAR), ' \t\r\n\u00a0'), '')"


def _matches(text: str, pattern: str) -> str:
    return f"regexp_full_match({text}, {quoted(pattern)})"


def _plausible(made: str, condition: str) -> str:
    return (
        f"CASE WHEN {condition} AND year({made}) BETWEEN {YEARS[0]} AND {YEARS[1]} THEN {made} END"
    )


def _value_class(native: str, cell: str) -> str:
    if native != "text":
        return f"CASE WHEN {cell} IS NULL THEN 'blank' ELSE {quoted(native)} END"
    text = trimmed(cell)
    return (
        f"CASE WHEN {text} IS NULL THEN 'blank' WHEN {_matches(text, _NUMBER)} THEN 'number' "
        f"WHEN {_matches(text, _MOMENT)} OR {_matches(text, _OTHER_ORDER)} THEN 'date' "
        "ELSE 'text' END"
    )
