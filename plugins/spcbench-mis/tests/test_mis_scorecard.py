"""The scorecard: which rows count, what a verdict rests on, and what stays unknown."""

from __future__ import annotations

import itertools
from datetime import date
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from spcbench.errors import InputError, OptionError
from spcbench_mis.evidence import Evidence
from spcbench_mis.scheme_data import Item, Window, scheme
from spcbench_mis.scorecard_counts import tally
from spcbench_mis.scorecard_rows import Row
from spcbench_mis.scorecard_table import ITEM_COLUMNS, scorecard
from spcbench_mis.scorecard_words import ACTION_WORDS, ITEM_WORDS

AFTER = date(2025, 12, 1)
"""The day after the last period of year 7."""


def rows(*lines, measure="mis:sa5_one_to_one", unit="RJ1"):
    """Counts from (period, numerator, denominator[, period_end, eligible, expected_total])."""
    names = ("period", "numerator", "denominator", "period_end", "eligible", "expected_total")
    made = pd.DataFrame([dict(zip(names, line, strict=False)) for line in lines])
    return made.assign(measure=measure, unit=unit)


def months(first, last, numerator, denominator, **more):
    days = pd.date_range(first, last, freq="MS").strftime("%Y-%m-%d")
    return rows(*[(day, numerator, denominator) for day in days], **more)


def line(counts, item, on=AFTER, **more):
    card = scorecard(counts, year="y7", on=on, **more)
    return card.items.set_index("item").loc[item]


# ------------------------------------------------------------------------ flows add up


def test_whole_months_within_the_period_add_up():
    counts = months("2024-12-01", "2025-11-01", 3, 3, measure="mis:sa10_mnsi_reported")
    found = line(counts, "sa10_mnsi_reported")
    assert (found["numerator"], found["denominator"], found["verdict"]) == (36, 36, "met")
    assert (found["first"], found["last"]) == (date(2024, 12, 1), date(2025, 11, 30))
    assert found["lower_95"] == pytest.approx(0.9026, abs=1e-4)  # 0.025 ** (1 / 36)


def test_rows_of_other_periods_units_packs_and_years_do_not_count():
    own = months("2024-12-01", "2025-11-01", 1, 1, measure="mis:sa10_mnsi_reported")
    other = [
        months("2024-01-01", "2024-11-01", 0, 1, measure="mis:sa10_mnsi_reported"),
        months("2025-12-01", "2026-02-01", 0, 1, measure="mis:sa10_mnsi_reported"),
        months("2024-12-01", "2025-11-01", 0, 1, measure="mis:sa10_mnsi_reported", unit="RAX"),
        months("2024-12-01", "2025-11-01", 0, 1, measure="mis@y6:sa10_mnsi_reported"),
        months("2024-12-01", "2025-11-01", 0, 1, measure="cqim@2023:cqim_pph"),
        months("2024-12-01", "2025-11-01", 0, 1, measure="births"),
    ]
    found = line(pd.concat([own, *other]), "sa10_mnsi_reported", unit="RJ1")
    assert (found["numerator"], found["denominator"], found["verdict"]) == (12, 12, "met")


@pytest.mark.parametrize("name", ["mis@y7:sa10_mnsi_reported", "sa10_mnsi_reported"])
def test_other_spellings_of_the_name(name):
    counts = months("2024-12-01", "2025-11-01", 1, 1, measure=name)
    assert line(counts, "sa10_mnsi_reported")["verdict"] == "met"


def test_rows_after_the_day_are_not_known_yet():
    counts = months("2024-12-01", "2025-11-01", 1, 2, measure="mis:sa10_mnsi_reported")
    found = line(counts, "sa10_mnsi_reported", on=date(2025, 1, 15))
    assert (found["numerator"], found["denominator"]) == (2, 4)
    assert found["verdict"] == "cannot_now_be_met"
    assert found["verdict_text"].endswith("too many cases have failed, whatever the rest do")


def test_a_period_ends_with_its_last_day():
    counts = months("2024-12-01", "2025-11-01", 1, 1, measure="mis:sa10_mnsi_reported")
    last = line(counts, "sa10_mnsi_reported", on=date(2025, 11, 30))
    assert last["verdict"] == "on_course"
    assert line(counts, "sa10_mnsi_reported", on=date(2025, 12, 1))["verdict"] == "met"
    gap = counts[counts["period"].ne("2025-03-01")]
    assert line(gap, "sa10_mnsi_reported", on=date(2025, 11, 30))["verdict"] == "on_course"
    assert line(gap, "sa10_mnsi_reported", on=date(2025, 12, 1))["verdict"] == "unsettled"
    few = rows(("2025-04-02", 1, None, "2025-11-30"), measure="mis:sa9_bsc_meetings")
    assert line(few, "sa9_bsc_meetings", on=date(2025, 11, 30))["verdict"] == "at_risk"
    assert line(few, "sa9_bsc_meetings", on=date(2025, 12, 1))["verdict"] == "not_met"


def test_a_row_that_ends_on_the_first_day_lies_across_the_edge():
    touching = rows(("2025-03-15", 9, 10, "2025-04-02"), ("2025-04-03", 90, 90, "2025-11-30"))
    found = line(touching, "sa5_one_to_one")
    assert (found["verdict"], found["denominator"]) == ("unsettled", 90)
    before = rows(("2025-03-15", 9, 10, "2025-04-01"), ("2025-04-02", 90, 90, "2025-11-30"))
    assert line(before, "sa5_one_to_one")["verdict"] == "met"
    after = rows(("2025-04-02", 90, 90, "2025-11-29"), ("2025-11-30", 9, 10, "2025-12-15"))
    assert line(after, "sa5_one_to_one")["verdict"] == "unsettled"


@pytest.mark.parametrize("lost", ["absent", "null"])
def test_a_month_without_a_figure_leaves_the_verdict_open(lost):
    counts = months("2024-12-01", "2025-11-01", 1, 1, measure="mis:sa10_mnsi_reported")
    gap = counts["period"].eq("2025-03-01")
    if lost == "absent":
        counts = counts[~gap]
    else:
        counts = counts.astype({"numerator": "Int64", "denominator": "Int64"})
        counts.loc[gap, ["numerator", "denominator"]] = pd.NA
    found = line(counts, "sa10_mnsi_reported")
    assert found["verdict"] == "unsettled"
    assert "Mar 2025" in found["note"]
    assert found["denominator"] == 11


def test_a_month_of_no_case_is_a_report():
    counts = months("2024-12-01", "2025-11-01", 0, 0, measure="mis:sa10_mnsi_reported")
    found = line(counts, "sa10_mnsi_reported")
    assert (found["verdict"], found["numerator"], found["denominator"]) == ("none_due", 0, 0)
    assert np.isnan(found["value"])
    counts.loc[3, ["numerator", "denominator"]] = [2, 2]
    assert line(counts, "sa10_mnsi_reported")["verdict"] == "met"


def test_a_suppressed_count_is_not_nought():
    counts = months("2024-12-01", "2025-11-01", 1, 1, measure="mis:sa10_mnsi_reported")
    counts = counts.astype({"numerator": "Int64", "denominator": "Int64"})
    counts["status"] = "ok"
    counts.loc[4, ["numerator", "denominator"]] = pd.NA
    counts.loc[4, "status"] = "suppressed"
    found = line(counts, "sa10_mnsi_reported")
    assert (found["verdict"], found["note"]) == ("unsettled", "Apr 2025: suppressed")


def test_no_locum_at_all_is_compliant_and_no_record_is_not():
    none = rows(("2025-02-01", 0, 0, "2025-07-31"), measure="mis:sa4_short_locum")
    assert line(none, "sa4_short_locum")["verdict"] == "met"
    # Before the end one may still be employed.
    assert line(none, "sa4_short_locum", on=date(2025, 8, 1))["verdict"] == "on_course"
    records = rows(("2023-07-01", 0, 0), measure="mis:sa2_care_prof_id")
    card = scorecard(records, year="y5", on=date(2024, 1, 1)).items.set_index("item")
    assert card.loc["sa2_care_prof_id", "verdict"] == "not_met"


# --------------------------------------------------------- across an edge of the period


@pytest.mark.parametrize(
    ("april", "rest", "verdict"),
    [
        ((30, 30), (270, 270), "met"),  # whatever part of April belongs to it
        ((29, 30), (270, 270), "unsettled"),  # the failure may have been on 1 April
        ((30, 30), (269, 270), "not_met"),
    ],
)
def test_april_lies_across_the_edge_and_is_looked_at_both_ways(april, rest, verdict):
    counts = rows(("2025-04-01", *april, None), ("2025-05-01", *rest, "2025-11-30"))
    found = line(counts, "sa5_one_to_one")
    assert found["verdict"] == verdict
    assert "2025 to 30 Apr 2025 lies across an edge of the period and is counted" in found["note"]
    assert found["denominator"] == april[1] + rest[1]


def test_before_the_end_a_mark_of_all_is_not_called_lost_for_a_failure_that_may_lie_outside():
    counts = rows(("2025-04-01", 29, 30), ("2025-05-01", 30, 30))
    found = line(counts, "sa5_one_to_one", on=date(2025, 6, 1))
    assert found["verdict"] == "at_risk"
    assert "lost if what failed belongs to the period; split the row" in found["verdict_text"]
    inside = rows(("2025-04-02", 29, 30, "2025-04-30"), ("2025-05-01", 30, 30))
    found = line(inside, "sa5_one_to_one", on=date(2025, 6, 1))
    assert found["verdict_text"].endswith("only an agreed exception can meet it")


def test_a_row_of_which_little_belongs_to_the_period_is_left_out():
    counts = rows(("2023-05-01", 10, 20), ("2023-06-01", 60, 60, "2023-12-07"))
    card = scorecard(counts, year="y5", on=date(2024, 1, 1)).items.set_index("item")
    found = card.loc["sa5_one_to_one"]
    assert (found["denominator"], found["verdict"]) == (60, "unsettled")
    assert (
        "01 May 2023 to 31 May 2023 lies across an edge of the period and is left out"
        in (found["note"])
    )


def test_every_part_of_a_row_across_an_edge_is_between_the_two_ends():
    """By brute force: a verdict is given only if no part of April could change it."""
    item = scheme().item("sa1_parent_views")
    window = Window(title="", first=date(2025, 4, 2), last=date(2025, 11, 30))
    mark = Fraction(19, 20)
    differing = 0
    for met, cases, april, in_april in itertools.product(range(17, 21), [20], range(4), [3]):
        both = [
            row(date(2025, 4, 1), date(2025, 4, 30), april, in_april),
            row(date(2025, 5, 1), date(2025, 11, 30), met, cases),
        ]
        found = tally(item, both, window, AFTER)
        assert found.lowest is not None
        assert found.highest is not None
        parts = {
            Fraction(met + s, cases + s + f) >= mark
            for s in range(april + 1)
            for f in range(in_april - april + 1)
        }
        ends = {Fraction(*found.lowest) >= mark, Fraction(*found.highest) >= mark}
        assert ends == parts
        differing += len(parts) > 1
    assert differing > 0


def row(first, last, numerator, denominator):
    return Row(
        first=first, last=last, numerator=numerator, denominator=denominator, eligible=None,
        expected_total=None, status="ok",
    )  # fmt: skip


# --------------------------------------------------------------- due apart from eligible


def test_eligible_is_shown_and_the_verdict_rests_on_what_is_due():
    lines = ("2024-12-01", 10, 15, "2025-09-30", 29, 24)
    counts = rows(lines, measure="mis:sa1_published_6m")
    found = line(counts, "sa1_published_6m", on=date(2025, 10, 1))
    assert (found["denominator"], found["eligible"], found["expected_total"]) == (15, 29, 24)
    # 75 % of 24 is 18, so 6 may fail, and 5 have.
    assert (found["verdict"], found["failures_left"]) == ("at_risk", 1)
    assert found["verdict_text"] == "At risk: 24 expected, 9 still due: 8 of them must succeed"


def test_known_so_far_is_not_taken_for_known_in_all():
    counts = rows(("2024-12-01", 27, 29, "2025-09-30", 29), measure="mis:sa1_parent_views")
    found = line(counts, "sa1_parent_views", on=date(2025, 10, 1))
    # 2 of 29 is too many of 29, but more cases can come: 11 in a row would do.
    assert (found["verdict"], found["catch_up"]) == ("at_risk", 11)
    assert pd.isna(found["failures_left"])
    known = rows(("2024-12-01", 27, 29, "2025-09-30", 29, 29), measure="mis:sa1_parent_views")
    assert line(known, "sa1_parent_views", on=date(2025, 10, 1))["verdict"] == "cannot_now_be_met"


# ------------------------------------------------------------------------------- stocks


def test_of_a_stock_the_latest_figure_stands_for_itself():
    counts = months("2025-01-01", "2025-11-01", 90, 100, measure="mis:sa8_fm_midwives")
    counts.loc[counts.index[-1], ["numerator", "period_end"]] = [89, "2025-11-30"]
    found = line(counts, "sa8_fm_midwives")
    assert (found["numerator"], found["denominator"], found["verdict"]) == (89, 100, "not_met")
    assert found["verdict_text"].endswith("1 more of the 100 cases would have had to succeed")
    assert np.isnan(found["lower_95"])  # all staff are counted: there is no sample
    assert line(counts, "sa8_fm_midwives", on=date(2025, 10, 15))["verdict"] == "on_course"


def test_a_stock_of_september_says_nothing_about_november():
    counts = months("2025-01-01", "2025-09-01", 95, 100, measure="mis:sa8_fm_midwives")
    found = line(counts, "sa8_fm_midwives")
    assert found["verdict"] == "unsettled"
    assert found["note"] == "the latest figure is of 01 Sep 2025, not of the end of the period"


# ----------------------------------------------------------------- counts of things done


@pytest.mark.parametrize(
    ("meetings", "on", "verdict", "text"),
    [
        (3, date(2025, 8, 15), "met", "Met"),
        (2, date(2025, 8, 15), "on_course", "On course: 1 more needed by the end"),
        (0, date(2025, 8, 15), "at_risk", "At risk: 3 more needed by the end"),
        (2, AFTER, "not_met", "Not met: 1 more were needed"),
    ],
)
def test_meetings(meetings, on, verdict, text):
    lines = [("2025-04-02", meetings, None, "2025-07-31"), ("2025-08-01", 0, None, "2025-11-30")]
    counts = rows(*lines, measure="mis:sa9_bsc_meetings")
    found = line(counts, "sa9_bsc_meetings", on=on)
    assert (found["verdict"], found["verdict_text"]) == (verdict, text)


# ----------------------------------------------------------------- unknown stays unknown


def test_nothing_is_known_of_what_nobody_reports():
    card = scorecard(rows(("2025-05-01", 1, 1)), year="y7", on=AFTER)
    verdicts = card.items.set_index("item")["verdict"]
    assert verdicts["sa1_parent_views"] == "not_reported"
    assert verdicts["sa7_mnvp_funded"] == "not_reported"
    # It has no mark in year 7, but is required, and nobody has reported it.
    assert verdicts["sa6_interventions_overall"] == "not_reported"
    assert verdicts["sa3_term_admission_rate"] == "not_reported"
    assert list(card.items.columns) == list(ITEM_COLUMNS)
    assert set(verdicts) <= set(ITEM_WORDS)
    assert set(card.actions["verdict"]) <= set(ACTION_WORDS)


def test_what_has_no_mark_gets_no_verdict():
    counts = months("2025-05-01", "2025-11-01", 4, 60, measure="mis:sa3_term_admission_rate")
    found = line(counts, "sa3_term_admission_rate")
    assert (found["verdict"], found["threshold"]) == ("no_mark", "")
    assert not found["required"]
    assert found["value"] == pytest.approx(28 / 420)


def test_what_has_no_mark_is_not_counted_as_met():
    names = [item.id for item in scheme().items if item.id.startswith("sa6_interventions")]
    parts = [rows(("2025-05-01", 2, 2), measure=f"mis:{name}") for name in names]
    card = scorecard(pd.concat(parts), year="y7", on=AFTER)
    bundle = card.actions.set_index("action").loc[6]
    own = card.items[card.items["action"].eq(6) & card.items["required"]]
    assert own["verdict"].eq("no_mark").sum() == 7
    assert (bundle["met"], bundle["required"]) == (0, len(own) - 7)


def test_evidence_decides_items_that_are_no_statistics():
    said = {
        "sa7_mnvp_funded": Evidence(item="sa7_mnvp_funded", status="achieved"),
        "sa7_cqc_action_plan": Evidence(
            item="sa7_cqc_action_plan", status="achieved", date=date(2025, 12, 24)
        ),
    }
    counts = rows(("2025-05-01", 1, 1))
    before = scorecard(counts, year="y7", on=AFTER, evidence=said)
    assert before.actions.set_index("action").loc[7, "verdict"] == "in_progress"
    note = before.items.set_index("item").loc["sa7_cqc_action_plan", "note"]
    assert note == "achieved on 24 Dec 2025, after this date; said without a link, person"
    after = scorecard(counts, year="y7", on=date(2026, 1, 5), evidence=said)
    assert after.actions.set_index("action").loc[7, "verdict"] == "met"


def test_an_agreed_exception_passes_and_the_figures_stay():
    counts = rows(("2025-04-02", 29, 30, "2025-11-30"))
    said = {"sa5_one_to_one": Evidence(item="sa5_one_to_one", status="achieved", note="plan")}
    found = line(counts, "sa5_one_to_one", evidence=said)
    assert (found["verdict"], found["numerator"]) == ("met_by_exception", 29)
    assert found["note"].startswith("plan")
    without = line(counts, "sa5_one_to_one")
    assert without["verdict"] == "not_met"
    assert "Below 100 % passes only with an action plan agreed by the Board" in without["note"]


def everything(verdict="achieved"):
    """Counts and evidence with which all ten actions are met."""
    year, parts, said = scheme().year("y7"), [], {}
    for item in scheme().of_year("y7"):
        window = scheme().window(item, year.id)
        if item.kind == "evidence":
            said[item.id] = Evidence(item=item.id, status=verdict)
            continue
        first = window.last if item.form == "stock" else window.first
        cases = None if item.kind == "count" else 40
        number = 11 if item.id == "sa2_cqims_passed" else 40
        lines = (str(first), number, cases, str(window.last))
        parts.append(rows(lines, measure=f"mis:{item.id}"))
    return pd.concat(parts), said


def test_the_scheme_is_met_only_if_all_is():
    counts, said = everything()
    card = scorecard(counts, year="y7", on=AFTER, evidence=said)
    assert card.actions["verdict"].to_list() == ["met"] * 10
    assert card.verdict == "met"
    for item in scheme().of_year("y7"):
        fewer = counts[counts["measure"] != f"mis:{item.id}"]
        less = {name: one for name, one in said.items() if name != item.id}
        found = scorecard(fewer, year="y7", on=AFTER, evidence=less)
        assert (found.verdict == "met") is not item.required, item.id
        if item.required:
            own = found.actions.set_index("action").loc[item.action]
            assert (own["verdict"], own["open"]) == ("not_reported", item.id)


def test_one_failure_is_told_before_what_is_not_known():
    counts, said = everything()
    counts.loc[counts["measure"].eq("mis:sa10_mnsi_reported"), "numerator"] = 39
    del said["sa7_mnvp_funded"]
    card = scorecard(counts, year="y7", on=AFTER, evidence=said)
    assert card.verdict == "not_met"
    verdicts = card.actions.set_index("action")["verdict"]
    assert (verdicts[10], verdicts[7]) == ("not_met", "not_reported")


# ---------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        (rows(("2025-05-01", 1, 1), measure="mis:sa1_parent_view"), "'mis:sa1_parent_view' of the "
         "counts is no item of the scheme; did you mean 'sa1_parent_views'"),
        (rows(("2025-05-01", 1, 1), measure="sa1_parent_view"), "did you mean 'sa1_parent_views'"),
        (rows(("2025-05-01", 1, 1), measure="mis:sa9_culture"), "'sa9_culture' is an evidence"),
        (pd.concat([rows(("2025-05-01", 1, 1)), rows(("2025-05-01", 1, 1),
         measure="sa5_one_to_one")]), "sa5_one_to_one, RJ1: the period 2025-05-01 stands there "
         "twice"),
        (rows(("2025-05-01", 1, 1, "2025-07-31"), ("2025-06-01", 1, 1, "2025-06-30")),
         "the row of 2025-05-01 to 2025-07-31 reaches into that of 2025-06-01"),
        (rows(("2025-05-01", 2, 3, "2025-05-31", 2)), "column eligible: 2 cases are eligible, "
         "fewer than the 3 that are due"),
        (rows(("2025-05-01", 2, 3, "2025-05-31", "many")), "2025-05-01, column eligible: 'many' is "
         "not a whole number"),
        (rows(("2025-05-02", 2, 3, "2025-05-31", 3, 2)), "column expected_total: 2 cases are "
         "expected in the whole period, fewer than the 3 that were due so far"),
    ],
)  # fmt: skip
def test_counts_that_cannot_be_judged_are_refused(counts, message):
    with pytest.raises(InputError) as caught:
        scorecard(counts, year="y7", on=AFTER)
    assert message in str(caught.value)


def test_the_trust_must_be_one():
    counts = pd.concat([rows(("2025-05-01", 1, 1)), rows(("2025-05-01", 1, 1), unit="RAX")])
    with pytest.raises(OptionError, match=r"the counts hold 2 units \(RAX, RJ1\); choose one"):
        scorecard(counts, year="y7", on=AFTER)
    with pytest.raises(OptionError, match="unit 'RJX' is not in the counts; did you mean"):
        scorecard(counts, year="y7", on=AFTER, unit="RJX")


def test_the_order_of_rows_does_not_matter():
    counts, said = everything()
    counts = pd.concat([counts, months("2025-01-01", "2025-06-01", 3, 4, measure="births")])
    one = scorecard(counts, year="y7", on=AFTER, evidence=said)
    other = scorecard(counts.sample(frac=1, random_state=1), year="y7", on=AFTER, evidence=said)
    pd.testing.assert_frame_equal(one.items, other.items)


def test_an_item_knows_its_own_words():
    item = scheme().item("sa2_coc_prof_team")
    assert isinstance(item, Item)
    assert item.threshold_text("y5") == "> 5%"
    assert item.threshold_text("y7") == ""
