"""`spcbench funnel`: counts in, funnel plots out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spcbench.cli import options

if TYPE_CHECKING:
    from spcbench.plugin.host import PluginHost


@click.command(
    "funnel",
    epilog=options.examples(
        "spcbench funnel counts.csv --measure pop:ocm "
        "--first 2024-01-01 --last 2024-12-01 -o funnel.png"
    ),
)
@click.argument("counts", type=options.FILE)
@options.measure
@click.option(
    "--limits",
    default="exact",
    show_default=True,
    metavar="METHOD",
    help="How limits are calculated: exact, mid_p, jeffreys, normal, or spiegelhalter, arcsine "
    "and chi2 for parity with other tools.",
)
@click.option(
    "--data-type",
    default="proportion",
    show_default=True,
    metavar="TYPE",
    help="What is compared: proportion (cases met of all), rate (events over exposure) or ratio "
    "(events over those expected).",
)
@click.option(
    "--overdispersion",
    default="none",
    show_default=True,
    metavar="HOW",
    help="How limits allow for units that differ by more than chance: none, additive or "
    "multiplicative.",
)
@click.option(
    "--tau2-method",
    default="dl",
    show_default=True,
    metavar="NAME",
    help="How the variance between units is estimated: dl, pm or reml.",
)
@click.option(
    "--winsorise",
    type=float,
    default=0.1,
    show_default=True,
    metavar="SHARE",
    help="Share of the units at each end that is drawn in before the variation is estimated.",
)
@click.option("--by", metavar="COLUMN", help="Labels, such as group: one funnel for each.")
@options.per
@options.better
@options.target
@click.option("--first", metavar="DATE", help="First period to add up, such as 2024-01-01.")
@click.option("--last", metavar="DATE", help="Last period to add up, such as 2024-12-01.")
@options.level
@options.input_options
@options.output_option("funnel.png, funnel.csv or report.html")
@click.pass_obj
def command(
    host: PluginHost,
    /,
    *,
    counts: Path,
    measure: str | None,
    limits: str,
    data_type: str,
    overdispersion: str,
    tau2_method: str,
    winsorise: float,
    by: str | None,
    per: int | None,
    better: str | None,
    target: float | None,
    first: str | None,
    last: str | None,
    level: str | None,
    output: Path,
    **given: Any,
) -> None:
    """Draw funnel plots, to tell a real difference from chance.

    COUNTS is a table of counts, as for `spcbench chart`. The periods of each
    unit are added up, all of them or those from --first to --last, and compared
    with the rate of all units together, or with --target.
    """
    import spcbench
    from spcbench.cli.inputs import Given, opened, print_advice
    from spcbench.cli.progress import stage

    options.check_output(output, source=counts, host=host)
    table = opened(counts, Given(**given), measure=measure, host=host)
    with stage("Calculating funnels"):
        funnels = spcbench.funnels(
            table,
            limits=limits,
            data_type=data_type,
            overdispersion=overdispersion,
            tau2_method=tau2_method,
            winsorise=winsorise,
            by=by,
            per=per,
            better=better,
            target=target,
            measure=measure,
            first=first,
            last=last,
            level=level,
            host=host,
        )
    print_advice(funnels.advice)
    with stage(f"Writing {output.name}"):
        written = spcbench.write(
            spcbench.Report([funnels], title="Funnel plots"), output, host=host
        )
    for path in written:
        click.echo(path)
