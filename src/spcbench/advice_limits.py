"""Advice about centre line and limits: whether they fit, and what others would be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace

import numpy as np
import numpy.typing as npt

from spcbench.advice_facts import LAWS, Facts, Rows, number, periods, shown
from spcbench.numeric.choice import OVERDISPERSED, REASONS
from spcbench.numeric.dispersion import RANGE_EFFICIENCY
from spcbench.numeric.limits import ChartOptions, Limits, Series
from spcbench.numeric.segments import Flags, Floats, Integers, Segments

LimitsOf = Callable[[Series, ChartOptions], Limits]

DISPERSION_POINTS = 12
"""Under so many points the dispersion is not spoken of."""

CERTAIN = 2.576
"""Standard deviations for "less than chance": a 99 % interval, so as not to cry wolf."""

CEILING = 0.95
"""Proportion from which, with a limit at the edge, a measure has no room left (a proposal)."""

NAMES = {
    "p": "p",
    "p_prime": "p′",
    "p_additive": "additive p",
    "i": "XmR",
    "u": "u",
    "u_prime": "u′",
    "c": "c",
    "c_prime": "c′",
}
"""What people call the charts that advice compares."""

ALLOWING = ("p_prime", "p_additive", "u_prime", "c_prime")
"""Charts of counts whose limits allow for more variation than chance."""


def _others(takes: str) -> Mapping[str, LimitsOf]:
    """Limits of the charts that counts of this kind could have."""
    from spcbench.numeric import attributes
    from spcbench.numeric.limits import p_limits
    from spcbench.numeric.variables import i_limits

    return {
        "proportion": {
            "p": p_limits,
            "p_prime": attributes.p_prime_limits,
            "p_additive": attributes.p_additive_limits,
            "i": i_limits,
        },
        "rate": {"u": attributes.u_limits, "u_prime": attributes.u_prime_limits},
        "count": {"c": attributes.c_limits, "c_prime": attributes.c_prime_limits},
    }[takes]


def limits_by_chart(
    facts: Facts, which: Integers, takes: str
) -> dict[str, npt.NDArray[np.float64]]:
    """Limits that each kind of chart would have at the latest point of some series.

    Parameters
    ----------
    facts : Facts
        The charts.
    which : array of int, shape (chosen,)
        Series, in order, whose chart type takes the same.
    takes : str
        ``"proportion"``, ``"rate"`` or ``"count"``.

    Returns
    -------
    dict of str to array of float, shape (chosen, 2)
        Lower and upper normal limits of the latest phase, at three sigma.
    """
    series = facts.counted(takes)
    part, at = _phase_of(series, facts.phase[which], facts.at[which])
    options = ChartOptions(limit_method="normal")
    made = {}
    for name, limits in _others(takes).items():
        found = limits(part, options)
        made[name] = np.column_stack([found.lcl[at], found.ucl[at]])
    return made


def _phase_of(series: Series, phases: Integers, at: Integers) -> tuple[Series, Integers]:
    """Some phases as if they stood alone, and where certain rows of theirs are then."""
    kept = np.zeros(len(series.segments), dtype=np.bool_)
    kept[phases] = True
    rows = series.segments.spread(kept)
    cut = {
        field.name: array[rows]
        for field in fields(Series)
        if field.name != "segments" and (array := getattr(series, field.name)) is not None
    }
    segments = Segments.from_lengths(series.segments.lengths[kept])
    return replace(series, **cut, segments=segments), np.cumsum(rows)[at] - 1


def overdispersed(facts: Facts) -> Rows:
    """The points vary more than chance, and the chart may or may not allow for it.

    Where it does, it is said only if the 95 % interval excludes chance: that
    such a chart was taken is said by `chart_chosen`.
    """
    ratio, lower = facts.grounds.dispersion, facts.interval.lower
    allows = np.isin(facts.chart, ALLOWING)
    with np.errstate(invalid="ignore"):
        found = (ratio >= OVERDISPERSED) & (~allows | (lower > 1.0))
    found &= facts.by_chance & ~facts.exact & (facts.grounds.points >= DISPERSION_POINTS)
    for takes in LAWS:
        which = np.flatnonzero(found & (facts.takes == takes))
        if which.size:
            yield from _overdispersed(facts, which, limits_by_chart(facts, which, takes))


def _overdispersed(facts: Facts, which: Integers, others: Mapping[str, Floats]) -> Rows:
    for place, one in enumerate(which):
        chart = str(facts.chart[one])
        limits = {name: found[place].tolist() for name, found in others.items()}
        yield (
            int(one),
            "overdispersed",
            f"{_more_than_chance(facts, int(one))} {_consequence(chart, _certain(facts, one))} "
            f"At the latest point {_compared(limits, facts.per(int(one)))}.",
            {
                **_dispersion(facts, int(one)),
                "threshold": OVERDISPERSED,
                "chart": chart,
                "allowed_for": chart in ALLOWING,
                "limits": {name: [number(one) for one in pair] for name, pair in limits.items()},
            },
        )


def _more_than_chance(facts: Facts, one: int) -> str:
    ratio = facts.grounds.dispersion[one]
    perhaps = "" if _certain(facts, one) else ", though that may be chance as well"
    said = (
        f"The points vary {ratio:.1f} times as much as chance in these denominators would make them"
        if facts.takes[one] != "count"
        else f"The points vary {ratio:.1f} times as much as chance would make such counts vary"
    )
    return f"{said}{perhaps}."


def _certain(facts: Facts, one: int) -> bool:
    return bool(facts.interval.lower[one] > 1.0)


def _consequence(chart: str, certain: bool) -> str:
    if chart in ALLOWING:
        plain = NAMES[chart.partition("_")[0]]
        return (
            f"This {NAMES[chart]} chart allows for that; the limits of a {plain} chart would be "
            "too narrow and signal too often."
        )
    name = NAMES.get(chart, chart)
    article = "an" if name[0] in "aeinx" else "a"
    limits = f"limits of {article} {name} chart are too narrow and signal too often."
    return f"The {limits}" if certain else f"If it is not, the {limits}"


def _compared(limits: Mapping[str, list[float]], per: int) -> str:
    pairs = [
        f"{NAMES[name]} {shown(max(lower, 0.0), per)} to "
        f"{shown(min(upper, 1.0) if per == 100 else upper, per)}"
        for name, (lower, upper) in limits.items()
        if not np.isnan(lower)
    ]
    return "limits would be: " + ", ".join(pairs)


def _dispersion(facts: Facts, one: int) -> dict[str, object]:
    lower, upper = facts.interval.lower, facts.interval.upper
    return {
        "dispersion": number(float(facts.grounds.dispersion[one])),
        "interval": [number(float(lower[one])), number(float(upper[one]))],
        "points": int(facts.grounds.points[one]),
    }


def underdispersed(facts: Facts) -> Rows:
    """The points vary less than chance alone would make them."""
    ratio, points = facts.grounds.dispersion, facts.grounds.points
    with np.errstate(invalid="ignore", divide="ignore"):
        upper = ratio * np.exp(CERTAIN * 2.0 * np.sqrt(RANGE_EFFICIENCY / (points - 1.0)))
        found = (upper < 1.0) & (points >= DISPERSION_POINTS)
    # Those two say more about the same thing.
    # Of few cases the moving ranges are mostly 0, and the ratio says nothing.
    for one in np.flatnonzero(found & ~facts.constant & ~facts.rolling & ~facts.grounds.small):
        yield (
            int(one),
            "underdispersed",
            f"The points vary only {ratio[one]:.2f} times as much as chance alone would make them. "
            "That is rare in counts of separate cases: check for targets that are met by choice, "
            "figures carried over, or cases counted in more than one period. Limits are not "
            "narrowed.",
            {**_dispersion(facts, int(one)), "upper_99": number(float(upper[one]))},
        )


def chart_chosen(facts: Facts) -> Rows:
    """Why another chart than the plain one was taken."""
    choice = facts.drawn.choice
    yield from _chart_named(facts)
    if not facts.drawn.auto or choice is None:
        return
    for one in np.flatnonzero((choice.code > 0) & (facts.takes == "proportion")):
        ratio, found = choice.grounds.dispersion[one], choice.grounds
        chart, reason = choice.charts[choice.code[one]], REASONS[choice.reason[one]]
        sizes = f"denominators from {found.smallest[one]:,.0f} to {found.largest[one]:,.0f}"
        yield (
            int(one),
            "chart_chosen",
            f"The {NAMES[chart]} chart was taken: the points vary {ratio:.1f} times as much as "
            f"chance (95% interval {choice.lower[one]:.1f} to {choice.upper[one]:.1f}), with "
            f"{sizes}. Its limits allow for that; chart='p' (--chart p) draws those of chance "
            "alone.",
            {
                **_dispersion(facts, int(one)),
                "chart": chart,
                "reason": reason,
                "threshold": OVERDISPERSED,
                "smallest_denominator": number(float(found.smallest[one])),
                "largest_denominator": number(float(found.largest[one])),
            },
        )


def _chart_named(facts: Facts) -> Rows:
    """The measure itself says which chart it needs."""
    for one, name in enumerate(facts.drawn.names("measure") if facts.drawn.auto else ()):
        shown = facts.drawn.taken.display[str(name)]
        # A rate without denominators keeps the chart of counts.
        if shown.chart and shown.chart == facts.drawn.charts[facts.drawn.chart_code[one]].id:
            title = NAMES.get(shown.chart, shown.chart)
            yield (
                one,
                "chart_chosen",
                f"The {title} chart was taken because the measure asks for it: "
                f"{shown.chart_reason}.",
                {"chart": shown.chart, "reason": "named_by_the_measure"},
            )


def exact_limits(facts: Facts) -> Rows:
    """Exact limits stand in for normal ones."""
    size, centre = facts.drawn.series.denominator, facts.drawn.charted.limits.centre
    small = facts.grounds.small & (facts.drawn.of_chart("points") == "counted")
    for one in np.flatnonzero(facts.exact & facts.limited & facts.by_chance & small):
        at = facts.at[one]
        cases = float("nan") if size is None else float(size[at])
        law = "binomial" if facts.takes[one] == "proportion" else "Poisson"
        yield (
            int(one),
            "exact_limits",
            f"Few cases are expected in some periods, so exact {law} limits are used; "
            "a longer period, such as a quarter, would say more.",
            {"latest_denominator": number(cases), "centre": number(float(centre[at]))},
        )


def edges(facts: Facts) -> Rows:
    """No room above or below: a measure near 0 or 100 %, else a limit at the edge."""
    limits, at = facts.drawn.charted.limits, facts.at
    centre, lcl, ucl = limits.centre[at], limits.lcl[at], limits.ucl[at]
    with np.errstate(invalid="ignore"):
        top = (ucl >= 1.0) & (centre < 1.0)
        bottom = (lcl <= 0.0) & (centre > 0.0)
        ceiling = (centre >= CEILING) & top
        floor = (centre <= 1.0 - CEILING) & bottom
    usable = facts.percent & facts.limited & ~facts.constant
    yield from _near_ceiling(facts, np.flatnonzero(usable & (ceiling | floor)), centre)
    good = facts.drawn.good
    worse_unseen = np.where(good > 0, bottom & ~floor, (good < 0) & top & ~ceiling)
    # Of small counts `small_denominators` says as much already.
    found = usable & ~facts.grounds.small & (worse_unseen.astype(np.bool_) | (top & bottom))
    found &= ~(ceiling | floor)
    yield from _clipped(facts, np.flatnonzero(found), top, bottom)


def _near_ceiling(facts: Facts, which: Integers, centre: Floats) -> Rows:
    names = facts.drawn.names("measure")
    for one in which:
        high = bool(centre[one] >= CEILING)
        one_period = periods(facts.drawn.frequency[names[one]])
        edge = "100%" if high else "0%"
        rest = _rare_case(high, int(facts.drawn.good[one]))
        yield (
            int(one),
            "near_ceiling",
            f"With {centre[one]:.1%} on average a {one_period} at {edge} is ordinary and cannot "
            f"signal. Counting the cases from one {rest} to the next (a g chart) says "
            "more.",
            {"centre": number(float(centre[one])), "threshold": CEILING if high else 1 - CEILING},
        )


def _rare_case(high: bool, good: int) -> str:
    """The rarer outcome in words: where fewer is better, to be met is what went amiss."""
    if good < 0:
        return "without the event" if high else "with the event"
    return "that was missed" if high else "that was met"


def _clipped(facts: Facts, which: Integers, top: Flags, bottom: Flags) -> Rows:
    names, limits, at = facts.drawn.names("measure"), facts.drawn.charted.limits, facts.at
    for one in which:
        frequency = periods(facts.drawn.frequency[names[one]])
        reached = {(True, True): "0% and 100%", (True, False): "100%", (False, True): "0%"}
        edge = reached[bool(top[one]), bool(bottom[one])]
        yield (
            int(one),
            "clipped_limits",
            f"The limits reach to {edge} at the latest point, so no single {frequency} can lie "
            "beyond them there. Only runs and trends can show a change on that side; longer "
            "periods would narrow the limits.",
            {
                "lcl": number(float(limits.lcl[at[one]])),
                "ucl": number(float(limits.ucl[at[one]])),
                "centre": number(float(limits.centre[at[one]])),
            },
        )
