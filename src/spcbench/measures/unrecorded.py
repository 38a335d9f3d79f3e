"""Composites of which a part is recorded nowhere, and what becomes of their counts.

Whoever missed another part is known to have missed something; all others are
unknown and left out. Where nothing is ever recorded of one part, nearly the whole
denominator is cases with a miss, and the value falls towards 0 % whatever the care
was. So nothing is counted there. It is the same where it is never known to whom the
part was due. A share of opportunities has no such slope: its part that is never known
is left out, and that is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spcbench.measures.measure import Composite, Measure
from spcbench.measures.tallies import parts_of, recorded_name
from spcbench.measures.wanted import Wanted, named_measures

PART_NEVER_KNOWN = "part_never_known"
"""What the quality table calls cases due a part of which their unit records nothing."""

LEAST_SHARE = 0.1
"""Of the cases of an all-or-none composite; a part due to fewer can move it but little."""

MOST_NAMED = 10
"""Units that one line names; more are only counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unrecorded:
    """One composite of one unit, and the parts of which that unit records nothing.

    Parameters
    ----------
    measure : str
        Full name of the composite.
    unit : str
        The unit.
    counted : bool
        Whether the composite is counted all the same: a share of opportunities is.
    parts : tuple of (str, str, int)
        Id and title of each part, and of how many cases that may be due it nothing is known.
    """

    measure: str
    unit: str
    counted: bool
    parts: tuple[tuple[str, str, int], ...]

    @property
    def note(self) -> str:
        """What the counts say of it; without numbers, which may be small.

        Examples
        --------
        >>> parts = (("ocm", "Cord", 4), ("warm", "Warm", 2))
        >>> Unrecorded(measure="p@1:all", unit="RJ1", counted=False, parts=parts).note
        'not counted, because for no case are these known to be due, and met or not: Cord, Warm'
        """
        titles = ", ".join(title for _, title, _ in self.parts)
        if self.counted:
            return f"leaves out what for no case is known to be due, and met or not: {titles}"
        which = "are these" if len(self.parts) > 1 else "is this"
        return f"not counted, because for no case {which} known to be due, and met or not: {titles}"


def unrecorded(wanted: Sequence[Wanted], found: Mapping[str, Any]) -> list[Unrecorded]:
    """Composites and units of which a part is, or may be, due, and known for no case at all.

    Parameters
    ----------
    wanted : sequence of Wanted
        Packs and measures.
    found : mapping
        What the query gave, one array per column. All periods of a unit are taken
        together: a part that is missing in one month only is an ordinary unknown.

    Returns
    -------
    list of Unrecorded
        By composite, then unit. A part that is due to nobody is not among them, nor one
        that is, or may be, due to fewer than one in ten cases of an all-or-none composite.
    """
    placed = ~np.ma.getmaskarray(found["unit"])
    units, at = np.unique(np.asarray(found["unit"][placed]).astype("U"), return_inverse=True)

    def by_unit(tally: str) -> np.ndarray:
        sums = np.zeros(units.size, dtype=np.int64)
        np.add.at(sums, at, np.asarray(found[tally])[placed])
        return sums

    made: list[Unrecorded] = []
    for full, name, measure in named_measures(wanted):
        if not isinstance(measure, Composite):
            continue
        parts = parts_of(name, measure)
        known, unknown = (
            np.array([by_unit(recorded_name(name, part, what)) for part in parts])
            for what in ("known", "unknown")
        )
        titles = list(_titled(wanted, name, measure))
        made += [
            Unrecorded(measure=full, unit=str(units[unit]), counted=_counted(measure), parts=lost)
            for unit, lost in _never_known(titles, known, unknown, always=_counted(measure))
        ]
    return made


def _counted(measure: Composite) -> bool:
    return measure.form == "opportunity"


def _never_known(
    titles: Sequence[tuple[str, str]], known: np.ndarray, unknown: np.ndarray, *, always: bool
) -> Iterator[tuple[int, tuple[tuple[str, str, int], ...]]]:
    """Units and their parts (rows of the arrays) that are, or may be, due and never known.

    Unless `always`, a part that is due to very few is let pass. Nearly every case is due
    the part that most are due.
    """
    least = 0.0 if always else LEAST_SHARE * (known + unknown).max(axis=0)
    never = (known == 0) & (unknown > 0) & (unknown >= least)
    for unit in np.flatnonzero(never.any(axis=0)):
        yield (
            int(unit),
            tuple(
                (*titles[int(part)], int(unknown[part, unit]))
                for part in np.flatnonzero(never[:, unit])
            ),
        )


def _titled(wanted: Sequence[Wanted], name: str, measure: Composite) -> Iterator[tuple[str, str]]:
    """Id and title of each part of a composite."""
    pack = wanted[int(name.partition(":")[0])].pack
    titles = {one.id: one.short or one.title for one in pack.measures if isinstance(one, Measure)}
    yield from ((part, titles[part]) for part in measure.of)


def unrecorded_quality(lost: Sequence[Unrecorded]) -> list[tuple[str, str, str, int]]:
    """Rows of the quality table: composite, part, problem, and records in all units together.

    Parameters
    ----------
    lost : sequence of Unrecorded
        As `unrecorded` gives them.
    """
    sums: dict[tuple[str, str], int] = {}
    for one in lost:
        for part, _, records in one.parts:
            sums[one.measure, part] = sums.get((one.measure, part), 0) + records
    return [(full, part, PART_NEVER_KNOWN, number) for (full, part), number in sums.items()]


def unrecorded_notes(lost: Sequence[Unrecorded]) -> list[str]:
    """The same for the provenance, one line for all units of which it is true.

    Parameters
    ----------
    lost : sequence of Unrecorded
        As `unrecorded` gives them.

    Examples
    --------
    >>> unrecorded_notes([Unrecorded(measure="p@1:all", unit=unit, counted=True,
    ...                              parts=(("warm", "Warm", 2),)) for unit in ("A", "B")])
    ['p@1:all of A, B: leaves out what for no case is known to be due, and met or not: Warm']
    """
    units: dict[tuple[str, str], list[str]] = {}
    for one in lost:
        units.setdefault((one.measure, one.note), []).append(one.unit or "all records")
    return [
        f"{full} of {', '.join(named[:MOST_NAMED])}"
        + (f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else "")
        + f": {note}"
        for (full, note), named in units.items()
    ]
