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
    from spcbench.testing.births import write_births, write_hierarchy

    with stage("Inventing records"):
        births = write_births(folder / "births.csv")
    yield births, "three years of births at seven trusts, one row a baby (invented)"
    counted = _counted(births, host)
    yield from _tables(counted, folder)
    yield write_hierarchy(folder / "hierarchy.csv"), "which system each trust belongs to"
    yield write_notes(folder), "when a new phase begins at every trust, and why (invented)"
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
        # A label, not a note: charts would draw a note beside every point.
        counts=counted.counts.assign(invented=INVENTED),
        rejects=counted.rejects.assign(invented=INVENTED),
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


def write_notes(folder: Path) -> Path:
    """Write decisions of nobody, for a reason that never was, and one comment.

    Parameters
    ----------
    folder : path
        Where `notes.csv` goes; one of that name is replaced.
    """
    import pandas as pd

    from spcbench.builtin.formats import csv_bytes
    from spcbench.notes import note
    from spcbench.writing import write_files

    rebase = note(
        "rebase",
        measure=MEASURE,
        date="2022-11-01",
        reason="Invented: cord clamping within reach of every bed",
        author="Nobody (invented)",
    )
    comment = note(
        "comment",
        measure=MEASURE,
        unit=IMPROVED,
        date="2024-03-11",
        reason="Invented: first test of a timer on the resuscitaire",
    )
    table = pd.concat([rebase, comment.astype(rebase.dtypes)], ignore_index=True)
    (path,) = write_files({folder / "notes.csv": csv_bytes(table)})
    return path


def _pictures(counted: Counted, folder: Path, host: PluginHost) -> Iterator[tuple[Path, str]]:
    import spcbench

    with stage("Calculating charts and funnels"):
        files = list(_results(counted, folder, host))
    for results, name, words in files:
        with stage(f"Writing {name}"):
            report = spcbench.Report(results, title="Demonstration (invented records)")
            written = spcbench.write(report, folder / name, host=host)
        yield written[0], words


def _results(
    counted: Counted, folder: Path, host: PluginHost
) -> Iterator[tuple[list[ControlCharts | Funnels], str, str]]:
    """Charts and funnels, the file that each is written to, and what that is."""
    from spcbench import control_charts, funnels, rolled_up
    from spcbench.testing.births import INVENTED

    first, last = LAST_YEAR
    one = control_charts(counted, measure=MEASURE, unit=IMPROVED, host=host)
    yield [one], "p-chart.png", f"one control chart: deferred cord clamping at {IMPROVED}"
    phases = control_charts(
        counted, measure=MEASURE, unit=IMPROVED, notes=folder / "notes.csv", host=host
    )
    yield [phases], "p-chart-notes.png", "the same chart with what notes.csv says"
    small = control_charts(counted, measure=MEASURE, host=host)
    yield [small], "chart.png", "the same measure at all seven trusts"
    # Points keep no labels, so that here a note on each has to say it.
    noted = replace(counted, counts=counted.counts.assign(note=INVENTED))
    points = control_charts(noted, measure=MEASURE, host=host)
    yield [points], "chart.csv", "the points of those charts; signals and more beside it"
    funnel = funnels(counted, measure=MEASURE, first=first, last=last, host=host)
    yield [funnel], "funnel.png", "the seven trusts compared over the last year"
    above = rolled_up(counted, folder / "hierarchy.csv")
    beside = funnels(
        above, measure=MEASURE, level="provider", first=first, last=last, host=host
    ).shown(beside=IMPROVED, highlight=[IMPROVED, "system=QKK"])
    yield [beside], "funnel-beside.png", f"{IMPROVED} beside its system and all of south London"
    everything: list[ControlCharts | Funnels] = [
        control_charts(counted, host=host),
        funnels(counted, first=first, last=last, host=host),
    ]
    yield everything, "report.html", "all measures on one page"
