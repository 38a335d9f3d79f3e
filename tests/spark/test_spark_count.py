"""Records in a Spark DataFrame give the counts that DuckDB gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import spcbench as sb
from spcbench.errors import InputError, OptionError
from spcbench.measures.measure import Check, Composite, Field, Measure
from spcbench.plugin.records import Pack
from spcbench.testing.births import invented_births

pytestmark = pytest.mark.filterwarnings(
    "ignore:PySpark does not yet fully support pandas >= 3:FutureWarning"
)

FIELDS = (
    Field(name="score", type="number", range=(-50, 50)),
    Field(name="size", type="integer"),
    Field(name="word", type="text"),
    Field(name="given", type="boolean"),
    Field(name="born_at", type="datetime"),
    Field(name="seen_at", type="datetime"),
    Field(name="booked", type="date"),
)
CONDITIONS = {
    "rounds": "ROUND(score) >= 3 OR ROUND(score, 1) = -0.3 OR ROUND(score, 2) = 0.13",
    "divides": "score / size > 1.5 OR score % size = 0",
    "nothing": "score / 0 IS NULL AND COALESCE(score % 0, -1) = -1",
    "words": "LOWER(word) = 'yes' OR UPPER(word) LIKE 'STRA%' OR word IN ('Ja', 'it''s', 'a\\b')",
    "blanks": "TRIM(word) <> '' AND word > 'M'",
    "known": "given IS TRUE OR word IS NULL",
    "chosen": "CASE WHEN given THEN score ELSE size END > 2",
    "largest": "GREATEST(score, size) = score AND LEAST(score, size, 3) < 2",
    "minutes": "minutes_between(born_at, seen_at) BETWEEN -90 AND 60",
    "hours": "hours_between(born_at, seen_at) = 0 OR days_between(born_at, seen_at) = -1",
    "parts": "year(born_at) < 1970 OR month(booked) = 12 OR hour(born_at) = 0",
    "weekdays": "weekday(booked) = 7 OR quarter(born_at) = 2 OR minute(seen_at) = 59",
    "derived": "share > 1 AND wait < 600",
    "later": "booked >= DATE '1969-12-31' AND born_at < TIMESTAMP '2024-03-31 01:30:00'",
}
PACK = Pack(
    id="odd",
    title="Odd",
    version="1",
    record="case",
    fields=(
        *FIELDS,
        Field(name="share", type="number", from_="score / size", range=(-40, 40)),
        Field(name="wait", type="integer", from_="minutes_between(born_at, seen_at)"),
    ),
    checks=(
        Check(id="order", title="Seen after birth", must="wait > -1000", action="set_aside"),
        Check(id="told", title="Said", must="word IS NOT NULL OR given", action="report"),
    ),
    measures=tuple(
        Measure(id=name, title=name, better="higher", eligible=eligible, met=met)
        for name, met in CONDITIONS.items()
        for eligible in [("size IS NOT NULL" if name == "rounds" else "TRUE")]
    ),
)
WORDS = (
    "yes",
    "YES",
    " Yes ",
    "straße",
    "STRASSE",
    "Ja",
    "it's",
    "a\\b",
    "",
    "\u00a0",
    "İ",
    "ΟΔΟΣ",
)
HOW = {"packs": [PACK], "unit_column": "unit", "date_column": "born_at"}


def odd_records(seed: int, size: int = 400) -> pd.DataFrame:
    """Records with all that engines are known to see differently."""
    draw = np.random.default_rng(seed)
    halves = draw.integers(-8, 9, size) + 0.5
    scores = np.select(
        [draw.random(size) < 0.4, draw.random(size) < 0.3],
        [halves, draw.choice([0.125, -0.25, 0.135, 2.5, 1e300, 5e-324, -0.0], size)],
        draw.normal(0, 30, size),
    )
    scores[draw.random(size) < 0.06] = np.nan
    scores[draw.random(size) < 0.06] = draw.choice([np.inf, -np.inf])
    days = draw.choice(["1938-05-01", "1969-12-31", "1970-01-01", "2024-03-31", "2024-10-27"], size)
    born = days.astype("datetime64[us]") + draw.integers(0, 1440, size).astype("timedelta64[m]")
    born = np.where(draw.random(size) < 0.2, days.astype("datetime64[us]"), born)
    late = draw.integers(-(10**11), 10**11, size).astype("timedelta64[us]")
    seen = born + np.where(draw.random(size) < 0.5, late, late // 60)
    frame = pd.DataFrame(
        {
            "unit": draw.choice(
                ["RJ1", "RJ1 ", "RX 2", "", "É"], size, p=[0.4, 0.2, 0.2, 0.02, 0.18]
            ),
            "score": scores,
            "size": pd.array(draw.integers(-3, 4, size), "Int64"),
            "word": draw.choice(np.array(WORDS, dtype=object), size),
            "given": pd.array(draw.random(size) < 0.5, "boolean"),
            "born_at": born,
            "seen_at": seen,
            "booked": days.astype("datetime64[D]"),
        }
    )
    for name in ("size", "word", "given", "seen_at", "booked"):
        frame[name] = frame[name].mask(draw.random(size) < 0.1)
    return frame


def native(frame: pd.DataFrame) -> pa.Table:
    """The records in types of their own; NaN stays NaN."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    scores = pa.array(frame["score"].to_numpy(), pa.float64(), from_pandas=False)
    table = table.set_column(table.column_names.index("score"), "score", scores)
    booked = table.column_names.index("booked")
    return table.set_column(booked, "booked", table["booked"].cast(pa.date32()))


def as_text(frame: pd.DataFrame, seed: int) -> pa.Table:
    """The same records as a careless CSV file holds them, some of them spoilt."""
    draw = np.random.default_rng(seed)
    made = {}
    for name in frame.columns:
        cells = [None if pd.isna(cell) else str(cell) for cell in frame[name]]
        spoilt = ("n/a", " ", "2024-02-30", "12:00", "1e400", "nan", "Inf", "1_000", "٣")
        if name in ("score", "size", "given", "seen_at"):
            cells = [str(draw.choice(spoilt)) if draw.random() < 0.05 else cell for cell in cells]
        if name == "seen_at":
            zones = ("Z", "+01:00", "-0530", "+01")
            cells = [
                cell[:16] + str(draw.choice(zones)) if cell and draw.random() < 0.3 else cell
                for cell in cells
            ]
        made[name] = pa.array(
            [f" {cell}" if cell and draw.random() < 0.1 else cell for cell in cells]
        )
    return pa.table(made)


def assert_same_counts(spark: Any, table: pa.Table, **how: Any) -> Any:
    """Count on both engines; every table of the result is the same."""
    here = sb.count(table, **how)
    there = sb.count(spark.createDataFrame(table).repartition(3), **how)
    for name in ("counts", "quality", "completeness"):
        pd.testing.assert_frame_equal(getattr(there, name), getattr(here, name), obj=name)
    assert there.display == here.display
    own = {"source": "", "notes": None}
    assert {**there.provenance, **own} == {**here.provenance, **own}
    return here


def test_demo_records(spark):
    births = pa.Table.from_pandas(invented_births(seed=3), preserve_index=False)
    how = {"packs": ["pop"], "unit_column": "trust_code", "date_column": "birth_date"}
    counted = assert_same_counts(spark, births, **how)
    assert counted.counts["numerator"].sum() > 1000


@pytest.fixture
def elsewhere(spark):
    """Spark as some have it: without ANSI, by the clocks of another country."""
    before = {name: spark.conf.get(name) for name in _ELSEWHERE}
    for name, value in _ELSEWHERE.items():
        spark.conf.set(name, value)
    yield spark
    for name, value in before.items():
        spark.conf.set(name, value)


_ELSEWHERE = {
    "spark.sql.ansi.enabled": "false",
    "spark.sql.session.timeZone": "America/Sao_Paulo",
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
}


def twins(seed: int, size: int = 300) -> pa.Table:
    """Babies whose mothers count on one of them; anything may be unknown."""
    draw = np.random.default_rng(seed)

    def drawn(*values: Any) -> pa.Array:
        return pa.array([values[at] for at in draw.integers(0, len(values), size)])

    return pa.table(
        {
            "unit": drawn("RJ1", "RX2"),
            "born_at": pa.array(["2024-01-31"] * size),
            "weeks": drawn(29, 30, 33, 34, None),
            "births": drawn(1, 2, None),
            "place": drawn(1, 2, None),
            "given": drawn(True, False, None),
        }
    )


@pytest.mark.parametrize("missing", ["exclude", "not_met", "reject_record"])
def test_cases_counted_on_one_record_and_columns_that_are_not_there(spark, missing):
    mother = Measure(
        id="mother", title="Mother", better="higher", eligible="days < 210", met="given",
        missing=missing, counted_on="births = 1 OR place = 1",
    )  # fmt: skip
    lost = Measure(
        id="lost",
        title="Lost",
        better="higher",
        eligible="days < 238",
        met="at IS NULL OR word = 'x'",
    )
    shared = {"better": "higher", "of": ("mother", "lost")}
    integers = ("ga_days", "weeks", "births", "place")
    pack = Pack(
        id="twins",
        title="Twins",
        version="1",
        record="baby",
        fields=(
            *(Field(name=name, type="integer", optional=True) for name in integers),
            Field(name="given", type="boolean", optional=True),
            Field(name="word", type="text", optional=True),
            Field(name="at", type="datetime", optional=True),
            Field(name="days", type="integer", from_="COALESCE(ga_days, weeks * 7)"),
        ),
        measures=(
            mother,
            lost,
            Composite(id="all", title="All", **shared),
            Composite(id="score", title="Score", form="opportunity", **shared),
        ),
    )
    counted = assert_same_counts(spark, twins(5), **{**HOW, "packs": [pack]})
    assert counted.provenance["columns_absent"] == ["ga_days", "word", "at"]
    sums = counted.counts.groupby("measure")["denominator"].sum()
    assert 0 < sums["twins@1:mother"] < sums["twins@1:all"]
    told = set(counted.quality["problem"])
    assert "eligible_unknown" in told


def test_odd_records_in_types_of_their_own(spark):
    counted = assert_same_counts(spark, native(odd_records(1)), **HOW)
    met = counted.counts.groupby("measure")["numerator"].sum()
    assert (met > 0).all(), "every condition is met by some record"
    problems = {"out_of_range", "breaks_check", "breaks_check_reported"}
    assert problems <= set(counted.quality["problem"])


def test_odd_records_elsewhere(elsewhere):
    assert_same_counts(elsewhere, native(odd_records(2)), period="financial_year", **HOW)


def test_odd_records_as_text(spark):
    counted = assert_same_counts(spark, as_text(odd_records(3), 3), period="quarter", **HOW)
    assert counted.quality["records"].sum() > 20


def test_odd_records_as_text_elsewhere(elsewhere):
    assert_same_counts(elsewhere, as_text(odd_records(4), 4), period="week", **HOW)


def test_dates_in_a_format_of_their_own(spark):
    days = ["01/04/2024", "1/4/2024", "31/02/2024", "27/10/2024", "", "04/01/24", "30/12/2024"]
    table = pa.table({"unit": ["RJ1"] * len(days), "day": days, "met": ["yes"] * len(days)})
    done = Measure(id="done", title="Done", better="higher", eligible="TRUE", met="met")
    pack = Pack(
        id="d", title="D", version="1", record="case",
        fields=(Field(name="met", type="boolean"),), measures=(done,),
    )  # fmt: skip
    how = {"packs": [pack], "unit_column": "unit", "date_column": "day"}
    counted = assert_same_counts(spark, table, date_format="%d/%m/%Y", **how)
    assert counted.counts["numerator"].sum() == 4
    frame = spark.createDataFrame(table)
    with pytest.raises(InputError, match="6 dates are written in another order than YYYY-MM-DD"):
        sb.count(frame, **how)
    with pytest.raises(OptionError, match="%j is not known on Spark; known are %d, %m, %Y"):
        sb.count(frame, date_format="%Y-%j", **how)
    with pytest.raises(OptionError, match="rejects are not offered for Spark DataFrames"):
        sb.count(frame, rejects=True, **how)


def test_faults_of_the_frame_are_named(spark):
    frame = spark.sql("SELECT 'RJ1' AS unit, 1 AS Size, 2 AS size, DATE'2024-01-01' AS born_at")
    with pytest.raises(InputError, match="the Spark DataFrame has no column 'score'"):
        sb.count(frame, **HOW)
    some = Pack(
        id="s", title="S", version="1", record="case", fields=(Field(name="size", type="integer"),),
        measures=(Measure(id="m", title="M", better="lower", eligible="TRUE", met="size > 1"),),
    )  # fmt: skip
    with pytest.raises(InputError, match="differ in capitals only"):
        sb.count(frame, packs=[some], unit_column="unit", date_column="born_at")


def test_no_records_give_no_counts_and_leave_no_view(spark):
    made = sb.count(spark.createDataFrame(native(odd_records(1, 5))).limit(0), **HOW)
    assert made.counts.empty
    assert not [one.name for one in spark.catalog.listTables() if one.name.startswith("spcbench_")]


def test_records_that_belong_together(spark):
    draw = np.random.default_rng(9)
    size = 300
    table = pa.table(
        {
            "unit": draw.choice(["RJ1", "RX2"], size),
            "born_at": pa.array(["2024-01-15", "2024-02-20"] * (size // 2)),
            "mother": [None if at % 17 == 0 else f"m{at // 2}" for at in range(size)],
            "a": pa.array(draw.random(size) < 0.6, mask=draw.random(size) < 0.1),
            "b": pa.array(draw.random(size) < 0.8, mask=draw.random(size) < 0.1),
        }
    )
    measures = [
        Measure(id=name, title=name, better="higher", eligible="TRUE", met=name) for name in "ab"
    ]
    shared = {"of": ("a", "b"), "better": "higher"}
    composites = [
        Composite(id="all", title="All", form="all_or_none", count_by="mother", **shared),
        Composite(id="some", title="Some", form="opportunity", **shared),
        Composite(id="some_by", title="Some", form="opportunity", cluster="mother", **shared),
    ]
    fields = [Field(name="mother", type="text"), *(Field(name=one, type="boolean") for one in "ab")]
    pack = Pack(
        id="t", title="T", version="1", record="baby", fields=tuple(fields),
        measures=(*measures, *composites),
    )  # fmt: skip
    how = {"packs": [pack], "unit_column": "unit", "date_column": "born_at"}
    counted = assert_same_counts(spark, table, **how)
    assert counted.counts["variance"].notna().any()


def test_a_part_that_a_unit_never_records(spark):
    draw = np.random.default_rng(4)
    size = 200
    units = draw.choice(["RJ1", "RX2"], size)
    lost = (units == "RX2") | (draw.random(size) < 0.2)  # RX2 never records b
    table = pa.table(
        {
            "unit": units,
            "born_at": draw.choice(["2024-01-15", "2024-02-20"], size),
            "mother": [None if at % 17 == 0 else f"m{at // 2}" for at in range(size)],
            "a": pa.array(draw.random(size) < 0.6, mask=draw.random(size) < 0.1),
            "b": pa.array(draw.random(size) < 0.8, mask=lost),
        }
    )
    shared = {"of": ("a", "b"), "better": "higher"}
    pack = Pack(
        id="t", title="T", version="1", record="baby",
        fields=(
            Field(name="mother", type="text"),
            *(Field(name=one, type="boolean") for one in "ab"),
        ),
        measures=(
            *(Measure(id=one, title=one, better="higher", eligible="TRUE", met=one)
              for one in "ab"),
            Composite(id="all", title="All", **shared),
            Composite(id="all_by", title="All", count_by="mother", **shared),
            Composite(id="score", title="Score", form="opportunity", **shared),
        ),
    )  # fmt: skip
    how = {"packs": [pack], "unit_column": "unit", "date_column": "born_at"}
    counted = assert_same_counts(spark, table, **how)
    blank = counted.counts[counted.counts["denominator"].isna()]
    assert set(zip(blank["measure"], blank["unit"], strict=True)) == {
        ("t@1:all", "RX2"),
        ("t@1:all_by", "RX2"),
    }
    told = counted.quality[counted.quality["problem"] == "part_never_known"]
    assert told["measure"].tolist() == ["t@1:all", "t@1:all_by", "t@1:score"]
    assert set(told["field"]) == {"b"}


@pytest.mark.parametrize("missing", ["exclude", "not_met"])
def test_a_part_that_may_or_may_not_be_due(spark, missing):
    draw = np.random.default_rng(11)
    size = 200
    units = draw.choice(["RJ1", "RX2"], size)
    unsure = (units == "RX2") | (draw.random(size) < 0.2)  # RX2 never says to whom b was due
    table = pa.table(
        {
            "unit": units,
            "born_at": draw.choice(["2024-01-15", "2024-02-20"], size),
            "mother": [None if at % 17 == 0 else f"m{at // 2}" for at in range(size)],
            "due": pa.array(draw.random(size) < 0.6, mask=unsure),
            "a": pa.array(draw.random(size) < 0.6, mask=draw.random(size) < 0.1),
            "b": pa.array((draw.random(size) < 0.5) & (units == "RJ1"), mask=units == "RX2"),
        }
    )
    shared = {"of": ("a", "b"), "better": "higher"}
    pack = Pack(
        id="t", title="T", version="1", record="baby",
        fields=(
            Field(name="mother", type="text"),
            *(Field(name=one, type="boolean") for one in ("due", "a", "b")),
        ),
        measures=(
            Measure(id="a", title="A", better="higher", eligible="TRUE", met="a"),
            Measure(id="b", title="B", better="higher", eligible="due", met="b", missing=missing),
            Composite(id="all", title="All", **shared),
            Composite(id="all_by", title="All", count_by="mother", **shared),
            Composite(id="score", title="Score", form="opportunity", **shared),
            Composite(id="score_by", title="Score", form="opportunity", cluster="mother", **shared),
        ),
    )  # fmt: skip
    how = {"packs": [pack], "unit_column": "unit", "date_column": "born_at"}
    counted = assert_same_counts(spark, table, **how)
    blank = counted.counts[counted.counts["denominator"].isna()]
    assert set(zip(blank["measure"], blank["unit"], strict=True)) == {
        ("t@1:all", "RX2"),
        ("t@1:all_by", "RX2"),
    }
    told = counted.quality[counted.quality["problem"] == "part_never_known"]
    assert told["measure"].tolist() == ["t@1:all", "t@1:all_by", "t@1:score", "t@1:score_by"]


def test_records_that_stand_twice_are_told_alike(spark):
    table = pa.table(
        {
            "unit": ["RJ1"] * 6, "born_at": ["2024-01-03"] * 6,
            "given": pa.array([True, False, True, None, True, True]),
            "case_id": ["a", "b", " a", "", None, "b"],
        }
    )  # fmt: skip
    pack = Pack(
        id="t", title="T", version="1", record="case", key="case_id",
        fields=(
            Field(name="given", type="boolean"),
            Field(name="case_id", type="text", optional=True),
        ),
        measures=(Measure(id="a", title="A", better="higher", eligible="TRUE", met="given"),),
    )  # fmt: skip
    how = {"packs": [pack], "unit_column": "unit", "date_column": "born_at"}
    counted = assert_same_counts(spark, table, **how)
    assert counted.quality[["field", "problem", "records"]].to_numpy().tolist() == [
        ["case_id", "repeated", 2]
    ]
    assert "2 of 6 records repeat the case_id" in counted.provenance["notes"][0]
