"""`spcbench rules`: the list, one set, and its simulated false alarms."""

from __future__ import annotations

import json

import pytest


def said(run, *arguments: str) -> str:
    done = run("rules", *arguments)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_list_has_every_set_and_its_chances(run):
    text = said(run)
    for name in ("mdc-2023-11", "mdc-2019", "nelson-1984", "ihi-run", "anhoej-2014"):
        assert f"\n{name}: " in f"\n{text}"
    assert "  longest-run A run on one side" in text
    assert "37% of stable charts of 24 points show a signal by chance" in text
    rows = json.loads(said(run, "--json"))
    assert rows[0]["id"] == "mdc-2023-11"
    assert {row["ties"] for row in rows} == {"break", "skip"}


def test_one_set_in_full(run):
    text = said(run, "nelson-1984")
    assert text.startswith("nelson-1984: Nelson's eight tests")
    assert "western" not in text
    assert "  one false signal in 74 points on average" in text
    assert "  A point on the centre line ends a run." in text
    assert "  On measurements only, not on counts: 2of3, 4of5, 15in, 8out." in text
    assert "  Source: Nelson (1984), Journal of Quality Technology 16: to check." in text
    (row,) = json.loads(said(run, "nelson-1984", "--json"))
    assert (row["arl0"], "simulated" in row) == (73.5, False)


def test_a_set_about_the_chart_as_a_whole(run):
    text = said(run, "ihi-run")
    assert "  A point on the centre line neither ends a run nor counts." in text
    assert "  About the chart as a whole, marking no point: few-runs, many-runs." in text
    assert "on average" not in text


def test_the_simulation_in_plain_words(run):
    text = said(run, "western-electric-1956", "--arl", "--runs", "2000", "--seed", "7")
    assert (
        "Simulated with 2,000 series of independent normal points (seed 7); "
        "± is the standard error of the simulation." in text
    )
    assert "  With known limits the first false signal comes after " in text
    assert " points on average (± " in text
    assert "  With the mean and limits taken from the same points:" in text
    assert text.count(" points show a false signal, ") == 4
    assert text == said(run, "western-electric-1956", "--arl", "--runs", "2000", "--seed", "7")
    assert text != said(run, "western-electric-1956", "--arl", "--runs", "2000", "--seed", "8")


def test_the_simulation_for_programs(run):
    (row,) = json.loads(said(run, "western-electric-1956", "--arl", "--runs", "2000", "--json"))
    found = row["simulated"]
    assert (found["runs"], found["seed"], found["centre"], found["reason"]) == (
        2000,
        1,
        "mean",
        None,
    )
    length = found["average_run_length"]
    assert abs(length["mean"] - 91.75) < 4 * length["standard_error"]
    assert length["unfinished"] == 0
    assert [one["points"] for one in found["charts"]] == [12, 24, 36, 60]
    for one in found["charts"]:
        told = row["false_alarms"][str(one["points"])]
        assert abs(one["any_signal"] - told) < 4 * (one["any_signal_standard_error"] + 0.002)
        assert 0 < one["latest"] < one["any_signal"]


@pytest.mark.parametrize("name", ["anhoej-2014", "ihi-run"])
def test_a_set_without_an_average_run_length_says_why(run, name):
    text = said(run, name, "--arl", "--runs", "200")
    assert (
        "  No average run length: the limits of some of its rules move with the number of points"
        in text
    )
    assert "  With the median and limits taken from the same points:" in text
    (row,) = json.loads(said(run, name, "--arl", "--runs", "200", "--json"))
    assert row["simulated"]["average_run_length"] is None
    assert row["simulated"]["reason"].startswith("the limits of some of its rules move")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nelson-1948"], "there is no rule set 'nelson-1948'; did you mean 'nelson-1984'?"),
        (["--arl"], "--arl simulates one rule set; say which: spcbench rules NAME --arl"),
        (["wheeler", "--arl", "--runs", "2"], "2 is not in the range 100<=x<=1000000"),
        (["wheeler", "--arl", "--seed", "-1"], "-1 is not in the range x>=0"),
    ],
)
def test_what_is_asked_wrongly(run, arguments, message):
    done = run("rules", *arguments)
    assert done.exit_code == 2
    assert message in done.stderr


def test_a_rule_that_fails_names_its_plugin(run):
    import types

    from spcbench.plugin import PluginHost, Rule, RuleSet, hookimpl

    def breaks(value, z, side, segments):
        raise ValueError("no such thing")

    rule_set = RuleSet(
        id="mine", title="Mine", source="", rules=(Rule(id="bad", title="Bad", detect=breaks),)
    )
    module = types.ModuleType("my_rules")
    module.SPCBENCH_API = 1
    module.spcbench_rule_sets = hookimpl(lambda: [rule_set])
    done = run("rules", "mine", "--arl", host=PluginHost.of(module))
    assert done.exit_code == 1
    assert "rule set 'mine' of plugin 'my_rules' failed: ValueError: no such thing" in done.stderr
