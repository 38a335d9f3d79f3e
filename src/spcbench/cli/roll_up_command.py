"""`spcbench roll-up`: counts of units in, with rows for systems, regions and the nation out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spcbench.cli import options

if TYPE_CHECKING:
    import pandas as pd

    from spcbench.plugin.host import PluginHost


@click.command(
    "roll-up",
    epilog=options.examples(
        "spcbench roll-up counts.csv --hierarchy hierarchy.csv -o rolled.csv",
        "spcbench funnel rolled.csv --measure pop:ocm --level provider --by region -o funnel.png",
    ),
)
@click.argument("counts", type=options.FILE)
@click.option(
    "--hierarchy",
    type=options.FILE,
    required=True,
    metavar="FILE.csv",
    help="Who belongs to whom: a row for each unit with the columns unit, parent, level "
    "(site, trust, system, region, country or group), and perhaps from, to, name.",
)
@click.option(
    "--to",
    multiple=True,
    metavar="LEVEL",
    help="Level to add, such as region. May be repeated; without it all that the hierarchy has "
    "above the units, except groups.",
)
@click.option(
    "--level",
    multiple=True,
    metavar="LEVEL",
    help="Level of the rows to add from, where COUNTS holds several. May be repeated.",
)
@click.option(
    "--keep/--no-keep",
    default=True,
    show_default=True,
    help="Whether rows of levels that are not added stay in the result.",
)
@click.option(
    "--partial",
    default="note",
    show_default=True,
    metavar="HOW",
    help="What becomes of a total that lacks a unit which usually reports: note says so beside "
    "it, leave_out also blanks it.",
)
@click.option(
    "--hierarchy-date-format",
    metavar="FORMAT",
    help="How dates of the hierarchy are written if not as 2024-12-31.",
)
@options.input_options
@options.output_option("rolled.csv or rolled.parquet")
@click.pass_obj
def command(
    host: PluginHost,
    /,
    *,
    counts: Path,
    hierarchy: Path,
    to: tuple[str, ...],
    level: tuple[str, ...],
    keep: bool,
    partial: str,
    hierarchy_date_format: str | None,
    output: Path,
    **given: Any,
) -> None:
    """Add counts up to systems, regions and the nation.

    COUNTS is a table of counts, as for `spcbench chart`. A parent's figures are
    the sums of those that belonged to it in that period. Every row also gets
    the codes of what its unit belonged to (columns system, region), so that
    `spcbench funnel --by region` compares a region's trusts with one another.
    The result holds several levels: charts and funnels of it need --level.
    """
    from spcbench.cli.count_command import table_bytes
    from spcbench.cli.inputs import Given, opened
    from spcbench.cli.progress import stage
    from spcbench.hierarchy import rolled_up
    from spcbench.hierarchy_check import read_hierarchy
    from spcbench.measures.counting import Counted
    from spcbench.writing import write_files

    options.check_tables(output, sources=(counts, hierarchy))
    tree = read_hierarchy(hierarchy, date_format=hierarchy_date_format)
    table = opened(counts, Given(**given), measure=None, host=host)
    with stage("Adding counts up"):
        found = rolled_up(table, tree, to=to, level=level, keep=keep, partial=partial)
    rows = found.counts if isinstance(found, Counted) else found
    for line in _told(rows):
        click.echo(line, err=True)
    for path in write_files({output: table_bytes(rows, output)}):
        click.echo(path)


def _told(rows: pd.DataFrame) -> list[str]:
    """How many rows there are of each level, and how many of them lack a unit."""
    from spcbench.hierarchy_check import RANKED

    size = rows["level"].value_counts()
    units = rows.groupby("level", observed=True)["unit"].nunique()
    order = sorted(units.index, key=[*RANKED, "group"].index)
    listed = [
        f"{one}: {units[one]:,} {'unit' if units[one] == 1 else 'units'}, {size[one]:,} rows"
        for one in order
    ]
    lacking = int(rows["units_missing"].fillna(0).gt(0).sum())
    if lacking:
        listed.append(
            f"{lacking:,} {'total lacks' if lacking == 1 else 'totals lack'} a unit that usually "
            "reports, or whose count is withheld; the column note names it"
        )
    return listed
