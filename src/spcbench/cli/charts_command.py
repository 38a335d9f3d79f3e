"""`spcbench charts`: which types of control chart there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from spcbench.cli import options
from spcbench.cli.listing import json_option, print_columns, print_json

if TYPE_CHECKING:
    from spcbench.plugin.host import PluginHost
    from spcbench.plugin.names import Offered
    from spcbench.plugin.records import ChartType


@click.command("charts", epilog=options.examples("spcbench charts", "spcbench charts ewma"))
@click.argument("name", required=False)
@json_option
@click.pass_obj
def command(host: PluginHost, /, *, name: str | None, as_json: bool) -> None:
    """List the types of control chart, or say more about one.

    --chart takes the name in the first column.
    """
    offered = list(host.charts())
    if name is not None:
        wanted = host.chart(name)
        offered = [one for one in offered if one.record is wanted]
    rows = [_row(one) for one in offered]
    if as_json:
        print_json(rows)
    elif name is not None:
        _print_one(rows[0])
    else:
        print_columns(
            ("CHART", "PLUGIN", "TITLE"),
            [(row["id"], row["plugin"], row["title"]) for row in rows],
            none="There is no chart type.",
        )


def _row(one: Offered[ChartType]) -> dict[str, Any]:
    record = one.record
    return {
        "id": one.id,
        "plugin": one.plugin,
        "title": record.title,
        "source": record.source,
        "takes": record.takes,
        "settings": {
            setting: {
                "title": what.title,
                "default": what.default,
                "choices": list(what.choices),
            }
            for setting, what in record.settings.items()
        },
    }


_TAKES = {
    "proportion": "numerator and denominator (cases met, of all cases)",
    "rate": "numerator and denominator (events, over exposure)",
    "count": "numerator (events)",
    "value": "value, or numerator and denominator",
    "event": "value for each event (cases or time since the one before)",
    "subgroup": "mean, sd and denominator (the size) of each subgroup",
    "expected": "numerator and expected",
}


def _print_one(row: dict[str, Any]) -> None:
    click.echo(f"{row['id']}: {row['title']}")
    click.echo(f"  source: {row['source']}")
    click.echo(f"  columns: {_TAKES[row['takes']]}")
    for name, setting in row["settings"].items():
        choices = f" ({', '.join(setting['choices'])})" if setting["choices"] else ""
        click.echo(f"  --setting {name}={setting['default']}  {setting['title']}{choices}")
