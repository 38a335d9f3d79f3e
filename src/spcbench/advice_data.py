"""Advice about the counts themselves: too few, not complete, rounded, not understood."""

from __future__ import annotations

import numpy as np

from spcbench.advice_facts import Facts, Rows, number, periods, shown
from spcbench.chart_choosing import CLUSTERED, clustering
from spcbench.numeric.baseline import medians
from spcbench.numeric.engine import FEWEST_POINTS
from spcbench.numeric.patterns import denominator_variation, rounding
from spcbench.numeric.segments import Flags, Floats
from spcbench.tracing import unknown_outcomes, unverified

TINY_SHARE = 0.01
"""Shares below this, of very many cases, are often rates (a proposal)."""

LARGE_DENOMINATOR = 1000
"""Cases in every period from which a tiny share is asked about (a proposal)."""

TRIAL_POINTS = 12
"""Under so many points limits are trial limits (Making Data Count)."""

ICON_FROM = 13
"""Fewest points in the latest phase for an icon (Making Data Count)."""

ROUNDED_BELOW = 1e-4
"""Chance under which multiples of 5 or 10 are no coincidence (a proposal)."""

WIDE = 0.2
"""Width of what the mean may truly be, as a share of it, that is spoken of (a proposal)."""

VARYING = 0.25
"""Distance of a denominator from their mean, as its share, that one limit cannot serve:
a common rule of thumb for constant limits."""

RECENT, HALF, ENOUGH_CASES = 6, 0.5, 20
"""A latest period under half the median of the six before, if that is at least 20 cases,
may not be complete (a proposal)."""

APART = 0.75
"""And it is under this share of the smallest of the six: else they vary that much anyway."""

FEW_EXPECTED = 5.0
"""Events or non-events expected of a usual period under which it says little (a proposal)."""


BY_CHANCE = ("p", "np")
"""Charts whose limits take every case to stand alone."""


def clustered(facts: Facts) -> Rows:
    """Cases that go together, such as the opportunities of one baby."""
    ratio = clustering(facts.drawn.taken.frame, facts.drawn.taken.series)
    for which in np.flatnonzero(ratio >= CLUSTERED):
        then = (
            "these limits are too narrow for that. Take chart p_prime, which finds its limits "
            "from the points."
            if facts.chart[which] in BY_CHANCE
            else "the limits of this chart come from the points themselves, which shows in them."
        )
        yield (
            int(which),
            "clustered",
            "The cases go together (several of one baby, say): by chance alone the values vary "
            f"{ratio[which]:.1f} times as much as if each stood alone, and {then}",
            {"ratio": number(ratio[which]), "threshold": CLUSTERED},
        )


def few_points(facts: Facts) -> Rows:
    """Trial limits."""
    known = facts.known
    for which in np.flatnonzero((known > 0) & (known < TRIAL_POINTS)):
        number_of = f"{known[which]} point{'s' if known[which] > 1 else ''}"
        if known[which] < FEWEST_POINTS:
            words = f"The latest phase has {number_of}: too few for limits, or for any judgement."
        else:
            words = (
                f"The latest phase has {number_of}. Limits from fewer than "
                f"{TRIAL_POINTS} are trial limits: expect them to move."
            )
        yield (
            int(which),
            "few_points",
            words,
            {"points": int(known[which]), "wanted": TRIAL_POINTS, "icon_from": ICON_FROM},
        )


def constant(facts: Facts) -> Rows:
    """Every point of the latest phase has the same value."""
    limits = facts.drawn.charted.limits
    for which in np.flatnonzero(facts.constant):
        at = facts.at[which]
        value = float(facts.drawn.series.value[at])
        level = shown(value, facts.per(which))
        if np.isnan(limits.lcl[at]):
            then = "There is no variation to set limits by, so there are none."
        elif limits.lcl[at] == limits.ucl[at]:
            then = "Limits lie on the centre line, and any other value will be a signal."
        else:
            then = "Real figures hardly ever do that: check how they were collected."
        yield (
            int(which),
            "constant",
            f"All {facts.known[which]} points of the latest phase are {level}. {then}",
            {"value": number(value), "points": int(facts.known[which])},
        )


def gap(facts: Facts) -> Rows:
    """Missing periods."""
    drawn = facts.drawn
    number_of = drawn.taken.series.sums(drawn.series.gap.astype(np.int64))
    names = drawn.names("measure")
    for which in np.flatnonzero(number_of > 0):
        count = int(number_of[which])
        yield (
            int(which),
            "gap",
            f"Periods are missing in {count} place{'s' if count > 1 else ''} "
            f"(a period is a {drawn.frequency[names[which]]} here); runs and trends stop there.",
            {"gaps": count, "frequency": drawn.frequency[names[which]]},
        )


def incomplete_period(facts: Facts) -> Rows:
    """The latest denominator is under half the median of the six before it, and apart."""
    size, series = facts.drawn.series.denominator, facts.drawn.taken.series
    if size is None or not size.size:
        return
    at = series.lasts
    before = at[:, None] - np.arange(1, RECENT + 1)
    recent = np.where(before >= series.starts[:, None], size[np.maximum(before, 0)], np.nan)
    enough = (~np.isnan(recent)).sum(axis=1) == recent.shape[1]
    usual = np.full(at.size, np.nan)
    if enough.any():
        usual[enough] = np.median(recent[enough], axis=1)
    with np.errstate(invalid="ignore"):
        found = (usual >= ENOUGH_CASES) & (size[at] < HALF * usual)
        found &= size[at] < APART * np.min(recent, axis=1)
    for which in np.flatnonzero(found):
        yield (
            int(which),
            "incomplete_period",
            f"The latest period has {size[at[which]]:.0f} cases against about "
            f"{usual[which]:.0f} before: it may not be complete. until= (--until) leaves it out.",
            {"latest": int(size[at[which]]), "usual": float(usual[which])},
        )


def rounded(facts: Facts) -> Rows:
    """Counts are all multiples of 10, or of 5."""
    series = facts.drawn.series
    held = {
        name: rounding(counts, facts.drawn.taken.series)
        for name in ("numerator", "denominator")
        if (counts := getattr(series, name)) is not None and np.isfinite(counts).any()
    }
    if not held:
        return
    chance = np.prod([one.chance for one in held.values()], axis=0)
    for which in np.flatnonzero(chance < ROUNDED_BELOW):
        bases = {name: int(one.base[which]) for name, one in held.items() if one.base[which]}
        named = " and ".join(f"{name}s" for name in bases)
        yield (
            int(which),
            "rounded",
            f"All {named} are multiples of {min(bases.values())}, so they have been rounded. "
            "Limits take them as exact: with small counts a point may fall on the wrong side.",
            {
                "multiples_of": bases,
                "distinct": {name: int(held[name].distinct[which]) for name in bases},
                "chance": number(float(chance[which])),
                "threshold": ROUNDED_BELOW,
            },
        )


def rounded_widely(facts: Facts) -> Rows:
    """What rounded counts can truly be, where the table says so, reaches far from the centre."""
    frame = facts.drawn.taken.frame
    if not {"numerator_low", "numerator_high"} <= set(frame.columns):
        return
    known = ~np.isnan(facts.drawn.series.value)
    low, used, high = (
        frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
        for name in ("numerator_low", "numerator", "numerator_high")
    )
    known &= ~np.isnan(low) & ~np.isnan(high) & ~np.isnan(used)
    least, taken, most = (
        facts.drawn.taken.series.sums(np.where(known, counts, 0.0)) for counts in (low, used, high)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        width = (most - least) / taken
        found = (width > WIDE) & (taken > 0)
    for which in np.flatnonzero(found):
        yield (
            int(which),
            "rounded_widely",
            f"The counts were rounded before they were published: the {taken[which]:.0f} cases of "
            f"this chart may be anything from {least[which]:.0f} to {most[which]:.0f}, and the "
            "centre line moves with them. Use counts of your own, or longer periods.",
            {
                "taken": int(taken[which]),
                "least": int(least[which]),
                "most": int(most[which]),
                "threshold": WIDE,
            },
        )


def varying_denominators(facts: Facts) -> Rows:
    """Denominators vary, and the chart does not know, or scales what it must not."""
    size = facts.drawn.series.denominator
    if size is None or not size.size:
        return
    segments = facts.drawn.phases.segments
    variation = denominator_variation(size, segments)[facts.phase]
    largest, smallest = facts.grounds.largest, facts.grounds.smallest
    ignores = ~facts.drawn.of_chart("uses_denominator").astype(np.bool_)
    ignores &= np.isin(facts.takes, ["value", "proportion"])
    ignores &= facts.drawn.of_chart("points") != "dependent"
    ignores &= facts.drawn.of_chart("has_limits").astype(np.bool_)
    with np.errstate(invalid="ignore"):
        scales = np.char.endswith(facts.chart.astype(str), "_prime") & (largest >= 2 * smallest)
        found = (variation > VARYING) & (ignores | scales) & facts.limited
    for which in np.flatnonzero(found):
        problem = (
            "This chart gives every period the same limits, too narrow for the small ones"
            if ignores[which]
            else "This chart widens all limits by the same factor, too little for the large ones"
        )
        yield (
            int(which),
            "varying_denominators",
            f"Denominators lie up to {variation[which]:.0%} from their mean. {problem}.",
            {"furthest_from_mean": number(float(variation[which])), "threshold": VARYING},
        )


def unverified_definition(facts: Facts) -> Rows:
    """A definition that nobody has compared with its source; once a measure."""
    display = facts.drawn.taken.display
    names = list(facts.drawn.names("measure"))
    for name in sorted(display):
        if doubt := unverified(display[name]):
            yield (names.index(name), "unverified_definition", *doubt)


def unknown(facts: Facts) -> Rows:
    """Cases whose outcome is not known; once a measure."""
    names = list(facts.drawn.names("measure"))
    for name, shown_as in facts.drawn.taken.display.items():
        if found := unknown_outcomes(facts.drawn.taken.frame, name, form=shown_as.form):
            yield (names.index(name), "unknown_outcomes", *found)


def small_denominators(facts: Facts) -> Rows:
    """A usual period expects fewer than 5 of the rarer outcome."""
    expected, usual, mostly_met = _usually_expected(facts)
    names = facts.drawn.names("measure")
    with np.errstate(invalid="ignore"):
        # Exactly 5 is enough, though 50 × (1 − 0.9) is 4.99….
        found = (expected < FEW_EXPECTED * (1.0 - 1e-9)) & (expected > 0) & facts.limited
    for which in np.flatnonzero(found):
        frequency = periods(facts.drawn.frequency[names[which]])
        needed = int(np.ceil(FEW_EXPECTED / expected[which] - 1e-9))
        missed = bool(mostly_met[which]) and facts.drawn.good[which] > 0
        rarer = f"{expected[which]:.1f} {'missed ones' if missed else 'of the rarer outcome'}"
        event = "not_met" if mostly_met[which] else "met"
        yield (
            int(which),
            "small_denominators",
            f"A usual {frequency} has about {usual[which]:.0f} cases and expects only {rarer}, so "
            f"one {frequency} says little. {_remedy(frequency, needed, event, missed=missed)}",
            {
                "usual_denominator": number(float(usual[which])),
                "expected": number(float(expected[which])),
                "threshold": FEW_EXPECTED,
                "periods_needed": needed,
            },
        )


def dispersion_unknown(facts: Facts) -> Rows:
    """No two neighbouring periods have data, so that nothing is known of their variation."""
    counted = facts.drawn.of_chart("points") == "counted"
    lost = np.isnan(facts.grounds.dispersion) & (facts.grounds.points <= 1)
    for which in np.flatnonzero(lost & counted & facts.by_chance & (facts.known >= TRIAL_POINTS)):
        yield (
            int(which),
            "dispersion_unknown",
            "No two neighbouring periods have data, so it is not known whether the points vary "
            "more than chance would make them. If they do, these limits are too narrow.",
            {"points": int(facts.known[which])},
        )


def perhaps_a_rate(facts: Facts) -> Rows:
    """Events over exposure, taken for shares of cases."""
    centre = facts.drawn.charted.limits.centre[facts.at]
    display = facts.drawn.taken.display
    unknown = np.array([display[name].title == name for name in facts.drawn.names("measure")])
    with np.errstate(invalid="ignore"):
        found = (centre < TINY_SHARE) & (facts.grounds.smallest >= LARGE_DENOMINATOR)
    for which in np.flatnonzero(found & unknown & facts.drawn.auto & (facts.takes == "proportion")):
        yield (
            int(which),
            "perhaps_a_rate",
            f"Only {centre[which]:.2%} of very many cases are counted. If the denominator is an "
            "exposure, such as bed days, this is a rate and not a share of cases: choose chart "
            "'u', and per=1000 to show it.",
            {
                "centre": number(float(centre[which])),
                "smallest_denominator": number(float(facts.grounds.smallest[which])),
                "thresholds": [TINY_SHARE, LARGE_DENOMINATOR],
            },
        )


def perhaps_events(facts: Facts) -> Rows:
    """Dated events, taken for a series of measurements."""
    frequency, names = facts.drawn.frequency, facts.drawn.names("measure")
    dated = np.array([frequency.get(str(name)) == "irregular" for name in names])
    for which in np.flatnonzero(dated & facts.drawn.auto & (facts.chart == "i")):
        yield (
            int(which),
            "perhaps_events",
            "The dates are not those of regular periods. If each row is an event, and its value "
            "the time or the cases since the one before, choose chart 't' or 'g'.",
            {"frequency": "irregular"},
        )


def _remedy(frequency: str, needed: int, event: str, *, missed: bool) -> str:
    if frequency == "month" and needed <= 3:
        return "Count quarters instead (--period quarter)."
    rare = "missed case" if missed else "rare outcome"
    waits = (
        f"the number of cases from one {rare} to the next (a g chart; `spcbench events --event "
        f"{event} --between cases` makes its counts from records)"
    )
    if needed > 12:
        return f"Chart {waits} instead."
    more = f"{needed} {periods(frequency, many=True)} together expect {FEW_EXPECTED:.0f}"
    quarters = ", such as quarters" if frequency == "month" else ""
    return f"Count longer periods{quarters} ({more}), or chart {waits}."


def _usually_expected(facts: Facts) -> tuple[Floats, Floats, Flags]:
    """Expected number of the rarer outcome in a usual period, its size, and if most met."""
    nothing = np.full(facts.takes.size, np.nan)
    size, numerator = facts.drawn.series.denominator, facts.drawn.series.numerator
    shares = facts.takes == "proportion"
    if size is None or numerator is None or not shares.any():
        return nothing, nothing, nothing > 0
    segments = facts.drawn.phases.segments
    used = facts.drawn.series.in_baseline & ~np.isnan(facts.drawn.series.value)
    with np.errstate(invalid="ignore", divide="ignore"):
        cases = segments.sums(np.where(used, size, 0.0))
        centre = (segments.sums(np.where(used, numerator, 0.0)) / cases)[facts.phase]
    usual = medians(np.where(used, size, np.nan), segments)[facts.phase]
    expected = np.where(shares, usual * np.minimum(centre, 1.0 - centre), np.nan)
    with np.errstate(invalid="ignore"):
        return expected, usual, np.asarray(centre > 0.5)
