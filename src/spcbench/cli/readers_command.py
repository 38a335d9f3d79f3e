"""`spcbench readers`: what can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from spcbench.cli import options
from spcbench.cli.listing import json_option, print_columns, print_json

if TYPE_CHECKING:
    from spcbench.plugin.host import PluginHost


@click.command("readers", epilog=options.examples("spcbench readers"))
@json_option
@click.pass_obj
def command(host: PluginHost, /, *, as_json: bool) -> None:
    """List the kinds of file that can be read.

    The file itself says which it is; --reader overrules it.
    """
    readers = host.readers()
    if as_json:
        print_json(
            [
                {
                    "id": one.id,
                    "plugin": one.plugin,
                    "suffixes": list(one.record.suffixes),
                    "title": one.record.title,
                }
                for one in readers
            ]
        )
        return
    print_columns(
        ("READER", "PLUGIN", "ENDINGS", "TITLE"),
        [(one.id, one.plugin, " ".join(one.record.suffixes), one.record.title) for one in readers],
        none="There is no reader.",
    )
