"""Charts of single values: individuals, moving ranges, I′ and run charts.

Every statistic is taken over the baseline of a segment. A moving range reaches
neither across a gap or a segment's edge nor over a point that is not in the
baseline; a moving range of zero says nothing about the spread, so sigma and
the limits are then NaN and the centre line stays.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spcbench.numeric.limits import METHODS, ChartOptions, Limits, Series, normal_limits
from spcbench.numeric.moving import (
    D2,
    D4,
    MEDIAN_RANGE,
    mean_moving_range,
    moving_ranges,
    segment_medians,
)
from spcbench.numeric.segments import Flags, Floats, Segments

I_FACTORS = {
    ("1.128", "mean"): 1.0 / D2,
    ("1.128", "median"): 1.0 / MEDIAN_RANGE,
    ("2.66", "mean"): 2.66 / 3.0,
    ("2.66", "median"): 3.145 / 3.0,
}
"""Sigmas in one moving range, by the printed constant and the average taken."""

RANGE_SIGMA = (D4 - 1.0) / 3.0
"""Sigma of a moving range in mean moving ranges: 3 of them make the printed 3.267."""


def i_limits(series: Series, options: ChartOptions) -> Limits:
    """Limits of an individuals (XmR) chart.

    Parameters
    ----------
    series : Series
        With `value`; NaN is "no data" and leaves the moving ranges beside it.
    options : ChartOptions
        `screening` as in `mean_moving_range` (it does not touch a median);
        `settings`: ``centre_line`` ``"mean"`` or ``"median"``;
        ``moving_range`` ``"mean"`` (divided by 1.128) or ``"median"`` (by
        0.954); ``factor`` ``"1.128"``, or ``"2.66"`` for limits at 2.66 mean
        (3.145 median) moving ranges as Making Data Count prints them.

    Returns
    -------
    Limits
        Shape (rows,), on the scale of the value, not clipped. Sigma and limits
        are NaN where the moving range is 0; all is NaN without a baseline.

    Raises
    ------
    ValueError
        If a setting is not one of its words.

    References
    ----------
    .. [1] Wheeler, Understanding Variation; NHS England, Making Data Count.

    Examples
    --------
    >>> import numpy as np
    >>> series = Series(
    ...     value=np.array([10.0, 12.0, 9.0, 13.0]), in_baseline=np.ones(4, bool),
    ...     gap=np.zeros(4, bool), segments=Segments.from_lengths([4]),
    ... )
    >>> limits = i_limits(series, ChartOptions())
    >>> limits.centre[0], limits.sigma[0].round(3), limits.ucl[0].round(3)
    (np.float64(11.0), np.float64(2.66), np.float64(18.979))
    """
    segments = series.segments
    average = setting(options, "moving_range", ("mean", "median"))
    factor = setting(options, "factor", ("1.128", "2.66"))
    value = baseline_only(series, series.value)
    moving = moving_ranges(value, series.gap, segments)
    if average == "mean":
        typical = mean_moving_range(moving, segments, screening=options.screening)
    else:
        typical = medians(moving, segments)
    if setting(options, "centre_line", ("mean", "median")) == "mean":
        centre = means(value, segments)
    else:
        centre = medians(value, segments)
    return closed_form(
        series,
        series.value,
        with_given(segments.spread(centre), series.given_centre),
        segments.spread(I_FACTORS[factor, average] * typical),
        options,
    )


def mr_limits(series: Series, options: ChartOptions) -> Limits:
    """Limits of a chart of moving ranges.

    Parameters
    ----------
    series : Series
        With `value`; ranges on either side of "no data", of a gap and of an
        excluded point do not exist.
    options : ChartOptions
        `screening` is not obeyed: this is the chart that judges the ranges.

    Returns
    -------
    Limits
        Shape (rows,); `value` is the moving range, NaN where there is none.
        The centre is the mean of the ranges between points of the baseline,
        `lcl` 0, `ucl` 3.267 means at 3 sigma. Limits are NaN where it is 0.

    References
    ----------
    .. [1] Nelson (1982), Journal of Quality Technology 14:172.

    Examples
    --------
    >>> import numpy as np
    >>> series = Series(
    ...     value=np.array([10.0, 12.0, 9.0, 13.0]), in_baseline=np.ones(4, bool),
    ...     gap=np.zeros(4, bool), segments=Segments.from_lengths([4]),
    ... )
    >>> limits = mr_limits(series, ChartOptions())
    >>> limits.value, limits.centre[0], limits.ucl[0].round(3)
    (array([nan,  2.,  3.,  4.]), np.float64(3.0), np.float64(9.801))
    """
    segments = series.segments
    shown = series.value
    if series.excluded is not None and series.excluded.any():
        shown = np.where(series.excluded, np.nan, shown)
    plotted = moving_ranges(shown, series.gap, segments)
    among = moving_ranges(baseline_only(series, shown), series.gap, segments)
    centre = segments.spread(mean_moving_range(among, segments))
    centre = with_given(centre, series.given_centre)
    return closed_form(series, plotted, centre, RANGE_SIGMA * centre, options, lowest=0.0)


def i_prime_limits(series: Series, options: ChartOptions) -> Limits:
    """Limits of an I′ chart: individuals whose spread shrinks with the denominator.

    Parameters
    ----------
    series : Series
        With `value` and `denominator` (without it every point weighs the
        same); rows where either is NaN, or the denominator 0, are "no data".
    options : ChartOptions
        `screening` applies to the standardised moving ranges.

    Returns
    -------
    Limits
        Shape (rows,), on the scale of the value, not clipped. The centre is
        the mean weighted by the denominators; centre and sigma both come from
        the baseline. Sigma and limits are NaN where no range is above 0.

    References
    ----------
    .. [1] Taylor, normalised individuals (I′) chart:
       s_j = √(π/2)·MR_j/√(1/n_j + 1/n_(j−1)), sigma = mean(s)/√n.

    Examples
    --------
    >>> import numpy as np
    >>> series = Series(
    ...     value=np.array([0.2, 0.3, 0.1]), denominator=np.array([50.0, 50.0, 200.0]),
    ...     in_baseline=np.ones(3, bool), gap=np.zeros(3, bool),
    ...     segments=Segments.from_lengths([3]),
    ... )
    >>> limits = i_prime_limits(series, ChartOptions())
    >>> limits.centre.round(3), limits.sigma.round(3)
    (array([0.15, 0.15, 0.15]), array([0.156, 0.156, 0.078]))
    """
    segments = series.segments
    size = np.ones(segments.size) if series.denominator is None else series.denominator
    with np.errstate(invalid="ignore", divide="ignore"):
        share = 1.0 / size
        share[~(size > 0)] = np.nan
        value = baseline_only(series, series.value + 0.0 * share)
        centre = segments.spread(means(value, segments, weights=size))
        spread = moving_ranges(value, series.gap, segments)
        spread[1:] /= np.sqrt(share[1:] + share[:-1])
        typical = mean_moving_range(spread, segments, screening=options.screening)
        sigma = segments.spread(np.sqrt(np.pi / 2.0) * typical) * np.sqrt(share)
    centre = with_given(centre, series.given_centre)
    return closed_form(series, series.value, centre, sigma, options)


def run_limits(series: Series, options: ChartOptions) -> Limits:
    """Centre line of a run chart: the median, and no limits.

    Parameters
    ----------
    series : Series
        With `value`; NaN is "no data".
    options : ChartOptions
        Nothing in it matters here.

    Returns
    -------
    Limits
        Shape (rows,); all but `centre` and `method` is NaN.

    References
    ----------
    .. [1] Anhøj & Olesen (2014), PLoS ONE 9:e113825.

    Examples
    --------
    >>> import numpy as np
    >>> series = Series(
    ...     value=np.array([3.0, 1.0, 2.0, 9.0]), in_baseline=np.ones(4, bool),
    ...     gap=np.zeros(4, bool), segments=Segments.from_lengths([4]),
    ... )
    >>> run_limits(series, ChartOptions()).centre
    array([2.5, 2.5, 2.5, 2.5])
    """
    segments = series.segments
    centre = segments.spread(medians(baseline_only(series, series.value), segments))
    unknown = np.full(segments.size, np.nan)
    return Limits(
        centre=with_given(centre, series.given_centre),
        sigma=unknown,
        lcl=unknown,
        ucl=unknown,
        lower_warning=unknown,
        upper_warning=unknown,
        z=unknown,
        method=_methods(replace(series, given_sigma=None)),
    )


def setting(options: ChartOptions, name: str, words: tuple[str, ...]) -> str:
    """Word that the analyst chose for one of a chart's settings.

    Parameters
    ----------
    options : ChartOptions
        Holds the settings.
    name : str
        Which of them.
    words : tuple of str
        What it may be; the first holds when nothing is said.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If it is none of `words`.

    Examples
    --------
    >>> setting(ChartOptions(), "factor", ("1.128", "2.66"))
    '1.128'
    """
    word = options.settings.get(name, words[0])
    if word not in words:
        raise ValueError(f"{name} must be one of {', '.join(words)}, not {word!r}")
    return str(word)


def baseline_only(series: Series, values: Floats) -> Floats:
    """Values of the points that limits are estimated from.

    Parameters
    ----------
    series : Series
        Says which points those are.
    values : array of float, shape (rows,)
        NaN is "no data".

    Returns
    -------
    array of float, shape (rows,)
        NaN outside the baseline; `values` itself where all is inside.

    Examples
    --------
    >>> import numpy as np
    >>> series = Series(
    ...     value=np.array([3.0, 1.0]), in_baseline=np.array([True, False]),
    ...     gap=np.zeros(2, bool), segments=Segments.from_lengths([2]),
    ... )
    >>> baseline_only(series, series.value)
    array([ 3., nan])
    """
    if series.in_baseline.all():
        return values
    return np.where(series.in_baseline, values, np.nan)


def means(values: Floats, segments: Segments, *, weights: Floats | None = None) -> Floats:
    """Mean of the values of each segment that are not NaN.

    Parameters
    ----------
    values : array of float, shape (rows,)
        NaN is left out.
    segments : Segments
        One mean for each.
    weights : array of float, shape (rows,), optional
        What each value weighs; its own NaN counts where the value does not.

    Returns
    -------
    array of float, shape (segments,)
        NaN where a segment has no value, or weighs nothing.

    Examples
    --------
    >>> import numpy as np
    >>> means(np.array([3.0, 1.0, np.nan]), Segments.from_lengths([3]))
    array([2.])
    """
    known = ~np.isnan(values)
    held = np.where(known, 1.0 if weights is None else weights, 0.0)
    total = np.where(known, values, 0.0)
    if weights is not None:
        total *= held
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: Floats = segments.sums(total) / segments.sums(held)
    return mean


def medians(values: Floats, segments: Segments) -> Floats:
    """Median of the values of each segment, as `segment_medians`, and quicker.

    Segments of much the same length are sorted as the rows of one table, which
    takes a fraction of the time of sorting by segment and value.

    Parameters
    ----------
    values : array of float, shape (rows,)
        NaN is left out.
    segments : Segments
        One median for each.

    Returns
    -------
    array of float, shape (segments,)
        NaN where a segment has no value.

    Examples
    --------
    >>> import numpy as np
    >>> medians(np.array([3.0, 1.0, np.nan, 2.0, 4.0]), Segments.from_lengths([3, 2]))
    array([2., 3.])
    """
    lengths = segments.lengths
    widest = int(lengths.max(initial=1))
    if widest * len(segments) > 4 * segments.size:
        # One long segment among many short ones would make a table of nothing but room.
        return segment_medians(values, segments)
    if widest * len(segments) == segments.size:
        table = np.sort(values.reshape(len(segments), widest), axis=1)
    else:
        table = np.full((len(segments), widest), np.nan)
        table[np.arange(widest) < lengths[:, None]] = values
        table.sort(axis=1)  # NaN goes last
    number = np.count_nonzero(~np.isnan(table), axis=1)
    row = np.arange(len(segments))
    middle = table[row, np.maximum(number - 1, 0) // 2] + table[row, number // 2 % widest]
    return np.where(number > 0, middle / 2.0, np.nan)


def with_given(estimated: Floats, given: Floats | None) -> Floats:
    """Estimates, replaced where the analyst gave the value.

    Parameters
    ----------
    estimated : array of float, shape (rows,)
        What the data say.
    given : array of float, shape (rows,), optional
        NaN where nothing was given.

    Returns
    -------
    array of float, shape (rows,)

    Examples
    --------
    >>> import numpy as np
    >>> with_given(np.array([1.0, 1.0]), np.array([np.nan, 2.0]))
    array([1., 2.])
    """
    return estimated if given is None else np.where(np.isnan(given), estimated, given)


def given_rows(given: Floats | None, segments: Segments) -> Flags:
    """Rows where the analyst gave a value.

    Parameters
    ----------
    given : array of float, shape (rows,), optional
        NaN where nothing was given.
    segments : Segments
        Say how many rows there are.

    Returns
    -------
    array of bool, shape (rows,)

    Examples
    --------
    >>> import numpy as np
    >>> given_rows(np.array([np.nan, 2.0]), Segments.from_lengths([2]))
    array([False,  True])
    """
    return np.zeros(segments.size, np.bool_) if given is None else ~np.isnan(given)


def closed_form(
    series: Series,
    value: Floats,
    centre: Floats,
    sigma: Floats,
    options: ChartOptions,
    *,
    lowest: float = -np.inf,
) -> Limits:
    """Normal limits round a centre line, with the sigma that was given or estimated.

    Parameters
    ----------
    series : Series
        Says what was given.
    value, centre, sigma : array of float, shape (rows,)
        What is plotted, its centre line (a given one is already in it) and
        the estimated sigma. A sigma of 0 cannot be judged by and becomes NaN.
    options : ChartOptions
        `sigma` is the multiple.
    lowest : float
        Bound of the value.

    Returns
    -------
    Limits
        With `method` ``given`` where centre or sigma was given, else
        ``normal``; `value` is set if it is not that of the series.

    Examples
    --------
    >>> import numpy as np
    >>> series = Series(
    ...     value=np.array([3.0, 1.0]), in_baseline=np.ones(2, bool),
    ...     gap=np.zeros(2, bool), segments=Segments.from_lengths([2]),
    ... )
    >>> closed_form(series, series.value, np.full(2, 2.0), np.ones(2), ChartOptions()).ucl
    array([5., 5.])
    """
    sigma = with_given(sigma, series.given_sigma)
    flat = sigma == 0
    if flat.any():
        sigma = np.where(flat, np.nan, sigma)
    z = value - centre
    z /= sigma
    limits = normal_limits(centre, sigma, z, options.sigma, lowest=lowest)
    if series.given_centre is not None or series.given_sigma is not None:
        limits = replace(limits, method=_methods(series))
    return limits if value is series.value else replace(limits, value=value)


def _methods(series: Series) -> np.ndarray:
    """Code of ``given`` where the analyst gave something, else of ``normal``."""
    given = given_rows(series.given_centre, series.segments)
    given |= given_rows(series.given_sigma, series.segments)
    code = np.where(given, METHODS.index("given"), METHODS.index("normal"))
    return code.astype(np.int8)
