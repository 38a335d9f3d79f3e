"""`spcbench chart`: counts in, control charts out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spcbench.cli import options, values
from spcbench.errors import OptionError

if TYPE_CHECKING:
    from spcbench.plugin.host import PluginHost


@click.command(
    "chart",
    epilog=options.examples(
        "spcbench chart counts.csv --measure pop:ocm --unit RJ1 -o chart.png",
        "spcbench chart counts.csv --notes notes.csv -o charts.pdf",
        "spcbench chart infections.csv --chart u --per 1000 -o infections.png",
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
    help="How limits are calculated: normal, exact, mid_p, jeffreys, or auto (exact where counts "
    "are small).",
)
@click.option(
    "--setting",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting of the chart type (see `spcbench charts NAME`). May be repeated.",
)
@options.notes
@click.option(
    "--centre", type=float, metavar="VALUE", help="Centre line, instead of that of the counts."
)
@click.option(
    "--sigma",
    type=float,
    metavar="VALUE",
    help="Standard deviation of one point, instead of that of the counts.",
)
@click.option(
    "--baseline",
    metavar="POINTS",
    help="Limits come from the first so many points, such as 12, or from the dates between two, "
    "such as 2023-01-01..2023-12-01.",
)
@click.option(
    "--screening",
    default="none",
    show_default=True,
    metavar="HOW",
    help="Whether moving ranges that are too large are left out: none, once or iterative.",
)
@click.option(
    "--reference",
    "references",
    multiple=True,
    metavar="LABEL=VALUE",
    help="A further line to draw, such as 'England 2023=0.72'. May be repeated.",
)
@options.published
@options.better
@options.target
@options.per
@options.until
@click.option(
    "--show-last",
    type=int,
    metavar="POINTS",
    help="Draw only so many of the latest points; limits and rules use all.",
)
@click.option(
    "--frequency",
    metavar="LENGTH",
    help="How long a period is: day, week, month, quarter, year or irregular. Inferred by default.",
)
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
    settings: tuple[str, ...],
    notes: Path | None,
    centre: float | None,
    sigma: float | None,
    baseline: str | None,
    screening: str,
    references: tuple[str, ...],
    published: str | None,
    per: int | None,
    until: str | None,
    show_last: int | None,
    frequency: str | None,
    level: str | None,
    output: Path,
    **given: Any,
) -> None:
    """Draw control charts, to tell a real change from chance.

    COUNTS is a table with the columns measure, unit, period, numerator and
    denominator, as `spcbench count` writes it, or any file that a reader turns
    into one; charts of single values take a column value instead. Records are
    counted on the way when --packs, --unit-column and --date-column are given.
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
            notes=notes,
            better=better,
            target=target,
            centre=centre,
            sigma=sigma,
            baseline=_baseline(baseline),
            screening=screening,
            settings=values.pairs("setting", settings),
            references=values.references(references, published),
            measure=measure,
            unit=unit,
            level=level,
            per=per,
            frequency=frequency,
            until=until,
            show_last=show_last,
            host=host,
        )
    print_advice(charts.advice)
    with stage(f"Writing {output.name}"):
        written = spcbench.write(
            spcbench.Report([charts], title="Control charts"), output, host=host
        )
    for path in written:
        click.echo(path)


def _baseline(given: str | None) -> int | tuple[str, str] | None:
    if given is not None and given.isdecimal():
        return int(given)
    if given is not None and ".." not in given:
        raise OptionError(
            f"--baseline {given!r} must be a number of points, such as 12, or two dates, such as "
            "2023-01-01..2023-12-01"
        )
    return values.span("baseline", given)
