"""The profiles of national data sets: what they make, and what they leave unknown."""

from __future__ import annotations

import pandas as pd
import pytest

import spcbench as sb
import spcbench_pop
from spcbench.measures.mapping import profiles

COLUMNS = {
    field.name
    for pack in spcbench_pop.spcbench_packs()
    if pack.name == "pop@2023"
    for field in pack.fields
    if not field.from_
}


@pytest.mark.parametrize("name", ["badgernet", "msds"])
def test_a_profile_makes_columns_of_the_record_and_says_how_sure_it_is(name):
    made = profiles()[name].columns

    assert {one.name for one in made} - {"trust_code", "birth_date"} <= COLUMNS
    assert {one.sure for one in made} <= {"high", "medium", "low"}
    assert "" not in {one.sure for one in made}


def badgernet(**changes):
    """One invented baby of 28+3, as an extract of that kind has her."""
    row = {
        "PlaceOfBirthNHSCode": "RJ1",
        "BirthTimeBaby": "2024-01-01 10:00",
        "GestationWeeks": 28,
        "GestationDays": 3,
        "FetusNumber": 1,
        "BirthOrder": 1,
        "Birthweight": 1100,
        "SteroidsAntenatalGiven": "yes",
        "SteroidsLastDose": "2023-12-31 10:00",
        "MagnesiumSulphate": "yes",
        "IntrapartumAntibioticsGiven": "no",
        "CordClamping": "deferred",
        "CordClampingTimeMinute": 1,
        "CordClampingTimeSecond": 5,
        "AdmitTime": "2024-01-01 10:40",
        "AdmitTemperature": 36.6,
        "AdmitTemperatureTime": "2024-01-01 10:50",
        "ReceivedMothersMilkDuringAdmission": "yes",
        "DrugsDuringStay": "caffeine",
    }
    return pd.DataFrame([row | changes])


def counted(frame, pack="pop@2023"):
    found = sb.count(
        frame, packs=[pack], mapping="badgernet", unit_column="trust_code", date_column="birth_date"
    )
    return {
        row.measure.partition(":")[2]: tuple(
            None if pd.isna(one) else int(one)
            for one in (row.numerator, row.denominator, row.missing)
        )
        for row in found.counts.itertuples()
    }


def test_badgernet_knows_what_its_names_say():
    found = counted(badgernet())

    assert found["mgso4"] == found["ocm"] == found["normothermia"] == (1, 1, 0)


def test_badgernet_leaves_unknown_what_its_names_do_not_say():
    """Whether there was milk or caffeine is no answer to when, and no answer is no 0 %."""
    found = counted(badgernet(GestationWeeks=26))

    assert found["embm_24h"] == found["caffeine"] == found["steroids_full_course"] == (0, 0, 1)
    assert found["place_of_birth"] == (0, 0, 1)
    assert found["iap"] == found["vtv"] == (0, 0, 0)
    # Nor is a composite of what is known for no baby a value.
    assert found["all_eligible"] == (None, None, 1)


def test_badgernet_has_no_composite_for_want_of_who_was_in_labour_or_ventilated():
    """The other answers put beside it, the composite still lacks to whom two parts were due."""
    known = {"milk_within_24h": "yes", "caffeine_within_24h": "yes", "steroids_full_course": "yes"}
    frame = badgernet().assign(**known)
    said = {"active_labour": "no", "invasive_ventilation": "no"}

    assert counted(frame.assign(**said))["all_eligible"] == (1, 1, 0)
    assert counted(frame)["all_eligible"] == (None, None, 1)


@pytest.mark.parametrize("blank", [["Minute", "Second"], ["Minute"], ["Second"]])
def test_a_deferred_cord_without_its_whole_time_is_unknown(blank):
    changes = {f"CordClampingTime{part}": None for part in blank}

    assert counted(badgernet(**changes))["ocm"] == (0, 0, 1)


def test_a_weight_in_kilograms_is_set_aside_and_not_taken_for_grams():
    frame = pd.concat([badgernet(), badgernet(Birthweight=1.1)])
    found = sb.count(
        frame, packs=["pop@2023"], mapping="badgernet", unit_column="trust_code",
        date_column="birth_date", rejects=True,
    )  # fmt: skip

    assert found.rejects[["row", "field"]].to_numpy().tolist() == [[2, "birthweight_g"]]


def test_msds_knows_who_is_eligible_and_no_outcome():
    frame = pd.DataFrame(
        [
            {
                "OrgSiteIDActualDelivery": "RJ122",
                "PersonBirthDateBaby": "2024-01-01",
                "GestationLengthBirth": 200,
                "BirthsPerLabandDel": 1,
                "BirthOrderMaternitySUS": 1,
                "BirthWeight": 1100,
            }
        ]
    )
    found = sb.count(
        frame,
        packs=["pop@2023"],
        mapping="msds",
        unit_column="trust_code",
        date_column="birth_date",
    ).counts.set_index("measure")

    assert found["denominator"].sum() == 0
    assert found.loc["pop@2023:mgso4", "missing"] == 1
