"""Rolling totals: periods that share cases, and so are not separate observations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spcbench.numeric.dispersion import variance_ratio, variance_ratio_interval
from spcbench.numeric.patterns import autocorrelation
from spcbench.numeric.segments import Flags, Floats, Segments

ROLLING = ("none", "steadier_than_chance", "denominators", "smooth")
"""What the codes in `Rolling.sign` stand for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolling:
    """Whether neighbouring points seem to share cases; arrays of shape (segments,).

    Parameters
    ----------
    sign : array of int8
        Index into `ROLLING`: what gives it away.
    lag_1 : array of float
        Autocorrelation at lag 1, corrected.
    steps : array of float
        Variance that the steps from point to point imply, over that of chance;
        about 1/12 for sums over twelve months.
    denominator_steps : array of float
        Mean squared step of the denominators over what separate counts of that
        size would show; NaN without denominators.
    """

    sign: npt.NDArray[np.int8]
    lag_1: Floats
    steps: Floats
    denominator_steps: Floats


ALIKE, VERY_ALIKE = 0.5, 0.75
"""Autocorrelation at lag 1 from which shared cases are thought of (proposals);
sums over twelve months have 11/12 in the long run, and over three months 2/3."""

TAKEN_BACK = -0.25
"""Autocorrelation of successive steps above which they do not take each other back."""

SLOW_DENOMINATORS = 1 / 3
"""Share of a separate count's mean squared step under which denominators move too little."""

ROLLING_POINTS, SMOOTH_POINTS = 12, 24
"""Fewest points for a verdict, and for one from smoothness alone."""


def rolling(
    deviation: Floats,
    breaks: Flags,
    segments: Segments,
    *,
    denominator: Floats | None = None,
    by_chance: bool | Flags = True,
) -> Rolling:
    """Signs of rolling totals: points too close to the one before to be separate periods.

    Parameters
    ----------
    deviation : array of float, shape (rows,)
        Deviations from the centre, in chance standard deviations if `by_chance`.
    breaks : array of bool, shape (rows,)
        True where a period is missing just before the row.
    segments : Segments
        One series each.
    denominator : array of float, shape (rows,), optional
        Cases of each period.
    by_chance : bool, or array of bool of shape (segments,)
        False for values whose chance variation is not known.

    Returns
    -------
    Rolling
        ``steadier_than_chance``: the steps are significantly smaller than chance
        would make those of separate periods, and neighbours are alike
        (lag 1 at least 0.5). ``denominators``: neighbours are alike and the
        denominators move, yet by less than a third of what separate counts do.
        ``smooth``: lag 1 is at least 0.75, and the steps do not take each other
        back as they do round a trend or a lasting change; nor, if `by_chance`,
        are they of just the size of chance; and denominators, where they vary,
        are as smooth, in steps no larger than those of separate counts.

    Notes
    -----
    These rules and thresholds are a proposal of this package. A sum over w
    periods has lag 1 = (w − 1)/w and steps of 1/w of the variance.

    Examples
    --------
    >>> import numpy as np
    >>> monthly = np.random.default_rng(4).binomial(100, 0.8, 47)
    >>> year = np.convolve(monthly, np.ones(12), "valid") / 1200
    >>> found = rolling(
    ...     (year - year.mean()) / np.sqrt(0.8 * 0.2 / 1200), np.zeros(36, bool),
    ...     Segments.from_lengths([36]))
    >>> ROLLING[found.sign[0]]
    'steadier_than_chance'
    """
    counted = np.broadcast_to(np.asarray(by_chance), (len(segments),))
    same = autocorrelation(deviation, breaks, segments)
    steps = np.where(counted, variance_ratio(deviation, breaks, segments), np.nan)
    size_lag_1, size_steps = _denominators(denominator, breaks, segments)
    with np.errstate(invalid="ignore"):
        alike = same.coefficient >= ALIKE
        interval = variance_ratio_interval(steps, same.pairs + 1)
        slow = (size_lag_1 >= ALIKE) & (size_steps < SLOW_DENOMINATORS)
        smooth = (same.coefficient >= VERY_ALIKE) & (same.pairs >= SMOOTH_POINTS - 1)
        smooth &= _steps_taken_back(deviation, breaks, segments) > TAKEN_BACK
        # Steps of just the size of chance: a lasting change between ordinary months.
        smooth &= ~counted | (interval.lower > 1.0)
        # Totals over a year have denominators as smooth as themselves, in small steps.
        smooth &= np.isnan(size_lag_1) | ((size_lag_1 >= VERY_ALIKE) & (size_steps < 1.0))
    sign = np.zeros(len(segments), dtype=np.int8)
    for word, flags in (
        ("smooth", smooth),
        ("denominators", alike & slow),
        ("steadier_than_chance", alike & (interval.upper < 1.0)),
    ):
        sign[flags & (same.pairs >= ROLLING_POINTS - 1)] = ROLLING.index(word)
    return Rolling(sign=sign, lag_1=same.coefficient, steps=steps, denominator_steps=size_steps)


def _steps_taken_back(deviation: Floats, breaks: Flags, segments: Segments) -> Floats:
    """Autocorrelation of successive steps: −0.5 for noise, which takes each step back."""
    step = np.full(deviation.size, np.nan)
    step[1:] = deviation[1:] - deviation[:-1]
    step[segments.breaks | breaks] = np.nan
    return autocorrelation(step, breaks, segments).coefficient


def _denominators(
    denominator: Floats | None, breaks: Flags, segments: Segments
) -> tuple[Floats, Floats]:
    """Lag 1 of the denominators, and their mean squared step over that of separate counts."""
    if denominator is None:
        nothing = np.full(len(segments), np.nan)
        return nothing, nothing
    step = np.zeros(denominator.size)
    step[1:] = denominator[1:] - denominator[:-1]
    usable = np.isfinite(step) & ~segments.breaks & ~breaks
    known = np.isfinite(denominator)
    total = segments.sums(np.where(known, denominator, 0.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        square = segments.sums(np.where(usable, step * step, 0.0)) / segments.sums(
            usable.astype(np.int64)
        )
        # Two separate Poisson counts differ by twice their mean, squared and on average.
        share = square / (2.0 * total / segments.sums(known.astype(np.int64)))
    return autocorrelation(denominator, breaks, segments).coefficient, share
