"""Plugins for the tests: real distributions on `sys.path`, found as installed ones are."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

HEADER = """
from spcbench.plugin import ChartType, OutputFormat, Pack, Reader, Rule, RuleSet, hookimpl
from types import SimpleNamespace

SPCBENCH_API = 1

def pack(id="audit", version="2023", measures=("one",)):
    return Pack(id=id, title=id, version=version, record="baby", measures=tuple(
        MEASURE(name) for name in measures))

class MEASURE:
    columns = frozenset()
    def __init__(self, id):
        self.id = self.title = id

def chart(id="p"):
    return ChartType(id=id, title=id, source="", limits=print,
                     uses_denominator=True, uses_order=False)

def rule_set(id="mine-2024"):
    return RuleSet(id=id, title=id, source="", rules=(Rule(id="r", title="r", detect=print),))

def reader(id="lines"):
    return Reader(id=id, title=id, suffixes=(".txt",), sniff=print, read=print)

def output(id="page", suffix=".page"):
    return OutputFormat(id=id, title=id, suffix=suffix, media_type="text/plain", render=print)
"""

Install = Callable[..., None]


@pytest.fixture
def write_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Write an importable module: a header that makes records easily, then the source."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    written: list[str] = []

    def write(module: str, source: str = "", *, header: str = HEADER) -> None:
        (site / f"{module}.py").write_text(header + dedent(source), encoding="utf-8")
        written.append(module)
        importlib.invalidate_caches()

    yield write
    for module in written:
        sys.modules.pop(module, None)


@pytest.fixture
def install(tmp_path: Path, write_module: Install) -> Install:
    """Install a distribution of one plugin: its module and its dist-info folder."""

    def install_one(
        name: str,
        source: str = "",
        *,
        distribution: str | None = None,
        module: str | None = None,
        header: str = HEADER,
    ) -> None:
        distribution = distribution or f"spcbench-{name}"
        module = module or f"plugin_{name}_module".replace("-", "_")
        write_module(module, source, header=header)
        info = tmp_path / "site" / f"{distribution.replace('-', '_')}-1.5.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.5\n", encoding="utf-8"
        )
        (info / "entry_points.txt").write_text(f"[spcbench]\n{name} = {module}\n", encoding="utf-8")
        importlib.invalidate_caches()

    return install_one
