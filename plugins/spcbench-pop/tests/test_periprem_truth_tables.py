"""PERIPrem's truth tables, made again from the rules and compared with an independent statement."""

from __future__ import annotations

import importlib.util
import itertools
import random
from pathlib import Path

import pandas as pd
import pytest

import spcbench as sb


def _beside(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


books, oracle = _beside("periprem_books"), _beside("periprem_oracle")
NA = None
ANSWERS = ("No", "Yes", NA)
DAYS = {
    "<26+6": range(161, 189),  # from 23+0: below it some programmes ask nothing
    "27 - 27+6": range(189, 196),
    "28 - 29+6": range(196, 210),
    "30 - 31+6": range(210, 224),
    "32 - 33+6": range(224, 238),
}
GRAMS = {"<800g": (500, 799), "<1500g": (800, 1499), ">1500g": (1501, 2500)}
EVERY = tuple(
    itertools.product(books.GESTATIONS, books.WEIGHTS, books.BIRTHS, books.YES_NO, books.YES_NO)
)
DESCRIBED = ("gestation", "weight", "births", "labour", "ventilation")


def framed(rows):
    frame = pd.DataFrame(rows, columns=[*books.NAMES]).astype("string")
    frame["unit"] = [f"{place:05}" for place in range(len(rows))]
    return frame.assign(month="2024-05-01")


def counted(frame, pack, **more):
    found = sb.count(frame, packs=[pack], unit_column="unit", date_column="month", **more)
    table = found.counts.assign(id=found.counts["measure"].str.partition(":")[2])
    return table.pivot_table(index="unit", columns="id", values="denominator", aggfunc="sum")


@pytest.mark.parametrize("pack", ["periprem@2021", "periprem@2020"])
def test_which_elements_are_due_for_every_combination(pack):
    """All ranges of gestation and weight, births, labour and ventilation: 120 rows."""
    described = [dict(zip(DESCRIBED, one, strict=True)) for one in EVERY]
    # Every answer is Yes, also where none is due: what counts is what the pack asks.
    rows = [{**dict.fromkeys(oracle.ELEMENTS, "Yes"), **one} for one in described]
    found = counted(framed(rows), pack, mapping="periprem", columns={"periprem_form": "FALSE"})
    elements = {
        name: measure
        for name, measure in oracle.ELEMENTS.items()
        if pack == "periprem@2021" or measure != "iap"
    }
    assert len(found) == 120
    for row, (_, counts) in zip(described, found.iterrows(), strict=True):
        asked = oracle.due(row)
        assert {one: int(counts[measure]) for one, measure in elements.items()} == {
            one: int(asked[one]) for one in elements
        }, row
        assert counts["optimisation_score"] == sum(asked[one] for one in elements), row


def test_days_and_grams_ask_what_their_ranges_ask():
    """A record with days and grams, at both ends of each range, as the range has it."""
    rows = [
        {
            "ga_days": day,
            "birthweight_g": grams,
            "births": 1 if births == "Single" else 2,
            "active_labour": labour == "Yes",
            "invasive_ventilation": ventilated == "Yes",
            "nicu_on_site": True, "steroids_given": True, "mgso4_given": True,
            "antibiotics_given": True, "cord_clamp_seconds": 60, "temperature_c": 37.0,
            "temperature_age_minutes": 60, "volume_targeted": True, "caffeine_within_24h": True,
            "milk_within_6h": True, "probiotics_within_24h": True,
            "hydrocortisone_within_24h": True,
            "described": dict(zip(DESCRIBED, (week, weight, births, labour, ventilated),
                                  strict=True)),
        }
        for week, weight, births, labour, ventilated in EVERY
        for day in (DAYS[week][0], DAYS[week][-1])
        for grams in GRAMS[weight]
    ]  # fmt: skip
    frame = pd.DataFrame(rows).assign(month="2024-05-01")
    frame["unit"] = [f"{place:05}" for place in range(len(rows))]
    found = counted(frame.drop(columns="described"), "periprem@2021")
    for row, (_, counts) in zip(rows, found.iterrows(), strict=True):
        asked = oracle.due(row["described"])
        assert {one: int(counts[of]) for one, of in oracle.ELEMENTS.items()} == {
            one: int(is_due) for one, is_due in asked.items()
        }, row


@pytest.mark.parametrize(
    "pack",
    [
        *("pop@2020", "pop@2023", "periprem@2020", "periprem@2021"),
        *("nnap@2021", "nnap@2022", "nnap@2024", "precept@2018"),
    ],
)
def test_one_value_stands_for_its_whole_range_in_every_pack(pack):
    """Each day of each range, both ends of each weight: as the value that the profile makes."""
    profile = dict(zip(DAYS, (188, 189, 196, 210, 224), strict=True))
    weighed = dict(zip(GRAMS, (799, 1499, 1501), strict=True))
    whole = {
        "birth_order": 1, "nicu_on_site": True, "steroids_given": True,
        "steroids_full_course": True, "steroids_last_dose_hours": 25, "mgso4_given": True,
        "active_labour": True, "antibiotics_given": True, "cord_clamp_seconds": 60,
        "admitted": True, "admission_age_hours": 1, "temperature_c": 37.0,
        "temperature_age_minutes": 60, "milk_within_6h": True, "milk_within_24h": True,
        "milk_by_day2": True, "caffeine_within_24h": True, "invasive_ventilation": True,
        "volume_targeted": True, "probiotics_within_24h": True, "hydrocortisone_within_24h": True,
    }  # fmt: skip
    told, made = [], []
    for week, weight, births in itertools.product(DAYS, GRAMS, (1, 2)):
        for day, grams in itertools.product(DAYS[week], GRAMS[weight]):
            told.append({"ga_days": day, "birthweight_g": grams, "births": births})
            made.append(
                {"ga_days": profile[week], "birthweight_g": weighed[weight], "births": births}
            )
    found = []
    for rows in (told, made):
        frame = pd.DataFrame(rows).assign(**whole, month="2024-05-01")
        frame["unit"] = [f"{place:05}" for place in range(len(rows))]
        found.append(counted(frame, pack))
    assert found[0].to_numpy().sum() > 0
    pd.testing.assert_frame_equal(*found)


def tables():
    """The combinations of the public truth tables, each in an otherwise whole row."""
    draw = random.Random(0)
    weeks, weights, births = (*books.GESTATIONS, NA), (*books.WEIGHTS, NA), (*books.BIRTHS, NA)
    varied = [
        ("gestation", ("gestation",), (weeks,)),
        ("weight", ("weight",), (weights,)),
        ("births", ("births",), (births,)),
        ("ventilation", ("ventilation", "volume_guarantee"), (ANSWERS, ANSWERS)),
        ("labour", ("labour", "antibiotics_rx"), (ANSWERS, ANSWERS)),
        ("place", ("gestation", "weight", "births", "place"), (weeks, weights, births, ANSWERS)),
        (
            "steroids",
            ("steroids_rx", "steroids_doses", "steroids_opt_poss", "steroids_opt_act"),
            (ANSWERS, ("0", "1", "2", NA), ANSWERS, ANSWERS),
        ),
        (
            "mgso4",
            ("gestation", "mgso4_rx", "mgso4_opt_poss", "mgso4_opt_act"),
            (weeks, ANSWERS, ANSWERS, ANSWERS),
        ),
        (
            "antibiotics",
            ("labour", "antibiotics_rx", "antibiotics_opt_poss", "antibiotics_opt_act"),
            (ANSWERS, ANSWERS, ANSWERS, ANSWERS),
        ),
        ("caffeine", ("gestation", "caffeine"), (weeks, ANSWERS)),
        ("probiotics", ("gestation", "weight", "probiotics"), (weeks, weights, ANSWERS)),
        ("hydrocortisone", ("gestation", "hydrocortisone"), (weeks, ANSWERS)),
        *((one, (one,), (ANSWERS,)) for one in ("cord_mgt", "thermal_care", "embm_rx")),
    ]
    for table, names, choices in varied:
        for combination in itertools.product(*choices):
            given = dict(zip(names, combination, strict=True))
            base = books.valid_baby(draw, **{k: v for k, v in given.items() if v is not None})
            yield table, {**base, **given}


@pytest.fixture(scope="module")
def judged():
    """Every row of the truth tables, with the rules that each side finds broken."""
    listed = list(tables())
    found = sb.validate(
        framed([row for _, row in listed]), packs=["periprem@2021"], mapping="periprem", rows=None
    )
    ours = {place: set() for place in range(len(listed))}
    for place, rule, reason in found.problems[["row", "field", "reason"]].itertuples(index=False):
        # The pack tells of more than the form's own rules, without setting a row aside for it.
        if rule.startswith("form_") and rule != "form_optimal_is_two_doses":
            assert reason.startswith("breaks the check: ")
            ours[place - 1].add(rule.removeprefix("form_"))
    return [
        (table, row, ours[place], oracle.faults(row)) for place, (table, row) in enumerate(listed)
    ]


def test_the_tables_are_whole(judged):
    sizes = pd.Series([table for table, *_ in judged]).value_counts().to_dict()
    assert sizes["place"] == 6 * 4 * 3 * 3
    assert sizes["steroids"] == 3 * 4 * 3 * 3
    assert sizes["mgso4"] == 6 * 3**3
    assert sizes["antibiotics"] == 3**4
    assert sizes["probiotics"] == 6 * 4 * 3
    assert len(judged) == 715


def test_a_row_is_set_aside_exactly_where_the_tool_drops_it(judged):
    differing = [
        (table, row, ours, theirs)
        for table, row, ours, theirs in judged
        if bool(ours) != bool(theirs)
    ]
    assert not differing, differing[0]
    kept = sum(not ours for _, _, ours, _ in judged)
    assert 100 < kept < len(judged) - 100  # both answers are there to be got wrong


def test_no_rule_is_told_that_the_tool_does_not_find_broken(judged):
    """Ours names the cause; the tool names beside it what hangs on the cause."""
    for table, row, ours, theirs in judged:
        assert ours <= theirs, (table, row, ours - theirs)


def test_what_is_wrong_is_named_where_nothing_it_hangs_on_is_wrong(judged):
    """Of a row with one fault by the tool, ours is the same."""
    single = [(ours, theirs) for _, _, ours, theirs in judged if len(theirs) == 1]
    assert len(single) > 50
    assert all(ours == theirs for ours, theirs in single)


def test_no_rule_could_be_left_out(judged):
    """Of each rule there is a row that nothing else sets aside, and that the tool drops."""
    alone = {next(iter(ours)) for _, _, ours, theirs in judged if len(ours) == 1 and theirs}
    assert alone == set(books.NAMES) - {"embm_info"}


def test_invented_rows_that_keep_every_rule_are_all_counted_and_as_the_tool_counts():
    rows = books.babies(7, 400)
    spoilt = random.Random(8)
    for row in spoilt.sample(rows, 120):  # broken in one place each
        name = spoilt.choice([one for one in books.NAMES if one != "embm_info"])
        row[name] = {"Yes": None, "No": None, None: "Yes"}.get(row[name])
    found = sb.count(
        framed(rows).assign(unit="YEO"), packs=["periprem@2021"], mapping="periprem",
        unit_column="unit", date_column="month",
    )  # fmt: skip
    ours = {
        measure.partition(":")[2]: (numerator, denominator)
        for measure, numerator, denominator in found.counts[
            ["measure", "numerator", "denominator"]
        ].itertuples(index=False)
    }
    assert ours == oracle.counts(rows)
    dropped = sum(bool(oracle.faults(row)) for row in rows)
    assert found.provenance["records_rejected"] == dropped > 50
    assert found.counts["missing"].sum() == 0
