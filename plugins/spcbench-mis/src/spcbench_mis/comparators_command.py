"""`spcbench mis-groups`: a table of comparator groups, ready for funnels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from spcbench.errors import OptionError

if TYPE_CHECKING:
    import pandas as pd

    from spcbench_mis.comparators import Entry

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("mis-groups")
@click.argument("groups", type=FILE)
@click.option("-o", "--output", type=FILE, required=True, help="groups.csv.")
def groups_command(*, groups: Path, output: Path) -> None:
    """Make labels for funnels from a table of MBRRACE-UK comparator groups.

    GROUPS is a CSV file with the columns MBRRACE_Group and Org_Code. Trusts
    that have merged since are followed where their group is sure; all others
    are listed with the reason. Then: spcbench funnel COUNTS --labels groups.csv
    --by group -o funnel.png
    """
    from spcbench_mis.comparators import comparator_groups, entries

    if output.suffix.lower() != ".csv":
        raise OptionError(f"cannot write {output.name!r}: the name must end in .csv")
    if output.resolve() == groups.resolve():
        raise OptionError(f"{output.name} is what is read; choose another name to write")
    table = comparator_groups(groups)
    for line in _told(table, entries(groups)):
        click.echo(line, err=True)
    try:
        output.write_bytes(table.to_csv(index=False, lineterminator="\n").encode())
    except OSError as error:
        raise OptionError(f"cannot write {output} ({error.strerror})") from None
    click.echo(output)


def _told(table: pd.DataFrame, rows: list[Entry]) -> Iterator[str]:
    """How many trusts have a group today, how many by following mergers, and who has none."""
    from spcbench_mis.comparators import coded

    latest = table.drop_duplicates("unit", keep="last")
    how = latest["how"].value_counts()
    yield (
        f"{len(latest)} codes: {how.get('listed', 0)} in the group listed, "
        f"{how.get('followed', 0)} in that of the trusts they were made of, "
        f"{how.get('none', 0)} in none"
    )
    for row in latest[latest["how"].ne("listed")].to_dict("records"):
        yield f"  {row['unit']}: {row['note']}"
    nameless = [row for row in rows if row not in coded(rows)]
    if nameless:
        told = ", ".join(row.name for row in nameless if row.country.casefold() == "england")
        number = "1 row has" if len(nameless) == 1 else f"{len(nameless)} rows have"
        yield f"{number} no code" + (f"; of England: {told}" if told else "")
    if latest["note"].str.startswith("merged").any():
        yield "The dates of mergers have not been compared with the Organisation Data Service"
