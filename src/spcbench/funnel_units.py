"""Units compared with their targets: everything behind the tables of funnels, all at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from spcbench.levels import Level
from spcbench.numeric.between_units import between_variance
from spcbench.numeric.funnel_lines import FunnelLines, funnel_lines
from spcbench.numeric.funnel_scales import Scores, scores
from spcbench.numeric.funnel_tails import p_values
from spcbench.numeric.multiplicity import fdr_tail
from spcbench.numeric.overdispersion import (
    VarianceRatios,
    additive_scores,
    consistency,
    multiplicative_scores,
    variance_ratios,
    winsorised,
)
from spcbench.numeric.segments import Flags, Floats, Integers, Segments
from spcbench.tables import STATUS

FEWEST_UNITS = 2
"""With fewer units there are no peers to compare with, unless a target is given."""

TAKES = {
    "proportion": "proportion",
    "rate": "rate",
    "ratio": "expected",
    "two_counts": "two_counts",
}
"""What counts must hold, by data type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How units are compared; the fields are the options of `funnels`."""

    data_type: str
    change_of: str | None
    scale: str
    limits: str
    levels: tuple[Level, ...]
    overdispersion: str
    tau2_method: str
    winsorise: float
    consistent: bool
    fdr: float | None
    dependent: bool

    @property
    def alphas(self) -> tuple[float, ...]:
        """One-sided tails, the innermost level first."""
        return tuple(level.alpha for level in self.levels)


@dataclass(frozen=True)
class Compared:
    """Units of all funnels against their targets; arrays of shape (units,) unless said.

    Parameters
    ----------
    rows : pandas.DataFrame
        As `funnel_sums.summed` gives them.
    recipe : Recipe
        How they are compared.
    goals : pandas.Series, optional
        The target of each measure, by name; pooled from the units without it.
    """

    rows: pd.DataFrame
    recipe: Recipe
    goals: pd.Series[float] | None = None

    @cached_property
    def funnels(self) -> Segments:
        """One segment per funnel."""
        changed = self.rows[["measure", "group"]].ne(self.rows[["measure", "group"]].shift())
        return Segments.from_breaks(changed.any(axis=1).to_numpy(dtype=np.bool_))

    @cached_property
    def known(self) -> Flags:
        """Units with data."""
        seen: Flags = (self.rows["periods"].to_numpy() > 0) & (self.size > 0)
        return seen

    @cached_property
    def status(self) -> Integers:
        """Index into `tables.STATUS`: why a unit without data has none."""
        why = self.rows["why"].to_numpy(dtype=np.int64)
        return np.where(self.known, 0, np.where(why > 0, why, STATUS.index("no_data")))

    @cached_property
    def size(self) -> Floats:
        """Cases, exposure, events expected, both counts together, or effective size."""
        amounts = self.rows[["numerator", "denominator", "expected"]].astype("float64")
        if self.recipe.data_type == "two_counts":
            return np.asarray((amounts["numerator"] + amounts["denominator"]).to_numpy())
        return np.asarray(
            amounts["expected" if self.recipe.data_type == "ratio" else "denominator"].to_numpy()
        )

    @cached_property
    def count(self) -> Floats:
        """Cases met, or events; NaN without data."""
        return np.where(self.known, self.rows["numerator"].to_numpy(dtype=np.float64), np.nan)

    @cached_property
    def observed(self) -> Floats:
        """What the law of chance is asked about: the count, or of a change the ratio."""
        return self.count

    @cached_property
    def value(self) -> Floats:
        """What is plotted; of two counts infinite where the second is 0."""
        over = self.size - self.count if self.recipe.data_type == "two_counts" else self.size
        with np.errstate(divide="ignore", invalid="ignore"):
            value: Floats = self.count / over
        return value

    @cached_property
    def units(self) -> Integers:
        """Units with data of each funnel, shape (funnels,)."""
        return self.funnels.sums(self.known.astype(np.int64))

    @cached_property
    def alone(self) -> Flags:
        """Funnels of one unit that has no peers, shape (funnels,)."""
        if self.goals is not None:
            return np.zeros(len(self.funnels), dtype=np.bool_)
        return self.units < FEWEST_UNITS

    @cached_property
    def target(self) -> Floats:
        """The target given, else the pooled value of each funnel; shape (funnels,)."""
        if self.goals is not None:
            measures = self.rows["measure"].take(self.funnels.starts)
            goals = measures.map(self.goals).to_numpy(dtype=np.float64)
            return np.where(self.units > 0, goals, np.nan)
        pooled = self._pooled()
        return np.asarray(np.where(self.alone | ~np.isfinite(pooled), np.nan, pooled))

    def _pooled(self) -> Floats:
        sums = self.funnels.sums
        events, sizes = sums(np.nan_to_num(self.count)), sums(np.where(self.known, self.size, 0.0))
        if self.recipe.data_type == "two_counts":
            sizes = sizes - events
        with np.errstate(divide="ignore", invalid="ignore"):
            pooled: Floats = events / sizes
        return pooled

    @cached_property
    def scored(self) -> Scores:
        """Unadjusted scores against the target."""
        return self.scored_against(self.target)

    @cached_property
    def among(self) -> Scores:
        """Scores against what the units have in common: what overdispersion is estimated from.

        Distance from a standard that all of them miss is no variation between them.
        """
        if self.goals is None:
            return self.scored
        pooled = self._pooled()
        return self.scored_against(np.where(self.units < FEWEST_UNITS, np.nan, pooled))

    def scored_against(self, target: Floats) -> Scores:
        """Unadjusted scores against one value for each funnel."""
        goal = self.funnels.spread(np.where(np.isfinite(target), target, np.nan))
        size = np.where(self.known, self.size, np.nan)
        found = scores(self.recipe.data_type, self.count, size, goal, scale=self.recipe.scale)
        if self.recipe.data_type != "two_counts":
            return found
        # A half added to none gives a score that is far too large: none has no logarithm here.
        none = (self.count == 0) | (self.count == self.size)
        return replace(found, z=np.where(none, np.nan, found.z))

    @cached_property
    def ratios(self) -> VarianceRatios:
        """Phi, raw and winsorised, of each funnel."""
        return variance_ratios(self.among.z, self.funnels, share=self.recipe.winsorise)

    def between(self, share: float, *, consistent: bool) -> Floats:
        """Variance between units on the analysis scale, shape (funnels,).

        Parameters
        ----------
        share : float
            Of the scores, winsorised at each end first.
        consistent : bool
            Whether to make up for what winsorising takes away.
        """
        z = winsorised(self.among.z, self.funnels, share=share)
        if consistent:
            z = z / np.sqrt(consistency(share, trimming="winsorise"))
        error = self.among.standard_error
        return between_variance(z * error, error, self.funnels, method=self.recipe.tau2_method)

    @cached_property
    def tau2(self) -> Floats:
        """Variance between units that widens limits, shape (funnels,); NaN unless additive."""
        if self.recipe.overdispersion != "additive":
            return np.full(len(self.funnels), np.nan)
        return self.between(self.recipe.winsorise, consistent=self.recipe.consistent)

    @cached_property
    def phi_winsorised(self) -> Floats:
        """Phi of winsorised scores, made up for the winsorising if asked for; shape (funnels,)."""
        return self.ratios.consistent if self.recipe.consistent else self.ratios.trimmed

    @cached_property
    def phi(self) -> Floats:
        """Variance ratio that widens limits, shape (funnels,); 1 where chance has them as it is."""
        if self.recipe.overdispersion != "multiplicative":
            return self.clustering
        return np.maximum(np.nan_to_num(self.phi_winsorised, nan=1.0), self.clustering)

    @cached_property
    def clustering(self) -> Floats:
        """How much more cases that go together vary than as many apart, shape (funnels,).

        From the variance that the counts carry; 1 without it, and where it is less.
        """
        ones = np.ones(len(self.funnels))
        if self.recipe.data_type != "proportion" or "variance" not in self.rows:
            return ones
        variance = self.rows["variance"].to_numpy(dtype=np.float64)
        apart = self.size * self.value * (1.0 - self.value)
        both = self.known & ~np.isnan(variance)
        sums = self.funnels.sums
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = sums(np.where(both, variance, 0.0)) / sums(np.where(both, apart, 0.0))
        return np.where(ratio > 1.0, ratio, ones)

    @cached_property
    def which(self) -> Integers:
        """The funnel of each unit."""
        return self.funnels.spread(np.arange(len(self.funnels)))

    def lines(
        self,
        size: Floats,
        funnel: Integers,
        *,
        alphas: tuple[float, ...] | None = None,
        method: str | None = None,
    ) -> FunnelLines:
        """Limits at some sizes of some funnels, of the recipe's levels and method if not given."""
        return funnel_lines(
            self.recipe.data_type,
            size,
            self.target[funnel],
            alphas=self.recipe.alphas if alphas is None else alphas,
            method=method or self.recipe.limits,
            tau2=np.nan_to_num(self.tau2[funnel]),
            phi=self.phi[funnel],
            scale=self.recipe.scale,
        )

    @cached_property
    def limits(self) -> FunnelLines:
        """Limits at each unit's size."""
        return self.lines(np.where(self.known, self.size, np.nan), self.which)

    @cached_property
    def p_value(self) -> Floats:
        """Two-sided, by the law that the limits follow."""
        spread = self.funnels.spread
        return p_values(
            self.recipe.data_type,
            self.observed,
            np.where(self.known, self.size, np.nan),
            spread(self.target),
            method=self.recipe.limits,
            tau2=np.nan_to_num(spread(self.tau2)),
            phi=spread(self.phi),
            scale=self.recipe.scale,
        )

    @cached_property
    def z_adjusted(self) -> Floats:
        """Scores after the adjustment for overdispersion; NaN without one."""
        spread, found = self.funnels.spread, self.scored
        if self.recipe.overdispersion == "additive":
            deviation = found.value - found.target
            return additive_scores(deviation, found.standard_error, spread(self.tau2))
        if self.recipe.overdispersion == "multiplicative":
            return multiplicative_scores(found.z, spread(self.phi))
        return np.full(self.count.size, np.nan)

    @cached_property
    def position(self) -> Integers:
        """Index into `tables.positions`; −1 without a comparison."""
        made = np.zeros(self.count.size, dtype=np.int64)
        with np.errstate(invalid="ignore"):
            for level in range(len(self.recipe.levels)):
                made[self.value > self.limits.upper[level]] = 1 + 2 * level
                made[self.value < self.limits.lower[level]] = 2 + 2 * level
        made[np.isnan(self.p_value)] = -1
        return made

    @cached_property
    def fdr_alpha(self) -> Floats:
        """One-sided tail of the false discovery line, shape (funnels,); NaN unless asked for."""
        if self.recipe.fdr is None:
            return np.full(len(self.funnels), np.nan)
        dependent = self.recipe.dependent
        return fdr_tail(self.p_value, self.funnels, q=self.recipe.fdr, dependent=dependent)

    @cached_property
    def blind(self) -> tuple[Flags, Flags]:
        """Units so small that no value would lie below, or above, the innermost limits."""
        lower, upper = self.limits.lower[0], self.limits.upper[0]
        top = 1.0 if self.recipe.data_type == "proportion" else np.inf
        judged, goal = self.position >= 0, self.funnels.spread(self.target)
        # On a target of 0 nothing lies below, however large the unit.
        return judged & ~(lower > 0) & (goal > 0), judged & ~(upper < top) & (goal < top)
