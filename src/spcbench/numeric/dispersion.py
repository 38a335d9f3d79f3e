"""How much more the data vary than chance alone would make them."""

from __future__ import annotations

from spcbench.numeric.moving import D2, mean_moving_range, moving_ranges
from spcbench.numeric.segments import Flags, Floats, Segments


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
    moving = moving_ranges(deviation, breaks, segments)
    mean = mean_moving_range(moving, segments)
    ratio: Floats = (mean / D2) ** 2
    return ratio
