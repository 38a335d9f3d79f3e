"""`spcbench standardise`: counts by stratum in, counts with the number expected out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from spcbench.cli import options

if TYPE_CHECKING:
    import pandas as pd


@click.command(
    "standardise",
    epilog=options.examples(
        "spcbench standardise strata.csv --strata age_band --strata parity -o counts.csv",
        "spcbench funnel counts.csv --data-type ratio -o funnel.png",
    ),
)
@click.argument("counts", type=options.FILE)
@click.option(
    "--strata",
    multiple=True,
    required=True,
    metavar="NAME",
    help="Column that tells strata apart, such as age_band. May be repeated.",
)
@click.option(
    "--reference",
    type=options.FILE,
    metavar="FILE",
    help="Whose rates are applied: a table with the columns of the strata, numerator, denominator, "
    "and measure if rates differ between measures. Without it those of all rows of COUNTS.",
)
@click.option(
    "--takes",
    default="proportion",
    show_default=True,
    metavar="WHAT",
    help="What COUNTS holds: proportion (cases met of all) or rate (events over exposure).",
)
@options.level
@options.date_format
@options.suppressed
@options.output_option("counts.csv or counts.parquet")
def command(
    *,
    counts: Path,
    strata: tuple[str, ...],
    reference: Path | None,
    takes: str,
    level: str | None,
    date_format: str | None,
    suppressed: tuple[str, ...],
    output: Path,
) -> None:
    """Work out what other rates would give, by stratum.

    COUNTS is a CSV or Parquet table of counts with a row for each measure,
    unit, period and stratum. Every stratum's cases are taken at the rate of the
    reference (indirect standardisation) and added up: one row for each measure,
    unit and period, with the number expected.
    """
    import spcbench
    from spcbench.cli.count_command import table_bytes
    from spcbench.cli.inputs import strata_table
    from spcbench.cli.progress import stage
    from spcbench.writing import write_files

    options.check_tables(output, sources=[counts, *([reference] if reference else [])])
    table = strata_table(counts)
    other = None if reference is None else strata_table(reference)
    with stage("Working out what is expected"):
        found = spcbench.standardised_counts(
            table,
            strata,
            reference=other,
            takes=takes,
            level=level,
            date_format=date_format,
            suppressed=suppressed,
        )
    whose = "all rows together" if reference is None else reference.name
    for line in _told(found, whose=whose):
        click.echo(line, err=True)
    for path in write_files({output: table_bytes(found, output)}):
        click.echo(path)


def _told(found: pd.DataFrame, *, whose: str) -> list[str]:
    """What was observed and expected of each measure, and what was left out."""
    sums = found.groupby("measure")[["numerator", "expected"]].sum()
    listed = [
        f"{row.Index}: {row.numerator:,} observed, {row.expected:,.1f} expected at the rates of "
        f"{whose}"
        for row in sums.itertuples()
    ]
    without = int(found["note"].notna().sum())
    if without:
        listed.append(
            f"{without:,} {'row lacks' if without == 1 else 'rows lack'} a stratum whose count is "
            "withheld, in observed and expected alike; the column note names it"
        )
    return listed
