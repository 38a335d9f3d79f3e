"""Case-mix: expected events against values worked out otherwise, every message, and invariances."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special

import spcbench
from spcbench.builtin.readers import read_csv
from spcbench.case_mix import expected_counts, standardised_counts
from spcbench.case_mix_model import calibration, calibration_groups, discrimination
from spcbench.cli import main
from spcbench.errors import InputError, OptionError
from spcbench.tables import ADVICE, Table

YEAR = "2024-01-01"
RTOL = 1e-7  # the fit stops at a deviance that changes by less than 1e-10


def births(size=4000, *, seed=1, trusts=6):
    """Invented births: risk depends on weight and parity, and on nothing else."""
    rng = np.random.default_rng(seed)
    weight = rng.normal(3300, 500, size)
    parity = rng.choice(["0", "1", "2+"], size, p=[0.4, 0.35, 0.25])
    odds = -2.2 - 0.0012 * (weight - 3300) + np.where(parity == "0", 0.5, 0.0)
    odds = odds + np.where(parity == "2+", 0.3, 0.0)
    return pd.DataFrame(
        {
            "trust": rng.choice([f"R{number}" for number in range(trusts)], size),
            "born": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 366, size), "D"),
            "weight": weight,
            "parity": parity,
            "ill": rng.random(size) < special.expit(odds),
        }
    )


def expected(frame, **options):
    how = {
        "outcome": "ill",
        "covariates": ["weight", "parity"],
        "unit_column": "trust",
        "period": YEAR,
    }
    return expected_counts(frame, **{**how, **options})


def refused(call, *given_arguments, error=InputError, **options):
    with pytest.raises(error) as caught:
        call(*given_arguments, **options)
    return str(caught.value)


# ----------------------------------------------------------------------------- the model itself


def test_with_one_category_the_risks_are_the_shares_of_its_levels():
    frame = pd.DataFrame(
        {
            "trust": ["a"] * 6 + ["b"] * 6,
            "band": list("xxxxyy") + list("xyyyyy"),
            "ill": [1, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0],
        }
    )
    # x: 2 of 5; y: 2 of 7
    found = expected_counts(
        frame, outcome="ill", covariates=["band"], unit_column="trust", period=YEAR
    )

    np.testing.assert_allclose(found.risk, np.where(frame["band"] == "x", 2 / 5, 2 / 7), rtol=RTOL)
    np.testing.assert_allclose(found.counts["expected"], [4 * 0.4 + 4 / 7, 0.4 + 10 / 7], rtol=RTOL)
    np.testing.assert_allclose(
        found.counts["variance"], [4 * 0.24 + 20 / 49, 0.24 + 50 / 49], rtol=RTOL
    )
    table = found.coefficients.set_index(["term", "level"])
    # The commonest level, y, is what x is compared with: odds 2/3 against 2/5.
    assert table.loc[("band", "x"), "odds_ratio"] == pytest.approx((2 / 3) / (2 / 5), rel=RTOL)
    # Woolf's standard error of a log odds ratio.
    assert table.loc[("band", "x"), "standard_error"] == pytest.approx(
        np.sqrt(1 / 2 + 1 / 3 + 1 / 2 + 1 / 5), rel=RTOL
    )
    assert table.loc[("band", "y"), "estimate"] == 0
    assert np.isnan(table.loc[("band", "y"), "standard_error"])
    assert table.loc[("band", "y"), ["records", "events"]].to_list() == [7, 2]
    assert table.loc[("band", "x"), ["records", "events"]].to_list() == [5, 2]


def test_one_category_is_indirect_standardisation():
    frame = births()
    found = expected(frame, covariates=["parity"])
    strata = (
        frame.groupby(["trust", "parity"], as_index=False)["ill"]
        .agg(numerator="sum", denominator="size")
        .rename(columns={"trust": "unit"})
        .assign(measure="ill", period=YEAR)
    )
    standard = standardised_counts(strata, "parity")

    for name in ("numerator", "denominator", "expected", "variance"):
        np.testing.assert_allclose(
            found.counts[name].astype(float), standard[name].astype(float), rtol=RTOL
        )


def test_coefficients_are_those_of_greatest_likelihood():
    frame = births(1500)
    table = expected(frame).coefficients.set_index(["term", "level"])
    columns = np.column_stack(
        [
            np.ones(len(frame)),
            (frame["weight"] - 3300) / 500,
            frame["parity"] == "1",
            frame["parity"] == "2+",
        ]
    )

    def unlikely(b):
        return np.logaddexp(0, columns @ b).sum() - frame["ill"].to_numpy() @ columns @ b

    by_hand = optimize.minimize(unlikely, np.zeros(4), method="BFGS", options={"gtol": 1e-7}).x
    estimate = table["estimate"]

    assert estimate[("weight", np.nan)] == pytest.approx(by_hand[1] / 500, rel=1e-5)
    assert estimate[("parity", "1")] == pytest.approx(by_hand[2], rel=1e-5)
    assert estimate[("parity", "2+")] == pytest.approx(by_hand[3], rel=1e-4)
    assert estimate[("intercept", np.nan)] == pytest.approx(
        by_hand[0] - by_hand[1] * 3300 / 500, rel=1e-5
    )
    risk = special.expit(columns @ by_hand)
    information = (columns * (risk * (1 - risk))[:, None]).T @ columns
    assert table["standard_error"][("weight", np.nan)] == pytest.approx(
        np.sqrt(np.linalg.inv(information)[1, 1]) / 500, rel=1e-4
    )
    assert (table["lower_95"].dropna() < table["estimate"][table["lower_95"].notna()]).all()
    np.testing.assert_allclose(
        table["odds_upper_95"].dropna(),
        np.exp(table["estimate"] + 1.959964 * table["standard_error"]).dropna(),
        rtol=1e-6,
    )


def test_the_observed_and_the_expected_add_up_to_the_same():
    counts = expected(births()).counts

    assert counts["expected"].sum() == pytest.approx(counts["numerator"].sum(), rel=RTOL)


def test_records_that_are_alike_are_fitted_together_without_any_difference():
    frame = births(600).assign(weight=lambda one: one["weight"].round(-3))
    together = expected(frame)
    tiny = frame["weight"] + np.linspace(0, 1e-7, len(frame))  # no two alike
    apart = expected(frame.assign(weight=tiny))

    np.testing.assert_allclose(together.risk, apart.risk, rtol=1e-6)
    assert together.shrinkage == pytest.approx(apart.shrinkage, rel=1e-6)


def test_shrinkage_is_that_of_the_likelihood_ratio():
    frame = births(800)
    found = expected(frame)
    share = frame["ill"].mean()
    met = frame["ill"].to_numpy()
    gain = np.log(np.where(met, found.risk, 1 - found.risk)).sum()
    gain -= np.log(np.where(met, share, 1 - share)).sum()

    assert found.shrinkage == pytest.approx((2 * gain - 3) / (2 * gain), rel=1e-6)
    assert found.terms == 4


def test_noise_alone_shrinks_to_nothing_and_is_said():
    rng = np.random.default_rng(3)
    frame = births(300).assign(**{f"x{one}": rng.normal(size=300) for one in range(6)})
    found = expected(
        frame.assign(ill=rng.random(300) < 0.2), covariates=[f"x{n}" for n in range(6)]
    )

    assert found.shrinkage < 0.6
    assert "overfitted" in set(found.advice["code"])


# -------------------------------------------------------------------- discrimination, calibration


def test_c_statistic_counts_pairs():
    rng = np.random.default_rng(5)
    risk, outcome = rng.integers(0, 6, 60) / 10, (rng.random(60) < 0.4).astype(float)
    pairs = [
        1.0 if a > b else 0.5 if a == b else 0.0
        for a in risk[outcome == 1]
        for b in risk[outcome == 0]
    ]

    assert discrimination(risk, outcome).c_statistic == pytest.approx(np.mean(pairs), rel=1e-12)


def test_error_of_the_c_statistic_is_delongs():
    risk, outcome = np.array([0.1, 0.2, 0.3, 0.4, 0.5]), np.array([0.0, 1.0, 0.0, 1.0, 1.0])
    # Cases beat 1, 2 and 2 of 2 others (1/2, 1, 1); the others lose to 3 and 2 of 3 cases.
    by_hand = np.sqrt(np.var([0.5, 1, 1], ddof=1) / 3 + np.var([1, 2 / 3], ddof=1) / 2)

    assert discrimination(risk, outcome).standard_error == pytest.approx(by_hand, rel=1e-12)


def test_ten_groups_of_rising_risk():
    found = expected(births())
    table = found.calibration

    assert table["risk_group"].to_list() == list(range(1, 11))
    assert table["records"].to_list() == [400] * 10
    assert table["expected_share"].is_monotonic_increasing
    assert table["events"].sum() == found.events
    assert table["expected"].sum() == pytest.approx(found.events, rel=RTOL)
    inside = table["expected_share"].between(table["lower_95"], table["upper_95"])
    assert inside.sum() >= 8  # the model is the one that made the records


def test_intervals_of_the_groups_are_wilsons():
    table = calibration_groups(np.full(20, 0.1), np.zeros(20))

    # With no events Wilson's upper end is z²/(n + z²).
    assert table["lower_95"][0] == pytest.approx(0, abs=1e-12)
    assert table["upper_95"][0] == pytest.approx(1.959964**2 / (20 + 1.959964**2), rel=1e-6)


def test_equal_risks_stay_in_one_group():
    table = calibration_groups(np.repeat([0.1, 0.2], [70, 30]), np.tile([0.0, 1.0], 50))

    assert table["records"].to_list() == [70, 30]
    assert table["risk_group"].to_list() == [4, 9]


def test_of_its_own_records_a_model_is_calibrated_by_construction():
    frame = births()
    found = expected(frame)
    own = calibration(found.risk, frame["ill"].to_numpy(dtype=float))

    assert (found.calibration_slope, found.calibration_intercept) == (1.0, 0.0)
    assert np.isnan(found.calibration_slope_error)
    assert found.calibrated_on == "the same records"
    assert own.slope == pytest.approx(1, abs=1e-6)
    assert own.intercept == pytest.approx(0, abs=1e-6)


def test_calibration_finds_what_was_done_to_the_risks():
    rng = np.random.default_rng(2)
    odds = rng.normal(-1, 1, 200_000)
    outcome = (rng.random(odds.size) < special.expit(odds)).astype(float)
    extreme = calibration(special.expit(2 * odds), outcome)
    high = calibration(special.expit(odds + 0.4), outcome)

    assert extreme.slope == pytest.approx(0.5, abs=4 * extreme.slope_error)
    assert high.slope == pytest.approx(1, abs=4 * high.slope_error)
    assert high.intercept == pytest.approx(-0.4, abs=4 * high.intercept_error)
    assert extreme.slope_error < 0.01
    assert high.intercept_error < 0.01


# ---------------------------------------------------------------------------- another reference


def test_a_reference_is_what_the_model_is_fitted_on():
    before, after = births(seed=1), births(1000, seed=2)
    found = expected(after, reference=before)

    assert (found.records, found.events) == (4000, int(before["ill"].sum()))
    pd.testing.assert_frame_equal(found.coefficients, expected(before).coefficients)
    assert found.risk.size == 1000
    assert found.counts["numerator"].sum() == after["ill"].sum()
    assert found.calibrated_on == "other records"
    assert found.calibration_slope == pytest.approx(1, abs=4 * found.calibration_slope_error)
    assert "miscalibrated" not in set(found.advice["code"])


def test_the_records_themselves_as_reference_change_no_number():
    frame = births()

    pd.testing.assert_frame_equal(
        expected(frame, reference=frame).counts, expected(frame).counts, rtol=1e-12
    )


def test_a_reference_that_does_not_fit_is_said():
    worse = births(seed=2)
    worse["ill"] |= np.random.default_rng(1).random(len(worse)) < 0.1
    found = expected(worse, reference=births(seed=1))
    advice = found.advice.set_index("code").loc["miscalibrated"]

    assert "(1 is right), intercept" in advice["message"]
    assert json.loads(advice["evidence"])["intercept"] > 0.3


def test_a_reference_lacks_a_level():
    frame = births(500)
    before = frame[frame["parity"] != "2+"]
    row = int(np.argmax(frame["parity"] == "2+")) + 1

    assert refused(expected, frame, reference=before).startswith(
        f"the records, row {row}, column 'parity': '2+' does not occur in the records that the "
        "model was fitted on (0, 1) ("
    )
    assert refused(expected, frame.assign(parity=1), reference=before) == (
        "column 'parity' holds numbers in the records and text in the records that the model was "
        "fitted on; make them alike, or categories in both: categories=['parity'] "
        "(--category parity)"
    )


def test_records_without_any_event_still_get_their_expected():
    none = births(50, seed=4).assign(ill=0)
    found = expected(none, reference=births())

    assert found.counts["numerator"].sum() == 0
    assert (found.counts["expected"] > 0).all()
    assert np.isnan(found.c_statistic)
    assert np.isnan(found.calibration_slope)


# --------------------------------------------------------------------------- units and periods


def test_every_unit_has_every_period():
    frame = births(60, trusts=3)
    found = expected(frame, date_column="born", period=None).counts

    assert len(found) == 3 * frame["born"].dt.to_period("M").nunique()
    empty = found[found["denominator"] == 0]
    assert len(empty) > 0
    assert set(empty["status"]) == {"no_data"}
    assert empty["expected"].isna().all()
    assert found["denominator"].sum() == 60
    by_hand = frame.groupby(["trust", frame["born"].dt.to_period("M").dt.start_time]).size()
    made = found[found["denominator"] > 0].set_index(["unit", "period"])["denominator"]
    assert made.to_dict() == by_hand.to_dict()


@pytest.mark.parametrize(
    ("period", "first"),
    [
        ("day", "2024-05-15"),
        ("week", "2024-05-13"),
        ("month", "2024-05-01"),
        ("quarter", "2024-04-01"),
        ("year", "2024-01-01"),
    ],
)
def test_periods_begin_where_they_do_when_counting(period, first):
    frame = births(200, trusts=1).assign(born="2024-05-15")
    found = expected(frame, date_column="born", period=period).counts

    assert found["period"].to_list() == [pd.Timestamp(first)]


def test_weeks_before_1970_begin_on_mondays_too():
    frame = births(200, trusts=1).assign(born="1969-12-31")

    assert expected(frame, date_column="born", period="week").counts["period"].to_list() == [
        pd.Timestamp("1969-12-29")
    ]


def test_times_of_birth_are_dates():
    frame = births(200, trusts=1)
    timed = frame.assign(born=frame["born"] + pd.Timedelta(hours=23))

    pd.testing.assert_frame_equal(
        expected(timed, date_column="born", period="day").counts,
        expected(frame, date_column="born", period="day").counts,
    )


def test_the_measure_can_be_named():
    assert set(expected(births(300), measure="sepsis").counts["measure"]) == {"sepsis"}
    assert set(expected(births(300)).counts["measure"]) == {"ill"}


def test_it_goes_into_a_chart():
    found = expected(births(), date_column="born", period=None, covariates=["parity"])
    charts = spcbench.control_charts(found.counts, chart="vlad")

    assert len(charts.points) == 72


# ------------------------------------------------------------------------------ what is missing


def with_gaps():
    frame = births(1000)
    frame["ill"] = frame["ill"].astype("object")
    frame.loc[[3, 4], "ill"] = None
    frame.loc[[7], "weight"] = np.nan
    frame.loc[[7, 8, 9], "parity"] = None
    return frame


def test_a_missing_covariate_is_refused_unless_told():
    assert refused(expected, with_gaps()) == (
        "the records, row 8, column 'weight' is blank; a risk needs every covariate: leave such "
        "records out with missing='leave_out' (--missing leave_out), or make bands of it, of which "
        "one is 'unknown'"
    )
    assert refused(expected, with_gaps(), covariates=["parity"]) == (
        "the records, row 8, column 'parity' is blank; a risk needs every covariate: leave such "
        "records out with missing='leave_out' (--missing leave_out), or give them a level of "
        "their own with missing='unknown' (--missing unknown) (3 such rows)"
    )


def test_what_is_left_out_is_counted():
    found = expected(with_gaps(), missing="leave_out")

    assert dict(zip(found.left_out["column"], found.left_out["records"], strict=True)) == {
        "ill": 2,
        "weight": 1,
        "parity": 3,
        "trust": 0,
    }
    assert found.records == 995
    assert found.counts[["denominator", "missing", "left_out"]].sum().to_list() == [995, 2, 3]
    assert np.flatnonzero(np.isnan(found.risk)).tolist() == [7, 8, 9]
    advice = found.advice.set_index("code").loc["records_left_out"]
    assert "ill in 2, weight in 1, parity in 3" in advice["message"]
    assert list(found.advice.columns) == ADVICE.names


def test_unknown_can_be_a_level_of_its_own():
    frame = with_gaps()
    frame.loc[range(100, 160), "parity"] = None
    found = expected(frame, covariates=["parity"], missing="unknown")
    table = found.coefficients.set_index(["term", "level"])

    assert table.loc[("parity", "unknown"), "records"] == 63
    assert found.counts["left_out"].sum() == 0
    assert "row 8, column 'weight' is blank" in refused(expected, frame, missing="unknown")


# ------------------------------------------------------------------------------------- refusals


def test_columns_are_checked():
    assert refused(expected, births(50), covariates=["wieght"]).startswith(
        "the records has no column 'wieght'; did you mean 'weight'"
    )
    assert "named twice" in refused(
        expected, births(50), covariates=["ill", "parity"], error=OptionError
    )
    assert refused(expected, births(50), covariates="weight", error=OptionError) == (
        "covariates must be a list of columns, and at least one"
    )


def test_outcomes_are_checked():
    frame = births(50)

    assert refused(expected, frame.assign(ill=[0, 2] + [1] * 48)) == (
        "the records, row 2, column 'ill': 2 is not an outcome; expected 0 or 1"
    )
    assert refused(expected, frame.assign(ill="yes")).startswith(
        "the records, row 1, column 'ill': 'yes' is text; an outcome is 1 or true for"
    )
    assert refused(expected, frame.assign(ill=0)) == (
        "column 'ill' of the records: none of the 50 records that can be used has the outcome; a "
        "risk model needs both"
    )
    assert "every one of the 50" in refused(expected, frame.assign(ill=1))
    assert refused(expected, frame.assign(ill=np.nan)) == (
        "the records: no record has an outcome and every covariate, so there is nothing to fit"
    )
    assert refused(expected, frame.iloc[:0]) == "the records: no record has both a unit and a date"


def test_covariates_are_checked():
    frame = births(200)

    assert refused(expected, frame.assign(parity="1")) == (
        "column 'parity' of the records is the same in all records that can be used, so risk "
        "cannot depend on it; leave it out"
    )
    assert refused(expected, frame.assign(weight=3000.0)).startswith("column 'weight' of the")
    assert refused(expected, frame.assign(weight=[np.inf] + [1.0] * 199)) == (
        "the records, row 1, column 'weight': inf is not a finite number"
    )
    assert refused(expected, frame.assign(weight=["a", 1] * 100)).startswith(
        "column 'weight' of the records holds neither numbers nor text alone"
    )
    assert "holds neither numbers nor text" in refused(expected, frame, covariates=["born"])


def test_covariates_that_follow_from_others_are_refused():
    frame = births(400)
    frame["pounds"] = frame["weight"] / 453.6
    frame["first"] = frame["parity"] == "0"

    assert refused(expected, frame, covariates=["weight", "pounds"]) == (
        "covariate 'pounds' follows from the covariates before it; leave one of them out"
    )
    assert refused(expected, frame, covariates=["first", "parity"]).startswith(
        "covariate 'parity', level '2+', follows from"
    )


def test_separation_is_refused_with_the_name_of_what_separates():
    frame = births(400)
    rare = frame.assign(parity=["3"] * 10 + ["0", "1"] * 195, ill=[0] * 10 + [0, 0, 1] * 130)

    assert refused(expected, rare) == (
        "covariate 'parity': none of the 10 records with '3' has the outcome, so its odds have no "
        "bounds (separation); join that level to another"
    )
    assert "every one of the 10 records" in refused(
        expected, rare.assign(ill=[1] * 10 + [0, 0, 1] * 130)
    )
    assert refused(expected, frame.assign(ill=frame["weight"] > 3300)) == (
        "covariate 'weight' tells all records with the outcome from those without, or nearly so, "
        "and its odds have no bounds (separation); join levels, leave it out, or use more records"
    )


def test_separation_by_two_covariates_together_is_found():
    rng = np.random.default_rng(1)
    frame = births(300).assign(x=rng.normal(size=300), y=rng.normal(size=300))
    frame["ill"] = frame["x"] + frame["y"] > 0.5

    assert "(separation)" in refused(expected, frame, covariates=["x", "y"])


def test_a_level_with_a_single_event_is_no_separation():
    frame = births(2000)
    frame.loc[:399, "parity"] = "4"
    frame.loc[:399, "ill"] = [True] + [False] * 399

    assert expected(frame).coefficients["standard_error"].max() < 2


def test_few_events_for_many_coefficients_are_said():
    found = expected(births(150))
    advice = found.advice.set_index("code")

    assert found.events < 30
    assert advice.loc["few_events", "message"].startswith("The model has 3 coefficients and ")
    assert "few_events" not in set(expected(births()).advice["code"])


def test_units_and_dates_are_needed():
    frame = births(200)

    assert "row 3, column 'trust' is blank" in refused(
        expected, frame.assign(trust=["R1", "R1", None] + ["R2"] * 197)
    )
    assert refused(expected, frame, period=None, error=OptionError).startswith(
        "say when the cases were: date_column= (--date-column) names the column"
    )
    assert "there is no period 'moon'" in refused(
        expected, frame, date_column="born", period="moon", error=OptionError
    )
    assert refused(expected, frame, period="moon", error=OptionError) == (
        "period 'moon' is not a date such as 2024-04-01"
    )
    assert "row 1, column 'born': '1/5/24' is not a date" in refused(
        expected, frame.assign(born="1/5/24"), date_column="born", period=None
    )
    assert "missing must be one of" in refused(expected, frame, missing="drop", error=OptionError)


def test_what_is_no_table_of_records_is_refused():
    counts = Table(kind="counts", data=births(10), source="counts.csv")

    assert refused(expected, counts).startswith("counts.csv holds counts; a case-mix model is")
    assert refused(expected, "births.csv") == (
        "records must be what read() gives, or a pandas, polars or Arrow table; this is str"
    )
    pd.testing.assert_frame_equal(
        expected(Table(kind="records", data=births(200), source="births")).counts,
        expected(births(200)).counts,
    )


def test_records_without_unit_or_date_are_left_out_if_told():
    frame = births(300).astype({"trust": "object"})
    frame.loc[[2, 5], "trust"] = None
    frame.loc[[5, 9], "born"] = pd.NaT
    how = {"date_column": "born", "period": "year"}

    assert refused(expected, frame, **how) == (
        "the records, row 3, column 'trust' is blank; correct it, or leave records without unit or "
        "date out with missing='leave_out' (--missing leave_out) (2 such rows)"
    )
    found = expected(frame, missing="leave_out", **how)
    alone = expected(frame.drop([2, 5, 9]), **how)
    pd.testing.assert_frame_equal(found.counts, alone.counts)
    assert (found.records, found.counts["left_out"].sum()) == (297, 0)
    assert found.left_out.set_index("column").loc[["trust", "born"], "records"].to_list() == [2, 2]
    assert "trust in 2, born in 2" in found.advice.set_index("code").loc["records_left_out"].message


def test_a_slip_of_the_pen_in_a_year_makes_no_two_thousand_years_of_counts():
    frame = births(200).assign(born="2024-03-01")
    frame.loc[6, "born"] = "1024-03-01"

    assert refused(expected, frame, date_column="born", period=None) == (
        "the records, row 7, column 'born': the year 1024 is a slip of the pen; a date lies "
        "between 1900 and 2100"
    )


def test_times_of_birth_in_text_are_dates():
    frame = births(400)
    how = {"date_column": "born", "period": "month"}
    plain = expected(frame, **how).counts
    timed = frame.assign(born=frame["born"].dt.strftime("%Y-%m-%d 23:59"))
    here = frame.assign(born=frame["born"].dt.strftime("%d/%m/%Y 23:59"))

    pd.testing.assert_frame_equal(expected(timed, **how).counts, plain)
    pd.testing.assert_frame_equal(expected(here, date_format="%d/%m/%Y %H:%M", **how).counts, plain)
    assert "is not a date written as" in refused(
        expected, here.assign(born="soon"), date_format="%d/%m/%Y", **how
    )


def test_numbers_can_be_codes_of_categories():
    frame = births(800)
    coded = frame.assign(parity=frame["parity"].map({"0": 0, "1": 1, "2+": 2}))
    found = expected(coded, categories=["parity"])

    np.testing.assert_allclose(found.risk, expected(frame).risk, rtol=1e-9)
    assert found.coefficients["level"].dropna().to_list() == ["0", "1", "2"]
    number = expected(coded).coefficients
    assert number["term"].to_list() == ["intercept", "weight", "parity"]
    halves = expected(coded.assign(parity=coded["parity"] / 2), categories=["parity"])
    assert halves.coefficients["level"].dropna().to_list() == ["0", "0.5", "1"]
    truth = expected(coded.assign(parity=coded["parity"] == 0), categories=["parity"])
    assert truth.coefficients["level"].dropna().to_list() == ["False", "True"]
    assert refused(expected, coded, categories=["parety"], error=OptionError) == (
        "categories names 'parety', which is not among the covariates; did you mean 'parity'? "
        "Known: parity, weight"
    )
    assert "must be a list" in refused(expected, coded, categories="parity", error=OptionError)


def test_groups_far_from_what_was_expected_are_said():
    frame = births(4000)
    bent = frame.assign(ill=np.abs(frame["weight"] - 3300) > 700)
    advice = expected(bent, covariates=["weight"]).advice.set_index("code")

    message = advice.loc["uneven_calibration", "message"]
    assert re.match(r"In \d+ of 10 groups of rising risk the expected share lies outside", message)
    assert json.loads(advice.loc["uneven_calibration", "evidence"])["groups"] == 10
    assert "uneven_calibration" not in set(expected(frame).advice["code"])


def test_the_interval_of_the_c_statistic_is_normal_and_ends_at_one():
    found = expected(births())
    half = 1.959964 * found.c_statistic_error

    assert found.c_statistic_lower_95 == pytest.approx(found.c_statistic - half, abs=1e-6)
    assert found.c_statistic_upper_95 == pytest.approx(found.c_statistic + half, abs=1e-6)
    risk = np.array([0.1, 0.2, 0.3, 0.25, 0.8, 0.9])
    assert discrimination(risk, np.array([0, 0, 0, 1, 1, 1.0])).interval[1] == 1.0


# ------------------------------------------------------------------------------------ from files


def as_file(frame, path):
    frame.to_csv(path, index=False)
    return spcbench.read(path)


def test_a_file_gives_what_a_frame_gives(tmp_path):
    frame = with_gaps().assign(ill=lambda one: one["ill"].map({True: "yes", False: "No", None: ""}))
    how = {"missing": "leave_out", "date_column": "born", "period": "quarter"}
    how["categories"] = ["parity"]  # "0", "1" and "2+"
    plain = expected(with_gaps(), **how)
    table = as_file(frame, tmp_path / "births.csv")
    with_gaps().astype({"ill": "boolean"}).to_parquet(tmp_path / "births.parquet")

    for found in (
        expected(table, **how),
        expected(spcbench.read(tmp_path / "births.parquet"), **how),
    ):
        pd.testing.assert_frame_equal(found.counts, plain.counts)
        pd.testing.assert_frame_equal(found.coefficients, plain.coefficients)
        pd.testing.assert_frame_equal(found.left_out, plain.left_out)
    other = expected(table, reference=table, **how)
    np.testing.assert_allclose(other.risk, plain.risk)


def test_json_lines_are_read_by_line(tmp_path):
    lines = ['{"trust": "a", "x": 1, "ill": true}', '{"trust": "a", "x": "one", "ill": false}']
    (tmp_path / "births.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")

    assert refused(expected, spcbench.read(tmp_path / "births.jsonl"), covariates=["x"]).startswith(
        "births.jsonl, line 2, column 'x' is not a number, though 1 other cells"
    )


def test_truth_in_a_file_is_a_number_and_words_are_a_category(tmp_path):
    frame = births(600)
    frame = frame.assign(
        first=frame["parity"] == "0", sex=np.where(frame["weight"] > 3300, "f", "m")
    )
    found = expected(as_file(frame, tmp_path / "b.csv"), covariates=["first", "sex"])
    plain = expected(frame, covariates=["first", "sex"])

    pd.testing.assert_frame_equal(found.coefficients, plain.coefficients)


@pytest.mark.parametrize(
    ("line", "cells", "message"),
    [
        (
            5,
            "R1,2024-01-05,n/a,1,0",
            "b.csv, line 5, column 'weight' is not a number, though 199 other cells of the column "
            "are (1 is not); correct it, or say that the column is a category: "
            "categories=['weight'] (--category weight)",
        ),
        (
            7,
            "R1,2024-01-05,3100,1,perhaps",
            "b.csv, line 7, column 'ill' is no outcome: a cell is 1, true or yes for a case in "
            "which it happened, 0, false or no for one in which it did not, blank where that is "
            "not known",
        ),
        (
            9,
            "R1,2024-01-05,,1,0",
            "b.csv, line 9, column 'weight' is blank; a risk needs every covariate: leave such "
            "records out with missing='leave_out' (--missing leave_out), or make bands of it, of "
            "which one is 'unknown'",
        ),
        (11, "R1,2024-01-05,3100", "b.csv, line 11 has too few cells; correct the file"),
        (
            12,
            "R1,5/1/2024,3100,1,0",
            "b.csv, line 12, column 'born': '5/1/2024' is not a date in ISO order (YYYY-MM-DD), "
            "and the order is never guessed; say how dates are written, such as "
            "date_format='%d/%m/%Y' (--date-format '%d/%m/%Y')",
        ),
    ],
    ids=["number", "outcome", "blank", "ragged", "date"],
)
def test_faults_of_a_file_have_their_line(tmp_path, line, cells, message):
    frame = births(200).assign(parity=1)
    lines = [
        "trust,born,weight,parity,ill",
        *(
            f"{row.trust},{row.born:%Y-%m-%d},{row.weight},{row.parity},{row.ill}"
            for row in frame.itertuples()
        ),
    ]
    lines[line - 1] = cells
    (tmp_path / "b.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    table = spcbench.read(tmp_path / "b.csv")

    assert (
        refused(expected, table, covariates=["weight"], date_column="born", period=None) == message
    )


def test_a_cell_of_two_lines_does_not_shift_the_lines(tmp_path):
    text = 'trust,x,ill,said\na,1,1,"two\nlines"\na,2,0,one\na,three,0,one\n'
    (tmp_path / "b.csv").write_text(text, encoding="utf-8")
    message = refused(expected, spcbench.read(tmp_path / "b.csv"), covariates=["x"])

    assert message.startswith("b.csv, line 4, column 'x' is not a number")  # as spreadsheets count


# ----------------------------------------------------------------------------------- invariances


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_row_order_and_units_of_measurement_change_nothing(seed):
    frame = births(300, seed=seed)
    found = expected(frame)
    other = expected(
        frame.assign(weight=frame["weight"] / 1000 + 7).sample(frac=1, random_state=seed % 1000)
    )

    np.testing.assert_allclose(found.counts["expected"], other.counts["expected"], rtol=1e-6)
    np.testing.assert_allclose(found.counts["variance"], other.counts["variance"], rtol=1e-6)
    assert found.c_statistic == pytest.approx(other.c_statistic, abs=1e-9)
    weight = [one.coefficients.set_index("term")["odds_ratio"]["weight"] for one in (found, other)]
    assert weight[0] ** 1000 == pytest.approx(weight[1], rel=1e-5)


def test_types_of_columns_make_no_difference():
    frame = births(500)
    alike = frame.assign(
        ill=frame["ill"].astype("int64"), parity=frame["parity"].astype("category")
    )

    pd.testing.assert_frame_equal(expected(frame).counts, expected(alike).counts)
    pd.testing.assert_frame_equal(expected(frame).counts, expected(pl.from_pandas(frame)).counts)
    before = frame.copy()
    expected(frame)
    pd.testing.assert_frame_equal(frame, before)


# ------------------------------------------------------------------------------------------ strata


def strata(*rows, **columns):
    names = ["unit", "age", "numerator", "denominator"]
    return pd.DataFrame(rows, columns=names).assign(measure="m", period=YEAR, **columns)


TWO = strata(("a", "<35", 1, 10), ("a", "35+", 9, 30), ("b", "<35", 3, 30), ("b", "35+", 1, 10))


def test_expected_events_are_the_cases_at_the_rates_of_all():
    # <35: 4 of 40; 35+: 10 of 40
    found = standardised_counts(TWO, "age")

    assert found["numerator"].to_list() == [10, 4]
    assert found["denominator"].to_list() == [40, 40]
    np.testing.assert_allclose(found["expected"], [1 + 7.5, 3 + 2.5], rtol=1e-14)
    np.testing.assert_allclose(
        found["variance"], [10 * 0.09 + 30 * 0.1875, 30 * 0.09 + 10 * 0.1875], rtol=1e-14
    )
    assert found["expected"].sum() == pytest.approx(found["numerator"].sum())


def test_rates_have_the_variance_of_poisson_and_may_exceed_one():
    often = TWO.assign(numerator=TWO["numerator"] * 20)
    found = standardised_counts(often, "age", takes="rate")

    np.testing.assert_allclose(found["expected"], [170, 110], rtol=1e-14)
    np.testing.assert_allclose(found["variance"], found["expected"], rtol=0)
    assert "must lie between 0 and its denominator" in refused(standardised_counts, often, "age")


def test_a_reference_gives_the_rates():
    reference = pd.DataFrame(
        {"age": ["<35", "35+", "35+"], "numerator": [10, 10, 30], "denominator": [100, 50, 50]}
    )
    found = standardised_counts(TWO, "age", reference=reference)

    np.testing.assert_allclose(found["expected"], [1 + 12, 3 + 4], rtol=1e-14)
    by_measure = reference.assign(measure="m")
    pd.testing.assert_frame_equal(standardised_counts(TWO, ["age"], reference=by_measure), found)
    assert refused(standardised_counts, TWO, "age", reference=reference.iloc[:1]) == (
        "row 2: the reference has no rate for measure m, age 35+ (2 such rows)"
    )
    assert "no rate for measure m" in refused(
        standardised_counts, TWO, "age", reference=by_measure.assign(measure="n")
    )
    assert "the reference has no column 'numerator'" in refused(
        standardised_counts, TWO, "age", reference=reference[["age", "denominator"]]
    )


def test_a_withheld_stratum_leaves_observed_and_expected():
    hidden = TWO.assign(status=["ok", "suppressed", "ok", "ok"])
    found = standardised_counts(hidden, "age")

    # 35+ is now 1 of 10.
    assert found["numerator"].to_list() == [1, 4]
    assert found["denominator"].to_list() == [10, 40]
    np.testing.assert_allclose(found["expected"], [1, 3 + 1], rtol=1e-14)
    assert found["note"][0] == "without the strata 35+"
    assert found["note"].isna()[1]
    assert found["status"].to_list() == ["ok", "ok"]


def test_where_every_stratum_is_withheld_there_is_nothing():
    found = standardised_counts(TWO.assign(status=["suppressed"] * 2 + ["ok"] * 2), "age")

    assert found["status"].to_list() == ["suppressed", "ok"]
    assert found["numerator"].isna().to_list() == [True, False]
    assert found["expected"].isna().to_list() == [True, False]


def test_a_stratum_without_cases_says_nothing():
    table = pd.concat([TWO, strata(("a", "60+", 0, 0))])
    found = standardised_counts(table, "age")
    reference = TWO.groupby("age", as_index=False)[["numerator", "denominator"]].sum()

    assert found["note"].isna().all()
    assert found["expected"].to_list() == standardised_counts(TWO, "age")["expected"].to_list()
    pd.testing.assert_frame_equal(standardised_counts(table, "age", reference=reference), found)


def test_the_gravest_word_stands_where_there_is_nothing():
    table = strata(("a", "<35", 0, 0), ("a", "35+", 1, 2), status=["ok", "suppressed"])

    assert standardised_counts(table, "age")["status"].to_list() == ["suppressed"]


def test_measures_and_periods_have_rows_of_their_own_and_measures_rates_of_their_own():
    both = pd.concat([TWO, TWO.assign(measure="n", numerator=0), TWO.assign(period="2025-01-01")])
    found = standardised_counts(both, "age")

    assert len(found) == 6
    assert found.loc[found["measure"] == "n", "expected"].to_list() == [0, 0]
    np.testing.assert_allclose(
        found.loc[found["measure"] == "m", "expected"], [8.5, 8.5, 5.5, 5.5], rtol=1e-14
    )


def test_several_columns_make_strata():
    found = standardised_counts(TWO.assign(sex=["f", "m", "f", "f"]), ["age", "sex"])

    # 35+ of either sex is now a stratum of one unit.
    np.testing.assert_allclose(found["expected"], [1 + 9, 3 + 1], rtol=1e-14)


def test_strata_are_checked():
    assert refused(standardised_counts, TWO, "agee").startswith(
        "the table has no column 'agee'; did you mean 'age'"
    )
    assert refused(standardised_counts, TWO.assign(age=["<35", None, "a", "b"]), "age") == (
        "row 2, column 'age' is blank; every row needs a age"
    )
    assert refused(standardised_counts, pd.concat([TWO, TWO.iloc[:1]]), "age") == (
        "row 5 repeats a stratum (measure m, unit a, period 2024-01-01, age <35); each "
        "may stand once: add them up, or name the further columns that tell strata apart"
    )
    assert "has a column 'sequence'" in refused(standardised_counts, TWO.assign(sequence=1), "age")
    assert "mixes the levels provider, system" in refused(
        standardised_counts, TWO.assign(level=["provider"] * 2 + ["system"] * 2), "age"
    )
    assert "each once" in refused(standardised_counts, TWO, ["age", "age"], error=OptionError)
    assert "takes must be one of" in refused(
        standardised_counts, TWO, "age", takes="count", error=OptionError
    )


def test_strata_and_their_reference_come_from_files(tmp_path):
    frame = pd.concat([TWO, TWO.iloc[:2].assign(unit="c")], ignore_index=True)
    frame["region"] = ["Y56"] * 4 + ["Y60", "Y61"]
    rates = pd.DataFrame({"age": ["<35", "35+"], "numerator": [1, 3], "denominator": [10, 10]})
    frame.to_csv(tmp_path / "strata.csv", index=False)
    table = read_csv(tmp_path / "strata.csv")
    plain = standardised_counts(frame, "age", reference=rates)
    rates.to_parquet(tmp_path / "rates.parquet")

    for reference in (
        as_file(rates, tmp_path / "rates.csv"),
        spcbench.read(tmp_path / "rates.parquet"),
        read_csv(Path(shutil.copy(tmp_path / "strata.csv", tmp_path / "other.csv"))),
    ):
        found = standardised_counts(table, "age", reference=reference)
        assert found["region"].fillna("").to_list() == ["Y56", "Y56", ""]  # c's strata disagree
        if reference.source != "other.csv":
            pd.testing.assert_frame_equal(found, plain)
    assert found["expected"].sum() == pytest.approx(found["numerator"].sum())


def test_strata_of_files_are_checked_with_their_lines(tmp_path):
    head = "measure,unit,period,age,numerator,denominator,level\n"

    def strata_of(*rows):
        (tmp_path / "s.csv").write_text(head + "".join(f"{row}\n" for row in rows), "utf-8")
        return read_csv(tmp_path / "s.csv")

    good = "m,a,2024-01-01,<35,1,10,provider"
    two = strata_of(good, "m,a,2024-01-01,35+,*,10,provider")
    assert "s.csv, line 3, column 'numerator': '*' is not a number" in refused(
        standardised_counts, two, "age"
    )
    found = standardised_counts(two, "age", suppressed=["*"])
    assert found["note"].to_list() == ["without the strata 35+"]
    nation = "m,ENG,2024-01-01,<35,4,10,national"
    mixed = strata_of(good, nation)
    assert refused(standardised_counts, mixed, "age") == (
        "s.csv mixes the levels national, provider, which would count people twice; choose one "
        "with level= (--level)"
    )
    (row,) = standardised_counts(mixed, "age", level="national").itertuples()
    assert (row.unit, row.expected) == ("ENG", 4)
    assert "there is no level 'region'" in refused(
        standardised_counts, mixed, "age", level="region", error=OptionError
    )
    assert "mixes the levels" in refused(
        standardised_counts, mixed, "age", level="national", reference=mixed
    )
    rates = pd.DataFrame({"age": ["35+"], "numerator": [1], "denominator": [2]})
    late = strata_of(nation, "m,RJ1,2024-01-01,<35,1,10,national")
    assert refused(standardised_counts, late, "age", reference=rates) == (
        "s.csv, line 2: the reference has no rate for measure m, age <35 (2 such rows)"
    )
    assert "strata names 'unit', which all counts have" in refused(
        standardised_counts, late, "unit", error=OptionError
    )
    day_first = strata_of(good.replace("2024-01-01", "31/01/2024"))
    assert "--date-format" in refused(standardised_counts, day_first, "age")
    (row,) = standardised_counts(day_first, "age", date_format="%d/%m/%Y").itertuples()
    assert f"{row.period:%Y-%m-%d}" == "2024-01-31"
    (tmp_path / "r.csv").write_text("age,numerater\n", "utf-8")
    assert "r.csv has no column 'numerator'; did you mean 'numerater'" in refused(
        standardised_counts, late, "age", reference=spcbench.read(tmp_path / "r.csv")
    )


def test_labels_of_a_unit_are_kept():
    found = standardised_counts(
        TWO.assign(unit_name=["A", "A", "B", "B"], level="provider", group="g"), "age"
    )

    assert found["unit_name"].to_list() == ["A", "B"]
    assert found["level"].to_list() == ["provider"] * 2
    assert found["group"].to_list() == ["g", "g"]


def test_no_strata_are_no_counts():
    assert standardised_counts(TWO.iloc[:0], "age").empty


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), units=st.integers(1, 6), bands=st.integers(1, 5))
def test_over_all_units_observed_and_expected_are_equal(seed, units, bands):
    rng = np.random.default_rng(seed)
    cases = rng.integers(0, 40, units * bands)
    table = pd.DataFrame(
        {
            "measure": "m",
            "period": YEAR,
            "unit": np.repeat([f"u{one}" for one in range(units)], bands),
            "band": np.tile([f"b{one}" for one in range(bands)], units),
            "numerator": rng.binomial(cases, 0.3),
            "denominator": cases,
        }
    )
    found = standardised_counts(table, "band")
    mixed = standardised_counts(table.sample(frac=1, random_state=1), "band")

    assert found["expected"].sum() == pytest.approx(table["numerator"].sum())
    assert (found["variance"].fillna(0) <= found["expected"].fillna(0)).all()
    np.testing.assert_allclose(found["expected"], mixed["expected"], rtol=1e-12)


# ---------------------------------------------------------------------------------------- the page


def test_the_page_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    page = Path(__file__).parents[1] / "docs" / "case-mix.md"
    for language, block in re.findall(r"```(python|sh)\n(.*?)```", page.read_text("utf-8"), re.S):
        if language == "python":
            exec(compile(block, page.name, "exec"), {})
            continue
        for line in block.splitlines():
            done = CliRunner().invoke(main, shlex.split(line)[1:])
            assert done.exit_code == 0, f"{line}\n{done.output}"

    assert "c-statistic 0." in capsys.readouterr().out
