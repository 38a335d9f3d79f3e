"""Exact Poisson limits for small counts of events over an exposure.

The verdict is that of `exact`: a count is low when P(R <= r) < alpha and high
when P(R >= r) < alpha. A Poisson count has no complement to mirror, but the
upper line of `exact` needs none: it is the interpolation between the tails of
the last count that is not high and the first that is, as the lower line is
between those of the last low count and the first that is not. So both lines
agree with the verdict at every whole count.

All functions work elementwise and broadcast; NaN in any argument gives NaN.

References
----------
.. [1] Spiegelhalter (2005), Statistics in Medicine 24:1185, appendix A.1.1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import special

from spcbench.numeric.exact import normal_scores, signed_scores
from spcbench.numeric.segments import Flags, Floats, Integers


def at_most(r: npt.ArrayLike, n: npt.ArrayLike, u: npt.ArrayLike) -> Floats:
    """Probability of at most `r` events in an exposure of `n` at rate `u`.

    Parameters
    ----------
    r, n, u : array_like
        Events (between whole numbers: the continuous extension by the
        incomplete gamma function), exposure, and events per unit of exposure.

    Returns
    -------
    array of float
        P(R <= r) for R ~ Poisson(n·u).

    Examples
    --------
    >>> round(float(at_most(0, 10.0, 0.2)), 4)
    0.1353
    """
    r, mean = _counts_and_mean(r, n, u)
    inside = r > -1
    tail = np.where(inside, special.gammaincc(np.where(inside, r + 1, 1), mean), 0.0)
    return np.where(np.isnan(r) | np.isnan(mean), np.nan, tail)


def at_least(r: npt.ArrayLike, n: npt.ArrayLike, u: npt.ArrayLike) -> Floats:
    """Probability of at least `r` events in an exposure of `n` at rate `u`.

    Parameters
    ----------
    r, n, u : array_like
        Events (between whole numbers: the continuous extension), exposure, and
        events per unit of exposure.

    Returns
    -------
    array of float
        P(R >= r) for R ~ Poisson(n·u).

    Examples
    --------
    >>> round(float(at_least(1, 10.0, 0.2)), 4)
    0.8647
    """
    r, mean = _counts_and_mean(r, n, u)
    inside = r > 0
    tail = np.where(inside, special.gammainc(np.where(inside, r, 1), mean), 1.0)
    return np.where(np.isnan(r) | np.isnan(mean), np.nan, tail)


def _counts_and_mean(r: npt.ArrayLike, n: npt.ArrayLike, u: npt.ArrayLike) -> tuple[Floats, Floats]:
    mean = np.asarray(n, dtype=np.float64) * np.asarray(u, dtype=np.float64)
    count, mean = np.broadcast_arrays(np.asarray(r, dtype=np.float64), mean)
    return count, mean


def lower_limit(n: npt.ArrayLike, u: npt.ArrayLike, *, alpha: float) -> Floats:
    """Lower exact limit of a rate, clipped at 0.

    Parameters
    ----------
    n, u : array_like
        Exposure (above 0, else NaN), and the rate in control.
    alpha : float
        One-sided tail probability.

    Returns
    -------
    array of float
        A rate r/n lies strictly below it exactly when P(R <= r) < alpha.

    Examples
    --------
    >>> lower_limit([1.0, 1.0], [2.0, 20.0], alpha=0.00135).round(3)
    array([0.   , 7.437])
    """
    size, rate = _pairs(n, u)
    shape, size, rate = size.shape, size.ravel(), rate.ravel()

    def reached(count: Floats, at: Integers) -> Flags:
        return ~(at_most(count, size[at], rate[at]) < alpha)

    first = smallest_count(reached, poisson_guess(size * rate, alpha, side=-1))
    tail = at_most(first, size, rate)
    share = (tail - alpha) / (tail - at_most(first - 1, size, rate))
    return lower_line(first - share, first, size, rate).reshape(shape)


def upper_limit(n: npt.ArrayLike, u: npt.ArrayLike, *, alpha: float) -> Floats:
    """Upper exact limit of a rate.

    Parameters
    ----------
    n, u : array_like
        Exposure (above 0, else NaN), and the rate in control.
    alpha : float
        One-sided tail probability.

    Returns
    -------
    array of float
        A rate r/n lies strictly above it exactly when P(R >= r) < alpha.

    Examples
    --------
    >>> upper_limit([1.0, 1.0], [2.0, 20.0], alpha=0.00135).round(3)
    array([ 7.926, 35.203])
    """
    size, rate = _pairs(n, u)
    shape, size, rate = size.shape, size.ravel(), rate.ravel()

    def reached(count: Floats, at: Integers) -> Flags:
        return ~(at_least(count, size[at], rate[at]) >= alpha)

    beyond = smallest_count(reached, poisson_guess(size * rate, alpha, side=1))
    tail = at_least(beyond - 1, size, rate)
    share = (tail - alpha) / (tail - at_least(beyond, size, rate))
    return upper_line(beyond - 1 + share, beyond, size, rate).reshape(shape)


def _pairs(n: npt.ArrayLike, u: npt.ArrayLike) -> tuple[Floats, Floats]:
    size, rate = np.broadcast_arrays(np.asarray(n, np.float64), np.asarray(u, np.float64))
    lost = ~(np.isfinite(size) & np.isfinite(rate) & (size > 0) & (rate >= 0))
    return np.where(lost, np.nan, size), np.where(lost, np.nan, rate)


def poisson_guess(mean: Floats, alpha: float, *, side: int) -> Floats:
    """Cornish–Fisher quantile of the Poisson: usually right, never relied on."""
    z = special.ndtri(alpha)
    guess: Floats = mean - side * z * np.sqrt(mean) + (z * z - 1) / 6
    return guess


def smallest_count(reached: Callable[[Floats, Integers], Flags], guess: Floats) -> Floats:
    """Smallest whole number, from 0, that a monotone condition holds for.

    Parameters
    ----------
    reached : callable
        ``reached(count, at)``: does it hold for these counts, which belong to
        these places of `guess`? Once it holds, it holds for all larger counts.
    guess : array of float, shape (pairs,)
        Where to begin; NaN stays NaN.

    Returns
    -------
    array of float, shape (pairs,)

    Examples
    --------
    >>> smallest_count(lambda count, at: count >= 3.5, np.array([0.0, 9.0, np.nan]))
    array([ 4.,  4., nan])
    """
    found = np.maximum(np.floor(guess), 0.0)
    moving = np.flatnonzero(~np.isnan(found))
    while moving.size:
        moving = moving[~reached(found[moving], moving)]
        found[moving] += 1
    moving = np.flatnonzero(found > 0)
    while moving.size:
        moving = moving[reached(found[moving] - 1, moving)]
        found[moving] -= 1
        moving = moving[found[moving] > 0]
    return found


def lower_line(count: Floats, first: Floats, size: Floats, rate: Floats) -> Floats:
    """A lower line on the scale of rates, kept between two counts.

    Parameters
    ----------
    count : array of float
        The line in counts, from above ``first - 1`` to `first`.
    first, size, rate : array of float
        The smallest count that is not low, exposure, and the rate in control.

    Returns
    -------
    array of float
        At least 0; on the rate itself where that is 0.

    Examples
    --------
    >>> one = np.ones(1)
    >>> lower_line(2.5 * one, 3 * one, 10 * one, one)
    array([0.25])
    """
    line = count / size
    # Rounding must not let the line touch the count below, which is outside.
    line = np.where(first >= 1, np.maximum(line, np.nextafter((first - 1) / size, np.inf)), 0.0)
    return np.where(np.isnan(rate), np.nan, np.where(rate == 0, rate, line))


def upper_line(count: Floats, beyond: Floats, size: Floats, rate: Floats) -> Floats:
    """An upper line on the scale of rates, kept between two counts.

    Parameters
    ----------
    count : array of float
        The line in counts, from ``beyond - 1`` to below `beyond`.
    beyond, size, rate : array of float
        The smallest count that is high, exposure, and the rate in control.

    Returns
    -------
    array of float
        On the rate itself where that is 0.

    Examples
    --------
    >>> one = np.ones(1)
    >>> upper_line(7.5 * one, 8 * one, 10 * one, one)
    array([0.75])
    """
    line = np.minimum(count / size, np.nextafter(beyond / size, -np.inf))
    return np.where(rate == 0, rate, line)


def tail_scores(r: npt.ArrayLike, n: npt.ArrayLike, u: npt.ArrayLike) -> Floats:
    """Normal scores of the exact one-sided tails.

    Parameters
    ----------
    r, n, u : array_like
        Events, exposure, and the rate in control.

    Returns
    -------
    array of float
        Positive above the centre and negative below; beyond ±k exactly when
        the tail is below that of k sigma, for k = 1, 2, 3. 0 on the centre,
        and where so few events leave a tail above one half; NaN of no exposure.

    Examples
    --------
    >>> tail_scores([0, 2, 9], 1.0, 2.0).round(3)
    array([-1.102,  0.   ,  3.495])
    """
    r, mean = _counts_and_mean(r, n, u)
    above = r > mean
    tail = np.where(above, at_least(r, 1.0, mean), at_most(r, 1.0, mean))
    return signed_scores(normal_scores(tail), above, r, n, mean)


def verdicts(
    r: npt.ArrayLike, n: npt.ArrayLike, u: npt.ArrayLike, *, alpha: float
) -> tuple[Flags, Flags]:
    """Whether each count is low, and whether it is high.

    Parameters
    ----------
    r, n, u : array_like
        Events, exposure, and the rate in control.
    alpha : float
        One-sided tail probability.

    Returns
    -------
    low, high : array of bool
        False where there is no data.

    Examples
    --------
    >>> low, high = verdicts(9, 1.0, 2.0, alpha=0.001)
    >>> bool(low), bool(high)
    (False, True)
    """
    return at_most(r, n, u) < alpha, at_least(r, n, u) < alpha
