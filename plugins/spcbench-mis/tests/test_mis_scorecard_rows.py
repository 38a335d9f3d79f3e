"""What is not known is never met: impossible, doubled, missing and unused rows."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import pandas as pd
import pytest

import spcbench
from spcbench.errors import InputError
from spcbench_mis.scheme_data import Window, scheme
from spcbench_mis.scorecard_counts import tally
from spcbench_mis.scorecard_rows import UNUSED_COLUMNS, Row, unused_lines
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


def row(first, last, numerator, denominator=None):
    return Row(
        first=first, last=last, numerator=numerator, denominator=denominator, eligible=None,
        expected_total=None, status="ok", says_its_end=True,
    )  # fmt: skip


# --------------------------------------------------------------- rows that cannot be right


@pytest.mark.parametrize(
    ("item", "bad", "message"),
    [
        ("sa5_one_to_one", ("2025-05-01", 31, 30), "2025-05-01, column numerator: 31 of 30 cases"),
        # 305 of 306 and 1,031 of 1,030 would add up to 1,336 of 1,336.
        ("sa5_one_to_one", ("2025-05-01", 1031, 1030, "2025-11-30"), "1031 of 1030 cases"),
        ("sa8_fm_midwives", ("2025-11-30", 91, 90), "91 of 90 cases"),
        ("sa2_cqims_passed", ("2025-07-01", 12, 11), "12 is more than the 11 that there are"),
        ("sa2_cqims_passed", ("2025-07-01", 12, None), "12 is more than the 11 that there are"),
        ("sa2_cqims_passed", ("2025-07-01", 10, 12), "12 is more than the 11 that there are"),
        ("sa2_cqims_passed", ("2025-07-01", 10, 9), "10 of 9 cases cannot be"),
        ("sa5_one_to_one", ("2025-05-10", 2, 2, "2025-05-09"), "column period_end: 2025-05-09 lies "
         "before period, 2025-05-10"),
    ],
)  # fmt: skip
def test_impossible_rows_are_refused(item, bad, message):
    with pytest.raises(InputError, match=f"mis:{item}, RJ1, ") as caught:
        scorecard(rows(item, bad), year="y7", on=AFTER)
    assert message in str(caught.value)


def test_the_border_of_the_impossible():
    assert line(rows("sa2_cqims_passed", ("2025-07-01", 11, 11)), "sa2_cqims_passed")[
        "verdict"] == "met"  # fmt: skip
    one_day = rows("sa5_one_to_one", ("2025-05-10", 2, 2, "2025-05-10"))
    assert line(one_day, "sa5_one_to_one")["numerator"] == 2
    # Red flags are no cases of the births beside them.
    flags = rows("sa5_red_flags", ("2025-05-01", 130, 100))
    assert line(flags, "sa5_red_flags")["numerator"] == 130


def test_a_message_says_in_which_file_and_line(tmp_path):
    path = tmp_path / "counts.csv"
    path.write_text(
        "measure,unit,period,period_end,numerator,denominator\n"
        "mis:sa5_one_to_one,RJ1,2025-06-01,,30,30\n"
        "mis:sa5_one_to_one,RJ1,2025-05-01,2025-04-01,30,30\n",
        encoding="utf-8",
    )
    with pytest.raises(InputError) as caught:
        scorecard(spcbench.read(path), year="y7", on=AFTER)
    assert str(caught.value).startswith("counts.csv, line 3, mis:sa5_one_to_one, RJ1, 2025-05-01, ")


# ------------------------------------------------------------------ nothing is counted twice


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        # 100 of 100 and 97 of 97 may be the same women.
        ([("2025-05-01", 100, 100), ("2025-05-02", 97, 97)], "that of 2025-05-01 does not say its "
         "end and so stands for its month; give both their period_end"),
        ([("2025-05-01", 31, 31), ("2025-05-02", 30, 30, "2025-05-31")], "that of 2025-05-01"),
        ([("2025-05-01", 14, 14, "2025-05-14"), ("2025-05-15", 17, 17)], "that of 2025-05-15"),
        ([("2025-05-20", 1, 1), ("2025-05-02", 1, 1)], "that of 2025-05-02"),
        ([("2025-05-01", 1, 1, "2025-06-01"), ("2025-06-01", 1, 1, "2025-06-30")],
         "the row of 2025-05-01 to 2025-06-01 reaches into that of 2025-06-01"),
    ],
)  # fmt: skip
def test_a_day_that_two_rows_may_cover_is_refused(lines, message):
    for order in itertools.permutations(lines):
        with pytest.raises(InputError) as caught:
            scorecard(rows("sa5_one_to_one", *order), year="y7", on=AFTER)
        assert message in str(caught.value)


def test_one_row_after_the_other_is_fine():
    counts = rows(
        "sa5_one_to_one", ("2025-04-02", 29, 29, "2025-04-30"), ("2025-05-01", 31, 31),
        ("2025-06-01", 14, 14, "2025-06-14"), ("2025-06-15", 16, 16, "2025-06-30"),
        ("2025-07-01", 50, 50, "2025-11-30"),
    )  # fmt: skip
    found = line(counts, "sa5_one_to_one")
    assert (found["numerator"], found["verdict"]) == (140, "met")


# ---------------------------------------------------------------- a day that nobody reports


@pytest.mark.parametrize(
    ("lines", "missing"),
    [
        ([("2025-04-02", 9, 9, "2025-10-31")], "Nov 2025"),
        ([("2025-04-02", 9, 9, "2025-11-29")], "30 Nov 2025"),
        ([("2025-04-03", 9, 9, "2025-11-30")], "02 Apr 2025"),
        ([("2025-04-02", 9, 9, "2025-05-31"), ("2025-09-01", 9, 9, "2025-11-30")],
         "Jun 2025 to Aug 2025"),
        ([("2025-04-02", 9, 9, "2025-05-31"), ("2025-06-02", 9, 9, "2025-11-30")], "01 Jun 2025"),
        # One day in a month is not the month.
        ([("2025-04-02", 9, 9, "2025-09-30"), ("2025-10-15", 9, 9, "2025-11-30")],
         "01 Oct 2025 to 14 Oct 2025"),
        ([("2025-04-02", 9, 9, "2025-04-02"), ("2025-11-30", 9, 9, "2025-11-30")],
         "03 Apr 2025 to 29 Nov 2025"),
    ],
)  # fmt: skip
def test_one_day_without_a_row_leaves_the_verdict_open(lines, missing):
    found = line(rows("sa5_one_to_one", *lines), "sa5_one_to_one")
    assert (found["verdict"], found["note"]) == ("unsettled", f"no row for {missing}")


def test_the_last_week_of_year_5_must_be_there():
    lines = [("2023-05-30", 10, 10, "2023-05-31"), ("2023-06-01", 300, 300, "2023-11-30")]
    for on in (date(2023, 12, 8), date(2024, 1, 1)):
        found = line(rows("sa5_one_to_one", *lines), "sa5_one_to_one", on, "y5")
        assert found["note"] == "no row for 01 Dec 2023 to 07 Dec 2023"
        assert found["verdict"] == "unsettled"
    lines.append(("2023-12-01", 7, 7, "2023-12-07"))
    found = line(rows("sa5_one_to_one", *lines), "sa5_one_to_one", date(2024, 1, 1), "y5")
    assert (found["verdict"], found["note"]) == ("met", "")


@pytest.mark.parametrize(
    ("on", "note"),
    [
        (date(2025, 5, 31), ""),  # May is not over
        (date(2025, 6, 1), "no row for May 2025"),
        (date(2025, 6, 30), "no row for May 2025"),
        (date(2025, 7, 1), "no row for May 2025 to Jun 2025"),
        (date(2025, 11, 30), "no row for May 2025 to Oct 2025"),
        (date(2025, 12, 1), "no row for May 2025 to Nov 2025"),
        (date(2026, 2, 1), "no row for May 2025 to Nov 2025"),
    ],
)
def test_before_the_end_only_whole_months_are_missed(on, note):
    counts = rows("sa5_one_to_one", ("2025-04-02", 9, 9, "2025-04-30"))
    assert line(counts, "sa5_one_to_one", on)["note"] == note


@pytest.mark.parametrize(
    ("last", "begins", "note"),
    [
        ("2025-05-30", "2025-06-01", "no row for 31 May 2025"),
        ("2025-05-31", "2025-06-02", ""),  # June is not over
        ("2025-05-15", "2025-06-02", "no row for 16 May 2025 to 31 May 2025"),
    ],
)
def test_of_a_month_that_is_under_way_no_day_is_missed(last, begins, note):
    counts = rows("sa5_one_to_one", ("2025-04-02", 9, 9, last), (begins, 1, 1, "2025-06-02"))
    assert line(counts, "sa5_one_to_one", date(2025, 6, 2))["note"] == note


def test_many_gaps_are_told_shortly():
    days = [(f"2025-{month:02}-15", 1, 1, f"2025-{month:02}-15") for month in range(5, 12)]
    note = line(rows("sa5_one_to_one", *days), "sa5_one_to_one")["note"]
    assert note.startswith("no row for 02 Apr 2025 to 14 May 2025, 16 May 2025 to 14 Jun 2025, ")
    assert note.endswith(", and 5 more gaps")


def test_gaps_are_the_days_without_a_row_by_brute_force():
    """Every way to leave out parts of three months: a gap is told if and only if there is one."""
    item, first = scheme().item("sa5_one_to_one"), date(2025, 4, 2)
    window = Window(title="", first=first, last=date(2025, 6, 30))
    cuts = [first + timedelta(days=n) for n in (0, 1, 28, 29, 59, 60, 88, 89)]
    spans = [(a, b - timedelta(days=1)) for a, b in itertools.pairwise([*cuts, date(2025, 7, 1)])]
    whole = 0
    for kept in itertools.product([True, False], repeat=len(spans)):
        chosen = [row(a, b, 1, 1) for (a, b), keep in zip(spans, kept, strict=True) if keep]
        if not chosen:
            continue
        found = tally(item, chosen, window, date(2025, 7, 1))
        days = {one.first + timedelta(days=n) for one in chosen
                for n in range((one.last - one.first).days + 1)}  # fmt: skip
        all_of_it = len(days) == (window.last - window.first).days + 1
        assert bool(found.doubts) is not all_of_it
        whole += all_of_it
    assert whole == 1


def test_a_share_without_its_denominator_is_named():
    counts = rows("sa5_one_to_one", ("2025-04-02", 9, 9, "2025-10-31"), ("2025-11-01", 5, None))
    found = line(counts, "sa5_one_to_one")
    assert found["verdict"] == "unsettled"
    assert "01 Nov 2025 to 30 Nov 2025: no denominator" in found["note"]


def test_cases_that_were_expected_and_never_came_leave_the_verdict_open():
    def of(expected, on=AFTER):
        lines = ("2024-12-01", 15, 15, "2025-11-30", 29, expected)
        return line(rows("sa1_published_6m", lines), "sa1_published_6m", on)

    assert of(15)["verdict"] == "met"
    assert of(24)["verdict"] == "unsettled"
    assert of(24)["note"] == "24 cases were expected in all, 15 are reported"
    assert of(24, date(2025, 11, 30))["note"] == ""


def test_the_latest_row_says_how_many_are_expected():
    # 60 % of 20 is 12: 8 may fail. Of the 30 that were expected at first, 12 might have.
    counts = rows(
        "sa1_published_6m", ("2023-12-08", 1, 5, "2024-05-31", None, 30),
        ("2024-06-01", 5, 9, "2024-08-31", None, 20),
    )  # fmt: skip
    found = line(counts, "sa1_published_6m", date(2024, 9, 1), "y6")
    assert (found["expected_total"], found["failures_left"]) == (20, 0)


# -------------------------------------------------------------- what is later is not known


@pytest.mark.parametrize(
    ("lines", "on", "numerator", "why"),
    [
        (("2025-05-10", 1, 1, "2025-05-10"), date(2025, 5, 10), 1, ""),
        (("2025-05-11", 1, 1, "2025-05-11"), date(2025, 5, 10), None, "later than 10 May 2025"),
        (("2025-05-01", 1, 1, "2025-05-10"), date(2025, 5, 10), 1, ""),
        (("2025-05-01", 1, 1, "2025-05-11"), date(2025, 5, 10), None, "not over by 10 May 2025"),
        (("2025-05-01", 1, 1), date(2025, 5, 1), None, "not over by 01 May 2025"),
        (("2025-05-01", 1, 1), date(2025, 5, 31), 1, ""),
        (("2025-05-01", 1, 1), date(2025, 6, 1), 1, ""),
    ],
)
def test_rows_of_the_future_do_not_count(lines, on, numerator, why):
    card = scorecard(rows("sa5_one_to_one", lines), year="y7", on=on)
    found = card.items.set_index("item").loc["sa5_one_to_one", "numerator"]
    assert (None if pd.isna(found) else found) == numerator
    assert card.unused["why"].to_list() == ([why] if why else [])


def test_a_month_that_is_under_way_counts_as_it_stands_and_says_so():
    counts = rows("sa5_one_to_one", ("2025-04-02", 9, 9, "2025-04-30"), ("2025-05-01", 4, 4))
    found = line(counts, "sa5_one_to_one", date(2025, 5, 20))
    assert (found["numerator"], found["note"]) == (13, "May 2025 is not over; it counts as it "
                                                   "stands")  # fmt: skip
    assert line(counts, "sa5_one_to_one", date(2025, 5, 31))["note"] == ""
    assert line(counts, "sa5_one_to_one", date(2025, 6, 1))["note"] == ""


# ----------------------------------------------------------------- rows that do not count


@pytest.mark.parametrize(
    ("name", "lines", "why"),
    [
        ("mis:sa2_cqims_passed", ("2025-06-01", 10, 11), "outside the period, 01 Jul 2025 to 31 "
         "Jul 2025"),
        ("mis:sa5_one_to_one", ("2024-05-01", 1, 1), "outside the period, 02 Apr 2025 to 30 Nov "
         "2025"),
        ("mis:sa5_one_to_one", ("2025-12-01", 1, 1), "outside the period, 02 Apr 2025 to 30 Nov "
         "2025"),
        ("mis@y6:sa5_one_to_one", ("2025-05-01", 1, 1), "named for Year 6"),
        ("mis@y9:sa5_one_to_one", ("2025-05-01", 1, 1), "there is no year 'y9'"),
        ("MIS:sa5_one_to_one", ("2025-05-01", 1, 1), "the pack is written 'mis', not 'MIS'"),
        ("mis:sa1_draft_4m", ("2025-05-01", 1, 1), "not in the standard of Year 7"),
        ("mis:sa5_one_to_one", ("2025-10-01", 1, 1), "later than 15 Sep 2025"),
    ],
)  # fmt: skip
def test_a_row_that_does_not_count_says_why(name, lines, why):
    used = rows("sa1_parent_views", ("2025-01-01", 1, 1))
    on = date(2025, 9, 15) if why.startswith("later") else AFTER
    card = scorecard(pd.concat([used, rows(name, lines)]), year="y7", on=on)
    assert list(card.unused.columns) == list(UNUSED_COLUMNS)
    (found,) = card.unused.to_dict("records")
    assert (found["measure"], found["why"]) == (name, why)
    assert (str(found["period"]), found["period_end"]) == (lines[0], None)
    assert unused_lines(card.unused) == [f"1 row not used: {why} ({name})"]


def test_the_end_of_a_row_that_does_not_count_is_told_if_it_is_known():
    lines = [("2024-05-01", 1, 1), ("2024-06-01", 1, 1, "2024-07-31")]
    card = scorecard(rows("sa5_one_to_one", *lines), year="y7", on=AFTER)
    assert card.unused["period_end"].to_list() == [None, date(2024, 7, 31)]


def test_rows_of_other_packs_and_units_and_rows_that_count_are_not_listed():
    counts = [
        rows("sa8_fm_midwives", ("2025-01-31", 1, 2), ("2025-11-30", 2, 2)),
        rows("sa5_one_to_one", ("2025-04-01", 1, 1), ("2025-05-01", None, None)),
        rows("cqim@2023:cqim_pph", ("2020-01-01", 1, 2)),
        rows("mis-events:term_death", ("2020-01-01", 1, 2)),
        rows("mis:sa5_one_to_one", ("2020-01-01", 1, 1)).assign(unit="RAX"),
    ]
    card = scorecard(pd.concat(counts), year="y7", on=AFTER, unit="RJ1")
    assert card.unused.empty
    assert unused_lines(card.unused) == []


def test_every_row_of_the_scheme_counts_or_is_listed():
    counts = pd.concat(
        [
            rows("sa10_mnsi_reported", *[(f"2024-{n:02}-01", 1, 1) for n in range(1, 13)]),
            rows("mis@y6:sa10_mnsi_reported", ("2024-03-01", 1, 1)),
        ]
    )
    card = scorecard(counts, year="y7", on=AFTER)
    assert card.items.set_index("item").loc["sa10_mnsi_reported", "denominator"] == 1
    assert len(card.unused) == 12
    assert unused_lines(card.unused) == [
        "1 row not used: named for Year 6 (mis@y6:sa10_mnsi_reported)",
        "11 rows not used: outside the period, 01 Dec 2024 to 30 Nov 2025 (mis:sa10_mnsi_reported)",
    ]


# ------------------------------------------------------------------- chance never says "met"


def test_met_means_that_every_day_is_known_by_brute_force():
    """Cut the period at random and leave parts out: met needs all days and no failure."""
    import random

    chance, item = random.Random(7), scheme().item("sa5_one_to_one")
    window, mets = scheme().window(item, "y7"), 0
    for _ in range(150):
        cuts = sorted({window.first, *(window.first + timedelta(days=chance.randrange(1, 243))
                                       for _ in range(chance.randrange(0, 4)))})  # fmt: skip
        ends = [*(cut - timedelta(days=1) for cut in cuts[1:]), window.last]
        kept = [(a, b) for a, b in zip(cuts, ends, strict=True) if chance.random() < 0.9]
        failed = [chance.random() < 0.1 for _ in kept]
        if not kept:
            continue
        lines = [(str(a), 4 if bad else 5, 5, str(b))
                 for (a, b), bad in zip(kept, failed, strict=True)]  # fmt: skip
        verdict = line(rows("sa5_one_to_one", *lines), "sa5_one_to_one")["verdict"]
        whole = len(kept) == len(cuts)
        expected = ("not_met" if any(failed) else "met") if whole else "unsettled"
        assert verdict == expected
        mets += verdict == "met"
    assert mets > 20
