"""What advice is judged by: facts about every series of a drawn chart, worked out once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spcbench.numeric.choice import ON_THE_CENTRE, Grounds, chance_deviation, grounds
from spcbench.numeric.dispersion import RatioInterval, variance_ratio_interval
from spcbench.numeric.engine import FEWEST_POINTS
from spcbench.numeric.limits import METHODS, Series
from spcbench.numeric.patterns import Seasonality, seasonality
from spcbench.numeric.segments import Flags, Floats, Integers
from spcbench.numeric.shared_cases import ROLLING, Rolling, rolling

if TYPE_CHECKING:
    from spcbench.drawn import Drawn

Row = tuple[int, str, str, dict[str, Any]]
"""Which series, code, message, evidence."""

Rows = Iterator[Row]

BY_RANGES = ("i_prime",)
"""Charts of rates that need not come from counts: chance alone says nothing about those."""

SEASONS = {"month": 12, "quarter": 4}
"""Periods that have seasons, and how many of them a year."""

CHANCE = 0.01
"""Chance of a pattern in a stable series under which it is spoken of (a proposal)."""

LAWS = {"proportion": "proportion", "rate": "rate", "count": "rate"}
"""How counts vary by chance (binomial or Poisson), by what a chart type takes."""


@dataclass(frozen=True)
class Facts:
    """Facts about every series; arrays of shape (series,) unless said.

    Parameters
    ----------
    drawn : Drawn
        The charts as arrays.
    """

    drawn: Drawn

    @cached_property
    def chart(self) -> npt.NDArray[Any]:
        """Id of the chart type."""
        return np.asarray(self.drawn.of_chart("id"))

    @cached_property
    def takes(self) -> npt.NDArray[Any]:
        """What the chart type takes: ``proportion``, ``rate``, ``count`` and others.

        ``value`` for charts that take rates and yet judge them by moving ranges.
        """
        takes = np.asarray(self.drawn.of_chart("takes"))
        return np.where(np.isin(self.chart, BY_RANGES), "value", takes)

    @cached_property
    def at(self) -> Integers:
        """Row of the latest point with data."""
        return self.drawn.last_known

    @cached_property
    def phase(self) -> Integers:
        """Phase of the latest point with data, as an index of segments."""
        starts = self.drawn.phases.segments.starts
        return np.searchsorted(starts, self.at, side="right") - 1

    @cached_property
    def known(self) -> Integers:
        """Points with data in the latest phase."""
        return self.drawn.charted.known[self.drawn.phases.latest]

    @cached_property
    def limited(self) -> Flags:
        """Series whose latest phase has points enough for limits."""
        return self.known >= FEWEST_POINTS

    @cached_property
    def exact(self) -> Flags:
        """Series whose limits are exact for small counts."""
        method = self.drawn.charted.limits.method[self.at]
        return np.asarray(method == METHODS.index("exact"), dtype=np.bool_)

    @cached_property
    def constant(self) -> Flags:
        """Series whose latest phase has points enough, and all of the same value."""
        value = self.drawn.series.value
        segments = self.drawn.phases.segments
        lowest = segments.minima(np.where(np.isnan(value), np.inf, value))[self.phase]
        highest = -segments.minima(np.where(np.isnan(value), np.inf, -value))[self.phase]
        return np.asarray((lowest == highest) & self.limited, dtype=np.bool_)

    @cached_property
    def grounds(self) -> Grounds:
        """Dispersion beyond chance and what goes with it; NaN where nothing is counted."""
        drawn = self.drawn
        if drawn.auto and drawn.choice is not None and (self.takes == "proportion").all():
            return drawn.choice.grounds
        size = self.takes.size
        made = Grounds(
            dispersion=np.full(size, np.nan),
            points=np.zeros(size, dtype=np.int64),
            smallest=np.full(size, np.nan),
            largest=np.full(size, np.nan),
            small=np.zeros(size, dtype=np.bool_),
        )
        for takes, law in LAWS.items():
            if not (which := self.takes == takes).any():
                continue
            found = grounds(self.counted(takes), drawn.taken.series, data_type=law)
            made = Grounds(
                **{
                    name: np.where(which, getattr(found, name), getattr(made, name))
                    for name in Grounds.__slots__
                }
            )
        return made

    def counted(self, takes: str) -> Series:
        """The series as charts see them that take such rows."""
        series = self.drawn.series
        return replace(series, denominator=None) if takes == "count" else series

    @cached_property
    def interval(self) -> RatioInterval:
        """Approximate 95 % interval of the dispersion."""
        return variance_ratio_interval(self.grounds.dispersion, self.grounds.points)

    @cached_property
    def by_chance(self) -> Flags:
        """Series whose deviations are in chance standard deviations."""
        return np.isin(self.takes, list(LAWS))

    @cached_property
    def deviation(self) -> Floats:
        """Deviation of each point from its phase's centre; shape (rows,).

        In chance standard deviations where counts give them, else in the
        values' own unit; NaN where a point is excluded.
        """
        series, whole = self.drawn.series, self.drawn.taken.series
        made = np.full(series.value.size, np.nan)
        for takes, law in LAWS.items():
            if (which := self.takes == takes).any():
                own = chance_deviation(self.counted(takes), data_type=law)
                made = own if which.all() else np.where(whole.spread(which), own, made)
        if not self.by_chance.all():
            made = np.where(whole.spread(self.by_chance), made, self._from_the_mean())
        if series.excluded is not None:
            made = np.where(series.excluded, np.nan, made)
        return made

    def _from_the_mean(self) -> Floats:
        value, phases = self.drawn.series.value, self.drawn.phases.segments
        if self.takes.size and (self.takes == "subgroup").any():
            value = self.drawn.value
        known = ~np.isnan(value)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = phases.sums(np.where(known, value, 0.0)) / phases.sums(known.astype(np.int64))
        centre = phases.spread(mean)
        deviation = value - centre
        with np.errstate(invalid="ignore"):
            deviation[np.abs(deviation) <= ON_THE_CENTRE * np.abs(centre)] = 0.0
        return np.asarray(deviation, dtype=np.float64)

    @cached_property
    def shared_cases(self) -> Rolling:
        """Signs of rolling totals."""
        return rolling(
            self.deviation,
            self.drawn.series.gap,
            self.drawn.taken.series,
            denominator=self.drawn.series.denominator,
            by_chance=self.by_chance,
        )

    @cached_property
    def rolling(self) -> Flags:
        """Series whose neighbouring points seem to share cases, and no season explains it."""
        sign = self.shared_cases.sign
        smooth = sign == ROLLING.index("smooth")
        found = (sign > 0) & ~(smooth & self.seasonal)
        return np.asarray(found | self.overlapping, dtype=np.bool_)

    @cached_property
    def overlapping(self) -> Flags:
        """Series whose periods say themselves that they reach into the next."""
        frame, series = self.drawn.taken.frame, self.drawn.taken.series
        if "period_end" not in frame.columns or len(frame) < 2:
            return np.zeros(len(series), dtype=np.bool_)
        begin, end = (frame[name].to_numpy() for name in ("period", "period_end"))
        reaches = np.zeros(len(frame), dtype=np.int64)
        reaches[1:] = end[:-1] >= begin[1:]
        reaches[series.starts] = 0
        return np.asarray(series.sums(reaches) > 0, dtype=np.bool_)

    def has_frequency(self, frequency: str) -> Flags:
        """Series whose periods are of this length."""
        lengths = self.drawn.frequency
        return np.array(
            [lengths[name] == frequency for name in self.drawn.names("measure")], dtype=np.bool_
        )

    @cached_property
    def seasons(self) -> dict[str, Seasonality]:
        """How far months differ, and quarters, for all series; by frequencies that occur."""
        month = self.drawn.taken.frame["period"].to_numpy().astype("datetime64[M]")
        month = month.astype(np.int64) % 12
        return {
            frequency: seasonality(
                self.deviation, month * number // 12, self.drawn.taken.series, seasons=number
            )
            for frequency, number in SEASONS.items()
            if frequency in self.drawn.frequency.values()
        }

    @cached_property
    def seasonal(self) -> Flags:
        """Series whose months (or quarters) differ more than chance allows."""
        made = np.zeros(self.takes.size, dtype=np.bool_)
        for frequency, found in self.seasons.items():
            with np.errstate(invalid="ignore"):
                made |= (found.probability < CHANCE) & self.has_frequency(frequency)
        return made

    @cached_property
    def percent(self) -> Flags:
        """Series whose chart shows proportions as such."""
        own = self.drawn.of_chart("scale") == "measure"
        return np.asarray((self.takes == "proportion") & own, dtype=np.bool_)

    def per(self, which: int | np.integer[Any]) -> int:
        """Display scale of a series: 100 for per cent."""
        return self.drawn.taken.display[str(self.drawn.names("measure")[which])].per


def number(value: float) -> float | None:
    """A figure for evidence: four significant digits; None where there is none."""
    return float(f"{value:.4g}") if np.isfinite(value) else None


def shown(value: float, per: int) -> str:
    """A value as people read it: ``84%``, ``3.2 per 1,000``, or the plain number.

    What is not all or nothing does not read as if it were.

    Examples
    --------
    >>> shown(0.84, 100), shown(0.9991, 100), shown(1.0, 100)
    ('84%', '99.91%', '100%')
    """
    if per == 100:
        text = f"{value:.0%}"
        return f"{value:.2%}" if text in ("0%", "100%") and value not in (0.0, 1.0) else text
    return f"{value * per:.3g}" + (f" per {per:,}" if per > 1 else "")


def periods(frequency: str, *, many: bool = False) -> str:
    """Word for one period, or for several: ``month``, ``months``."""
    word = frequency if frequency in {"day", "week", "month", "quarter", "year"} else "period"
    return word + "s" if many else word
