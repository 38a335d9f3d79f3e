"""The metrics' windows, lags and data-quality rules, case by case."""

from __future__ import annotations

import tomllib
from fractions import Fraction
from pathlib import Path

import pytest

import spcbench_mis
from spcbench.errors import InputError, UnknownNameError
from spcbench_mis.cqim_rules import metric_result, metric_rules, quality_result, quality_rules

REFERENCE = Path(__file__).parents[3] / ".." / "shared" / "reference" / "mis-measures.toml"
NOT_KNOWN = ("CQIMDQ43", "CQIMDQ44", "CQIMDQ45")


@pytest.fixture(scope="module")
def reference():
    if not REFERENCE.exists():
        pytest.skip("the reference list of measures is not beside the repository")
    return tomllib.loads(REFERENCE.read_text(encoding="utf-8"), parse_float=str)


CASES = [
    ("CQIMDQ02", 700, 1000, "Pass"),
    ("CQIMDQ02", 699, 1000, "Fail"),
    ("CQIMDQ02", 1200, 1000, "Pass"),
    ("CQIMDQ03", 500, 1000, "Pass"),
    ("CQIMDQ03", 495, 1000, "Fail"),
    ("CQIMDQ05", 5, 1000, "Pass"),
    ("CQIMDQ05", 0, 1000, "Fail"),
    ("CQIMDQ05", 500, 1000, "Pass"),
    ("CQIMDQ05", 505, 1000, "Fail"),
    ("CQIMDQ11", 600, 1000, "Pass"),
    ("CQIMDQ11", 605, 1000, "Fail"),
    ("CQIMDQ11", 0, 1000, "Pass"),
    ("CQIMDQ12", 200, 1000, "Pass"),
    ("CQIMDQ12", 201, 1000, "Fail"),
    ("CQIMDQ13", 1, 1, "Pass"),
    ("CQIMDQ13", 40, 1, "Pass"),
    ("CQIMDQ13", 0, 1, "Fail"),
    ("CQIMDQ18", 400, 1000, "Fail"),
    ("CQIMDQ18", 401, 1000, "Pass"),
    ("CQIMDQ34", 400, 1000, "Fail"),
    ("CQIMDQ34", 405, 1000, "Pass"),
    ("CQIMDQ20", 100, 1000, "Pass"),
    ("CQIMDQ20", 101, 1000, "Fail"),
    ("CQIMDQ28", 200, 1000, "Pass"),
    ("CQIMDQ28", 199, 1000, "Fail"),
    ("CQIMDQ28", 700, 1000, "Pass"),
    ("CQIMDQ28", 701, 1000, "Fail"),
    ("CQIMDQ14", 0, 0, "Fail"),
    ("CQIMDQ14", 5, 0, "Fail"),
    # Rounded to three decimals before it is compared: 0.6995 is 0.700.
    ("CQIMDQ14", 1399, 2000, "Pass"),
    ("CQIMDQ14", 13989, 20000, "Fail"),
    ("CQIMDQ18", 8009, 20000, "Fail"),
    ("CQIMDQ18", 801, 2000, "Pass"),
    ("CQIMDQ43", 5, 10, None),
]


@pytest.mark.parametrize(("name", "numerator", "denominator", "result"), CASES)
def test_data_quality_measures(name, numerator, denominator, result):
    assert quality_result(name, numerator, denominator) == result


@pytest.mark.parametrize("name", sorted(set(quality_rules()) - set(NOT_KNOWN)))
def test_every_rule_by_brute_force(name):
    rule = quality_rules()[name]
    for numerator in range(1001):
        rate = Fraction(numerator, 1000)
        least = Fraction(str(rule.least if rule.least is not None else 0))
        most = Fraction(str(rule.most if rule.most is not None else 2))
        passes = least <= rate <= most and not (rule.above and rate == least)
        assert quality_result(name, numerator, 1000) == ("Pass" if passes else "Fail")


@pytest.mark.parametrize("name", sorted(metric_rules()))
def test_a_metric_passes_only_if_all_its_measures_do(name):
    needed = metric_rules()[name].dq
    every = dict.fromkeys(needed, "Pass")
    assert metric_result(name, every) == "Pass"
    assert metric_result(name, {}) is None
    for one in needed:
        assert metric_result(name, {**every, one: "Fail"}) == "Fail"
        assert metric_result(name, {**every, one: None}) is None
        assert metric_result(name, {one: "Fail"}) == "Fail"


def test_eleven_metrics_count_towards_safety_action_2():
    counting = {name for name, rule in metric_rules().items() if rule.counts_towards_sa2}
    assert len(counting) == 11
    assert set(metric_rules()) - counting == {"CQIMBWOI", "CQIMBreastfeeding6to8Weeks"}


def test_wrong_names_and_counts():
    with pytest.raises(UnknownNameError, match="CQIMDQ99"):
        quality_result("CQIMDQ99", 1, 2)
    with pytest.raises(UnknownNameError, match="CQIMApgars"):
        metric_result("CQIMApgars", {})
    with pytest.raises(InputError, match="-1 of 5 cannot be"):
        quality_result("CQIMDQ14", -1, 5)


@pytest.mark.parametrize("count", [700.5, "700", None, float("nan")])
def test_a_count_is_a_whole_number(count):
    with pytest.raises(InputError, match=r"CQIMDQ14: .* cannot be; counts are whole numbers"):
        quality_result("CQIMDQ14", count, 1000)


def test_a_part_is_not_more_than_the_whole():
    with pytest.raises(InputError, match="CQIMDQ08: 20 of 10 cannot be; the numerator is part"):
        quality_result("CQIMDQ08", 20, 10)
    assert quality_result("CQIMDQ09", 20, 10) == "Pass"


@pytest.mark.parametrize("name", ["CQIMDQ19", "CQIMDQ35", "CQIMDQ40", "CQIMDQ41", "CQIMDQ42"])
def test_a_measure_that_was_removed_says_so(name):
    with pytest.raises(InputError, match=f"{name} was removed on 06 September 2023; what it had"):
        quality_result(name, 1, 2)
    passed = {"CQIMDQ08": "Pass", "CQIMDQ09": "Pass"}
    assert metric_result("CQIMBreastfeeding", {**passed, name: "Fail"}) == "Pass"


@pytest.mark.parametrize("word", ["pass", "FAIL", "", float("nan"), 1])
def test_a_result_is_pass_or_fail(word):
    with pytest.raises(InputError, match=r"CQIMDQ09: .* is no result; expected 'Pass', 'Fail'"):
        metric_result("CQIMBreastfeeding", {"CQIMDQ08": "Pass", "CQIMDQ09": word})


def test_results_of_measures_that_are_none():
    with pytest.raises(UnknownNameError, match="DQ08"):
        metric_result("CQIMBreastfeeding", {"DQ08": "Pass", "DQ09": "Fail"})


def test_windows_of_data_quality_measures_are_those_of_their_wording(reference):
    months = {
        "month before": (1, 1),
        "in month": (1, 0),
        "1 month": (1, 0),
        "in 3 months": (3, 0),
        ", 3 months": (3, 0),
        "previous 3 months": (3, 1),
        "previous 6 months": (6, 0),
    }
    known = set()
    for one in reference["cqim_dq"]:
        rule = quality_rules()[one["id"]]
        said = [span for words, span in months.items() if words in one["description"]]
        assert [(rule.window, rule.lag)] == (said or [(None, 0)]), one["id"]
        known |= {one["id"]} if said else set()
    assert {"CQIMDQ02", "CQIMDQ10", "CQIMDQ14", "CQIMDQ30"} < known


def test_rules_agree_with_the_reference(reference):
    listed = {one["id"]: one for one in reference["cqim_dq"]}
    assert set(listed) == set(quality_rules()) - set(NOT_KNOWN)
    for name, one in listed.items():
        rule = quality_rules()[name]
        assert rule.above is not one["inclusive"]
        for mine, theirs in ((rule.least, "min_rate"), (rule.most, "max_rate")):
            assert (mine is None) == (theirs not in one)
            assert mine is None or Fraction(str(mine)) == Fraction(one[theirs])


def test_windows_directions_and_measures_agree_with_the_reference(reference):
    better = {"increase": "higher", "decrease": "lower", "neutral": "neither"}
    pack = {one.indicator: one for one in spcbench_mis.indicator_packs()[0].measures}
    listed = [one for one in reference["measure"] if one["family"] == "CQIM"]
    assert len(listed) == 12
    for one in listed:
        rule, measure = metric_rules()[one["msds_indicator"]], pack[one["msds_indicator"]]
        assert (rule.window, rule.lag) == (one["window_months"], one["window_lag_months"])
        assert sorted(rule.dq) == sorted(one["dq_measures"])
        assert rule.counts_towards_sa2 is one["counts_towards_sa2"]
        assert (measure.id, measure.per) == (one["id"], one["multiplier"])
        assert measure.better == better[one["direction"]]
        assert measure.verified is (one["status"] == "verified")


def test_indicators_of_the_reference_are_all_read(reference):
    read = {one.indicator for pack in spcbench_mis.indicator_packs() for one in pack.measures}
    named = {one["msds_indicator"] for one in reference["measure"] if "msds_indicator" in one}
    # In words, not by the name of an indicator: it is in no file.
    assert named - read == {"SBL element 2 outcome indicator d"}


def test_nothing_that_is_not_verified_says_so():
    for pack in (*spcbench_mis.indicator_packs(), spcbench_mis.monthly_pack()):
        assert not any(one.verified for one in pack.measures)
