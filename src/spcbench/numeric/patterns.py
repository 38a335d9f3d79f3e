"""Patterns that make limits lie: neighbours alike, seasons, rounded counts, uneven sizes.

Limits assume that points scatter independently round one centre. Each function
here measures one way in which they do not, for all series at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from spcbench.numeric.segments import Flags, Floats, Integers, Segments

ROUNDING_BASES = (10, 5)
"""Multiples that counts are looked through for, the coarser first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Autocorrelation:
    """How alike points are that lie some steps apart; arrays of shape (segments,).

    Parameters
    ----------
    coefficient : array of float
        Corrected for small samples: 0 on average for independent points. NaN
        without a pair, or where all points are equal.
    standard_error : array of float
        Of the coefficient of independent points.
    pairs : array of int64
        Pairs of points behind it.
    """

    coefficient: Floats
    standard_error: Floats
    pairs: Integers

    def beyond(self, chance: float) -> Flags:
        """Where points are more alike than this one-sided chance allows, shape (segments,)."""
        with np.errstate(invalid="ignore"):
            return np.asarray(
                self.coefficient > special.ndtri(1.0 - chance) * self.standard_error,
                dtype=np.bool_,
            )


def autocorrelation(
    values: Floats, breaks: Flags, segments: Segments, *, lag: int = 1
) -> Autocorrelation:
    """Autocorrelation of each segment at one lag, corrected for small samples.

    Parameters
    ----------
    values : array of float, shape (rows,)
        NaN is no data and leaves every pair it would be part of.
    breaks : array of bool, shape (rows,)
        True where a period is missing just before the row: no pair reaches
        across, since it would lie more than `lag` periods apart.
    segments : Segments
        One series each; no pair crosses their edges.
    lag : int
        How many rows apart, at least 1.

    Returns
    -------
    Autocorrelation
        To the usual coefficient is added what independent points lack on
        average, pairs/(N(N − 1)): 1/N at lag 1. Its standard error for
        independent points is √(pairs/(N(N + 2))).

    References
    ----------
    .. [1] Ljung & Box (1978), Biometrika 65:297 (the variance).

    Examples
    --------
    >>> import numpy as np
    >>> found = autocorrelation(
    ...     np.array([1.0, 2.0, 3.0, 4.0]), np.zeros(4, bool), Segments.from_lengths([4]))
    >>> found.coefficient, found.pairs
    (array([0.5]), array([3]))
    """
    known = np.isfinite(values)
    number = segments.sums(known.astype(np.int64))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = segments.sums(np.where(known, values, 0.0)) / number
        centred = np.where(known, values - segments.spread(mean), 0.0)
        spread = segments.sums(centred * centred)
    stretch = np.cumsum(segments.breaks | breaks)
    paired = np.zeros(values.size, dtype=np.bool_)
    paired[lag:] = known[lag:] & known[:-lag] & (stretch[lag:] == stretch[:-lag])
    product = np.zeros(values.size)
    product[lag:] = np.where(paired[lag:], centred[lag:] * centred[:-lag], 0.0)
    pairs = segments.sums(paired.astype(np.int64))
    with np.errstate(divide="ignore", invalid="ignore"):
        # Missing pairs shrink sum and correction alike, so nothing is scaled up.
        coefficient = segments.sums(product) / spread + pairs / (number * (number - 1.0))
        standard_error = np.sqrt(pairs / (number * (number + 2.0)))
    unknown = (pairs == 0) | _constant(values, known, segments)
    coefficient[unknown] = np.nan
    standard_error[unknown] = np.nan
    return Autocorrelation(coefficient=coefficient, standard_error=standard_error, pairs=pairs)


def _constant(values: Floats, known: Flags, segments: Segments) -> Flags:
    """Segments whose known values are all the same; rounding cannot blur this as a sum can."""
    lowest = segments.minima(np.where(known, values, np.inf))
    highest = -segments.minima(np.where(known, -values, np.inf))
    return ~(highest > lowest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seasonality:
    """How far seasons differ; shape (segments,) unless said.

    Parameters
    ----------
    f : array of float
        Variation between the means of seasons over that within seasons.
    probability : array of float
        Chance of so large an `f` without seasons.
    means : array of float, shape (segments, seasons)
        Mean of each season; NaN without a point.
    """

    f: Floats
    probability: Floats
    means: Floats


def seasonality(
    values: Floats, season: npt.NDArray[np.integer], segments: Segments, *, seasons: int = 12
) -> Seasonality:
    """Whether the same months come out high, and low, every year.

    Parameters
    ----------
    values : array of float, shape (rows,)
        Deviations of about the same spread; NaN is no data.
    season : array of int, shape (rows,)
        Month of the year (or quarter) of each row, from 0.
    segments : Segments
        One series each.
    seasons : int
        How many seasons a year has.

    Returns
    -------
    Seasonality
        The F test of a one-way analysis of variance by season. NaN with fewer
        points than two years, or fewer than half of the seasons seen twice, or
        no variation within seasons.

    Notes
    -----
    A trend or a step adds to the variation within seasons and so does not look
    like a season; with two years only a strong season is found.

    Examples
    --------
    >>> import numpy as np
    >>> months = np.tile(np.arange(12), 3)
    >>> values = np.where(months < 6, 1.0, -1.0) + np.tile([0.1, -0.1], 18)
    >>> values[:3] += 0.2
    >>> found = seasonality(values, months, Segments.from_lengths([36]))
    >>> bool(found.probability[0] < 0.001)
    True
    """
    count = len(segments)
    known = np.isfinite(values)
    cell = segments.spread(np.arange(count)) * seasons + season
    shape = (count, seasons)
    cells = count * seasons
    number = np.bincount(cell[known], minlength=cells).reshape(shape)
    total = np.bincount(cell[known], weights=values[known], minlength=cells).reshape(shape)
    points = number.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = total / number
        overall = total.sum(axis=1) / points
        between = np.nansum(number * (means - overall[:, None]) ** 2, axis=1)
        residual = np.where(known, values - means.reshape(-1)[cell], 0.0)
        within = segments.sums(residual * residual)
        freedom = (number > 0).sum(axis=1) - 1
        rest = points - freedom - 1
        f = (between / freedom) / (within / rest)
    enough = (points >= 2 * seasons) & ((number > 1).sum(axis=1) * 2 >= seasons)
    enough &= ~_constant(values, known, segments)
    # Rounding leaves a little within seasons that are exactly alike.
    f = np.where(enough & (within > 1e-12 * between), f, np.nan)
    probability = special.fdtrc(np.maximum(freedom, 1), np.maximum(rest, 1), f)
    return Seasonality(f=f, probability=probability, means=means)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounding:
    """Whether counts look rounded; arrays of shape (segments,).

    Parameters
    ----------
    base : array of int64
        10 or 5 where every count is a multiple of it, else 0.
    distinct : array of int64
        How many different counts there are, 0 aside; 0 where `base` is 0.
    chance : array of float
        Chance that so many different counts would all be such multiples,
        base^−distinct; 1 where `base` is 0.
    """

    base: Integers
    distinct: Integers
    chance: Floats


def rounding(counts: Floats, segments: Segments) -> Rounding:
    """Whether every count of a segment is a multiple of 10, or of 5.

    Parameters
    ----------
    counts : array of float, shape (rows,)
        Whole numbers; NaN and 0 are passed over.
    segments : Segments
        One series each.

    Returns
    -------
    Rounding
        Each different count speaks once, so a sample of 20 cases every month
        is one coincidence and not twenty-four.

    Examples
    --------
    >>> import numpy as np
    >>> found = rounding(np.array([35.0, 40.0, 35.0, 55.0]), Segments.from_lengths([4]))
    >>> found.base, found.distinct, found.chance
    (array([5]), array([3]), array([0.008]))
    """
    counted = np.isfinite(counts) & (counts != 0)
    whole = np.where(counted, counts, 0.0).astype(np.int64)
    base = np.zeros(len(segments), dtype=np.int64)
    for one in reversed(ROUNDING_BASES):
        base[segments.sums((whole % one != 0).astype(np.int64)) == 0] = one
    base[segments.sums(counted.astype(np.int64)) == 0] = 0
    distinct = _distinct(whole, counted & segments.spread(base > 0), segments)
    chance = np.where(base > 0, np.maximum(base, 1).astype(np.float64) ** -distinct, 1.0)
    return Rounding(base=base, distinct=distinct, chance=chance)


def _distinct(whole: Integers, counted: Flags, segments: Segments) -> Integers:
    """Different values among the counted rows of each segment."""
    rows = np.flatnonzero(counted)
    place = np.searchsorted(segments.starts, rows, side="right") - 1
    value = whole[rows]
    order = np.lexsort((value, place))
    place, value = place[order], value[order]
    new = np.ones(rows.size, dtype=np.bool_)
    new[1:] = (place[1:] != place[:-1]) | (value[1:] != value[:-1])
    return np.bincount(place[new], minlength=len(segments)).astype(np.int64)


def denominator_variation(denominator: Floats, segments: Segments) -> Floats:
    """How far the most unusual denominator lies from the mean of its segment.

    Parameters
    ----------
    denominator : array of float, shape (rows,)
        NaN and 0 are no data.
    segments : Segments
        One series each.

    Returns
    -------
    array of float, shape (segments,)
        max(largest − mean, mean − smallest)/mean: 0.25 is "one period lies a
        quarter above or below the mean". NaN without data.

    Examples
    --------
    >>> import numpy as np
    >>> denominator_variation(np.array([50.0, 100.0, 90.0]), Segments.from_lengths([3]))
    array([0.375])
    """
    known = np.isfinite(denominator) & (denominator > 0)
    number = segments.sums(known.astype(np.int64))
    smallest = segments.minima(np.where(known, denominator, np.inf))
    largest = -segments.minima(np.where(known, -denominator, np.inf))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = segments.sums(np.where(known, denominator, 0.0)) / number
        variation: Floats = np.maximum(largest - mean, mean - smallest) / mean
    return variation
