"""`spcbench rules`: which sets of rules find special causes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from spcbench.cli import options
from spcbench.cli.listing import json_option, print_json

if TYPE_CHECKING:
    from spcbench.plugin.host import PluginHost


@click.command("rules", epilog=options.examples("spcbench rules"))
@json_option
@click.pass_obj
def command(host: PluginHost, /, *, as_json: bool) -> None:
    """List the rule sets, and how often each is wrong by chance.

    --rules takes the name before the colon.
    """
    rows = [
        {
            "id": one.id,
            "plugin": one.plugin,
            "title": one.record.title,
            "source": one.record.source,
            "rules": [{"id": rule.id, "title": rule.title} for rule in one.record.rules],
            "false_alarms": {str(size): share for size, share in one.record.any_signal.items()},
            "arl0": one.record.arl0,
        }
        for one in host.rule_sets()
    ]
    if as_json:
        print_json(rows)
        return
    for one in host.rule_sets():
        click.echo(f"{one.id}: {one.record.title}")
        for rule in one.record.rules:
            click.echo(f"  {rule.id:<8} {rule.title}")
        for size, share in sorted(one.record.any_signal.items()):
            click.echo(f"  {share:.0%} of stable charts of {size} points show a signal by chance")
