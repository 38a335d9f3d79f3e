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


def fdr_tail(p: npt.ArrayLike, segments: Segments, *, q: float, dependent: bool = False) -> Floats:
    """Tail probability at which the line of a false discovery rate stands on each funnel.

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
        One-sided: half of k·q/N, with k the largest rank whose p is not above
        it. The units strictly outside the limits of this tail are those that
        are flagged. If none is, half of q/N, which the first unit would have
        had to pass. NaN without p-values.

    Raises
    ------
    ValueError
        If the rate is not between 0 and 1.

    Notes
    -----
    Published pictures draw the line through the last unit flagged; here it is
    drawn where the procedure decides, so that who is flagged lies outside.

    References
    ----------
    .. [1] Jones, Ohlssen & Spiegelhalter (2008), Journal of Clinical Epidemiology 61:232.

    Examples
    --------
    >>> fdr_tail([0.001, 0.02, 0.03, 0.9], Segments.from_lengths([4]), q=0.05)
    array([0.01875])
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
    line = np.maximum(flagged, 1) * share
    # A p-value of just its share is flagged, so it has to lie outside.
    line = np.where((flagged > 0) & (last >= line), np.nextafter(last, 1.0), line)
    return np.where(count > 0, line / 2.0, np.nan)
