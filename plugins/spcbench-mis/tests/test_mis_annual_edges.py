"""Annual files that were cut, changed or mangled, and the spellings that mean the same."""

from __future__ import annotations

import pandas as pd
import pytest

import spcbench as sb
from spcbench.errors import InputError
from spcbench_mis.annual import looks_annual, read_annual, tidy_annual
from spcbench_mis.comparators import comparator_groups

HEADER = "Period,Dimension,Org_Level,Org_Code,Org_Name,Measure,Count_Of,Value"
UNKNOWN = "Missing value / Value outside reporting parameters"
APGAR = "2022-23,ApgarScore5TermGroup7,Provider,XX1,EXAMPLE TRUST"
ROWS = [
    f"{APGAR},0 to 6,Babies,95",
    f"{APGAR},7 to 10,Babies,6540",
    f"{APGAR},{UNKNOWN},Babies,120",
    f"{APGAR.replace('XX1', 'XX2')},0 to 6,Babies,15",
    f"{APGAR.replace('XX1', 'XX2')},7 to 10,Babies,1385",
]


@pytest.fixture
def written(tmp_path):
    def write(rows=ROWS, *, header=HEADER, name="annual.csv"):
        path = tmp_path / name
        path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
        return path

    return write


def counts(path):
    frame = read_annual(path).data.set_index("unit")
    return {unit: tuple(row) for unit, row in frame[["numerator", "denominator"]].iterrows()}


def test_a_file_cut_anywhere_is_refused_or_holds_whole_rows(written, tmp_path):
    content = written().read_bytes()
    whole = tidy_annual(written())
    cut, read = tmp_path / "cut.csv", 0
    for size in range(len(content)):
        cut.write_bytes(content[:size])
        try:
            frame = tidy_annual(cut)
        except InputError:
            continue
        assert content[size - 1 : size] == b"\n"
        pd.testing.assert_frame_equal(frame, whole.head(len(frame)))
        read += 1
    assert read == len(ROWS) - 1


def test_a_file_cut_in_a_number_says_so(written):
    path = written()
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(InputError) as error:
        sb.read(path)
    assert str(error.value) == (
        "annual.csv does not end with the end of a line, so it may have been cut short; "
        "download the file again"
    )


def test_a_table_of_ones_own_needs_no_end_of_its_last_line(tmp_path):
    path = tmp_path / "groups.csv"
    path.write_text("MBRRACE_Group,Org_Code\n3,XX1")
    assert comparator_groups(path)["unit"].tolist() == ["XX1"]


@pytest.mark.parametrize("figure", ["654", "3", "12", "6541"])
def test_a_count_that_is_not_rounded_is_no_published_one(written, figure):
    with pytest.raises(InputError) as error:
        read_annual(written([ROWS[0], ROWS[1].replace("6540", figure)]))
    assert str(error.value) == (
        f"annual.csv, line 3, column Value: '{figure}' is not a multiple of 5, as all counts of "
        "the publication are; the file has been changed: download it again"
    )


@pytest.mark.parametrize(
    "spelling",
    [
        "Missing value/Value outside reporting parameters",
        "MISSING VALUE /Value  outside reporting parameters",
        "Missing Value/ value outside reporting parameters",
    ],
)
def test_the_missing_category_in_all_its_spellings(written, spelling):
    frame = read_annual(written([row.replace(UNKNOWN, spelling) for row in ROWS])).data
    assert frame.set_index("unit").loc["XX1", "missing"] == 120


@pytest.mark.parametrize(("old", "new"), [("7 to 10", "07-Oct"), ("0 to 6", "0-6")])
def test_categories_that_a_spreadsheet_made_dates_of(written, old, new):
    found = counts(written([row.replace(old, new) for row in ROWS]))
    assert found == {"XX1": (95, 6635), "XX2": (15, 1400)}


@pytest.mark.parametrize("period", ["18-Dec", "01/12/2018", "43435", "Sept-18", "2018-12-01"])
def test_a_month_that_was_damaged_is_no_annual_file(period):
    head = f"{HEADER}\n{ROWS[0].replace('2022-23', period)}\n".encode()
    assert not looks_annual(head, None)


@pytest.mark.parametrize("period", ["2022-23", "2022/23", "2022", " 2022-2023"])
def test_a_year_is_an_annual_file_however_it_is_spelled(period):
    head = f"{HEADER}\n{ROWS[0].replace('2022-23', period)}\n".encode()
    assert looks_annual(head, None)


def test_a_row_that_is_too_long_is_named(written):
    with pytest.raises(InputError, match="line 4 has 9 cells, the header has 8"):
        tidy_annual(written([*ROWS[:2], ROWS[2] + ",5"]))


def test_a_category_in_other_capitals_is_the_same(written):
    with pytest.raises(InputError, match="line 3 repeats line 2"):
        tidy_annual(written([ROWS[0], ROWS[0].replace("0 to 6", "0 TO 6")]))


def test_one_category_may_be_counted_for_women_and_for_babies(written):
    frame = tidy_annual(written([ROWS[0], ROWS[0].replace("Babies", "Deliveries")]))
    assert frame["count_of"].tolist() == ["Babies", "Deliveries"]


def test_a_code_in_small_letters_is_the_same_trust(written):
    assert set(counts(written([row.replace("XX1", "xx1") for row in ROWS]))) == {"XX1", "XX2"}


def test_a_null_byte_is_no_text(written):
    with pytest.raises(InputError, match=r"annual\.csv is not plain text"):
        tidy_annual(written([ROWS[0].replace("XX1", "XX\x001")]))


@pytest.mark.parametrize(
    ("first", "day"),
    [("2020-04-01", "2020-04-01"), ("01/04/2020", "2020-04-01"), ("43831", "2020-01-01")],
)
def test_days_of_a_table_of_groups_are_never_read_month_first(tmp_path, first, day):
    path = tmp_path / "groups.csv"
    path.write_text(
        f"MBRRACE_Group,Org_Code,valid_from,valid_to\n3,XX1,{first},\n4,XX2,,31/12/2021\n"
    )
    groups = comparator_groups(path).set_index("unit")
    assert groups.loc["XX1", "valid_from"] == pd.Timestamp(day)
    assert groups.loc["XX2", "valid_to"] == pd.Timestamp("2021-12-31")


def test_a_group_that_ends_before_it_begins_is_refused(tmp_path):
    path = tmp_path / "groups.csv"
    path.write_text("MBRRACE_Group,Org_Code,valid_from,valid_to\n3,XX1,2020-04-01,2020-03-31\n")
    with pytest.raises(InputError, match="2020-03-31 is before 2020-04-01"):
        comparator_groups(path)
