"""Case-mix: how many events would be expected of the patients that a unit had.

Either from a logistic model of records, or from the rates of strata. Both give
counts with `expected` and `variance`, for risk-adjusted funnels and charts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from spcbench.case_mix_advice import model_advice
from spcbench.case_mix_counts import Placed, placed, risk_counts
from spcbench.case_mix_model import (
    Calibration,
    Discrimination,
    Fitted,
    calibration,
    calibration_groups,
    coefficients,
    discrimination,
    fitted,
)
from spcbench.case_mix_records import (
    MISSING,
    Cases,
    cases,
    check_estimable,
    designed,
    matrix,
    records_frame,
)
from spcbench.case_mix_strata import standardised_counts
from spcbench.errors import InputError, OptionError, suggest
from spcbench.measures.counting import PERIODS
from spcbench.numeric.segments import Flags, Floats
from spcbench.tables import STRING

__all__ = ["Expected", "expected_counts", "standardised_counts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What `expected_counts` gives.

    Parameters
    ----------
    counts : pandas.DataFrame
        One row per unit and period without gaps: `measure, unit, period,
        numerator, denominator, expected` (sum of the risks), `variance` (sum
        of p(1 - p)), `missing` (outcome unknown), `status, left_out` (a
        covariate unknown).
    coefficients : pandas.DataFrame
        One row per coefficient and level, with odds ratios and 95 % intervals.
    calibration : pandas.DataFrame
        Expected and observed events in ten groups of rising risk.
    left_out : pandas.DataFrame
        `column, records`: how many records lacked what; one may lack several.
    advice : pandas.DataFrame
        Columns of `ADVICE`; `unit` is missing.
    risk : array of float, shape (records,)
        Predicted risk of each record as it came; NaN where a covariate is missing.
    records, events, terms : int
        On how many records, events among them and coefficients the model rests.
    c_statistic, c_statistic_error : float
        Discrimination in the counted records: 0.5 is none, 1 perfect.
    c_statistic_lower_95, c_statistic_upper_95 : float
        Its normal interval, within 0 and 1.
    calibration_slope, calibration_slope_error : float
        See `calibrated_on`; 1 is right.
    calibration_intercept, calibration_intercept_error : float
        Log odds; 0 is right.
    shrinkage : float
        Slope to expect in records that the model has not seen, by heuristic.
    calibrated_on : str
        ``"other records"`` if a reference was given; else ``"the same
        records"``, where slope 1 and intercept 0 are by construction and have
        no error (NaN).
    """

    counts: pd.DataFrame
    coefficients: pd.DataFrame
    calibration: pd.DataFrame
    left_out: pd.DataFrame
    advice: pd.DataFrame
    risk: Floats
    records: int
    events: int
    terms: int
    c_statistic: float
    c_statistic_error: float
    c_statistic_lower_95: float
    c_statistic_upper_95: float
    calibration_slope: float
    calibration_slope_error: float
    calibration_intercept: float
    calibration_intercept_error: float
    shrinkage: float
    calibrated_on: str


def expected_counts(
    records: Any,
    *,
    outcome: str,
    covariates: Sequence[str],
    unit_column: str,
    date_column: str | None = None,
    period: str | None = None,
    measure: str | None = None,
    missing: str = "refuse",
    categories: Sequence[str] = (),
    reference: Any = None,
    date_format: str | None = None,
) -> Expected:
    """Observed and expected events of each unit, from a logistic model of its records.

    Parameters
    ----------
    records : Table, pandas, polars or Arrow table
        One row a case. Of a text file, as `read` gives it, a column is numbers
        if every cell is one.
    outcome : str
        Column of 1 or true (it happened), 0 or false, or missing.
    covariates : sequence of str
        Columns that risk depends on. Text is a category, whose commonest level
        the others are compared with (of a categorical type, the same); numbers
        and true or false are numbers, linear in the log odds. Curves and
        interactions are columns that you make.
    unit_column : str
        Column of the unit's code.
    date_column : str, optional
        Column of the case's date.
    period : str, optional
        With dates: ``"day"``, ``"week"`` (from Monday), ``"month"`` (the
        default), ``"quarter"`` or ``"year"``. Without: the first day of the
        one period that the records cover, such as ``"2024-01-01"``.
    measure : str, optional
        What to call it; the name of the outcome if not given.
    missing : str
        What becomes of a record without a covariate: ``"refuse"``;
        ``"leave_out"``, counted, as are then records without unit or date; or
        ``"unknown"``, a level of its own (of categories only).
    categories : sequence of str
        Covariates whose numbers are codes of categories.
    reference : Table, pandas, polars or Arrow table, optional
        Records that the model is fitted on instead, such as those of the
        nation or of an earlier year; outcome and covariates suffice.
    date_format : str, optional
        How dates are written in text when not as YYYY-MM-DD.

    Returns
    -------
    Expected
        Records without an outcome are in `missing`, not in the counts. The
        model knows nothing of units, so its intervals take cases as
        independent.

    Raises
    ------
    InputError
        If a column or cell is missing or not of its kind, the outcome or a
        covariate is the same throughout, covariates follow from one another,
        or one separates those with the outcome from those without.
    OptionError
        If an option is out of its range.

    Examples
    --------
    >>> import pandas as pd
    >>> births = pd.DataFrame({"trust": ["RJ1"] * 4 + ["RJ2"] * 4,
    ...                        "early": ["yes", "yes", "yes", "no", "yes", "no", "no", "no"],
    ...                        "died": [1, 1, 0, 0, 0, 1, 0, 0]})
    >>> found = expected_counts(births, outcome="died", covariates=["early"],
    ...                         unit_column="trust", period="2024-01-01")
    >>> found.counts[["unit", "numerator", "denominator", "expected", "variance"]].round(2)
      unit  numerator  denominator  expected  variance
    0  RJ1          2            4      1.75      0.94
    1  RJ2          1            4      1.25      0.81
    """
    columns = _columns(outcome, covariates, unit_column, date_column)
    _check_options(missing, date_column, period, categories, covariates)
    how: dict[str, Any] = {"outcome": outcome, "covariates": list(covariates), "missing": missing}
    how["categories"] = tuple(categories)
    frame, place = records_frame(records, columns, "the records")
    where = placed(
        frame,
        place,
        unit_column=unit_column,
        date_column=date_column,
        period=period,
        date_format=date_format,
        missing=missing,
    )
    own = basis = cases(frame, place=place, placed=where.known, **how)
    if reference is not None:
        other, there = records_frame(reference, [outcome, *covariates], "the reference")
        basis = cases(other, place=there, **how)
    used = basis.complete & ~np.isnan(basis.outcome)
    _check_both(basis, used, outcome)
    design = designed(basis, used)
    values, met = matrix(design, basis)[used], basis.outcome[used]
    check_estimable(design, values, met)
    model = fitted(design, values, met)
    risk = model.risk(matrix(design, own))
    left_out = _left_out(own, where, outcome)
    fit = _fit(model, own, risk, apart=reference is not None)
    name = measure or outcome
    return Expected(
        counts=risk_counts(where, own, risk, name),
        coefficients=coefficients(model, values, met),
        left_out=left_out,
        advice=model_advice(model, met, left_out, fit, name),
        risk=risk,
        records=int(met.size),
        events=int(met.sum()),
        terms=model.estimate.size,
        shrinkage=model.shrinkage,
        **fit,
    )


def _columns(
    outcome: str, covariates: Sequence[str], unit_column: str, date_column: str | None
) -> list[str]:
    if isinstance(covariates, str) or not covariates:
        raise OptionError("covariates must be a list of columns, and at least one")
    repeated = [name for name in covariates if list(covariates).count(name) > 1]
    if repeated or outcome in covariates:
        raise OptionError(f"{(repeated or [outcome])[0]!r} is named twice")
    return [outcome, *covariates, unit_column, *([date_column] if date_column else [])]


def _check_options(
    missing: str,
    date_column: str | None,
    period: str | None,
    categories: Sequence[str],
    covariates: Sequence[str],
) -> None:
    if missing not in MISSING:
        raise OptionError(f"missing must be one of {', '.join(MISSING)}, not {missing!r}")
    if isinstance(categories, str):
        raise OptionError("categories must be a list of columns")
    for name in categories:
        if name not in covariates:
            raise OptionError(
                f"categories names {name!r}, which is not among the covariates; "
                f"{suggest(name, covariates)}"
            )
    if date_column is not None and period is not None and period not in PERIODS:
        raise OptionError(f"there is no period {period!r}; {suggest(period, PERIODS)}")
    if date_column is None and (period is None or period in PERIODS):
        raise OptionError(
            "say when the cases were: date_column= (--date-column) names the column of their "
            "dates, or period= (--period) is the first day of the one period that they cover, "
            "such as 2024-01-01"
        )


def _check_both(basis: Cases, used: Flags, outcome: str) -> None:
    """Refuse records of which none can be used, or which all have one outcome."""
    if not used.any():
        raise InputError(
            f"{basis.place.whole}: no record has an outcome and every covariate, so there is "
            "nothing to fit"
        )
    events = int(basis.outcome[used].sum())
    if events in (0, int(used.sum())):
        share = "none" if events == 0 else "every one"
        raise InputError(
            f"column {outcome!r} of {basis.place.whole}: {share} of the {int(used.sum()):,} "
            "records that can be used has the outcome; a risk model needs both"
        )


def _left_out(own: Cases, where: Placed, outcome: str) -> pd.DataFrame:
    """How many records lack the outcome, each covariate, the unit, the date."""
    sizes = {outcome: int(np.isnan(own.outcome).sum())}
    sizes |= {name: int(cells.isna().sum()) for name, cells in own.columns.items()}
    sizes |= where.blank
    return pd.DataFrame(
        {
            "column": pd.array(list(sizes), dtype=STRING),
            "records": pd.array(list(sizes.values()), dtype="Int64"),
        }
    )


def _fit(model: Fitted, own: Cases, risk: Floats, *, apart: bool) -> dict[str, Any]:
    """How well the risks fit the counted records."""
    counted = own.complete & ~np.isnan(own.outcome)
    risk, outcome = risk[counted], own.outcome[counted]
    both = bool(outcome.size) and 0 < outcome.sum() < outcome.size
    # Of its own records a model with an intercept has slope 1 and intercept 0: the score equations.
    slope = Calibration(1.0, np.nan, 0.0, np.nan)
    if apart:
        slope = calibration(risk, outcome) if both else Calibration(*[np.nan] * 4)
    apart_by = discrimination(risk, outcome) if both else Discrimination(np.nan, np.nan)
    lower, upper = apart_by.interval
    return {
        "calibration": calibration_groups(risk, outcome),
        "c_statistic": apart_by.c_statistic,
        "c_statistic_error": apart_by.standard_error,
        "c_statistic_lower_95": lower,
        "c_statistic_upper_95": upper,
        "calibration_slope": slope.slope,
        "calibration_slope_error": slope.slope_error,
        "calibration_intercept": slope.intercept,
        "calibration_intercept_error": slope.intercept_error,
        "calibrated_on": "other records" if apart else "the same records",
    }
