"""Charts of subgroups of measurements: their means, and their spread."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

from spcbench.numeric.baseline import baseline_only, closed_form, means, setting
from spcbench.numeric.limits import ChartOptions, Limits, Series, or_given
from spcbench.numeric.segments import Floats

_GAMMA_RATIO = (1.0, -1 / 8, 1 / 128, 5 / 1024, -21 / 32768, -399 / 262144)
"""Γ(x + ½)/(Γ(x)·√x) in powers of 1/x: right to 2e-16 for x above 100."""


def c4(size: npt.ArrayLike) -> Floats:
    """Mean standard deviation of samples from a normal distribution, in sigmas.

    Parameters
    ----------
    size : array_like
        Members of a sample, at least 2; NaN below.

    Returns
    -------
    array of float
        √(2/(m − 1))·Γ(m/2)/Γ((m − 1)/2).

    References
    ----------
    .. [1] Montgomery, Introduction to Statistical Quality Control, appendix VI.

    Examples
    --------
    >>> c4([2, 5, 25]).round(4)
    array([0.7979, 0.94  , 0.9896])
    """
    number = np.asarray(size, dtype=np.float64)
    half = (np.where(number >= 2, number, np.nan) - 1.0) / 2.0
    exact = np.sqrt(np.pi / half) / special.beta(half, 0.5)
    # Large gammas lose their digits to each other; the asymptotic ratio has them all.
    step, series = 1.0 / half, np.zeros_like(half)
    for term in reversed(_GAMMA_RATIO):
        series = series * step + term
    return np.where(half > 100.0, series, exact)


def xbar_limits(series: Series, options: ChartOptions) -> Limits:
    """Limits of a chart of subgroup means.

    Parameters
    ----------
    series : Series
        With `mean`, `sd` and `denominator` (the size of each subgroup). A
        subgroup without a mean is "no data".
    options : ChartOptions
        `settings`: ``spread`` ``"pooled"`` or ``"mean"``, as in `s_limits`.

    Returns
    -------
    Limits
        Shape (rows,); `value` is the mean, limits are not clipped. The centre
        is the mean weighted by size, sigma is S/(c4·√m). A subgroup of fewer
        than 2 has no limits; neither has a segment whose S is 0.

    Raises
    ------
    ValueError
        If means, standard deviations or sizes are missing altogether, or the
        setting is not one of its words.

    References
    ----------
    .. [1] Montgomery, Introduction to Statistical Quality Control (x̄ and s charts).

    Examples
    --------
    >>> import numpy as np
    >>> from spcbench.numeric.segments import Segments
    >>> series = Series(
    ...     value=np.array([4.0, 6.0]), mean=np.array([4.0, 6.0]), sd=np.array([1.0, 1.0]),
    ...     denominator=np.array([5.0, 15.0]), in_baseline=np.ones(2, bool),
    ...     gap=np.zeros(2, bool), segments=Segments.from_lengths([2]),
    ... )
    >>> limits = xbar_limits(series, ChartOptions())
    >>> limits.centre, limits.sigma.round(3)
    (array([5.5, 5.5]), array([0.476, 0.263]))
    """
    mean, sd, size = _subgroups(series, "x̄")
    segments = series.segments
    judged = baseline_only(series, np.where(size > 0, mean, np.nan))
    centre = segments.spread(means(judged, segments, weights=size))
    sigma = segments.spread(_typical_sd(series, sd, size, options))
    sigma /= _by_size(size)
    with np.errstate(invalid="ignore"):
        sigma /= np.sqrt(size)
    centre = or_given(centre, series.given_centre)
    return closed_form(series, mean, centre, sigma, options)


def s_limits(series: Series, options: ChartOptions) -> Limits:
    """Limits of a chart of subgroup standard deviations.

    Parameters
    ----------
    series : Series
        With `mean`, `sd` and `denominator` (the size of each subgroup). A
        subgroup without a standard deviation is "no data".
    options : ChartOptions
        `settings`: ``spread`` ``"pooled"``: S = √(Σ(m − 1)s²/Σ(m − 1)), or
        ``"mean"``: the mean of s, as tables for equal sizes have it.

    Returns
    -------
    Limits
        Shape (rows,); `value` is the standard deviation, the centre S, sigma
        S·√(1 − c4²)/c4, and `lcl` not below 0. A subgroup of fewer than 2 has
        no limits; neither has a segment whose S is 0.

    Raises
    ------
    ValueError
        As `xbar_limits`.

    References
    ----------
    .. [1] Montgomery, Introduction to Statistical Quality Control (x̄ and s charts).

    Examples
    --------
    >>> import numpy as np
    >>> from spcbench.numeric.segments import Segments
    >>> series = Series(
    ...     value=np.array([4.0, 6.0]), mean=np.array([4.0, 6.0]), sd=np.array([1.0, 1.0]),
    ...     denominator=np.array([5.0, 15.0]), in_baseline=np.ones(2, bool),
    ...     gap=np.zeros(2, bool), segments=Segments.from_lengths([2]),
    ... )
    >>> limits = s_limits(series, ChartOptions())
    >>> limits.lcl.round(3), limits.ucl.round(3)
    (array([0.   , 0.428]), array([2.089, 1.572]))
    """
    _, sd, size = _subgroups(series, "s")
    centre = series.segments.spread(_typical_sd(series, sd, size, options))
    centre = or_given(centre, series.given_centre)
    factor = _by_size(size)
    sigma = centre * np.sqrt(1.0 - factor * factor)
    sigma /= factor
    return closed_form(series, sd, centre, sigma, options, lowest=0.0)


def _subgroups(series: Series, chart: str) -> tuple[Floats, Floats, Floats]:
    if series.mean is None or series.sd is None or series.denominator is None:
        raise ValueError(f"{chart} chart: subgroups need means, standard deviations and sizes")
    return series.mean, series.sd, series.denominator


def _typical_sd(series: Series, sd: Floats, size: Floats, options: ChartOptions) -> Floats:
    """Standard deviation within subgroups, shape (segments,); those of one member say nothing."""
    judged = baseline_only(series, np.where(size > 1, sd, np.nan))
    if setting(options, "spread", ("pooled", "mean")) == "mean":
        return means(judged, series.segments)
    pooled: Floats = np.sqrt(means(judged * judged, series.segments, weights=size - 1.0))
    return pooled


def _by_size(size: Floats) -> Floats:
    """`c4` of every row; looked up where sizes are whole and not huge, which they mostly are."""
    whole = np.where(size >= 2, size, 0.0)
    if whole.max(initial=0.0) < min(size.size, 10_000):
        place = whole.astype(np.int64)
        if (place == whole).all():
            return c4(np.arange(place.max(initial=0) + 1))[place]
    return c4(size)
