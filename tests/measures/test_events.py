"""Waits between events, by hand and against a reading of the rules in plain Python."""

from __future__ import annotations

import datetime
import itertools
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spcbench
from spcbench.counts_check import check_counts
from spcbench.errors import InputError, OptionError, UnknownNameError
from spcbench.measures import events
from spcbench.measures.event_words import wait_text
from spcbench.measures.events import EVERY_CASE, WAITS, event_counts
from spcbench.measures.measure import Composite, Field, Measure
from spcbench.pictures.chart_words import describe_chart
from spcbench.plugin.records import Pack
from spcbench.testing.births import write_births

FIELDS = (Field(name="due", type="boolean"), Field(name="given", type="boolean"))
DOSE = Measure(id="dose", title="Dose", better="higher", eligible="due", met="given")
LAX = Measure(
    id="lax", title="Lax", better="higher", eligible="due", met="given", missing="not_met"
)
STRICT = Measure(
    id="strict", title="Strict", better="lower", eligible="due", met="given",
    missing="reject_record",
)  # fmt: skip
BOTH = Composite(id="both", title="Both", better="higher", of=("dose", "lax"))
PACK = Pack(
    id="test", title="T", version="1", record="baby", fields=FIELDS,
    measures=(DOSE, LAX, STRICT, BOTH),
)  # fmt: skip
MISSED = {"unit_column": "unit", "date_column": "born", "event": "not_met", "packs": [PACK]}

Row = tuple[Any, ...]


def records(*rows: Row) -> pd.DataFrame:
    """Unit, moment, given; every case is due."""
    frame = pd.DataFrame(rows, columns=["unit", "born", "given"])
    return frame.astype({"given": "boolean", "unit": "string"}).assign(due=True)


def series(frame: Any, between: str, *, measure: str = "dose", **more: Any) -> pd.DataFrame:
    return event_counts(frame, **{**MISSED, **more}, measures=[measure], between=between).counts


def told(counts: pd.DataFrame) -> list[tuple[str, float | None, float | None, str]]:
    """Day, value, at least and status of each row."""
    return [
        (
            f"{row.period:%m-%d}",
            None if pd.isna(row.value) else row.value,
            None if pd.isna(row.at_least) else row.at_least,
            str(row.status),
        )
        for row in counts.itertuples()
    ]


SIX = records(
    ("A", "2024-01-01", True),
    ("A", "2024-01-03", False),
    ("A", "2024-01-04", True),
    ("A", "2024-01-06", True),
    ("A", "2024-01-10", False),
    ("A", "2024-01-15", True),
)

# --------------------------------------------------------------------------------- by hand


def test_cases_between_events():
    assert told(series(SIX, "cases")) == [
        ("01-03", None, 1.0, "insufficient_data"),
        ("01-10", 2.0, None, "ok"),
        ("01-15", None, 1.0, "insufficient_data"),
    ]


def test_days_between_events():
    assert told(series(SIX, "days")) == [
        ("01-03", None, 2.0, "insufficient_data"),
        ("01-10", 7.0, None, "ok"),
        ("01-15", None, 5.0, "insufficient_data"),
    ]


def test_every_case_in_order():
    counts = event_counts(SIX.iloc[::-1], **MISSED, measures=["dose"]).counts

    assert counts["numerator"].tolist() == [0, 1, 0, 0, 1, 0]
    assert counts["denominator"].tolist() == [1] * 6
    assert counts["sequence"].tolist() == [1] * 6
    assert counts["period"].is_monotonic_increasing


def test_the_event_may_be_what_was_met():
    counts = series(SIX, "cases", event="met")

    assert counts["value"].dropna().tolist() == [1.0, 0.0, 1.0]
    assert counts["measure"].unique().tolist() == ["test@1:dose.cases_between_met"]


def test_notes_say_what_a_wait_in_part_is():
    notes = series(SIX, "days")["note"]

    assert notes[0] == "first event; at least 2 days since the one before"
    assert pd.isna(notes[1])
    assert notes[2] == "no event since; 5 days so far"


def test_a_unit_without_events_is_one_open_wait():
    frame = records(("B", "2024-01-01", True), ("B", "2024-01-09", True))

    assert told(series(frame, "cases")) == [("01-09", None, 2.0, "insufficient_data")]
    assert series(frame, "days")["note"].tolist() == ["no event in the records; 8 days so far"]


def test_a_unit_without_cases_has_no_rows():
    frame = pd.concat([SIX, records(("B", "2024-01-01", False)).assign(due=False)])

    assert set(series(frame, "cases")["unit"]) == {"A"}


def test_an_event_as_the_last_case_leaves_an_open_wait_of_nothing():
    counts = series(SIX.iloc[:5], "cases")

    assert told(counts)[-2:] == [
        ("01-10", 2.0, None, "ok"),
        ("01-10", None, 0.0, "insufficient_data"),
    ]
    assert counts["sequence"].tolist() == [1, 1, 2]


def test_cases_that_are_not_due_do_not_count():
    frame = SIX.assign(due=[True, True, False, None, True, True])
    found = event_counts(frame, **MISSED, measures=["dose"], between="cases")

    assert found.counts["value"].dropna().tolist() == [0.0]
    unsure = found.quality.query("problem == 'eligible_unknown'")
    assert unsure["records"].tolist() == [1]


# ----------------------------------------------------------------------- events of one day


def on_one_day(*given: bool | None) -> list[Row]:
    return [("A", "2024-01-02", one) for one in given]


def test_two_events_on_one_day_are_no_days_apart_and_keep_an_order():
    frame = records(*on_one_day(False, False), ("A", "2024-01-05", False))
    counts = series(frame, "days")

    assert counts["value"].tolist()[1:3] == [0.0, 3.0]
    assert counts["sequence"].tolist() == [1, 2, 1, 2]


@pytest.mark.parametrize(
    "order", sorted(set(itertools.permutations([True, True, True, False, False])))
)
def test_events_of_one_day_are_spread_evenly_whatever_the_order_of_rows(order):
    # 3 others, 2 events: 1 before the first (3 // 3), 2 before the second (6 // 3).
    frame = records(("A", "2024-01-01", False), *on_one_day(*order), ("A", "2024-01-03", False))

    assert series(frame, "cases")["value"].dropna().tolist() == [1.0, 1.0, 1.0]


def test_cases_of_one_day_stand_in_the_same_places_one_by_one():
    frame = records(*on_one_day(True, False, True, False, True, None))
    counts = event_counts(frame, **MISSED, measures=["dose"]).counts

    assert counts["numerator"].tolist() == [0, 1, 0, 1, 0, 0]
    assert counts["denominator"].tolist() == [1, 1, 1, 1, 1, 0]
    assert counts["missing"].tolist() == [0, 0, 0, 0, 0, 1]
    assert counts["status"].tolist() == ["ok"] * 5 + ["no_data"]
    assert counts["sequence"].tolist() == [1, 2, 3, 4, 5, 6]


def test_times_put_cases_of_one_day_in_order():
    frame = records(
        ("A", "2024-01-01 09:00", False),
        ("A", "2024-01-01 23:59", False),
        ("A", "2024-01-01 10:00", True),
        ("A", "2024-01-02 00:00", False),
        ("A", "2024-01-02 00:01", True),
    )
    assert series(frame, "cases")["value"].dropna().tolist() == [1.0, 0.0]
    assert series(frame, "days")["value"].dropna().tolist() == [0.0, 1.0]
    hours = series(frame, "hours")["value"].dropna().tolist()
    assert hours == pytest.approx([14 + 59 / 60, 1 / 60], rel=1e-15)  # one division of integers


def test_a_birth_at_midnight_belongs_to_the_day_that_begins():
    frame = records(("A", "2024-02-28 12:00", False), ("A", "2024-02-29 00:00", False))
    counts = series(frame, "hours")

    assert told(counts)[1] == ("02-29", 12.0, None, "ok")


# --------------------------------------------------------------------------- unknown outcomes


UNKNOWN = records(
    ("A", "2024-01-01", False),
    ("A", "2024-01-02", True),
    ("A", "2024-01-03", None),
    ("A", "2024-01-04", True),
    ("A", "2024-01-05", False),
    ("A", "2024-01-06", None),
)


def test_a_case_of_unknown_outcome_is_no_case_between_but_told():
    counts = series(UNKNOWN, "cases")

    assert told(counts)[1:] == [
        ("01-05", 2.0, None, "ok"),
        ("01-06", None, 0.0, "insufficient_data"),
    ]
    assert counts["unknown"].tolist() == [0, 1, 1]


def test_unknown_is_not_met_where_the_measure_says_so():
    missed = series(UNKNOWN, "cases", measure="lax")
    met = series(UNKNOWN, "cases", measure="lax", event="met")

    assert missed["value"].dropna().tolist() == [1.0, 1.0, 0.0]
    assert met["value"].dropna().tolist() == [1.0]
    assert missed["unknown"].sum() == met["unknown"].sum() == 0


def test_unknown_is_set_aside_where_the_measure_says_so():
    found = event_counts(UNKNOWN, **MISSED, measures=["strict"], between="cases")

    assert found.counts["value"].dropna().tolist() == [2.0]
    assert found.counts["period"].max() == pd.Timestamp("2024-01-05")
    assert found.counts["unknown"].sum() == 0
    assert found.quality["problem"].tolist() == ["met_unknown_set_aside"]


def test_composites_have_events():
    assert series(SIX, "cases", measure="both")["value"].dropna().tolist() == [2.0]


# -------------------------------------------------------------------------- nothing is lost


@st.composite
def some_records(draw: st.DrawFn) -> pd.DataFrame:
    moment = st.tuples(st.integers(0, 3), st.sampled_from([0, 0, 1, 719, 1439])).map(
        lambda both: datetime.datetime(2024, 2, 27) + datetime.timedelta(both[0], 60 * both[1])
    )
    truth = st.sampled_from([True, True, False, None])
    row = st.tuples(st.sampled_from(["A", "B"]), moment, truth, truth)
    found = draw(st.lists(row, min_size=1, max_size=30))
    frame = pd.DataFrame(found, columns=["unit", "born", "given", "due"])
    return frame.astype({"unit": "string", "given": "boolean", "due": "boolean"})


def expected(frame: pd.DataFrame) -> dict[str, list[Row]]:
    """Every row of each unit, by the rules as they are written: day, cases, days, missing."""
    made: dict[str, list[Row]] = defaultdict(list)
    due = frame[frame["due"].fillna(False)]
    for unit, cases in due.groupby("unit"):
        others = unknown = 0
        last, before = (0, 0), cases["born"].min()
        for moment, tied in cases.groupby("born"):
            met, missed = int(tied["given"].sum()), int((~tied["given"]).sum())
            unknown += int(tied["given"].isna().sum())
            for place in range(1, missed + 1):
                now = (others + place * met // (missed + 1), unknown)
                made[str(unit)].append(row_of(moment, before, now, last))
                last, before = now, moment
            others += met
        made[str(unit)].append(row_of(cases["born"].max(), before, (others, unknown), last))
    return made


def row_of(moment: Any, before: Any, now: tuple[int, int], last: tuple[int, int]) -> Row:
    days = (moment.normalize() - before.normalize()).days
    return (moment.normalize(), now[0] - last[0], days, now[1] - last[1])


@given(some_records())
@settings(max_examples=40, deadline=None)
def test_waits_follow_the_rules_on_any_records(frame):
    by_cases, by_days = (series(frame, between) for between in ("cases", "days"))
    found: dict[str, list[Row]] = defaultdict(list)
    for one, other in zip(by_cases.itertuples(), by_days.itertuples(), strict=True):
        cases, days = (
            row.value if str(row.status) == "ok" else row.at_least for row in (one, other)
        )
        found[one.unit].append((one.period, int(cases), int(days), int(one.unknown)))

    assert found == expected(frame)
    for counts in (by_cases, by_days):
        assert check_counts(counts, takes="event")["value"].equals(counts["value"])


@given(some_records())
@settings(max_examples=20, deadline=None)
def test_every_eligible_case_is_somewhere(frame):
    known = frame["due"].fillna(False) & frame["given"].notna()
    missed, met = int((known & ~frame["given"]).sum()), int((known & frame["given"]).sum())
    waits = event_counts(frame, **MISSED, measures=["dose"], between="cases").counts
    cases = event_counts(frame, **MISSED, measures=["dose"]).counts

    assert waits["value"].sum() + waits["at_least"].sum() == met
    assert len(waits) - waits["unit"].nunique() == missed == int(cases["numerator"].sum())
    assert len(cases) == int(frame["due"].fillna(False).sum())
    assert int(cases["denominator"].sum()) == met + missed
    counted = spcbench.count(
        frame, packs=[PACK], unit_column="unit", date_column="born", measures=["dose"]
    ).counts
    assert int(counted["missing"].sum()) == int(waits["unknown"].sum()) == cases["missing"].sum()


# ------------------------------------------------------------------------------ every source


@pytest.mark.parametrize("between", ["cases", "days", "hours", None])
def test_every_source_gives_the_same(tmp_path, between):
    draw = np.random.default_rng(11)
    moments = np.datetime64("2024-01-01T00:00") + draw.integers(0, 60 * 24 * 90, 400)
    frame = pd.DataFrame(
        {
            "unit": draw.choice(["A", "B", "C"], 400),
            "born": moments.astype("datetime64[us]"),
            "given": pd.array(draw.choice([True, True, True, False, None], 400), dtype="boolean"),
            "due": draw.random(400) < 0.8,
        }
    )
    arrow = pa.Table.from_pandas(frame, preserve_index=False)
    frame.to_csv(tmp_path / "cases.csv", index=False)
    frame.to_parquet(tmp_path / "cases.parquet")
    sources = [
        frame,
        frame.sample(frac=1.0, random_state=1),
        arrow,
        pl.from_arrow(arrow),
        tmp_path / "cases.csv",
        tmp_path / "cases.parquet",
    ]
    first, *others = (event_counts(one, **MISSED, between=between).counts for one in sources)

    assert first["measure"].nunique() == 4
    for other in others:
        pd.testing.assert_frame_equal(first, other, check_exact=True)


def test_a_stream_that_can_be_read_once_loses_nothing():
    stream = pa.Table.from_pandas(SIX, preserve_index=False).to_reader()

    pd.testing.assert_frame_equal(series(stream, "cases"), series(SIX, "cases"))


def test_records_that_change_between_the_scans_are_refused(monkeypatch):
    counted = spcbench.count
    monkeypatch.setattr(
        events, "count", lambda table, **given: counted(pd.concat([table, table]), **given)
    )
    with pytest.raises(InputError, match="4 events were read first and 2 then"):
        series(SIX, "cases")


def test_tables_have_their_columns_even_without_rows():
    nobody = records(("A", "2024-01-01", True)).assign(due=False)
    waits = event_counts(nobody, **MISSED, between="days").counts
    cases = event_counts(nobody, **MISSED).counts

    assert waits.dtypes.equals(WAITS.empty().dtypes)
    assert cases.dtypes.equals(EVERY_CASE.empty().dtypes)
    assert not len(waits)
    assert event_counts(SIX, **MISSED, between="days").counts.dtypes.equals(waits.dtypes)


# ------------------------------------------------------------------------------------- charts


def many(size: int = 600) -> pd.DataFrame:
    draw = np.random.default_rng(5)
    born = pd.Timestamp("2023-01-01") + pd.to_timedelta(draw.integers(0, 700, size), unit="D")
    return pd.DataFrame({"unit": "A", "born": born, "due": True, "given": draw.random(size) > 0.05})


@pytest.mark.parametrize(
    ("between", "chart"), [("cases", "g"), ("days", "t"), (None, "bernoulli_cusum")]
)
def test_charts_take_them_as_they_are(between, chart):
    found = event_counts(many(), **MISSED, measures=["dose"], between=between)
    charts = spcbench.control_charts(found, chart=chart)
    used = found.counts["status"].eq("ok").sum()

    assert charts.summary["points"].tolist() == [used]
    assert charts.summary["status"].tolist() == ["ok"]
    assert charts.points["status"].tolist() == found.counts["status"].tolist()
    assert "unknown_outcomes" not in charts.advice["code"].tolist()


def test_open_waits_change_no_limit_and_are_no_events():
    counts = series(many(), "cases")
    with_them = spcbench.control_charts(counts, chart="g", better="higher")
    without = spcbench.control_charts(counts[counts["value"].notna()], chart="g", better="higher")

    assert len(with_them.points) == len(without.points) + 2
    assert with_them.signals.equals(without.signals)
    same = ["points", "latest_value", "centre", "lcl", "ucl", "variation"]
    assert with_them.summary[same].equals(without.summary[same])


@pytest.mark.parametrize(
    ("better", "event", "waits", "cases"),
    [
        ("higher", "not_met", "higher", "lower"),
        ("higher", "met", "lower", "higher"),
        ("lower", "met", "higher", "lower"),
        ("lower", "not_met", "lower", "higher"),
        ("neither", "met", "neither", "neither"),
    ],
)
def test_the_good_side_follows_the_event(better, event, waits, cases):
    measure = Measure(
        id="dose", title="Dose", better=better, eligible="due", met="given", target=0.9
    )
    pack = Pack(id="test", title="T", version="1", record="b", fields=FIELDS, measures=(measure,))
    given = {**MISSED, "packs": [pack], "event": event}
    shown = [
        *event_counts(SIX, **given, between="cases").display.values(),
        *event_counts(SIX, **given).display.values(),
    ]

    assert [one.better for one in shown] == [waits, cases]
    assert [one.target for one in shown] == [None, None]
    words = {
        ("higher", "not_met"): ("cases between missed ones", "case by case, missed"),
        ("lower", "not_met"): ("cases between those that did not", "case by case, not met"),
        ("lower", "met"): ("cases from one to the next", "case by case, met"),
    }.get((better, event), ("cases between those that met it", "case by case, met"))
    assert [one.title for one in shown] == [f"Dose: {one}" for one in words]


def test_saved_waits_keep_their_words_and_their_good_side(tmp_path):
    pytest.importorskip("spcbench_pop")
    name = "pop@2023:mgso4.cases_between_not_met"
    days = pd.date_range("2024-01-01", periods=14, freq="9D")
    table = pd.DataFrame({"measure": name, "unit": "RJ1", "period": days, "value": [1, 3] * 7})
    table.to_csv(tmp_path / "waits.csv", index=False)
    charts = spcbench.control_charts(spcbench.read(tmp_path / "waits.csv"), chart="g")

    shown = charts.display[name]
    assert shown.title.endswith(": mothers between missed ones")
    assert (shown.better, shown.target, shown.per) == ("higher", None, 1)
    latest = describe_chart(charts, name, "RJ1")
    assert "cases_between" not in latest
    assert "Latest value 3 cases." in latest


def test_one_case_is_one_case():
    notes = event_counts(SIX.iloc[:4], **MISSED, between="cases").counts["note"].dropna()

    assert not notes.str.contains(r"\b1 cases").any()
    assert (wait_text(1, "cases"), wait_text(0, "days")) == ("1 case", "0 days")


def test_provenance_says_what_was_made():
    known = event_counts(SIX, **MISSED, between="days").provenance

    assert (known["event"], known["between"], known["period"]) == ("not_met", "days", "event")
    assert known["records_read"] == 6


def test_the_page_runs(tmp_path, monkeypatch):
    pytest.importorskip("spcbench_pop")
    page = (Path(__file__).parents[2] / "docs" / "events.md").read_text(encoding="utf-8")
    write_births(tmp_path / "births.csv")
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"```python\n(.*?)```", page, re.S)
    known: dict[str, Any] = {}
    exec(compile(block, "docs/events.md", "exec"), known)

    assert known["waits"].counts["status"].eq("ok").sum() > 12


# ----------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"event": "missed"}, OptionError, "event must be 'met' or 'not_met', not 'missed'"),
        ({"between": "day"}, OptionError, "there is no between='day'; did you mean 'days'"),
        ({"measures": ["doze"]}, UnknownNameError, "dose"),
        ({"unit_column": "ward"}, InputError, "has no column 'ward'"),
    ],
)
def test_a_wrong_option_is_refused_by_name(options, error, message):
    with pytest.raises(error, match=message):
        event_counts(SIX, **{**MISSED, "between": "cases", **options})


@pytest.mark.parametrize(
    ("measure", "why"),
    [
        (
            Composite(
                id="both", title="B", better="higher", of=("dose", "lax"), form="opportunity"
            ),
            "test@1:both counts opportunities, of which a record has several",
        ),
        (
            Measure(
                id="both", title="B", better="higher", eligible="due", met="given",
                count_by="mother",
            ),
            "test@1:both takes the records of one 'mother' together",
        ),
    ],
)  # fmt: skip
def test_measures_of_which_a_record_is_no_case_are_refused(measure, why):
    fields = (*FIELDS, Field(name="mother", type="text"))
    pack = Pack(
        id="test", title="T", version="1", record="b", fields=fields,
        measures=(DOSE, LAX, measure),
    )  # fmt: skip
    with pytest.raises(OptionError, match=f"{why}, so no record is an event of it"):
        event_counts(SIX.assign(mother="m"), **{**MISSED, "packs": [pack]}, between="days")


def test_hours_need_times():
    with pytest.raises(InputError, match="no hours between events; use between='days'"):
        series(SIX, "hours")
