"""What each unit is told to put right."""

from __future__ import annotations

import pytest

from spcbench.measures.measure import Check, Field, Measure
from spcbench.measures.unit_faults import UNIT_PROBLEMS, UNITS
from spcbench.measures.validating import validate
from spcbench.plugin.records import Pack

PACK = Pack(
    id="p", title="P", version="1", record="baby",
    fields=(
        Field(name="days", type="integer", range=(140, 320)),
        Field(name="given", type="boolean"),
    ),
    measures=(Measure(id="m", title="M", better="higher", eligible="days < 238", met="given"),),
    checks=(
        Check(id="term", title="Given early only", must="NOT given OR days < 300"),
        Check(id="late", title="Never late", must="days < 310", action="report"),
    ),
)  # fmt: skip
OTHER = Pack(
    id="q", title="Q", version="1", record="baby",
    fields=(Field(name="days", type="integer", range=(140, 320)),),
    measures=(Measure(id="n", title="N", better="higher", eligible="TRUE", met="days > 0"),),
)  # fmt: skip
TEXT = """unit,born,days,given
RB,2024-01-01,200,yes
RB,2024-02-01,999,no
RB,2023-01-01,998,no
RB,2024-01-01,305,yes
RA,2024-01-01,315,no
RA,2024-01-01,SECRET,no
,2024-01-01,200,yes
RC,2024-01-01,210,no
RC,2024-01-01
"""


@pytest.fixture
def births(tmp_path):
    path = tmp_path / "births.csv"
    path.write_text(TEXT, encoding="utf-8")
    return path


def listed(frame):
    return frame.astype("object").where(frame.notna(), None).to_numpy().tolist()


def test_problems_are_added_up_by_unit_over_all_periods(births):
    found = validate(births, packs=[PACK], unit_column="unit", date_column="born")
    assert listed(found.units) == [["RA", 2, 1], ["RB", 4, 3], ["RC", 1, 0], [None, 1, 1]]
    assert listed(found.unit_problems) == [
        ["RA", "days", "wrong_type", "expected integer", 1],
        ["RA", "late", "breaks_check_reported", "breaks the check: Never late", 1],
        ["RB", "days", "out_of_range", "expected 140 to 320", 2],
        ["RB", "term", "breaks_check", "breaks the check: Given early only", 1],
        [None, "unit", "missing", "missing", 1],
    ]


def test_units_add_up_to_what_is_told_of_all(births):
    found = validate(births, packs=[PACK], unit_column="unit")
    by_problem = found.unit_problems.groupby(["field", "problem"])["records"].sum()
    of_fields = found.quality.dropna(subset="field").set_index(["field", "problem"])["records"]
    assert by_problem.to_dict() == of_fields.to_dict()
    assert found.units["records"].sum() + 1 == found.provenance["records_read"]  # one is ragged
    assert found.units["set_aside"].sum() + 1 == found.provenance["records_rejected"]


def test_a_record_of_which_one_pack_can_make_use_is_not_set_aside(births):
    found = validate(births, packs=[PACK, OTHER], unit_column="unit")
    assert listed(found.units) == [["RA", 2, 1], ["RB", 4, 2], ["RC", 1, 0], [None, 1, 1]]
    told = found.unit_problems.set_index(["unit", "field"])["records"]
    assert told["RB", "days"] == 2  # once, though both packs ask


def test_nothing_is_told_by_unit_without_a_column_of_units(births):
    found = validate(births, packs=[PACK])
    assert listed(found.units) == listed(found.unit_problems) == []
    assert list(found.units.columns) == list(UNITS.names)
    assert list(found.unit_problems.columns) == list(UNIT_PROBLEMS.names)


def test_no_content_of_a_record_is_told(births):
    found = validate(births, packs=[PACK], unit_column="unit")
    assert "SECRET" not in found.unit_problems.to_string()
    assert {name: str(kind) for name, kind in found.units.dtypes.items()} == {
        name: str(kind) for name, kind in UNITS.empty().dtypes.items()
    }
