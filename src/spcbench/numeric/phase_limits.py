"""Limits from one calculation period, as the stable shift algorithm draws them.

Arrays of shape (series, rows) hold one period of each of many series, so that
one series and ten thousand go the same way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spcbench.numeric.chance import BINOMIAL, POISSON
from spcbench.numeric.moving import D2, D4, mean_moving_range
from spcbench.numeric.rules import side_of
from spcbench.numeric.segments import Flags, Floats, Integers, Segments, Signs
from spcbench.numeric.small_counts import at_a_likely_bound

CHARTS = ("p", "p_prime", "c", "c_prime", "i", "mr")
"""Chart types whose limits can be drawn here."""

PROPORTIONS = ("p", "p_prime")
"""Those that need denominators, and whose values end at 1."""

LAWS = {"p": BINOMIAL, "p_prime": BINOMIAL, "c": POISSON, "c_prime": POISSON}
"""What chance does to counts."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Limits from one period of each series: centre ± 3·spread/√size.

    Parameters
    ----------
    centre : array of float, shape (series,)
        NaN without data.
    spread : array of float, shape (series,)
        Sigma of a point of size 1; NaN where every moving range is 0.
    excluded : array of bool, shape (series, rows of the period)
        Points that the limits leave out.
    """

    centre: Floats
    spread: Floats
    excluded: Flags


@dataclass(frozen=True, slots=True)
class Plotted:
    """What is plotted, and the sums that its mean is made of.

    Parameters
    ----------
    chart : str
        One of `CHARTS`.
    value, top, size : array of float, shape (rows,)
        Value, numerator and denominator (the value and 1 where there are no
        denominators); NaN in all three without data.
    """

    chart: str
    value: Floats
    top: Floats
    size: Floats

    def rows(self, rows: slice | npt.NDArray[np.intp]) -> Plotted:
        """Some rows; an index of shape (series, rows) makes arrays of that shape."""
        return Plotted(self.chart, self.value[rows], self.top[rows], self.size[rows])

    def sides(self, centre: Floats, *, neutral_bounds: bool) -> Signs:
        """Side of the centre line of each row, shape (rows,).

        With `neutral_bounds`, 0 for counts of none or all where chance alone
        puts half of all points or more.
        """
        side = side_of(self.value, centre)
        if neutral_bounds and self.chart in LAWS:
            # The tails cost far more than the comparison: ask of few rows.
            rows = np.flatnonzero(((self.top == 0) | (self.top == self.size)) & (side != 0))
            if rows.size:
                law, top, size = LAWS[self.chart], self.top[rows], self.size[rows]
                side[rows[at_a_likely_bound(law, top, size, centre[rows])]] = 0
        return side

    @property
    def floor(self) -> float:
        """Lowest limit."""
        return -np.inf if self.chart == "i" else 0.0


def plotted(
    numerator: Floats, denominator: Floats | None, chart: str, segments: Segments
) -> Plotted:
    """What a chart type plots.

    Parameters
    ----------
    numerator : array of float, shape (rows,)
        Cases, or values where the chart has no denominators; NaN is no data.
    denominator : array of float, shape (rows,), or None
        For `PROPORTIONS`; NaN or 0 is no data.
    chart : str
        One of `CHARTS`.
    segments : Segments
        One for each series; no moving range crosses their edges.

    Raises
    ------
    ValueError
        If the chart is not known, or lacks its denominators.

    Examples
    --------
    >>> import numpy as np
    >>> plotted(np.array([3.0, 5.0, 4.0]), None, "mr", Segments.from_lengths([3])).value
    array([nan,  2.,  1.])
    """
    if chart not in CHARTS:
        raise ValueError(f"chart must be one of {', '.join(CHARTS)}, not {chart!r}")
    if chart in PROPORTIONS:
        if denominator is None:
            raise ValueError(f"chart {chart!r} needs denominators")
        size = np.where(denominator > 0, denominator, np.nan)
        value = numerator / size
        known = ~np.isnan(value)
        return Plotted(
            chart, value, np.where(known, numerator, np.nan), np.where(known, size, np.nan)
        )
    value = numerator
    if chart == "mr":
        value = np.full(numerator.size, np.nan)
        value[1:] = np.abs(np.diff(numerator))
        value[segments.starts] = np.nan
    return Plotted(chart, value, value, np.where(np.isnan(value), np.nan, 1.0))


def first_rows(starts: Integers, size: int) -> npt.NDArray[np.intp]:
    """Index of the first `size` rows from each start, shape (starts, size)."""
    return np.asarray(starts[:, None] + np.arange(size), dtype=np.intp)


def drawn_from(period: Plotted, *, max_exclusions: int = 3, screening: str = "once") -> Drawn:
    """Limits without the points furthest outside them.

    Parameters
    ----------
    period : Plotted
        Arrays of shape (series, rows): the rows that limits are drawn from.
    max_exclusions : int
        Most points to leave out of each series: those furthest outside the
        limits go first, and limits are drawn anew each time.
    screening : str
        As `moving.mean_moving_range`.

    Returns
    -------
    Drawn

    References
    ----------
    .. [1] Woodcock, O'Connor & Bell (2025), BMJ Quality & Safety,
       doi:10.1136/bmjqs-2025-019263 (the exclusions).

    Examples
    --------
    >>> import numpy as np
    >>> values = np.tile([9.0, 11.0], 6)
    >>> values[5] = 50.0
    >>> period = plotted(values, None, "i", Segments.from_lengths([12]))
    >>> drawn = drawn_from(period.rows(first_rows(np.array([0]), 12)))
    >>> drawn.centre.round(3), np.flatnonzero(drawn.excluded)
    (array([9.909]), array([5]))
    """
    excluded = np.zeros(period.value.shape, dtype=np.bool_)
    centre, spread = _estimates(period, excluded, screening)
    for _ in range(max_exclusions):
        lower, upper = band(period, centre[:, None], spread[:, None])
        outside = np.maximum(period.value - upper, lower - period.value)
        outside[excluded | np.isnan(outside)] = -np.inf
        furthest = outside.max(axis=1)
        new = (outside == furthest[:, None]) & (furthest > 0)[:, None]
        # Points equally far out leave together, as far as there is room for them.
        room = max_exclusions - excluded.sum(axis=1)
        new &= np.cumsum(new, axis=1) <= room[:, None]
        if not new.any():
            break
        excluded |= new
        centre, spread = _estimates(period, excluded, screening)
    return Drawn(centre, spread, excluded)


def _estimates(period: Plotted, excluded: Flags, screening: str) -> tuple[Floats, Floats]:
    """Centre, and sigma of a point of size 1, of each series."""
    used = ~(excluded | np.isnan(period.value))
    with np.errstate(invalid="ignore", divide="ignore"):
        top = np.where(used, period.top, 0.0).sum(axis=1)
        centre = top / np.where(used, period.size, 0.0).sum(axis=1)
        if period.chart == "p":
            return centre, np.sqrt(centre * (1.0 - centre))
        if period.chart == "c":
            return centre, np.sqrt(centre)
        if period.chart == "mr":
            return centre, centre * (D4 - 1.0) / 3.0
        # p′ and c′ multiply their sigma by the mean moving range of z: in units of a point of
        # size 1 that sigma cancels, also where it is 0.
        scaled = (period.value - centre[:, None]) * np.sqrt(period.size)
        spread = _mean_range(scaled, excluded, screening) / D2
    # A range of zero says that limits cannot be drawn, not that they lie on the centre.
    return centre, np.where(spread > 0, spread, np.nan)


def _mean_range(values: Floats, excluded: Flags, screening: str) -> Floats:
    """Mean moving range of each row, as if the excluded points did not exist."""
    count, size = values.shape
    place = np.where(excluded, -1, np.arange(size))
    before = np.full((count, size), -1)
    before[:, 1:] = np.maximum.accumulate(place, axis=1)[:, :-1]
    moving = np.abs(values - np.take_along_axis(values, np.maximum(before, 0), axis=1))
    moving[excluded | (before < 0)] = np.nan
    lengths = np.full(count, size, dtype=np.int64)
    return mean_moving_range(moving.ravel(), Segments.from_lengths(lengths), screening=screening)


def band(data: Plotted, centre: Floats, spread: Floats) -> tuple[Floats, Floats]:
    """Lower and upper limit on each row; the upper one is not cut."""
    wide = 3.0 * spread / np.sqrt(data.size)
    return np.maximum(centre - wide, data.floor), centre + wide
