"""What is not known is never met: edges of the period, stocks, meetings and audits."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from spcbench.errors import InputError
from spcbench_mis.scorecard_counts import GRACE_DAYS
from spcbench_mis.scorecard_table import scorecard

AFTER = date(2025, 12, 1)
"""The day after the last period of year 7."""


def rows(item, *lines):
    """Counts from (period, numerator, denominator[, period_end, eligible, expected_total])."""
    names = ("period", "numerator", "denominator", "period_end", "eligible", "expected_total")
    made = pd.DataFrame([dict(zip(names, line, strict=False)) for line in lines])
    return made.assign(measure=item if ":" in item else f"mis:{item}", unit="RJ1")


def line(counts, item, on=AFTER, year="y7"):
    return scorecard(counts, year=year, on=on).items.set_index("item").loc[item]


# ------------------------------------------------------- across an edge of the period


def test_across_an_edge_neither_eligible_nor_expected_cases_are_known():
    lines = ("2024-11-20", 10, 12, "2025-06-30", 20, 24)
    found = line(rows("sa1_published_6m", lines), "sa1_published_6m", date(2025, 7, 1))
    assert found["denominator"] == 12
    assert found[["eligible", "expected_total", "failures_left"]].isna().all()


@pytest.mark.parametrize(
    ("first", "last", "cases"), [(31, 2, 9), (1, 2, 9), (1, 3, 12)]
)  # of 31 March to 2 April one day of three belongs to the period; of two one, which is not most
def test_of_a_row_across_an_edge_more_than_half_must_belong(first, last, cases):
    begins = date(2025, 3 if first == 31 else 4, first)
    across = (str(begins), 3, 3, f"2025-04-0{last}")
    rest = (f"2025-04-0{last + 1}", 9, 9, "2025-11-30")
    found = line(rows("sa5_one_to_one", across, rest), "sa5_one_to_one")
    assert (found["denominator"], found["verdict"]) == (cases, "met")
    assert ("is counted" if cases == 12 else "is left out") in found["note"]


# ------------------------------------------------------------------------------- stocks


def stock(*lines, on=AFTER, year="y7", item="sa8_fm_midwives"):
    return line(rows(item, *lines), item, on, year)


@pytest.mark.parametrize(
    ("day", "verdict", "note"),
    [
        ("2025-11-30", "met", ""),
        ("2025-11-29", "met", "the latest figure is of 29 Nov 2025, 1 day before the end"),
        ("2025-11-23", "met", "the latest figure is of 23 Nov 2025, 7 days before the end"),
        ("2025-11-22", "unsettled", "the latest figure is of 22 Nov 2025, not of the end of the "
         "period"),
        ("2025-11-01", "unsettled", "the latest figure is of 01 Nov 2025, not of the end of the "
         "period"),
        ("2025-12-01", "not_reported", ""),
    ],
)  # fmt: skip
def test_a_stock_is_of_a_day_near_the_end(day, verdict, note):
    assert GRACE_DAYS == 7
    found = stock((day, 95, 100, day))
    assert (found["verdict"], found["note"]) == (verdict, note)


def test_the_end_of_a_row_is_the_day_of_a_stock():
    found = stock(("2025-11-01", 95, 100, "2025-11-30"))
    assert (found["verdict"], found["last"]) == ("met", date(2025, 11, 30))
    later = stock(("2025-11-01", 95, 100, "2025-11-30"), ("2025-11-15", 80, 100, "2025-11-15"))
    assert later["numerator"] == 95
    # Of 1 or of 30 November? Without an end nobody knows.
    found = stock(("2025-11-01", 95, 100))
    assert found["verdict"] == "unsettled"
    assert found["note"].endswith("; if it is of the end of its month, say so in period_end")
    assert "period_end" not in stock(("2025-10-01", 95, 100))["note"]


def test_year_5_ends_the_day_after_the_month():
    after = date(2024, 1, 1)
    assert stock(("2023-11-30", 95, 100, "2023-11-30"), on=after, year="y5")["verdict"] == "met"
    assert stock(("2023-12-20", 95, 100), on=after, year="y5")["verdict"] == "not_reported"


def test_a_stock_of_before_the_period_does_not_count():
    assert stock(("2024-11-30", 95, 100, "2024-11-30"))["verdict"] == "not_reported"
    before = stock(("2024-11-30", 95, 100, "2024-11-30"), on=date(2025, 1, 1))
    assert before["verdict"] == "not_reported"
    assert stock(("2024-12-01", 95, 100), on=date(2025, 1, 1))["verdict"] == "on_course"


def test_on_the_last_day_a_stock_is_not_judged_yet():
    old = ("2025-09-30", 95, 100, "2025-09-30")
    assert stock(old, on=date(2025, 11, 30))["note"] == ""
    assert stock(old, on=date(2025, 11, 30))["verdict"] == "on_course"
    assert stock(old)["verdict"] == "unsettled"


def test_a_later_row_without_a_figure_makes_the_latest_doubtful():
    counts = rows("sa8_fm_midwives", ("2025-11-27", 95, 100, "2025-11-27"), ("2025-11-30", None,
                  None, "2025-11-30"))  # fmt: skip
    found = line(counts, "sa8_fm_midwives")
    assert found["verdict"] == "unsettled"
    assert found["note"].count("Nov 2025: no data") == 1
    earlier = rows("sa8_fm_midwives", ("2025-11-27", None, None, "2025-11-27"), ("2025-11-30", 95,
                   100, "2025-11-30"))  # fmt: skip
    assert line(earlier, "sa8_fm_midwives")["verdict"] == "met"


def test_a_stock_of_one_day_stands_once():
    with pytest.raises(InputError, match="the period 2025-11-30 stands there twice"):
        stock(("2025-11-01", 95, 100, "2025-11-30"), ("2025-11-30", 80, 100))
    two = stock(("2025-11-01", 80, 100), ("2025-11-30", 95, 100))
    assert (two["numerator"], two["verdict"]) == (95, "met")


# ----------------------------------------------------------------- counts of things done


def test_months_without_a_row_are_taken_as_none_and_leave_not_met_open():
    counts = rows("sa9_bsc_meetings", ("2025-04-02", 2, None, "2025-05-31"))
    found = line(counts, "sa9_bsc_meetings")
    assert (found["verdict"], found["numerator"]) == ("unsettled", 2)
    assert found["note"] == "no row for Jun 2025 to Nov 2025, taken as none"
    none = rows("sa9_bsc_meetings", ("2025-04-02", 2, None, "2025-05-31"), ("2025-06-01", 0, None,
                "2025-11-30"))  # fmt: skip
    assert line(none, "sa9_bsc_meetings")["verdict"] == "not_met"


def test_what_was_done_stays_done_whatever_months_are_missing():
    counts = rows("sa9_bsc_meetings", ("2025-05-06", 1, None, "2025-05-06"), ("2025-09-02", 2,
                  None, "2025-09-02"))  # fmt: skip
    assert line(counts, "sa9_bsc_meetings", date(2025, 9, 2))["verdict"] == "met"
    assert line(counts, "sa9_bsc_meetings")["verdict"] == "met"


def test_before_the_end_a_meeting_that_may_lie_outside_does_not_reach_the_mark():
    across = rows("sa9_bsc_meetings", ("2025-04-01", 3, None))
    assert line(across, "sa9_bsc_meetings", date(2025, 6, 1))["verdict"] == "on_course"
    assert line(across, "sa9_bsc_meetings")["verdict"] == "unsettled"
    inside = rows("sa9_bsc_meetings", ("2025-04-02", 3, None))
    assert line(inside, "sa9_bsc_meetings", date(2025, 6, 1))["verdict"] == "met"
    more = pd.concat([across, rows("sa9_bsc_meetings", ("2025-05-01", 3, None))])
    assert line(more, "sa9_bsc_meetings", date(2025, 6, 1))["verdict"] == "met"


# --------------------------------------------------------------------------------- audits


def locums(*by_month, on=AFTER, item="sa4_short_locum", first=2):
    """(met, cases) of one month after the other, from February."""
    days = [f"2025-{first + n:02}-01" for n in range(len(by_month))]
    lines = [(day, *pair) for day, pair in zip(days, by_month, strict=True)]
    return line(rows(item, *lines), item, on)


@pytest.mark.parametrize(
    ("by_month", "verdict"),
    [
        ([(1, 1)], "unsettled"),  # one month is not an audit of six
        ([(0, 0)], "unsettled"),
        ([(1, 1)] * 5, "unsettled"),
        ([(1, 1)] * 6, "met"),
        ([(0, 0)] * 6, "met"),  # no locum employed
        ([(0, 0)] * 5 + [(1, 1)], "met"),
        ([(0, 0)] * 6 + [(1, 1)], "met"),  # whichever six months, none failed
        ([(1, 1)] * 10, "met"),
        ([(0, 1)] + [(1, 1)] * 6, "unsettled"),  # with February not, without it yes
        ([(0, 1)] + [(0, 0)] * 6, "unsettled"),
        ([(0, 1)] + [(1, 1)] * 5, "not_met"),
        ([(1, 1)] * 4 + [(0, 1)] + [(1, 1)] * 5, "not_met"),  # every six months hold June
    ],
)
def test_any_six_months_in_a_row(by_month, verdict):
    found = locums(*by_month)
    assert found["verdict"] == verdict
    short = len(by_month) < 6
    assert ("the audit needs 6 months in a row" in found["note"]) is short
    if verdict == "unsettled" and not short:
        assert "keep only the rows of the 6 months in a row" in found["verdict_text"]


def test_a_month_that_failed_outside_the_only_six_months_is_not_hidden():
    counts = rows("sa4_short_locum", ("2025-02-01", 0, 1), ("2025-04-01", 6, 6, "2025-09-30"))
    assert line(counts, "sa4_short_locum")["verdict"] == "unsettled"
    assert line(counts.iloc[1:], "sa4_short_locum")["verdict"] == "met"


def test_six_months_with_a_gap_are_not_in_a_row():
    counts = rows("sa4_short_locum", ("2025-02-01", 3, 3, "2025-04-30"), ("2025-05-02", 3, 3,
                  "2025-08-31"))  # fmt: skip
    assert line(counts, "sa4_short_locum")["verdict"] == "unsettled"
    for last, verdict in (("2025-07-30", "unsettled"), ("2025-07-31", "met")):
        counts = rows("sa4_short_locum", ("2025-02-01", 3, 3, last))
        assert line(counts, "sa4_short_locum")["verdict"] == verdict


@pytest.mark.parametrize(
    ("failed", "verdict"),
    [
        ([2], "at_risk"),  # six months from March would do
        ([5], "at_risk"),  # June to November
        ([6], "cannot_now_be_met"),  # neither February to May nor July to November is six
        ([2, 7], "cannot_now_be_met"),
        ([2, 8], "at_risk"),  # 2 February to 1 August, if they failed on 1 February and later
    ],
)
def test_before_the_end_it_is_lost_only_if_no_six_months_are_left(failed, verdict):
    by_month = [(0, 1) if month in failed else (1, 1) for month in range(2, 9)]
    found = locums(*by_month, on=date(2025, 9, 1))
    assert found["verdict"] == verdict
    assert ("any 6 months in a row" in found["verdict_text"]) is (verdict == "at_risk")


@pytest.mark.parametrize(("day", "verdict"), [(31, "at_risk"), (1, "cannot_now_be_met")])
def test_june_to_november_are_six_months(day, verdict):
    failed = f"2025-0{5 if day == 31 else 6}-{day:02}"
    counts = rows("sa4_short_locum", (failed, 0, 1, failed))
    assert line(counts, "sa4_short_locum", date(2025, 7, 1))["verdict"] == verdict


@pytest.mark.parametrize(
    ("met", "cases", "last", "verdict"),
    [
        (9, 10, "2025-08-31", "unsettled"),  # seven months: which of them failed?
        (9, 10, "2025-07-31", "not_met"),  # the six that the audit is of
        (10, 10, "2025-11-30", "met"),
    ],
)
def test_a_row_longer_than_the_audit_does_not_say_when_a_case_failed(met, cases, last, verdict):
    counts = rows("sa4_short_locum", ("2025-02-01", met, cases, last))
    assert line(counts, "sa4_short_locum")["verdict"] == verdict


def test_on_the_last_day_another_six_months_may_still_be_the_audit():
    assert locums((0, 1), on=date(2025, 11, 30))["verdict"] == "at_risk"
    assert locums((0, 1))["verdict"] == "unsettled"


@pytest.mark.parametrize(
    ("by_month", "verdict"),
    [
        ([(9, 10)], "unsettled"),
        ([(9, 10)] * 2, "unsettled"),
        ([(9, 10)] * 3, "met"),
        ([(8, 10)] * 3, "met"),
        ([(7, 10)] * 3, "not_met"),
        ([(0, 0)] * 3, "none_due"),
        ([(0, 0)] * 3 + [(9, 10)], "met"),  # months without an event tell nothing
        ([(0, 10)] + [(10, 10)] * 3, "unsettled"),  # 75 % of four months, all of the last three
        # Each three months reach 80 % (8 of 10), and the four do not (8 of 12).
        ([(0, 2), (4, 4), (4, 4), (0, 2)], "unsettled"),
    ],
)
def test_attendance_over_at_least_three_months(by_month, verdict):
    found = locums(*by_month, item="sa4_consultant_attendance", first=5)
    assert found["verdict"] == verdict


def test_april_to_june_are_three_months_though_the_period_begins_on_the_second():
    found = [
        line(rows("sa4_consultant_attendance", ("2025-04-02", 9, 10, last)),
             "sa4_consultant_attendance")["verdict"]
        for last in ("2025-06-29", "2025-06-30")
    ]  # fmt: skip
    assert found == ["unsettled", "met"]


def test_failures_across_an_edge_are_not_left_out_of_an_audit_unseen():
    # If the ten of 1 March to 3 April failed on 2 and 3 April: 9 of 20.
    counts = rows("sa4_consultant_attendance", ("2025-03-01", 0, 10, "2025-04-03"),
                  ("2025-04-04", 9, 10, "2025-09-30"))  # fmt: skip
    assert line(counts, "sa4_consultant_attendance")["verdict"] == "unsettled"
    assert line(counts.iloc[1:], "sa4_consultant_attendance")["verdict"] == "met"
