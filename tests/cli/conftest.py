"""Run the program, inside this process or in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from spcbench.cli import main
from spcbench.plugin import PluginHost

HEADER = "measure,unit,period,numerator,denominator\n"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run ``run("chart", "counts.csv", ...)`` in an empty folder, with its host's plugins."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, host: PluginHost | None = None):
        host = host or PluginHost.of(*_plugins())
        return CliRunner().invoke(main, [str(one) for one in arguments], obj=host)

    return run


def _plugins():
    return [pytest.importorskip("spcbench_pop"), pytest.importorskip("spcbench_html")]


@pytest.fixture
def run_alone(tmp_path):
    """Run Python code or the program in an interpreter of its own; gives the finished process."""

    def run_alone(*arguments: str, code: str = "", **environment: str):
        command = [sys.executable, "-c", code or "from spcbench.cli import main; main()"]
        source = str(Path(__file__).parents[2] / "src")
        paths = [source, *filter(None, [os.environ.get("PYTHONPATH")])]
        return subprocess.run(
            [*command, *arguments],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths), **environment},
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )

    return run_alone


@pytest.fixture
def written(tmp_path):
    """Write a table of counts from its rows; gives the file's name."""

    def written(*rows: str, name: str = "counts.csv", header: str = HEADER) -> str:
        text = header + "".join(f"{row}\n" for row in rows)
        (tmp_path / name).write_text(text, encoding="utf-8")
        return name

    return written


@pytest.fixture
def two_years(written):
    """Counts of two units over 24 months; the last month of A is far too low."""
    rows = [
        f"early_milk,{unit},{2022 + month // 12}-{month % 12 + 1:02d}-01,"
        f"{5 if (unit, month) == ('A', 23) else 80 + month % 3},100"
        for unit in ("A", "B")
        for month in range(24)
    ]
    return written(*rows)
