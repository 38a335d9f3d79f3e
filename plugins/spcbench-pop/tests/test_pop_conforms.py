"""The plugin keeps the contract, and its definitions say what they must."""

from __future__ import annotations

import pytest

import spcbench_pop
from spcbench.testing import plugin_checks


@pytest.mark.parametrize("check", plugin_checks(spcbench_pop), ids=str)
def test_conforms(check):
    check()


@pytest.fixture
def pack():
    (pack,) = spcbench_pop.spcbench_packs()
    return pack


@pytest.fixture
def measures(pack):
    return {measure.id: measure for measure in pack.measures}


def test_the_pack_is_named_by_its_year(pack):
    assert pack.name == "pop@2023"
    assert pack.record == "baby"
    assert [measure.id for measure in pack.measures] == [
        "mgso4",
        "ocm",
        "normothermia",
        "all_eligible",
    ]


def test_targets_say_whose_they_are(measures):
    assert {name: (m.target, m.target_label) for name, m in measures.items()} == {
        "mgso4": (0.85, "PReCePT / NHS England ambition"),
        "ocm": (0.75, "national standard as quoted by ICHP"),
        "normothermia": (0.9, "PERIPrem target"),
        "all_eligible": (None, ""),
    }


def test_the_composite_claims_no_more_than_it_covers(measures):
    composite = measures["all_eligible"]
    assert "these three" in composite.title
    assert not composite.verified
    assert all(measures[name].verified for name in composite.of)


def test_higher_is_better_throughout(measures):
    assert {measure.better for measure in measures.values()} == {"higher"}
