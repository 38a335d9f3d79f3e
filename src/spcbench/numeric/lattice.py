"""Sums of events as Markov chains on a lattice: how long they run before a limit.

A sum that never falls below 0 moves up by one weight for every event and down
by another for every case, or period, that passes. Two real weights have no
common measure, so the chain is made for weights close by that have one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from spcbench.numeric.segments import Floats, Integers

STATES = 250
"""States that a chain has, at the least, below the highest limit in question."""

MOST_STATES = 2000
"""States that it has at the most: rarer events are reckoned as if as rare as these allow.

Run lengths are inverse to such chances, all but a share of about the chance.
"""

WEIGHT_ERROR = 2e-3
"""Relative error of the ratio of two weights that needs no finer lattice."""

LONGEST = 1e15
"""Run lengths beyond this are not told apart: the chance of no signal rounds to 1."""

NEVER = 1e-18
"""Chance of a step that makes no difference."""


@dataclass(frozen=True, slots=True)
class Chain:
    """Run lengths of one sum, by its limit.

    Parameters
    ----------
    unit : float
        Distance of neighbouring states.
    lengths : array of float, shape (states,)
        Entry N is the mean number of points until the sum, begun at 0, first
        exceeds N units.
    fall : float
        What every case, or period, takes off the sum of this chain.

    References
    ----------
    .. [1] Brook & Evans (1972), Biometrika 59:539.
    """

    unit: float
    lengths: Floats
    fall: float

    @property
    def limits(self) -> Floats:
        """A limit for each entry of `lengths`: half a unit above the state, shape (states,)."""
        return np.asarray((np.arange(self.lengths.size) + 0.5) * self.unit)

    def mean_at(self, limits: Floats | float) -> Floats:
        """Average run length at any limits, interpolated on the log scale."""
        logs = np.interp(np.asarray(limits), self.limits, np.log(self.lengths))
        return np.asarray(np.exp(logs), dtype=np.float64)


def joined(lengths: Sequence[Floats]) -> Floats:
    """Average run length of several sums together: the rates of their signals add up."""
    rates = np.sum([1.0 / length for length in lengths], axis=0)
    return np.asarray(1.0 / rates, dtype=np.float64)


def smallest_limit(chains: Sequence[Chain], arl0: float) -> float:
    """Smallest limit at which sums together run for `arl0` points or more.

    Parameters
    ----------
    chains : sequence of Chain
        Long enough for `arl0`.
    arl0 : float
        Points.

    Returns
    -------
    float
        One of the limits of the finest chain.
    """
    limits = min(chains, key=lambda chain: chain.unit).limits
    together = joined([chain.mean_at(limits) for chain in chains])
    return float(limits[np.searchsorted(together, arl0 * (1.0 - 1e-9))])


def bernoulli_chain(chance: float, now: float, ratio: float, top: float, cases: int = 1) -> Chain:
    """Chain of the sum that rises with every event and falls with every other case.

    Parameters
    ----------
    chance, now : float
        Chance of an event that the weights suppose, and the true one; between
        0 and 1, not included.
    ratio : float
        Odds ratio that the weights look for, above 1.
    top : float
        Highest limit in question, as log-likelihood ratio.
    cases : int
        Cases that one point adds together.

    Returns
    -------
    Chain
        Lengths in points.

    Examples
    --------
    >>> round(float(bernoulli_chain(0.1, 0.1, 2.0, 3.0).mean_at(3.0)), -1)
    840.0
    """
    fall = math.log1p((ratio - 1.0) * chance)
    up, down = _lattice(math.log(ratio) - fall, fall, top, error=WEIGHT_ERROR)
    # The chance close by that these whole numbers are the weights of, exactly.
    unit = math.log(ratio) / (up + down)
    near = math.expm1(down * unit) / (ratio - 1.0)
    truth = special.expit(special.logit(now) + special.logit(near) - special.logit(chance))
    events = np.arange(cases + 1)
    logs = special.xlogy(events, truth) + special.xlog1py(cases - events, -truth)
    logs -= special.betaln(events + 1.0, cases - events + 1.0) + math.log(cases + 1.0)
    steps = events * up - (cases - events) * down
    lengths = run_lengths(steps, np.exp(logs), math.ceil(top / unit) + 1)
    scale = min(near, 1.0 - near) / min(chance, 1.0 - chance)
    return Chain(unit, scale * lengths, down * unit)


def poisson_chain(
    mean: float, reference: float, top: float, *, error: float = WEIGHT_ERROR
) -> Chain:
    """Chain of the sum that rises by 1 with every event and falls with every period.

    Parameters
    ----------
    mean : float
        Events a period, above 0.
    reference : float
        What a period takes off the sum, above 0.
    top : float
        Highest limit in question, in events.
    error : float
        Relative error of `reference` that is good enough. The chain is exact
        for the one it takes, which it says.

    Returns
    -------
    Chain
        Lengths in periods.

    Examples
    --------
    >>> round(float(poisson_chain(0.5, 0.72, 3.0).mean_at(3.0)))
    78
    """
    up, down = _lattice(1.0, reference, top, error=error)
    fall, truth, scale = down / up, mean, 1.0
    if reference < top / MOST_STATES:
        scale = fall / reference
        fall, truth = reference, mean * scale
    last = math.ceil(top * up) + 1
    # Fewer events than the first end at 0 wherever the sum was; more than the last signal.
    first = max((down - last) // up, 0)
    events = np.arange(first, (last + down) // up + 1)
    chances = np.exp(special.xlogy(events, truth) - truth - special.gammaln(events + 1.0))
    chances[0] = special.pdtr(first, truth)
    return Chain(1.0 / up, scale * run_lengths(events * up - down, chances, last), fall)


def _lattice(rise: float, fall: float, top: float, *, error: float) -> tuple[int, int]:
    """Whole numbers whose ratio is nearly that of two weights, fine enough for a limit."""
    small, large = sorted((rise, fall))
    small = max(small, top / MOST_STATES)
    coarsest = math.ceil(small * STATES / top)
    finest = max(coarsest, math.floor(small * MOST_STATES / top))
    numbers = np.arange(coarsest, finest + 1)
    others = np.rint(numbers * (large / small))
    errors = np.abs(others * small / (numbers * large) - 1.0)
    good = np.flatnonzero(errors < error)
    at = int(good[0]) if good.size else int(np.argmin(errors))
    few, many = int(numbers[at]), int(others[at])
    return (few, many) if rise <= fall else (many, few)


def run_lengths(steps: Integers, chances: Floats, top: int) -> Floats:
    """Mean number of steps until a sum on whole numbers first exceeds each limit.

    Parameters
    ----------
    steps : array of int, shape (outcomes,)
        What each outcome adds; the sum, begun at 0, never falls below 0.
    chances : array of float, shape (outcomes,)
        Of each outcome; what is missing from 1 is an outcome beyond `top`.
    top : int
        Highest limit.

    Returns
    -------
    array of float, shape (top + 1,)
        Entry N for the limit N.

    Notes
    -----
    The equations for the limit N are the first N + 1 of those for `top`, so
    that one elimination, without exchange of rows, solves them all. It needs
    none: chances to stay are at most 1 altogether.

    Examples
    --------
    Two heads in a row, tails send back to the start:

    >>> import numpy as np
    >>> run_lengths(np.array([1, -9]), np.array([0.5, 0.5]), 1)
    array([2., 6.])
    """
    size = top + 1
    matrix, lowest, highest = _equations(steps, chances, size)
    ahead, right = np.ones(size), np.zeros(size)
    right[0] = 1.0
    weights = np.empty(size)
    for at in range(size):
        rows, columns = slice(at + 1, at + 1 + lowest), slice(at + 1, at + 1 + highest)
        pivot, later = max(matrix[at, at], 1.0 / LONGEST), matrix[at, columns]
        factors = matrix[rows, at] / pivot
        matrix[rows, columns] -= np.multiply.outer(factors, later)
        ahead[rows] -= factors * ahead[at]
        weights[at] = right[at] / pivot
        right[columns] -= weights[at] * later
    return np.asarray(np.cumsum(weights * ahead), dtype=np.float64)


def _equations(steps: Integers, chances: Floats, size: int) -> tuple[Floats, int, int]:
    """Identity minus the chances to move, and how far it reaches below and above the diagonal."""
    matrix = np.eye(size)
    lowest = highest = 0
    for step, chance in zip(steps.tolist(), chances.tolist(), strict=True):
        if chance < NEVER or step >= size:
            continue
        if step >= 0:
            np.einsum("ii->i", matrix[: size - step, step:])[:] -= chance
            highest = max(highest, step)
        else:
            fall = min(-step, size)
            np.einsum("ii->i", matrix[fall:, : size - fall])[:] -= chance
            # From here on the sum would fall below 0.
            matrix[:fall, 0] -= chance
            lowest = max(lowest, fall)
    return matrix, lowest, highest
