"""What chart types of measured values share: settings, averages of the baseline, given lines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spcbench.numeric.limits import METHODS, ChartOptions, Limits, Series, normal_limits, or_given
from spcbench.numeric.segments import Flags, Floats, Segments

NO_SPREAD = 1e-12
"""Smaller than this share of the largest value, a spread is rounding and no spread."""


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
    """Median of the values of each segment.

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
        return _medians_by_sorting(values, segments)
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


def _medians_by_sorting(values: Floats, segments: Segments) -> Floats:
    """Medians of segments of any lengths, from one sort by segment and value."""
    known = np.isfinite(values)
    number = segments.sums(known.astype(np.int64))
    place = segments.spread(np.arange(len(segments)))
    order = np.lexsort((np.where(known, values, np.inf), place))
    ordered = values[order]
    lower = segments.starts + np.maximum(number - 1, 0) // 2
    upper = segments.starts + number // 2
    upper = np.where(number > 0, np.minimum(upper, segments.lasts), segments.starts)
    median: Floats = np.where(number > 0, (ordered[lower] + ordered[upper]) / 2.0, np.nan)
    return median


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
    sigma = or_given(sigma, series.given_sigma)
    # 0.1 + 0.2 is not 0.3: what rounding leaves is neither spread nor distance from 0.
    noise = NO_SPREAD * series.segments.spread(-series.segments.minima(-_sizes(value)))
    flat = sigma <= noise
    if flat.any():
        sigma = np.where(flat, np.nan, sigma)
    near = np.abs(centre) <= noise
    if near.any():
        centre = np.where(near, 0.0, centre)
    z = value - centre
    z /= sigma
    limits = normal_limits(centre, sigma, z, options.sigma, lowest=lowest)
    if series.given_centre is not None or series.given_sigma is not None:
        limits = replace(limits, method=methods(series))
    return limits if value is series.value else replace(limits, value=value)


def _sizes(value: Floats) -> Floats:
    return np.where(np.isnan(value), 0.0, np.abs(value))


def methods(series: Series) -> np.ndarray:
    """Code of ``given`` where the analyst gave something, else of ``normal``."""
    given = given_rows(series.given_centre, series.segments)
    given |= given_rows(series.given_sigma, series.segments)
    code = np.where(given, METHODS.index("given"), METHODS.index("normal"))
    return code.astype(np.int8)
