"""`spcbench demo`: the whole walk on invented records."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from spcbench.cli import options
from spcbench.cli.progress import stage
from spcbench.errors import OptionError, PluginError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spcbench.benchmarking import Funnels
    from spcbench.charting import ControlCharts
    from spcbench.measures.counting import Counted
    from spcbench.plugin.host import PluginHost

MEASURE = "pop:ocm"
IMPROVED = "RJ1"
LAST_YEAR = ("2024-01-01", "2024-12-01")


@click.command("demo", epilog=options.examples("spcbench demo my-demo"))
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.pass_obj
def command(host: PluginHost, /, *, folder: Path) -> None:
    """Show everything on invented birth records; begin here.

    Writes the records and all that is made of them into DIR, which is created
    if need be. Files of the same names are replaced; others are left alone.
    Every record and every rate is INVENTED: they say nothing about any trust.
    """
    _check_plugins(host)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OptionError(
            f"cannot make the folder {str(folder)!r} ({error.strerror}); choose another"
        ) from error
    click.echo("All records are invented; they say nothing about any real trust.")
    for path, words in _written(folder, host):
        click.echo(f"{path}: {words}")
    click.echo(f"Open {folder / 'report.html'} in a browser to begin.")


def _check_plugins(host: PluginHost) -> None:
    for plugin, find, wanted in (
        ("spcbench-pop", host.measure, MEASURE),
        ("spcbench-html", host.format_for_suffix, "report.html"),
    ):
        try:
            find(wanted)
        except UnknownNameError as error:
            raise PluginError(
                f"the demonstration needs the plugin {plugin}; install it with "
                f"`pip install {plugin}`, and see `spcbench plugins` if it is installed already"
            ) from error


def _written(folder: Path, host: PluginHost) -> Iterator[tuple[Path, str]]:
    """Make every file of the demonstration; what each is, once it is there."""
    from spcbench.testing.births import write_births

    with stage("Inventing records"):
        births = write_births(folder / "births.csv")
    yield births, "three years of births at seven trusts, one row a baby (invented)"
    counted = _counted(births, host)
    yield from _tables(counted, folder)
    yield from _pictures(counted, folder, host)


def _counted(births: Path, host: PluginHost) -> Counted:
    """Counts that say wherever they are shown that they are invented."""
    import spcbench
    from spcbench.testing.births import INVENTED

    with stage("Counting records"):
        counted = spcbench.count(
            births,
            packs=["pop"],
            unit_column="trust_code",
            date_column="birth_date",
            period="month",
            rejects=True,
            host=host,
        )
    return replace(
        counted,
        counts=counted.counts.assign(note=INVENTED),
        rejects=counted.rejects.assign(note=INVENTED),
        display={
            name: replace(display, title=f"{display.title} (invented records)")
            for name, display in counted.display.items()
        },
    )


def _tables(counted: Counted, folder: Path) -> Iterator[tuple[Path, str]]:
    from spcbench.builtin.formats import csv_bytes
    from spcbench.writing import write_files

    counts, rejects = write_files(
        {
            folder / "counts.csv": csv_bytes(counted.counts),
            folder / "rejects.csv": csv_bytes(counted.rejects),
        }
    )
    yield counts, "how many babies were eligible and how many received it, month by month"
    yield rejects, f"the {len(counted.rejects)} records that could not be used, and why"


def _pictures(counted: Counted, folder: Path, host: PluginHost) -> Iterator[tuple[Path, str]]:
    import spcbench

    first, last = LAST_YEAR
    with stage("Calculating charts and funnels"):
        small = spcbench.control_charts(counted, measure=MEASURE, host=host)
        single = spcbench.control_charts(counted, measure=MEASURE, unit=IMPROVED, host=host)
        funnel = spcbench.funnels(counted, measure=MEASURE, first=first, last=last, host=host)
        all_charts = spcbench.control_charts(counted, host=host)
        all_funnels = spcbench.funnels(counted, first=first, last=last, host=host)
    files: tuple[tuple[list[ControlCharts | Funnels], str, str], ...] = (
        ([single], "p-chart.png", f"one control chart: deferred cord clamping at {IMPROVED}"),
        ([small], "chart.png", "the same measure at all seven trusts"),
        ([small], "chart.csv", "the points of those charts; signals and more beside it"),
        ([funnel], "funnel.png", "the seven trusts compared over the last year"),
        ([all_charts, all_funnels], "report.html", "all measures on one page"),
    )
    for results, name, words in files:
        with stage(f"Writing {name}"):
            report = spcbench.Report(results, title="Demonstration (invented records)")
            written = spcbench.write(report, folder / name, host=host)
        yield written[0], words
