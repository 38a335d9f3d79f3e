"""Charts of single values: individuals, moving ranges, I′ and run charts.

Every statistic is taken over the baseline of a segment. A moving range reaches
neither across a gap or a segment's edge nor over a point that is not in the
baseline; a moving range of zero says nothing about the spread, so sigma and
the limits are then NaN and the centre line stays.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spcbench.numeric.baseline import (
    baseline_only,
    closed_form,
    means,
    medians,
    methods,
    setting,
)
from spcbench.numeric.limits import ChartOptions, Limits, Series, or_given
from spcbench.numeric.moving import D2, D4, MEDIAN_RANGE, mean_moving_range, moving_ranges

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
    >>> from spcbench.numeric.segments import Segments
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
        or_given(segments.spread(centre), series.given_centre),
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
    >>> from spcbench.numeric.segments import Segments
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
    centre = or_given(centre, series.given_centre)
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
    >>> from spcbench.numeric.segments import Segments
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
    centre = or_given(centre, series.given_centre)
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
    >>> from spcbench.numeric.segments import Segments
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
        centre=or_given(centre, series.given_centre),
        sigma=unknown,
        lcl=unknown,
        ucl=unknown,
        lower_warning=unknown,
        upper_warning=unknown,
        z=unknown,
        method=methods(replace(series, given_sigma=None)),
    )
