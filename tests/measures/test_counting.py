from __future__ import annotations

import datetime
import json
import math
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spcbench import tables
from spcbench.counts_check import check_counts
from spcbench.errors import (
    AmbiguousNameError,
    InputError,
    OptionError,
    PluginError,
    UnknownNameError,
)
from spcbench.measures.counting import count
from spcbench.measures.measure import Composite, Field, Measure
from spcbench.plugin.records import Pack

FIELDS = (
    Field(name="days", type="integer", range=(140, 320)),
    Field(name="warm", type="number"),
    Field(name="given", type="boolean"),
    Field(name="sex", type="text", values=("f", "m")),
)
EARLY = Measure(id="early", title="E", better="higher", eligible="days < 238", met="given")
WARM = Measure(
    id="warm", title="W", better="higher", eligible="days >= 161", met="warm BETWEEN 36.5 AND 37.5"
)
BOTH = Composite(id="both", title="B", better="higher", of=("early", "warm"))
PACK = Pack(
    id="test", title="T", version="1", record="baby", fields=FIELDS, measures=(EARLY, WARM, BOTH)
)
BY = {"unit_column": "unit", "date_column": "born"}

#        unit   born          days   warm            given  sex
RECORDS = [
    ("B", "2024-01-31", 237, 36.5, True, "f"),
    ("B", "2024-01-01", 238, 37.5, False, "m"),
    ("B", "2024-01-15", 160, math.nan, True, None),
    ("B", "2024-03-01", 200, math.inf, None, "f"),
    ("A", "2024-01-05", 200, 36.4, True, "f"),
    ("A", "2024-01-05", None, 37.0, True, "f"),
    ("A", "2024-01-05", 139, 37.0, True, "f"),
    ("A", "2024-01-05", 200, 37.0, True, "x"),
    (None, "2024-01-05", 200, 37.0, True, "f"),
    ("A", None, 200, 37.0, True, "f"),
]
NAMES = ["unit", "born", "days", "warm", "given", "sex"]
# numerator, denominator, missing for January, February, March
EXPECTED = {
    ("both", "A"): [(0, 1, 0), (0, 0, 0), (0, 0, 0)],
    ("both", "B"): [(3, 3, 0), (0, 0, 0), (0, 0, 1)],
    ("early", "A"): [(1, 1, 0), (0, 0, 0), (0, 0, 0)],
    ("early", "B"): [(2, 2, 0), (0, 0, 0), (0, 0, 1)],
    ("warm", "A"): [(0, 1, 0), (0, 0, 0), (0, 0, 0)],
    ("warm", "B"): [(2, 2, 0), (0, 0, 0), (0, 0, 1)],
}


def pandas_records() -> pd.DataFrame:
    frame = pd.DataFrame(RECORDS, columns=NAMES)
    frame["born"] = pd.to_datetime(frame["born"])
    return frame


def polars_records() -> pl.DataFrame:
    return pl.DataFrame(RECORDS, schema=NAMES, orient="row", strict=False)


def text_of(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return (
        {True: "yes", False: "No"}.get(value, str(value)) if isinstance(value, bool) else str(value)
    )


@pytest.fixture(params=["csv", "semicolons", "parquet", "jsonl", "pandas", "categories", "polars",
                        "lazy", "arrow"])  # fmt: skip
def any_records(request, tmp_path) -> Any:
    """The same records by every road."""
    kind = request.param
    if kind in ("csv", "semicolons"):
        mark = "," if kind == "csv" else ";"
        path = tmp_path / "births[1].csv"
        lines = [mark.join(NAMES), *(mark.join(map(text_of, record)) for record in RECORDS)]
        path.write_text("\ufeff" + "\r\n".join(lines) + "\r\n", encoding="utf-8")
        return path
    if kind == "parquet":
        polars_records().write_parquet(tmp_path / "births*.parquet")
        return tmp_path / "births*.parquet"
    if kind == "jsonl":
        path = tmp_path / "births.jsonl"
        rows = [dict(zip(NAMES, record, strict=True)) for record in RECORDS]
        for row in rows:
            if row["warm"] in (math.inf,) or row["warm"] != row["warm"]:
                row["warm"] = None
        path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        return path
    if kind == "categories":
        return pandas_records().astype({"unit": "category", "sex": "category"})
    if kind == "pandas":
        return pandas_records()
    if kind == "arrow":
        return pa.table(polars_records())
    return polars_records().lazy() if kind == "lazy" else polars_records()


def listed(frame: pd.DataFrame) -> list[list[Any]]:
    """Rows as lists, with None for what is missing."""
    return [[None if pd.isna(cell) else cell for cell in row] for row in frame.to_numpy()]


def numbers_of(counts: pd.DataFrame) -> dict[tuple[str, str], list[tuple[int, int, int]]]:
    found: dict[tuple[str, str], list[tuple[int, int, int]]] = {}
    for row in counts.itertuples():
        key = (row.measure.partition(":")[2], row.unit)
        found.setdefault(key, []).append((row.numerator, row.denominator, row.missing))
    return found


def test_every_road_gives_the_same_counts(any_records):
    counted = count(any_records, packs=[PACK], **BY)
    assert numbers_of(counted.counts) == EXPECTED
    assert [str(one)[:10] for one in counted.counts["period"].unique()] == [
        "2024-01-01", "2024-02-01", "2024-03-01",
    ]  # fmt: skip
    assert listed(counted.quality) == [
        [None, "unit", "missing", 1],
        [None, "born", "missing", 1],
        [None, "days", "out_of_range", 1],
        [None, "sex", "unlisted_value", 1],
        ["test@1:both", None, "eligible_unknown", 1],
        ["test@1:early", None, "eligible_unknown", 1],
        ["test@1:warm", None, "eligible_unknown", 1],
    ]
    provenance = counted.provenance
    assert provenance["records_read"] == 10
    assert provenance["records_used"] == 6
    assert provenance["records_rejected"] == 4
    assert provenance["packs"] == ["test@1"]


def test_counts_keep_the_contract(any_records):
    counts = count(any_records, packs=[PACK], **BY).counts
    assert list(counts.columns) == [*tables.COUNTS.names, "missing", "status"]
    for column in (*tables.COUNTS.columns, *tables.COUNTS_OPTIONAL.columns):
        if column.name in counts:
            assert counts[column.name].dtype == column.dtype, column.name
    assert (
        counts["status"].tolist() == np.where(counts["denominator"] == 0, "no_data", "ok").tolist()
    )
    pd.testing.assert_frame_equal(check_counts(counts), counts)


def test_row_order_does_not_matter():
    frame = pandas_records()
    first = count(frame, packs=[PACK], **BY).counts
    second = count(frame.iloc[::-1], packs=[PACK], **BY).counts
    pd.testing.assert_frame_equal(first, second)


def test_the_callers_frame_is_left_as_it_was():
    frame = pandas_records()
    count(frame, packs=[PACK], **BY)
    pd.testing.assert_frame_equal(frame, pandas_records())


def test_a_measure_alone_has_the_counts_it_has_among_others():
    alone = count(pandas_records(), packs=[PACK], measures=["warm"], **BY).counts
    among = count(pandas_records(), packs=[PACK], **BY).counts
    among = among[among["measure"] == "test@1:warm"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, among)


def test_display_goes_with_the_full_name():
    counted = count(pandas_records(), packs=[PACK], measures=["both"], **BY)
    assert list(counted.display) == ["test@1:both"]
    assert counted.display["test@1:both"].better == "higher"


# -- what happens to an unknown `met` -------------------------------------------------


def one_measure(**settings: Any) -> Pack:
    fields = (Field(name="x", type="boolean"), Field(name="y", type="boolean"))
    chosen = {"eligible": "TRUE", "met": "x", **settings}
    return Pack(
        id="p", title="P", version="1", record="r", fields=fields,
        measures=(
            Measure(id="a", title="A", better="higher", **chosen),
            Measure(id="b", title="B", better="higher", eligible="TRUE", met="y"),
            Composite(id="c", title="C", better="higher", of=("a", "b")),
        ),
    )  # fmt: skip


def cases(*pairs: tuple[bool | None, bool | None]) -> pd.DataFrame:
    frame = pd.DataFrame(pairs, columns=["x", "y"]).astype("boolean")
    return frame.assign(unit="A", born="2024-01-01")


@pytest.mark.parametrize(
    ("missing", "expected", "problem"),
    [
        ("exclude", (1, 2, 1), None),
        ("not_met", (1, 3, 0), "met_unknown_not_met"),
        ("reject_record", (1, 2, 0), "met_unknown_set_aside"),
    ],
)
def test_an_unknown_follows_the_policy(missing, expected, problem):
    frame = cases((True, True), (False, True), (None, True))
    counted = count(frame, packs=[one_measure(missing=missing)], measures=["a"], rejects=True, **BY)
    row = counted.counts.iloc[0]
    assert (row["numerator"], row["denominator"], row["missing"]) == expected
    assert counted.quality["problem"].tolist() == ([problem] if problem else [])
    listed = counted.rejects[["row", "reason"]].to_numpy().tolist()
    assert listed == ([[3, "p@1:a: not known whether met"]] if "aside" in str(problem) else [])


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        ((True, True), (1, 1, 0)),
        ((True, False), (0, 1, 0)),
        ((None, False), (0, 1, 0)),
        ((None, True), (0, 0, 1)),
        ((None, None), (0, 0, 1)),
    ],
)
def test_one_known_miss_settles_a_composite(pair, expected):
    # Beside a case of which all is known: where nothing ever is, nothing is counted.
    frame = cases(pair, (True, True))
    row = count(frame, packs=[one_measure()], measures=["c"], **BY).counts.iloc[0]
    met, known, missing = expected
    assert (row["numerator"], row["denominator"], row["missing"]) == (met + 1, known + 1, missing)


def test_a_composite_keeps_the_policy_of_its_measures():
    pack = one_measure(missing="not_met")
    row = count(cases((None, True)), packs=[pack], measures=["c"], **BY).counts.iloc[0]
    assert (row["numerator"], row["denominator"], row["missing"]) == (0, 1, 0)


def test_a_case_eligible_for_nothing_is_not_in_a_composite():
    pack = one_measure(eligible="FALSE")
    only_b = count(cases((True, True)), packs=[pack], measures=["c"], **BY).counts.iloc[0]
    assert (only_b["numerator"], only_b["denominator"]) == (1, 1)
    nothing = Pack(
        id="p", title="P", version="1", record="r", fields=pack.fields,
        measures=(
            Measure(id="a", title="A", better="higher", eligible="NOT x", met="y"),
            Measure(id="b", title="B", better="higher", eligible="NOT x", met="x"),
            Composite(id="c", title="C", better="higher", of=("a", "b")),
        ),
    )  # fmt: skip
    row = count(cases((True, True)), packs=[nothing], measures=["c"], **BY).counts.iloc[0]
    assert (row["numerator"], row["denominator"], row["missing"]) == (0, 0, 0)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["A", "B", "C"]),
            st.dates(datetime.date(2023, 11, 1), datetime.date(2024, 3, 1)),
            st.one_of(st.none(), st.integers(138, 322)),
            st.one_of(st.none(), st.booleans()),
        ),
        min_size=1,
        max_size=60,
    )
)
def test_counts_equal_those_counted_by_hand(records):
    frame = pd.DataFrame(records, columns=["unit", "born", "days", "given"])
    frame["days"] = frame["days"].astype("Int64")
    frame["given"] = frame["given"].astype("boolean")
    whole = [one for one in records if one[2] is None or 140 <= one[2] <= 320]
    if not whole:
        with pytest.raises(InputError, match="none of its"):
            count(frame, packs=[PACK], measures=["early"], **BY)
        return
    counts = count(frame, packs=[PACK], measures=["early"], **BY).counts
    found = {(row.unit, row.period.date()): row for row in counts.itertuples()}
    wanted: dict[tuple[str, datetime.date], list[int]] = {}
    for unit, born, days, given_ in records:
        cell = wanted.setdefault((unit, born.replace(day=1)), [0, 0, 0])
        if days is None or not 140 <= days < 238:
            continue
        cell[0] += given_ is True
        cell[1] += given_ is not None
        cell[2] += given_ is None
    for key, (numerator, denominator, missing) in wanted.items():
        row = found.pop(key)
        assert (row.numerator, row.denominator, row.missing) == (numerator, denominator, missing)
    assert all((row.numerator, row.denominator, row.missing) == (0, 0, 0) for row in found.values())


# -- periods ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ("day", ["2023-12-31", "2024-01-01", "2024-01-02"]),
        ("week", ["2023-12-25", "2024-01-01"]),
        ("month", ["2023-12-01", "2024-01-01"]),
        ("quarter", ["2023-10-01", "2024-01-01"]),
        ("year", ["2023-01-01", "2024-01-01"]),
    ],
)
def test_a_period_is_called_by_its_first_day(period, expected):
    frame = cases((True, True), (True, True)).assign(born=["2023-12-31", "2024-01-02"])
    counts = count(frame, packs=[one_measure()], measures=["a"], period=period, **BY).counts
    assert counts["period"].dt.strftime("%Y-%m-%d").tolist() == expected


def test_a_quarter_without_cases_is_there_with_nothing_in_it():
    frame = cases((True, True), (True, True)).assign(born=["2023-12-31", "2024-12-31 23:59:59"])
    counts = count(frame, packs=[one_measure()], measures=["a"], period="quarter", **BY).counts
    assert counts["denominator"].tolist() == [1, 0, 0, 0, 1]
    assert counts["status"].tolist() == ["ok", "no_data", "no_data", "no_data", "ok"]


def test_an_unknown_period():
    with pytest.raises(OptionError, match="there is no period 'monthly'; did you mean 'month'"):
        count(pandas_records(), packs=[PACK], period="monthly", **BY)


# -- dates in another order ----------------------------------------------------------------


@pytest.fixture
def write_csv(tmp_path):
    def write(text: str, name: str = "births.csv") -> Any:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


BRITISH = "unit,born,x,y\nA,2024-01-01,1,1\n\nA,01/04/2024,1,1\nA,13/04/2024,0,1\n"


def test_dates_in_another_order_are_refused_with_line_and_column(write_csv):
    with pytest.raises(InputError) as caught:
        count(write_csv(BRITISH), packs=[one_measure()], **BY)
    assert str(caught.value) == (
        "births.csv, line 4, column 'born': the date is written like 99/99/9999 (9 stands for any "
        "digit), expected YYYY-MM-DD; say how dates are written with date_format='%d/%m/%Y' "
        "(--date-format '%d/%m/%Y')"
    )


def test_in_a_frame_the_row_is_named():
    frame = cases((True, True), (True, True)).assign(born=["2024-01-01", "1 Apr 2024"])
    with pytest.raises(InputError, match=r"the table, row 2, column 'born': .* like 9 Apr 9999"):
        count(frame, packs=[one_measure()], **BY)


def test_with_its_format_a_date_is_read_so(write_csv):
    path = write_csv(BRITISH.replace("2024-01-01", "31/03/2024"))
    counted = count(path, packs=[one_measure()], measures=["a"], date_format="%d/%m/%Y", **BY)
    assert numbers_of(counted.counts) == {("a", "A"): [(1, 1, 0), (1, 2, 0)]}
    assert str(counted.counts["period"].iloc[1])[:10] == "2024-04-01"


def test_the_format_is_strict(write_csv):
    counted = count(write_csv(BRITISH), packs=[one_measure()], date_format="%d/%m/%Y", **BY)
    assert counted.quality.to_numpy().tolist()[0][1:] == ["born", "wrong_type", 1]


@pytest.mark.parametrize("date_format", ["%Q", "dd/mm/yyyy", "%d/%m", ""])
def test_a_format_must_say_day_month_and_year(date_format):
    with pytest.raises(OptionError, match="must say where day, month and year stand, such as"):
        count(cases((True, True)), packs=[one_measure()], date_format=date_format, **BY)


# -- rows and cells that cannot be used ----------------------------------------------------


def test_cells_are_converted_strictly(write_csv):
    cells = ["200", "200.0", " 200 ", "+200", "nan", "Infinity", "", "200.5", "2e2", "two", "1,000",
             "200 days", "99999999999999999999"]  # fmt: skip
    lines = [f'A,2024-01-01,"{cell}",,,' for cell in cells]
    counted = count(
        write_csv("unit,born,days,warm,given,sex\n" + "\n".join(lines)), packs=[PACK], rejects=True,
        **BY,
    )  # fmt: skip
    assert counted.rejects["row"].tolist() == [9, 10, 11, 12, 13, 14]
    assert counted.rejects["value_class"].tolist() == [
        "number", "number", "text", "text", "text", "number",
    ]  # fmt: skip
    assert counted.rejects["reason"].tolist() == ["expected integer"] * 5 + ["expected 140 to 320"]
    assert counted.quality["problem"].tolist()[:2] == ["wrong_type", "out_of_range"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("TRUE", True), ("Yes", True), ("y", True), ("1", True), ("false", False), ("NO", False),
     ("n", False), ("0", False), ("", None), (" ", None)],
)  # fmt: skip
def test_words_for_true_and_false(write_csv, text, expected):
    path = write_csv(f"unit,born,x,y\nA,2024-01-01,{text},1\n")
    row = count(path, packs=[one_measure()], measures=["a"], **BY).counts.iloc[0]
    assert (row["numerator"], row["missing"]) == (int(expected is True), int(expected is None))


def test_another_word_for_true_is_set_aside(write_csv):
    path = write_csv("unit,born,x,y\nA,2024-01-01,maybe,1\nA,2024-01-01,1,1\n")
    counted = count(path, packs=[one_measure()], rejects=True, **BY)
    assert counted.rejects.to_numpy().tolist() == [
        ["births.csv", 2, "x", "text", "expected boolean"]
    ]


def test_the_ends_of_a_range_are_inside(write_csv):
    days = [139, 140, 320, 321]
    lines = [f"A,2024-01-01,{day},37,1,f" for day in days]
    path = write_csv("unit,born,days,warm,given,sex\n" + "\n".join(lines))
    counted = count(path, packs=[PACK], rejects=True, **BY)
    assert counted.rejects["row"].tolist() == [2, 5]


@pytest.mark.parametrize("text", ["1e999", "-1e999", "0x10", "1_000", "36,5"])
def test_what_is_no_number_is_set_aside(write_csv, text):
    path = write_csv(
        f'unit,born,days,warm,given,sex\nA,2024-01-01,200,"{text}",1,f\nA,2024-01-01,200,37,1,f\n'
    )
    counted = count(path, packs=[PACK], rejects=True, **BY)
    assert counted.rejects[["row", "field"]].to_numpy().tolist() == [[2, "warm"]]


def test_a_format_with_hours_is_for_date_times(write_csv):
    fields = (Field(name="day", type="date"), Field(name="at", type="datetime"))
    since = Measure(
        id="since", title="S", better="higher", eligible="TRUE", met="days_between(day, at) = 1"
    )
    pack = Pack(id="p", title="P", version="1", record="r", fields=fields, measures=(since,))
    header = "unit,born,day,at\n"
    timed = write_csv(header + "A,01/02/2024 09:30,2024-02-01,02/02/2024 00:00\n")
    counts = count(timed, packs=[pack], date_format="%d/%m/%Y %H:%M", **BY).counts
    assert counts["numerator"].tolist() == [1]
    plain = write_csv(header + "A,01/02/2024,01/02/2024,2024-02-02 00:00\n")
    counts = count(plain, packs=[pack], date_format="%d/%m/%Y", **BY).counts
    assert counts["numerator"].tolist() == [1]


def test_a_path_is_no_pattern(write_csv):
    text = "unit,born,x,y\nA,2024-01-01,1,1\n"
    write_csv(text * 2, "births1.csv")
    path = write_csv(text, "births[1].csv")
    assert count(path, packs=[one_measure()], **BY).counts["denominator"].sum() == 3


def test_an_unlikely_year_is_set_aside(write_csv):
    path = write_csv("unit,born,x,y\nA,0024-01-01,1,1\nA,2024-02-30,1,1\nA,2024-01-01,1,1\n")
    counted = count(path, packs=[one_measure()], rejects=True, **BY)
    assert counted.rejects[["row", "field", "reason"]].to_numpy().tolist() == [
        [2, "born", "expected a date"],
        [3, "born", "expected a date"],
    ]
    assert len(counted.counts["period"].unique()) == 1


def test_ragged_rows_are_set_aside_and_counted(write_csv):
    rows = ["A,2024-01-01,1,1", "A,2024-01-01,1", "", '"A",2024-01-01,1,1,1', "A,2024-01-01,?,1"]
    path = write_csv("\n".join(["unit,born,x,y", *rows]))
    counted = count(path, packs=[one_measure()], rejects=True, **BY)
    assert listed(counted.rejects) == [
        ["births.csv", 3, None, "row", "too few cells"],
        ["births.csv", 5, None, "row", "too many cells"],
        ["births.csv", 6, "x", "text", "expected boolean"],
    ]
    assert listed(counted.quality) == [
        [None, None, "ragged_row", 2],
        [None, "x", "wrong_type", 1],
    ]
    assert counted.provenance["records_read"] == 4
    assert counted.provenance["records_used"] == 1


def test_a_cell_of_two_lines_is_one_row(write_csv):
    path = write_csv('unit,born,x,y\n"A\n",2024-01-01,1,1\nA,2024-01-01,?,1\n')
    counted = count(path, packs=[one_measure()], rejects=True, **BY)
    assert counted.rejects["row"].tolist() == [3]


def test_rejects_never_hold_a_value(write_csv):
    path = write_csv("unit,born,x,y\nSECRET,2024-01-01,HIDDEN,1\nA,2024-01-01,1,1\n")
    counted = count(path, packs=[one_measure()], rejects=True, **BY)
    text = counted.rejects.to_csv() + counted.quality.to_csv() + repr(counted.provenance)
    assert "SECRET" not in text
    assert "HIDDEN" not in text
    assert len(counted.rejects) == 1


def test_rejects_cost_nothing_unless_asked_for(write_csv):
    path = write_csv("unit,born,x,y\nA,2024-01-01,maybe,1\nA,2024-01-01,1,1\n")
    counted = count(path, packs=[one_measure()], **BY)
    pd.testing.assert_frame_equal(counted.rejects, tables.REJECTS.empty())
    assert counted.quality["records"].tolist() == [1]


def test_units_are_trimmed(write_csv):
    path = write_csv("unit,born,x,y\n A ,2024-01-01,1,1\nA,2024-01-01,1,1\n")
    assert count(path, packs=[one_measure()], **BY).counts["unit"].unique().tolist() == ["A"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b'unit,born,x,y\nA,2024-01-01,"1,1\nA,2024-01-01,1,1\n',
            "births.csv, line 2: a quotation",
        ),
    ],
)
def test_a_file_that_cannot_be_trusted_stops_the_count(tmp_path, content, message):
    path = tmp_path / "births.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        count(path, packs=[one_measure()], **BY)


def test_a_broken_line_of_json_is_named(write_csv):
    path = write_csv('{"unit": "A", "born": "2024-01-01", "x": 1, "y": 1}\n{"unit":\n', "b.jsonl")
    with pytest.raises(InputError, match=r"b\.jsonl: cannot be read \(.*"):
        count(path, packs=[one_measure()], **BY)


def test_no_record_that_can_be_used(write_csv):
    path = write_csv("unit,born,x,y\nA,never,1,1\nA,2024-01-01,1,1,1\n")
    with pytest.raises(InputError) as caught:
        count(path, packs=[one_measure()], **BY)
    assert str(caught.value) == (
        "births.csv: none of its 2 records can be used; most often ragged_row (1 of them)"
    )


def test_no_record_at_all_gives_an_empty_table(write_csv):
    counted = count(write_csv("unit,born,x,y\n"), packs=[one_measure()], rejects=True, **BY)
    assert counted.counts.empty
    assert counted.counts.dtypes.to_dict() == {
        **tables.COUNTS.empty().dtypes.to_dict(),
        "missing": pd.Int64Dtype(),
        "status": pd.CategoricalDtype(list(tables.STATUS)),
    }
    assert counted.quality.empty


# -- columns and types ---------------------------------------------------------------------


def test_a_missing_column_is_named_with_near_ones():
    frame = pandas_records().rename(columns={"unit": "Unit", "given": "givn"})
    with pytest.raises(InputError) as caught:
        count(frame, packs=[PACK], **BY)
    assert str(caught.value) == (
        "the table has no column 'unit'; did you mean 'Unit'? Known: Unit, born, days, givn, sex, "
        "warm (also missing: given)"
    )


def test_columns_without_names_are_told_by_their_numbers():
    with pytest.raises(InputError, match="the table has no column '7'; its first row seems"):
        count(pd.DataFrame(RECORDS), packs=[PACK], unit_column="7", date_column="1")


def test_a_declared_column_that_no_measure_uses_may_be_absent():
    counted = count(pandas_records().drop(columns="sex"), packs=[PACK], **BY)
    assert counted.provenance["records_rejected"] == 3


def test_a_required_field_must_be_there_and_filled():
    fields = (*FIELDS[:3], Field(name="sex", type="text", required=True))
    pack = Pack(id="t", title="T", version="1", record="r", fields=fields, measures=(EARLY,))
    with pytest.raises(InputError, match="has no column 'sex'"):
        count(pandas_records().drop(columns="sex"), packs=[pack], **BY)
    quality = count(pandas_records(), packs=[pack], **BY).quality
    assert ["sex", "missing"] in quality[["field", "problem"]].to_numpy().tolist()


@pytest.mark.parametrize(
    ("column", "cells", "message"),
    [
        (
            "unit",
            [1.5] * 10,
            "column 'unit': holds double values, but the field is declared as text",
        ),
        ("given", ["2024-01-01"] * 10, "column 'given': holds timestamp"),
        (
            "born",
            [True] * 10,
            "column 'born': holds boolean values, but the field is declared as da",
        ),
    ],
)
def test_a_column_of_the_wrong_kind_is_refused(column, cells, message):
    frame = pandas_records()
    frame[column] = pd.to_datetime(cells) if column == "given" else cells
    with pytest.raises(InputError, match=message):
        count(frame, packs=[PACK], **BY)


def test_numbers_beside_words_in_one_column_are_read_like_text():
    frame = pandas_records().astype({"days": "object"})
    frame.loc[0, "days"] = "many"
    counted = count(frame, packs=[PACK], rejects=True, **BY)
    assert counted.rejects[["row", "field", "reason"]].to_numpy().tolist()[0] == [
        1, "days", "expected integer",
    ]  # fmt: skip


def test_whole_numbers_that_pandas_made_floats_are_whole_numbers():
    frame = pandas_records()
    assert frame["days"].dtype == "float64"
    frame.loc[0, "days"] = 237.5
    assert ["days", "wrong_type"] in count(frame, packs=[PACK], **BY).quality[
        ["field", "problem"]
    ].to_numpy().tolist()


def test_counts_are_not_counted_again():
    table = tables.Table(kind="counts", data=pd.DataFrame(), source="counts.csv")
    with pytest.raises(
        InputError, match=r"counts\.csv holds counts already; give it to control_ch"
    ):
        count(table, packs=[PACK], **BY)


def test_something_else_than_a_table():
    with pytest.raises(InputError, match="or a pandas, polars or Arrow table; this is list"):
        count([1, 2], packs=[PACK], **BY)


# -- packs and measures ------------------------------------------------------------------------


def other_pack(**fields: Any) -> Pack:
    return Pack(
        id="other",
        title="O",
        version="2",
        record="r",
        fields=(Field(name="days", type="number", **fields),),
        measures=(
            Measure(id="early", title="E", better="lower", eligible="TRUE", met="days < 200"),
        ),
    )


def test_packs_do_not_share_what_they_set_aside():
    counts = count(pandas_records(), packs=[PACK, other_pack()], **BY).counts
    other = counts[(counts["measure"] == "other@2:early") & (counts["unit"] == "A")].iloc[0]
    # 139 days is out of range for one pack only; the listed values of `sex` concern one only.
    assert (other["numerator"], other["denominator"], other["missing"]) == (1, 3, 1)


def test_a_bare_name_that_two_packs_have():
    with pytest.raises(AmbiguousNameError, match="write one of: test@1:early, other@2:early"):
        count(pandas_records(), packs=[PACK, other_pack()], measures=["early"], **BY)


@pytest.mark.parametrize("name", ["other:early", "other@2:early"])
def test_a_measure_by_its_longer_names(name):
    counts = count(pandas_records(), packs=[PACK, other_pack()], measures=[name], **BY).counts
    assert counts["measure"].unique().tolist() == ["other@2:early"]


def test_an_unknown_measure():
    said = r"there is no measure 'erly'; did you mean .*? Known: test@1:both"
    with pytest.raises(UnknownNameError, match=said):
        count(pandas_records(), packs=[PACK], measures=["erly"], **BY)


def test_no_pack():
    with pytest.raises(OptionError, match="no pack is given"):
        count(pandas_records(), packs=[], **BY)


def test_two_packs_of_one_name():
    same = Pack(id="test", title="X", version="1", record="r", fields=FIELDS, measures=(EARLY,))
    with pytest.raises(OptionError, match="two different packs are called 'test@1'"):
        count(pandas_records(), packs=[PACK, same], **BY)


def test_one_pack_named_twice_is_counted_once():
    once = count(pandas_records(), packs=[PACK], **BY).counts
    pd.testing.assert_frame_equal(count(pandas_records(), packs=[PACK, PACK], **BY).counts, once)


def test_packs_by_id_come_from_the_host():
    class Host:
        def pack(self, name: str) -> Pack:
            if name != "test":
                raise PluginError(name)
            return PACK

    counts = count(pandas_records(), packs=["test"], host=Host(), **BY).counts  # type: ignore[arg-type]
    assert counts["measure"].unique().tolist() == ["test@1:both", "test@1:early", "test@1:warm"]


def test_a_published_measure_is_not_counted_from_records():
    published = Measure(
        id="p", title="P", better="lower", kind="published", dimension="D",
        met_categories=("a",), not_met_categories=("b",),
    )  # fmt: skip
    pack = Pack(id="x", title="X", version="1", record="r", measures=(published,))
    with pytest.raises(OptionError, match="no measure of x@1 is counted from records"):
        count(pandas_records(), packs=[pack], **BY)
    with pytest.raises(OptionError, match="x@1:p is only published already counted"):
        count(pandas_records(), packs=[pack], measures=["p"], **BY)


def test_rows_of_a_large_file_are_found_again(write_csv):
    size = 200_000
    bad = {17, 99_999, 200_000}
    lines = [f"A,2024-01-01,{'?' if row in bad else 1},1" for row in range(1, size + 1)]
    counted = count(
        write_csv("unit,born,x,y\n" + "\n".join(lines)), packs=[one_measure()], rejects=True, **BY
    )
    assert counted.rejects["row"].tolist() == [row + 1 for row in sorted(bad)]
    assert counted.counts["denominator"].iloc[0] == size - 3


def test_parquet_files_count_records_from_one(tmp_path):
    frame = cases((True, True), (True, True)).assign(born=["2024-01-01", None])
    pq.write_table(pa.Table.from_pandas(frame), tmp_path / "b.parquet")
    counted = count(tmp_path / "b.parquet", packs=[one_measure()], rejects=True, **BY)
    assert counted.rejects.to_numpy().tolist() == [["b.parquet", 2, "born", "blank", "missing"]]
