"""Reading an expression of a measure, and refusing what a stranger's pack must not do.

Three gates, each an allow-list: the words and signs (before parsing, so that
nothing reaches the parser too deep for it), the pieces the parser found, and
the kinds of things they are. What passes is written by `subset` from its own
templates; no text of the pack reaches the engine as it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from spcbench.errors import ExpressionError
from spcbench.measures.refusals import Node, Refused
from spcbench.measures.subset import FUNCTIONS, KIND_OF_TYPE, Dialect, Kind, Walk

DEPTH_MAX = 25
"""Levels of nesting; the parser recurses and gives up somewhere beyond fifty."""

TOKENS_MAX = 1_000
"""Words and signs in one expression."""

CHAIN_MAX = 100
"""Levels of the parsed tree; a sum of a hundred terms is a hundred levels deep."""

_KEYWORDS_BEFORE_PAREN = frozenset(
    ["AND", "OR", "NOT", "IN", "BETWEEN", "WHEN", "THEN", "ELSE", "CASE", "IS", "LIKE"]
)
_SIGNS = frozenset("(),=<>+-*/%.?:@[]{}") | {"<=", ">=", "<>", "!=", "||", "::"}
"""Signs that may be parsed; the walk then refuses most of them with better words."""


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
    """A checked condition on one record.

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
    """

    text: str
    columns: frozenset[str]
    kinds: Mapping[str, Kind]
    tree: Node

    def to_sql(self, dialect: Dialect = "duckdb", *, prefix: str = "") -> str:
        """The condition for an engine.

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
            as TIMESTAMP without a time zone.

        Examples
        --------
        >>> from spcbench.measures.measure import Field
        >>> days = Field(name="ga_days", type="integer")
        >>> parse("ga_days / 7 < 34", [days]).to_sql()
        '(("ga_days" / NULLIF(CAST(7.0 AS DOUBLE), 0)) < CAST(34.0 AS DOUBLE))'
        """
        return Walk(self.kinds, dialect, prefix).condition(self.tree)


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
    text: str, kinds: Mapping[str, Kind] | None, pack: str, measure: str, part: str
) -> Expression:
    try:
        tree = _tree(text)
        walk = Walk(kinds)
        walk.condition(tree)
    except Refused as refused:
        raise ExpressionError(_message(refused, text, pack, measure, part)) from None
    except RecursionError:
        deep = Refused(f"it is nested too deeply; {DEPTH_MAX} levels are allowed")
        raise ExpressionError(_message(deep, text, pack, measure, part)) from None
    return Expression(
        text=text, columns=frozenset(walk.columns), kinds=dict(kinds or {}), tree=tree
    )


def _message(refused: Refused, text: str, pack: str, measure: str, part: str) -> str:
    owner = [f"pack {pack!r}"] if pack else []
    owner += [f"measure {measure!r}"] if measure else []
    where = ", ".join([*owner, part])
    whole = " ".join(text.split())
    whole = whole if len(whole) <= 200 else whole[:197] + "..."
    at = f" at {refused.part!r}" if refused.part and refused.part != whole else ""
    return f"{where}: {refused.reason}{at}, in: {whole}"


def _tree(text: str) -> Node:
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import ParseError, SqlglotError
    from sqlglot.tokens import Tokenizer

    if not text.strip():
        raise Refused("it is empty")
    try:
        _check_tokens(Tokenizer().tokenize(text), text)
        tree = sqlglot.parse_one(text, into=exp.Condition)
    except SqlglotError as error:
        details = error.errors if isinstance(error, ParseError) else []
        reason = (details[0].get("description") if details else None) or "it has an open quote"
        raise Refused(f"it cannot be read as SQL ({reason.rstrip('.')})") from None
    _check_depth(tree)
    return tree


def _check_tokens(tokens: list[Any], text: str) -> None:
    """Refuse by its words what should not even be parsed."""
    if not tokens:
        raise Refused("it is empty")
    if len(tokens) > TOKENS_MAX:
        raise Refused(f"it has {len(tokens):,} words and signs; {TOKENS_MAX:,} are allowed")
    depth = deepest = prefixes = 0
    for place, token in enumerate(tokens):
        name = token.token_type.name
        if token.comments:
            raise Refused("a comment is not allowed; use the description of the measure")
        if name == "SEMICOLON":
            raise Refused("several statements (;) are not allowed")
        _check_sign(token, text)
        prefixes = prefixes + 1 if name in ("NOT", "DASH", "PLUS") else 0
        if name in ("L_PAREN", "CASE", "L_BRACKET", "L_BRACE"):
            depth += 1
        elif name in ("R_PAREN", "END", "R_BRACKET", "R_BRACE"):
            depth -= 1
        deepest = max(deepest, depth + prefixes)
        if name == "L_PAREN" and place:
            _check_call(tokens[place - 1], text)
    if deepest > DEPTH_MAX:
        raise Refused(f"it is nested {deepest} levels deep; {DEPTH_MAX} are allowed")


def _check_sign(token: Any, text: str) -> None:
    """Refuse a sign that sqlglot might read as JSON or worse, before it does."""
    sign = text[token.start : token.end + 1]
    if not any(mark.isalnum() or mark in "_\"'" for mark in sign) and sign not in _SIGNS:
        raise Refused(f"the sign {sign} is not part of the SQL a measure may use")


def _check_call(token: Any, text: str) -> None:
    """Refuse by name the function that is about to be called."""
    word = text[token.start : token.end + 1]
    upper = word.upper()
    named = upper.strip('"').replace("_", "a").isalnum() and not word[:1].isdigit()
    if named and upper not in FUNCTIONS and upper not in _KEYWORDS_BEFORE_PAREN:
        raise Refused(
            f"the function {word} is not part of the SQL a measure may use "
            f"(functions: {', '.join(FUNCTIONS)})"
        )


def _check_depth(tree: Node) -> None:
    """Refuse a tree that the recursive walk could not stand; chains of AND are flat."""
    from sqlglot import exp

    waiting = [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        if depth > CHAIN_MAX:
            raise Refused(f"it chains more than {CHAIN_MAX} operators; use parentheses or fields")
        for child in node.iter_expressions():
            flat = isinstance(child, exp.Connector) and type(child) is type(node)
            waiting.append((child, depth if flat else depth + 1))
