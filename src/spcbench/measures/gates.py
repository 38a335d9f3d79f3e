"""What an expression must pass before it is walked: its length, its signs, its depth, its growth.

The words and signs are checked before parsing, so that nothing reaches the
parser that is too deep for it, or that it might read as something else.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from spcbench.measures.refusals import Node, Refused, Span, shortened
from spcbench.measures.subset import FUNCTIONS

LENGTH_MAX = 20_000
"""Characters in one expression."""

TOKENS_MAX = 1_000
"""Words and signs in one expression."""

DEPTH_MAX = 25
"""Levels of nesting; the parser recurses and gives up somewhere beyond fifty."""

CHAIN_MAX = 100
"""Levels of the parsed tree; a sum of a hundred terms is a hundred levels deep."""

GROWTH_MAX = 50_000
"""Pieces an engine may make of one expression, see `growth`; it takes about 0.2 s to plan them."""

_OUTSIDE = "is not part of the SQL a measure may use"
_BEFORE_PAREN = frozenset(
    ["AND", "OR", "NOT", "IN", "BETWEEN", "WHEN", "THEN", "ELSE", "CASE", "IS", "LIKE"]
)
_SIGNS = frozenset("(),=<>+-*/%") | {"<=", ">=", "<>", "!="}
_NAMED_SIGNS: Mapping[str, str] = {
    "::": "a cast (::)",
    "||": "the operator ||",
    ".": "a name of a table, or a dot between names,",
    "?": "a parameter (?)",
    ":": "a parameter (:)",
    "@": "a parameter (@)",
    "[": "a list ([)",
    "{": "a structure ({)",
}
_NAMED_WORDS: Mapping[str, str] = {
    "SELECT": "a sub-query",
    "WITH": "a sub-query",
    "ISNULL": "ISNULL (write IS NULL)",
    "NOTNULL": "NOTNULL (write IS NOT NULL)",
}
_LITERALS = frozenset(["STRING", "NUMBER", "IDENTIFIER"])


@lru_cache(maxsize=1024)
def parsed(text: str) -> Node:
    """The tree of an expression that passed the gates.

    Kept, because packs share most of their expressions and each is asked for
    several times: nobody changes a tree.

    Parameters
    ----------
    text : str
        The expression.

    Returns
    -------
    sqlglot expression
        Not yet checked piece by piece: `Walk` does that.

    Raises
    ------
    Refused
        If it did not pass, or is not SQL.

    Examples
    --------
    >>> parsed("n / 7 < 34").key
    'lt'
    """
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import ParseError

    check_tokens(tokens_of(text), text)
    try:
        tree = sqlglot.parse_one(text, into=exp.Condition)
    except ParseError as error:
        raise _unreadable(text, error) from None
    _check_depth(tree)
    pieces = growth(tree)
    if pieces > GROWTH_MAX:
        raise Refused(
            "divisors, IN, BETWEEN and CASE x WHEN stand within one another so deep that an "
            f"engine would make {pieces:,} pieces of it; {GROWTH_MAX:,} are allowed"
        )
    return tree


def tokens_of(text: str) -> list[Any]:
    """The words and signs of an expression.

    Raises
    ------
    Refused
        If it is too long, holds hidden characters, or a quotation mark is left open.

    Examples
    --------
    >>> [token.text for token in tokens_of("n <= 3")]
    ['n', '<=', '3']
    """
    from sqlglot.errors import TokenError
    from sqlglot.tokens import Tokenizer

    if len(text) > LENGTH_MAX:
        raise Refused(
            f"it is {len(text):,} characters long; {LENGTH_MAX:,} are allowed", span=(0, 1)
        )
    for place, mark in enumerate(text):
        if mark not in "\t\r\n" and unicodedata.category(mark) in ("Cc", "Cf", "Cs"):
            name = f"U+{ord(mark):04X}"
            raise Refused(f"it holds the hidden character {name}", span=(place, place + 1))
    try:
        return list(Tokenizer().tokenize(text))
    except TokenError:
        place = _open_quote(text)
        raise Refused(
            "a quotation mark is opened and not closed", span=(place, len(text))
        ) from None


def check_tokens(tokens: Sequence[Any], text: str) -> None:
    """Refuse by its words what should not even be parsed.

    Raises
    ------
    Refused
        Naming the first offending word or sign.
    """
    if not tokens:
        raise Refused("it is empty" if not text.strip() else "a comment is not allowed")
    if len(tokens) > TOKENS_MAX:
        raise Refused(
            f"it has {len(tokens):,} words and signs; {TOKENS_MAX:,} are allowed",
            span=_span(tokens[TOKENS_MAX]),
        )
    for place, token in enumerate(tokens):
        if token.comments:
            raise Refused("a comment is not allowed; use the description of the measure")
        _check_token(token, text)
        if token.token_type.name == "L_PAREN" and place:
            _check_call(tokens[place - 1], text)
        before = [one.token_type.name for one in tokens[max(0, place - 2) : place]]
        if token.token_type.name == "UNKNOWN" and (
            before[-1:] == ["IS"] or before == ["IS", "NOT"]
        ):
            raise Refused(f"UNKNOWN {_OUTSIDE}; write NULL", span=_span(token))
    _check_nesting(tokens)


def growth(tree: Node) -> int:
    """How many pieces an engine makes of an expression, at the most.

    DuckDB writes NULLIF(x, 0), BETWEEN, IN and CASE x WHEN out with a copy of
    x for each comparison, copies within copies: some twenty divisors within
    one another would fill any memory. The copies were measured on DuckDB 2.0.

    Examples
    --------
    >>> growth(parsed("n + (n + 2)")), growth(parsed("n / (n / 2)"))
    (8, 24)
    """
    pieces = 1
    for name, value in tree.args.items():
        children = value if isinstance(value, list) else [value]
        inner = sum(growth(child) for child in children if hasattr(child, "args"))
        pieces += _copies(tree, name) * inner
    return pieces


def _copies(node: Node, name: str) -> int:
    if node.key in ("div", "mod") and name == "expression":
        return 3
    if node.key == "between" and name == "this":
        return 3
    if node.key == "in" and name == "this":
        return 2 * max(1, len(node.expressions))
    if node.key == "case" and name == "this":
        whens = len(node.args["ifs"])
        return 2 * whens if whens > 1 else 1
    return 1


def _span(token: Any) -> Span:
    return token.start, token.end + 1


def _check_token(token: Any, text: str) -> None:
    """Refuse a sign that the parser might read as JSON or worse, and words by their name."""
    written = text[token.start : token.end + 1]
    name = token.token_type.name
    if name == "SEMICOLON":
        raise Refused("several statements (;) are not allowed", span=_span(token))
    if name not in _LITERALS and written.upper() in _NAMED_WORDS:
        raise Refused(f"{_NAMED_WORDS[written.upper()]} {_OUTSIDE}", span=_span(token))
    if any(mark.isalnum() or mark in "_\"'" for mark in written):
        return
    if written not in _SIGNS:
        sign = _NAMED_SIGNS.get(written, f"the sign {shortened(written)}")
        raise Refused(f"{sign} {_OUTSIDE}", span=_span(token))


def _check_call(token: Any, text: str) -> None:
    """Refuse by name the function that is about to be called."""
    word = text[token.start : token.end + 1]
    upper = word.upper()
    named = upper.strip('"').replace("_", "a").isalnum() and not word[:1].isdigit()
    if named and upper not in FUNCTIONS and upper not in _BEFORE_PAREN:
        raise Refused(
            f"the function {shortened(word)} {_OUTSIDE} (functions: {', '.join(FUNCTIONS)})",
            span=_span(token),
        )


def _check_nesting(tokens: Sequence[Any]) -> None:
    """Refuse what is too deep, and brackets without their partner."""
    opened: list[Any] = []
    prefixes = 0
    for token in tokens:
        name = token.token_type.name
        prefixes = prefixes + 1 if name in ("NOT", "DASH", "PLUS") else 0
        if name in ("L_PAREN", "CASE"):
            opened.append(token)
        elif name in ("R_PAREN", "END"):
            if not opened:
                closing = "a closing bracket" if name == "R_PAREN" else "END"
                raise Refused(f"{closing} has no beginning", span=_span(token))
            opened.pop()
        if len(opened) + prefixes > DEPTH_MAX:
            raise Refused(
                f"it is nested more than {DEPTH_MAX} levels deep from here on", span=_span(token)
            )
    if opened:
        missing = "a bracket is opened and not closed"
        if opened[-1].token_type.name == "CASE":
            missing = "CASE has no END"
        raise Refused(missing, span=_span(opened[-1]))


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


def _unreadable(text: str, error: Any) -> Refused:
    """Where the parser stopped, in our words."""
    found = (error.errors or [{}])[0]
    mark = found.get("highlight") or ""
    before, after = found.get("start_context") or "", found.get("end_context") or ""
    place = text.rfind(before + mark + after) + len(before) if mark else -1
    if place < 0 or not text[place + len(mark) :].strip():
        span = (place, place + len(mark)) if place >= 0 else None
        return Refused(
            "it cannot be read as SQL: it ends too early, or its end does not fit", span=span
        )
    return Refused(
        "it cannot be read as SQL: something is missing here, or does not fit",
        span=(place, place + len(mark)),
    )


def _open_quote(text: str) -> int:
    """Where the quotation mark stands that is never closed."""
    opened, place = "", 0
    for at, mark in enumerate(text):
        if not opened and mark in "'\"":
            opened, place = mark, at
        elif mark == opened:
            opened = ""
    return place
