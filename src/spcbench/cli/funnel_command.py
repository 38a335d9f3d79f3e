"""`spcbench funnel`: counts in, funnel plots out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spcbench.cli import options, values

if TYPE_CHECKING:
    from spcbench.benchmarking import Funnels
    from spcbench.plugin.host import PluginHost


MOST_TOLD = 10
"""Funnels summed up on the terminal; more are only counted."""

compared = options.together(
    click.option(
        "--data-type",
        default="proportion",
        show_default=True,
        metavar="TYPE",
        help="What is compared: proportion (cases met of all), rate (events over exposure), ratio "
        "(events over those expected), two_counts (one count over another) or change (the later "
        "period over an earlier one).",
    ),
    click.option(
        "--change-of",
        metavar="TYPE",
        help="What changed: proportion (the default), rate or ratio.",
    ),
    click.option(
        "--before",
        metavar="FIRST..LAST",
        help="Earlier periods of a change, such as 2023-01-01..2023-12-01.",
    ),
    click.option(
        "--scale",
        metavar="NAME",
        help="On which the variation between units is worked out: natural, arcsine or logit for "
        "proportions; log, sqrt or natural for rates and ratios.",
    ),
    click.option(
        "--target",
        metavar="SHARE",
        help="What units are compared with: a number (0.85 means 85 %), pooled (all units "
        "together, the default), standard (the measure's own target) or national (the national "
        "figure in the file).",
    ),
)
"""What is compared, and with what."""

limited = options.together(
    click.option(
        "--limits",
        metavar="METHOD",
        help="How limits are calculated: exact (the default), mid_p, jeffreys, normal, or "
        "spiegelhalter, arcsine and chi2 for parity with other tools.",
    ),
    click.option(
        "--probabilities",
        metavar="LIST",
        help="Which limits: 0.95,0.998 by default.",
    ),
    click.option("--sigmas", metavar="LIST", help="Limits by standard deviations, such as 2,3."),
    click.option("--preset", metavar="NAME", help="Usual limits by name: 95-998 or 2sd-3sd."),
    click.option(
        "--overdispersion",
        default="none",
        show_default=True,
        metavar="HOW",
        help="How limits allow for units that differ by more than chance: none, additive or "
        "multiplicative.",
    ),
    click.option(
        "--tau2-method",
        default="dl",
        show_default=True,
        metavar="NAME",
        help="How the variance between units is estimated: dl, pm or reml.",
    ),
    click.option(
        "--winsorise",
        type=float,
        default=0.1,
        show_default=True,
        metavar="SHARE",
        help="Share of the units at each end that is drawn in before the variation is estimated.",
    ),
    click.option(
        "--consistent/--no-consistent",
        default=True,
        show_default=True,
        help="Make up for what --winsorise takes away; the published way does not.",
    ),
    click.option(
        "--fdr",
        type=float,
        metavar="SHARE",
        help="Also draw the line of this false discovery rate, such as 0.05.",
    ),
    click.option(
        "--dependent",
        is_flag=True,
        help="The line of --fdr holds however the units depend on each other.",
    ),
)
"""Which limits, and what they allow for."""

pictured = options.together(
    click.option(
        "--picture",
        metavar="NAME",
        help="funnel (the default) or caterpillar: the interval of each unit.",
    ),
    click.option(
        "--highlight",
        multiple=True,
        metavar="UNIT",
        help="Pick out a unit by code or name, or all with a label, such as region=Y56. "
        "Up to three times.",
    ),
    click.option(
        "--beside",
        metavar="UNIT",
        help="Draw the figures of this unit's system, region and nation as lines; the file must "
        "hold them (see `spcbench roll-up`).",
    ),
    click.option(
        "--label",
        metavar="WHICH",
        help="Units that are named: outside (the default), outside_998, highlighted, all or none.",
    ),
    click.option("--size", metavar="NAME", help="page (the default), half (of A4) or slide."),
    click.option(
        "--reference",
        "references",
        multiple=True,
        metavar="NAME=VALUE",
        help="A further line, such as England=0.72. May be repeated.",
    ),
    options.published,
)
"""How it is drawn."""


@click.command(
    "funnel",
    epilog=options.examples(
        "spcbench funnel counts.csv --measure pop:ocm "
        "--first 2024-01-01 --last 2024-12-01 -o funnel.png",
        "spcbench funnel counts.csv --measure pop:ocm --data-type change "
        "--before 2023-01-01..2023-12-01 --first 2024-01-01 --highlight RJ1 -o change.png",
    ),
)
@click.argument("counts", type=options.FILE)
@options.measure
@compared
@limited
@click.option("--by", metavar="COLUMN", help="Labels, such as group: one funnel for each.")
@click.option(
    "--labels",
    type=options.FILE,
    metavar="FILE.csv",
    help="Table that has the column of --by, if COUNTS does not: a row for each unit with the "
    "columns unit and COLUMN, and valid_from and valid_to where labels changed.",
)
@options.per
@options.better
@click.option("--first", metavar="DATE", help="First period to add up, such as 2024-01-01.")
@click.option("--last", metavar="DATE", help="Last period to add up, such as 2024-12-01.")
@options.level
@pictured
@options.input_options
@options.output_option("funnel.png, funnel.csv or report.html")
@click.pass_obj
def command(
    host: PluginHost,
    /,
    *,
    counts: Path,
    measure: str | None,
    target: str | None,
    before: str | None,
    labels: Path | None,
    probabilities: str | None,
    sigmas: str | None,
    references: tuple[str, ...],
    published: str | None,
    picture: str | None,
    highlight: tuple[str, ...],
    beside: str | None,
    label: str | None,
    size: str | None,
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

    for source in filter(None, (counts, labels)):
        options.check_output(output, source=source, host=host)
    reading = {name: given.pop(name) for name in Given.__dataclass_fields__}
    asked: dict[str, Any] = {
        "target": _target(target),
        "before": values.span("before", before),
        "labels": labels,
        "probabilities": values.numbers("probabilities", probabilities),
        "sigmas": values.numbers("sigmas", sigmas),
        "references": values.references(references, published),
    }
    table = opened(counts, Given(**reading), measure=measure, host=host)
    with stage("Calculating funnels"):
        funnels = spcbench.funnels(table, measure=measure, host=host, **asked, **given)
        funnels = funnels.shown(
            picture=picture,
            highlight=highlight or None,
            beside=beside,
            label=label,
            size=size,
        )
    print_advice(funnels.advice)
    print_summary(funnels)
    with stage(f"Writing {output.name}"):
        written = spcbench.write(
            spcbench.Report([funnels], title="Funnel plots"), output, host=host
        )
    for path in written:
        click.echo(path)


def _target(given: str | None) -> float | str | None:
    """A number, or one of the words that the function knows."""
    try:
        return None if given is None else float(given)
    except ValueError:
        return given


def print_summary(funnels: Funnels) -> None:
    """Print on stderr, line by line, how many units are outside, and how many by chance."""
    from spcbench.levels import level_words

    inner = funnels.method["levels"][0]
    # Only exact limits keep their promise for units of every size.
    bound = "at most" if funnels.method["limits"] == "exact" else "nominally"
    for line in funnels.summary.head(MOST_TOLD).to_dict("records"):
        name = line["measure"] + (f", {line['group']}" if isinstance(line["group"], str) else "")
        if line["status"] != "ok":
            click.echo(f"{name}: {line['reason']}", err=True)
            continue
        click.echo(
            f"{name}: {line[f'outside_{inner}']:,} of {line['units']:,} units outside the "
            f"{level_words(inner)} limits; by chance alone {bound} "
            f"{line['expected_false_positives']:.3g} would be",
            err=True,
        )
    if len(funnels.summary) > MOST_TOLD:
        click.echo(f"And {len(funnels.summary) - MOST_TOLD:,} more funnels", err=True)
