"""Tail probabilities of the beta-binomial, for many sizes at once.

Small counts are summed term by term from the end that is nearer, so that small
tails lose no digits. Large ones, over which the beta hardly changes from one
count to the next, are P(X < Y) of two betas, integrated by quadrature.

Arguments are arrays of one shape: counts and sizes are whole, targets between
0 and 1, precisions (a + b of the beta) at least 0; 0 is all or none, infinity
is chance alone. No NaN: `overdispersed_counts` is the door.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from spcbench.numeric import exact
from spcbench.numeric.segments import Floats

BY_CHANCE = 1e14
"""A precision or shape from which the counts are those of chance alone."""


def at_most(r: Floats, n: Floats, p: Floats, m: Floats) -> Floats:
    """Probability of at most `r` events.

    Parameters
    ----------
    r, n, p, m : array of float, shape (rows,)
        Events, cases, target, precision.

    Returns
    -------
    array of float, shape (rows,)
        P(R <= r).

    Examples
    --------
    >>> one = np.ones(1)
    >>> at_most(one, 3 * one, one / 2, 2 * one).round(12)
    array([0.5])
    """
    return _tail(r, n, p, m, side=-1)


def at_least(r: Floats, n: Floats, p: Floats, m: Floats) -> Floats:
    """Probability of at least `r` events.

    Parameters
    ----------
    r, n, p, m : array of float, shape (rows,)
        Events, cases, target, precision.

    Returns
    -------
    array of float, shape (rows,)
        P(R >= r).

    Examples
    --------
    >>> one = np.ones(1)
    >>> at_least(one, 3 * one, one / 2, 2 * one).round(12)
    array([0.75])
    """
    return _tail(r, n, p, m, side=1)


def exactly(r: Floats, n: Floats, p: Floats, m: Floats) -> Floats:
    """Probability of just `r` events.

    Parameters
    ----------
    r, n, p, m : array of float, shape (rows,)
        Events from 0 to n, cases, target, precision.

    Returns
    -------
    array of float, shape (rows,)
        P(R = r); NaN where the precision is 0.

    Examples
    --------
    >>> one = np.ones(1)
    >>> exactly(one, 3 * one, one / 2, 2 * one).round(12)
    array([0.25])
    """
    total = np.where(m > 0, np.minimum(m, BY_CHANCE), np.nan)
    chance: Floats = np.exp(_log_chance(r, n, p * total, (1.0 - p) * total))
    return chance


def _tail(r: Floats, n: Floats, p: Floats, m: Floats, *, side: int) -> Floats:
    """P(R <= r) (side −1) or P(R >= r) (side 1), always summed from the nearer end."""
    low, count = (r < n * p, r) if side < 0 else (r <= n * p, r - 1)
    low = low & (m > 0) & (m < BY_CHANCE)
    high = ~low & (m > 0) & (m < BY_CHANCE)
    made = np.empty(r.shape)
    a, b = p * m, (1.0 - p) * m
    below = _below(count[low], n[low], a[low], b[low])
    made[low] = below if side < 0 else 1.0 - below
    above = _below((n - count - 1)[high], n[high], b[high], a[high])
    made[high] = 1.0 - above if side < 0 else above
    none = m == 0  # every unit has all or none
    share = 1.0 - p if side < 0 else p
    possible = (r >= 0) & (r < n) if side < 0 else (r > 0) & (r <= n)
    certain = r >= n if side < 0 else r <= 0
    made[none] = np.where(possible, share, certain.astype(np.float64))[none]
    chance = m >= BY_CHANCE
    if chance.any():
        of_chance = exact.at_most if side < 0 else exact.at_least
        made[chance] = of_chance(r[chance], n[chance], p[chance])
    return made


SUMMED_TO = 64.0
"""Counts up to which tails are always summed term by term."""

SMOOTH = 0.6
"""Growth of the beta over one standard deviation of a count, under which quadrature serves."""


def _below(r: Floats, n: Floats, a: Floats, b: Floats) -> Floats:
    """P(R <= r) of a beta-binomial, accurate where it is small."""
    made = np.where(r >= n, 1.0, 0.0)
    inside = (r >= 0) & (r < n)
    smooth = inside & (r >= SUMMED_TO) & (n - r >= SUMMED_TO)
    at = np.flatnonzero(smooth)
    if at.size:
        mean = (r[at] + 1.0) / (n[at] + 1.0)
        spread = np.sqrt(mean * (1.0 - mean) / (n[at] + 2.0))
        below = special.betainc(a[at], b[at], mean)
        before = special.betainc(a[at], b[at], mean - spread)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            growth = np.log(below / before)
        smooth[at] = np.isfinite(growth) & (growth < SMOOTH)
    made[smooth] = _integrated(r[smooth], n[smooth], a[smooth], b[smooth])
    rest = inside & ~smooth
    made[rest] = _summed(r[rest], n[rest], a[rest], b[rest])
    return made


NODES = 8


def _integrated(r: Floats, n: Floats, a: Floats, b: Floats) -> Floats:
    """P(R <= r) as P(X < Y), X ~ Beta(a, b), Y ~ Beta(r + 1, n − r): Gauss–Jacobi over Y.

    Exact for polynomials; used where the distribution of X is smooth over Y.
    """
    mean = (r + 1.0) / (n + 1.0)
    spread = np.sqrt(mean * (1.0 - mean) / (n + 2.0))
    left, right = r[:, None], (n - r - 1.0)[:, None]  # the powers of y and 1 − y
    k = np.arange(1.0, NODES)
    twice = 2.0 * k + left + right
    # Golub & Welsch (1969): the nodes are eigenvalues of the recurrence's matrix.
    centre = (left * left - right * right) / (twice * (twice + 2.0))
    first = (left - right) / (left + right + 2.0)
    square = 4.0 * k * (k + left) * (k + right) * (k + left + right)
    square /= twice * twice * (twice + 1.0) * (twice - 1.0)
    matrix = np.zeros((r.size, NODES, NODES))
    place = np.arange(NODES)
    # Measured from the mean in standard deviations, to lose no digits.
    matrix[:, place[1:], place[1:]] = 0.5 * (centre - first) / spread[:, None]
    matrix[:, place[1:], place[:-1]] = 0.5 * np.sqrt(square) / spread[:, None]
    values, vectors = np.linalg.eigh(matrix)
    node = np.clip(mean[:, None] + spread[:, None] * values, 0.0, 1.0)
    weight = vectors[:, 0, :] ** 2
    tail: Floats = (weight * special.betainc(a[:, None], b[:, None], node)).sum(axis=1)
    return tail


ROWS, TERMS = 1024, 64
"""Rows and terms worked on together: they fit the processor's cache."""

NEGLIGIBLE = 1e-18


def _summed(r: Floats, n: Floats, a: Floats, b: Floats) -> Floats:
    """P(R <= r) of a beta-binomial, summed down from r by the ratios of its terms."""
    total = np.ones(r.size)
    for start in range(0, r.size, ROWS):
        block = slice(start, start + ROWS)
        total[block] = _relative_sum(r[block], n[block], a[block], b[block])
    return np.minimum(np.exp(_log_chance(r, n, a, b)) * total, 1.0)


def _relative_sum(r: Floats, n: Floats, a: Floats, b: Floats) -> Floats:
    """P(R <= r)/P(R = r)."""
    total, term, at = np.ones(r.size), np.ones(r.size), np.flatnonzero(r > 0)
    done = 0.0
    while at.size:
        count = r[at, None] - done - np.arange(TERMS)
        left, size, events = np.maximum(count, 1.0), n[at, None], a[at, None]
        ratio = left * (size - left + b[at, None]) / ((size - left + 1.0) * (left - 1.0 + events))
        terms = term[at, None] * np.cumprod(np.where(count > 0, ratio, 0.0), axis=1)
        total[at] += terms.sum(axis=1)
        term[at] = terms[:, -1]
        done += TERMS
        # From below the mean down the terms fall, or (a < 1) rise all the way to 0.
        at = at[(term[at] > NEGLIGIBLE * total[at]) & (r[at] > done)]
    return total


def _log_chance(r: Floats, n: Floats, a: Floats, b: Floats) -> Floats:
    """Logarithm of P(R = r) of a beta-binomial."""
    ways = special.gammaln(n + 1.0) - special.gammaln(r + 1.0) - special.gammaln(n - r + 1.0)
    logarithm: Floats = ways + log_rising(a, r) + log_rising(b, n - r) - log_rising(a + b, n)
    return logarithm


def log_rising(x: Floats, k: Floats) -> Floats:
    """Logarithm of Γ(x + k)/Γ(x), which loses no digits where x is large (Stirling).

    Parameters
    ----------
    x, k : array of float
        Above 0, and at least 0.

    Returns
    -------
    array of float

    Examples
    --------
    >>> np.exp(log_rising(np.array([3.0]), np.array([2.0]))).round(9)  # 3 · 4
    array([12.])
    """
    big = np.maximum(x, 20.0)
    series = _stirling(big + k) - _stirling(big)
    far = k * np.log(big) + (big + k - 0.5) * np.log1p(k / big) - k + series
    return np.where(x >= 20.0, far, special.gammaln(x + k) - special.gammaln(x))


def _stirling(x: Floats) -> Floats:
    square = 1.0 / (x * x)
    rest: Floats = (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680))) / x
    return rest


def quantile_guess(n: Floats, p: Floats, m: Floats, probability: float) -> Floats:
    """About a quantile: of the beta of the same mean and variance as the share of events.

    Parameters
    ----------
    n, p, m : array of float, shape (rows,)
        Cases, target, precision.
    probability : float
        Between 0 and 1.

    Returns
    -------
    array of float, shape (rows,)
        Not whole, and never relied on.

    Examples
    --------
    >>> quantile_guess(np.array([100.0]), np.array([0.5]), np.array([np.inf]), 0.5).round(6)
    array([50.])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        inflation = np.where(np.isinf(m), 1.0, (m + n) / (m + 1.0))
        total = n / inflation - 1.0
    # One case, or all or none, has no such beta: begin at the mean.
    usable = np.maximum(total, 1e-3)
    quantile = special.betaincinv(p * usable, (1.0 - p) * usable, probability)
    return np.where(np.isfinite(quantile) & (total > 1e-3), quantile, p) * n
