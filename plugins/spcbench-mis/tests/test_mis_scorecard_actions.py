"""The ten actions: what is grave first, what is missing, what comes next, and in which words."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from spcbench_mis.evidence import Evidence
from spcbench_mis.scheme_data import scheme
from spcbench_mis.scorecard_actions import (
    context_last,
    missing_items,
    next_dates,
    short_items,
    together,
)
from spcbench_mis.scorecard_table import scorecard
from spcbench_mis.scorecard_words import ACTION_WORDS

AFTER = date(2025, 12, 1)
OCTOBER = date(2025, 10, 1)


def row(item, numerator, denominator, first="2024-12-01", last="2025-09-30", **more):
    cells = {"measure": f"mis:{item}", "unit": "RJ1", "period": [first], "period_end": [last]}
    return pd.DataFrame({**cells, "numerator": numerator, "denominator": denominator, **more})


def text(counts, item, on=OCTOBER):
    return scorecard(counts, year="y7", on=on).items.set_index("item").loc[item, "verdict_text"]


# --------------------------------------------------------------------------- the gravest first


@pytest.mark.parametrize(
    ("verdicts", "whole"),
    [
        (["met", "not_met", "cannot_now_be_met"], "cannot_now_be_met"),
        (["not_reported", "at_risk", "not_met"], "not_met"),
        (["not_reported", "at_risk", "unsettled"], "at_risk"),
        (["not_reported", "unsettled", "on_course"], "unsettled"),
        (["on_course", "not_reported", "in_progress"], "not_reported"),
        (["in_progress", "on_course", "met"], "on_course"),
        (["in_progress", "met"], "in_progress"),
        (["met", "met_by_exception", "none_due", "no_mark", "not_applicable"], "met"),
        ([], "met"),
    ],
)
def test_a_whole_is_as_its_gravest_part(verdicts, whole):
    assert together(verdicts) == together(verdicts[::-1]) == whole
    assert whole in ACTION_WORDS


def training():
    """Action 8: nurses and midwives short, doctors as asked, ten groups not reported."""
    day = "2025-09-01"
    parts = [
        row("sa8_fm_midwives", 213, 241, day, day),  # 90 % is 217: 4 short
        row("sa8_nls_nurses", 30, 40, day, day),  # 36: 6 short
        row("sa8_fm_consultants", 9, 10, day, day),
    ]
    return pd.concat(parts, ignore_index=True)


def test_an_action_counts_its_items():
    said = {"sa8_training_plan": Evidence(item="sa8_training_plan", status="achieved")}
    card = scorecard(training(), year="y7", on=OCTOBER, evidence=said)
    own = card.actions.set_index("action").loc[8]
    assert own["verdict"] == "at_risk"
    assert own["counts"] == "1 met, 2 at risk, 1 on course, 11 not reported"
    assert own["verdict_text"] == f"At risk: {own['counts']}"
    assert (own["met"], own["required"]) == (1, 15)
    assert card.verdict == "at_risk"  # nine actions of which nothing is known do not hide it


def test_what_is_short_stands_in_a_list_the_gravest_first():
    lost = row("sa10_mnsi_reported", 3, 4)
    context = row("sbl_4a", 1, 10)
    counts = pd.concat([training(), lost, context], ignore_index=True)
    card = scorecard(counts, year="y7", on=OCTOBER)
    assert short_items(card.items)[["item", "verdict"]].to_numpy().tolist() == [
        ["sa10_mnsi_reported", "cannot_now_be_met"],
        ["sa8_fm_midwives", "at_risk"],
        ["sa8_nls_nurses", "at_risk"],
    ]


def test_what_is_missing_stands_in_a_list_and_what_is_for_context_does_not():
    card = scorecard(training(), year="y7", on=OCTOBER)
    missing = missing_items(card.items)
    required = {item.id for item in scheme().of_year("y7") if item.required}
    assert set(missing["item"]) == required - set(training()["measure"].str[4:])
    after = scorecard(training(), year="y7", on=AFTER)
    found = short_items(after.items).set_index("item")
    assert found.loc["sa8_fm_midwives", "verdict"] == "unsettled"  # a stock of 1 September
    assert "sa8_fm_midwives" not in set(missing_items(after.items)["item"])


def test_what_is_for_context_stands_last_and_the_order_stays():
    items = scorecard(training(), year="y7", on=OCTOBER).items
    found = context_last(items)
    assert found["required"].is_monotonic_decreasing
    for _, own in found.groupby("required"):
        assert own["item"].to_list() == [one for one in items["item"] if one in set(own["item"])]


def test_the_next_dates_are_those_with_something_open():
    card = scorecard(training(), year="y7", on=OCTOBER)
    found = next_dates(card.items, card.year, OCTOBER)
    assert found["date"].to_list() == [date(2025, 11, 30), date(2026, 3, 3)]
    open_items = [item for item in scheme().of_year("y7") if item.required]
    july = [one for one in open_items if scheme().window(one, "y7").last < OCTOBER]
    assert found["open"].to_list() == [len(open_items) - len(july), len(open_items)]
    assert found["what"].to_list() == [
        "Last day of periods of safety actions 1, 3, 4, 5, 6, 7, 8, 9, 10",
        "Declaration of the Board due, 12:00",
    ]
    last = next_dates(card.items, card.year, date(2025, 11, 30))
    assert last["date"].to_list() == [date(2025, 11, 30), date(2026, 3, 3)]
    assert next_dates(card.items, card.year, AFTER)["date"].to_list() == [date(2026, 3, 3)]
    assert len(next_dates(card.items, card.year, date(2026, 3, 3))) == 1
    assert next_dates(card.items, card.year, date(2026, 3, 4)).empty


# ----------------------------------------------------------------- what the cases to come must do


@pytest.mark.parametrize(
    ("met", "due", "expected", "said"),
    [
        # 75 % of 24 is 18.
        (10, 15, 24, "At risk: 24 expected, 9 still due: 8 of them must succeed"),
        (9, 15, 24, "At risk: 24 expected, 9 still due: all of them must succeed"),
        (15, 15, 24, "On course: 24 expected, 9 still due: 3 of them must succeed"),
        # 75 % of 16 is 12: 15 are enough already.
        (15, 15, 16, "On course: 16 expected, 1 still due: the mark is reached whatever they do"),
        (12, 15, 15, "On course: 15 expected, none still due: the mark is reached"),
        (14, 19, 20, "At risk: 20 expected, 1 still due: it must succeed"),
        (8, 15, 24, "Cannot now be met: 1 more failed than the mark allows, whatever the rest do"),
        (10, 15, None, "At risk: the next 5 cases would all have to succeed"),
        (0, 0, None, "On course: no case so far"),
        (0, 0, 4, "On course: 4 expected, 4 still due: 3 of them must succeed"),
    ],
)
def test_how_many_of_those_still_due_must_succeed(met, due, expected, said):
    counts = row("sa1_published_6m", met, due, expected_total=expected)
    assert text(counts, "sa1_published_6m") == said


def test_no_case_before_the_end_fulfils_nothing():
    items = [item for item in scheme().of_year("y7") if item.action == 10]
    counts = pd.concat([row(item.id, 0, 0, last="2025-05-31") for item in items])
    card = scorecard(counts, year="y7", on=date(2025, 6, 1))
    own = card.actions.set_index("action").loc[10]
    assert (own["verdict"], own["met"], own["required"]) == ("on_course", 0, 4)
    waiting = row("sa1_published_6m", 0, 0, eligible=3)
    assert text(waiting, "sa1_published_6m") == "On course: no case so far"
    whole = pd.concat([row(item.id, 0, 0, last="2025-11-30") for item in items])
    own = scorecard(whole, year="y7", on=AFTER).actions.set_index("action").loc[10]
    assert (own["verdict"], own["met"]) == ("met", 4)
    assert own["counts"] == "4 none due"


def test_a_stock_has_no_failures_left_to_speak_of():
    card = scorecard(training(), year="y7", on=OCTOBER)
    found = card.items.set_index("item").loc["sa8_fm_midwives"]
    assert (found["verdict"], found["cases_short"]) == ("at_risk", 4)
    assert pd.isna(found["failures_left"])
    assert found["verdict_text"] == "At risk: 4 more needed today"


# -------------------------------------------------------------------------- which row to split


def test_the_row_to_split_is_named():
    counts = pd.concat(
        [
            row("sa6_icb_qi_meetings", 1, None, "2025-05-01", "2025-05-31"),
            row("sa5_one_to_one", 29, 30, "2025-03-15", "2025-04-30"),
        ]
    )
    split = "split the row of 15 Mar 2025 to 30 Apr 2025 before 02 Apr 2025"
    found = text(counts, "sa5_one_to_one")
    assert found == f"At risk: lost if what failed belongs to the period; {split}"
    whole = pd.concat(
        [
            row("sa5_one_to_one", 29, 30, "2025-03-15", "2025-04-30"),
            row("sa5_one_to_one", 99, 99, "2025-05-01", "2025-12-15"),
        ]
    )
    assert text(whole, "sa5_one_to_one", on=date(2025, 12, 20)) == f"Not settled: {split}; " + (
        "split the row of 01 May 2025 to 15 Dec 2025 after 30 Nov 2025"
    )


def test_meetings_in_a_row_across_the_edge_are_not_met_before_the_end_either():
    """Three meetings in April, perhaps on the first: not met then, not settled later."""
    april = row("sa9_bsc_meetings", 3, None, "2025-04-01", "2025-04-30")
    before = scorecard(april, year="y7", on=date(2025, 6, 1)).items.set_index("item")
    found = before.loc["sa9_bsc_meetings"]
    assert (found["verdict"], found["numerator"]) == ("on_course", 3)
    assert "split the row of 01 Apr 2025 to 30 Apr 2025 before 02 Apr 2025" in found["verdict_text"]
    inside = row("sa9_bsc_meetings", 3, None, "2025-04-02", "2025-04-30")
    assert text(inside, "sa9_bsc_meetings", on=date(2025, 6, 1)) == "Met"


# ------------------------------------------------------------------------------ things done


def test_what_was_done_stays_done_whatever_is_unknown_of_other_months():
    lost = row("sa9_bsc_meetings", None, None, "2025-07-01", "2025-07-31")
    done = row("sa9_bsc_meetings", 3, None, "2025-05-01", "2025-05-31")
    both = pd.concat([done, lost]).astype({"numerator": "Int64"})
    assert text(both, "sa9_bsc_meetings", on=AFTER) == "Met"
    few = both.assign(numerator=both["numerator"].replace(3, 2))
    found = scorecard(few, year="y7", on=AFTER).items.set_index("item").loc["sa9_bsc_meetings"]
    assert (found["verdict"], found["numerator"]) == ("unsettled", 2)


@pytest.mark.parametrize(
    ("on", "verdict"),
    [
        # 243 days from 2 April: a third of three meetings is asked for when 81 are over.
        (date(2025, 6, 20), "on_course"),  # 80 days, this one among them: one third is not over
        (date(2025, 6, 21), "at_risk"),  # 81
    ],
)
def test_the_share_of_the_period_that_is_over_counts_the_day_itself(on, verdict):
    none = row("sa9_bsc_meetings", 0, None, "2025-04-02", "2025-04-30")
    found = scorecard(none, year="y7", on=on).items.set_index("item").loc["sa9_bsc_meetings"]
    assert found["verdict"] == verdict
