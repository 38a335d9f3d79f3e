"""`spcbench measures`: what can be counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from spcbench.cli import options
from spcbench.cli.listing import json_option, print_columns, print_json

if TYPE_CHECKING:
    from spcbench.plugin.host import PluginHost
    from spcbench.plugin.records import Pack

NONE = "No measure pack is installed; try: pip install spcbench-pop"


@click.command(
    "measures",
    epilog=options.examples(
        "spcbench measures",
        "spcbench measures --pack pop@2023 --markdown",
    ),
)
@click.option(
    "--pack",
    metavar="PACK",
    help="Only this pack, such as pop@2023, or your own .toml file.",
)
@click.option(
    "--markdown",
    is_flag=True,
    help="Print the documentation page of --pack: definitions, targets, sources, examples.",
)
@json_option
@click.pass_obj
def command(host: PluginHost, /, *, pack: str | None, markdown: bool, as_json: bool) -> None:
    """List the measures of the installed packs.

    The part before the @ is what --packs takes; --measure takes the full name,
    or as much of it as is needed to tell one measure from another.
    """
    if markdown and pack is None:
        raise click.UsageError("--markdown prints the page of one pack; say which with --pack")
    if markdown and as_json:
        raise click.UsageError("--markdown and --json do not go together")
    chosen = _chosen(host, pack)
    if markdown:
        from spcbench.measures.describing import pack_page

        _check_examples(chosen[0][0], host)
        click.echo(pack_page(chosen[0][0]), nl=False)
    elif as_json:
        print_json([_row(*one, measure) for one in chosen for measure in one[0].measures])
    elif not chosen:
        click.echo(NONE)
    else:
        for place, (one, _) in enumerate(chosen):
            if place:
                click.echo()
            _print_pack(one)


def _chosen(host: PluginHost, pack: str | None) -> list[tuple[Pack, str]]:
    """Packs and the plugins they come from; a pack from a file has none."""
    installed = [(one.record, one.plugin) for one in host.packs()]
    if pack is None:
        return installed
    from spcbench.measures.choosing import chosen_packs

    (found,) = chosen_packs([pack], host)
    return [(found, next((plugin for one, plugin in installed if one is found), ""))]


def _check_examples(pack: Pack, host: PluginHost) -> None:
    """Refuse to print worked examples that are not what the measures make of them."""
    from spcbench.errors import PackError
    from spcbench.measures.trying import differing_examples

    differ = differing_examples([pack], host)
    if differ:
        raise PackError(
            "the page would tell what is not so; put the examples or the measures right:\n"
            + "\n".join(differ)
        )


def _print_pack(pack: Pack) -> None:
    valid = f", valid {pack.valid}" if pack.valid else ""
    click.echo(f"{pack.name}: {pack.title}{valid}")
    print_columns(
        ("MEASURE", "COUNTS", "BETTER", "TARGET", "TITLE"),
        [
            (
                f"{pack.name}:{one.id}",
                one.counts or "-",
                one.better,
                _targets(one),
                one.title + _caution(one),
            )
            for one in _measures(pack)
        ],
        none=NONE,
    )


def _measures(pack: Pack) -> Sequence[Any]:
    return pack.measures  # a pack asks less of its measures than is shown here


def _targets(measure: Any) -> str:
    from spcbench.measures.describing import share

    given = [one for one in (measure.target, measure.stretch) if one is not None]
    return " / ".join(share(one, measure.per) for one in given) or "-"


def _caution(measure: Any) -> str:
    doubts = [] if measure.verified else ["not verified"]
    if measure.target is not None and not measure.target_verified:
        doubts.append("target not verified")
    if getattr(measure, "kind", "records") == "published":
        doubts.append("only published already counted")
    return f" ({'; '.join(doubts)})" if doubts else ""


def _row(pack: Pack, plugin: str, measure: Any) -> dict[str, Any]:
    """Every key of a measure, and what it takes to count it."""
    keys: dict[str, Any] = _plain(asdict(measure))
    return keys | {
        "measure": f"{pack.name}:{measure.id}",
        "pack": {"name": pack.name, "title": pack.title, "valid": pack.valid},
        "plugin": plugin,
        "counted_from": getattr(measure, "kind", "records"),
        "source": "" if measure.source is None else str(measure.source),
        "columns": _columns(pack, measure),
    }


def _plain(value: Any) -> Any:
    """What JSON can hold."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, date) else value


def _columns(pack: Pack, measure: Any) -> list[str]:
    """The columns that records need; a composite needs those of its parts."""
    parts = set(getattr(measure, "of", ()))
    needed = set(measure.columns).union(*(one.columns for one in pack.measures if one.id in parts))
    return sorted(needed)
