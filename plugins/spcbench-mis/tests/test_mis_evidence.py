"""The file of evidence: what it may say, and where it is wrong."""

from __future__ import annotations

import random
from datetime import date

import pytest

from spcbench.errors import InputError, OptionError
from spcbench_mis.evidence import STATUSES, read_evidence, template
from spcbench_mis.scheme_data import scheme

GOOD_TOML = """
year = "y7"
unit = "RJ1"
[evidence.sa7_mnvp_funded]
status = "achieved"
date = 2025-09-30
link = "https://example.org/minutes"
who = "Director of Midwifery"
note = "seen by the Board"
[evidence.sa9_culture]
status = "In_Progress"
"""
GOOD_CSV = """item,status,date,link,who,note
sa7_mnvp_funded,achieved,2025-09-30,https://example.org/minutes,Director of Midwifery,"seen \
by the Board"
sa9_culture,in progress
"""


@pytest.fixture
def keep(tmp_path):
    def written(text, name="evidence.toml", encoding="utf-8"):
        path = tmp_path / name
        path.write_text(text, encoding=encoding)
        return path

    return written


@pytest.mark.parametrize(
    ("text", "name"), [(GOOD_TOML, "evidence.toml"), (GOOD_CSV, "evidence.csv")]
)
def test_both_forms_say_the_same(keep, text, name):
    kept = read_evidence(keep(text, name), year="y7", unit="RJ1")
    assert set(kept) == {"sa7_mnvp_funded", "sa9_culture"}
    funded = kept["sa7_mnvp_funded"]
    assert (funded.status, funded.date) == ("achieved", date(2025, 9, 30))
    assert (funded.link, funded.who) == ("https://example.org/minutes", "Director of Midwifery")
    assert kept["sa9_culture"].status == "in progress"
    assert kept["sa9_culture"].date is None


def test_excel_writes_a_mark_at_the_head_of_the_file(keep):
    path = keep(GOOD_CSV, "evidence.csv", encoding="utf-8-sig")
    assert len(read_evidence(path, year="y7")) == 2


@pytest.mark.parametrize("year", ["y5", "y6", "y7"])
@pytest.mark.parametrize("form", ["toml", "csv"])
def test_a_template_can_be_read_and_reports_nothing(keep, year, form):
    kept = read_evidence(keep(template(year, form=form), f"e.{form}"), year=year)
    wanted = {item.id for item in scheme().of_year(year) if item.kind == "evidence"}
    assert set(kept) == wanted
    assert {one.status for one in kept.values()} == {"not reported"}


def csv_row(**cells):
    row = {"item": "sa9_culture", "status": "achieved", "date": "", "link": "", "who": ""} | cells
    keys = [*row, *(["note"] if "note" not in row else [])]
    return f"{','.join(keys)}\n{','.join(str(row.get(key, '')) for key in keys)}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (csv_row(item="sa9_cultur"), "e.csv, row 2, column item: 'sa9_cultur' is no item of the "
         "scheme; did you mean 'sa9_culture'"),
        (csv_row(item="sa3_atain_review"), "column item: 'sa3_atain_review' is not in the standard "
         "of y7, but of y5"),
        (csv_row(status="done"), "row 2, column status: 'done' is not one of achieved"),
        (csv_row(status=""), "row 2, column status: '' is not one of"),
        (csv_row(date="30/09/2025"), "column date: '30/09/2025' is not a date such as 2025-01-31"),
        (csv_row(date="20250930"), "column date: '20250930' is not a date"),
        (csv_row(date="2025-02-30"), "column date: '2025-02-30' is not a date"),
        (csv_row(item="sbl_6a", status="not applicable"), "column note: 'sbl_6a' is said not to "
         "apply; say why"),
        (csv_row(status="not applicable"), "column status: 'sa9_culture' is required, and the "
         "scheme knows no case in which it does not apply; say how it stands"),
        (csv_row(item="sa1_parent_views"), "column status: 'sa1_parent_views' is a statistic, "
         "which its figures decide; leave it out, or give 0 of 0 among the counts if there was"),
        (csv_row(item="sa5_one_to_one", status="in progress"), "which its figures decide; evidence "
         "may only say 'achieved', where an exception was agreed"),
        (csv_row(item="sa5_one_to_one"), "column note: 'sa5_one_to_one' is said to pass by an "
         "exception; say which"),
        ("item,state\nsa9_culture,achieved\n", "e.csv, row 1: 'state' is not known; did you mean"),
        ("item,item\n", "e.csv, row 1: 'item' stands there twice"),
        ("item,date\n", "e.csv has no column 'status'"),
        ("", "e.csv is empty"),
        ("<html><table>", "e.csv is a web page, not a CSV file"),
        ("item,status\nsa9_culture,achieved\nsa9_culture,achieved\n",
         "e.csv, row 3: the item 'sa9_culture' stands there twice"),
        ("item,status\nsa9_culture,achieved,a\n", "row 2 has 3 cells, more than the 2 columns"),
        ('item,status\n"sa9_culture"x,achieved\n', "is not CSV"),
    ],
)  # fmt: skip
def test_a_csv_says_where_it_is_wrong(keep, text, message):
    with pytest.raises(InputError) as caught:
        read_evidence(keep(text, "e.csv"), year="y7")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[evidence.sa9_culture]\nstatus = 1", "e.toml, [evidence.sa9_culture], status: must be "
         "text, not 1"),
        ("[evidence.sa9_culture]\nstatus = 'done'", "sa9_culture], status: 'done' is not one of"),
        ("[evidence.sa9_culture]\nby = 'x'", "[evidence.sa9_culture]: 'by' is not known"),
        ("[evidence.x]\nstatus = 'achieved'", "[evidence.x], item: 'x' is no item"),
        ("[evidence.sa9_culture]\nstatus='achieved'\ndate='today'", "'today' is not a date"),
        ("[evidence.sa9_culture]\nstatus='achieved'\ndate=3", "date: 3 is not a date"),
        ("[evidence]\nsa9_culture = 'achieved'", "must be a table with a status, not 'achieved'"),
        ("evidence = 1", "evidence must be written [evidence.ITEM]"),
        ("[sa9_culture]\nstatus = 'achieved'", "the key 'sa9_culture' is not known"),
        ("year = 'y6'", "e.toml is about the year 'y6', but y7 was asked for"),
        ("unit = 'RAX'", "e.toml is the evidence of 'RAX', but 'RJ1' was asked for"),
        ("[evidence", "e.toml is not valid TOML"),
    ],
)  # fmt: skip
def test_a_toml_says_where_it_is_wrong(keep, text, message):
    with pytest.raises(InputError) as caught:
        read_evidence(keep(text, "e.toml"), year="y7", unit="RJ1")
    assert message in str(caught.value)


def test_files_that_cannot_be_read(keep, tmp_path):
    with pytest.raises(InputError, match=r"none\.toml cannot be read \(No such file"):
        read_evidence(tmp_path / "none.toml", year="y7")
    with pytest.raises(OptionError, match=r"kept in a \.toml or \.csv file, not 'e\.xlsx'"):
        read_evidence(keep("x", "e.xlsx"), year="y7")
    with pytest.raises(InputError, match=r"e\.csv is not UTF-8 text"):
        read_evidence(keep("item,status,é", "e.csv", encoding="cp1252"), year="y7")
    with pytest.raises(OptionError, match=r"a template is written as \.toml or \.csv, not 'json'"):
        template("y7", form="json")


def test_an_exception_that_was_agreed_may_be_said(keep):
    text = csv_row(item="sa5_one_to_one", note="plan agreed by the Board on 2025-06-01")
    assert read_evidence(keep(text, "e.csv"), year="y7")["sa5_one_to_one"].status == "achieved"


@pytest.mark.parametrize("seed", range(60))
def test_a_mangled_file_is_refused_in_words_or_says_nothing_it_may_not(keep, seed):
    """Cut, shuffled and sprinkled: an error of ours, or statuses that exist; never a crash."""
    dice = random.Random(seed)
    form = dice.choice(["toml", "csv"])
    text = list(GOOD_TOML if form == "toml" else GOOD_CSV)
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(text))
        act = dice.choice(["drop", "swap", "put", "cut"])
        if act == "drop":
            del text[at]
        elif act == "swap":
            other = dice.randrange(len(text))
            text[at], text[other] = text[other], text[at]
        elif act == "put":
            text.insert(at, dice.choice('",\n[]=<\x00é7'))
        elif at > 20:
            del text[at:]
    try:
        kept = read_evidence(keep("".join(text), f"e.{form}"), year="y7")
    except (InputError, OptionError):
        return
    known = {item.id for item in scheme().of_year("y7")}
    assert set(kept) <= known
    assert {one.status for one in kept.values()} <= set(STATUSES)
