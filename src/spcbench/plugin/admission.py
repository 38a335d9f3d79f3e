"""Letting plugins in: import each, check it, take it whole or not at all.

The outcome is one frozen `Admitted`; `host` answers questions from it. Nothing
heavy is imported: `spcbench --help` loads this module.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import pluggy

from spcbench.errors import PluginError, SpcbenchError
from spcbench.plugin import hookspecs
from spcbench.plugin.candidates import Candidate, name_clashes, refused, unmatched_names
from spcbench.plugin.hookspecs import API_VERSION
from spcbench.plugin.records import ID_PATTERN, ChartType, OutputFormat, Pack, Reader, RuleSet

Status = Literal["builtin", "active", "disabled", "failed"]
Offers = Mapping[str, tuple[Any, ...]]
"""Records by kind: ``{"packs": (Pack, …), "charts": (…)}``."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of thing a plugin offers, and the hook that yields it."""

    plural: str
    noun: str
    record: type | None

    @property
    def hook(self) -> str:
        """The hook's name."""
        return f"spcbench_{self.plural}"

    def record_type(self) -> type:
        """The type of its records; click is loaded only when a plugin offers commands."""
        if self.record is not None:
            return self.record
        import click

        return click.Command

    def name_of(self, record: Any) -> str:
        """The name a record goes by: packs with their version."""
        return str(record.name if self.plural in ("packs", "commands") else record.id)


KINDS = (
    Kind("packs", "pack", Pack),
    Kind("readers", "reader", Reader),
    Kind("charts", "chart", ChartType),
    Kind("rule_sets", "rule set", RuleSet),
    Kind("formats", "format", OutputFormat),
    Kind("commands", "command", None),
)


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """What `spcbench plugins` says of one plugin.

    Parameters
    ----------
    name, distribution, version : str
        The entry point's name, and the distribution that brought it.
    status : str
        ``"builtin"``, ``"active"``, ``"disabled"`` or ``"failed"``.
    provides : mapping of str to tuple of str
        Ids by kind, such as ``{"packs": ("pop@2023",)}``; only kinds that it offers.
    problem : str
        One line saying why a failed plugin was refused; else empty.
    module : str
        What it is imported by.
    """

    name: str
    distribution: str
    version: str
    status: Status
    provides: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    problem: str = ""
    module: str = ""


@dataclass(frozen=True, slots=True)
class Admitted:
    """The outcome: every plugin that was found, and what the admitted ones offer."""

    plugins: tuple[PluginInfo, ...]
    offers: Mapping[str, Offers]
    unmatched: tuple[str, ...]
    """Names that were to be disabled and match nothing that is installed."""


def admit_all(
    candidates: Iterable[Candidate], *, disabled: Iterable[str] = (), strict: bool = False
) -> Admitted:
    """Take in every plugin that keeps the contract.

    Parameters
    ----------
    candidates : iterable of Candidate
        Built-ins first; the order of the result.
    disabled : iterable of str
        Names of plugins or distributions to leave unimported; ``"all"`` leaves
        the built-ins only. A built-in cannot be disabled.
    strict : bool
        Raise the first plugin's error instead of noting it.

    Returns
    -------
    Admitted

    Raises
    ------
    Exception
        Whatever a plugin raised, and only when `strict`.
    """
    found = list(candidates)
    disabled = tuple(disabled)
    rest = [candidate for candidate in found if not candidate.is_among(disabled)]
    errors: dict[Candidate, BaseException] = dict(name_clashes(rest))
    offers: dict[Candidate, Offers] = {}
    manager = new_manager()
    for candidate in rest:
        if candidate in errors:
            continue
        try:
            offers[candidate] = admit(manager, candidate)
        # SystemExit too: a script imported by mistake often ends with exit().
        except (Exception, SystemExit) as error:
            errors[candidate] = error
    errors.update(_pack_clashes(offers))
    if strict and errors:
        raise next(errors[candidate] for candidate in found if candidate in errors)
    taken = {candidate: given for candidate, given in offers.items() if candidate not in errors}
    return Admitted(
        plugins=tuple(
            _info(candidate, taken.get(candidate), errors.get(candidate)) for candidate in found
        ),
        offers=MappingProxyType({candidate.name: given for candidate, given in taken.items()}),
        unmatched=unmatched_names(disabled, found),
    )


def new_manager() -> pluggy.PluginManager:
    """A manager that knows the six hooks and no plugin."""
    manager = pluggy.PluginManager("spcbench")
    manager.add_hookspecs(hookspecs)
    return manager


def admit(manager: pluggy.PluginManager, candidate: Candidate) -> Offers:
    """Import one plugin, check it and collect its records; all or nothing.

    Parameters
    ----------
    manager : pluggy.PluginManager
        Holds the plugins admitted so far; unchanged if this one fails.
    candidate : Candidate
        The plugin.

    Returns
    -------
    mapping of str to tuple
        Its records by kind.

    Raises
    ------
    PluginError
        If it breaks the contract.
    Exception
        Whatever it raises itself.
    """
    if not ID_PATTERN.fullmatch(candidate.name):
        raise PluginError(f"the name {candidate.name!r} must match {ID_PATTERN.pattern}")
    plugin = candidate.load()
    _check_api(plugin)
    namesake = manager.get_name(plugin)
    if namesake is not None:
        raise PluginError(f"its module is already loaded as plugin {namesake!r}")
    try:
        manager.register(plugin, candidate.name)
        _check_hooks(manager, plugin)
        return MappingProxyType(
            {kind.plural: records for kind in KINDS if (records := _collect(kind, plugin, manager))}
        )
    except BaseException:
        # pluggy up to 1.6 leaves a plugin that fails in register() half registered.
        # Compare the object: by name alone we might remove an innocent namesake.
        if manager.get_plugin(candidate.name) is plugin:
            manager.unregister(plugin)
        raise


def _check_api(plugin: Any) -> None:
    declared = getattr(plugin, "SPCBENCH_API", None)
    if declared is None:
        raise PluginError(
            f"it declares no SPCBENCH_API, this spcbench offers {API_VERSION}; "
            f"write SPCBENCH_API = {API_VERSION} in its module"
        )
    if type(declared) is not int or declared != API_VERSION:
        raise PluginError(
            f"it was written for plugin API {declared}, this spcbench offers {API_VERSION}"
        )


def _implementations(
    manager: pluggy.PluginManager, plugin: Any
) -> Iterator[tuple[pluggy.HookCaller, pluggy.HookImpl]]:
    for caller in manager.get_hookcallers(plugin) or ():
        for implementation in caller.get_hookimpls():
            if implementation.plugin is plugin:
                yield caller, implementation


def _check_hooks(manager: pluggy.PluginManager, plugin: Any) -> None:
    for caller, implementation in _implementations(manager, plugin):
        if not caller.has_spec() and not implementation.optionalhook:
            hooks = ", ".join(kind.hook for kind in KINDS)
            raise PluginError(f"spcbench has no hook called {caller.name!r}; it has {hooks}")
        if implementation.wrapper or implementation.hookwrapper:
            raise PluginError(
                f"its {caller.name} is a wrapper; a plugin may add to spcbench "
                "but never stand between it and another plugin"
            )


def _collect(kind: Kind, plugin: Any, manager: pluggy.PluginManager) -> tuple[Any, ...]:
    """The records of one kind that one plugin offers, checked."""
    records: list[Any] = []
    seen: set[str] = set()
    for caller, implementation in _implementations(manager, plugin):
        if caller.name != kind.hook:
            continue
        for record in _iterable(kind, implementation.function()):
            _check_record(kind, record)
            name = kind.name_of(record)
            if name in seen:
                raise PluginError(f"{kind.hook} returned {name!r} twice")
            seen.add(name)
            records.append(record)
    return tuple(records)


def _check_record(kind: Kind, record: Any) -> None:
    wanted = kind.record_type()
    if not isinstance(record, wanted):
        raise PluginError(
            f"{kind.hook} returned a {type(record).__name__}, wanted {wanted.__name__} records only"
        )
    # Our own records check their ids when made; commands come from another library.
    if kind.plural == "commands" and not ID_PATTERN.fullmatch(kind.name_of(record)):
        raise PluginError(f"command {kind.name_of(record)!r} must match {ID_PATTERN.pattern}")


def _iterable(kind: Kind, returned: Any) -> Iterable[Any]:
    if isinstance(returned, Iterable):
        return returned
    said = "None" if returned is None else f"a {type(returned).__name__}"
    raise PluginError(f"{kind.hook}: it returned {said}, wanted an iterable of records")


def _pack_clashes(
    offers: Mapping[Candidate, Offers],
) -> Iterator[tuple[Candidate, PluginError]]:
    claims: dict[str, list[Candidate]] = defaultdict(list)
    for candidate, given in offers.items():
        for identifier in dict.fromkeys(pack.id for pack in given.get("packs", ())):
            claims[identifier].append(candidate)
    for identifier, claimants in claims.items():
        yield from refused(claimants, f"the pack {identifier!r} is also offered by")


def _info(candidate: Candidate, offers: Offers | None, error: BaseException | None) -> PluginInfo:
    status: Status = "builtin" if candidate.builtin else "active"
    if offers is None:
        status = "disabled" if error is None else "failed"
    provides = {
        kind.plural: tuple(kind.name_of(record) for record in offers[kind.plural])
        for kind in KINDS
        if offers and kind.plural in offers
    }
    return PluginInfo(
        name=candidate.name,
        distribution=candidate.distribution,
        version=candidate.version,
        status=status,
        provides=MappingProxyType(provides),
        problem=one_line(error) if error is not None else "",
        module=candidate.module,
    )


def one_line(error: BaseException) -> str:
    """An error as one line: our own by its message, any other with its type in front.

    Examples
    --------
    >>> one_line(ModuleNotFoundError("No module named 'x'"))
    "ModuleNotFoundError: No module named 'x'"
    >>> one_line(PluginError("returned 'a' twice"))
    "returned 'a' twice"
    """
    message = " ".join(str(error).split())
    if isinstance(error, SpcbenchError) and message:
        return message
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
