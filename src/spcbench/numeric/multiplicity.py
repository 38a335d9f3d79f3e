"""Many units at once: two-sided p-values, and where false discovery draws the line."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

from spcbench.numeric.overdispersion import ascending, counted, finite
from spcbench.numeric.segments import Floats, Segments


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
    value = finite(p)
    ordered = value[ascending(value, segments)]
    count = counted(value, segments)
    harmonic = special.digamma(count + 1.0) + np.euler_gamma if dependent else 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        share = q / (count * harmonic)
    rank = np.arange(value.size) - segments.spread(segments.starts) + 1
    passed = ordered <= rank * segments.spread(share)
    flagged = -segments.minima(np.where(passed, -rank, 0).astype(np.float64)).astype(np.int64)
    last = ordered[segments.starts + np.maximum(flagged - 1, 0)] if len(segments) else share
    at = np.maximum(np.where(flagged > 0, last, share), np.finfo(np.float64).tiny)
    return np.where(count > 0, -special.ndtri(at / 2.0), np.nan)
