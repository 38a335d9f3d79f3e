"""Commands that this plugin adds: the scorecard, signals of rare events, the training forecast."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spcbench.cli import options
from spcbench.errors import InputError, OptionError

if TYPE_CHECKING:
    from spcbench.plugin import PluginHost
    from spcbench_mis.scorecard_table import Scorecard

FILE = click.Path(path_type=Path, dir_okay=False)
SUFFIXES = (".csv", ".json", ".html", ".pdf")
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
@options.counts_options
@click.option("-o", "--output", type=FILE, help="scorecard.html, .pdf, .csv or .json.")
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
    **reading: Any,
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
    from spcbench.cli.inputs import counts_of
    from spcbench_mis.evidence import evidence_about
    from spcbench_mis.scorecard_rows import unused_lines
    from spcbench_mis.scorecard_table import scorecard

    table = counts_of(counts, host=host, **reading)
    card = scorecard(table, year=year, unit=unit, on=_day("on", on), evidence=evidence)
    _write_scorecard(card, output, evidence=evidence is not None, host=host)
    for line in unused_lines(card.unused):
        click.echo(line, err=True)
    if evidence is not None and not evidence_about(evidence)[1]:
        click.echo(f"{evidence.name} says no unit; taken as that of {card.unit}", err=True)
    met = int(card.actions["verdict"].eq("met").sum())
    click.echo(f"{met} of {len(card.actions)} safety actions met as of {card.on}", err=True)
    click.echo(output)


def _write_scorecard(
    card: Scorecard, output: Path, *, evidence: bool, host: PluginHost | None
) -> None:
    if output.suffix.lower() == ".pdf":
        from spcbench import write
        from spcbench_mis.scorecard_layout import scorecard_report

        write(scorecard_report(card, evidence=evidence), output, host=host)
        return
    from spcbench_mis import scorecard_page

    made = {
        ".csv": scorecard_page.scorecard_csv,
        ".json": scorecard_page.scorecard_json,
        ".html": scorecard_page.scorecard_html,
    }[output.suffix.lower()](card)
    _write(output, made)


@click.command("mis-signals")
@click.argument("counts", type=FILE)
@click.option(
    "--rate",
    "rates",
    metavar="NUMBER",
    multiple=True,
    help="Usual events to a birth in England, such as 0.002; or 2025=0.002, once for each year.",
)
@click.option("--measure", metavar="NAME", help="Only this measure of COUNTS.")
@options.counts_options
@click.option("-o", "--output", type=FILE, required=True, help="signals.html, .pdf or .csv.")
@click.pass_obj
def signals_command(
    host: PluginHost | None, /, *, counts: Path, rates: tuple[str, ...], measure: str | None,
    output: Path, **reading: Any,
) -> None:  # fmt: skip
    """Look for a lasting rise of rare events, by site, as NHS England's signal system does.

    COUNTS holds events (numerator) and births (denominator) by site and month,
    with the births of the year before, from which the levels of a year are made.
    Signals of level 1 and 2 are printed; the charts go to the output.
    """
    import spcbench
    from spcbench.cli.inputs import counts_of, rows_of
    from spcbench.intake import matching
    from spcbench_mis.signals import event_signals, signals_section

    _check_not_an_input(output, counts)
    table = counts_of(counts, host=host, **reading)
    if measure is not None:
        names = table.data["measure"]
        full = matching(measure, list(names.unique()))
        table = rows_of(table, names.eq(full).to_numpy(dtype=bool))
    found = event_signals(table, reference_rate=_rate(rates), host=host)
    for row in found.signals.to_dict("records"):
        again = "" if row["new"] else " (still above it)"
        events = "1 event" if row["events"] == 1 else f"{row['events']} events"
        click.echo(
            f"{row['unit']}, {row['period']:%b %Y}: level {row['level']}, {events}, "
            f"{row['expected']:.2f} expected{again}",
            err=True,
        )
    for note in found.notes:
        click.echo(note, err=True)
    if found.signals.empty:
        click.echo("no signal", err=True)
    sections = [signals_section(found)]
    report = spcbench.Report([], title="Signals of rare events", sections=sections)
    for path in spcbench.write(report, output, host=host):
        click.echo(path)


@click.command("mis-training")
@click.argument("staff", type=FILE)
@click.option("--unit", metavar="CODE", required=True, help="The trust.")
@click.option("--on", metavar=DATE_METAVAR, help="As of when; today by default.")
@click.option("--until", metavar=DATE_METAVAR, required=True, help="Last day to look at.")
@options.sheet
@options.date_format
@click.option("-o", "--output", type=FILE, required=True, help="forecast.csv.")
@click.pass_obj
def training_command(
    host: PluginHost | None, /, *, staff: Path, unit: str, on: str | None, until: str,
    sheet: str | None, date_format: str | None, output: Path,
) -> None:  # fmt: skip
    """Tell when training runs out, and how many must attend by when.

    STAFF is a CSV file or workbook with one row a person and course: staff (any
    id), measure (such as sa8_fm_midwives) and attended (the last date, or empty).
    """
    from spcbench.cli.inputs import cells_of
    from spcbench.counts_cells import dates
    from spcbench.dated_tables import check_columns
    from spcbench_mis.training import STAFF_COLUMNS, training_forecast

    if output.suffix.lower() != ".csv":
        raise OptionError(f"cannot write {output.name!r}: the name must end in .csv")
    _check_not_an_input(output, staff)
    table, place = cells_of(staff, what="the list of staff", sheet=sheet, host=host)
    check_columns(table, place, needed=STAFF_COLUMNS, optional=(), what="A list of staff")
    table = table.assign(attended=dates(table["attended"], place, date_format=date_format))
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


def _rate(given: tuple[str, ...]) -> float | dict[int, float] | None:
    """One rate for all years, or one for each."""
    if not given:
        return None
    try:
        if len(given) == 1 and "=" not in given[0]:
            return float(given[0])
        pairs = [one.split("=") for one in given]
        rates = {int(year): float(number) for year, number in pairs}
    except ValueError:
        raise OptionError(
            f"--rate {' '.join(given)!r} is neither a number such as 0.002 nor a year with one, "
            "such as 2025=0.002"
        ) from None
    if len(rates) < len(given):
        raise OptionError(f"--rate {' '.join(given)!r} names a year twice")
    return rates


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
