"""Labels of units from a dated table of their own: funnels of peers."""

from __future__ import annotations

import json

import pandas as pd
import pytest

import spcbench as sb
from spcbench.errors import InputError, OptionError

MONTHS = pd.date_range("2024-01-01", periods=4, freq="MS")
TABLE = """unit,group,valid_from,valid_to,note
A,big,,,
B,big,,2024-02-29,moved
B,small,2024-03-01,,
C,small,,,
D,,,,nobody knows
Z,small,,,not in the counts
"""


def counts(units="ABCDE", **more):
    rows = [
        {"measure": "m", "unit": unit, "period": month, "numerator": 40 + at, "denominator": 100}
        for at, unit in enumerate(units)
        for month in MONTHS
    ]
    return pd.DataFrame(rows).assign(**more)


@pytest.fixture
def labels(tmp_path):
    def write(text=TABLE):
        path = tmp_path / "groups.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def groups_of(found):
    return dict(zip(found.units["unit"], found.units["group"], strict=True))


def unlabelled(found):
    rows = found.advice[found.advice["code"].eq("unlabelled")]
    return [json.loads(cell)["units"] for cell in rows["evidence"]]


@pytest.mark.parametrize("made", ["path", "text", "frame", "dates"])
def test_a_label_holds_from_its_date_to_its_date(labels, made):
    table = labels()
    if made == "text":
        table = str(table)
    if made in ("frame", "dates"):
        dates = ["valid_from", "valid_to"] if made == "dates" else []
        table = pd.read_csv(table, parse_dates=dates, keep_default_na=True)
    before = sb.funnels(counts(), labels=table, by="group", last="2024-02")
    after = sb.funnels(counts(), labels=table, by="group", first="2024-03")
    assert groups_of(before) == {"A": "big", "B": "big", "C": "small"}
    assert groups_of(after) == {"A": "big", "B": "small", "C": "small"}
    assert before.summary["units"].tolist() == [2, 1]


def test_units_without_a_label_are_kept_out_and_listed(labels):
    found = sb.funnels(counts(), labels=labels(), by="group", first="2024-03")
    assert unlabelled(found) == [["D", "E"]]
    told = found.advice.set_index("code").loc["unlabelled", "message"]
    assert told.startswith("2 of 5 units have no group")
    assert "(D, E)" in told
    assert found.method["labels"] == "groups.csv"
    assert found.curve["group"].notna().all()
    for picture in ("funnel", "caterpillar"):
        caption = " ".join(found.plot(picture=picture).labels.caption.split())
        assert "2 units are on no funnel, without a known group." in caption
    assert "without a known" not in sb.funnels(counts()).plot().labels.caption


def test_a_column_of_the_counts_with_gaps_means_the_same():
    frame = counts()
    frame["group"] = frame["unit"].map({"A": "big", "B": "big", "C": "small"})
    found = sb.funnels(frame, by="group")
    assert groups_of(found) == {"A": "big", "B": "big", "C": "small"}
    assert unlabelled(found) == [["D", "E"]]


def test_a_measure_of_unlabelled_units_only_is_told_of(labels):
    both = pd.concat([counts(), counts("E").assign(measure="other")], ignore_index=True)
    found = sb.funnels(both, labels=labels(), by="group", first="2024-03")
    assert set(found.summary["measure"]) == {"m"}
    assert unlabelled(found) == [["D", "E"], ["E"]]


def test_a_unit_labelled_in_part_of_the_window_is_kept_out(labels):
    found = sb.funnels(counts("AB"), labels=labels("unit,kind\nA,x\n"), by="kind")
    assert groups_of(found) == {"A": "x"}
    late = labels("unit,kind,valid_from\nA,x,\nB,x,2024-02-01\n")
    assert groups_of(sb.funnels(counts("AB"), labels=late, by="kind")) == {"A": "x"}
    assert unlabelled(sb.funnels(counts("AB"), labels=late, by="kind")) == [["B"]]
    assert groups_of(sb.funnels(counts("AB"), labels=late, by="kind", first="2024-02")) == {
        "A": "x",
        "B": "x",
    }


def test_a_label_that_changes_within_a_period_is_none_of_that_period(labels):
    frame = counts("AB").assign(period_end=lambda one: one["period"] + pd.offsets.MonthEnd(0))
    table = labels("unit,kind,valid_from,valid_to\nA,x,,2024-03-15\nA,y,2024-03-16,\nB,x,,\n")
    march = sb.funnels(frame, labels=table, by="kind", first="2024-03", last="2024-03")
    assert groups_of(march) == {"B": "x"}
    april = sb.funnels(frame, labels=table, by="kind", first="2024-04")
    assert groups_of(april) == {"A": "y", "B": "x"}


def test_a_unit_with_two_labels_in_the_window_is_refused(labels):
    with pytest.raises(InputError, match="unit 'B' has more than one group in measure 'm'"):
        sb.funnels(counts(), labels=labels(), by="group")


def test_a_change_is_compared_with_peers_of_the_later_window(labels):
    found = sb.funnels(
        counts(), data_type="change", before=("2024-01", "2024-02"), labels=labels(), by="group"
    )
    assert groups_of(found) == {"A": "big", "B": "small", "C": "small"}
    assert unlabelled(found) == [["D", "E"]]


def test_the_order_of_rows_does_not_matter(labels):
    ordered = sb.funnels(counts(), labels=labels(), by="group", first="2024-03").units
    lines = TABLE.splitlines()
    shuffled = "\n".join([lines[0], *reversed(lines[1:])]) + "\n"
    found = sb.funnels(counts(), labels=labels(shuffled), by="group", first="2024-03").units
    pd.testing.assert_frame_equal(ordered, found)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "unit,group\nA,x\nB,x\nA,y\n",
            "groups.csv, line 2 and groups.csv, line 4: 'A' has two labels, 'x' and 'y', at one "
            "time; give the dates from which and to which each holds (valid_from, valid_to)",
        ),
        (
            "unit,group,valid_from,valid_to\nA,x,,2024-03-31\nA,y,2024-03-31,\n",
            "'A' has two labels, 'x' and 'y', on 2024-03-31",
        ),
        ("unit,group\nA,x\nA,x\n", "line 2 and groups.csv, line 3: 'A' stands there twice"),
        (
            "unit,group,valid_from,valid_to\nA,x,2024-03-31,2024-03-01\n",
            "line 2, column 'valid_to': 'A' has 'x' to 2024-03-01, before it began",
        ),
        (
            "unit,group,valid_from\nA,x,31/03/2024\n",
            "line 2, column 'valid_from': '31/03/2024' is not a date in ISO order (YYYY-MM-DD)",
        ),
        ("unit,group\n,x\n", "line 2, column 'unit' is blank"),
        ("Org_Code,group\nA,x\n", "groups.csv has no column 'unit'"),
        ("unit,grp\nA,x\n", "groups.csv has no column 'group'"),
        ("unit,group,group\nA,x,y\n", "has the column 'group' twice"),
        ("unit,group,valid_form\nA,x,\n", "a column 'valid_form'; did you mean 'valid_from'?"),
        ("unit,group,from\nA,x,\n", "a column 'from'; did you mean 'valid_from'?"),
        ("unit,group\nQ,x\n", "no unit of the counts stands in groups.csv"),
        ("unit,group\nA,\n", "no unit of the counts has a group"),
    ],
)
def test_a_table_that_does_not_fit(labels, text, message):
    with pytest.raises((InputError, OptionError)) as error:
        sb.funnels(counts(), labels=labels(text), by="group")
    assert message in str(error.value)
    assert "--date-format" not in str(error.value)


def test_what_labels_go_with(labels):
    with pytest.raises(OptionError, match="labels need by"):
        sb.funnels(counts(), labels=labels())
    with pytest.raises(OptionError, match="the counts have labels of their own in 'group'"):
        sb.funnels(counts(group="x"), labels=labels(), by="group")
    with pytest.raises(OptionError, match="'unit'"):
        sb.funnels(counts(), labels=labels(), by="unit")
    blank = counts(group=pd.Series([None] * 20, dtype="string"))
    assert groups_of(sb.funnels(blank, labels=labels(), by="group", first="2024-03"))["A"] == "big"


def test_the_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.csv"):
        sb.funnels(counts(), labels=tmp_path / "nowhere.csv", by="group")
