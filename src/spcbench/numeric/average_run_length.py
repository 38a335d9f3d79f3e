"""How long a chart of normal values runs before it signals, and limits that make it so.

The average run length (ARL) is the mean number of points up to and with the
first signal, its parameters known and no head start. It solves an integral
equation, here at Gauss–Legendre points: a Markov chain whose states those are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy import optimize, special

from spcbench.numeric.segments import Floats

SMALLEST_H = 0.001
"""A CUSUM of normal values gets no smaller limit, in sigmas."""


def ewma_arl(weight: float, width: float, *, shift: float = 0.0) -> float:
    """Average run length of an EWMA of normal values.

    Parameters
    ----------
    weight : float
        Weight λ of the newest point, above 0 and at most 1.
    width : float
        Distance L of the limits from the centre, above 0, in the standard
        deviation that the average has in the long run. (Limits drawn closer
        round the first points make a signal there a little more likely.)
    shift : float
        How far the mean lies from the centre, in sigmas of one point.

    Returns
    -------
    float
        Points.

    Raises
    ------
    ValueError
        If `weight` or `width` is out of range.

    References
    ----------
    .. [1] Crowder (1987), Technometrics 29:401 (the integral equation).

    Examples
    --------
    >>> round(ewma_arl(0.2, 2.962))
    500
    """
    if not (0.0 < weight <= 1.0 and width > 0.0):
        raise ValueError(
            "an EWMA needs a weight above 0 and at most 1, and a width above 0; "
            f"it got weight {weight:g} and width {width:g}"
        )
    limit = width * math.sqrt(weight / (2.0 - weight))
    # Eight points for every standard deviation of one step, which is the weight.
    points, shares = _quadrature(-limit, limit, 24 + math.ceil(8.0 * limit / weight))
    starts = np.append(points, 0.0)[:, np.newaxis]
    move = shares * _density((points - (1.0 - weight) * starts) / weight - shift) / weight
    lengths = np.linalg.solve(np.eye(points.size) - move[:-1], np.ones(points.size))
    return float(1.0 + move[-1] @ lengths)


@lru_cache(maxsize=1024)
def ewma_width(arl0: float, *, weight: float) -> float:
    """Width of an EWMA's limits for a wanted average run length.

    Parameters
    ----------
    arl0 : float
        Mean number of points to a false signal, above 1.
    weight : float
        Weight λ of the newest point, above 0 and at most 1.

    Returns
    -------
    float
        L, in the standard deviation that the average has in the long run.

    Raises
    ------
    ValueError
        If `arl0` or `weight` is out of range.

    Examples
    --------
    >>> round(ewma_width(500.0, weight=0.1), 3)
    2.814
    """
    check_arl0(arl0)
    return _limit_for(arl0, lambda width: ewma_arl(weight, width), smallest=1e-6)


def cusum_arl(shift: float, h: float, *, sides: int = 2, mean: float = 0.0) -> float:
    """Average run length of a tabular CUSUM of normal values.

    Parameters
    ----------
    shift : float
        Allowance k taken off every deviation, in sigmas, at least 0.
    h : float
        Limit of the sums, in sigmas, above 0.
    sides : int
        1 for the upper sum alone, 2 for both.
    mean : float
        How far the mean lies from the centre, in sigmas.

    Returns
    -------
    float
        Points.

    Raises
    ------
    ValueError
        If `shift`, `h` or `sides` is out of range.

    References
    ----------
    .. [1] Page (1954), Biometrika 41:100 (the integral equation).

    Examples
    --------
    >>> round(cusum_arl(0.5, 4.0)), round(cusum_arl(0.5, 4.0, sides=1))
    (168, 335)
    """
    if not (shift >= 0.0 and h > 0.0 and sides in (1, 2)):
        raise ValueError(
            "a CUSUM needs a shift of at least 0, h above 0, and 1 or 2 sides; "
            f"it got shift {shift:g}, h {h:g} and {sides} sides"
        )
    upper = _one_sum(shift - mean, h)
    # While k is at least 0 both sums cannot signal at once, and this is exact.
    return upper if sides == 1 else 1.0 / (1.0 / upper + 1.0 / _one_sum(shift + mean, h))


def _one_sum(allowance: float, h: float) -> float:
    points, shares = _quadrature(0.0, h, 24 + math.ceil(6.0 * h))
    # The sum can rest at exactly 0, which is a state of its own and the first.
    states = np.append(0.0, points)[:, np.newaxis]
    move = np.hstack(
        [special.ndtr(allowance - states), shares * _density(points + allowance - states)]
    )
    return float(np.linalg.solve(np.eye(states.size) - move, np.ones(states.size))[0])


@lru_cache(maxsize=1024)
def cusum_limit(arl0: float, *, shift: float, sides: int = 2) -> float:
    """Limit h of a tabular CUSUM of normal values for a wanted average run length.

    Parameters
    ----------
    arl0 : float
        Mean number of points to a false signal, above 1.
    shift : float
        Allowance k taken off every deviation, in sigmas, at least 0.
    sides : int
        1 for the upper sum alone, 2 for both.

    Returns
    -------
    float
        In sigmas, 0.001 at the least.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> round(cusum_limit(465.4, shift=0.5), 2)
    5.0
    """
    check_arl0(arl0)
    return _limit_for(arl0, lambda h: cusum_arl(shift, h, sides=sides), smallest=SMALLEST_H)


def _limit_for(arl0: float, length: Callable[[float], float], *, smallest: float) -> float:
    """Limit at which a run length, which grows with it, is `arl0`; `smallest` at the least."""

    def excess(limit: float) -> float:
        return math.log(length(limit) / arl0)

    if excess(smallest) >= 0.0:
        return smallest
    largest = 1.0
    while excess(largest) < 0.0:
        largest *= 2.0
    return float(optimize.brentq(excess, smallest, largest, xtol=1e-9))


def _quadrature(low: float, high: float, number: int) -> tuple[Floats, Floats]:
    points, shares = _unit_quadrature(number)
    half = (high - low) / 2.0
    return low + half * (points + 1.0), half * shares


@lru_cache(maxsize=256)
def _unit_quadrature(number: int) -> tuple[Floats, Floats]:
    points, shares = np.polynomial.legendre.leggauss(number)
    return points, shares


def _density(values: Floats) -> Floats:
    return np.asarray(np.exp(-0.5 * values * values) / math.sqrt(2.0 * math.pi))


def check_arl0(arl0: float) -> None:
    """Refuse an average run length of 1 or less with `ValueError`."""
    if not (1.0 < arl0 < math.inf):
        raise ValueError(f"the average run length must be above 1, not {arl0:g}")
