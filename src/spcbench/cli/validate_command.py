"""`spcbench validate`: what to put right in records before they are counted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spcbench.cli import options
from spcbench.cli.values import mapped_columns

if TYPE_CHECKING:
    import pandas as pd

    from spcbench.measures.validating import Validated
    from spcbench.plugin.host import PluginHost

FAIL_ON = ("nothing", "set-aside", "problems")


@click.command(
    "validate",
    epilog=options.examples(
        "spcbench validate births.csv --packs pop",
        "spcbench validate births.csv --packs pop --fail-on problems -o to-fix.xlsx",
        "spcbench validate tools/ --packs periprem --mapping periprem --unit-column org_code",
    ),
)
@click.argument("records", type=options.FILE)
@options.record_options
@click.option(
    "--measure",
    "measures",
    multiple=True,
    metavar="NAME",
    help="Only what this measure of the packs needs, such as mgso4. May be repeated.",
)
@options.source_options
@click.option(
    "--rows",
    type=click.IntRange(min=0),
    default=5,
    show_default=True,
    help="How many rows to name for each problem.",
)
@click.option(
    "--fail-on",
    type=click.Choice(FAIL_ON),
    default="nothing",
    show_default=True,
    help="End with exit code 1 if a record cannot be used (set-aside), or has any problem.",
)
@click.option(
    "-o",
    "--output",
    type=options.FILE,
    metavar="FILE",
    help="Also write the whole list, as .csv, .xlsx or .parquet: rows and reasons, never content; "
    "with --unit-column, to-fix.units.csv beside it counts them by unit.",
)
@click.pass_context
def command(
    context: click.Context,
    /,
    *,
    records: Path,
    packs: tuple[str, ...],
    measures: tuple[str, ...],
    unit_column: str | None,
    date_column: str | None,
    date_format: str | None,
    time_zone: str,
    maps: tuple[str, ...],
    mapping: str | None,
    reader: str | None,
    sheet: str | None,
    on_error: str,
    rows: int,
    fail_on: str,
    output: Path | None,
) -> None:
    """Say what to put right in patient records.

    RECORDS has one row for each case. Each problem is told by its column and
    its rows, then how complete each column is, and which measures lose cases
    by it; with --unit-column, for each unit too. No content of a record is
    shown or written.
    """
    import spcbench
    from spcbench.cli.count_command import check_list, table_bytes
    from spcbench.measures.validating import validate
    from spcbench.writing import write_files

    if not packs:
        raise click.UsageError("Missing option '--packs'.", context)
    if output is not None:
        for path in _names(output, by_unit=unit_column is not None).values():
            check_list(path, records)
    host: PluginHost = context.obj
    found = validate(
        spcbench.read(records, reader=reader, sheet=sheet, on_error=on_error, host=host),
        packs=packs,
        unit_column=unit_column,
        date_column=date_column,
        measures=measures or None,
        columns=mapped_columns(maps) or None,
        mapping=mapping,
        date_format=date_format,
        time_zone=time_zone,
        rows=max(rows, 1) if output is None else None,
        host=host,
    )
    for line in lines_of(found, rows):
        click.echo(line)
    if output is not None:
        for written in write_files(
            {path: table_bytes(table, path) for path, table in _files(found, output).items()}
        ):
            click.echo(written)
    set_aside = found.provenance["records_rejected"]
    if (fail_on == "set-aside" and set_aside) or (fail_on == "problems" and len(found.quality)):
        context.exit(1)


def _names(output: Path, *, by_unit: bool) -> dict[str, Path]:
    """The list of problems, and beside it what each unit has to put right."""
    return options.beside(output, ["", "units"] if by_unit else [""])


def _files(found: Validated, output: Path) -> dict[Path, pd.DataFrame]:
    tables = {"": found.problems, "units": found.unit_problems}
    names = _names(output, by_unit=len(found.units) > 0)
    return {path: tables[part] for part, path in names.items()}


def lines_of(found: Validated, rows: int) -> list[str]:
    """What was found, as lines for people.

    Parameters
    ----------
    found : Validated
        From `validate`.
    rows : int
        How many rows to name for each problem.
    """
    known = found.provenance
    lines = [
        f"{known['source']}: {known['records_read']:,} records, "
        f"{known['records_rejected']:,} cannot be used"
    ]
    lines += _notes(known.get("notes", ()))
    wrong = bool(len(found.problems)) or known["records_rejected"] > 0
    lines += ["", "To put right:"] if wrong else ["", "No record is wrong."]
    groups = found.problems.groupby(["file", "field", "reason"], dropna=False, sort=False)
    several = known["files"] > 1
    for (file, field, reason), group in groups:
        where = f"{file}, " if several else ""
        subject = field if isinstance(field, str) else "record"
        lines.append(f"  {where}{subject}: {reason}{_rows(group, rows)}")
    lines += _how_often(found.quality)
    lines += _by_unit(found)
    lines += ["", "Complete:"]
    lines += [
        f"  {row['field']}: {_share(row['share'])} ({row['known']:,} of {row['records']:,})"
        for row in found.fields.to_dict("records")
    ]
    lines += ["", "Measures:"]
    return lines + [_of_measure(row) for row in found.measures.to_dict("records")]


def _notes(notes: Sequence[str]) -> list[str]:
    """What was assumed; of columns that a profile is sure of, only how many there are."""
    told = [" ".join(note.split()) for note in notes]
    sure = [note for note in told if note.endswith("; sure: high)")]
    counted = [f"made by the mapping and sure: high: {len(sure)} more"] if sure else []
    return [f"  {note}" for note in [*(one for one in told if one not in sure), *counted]]


def _rows(group: pd.DataFrame, most: int) -> str:
    named = [str(row) for row in group["row"].tolist()[:most]]
    if not named:
        return ""
    return f" (row{'s' if len(named) > 1 else ''} {', '.join(named)})"


def _how_often(quality: pd.DataFrame) -> list[str]:
    """Every problem with its number, of which the rows above are the first."""
    lines = ["", "How often:"] if len(quality) else []
    for row in quality.to_dict("records"):
        subject = ", ".join(row[one] for one in ("measure", "field") if isinstance(row[one], str))
        problem = row["problem"].replace("_", " ")
        lines.append(f"  {subject or 'record'}: {problem} ({row['records']:,})")
    return lines


def _by_unit(found: Validated) -> list[str]:
    """What each unit has to put right, where there is a column of units."""
    lines = ["", "By unit:"] if len(found.units) else []
    owners = found.unit_problems["unit"].fillna("")
    for row in found.units.fillna({"unit": ""}).to_dict("records"):
        name = row["unit"] or "(unit or date not known)"
        records = f"{row['records']:,} record{'s' if row['records'] != 1 else ''}"
        lines.append(f"  {name}: {records}, {row['set_aside']:,} cannot be used")
        lines += [
            f"    {one['field']}: {one['reason']} ({one['records']:,})"
            for one in found.unit_problems[owners == row["unit"]].to_dict("records")
        ]
    return lines


def _of_measure(row: dict[str, Any]) -> str:
    """What one measure loses."""
    lost = [
        (row["set_aside"], "set aside"),
        (row["eligible_unknown"], "not known whether eligible"),
    ]
    if isinstance(row["eligible"], int):  # empty where records count together
        unknown = int(row["eligible"]) - int(row["known"])
        lost.append((unknown, f"of {int(row['eligible']):,} eligible not known whether met"))
    told = [f"{number:,} {what}" for number, what in lost if number]
    blame = (
        f"; see {row['fields']}"
        if told and isinstance(row["fields"], str) and row["fields"]
        else ""
    )
    return f"  {row['measure']}: {', '.join(told) or 'nothing lost'}{blame}"


def _share(share: float) -> str:
    """A share as a percentage that is 100 only where nothing is missing."""
    if math.isnan(share):
        return "no records"
    return "100 %" if share == 1.0 else f"{min(share, 0.999):.1%}".replace("%", " %")
