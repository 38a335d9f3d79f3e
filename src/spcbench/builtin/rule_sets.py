"""The rule sets that spcbench brings itself: named, dated and never changed.

``any_signal`` and ``arl0`` of each set are what ``python benchmarks/false_alarms.py``
prints: 100,000 series (200,000 runs for the average run length), seed 1, independent
normal data; limits estimated from the same points, for run charts the median.
Standard errors: at most 0.0016 for a chance, 0.25 % of an average run length. The
figures of the two MDC sets are older, from 40,000 series (error about 0.003); they
are the same for both, because a point that only one of them counts among two of three
is outside the limits and signals anyway. Run charts have no average run length: their
limits move with the number of points.
"""

from __future__ import annotations

from collections.abc import Iterable

from spcbench.builtin import single_rules as single
from spcbench.plugin import RuleSet, hookimpl

SPCBENCH_API = 1


@hookimpl
def spcbench_rule_sets() -> Iterable[RuleSet]:
    """Offer the built-in rule sets, the default first."""
    yield _mdc_2023_11()
    yield _mdc_2019()
    yield _western_electric()
    yield _nelson()
    yield _ihi_shewhart()
    yield _ihi_run()
    yield _wheeler()
    yield _anhoej()
    yield _montgomery()


def _mdc_2023_11() -> RuleSet:
    return RuleSet(
        id="mdc-2023-11",
        title="NHS Making Data Count, rules of November 2023",
        source="NHS England Making Data Count; the change of November 2023 is recorded in "
        "NHSRplotthedots issue 194. Which points of a two-of-three signal are marked: to check",
        rules=(
            single.three_sigma(),
            single.trend(7),
            single.two_of_three_one_side(),
            single.run(7),
        ),
        any_signal={12: 0.048, 24: 0.154, 36: 0.261, 60: 0.438},
        arl0=86.0,
    )


def _mdc_2019() -> RuleSet:
    return RuleSet(
        id="mdc-2019",
        title="NHS Making Data Count, rules before November 2023",
        source="NHS England Making Data Count as NHSRplotthedots 0.2.2 applies it: of two of "
        "three points beyond 2 sigma, those beyond the limits do not count. Year: to check",
        rules=(
            single.three_sigma(),
            single.trend(7),
            single.two_of_three_inside(),
            single.run(7),
        ),
        any_signal={12: 0.048, 24: 0.154, 36: 0.261, 60: 0.438},
        arl0=86.0,
    )


def _western_electric() -> RuleSet:
    return RuleSet(
        id="western-electric-1956",
        title="Western Electric zone tests",
        source="Western Electric, Statistical Quality Control Handbook (1956): to check",
        rules=(
            single.three_sigma(),
            single.beyond(2, 3, sigma=2),
            single.beyond(4, 5, sigma=1),
            single.run(8),
        ),
        any_signal={12: 0.052, 24: 0.150, 36: 0.247, 60: 0.411},
        arl0=92.0,
    )


def _nelson() -> RuleSet:
    return RuleSet(
        id="nelson-1984",
        title="Nelson's eight tests; on charts of counts the first four",
        source="Nelson (1984), Journal of Quality Technology 16: to check",
        rules=(
            single.three_sigma(),
            single.run(9),
            single.trend(6),
            single.alternating(14),
            single.beyond(2, 3, sigma=2, suits="measured"),
            single.beyond(4, 5, sigma=1, suits="measured"),
            single.within(15, suits="measured"),
            single.without(8, suits="measured"),
        ),
        any_signal={12: 0.064, 24: 0.192, 36: 0.312, 60: 0.506},
        arl0=73.5,
        # Charts of counts keep the first four rules.
        any_signal_counted={12: 0.041, 24: 0.127, 36: 0.209, 60: 0.355},
        arl0_counted=119.0,
    )


def _ihi_shewhart() -> RuleSet:
    return RuleSet(
        id="ihi-shewhart",
        title="Institute for Healthcare Improvement, Shewhart charts",
        source="Provost & Murray, The Health Care Data Guide (edition and page: to check)",
        rules=(
            single.three_sigma(),
            single.run(8),
            single.trend(6),
            single.beyond(2, 3, sigma=2),
            single.within(15),
        ),
        any_signal={12: 0.056, 24: 0.153, 36: 0.255, 60: 0.429},
        arl0=89.3,
    )


def _ihi_run() -> RuleSet:
    return RuleSet(
        id="ihi-run",
        title="Institute for Healthcare Improvement, run charts about the median",
        source="Perla, Provost & Murray (2011), BMJ Quality & Safety 20:46. Limits for the number "
        "of runs are computed from the exact distribution at 2.5 % in each tail, where the book "
        "prints the table of Swed & Eisenhart (1943): to check. Equal neighbours in a trend: to "
        "check. The astronomical point is judged by eye and not computed",
        rules=(
            single.shift_past_ties(6),
            single.trend_past_repeats(5),
            single.few_runs(),
            single.many_runs(),
        ),
        ties="skip",
        any_signal={12: 0.136, 24: 0.369, 36: 0.562, 60: 0.796},
    )


def _wheeler() -> RuleSet:
    return RuleSet(
        id="wheeler",
        title="Wheeler's three tests for charts of individual values",
        source="Wheeler, Understanding Variation (edition and page: to check)",
        rules=(
            single.three_sigma(),
            single.beyond(3, 4, sigma=1.5),
            single.run(8),
        ),
        any_signal={12: 0.036, 24: 0.107, 36: 0.182, 60: 0.317},
        arl0=127.2,
    )


def _anhoej() -> RuleSet:
    return RuleSet(
        id="anhoej-2014",
        title="Anhøj's longest run and crossings, whose limits grow with the number of points",
        source="Anhøj & Olesen (2014), PLoS ONE 9:e113825",
        rules=(single.longest_run(), single.crossings()),
        ties="skip",
        any_signal={12: 0.013, 24: 0.030, 36: 0.042, 60: 0.043},
    )


def _montgomery() -> RuleSet:
    return RuleSet(
        id="montgomery",
        title="Montgomery's eight sensitising tests together",
        source="Montgomery, Introduction to Statistical Quality Control: to check",
        rules=(
            single.three_sigma(),
            single.beyond(2, 3, sigma=2),
            single.beyond(4, 5, sigma=1),
            single.run(8),
            single.trend(6),
            single.within(15),
            single.alternating(14),
            single.without(8),
        ),
        any_signal={12: 0.065, 24: 0.205, 36: 0.337, 60: 0.543},
        arl0=65.7,
    )
