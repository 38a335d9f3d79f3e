"""What the pages about the scheme say is so."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from spcbench.cli import main
from spcbench_mis.cqim_rules import metric_rules
from spcbench_mis.evidence import STATUSES
from spcbench_mis.scheme_page import measures_page
from spcbench_mis.scorecard_words import ITEM_WORDS

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture(scope="module")
def page():
    return (DOCS / "mis.md").read_text(encoding="utf-8")


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", page, re.S)


def test_eleven_of_the_metrics_count_and_the_page_names_the_others():
    rules = metric_rules()
    others = [name for name, rule in rules.items() if not rule.counts_towards_sa2]
    assert (len(rules), others) == (13, ["CQIMBWOI", "CQIMBreastfeeding6to8Weeks"])
    tail = " ".join(measures_page().partition("## Entries that are not here")[2].split())
    assert (
        "Eleven of them count towards `sa2_cqims_passed`; births without intervention and "
        "breastfeeding at six to eight weeks do not."
    ) in tail


def test_the_page_tells_exceptions_with_their_years():
    lines = measures_page().splitlines()
    (nurses,) = [one for one in lines if one.startswith("- `sa8_nls_nurses`")]
    assert "Exception (Y5): 80 % was accepted" in nurses
    assert "Rotational" not in nurses
    (doctors,) = [one for one in lines if one.startswith("- `sa8_fm_doctors`")]
    assert "Exception (Y7): Rotational medical staff who started on or after 1 July 2025" in doctors
    (teams,) = [one for one in lines if one.startswith("- `sa2_coc_prof_team`")]
    assert "Does not apply where all midwifery continuity of carer pathways are suspended" in teams


def test_the_list_of_measures_is_that_of_the_data():
    told = (DOCS / "measures-mis.md").read_text(encoding="utf-8")
    assert told == measures_page(), "write it anew with python -m spcbench_mis.scheme_page"


def test_every_example_runs_in_an_empty_folder_from_the_top(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written, ran = set(), 0
    parts = re.split(r"```(\w+)\n(.*?)```", page, flags=re.S)
    for before, language, block in zip(parts[::3], parts[1::3], parts[2::3], strict=False):
        if language in ("csv", "toml"):
            # A file is called what the words above it call it.
            name = re.findall(rf"`([\w-]+\.{language})`", before)[-1]
            (tmp_path / name).write_text(block, encoding="utf-8")
            written.add(name)
            continue
        assert language == "sh", f"a block of {language} that nothing runs"
        for line in filter(None, block.splitlines()):
            done = CliRunner().invoke(main, shlex.split(line)[1:])
            assert done.exit_code == 0, f"{line}\n{done.output}"
            ran += 1
    assert {"counts.csv", "evidence.toml", "staff.csv", "events.csv", "cases.csv"} <= written
    assert ran == page.count("\nspcbench ")
    card = (tmp_path / "scorecard.html").read_text(encoding="utf-8")
    assert "At risk: 24 expected, 9 still due: 8 of them must succeed" in card
    assert "At risk: below the mark; an exception is agreed" in card
    forecast = pd.read_csv(tmp_path / "forecast.csv")
    assert forecast["in_date"].to_list() == [2, 2, 2, 1, 3, 3, 2, 2]


def test_the_words_are_those_of_the_code(page):
    verdicts = page.partition("| verdict | when |")[2].partition("\n\n")[0]
    told = [word.strip() for row in verdicts.splitlines()[2:]
            for word in row.split("|")[1].split(",")]  # fmt: skip
    assert set(told) == set(ITEM_WORDS.values()) - {
        ITEM_WORDS["met_by_exception"], "In progress", "Not applicable"
    }  # fmt: skip
    for status in STATUSES:
        assert f"`{status}`" in page.replace("\n", " ")
