"""The rule sets that spcbench brings itself: named, dated and never changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from spcbench.plugin import Rule, RuleSet, hookimpl

if TYPE_CHECKING:
    from spcbench.numeric.segments import Flags, Floats, Segments, Signs

SPCBENCH_API = 1


@hookimpl
def spcbench_rule_sets() -> Iterable[RuleSet]:
    """Offer the built-in rule sets."""
    yield RuleSet(
        id="mdc-2023-11",
        title="NHS Making Data Count, rules of November 2023",
        source="NHS England Making Data Count; the change of November 2023 is recorded in "
        "NHSRplotthedots issue 194. Which points of a two-of-three signal are marked: to check",
        rules=(
            Rule(id="3s", title="A point outside the control limits", detect=_outside, reach=0),
            Rule(
                id="trend7",
                title="7 or more points in a row all rising, or all falling",
                detect=_trend,
                judged_by="direction",
            ),
            Rule(
                id="2of3",
                title="2 of 3 points in a row beyond 2 sigma, all 3 on that side of the centre",
                detect=_two_of_three,
                reach=2,
            ),
            Rule(
                id="run7",
                title="7 or more points in a row on one side of the centre line",
                detect=_run,
            ),
        ),
        ties="break",
        # Simulated with independent normal data and estimated limits; error about 0.003.
        any_signal={12: 0.048, 24: 0.154, 36: 0.261, 60: 0.438},
        arl0=86.0,
    )


def _outside(value: Floats, z: Floats, side: Signs, segments: Segments) -> Flags:
    from spcbench.numeric import rules

    return rules.outside(z)


def _trend(value: Floats, z: Floats, side: Signs, segments: Segments) -> Flags:
    from spcbench.numeric import rules

    return rules.trends(value, segments, length=7)


def _two_of_three(value: Floats, z: Floats, side: Signs, segments: Segments) -> Flags:
    from spcbench.numeric import rules

    return rules.two_of_three(z, side, segments)


def _run(value: Floats, z: Floats, side: Signs, segments: Segments) -> Flags:
    from spcbench.numeric import rules

    return rules.runs(side, segments, length=7)
