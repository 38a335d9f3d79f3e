"""What could be: people treated, and cases that each spares, known within limits only.

numpy and scipy only. Limits are worked out without drawing random numbers, so
that the same counts give the same figures each time and nobody has to trust a
seed. The tests compare them with a million draws.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, special, stats

from spcbench.errors import OptionError

Floats = npt.NDArray[np.float64]

_Z = float(special.ndtri(0.975))
_NODES = (np.arange(2000) + 0.5) / 2000
"""Shares at which the cases spared are looked at: the middles of equal slices."""


PEOPLE_MAX = 10**10
"""Nobody can have treated more; figures beyond break the arithmetic of the limits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A figure with what it could be: 95 % limits, or the span of settings.

    Parameters
    ----------
    low, point, high : float
        In ascending order.

    Raises
    ------
    OptionError
        If they are not numbers in ascending order.
    """

    low: float
    point: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.point <= self.high:
            raise OptionError(
                "a range runs from its lowest figure over its point to its highest; "
                f"it was given {self.low:g}, {self.point:g}, {self.high:g}"
            )


def spared_by_one(nnt: Range) -> Range:
    """Cases that one person treated spares on average: one over the number needed to treat.

    Parameters
    ----------
    nnt : Range
        Its highest figure may be infinite: perhaps nothing is prevented.

    Examples
    --------
    >>> spared_by_one(Range(low=20, point=40, high=math.inf)).low
    0.0
    """
    for one in (nnt.low, nnt.point, nnt.high):
        check_nnt(one)
    return Range(low=1.0 / nnt.high, point=1.0 / nnt.point, high=1.0 / nnt.low)


def treated_range(treated: float, eligible: float | None = None) -> Range:
    """People treated, with what chance alone could make of the uptake.

    Parameters
    ----------
    treated : float
        Those who received the care.
    eligible : float, optional
        Those who should have; without it the number treated is taken as it is.

    Returns
    -------
    Range
        Wilson's 95 % limits of the uptake, times the number eligible.

    Raises
    ------
    OptionError
        If `treated` is more than `eligible`, or a number is out of range.

    Examples
    --------
    >>> found = treated_range(85, 100)
    >>> round(found.low, 1), found.point, round(found.high, 1)
    (76.7, 85.0, 90.7)
    """
    check_people(treated=treated, eligible=eligible)
    if not eligible:
        return Range(low=treated, point=treated, high=treated)
    uptake = _wilson(treated, eligible)
    return Range(low=uptake.low * eligible, point=float(treated), high=uptake.high * eligible)


def extra_treated(treated: float, eligible: float, *, before: Range | tuple[float, float]) -> Range:
    """People treated beyond what the counterfactual rate would have given.

    Parameters
    ----------
    treated, eligible : float
        In the periods that are compared; at least one eligible.
    before : Range or (float, float)
        The counterfactual: a rate with its limits (all equal where it is taken
        as given), or people treated and eligible that the rate comes from.

    Returns
    -------
    Range
        Below zero where the rate is below the counterfactual. Limits are those
        of Newcombe's difference of two proportions, times the number eligible.

    Raises
    ------
    OptionError
        If a number is out of range.

    References
    ----------
    .. [1] Newcombe (1998), Statistics in Medicine 17:873-890, method 10.

    Examples
    --------
    >>> given = Range(low=0.658, point=0.658, high=0.658)
    >>> round(extra_treated(920, 1000, before=given).point, 6)
    262.0
    """
    check_people(treated=treated, eligible=eligible)
    if not eligible:
        raise OptionError("a rate needs somebody eligible in the periods that are compared")
    now = _wilson(treated, eligible)
    then = before if isinstance(before, Range) else _wilson(*before)
    if not (then.low >= 0.0 and then.high <= 1.0):
        raise OptionError(
            f"a counterfactual rate lies between 0 and 1, not {then.point:g}; write 65.8 % as 0.658"
        )
    change = now.point - then.point
    fall = math.hypot(now.point - now.low, then.high - then.point)
    rise = math.hypot(now.high - now.point, then.point - then.low)
    return Range(
        low=eligible * (change - fall), point=eligible * change, high=eligible * (change + rise)
    )


def product_range(people: Range, spared: Range) -> Range:
    """People times cases spared by each, with the uncertainty of both carried through.

    Each factor is taken to spread around its point like a normal distribution
    whose two halves fit its two limits; the limits are the 2.5 % and 97.5 %
    points of the product. They lie above zero only where those of `people` do,
    and are those of one factor where the other is known exactly.

    Parameters
    ----------
    people : Range
        May be below zero, where fewer were treated than before.
    spared : Range
        Cases that one person treated spares, as `spared_by_one`; not below zero.

    Returns
    -------
    Range

    Examples
    --------
    >>> whole = Range(low=348, point=348, high=348)
    >>> found = product_range(whole, spared_by_one(Range(low=30, point=37.5, high=50)))
    >>> round(found.low, 2), round(found.high, 2)
    (6.96, 11.6)
    """
    point = people.point * spared.point
    if people.low == people.high:
        ends = sorted((people.point * spared.low, people.point * spared.high))
        return Range(low=ends[0], point=point, high=ends[1])
    each = np.maximum(_quantiles(spared, _NODES), 0.0)
    low, high = (_product_quantile(share, people, each) for share in (0.025, 0.975))
    # Where neither factor can go further, what the search leaves over is noise.
    if people.low >= 0.0:
        low = max(low, 0.0)
    if people.low * (spared.low if people.low >= 0.0 else spared.high) == point:
        low = point
    if people.high * (spared.high if people.high >= 0.0 else spared.low) == point:
        high = point
    return Range(low=min(low, point), point=point, high=max(high, point))


def _product_quantile(share: float, people: Range, each: Floats) -> float:
    """Where the product of people and of `each`, all as likely, has so much below it."""
    ends = _quantiles(people, np.array([1e-6, 1 - 1e-6]))
    reach = float(np.abs(ends).max() * each.max()) + 1e-9

    def below(value: float) -> float:
        # Where nothing is spared the product is zero, whoever was treated.
        at = np.divide(value, each, out=np.full_like(each, np.inf), where=each > 0)
        shares = np.where(each > 0, _shares(people, at), float(value >= 0.0))
        return float(shares.mean()) - share

    return float(optimize.brentq(below, -reach, reach, xtol=1e-12, rtol=1e-12))


def _quantiles(over: Range, shares: Floats) -> Floats:
    z = special.ndtri(shares)
    side = np.where(z < 0, over.point - over.low, over.high - over.point)
    return np.asarray(over.point + z / _Z * side)


def _shares(over: Range, at: Floats) -> Floats:
    """How much of a factor lies at or below each value."""
    away = at - over.point
    side = np.where(away < 0, over.point - over.low, over.high - over.point)
    z = np.divide(
        _Z * away, side, out=np.copysign(np.full_like(away, np.inf), away), where=side > 0
    )
    return np.asarray(special.ndtr(z))


def check_people(**numbers: float | None) -> None:
    """Refuse numbers of people that cannot be.

    Raises
    ------
    OptionError
        If one is below zero or no number, or more were treated than eligible.
    """
    for name, value in numbers.items():
        what = name.replace("_", " ")
        if value is not None and PEOPLE_MAX < value < math.inf:
            raise OptionError(f"the number {what} is more than there are people")
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise OptionError(f"the number {what} must be 0 or more, not {value:g}")
    treated, eligible = numbers.get("treated"), numbers.get("eligible")
    if treated is not None and eligible is not None and treated > eligible:
        raise OptionError(
            f"{treated:g} treated is more than the {eligible:g} eligible; "
            "treated are those of the eligible who received the care"
        )


def check_nnt(nnt: float) -> None:
    """Refuse a number needed to treat that cannot be.

    Raises
    ------
    OptionError
        If it is below 1 or no number; it may be infinite.
    """
    if not nnt >= 1.0:
        raise OptionError(f"a number needed to treat is 1 or more, not {nnt:g}")


def _wilson(treated: float, eligible: float) -> Range:
    """The rate with Wilson's 95 % limits."""
    check_people(treated=treated, eligible=eligible)
    if treated != int(treated) or eligible != int(eligible):
        raise OptionError(
            f"people are whole numbers; treated is {treated:g} and eligible {eligible:g}"
        )
    limits = stats.binomtest(int(treated), int(eligible)).proportion_ci(0.95, method="wilson")
    return Range(low=float(limits.low), point=treated / eligible, high=float(limits.high))
