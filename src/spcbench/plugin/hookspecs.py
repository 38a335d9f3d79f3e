"""The six hooks. None takes an argument, none wraps another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import click

    from spcbench.plugin.records import ChartType, OutputFormat, Pack, Reader, RuleSet

API_VERSION = 1
"""The version of the plugin contract this spcbench offers."""

hookspec = pluggy.HookspecMarker("spcbench")
hookimpl = pluggy.HookimplMarker("spcbench")


@hookspec
def spcbench_packs() -> Iterable[Pack]:
    """Offer measure packs.

    Since API version 1.
    """
    raise AssertionError  # a specification is never called


@hookspec
def spcbench_readers() -> Iterable[Reader]:
    """Offer readers of records or counts.

    Since API version 1.
    """
    raise AssertionError


@hookspec
def spcbench_charts() -> Iterable[ChartType]:
    """Offer chart types.

    Since API version 1.
    """
    raise AssertionError


@hookspec
def spcbench_rule_sets() -> Iterable[RuleSet]:
    """Offer sets of special-cause rules.

    Since API version 1.
    """
    raise AssertionError


@hookspec
def spcbench_formats() -> Iterable[OutputFormat]:
    """Offer output formats.

    Since API version 1.
    """
    raise AssertionError


@hookspec
def spcbench_commands() -> Iterable[click.Command]:
    """Offer commands for the command line.

    Since API version 1.
    """
    raise AssertionError
