"""`spcbench formats`: what can be written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from spcbench.cli import options
from spcbench.cli.listing import json_option, print_columns, print_json

if TYPE_CHECKING:
    from spcbench.plugin.host import PluginHost


@click.command("formats", epilog=options.examples("spcbench formats"))
@json_option
@click.pass_obj
def command(host: PluginHost, /, *, as_json: bool) -> None:
    """List the kinds of file that can be written.

    The ending of the name after -o chooses one.
    """
    rows = [
        {
            "id": one.id,
            "plugin": one.plugin,
            "suffix": one.record.suffix,
            "title": one.record.title,
            "media_type": one.record.media_type,
        }
        for one in host.formats()
    ]
    if as_json:
        print_json(rows)
        return
    print_columns(
        ("ENDING", "PLUGIN", "TITLE"),
        [(row["suffix"], row["plugin"], row["title"]) for row in rows],
        none="There is no format.",
    )
