"""Centre line, sigma and limits, for many series at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from spcbench.numeric import exact
from spcbench.numeric.segments import Flags, Floats, Segments

METHODS = ("normal", "exact", "mid_p", "jeffreys", "spiegelhalter", "arcsine", "given")
"""The words that the codes in `Limits.method` stand for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Many series laid end to end, as chart types see them.

    Arrays have shape (rows,); NaN means "no data" and leaves both sums.

    Parameters
    ----------
    value : array of float
        What is plotted, on the natural scale (0 to 1 for a proportion).
    numerator, denominator, expected, mean, sd : array of float, optional
        What the chart type needs; None when the counts do not hold it.
    in_baseline : array of bool
        Points that limits are estimated from.
    gap : array of bool
        True where a period is missing just before the point.
    segments : Segments
        One segment per phase of each series.
    excluded : array of bool, optional
        Points that are shown and not used: never in the baseline, and no rule
        sees them.
    given_centre, given_sigma : array of float, optional
        Centre line, and standard deviation of one point, that the analyst gave
        instead of those estimated; NaN where they are to be estimated.
    """

    value: Floats
    numerator: Floats | None = None
    denominator: Floats | None = None
    expected: Floats | None = None
    mean: Floats | None = None
    sd: Floats | None = None
    in_baseline: Flags
    gap: Flags
    segments: Segments
    excluded: Flags | None = None
    given_centre: Floats | None = None
    given_sigma: Floats | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartOptions:
    """What the analyst chose.

    Parameters
    ----------
    sigma : float
        Multiple of sigma for `lcl` and `ucl`; warning lines stand at two thirds.
    limit_method : str
        ``"auto"`` or one of `METHODS`.
    screening : str
        Whether moving ranges beyond 3.267 times their mean leave it:
        ``"none"``, ``"once"`` or ``"iterative"`` (until none is beyond).
    settings : mapping of str to object
        The chart type's own settings, each with a value (its default unless
        the analyst said otherwise).
    """

    sigma: float = 3.0
    limit_method: str = "auto"
    screening: str = "none"
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a chart type gives back; arrays of shape (rows,).

    Parameters
    ----------
    centre, sigma, lcl, ucl, lower_warning, upper_warning : array of float
        NaN only where there is no data, or where the chart has no limits or
        they cannot be estimated (a moving range of zero). Limits are clipped
        to what the value can be; decisions use `z`.
    z : array of float
        Score that the rules see: (value − centre)/sigma, or the normal score
        of the exact tail under exact limits.
    method : array of int8
        Index into `METHODS` of the method that made each limit.
    value : array of float, optional
        What is plotted and judged, where that is not `Series.value` (a moving
        range, a cumulative sum).
    neutral : array of bool, optional
        Points that count for neither side, though they are off the centre:
        chance alone puts more than half of all points exactly there.
    """

    centre: Floats
    sigma: Floats
    lcl: Floats
    ucl: Floats
    lower_warning: Floats
    upper_warning: Floats
    z: Floats
    method: npt.NDArray[np.int8]
    value: Floats | None = None
    neutral: Flags | None = None


WARNING_SHARE = 2 / 3
"""Warning lines stand at this share of the limits' distance: 2 sigma of 3."""

EXACT_BELOW = 5.0
"""Expected events or non-events under which ``auto`` takes exact limits."""


def p_limits(series: Series, options: ChartOptions) -> Limits:
    """Limits of a p chart: proportions with their own denominators.

    Parameters
    ----------
    series : Series
        With `numerator` and `denominator`; rows where either is NaN, or the
        denominator 0, are "no data" and leave both sums.
    options : ChartOptions
        `limit_method` is ``"normal"``, ``"exact"``, or ``"auto"``: exact where
        a segment expects fewer than 5 events or non-events anywhere.

    Returns
    -------
    Limits
        Shape (rows,), proportions. Limits are clipped to 0 and 1; `sigma` is
        the binomial one whatever the method. A segment without a baseline has
        NaN throughout.

    References
    ----------
    .. [1] Montgomery, Introduction to Statistical Quality Control (p chart);
       centre Σr/Σn, sigma √(p̄(1 − p̄)/n).

    Examples
    --------
    >>> import numpy as np
    >>> counts = np.array([8.0, 12.0, 10.0])
    >>> sizes = np.array([100.0, 100.0, 100.0])
    >>> series = Series(
    ...     value=counts / sizes, numerator=counts, denominator=sizes,
    ...     in_baseline=np.ones(3, bool), gap=np.zeros(3, bool),
    ...     segments=Segments.from_lengths([3]),
    ... )
    >>> limits = p_limits(series, ChartOptions(limit_method="normal"))
    >>> limits.centre[0], limits.ucl.round(2)[0]
    (np.float64(0.1), np.float64(0.19))
    """
    if series.numerator is None or series.denominator is None:
        raise ValueError("a p chart needs numerators and denominators")
    numerator, denominator, segments = series.numerator, series.denominator, series.segments
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = _pooled(series, numerator, denominator)
        centre = segments.spread(pooled)
        # Working in place: fresh memory costs more than the arithmetic.
        sigma = 1.0 - centre
        sigma *= centre
        sigma /= denominator
        np.sqrt(sigma, out=sigma)
        sigma[np.isinf(sigma)] = np.nan
        z = series.value - centre
        z /= sigma
        small = _takes_exact(denominator, pooled, segments, options.limit_method)
    z[(sigma == 0) & (series.value == centre)] = 0.0
    limits = normal_limits(centre, sigma, z, options.sigma, lowest=0.0, highest=1.0)
    if small.any():
        _make_exact(limits, segments.spread(small), numerator, denominator, options.sigma)
    return limits


def _pooled(series: Series, numerator: Floats, denominator: Floats) -> Floats:
    """Events over cases of each segment's baseline."""
    kept = series.in_baseline & ~np.isnan(series.value)
    if not kept.all():
        numerator = np.where(kept, numerator, 0.0)
        denominator = np.where(kept, denominator, 0.0)
    sums = series.segments.sums
    return np.asarray(sums(numerator) / sums(denominator), dtype=np.float64)


def normal_limits(
    centre: Floats,
    sigma: Floats,
    z: Floats,
    multiple: float,
    *,
    lowest: float = -np.inf,
    highest: float = np.inf,
) -> Limits:
    """Centre ± multiples of sigma, clipped to what the value can be.

    Parameters
    ----------
    centre, sigma, z : array of float, shape (rows,)
        NaN where there is no data.
    multiple : float
        Multiple of sigma for `lcl` and `ucl`.
    lowest, highest : float
        Bounds of the value.

    Returns
    -------
    Limits
        With `method` ``normal`` throughout.
    """
    wide = multiple * sigma
    lcl, ucl = centre - wide, centre + wide
    wide *= WARNING_SHARE
    lower_warning, upper_warning = centre - wide, centre + wide
    for lower in (lcl, lower_warning):
        np.maximum(lower, lowest, out=lower)
    for upper in (ucl, upper_warning):
        np.minimum(upper, highest, out=upper)
    return Limits(
        centre=centre,
        sigma=sigma,
        lcl=lcl,
        ucl=ucl,
        lower_warning=lower_warning,
        upper_warning=upper_warning,
        z=z,
        method=np.zeros(centre.size, dtype=np.int8),
    )


def _takes_exact(
    denominator: Floats, pooled: Floats, segments: Segments, limit_method: str
) -> Flags:
    """Which segments take exact limits."""
    if limit_method != "auto":
        return np.full(pooled.size, limit_method == "exact")
    # No data, and nothing at all expected of no cases, decide nothing.
    cases = denominator > 0
    if not cases.all():
        denominator = np.where(cases, denominator, np.inf)
    fewest = np.minimum(pooled, 1.0 - pooled) * segments.minima(denominator)
    # Exactly 5 stays normal, though 1 − p loses its last digits: 50 × (1 − 0.9) is 4.99….
    return np.asarray(fewest < EXACT_BELOW * (1.0 - 1e-9), dtype=np.bool_)


def _make_exact(
    limits: Limits, small: Flags, numerator: Floats, denominator: Floats, multiple: float
) -> None:
    """Replace the limits of some rows by exact ones, in place."""
    rows = np.flatnonzero(small)
    pairs, index = np.unique(
        np.stack([denominator[rows], limits.centre[rows]]), axis=1, return_inverse=True
    )
    size, centre = pairs
    for sigma, lower, upper in (
        (multiple, limits.lcl, limits.ucl),
        (multiple * WARNING_SHARE, limits.lower_warning, limits.upper_warning),
    ):
        alpha = float(special.ndtr(-sigma))
        lower[rows] = exact.lower_limit(size, centre, alpha=alpha)[index]
        upper[rows] = exact.upper_limit(size, centre, alpha=alpha)[index]
    limits.z[rows] = exact.tail_scores(numerator[rows], denominator[rows], limits.centre[rows])
    limits.method[rows] = METHODS.index("exact")
