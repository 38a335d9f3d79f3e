"""The plugin host: which plugins there are, what they offer, and what a name means.

A plugin can add a name; it can never change a number. The public verbs take
``host=None`` and then use `default_host`; tests make their own `PluginHost`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spcbench.errors import (
    AmbiguousNameError,
    OptionError,
    PluginError,
    SpcbenchError,
    UnknownNameError,
    suggest,
)
from spcbench.plugin.admission import (
    KINDS,
    Admitted,
    PluginInfo,
    admit_all,
    one_line,
)
from spcbench.plugin.candidates import (
    Candidate,
    builtin_candidate,
    given_candidate,
    installed_candidates,
)
from spcbench.plugin.names import Offered, builtins_first, pick, pick_measure, pick_pack
from spcbench.plugin.records import (
    ChartType,
    OutputFormat,
    Pack,
    PackMeasure,
    Reader,
    RuleSet,
)

if TYPE_CHECKING:
    import click

BUILTINS = (
    "spcbench.builtin.charts",
    "spcbench.builtin.rule_sets",
    "spcbench.builtin.readers",
    "spcbench.builtin.formats",
)
"""Our own plugins, by module name; each is called by the last part of it."""


class PluginHost:
    """The plugins of one run, loaded on first need.

    Parameters
    ----------
    builtins : sequence of str
        Modules of our own plugins, admitted first.
    discover : bool
        Whether to look for installed plugins (entry points of group ``spcbench``).
    disabled : iterable of str, optional
        Names of plugins or distributions to leave out; ``"all"`` leaves the
        built-ins only. None reads ``SPCBENCH_DISABLE_PLUGINS`` (comma-separated).
    strict : bool, optional
        Raise a failed plugin's own error. None reads ``SPCBENCH_STRICT_PLUGINS``.

    Examples
    --------
    >>> host = PluginHost(builtins=(), discover=False)
    >>> host.plugins()
    ()
    >>> host.chart("p")
    Traceback (most recent call last):
    ...
    spcbench.errors.UnknownNameError: there is no chart 'p'; none is known here
    """

    def __init__(
        self,
        *,
        builtins: Sequence[str] = BUILTINS,
        discover: bool = True,
        disabled: Iterable[str] | None = None,
        strict: bool | None = None,
    ) -> None:
        if disabled is None:
            disabled = os.environ.get("SPCBENCH_DISABLE_PLUGINS", "").split(",")
        if strict is None:
            strict = os.environ.get("SPCBENCH_STRICT_PLUGINS", "") not in ("", "0")
        self._builtins = tuple(builtins)
        self._given: tuple[Candidate, ...] = ()
        self._discover = discover
        self._disabled = tuple(disabled)
        self._strict = strict

    @classmethod
    def of(
        cls, *plugins: Any, builtins: Sequence[str] = BUILTINS, strict: bool = True
    ) -> PluginHost:
        """A host of the built-ins and these imported modules, called by their modules' names.

        For notebooks, and for the tests of a plugin that is not installed.

        Examples
        --------
        >>> import types
        >>> mine = types.ModuleType("my_measures")
        >>> mine.SPCBENCH_API = 1
        >>> PluginHost.of(mine, builtins=()).plugins()[0].status
        'active'
        """
        host = cls(builtins=builtins, discover=False, disabled=(), strict=strict)
        host._given = tuple(given_candidate(plugin) for plugin in plugins)
        return host

    @cached_property
    def _admitted(self) -> Admitted:
        candidates = [builtin_candidate(module) for module in self._builtins]
        candidates += self._given
        if self._discover:
            candidates += installed_candidates()
        return admit_all(candidates, disabled=self._disabled, strict=self._strict)

    @cached_property
    def _offered(self) -> dict[str, tuple[Offered[Any], ...]]:
        builtin = {info.name: info.status == "builtin" for info in self.plugins()}
        return {
            kind.plural: tuple(
                Offered(kind.name_of(record), plugin, builtin[plugin], record)
                for plugin, given in self._admitted.offers.items()
                for record in given.get(kind.plural, ())
            )
            for kind in KINDS
        }

    def plugins(self) -> tuple[PluginInfo, ...]:
        """Every plugin that was found, built-ins first, then by name."""
        return self._admitted.plugins

    def warnings(self) -> tuple[str, ...]:
        """One line per plugin that was refused and per name that could not be disabled."""
        refused = tuple(
            f"plugin {info.name!r} ({f'{info.distribution} {info.version}'.strip()}) "
            f"was not loaded: {info.problem}"
            for info in self.plugins()
            if info.status == "failed"
        )
        installed = [info.name for info in self.plugins() if info.status != "builtin"]
        unmatched = tuple(
            f"cannot disable {name!r}: no installed plugin or distribution has that name; "
            f"{suggest(name, installed)}"
            for name in self._admitted.unmatched
        )
        return refused + unmatched

    def packs(self) -> tuple[Offered[Pack], ...]:
        """Every measure pack, with its plugin."""
        return self._offered["packs"]

    def readers(self) -> tuple[Offered[Reader], ...]:
        """Every reader, with its plugin."""
        return self._offered["readers"]

    def charts(self) -> tuple[Offered[ChartType], ...]:
        """Every chart type, with its plugin."""
        return self._offered["charts"]

    def rule_sets(self) -> tuple[Offered[RuleSet], ...]:
        """Every rule set, with its plugin."""
        return self._offered["rule_sets"]

    def formats(self) -> tuple[Offered[OutputFormat], ...]:
        """Every output format, with its plugin."""
        return self._offered["formats"]

    def commands(self) -> tuple[Offered[click.Command], ...]:
        """Every command that plugins add to the command line, with its plugin."""
        return self._offered["commands"]

    def chart(self, name: str) -> ChartType:
        """The chart type of that name: an id, or ``plugin:id``.

        Raises
        ------
        UnknownNameError, AmbiguousNameError
            If there is none, or several plugins offer it and none is built in.
        """
        with self._telling_of_refused_plugins():
            return pick("chart", name, self.charts()).record

    def rule_set(self, name: str) -> RuleSet:
        """The rule set of that name; errors as for `chart`."""
        with self._telling_of_refused_plugins():
            return pick("rule set", name, self.rule_sets()).record

    def reader(self, name: str) -> Reader:
        """The reader of that name; errors as for `chart`."""
        with self._telling_of_refused_plugins():
            return pick("reader", name, self.readers()).record

    def format(self, name: str) -> OutputFormat:
        """The output format of that name; errors as for `chart`."""
        with self._telling_of_refused_plugins():
            return pick("format", name, self.formats()).record

    def format_for_suffix(self, path: str | Path) -> OutputFormat:
        """The format that the ending of a file's name chooses; the longest ending wins.

        Raises
        ------
        OptionError
            If the name has no ending.
        UnknownNameError, AmbiguousNameError
            If no format has that ending, or several do and none is built in.
        """
        name = Path(path).name.lower()
        suffixes = {one.record.suffix for one in self.formats()}
        ending = max((known for known in suffixes if name.endswith(known)), key=len, default="")
        if not ending:
            shown = Path(path).suffix
            if not shown:
                raise OptionError(
                    f"the name {Path(path).name!r} has no ending that says which format to write; "
                    f"{suggest('', suffixes)}"
                )
            with self._telling_of_refused_plugins():
                raise UnknownNameError("format for files ending in", shown, suffixes)
        matching = builtins_first(one for one in self.formats() if one.record.suffix == ending)
        if len(matching) > 1:
            listed = ", ".join(one.full_name for one in matching)
            raise AmbiguousNameError(
                f"several plugins write files ending in {ending!r}: {listed}; "
                "disable all but one of them with SPCBENCH_DISABLE_PLUGINS"
            )
        return matching[0].record

    def pack(self, name: str) -> Pack:
        """The measure pack ``pop`` (its newest version) or ``pop@2023``.

        Raises
        ------
        UnknownNameError
            If there is no such pack, or not in that version.
        """
        with self._telling_of_refused_plugins():
            return pick_pack(name, [one.record for one in self.packs()])

    def measure(self, name: str) -> tuple[Pack, PackMeasure]:
        """The measure ``pop@2023:mgso4``, ``pop:mgso4`` or ``mgso4``, with its pack.

        Without a version it is the newest that holds such a measure.

        Raises
        ------
        UnknownNameError, AmbiguousNameError
            If there is none, or several packs hold one of that bare name.
        """
        with self._telling_of_refused_plugins():
            return pick_measure(name, [one.record for one in self.packs()])

    @contextmanager
    def using(self, record: object) -> Iterator[None]:
        """Name the plugin and the record if the record fails in use.

        spcbench's own errors pass unchanged: they are about the data or the
        options, and already say what is wrong.

        Raises
        ------
        PluginError
            For any other exception, which it keeps as its cause.

        Examples
        --------
        >>> from spcbench.plugin import OutputFormat
        >>> page = OutputFormat(id="page", title="Page", suffix=".page",
        ...                     media_type="text/plain", render=lambda report: b"")
        >>> with PluginHost(builtins=(), discover=False).using(page):
        ...     1 / 0
        Traceback (most recent call last):
        ...
        spcbench.errors.PluginError: format 'page' failed: ZeroDivisionError: division by zero
        """
        try:
            yield
        except SpcbenchError:
            raise
        except (Exception, SystemExit) as error:
            raise PluginError(f"{self._described(record)} failed: {one_line(error)}") from error

    def _described(self, record: object) -> str:
        for kind in KINDS:
            for one in self._offered[kind.plural]:
                if one.record is record:
                    return f"{kind.noun} {one.id!r} of plugin {one.plugin!r}"
        # A record that the caller brought along belongs to no plugin.
        for kind in KINDS:
            if kind.record is not None and isinstance(record, kind.record):
                return f"{kind.noun} {kind.name_of(record)!r}"
        return type(record).__name__

    @contextmanager
    def _telling_of_refused_plugins(self) -> Iterator[None]:
        """Add to "there is no such name" why a plugin that may have had it is missing."""
        try:
            yield
        except UnknownNameError as error:
            for line in self.warnings():
                error.add_note(line)
            raise


@cache
def default_host() -> PluginHost:
    """The host that the public verbs use; made once (tests: ``default_host.cache_clear()``)."""
    return PluginHost()
