"""Designations of London units: the strata of place of birth."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest

import spcbench as sb
import spcbench_pop
from spcbench.errors import OptionError

ORGANISATIONS = Path(__file__).parents[4] / "shared" / "reference" / "organisations.csv"


def test_a_site_has_one_level_and_none_is_verified():
    sites = spcbench_pop.designations()

    assert list(sites.columns) == ["code", "name", "trust", "designation", "verified"]
    assert sites["code"].is_unique
    assert sites["code"].is_monotonic_increasing
    assert set(sites["designation"]) == {"NICU", "LNU", "SCU"}
    assert not sites["verified"].any()


def test_a_trust_has_the_most_intensive_level_of_its_sites():
    trusts = spcbench_pop.designations(per="trust").set_index("code")

    assert trusts.loc["RYJ", ["name", "designation"]].to_list() == [
        "Queen Charlotte's Hospital; St Mary's Hospital (HQ)",
        "NICU",
    ]
    assert trusts.loc["RVR", "designation"] == "LNU"
    assert len(trusts) == 18
    assert not trusts["verified"].any()


def test_another_level_is_refused():
    with pytest.raises(OptionError, match="per cannot be 'trusts'; did you mean 'trust'"):
        spcbench_pop.designations(per="trusts")


def test_the_list_is_that_of_the_reference():
    if not ORGANISATIONS.exists():
        pytest.skip("the reference list of organisations is not here")
    with ORGANISATIONS.open(encoding="utf-8", newline="") as file:
        expected = {
            row["code"]: (row["name"], row["parent_code"], row["designation"])
            for row in csv.DictReader(file)
            if row["type"] == "maternity_neonatal_unit"
        }
    sites = spcbench_pop.designations().set_index("code")
    assert {row.Index: tuple(row)[1:4] for row in sites.itertuples()} == expected


def test_place_of_birth_is_compared_within_a_designation():
    """One funnel a designation, with its own target: a NICU is not measured by others' level."""
    levels = spcbench_pop.designations(per="trust").set_index("code")["designation"]
    counts = pd.DataFrame(
        {
            "measure": "pop@2023:place_of_birth",
            "unit": ["RJ1", "RJ7", "RRV", "RJ2", "RJ6", "RAX"],
            "period": "2024-01-01",
            "numerator": [99, 98, 100, 30, 32, 28],
            "denominator": [100, 100, 100, 60, 60, 60],
        }
    )
    counts["designation"] = counts["unit"].map(levels)
    funnels = sb.funnels(counts, by="designation", better="higher")

    assert set(funnels.summary["group"]) == {"NICU", "LNU"}
    assert (funnels.units["position"] == "within").all()
    together = sb.funnels(counts, better="higher")
    assert not (together.units["position"] == "within").any()
