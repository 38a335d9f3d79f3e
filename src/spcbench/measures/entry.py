"""How a cell enters: converted by its declared type, or set aside with a reason.

Nothing is guessed. Text is converted strictly; NaN, infinity and blank text
are missing values on every road in.
"""

from __future__ import annotations

from dataclasses import dataclass

from spcbench.errors import InputError, OptionError
from spcbench.measures.dialect import Dialect
from spcbench.measures.measure import Field

EXACT = 2**53 - 1
"""Beyond this, whole numbers are not told apart: long identifiers are text."""

YEARS = (1900, 2100)
"""A date outside is a slip of the pen, such as 0024 for 2024."""

ZONE = "Europe/London"
"""Whose clocks a moment with a time zone is told by."""

_NUMBER = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
_WHOLE = r"[+-]?[0-9]+(\.0*)?"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?"
_DATE = _DAY + r"([ T]00:00(:00(\.0+)?)?)?"
_MOMENT = _DAY + r"([ T]" + _CLOCK + ")?"
_ZONED = _DAY + "[ T]" + _CLOCK + r"(Z|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)"
_OTHER_ORDER = (
    r"([0-9]{1,2}[ /.-]([0-9]{1,2}|[A-Za-z]{3,9})[ /.-]([0-9]{4}|[0-9]{2})"
    r"|[0-9]{4}[/.][0-9]{1,2}[/.][0-9]{1,2})([ T].*)?"
)
_NOT_A_NUMBER = r"nan|[+-]?inf(inity)?"
_TRUE = r"true|yes|y|1(\.0*)?"
_FALSE = r"false|no|n|0(\.0*)?"
# Patterns and no IN: DuckDB makes a join of a long IN, which it works out for every row.
_ACCEPTED: dict[str, tuple[str, ...]] = {
    "text": ("text", "integer"),
    "boolean": ("text", "boolean", "integer", "number"),
    "integer": ("text", "integer", "number"),
    "number": ("text", "integer", "number"),
    "date": ("text", "date", "datetime", "zoned"),
    "datetime": ("text", "date", "datetime", "zoned"),
}
_FITTING = {
    ("boolean", "boolean"),
    ("integer", "integer"),
    ("number", "integer"),
    ("number", "number"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The SQL that takes in one column, in two steps.

    Parameters
    ----------
    value : str
        The converted value, from the column; null where missing or wrong. Of a
        date, `plausible` is still to be asked in a step of its own, so that
        the conversion is worked out once.
    problems : tuple of (str, str)
        Code of a problem and the condition under which a cell has it, from
        the cell as it was kept and the value as it was named.
    value_class : str
        What the kept cell holds, in one word that betrays nothing.
    other_order : str
        The condition under which a date is written in another order, or "".
    """

    value: str
    problems: tuple[tuple[str, str], ...]
    value_class: str
    other_order: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How cells are to be read: what every column of a count shares.

    Parameters
    ----------
    dialect : Dialect
        The engine.
    source : str
        For messages.
    zone : str
        Whose clocks moments with a time zone are told by.
    """

    dialect: Dialect
    source: str
    zone: str = ZONE


def entry(
    field: Field, native_type: str, way: Way, *, value: str, cell: str, date_format: str | None
) -> Entry:
    """How one column enters.

    Parameters
    ----------
    field : Field
        What the pack declares.
    native_type : str
        The engine's type of the column.
    way : Way
        How cells are to be read.
    value, cell : str
        What the next step calls the converted value and the cell as it was.
    date_format : str, optional
        How text dates are written; None is ISO.

    Returns
    -------
    Entry
        Its value is SQL on the column's own name, its problems on `value` and `cell`.

    Raises
    ------
    InputError
        If the column's type cannot hold such a field.
    """
    native = way.dialect.native(native_type)
    if native == "null":
        return Entry(
            value=way.dialect.value_of_null(field.type),
            problems=(("missing", "TRUE"),) if field.required else (),
            value_class="'blank'",
        )
    if native not in _ACCEPTED[field.type]:
        raise InputError(
            f"{way.source}, column {field.name!r}: holds {native_type.lower()} values, but the "
            f"field is declared as {field.type}"
        )
    own = way.dialect.named(field.name)
    made, kept = way.dialect.named(value), way.dialect.named(cell)
    if native == "text":
        taken = _from_text(field.type, own, way, date_format)
        there = _text_is_there(field.type, kept, made, way.dialect)
    else:
        taken = _from_native(field.type, native, way.dialect.taken(own, native_type), way)
        there = _native_is_there(native, way.dialect.taken(kept, native_type), way.dialect)
    dated = native == "text" and field.type in ("date", "datetime") and date_format is None
    return Entry(
        value=taken,
        problems=_problems(field, native, made, there, way.dialect),
        value_class=_value_class(native, kept, way.dialect),
        other_order=_other_order(made, kept, way.dialect) if dated else "",
    )


def limits_of(field: Field, made: str, dialect: Dialect) -> tuple[tuple[str, str], ...]:
    """The range and the list of values that a field declares, as problems of a value."""
    problems = []
    low, high = field.range or (-EXACT, EXACT)
    if field.range is not None or field.type == "integer":
        problems.append(("out_of_range", f"{made} NOT BETWEEN {low!r} AND {high!r}"))
    if field.values:
        problems.append(("unlisted_value", f"{made} NOT IN ({dialect.listed(field.values)})"))
    return tuple(problems)


def _problems(
    field: Field, native: str, made: str, there: str, dialect: Dialect
) -> tuple[tuple[str, str], ...]:
    problems = []
    if not _always_fits(field.type, native):
        # As a CASE, so that the engine looks closer only at the few cells without a value.
        problems.append(("wrong_type", f"CASE WHEN {made} IS NULL THEN {there} ELSE FALSE END"))
    problems += limits_of(field, made, dialect)
    if field.required:
        problems.append(("missing", f"CASE WHEN {made} IS NULL THEN NOT {there} ELSE FALSE END"))
    return tuple(problems)


def _always_fits(kind: str, native: str) -> bool:
    """Whether every value of a native type converts; NaN and infinity are missing, not wrong."""
    return (kind, native) in _FITTING or kind == "text"


# -- columns that have a type already ------------------------------------------------------


def _from_native(kind: str, native: str, cell: str, way: Way) -> str:
    dialect = way.dialect
    if native in ("date", "datetime", "zoned"):
        local = dialect.wall_clock(cell, way.zone) if native == "zoned" else cell
        made = dialect.cast(local, kind)
        # A day with a time is no day, as in a file of text.
        return f"CASE WHEN {local} = {made} THEN {made} END" if kind == "date" else made
    if native == "boolean" or kind == "text":
        return cell if native == "boolean" else dialect.as_text(cell)
    number = dialect.cast(cell, "number")
    if kind == "boolean":
        return f"CASE {number} WHEN 1 THEN TRUE WHEN 0 THEN FALSE END"
    if native == "integer":
        return number
    fits = dialect.finite(number)
    if kind == "integer":
        fits = f"{fits} AND {dialect.whole(number)}"
    return f"CASE WHEN {fits} THEN {number} END"


def _native_is_there(native: str, cell: str, dialect: Dialect) -> str:
    there = f"{cell} IS NOT NULL"
    if native == "number":
        number = dialect.cast(cell, "number")
        there = f"coalesce({dialect.finite(number)}, FALSE)"
    elif native in ("date", "datetime", "zoned"):
        there = f"coalesce({dialect.finite(cell)}, FALSE)"
    return f"({there})"


# -- columns of text -----------------------------------------------------------------------


def _from_text(kind: str, cell: str, way: Way, date_format: str | None) -> str:
    strict = _strictly(kind, cell, way, date_format)
    quick = way.dialect.quick(kind, cell) if date_format is None else None
    # A CASE and no COALESCE: engines work out every argument of that, for every row.
    first = "" if quick is None else f"WHEN {quick[0]} THEN {quick[1]} "
    return f"CASE {first}WHEN {cell} <> '' THEN {strict} END"


def _strictly(kind: str, cell: str, way: Way, date_format: str | None) -> str:
    """Every cell that is written as it should be; null for any other."""
    dialect = way.dialect
    text = dialect.trimmed(cell)
    if kind == "text":  # blanks around a text are part of it; a cell of nothing else is missing
        return f"CASE WHEN {text} IS NOT NULL THEN {cell} END"
    if kind == "boolean":
        low = f"lower({text})"
        true, false = dialect.matches(low, _TRUE), dialect.matches(low, _FALSE)
        return f"CASE WHEN {true} THEN TRUE WHEN {false} THEN FALSE END"
    if kind in ("integer", "number"):
        number = dialect.try_cast(text, "number")
        shape = dialect.matches(text, _WHOLE if kind == "integer" else _NUMBER)
        return f"CASE WHEN {shape} AND {dialect.finite(number)} THEN {number} END"
    if date_format is not None:
        return dialect.cast(dialect.parsed(text, date_format, way.zone), kind)
    zoned = dialect.zoned(text, way.zone)
    if kind == "date":
        plain = dialect.try_cast(f"substr({text}, 1, 10)", "date")
        local = dialect.cast(zoned, "date")
        # A day written as a moment is a midnight on the clocks of the zone.
        return (
            f"CASE WHEN {dialect.matches(text, _DATE)} THEN {plain} "
            f"WHEN {dialect.matches(text, _ZONED)} AND {zoned} = {local} THEN {local} END"
        )
    return (
        f"CASE WHEN {dialect.matches(text, _MOMENT)} THEN {dialect.try_cast(text, 'datetime')} "
        f"WHEN {dialect.matches(text, _ZONED)} THEN {zoned} END"
    )


def _text_is_there(kind: str, cell: str, made: str, dialect: Dialect) -> str:
    """Whether a cell holds something; asked only where it has no value."""
    if kind == "text":
        return f"({made} IS NOT NULL)"
    text = dialect.trimmed(cell)
    there = f"{text} IS NOT NULL"
    if kind in ("integer", "number"):
        there = f"{there} AND NOT {dialect.matches(f'lower({text})', _NOT_A_NUMBER)}"
    return f"coalesce(CASE WHEN {cell} <> '' THEN {there} END, FALSE)"


def _other_order(made: str, cell: str, dialect: Dialect) -> str:
    shape = dialect.matches(dialect.trimmed(cell), _OTHER_ORDER)
    return f"CASE WHEN {made} IS NULL AND {cell} <> '' THEN coalesce({shape}, FALSE) ELSE FALSE END"


def plausible(made: str, dialect: Dialect) -> str:
    """A moment, or null where its year is a slip of the pen or it is infinite."""
    low, high = dialect.moment(f"{YEARS[0]}-01-01"), dialect.moment(f"{YEARS[1] + 1}-01-01")
    return f"CASE WHEN {made} >= {low} AND {made} < {high} THEN {made} END"


def _value_class(native: str, cell: str, dialect: Dialect) -> str:
    if native != "text":
        word = "datetime" if native == "zoned" else native
        return f"CASE WHEN {cell} IS NULL THEN 'blank' ELSE {dialect.quoted(word)} END"
    text = dialect.trimmed(cell)
    dates = " OR ".join(
        dialect.matches(text, pattern) for pattern in (_MOMENT, _ZONED, _OTHER_ORDER)
    )
    return (
        f"CASE WHEN {text} IS NULL THEN 'blank' WHEN {dialect.matches(text, _NUMBER)} "
        f"THEN 'number' WHEN {dates} THEN 'date' ELSE 'text' END"
    )


# -- how cells are said to be written ------------------------------------------------------


def check_format(date_format: str) -> None:
    """Refuse a format that leaves the day, month or year open, or that is none.

    Raises
    ------
    OptionError
        If it is incomplete.
    """
    import duckdb

    needed = (("%d", "%-d", "%j"), ("%m", "%-m", "%b", "%B", "%j"), ("%Y", "%y"))
    try:
        with duckdb.connect() as connection:
            connection.execute("SELECT try_strptime('', ?)", [date_format])
        complete = all(any(mark in date_format for mark in marks) for marks in needed)
    except duckdb.Error:
        complete = False
    if not complete:
        raise OptionError(
            f"date_format {date_format!r} must say where day, month and year stand, "
            "such as '%d/%m/%Y'"
        )


def check_zone(time_zone: str) -> None:
    """Refuse a time zone that does not exist.

    Raises
    ------
    OptionError
        If there is none of that name.
    """
    if time_zone == ZONE:
        return
    import duckdb

    try:
        with duckdb.connect() as connection:
            connection.execute(
                "SELECT timezone(?, TIMESTAMPTZ '2024-01-01 00:00:00Z')", [time_zone]
            )
    except duckdb.Error:
        raise OptionError(
            f"there is no time zone {time_zone!r}; expected a name such as 'Europe/London'"
        ) from None
