"""How counts vary by chance alone: binomial or Poisson."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from spcbench.numeric import exact, exact_poisson
from spcbench.numeric.exact import Tail
from spcbench.numeric.exact_poisson import poisson_guess
from spcbench.numeric.segments import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """How counts vary by chance alone.

    Parameters
    ----------
    at_most, at_least : callable
        ``(count, size, rate)``: P(R <= count) and P(R >= count), continued
        between whole counts.
    lower, upper : callable
        Exact limits: ``(size, rate, alpha=...)``.
    guess : callable
        ``(size, rate, alpha, side)``: about where the tail below (side -1) or
        above (side 1) is alpha.
    bounded : bool
        Whether a count cannot pass its size: a proportion.
    """

    at_most: Tail
    at_least: Tail
    lower: Callable[..., Floats]
    upper: Callable[..., Floats]
    guess: Callable[[Floats, Floats, float, int], Floats]
    bounded: bool


def _binomial_at_most(x: Floats, n: Floats, p: Floats) -> Floats:
    inside = (x > -1) & (x < n)
    tail = special.betaincc(np.where(inside, x + 1, 1), np.where(inside, n - x, 1), p)
    return np.where(inside, tail, np.where(x < n, 0.0, 1.0))


def _binomial_at_least(x: Floats, n: Floats, p: Floats) -> Floats:
    inside = (x > 0) & (x < n + 1)
    tail = special.betainc(np.where(inside, x, 1), np.where(inside, n - x + 1, 1), p)
    return np.where(inside, tail, np.where(x > 0, 0.0, 1.0))


def _binomial_guess(n: Floats, p: Floats, alpha: float, side: int) -> Floats:
    z = special.ndtri(alpha)
    spread = np.sqrt(n * p * (1 - p))
    return np.asarray(np.minimum(n * p - side * z * spread + (z * z - 1) * (1 - 2 * p) / 6, n + 1))


BINOMIAL = Law(
    at_most=_binomial_at_most,
    at_least=_binomial_at_least,
    lower=exact.lower_limit,
    upper=exact.upper_limit,
    guess=_binomial_guess,
    bounded=True,
)
"""Events among so many cases, each of the same probability."""

POISSON = Law(
    at_most=exact_poisson.at_most,
    at_least=exact_poisson.at_least,
    lower=exact_poisson.lower_limit,
    upper=exact_poisson.upper_limit,
    guess=lambda n, u, alpha, side: poisson_guess(n * u, alpha, side=side),
    bounded=False,
)
"""Events in so much exposure, at the same rate."""
