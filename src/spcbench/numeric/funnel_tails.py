"""How improbable each unit of a funnel is, if it is on the target.

The p-values of a method agree with its lines: a unit is outside the lines of
one-sided tail alpha exactly when its p-value is below 2·alpha (mid-P: at most).
Only the published interpolation has lines that no p-value agrees with.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from spcbench.numeric import exact, exact_poisson, small_counts
from spcbench.numeric import overdispersed_counts as mixtures
from spcbench.numeric.chance import BINOMIAL, POISSON
from spcbench.numeric.funnel_scales import checked_scale, on_scale, standard_errors
from spcbench.numeric.overdispersed_counts import BETA_BINOMIAL, POISSON_GAMMA
from spcbench.numeric.segments import Flags, Floats

LINE_METHODS: dict[str, tuple[str, ...]] = {
    "proportion": ("exact", "mid_p", "jeffreys", "spiegelhalter", "normal", "arcsine"),
    "rate": ("exact", "mid_p", "jeffreys", "spiegelhalter", "normal", "chi2"),
    "ratio": ("exact", "mid_p", "jeffreys", "spiegelhalter", "normal", "chi2"),
    "two_counts": ("exact", "mid_p", "jeffreys", "spiegelhalter", "normal"),
    "change": ("normal",),
}
"""Ways to judge the units of each data type."""

BOUNDED = ("proportion", "two_counts")
"""Data types whose count cannot pass its size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """What is judged, and by what, row by row; arrays of one shape (rows,).

    Parameters
    ----------
    data_type, method, scale : str
        Checked.
    size, target, tau2, phi, standard_error : array of float
        Standard errors on the analysis scale, before any adjustment.
    """

    data_type: str
    method: str
    scale: str
    size: Floats
    target: Floats
    tau2: Floats
    phi: Floats
    standard_error: Floats

    @property
    def known(self) -> Flags:
        """Rows that can be judged at all."""
        least = -np.inf if self.data_type == "change" else 0.0
        most = 1.0 if self.data_type == "proportion" else np.inf
        possible = np.isfinite(self.target) & (self.target >= least) & (self.target <= most)
        known: Flags = np.isfinite(self.size) & (self.size > 0) & possible
        known &= ~np.isnan(self.tau2 + self.phi)
        return known

    @property
    def mixed(self) -> Flags:
        """Rows judged exactly by a law of units that differ."""
        mixed: Flags = (self.tau2 > 0) & (self.method == "exact")
        return mixed

    @property
    def normal(self) -> Flags:
        """Rows judged by a normal approximation on the analysis scale."""
        if self.method in ("normal", "arcsine"):
            return np.ones(self.size.shape, dtype=np.bool_)
        return ((self.tau2 > 0) & (self.method != "exact")) | (self.phi > 1)

    @property
    def spread(self) -> Floats:
        """Standard deviation on the analysis scale, adjusted."""
        made: Floats = np.sqrt(self.standard_error**2 * np.maximum(self.phi, 1.0) + self.tau2)
        return made

    @property
    def share(self) -> Floats:
        """Probability that an event is one of the first of two counts; the target otherwise."""
        if self.data_type == "two_counts":
            return self.target / (1.0 + self.target)
        return self.target

    @property
    def precision(self) -> Floats:
        """Precision of the beta, or shape of the gamma, between units."""
        if self.data_type in BOUNDED:
            scale = "logit" if self.data_type == "two_counts" else self.scale
            return mixtures.beta_precision(self.share, self.tau2, scale=scale)
        relative = np.ones_like(self.target) if self.data_type == "rate" else self.target
        return mixtures.gamma_shape(relative, self.tau2, scale=self.scale)

    def taken(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> Units:
        """Some of the rows."""
        return Units(
            data_type=self.data_type,
            method=self.method,
            scale=self.scale,
            size=self.size[rows],
            target=self.target[rows],
            tau2=self.tau2[rows],
            phi=self.phi[rows],
            standard_error=self.standard_error[rows],
        )


def units_to_judge(
    data_type: str,
    size: npt.ArrayLike,
    target: npt.ArrayLike,
    *,
    method: str,
    tau2: npt.ArrayLike = 0.0,
    phi: npt.ArrayLike = 1.0,
    scale: str | None = None,
    standard_error: npt.ArrayLike | None = None,
) -> Units:
    """Check what is asked for, and lay it out row by row.

    Parameters
    ----------
    data_type, size, target, method, tau2, phi, scale, standard_error
        As `spcbench.numeric.funnel_lines.funnel_lines`.

    Returns
    -------
    Units

    Raises
    ------
    ValueError
        If a name is not known, the data type has no such method or scale, a
        variance is negative, or both adjustments are asked for of one row.

    Examples
    --------
    >>> units_to_judge("ratio", [4.0, 25.0], 1.0, method="exact").standard_error
    array([0.5, 0.2])
    """
    scale = checked_scale(data_type, "arcsine" if method == "arcsine" else scale)
    if method not in LINE_METHODS[data_type]:
        raise ValueError(
            f"a {data_type} has no limits by the method {method!r}; "
            f"it has {', '.join(LINE_METHODS[data_type])}"
        )
    given = (size, target, tau2, phi, np.nan if standard_error is None else standard_error)
    rows = np.broadcast_arrays(*(np.atleast_1d(np.asarray(one, np.float64)) for one in given))
    n, theta, between, ratio, error = rows
    if (between < 0).any() or (ratio < 0).any():
        raise ValueError("tau2 and phi must be at least 0")
    if ((between > 0) & (ratio > 1)).any():
        raise ValueError("adjust for overdispersion by tau2 or by phi, not by both")
    if standard_error is None:
        error = standard_errors(data_type, n, theta, scale=scale)
    return Units(
        data_type=data_type,
        method=method,
        scale=scale,
        size=n,
        target=theta,
        tau2=between,
        phi=ratio,
        standard_error=error,
    )


def p_values(
    data_type: str,
    observed: npt.ArrayLike,
    size: npt.ArrayLike,
    target: npt.ArrayLike,
    *,
    method: str,
    tau2: npt.ArrayLike = 0.0,
    phi: npt.ArrayLike = 1.0,
    scale: str | None = None,
    standard_error: npt.ArrayLike | None = None,
) -> Floats:
    """Two-sided p-values: twice the smaller tail, at most 1.

    Parameters
    ----------
    data_type : str
        One of `spcbench.numeric.funnel_scales.SCALES`.
    observed : array_like, shape (units,)
        Events; of two counts the first; of a change the ratio (or, on the
        natural scale, the difference) itself.
    size, target, method, tau2, phi, scale, standard_error
        As `spcbench.numeric.funnel_lines.funnel_lines`.

    Returns
    -------
    array of float, shape (units,)
        NaN without data. None at all (or all) has no logarithm: where the
        scale is a log or logit its exact tail stands, and no tail is smaller,
        as the line has it too.

    Raises
    ------
    ValueError
        As `units_to_judge`.

    Examples
    --------
    >>> p_values("proportion", [5.0, 1.0], [5.0, 20.0], 0.95, method="exact").round(4)
    array([1., 0.])
    >>> p_values("ratio", [9.0], [2.0], 1.0, method="exact", tau2=0.2).round(4)
    array([0.0056])
    """
    # Counts and sizes are laid out together, so that either may be given once for all.
    count, n = np.broadcast_arrays(
        np.atleast_1d(np.asarray(observed, np.float64)), np.asarray(size, np.float64)
    )
    units = units_to_judge(
        data_type,
        n,
        target,
        method=method,
        tau2=tau2,
        phi=phi,
        scale=scale,
        standard_error=standard_error,
    )
    count = np.broadcast_to(count, units.size.shape)
    made = np.full(count.shape, np.nan)
    known = units.known & ~np.isnan(count)
    for rows, tails in (
        (known & units.normal, _normal_tails),
        (known & units.mixed, _mixed_tails),
        (known & ~units.normal & ~units.mixed, _tails),
    ):
        if rows.any():
            low, high = tails(units.taken(rows), count[rows])
            made[rows] = np.minimum(2.0 * np.minimum(low, high), 1.0)
    # On the target nothing is improbable, even where chance has no room.
    made[known & (count == units.size * units.share) & (data_type != "change")] = 1.0
    return made


def _tails(units: Units, count: Floats) -> tuple[Floats, Floats]:
    """Tails by chance alone."""
    size, share = units.size, units.share
    if units.method == "chi2":
        mean = size * share
        return special.gammainc(mean, count), special.gammaincc(mean + 1.0, count)
    bounded = units.data_type in BOUNDED
    if units.method in ("mid_p", "jeffreys"):
        law = BINOMIAL if bounded else POISSON
        return (
            small_counts.low_tail(law, count, size, share, method=units.method),
            small_counts.high_tail(law, count, size, share, method=units.method),
        )
    if bounded:
        return exact.at_most(count, size, share), exact.at_least(count, size, share)
    return exact_poisson.at_most(count, size, share), exact_poisson.at_least(count, size, share)


def _mixed_tails(units: Units, count: Floats) -> tuple[Floats, Floats]:
    """Tails of units that differ."""
    law = BETA_BINOMIAL if units.data_type in BOUNDED else POISSON_GAMMA
    given = (law, count, units.size, units.share, units.precision)
    return mixtures.at_most(*given), mixtures.at_least(*given)


def _normal_tails(units: Units, count: Floats) -> tuple[Floats, Floats]:
    """Normal tails on the analysis scale; not below those of none, and of all, on a logarithm."""
    size, target = units.size, units.target
    with np.errstate(divide="ignore", invalid="ignore"):
        if units.data_type == "change":
            value = count
        elif units.data_type == "two_counts":
            value = count / (size - count)
        elif units.data_type == "rate":
            value, target = count / (size * target), np.ones_like(target)
        else:
            value = count / size
        there = on_scale(value, units.scale)
        z = (there - on_scale(target, units.scale)) / units.spread
    # On a target of 0 or 1 there is no chance variation to be outside of.
    z = np.where(value == target, 0.0, z)
    low, high = special.ndtr(z), special.ndtr(-z)
    if units.scale in ("log", "logit") and units.data_type != "change":
        # No tail can be smaller than that of the bound it holds, as the lines have it too.
        none, every = bound_tails(units)
        low, high = np.maximum(low, none), np.maximum(high, every)
    return low, high


def bound_tails(units: Units) -> tuple[Floats, Floats]:
    """Probabilities of no events at all, and of nothing but events.

    Parameters
    ----------
    units : Units
        Counts, not changes. A variance ratio above 1 divides the size.

    Returns
    -------
    none, every : array of float, shape (rows,)
        The second is 0 where a count has no bound.

    Examples
    --------
    >>> none, every = bound_tails(units_to_judge("ratio", 2.0, 1.0, method="normal"))
    >>> none.round(3), every
    (array([0.135]), array([0.]))
    """
    size, share, precision = units.size / np.maximum(units.phi, 1.0), units.share, units.precision
    mixed = units.tau2 > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        if units.data_type not in BOUNDED:
            none = np.exp(-size * share)
            none[mixed] = mixtures.at_most(
                POISSON_GAMMA, 0.0, size[mixed], share[mixed], precision[mixed]
            )
            return none, np.zeros_like(none)
        none, every = np.exp(size * np.log1p(-share)), share**size
    given = (size[mixed], share[mixed], precision[mixed])
    none[mixed] = mixtures.at_most(BETA_BINOMIAL, 0.0, *given)
    every[mixed] = mixtures.at_least(BETA_BINOMIAL, size[mixed], *given)
    return none, every
