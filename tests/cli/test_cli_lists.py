"""The lists of what there is, for people and for programs."""

from __future__ import annotations

import json

import pytest


def listed(run, command):
    done = run(command, "--json")
    assert done.exit_code == 0
    return json.loads(done.output)


def test_measures(run):
    rows = {row["measure"]: row for row in listed(run, "measures")}
    cord = rows["pop@2023:ocm"]
    assert (cord["better"], cord["counted_from"]) == ("higher", "records")
    assert cord["columns"] == ["cord_clamp_seconds", "ga_days"]
    # A composite needs what its parts need.
    assert set(cord["columns"]) < set(rows["pop@2023:all_eligible"]["columns"])
    text = run("measures").output
    assert text.startswith("MEASURE")
    assert "pop@2023:ocm" in text
    assert "(definition to be checked)" in text


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
