"""The page "Write a plugin" says what the code does."""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from pathlib import Path

import pytest

from spcbench import plugin
from spcbench.plugin import hookspecs
from spcbench.plugin.host import BUILTINS
from spcbench.testing.checks import PROMISES, leaves_global_state_alone, loads, offers_something

PAGE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_every_hook_stands_there_with_its_exact_signature():
    hooks = inspect.getmembers(hookspecs, inspect.isfunction)
    expected = {
        f"{name}{inspect.signature(hook)}".replace("'", "")
        for name, hook in hooks
        if name.startswith("spcbench_")
    }

    assert len(expected) == 6
    assert set(blocks("text")[0].splitlines()) == expected


def test_every_hook_says_since_when():
    for name in re.findall(r"spcbench_\w+", blocks("text")[0]):
        assert "Since API version 1." in getattr(hookspecs, name).__doc__


def test_every_record_stands_there_with_its_fields_in_order():
    for line in blocks("text")[1].splitlines():
        name = line.partition("(")[0]
        assert (
            line == f"{name}({', '.join(map(written, dataclasses.fields(getattr(plugin, name))))})"
        )


def written(field: dataclasses.Field) -> str:
    if field.default is not dataclasses.MISSING:
        return f"{field.name}={field.default!r}"
    if field.default_factory is not dataclasses.MISSING:
        return f"{field.name}={field.default_factory()!r}"
    return field.name


def test_the_names_of_the_built_ins_are_told():
    for module in BUILTINS:
        assert f"`{module.rpartition('.')[2]}`" in PAGE


def test_every_check_is_named():
    promises = [loads, offers_something, leaves_global_state_alone]
    promises += [promise for each in PROMISES.values() for promise in each]

    table = PAGE[PAGE.index("| of | the checks |") :]
    for promise in promises:
        assert promise.__name__.replace("_", " ") in table


@pytest.fixture
def ward(tmp_path, monkeypatch):
    folder = tmp_path / "spcbench_ward"
    folder.mkdir()
    (folder / "__init__.py").write_text(blocks("python")[0], encoding="utf-8")
    (folder / "ward.toml").write_text(blocks("toml")[0], encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("spcbench_ward", None)


def test_the_example_passes_its_own_tests(ward):
    namespace: dict = {}
    exec(blocks("python")[1], namespace)

    checks = namespace["plugin_checks"](namespace["spcbench_ward"])
    assert {str(check).partition(":")[0] for check in checks} == {
        "plugin spcbench_ward",
        "pack ward@2024",
        "rule set ward-2024",
    }
    for check in checks:
        namespace["test_conforms"](check)
    namespace["test_worked_example"]()
