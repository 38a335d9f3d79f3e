"""Limits for small counts: exact, mid-P and Jeffreys, of proportions and of rates.

One construction for all. A tail probability grows (or shrinks) with the count;
the verdict compares it with the nominal one at whole counts, and the line
drawn is where the continuous extension of the same tail meets the nominal one,
kept between the last count inside and the first outside. So line and verdict
agree at every whole count, whatever rounding does. (Exact limits interpolate
between the two counts instead, as Spiegelhalter published it.)

=========  ========================================================  ==========
method     a count is high if (low likewise)                         flagged by chance
=========  ========================================================  ==========
exact      P(R >= r) < alpha                                         at most alpha
mid_p      P(R > r) + P(R = r)/2 <= alpha                            at most 2·alpha
jeffreys   the rate lies below the alpha quantile of                 about alpha
           Beta(r + 1/2, n - r + 1/2), or Gamma(r + 1/2)/n
=========  ========================================================  ==========

All functions work elementwise and broadcast; NaN in any argument gives NaN.

References
----------
.. [1] Spiegelhalter (2005), Statistics in Medicine 24:1185.
.. [2] Brown, Cai & DasGupta (2001), Statistical Science 16:101 (Jeffreys, mid-P).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from spcbench.numeric import exact
from spcbench.numeric.chance import Law
from spcbench.numeric.exact import ON_CENTRE, normal_scores, signed_scores
from spcbench.numeric.exact_poisson import lower_line, smallest_count, upper_line
from spcbench.numeric.segments import Flags, Floats, Integers, Segments

SMALL_METHODS = ("exact", "mid_p", "jeffreys")
"""Methods that judge counts by tail probabilities."""


EXACT_BELOW = 5.0
"""Expected events or non-events under which ``auto`` takes exact limits."""


def low_tail(
    law: Law, r: npt.ArrayLike, n: npt.ArrayLike, rate: npt.ArrayLike, *, method: str
) -> Floats:
    """How improbable it is to see so few events.

    Parameters
    ----------
    law : Law
        `BINOMIAL` or `POISSON`.
    r, n, rate : array_like
        Events, cases or exposure, and the proportion or rate in control.
    method : str
        One of `SMALL_METHODS`.

    Returns
    -------
    array of float
        ``exact``: P(R <= r); ``mid_p``: that without half of P(R = r);
        ``jeffreys``: the probability that the posterior leaves above the rate.

    Examples
    --------
    >>> from spcbench.numeric.chance import BINOMIAL
    >>> [round(float(low_tail(BINOMIAL, 0, 2, 0.5, method=m)), 3) for m in SMALL_METHODS]
    [0.25, 0.125, 0.076]
    """
    x, size, chance = np.broadcast_arrays(*(np.asarray(a, dtype=np.float64) for a in (r, n, rate)))
    if method == "mid_p":
        tail = 0.5 * (law.at_most(x, size, chance) + law.at_most(x - 1, size, chance))
    else:
        tail = law.at_most(x - 0.5 if method == "jeffreys" else x, size, chance)
    return np.where(np.isnan(x) | np.isnan(size) | np.isnan(chance), np.nan, tail)


def high_tail(
    law: Law, r: npt.ArrayLike, n: npt.ArrayLike, rate: npt.ArrayLike, *, method: str
) -> Floats:
    """How improbable it is to see so many events.

    Parameters
    ----------
    law : Law
        `BINOMIAL` or `POISSON`.
    r, n, rate : array_like
        Events, cases or exposure, and the proportion or rate in control.
    method : str
        One of `SMALL_METHODS`.

    Returns
    -------
    array of float
        The mirror image of `low_tail`.

    Examples
    --------
    >>> from spcbench.numeric.chance import POISSON
    >>> round(float(high_tail(POISSON, 9, 1.0, 2.0, method="mid_p")), 5)
    0.00014
    """
    x, size, chance = np.broadcast_arrays(*(np.asarray(a, dtype=np.float64) for a in (r, n, rate)))
    if method == "mid_p":
        tail = 0.5 * (law.at_least(x, size, chance) + law.at_least(x + 1, size, chance))
    else:
        tail = law.at_least(x + 0.5 if method == "jeffreys" else x, size, chance)
    return np.where(np.isnan(x) | np.isnan(size) | np.isnan(chance), np.nan, tail)


def verdicts(
    law: Law,
    r: npt.ArrayLike,
    n: npt.ArrayLike,
    rate: npt.ArrayLike,
    *,
    alpha: float,
    method: str,
) -> tuple[Flags, Flags]:
    """Whether each count is low, and whether it is high.

    Parameters
    ----------
    law : Law
        `BINOMIAL` or `POISSON`.
    r, n, rate : array_like
        Events, cases or exposure, and the proportion or rate in control.
    alpha : float
        One-sided tail probability.
    method : str
        One of `SMALL_METHODS`. A tail of exactly alpha signals under
        ``mid_p`` only.

    Returns
    -------
    low, high : array of bool
        Low counts lie below the centre and high ones above it; False where
        there is no data.

    Examples
    --------
    >>> from spcbench.numeric.chance import BINOMIAL
    >>> low, high = verdicts(BINOMIAL, 4, 20, 0.05, alpha=0.00135, method="jeffreys")
    >>> bool(low), bool(high)
    (False, False)
    """
    count, size, chance = (np.asarray(a, dtype=np.float64) for a in (r, n, rate))
    return (
        _outside(law, count, size, chance, alpha=alpha, method=method, side=-1),
        _outside(law, count, size, chance, alpha=alpha, method=method, side=1),
    )


def _outside(
    law: Law, count: Floats, size: Floats, rate: Floats, *, alpha: float, method: str, side: int
) -> Flags:
    """Whether counts are high (side 1) or low (side -1)."""
    tail = (high_tail if side > 0 else low_tail)(law, count, size, rate, method=method)
    signals = tail <= alpha if method == "mid_p" else tail < alpha
    expected = size * rate
    # Nothing signals on the centre, or on the wrong side of it.
    beyond = side * (count - expected) > ON_CENTRE * expected
    flags: Flags = signals & beyond & (size > 0)
    return flags


def lower_limit(
    law: Law, n: npt.ArrayLike, rate: npt.ArrayLike, *, alpha: float, method: str
) -> Floats:
    """Lower limit of a proportion or rate, clipped at 0.

    Parameters
    ----------
    law : Law
        `BINOMIAL` or `POISSON`.
    n, rate : array_like
        Cases or exposure (above 0, else NaN), and the proportion or rate in
        control.
    alpha : float
        One-sided tail probability.
    method : str
        One of `SMALL_METHODS`.

    Returns
    -------
    array of float
        r/n lies strictly below it exactly when `verdicts` calls r low.

    Examples
    --------
    >>> from spcbench.numeric.chance import BINOMIAL
    >>> [lower_limit(BINOMIAL, 50, 0.9, alpha=0.00135, method=m).round(3) for m in SMALL_METHODS]
    [np.float64(0.743), np.float64(0.752), np.float64(0.755)]
    """
    if method == "exact":
        return law.lower(n, rate, alpha=alpha)
    return _solved(law, n, rate, alpha, method, side=-1)


def upper_limit(
    law: Law, n: npt.ArrayLike, rate: npt.ArrayLike, *, alpha: float, method: str
) -> Floats:
    """Upper limit of a proportion (clipped at 1) or rate.

    Parameters
    ----------
    law : Law
        `BINOMIAL` or `POISSON`.
    n, rate : array_like
        Cases or exposure (above 0, else NaN), and the proportion or rate in
        control.
    alpha : float
        One-sided tail probability.
    method : str
        One of `SMALL_METHODS`.

    Returns
    -------
    array of float
        r/n lies strictly above it exactly when `verdicts` calls r high.

    Examples
    --------
    >>> from spcbench.numeric.chance import POISSON
    >>> [upper_limit(POISSON, 1, 4.0, alpha=0.00135, method=m).round(2) for m in SMALL_METHODS]
    [np.float64(11.77), np.float64(11.29), np.float64(11.16)]
    """
    if method == "exact":
        return law.upper(n, rate, alpha=alpha)
    return _solved(law, n, rate, alpha, method, side=1)


def _solved(
    law: Law, n: npt.ArrayLike, rate: npt.ArrayLike, alpha: float, method: str, *, side: int
) -> Floats:
    """The line where the tail of one side meets alpha."""
    size, chance = np.broadcast_arrays(np.asarray(n, np.float64), np.asarray(rate, np.float64))
    lost = ~(np.isfinite(size) & np.isfinite(chance) & (size > 0) & (chance >= 0))
    if law.bounded:
        lost |= chance > 1
    shape = size.shape
    size, chance = np.where(lost, np.nan, size).ravel(), np.where(lost, np.nan, chance).ravel()
    tail = high_tail if side > 0 else low_tail

    def turned(count: Floats, at: Integers) -> Flags:
        outside = _outside(law, count, size[at], chance[at], alpha=alpha, method=method, side=side)
        if side < 0:
            return ~outside
        # Beyond the last possible count everything is high, so that the search ends.
        return outside | (count > size[at]) if law.bounded else outside

    turn = smallest_count(turned, law.guess(size, chance, alpha, side))
    line = _crossing(
        lambda x, at: tail(law, x, size[at], chance[at], method=method), turn - 1, alpha
    )
    expected = size * chance
    if side < 0:
        line = np.minimum(np.minimum(line, expected), turn)
        drawn = np.minimum(lower_line(line, turn, size, chance), chance)
    else:
        line = np.maximum(np.maximum(line, expected), turn - 1)
        drawn = np.maximum(upper_line(line, turn, size, chance), chance)
    if law.bounded:
        drawn = np.minimum(np.where(chance == 1, chance, drawn), 1.0)
    return drawn.reshape(shape)


CLOSE = 1e-9
"""A step smaller than this share of one event ends the search for a line."""

ROUNDS = 40
"""Steps after which it ends anyhow; it needs about five."""


def _crossing(tail: Callable[[Floats, Integers], Floats], left: Floats, alpha: float) -> Floats:
    """Where between a whole count and the next the tail passes alpha.

    Illinois method on the logarithm of the tail, which is nearly straight.
    """

    def excess(x: Floats, at: Integers) -> Floats:
        logarithm: Floats = np.log(np.maximum(tail(x, at), 1e-300)) - np.log(alpha)
        return logarithm

    at = np.flatnonzero(~np.isnan(left))
    line = left + 1.0
    old, new = left[at], line[at]
    old_excess, new_excess = excess(old, at), excess(new, at)
    for _ in range(ROUNDS):
        with np.errstate(divide="ignore", invalid="ignore"):
            step = new_excess * (new - old) / (new_excess - old_excess)
        # Already there, or no crossing to find (the centre is the limit): stay.
        step = np.where(np.isfinite(step), step, 0.0)
        found = np.clip(new - step, left[at], left[at] + 1.0)
        line[at] = found
        # Each stops for itself: no line may depend on the others worked out with it.
        on = np.flatnonzero(np.abs(found - new) > CLOSE + 1e-15 * np.abs(found))
        if not on.size:
            break
        at, old, new, found = at[on], old[on], new[on], found[on]
        old_excess, new_excess = old_excess[on], new_excess[on]
        found_excess = excess(found, at)
        kept = np.sign(found_excess) == np.sign(new_excess)
        old = np.where(kept, old, new)
        old_excess = np.where(kept, old_excess / 2.0, new_excess)
        new, new_excess = found, found_excess
    return line


def scores(
    law: Law, r: npt.ArrayLike, n: npt.ArrayLike, rate: npt.ArrayLike, *, method: str
) -> Floats:
    """Normal scores of the tails that decide the verdict.

    Parameters
    ----------
    law : Law
        `BINOMIAL` or `POISSON`.
    r, n, rate : array_like
        Events, cases or exposure, and the proportion or rate in control.
    method : str
        One of `SMALL_METHODS`.

    Returns
    -------
    array of float
        Positive above the centre and negative below; beyond ±k exactly when
        the count is outside the limits of k sigma, for k = 1, 2, 3. 0 on the
        centre, and where the tail is above one half; NaN of no cases.

    Examples
    --------
    >>> from spcbench.numeric.chance import POISSON
    >>> scores(POISSON, [0, 4, 12], 1.0, 4.0, method="mid_p").round(2)
    array([-2.36,  0.  ,  3.24])
    """
    count, size, chance = np.broadcast_arrays(
        *(np.asarray(a, dtype=np.float64) for a in (r, n, rate))
    )
    if method == "exact" and law.bounded:
        return exact.tail_scores(count, size, chance)
    expected = size * chance
    above = count > expected
    tail = np.where(
        above,
        high_tail(law, count, size, chance, method=method),
        low_tail(law, count, size, chance, method=method),
    )
    return signed_scores(
        normal_scores(tail, at_nominal=method == "mid_p"), above, count, size, expected
    )


def at_a_likely_bound(law: Law, r: npt.ArrayLike, n: npt.ArrayLike, rate: npt.ArrayLike) -> Flags:
    """Points at a bound of what is possible, where chance puts half of all or more.

    They say nothing about which side of the centre a series is on: with 12
    cases at 99 % nine months in ten have 12 of 12, all above the centre.

    Parameters
    ----------
    law : Law
        `BINOMIAL` or `POISSON`.
    r, n, rate : array_like
        Events, cases or exposure, and the proportion or rate in control.

    Returns
    -------
    array of bool
        True where r is 0 and P(R = 0) >= 1/2, or, of proportions, r is n and
        P(R = n) >= 1/2; False on the centre itself, and where there is no data.

    Examples
    --------
    >>> from spcbench.numeric.chance import BINOMIAL
    >>> at_a_likely_bound(BINOMIAL, [12, 11, 0], 12, 0.99)
    array([ True, False, False])
    """
    count, size, chance = np.broadcast_arrays(
        *(np.asarray(a, dtype=np.float64) for a in (r, n, rate))
    )
    none: Flags = (count == 0) & (chance > 0) & (size > 0)
    none &= law.at_most(np.zeros_like(count), size, chance) >= 0.5
    if not law.bounded:
        return none
    every = (count == size) & (chance < 1) & (size > 0)
    none |= every & (law.at_least(size, size, chance) >= 0.5)
    return none


def on_neither_side(law: Law, r: npt.ArrayLike, n: npt.ArrayLike, rate: npt.ArrayLike) -> Flags:
    """Points off the centre that are still no evidence for a side of it.

    Small counts lie unevenly about their mean: of 10 cases at 90 %, 9 or more
    are met three months in four, so that a centre of 89 % would have nearly
    every month above it. A point counts for a side when it lies beyond the
    median, half of the chance of the point itself counted on either side.

    Parameters
    ----------
    law : Law
        `BINOMIAL` or `POISSON`.
    r, n, rate : array_like
        Events, cases or exposure, and the proportion or rate in control.

    Returns
    -------
    array of bool
        True where the mid-P tail of the point is one half or more, or it is
        `at_a_likely_bound`; False on the centre itself and without data.

    Examples
    --------
    >>> from spcbench.numeric.chance import BINOMIAL
    >>> on_neither_side(BINOMIAL, [8, 9, 10], 10, 0.89)
    array([False,  True, False])
    """
    count, size, chance = np.broadcast_arrays(
        *(np.asarray(a, dtype=np.float64) for a in (r, n, rate))
    )
    middling: Flags = scores(law, count, size, chance, method="mid_p") == 0
    middling &= ~np.isclose(count, size * chance, rtol=1e-9, atol=0.0)
    return middling | at_a_likely_bound(law, count, size, chance)


def expects_few(
    law: Law, rate: Floats, size: Floats, segments: Segments, *, each: bool = False
) -> Flags:
    """Segments that expect fewer than 5 events, or non-events, at some point.

    Parameters
    ----------
    law : Law
        `BINOMIAL` or `POISSON`.
    rate : array of float, shape (segments,) or, with `each`, (rows,)
        The proportion or rate in control.
    size : array of float, shape (rows,)
        Cases or exposure; NaN or 0 decides nothing.
    segments : Segments
        One answer for each.
    each : bool
        Whether every row has a rate of its own.

    Returns
    -------
    array of bool, shape (segments,)
        False where the rate is NaN.

    Examples
    --------
    >>> from spcbench.numeric.chance import BINOMIAL
    >>> size, segments = np.array([100.0, 40.0, 100.0]), Segments.from_lengths([2, 1])
    >>> expects_few(BINOMIAL, np.array([0.9, 0.9]), size, segments)
    array([ True, False])
    """
    rarer = np.minimum(rate, 1.0 - rate) if law.bounded else rate
    cases = size > 0
    with np.errstate(invalid="ignore"):  # nothing expected (0) where there are no cases (∞)
        if each:
            fewest = segments.minima(np.where(cases, rarer * size, np.inf))
        else:
            size = size if cases.all() else np.where(cases, size, np.inf)
            fewest = rarer * segments.minima(size)
    # Exactly 5 stays normal, though 1 − p loses its last digits: 50 × (1 − 0.9) is 4.99….
    return np.asarray(fewest < EXACT_BELOW * (1.0 - 1e-9), dtype=np.bool_)
