"""The single tests that the built-in rule sets are made of, as records."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from spcbench.plugin import Rule

if TYPE_CHECKING:
    from spcbench.numeric.segments import Flags, Floats, Segments, Signs

FAR_APART = 10_000
"""Reach of rules that look past points: any number of them may lie between.

A change of side ends a run, however near the next one is.
"""


def three_sigma() -> Rule:
    """A point outside the limits: "3s"."""
    return Rule(
        id="3s",
        title="A point outside the control limits",
        detect=_outside,
        reach=0,
        suits="any",
    )


def run(length: int) -> Rule:
    """Points on one side of the centre line: "run7", "run8", "run9"."""
    return Rule(
        id=f"run{length}",
        title=f"{length} or more points in a row on one side of the centre line",
        detect=partial(_run, length=length),
    )


def trend(length: int) -> Rule:
    """Points all rising, or all falling: "trend6", "trend7"."""
    return Rule(
        id=f"trend{length}",
        title=f"{length} or more points in a row all rising, or all falling",
        detect=partial(_trend, length=length),
        judged_by="direction",
    )


def two_of_three_one_side() -> Rule:
    """The two of three of Making Data Count since November 2023: "2of3"."""
    return Rule(
        id="2of3",
        title="2 of 3 points in a row beyond 2 sigma, all 3 on that side of the centre",
        detect=_two_of_three,
        reach=2,
    )


def two_of_three_inside() -> Rule:
    """The two of three of Making Data Count before November 2023: "2of3"."""
    return Rule(
        id="2of3",
        title="2 of 3 points in a row between 2 and 3 sigma, all 3 on that side of the centre",
        detect=_two_of_three_inside,
        reach=2,
    )


def beyond(points: int, window: int, *, sigma: float, suits: str = "independent") -> Rule:
    """So many of so many points beyond a zone: "2of3", "3of4", "4of5"."""
    return Rule(
        id=f"{points}of{window}",
        title=f"{points} of {window} points in a row beyond {sigma:g} sigma on one side, "
        "the other anywhere",
        detect=partial(_beyond, points=points, window=window, sigma=sigma),
        reach=window - 1,
        suits=suits,
    )


def alternating(length: int) -> Rule:
    """Points going up and down in turn: "14alt"."""
    return Rule(
        id=f"{length}alt",
        title=f"{length} or more points in a row going up and down in turn",
        detect=partial(_alternating, length=length),
        judged_by="none",
    )


def within(length: int, *, suits: str = "independent") -> Rule:
    """Points that hug the centre line: "15in"."""
    return Rule(
        id=f"{length}in",
        title=f"{length} or more points in a row within 1 sigma of the centre line",
        detect=partial(_within, length=length),
        judged_by="none",
        suits=suits,
    )


def without(length: int, *, suits: str = "independent") -> Rule:
    """Points that avoid the centre line: "8out"."""
    return Rule(
        id=f"{length}out",
        title=f"{length} or more points in a row with none within 1 sigma of the centre line",
        detect=partial(_without, length=length),
        judged_by="none",
        suits=suits,
    )


def shift_past_ties(length: int) -> Rule:
    """Points on one side, those on the centre line left out: "shift6"."""
    return Rule(
        id=f"shift{length}",
        title=f"{length} or more points in a row on one side of the centre line, "
        "not counting points on it",
        detect=partial(_shift_past_ties, length=length),
        reach=FAR_APART,
    )


def trend_past_repeats(length: int) -> Rule:
    """Points all rising or falling, equal neighbours counted once: "trend5"."""
    return Rule(
        id=f"trend{length}",
        title=f"{length} or more points in a row all rising, or all falling, "
        "equal neighbours counted once",
        detect=partial(_trend_past_repeats, length=length),
        judged_by="direction",
        reach=FAR_APART,
    )


def few_runs() -> Rule:
    """Too few runs about the centre line: "few-runs"."""
    return Rule(
        id="few-runs",
        title="Fewer runs about the centre line than chance allows (2.5% in each tail)",
        detect=_few_runs,
        judged_by="chart",
        across_gaps=True,
    )


def many_runs() -> Rule:
    """Too many runs about the centre line: "many-runs"."""
    return Rule(
        id="many-runs",
        title="More runs about the centre line than chance allows (2.5% in each tail)",
        detect=_many_runs,
        judged_by="chart",
        across_gaps=True,
    )


def longest_run() -> Rule:
    """A run too long for the number of points: "longest-run"."""
    return Rule(
        id="longest-run",
        title="A run on one side of the centre line longer than chance allows "
        "for the number of points",
        detect=_long_runs,
        across_gaps=True,
        reach=FAR_APART,
    )


def crossings() -> Rule:
    """Too few crossings of the centre line: "crossings"."""
    return Rule(
        id="crossings",
        title="Fewer crossings of the centre line than chance allows for the number of points",
        detect=_few_crossings,
        judged_by="chart",
        across_gaps=True,
    )


# What the rules call. scipy and numpy load when a chart is made, not when the sets are listed;
# functions of the module rather than closures, because worker processes must be able to find them.


def _outside(value: Floats, z: Floats, side: Signs, segments: Segments) -> Flags:
    from spcbench.numeric import rules

    return rules.outside(z)


def _run(value: Floats, z: Floats, side: Signs, segments: Segments, *, length: int) -> Flags:
    from spcbench.numeric import rules

    return rules.runs(side, segments, length=length)


def _trend(value: Floats, z: Floats, side: Signs, segments: Segments, *, length: int) -> Flags:
    from spcbench.numeric import rules

    return rules.trends(value, segments, length=length)


def _two_of_three(value: Floats, z: Floats, side: Signs, segments: Segments) -> Flags:
    from spcbench.numeric import rules

    return rules.two_of_three(z, side, segments)


def _two_of_three_inside(value: Floats, z: Floats, side: Signs, segments: Segments) -> Flags:
    from spcbench.numeric import rules

    return rules.two_of_three_inside(z, side, segments)


def _beyond(
    value: Floats,
    z: Floats,
    side: Signs,
    segments: Segments,
    *,
    points: int,
    window: int,
    sigma: float,
) -> Flags:
    from spcbench.numeric import rules

    return rules.beyond(z, segments, points=points, window=window, sigma=sigma)


def _alternating(
    value: Floats, z: Floats, side: Signs, segments: Segments, *, length: int
) -> Flags:
    from spcbench.numeric import rules

    return rules.alternations(value, segments, length=length)


def _within(value: Floats, z: Floats, side: Signs, segments: Segments, *, length: int) -> Flags:
    from spcbench.numeric import rules

    return rules.within(z, side, segments, sigma=1.0, length=length)


def _without(value: Floats, z: Floats, side: Signs, segments: Segments, *, length: int) -> Flags:
    from spcbench.numeric import rules

    return rules.without(z, segments, sigma=1.0, length=length)


def _shift_past_ties(
    value: Floats, z: Floats, side: Signs, segments: Segments, *, length: int
) -> Flags:
    from spcbench.numeric import rules

    return rules.runs_past_ties(value, side, segments, length=length)


def _trend_past_repeats(
    value: Floats, z: Floats, side: Signs, segments: Segments, *, length: int
) -> Flags:
    from spcbench.numeric import rules

    return rules.trends_past_repeats(value, segments, length=length)


def _few_runs(value: Floats, z: Floats, side: Signs, segments: Segments) -> Flags:
    from spcbench.numeric import runs

    return runs.few_runs(value, side, segments)


def _many_runs(value: Floats, z: Floats, side: Signs, segments: Segments) -> Flags:
    from spcbench.numeric import runs

    return runs.many_runs(value, side, segments)


def _long_runs(value: Floats, z: Floats, side: Signs, segments: Segments) -> Flags:
    from spcbench.numeric import runs

    return runs.long_runs(side, segments)


def _few_crossings(value: Floats, z: Floats, side: Signs, segments: Segments) -> Flags:
    from spcbench.numeric import runs

    return runs.few_crossings(value, side, segments)
