"""`spcbench plugins`: what is installed, and whether it keeps the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from spcbench.cli import options
from spcbench.cli.listing import json_option, print_columns, print_json

if TYPE_CHECKING:
    from spcbench.plugin.admission import PluginInfo
    from spcbench.plugin.host import PluginHost


@click.command(
    "plugins", epilog=options.examples("spcbench plugins", "spcbench plugins --check pop")
)
@json_option
@click.option(
    "--check",
    "checked",
    metavar="NAME",
    help="Try every promise of the plugin contract on this plugin; exit code 1 if one is broken.",
)
@click.pass_obj
def command(host: PluginHost, /, *, as_json: bool, checked: str | None) -> None:
    """List the plugins, and what each one provides.

    Of a plugin that could not be loaded it says why.
    """
    if checked is not None:
        _check(checked)
        return
    if as_json:
        print_json([_as_json(info) for info in host.plugins()])
        return
    print_columns(
        ("PLUGIN", "STATUS", "VERSION", "PROVIDES"),
        [(info.name, info.status, info.version, _provided(info)) for info in host.plugins()],
        none="There is no plugin.",
    )


def _as_json(info: PluginInfo) -> dict[str, object]:
    return {
        "name": info.name,
        "distribution": info.distribution,
        "version": info.version,
        "status": info.status,
        "provides": {kind: list(names) for kind, names in info.provides.items()},
        "problem": info.problem,
    }


def _provided(info: PluginInfo) -> str:
    """What a plugin provides, or in its place what is wrong with it."""
    if info.problem:
        return info.problem
    return "; ".join(
        f"{kind.replace('_', ' ')}: {', '.join(names)}" for kind, names in info.provides.items()
    )


def _check(name: str) -> None:
    from spcbench.testing import plugin_checks

    broken = 0
    checks = plugin_checks(name)
    for check in checks:
        try:
            check()
        except AssertionError as error:
            broken += 1
            click.echo(f"FAIL  {error}")
        else:
            click.echo(f"ok    {check}")
    click.echo(f"{len(checks)} checks, {broken} failed")
    if broken:
        click.get_current_context().exit(1)
