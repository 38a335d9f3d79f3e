"""`spcbench impact`: what care is estimated to have prevented, with what that is not."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spcbench.errors import OptionError

if TYPE_CHECKING:
    import pandas as pd

    from spcbench.plugin.host import PluginHost
    from spcbench_pop.impact.estimates import Impact

FILE = click.Path(path_type=Path)
OWN_SETTINGS = ("nnt", "nnt_low", "nnt_high", "baseline_risk", "below_weeks", "unit_cost")
"""Settings of one measure, which mean nothing for several."""


def _options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


_which = _options(
    click.option(
        "--measure",
        "measures",
        multiple=True,
        metavar="NAME",
        help="Whose numerator received the care, such as pop:mgso4 (the default) or pop:ocm. May "
        "be repeated; nothing is added up.",
    ),
    click.option("--unit", metavar="CODE", help="Only this unit, such as RJ1 or Y56."),
    click.option("--level", metavar="LEVEL", help="Which rows of a file that mixes them."),
    click.option("--from", "first", metavar="DATE", help="First period to use, such as 2022-01."),
    click.option("--to", "last", metavar="DATE", help="Last period to use."),
    click.option(
        "--by",
        default="year",
        show_default=True,
        metavar="LENGTH",
        help="What a line of the file stands for: year, financial_year or all.",
    ),
)
_numbers = _options(
    click.option("--treated", type=int, metavar="N", help="People treated, instead of COUNTS."),
    click.option("--eligible", type=int, metavar="N", help="People eligible; goes with --treated."),
)
_settings = _options(
    click.option(
        "--preset",
        metavar="NAME",
        help="Settings of a body: programme (37 and £1.0m), or hin_london_2024, which also rounds "
        "down.",
    ),
    click.option(
        "--effect",
        multiple=True,
        metavar="NAME",
        help="Whose number needed to treat (see --effects). May be repeated, one for a measure.",
    ),
    click.option("--nnt", type=float, metavar="N", help="A number needed to treat of your own."),
    click.option("--nnt-low", type=float, metavar="N", help="The low end of its range."),
    click.option("--nnt-high", type=float, metavar="N", help="The high end of its range."),
    click.option(
        "--baseline-risk",
        type=float,
        metavar="SHARE",
        help="Risk without the care, for an effect that has a relative risk: 0.08 means 8 %.",
    ),
    click.option(
        "--counterfactual",
        metavar="RATE",
        help="What the rate would have been: a share such as 0.658, first-year, england-2017, or "
        "an evaluation's uplift-four-years.",
    ),
    click.option(
        "--unit-cost",
        metavar="POUNDS",
        help="Of a case of cerebral palsy: 1.0m (the programme's convention), 0.8m, or a number.",
    ),
    click.option("--rounding", metavar="HOW", help="none (the default), floor (down) or nearest."),
    click.option(
        "--counted",
        metavar="WHO",
        help="women or babies: who was treated. By default what the measure counts.",
    ),
    click.option(
        "--below-weeks",
        type=float,
        metavar="WEEKS",
        help="What the births were below, for measures of packs of your own.",
    ),
    click.option(
        "--baseline-deaths",
        type=float,
        metavar="N",
        help="Deaths to expect without any of the care: tells lives saved by several kinds of "
        "care together, which is less than their sum.",
    ),
)
_lists = _options(
    click.option("--claims", is_flag=True, help="Print published claims and what is got here."),
    click.option("--effects", is_flag=True, help="Print numbers needed to treat, with sources."),
)


@click.command(
    "impact",
    epilog="\b\nExamples:\n"
    "  spcbench impact counts.csv --counterfactual first-year -o impact.csv\n"
    "  spcbench impact --treated 2257 --eligible 2453 --preset hin_london_2024\n"
    "  spcbench impact --claims",
)
@click.argument("counts", type=FILE, required=False)
@_which
@_numbers
@_settings
@_lists
@click.option(
    "-o",
    "--output",
    type=FILE,
    metavar="FILE",
    help="Where to write: .csv or .json for the figures, .html for a page.",
)
@click.pass_obj
def command(
    host: PluginHost,
    /,
    *,
    counts: Path | None,
    measures: tuple[str, ...],
    unit: str | None,
    level: str | None,
    first: str | None,
    last: str | None,
    by: str,
    treated: int | None,
    eligible: int | None,
    baseline_deaths: float | None,
    claims: bool,
    effects: bool,
    output: Path | None,
    **settings: Any,
) -> None:
    """Estimate the cases and deaths that care has prevented.

    COUNTS is a table of counts: the numerator was treated, the denominator
    eligible. The figure is an estimate: people treated divided by a number
    needed to treat from trials. It is given with its range, against nobody
    treated and against a counterfactual rate, and with what it is not.
    """
    if claims or effects:
        _print_lists(claims=claims, effects=effects)
        return
    _check_together(counts, treated, eligible, measures, settings)
    _check_by(by)
    asked = {name: value for name, value in settings.items() if value not in (None, ())}
    if output is not None:
        _check_output(output, counts, host)
    chosen = {"unit": unit, "level": level, "first": first, "last": last}
    if treated is not None:
        given = [f"--{name}" for name, value in chosen.items() if value is not None]
        if given:
            raise OptionError(f"{given[0]} chooses rows of COUNTS; it does not go with --treated")
        found = _from_numbers(treated, eligible, measures, asked)
    else:
        found = _from_counts(counts, measures, {**chosen, "by": by}, asked, host)
    _tell(found, baseline_deaths)
    if output is not None:
        for path in _written(found, output, host):
            click.echo(path)


def _check_together(
    counts: Path | None,
    treated: int | None,
    eligible: int | None,
    measures: tuple[str, ...],
    settings: dict[str, Any],
) -> None:
    """Refuse what does not go together, before anything is read."""
    if (counts is None) == (treated is None):
        raise OptionError("give either a file of counts, or --treated with the number treated")
    if eligible is not None and treated is None:
        raise OptionError("--eligible goes with --treated; a file of counts has it already")
    given = [name for name in OWN_SETTINGS if settings.get(name) is not None]
    if len(measures) > 1 and given:
        option = given[0].replace("_", "-")
        raise OptionError(f"--{option} is of one measure; ask for the measures one by one")


def _check_by(by: str) -> None:
    """Refuse another length, also where numbers alone have no years."""
    from spcbench_pop.impact.arithmetic import check_word
    from spcbench_pop.impact.estimates import LENGTHS

    check_word("by", by, LENGTHS)


def _from_numbers(
    treated: int, eligible: int | None, measures: tuple[str, ...], asked: dict[str, Any]
) -> Impact:
    from spcbench_pop.impact.estimates import impact_of_numbers

    if len(measures) > 1:
        raise OptionError("--treated is of one measure; ask for the measures one by one")
    name = measures[0].rpartition(":")[2] if measures else "mgso4"
    return impact_of_numbers(treated, eligible, measure=name, **asked)


def _from_counts(
    counts: Path | None,
    measures: tuple[str, ...],
    chosen: dict[str, Any],
    asked: dict[str, Any],
    host: PluginHost,
) -> Impact:
    import spcbench
    from spcbench_pop.impact.estimates import impact_of_counts

    table = spcbench.read(str(counts), host=host)
    if table.kind != "counts":
        raise OptionError(
            f"{table.source} holds records, one row a case; make counts of them first with "
            "`spcbench count` and give those"
        )
    return impact_of_counts(table, measures=measures or "mgso4", host=host, **chosen, **asked)


def _tell(found: Impact, baseline_deaths: float | None) -> None:
    from spcbench_pop.impact.together import capped_lives
    from spcbench_pop.impact.words import summary_lines

    together = (
        None
        if baseline_deaths is None
        else capped_lives(found, baseline_deaths=baseline_deaths).words
    )
    for line in summary_lines(found):
        click.echo(line)
    if together is not None:
        click.echo(together)


def _check_output(output: Path, counts: Path | None, host: PluginHost) -> None:
    from spcbench.writing import check_folder

    host.format_for_suffix(output)
    check_folder(output)
    if counts is not None and output.exists() and counts.exists() and output.samefile(counts):
        raise OptionError(f"{output.name!r} is the file that is being read; give another name")


def _written(found: Impact, output: Path, host: PluginHost) -> tuple[Path, ...]:
    """Figures as tables, or a page of them in any other format that there is."""
    from spcbench import Report, write
    from spcbench.builtin.formats import csv_bytes
    from spcbench.writing import write_files
    from spcbench_pop.impact.sections import TITLE, section_of

    suffix = output.suffix.lower()
    if suffix == ".json":
        return write_files({output: _json(found)})
    if suffix != ".csv":
        report = Report([], title=TITLE, sections=[section_of(found)])
        return write(report, output, host=host)
    return write_files(
        {
            output: csv_bytes(found.lines),
            output.with_suffix(".others.csv"): csv_bytes(found.alternatives),
            output.with_suffix(".method.csv"): csv_bytes(_method_frame(found)),
        }
    )


def _method_frame(found: Impact) -> pd.DataFrame:
    import pandas as pd

    from spcbench.tables import SCHEMA_VERSION
    from spcbench_pop.impact.settings import method_of
    from spcbench_pop.impact.words import cautions

    rows = [("", "schema_version", SCHEMA_VERSION)]
    for one in found.settings:
        made = method_of(one)
        rows += [(one.measure, name, _plain(value)) for name, value in made.items()]
    rows += [("", "note", line) for line in (*found.notes, *cautions(found))]
    return pd.DataFrame(rows, columns=["measure", "name", "value"])


def _plain(value: Any) -> str:
    return "" if value is None else str(value)


def _json(found: Impact) -> bytes:
    """Canonical JSON of the figures: missing is null, dates are ISO."""
    from spcbench import __version__
    from spcbench.tables import SCHEMA_VERSION
    from spcbench_pop.impact.settings import method_of
    from spcbench_pop.impact.words import summary_lines

    envelope = {
        "schema_version": SCHEMA_VERSION,
        "generator": {"name": "spcbench", "version": __version__},
        "impact": list(_json_rows(found.lines)),
        "others": list(_json_rows(found.alternatives)),
        "method": [method_of(one) for one in found.settings],
        "words": summary_lines(found),
    }
    return (json.dumps(envelope, ensure_ascii=False, indent=1) + "\n").encode("utf-8")


def _json_rows(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    import pandas as pd

    for row in frame.to_dict("records"):
        yield {
            name: None
            if pd.isna(value)
            else f"{value:%Y-%m-%d}"
            if isinstance(value, pd.Timestamp)
            else "infinite"
            if isinstance(value, float) and math.isinf(value)
            else value
            for name, value in row.items()
        }


def _print_lists(*, claims: bool, effects: bool) -> None:
    from spcbench_pop.impact.claims import STATES, published_claims
    from spcbench_pop.impact.facts import effects as known
    from spcbench_pop.impact.facts import without_number

    for one in published_claims() if claims else ():
        click.echo(f"{one.claim} ({one.published_by})")
        if one.inputs:
            click.echo(f"  {one.inputs}: {one.found}")
        click.echo(f"  {STATES[one.state]}" + (f": {one.why}" if one.why else ""))
    for effect in known() if effects else ():
        mark = "" if effect.verified else " [not verified]"
        usual = " [the usual one]" if effect.default else ""
        click.echo(f"{effect.id} ({effect.measure}){usual}{mark}")
        click.echo(f"  {effect.title}: {_needed_words(effect)}")
        click.echo(f"  {effect.range_note}. Source: {effect.source}")
    for none in without_number() if effects else ():
        click.echo(f"none for {none.measure}: {none.why} ({none.source})")


def _needed_words(effect: Any) -> str:
    from spcbench_pop.impact.words import needed_text

    if effect.nnt_low is None and effect.baseline_people is None:
        return "number needed to treat by --baseline-risk"
    found = effect.numbers_needed()
    if not effect.has_limits:
        return f"number needed to treat {needed_text(found.point)} (limits not known)"
    ends = f"{needed_text(found.low)} to {needed_text(found.high)}"
    point = f"{needed_text(found.point)} ({ends})" if effect.has_point else ends
    return f"number needed to treat {point}"
