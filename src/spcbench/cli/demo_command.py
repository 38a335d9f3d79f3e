"""`spcbench demo`: the whole walk on invented records."""

from __future__ import annotations

import csv
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spcbench.cli import options
from spcbench.cli.progress import stage
from spcbench.errors import OptionError, PluginError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from spcbench.benchmarking import Funnels
    from spcbench.charting import ControlCharts
    from spcbench.measures.counting import Counted
    from spcbench.plugin.host import PluginHost
    from spcbench.tables import Display

MEASURE = "pop:ocm"
SELDOM_MISSED = ("pop:mgso4", "pop:caffeine")
BY_SYSTEM = "pop:place_of_birth"
IMPROVED, SMALL, REGION = "RJ1", "RQX", "Y56"
LAST_YEAR = ("2024-01-01", "2024-12-01")
# Measure, unit, day, what was decided or done: by nobody, for a reason that never was.
NOTES = (
    ("rebase", MEASURE, None, "2022-11-01", "cord clamping within reach of every bed"),
    ("comment", MEASURE, IMPROVED, "2024-03-11", "first test of a timer on the resuscitaire"),
    ("comment", "pop:normothermia", IMPROVED, "2023-05-15", "warm bundle read out before a birth"),
    ("comment", "pop:embm_24h", IMPROVED, "2024-05-08", "colostrum packs on the antenatal ward"),
    ("comment", "pop:iap", IMPROVED, "2024-09-02", "antibiotics on the checklist of labour ward"),
)


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
    click.echo(f"Open {folder / 'unit.html'} in a browser to begin.")


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
    yield births, "three years of births at eighteen trusts, one row a baby (invented)"
    counted = _counted(births, host)
    yield from _tables(counted, folder)
    yield write_hierarchy(folder / "hierarchy.csv"), "which system each trust belongs to"
    yield write_notes(folder), "a new phase at every trust, tests of change at one (all invented)"
    waits = _waits(births, host)
    yield from _pictures(counted, waits, folder, host)
    yield from _pages(counted, waits, folder, host)
    yield from _impact(folder)


def _counted(births: Path, host: PluginHost) -> Counted:
    """Counts that say wherever they are shown that they are invented."""
    import spcbench
    from spcbench.testing.births import INVENTED, TRUSTS

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
    designation = {trust.code: trust.designation for trust in TRUSTS}
    return replace(
        counted,
        counts=counted.counts.assign(
            designation=counted.counts["unit"].map(designation).astype("string"),
            # A label, not a note: charts would draw a note beside every point.
            invented=INVENTED,
        ),
        rejects=counted.rejects.assign(invented=INVENTED),
        display=_marked(counted.display),
    )


def _waits(births: Path, host: PluginHost) -> Counted:
    """How many cases lie between one that was missed and the next."""
    from spcbench import event_counts

    with stage("Counting between missed cases"):
        waits = event_counts(
            births,
            packs=["pop"],
            measures=SELDOM_MISSED,
            unit_column="trust_code",
            date_column="birth_date",
            event="not_met",
            between="cases",
            host=host,
        )
    return replace(waits, display=_marked(waits.display))


def _marked(display: Mapping[str, Display]) -> dict[str, Display]:
    """Titles that say that the records are invented."""
    return {name: replace(one, title=f"{one.title} (invented)") for name, one in display.items()}


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
    unusable = counted.provenance["records_rejected"]
    yield rejects, f"the {unusable} records that could not be used, and why"


def write_notes(folder: Path) -> Path:
    """Write decisions of nobody, and tests of change that never were.

    Parameters
    ----------
    folder : path
        Where `notes.csv` goes; one of that name is replaced.
    """
    import pandas as pd

    from spcbench.builtin.formats import csv_bytes
    from spcbench.notes import note
    from spcbench.writing import write_files

    tables = [
        note(
            action,
            measure=measure,
            unit=unit,
            date=date,
            reason=f"Invented: {words}",
            author="Nobody (invented)" if action == "rebase" else None,
        )
        for action, measure, unit, date, words in NOTES
    ]
    table = pd.concat([one.astype(tables[0].dtypes) for one in tables], ignore_index=True)
    (path,) = write_files({folder / "notes.csv": csv_bytes(table)})
    return path


def _pictures(
    counted: Counted, waits: Counted, folder: Path, host: PluginHost
) -> Iterator[tuple[Path, str]]:
    import spcbench

    with stage("Calculating charts and funnels"):
        files = [*_charts(counted, waits, folder, host), *_comparisons(counted, folder, host)]
    for results, name, words in files:
        with stage(f"Writing {name}"):
            report = spcbench.Report(results, title="Demonstration (invented records)")
            written = spcbench.write(report, folder / name, host=host)
        yield written[0], words


Drawn = tuple["list[ControlCharts | Funnels]", str, str]
"""Charts and funnels, the file that they are written to, and what that is."""


def _charts(counted: Counted, waits: Counted, folder: Path, host: PluginHost) -> Iterator[Drawn]:
    from spcbench import control_charts
    from spcbench.testing.births import INVENTED

    one = control_charts(counted, measure=MEASURE, unit=IMPROVED, host=host)
    yield [one], "p-chart.png", f"one control chart: deferred cord clamping at {IMPROVED}"
    phases = control_charts(
        counted, measure=MEASURE, unit=IMPROVED, notes=folder / "notes.csv", host=host
    )
    yield [phases], "p-chart-notes.png", "the same chart with what notes.csv says"
    small = control_charts(counted, measure=MEASURE, host=host)
    yield [small], "chart.png", "the same measure at all eighteen trusts"
    # Points keep no labels, so that here a note on each has to say it.
    noted = replace(counted, counts=counted.counts.assign(note=INVENTED))
    points = control_charts(noted, measure=MEASURE, host=host)
    yield [points], "chart.csv", "the points of those charts; signals and more beside it"
    magnesium = replace(waits, counts=waits.counts[waits.counts["measure"].str.contains("mgso4")])
    missed = control_charts(magnesium, chart="g", unit=SMALL, host=host)
    yield [missed], "g-chart.png", f"mothers since the last one without magnesium, at {SMALL}"


def _comparisons(counted: Counted, folder: Path, host: PluginHost) -> Iterator[Drawn]:
    from spcbench import control_charts, funnels, rolled_up

    first, last = LAST_YEAR
    funnel = funnels(counted, measure=MEASURE, first=first, last=last, host=host)
    yield [funnel], "funnel.png", "the eighteen trusts compared over the last year"
    above = rolled_up(counted, folder / "hierarchy.csv")
    beside = funnels(
        above, measure=MEASURE, level="provider", first=first, last=last, host=host
    ).shown(beside=IMPROVED, highlight=[IMPROVED, "system=QKK"])
    yield [beside], "funnel-beside.png", f"{IMPROVED} beside its system and all of London"
    london = control_charts(
        above, measure=MEASURE, level="region", notes=folder / "notes.csv", host=host
    )
    # A trust without a NICU cannot have births at one, so systems are compared.
    places = funnels(above, measure=BY_SYSTEM, level="system", first=first, last=last, host=host)
    some: list[ControlCharts | Funnels] = [london, funnel, places]
    yield some, "report.html", "charts and funnels of your choice on one page"


def _pages(
    counted: Counted, waits: Counted, folder: Path, host: PluginHost
) -> Iterator[tuple[Path, str]]:
    """The page of one unit and the page of the region."""
    import spcbench
    from spcbench.pages import area_report, unit_report

    given: dict[str, Any] = {
        "hierarchy": folder / "hierarchy.csv",
        "notes": folder / "notes.csv",
        "host": host,
    }
    title = "{} (invented records)"
    with stage("Calculating the pages"):
        one = unit_report(
            counted, unit=IMPROVED, events=waits, title=title.format(_name(IMPROVED)), **given
        )
        area = area_report(counted, area=REGION, title=title.format("London"), **given)
    for page, name, words in (
        (one, "unit.html", f"the page of one trust, {IMPROVED}"),
        (area, "region.html", "the page of the region: London"),
    ):
        with stage(f"Writing {name}"):
            (path, *_) = spcbench.write(page, folder / name, host=host)
        yield path, words


def _name(code: str) -> str:
    from spcbench.testing.births import TRUSTS

    return next(trust.name for trust in TRUSTS if trust.code == code)


def _impact(folder: Path) -> Iterator[tuple[Path, str]]:
    """What the plugin's own command makes of the counts, if it has one."""
    context = click.get_current_context()
    group = context.find_root().command
    command = group.get_command(context, "impact") if isinstance(group, click.Group) else None
    if command is None:
        return
    path = folder / "impact.csv"
    asked = [str(folder / "counts.csv"), "--counterfactual", "first-year", "-o", str(path)]
    with redirect_stdout(StringIO()) as told:
        command.main(asked, obj=context.obj, standalone_mode=False)
    # The command ends with the names of the files that it wrote.
    for one in folder.glob("impact*.csv"):
        if one.name in told.getvalue():
            _say_invented(one)
    yield path, "cases of cerebral palsy prevented: an estimate, of invented mothers"


def _say_invented(path: Path) -> None:
    """Add to a CSV file the column that says it of every row."""
    from spcbench.testing.births import INVENTED

    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([[*header, "invented"], *([*row, INVENTED] for row in rows)])
