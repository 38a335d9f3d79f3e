"""`spcbench report`: everything about a table of counts in one file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spcbench.cli import options
from spcbench.errors import OptionError

if TYPE_CHECKING:
    import pandas as pd

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
@click.option(
    "--with",
    "files",
    multiple=True,
    metavar="NAME=FILE",
    help="A file that a pack uses for its part of the report, such as evidence=evidence.toml. "
    "May be repeated.",
)
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
    files: tuple[str, ...],
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
    beside = named_files(files)
    options.check_output(output, source=source, host=host)
    for path in beside.values():
        options.check_not_input(output, path)
    # A wrong name is told before the time is spent on reading and counting.
    host.rule_set(how["rules"])
    asked = Given(**given)
    table = opened(source, asked, measure=measure, host=host)
    if unit is None and area is None:
        named = {name: how[name] for name in CHARTED}
        # First, because a faulty file should be told before the time is spent on charts.
        sections = spcbench.pack_sections(
            table, measure=measure, level=how["level"], until=how["until"], files=beside, host=host
        )
        report = spcbench.Report(
            results_of(table, measure=measure, host=host, **named),
            title=title or f"Charts and funnels of {source.name}",
            sections=sections,
        )
    else:
        named = {**how, "measure": measure, "title": title, "files": beside}
        with stage("Making the page"):
            if unit is not None:
                events = missed_events(source, asked, table, unit, host)
                report = spcbench.unit_report(table, unit=unit, events=events, host=host, **named)
            else:
                one = None if area == ALL else area
                report = spcbench.area_report(table, area=one, host=host, **named)
    with stage(f"Writing {output.name}"):
        written = spcbench.write(report, output, host=host)
    if report.all_tables and host.format_for_suffix(output).suffix in PICTURES:
        click.echo(
            f"Note: {output.name} holds the pictures only; the words and the "
            f"{len(report.all_tables)} tables of the sections are in .html, .pdf, .csv and .json",
            err=True,
        )
    for path in written:
        click.echo(path)


PICTURES = (".png", ".svg")
ALL = "all"
PAGE_ONLY = ("hierarchy", "national", "window")
CHARTED = (
    *("references", "rules", "chart", "notes", "until", "level"),
    *("better", "target", "per"),
)


def named_files(given: Iterable[str]) -> dict[str, Path]:
    """What stands in ``--with``, by name.

    Raises
    ------
    OptionError
        If one is not NAME=FILE, or a name stands there twice.

    Examples
    --------
    >>> named_files(["evidence=kept/evidence.toml"])["evidence"].name
    'evidence.toml'
    """
    made: dict[str, Path] = {}
    for one in given:
        name, equals, path = one.partition("=")
        if not (name and equals and path):
            raise OptionError(f"--with {one!r} is not NAME=FILE, such as evidence=evidence.toml")
        if name in made:
            raise OptionError(f"--with names {name!r} twice; give one file for it")
        made[name] = Path(path)
    return made


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
    """Charts where there are two periods or more, and funnels of two units or more.

    Of measures that support others there are none, unless one is asked for or
    there is nothing else: the sections of their packs tell them.
    """
    import spcbench
    from spcbench.cli.inputs import print_advice
    from spcbench.cli.progress import stage

    shared = {name: how[name] for name in ("better", "target", "level")}
    shared |= {"measure": measure, "host": host}
    charted = {
        name: how[name] for name in ("chart", "per", "rules", "notes", "until", "references")
    }
    if measure is None and (beside := left_beside(table, host)):
        table = without(table, beside)
        charted["notes"] = notes_of_others(how["notes"], beside)
    results: list[Any] = []
    with stage("Calculating charts and funnels"):
        if periods_of(table) >= 2:
            results.append(spcbench.control_charts(table, **charted, **shared))
        compared = comparable(table, measure, host)
        if compared is not None:
            shared |= {"last": how["until"], "references": how["references"]}
            results.append(spcbench.funnels(compared, **shared))
    for result in results:
        print_advice(result.advice)
    return results


def left_beside(table: Counted | Table, host: PluginHost) -> list[str]:
    """Measures that only support others; none where there are no others."""
    from spcbench.pages_ground import supporting

    names = [str(one) for one in counts_in(table)["measure"].unique()]
    found = supporting(names, host)
    return found if len(found) < len(names) else []


def notes_of_others(notes: Path | None, measures: Sequence[str]) -> Any:
    """Notes without those about some measures, of which there is no chart to draw them on."""
    import spcbench
    from spcbench.intake import matching

    if notes is None:
        return None

    def meant(name: Any) -> bool:
        try:
            return isinstance(name, str) and bool(matching(name, measures))
        except OptionError:
            return False

    read = spcbench.read_notes(notes)
    return read[~read["measure"].map(meant).to_numpy(dtype=bool)]


def without(table: Counted | Table, measures: Sequence[str]) -> Any:
    """The same counts without some measures."""
    from spcbench.cli.inputs import rows_of
    from spcbench.pages_ground import like

    kept = ~counts_in(table)["measure"].isin(measures).to_numpy(dtype=bool)
    if hasattr(table, "counts"):
        return like(table, table.counts[kept].reset_index(drop=True))
    return rows_of(table, kept)


def comparable(table: Counted | Table, measure: str | None, host: PluginHost) -> Any | None:
    """The counts that funnels can compare; None where there are none, or but one unit."""
    from spcbench.intake import matching, rates_among

    names = [str(one) for one in counts_in(table)["measure"].unique()]
    asked = names if measure is None else [matching(measure, names, host=host)]
    bare = [one for one in without_denominator(table) if one in asked]
    if bare and len(counts_in(table)["unit"].unique()) > 1:
        noun = "measure" if len(bare) == 1 else "measures"
        told = ", ".join(bare[:5]) + (", …" if len(bare) > 5 else "")
        click.echo(
            f"No funnel of {len(bare)} {noun} of counts without a denominator, which cannot be "
            f"compared: {told}",
            err=True,
        )
    left_out = {*bare, *rates_among(asked, host)}
    kept = without(table, sorted(left_out)) if left_out else table
    return kept if left_out < set(asked) and has_peers(kept) else None


def without_denominator(table: Counted | Table) -> list[str]:
    """Measures whose counts have no denominator anywhere."""
    counts = counts_in(table)
    if not {"numerator", "denominator"} <= set(counts.columns):
        return []
    known = counts[["numerator", "denominator"]].notna().groupby(counts["measure"]).any()
    return [str(name) for name in known.index[(known["numerator"] & ~known["denominator"])]]


def counts_in(table: Counted | Table) -> pd.DataFrame:
    """The frame of counts."""
    return table.counts if hasattr(table, "counts") else table.data


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
    return int(counts_in(table)["period"].nunique())


def has_peers(table: Counted | Table) -> bool:
    """Whether counts hold shares of cases, of more than one unit, to be compared."""
    counts = counts_in(table)
    if not {"numerator", "denominator"} <= set(counts.columns):
        return False
    shares = counts["denominator"].notna() & counts["numerator"].notna()
    shares &= (counts["numerator"] <= counts["denominator"]).fillna(False)
    return bool(shares.any()) and int(counts["unit"][shares].nunique()) > 1
