"""What a name means: `pop@2023:mgso4`, `pop:mgso4`, `mgso4`; `p`, `my-plugin:p`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from spcbench.errors import AmbiguousNameError, UnknownNameError
from spcbench.plugin.records import Pack, PackMeasure

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Offered(Generic[Record]):
    """One record and the plugin it came from.

    Parameters
    ----------
    id : str
        The record's own name.
    plugin : str
        The name of its plugin.
    builtin : bool
        True if spcbench itself brings it.
    record : Pack, Reader, ChartType, RuleSet, OutputFormat or click.Command
        The record.
    """

    id: str
    plugin: str
    builtin: bool
    record: Record

    @property
    def full_name(self) -> str:
        """``plugin:id``, which always means this record."""
        return f"{self.plugin}:{self.id}"


def pick(noun: str, name: str, offered: Sequence[Offered[Record]]) -> Offered[Record]:
    """The record that a bare id or ``plugin:id`` means.

    A bare id is the built-in's, else the only plugin's.

    Raises
    ------
    UnknownNameError
        If nothing has that name.
    AmbiguousNameError
        If several plugins offer it; the message lists ``plugin:id`` of each.

    Examples
    --------
    >>> ours = Offered("p", "charts", True, "our p-chart")
    >>> theirs = Offered("p", "trust", False, "their p-chart")
    >>> pick("chart", "p", [ours, theirs]).record
    'our p-chart'
    >>> pick("chart", "trust:p", [ours, theirs]).record
    'their p-chart'
    """
    if ":" in name:
        matching = [one for one in offered if one.full_name == name]
        choices = [one.full_name for one in offered]
    else:
        matching = builtins_first(one for one in offered if one.id == name)
        choices = [one.id for one in offered]
    if not matching:
        raise UnknownNameError(noun, name, choices)
    if len(matching) > 1:
        listed = ", ".join(one.full_name for one in matching)
        raise AmbiguousNameError(
            f"several plugins offer the {noun} {name!r}; write one of: {listed}"
        )
    return matching[0]


def builtins_first(matching: Iterable[Offered[Record]]) -> list[Offered[Record]]:
    """The built-ins among them if there is one, else all."""
    found = list(matching)
    return [one for one in found if one.builtin] or found


def version_key(version: str) -> tuple[Any, ...]:
    """A key that sorts versions the way people read them: numbers as numbers.

    Examples
    --------
    >>> sorted(["2025.10", "2025.9", "2023"], key=version_key)
    ['2023', '2025.9', '2025.10']
    """
    natural = tuple(
        (part.isdigit(), int(part) if part.isdigit() else part)
        for part in re.findall(r"\d+|[a-z]+", version)
    )
    # The text itself settles ties such as 1.0 and 1.00.
    return natural, version


def newest(packs: Iterable[Pack]) -> Pack:
    """The pack of the highest version."""
    return max(packs, key=lambda pack: version_key(pack.version))


def pick_pack(name: str, packs: Sequence[Pack]) -> Pack:
    """The pack that ``pop`` (its newest version) or ``pop@2023`` means.

    Raises
    ------
    UnknownNameError
        If there is no such pack, or not in that version.
    """
    versioned = "@" in name
    matching = [pack for pack in packs if name == (pack.name if versioned else pack.id)]
    if not matching:
        known = [pack.name if versioned else pack.id for pack in packs]
        raise UnknownNameError("pack", name, known)
    return newest(matching)


def published_as(measure: PackMeasure) -> str:
    """What a measure is called where it is published; empty where it is nowhere."""
    return str(getattr(measure, "indicator", ""))


def pick_measure(name: str, packs: Sequence[Pack]) -> tuple[Pack, PackMeasure]:
    """The measure that a full, half or bare name means, with its pack.

    ``pop@2023:mgso4`` is that version; ``pop:mgso4`` and ``mgso4`` are the
    newest version that holds such a measure. A bare name that two packs use is
    ambiguous.

    Raises
    ------
    UnknownNameError
        If there is no such measure; the message lists names of the same form.
    AmbiguousNameError
        If packs of different ids hold one.
    """

    def spelled(pack: Pack, measure: PackMeasure) -> str:
        if ":" not in name:
            return measure.id
        return f"{pack.name if '@' in name else pack.id}:{measure.id}"

    every = [(pack, measure) for pack in packs for measure in pack.measures]
    matching = [pair for pair in every if spelled(*pair) == name]
    if not matching:
        bare = name.rpartition(":")[2].casefold()
        published = [pair for pair in every if bare and published_as(pair[1]).casefold() == bare]
        raise UnknownNameError(
            "measure",
            name,
            [spelled(*pair) for pair in every],
            meant=[spelled(*pair) for pair in published],
        )
    if len({pack.id for pack, _ in matching}) > 1:
        listed = ", ".join(sorted(f"{pack.name}:{measure.id}" for pack, measure in matching))
        raise AmbiguousNameError(f"several packs have a measure {name!r}; write one of: {listed}")
    return max(matching, key=lambda pair: version_key(pair[0].version))
