"""Variance between units on top of chance, tau², of many funnels at once."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spcbench.numeric.segments import Floats, Segments

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
