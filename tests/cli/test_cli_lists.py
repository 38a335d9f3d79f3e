"""The lists of what there is, for people and for programs."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest

from spcbench.measures.describing import pack_page
from spcbench.measures.measure import Composite, Measure
from spcbench.measures.pack import load_pack


def listed(run, *command):
    done = run(*command, "--json")
    assert done.exit_code == 0
    return json.loads(done.output)


def test_measures(run):
    rows = {row["measure"]: row for row in listed(run, "measures")}
    cord = rows["pop@2023:ocm"]
    assert (cord["better"], cord["counted_from"]) == ("higher", "records")
    assert "gestation_days" in cord["columns"]
    # A composite needs what its parts need.
    assert set(cord["columns"]) < set(rows["pop@2023:all_eligible"]["columns"])
    text = run("measures").output
    assert re.search(r"^pop@2023: .*, valid 2023/24 onward", text, re.M)
    assert re.search(r"^MEASURE +COUNTS +BETTER +TARGET +TITLE$", text, re.M)
    assert "pop@2023:ocm" in text
    assert "(not verified)" in text


TOML = """
[pack]
id = "own"
title = "Own"
version = "1"
record = "baby"

[[field]]
name = "given"
type = "boolean"

[[measure]]
id = "dose"
title = "Dose"
eligible = "TRUE"
met = "given"
better = "higher"
counts = "mother"
target = 0.85
target_verified = false
stretch = 0.9
verified = true
references = [{ value = 0.5, place = "England", period = "2022" }]
examples = [{ title = "given", record = { given = true }, expected = "met" }]
"""


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(TOML, encoding="utf-8")
    return str(path)


def test_the_measures_of_one_pack(run, own):
    assert run("measures", "--pack", own).output.splitlines() == [
        "own@1: Own",
        "MEASURE     COUNTS  BETTER  TARGET       TITLE",
        "own@1:dose  mother  higher  85 % / 90 %  Dose (target not verified)",
    ]
    named = {row["measure"].partition(":")[0] for row in listed(run, "measures", "--pack", "pop")}
    assert named == {"pop@2023"}
    done = run("measures", "--pack", "pip")
    assert done.exit_code == 2
    assert "there is no pack 'pip'; did you mean 'pop'" in done.stderr


def test_json_carries_every_key_of_a_measure(run, own):
    (dose,) = listed(run, "measures", "--pack", own)
    assert {one.name for one in dataclasses.fields(Measure)} <= set(dose)
    assert dose["references"] == [
        {
            "value": 0.5,
            "place": "England",
            "period": "2022",
            "source": "",
            "note": "",
            "verified": True,
        }
    ]
    assert dose["examples"] == [{"title": "given", "record": {"given": True}, "expected": "met"}]
    assert dose["pack"] == {"name": "own@1", "title": "Own", "valid": ""}
    both = next(row for row in listed(run, "measures") if row["measure"].endswith("all_eligible"))
    assert {one.name for one in dataclasses.fields(Composite)} <= set(both)


def test_the_page_of_a_pack(run, own):
    done = run("measures", "--pack", own, "--markdown")
    assert done.exit_code == 0
    assert done.stdout == pack_page(load_pack(own))
    for wrong, why in (
        (["--markdown"], "say which with --pack"),
        (["--markdown", "--json", "--pack", own], "do not go together"),
    ):
        done = run("measures", *wrong)
        assert done.exit_code == 2
        assert why in done.stderr


def test_no_page_tells_what_the_measures_do_not_make_of_an_example(run, own):
    text = Path(own).read_text(encoding="utf-8")
    assert text.count('expected = "met"') == 1
    text = text.replace('expected = "met"', 'expected = "outside"')
    Path(own).write_text(text, encoding="utf-8")
    done = run("measures", "--pack", own, "--markdown")
    assert (done.exit_code, done.stdout) == (1, "")
    assert (
        "own@1:dose: of the worked example 'given', outside is expected and met comes of it"
        in done.stderr
    )
    assert run("measures", "--pack", own).exit_code == 0


def test_measures_without_packs(run):
    from spcbench.plugin import PluginHost

    done = run("measures", host=PluginHost.of())
    assert "pip install spcbench-pop" in done.output


def test_rules_tell_their_false_alarms(run):
    (ours,) = [row for row in listed(run, "rules") if row["id"] == "mdc-2023-11"]
    assert [rule["id"] for rule in ours["rules"]] == ["3s", "trend7", "2of3", "run7"]
    assert ours["false_alarms"]["24"] == 0.154
    text = run("rules").output
    assert "  run7     7 or more points in a row on one side of the centre line" in text
    assert "15% of stable charts of 24 points show a signal by chance" in text


@pytest.mark.parametrize(
    ("command", "key", "expected"),
    [
        ("charts", "id", "p"),
        ("formats", "suffix", ".html"),
        ("readers", "id", "json-lines"),
        ("plugins", "name", "formats"),
    ],
)
def test_the_other_lists(run, command, key, expected):
    assert expected in [row[key] for row in listed(run, command)]
    heading, *rows = run(command).output.splitlines()
    assert heading == heading.upper()
    assert any(row.split()[0] == expected for row in rows)


def test_plugins_tell_why_one_failed(run):
    import types

    from spcbench.plugin import PluginHost

    done = run("plugins", host=PluginHost.of(types.ModuleType("mine"), strict=False))
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("mine")]
    assert "failed" in line
    assert "it declares no SPCBENCH_API" in line


def test_a_plugin_is_checked(run):
    done = run("plugins", "--check", "rule_sets")
    assert done.exit_code == 0, done.output
    assert "ok    rule set mdc-2023-11: " in done.output
    assert done.output.splitlines()[-1].endswith(" checks, 0 failed")


def test_a_broken_promise_is_exit_code_1(run, monkeypatch):
    import spcbench.testing

    def fails(self):
        raise AssertionError("chart p: it is crooked")

    monkeypatch.setattr(spcbench.testing.Check, "__call__", fails)
    done = run("plugins", "--check", "charts")
    assert done.exit_code == 1
    assert "FAIL  chart p: it is crooked" in done.output


def test_a_plugin_that_is_not_there(run):
    done = run("plugins", "--check", "chartz")
    assert done.exit_code == 2
    assert "there is no plugin 'chartz'; did you mean 'charts'?" in done.stderr
