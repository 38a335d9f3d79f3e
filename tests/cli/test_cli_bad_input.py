"""Wrong files and wrong options, end to end: one line that helps, and nothing written."""

from __future__ import annotations

import pandas as pd
import pytest

GOOD = "m,RJ1,2024-01-01,3,5"


def chart_error(run, tmp_path, name, *options):
    """What the chart command says of a file of bad data; nothing may be left behind."""
    before = sorted(tmp_path.iterdir())
    done = run("chart", name, *options, "-o", "out.csv")
    assert done.exit_code == 1
    assert done.stdout == ""
    assert sorted(tmp_path.iterdir()) == before
    # On a busy machine a line about what took long may stand before it.
    return done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("row", "parts"),
    [
        (
            "m,RJ1,2024-02-01,7,5",
            ["between 0 and its denominator", "line 3 (RJ1, Feb 2024) has 7 of 5"],
        ),
        ("m,RJ1,2024-02-01,*,5", ["counts.csv, line 3, column 'numerator': '*'", "--suppressed"]),
        (
            'm,RJ1,2024-02-01,"1,234",5000',
            ["line 3, column 'numerator': '1,234'", "without thousands separators"],
        ),
        (
            "m,RJ1,01/02/2024,3,5",
            ["line 3, column 'period': '01/02/2024'", "--date-format '%d/%m/%Y'"],
        ),
        (
            GOOD,
            ["counts.csv, line 2 and counts.csv, line 3 are both measure 'm'", "may stand once"],
        ),
    ],
    ids=["above", "star", "thousands", "day-first", "twice"],
)
def test_a_bad_row(run, tmp_path, written, row, parts):
    line = chart_error(run, tmp_path, written(GOOD, row))
    assert line.startswith("Error: ")
    for part in parts:
        assert part in line


def test_a_misspelt_column(run, tmp_path, written):
    name = written(GOOD, header="measure,unit,period,numerater,denominator\n")
    assert chart_error(run, tmp_path, name) == (
        "Error: counts.csv has no column 'numerator'; did you mean 'numerater'? "
        "Known: denominator, measure, numerater, period, unit. "
        "Counts need the columns measure, unit, period, numerator, denominator"
    )


def test_an_empty_file(run, tmp_path, written):
    name = written(header="")
    assert chart_error(run, tmp_path, name) == "Error: counts.csv is empty"


def test_a_header_alone(run, tmp_path, written):
    assert chart_error(run, tmp_path, written()) == (
        "Error: counts.csv has column names but no rows; "
        "expected one row per measure, unit and period"
    )


def test_an_ending_that_lies(run, tmp_path):
    (tmp_path / "counts.csv").write_bytes(b"PAR1\x00\x00")
    assert chart_error(run, tmp_path, "counts.csv") == (
        "Error: counts.csv is not what its ending '.csv' says: it looks like a Parquet file"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--measure", "early_mlik"], "no measure 'early_mlik'; did you mean 'early_milk'?"),
        (["--unit", "C"], "there is no unit 'C'; Known: A, B"),
        (["--rules", "mdc-2032-11"], "no rule set 'mdc-2032-11'; did you mean 'mdc-2023-11'"),
        (["--chart", "p-prime"], "there is no chart 'p-prime'; did you mean 'p_prime'"),
        (["--limits", "exakt"], "limits must be one of auto, normal, exact, mid_p, jeffreys, not"),
        (["--chart", "i", "--limits", "exact"], "limits 'exact' are for charts of counts"),
        (["--setting", "weight"], "--setting 'weight' must be written as NAME=VALUE"),
        (["--chart", "ewma", "--setting", "weight=9"], "must lie between 0.01 and 1, not 9"),
        (["--reference", "England=high"], "--reference 'England' needs a number, not 'high'"),
        (["--baseline", "year"], "--baseline 'year' must be a number of points, such as 12"),
        (["--chart", "p", "--sigma", "0.1"], "sigma is for charts of single values"),
        (["--show-last", "0"], "show_last must be 1 or more"),
        (["--better", "up"], "better must be one of higher, lower, neither, not 'up'"),
        (["--target", "85"], "write 85 % as 0.85"),
        (["--packs", "pop"], "counts.csv holds no measure of pop; its measures belong to no pack"),
        (["--packs", "popp"], "no pack 'popp'; did you mean 'pop'"),
        (["--unit-column", "x"], "counts.csv holds counts already; leave out --unit-column"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_wrong_option(run, two_years, tmp_path, options, message):
    done = run("chart", two_years, *options, "-o", "out.csv")
    assert done.exit_code == 2
    assert message in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["counts.csv"]


@pytest.mark.parametrize("command", ["chart", "funnel", "report"])
def test_where_nothing_can_be_written(run, two_years, tmp_path, command):
    before = (tmp_path / two_years).read_bytes()
    for output, message in (
        ("out.pgn", "no format for files ending in '.pgn'; did you mean '.png'?"),
        ("no/out.csv", "cannot write 'out.csv': there is no folder 'no'; create it first"),
        ("./counts.csv", "'counts.csv' is the file that is being read"),
    ):
        done = run(command, two_years, "-o", output)
        assert done.exit_code == 2
        assert message in done.stderr
    assert (tmp_path / two_years).read_bytes() == before


def test_a_wrong_name_is_told_before_the_file_is_read(run):
    done = run("chart", "nowhere.csv", "--rules", "mdc", "-o", "out.csv")
    assert done.exit_code == 2
    assert "no rule set 'mdc'" in done.stderr


def test_records_without_saying_how_to_count_them(run, written):
    name = written("B1,RJ1,2024-01-01", header="baby,trust,born\n", name="births.csv")
    done = run("chart", name, "-o", "out.csv")
    assert done.exit_code == 2
    assert "births.csv holds records, one row a case" in done.stderr
    assert "give --packs, --unit-column and --date-column" in done.stderr


def test_a_long_list_of_names_is_cut_short(run, written):
    counts = written(*(f"m{n},A,2024-01-01,1,2" for n in range(100, 160)))
    done = run("chart", counts, "--measure", "zzz", "-o", "chart.csv")
    assert "Known: m100, " in done.stderr
    assert done.stderr.endswith("m119 and 40 more\n")
    done = run("chart", counts, "--measure", "m1590", "-o", "chart.csv")
    assert "did you mean 'm159'" in done.stderr
    assert "others are known" in done.stderr
    assert "Known" not in done.stderr


def test_a_workbook_whose_first_sheet_is_a_cover(run, tmp_path):
    cover, counts = pd.DataFrame({"About": ["us"]}), pd.DataFrame({"measure": ["a"]})
    with pd.ExcelWriter(tmp_path / "counts.xlsx") as writer:
        cover.to_excel(writer, sheet_name="Cover", index=False)
        counts.to_excel(writer, sheet_name="Counts", index=False)
    done = run("chart", "counts.xlsx", "-o", "chart.csv")
    assert "counts.xlsx has the sheets Cover, Counts: say which with --sheet" in done.stderr
