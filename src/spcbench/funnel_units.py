"""Units added up and compared: everything behind the tables of funnels, all funnels at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from spcbench.errors import InputError, OptionError
from spcbench.intake import Taken, as_date
from spcbench.numeric.between_units import between_variance
from spcbench.numeric.funnel_lines import FunnelLines, funnel_lines
from spcbench.numeric.funnel_scales import Scores, scores
from spcbench.numeric.funnel_tails import p_values
from spcbench.numeric.overdispersion import (
    VarianceRatios,
    additive_scores,
    multiplicative_scores,
    variance_ratios,
    winsorised,
)
from spcbench.numeric.segments import Flags, Floats, Integers, Segments
from spcbench.tables import STATUS

ALPHAS = (0.025, 0.001)
"""One-sided tails of the 95 % and the 99.8 % limits."""

FEWEST_UNITS = 2
"""With fewer units there are no peers to compare with, unless a target is given."""

TAKES = {"proportion": "proportion", "rate": "rate", "ratio": "expected"}
"""What counts must hold, by data type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How units are compared; the fields are the options of `funnels`."""

    data_type: str
    limits: str
    target: float | None
    overdispersion: str
    tau2_method: str
    winsorise: float


def summed(taken: Taken, first: Any | None, last: Any | None, by: str | None) -> pd.DataFrame:
    """One row per measure, group and unit: sums over the periods that have data.

    Parameters
    ----------
    taken : Taken
        The counts.
    first, last : date, optional
        Periods outside are left out.
    by : str, optional
        Column of labels; units of one label are compared with each other.

    Raises
    ------
    OptionError, InputError
        If no period is left, there is no such column, or a unit has two labels.
    """
    frame = taken.frame
    keep = np.ones(len(frame), dtype=np.bool_)
    if first is not None:
        keep &= frame["period"].to_numpy() >= as_date(first, "first")
    if last is not None:
        keep &= frame["period"].to_numpy() <= as_date(last, "last")
    if len(frame) and not keep.any():
        raise OptionError(
            "no period lies between first and last; the counts run from "
            f"{frame['period'].min():%Y-%m-%d} to {frame['period'].max():%Y-%m-%d}"
        )
    known = frame["status"].eq("ok").to_numpy() & keep
    counted = pd.DataFrame(
        {
            "measure": frame["measure"],
            "group": _labels(frame, by),
            "unit": frame["unit"],
            "period": frame["period"].where(keep),
            "known": known,
            # Outside the window, or with counts outside it only: no data.
            "why": np.where(keep, frame["status"].cat.codes, STATUS.index("no_data")),
        }
    )
    for name in ("numerator", "denominator", "expected"):
        whole = frame[name] if name in frame.columns else pd.Series(np.nan, index=frame.index)
        counted[name] = whole.astype("float64").where(known)
    grouped = counted.groupby(["measure", "group", "unit"], as_index=False)
    sums = grouped[["numerator", "denominator", "expected"]].sum(min_count=1)
    rest = grouped.agg(
        first=("period", "min"),
        last=("period", "max"),
        periods=("known", "sum"),
        why=("why", "max"),
    )
    return rest.assign(**{name: sums[name] for name in ("numerator", "denominator", "expected")})


def _labels(frame: pd.DataFrame, by: str | None) -> pd.Series:
    """Which funnel of its measure each row belongs to; "" if there is but one."""
    if by is None:
        return pd.Series("", index=frame.index)
    if by not in frame.columns:
        raise OptionError(f"by {by!r} is no column of the counts; they have {', '.join(frame)}")
    labels = frame[by].astype("string").fillna("")
    several = labels.groupby([frame["measure"], frame["unit"]]).nunique()
    if (several > 1).any():
        measure, unit = several.index[int(np.argmax(several.to_numpy() > 1))]
        raise InputError(
            f"unit {unit!r} has more than one {by} in measure {measure!r}; each unit belongs to "
            "one funnel (choose a window in which it does not change)"
        )
    return labels


@dataclass(frozen=True)
class Compared:
    """Units of all funnels against their targets; arrays of shape (units,) unless said.

    Parameters
    ----------
    rows : pandas.DataFrame
        As `summed` gives them.
    recipe : Recipe
        How they are compared.
    """

    rows: pd.DataFrame
    recipe: Recipe

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
    def size(self) -> Floats:
        """Cases, exposure, or events expected."""
        name = "expected" if self.recipe.data_type == "ratio" else "denominator"
        return np.asarray(self.rows[name].to_numpy(dtype=np.float64))

    @cached_property
    def count(self) -> Floats:
        """Cases met, or events; NaN without data."""
        return np.where(self.known, self.rows["numerator"].to_numpy(dtype=np.float64), np.nan)

    @cached_property
    def value(self) -> Floats:
        """What is plotted."""
        with np.errstate(divide="ignore", invalid="ignore"):
            value: Floats = self.count / self.size
        return value

    @cached_property
    def units(self) -> Integers:
        """Units with data of each funnel, shape (funnels,)."""
        return self.funnels.sums(self.known.astype(np.int64))

    @cached_property
    def alone(self) -> Flags:
        """Funnels of one unit that has no peers, shape (funnels,)."""
        if self.recipe.target is not None:
            return np.zeros(len(self.funnels), dtype=np.bool_)
        return self.units < FEWEST_UNITS

    @cached_property
    def target(self) -> Floats:
        """The target given, else the pooled value of each funnel; shape (funnels,)."""
        if self.recipe.target is not None:
            return np.where(self.units > 0, self.recipe.target, np.nan)
        sums = self.funnels.sums
        with np.errstate(divide="ignore", invalid="ignore"):
            pooled = sums(np.nan_to_num(self.count)) / sums(np.where(self.known, self.size, 0.0))
        return np.asarray(np.where(self.alone, np.nan, pooled))

    @cached_property
    def scored(self) -> Scores:
        """Unadjusted scores, which overdispersion is estimated from."""
        goal = self.funnels.spread(self.target)
        size = np.where(self.known, self.size, np.nan)
        return scores(self.recipe.data_type, self.count, size, goal)

    @cached_property
    def ratios(self) -> VarianceRatios:
        """Phi, raw and winsorised, of each funnel."""
        return variance_ratios(self.scored.z, self.funnels, share=self.recipe.winsorise)

    @cached_property
    def tau2(self) -> Floats:
        """Variance between units on the analysis scale; shape (funnels,), NaN unless additive."""
        if self.recipe.overdispersion != "additive":
            return np.full(len(self.funnels), np.nan)
        z = winsorised(self.scored.z, self.funnels, share=self.recipe.winsorise)
        error = self.scored.standard_error
        centre = "pooled" if self.recipe.target is None else "given"
        return between_variance(
            z * error, error, self.funnels, method=self.recipe.tau2_method, centre=centre
        )

    @cached_property
    def phi(self) -> Floats:
        """Variance ratio that widens limits, shape (funnels,); 1 unless multiplicative."""
        if self.recipe.overdispersion != "multiplicative":
            return np.ones(len(self.funnels))
        return np.maximum(np.nan_to_num(self.ratios.trimmed, nan=1.0), 1.0)

    def lines(self, size: Floats, funnel: Integers) -> FunnelLines:
        """Limits at some sizes of some funnels."""
        return funnel_lines(
            self.recipe.data_type,
            size,
            self.target[funnel],
            alphas=ALPHAS,
            method=self.recipe.limits,
            tau2=np.nan_to_num(self.tau2[funnel]),
            phi=self.phi[funnel],
        )

    @cached_property
    def limits(self) -> FunnelLines:
        """Limits at each unit's size."""
        which = self.funnels.spread(np.arange(len(self.funnels)))
        return self.lines(np.where(self.known, self.size, np.nan), which)

    @cached_property
    def p_value(self) -> Floats:
        """Two-sided, by the law that the limits follow."""
        spread = self.funnels.spread
        return p_values(
            self.recipe.data_type,
            self.count,
            np.where(self.known, self.size, np.nan),
            spread(self.target),
            method=self.recipe.limits,
            tau2=np.nan_to_num(spread(self.tau2)),
            phi=spread(self.phi),
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
        """Index into `tables.POSITION`; −1 without a comparison."""
        made = np.zeros(self.count.size, dtype=np.int64)
        with np.errstate(invalid="ignore"):
            for level in range(len(ALPHAS)):
                made[self.value > self.limits.upper[level]] = 1 + 2 * level
                made[self.value < self.limits.lower[level]] = 2 + 2 * level
        made[np.isnan(self.p_value)] = -1
        return made
