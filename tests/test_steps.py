"""Suggested steps of whole tables, and the notes that accepted ones become."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from spcbench import tables
from spcbench.errors import InputError, OptionError, UnknownNameError
from spcbench.notes import NOTES, read_notes
from spcbench.numeric.phases import StepOptions, step_changes
from spcbench.steps import STEPS, accepted_steps, suggested_steps

LOW, HIGH = [28, 30, 29] * 8, [40, 42, 41] * 8


def counts(numerator, denominator=50, *, unit="RJ1", measure="milk", start="2021-01-01", freq="MS"):
    return pd.DataFrame(
        {
            "measure": measure,
            "unit": unit,
            "period": pd.date_range(start, periods=len(numerator), freq=freq),
            "numerator": numerator,
            "denominator": denominator,
        }
    )


def only(frame):
    assert len(frame) == 1
    return frame.iloc[0]


def test_a_step_and_its_evidence():
    step = only(suggested_steps(counts(LOW + HIGH)))

    assert (step["measure"], step["unit"], step["points"]) == ("milk", "RJ1", 21)
    assert step["date"] == pd.Timestamp("2023-01-01")
    np.testing.assert_allclose([step["before"], step["after"]], [0.58, 0.82], rtol=1e-12)
    assert step["message"] == (
        "From 2023-01-01 the level may have moved: 58.0 % → 82.0 %, based on 21 points; "
        "24 points in a row lie above the centre line before it."
    )
    assert json.loads(step["evidence"]) == {
        "method": "stable shift algorithm (Woodcock, O'Connor & Bell 2025)",
        "chart": "p_prime",
        "period": 21,
        "shift": 8,
        "run": 24,
        "side": "above",
        "points": 21,
        "first": "2023-01-01",
        "last": "2024-09-01",
        "excluded": [],
    }


def test_left_out_points_are_told():
    numerator = LOW + HIGH
    numerator[24] = numerator[44] = 50  # the first and the last of 21
    step = only(suggested_steps(counts(numerator)))

    assert "21 points, 2 of them left out as extreme; 24 points in a row" in step["message"]
    assert json.loads(step["evidence"])["excluded"] == ["2023-01-01", "2024-09-01"]
    assert step["after"] < 0.83


def test_the_table_keeps_its_contract_with_and_without_rows():
    full, empty = suggested_steps(counts(LOW + HIGH)), suggested_steps(counts(LOW))
    none = suggested_steps(counts([]))
    for frame in (full, empty, none):
        assert list(frame.columns) == STEPS.names
        assert frame.dtypes.to_list() == [column.dtype for column in STEPS.columns]
    assert (len(full), len(empty), len(none)) == (1, 0, 0)


def test_many_series_in_order_each_as_if_alone():
    rows = [
        counts(LOW + HIGH, unit="B"),
        counts(HIGH + LOW, unit="A"),
        counts(LOW + LOW, unit="C"),
        counts(LOW + HIGH, unit="A", measure="cord", start="2020-01-01"),
    ]
    table = pd.concat(rows, ignore_index=True).sample(frac=1, random_state=3)
    found = suggested_steps(table)

    assert list(zip(found["measure"], found["unit"], strict=True)) == [
        ("cord", "A"),
        ("milk", "A"),
        ("milk", "B"),
    ]
    assert [f"{date:%Y-%m}" for date in found["date"]] == ["2022-01", "2023-01", "2023-01"]
    assert found["message"].str.contains("below").to_list() == [False, True, False]
    alone = pd.concat([suggested_steps(one) for one in (rows[3], rows[1], rows[0])])
    pd.testing.assert_frame_equal(found, alone.reset_index(drop=True))
    only(suggested_steps(table, measure="milk", unit="B"))


def test_both_doors_agree():
    random = np.random.default_rng(5)
    cases = random.integers(40, 90, 96)
    met = random.binomial(cases, np.repeat([0.6, 0.8, 0.7], 32))
    found = suggested_steps(counts(met, cases), period=24)
    steps = step_changes(
        met.astype(float),
        cases.astype(float),
        options=StepOptions(period=24, neutral_bounds=True),
    ).accepted

    assert len(steps) >= 1
    np.testing.assert_array_equal(found["before"], [one.before for one in steps])
    np.testing.assert_array_equal(found["after"], [one.after for one in steps])


@pytest.mark.parametrize("convert", [pa.Table.from_pandas, pytest.param("polars", id="polars")])
def test_other_tables(convert):
    if convert == "polars":
        convert = pytest.importorskip("polars").from_pandas
    table = counts(LOW + HIGH)
    pd.testing.assert_frame_equal(suggested_steps(convert(table)), suggested_steps(table))


# ------------------------------------------------------------------------- missing periods


def test_a_missing_month_keeps_its_place_whether_its_row_is_there_or_not():
    table = counts(LOW + HIGH + HIGH[:6])
    blank = table.astype({"numerator": "Int64"})
    blank.loc[[27, 28, 40], "numerator"] = pd.NA
    absent = table.drop(index=[27, 28, 40])

    step = only(suggested_steps(blank))
    assert (f"{step['date']:%Y-%m}", step["points"]) == ("2023-06", 20)  # runs of 3, and of 11
    pd.testing.assert_frame_equal(suggested_steps(absent), suggested_steps(blank))


@pytest.mark.parametrize(
    ("freq", "date"), [("QS", "2027-01-01"), ("W-MON", "2021-06-21"), ("2MS", "2025-01-01")]
)
def test_other_periods(freq, date):
    table = counts(LOW + HIGH + HIGH[:4], freq=freq)
    blank = table.astype({"numerator": "Int64"})
    blank.loc[[33, 34], "numerator"] = pd.NA
    step = only(suggested_steps(blank))

    assert (f"{step['date']:%Y-%m-%d}", step["points"]) == (date, 19)
    pd.testing.assert_frame_equal(
        suggested_steps(blank.drop(index=[33, 34])), suggested_steps(blank)
    )


def test_suppressed_months_are_no_data():
    table = counts(LOW + HIGH).astype({"numerator": "object"})
    table.loc[25, "numerator"] = "*"
    with pytest.raises(InputError):
        suggested_steps(table)
    step = only(suggested_steps(table, suppressed="*"))
    assert f"{step['date']:%Y-%m}" == "2023-03"  # the run begins anew after it


def test_until_leaves_the_last_periods_out():
    table = counts(LOW + HIGH[:21])

    only(suggested_steps(table, until="2024-09-01"))
    assert suggested_steps(table, until="2024-08-01").empty


# ------------------------------------------------------------------------- charts and options


def values(numbers, **columns):
    frame = counts(numbers).drop(columns=["numerator", "denominator"])
    return frame.assign(value=[float(one) for one in numbers], **columns)


@pytest.mark.parametrize(
    ("table", "chart", "told"),
    [
        (counts(LOW + HIGH), "p_prime", "58.0 % → 82.0 %"),
        (values(LOW + HIGH), "i", "29 → 41"),
        (counts(LOW + HIGH).drop(columns="denominator"), "c_prime", "29 → 41"),
    ],
    ids=["shares", "values", "counts"],
)
def test_auto_takes_the_chart_that_suits(table, chart, told):
    step = only(suggested_steps(table))

    assert json.loads(step["evidence"])["chart"] == chart
    assert told in step["message"]
    pd.testing.assert_frame_equal(suggested_steps(table, chart=chart), suggested_steps(table))


def test_auto_takes_one_chart_for_each_measure():
    table = pd.concat(
        [counts(LOW + HIGH, measure="share"), values(LOW + HIGH).assign(measure="time")]
    )
    found = suggested_steps(table)

    assert [json.loads(one)["chart"] for one in found["evidence"]] == ["p_prime", "i"]


def test_auto_does_not_take_binomial_limits_for_large_denominators():
    # 20,000 cases a month: chance alone allows ± 1 %, the months differ by 5 %. Binomial limits
    # call nearly every month extreme and leave out the three furthest, though they are ordinary.
    random = np.random.default_rng(1)
    level = 0.6 + random.normal(0, 0.05, 48) + np.repeat([0, 0.2], 24)
    table = counts(np.round(20_000 * level).astype(int), 20_000)
    left_out = {
        chart: sum(
            len(json.loads(one)["excluded"])
            for one in suggested_steps(table, chart=chart)["evidence"]
        )
        for chart in ("auto", "p")
    }

    assert left_out == {"auto": 0, "p": 3}


def test_the_moving_range_chart_speaks_of_distances():
    steady = [10, 11, 10, 12, 11, 10] * 4
    table = values([*steady, *([10, 30] * 14)])
    step = only(suggested_steps(table, chart="mr"))

    assert "the distance from point to point may have moved" in step["message"]


def test_months_that_chance_fills_are_no_shift():
    cases = np.full(48, 10)
    met = cases.copy()
    met[[1, 5, 8, 11, 14, 17]] -= 1

    assert suggested_steps(counts(met, cases)).empty


def test_period_baseline_and_shift_are_handed_on():
    table = counts(LOW[:12] + HIGH[:12])

    assert suggested_steps(table).empty
    step = only(suggested_steps(table, period=12))
    assert (step["points"], json.loads(step["evidence"])["period"]) == (12, 12)
    assert suggested_steps(table, period=12, shift=13).empty
    assert suggested_steps(table, period=12, baseline=13).empty  # 11 points are left


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"period": 11}, "period must be a whole number of at least 12, not 11"),
        ({"period": 21.0}, "period must be a whole number of at least 12, not 21.0"),
        ({"baseline": 3}, "baseline must be a whole number of at least 12, not 3"),
        ({"shift": 5}, "shift must be a whole number of at least 6, not 5"),
        ({"shift": True}, "shift must be a whole number of at least 6, not True"),
        ({"chart": "p-prime"}, "there is no step chart 'p-prime'; did you mean 'p_prime'"),
        ({"until": "May"}, "until 'May' is not a date such as 2024-04-01"),
        ({"frequency": "fortnight"}, "frequency must be one of"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(OptionError) as caught:
        suggested_steps(counts(LOW + HIGH), **options)
    assert message in str(caught.value)


def test_wrong_counts_and_names():
    with pytest.raises(InputError, match="has 60 of 50"):
        suggested_steps(counts([*LOW, 60]))
    with pytest.raises(UnknownNameError, match="there is no unit 'RJ2'"):
        suggested_steps(counts(LOW), unit="RJ2")


# ------------------------------------------------------------------------------- accepting


def test_accepted_steps_are_notes():
    steps = suggested_steps(counts(LOW + HIGH))
    note = only(accepted_steps(steps, author=" A. Analyst "))

    assert accepted_steps(steps, author="A").columns.to_list() == NOTES.names[:-1]
    assert (note["measure"], note["unit"], note["action"]) == ("milk", "RJ1", "rebase")
    assert note["date"] == pd.Timestamp("2023-01-01")
    assert (note["reason"], note["author"]) == (steps["message"].iloc[0], "A. Analyst")
    assert pd.isna(note["until"])
    assert pd.isna(note["points"])


def test_accepted_steps_are_read_as_notes():
    steps = suggested_steps(counts(LOW + HIGH))
    notes = accepted_steps(steps, author="A", reason=" New pathway ")

    assert notes["reason"].to_list() == ["New pathway"]
    assert read_notes(notes)["reason"].to_list() == ["New pathway"]


def test_none_accepted_gives_an_empty_table_of_notes():
    none = accepted_steps(suggested_steps(counts(LOW)), author="A")
    types = [column.dtype for column in NOTES.columns[:-1]]

    assert none.empty
    assert none.dtypes.to_list() == types


def test_chosen_rows_can_be_accepted():
    two = suggested_steps(pd.concat([counts(LOW + HIGH), counts(HIGH + LOW, unit="B")]))
    notes = accepted_steps(two[two["unit"] == "RJ1"], author="A")

    assert notes["unit"].to_list() == ["RJ1"]


@pytest.mark.parametrize("author", ["", "  ", None])
def test_somebody_accepts(author):
    with pytest.raises(InputError) as caught:
        accepted_steps(suggested_steps(counts(LOW + HIGH)), author=author)
    assert str(caught.value) == (
        "a step is accepted by somebody: say who with author= (--author), "
        'such as author="A. Analyst"'
    )


def test_wrong_acceptance():
    steps = suggested_steps(counts(LOW + HIGH))
    with pytest.raises(InputError, match="the reason is empty; say why the level moved"):
        accepted_steps(steps, author="A", reason=" ")
    with pytest.raises(InputError, match="have no column 'message'; give rows of suggested_steps"):
        accepted_steps(steps.drop(columns="message"), author="A")


def test_nothing_is_changed_in_what_was_given():
    table = counts(LOW + HIGH)
    before = table.copy(deep=True)
    steps = suggested_steps(table)
    kept = steps.copy(deep=True)
    accepted_steps(steps, author="A")

    pd.testing.assert_frame_equal(table, before)
    pd.testing.assert_frame_equal(steps, kept)


def test_steps_is_a_table_like_the_others():
    assert isinstance(STEPS, tables.Contract)
