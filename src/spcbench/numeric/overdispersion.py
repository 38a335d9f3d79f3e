"""How much more units vary than chance, and what that does to scores.

A score is z = (y − target)/s on the analysis scale. Many funnels lie end to
end, one segment each; a score that is missing or infinite (a ratio of no
events has no logarithm) is left out of every sum. Two models of overdispersion: in the
multiplicative one every variance is phi·s², in the additive one s² + tau².
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from spcbench.numeric.segments import Flags, Floats, Integers, Segments

TRIMMINGS = ("winsorise", "truncate")
"""What happens to the outer scores: drawn in to the quantile, or left out."""


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
    known = finite(z)
    if _checked_share(share) == 0.0:
        return known
    ordered = known[ascending(known, segments)]
    count = counted(known, segments)
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
        return finite(known)
    # Times 1/share, not against share itself: 1/0.1 is 10, 0.1·30 is not 3.
    tenths = _ranks(known, segments) * (1.0 / share) / segments.spread(counted(known, segments) + 1)
    return finite(np.where((tenths >= 1.0) & (tenths < 1.0 / share - 1.0), known, np.nan))


def finite(z: npt.ArrayLike) -> Floats:
    """Scores as floats, with NaN where one is infinite."""
    score = np.asarray(z, dtype=np.float64)
    return np.where(np.isfinite(score), score, np.nan)


def _checked_share(share: float) -> float:
    if not 0.0 <= share < 0.5:
        raise ValueError(f"the share trimmed at each end must be at least 0 and below 0.5: {share}")
    return share


def counted(known: Floats, segments: Segments) -> Integers:
    """How many scores of each segment are known."""
    return segments.sums((~np.isnan(known)).astype(np.int64))


def ascending(known: Floats, segments: Segments) -> Integers:
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
    order = ascending(known, segments)
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
    known = finite(z)
    trim = winsorised if trimming == "winsorise" else truncated
    kept = trim(z, segments, share=share)
    units, used = counted(known, segments), counted(kept, segments)
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
