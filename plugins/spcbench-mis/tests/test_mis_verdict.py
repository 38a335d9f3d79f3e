"""The verdict of a period against brute force: every count up to 200, exact at every border."""

from __future__ import annotations

from fractions import Fraction

import pytest
from scipy.stats import beta

from spcbench.errors import OptionError
from spcbench_mis.verdict import (
    WORDS,
    count_verdict,
    exact_interval,
    exact_share,
    period_verdict,
    successes_needed,
)

MARKS = ["0.05", "0.5", "0.6", "0.7", "0.75", "0.8", "0.9", "0.95", "1"]


def reaches(numerator: int, denominator: int, mark: str, op: str) -> bool:
    """By multiplying out in whole hundredths, without a fraction or a float."""
    hundredths = {"1": 100}.get(mark) or int(mark.removeprefix("0.").ljust(2, "0"))
    left, right = numerator * 100, hundredths * denominator
    return left >= right if op == ">=" else left > right


@pytest.mark.parametrize("op", [">=", ">"])
@pytest.mark.parametrize("mark", MARKS)
def test_at_the_end_every_count_up_to_200_is_judged_as_by_hand(mark, op):
    for cases in range(1, 201):
        needed = next((met for met in range(cases + 1) if reaches(met, cases, mark, op)), cases + 1)
        assert successes_needed(cases, mark, op) == needed
        for met in range(cases + 1):
            found = period_verdict(met, cases, mark, op, ended=True)
            assert found.verdict == ("met" if reaches(met, cases, mark, op) else "not_met")
            assert found.cases_short == max(0, needed - met)
            assert found.failures_left == met - needed


@pytest.mark.parametrize("op", [">=", ">"])
@pytest.mark.parametrize("mark", ["0.05", "0.6", "0.75", "0.95", "1"])
@pytest.mark.parametrize("total", [1, 2, 7, 20, 21, 60])
def test_before_the_end_a_mark_is_lost_only_if_no_future_reaches_it(mark, op, total):
    for cases in range(total + 1):
        for met in range(cases + 1):
            found = period_verdict(met, cases, mark, op, ended=False, expected_total=total)
            futures = [reaches(met + more, total, mark, op) for more in range(total - cases + 1)]
            assert (found.verdict == "cannot_now_be_met") is not any(futures)
            assert found.failures_left is not None
            assert (found.failures_left >= 0) is any(futures)
            if any(futures):
                # So many of the cases to come may fail, and not one more.
                still = met + (total - cases) - found.failures_left
                assert reaches(still, total, mark, op)
                assert still >= met
                assert not (still > met and reaches(still - 1, total, mark, op))
                now = cases == 0 or reaches(met, cases, mark, op)
                assert found.verdict == ("on_course" if now else "at_risk")


@pytest.mark.parametrize("op", [">=", ">"])
@pytest.mark.parametrize("mark", MARKS)
def test_catching_up_takes_as_many_successes_in_a_row_as_by_hand(mark, op):
    for cases in range(1, 31):
        for met in range(cases + 1):
            found = period_verdict(met, cases, mark, op, ended=False).catch_up
            by_hand = next((k for k in range(3000) if reaches(met + k, cases + k, mark, op)), None)
            assert found == by_hand


def test_the_known_total_of_the_issue():
    # A 95 % mark is lost when failures > N - ceil(0.95 N): of 60, when more than 3 fail.
    three = period_verdict(17, 20, "0.95", ended=False, expected_total=60)
    assert (three.verdict, three.failures_left) == ("at_risk", 0)
    four = period_verdict(16, 20, "0.95", ended=False, expected_total=60)
    assert (four.verdict, four.failures_left) == ("cannot_now_be_met", -1)


@pytest.mark.parametrize(
    ("met", "cases", "total", "left"),
    [(15, 15, 16, 1), (15, 15, 15, 0), (15, 15, 19, 4), (15, 15, 20, 5), (15, 15, 21, 5)],
)
def test_no_more_cases_may_fail_than_are_to_come(met, cases, total, left):
    # 75 % of 16, 19, 20 and 21 is 12, 15, 15 and 16: with 15 met already nothing can go wrong
    # until 20, and of the 6 to come to 21 one must succeed.
    found = period_verdict(met, cases, "0.75", ended=False, expected_total=total)
    assert (found.verdict, found.failures_left) == ("on_course", left)


def test_the_border_itself_belongs_to_at_least_and_not_to_more_than():
    assert period_verdict(19, 20, "0.95", ">=", ended=True).verdict == "met"
    assert period_verdict(19, 20, "0.95", ">", ended=True).verdict == "not_met"
    assert period_verdict(19, 20, "0.95", ">", ended=True).cases_short == 1


def test_a_mark_is_never_a_float_because_of_cases_like_these():
    # In floats 0.07 x 100 is more than 7, and 7 of 100 would fall short of 7 %.
    assert 0.07 * 100 > 7
    assert period_verdict(7, 100, "0.07", ended=True).verdict == "met"
    with pytest.raises(OptionError, match=r"must be exact: write Fraction\('0.95'\) or '0.95'"):
        exact_share(0.95)  # type: ignore[arg-type]


def test_without_the_total_only_a_mark_of_100_per_cent_is_lost_early():
    assert period_verdict(0, 50, "0.95", ended=False).verdict == "at_risk"
    assert period_verdict(0, 50, "0.95", ended=False).failures_left is None
    assert period_verdict(49, 50, "1", ended=False).verdict == "cannot_now_be_met"
    assert period_verdict(50, 50, "1", ended=False).verdict == "on_course"


def test_no_case_is_no_verdict():
    for more in ({"ended": True}, {"ended": False}, {"ended": False, "expected_total": 0}):
        found = period_verdict(0, 0, "0.95", **more)
        assert (found.verdict, found.cases_short, found.catch_up) == ("none_due", 0, 0)
    # Cases are known to come, and none has failed.
    assert period_verdict(0, 0, "0.95", ended=False, expected_total=4).verdict == "on_course"


def test_at_the_end_cases_that_are_not_due_do_not_count():
    found = period_verdict(6, 10, "0.6", ended=True, expected_total=14)
    assert (found.verdict, found.failures_left) == ("met", 0)


@pytest.mark.parametrize(
    ("number", "ended", "elapsed", "verdict", "short"),
    [
        (3, False, Fraction(0), "met", 0),
        (3, True, Fraction(1), "met", 0),
        (2, True, Fraction(1), "not_met", 1),
        (0, False, Fraction(1, 4), "on_course", 3),
        (0, False, Fraction(1, 3), "at_risk", 3),
        (1, False, Fraction(1, 2), "on_course", 2),
        (1, False, Fraction(2, 3), "at_risk", 2),
    ],
)
def test_numbers_of_things_done(number, ended, elapsed, verdict, short):
    found = count_verdict(number, 3, ended=ended, elapsed=elapsed)
    assert (found.verdict, found.cases_short) == (verdict, short)


def test_more_than_a_number():
    assert count_verdict(3, 3, ">", ended=True).verdict == "not_met"
    assert count_verdict(4, 3, ">", ended=True).verdict == "met"


@pytest.mark.parametrize("cases", [1, 5, 20, 57])
def test_the_interval_is_that_of_clopper_and_pearson(cases):
    for met in range(cases + 1):
        found = exact_interval(met, cases)
        assert found is not None
        low, high = found
        # RTOL: the same quantiles of the beta distribution, computed elsewhere.
        expected_low = 0.0 if met == 0 else beta.ppf(0.025, met, cases - met + 1)
        expected_high = 1.0 if met == cases else beta.ppf(0.975, met + 1, cases - met)
        assert low == pytest.approx(expected_low, rel=1e-10)
        assert high == pytest.approx(expected_high, rel=1e-10)
        assert low <= met / cases <= high


def test_there_is_no_interval_without_cases():
    assert exact_interval(0, 0) is None


@pytest.mark.parametrize(
    ("arguments", "more", "message"),
    [
        ((11, 10, "0.9"), {}, "11 successes of 10 cases: the numerator must not exceed"),
        ((-1, 10, "0.9"), {}, "numerator must be a whole number of at least 0, not -1"),
        ((1.0, 10, "0.9"), {}, "numerator must be a whole number of at least 0, not 1.0"),
        ((1, True, "0.9"), {}, "denominator must be a whole number of at least 0, not True"),
        ((1, 10, "95"), {}, "a threshold lies between 0 and 1 (95 % is '0.95'), not 95"),
        ((1, 10, "most"), {}, "a threshold is a share such as '0.95', not 'most'"),
        ((1, 10, "0.9", "<"), {}, "the operator of a mark is '>=' or '>', not '<'"),
        ((1, 10, "0.9"), {"expected_total": 9}, "more than the 9 expected in all"),
    ],
)
def test_what_cannot_be_judged_is_refused(arguments, more, message):
    with pytest.raises(OptionError) as caught:
        period_verdict(*arguments, ended=False, **more)
    assert message in str(caught.value)


def test_every_verdict_has_words():
    assert set(WORDS) == {
        "met", "not_met", "on_course", "at_risk", "cannot_now_be_met", "none_due",
    }  # fmt: skip
