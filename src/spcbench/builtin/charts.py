"""The chart types that spcbench brings itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from spcbench.plugin import ChartType, Setting, hookimpl

if TYPE_CHECKING:
    from spcbench.numeric.limits import ChartOptions, Limits, Series

SPCBENCH_API = 1

MONTGOMERY = "Montgomery, Introduction to Statistical Quality Control (to check)"
SMALL = "exact limits for small counts after Spiegelhalter (2005), Statistics in Medicine 24:1185"
LANEY = "Laney (2002), Quality Engineering 14:531 (to check)"

_NARROW = Setting(
    title="Whether limits may be narrower than chance alone would have them", default=False
)
_ARL = "Points to a false signal, on average, for which the limit is set"
_HEAD_START = Setting(
    title="Where sums start, as a share of the limit (fast initial response)",
    default=0.0,
    low=0.0,
    high=0.99,
)
_AFTER_SIGNAL = Setting(
    title="Whether sums start afresh after a signal",
    default="reset",
    choices=("reset", "continue"),
)
_LIMIT = Setting(title="The limit itself; 0 sets it by arl0", default=0.0, low=0.0)


@hookimpl
def spcbench_charts() -> Iterable[ChartType]:
    """Offer the built-in chart types."""
    yield from _shares()
    yield from _rates()
    yield from _numbers()
    yield from _single_values()
    yield from _subgroups()
    yield from _rare_events()
    yield from _sums()


def _made(
    chart: str,
    title: str,
    source: str,
    where: str,
    *,
    takes: str,
    points: str = "counted",
    uses_order: bool = False,
    **more: Any,
) -> ChartType:
    """One chart type, whose formulas load when they are first used."""
    return ChartType(
        id=chart,
        title=title,
        source=source,
        limits=_from(where),
        uses_denominator=takes in ("proportion", "rate", "subgroup"),
        uses_order=uses_order,
        takes=takes,
        points=points,
        **more,
    )


def _from(where: str) -> Callable[[Series, ChartOptions], Limits]:
    module, _, name = where.rpartition(".")

    def limits(series: Series, options: ChartOptions) -> Limits:
        made: Limits = getattr(import_module(f"spcbench.numeric.{module}"), name)(series, options)
        return made

    return limits


def _shares() -> Iterable[ChartType]:
    yield _made(
        "p",
        "p chart: proportions with their own denominators",
        f"{MONTGOMERY}; {SMALL}",
        "limits.p_limits",
        small_counts=True,
        takes="proportion",
    )
    yield _made(
        "p_prime",
        "p′ chart: proportions that vary more than chance, by a common factor",
        LANEY,
        "attributes.p_prime_limits",
        takes="proportion",
        uses_order=True,
        settings={"narrow": _NARROW},
    )
    yield _made(
        "p_additive",
        "Additive p chart: proportions that vary more than chance, by a common amount",
        "Random effects model, variance between periods from moving ranges; a proposal of ours",
        "attributes.p_additive_limits",
        takes="proportion",
        uses_order=True,
    )
    yield _made(
        "np",
        "np chart: numbers of cases out of their own denominators",
        f"{MONTGOMERY}; {SMALL}",
        "attributes.np_limits",
        small_counts=True,
        takes="proportion",
        scale="count",
    )


def _rates() -> Iterable[ChartType]:
    yield _made(
        "u",
        "u chart: events per exposure",
        f"{MONTGOMERY}; {SMALL}",
        "attributes.u_limits",
        small_counts=True,
        takes="rate",
    )
    yield _made(
        "u_prime",
        "u′ chart: events per exposure that vary more than chance, by a common factor",
        LANEY,
        "attributes.u_prime_limits",
        takes="rate",
        uses_order=True,
        settings={"narrow": _NARROW},
    )


def _numbers() -> Iterable[ChartType]:
    yield _made(
        "c",
        "c chart: numbers of events with an equal chance each period",
        f"{MONTGOMERY}; {SMALL}",
        "attributes.c_limits",
        small_counts=True,
        takes="count",
        scale="count",
    )
    yield _made(
        "c_prime",
        "c′ chart: numbers of events that vary more than chance",
        LANEY,
        "attributes.c_prime_limits",
        takes="count",
        scale="count",
        uses_order=True,
        settings={"narrow": _NARROW},
    )


def _single_values() -> Iterable[ChartType]:
    moving_range = Setting(
        title="Whether sigma comes from the mean or the median moving range",
        default="mean",
        choices=("mean", "median"),
    )
    yield _made(
        "i",
        "XmR chart: single values, limits from the moving range",
        "Wheeler; NHS England Making Data Count; the median forms as JMP prints them",
        "variables.i_limits",
        takes="value",
        points="measured",
        uses_order=True,
        settings={
            "centre_line": Setting(title="Centre line", default="mean", choices=("mean", "median")),
            "moving_range": moving_range,
            "factor": Setting(
                title="Limits at 3/1.128 mean moving ranges, or at 2.66 as Making Data Count "
                "prints it",
                default="1.128",
                choices=("1.128", "2.66"),
            ),
        },
    )
    yield _made(
        "mr",
        "Moving range chart: how far each value lies from the one before",
        "Nelson (1982), Journal of Quality Technology 14:172 (to check)",
        "variables.mr_limits",
        takes="value",
        points="dependent",
        scale="spread",
        uses_order=True,
    )
    yield _made(
        "i_prime",
        "I′ chart: single values with their own denominators",
        "Taylor, as qicharts2 0.8.1 has it",
        "variables.i_prime_limits",
        takes="rate",
        points="measured",
        uses_order=True,
    )
    yield _made(
        "run",
        "Run chart: values about their median, without limits",
        "Anhøj & Olesen (2014), PLoS ONE 9:e113825",
        "variables.run_limits",
        takes="value",
        points="measured",
        has_limits=False,
    )


def _subgroups() -> Iterable[ChartType]:
    spread = Setting(
        title="Whether sigma pools the subgroups by size, or is their mean",
        default="pooled",
        choices=("pooled", "mean"),
    )
    yield _made(
        "xbar",
        "X̄ chart: means of subgroups",
        MONTGOMERY,
        "subgroups.xbar_limits",
        takes="subgroup",
        points="measured",
        settings={"spread": spread},
    )
    yield _made(
        "s",
        "S chart: standard deviations within subgroups",
        MONTGOMERY,
        "subgroups.s_limits",
        takes="subgroup",
        scale="spread",
        settings={"spread": spread},
    )


def _rare_events() -> Iterable[ChartType]:
    yield _made(
        "g",
        "g chart: cases between events",
        "Benneyan (2001), Kaminsky et al. (1992) (to check); probability limits of the geometric",
        "rare.g_limits",
        takes="event",
        scale="own",
        settings={
            "form": Setting(
                title="Probability limits, or mean ± 3 sigma as other tools draw them",
                default="probability",
                choices=("probability", "classic", "inclusive"),
            )
        },
    )
    yield _made(
        "t",
        "t chart: time between events",
        "Probability limits of the exponential; the classic form after Nelson (1994) (to check)",
        "rare.t_limits",
        takes="event",
        scale="own",
        uses_order=True,
        settings={
            "form": Setting(
                title="Probability limits, or an XmR chart of the values to the power 1/3.6",
                default="probability",
                choices=("probability", "nelson"),
            ),
            "times": Setting(
                title="Whether times are whole units, as days are; auto looks at the baseline",
                default="auto",
                choices=("auto", "continuous", "whole"),
            ),
        },
    )


def _sums() -> Iterable[ChartType]:
    yield _made(
        "ewma",
        "EWMA chart: exponentially weighted moving average",
        "Roberts (1959), Lucas & Saccucci (1990) (to check); limits by Markov chain",
        "accumulating.ewma_limits",
        takes="value",
        points="dependent",
        uses_order=True,
        settings={
            "weight": Setting(title="Weight of the latest point", default=0.2, low=0.01, high=1.0),
            "width": Setting(
                title="Limits in sigmas of the average; 0 sets them by arl0", default=0.0, low=0.0
            ),
            "arl0": Setting(title=_ARL, default=370.0, low=10.0, high=100000.0),
        },
    )
    yield _made(
        "cusum",
        "CUSUM chart: cumulative sums of deviations from the centre",
        "Page (1954) (to check); limits by Markov chain",
        "accumulating.cusum_limits",
        takes="value",
        points="dependent",
        scale="own",
        uses_order=True,
        settings={
            "shift": Setting(
                title="Half the shift to detect, in sigmas", default=0.5, low=0.05, high=3.0
            ),
            "arl0": Setting(title=_ARL, default=370.0, low=10.0, high=100000.0),
            "h": _LIMIT,
            "head_start": _HEAD_START,
            "after_signal": _AFTER_SIGNAL,
        },
    )
    yield _made(
        "bernoulli_cusum",
        "Bernoulli CUSUM: each case met or not, against a rise or fall in the odds",
        "Reynolds & Stoumbos (1999) (to check); Neuburger et al. (2017), BMJ Qual Saf 26:919",
        "event_cusum.bernoulli_cusum_limits",
        takes="proportion",
        points="dependent",
        scale="own",
        uses_order=True,
        settings={
            "odds_ratio": Setting(title="Change in the odds to detect", default=2.0, low=1.05),
            "side": Setting(
                title="Which change to look for",
                default="both",
                choices=("both", "rising", "falling"),
            ),
            "arl0": Setting(
                title="Cases to a false signal, on average, for which the limit is set",
                default=5000.0,
                low=10.0,
            ),
            "h": _LIMIT,
            "head_start": _HEAD_START,
            "after_signal": _AFTER_SIGNAL,
        },
    )
    yield _made(
        "poisson_cusum",
        "Poisson CUSUM: rare events per period, against a rise in their rate",
        "In the manner of NHS England's maternity signal system: doubled rate, limit by "
        "average run length",
        "event_cusum.poisson_cusum_limits",
        takes="count",
        points="dependent",
        scale="own",
        uses_order=True,
        settings={
            "ratio": Setting(title="Rise in the rate to detect", default=2.0, low=1.05),
            "arl0": Setting(title=_ARL, default=100.0, low=5.0),
            "warning_arl0": Setting(
                title="The same for level 1, such as 20, then drawn; 0 for two thirds of the limit",
                default=0.0,
                low=0.0,
            ),
            "h": _LIMIT,
            "head_start": _HEAD_START,
            "after_signal": _AFTER_SIGNAL,
            "quiet_without_events": Setting(
                title="Whether a period without events never signals", default=False
            ),
        },
    )
    yield _made(
        "vlad",
        "VLAD: expected minus observed events, added up",
        "Coory, Duckett & Sketcher-Baker (2008), IJQHC 20:31",
        "accumulating.vlad_limits",
        takes="expected",
        points="dependent",
        scale="own",
        uses_order=True,
        has_limits=False,
    )
