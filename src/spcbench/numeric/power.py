"""Power: the smallest difference that a unit of its size could have shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from spcbench.numeric.chance import Law
from spcbench.numeric.comparing import floats
from spcbench.numeric.segments import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Detectable:
    """True values that would be outside the limits often enough; shape of the limits.

    Parameters
    ----------
    below, above : array of float
        The true values nearest to the target, on either side. NaN where the
        unit is too small: not even a value of 0 (or of 1) would be outside.
    """

    below: Floats
    above: Floats


def detectable(
    law: Law,
    size: npt.ArrayLike,
    lower: npt.ArrayLike,
    upper: npt.ArrayLike,
    *,
    power: float = 0.8,
) -> Detectable:
    """Smallest true differences that given limits would show with given probability.

    Parameters
    ----------
    law : Law
        `BINOMIAL` or `POISSON`: chance alone, once the unit's true value is set.
    size : array_like
        Cases (whole), exposure or expected events, above 0.
    lower, upper : array_like
        Limits of any method at these sizes, shape (units,) or (levels, units).
        NaN gives NaN.
    power : float
        Probability of being outside, between 0 and 1.

    Returns
    -------
    Detectable
        Exact: a unit whose true value is `above` has a value strictly above
        the limit with probability `power`; `below` likewise.

    Raises
    ------
    ValueError
        If the power is not between 0 and 1.

    References
    ----------
    .. [1] P(R >= c) and P(R <= c) are incomplete beta and gamma functions of
       the true value, whose inverses scipy has.

    Examples
    --------
    >>> from spcbench.numeric.chance import BINOMIAL
    >>> found = detectable(BINOMIAL, [5.0, 200.0], [0.372, 0.885], [1.0, 0.99])
    >>> found.below.round(3), found.above.round(3)
    (array([0.169, 0.862]), array([  nan, 0.996]))
    """
    if not 0.0 < power < 1.0:
        raise ValueError(f"a power lies between 0 and 1: {power}")
    n, low_line, high_line = floats(size, lower, upper)
    n = np.where(n > 0, n, np.nan)
    low, high = _last_low(n, low_line), _first_high(n, high_line)
    if law.bounded:
        below = special.betainccinv(low + 1.0, n - low, power)
        above = special.betaincinv(high, n - high + 1.0, power)
        below = np.where(low < n, below, np.nan)
        above = np.where(high <= n, above, np.nan)
    else:
        below = special.gammainccinv(low + 1.0, power) / n
        above = special.gammaincinv(high, power) / n
    return Detectable(
        below=np.where(low >= 0, below, np.nan), above=np.where(high > 0, above, np.nan)
    )


def _last_low(n: Floats, line: Floats) -> Floats:
    """Largest count strictly below a line, judged as drawn: count/size < line."""
    count = np.ceil(line * n) - 1.0
    count = np.where((count + 1.0) / n < line, count + 1.0, count)
    return np.where(count / n < line, count, count - 1.0)


def _first_high(n: Floats, line: Floats) -> Floats:
    """Smallest count strictly above a line, judged as drawn: count/size > line."""
    count = np.floor(line * n) + 1.0
    count = np.where((count - 1.0) / n > line, count - 1.0, count)
    return np.where(count / n > line, count, count + 1.0)
