"""Why an expression is refused: one sentence, and a caret under the offending place."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Node = Any
"""A piece of a parsed expression; sqlglot's name for the class differs between its versions."""

Span = tuple[int, int]
"""First character of a place in the text, and the first one after it."""

SPOKEN: Mapping[str, str] = {
    "boolean": "true or false",
    "number": "a number",
    "text": "a text",
    "date": "a date",
    "datetime": "a date and time",
    "null": "NULL",
    "any": "unknown",
}
_NAMED = {
    "select": "a sub-query",
    "subquery": "a sub-query",
    "exists": "a sub-query (EXISTS)",
    "cast": "a cast (except DATE '…' and TIMESTAMP '…')",
    "trycast": "a cast (except DATE '…' and TIMESTAMP '…')",
    "star": "*",
    "escape": "ESCAPE",
}
_LINES_MAX = 6
_WIDTH_MAX = 100
_OPENING = {"L_PAREN", "CASE"}
_CLOSING = {"R_PAREN", "END"}
_LED_BY: Mapping[str, frozenset[str]] = {
    "not": frozenset({"NOT"}),
    "neg": frozenset({"DASH"}),
    "case": frozenset({"CASE", "WHEN"}),
    "cast": frozenset({"DATE", "TIMESTAMP"}),
}
"""The word in front that belongs to a piece, though the parser keeps no place for it."""


class Refused(Exception):  # noqa: N818  (not an error of its own: `parse` puts it into words)
    """Why an expression is outside the subset, and which part of it."""

    def __init__(self, reason: str, node: Node = None, *, span: Span | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.node = node
        self.span = span


def spoken(node: Node) -> str:
    """What a piece is called."""
    return _NAMED.get(node.key, str(node.key).upper())


def shortened(text: str, longest: int = 60) -> str:
    """Words of a stranger for a message: on one line, printable, and cut where long.

    Examples
    --------
    >>> shortened("a" * 70, 10)
    'aaaaaaa...'
    """
    plain = "".join(mark if mark.isprintable() else "·" for mark in text)
    return plain if len(plain) <= longest else plain[: longest - 3] + "..."


def place_of(node: Node, tokens: Sequence[Any]) -> Span | None:
    """Where a piece stands in the text, as far as the parser remembers.

    Parameters
    ----------
    node : sqlglot expression
        The piece.
    tokens : sequence of sqlglot tokens
        Of the whole text.

    Returns
    -------
    tuple of (int, int), optional
        None where nothing of it or around it has a place.
    """
    while node is not None:
        starts = _starts(node)
        places = [place for place, token in enumerate(tokens) if token.start in starts]
        places = places or _word_place(node, tokens)
        if places:
            first, last = _balanced(tokens, min(places), max(places))
            while first and tokens[first - 1].token_type.name in _LED_BY.get(node.key, ()):
                first, last = _balanced(tokens, first - 1, last)
            return tokens[first].start, tokens[last].end + 1
        node = node.parent
    return None


def _starts(node: Node) -> frozenset[int]:
    found = (piece.meta.get("start") for piece in node.walk())
    return frozenset(start for start in found if start is not None)


def _word_place(node: Node, tokens: Sequence[Any]) -> list[int]:
    """Where a word such as NULL stands: the parser keeps no place, but it keeps their order."""
    names = {"TRUE", "FALSE"} if node.key == "boolean" else {node.key.upper()}
    alike = [piece for piece in node.root().dfs() if piece.key == node.key]
    words = [
        place
        for place, token in enumerate(tokens)
        if token.token_type.name.replace("_", "") in names
    ]
    order = next(place for place, piece in enumerate(alike) if piece is node)
    return words[order : order + 1]


def _balanced(tokens: Sequence[Any], first: int, last: int) -> tuple[int, int]:
    """A stretch of tokens widened until every bracket and CASE in it is closed."""
    while True:
        opened = lacking = 0
        for token in tokens[first : last + 1]:
            name = token.token_type.name
            if name in _OPENING:
                opened += 1
            elif name in _CLOSING and opened:
                opened -= 1
            elif name in _CLOSING:
                lacking += 1
        if lacking and first > 0:
            first -= 1
        elif opened and last + 1 < len(tokens):
            last += 1
        elif opened == lacking == 0 and _called(tokens, first):
            first -= 1
        else:
            return first, last


def _called(tokens: Sequence[Any], first: int) -> bool:
    """Whether a stretch starts with the bracket of a function whose name is not in it."""
    return (
        first > 0
        and tokens[first].token_type.name == "L_PAREN"
        and tokens[first - 1].token_type.name == "VAR"
    )


def pointed(text: str, span: Span | None) -> tuple[str, str]:
    """An expression as a message shows it.

    Parameters
    ----------
    text : str
        The whole expression.
    span : tuple of (int, int), optional
        The offending place; None for the whole.

    Returns
    -------
    tuple of (str, str)
        The place in words, for an expression of several lines; and the lines,
        with carets under the place.

    Examples
    --------
    >>> print(pointed("n = 'a'", (4, 7))[1])
      n = 'a'
          ^^^
    """
    lines = text.splitlines() or [""]
    starts = _line_starts(text, lines)
    begin, end = span or (len(text) - len(text.lstrip()), len(text.rstrip()))
    row = max(place for place, start in enumerate(starts) if start <= begin or place == 0)
    column = begin - starts[row]
    several = sum(bool(line.strip()) for line in lines) > 1
    where = f" (line {row + 1}, column {column + 1})" if several else ""
    near = range(max(0, row - _LINES_MAX // 2), min(len(lines), row + _LINES_MAX // 2 + 1))
    shown: list[str] = []
    for place in near:
        marks = (column, max(column + 1, end - starts[row])) if place == row else None
        shown += _line(lines[place], marks)
    return where, "\n".join(line for line in shown if line.strip())


def _line_starts(text: str, lines: Sequence[str]) -> list[int]:
    kept = text.splitlines(keepends=True) or [""]
    starts = [0]
    for line in kept[:-1]:
        starts.append(starts[-1] + len(line))
    return starts[: len(lines)]


def _line(line: str, marks: tuple[int, int] | None) -> Iterator[str]:
    """One line, cut to a window where it is long, and the carets under it."""
    column, end = marks or (0, 0)
    left = max(0, column - _WIDTH_MAX // 2) if len(line) > _WIDTH_MAX else 0
    right = min(len(line), left + _WIDTH_MAX)
    head, tail = "…" if left else "", "…" if right < len(line) else ""
    plain = "".join(mark if mark.isprintable() else " " for mark in line)
    yield "  " + head + plain[left:right] + tail
    if marks is not None:
        before = _width(head + plain[left:column])
        carets = max(1, _width(plain[column : min(end, right)]))
        yield "  " + " " * before + "^" * carets


def _width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(
        0 if unicodedata.combining(mark) else 1 + (unicodedata.east_asian_width(mark) in "WF")
        for mark in text
    )
