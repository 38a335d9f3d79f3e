"""Trying out the worked examples of a pack: what its measures make of each, in one count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from spcbench.measures.dialect_duckdb import DUCKDB
from spcbench.measures.entry import ZONE, Way
from spcbench.measures.example import Example
from spcbench.measures.field import Field
from spcbench.measures.measure import Composite, Measure
from spcbench.measures.periods import Periods
from spcbench.measures.query import CountQuery
from spcbench.measures.records_sql import open_records
from spcbench.measures.tallies import KEY_UNKNOWN, broken_name, part_name
from spcbench.measures.wanted import Wanted
from spcbench.plugin.records import Pack

if TYPE_CHECKING:
    import pyarrow as pa

    from spcbench.plugin.host import PluginHost

UNIT_COLUMN = "worked_example_unit"
DATE_COLUMN = "worked_example_date"
_DAY = "2024-01-15"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One example, and what came of it.

    Parameters
    ----------
    measure : Measure or Composite
        Whose example it is.
    example : Example
        The record and what was expected.
    outcome : str
        What the measure made of the record, in the words of `Example.expected`.
    """

    measure: Measure | Composite
    example: Example
    outcome: str

    @property
    def agrees(self) -> bool:
        """Whether it is what was expected."""
        return self.outcome == self.example.expected


def tried_examples(pack: Pack) -> tuple[Tried, ...]:
    """What the measures of a pack make of their worked examples.

    Parameters
    ----------
    pack : Pack
        Its examples are counted in one scan, each as a unit of its own.

    Returns
    -------
    tuple of Tried
        In the order of the pack; empty if it has no examples.

    Raises
    ------
    PackError
        If the pack breaks the format.

    Examples
    --------
    >>> from spcbench.measures.measure import Field
    >>> warm = Measure(id="warm", title="Warm", better="higher", eligible="TRUE",
    ...                met="celsius >= 36.5", examples=(
    ...     Example(title="just warm", record={"celsius": 36.5}, expected="met"),
    ...     Example(title="not taken", record={}, expected="not_met")))
    >>> pack = Pack(id="example", title="Example", version="1", record="baby",
    ...             fields=(Field(name="celsius", type="number"),), measures=(warm,))
    >>> [(one.outcome, one.agrees) for one in tried_examples(pack)]
    [('met', True), ('unknown', False)]
    """
    owners = [
        measure
        for measure in pack.measures
        if isinstance(measure, (Measure, Composite)) and measure.examples
    ]
    if not owners:
        return ()
    listed = [(owner, example) for owner in owners for example in owner.examples]
    wanted = Wanted.of(pack, owners)
    sums = _sums(wanted, _table(pack, [example for _, example in listed]))
    return tuple(
        Tried(
            measure=owner,
            example=example,
            outcome=_outcome(owner, sums[_unit(place)]),
        )
        for place, (owner, example) in enumerate(listed)
    )


def differing_examples(packs: Iterable[Pack], host: PluginHost | None = None) -> list[str]:
    """Worked examples of packs of one's own that come out otherwise, a line each.

    Parameters
    ----------
    packs : iterable of Pack
        Those that a plugin offers are passed over: its own tests try them.
    host : PluginHost, optional
        Knows what plugins offer.

    Raises
    ------
    PackError
        If a pack breaks the format.

    Examples
    --------
    >>> from spcbench.measures.measure import Field
    >>> warm = Measure(id="warm", title="Warm", better="higher", eligible="TRUE", met="warm",
    ...                examples=(Example(title="not known", record={}, expected="not_met"),))
    >>> pack = Pack(id="example", title="Example", version="1", record="baby",
    ...             fields=(Field(name="warm", type="boolean"),), measures=(warm,))
    >>> print(*differing_examples([pack]))
    example@1:warm: of the worked example 'not known', not_met is expected and unknown comes of it
    """
    from spcbench.plugin.host import default_host

    offered = {id(one.record) for one in (host or default_host()).packs()}
    return [
        f"{pack.name}:{one.measure.id}: of the worked example {one.example.title!r}, "
        f"{one.example.expected} is expected and {one.outcome} comes of it"
        for pack in packs
        if id(pack) not in offered
        for one in tried_examples(pack)
        if not one.agrees
    ]


def _unit(place: int) -> str:
    return f"example {place:06}"


def _table(pack: Pack, examples: Sequence[Example]) -> pa.Table:
    """The examples as text, which is read by the declared types like any file."""
    import pyarrow as pa

    given = [cast("Field", one) for one in pack.fields]
    cells = {
        one.name: pa.array([_cell(example.record.get(one.name)) for example in examples])
        if any(one.name in example.record for example in examples)
        else pa.nulls(len(examples))
        for one in given
        if not one.from_
    }
    text = {name: cell.cast(pa.string()) for name, cell in cells.items()}
    text[UNIT_COLUMN] = pa.array([_unit(place) for place in range(len(examples))])
    text[DATE_COLUMN] = pa.array([_DAY] * len(examples))
    return pa.table(text)


def _cell(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date) else repr(value)


def _sums(wanted: Wanted, table: pa.Table) -> dict[str, dict[str, int]]:
    """What was added up for each example, by its unit."""
    opened = open_records(table, columns=table.column_names)
    with closing(opened) as records:
        query = CountQuery(
            [wanted],
            records.natives,
            Way(dialect=DUCKDB, source=f"examples of {wanted.pack.name}", zone=ZONE),
            unit_column=UNIT_COLUMN,
            date_column=DATE_COLUMN,
            periods=Periods(length="year"),
        )
        results = [records.fetch(query.counts(records.relation))]
        results += [records.fetch(one) for one in query.shared(records.relation)]
    found: dict[str, dict[str, int]] = {}
    for result in results:
        names = np.asarray(result["unit"]).astype("U")
        tallies = [name for name in result if name not in ("unit", "period")]
        for row, unit in enumerate(names):
            own = {name: int(result[name][row]) for name in tallies}
            found.setdefault(str(unit), {}).update(own)
    return found


def _outcome(measure: Measure | Composite, sums: Mapping[str, int]) -> str:
    """One record's outcome, from the sums over it alone."""
    name = f"0:{measure.id}"

    def part(of: str) -> int:
        return sums.get(part_name(name, of), 0)

    if sums[broken_name(0)] or part("met_unknown_set_aside"):
        return "set_aside"
    met, due, missing = (part(one) for one in ("numerator", "denominator", "missing"))
    if isinstance(measure, Composite) and measure.form == "opportunity":
        if due:
            return f"{met} of {due}" + (f" and {missing} unknown" if missing else "")
    elif due:
        return "met" if met else "not_met"
    unsure = missing or part("eligible_unknown") or part(KEY_UNKNOWN)
    return "unknown" if unsure else "outside"
