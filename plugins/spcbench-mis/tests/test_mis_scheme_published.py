"""Safety action 2 from a published file: how many of the eleven metrics passed in July."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

import spcbench
from spcbench.errors import InputError
from spcbench.plugin import default_host
from spcbench.tables import Table
from spcbench_mis.scheme_published import cqims_passed
from spcbench_mis.scorecard_table import scorecard

HEADER = (
    "Org_Code,Org_Name,Org_Level,RPStartDate,RPEndDate,IndicatorFamily,Indicator,Currency,Value"
)
ELEVEN = (
    "Apgar", "Breastfeeding", "PPH", "Preterm", "Robson01", "Robson02", "Robson05",
    "SmokingBooking", "SmokingDelivery", "Tears", "VBAC",
)  # fmt: skip


def lines(unit, passed, *, of=ELEVEN, level="Provider", days="2025-07-01,2025-07-31"):
    for name in of:
        good = name in passed
        cells = {
            "Denominator": 400 if good else 0,
            "Numerator": 100 if good else 0,
            "Rate": 25.0 if good else "Low DQ",
            "Result": "Pass" if good else "Fail",
        }
        for currency, value in cells.items():
            yield f"{unit},A TRUST,{level},{days},CQIM_Rate,CQIM{name},{currency},{value}"


def read(tmp_path, *parts, name="msds-jul2025-exp-measures.csv"):
    path = tmp_path / name
    path.write_text("\n".join([HEADER, *(row for part in parts for row in part), ""]), "utf-8")
    return spcbench.read(path, reader="msds-monthly-all-windows", host=default_host())


def test_passes_are_counted_for_each_trust(tmp_path):
    table = read(
        tmp_path,
        lines("RJ1", ELEVEN[:10]),
        lines("RAX", ELEVEN[:9]),
        lines("RAX", ["BWOI"], of=["BWOI"]),  # not one of the eleven
        lines("National", ELEVEN, level="National"),
    )
    found = cqims_passed(table, year="y7").set_index("unit")
    assert found["numerator"].to_dict() == {"RAX": 9, "RJ1": 10}
    assert found["denominator"].to_dict() == {"RAX": 11, "RJ1": 11}
    card = scorecard(found.reset_index(), year="y7", on=date(2025, 11, 1), unit="RJ1")
    line = card.items.set_index("item").loc["sa2_cqims_passed"]
    assert (line["verdict"], line["numerator"]) == ("met", 10)
    other = scorecard(found.reset_index(), year="y7", on=date(2025, 11, 1), unit="RAX")
    line = other.items.set_index("item").loc["sa2_cqims_passed"]
    assert line["verdict_text"] == "Not met: 1 more were needed"


def test_a_result_that_is_missing_is_no_fail(tmp_path):
    table = read(tmp_path, lines("RJ1", ELEVEN, of=ELEVEN[:10]))
    row = cqims_passed(table, year="y7").iloc[0]
    assert pd.isna(row["numerator"])
    assert row["note"] == "no result published for cqim_vbac"
    card = scorecard(cqims_passed(table, year="y7"), year="y7", on=date(2025, 11, 1))
    assert card.items.set_index("item").loc["sa2_cqims_passed", "verdict"] == "not_reported"


def test_a_provisional_file_says_so(tmp_path):
    table = read(tmp_path, lines("RJ1", ELEVEN), name="msds-jul2025-provisional-exp-measures.csv")
    found = cqims_passed(table, year="y7")
    assert found.iloc[0]["note"] == "from a provisional file"
    card = scorecard(found, year="y7", on=date(2025, 11, 1)).items.set_index("item")
    assert card.loc["sa2_cqims_passed", "note"] == "from a provisional file"


def test_another_month_or_table_is_refused(tmp_path):
    table = read(
        tmp_path, lines("RJ1", ELEVEN, days="2025-08-01,2025-08-31"),
        name="msds-aug2025-exp-measures.csv",
    )  # fmt: skip
    with pytest.raises(InputError, match="holds no metric of a trust reported in July 2025"):
        cqims_passed(table, year="y7")
    bare = Table(kind="counts", data=table.data.drop(columns="result"), source="c.csv")
    with pytest.raises(InputError, match=r"c\.csv is no table of monthly .* no column 'result'"):
        cqims_passed(bare, year="y7")
