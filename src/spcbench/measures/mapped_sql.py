"""Wanted columns made from those of a local extract, as SQL around the scan.

A mapping's expressions are in the same SQL subset as measures. The columns of
an extract have no declared types, so each is read as what the expression does
with it: a number where it is multiplied, a moment where time is measured from
it, and so on. A cell that cannot be read so is not lost: the made cell then
holds something that the field's own check sets aside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from spcbench.measures.mapping_kinds import settled
from spcbench.measures.mapping_plan import Made, Plan
from spcbench.measures.scans import named

if TYPE_CHECKING:
    from spcbench.measures.expression import Expression

UNREADABLE = "unreadable"
"""What a number or a truth becomes where a cell it is made from cannot be read."""

_ASIDE = {
    "number": f"'{UNREADABLE}'",
    "boolean": f"'{UNREADABLE}'",
    "text": "NULL",
    "date": "DATE '0001-01-01'",
    "datetime": "TIMESTAMP '0001-01-01 00:00:00'",
}
"""No number, no truth, or no likely date: each is set aside when the field is checked."""


def mapped_sql(plan: Plan, raw: str, natives: Mapping[str, str], source: str) -> str:
    """The SQL that makes the wanted columns around the SQL that scans the extract.

    Parameters
    ----------
    plan : Plan
        Where they come from.
    raw : str
        Scans the extract.
    natives : mapping of str to str
        DuckDB's type of each column of the extract.
    source : str
        The extract, for messages.

    Returns
    -------
    str
        A sub-query with the wanted columns.
    """
    steps = _Steps(natives=natives, plan=plan, source=source)
    cells = [named(name) for name in plan.passed]
    for place, one in enumerate(plan.made):
        cell = named(one.sources[0]) if one.renamed else steps.made(one, place)
        cells.append(f"{cell} AS {named(one.name)}")
    entered = ", ".join(["*", *steps.entered])
    checked = ", ".join(["*", *steps.checked])
    return f"(SELECT {', '.join(cells)} FROM (SELECT {checked} FROM (SELECT {entered} FROM {raw})))"


@dataclass(slots=True, kw_only=True)
class _Steps:
    """The cells of an extract, taken in one step after the other."""

    natives: Mapping[str, str]
    plan: Plan
    source: str
    entered: list[str] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)

    def made(self, one: Made, place: int) -> str:
        """A made cell, or what the field's own check will set aside."""
        expression = _typed(one, self.natives, self.plan)
        wrong = [
            f"coalesce({condition}, FALSE)"
            for name, kind in expression.kinds.items()
            for condition in self._taken(name, kind, place)
        ]
        made = expression.to_sql("duckdb", prefix=f"{place}:")
        if expression.kind in ("number", "boolean"):
            made = f"CAST({made} AS VARCHAR)"
        if not wrong:
            return made
        return f"CASE WHEN {' OR '.join(wrong)} THEN {_ASIDE[expression.kind]} ELSE {made} END"

    def _taken(self, name: str, kind: str, place: int) -> Iterator[str]:
        """Take in one column; the conditions under which its cell is unreadable."""
        from spcbench.measures.dialect_duckdb import DuckDB
        from spcbench.measures.entry import Way, entry, plausible
        from spcbench.measures.field import Field

        dialect = DuckDB()
        cell, first = f"{place}?cell {name}", f"{place}?raw {name}"
        dated = kind in ("date", "datetime")
        made = entry(
            Field(name=name, type=cast("Any", kind)),
            self.natives[name],
            Way(dialect=dialect, source=self.source, zone=self.plan.zone),
            value=f"{place}:{name}",
            cell=cell,
            date_format=self.plan.date_format if dated else None,
        )
        self.entered += [f"{made.value} AS {named(first)}", f"{named(name)} AS {named(cell)}"]
        final = plausible(named(first), dialect) if dated else named(first)
        self.checked.append(f"{final} AS {named(f'{place}:{name}')}")
        yield from (condition for code, condition in made.problems if code == "wrong_type")


def _typed(one: Made, natives: Mapping[str, str], plan: Plan) -> Expression:
    """The expression, once each of its columns has a type."""
    from spcbench.measures.expression import parse_value
    from spcbench.measures.field import Field

    kinds = {name: _kind_of(natives[name], plan.types.get(name)) for name in one.sources}
    kinds = settled(one.text, kinds)
    fields = [Field(name=name, type=cast("Any", kind or "text")) for name, kind in kinds.items()]
    return parse_value(one.text, fields, part=f"{plan.owner}, {one.name!r}")


def _kind_of(native: str, said: str | None) -> str | None:
    """The type of a column that has one; None for text, which may hold anything."""
    from spcbench.measures.dialect_duckdb import DuckDB

    if said is not None:
        return said
    kind = DuckDB().native(native)
    kind = {"zoned": "datetime", "integer": "number"}.get(kind, kind)
    return kind if kind in ("number", "boolean", "date", "datetime") else None
