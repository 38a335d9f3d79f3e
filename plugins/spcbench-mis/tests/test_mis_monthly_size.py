"""Many months in little memory: short while files are read, whole once they are joined."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import spcbench as sb
import spcbench_mis
from spcbench.errors import InputError, OptionError
from spcbench_mis.monthly import read_month
from spcbench_mis.monthly_invented import invented_months, write_months
from spcbench_mis.monthly_rows import numbered

LABELS = {
    "published": "category",
    "release": "category",
    "result": "category",
    "reporting_month": "datetime64[us]",
    "numerator_published": "Int64",
    "numerator_low": "Int64",
    "numerator_high": "Int64",
    "file": "category",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Final files, the last of them provisional too, of all three kinds."""
    place = tmp_path_factory.mktemp("msds")
    made = invented_months(trusts=8, months=6, first="2024-11", seed=4)
    write_months(place, made, provisional=True)
    write_months(place, made, kinds=("measures",))
    return place


def bytes_a_row(frame):
    return sum(frame[name].array.nbytes for name in frame) / len(frame)


def test_a_month_is_short_until_it_is_joined(folder):
    months = [read_month(path).data for path in sorted(folder.glob("*-exp-measures.csv"))]
    joined = sb.read(folder / "*-exp-measures.csv").data
    assert max(map(bytes_a_row, months)) < 0.35 * bytes_a_row(joined)
    assert all(
        isinstance(months[0][name].dtype, pd.CategoricalDtype)
        for name in ("measure", "unit", "unit_name", "note", "period", "file")
    )


@pytest.mark.parametrize("pattern", ["*", "*-exp-data.csv", "msds-nov2024-exp-measures.csv"])
def test_joined_counts_have_the_types_of_the_contract(folder, pattern):
    frame = sb.read(folder / pattern).data
    kinds = {column.name: column.dtype for column in sb.tables.COUNTS.columns}
    kinds |= {column.name: column.dtype for column in sb.tables.COUNTS_OPTIONAL.columns}
    for name in frame:
        assert frame[name].dtype == kinds.get(name, LABELS.get(name)), name


@pytest.mark.parametrize("windows", ["latest", "quarters", "all"])
@pytest.mark.parametrize("packs", [["cqim"], ["cqim@2023", "msds-monthly"], "cqim-dq", ["msds-dq"]])
def test_packs_that_are_asked_for_are_as_among_all(folder, packs, windows):
    every = spcbench_mis.read_months(folder, windows=windows).data
    chosen = spcbench_mis.read_months(folder, windows=windows, packs=packs).data
    ids = [one.partition("@")[0] for one in ([packs] if isinstance(packs, str) else packs)]
    rows = every["measure"].str.partition("@")[0].isin(ids)
    assert 0 < rows.sum() < len(every)
    pd.testing.assert_frame_equal(chosen, every[rows].reset_index(drop=True))


def test_a_pack_that_monthly_files_do_not_have_is_named(folder):
    with pytest.raises(OptionError, match=r"no pack 'cqmi'.*cqim"):
        spcbench_mis.read_months(folder, packs=["cqim", "cqmi"])


def test_files_without_a_measure_of_the_packs_are_told(folder):
    with pytest.raises(InputError, match="no measure of msds-dq"):
        spcbench_mis.read_months(folder / "*-exp-measures.csv", packs="msds-dq")


@pytest.mark.parametrize("most", [1, 40, 10_000_000])
def test_keys_are_numbered_as_by_sorting(most):
    keys = np.random.default_rng(most).integers(0, most, 500)
    different, first, which = np.unique(keys, return_index=True, return_inverse=True)
    for made, expected in zip(numbered(keys), (different, first, which.reshape(-1)), strict=True):
        np.testing.assert_array_equal(made, expected)


def test_no_keys_are_numbered():
    assert [part.size for part in numbered(np.zeros(0, dtype=np.int64))] == [0, 0, 0]


def test_months_that_differ_in_organisations_and_names_are_kept_apart(tmp_path):
    made = invented_months(trusts=4, months=3, first="2025-01", seed=2)
    first, second, third = sorted(write_months(tmp_path, made, kinds=("measures",)))
    second.write_text(
        "\n".join(line for line in second.read_text().splitlines() if not line.startswith("ZA01"))
        + "\n"
    )
    third.write_text(third.read_text().replace("INVENTED TRUST 03", "RENAMED"))
    frame = sb.read(tmp_path).data
    fed = frame[frame["measure"].eq("cqim@2023:cqim_breastfeeding")]
    assert fed["unit"].value_counts().to_dict() == {
        "National": 3, "ZA01": 2, "ZA02": 3, "ZA03": 3, "ZA04": 3
    }  # fmt: skip
    by_file = fed[fed["unit"].eq("ZA03")].set_index("file")["unit_name"].to_dict()
    assert by_file == {
        first.name: "INVENTED TRUST 03",
        second.name: "INVENTED TRUST 03",
        third.name: "RENAMED",
    }
