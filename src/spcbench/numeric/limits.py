"""Centre line, sigma and limits, for many series at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spcbench.numeric.segments import Flags, Floats, Segments

METHODS = ("normal", "exact", "mid_p", "jeffreys", "spiegelhalter", "arcsine", "given")
"""The words that the codes in `Limits.method` stand for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Many series laid end to end, as chart types see them.

    Arrays have shape (rows,); NaN means "no data" and leaves both sums.

    Parameters
    ----------
    value : array of float
        What is plotted, on the natural scale (0 to 1 for a proportion).
    numerator, denominator, expected, mean, sd : array of float, optional
        What the chart type needs; None when the counts do not hold it.
    in_baseline : array of bool
        Points that limits are estimated from.
    gap : array of bool
        True where a period is missing just before the point.
    segments : Segments
        One segment per phase of each series.
    """

    value: Floats
    numerator: Floats | None = None
    denominator: Floats | None = None
    expected: Floats | None = None
    mean: Floats | None = None
    sd: Floats | None = None
    in_baseline: Flags
    gap: Flags
    segments: Segments


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartOptions:
    """What the analyst chose.

    Parameters
    ----------
    sigma : float
        Multiple of sigma for `lcl` and `ucl`; warning lines stand at two thirds.
    limit_method : str
        ``"auto"`` or one of `METHODS`.
    """

    sigma: float = 3.0
    limit_method: str = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a chart type gives back; arrays of shape (rows,).

    Parameters
    ----------
    centre, sigma, lcl, ucl, lower_warning, upper_warning : array of float
        NaN only where there is no data. Limits are clipped to what the value
        can be; decisions use `z`.
    z : array of float
        Score that the rules see: (value − centre)/sigma, or the normal score
        of the exact tail under exact limits.
    method : array of int8
        Index into `METHODS` of the method that made each limit.
    """

    centre: Floats
    sigma: Floats
    lcl: Floats
    ucl: Floats
    lower_warning: Floats
    upper_warning: Floats
    z: Floats
    method: npt.NDArray[np.int8]
