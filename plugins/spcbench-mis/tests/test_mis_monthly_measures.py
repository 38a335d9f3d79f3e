"""The monthly file of measures: what its rows mean together, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spcbench.errors import InputError
from spcbench_mis import monthly_rows as said
from spcbench_mis.measures_file import known_indicators, measures_counts

HEADER = (
    "Org_Code,Org_Name,Org_Level,RPStartDate,RPEndDate,IndicatorFamily,Indicator,Currency,Value"
)
XX1 = "XX1,EXAMPLE NHS FOUNDATION TRUST,Provider"
XX2 = 'XX2,"SAMPLE, TEST AND DISTRICT HOSPITALS NHS TRUST",Provider'
JULY = "2025-07-01,2025-07-31"


def rows_of(indicator, cells, *, unit=XX1, days=JULY, family="CQIM_Rate"):
    return [f"{unit},{days},{family},{indicator},{name},{text}" for name, text in cells.items()]


def per_thousand(denominator, numerator, rate, result="Pass"):
    return {
        "Denominator": denominator,
        "Numerator": numerator,
        "Rate per Thousand": rate,
        "Result": result,
    }


# True counts behind these: Apgar 13 of 1087; breastfeeding 287 of 402; tears 6 of 512.
ROWS = [
    *rows_of("CQIMApgar", per_thousand(1085, 15, 12)),
    *rows_of("CQIMBreastfeeding", {"Denominator": 400, "Numerator": 285, "Rate": 71.3,
                                   "Result": "Pass"}),
    *rows_of("CQIMTears", per_thousand(510, 5, "*")),
    *rows_of("CQIMVBAC", {"Denominator": 0, "Numerator": 0, "Rate": "Low DQ", "Result": "Fail"}),
    *rows_of("CQIMPPH", per_thousand("DNS", "DNS", "DNS", "Fail"), unit=XX2),
    *rows_of("CQIMBreastfeeding", {"Denominator": 36480, "Numerator": 26590, "Rate": 72.9},
             unit="National,All Submitters,National"),
    *rows_of("CQIMDQ08", {"Denominator": 415, "Numerator": 400, "Rate": 96.4, "Result": "Pass"},
             family="CQIM_DQ_Measure"),
    *rows_of("CQIMDQ09", {"Denominator": 400, "Numerator": 420, "Rate": 105, "Result": "Pass"},
             family="CQIM_DQ_Measure"),
    *rows_of("SBL_Element1_ProcessIndicator_a.i",
             {"Numerator": 385, "Denominator": 430, "Rate": 89.5}, family="SBL"),
    *rows_of("Mode_Caesarean_emergency", {"Rate": "25.0"}, family="Birth"),
    *rows_of("Setting_Home", {"Rate": "strange words"}, family="Birth"),
]  # fmt: skip


@pytest.fixture
def written(tmp_path):
    def write(rows=ROWS, *, header=HEADER, name="msds-jul2025-exp-measures.csv"):
        path = tmp_path / name
        path.write_text("\n".join([header, *map(str, rows), ""]), encoding="utf-8")
        return path

    return write


def row(frame, measure, unit="XX1"):
    found = frame[frame["measure"].str.endswith(f":{measure}") & frame["unit"].eq(unit)]
    assert len(found) == 1
    return found.iloc[0]


def test_the_published_rate_gives_back_the_count_before_rounding(written):
    apgar = row(measures_counts(written()), "cqim_apgar")
    assert (apgar["numerator"], apgar["denominator"]) == (13, 1085)
    assert (apgar["numerator_published"], apgar["numerator_low"], apgar["numerator_high"]) == (
        15, 13, 13
    )  # fmt: skip
    assert apgar["value"] == 0.012
    assert said.NOTE_RATE in apgar["note"]


@pytest.mark.parametrize(
    "unit",
    ["National,All,National", "QMJ,A SYSTEM,Local Maternity System", "Y56,LONDON,Region"],
)
def test_counts_that_were_added_up_after_rounding_stay_as_they_are(written, unit):
    rows = rows_of("CQIMApgar", per_thousand(1085, 15, 12), unit=unit)
    apgar = measures_counts(written(rows)).iloc[0]
    assert (apgar["numerator"], apgar["value"]) == (15, 0.012)
    assert pd.isna(apgar["numerator_low"])
    assert pd.isna(apgar["note"]) or said.NOTE_RATE not in apgar["note"]


def test_a_rate_from_rounded_counts_gives_nothing_back(written):
    fed = row(measures_counts(written()), "cqim_breastfeeding")
    assert (fed["numerator"], fed["denominator"], fed["published"]) == (285, 400, "ok")
    assert (fed["numerator_low"], fed["numerator_high"]) == (283, 287)
    assert np.isnan(fed["value"])


def test_5_beside_a_star_is_a_count_that_may_be_1_to_7(written):
    tears = row(measures_counts(written()), "cqim_tears")
    assert (tears["numerator"], tears["denominator"]) == (5, 510)
    assert (tears["status"], tears["published"]) == ("ok", "small")
    assert (tears["numerator_low"], tears["numerator_high"]) == (1, 7)
    assert "the true count is between 1 and 7" in tears["note"]


def test_absent_dns_and_low_dq_are_three_things(written):
    frame = measures_counts(written())
    found = {
        "low_dq": row(frame, "cqim_vbac"),
        "dns": row(frame, "cqim_pph", "XX2"),
        "absent": row(frame, "cqim_pph"),
    }
    for word, one in found.items():
        assert one["published"] == word
        assert pd.isna(one["numerator"])
        assert pd.isna(one["denominator"])
    assert [one["status"] for one in found.values()] == ["insufficient_data", "no_data", "no_data"]
    parts = [said.NOTES[code] for code in (said.LOW_DQ, said.DNS, said.ABSENT)]
    for own, one in zip(parts, found.values(), strict=True):
        assert [part in one["note"] for part in parts] == [part == own for part in parts]


def test_only_providers_are_absent(written):
    frame = measures_counts(written())
    assert frame.loc[frame["published"].eq("absent"), "level"].eq("provider").all()
    assert frame["unit"].eq("National").sum() == 1


def test_windows_end_before_the_month_by_their_lag(written):
    frame = measures_counts(written())
    spans = {
        name: (row(frame, name, unit)["period"], row(frame, name, unit)["period_end"])
        for name, unit in (
            ("cqim_apgar", "XX1"),
            ("cqim_pph", "XX2"),
            ("cqim_breastfeeding", "XX1"),
        )
    }
    assert spans == {
        "cqim_apgar": (pd.Timestamp("2025-05-01"), pd.Timestamp("2025-07-31")),
        "cqim_pph": (pd.Timestamp("2025-04-01"), pd.Timestamp("2025-06-30")),
        "cqim_breastfeeding": (pd.Timestamp("2025-07-01"), pd.Timestamp("2025-07-31")),
    }


def test_smoking_at_delivery_describes_the_month_before(written):
    rows = rows_of(
        "CQIMSmokingDelivery", {"Denominator": 400, "Numerator": 30, "Rate": 7.5, "Result": "Pass"}
    )
    smoking = row(measures_counts(written(rows)), "cqim_smokingdelivery")
    assert smoking["period"] == pd.Timestamp("2025-06-01")
    assert smoking["period_end"] == pd.Timestamp("2025-06-30")
    assert smoking["reporting_month"] == pd.Timestamp("2025-07-01")


def test_a_ratio_to_what_is_expected_is_a_value(written):
    ratio = row(measures_counts(written()), "cqimdq09")
    assert pd.isna(ratio["numerator"])
    assert pd.isna(ratio["denominator"])
    assert ratio["value"] == 1.05
    assert ratio["result"] == "Pass"


def test_a_rate_without_counts_is_a_value(written):
    caesarean = row(measures_counts(written()), "caesarean_emergency")
    assert (caesarean["published"], caesarean["value"]) == ("rate_only", 0.25)


def test_a_rate_without_counts_beside_counts_is_not_a_figure(written):
    rows = [*ROWS, *rows_of("CQIMBreastfeeding", {"Rate": 70.1, "Result": "Pass"}, unit=XX2)]
    fed = row(measures_counts(written(rows)), "cqim_breastfeeding", "XX2")
    assert (fed["published"], fed["status"]) == ("incomplete", "no_data")
    assert np.isnan(fed["value"])


@pytest.mark.parametrize("lost", ["Denominator", "Numerator", "Rate per Thousand"])
def test_counts_that_have_lost_a_row_are_incomplete(written, lost):
    cells = per_thousand(1085, 15, 12)
    del cells[lost]
    apgar = row(measures_counts(written([*rows_of("CQIMApgar", cells), *ROWS[4:]])), "cqim_apgar")
    assert (apgar["published"], apgar["status"]) == ("incomplete", "no_data")
    assert pd.isna(apgar["numerator"])


@pytest.mark.parametrize(
    ("cells", "published"),
    [
        (per_thousand(0, 0, "Low DQ", "Fail"), "low_dq"),
        (per_thousand(0, 0, 0, "Fail"), "low_dq"),
        (per_thousand(1085, 15, 12, "Fail"), "low_dq"),
        (per_thousand(0, 0, "LowDQ", "Fail"), "low_dq"),
        (per_thousand(0, 0, "low dq ", ""), "low_dq"),
        (per_thousand("DNS", 0, 0, "Fail"), "dns"),
        (per_thousand(1085, "*", "*"), "suppressed"),
        (per_thousand(1085, 15, "*"), "suppressed"),
        (per_thousand(1085, 0, 0), "ok"),
        (per_thousand(" 1085 ", "\u00a015", " 12 "), "ok"),
        (per_thousand('"1,085"', "15.0", 12), "ok"),
    ],
)
def test_the_rows_of_an_indicator_are_read_together(written, cells, published):
    apgar = row(measures_counts(written(rows_of("CQIMApgar", cells))), "cqim_apgar")
    assert apgar["published"] == published
    assert pd.isna(apgar["numerator"]) == (published != "ok")


def test_a_failed_data_quality_measure_keeps_its_counts(written):
    cells = {"Denominator": 415, "Numerator": 200, "Rate": 48.2, "Result": "Fail"}
    failed = row(measures_counts(written(rows_of("CQIMDQ08", cells))), "cqimdq08")
    assert (failed["numerator"], failed["published"], failed["result"]) == (200, "ok", "Fail")


@pytest.mark.parametrize(
    "rows",
    [
        rows_of("CQIMApgar", per_thousand(1085, 15, 31)),
        rows_of("CQIMBreastfeeding", {"Denominator": 400, "Numerator": 280, "Rate": 71.3}),
    ],
)
def test_a_rate_that_does_not_fit_its_counts_is_noted(written, rows):
    found = measures_counts(written(rows)).iloc[0]
    assert said.NOTE_MISFIT in found["note"]
    assert found["numerator"] == found["numerator_published"]


def test_few_cases_are_noted(written):
    rows = rows_of("CQIMVBAC", {"Denominator": 45, "Numerator": 10, "Rate": 22.2, "Result": "Pass"})
    assert said.NOTE_FEW in measures_counts(written(rows)).iloc[0]["note"]
    rows = rows_of("CQIMVBAC", {"Denominator": 50, "Numerator": 10, "Rate": 20, "Result": "Pass"})
    assert said.NOTE_FEW not in measures_counts(written(rows)).iloc[0]["note"]


def test_every_indicator_of_the_packs_is_known_once():
    names = [one.indicator.casefold() for one in known_indicators()]
    assert len(set(names)) == len(names) == 62
    assert {one.window for one in known_indicators()} == {0, 1, 3, 6}


REFUSED = [
    (
        rows_of("CQIMApgar", per_thousand(1085, "fifteen", 12)),
        "line 3, column Value: 'fifteen' is not what this row can hold; expected a number, DNS, "
        "Low DQ or *, and Pass or Fail for a Result",
    ),
    (rows_of("CQIMApgar", per_thousand(1085, "Pass", 12)), "line 3, column Value: 'Pass' is not"),
    (rows_of("CQIMApgar", per_thousand(1085, 15, 12, "7")), "line 5, column Value: '7' is not"),
    (rows_of("CQIMApgar", per_thousand(1085, 15.5, 12)), "'15.5' is not a whole number"),
    (rows_of("CQIMApgar", per_thousand(1085, -5, 12)), "line 3, column Value: '-5' is not"),
    (
        rows_of("CQIMApgar", per_thousand(10, 15, 12)),
        "line 3, column Value: a numerator of 15 is above its denominator of 10",
    ),
    (
        rows_of("CQIMApgar", {"Share": 5}),
        "line 2, column Currency: unknown currency 'Share'; expected Numerator, Denominator, Rate",
    ),
    (
        [*ROWS, ROWS[1]],
        "repeats line 3: CQIMApgar, XX1, Numerator; each figure may stand once",
    ),
    (
        rows_of("CQIMApgar", per_thousand(1085, 15, 12), unit="XX1,A,Borough"),
        "line 2, column Org_Level: unknown level 'Borough'; expected National",
    ),
    (
        rows_of("CQIMApgar", per_thousand(1085, 15, 12), days="2025-07-02,2025-07-31"),
        "line 2, column RPStartDate: '2025-07-02' is not the first day of a month",
    ),
    (
        rows_of("CQIMApgar", per_thousand(1085, 15, 12), days="07/01/2025,07/31/2025"),
        "line 2, column RPEndDate: '07/31/2025' is not a date such as 2025-07-01 or 01/07/2025",
    ),
    (
        rows_of("CQIMApgar", per_thousand(1085, 15, 12), days="2025-05-01,2025-07-31"),
        "line 2, column RPEndDate: '2025-07-31' is not the last day of the month",
    ),
    (
        rows_of("CQIMApgar", per_thousand(1085, 15, 12), days="July,2025-07-31"),
        "line 2, column RPStartDate: 'July' is not a date such as 2025-07-01 or 01/07/2025",
    ),
    (
        rows_of("CQIMApgar", per_thousand(1085, 15, 12), unit="1.00E+05,A,Provider"),
        "'1.00E+05' is a number that a spreadsheet made of a code",
    ),
    (rows_of("CQIMOther", {"Rate": 5}), "holds no indicator of the packs of spcbench-mis"),
    ([*ROWS, "XX1,A,Provider"], "line 38 has 3 cells, the header has 9"),
    (
        [*ROWS[:2], 'XX3,"UNCLOSED,Provider,2025-07-01,2025-07-31,CQIM_Rate,CQIMApgar,Rate,5',
         'XX4,"NAME",Provider,2025-07-01,2025-07-31,CQIM_Rate,CQIMApgar,Rate,5'],
        "is not CSV",
    ),
    ([], "has a header but no rows"),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "message"), REFUSED)
def test_a_row_that_does_not_fit_is_named(written, rows, message):
    path = written(rows)
    with pytest.raises(InputError) as error:
        measures_counts(path)
    assert message in str(error.value)
    assert path.name in str(error.value)


def test_how_many_rows_share_a_fault(written):
    rows = [line.replace("Provider", "Borough") for line in ROWS]
    with pytest.raises(InputError, match=r"unknown level 'Borough'.*\(33 such rows\)"):
        measures_counts(written(rows))


@pytest.mark.parametrize("column", ["Org_Code", "Org_Level", "Indicator", "Currency", "Value"])
def test_a_missing_column_is_named(written, column):
    with pytest.raises(InputError, match=f"no column '{column}'"):
        measures_counts(written(header=HEADER.replace(column, "Something")))


def test_without_dates_there_is_no_month(written):
    header = HEADER.replace("RPStartDate", "From")
    with pytest.raises(InputError, match="the month is not known"):
        measures_counts(written(header=header))


def test_a_cell_may_hold_a_line_end_only_in_quotation_marks(written):
    rows = [
        line.replace("EXAMPLE NHS", '"EXAMPLE\nNHS').replace("TRUST,Pro", 'TRUST",Pro')
        for line in ROWS
    ]
    assert row(measures_counts(written(rows)), "cqim_apgar")["unit_name"] == (
        "EXAMPLE NHS FOUNDATION TRUST"
    )


def test_a_line_that_is_cut_short_at_the_end_of_the_file(written):
    path = written()
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match="does not end with the end of a line"):
        measures_counts(path)
