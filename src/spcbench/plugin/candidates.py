"""Who is there: plugins found and not yet imported, and which of them stand aside."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from spcbench.errors import PluginError


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plugin that was found and not yet imported."""

    name: str
    distribution: str
    version: str
    module: str
    load: Callable[[], Any]
    builtin: bool = False

    def is_among(self, disabled: Iterable[str]) -> bool:
        """Whether these names switch it off; nothing switches a built-in off."""
        return not self.builtin and not self._names.isdisjoint(map(_normal, disabled))

    @property
    def _names(self) -> frozenset[str]:
        """Every name that switches it off."""
        return frozenset({"all", _normal(self.name), _normal(self.distribution)})


def builtin_candidate(module: str) -> Candidate:
    """One of our own plugins, named by the last part of its module."""
    from spcbench import __version__

    return Candidate(
        name=module.rpartition(".")[2],
        distribution="spcbench",
        version=__version__,
        module=module,
        load=lambda: import_module(module),
        builtin=True,
    )


def given_candidate(plugin: Any) -> Candidate:
    """A module that the caller has imported, named by the last part of its name."""
    module = str(plugin.__name__)
    name = module.rpartition(".")[2]
    return Candidate(name=name, distribution=name, version="", module=module, load=lambda: plugin)


def installed_candidates() -> list[Candidate]:
    """The plugins that installed distributions announce, sorted, none imported."""
    found = [_announced(entry) for entry in entry_points(group="spcbench")]
    return sorted(found, key=lambda candidate: (candidate.name, candidate.distribution))


def _announced(entry: EntryPoint) -> Candidate:
    known = entry.dist
    return Candidate(
        name=entry.name,
        distribution=known.name if known else entry.value,
        version=known.version if known else "",
        module=entry.module,
        load=entry.load,
    )


def name_clashes(candidates: Iterable[Candidate]) -> Iterator[tuple[Candidate, PluginError]]:
    """Candidates that may not come in, because another claims the same name."""
    claims: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        claims[candidate.name].append(candidate)
    for name, claimants in claims.items():
        yield from refused(claimants, f"the name {name!r} is also claimed by")


def refused(claimants: Sequence[Candidate], reason: str) -> Iterator[tuple[Candidate, PluginError]]:
    """Every claimant but a built-in, each naming the others."""
    if len(claimants) < 2:
        return
    for position, candidate in enumerate(claimants):
        others = [other for place, other in enumerate(claimants) if place != position]
        if not candidate.builtin:
            named = " and ".join(dict.fromkeys(other.distribution for other in others))
            yield candidate, PluginError(f"{reason} {named}")


def unmatched_names(disabled: Iterable[str], candidates: Iterable[Candidate]) -> tuple[str, ...]:
    """The names in `disabled` that switch nothing off, as they were written."""
    known = list(candidates)
    return tuple(
        dict.fromkeys(
            name.strip()
            for name in disabled
            if _normal(name) not in ("", "all")
            and not any(candidate.is_among([name]) for candidate in known)
        )
    )


def _normal(name: str) -> str:
    """One spelling of a distribution's name, as packaging tools compare them."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()
