"""`spcbench chart`: counts in, control charts out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spcbench.cli import options

if TYPE_CHECKING:
    from spcbench.plugin.host import PluginHost


@click.command(
    "chart",
    epilog=options.examples(
        "spcbench chart counts.csv --measure pop:ocm --unit RJ1 -o chart.png",
        "spcbench chart counts.csv --break 2022-11-01 -o charts.pdf",
    ),
)
@click.argument("counts", type=options.FILE)
@options.measure
@click.option("--unit", metavar="CODE", help="Only this unit, such as RJ1. All by default.")
@click.option(
    "--chart",
    default="auto",
    show_default=True,
    metavar="NAME",
    help="Type of chart (see `spcbench charts`); auto picks the one that suits the counts.",
)
@options.rules
@click.option(
    "--limits",
    default="auto",
    show_default=True,
    metavar="METHOD",
    help="How limits are calculated: normal, exact, or auto (exact where counts are small).",
)
@options.better
@options.target
@options.breaks
@options.until
@options.level
@options.input_options
@options.output_option("charts.png, charts.pdf, charts.csv or report.html")
@click.pass_obj
def command(
    host: PluginHost,
    /,
    *,
    counts: Path,
    measure: str | None,
    unit: str | None,
    chart: str,
    rules: str,
    limits: str,
    better: str | None,
    target: float | None,
    breaks: tuple[str, ...],
    until: str | None,
    level: str | None,
    output: Path,
    **given: Any,
) -> None:
    """Draw control charts, to tell a real change from chance.

    COUNTS is a table with the columns measure, unit, period, numerator and
    denominator, as `spcbench count` writes it, or any file that a reader turns
    into one. Records are counted on the way when --packs, --unit-column and
    --date-column are given.
    """
    import spcbench
    from spcbench.cli.inputs import Given, opened, print_advice
    from spcbench.cli.progress import stage

    options.check_output(output, source=counts, host=host)
    # A wrong name is told before the time is spent on reading and counting.
    host.rule_set(rules)
    if chart != "auto":
        host.chart(chart)
    table = opened(counts, Given(**given), measure=measure, host=host)
    with stage("Calculating charts"):
        charts = spcbench.control_charts(
            table,
            chart=chart,
            rules=rules,
            limits=limits,
            breaks=list(breaks) or None,
            better=better,
            target=target,
            measure=measure,
            unit=unit,
            level=level,
            until=until,
            host=host,
        )
    print_advice(charts.advice)
    with stage(f"Writing {output.name}"):
        written = spcbench.write(
            spcbench.Report([charts], title="Control charts"), output, host=host
        )
    for path in written:
        click.echo(path)
