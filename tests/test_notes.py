"""Notes: what is let in, every message, and exactly where they take effect."""

from __future__ import annotations

import datetime as dt
import os
import re

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spcbench.counts_cells import Place
from spcbench.counts_check import checked
from spcbench.errors import InputError, OptionError
from spcbench.notes import NOTES, appended, note, place, read_notes
from spcbench.numeric.segments import Segments

HEADER = "measure,unit,date,action,reason,author,until,points\n"
WHO = {"reason": "because", "author": "A. Shah"}


def write(folder, text, *, name="notes.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def months(start, size):
    return pd.date_range(start, periods=size, freq="MS")


def said(placed):
    """The comments without what was decided and by whom."""
    frame = r"(New phase: |Not used: |Limits from here[^:]*: )|( \([A-Z][^)]*\))"
    return [re.sub(frame, "", text) for text in placed.comment]


def counts(*series, **columns):
    """Checked counts of (measure, unit, periods) series."""
    frame = pd.concat(
        [
            pd.DataFrame({"measure": m, "unit": u, "period": periods, "numerator": 1})
            for m, u, periods in series
        ],
        ignore_index=True,
    ).assign(denominator=10, **columns)
    return checked(frame, place=Place(None))


def placed(notes, found, **options):
    return place(read_notes(notes), found.frame, found.series, **options)


def refused(call, *given, error=InputError, **options):
    with pytest.raises(error) as caught:
        call(*given, **options)
    return str(caught.value)


ONE = [("m", "a", months("2024-01-01", 6))]
TWO = [("m", "a", months("2024-01-01", 6)), ("m", "b", months("2024-03-01", 4))]


# ------------------------------------------------------------------------------ reading


def test_a_file_by_hand(tmp_path):
    path = write(
        tmp_path,
        HEADER
        + "pop:ocm,RJ1,2024-04-01,rebase,New clinic,A. Shah,,\n"
        + ",,,freeze,First year,A. Shah,,12\n"
        + '\n,,,,,,,\n,RJ1,2024-03-11,comment,"PDSA 1: bands, bigger",,,\n'
        + ",, 2024-01-01 ,exclude,Strike,B. Lee,2024-02-29,\n",
    )
    notes = read_notes(path)

    assert list(notes.columns) == NOTES.names
    assert (notes.dtypes == NOTES.empty().dtypes).all()
    assert notes["action"].to_list() == ["rebase", "freeze", "comment", "exclude"]
    assert notes["where"].to_list() == [f"notes.csv, line {line}" for line in (2, 3, 6, 7)]
    assert notes["reason"].iloc[2] == "PDSA 1: bands, bigger"
    assert notes["measure"].isna().to_list() == [False, True, True, True]
    assert notes["date"].iloc[3] == pd.Timestamp("2024-01-01")
    assert notes["until"].iloc[3] == pd.Timestamp("2024-02-29")
    assert notes["points"].iloc[1] == 12
    assert notes["date"].isna().to_list() == [False, True, False, False]


@pytest.mark.parametrize(
    ("text", "encoding", "options"),
    [
        (HEADER + "m,a,2024-04-01,comment,Café,,,\n", "utf-8-sig", {}),
        (HEADER.replace(",", ";") + "m;a;2024-04-01;comment;Café;;;\n", "utf-8", {}),
        (HEADER.replace(",", "\t") + "m\ta\t2024-04-01\tcomment\tCafé\t\t\t\n", "utf-8", {}),
        (HEADER + "m,a,01/04/2024,comment,Café,,,\n", "utf-8", {"date_format": "%d/%m/%Y"}),
        ("measure,unit,date,action,reason,author\r\nm,a,2024-04,comment,Café,\r\n", "utf-8", {}),
    ],
)
def test_files_of_other_kinds(tmp_path, text, encoding, options):
    (one,) = read_notes(write(tmp_path, text, encoding=encoding), **options).itertuples()

    assert (one.measure, one.unit, one.reason) == ("m", "a", "Café")
    assert one.date == pd.Timestamp("2024-04-01")


def test_a_text_over_two_lines_keeps_the_lines_of_later_notes(tmp_path):
    path = write(tmp_path, HEADER + '"m",,2024-04-01,comment,"one\ntwo",,,\n,,2024-05-01,x,,,,\n')

    assert refused(read_notes, path).startswith("notes.csv, line 4, column 'action': 'x' is")


def test_tables_of_every_kind_give_the_same():
    cells = {
        "measure": ["m", None],
        "unit": [None, "a"],
        "date": [dt.date(2024, 4, 1), None],
        "action": ["rebase", "freeze"],
        "reason": ["why", "why"],
        "author": ["AS", "AS"],
        "points": [None, 12],
    }
    expected = read_notes(pd.DataFrame(cells))
    by_note = [
        note("rebase", date="2024-04-01", reason="why", author="AS", measure="m"),
        note("freeze", date=None, reason="why", author="AS", unit="a", points=12),
    ]
    for source in (pl.DataFrame(cells), pa.table(cells), by_note, tuple(by_note), expected):
        pd.testing.assert_frame_equal(read_notes(source), expected)
    assert expected["where"].to_list() == ["the notes, row 1", "the notes, row 2"]


def test_no_notes():
    for none in ([], NOTES.empty(), NOTES.empty().drop(columns=["where", "until", "points"])):
        assert (read_notes(none).dtypes == NOTES.empty().dtypes).all()


def test_note_gives_one_row_of_notes_that_can_be_joined():
    one = note("exclude", date=pd.Timestamp("2024-01-01"), until=dt.date(2024, 2, 1), **WHO)

    assert list(one.columns) == NOTES.names[:-1]
    assert one["until"].iloc[0] == pd.Timestamp("2024-02-01")
    both = pd.concat([one, note("comment", date="2024-03-01", reason="PDSA 1")])
    assert len(read_notes(both)) == 2


LINE = "notes.csv, line 2"
ORDER = (
    " is not a date in ISO order (YYYY-MM-DD), and the order is never guessed; say how dates are "
    "written, such as date_format='%d/%m/%Y' (--date-format '%d/%m/%Y')"
)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (
            ",,2024-04-01,rebas,w,A,,",
            f"{LINE}, column 'action': 'rebas' is not an action; did you mean 'rebase'? Known: "
            "comment, exclude, freeze, rebase",
        ),
        (
            ",,2024-04-01,Freeze,w,A,,12",
            f"{LINE}, column 'action': 'Freeze' is not an action; did you mean 'freeze'? Known: "
            "comment, exclude, freeze, rebase",
        ),
        (
            ",,2024-04-01, ,w,A,,",
            f"{LINE}, column 'action' is blank; expected one of rebase, freeze, exclude, comment",
        ),
        (
            ",,2024-04-01,rebase,,A,,",
            f"{LINE}, column 'reason' is blank; a rebase needs a reason: say why; of a comment it "
            "is the text",
        ),
        (
            ",,2024-04-01,exclude, ,A,,\n,,2024-04-01,comment,,,,",
            f"{LINE}, column 'reason' is blank; an exclude needs a reason: say why; of a comment "
            "it is the text (2 such rows)",
        ),
        (
            ",,2024-04-01,exclude,w,,,",
            f"{LINE}, column 'author' is blank; an exclude needs an author: say who decided",
        ),
        (
            ",,,freeze,w,,,12",
            f"{LINE}, column 'author' is blank; a freeze needs an author: say who decided",
        ),
        (
            ",,,comment,w,,,",
            f"{LINE}, column 'date' is blank; a comment needs a date: give the first day of a "
            "period",
        ),
        (",,01/04/2024,rebase,w,A,,", f"{LINE}, column 'date': '01/04/2024'{ORDER}"),
        (",,2024-04-31,rebase,w,A,,", f"{LINE}, column 'date': '2024-04-31'{ORDER}"),
        (",,2024-04-01,exclude,w,A,May,", f"{LINE}, column 'until': 'May'{ORDER}"),
        (
            ",,2024-04-01,exclude,w,A,2024-03-31,",
            f"{LINE}, column 'until': 2024-03-31 is before the date, 2024-04-01",
        ),
        (
            ",,2024-04-01,rebase,w,A,2024-05-01,",
            f"{LINE}, column 'until' is for freeze and exclude only; leave it blank",
        ),
        (
            ",,2024-04-01,comment,w,A,2024-05-01,",
            f"{LINE}, column 'until' is for freeze and exclude only; leave it blank",
        ),
        (
            ",,2024-04-01,exclude,w,A,,12",
            f"{LINE}, column 'points' is for freeze only; leave it blank",
        ),
        (
            ",,2024-04-01,freeze,w,A,,",
            f"{LINE}: a freeze needs either points (how many) or until (a date); both are blank",
        ),
        (
            ",,2024-04-01,freeze,w,A,2024-05-01,12",
            f"{LINE}: a freeze has either points or until; both are given",
        ),
        *(
            (
                f",,2024-04-01,freeze,w,A,,{points}",
                f"{LINE}, column 'points': {points} is not a whole number of 3 or more; fewer "
                "points give no limits",
            )
            for points in ("2", "12.5", "-12", "twelve", "1e2", "99999999999999999999")
        ),
        (
            ",,2024-04-01,rebase,w,A,,\n,,2024-04-01,rebase,other,B,,",
            "notes.csv, line 3 repeats notes.csv, line 2 (rebase on 2024-04-01); keep one of them",
        ),
        (
            ",,2024-04-01,comment,w,A,,\n,,2024-04-01,comment,w,B,,",
            "notes.csv, line 3 repeats notes.csv, line 2 (comment on 2024-04-01); keep one of them",
        ),
        (
            ",,,freeze,w,A,,12\n,,,freeze,w,A,,12",
            "notes.csv, line 3 repeats notes.csv, line 2 (freeze); keep one of them",
        ),
        (
            ",,,freeze,w,A,,12\n,,,freeze,w,A,2024-05-01,",
            "notes.csv, line 3 freezes the same phase as notes.csv, line 2, on other points; "
            "keep one of them",
        ),
        (
            ",,2024-04-01,comment,one, two,,,",
            "notes.csv, line 2 has 9 cells, expected 8; a text that holds the separator must "
            "stand in quotation marks",
        ),
        (',,2024-04-01,comment,"one" two,,,', "notes.csv, line 2: ',' expected after '\"'"),
    ],
)
def test_messages_on_cells(tmp_path, row, expected):
    assert refused(read_notes, write(tmp_path, HEADER + row + "\n")) == expected


@pytest.mark.parametrize("points", ["3", "12.0", " 24 "])
def test_points_that_do(tmp_path, points):
    path = write(tmp_path, HEADER + f",,,freeze,w,A,,{points}\n")

    assert read_notes(path)["points"].to_list() == [int(float(points))]


def test_what_is_not_a_repetition(tmp_path):
    rows = (
        ",,2024-04-01,comment,one,,,\n,,2024-04-01,comment,two,,,\n"
        ",,2024-04-01,rebase,w,A,,\nm,,2024-04-01,rebase,w,A,,\n,a,2024-04-01,rebase,w,A,,\n"
        ",,2024-05-01,exclude,w,A,,\n,,2024-05-01,exclude,w,A,2024-06-01,\n"
    )

    assert len(read_notes(write(tmp_path, HEADER + rows))) == 7


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "measure,unit,date,action,reason,autor\n",
            "notes.csv has no column 'author'; did you mean 'autor'? Known: action, autor, date, "
            "measure, reason, unit. Notes need the columns measure, unit, date, action, reason, "
            "author",
        ),
        (
            "measure,unit,date,action,reason,author,untill\n",
            "notes.csv has a column 'untill', which notes do not have; did you mean 'until' or "
            "'unit'? Known: action, author, date, measure, points, reason, unit, until",
        ),
        (HEADER.replace("points", "unit"), "notes.csv has the column 'unit' twice; keep one of "
         "them"),
        ("\n" + HEADER, "notes.csv, line 1 is blank; the names of the columns stand there"),
        (",,,\n", "notes.csv, line 1 is blank; the names of the columns stand there"),
        ("\ufeff", "notes.csv, line 1 is blank; the names of the columns stand there"),
        ("  \n", "notes.csv is empty"),
        ("PK\x03\x04", "notes.csv is not a CSV file of notes: it looks like an Excel workbook or "
         "other zip archive"),
    ],
)  # fmt: skip
def test_messages_on_files(tmp_path, text, expected):
    assert refused(read_notes, write(tmp_path, text)) == expected


def test_cp1252_and_missing_files_are_refused(tmp_path):
    path = write(tmp_path, HEADER + ",,2024-04-01,comment,Café,,,\n", encoding="cp1252")

    assert refused(read_notes, str(path)) == (
        "notes.csv, line 2: the text is not UTF-8; save the file as 'CSV UTF-8'"
    )
    missing = tmp_path / "none.csv"
    assert refused(read_notes, missing) == (
        f"there is no file {missing}; check the name and the folder"
    )


def test_messages_on_tables():
    assert refused(read_notes, {"a": 1}) == (
        "notes must be the name of a CSV file, a pandas, polars or Arrow table, or a list of "
        "note(...); this is dict"
    )
    assert refused(read_notes, ["rebase"]).endswith("this is str")
    numbers = pd.DataFrame({name: ["x"] for name in NOTES.names[:6]})
    numbers = numbers.assign(action="comment", date="2024-01-01", unit=101)
    assert refused(read_notes, numbers) == (
        "the notes, row 1, column 'unit': 101 is a number, expected text; codes that look like "
        "numbers lose their leading zeros, so read that column as text"
    )
    numbers = numbers.assign(action="x")
    assert refused(read_notes, [note("comment", date="2024-01-01", reason="x"), numbers]) == (
        "the notes, row 2, column 'action': 'x' is not an action; Known: comment, exclude, "
        "freeze, rebase"
    )
    assert refused(note, "freeze", date=None, **WHO) == (
        "the note, row 1: a freeze needs either points (how many) or until (a date); both are blank"
    )
    assert refused(note, "freeze", date=None, points=True, **WHO).startswith(
        "the note, row 1, column 'points': True is not a whole number of 3"
    )


def test_a_table_given_is_not_changed():
    frame = note("rebase", date="2024-04-01", **WHO).assign(points=pd.NA)
    before = frame.copy()
    read_notes([frame])
    read_notes(frame)

    pd.testing.assert_frame_equal(frame, before)


# ------------------------------------------------------------------------------ placing


def test_nothing_to_place():
    found = counts(*TWO)
    empty = checked(found.frame.iloc[:0], place=Place(None))
    for one in (found, empty):
        for notes in ([], [note("rebase", date="2024-04-01", **WHO)] * (one is empty)):
            made = placed(notes, one)
            size = one.series.size
            assert made.phase.dtype == np.int64
            assert made.phase.tolist() == [1] * size
            assert made.segments.starts.tolist() == one.series.starts.tolist()
            assert made.latest.tolist() == list(range(len(one.series)))
            assert made.in_baseline.tolist() == [True] * size
            assert made.excluded.tolist() == [False] * size
            assert said(made) == [""] * size
            assert made.applied == []


def test_phases_by_hand():
    notes = [
        note("rebase", date="2024-05-01", reason="move", author="B"),
        note("rebase", date="2024-03-01", reason="clinic", author="A", unit="a"),
    ]
    made = placed(notes, counts(*TWO))

    assert made.phase.tolist() == [1, 1, 2, 2, 3, 3, 1, 1, 2, 2]
    assert made.segments.starts.tolist() == [0, 2, 4, 6, 8]
    assert made.segments.size == 10
    assert made.latest.tolist() == [2, 4]
    assert said(made) == ["", "", "clinic", "", "move", "", "", "", "move", ""]
    assert made.in_baseline.all()
    assert not made.excluded.any()
    nothing = {"until": None, "points": None, "measure": None}
    assert made.applied == [
        {"action": "rebase", "date": "2024-05-01", "reason": "move", "author": "B", "unit": None}
        | nothing,
        {"action": "rebase", "date": "2024-03-01", "reason": "clinic", "author": "A", "unit": "a"}
        | nothing,
    ]


def test_rebase_on_the_first_period_makes_no_phase_and_twice_makes_one():
    notes = [
        note("rebase", date="2024-01-01", **WHO),
        note("rebase", date="2024-03-01", **WHO),
        note("rebase", date="2024-03-01", unit="a", **WHO),
    ]
    made = placed(notes, counts(*TWO))

    assert made.phase.tolist() == [1, 1, 2, 2, 2, 2, 1, 1, 1, 1]
    assert said(made)[2] == "because"  # the same reason once
    assert len(made.applied) == 3


def test_rebase_in_a_missing_month_of_one_series_starts_with_its_next():
    gap = months("2024-01-01", 6).delete([2, 3])
    made = placed(
        [note("rebase", date="2024-03-01", **WHO)],
        counts(("m", "a", months("2024-01-01", 6)), ("m", "b", gap)),
    )

    assert made.phase.tolist() == [1, 1, 2, 2, 2, 2, 1, 1, 2, 2]


def test_rebase_before_or_after_a_series_leaves_it_alone():
    found = counts(
        ("m", "a", months("2024-01-01", 4)),
        ("m", "b", months("2024-03-01", 2)),
        ("m", "c", months("2024-01-01", 1)),
    )
    made = placed([note("rebase", date="2024-02-01", **WHO)], found)

    assert made.phase.tolist() == [1, 2, 2, 2, 1, 1, 1]
    assert made.latest.tolist() == [1, 2, 3]
    assert [text for text in said(made) if text] == ["because", "because"]


def test_measures_by_full_partly_and_bare_name():
    found = counts(
        ("pop@1:x", "a", months("2024-01-01", 2)),
        ("pop@1:y", "a", months("2024-01-01", 2)),
    )
    for name in ("pop@1:y", "pop:y", "y"):
        made = placed([note("rebase", date="2024-02-01", measure=name, **WHO)], found)
        assert made.phase.tolist() == [1, 1, 1, 2]
        assert made.applied[0]["measure"] == "pop@1:y"


def test_scattered_series_of_one_unit():
    size = 3
    found = counts(
        *((m, u, months("2024-01-01", size)) for m in ("x", "y", "z") for u in ("a", "b", "c"))
    )
    made = placed([note("exclude", date="2024-02-01", until="2024-03-15", unit="b", **WHO)], found)

    rows = found.frame["unit"].eq("b") & found.frame["period"].ge("2024-02-01")
    assert made.excluded.tolist() == rows.tolist()
    made = placed([note("comment", date="2024-01-20", reason="x", unit="b")], found)
    assert np.flatnonzero(said(made)).tolist() == [3, 12, 21]


def test_exclusions_by_hand():
    notes = [
        note("exclude", date="2024-02-01", reason="strike", author="A"),
        note("exclude", date="2024-04-01", until="2024-05-01", reason="flood", author="A"),
    ]
    made = placed(notes, counts(*ONE))

    assert made.excluded.tolist() == [False, True, False, True, True, False]
    assert said(made) == ["", "strike", "", "flood", "flood", ""]
    assert made.in_baseline.all()
    assert made.phase.tolist() == [1] * 6
    assert made.applied[1]["until"] == "2024-05-01"


def test_until_the_day_before_a_period_leaves_that_period():
    made = placed([note("exclude", date="2024-02-01", until="2024-03-31", **WHO)], counts(*ONE))

    assert made.excluded.tolist() == [False, True, True, False, False, False]


def test_a_range_of_one_day_is_that_period():
    one = note("exclude", date="2024-02-01", until="2024-02-01", **WHO)

    assert placed([one], counts(*ONE)).excluded.tolist() == [False, True, *[False] * 4]


def test_freezes_by_hand():
    found = counts(*ONE)
    by_points = placed([note("freeze", date=None, points=4, **WHO)], found)
    by_date = placed([note("freeze", date="2024-01-01", until="2024-04-01", **WHO)], found)

    assert by_points.in_baseline.tolist() == [True] * 4 + [False] * 2
    assert by_date.in_baseline.tolist() == [True] * 4 + [False] * 2
    assert by_points.phase.tolist() == [1] * 6
    assert said(by_points) == ["because", *[""] * 5]
    assert by_points.applied[0]["date"] is None
    assert by_points.applied[0]["points"] == 4


def test_freeze_and_phases_together():
    found = counts(("m", "a", months("2024-01-01", 12)))
    first = note("freeze", date=None, points=3, **WHO)
    second = note("freeze", date="2024-06-01", until="2024-09-30", **WHO)
    rebase = note("rebase", date="2024-06-01", reason="clinic", author="A")
    made = placed([first, second, rebase], found)

    assert made.phase.tolist() == [1] * 5 + [2] * 7
    assert made.in_baseline.tolist() == [True] * 3 + [False] * 2 + [True] * 4 + [False] * 3
    assert said(made)[5] == "because; clinic"
    only = placed([first, rebase], found)
    assert only.in_baseline.tolist() == [True] * 3 + [False] * 2 + [True] * 7


def test_a_freeze_counts_points_with_data_and_excluded_ones():
    numerator = [1, 1, 0, 1, 1, 1]
    found = counts(*ONE)
    frame = found.frame.assign(
        status=pd.Categorical.from_codes(
            [1 - n for n in numerator], categories=list(found.frame["status"].cat.categories)
        )
    )
    notes = read_notes(
        [note("freeze", date=None, points=3, **WHO), note("exclude", date="2024-02-01", **WHO)]
    )
    made = place(notes, frame, found.series)

    assert made.in_baseline.tolist() == [True] * 4 + [False] * 2
    assert made.excluded.tolist() == [False, True, *[False] * 4]
    plain = place(notes, frame.drop(columns="status"), found.series)
    assert plain.in_baseline.tolist() == [True] * 3 + [False] * 3


@pytest.mark.parametrize("span", [{"points": 6}, {"points": 99}, {"until": "2024-06-01"},
                                  {"until": "2030-01-01"}])  # fmt: skip
def test_a_freeze_as_long_as_the_phase_or_longer_uses_it_all(span):
    made = placed([note("freeze", date=None, **span, **WHO)], counts(*ONE))

    assert made.in_baseline.all()
    assert len(made.applied) == 1


def test_freezes_of_neighbouring_series_do_not_leak():
    made = placed([note("freeze", date=None, points=3, **WHO)], counts(*TWO))
    assert made.in_baseline.tolist() == [True] * 3 + [False] * 3 + [True] * 3 + [False]

    same = [note("freeze", date=None, points=5, **WHO)]
    same.append(note("freeze", date="2024-01-01", points=5, unit="a", **WHO))
    made = placed(same, counts(*TWO))
    assert made.in_baseline.tolist() == [True] * 5 + [False] + [True] * 4
    assert len(made.applied) == 2


def test_comments_lie_in_the_period_that_contains_their_date():
    for date, row in [
        ("2024-01-01", 0),
        ("2024-01-31", 0),
        ("2024-02-01", 1),
        ("2024-06-01", 5),
        ("2024-06-30", 5),
    ]:
        made = placed([note("comment", date=date, reason="PDSA")], counts(*ONE))
        assert np.flatnonzero(said(made)).tolist() == [row]
        assert made.in_baseline.all()
        assert not made.excluded.any()
        assert made.phase.tolist() == [1] * 6


def test_a_comment_says_what_was_decided_why_and_by_whom():
    notes = [
        note("rebase", date="2024-02-01", reason="New clinic", author="A. Shah"),
        note("freeze", date="2024-02-01", points=3, reason="First quarter", author="B. Lee"),
        note("exclude", date="2024-06-01", reason="Strike", author="C. Khan"),
        note("comment", date="2024-05-01", reason="PDSA 1"),
    ]
    assert list(placed(notes, counts(*ONE)).comment)[1:6] == [
        "New phase: New clinic (A. Shah); Limits from here, 3 points: First quarter (B. Lee)",
        "",
        "",
        "PDSA 1",
        "Not used: Strike (C. Khan)",
    ]


def test_comments_are_joined_in_the_order_of_the_file():
    notes = [
        note("comment", date="2024-02-20", reason="late"),
        note("comment", date="2024-02-02", reason="early"),
        note("exclude", date="2024-02-01", reason="strike", author="A"),
    ]
    made = placed(notes, counts(*ONE))

    assert said(made)[1] == "late; early; strike"


@pytest.mark.parametrize(
    ("periods", "date", "fits"),
    [
        (pd.date_range("2024-01-01", periods=4, freq="QS"), "2024-12-31", True),
        (pd.date_range("2024-01-01", periods=4, freq="QS"), "2025-01-01", False),
        (pd.date_range("2021-04-01", periods=3, freq="12MS"), "2024-03-31", True),
        (pd.date_range("2021-04-01", periods=3, freq="12MS"), "2024-04-01", False),
        (pd.date_range("2024-01-01", periods=4, freq="7D"), "2024-01-28", True),
        (pd.date_range("2024-01-01", periods=4, freq="7D"), "2024-01-29", False),
        (pd.date_range("2024-01-01", periods=4, freq="D"), "2024-01-05", False),
        (months("2024-01-01", 1), "2024-01-31", True),
        (months("2024-01-01", 1), "2024-02-01", False),
        (months("2024-01-01", 6).delete([2]), "2024-07-01", False),
    ],
)
def test_the_last_period_ends_where_the_next_would_begin(periods, date, fits):
    found = counts(("m", "a", periods))
    notes = [note("comment", date=date, reason="PDSA")]
    if fits:
        assert placed(notes, found).comment[len(periods) - 1] == "PDSA"
    else:
        assert refused(placed, notes, found) == (
            f"the notes, row 1, column 'date': {date} falls in no period; the nearest is "
            f"{periods[-1]:%Y-%m-%d}"
        )


@pytest.mark.parametrize(
    ("words", "last"),
    [
        ("month", "2024-06-30"),
        ("quarter", "2024-08-31"),
        ("2 months", "2024-07-31"),
        ("10 days", "2024-06-10"),
        ("week", "2024-06-07"),
        ("year", "2025-05-31"),
        ("unknown", "2024-06-30"),
    ],
)
def test_a_frequency_that_is_known_goes_before_the_periods(words, last):
    found = counts(*ONE)
    beyond = pd.Timestamp(last) + pd.Timedelta(days=1)
    for date, fits in [(last, True), (beyond, False)]:
        notes = [note("comment", date=date, reason="PDSA")]
        if fits:
            assert placed(notes, found, frequency={"m": words}).comment[5] == "PDSA"
        else:
            refused(placed, notes, found, frequency={"m": words})


def test_a_comment_on_all_goes_to_the_series_that_have_the_period():
    found = counts(*TWO, ("q", "a", pd.date_range("2023-01-01", periods=4, freq="QS")))
    made = placed([note("comment", date="2023-12-15", reason="x")], found)
    assert np.flatnonzero(said(made)).tolist() == [13]
    made = placed([note("comment", date="2024-02-15", reason="x")], found)
    assert np.flatnonzero(said(made)).tolist() == [1]


def test_events_on_one_day():
    frame = pd.DataFrame(
        {
            "measure": "m",
            "unit": "a",
            "period": ["2024-01-01", "2024-02-01", "2024-02-01", "2024-03-01"],
            "sequence": [1, 1, 2, 1],
            "numerator": 1,
            "denominator": 2,
        }
    )
    found = checked(frame, place=Place(None))
    assert placed([note("rebase", date="2024-02-01", **WHO)], found).phase.tolist() == [1, 2, 2, 2]
    made = placed([note("exclude", date="2024-02-01", **WHO)], found)
    assert made.excluded.tolist() == [False, True, True, False]
    made = placed([note("comment", date="2024-02-01", reason="x")], found)
    assert said(made) == ["", "", "x", ""]


WHERE = "the notes, row 1"


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        (
            [note("rebase", date="2024-02-15", **WHO)],
            f"{WHERE}, column 'date': no period begins on 2024-02-15; the nearest are 2024-02-01 "
            "and 2024-03-01",
        ),
        (
            [note("exclude", date="2023-01-01", measure="m", unit="a", **WHO)],
            f"{WHERE}, column 'date': no period of measure 'm', unit 'a' begins on 2023-01-01; "
            "the nearest is 2024-01-01",
        ),
        (
            [note("freeze", date="2024-02-01", points=3, unit="b", **WHO)],
            f"{WHERE}, column 'date': no period of unit 'b' begins on 2024-02-01; the nearest is "
            "2024-03-01",
        ),
        (
            [note("rebase", date="2024-07-01", **WHO)],
            f"{WHERE}, column 'date': no period begins on 2024-07-01; the nearest is 2024-06-01",
        ),
        (
            [note("comment", date="2024-02-29", reason="x", unit="b")],
            f"{WHERE}, column 'date': 2024-02-29 falls in no period of unit 'b'; the nearest is "
            "2024-03-01",
        ),
        (
            [note("rebase", date="2024-03-01", measure="n", **WHO)],
            f"{WHERE}, column 'measure': the counts have no measure 'n'; Known: m",
        ),
        (
            [note("rebase", date="2024-03-01", unit="A", **WHO)],
            f"{WHERE}, column 'unit': the counts have no unit 'A'; did you mean 'a'? Known: a, b",
        ),
        (
            [note("freeze", date="2024-03-01", points=3, **WHO)],
            f"{WHERE}, column 'date': no phase of measure 'm', unit 'a' begins on 2024-03-01; its "
            "phases begin on 2024-01-01. Give one of these, or rebase",
        ),
        (
            [
                note("freeze", date="2024-05-01", points=3, unit="a", **WHO),
                note("rebase", date="2024-04-01", **WHO),
            ],
            f"{WHERE}, column 'date': no phase of measure 'm', unit 'a' begins on 2024-05-01; its "
            "phases begin on 2024-01-01, 2024-04-01. Give one of these, or rebase",
        ),
        (
            [
                note("freeze", date=None, until="2024-04-30", **WHO),
                note("rebase", date="2024-04-01", unit="b", **WHO),
            ],
            f"{WHERE}, column 'until': 2024-04-30 lies in another phase of measure 'm', unit 'b', "
            "which begins on 2024-04-01; a baseline lies in one phase",
        ),
        (
            [
                note("freeze", date=None, points=3, **WHO),
                note("freeze", date=None, points=4, unit="b", **WHO),
            ],
            f"the notes, row 2 contradicts {WHERE}: both freeze measure 'm', unit 'b' from "
            "2024-03-01, on different points; keep one of them",
        ),
        (
            [
                note("freeze", date=None, until="2024-05-01", **WHO),
                note("freeze", date=None, until="2024-04-01", unit="a", **WHO),
            ],
            f"the notes, row 2 contradicts {WHERE}: both freeze measure 'm', unit 'a' from "
            "2024-01-01, on different points; keep one of them",
        ),
        (
            [
                note("freeze", date="2024-01-01", until="2024-03-01", unit="a", **WHO),
                note("freeze", date=None, points=3, **WHO),
            ],
            f"the notes, row 2 contradicts {WHERE}: both freeze measure 'm', unit 'a' from "
            "2024-01-01, on different points; keep one of them",
        ),
        (
            [note("exclude", date="2024-03-01", until="2024-06-01", **WHO)],
            f"{WHERE}: no point of measure 'm', unit 'b' from 2024-03-01 to 2024-06-01 is left to "
            "estimate limits from; exclude fewer points, or freeze more",
        ),
        (
            [
                note("freeze", date=None, points=3, unit="a", **WHO),
                note("comment", date="2024-01-01", reason="x"),
                note("exclude", date="2024-01-01", until="2024-03-01", unit="a", **WHO),
            ],
            f"{WHERE} and the notes, row 3: no point of measure 'm', unit 'a' from 2024-01-01 to "
            "2024-06-01 is left to estimate limits from; exclude fewer points, or freeze more",
        ),
        (
            [note("freeze", date=None, until="2024-02-01", **WHO)],
            f"{WHERE}: no point of measure 'm', unit 'b' from 2024-03-01 to 2024-06-01 is left to "
            "estimate limits from; exclude fewer points, or freeze more",
        ),
    ],
)
def test_messages_on_notes_that_do_not_fit(notes, expected):
    assert refused(placed, notes, counts(*TWO)) == expected


def test_names_that_do_not_fit():
    found = counts(
        ("p@1:x", "a", months("2024-01-01", 2)),
        ("q@1:x", "b", months("2024-01-01", 2)),
        *(("q@1:y", f"R{at:02d}", months("2024-01-01", 2)) for at in range(30)),
    )
    options = {"date": "2024-02-01", **WHO}
    assert refused(placed, [note("rebase", measure="x", **options)], found) == (
        f"{WHERE}, column 'measure': measure 'x' could be p@1:x or q@1:x; write the full name"
    )
    assert refused(placed, [note("rebase", measure="p:x", unit="b", **options)], found) == (
        f"{WHERE}: no row has measure 'p@1:x' and unit 'b'"
    )
    message = refused(placed, [note("rebase", unit="R9", **options)], found)
    assert message.startswith(
        f"{WHERE}, column 'unit': the counts have no unit 'R9'; did you mean 'R29' or"
    )
    message = refused(placed, [note("rebase", unit="St George's", **options)], found)
    assert message.endswith("; they have 32 others")


def test_the_line_of_the_file_is_told(tmp_path):
    path = write(tmp_path, HEADER + "\n,,2024-02-15,rebase,w,A,,\n")

    assert refused(placed, path, counts(*ONE)).startswith("notes.csv, line 3, column 'date': no")


def test_a_phase_without_data_needs_no_point():
    found = counts(*ONE)
    frame = found.frame.assign(
        status=pd.Categorical.from_codes(
            [0, 0, 0, 1, 1, 1], categories=list(found.frame["status"].cat.categories)
        )
    )
    notes = read_notes(
        [note("rebase", date="2024-04-01", **WHO), note("exclude", date="2024-04-01", **WHO)]
    )

    assert place(notes, frame, found.series).excluded.sum() == 1


# ------------------------------------------------------------------------- parts of a table

KNOWN = {"known_measures": ["m", "n"], "known_units": ["a", "b"]}


def test_notes_on_other_series_are_not_for_this_chart():
    notes = [
        note("rebase", date="1999-01-01", measure="n", **WHO),
        note("comment", date="1999-01-01", reason="x", unit="b"),
        note("rebase", date="2024-03-01", measure="m", **WHO),
    ]
    made = placed(notes, counts(*ONE), **KNOWN)

    assert made.phase.tolist() == [1, 1, 2, 2, 2, 2]
    assert [one["date"] for one in made.applied] == ["2024-03-01"]
    wrong = [note("rebase", date="2024-03-01", measure="o", **WHO)]
    assert refused(placed, wrong, counts(*ONE), **KNOWN) == (
        f"{WHERE}, column 'measure': the counts have no measure 'o'; Known: m, n"
    )
    # The whole table given as known is no narrowing.
    whole = {"known_measures": ["m"], "known_units": ["a"]}
    assert "no period begins" in refused(
        placed, [note("rebase", date="1999-01-01", **WHO)], counts(*ONE), **whole
    )


def test_dates_of_other_series_are_no_error_in_a_part():
    known = {**KNOWN, "known_periods": months("2023-01-01", 24)}
    found = counts(("m", "a", months("2024-01-01", 6).delete([2])))
    made = placed([note("rebase", date="2024-03-01", **WHO)], found, **known)
    assert made.phase.tolist() == [1, 1, 2, 2, 2]
    for one in (
        note("rebase", date="2023-05-01", **WHO),
        note("exclude", date="2024-03-01", **WHO),
        note("comment", date="2023-05-05", reason="x"),
    ):
        made = placed([one], found, **known)
        assert made.phase.tolist() == [1] * 5
        assert not made.excluded.any()
        assert set(said(made)) <= {"", "because"}
    own = [note("rebase", date="2024-03-01", measure="m", unit="a", **WHO)]
    assert "no period of measure 'm', unit 'a' begins" in refused(placed, own, found, **known)
    odd = [note("rebase", date="2024-03-02", **WHO)]
    assert "no period begins on 2024-03-02" in refused(placed, odd, found, **known)
    early = [note("comment", date="2022-12-31", reason="x")]
    assert "falls in no period" in refused(placed, early, found, **known)


def test_notes_later_than_the_last_period_kept():
    notes = [
        note("rebase", date="2024-07-01", **WHO),
        note("exclude", date="2024-08-15", **WHO),
        note("freeze", date="2024-07-01", points=12, **WHO),
        note("comment", date="2024-07-01", reason="later"),
        note("comment", date="2024-06-20", reason="within"),
    ]
    made = placed(notes, counts(*ONE), until="2024-06-01")

    assert [one["reason"] for one in made.applied] == ["within"]
    assert said(made)[5] == "within"
    assert made.in_baseline.all()
    early = [note("rebase", date="2024-05-15", **WHO)]
    for last in ("2024-06-01", "2024-05-15"):
        assert "no period begins" in refused(placed, early, counts(*ONE), until=last)


# -------------------------------------------------------------------------------- properties


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_phases_number_as_one_would_by_hand(data):
    lengths = data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=5))
    held = [
        (f"m{at % 2}", f"u{at}", months("2024-01-01", 12)[12 - size :])
        for at, size in enumerate(lengths)
    ]
    found = counts(*held)
    dates = [f"{one:%Y-%m-%d}" for one in found.frame["period"].unique()]
    chosen = data.draw(st.lists(st.sampled_from(dates), unique=True, max_size=6))
    made = placed([note("rebase", date=date, **WHO) for date in chosen], found)

    expected, starts, row = [], [], 0
    for _, rows in found.frame.groupby(["measure", "unit"], sort=False):
        phase = 1
        starts.append(row)
        for at, period in enumerate(rows["period"]):
            if at and f"{period:%Y-%m-%d}" in chosen:
                phase += 1
                starts.append(row)
            expected.append(phase)
            row += 1
    assert made.phase.tolist() == expected
    assert made.segments.starts.tolist() == starts
    last = [max(i for i, s in enumerate(starts) if s <= end) for end in found.series.lasts]
    assert made.latest.tolist() == last


@settings(max_examples=25, deadline=None)
@given(st.lists(st.booleans(), min_size=3, max_size=30), st.integers(3, 30), st.integers(0, 20))
def test_a_frozen_baseline_holds_the_points_asked_for(has, points, cut):
    size = len(has)
    found = counts(("m", "a", months("2022-01-01", size)), ("m", "b", months("2022-01-01", size)))
    categories = list(found.frame["status"].cat.categories)
    status = pd.Categorical.from_codes([0 if one else 1 for one in has * 2], categories=categories)
    notes = [note("freeze", date=None, points=points, **WHO)]
    if 0 < cut < size:
        notes.append(note("rebase", date=f"{months('2022-01-01', size)[cut]:%Y-%m-%d}", **WHO))
    made = place(read_notes(notes), found.frame.assign(status=status), found.series)

    first = np.array(has[: cut if 0 < cut < size else size])
    for start in (0, size):
        kept = made.in_baseline[start : start + size]
        assert (kept[: first.size] & first).sum() == min(points, first.sum())
        assert (np.diff(kept[: first.size].astype(int)) <= 0).all()
        assert kept[first.size :].all()


@settings(max_examples=12, deadline=None)
@given(st.permutations(range(5)))
def test_the_order_of_notes_changes_only_the_order_of_texts(order):
    notes = [
        note("rebase", date="2024-06-01", reason="a", author="A"),
        note("freeze", date="2024-06-01", reason="b", author="A", points=3),
        note("exclude", date="2024-03-01", until="2024-04-01", reason="c", author="A"),
        note("comment", date="2024-06-11", reason="d"),
        note("freeze", date=None, until="2024-04-30", reason="e", author="A"),
    ]
    found = counts(("m", "a", months("2024-01-01", 12)), ("m", "b", months("2024-02-01", 9)))
    straight, mixed = placed(notes, found), placed([notes[at] for at in order], found)

    for name in ("phase", "in_baseline", "excluded", "latest"):
        np.testing.assert_array_equal(getattr(straight, name), getattr(mixed, name))
    for one, other in zip(straight.comment, mixed.comment, strict=True):
        assert sorted(one.split("; ")) == sorted(other.split("; "))


def test_many_series_together_equal_each_alone():
    units = [("m", f"u{at}", months("2023-01-01", 14)[at:]) for at in range(6)]
    notes = [
        note("rebase", date="2023-11-01", **WHO),
        note("freeze", date="2023-11-01", reason="f", author="A", points=3),
        note("exclude", date="2023-08-01", until="2023-09-15", reason="e", author="A"),
        note("comment", date="2024-02-11", reason="c"),
    ]
    together = placed(notes, counts(*units))
    begin = 0
    for one in units:
        alone = placed(notes, counts(one))
        rows = slice(begin, begin + len(one[2]))
        for name in ("phase", "in_baseline", "excluded"):
            np.testing.assert_array_equal(getattr(together, name)[rows], getattr(alone, name))
        assert list(together.comment[rows]) == list(alone.comment)
        begin = rows.stop


def test_nothing_given_is_changed():
    found = counts(*TWO)
    frame, starts = found.frame.copy(), found.series.starts.copy()
    notes = read_notes([note("rebase", date="2024-04-01", **WHO)])
    before = notes.copy()
    place(notes, found.frame, Segments(found.series.starts, found.series.size))

    pd.testing.assert_frame_equal(found.frame, frame)
    pd.testing.assert_frame_equal(notes, before)
    np.testing.assert_array_equal(found.series.starts, starts)


# --------------------------------------------------------------------------------- appending


def test_a_file_is_made_and_grows(tmp_path):
    path = tmp_path / "notes.csv"
    appended(path, note("freeze", date=None, points=12, reason="First, year", author="A"))
    known = appended(str(path), [note("rebase", date="2024-04-01", unit="RJ1", **WHO)])

    assert path.read_text("utf-8") == (
        HEADER + ',,,freeze,"First, year",A,,12\n,RJ1,2024-04-01,rebase,because,A. Shah,,\n'
    )
    pd.testing.assert_frame_equal(known, read_notes(path))
    assert [one.name for one in tmp_path.iterdir()] == ["notes.csv"]


@pytest.mark.parametrize(
    ("before", "added"),
    [
        (HEADER + ",,2024-01-01,comment,x,,,", "\n,,2024-05-01,exclude,because,A. Shah,,\n"),
        (
            "\ufeff" + HEADER.replace(",", ";").replace("\n", "\r\n"),
            ";;2024-05-01;exclude;because;A. Shah;;\r\n",
        ),
        (
            "author,reason,action,date,unit,measure\n\n,odd,comment,2024-01-01,,\n",
            "A. Shah,because,exclude,2024-05-01,,\n",
        ),
    ],
)
def test_what_stands_in_a_file_stays_byte_for_byte(tmp_path, before, added):
    path = write(tmp_path, before)
    path.chmod(0o640)
    appended(path, note("exclude", date="2024-05-01", **WHO))

    assert path.read_bytes() == (before + added).encode()
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o640


def test_dates_as_the_file_writes_them(tmp_path):
    path = write(tmp_path, HEADER + ",,01/04/2024,rebase,w,A,,\n")
    new = note("exclude", date="2024-05-01", until="2024-06-02", **WHO)
    appended(path, new, date_format="%d/%m/%Y")

    assert path.read_text("utf-8").splitlines()[2] == (
        ",,01/05/2024,exclude,because,A. Shah,02/06/2024,"
    )


@pytest.mark.parametrize(
    ("before", "new", "expected"),
    [
        (
            HEADER + ",,2024-04-01,rebase,w,A,,\n",
            note("rebase", date="2024-04-01", **WHO),
            "the new note 1 repeats notes.csv, line 2 (rebase on 2024-04-01); keep one of them",
        ),
        (
            HEADER + ",,,freeze,w,A,,12\n",
            note("freeze", date=None, points=24, **WHO),
            "the new note 1 freezes the same phase as notes.csv, line 2, on other points; keep "
            "one of them",
        ),
        (
            HEADER + ",,2024-04-01,rebase,,A,,\n",
            note("comment", date="2024-04-01", reason="x"),
            f"{LINE}, column 'reason' is blank; a rebase needs a reason: say why; of a comment it "
            "is the text",
        ),
        (
            "measure,unit,date,action,reason,author\n",
            note("freeze", date=None, points=24, **WHO),
            "notes.csv has no column 'points', which the new note needs; add the column to the "
            "file",
        ),
        (
            "unit,period\nRJ1,2024-01-01\n",
            note("comment", date="2024-04-01", reason="x"),
            "notes.csv has no column 'measure'; Known: period, unit. Notes need the columns "
            "measure, unit, date, action, reason, author",
        ),
    ],
)
def test_a_file_that_cannot_be_extended_stays_as_it_was(tmp_path, before, new, expected):
    path = write(tmp_path, before)

    assert refused(appended, path, new) == expected
    assert path.read_text("utf-8") == before
    assert [one.name for one in tmp_path.iterdir()] == ["notes.csv"]


def test_a_folder_that_does_not_exist(tmp_path):
    path = tmp_path / "none" / "notes.csv"
    message = refused(
        appended, path, note("comment", date="2024-01-01", reason="x"), error=OptionError
    )

    assert message == (
        f"cannot write {str(path)!r}: No such file or directory; the notes are as they were"
    )


@pytest.mark.skipif(os.name != "posix", reason="links want a privilege on Windows")
def test_a_link_stays_a_link(tmp_path):
    real = write(tmp_path, HEADER)
    link = tmp_path / "link.csv"
    link.symlink_to(real)
    appended(link, note("comment", date="2024-01-01", reason="x"))

    assert link.is_symlink()
    assert len(read_notes(real)) == 1
