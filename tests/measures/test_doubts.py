"""Records that pass one by one, and cannot be what a pack takes them for all together."""

from __future__ import annotations

import pandas as pd
import pytest
from click.testing import CliRunner

import spcbench
from spcbench.cli import main
from spcbench.errors import InputError
from spcbench.measures.doubts import LEAST_KNOWN, MANY
from spcbench.measures.measure import Field, Measure
from spcbench.measures.validating import validate
from spcbench.plugin.records import Pack
from spcbench.testing.births import write_births

FIELDS = (
    Field(name="ga", type="integer", range=(100, 320), optional=True),
    Field(name="clamp", type="number", range=(0, 1000)),
    Field(name="died", type="boolean"),
)


def measures(**more):
    warm = {"title": "M", "better": "higher", "eligible": "ga < 238", "met": "clamp >= 60"}
    lost = {"title": "L", "better": "lower", "eligible": "ga < 238", "met": "died"}
    return (Measure(id="ocm", **{**warm, **more}), Measure(id="lost", **lost))


def pack(**more):
    return Pack(
        id="test",
        title="T",
        version="1",
        record="baby",
        fields=FIELDS,
        measures=measures(**more),
    )


def babies(number=LEAST_KNOWN, *, unit="RJ1", clamp=1.5, died=False, ga=200):
    frame = pd.DataFrame({"unit": [unit] * number, "clamp": clamp, "died": died, "ga": ga})
    return frame.assign(day="2024-01-05", ga=frame["ga"].astype("Int64"))


def counted(frame, **more):
    how = {"packs": [pack()], "unit_column": "unit", "date_column": "day"}
    return spcbench.count(frame, **{**how, **more})


def odd(found):
    """Measure, problem and number of the rows that doubt a whole unit."""
    rows = found.quality[found.quality["problem"].str.startswith("met_by")]
    return rows[["measure", "problem", "records"]].to_numpy().tolist()


# --------------------------------------------------------------- met by none of many


def test_minutes_in_a_column_of_seconds_are_told():
    found = counted(babies())

    assert odd(found) == [["test@1:ocm", "met_by_none", 20]]
    (note,) = found.provenance["notes"]
    assert note == (
        "check first: test@1:ocm: none of the known cases met it in RJ1 (20); check the unit and "
        "the codes of its columns: clamp"
    )
    assert found.counts["denominator"].to_list() == [20, 20]  # told, and counted as it stands


@pytest.mark.parametrize(
    "frame",
    [
        babies(LEAST_KNOWN - 1),
        pd.concat([babies(), babies(1, clamp=60)]),
        babies(clamp=60),
        pd.concat([babies(LEAST_KNOWN - 1), babies(5, clamp=None)]),  # unknown is no miss
        pd.concat([babies(12), babies(12, unit="RJ2")]),  # each unit by itself
    ],
)
def test_a_miss_that_chance_may_give_is_not_told(frame):
    found = counted(frame)

    assert odd(found) == []
    assert "notes" not in found.provenance


def test_every_unit_is_named_and_all_its_periods_are_taken_together():
    early = babies(10).assign(day="2023-11-01")
    frame = pd.concat([early, babies(10), babies(30, unit="RJ2"), babies(9, unit="RJ7", clamp=90)])
    found = counted(frame)

    assert odd(found) == [["test@1:ocm", "met_by_none", 50]]
    assert "in RJ1 (20), RJ2 (30);" in found.provenance["notes"][0]


def test_where_fewer_is_better_all_is_told_and_none_is_not():
    assert odd(counted(babies(clamp=60, died=True))) == [["test@1:lost", "met_by_all", 20]]
    assert odd(counted(babies(clamp=60, died=False))) == []


@pytest.mark.parametrize("more", [{"strata": "designation"}, {"better": "neither"}])
def test_what_may_be_so_by_construction_is_left_out(more):
    assert odd(counted(babies(), packs=[pack(**more)])) == []


def test_validate_says_it_too_with_units_and_without():
    for unit, said in ((None, "all records (20)"), ("unit", "RJ1 (20)")):
        found = validate(babies(), packs=[pack()], unit_column=unit)

        assert odd(found) == [["test@1:ocm", "met_by_none", 20]]
        assert said in " ".join(found.provenance["notes"])


def test_the_demonstration_gives_no_false_alarm(tmp_path):
    pytest.importorskip("spcbench_pop")
    path = tmp_path / "births.csv"
    write_births(path)
    found = spcbench.count(path, packs=["pop"], unit_column="trust_code", date_column="birth_date")

    assert odd(found) == []


# -------------------------------------------------------------------- many set aside


def test_most_records_set_aside_is_told_with_the_field_that_most_break():
    frame = pd.concat([babies(16, ga=33), babies(4)])  # weeks where days belong
    (note,) = counted(frame).provenance["notes"]

    assert note.startswith(
        "check first: 16 of 20 records (80 %) were set aside, most often because"
    )
    assert "of ga (expected 100 to 320; 16 records)" in note


def test_a_fifth_set_aside_is_let_pass_and_more_is_not():
    assert MANY == 0.2
    assert "notes" not in counted(pd.concat([babies(4, ga=33), babies(16)])).provenance
    assert "notes" in counted(pd.concat([babies(5, ga=33), babies(15)])).provenance


def test_a_share_of_very_few_records_says_nothing():
    assert "notes" not in counted(pd.concat([babies(18, ga=33), babies(1)])).provenance


def test_a_share_is_never_rounded_to_all():
    (note,) = counted(pd.concat([babies(999, ga=33), babies(1)])).provenance["notes"]

    assert "(99 %)" in note


def test_the_command_line_says_it_aloud_and_can_fail(tmp_path):
    pytest.importorskip("spcbench_pop")
    path, out = tmp_path / "births.csv", tmp_path / "counts.csv"
    write_births(path)
    table = pd.read_csv(path, dtype=str)
    table["birthweight_g"] = pd.to_numeric(table["birthweight_g"]) / 1000
    table.to_csv(path, index=False)
    words = ["count", str(path), "--packs", "pop", "--unit-column", "trust_code"]
    words += ["--date-column", "birth_date", "-o", str(out)]

    refused = CliRunner().invoke(main, [*words, "--max-set-aside", "0.2"])
    assert refused.exit_code == 1
    assert "more than --max-set-aside 0.2; nothing was written" in refused.output
    assert not out.exists()
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0
    lines = done.output.splitlines()  # with lines on progress where the machine is slow
    first = next(at for at, line in enumerate(lines) if line.endswith(" set aside"))
    assert lines[first + 1].startswith("CHECK FIRST: ")
    assert "because of birthweight_g (expected 200 to 7000" in done.output


# ------------------------------------------------------------------ nothing to count


def test_nothing_to_count_names_what_is_missing():
    with pytest.raises(InputError, match=r"nothing can be counted.* ga \(not there\)"):
        counted(babies().drop(columns="ga"))
    with pytest.raises(InputError, match=r"nothing can be counted.* ga \(empty\)"):
        counted(babies(ga=None))


def test_nobody_eligible_is_no_fault():
    found = counted(babies(ga=280))

    assert found.counts["denominator"].sum() == 0


def test_one_known_record_is_enough():
    found = counted(pd.concat([babies(ga=None), babies(1, clamp=60)]))

    assert found.counts["denominator"].sum() == 2


# ------------------------------------------------------- names that a mapping passes over


def test_a_mapping_does_not_hide_a_column_in_almost_the_name_of_a_field():
    frame = babies(3, clamp=60).rename(columns={"ga": "GA", "died": "Dead"})
    frame["ga_days"] = 200
    found = counted(frame, columns={"died": "Dead", "clamp": "clamp"}, packs=[pack_with_weight()])
    loud = [note for note in found.provenance["notes"] if note.startswith("check first")]

    assert loud == [
        "check first: the column 'GA' is not used, because the pack calls it 'ga' and the mapping "
        "does not name it; rename it, or add 'ga' to the mapping"
    ]


def test_a_column_that_the_mapping_uses_is_no_fault():
    frame = babies(3, clamp=60).rename(columns={"ga": "GA"})
    found = counted(frame, columns={"ga": "GA"})

    assert not [one for one in found.provenance["notes"] if one.startswith("check first")]


def pack_with_weight():
    """A pack that counts without `ga`, so that its absence is no reason to stop."""
    everyone = Measure(id="all", title="A", better="higher", eligible="TRUE", met="clamp >= 60")
    return Pack(
        id="test",
        title="T",
        version="1",
        record="baby",
        fields=FIELDS,
        measures=(everyone, *measures()),
    )
