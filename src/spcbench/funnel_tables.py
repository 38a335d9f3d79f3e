"""From compared units to the tables of funnels: units, summary, curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from spcbench.funnel_change import Changed
from spcbench.funnel_estimates import told
from spcbench.funnel_units import Compared
from spcbench.numeric.funnel_lines import DRAWN, FunnelLines, curve_sizes
from spcbench.numeric.funnel_tails import BOUNDED
from spcbench.tables import (
    CHANGE_COLUMNS,
    STATUS,
    UNIT_VERDICT,
    Display,
    coded,
    curve_contract,
    funnel_summary_contract,
    positions,
    units_contract,
)


def units_table(compared: Compared, display: Mapping[str, Display]) -> pd.DataFrame:
    """One row a unit, as `tables.UNITS` with the limits asked for."""
    rows, known, spread = compared.rows, compared.known, compared.funnels.spread
    goal, names = spread(compared.target), _levels(compared)
    better = [display[str(name)].better for name in rows["measure"].take(compared.funnels.starts)]
    q_value = _q_values(compared)
    extra = CHANGE_COLUMNS if isinstance(compared, Changed) else ()
    return units_contract(names, extra).frame(
        {
            "measure": rows["measure"],
            "group": rows["group"].mask(rows["group"].eq("")),
            "unit": rows["unit"],
            "first": rows["first"].to_numpy(),
            "last": rows["last"].to_numpy(),
            "periods": rows["periods"].to_numpy(),
            "numerator": _whole(rows["numerator"], known),
            "denominator": _whole(rows["denominator"], known),
            "expected": _expected(compared, goal),
            "value": told(compared.value),
            "target": goal,
            "z": compared.scored.z,
            "z_adjusted": compared.z_adjusted,
            "p_value": compared.p_value,
            "q_value": q_value,
            **_limits(compared.limits, names),
            "position": coded(positions(names), compared.position),
            "verdict": coded(
                UNIT_VERDICT, _verdicts(compared.position, _spread_words(spread, better))
            ),
            "status": coded(STATUS, compared.status),
            "size": np.where(known, compared.size, np.nan),
            "q_value_by": _for_dependent(q_value, compared),
            **_before(compared),
        }
    )


def _levels(compared: Compared) -> list[str]:
    return [level.name for level in compared.recipe.levels]


def _limits(lines: FunnelLines, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Lower and upper limits of each level; none where a line has no bound."""
    made: dict[str, np.ndarray] = {}
    for at, name in enumerate(names):
        made |= {f"lower_{name}": told(lines.lower[at]), f"upper_{name}": told(lines.upper[at])}
    return made


def _whole(column: pd.Series, known: np.ndarray) -> Any:
    return pd.array(column.astype("float64").where(known), dtype="Int64")


def _expected(compared: Compared, goal: np.ndarray) -> np.ndarray:
    """Events that the target would give; a change has none."""
    if compared.recipe.data_type == "change":
        return np.full(goal.size, np.nan)
    if compared.recipe.data_type == "two_counts":
        goal = goal / (1.0 + goal)
    return np.asarray(np.where(compared.known, compared.size * goal, np.nan))


def _before(compared: Compared) -> dict[str, Any]:
    """The earlier window, beside the later one."""
    if not isinstance(compared, Changed):
        return {}
    rows, known = compared.rows, compared.known
    over = "expected" if compared.recipe.change_of == "ratio" else "denominator"

    def value(end: str) -> np.ndarray:
        share = rows[f"numerator{end}"].astype("float64") / rows[f"{over}{end}"].astype("float64")
        return np.asarray(share.where(known))

    return {
        "numerator_before": _whole(rows["numerator_before"], known),
        "denominator_before": _whole(rows["denominator_before"], known),
        "expected_before": rows["expected_before"].astype("float64").where(known).to_numpy(),
        "value_before": value("_before"),
        "value_after": value(""),
        "kept": compared.kept,
    }


def _spread_words(spread: Any, words: Sequence[str]) -> np.ndarray:
    """One word a funnel, repeated for each of its units."""
    return np.asarray(spread(np.array(words, dtype=str)))


def summary_table(compared: Compared) -> pd.DataFrame:
    """One row a funnel, as `tables.FUNNEL_SUMMARY` with the limits asked for."""
    rows, funnels = compared.rows, compared.funnels
    at, judged = funnels.starts, compared.position
    methods = compared.limits.method
    drawn = -funnels.minima(-methods.astype(np.float64)).astype(np.int64) if len(funnels) else at
    grouped = rows.groupby(["measure", "group"], sort=False)
    status, reason = _states(compared)
    return funnel_summary_contract(_levels(compared)).frame(
        {
            "measure": rows["measure"].take(at),
            "group": rows["group"].mask(rows["group"].eq("")).take(at),
            "units": compared.units,
            "first": grouped["first"].min().to_numpy(),
            "last": grouped["last"].max().to_numpy(),
            "target": compared.target,
            "limit_method": [DRAWN[code] or compared.recipe.limits for code in drawn],
            "phi": compared.ratios.raw,
            "phi_winsorised": compared.phi_winsorised,
            "tau2": compared.tau2,
            "expected_false_positives": np.where(
                np.isnan(compared.target), 0.0, 2.0 * compared.recipe.alphas[0] * compared.units
            ),
            **{
                f"outside_{name}": funnels.sums((judged > 2 * at).astype(np.int64))
                for at, name in enumerate(_levels(compared))
            },
            "status": status,
            "reason": reason,
            "phi_threshold": compared.ratios.threshold,
            "outside_fdr": _outside_fdr(compared),
        }
    )


def _states(compared: Compared) -> tuple[np.ndarray, np.ndarray]:
    """Status and reason of each funnel."""
    ways = [
        (compared.units == 0, "no_data", "no unit has data"),
        (
            compared.alone,
            "insufficient_data",
            "one unit alone has no peers to be compared with; give a target to judge it by",
        ),
        (
            np.isnan(compared.target),
            "not_estimable",
            "the second count is 0 in every unit, so there is no ratio to compare with; give a "
            "target",
        ),
    ]
    where = [way[0] for way in ways]
    status = np.select(where, [way[1] for way in ways], "ok")
    return status, np.select(where, [way[2] for way in ways], "")


def _q_values(compared: Compared) -> np.ndarray:
    """Benjamini–Hochberg false discovery rate at which each unit would be flagged."""
    from statsmodels.stats.multitest import multipletests

    p_value = compared.p_value
    made = np.full(p_value.size, np.nan)
    for first, last in zip(compared.funnels.starts, compared.funnels.lasts, strict=True):
        part = p_value[first : last + 1]
        known = ~np.isnan(part)
        if known.any():
            made[first : last + 1][known] = multipletests(part[known], method="fdr_bh")[1]
    return made


def _for_dependent(q_value: np.ndarray, compared: Compared) -> np.ndarray:
    """Benjamini–Yekutieli: the same times the sum of 1/i, whatever the units depend on."""
    tested = compared.funnels.sums((~np.isnan(q_value)).astype(np.int64))
    harmonic = special.digamma(tested + 1.0) + np.euler_gamma
    return np.asarray(np.minimum(q_value * compared.funnels.spread(harmonic), 1.0))


def _outside_fdr(compared: Compared) -> Any:
    """Units outside the false discovery line of each funnel; missing unless asked for."""
    alpha = compared.fdr_alpha
    flagged = compared.p_value < 2.0 * compared.funnels.spread(alpha)
    number = compared.funnels.sums(flagged.astype(np.int64)).astype(np.float64)
    return pd.array(np.where(np.isnan(alpha), np.nan, number), dtype="Int64")


def _verdicts(position: np.ndarray, better: np.ndarray) -> np.ndarray:
    codes = np.full(position.size, UNIT_VERDICT.index("as_expected"))
    for high in (True, False):
        outside = (position > 0) & (position % 2 == (1 if high else 0))
        codes[outside] = UNIT_VERDICT.index("differs")
        good = better == ("higher" if high else "lower")
        bad = better == ("lower" if high else "higher")
        codes[outside & good] = UNIT_VERDICT.index("better_than_expected")
        codes[outside & bad] = UNIT_VERDICT.index("worse_than_expected")
    codes[position < 0] = -1
    return codes


def curve_table(compared: Compared) -> pd.DataFrame:
    """Lines of every funnel that has a target."""
    whole = compared.recipe.data_type in BOUNDED
    names = _levels(compared)
    sizes, which = [], []
    largest = -compared.funnels.minima(np.where(compared.known, -compared.size, 0.0))
    for place in np.flatnonzero(~np.isnan(compared.target) & (largest > 0)):
        sizes.append(curve_sizes(float(largest[place]), whole=whole))
        which.append(np.full(sizes[-1].size, place))
    if not sizes:
        return curve_contract(names).empty()
    size, funnel = np.concatenate(sizes), np.concatenate(which)
    at = compared.funnels.starts[funnel]
    discovery = [_fdr_lines(compared, *pair) for pair in zip(sizes, which, strict=True)]
    group = compared.rows["group"].mask(compared.rows["group"].eq(""))
    return curve_contract(names).frame(
        {
            "measure": compared.rows["measure"].take(at),
            "group": group.take(at),
            "denominator": size,
            "target": compared.target[funnel],
            **_limits(compared.lines(size, funnel), names),
            "lower_fdr": told(np.concatenate([low for low, _ in discovery])),
            "upper_fdr": told(np.concatenate([high for _, high in discovery])),
        }
    )


def _fdr_lines(
    compared: Compared, size: np.ndarray, funnel: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The false discovery line of one funnel; NaN unless asked for."""
    alpha = float(compared.fdr_alpha[funnel[0]])
    if np.isnan(alpha):
        return np.full(size.size, np.nan), np.full(size.size, np.nan)
    # The published interpolation has no p-values of its own: those are exact, and so is the line.
    widened = bool(compared.tau2[funnel[0]] > 0 or compared.phi[funnel[0]] > 1)
    exact = compared.recipe.limits == "spiegelhalter" and not widened
    method = "exact" if exact else None
    lines = compared.lines(size, funnel, alphas=(alpha,), method=method)
    return lines.lower[0], lines.upper[0]
