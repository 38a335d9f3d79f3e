"""Exact binomial limits for small counts.

A count is low when its one-sided tail probability is strictly below the
nominal one: P(R <= r) < alpha; it is high when P(R >= r) < alpha. The limits
drawn are smooth lines that agree with that verdict at every whole count: the
lower one is Spiegelhalter's interpolation, the upper one is its mirror image
(one minus the lower limit of the complement). The published upper
interpolation does not agree with the verdict; it is offered for parity only.

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

from spcbench.numeric.segments import Flags, Floats

Tail = Callable[[Floats, Floats, Floats], Floats]

ON_CENTRE = 1e-9
"""A count nearer to the expected one than this share of it is on the centre."""


def at_most(r: npt.ArrayLike, n: npt.ArrayLike, p: npt.ArrayLike) -> Floats:
    """Probability of at most `r` events among `n`, each of probability `p`.

    Parameters
    ----------
    r, n, p : array_like
        Events, cases, and probability between 0 and 1.

    Returns
    -------
    array of float
        P(R <= r) for R ~ Binomial(n, p).

    Examples
    --------
    >>> float(at_most(0, 2, 0.5))
    0.25
    """
    r, n, p = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (r, n, p)))
    inside = (r >= 0) & (r < n)
    tail = special.betaincc(np.where(inside, r + 1, 1), np.where(inside, n - r, 1), p)
    tail = np.where(inside, tail, np.where(r < 0, 0.0, 1.0))
    return np.where(np.isnan(r) | np.isnan(n) | np.isnan(p), np.nan, tail)


def at_least(r: npt.ArrayLike, n: npt.ArrayLike, p: npt.ArrayLike) -> Floats:
    """Probability of at least `r` events among `n`, each of probability `p`.

    Parameters
    ----------
    r, n, p : array_like
        Events, cases, and probability between 0 and 1.

    Returns
    -------
    array of float
        P(R >= r) for R ~ Binomial(n, p).

    Examples
    --------
    >>> float(at_least(2, 2, 0.5))
    0.25
    """
    r, n, p = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (r, n, p)))
    inside = (r > 0) & (r <= n)
    tail = special.betainc(np.where(inside, r, 1), np.where(inside, n - r + 1, 1), p)
    tail = np.where(inside, tail, np.where(r <= 0, 1.0, 0.0))
    return np.where(np.isnan(r) | np.isnan(n) | np.isnan(p), np.nan, tail)


def _misses_at_most(m: Floats, n: Floats, p: Floats) -> Floats:
    """P(n − R <= m), from `p` itself: 1 − p would lose digits near 1."""
    return at_least(n - m, n, p)


def _smallest(tail: Tail, n: Floats, p: Floats, alpha: float, guess: Floats) -> Floats:
    """Smallest whole number whose tail reaches `alpha`, searched from a guess."""
    found = np.clip(np.floor(guess), 0, n)
    moving = np.flatnonzero(~np.isnan(found))
    while moving.size:
        short = tail(found[moving], n[moving], p[moving]) < alpha
        moving = moving[short]
        found[moving] += 1
    moving = np.flatnonzero(found > 0)
    while moving.size:
        still = tail(found[moving] - 1, n[moving], p[moving]) >= alpha
        moving = moving[still]
        found[moving] -= 1
        moving = moving[found[moving] > 0]
    return found


def _guess(n: Floats, p: Floats, alpha: float) -> Floats:
    """Cornish–Fisher quantile of the binomial: usually right, never relied on."""
    z = special.ndtri(alpha)
    guess: Floats = n * p + z * np.sqrt(n * p * (1 - p)) + (z * z - 1) * (1 - 2 * p) / 6
    return guess


def lower_limit(n: npt.ArrayLike, p: npt.ArrayLike, *, alpha: float) -> Floats:
    """Lower exact limit of a proportion, clipped at 0.

    Parameters
    ----------
    n, p : array_like
        Cases (whole numbers above 0) and the probability in control.
    alpha : float
        One-sided tail probability, such as 0.001 for a 99.8 % funnel.

    Returns
    -------
    array of float
        A proportion r/n lies strictly below it exactly when
        P(R <= r) < alpha.

    Examples
    --------
    >>> lower_limit([5, 50], 0.95, alpha=0.001).round(4)
    array([0.372, 0.822])
    """
    size, prob = _pairs(n, p)
    return np.maximum(_line_below(at_most, size, prob, alpha), 0.0)


def upper_limit(n: npt.ArrayLike, p: npt.ArrayLike, *, alpha: float) -> Floats:
    """Upper exact limit of a proportion, clipped at 1.

    Parameters
    ----------
    n, p : array_like
        Cases (whole numbers above 0) and the probability in control.
    alpha : float
        One-sided tail probability.

    Returns
    -------
    array of float
        A proportion r/n lies strictly above it exactly when
        P(R >= r) < alpha: one minus the lower limit of the complement.

    Examples
    --------
    >>> upper_limit([5, 50], 0.05, alpha=0.001).round(4)
    array([0.628, 0.178])
    """
    size, prob = _pairs(n, p)
    misses = _critical(_misses_at_most, size, prob, alpha, mirrored=True)
    share = _share(_misses_at_most, misses, size, prob, alpha)
    inside = size - misses  # the largest count that is not high
    line = np.minimum((inside + share) / size, np.nextafter((inside + 1) / size, -np.inf))
    line = np.where((prob == 0) | (prob == 1), prob, line)
    return np.minimum(line, 1.0)


def _pairs(n: npt.ArrayLike, p: npt.ArrayLike) -> tuple[Floats, Floats]:
    size, prob = np.broadcast_arrays(np.asarray(n, np.float64), np.asarray(p, np.float64))
    lost = np.isnan(size) | np.isnan(prob) | (size <= 0)
    return np.where(lost, np.nan, size), np.where(lost, np.nan, prob)


def _critical(tail: Tail, n: Floats, p: Floats, alpha: float, *, mirrored: bool = False) -> Floats:
    guess = _guess(n, 1 - p if mirrored else p, alpha)
    flat = _smallest(tail, n.ravel(), p.ravel(), alpha, guess.ravel())
    return flat.reshape(n.shape)


def _share(tail: Tail, r: Floats, n: Floats, p: Floats, alpha: float) -> Floats:
    """How far the tail of `r` passes alpha, as a share of the probability of `r`."""
    reached = tail(r, n, p)
    return (reached - alpha) / (reached - tail(r - 1, n, p))


def _line_below(tail: Tail, n: Floats, p: Floats, alpha: float) -> Floats:
    r = _critical(tail, n, p, alpha)
    line = (r - _share(tail, r, n, p, alpha)) / n
    # Rounding must not let the line touch the count below, which is outside.
    line = np.where(r >= 1, np.maximum(line, np.nextafter((r - 1) / n, np.inf)), line)
    return np.where((p == 0) | (p == 1), p, line)


def interpolated_limit(n: npt.ArrayLike, p: npt.ArrayLike, *, probability: float) -> Floats:
    """Spiegelhalter's published interpolation, not clipped, for parity with other tools.

    Parameters
    ----------
    n, p : array_like
        Cases (whole numbers above 0) and the probability in control.
    probability : float
        Cumulative probability of the line: 0.001 for the lower and 0.999 for
        the upper line of a 99.8 % funnel.

    Returns
    -------
    array of float
        (r − a)/n with r the smallest count whose P(R <= r) reaches
        `probability`. The upper line must not decide a verdict: it flags 5 of
        5 at a target of 95 % three times in four.

    References
    ----------
    .. [1] Spiegelhalter (2005), Statistics in Medicine 24:1185.

    Examples
    --------
    >>> interpolated_limit([5.0], 0.95, probability=0.999).round(4)
    array([0.9997])
    """
    size, prob = _pairs(n, p)
    r = _critical(at_most, size, prob, probability)
    return (r - _share(at_most, r, size, prob, probability)) / size


def tail_scores(r: npt.ArrayLike, n: npt.ArrayLike, p: npt.ArrayLike) -> Floats:
    """Normal scores of the exact one-sided tails.

    Parameters
    ----------
    r, n, p : array_like
        Events, cases, and the probability in control.

    Returns
    -------
    array of float
        Positive above the centre and negative below; beyond ±k exactly when
        the tail is below that of k sigma, for k = 1, 2, 3. 0 on the centre,
        and where so few cases leave a tail above one half; NaN of no cases.

    Examples
    --------
    >>> tail_scores([0, 5], [5, 5], 0.5).round(3)
    array([-1.863,  1.863])
    """
    r, n, p = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (r, n, p)))
    above = r > n * p
    score = normal_scores(np.where(above, at_least(r, n, p), at_most(r, n, p)))
    return signed_scores(score, above, r, n, n * p)


def normal_scores(tail: Floats, *, at_nominal: bool = False) -> Floats:
    """Normal scores of one-sided tails, on the same side of 1, 2 and 3 as their tail.

    Parameters
    ----------
    tail : array of float
        Probabilities between 0 and 1; NaN gives NaN.
    at_nominal : bool
        Whether a tail of exactly that of k sigma is beyond it already.

    Returns
    -------
    array of float
        At least 0; infinite for a tail of 0.

    Examples
    --------
    >>> normal_scores(np.array([0.8, 0.025])).round(2)
    array([0.  , 1.96])
    """
    score: Floats = np.maximum(-special.ndtri(tail), 0.0)
    for sigma in (1.0, 2.0, 3.0):
        nominal = special.ndtr(-sigma)
        beyond = tail <= nominal if at_nominal else tail < nominal
        score = np.where(beyond, np.maximum(score, np.nextafter(sigma, np.inf)), score)
        score = np.where(~beyond & (score > sigma), sigma, score)
    return score


def signed_scores(
    score: Floats, above: Flags, r: Floats, n: npt.ArrayLike, expected: Floats
) -> Floats:
    """Scores with the sign of their side; 0 on the centre, NaN of no cases.

    Parameters
    ----------
    score : array of float
        Sizes of the scores.
    above : array of bool
        Where the count is above what is expected.
    r, n, expected : array of float
        Events, cases, and events expected.

    Returns
    -------
    array of float

    Examples
    --------
    >>> one, two = np.array([2.0]), np.array([8.0])
    >>> signed_scores(one, np.array([False]), two, 10, np.array([9.0]))
    array([-2.])
    """
    on_centre = np.isclose(r, expected, rtol=ON_CENTRE, atol=0.0)
    score = np.where(on_centre, 0.0, np.where(above, score, -score))
    return np.where(np.asarray(n) > 0, score, np.nan)


def verdicts(
    r: npt.ArrayLike, n: npt.ArrayLike, p: npt.ArrayLike, *, alpha: float
) -> tuple[Flags, Flags]:
    """Whether each count is low, and whether it is high.

    Parameters
    ----------
    r, n, p : array_like
        Events, cases, and the probability in control.
    alpha : float
        One-sided tail probability.

    Returns
    -------
    low, high : array of bool
        False where there is no data.

    Examples
    --------
    >>> low, high = verdicts(5, 5, 0.95, alpha=0.001)
    >>> bool(low), bool(high)
    (False, False)
    """
    return at_most(r, n, p) < alpha, at_least(r, n, p) < alpha
