"""Charts that add points up: EWMA, CUSUM of single values, and VLAD.

Each point depends on those before it. A gap does not stop a sum, and a point
without data, or an excluded one, leaves it as it was; an excluded point shows
the sum as it stands.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spcbench.numeric.average_run_length import cusum_limit, ewma_width
from spcbench.numeric.limits import (
    METHODS,
    WARNING_SHARE,
    ChartOptions,
    Limits,
    Series,
    or_given,
    pooled,
)
from spcbench.numeric.moving import D2, mean_moving_range, moving_ranges
from spcbench.numeric.segments import Flags, Floats
from spcbench.numeric.walks import Restarts, Sums, cusum_sums, running_sums

Codes = npt.NDArray[np.int8]

USUAL_SIGMA = 3.0
"""At this multiple of sigma the limits stand where the average run length wants them."""


def ewma_limits(series: Series, options: ChartOptions) -> Limits:
    """Limits of an exponentially weighted moving average.

    Parameters
    ----------
    series : Series
        Single values, whose sigma is the mean moving range of the baseline
        over 1.128; or, in segments where every row with data has a numerator
        of at most its denominator, proportions with binomial sigmas.
    options : ChartOptions
        Settings: `weight` λ (0.2); `width` L of the limits, in standard
        deviations of the average (0: calibrated to `arl0`); `arl0` (370).

    Returns
    -------
    Limits
        `value` is the average, from the centre on: e = λ·value + (1 − λ)·e
        before. Its variance adds up likewise, so that limits widen from the
        first point and follow the denominators. `arl0` holds for the width
        that they come to. `value` and limits are NaN where there is no data;
        where sigma is 0 or unknown, limits are NaN. Proportions keep within 0
        and 1.

    References
    ----------
    .. [1] Roberts (1959), Technometrics 1:239; Lucas & Saccucci (1990),
       Technometrics 32:1; Neuburger et al. (2017), BMJ Quality & Safety 26:919.

    Examples
    --------
    >>> import numpy as np
    >>> from spcbench.numeric.segments import Segments
    >>> series = Series(
    ...     value=np.array([10.0, 12.0, 11.0, 13.0]), in_baseline=np.ones(4, bool),
    ...     gap=np.zeros(4, bool), segments=Segments.from_lengths([4]),
    ... )
    >>> ewma_limits(series, ChartOptions()).value.round(3)
    array([11.2  , 11.36 , 11.288, 11.63 ])
    """
    weight = float(options.settings.get("weight", 0.2))
    width = float(options.settings.get("width", 0.0))
    if width == 0.0:
        width = ewma_width(float(options.settings.get("arl0", 370.0)), weight=weight)
    centre, sigma = _of_single_values(series, options)
    pooled_centre, binomial, bounded = _of_proportions(series)
    centre, sigma = np.where(bounded, pooled_centre, centre), np.where(bounded, binomial, sigma)
    used = used_points(series) & ~np.isnan(centre)
    keep = np.where(used, 1.0 - weight, 1.0)
    add = np.where(used, weight * (series.value - centre), 0.0)
    deviation = running_sums(add, keep, series.segments)
    add = np.where(used, weight * sigma, 0.0)
    spread = np.sqrt(running_sums(add * add, keep * keep, series.segments))
    missing = np.isnan(series.value)
    deviation[missing] = np.nan
    spread[missing | (spread == 0.0)] = np.nan
    limits = limits_at(
        centre + deviation,
        width * spread,
        given_methods(series),
        options,
        centre=centre,
        sigma=spread,
    )
    keep_within(limits, np.where(bounded, 0.0, -np.inf), np.where(bounded, 1.0, np.inf))
    return limits


def cusum_limits(series: Series, options: ChartOptions) -> Limits:
    """Limits of a tabular CUSUM of single values, for small lasting shifts.

    Parameters
    ----------
    series : Series
        Single values; sigma is the mean moving range of the baseline over 1.128.
    options : ChartOptions
        Settings: `shift` k (0.5), taken off every deviation, in sigmas; `h`,
        limit of the sums in sigmas (0: calibrated to `arl0`); `arl0` (370);
        `head_start` (0), share of h at which sums begin; `after_signal`
        (``"reset"``: a sum that signalled begins again; ``"continue"``).

    Returns
    -------
    Limits
        In sigmas, round 0. `value` is the upper sum C⁺, or the lower one as
        −C⁻, whichever is further from 0. A signal is a sum beyond h, strictly.
        A head start is not part of `arl0`, which holds without one. Without a
        sigma, or with a sigma of 0, `value` is 0 and the limits are NaN.

    References
    ----------
    .. [1] Montgomery, Introduction to Statistical Quality Control (tabular
       CUSUM); Page (1954), Biometrika 41:100.

    Examples
    --------
    >>> import numpy as np
    >>> from spcbench.numeric.segments import Segments
    >>> series = Series(
    ...     value=np.array([10.0, 12.0, 11.0, 13.0]), in_baseline=np.ones(4, bool),
    ...     gap=np.zeros(4, bool), segments=Segments.from_lengths([4]),
    ...     given_centre=np.full(4, 10.0), given_sigma=np.ones(4),
    ... )
    >>> limits = cusum_limits(series, ChartOptions(settings={"h": 4.0}))
    >>> limits.value, limits.ucl[0]
    (array([0. , 1.5, 2. , 4.5]), np.float64(4.0))
    """
    shift = float(options.settings.get("shift", 0.5))
    h = float(options.settings.get("h", 0.0))
    if h == 0.0:
        h = cusum_limit(float(options.settings.get("arl0", 370.0)), shift=shift)
    centre, sigma = _of_single_values(series, options)
    usable = (sigma > 0.0) & ~np.isnan(centre)
    used = used_points(series) & usable
    with np.errstate(divide="ignore", invalid="ignore"):
        deviation = (series.value - centre) / sigma
    reach = np.where(usable, h, np.nan)
    sums = cusum_sums(
        np.where(used, deviation - shift, 0.0),
        np.where(used, -deviation - shift, 0.0),
        np.where(usable, h, np.inf),
        series.segments,
        **restarts(options),
    )
    return sum_limits(sums, reach, given_methods(series), series, options)


def vlad_limits(series: Series, options: ChartOptions) -> Limits:
    """Variable life-adjusted display: events fewer than expected, added up.

    Parameters
    ----------
    series : Series
        With `numerator` and `expected`; rows where either is NaN are "no data".
    options : ChartOptions
        Not used.

    Returns
    -------
    Limits
        `value` is the sum of (expected − numerator) since the segment began:
        it rises with every event avoided. Centre 0; sigma, limits and z are
        NaN, since a VLAD has no limits of its own.

    References
    ----------
    .. [1] Lovegrove et al. (1997), Lancet 350:1128.

    Examples
    --------
    >>> import numpy as np
    >>> from spcbench.numeric.segments import Segments
    >>> deaths = np.array([0.0, 1.0])
    >>> series = Series(
    ...     value=deaths, numerator=deaths, expected=np.array([0.25, 0.25]),
    ...     in_baseline=np.ones(2, bool), gap=np.zeros(2, bool),
    ...     segments=Segments.from_lengths([2]),
    ... )
    >>> vlad_limits(series, ChartOptions()).value
    array([ 0.25, -0.5 ])
    """
    if series.numerator is None or series.expected is None:
        raise ValueError("a VLAD needs numerators and the numbers expected")
    saved = series.expected - series.numerator
    known = ~np.isnan(saved)
    used = known if series.excluded is None else known & ~series.excluded
    value = running_sums(np.where(used, saved, 0.0), None, series.segments)
    value[~known] = np.nan
    none = np.full(value.size, np.nan)
    return limits_at(value, none, np.zeros(value.size, dtype=np.int8), options)


def _of_single_values(series: Series, options: ChartOptions) -> tuple[Floats, Floats]:
    """Centre, and standard deviation of one point, of each row: given or estimated."""
    segments, value = series.segments, series.value
    kept = series.in_baseline & ~np.isnan(value)
    moving = moving_ranges(np.where(kept, value, np.nan), series.gap, segments)
    sigma = mean_moving_range(moving, segments, screening=options.screening) / D2
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = segments.sums(np.where(kept, value, 0.0))
        centre = centre / segments.sums(kept.astype(np.float64))
    return (
        or_given(segments.spread(centre), series.given_centre),
        or_given(segments.spread(sigma), series.given_sigma),
    )


def _of_proportions(series: Series) -> tuple[Floats, Floats, Flags]:
    """Centre and binomial sigma of each row, and which rows lie in segments of proportions."""
    segments, events, cases = series.segments, series.numerator, series.denominator
    if events is None or cases is None:
        none = np.full(series.value.size, np.nan)
        return none, none, np.zeros(series.value.size, dtype=np.bool_)
    with np.errstate(divide="ignore", invalid="ignore"):
        fitting = (events >= 0.0) & (events <= cases) & (cases > 0.0)
        # Counts may stand beside values that are something else altogether.
        fitting &= np.isclose(series.value, events / cases, rtol=1e-9, atol=0.0)
        odd = segments.sums((~np.isnan(series.value) & ~fitting).astype(np.int64))
        centre = or_given(segments.spread(pooled(series, events, cases)), series.given_centre)
        sigma = np.sqrt(np.maximum(centre * (1.0 - centre), 0.0) / cases)
    return centre, or_given(sigma, series.given_sigma), segments.spread(odd == 0)


def used_points(series: Series) -> Flags:
    """Points that move a sum: with data and not excluded; shape (rows,)."""
    known = ~np.isnan(series.value)
    return known if series.excluded is None else known & ~series.excluded


def given_methods(series: Series) -> Codes:
    """``normal``, or ``given`` where the analyst gave centre or sigma; shape (rows,)."""
    method = np.full(series.value.size, METHODS.index("normal"), dtype=np.int8)
    for given in (series.given_centre, series.given_sigma):
        if given is not None:
            method[~np.isnan(given)] = METHODS.index("given")
    return method


def restarts(options: ChartOptions) -> Restarts:
    """What `cusum_sums` needs to know of how sums begin."""
    return {
        "head_start": float(options.settings.get("head_start", 0.0)),
        "resets": options.settings.get("after_signal", "reset") == "reset",
    }


def sum_limits(
    sums: Sums, reach: Floats, method: Codes, series: Series, options: ChartOptions
) -> Limits:
    """Limits of both sums of a CUSUM, drawn in one chart round 0.

    Parameters
    ----------
    sums : Sums
        As `cusum_sums` gives them.
    reach : array of float, shape (rows,)
        h; NaN where sums have no limit, and then are 0.
    method : array of int8, shape (rows,)
        Index into `METHODS`.
    series : Series
        Says where there is no data: values and limits are NaN there.
    options : ChartOptions
        As the chart got it.

    Returns
    -------
    Limits
    """
    missing = np.isnan(series.value)
    value = sums.further
    value[np.isnan(reach)] = 0.0
    value[missing] = np.nan
    return limits_at(value, np.where(missing, np.nan, reach), method, options)


def limits_at(
    value: Floats,
    reach: Floats,
    method: Codes,
    options: ChartOptions,
    *,
    centre: Floats | None = None,
    sigma: Floats | None = None,
) -> Limits:
    """Limits at a distance that an average run length asks for.

    Parameters
    ----------
    value : array of float, shape (rows,)
        What is plotted.
    reach : array of float, shape (rows,)
        Distance from the centre beyond which a point signals; z is 3 there.
    method : array of int8, shape (rows,)
        Index into `METHODS`.
    options : ChartOptions
        The limits stand at the share `sigma`/3 of the distance: at it, unless
        another multiple of sigma was asked for.
    centre, sigma : array of float, shape (rows,), optional
        0, and a third of the distance, when not given.

    Returns
    -------
    Limits
        Not clipped.
    """
    middle = np.zeros(value.size) if centre is None else centre
    wide = reach * (options.sigma / USUAL_SIGMA)
    near = wide * WARNING_SHARE
    with np.errstate(divide="ignore", invalid="ignore"):
        # In this order, z exceeds 3 just where the value lies beyond the distance.
        z = (value - middle) / reach * USUAL_SIGMA
    return Limits(
        centre=middle,
        sigma=reach / USUAL_SIGMA if sigma is None else sigma,
        lcl=middle - wide,
        ucl=middle + wide,
        lower_warning=middle - near,
        upper_warning=middle + near,
        z=z,
        method=method,
        value=value,
    )


def keep_within(limits: Limits, lowest: Floats | float, highest: Floats | float) -> None:
    """Clip limits, in place, to what the value can be."""
    for lower in (limits.lcl, limits.lower_warning):
        np.maximum(lower, lowest, out=lower)
    for upper in (limits.ucl, limits.upper_warning):
        np.minimum(upper, highest, out=upper)
