"""One page per chart type: its settings are those of the code, and its calls run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from spcbench.cli import main
from spcbench.plugin.host import PluginHost

FOLDER = Path(__file__).parents[2] / "docs" / "charts"
PAGES = sorted(path.stem for path in FOLDER.glob("*.md") if path.stem != "index")


def text_of(page):
    return (FOLDER / f"{page}.md").read_text(encoding="utf-8")


def test_every_built_in_chart_type_has_a_page_and_every_page_is_in_the_index():
    assert sorted(chart.id for chart in PluginHost().charts()) == PAGES
    listed = set(re.findall(r"\]\(([a-z_]+)\.md\)", text_of("index")))
    assert sorted(listed) == PAGES


@pytest.mark.parametrize("page", PAGES)
def test_the_settings_on_the_page_are_those_of_the_chart_type(page):
    told = dict(re.findall(r"^\| `(\w+)` \| (\S+) \|", text_of(page), re.M))
    known = PluginHost().chart(page).settings
    shown = {
        name: "no"
        if one.default is False
        else f"{one.default:g}"
        if isinstance(one.default, float)
        else str(one.default)
        for name, one in known.items()
    }
    assert told == shown


@pytest.mark.parametrize("page", [*PAGES, "index"])
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        assert (FOLDER / target.partition("#")[0]).exists(), target


@pytest.mark.parametrize("page", PAGES)
def test_the_calls_on_the_page_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    python, shell = re.findall(r"```(?:python|sh)\n(.*?)```", text_of(page), re.S)
    names = {}
    exec(compile(python, page, "exec"), names)
    assert names["charts"].summary["chart"].to_list() == [page]
    done = CliRunner().invoke(main, shlex.split(shell)[1:])
    assert done.exit_code == 0, done.output
    assert len(list(tmp_path.glob("*.png"))) == 1
