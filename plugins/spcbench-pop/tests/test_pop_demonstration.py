"""The demonstration's records, counted by the pack and by plain Python."""

from __future__ import annotations

import csv
from collections import Counter

import pytest

import spcbench as sb
from spcbench.testing.births import write_births


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return write_births(tmp_path_factory.mktemp("births") / "births.csv")


def by_hand(path):
    """Numerator, denominator and missing by measure, trust and month; and the bad rows."""
    counted, bad = Counter(), 0
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if is_bad(row):
                bad += 1
                continue
            outcomes = outcomes_of(row)
            outcomes["all_eligible"] = whole(list(outcomes.values()))
            for measure, outcome in outcomes.items():
                place = (f"pop@2023:{measure}", row["trust_code"], row["birth_date"][:7])
                counted[*place, "denominator"] += outcome in (True, False)
                counted[*place, "numerator"] += outcome is True
                counted[*place, "missing"] += outcome is None
    return counted, bad


def is_bad(row):
    cord = row["cord_clamp_seconds"]
    return (
        not row["trust_code"]
        or not row["birth_date"]
        or not 140 <= int(row["ga_days"]) <= 320
        or not (cord == "" or cord.isdigit())
    )


def outcomes_of(row):
    """True, False, None (unknown) or "outside" for each of the three."""
    early = int(row["ga_days"]) < 238
    very_early = int(row["ga_days"]) < 210
    hours, cord = row["admission_age_hours"], row["cord_clamp_seconds"]
    admitted = row["admitted"] == "true" and hours != "" and float(hours) <= 12
    given = {"true": True, "false": False, "": None}[row["mgso4_given"]]
    return {
        "mgso4": given if very_early and row["birth_order"] == "1" else "outside",
        "ocm": (int(cord) >= 60 if cord else None) if early else "outside",
        "normothermia": warm(row) if early and admitted else "outside",
    }


def warm(row):
    temperature, minutes = row["temperature_c"], row["temperature_age_minutes"]
    if temperature and not 36.5 <= float(temperature) <= 37.5:
        return False
    if minutes and int(minutes) > 60:
        return False
    return True if temperature and minutes else None


def whole(outcomes):
    received = [outcome for outcome in outcomes if outcome != "outside"]
    if not received:
        return "outside"
    if any(outcome is False for outcome in received):
        return False
    return None if None in received else True


def test_the_pack_counts_as_plain_python_does(records):
    counted = sb.count(
        records, packs=["pop"], unit_column="trust_code", date_column="birth_date", period="month"
    )
    got = {
        (row.measure, row.unit, f"{row.period:%Y-%m}", column): int(getattr(row, column))
        for row in counted.counts.itertuples()
        for column in ("numerator", "denominator", "missing")
    }
    expected, bad = by_hand(records)
    assert bad == 8
    assert {place: value for place, value in got.items() if value} == +expected
    assert len(got) == 4 * 7 * 36 * 3  # measures, trusts, months, columns: no cell is left out
    assert counted.provenance["records_rejected"] == bad
