"""Fields worked out from others, checks between fields, and how complete they are."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from spcbench.errors import ExpressionError, InputError, PackError
from spcbench.measures.counting import count
from spcbench.measures.derived import derived_fields
from spcbench.measures.measure import Check, Field, Measure
from spcbench.measures.pack import check_pack, load_pack
from spcbench.plugin.records import Pack

WEEKS = Field(name="weeks", type="integer")
DAYS = Field(name="days", type="integer")
GA = Field(name="ga", type="integer", from_="weeks * 7 + days", range=(140, 320))
TERM = Field(name="term", type="boolean", from_="ga >= 259")
BORN = Field(name="born", type="date")
SEEN = Field(name="seen", type="date")
IN_ORDER = Check(id="in_order", title="Seen after birth", must="seen >= born")
BY = {"unit_column": "unit", "date_column": "born"}


def pack(*fields, met="days = 0", eligible="term", checks=()):
    measure = Measure(id="m", title="M", better="higher", eligible=eligible, met=met)
    return Pack(
        id="p",
        title="P",
        version="1",
        record="r",
        fields=fields,
        measures=(measure,),
        checks=checks,
    )


CHAIN = pack(TERM, GA, WEEKS, DAYS)


def births(**columns):
    return pd.DataFrame({"unit": "A", "born": "2024-01-01", **columns})


def parts_of(counts):
    return counts[["numerator", "denominator", "missing"]].to_numpy().tolist()


def test_derived_fields_come_in_the_order_they_need_one_another():
    assert [field.name for field, _ in derived_fields(CHAIN)] == ["ga", "term"]


def test_a_derived_field_is_worked_out_checked_and_counted():
    frame = births(weeks=[37, 36, 99, None], days=[0, 6, 0, 1])
    found = count(frame, packs=[CHAIN], rejects=True, **BY)
    assert parts_of(found.counts) == [[1, 1, 0]]
    assert found.quality[["field", "problem", "records"]].to_numpy().tolist()[0] == [
        "ga", "out_of_range", 1,
    ]  # fmt: skip
    assert found.rejects.to_numpy().tolist() == [
        ["the table", 3, "ga", "derived", "expected 140 to 320"]
    ]


def test_the_columns_a_derived_field_needs_must_be_there_and_its_own_is_not_asked_for():
    with pytest.raises(InputError, match="has no column 'days'"):
        count(births(weeks=[37]), packs=[CHAIN], **BY)
    frame = births(weeks=[37], days=[0], ga=[999], term=["never"])
    assert parts_of(count(frame, packs=[CHAIN], **BY).counts) == [[1, 1, 0]]


def test_a_derived_field_that_no_measure_uses_may_lack_its_columns():
    other = Field(name="bmi", type="number", from_="weight / 2")
    chosen = pack(DAYS, other, Field(name="weight", type="number"), eligible="TRUE")
    assert parts_of(count(births(days=[0]), packs=[chosen], **BY).counts) == [[1, 1, 0]]


def test_a_derived_whole_number_must_be_whole_and_a_derived_infinity_is_missing():
    half = Field(name="half", type="integer", from_="days / 2")
    huge = Field(name="huge", type="number", from_="days * 1e308 * 10")
    chosen = pack(DAYS, half, huge, eligible="half >= 0", met="huge > 0")
    found = count(births(days=[2, 3, 0]), packs=[chosen], **BY)
    assert parts_of(found.counts) == [[0, 1, 1]]
    assert found.quality[["field", "problem"]].to_numpy().tolist()[0] == ["half", "wrong_type"]


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        (
            (
                DAYS,
                Field(name="a", type="integer", from_="b"),
                Field(name="b", type="integer", from_="a"),
            ),
            PackError,
            "pack 'p': fields need one another: ",
        ),
        ((DAYS, Field(name="a", type="integer", from_="a + 1")), PackError, "a needs a"),
        (
            (DAYS, Field(name="a", type="text", from_="days + 1")),
            PackError,
            "pack 'p', field 'a': from gives a number, but the field is declared as text",
        ),
        ((DAYS, Field(name="a", type="integer", from_="dyas")), ExpressionError, "field 'a'"),
    ],
)
def test_a_wrong_derived_field(fields, error, message):
    with pytest.raises(error) as caught:
        check_pack(pack(*fields, eligible="TRUE"))
    assert message in str(caught.value)


# -- checks between fields ----------------------------------------------------------------


def checked_pack(action="set_aside"):
    check = Check(id="in_order", title="Seen after birth", must="seen >= born", action=action)
    return pack(BORN, SEEN, DAYS, eligible="TRUE", checks=(check,))


DATES = {"seen": ["2024-01-01", "2023-12-31", None], "days": [0, 0, 0]}


def test_a_record_that_breaks_a_check_is_set_aside_and_told():
    found = count(births(**DATES), packs=[checked_pack()], rejects=True, **BY)
    assert parts_of(found.counts) == [[2, 2, 0]]
    assert found.quality[["field", "problem", "records"]].to_numpy().tolist() == [
        ["in_order", "breaks_check", 1]
    ]
    assert found.rejects.to_numpy().tolist() == [
        ["the table", 2, "in_order", "record", "breaks the check: Seen after birth"]
    ]
    assert found.provenance["records_rejected"] == 1


def test_a_check_may_only_be_reported():
    found = count(births(**DATES), packs=[checked_pack("report")], rejects=True, **BY)
    assert parts_of(found.counts) == [[3, 3, 0]]
    assert found.quality["problem"].tolist() == ["breaks_check_reported"]
    assert found.rejects.empty
    assert found.provenance["records_rejected"] == 0


def test_a_check_whose_columns_are_not_there_is_named_as_not_made():
    found = count(births(days=[0]), packs=[checked_pack()], **BY)
    assert found.provenance["checks_not_made"] == ["p@1:in_order"]


def test_checks_leave_other_packs_alone():
    other = Pack(
        id="q", title="Q", version="1", record="r", fields=(DAYS,),
        measures=(Measure(id="n", title="N", better="higher", eligible="TRUE", met="days = 0"),),
    )  # fmt: skip
    counts = count(births(**DATES), packs=[checked_pack(), other], **BY).counts
    assert counts["denominator"].tolist() == [2, 3]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"id": "No"}, "check 'No': id must match"),
        ({"title": " "}, "check 'c': title must not be empty"),
        ({"must": ""}, "check 'c': must must not be empty"),
        ({"action": "warn"}, "check 'c': action cannot be 'warn'; Known: report, set_aside"),
    ],
)
def test_a_check_checks_itself(settings, message):
    with pytest.raises(PackError) as caught:
        Check(**{"id": "c", "title": "C", "must": "x", **settings})
    assert message in str(caught.value)


def test_a_check_must_be_a_condition_on_declared_fields():
    wrong = Check(id="c", title="C", must="days + 1")
    with pytest.raises(ExpressionError, match="check 'c'"):
        check_pack(pack(DAYS, eligible="TRUE", checks=(wrong,)))
    with pytest.raises(PackError, match="declares check 'c' twice"):
        pack(DAYS, eligible="TRUE", checks=(wrong, wrong))


PACK_FILE = """
[pack]
id = "p"
title = "P"
version = "1"
record = "r"
[[field]]
name = "weeks"
type = "integer"
[[field]]
name = "ga"
type = "integer"
from = "weeks * 7"
[[check]]
id = "old_enough"
title = "At least 20 weeks"
must = "ga >= 140"
action = "report"
[[measure]]
id = "m"
title = "M"
better = "higher"
eligible = "TRUE"
met = "ga < 259"
"""


def test_a_file_says_from_and_check(tmp_path):
    path = tmp_path / "p.toml"
    path.write_text(PACK_FILE, encoding="utf-8")
    loaded = load_pack(path)
    assert [field.from_ for field in loaded.fields] == ["", "weeks * 7"]
    assert loaded.checks == (
        Check(id="old_enough", title="At least 20 weeks", must="ga >= 140", action="report"),
    )
    path.write_text(PACK_FILE.replace("from =", "from_ ="), encoding="utf-8")
    with pytest.raises(PackError, match="the key 'from_' is not known; did you mean 'from'"):
        load_pack(path)


# -- completeness -----------------------------------------------------------------------------


def test_completeness_by_field_and_measure_in_every_unit_and_period():
    chosen = pack(
        Field(name="days", type="integer", range=(0, 6)), WEEKS, eligible="weeks > 30", met="days=0"
    )
    frame = pd.DataFrame(
        {
            "unit": ["A", "A", "A", "B", "A"],
            "born": ["2024-01-01", "2024-01-02", "2024-01-03", "2024-02-01", None],
            "weeks": [37, None, 37, 38, 37],
            "days": [0, 9, None, 1, 1],
        }
    )
    found = count(frame, packs=[chosen], **BY).completeness
    rows = found.assign(period=found["period"].dt.month, share=found["share"].round(3))
    known = [
        [None if isinstance(cell, float) and math.isnan(cell) else cell for cell in row]
        for row in rows.astype("object").to_numpy().tolist()
    ]
    assert known == [
        [None, "days", "A", 1, 3, 1, 0.333, 0],
        [None, "days", "A", 2, 0, 0, None, 0],
        [None, "days", "B", 1, 0, 0, None, 0],
        [None, "days", "B", 2, 1, 1, 1.0, 0],
        [None, "weeks", "A", 1, 3, 2, 0.667, 0],
        [None, "weeks", "A", 2, 0, 0, None, 0],
        [None, "weeks", "B", 1, 0, 0, None, 0],
        [None, "weeks", "B", 2, 1, 1, 1.0, 0],
        ["p@1:m", None, "A", 1, 2, 1, 0.5, 0],
        ["p@1:m", None, "A", 2, 0, 0, None, 0],
        ["p@1:m", None, "B", 1, 0, 0, None, 0],
        ["p@1:m", None, "B", 2, 1, 1, 1.0, 0],
    ]


def test_only_the_fields_that_wanted_measures_use_are_in_completeness():
    chosen = pack(DAYS, WEEKS, eligible="TRUE")
    found = count(births(days=[0], weeks=[1]), packs=[chosen], **BY).completeness
    assert found["field"].dropna().unique().tolist() == ["days"]


def test_without_quality_the_counts_are_the_same():
    frame = births(weeks=[37, 36, 99, None], days=[0, 6, 0, 1])
    full = count(frame, packs=[CHAIN], **BY)
    bare = count(frame, packs=[CHAIN], quality=False, **BY)
    pd.testing.assert_frame_equal(full.counts, bare.counts)
    assert bare.quality.empty
    assert bare.completeness.empty
    assert list(bare.completeness.columns) == list(full.completeness.columns)
    with pytest.raises(InputError, match=r"none of its 1 records can be used$"):
        count(births(weeks=[99], days=[0]), packs=[CHAIN], quality=False, **BY)
