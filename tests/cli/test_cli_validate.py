"""`spcbench validate`, and the list of rejects in its formats."""

from __future__ import annotations

import builtins

import pyarrow.parquet as pq
import pytest

PACK = """
[pack]
id = "warmth"
title = "W"
version = "1"
record = "baby"
[[field]]
name = "celsius"
type = "number"
range = [25, 45]
[[measure]]
id = "warm"
title = "Warm"
better = "higher"
eligible = "TRUE"
met = "celsius >= 36.5"
"""


@pytest.fixture
def births(tmp_path):
    (tmp_path / "warmth.toml").write_text(PACK, encoding="utf-8")
    rows = ["RJ1,2024-01-01,36.6", "RJ1,2024-01-02,366", "RJ1,2024-01-03,", "RJ1,2024-01-04,=1+1"]
    (tmp_path / "births.csv").write_text(
        "\n".join(["trust,born,celsius", *rows, "RJ1,2024-01-05,36.4"]) + "\n", encoding="utf-8"
    )
    return "births.csv"


def test_it_says_what_to_put_right(run, births):
    done = run("validate", births, "--packs", "warmth.toml")
    assert done.exit_code == 0, done.output
    assert done.stdout == (
        "births.csv: 5 records, 2 cannot be used\n"
        "\n"
        "To put right:\n"
        "  celsius: expected 25 to 45 (row 3)\n"
        "  celsius: expected number (row 5)\n"
        "\n"
        "How often:\n"
        "  celsius: wrong type (1)\n"
        "  celsius: out of range (1)\n"
        "\n"
        "Complete:\n"
        "  celsius: 40.0 % (2 of 5)\n"
        "\n"
        "Measures:\n"
        "  warmth@1:warm: 2 set aside, 1 of 3 eligible not known whether met; see celsius\n"
    )


@pytest.mark.parametrize(("word", "code"), [("nothing", 0), ("set-aside", 1), ("problems", 1)])
def test_the_exit_code_says_whether_there_is_something_to_fix(run, births, word, code):
    done = run("validate", births, "--packs", "warmth.toml", "--fail-on", word)
    assert done.exit_code == code


def test_there_is_nothing_to_fix(run, births, tmp_path):
    (tmp_path / births).write_text("trust,born,celsius\nRJ1,2024-01-01,37\n", encoding="utf-8")
    done = run("validate", births, "--packs", "warmth.toml", "--fail-on", "problems")
    assert done.exit_code == 0
    assert "No record is wrong." in done.stdout
    assert "warmth@1:warm: nothing lost" in done.stdout


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".xlsx"])
@pytest.mark.parametrize("command", ["validate", "count"])
def test_the_list_is_written_in_the_format_of_its_name(run, births, tmp_path, suffix, command):
    name = f"list{suffix}"
    options = ["-o", name]
    if command == "count":
        options = ["--unit-column", "trust", "--date-column", "born", "-o", "counts.csv"]
        options += ["--rejects", name]
    if suffix == ".xlsx":
        pytest.importorskip("xlsxwriter")
    done = run(command, births, "--packs", "warmth.toml", *options)
    assert done.exit_code == 0, done.output
    names = ["file", "row", "field", "value_class", "reason"]
    wanted = [
        ["births.csv", 3, "celsius", "number", "expected 25 to 45"],
        ["births.csv", 5, "celsius", "text", "expected number"],
    ]
    path = tmp_path / name
    if suffix == ".csv":
        rows = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()]
        assert rows == [names, *([str(cell) for cell in row] for row in wanted)]
    elif suffix == ".parquet":
        table = pq.read_table(path)
        assert table.column_names == names
        assert [list(row.values()) for row in table.to_pylist()] == wanted
    else:
        calamine = pytest.importorskip("python_calamine")
        rows = calamine.CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
        assert rows == [names, *wanted]


def test_a_text_that_looks_like_a_formula_stays_a_text():
    pytest.importorskip("xlsxwriter")
    calamine = pytest.importorskip("python_calamine")
    from io import BytesIO
    from pathlib import Path

    import pandas as pd

    from spcbench.cli.count_command import table_bytes

    table = pd.DataFrame({"file": ["=1+1.csv", None], "row": [1, 2]})
    book = calamine.CalamineWorkbook.from_filelike(BytesIO(table_bytes(table, Path("a.xlsx"))))
    assert book.get_sheet_by_index(0).to_python() == [["file", "row"], ["=1+1.csv", 1], ["", 2]]


def test_without_what_writes_workbooks_the_way_out_is_told(run, births, monkeypatch):
    own = builtins.__import__

    def refused(name, *arguments, **settings):
        if name == "xlsxwriter":
            raise ModuleNotFoundError(name)
        return own(name, *arguments, **settings)

    monkeypatch.setattr(builtins, "__import__", refused)
    done = run("validate", births, "--packs", "warmth.toml", "-o", "list.xlsx")
    assert done.exit_code == 2
    assert "install XlsxWriter (pip install 'spcbench[xlsx]')" in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "Missing option '--packs'"),
        (["--packs", "warmth.toml", "-o", "list.pdf"], "must end in .csv, .parquet or .xlsx"),
        (["--packs", "warmth.toml", "-o", "births.csv"], "is the file that is being read"),
        (["--packs", "warmth.toml", "-o", "no/list.csv"], "there is no folder 'no'"),
    ],
)
def test_wrong_options_are_told_before_the_records_are_read(run, births, options, message):
    done = run("validate", births, *options)
    assert done.exit_code == 2
    assert message in done.stderr


def test_columns_may_be_mapped(run, births, tmp_path):
    text = "temp F\n98.6\n"
    (tmp_path / births).write_text(text, encoding="utf-8")
    mapped = "celsius=(temp F - 32) / 1.8"
    done = run("validate", births, "--packs", "warmth.toml", "--map", mapped)
    assert done.exit_code == 0, done.output
    assert "celsius: 100 % (1 of 1)" in done.stdout


def test_each_unit_is_told_what_to_put_right(run, births, tmp_path):
    text = (tmp_path / births).read_text("utf-8")
    (tmp_path / births).write_text(f"{text}RJ2,2024-01-05,367\n,2024-01-05,37\n", "utf-8")
    done = run("validate", births, "--packs", "warmth.toml", "--unit-column", "trust")
    told = done.stdout.partition("By unit:\n")[2].partition("\n\n")[0]
    assert told == (
        "  RJ1: 5 records, 2 cannot be used\n"
        "    celsius: expected number (1)\n"
        "    celsius: expected 25 to 45 (1)\n"
        "  RJ2: 1 record, 1 cannot be used\n"
        "    celsius: expected 25 to 45 (1)\n"
        "  (unit or date not known): 1 record, 1 cannot be used\n"
        "    trust: missing (1)"
    )


def test_what_each_unit_has_to_put_right_is_written_beside_the_list(run, births, tmp_path):
    done = run(
        *("validate", births, "--packs", "warmth.toml", "--unit-column", "trust"),
        *("-o", "list.csv"),
    )
    assert done.exit_code == 0, done.output
    assert done.stdout.endswith("list.csv\nlist.units.csv\n")
    assert (tmp_path / "list.units.csv").read_text("utf-8") == (
        "unit,field,problem,reason,records\n"
        "RJ1,celsius,wrong_type,expected number,1\n"
        "RJ1,celsius,out_of_range,expected 25 to 45,1\n"
    )


def test_columns_that_a_profile_is_sure_of_are_only_counted(run, births, tmp_path):
    (tmp_path / "ours.toml").write_text(
        '[[column]]\nname = "celsius"\nfrom = "celsius + 0"\nsure = "high"\n', encoding="utf-8"
    )
    done = run("validate", births, "--packs", "warmth.toml", "--mapping", "ours.toml")
    assert "  made by the mapping and sure: high: 1 more\n" in done.stdout
    assert "is made from" not in done.stdout
    (tmp_path / "ours.toml").write_text(
        '[[column]]\nname = "celsius"\nfrom = "celsius + 0"\nsure = "low"\n', encoding="utf-8"
    )
    done = run("validate", births, "--packs", "warmth.toml", "--mapping", "ours.toml")
    assert "  celsius is made from celsius + 0 (mapping 'ours'; sure: low)\n" in done.stdout
