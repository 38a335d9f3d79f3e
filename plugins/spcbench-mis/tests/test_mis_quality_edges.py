"""The monthly file of data quality: words beside figures, rows without a code, months."""

from __future__ import annotations

import pandas as pd
import pytest

from spcbench.errors import InputError
from spcbench_mis.quality_file import quality_counts

HEADER = (
    "ReportingPeriodStartDate,ReportingPeriodEndDate,Org_Code,DataTable,UID,DataItem,Valid,"
    "Default,Invalid,Missing,Denominator"
)
JULY = "2025-07-01,2025-07-31"
ITEM = "MSD001MotherDemog,M001901,EthnicCategoryMother"


@pytest.fixture
def read(tmp_path):
    def quality(*rows):
        path = tmp_path / "msds-jul2025-exp-dq.csv"
        path.write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8")
        return quality_counts(path)

    return quality


def cells(valid, total, *, unit="XX1", month=JULY):
    return f"{month},{unit},{ITEM},{valid},0,0,0,{total}"


@pytest.mark.parametrize("code", ["", "null", "Unknown"])
def test_a_row_without_a_code_is_not_england(read, code):
    row = read(cells(405, 430, unit=code)).iloc[0]
    assert (row["unit"], row["level"]) == ("Unknown (provider)", "provider")


@pytest.mark.parametrize("code", ["ALL", "National", "AllSubmitters", "England"])
def test_england_in_all_its_spellings(read, code):
    row = read(cells(405, 430, unit=code)).iloc[0]
    assert (row["unit"], row["level"]) == ("National", "national")


@pytest.mark.parametrize(
    ("valid", "total", "published", "status"),
    [
        ("DNS", "DNS", "dns", "no_data"),
        ("0", "DNS", "dns", "no_data"),
        ("Low DQ", "430", "low_dq", "insufficient_data"),
        ("0", "Low DQ", "low_dq", "insufficient_data"),
        ("DNS", "Low DQ", "dns", "no_data"),
        ("*", "430", "suppressed", "suppressed"),
        ("", "430", "incomplete", "no_data"),
        ("405", "", "incomplete", "no_data"),
        ("5", "430", "small", "ok"),
        ("0", "430", "ok", "ok"),
    ],
)
def test_what_the_two_figures_mean_together(read, valid, total, published, status):
    row = read(cells(valid, total)).iloc[0]
    assert (row["published"], row["status"]) == (published, status)
    assert pd.isna(row["numerator"]) == (status != "ok")


def test_only_a_trusts_own_count_has_bounds(read):
    frame = read(cells(405, 430), cells(40500, 43000, unit="ALL"), cells(5, 430, unit="XX2"))
    frame = frame.set_index("unit")[["numerator_low", "numerator_high"]]
    assert frame.loc["XX1"].tolist() == [403, 407]
    assert frame.loc["XX2"].tolist() == [1, 7]
    assert frame.loc["National"].isna().all()


def test_each_month_of_a_file_stands_once(read):
    august = "2025-08-01,2025-08-31"
    assert len(read(cells(405, 430), cells(410, 430, month=august))) == 2
    with pytest.raises(InputError, match="line 4 repeats line 3"):
        read(cells(405, 430), cells(410, 430, month=august), cells(415, 430, month=august))
