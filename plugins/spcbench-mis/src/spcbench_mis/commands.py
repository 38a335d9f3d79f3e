"""Commands that this plugin adds: the scorecard, signals of rare events, the training forecast."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spcbench.errors import InputError, OptionError

if TYPE_CHECKING:
    from spcbench.plugin import PluginHost

FILE = click.Path(path_type=Path, dir_okay=False)
SUFFIXES = (".csv", ".json", ".html")
DATE_METAVAR = "YYYY-MM-DD"


@click.command("mis-scorecard")
@click.argument("counts", type=FILE, required=False)
@click.option("--year", default="y7", show_default=True, help="Year of the scheme: y5, y6 or y7.")
@click.option("--unit", metavar="CODE", help="The trust; needed where COUNTS holds several.")
@click.option("--on", metavar=DATE_METAVAR, help="As of when; today by default.")
@click.option("--evidence", type=FILE, help="The trust's own file of evidence, .toml or .csv.")
@click.option(
    "--template",
    type=FILE,
    help="Write a file of evidence to fill in (.toml or .csv) instead of a scorecard.",
)
@click.option("-o", "--output", type=FILE, help="scorecard.html, scorecard.csv or scorecard.json.")
@click.pass_obj
def scorecard_command(
    host: PluginHost | None,
    /,
    *,
    counts: Path | None,
    year: str,
    unit: str | None,
    on: str | None,
    evidence: Path | None,
    template: Path | None,
    output: Path | None,
) -> None:
    """Show how a trust stands against the Maternity Incentive Scheme.

    COUNTS is a table with the columns measure, unit, period, numerator and
    denominator that the trust keeps; measures are called mis:sa1_parent_views
    and so on (see `spcbench measures`). Thresholds are still to be checked.
    """
    if template is not None:
        _write_template(template, year)
        return
    if counts is None:
        raise click.UsageError("Missing argument 'COUNTS' (or --template FILE).")
    if output is None:
        raise click.UsageError("Missing option '--output'.")
    if output.suffix.lower() not in SUFFIXES:
        raise OptionError(
            f"cannot write {output.name!r}: the name must end in {', '.join(SUFFIXES)}"
        )
    _check_not_an_input(output, counts, evidence)
    import spcbench
    from spcbench_mis import scorecard_page
    from spcbench_mis.evidence import read_evidence
    from spcbench_mis.scorecard_table import scorecard

    said = None if evidence is None else read_evidence(evidence, year=year, unit=unit)
    card = scorecard(
        spcbench.read(counts, host=host), year=year, unit=unit, on=_day("on", on), evidence=said
    )
    if evidence is not None and unit is None:
        read_evidence(evidence, year=year, unit=card.unit)
    made = {
        ".csv": scorecard_page.scorecard_csv,
        ".json": scorecard_page.scorecard_json,
        ".html": scorecard_page.scorecard_html,
    }[output.suffix.lower()](card)
    _write(output, made)
    met = int(card.actions["verdict"].eq("met").sum())
    click.echo(f"{met} of {len(card.actions)} safety actions met as of {card.on}", err=True)
    click.echo(output)


@click.command("mis-signals")
@click.argument("counts", type=FILE)
@click.option("--rate", type=float, help="Usual events to a birth in England, such as 0.002.")
@click.option("--measure", metavar="NAME", help="Only this measure of COUNTS.")
@click.option("-o", "--output", type=FILE, required=True, help="signals.html, .png, .pdf or .csv.")
@click.pass_obj
def signals_command(
    host: PluginHost | None, /, *, counts: Path, rate: float | None, measure: str | None,
    output: Path,
) -> None:  # fmt: skip
    """Look for a lasting rise of rare events, by site, as NHS England's signal system does.

    COUNTS holds events (numerator) and births (denominator) by site and month.
    Signals of level 1 and 2 are printed; the charts go to the output.
    """
    import spcbench
    from spcbench_mis.signals import event_signals, signals_section

    _check_not_an_input(output, counts)
    table: Any = spcbench.read(counts, host=host)
    if measure is not None:
        table = _only(table, measure)
    found = event_signals(table, reference_rate=rate, host=host)
    for row in found.signals.to_dict("records"):
        again = "" if row["new"] else " (still above it)"
        click.echo(
            f"{row['unit']}, {row['period']:%b %Y}: level {row['level']}, {row['events']} events, "
            f"{row['expected']:.2f} expected{again}",
            err=True,
        )
    if found.signals.empty:
        click.echo("no signal", err=True)
    report = spcbench.Report(
        [found.cusum, found.vlad], title="Signals of rare events", sections=[signals_section(found)]
    )
    for path in spcbench.write(report, output, host=host):
        click.echo(path)


@click.command("mis-training")
@click.argument("staff", type=FILE)
@click.option("--unit", metavar="CODE", required=True, help="The trust.")
@click.option("--on", metavar=DATE_METAVAR, help="As of when; today by default.")
@click.option("--until", metavar=DATE_METAVAR, required=True, help="Last day to look at.")
@click.option("-o", "--output", type=FILE, required=True, help="forecast.csv.")
def training_command(*, staff: Path, unit: str, on: str | None, until: str, output: Path) -> None:
    """Tell when training runs out, and how many must attend by when.

    STAFF is a CSV file with one row a person and course: staff (any id),
    measure (such as sa8_fm_midwives) and attended (the last date, or empty).
    """
    import pandas as pd

    from spcbench_mis.training import training_forecast

    if output.suffix.lower() != ".csv":
        raise OptionError(f"cannot write {output.name!r}: the name must end in .csv")
    _check_not_an_input(output, staff)
    try:
        table = pd.read_csv(staff, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise InputError(f"{staff.name} cannot be read as CSV ({error})") from None
    try:
        made = training_forecast(table, on=_day("on", on), until=_day("until", until), unit=unit)
    except InputError as error:
        raise InputError(f"{staff.name}, {error}") from None
    _write(output, made.to_csv(index=False, lineterminator="\n").encode())
    click.echo(output)


def _day(option: str, given: str | None) -> date:
    if given is None:
        return datetime.now().astimezone().date()
    try:
        return datetime.strptime(given, "%Y-%m-%d").astimezone().date()
    except ValueError:
        raise OptionError(f"--{option} {given!r} is not a date such as 2025-10-01") from None


def _only(table: Any, measure: str) -> Any:
    from dataclasses import replace

    names = table.data["measure"]
    wanted = names.eq(measure) | names.str.endswith(f":{measure}")
    if not wanted.any():
        raise OptionError(
            f"measure {measure!r} is not in the counts; they hold {', '.join(sorted(set(names)))}"
        )
    return replace(table, data=table.data[wanted].reset_index(drop=True), lines=None)


def _write_template(path: Path, year: str) -> None:
    from spcbench_mis.evidence import template

    if path.exists():
        raise OptionError(f"{path.name} exists already; choose another name")
    _write(path, template(year, form=path.suffix.lower().removeprefix(".")).encode())
    click.echo(path)


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise OptionError(f"cannot write {path} ({error.strerror})") from None


def _check_not_an_input(output: Path, *inputs: Path | None) -> None:
    for one in inputs:
        if one is not None and output.resolve() == one.resolve():
            raise OptionError(f"{output.name} is what is read; choose another name to write")
