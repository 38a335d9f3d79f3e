"""`spcbench steps`: counts in, suggested step changes out; accepted ones become notes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spcbench.cli import options
from spcbench.errors import OptionError

if TYPE_CHECKING:
    import pandas as pd

    from spcbench.plugin.host import PluginHost

QUESTION = "A suggestion, not a finding: is there a reason you know of?"
QUESTIONS = "Suggestions, not findings: is there a reason you know of for each?"


@click.command(
    "steps",
    epilog=options.examples(
        "spcbench steps counts.csv --period-points 24",
        "spcbench steps counts.csv --measure pop:ocm --unit RJ1 --accept --author 'A. Analyst' "
        "--reason 'New pathway' -o notes.csv",
    ),
)
@click.argument("counts", type=options.FILE)
@options.measure
@click.option("--unit", metavar="CODE", help="Only this unit, such as RJ1. All by default.")
@click.option("--date", metavar="DATE", help="Only the step that begins then, such as 2024-04-01.")
@click.option(
    "--chart",
    default="auto",
    show_default=True,
    metavar="NAME",
    help="Chart whose limits are used: p_prime, p, c_prime, c, i or mr; auto picks p_prime "
    "for shares, i for values and c_prime for counts alone.",
)
@click.option(
    "--period-points",
    type=int,
    default=21,
    show_default=True,
    metavar="N",
    help="Periods that a level is drawn from; as many must follow a step. 24 for monthly data.",
)
@click.option(
    "--shift",
    type=int,
    default=8,
    show_default=True,
    metavar="N",
    help="Points in a row on one side of the centre line that make a shift.",
)
@options.until
@options.level
@click.option(
    "--accept",
    is_flag=True,
    help="Write the steps as notes that begin new phases, to -o; an existing file of notes is "
    "added to.",
)
@click.option("--author", metavar="NAME", help="Who accepts them. Goes with --accept.")
@click.option(
    "--reason", metavar="TEXT", help="Why the level moved. Without it the suggestion's own words."
)
@options.input_options
@click.option(
    "-o",
    "--output",
    type=options.FILE,
    metavar="FILE.csv",
    help="Where to write the suggestions, or the notes with --accept.",
)
@click.pass_obj
def command(
    host: PluginHost,
    /,
    *,
    counts: Path,
    measure: str | None,
    unit: str | None,
    date: str | None,
    chart: str,
    period_points: int,
    shift: int,
    until: str | None,
    level: str | None,
    accept: bool,
    author: str | None,
    reason: str | None,
    output: Path | None,
    **given: Any,
) -> None:
    """Suggest where a series may have moved to a new level.

    COUNTS is what `spcbench chart` takes. A step is suggested where a long run
    on one side of the centre line is followed by enough points for a new level
    and nothing in them speaks for a return. Nothing is applied: with --accept
    you make notes of the steps that you know a reason for.
    """
    from spcbench.builtin.formats import csv_bytes
    from spcbench.cli.inputs import Given, opened
    from spcbench.cli.progress import stage
    from spcbench.notes import appended
    from spcbench.steps import accepted_steps, suggested_steps
    from spcbench.writing import write_files

    _check_options(counts, output, accept=accept, author=author, reason=reason)
    table = opened(counts, Given(**given), measure=measure, host=host)
    with stage("Looking for steps"):
        steps = suggested_steps(
            table,
            chart=chart,
            period=period_points,
            shift=shift,
            measure=measure,
            unit=unit,
            level=level,
            until=until,
            host=host,
        )
    steps = _beginning(steps, date)
    _tell(steps, period_points)
    if output is None or (accept and not len(steps)):
        return
    if accept:
        appended(output, accepted_steps(steps, author=author or "", reason=reason))
    else:
        write_files({output: csv_bytes(steps)})
    click.echo(output)


def _check_options(
    counts: Path, output: Path | None, *, accept: bool, author: str | None, reason: str | None
) -> None:
    """Refuse what does not go together, before the counts are read."""
    from spcbench.writing import check_folder

    if accept and not (author or "").strip():
        raise OptionError("a step is accepted by somebody: give --author NAME with --accept")
    if accept and output is None:
        raise OptionError("--accept writes notes: say where with -o, such as -o notes.csv")
    if not accept and (author is not None or reason is not None):
        raise OptionError("--author and --reason go with --accept, which writes notes")
    if output is None:
        return
    if output.suffix.lower() != ".csv":
        raise OptionError(f"cannot write {output.name!r}: the name must end in .csv")
    options.check_not_input(output, counts)
    check_folder(output)


def _beginning(steps: pd.DataFrame, date: str | None) -> pd.DataFrame:
    """Only the steps that begin on one date, if one is named."""
    from spcbench.intake import as_date

    if date is None:
        return steps
    kept = steps[steps["date"].to_numpy() == as_date(date, "--date")].reset_index(drop=True)
    if not len(kept):
        dates = sorted({f"{one:%Y-%m-%d}" for one in steps["date"]})
        known = f"; steps are suggested on {', '.join(dates)}" if dates else ""
        raise OptionError(f"no step is suggested on {date}{known}")
    return kept


def _tell(steps: pd.DataFrame, period: int) -> None:
    for step in steps.to_dict("records"):
        click.echo(f"{step['measure']}, {step['unit']}: {step['message']}")
    if len(steps):
        click.echo(QUESTIONS if len(steps) > 1 else QUESTION)
    else:
        click.echo(
            "No step change is suggested. "
            f"One needs {period} points before it and {period} from it on; "
            "--period-points asks for fewer, at the price of more false suggestions."
        )
