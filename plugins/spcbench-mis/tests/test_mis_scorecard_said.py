"""What a trust says of an item, and what that changes: evidence and agreed exceptions."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from spcbench.errors import InputError
from spcbench_mis.evidence import Evidence, evidence_about, read_evidence, template
from spcbench_mis.scheme_data import scheme
from spcbench_mis.scheme_published import PROVISIONAL
from spcbench_mis.scorecard_table import scorecard

END, AFTER = date(2025, 11, 30), date(2025, 12, 1)
DECLARED = date(2026, 3, 3)
DOCTORS = ("sa8_fm_doctors", "sa8_mdt_doctors", "sa8_mdt_anaes_other", "sa8_nls_doctors")


def counted(item, numerator, denominator, first="2025-04-02", last="2025-11-30", **more):
    cells = {"measure": f"mis:{item}", "unit": "RJ1", "period": [first], "period_end": [last]}
    return pd.DataFrame({**cells, "numerator": numerator, "denominator": denominator, **more})


def staff(item, numerator, denominator, day="2025-11-30"):
    return counted(item, numerator, denominator, day, day)


def line(counts, item, *, on=AFTER, year="y7", **said):
    evidence = {item: Evidence(item=item, **said)} if said else None
    card = scorecard(counts, year=year, on=on, evidence=evidence)
    return card.items.set_index("item").loc[item]


NOTHING = counted("sa3_term_admission_rate", 1, 20)
"""Counts that bear on no verdict, because a scorecard needs some."""


# ------------------------------------------------------------------------------- evidence


@pytest.mark.parametrize(
    ("on", "verdict"),
    [
        (date(2025, 6, 1), "at_risk"),
        (END, "at_risk"),  # the last day belongs to the period
        (AFTER, "not_met"),
    ],
)
def test_what_is_not_achieved_is_not_lost_before_the_end(on, verdict):
    found = line(NOTHING, "sa9_culture", on=on, status="not achieved")
    assert found["verdict"] == verdict
    assert (
        found["verdict_text"]
        == {"at_risk": "At risk: not achieved so far", "not_met": "Not met"}[verdict]
    )


@pytest.mark.parametrize(
    ("day", "on", "verdict", "note"),
    [
        (date(2025, 4, 1), AFTER, "met", "before the period began (02 Apr 2025)"),
        (date(2025, 4, 2), AFTER, "met", ""),
        (END, AFTER, "met", ""),
        (AFTER, date(2026, 1, 1), "met", "after the period ended (30 Nov 2025)"),
        (DECLARED, date(2026, 4, 1), "met", "after the period ended (30 Nov 2025)"),
        (date(2026, 3, 4), date(2026, 4, 1), "not_met",
         "after the declaration of the Board was due (03 Mar 2026)"),
        (date(2025, 6, 1), date(2025, 6, 1), "met", ""),  # of today
        (date(2025, 6, 2), date(2025, 6, 1), "in_progress", "after this date"),
    ],
)  # fmt: skip
def test_the_day_on_which_it_was_achieved(day, on, verdict, note):
    found = line(
        NOTHING, "sa9_culture", on=on, status="achieved", date=day, link="https://a.b", who="DoM"
    )
    assert found["verdict"] == verdict
    assert found["note"] == (f"achieved on {day:%d %b %Y}, {note}" if note else "")


@pytest.mark.parametrize(
    ("given", "note"),
    [
        ({}, "said without a date, link, person"),
        ({"date": END, "who": "DoM"}, "said without a link"),
        ({"date": END, "who": "DoM", "link": "x"}, ""),
    ],
)
def test_what_would_show_it_and_is_not_given_is_noted(given, note):
    found = line(NOTHING, "sa9_culture", status="achieved", **given)
    assert (found["verdict"], found["note"]) == ("met", note)
    other = line(NOTHING, "sa9_culture", status="in progress")
    assert (other["verdict"], other["note"]) == ("in_progress", "")


def test_in_progress_fulfils_nothing():
    said = {
        name: Evidence(item=name, status="in progress")
        for name in ("sa7_mnvp_funded", "sa7_cqc_action_plan")
    }
    card = scorecard(NOTHING, year="y7", on=AFTER, evidence=said)
    own = card.actions.set_index("action").loc[7]
    assert (own["verdict"], own["met"], own["required"]) == ("in_progress", 0, 2)
    assert own["open"] == "sa7_mnvp_funded; sa7_cqc_action_plan"


# --------------------------------------------------------------------------- does not apply


def test_a_required_item_does_not_apply_only_where_the_scheme_says_so(tmp_path):
    """In year 5 the continuity of carer items alone, where all pathways are suspended."""
    allowed = [item.id for item in scheme().items if item.required and item.not_applicable]
    assert allowed == ["sa2_coc_pathway_indicator", "sa2_coc_prof_team"]
    said = {"status": "not applicable", "note": "pathways suspended since May 2022"}
    y5 = counted("sa3_term_admission_rate", 1, 20, "2023-06-01", "2023-11-30")
    found = line(y5, "sa2_coc_prof_team", on=date(2024, 1, 1), year="y5", **said)
    assert (found["verdict"], found["note"]) == ("not_applicable", said["note"])
    with pytest.raises(InputError, match="'sa7_mnvp_funded' is required, and the scheme knows no"):
        line(NOTHING, "sa7_mnvp_funded", **said)
    path = tmp_path / "e.csv"
    path.write_text("item,status,note\nsa8_nls_annp,not applicable,we have none\n", "utf-8")
    with pytest.raises(InputError) as caught:
        read_evidence(path, year="y7")
    assert str(caught.value) == (
        "e.csv, row 2, column status: 'sa8_nls_annp' is required, and the scheme knows no case in "
        "which it does not apply; say how it stands, or give 0 of 0 among the counts if there was "
        "no case"
    )


def test_what_is_for_context_may_be_said_not_to_apply():
    found = line(NOTHING, "sbl_6a", status="not applicable", note="seen elsewhere")
    assert found["verdict"] == "not_applicable"


# ------------------------------------------------------------------------------- exceptions


def test_which_items_know_an_exception_in_which_year():
    held = {
        year: {item.id for item in scheme().of_year(year) if year in item.exceptions}
        for year in ("y5", "y6", "y7")
    }
    training = {item.id for item in scheme().items if item.form == "stock" and item.action == 8}
    staffing = {"sa5_one_to_one", "sa5_coordinator_supernumerary"}
    assert held["y5"] == training | staffing
    assert len(training) == 14
    assert held["y6"] == held["y7"] == {*DOCTORS, *staffing}
    assert "1 July 2024" in scheme().item("sa8_fm_doctors").exceptions["y6"].text
    assert "1 July 2025" in scheme().item("sa8_fm_doctors").exceptions["y7"].text


@pytest.mark.parametrize("item", ["sa8_fm_midwives", "sa8_nls_nurses", "sa8_fm_consultants"])
def test_an_exception_for_rotating_doctors_is_not_for_others(item, tmp_path):
    with pytest.raises(InputError, match=f"'{item}' is a statistic, which its figures decide"):
        line(staff(item, 200, 241), item, status="achieved", note="x")
    path = tmp_path / "e.csv"
    path.write_text(f"item,status,note\n{item},achieved,x\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"e\.csv, row 2, column status: "):
        read_evidence(path, year="y7")
    assert read_evidence(path, year="y5")[item].status == "achieved"


@pytest.mark.parametrize("item", DOCTORS)
def test_of_rotating_doctors_fewer_may_pass(item):
    found = line(staff(item, 10, 20), item, status="achieved", note="plan minuted")
    assert (found["verdict"], found["numerator"]) == ("met_by_exception", 10)
    assert found["note"].startswith("plan minuted")


@pytest.mark.parametrize(
    ("trained", "verdict"), [(90, "met"), (80, "met_by_exception"), (79, "not_met")]
)
def test_in_year_5_a_plan_did_for_80_per_cent_and_not_for_less(trained, verdict):
    counts = staff("sa8_fm_midwives", trained, 100, "2023-12-01")
    said = {"status": "achieved", "note": "plan"}
    found = line(counts, "sa8_fm_midwives", on=date(2024, 1, 1), year="y5", **said)
    assert found["verdict"] == verdict
    assert ("the exception asks for at least 80%" in found["note"]) == (verdict == "not_met")
    without = line(counts, "sa8_fm_midwives", on=date(2024, 1, 1), year="y5")
    assert without["verdict"] == ("met" if verdict == "met" else "not_met")


@pytest.mark.parametrize(
    ("day", "on", "verdict", "note"),
    [
        (None, AFTER, "met_by_exception", "plan; said without a date, link, person"),
        (AFTER, AFTER, "met_by_exception", "plan; said without a link, person"),
        (date(2025, 12, 2), AFTER, "not_met", "the exception is of 02 Dec 2025, after this date"),
        (DECLARED, date(2026, 5, 1), "met_by_exception", "plan; said without a link, person"),
        (date(2026, 3, 4), date(2026, 5, 1), "not_met", "after the declaration was due"),
    ],
)
def test_an_exception_is_of_a_day(day, on, verdict, note):
    counts = counted("sa5_one_to_one", 604, 605)
    found = line(counts, "sa5_one_to_one", on=on, status="achieved", date=day, note="plan")
    assert found["verdict"] == verdict
    assert note in found["note"]


def test_before_the_end_an_exception_makes_nothing_met():
    counts = counted("sa5_one_to_one", 604, 605, last="2025-09-30")
    said = {"status": "achieved", "note": "plan"}
    agreed = line(counts, "sa5_one_to_one", on=date(2025, 10, 1), **said)
    assert agreed["verdict"] == "at_risk"
    assert agreed["verdict_text"] == "At risk: below the mark; an exception is agreed"
    without = line(counts, "sa5_one_to_one", on=date(2025, 10, 1))
    assert without["verdict"] == "at_risk"
    assert without["verdict_text"] == (
        "At risk: below the mark; only an agreed exception can meet it"
    )
    # A mark of 100 % without an exception is lost for good.
    deaths = counted("sa1_notified_7wd", 8, 9, "2024-12-01", "2025-09-30")
    assert line(deaths, "sa1_notified_7wd", on=date(2025, 10, 1))["verdict"] == "cannot_now_be_met"
    last_day = line(counts, "sa5_one_to_one", on=END, **said)
    assert last_day["verdict"] == "at_risk"


def test_an_exception_covers_neither_what_is_unknown_nor_what_is_open():
    said = {"status": "achieved", "note": "plan"}
    gap = counted("sa5_one_to_one", 604, 605, last="2025-09-30")
    assert line(gap, "sa5_one_to_one", **said)["verdict"] == "unsettled"
    assert line(NOTHING, "sa5_one_to_one", **said)["verdict"] == "not_reported"
    whole = counted("sa5_one_to_one", 605, 605)
    assert line(whole, "sa5_one_to_one", **said)["verdict"] == "met"
    few = staff("sa8_fm_doctors", 10, 20, "2025-09-01")
    on = date(2025, 9, 1)
    assert line(few, "sa8_fm_doctors", on=on, **said)["verdict"] == "at_risk"


@pytest.mark.parametrize("status", ["in progress", "not achieved"])
def test_of_a_statistic_evidence_says_only_that_an_exception_was_agreed(tmp_path, status):
    path = tmp_path / "e.csv"
    path.write_text(f"item,status,note\nsa5_one_to_one,{status},plan\n", encoding="utf-8")
    with pytest.raises(InputError, match="'sa5_one_to_one' is a statistic, which its figures"):
        read_evidence(path, year="y7")


# ------------------------------------------------------------- what is not settled, or not asked


def test_provisional_passes_are_not_plainly_met():
    july = {"first": "2025-07-01", "last": "2025-07-31"}
    for passed, said in ((10, "met as it stands"), (9, "short of the mark as it stands")):
        counts = counted("sa2_cqims_passed", passed, 11, **july, note=PROVISIONAL)
        found = line(counts, "sa2_cqims_passed")
        assert found["verdict"] == "unsettled"
        assert found["verdict_text"] == f"Not settled: {said}, from a provisional file"
    final = line(counted("sa2_cqims_passed", 10, 11, **july), "sa2_cqims_passed")
    assert final["verdict"] == "met"


def test_required_without_a_mark_must_still_be_reported():
    counts = counted("sa3_term_admission_rate", 1, 20, "2024-05-01", "2024-10-31")
    on = date(2024, 12, 1)
    found = line(counts, "sa4_consultant_attendance", on=on, year="y6")
    assert (found["required"], found["threshold"], found["verdict"]) == (True, "", "not_reported")
    own = scorecard(counts, year="y6", on=on).actions.set_index("action").loc[4]
    assert "sa4_consultant_attendance" in own["open"]
    audit = counted("sa4_consultant_attendance", 8, 9, "2024-05-01", "2024-10-31")
    card = scorecard(audit, year="y6", on=on)
    own = card.actions.set_index("action").loc[4]
    assert "sa4_consultant_attendance" not in own["open"]
    assert "1 without a mark" in own["counts"]


def test_what_is_for_context_gets_no_verdict_even_with_a_mark():
    found = line(staff("sbl_4a", 50, 100), "sbl_4a")
    assert (found["required"], found["threshold"]) == (False, "≥ 90%")
    assert found["verdict"] == "no_mark"
    assert found["verdict_text"] == (
        "No mark this year: for context; its mark is not of the scheme"
    )


# ---------------------------------------------------------------------------- the CSV form


WHOSE = "item,status,unit\nsa9_culture,achieved,{}\nsa7_mnvp_funded,achieved,{}\n"


def test_a_csv_names_its_trust(tmp_path):
    path = tmp_path / "e.csv"
    path.write_text(WHOSE.format("", "RJ1"), encoding="utf-8")
    assert evidence_about(path) == ("", "RJ1")
    assert len(read_evidence(path, year="y7", unit="RJ1")) == 2
    with pytest.raises(InputError, match=r"e\.csv, row 3 is the evidence of 'RJ1', but 'RAX' was"):
        read_evidence(path, year="y7", unit="RAX")
    path.write_text(WHOSE.format("RJ1", "RAX"), encoding="utf-8")
    with pytest.raises(InputError, match="row 3 is the evidence of 'RAX', the rows above are that"):
        read_evidence(path, year="y7")
    path.write_text("item,status\nsa9_culture,achieved\n", encoding="utf-8")
    assert evidence_about(path) == ("", "")
    assert template("y7", form="csv").splitlines()[0] == "item,status,date,link,who,note,unit"


def test_semicolons_separate_too(tmp_path):
    path = tmp_path / "e.csv"
    path.write_text('item;status;note\nsa9_culture;achieved;"seen; agreed, too"\n', "utf-8")
    assert read_evidence(path, year="y7")["sa9_culture"].note == "seen; agreed, too"


def test_one_cell_too_many_is_refused(tmp_path):
    path = tmp_path / "e.csv"
    path.write_text("item,status,note\nsa9_culture,achieved,seen, and agreed\n", "utf-8")
    with pytest.raises(InputError, match="row 2 has 4 cells, more than the 3 columns"):
        read_evidence(path, year="y7")


def test_an_item_of_another_year_from_python_is_refused():
    said = {"sa3_atain_review": Evidence(item="sa3_atain_review", status="achieved")}
    with pytest.raises(InputError, match="evidence, item: 'sa3_atain_review' is not in the stand"):
        scorecard(NOTHING, year="y7", on=AFTER, evidence=said)


def test_a_status_from_python_is_checked_too():
    with pytest.raises(InputError, match="evidence, sa9_culture, status: 'done' is not one of"):
        line(NOTHING, "sa9_culture", status="done")
