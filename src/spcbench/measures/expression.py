"""Reading an expression of a pack, and refusing what a stranger's pack must not do.

Three gates, each an allow-list: the words and signs (`gates`, before parsing),
the pieces the parser found, and the kinds of things they are (`subset`). What
passes is written by `engine_text` from its own templates; no text of the pack
reaches the engine as it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from spcbench.errors import ExpressionError
from spcbench.measures.engine_text import Dialect
from spcbench.measures.gates import DEPTH_MAX, TOKENS_MAX, parsed, tokens_of
from spcbench.measures.refusals import Node, Refused, Span, place_of, pointed
from spcbench.measures.subset import KIND_OF_TYPE, Kind, Walk

__all__ = [
    "DEPTH_MAX",
    "TOKENS_MAX",
    "DeclaredField",
    "Dialect",
    "Expression",
    "column_names",
    "parse",
    "parse_value",
]


class DeclaredField(Protocol):
    """What an expression needs of a field."""

    @property
    def name(self) -> str:
        """The column's name."""
        ...

    @property
    def type(self) -> str:
        """One of the words in `measure.TYPES`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """A checked condition on one record, or a value made from one.

    Parameters
    ----------
    text : str
        As written in the pack.
    columns : frozenset of str
        The columns it uses.
    kinds : mapping of str to str
        What each declared column is.
    tree : sqlglot expression
        Parsed once; never changed.
    kind : str
        What it yields: ``"boolean"``, ``"number"``, ``"text"``, ``"date"`` or
        ``"datetime"``.
    """

    text: str
    columns: frozenset[str]
    kinds: Mapping[str, Kind]
    tree: Node
    kind: Kind = "boolean"

    def to_sql(self, dialect: Dialect = "duckdb", *, prefix: str = "") -> str:
        """The condition or value for an engine.

        Parameters
        ----------
        dialect : str
            ``"duckdb"`` or ``"spark"``.
        prefix : str
            Put before the name of every column.

        Returns
        -------
        str
            SQL that expects numbers as DOUBLE, dates as DATE and date-times
            as TIMESTAMP without a time zone. A number it yields may be NaN or
            infinite where arithmetic overflows, and a text may be empty: let
            it enter like any other cell.

        Examples
        --------
        >>> from spcbench.measures.measure import Field
        >>> days = Field(name="ga_days", type="integer")
        >>> parse("ga_days / 7 < 34", [days]).to_sql()
        '(("ga_days" / NULLIF(CAST(7.0e0 AS DOUBLE), 0)) < CAST(34.0e0 AS DOUBLE))'
        """
        return Walk(self.kinds, dialect, prefix).term(self.tree).sql


def parse(
    text: str,
    fields: Iterable[DeclaredField],
    *,
    pack: str = "",
    measure: str = "",
    part: str = "expression",
) -> Expression:
    """A condition in the SQL subset, checked against the fields of its pack.

    Parameters
    ----------
    text : str
        The expression.
    fields : iterable of Field
        The columns it may use.
    pack, measure, part : str
        For messages: whose expression it is, and which one.

    Returns
    -------
    Expression
        Ready to be written for an engine.

    Raises
    ------
    ExpressionError
        If any of it is outside the subset, or the whole is not true or false.

    Examples
    --------
    >>> from spcbench.measures.measure import Field
    >>> days = Field(name="ga_days", type="integer")
    >>> sorted(parse("ga_days BETWEEN 154 AND 209", [days]).columns)
    ['ga_days']
    """
    kinds = {declared.name: KIND_OF_TYPE[declared.type] for declared in fields}
    return _checked(text, kinds, pack, measure, part)


def parse_value(
    text: str,
    fields: Iterable[DeclaredField],
    *,
    pack: str = "",
    measure: str = "",
    part: str = "expression",
) -> Expression:
    """A value in the SQL subset, such as a field derived from others.

    Parameters
    ----------
    text, fields, pack, measure, part
        As for `parse`.

    Returns
    -------
    Expression
        Its `kind` says what it yields.

    Raises
    ------
    ExpressionError
        If any of it is outside the subset, or it is always NULL.

    Examples
    --------
    >>> from spcbench.measures.measure import Field
    >>> weeks = Field(name="weeks", type="integer")
    >>> parse_value("weeks * 7", [weeks]).kind
    'number'
    """
    kinds = {declared.name: KIND_OF_TYPE[declared.type] for declared in fields}
    return _checked(text, kinds, pack, measure, part, value=True)


def column_names(
    text: str, *, pack: str = "", measure: str = "", part: str = "expression"
) -> frozenset[str]:
    """The columns an expression uses, before their types are known.

    Raises
    ------
    ExpressionError
        If any of it is outside the subset.

    Examples
    --------
    >>> sorted(column_names("given AND NOT refused"))
    ['given', 'refused']
    """
    return _checked(text, None, pack, measure, part).columns


def _checked(
    text: str,
    kinds: Mapping[str, Kind] | None,
    pack: str,
    measure: str,
    part: str,
    *,
    value: bool = False,
) -> Expression:
    try:
        return _walked(text, None if kinds is None else frozenset(kinds.items()), value)
    except Refused as refused:
        raise ExpressionError(_message(refused, text, pack, measure, part)) from None
    except RecursionError:
        deep = Refused(f"it is nested too deeply; {DEPTH_MAX} levels are allowed")
        raise ExpressionError(_message(deep, text, pack, measure, part)) from None


@lru_cache(maxsize=1024)
def _walked(text: str, kinds: frozenset[tuple[str, Kind]] | None, value: bool) -> Expression:
    """An expression that passed; kept, because each is asked for several times."""
    tree = parsed(text)
    walk = Walk(None if kinds is None else dict(kinds))
    kind: Kind = "boolean"
    if value:
        kind = walk.term(tree).kind
    else:
        walk.condition(tree)
    if kind == "null":
        raise Refused("it is always NULL, so it has no type")
    return Expression(
        text=text,
        columns=frozenset(walk.columns),
        kinds=dict(kinds or ()),
        tree=tree,
        kind=kind,
    )


def _message(refused: Refused, text: str, pack: str, measure: str, part: str) -> str:
    owner = [f"pack {pack!r}"] if pack else []
    owner += [f"measure {measure!r}"] if measure else []
    where = ", ".join([*owner, part])
    if not text.strip():
        return f"{where}: {refused.reason}"
    place, lines = pointed(text, _span(refused, text))
    return f"{where}: {refused.reason}{place}\n{lines}"


def _span(refused: Refused, text: str) -> Span | None:
    if refused.node is None:
        return refused.span
    return place_of(refused.node, tokens_of(text))
