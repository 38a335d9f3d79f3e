"""CUSUM charts of events: cases with and without one, and counts of rare ones.

Sums are log-likelihood ratios of a changed chance or mean against the usual
one (counts: divided by a constant, so that they are in events). A gap does not
stop a sum, and a point without data, or an excluded one, leaves it as it was.
"""

from __future__ import annotations

import math

import numpy as np

from spcbench.numeric.accumulating import (
    Codes,
    keep_within,
    restarts,
    sum_limits,
    used_points,
)
from spcbench.numeric.event_run_length import (
    bernoulli_cusum_limits_of,
    poisson_cusum_designs,
    poisson_reference,
)
from spcbench.numeric.limits import METHODS, ChartOptions, Limits, Series, or_given, pooled
from spcbench.numeric.segments import Floats
from spcbench.numeric.walks import Sums, cusum_sums


def bernoulli_cusum_limits(series: Series, options: ChartOptions) -> Limits:
    """Limits of a CUSUM of cases that had an event, or had not.

    Parameters
    ----------
    series : Series
        Proportions: `numerator` of `denominator` cases a row, which may be
        1. p0 is the given centre, else events over cases of the baseline.
    options : ChartOptions
        Settings: `odds_ratio` (2) of the change in question; `side`
        (``"both"``, ``"rising"`` or ``"falling"``); `h`, limit of the sums (0:
        calibrated to `arl0` for single cases); `arl0` (5000), mean number of
        cases to a false signal; `head_start` (0), share of h at which sums
        begin; `after_signal` (``"reset"``, ``"continue"``).

    Returns
    -------
    Limits
        On the scale of log-likelihood ratios, round 0. `value` is the sum for
        a rise, or the one for a fall as a negative number, whichever is
        further from 0. Where p0 is 0, 1 or unknown nothing can be learnt:
        `value` is 0 and the limits are NaN. Cases added up by the row signal
        somewhat later than one by one, and more seldom when nothing changed.
        Method ``exact`` where h is calibrated, ``given`` where it is set.

    References
    ----------
    .. [1] Reynolds & Stoumbos (1999), Journal of Quality Technology 31:87;
       Neuburger et al. (2017), BMJ Quality & Safety 26:919.

    Examples
    --------
    >>> import numpy as np
    >>> from spcbench.numeric.segments import Segments
    >>> events = np.array([0.0, 1.0, 1.0])
    >>> series = Series(
    ...     value=events, numerator=events, denominator=np.ones(3),
    ...     in_baseline=np.ones(3, bool), gap=np.zeros(3, bool),
    ...     segments=Segments.from_lengths([3]), given_centre=np.full(3, 0.1),
    ... )
    >>> limits = bernoulli_cusum_limits(series, ChartOptions(settings={"h": 3.5}))
    >>> limits.value.round(3), limits.ucl
    (array([-0.051,  0.598,  1.196]), array([3.5, 3.5, 3.5]))
    """
    side = str(options.settings.get("side", "both"))
    h = float(options.settings.get("h", 0.0))
    chance = _chances(series)
    if h == 0.0:
        reach = bernoulli_cusum_limits_of(
            chance,
            arl0=float(options.settings.get("arl0", 5000.0)),
            odds_ratio=float(options.settings.get("odds_ratio", 2.0)),
            side=side,
        )
    else:
        reach = np.where((chance > 0.0) & (chance < 1.0), h, np.nan)
    sums = bernoulli_cusum_sums(series, chance, reach, options)
    limits = sum_limits(sums, reach, _methods(series, h), series, options)
    keep_within(
        limits,
        0.0 if side == "rising" else -np.inf,
        0.0 if side == "falling" else np.inf,
    )
    return limits


def bernoulli_cusum_sums(
    series: Series, chance: Floats, reach: Floats, options: ChartOptions
) -> Sums:
    """Sums for a rise and for a fall of the chance of an event.

    Parameters
    ----------
    series : Series
        As `bernoulli_cusum_limits` takes it.
    chance : array of float, shape (rows,)
        p0.
    reach : array of float, shape (rows,)
        h; where it is NaN the sums stay as they are.
    options : ChartOptions
        As `bernoulli_cusum_limits` takes them.

    Returns
    -------
    Sums
        Shape (rows,), log-likelihood ratios; a side not asked for stays 0.
    """
    if series.numerator is None or series.denominator is None:
        raise ValueError("a CUSUM of cases needs numerators and denominators")
    ratio = float(options.settings.get("odds_ratio", 2.0))
    side = str(options.settings.get("side", "both"))
    usable = ~np.isnan(reach)
    used = used_points(series) & usable
    chance = np.where(usable, chance, 0.5)
    events = np.where(used, series.numerator, 0.0)
    others = np.where(used, series.denominator, 0.0) - events
    upward = downward = None
    if side != "falling":
        upward = _evidence(events, others, chance, ratio)
    if side != "rising":
        downward = _evidence(others, events, 1.0 - chance, ratio)
    return cusum_sums(
        upward, downward, np.where(usable, reach, np.inf), series.segments, **restarts(options)
    )


def _evidence(events: Floats, others: Floats, chance: Floats, ratio: float) -> Floats:
    """Log-likelihood ratio of the odds being so many times as high, of events among cases."""
    # ln((1 − p0)/(1 − p1)), and ln(p1/p0) is what remains of the log odds ratio.
    without = np.log1p((ratio - 1.0) * chance)
    return np.asarray(events * (math.log(ratio) - without) - others * without)


def _chances(series: Series) -> Floats:
    """p0 of each row."""
    if series.numerator is None or series.denominator is None:
        raise ValueError("a CUSUM of cases needs numerators and denominators")
    estimated = pooled(series, series.numerator, series.denominator)
    return or_given(series.segments.spread(estimated), series.given_centre)


def poisson_cusum_limits(series: Series, options: ChartOptions) -> Limits:
    """Limits of a CUSUM of counts, for a lasting rise of rare events.

    Parameters
    ----------
    series : Series
        Counts: `numerator`, else `value`. μ0, the events to be expected, is
        the given centre, else `expected` of the row, else the mean count of
        the baseline.
    options : ChartOptions
        Settings: `ratio` (2) μ1/μ0 of the rise in question; `h`, limit of the
        sum in events (0: calibrated to `arl0`); `arl0` (100), mean number of
        points to a false signal; `warning_arl0` (0), the same for the upper
        warning line (0: two thirds of h); `head_start` (0), share of h at
        which the sum begins; `after_signal` (``"reset"``, ``"continue"``);
        `quiet_without_events` (False): a point without events is no signal,
        which it can be only under ``"continue"``.

    Returns
    -------
    Limits
        In events. `value` is the sum of (count − K), K = (μ1 − μ0)/(ln μ1 − ln
        μ0), never below 0. Where μ0 changes from row to row, so do K and h.
        When calibrated, K and h are those of μ0 rounded up by 1 % at the most,
        and K moves by 0.2 % at the most to fit a lattice. Where μ0 is 0 or
        unknown, `value` is 0 and the limits are NaN. Method ``exact`` where h
        is calibrated, ``given`` where it is set.

    References
    ----------
    .. [1] Lucas (1985), Technometrics 27:129; NHS England, Maternity Outcomes
       Signal System (ratio 2, average run lengths 100 and 20, reset after a
       signal of the former).

    Examples
    --------
    >>> import numpy as np
    >>> from spcbench.numeric.segments import Segments
    >>> events = np.array([0.0, 2.0, 1.0])
    >>> series = Series(
    ...     value=events, numerator=events, in_baseline=np.ones(3, bool),
    ...     gap=np.zeros(3, bool), segments=Segments.from_lengths([3]),
    ...     given_centre=np.full(3, 0.5),
    ... )
    >>> poisson_cusum_limits(series, ChartOptions(settings={"h": 3.0})).value.round(3)
    array([0.   , 1.279, 1.557])
    """
    ratio = float(options.settings.get("ratio", 2.0))
    h = float(options.settings.get("h", 0.0))
    arl0 = float(options.settings.get("arl0", 100.0))
    mean, count = _means(series), series.value if series.numerator is None else series.numerator
    if h == 0.0:
        design = poisson_cusum_designs(mean, arl0=arl0, ratio=ratio)
        reference, reach = design.reference, design.limit
    else:
        known = mean > 0.0
        reference = poisson_reference(np.where(known, mean, np.nan), ratio=ratio)
        reach = np.where(known, h, np.nan)
    usable = ~np.isnan(reach)
    sums = cusum_sums(
        np.where(used_points(series) & usable, count - reference, 0.0),
        None,
        np.where(usable, reach, np.inf),
        series.segments,
        **restarts(options),
    )
    limits = sum_limits(sums, reach, _methods(series, h), series, options)
    _put_warning(limits, mean, ratio, float(options.settings.get("warning_arl0", 0.0)))
    keep_within(limits, 0.0, np.inf)
    if options.settings.get("quiet_without_events", False):
        limits.z[(count == 0.0) & (limits.z > 3.0)] = 3.0
    return limits


def _put_warning(limits: Limits, mean: Floats, ratio: float, arl0: float) -> None:
    """Put the upper warning line, in place, where a sum has another average run length."""
    if arl0 > 0.0:
        design = poisson_cusum_designs(mean, arl0=arl0, ratio=ratio)
        limits.upper_warning[:] = np.where(np.isnan(limits.ucl), np.nan, design.limit)


def _means(series: Series) -> Floats:
    """Events to be expected of each row."""
    count = series.value if series.numerator is None else series.numerator
    estimated = series.segments.spread(pooled(series, count, np.ones(count.size)))
    return or_given(or_given(estimated, series.expected), series.given_centre)


def _methods(series: Series, h: float) -> Codes:
    method = "given" if h > 0.0 else "exact"
    return np.full(series.value.size, METHODS.index(method), dtype=np.int8)
