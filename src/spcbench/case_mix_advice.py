"""What to know of a case-mix model before trusting what it expects."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from spcbench.case_mix_model import Fitted
from spcbench.numeric.segments import Floats
from spcbench.tables import ADVICE

FEWEST_EVENTS = 10.0
"""Events (or cases without, if those are fewer) per coefficient under which it is said."""

MOST_GROUPS_OUTSIDE = 2
"""Groups of rising risk whose expected share may lie outside the observed one's interval: with
ten groups and intervals of 95 %, chance gives 3 or more about once in a hundred."""

LEAST_SHRINKAGE = 0.9
"""Expected slope in other records under which it is said that the model is overfitted."""


def model_advice(
    model: Fitted, met: Floats, left_out: pd.DataFrame, fit: dict[str, Any], measure: str
) -> pd.DataFrame:
    """Advice about a fitted model.

    Parameters
    ----------
    model : Fitted
        The model.
    met : array of float, shape (records,)
        Outcomes that it was fitted on.
    left_out : pandas.DataFrame
        `column, records`.
    fit : dict
        The figures of `Expected` on its fit.
    measure : str
        Its name.
    """
    rows: list[tuple[str, str, dict[str, Any]]] = []
    terms, fewer = model.estimate.size - 1, int(min(met.sum(), met.size - met.sum()))
    if fewer < FEWEST_EVENTS * terms:
        rows.append(
            (
                "few_events",
                f"The model has {terms} coefficients and {fewer} of the rarer outcome, "
                f"{fewer / terms:.1f} each; with fewer than {FEWEST_EVENTS:.0f} its risks are too "
                "extreme and uncertain. Use fewer covariates or levels, or more records.",
                {"events": fewer, "terms": terms},
            )
        )
    if model.shrinkage < LEAST_SHRINKAGE:
        rows.append(
            (
                "overfitted",
                "In records that the model has not seen, its calibration slope is expected to be "
                f"about {model.shrinkage:.2f}: it has learnt chance besides risk.",
                {"shrinkage": round(model.shrinkage, 4)},
            )
        )
    lost = {str(row.column): int(row.records) for row in left_out.itertuples() if row.records > 0}
    if lost:
        listed = ", ".join(f"{name} in {count:,}" for name, count in lost.items())
        rows.append(
            (
                "records_left_out",
                f"Records without these are not in the counts: {listed}. What is known of the "
                "others may not stand for them.",
                lost,
            )
        )
    rows += _uneven(fit["calibration"]) + _miscalibrated(fit)
    return ADVICE.frame(
        {
            "measure": [measure] * len(rows),
            "unit": [None] * len(rows),
            "code": [row[0] for row in rows],
            "message": [row[1] for row in rows],
            "evidence": [json.dumps(row[2], sort_keys=True) for row in rows],
        }
    )


def _uneven(groups: pd.DataFrame) -> list[tuple[str, str, dict[str, Any]]]:
    """Whether risk is too high for some groups and too low for others."""
    outside = ~groups["expected_share"].between(groups["lower_95"], groups["upper_95"])
    if int(outside.sum()) <= MOST_GROUPS_OUTSIDE:
        return []
    row = groups.loc[(groups["expected_share"] - groups["observed_share"]).abs().idxmax()]
    message = (
        f"In {int(outside.sum())} of {len(groups)} groups of rising risk the expected share lies "
        "outside the 95 % interval of the observed share, farthest in group "
        f"{int(row['risk_group'])}: {row['expected_share']:.1%} expected, "
        f"{row['observed_share']:.1%} observed. Risk does not rise with the covariates as the "
        "model has it; try bands or a curve of a number, or a covariate that is lacking."
    )
    return [("uneven_calibration", message, {"outside": int(outside.sum()), "groups": len(groups)})]


def _miscalibrated(fit: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    slope, intercept = fit["calibration_slope"], fit["calibration_intercept"]
    far_slope = abs(slope - 1) > 1.96 * fit["calibration_slope_error"]
    far_intercept = abs(intercept) > 1.96 * fit["calibration_intercept_error"]
    if not (far_slope or far_intercept):  # NaN, where there is nothing to judge, is not far
        return []
    message = (
        f"The model of the reference does not fit these records well: calibration slope "
        f"{slope:.2f} (1 is right), intercept {intercept:.2f} (0 is right). Observed against "
        "expected then compares the records with the reference as well as units with one another."
    )
    return [
        ("miscalibrated", message, {"slope": round(slope, 4), "intercept": round(intercept, 4)})
    ]
