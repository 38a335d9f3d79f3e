from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spcbench.errors import ExpressionError, InputError, OptionError, UnknownNameError
from spcbench.measures.column_names import LISTED_MAX, suggest_columns
from spcbench.measures.counting import count
from spcbench.measures.mapping import ColumnMapping, column_mapping, load_mapping, profiles
from spcbench.measures.mapping_kinds import settled
from spcbench.measures.mapping_plan import spelled
from spcbench.measures.measure import Field, Measure
from spcbench.measures.records_sql import open_records
from spcbench.plugin.records import Pack
from spcbench.reading import read

PACK = Pack(
    id="local",
    title="L",
    version="1",
    record="baby",
    fields=(
        Field(name="ga_days", type="integer", range=(140, 320)),
        Field(name="given", type="boolean"),
        Field(name="wait", type="number"),
        Field(name="seen_at", type="datetime"),
    ),
    measures=(
        Measure(id="given", title="G", better="higher", eligible="ga_days < 238", met="given"),
    ),
)
BY: dict[str, Any] = {"packs": [PACK], "unit_column": "trust", "date_column": "born"}
EXTRACT = {
    "Provider Code": ["RJ1", "RJ1", "RJ2", "RJ2", "RJ2"],
    "Birth_Time": [
        "2024-01-01 00:00",
        "2024-01-31 23:59",
        "2024-02-01",
        "2024-02-02",
        "2024-02-03",
    ],
    "gestation weeks": ["30", "33", "34", "x", "31"],
    "days": ["2", "6", "0", "1", ""],
    "MgSO4": ["Y", "n", "Y", "Y", "Y"],
}
COLUMNS = {
    "trust": "provider code",
    "born": "birth time",
    "ga_days": "gestation weeks*7 + days",
    "given": "mgso4",
}


def extract() -> pd.DataFrame:
    return pd.DataFrame(EXTRACT)


def made(frame: Any, expression: str, **more: Any) -> list[Any]:
    """What a mapping makes of a table, cell by cell."""
    mapping = column_mapping(columns={"made": expression}, **more)
    with closing(open_records(frame, columns=["made"], mapping=mapping)) as records:
        query = f"SELECT made FROM {records.relation}"
        return [row[0] for row in records.connection.execute(query).fetchall()]


# -- counting a local extract ------------------------------------------------------------------


def test_an_extract_is_counted_as_if_it_had_the_columns(tmp_path):
    counted = count(extract(), columns=COLUMNS, rejects=True, **BY)
    rows = counted.counts.query("denominator > 0")[["unit", "numerator", "denominator"]]
    assert rows.to_numpy().tolist() == [["RJ1", 1, 2]]
    assert counted.quality[["field", "problem", "records"]].to_numpy().tolist()[0] == [
        "ga_days", "wrong_type", 1,
    ]  # fmt: skip
    assert counted.rejects[["row", "field", "reason"]].to_numpy().tolist() == [
        [4, "ga_days", "expected integer"]
    ]
    assert (
        "ga_days is made from gestation weeks*7 + days (the mapping)"
        in (counted.provenance["notes"])
    )
    path = tmp_path / "extract.csv"
    extract().to_csv(path, index=False, sep=";")
    again = count(path, columns=COLUMNS, rejects=True, **BY)
    pd.testing.assert_frame_equal(again.counts, counted.counts)
    pd.testing.assert_frame_equal(again.quality, counted.quality)
    assert again.rejects["row"].tolist() == [5]


@pytest.mark.parametrize("form", ["parquet", "jsonl", "polars", "arrow", "duckdb"])
def test_a_mapping_goes_with_every_source(tmp_path, form):
    expected = count(extract(), columns=COLUMNS, **BY).counts
    table: Any = pa.Table.from_pandas(extract(), preserve_index=False)
    if form == "parquet":
        table = tmp_path / "e.parquet"
        extract().to_parquet(table)
    elif form == "jsonl":
        table = tmp_path / "e.jsonl"
        extract().to_json(table, orient="records", lines=True)
    elif form == "polars":
        table = pytest.importorskip("polars").from_arrow(table)
    elif form == "duckdb":
        table = duckdb.connect().from_arrow(table)
    pd.testing.assert_frame_equal(count(table, columns=COLUMNS, **BY).counts, expected)


def test_files_of_a_folder_may_spell_their_names_differently(tmp_path):
    frame = extract()
    frame[:2].to_csv(tmp_path / "a.csv", index=False)
    other = frame[2:].rename(columns={"gestation weeks": "Gestation_Weeks", "MgSO4": "MGSO4"})
    other.to_csv(tmp_path / "b.csv", index=False)
    expected = count(frame, columns=COLUMNS, **BY).counts
    pd.testing.assert_frame_equal(count(tmp_path, columns=COLUMNS, **BY).counts, expected)


def test_a_file_of_a_folder_without_a_column_is_named_or_left_out(tmp_path):
    extract().to_csv(tmp_path / "a.csv", index=False)
    extract().drop(columns="days").to_csv(tmp_path / "b.csv", index=False)
    with pytest.raises(InputError, match=r"b\.csv has no column 'days', from which the mapping ma"):
        count(tmp_path, columns=COLUMNS, **BY)
    counted = count(read(tmp_path, on_error="skip_file"), columns=COLUMNS, **BY)
    assert counted.provenance["records_read"] == 5
    notes = counted.provenance["notes"]
    assert any(note.startswith("left out: b.csv has no column 'days'") for note in notes)


def test_dates_in_another_order_follow_the_format():
    frame = extract().assign(Birth_Time=["01/02/2024"] * 5, Seen=["02/02/2024 01:00"] * 5)
    columns = {**COLUMNS, "wait": "hours_between(birth time, birth time)"}
    counted = count(frame, columns=columns, date_format="%d/%m/%Y", **BY)
    assert counted.counts["period"].dt.month.unique().tolist() == [2]
    assert "wait" not in counted.quality["field"].tolist()


# -- names -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gestation weeks*7+days", '"gestation weeks"*7+"days"'),
        ('"gestation weeks"*7', '"gestation weeks"*7'),
        ("GESTATION_WEEKS * 7", '"gestation weeks" * 7'),
        ("apgar 5 min > 6 AND NOT MgSO4", '"apgar 5 min" > 6 AND NOT "MgSO4"'),
        ("given = 'gestation weeks'", "given = 'gestation weeks'"),
        ("minutes_between(birth time, days)", 'minutes_between("Birth_Time", "days")'),
        ("year(days)", 'year("days")'),
        ("birth date > DATE '2024-04-01'", """"Birth Date" > DATE '2024-04-01'"""),
        ("year(date)", 'year("Date")'),
    ],
)
def test_names_are_spelled_as_they_stand(text, expected):
    known = [*EXTRACT, "apgar 5 min", "year", "Birth Date", "Date"]
    assert spelled(text, known, "e.csv").text == expected


def test_a_name_that_could_be_two_is_refused():
    with pytest.raises(InputError, match=r"e\.csv: 'ga days' may mean 'GA Days' or 'ga_days'; wr"):
        spelled("ga days", ["GA Days", "ga_days"], "e.csv")
    assert spelled('"ga_days"', ["GA Days", "ga_days"], "e.csv").sources == ("ga_days",)


@pytest.mark.parametrize(
    ("columns", "kind", "message"),
    [
        ({"ga_days": "gestation week * 7"}, InputError, "the table has no column 'gestation', from "
         "which the mapping makes 'ga_days'; did you mean 'gestation weeks'?"),
        ({"ga_day": "days"}, OptionError, "the mapping makes the column 'ga_day', which no pack or "
         "option asks for; did you mean 'ga_days'?"),
        ({"ga_days": "days +"}, ExpressionError, "the mapping, 'ga_days': "),
        ({"ga_days": "read_csv('x')"}, ExpressionError, "the mapping, 'ga_days': "),
        ({"ga_days": "(SELECT days)"}, ExpressionError, "the mapping, 'ga_days': "),
        ({"ga_days": "LOWER(days) * 2"}, ExpressionError, "expected a number, this is a text"),
        ({"ga_days": ""}, OptionError, "columns: 'ga_days' must have an expression as text"),
        ({"ga_days": 7}, OptionError, "columns: 'ga_days' must have an expression as text, not 7"),
    ],
)  # fmt: skip
def test_a_mapping_that_cannot_be(columns, kind, message):
    with pytest.raises(kind) as caught:
        count(extract(), columns={**COLUMNS, **columns}, **BY)
    assert message in str(caught.value)


def test_a_missing_column_is_suggested_across_capitals_and_blanks():
    with pytest.raises(InputError, match="no column 'ga_days'; did you mean 'GA Days'"):
        open_records(pd.DataFrame({"GA Days": [1], "unit": ["A"]}), columns=["ga_days"])


def test_a_file_without_names_does_not_tell_its_first_record():
    told = suggest_columns("unit", ["Zebedee", "2024-01-01", "36.5"])
    assert told.startswith("its first row seems to hold a record; the names of the columns must")


def test_a_wide_file_is_not_listed_whole():
    told = suggest_columns("ga_days", [f"c{n}" for n in range(100)])
    assert told.endswith(f" and {100 - LISTED_MAX} more")


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.text(max_size=60),
        st.lists(
            st.sampled_from(
                ["days", "gestation weeks", '"MgSO4"', "7", "'x'", "+", "*", "(", ")", "AND", "NOT",
                 "=", "CASE", "WHEN", "THEN", "END", "year", "minutes_between", ",", "birth time",
                 "IS NULL", "DATE", "'2024-04-01'", "read_csv", "SELECT", ";", "--", "\x00", "\\"]
            ),
            max_size=9,
        ).map(" ".join),
    )
)  # fmt: skip
def test_any_text_is_a_mapping_or_refused(text):
    try:
        found = made(extract(), text)
    except (ExpressionError, InputError, OptionError):
        return
    assert len(found) == len(extract())


# -- what columns hold -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a * 7 + COALESCE(b, 0)", ["number", "number"]),
        ("a = 'Y' AND b", ["text", "boolean"]),
        ("a >= DATE '2024-04-01' OR b IS TRUE", ["datetime", "boolean"]),
        ("CASE WHEN a THEN b ELSE 1 END", ["boolean", "number"]),
        ("CASE a WHEN 1 THEN b END", ["number", None]),
        ("LOWER(a) LIKE 'x%' OR b IN (1, 2)", ["text", "number"]),
        ("minutes_between(a, b)", ["datetime", "datetime"]),
        ("a = b", [None, None]),
        ("a = b AND b > 3", ["number", "number"]),
        ("a IS NULL OR GREATEST(b, a) > 2", ["number", "number"]),
        ("a +", [None, None]),
    ],
)
def test_what_is_done_with_a_column_tells_what_it_holds(text, expected):
    assert list(settled(text, {"a": None, "b": None}).values()) == expected


@pytest.mark.parametrize(
    ("expression", "cells", "expected"),
    [
        ("a * 7", ["1", " 2.5 ", "", None, "nan", "x"],
         ["7.0", "17.5", None, None, None, "unreadable"]),
        ("NOT a", ["yes", "0", "maybe", None], ["false", "true", "unreadable", None]),
        ("minutes_between(a, a)", ["2024-01-01", "01/02/2024"], ["0.0", "unreadable"]),
        ("a", [" x ", "1"], [" x ", "1"]),
        ("CASE WHEN a > 1 THEN 'many' ELSE 'one' END", ["1", "2", "x"], ["one", "many", None]),
    ],
)  # fmt: skip
def test_a_cell_that_cannot_be_read_is_not_lost(expression, cells, expected):
    assert made(pd.DataFrame({"a": cells}), expression) == expected


def test_a_made_date_that_cannot_be_read_is_set_aside():
    frame = extract().assign(Seen=["2024-01-01", "2024-02-30", "soon", "", "2024-01-02"])
    columns = {**COLUMNS, "seen_at": "CASE WHEN Seen > DATE '2023-12-31' THEN Seen END"}
    quality = count(frame, columns=columns, **BY).quality
    assert ["seen_at", "wrong_type", 2] in quality[["field", "problem", "records"]].values.tolist()


def test_numbers_keep_every_digit():
    cells = [0.1, 1 / 3, 1e-300, 123456789.12345678, float("nan"), float("inf")]
    found = made(pd.DataFrame({"a": cells}), "a + 0")
    assert [float(one) for one in found[:4]] == cells[:4]
    assert found[4:] == [None, None]


def test_typed_columns_keep_their_types():
    frame = pd.DataFrame({"a": pd.to_datetime(["2024-01-01 10:00"]), "b": [3]})
    assert made(frame, "hour(a) + b") == ["13.0"]
    assert made(frame, "b") == [3]
    assert made(frame, "TRUE") == ["true"]


# -- files and profiles ------------------------------------------------------------------------

TOML = """
[mapping]
title = "Ours"

[types]
"Birth_Time" = "datetime"

[[column]]
name = "ga_days"
from = "gestation weeks * 7 + days"

[[column]]
name = "trust"
from = '"Provider Code"'
sure = "medium"
"""


@pytest.fixture
def write(tmp_path):
    def write_file(text: str) -> Path:
        path = tmp_path / "ours.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


def test_a_file_maps_and_what_is_written_on_the_spot_goes_first(write):
    path = write(TOML)
    both = column_mapping(str(path), {"ga_days": "days"})
    assert isinstance(both, ColumnMapping)
    assert (both.expression("ga_days"), both.expression("trust")) == ("days", '"Provider Code"')
    here = {"born": "birth time", "given": "mgso4"}
    expected = count(extract(), columns=COLUMNS, **BY)
    counted = count(extract(), mapping=path, columns=here, **BY)
    pd.testing.assert_frame_equal(counted.counts, expected.counts)
    assert (
        "trust is made from \"Provider Code\" (mapping 'ours'; sure: medium)"
        in (counted.provenance["notes"])
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[column]\n", "ours.toml: is not valid TOML ("),
        ("[mapping]\ntitle = 'x'\n", "ours.toml: has no [[column]]; write one for each"),
        ("[mapping]\ntitel = 'x'\n", "the key 'titel' is not known; did you mean 'title'?"),
        ("[[column]]\nname = 'x'\n", "ours.toml, column 'x': the key 'from' is missing"),
        ("[[column]]\nname = 'x'\nfrom = 7\n", "ours.toml, column 'x': from must be text"),
        ("[[column]]\nname='x'\nfrom='y'\nsure='hi'\n", "sure is 'hi'; did you mean 'high'?"),
        ("[[column]]\nname='x'\nfrom='y'\n" * 2, "ours.toml, column 'x': stands twice"),
        ("[types]\na='int'\n[[column]]\nname='x'\nfrom='y'\n", "'a' is 'int'; did you mean 'inte"),
    ],
)
def test_a_mapping_file_that_breaks_the_format(write, text, message):
    with pytest.raises(InputError) as caught:
        load_mapping(write(text))
    assert message in str(caught.value)


def test_a_mapping_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"no\.toml: cannot be read \(No such file"):
        column_mapping(tmp_path / "no.toml")


def test_the_types_of_a_file_go_before_what_is_done():
    mapping = column_mapping(columns={"made": "a = b"})
    assert mapping is not None
    frame = pd.DataFrame({"a": ["1.0"], "b": ["1"]})
    typed = ColumnMapping(columns=mapping.columns, types={"A": "number", "b": "number"})
    for one, expected in ((mapping, "false"), (typed, "true")):
        with closing(open_records(frame, columns=["made"], mapping=one)) as records:
            query = f"SELECT made FROM {records.relation}"
            assert records.connection.execute(query).fetchall() == [(expected,)]


def test_a_profile_is_known_by_name():
    pytest.importorskip("spcbench_pop")
    assert {"badgernet", "msds"} <= set(profiles())
    with pytest.raises(UnknownNameError, match="did you mean 'badgernet'"):
        column_mapping("badgernett")


def test_something_else_than_a_mapping():
    with pytest.raises(OptionError, match="mapping must be a TOML file or the name of a profile"):
        column_mapping({"a": "b"})  # type: ignore[arg-type]


def test_a_profile_makes_what_the_pack_asks_for():
    pytest.importorskip("spcbench_pop")
    frame = pd.DataFrame(
        {
            "PlaceOfBirthNHSCode": ["RJ1", "RJ1"],
            "BirthTimeBaby": ["2024-01-01 10:00", "2024-01-02 10:00"],
            "GestationWeeks": ["28", "33"],
            "GestationDays": ["3", "6"],
            "FetusNumber": ["1", "2"],
            "BirthOrder": ["1", "2"],
            "MagnesiumSulphate": ["yes", "no"],
            "CordClampingTimeMinute": ["1", "0"],
            "CordClampingTimeSecond": ["5", "30"],
            "AdmitTime": ["2024-01-01 11:30", "2024-01-02 10:20"],
            "AdmitTemperature": ["36.6", "36.4"],
            "AdmitTemperatureTime": ["2024-01-01 10:50", "2024-01-02 10:40"],
        }
    )
    counted = count(
        frame, packs=["pop"], mapping="badgernet", unit_column="trust_code",
        date_column="birth_date",
    )  # fmt: skip
    found = counted.counts.groupby("measure")[["numerator", "denominator"]].sum()
    assert found.loc["pop@2023:mgso4"].tolist() == [1, 1]
    assert found.loc["pop@2023:ocm"].tolist() == [1, 2]
    # The schema does not say who was in labour or ventilated, nor when milk was given; no record
    # is set aside.
    assert set(counted.quality["problem"]) == {"eligible_unknown", "part_never_known"}


def test_a_column_that_was_asked_for_is_made_or_refused(tmp_path):
    path = tmp_path / "births.csv"
    path.write_text("trust,born,ga_days\nRX1,2024-01-01,200\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"has no column 'gest_misspelt'.*makes 'ga_days'"):
        open_records(
            read(path),
            columns=["ga_days"],
            mapping=column_mapping(columns={"ga_days": "gest_misspelt*7"}),
        )


def test_a_mapping_says_what_it_did_not_do(tmp_path):
    path = tmp_path / "births.csv"
    path.write_text("trust,born,ga_days\nRX1,2024-01-01,200\n", encoding="utf-8")
    toml = tmp_path / "m.toml"
    toml.write_text('[[column]]\nname = "ga_days"\nfrom = "weeks * 7"\n', encoding="utf-8")
    with closing(
        open_records(read(path), columns=["ga_days"], mapping=column_mapping(toml))
    ) as records:
        assert len(records.notes) == 1
        assert records.notes[0].startswith("ga_days is taken as it stands")
