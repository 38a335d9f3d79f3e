"""One set of records, by every road: the same counts, quality and places."""

from __future__ import annotations

import csv
import datetime
import gzip
import io
import json
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

from spcbench.errors import InputError, OptionError
from spcbench.measures.counting import count
from spcbench.measures.measure import Field, Measure
from spcbench.plugin.records import Pack
from spcbench.reading import read
from spcbench.reading_sql import read_sql
from spcbench.text_files import InputWarning

NAMES = ["unit", "born", "admitted at", "days", "celsius", "given", "note"]
PACK = Pack(
    id="roads",
    title="R",
    version="1",
    record="baby",
    fields=(
        Field(name="days", type="integer", range=(140, 320)),
        Field(name="celsius", type="number"),
        Field(name="given", type="boolean"),
        Field(name="born", type="datetime"),
        Field(name="admitted at", type="datetime"),
        Field(name="note", type="text"),
    ),
    measures=(
        Measure(id="given", title="G", better="higher", eligible="days < 238", met="given"),
        Measure(
            id="warm",
            title="W",
            better="higher",
            eligible="note <> 'a,b'",
            met="ROUND(celsius, 1) >= 36.5",
        ),
        Measure(
            id="soon",
            title="S",
            better="higher",
            eligible="TRUE",
            met='hours_between(born, "admitted at") < 24',
        ),
    ),
)
BY: dict[str, Any] = {"packs": [PACK], "unit_column": "unit", "date_column": "born"}


def records() -> list[dict[str, Any]]:
    """Invented records with holes, midnights, halves and cells out of range."""
    chance = random.Random(5)
    made = []
    for _ in range(120):
        born = datetime.datetime(2024, 1, 1) + datetime.timedelta(
            days=chance.randrange(150), minutes=chance.choice((0, 1, 719, 1439))
        )
        made.append(
            {
                "unit": chance.choice(("RJ1", "RJ2", "R,X")),
                "born": born,
                "admitted at": chance.choice((born + datetime.timedelta(hours=24), born, None)),
                "days": chance.choice((154, 209, 237, 238, 400, None)),
                "celsius": chance.choice((36.45, 36.44, 36.5, 37.0, None)),
                "given": chance.choice((True, False, None)),
                "note": chance.choice(("a,b", "é\nfurther", 'say "so"', None)),
            }
        )
    return made


def typed() -> pa.Table:
    kinds = {"born": pa.timestamp("us"), "admitted at": pa.timestamp("us"), "days": pa.int64()}
    return pa.table(
        {name: pa.array([one[name] for one in records()], kinds.get(name)) for name in NAMES}
    )


def texts(one: dict[str, Any], names: list[str]) -> list[str]:
    return ["" if one[name] is None else str(one[name]) for name in names]


def delimited(path: Path, rows: list[dict[str, Any]], mark: str, names: list[str] = NAMES) -> Path:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=mark, lineterminator="\n")
    writer.writerows([names, *(texts(one, names) for one in rows)])
    content = buffer.getvalue().encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def json_lines(path: Path) -> Path:
    def shown(cell: Any) -> Any:
        return str(cell) if isinstance(cell, datetime.datetime) else cell

    lines = (json.dumps({name: shown(cell) for name, cell in one.items()}) for one in records())
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def workbook(path: Path) -> Path:
    writer = pytest.importorskip("xlsxwriter")
    pytest.importorskip("python_calamine")
    with writer.Workbook(path) as book:
        sheet = book.add_worksheet("Births")
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        sheet.write_row(0, 0, NAMES)
        for at, one in enumerate(records(), 1):
            for place, name in enumerate(NAMES):
                cell = one[name]
                if isinstance(cell, datetime.datetime):
                    sheet.write_datetime(at, place, cell, moment)
                elif cell is not None:
                    sheet.write(at, place, cell)
    return path


def folder(path: Path) -> Path:
    path.mkdir()
    made = records()
    delimited(path / "a.csv", made[:50], ",")
    delimited(path / "b.tsv", made[50:80], "\t", names=list(reversed(NAMES)))
    pq.write_table(typed().slice(80), path / "c.parquet")
    (path / ".hidden").write_text("x")
    return path


def database(kind: str) -> Any:
    base = sqlite3.connect(":memory:")
    cells = ", ".join(f'"{name}"' for name in NAMES)
    base.execute(f"CREATE TABLE births ({cells})")
    rows = [
        [
            str(one[name]) if isinstance(one[name], datetime.datetime) else one[name]
            for name in NAMES
        ]
        for one in records()
    ]
    base.executemany(f"INSERT INTO births VALUES ({', '.join('?' * len(NAMES))})", rows)
    base.commit()
    if kind == "dbapi":
        return read_sql("SELECT * FROM births", base)
    alchemy = pytest.importorskip("sqlalchemy")
    engine = alchemy.create_engine(
        "sqlite://", creator=lambda: base, poolclass=alchemy.pool.StaticPool
    )
    if kind == "engine":
        return read_sql("SELECT * FROM births", engine)
    with engine.connect() as connection:
        return read_sql("SELECT * FROM births", connection)


def lazy() -> Any:
    return pytest.importorskip("polars").from_arrow(typed()).lazy()


ROADS: dict[str, Callable[[Path], Any]] = {
    "csv": lambda at: delimited(at / "r.csv", records(), ","),
    "semicolons": lambda at: delimited(at / "r.csv", records(), ";"),
    "tsv": lambda at: delimited(at / "r.tsv", records(), "\t"),
    "gzip": lambda at: delimited(at / "r.csv.gz", records(), ","),
    "json-lines": lambda at: json_lines(at / "r.jsonl"),
    "parquet": lambda at: pq.write_table(typed(), at / "r.parquet") or at / "r.parquet",
    "workbook": lambda at: workbook(at / "r.xlsx"),
    "folder": lambda at: folder(at / "births"),
    "pattern": lambda at: folder(at / "births") / "*.*",
    "pandas": lambda at: typed().to_pandas(),
    "polars": lambda at: pytest.importorskip("polars").from_arrow(typed()),
    "lazy polars": lambda at: lazy(),
    "arrow": lambda at: typed(),
    "batches": lambda at: typed().to_reader(17),
    "dataset": lambda at: pa.dataset.dataset(typed()),
    "duckdb": lambda at: duckdb.connect().from_arrow(typed()),
    "dbapi": lambda at: database("dbapi"),
    "engine": lambda at: database("engine"),
    "connection": lambda at: database("connection"),
}


@pytest.mark.parametrize("road", ROADS)
def test_every_source_gives_the_same_counts(tmp_path, road):
    expected = count(typed(), rejects=True, **BY)
    found = count(ROADS[road](tmp_path), rejects=True, **BY)
    pd.testing.assert_frame_equal(found.counts, expected.counts)
    pd.testing.assert_frame_equal(found.quality, expected.quality)
    assert len(found.rejects) == len(expected.rejects) > 0
    assert found.provenance["records_read"] == 120


@pytest.mark.parametrize("road", ["csv", "gzip", "workbook", "folder"])
def test_rejects_say_where_a_person_finds_them(tmp_path, road):
    source = ROADS[road](tmp_path)
    rejects = count(source, rejects=True, **BY).rejects
    out_of_range = [row for row, one in enumerate(records()) if one["days"] == 400]
    if road == "folder":
        assert set(rejects["file"]) == {"a.csv", "b.tsv", "c.parquet"}
        return
    if road == "workbook":
        assert rejects["row"].tolist() == [row + 2 for row in out_of_range]
        return
    lines = list(csv.reader(io.StringIO(delimited(tmp_path / "x.csv", records(), ",").read_text())))
    assert rejects["row"].tolist() == [row for row, cells in enumerate(lines, 1) if "400" in cells]


# -- JSON lines --------------------------------------------------------------------------------


def test_a_wide_record_is_no_single_column(tmp_path):
    path = tmp_path / "wide.jsonl"
    line = {"unit": "A", "born": "2024-01-01", "days": "200", "given": "yes"}
    extra = {f"c{n}": "x" for n in range(300)}
    path.write_text((json.dumps({**line, **extra}) + "\n") * 3)
    counted = count(path, measures=["given"], **BY)
    assert counted.counts[["numerator", "denominator"]].to_numpy().tolist() == [[3, 3]]


def test_a_field_may_first_come_late(tmp_path):
    path = tmp_path / "late.jsonl"
    line = {"unit": "A", "born": "2024-01-01", "days": 200}
    path.write_text((json.dumps(line) + "\n") * 25_000 + json.dumps({**line, "given": True}))
    counted = count(path, measures=["given"], **BY)
    assert counted.counts[["numerator", "missing"]].to_numpy().tolist() == [[1, 25_000]]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('["Zebedee"]', "line 2 is not a JSON object"),
        ('{"unit": "Zebedee", ', "line 2 is not a whole JSON object"),
        ('{"unit": "Zebedee", "unit": "B", "born": "x"}', "line 2 names a field twice"),
    ],
)
def test_a_line_that_is_no_record_is_named_and_not_told(tmp_path, line, message):
    path = tmp_path / "b.jsonl"
    first = json.dumps({"unit": "A", "born": "2024-01-01", "days": 200, "given": True})
    path.write_text(f"{first}\n{line}\n{first}\n")
    with pytest.raises(InputError) as caught:
        count(path, measures=["given"], **BY)
    assert str(caught.value) == f"b.jsonl: cannot be read ({message})"


# -- CSV files that cannot be trusted ----------------------------------------------------------

HEAD = "unit,born,days,given\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEAD.replace("\n", "\r\n") + "A,2024-01-01,200,yes\r\nA,2024-01-01,2,no\n" * 2,
         r"r\.csv, line 3 does not end as line 1 does \(CR LF, LF or CR\); save it again"),
        (HEAD + 'A,2024-01-01,"20" 0,yes\nA,2024-01-01,1,yes\n',
         r"r\.csv, line 2: a quotation mark"),
        (HEAD + 'A,2024-01-01,200,"yes\nA,2024-01-01,1,no\n',
         r"r\.csv, line 2: a quotation mark is opened and not closed"),
        ("Zebedee,2024-01-01,200,yes\nZebedee,2024-01-01,200,yes\n",
         r"r\.csv has no column 'unit'; its first row seems to hold a record"),
        (HEAD + "A,2024-01-01,200,yes\nA,03/04/2024,200,yes\n",
         r"r\.csv, line 3, column 'born': the date is written like 99/99/9999"),
    ],
)  # fmt: skip
def test_a_csv_file_that_cannot_be_trusted(tmp_path, content, message):
    path = tmp_path / "r.csv"
    path.write_bytes(content.encode())
    with pytest.raises(InputError, match=message) as caught:
        count(path, measures=["given"], **BY)
    assert "Zebedee" not in str(caught.value)


def test_a_hundred_cells_too_many(tmp_path):
    path = tmp_path / "r.csv"
    row = "A,2024-01-01,200,yes"
    path.write_text(f"{HEAD}{row}\n{row}{',x' * 100}\n{row}\n")
    counted = count(path, measures=["given"], rejects=True, **BY)
    assert counted.counts["numerator"].tolist() == [2]
    assert counted.rejects[["row", "reason"]].to_numpy().tolist() == [[3, "too many cells"]]


def test_windows_1252_is_counted_and_its_rejects_are_found(tmp_path):
    path = tmp_path / "r.csv"
    lines = ["Caf\u00e9 \u2019s,2024-01-01,200,yes"] * 3 + ["A,2024-01-01,2,yes", "A,2024-01-01"]
    path.write_bytes((HEAD + "\n".join(lines)).encode("cp1252"))
    with pytest.warns(InputWarning):
        counted = count(path, measures=["given"], rejects=True, **BY)
    assert counted.counts["unit"].tolist() == ["A", "Caf\u00e9 \u2019s"]
    assert counted.rejects[["file", "row"]].to_numpy().tolist() == [["r.csv", 5], ["r.csv", 6]]
    assert counted.provenance["notes"] == ["r.csv was read as Windows-1252, as it is not UTF-8"]


# -- folders -----------------------------------------------------------------------------------


def test_a_file_that_proves_faulty_when_it_is_scanned(tmp_path):
    place = folder(tmp_path / "births")
    (place / "d.csv").write_text(",".join(NAMES) + '\nRJ1,2024-01-01,,200,36.5,yes,"open\n')
    with pytest.raises(InputError, match=r"d\.csv, line 2: a quotation mark is opened and not clo"):
        count(place, **BY)
    counted = count(read(place, on_error="skip_file"), **BY)
    pd.testing.assert_frame_equal(counted.counts, count(typed(), **BY).counts)
    assert counted.provenance["notes"][0].startswith("left out: d.csv, line 2: a quotation mark")


def test_workbooks_of_a_folder_are_one_table(tmp_path):
    head = ["unit", "born", "days", "given"]
    book(tmp_path / "a.xlsx", S=[head, ["A", "2024-01-01", 200, True], ["A", "2024-01-01", 2, 1]])
    book(tmp_path / "b.xlsx", S=[head[::-1], ["no", "many", "2024-01-01", "B"], ["yes", 201]])
    counted = count(tmp_path, measures=["given"], rejects=True, **BY)
    assert counted.rejects[["file", "row", "field"]].to_numpy().tolist() == [
        ["a.xlsx", 3, "days"], ["b.xlsx", 2, "days"], ["b.xlsx", 3, "born"], ["b.xlsx", 3, "unit"],
    ]  # fmt: skip
    assert counted.counts[["numerator", "denominator"]].to_numpy().tolist() == [[1, 1], [0, 0]]


def test_a_damaged_parquet_file_in_a_folder_is_named(tmp_path):
    place = folder(tmp_path / "births")
    content = bytearray((place / "c.parquet").read_bytes())
    content[4:200] = bytes(196)
    (place / "e.parquet").write_bytes(content)
    with pytest.raises(InputError, match=r"e\.parquet: cannot be read \(it is damaged; copy or wr"):
        count(place, **BY)


# -- workbooks ---------------------------------------------------------------------------------


def book(path: Path, **sheets: list[list[Any]]) -> Path:
    writer = pytest.importorskip("xlsxwriter")
    pytest.importorskip("python_calamine")
    with writer.Workbook(path) as made:
        for name, rows in sheets.items():
            sheet = made.add_worksheet(name)
            for at, row in enumerate(rows):
                sheet.write_row(at, 0, row)
    return path


def test_a_sheet_is_chosen_by_name(tmp_path):
    path = book(tmp_path / "b.xlsx", First=[["unit"], ["A"]], Second=[["other"], [1], [2]])
    assert read(path).data.column_names == ["unit"]
    assert read(path, sheet="Second").data["other"].to_pylist() == [1, 2]
    with pytest.raises(
        OptionError, match=r"there is no sheet in b\.xlsx called 'Secnd'; did you m"
    ):
        read(path, sheet="Secnd")


def test_only_workbooks_have_sheets(tmp_path):
    path = delimited(tmp_path / "r.csv", records(), ",")
    with pytest.raises(OptionError, match=r"r\.csv has no sheets; leave out sheet='Births'"):
        read(path, sheet="Births")


def test_cells_of_several_kinds_are_read_as_text(tmp_path):
    path = book(tmp_path / "b.xlsx", S=[["x", "y"], [1, 2.5], ["many", True], ["", ""], [3, None]])
    table = read(path)
    assert table.data["x"].to_pylist() == ["1", "many", "3"]
    assert table.data["y"].to_pylist() == ["2.5", "true", None]
    assert table.lines.tolist() == [2, 3, 5]


def test_counts_in_a_workbook_are_counts(tmp_path):
    head = ["measure", "unit", "period", "numerator", "denominator"]
    path = book(tmp_path / "c.xlsx", S=[head, ["m", "A", "2024-01-01", 3, 9]])
    table = read(path)
    assert (table.kind, table.data["numerator"].tolist()) == ("counts", [3])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([["unit", "Unit"], [1, 2]], "b.xlsx has the columns 'unit' and 'Unit'; rename or remove"),
        ([["unit"], ["A", "stray"]], "b.xlsx, row 2: a cell stands beyond the last column that"),
        ([], "b.xlsx: the sheet is empty"),
    ],
)
def test_a_sheet_that_is_no_table(tmp_path, rows, message):
    with pytest.raises(InputError, match=message):
        read(book(tmp_path / "b.xlsx", S=rows))


def test_without_the_package_the_way_out_is_told(tmp_path, monkeypatch):
    import sys

    path = book(tmp_path / "b.xlsx", S=[["unit"], ["A"]])
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    with pytest.raises(OptionError, match=r"needs the package python-calamine: pip install 'spcb"):
        read(path)


# -- databases ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT * FROM nowhere", r"the query: the database refused it \(OperationalError\)"),
        ("SELECT 1 AS a, 2 AS A", "the query: has the column 'A' twice; name it with AS"),
        ("CREATE TABLE x (a)", "the query gives no rows; write a SELECT"),
    ],
)
def test_a_query_that_gives_no_records(query, message):
    base = sqlite3.connect(":memory:")
    with pytest.raises(InputError, match=message):
        read_sql(query, base)
    base.close()


def test_batches_of_different_kinds_become_text(monkeypatch):
    monkeypatch.setattr("spcbench.reading_sql.BATCH_ROWS", 1)
    base = sqlite3.connect(":memory:")
    query = "SELECT 1 AS a, 1 AS b UNION ALL SELECT 'x', 2.5 UNION ALL SELECT NULL, NULL"
    found = read_sql(query, base).data
    base.close()
    assert found["a"].to_pylist() == ["1", "x", None]
    assert found["b"].to_pylist() == [1.0, 2.5, None]


def test_something_that_is_no_connection():
    with pytest.raises(OptionError, match="connection must be a DB-API connection"):
        read_sql("SELECT 1", "births.db")
