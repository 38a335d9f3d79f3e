"""Which period a record belongs to, and which periods the counts have."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from spcbench.errors import InputError, OptionError
from spcbench.measures.counting import count
from spcbench.measures.measure import Composite, Field, Measure
from spcbench.measures.periods import chosen_periods
from spcbench.plugin.records import Pack

GIVEN = Measure(id="a", title="A", better="higher", eligible="TRUE", met="x")
PACK = Pack(
    id="p", title="P", version="1", record="r",
    fields=(Field(name="x", type="boolean"), Field(name="mother", type="text")),
    measures=(GIVEN,),
)  # fmt: skip
BY = {"unit_column": "unit", "date_column": "born"}


def counted(days, *, period, pack=PACK, met=True, **options):
    frame = pd.DataFrame({"unit": "A", "born": days, "x": met, "mother": "m"})
    return count(frame, packs=[pack], period=period, **BY, **options)


def shown(counts):
    columns = [one for one in ("period", "period_end") if one in counts]
    texts = [counts[one].dt.strftime("%Y-%m-%d").fillna("-") for one in columns]
    return list(zip(*texts, counts["numerator"], counts["denominator"], strict=True))


def test_a_financial_year_starts_in_april_and_says_when_it_ends():
    counts = counted(
        ["2023-03-31 23:59:59", "2023-04-01 00:00", "2024-03-31", "2025-05-31"],
        period="financial_year",
    ).counts
    assert shown(counts) == [
        ("2022-04-01", "2023-03-31", 1, 1),
        ("2023-04-01", "2024-03-31", 2, 2),
        ("2024-04-01", "2025-03-31", 0, 0),
        ("2025-04-01", "2026-03-31", 1, 1),
    ]
    assert counts["status"].tolist() == ["ok", "ok", "no_data", "ok"]


def test_an_iso_week_begins_on_monday_over_the_new_year():
    counts = counted(["2024-12-29", "2024-12-30", "2025-01-05", "2025-01-06"], period="week").counts
    assert shown(counts) == [("2024-12-23", 1, 1), ("2024-12-30", 2, 2), ("2025-01-06", 1, 1)]


@pytest.mark.parametrize("period", ["rolling:3", "rolling_3_months", "rolling_3"])
def test_a_rolling_window_adds_up_whole_windows_of_months(period):
    found = counted(
        ["2024-01-31", "2024-02-01", "2024-03-01", "2024-05-01"],
        period=period,
        met=[True, False, True, True],
    )
    assert shown(found.counts) == [
        ("2024-01-01", "2024-03-31", 2, 3),
        ("2024-02-01", "2024-04-30", 1, 2),
        ("2024-03-01", "2024-05-31", 2, 2),
    ]
    assert found.provenance["period"] == "rolling:3"
    assert found.provenance["rolling_months"] == 3


def test_too_few_months_for_one_window_are_told():
    with pytest.raises(InputError, match="covers fewer months than a window of 12"):
        counted(["2024-01-31"], period="rolling:12")


@pytest.mark.parametrize("road", ["list", "file", "named file"])
def test_periods_of_ones_own(road, tmp_path):
    days = ["2024-01-10", "2024-02-01", "2024-02-20"]
    period: object = [datetime.date.fromisoformat(days[0]), *days[1:]]
    if road != "list":
        head = ["period"] if road == "named file" else []
        (tmp_path / "periods.csv").write_text("\n".join([*head, *days]) + "\n", encoding="utf-8")
        period = tmp_path / "periods.csv"
    found = counted(
        ["2024-01-09 23:59", "2024-01-10 00:00", "2024-02-20", "2030-01-01"],
        period=period,
        rejects=True,
    )
    assert shown(found.counts) == [
        ("2024-01-10", "2024-01-31", 1, 1),
        ("2024-02-01", "2024-02-19", 0, 0),
        ("2024-02-20", "-", 2, 2),
    ]
    assert found.quality[["field", "problem", "records"]].to_numpy().tolist() == [
        ["born", "outside_periods", 1]
    ]
    assert found.rejects["reason"].tolist() == ["before the first of the periods"]
    assert found.provenance["period"] == "own"


def test_many_periods_of_ones_own_are_found_like_by_looking_them_up():
    rng = np.random.default_rng(5)
    starts = np.unique(np.datetime64("2020-01-01") + rng.integers(0, 1500, 200))
    days = np.datetime64("2020-01-01") + rng.integers(0, 1500, 500)
    days = days[days >= starts[0]]
    counts = counted(days, period=list(starts)).counts
    at = np.searchsorted(starts, days, side="right") - 1
    wanted = np.bincount(at - at.min(), minlength=len(counts))
    assert counts["denominator"].tolist() == wanted.tolist()


@pytest.mark.parametrize(
    ("period", "error", "message"),
    [
        ("rolling:1", OptionError, "a rolling window holds 2 to 120 months"),
        ("rolling:999", OptionError, "a rolling window holds 2 to 120 months"),
        ("financial_quarter", OptionError, "those of the calendar; use 'quarter'"),
        ("fortnight", OptionError, "there is no period 'fortnight'"),
        ([], OptionError, "there is no first day"),
        (["2024-02-01", "2024-02-01"], OptionError, "2024-02-01 stands after 2024-02-01"),
        (["01/02/2024"], OptionError, "a first day is written YYYY-MM-DD, not '01/02/2024'"),
        ([datetime.datetime(2024, 1, 1, 9)], OptionError, "starts at midnight, not at 09:00"),
        ("nowhere.csv", InputError, "nowhere.csv: first days of periods cannot be read"),
    ],
)
def test_a_wrong_period(period, error, message):
    with pytest.raises(error, match=message):
        chosen_periods(period)


def test_a_wrong_line_of_a_file_of_periods(tmp_path):
    (tmp_path / "periods.csv").write_text("2024-01-01\n2024-1-8\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"periods\.csv, line 2: a first day is written"):
        chosen_periods(tmp_path / "periods.csv")


def test_a_rolling_window_of_mothers_is_refused():
    both = Measure(id="m", title="M", better="higher", eligible="TRUE", met="x", count_by="mother")
    pack = Pack(id="p", title="P", version="1", record="r", fields=PACK.fields, measures=(both,))
    with pytest.raises(OptionError, match="takes the records of one 'mother' together"):
        counted(["2024-01-01"], period="rolling:3", pack=pack)


# -- time zones and midnight ----------------------------------------------------------------

#   What the clocks in London showed: summer time began on 31 March 2024 at 01:00.
NIGHTS = [
    ("2024-03-31T22:59:59Z", "2024-03"),
    ("2024-03-31T23:00:00Z", "2024-04"),
    ("2024-10-31T23:59:59Z", "2024-10"),
    ("2024-11-01T00:00:00Z", "2024-11"),
    ("2024-07-01T00:30:00+02:00", "2024-06"),
    ("2024-07-01 00:30:00+0100", "2024-07"),
]


@pytest.mark.parametrize("road", ["text", "arrow", "pandas"])
@pytest.mark.parametrize(("moment", "month"), NIGHTS)
def test_a_moment_with_a_time_zone_is_told_by_the_clocks_of_london(moment, month, road):
    frame = pd.DataFrame({"unit": ["A"], "born": [moment], "x": [True], "mother": ["m"]})
    table: object = frame
    if road != "text":
        frame["born"] = pd.to_datetime(frame["born"], utc=True)
        table = pa.Table.from_pandas(frame) if road == "arrow" else frame
    counts = count(table, packs=[PACK], **BY).counts
    assert counts["period"].dt.strftime("%Y-%m").tolist() == [month]


def test_another_time_zone_when_asked():
    counts = counted(["2024-03-31T23:00:00Z"], period="day", time_zone="UTC").counts
    assert counts["period"].dt.strftime("%Y-%m-%d").tolist() == ["2024-03-31"]
    with pytest.raises(OptionError, match="there is no time zone 'Nowhere'; expected a name"):
        counted(["2024-03-31"], period="day", time_zone="Nowhere")


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-05-31 23:59:59", "2024-05-31"),
        ("2024-06-01 00:00", "2024-06-01"),
        ("2024-06-01", "2024-06-01"),
        ("2024-03-31 01:30", "2024-03-31"),  # an hour that London's clocks left out
    ],
)
def test_a_moment_without_a_time_zone_is_taken_as_it_stands(text, day):
    counts = counted([text], period="day").counts
    assert counts["period"].dt.strftime("%Y-%m-%d").tolist() == [day]


def test_24_00_is_not_a_time_of_day():
    found = counted(["2024-06-01 24:00", "2024-06-01 23:59"], period="day")
    assert found.quality[["field", "problem"]].to_numpy().tolist() == [["born", "wrong_type"]]


def test_counts_of_every_kind_of_period_make_control_charts():
    from spcbench.charting import control_charts

    days = pd.date_range("2018-04-01", "2024-03-31", freq="D")
    met = np.random.default_rng(3).random(days.size) < 0.8
    for period in ("week", "quarter", "financial_year", "rolling:3"):
        counts = counted(days, period=period, met=met)
        points = control_charts(counts, better="higher").points
        assert len(points) == len(counts.counts), period


def test_an_opportunity_composite_rolls_like_its_sums():
    pack = Pack(
        id="p", title="P", version="1", record="r", fields=PACK.fields,
        measures=(
            GIVEN,
            Measure(id="b", title="B", better="higher", eligible="TRUE", met="NOT x"),
            Composite(id="c", title="C", better="higher", of=("a", "b"), form="opportunity"),
        ),
    )  # fmt: skip
    counts = counted(
        ["2024-01-01", "2024-02-01", "2024-02-02"], period="rolling:2", pack=pack
    ).counts
    row = counts[counts["measure"] == "p@1:c"].iloc[0]
    assert (row["numerator"], row["denominator"], row["variance"]) == (3, 6, 0.0)


def test_charts_of_rolling_windows_are_told_apart():
    from spcbench.charting import control_charts

    rng = np.random.default_rng(1)
    days = pd.Timestamp("2019-01-01") + pd.to_timedelta(rng.integers(0, 365 * 5, 6000), unit="D")
    met = rng.random(6000) < 0.8
    for period, expected in (("month", 0), ("rolling:3", 1), ("rolling:12", 1)):
        advice = control_charts(counted(days, period=period, met=met), better="higher").advice
        assert (advice["code"] == "rolling").sum() == expected, period
