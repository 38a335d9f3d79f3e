"""What is wanted of each pack, with its expressions checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from spcbench.measures.derived import derived_fields, parsed_checks
from spcbench.measures.measure import Check, Composite, Field, Measure
from spcbench.measures.pack import Conditions, check_pack

if TYPE_CHECKING:
    from spcbench.measures.expression import Expression
    from spcbench.plugin.records import Pack


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One pack and what is wanted of it.

    Parameters
    ----------
    pack : Pack
        The definitions.
    measures : tuple of Measure or Composite
        What goes into the counts.
    conditions : mapping
        What each measure on records asks, by id.
    derived : tuple of (Field, Expression)
        Fields that are worked out, each after those it needs.
    checks : tuple of (Check, Expression)
        What must hold between fields.
    """

    pack: Pack
    measures: tuple[Measure | Composite, ...]
    conditions: Mapping[str, Conditions]
    derived: tuple[tuple[Field, Expression], ...] = ()
    checks: tuple[tuple[Check, Expression], ...] = ()

    @classmethod
    def of(cls, pack: Pack, measures: Sequence[Measure | Composite]) -> Wanted:
        """The wanted measures of a pack, with their expressions checked."""
        return cls(
            pack=pack,
            measures=tuple(measures),
            conditions=check_pack(pack),
            derived=derived_fields(pack),
            checks=parsed_checks(pack),
        )

    @property
    def needed(self) -> tuple[str, ...]:
        """Ids of the measures on records to be judged, in the order of the pack."""
        ids: set[str] = set()
        for measure in self.measures:
            ids.update(measure.of if isinstance(measure, Composite) else (measure.id,))
        return tuple(one for one in self.conditions if one in ids)

    @property
    def only_key(self) -> str:
        """The field that names a record, where nothing else is asked of it; else empty."""
        used = set(self.fields)
        used.update(*(expression.columns for _, expression in (*self.derived, *self.checks)))
        return "" if self.pack.key in used else self.pack.key

    @property
    def asked(self) -> frozenset[str]:
        """Fields that the wanted measures themselves name."""
        used: set[str] = set()
        alone = {measure.id for measure in self.measures}
        for one in self.needed:
            used.update(self.conditions[one].columns(alone=one in alone))
        used.update(key for measure in self.measures if (key := key_of(measure)))
        return frozenset(used)

    @property
    def fields(self) -> tuple[str, ...]:
        """Fields that the wanted measures use, and those they are worked out from."""
        used = set(self.asked)
        for field, expression in reversed(self.derived):
            if field.name in used or field.required:
                used.update(expression.columns)
        declared = cast("tuple[Field, ...]", self.pack.fields)
        return tuple(one.name for one in declared if one.required or one.name in used)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the table must have, in the order of the pack."""
        given = {one.name for one in self.declared if not one.optional}
        return tuple(name for name in self.fields if name in given)

    def absent(self, columns: Iterable[str]) -> tuple[Field, ...]:
        """Optional fields that a table with these columns does not have: unknown throughout."""
        there = set(columns)
        return tuple(one for one in self.declared if one.optional and one.name not in there)

    @property
    def declared(self) -> tuple[Field, ...]:
        """Fields that are columns of the table."""
        fields = cast("tuple[Field, ...]", self.pack.fields)
        return tuple(one for one in fields if not one.from_)

    def derivable(self, columns: Iterable[str]) -> tuple[tuple[Field, Expression], ...]:
        """The derived fields that a table with these columns gives, in order."""
        columns = set(columns)
        known, found = columns & {one.name for one in self.declared}, []
        known |= {one.name for one in self.absent(columns)}
        for field, expression in self.derived:
            if expression.columns <= known:
                known.add(field.name)
                found.append((field, expression))
        return tuple(found)


def key_of(measure: Measure | Composite) -> str:
    """The field by which a measure takes records together; empty for none."""
    return measure.count_by or (measure.cluster if isinstance(measure, Composite) else "")


def named_measures(wanted: Sequence[Wanted]) -> list[tuple[str, str, Measure | Composite]]:
    """Full name, name in the query, and measure, in the order of the tables."""
    return sorted(
        (
            (f"{one.pack.name}:{measure.id}", f"{place}:{measure.id}", measure)
            for place, one in enumerate(wanted)
            for measure in one.measures
        ),
        key=lambda named: named[0],
    )
