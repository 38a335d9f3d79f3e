"""Units compared by how much they changed between two windows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from spcbench.funnel_units import Compared
from spcbench.numeric.between_units import between_variance
from spcbench.numeric.comparing import Change, change, common_parts, kept_share
from spcbench.numeric.funnel_scales import Scores, scores
from spcbench.numeric.segments import Flags, Floats

SCALE = {"proportion": "logit", "rate": "log", "ratio": "log"}
"""Changes are differences of these: logarithms of odds ratios and of rate ratios."""


@dataclass(frozen=True)
class Changed(Compared):
    """Units of all funnels and their changes; the value is a ratio, after over before."""

    @cached_property
    def _amount(self) -> str:
        return "expected" if self.recipe.change_of == "ratio" else "denominator"

    def _floats(self, name: str) -> Floats:
        return np.asarray(self.rows[name].to_numpy(dtype=np.float64, na_value=np.nan))

    @cached_property
    def both(self) -> Flags:
        """Units with data in both windows."""
        size = self._floats(self._amount)
        size_before = self._floats(f"{self._amount}_before")
        seen: Flags = (self.rows["periods"].to_numpy() > 0) & (size > 0) & (size_before > 0)
        return seen

    @cached_property
    def changes(self) -> Change:
        """Differences on the scale of logarithms, with their standard errors."""
        sizes = [self._floats(f"{self._amount}_before"), self._floats(self._amount)]
        before, after = (np.where(self.both, size, np.nan) for size in sizes)
        return change(
            self._floats("numerator_before"),
            before,
            self._floats("numerator"),
            after,
            scale=SCALE[str(self.recipe.change_of)],
        )

    @cached_property
    def known(self) -> Flags:
        """Units with data in both windows."""
        return self.both

    @cached_property
    def size(self) -> Floats:
        """Effective size: one over the squared standard error of the change."""
        return self.changes.size

    @cached_property
    def value(self) -> Floats:
        """Odds ratio, or ratio of rates, of after to before."""
        return np.exp(self.changes.difference)

    @cached_property
    def observed(self) -> Floats:
        """The ratio itself: a change has no count."""
        return self.value

    def _pooled(self) -> Floats:
        """The change that units have in common (Mantel–Haenszel).

        A mean of the units' own changes would be drawn to those whose later
        events are many by chance, since they seem surest.
        """
        counts = self._floats("numerator_before"), self._floats("numerator")
        sizes = self._floats(f"{self._amount}_before"), self._floats(self._amount)
        first, second = common_parts(
            counts[0], sizes[0], counts[1], sizes[1], scale=SCALE[str(self.recipe.change_of)]
        )
        first, second = (np.where(self.both, part, 0.0) for part in (first, second))
        with np.errstate(divide="ignore", invalid="ignore"):
            common: Floats = self.funnels.sums(second) / self.funnels.sums(first)
        return np.where(common > 0, common, np.nan)

    def scored_against(self, target: Floats) -> Scores:
        """Unadjusted scores of the logarithms."""
        goal = np.log(self.funnels.spread(target))
        value, error = self.changes.difference, self.changes.se
        return Scores(value=value, target=goal, standard_error=error, z=(value - goal) / error)

    @cached_property
    def kept(self) -> Floats:
        """Share of its earlier deviation that each unit would show again without any change.

        The rest is regression to the mean; 0 where units differed by chance alone.
        """
        kind = str(self.recipe.change_of)
        events = np.where(self.both, self._floats("numerator_before"), np.nan)
        size = np.where(self.both, self._floats(f"{self._amount}_before"), np.nan)
        sums = self.funnels.sums
        with np.errstate(divide="ignore", invalid="ignore"):
            pooled = sums(np.nan_to_num(events)) / sums(np.nan_to_num(size))
        found = scores(kind, events, size, self.funnels.spread(pooled), scale=SCALE[kind])
        error = found.standard_error
        tau2 = between_variance(
            found.z * error, error, self.funnels, method=self.recipe.tau2_method
        )
        return kept_share(error, self.funnels.spread(tau2))

    @cached_property
    def blind(self) -> tuple[Flags, Flags]:
        """Nobody: a ratio has no end that a limit could reach."""
        nobody = np.zeros(self.both.shape, dtype=np.bool_)
        return nobody, nobody
