"""Limits of funnels: the lines outside which a unit differs from the target.

Exact lines agree with the verdict at every whole count: r/n lies strictly
outside exactly when its one-sided tail is strictly below the nominal one.
Units that differ by more than chance get the exact lines of a beta-binomial or
Poisson-gamma law (additive), or normal ones on the analysis scale
(multiplicative). Everything works on many funnels at once: sizes, targets and
variances are laid out row by row, and each distinct combination is worked out
once.

References
----------
.. [1] Spiegelhalter (2005), Statistics in Medicine 24:1185.
.. [2] Spiegelhalter (2005), Quality and Safety in Health Care 14:347.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from spcbench.numeric import exact, exact_poisson, small_counts
from spcbench.numeric import overdispersed_counts as mixtures
from spcbench.numeric.chance import BINOMIAL, POISSON
from spcbench.numeric.exact_poisson import poisson_guess, smallest_count
from spcbench.numeric.funnel_scales import from_scale, on_scale
from spcbench.numeric.funnel_tails import BOUNDED, Units, bound_tails, units_to_judge
from spcbench.numeric.overdispersed_counts import BETA_BINOMIAL, POISSON_GAMMA
from spcbench.numeric.segments import Flags, Floats, Integers

DRAWN = (
    "",
    "exact",
    "mid_p",
    "jeffreys",
    "spiegelhalter",
    "normal",
    "arcsine",
    "chi2",
    "beta_binomial",
    "poisson_gamma",
)
"""The words that the codes in `FunnelLines.method` stand for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunnelLines:
    """Lines round a target; NaN where there is no size or no target.

    Parameters
    ----------
    lower, upper : array of float, shape (levels, sizes)
        Clipped to what can be: these are drawn, and decide who is outside.
    lower_unclipped, upper_unclipped : array of float, shape (levels, sizes)
        The formula itself where it can pass what is possible (normal lines on
        the natural scale, the published interpolation, and logarithms of
        counts that may well be 0); the same as `lower` and `upper` elsewhere.
    method : array of int8, shape (sizes,)
        Index into `DRAWN`: what each was drawn by.
    """

    lower: Floats
    upper: Floats
    lower_unclipped: Floats
    upper_unclipped: Floats
    method: npt.NDArray[np.int8]


def funnel_lines(
    data_type: str,
    size: npt.ArrayLike,
    target: npt.ArrayLike,
    *,
    alphas: Sequence[float],
    method: str,
    tau2: npt.ArrayLike = 0.0,
    phi: npt.ArrayLike = 1.0,
    scale: str | None = None,
    standard_error: npt.ArrayLike | None = None,
) -> FunnelLines:
    """Limits round a target for units of the given sizes.

    Parameters
    ----------
    data_type : str
        ``"proportion"`` (binomial), ``"rate"`` and ``"ratio"`` (Poisson with
        mean target·size), ``"two_counts"`` (the first count, given both
        together, is binomial with θ/(1 + θ)) or ``"change"``.
    size : array_like, shape (sizes,)
        Cases; exposure; events expected; both counts together; or the
        effective size of a change, one over its squared standard error.
    target : array_like
        θ on the natural scale, one or one each: of two counts and of changes
        a ratio.
    alphas : sequence of float
        One-sided tail probabilities: 0.025 and 0.001 for 95 % and 99.8 %.
    method : str
        One of `LINE_METHODS` of the data type. ``"exact"`` flags no unit more
        often than nominal, ``"mid_p"`` none more than twice as often;
        ``"spiegelhalter"``, ``"arcsine"`` and ``"chi2"`` are for parity with
        other tools.
    tau2 : array_like
        Variance between units on the analysis scale (additive). ``"exact"``
        lines are then beta-binomial or Poisson-gamma; all others
        back-transform g(θ) ± z√(s² + τ²).
    phi : array_like
        Variance ratio (multiplicative): g(θ) ± z·s·√φ, back-transformed. 1 or
        less leaves the lines as they are: they are never narrowed.
    scale : str, optional
        Analysis scale, one of `SCALES` of the data type; the first without it.
    standard_error : array_like, optional
        s on that scale, where it is not that of a unit on the target.

    Returns
    -------
    FunnelLines
        On the scale of r/size; of two counts, of their ratio.

    Raises
    ------
    ValueError
        If a name is not known, the data type has no such method or scale, an
        alpha is not between 0 and ½, a variance is negative, or both
        adjustments are asked for.

    Notes
    -----
    Where the scale is a logarithm, none at all would lie below any line. So
    the line is 0 as long as a unit on the target has no events with
    probability alpha or more, and steps up to the formula from there.

    Examples
    --------
    >>> lines = funnel_lines("proportion", [5.0, 50.0], 0.95, alphas=[0.001], method="exact")
    >>> lines.lower.round(3), lines.upper
    (array([[0.372, 0.822]]), array([[1., 1.]]))
    >>> funnel_lines("ratio", 10.0, 1.0, alphas=[0.025], method="exact", tau2=0.1).upper.round(3)
    array([[2.061]])
    """
    units = units_to_judge(
        data_type,
        size,
        target,
        method=method,
        tau2=tau2,
        phi=phi,
        scale=scale,
        standard_error=standard_error,
    )
    levels = [float(alpha) for alpha in alphas]
    if not all(0.0 < alpha < 0.5 for alpha in levels):
        raise ValueError(f"alphas are one-sided tails between 0 and 1/2, not {levels}")
    made = np.full((4, len(levels), units.size.size), np.nan)
    by = np.zeros(units.size.shape, dtype=np.int8)
    for rows, word, lines in _ways(units):
        if rows.any():
            by[rows] = DRAWN.index(word)
            part = units.taken(rows)
            for level, alpha in enumerate(levels):
                made[:, level, rows] = lines(part, alpha)
    return FunnelLines(
        lower=made[0], upper=made[1], lower_unclipped=made[2], upper_unclipped=made[3], method=by
    )


def _ways(units: Units) -> list[tuple[Flags, str, Callable[[Units, float], Floats]]]:
    """Which rows are drawn by which method."""
    mixed = "beta_binomial" if units.data_type in BOUNDED else "poisson_gamma"
    normal = units.method if units.method == "arcsine" else "normal"
    return [
        (units.known & units.normal, normal, _normal_lines),
        (units.known & units.mixed & ~units.normal, mixed, _distinct_lines),
        (units.known & ~units.mixed & ~units.normal, units.method, _distinct_lines),
    ]


def _normal_lines(units: Units, alpha: float) -> Floats:
    """θ ± z·spread on the analysis scale, back-transformed: lower, upper, and unclipped."""
    theta = np.ones_like(units.target) if units.data_type == "rate" else units.target
    centre, half = on_scale(theta, units.scale), -special.ndtri(alpha) * units.spread
    with np.errstate(invalid="ignore"):
        made = from_scale(np.stack([centre - half, centre + half] * 2), units.scale)
        if units.data_type == "rate":
            made = made * units.target
    if units.data_type == "change":
        return made
    none = units.target == 0
    if units.data_type == "proportion":
        none |= units.target == 1
    made[:, none] = units.target[none]
    top = 1.0 if units.data_type == "proportion" else np.inf
    made[:2] = np.clip(made[:2], 0.0, top)
    if units.scale in ("log", "logit"):
        empty, full = bound_tails(units)
        made[0] = np.where(~none & (empty >= alpha), 0.0, made[0])
        made[1] = np.where(~none & (full >= alpha), top, made[1])
    return made


def _distinct_lines(units: Units, alpha: float) -> Floats:
    """Lines of tail probabilities, each distinct combination once: lower, upper, unclipped."""
    first, where = _distinct(units)
    part = units.taken(first)
    if units.method == "spiegelhalter":
        raw = np.stack([_interpolated(part, alpha), _interpolated(part, 1.0 - alpha)])
    else:
        raw = np.stack(_pair(part, alpha))
    made = np.concatenate([np.maximum(raw, 0.0), raw])
    if units.data_type in BOUNDED:
        made[:2] = np.minimum(made[:2], 1.0)
    if units.data_type == "two_counts":
        made = np.stack(
            [_odds_line(line, part.size, low=at % 2 == 0) for at, line in enumerate(made)]
        )
    return made[:, where]


def _distinct(units: Units) -> tuple[Integers, Integers]:
    """First row of each distinct combination, and which combination each row is."""
    key: npt.NDArray[np.generic] = units.size
    if np.ptp(units.target) > 0 or np.ptp(units.tau2) > 0:
        pairs = units.target + 1j * units.tau2
        code = np.unique(pairs, return_inverse=True)[1]
        key = units.size + 1j * code
    _, first, where = np.unique(key, return_index=True, return_inverse=True)
    return first, where


def _pair(units: Units, alpha: float) -> tuple[Floats, Floats]:
    """Lower and upper line of counts over sizes."""
    size, share = units.size, units.share
    bounded = units.data_type in BOUNDED
    if units.mixed.all():
        law, spread = BETA_BINOMIAL if bounded else POISSON_GAMMA, units.precision
        return (
            mixtures.lower_limit(law, size, share, spread, alpha=alpha),
            mixtures.upper_limit(law, size, share, spread, alpha=alpha),
        )
    if units.method == "chi2":
        mean = size * share
        return (
            special.gammaincinv(mean, alpha) / size,
            special.gammainccinv(mean + 1.0, alpha) / size,
        )
    if units.method == "exact" and bounded:
        return (
            _binomial_line(size, share, alpha, side=-1),
            _binomial_line(size, share, alpha, side=1),
        )
    law_of_chance = BINOMIAL if bounded else POISSON
    return (
        small_counts.lower_limit(law_of_chance, size, share, alpha=alpha, method=units.method),
        small_counts.upper_limit(law_of_chance, size, share, alpha=alpha, method=units.method),
    )


UNSURE = 1e-6
"""Share of alpha within which a tail found the quick way is found again the sure way."""

RARE, LARGE = 1e-4, 1e8
"""Probability of events or misses under which, and cases from which, the quick way loses
too many digits."""


def _binomial_line(n: Floats, p: Floats, alpha: float, *, side: int) -> Floats:
    """`exact.lower_limit` (side −1) or `exact.upper_limit` (side 1), some five times quicker.

    One tail at the guess, and its neighbours by their probabilities, are nearly
    always enough. What they leave in doubt goes to the sure function, so that
    verdicts stay its own. Misses are counted for the upper line, events for the lower.
    """
    rate, miss = (p, 1.0 - p) if side < 0 else (1.0 - p, p)
    ways = special.gammaln(n + 1.0)

    def chance(k: Floats, at: Integers | slice) -> Floats:
        """Probability of just k."""
        size = n[at]
        logarithm = ways[at] - special.gammaln(k + 1.0) - special.gammaln(size - k + 1.0)
        made: Floats = np.exp(
            logarithm + special.xlogy(k, rate[at]) + special.xlogy(size - k, miss[at])
        )
        return made

    z = special.ndtri(alpha)
    guess = n * rate + z * np.sqrt(n * rate * miss) + (z * z - 1) * (miss - rate) / 6
    k = np.clip(np.floor(guess), 0.0, n)
    full = k >= n
    here = special.betainc(np.where(full, 1.0, n - k), k + 1.0, miss)
    here = np.where(full, 1.0, here)
    mass = chance(k, slice(None))
    at = np.flatnonzero(here < alpha)
    while at.size:
        k[at] += 1.0
        mass[at] = chance(k[at], at)
        here[at] += mass[at]
        at = at[(here[at] < alpha) & (k[at] < n[at])]
    at = np.flatnonzero((here - mass >= alpha) & (k > 0))
    while at.size:
        here[at] -= mass[at]
        k[at] -= 1.0
        mass[at] = chance(k[at], at)
        at = at[(here[at] - mass[at] >= alpha) & (k[at] > 0)]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (here - alpha) / mass
    if side < 0:
        line = np.where(k >= 1, np.maximum((k - share) / n, np.nextafter((k - 1) / n, np.inf)), 0.0)
    else:
        line = np.minimum((n - k + share) / n, np.nextafter((n - k + 1) / n, -np.inf))
    quick: Floats = np.minimum(line, 1.0)
    sure = (here > alpha * (1 + UNSURE)) & (here - mass < alpha * (1 - UNSURE)) & (n < LARGE)
    sure &= (np.minimum(p, 1.0 - p) > RARE) & (share >= 0) & (share <= 1)
    limit = exact.lower_limit if side < 0 else exact.upper_limit
    quick[~sure] = limit(n[~sure], p[~sure], alpha=alpha)
    return quick


def _interpolated(units: Units, probability: float) -> Floats:
    """Spiegelhalter's published line, not clipped."""
    size, share = units.size, units.share
    if units.data_type in BOUNDED:
        line = exact.interpolated_limit(size, share, probability=probability)
        return np.where((share == 0) | (share == 1), share, line)

    def reached(count: Floats, at: Integers) -> Flags:
        met: Flags = exact_poisson.at_most(count, size[at], share[at]) >= probability
        return met

    first = smallest_count(reached, poisson_guess(size * share, probability, side=-1))
    tail = exact_poisson.at_most(first, size, share)
    with np.errstate(divide="ignore", invalid="ignore"):
        step = (tail - probability) / (tail - exact_poisson.at_most(first - 1, size, share))
    return np.where(share == 0, share, (first - step) / size)


def _odds_line(line: Floats, size: Floats, *, low: bool) -> Floats:
    """A line of shares as one of ratios, on the same side of every whole count as it was."""

    def odds(count: Floats) -> Floats:
        with np.errstate(divide="ignore"):
            ratio: Floats = count / (size - count)
        return ratio

    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(line >= 1.0, np.inf, line / (1.0 - line))
    count = np.clip(np.floor(line * size), 0.0, size)  # about the last count not above
    if low:
        # The first count that is not below the line stays so, and the last below stays below.
        count = count + (count / size < line)
        count = np.where((count >= 1) & ((count - 1) / size >= line), count - 1, count)
        ratio = np.minimum(ratio, odds(np.minimum(count, size)))
        last = odds(np.maximum(count - 1, 0.0))
        return np.where(count >= 1, np.maximum(ratio, np.nextafter(last, np.inf)), ratio)
    count = np.where(count / size > line, count - 1, count)
    count = np.where((count + 1) / size <= line, count + 1, count)
    ratio = np.maximum(ratio, odds(np.minimum(count, size)))
    beyond = odds(np.minimum(count + 1, size))
    return np.where(count < size, np.minimum(ratio, np.nextafter(beyond, 0.0)), ratio)


def lines_by_events(
    events: npt.ArrayLike, target: npt.ArrayLike, *, alphas: Sequence[float]
) -> FunnelLines:
    """Limits of rates and ratios against the events seen, as some public tools draw them.

    Parameters
    ----------
    events : array_like, shape (sizes,)
        Events of the unit, not expected ones: whole, at least 0.
    target : array_like
        The ratio or rate in control.
    alphas : sequence of float
        One-sided tail probabilities.

    Returns
    -------
    FunnelLines
        A unit lies outside at its own events exactly when its exact Poisson
        tail is below alpha: E with P(R <= O) = alpha (below) or
        P(R >= O) = alpha (above), and the line target·O/E. Infinite above 0
        events. The method is ``"exact"``.

    Examples
    --------
    >>> lines_by_events([0.0, 10.0], 1.0, alphas=[0.025]).lower.round(4)
    array([[0.    , 0.5438]])
    """
    count, theta = np.broadcast_arrays(
        np.atleast_1d(np.asarray(events, np.float64)), np.asarray(target, np.float64)
    )
    level = np.asarray(alphas, dtype=np.float64)[:, None]
    known = (count >= 0) & (theta >= 0)
    seen = np.where(known, count, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        lower = theta * seen / special.gammainccinv(seen + 1.0, level)
        upper = np.where(seen > 0, theta * seen / special.gammaincinv(seen, level), np.inf)
    upper[:, ~known] = np.nan
    return FunnelLines(
        lower=lower,
        upper=upper,
        lower_unclipped=lower,
        upper_unclipped=upper,
        method=np.where(known, DRAWN.index("exact"), 0).astype(np.int8),
    )


def curve_sizes(largest: float, *, points: int = 400, whole: bool = True) -> Floats:
    """Sizes to draw lines at: from one to beyond the largest, fine where the lines bend.

    Parameters
    ----------
    largest : float
        Largest size of a unit, above 0.
    points : int
        About how many.
    whole : bool
        Whether sizes are whole (cases) or not (exposure, events expected).

    Returns
    -------
    array of float
        Increasing by equal ratios, without repeats. Sizes that are not whole
        begin at one, or at a tenth of the largest where that is smaller.

    Raises
    ------
    ValueError
        If the largest size is not above 0.

    Examples
    --------
    >>> curve_sizes(3.0)
    array([1., 2., 3., 4.])
    >>> curve_sizes(2.0, points=3, whole=False).round(3)
    array([0.2  , 0.648, 2.1  ])
    """
    if not (largest > 0 and np.isfinite(largest)):
        raise ValueError(f"the largest size must be above 0, not {largest}")
    if whole:
        end = float(np.ceil(largest * 1.05))
        return np.unique(np.round(np.geomspace(1.0, end, points)))
    return np.geomspace(min(1.0, largest / 10.0), largest * 1.05, points)
