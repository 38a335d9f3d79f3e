"""Fields that are worked out from others, and checks between fields: in order, types checked."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, cast

from spcbench.errors import PackError
from spcbench.measures.field import Check, Field
from spcbench.measures.refusals import SPOKEN

if TYPE_CHECKING:
    from spcbench.measures.expression import Expression
    from spcbench.plugin.records import Pack

_FITS = {
    "text": ("text",),
    "integer": ("number",),
    "number": ("number",),
    "boolean": ("boolean",),
    "date": ("date",),
    "datetime": ("datetime", "date"),
}


def derived_fields(pack: Pack) -> tuple[tuple[Field, Expression], ...]:
    """The fields of a pack that are worked out, each after those it needs.

    Parameters
    ----------
    pack : Pack
        From a file or built in Python.

    Returns
    -------
    tuple of (Field, Expression)
        Those with `from_`; empty if there are none.

    Raises
    ------
    PackError
        If fields need one another in a circle, or an expression gives another
        kind of thing than its field declares.
    ExpressionError
        If an expression is outside the permitted SQL.
    """
    from spcbench.measures.expression import parse_value

    declared = {one.name: cast("Field", one) for one in pack.fields}
    made = {
        name: parse_value(
            field.from_, declared.values(), pack=pack.id, measure="", part=f"field {name!r}"
        )
        for name, field in declared.items()
        if field.from_
    }
    for name, expression in made.items():
        kind = declared[name].type
        if expression.kind not in _FITS[kind]:
            raise PackError(
                f"pack {pack.id!r}, field {name!r}: from gives {SPOKEN[expression.kind]}, but the "
                f"field is declared as {kind}"
            )
    needs = {
        name: sorted(one for one in expression.columns if one in made)
        for name, expression in made.items()
    }
    try:
        order = list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        circle = " needs ".join(reversed(error.args[1]))
        raise PackError(f"pack {pack.id!r}: fields need one another: {circle}") from None
    return tuple((declared[name], made[name]) for name in order)


def parsed_checks(pack: Pack) -> tuple[tuple[Check, Expression], ...]:
    """The checks between fields of a pack, with their conditions.

    Raises
    ------
    PackError
        If the pack holds something else than checks.
    ExpressionError
        If a condition is outside the permitted SQL.
    """
    from spcbench.measures.expression import parse

    found = []
    for check in pack.checks:
        if not isinstance(check, Check):
            raise PackError(
                f"pack {pack.id!r}: {check.id!r} must be a Check, not {type(check).__name__}"
            )
        part = f"check {check.id!r}"
        fields = [cast("Field", one) for one in pack.fields]
        found.append((check, parse(check.must, fields, pack=pack.id, part=part)))
    return tuple(found)
