"""The invented births: labelled, repeatable, and with what the docstring promises in them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from spcbench.errors import OptionError
from spcbench.tables import STRING
from spcbench.testing.births import INVENTED, TRUSTS, invented_births, write_births

REFERENCE = Path(__file__).parents[2] / ".." / "shared" / "reference" / "organisations.csv"


@pytest.fixture(scope="module")
def births():
    return invented_births()


@pytest.fixture(scope="module")
def many():
    """Births of 40 seeds, bad rows left out: enough to see the rates behind them."""
    frame = pd.concat([invented_births(seed=seed) for seed in range(40)], ignore_index=True)
    frame = frame.assign(
        ga_days=pd.to_numeric(frame["ga_days"]),
        seconds=pd.to_numeric(frame["cord_clamp_seconds"], errors="coerce"),
        born=pd.to_datetime(frame["birth_date"]),
    )
    return frame[frame["ga_days"].between(140, 320)]


def test_every_row_says_that_it_is_invented(births):
    assert births.columns[-1] == "invented"
    assert births["invented"].eq(INVENTED).all()


def test_every_cell_is_text(births):
    assert set(births.dtypes) == {STRING}


def test_the_same_seed_gives_the_same_bytes_in_another_process(tmp_path):
    here, there = tmp_path / "here.csv", tmp_path / "there.csv"
    write_births(here, seed=7, months=3)
    code = (
        "import sys; from spcbench.testing.births import write_births;"
        "write_births(sys.argv[1], seed=7, months=3)"
    )
    subprocess.run([sys.executable, "-c", code, str(there)], check=True)
    assert here.read_bytes() == there.read_bytes()
    assert write_births(there, seed=8, months=3).read_bytes() != here.read_bytes()


def test_the_file_holds_the_table(tmp_path, births):
    path = write_births(tmp_path / "births.csv")
    assert b"\r" not in path.read_bytes()
    again = pd.read_csv(path, dtype=STRING, keep_default_na=False, na_values=[""])
    pd.testing.assert_frame_equal(again, births)


def test_births_are_in_order_within_the_months_asked_for():
    births = invented_births(start="2023-11-01", months=4)
    dates = births["birth_date"].dropna()
    assert dates.is_monotonic_increasing
    assert dates.min() >= "2023-11-01"
    assert dates.max() <= "2024-02-29"
    assert set(dates.str[:7]) == {"2023-11", "2023-12", "2024-01", "2024-02"}


def test_a_trust_has_about_as_many_early_births_as_it_reports(many):
    early = many[many["ga_days"] < 238].groupby("trust_code").size() / (40 * 3)
    for trust in TRUSTS:
        reported = trust.to_27 + trust.from_28_to_31 + trust.from_32_to_33
        assert early[trust.code] == pytest.approx(reported, rel=0.05)


def test_a_third_of_the_babies_are_eligible_for_nothing(many):
    assert (many["ga_days"] >= 238).mean() == pytest.approx(1 / 3, abs=0.01)


def test_the_improvement_stands_where_the_docstring_says(many):
    known = many[many["seconds"].notna() & many["born"].notna()]
    deferred = known["seconds"].ge(60)
    after = known["born"] >= "2022-11-01"
    differs = known["trust_code"].eq("RJ7")
    # About 7,000 babies in the smallest of the groups: a standard error below 0.006.
    assert deferred[~after & ~differs].mean() == pytest.approx(0.56, abs=0.01)
    assert deferred[after & ~differs].mean() == pytest.approx(0.78, abs=0.01)
    assert deferred[~after & differs].mean() == pytest.approx(0.71, abs=0.02)
    assert deferred[after & differs].mean() == pytest.approx(0.93, abs=0.01)


def test_the_steady_measures_stay_at_their_rates(many):
    given = many[many["ga_days"].lt(210)]["mgso4_given"].dropna().eq("true")
    assert given.mean() == pytest.approx(0.87, abs=0.01)
    temperature = pd.to_numeric(many["temperature_c"])
    minutes = pd.to_numeric(many["temperature_age_minutes"])
    taken = temperature.notna() & minutes.notna()
    warm = temperature.between(36.5, 37.5) & minutes.le(60)
    assert warm[taken].mean() == pytest.approx(0.77, abs=0.01)


def test_twins_share_their_mother_and_what_she_was_given(births):
    second = births.index[births["birth_order"].eq("2")]
    assert len(second) / len(births) == pytest.approx(0.15 / 1.15, abs=0.02)
    shared = ["births", "mgso4_given"]
    twins, firsts = births.loc[second, shared], births.loc[second - 1, shared]
    pd.testing.assert_frame_equal(
        twins.reset_index(drop=True), firsts.reset_index(drop=True), check_names=False
    )
    assert births.loc[second - 1, "birth_order"].eq("1").all()


def test_some_cells_are_missing(births):
    admitted = births[births["admitted"].eq("true")]
    for column, share in {
        "mgso4_given": 0.02,
        "cord_clamp_seconds": 0.04,
        "temperature_c": 0.03,
        "temperature_age_minutes": 0.02,
        "admission_age_hours": 0.01,
    }.items():
        assert admitted[column].isna().mean() == pytest.approx(share, abs=0.01), column


def test_a_baby_who_was_not_admitted_has_no_temperature(births):
    outside = births[births["admitted"].eq("false")]
    assert len(outside) > 0
    assert outside[["admission_age_hours", "temperature_c"]].isna().all(axis=None)


def test_two_rows_of_each_kind_are_bad(births):
    cord = births["cord_clamp_seconds"].dropna()
    bad = {
        "gestation": births.index[births["ga_days"].isin(["27", "999"])],
        "text": cord.index[~cord.str.fullmatch(r"\d+")],
        "date": births.index[births["birth_date"].isna()],
        "trust": births.index[births["trust_code"].isna()],
    }
    assert {kind: len(rows) for kind, rows in bad.items()} == dict.fromkeys(bad, 2)
    assert len(set().union(*bad.values())) == 8


def test_another_seed_spoils_other_rows(births):
    other = invented_births(seed=1)
    assert list(births.index[births["birth_date"].isna()]) != list(
        other.index[other["birth_date"].isna()]
    )


@pytest.mark.parametrize("start", ["2022-01-02", "01/01/2022", "2022-13-01", ""])
def test_the_start_must_be_the_first_of_a_month(start):
    with pytest.raises(OptionError) as error:
        invented_births(start=start)
    assert str(error.value) == (
        f"start must be the first day of a month such as '2022-01-01', not {start!r}"
    )


def test_there_must_be_a_month():
    assert len(invented_births(months=1)) > 0
    with pytest.raises(OptionError, match="months must be at least 1, not 0"):
        invented_births(months=0)


def test_names_are_those_of_the_register():
    if not REFERENCE.exists():
        pytest.skip("the shared list of organisations is not here")
    register = pd.read_csv(REFERENCE).set_index("code")["name"]
    assert {trust.code: trust.name for trust in TRUSTS} == {
        trust.code: register[trust.code] for trust in TRUSTS
    }
