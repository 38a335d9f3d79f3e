"""Each boundary of each definition, counted by hand."""

from __future__ import annotations

import pytest

import spcbench_pop
from spcbench.testing import assert_counts

# One baby, 28+4, for whom everything was done.
BABY = {
    "ga_days": 200,
    "births": 1,
    "birth_order": 1,
    "mgso4_given": True,
    "cord_clamp_seconds": 90,
    "admitted": True,
    "admission_age_hours": 1.0,
    "temperature_c": 36.8,
    "temperature_age_minutes": 30,
}
# Numerator, denominator, missing of one baby.
MET, NOT_MET, UNKNOWN, OUTSIDE = (1, 1, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0)
ALL = ("mgso4", "ocm", "normothermia", "all_eligible")


def every(counts):
    return dict.fromkeys(ALL, counts)


def mgso4(counts, whole=MET):
    return {"mgso4": counts, "all_eligible": whole}


def ocm(counts, whole=MET):
    return {"ocm": counts, "all_eligible": whole}


def normothermia(counts, whole=MET):
    return {"normothermia": counts, "all_eligible": whole}


CASES = {
    "everything done": ({}, {}),
    # Gestation
    "21+6": ({"ga_days": 153}, every(OUTSIDE)),
    "22+0": ({"ga_days": 154}, {}),
    "29+6": ({"ga_days": 209}, {}),
    "30+0": ({"ga_days": 210}, mgso4(OUTSIDE)),
    "33+6": ({"ga_days": 237}, mgso4(OUTSIDE)),
    "34+0: eligible for nothing": ({"ga_days": 238}, every(OUTSIDE)),
    "gestation unknown": ({"ga_days": None}, every(OUTSIDE)),
    # Magnesium sulphate
    "not given": ({"mgso4_given": False}, mgso4(NOT_MET, NOT_MET)),
    "not known whether given": ({"mgso4_given": None}, mgso4(UNKNOWN, UNKNOWN)),
    "not given, 30+0": ({"ga_days": 210, "mgso4_given": False}, mgso4(OUTSIDE)),
    "first twin": ({"births": 2}, {}),
    "second twin": ({"births": 2, "birth_order": 2}, mgso4(OUTSIDE)),
    "second twin, not given": (
        {"births": 2, "birth_order": 2, "mgso4_given": False},
        mgso4(OUTSIDE),
    ),
    "singleton, order not entered": ({"birth_order": None}, {}),
    "first-born, number not entered": ({"births": None}, {}),
    "twin, order not entered": ({"births": 2, "birth_order": None}, mgso4(OUTSIDE)),
    # Cord
    "clamped at once": ({"cord_clamp_seconds": 0}, ocm(NOT_MET, NOT_MET)),
    "59 s": ({"cord_clamp_seconds": 59}, ocm(NOT_MET, NOT_MET)),
    "60 s": ({"cord_clamp_seconds": 60}, {}),
    "time of clamping unknown": ({"cord_clamp_seconds": None}, ocm(UNKNOWN, UNKNOWN)),
    # Temperature
    "36.4": ({"temperature_c": 36.4}, normothermia(NOT_MET, NOT_MET)),
    "36.5": ({"temperature_c": 36.5}, {}),
    "37.5": ({"temperature_c": 37.5}, {}),
    "37.6": ({"temperature_c": 37.6}, normothermia(NOT_MET, NOT_MET)),
    "60 minutes": ({"temperature_age_minutes": 60}, {}),
    "61 minutes": ({"temperature_age_minutes": 61}, normothermia(NOT_MET, NOT_MET)),
    "temperature unknown": ({"temperature_c": None}, normothermia(UNKNOWN, UNKNOWN)),
    "warm, time unknown": ({"temperature_age_minutes": None}, normothermia(UNKNOWN, UNKNOWN)),
    "cold, time unknown": (
        {"temperature_c": 36.4, "temperature_age_minutes": None},
        normothermia(NOT_MET, NOT_MET),
    ),
    "late, temperature unknown": (
        {"temperature_c": None, "temperature_age_minutes": 61},
        normothermia(NOT_MET, NOT_MET),
    ),
    "both unknown": (
        {"temperature_c": None, "temperature_age_minutes": None},
        normothermia(UNKNOWN, UNKNOWN),
    ),
    # Admission
    "admitted at 12 h": ({"admission_age_hours": 12}, {}),
    "admitted just after 12 h": ({"admission_age_hours": 12.1}, normothermia(OUTSIDE)),
    "admitted at 13 h": ({"admission_age_hours": 13}, normothermia(OUTSIDE)),
    "not admitted, cold": (
        {"admitted": False, "admission_age_hours": None, "temperature_c": 35.0},
        normothermia(OUTSIDE),
    ),
    "not admitted, though an age is entered": (
        {"admitted": False, "temperature_c": 35.0},
        normothermia(OUTSIDE),
    ),
    "not known whether admitted": ({"admitted": None}, normothermia(OUTSIDE)),
    "age at admission unknown": ({"admission_age_hours": None}, normothermia(OUTSIDE)),
    # All of them
    "one miss beside one unknown": (
        {"cord_clamp_seconds": 59, "mgso4_given": None},
        {"ocm": NOT_MET, "mgso4": UNKNOWN, "all_eligible": NOT_MET},
    ),
    "eligible for the cord alone": (
        {"ga_days": 237, "admitted": False, "admission_age_hours": None},
        {"mgso4": OUTSIDE, "normothermia": OUTSIDE},
    ),
    "nothing done": (
        {"mgso4_given": False, "cord_clamp_seconds": 10, "temperature_c": 35.0},
        every(NOT_MET),
    ),
}


@pytest.fixture
def pack():
    (pack,) = spcbench_pop.spcbench_packs()
    return pack


@pytest.mark.parametrize(("changes", "expected"), CASES.values(), ids=CASES.keys())
def test_one_baby(pack, changes, expected):
    assert_counts(pack, [BABY | changes], every(MET) | expected)


def test_a_mother_of_twins_is_counted_once(pack):
    first = BABY | {"births": 2, "birth_order": 1}
    second = BABY | {"births": 2, "birth_order": 2}
    assert_counts(
        pack,
        [first, second],
        {"mgso4": (1, 1, 0), "ocm": (2, 2, 0), "all_eligible": (2, 2, 0)},
    )


def test_babies_add_up(pack):
    babies = [BABY, BABY | {"cord_clamp_seconds": 59}, BABY | {"cord_clamp_seconds": None}]
    babies.append(BABY | {"ga_days": 240, "cord_clamp_seconds": 10})
    assert_counts(pack, babies, {"ocm": (1, 2, 1), "mgso4": (3, 3, 0), "all_eligible": (1, 2, 1)})
