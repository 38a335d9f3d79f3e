"""What the columns of an extract hold, as far as it follows from what is done with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_NUMBERS = ("add", "sub", "mul", "div", "mod", "neg", "abs", "round")
_TRUTHS = ("and", "or", "not")
_TEXTS = ("lower", "upper", "trim", "like")
_TIMES = ("year", "month", "day", "quarter", "hour", "minute", "dayofweekiso", "anonymous")
_SAME = ("coalesce", "least", "greatest")
_ALIKE = ("eq", "neq", "lt", "lte", "gt", "gte", "between", "in", *_SAME)
_INSIDE = {
    **dict.fromkeys(_NUMBERS, "number"),
    **dict.fromkeys(_TRUTHS, "boolean"),
    **dict.fromkeys(_TEXTS, "text"),
    **dict.fromkeys(_TIMES, "datetime"),
}
"""What the parts of a piece must be."""
_RESULTS = {
    **dict.fromkeys((*_NUMBERS, *_TIMES), "number"),
    **dict.fromkeys((*_TRUTHS, "like", "is"), "boolean"),
    **dict.fromkeys(("lower", "upper", "trim"), "text"),
}
"""What a piece is itself."""


Kinds = dict[str, str | None]


def settled(text: str, kinds: Kinds) -> Kinds:
    """Types of the columns of one expression, from what is done with each.

    Parameters
    ----------
    text : str
        The expression.
    kinds : dict of str to str or None
        The type of each column; None where it may hold anything.

    Returns
    -------
    dict of str to str or None
        None where nothing settles it, or the expression cannot be parsed.

    Examples
    --------
    >>> settled("weeks * 7 + COALESCE(days, 0)", {"weeks": None, "days": None})
    {'weeks': 'number', 'days': 'number'}
    """
    from spcbench.measures.gates import parsed
    from spcbench.measures.refusals import Refused

    found = dict(kinds)
    try:
        tree = parsed(text)
    except (Refused, RecursionError):
        return found  # told, with its place, when it is checked
    for _ in range(len(kinds) + 1):
        before = dict(found)
        _settle(tree, None, found)
        if found == before:
            break
    return {name: found[name] for name in kinds}


def _settle(node: Any, wanted: str | None, found: Kinds) -> str | None:
    """Tell a piece what it must be, and learn what it is."""
    key = node.key
    if key == "column":
        found[node.name] = found.get(node.name) or wanted
        return found[node.name]
    if key == "literal":
        return "text" if node.args.get("is_string") else "number"
    if key == "paren":
        return _settle(node.this, wanted, found)
    if key == "case":
        return _settle_case(node, wanted, found)
    if key in _ALIKE:
        common = _settle_alike(
            list(node.iter_expressions()), wanted if key in _SAME else None, found
        )
        return common if key in _SAME else "boolean"
    for child in node.iter_expressions():
        _settle(child, _inside(node), found)
    # A day in a literal says nothing of the time of day that a column beside it may hold.
    return "datetime" if key == "cast" else _RESULTS.get(key)


def _inside(node: Any) -> str | None:
    if node.key == "is":
        return "boolean" if node.expression.key == "boolean" else None
    return _INSIDE.get(node.key)


def _settle_alike(nodes: Sequence[Any], wanted: str | None, found: Kinds) -> str | None:
    """Pieces that stand together are of one kind: that of the first that is known."""
    kinds = [_settle(node, wanted, found) for node in nodes]
    common = next((kind for kind in kinds if kind), None)
    for node in nodes:
        _settle(node, common, found)
    return common


def _settle_case(node: Any, wanted: str | None, found: Kinds) -> str | None:
    tests = [branch.this for branch in node.args["ifs"]]
    if node.this is None:
        for test in tests:
            _settle(test, "boolean", found)
    else:
        _settle_alike([node.this, *tests], None, found)
    results = [branch.args["true"] for branch in node.args["ifs"]]
    results += [node.args["default"]] if node.args.get("default") is not None else []
    return _settle_alike(results, wanted, found)
