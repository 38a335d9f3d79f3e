"""The page on PERIPrem's workbooks says what is so, and what it shows runs."""

from __future__ import annotations

import importlib.util
import re
import shlex
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import CliRunner

from spcbench.cli import main
from spcbench.plugin import default_host
from spcbench_pop.periprem_layout import COLUMNS, HEADING_ROWS, SHEET

PAGE = Path(__file__).parents[3] / "docs" / "periprem.md"


def _beside(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


books = _beside("periprem_books")


@pytest.fixture(scope="module")
def page():
    if not PAGE.exists():
        pytest.skip("the pages of spcbench are not beside this plugin")
    return PAGE.read_text(encoding="utf-8")


@pytest.fixture
def desk(tmp_path, monkeypatch):
    (tmp_path / "tools").mkdir()
    for code, seed in (("YEO", 1), ("GLO", 2)):
        for place, month in enumerate(("APR", "MAY")):
            rows = books.babies(10 * seed + place, 20)
            rows[7]["cord_mgt"] = None
            books.write_book(
                tmp_path / "tools" / f"{month} 2024 - {code}.xlsx", rows, month=None, trust=None
            )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_rule_is_on_the_page_in_its_own_words(page):
    told = re.findall(r"^\| `(form_\w+)` \| (.+) \|$", page, re.M)
    checks = default_host().pack("periprem@2021").checks
    assert told == [(one.id, one.title) for one in checks if one.id.startswith("form_")]


def test_what_the_commands_and_the_code_make(page, desk):
    commands, code = re.findall(r"```(?:python)?\n(.*?)```", page, re.S)
    for line in commands.replace("\\\n", " ").splitlines():
        done = CliRunner().invoke(main, shlex.split(line)[1:])
        assert done.exit_code == 0, f"{line}\n{done.output}"
    assert {"to-fix.csv", "to-fix.units.csv", "counts.csv", "periprem.html"} <= {
        one.name for one in desk.iterdir()
    }
    space = {}
    exec(compile(code, "docs/periprem.md", "exec"), space)
    for name in ("failures", "summary"):
        told = re.search(rf"^{name} = .*# (.+)$", code, re.M)
        assert told[1].split(", ") == list(space[name].columns)
    assert space["summary"]["set_aside"].tolist() == [1] * 4
    assert (desk / "YEO-to-fix.csv").exists()


def test_the_layout_on_the_page_is_that_of_the_reader(page):
    assert f"`{SHEET}`" in page
    assert f"rows 1 to {HEADING_ROWS} |" in page
    assert f"rows {HEADING_ROWS + 1} onward" in page
    assert [one.letter for one in COLUMNS] == list("ABCDEFGHIJKLMNOPQRSTUVWX")
    assert [one.name for one in COLUMNS] == list(books.NAMES)


def test_the_values_on_the_page_are_those_of_the_profile(page):
    profile = files("spcbench_pop").joinpath("profiles", "periprem.toml").read_text("utf-8")
    made = {one["name"]: one["from"] for one in tomllib.loads(profile)["column"]}
    days = re.findall(r"WHEN '([^']+)' THEN (\d+)", made["ga_days"])
    grams = re.findall(r"WHEN '([^']+)' THEN (\d+)", made["birthweight_g"])
    assert [word for word, _ in days] == list(books.GESTATIONS)
    assert [word for word, _ in grams] == list(books.WEIGHTS)
    assert "| `<26+6` | 188 days" in page
    assert ", ".join(day for _, day in days[1:]) + " days" in page
    assert ", ".join(weight for _, weight in grams) + " g" in page
    assert all(one.get("sure") for one in tomllib.loads(profile)["column"])
