"""What one record alone cannot show: twins together, several babies, columns that are not there.

The boundaries of each definition have examples in the packs, which the test kit runs.
"""

from __future__ import annotations

import pandas as pd
import pytest

import spcbench as sb
import spcbench_pop
from spcbench.errors import InputError
from spcbench.testing import assert_counts

# One baby, 26+4, for whom everything was due and everything was done.
BABY = {
    "ga_days": 186,
    "births": 1,
    "birth_order": 1,
    "birthweight_g": 900,
    "birth_place_level": "NICU",
    "steroids_given": True,
    "steroids_full_course": True,
    "steroids_last_dose_hours": 30,
    "mgso4_given": True,
    "active_labour": True,
    "antibiotics_given": True,
    "cord_clamp_seconds": 90,
    "admitted": True,
    "admission_age_hours": 1.0,
    "temperature_c": 36.8,
    "temperature_age_minutes": 30,
    "own_milk_given": True,
    "first_milk_age_hours": 4,
    "caffeine_given": True,
    "caffeine_age_hours": 1,
    "invasive_ventilation": True,
    "volume_targeted": True,
    "probiotics_given": True,
    "probiotics_age_hours": 12,
    "hydrocortisone_given": True,
    "hydrocortisone_age_hours": 12,
}
FIRST = BABY | {"births": 2, "birth_order": 1}
SECOND = BABY | {"births": 2, "birth_order": 2}
OF_MOTHERS = {"steroids_any", "steroids_full_course", "mgso4", "iap"}

# 34+0 and well: due nothing in any programme.
DUE_NOTHING = {
    "ga_days": 238,
    "births": 1,
    "birth_order": 1,
    "birthweight_g": 2200,
    "active_labour": True,
    "admitted": True,
    "admission_age_hours": 1,
    "invasive_ventilation": True,
}

PACKS = {pack.name: pack for pack in spcbench_pop.spcbench_packs()}
COMPOSITE = {name: pack for name, pack in PACKS.items() if len(pack.measures) > 1}


def elements(pack):
    return [one.id for one in pack.measures if hasattr(one, "met")]


@pytest.fixture(params=PACKS.values(), ids=PACKS)
def pack(request):
    return request.param


@pytest.fixture(params=COMPOSITE.values(), ids=COMPOSITE)
def composed(request):
    return request.param


def test_everything_done(composed):
    number = len(elements(composed))
    expected = dict.fromkeys(elements(composed), (1, 1, 0))
    assert_counts(
        composed,
        [BABY],
        expected | {"all_eligible": (1, 1, 0), "optimisation_score": (number, number, 0)},
    )


def test_a_mother_of_twins_counts_once_and_her_babies_twice(pack):
    babies_throughout = pack.name.startswith("periprem")
    assert_counts(
        pack,
        [FIRST, SECOND],
        {
            one: (1, 1, 0) if one in OF_MOTHERS and not babies_throughout else (2, 2, 0)
            for one in elements(pack)
        },
    )


def test_each_twin_is_judged_with_the_care_of_their_mother(composed):
    """Neither counts as having had everything if their mother had no magnesium."""
    without = [one | {"mgso4_given": False} for one in (FIRST, SECOND)]
    number = len(elements(composed))
    assert_counts(
        composed,
        without,
        {
            "all_eligible": (0, 2, 0),
            "optimisation_score": (2 * (number - 1), 2 * number, 0),
        },
    )


def test_a_baby_who_was_due_nothing_is_not_counted_as_having_had_everything(composed):
    assert_counts(
        composed,
        [DUE_NOTHING, DUE_NOTHING, BABY | {"cord_clamp_seconds": 10}],
        {"all_eligible": (0, 1, 0)}
        | {one: (0 if one == "ocm" else 1, 1, 0) for one in elements(composed)},
    )


def test_one_known_miss_settles_it_beside_an_unknown(composed):
    unsure = BABY | {"temperature_c": None}
    missed = unsure | {"cord_clamp_seconds": 59}
    counted = count([BABY, unsure, missed], composed.name)
    assert of(counted, "all_eligible", composed.name) == (1, 2, 1)


def test_what_periprem_counts_is_the_bundle_and_not_the_missing_part_of_it():
    """Not received is what was due and known less what was received, never due less due."""
    babies = [BABY, BABY | {"antibiotics_given": False}, BABY | {"active_labour": False}]
    assert_counts(PACKS["periprem@2021"], babies, {"iap": (1, 2, 0), "all_eligible": (2, 3, 0)})


def test_babies_add_up():
    babies = [BABY, BABY | {"cord_clamp_seconds": 59}, BABY | {"cord_clamp_seconds": None}]
    babies.append(BABY | {"ga_days": 240, "cord_clamp_seconds": 10})
    assert_counts(
        PACKS["pop@2023"],
        babies,
        {"ocm": (1, 2, 1), "mgso4": (3, 3, 0), "all_eligible": (1, 2, 1)},
    )


def count(records, pack="pop@2023", **options):
    frame = pd.DataFrame(records).assign(unit="A", born="2024-01-05")
    return sb.count(frame, packs=[PACKS[pack]], unit_column="unit", date_column="born", **options)


def of(counted, measure, pack="pop@2023"):
    row = counted.counts.set_index("measure").loc[f"{pack}:{measure}"]
    parts = (row[one] for one in ("numerator", "denominator", "missing"))
    return tuple(None if pd.isna(one) else int(one) for one in parts)


def test_columns_that_are_not_there_are_unknown_and_never_met_or_not_met():
    counted = count([{"ga_days": 200, "births": 1, "mgso4_given": True, "cord_clamp_seconds": 60}])

    assert of(counted, "mgso4") == (1, 1, 0)
    assert of(counted, "ocm") == (1, 1, 0)
    assert of(counted, "embm_24h") == of(counted, "caffeine") == (0, 0, 1)
    assert of(counted, "vtv") == of(counted, "normothermia") == (0, 0, 0)
    assert of(counted, "all_eligible") == (None, None, 1)
    unsure = counted.quality[counted.quality["problem"] == "eligible_unknown"]
    assert {"pop@2023:vtv", "pop@2023:normothermia"} <= set(unsure["measure"])


UNSAID = {
    "active_labour": None,
    "antibiotics_given": None,
    "admitted": None,
    "temperature_c": None,
    "invasive_ventilation": None,
    "volume_targeted": None,
}


@pytest.mark.parametrize("given", [False, None])
def test_a_unit_that_never_says_who_was_in_labour_has_no_value_of_the_composite(given):
    """It was 3 of 3: nobody known to be in labour, so nobody without antibiotics."""
    counted = count([BABY | UNSAID | {"antibiotics_given": given}] * 3)

    assert of(counted, "all_eligible") == (None, None, 3)
    assert of(counted, "optimisation_score") == (18, 18, 9)
    notes = counted.counts.set_index("measure")["note"]
    assert notes["pop@2023:all_eligible"] == (
        "not counted, because for no case are these known to be due, and met or not: "
        "Intrapartum antibiotics, Normothermia, Volume-targeted ventilation"
    )
    lost = counted.quality[counted.quality["problem"] == "part_never_known"]
    assert set(lost["field"]) == {"iap", "normothermia", "vtv"}
    assert set(lost["records"]) == {3}


def test_what_may_have_been_due_and_was_received_lacks_nothing():
    """Antibiotics, a normal temperature in time and volume targeting, due or not."""
    due = dict.fromkeys(("active_labour", "admitted", "invasive_ventilation"))
    counted = count([BABY | due, BABY | due | {"cord_clamp_seconds": 59}])

    assert of(counted, "all_eligible") == (1, 2, 0)
    assert of(counted, "optimisation_score") == (11, 12, 6)


def test_an_unknown_gestation_leaves_the_baby_out_and_asks_for_nothing():
    counted = count([BABY, BABY | {"ga_days": None}])

    assert of(counted, "all_eligible") == (1, 1, 0)
    assert of(counted, "optimisation_score") == (9, 9, 0)
    assert "part_never_known" not in set(counted.quality["problem"])


def test_weeks_alone_are_no_gestation():
    """28 completed weeks are any of seven days: nobody can say who is eligible."""
    weeks = {"ga_weeks": 28, "births": 1, "mgso4_given": True}
    with pytest.raises(InputError, match=r"nothing can be counted.*ga_extra_days \(not there\)"):
        count([weeks])
    # Beside a baby whose gestation is known it is left out, and told.
    counted = count([weeks, {"ga_days": 200, "births": 1, "mgso4_given": True}])

    assert of(counted, "mgso4") == (1, 1, 0)
    assert "pop@2023:mgso4" in set(counted.quality["measure"])


def test_two_gestations_that_differ_set_the_record_aside():
    told = {"ga_days": 209, "ga_weeks": 30, "ga_extra_days": 0}
    counted = count([BABY, BABY | told], rejects=True)

    assert of(counted, "mgso4") == (1, 1, 0)
    assert counted.rejects[["row", "field"]].to_numpy().tolist() == [[2, "gestation_agrees"]]


def test_what_cannot_be_sets_the_record_aside_with_its_place():
    babies = [BABY, BABY | {"birth_place_level": "nicu"}, BABY | {"birthweight_g": 0.9}]
    counted = count(babies, rejects=True)

    assert counted.rejects[["row", "field"]].to_numpy().tolist() == [
        [2, "birth_place_level"],
        [3, "birthweight_g"],
    ]


@pytest.mark.parametrize(
    ("check", "changes"),
    [
        ("order_within_births", {"birth_order": 2}),
        ("place_agrees", {"nicu_on_site": False}),
        ("course_needs_a_dose", {"steroids_given": False}),
        ("clamp_times_agree", {"cord_clamp_minute": 1, "cord_clamp_second": 0}),
        ("admission_agrees", {"admitted": False}),
        ("milk_windows_in_order", {"milk_within_24h": True, "milk_by_day2": False}),
        ("no_milk_has_no_time", {"own_milk_given": False}),
        ("no_caffeine_has_no_time", {"caffeine_given": False}),
        ("mode_needs_ventilation", {"invasive_ventilation": False}),
    ],
)
def test_what_contradicts_itself_is_told_and_counted_all_the_same(check, changes):
    counted = count([BABY, BABY | changes])
    told = counted.quality[counted.quality["problem"] == "breaks_check_reported"]

    assert told[["field", "records"]].to_numpy().tolist() == [[check, 1]]
    assert counted.provenance["records_rejected"] == 0


def test_never_outweighs_an_age_that_contradicts_it():
    counted = count([BABY | {"caffeine_given": False}])

    assert of(counted, "caffeine") == (0, 1, 0)


def test_only_the_early_answer_does_not_make_the_later_window_perfect():
    """Where just the 6-hour answer is recorded, its yeses must not stand for 24 hours alone."""
    known = {"own_milk_given": None, "first_milk_age_hours": None}
    babies = [BABY | known | {"milk_within_6h": answer} for answer in (True, True, False)]

    assert of(count(babies), "embm_24h") == (0, 0, 3)


def test_a_negative_age_is_no_age():
    """A temperature taken before birth is no temperature taken within an hour of it."""
    clock = {"birth_time": "2024-01-05 10:00", "temperature_time": "2024-01-05 09:00"}
    babies = [BABY, BABY | {"temperature_age_minutes": None} | clock]
    counted = count(babies, rejects=True)

    assert of(counted, "normothermia") == (1, 1, 0)
    assert counted.rejects[["row", "field"]].to_numpy().tolist() == [[2, "temperature_minutes"]]


def test_a_misspelt_column_is_not_taken_for_one_that_is_not_there():
    with pytest.raises(InputError, match="ga_days"):
        count([{"GA Days": 200, "births": 1, "mgso4_given": True}])
