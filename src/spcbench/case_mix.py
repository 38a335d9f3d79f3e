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
from spcbench.counts_cells import Place, dates, words
from spcbench.counts_check import check_counts
from spcbench.errors import InputError, OptionError, suggest
from spcbench.intake import as_date
from spcbench.measures.counting import PERIODS
from spcbench.numeric.segments import Flags, Floats, Integers
from spcbench.tables import STATUS, STRING

__all__ = ["Expected", "expected_counts", "standardised_counts"]

Days = np.ndarray[Any, np.dtype[np.datetime64]]


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
    unit: str,
    date: str | None = None,
    period: str | None = None,
    measure: str | None = None,
    missing: str = "refuse",
    reference: Any = None,
    date_format: str | None = None,
) -> Expected:
    """Observed and expected events of each unit, from a logistic model of its records.

    Parameters
    ----------
    records : pandas, polars or Arrow table
        One row a case.
    outcome : str
        Column of 1 or true (it happened), 0 or false, or missing.
    covariates : sequence of str
        Columns that risk depends on. Text is a category, whose commonest level
        the others are compared with (of a categorical type, the same); numbers
        and true or false are numbers, linear in the log odds. Curves and
        interactions are columns that you make.
    unit : str
        Column of the unit's code.
    date : str, optional
        Column of the case's date.
    period : str, optional
        With `date`: ``"day"``, ``"week"`` (from Monday), ``"month"`` (the
        default), ``"quarter"`` or ``"year"``. Without: the first day of the
        one period that the records cover, such as ``"2024-01-01"``.
    measure : str, optional
        What to call it; the name of the outcome if not given.
    missing : str
        What becomes of a record without a covariate: ``"refuse"``;
        ``"leave_out"``, counted; or ``"unknown"``, a level of its own (of
        categories only).
    reference : pandas, polars or Arrow table, optional
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
    >>> found = expected_counts(births, outcome="died", covariates=["early"], unit="trust",
    ...                         period="2024-01-01")
    >>> found.counts[["unit", "numerator", "denominator", "expected", "variance"]].round(2)
      unit  numerator  denominator  expected  variance
    0  RJ1          2            4      1.75      0.94
    1  RJ2          1            4      1.25      0.81
    """
    columns = _columns(outcome, covariates, unit, date)
    _check_options(missing, date, period)
    place = Place("the records")
    frame = records_frame(records, columns, place)
    how: dict[str, Any] = {"outcome": outcome, "covariates": list(covariates), "missing": missing}
    own = basis = cases(frame, place=place, **how)
    if reference is not None:
        there = Place("the reference")
        needed = [outcome, *covariates]
        basis = cases(records_frame(reference, needed, there), place=there, **how)
    used = basis.complete & ~np.isnan(basis.outcome)
    _check_both(basis, used, outcome)
    design = designed(basis, used)
    values, met = matrix(design, basis)[used], basis.outcome[used]
    check_estimable(design, values, met)
    model = fitted(design, values, met)
    risk = model.risk(matrix(design, own))
    where = _Where(
        unit=words(frame[unit], place, required=True),
        day=_days(frame, date, place, period, date_format),
        length=(period or "month") if date else "day",
    )
    left_out = _left_out(own, outcome)
    fit = _fit(model, own, risk, apart=reference is not None)
    name = measure or outcome
    return Expected(
        counts=_counts(where, own, risk, name),
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


@dataclass(frozen=True, slots=True)
class _Where:
    """Unit and day of each record, and how long periods last."""

    unit: pd.Series
    day: Days
    length: str


def _columns(outcome: str, covariates: Sequence[str], unit: str, date: str | None) -> list[str]:
    if isinstance(covariates, str) or not covariates:
        raise OptionError("covariates must be a list of columns, and at least one")
    repeated = [name for name in covariates if list(covariates).count(name) > 1]
    if repeated or outcome in covariates:
        raise OptionError(f"{(repeated or [outcome])[0]!r} is named twice")
    return [outcome, *covariates, unit, *([date] if date else [])]


def _check_options(missing: str, date: str | None, period: str | None) -> None:
    if missing not in MISSING:
        raise OptionError(f"missing must be one of {', '.join(MISSING)}, not {missing!r}")
    if date is not None and period is not None and period not in PERIODS:
        raise OptionError(f"there is no period {period!r}; {suggest(period, PERIODS)}")
    if date is None and period is None:
        raise OptionError(
            "say when the cases were: date= names the column of their dates, or period= is the "
            "first day of the one period that they cover, such as '2024-01-01'"
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


def _days(
    frame: pd.DataFrame, date: str | None, place: Place, period: str | None, form: str | None
) -> Days:
    """The day of each case."""
    if date is None:
        first = as_date(period, "period")
        return np.full(len(frame), first, dtype="datetime64[D]")
    cells = frame[date]
    if isinstance(cells.dtype, np.dtype) and cells.dtype.kind == "M":
        cells = cells.dt.normalize()  # a time of birth is welcome
    found = dates(cells, place, date_format=form, required=True)
    return np.asarray(found.to_numpy(), dtype="datetime64[D]")


def _numbered(days: Days, length: str) -> tuple[Integers, Days]:
    """Which period each day lies in, and the first day of every period from first to last."""
    if length in ("day", "week"):
        # 1970 began on a Thursday; weeks begin on Mondays.
        shift, step = (3, 7) if length == "week" else (0, 1)
        at = (days.astype(np.int64) + shift) // step
        whole = np.arange(at.min(), at.max() + 1) * step - shift
        return at - at.min(), whole.astype("datetime64[D]")
    step = {"month": 1, "quarter": 3, "year": 12}[length]
    at = days.astype("datetime64[M]").astype(np.int64) // step
    whole = np.arange(at.min(), at.max() + 1) * step
    return at - at.min(), whole.astype("datetime64[M]").astype("datetime64[D]")


def _counts(where: _Where, own: Cases, risk: Floats, measure: str) -> pd.DataFrame:
    """One row per unit and period; a record counts if outcome and covariates are known."""
    at_period, periods = _numbered(where.day, where.length)
    at_unit, units = pd.factorize(where.unit, sort=True)
    at, size = at_unit * periods.size + at_period, len(units) * periods.size
    known = ~np.isnan(own.outcome)
    counted = known & own.complete

    def total(which: Flags, values: Floats | None = None) -> Floats:
        weights = None if values is None else values[which]
        return np.asarray(np.bincount(at[which], weights, minlength=size), dtype=np.float64)

    denominator = total(counted)
    empty = denominator == 0
    expected = total(counted, risk)
    variance = total(counted, risk * (1 - risk))
    status = np.where(empty, STATUS.index("no_data"), STATUS.index("ok"))
    return check_counts(
        pd.DataFrame(
            {
                "measure": measure,
                "unit": units.repeat(periods.size),
                "period": np.tile(periods.astype("datetime64[us]"), len(units)),
                "numerator": total(counted, own.outcome).astype(np.int64),
                "denominator": denominator.astype(np.int64),
                "expected": np.where(empty, np.nan, expected),
                "variance": np.where(empty, np.nan, variance),
                "missing": total(~known).astype(np.int64),
                "status": pd.Categorical.from_codes(status, categories=list(STATUS)),
                "left_out": pd.array(total(known & ~counted).astype(np.int64), dtype="Int64"),
            }
        )
    )


def _left_out(own: Cases, outcome: str) -> pd.DataFrame:
    sizes = {outcome: int(np.isnan(own.outcome).sum())}
    sizes |= {name: int(cells.isna().sum()) for name, cells in own.columns.items()}
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
    return {
        "calibration": calibration_groups(risk, outcome),
        "c_statistic": apart_by.c_statistic,
        "c_statistic_error": apart_by.standard_error,
        "calibration_slope": slope.slope,
        "calibration_slope_error": slope.slope_error,
        "calibration_intercept": slope.intercept,
        "calibration_intercept_error": slope.intercept_error,
        "calibrated_on": "other records" if apart else "the same records",
    }
