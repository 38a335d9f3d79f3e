"""`spcbench events`: records in, waits between events or cases one by one out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spcbench.cli import options, values
from spcbench.errors import OptionError

if TYPE_CHECKING:
    from spcbench.measures.counting import Counted
    from spcbench.plugin.host import PluginHost

SUFFIXES = (".csv", ".parquet")
CHARTS = {"cases": "g", "days": "t", "hours": "t", None: "bernoulli_cusum"}


@click.command(
    "events",
    epilog=options.examples(
        "spcbench events births.csv --packs pop --measure mgso4 --event not_met --between cases "
        "--unit-column trust_code --date-column birth_date -o waits.csv",
        "spcbench chart waits.csv --chart g --better higher -o waits.png",
    ),
)
@click.argument("records", type=options.FILE)
@options.record_options
@click.option(
    "--measure",
    "measures",
    multiple=True,
    metavar="NAME",
    help="Only this measure of the packs, such as mgso4. May be repeated.",
)
@click.option(
    "--event",
    metavar="met|not_met",
    help="What an event is: an eligible case that met the measure, or one that did not.",
)
@click.option(
    "--between",
    metavar="WHAT",
    help="What lies between events: cases (for chart g), days or hours (for chart t). "
    "Without it every case is a row (for chart bernoulli_cusum).",
)
@options.source_options
@options.output_option("waits.csv or waits.parquet")
@click.pass_obj
def command(
    host: PluginHost,
    /,
    *,
    records: Path,
    measures: tuple[str, ...],
    event: str | None,
    between: str | None,
    output: Path,
    **given: Any,
) -> None:
    """Tell what lies between rare events, or every case in order.

    RECORDS has one row for each case (a baby, a mother), as for `spcbench
    count`. The result is what `spcbench chart` takes for charts of rare events.
    The wait for the first event and the one that has not ended are rows too,
    which say how long they are at the least; no chart takes them for an event.
    """
    import spcbench
    from spcbench.cli.count_command import table_bytes
    from spcbench.cli.inputs import Given, quality_lines
    from spcbench.cli.progress import stage
    from spcbench.measures.events import event_counts
    from spcbench.writing import write_files

    _check_output(output, records)
    asked = Given(**given)
    _check_needed(
        packs=tuple(asked.packs),
        event=event,
        unit_column=asked.unit_column,
        date_column=asked.date_column,
    )
    table = spcbench.read(
        records, reader=asked.reader, sheet=asked.sheet, on_error=asked.on_error, host=host
    )
    with stage("Putting cases in order"):
        counted = event_counts(
            table,
            packs=asked.packs,
            unit_column=asked.unit_column or "",
            date_column=asked.date_column or "",
            event=str(event),
            between=between,
            measures=measures or None,
            columns=values.mapped_columns(asked.maps) or None,
            mapping=asked.mapping,
            date_format=asked.date_format,
            time_zone=asked.time_zone,
            host=host,
        )
    for line in [*quality_lines(counted), *_told(counted, output, between)]:
        click.echo(line, err=True)
    for written in write_files({output: table_bytes(counted.counts, output)}):
        click.echo(written)


def _told(counted: Counted, output: Path, between: str | None) -> list[str]:
    """How many events there are, and how to chart them: a file forgets which side is good."""
    counts = counted.counts
    if between is None:
        known = counts["status"].eq("ok")
        number = f"{int(counts['numerator'].sum()):,} events in {int(known.sum()):,} cases"
    else:
        complete, rows = int(counts["status"].eq("ok").sum()), len(counts)
        number = f"{complete:,} waits known from event to event, {rows - complete:,} only in part"
    better = sorted({one.better for one in counted.display.values()} - {"neither"})
    side = f" --better {better[0]}" if len(better) == 1 else ""
    return [number, f"to chart them: spcbench chart {output} --chart {CHARTS[between]}{side} -o …"]


def _check_output(output: Path, records: Path) -> None:
    """Refuse a name that cannot be written, before the records are read."""
    from spcbench.writing import check_folder

    options.check_not_input(output, records)
    if output.suffix.lower() not in SUFFIXES:
        raise OptionError(
            f"cannot write {output.name!r}: the name must end in {' or '.join(SUFFIXES)}"
        )
    check_folder(output)


def _check_needed(**needed: str | tuple[str, ...] | None) -> None:
    for name, value in needed.items():
        if not value:
            raise click.UsageError(
                f"Missing option '--{name.replace('_', '-')}'.", click.get_current_context()
            )
