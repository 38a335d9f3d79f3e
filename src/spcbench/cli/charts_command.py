"""`spcbench charts`: which types of control chart there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from spcbench.cli import options
from spcbench.cli.listing import json_option, print_columns, print_json

if TYPE_CHECKING:
    from spcbench.plugin.host import PluginHost


@click.command("charts", epilog=options.examples("spcbench charts"))
@json_option
@click.pass_obj
def command(host: PluginHost, /, *, as_json: bool) -> None:
    """List the types of control chart.

    --chart takes the name in the first column.
    """
    rows = [
        {
            "id": one.id,
            "plugin": one.plugin,
            "title": one.record.title,
            "source": one.record.source,
        }
        for one in host.charts()
    ]
    if as_json:
        print_json(rows)
        return
    print_columns(
        ("CHART", "PLUGIN", "TITLE"),
        [(row["id"], row["plugin"], row["title"]) for row in rows],
        none="There is no chart type.",
    )
