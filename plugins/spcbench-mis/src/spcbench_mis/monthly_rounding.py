"""What rounding hides, and what a published rate gives back.

Counts are rounded to the nearest 5, but a trust's rate per thousand is made
from the counts before rounding. Together they leave room for few true counts,
often for one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SMALL = 5
"""What a count from 1 to 7 is published as."""

ROUNDED_TO = 5
SMALL_RANGE = (1, 7)
MANY = 30
"""Rates that show whether they come from rounded counts."""

PER_CENT_OFF = 0.0501
"""How far a rate in per cent can be from that of its counts, with one decimal."""

LARGEST_ERROR = 2
"""How far a rounded count of 8 or more can be from the true one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """Numerators that fit the rounded counts and the published rates.

    Parameters
    ----------
    numerator : array of float, shape (rows,)
        The whole number nearest to the published rate among those that are
        possible; the published one where no rate says more.
    low, high : array of float, shape (rows,)
        The least and the most it can be.
    fits : array of bool, shape (rows,)
        False where no count fits both; the published one is then kept. Beside 1
        to 7 some rates are published as 0, which fits.
    """

    numerator: Floats
    low: Floats
    high: Floats
    fits: npt.NDArray[np.bool_]


def published(counts: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Counts as the publisher rounds them.

    Examples
    --------
    >>> published([0, 1, 7, 8, 12, 13, 1087]).tolist()
    [0, 5, 5, 10, 10, 15, 1085]
    """
    true = np.asarray(counts, dtype=np.int64)
    rounded = (true + 2) // 5 * 5
    return np.where((true > 0) & (true <= SMALL_RANGE[1]), SMALL, rounded)


def bounds(rounded: npt.ArrayLike) -> tuple[Floats, Floats]:
    """The least and the most that true counts can be.

    Parameters
    ----------
    rounded : array of float
        As published; NaN where there is none.

    Examples
    --------
    >>> [side.tolist() for side in bounds([0.0, 5.0, 10.0, 400.0])]
    [[0.0, 1.0, 8.0, 398.0], [0.0, 7.0, 12.0, 402.0]]
    """
    shown = np.asarray(rounded, dtype=np.float64)
    low = np.where(shown == SMALL, SMALL_RANGE[0], shown - LARGEST_ERROR)
    high = np.where(shown == SMALL, SMALL_RANGE[1], shown + LARGEST_ERROR)
    return np.where(shown == 0, 0.0, low), np.where(shown == 0, 0.0, high)


def unrounded(*counts: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Where one of several counts is not rounded as the publisher does.

    Parameters
    ----------
    counts : arrays of float, of one shape
        As found in the file; NaN where there is none.

    Examples
    --------
    >>> unrounded([10.0, 12.0, 10.0], [400.0, 400.0, float("nan")]).tolist()
    [False, True, False]
    """
    held = np.nan_to_num(np.stack([np.asarray(one, dtype=np.float64) for one in counts]))
    strange: npt.NDArray[np.bool_] = (held % ROUNDED_TO != 0).any(axis=0)
    return strange


def off(numerator: Floats, denominator: Floats, rate: Floats) -> npt.NDArray[np.bool_]:
    """Where a rate in per cent is not that of the rounded counts beside it.

    Beside 1 to 7 some rates are published as 0, which is not off.

    Parameters
    ----------
    numerator, denominator, rate : array of float, shape (rows,)
        As published; NaN where there is none.

    Examples
    --------
    >>> off(np.array([285.0, 285.0]), np.array([400.0, 400.0]), np.array([71.3, 72.0])).tolist()
    [False, True]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        away = np.abs(100.0 * numerator / denominator - rate)
    forced = (numerator == SMALL) & (rate == 0)
    found: npt.NDArray[np.bool_] = (denominator > 0) & (away > PER_CENT_OFF) & ~forced
    return found


def from_rounded(numerator: Floats, denominator: Floats, rate: Floats, *, per: int = 1000) -> bool:
    """Whether rates come from rounded counts after all, and so give nothing back.

    That they come from counts before rounding has not been verified. If they
    do, some do not agree with the rounded counts: of `MANY` hardly ever all.

    Parameters
    ----------
    numerator, denominator, rate : array of float, shape (rows,)
        As `restored` takes them.
    per : int
        What the rate is out of.
    """
    told = ~np.isnan(rate) & (numerator > SMALL) & (denominator > 0)
    shown = np.floor(per * numerator[told] / denominator[told] + 0.5)
    return bool(told.sum() >= MANY and (shown == rate[told]).all())


def restored(numerator: Floats, denominator: Floats, rate: Floats, *, per: int = 1000) -> Restored:
    """Numerators from rounded counts and rates that were made before rounding.

    Parameters
    ----------
    numerator, denominator : array of float, shape (rows,)
        As published.
    rate : array of float, shape (rows,)
        Whole numbers per `per`; NaN where none is published.
    per : int
        What the rate is out of.

    Returns
    -------
    Restored

    Examples
    --------
    13 of 1,087 is published as 15 of 1,085 and 12 per thousand: only 13 fits.

    >>> found = restored(np.array([15.0]), np.array([1085.0]), np.array([12.0]))
    >>> found.numerator, found.low, found.high
    (array([13.]), array([13.]), array([13.]))
    """
    low, high = bounds(numerator)
    fewest, most = bounds(denominator)
    tiny = 1e-9
    known = ~(np.isnan(rate) | np.isnan(numerator))
    with np.errstate(invalid="ignore"):
        from_rate = np.ceil((rate - 0.5) / per * fewest - tiny)
        to_rate = np.floor((rate + 0.5) / per * most + tiny)
        nearest = np.floor(rate / per * denominator + 0.5)
        at_least, at_most = np.maximum(low, from_rate), np.minimum(high, to_rate)
        fits = ~known | (at_least <= at_most) | ((numerator == SMALL) & (rate == 0))
        fits &= ~((most == 0) & (rate > 0))  # a share of nobody
        given_back = known & fits & (numerator > SMALL)
        best = np.clip(nearest, at_least, at_most)
    return Restored(
        numerator=np.where(given_back, best, numerator),
        low=np.where(given_back, at_least, low),
        high=np.where(given_back, at_most, high),
        fits=fits,
    )
