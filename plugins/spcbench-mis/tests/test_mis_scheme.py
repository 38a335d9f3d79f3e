"""The scheme's data, item by item against the reference, and what the packs make of them."""

from __future__ import annotations

import tomllib
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

import spcbench_mis
from spcbench.errors import OptionError
from spcbench.measures.describing import targets
from spcbench.plugin import default_host
from spcbench_mis.scheme_data import YEARS, scheme
from spcbench_mis.scheme_packs import description, scheme_pack

REFERENCE = Path(__file__).parents[4] / "shared" / "reference" / "mis-measures.toml"
BETTER = {"increase": "higher", "decrease": "lower", "neutral": "neither"}


@pytest.fixture(scope="module")
def reference():
    if not REFERENCE.exists():
        pytest.skip("the reference ../shared/reference/mis-measures.toml is not here")
    return tomllib.loads(REFERENCE.read_text(encoding="utf-8"), parse_float=str)


@pytest.fixture(scope="module")
def packs():
    return {pack.name: pack for pack in spcbench_mis.spcbench_packs()}


def test_every_entry_of_the_reference_is_a_measure_or_an_item(reference, packs):
    """A figure is in the packs of its years; evidence is an item and no measure."""
    items = {item.id: item for item in scheme().items}
    told = [one["id"] for one in reference["measure"] if one["family"] == "MIS"]
    assert sorted(told) == sorted(items)
    for one in reference["measure"]:
        if one["family"] == "CQIM":
            measures = {measure.id: measure for measure in packs["cqim@2023"].measures}
            assert measures[one["id"]].indicator == one["msds_indicator"]
            assert measures[one["id"]].better == BETTER[one["direction"]]
            continue
        for year in YEARS:
            ids = {measure.id for measure in packs[f"mis@{year}"].measures}
            counted = one["kind"] != "evidence" and year.upper() in one["years"]
            assert (one["id"] in ids) is counted, (one["id"], year)


def test_every_item_says_what_the_reference_says(reference):
    items = {item.id: item for item in scheme().items}
    for one in reference["measure"]:
        if one["family"] == "CQIM":
            continue
        item = items[one["id"]]
        marks = {year.lower(): Fraction(str(m)) for year, m in one.get("threshold", {}).items()}
        assert item.thresholds == marks, item.id
        assert item.operator == one.get("threshold_op", ">="), item.id
        assert item.better == BETTER.get(one["direction"], ""), item.id
        assert [f"SA{item.action}", item.required] == [one["safety_action"], one["mis_pass_fail"]]
        assert [year.upper() for year in item.years] == one["years"]
        kind = "statistic" if one["kind"] == "proportion" else one["kind"]
        assert (item.kind, item.period, item.status) == (kind, one["period"], one["status"])
        assert item.confidence == float(one["confidence"])
        for mine, theirs in (
            ("title", "name"), ("numerator", "numerator"), ("denominator", "denominator"),
            ("exclusions", "exclusions"), ("evidence", "evidence"), ("data", "data_source"),
            ("indicator", "msds_indicator"),
        ):  # fmt: skip
            assert getattr(item, mine) == one.get(theirs, ""), (item.id, mine)
        assert list(item.sources) == [reference["source"][key]["title"] for key in one["authority"]]
        assert len(item.note) >= len(one.get("note", "")) - len("-measures.toml"), item.id


def test_every_period_has_the_dates_of_the_reference(reference):
    for name, told in reference["periods"].items():
        for year in YEARS:
            window, text = scheme().windows[name, year], told[year.upper()]
            dates = f"{window.first}/{window.last}"
            # Three are told in words only, and stand here with those words and dates around them.
            assert text == dates or window.rule, (name, year)
            if "/" in text and window.rule:
                assert text.endswith(dates)
    for year in YEARS:
        told = reference["years"][year.upper()]
        chosen = scheme().years[year]
        assert chosen.published == date.fromisoformat(told["published"])
        assert f"{chosen.declaration:%Y-%m-%dT%H:%M}" == told["declaration_deadline"]


def test_what_is_told_in_words_has_these_dates():
    windows = scheme().windows
    assert str(windows["sa4_locum_audit", "y7"]) == (
        "01 Feb 2025 to 30 Nov 2025 (any six months within these dates)"
    )
    assert str(windows["sa8_training", "y5"]) == (
        "02 Dec 2022 to 01 Dec 2023 (twelve months to the last day)"
    )


def test_nothing_of_the_scheme_passes_for_verified(packs):
    measures = [m for name in ("mis@y5", "mis@y6", "mis@y7") for m in packs[name].measures]
    assert not any(measure.verified for measure in measures)
    aimed = [measure for measure in measures if measure.target is not None]
    assert len(aimed) > 90
    assert not any(measure.target_verified for measure in aimed)
    assert all("not verified" in targets(measure) for measure in aimed)


def test_marks_differ_between_the_years():
    targets = {
        year: {m.id: m.target for m in scheme_pack(year).measures}["sa1_published_6m"]
        for year in YEARS
    }
    assert targets == {"y5": 0.6, "y6": 0.6, "y7": 0.75}


def test_caesareans_and_vbac_have_no_good_direction(packs):
    neither = {m.id for m in packs["cqim@2023"].measures if m.better == "neither"}
    assert {"cqim_robson01", "cqim_robson02", "cqim_robson05", "cqim_vbac"} <= neither


def test_stocks_get_a_run_chart_and_say_why(packs):
    for measure in packs["mis@y7"].measures:
        item = scheme().item(measure.id)
        few = item.action in (1, 10) and item.kind == "statistic"
        assert (measure.chart == "run") is (item.form == "stock" or few)
        assert bool(measure.chart) is bool(measure.chart_reason)
    assert scheme().item("sa8_fm_midwives").form == "stock"
    assert scheme().item("sa1_parent_views").form == "flow"


def test_a_mark_of_a_count_is_no_share(packs):
    counts = {m.id: m for m in packs["mis@y7"].measures if scheme().item(m.id).kind == "count"}
    assert set(counts) == {
        "sa2_cqims_passed", "sa5_staffing_reports", "sa5_red_flags", "sa6_icb_qi_meetings",
        "sa9_bsc_meetings", "sa9_claims_scorecard",
    }  # fmt: skip
    assert all(one.target is None for one in counts.values())
    assert {one.id for one in counts.values() if one.per > 1} == {"sa5_red_flags"}  # a rate


def test_names_without_a_year_mean_the_newest():
    pack, measure = default_host().measure("mis:sa1_external_member")
    assert (pack.name, measure.id) == ("mis@y7", "sa1_external_member")
    pack, _ = default_host().measure("mis:sa1_draft_4m")
    assert pack.name == "mis@y5"


@pytest.mark.parametrize("name", ["y7", "Y7", "7", " y7 "])
def test_years_are_found_as_people_write_them(name):
    assert scheme().year(name).id == "y7"


def test_a_year_that_is_not_known_is_told():
    with pytest.raises(OptionError, match="year 'y8' of the scheme is not known; it is one of y5"):
        scheme().year("y8")


@pytest.mark.parametrize(
    ("day", "year"),
    [
        (date(2023, 1, 1), "y5"),
        (date(2024, 4, 1), "y5"),
        (date(2024, 4, 2), "y6"),
        (date(2027, 1, 1), "y7"),
    ],
)
def test_the_year_that_a_day_falls_in(day, year):
    assert scheme().year_on(day).id == year


def test_descriptions_say_what_is_counted(packs):
    for measure in packs["mis@y6"].measures:
        assert measure.description == description(scheme().item(measure.id))
        assert measure.description.startswith("Numerator: ")


def test_the_public_names_are_functions_and_stay_so():
    import importlib

    for name, home in spcbench_mis._HOMES.items():
        importlib.import_module(f"spcbench_mis.{home}")
        assert callable(getattr(spcbench_mis, name)), name
        assert name != home, "the module would take the function's place"


def test_numbers_of_the_scorecard_alone_are_not_charted_and_a_mark_says_of_when_it_is():
    measures = {one.id: one for one in scheme_pack("y7").measures}
    alone = {name for name, one in measures.items() if one.supporting}
    assert {"sa2_cqims_passed", "sa9_bsc_meetings", "sa5_staffing_reports"} <= alone
    assert not {"sa5_red_flags", "sa5_one_to_one", "sa2_coc_prof_team"} & alone
    few = {one.id for one in measures.values() if one.id.startswith(("sa1_", "sa10_"))}
    assert len(few) >= 7
    assert {measures[name].chart for name in few} == {"run"}
    assert (measures["sa5_red_flags"].chart, measures["sa5_red_flags"].per) == ("u", 1000)
    assert measures["sa1_published_6m"].target_label == "MIS Year 7, 1 Dec 2024 to 30 Nov 2025"
