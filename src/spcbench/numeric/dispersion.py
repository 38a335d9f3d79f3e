"""How much more the data vary than chance alone would make them."""

from __future__ import annotations

import numpy as np

from spcbench.numeric.segments import Flags, Floats, Segments

D2 = 1.128
"""Mean moving range of two normal values, in sigmas, as printed in the tables."""


def variance_ratio(deviation: Floats, breaks: Flags, segments: Segments) -> Floats:
    """Observed over expected variance, from moving ranges.

    Parameters
    ----------
    deviation : array of float, shape (rows,)
        (value − centre)/sigma; NaN leaves the moving ranges on both sides of it.
    breaks : array of bool, shape (rows,)
        True where no moving range reaches back to the row before (a gap).
    segments : Segments
        One ratio for each.

    Returns
    -------
    array of float, shape (segments,)
        (mean moving range / 1.128)²: about 1 for chance alone; NaN with no
        moving range.

    References
    ----------
    .. [1] Laney (2002), Quality Engineering 14:531: sigma_z of the p′ chart.

    Examples
    --------
    >>> import numpy as np
    >>> z = np.array([0.0, 1.128, 0.0])
    >>> variance_ratio(z, np.zeros(3, bool), Segments.from_lengths([3]))
    array([1.])
    """
    moving = np.empty(deviation.size)
    with np.errstate(invalid="ignore"):
        np.subtract(deviation[1:], deviation[:-1], out=moving[1:])
    np.abs(moving, out=moving)
    moving[breaks] = np.nan
    moving[segments.starts] = np.nan
    known = np.isfinite(moving)
    moving[~known] = 0.0
    number = segments.sums(known.astype(np.float64))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = segments.sums(moving) / number
    return (mean / D2) ** 2
