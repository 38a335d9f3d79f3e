"""How much more units vary than chance, what that does to scores, and how many scores there are.

A score is z = (y − target)/s on the analysis scale. Many funnels lie end to
end, one segment each; a score that is missing or infinite (a ratio of no
events has no logarithm) is left out of every sum. Two models of overdispersion: in the
multiplicative one every variance is phi·s², in the additive one s² + tau².
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from spcbench.numeric.segments import Flags, Floats, Integers, Segments

TRIMMINGS = ("winsorise", "truncate")
"""What happens to the outer scores: drawn in to the quantile, or left out."""

TAU2_METHODS = ("dl", "pm", "reml")
"""DerSimonian–Laird, Paule–Mandel, restricted maximum likelihood."""

CENTRES = ("given", "pooled", "estimated")
"""Where the centre of the deviations comes from, see `between_variance`."""

MOST_STEPS = 200
"""A search at worst doubles tau² a step; one that has not ended by then gives NaN."""

RUNGS = 40
"""Values of tau², evenly spaced in its logarithm, among which REML looks for the top first."""

NEAR_ENOUGH = 1e-12
"""A step smaller than this share of tau² ends the search."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VarianceRatios:
    """Mean squared scores: about 1 when only chance is at work; shape (segments,).

    Parameters
    ----------
    raw : array of float
        Of all scores; NaN without any.
    trimmed : array of float
        After trimming; for clean data it is expected to be `consistency`, not 1.
    consistent : array of float
        `trimmed` divided by `consistency`.
    consistency : float
        E[z²] of trimmed normal scores.
    units, used : array of int64
        Scores behind `raw`, and those left by the trimming.
    threshold : array of float
        1 + 2√(2/units): two standard errors above 1.
    warranted : array of bool
        Whether `raw` is beyond the threshold, so that adjusting has a reason.
    """

    raw: Floats
    trimmed: Floats
    consistent: Floats
    consistency: float
    units: Integers
    used: Integers
    threshold: Floats
    warranted: Flags


def winsorised(z: npt.ArrayLike, segments: Segments, *, share: float) -> Floats:
    """Scores with the outer ones of each funnel drawn in to its quantiles.

    Parameters
    ----------
    z : array_like, shape (rows,)
        Scores; NaN or infinite gives NaN.
    segments : Segments
        One funnel each.
    share : float
        Drawn in at each end, at least 0 and below 0.5; the quantiles
        interpolate between order statistics (type 7, R's and numpy's default).

    Returns
    -------
    array of float, shape (rows,)

    Raises
    ------
    ValueError
        If the share is not one.

    References
    ----------
    .. [1] Spiegelhalter (2005), Quality and Safety in Health Care 14:347.

    Examples
    --------
    >>> winsorised([-9.0, -1.0, 0.0, 1.0, 4.0], Segments.from_lengths([5]), share=0.25)
    array([-1., -1.,  0.,  1.,  1.])
    """
    known = _finite(z)
    if _checked_share(share) == 0.0:
        return known
    ordered = known[_order(known, segments)]
    count = _count(known, segments)
    low, high = (
        segments.spread(_quantile(ordered, count, segments, at)) for at in (share, 1.0 - share)
    )
    return np.clip(known, low, high)


def truncated(z: npt.ArrayLike, segments: Segments, *, share: float) -> Floats:
    """Scores without the outer ones of each funnel, by rank.

    Parameters
    ----------
    z : array_like, shape (rows,)
        Scores; NaN is left out first. An infinite one has a rank, and so is
        one of those left out; any that remains gives NaN all the same.
    segments : Segments
        One funnel each.
    share : float
        Left out at each end, at least 0 and below 0.5. Of N scores that of
        rank R (ties averaged) stays if share <= R/(N + 1) < 1 − share, the
        rule behind the SHMI; with a share of 0 all stay.

    Returns
    -------
    array of float, shape (rows,)
        NaN where a score is left out.

    Raises
    ------
    ValueError
        If the share is not one.

    References
    ----------
    .. [1] NHS Digital, SHMI methodology: 10 % truncated at each end.

    Examples
    --------
    >>> truncated([3.0, -1.0, 0.0, 1.0, -2.0], Segments.from_lengths([5]), share=0.2)
    array([nan, -1.,  0.,  1., nan])
    """
    known = np.asarray(z, dtype=np.float64)
    if _checked_share(share) == 0.0:
        return _finite(known)
    # Times 1/share, not against share itself: 1/0.1 is 10, 0.1·30 is not 3.
    tenths = _ranks(known, segments) * (1.0 / share) / segments.spread(_count(known, segments) + 1)
    return _finite(np.where((tenths >= 1.0) & (tenths < 1.0 / share - 1.0), known, np.nan))


def _finite(z: npt.ArrayLike) -> Floats:
    score = np.asarray(z, dtype=np.float64)
    return np.where(np.isfinite(score), score, np.nan)


def _checked_share(share: float) -> float:
    if not 0.0 <= share < 0.5:
        raise ValueError(f"the share trimmed at each end must be at least 0 and below 0.5: {share}")
    return share


def _count(known: Floats, segments: Segments) -> Integers:
    return segments.sums((~np.isnan(known)).astype(np.int64))


def _order(known: Floats, segments: Segments) -> Integers:
    """Rows in the order of their scores within each segment, those without data last."""
    which = segments.spread(np.arange(len(segments)))
    order: Integers = np.lexsort((known, which))
    return order


def _quantile(ordered: Floats, count: Integers, segments: Segments, probability: float) -> Floats:
    if not len(segments):
        return np.empty(0)
    at = np.maximum(count - 1, 0) * probability
    below = np.floor(at).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(count - 1, 0))
    low, high = ordered[segments.starts + below], ordered[segments.starts + above]
    quantile: Floats = low + (at - below) * (high - low)
    return quantile


def _ranks(known: Floats, segments: Segments) -> Floats:
    """Ranks from 1 within each segment, ties averaged."""
    order = _order(known, segments)
    ordered = known[order]
    fresh = segments.breaks
    fresh[1:] |= ordered[1:] != ordered[:-1]
    ties = Segments.from_breaks(fresh)
    place = np.arange(known.size) - segments.spread(segments.starts) + 1.0
    ranks = np.empty(known.size)
    ranks[order] = ties.spread((place[ties.starts] + place[ties.lasts]) / 2.0)
    return ranks


def consistency(share: float, *, trimming: str) -> float:
    """Mean square of normal scores after trimming.

    Parameters
    ----------
    share : float
        Trimmed at each end, at least 0 and below 0.5.
    trimming : str
        One of `TRIMMINGS`.

    Returns
    -------
    float
        What a trimmed phi must be divided by to be 1 for chance alone.

    Raises
    ------
    ValueError
        If the share or the trimming is not one.

    References
    ----------
    .. [1] Moments of the censored and the truncated normal distribution.

    Examples
    --------
    >>> [round(consistency(0.1, trimming=how), 3) for how in TRIMMINGS]
    [0.679, 0.438]
    """
    if trimming not in TRIMMINGS:
        raise ValueError(f"there is no trimming {trimming!r}; there are {', '.join(TRIMMINGS)}")
    if _checked_share(share) == 0.0:
        return 1.0
    cut = -float(special.ndtri(share))
    inside = 1.0 - 2.0 * share - 2.0 * cut * np.exp(-0.5 * cut * cut) / np.sqrt(2.0 * np.pi)
    if trimming == "truncate":
        return float(inside / (1.0 - 2.0 * share))
    return float(inside + 2.0 * share * cut * cut)


def variance_ratios(
    z: npt.ArrayLike, segments: Segments, *, share: float = 0.1, trimming: str = "winsorise"
) -> VarianceRatios:
    """Phi of each funnel, raw, trimmed and made consistent, and whether to adjust.

    Parameters
    ----------
    z : array_like, shape (rows,)
        Scores; missing and infinite ones are left out.
    segments : Segments
        One funnel each.
    share : float
        Trimmed at each end, at least 0 and below 0.5.
    trimming : str
        One of `TRIMMINGS`.

    Returns
    -------
    VarianceRatios
        NaN without scores, and `warranted` False.

    Raises
    ------
    ValueError
        If the share or the trimming is not one.

    References
    ----------
    .. [1] Spiegelhalter (2005), Quality and Safety in Health Care 14:347: phi.

    Examples
    --------
    >>> ratios = variance_ratios([-2.0, -1.0, 0.0, 1.0, 5.0], Segments.from_lengths([5]))
    >>> ratios.raw, ratios.trimmed.round(3), ratios.warranted
    (array([6.2]), array([3.224]), array([ True]))
    """
    expected = consistency(share, trimming=trimming)
    known = _finite(z)
    trim = winsorised if trimming == "winsorise" else truncated
    kept = trim(z, segments, share=share)
    units, used = _count(known, segments), _count(kept, segments)
    with np.errstate(divide="ignore", invalid="ignore"):
        raw = segments.sums(np.nan_to_num(known) ** 2) / units
        trimmed = segments.sums(np.nan_to_num(kept) ** 2) / used
        threshold = np.where(units > 0, 1.0 + 2.0 * np.sqrt(2.0 / units), np.nan)
    return VarianceRatios(
        raw=raw,
        trimmed=trimmed,
        consistent=trimmed / expected,
        consistency=expected,
        units=units,
        used=used,
        threshold=threshold,
        warranted=raw > threshold,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Units:
    """Deviations and variances of the units with data; others weigh nothing."""

    present: Floats
    deviation: Floats
    variance: Floats
    segments: Segments
    centre: str

    @property
    def count(self) -> Floats:
        return self.segments.sums(self.present)

    def weights(self, tau2: Floats) -> Floats:
        return self.present / (self.variance + self.segments.spread(tau2))

    def residuals(self, weight: Floats) -> Floats:
        if self.centre != "estimated":
            return self.deviation
        with np.errstate(invalid="ignore"):  # no unit: 0/0, and nothing to weigh
            mean = self.segments.sums(weight * self.deviation) / self.segments.sums(weight)
        return self.deviation - self.segments.spread(mean)


def between_variance(
    deviation: npt.ArrayLike,
    se: npt.ArrayLike,
    segments: Segments,
    *,
    method: str = "dl",
    centre: str = "pooled",
) -> Floats:
    """Variance between the units of each funnel on top of chance, tau².

    Parameters
    ----------
    deviation : array_like, shape (rows,)
        y − target on the analysis scale; for winsorised scores z_w pass z_w·s,
        for consistent ones z_w·s/√consistency. NaN or infinite is left out.
    se : array_like, shape (rows,)
        Standard errors s by chance alone, above 0 (else the unit is left out).
    segments : Segments
        One funnel each.
    method : str
        One of `TAU2_METHODS`.
    centre : str
        ``given``: the target comes from outside; N squares are expected.
        ``pooled``: it comes from these units (or custom says so); N − 1, as
        published. ``estimated``: the weighted mean of the deviations is taken
        off first; ``reml`` does so under ``pooled`` too.

    Returns
    -------
    array of float, shape (segments,)
        At least 0; NaN with too few units: none if the target is given, else
        fewer than two.

    Raises
    ------
    ValueError
        If the method or centre is not one.

    References
    ----------
    .. [1] DerSimonian & Laird (1986), Controlled Clinical Trials 7:177.
    .. [2] DerSimonian & Kacker (2007), Contemporary Clinical Trials 28:105 (Paule–Mandel).
    .. [3] Viechtbauer (2005), Journal of Educational and Behavioral Statistics 30:261 (REML).

    Examples
    --------
    >>> funnel = Segments.from_lengths([3])
    >>> between_variance([-3.0, 0.0, 3.0], [1.0, 1.0, 1.0], funnel, method="dl")
    array([8.])
    >>> between_variance([-3.0, 0.0, 3.0], [1.0, 1.0, 1.0], funnel, centre="given")
    array([5.])
    """
    if centre not in CENTRES:
        raise ValueError(f"there is no centre {centre!r}; there are {', '.join(CENTRES)}")
    if method not in TAU2_METHODS:
        raise ValueError(f"there is no method {method!r}; there are {', '.join(TAU2_METHODS)}")
    away, error = (np.asarray(x, dtype=np.float64) for x in (deviation, se))
    variance = np.where(error > 0, error, np.nan) ** 2
    present = np.isfinite(away) & np.isfinite(variance) & (variance > 0)
    if method == "reml" and centre == "pooled":
        centre = "estimated"
    find = {"dl": _dersimonian_laird, "pm": _paule_mandel, "reml": _reml}[method]
    made = np.empty(len(segments))
    # In blocks, so that the slowest funnel keeps few others waiting.
    for first, last in segments.blocks():
        rows = slice(segments.starts[first], _end(segments, last))
        units = _Units(
            present=present[rows].astype(np.float64),
            deviation=np.where(present[rows], away[rows], 0.0),
            variance=np.where(present[rows], variance[rows], 1.0),
            segments=segments.part(first, last),
            centre=centre,
        )
        enough = units.count >= (1 if centre == "given" else 2)
        made[first:last] = np.where(enough, find(units), np.nan)
    return made


def _end(segments: Segments, last: int) -> int:
    return int(segments.starts[last]) if last < len(segments) else segments.size


def _squares_expected(units: _Units) -> Floats:
    return units.count if units.centre == "given" else units.count - 1.0


def _dersimonian_laird(units: _Units) -> Floats:
    total = units.segments.sums
    weight = units.weights(np.zeros(len(units.segments)))
    found = total(weight * units.residuals(weight) ** 2)
    per_tau2 = total(weight)
    with np.errstate(divide="ignore", invalid="ignore"):  # one unit or none: NaN in the end
        if units.centre != "given":
            per_tau2 = per_tau2 - total(weight**2) / per_tau2
        tau2: Floats = np.maximum((found - _squares_expected(units)) / per_tau2, 0.0)
    return tau2


def _paule_mandel(units: _Units) -> Floats:
    """Newton's method from 0: the squares fall and are convex in tau², so it cannot overshoot."""
    total = units.segments.sums
    tau2 = np.zeros(len(units.segments))
    moving = _squares_expected(units) > 0
    for _ in range(MOST_STEPS):
        weight = units.weights(tau2)
        squares = weight * units.residuals(weight) ** 2
        excess = total(squares) - _squares_expected(units)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.where(moving, np.maximum(excess, 0.0) / total(weight * squares), 0.0)
        step = np.where(np.isnan(step), 0.0, step)  # all units on the centre: 0/0
        tau2 = tau2 + step
        moving = step > NEAR_ENOUGH * tau2
        if not moving.any():
            return tau2
    return np.where(moving, np.nan, tau2)


def _reml(units: _Units) -> Floats:
    """Fisher scoring inside a bracket: alone it can jump to and fro across the top for ever."""
    low, tau2, high = _about_the_top(units)
    moved = np.full(tau2.size, np.inf)
    moving = np.ones(tau2.size, dtype=np.bool_)
    for _ in range(MOST_STEPS):
        step = _scoring_step(units, tau2)
        low, high = np.where(step > 0, tau2, low), np.where(step < 0, tau2, high)
        moving &= np.minimum(np.abs(step), high - low) > NEAR_ENOUGH * tau2
        if not moving.any():
            return tau2
        tried = tau2 + step
        slow = np.abs(step) > moved / 2.0
        astray = slow | (tried <= low) | (tried >= high)
        tried = np.where(astray, (low + high) / 2.0, tried)
        moved = np.where(moving, np.abs(tried - tau2), moved)
        tau2 = np.where(moving, tried, tau2)
    return np.where(moving, np.nan, tau2)


def _about_the_top(units: _Units) -> tuple[Floats, Floats, Floats]:
    """Highest of 0 and `RUNGS` values of tau², between its neighbours.

    Unequal units can give the likelihood two tops. Beyond the square of the
    widest distance it only falls.
    """
    smallest = units.segments.minima
    least = 0.01 * smallest(np.where(units.present > 0, units.variance, np.inf))
    least = np.where(np.isfinite(least), least, 1.0)
    # With the target among them, for where it is given.
    width = -np.minimum(smallest(units.deviation), 0.0) - np.minimum(
        smallest(-units.deviation), 0.0
    )
    most = np.maximum(width**2, least)
    rungs = [least * (most / least) ** (rung / RUNGS) for rung in range(RUNGS + 2)]
    low = top = before = np.zeros(least.size)
    high, height = rungs[0], _log_likelihood(units, top)
    for here, after in itertools.pairwise(rungs):
        reached = _log_likelihood(units, here)
        higher = reached > height
        low, top = np.where(higher, before, low), np.where(higher, here, top)
        high, height = np.where(higher, after, high), np.where(higher, reached, height)
        before = here
    return low, top, high


def _log_likelihood(units: _Units, tau2: Floats) -> Floats:
    """Twice the restricted log-likelihood, without its constant."""
    total = units.segments.sums
    weight = units.weights(tau2)
    spread = units.present * np.log(units.variance + units.segments.spread(tau2))
    height = -total(spread) - total(weight * units.residuals(weight) ** 2)
    if units.centre == "given":
        return height
    return np.asarray(height - np.log(np.where(units.count > 0, total(weight), 1.0)))


def _scoring_step(units: _Units, tau2: Floats) -> Floats:
    """Score over expected information, not below a tau² of 0."""
    total = units.segments.sums
    weight = units.weights(tau2)
    score = total((weight * units.residuals(weight)) ** 2) - total(weight)
    information = total(weight**2)
    with np.errstate(divide="ignore", invalid="ignore"):
        if units.centre != "given":
            lost = information / total(weight)
            score = score + lost
            information = information - 2.0 * total(weight**3) / total(weight) + lost**2
        step = np.maximum(score / information, -tau2)
    return np.where(np.isfinite(step), step, 0.0)


def additive_scores(deviation: npt.ArrayLike, se: npt.ArrayLike, tau2: npt.ArrayLike) -> Floats:
    """Scores with a variance between units added to that of chance.

    Parameters
    ----------
    deviation, se : array_like, shape (rows,)
        y − target and its standard error by chance alone, analysis scale.
    tau2 : array_like
        Variance between units; one, or one a row (`Segments.spread`).

    Returns
    -------
    array of float, shape (rows,)
        (y − target)/√(s² + tau²); NaN where anything is missing.

    Examples
    --------
    >>> additive_scores([2.0], [0.6], 0.64)
    array([2.])
    """
    away, error, between = (np.asarray(x, np.float64) for x in (deviation, se, tau2))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(away / np.sqrt(error**2 + between))


def multiplicative_scores(z: npt.ArrayLike, phi: npt.ArrayLike) -> Floats:
    """Scores with every variance multiplied by the variance ratio.

    Parameters
    ----------
    z : array_like, shape (rows,)
        Unadjusted scores.
    phi : array_like
        Variance ratio; one, or one a row. One below 1 counts as 1: units that
        vary less than chance do not make limits narrower.

    Returns
    -------
    array of float, shape (rows,)
        z/√phi; NaN where anything is missing.

    Examples
    --------
    >>> multiplicative_scores([3.0, 3.0], [2.25, 0.5])
    array([2., 3.])
    """
    ratio = np.maximum(np.asarray(phi, dtype=np.float64), 1.0)
    return np.asarray(np.asarray(z, dtype=np.float64) / np.sqrt(ratio))


def two_sided_p(z: npt.ArrayLike) -> Floats:
    """Probability of a normal score at least as far from 0 on either side.

    Parameters
    ----------
    z : array_like
        Scores; NaN gives NaN.

    Returns
    -------
    array of float

    Examples
    --------
    >>> two_sided_p([-1.959963984540054, 0.0]).round(12)
    array([0.05, 1.  ])
    """
    return np.asarray(2.0 * special.ndtr(-np.abs(np.asarray(z, dtype=np.float64))))


def fdr_line(p: npt.ArrayLike, segments: Segments, *, q: float, dependent: bool = False) -> Floats:
    """Score at which the line of a false discovery rate stands on each funnel.

    Parameters
    ----------
    p : array_like, shape (rows,)
        Two-sided p-values, adjusted for overdispersion first; NaN is left out.
    segments : Segments
        One funnel each.
    q : float
        False discovery rate, between 0 and 1.
    dependent : bool
        Benjamini–Yekutieli, valid however the units depend on each other,
        instead of Benjamini–Hochberg.

    Returns
    -------
    array of float, shape (segments,)
        The normal score of p_(k), the largest p <= k·q/N: the last unit
        flagged is on the line. If none is flagged, that of q/N, which the
        first unit would have had to reach. NaN without p-values.

    Raises
    ------
    ValueError
        If the rate is not between 0 and 1.

    References
    ----------
    .. [1] Jones, Ohlssen & Spiegelhalter (2008), Journal of Clinical Epidemiology 61:232.

    Examples
    --------
    >>> fdr_line([0.001, 0.02, 0.03, 0.9], Segments.from_lengths([4]), q=0.05).round(2)
    array([2.17])
    """
    if not 0.0 < q < 1.0:
        raise ValueError(f"a false discovery rate lies between 0 and 1: {q}")
    value = _finite(p)
    ordered = value[_order(value, segments)]
    count = _count(value, segments)
    harmonic = special.digamma(count + 1.0) + np.euler_gamma if dependent else 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        share = q / (count * harmonic)
    rank = np.arange(value.size) - segments.spread(segments.starts) + 1
    passed = ordered <= rank * segments.spread(share)
    flagged = -segments.minima(np.where(passed, -rank, 0).astype(np.float64)).astype(np.int64)
    last = ordered[segments.starts + np.maximum(flagged - 1, 0)] if len(segments) else share
    at = np.maximum(np.where(flagged > 0, last, share), np.finfo(np.float64).tiny)
    return np.where(count > 0, -special.ndtri(at / 2.0), np.nan)
