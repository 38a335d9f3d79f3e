"""The monthly files of counts by dimension and of data quality."""

from __future__ import annotations

import pandas as pd
import pytest

import spcbench_mis
from spcbench.errors import InputError
from spcbench_mis.dimension_file import dimension_counts, listed_measures
from spcbench_mis.quality_file import quality_counts, validity

DATA = (
    "ReportingPeriodStartDate,ReportingPeriodEndDate,Dimension,Org_Level,Org_Code,Org_Name,"
    "Measure,Count_Of,Final_value"
)
DQ = (
    "ReportingPeriodStartDate,ReportingPeriodEndDate,Org_Code,DataTable,UID,DataItem,Valid,"
    "Default,Invalid,Missing,Denominator"
)
JULY = "2025-07-01,2025-07-31"
UNKNOWN = "Missing value / Value outside reporting parameters"
APGAR = f"{JULY},ApgarScore5TermGroup7,Provider,XX1,EXAMPLE NHS FOUNDATION TRUST"
METHOD = f"{JULY},DeliveryMethodBabyGroup,Provider,XX1,EXAMPLE NHS FOUNDATION TRUST"
ROWS = [
    f"{JULY},AgeAtBookingMotherAvg,Provider,XX1,A,AgeAtBookingMotherAvg,Average over women,30.4",
    f"{APGAR},0 to 6,Babies,5",
    f"{APGAR},7 to 10,Babies,360",
    f"{APGAR},{UNKNOWN},Babies,10",
    f'{JULY},TotalBabies,MBRRACE Grouping,"Group 3. 4,000 or more",GROUP,TotalBabies,Babies,14205',
    f"{JULY},TotalDeliveries,National,ALL,All Submitters,TotalDeliveries,Women,45120",
]


@pytest.fixture
def written(tmp_path):
    def write(rows=ROWS, *, header=DATA, name="msds-jul2025-exp-data.csv"):
        path = tmp_path / name
        path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
        return path

    return write


def only(frame):
    assert len(frame) == 1
    return frame.iloc[0]


def test_counts_of_a_dimension(written):
    apgar = only(dimension_counts(written()))
    assert apgar["measure"] == "msds-monthly@2025:apgar_0_6_term"
    assert (apgar["numerator"], apgar["denominator"], apgar["missing"]) == (5, 365, 10)
    assert (apgar["published"], apgar["numerator_low"], apgar["numerator_high"]) == ("small", 1, 7)
    assert apgar["period"] == pd.Timestamp("2025-07-01")


@pytest.mark.parametrize("lost", ["0 to 6", "7 to 10"])
def test_a_category_that_no_row_has_is_not_zero(written, lost):
    apgar = only(dimension_counts(written([row for row in ROWS if f",{lost}," not in row])))
    assert (apgar["published"], apgar["status"]) == ("incomplete", "no_data")
    assert pd.isna(apgar["numerator"])
    assert pd.isna(apgar["denominator"])


def test_the_missing_category_may_be_absent(written):
    apgar = only(dimension_counts(written([row for row in ROWS if UNKNOWN not in row])))
    assert (apgar["denominator"], pd.isna(apgar["missing"])) == (365, True)


@pytest.mark.parametrize("damage", ["07-Oct", "7-Oct", "07-Oct-25", "10-Jul", "7-10", "2025-10-07"])
def test_what_a_spreadsheet_makes_of_7_to_10(written, damage):
    rows = [row.replace("7 to 10", damage).replace("0 to 6", "0-6") for row in ROWS]
    assert only(dimension_counts(written(rows)))["denominator"] == 365


def test_missing_is_known_in_all_its_spellings(written):
    rows = [
        row.replace(UNKNOWN, "MISSING VALUE /  value Outside Reporting parameters") for row in ROWS
    ]
    assert only(dimension_counts(written(rows)))["missing"] == 10


@pytest.mark.parametrize(
    ("word", "published", "status"),
    [
        ("*", "suppressed", "suppressed"),
        ("DNS", "dns", "no_data"),
        ("Low DQ", "low_dq", "insufficient_data"),
        ("", "incomplete", "no_data"),
    ],
)
def test_words_in_place_of_figures(written, word, published, status):
    rows = [row.replace("7 to 10,Babies,360", f"7 to 10,Babies,{word}") for row in ROWS]
    apgar = only(dimension_counts(written(rows)))
    assert (apgar["published"], apgar["status"]) == (published, status)
    assert pd.isna(apgar["numerator"])


def test_a_numerator_of_several_categories_has_no_small_note(written):
    shares = ("Elective caesarean section", "Emergency caesarean section", "Instrumental", "Other")
    rows = [
        f"{METHOD},{name},Babies,{count}" for name, count in zip(shares, (5, 0, 40, 5), strict=True)
    ]
    rows += [f"{METHOD},Spontaneous,Babies,200", f"{METHOD},{UNKNOWN},Babies,0"]
    caesarean = only(dimension_counts(written(rows)))
    assert (caesarean["numerator"], caesarean["denominator"]) == (5, 250)
    assert (caesarean["published"], pd.isna(caesarean["numerator_low"])) == ("ok", True)


def test_levels_that_say_where_women_live_are_left_out(written):
    more = [
        row.replace("Provider,XX1", f"{level},XX1")
        for level in ("SubICB of Responsibility", "Local Authority of Residence",
                      "CCG of Responsibility")
        for row in ROWS[1:4]
    ]  # fmt: skip
    assert only(dimension_counts(written([*ROWS, *more])))["level"] == "provider"


def test_sites_of_booking_and_of_delivery(written):
    def at(level, dimension, category, count):
        return f"{JULY},{dimension},{level},RXX01,A SITE,{category},Women,{count}"

    smoking = ("SmokingStatusGroupBooking", ("Smoker", "Non-Smoker / Ex-Smoker"))
    apgar = ("ApgarScore5TermGroup7", ("0 to 6", "7 to 10"))
    rows = [
        at(level, dimension, category, count)
        for level, count in (("Booking Site", 10), ("Delivery Site", 20))
        for dimension, categories in (smoking, apgar)
        for category in categories
    ]
    frame = dimension_counts(written(rows)).set_index("measure")
    assert frame["level"].eq("site").all()
    assert frame.loc["msds-monthly@2025:smoking_at_booking", "denominator"] == 20
    assert frame.loc["msds-monthly@2025:apgar_0_6_term", "denominator"] == 40


def test_a_site_under_its_trusts_code_is_told_apart(written):
    site = [row.replace("Provider,XX1", "Delivery Site,XX1") for row in ROWS[1:4]]
    frame = dimension_counts(written([*ROWS, *site]))
    assert sorted(frame["unit"]) == ["XX1", "XX1 (site)"]


def test_each_measure_has_a_dimension_of_its_own():
    dimensions = [one.dimension for one in listed_measures()]
    assert len(set(dimensions)) == len(dimensions) == 7


REFUSED = [
    (f"{APGAR},11 to 12,Babies,5",
     "measure 'msds-monthly@2025:apgar_0_6_term' does not list the category '11 to 12'"),
    (f"{APGAR},0 to 6,Babies,5", "line 8 repeats line 3: ApgarScore5TermGroup7, 0 to 6, XX1"),
    (f"{APGAR},0 to 6,Women,5", "ApgarScore5TermGroup7 is given for"),
    (APGAR.replace("XX1", "XX2") + ",0 to 6,Babies,4.5",
     "line 8, column Final_value: '4.5' is not a whole number"),
    (APGAR.replace("XX1", "XX2") + ",0 to 6,Babies,few",
     "line 8, column Final_value: 'few' is not a count"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "message"), REFUSED)
def test_a_row_that_does_not_fit_is_named(written, row, message):
    with pytest.raises(InputError) as error:
        dimension_counts(written([*ROWS, row]))
    assert message in str(error.value)


def test_a_file_without_any_of_the_dimensions(written):
    with pytest.raises(InputError, match="holds no dimension of the pack msds-monthly; its first"):
        dimension_counts(written([ROWS[0]]))


QUALITY = [
    f"{JULY},XX1,MSD001MotherDemog,M001901,EthnicCategoryMother,405,10,0,15,430",
    f"{JULY},XX1,MSD101PregnancyBooking,M101,Other,5,0,0,0,5",
    f"{JULY},ALL,MSD001MotherDemog,M001901,EthnicCategoryMother,40500,1000,0,1500,43000",
]


def test_validity_of_an_item(written):
    frame = quality_counts(written(QUALITY, header=DQ)).set_index("unit")
    assert frame.loc["XX1", ["numerator", "denominator"]].tolist() == [405, 430]
    assert frame["level"].astype(str).to_dict() == {"National": "national", "XX1": "provider"}
    assert frame["measure"].unique().tolist() == ["msds-dq@2025:ethnicity_valid"]


def test_every_item_can_be_seen(written):
    frame = validity(written(QUALITY, header=DQ))
    assert frame["item"].tolist() == ["EthnicCategoryMother", "Other", "EthnicCategoryMother"]
    assert frame["valid"].tolist() == [405, 5, 40500]
    assert spcbench_mis.validity is validity


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (QUALITY[0], "line 5 repeats line 2: EthnicCategoryMother"),
        (QUALITY[0].replace("405", "435"), "column Valid: 435 valid records are more than all"),
        (QUALITY[0].replace("405", "x"), "column Valid: 'x' is not a count"),
        (QUALITY[0].replace("430", "430.5"), "column Denominator: '430.5' is not a whole number"),
    ],
)
def test_a_row_of_quality_that_does_not_fit(written, row, message):
    with pytest.raises(InputError) as error:
        quality_counts(written([*QUALITY, row], header=DQ))
    assert message in str(error.value)
