"""The commands of the plugin, from the file to the file."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pandas as pd
import pytest
from click.testing import CliRunner

from spcbench.cli import main
from spcbench_mis.scorecard_page import CAUTION

COUNTS = """measure,unit,period,period_end,numerator,denominator
mis:sa1_parent_views,RJ1,2024-12-01,2025-11-30,18,19
mis:sa9_bsc_meetings,RJ1,2025-05-01,,3,
mis:sa10_mnsi_reported,RJ1,2024-12-01,2025-11-30,0,0
"""
EVIDENCE = """item,status,date,link,who,note
sa7_mnvp_funded,achieved,2025-09-30,https://example.org/a?b=1&c=2,Head of <Midwifery>,"=1+1"
sa7_cqc_action_plan,not applicable,,javascript:alert(1),,new trust
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
    assert "18 of 19 = 94.7% (74.0% to 99.9%)" in said
    assert "✗ Not met: 1 more of the 19 cases would have had to succeed" in said
    assert "Head of <Midwifery>" in said  # escaped, so that it is read and not obeyed
    assert page.links == ["https://example.org/a?b=1&c=2"]
    assert "javascript:alert(1)" in said
    assert page.tags.count("table") == 11
    assert "script" not in page.tags


def test_the_same_page_twice(desk):
    assert card(desk, ".html").read_bytes() == card(desk, ".html").read_bytes()


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
    assert "measure 'deaths' is not in the counts; they hold mis-events:term_death" in said


def test_training(desk):
    staff = "staff,measure,attended\na,sa8_fm_midwives,2024-10-15\nb,sa8_fm_midwives,\n"
    (desk / "staff.csv").write_text(staff, encoding="utf-8")
    options = ("--unit", "RJ1", "--on", "2025-10-01", "--until", "2025-10-31")
    run("mis-training", "staff.csv", *options, "-o", "forecast.csv")
    found = pd.read_csv(desk / "forecast.csv")
    assert found["in_date"].to_list() == [1, 0]
    (desk / "staff.csv").write_text(staff.replace("2024-10-15", "soon"), encoding="utf-8")
    said = run("mis-training", "staff.csv", *options, "-o", "forecast.csv", code=1)
    assert "staff.csv, row 2, column attended: 'soon' is not a date such as 2025-01-31" in said
