"""Codes of organisations and comparator groups."""

from __future__ import annotations

import csv
import tomllib
from importlib.resources import files
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

import spcbench as sb
from spcbench.cli import main
from spcbench.errors import InputError
from spcbench_mis import comparator_groups
from spcbench_mis.monthly_invented import invented_months, write_months
from spcbench_mis.organisations import is_listed, providers, successors

SHARED = Path(__file__).parents[3] / ".." / "shared" / "data" / "mbrrace-groups-2018.csv"


@pytest.fixture
def table_of_groups(tmp_path):
    def write(*rows, header="MBRRACE_Group,Org_Code,valid_from,valid_to"):
        path = tmp_path / "groups.csv"
        path.write_text("\n".join([header, *rows, ""]))
        return path

    return write


def test_former_providers_and_their_successors():
    assert {"RJ1", "RAP", "RVY"} <= providers()
    assert not is_listed("XX1")
    assert all(is_listed(one.into) and one.since.year >= 2018 for one in successors().values())
    assert not set(successors()) & {one.into for one in successors().values()}
    with (files("spcbench_mis") / "organisations.toml").open("rb") as file:
        assert not any(one["verified"] for one in tomllib.load(file)["successor"])


def groups_on(groups, day):
    """Group of each unit on a day, by its number; 0 for none."""
    day = pd.Timestamp(day)
    start, end = groups["valid_from"].fillna(day), groups["valid_to"].fillna(day)
    there = groups[(start <= day) & (day <= end)]
    assert there["unit"].is_unique
    return dict(zip(there["unit"], there["group"].str[6].fillna("0").astype(int), strict=True))


def test_groups_are_dated(table_of_groups):
    path = table_of_groups("4,ZA01,,2024-03-31", "3,ZA01,2024-04-01,", "1,ZA02,,")
    groups = comparator_groups(path)
    assert groups_on(groups, "2024-03-31") == {"ZA01": 4, "ZA02": 1}
    assert groups_on(groups, "2024-04-01") == {"ZA01": 3, "ZA02": 1}
    assert groups["group"].tolist() == [
        "Group 4. 2,000 - 3,999", "Group 3. 4,000 or more", "Group 1. Level 3 NICU & NS"
    ]  # fmt: skip
    assert set(groups["how"]) == {"listed"}


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("1", 1), ("2.0", 2), ("Level 3 NICU & NS", 1), ("Level 3 NICU", 2),
        ("4000 or more", 3), ("4,000 or more births", 3), (">= 4000 births", 3), ("≥4,000", 3),
        ("2000 - 3999", 4), ("2,000–3,999 births", 4), ("under 2000", 5), ("< 2000 births", 5),
        ("Group 5. under 2000", 5), ("GROUP 3. 4,000 OR MORE", 3), ("Unknown", 6),
    ],
)  # fmt: skip
def test_groups_in_all_spellings(table_of_groups, written, number):
    groups = comparator_groups(table_of_groups(f'"{written}",ZA01,,'))
    assert groups_on(groups, "2024-01-01") == {"ZA01": number % 6}


@pytest.mark.parametrize(
    ("rows", "on", "expected"),
    [
        # A trust that goes on with another of its own group keeps it ...
        (("3,RAL,,", "3,RAP,,"), "2024-12-31", {"RAL": 3, "RAP": 3}),
        (("3,RAL,,", "3,RAP,,"), "2025-01-01", {"RAL": 3, "RAP": 3}),
        # ... unless together they may have outgrown it,
        (("4,RAL,,", "4,RAP,,"), "2025-01-01", {"RAL": 0, "RAP": 4}),
        (("5,RAL,,", "5,RAP,,"), "2025-01-01", {"RAL": 0, "RAP": 5}),
        # were in different groups, or one is not known.
        (("1,RAL,,", "5,RAP,,"), "2024-12-31", {"RAL": 1, "RAP": 5}),
        (("1,RAL,,", "5,RAP,,"), "2025-01-01", {"RAL": 0, "RAP": 5}),
        (("6,RAL,,", "3,RAP,,"), "2025-01-01", {"RAL": 0, "RAP": 3}),
        (("3,RAL,,", "6,RAP,,"), "2025-01-01", {"RAL": 0, "RAP": 0}),
        # A table made after the merger does not have the old code; a row that begins then says so.
        (("3,RAL,,",), "2025-01-01", {"RAL": 3}),
        (("4,RAL,,2024-12-31", "3,RAL,2025-01-01,", "4,RAP,,"), "2025-06-01", {"RAL": 3, "RAP": 4}),
        (("4,RAL,,", "3,RAP,,2023-12-31"), "2025-01-01", {"RAL": 4}),
        # Between the merger and the next row that says so nothing is known.
        (("4,RAL,,2025-03-31", "3,RAL,2025-04-01,", "4,RAP,,"), "2025-02-01", {"RAL": 0, "RAP": 4}),
        (("4,RAL,,2025-03-31", "3,RAL,2025-04-01,", "4,RAP,,"), "2025-04-01", {"RAL": 3, "RAP": 4}),
        (("4,RAL,,2024-12-31", "3,RAL,2025-04-01,", "4,RAP,,"), "2025-02-01", {"RAL": 0, "RAP": 4}),
        # A code that took all of one other has its group; of two in different groups none.
        (("2,RDZ,,",), "2020-09-30", {"RDZ": 2}),
        (("4,RDZ,,",), "2020-10-01", {"RDZ": 4, "R0D": 4}),
        (("4,RDZ,,", "3,RD3,,"), "2020-10-01", {"RDZ": 4, "RD3": 3, "R0D": 0}),
        (("2,RDZ,,", "2,RD3,,"), "2020-10-01", {"RDZ": 2, "RD3": 2, "R0D": 2}),
        # Two mergers, one after the other.
        (("3,RBA,,", "3,RA4,,"), "2022-01-01", {"RBA": 3, "RA4": 3, "RH5": 3}),
        (("3,RBA,,", "3,RA4,,"), "2023-04-01", {"RBA": 3, "RA4": 3, "RH5": 3}),
        (("3,RBA,,", "5,RA4,,"), "2023-04-01", {"RBA": 3, "RA4": 5, "RH5": 0}),
        # A part of a divided trust is not the trust.
        (("2,RW6,,",), "2021-10-01", {"RW6": 2, "RM3": 0}),
    ],
)  # fmt: skip
def test_merged_trusts(table_of_groups, rows, on, expected):
    assert groups_on(comparator_groups(table_of_groups(*rows)), on) == expected


def test_mergers_are_told_with_their_reason(table_of_groups):
    groups = comparator_groups(table_of_groups("1,RA7,,", "5,RA3,,", "2,RDZ,,"))
    told = groups[groups["how"].ne("listed")].set_index("unit")
    assert told["how"].to_dict() == {"R0D": "followed", "RA7": "none"}
    assert told.loc["RA7", "note"] == (
        "merged on 2020-04-01 from RA7 (Group 1. Level 3 NICU & NS), RA3 (Group 5. Under 2,000): "
        "they were in different groups"
    )


def test_funnels_by_comparator_group(tmp_path, table_of_groups):
    made = invented_months(trusts=20, months=2, seed=4)
    folder = tmp_path / "msds"
    folder.mkdir()
    write_months(folder, made, kinds=("measures",), families=False)
    rows = [f"{3 + place % 2},{code},," for place, code in enumerate(made.trusts)]
    groups = comparator_groups(table_of_groups(*rows))
    funnels = sb.funnels(sb.read(folder), measure="cqim_breastfeeding", labels=groups, by="group")
    assert funnels.summary["group"].tolist() == [
        "Group 3. 4,000 or more", "Group 4. 2,000 - 3,999"
    ]  # fmt: skip
    assert funnels.summary["units"].tolist() == [10, 10]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (("7,ZA01,,",), "line 2, column MBRRACE_Group: '7' is not a group from 1 to 6"),
        (("3,,,",), "line 2, column Org_Code: the cell is empty"),
        (("3,ZA01,last year,",), "line 2, column valid_from: 'last year' is not a date"),
        (("3,ZA01,,", "4,ZA01,,"), "line 3: ZA01 stands in two groups at one time"),
        (("3,ZA01,,2024-03-31", "4,ZA01,2024-03-31,"), "line 3: ZA01 stands in two groups"),
        (("3,ZA01,2024-03-31,2024-03-01",), "line 2, column valid_to: 2024-03-01 is before"),
        (("3,ZA01",), "line 2 has 2 cells, the header has 4"),
    ],
)
def test_rows_that_do_not_fit(table_of_groups, rows, message):
    with pytest.raises(InputError) as error:
        comparator_groups(table_of_groups(*rows))
    assert message in str(error.value)


def test_a_missing_column(table_of_groups):
    with pytest.raises(InputError, match="no column 'MBRRACE_Group'"):
        comparator_groups(table_of_groups("3,ZA01", header="Group,Org_Code"))


def test_a_description_that_says_otherwise(table_of_groups):
    header = "MBRRACE_Group,MBRRACE_Group_Description,Org_Code"
    with pytest.raises(InputError, match="line 2: MBRRACE_Group is '3', but its description"):
        comparator_groups(table_of_groups("3,< 2000 births,ZA01", header=header))


def test_the_command(table_of_groups, tmp_path):
    path = table_of_groups("1,RA7,,", "5,RA3,,", "3,RAL,,", "3,RAP,,", "6,ZA01,,", "2,NA,,")
    out = tmp_path / "labels.csv"
    done = CliRunner().invoke(main, ["mis-groups", str(path), "-o", str(out)])
    assert done.exit_code == 0, done.output
    assert "5 codes: 2 in the group listed, 1 in that of the trusts" in done.output
    assert "2 in none" in done.output
    assert "RA7: merged on 2020-04-01" in done.output
    assert "ZA01: listed as 'Group 6. Unknown'" in done.output
    assert "1 row has no code" in done.output
    assert "have not been compared with the Organisation Data Service" in done.output
    written = pd.read_csv(out, parse_dates=["valid_from", "valid_to"])
    assert groups_on(written, "2025-01-01") == groups_on(comparator_groups(path), "2025-01-01")
    for wrong, told in (("labels.xlsx", "must end in .csv"), (path, "is what is read")):
        refused = CliRunner().invoke(main, ["mis-groups", str(path), "-o", str(wrong)])
        assert refused.exit_code == 2
        assert told in refused.output


@pytest.fixture(scope="module")
def real():
    if not SHARED.exists():
        pytest.skip("the published table of groups is not beside the repository")
    return comparator_groups(SHARED)


def test_the_published_table_of_groups(real):
    """All codes of the file, against a reading of it with the csv module alone."""
    with SHARED.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["Org_Code"] != "NA"]
    expected = {row["Org_Code"]: int(row["MBRRACE_Group"]) % 6 for row in rows}
    assert groups_on(real, "2018-06-30") == expected
    assert sum(map(bool, expected.values())) == 127
    assert {code for code, number in expected.items() if not number} == {
        "R0D", "RY2", "RAJ", "RH5", "RC9"
    }  # fmt: skip


LEFT_OUT = {"R0D", "RA7", "RAJ", "RC9", "RH5", "RM3", "RYR"}


@pytest.mark.parametrize(
    ("year", "listed", "followed", "none"),
    [("2021-22", 116, 0, LEFT_OUT | {"RY2"}), ("2022-23", 114, 0, LEFT_OUT | {"RH8", "RY2"})],
)
def test_trusts_of_the_annual_files(real, year, listed, followed, none):
    """Who is matched, who is followed through a merger, and who has no group."""
    path = SHARED.with_name(f"msds-annual-{year}.csv")
    if not path.exists():
        pytest.skip(f"the annual file of {year} is not beside the repository")
    with path.open(encoding="utf-8-sig", newline="") as file:
        trusts = {r["Org_Code"] for r in csv.DictReader(file) if r["Org_Level"] == "Provider"}
    end = pd.Timestamp(f"20{year[-2:]}-03-31")
    there = real[real["valid_to"].fillna(end).ge(end) & real["valid_from"].fillna(end).le(end)]
    how = there.set_index("unit")["how"].reindex(sorted(trusts)).fillna("not there")
    assert how.value_counts().get("listed", 0) == listed
    assert how.value_counts().get("followed", 0) == followed
    assert set(how[how.eq("none")].index) == none
    assert not how.eq("not there").any()
