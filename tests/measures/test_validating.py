"""What a trust is told to put right."""

from __future__ import annotations

from dataclasses import replace

import pytest

from spcbench.errors import InputError, OptionError
from spcbench.measures.example import Example
from spcbench.measures.measure import Check, Composite, Field, Measure
from spcbench.measures.validating import validate
from spcbench.plugin.records import Pack

PACK = Pack(
    id="p",
    title="P",
    version="1",
    record="baby",
    fields=(
        Field(name="days", type="integer", range=(140, 320)),
        Field(name="given", type="boolean"),
        Field(name="mother", type="text"),
    ),
    measures=(
        Measure(id="early", title="E", better="higher", eligible="days < 238", met="given"),
        Measure(id="any", title="A", better="higher", eligible="TRUE", met="days IS NOT NULL"),
        Composite(id="both", title="B", better="higher", of=("early", "any"), count_by="mother"),
    ),
    checks=(Check(id="term", title="Given early only", must="NOT given OR days < 300",
                  action="report"),),
)  # fmt: skip
TEXT = """days,given,mother,born
200,yes,m1,2024-01-01
,no,m1,2024-01-01
999,no,m2,2024-01-01
998,no,m2,2024-01-01
SECRET,no,m2,2024-01-01
201,,m3,never
310,yes,m4,2024-01-01
1,2
"""


@pytest.fixture
def births(tmp_path):
    path = tmp_path / "births.csv"
    path.write_text(TEXT, encoding="utf-8")
    return path


def rows_of(found):
    return found.problems[["row", "field", "value_class", "reason"]].to_numpy().tolist()


def test_worked_examples_of_ones_own_pack_are_tried(births):
    examples = (
        Example(title="given", record={"days": 200, "given": True}, expected="met"),
        Example(title="not known", record={"days": 200}, expected="not_met"),
        Example(title="a slip", record={"days": 2000}, expected="outside"),
    )
    early, *others = PACK.measures
    own = replace(PACK, measures=(replace(early, examples=examples), *others))
    told = "p@1:early: of the worked example"
    expected = [
        f"{told} 'not known', not_met is expected and unknown comes of it",
        f"{told} 'a slip', outside is expected and set_aside comes of it",
    ]
    # Also where another measure is asked for: the pack is wrong.
    for names in (None, ["any"]):
        notes = validate(births, packs=[own], measures=names).provenance["notes"]
        assert [one for one in notes if "worked example" in one] == expected
    assert "worked example" not in str(validate(births, packs=[PACK]).provenance)


def test_problems_are_named_by_field_and_row(births):
    found = validate(births, packs=[PACK], measures=["early", "any"])
    assert [row for row in rows_of(found) if isinstance(row[1], str)] == [
        [4, "days", "number", "expected 140 to 320"],
        [5, "days", "number", "expected 140 to 320"],
        [6, "days", "text", "expected integer"],
        [8, "term", "record", "breaks the check: Given early only"],
    ]
    assert found.problems["reason"].tolist()[-1] == "too few cells"
    assert found.provenance["records_read"] == 8
    assert found.provenance["records_rejected"] == 4


def test_only_the_first_rows_are_named_and_all_are_counted(births):
    found = validate(births, packs=[PACK], measures=["early"], rows=1)
    assert [row[0] for row in rows_of(found) if row[1] == "days"] == [4, 6]
    assert found.quality["records"].tolist() == [1, 1, 2, 1, 1]
    none = validate(births, packs=[PACK], measures=["early"], rows=0)
    assert none.problems.empty
    every = validate(births, packs=[PACK], measures=["early"], rows=None)
    assert len(every.problems) == 5


def test_no_table_holds_a_value(births):
    found = validate(births, packs=[PACK], rows=None)
    tables = (found.problems, found.quality, found.fields, found.measures)
    assert "SECRET" not in "".join(table.to_csv() for table in tables) + repr(found.provenance)


def test_fields_and_measures_say_what_is_lost(births):
    found = validate(births, packs=[PACK])
    assert found.fields.to_numpy().tolist() == [
        ["days", 7, 3, pytest.approx(3 / 7)],
        ["given", 7, 6, pytest.approx(6 / 7)],
        ["mother", 7, 7, 1.0],
    ]
    suffering = found.measures.set_index("measure")
    early = suffering.loc["p@1:early"]
    assert early[["eligible", "known", "eligible_unknown", "set_aside"]].tolist() == [2, 1, 1, 3]
    assert early["fields"] == "days, given"
    assert suffering.loc["p@1:any", "eligible"] == 4
    assert suffering["eligible"].isna().tolist() == [False, True, False]


def test_unit_and_date_are_checked_where_they_are_named(births):
    assert "born" not in validate(births, packs=[PACK]).quality["field"].tolist()
    found = validate(births, packs=[PACK], date_column="born")
    assert [7, "born", "text", "expected a date"] in rows_of(found)
    with pytest.raises(InputError, match="has no column 'trust'"):
        validate(births, packs=[PACK], unit_column="trust")


def test_columns_may_be_mapped(births):
    births.write_text("weeks,given,mother\n30,yes,m\n99,no,m\n", encoding="utf-8")
    found = validate(births, packs=[PACK], columns={"days": "weeks*7"})
    assert [row[:2] for row in rows_of(found)] == [[3, "days"]]


def test_records_without_fault_and_without_rows(births):
    births.write_text("days,given,mother\n200,yes,m\n", encoding="utf-8")
    found = validate(births, packs=[PACK])
    assert found.problems.empty
    assert found.quality.empty
    births.write_text("days,given,mother\n", encoding="utf-8")
    assert validate(births, packs=[PACK]).fields["known"].tolist() == [0, 0, 0]


def test_a_negative_number_of_rows(births):
    with pytest.raises(OptionError, match="rows must be 0 or more, not -1"):
        validate(births, packs=[PACK], rows=-1)
