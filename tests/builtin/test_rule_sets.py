"""The built-in rule sets: what they hold, where they fire, and how often by chance."""

from __future__ import annotations

import csv
import itertools
import math
import pickle
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from spcbench.cli import main
from spcbench.errors import PluginError
from spcbench.numeric import rules as detectors
from spcbench.numeric.false_alarms import average_run_length, chance_of_any
from spcbench.numeric.segments import Segments
from spcbench.plugin import PluginHost, Rule, RuleSet

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT.parent / "shared" / "golden"
HOST = PluginHost(discover=False)
SETS = {one.id: one.record for one in HOST.rule_sets()}
PAGE = ROOT / "docs" / "rules.md"

HOLD = {
    "mdc-2023-11": ["3s", "trend7", "2of3", "run7"],
    "mdc-2019": ["3s", "trend7", "2of3", "run7"],
    "western-electric-1956": ["3s", "2of3", "4of5", "run8"],
    "nelson-1984": ["3s", "run9", "trend6", "14alt", "2of3", "4of5", "15in", "8out"],
    "ihi-shewhart": ["3s", "run8", "trend6", "2of3", "15in"],
    "ihi-run": ["shift6", "trend5", "few-runs", "many-runs"],
    "wheeler": ["3s", "3of4", "run8"],
    "anhoej-2014": ["longest-run", "crossings"],
    "montgomery": ["3s", "2of3", "4of5", "run8", "trend6", "15in", "14alt", "8out"],
}
WHOLE_CHART = {"ihi-run", "anhoej-2014"}


def golden(name: str) -> list[dict[str, str]]:
    if not (GOLDEN / name).exists():
        pytest.skip("the golden folder is not beside this repository")
    with (GOLDEN / name).open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def numbers(rows, name):
    return np.array([float(row[name]) if row[name] else math.nan for row in rows])


def fired(rule_set: RuleSet, z, lengths=None) -> dict[str, np.ndarray]:
    """Where each rule fires on scores round a centre of 0."""
    score = np.asarray(z, dtype=np.float64)
    side = np.nan_to_num(np.sign(score)).astype(np.int8)
    segments = Segments.from_lengths([score.size] if lengths is None else lengths)
    return {rule.id: rule.detect(score, score, side, segments) for rule in rule_set.rules}


# ------------------------------------------------------------------------ what they hold


def test_the_sets_and_their_rules_in_order_of_precedence():
    assert {name: [rule.id for rule in one.rules] for name, one in SETS.items()} == HOLD


def test_the_default_set_comes_first_and_is_as_it_was():
    assert next(iter(SETS)) == "mdc-2023-11"
    default = SETS["mdc-2023-11"]
    assert default.any_signal == {12: 0.048, 24: 0.154, 36: 0.261, 60: 0.438}
    assert (default.arl0, default.ties) == (86.0, "break")


def test_what_points_on_the_centre_line_do():
    assert {name for name, one in SETS.items() if one.ties == "skip"} == WHOLE_CHART


def test_what_each_rule_suits():
    measured = {
        (name, rule.id)
        for name, one in SETS.items()
        for rule in one.rules
        if rule.suits == "measured"
    }
    assert measured == {("nelson-1984", rule_id) for rule_id in ("2of3", "4of5", "15in", "8out")}
    for one in SETS.values():
        for rule in one.rules:
            assert (rule.suits == "any") == (rule.id == "3s")


def test_how_each_rule_is_judged():
    for one in SETS.values():
        for rule in one.rules:
            expected = "direction" if rule.id.startswith("trend") else "side"
            if rule.id in {"crossings", "few-runs", "many-runs"}:
                expected = "chart"
            if rule.id in {"14alt", "15in", "8out"}:
                expected = "none"
            assert rule.judged_by == expected, rule.id
            across = rule.judged_by == "chart" or rule.id == "longest-run"
            assert rule.across_gaps == across, rule.id


def test_how_far_apart_the_points_of_one_firing_may_stand():
    reach = {rule.id: rule.reach for one in SETS.values() for rule in one.rules}
    assert {name: reach[name] for name in ("3s", "2of3", "3of4", "4of5")} == {
        "3s": 0,
        "2of3": 2,
        "3of4": 3,
        "4of5": 4,
    }
    for name in ("run7", "run8", "run9", "trend6", "trend7", "14alt", "15in", "8out"):
        assert reach[name] == 1
    # Points that are passed over lie between those of one firing, however many.
    assert min(reach[name] for name in ("shift6", "trend5", "longest-run")) > 1000


def test_sources_that_nobody_has_opened_say_so():
    for name in ("western-electric-1956", "nelson-1984", "montgomery", "ihi-run"):
        assert "to check" in SETS[name].source


def test_the_rules_can_be_sent_to_another_process():
    for one in SETS.values():
        for rule in pickle.loads(pickle.dumps(one)).rules:
            assert callable(rule.detect)


# ------------------------------------------------------------------------ where they fire

PATTERNS = {
    "3s": [0.1, -3.1, 0.1],
    "run7": [-0.1] + [0.1, 0.2] * 3 + [0.1, -0.1],
    "run8": [-0.1] + [0.1, 0.2] * 4 + [-0.1],
    "run9": [-0.1] + [0.1, 0.2] * 4 + [0.1, -0.1],
    "trend5": [0.5, -0.3, -0.2, 0.1, 0.2, 0.3, -0.1],
    "trend6": [0.5, -0.3, -0.2, -0.1, 0.1, 0.2, 0.3, -0.1],
    "trend7": [0.5, -0.3, -0.2, -0.1, 0.1, 0.2, 0.3, 0.4, -0.1],
    "2of3": [0.1, 2.1, 0.2, 2.2, -0.1],
    "3of4": [0.1, 1.6, 1.7, -0.2, 1.6, -0.1],
    "4of5": [0.1, -1.1, -1.2, 0.2, -1.1, -1.2, 0.1],
    "14alt": [3.0] + [2.0, -2.0] * 7 + [-2.5],
    "15in": [1.1] + [0.9, 0.8, -0.9] * 5 + [1.2],
    "8out": [0.1] + [1.1, 1.2, -1.3, -1.4] * 2 + [0.1],
    "shift6": [-0.1, 0.1, 0.0, 0.2, 0.1, 0.2, 0.0, 0.1, 0.3, -0.1],
}


@pytest.mark.parametrize("name", PATTERNS)
def test_a_rule_fires_on_its_pattern_and_not_on_one_point_less(name):
    pattern = PATTERNS[name]
    for one in SETS.values():
        for rule in one.rules:
            if rule.id != name:
                continue
            assert fired(one, pattern)[name].any(), one.id
            # Take the points of the signal away one after another: each one was needed.
            needed = np.flatnonzero(fired(one, pattern)[name])[-1]
            assert not fired(one, pattern[:needed])[name].any(), one.id


def test_a_set_of_the_other_kind_of_two_of_three():
    z = [2.1, 0.5, 3.1, -0.1]
    assert fired(SETS["mdc-2023-11"], z)["2of3"].tolist() == [True, False, True, False]
    assert not fired(SETS["mdc-2019"], z)["2of3"].any()
    z = [2.1, -0.5, 2.1, -0.1]
    assert not fired(SETS["mdc-2023-11"], z)["2of3"].any()
    assert fired(SETS["western-electric-1956"], z)["2of3"].tolist() == [True, False, True, False]


# What fires on these even so: rules that pass over missing points see 12 in a row above, and
# 12 that change sides every time are more runs than chance allows.
QUIET = {
    "none": ([], set()),
    "one": ([0.5], set()),
    "two": ([0.5, -0.5], set()),
    "no data": ([math.nan] * 24, set()),
    "on the centre": ([0.0] * 24, set()),
    "alternating gaps": ([0.5, math.nan] * 12, {"longest-run", "crossings"}),
    "to and fro": ([math.nan, *[0.4, -0.6] * 6], {"many-runs"}),
}


@pytest.mark.parametrize("name", HOLD)
@pytest.mark.parametrize(("z", "but"), QUIET.values(), ids=QUIET)
def test_where_nothing_fires(name, z, but):
    found = fired(SETS[name], z, lengths=None if z else [])
    assert all(flags.shape == (len(z),) for flags in found.values())
    assert {rule for rule, flags in found.items() if flags.any()} <= but


def test_alternating_gaps_hide_nothing_from_the_longest_run():
    found = fired(SETS["anhoej-2014"], [0.5, math.nan] * 12)
    known = [True, False] * 12
    assert found["longest-run"].tolist() == known
    assert found["crossings"].tolist() == known


# ------------------------------------------------------------------------ another tool


def ptd_stack():
    """NHSRplotthedots 0.2.2: its points, their phases, score and side from its own limits."""
    rows = golden("ptd_points.csv")
    keys = [(row["case_id"], row["f"], row["rebase_group"]) for row in rows]
    breaks = np.array([True, *(a != b for a, b in itertools.pairwise(keys))])
    value, centre = numbers(rows, "y"), numbers(rows, "mean_col")
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (value - centre) / ((numbers(rows, "upl") - numbers(rows, "lpl")) / 6.0)
    return rows, value, z, detectors.side_of(value, centre), Segments.from_breaks(breaks)


def test_every_point_has_the_label_of_nhsrplotthedots():
    """2,053 points of 51 cases, one label each, the first rule that fires giving it."""
    rows, value, z, side, segments = ptd_stack()
    flags = {r.id: r.detect(value, z, side, segments) for r in SETS["mdc-2019"].rules}
    # A trend goes the way of the step out of a point, for its last point of the step into it.
    out = np.sign(np.append(np.diff(value), 0.0))
    into = np.sign(np.insert(np.diff(value), 0, 0.0))
    goes_on = np.append(flags["trend7"][1:], False)
    goes_on[segments.lasts] = False
    rising = np.where(goes_on, out, into) > 0
    words = {
        "3s": np.where(side > 0, "Above UCL", "Below LCL"),
        "trend7": np.where(rising, "7 Point Trend (Increasing)", "7 Point Trend (Decreasing)"),
        "2of3": np.where(side > 0, "2 in 3 Above CL", "2 in 3 Below CL"),
        "run7": np.where(side > 0, "7 Points Above CL", "7 Points Below CL"),
    }
    label = np.full(len(rows), "Common Cause", dtype=object)
    for name in reversed(flags):
        label[flags[name]] = words[name][flags[name]]
    theirs = [row["special_cause_type"] for row in rows]
    assert label.tolist() == theirs
    assert len(theirs) == 2053


def test_two_of_three_before_november_2023_found_fewer():
    _, value, z, side, segments = ptd_stack()
    new, old = (
        SETS[name].rules[2].detect(value, z, side, segments) for name in ("mdc-2023-11", "mdc-2019")
    )
    assert new[old].all()
    assert new.sum() > old.sum()


def test_the_fixtures_trigger_or_just_miss_each_rule():
    rows, value, z, side, segments = ptd_stack()
    invented = np.array([row["case_id"].startswith("syn_") for row in rows])
    assert invented.sum() > 100
    flags = {r.id: r.detect(value, z, side, segments) for r in SETS["mdc-2019"].rules}
    assert all(flags[name][invented].any() for name in flags)


def test_the_seventh_and_later_points_of_a_run_as_in_qcc():
    """Version 2.7 lists the 7th and later points (``violating.runs``); we mark the whole run."""
    rows = golden("qcc_points.csv")
    keys = [row["case_id"] for row in rows]
    segments = Segments.from_breaks(
        np.array([True, *(a != b for a, b in itertools.pairwise(keys))])
    )
    value = numbers(rows, "statistic")
    side = detectors.side_of(value, numbers(rows, "center"))
    ours = SETS["mdc-2023-11"].rules[3].detect(value, value, side, segments)
    seventh = np.zeros_like(ours)
    for at in range(6, ours.size):
        window = slice(at - 6, at + 1)
        one_chart = len(set(keys[window])) == 1
        seventh[at] = ours[window].all() and one_chart and abs(side[window].sum()) == 7
    assert [row["violating_runs"] for row in rows] == [str(one).upper() for one in seventh]
    assert (seventh.sum(), ours.sum()) == (85, 139)


# ------------------------------------------------------------------------ false alarms


@pytest.mark.parametrize("name", sorted(set(HOLD) - WHOLE_CHART))
def test_average_run_length_is_what_the_set_says(name):
    rule_set = SETS[name]
    found = average_run_length([rule.detect for rule in rule_set.rules], runs=5_000, seed=11)
    assert rule_set.arl0 is not None
    assert abs(found.mean - rule_set.arl0) < 4 * math.hypot(found.error, 0.005 * rule_set.arl0)


@pytest.mark.parametrize("name", HOLD)
@pytest.mark.parametrize("points", [12, 24, 36, 60])
def test_chance_of_any_signal_is_what_the_set_says(name, points):
    rule_set = SETS[name]
    found = chance_of_any(
        [rule.detect for rule in rule_set.rules],
        points,
        estimated=True,
        runs=4_000,
        seed=12,
        centre="median" if name in WHOLE_CHART else "mean",
    )
    told = rule_set.any_signal[points]
    # 0.003 is the error of the oldest figures.
    assert abs(found.any_signal - told) < 4 * math.hypot(found.any_error, 0.003)


REFERENCE = {
    # id: any in 24 with known limits; any in 12, 24, 36, 60 estimated; latest: estimated, known.
    "western-electric-1956": (0.211, (0.054, 0.151, 0.246, 0.413), (0.015, 0.018)),
    "nelson-1984": (0.246, (0.067, 0.193, 0.309, 0.502), (0.022, 0.025)),
    "mdc-2023-11": (0.220, (0.048, 0.154, 0.261, 0.438), (0.014, 0.020)),
    "mdc-2019": (0.220, (0.048, 0.154, 0.261, 0.438), (0.014, 0.020)),
    "ihi-shewhart": (0.210, (0.058, 0.155, 0.252, 0.428), (0.015, 0.020)),
    "wheeler": (0.154, (0.037, 0.108, 0.180, 0.316), (0.010, 0.013)),
    "montgomery": (0.271, (0.068, 0.206, 0.334, 0.541), (0.024, 0.029)),
}


@pytest.mark.parametrize("name", REFERENCE)
def test_the_table_of_the_reference(name):
    """Made apart from this code, each figure with an error of about 0.003."""
    known, estimated, (latest, latest_known) = REFERENCE[name]
    rule_set = SETS[name]
    for points, expected in zip((12, 24, 36, 60), estimated, strict=True):
        assert abs(rule_set.any_signal[points] - expected) < 4 * math.hypot(0.003, 0.0016)
    detect = [rule.detect for rule in rule_set.rules]
    found = chance_of_any(detect, 24, estimated=False, runs=8_000, seed=13)
    assert abs(found.any_signal - known) < 4 * math.hypot(found.any_error, 0.003)
    assert abs(found.latest - latest_known) < 4 * math.hypot(found.latest_error, 0.001)
    found = chance_of_any(detect, 24, estimated=True, runs=8_000, seed=13)
    assert abs(found.latest - latest) < 4 * math.hypot(found.latest_error, 0.001)


def test_run_charts_have_chances_only():
    for name in WHOLE_CHART:
        assert SETS[name].arl0 is None
    assert SETS["anhoej-2014"].any_signal[24] == pytest.approx(0.028, abs=0.004)


@pytest.mark.parametrize(("without", "expected"), [((), 0.358), (("trend5",), 0.154)])
def test_shift_and_trend_of_run_charts(without, expected):
    """The reference gives .358 for both, .154 for the shift alone, in 24 points."""
    wanted = {"shift6", "trend5"} - set(without)
    detect = [rule.detect for rule in SETS["ihi-run"].rules if rule.id in wanted]
    found = chance_of_any(detect, 24, estimated=True, runs=8_000, seed=14, centre="median")
    assert abs(found.any_signal - expected) < 4 * math.hypot(found.any_error, 0.003)


# ------------------------------------------------------------------------ sets of one's own


def test_an_adapted_set_has_its_own_name_and_no_false_alarm_figures():
    near = Rule(id="2s", title="Beyond 2 sigma", detect=lambda value, z, side, s: abs(z) > 2)
    ours = SETS["ihi-run"].adapted(
        id="ours", title="Ours", source="Us, 2025", without=["trend5"], with_rules=[near]
    )
    assert [rule.id for rule in ours.rules] == ["shift6", "few-runs", "many-runs", "2s"]
    assert (ours.id, ours.title, ours.source, ours.ties) == ("ours", "Ours", "Us, 2025", "skip")
    assert (ours.any_signal, ours.arl0) == ({}, None)
    assert [rule.id for rule in SETS["ihi-run"].rules] == HOLD["ihi-run"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "wheeler"}, "an adapted rule set needs a name of its own, not 'wheeler' again"),
        (
            {"without": ["run7"]},
            "rule set 'wheeler' has no rule 'run7'; did you mean 'run8'? Known: 3of4, 3s, run8",
        ),
        ({"without": ["3s", "3of4", "run8"]}, "rule set 'ours' has no rules"),
        ({"with_rules": SETS["wheeler"].rules[:1]}, "rule set 'ours' names a rule twice"),
        (
            {"with_rules": SETS["nelson-1984"].rules[1:]},
            "rule set 'ours' has more than eight rules",
        ),
        ({"id": "Ours"}, "rule set id 'Ours' must match [a-z][a-z0-9_-]*"),
    ],
)
def test_what_cannot_be_adapted(changes, message):
    with pytest.raises(PluginError, match=re.escape(message)):
        SETS["wheeler"].adapted(**{"id": "ours", "title": "Ours", "source": "Us"} | changes)


# ------------------------------------------------------------------------ the page


def page_rows(title: str) -> list[list[str]]:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE.read_text("utf-8"), re.M | re.S)
    assert found, title
    lines = [line for line in found[1].splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def test_the_page_tells_the_rules_of_every_set():
    told = {row[0].strip("`"): re.findall(r"`([^`]+)`", row[1]) for row in page_rows("The sets")}
    assert told == HOLD


def test_the_page_tells_every_rule_and_what_it_marks():
    told = {name for row in page_rows("The rules") for name in re.findall(r"`([^`]+)`", row[0])}
    assert told == {name for each in HOLD.values() for name in each}


def test_the_page_tells_the_false_alarms_of_every_set():
    told = {row[0].strip("`"): row[1:] for row in page_rows("False alarms")}
    assert set(told) == set(SETS)
    for name, (length, *chances) in told.items():
        one = SETS[name]
        assert [float(chance) for chance in chances[:4]] == list(one.any_signal.values()), name
        written = re.match(r"[\d.]+", length)
        assert (float(written[0]) if written else None) == one.arl0, name


def test_the_page_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    months = [f"{2022 + at // 12}-{at % 12 + 1:02d}-01" for at in range(24)]
    rows = [f"early_milk,A,{month},{75 + at % 5},100" for at, month in enumerate(months)]
    header = "measure,unit,period,numerator,denominator\n"
    (tmp_path / "counts.csv").write_text(header + "\n".join(rows) + "\n", encoding="utf-8")
    ran = 0
    for language, block in re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text("utf-8"), re.S):
        if language == "python":
            exec(compile(block, PAGE.name, "exec"), {})
            ran += 1
        elif language == "sh":
            for line in filter(None, block.splitlines()):
                done = CliRunner().invoke(main, shlex.split(line)[1:])
                assert done.exit_code == 0, f"{line}\n{done.output}"
                ran += 1
    assert ran >= 4
    assert "mdc-six" in capsys.readouterr().out
