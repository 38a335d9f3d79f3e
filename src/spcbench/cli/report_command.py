"""`spcbench report`: everything about a table of counts in one file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spcbench.cli import options

if TYPE_CHECKING:
    from spcbench.measures.counting import Counted
    from spcbench.plugin.host import PluginHost
    from spcbench.tables import Table


@click.command(
    "report",
    epilog=options.examples(
        "spcbench report counts.csv -o report.html",
        "spcbench report births.csv --packs pop --unit-column trust_code "
        "--date-column birth_date -o report.html",
    ),
)
@click.argument("source", metavar="INPUT", type=options.FILE)
@options.measure
@click.option("--title", metavar="TEXT", help="The heading; by default the name of the file.")
@options.rules
@options.better
@options.target
@click.option(
    "--chart",
    default="auto",
    show_default=True,
    metavar="NAME",
    help="Type of chart (see `spcbench charts`); auto picks the one that suits the counts.",
)
@options.per
@options.notes
@options.until
@options.level
@options.input_options
@options.output_option("report.html, report.pdf or report.json")
@click.pass_obj
def command(
    host: PluginHost,
    /,
    *,
    source: Path,
    measure: str | None,
    title: str | None,
    rules: str,
    chart: str,
    per: int | None,
    better: str | None,
    target: float | None,
    notes: Path | None,
    until: str | None,
    level: str | None,
    output: Path,
    **given: Any,
) -> None:
    """Put the charts and funnels of every measure in one file.

    INPUT is a table of counts, or of records with --packs, --unit-column and
    --date-column. Charts need two periods or more; with one there are funnels only.
    Funnels need shares of cases of two units or more.
    """
    import spcbench
    from spcbench.cli.inputs import Given, opened, print_advice
    from spcbench.cli.progress import stage

    options.check_output(output, source=source, host=host)
    # A wrong name is told before the time is spent on reading and counting.
    host.rule_set(rules)
    table = opened(source, Given(**given), measure=measure, host=host)
    shared: dict[str, Any] = {
        "measure": measure,
        "better": better,
        "target": target,
        "level": level,
        "host": host,
    }
    results: list[Any] = []
    with stage("Calculating charts and funnels"):
        if periods_of(table) >= 2:
            results.append(
                spcbench.control_charts(
                    table, chart=chart, per=per, rules=rules, notes=notes, until=until, **shared
                )
            )
        if has_peers(table):
            results.append(spcbench.funnels(table, last=until, **shared))
    for result in results:
        print_advice(result.advice)
    with stage(f"Writing {output.name}"):
        report = spcbench.Report(results, title=title or source.stem)
        written = spcbench.write(report, output, host=host)
    for path in written:
        click.echo(path)


def periods_of(table: Counted | Table) -> int:
    """How many different periods counts have."""
    counts = table.counts if hasattr(table, "counts") else table.data
    return int(counts["period"].nunique())


def has_peers(table: Counted | Table) -> bool:
    """Whether counts hold shares of cases, of more than one unit, to be compared."""
    counts = table.counts if hasattr(table, "counts") else table.data
    if not {"numerator", "denominator"} <= set(counts.columns):
        return False
    shares = counts["denominator"].notna() & counts["numerator"].notna()
    shares &= (counts["numerator"] <= counts["denominator"]).fillna(False)
    return bool(shares.any()) and int(counts["unit"][shares].nunique()) > 1
