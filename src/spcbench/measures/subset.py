"""The SQL a measure may use: what each permitted piece means, and how it is written.

A strict walk over a parsed expression. Every piece is checked for the kind of
thing it is (a number, a text, a truth) and written for the engine in the same
step, so what was checked is what runs. A piece without a method here, or with
an attribute its method does not expect, is refused.

Engines hold numbers as DOUBLE when an expression is computed: arithmetic then
never overflows into an error and division never drops the remainder.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from spcbench.errors import suggest
from spcbench.measures import engine_text
from spcbench.measures.engine_text import PLACES_MAX, Dialect
from spcbench.measures.refusals import SPOKEN, Node, Refused, shortened, spoken

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Kind = Literal["boolean", "number", "text", "date", "datetime", "null", "any"]
"""What a piece of an expression is; ``any`` is a column whose type is not known yet."""

FUNCTIONS = (
    "ABS",
    "COALESCE",
    "DAY",
    "DAYS_BETWEEN",
    "GREATEST",
    "HOUR",
    "HOURS_BETWEEN",
    "LEAST",
    "LOWER",
    "MINUTE",
    "MINUTES_BETWEEN",
    "MONTH",
    "QUARTER",
    "ROUND",
    "TRIM",
    "UPPER",
    "WEEKDAY",
    "YEAR",
)
KIND_OF_TYPE: Mapping[str, Kind] = {
    "text": "text",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "date": "date",
    "datetime": "datetime",
}

_COMPARE = {"eq": "=", "neq": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_ARITHMETIC = {"add": "+", "sub": "-", "mul": "*", "div": "/", "mod": "%"}
_BETWEEN_UNITS = {
    "MINUTES_BETWEEN": "minute",
    "HOURS_BETWEEN": "hour",
    "DAYS_BETWEEN": "day",
}
_NUMBER = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.ASCII | re.IGNORECASE)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-2][0-9]:[0-9]{2}(:[0-9]{2})?)?")
_MODIFIERS = {"safe", "typed", "coalesce", "ignore_nulls"}
"""Marks that sqlglot sets by itself; how they differ between engines is settled here."""


@dataclass(frozen=True, slots=True)
class Term:
    """A checked piece: its kind, and its text for the engine."""

    kind: Kind
    sql: str


@dataclass(slots=True)
class Walk:
    """One walk over one expression.

    Parameters
    ----------
    kinds : mapping of str to Kind, optional
        The declared columns; None before they are known, when every column
        passes as ``any``.
    dialect : str
        The engine that will run the text.
    prefix : str
        Put before the name of every column.
    columns : set of str
        The columns met on the way.
    """

    kinds: Mapping[str, Kind] | None
    dialect: Dialect = "duckdb"
    prefix: str = ""
    columns: set[str] = field(default_factory=set)

    def condition(self, node: Node) -> str:
        """The text of a piece that must be true or false."""
        return self._of(node, "boolean").sql

    def term(self, node: Node) -> Term:
        """Check one piece and everything below it."""
        write = _WRITERS.get(node.key)
        if write is None:
            raise Refused(f"{spoken(node)} is not part of the SQL a measure may use", node)
        return write(self, node)

    def _of(self, node: Node, kind: Kind) -> Term:
        term = self.term(node)
        if term.kind not in (kind, "any") and not (kind == "datetime" and term.kind == "date"):
            raise Refused(f"expected {SPOKEN[kind]}, this is {SPOKEN[term.kind]}", node)
        return term

    def _moment(self, node: Node) -> str:
        return engine_text.as_moment(self._of(node, "datetime").sql, self.dialect)

    def _alike(self, nodes: Sequence[Node], *, null: bool = False) -> list[Term]:
        """Pieces that must be of one kind; a date beside a date-time becomes midnight."""
        terms = [self.term(node) for node in nodes]
        whole = nodes[-1].parent  # of a CASE's branches the first hangs lower
        kinds = {term.kind for term in terms} - {"any"}
        if null:
            kinds -= {"null"}
        elif "null" in kinds:
            raise Refused("a comparison with NULL is never true; write IS NULL", whole)
        if kinds == {"date", "datetime"}:
            return [
                Term("datetime", engine_text.as_moment(term.sql, self.dialect))
                if term.kind == "date"
                else term
                for term in terms
            ]
        if len(kinds) > 1:
            both = " and ".join(sorted(SPOKEN[kind] for kind in kinds))
            raise Refused(f"{both} cannot stand together", whole)
        return terms

    # -- columns and literals ------------------------------------------------

    def _column(self, node: Node) -> Term:
        _only(node, "this")
        name = node.name
        if node.this.key != "identifier":
            raise Refused(f"{spoken(node.this)} is not part of the SQL a measure may use", node)
        if self.kinds is not None and name not in self.kinds:
            near = suggest(name[:60], self.kinds)
            raise Refused(f"there is no field {shortened(name)!r}; {near}", node)
        if "${" in name:
            # Spark would put a setting or an environment variable in its place.
            raise Refused("the name of a field may not hold ${", node)
        self.columns.add(name)
        kind: Kind = "any" if self.kinds is None else self.kinds[name]
        return Term(kind, engine_text.column_name(self.prefix + name, self.dialect))

    def _literal(self, node: Node) -> Term:
        _only(node, "this", "is_string")
        if not node.args.get("is_string"):
            return _number(node)
        return Term("text", engine_text.text_literal(node.name, self.dialect))

    def _boolean(self, node: Node) -> Term:
        return Term("boolean", "TRUE" if node.this else "FALSE")

    def _null(self, node: Node) -> Term:
        _only(node)
        return Term("null", "NULL")

    def _dated(self, node: Node) -> Term:
        """DATE '…' and TIMESTAMP '…', which the parser shows as casts of a literal."""
        _only(node, "this", "to")
        target = getattr(node.args["to"].this, "name", "")
        if node.this.key != "literal" or not node.this.args.get("is_string"):
            raise Refused(f"{spoken(node)} is not part of the SQL a measure may use", node)
        text = node.this.name
        try:
            if target == "DATE" and _DAY.fullmatch(text):
                day = datetime.date.fromisoformat(text)
                return Term("date", f"DATE '{day.isoformat()}'")
            if target == "TIMESTAMP" and _MOMENT.fullmatch(text):
                moment = datetime.datetime.fromisoformat(text).isoformat(sep=" ")
                return Term("datetime", engine_text.moment_literal(moment, self.dialect))
        except ValueError:
            pass  # told below, like a literal of another shape
        raise Refused("expected DATE 'YYYY-MM-DD' or TIMESTAMP 'YYYY-MM-DD HH:MM:SS'", node)

    # -- truth -----------------------------------------------------------------

    def _paren(self, node: Node) -> Term:
        _only(node, "this")
        return self.term(node.this)  # every piece is written in its own parentheses anyway

    def _connector(self, node: Node) -> Term:
        _only(node, "this", "expression")
        # A chain of AND is one level deep, however long.
        parts = [self.condition(part) for part in node.flatten()]
        return Term("boolean", "(" + f" {node.key.upper()} ".join(parts) + ")")

    def _not(self, node: Node) -> Term:
        _only(node, "this")
        return Term("boolean", f"(NOT {self.condition(node.this)})")

    def _compared(self, node: Node) -> Term:
        _only(node, "this", "expression")
        left, right = self._alike([node.this, node.expression])
        return Term("boolean", f"({left.sql} {_COMPARE[node.key]} {right.sql})")

    def _between(self, node: Node) -> Term:
        _only(node, "this", "low", "high")
        value, low, high = self._alike([node.this, node.args["low"], node.args["high"]])
        return Term("boolean", f"({value.sql} BETWEEN {low.sql} AND {high.sql})")

    def _in(self, node: Node) -> Term:
        if node.args.get("query") is not None:
            raise Refused("a sub-query is not part of the SQL a measure may use", node)
        _only(node, "this", "expressions")
        for choice in node.expressions:
            if choice.key not in ("literal", "cast", "neg") or (
                choice.key == "neg" and choice.this.key != "literal"
            ):
                raise Refused("IN takes literals only", choice)
        value, *choices = self._alike([node.this, *node.expressions])
        return Term("boolean", f"({value.sql} IN ({', '.join(term.sql for term in choices)}))")

    def _is(self, node: Node) -> Term:
        _only(node, "this", "expression")
        # Each piece is walked once: twice at every level would never end.
        if node.expression.key == "boolean":
            value = self._of(node.this, "boolean")
        elif node.expression.key == "null":
            value = self.term(node.this)
        else:
            raise Refused("IS takes NULL, TRUE or FALSE", node)
        return Term("boolean", f"({value.sql} IS {self.term(node.expression).sql})")

    def _like(self, node: Node) -> Term:
        _only(node, "this", "expression", "negate")
        pattern = node.expression
        if pattern.key != "literal" or not pattern.args.get("is_string"):
            raise Refused("LIKE takes a text literal", node)
        if "\\" in pattern.name:
            # Spark would take it for an escape, DuckDB for a character.
            raise Refused("LIKE has no escape character; its pattern may hold no \\", node)
        value = self._of(node.this, "text")
        word = "NOT LIKE" if node.args.get("negate") else "LIKE"
        return Term("boolean", f"({value.sql} {word} {self.term(pattern).sql})")

    # -- choices -----------------------------------------------------------------

    def _case(self, node: Node) -> Term:
        _only(node, "this", "ifs", "default")
        whens = [branch.this for branch in node.args["ifs"]]
        default = node.args.get("default")
        results = [branch.args["true"] for branch in node.args["ifs"]]
        results += [default] if default is not None else []
        written = self._alike(results, null=True)
        if node.this is None:
            tests, head = [self.condition(when) for when in whens], ""
        else:
            subject, *cases = self._alike([node.this, *whens])
            tests, head = [case.sql for case in cases], f" {subject.sql}"
        body = "".join(
            f" WHEN {test} THEN {result.sql}" for test, result in zip(tests, written, strict=False)
        )
        tail = f" ELSE {written[-1].sql}" if default is not None else ""
        return Term(_common(written), f"(CASE{head}{body}{tail} END)")

    def _variadic(self, node: Node) -> Term:
        _only(node, "this", "expressions")
        if node.key != "coalesce" and not node.expressions:
            raise Refused(f"{node.key.upper()} takes at least two values", node)
        terms = self._alike([node.this, *node.expressions], null=True)
        arguments = ", ".join(term.sql for term in terms)
        return Term(_common(terms), f"{node.key.upper()}({arguments})")

    # -- numbers, text, time -------------------------------------------------------

    def _arithmetic(self, node: Node) -> Term:
        _only(node, "this", "expression")
        left, right = (self._of(part, "number").sql for part in (node.this, node.expression))
        if node.key in ("div", "mod"):
            right = f"NULLIF({right}, 0)"
        return Term("number", f"({left} {_ARITHMETIC[node.key]} {right})")

    def _negative(self, node: Node) -> Term:
        _only(node, "this")
        return Term("number", f"(-{self._of(node.this, 'number').sql})")

    def _absolute(self, node: Node) -> Term:
        _only(node, "this")
        return Term("number", f"ABS({self._of(node.this, 'number').sql})")

    def _round(self, node: Node) -> Term:
        _only(node, "this", "decimals")
        places = node.args.get("decimals")
        digits = "0" if places is None else places.name
        if (places is not None and places.key != "literal") or digits not in _PLACES:
            raise Refused(f"ROUND keeps 0 to {PLACES_MAX} places, as a literal", node)
        value = self._of(node.this, "number").sql
        return Term("number", engine_text.rounded(value, int(digits), self.dialect))

    def _on_text(self, node: Node) -> Term:
        _only(node, "this")
        return Term("text", _ON_TEXT[node.key](self._of(node.this, "text").sql, self.dialect))

    def _part_of_date(self, node: Node) -> Term:
        _only(node, "this")
        return self._part(node.key, node.this)

    def _part(self, part: str, of: Node) -> Term:
        value = self._of(of, "datetime")
        if part in ("hour", "minute") and value.kind == "date":
            raise Refused(f"{part.upper()} takes a date and time; a date has no {part}", of)
        return Term("number", engine_text.part_of_date(part, value.sql, self.dialect))

    def _called(self, node: Node) -> Term:
        """A function of ours that is none of sqlglot's."""
        name = str(node.this).upper()
        if name == "WEEKDAY" and len(node.expressions) == 1:
            return self._part("weekday", node.expressions[0])
        if name == "WEEKDAY":
            raise Refused("WEEKDAY takes one date", node)
        unit = _BETWEEN_UNITS.get(name)
        if unit is None:
            raise Refused(f"the function {name} is not part of the SQL a measure may use", node)
        if len(node.expressions) != 2:
            raise Refused(f"{name} takes two moments, from and to", node)
        start, end = map(self._moment, node.expressions)
        return Term("number", engine_text.elapsed(unit, start, end, self.dialect))


def _only(node: Node, *expected: str) -> None:
    """Refuse what a piece carries beyond the expected, such as BETWEEN SYMMETRIC."""
    extra = {
        name
        for name, value in node.args.items()
        if name not in expected and name not in _MODIFIERS and value not in (None, False, [])
    }
    if not extra:
        return
    if node.key == "column" and extra & {"table", "db", "catalog"}:
        raise Refused("a name of a table is not part of the SQL a measure may use", node)
    word = sorted(extra)[0].replace("_", " ").upper()
    raise Refused(f"{spoken(node)} with {word} is not part of the SQL a measure may use", node)


def _number(node: Node) -> Term:
    number = float(node.name) if _NUMBER.fullmatch(node.name) else float("inf")
    if number == float("inf"):
        raise Refused("this number cannot be held", node)
    return Term("number", engine_text.number_literal(number))


def _common(terms: Sequence[Term]) -> Kind:
    return next((term.kind for term in terms if term.kind != "null"), "null")


_PARTS = ("year", "quarter", "month", "day", "hour", "minute")
_PLACES = {str(places) for places in range(PLACES_MAX + 1)}
_ON_TEXT: Mapping[str, Callable[[str, Dialect], str]] = {
    "lower": engine_text.lowered,
    "upper": engine_text.uppered,
    "trim": engine_text.trimmed,
}
_WRITERS: Mapping[str, Callable[[Walk, Node], Term]] = {
    "column": Walk._column,
    "literal": Walk._literal,
    "boolean": Walk._boolean,
    "null": Walk._null,
    "cast": Walk._dated,
    "paren": Walk._paren,
    "and": Walk._connector,
    "or": Walk._connector,
    "not": Walk._not,
    **dict.fromkeys(_COMPARE, Walk._compared),
    "between": Walk._between,
    "in": Walk._in,
    "is": Walk._is,
    "like": Walk._like,
    "case": Walk._case,
    "coalesce": Walk._variadic,
    "least": Walk._variadic,
    "greatest": Walk._variadic,
    **dict.fromkeys(_ARITHMETIC, Walk._arithmetic),
    "neg": Walk._negative,
    "abs": Walk._absolute,
    "round": Walk._round,
    **dict.fromkeys(_ON_TEXT, Walk._on_text),
    **dict.fromkeys(_PARTS, Walk._part_of_date),
    "anonymous": Walk._called,
}
