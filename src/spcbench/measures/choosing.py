"""Which packs and measures a count is about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from spcbench.errors import AmbiguousNameError, OptionError, UnknownNameError
from spcbench.measures.measure import Composite, Measure
from spcbench.measures.wanted import Wanted
from spcbench.plugin.records import Pack

if TYPE_CHECKING:
    from spcbench.plugin.host import PluginHost


def chosen_packs(packs: Iterable[str | Path | Pack], host: PluginHost | None) -> list[Pack]:
    """The packs meant by ids, files and packs, each once.

    Raises
    ------
    OptionError
        If there is none, or two different ones share a name.
    """
    from spcbench.measures.pack import load_pack
    from spcbench.plugin.host import default_host

    if isinstance(packs, (str, Path, Pack)):
        packs = [packs]
    found: dict[str, Pack] = {}
    for one in packs:
        if isinstance(one, Pack):
            pack = one
        elif isinstance(one, Path) or one.lower().endswith(".toml"):
            pack = load_pack(one)
        else:
            pack = (host or default_host()).pack(one)
        if found.setdefault(pack.name, pack) != pack:
            raise OptionError(f"two different packs are called {pack.name!r}; count them apart")
    if not found:
        raise OptionError("no pack is given; packs=['pop'] or a path to a .toml file says which")
    return list(found.values())


def wanted_measures(packs: Sequence[Pack], names: Iterable[str] | None) -> list[Wanted]:
    """What is wanted of each pack; by default all that is counted from records."""
    names = [names] if isinstance(names, str) else names
    asked = None if names is None else {_find(name, packs) for name in names}
    wanted = []
    for pack in packs:
        chosen = [
            measure
            for measure in pack.measures
            if isinstance(measure, (Measure, Composite))
            and (
                (pack.name, measure.id) in asked
                if asked is not None
                else _kind(measure) == "records"
            )
        ]
        for measure in chosen:
            if _kind(measure) == "given":
                raise OptionError(
                    f"{pack.name}:{measure.id} is counted by those who keep it; "
                    "give a table of counts instead of counting records"
                )
            if _kind(measure) == "published":
                raise OptionError(
                    f"{pack.name}:{measure.id} is only published already counted; "
                    "read the published file instead of counting records"
                )
        if chosen:
            wanted.append(Wanted.of(pack, chosen))
    if not wanted:
        listed = ", ".join(pack.name for pack in packs)
        raise OptionError(f"no measure of {listed} is counted from records")
    return wanted


def _kind(measure: object) -> str:
    """Whence its counts come; a composite is made of measures on records."""
    return measure.kind if isinstance(measure, Measure) else "records"


def _find(name: str, packs: Sequence[Pack]) -> tuple[str, str]:
    """The pack and measure that a full, half or bare name means among these packs."""
    owner, _, measure_id = name.rpartition(":")
    found = [
        (pack.name, measure.id)
        for pack in packs
        for measure in pack.measures
        if measure.id == measure_id and owner in ("", pack.id, pack.name)
    ]
    if not found:
        known = [f"{pack.name}:{measure.id}" for pack in packs for measure in pack.measures]
        raise UnknownNameError("measure", name, known)
    if len(found) > 1:
        listed = ", ".join(":".join(one) for one in found)
        raise AmbiguousNameError(f"several packs have a measure {name!r}; write one of: {listed}")
    return found[0]
