"""The page about the files runs, and its tables say what the packs say."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

import spcbench_mis
from spcbench.cli import main
from spcbench_mis.cqim_rules import metric_rules
from spcbench_mis.monthly_rows import PUBLISHED, STATUSES

PAGE = Path(__file__).parents[3] / "docs" / "msds-files.md"


@pytest.fixture(scope="module")
def text():
    if not PAGE.exists():
        pytest.skip("the pages are not beside the plugin")
    return PAGE.read_text(encoding="utf-8")


def table(text, heading):
    """Rows of the table whose first column is called so."""
    found = re.search(rf"^\| {re.escape(heading)} \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, re.MULTILINE)
    return [
        [cell.strip() for cell in line.strip("|\n").split("|")] for line in found[1].splitlines()
    ]


def test_the_page_runs(text, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    scope = {}
    for language, block in re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL):
        if language == "python":
            exec(compile(block, str(PAGE), "exec"), scope)
        else:
            for line in block.splitlines():
                done = CliRunner().invoke(main, shlex.split(line)[1:])
                assert done.exit_code == 0, done.output
    printed = capsys.readouterr().out
    assert "Pass\nFail\n" in printed
    assert "Group 3. 4,000 or more" in printed
    assert {"pph.png", "fed.png"} <= {path.name for path in tmp_path.iterdir()}


def test_the_states_of_a_figure(text):
    rows = table(text, "`published`")
    assert [row[0].strip("`") for row in rows] == list(PUBLISHED)
    assert [row[2].strip("`") for row in rows] == list(STATUSES)


def test_the_metrics(text):
    rules = metric_rules()
    rows = table(text, "metric")
    expected = [
        [
            f"`{one.id}`",
            str(rules[one.indicator].window or "not known"),
            str(rules[one.indicator].lag),
            f"{one.per:,}",
            one.better,
        ]
        for one in spcbench_mis.indicator_packs()[0].measures
    ]
    assert rows == expected
