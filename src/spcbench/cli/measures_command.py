"""`spcbench measures`: what can be counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from spcbench.cli import options
from spcbench.cli.listing import json_option, print_columns, print_json

if TYPE_CHECKING:
    from spcbench.plugin.host import PluginHost
    from spcbench.plugin.records import Pack


@click.command("measures", epilog=options.examples("spcbench measures"))
@json_option
@click.pass_obj
def command(host: PluginHost, /, *, as_json: bool) -> None:
    """List the measures of the installed packs.

    The part before the @ is what --packs takes; --measure takes the full name,
    or as much of it as is needed to tell one measure from another.
    """
    rows = [
        {**_described(measure), "measure": f"{one.record.name}:{measure.id}", "plugin": one.plugin}
        | {"columns": _columns(one.record, measure)}
        for one in host.packs()
        for measure in one.record.measures
    ]
    if as_json:
        print_json(rows)
        return
    print_columns(
        ("MEASURE", "COUNTED FROM", "BETTER", "TITLE"),
        [
            (row["measure"], row["counted_from"], row["better"], row["title"] + _caution(row))
            for row in rows
        ],
        none="No measure pack is installed; try: pip install spcbench-pop",
    )


def _described(measure: Any) -> dict[str, Any]:
    return {
        "measure": measure.id,
        "title": measure.title,
        "better": measure.better,
        "target": measure.target,
        "counted_from": getattr(measure, "kind", "records"),
        "verified": measure.verified,
        "description": measure.description,
        "source": "" if measure.source is None else str(measure.source),
    }


def _caution(row: dict[str, Any]) -> str:
    return "" if row["verified"] else " (definition to be checked)"


def _columns(pack: Pack, measure: Any) -> list[str]:
    """The columns that records need; a composite needs those of its parts."""
    parts = set(getattr(measure, "of", ()))
    needed = set(measure.columns).union(*(one.columns for one in pack.measures if one.id in parts))
    return sorted(needed)
