"""Records that stand in the data twice: told by count and validate, and never dropped silently."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest
from click.testing import CliRunner

import spcbench as sb
from spcbench.cli import main
from spcbench.errors import PackError
from spcbench.measures.measure import Field, Measure
from spcbench.plugin import Pack

WARM = Measure(id="warm", title="Warm", better="higher", eligible="TRUE", met="celsius >= 36.5")
FIELDS = (
    Field(name="celsius", type="number", range=(25, 45)),
    Field(name="baby_id", type="text", optional=True),
)
PACK = Pack(
    id="warmth", title="Warmth", version="1", record="baby", key="baby_id",
    fields=FIELDS, measures=(WARM,),
)  # fmt: skip


def births(ids, **more):
    return pd.DataFrame(
        {
            "unit": "RJ1",
            "born": "2024-01-03",
            "celsius": [36.6] * len(ids),
            "baby_id": ids,
            **more,
        }
    )


def counted(table, **options):
    return sb.count(
        table,
        **{"packs": [PACK], "unit_column": "unit", "date_column": "born", **options},
    )


def repeated(quality):
    own = quality[quality["problem"] == "repeated"]
    return list(zip(own["field"], own["records"], strict=True))


def test_a_record_whose_key_stood_before_is_told_and_still_counted():
    found = counted(births(["A", "B", "A", "A", "C", "B"]))
    assert repeated(found.quality) == [("baby_id", 3)]
    assert found.counts["denominator"].tolist() == [6]
    assert found.provenance["records_rejected"] == 0
    assert found.provenance["notes"][0] == (
        "check first: 3 of 6 records repeat the baby_id of another record. None is left out, so "
        "the same baby may count more than once; keep one record for each baby"
    )


def test_each_stands_once():
    found = counted(births(["A", "B", "C"]))
    assert repeated(found.quality) == []
    assert "notes" not in found.provenance


@pytest.mark.parametrize("blank", [None, "", "  ", "nan", float("nan")])
def test_blank_keys_are_not_repeated(blank):
    assert repeated(counted(births(["A", blank, blank, blank])).quality) == []


def test_blanks_around_a_key_do_not_make_two_of_one():
    assert repeated(counted(births(["A", " A ", "B"])).quality) == [("baby_id", 1)]


@pytest.mark.parametrize(
    "ids",
    [
        pa.array([1, 1, 2, None]),
        pa.array([1.0, 1.0, 2.0, float("nan")]),
        pa.array(["1", "1", None, None]),
        pa.array([b"1", b"1", b"2", None]).cast(pa.string()),
    ],
)
def test_keys_may_be_of_any_type(ids):
    table = pa.table(
        {
            "unit": ["RJ1"] * 4, "born": ["2024-01-03"] * 4,
            "celsius": [36.6] * 4, "baby_id": ids,
        }
    )  # fmt: skip
    assert repeated(counted(table).quality) == [("baby_id", 1)]


def test_unit_and_period_of_the_repeat_do_not_matter():
    table = births(["A", "A"], unit=["RJ1", "RRV"], born=["2024-01-03", "2024-03-09"])
    assert repeated(counted(table).quality) == [("baby_id", 1)]


def test_without_the_column_nothing_is_checked_and_that_is_said():
    found = counted(births(["A", "A"]).drop(columns="baby_id"))
    assert repeated(found.quality) == []
    assert found.provenance["notes"] == [
        "there is no baby_id: not checked whether a baby stands in the data twice"
    ]
    empty = counted(births([None, None]))
    assert empty.provenance["notes"] == found.provenance["notes"]


def test_without_quality_nothing_is_asked():
    found = counted(births(["A", "A"]), quality=False)
    assert "notes" not in found.provenance
    assert found.quality.empty


def test_a_pack_without_a_key_is_as_before():
    plain = Pack(id="p", title="P", version="1", record="baby", fields=FIELDS, measures=(WARM,))
    found = counted(births(["A", "A"]), packs=[plain])
    assert repeated(found.quality) == []
    assert "notes" not in found.provenance


def test_two_packs_with_one_key_tell_it_once():
    other = Pack(
        id="other", title="O", version="1", record="baby", key="baby_id",
        fields=FIELDS, measures=(WARM,),
    )  # fmt: skip
    found = counted(births(["A", "A"]), packs=[PACK, other])
    assert repeated(found.quality) == [("baby_id", 1)]
    assert len(found.provenance["notes"]) == 1


def test_a_mapping_may_make_the_key():
    table = births(["A", "A"]).rename(columns={"baby_id": "NN4B"})
    assert repeated(counted(table, columns={"baby_id": "NN4B"}).quality) == [("baby_id", 1)]


def test_repeats_across_files_are_seen_and_named_by_file_and_row(tmp_path):
    births(["A", "B", "A"]).to_csv(tmp_path / "a.csv", index=False)
    births(["C", "B"]).to_csv(tmp_path / "b.csv", index=False)
    assert repeated(counted(tmp_path).quality) == [("baby_id", 2)]
    told = sb.validate(tmp_path, packs=[PACK])
    assert told.problems[["file", "row", "field", "reason"]].to_numpy().tolist() == [
        ["a.csv", 4, "baby_id", "the same baby_id stands in an earlier record"],
        ["b.csv", 3, "baby_id", "the same baby_id stands in an earlier record"],
    ]


def test_validate_tells_rows_and_how_often():
    found = sb.validate(births(["A"] * 5), packs=[PACK], rows=2)
    assert found.problems["row"].tolist() == [2, 3]
    assert repeated(found.quality) == [("baby_id", 4)]
    assert "A" not in set(found.problems.to_numpy().ravel().tolist())


def test_a_key_that_is_no_field_is_refused():
    with pytest.raises(PackError, match="key names the field 'baby'"):
        Pack(
            id="p", title="P", version="1", record="baby", key="baby",
            fields=FIELDS, measures=(WARM,),
        )  # fmt: skip


PACK_FILE = """
[pack]
id = "warmth"
title = "Warmth"
version = "1"
record = "baby"
key = "baby_id"

[[field]]
name = "celsius"
type = "number"

[[field]]
name = "baby_id"
type = "text"
optional = true

[[measure]]
id = "warm"
title = "Warm"
better = "higher"
eligible = "TRUE"
met = "celsius >= 36.5"
"""


def test_a_file_says_the_key_and_the_command_line_tells_the_repeats(tmp_path):
    (tmp_path / "warmth.toml").write_text(PACK_FILE, "utf-8")
    births(["A", "B", "A"]).to_csv(tmp_path / "b.csv", index=False)
    given = [str(tmp_path / "b.csv"), "--packs", str(tmp_path / "warmth.toml")]
    done = CliRunner().invoke(
        main,
        ["count", *given, "--unit-column", "unit", "--date-column", "born",
         "-o", str(tmp_path / "c.csv")],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "  baby_id: repeated (1 record)\n" in done.output
    assert "CHECK FIRST: 1 of 3 records repeats the baby_id of another record" in done.output
    checked = CliRunner().invoke(main, ["validate", *given, "--fail-on", "problems"])
    assert checked.exit_code == 1
    assert "No record is wrong" not in checked.output
    assert "  baby_id: the same baby_id stands in an earlier record (row 4)\n" in checked.output


def test_the_perinatal_packs_know_a_baby_by_its_id():
    pytest.importorskip("spcbench_pop")
    names = ("pop@2020", "pop@2023", "periprem@2020", "periprem@2021", "nnap@2021", "nnap@2022",
             "nnap@2024", "precept@2018")  # fmt: skip
    from spcbench.plugin import default_host

    assert {default_host().pack(one).key for one in names} == {"baby_id"}


def test_a_doubled_file_is_told(tmp_path):
    pytest.importorskip("spcbench_pop")
    table = births(["A", "B"], ga_days=190, births=1, mgso4_given="true")
    twice = counted(pd.concat([table, table]), packs=["pop@2023"], measures=["mgso4"])
    assert repeated(twice.quality) == [("baby_id", 2)]
    assert twice.counts["denominator"].tolist() == [4]
