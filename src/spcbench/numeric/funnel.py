"""Targets, scores, limits and positions of units on a funnel plot.

Everything here takes the units of one funnel as arrays of shape (units,);
NaN means that a unit has no data, and stays NaN in whatever follows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from spcbench.numeric import exact
from spcbench.numeric.segments import Floats

METHODS = ("exact", "spiegelhalter", "normal")
"""Ways to draw the limits of a proportion."""

POSITIONS = ("within", "above_95", "below_95", "above_998", "below_998")
"""The words that the codes in `UnitScores.position` stand for."""

WINSORISE = 0.1
"""Share of the scores at each end that is drawn in to the quantile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunnelLimits:
    """Limits at 95 % and 99.8 % (one-sided tails of 2.5 % and 0.1 %); shape (denominators,)."""

    lower_95: Floats
    upper_95: Floats
    lower_998: Floats
    upper_998: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitScores:
    """How far each unit stands from the target; shape (units,).

    Parameters
    ----------
    z : array of float
        (value − target)/√(target(1 − target)/n); NaN off a target of 0 or 1.
    p_value : array of float
        Two-sided and exact: twice the smaller tail, at most 1.
    position : array of int8
        Index into `POSITIONS`; 0 where there is no data.
    """

    z: Floats
    p_value: Floats
    position: npt.NDArray[np.int8]


def pooled_target(numerator: Floats, denominator: Floats) -> float:
    """Pooled proportion Σr/Σn of the units with data; NaN without any.

    Examples
    --------
    >>> import numpy as np
    >>> pooled_target(np.array([1.0, 3.0, np.nan]), np.array([10.0, 10.0, 5.0]))
    0.2
    """
    known = ~np.isnan(numerator) & ~np.isnan(denominator)
    total = denominator[known].sum()
    return float(numerator[known].sum() / total) if total > 0 else float("nan")


def proportion_limits(denominator: npt.ArrayLike, target: float, *, method: str) -> FunnelLimits:
    """Limits round a target for proportions of the given denominators.

    Parameters
    ----------
    denominator : array_like
        Whole numbers above 0; NaN gives NaN.
    target : float
        Between 0 and 1.
    method : str
        ``"exact"``: no unit in control is flagged more often than nominal;
        ``"spiegelhalter"``: the published interpolation, for parity only;
        ``"normal"``: target ± z√(target(1 − target)/n).

    Returns
    -------
    FunnelLimits
        Clipped to 0 and 1.

    References
    ----------
    .. [1] Spiegelhalter (2005), Statistics in Medicine 24:1185.

    Examples
    --------
    >>> proportion_limits([5.0], 0.95, method="exact").upper_998
    array([1.])
    """
    size, where = np.unique(np.asarray(denominator, dtype=np.float64), return_inverse=True)
    lines = {}
    for name, alpha in (("95", 0.025), ("998", 0.001)):
        lower, upper = _pair(size, target, alpha, method)
        lines[f"lower_{name}"] = np.clip(lower, 0.0, 1.0)[where]
        lines[f"upper_{name}"] = np.clip(upper, 0.0, 1.0)[where]
    return FunnelLimits(**lines)


def _pair(size: Floats, target: float, alpha: float, method: str) -> tuple[Floats, Floats]:
    if method == "exact":
        return (
            exact.lower_limit(size, target, alpha=alpha),
            exact.upper_limit(size, target, alpha=alpha),
        )
    if method == "spiegelhalter":
        return (
            exact.interpolated_limit(size, target, probability=alpha),
            exact.interpolated_limit(size, target, probability=1.0 - alpha),
        )
    if method == "normal":
        half = -special.ndtri(alpha) * np.sqrt(target * (1.0 - target) / size)
        return target - half, target + half
    raise ValueError(f"there is no funnel limit method {method!r}")


def proportion_scores(
    numerator: Floats, denominator: Floats, target: float, limits: FunnelLimits
) -> UnitScores:
    """Scores, p-values and positions of units against a target.

    Parameters
    ----------
    numerator, denominator : array of float, shape (units,)
        NaN for a unit without data.
    target : float
        Between 0 and 1.
    limits : FunnelLimits
        The lines drawn at these units' denominators: they decide the position.

    Returns
    -------
    UnitScores

    Examples
    --------
    >>> import numpy as np
    >>> r, n = np.array([5.0, 1.0]), np.array([5.0, 20.0])
    >>> limits = proportion_limits(n, 0.95, method="exact")
    >>> proportion_scores(r, n, 0.95, limits).position
    array([0, 4], dtype=int8)
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        value = numerator / denominator
        z = (value - target) / np.sqrt(target * (1.0 - target) / denominator)
    z = np.where((value == target) & ~np.isnan(value), 0.0, z)
    z[np.isinf(z)] = np.nan  # a target of 0 or 1 has no standard error; the exact tail stands
    tails = np.minimum(
        exact.at_most(numerator, denominator, target),
        exact.at_least(numerator, denominator, target),
    )
    position = np.zeros(value.size, dtype=np.int8)
    for word, beyond in (
        ("above_95", value > limits.upper_95),
        ("below_95", value < limits.lower_95),
        ("above_998", value > limits.upper_998),
        ("below_998", value < limits.lower_998),
    ):
        position[beyond] = POSITIONS.index(word)
    return UnitScores(z=z, p_value=np.minimum(1.0, 2.0 * tails), position=position)


def variance_ratios(z: Floats) -> tuple[float, float]:
    """Mean squared score, raw and winsorised: about 1 when only chance is at work.

    Parameters
    ----------
    z : array of float, shape (units,)
        NaN and infinite scores are left out.

    Returns
    -------
    raw, winsorised : float
        The second after drawing the outer tenths in to their quantiles, which
        for clean data gives 0.68, not 1 (no consistency factor). NaN without
        units.

    References
    ----------
    .. [1] Spiegelhalter (2005), Statistics in Medicine 24:1185: phi.

    Examples
    --------
    >>> import numpy as np
    >>> raw, winsorised = variance_ratios(np.array([-1.0, 1.0, np.nan]))
    >>> raw, round(winsorised, 2)
    (1.0, 0.64)
    """
    known = z[np.isfinite(z)]
    if not known.size:
        return float("nan"), float("nan")
    low, high = np.quantile(known, [WINSORISE, 1.0 - WINSORISE])
    return float(np.mean(known**2)), float(np.mean(np.clip(known, low, high) ** 2))


def curve_denominators(largest: float, *, points: int = 400) -> Floats:
    """Whole denominators from 1 to beyond the largest, fine where the lines bend.

    Parameters
    ----------
    largest : float
        Largest denominator of a unit, at least 1.
    points : int
        About how many.

    Returns
    -------
    array of float
        Increasing, without repeats.

    Examples
    --------
    >>> curve_denominators(3.0)
    array([1., 2., 3., 4.])
    """
    end = float(np.ceil(largest * 1.05))
    return np.unique(np.round(np.geomspace(1.0, end, points)))
