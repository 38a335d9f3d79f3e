"""Codes of organisations and comparator groups."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import spcbench as sb
from spcbench.errors import InputError
from spcbench.tables import Table
from spcbench_mis import comparator_groups, with_groups
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


def test_former_providers_and_their_successors_are_listed():
    assert {"RJ1", "RAP", "RVY"} <= providers()
    assert not is_listed("XX1")
    assert all(is_listed(code) and is_listed(into) for code, (into, _) in successors().items())


def test_groups_are_dated(table_of_groups):
    path = table_of_groups("4,ZA01,,2024-03-31", "3,ZA01,2024-04-01,", "1,ZA02,,")
    groups = comparator_groups(path)
    frame = pd.DataFrame(
        {
            "measure": "m",
            "unit": ["ZA01", "ZA01", "ZA02", "ZA03", "ZA02"],
            "period": pd.to_datetime(["2024-03-01", *["2024-04-01"] * 4]),
            "level": ["provider"] * 4 + ["site"],
        }
    )  # fmt: skip
    found = with_groups(Table(kind="counts", data=frame, source="x"), groups).data["group"]
    assert found.fillna("none").tolist() == [
        "Group 4. 2,000 - 3,999",
        "Group 3. 4,000 or more",
        "Group 1. Level 3 NICU & NS",
        "none",
        "none",
    ]


def test_funnels_by_comparator_group(tmp_path, table_of_groups):
    made = invented_months(trusts=20, months=2, seed=4)
    folder = tmp_path / "msds"
    folder.mkdir()
    write_months(folder, made, kinds=("measures",), families=False)
    rows = [f"{3 + place % 2},{code},," for place, code in enumerate(made.trusts)]
    counts = with_groups(sb.read(folder), comparator_groups(table_of_groups(*rows)))
    funnels = sb.funnels(counts, measure="cqim_breastfeeding", by="group")
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
    ],
)
def test_rows_that_do_not_fit(table_of_groups, rows, message):
    with pytest.raises(InputError) as error:
        comparator_groups(table_of_groups(*rows))
    assert message in str(error.value)


def test_a_missing_column(table_of_groups):
    with pytest.raises(InputError, match="no column 'MBRRACE_Group'"):
        comparator_groups(table_of_groups("3,ZA01", header="Group,Org_Code"))


def test_a_published_table_of_groups():
    if not SHARED.exists():
        pytest.skip("the published table of groups is not beside the repository")
    groups = comparator_groups(SHARED)
    assert groups["unit"].is_unique
    assert set(groups["group"].str[:7]) >= {f"Group {number}" for number in range(1, 6)}
