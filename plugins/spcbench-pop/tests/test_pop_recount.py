"""Two thousand invented babies, counted by every pack and by plain Python.

The rules stand here a second time, from the published descriptions of each programme and
not from the packs' expressions. True, False and None (not known) follow the logic of SQL.
"""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime, timedelta

import pandas as pd
import pytest

import spcbench as sb
import spcbench_pop

SEED, BABIES, UNITS = 20_241, 2_000, 40
MEASURES = {
    "pop@2020": "place_of_birth steroids_full_course mgso4 iap ocm normothermia embm_24h",
    "pop@2023": (
        "place_of_birth steroids_full_course mgso4 iap ocm normothermia embm_24h caffeine vtv"
    ),
    "periprem@2020": (
        "place_of_birth steroids_any mgso4 ocm normothermia vtv caffeine embm_6h probiotics "
        "hydrocortisone"
    ),
    "periprem@2021": (
        "place_of_birth steroids_any mgso4 iap ocm normothermia vtv caffeine embm_6h probiotics "
        "hydrocortisone"
    ),
    "nnap@2021": "steroids_any mgso4 place_of_birth ocm normothermia",
    "nnap@2022": "steroids_full_course mgso4 place_of_birth ocm normothermia embm_day2",
    "nnap@2024": "steroids_full_course mgso4 place_of_birth ocm normothermia embm_day2",
    "precept@2018": "mgso4",
}
OF_MOTHERS = {"steroids_any", "steroids_full_course", "mgso4", "iap"}


def every(*parts):
    """All of them: one that is known not to be settles it."""
    if any(part is False for part in parts):
        return False
    return None if None in parts else True


def some(*parts):
    """Any of them: one that is known to be settles it."""
    if any(part is True for part in parts):
        return True
    return None if None in parts else False


def weeks(number, days=0):
    return number * 7 + days


# ------------------------------------------------------------------ the invented babies


def babies():
    rng = random.Random(SEED)
    return [baby(rng, number) for number in range(BABIES)]


def baby(rng, number):
    """Values on and beside every bound; each may be unknown, or told in another way."""

    def one_of(*values, unknown=0.12):
        return None if rng.random() < unknown else rng.choice(values)

    def yes(share=0.8, unknown=0.12):
        return None if rng.random() < unknown else rng.random() < share

    bounds = [weeks(22), weeks(23), weeks(27), weeks(28), weeks(30), weeks(32), weeks(34)]
    days = one_of(
        *(bound + step for bound in bounds for step in (-1, 0)),
        *range(weeks(24), weeks(34)),
        unknown=0.03,
    )
    born = datetime(2024, 1, 1) + timedelta(minutes=rng.randrange(400_000))
    told = {
        "unit": f"U{number % UNITS:02}",
        "month": "2024-01-01",
        "births": one_of(1, 1, 1, 2, 3, unknown=0.05),
        "birth_order": one_of(1, 1, 2, 3),
        "birthweight_g": one_of(700, 799, 800, 801, 1499, 1500, 1501, 2100),
        "birth_time": None,
        "steroids_given": yes(0.9),
        "steroids_full_course": yes(0.7),
        "steroids_last_dose_hours": one_of(1, 24, 167.9, 168, 168.1, 400),
        "mgso4_given": yes(),
        "active_labour": yes(0.6),
        "antibiotics_given": yes(),
        "admitted": yes(0.9, unknown=0.05),
        "temperature_c": one_of(35.0, 36.4, 36.5, 36.6, 37.4, 37.5, 37.6),
        "own_milk_given": yes(0.9, unknown=0.4),
        "first_milk_age_hours": one_of(1, 6, 6.1, 24, 24.1, 48, 48.1),
        "caffeine_given": yes(0.9, unknown=0.4),
        "caffeine_age_hours": one_of(2, 24, 24.1),
        "invasive_ventilation": yes(0.5),
        "volume_targeted": yes(),
        "probiotics_given": yes(0.9, unknown=0.4),
        "probiotics_age_hours": one_of(2, 24, 24.1),
        "hydrocortisone_given": yes(0.9, unknown=0.4),
        "hydrocortisone_age_hours": one_of(2, 24, 24.1),
    }
    truth = dict(told, days=days)
    if rng.random() < 0.5:
        told["ga_days"] = days
    elif days is not None:
        told["ga_weeks"], told["ga_extra_days"] = divmod(days, 7)
    truth["nicu"] = level_or_answer(rng, told, one_of("NICU", "LNU", "SCU", "other"))
    truth["seconds"] = seconds_or_parts(rng, told, one_of(0, 59, 60, 61, 119, 180))
    truth["hours"] = age_or_clock(
        rng, told, one_of(30, 719, 720, 721, 900),
        born=born, clock="admission_time", age="admission_age_hours",
    )  # fmt: skip
    truth["minutes"] = age_or_clock(
        rng, told, one_of(5, 59, 60, 61, 90),
        born=born, clock="temperature_time", age="temperature_age_minutes",
    )  # fmt: skip
    for answer in ("milk_within_6h", "milk_within_24h", "milk_by_day2", "caffeine_within_24h",
                   "probiotics_within_24h", "hydrocortisone_within_24h"):  # fmt: skip
        told[answer] = truth[answer] = yes(unknown=0.7)
    return told, truth


def level_or_answer(rng, told, level):
    if rng.random() < 0.5:
        told["birth_place_level"] = level
        return None if level is None else level == "NICU"
    told["nicu_on_site"] = None if level is None else level == "NICU"
    return told["nicu_on_site"]


def seconds_or_parts(rng, told, seconds):
    if rng.random() < 0.5:
        told["cord_clamp_seconds"] = seconds
    elif seconds is not None:
        told["cord_clamp_minute"], told["cord_clamp_second"] = divmod(seconds, 60)
        if rng.random() < 0.1:
            told["cord_clamp_second"] = None
            return None
    return seconds


def age_or_clock(rng, told, minutes, *, born, clock, age):
    """Minutes, told as an age or as a time beside that of birth."""
    if minutes is None:
        return None
    if rng.random() < 0.5:
        told[age] = minutes if age.endswith("minutes") else minutes / 60
    else:
        told["birth_time"] = born.isoformat(sep=" ")
        told[clock] = (born + timedelta(minutes=minutes)).isoformat(sep=" ")
    return minutes


# ------------------------------------------------------------------------- the rules


def at_most(value, limit):
    return None if value is None else value <= limit


def between(days, first, beyond):
    """From a first day to the day before another; None where the gestation is unknown."""
    return None if days is None else first <= days < beyond


def by_hours(truth, answer, given, age, limit):
    """The plain answer if there is one; else never is no, and else the age decides."""
    if truth[answer] is not None:
        return truth[answer]
    return every(truth[given] is not False, at_most(truth[age], limit))


def received(truth):
    """What each baby, or the mother, had."""
    degrees = truth["temperature_c"]
    return {
        "place_of_birth": truth["nicu"],
        "steroids_any": truth["steroids_given"],
        "steroids_full_course": every(
            truth["steroids_given"] is not False,
            truth["steroids_full_course"],
            at_most(truth["steroids_last_dose_hours"], 7 * 24),
        ),
        "mgso4": truth["mgso4_given"],
        "iap": truth["antibiotics_given"],
        "ocm": None if truth["seconds"] is None else truth["seconds"] >= 60,
        "normothermia": every(
            None if degrees is None else 36.5 <= degrees <= 37.5, at_most(truth["minutes"], 60)
        ),
        "embm_6h": milk(truth, "milk_within_6h", 6),
        "embm_24h": milk(truth, "milk_within_24h", 24),
        "embm_day2": milk(truth, "milk_by_day2", 48),
        "caffeine": drug(truth, "caffeine"),
        "vtv": truth["volume_targeted"],
        "probiotics": drug(truth, "probiotics"),
        "hydrocortisone": drug(truth, "hydrocortisone"),
    }


def milk(truth, answer, hours):
    return by_hours(truth, answer, "own_milk_given", "first_milk_age_hours", hours)


def drug(truth, name):
    return by_hours(truth, f"{name}_within_24h", f"{name}_given", f"{name}_age_hours", 24)


def due(pack, truth):
    """Whom each programme asks about, by measure."""
    programme, _, year = pack.partition("@")
    days, grams = truth["days"], truth["birthweight_g"]
    # PERIPrem's form has no lowest gestation; 22 weeks is the working bound elsewhere.
    lowest = 0 if programme == "periprem" else weeks(22)
    early = {bound: between(days, lowest, weeks(bound)) for bound in (27, 28, 30, 32, 34)}
    multiple = None if truth["births"] is None else truth["births"] > 1
    tiny = None if grams is None else grams < 800
    small = some(early[32], every(early[34], at_most(grams, 1500)))
    highest = weeks(34) if programme == "periprem" else weeks(60)
    place = every(between(days, lowest, highest), some(early[27], every(multiple, early[28]), tiny))
    within_12_hours = every(truth["admitted"], at_most(truth["hours"], 720))
    rules = {
        "place_of_birth": place,
        "steroids_any": early[34],
        "steroids_full_course": early[34],
        "mgso4": early[30],
        "iap": every(early[34], truth["active_labour"]),
        "ocm": early[34],
        "normothermia": every(early[34], within_12_hours),
        "embm_6h": early[34],
        "embm_24h": early[34],
        "embm_day2": early[34],
        "caffeine": early[30],
        "vtv": every(early[34], truth["invasive_ventilation"]),
        "probiotics": small,
        "hydrocortisone": early[28],
    }
    if programme == "periprem":
        rules["normothermia"] = early[34]  # its form asks every baby
    if pack == "nnap@2021":
        rules["steroids_any"] = between(days, weeks(23), weeks(34))
        rules["place_of_birth"] = early[27]
        rules["ocm"] = rules["normothermia"] = early[32]
    if programme == "nnap":
        rules = {name: every(rule, truth["admitted"]) for name, rule in rules.items()}
    return {name: rules[name] for name in MEASURES[f"{programme}@{year}"].split()}


def counted_here(pack, name, truth):
    """Whether a mother is counted on this baby; PERIPrem counts babies throughout."""
    if name not in OF_MOTHERS or pack.startswith("periprem"):
        return True
    first = None if truth["birth_order"] is None else truth["birth_order"] == 1
    single = None if truth["births"] is None else truth["births"] == 1
    return some(single, first)


# ------------------------------------------------------------------------- the counts


def by_hand(pack, everyone):
    """Numerator, denominator and missing by measure and unit."""
    found = Counter()
    for told, truth in everyone:
        asked, had = due(pack, truth), received(truth)
        for name, rule in asked.items():
            if rule and counted_here(pack, name, truth):
                unknown = 0 if pack.startswith("periprem") else 1  # else the record is set aside
                add(found, f"{pack}:{name}", told["unit"], [had[name]], unknown=unknown)
        if any(asked.values()) and len(asked) > 1:
            sure = [had[name] for name, rule in asked.items() if rule]
            # Of these nobody knows whether they were due. Who had one lacked nothing by it;
            # an opportunity it is not, as far as is known.
            unsure = [had[name] or None for name, rule in asked.items() if rule is None]
            add(found, f"{pack}:all_eligible", told["unit"], [every(*sure, *unsure)])
            add(found, f"{pack}:optimisation_score", told["unit"], [*sure, *(None for _ in unsure)])
    return found


def add(found, name, unit, outcomes, *, unknown=1):
    for outcome in outcomes:
        found[name, unit, "numerator"] += outcome is True
        found[name, unit, "denominator"] += outcome is not None
        found[name, unit, "missing"] += unknown * (outcome is None)


@pytest.fixture(scope="module")
def everyone():
    return babies()


@pytest.fixture(scope="module")
def packs():
    return {pack.name: pack for pack in spcbench_pop.spcbench_packs()}


def test_every_pack_is_counted_here(packs):
    assert {name: [one.id for one in pack.measures] for name, pack in packs.items()} == {
        name: listed.split() + (["all_eligible", "optimisation_score"] if " " in listed else [])
        for name, listed in MEASURES.items()
    }


@pytest.mark.parametrize("name", MEASURES)
def test_the_pack_counts_as_plain_python_does(name, packs, everyone):
    frame = pd.DataFrame([told for told, _ in everyone])
    counted = sb.count(
        frame, packs=[packs[name]], unit_column="unit", date_column="month", period="month"
    )
    expected = +by_hand(name, everyone)
    got = {
        (row.measure, row.unit, column): int(getattr(row, column))
        for row in counted.counts.itertuples()
        for column in ("numerator", "denominator", "missing")
    }
    assert counted.provenance["records_used"] == BABIES
    assert {place: value for place, value in got.items() if value} == expected
    # Each measure was put to the test: cases met, cases not met, and cases not known.
    for measure in {place[0] for place in expected}:
        met, cases, missing = (
            sum(v for k, v in expected.items() if (k[0], k[2]) == (measure, column))
            for column in ("numerator", "denominator", "missing")
        )
        assert 5 < met < cases - 5
        assert missing or (name.startswith("periprem") and "all_" not in measure)
