"""The pages say what the packs say, and the code on them runs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

import spcbench_pop
from spcbench.cli import main
from spcbench.measures.measure import Measure
from spcbench.testing.births import write_births

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "perinatal.md"
PACKS = {pack.name: pack for pack in spcbench_pop.spcbench_packs()}


@pytest.mark.parametrize("name", PACKS)
def test_the_page_of_a_pack_is_what_the_command_prints(name):
    page = ROOT / "docs" / "measures" / f"{name.replace('@', '-')}.md"
    done = CliRunner().invoke(main, ["measures", "--pack", name, "--markdown"])

    assert done.exit_code == 0, done.output
    assert page.read_text(encoding="utf-8") == done.output, "print it afresh: make measures"


def test_every_pack_is_on_the_page_with_its_elements():
    text = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[`([^`]+)`\]\(([^)]+)\) \|[^|]*\| ([^|]*) \| (\d+) \|", text, re.M)

    assert {(name, page, int(number)) for name, page, _, number in rows} == {
        (name, f"measures/{name.replace('@', '-')}.md", elements(pack))
        for name, pack in PACKS.items()
    }


def elements(pack):
    return sum(isinstance(one, Measure) for one in pack.measures)


def test_make_prints_every_pack():
    (listed,) = re.findall(r"^PACKS := (.*)$", (ROOT / "Makefile").read_text("utf-8"), re.M)

    assert sorted(listed.split()) == sorted(PACKS)


def test_the_code_on_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_births(tmp_path / "births.csv")
    text = PAGE.read_text(encoding="utf-8")
    for line in re.findall(r"^spcbench .*$", text, re.M):
        done = CliRunner().invoke(main, shlex.split(line)[1:])
        assert done.exit_code == 0, f"{line}\n{done.output}"
    found: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", text, re.S):
        exec(compile(block, PAGE.name, "exec"), found)

    assert {"NICU", "LNU"} <= set(found["funnels"].summary["group"])
