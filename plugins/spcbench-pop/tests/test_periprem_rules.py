"""What fails and why, by trust; and where we are stricter than the public import."""

from __future__ import annotations

import importlib.util
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

import spcbench as sb
from spcbench.errors import InputError
from spcbench.plugin import default_host
from spcbench_pop.periprem_rules import periprem_failures, periprem_summary


def _beside(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


books, oracle = _beside("periprem_books"), _beside("periprem_oracle")
BABY = {
    **dict.fromkeys(books.NAMES), "gestation": "28 - 29+6", "weight": "<1500g", "births": "Single",
    "ventilation": "No", "labour": "No", "steroids_rx": "Yes", "steroids_doses": 2,
    "steroids_opt_poss": "Yes", "steroids_opt_act": "No", "mgso4_rx": "No", "embm_info": "Yes",
    "cord_mgt": "Yes", "thermal_care": "Yes", "caffeine": "Yes", "embm_rx": "No",
    "probiotics": "Yes",
}  # fmt: skip


@pytest.fixture
def tools(tmp_path):
    """Three invented workbooks; every second row of two of them breaks something."""
    folder = tmp_path / "tools"
    folder.mkdir()
    books.write_book(
        folder / "MAY 2024 - YEO.xlsx",
        [
            BABY,
            {**BABY, "mgso4_rx": None, "cord_mgt": None},
            BABY,
            {**BABY, "hydrocortisone": "No"},
            {**BABY, "steroids_opt_act": "Yes", "steroids_doses": 1},
        ],
    )
    books.write_book(
        folder / "JUN 2024 - YEO.xlsx", [{**BABY, "cord_mgt": "Later"}], month="June 2024"
    )
    books.write_book(folder / "MAY 2024 - GLO.xlsx", [BABY, BABY], trust=None)
    return folder


def test_every_failing_row_is_told_by_unit_month_row_and_rule(tools):
    found = periprem_failures(tools)
    told = found[["unit", "month", "row", "rule", "columns", "set_aside"]]
    assert told.to_numpy().tolist() == [
        ["YEO", date(2024, 6, 1), 10, "form_cord_mgt", "R cord_mgt", True],
        ["YEO", date(2024, 5, 1), 11, "form_cord_mgt", "R cord_mgt", True],
        ["YEO", date(2024, 5, 1), 11, "form_mgso4_rx", "A gestation, K mgso4_rx", True],
        ["YEO", date(2024, 5, 1), 13, "form_hydrocortisone", "A gestation, X hydrocortisone", True],
        [
            *("YEO", date(2024, 5, 1), 14, "form_optimal_is_two_doses"),
            *("H steroids_doses, J steroids_opt_act", False),
        ],
    ]
    assert (
        found["reason"].tolist()[0] == "Clamping of the cord is answered Yes or No for every baby"
    )
    assert found["file"].tolist()[0] == "JUN 2024 - YEO.xlsx"


def test_no_answer_of_a_row_is_told(tools):
    assert "Later" not in periprem_failures(tools).to_string()


def test_each_trust_has_its_sums(tools):
    found = periprem_summary(tools)
    assert found[["unit", "month", "rows", "set_aside", "failing"]].to_numpy().tolist() == [
        ["GLO", date(2024, 5, 1), 2, 0, 0],
        ["YEO", date(2024, 5, 1), 5, 2, 1],
        ["YEO", date(2024, 5, 1), 5, 2, 1],
        ["YEO", date(2024, 5, 1), 5, 2, 1],
        ["YEO", date(2024, 5, 1), 5, 2, 1],
        ["YEO", date(2024, 6, 1), 1, 1, 1],
    ]
    assert found["rule"].isna().tolist() == [True, *[False] * 5]


def test_what_is_told_is_what_counting_sets_aside(tools):
    counted = sb.count(
        tools, packs=["periprem"], mapping="periprem", unit_column="org_code", date_column="month"
    )
    found = periprem_failures(tools)
    lost = found.loc[found["set_aside"], ["file", "row"]].drop_duplicates()
    assert counted.provenance["records_rejected"] == len(lost) == 3
    assert counted.provenance["records_read"] == 8


def test_a_table_that_was_read_may_be_given(tools):
    table = sb.read(tools / "MAY 2024 - GLO.xlsx")
    assert len(periprem_failures(table)) == 0
    assert periprem_summary(table)["rows"].tolist() == [2]


def test_two_files_of_one_month_are_refused(tools):
    books.write_book(tools / "May 2024 - YEO.xlsm", [BABY])
    with pytest.raises(InputError) as error:
        periprem_summary(tools)
    assert str(error.value) == (
        "MAY 2024 - YEO.xlsx and May 2024 - YEO.xlsm are both of YEO, May 2024, and every record "
        "would count twice; keep one of them"
    )


def test_another_table_is_refused():
    with pytest.raises(InputError, match="was not read by the reader 'periprem'"):
        periprem_failures(pd.DataFrame({"gestation": []}))


# -- what the public import lets through -------------------------------------------------------


def counted(rows, **more):
    frame = pd.DataFrame(rows, columns=[*books.NAMES]).astype("string")
    return sb.count(
        frame.assign(unit="YEO", month="2024-05-01"), packs=["periprem@2021"], mapping="periprem",
        unit_column="unit", date_column="month", **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        ({"gestation": "31 weeks"}, "form_gestation"),  # taken there for below 30 weeks
        ({"weight": "1500g"}, "form_weight"),
        ({"steroids_rx": "Unknown"}, "form_steroids_rx"),  # in the denominator there
        ({"cord_mgt": "Unknown"}, "form_cord_mgt"),
        ({"thermal_care": "36.9"}, "form_thermal_care"),
        ({"embm_rx": "Donor milk"}, "form_embm_rx"),
        ({"mgso4_rx": "Yes", "mgso4_opt_poss": "Unsure"}, "form_mgso4_opt_poss"),
        ({"cord_mgt": "1"}, "form_cord_mgt"),
    ],
)
def test_an_answer_that_the_form_does_not_offer_sets_the_row_aside(answer, rule):
    found = counted([BABY, {**BABY, **answer}])
    assert found.quality[["field", "problem", "records"]].to_numpy().tolist() == [
        [rule, "breaks_check", 1]
    ]
    assert set(found.counts.loc[found.counts["measure"].str.contains(":ocm"), "denominator"]) == {1}


@pytest.mark.parametrize("given", ["N/A", "not due"])
def test_words_where_nothing_is_due_are_told_too(given):
    found = counted([BABY, {**BABY, "hydrocortisone": given}])
    assert found.quality["field"].tolist() == ["form_hydrocortisone"]


def test_one_dose_is_not_optimal_and_is_told_though_the_row_counts():
    found = counted([{**BABY, "steroids_opt_act": "Yes", "steroids_doses": 1}])
    assert found.quality[["field", "problem"]].to_numpy().tolist() == [
        ["form_optimal_is_two_doses", "breaks_check_reported"]
    ]
    assert found.provenance["records_rejected"] == 0


# -- dropping whole rows is the tool's way, and can be left out --------------------------------


def test_the_rules_can_be_turned_off_and_every_usable_answer_then_counts():
    rows = [BABY, {**BABY, "mgso4_rx": None}]
    both = {
        name: {
            measure.partition(":")[2]: denominator
            for measure, denominator in found.counts[["measure", "denominator"]].itertuples(
                index=False
            )
        }
        for name, found in {
            "whole rows": counted(rows),
            "answers": counted(rows, columns={"periprem_form": "FALSE"}),
        }.items()
    }
    assert {both["whole rows"][one] for one in ("mgso4", "ocm", "caffeine")} == {1}
    assert {both["answers"][one] for one in ("ocm", "caffeine")} == {2}
    assert both["answers"]["mgso4"] == 1


@pytest.mark.parametrize("pack", ["periprem@2020", "periprem@2021"])
def test_records_that_are_not_from_the_form_are_not_asked_its_rules(pack):
    """A baby of 31 weeks whose magnesium is recorded as not given is no mistake elsewhere."""
    record = {"unit": "YEO", "month": "2024-05-01", "ga_days": 220, "mgso4_given": False,
              "cord_clamp_seconds": 70}  # fmt: skip
    found = sb.count(pd.DataFrame([record]), packs=[pack], measures=["ocm"],
                     unit_column="unit", date_column="month")  # fmt: skip
    assert found.counts["denominator"].tolist() == [1]
    assert found.provenance["records_rejected"] == 0


def test_the_form_of_ten_elements_is_not_asked_about_labour():
    rules = {
        version: {check.id for check in default_host().pack(f"periprem@{version}").checks}
        for version in ("2020", "2021")
    }
    more = {
        *("form_labour", "form_antibiotics_rx"),
        *("form_antibiotics_opt_poss", "form_antibiotics_opt_act"),
    }
    assert rules["2021"] - rules["2020"] == more
    asked = {name.removeprefix("form_") for name in rules["2021"] if name.startswith("form_")}
    # The tool checks every question but the one about information on milk.
    assert asked - {"optimal_is_two_doses"} == set(books.NAMES) - {"embm_info"}


# -- the form under other packs ----------------------------------------------------------------


def test_what_the_form_does_not_ask_stays_unknown_elsewhere():
    """No admission, no 24-hour milk, no order of birth: none of it is made up."""
    twin = {**BABY, "births": "Multiple"}
    frame = pd.DataFrame([BABY, twin], columns=[*books.NAMES]).astype("string")
    found = sb.count(
        frame.assign(unit="YEO", month="2024-05-01"), packs=["pop@2023"], mapping="periprem",
        unit_column="unit", date_column="month",
    )  # fmt: skip
    counts = found.counts.set_index("measure")[["denominator", "missing"]]
    assert counts.loc["pop@2023:normothermia"].tolist() == [0, 0]
    assert counts.loc["pop@2023:embm_24h"].tolist() == [0, 2]
    assert counts.loc["pop@2023:mgso4"].tolist() == [1, 0]
    unknown = found.quality.set_index("measure")["records"]
    assert unknown["pop@2023:normothermia"] == 2
    assert unknown["pop@2023:mgso4"] == 1
