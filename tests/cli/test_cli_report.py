"""`spcbench report`: all measures in one file, the page of a unit, the page of an area."""

from __future__ import annotations

import csv
import json

import pytest

from spcbench.testing.births import write_births

BY = ("--packs", "pop", "--unit-column", "trust_code", "--date-column", "birth_date")
TREE = (
    "unit,parent,level,name\nY,,region,Region\nS,Y,system,System\nA,S,trust,Zeta\nB,S,trust,Alpha\n"
)


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "tree.csv").write_text(TREE, encoding="utf-8")
    return "tree.csv"


def cells(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_page_of_a_unit(run, two_years, tree, tmp_path):
    options = ["--unit", "B", "--hierarchy", tree, "--better", "higher", "--target", "0.9"]
    done = run("report", two_years, *options, "-o", "page.csv")
    assert done.exit_code == 0, done.output
    told = done.stdout.split()
    assert {"page.csv", "page.at_a_glance.csv", "page.missed_by_period.csv"} <= set(told)
    (glance,) = cells(tmp_path / "page.at_a_glance.csv")
    # 80, 81 and 82 in turn; A has 5 in its last month.
    assert glance["recent"] == "81%\n972 of 1,200"
    assert glance["system"] == "77.8%\n1,867 of 2,400"
    assert (glance["target"], glance["missed"]) == ("90%", "228 cases")


def test_the_page_of_an_area(run, two_years, tree, tmp_path):
    done = run("report", two_years, "--area", "Y", "--hierarchy", tree, "-o", "page.json")
    assert done.exit_code == 0, done.output
    read = json.loads((tmp_path / "page.json").read_text(encoding="utf-8"))
    assert read["title"] == "Region: January 2022 to December 2023"
    (matrix,) = [
        table
        for section in read["sections"]
        for table in section["tables"]
        if table["id"] == "units_and_measures"
    ]
    assert [row["unit"] for row in matrix["rows"]] == ["Alpha", "Zeta"]


def test_all_units_together_and_another_title(run, two_years, tmp_path):
    options = ["--area", "all", "--title", "Everyone", "--window", "6", "--until", "2023-06-01"]
    assert run("report", two_years, *options, "-o", "page.json").exit_code == 0
    read = json.loads((tmp_path / "page.json").read_text(encoding="utf-8"))
    assert read["title"] == "Everyone"
    assert read["sections"][0]["tables"][0]["rows"][0]["recent"] == "81%\n972 of 1,200"


def test_a_page_of_counts_has_the_measure_that_was_asked_for(run, written, tmp_path):
    rows = [
        f"pop@2023:{name},A,2023-{month:02d}-01,{met},10"
        for name, met in (("mgso4", 8), ("ocm", 6), ("all_eligible", 5))
        for month in range(1, 13)
    ]
    counts = written(*rows)
    for asked, full in (("ocm", "ocm"), ("pop:all_eligible", "all_eligible")):
        for whose in (("--unit", "A"), ("--area", "all")):
            done = run("report", counts, "--measure", asked, *whose, "-o", "page.csv")
            assert done.exit_code == 0, done.output
            told = [row["measure_id"] for row in cells(tmp_path / "page.at_a_glance.csv")]
            assert told == [f"pop@2023:{full}"]


def test_a_report_without_a_title_says_what_it_is(run, two_years, tmp_path):
    assert run("report", two_years, "-o", "all.json").exit_code == 0
    read = json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))
    assert read["title"] == "Charts and funnels of counts.csv"


def test_national_counts_and_notes(run, two_years, written, tmp_path):
    rows = [f"early_milk,E92,2023-{month:02d}-01,900,1000" for month in range(1, 13)]
    nation = written(*rows, name="national.csv")
    (tmp_path / "notes.csv").write_text(
        "measure,unit,date,action,reason,author\n,B,2023-01-01,comment,Colostrum packs,\n"
    )
    options = ["--unit", "B", "--national", nation, "--notes", "notes.csv"]
    done = run("report", two_years, *options, "-o", "page.csv")
    assert done.exit_code == 0, done.output
    assert cells(tmp_path / "page.at_a_glance.csv")[0]["national"] == "90%\n10,800 of 12,000"
    assert cells(tmp_path / "page.noted_and_since.csv")[0]["what"] == "Colostrum packs"
    assert cells(tmp_path / "page.actions.csv")[0]["periods_before"] == "12"


def test_records_of_a_small_unit_are_asked_for_the_waits_between_missed_ones(run, tmp_path):
    births = write_births(tmp_path / "births.csv", months=14).name
    done = run("report", births, *BY, "--unit", "RAX", "-o", "page.json")
    assert done.exit_code == 0, done.output
    read = json.loads((tmp_path / "page.json").read_text(encoding="utf-8"))
    tables = [table["id"] for section in read["sections"] for table in section["tables"]]
    assert "since_last_missed" in tables
    assert "completeness" in tables


def test_a_page_can_be_html(run, two_years, tree, tmp_path):
    done = run("report", two_years, "--unit", "A", "--hierarchy", tree, "-o", "page.html")
    assert done.exit_code == 0, done.output
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<h1>Zeta: January 2022 to December 2023</h1>" in text
    assert "At a glance" in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--unit", "A", "--area", "Y"), "a page is of one --unit or of one --area"),
        (("--hierarchy", "tree.csv"), "--hierarchy is for a page: say whose with --unit or --area"),
        (("--window", "6"), "--window is for a page"),
        (("--unit", "Z"), "there is no unit 'Z'"),
        (("--area", "A"), "'A' is one unit, not an area"),
        (("--unit", "A", "--measure", "nonsense"), "there is no measure 'nonsense'"),
        (("--unit", "Y", "--hierarchy", "tree.csv"), "'Y' is a region, not one unit"),
        (("--area", "Y"), "who belongs to whom with hierarchy= (--hierarchy)"),
    ],
)
def test_what_does_not_go_together(run, two_years, tree, options, message):
    done = run("report", two_years, *options, "-o", "page.csv")
    assert done.exit_code != 0
    assert message in done.stderr
