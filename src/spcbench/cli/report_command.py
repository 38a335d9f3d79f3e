"""`spcbench report`: everything about a table of counts in one file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spcbench.cli import options
from spcbench.errors import OptionError

if TYPE_CHECKING:
    from spcbench.cli.inputs import Given
    from spcbench.measures.counting import Counted
    from spcbench.plugin.host import PluginHost
    from spcbench.tables import Table


@click.command(
    "report",
    epilog=options.examples(
        "spcbench report counts.csv -o report.html",
        "spcbench report births.csv --packs pop --unit-column trust_code "
        "--date-column birth_date --unit RJ1 --hierarchy hierarchy.csv -o unit.html",
        "spcbench report counts.csv --area Y56 --hierarchy hierarchy.csv --notes notes.csv "
        "-o region.html",
    ),
)
@click.argument("source", metavar="INPUT", type=options.FILE)
@click.option("--unit", metavar="CODE", help="The page of this unit, to be read by its board.")
@click.option(
    "--area",
    metavar="CODE",
    help="The page of this system or region; `all` is all units together.",
)
@click.option(
    "--hierarchy",
    type=options.FILE,
    metavar="FILE.csv",
    help="For a page: who belongs to whom, as for `spcbench roll-up`.",
)
@click.option(
    "--national",
    type=options.FILE,
    metavar="FILE",
    help="For a page: counts of the nation, to stand beside.",
)
@options.published
@click.option(
    "--window",
    type=int,
    metavar="PERIODS",
    help="For a page: how many of the latest periods are added up; a year of them by default.",
)
@options.measure
@click.option("--title", metavar="TEXT", help="The heading; by default what it is, and of what.")
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
    unit: str | None,
    area: str | None,
    measure: str | None,
    title: str | None,
    output: Path,
    **given: Any,
) -> None:
    """Put the charts and funnels of every measure in one file.

    INPUT is a table of counts, or of records with --packs, --unit-column and
    --date-column. Charts need two periods or more; with one there are funnels only.
    Funnels need shares of cases of two units or more.

    With --unit or --area it is a page that reads by itself: where a unit or an
    area stands, what has changed, what was missed, and what was done.
    """
    import spcbench
    from spcbench.cli.inputs import Given, opened
    from spcbench.cli.progress import stage

    given["references"] = given.pop("published")
    how = {name: given.pop(name) for name in (*PAGE_ONLY, *CHARTED)}
    check_together(unit, area, how)
    options.check_output(output, source=source, host=host)
    # A wrong name is told before the time is spent on reading and counting.
    host.rule_set(how["rules"])
    asked = Given(**given)
    table = opened(source, asked, measure=measure, host=host)
    if unit is None and area is None:
        named = {name: how[name] for name in CHARTED}
        report = spcbench.Report(
            results_of(table, measure=measure, host=host, **named),
            title=title or f"Charts and funnels of {source.name}",
        )
    else:
        named = {**how, "measure": measure, "title": title}
        with stage("Making the page"):
            if unit is not None:
                events = missed_events(source, asked, table, unit, host)
                report = spcbench.unit_report(table, unit=unit, events=events, host=host, **named)
            else:
                one = None if area == ALL else area
                report = spcbench.area_report(table, area=one, host=host, **named)
    with stage(f"Writing {output.name}"):
        written = spcbench.write(report, output, host=host)
    for path in written:
        click.echo(path)


ALL = "all"
PAGE_ONLY = ("hierarchy", "national", "window")
CHARTED = (
    *("references", "rules", "chart", "notes", "until", "level"),
    *("better", "target", "per"),
)


def check_together(unit: str | None, area: str | None, how: dict[str, Any]) -> None:
    """Refuse options that mean nothing together.

    Raises
    ------
    OptionError
        Names the option that does not go with the others.
    """
    if unit is not None and area is not None:
        raise OptionError("a page is of one --unit or of one --area; give one of them")
    for name in PAGE_ONLY:
        if how[name] is not None and unit is None and area is None:
            raise OptionError(f"--{name} is for a page: say whose with --unit or --area")


def results_of(
    table: Counted | Table, *, host: PluginHost, measure: str | None, **how: Any
) -> list[Any]:
    """Charts where there are two periods or more, and funnels of two units or more."""
    import spcbench
    from spcbench.cli.inputs import print_advice
    from spcbench.cli.progress import stage

    shared = {name: how[name] for name in ("better", "target", "level")}
    shared |= {"measure": measure, "host": host}
    charted = ("chart", "per", "rules", "notes", "until", "references")
    results: list[Any] = []
    with stage("Calculating charts and funnels"):
        if periods_of(table) >= 2:
            results.append(
                spcbench.control_charts(table, **{name: how[name] for name in charted}, **shared)
            )
        if has_peers(table):
            results.append(
                spcbench.funnels(table, last=how["until"], references=how["references"], **shared)
            )
    for result in results:
        print_advice(result.advice)
    return results


def missed_events(
    source: Path, given: Given, table: Counted | Table, unit: str, host: PluginHost
) -> Counted | None:
    """Cases between missed ones, of measures with few cases, where there are records to ask.

    They are read again: counts do not say in which order cases came.
    """
    import spcbench
    from spcbench.cli.values import mapped_columns
    from spcbench.measures.counting import Counted
    from spcbench.pages_unit import rare_measures

    if not isinstance(table, Counted):
        return None
    measures = rare_measures(table, unit, host)
    if not measures:
        return None
    records = spcbench.read(
        source, reader=given.reader, sheet=given.sheet, on_error=given.on_error, host=host
    )
    return spcbench.event_counts(
        records,
        packs=given.packs,
        unit_column=given.unit_column or "",
        date_column=given.date_column or "",
        event="not_met",
        between="cases",
        measures=measures,
        columns=mapped_columns(given.maps) or None,
        mapping=given.mapping,
        date_format=given.date_format,
        time_zone=given.time_zone,
        host=host,
    )


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
