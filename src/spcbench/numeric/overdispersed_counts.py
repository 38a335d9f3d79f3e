"""Counts of units that differ by more than chance: beta-binomial and Poisson-gamma.

Each unit has a proportion or rate of its own, drawn round the target; given
that, its count varies by chance alone. A beta between units makes the counts
beta-binomial, a gamma makes them Poisson-gamma (negative binomial), so limits
for units that truly differ can be as exact as those for units that do not.

The variance between units, tau², comes on the scale on which it was estimated
and is carried to the beta or gamma by its first-order (delta method) variance
at the target θ:

==========  ==================  =================================  ==================
scale       variance of θ_i     beta, precision a + b              gamma, shape
==========  ==================  =================================  ==================
natural     τ²                  θ(1 − θ)/τ² − 1                    θ²/τ²
arcsine     4θ(1 − θ)τ²         1/(4τ²) − 1
logit       (θ(1 − θ))²τ²       1/(θ(1 − θ)τ²)
log         θ²τ²                                                   1/τ²
sqrt        4θτ²                                                   θ/(4τ²)
==========  ==================  =================================  ==================

On the logit the precision is that whose log-odds have variance τ² to first
order, so that no τ² is too large for a beta. Where no beta varies so much (a
natural τ² of θ(1 − θ) or more) the precision is 0: a unit has all or none, and
nothing is outside. A precision of infinity is chance alone.

All functions work elementwise and broadcast; NaN in any argument gives NaN.

References
----------
.. [1] Spiegelhalter (2005), Statistics in Medicine 24:1185 (the additive model).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from spcbench.numeric import beta_binomial, exact_poisson
from spcbench.numeric.beta_binomial import BY_CHANCE, log_rising
from spcbench.numeric.exact_poisson import lower_line, upper_line
from spcbench.numeric.segments import Floats

Tail = Callable[[Floats, Floats, Floats, Floats], Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """How counts vary when units differ as well.

    Parameters
    ----------
    at_most, at_least, exactly : callable
        ``(count, size, target, precision)``: P(R <= count), P(R >= count) and
        P(R = count) at whole counts; arrays of one shape.
    guess : callable
        ``(size, target, precision, probability)``: about the quantile.
    bounded : bool
        Whether a count cannot pass its size.
    """

    at_most: Tail
    at_least: Tail
    exactly: Tail
    guess: Callable[[Floats, Floats, Floats, float], Floats]
    bounded: bool


def beta_precision(target: npt.ArrayLike, tau2: npt.ArrayLike, *, scale: str) -> Floats:
    """Precision a + b of the beta with mean `target` whose units differ by `tau2`.

    Parameters
    ----------
    target : array_like
        Proportion between 0 and 1.
    tau2 : array_like
        Variance between units on `scale`, at least 0.
    scale : str
        ``"natural"``, ``"arcsine"`` or ``"logit"`` (the log of two counts is
        the logit of their share).

    Returns
    -------
    array of float
        At least 0; infinite without variance.

    Raises
    ------
    ValueError
        If there is no such scale.

    Examples
    --------
    >>> float(beta_precision(0.5, 0.05, scale="natural"))
    4.0
    """
    theta, between = np.asarray(target, np.float64), np.asarray(tau2, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        if scale == "natural":
            precision = theta * (1.0 - theta) / between - 1.0
        elif scale == "arcsine":
            precision = 1.0 / (4.0 * between) - 1.0 + 0.0 * theta
        elif scale == "logit":
            precision = 1.0 / (theta * (1.0 - theta) * between)
        else:
            raise ValueError(f"a beta has no scale {scale!r}")
    lost = np.isnan(theta) | np.isnan(between)
    return np.where(lost, np.nan, np.where(between == 0, np.inf, np.maximum(precision, 0.0)))


def gamma_shape(target: npt.ArrayLike, tau2: npt.ArrayLike, *, scale: str) -> Floats:
    """Shape of the gamma with mean `target` whose units differ by `tau2`.

    Parameters
    ----------
    target : array_like
        Rate or ratio above 0.
    tau2 : array_like
        Variance between units on `scale`, at least 0.
    scale : str
        ``"natural"``, ``"log"`` or ``"sqrt"``.

    Returns
    -------
    array of float
        Above 0; infinite without variance.

    Raises
    ------
    ValueError
        If there is no such scale.

    Examples
    --------
    >>> float(gamma_shape(1.0, 0.04, scale="log"))
    25.0
    """
    theta, between = np.asarray(target, np.float64), np.asarray(tau2, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        if scale == "natural":
            shape = theta * theta / between
        elif scale == "log":
            shape = 1.0 / between + 0.0 * theta
        elif scale == "sqrt":
            shape = theta / (4.0 * between)
        else:
            raise ValueError(f"a gamma has no scale {scale!r}")
    lost = np.isnan(theta) | np.isnan(between)
    return np.where(lost, np.nan, np.where(between == 0, np.inf, shape))


def at_most(
    mixture: Mixture,
    r: npt.ArrayLike,
    size: npt.ArrayLike,
    target: npt.ArrayLike,
    precision: npt.ArrayLike,
) -> Floats:
    """Probability of at most `r` events.

    Parameters
    ----------
    mixture : Mixture
        `BETA_BINOMIAL` or `POISSON_GAMMA`.
    r, size, target : array_like
        Events (whole), cases or exposure, and the mean proportion or rate.
    precision : array_like
        Precision of the beta, or shape of the gamma.

    Returns
    -------
    array of float
        P(R <= r).

    Examples
    --------
    >>> float(at_most(BETA_BINOMIAL, 1, 3, 0.5, 2.0).round(12))  # a uniform: 0 to 3 alike
    0.5
    """
    return _tail(mixture.at_most, r, size, target, precision)


def at_least(
    mixture: Mixture,
    r: npt.ArrayLike,
    size: npt.ArrayLike,
    target: npt.ArrayLike,
    precision: npt.ArrayLike,
) -> Floats:
    """Probability of at least `r` events.

    Parameters
    ----------
    mixture : Mixture
        `BETA_BINOMIAL` or `POISSON_GAMMA`.
    r, size, target, precision : array_like
        As `at_most`.

    Returns
    -------
    array of float
        P(R >= r).

    Examples
    --------
    >>> float(at_least(POISSON_GAMMA, 1, 1.0, 1.0, 1.0))  # geometric
    0.5
    """
    return _tail(mixture.at_least, r, size, target, precision)


def _tail(tail: Tail, *arguments: npt.ArrayLike) -> Floats:
    given = np.broadcast_arrays(*(np.asarray(one, dtype=np.float64) for one in arguments))
    made = np.full(given[0].shape, np.nan)
    known = ~np.isnan(sum(given)) & (given[1] > 0)
    made[known] = tail(*(one[known] for one in given))
    return made


def lower_limit(
    mixture: Mixture,
    size: npt.ArrayLike,
    target: npt.ArrayLike,
    precision: npt.ArrayLike,
    *,
    alpha: float,
) -> Floats:
    """Lower limit of a proportion or rate of units that differ, at least 0.

    Parameters
    ----------
    mixture : Mixture
        `BETA_BINOMIAL` or `POISSON_GAMMA`.
    size, target, precision : array_like
        As `at_most`; a size of 0 or less gives NaN.
    alpha : float
        One-sided tail probability.

    Returns
    -------
    array of float
        r/size lies strictly below it exactly when P(R <= r) < alpha; smooth
        between counts, as `exact.lower_limit` interpolates.

    Examples
    --------
    >>> lower_limit(BETA_BINOMIAL, [50.0, 5000.0], 0.9, [np.inf, 200.0], alpha=0.001).round(3)
    array([0.74 , 0.822])
    """

    def line(n: Floats, p: Floats, m: Floats) -> Floats:
        inside, share = _outermost(mixture, n, p, m, alpha, side=-1)
        return lower_line(inside - share, inside, n, p)

    return _drawn(mixture, line, size, target, precision)


def upper_limit(
    mixture: Mixture,
    size: npt.ArrayLike,
    target: npt.ArrayLike,
    precision: npt.ArrayLike,
    *,
    alpha: float,
) -> Floats:
    """Upper limit of a proportion (at most 1) or rate of units that differ.

    Parameters
    ----------
    mixture : Mixture
        `BETA_BINOMIAL` or `POISSON_GAMMA`.
    size, target, precision : array_like
        As `at_most`; a size of 0 or less gives NaN.
    alpha : float
        One-sided tail probability.

    Returns
    -------
    array of float
        r/size lies strictly above it exactly when P(R >= r) < alpha.

    Examples
    --------
    >>> upper_limit(POISSON_GAMMA, [10.0, 1000.0], 1.0, [np.inf, 25.0], alpha=0.001).round(3)
    array([2.166, 1.743])
    """

    def line(n: Floats, p: Floats, m: Floats) -> Floats:
        inside, share = _outermost(mixture, n, p, m, alpha, side=1)
        return upper_line(inside + share, inside + 1.0, n, p)

    drawn = _drawn(mixture, line, size, target, precision)
    return np.minimum(drawn, 1.0) if mixture.bounded else drawn


def _drawn(
    mixture: Mixture,
    line: Callable[[Floats, Floats, Floats], Floats],
    size: npt.ArrayLike,
    target: npt.ArrayLike,
    precision: npt.ArrayLike,
) -> Floats:
    """A line where there is something to draw, on the target where chance has no room."""
    n, p, m = np.broadcast_arrays(
        *(np.asarray(one, dtype=np.float64) for one in (size, target, precision))
    )
    made = np.full(n.shape, np.nan)
    possible = (n > 0) & np.isfinite(n) & np.isfinite(p) & (p >= 0) & (m >= 0)
    if mixture.bounded:
        possible &= p <= 1
    fixed = possible & ((p == 0) | (p == 1)) if mixture.bounded else possible & (p == 0)
    made[fixed] = p[fixed]
    drawn = possible & ~fixed
    made[drawn] = line(n[drawn], p[drawn], m[drawn])
    return made


STEPS = 6
"""Steps of the quick search; those it does not settle are halved in on."""

UNSURE = 1e-6
"""Share of alpha within which a tail found by difference is found again by itself."""


def _outermost(
    mixture: Mixture, n: Floats, p: Floats, m: Floats, alpha: float, *, side: int
) -> tuple[Floats, Floats]:
    """The outermost count that is inside, and the share of the way on to the next.

    Tails fall nearly geometrically: step by their ratio, then check that the
    count is inside (its tail reaches alpha) and the next one outside.
    """
    tail = mixture.at_most if side < 0 else mixture.at_least
    top = n if mixture.bounded else np.inf
    guess = mixture.guess(n, p, m, alpha if side < 0 else 1.0 - alpha)
    count = np.clip(np.floor(guess), 0.0, top)
    here, mass = np.empty_like(n), np.empty_like(n)
    at = np.arange(n.size)
    for _ in range(STEPS):
        here[at] = tail(count[at], n[at], p[at], m[at])
        mass[at] = mixture.exactly(count[at], n[at], p[at], m[at])
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.floor(np.log(here / alpha)[at] / -np.log1p(-(mass / here)[at]))
        step = np.where(np.isfinite(step), step, 0.0)
        moved = np.clip(count[at] + side * step, 0.0, n[at] if mixture.bounded else np.inf)
        on = moved != count[at]
        at, moved = at[on], moved[on]
        if not at.size:
            break
        count[at] = moved
    settled = np.ones(n.size, dtype=np.bool_)
    settled[at] = False
    further = here - mass
    settled &= (here >= alpha * (1 + UNSURE)) & (further < alpha * (1 - UNSURE))
    rest = np.flatnonzero(~settled)
    if rest.size:
        given = (n[rest], p[rest], m[rest])
        count[rest] = _halved(mixture, *given, alpha, side=side)
        here[rest] = tail(count[rest], *given)
        further[rest] = tail(count[rest] + side, *given)
    return count, (here - alpha) / (here - further)


def _halved(
    mixture: Mixture, n: Floats, p: Floats, m: Floats, alpha: float, *, side: int
) -> Floats:
    """The outermost count that is inside, by bisection: sure, and seldom needed."""
    tail = mixture.at_most if side < 0 else mixture.at_least
    if side < 0:
        # More than half of all counts are at most the mean, or all are at most n.
        inside, outside = (n.copy() if mixture.bounded else np.ceil(n * p)), np.full_like(n, -1.0)
    else:
        inside = np.zeros_like(n)
        outside = n + 1.0 if mixture.bounded else np.ceil(n * p) + 1.0
        while not mixture.bounded:
            short = tail(outside, n, p, m) >= alpha
            if not short.any():
                break
            outside[short] *= 2.0
    while (np.abs(outside - inside) > 1).any():
        middle = np.floor((inside + outside) / 2.0)
        within = tail(middle, n, p, m) >= alpha
        apart = np.abs(outside - inside) > 1
        inside = np.where(apart & within, middle, inside)
        outside = np.where(apart & ~within, middle, outside)
    return inside


def _gamma_at_most(r: Floats, n: Floats, rate: Floats, shape: Floats) -> Floats:
    mean = n * rate
    finite = np.minimum(shape, BY_CHANCE)
    tail = special.betaincc(np.maximum(r, 0.0) + 1.0, finite, mean / (finite + mean))
    chance = shape >= BY_CHANCE
    tail = np.where(r < 0, 0.0, tail)
    tail[chance] = exact_poisson.at_most(r[chance], n[chance], rate[chance])
    return tail


def _gamma_at_least(r: Floats, n: Floats, rate: Floats, shape: Floats) -> Floats:
    mean = n * rate
    finite = np.minimum(shape, BY_CHANCE)
    tail = special.betainc(np.maximum(r, 1.0), finite, mean / (finite + mean))
    chance = shape >= BY_CHANCE
    tail = np.where(r < 1, 1.0, tail)
    tail[chance] = exact_poisson.at_least(r[chance], n[chance], rate[chance])
    return tail


def _gamma_exactly(r: Floats, n: Floats, rate: Floats, shape: Floats) -> Floats:
    mean, finite = n * rate, np.minimum(shape, BY_CHANCE)
    rising = log_rising(finite, r) - special.gammaln(r + 1.0)
    chance: Floats = np.exp(
        rising + r * np.log(mean / (finite + mean)) - finite * np.log1p(mean / finite)
    )
    return chance


def _gamma_guess(n: Floats, rate: Floats, shape: Floats, probability: float) -> Floats:
    """A gamma quantile of the same mean and variance as the events."""
    mean = n * rate
    inflation = 1.0 + mean / shape
    guess: Floats = special.gammaincinv(mean / inflation, probability) * inflation
    return guess


BETA_BINOMIAL = Mixture(
    at_most=beta_binomial.at_most,
    at_least=beta_binomial.at_least,
    exactly=beta_binomial.exactly,
    guess=beta_binomial.quantile_guess,
    bounded=True,
)
"""Events among so many cases, where units have proportions of their own."""

POISSON_GAMMA = Mixture(
    at_most=_gamma_at_most,
    at_least=_gamma_at_least,
    exactly=_gamma_exactly,
    guess=_gamma_guess,
    bounded=False,
)
"""Events in so much exposure, where units have rates of their own."""
