"""`spcbench report`: all measures in one file, the page of a unit, the page of an area."""

from __future__ import annotations

import csv
import json
import types

import pytest
from pypdf import PdfReader

from spcbench.measures.measure import Measure
from spcbench.plugin import Pack, PluginHost, hookimpl
from spcbench.report import Section
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


# ------------------------------------------------------------------- packs and their files


def versions():
    """Two versions of a pack whose sections say what they were told."""
    plugin = types.ModuleType("ward_plugin")
    plugin.SPCBENCH_API = 1

    def told(page):
        files = [f"{name}: {path.read_text()}" for name, path in page.files.items()]
        return [
            Section(title="Told", text=[page.kind, *sorted(set(page.counts["measure"])), *files])
        ]

    @hookimpl
    def spcbench_packs():
        warm = Measure(id="warm", title="Warm", kind="given", better="higher")
        given = {"title": "Ward", "record": "baby", "measures": (warm,)}
        for version in ("2024", "2025"):
            yield Pack(id="ward", version=version, sections=told, files={"list": "names"}, **given)

    plugin.spcbench_packs = spcbench_packs
    return PluginHost.of(plugin)


@pytest.fixture
def ward(written, tmp_path):
    (tmp_path / "list.txt").write_text("three names")
    rows = [f"ward:warm,{unit},2024-{m:02d}-01,8,10" for unit in "AB" for m in range(1, 13)]
    return written(*rows)


def told_in(path):
    (section,) = json.loads(path.read_text(encoding="utf-8"))["sections"]
    return section["text"]


def test_a_report_of_all_units_has_what_packs_say(run, ward, tmp_path):
    options = ["--with", "list=list.txt", "-o", "all.json"]
    assert run("report", ward, *options, host=versions()).exit_code == 0
    assert told_in(tmp_path / "all.json") == ["report", "ward:warm", "list: three names"]
    options = ["--unit", "A", "--with", "list=list.txt", "-o", "unit.csv"]
    assert run("report", ward, *options, host=versions()).exit_code == 0
    told = [row["text"] for row in cells(tmp_path / "unit.text.csv") if row["section"] == "Told"]
    assert told == ["unit", "ward:warm", "list: three names"]


@pytest.mark.parametrize("version", ["2024", "2025"])
def test_the_version_that_is_asked_for_is_the_one_of_names_without(run, ward, tmp_path, version):
    options = ["--packs", f"ward@{version}", "-o", "all.json"]
    assert run("report", ward, *options, host=versions()).exit_code == 0
    assert told_in(tmp_path / "all.json") == ["report", f"ward@{version}:warm"]
    options = ["--packs", "ward", "--packs", "ward@2024", "-o", "all.json"]
    assert run("report", ward, *options, host=versions()).exit_code == 0
    assert told_in(tmp_path / "all.json") == ["report", "ward:warm"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["list"], "--with 'list' is not NAME=FILE, such as evidence=evidence.toml"),
        (["=list.txt"], "--with '=list.txt' is not NAME=FILE"),
        (["list=a", "list=b"], "--with names 'list' twice; give one file for it"),
        (["lst=list.txt"], "uses a file called 'lst'; did you mean 'list'? Known: list"),
    ],
)
def test_files_that_cannot_be_meant(run, ward, given, message):
    options = [word for one in given for word in ("--with", one)]
    done = run("report", ward, *options, "-o", "all.json", host=versions())
    assert done.exit_code == 2
    assert message in done.stderr


def test_a_format_of_pictures_says_what_it_leaves_out(run, two_years, tmp_path):
    for ending, said in ((".png", True), (".svg", True), (".pdf", False), (".csv", False)):
        done = run("report", two_years, "--unit", "B", "-o", f"page{ending}")
        assert done.exit_code == 0, done.output
        assert (f"page{ending} holds the pictures only" in done.stderr) == said
    text = " ".join(page.extract_text() for page in PdfReader(tmp_path / "page.pdf").pages)
    assert "At a glance" in text
    assert "Latest month" in " ".join(text.split())


def test_a_file_that_is_read_is_not_written_over(run, ward, tmp_path):
    (tmp_path / "list.json").write_text("names")
    done = run("report", ward, "--with", "list=list.json", "-o", "list.json", host=versions())
    assert "'list.json' is the file that is being read" in done.stderr
    assert (tmp_path / "list.json").read_text() == "names"


# ------------------------------------------------------------- what has no chart or funnel


def beside():
    """A pack of a measure and of one that only supports it."""
    plugin = types.ModuleType("ward_plugin")
    plugin.SPCBENCH_API = 1

    @hookimpl
    def spcbench_packs():
        given = {"kind": "given", "better": "higher"}
        measures = (
            Measure(id="warm", title="Warm", **given),
            Measure(id="recorded", title="Recorded", supporting=True, **given),
        )
        yield Pack(id="ward", version="1", title="Ward", record="baby", measures=measures)

    plugin.spcbench_packs = spcbench_packs
    return PluginHost.of(plugin)


@pytest.fixture
def supported(written, tmp_path):
    (tmp_path / "notes.csv").write_text(
        "measure,unit,date,action,reason,author\n"
        "ward:recorded,,2024-05-01,comment,New form,\nward:warm,,2024-03-01,comment,Hats,\n"
    )
    names = ("ward:warm", "ward:recorded")
    rows = [f"{n},{u},2024-{m:02d}-01,8,10" for n in names for u in "AB" for m in range(1, 13)]
    return written(*rows)


def measures_in(path):
    """The measures of charts and of funnels."""
    read = json.loads(path.read_text(encoding="utf-8"))
    tables = [read.get(name, []) for name in ("summary", "funnel_summary")]
    return [sorted({row["measure"] for row in table}) for table in tables]


def test_measures_that_support_others_are_charted_when_asked_for(run, supported, tmp_path):
    for options, expected in (
        ([], "ward:warm"),
        (["--notes", "notes.csv"], "ward:warm"),
        (["--measure", "recorded"], "ward:recorded"),
        (["--measure", "recorded", "--notes", "notes.csv"], "ward:recorded"),
    ):
        done = run("report", supported, *options, "-o", "all.json", host=beside())
        assert done.exit_code == 0, done.output
        assert measures_in(tmp_path / "all.json") == [[expected], [expected]], options


def test_measures_that_support_others_are_charted_where_there_are_no_others(run, written, tmp_path):
    rows = [f"ward:recorded,{u},2024-{m:02d}-01,8,10" for u in "AB" for m in range(1, 13)]
    assert run("report", written(*rows), "-o", "all.json", host=beside()).exit_code == 0
    assert measures_in(tmp_path / "all.json") == [["ward:recorded"], ["ward:recorded"]]


def test_counts_without_a_denominator_have_no_funnel(run, written, tmp_path):
    rows = [
        row
        for unit in "AB"
        for month in range(1, 13)
        for row in (
            f"meetings,{unit},2024-{month:02d}-01,1,",
            f"warm,{unit},2024-{month:02d}-01,8,10",
            f"withheld,{unit},2024-{month:02d}-01,*,*",
        )
    ]
    counts = written(*rows)
    done = run("report", counts, "--suppressed", "*", "-o", "all.json")
    assert done.exit_code == 0, done.output
    charts, funnels = measures_in(tmp_path / "all.json")
    assert charts == ["meetings", "warm", "withheld"]
    assert funnels == ["warm", "withheld"]
    said = (
        "No funnel of 1 measure of counts without a denominator, which cannot be compared: meetings"
    )
    assert said in done.stderr
    done = run("report", counts, "--suppressed", "*", "--measure", "meetings", "-o", "one.json")
    assert said in done.stderr
    assert measures_in(tmp_path / "one.json") == [["meetings"], []]
