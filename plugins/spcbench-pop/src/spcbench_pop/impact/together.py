"""Several kinds of care together: never more lives than there were deaths to expect."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from spcbench.errors import OptionError
from spcbench_pop.impact.arithmetic import capped_cases
from spcbench_pop.impact.estimates import Impact
from spcbench_pop.impact.facts import Effect
from spcbench_pop.impact.ranges import Range
from spcbench_pop.impact.words import span


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """Lives saved by several kinds of care together, as a capped product.

    Parameters
    ----------
    baseline_deaths : float
        Deaths to expect if nobody had any of this care.
    gross : Range
        All at their uptake against nobody treated; the ends take every
        relative risk at its limit on the same side.
    incremental : Range or None
        Against the counterfactual rates; None where one is not known.
    added : float
        What adding up the separate estimates would say, for comparison.
    without_limits : tuple of str
        Effects of which nothing says how sure they are; no range is then told.
    """

    baseline_deaths: float
    gross: Range
    incremental: Range | None
    added: float
    without_limits: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The estimate in a sentence or two."""
        parts = [f"about {self.gross.point:,.1f} lives{self._ends(self.gross)}"]
        if self.incremental is not None:
            parts.append(
                f"against the counterfactual about {self.incremental.point:,.1f}"
                f"{self._ends(self.incremental)}"
            )
        if self.without_limits:
            parts.append(f"no range, because limits are not known of {_and(self.without_limits)}")
        return (
            f"Together, of {self.baseline_deaths:,.0f} deaths to expect without any of this care: "
            f"{'; '.join(parts)}. Each kind of care spares its share of what the others left. "
            f"The separate estimates would add up to {self.added:,.1f}, which counts the same "
            "babies more than once."
        )

    def _ends(self, over: Range) -> str:
        return "" if self.without_limits else f", range {span(over.low, over.high, 'none')}"


def capped_lives(impact: Impact, *, baseline_deaths: float) -> Together:
    """Lives saved by all the care of an estimate together.

    Parameters
    ----------
    impact : Impact
        Of one measure or more whose effect is a relative risk of death.
    baseline_deaths : float
        Deaths to expect, among the babies counted, if nobody had any of this care.

    Returns
    -------
    Together

    Raises
    ------
    OptionError
        If an effect is not about death or has no relative risk, or an uptake
        is not known.

    Examples
    --------
    >>> from spcbench_pop.impact.estimates import impact_of_numbers
    >>> alone = impact_of_numbers(700, 1000, measure="ocm", counterfactual=0.3)
    >>> found = capped_lives(alone, baseline_deaths=100)
    >>> round(found.gross.point, 1), round(found.incremental.point, 1)
    (22.4, 12.8)
    """
    ends = [_reductions(one.effect) for one in impact.settings]
    totals = impact.totals
    uptakes = [float(one) for one in totals["rate"]]
    if any(math.isnan(one) for one in uptakes):
        raise OptionError("lives saved together need the number eligible for each kind of care")
    before = [float(one) for one in totals["counterfactual_rate"]]
    known = not any(math.isnan(one) for one in before)
    return Together(
        baseline_deaths=baseline_deaths,
        gross=_capped(baseline_deaths, ends, uptakes, None),
        incremental=_capped(baseline_deaths, ends, uptakes, before) if known else None,
        added=float(totals["gross"].sum()),
        without_limits=tuple(
            one.effect.id
            for one, (low, _, high) in zip(impact.settings, ends, strict=True)
            if low == high
        ),
    )


def _reductions(effect: Effect) -> tuple[float, float, float]:
    """One minus the relative risk at its limits, the smallest reduction first."""
    ratios = (effect.risk_ratio_high, effect.risk_ratio, effect.risk_ratio_low)
    if not effect.death or None in ratios:
        raise OptionError(
            f"the effect {effect.id!r} has no relative risk of death, which lives saved together "
            "are worked out from; leave its measure out"
        )
    low, point, high = (max(1.0 - one, 0.0) for one in ratios if one is not None)
    return low, point, high


def _capped(
    deaths: float,
    ends: Sequence[tuple[float, float, float]],
    uptakes: Sequence[float],
    before: Sequence[float] | None,
) -> Range:
    found = sorted(
        capped_cases(deaths, [one[end] for one in ends], uptakes, before=before) for end in range(3)
    )
    return Range(low=found[0], point=found[1], high=found[2])


def _and(names: Sequence[str]) -> str:
    return " and ".join(names)
