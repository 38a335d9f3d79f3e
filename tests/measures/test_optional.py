"""Columns that the data may lack: unknown for every record, and said so."""

from __future__ import annotations

import pandas as pd
import pytest

from spcbench.errors import InputError, PackError
from spcbench.measures.counting import count
from spcbench.measures.measure import Check, Field, Measure
from spcbench.measures.validating import validate
from spcbench.plugin.records import Pack

BY = {"unit_column": "unit", "date_column": "born"}
PACK = Pack(
    id="p",
    title="P",
    version="1",
    record="baby",
    fields=(
        Field(name="ga_days", type="integer", optional=True),
        Field(name="ga_weeks", type="integer", optional=True),
        Field(name="days", type="integer", from_="COALESCE(ga_days, ga_weeks * 7)", required=True),
        Field(name="given", type="boolean", optional=True),
        Field(name="first_at", type="datetime", optional=True),
        Field(name="second_at", type="date", optional=True),
        Field(name="word", type="text", optional=True),
        Field(name="warm", type="boolean"),
    ),
    checks=(Check(id="order", title="In order", must="second_at >= first_at"),),
    measures=(
        Measure(id="dose", title="Dose", better="higher", eligible="days < 210", met="given"),
        Measure(
            id="late",
            title="Late",
            better="higher",
            eligible="word IS NULL OR word = 'x'",
            met="days_between(first_at, second_at) > 1",
        ),
        Measure(id="warm", title="Warm", better="higher", eligible="TRUE", met="warm"),
    ),
)


def births(**columns):
    return pd.DataFrame({"unit": ["A", "A"], "born": "2024-01-01", "warm": [True, None]} | columns)


def test_a_column_that_is_not_there_is_unknown_for_every_record():
    found = count(births(ga_weeks=[29, 31]), packs=[PACK], **BY)
    rows = found.counts[["measure", "numerator", "denominator", "missing"]].to_numpy().tolist()
    assert rows == [["p@1:dose", 0, 0, 1], ["p@1:late", 0, 0, 2], ["p@1:warm", 1, 1, 1]]
    absent = ["ga_days", "given", "first_at", "second_at", "word"]
    assert found.provenance["columns_absent"] == absent
    assert found.provenance["notes"] == ["known for no record: given, first_at, second_at, word"]


def test_the_column_it_is_worked_out_from_instead_speaks_for_it():
    found = count(births(ga_weeks=[29, 31], given=True), packs=[PACK], measures=["dose"], **BY)
    told = found.completeness.dropna(subset="field")[["field", "known"]].to_numpy().tolist()
    assert told == [["ga_weeks", 2], ["days", 2], ["given", 2]]
    assert found.provenance["columns_absent"] == ["ga_days"]
    assert "notes" not in found.provenance


def test_what_is_worked_out_can_be_required_of_every_record():
    with pytest.raises(InputError, match="none of its 2 records can be used; most often column"):
        count(births(), packs=[PACK], measures=["dose"], **BY)


def test_a_measure_without_its_plain_column_is_still_refused():
    with pytest.raises(InputError, match="has no column 'warm'"):
        count(births(ga_days=200).drop(columns="warm"), packs=[PACK], **BY)


@pytest.mark.parametrize("name", ["Given", " given", "GIVEN "])
def test_a_column_of_almost_that_name_is_not_taken_for_absent(name):
    frame = births(ga_days=[200, 201], **{name: True})
    with pytest.raises(InputError) as caught:
        count(frame, packs=[PACK], measures=["dose"], **BY)
    assert str(caught.value) == (
        f"the table has the column {name!r}, which is called 'given' in the pack; rename it"
    )


def test_a_mapping_makes_an_optional_column():
    found = count(births(weeks=[29, 31]), packs=[PACK], columns={"ga_days": "weeks * 7"}, **BY)
    assert found.counts["missing"].sum() == 1 + 2 + 1
    assert "ga_weeks" in found.provenance["columns_absent"]


def test_files_of_which_one_has_the_column(tmp_path):
    births(ga_days=[200, 201], given=True).to_csv(tmp_path / "a.csv", index=False)
    births(ga_days=[200, 201]).to_csv(tmp_path / "b.csv", index=False)
    found = count(tmp_path / "*.csv", packs=[PACK], measures=["dose"], **BY)
    assert found.counts[["numerator", "missing"]].to_numpy().tolist() == [[2, 2]]


def test_validate_says_so_too():
    found = validate(births(ga_days=[200, 201]), packs=[PACK])
    known = dict(found.fields[["field", "known"]].to_numpy().tolist())
    assert (known["ga_days"], known["given"], known["warm"]) == (2, 0, 1)
    assert "ga_weeks" not in known
    losing = found.measures.set_index("measure")
    assert losing.loc["p@1:dose", "fields"] == "given"
    assert found.provenance["columns_absent"][0] == "ga_weeks"


@pytest.mark.parametrize("key", ["required", "from_"])
def test_optional_does_not_go_with_all(key):
    with pytest.raises(PackError, match=f"optional does not go with {key.rstrip('_')}"):
        Field(name="x", type="integer", optional=True, **{key: "y" if key == "from_" else True})
