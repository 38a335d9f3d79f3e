"""The one place that checks counts: what it lets through, and every message it gives."""

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from spcbench.counts_cells import Place
from spcbench.counts_check import check_counts, checked
from spcbench.errors import InputError
from spcbench.tables import COUNTS, STATUS, STRING

PLAIN = {
    "measure": ["m", "m", "m"],
    "unit": ["RJ1", "RJ1", "RJ2"],
    "period": ["2024-01-01", "2024-02-01", "2024-01-01"],
    "numerator": [1, 2, 3],
    "denominator": [10, 10, 10],
}
AS_TEXT = {"numerator": ["1", "2", "3"], "denominator": ["10", "10", "10"]}
FILE = {"source": "counts.csv", "text": True}
DAYS = [dt.date(2024, 1, 1), dt.date(2024, 2, 1), dt.date(2024, 1, 1)]


def counts(**changes):
    return pd.DataFrame({**PLAIN, **changes})


def message(frame, **options):
    with pytest.raises(InputError) as caught:
        check_counts(frame, **options)
    return str(caught.value)


ORDER = (
    " is not a date in ISO order (YYYY-MM-DD), and the order is never guessed; say how dates are "
    "written, such as date_format='%d/%m/%Y' (--date-format '%d/%m/%Y')"
)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"unit": ["RJ1", " ", None]},
            "row 2, column 'unit' is blank; every row needs a unit (2 such rows)",
        ),
        (
            {"unit": [1, 2, 3]},
            "row 1, column 'unit': 1 is a number, expected text; codes that look like numbers "
            "lose their leading zeros, so read that column as text",
        ),
        (
            {"period": ["2024-01-01", "01/02/2024", "03/02/2024"]},
            f"row 2, column 'period': '01/02/2024'{ORDER} (2 such rows)",
        ),
        (
            {"period": ["2024-01-01", "2024-13-01", "2024-01-01"]},
            f"row 2, column 'period': '2024-13-01'{ORDER}",
        ),
        (
            {"period": pd.to_datetime(PLAIN["period"]).tz_localize("Europe/London")},
            "column 'period' of the table has a time zone; a period is a date: convert it with "
            ".dt.tz_localize(None) after choosing the local day",
        ),
        (
            {"period": [*DAYS[:1], pd.Timestamp("2024-02-01 10:30"), *DAYS[2:]]},
            "row 2, column 'period': 2024-02-01 10:30:00 holds a time of day; a period is the "
            "date of its first day",
        ),
        (
            {"period": [202401, 202402, 202401]},
            "row 1, column 'period': 202401 is not a date; expected a date or text as YYYY-MM-DD "
            "(3 such rows)",
        ),
        (
            {"period": ["2024-01-01", None, ""]},
            "row 2, column 'period' is blank; every row needs a date (2 such rows)",
        ),
        (
            {"numerator": ["1", "2", "3"]},
            "row 1, column 'numerator': '1' is text, expected a number; convert the column to "
            "numbers first (3 such rows)",
        ),
        (
            {"numerator": [1, 2, "three"]},
            "row 3, column 'numerator': 'three' is text, expected a number; convert the column "
            "to numbers first",
        ),
        (
            {"numerator": [True, False, True]},
            "row 1, column 'numerator': True is not a number; convert the column to numbers "
            "first (3 such rows)",
        ),
        (
            {"numerator": [1, -1234567, -3]},
            "row 2, column 'numerator': -1234567 is negative; counts are 0 or more (2 such rows)",
        ),
        (
            {"numerator": [1, 2.5, np.nan]},
            "row 2, column 'numerator': 2.5 is not a whole number; counts are whole",
        ),
        (
            {"denominator": [10, np.inf, 10]},
            "row 2, column 'denominator': inf is not a finite number",
        ),
        (
            {"denominator": [10, 0, 0]},
            "row 2, column 'denominator': 2 of 0 cannot be; a period without cases has 0 of 0 "
            "(2 such rows)",
        ),
        (
            {"unit": ["RJ1"] * 3},
            "row 1 and row 3 are both measure 'm', unit 'RJ1', period 2024-01-01; each measure, "
            "unit and period may stand once (add them up, or give events of one day a `sequence`)",
        ),
        (
            {"status": ["ok", "hidden", "ok"]},
            "row 2, column 'status': 'hidden' is not a status; Known: insufficient_data, "
            "invalid_input, no_data, not_estimable, ok, suppressed",
        ),
        (
            {"level": ["provider", "providor", "region"]},
            "row 2, column 'level': 'providor' is not a level; did you mean 'provider'? Known: "
            "group, national, provider, region, site, system",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(changes, expected):
    assert message(counts(**changes)) == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (
            "*",
            "'*' is not a number; if it marks a suppressed count say so with suppressed='*' "
            "(--suppressed '*')",
        ),
        ("1,234", "'1,234' is not a plain number; write it without thousands separators"),
        ("-2", "-2 is negative; counts are 0 or more"),
        ("2.5", "2.5 is not a whole number; counts are whole"),
    ],
)
def test_a_text_file_names_the_line_as_an_editor_counts_it(cell, expected):
    frame = counts(**{**AS_TEXT, "numerator": ["1", cell, "3"]})
    assert message(frame, **FILE) == f"counts.csv, line 3, column 'numerator': {expected}"


def test_a_missing_column_is_named_with_its_near_match():
    frame = counts().rename(columns={"denominator": "denominater"})
    assert message(frame, source="counts.csv") == (
        "counts.csv has no column 'denominator'; did you mean 'denominater' or 'numerator'? "
        "Known: denominater, measure, numerator, period, unit. "
        "Counts need the columns measure, unit, period, numerator, denominator"
    )


@pytest.mark.parametrize("name", ["Denominator", "denominators", "denom inator"])
def test_a_misspelt_denominator_never_makes_counts_of_shares(name):
    frame = counts().rename(columns={"denominator": name})
    for takes in ("any", "auto"):
        assert "has no column 'denominator'" in message(frame, takes=takes)


def test_a_repeated_column_is_refused():
    frame = pd.concat([counts(), counts()[["unit"]]], axis=1)
    assert message(frame) == "the table has the column 'unit' twice; keep one of them"


def test_what_is_no_table_is_refused():
    assert message([1, 2]) == (
        "counts must be a pandas, polars or Arrow table, the result of count() or of read(); "
        "this is list"
    )


@pytest.mark.parametrize(
    ("options", "where"), [({}, "row 2"), ({"source": "counts.csv"}, "counts.csv, row 2")]
)
def test_more_events_than_cases_are_refused_only_of_a_proportion(options, where):
    frame = counts(numerator=[10, 12, 30])
    assert message(frame, takes="proportion", **options) == (
        f"every numerator must lie between 0 and its denominator; {where} (RJ1, Feb 2024) has "
        "12 of 10 (2 such rows)"
    )
    assert check_counts(frame)["numerator"].tolist() == [10, 12, 30]


def test_dates_in_another_order_are_read_as_the_caller_says():
    frame = counts(period=["01/02/2024", "03/02/2024", "01/02/2024"])
    found = check_counts(frame, date_format="%d/%m/%Y")
    assert found["period"].dt.strftime("%Y-%m-%d").tolist() == [
        "2024-02-01",
        "2024-02-03",
        "2024-02-01",
    ]
    frame.loc[1, "period"] = "2024-02-03"
    assert message(frame, date_format="%d/%m/%Y") == (
        "row 2, column 'period': '2024-02-03' is not a date written as '%d/%m/%Y'"
    )


@pytest.mark.parametrize(
    "period",
    [
        DAYS,
        [f"{day:%Y-%m}" for day in DAYS],
        [f"{day:%Y-%m-%d} 00:00:00" for day in DAYS],
        [f" {day:%Y-%m-%d} " for day in DAYS],
        pd.to_datetime(DAYS).to_series(index=[0, 1, 2]).dt.as_unit("ns"),
    ],
)
def test_every_way_to_write_a_day_gives_the_same_date(period):
    pd.testing.assert_frame_equal(check_counts(counts(period=period)), check_counts(counts()))


def test_suppressed_cells_are_missing_and_never_0():
    frame = counts(**{**AS_TEXT, "numerator": ["*", "2", ""]})
    found = check_counts(frame, suppressed=["*"], **FILE)
    assert found["status"].tolist() == ["suppressed", "ok", "no_data"]
    assert found["numerator"].isna().tolist() == [True, False, True]
    # The denominator goes with it: a published total would give the count away.
    assert found["denominator"].isna().tolist() == [True, False, False]
    mixed = check_counts(counts(numerator=["*", 2, 3]), suppressed=["*"])
    assert mixed["numerator"].tolist()[1:] == [2, 3]
    assert mixed["status"].tolist() == ["suppressed", "ok", "ok"]


def test_a_given_status_blanks_the_counts_it_says_do_not_stand():
    found = check_counts(counts(status=["suppressed", "ok", None]))
    assert found["status"].tolist() == ["suppressed", "ok", "ok"]
    assert found["numerator"].isna().tolist() == [True, False, False]


def test_nothing_of_nothing_is_no_data_and_stays_0_of_0():
    found = check_counts(counts(numerator=[1, 0, None], denominator=[10, 0, 10]))
    assert found["status"].tolist() == ["ok", "no_data", "no_data"]
    assert found.loc[1, ["numerator", "denominator"]].tolist() == [0, 0]


def test_single_values_need_no_denominator():
    frame = counts(value=[1.5, None, 2.0]).drop(columns=["numerator", "denominator"])
    found = check_counts(frame)
    assert found["status"].tolist() == ["ok", "no_data", "ok"]
    assert found["denominator"].isna().all()


def test_rows_come_out_sorted_with_where_each_series_starts():
    frame = counts(unit=["RJ2", "RJ1", "RJ1"], measure=["b", "b", "a"])
    found = checked(frame, place=Place(None))
    assert found.frame[["measure", "unit"]].to_numpy().tolist() == [
        ["a", "RJ1"],
        ["b", "RJ1"],
        ["b", "RJ2"],
    ]
    assert found.frame["numerator"].tolist() == [3, 2, 1]
    assert found.series.starts.tolist() == [0, 1, 2]
    assert found.frame.index.tolist() == [0, 1, 2]


def test_the_order_of_the_rows_does_not_matter():
    shuffled = counts().sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(check_counts(shuffled), check_counts(counts()))


def test_events_of_one_day_are_told_apart_by_their_sequence():
    frame = counts(unit=["RJ1"] * 3, period=["2024-01-01"] * 3, sequence=[3, 1, 2])
    assert check_counts(frame)["numerator"].tolist() == [2, 3, 1]
    frame["sequence"] = [1, 1, 2]
    assert message(frame).startswith("row 1 and row 2 are both measure 'm', unit 'RJ1'")


def test_columns_stand_in_the_order_of_the_contract_and_labels_last():
    frame = counts(colour=["r", "g", "b"], target=[0.5] * 3)[
        ["colour", "target", *reversed(COUNTS.names)]
    ]
    found = check_counts(frame)
    assert found.columns.tolist() == [*COUNTS.names, "target", "status", "colour"]
    assert found["colour"].tolist() == ["r", "g", "b"]


def test_types_are_the_same_when_empty():
    nothing = pd.DataFrame({name: [] for name in PLAIN})
    full, empty = check_counts(counts()), check_counts(nothing)
    pd.testing.assert_series_equal(full.dtypes, empty.dtypes)
    assert len(empty) == 0
    assert full["unit"].dtype == STRING
    assert full["numerator"].dtype == pd.Int64Dtype()
    assert full["status"].cat.categories.tolist() == list(STATUS)


@pytest.mark.parametrize(
    "table",
    [
        pl.DataFrame(PLAIN),
        pl.DataFrame({**PLAIN, "period": DAYS}),
        pa.table(PLAIN),
        pa.table({**PLAIN, "period": DAYS}),
        counts().set_index(["measure", "unit"]),
        counts(unit=pd.Categorical(PLAIN["unit"])),
    ],
    ids=["polars", "polars dates", "arrow", "arrow dates", "indexed", "category"],
)
def test_every_kind_of_table_gives_the_same_counts(table):
    pd.testing.assert_frame_equal(check_counts(table), check_counts(counts()))


def test_the_callers_frame_is_not_changed():
    frame = counts(unit=[" RJ2", "RJ1", "RJ1"], status=["ok", "suppressed", None])
    before = frame.copy(deep=True)
    check_counts(frame)
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("01/02/2024", "such as date_format='%d/%m/%Y' (--date-format '%d/%m/%Y')"),
        ("Jan-22", "such as date_format='%b-%y' (--date-format '%b-%y')"),
        ("Jan 2022", "such as date_format='%b %Y' (--date-format '%b %Y')"),
        ("44562", "the number that a spreadsheet keeps for one"),
    ],
)
def test_a_date_in_another_form_gets_a_hint_that_fits(cell, words):
    frame = counts().assign(period=[cell, "2024-02-01", "2024-03-01"])
    assert words in message(frame)


@pytest.mark.parametrize(
    ("cell", "hint"), [("82%", False), ("45 min", False), ("<5", True), ("*", True), ("1-7", True)]
)
def test_only_what_may_mark_a_suppressed_count_is_called_so(cell, hint):
    frame = counts().astype({"numerator": object})
    frame.loc[0, "numerator"] = cell
    assert ("marks a suppressed count" in message(frame.astype(str), text=True)) == hint


def test_a_number_that_no_count_can_be_is_refused():
    assert "is larger than any count can be" in message(counts(numerator=[1e22, 1.0, 2.0]))


def test_tidy_cells_are_taken_as_they_are():
    frame = pd.DataFrame(
        {
            "measure": "a",
            "unit": "RJ1",
            "period": pd.to_datetime(["2024-01-01", "2024-02-01", "2024-03-01"]),
            "numerator": [1, 2, 3],
            "denominator": [9, 9, 9],
            "note": pd.array([None, "seen", None], dtype=STRING),
            "status": pd.Categorical.from_codes([0, 0, 0], categories=list(STATUS)),
        }
    )
    made = check_counts(frame)
    assert (made["status"].dtype, made["status"].tolist()) == (frame["status"].dtype, ["ok"] * 3)
    assert (made["note"].dtype, made["note"].tolist()[1]) == (STRING, "seen")
    assert made["note"].isna().tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [([None, " seen ", None], "seen"), (["", "seen", None], "seen"), ([None, "x ", " "], "x")],
)
def test_cells_that_are_not_tidy_are_trimmed(cells, expected):
    frame = pd.DataFrame(
        {
            "measure": "a",
            "unit": "RJ1",
            "period": ["2024-01-01", "2024-02-01", "2024-03-01"],
            "numerator": [1, 2, 3],
            "denominator": [9, 9, 9],
            "note": pd.array(cells, dtype=STRING),
        }
    )
    made = check_counts(frame)["note"]
    assert (made.dtype, made.tolist()[1]) == (STRING, expected)
    assert made.isna().tolist() == [True, False, True]


def test_a_category_of_other_words_is_put_in_order_or_refused():
    frame = pd.DataFrame(
        {
            "measure": "a",
            "unit": "RJ1",
            "period": ["2024-01-01", "2024-02-01"],
            "numerator": [1, 2],
            "denominator": [9, 9],
            "level": pd.Categorical(["site", "site"], categories=["site", "provider"]),
            "status": pd.Categorical.from_codes([0, 0], categories=list(reversed(STATUS))),
        }
    )
    made = check_counts(frame)
    assert list(made["level"].cat.categories) != ["site", "provider"]
    assert made["level"].eq("site").all()
    assert made["status"].eq(STATUS[-1]).all()
    with pytest.raises(InputError, match="is not a level"):
        check_counts(frame.assign(level=pd.Categorical(["other", "site"])))
