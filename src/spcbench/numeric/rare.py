"""Charts of rare events: cases between them (g), and time between them (t).

When nothing changes, waiting for an event is as likely to end now as ever:
cases between events follow a geometric, times an exponential distribution.
Both leave a share exp(−h·x) of all waits at x or longer, h being the hazard,
so that one set of formulas serves both. Limits stand where a tail falls to
that of k sigma: a point is outside exactly when its one-sided tail, itself
included, is less likely than that.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy import special

from spcbench.numeric.baseline import (
    baseline_only,
    closed_form,
    given_rows,
    means,
    medians,
    setting,
)
from spcbench.numeric.limits import (
    METHODS,
    WARNING_SHARE,
    ChartOptions,
    Limits,
    Series,
    or_given,
)
from spcbench.numeric.moving import D2, mean_moving_range, moving_ranges
from spcbench.numeric.segments import Flags, Floats

LN2 = float(np.log(2.0))
MEDIAN_SHARE = 0.693
"""The median of a geometric distribution in means, as it is printed."""

T_POWER = 3.6
"""The power that turns exponential times into nearly normal ones."""


def g_limits(series: Series, options: ChartOptions) -> Limits:
    """Limits of a g chart: cases between events.

    Parameters
    ----------
    series : Series
        With `value`: whole numbers of cases, NaN "no data".
    options : ChartOptions
        `settings`: ``form`` is

        - ``"probability"``: the centre is the median wait, limits stand where
          the geometric tail is that of k sigma;
        - ``"classic"``: mean ± k·√(m(m + 1)), with the line drawn at the
          median of the values, as qicharts2 does (at 3 sigma 18 in 1,000
          points are above);
        - ``"inclusive"``: mean ± k·√(m(m − 1)) for cases that include the one
          with the event, as qcc does.

    Returns
    -------
    Limits
        Shape (rows,), cases, not below 0. With ``"probability"``, `z` is the
        normal score of the exact tail, beyond ±k exactly when the value is
        beyond the limits drawn, and 0 where so few cases are expected that
        its sign would be wrong; rows with a given sigma have normal limits.

    Raises
    ------
    ValueError
        If a value is below 0 (1 with ``"inclusive"``), or the setting is not
        one of its words.

    References
    ----------
    .. [1] Benneyan (2001), Health Care Management Science 4:305.
    .. [2] Kaminsky, Benneyan, Davis & Burke (1992), Journal of Quality
       Technology 24:63.

    Examples
    --------
    >>> import numpy as np
    >>> from spcbench.numeric.segments import Segments
    >>> series = Series(
    ...     value=np.array([4.0, 20.0, 0.0, 16.0]), in_baseline=np.ones(4, bool),
    ...     gap=np.zeros(4, bool), segments=Segments.from_lengths([4]),
    ... )
    >>> limits = g_limits(series, ChartOptions())
    >>> limits.centre[0].round(2), limits.lcl[0], limits.ucl[0].round(1)
    (np.float64(7.27), np.float64(0.0), np.float64(69.3))
    """
    form = setting(options, "form", ("probability", "classic", "inclusive"))
    segments = series.segments
    _refuse_below(series.value, 1.0 if form == "inclusive" else 0.0, "g")
    value = baseline_only(series, series.value)
    if form == "inclusive":
        centre = or_given(segments.spread(means(value, segments)), series.given_centre)
        with np.errstate(invalid="ignore"):  # a given centre below 1 has no sigma
            sigma = np.sqrt(centre * (centre - 1.0))
        return closed_form(series, series.value, centre, sigma, options, lowest=0.0)
    if form == "classic":
        return _classic(series, value, options)
    with np.errstate(divide="ignore", over="ignore"):
        hazard = segments.spread(np.log1p(1.0 / means(value, segments)))
    hazard = _given_hazard(series, hazard)
    # √(m(m + 1)) of a mean m = 1/(exp(h) − 1).
    with np.errstate(over="ignore"):
        sigma = 0.5 / np.sinh(hazard / 2.0)
    return _waiting(series, hazard, sigma, np.ones(hazard.size, np.bool_), options)


def t_limits(series: Series, options: ChartOptions) -> Limits:
    """Limits of a t chart: time between events.

    Parameters
    ----------
    series : Series
        With `value`: times in any unit, NaN "no data".
    options : ChartOptions
        `settings`: ``form`` is ``"probability"``: quantiles of the exponential
        distribution round its median (mean·ln 2); or ``"nelson"``: an
        individuals chart of the times to the power 1/3.6, turned back.
        ``times``, for the former, says how times were recorded:
        ``"continuous"``; ``"whole"`` for whole days (or other units), where 0
        may stand for anything below 1; or ``"auto"``, whole in segments whose
        baseline has whole numbers only.

    Returns
    -------
    Limits
        Shape (rows,), on the scale of the value, not below 0. With
        ``"probability"`` as `g_limits`. With ``"nelson"`` `screening` is
        obeyed, `z` is that of the powers, and `sigma` what it comes to at the
        centre; limits are NaN where the moving range is 0.

    Raises
    ------
    ValueError
        If a value is below 0 (not above 0 with ``"nelson"``), or a setting is
        not one of its words.

    References
    ----------
    .. [1] Nelson (1994), Journal of Quality Technology 26:239 (power 1/3.6).

    Examples
    --------
    >>> import numpy as np
    >>> from spcbench.numeric.segments import Segments
    >>> series = Series(
    ...     value=np.array([4.5, 20.0, 0.5, 15.0]), in_baseline=np.ones(4, bool),
    ...     gap=np.zeros(4, bool), segments=Segments.from_lengths([4]),
    ... )
    >>> limits = t_limits(series, ChartOptions())
    >>> limits.centre[0].round(2), limits.lcl[0].round(4), limits.ucl[0].round(1)
    (np.float64(6.93), np.float64(0.0135), np.float64(66.1))
    """
    if setting(options, "form", ("probability", "nelson")) == "nelson":
        return _nelson(series, options)
    _refuse_below(series.value, 0.0, "t")
    segments = series.segments
    value = baseline_only(series, series.value)
    with np.errstate(divide="ignore", over="ignore"):
        hazard = segments.spread(1.0 / means(value, segments))
        hazard = _given_hazard(series, hazard)
        sigma = 1.0 / hazard
    return _waiting(series, hazard, sigma, _whole(series, value, options), options)


def _refuse_below(value: Floats, lowest: float, chart: str) -> None:
    if (value < lowest).any():
        raise ValueError(f"{chart} chart: values must be {lowest:g} or more")


def _whole(series: Series, value: Floats, options: ChartOptions) -> Flags:
    """Rows whose times were recorded in whole units, by `value`s of the baseline."""
    times = setting(options, "times", ("auto", "continuous", "whole"))
    if times != "auto":
        return np.full(value.size, times == "whole")
    broken = ~np.isnan(value) & (value != np.floor(value))
    return series.segments.spread(series.segments.sums(broken.astype(np.int64)) == 0)


def _given_hazard(series: Series, hazard: Floats) -> Floats:
    """Hazard of each row; half of all waits are longer than a given centre."""
    if series.given_centre is None:
        return hazard
    with np.errstate(divide="ignore", over="ignore"):
        return or_given(hazard, LN2 / series.given_centre)


def _waiting(
    series: Series, hazard: Floats, sigma: Floats, whole: Flags, options: ChartOptions
) -> Limits:
    """Limits and scores of waits; waits of whole units last up to one more."""
    value, more = series.value, whole.astype(np.float64)
    scale = 1.0 / hazard
    centre = or_given(LN2 * scale, series.given_centre)
    multiples = (options.sigma, options.sigma * WARNING_SHARE)
    alphas = [float(special.ndtr(-multiple)) for multiple in multiples]
    lcl, lower_warning = (np.maximum(-np.log1p(-a) * scale - more, 0.0) for a in alphas)
    ucl, upper_warning = (-np.log(a) * scale for a in alphas)
    above = value > centre
    score = _scores(value, hazard, above, more)
    for multiple, lower, upper in (
        (multiples[0], lcl, ucl),
        (multiples[1], lower_warning, upper_warning),
    ):
        # Rounding must not part the score from the line drawn.
        beyond = (value < lower) | (value > upper)
        np.maximum(score, np.nextafter(multiple, np.inf), out=score, where=beyond)
        np.minimum(score, multiple, out=score, where=~beyond)
    exactly = Limits(
        centre=centre,
        sigma=sigma,
        lcl=lcl,
        ucl=ucl,
        lower_warning=lower_warning,
        upper_warning=upper_warning,
        z=np.where(above, score, 0.0 - score),
        method=np.full(value.size, METHODS.index("exact"), dtype=np.int8),
        # With a median below 1 more than half of all waits are 0.
        neutral=whole & (value == 0) & (centre < 1),
    )
    given = given_rows(series.given_sigma, series.segments)
    if not given.any():
        return exactly
    return _either(given, closed_form(series, value, centre, sigma, options, lowest=0.0), exactly)


def _scores(value: Floats, hazard: Floats, above: Flags, more: Floats) -> Floats:
    """Normal score of the tail on the value's own side, at least 0."""
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        power = -hazard * np.where(above, value, value + more)
        tail = np.where(above, np.exp(power), -np.expm1(power))
    # Where all of the baseline is 0, so is the hazard of waiting: 0 is on the centre.
    tail[(value == 0) & np.isinf(hazard)] = 0.5
    score: Floats = -special.ndtri(np.maximum(tail, np.finfo(np.float64).tiny))
    return np.maximum(score, 0.0, out=score)


def _either(chosen: Flags, one: Limits, other: Limits) -> Limits:
    """Rows of one where chosen, else of the other."""
    mixed: dict[str, Any] = {
        name: np.where(chosen, getattr(one, name), getattr(other, name))
        for name in (
            *("centre", "sigma", "lcl", "ucl"),
            *("lower_warning", "upper_warning", "z", "method"),
        )
    }
    neutral = None if other.neutral is None else other.neutral & ~chosen
    return replace(other, **mixed, neutral=neutral)


def _classic(series: Series, value: Floats, options: ChartOptions) -> Limits:
    """Limits round the mean, with the centre line drawn at the median."""
    segments = series.segments
    mean = segments.spread(means(value, segments))
    centre = segments.spread(medians(value, segments))
    if series.given_centre is not None:
        mean = or_given(mean, series.given_centre / MEDIAN_SHARE)
        centre = or_given(centre, series.given_centre)
    sigma = np.sqrt(mean * (mean + 1.0))
    # z is about the mean, as the limits are: beyond k is then beyond the line drawn.
    limits = closed_form(series, series.value, mean, sigma, options, lowest=0.0)
    return replace(limits, centre=centre)


def _nelson(series: Series, options: ChartOptions) -> Limits:
    """Individuals chart of nearly normal powers, turned back into times."""
    if (series.value <= 0).any():
        raise ValueError("t chart: values must be above 0")
    segments = series.segments
    root = series.value ** (1.0 / T_POWER)
    judged = baseline_only(series, root)
    centre = segments.spread(means(judged, segments))
    if series.given_centre is not None:
        centre = or_given(centre, series.given_centre ** (1.0 / T_POWER))
    # A small step of the root is so many times larger as a time, at the centre.
    slope = T_POWER * centre ** (T_POWER - 1.0)
    moving = moving_ranges(judged, series.gap, segments)
    typical = mean_moving_range(moving, segments, screening=options.screening)
    given = None if series.given_sigma is None else series.given_sigma / slope
    powers = closed_form(
        replace(series, value=root, given_sigma=given),
        root,
        centre,
        segments.spread(typical / D2),
        options,
    )
    lines: dict[str, Any] = {
        name: _times(getattr(powers, name), series)
        for name in ("centre", "lcl", "ucl", "lower_warning", "upper_warning")
    }
    return replace(powers, sigma=powers.sigma * slope, **lines)


def _times(line: Floats, series: Series) -> Floats:
    """Line of powers turned back; one power a segment where nothing was given by row."""
    segments = series.segments
    constant = series.given_centre is None and series.given_sigma is None
    line = np.maximum(line[segments.starts] if constant else line, 0.0)
    times: Floats = line**T_POWER
    return segments.spread(times) if constant else times
