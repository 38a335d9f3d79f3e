"""Options that several commands share: said once, so that they mean the same everywhere."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spcbench.errors import OptionError

if TYPE_CHECKING:
    from spcbench.plugin.host import PluginHost

Option = Callable[[Any], Any]

FILE = click.Path(path_type=Path)


def together(*options: Option) -> Option:
    """Several options as one decorator; help lists them in this order."""

    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def examples(*commands: str) -> str:
    """The end of a command's help: lines that can be copied and run."""
    # click leaves the lines of a paragraph alone when it begins with this mark.
    return "\n".join(["\b", "Examples:" if len(commands) > 1 else "Example:", *_split(commands)])


def _split(commands: Sequence[str]) -> Iterator[str]:
    for command in commands:
        yield from textwrap.wrap(
            command, 72, initial_indent="  ", subsequent_indent="      ", break_on_hyphens=False
        )


def output_option(example: str) -> Option:
    """Where to write; the ending of the name chooses the format."""
    return click.option(
        "-o",
        "--output",
        type=FILE,
        required=True,
        metavar="FILE",
        help=f"Where to write, such as {example}. The ending chooses the format.",
    )


unit_column = click.option(
    "--unit-column", metavar="NAME", help="Column of the records that names the hospital or trust."
)
date_column = click.option(
    "--date-column", metavar="NAME", help="Column of the records with the date to count by."
)
packs = click.option(
    "--packs",
    multiple=True,
    metavar="PACK",
    help="Measures to count: a pack such as pop, or your own .toml file. Of INPUT that is counts "
    "already, only the measures of these packs. May be repeated.",
)
period = click.option(
    "--period",
    default="month",
    show_default=True,
    metavar="LENGTH",
    help="What one point stands for: day, week, month, quarter, year, financial_year, rolling:3 "
    "(months), or a file of first days.",
)
date_format = click.option(
    "--date-format",
    metavar="FORMAT",
    help="How dates are written if not as 2024-12-31: '%d/%m/%Y' means 31/12/2024.",
)
reader = click.option(
    "--reader", metavar="NAME", help="Which reader opens the file (see `spcbench readers`)."
)
time_zone = click.option(
    "--time-zone",
    default="Europe/London",
    show_default=True,
    metavar="NAME",
    help="Whose clocks tell dates that have a time zone; others are taken as they stand.",
)
map_column = click.option(
    "--map",
    "maps",
    multiple=True,
    metavar="NAME=EXPRESSION",
    help='What a column that a pack asks for is made from: ga_days="gestation weeks*7+days". '
    "May be repeated.",
)
mapping = click.option(
    "--mapping",
    metavar="FILE.toml",
    help="Mappings from a file, or the name of a profile such as badgernet.",
)
sheet = click.option("--sheet", metavar="NAME", help="Which sheet of a workbook; else the first.")
on_error = click.option(
    "--on-error",
    default="raise",
    show_default=True,
    metavar="WORD",
    help="raise stops at a file of a folder that cannot be read; skip_file takes the others.",
)
record_options = together(
    packs, unit_column, date_column, date_format, time_zone, map_column, mapping
)
"""For commands on records: what to count, by what, and how their columns are read."""

source_options = together(reader, sheet, on_error)
"""How a file is opened."""

suppressed = click.option(
    "--suppressed",
    multiple=True,
    metavar="TEXT",
    help="Cell that stands for a suppressed count, such as '*'. It is shown as a gap, never as 0. "
    "May be repeated.",
)

counts_options = together(sheet, date_format, suppressed)
"""For commands that take counts only."""

input_options = together(record_options, period, suppressed, source_options)
"""For commands that take counts, or records to be counted on the way."""

measure = click.option(
    "--measure", metavar="NAME", help="Only this measure, such as pop:mgso4. All by default."
)
better = click.option(
    "--better",
    metavar="DIRECTION",
    help="Which way is good: higher, lower or neither. Measures of a pack say so themselves.",
)
target = click.option(
    "--target", type=float, metavar="SHARE", help="The goal as a share: 0.85 means 85 %."
)
level = click.option(
    "--level",
    metavar="LEVEL",
    help="Which rows of a file that mixes them: provider, system, region or national.",
)
rules = click.option(
    "--rules",
    default="mdc-2023-11",
    show_default=True,
    metavar="NAME",
    help="Which rules find special causes (see `spcbench rules`).",
)
notes = click.option(
    "--notes",
    type=FILE,
    metavar="FILE",
    help="Table of decisions: where phases begin (rebase), baselines (freeze), points not to use "
    "(exclude), and comments to draw.",
)
published = click.option(
    "--references",
    "published",
    metavar="WHICH",
    help="published: draw the newest values that were published for each measure.",
)
per = click.option(
    "--per", type=int, metavar="NUMBER", help="Show values per so many, such as 100 or 1000."
)
until = click.option(
    "--until", metavar="DATE", help="Last period to use, to leave out one that is not complete."
)


def check_output(output: Path, *, source: Path, host: PluginHost) -> None:
    """Refuse an output that cannot be written, before the time is spent on making it.

    Raises
    ------
    OptionError
        If no format has that ending, its folder does not exist, or it would
        replace the input.
    """
    from spcbench.writing import check_folder

    host.format_for_suffix(output)
    check_folder(output)
    check_not_input(output, source)


def check_not_input(output: Path, source: Path) -> None:
    """Refuse to write over the file that is being read.

    Raises
    ------
    OptionError
        If both are one file.
    """
    if output.exists() and source.exists() and output.samefile(source):
        raise OptionError(
            f"{output.name!r} is the file that is being read; give another name after -o"
        )


TABLES = (".csv", ".parquet")
"""How a table by itself can be written."""


def beside(output: Path, parts: Sequence[str]) -> dict[str, Path]:
    """The files of several tables: the main one, ``""``, and the others beside it.

    Examples
    --------
    >>> beside(Path("out.csv"), ["", "method"])["method"].name
    'out.method.csv'
    """
    return {
        part: output.with_name(f"{output.stem}.{part}{output.suffix}") if part else output
        for part in parts
    }


def check_tables(*outputs: Path, sources: Iterable[Path]) -> None:
    """Refuse files of tables that cannot be written, before the time is spent on making them.

    Raises
    ------
    OptionError
        If one has another ending, its folder does not exist, or it would
        replace a file that is read.
    """
    from spcbench.writing import check_folder

    read = tuple(sources)
    for output in outputs:
        if output.suffix.lower() not in TABLES:
            raise OptionError(
                f"cannot write {output.name!r}: the name must end in {' or '.join(TABLES)}"
            )
        check_folder(output)
        for source in read:
            check_not_input(output, source)
