"""A logistic model of risk: its fit, and how well it tells cases apart and hits their number."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special, stats

from spcbench.case_mix_records import Covariate, separated
from spcbench.numeric.segments import Floats
from spcbench.tables import STRING

LARGEST_ERROR = 20.0
"""A standard error of a log odds ratio (per level, per SD) that only separation explains: a
level with one event among any number of records has one of about 1."""

GROUPS = 10
_Z = float(stats.norm.ppf(0.975))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A fitted model.

    Parameters
    ----------
    covariates : tuple of Covariate
        What risk depends on.
    estimate : array of float, shape (1 + terms,)
        Log odds, of columns as `matrix` makes them.
    covariance : array of float, shape (1 + terms, 1 + terms)
        Of `estimate`.
    likelihood_ratio : float
        Twice the gain in log likelihood over a model without covariates.
    """

    covariates: tuple[Covariate, ...]
    estimate: Floats
    covariance: Floats
    likelihood_ratio: float

    @property
    def shrinkage(self) -> float:
        """Slope to expect in other records: (χ² − terms)/χ² (van Houwelingen, le Cessie 1990)."""
        terms = self.estimate.size - 1
        gain = self.likelihood_ratio
        return float(max(0.0, (gain - terms) / gain)) if gain > 0 else 0.0

    def risk(self, values: Floats) -> Floats:
        """Risk of each record; NaN where a covariate is missing."""
        return np.asarray(special.expit(values @ self.estimate), dtype=np.float64)


def fitted(covariates: Sequence[Covariate], values: Floats, outcome: Floats) -> Fitted:
    """A logistic model, fitted by statsmodels.

    Parameters
    ----------
    covariates : sequence of Covariate
        What the columns stand for.
    values : array of float, shape (records, 1 + terms)
        Without missing values.
    outcome : array of float, shape (records,)
        0 or 1.

    Raises
    ------
    InputError
        If the fit does not settle, or separation leaves a coefficient without bounds.
    """
    import statsmodels.api as sm

    patterns, met, size = _patterns(values, outcome)
    with warnings.catch_warnings():
        # What these would say is found and refused below, in words that name the covariate.
        warnings.simplefilter("ignore")
        cells = np.column_stack([met, size - met])
        found = sm.GLM(cells, patterns, family=sm.families.Binomial()).fit(tol=1e-10)
    errors = np.asarray(found.bse)
    if not (found.converged and np.isfinite(errors).all()) or errors.max() > LARGEST_ERROR:
        terms = [(None, None), *(term for one in covariates for term in one.terms)]
        name, level = terms[int(np.argmax(np.nan_to_num(errors[1:], nan=np.inf))) + 1]
        raise separated(f"covariate {name!r}" + ("" if level is None else f", level {level!r},"))
    share = outcome.mean()
    alone = special.xlogy(met, share) + special.xlogy(size - met, 1 - share)
    risk = special.expit(patterns @ found.params)
    ours = special.xlogy(met, risk) + special.xlogy(size - met, 1 - risk)
    return Fitted(
        covariates=tuple(covariates),
        estimate=np.asarray(found.params),
        covariance=np.asarray(found.cov_params()),
        likelihood_ratio=float(2 * (ours.sum() - alone.sum())),
    )


def _patterns(values: Floats, outcome: Floats) -> tuple[Floats, Floats, Floats]:
    """Records that are alike as one row, with events and size: the same fit in far less time."""
    key, size = np.zeros(len(values), dtype=np.int64), 1
    for column in values[:, 1:].T:
        codes, levels = pd.factorize(column)
        key, distinct = pd.factorize(key * len(levels) + codes)
        size = len(distinct)
        if size > len(values) // 2:
            return values, outcome, np.ones(len(values))
    first = np.zeros(size, dtype=np.int64)
    first[key[::-1]] = np.arange(len(values))[::-1]
    met = np.asarray(np.bincount(key, outcome), dtype=np.float64)
    return values[first], met, np.bincount(key).astype(np.float64)


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the table of coefficients; `at` is None for the level compared with."""

    term: str
    level: str | None
    at: int | None
    records: int
    events: int


def _rows(model: Fitted, values: Floats, outcome: Floats) -> list[_Row]:
    everyone = (len(outcome), int(outcome.sum()))
    rows = [_Row("intercept", None, 0, *everyone)]
    at = 1
    for one in model.covariates:
        own = values[:, at : at + len(one.terms)]
        if not one.levels:
            rows.append(_Row(one.name, None, at, *everyone))
        for number, level in enumerate(one.levels):
            within = own[:, number - 1] == 1 if number else own.sum(axis=1) == 0
            size = (int(within.sum()), int(outcome[within].sum()))
            rows.append(_Row(one.name, level, at + number - 1 if number else None, *size))
        at += len(one.terms)
    return rows


def _natural(model: Fitted) -> tuple[Floats, Floats]:
    """Estimates and their standard errors per one of each number's own unit."""
    change, at = np.eye(model.estimate.size), 1
    for one in model.covariates:
        if not one.levels:
            change[at, at] = 1 / one.spread
            change[0, at] = -one.centre / one.spread
        at += len(one.terms)
    return change @ model.estimate, np.sqrt(np.diag(change @ model.covariance @ change.T))


def coefficients(model: Fitted, values: Floats, outcome: Floats) -> pd.DataFrame:
    """Coefficients on the scale of the records, with normal 95 % intervals.

    Parameters
    ----------
    model : Fitted
        What was fitted.
    values, outcome
        On what.

    Returns
    -------
    pandas.DataFrame
        `term, level, records, events, estimate, standard_error, lower_95,
        upper_95, odds_ratio, odds_lower_95, odds_upper_95, p_value`. The level
        that others are compared with has estimate 0 and no interval. For a
        number the odds ratio is per one of its unit.
    """
    rows = _rows(model, values, outcome)
    estimates, errors = _natural(model)
    estimate = np.array([0.0 if row.at is None else estimates[row.at] for row in rows])
    error = np.array([np.nan if row.at is None else errors[row.at] for row in rows])
    lower, upper = estimate - _Z * error, estimate + _Z * error
    return pd.DataFrame(
        {
            "term": pd.array([row.term for row in rows], dtype=STRING),
            "level": pd.array([row.level for row in rows], dtype=STRING),
            "records": pd.array([row.records for row in rows], dtype="Int64"),
            "events": pd.array([row.events for row in rows], dtype="Int64"),
            "estimate": estimate,
            "standard_error": error,
            "lower_95": lower,
            "upper_95": upper,
            "odds_ratio": np.exp(estimate),
            "odds_lower_95": np.exp(lower),
            "odds_upper_95": np.exp(upper),
            "p_value": 2 * stats.norm.sf(np.abs(estimate / error)),
        }
    )


@dataclass(frozen=True, slots=True)
class Discrimination:
    """How often a case with the outcome had the higher risk of two, and its standard error."""

    c_statistic: float
    standard_error: float

    @property
    def interval(self) -> tuple[float, float]:
        """The normal 95 % interval, within 0 and 1."""
        ends = self.c_statistic + np.array([-_Z, _Z]) * self.standard_error
        lower, upper = np.clip(ends, 0.0, 1.0)
        return float(lower), float(upper)


def discrimination(risk: Floats, outcome: Floats) -> Discrimination:
    """The c-statistic (area under the ROC curve), ties counting half, with DeLong's error.

    Parameters
    ----------
    risk, outcome : array of float, shape (records,)
        Without missing values; both outcomes occur.

    References
    ----------
    .. [1] DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44:837.

    Examples
    --------
    >>> found = discrimination(np.array([0.1, 0.2, 0.2, 0.4]), np.array([0.0, 0.0, 1.0, 1.0]))
    >>> found.c_statistic
    0.875
    """
    event = outcome == 1
    ranks = stats.rankdata(risk)
    events, others = int(event.sum()), int((~event).sum())
    above = (ranks[event] - stats.rankdata(risk[event])) / others
    below = 1 - (ranks[~event] - stats.rankdata(risk[~event])) / events
    parts = [one.var(ddof=1) / one.size if one.size > 1 else np.nan for one in (above, below)]
    return Discrimination(float(above.mean()), float(np.sqrt(sum(parts))))


def calibration_groups(risk: Floats, outcome: Floats) -> pd.DataFrame:
    """Expected and observed events in ten groups of rising risk.

    Parameters
    ----------
    risk, outcome : array of float, shape (records,)
        Without missing values.

    Returns
    -------
    pandas.DataFrame
        `risk_group, records, events, expected, observed_share,
        expected_share, lower_95, upper_95` (Wilson's interval of the observed
        share). Equal risks stay together, so there may be fewer than ten.
    """
    from statsmodels.stats.proportion import proportion_confint

    tenth = np.minimum(GROUPS * (stats.rankdata(risk) - 0.5) // risk.size, GROUPS - 1)
    number, group = np.unique(tenth.astype(np.int64), return_inverse=True)
    records = np.bincount(group)
    events = np.bincount(group, outcome)
    expected = np.bincount(group, risk)
    lower, upper = proportion_confint(events, records, alpha=0.05, method="wilson")
    return pd.DataFrame(
        {
            "risk_group": pd.array(number + 1, dtype="Int64"),
            "records": pd.array(records, dtype="Int64"),
            "events": pd.array(events.astype(np.int64), dtype="Int64"),
            "expected": expected,
            "observed_share": events / records,
            "expected_share": expected / records,
            "lower_95": np.asarray(lower),
            "upper_95": np.asarray(upper),
        }
    )


@dataclass(frozen=True, slots=True)
class Calibration:
    """Slope and intercept of the outcome on the log odds of the predicted risk.

    Parameters
    ----------
    slope, slope_error : float
        1 if risks are as spread as they should be, less if they are too extreme.
    intercept, intercept_error : float
        0 if risks are right on the whole (slope held at 1), above 0 if too low.
    """

    slope: float
    slope_error: float
    intercept: float
    intercept_error: float


def calibration(risk: Floats, outcome: Floats) -> Calibration:
    """Cox's calibration slope, and calibration in the large.

    Parameters
    ----------
    risk, outcome : array of float, shape (records,)
        Without missing values; risks between 0 and 1.

    References
    ----------
    .. [1] Cox (1958), Biometrika 45:562. Van Calster et al. (2019), BMC Med 17:230.
    """
    import statsmodels.api as sm

    odds = special.logit(risk)
    ones, family = np.ones((risk.size, 1)), sm.families.Binomial()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # separation: the standard error says it
        slope = sm.GLM(outcome, np.column_stack([ones, odds]), family=family).fit(tol=1e-10)
        large = sm.GLM(outcome, ones, family=family, offset=odds).fit(tol=1e-10)
    return Calibration(
        float(slope.params[1]), float(slope.bse[1]), float(large.params[0]), float(large.bse[0])
    )
