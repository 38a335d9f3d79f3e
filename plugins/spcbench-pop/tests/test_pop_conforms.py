"""The plugin keeps the contract, and its definitions say what they must."""

from __future__ import annotations

import pytest

import spcbench_pop
from spcbench.measures.measure import Composite, Measure
from spcbench.testing import plugin_checks

PACKS = {
    "pop@2020": 7,
    "pop@2023": 9,
    "periprem@2020": 10,
    "periprem@2021": 11,
    "nnap@2021": 5,
    "nnap@2022": 6,
    "nnap@2024": 6,
    "precept@2018": 1,
}


@pytest.mark.parametrize("check", plugin_checks(spcbench_pop), ids=str)
def test_conforms(check):
    check()


@pytest.fixture(scope="module")
def packs():
    return {pack.name: pack for pack in spcbench_pop.spcbench_packs()}


@pytest.fixture(scope="module")
def measures(packs):
    """Every measure by its full name."""
    return {f"{name}:{one.id}": one for name, pack in packs.items() for one in pack.measures}


def interventions(pack):
    return [one for one in pack.measures if isinstance(one, Measure)]


def test_each_programme_and_version_is_a_pack_of_its_elements(packs):
    assert {name: len(interventions(pack)) for name, pack in packs.items()} == PACKS
    assert all(pack.record == "baby" and pack.valid and pack.source for pack in packs.values())


def test_every_programme_of_several_has_both_composites_over_all_of_them(packs):
    for name, pack in packs.items():
        elements = tuple(one.id for one in interventions(pack))
        made = {one.id: (one.form, one.of) for one in pack.measures if isinstance(one, Composite)}
        expected = {
            "all_eligible": ("all_or_none", elements),
            "optimisation_score": ("opportunity", elements),
        }
        assert made == (expected if len(elements) > 1 else {}), name


def test_early_milk_is_three_measures_and_steroids_two(packs):
    windows = {name: ids(pack, "embm_") for name, pack in packs.items()}
    courses = {name: ids(pack, "steroids_") for name, pack in packs.items()}

    assert {one for found in windows.values() for one in found} == {
        "embm_6h",
        "embm_24h",
        "embm_day2",
    }
    assert {one for found in courses.values() for one in found} == {
        "steroids_any",
        "steroids_full_course",
    }
    assert all(len(found) <= 1 for found in (*windows.values(), *courses.values()))


def ids(pack, start):
    return [one.id for one in pack.measures if one.id.startswith(start)]


def test_every_measure_says_what_a_reader_must_know(measures):
    for name, one in measures.items():
        assert one.better == "higher", name
        assert one.counts in ("baby", "mother", "opportunity"), name
        assert one.description.strip(), name
        assert one.source is not None, name
        assert (one.target is None) == (one.target_label == ""), name
        assert (one.stretch is None) == (one.stretch_label == ""), name
        if isinstance(one, Measure):
            assert one.timing, name
            assert one.attribution, name
            assert len(one.examples) >= 6, name
        else:
            assert one.examples, name


def test_care_of_the_mother_is_counted_once_a_mother_except_by_periprem(measures):
    of_mothers = {"steroids_any", "steroids_full_course", "mgso4", "iap"}
    for name, one in measures.items():
        if isinstance(one, Measure):
            mother = one.id in of_mothers and not name.startswith("periprem")
            assert (one.counts == "mother") == mother, name
            assert bool(one.counted_on) == mother, name


def test_an_unknown_outcome_sets_the_record_aside_in_periprem_only(measures):
    rules = {
        (name.partition("@")[0], one.missing)
        for name, one in measures.items()
        if isinstance(one, Measure)
    }
    assert rules == {
        ("pop", "exclude"),
        ("nnap", "exclude"),
        ("precept", "exclude"),
        ("periprem", "reject_record"),
    }


def test_place_of_birth_is_compared_where_that_means_something(measures):
    places = [one for name, one in measures.items() if name.endswith(":place_of_birth")]
    assert len(places) == len(PACKS) - 1
    for one in places:
        assert one.strata == "designation"
        assert "provider" not in one.compare_at
        assert "by construction" in one.caution
    assert not any(one.caution for one in measures.values() if one.id != "place_of_birth")


def test_the_working_lower_bound_is_called_one(measures):
    """Only NNAP's full course of steroid has 22+0 in its source."""
    for name, one in measures.items():
        if isinstance(one, Measure) and "154" in one.eligible:
            stated = one.id == "steroids_full_course"
            words = " ".join(one.description.split())
            assert ("22+0 is a working bound" in words) != stated, name
        if name.startswith("periprem") and isinstance(one, Measure):
            assert "no lower bound" in " ".join(one.description.lower().split()), name


def test_what_is_not_verified_says_so(measures):
    assert {name for name, one in measures.items() if not one.verified} == {
        # The window, or what was scored, in the first year is not known.
        "pop@2020:embm_24h",
        "periprem@2020:caffeine",
        "periprem@2020:embm_6h",
        "periprem@2020:probiotics",
        "periprem@2020:hydrocortisone",
        # Cohort and reading.
        "nnap@2022:embm_day2",
        "nnap@2024:embm_day2",
        # No composite but PERIPrem's of 2021 has been published as arithmetic.
        *(
            f"{pack}:{composite}"
            for pack, elements in PACKS.items()
            for composite in ("all_eligible", "optimisation_score")
            if elements > 1 and pack != "periprem@2021"
        ),
    }


def test_a_name_without_a_version_means_the_newest():
    from spcbench.plugin.host import PluginHost

    host = PluginHost()
    assert host.pack("pop").name == "pop@2023"
    assert host.measure("nnap:embm_day2")[0].name == "nnap@2024"
    assert host.measure("periprem:iap")[0].name == "periprem@2021"
