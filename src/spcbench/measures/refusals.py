"""Why an expression is refused, in words that name the offending part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Node = Any
"""A piece of a parsed expression; sqlglot's name for the class differs between its versions."""

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
    "dpipe": "the operator ||",
    "placeholder": "a parameter",
    "parameter": "a parameter",
    "star": "*",
    "escape": "ESCAPE",
    "dot": "a dot",
}


class Refused(Exception):  # noqa: N818  (not an error of its own: `parse` puts it into words)
    """Why an expression is outside the subset, and which part of it."""

    def __init__(self, reason: str, part: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.part = part


def shown(node: Node) -> str:
    """The text of a piece for a message, cut where it is long."""
    try:
        text = str(node.sql(comments=False))
    except (ValueError, AttributeError, TypeError):
        text = str(node.key).upper()  # a piece that even sqlglot cannot write
    return text if len(text) <= 60 else text[:57] + "..."


def spoken(node: Node) -> str:
    """What a piece is called."""
    return _NAMED.get(node.key, str(node.key).upper())
