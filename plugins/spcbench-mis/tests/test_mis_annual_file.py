"""Small files in the exact layout of the publication, counted by hand, and damaged ones."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import spcbench as sb
import spcbench_mis
from spcbench.errors import InputError
from spcbench.testing import plugin_checks
from spcbench_mis.annual import NOTE_SMALL, looks_annual, read_annual, tidy_annual

HEADER = "Period,Dimension,Org_Level,Org_Code,Org_Name,Measure,Count_Of,Value"
UNKNOWN = "Missing value / Value outside reporting parameters"
APGAR = "msds-annual@2022:apgar_0_6_term"
# Invented organisations and figures.
ROWS = [
    "2022-23,ApgarScore5TermGroup7,National,National,ALL SUBMITTERS,0 to 6,Babies,5460",
    "2022-23,ApgarScore5TermGroup7,National,National,ALL SUBMITTERS,7 to 10,Babies,460000",
    f"2022-23,ApgarScore5TermGroup7,National,National,ALL SUBMITTERS,{UNKNOWN},Babies,24000",
    "2022-23,ApgarScore5TermGroup7,NHS England (Region),Y99,EXAMPLE REGION,0 to 6,Babies,145",
    "2022-23,ApgarScore5TermGroup7,NHS England (Region),Y99,EXAMPLE REGION,7 to 10,Babies,9855",
    f"2022-23,ApgarScore5TermGroup7,NHS England (Region),Y99,EXAMPLE REGION,{UNKNOWN},Babies,0",
    '2022-23,ApgarScore5TermGroup7,Provider,XX1,"SAMPLE, TEST AND DISTRICT",0 to 6,Babies,5',
    '2022-23,ApgarScore5TermGroup7,Provider,XX1,"SAMPLE, TEST AND DISTRICT",7 to 10,Babies,395',
    f'2022-23,ApgarScore5TermGroup7,Provider,XX1,"SAMPLE, TEST AND DISTRICT",{UNKNOWN},Babies,10',
    "2022-23,ApgarScore5TermGroup7,Provider,XX2,EXAMPLE TRUST,0 to 6,Babies,0",
    "2022-23,ApgarScore5TermGroup7,Provider,XX2,EXAMPLE TRUST,7 to 10,Babies,50",
    f"2022-23,ApgarScore5TermGroup7,Provider,XX2,EXAMPLE TRUST,{UNKNOWN},Babies,0",
    "2022-23,TotalBabies,Provider,XX2,EXAMPLE TRUST,,Babies,55",
]


@pytest.fixture
def annual_file(tmp_path):
    def write(rows=ROWS, *, header=HEADER, encoding="utf-8", name="annual.csv", line_end="\n"):
        path = tmp_path / name
        path.write_bytes(line_end.join([header, *rows, ""]).encode(encoding))
        return path

    return write


@pytest.mark.parametrize("check", plugin_checks(spcbench_mis), ids=str)
def test_conforms(check):
    check()


def test_counts_of_a_small_file(annual_file):
    table = read_annual(annual_file())
    assert (table.kind, table.default_level, table.source) == ("counts", "provider", "annual.csv")
    counts = table.data
    assert counts["measure"].unique().tolist() == [APGAR]
    got = counts.set_index("unit")[["numerator", "denominator", "missing"]]
    assert got.T.to_dict("list") == {
        "National": [5460, 465460, 24000],
        "XX1": [5, 400, 10],
        "XX2": [0, 50, 0],
        "Y99": [145, 10000, 0],
    }
    assert dict(zip(counts["unit"], counts["level"], strict=True)) == {
        "National": "national",
        "Y99": "region",
        "XX1": "provider",
        "XX2": "provider",
    }
    assert counts.set_index("unit").loc["XX1", "unit_name"] == "SAMPLE, TEST AND DISTRICT"


def test_the_period_is_the_financial_year(annual_file):
    counts = read_annual(annual_file()).data
    assert counts["period"].eq(pd.Timestamp("2022-04-01")).all()
    assert counts["period_end"].eq(pd.Timestamp("2023-03-31")).all()


@pytest.mark.parametrize(
    ("period", "start"), [("1999-00", "1999-04-01"), ("2023-24", "2023-04-01")]
)
def test_other_years(annual_file, period, start):
    path = annual_file([row.replace("2022-23", period) for row in ROWS])
    assert tidy_annual(path)["period"].eq(pd.Timestamp(start)).all()


def test_only_a_count_shown_as_5_carries_the_note(annual_file):
    notes = read_annual(annual_file()).data.set_index("unit")["note"]
    assert notes["XX1"] == NOTE_SMALL == "published as 5: the true count is between 1 and 7"
    assert notes.drop("XX1").isna().all()


def test_a_category_without_a_row_is_not_zero(annual_file):
    rows = [row for row in ROWS if not ("XX2" in row and "0 to 6" in row)]
    row = read_annual(annual_file(rows)).data.set_index("unit").loc["XX2"]
    assert pd.isna(row["numerator"])
    assert row["status"] == "no_data"


def test_read_finds_the_reader_by_the_header(annual_file):
    table = sb.read(annual_file(name="some name.csv"))
    assert table.default_level == "provider"
    assert table.data["note"].notna().sum() == 1


@pytest.mark.parametrize(
    "header",
    [
        "\ufeff" + HEADER,
        HEADER.lower(),
        HEADER.replace("_", " "),
        "Period,Dimension,OrgLevel,ORG_CODE,org name, Measure,Count Of,Value",
    ],
)
def test_the_header_may_be_spelled_in_other_ways(annual_file, header):
    path = annual_file(header=header)
    assert looks_annual(path.read_bytes()[:200], path)
    assert len(read_annual(path).data) == 4


def test_columns_may_stand_in_another_order(annual_file):
    swapped = [",".join(reversed(row.split(","))) for row in ROWS if '"' not in row]
    path = annual_file(swapped, header=",".join(reversed(HEADER.split(","))))
    assert read_annual(path).data.set_index("unit").loc["Y99", "numerator"] == 145


def test_windows_encoding_and_line_ends(annual_file):
    rows = [row.replace("EXAMPLE TRUST", "ST JOHN’S TRUST") for row in ROWS]
    counts = read_annual(annual_file(rows, encoding="cp1252", line_end="\r\n")).data
    assert counts.set_index("unit").loc["XX2", "unit_name"] == "ST JOHN’S TRUST"


def test_whole_numbers_may_be_written_with_a_point(annual_file):
    rows = [row.replace(",Babies,145", ",Babies,145.0") for row in ROWS]
    assert read_annual(annual_file(rows)).data.set_index("unit").loc["Y99", "numerator"] == 145


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"measure,unit,period,numerator,denominator\n",
        b"ReportingPeriodStartDate,ReportingPeriodEndDate,Dimension,Org_Level,Org_Code,Count_Of\n",
        b"Org_Code,Org_Name,Org_Level,RPStartDate,RPEndDate,IndicatorFamily,Indicator,Currency,Value",
        b"\x89PNG\r\n\x1a\n",
        b"note\n" + HEADER.encode(),
    ],
)
def test_other_files_are_not_taken_for_it(head):
    assert not looks_annual(head, Path("x.csv"))


def changed(line, old, new):
    """The rows with one cell changed; `line` as the file numbers it."""
    rows = list(ROWS)
    assert old in rows[line - 2]
    rows[line - 2] = rows[line - 2].replace(old, new)
    return rows


BROKEN = {
    "not a number": (
        changed(5, ",145", ",many"),
        "annual.csv, line 5, column Value: 'many' is not a whole number; "
        "the publication gives rounded counts such as 0, 5 or 1215",
    ),
    "suppressed": (
        changed(5, ",145", ",*"),
        "annual.csv, line 5, column Value: '*' is not a whole number; "
        "the publication gives rounded counts such as 0, 5 or 1215",
    ),
    "empty value": (
        changed(5, ",145", ","),
        "annual.csv, line 5, column Value: '' is not a whole number; "
        "the publication gives rounded counts such as 0, 5 or 1215",
    ),
    "negative": (
        changed(5, ",145", ",-5"),
        "annual.csv, line 5, column Value: '-5' is not a whole number; "
        "the publication gives rounded counts such as 0, 5 or 1215",
    ),
    "part of a baby": (
        changed(5, ",145", ",14.5"),
        "annual.csv, line 5, column Value: '14.5' is not a whole number; "
        "the publication gives rounded counts such as 0, 5 or 1215",
    ),
    "unknown level": (
        changed(8, "Provider", "Ward"),
        "annual.csv, line 8, column Org_Level: unknown level 'Ward'; "
        "expected National, NHS England (Region) or Provider",
    ),
    "no code": (
        changed(11, "XX2", ""),
        "annual.csv, line 11, column Org_Code: the cell is empty",
    ),
    "no dimension": (
        changed(11, "ApgarScore5TermGroup7", ""),
        "annual.csv, line 11, column Dimension: the cell is empty",
    ),
    "a month": (
        changed(2, "2022-23", "Dec-18"),
        "annual.csv, line 2, column Period: 'Dec-18' is not a financial year such as 2022-23; "
        "this reader takes the annual file, not the monthly ones",
    ),
    "two years that do not follow": (
        changed(2, "2022-23", "2022-24"),
        "annual.csv, line 2, column Period: '2022-24' is not a financial year such as 2022-23; "
        "this reader takes the annual file, not the monthly ones",
    ),
    "the same twice": (
        [*ROWS, ROWS[3]],
        "annual.csv, line 15 repeats line 5: ApgarScore5TermGroup7, 0 to 6, Y99, 2022-23; "
        "each category may stand once for an organisation; remove one of the two",
    ),
    "the same twice, another value": (
        [*ROWS, ROWS[12].replace(",55", ",60")],
        "annual.csv, line 15 repeats line 14: TotalBabies, total, XX2, 2022-23; "
        "each category may stand once for an organisation; remove one of the two",
    ),
    "cut short": (
        [*ROWS[:4], ROWS[4][:60]],
        "annual.csv, line 6 has 5 cells, the header has 8: "
        "the row is cut short or broken; download the file again",
    ),
    "an open quotation mark": (
        [*ROWS[:4], '2022-23,ApgarScore5TermGroup7,Provider,XX1,"SAMPLE'],
        "annual.csv, line 6 is not CSV (unexpected end of data); download the file again",
    ),
    "no rows": ([], "annual.csv has a header but no rows; download the file again"),
}


@pytest.mark.parametrize(("rows", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_is_named_with_its_line(annual_file, rows, message):
    with pytest.raises(InputError) as error:
        read_annual(annual_file(rows))
    assert str(error.value) == message


def test_lines_are_counted_as_an_editor_shows_them(annual_file):
    rows = ["", *changed(5, ",145", ",many")]
    rows[7] = rows[7].replace("SAMPLE, TEST", "SAMPLE,\nTEST")
    with pytest.raises(InputError, match=r"line 6, column Value: 'many'"):
        read_annual(annual_file(rows))


def test_a_missing_column_is_named(annual_file):
    path = annual_file(header=HEADER.replace(",Value", ",Final_value"))
    assert looks_annual(path.read_bytes(), path)
    with pytest.raises(InputError) as error:
        sb.read(path)
    assert str(error.value) == (
        "annual.csv, line 1: no column 'Value'; the annual file of NHS Maternity Statistics has "
        "Period, Dimension, Org_Level, Org_Code, Org_Name, Measure, Count_Of, Value"
    )


def test_a_column_that_stands_twice_is_named(annual_file):
    with pytest.raises(InputError) as error:
        read_annual(annual_file(header=HEADER.replace("Org_Name", "Org Code")))
    assert "no column 'Org_Name'" in str(error.value)
    with pytest.raises(InputError) as error:
        read_annual(annual_file([], header=HEADER + ",VALUE"))
    assert str(error.value) == "annual.csv, line 1: the column 'Value' stands there twice"


def test_bytes_of_no_encoding(tmp_path):
    path = tmp_path / "annual.csv"
    path.write_bytes(HEADER.encode() + b"\n\x81\xff\n")
    with pytest.raises(InputError) as error:
        read_annual(path)
    assert str(error.value) == (
        "annual.csv is neither UTF-8 nor Windows-1252 text; expected the CSV file as published"
    )


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"cannot read .*gone\.csv: No such file or directory"):
        read_annual(tmp_path / "gone.csv")


def test_directions_and_scales_of_the_pack():
    measures = {measure.id: measure for measure in spcbench_mis.annual_pack().measures}
    assert {name: (m.better, m.per, m.count_of) for name, m in measures.items()} == {
        "first_feed_breastmilk": ("higher", 100, "Babies"),
        "apgar_0_6_term": ("lower", 1000, "Babies"),
        "smoking_at_booking": ("lower", 100, "Deliveries"),
        "born_before_37_weeks": ("lower", 100, "Babies"),
        "skin_to_skin_term": ("higher", 100, "Babies"),
        "low_birthweight_term": ("lower", 100, "Babies"),
        "caesarean": ("neither", 100, "Deliveries"),
    }
    assert {measure.target for measure in measures.values()} == {None}
