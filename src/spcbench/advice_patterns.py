"""Advice about patterns over time that limits do not allow for."""

from __future__ import annotations

import numpy as np

from spcbench.advice_facts import CHANCE, Facts, Rows, number, periods
from spcbench.numeric.patterns import Autocorrelation, Seasonality, autocorrelation
from spcbench.numeric.segments import Flags
from spcbench.numeric.shared_cases import ROLLING

FEWEST_PAIRS = 11
"""Neighbouring pairs for a word on autocorrelation: twelve points in a row."""

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def rolling_totals(facts: Facts) -> Rows:
    """Neighbouring periods seem to share cases."""
    found = facts.shared_cases
    names = facts.drawn.names("measure")
    for which in np.flatnonzero(facts.rolling):
        many = periods(facts.drawn.frequency[names[which]], many=True)
        why = (
            "Each period reaches into the next one, so that they share cases. Limits and rules "
            if facts.overlapping[which]
            else f"Each point is so close to the one before that neighbouring {many} seem to share "
            "cases, as rolling totals and 12-month averages do. Limits and rules "
        )
        yield (
            int(which),
            "rolling",
            f"{why}hold for separate {many} only: chart those instead.",
            {
                "sign": "dates" if facts.overlapping[which] else ROLLING[found.sign[which]],
                "lag_1": number(float(found.lag_1[which])),
                "variance_of_steps": number(float(found.steps[which])),
                "variance_of_denominator_steps": number(float(found.denominator_steps[which])),
            },
        )


def seasonal_or_autocorrelated(facts: Facts) -> Rows:
    """The same months are alike every year, or else neighbouring periods are."""
    series = facts.drawn.taken.series
    if not len(series):
        return
    same = autocorrelation(facts.deviation, facts.drawn.series.gap, series)
    for frequency, found in facts.seasons.items():
        seasonal = facts.seasonal & facts.has_frequency(frequency) & ~facts.rolling
        yield from _seasonal(seasonal, found, same, frequency)
    alike = same.beyond(CHANCE) & (same.pairs >= FEWEST_PAIRS)
    alike &= ~(facts.seasonal | facts.rolling)
    yield from _autocorrelated(facts, alike, same)


def _seasonal(which_ones: Flags, found: Seasonality, same: Autocorrelation, frequency: str) -> Rows:
    for which in np.flatnonzero(which_ones):
        means = found.means[which]
        highest, lowest = (
            _season(int(at), frequency) for at in (np.nanargmax(means), np.nanargmin(means))
        )
        yield (
            int(which),
            "seasonal",
            f"The same {periods(frequency, many=True)} come out high, and low, every year (highest "
            f"{highest}, lowest {lowest}). That is no news when it happens again: compare a "
            f"{frequency} with the same {frequency} of other years first.",
            {
                "f": number(float(found.f[which])),
                "chance": number(float(found.probability[which])),
                "threshold": CHANCE,
                "highest": highest,
                "lowest": lowest,
                "lag_1": number(float(same.coefficient[which])),
            },
        )


def _season(at: int, frequency: str) -> str:
    if frequency == "month":
        return MONTHS[at]
    return f"{MONTHS[3 * at]} to {MONTHS[3 * at + 2]}"


def _autocorrelated(facts: Facts, which_ones: Flags, same: Autocorrelation) -> Rows:
    names = facts.drawn.names("measure")
    for which in np.flatnonzero(which_ones):
        many = periods(facts.drawn.frequency[names[which]], many=True)
        lag_1 = float(same.coefficient[which])
        yield (
            int(which),
            "autocorrelated",
            f"Neighbouring {many} are more alike than chance would make them. A lasting change "
            "does that: if there was one, mark it as a new phase. If not, runs and points outside "
            "the limits will come too often.",
            {
                "lag_1": number(lag_1),
                "standard_error": number(float(same.standard_error[which])),
                "threshold": CHANCE,
                "limits_too_narrow_by": number(1.0 / np.sqrt(1.0 - lag_1)) if lag_1 < 1 else None,
            },
        )
