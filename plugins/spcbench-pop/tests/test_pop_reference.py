"""The packs against the facts they were written from: nothing left out without a reason."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pandas as pd
import pytest

import spcbench as sb
import spcbench_pop
from spcbench.measures.measure import Measure

ROOT = Path(__file__).parents[3]
FACTS = ROOT.parent / "shared" / "reference" / "pop-measures.toml"
PACKS = {pack.name: pack for pack in spcbench_pop.spcbench_packs()}

PROGRAMMES = {
    "precept": ("precept@2018",),
    "periprem_1_0": ("periprem@2020",),
    "periprem_11": ("periprem@2021",),
    "matneosip_7": ("pop@2020",),
    "matneosip_9": ("pop@2023",),
    "nnap_2021": ("nnap@2021",),
    "nnap_2022": ("nnap@2022",),
    "nnap_2024": ("nnap@2024",),
}
TARGETS = {
    ("periprem_11", "target"): ("periprem@2021", "target"),
    ("periprem_11", "target (6 h)"): ("periprem@2021", "target"),
    ("periprem_11", "stretch"): ("periprem@2021", "stretch"),
    ("periprem_11", "stretch (6 h)"): ("periprem@2021", "stretch"),
    ("precept", "PReCePT / NHS England ambition"): ("precept@2018 pop@2020 pop@2023", "target"),
    ("MatNeoSIP / SBLCB (as quoted by ICHP)", "national standard"): ("pop@2020 pop@2023", "target"),
}
"""Which packs hold a target, by its programme and label; what is not here is on the page."""

UNSURE = {
    ("place_of_birth", 0.853),  # worked out from a difference
    ("ocm", 0.29),  # "less than 29%"
    ("ocm", 0.7),  # a forecast
}
"""Published values that are shown as not verified, whatever the facts say of them."""

UNPUBLISHED = {("place_of_birth", 0.853): 0.823 + 0.03}
"""Where a value was worked out, and from what."""


@pytest.fixture(scope="module")
def facts():
    if not FACTS.exists():
        pytest.skip("the reference facts are not here")
    return tomllib.loads(FACTS.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def page():
    """What is not shipped, with the reasons."""
    text = (ROOT / "docs" / "perinatal.md").read_text(encoding="utf-8")
    return " ".join(text.partition("## What is not shipped")[2].split())


def id_in(pack, element):
    """The measure of a pack for an element: early milk has another window in each programme."""
    windows = {"pop": "embm_24h", "periprem": "embm_6h", "nnap": "embm_day2"}
    return windows[pack.partition("@")[0]] if element == "embm" else element


def measure(pack, element):
    wanted = id_in(pack, element)
    return next((one for one in PACKS[pack].measures if one.id == wanted), None)


def everywhere(element):
    """The measure for an element in each pack that has it."""
    found = {
        pack: measure(pack, element)
        for pack in PACKS
        if pack != "precept@2018" or element != "embm"
    }
    return {pack: one for pack, one in found.items() if one is not None}


def test_every_programme_is_a_pack_of_those_elements_or_told_why_not(facts, page):
    for programme in facts["programme"]:
        packs = PROGRAMMES.get(programme["id"])
        if packs is None:
            assert f"`{programme['id']}`" in page
            assert not programme["verified"]
            continue
        for pack in packs:
            elements = {one.id for one in PACKS[pack].measures if isinstance(one, Measure)}
            assert elements == {id_in(pack, one) for one in programme["elements"]}, pack


def test_every_element_is_a_measure_somewhere(facts):
    for one in facts["measure"]:
        assert everywhere(one["id"]), one["id"]
        for split in one.get("split_into", []):
            assert any(m.id == split for pack in PACKS.values() for m in pack.measures)


def test_direction_and_unit_of_count_are_those_of_the_facts(facts):
    for one in facts["measure"]:
        assert one["direction"] == "increase"
        for pack, made in everywhere(one["id"]).items():
            assert made.better == "higher"
            # "NNAP counts once per mother; PERIPrem counts babies"
            expected = "baby" if pack.startswith("periprem") else one["unit_of_count"]
            assert made.counts == expected, (pack, made.id)


def test_cohorts_are_those_of_the_facts(facts):
    """Day by day: one invented singleton of each gestation, for whom nothing else is in doubt."""
    # Where a programme's own rule differs, see `test_pop_recount`; its upper bound is here too.
    below = {
        ("nnap@2021", "ocm"): 224,
        ("nnap@2021", "normothermia"): 224,
        ("nnap@2021", "place_of_birth"): 189,
    }
    inner = {"place_of_birth": 189, "probiotics": 224}  # of a singleton of 2,000 g
    for pack in PACKS:
        days = eligible_days(pack)
        for one in facts["measure"]:
            made = (
                measure(pack, one["id"]) if one["id"] != "embm" or "precept" not in pack else None
            )
            if made is None:
                continue
            rule = one["eligibility"]
            first = rule["ga_min_days"]
            upper = inner.get(one["id"], rule.get("ga_below_days"))
            upper = below.get((pack, one["id"]), upper)
            first = 141 if pack.startswith("periprem") else first
            assert days[made.id] == list(range(first, upper)), (pack, made.id)


def eligible_days(pack):
    """The days of gestation at which each measure of a pack is due."""
    babies = pd.DataFrame({"ga_days": range(141, 260)})
    babies["unit"] = babies["ga_days"].astype(str)
    babies = babies.assign(
        born="2024-01-05", births=1, birth_order=1, birthweight_g=2000, birth_place_level="NICU",
        steroids_given=True, steroids_full_course=True, steroids_last_dose_hours=30,
        mgso4_given=True, active_labour=True, antibiotics_given=True, cord_clamp_seconds=60,
        admitted=True, admission_age_hours=1, temperature_c=37.0, temperature_age_minutes=30,
        first_milk_age_hours=1, caffeine_age_hours=1, invasive_ventilation=True,
        volume_targeted=True, probiotics_age_hours=1, hydrocortisone_age_hours=1,
    )  # fmt: skip
    counted = sb.count(babies, packs=[PACKS[pack]], unit_column="unit", date_column="born")
    due = counted.counts[counted.counts["numerator"] > 0]
    return {
        name.partition(":")[2]: sorted(rows["unit"].astype(int))
        for name, rows in due.groupby("measure", observed=True)
    }


def test_every_target_is_in_its_programme_or_told_why_not(facts, page):
    held = []
    for one in [*facts["measure"], *facts["composite"]]:
        for target in one.get("target", []) if isinstance(one.get("target"), list) else []:
            place = TARGETS.get((target["programme"], target["label"]))
            if place is None:
                assert f"`{one['id']}`" in page
                assert f"{target['value']:.0%}".replace("%", " %") in page
                continue
            assert target["verified"]
            packs, key = place
            for pack in packs.split():
                made = measure(pack, one["id"])
                assert getattr(made, key) == target["value"], (pack, made.id)
                held.append((pack, made.id, key))
    for one in facts["composite"]:
        if isinstance(one.get("target"), float):
            assert measure("periprem@2021", one["id"]).target == one["target"]
            held.append(("periprem@2021", one["id"], "target"))
    assert sorted(held) == sorted(
        (pack, one.id, key)
        for pack in PACKS
        for one in PACKS[pack].measures
        for key in ("target", "stretch")
        if getattr(one, key) is not None
    )


def published(facts):
    """Element and reference of every published value in the facts."""
    for one in [*facts["measure"], *facts["composite"]]:
        for reference in one.get("reference", []):
            yield one["id"], reference


def test_every_published_value_is_shown_or_told_why_not(facts, page):
    for element, reference in published(facts):
        places = [
            shown
            for made in everywhere(element).values()
            for shown in made.references
            if shown.value == reference["value"]
        ]
        if not places:
            assert f"`{element}`" in page
            assert f"{reference['value']:.1%}".replace(".0%", "%").replace("%", " %") in page
            continue
        assert reference["verified"], (element, reference)
        for shown in places:
            assert reference["period"].rsplit("-", 1)[0] in (
                shown.period,
                shown.period.rpartition(" ")[2],
            ), shown
            sure = reference["confidence"] == "high" and (element, shown.value) not in UNSURE
            assert shown.verified == sure, shown
            assert shown.source


def test_no_value_is_shown_that_the_facts_do_not_have(facts):
    known = {(element, one["value"]) for element, one in published(facts)}
    shown = {
        (one.id, reference.value)
        for pack in PACKS.values()
        for one in pack.measures
        for reference in one.references
    }
    assert shown <= known
    assert shown >= UNSURE


def test_values_of_another_cohort_are_not_shown():
    """Cord clamping below 32 weeks ends with 2021; below 34 begins with 2022."""
    for pack in PACKS:
        cord = measure(pack, "ocm")
        years = [int(one.period) for one in cord.references] if cord else []
        assert all((year <= 2021) == (pack == "nnap@2021") for year in years), pack


def test_periprem_shows_no_value_of_those_who_count_otherwise():
    shown = {
        one.id
        for pack in ("periprem@2020", "periprem@2021")
        for one in PACKS[pack].measures
        if one.references
    }
    assert shown == {"all_eligible"}


def test_a_value_that_was_worked_out_comes_out_of_what_was_published():
    for (element, value), worked_out in UNPUBLISHED.items():
        (shown,) = [one for one in measure("pop@2023", element).references if one.value == value]
        assert shown.value == pytest.approx(worked_out, abs=1e-12)
        assert not shown.verified
        assert "derived" in shown.note


def test_the_composite_of_nnap_is_told_and_not_made(facts, page):
    composites = {one["id"] for one in facts["composite"]}
    assert composites == {"all_eligible", "optimisation_score", "nnap_optimal_perinatal_care"}
    assert "`nnap_optimal_perinatal_care`" in page
