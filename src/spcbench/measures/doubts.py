"""What makes it doubtful that records hold what a pack takes them to hold.

A column in another unit may pass every check of one record: minutes in a column of
seconds are seconds that are too few. What it does to a whole unit is seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from spcbench.errors import InputError
from spcbench.measures.column_names import CHECK_FIRST
from spcbench.measures.measure import Measure
from spcbench.measures.rejects import reason_of
from spcbench.measures.tallies import known_name, part_name, problem_name
from spcbench.measures.wanted import Wanted, named_measures

if TYPE_CHECKING:
    from spcbench.measures.query import CountQuery

Found = Mapping[str, Any]

MANY = 0.2
"""Share of records set aside from which the rest may not stand for all (a proposal)."""

LEAST_READ = 20
"""Fewest records of which a share says anything (a proposal)."""

LEAST_KNOWN = 20
"""Fewest known cases of a unit of which it is surprising that none met (a proposal)."""

MET_BY_NONE, MET_BY_ALL = "met_by_none", "met_by_all"
"""What the quality table calls a measure that all known cases of a unit missed."""

MOST_NAMED = 10
"""Units that one line names; more are only counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubtful:
    """One measure that no known case met in some units, or all did where fewer is better.

    Parameters
    ----------
    measure : str
        Full name.
    problem : str
        ``"met_by_none"`` or ``"met_by_all"``.
    units : tuple of (str, int)
        Units, and how many known cases each has.
    columns : tuple of str
        Columns that say whether it is met.
    """

    measure: str
    problem: str
    units: tuple[tuple[str, int], ...]
    columns: tuple[str, ...]

    @property
    def records(self) -> int:
        """Known cases in all these units."""
        return sum(known for _, known in self.units)

    @property
    def note(self) -> str:
        """What to look at.

        Examples
        --------
        >>> Doubtful(measure="p@1:ocm", problem="met_by_none", units=(("RJ1", 160),),
        ...          columns=("clamp_seconds",)).note
        'check first: p@1:ocm: none of the known cases met it in RJ1 (160); check the unit and \
the codes of its columns: clamp_seconds'
        """
        who = "none" if self.problem == MET_BY_NONE else "all"
        named = [f"{unit or 'all records'} ({known:,})" for unit, known in self.units[:MOST_NAMED]]
        more = len(self.units) - MOST_NAMED
        return (
            f"{CHECK_FIRST}{self.measure}: {who} of the known cases met it in {', '.join(named)}"
            + (f" and {more} more" if more > 0 else "")
            + f"; check the unit and the codes of its columns: {', '.join(self.columns)}"
        )


def doubtful(wanted: Sequence[Wanted], results: Sequence[Found]) -> list[Doubtful]:
    """Measures that none of a unit's many known cases met.

    Parameters
    ----------
    wanted : sequence of Wanted
        Packs and measures. Composites are left out, because their parts are looked at,
        and so are measures with `strata`: there it may be so by construction.
    results : sequence of mappings
        What the queries gave; each tally is in one of them. All periods of a unit
        are taken together.

    Returns
    -------
    list of Doubtful
        In the order of the tables.
    """
    return [
        one
        for full, name, measure in named_measures(wanted)
        if isinstance(measure, Measure) and measure.better != "neither" and not measure.strata
        for one in _doubtful(full, name, measure, wanted, results)
    ]


def _doubtful(
    full: str, name: str, measure: Measure, wanted: Sequence[Wanted], results: Sequence[Found]
) -> Iterator[Doubtful]:
    owner = wanted[int(name.partition(":")[0])]
    tallies = [part_name(name, part) for part in ("numerator", "denominator")]
    for found in results:
        if tallies[1] not in found:
            continue
        placed = ~np.ma.getmaskarray(found["unit"])
        units, at = np.unique(np.asarray(found["unit"][placed]).astype("U"), return_inverse=True)
        met, known = (
            np.bincount(at, np.asarray(found[one])[placed], minlength=units.size).astype(int)
            for one in tallies
        )
        higher = measure.better == "higher"
        odd = (known >= LEAST_KNOWN) & (met == (0 if higher else known))
        if odd.any():
            yield Doubtful(
                measure=full,
                problem=MET_BY_NONE if higher else MET_BY_ALL,
                units=tuple((str(units[one]), int(known[one])) for one in np.flatnonzero(odd)),
                columns=_there(found, _sources(owner, owner.conditions[measure.id].met.columns)),
            )
        return


def _sources(owner: Wanted, asked: Set[str]) -> tuple[str, ...]:
    """Columns of the records that some fields are, or are worked out from."""
    needed = set(asked)
    for field, expression in reversed(owner.derived):
        if field.name in needed:
            needed |= expression.columns
    return tuple(one.name for one in owner.declared if one.name in needed)


def _there(found: Found, names: Sequence[str]) -> tuple[str, ...]:
    """Columns of which something is known, where that was asked."""
    return tuple(
        one for one in names if known_name(one) not in found or np.sum(found[known_name(one)])
    )


def _known(found: Found, name: str) -> bool:
    """Whether anything is known of a field, as far as that was asked."""
    return known_name(name) in found and bool(np.sum(found[known_name(name)]))


def doubtful_quality(doubts: Sequence[Doubtful]) -> list[tuple[str, None, str, int]]:
    """Rows of the quality table: measure, no field, problem, known cases.

    Parameters
    ----------
    doubts : sequence of Doubtful
        As `doubtful` gives them.
    """
    return [(one.measure, None, one.problem, one.records) for one in doubts]


def set_aside_notes(query: CountQuery, found: Found, totals: Mapping[str, int]) -> list[str]:
    """What to say where so many records are set aside that the rest may not stand for all.

    Parameters
    ----------
    query : CountQuery
        What was asked of the records.
    found : mapping
        What the query gave.
    totals : mapping
        `records`, `rejected` and `ragged`.
    """
    read = totals["records"] + totals["ragged"]
    lost = totals["rejected"] + totals["ragged"]
    if read < LEAST_READ or lost <= MANY * read:
        return []
    numbers = {
        problem: int(np.sum(found[tally]))
        for problem in query.problems
        if problem.sets_aside and (tally := problem_name(problem.field, problem.code)) in found
    }
    why = ""
    if numbers:
        most = max(numbers, key=lambda one: numbers[one])
        why = (
            f", most often because of {most.field} ({reason_of(most, query)}; "
            f"{numbers[most]:,} records): is it in the unit, and written in the way, that is "
            "expected?"
        )
    share = min(round(100 * lost / read), 99 if lost < read else 100)
    return [
        f"{CHECK_FIRST}{lost:,} of {read:,} records ({share} %) were set aside{why}"
        f"{'' if why else '.'} The rest may not stand for all of them."
    ]


def check_anything_known(
    query: CountQuery, wanted: Sequence[Wanted], results: Sequence[Found], source: str
) -> None:
    """Refuse records of which nothing can be counted, because columns are not there or empty.

    Raises
    ------
    InputError
        If no measure has a case, and of some measure it is known of no record that is used
        whether it is eligible, because columns are not there, or empty in many records.
    """
    found = results[0]
    used = int(np.sum(found["records"])) - int(np.sum(found["rejected"]))
    named = named_measures(wanted)
    if not used or any(
        np.sum(one[tally])
        for _, name, _ in named
        for one in results
        for part in ("denominator", "missing")
        if (tally := part_name(name, part)) in one
    ):
        return
    absent = {field.name for one in wanted for field in query.absent(one)}
    empty = {
        name
        for name in query.complete_fields
        if known_name(name) in found and not np.sum(found[known_name(name)])
    }
    for _, name, measure in named:
        tally = part_name(name, "eligible_unknown")
        if not isinstance(measure, Measure) or tally not in found or np.sum(found[tally]) < used:
            continue
        owner = wanted[int(name.partition(":")[0])]
        asked = owner.conditions[measure.id]
        counted_on = asked.counted_on.columns if asked.counted_on is not None else frozenset()
        # What is known by another way lacks nothing: gestation in days needs no weeks.
        unknown = {one for one in asked.eligible.columns | counted_on if not _known(found, one)}
        lacking = [
            f"{column} (not there)" if column in absent else f"{column} (empty)"
            for column in _sources(owner, unknown)
            if column in absent | empty
        ]
        # Few records of which one thing is unknown are no sign of a fault.
        if lacking and (used >= LEAST_KNOWN or any(one.endswith("(not there)") for one in lacking)):
            raise InputError(
                f"{source}: nothing can be counted, because it is not known which records are "
                f"eligible; what is missing: {', '.join(lacking)}. Add what you have of it, or say "
                "with mapping= (--mapping, --map) what it is made from"
            )
