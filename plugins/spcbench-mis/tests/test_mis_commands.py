"""The commands of the plugin, from the file to the file."""

from __future__ import annotations

import json
import re
from datetime import date
from html.parser import HTMLParser

import pandas as pd
import pytest
from click.testing import CliRunner

import spcbench
import spcbench_mis
from spcbench.cli import main
from spcbench.errors import SpcbenchError, UnknownNameError
from spcbench.plugin import PluginHost
from spcbench_mis.scorecard_page import CAUTION

COUNTS = """measure,unit,period,period_end,numerator,denominator
mis:sa1_parent_views,RJ1,2024-12-01,2025-11-30,18,19
mis:sa9_bsc_meetings,RJ1,2025-05-01,,3,
mis:sa10_mnsi_reported,RJ1,2024-12-01,2025-11-30,0,0
"""
EVIDENCE = """item,status,date,link,who,note
sa7_mnvp_funded,achieved,2025-09-30,https://example.org/a?b=1&c=2,Head of <Midwifery>,"=1+1"
sa7_cqc_action_plan,in progress,,javascript:alert(1),,new trust
"""


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "counts.csv").write_text(COUNTS, encoding="utf-8")
    (tmp_path / "evidence.csv").write_text(EVIDENCE, encoding="utf-8")
    return tmp_path


def run(*arguments, code=0):
    result = CliRunner().invoke(main, [str(one) for one in arguments])
    assert result.exit_code == code, result.output
    return result.output


def card(desk, suffix, *more):
    run("mis-scorecard", "counts.csv", "--on", "2025-12-01", *more, "-o", f"card{suffix}")
    return desk / f"card{suffix}"


def test_csv(desk):
    path = card(desk, ".csv", "--evidence", "evidence.csv")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")  # so that Excel reads UTF-8
    found = pd.read_csv(path).set_index("item")
    assert found.loc["sa1_parent_views", "verdict"] == "not_met"
    assert found.loc["sa1_parent_views", "value"] == 18 / 19
    assert found.loc["sa9_bsc_meetings", "verdict"] == "met"
    assert found.loc["sa10_mnsi_reported", "verdict"] == "none_due"
    assert found.loc["sa7_mnvp_funded", "verdict"] == "met"
    assert set(found["scheme_year"]) == {"y7"}


def test_json(desk):
    told = json.loads(card(desk, ".json").read_text(encoding="utf-8"))
    assert (told["kind"], told["unit"], told["on"]) == ("mis-scorecard", "RJ1", "2025-12-01")
    assert told["verdict"] == "not_met"
    assert len(told["actions"]) == 10
    assert told["actions"][0]["counts"] == "1 not met, 5 not reported"
    assert [one["date"] for one in told["next_dates"]] == ["2026-03-03"]
    assert told["unused"] == []
    items = {one["item"]: one for one in told["items"]}
    assert items["sa1_parent_views"]["numerator"] == 18
    assert items["sa1_review_started_2m"]["numerator"] is None
    assert items["sa1_review_started_2m"]["verdict"] == "not_reported"


class Reading(HTMLParser):
    def __init__(self):
        super().__init__()
        self.text, self.links, self.tags = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name == "href"]

    def handle_data(self, data):
        self.text.append(data)


def test_html(desk):
    page = Reading()
    page.feed(card(desk, ".html", "--evidence", "evidence.csv").read_text(encoding="utf-8"))
    said = " ".join(" ".join(page.text).split())
    assert CAUTION in said
    assert "18 of 19 = 94.7% (74% to 99.9%)" in said
    assert "✗ Not met: 1 more of the 19 cases would have had to succeed" in said
    assert "Head of <Midwifery>" in said  # escaped, so that it is read and not obeyed
    assert page.links == ["https://example.org/a?b=1&c=2"]
    assert "javascript:alert(1)" in said
    assert page.tags.count("table") == 14  # ten of items, and four before them
    assert "script" not in page.tags


def test_what_stands_between_comes_before_the_items(desk):
    said = card(desk, ".html").read_text(encoding="utf-8")
    captions = re.findall("<caption>(.*?)</caption>", said)
    assert captions[:5] == [
        "The ten safety actions",
        "Short of the mark, at risk or not settled",
        "Next dates",
        "Required, and nothing is reported",
        "1. Perinatal Mortality Review Tool",
    ]
    bundle = said[said.index("<caption>6.") : said.index("<caption>7.")]
    first, required = bundle.index("For context; not required"), bundle.index("sa6_on_track")
    assert required < first
    assert "<li>Quarterly PMRT reports" in said


def test_rows_that_do_not_count_stand_on_the_page_too(desk):
    text = COUNTS + "mis@y6:sa1_parent_views,RJ1,2024-05-01,,1,1\n"
    (desk / "counts.csv").write_text(text, encoding="utf-8")
    line = "1 row not used: named for Year 6 (mis@y6:sa1_parent_views)"
    assert line in run("mis-scorecard", "counts.csv", "--on", "2025-12-01", "-o", "c.html")
    assert f"<p>{line}.</p>" in (desk / "c.html").read_text(encoding="utf-8")


def test_a_file_of_evidence_that_names_no_trust_is_taken_for_this_one_and_told(desk):
    asked = ("mis-scorecard", "counts.csv", "--evidence", "evidence.csv", "-o", "c.csv")
    assert "evidence.csv says no unit; taken as that of RJ1" in run(*asked)
    lines = EVIDENCE.replace("note\n", "note,unit\n").replace('"=1+1"', '"=1+1",RJ1')
    (desk / "evidence.csv").write_text(lines, encoding="utf-8")
    assert "says no unit" not in run(*asked)


def test_the_same_page_twice(desk):
    assert card(desk, ".html").read_bytes() == card(desk, ".html").read_bytes()


def test_pdf(desk):
    from pypdf import PdfReader

    said = " ".join(one.extract_text() for one in PdfReader(card(desk, ".pdf")).pages)
    text = " ".join(said.split())
    assert "1 more of the 19 cases would have had to succeed" in text
    assert "No file of evidence was given" in text
    path = card(desk, ".pdf", "--evidence", "evidence.csv")
    said = " ".join(one.extract_text() for one in PdfReader(path).pages)
    assert "Head of <Midwifery>" in " ".join(said.split())
    assert "No file of evidence" not in said


def test_a_template_can_be_filled_in_and_used(desk):
    assert run("mis-scorecard", "--template", "ev.toml", "--year", "6").strip() == "ev.toml"
    text = (desk / "ev.toml").read_text(encoding="utf-8")
    assert 'year = "y6"' in text
    (desk / "ev.toml").write_text(text.replace('unit = ""', 'unit = "RAX"'), encoding="utf-8")
    said = run(
        "mis-scorecard", "counts.csv", "--year", "y6", "--evidence", "ev.toml", "-o", "c.csv",
        code=1,
    )  # fmt: skip
    assert "ev.toml is the evidence of 'RAX', but 'RJ1' was asked for" in said
    assert "exists already" in run("mis-scorecard", "--template", "ev.toml", code=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["counts.csv", "-o", "card.docx"], "the name must end in .csv, .json, .html"),
        (["counts.csv", "-o", "counts.csv"], "counts.csv is what is read"),
        (["counts.csv", "--on", "1/12/2025", "-o", "c.csv"], "--on '1/12/2025' is not a date"),
        (["counts.csv", "--year", "y9", "-o", "c.csv"], "year 'y9' of the scheme is not known"),
        (["counts.csv", "--unit", "RAX", "-o", "c.csv"], "unit 'RAX' is not in the counts"),
        (["counts.csv"], "Missing option '--output'"),
        ([], "Missing argument 'COUNTS'"),
        (["counts.csv", "-o", "none/c.csv"], "cannot write none/c.csv (No such file"),
    ],
)
@pytest.mark.usefixtures("desk")
def test_wrong_use(arguments, message):
    assert message in run("mis-scorecard", *arguments, code=2)


def test_signals(desk):
    lines = ["measure,unit,period,numerator,denominator"]
    lines += [f"mis-events:term_death,RJ121,2025-{m:02}-01,{n},300"
              for m, n in enumerate([0, 1, 2, 4, 0, 0], start=1)]  # fmt: skip
    (desk / "events.csv").write_text("\n".join(lines), encoding="utf-8")
    said = run("mis-signals", "events.csv", "--rate", 0.002, "-o", "signals.html")
    assert "RJ121, Apr 2025: level 2, 4 events, 0.60 expected" in said
    assert (desk / "signals.html").stat().st_size > 1000
    said = run("mis-signals", "events.csv", "--measure", "deaths", "-o", "s.html", code=2)
    assert "there is no measure 'deaths'; did you mean 'mis-events:term_death'?" in said


def test_training(desk):
    staff = "staff,measure,attended\na,sa8_fm_midwives,2024-10-15\nb,sa8_fm_midwives,\n"
    (desk / "staff.csv").write_text(staff, encoding="utf-8")
    options = ("--unit", "RJ1", "--on", "2025-10-01", "--until", "2025-10-31")
    run("mis-training", "staff.csv", *options, "-o", "forecast.csv")
    found = pd.read_csv(desk / "forecast.csv")
    assert found["in_date"].to_list() == [1, 0]
    (desk / "staff.csv").write_text(staff.replace("2024-10-15", "soon"), encoding="utf-8")
    said = run("mis-training", "staff.csv", *options, "-o", "forecast.csv", code=1)
    assert "staff.csv, line 2, column 'attended': 'soon' is not a date in ISO order" in said


# ------------------------------------------------- what counts take, and what messages name


def book(path, **sheets):
    with pd.ExcelWriter(path) as writer:
        for name, frame in sheets.items():
            frame.to_excel(writer, sheet_name=name, index=False)


COVER = pd.DataFrame({"Our counts": ["kept by the maternity office"]})


def test_a_scorecard_from_what_excel_writes(desk):
    expected = card(desk, ".csv").read_bytes()
    plain = pd.read_csv("counts.csv", dtype=str)
    days = {
        name: pd.to_datetime(plain[name]).dt.strftime("%d/%m/%Y")
        for name in ("period", "period_end")
    }
    plain.assign(**days).to_csv("british.csv", sep=";", index=False, encoding="utf-8-sig")
    options = ("--on", "2025-12-01", "-o", "again.csv")
    said = run("mis-scorecard", "british.csv", *options, code=1)
    assert "(--date-format '%d/%m/%Y')" in said
    run("mis-scorecard", "british.csv", "--date-format", "%d/%m/%Y", *options)
    assert (desk / "again.csv").read_bytes() == expected
    book("counts.xlsx", Cover=COVER, Counts=pd.read_csv("counts.csv"))
    run("mis-scorecard", "counts.xlsx", "--sheet", "Counts", *options)
    assert (desk / "again.csv").read_bytes() == expected


def test_a_scorecard_of_a_withheld_count(desk):
    (desk / "counts.csv").write_text(COUNTS.replace(",18,19", ",*,19"), encoding="utf-8")
    options = ("--on", "2025-12-01", "-o", "card.csv")
    assert "(--suppressed '*')" in run("mis-scorecard", "counts.csv", *options, code=1)
    run("mis-scorecard", "counts.csv", "--suppressed", "*", *options)
    found = pd.read_csv("card.csv").set_index("item")
    assert found.loc["sa1_parent_views", "verdict"] in ("unsettled", "not_reported")
    assert "suppressed" in found.loc["sa1_parent_views", "note"]


NEED = "Counts need the columns measure, unit, period, numerator, denominator"


@pytest.mark.parametrize("command", [("mis-scorecard",), ("mis-signals", "--rate", "0.002")])
def test_what_is_no_table_of_counts(desk, command):
    book("counts.xlsx", Cover=COVER, Counts=pd.read_csv("counts.csv"))
    said = run(*command, "counts.xlsx", "-o", "card.html", code=1)
    assert f"counts.xlsx, sheet 'Cover' has no column 'measure'; Known: Our counts. {NEED}" in said
    assert "counts.xlsx has the sheets Cover, Counts: say which with --sheet" in said
    (desk / "wrong.csv").write_text("indicator,trust,month,met,cases\n", encoding="utf-8")
    said = run(*command, "wrong.csv", "-o", "card.html", code=1)
    assert "wrong.csv has no column 'measure'; Known: cases, indicator, met, month, trust" in said
    assert NEED in said
    assert "there is no file none.csv" in run(*command, "none.csv", "-o", "card.html", code=1)


STAFF = pd.DataFrame(
    {"staff": ["a", "b"], "measure": "sa8_fm_midwives", "attended": ["15/10/2024", None]}
)
UNTIL = ("--unit", "RJ1", "--on", "2025-10-01", "--until", "2025-10-31", "-o", "forecast.csv")


@pytest.mark.usefixtures("desk")
def test_training_from_what_excel_writes():
    STAFF.to_csv("staff.csv", sep=";", index=False, encoding="utf-8-sig")
    said = run("mis-training", "staff.csv", *UNTIL, code=1)
    assert "staff.csv, line 2, column 'attended': '15/10/2024' is not a date" in said
    run("mis-training", "staff.csv", "--date-format", "%d/%m/%Y", *UNTIL)
    expected = pd.read_csv("forecast.csv")
    assert expected["in_date"].to_list() == [1, 0]
    days = STAFF.assign(attended=pd.to_datetime(STAFF["attended"], format="%d/%m/%Y"))
    book("staff.xlsx", Cover=COVER, Staff=days)
    run("mis-training", "staff.xlsx", "--sheet", "Staff", *UNTIL)
    assert pd.read_csv("forecast.csv").equals(expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "person,measure,attended\n",
            "staff.csv has no column 'staff'; Known: attended, measure, person. A list of staff "
            "needs the columns staff, measure, attended",
        ),
        ("staff,measure,attended\na,sa8_fm\n", "staff.csv, line 2 has 2 cells, expected 3"),
    ],
)
def test_a_faulty_list_of_staff(desk, text, message):
    (desk / "staff.csv").write_text(text, encoding="utf-8")
    assert message in run("mis-training", "staff.csv", *UNTIL, code=1)


def test_groups_with_semicolons(desk):
    (desk / "own.csv").write_text("MBRRACE_Group;Org_Code\n3;RJ1\n", encoding="utf-8")
    run("mis-groups", "own.csv", "-o", "groups.csv")
    assert pd.read_csv("groups.csv")["unit"].to_list() == ["RJ1"]


@pytest.mark.usefixtures("desk")
def test_a_list_of_staff_that_is_not_there():
    assert "there is no file none.csv" in run("mis-training", "none.csv", *UNTIL, code=1)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("CQIMPPH", "cqim_pph"),
        ("cqimrobson01", "cqim_robson01"),
        ("SBL_Element5_OutcomeIndicator_l.a", "sbl_late_second_trimester"),
    ],
)
def test_a_measure_by_the_name_it_is_published_under(name, meant):
    with pytest.raises(UnknownNameError, match=f"did you mean '{meant}'") as caught:
        PluginHost().measure(name)
    assert len(str(caught.value)) < 200


NAMES = "Org_Code,Org_Name,Org_Level,RPStartDate,RPEndDate,IndicatorFamily,Indicator,Currency,Value"
MONTH = (
    f"{NAMES}\n"
    + """\
RJ1,A,Provider,2024-{m}-01,2024-{m}-30,CQIM_Rate,CQIMApgar,Denominator,1220
RJ1,A,Provider,2024-{m}-01,2024-{m}-30,CQIM_Rate,CQIMApgar,Numerator,15
"""
)


@pytest.mark.parametrize(
    ("name", "text", "cause"),
    [
        ("msds-meta.csv", "Field,Meaning\nOrg_Code,Code\n", "its columns are not those of"),
        (
            "msds-jul2024-exp-measures.csv",
            MONTH.format(m="07").replace(",", ";"),
            "its cells stand between semicolons; save it again with commas",
        ),
    ],
)
def test_what_is_no_month_among_months(desk, name, text, cause):
    (desk / "months").mkdir()
    for month, number in (("apr", "04"), ("jun", "06")):
        path = desk / "months" / f"msds-{month}2024-exp-measures.csv"
        path.write_text(MONTH.format(m=number), encoding="utf-8")
    assert len(spcbench.read(desk / "months").data)
    (desk / "months" / name).write_text(text, encoding="utf-8")
    with pytest.raises(SpcbenchError, match=f"^{name} is not recognised as .*{cause}"):
        spcbench.read(desk / "months")


# ------------------------------------------------------------------------------ in Python


def test_rows_that_do_not_count_are_told(desk):
    (desk / "counts.csv").write_text(
        COUNTS + "mis:sa9_bsc_meetings,RJ1,2019-05-01,,3,\n", encoding="utf-8"
    )
    said = run("mis-scorecard", "counts.csv", "--on", "2025-12-01", "-o", "card.csv")
    assert "1 row not used: " in said


def test_a_scorecard_in_python_takes_dates_as_text_and_the_path_of_evidence(desk):
    counts = spcbench.read("counts.csv")
    plain = spcbench_mis.scorecard(
        counts,
        year="y7",
        on=date(2025, 12, 1),
        evidence=spcbench_mis.read_evidence("evidence.csv", year="y7"),
    )
    for evidence in ("evidence.csv", desk / "evidence.csv"):
        card = spcbench_mis.scorecard(counts, year="y7", on="2025-12-01", evidence=evidence)
        assert card.on == plain.on
        assert card.items.equals(plain.items)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"on": "1/12/2025"}, "on '1/12/2025' is not a date such as 2025-01-31"),
        ({"on": 20251201}, "on 20251201 is not a date"),
        ({"on": None}, "on None is not a date"),
        ({"evidence": "none.toml"}, "none.toml cannot be read"),
        ({"evidence": "counts.docx"}, "evidence is kept in a .toml or .csv file"),
        ({"evidence": [1]}, "evidence must be a .toml or .csv file"),
    ],
)
@pytest.mark.usefixtures("desk")
def test_what_a_scorecard_does_not_take(given, message):
    with pytest.raises(SpcbenchError, match=re.escape(message)):
        spcbench_mis.scorecard(
            spcbench.read("counts.csv"), **{"year": "y7", "on": "2025-12-01", **given}
        )


CASES = pd.DataFrame({"event": ["2025-01-10", "2025-02-01"], "done": ["2025-07-10", None]})


def test_due_counts_take_dates_as_text_and_a_window_as_a_pair():
    days = (date(2024, 12, 1), date(2025, 11, 30))
    window = spcbench_mis.Window(title="", first=days[0], last=days[1])
    asked = {"months": 6, "on": date(2025, 9, 1)}
    plain = spcbench_mis.due_counts(CASES, **asked, window=window)
    assert (plain.numerator, plain.denominator) == (1, 2)
    texts = tuple(map(str, days))
    assert spcbench_mis.due_counts(CASES, months=6, on="2025-09-01", window=texts) == plain


@pytest.mark.parametrize(
    ("window", "message"),
    [
        (("2025-11-30", "2024-12-01"), "window ends on 2024-12-01, before it begins"),
        (("2024-12-01", "soon"), "window 'soon' is not a date"),
        ("2024-12-01", "window must be a first and a last day"),
        (None, "window must be a first and a last day"),
    ],
)
def test_what_is_no_window(window, message):
    with pytest.raises(SpcbenchError, match=message):
        spcbench_mis.due_counts(CASES, months=6, on="2025-09-01", window=window)


def test_the_public_names_are_listed_and_there():
    assert {"scorecard", "due_counts", "Window", "read_months"} <= set(dir(spcbench_mis))
    assert set(spcbench_mis.__all__) <= set(dir(spcbench_mis))
    assert {"Any", "import_module", "cache"}.isdisjoint(dir(spcbench_mis))
    assert {"spcbench_packs", "spcbench_readers"} <= set(dir(spcbench_mis))
    for name in spcbench_mis.__all__:
        assert getattr(spcbench_mis, name).__doc__
