"""The invented births: labelled, repeatable, and with what the docstring promises in them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from spcbench.errors import OptionError
from spcbench.tables import STRING
from spcbench.testing.births import (
    INVENTED,
    REGION,
    SYSTEMS,
    TRUSTS,
    invented_births,
    write_births,
    write_hierarchy,
)
from spcbench.testing.births_care import OF_THE_MOTHER, UNKNOWN

REFERENCE = Path(__file__).parents[2] / ".." / "shared" / "reference" / "organisations.csv"


@pytest.fixture(scope="module")
def births():
    return invented_births()


NUMBERS = ("ga_days", "births", "birthweight_g", "steroids_last_dose_hours", "cord_clamp_seconds")
NUMBERS += ("admission_age_hours", "temperature_c", "temperature_age_minutes")
NUMBERS += ("first_milk_age_hours", "caffeine_age_hours")
SEEDS = 12


@pytest.fixture(scope="module")
def many():
    """Births of several seeds, bad rows left out: enough to see the rates behind them."""
    made = [invented_births(seed=seed).assign(seed=seed) for seed in range(SEEDS)]
    frame = pd.concat(made, ignore_index=True)
    numbers = {name: pd.to_numeric(frame[name], errors="coerce") for name in NUMBERS}
    frame = frame.assign(**numbers, born=pd.to_datetime(frame["birth_date"]))
    sound = frame["ga_days"].between(140, 320) & frame["born"].notna()
    return frame[sound & frame["trust_code"].notna()].astype(dict.fromkeys(NUMBERS, float))


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
    early = many[many["ga_days"] < 238].groupby("trust_code").size() / (SEEDS * 3)
    for trust in TRUSTS:
        reported = trust.to_27 + trust.from_28_to_31 + trust.from_32_to_33
        # Three standard errors of a count, a little wider for its twins.
        assert early[trust.code] == pytest.approx(reported, abs=3.5 * (reported / 36) ** 0.5)


def test_a_third_of_the_babies_are_eligible_for_nothing(many):
    assert (many["ga_days"] >= 238).mean() == pytest.approx(1 / 3, abs=0.01)


def test_the_improvement_stands_where_the_docstring_says(many):
    known = many[many["cord_clamp_seconds"].notna()]
    deferred = known["cord_clamp_seconds"].ge(60)
    after = known["born"] >= "2022-11-01"
    differs = known["trust_code"].eq("RJ7")
    # About 2,000 babies in the smallest of the groups: a standard error of 0.01.
    assert deferred[~after & ~differs].mean() == pytest.approx(0.58, abs=0.01)
    assert deferred[after & ~differs].mean() == pytest.approx(0.72, abs=0.01)
    assert deferred[~after & differs].mean() == pytest.approx(0.73, abs=0.03)
    assert deferred[after & differs].mean() == pytest.approx(0.87, abs=0.02)


def test_the_step_is_at_every_trust(many):
    known = many[many["cord_clamp_seconds"].notna()]
    after = known["born"] >= "2022-11-01"
    deferred = known["cord_clamp_seconds"].ge(60)
    before, since = (
        deferred[part].groupby(known["trust_code"][part]).mean() for part in (~after, after)
    )
    assert len(before) == 18
    assert (since - before).between(0.05, 0.25).all()


def rates_by_year(outcomes, born):
    return outcomes.groupby(born.dt.year).mean().round(2).to_list()


def test_what_rises_rises_as_the_docstring_says(many):
    given = many[many["ga_days"].lt(210)]["mgso4_given"].dropna().eq("true")
    assert rates_by_year(given, many["born"]) == pytest.approx([0.857, 0.882, 0.907], abs=0.012)
    labour = many[many["ga_days"].lt(238) & many["active_labour"].eq("true")]
    antibiotics = labour["antibiotics_given"].dropna().eq("true")
    assert rates_by_year(antibiotics, many["born"]) == pytest.approx(
        [0.518, 0.575, 0.632], abs=0.012
    )
    taken = many[many[["temperature_c", "temperature_age_minutes"]].notna().all(axis=1)]
    warm = taken["temperature_c"].between(36.5, 37.5) & taken["temperature_age_minutes"].le(60)
    assert rates_by_year(warm, many["born"]) == pytest.approx([0.705, 0.755, 0.805], abs=0.012)


def test_full_courses_in_time_rise_as_the_docstring_says(many):
    early = many[many["ga_days"].lt(238)]
    full = early["steroids_full_course"]
    hours = early["steroids_last_dose_hours"]
    known = full.eq("false") | (full.notna() & hours.notna())
    in_time = (full.eq("true") & hours.le(168))[known]
    # Blank hours are always of a dose, which leaves a little more of those without one.
    assert rates_by_year(in_time, many["born"]) == pytest.approx([0.49, 0.515, 0.54], abs=0.015)


def test_what_stays_level_stays_level(many):
    early = many[many["ga_days"].lt(238)]
    steroids = early["steroids_given"].dropna().eq("true")
    assert rates_by_year(steroids, many["born"]) == pytest.approx([0.92] * 3, abs=0.012)
    caffeine = many[many["ga_days"].lt(210) & many["caffeine_given"].notna()]
    caffeine = caffeine[
        caffeine["caffeine_given"].eq("false") | caffeine["caffeine_age_hours"].notna()
    ]
    within = caffeine["caffeine_age_hours"].le(24)
    assert rates_by_year(within, many["born"]) == pytest.approx([0.95] * 3, abs=0.012)
    targeted = early["volume_targeted"].dropna().eq("true")
    assert rates_by_year(targeted, many["born"]) == pytest.approx([0.85] * 3, abs=0.015)


def test_first_milk_comes_as_the_docstring_says(many):
    known = many["own_milk_given"].eq("false") | many["first_milk_age_hours"].notna()
    hours = many["first_milk_age_hours"][known]
    for latest, first, last in ((6, 0.24, 0.36), (24, 0.62, 0.78), (48, 0.80, 0.90)):
        sixth = (last - first) / 6
        years = [first + sixth, first + 3 * sixth, last - sixth]
        assert rates_by_year(hours.le(latest), many["born"]) == pytest.approx(years, abs=0.012)


def test_most_are_born_at_a_nicu_who_should_be_and_none_at_trusts_without_one(many):
    twins = many["ga_days"].lt(196) & many["births"].gt(1)
    should = many["ga_days"].lt(189) | twins | many["birthweight_g"].lt(800)
    early = many[should & many["birth_place_level"].notna()]
    nicu = early["birth_place_level"].eq("NICU")
    assert nicu.mean() == pytest.approx(0.84, abs=0.015)
    by_trust = nicu.groupby(early["trust_code"]).mean()
    for trust in TRUSTS:
        if trust.designation == "NICU":
            assert by_trust[trust.code] > 0.9, trust.code
        else:
            assert by_trust[trust.code] == 0, trust.code


def test_what_is_missed_at_one_birth_goes_together(many):
    early = many[many["ga_days"].lt(210) & many["births"].eq(1)]
    two = pd.DataFrame(
        {
            "magnesium": early["mgso4_given"].map({"true": 1.0, "false": 0.0}),
            "cord": early["cord_clamp_seconds"].ge(60).where(early["cord_clamp_seconds"].notna()),
        }
    ).dropna()
    assert two.astype(float).corr().iloc[0, 1] > 0.15


def test_months_vary_as_chance_makes_them(many):
    """What goes together within a birth must not make the months of one measure vary more."""
    known = many[many["cord_clamp_seconds"].notna() & many["births"].eq(1)]
    known = known[known["born"].ge("2022-11-01") & known["trust_code"].ne("RJ7")]
    deferred = known["cord_clamp_seconds"].ge(60)
    month = known["born"].dt.to_period("M")
    months = deferred.groupby([known["seed"], known["trust_code"], month])
    counted = months.agg(["sum", "count"])
    rate = deferred.mean()
    z2 = (counted["sum"] - rate * counted["count"]) ** 2 / (rate * (1 - rate) * counted["count"])
    assert z2.mean() == pytest.approx(1, abs=0.05)


def test_most_who_are_born_too_early_far_from_a_nicu_are_moved(many):
    designation = {trust.code: trust.designation for trust in TRUSTS}
    system = {trust.code: trust.system for trust in TRUSTS}
    admitted = many[many["admission_trust_code"].notna()]
    moved = admitted["admission_trust_code"].ne(admitted["trust_code"])
    far = admitted["trust_code"].map(designation).eq("LNU") & admitted["ga_days"].lt(189)
    assert moved[far].mean() == pytest.approx(0.6, abs=0.05)
    assert moved[~far].mean() < 0.02
    there = admitted[moved]
    assert there["admission_trust_code"].map(designation).eq("NICU").all()
    assert (there["admission_trust_code"].map(system).eq(there["trust_code"].map(system))).all()


def test_twins_share_their_mother_and_what_she_was_given(births):
    second = births.index[births["birth_order"].eq("2")]
    assert len(second) / len(births) == pytest.approx(0.15 / 1.15, abs=0.02)
    shared = ["births", "mother_id", *sorted(OF_THE_MOTHER)]
    twins, firsts = births.loc[second, shared], births.loc[second - 1, shared]
    pd.testing.assert_frame_equal(
        twins.reset_index(drop=True), firsts.reset_index(drop=True), check_names=False
    )
    assert births.loc[second - 1, "birth_order"].eq("1").all()


def test_some_cells_are_missing(many):
    asked = {
        "admission_age_hours": many["admitted"].eq("true"),
        "temperature_c": many["admitted"].eq("true"),
        "temperature_age_minutes": many["admitted"].eq("true"),
        "steroids_last_dose_hours": many["steroids_given"].eq("true"),
        "first_milk_age_hours": many["own_milk_given"].eq("true"),
        "caffeine_age_hours": many["caffeine_given"].eq("true"),
        "volume_targeted": many["invasive_ventilation"].eq("true"),
    }
    for column, share in UNKNOWN.items():
        blank = many[column].isna()[asked.get(column, slice(None))]
        assert blank.mean() == pytest.approx(share, abs=0.008), column


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


@pytest.fixture(scope="module")
def register():
    if not REFERENCE.exists():
        pytest.skip("the shared list of organisations is not here")
    return pd.read_csv(REFERENCE).set_index("code")


def test_names_and_systems_are_those_of_the_register(register):
    for trust in TRUSTS:
        assert trust.name == register.loc[trust.code, "name"]
        assert register.loc[trust.code, "parent_code"] == f"LMNS-{trust.system}"
    assert {register.loc[code, "parent_code"] for code in SYSTEMS} == {REGION[0]}
    for code, name in SYSTEMS.items():
        assert register.loc[code, "name"] == f"NHS {name} Integrated Care Board"


def test_designations_are_those_of_the_register(register):
    units = register[register["type"] == "maternity_neonatal_unit"]
    levels = units.groupby("parent_code")["designation"].agg(set)
    for trust in TRUSTS:
        there = {trust.designation, trust.other} - {""}
        assert there <= levels[trust.code]
        # The highest level is that of the main unit.
        assert ("NICU" in levels[trust.code]) == (trust.designation == "NICU")


def test_the_hierarchy_can_be_read_and_holds_every_trust(tmp_path):
    table = pd.read_csv(write_hierarchy(tmp_path / "h.csv")).set_index("unit")
    assert len(table) == 18 + 5 + 1
    for trust in TRUSTS:
        row = table.loc[trust.code]
        assert (row["parent"], row["level"], row["name"], row["designation"]) == (
            trust.system,
            "provider",
            trust.name,
            trust.designation,
        )
    assert table["level"].value_counts().to_dict() == {"provider": 18, "system": 5, "region": 1}
