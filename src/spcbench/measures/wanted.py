"""What is wanted of each pack, with its expressions checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from spcbench.measures.measure import Composite, Field, Measure
from spcbench.measures.pack import check_pack

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
        `eligible` and `met` of each measure on records, by id.
    """

    pack: Pack
    measures: tuple[Measure | Composite, ...]
    conditions: Mapping[str, tuple[Expression, Expression]]

    @classmethod
    def of(cls, pack: Pack, measures: Sequence[Measure | Composite]) -> Wanted:
        """The wanted measures of a pack, with their expressions checked."""
        return cls(pack=pack, measures=tuple(measures), conditions=check_pack(pack))

    @property
    def needed(self) -> tuple[str, ...]:
        """Ids of the measures on records to be judged, in the order of the pack."""
        ids: set[str] = set()
        for measure in self.measures:
            ids.update(measure.of if isinstance(measure, Composite) else (measure.id,))
        return tuple(one for one in self.conditions if one in ids)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the table must have, in the order of the pack."""
        used: set[str] = set()
        for one in self.needed:
            used.update(*(condition.columns for condition in self.conditions[one]))
        declared = cast("tuple[Field, ...]", self.pack.fields)
        return tuple(field.name for field in declared if field.required or field.name in used)


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
