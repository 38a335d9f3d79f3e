"""`spcbench expected` and `spcbench standardise`: from invented records to ratio funnels."""

from __future__ import annotations

import csv
import hashlib

import numpy as np
import pandas as pd
import pytest

import spcbench

MODEL = ("--outcome", "ill", "--covariate", "weight", "--covariate", "parity")
UNITS = ("--unit-column", "trust", "--category", "parity")
WHOLE = (*MODEL, *UNITS, "--date-column", "born")
DONE = ["counts.csv", "counts.coefficients.csv", "counts.calibration.csv", "counts.method.csv"]


def invented(size=3000, *, seed=3, shift=0.0):
    """Invented births; parity is a code, risk depends on it and on weight."""
    rng = np.random.default_rng(seed)
    weight, parity = rng.normal(3300, 500, size).round(), rng.integers(0, 3, size)
    odds = -2 + shift - 0.001 * (weight - 3300) + 0.6 * (parity == 0)
    return pd.DataFrame(
        {
            "trust": rng.choice(["RJ1", "RJ2", "RJ6"], size),
            "born": (pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 91, size), "D")),
            "weight": weight,
            "parity": parity,
            "ill": rng.random(size) < 1 / (1 + np.exp(-odds)),
        }
    )


@pytest.fixture
def births(tmp_path):
    """Write records; gives the file's name."""

    def births(frame=None, name="births.csv"):
        frame = invented() if frame is None else frame
        frame.to_csv(tmp_path / name, index=False, date_format="%Y-%m-%d")
        return name

    return births


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def last_line(done):
    return done.stderr.splitlines()[-1]


# -------------------------------------------------------------------------------- from records


def test_records_become_counts_with_what_was_expected(run, births, tmp_path):
    done = run("expected", births(), *WHOLE, "-o", "counts.csv")

    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == DONE
    plain = spcbench.expected_counts(
        invented(),
        outcome="ill",
        covariates=["weight", "parity"],
        categories=["parity"],
        unit_column="trust",
        date_column="born",
    )
    counts = spcbench.read(tmp_path / "counts.csv").data
    assert len(counts) == 9
    np.testing.assert_allclose(counts["expected"], plain.counts["expected"])
    assert counts["numerator"].sum() == invented()["ill"].sum()
    terms = rows_of(tmp_path / "counts.coefficients.csv")
    assert [(row["term"], row["level"]) for row in terms][2:] == [
        ("parity", row) for row in plain.coefficients["level"].dropna()
    ]
    assert len(rows_of(tmp_path / "counts.calibration.csv")) == 10


def test_the_model_is_told_on_the_way(run, births):
    done = run("expected", births(), *WHOLE, "-o", "counts.csv")

    events = int(invented()["ill"].sum())
    told = "\n".join(line for line in done.stderr.splitlines() if "…" not in line)
    assert f"births.csv: 3,000 records, {events} of them with the outcome, and 3 coeff" in told
    assert "Covariates: weight (number), parity (category of 3, compared with '" in told
    assert "Discrimination: c-statistic 0.6" in told
    assert "(95 % interval 0.6" in told
    assert "Calibration: in 10 of 10 groups of rising risk the expected share lies within" in told
    assert "in new records expect a calibration slope of 0.9" in told


def test_how_it_was_made_stands_beside_it(run, births, tmp_path):
    name = births()
    run("expected", name, *WHOLE, "--measure", "illness", "-o", "counts.csv")

    method = {row["name"]: row["value"] for row in rows_of(tmp_path / "counts.method.csv")}
    digest = hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
    assert method["source"] == name
    assert method["source_digest"] == f"sha256:{digest}"
    assert method["covariates"] == "weight; parity"
    assert method["calibration_slope_error"] == ""
    assert 0.6 < float(method["c_statistic_lower_95"]) < float(method["c_statistic"])
    assert {row["measure"] for row in rows_of(tmp_path / "counts.csv")} == {"illness"}


def test_a_reference_makes_calibration_a_finding(run, births, tmp_path):
    births(invented(seed=4, shift=-1), "before.csv")
    done = run("expected", births(), *WHOLE, "--reference", "before.csv", "-o", "counts.csv")

    assert done.exit_code == 0, done.output
    assert "before.csv: 3,000 records" in done.stderr
    assert "1 is right; intercept 1.0" in done.stderr
    assert "Note on ill: The model of the reference does not fit these records well" in done.stderr
    method = {row["name"]: row["value"] for row in rows_of(tmp_path / "counts.method.csv")}
    assert (method["reference"], method["calibrated_on"]) == ("before.csv", "other records")


def test_the_counts_go_into_a_funnel_of_ratios(run, births, tmp_path):
    run("expected", births(), *WHOLE, "-o", "counts.csv")
    done = run("funnel", "counts.csv", "--data-type", "ratio", "-o", "units.csv")

    assert done.exit_code == 0, done.output
    for row in rows_of(tmp_path / "units.csv"):
        ratio = float(row["numerator"]) / float(row["expected"])
        assert float(row["value"]) == pytest.approx(ratio)
        assert row["position"] == "within"
    chart = run("chart", "counts.csv", "--chart", "vlad", "--unit", "RJ1", "-o", "points.csv")
    assert chart.exit_code == 0, chart.output


def test_one_period_needs_no_dates(run, births, tmp_path):
    name = births()
    done = run("expected", name, *MODEL, *UNITS, "--period", "2024-01-01", "-o", "counts.parquet")

    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[1] == "counts.coefficients.parquet"
    frame = pd.read_parquet(tmp_path / "counts.parquet")
    assert frame["denominator"].sum() == 3000
    assert len(frame) == 3
    quarters = run("expected", name, *WHOLE, "--period", "quarter", "-o", "counts.csv")
    assert quarters.exit_code == 0
    assert len(rows_of(tmp_path / "counts.csv")) == 3


def test_what_is_missing_is_refused_until_told(run, births, tmp_path):
    frame = invented().astype({"parity": "Int64", "trust": "object"})
    frame.loc[range(10, 40), "parity"] = pd.NA
    frame.loc[50, "trust"] = None
    name = births(frame)

    done = run("expected", name, *WHOLE, "-o", "counts.csv")
    assert (done.exit_code, done.stdout) == (1, "")
    assert last_line(done) == (
        "Error: births.csv, line 52, column 'trust' is blank; correct it, or leave records without "
        "unit or date out with missing='leave_out' (--missing leave_out)"
    )
    done = run("expected", name, *WHOLE, "--missing", "leave_out", "-o", "counts.csv")
    assert done.exit_code == 0
    assert "Records without these are not in the counts: parity in 30, trust in 1." in done.stderr
    whole = births(frame.drop(50), "whole.csv")
    assert "(--missing unknown)" in run("expected", whole, *WHOLE, "-o", "counts.csv").stderr
    done = run("expected", whole, *WHOLE, "--missing", "unknown", "-o", "counts.csv")
    assert "parity (category of 4" in done.stderr
    assert sum(int(row["denominator"]) for row in rows_of(tmp_path / "counts.csv")) == 2999


@pytest.mark.parametrize(
    "arguments_code_message",
    [
        (("nowhere.csv", *WHOLE), 1, "there is no file nowhere.csv; check the name and the folder"),
        (
            ("births.csv", *WHOLE, "--reference", "nowhere.csv"),
            1,
            "there is no file nowhere.csv; check the name and the folder",
        ),
        (
            ("births.csv", *WHOLE, "--covariate", "weigth"),
            1,
            "births.csv has no column 'weigth'; did you mean 'weight'? Known: born, ill, parity, "
            "trust, weight",
        ),
        (("births.csv", *WHOLE, "--covariate", "weight"), 2, "'weight' is named twice"),
        (
            ("births.csv", *WHOLE, "--category", "trust"),
            2,
            "categories names 'trust', which is not among the covariates; Known: parity, weight",
        ),
        (("births.csv", *WHOLE, "--period", "moon"), 2, "there is no period 'moon'; did you mean"),
        (("births.csv", *WHOLE, "--missing", "drop"), 2, "missing must be one of refuse,"),
        (("births.csv", *MODEL, *UNITS), 2, "say when the cases were: date_column= (--date-co"),
        (
            ("births.csv", *MODEL, *UNITS, "--period", "month"),
            2,
            "say when the cases were: date_column= (--date-column) names",
        ),
        (
            (
                "births.csv",
                "--outcome",
                "weight",
                "--covariate",
                "parity",
                *UNITS,
                "--period",
                "2024",
            ),
            2,
            "period '2024' is not a date such as 2024-04-01",
        ),
        (
            ("births.csv", "--outcome", "weight", *MODEL[4:], *UNITS, "--date-column", "born"),
            1,
            "births.csv, line 2, column 'weight' is no outcome: a cell is 1, true or yes for",
        ),
    ],
)
def test_wrong_options_of_expected(run, births, tmp_path, arguments_code_message):
    arguments, code, message = arguments_code_message
    births()
    done = run("expected", *arguments, "-o", "counts.csv")

    assert done.exit_code == code, done.output
    assert message in last_line(done)
    assert [path.name for path in tmp_path.iterdir()] == ["births.csv"]


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("births.csv", "'births.csv' is the file that is being read; give another name after -o"),
        ("before.csv", "'before.csv' is the file that is being read; give another name after -o"),
        ("before.method.csv", "must not"),
        ("counts.html", "cannot write 'counts.html': the name must end in .csv or .parquet"),
        ("nowhere/counts.csv", "there is no folder 'nowhere'; create it first"),
    ],
)
def test_nothing_that_is_read_is_written_over(run, births, tmp_path, output, message):
    births()
    births(name="before.csv")
    if output == "before.method.csv":
        # A file beside the main one would be the reference itself.
        (tmp_path / "before.csv").rename(tmp_path / "x.method.csv")
        output, message, reference = "x.csv", "'x.method.csv' is the file that is", "x.method.csv"
    else:
        reference = "before.csv"
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    done = run("expected", "births.csv", *WHOLE, "--reference", reference, "-o", output)

    assert done.exit_code == 2
    assert message in last_line(done)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_counts_are_no_records(run, written):
    done = run("expected", written("m,a,2024-01-01,1,2"), *WHOLE, "-o", "expected.csv")

    assert done.exit_code == 1
    assert last_line(done) == (
        "Error: counts.csv holds counts; a case-mix model is fitted on records, one row a case "
        "(counts by stratum are for standardised_counts(), `spcbench standardise`)"
    )


# --------------------------------------------------------------------------------- from strata

STRATA = "measure,unit,period,age,numerator,denominator\n"
ROWS = ("m,a,2024-01-01,<35,1,10", "m,a,2024-01-01,35+,9,30")
OTHERS = ("m,b,2024-01-01,<35,3,30", "m,b,2024-01-01,35+,1,10")


@pytest.fixture
def strata(written):
    """Two units in two strata: <35 has 4 of 40, 35+ has 10 of 40."""
    return written(*ROWS, *OTHERS, name="strata.csv", header=STRATA)


def test_strata_become_counts_with_what_was_expected(run, strata, tmp_path):
    done = run("standardise", strata, "--strata", "age", "-o", "counts.csv")

    assert done.exit_code == 0, done.output
    assert (done.stdout, last_line(done)) == (
        "counts.csv\n",
        "m: 14 observed, 14.0 expected at the rates of all rows together",
    )
    rows = rows_of(tmp_path / "counts.csv")
    assert [(row["unit"], row["numerator"], row["expected"]) for row in rows] == [
        ("a", "10", "8.5"),
        ("b", "4", "5.5"),
    ]
    funnel = run("funnel", "counts.csv", "--data-type", "ratio", "-o", "units.csv")
    assert funnel.exit_code == 0, funnel.output
    assert [round(float(row["value"]), 4) for row in rows_of(tmp_path / "units.csv")] == [
        round(10 / 8.5, 4),
        round(4 / 5.5, 4),
    ]


def test_the_rates_may_be_others(run, strata, written, tmp_path):
    rates = written("<35,2,10", "35+,5,10", name="rates.csv", header="age,numerator,denominator\n")
    done = run("standardise", strata, "--strata", "age", "--reference", rates, "-o", "counts.csv")

    assert last_line(done) == "m: 14 observed, 28.0 expected at the rates of rates.csv"
    (a, _) = rows_of(tmp_path / "counts.csv")
    assert float(a["expected"]) == pytest.approx(10 * 0.2 + 30 * 0.5)
    assert float(a["variance"]) == pytest.approx(10 * 0.16 + 30 * 0.25)
    run(
        *("standardise", strata, "--strata", "age", "--reference", rates),
        *("--takes", "rate", "-o", "counts.csv"),
    )
    (a, _) = rows_of(tmp_path / "counts.csv")
    assert a["variance"] == a["expected"]


def test_a_withheld_stratum_is_told(run, written, tmp_path):
    held = (*ROWS, OTHERS[0], "m,b,2024-01-01,35+,*,10")
    name = written(*held, name="strata.csv", header=STRATA)

    done = run("standardise", name, "--strata", "age", "-o", "counts.csv")
    assert done.exit_code == 1
    assert "strata.csv, line 5, column 'numerator': '*' is not a number" in last_line(done)
    done = run("standardise", name, "--strata", "age", "--suppressed", "*", "-o", "counts.csv")
    assert done.exit_code == 0
    assert last_line(done) == (
        "1 row lacks a stratum whose count is withheld, in observed and expected alike; the column "
        "note names it"
    )
    assert rows_of(tmp_path / "counts.csv")[1]["note"] == "without the strata 35+"


def test_one_level_is_chosen(run, written, tmp_path):
    rows = [f"{row},provider" for row in ROWS] + [
        row.replace(",a,", ",ENG,") + ",national" for row in ROWS
    ]
    name = written(*rows, name="strata.csv", header=STRATA.replace("\n", ",level\n"))

    done = run("standardise", name, "--strata", "age", "-o", "counts.csv")
    assert done.exit_code == 1
    assert last_line(done) == (
        "Error: strata.csv mixes the levels national, provider, which would count people twice; "
        "choose one with level= (--level)"
    )
    done = run("standardise", name, "--strata", "age", "--level", "provider", "-o", "counts.csv")
    assert [row["unit"] for row in rows_of(tmp_path / "counts.csv")] == ["a"]


def test_dates_and_parquet(run, strata, tmp_path):
    frame = pd.read_csv(tmp_path / strata).assign(period="31/01/2024")
    frame.to_csv(tmp_path / "strata.csv", index=False)
    options = ("--strata", "age", "--date-format", "%d/%m/%Y", "-o", "counts.parquet")
    assert run("standardise", "strata.csv", *options).exit_code == 0
    first = pd.read_parquet(tmp_path / "counts.parquet")
    assert f"{first['period'].iloc[0]:%Y-%m-%d}" == "2024-01-31"
    frame.to_parquet(tmp_path / "strata.parquet")
    assert run("standardise", "strata.parquet", *options).exit_code == 0
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "counts.parquet"), first)


@pytest.mark.parametrize(
    "arguments_code_message",
    [
        (("nowhere.csv", "--strata", "age"), 1, "there is no file nowhere.csv; check the name"),
        (("strata.csv",), 2, "Missing option '--strata'."),
        (
            ("strata.csv", "--strata", "aeg"),
            1,
            "strata.csv has no column 'aeg'; did you mean 'age'",
        ),
        (
            ("strata.csv", "--strata", "age", "--takes", "count"),
            2,
            "takes must be one of proportion, rate, not 'count'",
        ),
        (
            ("strata.csv", "--strata", "unit"),
            2,
            "strata names 'unit', which all counts have for another purpose",
        ),
        (
            ("strata.csv", "--strata", "age", "--level", "provider"),
            1,
            "strata.csv has no column 'level', so level='provider' fits no row",
        ),
        (
            ("strata.csv", "--strata", "age", "--reference", "rates.csv"),
            1,
            "rates.csv has no column 'age'; Known: denominator, numerator, years",
        ),
        (
            ("rates.csv", "--strata", "years"),
            1,
            "rates.csv has no column 'measure'; Known: denominator, numerator, years (also "
            "missing: unit, period)",
        ),
        (
            ("strata.csv", "--strata", "age", "--reference", "picture.csv"),
            1,
            "picture.csv must be a .csv or .parquet table; it looks like a PNG picture",
        ),
        (
            ("table.txt", "--strata", "age"),
            1,
            "table.txt must be a .csv or .parquet table; it ends in '.txt'",
        ),
    ],
)
@pytest.mark.usefixtures("strata")
def test_wrong_options_of_standardise(run, written, tmp_path, arguments_code_message):
    arguments, code, message = arguments_code_message
    written("<35,2,10", name="rates.csv", header="years,numerator,denominator\n")
    written(name="table.txt")
    (tmp_path / "picture.csv").write_bytes(b"\x89PNG\r\n")
    before = sorted(path.name for path in tmp_path.iterdir())
    done = run("standardise", *arguments, "-o", "counts.csv")

    assert done.exit_code == code, done.output
    assert message in last_line(done)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize("output", ["strata.csv", "rates.csv"])
@pytest.mark.usefixtures("strata")
def test_strata_and_rates_are_not_written_over(run, written, output):
    written("<35,2,10", name="rates.csv", header="age,numerator,denominator\n")
    options = ("--strata", "age", "--reference", "rates.csv", "-o", output)
    done = run("standardise", "strata.csv", *options)

    assert done.exit_code == 2
    assert f"'{output}' is the file that is being read" in last_line(done)
