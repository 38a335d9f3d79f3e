"""What the pages about the scheme say is so."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from spcbench.cli import main
from spcbench_mis.evidence import STATUSES
from spcbench_mis.scheme_page import measures_page
from spcbench_mis.scorecard_words import ITEM_WORDS

DOCS = Path(__file__).parents[3] / "docs"
EVENTS = [0, 1, 0, 2, 0, 0, 1, 0, 0, 1, 0, 3]


@pytest.fixture(scope="module")
def page():
    return (DOCS / "mis.md").read_text(encoding="utf-8")


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", page, re.S)


def test_the_list_of_measures_is_that_of_the_data():
    told = (DOCS / "measures-mis.md").read_text(encoding="utf-8")
    assert told == measures_page(), "write it anew with python -m spcbench_mis.scheme_page"


def test_the_examples_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "counts.csv").write_text(blocks(page, "csv")[0], encoding="utf-8")
    (tmp_path / "evidence.toml").write_text(blocks(page, "toml")[0], encoding="utf-8")
    (tmp_path / "staff.csv").write_text(
        "staff,measure,attended\na,sa8_fm_midwives,2024-10-15\nb,sa8_fm_midwives,\n", "utf-8"
    )
    months = pd.date_range("2025-01-01", periods=12, freq="MS")
    pd.DataFrame(
        {"measure": "mis-events:term_death", "unit": "RJ121", "period": months,
         "numerator": EVENTS, "denominator": 300}
    ).to_csv("events.csv", index=False)  # fmt: skip
    days = pd.date_range("2024-01-05", periods=20, freq="17D").strftime("%Y-%m-%d")
    pd.DataFrame({"trust": "RJ1", "day": days, "pmrt_eligible": "true"}).assign(
        mnsi_qualifying="false", term_death="false"
    ).to_csv("cases.csv", index=False)
    for block in blocks(page, "sh"):
        for line in filter(None, block.splitlines()):
            done = CliRunner().invoke(main, shlex.split(line)[1:])
            assert done.exit_code == 0, f"{line}\n{done.output}"
    card = (tmp_path / "scorecard.html").read_text(encoding="utf-8")
    assert "At risk: 1 of the cases to come may fail" in card
    assert ITEM_WORDS["met_by_exception"] in card


def test_the_words_are_those_of_the_code(page):
    verdicts = page.partition("| verdict | when |")[2].partition("\n\n")[0]
    told = [word.strip() for row in verdicts.splitlines()[2:]
            for word in row.split("|")[1].split(",")]  # fmt: skip
    assert set(told) == set(ITEM_WORDS.values()) - {
        ITEM_WORDS["met_by_exception"], "In progress", "Not applicable"
    }  # fmt: skip
    for status in STATUSES:
        assert f"`{status}`" in page.replace("\n", " ")
