from __future__ import annotations

import gzip
import tracemalloc
from contextlib import closing
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spcbench import text_files
from spcbench.builtin.readers import read_csv, read_json_lines, read_parquet, spcbench_readers
from spcbench.errors import InputError
from spcbench.measures.records_sql import open_records
from spcbench.reading import read
from spcbench.text_files import InputWarning

HEADER = "measure,unit,period,numerator,denominator"


@pytest.fixture
def write(tmp_path):
    def write_file(content: str | bytes, name: str = "file.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file


def test_the_general_readers_say_so():
    offered = {one.id: one for one in spcbench_readers()}
    assert sorted(offered) == ["csv", "json-lines", "parquet", "workbook"]
    assert all(one.general for one in offered.values())


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_the_header_tells_the_separator(write, mark):
    table = read_csv(write(mark.join(["unit", '"born, alive"', " days "]) + "\nx\n"))
    assert table.data.options == {"delimiter": mark, "columns": ("unit", "born, alive", "days")}


def test_a_byte_order_mark_is_no_part_of_a_name(write):
    assert read_csv(write("\ufeffunit,born\n")).data.options["columns"] == ("unit", "born")


def test_a_column_without_a_name_gets_its_place(write):
    assert read_csv(write(",unit,\n")).data.options["columns"] == ("column 1", "unit", "column 3")


def test_counts_keep_their_cells_as_they_stood(write):
    table = read_csv(write(f'{HEADER},note\nm,R01,2024-01-01,05,*,\n"m, n",R02,2024-01-01,,9,x\n'))
    assert (table.kind, table.text, table.source) == ("counts", True, "file.csv")
    assert table.data.to_numpy().tolist() == [
        ["m", "R01", "2024-01-01", "05", "*", None],
        ["m, n", "R02", "2024-01-01", None, "9", "x"],
    ]


def test_single_values_are_counts_too(write):
    assert read_csv(write("measure,unit,period,value\nm,A,2024-01-01,0.5\n")).kind == "counts"
    assert read_csv(write("unit,period,value\nA,2024-01-01,0.5\n")).kind == "records"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"{HEADER}\nm,A,2024-01-01,1\n", "file.csv, line 2 has 4 cells, expected 5; a cell"),
        (f"{HEADER}\nm,A,2024-01-01,1,2,3\n", "file.csv, line 2 has 6 cells, expected 5"),
        (f"{HEADER}\n\nm,A,2024-01-01,1,2\n", "file.csv, line 2 is blank; remove it"),
        ("unit,born,unit\n", "file.csv has the column 'unit' twice; rename or remove one"),
        ("unit,Unit\n", "file.csv has the columns 'unit' and 'Unit', which differ only in capital"),
        ("\nunit,born\n", "file.csv, line 1 is blank; the names of the columns stand there"),
        (f'{HEADER}\nm,A,2024-01-01,1,"2\n', "file.csv, line 2: unexpected end of data"),
        (f"{HEADER}\nm,A,2024-01-01,1,2\n".encode() + b"m,\x81,2024-02-01,1,2\n",
         "file.csv, line 3: the text is neither UTF-8 nor Windows-1252; save the file as 'CSV"),
        ("unit\n\u00e9\n".encode() + b"\xe9\n",
         "file.csv, line 3: the text is partly UTF-8 and partly not; save the file as 'CSV UTF-8'"),
        (b"unit\n\xe9\n" + "\u00e9\n".encode(), "file.csv, line 3: the text is partly UTF-8"),
        (b"\xef\xbb\xbfunit\n\xe9\n", "file.csv, line 2: the text is partly UTF-8"),
        ("sep=,\nunit,born\n", "file.csv, line 1 is a note to Excel that begins with 'sep='"),
        ("sep=;\nunit;born\n", "file.csv, line 1 is a note to Excel that begins with 'sep='"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_line(write, content, message):
    with pytest.raises(InputError) as caught:
        read_csv(write(content))
    assert message in str(caught.value)


def test_blank_lines_at_the_end_do_no_harm(write):
    assert len(read_csv(write(f"{HEADER}\nm,A,2024-01-01,1,2\n\n\n")).data) == 1


def test_parquet_holds_counts_or_records(tmp_path):
    counts = pd.DataFrame(
        {"measure": ["m"], "unit": ["A"], "period": pd.to_datetime(["2024-01-01"]),
         "numerator": [1], "denominator": [2]}
    )  # fmt: skip
    pq.write_table(pa.Table.from_pandas(counts), tmp_path / "counts[1].parquet")
    table = read_parquet(tmp_path / "counts[1].parquet")
    assert (table.kind, table.text) == ("counts", False)
    assert read(tmp_path / "counts[1].parquet").data["denominator"].tolist() == [2]
    pq.write_table(pa.Table.from_pandas(counts[["unit"]]), tmp_path / "records.parquet")
    records = read_parquet(tmp_path / "records.parquet")
    assert (records.kind, records.data.form) == ("records", "parquet")


def test_a_damaged_parquet_file(write):
    with pytest.raises(InputError, match=r"bad\.parquet is not a whole Parquet file; copy"):
        read_parquet(write(b"PAR1 and no more", "bad.parquet"))


def test_json_lines_are_records(write):
    table = read_json_lines(write('{"unit": "A"}\n', "births.jsonl"))
    assert (table.kind, table.data.form, table.source) == ("records", "json", "births.jsonl")


@pytest.mark.parametrize("offered", spcbench_readers(), ids=lambda one: one.id)
def test_a_file_that_is_not_there_is_named(tmp_path, offered):
    path = tmp_path / f"none{offered.suffixes[0]}"
    with pytest.raises(InputError, match=rf"there is no file .*none\{offered.suffixes[0]}"):
        offered.read(path)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_header_in_quotation_marks(tmp_path, separator):
    names = ["measure", "unit", "period", "numerator", "denominator"]
    path = tmp_path / "quoted.csv"
    rows = [names, ["m", "A", "2024-01-01", "1", "2"]]
    path.write_text("".join(separator.join(f'"{cell}"' for cell in row) + "\n" for row in rows))
    table = read_csv(path)
    assert list(table.data.columns) == names
    assert table.data["denominator"].tolist() == ["2"]


# -- encodings ---------------------------------------------------------------------------------


def test_windows_1252_is_read_and_told(write):
    path = write("unit,d\u00e9j\u00e0\nA,\u20ac\u201cx\u201d\n".encode("cp1252"))
    with pytest.warns(InputWarning, match=r"file\.csv is not UTF-8; it was read as Windows-1252"):
        table = read_csv(path)
    assert table.data.options["columns"] == ("unit", "d\u00e9j\u00e0")
    with closing(open_records(table, columns=["d\u00e9j\u00e0"])) as records:
        found = records.fetch(f"SELECT * FROM {records.relation}")
        assert found["d\u00e9j\u00e0"].tolist() == ["\u20ac\u201cx\u201d"]
        assert records.notes == ("file.csv was read as Windows-1252, as it is not UTF-8",)
        folder = Path(records.copies.name)
        assert folder.is_dir()
    assert not folder.exists()


def test_a_letter_far_down_and_cut_by_a_block(write, monkeypatch):
    monkeypatch.setattr(text_files, "BLOCK_BYTES", 7)
    assert read_csv(write("unit\n" + "ab\u20acd\u00e9\n" * 9)).kind == "records"
    with pytest.warns(InputWarning):
        read_csv(write(("unit\n" + "abcd\n" * 40 + "\u00e9\n").encode("cp1252")))
    with pytest.warns(InputWarning):
        read_csv(write(b"unit\nab\xe9"))  # the beginning of a letter of UTF-8, and no more


def test_counts_in_windows_1252(write):
    with pytest.warns(InputWarning):
        table = read_csv(write(f"{HEADER}\nm,\u00c9,2024-01-01,1,2\n".encode("cp1252")))
    assert table.data["unit"].tolist() == ["\u00c9"]


def test_json_must_be_utf8(write):
    with pytest.raises(InputError, match=r"b\.jsonl, line 1: the text is not UTF-8, as JSON m"):
        read_json_lines(write(b'{"unit": "\xe9"}\n', "b.jsonl"))
    table = read_json_lines(write(b'\xef\xbb\xbf{"unit": "A"}\n', "c.jsonl"))
    with closing(open_records(table, columns=["unit"])) as records:
        found = records.fetch(f"SELECT * FROM {records.relation}")
        assert found["unit"].tolist() == ["A"]


# -- lines that cannot be held -----------------------------------------------------------------


@pytest.mark.parametrize("name", ["big.csv", "big.jsonl", "big.csv.gz"])
def test_a_line_without_end_is_not_read_whole(tmp_path, monkeypatch, name):
    monkeypatch.setattr(text_files, "LINE_BYTES_MAX", 100_000)
    path = tmp_path / name
    opened = gzip.open if name.endswith(".gz") else open
    with opened(path, "wb") as made:
        made.write(b'{"unit": 1}\n' if "json" in name else b"unit,born\nA,1\n")
        for _ in range(40):
            made.write(b"x" * 1_000_000)
    tracemalloc.start()
    line = 2 if "json" in name else 3
    with pytest.raises(InputError, match=rf"{name}, line {line} is longer than 100,000 bytes; a l"):
        next(one for one in spcbench_readers() if name.endswith(one.suffixes)).read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3_000_000


def test_a_header_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(text_files, "LINE_BYTES_MAX", 1_000)
    path = tmp_path / "big.csv"
    path.write_bytes(b"unit," * 1_000)
    with pytest.raises(InputError, match=r"big\.csv, line 1 is longer than 1,000 bytes"):
        read_csv(path)


def test_a_quotation_mark_that_is_never_closed(tmp_path):
    path = tmp_path / "open.csv"
    path.write_text('unit,born\nA,1\nB,"2\n' + "C,3\n" * 600_000)
    with pytest.raises(InputError, match=r"open\.csv, line 3: a quotation mark is opened and not"):
        read_csv(path)


def test_quotation_marks_that_are_closed_do_no_harm(tmp_path):
    path = tmp_path / "closed.csv"
    path.write_text('"unit","born"\n' + "C,3\n" * 600_000)
    assert read_csv(path).kind == "records"
    path.write_text('unit,"born"""\n' + "C,3\n" * 600_000)
    assert read_csv(path).data.options["columns"] == ("unit", 'born"')


def test_columns_that_differ_in_capitals_are_refused_in_parquet_too(tmp_path):
    pq.write_table(pa.table({"unit": ["A"], "Unit": ["B"]}), tmp_path / "two.parquet")
    with pytest.raises(InputError, match=r"two\.parquet has the columns 'unit' and 'Unit'"):
        read_parquet(tmp_path / "two.parquet")
