"""From compared units to the tables of funnels: units, summary, curve, advice."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from spcbench.funnel_units import Compared
from spcbench.numeric.funnel_lines import DRAWN, curve_sizes
from spcbench.tables import (
    ADVICE,
    CURVE,
    FUNNEL_SUMMARY,
    POSITION,
    STATUS,
    UNIT_VERDICT,
    UNITS,
    Display,
    coded,
)
from spcbench.tracing import unknown_outcomes


def units_table(compared: Compared, display: Mapping[str, Display]) -> pd.DataFrame:
    """One row a unit, as `tables.UNITS`."""
    rows, known, spread = compared.rows, compared.known, compared.funnels.spread
    goal, lines = spread(compared.target), compared.limits
    better = [display[str(name)].better for name in rows["measure"].take(compared.funnels.starts)]
    whole = {
        name: pd.array(np.where(known, rows[name], np.nan), dtype="Int64")
        for name in ("numerator", "denominator")
    }
    return UNITS.frame(
        {
            "measure": rows["measure"],
            "group": rows["group"].mask(rows["group"].eq("")),
            "unit": rows["unit"],
            "first": rows["first"].to_numpy(),
            "last": rows["last"].to_numpy(),
            "periods": rows["periods"].to_numpy(),
            **whole,
            "expected": compared.size * goal,
            "value": compared.value,
            "target": goal,
            "z": compared.scored.z,
            "z_adjusted": compared.z_adjusted,
            "p_value": compared.p_value,
            "q_value": _q_values(compared),
            "lower_95": lines.lower[0],
            "upper_95": lines.upper[0],
            "lower_998": lines.lower[1],
            "upper_998": lines.upper[1],
            "position": coded(POSITION, compared.position),
            "verdict": coded(
                UNIT_VERDICT, _verdicts(compared.position, _spread_words(spread, better))
            ),
            "status": coded(STATUS, np.where(known, STATUS.index("ok"), rows["why"].to_numpy())),
        }
    )


def _spread_words(spread: Any, words: Sequence[str]) -> np.ndarray:
    """One word a funnel, repeated for each of its units."""
    return np.asarray(spread(np.array(words, dtype=str)))


def summary_table(compared: Compared) -> pd.DataFrame:
    """One row a funnel, as `tables.FUNNEL_SUMMARY`."""
    rows, funnels, alone = compared.rows, compared.funnels, compared.alone
    at, judged = funnels.starts, compared.position
    some = compared.units > 0
    methods = compared.limits.method
    drawn = -funnels.minima(-methods.astype(np.float64)).astype(np.int64) if len(funnels) else at
    grouped = rows.groupby(["measure", "group"], sort=False)
    status = np.where(some, np.where(alone, "insufficient_data", "ok"), "no_data")
    reasons = np.where(
        some,
        np.where(
            alone,
            "one unit alone has no peers to be compared with; give a target to judge it by",
            "",
        ),
        "no unit has data",
    )
    return FUNNEL_SUMMARY.frame(
        {
            "measure": rows["measure"].take(at),
            "group": rows["group"].mask(rows["group"].eq("")).take(at),
            "units": compared.units,
            "first": grouped["first"].min().to_numpy(),
            "last": grouped["last"].max().to_numpy(),
            "target": compared.target,
            "limit_method": [DRAWN[code] or compared.recipe.limits for code in drawn],
            "phi": compared.ratios.raw,
            "phi_winsorised": compared.ratios.trimmed,
            "tau2": compared.tau2,
            "expected_false_positives": np.where(alone, 0.0, 0.05 * compared.units),
            "outside_95": funnels.sums((judged > 0).astype(np.int64)),
            "outside_998": funnels.sums((judged > 2).astype(np.int64)),
            "status": status,
            "reason": reasons,
        }
    )


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


def _verdicts(position: np.ndarray, better: np.ndarray) -> np.ndarray:
    codes = np.full(position.size, UNIT_VERDICT.index("as_expected"))
    for high, sides in ((True, (1, 3)), (False, (2, 4))):
        outside = np.isin(position, sides)
        codes[outside] = UNIT_VERDICT.index("differs")
        good = better == ("higher" if high else "lower")
        bad = better == ("lower" if high else "higher")
        codes[outside & good] = UNIT_VERDICT.index("better_than_expected")
        codes[outside & bad] = UNIT_VERDICT.index("worse_than_expected")
    codes[position < 0] = -1
    return codes


def curve_table(compared: Compared) -> pd.DataFrame:
    """Lines of every funnel that has a target."""
    whole = compared.recipe.data_type == "proportion"
    sizes, which = [], []
    largest = -compared.funnels.minima(np.where(compared.known, -compared.size, 0.0))
    for place in np.flatnonzero(~np.isnan(compared.target) & (largest > 0)):
        sizes.append(curve_sizes(float(largest[place]), whole=whole))
        which.append(np.full(sizes[-1].size, place))
    if not sizes:
        return CURVE.empty()
    size, funnel = np.concatenate(sizes), np.concatenate(which)
    lines, at = compared.lines(size, funnel), compared.funnels.starts[funnel]
    group = compared.rows["group"].mask(compared.rows["group"].eq(""))
    return CURVE.frame(
        {
            "measure": compared.rows["measure"].take(at),
            "group": group.take(at),
            "denominator": size,
            "target": compared.target[funnel],
            "lower_95": lines.lower[0],
            "upper_95": lines.upper[0],
            "lower_998": lines.lower[1],
            "upper_998": lines.upper[1],
        }
    )


def advice_table(
    summary: pd.DataFrame,
    display: Mapping[str, Display],
    frame: pd.DataFrame,
    compared: Compared,
) -> pd.DataFrame:
    """The rows of `advice`: what the analyst should know of each funnel."""
    rows: list[dict[str, Any]] = []
    ratios, adjusted = compared.ratios, compared.recipe.overdispersion != "none"

    def add(measure: str, code: str, message: str, evidence: dict[str, Any]) -> None:
        rows.append(
            {
                "measure": measure,
                "unit": None,
                "code": code,
                "message": message,
                "evidence": json.dumps(evidence, sort_keys=True),
            }
        )

    for row in summary.itertuples():
        if row.status == "ok" and ratios.warranted[row.Index]:
            add(
                row.measure,
                "overdispersed",
                f"The units vary {row.phi:.1f} times as much as chance alone would make them: "
                "differences in case-mix or recording can do that, so a unit outside the "
                "limits is a reason to ask, not a finding."
                + (" The limits are widened for it." if adjusted else ""),
                {
                    "phi": round(row.phi, 3),
                    "threshold": round(float(ratios.threshold[row.Index]), 3),
                    "allowed_for": adjusted,
                    "group": None if pd.isna(row.group) else row.group,
                },
            )
    for row in summary.drop_duplicates("measure").itertuples():
        if found := unknown_outcomes(frame, row.measure):
            add(row.measure, "unknown_outcomes", *found)
        if not display[row.measure].verified:
            add(
                row.measure,
                "unverified_definition",
                "The definition of this measure has not been checked against its source.",
                {"verified": False},
            )
    names = ADVICE.names
    return ADVICE.frame({name: [row[name] for row in rows] for name in names})
