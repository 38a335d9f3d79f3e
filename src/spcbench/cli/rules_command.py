"""`spcbench rules`: which sets of rules find special causes, and how often each errs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from spcbench.cli import options
from spcbench.cli.listing import json_option, print_json
from spcbench.errors import OptionError

if TYPE_CHECKING:
    from spcbench.plugin import Offered, RuleSet
    from spcbench.plugin.host import PluginHost

LENGTHS = (12, 24, 36, 60)

TIES = {
    "break": "A point on the centre line ends a run.",
    "skip": "A point on the centre line neither ends a run nor counts.",
}
NO_ARL = (
    "the limits of some of its rules move with the number of points, so that there is no "
    "average number of points to the first false signal; see the chances below"
)


@click.command(
    "rules",
    epilog=options.examples(
        "spcbench rules",
        "spcbench rules western-electric-1956",
        "spcbench rules western-electric-1956 --arl",
    ),
)
@click.argument("name", required=False, metavar="[NAME]")
@click.option(
    "--arl",
    is_flag=True,
    help="Simulate how often this set signals when nothing happens: the average number of points "
    "to a false signal, and its chance on charts of 12 to 60 points.",
)
@click.option(
    "--runs",
    type=click.IntRange(min=100, max=1_000_000),
    default=10_000,
    show_default=True,
    metavar="NUMBER",
    help="How many series --arl simulates for each figure.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    metavar="NUMBER",
    help="Where the random numbers of --arl begin; the same seed gives the same figures.",
)
@json_option
@click.pass_obj
def command(
    host: PluginHost, /, *, name: str | None, arl: bool, runs: int, seed: int, as_json: bool
) -> None:
    """List the rule sets and their false alarms, or say more about one.

    --rules of other commands takes the name before the colon.
    """
    if arl and name is None:
        raise OptionError("--arl simulates one rule set; say which: spcbench rules NAME --arl")
    chosen = _all(host) if name is None else [_one(host, name)]
    simulated = _simulated(host, chosen[0].record, runs=runs, seed=seed) if arl else None
    if as_json:
        rows = [_row(one) for one in chosen]
        print_json([row | {"simulated": simulated} for row in rows] if simulated else rows)
        return
    for one in chosen:
        _print_set(one.record)
    if name is not None:
        _print_details(chosen[0].record)
    if simulated is not None:
        _print_simulated(simulated)


def _all(host: PluginHost) -> list[Offered[RuleSet]]:
    return list(host.rule_sets())


def _one(host: PluginHost, name: str) -> Offered[RuleSet]:
    record = host.rule_set(name)
    return next(one for one in host.rule_sets() if one.record is record)


def _row(one: Offered[RuleSet]) -> dict[str, Any]:
    return {
        "id": one.id,
        "plugin": one.plugin,
        "title": one.record.title,
        "source": one.record.source,
        "rules": [{"id": rule.id, "title": rule.title} for rule in one.record.rules],
        "ties": one.record.ties,
        "false_alarms": {str(size): share for size, share in one.record.any_signal.items()},
        "arl0": one.record.arl0,
    }


def _print_set(rule_set: RuleSet) -> None:
    click.echo(f"{rule_set.id}: {rule_set.title}")
    width = max(8, *(len(rule.id) for rule in rule_set.rules))
    for rule in rule_set.rules:
        click.echo(f"  {rule.id:<{width}} {rule.title}")
    for size, share in sorted(rule_set.any_signal.items()):
        click.echo(f"  {share:.0%} of stable charts of {size} points show a signal by chance")


def _print_details(rule_set: RuleSet) -> None:
    if rule_set.arl0 is not None:
        click.echo(f"  one false signal in {rule_set.arl0:.0f} points on average")
    click.echo(f"  {TIES[rule_set.ties]}")
    measured = [rule.id for rule in rule_set.rules if rule.suits == "measured"]
    if measured:
        click.echo(f"  On measurements only, not on counts: {', '.join(measured)}.")
    whole = [rule.id for rule in rule_set.rules if rule.judged_by == "chart"]
    if whole:
        click.echo(f"  About the chart as a whole, marking no point: {', '.join(whole)}.")
    click.echo(f"  Source: {rule_set.source}.")


def _simulated(host: PluginHost, rule_set: RuleSet, *, runs: int, seed: int) -> dict[str, Any]:
    """Simulate one set's false alarms; a failing rule names its plugin."""
    from spcbench.numeric.false_alarms import average_run_length, chance_of_any

    detectors = [rule.detect for rule in rule_set.rules]
    marking = [rule.judged_by != "chart" for rule in rule_set.rules]
    # Rules that look past missing points take in the whole chart, however long it is.
    whole = any(rule.judged_by == "chart" or rule.across_gaps for rule in rule_set.rules)
    centre = "median" if whole else "mean"
    with host.using(rule_set):
        length = None if whole else average_run_length(detectors, runs=runs, seed=seed)
        charts = [
            chance_of_any(
                detectors,
                points,
                estimated=True,
                runs=runs,
                seed=seed,
                centre=centre,
                marking=marking,
            )
            for points in LENGTHS
        ]
    return {
        "runs": runs,
        "seed": seed,
        "centre": centre,
        "average_run_length": length
        and {
            "mean": length.mean,
            "standard_error": length.error,
            "unfinished": length.unfinished,
        },
        "reason": None if length else NO_ARL,
        "charts": [
            {
                "points": one.points,
                "any_signal": one.any_signal,
                "any_signal_standard_error": one.any_error,
                "latest": one.latest,
                "latest_standard_error": one.latest_error,
            }
            for one in charts
        ],
    }


def _print_simulated(simulated: dict[str, Any]) -> None:
    click.echo(
        f"Simulated with {simulated['runs']:,} series of independent normal points "
        f"(seed {simulated['seed']}); ± is the standard error of the simulation."
    )
    length = simulated["average_run_length"]
    if length is None:
        click.echo(f"  No average run length: {simulated['reason']}.")
    else:
        least = "at least " if length["unfinished"] else ""
        click.echo(
            f"  With known limits the first false signal comes after {least}"
            f"{length['mean']:.1f} points on average (± {length['standard_error']:.1f})."
        )
    click.echo(f"  With the {simulated['centre']} and limits taken from the same points:")
    for one in simulated["charts"]:
        click.echo(
            f"  {one['any_signal']:.1%} (± {one['any_signal_standard_error']:.1%}) of charts of "
            f"{one['points']} points show a false signal, {one['latest']:.1%} "
            f"(± {one['latest_standard_error']:.1%}) at the latest point"
        )
