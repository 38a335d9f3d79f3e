"""Charts of counted things: np, u and c, and those that vary more than chance.

p charts are in `limits`; here are their relatives. Laney's charts (p′, u′, c′)
widen the limits of chance by one factor, the additive p chart adds one variance.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spcbench.numeric.chance import POISSON
from spcbench.numeric.dispersion import additive_variance
from spcbench.numeric.limits import (
    ChartOptions,
    Counts,
    Limits,
    Series,
    binomial_sigma,
    count_limits,
    or_given,
    p_limits,
    pooled_centre,
    scored_limits,
)
from spcbench.numeric.moving import D2, mean_moving_range, moving_ranges
from spcbench.numeric.segments import Floats

NO_SPREAD = 1e-9
"""A mean moving range of so few standard deviations is rounding: there is none."""


def np_limits(series: Series, options: ChartOptions) -> Limits:
    """Limits of an np chart: numbers of events among known numbers of cases.

    Parameters
    ----------
    series : Series
        With `numerator` and `denominator`. A `given_centre` is a proportion,
        as the events expected vary with the cases; a `given_sigma` is in events.
    options : ChartOptions
        As for `p_limits`.

    Returns
    -------
    Limits
        Those of `p_limits` times the denominator, with the same scores;
        `value` is the numerator, NaN where there is no data.

    Raises
    ------
    ValueError
        If counts are missing, or there is no such limit method.

    References
    ----------
    .. [1] Montgomery, Introduction to Statistical Quality Control (np chart).

    Examples
    --------
    >>> from spcbench.numeric.segments import Segments
    >>> counts, sizes = np.array([8.0, 12.0, 10.0]), np.full(3, 100.0)
    >>> series = Series(
    ...     value=counts / sizes, numerator=counts, denominator=sizes,
    ...     in_baseline=np.ones(3, bool), gap=np.zeros(3, bool),
    ...     segments=Segments.from_lengths([3]),
    ... )
    >>> limits = np_limits(series, ChartOptions(limit_method="normal"))
    >>> limits.centre[0].round(9), limits.ucl[0].round(9)
    (np.float64(10.0), np.float64(19.0))
    """
    numerator, size = _counts(series, "an np chart")
    with np.errstate(divide="ignore", invalid="ignore"):
        value = numerator / size
        sigma = None if series.given_sigma is None else series.given_sigma / size
    shares = p_limits(replace(series, value=value, given_sigma=sigma), options)
    return replace(
        shares,
        centre=shares.centre * size,
        sigma=shares.sigma * size,
        lcl=_in_counts(shares.lcl, size, upper=False),
        ucl=_in_counts(shares.ucl, size, upper=True),
        lower_warning=_in_counts(shares.lower_warning, size, upper=False),
        upper_warning=_in_counts(shares.upper_warning, size, upper=True),
        value=np.where(np.isnan(value), np.nan, numerator),
    )


def _in_counts(line: Floats, size: Floats, *, upper: bool) -> Floats:
    """A line of proportions as counts, the same whole counts beyond it."""
    counts = line * size
    whole = np.rint(counts)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = whole / size
    # Rounding may have moved the line past the count that it stands beside.
    if upper:
        inside, edge = np.maximum(counts, whole), np.nextafter(whole, -np.inf)
        return np.where(share > line, np.minimum(counts, edge), inside)
    inside, edge = np.minimum(counts, whole), np.nextafter(whole, np.inf)
    return np.where(share < line, np.maximum(counts, edge), inside)


def u_limits(series: Series, options: ChartOptions) -> Limits:
    """Limits of a u chart: events per exposure.

    Parameters
    ----------
    series : Series
        With `numerator` (events) and `denominator` (exposure, such as bed
        days); rows where either is NaN, or the exposure 0, are "no data".
    options : ChartOptions
        `limit_method` is ``"normal"``, ``"exact"``, ``"mid_p"``,
        ``"jeffreys"``, or ``"auto"``: exact where a segment expects fewer than
        5 events anywhere, else normal.

    Returns
    -------
    Limits
        Shape (rows,), events per unit of exposure; not below 0.

    Raises
    ------
    ValueError
        If counts are missing, or there is no such limit method.

    References
    ----------
    .. [1] Montgomery, Introduction to Statistical Quality Control (u chart);
       centre Σr/Σn, sigma √(ū/n).

    Examples
    --------
    >>> from spcbench.numeric.segments import Segments
    >>> events, days = np.array([8.0, 12.0, 10.0]), np.full(3, 1000.0)
    >>> series = Series(
    ...     value=events / days, numerator=events, denominator=days,
    ...     in_baseline=np.ones(3, bool), gap=np.zeros(3, bool),
    ...     segments=Segments.from_lengths([3]),
    ... )
    >>> u_limits(series, ChartOptions()).ucl[0].round(5)  # 0.01 + 3√(0.01/1000)
    np.float64(0.01949)
    """
    numerator, size = _counts(series, "a u chart")
    pooled, centre = pooled_centre(series, numerator, size)
    counts = Counts(POISSON, numerator, size, pooled)
    return count_limits(series, options, counts, centre, _poisson_sigma(centre, size))


def _poisson_sigma(centre: Floats, size: Floats) -> Floats:
    """Standard deviation of a rate by chance alone, √(u/n); NaN of no exposure."""
    with np.errstate(divide="ignore", invalid="ignore"):
        sigma: Floats = centre / size
        np.sqrt(sigma, out=sigma)
    sigma[np.isinf(sigma)] = np.nan
    return sigma


def c_limits(series: Series, options: ChartOptions) -> Limits:
    """Limits of a c chart: numbers of events, with the same opportunity each time.

    Parameters
    ----------
    series : Series
        With `numerator`; NaN is "no data".
    options : ChartOptions
        As for `u_limits`.

    Returns
    -------
    Limits
        Shape (rows,), events; not below 0. `value` is the numerator.

    Raises
    ------
    ValueError
        If numerators are missing, or there is no such limit method.

    References
    ----------
    .. [1] Montgomery, Introduction to Statistical Quality Control (c chart);
       centre c̄ = mean(r), sigma √c̄.

    Examples
    --------
    >>> from spcbench.numeric.segments import Segments
    >>> events = np.array([8.0, 10.0, 9.0])
    >>> series = Series(
    ...     value=events, numerator=events,
    ...     in_baseline=np.ones(3, bool), gap=np.zeros(3, bool),
    ...     segments=Segments.from_lengths([3]),
    ... )
    >>> limits = c_limits(series, ChartOptions())
    >>> limits.centre[0], limits.lcl[0], limits.ucl[0]
    (np.float64(9.0), np.float64(0.0), np.float64(18.0))
    """
    counted = _events(series, "a c chart")
    return replace(u_limits(counted, options), value=counted.value)


def _events(series: Series, chart: str) -> Series:
    """The same with events as values, and one unit of exposure each time."""
    if series.numerator is None:
        raise ValueError(f"{chart} needs numerators")
    ones = np.ones(series.numerator.size)
    return replace(series, value=series.numerator, denominator=ones)


def _counts(series: Series, chart: str) -> tuple[Floats, Floats]:
    if series.numerator is None or series.denominator is None:
        raise ValueError(f"{chart} needs numerators and denominators")
    return series.numerator, series.denominator


def p_prime_limits(series: Series, options: ChartOptions) -> Limits:
    """Limits of a p′ chart: proportions that vary by a factor more than chance.

    Parameters
    ----------
    series : Series
        As for `p_limits`; the order of the rows matters.
    options : ChartOptions
        Limits are normal whatever the method; `screening` says whether long
        moving ranges are left out. Setting ``narrow`` (False): whether series
        that vary less than chance get limits inside those of chance.

    Returns
    -------
    Limits
        `sigma` is that of chance times sigma_z, the mean moving range of the
        baseline's z-scores over 1.128, or at least 1. Sigma and limits are NaN
        where there is no moving range or they are all zero; with a centre of 0
        or 1 the limits are on it.

    Raises
    ------
    ValueError
        If counts are missing.

    References
    ----------
    .. [1] Laney (2002), Quality Engineering 14:531.

    Examples
    --------
    >>> from spcbench.numeric.segments import Segments
    >>> counts, sizes = np.array([40.0, 60.0, 40.0, 60.0]), np.full(4, 100.0)
    >>> series = Series(
    ...     value=counts / sizes, numerator=counts, denominator=sizes,
    ...     in_baseline=np.ones(4, bool), gap=np.zeros(4, bool),
    ...     segments=Segments.from_lengths([4]),
    ... )
    >>> p_prime_limits(series, ChartOptions()).sigma[0].round(4)  # 0.05 × 4 / 1.128
    np.float64(0.1773)
    """
    numerator, size = _counts(series, "a p′ chart")
    centre = pooled_centre(series, numerator, size)[1]
    return _laney(series, options, centre, binomial_sigma(centre, size), highest=1.0)


def u_prime_limits(series: Series, options: ChartOptions) -> Limits:
    """Limits of a u′ chart: rates that vary by a factor more than chance.

    Parameters
    ----------
    series : Series
        As for `u_limits`; the order of the rows matters.
    options : ChartOptions
        As for `p_prime_limits`.

    Returns
    -------
    Limits
        As for `p_prime_limits`, from the sigma of the u chart; not below 0.

    Raises
    ------
    ValueError
        If counts are missing.

    References
    ----------
    .. [1] Laney (2002), Quality Engineering 14:531.

    Examples
    --------
    >>> from spcbench.numeric.segments import Segments
    >>> events, days = np.array([80.0, 120.0, 80.0, 120.0]), np.full(4, 1000.0)
    >>> series = Series(
    ...     value=events / days, numerator=events, denominator=days,
    ...     in_baseline=np.ones(4, bool), gap=np.zeros(4, bool),
    ...     segments=Segments.from_lengths([4]),
    ... )
    >>> u_prime_limits(series, ChartOptions()).sigma[0].round(4)  # 0.01 × 4 / 1.128
    np.float64(0.0355)
    """
    numerator, size = _counts(series, "a u′ chart")
    centre = pooled_centre(series, numerator, size)[1]
    return _laney(series, options, centre, _poisson_sigma(centre, size), highest=np.inf)


def c_prime_limits(series: Series, options: ChartOptions) -> Limits:
    """Limits of a c′ chart: numbers of events that vary by a factor more than chance.

    Parameters
    ----------
    series : Series
        As for `c_limits`; the order of the rows matters.
    options : ChartOptions
        As for `p_prime_limits`.

    Returns
    -------
    Limits
        As for `u_prime_limits`, with one unit of exposure each time; `value`
        is the numerator.

    Raises
    ------
    ValueError
        If numerators are missing.

    References
    ----------
    .. [1] Laney (2002), Quality Engineering 14:531.

    Examples
    --------
    >>> from spcbench.numeric.segments import Segments
    >>> events = np.array([80.0, 120.0, 80.0, 120.0])
    >>> series = Series(
    ...     value=events, numerator=events,
    ...     in_baseline=np.ones(4, bool), gap=np.zeros(4, bool),
    ...     segments=Segments.from_lengths([4]),
    ... )
    >>> c_prime_limits(series, ChartOptions()).sigma[0].round(2)  # 10 × 4 / 1.128
    np.float64(35.46)
    """
    counted = _events(series, "a c′ chart")
    return replace(u_prime_limits(counted, options), value=counted.value)


def _laney(
    series: Series, options: ChartOptions, centre: Floats, sigma: Floats, *, highest: float
) -> Limits:
    """Limits of chance, widened by sigma_z."""
    with np.errstate(divide="ignore", invalid="ignore"):
        score = series.value - centre
        score /= sigma
    score[~series.in_baseline] = np.nan
    score[np.isinf(score)] = np.nan
    moving = moving_ranges(score, series.gap, series.segments)
    mean = mean_moving_range(moving, series.segments, screening=options.screening)
    factor = np.where(mean > NO_SPREAD, mean / D2, np.nan)
    if not options.settings.get("narrow", False):
        factor = np.maximum(factor, 1.0)
    certain = sigma == 0  # a centre of 0 or 1: chance has no say, and no factor either
    sigma = sigma * series.segments.spread(factor)
    sigma[certain] = 0.0
    return _limits(series, options, centre, sigma, highest)


def p_additive_limits(series: Series, options: ChartOptions) -> Limits:
    """Limits of an additive p chart: proportions with a variance on top of chance.

    Parameters
    ----------
    series : Series
        As for `p_limits`; the order of the rows matters.
    options : ChartOptions
        Its `sigma` counts. Limits are normal whatever the method, and moving
        ranges are never screened: they differ with the denominators.

    Returns
    -------
    Limits
        `sigma` is √(p̄(1 − p̄)/n + tau²), with tau² from the squared moving
        ranges of the baseline: never below that of chance. NaN where there is
        no moving range.

    Raises
    ------
    ValueError
        If counts are missing.

    References
    ----------
    .. [1] Random effects by moments; see `dispersion.additive_variance`.

    Examples
    --------
    >>> from spcbench.numeric.segments import Segments
    >>> counts, sizes = np.array([40.0, 60.0, 40.0, 60.0]), np.full(4, 100.0)
    >>> series = Series(
    ...     value=counts / sizes, numerator=counts, denominator=sizes,
    ...     in_baseline=np.ones(4, bool), gap=np.zeros(4, bool),
    ...     segments=Segments.from_lengths([4]),
    ... )
    >>> p_additive_limits(series, ChartOptions()).sigma[0].round(4)  # √(0.04 / 2)
    np.float64(0.1414)
    """
    numerator, size = _counts(series, "an additive p chart")
    centre = pooled_centre(series, numerator, size)[1]
    chance = binomial_sigma(centre, size)
    value: Floats = np.where(series.in_baseline, series.value, np.nan)
    between = additive_variance(value, chance, series.gap, series.segments)
    np.square(chance, out=chance)
    chance += series.segments.spread(between)
    np.sqrt(chance, out=chance)
    return _limits(series, options, centre, chance, 1.0)


def _limits(
    series: Series, options: ChartOptions, centre: Floats, sigma: Floats, highest: float
) -> Limits:
    """Normal limits round the centre, of the sigma estimated unless one was given."""
    sigma = or_given(sigma, series.given_sigma)
    return scored_limits(series, options, centre, sigma, highest=highest)
