"""The scales on which units of a funnel are compared by a normal approximation.

==========  ==========  ===================  ==================================
data type   scale       g(value)             standard error at the target θ
==========  ==========  ===================  ==================================
proportion  natural     r/n                  √(θ(1 − θ)/n)
proportion  arcsine     asin √(r/n)          1/(2√n)
proportion  logit       log(r/(n − r))       1/√(θ(1 − θ)n)
ratio       log         log(O/E)             1/√(θE)
ratio       sqrt        √(O/E)               1/(2√E)
ratio       natural     O/E                  √(θ/E)
rate        as ratio    with E = θ·exposure and a target of 1
two_counts  log         log(O₁/O₂)           √(1/O₁ + 1/O₂) as expected of O₁ + O₂
change      log         log(ratio)           1/√(effective size)
==========  ==========  ===================  ==================================

The first scale of each type is its usual one. A variance between units, tau²,
is on the same scale as the values here: for rates that of r/(θ·exposure).

References
----------
.. [1] Spiegelhalter (2005), Statistics in Medicine 24:1185.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spcbench.numeric.segments import Floats

SCALES: dict[str, tuple[str, ...]] = {
    "proportion": ("natural", "arcsine", "logit"),
    "rate": ("log", "sqrt", "natural"),
    "ratio": ("log", "sqrt", "natural"),
    "two_counts": ("log",),
    "change": ("log", "natural"),
}
"""What can be on a funnel, and the scales on which each may be compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Units on the analysis scale; arrays of shape (units,).

    Parameters
    ----------
    value, target, standard_error : array of float
        g(y), g(θ) and s.
    z : array of float
        (value − target)/standard_error; 0 on the target; NaN without data,
        without a standard error, and where the scale has no value (the
        logarithm of none).
    """

    value: Floats
    target: Floats
    standard_error: Floats
    z: Floats


def checked_scale(data_type: str, scale: str | None) -> str:
    """The scale asked for, or the usual one of a data type.

    Parameters
    ----------
    data_type : str
        One of `SCALES`.
    scale : str, optional
        One of its scales.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If there is no such data type, or it has no such scale.

    Examples
    --------
    >>> checked_scale("ratio", None)
    'log'
    """
    if data_type not in SCALES:
        raise ValueError(
            f"there is no funnel data type {data_type!r}; there are {', '.join(SCALES)}"
        )
    scales = SCALES[data_type]
    if scale is None:
        return scales[0]
    if scale not in scales:
        raise ValueError(f"a {data_type} has no scale {scale!r}; it has {', '.join(scales)}")
    return scale


def on_scale(value: npt.ArrayLike, scale: str) -> Floats:
    """Values on the analysis scale.

    Parameters
    ----------
    value : array_like
        On the natural scale; NaN stays NaN.
    scale : str
        ``"natural"``, ``"arcsine"``, ``"logit"``, ``"log"`` or ``"sqrt"``.

    Returns
    -------
    array of float
        Infinite where the scale has no end there.

    Examples
    --------
    >>> on_scale([0.0, 1.0, 4.0], "sqrt")
    array([0., 1., 2.])
    """
    plain = np.asarray(value, dtype=np.float64)
    if scale == "natural":
        return plain
    with np.errstate(divide="ignore", invalid="ignore"):
        made: Floats
        if scale == "log":
            made = np.log(plain)
        elif scale == "sqrt":
            made = np.sqrt(plain)
        elif scale == "arcsine":
            made = np.arcsin(np.sqrt(plain))
        else:
            made = np.log(plain) - np.log1p(-plain)
    return made


def from_scale(value: npt.ArrayLike, scale: str) -> Floats:
    """Values back on the natural scale, held to what the scale can reach.

    Parameters
    ----------
    value : array_like
        On the analysis scale.
    scale : str
        As `on_scale`.

    Returns
    -------
    array of float
        A root below 0 becomes 0 and an angle is held within 0 and π/2, so that
        a limit cannot turn back at the edge; natural values are not clipped.

    Examples
    --------
    >>> from_scale([-0.5, 2.0], "sqrt")
    array([0., 4.])
    """
    made = np.asarray(value, dtype=np.float64)
    if scale == "log":
        with np.errstate(over="ignore"):
            made = np.exp(made)
    elif scale == "sqrt":
        made = np.maximum(made, 0.0) ** 2
    elif scale == "arcsine":
        made = np.sin(np.clip(made, 0.0, np.pi / 2)) ** 2
    elif scale == "logit":
        with np.errstate(over="ignore"):
            made = 1.0 / (1.0 + np.exp(-made))
    return made


def standard_errors(
    data_type: str, size: npt.ArrayLike, target: npt.ArrayLike, *, scale: str | None = None
) -> Floats:
    """Standard errors on the analysis scale of units that are on the target.

    Parameters
    ----------
    data_type : str
        One of `SCALES`.
    size : array_like
        Cases, exposure, expected events, both counts together, or the
        effective size (one over the squared standard error) of a change.
    target : array_like
        On the natural scale.
    scale : str, optional
        The usual one without it.

    Returns
    -------
    array of float
        NaN or infinite where there is no size or no chance variation.

    Examples
    --------
    >>> standard_errors("ratio", [4.0, 25.0], 1.0)
    array([0.5, 0.2])
    """
    scale = checked_scale(data_type, scale)
    n, theta = np.asarray(size, np.float64), np.asarray(target, np.float64)
    made: Floats
    with np.errstate(divide="ignore", invalid="ignore"):
        if data_type == "rate":
            n, theta = n * theta, np.ones_like(theta)
        if data_type == "change":
            made = 1.0 / np.sqrt(n + 0.0 * theta)
        elif data_type == "two_counts":
            made = (1.0 + theta) / np.sqrt(theta * n)
        elif data_type == "proportion" and scale != "arcsine":
            spread = np.sqrt(theta * (1.0 - theta))
            made = spread / np.sqrt(n) if scale == "natural" else 1.0 / (spread * np.sqrt(n))
        elif scale in ("arcsine", "sqrt"):
            made = 0.5 / np.sqrt(n + 0.0 * theta)
        else:
            made = np.sqrt(theta / n) if scale == "natural" else 1.0 / np.sqrt(theta * n)
    return made


def scores(
    data_type: str,
    count: npt.ArrayLike,
    size: npt.ArrayLike,
    target: npt.ArrayLike,
    *,
    scale: str | None = None,
) -> Scores:
    """Unadjusted scores of units against a target, as overdispersion is estimated from.

    Parameters
    ----------
    data_type : str
        ``"proportion"``, ``"rate"``, ``"ratio"`` or ``"two_counts"``.
    count, size : array_like, shape (units,)
        As `spcbench.numeric.funnel_lines.funnel_lines`; for two counts the
        first count, and both together. NaN for a unit without data.
    target : array_like
        On the natural scale.
    scale : str, optional
        The usual one without it.

    Returns
    -------
    Scores
        The logarithm of two counts adds ½ to each, and its standard error is
        that of the counts seen; all others have that of the target.

    Raises
    ------
    ValueError
        For a change, which has no counts of its own.

    Examples
    --------
    >>> scores("proportion", [10.0, 20.0], [100.0, 100.0], 0.1).z.round(2)
    array([0.  , 3.33])
    """
    scale = checked_scale(data_type, scale)
    if data_type == "change":
        raise ValueError("a change has no count: its score is (log ratio − log target)/s")
    r, n, theta = np.broadcast_arrays(
        *(np.asarray(one, dtype=np.float64) for one in (count, size, target))
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        if data_type == "two_counts":
            first, second = r + 0.5, n - r + 0.5
            value = np.log(first / second)
            error = np.sqrt(r / first**2 + (n - r) / second**2)
        else:
            relative = data_type == "rate"
            value = on_scale(r / (n * theta if relative else n), scale)
            error = standard_errors(data_type, n, theta, scale=scale)
        centre = on_scale(np.ones_like(theta) if data_type == "rate" else theta, scale)
        z = (value - centre) / error
    z = np.where((value == centre) & (n > 0), 0.0, z)
    return Scores(
        value=value, target=centre, standard_error=error, z=np.where(np.isfinite(z), z, np.nan)
    )
