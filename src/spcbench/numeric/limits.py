"""Centre line, sigma and limits, for many series at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from spcbench.numeric import small_counts
from spcbench.numeric.chance import BINOMIAL, Law
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

EXACT_BELOW = small_counts.EXACT_BELOW
"""Expected events or non-events under which ``auto`` takes exact limits."""

LIMIT_METHODS = ("auto", "normal", *small_counts.SMALL_METHODS)
"""What `ChartOptions.limit_method` may say on a control chart of counts."""


def p_limits(series: Series, options: ChartOptions) -> Limits:
    """Limits of a p chart: proportions with their own denominators.

    Parameters
    ----------
    series : Series
        With `numerator` and `denominator`; rows where either is NaN, or the
        denominator 0, are "no data" and leave both sums.
    options : ChartOptions
        `limit_method` is ``"normal"``, ``"exact"``, ``"mid_p"``,
        ``"jeffreys"``, or ``"auto"``: exact where a segment expects fewer than
        5 events or non-events anywhere, else normal.

    Returns
    -------
    Limits
        Shape (rows,), proportions. Limits are clipped to 0 and 1; `sigma` is
        the binomial one whatever the method, round a given centre too. A
        segment without a baseline or a given centre has NaN throughout.

    Raises
    ------
    ValueError
        If counts are missing, or there is no such limit method.

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
    pooled, centre = pooled_centre(series, series.numerator, series.denominator)
    sigma = binomial_sigma(centre, series.denominator)
    counts = Counts(BINOMIAL, series.numerator, series.denominator, pooled)
    return count_limits(series, options, counts, centre, sigma)


def binomial_sigma(centre: Floats, denominator: Floats) -> Floats:
    """Standard deviation of a proportion by chance alone, √(p(1 − p)/n).

    Parameters
    ----------
    centre, denominator : array of float, shape (rows,)
        The proportion in control, and the cases; NaN gives NaN.

    Returns
    -------
    array of float, shape (rows,)
        NaN of no cases.

    Examples
    --------
    >>> import numpy as np
    >>> binomial_sigma(np.array([0.5, 0.5]), np.array([100.0, 0.0]))
    array([0.05,  nan])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        # Working in place: fresh memory costs more than the arithmetic.
        sigma = 1.0 - centre
        sigma *= centre
        sigma /= denominator
        np.sqrt(sigma, out=sigma)
    sigma[np.isinf(sigma)] = np.nan
    return sigma


def pooled_centre(series: Series, numerator: Floats, denominator: Floats) -> tuple[Floats, Floats]:
    """Events over cases of each segment's baseline, and the centre line.

    Parameters
    ----------
    series : Series
        Rows outside the baseline, or whose value is NaN, leave both sums;
        `given_centre` stands where it is not NaN.
    numerator, denominator : array of float, shape (rows,)
        Events, and cases or exposure.

    Returns
    -------
    pooled : array of float, shape (segments,)
        NaN without a baseline.
    centre : array of float, shape (rows,)
    """
    share = pooled(series, numerator, denominator)
    return share, or_given(series.segments.spread(share), series.given_centre)


def pooled(series: Series, numerator: Floats, denominator: Floats) -> Floats:
    """Events over cases of each segment's baseline, shape (segments,); NaN without one."""
    kept = series.in_baseline & ~np.isnan(series.value)
    if not kept.all():
        numerator = np.where(kept, numerator, 0.0)
        denominator = np.where(kept, denominator, 0.0)
    sums = series.segments.sums
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(sums(numerator) / sums(denominator), dtype=np.float64)


def or_given(estimated: Floats, given: Floats | None) -> Floats:
    """What the analyst gave, else what was estimated; shape (rows,), NaN where neither."""
    return estimated if given is None else np.where(np.isnan(given), estimated, given)


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


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts behind a chart; arrays of shape (rows,) unless said.

    Parameters
    ----------
    law : Law
        How they vary by chance alone.
    numerator, size : array of float
        Events, and cases or exposure.
    pooled : array of float, shape (segments,)
        Events over cases of each baseline.
    """

    law: Law
    numerator: Floats
    size: Floats
    pooled: Floats


def count_limits(
    series: Series, options: ChartOptions, counts: Counts, centre: Floats, sigma: Floats
) -> Limits:
    """Limits of proportions or rates by the method asked for, round a centre.

    Parameters
    ----------
    series : Series
        `given_sigma` stands where it is not NaN; limits are normal there.
    options : ChartOptions
        One of `LIMIT_METHODS`.
    counts : Counts
        What the plotted values are made of.
    centre, sigma : array of float, shape (rows,)
        Centre line, and standard deviation of each point by chance alone.

    Returns
    -------
    Limits
        Clipped to what the value can be.

    Raises
    ------
    ValueError
        If there is no such limit method.
    """
    if options.limit_method not in LIMIT_METHODS:
        raise ValueError(
            f"limit_method must be one of {', '.join(LIMIT_METHODS)}, not {options.limit_method!r}"
        )
    sigma = or_given(sigma, series.given_sigma)
    limits = scored_limits(
        series, options, centre, sigma, highest=1.0 if counts.law.bounded else np.inf
    )
    if options.limit_method == "auto":
        each = series.given_centre is not None
        rate = centre if each else counts.pooled
        small = small_counts.expects_few(counts.law, rate, counts.size, series.segments, each=each)
    else:
        small = np.full(len(series.segments), options.limit_method in small_counts.SMALL_METHODS)
    if not small.any():
        return limits
    rows = series.segments.spread(small)
    if series.given_sigma is not None:
        rows &= np.isnan(series.given_sigma)
    method = "exact" if options.limit_method == "auto" else options.limit_method
    return _small(limits, np.flatnonzero(rows), counts, options.sigma, method)


def scored_limits(
    series: Series,
    options: ChartOptions,
    centre: Floats,
    sigma: Floats,
    *,
    highest: float,
) -> Limits:
    """Normal limits of a value that is never below 0, with its scores.

    Parameters
    ----------
    series : Series
        Its `value` is judged; where a centre or a sigma was given, `method` is
        ``given``.
    options : ChartOptions
        Its `sigma` counts.
    centre, sigma : array of float, shape (rows,)
        Centre line, and standard deviation of each point.
    highest : float
        What the value cannot pass.

    Returns
    -------
    Limits
        A value on the centre has the score 0, though sigma be 0.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        z = series.value - centre
        z /= sigma
    z[(sigma == 0) & (series.value == centre)] = 0.0
    limits = normal_limits(centre, sigma, z, options.sigma, lowest=0.0, highest=highest)
    for given in (series.given_centre, series.given_sigma):
        if given is not None:
            limits.method[~np.isnan(given)] = METHODS.index("given")
    return limits


def _small(
    limits: Limits, rows: npt.NDArray[np.intp], counts: Counts, multiple: float, method: str
) -> Limits:
    """Limits whose given rows are replaced, in place, by those for small counts."""
    numerator, size, centre = counts.numerator[rows], counts.size[rows], limits.centre[rows]
    # A line costs some microseconds: once for every distinct pair.
    pairs, index = np.unique(np.stack([size, centre]), axis=1, return_inverse=True)
    for sigma, lower, upper in (
        (multiple, limits.lcl, limits.ucl),
        (multiple * WARNING_SHARE, limits.lower_warning, limits.upper_warning),
    ):
        alpha = float(special.ndtr(-sigma))
        lower[rows] = small_counts.lower_limit(counts.law, *pairs, alpha=alpha, method=method)[
            index
        ]
        upper[rows] = small_counts.upper_limit(counts.law, *pairs, alpha=alpha, method=method)[
            index
        ]
    limits.z[rows] = small_counts.scores(counts.law, numerator, size, centre, method=method)
    limits.method[rows] = METHODS.index(method)
    neither = small_counts.on_neither_side(counts.law, numerator, size, centre)
    if not neither.any():
        return limits
    neutral = np.zeros(limits.centre.size, dtype=np.bool_)
    neutral[rows] = neither
    return replace(limits, neutral=neutral)
