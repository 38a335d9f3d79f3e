"""Beside the funnel: what each unit's own figures say, and what its size could show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from spcbench.funnel_change import Changed
from spcbench.funnel_units import Compared
from spcbench.numeric.chance import BINOMIAL, POISSON
from spcbench.numeric.comparing import Shrunken, exact_interval, shrunken, shrunken_counts
from spcbench.numeric.funnel_tails import BOUNDED, units_to_judge
from spcbench.numeric.power import detectable
from spcbench.numeric.segments import Floats
from spcbench.tables import STATUS, coded, estimates_contract

POWER = 0.8
"""Probability with which a difference called detectable would be outside the limits."""

NOTES = (
    "",
    "too few cases to lie below the limits, whatever its value",
    "too few cases to lie above the limits, whatever its value",
    "too few cases to say anything: no value would lie outside the limits",
)


def estimates_table(compared: Compared) -> pd.DataFrame:
    """One row a unit, as `tables.ESTIMATES`.

    Parameters
    ----------
    compared : Compared
        The units. Shrunken estimates rest on the variance between all of
        them, outer ones included: nothing is winsorised for it.
    """
    rows, recipe = compared.rows, compared.recipe
    tau2 = compared.funnels.spread(compared.between(0.0, consistent=False))
    columns: dict[str, Any] = {"shrunken": _shrunken(compared, tau2, 0.025).estimate}
    for level in recipe.levels:
        found = _shrunken(compared, tau2, level.alpha)
        lower, upper = _interval(compared, level.alpha)
        columns |= {
            f"interval_lower_{level.name}": lower,
            f"interval_upper_{level.name}": upper,
            f"shrunken_lower_{level.name}": found.lower,
            f"shrunken_upper_{level.name}": found.upper,
            "kept": found.weight,
        }
    below, above = _detectable(compared)
    low, high = compared.blind
    group = rows["group"].mask(rows["group"].eq(""))
    return estimates_contract([level.name for level in recipe.levels]).frame(
        {
            **{"measure": rows["measure"], "group": group, "unit": rows["unit"]},
            "value": told(compared.value),
            **{name: told(column) for name, column in columns.items()},
            "detectable_below": below,
            "detectable_above": above,
            "status": coded(STATUS, compared.status),
            "note": np.array(NOTES, dtype=object)[low + 2 * high],
        }
    )


def told(column: Floats) -> Floats:
    """A column for a table: what has no bound has no figure."""
    return np.where(np.isfinite(column), column, np.nan)


def _interval(compared: Compared, alpha: float) -> tuple[Floats, Floats]:
    """Confidence interval of each unit's own value."""
    if isinstance(compared, Changed):
        half = -special.ndtri(alpha) * compared.changes.se
        middle = compared.changes.difference
        return np.exp(middle - half), np.exp(middle + half)
    # Cases that go together are worth fewer that stand alone.
    worth = compared.funnels.spread(compared.clustering)
    return interval(compared.recipe.data_type, compared.count / worth, compared.size / worth, alpha)


def interval(data_type: str, count: Floats, size: Floats, alpha: float) -> tuple[Floats, Floats]:
    """Exact confidence interval of values of counts, without end where it has none.

    Parameters
    ----------
    data_type : str
        Any but a change.
    count, size : array of float
        As `Compared`.
    alpha : float
        One-sided tail.
    """
    law = BINOMIAL if data_type in BOUNDED else POISSON
    found = exact_interval(law, count, size, alpha=alpha)
    if data_type != "two_counts":
        return found.lower, found.upper
    with np.errstate(divide="ignore"):
        return found.lower / (1.0 - found.lower), told(found.upper / (1.0 - found.upper))


def _shrunken(compared: Compared, tau2: Floats, alpha: float) -> Shrunken:
    kind, goal = compared.recipe.data_type, compared.funnels.spread(compared.target)
    if kind == "change":
        scored = compared.scored
        found = shrunken(scored.value, scored.standard_error, scored.target, tau2, alpha=alpha)
        return Shrunken(
            estimate=np.exp(found.estimate),
            lower=np.exp(found.lower),
            upper=np.exp(found.upper),
            weight=found.weight,
        )
    size = np.where(compared.known, compared.size, np.nan)
    scale = compared.recipe.scale
    units = units_to_judge(kind, size, goal, method="exact", tau2=np.nan_to_num(tau2), scale=scale)
    if kind in BOUNDED:
        law, between = BINOMIAL, units.share * (1.0 - units.share) / (units.precision + 1.0)
    else:
        law, between = POISSON, goal * goal / units.precision
    between = np.where(np.isnan(tau2), np.nan, between)
    found = shrunken_counts(law, compared.count, size, units.share, between, alpha=alpha)
    return _as_odds(found) if kind == "two_counts" else found


def _as_odds(found: Shrunken) -> Shrunken:
    """Shares of both counts as ratios of one to the other."""
    return Shrunken(
        estimate=found.estimate / (1.0 - found.estimate),
        lower=found.lower / (1.0 - found.lower),
        upper=found.upper / (1.0 - found.upper),
        weight=found.weight,
    )


def _detectable(compared: Compared) -> tuple[Floats, Floats]:
    """True values that would lie outside the innermost limits four times in five."""
    lower, upper = compared.limits.lower[0], compared.limits.upper[0]
    if isinstance(compared, Changed):
        room = np.exp(special.ndtri(POWER) * compared.changes.se)
        return lower / room, upper * room
    size = np.where(compared.known, compared.size, np.nan)
    if compared.recipe.data_type != "two_counts":
        law = BINOMIAL if compared.recipe.data_type == "proportion" else POISSON
        found = detectable(law, size, lower, upper, power=POWER)
        return found.below, found.above
    share_low, share_high = lower / (1.0 + lower), 1.0 - 1.0 / (1.0 + upper)
    found = detectable(BINOMIAL, size, share_low, share_high, power=POWER)
    return found.below / (1.0 - found.below), found.above / (1.0 - found.above)
