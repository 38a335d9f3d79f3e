"""Case-mix: expected events against values worked out otherwise, every message, and invariances."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special

import spcbench
from spcbench.case_mix import expected_counts, standardised_counts
from spcbench.case_mix_model import calibration, calibration_groups, discrimination
from spcbench.errors import InputError, OptionError
from spcbench.tables import ADVICE, FileScan, Table

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
    how = {"outcome": "ill", "covariates": ["weight", "parity"], "unit": "trust", "period": YEAR}
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
    found = expected_counts(frame, outcome="ill", covariates=["band"], unit="trust", period=YEAR)

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
        "column 'parity' is a number in the records or in those of the reference, and text in the "
        "other; make them alike"
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
    found = expected(frame, date="born", period=None).counts

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
    found = expected(frame, date="born", period=period).counts

    assert found["period"].to_list() == [pd.Timestamp(first)]


def test_weeks_before_1970_begin_on_mondays_too():
    frame = births(200, trusts=1).assign(born="1969-12-31")

    assert expected(frame, date="born", period="week").counts["period"].to_list() == [
        pd.Timestamp("1969-12-29")
    ]


def test_times_of_birth_are_dates():
    frame = births(200, trusts=1)
    timed = frame.assign(born=frame["born"] + pd.Timedelta(hours=23))

    pd.testing.assert_frame_equal(
        expected(timed, date="born", period="day").counts,
        expected(frame, date="born", period="day").counts,
    )


def test_the_measure_can_be_named():
    assert set(expected(births(300), measure="sepsis").counts["measure"]) == {"sepsis"}
    assert set(expected(births(300)).counts["measure"]) == {"ill"}


def test_it_goes_into_a_chart():
    found = expected(births(), date="born", period=None, covariates=["parity"])
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
        "records out with missing='leave_out', or make bands of it, of which one is 'unknown'"
    )
    assert refused(expected, with_gaps(), covariates=["parity"]) == (
        "the records, row 8, column 'parity' is blank; a risk needs every covariate: leave such "
        "records out with missing='leave_out', or give them a level of their own with "
        "missing='unknown' (3 such rows)"
    )


def test_what_is_left_out_is_counted():
    found = expected(with_gaps(), missing="leave_out")

    assert dict(zip(found.left_out["column"], found.left_out["records"], strict=True)) == {
        "ill": 2,
        "weight": 1,
        "parity": 3,
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
    assert "nothing to fit" in refused(expected, frame.iloc[:0])


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
        "say when the cases were: date= names the column"
    )
    assert "there is no period 'moon'" in refused(
        expected, frame, date="born", period="moon", error=OptionError
    )
    assert refused(expected, frame, period="moon", error=OptionError) == (
        "period 'moon' is not a date such as 2024-04-01"
    )
    assert "row 1, column 'born': '1/5/24' is not a date" in refused(
        expected, frame.assign(born="1/5/24"), date="born", period=None
    )
    assert "missing must be one of" in refused(expected, frame, missing="drop", error=OptionError)


def test_what_is_no_table_of_records_is_refused():
    counts = Table(kind="counts", data=births(10), source="counts.csv")
    scan = FileScan(paths=("births.csv",), form="csv")

    assert refused(expected, counts).startswith("counts.csv holds counts; a case-mix model is")
    assert refused(expected, Table(kind="records", data=scan, source="births.csv")).startswith(
        "records must be a pandas, polars or Arrow table"
    )
    assert "this is str" in refused(expected, "births.csv")
    pd.testing.assert_frame_equal(
        expected(Table(kind="records", data=births(200), source="births")).counts,
        expected(births(200)).counts,
    )


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
        "may stand once: add them up"
    )
    assert "has a column 'sequence'" in refused(standardised_counts, TWO.assign(sequence=1), "age")
    assert "mixes the levels provider, system" in refused(
        standardised_counts, TWO.assign(level=["provider"] * 2 + ["system"] * 2), "age"
    )
    assert "each once" in refused(standardised_counts, TWO, ["age", "age"], error=OptionError)
    assert "takes must be one of" in refused(
        standardised_counts, TWO, "age", takes="count", error=OptionError
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
    for block in re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.S):
        exec(compile(block, page.name, "exec"), {})

    assert "c-statistic 0." in capsys.readouterr().out
