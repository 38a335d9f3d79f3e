"""The demonstration's records, counted by the pack and by plain Python.

The rules stand here a second time, from the public descriptions of the nine
interventions and not from the pack's own expressions.
"""

from __future__ import annotations

import csv
from collections import Counter

import pytest

import spcbench as sb
from spcbench.testing.births import write_births

PACK = "pop@2023"
OUTSIDE = "outside"
UNSURE = ("unsure", "unsure, had it")
ONCE_A_MOTHER = {"steroids_full_course", "mgso4", "iap"}
WORDS = {"true": True, "false": False, "": None}


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return write_births(tmp_path_factory.mktemp("births") / "births.csv")


@pytest.fixture(scope="module")
def counted(records):
    return sb.count(
        records, packs=[PACK], unit_column="trust_code", date_column="birth_date", period="month"
    )


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def is_bad(row):
    cord = row["cord_clamp_seconds"]
    return (
        not row["trust_code"]
        or not row["birth_date"]
        or not 140 <= int(row["ga_days"]) <= 320
        or not (cord == "" or cord.isdigit())
    )


def number(text):
    return float(text) if text else None


def within(value, limit):
    """At most the limit; None where nobody knows."""
    return None if value is None else value <= limit


def both(*parts):
    """True if all are, False if one is known not to be, None otherwise."""
    if any(part is False for part in parts):
        return False
    return None if None in parts else True


def by_hour(given, hours, limit):
    """Had it by that age: never is no; a blank yes-or-no beside an age is no obstacle."""
    return both(given is not False, within(hours, limit))


def outcomes_of(row):
    """Of each intervention True, False, None (due, not known), OUTSIDE or one of UNSURE."""
    days, twins = int(row["ga_days"]), int(row["births"]) > 1
    below_30, below_34 = 154 <= days <= 209, 154 <= days <= 237
    word = {name: WORDS.get(text) for name, text in row.items()}
    hours = number(row["admission_age_hours"])
    temperature, minutes = number(row["temperature_c"]), number(row["temperature_age_minutes"])
    temperate = None if temperature is None else 36.5 <= temperature <= 37.5
    seconds = number(row["cord_clamp_seconds"])
    level = row["birth_place_level"]
    course = both(
        word["steroids_given"] is not False,
        word["steroids_full_course"],
        within(number(row["steroids_last_dose_hours"]), 7 * 24),
    )
    milk = by_hour(word["own_milk_given"], number(row["first_milk_age_hours"]), 24)
    caffeine = by_hour(word["caffeine_given"], number(row["caffeine_age_hours"]), 24)
    return {
        "place_of_birth": due(early(row, days, twins), level == "NICU" if level else None),
        "steroids_full_course": due(below_34, course),
        "mgso4": due(below_30, word["mgso4_given"]),
        "iap": due(both(below_34, word["active_labour"]), word["antibiotics_given"]),
        "ocm": due(below_34, None if seconds is None else seconds >= 60),
        "normothermia": due(
            both(below_34, word["admitted"], within(hours, 12)),
            both(temperate, within(minutes, 60)),
        ),
        "embm_24h": due(below_34, milk),
        "caffeine": due(below_30, caffeine),
        "vtv": due(both(below_34, word["invasive_ventilation"]), word["volume_targeted"]),
    }


def early(row, days, twins):
    """Below 27 weeks, below 28 if a multiple, or below 800 g: should be born at a NICU."""
    if days < 154:
        return False
    if days < 189 or (days < 196 and twins):
        return True
    grams = number(row["birthweight_g"])
    return None if grams is None else grams < 800


def due(eligible, met):
    if eligible is None:
        return "unsure, had it" if met else "unsure"
    return met if eligible else OUTSIDE


def tallied(rows):
    """Numerator, denominator and missing by measure, trust and month."""
    found = Counter()
    for row in rows:
        outcomes = outcomes_of(row)
        place = (row["trust_code"], row["birth_date"][:7])
        first = row["births"] == "1" or row["birth_order"] == "1"
        for name, outcome in outcomes.items():
            if first or name not in ONCE_A_MOTHER:
                add(found, name, place, [outcome])
        # A twin shares what was done for the mother: both are asked about it here.
        asked = [one for one in outcomes.values() if one not in (OUTSIDE, *UNSURE)]
        unsure = [one for one in outcomes.values() if one in UNSURE]
        if asked:
            # Who had what may not have been due lacked nothing by it; others may have.
            settled = all(one == "unsure, had it" for one in unsure)
            add(found, "all_eligible", place, [both(*asked, settled or None)])
            add(found, "optimisation_score", place, [*asked, *(None for _ in unsure)])
    return found


def add(found, name, place, outcomes):
    for outcome in outcomes:
        found[f"{PACK}:{name}", *place, "denominator"] += outcome in (True, False)
        found[f"{PACK}:{name}", *place, "numerator"] += outcome is True
        found[f"{PACK}:{name}", *place, "missing"] += outcome is None


def test_the_pack_counts_as_plain_python_does(records, counted):
    rows = rows_of(records)
    expected = tallied([row for row in rows if not is_bad(row)])
    names = {key[0] for key in expected}
    got = {
        (row.measure, row.unit, f"{row.period:%Y-%m}", column): int(getattr(row, column))
        for row in counted.counts.itertuples()
        for column in ("numerator", "denominator", "missing")
        if row.measure in names
    }
    assert len(names) == 9 + 2
    assert {place: value for place, value in got.items() if value} == +expected
    # Measures, trusts, months, columns: no cell is left out.
    assert len(got) == 11 * 18 * 36 * 3
    assert counted.provenance["records_rejected"] == sum(map(is_bad, rows)) == 8


def test_every_measure_has_cases_of_every_kind(counted):
    sums = counted.counts.groupby("measure")[["numerator", "denominator", "missing"]].sum()
    assert (sums["numerator"] > 100).all()
    assert (sums["denominator"] > sums["numerator"]).all()
    assert (sums["missing"] > 0).all()


def test_all_of_it_rises_as_the_demonstration_promises(counted):
    whole = counted.counts[counted.counts["measure"] == f"{PACK}:all_eligible"]
    years = whole.groupby(whole["period"].dt.year)[["numerator", "denominator"]].sum()
    shares = years["numerator"] / years["denominator"]
    assert shares.is_monotonic_increasing
    assert 0.2 < shares[2024] < 0.3
    assert shares[2024] - shares[2022] > 0.03


def test_opportunities_of_one_baby_go_together(counted):
    score = counted.counts[counted.counts["measure"] == f"{PACK}:optimisation_score"]
    n, x = score["denominator"].sum(), score["numerator"].sum()
    binomial = (score["denominator"] * (x / n) * (1 - x / n)).sum()
    # Babies who miss one thing miss others: about twice what independent chances give.
    assert 1.6 < score["variance"].sum() / binomial < 2.6
