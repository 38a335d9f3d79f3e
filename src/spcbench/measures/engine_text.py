"""How the pieces of an expression are written for an engine, one meaning on each.

Where an engine's own word differs in meaning from the other's, the difference
is settled here: each function says which trap it avoids.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

Dialect = Literal["duckdb", "spark"]

PLACES_MAX = 10
"""Decimal places that ROUND may keep: DECIMAL(38, 10) still holds 28 digits before them."""

_BLANKS = " \t\r\n\u00a0"
_TIMESTAMP = {"duckdb": "TIMESTAMP", "spark": "TIMESTAMP_NTZ"}
_PRIVATE = 0x10F000
"""Start of the private characters that stand in while Spark changes the case of others."""


def text_literal(text: str, dialect: Dialect) -> str:
    """A text as a literal.

    Spark replaces ``${…}`` anywhere in a query by settings and environment
    variables, and reads backslashes; so what is not plain goes as bytes.

    Examples
    --------
    >>> text_literal("it's", "duckdb")
    "'it''s'"
    >>> text_literal("${env:HOME}", "spark")
    "CAST(X'247b656e763a484f4d457d' AS STRING)"
    """
    if dialect == "duckdb":
        return "'" + text.replace("'", "''") + "'"
    if text.isascii() and text.isprintable() and not set(text) & set("'\\$"):
        return f"'{text}'"
    return f"CAST(X'{text.encode().hex()}' AS STRING)"


def number_literal(number: float) -> str:
    """A finite number as a literal that is read as exactly that double.

    Without an exponent both engines would read a decimal, and might round twice.

    Examples
    --------
    >>> number_literal(36.5)
    'CAST(36.5e0 AS DOUBLE)'
    """
    digits = repr(number)
    return f"CAST({digits if 'e' in digits else digits + 'e0'} AS DOUBLE)"


def column_name(name: str, dialect: Dialect) -> str:
    """A name as an identifier.

    Examples
    --------
    >>> column_name("ga_days", "spark")
    '`ga_days`'
    """
    mark = '"' if dialect == "duckdb" else "`"
    return mark + name.replace(mark, mark * 2) + mark


def moment_literal(moment: str, dialect: Dialect) -> str:
    """A moment as a literal without a time zone.

    Examples
    --------
    >>> moment_literal("2024-04-01 09:30:00", "spark")
    "TIMESTAMP_NTZ '2024-04-01 09:30:00'"
    """
    return f"{_TIMESTAMP[dialect]} '{moment}'"


def as_moment(sql: str, dialect: Dialect) -> str:
    """A date as the midnight it starts with.

    Examples
    --------
    >>> as_moment("d", "duckdb")
    'CAST(d AS TIMESTAMP)'
    """
    return f"CAST({sql} AS {_TIMESTAMP[dialect]})"


def elapsed(unit: str, start: str, end: str, dialect: Dialect) -> str:
    """Whole units from one moment to another.

    DuckDB's date_diff would count the boundaries crossed, not the time elapsed;
    Spark's timestampdiff would change the clocks in the time zone of its session.

    Examples
    --------
    >>> elapsed("hour", "a", "b", "duckdb")
    "CAST(date_sub('hour', a, b) AS DOUBLE)"
    """
    if dialect == "duckdb":
        return f"CAST(date_sub('{unit}', {start}, {end}) AS DOUBLE)"
    whole = f"CAST(({end} - {start}) AS INTERVAL {unit.upper()})"
    return f"CAST(CAST({whole} AS BIGINT) AS DOUBLE)"


def part_of_date(part: str, sql: str, dialect: Dialect) -> str:
    """A part of a date as a number; the weekday from 1, Monday, to 7.

    The engines' own ``dayofweek`` start on Sunday, DuckDB's from 0 and Spark's from 1.

    Examples
    --------
    >>> part_of_date("weekday", "d", "spark")
    'CAST(weekday(d) + 1 AS DOUBLE)'
    """
    if part == "weekday":
        inner = f"isodow({sql})" if dialect == "duckdb" else f"weekday({sql}) + 1"
    else:
        inner = f"{part}({sql})"
    return f"CAST({inner} AS DOUBLE)"


def rounded(sql: str, places: int, dialect: Dialect) -> str:
    """A number rounded on decimals, halves away from zero.

    On the shortest decimals that give the double back: DuckDB's own way from
    double to decimal and back multiplies, and is wrong from the 17th digit on.

    Examples
    --------
    >>> rounded("n", 1, "spark")
    'CAST(ROUND(TRY_CAST(n AS DECIMAL(38, 10)), 1) AS DOUBLE)'
    """
    decimal = f"DECIMAL(38, {PLACES_MAX})"
    if dialect == "duckdb":
        exact = f"ROUND(TRY_CAST(CAST({sql} AS VARCHAR) AS {decimal}), {places})"
        return f"CAST(CAST({exact} AS VARCHAR) AS DOUBLE)"
    return f"CAST(ROUND(TRY_CAST({sql} AS {decimal}), {places}) AS DOUBLE)"


def trimmed(sql: str, dialect: Dialect) -> str:
    """A text without the blanks, tabs and ends of lines around it.

    Without their list, DuckDB would take every space that Unicode knows and Spark one.
    """
    word = "trim" if dialect == "duckdb" else "btrim"
    return f"{word}({sql}, {text_literal(_BLANKS, dialect)})"


def lowered(sql: str, dialect: Dialect) -> str:
    """A text in small letters, each letter by itself.

    Spark would make two letters of ``İ``, and another sigma at the end of a word.

    Examples
    --------
    >>> lowered("t", "duckdb")
    'lower(t)'
    """
    if dialect == "duckdb":
        return f"lower({sql})"
    pairs = text_literal("\u0130\u03a3", dialect), text_literal("i\u03c3", dialect)
    return f"lower(translate({sql}, {pairs[0]}, {pairs[1]}))"


def uppered(sql: str, dialect: Dialect) -> str:
    """A text in capitals, each letter by itself.

    Spark would write SS for ``ß`` and FI for ``ﬁ``; such letters step aside meanwhile.

    Examples
    --------
    >>> uppered("t", "duckdb")
    'upper(t)'
    """
    if dialect == "duckdb":
        return f"upper({sql})"
    several, aside, capitals = (text_literal(part, dialect) for part in _several())
    return f"translate(upper(translate({sql}, {several}, {aside})), {aside}, {capitals})"


@cache
def _several() -> tuple[str, str, str]:
    """Letters with a capital of several letters, private stand-ins, and single capitals."""
    several = [chr(code) for code in range(0x80, 0x10000) if len(chr(code).upper()) > 1]
    aside = "".join(chr(_PRIVATE + place) for place in range(len(several)))
    capitals = [letter.title() if len(letter.title()) == 1 else letter for letter in several]
    return "".join(several), aside, "".join(capitals).replace("\u00df", "\u1e9e")
