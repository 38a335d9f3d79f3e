"""Every promise of the plugin contract that can be tried out, as a list of checks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from spcbench.errors import UnknownNameError
from spcbench.plugin import Offered, PluginHost, PluginInfo
from spcbench.plugin.admission import KINDS, one_line
from spcbench.testing import global_state
from spcbench.testing.checks_charts import CHART_PROMISES
from spcbench.testing.checks_formats import FORMAT_PROMISES
from spcbench.testing.checks_packs import PACK_PROMISES
from spcbench.testing.checks_readers import READER_PROMISES
from spcbench.testing.checks_rule_sets import RULE_SET_PROMISES

Promise = Callable[[Any], None]

PROMISES: dict[str, tuple[Promise, ...]] = {
    "packs": PACK_PROMISES,
    "readers": READER_PROMISES,
    "charts": CHART_PROMISES,
    "rule_sets": RULE_SET_PROMISES,
    "formats": FORMAT_PROMISES,
}


@dataclass(frozen=True, slots=True)
class Check:
    """One promise, to be tried on one record of a plugin.

    Parameters
    ----------
    subject : str
        What is tried, such as ``"chart p"``.
    promise : callable
        Raises `AssertionError` if it is broken; its name says what is promised.
    record : object
        What the promise is tried on.
    """

    subject: str
    promise: Promise
    record: Any

    def __str__(self) -> str:
        return f"{self.subject}: {self.promise.__name__.replace('_', ' ')}"

    def __call__(self) -> None:
        """Try it.

        Raises
        ------
        AssertionError
            If the promise is broken; the message names it and says how.
        """
        try:
            self.promise(self.record)
        except AssertionError as error:
            raise AssertionError(f"{self}: {error}") from error
        except (Exception, SystemExit) as error:
            raise AssertionError(f"{self}: it raised {one_line(error)}") from error


def plugin_checks(plugin: ModuleType | str) -> list[Check]:
    """List the checks for one plugin.

    Parameters
    ----------
    plugin : module or str
        The imported module of the plugin, or the name of an installed or
        built-in plugin as `spcbench plugins` shows it.

    Returns
    -------
    list of Check
        Call each; `str` of each is a readable name. A plugin that cannot be
        loaded has one check, which says why.

    Raises
    ------
    UnknownNameError
        If no plugin of that name is installed.

    Examples
    --------
    >>> import types
    >>> mine = types.ModuleType("mine")
    >>> for check in plugin_checks(mine):
    ...     print(check)
    plugin mine: loads
    >>> check()
    Traceback (most recent call last):
    ...
    AssertionError: plugin mine: loads: it declares no SPCBENCH_API, ...
    """
    if isinstance(plugin, str):
        host = PluginHost(strict=False)
        infos = [info for info in host.plugins() if info.name == plugin]
        if not infos:
            raise UnknownNameError("plugin", plugin, [info.name for info in host.plugins()])
    else:
        host = PluginHost.of(plugin, builtins=(), strict=False)
        infos = list(host.plugins())
    return [check for info in infos for check in _checks_of(info, host)]


def _checks_of(info: PluginInfo, host: PluginHost) -> Iterator[Check]:
    subject = f"plugin {info.name}"
    yield Check(subject, loads, info)
    if info.status not in ("active", "builtin"):
        return
    yield Check(subject, offers_something, info)
    yield Check(subject, leaves_global_state_alone, info)
    for kind in KINDS:
        offered: tuple[Offered[Any], ...] = getattr(host, kind.plural)()
        for one in offered:
            if one.plugin == info.name:
                for promise in PROMISES.get(kind.plural, ()):
                    yield Check(f"{kind.noun} {one.id}", promise, one.record)


def loads(info: PluginInfo) -> None:
    """The host takes it in."""
    if info.status == "disabled":
        raise AssertionError("it is disabled by SPCBENCH_DISABLE_PLUGINS")
    if info.problem:
        raise AssertionError(info.problem)


def offers_something(info: PluginInfo) -> None:
    """At least one hook yields at least one record."""
    if not info.provides:
        raise AssertionError(
            "no hook of it yields a record; is each marked with @hookimpl and does it return "
            "what it makes?"
        )


def leaves_global_state_alone(info: PluginInfo) -> None:
    """Importing it and calling its hooks changes nothing that other code shares.

    Tried in a fresh interpreter, because an import happens only once.
    """
    code = f"from {global_state.__name__} import tell; tell({info.module!r})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise AssertionError(f"in a fresh interpreter it could not be loaded: {last}")
    changed = [
        line.removeprefix(global_state.MARK)
        for line in done.stdout.splitlines()
        if line.startswith(global_state.MARK)
    ]
    if changed:
        raise AssertionError(f"it changed {', '.join(changed)}")
