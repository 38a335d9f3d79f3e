"""The six known defects of the public PERIPrem tooling: that we do not share them."""

from __future__ import annotations

import importlib.util
import itertools
import random
from pathlib import Path

import pandas as pd
import pytest

import spcbench as sb
from spcbench.plugin import default_host
from spcbench_pop.periprem_origin import origin_of, periprem_trusts


def _beside(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


books = _beside("periprem_books")


def form_counts(rows):
    frame = pd.DataFrame(rows, columns=[*books.NAMES]).astype("string")
    return sb.count(
        frame.assign(unit="YEO", month="2024-05-01"), packs=["periprem@2021"], mapping="periprem",
        unit_column="unit", date_column="month",
    )  # fmt: skip


def parts(found, measure):
    row = found.counts.set_index("measure").loc[f"periprem@2021:{measure}"]
    return int(row["numerator"]), int(row["denominator"])


def record_counts(measure, **record):
    """Numerator and denominator of one record with days and grams."""
    frame = pd.DataFrame([{"unit": "YEO", "month": "2024-05-01", **record}])
    found = sb.count(frame, packs=["periprem@2021"], measures=[measure],
                     unit_column="unit", date_column="month")  # fmt: skip
    return parts(found, measure)


def test_1_who_did_not_receive_antibiotics_is_seen():
    """The export subtracts the denominator from itself: nobody ever missed antibiotics."""
    rows = [dict(row) for row in books.babies(3, 80)]
    missed = sum(row["labour"] == "Yes" and row["antibiotics_rx"] == "No" for row in rows)
    found = form_counts(rows)
    numerator, denominator = parts(found, "iap")
    assert denominator - numerator == missed > 0
    charts = sb.control_charts(found)
    points = charts.points[charts.points["measure"] == "periprem@2021:iap"]
    assert points["value"].tolist() == [numerator / denominator]
    assert numerator / denominator < 1


def test_2_every_measure_has_one_denominator_which_gives_its_rate():
    """The tool has three denominators for optimal timing, and prints one beside another's rate."""
    rows = books.babies(4, 200)
    found = form_counts(rows)
    charts = sb.control_charts(found)
    shown = charts.points.set_index("measure")
    assert len(shown) == len(found.counts) == 13
    assert shown.index.is_unique
    for measure, point in shown.iterrows():
        numerator, denominator = parts(found, measure.partition(":")[2])
        assert (point["numerator"], point["denominator"]) == (numerator, denominator)
        assert point["value"] == pytest.approx(numerator / denominator, rel=1e-12)


def test_2_answers_about_optimal_timing_change_no_count():
    rows = books.babies(4, 200)
    without = [dict(row) for row in rows]
    for row in without:
        for stem in ("steroids", "mgso4", "antibiotics"):
            if row[f"{stem}_rx"] == "Yes":  # could not have been optimal
                row[f"{stem}_opt_poss"], row[f"{stem}_opt_act"] = "No", None
    assert any(row["mgso4_opt_act"] == "Yes" for row in rows)
    pd.testing.assert_frame_equal(form_counts(rows).counts, form_counts(without).counts)


def test_3_steroids_are_due_for_every_baby():
    """The tool greys the question out from 27 weeks, with the rule of the place of birth."""
    rows = [
        books.valid_baby(
            random.Random(1), gestation=week, weight=weight, births=births, steroids_rx="No"
        )
        for week, weight, births in itertools.product(books.GESTATIONS, books.WEIGHTS, books.BIRTHS)
    ]
    assert parts(form_counts(rows), "steroids_any") == (0, len(rows))
    assert len(rows) == 30


@pytest.mark.parametrize(
    ("minutes", "met"), [(0, 1), (59, 1), (60, 1), (61, 0), (75, 0)]
)  # from birth; of admission it would be 15 minutes fewer
def test_4_the_clock_of_the_temperature_starts_at_birth(minutes, met):
    warm = {"ga_days": 200, "admitted": True, "admission_age_hours": 0.25, "temperature_c": 36.8}
    assert record_counts("normothermia", **warm, temperature_age_minutes=minutes) == (met, 1)


def test_4_moments_are_told_from_birth_too():
    born = {"ga_days": 200, "birth_time": "2024-05-03 10:00", "temperature_c": 36.8,
            "admission_time": "2024-05-03 10:30"}  # fmt: skip
    assert record_counts("normothermia", **born, temperature_time="2024-05-03 11:00") == (1, 1)
    assert record_counts("normothermia", **born, temperature_time="2024-05-03 11:01") == (0, 1)


@pytest.mark.parametrize("pack", ["periprem@2020", "periprem@2021", "pop@2023"])
def test_4_the_label_says_of_birth(pack):
    measure = next(one for one in default_host().pack(pack).measures if one.id == "normothermia")
    assert "of birth" in measure.title
    assert "admission" not in measure.title


@pytest.mark.parametrize(
    ("record", "due"),
    [
        ({"ga_days": 188, "birthweight_g": 1000, "births": 1}, 1),  # 26+6, in the band "<26+6"
        ({"ga_days": 189, "birthweight_g": 1000, "births": 1}, 0),  # 27+0
        ({"ga_days": 195, "birthweight_g": 1000, "births": 2}, 1),  # 27+6
        ({"ga_days": 196, "birthweight_g": 1000, "births": 2}, 0),  # 28+0
        ({"ga_days": 220, "birthweight_g": 799, "births": 1}, 1),
        ({"ga_days": 220, "birthweight_g": 800, "births": 1}, 0),
    ],
)
def test_5_the_bounds_of_the_place_of_birth(record, due):
    assert record_counts("place_of_birth", nicu_on_site=True, **record) == (due, due)


@pytest.mark.parametrize(
    ("days", "grams", "due"),
    [(223, 1501, 1), (224, 1499, 1), (224, 1500, 1), (224, 1501, 0), (237, 1500, 1)],
)
def test_5_the_bounds_of_the_probiotic(days, grams, due):
    """Exactly 1500 g is in none of the form's ranges; given grams, it is due."""
    record = {"ga_days": days, "birthweight_g": grams, "probiotics_within_24h": False}
    assert record_counts("probiotics", **record) == (0, due)


def test_5_the_band_of_26_weeks_and_6_days_is_up_to_and_including_that_day():
    row = books.valid_baby(
        random.Random(2), gestation="<26+6", weight="<1500g", births="Single", place="No"
    )
    assert parts(form_counts([row]), "place_of_birth") == (0, 1)


def test_6_gloucestershire_is_one_place_by_its_published_code():
    """Its ICB is GLO in one file of the tooling and GLOS in another."""
    known = periprem_trusts()
    gloucestershire = known[known["name"].str.startswith("Gloucestershire")]
    assert gloucestershire[["code", "trust_code", "icb_code"]].to_numpy().tolist() == [
        ["GLO", "RTE", "QR1"]
    ]
    assert not set(known["icb_code"]) & {"GLO", "GLOS"}
    assert known["icb_code"].str.fullmatch(r"Q[A-Z0-9]{2}").all()
    assert known["trust_code"].str.fullmatch(r"R[A-Z0-9]{2}").all()


def test_6_an_abbreviation_that_is_not_known_is_not_taken_for_a_near_one():
    assert origin_of("MAY 2024 - GLO.xlsx", month=None, trust=None).trust_code == "RTE"
    assert origin_of("MAY 2024 - GLOS.xlsx", month=None, trust=None).trust_code is None
