from __future__ import annotations

import gzip
import types
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from spcbench.errors import (
    AmbiguousNameError,
    InputError,
    OptionError,
    PluginError,
    UnknownNameError,
)
from spcbench.plugin import Reader, hookimpl
from spcbench.plugin.host import PluginHost
from spcbench.reading import content_of, read
from spcbench.tables import FileScan, Table

COUNTS = "measure,unit,period,numerator,denominator\nm,RJ1,2024-02-01,3,9\nm,RJ1,2024-01-01,2,8\n"


def plugin(name: str, *offered: Reader) -> types.ModuleType:
    module = types.ModuleType(name)
    module.SPCBENCH_API = 1  # type: ignore[attr-defined]
    module.spcbench_readers = hookimpl(lambda: offered, specname="spcbench_readers")  # type: ignore[attr-defined]
    return module


def special(name: str = "special", *, says: Any = None, knows: bool = True) -> Reader:
    given = says or Table(kind="records", data=name, source=name)
    return Reader(
        id=name,
        title=name,
        suffixes=(".csv",),
        sniff=lambda head, path: knows and head.startswith(b"Special"),
        read=lambda path: given,
    )


def host_of(*modules: Any) -> PluginHost:
    return PluginHost.of(*modules, builtins=("spcbench.builtin.readers",))


@pytest.fixture
def write(tmp_path):
    def write_file(content: str | bytes, name: str = "file.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file


def test_counts_are_checked_on_the_way_in(write):
    table = read(write(COUNTS), host=host_of())
    assert table.kind == "counts"
    assert not table.text
    assert table.source == "file.csv"
    assert table.data["numerator"].tolist() == [2, 3]
    assert table.data["period"].dtype.kind == "M"


def test_a_fault_in_counts_names_file_and_line(write):
    with pytest.raises(InputError, match=r"file\.csv, line 3, column 'numerator'"):
        read(write(COUNTS.replace(",2,8", ",two,8")), host=host_of())


def test_the_options_reach_the_check(write):
    text = COUNTS.replace("2024-02-01", "01/02/2024").replace("2024-01-01", "01/01/2024")
    path = write(text.replace(",2,8", ",*,8"))
    table = read(path, host=host_of(), date_format="%d/%m/%Y", suppressed=["*"])
    assert table.data["status"].tolist() == ["suppressed", "ok"]
    assert table.data["period"].iloc[1] == pd.Timestamp("2024-02-01")


def test_records_stay_where_they_lie(write):
    path = write("unit,born\nRJ1,2024-01-01\n")
    table = read(str(path), host=host_of())
    assert table.kind == "records"
    assert table.data == FileScan(
        paths=(str(path),), form="csv", options={"delimiter": ",", "columns": ("unit", "born")}
    )


def test_a_reader_that_knows_one_publication_goes_first(write):
    path = write("Special,unit\n1,2\n")
    assert read(path, host=host_of(plugin("trust", special()))).data == "special"
    assert read(path, host=host_of(plugin("trust", special(knows=False)))).kind == "records"


def test_a_reader_can_be_named(write):
    host = host_of(plugin("trust", special(knows=False)))
    assert read(write("unit\n1\n"), reader="trust:special", host=host).data == "special"
    with pytest.raises(UnknownNameError, match="there is no reader 'specal'; did you mean 'spec"):
        read(write("unit\n1\n"), reader="specal", host=host)


def test_two_readers_that_know_a_file(write):
    host = host_of(plugin("trust_a", special()), plugin("trust_b", special("other")))
    with pytest.raises(AmbiguousNameError) as caught:
        read(write("Special\n1\n"), host=host)
    assert str(caught.value) == (
        "several readers know file.csv: trust_a:special, trust_b:other; say which with reader="
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "a.csv is empty"),
        ("a.csv", b" \n\n", "a.csv is empty"),
        ("a.csv", b"PAR1....", "a.csv is not what its ending '.csv' says: it looks like a Parquet"),
        ("a.csv", b"\x89PNG\r\n", "says: it looks like a PNG picture"),
        ("a.csv", b"\n <!DOCTYPE html>", "says: it looks like a web page or XML (a download that"),
        ("a.csv", b"PK\x03\x04", "says: it looks like an Excel workbook or other zip archive"),
        ("a.csv", "unit,b".encode("utf-16"), "looks like UTF-16 text; save it as 'CSV UTF-8'"),
        ("a.csv", b"a,b\n\x00\x01", "says: it looks like binary data"),
        ("a.parquet", b"a,b\n1,2\n", "a.parquet is not what its ending '.parquet' says: its first"),
        ("a.jsonl", b"[1, 2]", "a.jsonl is not what its ending '.jsonl' says"),
        ("a.docx", b"PK\x03\x04", "a.docx: no reader knows files ending in '.docx'; known endings: "
         ".csv, .csv.gz, .jsonl, .jsonl.gz, .ndjson, .ndjson.gz, .ods, .parquet, .tsv, .tsv.gz, "
         ".xls, .xlsm, .xlsx"),
        ("a", b"x", "a: no reader knows files ending in 'nothing'"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_what_it_says(write, name, content, message):
    with pytest.raises(InputError) as caught:
        read(write(content, name), host=host_of())
    assert message in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"there is no file .*no\.csv; check the name and the fol"):
        read(tmp_path / "no.csv", host=host_of())


# -- folders and patterns ------------------------------------------------------------------------


def births(folder: Path) -> Path:
    """Three files of records, the second of them a web page."""
    folder.mkdir()
    (folder / "a.csv").write_text("unit,born\nRJ1,2024-01-01\n")
    (folder / "b.csv").write_text("<!DOCTYPE html><p>Log in")
    (folder / "c.csv").write_text("born;unit\n2024-02-01;RJ2\n")
    return folder


def test_an_empty_folder(tmp_path):
    with pytest.raises(InputError, match=r"there is no file in .*; check the name and the fold"):
        read(tmp_path)
    with pytest.raises(InputError, match=r"there is no file in .*no\*\.csv; check the name"):
        read(tmp_path / "no*.csv")


def test_a_bad_file_in_a_folder_is_named(tmp_path):
    with pytest.raises(InputError) as caught:
        read(births(tmp_path / "births"), host=host_of())
    assert str(caught.value) == (
        "b.csv is not what its ending '.csv' says: it looks like a web page or XML (a download "
        "that needed a login is often saved like this) (one of the 3 files of births)"
    )


def test_the_other_files_are_read_if_the_user_says_so(tmp_path):
    table = read(births(tmp_path / "births"), host=host_of(), on_error="skip_file")
    assert [part.source for part in table.data.parts] == ["a.csv", "c.csv"]
    assert table.source == "births"
    assert [reason.partition(" is not")[0] for reason in table.data.left_out] == ["b.csv"]


def test_a_folder_of_nothing_but_bad_files(tmp_path):
    (tmp_path / "b.csv").write_text("<html>")
    with pytest.raises(
        InputError, match=r"none of the files of .* can be read; first: b\.csv is n"
    ):
        read(tmp_path, host=host_of(), on_error="skip_file")


def test_counts_in_a_folder_are_refused(tmp_path):
    (tmp_path / "counts.csv").write_text(COUNTS)
    with pytest.raises(InputError, match=r"counts\.csv holds counts; files that are read together"):
        read(tmp_path, host=host_of())


def test_a_name_with_signs_of_a_pattern_is_a_name(write):
    assert read(write("unit\nA\n", "births[1].csv"), host=host_of()).source == "births[1].csv"


def test_an_unknown_way_with_errors(write):
    with pytest.raises(OptionError, match="on_error must be 'raise' or 'skip_file', not 'ignore'"):
        read(write("unit\nA\n"), on_error="ignore")


# -- gzip ------------------------------------------------------------------------------------------


def test_what_is_compressed_decides_the_reader(write):
    table = read(write(gzip.compress(COUNTS.encode(), mtime=0), "counts.csv.gz"), host=host_of())
    assert table.data["numerator"].tolist() == [2, 3]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.csv",
            gzip.compress(b"unit\nA\n", mtime=0),
            "looks like a gzip archive; name it a.csv.gz",
        ),
        ("a.csv.gz", b"unit\nA\n", "a.csv.gz is not what its ending '.gz' says"),
        ("a.csv.gz", gzip.compress(b"", mtime=0), "a.csv.gz is empty"),
        (
            "a.csv.gz",
            gzip.compress(b"unit\n" + b"A\n" * 9, mtime=0)[:-9],
            "not a whole gzip file (it ends",
        ),
        (
            "a.csv.gz",
            gzip.compress(b"unit\nA\n", mtime=0)[:-8] + bytes(8),
            "file (its check sum differs)",
        ),
        ("a.csv.gz", gzip.compress(b"<html>", mtime=0), "it looks like a web page or XML"),
    ],
)
def test_gzip_that_cannot_be_read(write, name, content, message):
    with pytest.raises(InputError) as caught:
        read(write(content, name), host=host_of())
    assert message in str(caught.value)


def test_a_reader_that_fails_is_named(write):
    broken = Reader(
        id="broken", title="B", suffixes=(".csv",), sniff=lambda head, path: True,
        read=lambda path: {}["x"],
    )  # fmt: skip
    with pytest.raises(
        PluginError, match="reader 'broken' of plugin 'trust' failed: KeyError: 'x'"
    ):
        read(write("a\n1\n"), host=host_of(plugin("trust", broken)))


def test_a_reader_that_gives_something_else_is_named(write):
    host = host_of(plugin("trust", special(says=[1])))
    with pytest.raises(PluginError, match=r"reader 'special' gave list for file\.csv, wanted"):
        read(write("Special\n1\n"), host=host)


def test_plain_text_gives_nothing_away():
    assert content_of(b"\xef\xbb\xbfunit,date") == ""
