"""Cases that are due and staff in date, at their borders."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from spcbench.errors import InputError
from spcbench_mis.scheme_data import Window
from spcbench_mis.scheme_due import MONTHS, due_counts
from spcbench_mis.scorecard_table import scorecard
from spcbench_mis.training import training_counts, training_forecast

WINDOW = Window(title="", first=date(2024, 12, 1), last=date(2025, 11, 30))


def due(event, done, on, months=6):
    cases = pd.DataFrame({"event": [event], "done": [done]})
    found = due_counts(cases, months=months, on=on, window=WINDOW)
    return found.numerator, found.denominator


def test_the_months_that_the_scheme_allows():
    assert MONTHS == {
        "sa1_surveillance_1m": 1,
        "sa1_review_started_2m": 2,
        "sa1_draft_4m": 4,
        "sa1_published_6m": 6,
    }


@pytest.mark.parametrize(
    ("done", "on", "numbers"),
    [
        (None, date(2025, 7, 9), (0, 0)),
        (None, date(2025, 7, 10), (0, 0)),  # there is still the day itself
        (None, date(2025, 7, 11), (0, 1)),
        ("2025-07-10", date(2025, 7, 10), (0, 0)),
        ("2025-07-10", date(2025, 7, 11), (1, 1)),
        ("2025-07-11", date(2025, 7, 11), (0, 1)),
    ],
)
def test_nobody_fails_on_the_last_day(done, on, numbers):
    assert due("2025-01-10", done, on) == numbers


def test_the_last_day_of_the_period_is_one_too():
    assert due("2025-05-30", None, date(2025, 11, 30)) == (0, 0)
    assert due("2025-05-30", None, date(2025, 12, 1)) == (0, 1)
    assert due("2025-06-01", None, date(2026, 1, 1)) == (0, 0)  # due after the period


@pytest.mark.parametrize(
    "written",
    [20250110, 45000, 45000.0, True, "20250110", "2025-W05-5", "2025-1-5", "10/01/2025",
     "2025-01-10 00:00:00"],
)  # fmt: skip
def test_what_is_no_date_is_refused_and_never_dropped(written):
    with pytest.raises(InputError, match=r"row 2, column event: .* is not a date such as"):
        due(written, None, date(2025, 9, 1))
    with pytest.raises(InputError, match=r"row 2, column done: .* is not a date such as"):
        due("2025-01-10", written, date(2025, 9, 1))
    if written is not True:
        staff = pd.DataFrame({"staff": ["a"], "measure": ["sa8_fm_midwives"]})
        with pytest.raises(InputError, match=r"row 2, column attended: .* is not a date such as"):
            training_forecast(
                staff.assign(attended=[written]), on=date(2025, 9, 1), until=date(2025, 9, 1),
                unit="RJ1",
            )  # fmt: skip


@pytest.mark.parametrize("written", [" 2025-01-10 ", date(2025, 1, 10), pd.Timestamp(2025, 1, 10)])
def test_what_is_a_date(written):
    assert due(written, None, date(2025, 7, 11)) == (0, 1)


# ------------------------------------------------------------------------------- training


def people(*lines):
    return pd.DataFrame(lines, columns=["staff", "measure", "attended"])


def forecast(*lines, on=date(2025, 9, 1), until=None, **more):
    return training_forecast(people(*lines), on=on, until=until or on, unit="RJ1", **more)


def test_one_person_may_be_in_two_groups():
    made = forecast(("a", "sa8_fm_midwives", "2025-01-01"), ("a", "sa8_mdt_midwives", None))
    assert made[["measure", "in_date"]].to_numpy().tolist() == [
        ["mis:sa8_fm_midwives", 1],
        ["mis:sa8_mdt_midwives", 0],
    ]
    with pytest.raises(InputError, match="row 3: 'a' stands in sa8_fm_midwives already, in row 2"):
        forecast(("a", "sa8_fm_midwives", "2025-01-01"), ("a", "mis@y7:sa8_fm_midwives", None))


def test_who_attends_today_is_in_date():
    assert forecast(("a", "sa8_fm_midwives", "2025-09-01"))["in_date"].to_list() == [1]
    with pytest.raises(InputError, match="2025-09-02 lies after 2025-09-01"):
        forecast(("a", "sa8_fm_midwives", "2025-09-02"))


def test_who_runs_out_today_has_not_expired_before():
    # In date until 1 September itself: lost between today and the end of the month.
    made = forecast(("a", "sa8_fm_midwives", "2024-09-02"), until=date(2025, 9, 30))
    assert made["in_date"].to_list() == [1, 0]
    assert made["expired"].to_list() == [0, 1]


def test_the_mark_is_that_of_the_newest_year(monkeypatch):
    from dataclasses import replace
    from fractions import Fraction

    from spcbench_mis import training

    told = training.scheme()
    marks = {"y5": Fraction(1, 2), "y6": Fraction(3, 5), "y7": Fraction(4, 5)}
    items = tuple(replace(one, thresholds=marks) for one in told.items)
    monkeypatch.setattr(training, "scheme", lambda: replace(told, items=items))
    staff = [(str(n), "sa8_fm_midwives", None) for n in range(10)]
    assert forecast(*staff)["to_attend"].to_list() == [8]


def test_the_parts_of_a_care_bundle_are_no_staff():
    with pytest.raises(InputError, match="'sa6_interventions_e1' is no training measure"):
        forecast(("a", "sa6_interventions_e1", "2025-01-01"))


def test_counts_of_staff_need_no_mark():
    counts = training_counts(
        people(("a", "sa4_neonatal_qis", "2025-01-01")), on=date(2025, 9, 1), unit="RJ1"
    )
    assert counts[["numerator", "denominator"]].to_numpy().tolist() == [[1, 1]]


def test_staff_in_date_on_the_first_do_not_stand_for_the_end_of_the_month():
    # Half of them run out on 15 November, as their own forecast says.
    staff = people(
        *[(f"a{n}", "sa8_fm_midwives", "2024-11-16") for n in range(5)],
        *[(f"b{n}", "sa8_fm_midwives", "2025-06-01") for n in range(5)],
    )
    for on, verdict in ((date(2025, 11, 1), "unsettled"), (date(2025, 11, 30), "not_met")):
        counts = training_counts(staff, on=on, unit="RJ1")
        card = scorecard(counts, year="y7", on=date(2025, 12, 1))
        assert card.items.set_index("item").loc["sa8_fm_midwives", "verdict"] == verdict
    made = training_forecast(staff, on=date(2025, 11, 1), until=date(2025, 11, 30), unit="RJ1")
    assert made["in_date"].to_list() == [10, 5]
