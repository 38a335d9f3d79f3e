"""What monthly files have looked like over the years, and files that are something else."""

from __future__ import annotations

import datetime
from pathlib import Path

import pandas as pd
import pytest

import spcbench as sb
from spcbench.errors import InputError
from spcbench_mis.annual import looks_annual
from spcbench_mis.monthly import looks_monthly, read_month
from spcbench_mis.monthly_cells import GROUPS
from spcbench_mis.monthly_invented import HEADERS, invented_months, write_months

MEASURES, DATA = HEADERS["measures"], HEADERS["data"]


@pytest.fixture(scope="module")
def today(tmp_path_factory):
    """One month's files as they are published today."""
    folder = tmp_path_factory.mktemp("today")
    made = invented_months(trusts=4, months=1, first="2018-12", seed=8)
    return {path.stem.rpartition("-")[2]: path for path in write_months(folder, made)}


@pytest.fixture
def respelled(today, tmp_path):
    """Write a file of today in another spelling, under the name of a final file."""

    def write(kind, change, *, encoding="utf-8", suffix=".csv"):
        path = tmp_path / f"msds-dec2018-exp-{kind}{suffix}"
        path.write_bytes(change(today[kind].read_text()).encode(encoding))
        return path

    return write


def same_counts(path, original):
    """Whether two files say the same."""
    one, other = (sb.read(file).data.drop(columns=["file", "release"]) for file in (path, original))
    pd.testing.assert_frame_equal(one, other)


def with_header(text, header):
    return "\n".join([header, *text.splitlines()[1:], ""])


HEADINGS = [
    ("measures", "\ufeff" + MEASURES),
    ("measures", MEASURES.lower()),
    ("measures", MEASURES.upper()),
    ("measures", MEASURES.replace("_", " ")),
    ("measures", MEASURES.replace("RPStartDate", "ReportingPeriodStartDate")),
    ("measures", MEASURES.replace("RPEndDate", "Reporting Period End Date")),
    ("measures", MEASURES.replace("Org_Code", "Org_Geog_Code")),
    ("measures", MEASURES.replace("Value", "Final_value")),
    ("data", DATA.replace("Final_value", "Value")),
    ("data", DATA.replace("Org_", "Org ")),
    ("data", DATA.replace(",Measure,", ",Measure_Desc,")),
    ("data", DATA.replace(",Measure,", ",Measure_Description,")),
    ("data", DATA.replace(",Measure,", ",Measure Description,")),
    ("data", DATA.replace("Org_Code", "Org_Geog_Code")),
    ("dq", HEADERS["dq"].replace("Org_Code", "org code").replace("DataItem", "Data_Item")),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "header"), HEADINGS)
def test_headers_of_all_years(respelled, today, kind, header):
    same_counts(respelled(kind, lambda text: with_header(text, header)), today[kind])


@pytest.mark.parametrize("kind", ["measures", "data", "dq"])
@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("01/12/2018", "31/12/2018"),
        ("43435", "43465"),
        ("2018-12-01 00:00:00", "2018-12-31 00:00:00"),
    ],
)
def test_dates_of_all_years(respelled, today, kind, first, last):
    same_counts(
        respelled(kind, lambda text: text.replace("2018-12-01", first).replace("2018-12-31", last)),
        today[kind],
    )


@pytest.mark.parametrize("month", ["Dec-18", "December 2018", "Dec-2018", "DEC-18"])
def test_a_period_in_place_of_two_dates(respelled, today, month):
    header = "Period,Dimension,Org Level,Org Code,Org Name,Measure_Desc,Count_Of,Value"
    path = respelled(
        "data",
        lambda text: with_header(text.replace("2018-12-01,2018-12-31", month), header),
    )
    same_counts(path, today["data"])


@pytest.mark.parametrize(
    ("period", "annual"), [("2022-23", True), ("Dec-18", False), ("December 2018", False)]
)
def test_a_period_tells_annual_from_monthly(period, annual):
    head = (
        "Period,Dimension,Org_Level,Org_Code,Org_Name,Measure,Count_Of,Value\n"
        f"{period},TotalBabies,Provider,XX1,A,,Babies,5\n"
    ).encode()
    assert looks_annual(head, Path("x.csv")) is annual
    assert looks_monthly(head, Path("x.csv")) is not annual


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (",Provider,", ",Trust,"),
        (",Provider,", ",PROVIDER ,"),
        ("National,All Submitters", "ALL,All Submitters"),
        ("National,All Submitters", "AllSubmitters,All Submitters"),
        ("Rate per Thousand", "rate per thousand"),
        (",Low DQ", ",low  DQ"),
        ("CQIMApgar", "cqimapgar"),
    ],
)
def test_words_of_all_years(respelled, today, old, new):
    same_counts(respelled("measures", lambda text: text.replace(old, new)), today["measures"])


@pytest.mark.parametrize(
    ("code", "known"),
    [
        ("Group 3. 4000 or more", GROUPS["3"]),
        ("Group 4. 2000 - 3999", GROUPS["4"]),
        ("group 5. under 2000", GROUPS["5"]),
    ],
)
@pytest.mark.parametrize("level", ["MBRRACE Grouping", "Mbrrace"])
def test_comparator_groups_of_all_years(respelled, code, known, level):
    path = respelled(
        "measures",
        lambda text: text.replace("National,All Submitters,National", f"{code},A GROUP,{level}"),
    )
    data = sb.read(path).data
    assert data.loc[data["level"].eq("group"), "unit"].unique().tolist() == [known]


def test_rows_of_commas_below_the_last(respelled, today):
    same_counts(respelled("measures", lambda text: text + ",,,,,,,,\n" * 3), today["measures"])


def test_the_line_of_a_fault_below_a_row_of_commas(respelled):
    path = respelled(
        "measures",
        lambda text: text.replace("\n", "\n,,,,,,,,\n", 1).replace("Provider", "Borough"),
    )
    with pytest.raises(InputError, match="line 3, column Org_Level: unknown level 'Borough'"):
        read_month(path)


def test_blank_lines_and_windows_line_ends(respelled, today):
    same_counts(respelled("data", lambda text: (text + "\n").replace("\n", "\r\n")), today["data"])


def test_windows_letters(respelled):
    path = respelled(
        "measures",
        lambda text: text.replace("INVENTED TRUST 01", "ST JOHN’S TRUST"),
        encoding="cp1252",
    )
    data = sb.read(path).data
    assert data.loc[data["unit"].eq("ZA01"), "unit_name"].unique().tolist() == ["ST JOHN’S TRUST"]


def test_the_line_of_a_fault_is_right_below_blank_lines(respelled):
    path = respelled(
        "measures", lambda text: text.replace("\n", "\n\n", 1).replace("ZA03,I", "ZA03,I", 1)
    )
    lines = path.read_text().splitlines()
    place = next(n for n, line in enumerate(lines) if line.startswith("ZA02,") and ",Num" in line)
    lines[place] = lines[place].rpartition(",")[0] + ",many"
    path.write_text("\n".join([*lines, ""]))
    with pytest.raises(InputError, match=f"line {place + 1}, column Value: 'many'"):
        read_month(path)


@pytest.fixture
def workbook(today, tmp_path):
    xlsxwriter = pytest.importorskip("xlsxwriter")
    pytest.importorskip("python_calamine")

    def write(kind, *, dates="date", category=None):
        path = tmp_path / f"msds-dec2018-exp-{kind}.xlsx"
        book = xlsxwriter.Workbook(str(path))
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet = book.add_worksheet()
        for row, line in enumerate(today[kind].read_text().splitlines()):
            for column, cell in enumerate(line.split(",")):
                if cell.startswith("2018-12-"):
                    moment = datetime.datetime(2018, 12, int(cell[-2:]))
                    if dates == "date":
                        sheet.write_datetime(row, column, moment, day)
                    else:
                        sheet.write_number(row, column, 43434 + int(cell[-2:]))
                elif cell == "7 to 10" and category is not None:
                    sheet.write_datetime(row, column, category, day)
                elif cell.replace(".", "").isdigit():
                    sheet.write_number(row, column, float(cell))
                else:
                    sheet.write_string(row, column, cell)
        book.close()
        return path

    return write


@pytest.mark.parametrize("dates", ["date", "number"])
@pytest.mark.parametrize("kind", ["measures", "data", "dq"])
def test_workbooks(workbook, today, kind, dates):
    same_counts(workbook(kind, dates=dates), today[kind])


def test_7_to_10_that_a_workbook_holds_as_a_day(workbook, today):
    day = datetime.datetime(2018, 10, 7)
    same_counts(workbook("data", category=day), today["data"])


def test_the_file_of_definitions_is_named(tmp_path):
    path = tmp_path / "msds-jul2025-exp-meta.xlsx"
    path.write_bytes(b"PK\x03\x04 and so on")
    with pytest.raises(InputError, match=r"exp-meta\.xlsx holds definitions and no counts"):
        sb.read(path)


def test_a_web_page_under_the_name_of_a_file(tmp_path):
    path = tmp_path / "msds-jul2025-exp-measures.csv"
    path.write_text("<!DOCTYPE html><html><body>Not found</body></html>")
    with pytest.raises(InputError, match="a web page"):
        sb.read(path)
    with pytest.raises(InputError, match="is a web page, not the CSV file"):
        read_month(path)


@pytest.mark.parametrize(
    "content",
    [
        "Org_Code,Year,Attendances\nRJ1,2024,5\n",
        "Org_Code,Indicator,Value\nRJ1,2024,5\n",
        "Dimension,Org_Level,Org_Code\nA,B,C\n",
    ],
)
def test_another_publication(tmp_path, content):
    path = tmp_path / "msds-jul2025-exp-measures.csv"
    path.write_text(content)
    with pytest.raises(InputError, match="is not a file of Maternity Services Monthly Statistics"):
        read_month(path)
    assert not looks_monthly(content.encode(), path)


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"cannot read .*none\.csv"):
        read_month(tmp_path / "none.csv")
