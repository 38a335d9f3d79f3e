"""Beside the funnel: change between periods, shrinkage and intervals.

All functions work elementwise and broadcast; NaN in any argument gives NaN,
and so does a size of 0. Counts are checked where they enter the house, so an
impossible one (more events than cases) means nothing here. `alpha` is always a
one-sided tail probability, such as 0.025 for an interval of 95 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from spcbench.numeric.chance import Law
from spcbench.numeric.segments import Flags, Floats

CHANGE_SCALES = ("logit", "log", "sqrt")
"""Proportions; rates and ratios by their logarithm; rates and ratios by their root."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How much each unit changed, and how sure that is; shape (units,).

    Parameters
    ----------
    difference : array of float
        After minus before, on the scale asked for.
    se : array of float
        √(s1² + s2²): its standard error by chance alone.
    size : array of float
        Effective size 1/se²: plotted against it, limits are
        ±z/√size, so they agree with the scores.
    z, p_value : array of float
        Score, with the drift of units in its variance; two-sided p.
    half_added : array of bool
        Whether a count was 0, so that ½ was added to the counts of both periods.
    """

    difference: Floats
    se: Floats
    size: Floats
    z: Floats
    p_value: Floats
    half_added: Flags


@dataclass(frozen=True, slots=True, kw_only=True)
class Shrunken:
    """Estimates drawn towards the target, the more so the smaller the unit; shape (units,).

    Parameters
    ----------
    estimate : array of float
        Posterior mean.
    lower, upper : array of float
        Posterior quantiles. Target and tau² are taken as known, so with few
        units the intervals are somewhat too narrow.
    weight : array of float
        Share of its own deviation that the unit keeps: 0 for none, 1 for all.
    """

    estimate: Floats
    lower: Floats
    upper: Floats
    weight: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Interval of each unit's own value; shape (units,)."""

    lower: Floats
    upper: Floats


def floats(*values: npt.ArrayLike) -> list[Floats]:
    """Values as floats of one shape."""
    return list(np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in values)))


def change(
    before: npt.ArrayLike,
    size_before: npt.ArrayLike,
    after: npt.ArrayLike,
    size_after: npt.ArrayLike,
    *,
    scale: str,
    target: float = 0.0,
    tau2: npt.ArrayLike = 0.0,
    correlation: float = 1.0,
) -> Change:
    """Change of each unit between two periods.

    Parameters
    ----------
    before, after : array_like
        Events in each period.
    size_before, size_after : array_like
        Cases (``logit``), else exposure or expected events; above 0.
    scale : str
        One of `CHANGE_SCALES`: difference of logits (log odds ratio), of
        logarithms (log rate ratio) or of roots.
    target : float
        Change to compare with, on that scale: 0 for none, or that of all.
    tau2 : array_like
        Variance between units within a period, on that scale.
    correlation : float
        Of a unit's own level in the two periods, -1 to 1: with 1 units keep
        their level, so that tau² does not matter.

    Returns
    -------
    Change
        z is (difference − target)/√(s1² + s2² + 2·tau²·(1 − correlation)).
        The s² are 1/r + 1/(n − r) for ``logit``, 1/r for ``log`` and 1/(4n)
        for ``sqrt``, which needs no ½.

    Raises
    ------
    ValueError
        If the scale or correlation is not one.

    References
    ----------
    .. [1] Spiegelhalter (2005), Statistics in Medicine 24:1185.

    Examples
    --------
    >>> found = change([20.0], [100.0], [40.0], [100.0], scale="logit")
    >>> found.difference.round(3), found.z.round(2), found.size.round(2)
    (array([0.981]), array([3.04]), array([9.6]))
    """
    if scale not in CHANGE_SCALES:
        raise ValueError(f"there is no scale {scale!r}; there are {', '.join(CHANGE_SCALES)}")
    if not -1.0 <= correlation <= 1.0:
        raise ValueError(f"a correlation lies between -1 and 1: {correlation}")
    r1, n1, r2, n2 = (x.astype(np.float64) for x in floats(before, size_before, after, size_after))
    lost = np.isnan(r1 + r2 + n1 + n2) | (n1 <= 0) | (n2 <= 0)
    r1, n1, r2, n2 = (np.where(lost, np.nan, x) for x in (r1, n1, r2, n2))
    half_added = _has_zero(r1, n1, r2, n2, scale)
    first, first_variance = _on_scale(r1, n1, half_added, scale)
    second, second_variance = _on_scale(r2, n2, half_added, scale)
    variance = first_variance + second_variance
    drift = 2.0 * np.asarray(tau2, dtype=np.float64) * (1.0 - correlation)
    z = (second - first - target) / np.sqrt(variance + drift)
    return Change(
        difference=second - first,
        se=np.sqrt(variance),
        size=1.0 / variance,
        z=z,
        p_value=np.asarray(2.0 * special.ndtr(-np.abs(z))),
        half_added=half_added,
    )


def common_parts(
    before: npt.ArrayLike,
    size_before: npt.ArrayLike,
    after: npt.ArrayLike,
    size_after: npt.ArrayLike,
    *,
    scale: str,
) -> tuple[Floats, Floats]:
    """What each unit adds to the two sums whose ratio is the change that all have in common.

    Parameters
    ----------
    before, size_before, after, size_after
        As `change`.
    scale : str
        ``"logit"`` (odds ratio) or ``"log"`` (ratio of rates).

    Returns
    -------
    first, second : array of float
        Σ second / Σ first is the Mantel–Haenszel ratio of after to before,
        which stays right however few events a unit has, and however unequal
        the periods are. NaN where anything is missing.

    References
    ----------
    .. [1] Mantel & Haenszel (1959), Journal of the National Cancer Institute 22:719.
    .. [2] Rothman, Greenland & Lash, Modern Epidemiology: ratios of rates.

    Examples
    --------
    >>> first, second = common_parts([20.0, 5.0], 100.0, [40.0, 9.0], 100.0, scale="logit")
    >>> round(float(second.sum() / first.sum()), 3)
    2.45
    """
    if scale not in ("logit", "log"):
        raise ValueError(f"there is no common change on the scale {scale!r}")
    r1, n1, r2, n2 = floats(before, size_before, after, size_after)
    with np.errstate(divide="ignore", invalid="ignore"):
        if scale == "log":
            return r1 * n2 / (n1 + n2), r2 * n1 / (n1 + n2)
        return r1 * (n2 - r2) / (n1 + n2), r2 * (n1 - r1) / (n1 + n2)


def _has_zero(r1: Floats, n1: Floats, r2: Floats, n2: Floats, scale: str) -> Flags:
    if scale == "sqrt":
        return np.zeros(r1.shape, dtype=np.bool_)
    zero: Flags = (r1 == 0) | (r2 == 0)
    if scale == "logit":
        zero = zero | (r1 == n1) | (r2 == n2)
    return zero


def _on_scale(r: Floats, n: Floats, half_added: Flags, scale: str) -> tuple[Floats, Floats]:
    """Value and variance of one period."""
    if scale == "sqrt":
        return np.sqrt(r / n), 0.25 / n
    events = r + 0.5 * half_added
    if scale == "log":
        return np.log(events / n), 1.0 / events
    misses = n - r + 0.5 * half_added
    return np.log(events / misses), 1.0 / events + 1.0 / misses


def kept_share(se: npt.ArrayLike, tau2: npt.ArrayLike) -> Floats:
    """Share of its deviation that a unit is expected to show again next period.

    Parameters
    ----------
    se : array_like
        Standard error of one period's value by chance alone, above 0.
    tau2 : array_like
        Variance between units, same scale.

    Returns
    -------
    array of float
        tau²/(tau² + s²). The rest is regression to the mean: units picked out
        for their deviation fall back by it without any real change.

    References
    ----------
    .. [1] Spiegelhalter (2005), Quality and Safety in Health Care 14:347.

    Examples
    --------
    >>> kept_share([0.1, 0.3], 0.01).round(3)
    array([0.5, 0.1])
    """
    error, between = floats(se, tau2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(between / (between + error**2))


def shrunken(
    value: npt.ArrayLike,
    se: npt.ArrayLike,
    target: npt.ArrayLike,
    tau2: npt.ArrayLike,
    *,
    alpha: float,
) -> Shrunken:
    """Empirical Bayes estimates on a scale where chance and units are about normal.

    Parameters
    ----------
    value, se : array_like
        Value of each unit on the analysis scale, and its standard error, above 0.
    target, tau2 : array_like
        Mean and variance between units, same scale.
    alpha : float
        Tail probability left out at each end.

    Returns
    -------
    Shrunken
        target + w·(value − target) with w of `kept_share` and standard
        deviation s√w, on the analysis scale: transform the three back. With
        tau² of 0 every unit is the target, for sure.

    References
    ----------
    .. [1] Jones & Spiegelhalter (2011), The American Statistician 65:154.

    Examples
    --------
    >>> found = shrunken([1.4], [0.2], 1.0, 0.04, alpha=0.025)
    >>> found.estimate.round(3), found.lower.round(3), found.upper.round(3)
    (array([1.2]), array([0.923]), array([1.477]))
    """
    own, error, centre, between = floats(value, se, target, tau2)
    weight = kept_share(error, between)
    estimate = centre + weight * (own - centre)
    half = -special.ndtri(alpha) * error * np.sqrt(weight)
    weight = np.where(np.isnan(estimate), np.nan, weight)
    return Shrunken(estimate=estimate, lower=estimate - half, upper=estimate + half, weight=weight)


def shrunken_counts(
    law: Law,
    events: npt.ArrayLike,
    size: npt.ArrayLike,
    target: npt.ArrayLike,
    tau2: npt.ArrayLike,
    *,
    alpha: float,
) -> Shrunken:
    """Empirical Bayes estimates of proportions or rates, exact for small counts.

    Parameters
    ----------
    law : Law
        `BINOMIAL`: true proportions vary as a beta; `POISSON`: rates as a gamma.
    events, size : array_like
        Events; cases, exposure or expected events above 0.
    target, tau2 : array_like
        Mean and variance of the true values **on the natural scale**.
    alpha : float
        Tail probability left out at each end.

    Returns
    -------
    Shrunken
        Mean and quantiles of Beta(m·θ + r, m·(1 − θ) + n − r) with
        m = θ(1 − θ)/tau² − 1, or of Gamma(θ²/tau² + r)/(θ/tau² + n). With
        tau² of 0 every unit is the target; NaN where no beta is that wide.

    References
    ----------
    .. [1] Gelman et al., Bayesian Data Analysis: conjugate families.

    Examples
    --------
    >>> from spcbench.numeric.chance import BINOMIAL
    >>> found = shrunken_counts(BINOMIAL, [0.0], [10.0], 0.5, 0.025, alpha=0.025)
    >>> found.estimate.round(3), found.upper.round(3), found.weight.round(3)
    (array([0.237]), array([0.446]), array([0.526]))
    """
    r, n, centre, between = floats(events, size, target, tau2)
    lost = np.isnan(r + n + centre + between) | (n <= 0)
    settled = ~lost & (between == 0)  # the prior is a point
    with np.errstate(divide="ignore", invalid="ignore"):
        prior = centre / between  # in units of size
        if law.bounded:
            prior = prior * (1.0 - centre) - 1.0
        prior = np.where((prior > 0) & ~lost & ~settled, prior, np.nan)
        weight = n / (n + prior)
    hits, total = prior * centre + r, prior + n
    if law.bounded:
        misses = total - hits
        lower = special.betaincinv(hits, misses, alpha)
        upper = special.betainccinv(hits, misses, alpha)
    else:
        lower = special.gammaincinv(hits, alpha) / total
        upper = special.gammainccinv(hits, alpha) / total
    made = (hits / total, lower, upper)
    estimate, lower, upper = (np.where(settled, centre, x) for x in made)
    return Shrunken(
        estimate=estimate, lower=lower, upper=upper, weight=np.where(settled, 0.0, weight)
    )


def exact_interval(
    law: Law, events: npt.ArrayLike, size: npt.ArrayLike, *, alpha: float
) -> Interval:
    """Exact confidence interval of each unit's own proportion or rate.

    Parameters
    ----------
    law : Law
        `BINOMIAL` (Clopper–Pearson) or `POISSON` (Garwood).
    events, size : array_like
        Events, whole numbers; cases, exposure or expected events above 0.
    alpha : float
        Tail probability at each end.

    Returns
    -------
    Interval
        It leaves a target out exactly when the unit is outside the exact
        limits round that target: P(R <= r) < alpha or P(R >= r) < alpha.

    References
    ----------
    .. [1] Clopper & Pearson (1934), Biometrika 26:404.
    .. [2] Garwood (1936), Biometrika 28:437.

    Examples
    --------
    >>> from spcbench.numeric.chance import BINOMIAL, POISSON
    >>> exact_interval(BINOMIAL, [0.0, 5.0], [10.0, 10.0], alpha=0.025).upper.round(4)
    array([0.3085, 0.8129])
    >>> exact_interval(POISSON, [0.0, 5.0], [1.0, 1.0], alpha=0.025).upper.round(3)
    array([ 3.689, 11.668])
    """
    r, n = floats(events, size)
    lost = np.isnan(r + n) | (n <= 0)
    r, n = np.where(lost, np.nan, r), np.where(lost, np.nan, n)
    one, none = np.maximum(r, 1.0), r == 0  # no events: the lower end is 0
    if law.bounded:
        all_met = r == n
        lower = np.where(none, 0.0, special.betaincinv(one, n - one + 1.0, alpha))
        rest = np.where(all_met, 1.0, n - r)
        upper = np.where(all_met, 1.0, special.betainccinv(r + 1.0, rest, alpha))
    else:
        lower = np.where(none, 0.0, special.gammaincinv(one, alpha) / n)
        upper = special.gammainccinv(r + 1.0, alpha) / n
    return Interval(lower=lower, upper=upper)
