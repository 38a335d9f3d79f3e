"""How long a sum of events runs before it signals, and limits that make it so.

Average run lengths are those of chains on a lattice (`spcbench.numeric.lattice`),
from a sum of 0 to the first signal, the chance or mean of events being known.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import special

from spcbench.numeric.average_run_length import check_arl0
from spcbench.numeric.lattice import Chain, bernoulli_chain, joined, poisson_chain, smallest_limit
from spcbench.numeric.segments import Floats, Integers

ODDS_STEP = 0.2
"""Between limits calibrated this far apart in log odds, others are interpolated."""

MEAN_STEP = 0.01
"""Means this far apart on the log scale have designs of their own."""


def bernoulli_cusum_arl(
    chance: float,
    h: float,
    *,
    odds_ratio: float,
    side: str = "both",
    now: float | None = None,
    cases: int = 1,
) -> float:
    """Average run length of a CUSUM of cases with and without an event.

    Parameters
    ----------
    chance : float
        p0, between 0 and 1, not included.
    h : float
        Limit of the sums of log-likelihood ratios, above 0.
    odds_ratio : float
        Change that the chart looks for, above 1.
    side : str
        ``"rising"``, ``"falling"`` or ``"both"``.
    now : float, optional
        The chance that truly holds; `chance` when not given.
    cases : int
        Cases that one point adds together.

    Returns
    -------
    float
        Cases, whatever `cases` is; both sums join as if they signalled
        independently. Within about 4 % (by simulation, odds ratios 1.5 to 4).

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    .. [1] Reynolds & Stoumbos (1999), Journal of Quality Technology 31:87.

    Examples
    --------
    >>> round(bernoulli_cusum_arl(0.1, 3.0, odds_ratio=2.0, side="rising"), -1)
    840.0
    """
    truth = chance if now is None else now
    _check_chance(chance, odds_ratio)
    _check_chance(truth, odds_ratio)
    if not (h > 0.0 and cases >= 1):
        raise ValueError(f"h must be above 0 and cases at least 1, not {h:g} and {cases}")
    chains = _bernoulli_chains(chance, truth, odds_ratio, side=side, top=h, cases=cases)
    return cases * float(joined([chain.mean_at(h) for chain in chains]))


@lru_cache(maxsize=8192)
def bernoulli_cusum_limit(
    arl0: float, *, chance: float, odds_ratio: float, side: str = "both"
) -> float:
    """Limit h of a CUSUM of single cases for a wanted average run length.

    Parameters
    ----------
    arl0 : float
        Mean number of cases to a false signal, above 1.
    chance : float
        p0, between 0 and 1, not included.
    odds_ratio : float
        Change that the chart looks for, above 1.
    side : str
        ``"rising"``, ``"falling"`` or ``"both"`` (the same limit for both sums).

    Returns
    -------
    float
        As log-likelihood ratio: the smallest limit on the lattice of the chain
        whose average run length is `arl0` or more.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> round(bernoulli_cusum_limit(850.0, chance=0.1, odds_ratio=2.0, side="rising"), 1)
    3.0
    """
    check_arl0(arl0)
    _check_chance(chance, odds_ratio)
    # A sum of log-likelihood ratios with the limit h runs for e^h points at the least.
    top = math.log(arl0 * (2.0 if side == "both" else 1.0)) + 0.1
    chains = _bernoulli_chains(chance, chance, odds_ratio, side=side, top=top, cases=1)
    return smallest_limit(chains, arl0)


def _bernoulli_chains(
    chance: float, now: float, odds_ratio: float, *, side: str, top: float, cases: int
) -> list[Chain]:
    if side not in ("both", "rising", "falling"):
        raise ValueError(f"side must be 'both', 'rising' or 'falling', not {side!r}")
    chains = []
    if side != "falling":
        chains.append(bernoulli_chain(chance, now, odds_ratio, top, cases))
    if side != "rising":
        # Fewer events are more cases without one.
        chains.append(bernoulli_chain(1.0 - chance, 1.0 - now, odds_ratio, top, cases))
    return chains


def bernoulli_cusum_limits_of(
    chances: Floats, *, arl0: float, odds_ratio: float, side: str = "both"
) -> Floats:
    """Limits h for many chances at a bounded cost.

    Limits are calibrated at every fifth of log odds and interpolated between:
    some 70 calibrations from 0.1 % to 99.9 %, however many series there are,
    and the same for one series as among many.

    Parameters
    ----------
    chances : array of float
        p0; NaN, 0 and 1 have no limit.
    arl0, odds_ratio, side
        As `bernoulli_cusum_limit` takes them.

    Returns
    -------
    array of float, shape of `chances`
        Within about 0.04 of `bernoulli_cusum_limit`; NaN where there is none.

    Examples
    --------
    >>> import numpy as np
    >>> bernoulli_cusum_limits_of(np.array([0.1, 0.0]), arl0=850.0, odds_ratio=2.0).round(1)
    array([3.5, nan])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        log_odds = special.logit(chances)

    def limit(place: float) -> float:
        chance = float(special.expit(place))
        return bernoulli_cusum_limit(arl0, chance=chance, odds_ratio=odds_ratio, side=side)

    return _interpolated(log_odds, ODDS_STEP, limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoissonDesign:
    """Parameters of CUSUMs of counts; arrays all of one shape, or numbers.

    Parameters
    ----------
    reference : array of float
        K, what every point takes off the sum, in events.
    limit : array of float
        h, in events.
    """

    reference: Floats
    limit: Floats


def poisson_reference(mean: Floats, *, ratio: float) -> Floats:
    """K of a CUSUM of counts: the mean at which two hypotheses are equally likely.

    Parameters
    ----------
    mean : array of float
        μ0, events expected of each point.
    ratio : float
        Change that the chart looks for, μ1/μ0, above 1.

    Returns
    -------
    array of float, shape of `mean`
        (μ1 − μ0)/(ln μ1 − ln μ0), in events.

    Examples
    --------
    >>> import numpy as np
    >>> poisson_reference(np.array([0.5]), ratio=2.0).round(4)
    array([0.7213])
    """
    return np.asarray(mean * ((ratio - 1.0) / math.log(ratio)))


def poisson_cusum_arl(mean: float, h: float, *, reference: float) -> float:
    """Average run length of a CUSUM of counts.

    Parameters
    ----------
    mean : float
        Events of each point that truly are to be expected, above 0.
    h : float
        Limit of the sum of (count − K), in events, above 0.
    reference : float
        K, in events, above 0.

    Returns
    -------
    float
        Points; not told apart beyond 1e15.

    Raises
    ------
    ValueError
        If an argument is not above 0.

    References
    ----------
    .. [1] Lucas (1985), Technometrics 27:129; Brook & Evans (1972), Biometrika 59:539.

    Examples
    --------
    >>> round(poisson_cusum_arl(0.5, 3.0, reference=0.72))
    78
    """
    if not (mean > 0.0 and h > 0.0 and reference > 0.0):
        raise ValueError(
            "mean, h and reference of a CUSUM of counts must be above 0, "
            f"not {mean:g}, {h:g} and {reference:g}"
        )
    return float(poisson_chain(mean, reference, h, error=1e-5).mean_at(h))


def poisson_cusum_design(arl0: float, *, mean: float, ratio: float) -> PoissonDesign:
    """K and h of a CUSUM of counts for a wanted average run length.

    Parameters
    ----------
    arl0 : float
        Mean number of points to a false signal, above 1.
    mean : float
        μ0, events expected of each point, above 0.
    ratio : float
        Change that the chart looks for, μ1/μ0, above 1.

    Returns
    -------
    PoissonDesign
        Of numbers: `reference` is K moved by up to 0.2 % to a fraction on whose
        multiples the sum moves, and `limit` the smallest between two of them
        whose average run length is `arl0` or more. Where even one event is
        rarer than that, h is next to 0 and any event signals.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> design = poisson_cusum_design(78.0, mean=0.5, ratio=2.0)
    >>> round(float(design.reference), 2), round(float(design.limit), 1)
    (0.72, 3.0)
    """
    reference, limit = _poisson_pair(arl0, mean, ratio)
    return PoissonDesign(reference=np.asarray(reference), limit=np.asarray(limit))


@lru_cache(maxsize=8192)
def _poisson_pair(arl0: float, mean: float, ratio: float) -> tuple[float, float]:
    check_arl0(arl0)
    if not 0.0 < mean < math.inf:
        raise ValueError(f"the mean of events must be above 0, not {mean:g}")
    if not 1.0 < ratio < math.inf:
        raise ValueError(f"the ratio of means must be above 1, not {ratio:g}")
    # As log-likelihood ratio, the limit exceeds no more than the logarithm of the run length.
    top = (math.log(arl0) + 0.1) / math.log(ratio)
    chain = poisson_chain(mean, float(poisson_reference(np.asarray(mean), ratio=ratio)), top)
    return chain.fall, smallest_limit([chain], arl0)


def poisson_cusum_designs(means: Floats, *, arl0: float, ratio: float) -> PoissonDesign:
    """K and h for many means at a bounded cost.

    Means are rounded up, by 1 % at the most, to 230 for every power of ten,
    and K and h are those of the rounded mean, however many rows there are. No
    limit is interpolated: counts are whole numbers, and a limit that suits one
    K is wrong for another even nearby.

    Parameters
    ----------
    means : array of float
        μ0; NaN and 0 have no design.
    arl0, ratio
        As `poisson_cusum_design` takes them.

    Returns
    -------
    PoissonDesign
        Shape of `means`, NaN where there is none. Average run lengths are
        `arl0` or more.

    Examples
    --------
    >>> import numpy as np
    >>> poisson_cusum_designs(np.array([0.5, 0.0]), arl0=78.0, ratio=2.0).reference.round(2)
    array([0.72,  nan])
    """
    made = np.full((2, *means.shape), np.nan)
    known = means > 0.0
    if known.any():
        nodes, at = _distinct(np.ceil(np.log(means[known]) / MEAN_STEP))
        pairs = [_poisson_pair(arl0, math.exp(node * MEAN_STEP), ratio) for node in nodes]
        made[:, known] = np.array(pairs)[at].T
    return PoissonDesign(reference=made[0], limit=made[1])


def _interpolated(places: Floats, step: float, limit: Callable[[float], float]) -> Floats:
    """Limits at `places`, linear between those at whole steps; NaN at what is not finite."""
    found = np.full(places.shape, np.nan)
    known = np.isfinite(places)
    if not known.any():
        return found
    steps = places[known] / step
    below = np.floor(steps)
    nodes, at = _distinct(below)
    limits = {node: limit(node * step) for node in {*nodes, *(node + 1 for node in nodes)}}
    first = np.array([limits[node] for node in nodes])[at]
    next_ = np.array([limits[node + 1] for node in nodes])[at]
    found[known] = first + (steps - below) * (next_ - first)
    return found


def _distinct(numbers: Floats) -> tuple[list[int], Integers]:
    """Distinct whole numbers of a narrow range, and which of them each one is."""
    lowest = int(numbers.min())
    places = (numbers - lowest).astype(np.int64)
    present = np.bincount(places) > 0
    rank = np.cumsum(present) - 1
    return (np.flatnonzero(present) + lowest).tolist(), rank[places]


def _check_chance(chance: float, odds_ratio: float) -> None:
    if not 0.0 < chance < 1.0:
        raise ValueError(f"the chance of an event must lie between 0 and 1, not at {chance:g}")
    if not 1.0 < odds_ratio < math.inf:
        raise ValueError(f"the odds ratio must be above 1, not {odds_ratio:g}")
