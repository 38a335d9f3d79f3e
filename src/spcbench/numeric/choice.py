"""Which chart of counts fits each series: judged by how much they vary beyond chance.

No single chart is right for all counts. Limits that know chance only are too
narrow where periods differ for other reasons; limits from moving ranges are
wrong where denominators vary and chance is all there is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spcbench.numeric.dispersion import variance_ratio_interval
from spcbench.numeric.limits import EXACT_BELOW, Series, or_given, pooled
from spcbench.numeric.moving import D2, moving_ranges
from spcbench.numeric.segments import Flags, Floats, Integers, Segments

OVERDISPERSED = 1.3
"""Variance ratio from which chance alone is not believed (a proposal, not published)."""

UNEVEN = 2.0
"""Largest over smallest denominator from which p′ gives way to additive p (a proposal)."""

ON_THE_CENTRE = 1e-9
"""Deviation, in chance standard deviations, under which a point lies on the centre."""

CHARTS = {"proportion": ("p", "p_prime", "p_additive"), "rate": ("u", "u_prime")}
"""What may be chosen for each type of data: the chart of chance alone comes first."""

REASONS = ("chance", "unknown", "small_counts", "underdispersed", "overdispersed", "uneven")
"""What the codes in `Choice.reason` stand for.

``chance``: the ratio is under 1.3. ``unknown``: it cannot be estimated.
``small_counts``: exact limits of the plain chart serve, whatever the ratio.
``underdispersed``: less than chance, which narrows no limits.
``overdispersed``: 1.3 or more, denominators within a factor of 2.
``uneven``: 1.3 or more, denominators further apart.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """What a chart is chosen by; arrays of shape (series,).

    Parameters
    ----------
    dispersion : array of float
        Observed over expected variance; NaN with no moving range.
    points : array of int64
        Points that stand behind it: one more than there are moving ranges.
    smallest, largest : array of float
        Denominators of the baseline's points; NaN without a point.
    small : array of bool
        Fewer than 5 events, or of a proportion non-events, expected somewhere.
    """

    dispersion: Floats
    points: Integers
    smallest: Floats
    largest: Floats
    small: Flags


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The chart taken for each series, and why; arrays of shape (series,).

    Parameters
    ----------
    charts : tuple of str
        Chart types that `code` points into.
    code : array of int8
        Index into `charts`.
    reason : array of int8
        Index into `REASONS`.
    grounds : Grounds
        What it was chosen by.
    lower, upper : array of float
        Approximate 95 % interval of the variance ratio (`variance_ratio_interval`);
        NaN where the ratio is not known.
    """

    charts: tuple[str, ...]
    code: npt.NDArray[np.int8]
    reason: npt.NDArray[np.int8]
    grounds: Grounds
    lower: Floats
    upper: Floats


def choice(grounds: Grounds, *, data_type: str = "proportion") -> Choice:
    """Chart of each series by how much it varies beyond chance.

    Parameters
    ----------
    grounds : Grounds
        As `grounds` gives it.
    data_type : str
        ``"proportion"`` (p, p′, additive p) or ``"rate"`` (u, u′).

    Returns
    -------
    Choice
        In this order: small counts keep the plain chart, with exact limits; so
        does a variance ratio that is not known, or under 1.3. Otherwise p′ where
        the largest denominator is under twice the smallest, and additive p where
        it is not (for rates u′ either way). A ratio below 1 never narrows limits.

    Notes
    -----
    The thresholds are this package's proposal; they are not published. Waiting
    until a ratio is significantly above 1 would triple the false signals of
    mildly overdispersed series and hardly find more.

    Examples
    --------
    >>> import numpy as np
    >>> found = choice(Grounds(
    ...     dispersion=np.array([1.0, 1.8, 1.8]), points=np.array([24, 24, 24]),
    ...     smallest=np.array([40.0, 40.0, 40.0]), largest=np.array([60.0, 60.0, 80.0]),
    ...     small=np.array([False, False, False])))
    >>> [found.charts[code] for code in found.code]
    ['p', 'p_prime', 'p_additive']
    """
    charts = CHARTS[data_type]
    interval = variance_ratio_interval(grounds.dispersion, grounds.points)
    with np.errstate(invalid="ignore"):
        over = grounds.dispersion >= OVERDISPERSED
        uneven = grounds.largest >= UNEVEN * grounds.smallest
        # The last that holds stands.
        holds = (
            ("unknown", np.isnan(grounds.dispersion)),
            ("underdispersed", interval.upper < 1.0),
            ("overdispersed", over),
            ("uneven", over & uneven),
            ("small_counts", grounds.small),
        )
    reason = np.zeros(over.size, dtype=np.int8)
    for word, flags in holds:
        reason[flags] = REASONS.index(word)
    code = np.zeros(over.size, dtype=np.int8)
    code[reason == REASONS.index("overdispersed")] = 1
    code[reason == REASONS.index("uneven")] = len(charts) - 1
    return Choice(
        charts=charts,
        code=code,
        reason=reason,
        grounds=grounds,
        lower=interval.lower,
        upper=interval.upper,
    )


def chance_deviation(series: Series, *, data_type: str = "proportion") -> Floats:
    """Distance of each point from its phase's centre, in chance standard deviations.

    Parameters
    ----------
    series : Series
        With `numerator`; without `denominator` every point counts as one
        exposure. One segment a phase.
    data_type : str
        ``"proportion"``: binomial; ``"rate"``: Poisson.

    Returns
    -------
    array of float, shape (rows,)
        NaN without data, and where chance has no spread (centre 0, or 1 of a proportion).
    """
    numerator, size = _counts(series)
    centre = series.segments.spread(_centres(series, numerator, size))
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = centre * (1.0 - centre) if data_type == "proportion" else centre.copy()
        variance /= size
        deviation: Floats = (series.value - centre) / np.sqrt(variance)
    deviation[~np.isfinite(deviation)] = np.nan
    # A series that never leaves its centre must not show the pattern of its rounding errors.
    deviation[np.abs(deviation) < ON_THE_CENTRE] = 0.0
    return deviation


def grounds(
    series: Series,
    whole: Segments,
    *,
    data_type: str = "proportion",
    dispersion: Floats | None = None,
) -> Grounds:
    """What the chart of each series is chosen by.

    Parameters
    ----------
    series : Series
        Counts with one segment a phase; only points of the baseline matter,
        save for `small`, where the limits of every point do.
    whole : Segments
        One segment a series, each made of whole phases.
    data_type : str
        ``"proportion"`` or ``"rate"``.
    dispersion : array of float, shape (series,), optional
        The variance ratio, where it has been found already.

    Returns
    -------
    Grounds
        The variance ratio is (mean moving range/1.128)² of the points in chance
        standard deviations, over the moving ranges of all phases together.

    References
    ----------
    .. [1] Laney (2002), Quality Engineering 14:531 (sigma_z of the p′ chart, its root).

    Examples
    --------
    >>> import numpy as np
    >>> counts, sizes = np.array([40.0, 60.0, 40.0]), np.array([100.0, 100.0, 100.0])
    >>> series = Series(
    ...     value=counts / sizes, numerator=counts, denominator=sizes,
    ...     in_baseline=np.ones(3, bool), gap=np.zeros(3, bool),
    ...     segments=Segments.from_lengths([3]),
    ... )
    >>> grounds(series, series.segments).dispersion.round(2)
    array([12.63])
    """
    numerator, size = _counts(series)
    used = series.in_baseline & ~np.isnan(series.value)
    if dispersion is None:
        deviation = chance_deviation(series, data_type=data_type)
        deviation[~series.in_baseline] = np.nan
        moving = moving_ranges(deviation, series.gap, series.segments)
        known = np.isfinite(moving)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = whole.sums(np.where(known, moving, 0.0)) / whole.sums(known.astype(np.int64))
        dispersion = (mean / D2) ** 2
    ranges = used & ~series.gap
    ranges[1:] &= used[:-1]
    ranges[series.segments.starts] = False
    return Grounds(
        dispersion=dispersion,
        points=whole.sums(ranges.astype(np.int64)) + 1,
        smallest=_bounded(whole.minima(np.where(used, size, np.inf))),
        largest=_bounded(-whole.minima(np.where(used, -size, np.inf))),
        small=_small(series, _centres(series, numerator, size), size, whole, data_type),
    )


def _counts(series: Series) -> tuple[Floats, Floats]:
    """Numerators, and denominators or one exposure each."""
    if series.numerator is None:
        raise ValueError("choosing a chart of counts needs numerators")
    if series.denominator is None:
        return series.numerator, np.ones(series.value.size)
    return series.numerator, series.denominator


def _centres(series: Series, numerator: Floats, size: Floats) -> Floats:
    """Events over cases of each phase's baseline, or what the analyst gave instead."""
    given = series.given_centre
    own = None if given is None else given[series.segments.starts]
    return or_given(pooled(series, numerator, size), own)


def _small(series: Series, centre: Floats, size: Floats, whole: Segments, data_type: str) -> Flags:
    """Series that expect fewer than 5 events or non-events somewhere."""
    rarer = np.minimum(centre, 1.0 - centre) if data_type == "proportion" else centre
    fewest = series.segments.minima(np.where(size > 0, size, np.inf))
    with np.errstate(invalid="ignore"):
        # The tolerance with which the limits themselves turn exact: 50 × (1 − 0.9) is 4.99….
        small = rarer * fewest < EXACT_BELOW * (1.0 - 1e-9)
    phases = np.zeros(series.value.size, dtype=np.int64)
    phases[series.segments.starts] = small
    return whole.sums(phases) > 0


def _bounded(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, np.nan)
