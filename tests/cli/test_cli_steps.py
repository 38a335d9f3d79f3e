"""`spcbench steps`: suggestions in plain words, and notes of those that are accepted."""

from __future__ import annotations

import csv

import pytest
from click.testing import CliRunner

from spcbench.cli.steps_command import command
from spcbench.errors import InputError, OptionError
from spcbench.plugin import PluginHost

LOW, HIGH = [28, 30, 29] * 8, [40, 42, 41] * 8
TOLD = (
    "early_milk, A: From 2023-01-01 the level may have moved: 58.0 % → 82.0 %, based on 21 "
    "points; 24 points in a row lie above the centre line before it."
)
HEADER = "measure,unit,date,action,reason,author,until,points\n"
ACCEPT = ("--accept", "--author", "A. Analyst", "-o", "notes.csv")


@pytest.fixture
def steps(tmp_path, monkeypatch):
    """Run the command in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def steps(*arguments):
        return CliRunner().invoke(command, [str(one) for one in arguments], obj=PluginHost.of())

    return steps


@pytest.fixture
def table(written):
    """Four years of three units: A rises, B falls, C stays."""
    series = {"A": LOW + HIGH, "B": HIGH + LOW, "C": LOW + LOW}
    return written(
        *(
            f"early_milk,{unit},{2021 + month // 12}-{month % 12 + 1:02d}-01,{met},50"
            for unit, values in series.items()
            for month, met in enumerate(values)
        )
    )


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_suggestions_in_plain_words(steps, table, tmp_path):
    done = steps(table)

    assert done.exit_code == 0, done.output
    first, second, question = done.stdout.splitlines()
    assert first == TOLD
    assert second.startswith("early_milk, B: ")
    assert "82.0 % → 58.0 %" in second
    assert question == "Suggestions, not findings: is there a reason you know of for each?"
    assert [path.name for path in tmp_path.iterdir()] == [table]


def test_one_suggestion_asks_for_a_reason(steps, table):
    done = steps(table, "--unit", "A", "--measure", "early_milk", "--chart", "p")

    assert done.stdout.splitlines() == [
        TOLD,
        "A suggestion, not a finding: is there a reason you know of?",
    ]


def test_none_says_what_one_needs(steps, table):
    done = steps(table, "--unit", "C", "--period-points", "24", *ACCEPT)

    assert done.exit_code == 0
    assert done.stdout == (
        "No step change is suggested. One needs 24 points before it and 24 from it on; "
        "--period-points asks for fewer, at the price of more false suggestions.\n"
    )


def test_options_are_handed_on(steps, table):
    assert "No step" in steps(table, "--until", "2024-08-01").stdout
    assert "No step" in steps(table, "--shift", "25").stdout
    assert "based on 24 points" in steps(table, "--period-points", "24").stdout


def test_only_the_step_of_a_date(steps, table):
    assert len(steps(table, "--date", "2023-01-01").stdout.splitlines()) == 3
    done = steps(table, "--date", "2023-02-01")
    assert isinstance(done.exception, OptionError)
    assert str(done.exception) == (
        "no step is suggested on 2023-02-01; steps are suggested on 2023-01-01"
    )


def test_suggestions_as_csv(steps, table, tmp_path):
    done = steps(table, "-o", "steps.csv")

    assert done.stdout.splitlines()[-1] == "steps.csv"
    rows = rows_of(tmp_path / "steps.csv")
    assert [(row["unit"], row["date"], row["points"]) for row in rows] == [
        ("A", "2023-01-01", "21"),
        ("B", "2023-01-01", "21"),
    ]
    assert list(rows[0]) == [
        *("measure", "unit", "date", "before", "after", "points", "message", "evidence")
    ]


def test_accepted_steps_become_notes(steps, table, tmp_path):
    done = steps(table, "--unit", "A", "--reason", "New pathway", *ACCEPT)

    assert done.stdout.splitlines()[-1] == "notes.csv"
    (note,) = rows_of(tmp_path / "notes.csv")
    assert note == {
        "measure": "early_milk",
        "unit": "A",
        "date": "2023-01-01",
        "action": "rebase",
        "reason": "New pathway",
        "author": "A. Analyst",
        "until": "",
        "points": "",
    }


def test_the_reason_is_the_suggestions_own_words_if_none_is_given(steps, table, tmp_path):
    steps(table, "--unit", "A", *ACCEPT)

    (note,) = rows_of(tmp_path / "notes.csv")
    assert f"early_milk, A: {note['reason']}" == TOLD


def test_a_file_of_notes_is_added_to(steps, table, tmp_path):
    held = HEADER + "early_milk,B,2022-05-01,comment,Flood,B. Nurse,,\n"
    (tmp_path / "notes.csv").write_text(held, encoding="utf-8")
    steps(table, "--unit", "A", *ACCEPT)

    text = (tmp_path / "notes.csv").read_text(encoding="utf-8")
    assert text.startswith(held)
    assert [row["unit"] for row in rows_of(tmp_path / "notes.csv")] == ["B", "A"]


def test_the_same_step_is_not_accepted_twice(steps, table, tmp_path):
    steps(table, "--unit", "A", *ACCEPT)
    before = (tmp_path / "notes.csv").read_bytes()
    done = steps(table, *ACCEPT)

    assert isinstance(done.exception, InputError)
    assert "notes.csv, line 2" in str(done.exception)
    assert (tmp_path / "notes.csv").read_bytes() == before


def test_a_file_of_something_else_is_left_alone(steps, table, tmp_path):
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    done = steps(table, *ACCEPT)

    assert isinstance(done.exception, InputError)
    assert (tmp_path / "notes.csv").read_text(encoding="utf-8") == "a,b\n1,2\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--accept", "-o", "notes.csv"], "give --author NAME with --accept"),
        (["--accept", "--author", " ", "-o", "notes.csv"], "give --author NAME with --accept"),
        (["--accept", "--author", "A"], "say where with -o, such as -o notes.csv"),
        (["--author", "A"], "--author and --reason go with --accept"),
        (["--reason", "A"], "--author and --reason go with --accept"),
        (["-o", "steps.xlsx"], "cannot write 'steps.xlsx': the name must end in .csv"),
        (["-o", "counts.csv"], "is the file that is being read"),
        (["-o", "nowhere/steps.csv"], "there is no folder 'nowhere'"),
        (["--period-points", "6"], "period must be a whole number of at least 12, not 6"),
        (["--chart", "pp"], "there is no step chart 'pp'"),
        (["--date", "soon"], "--date 'soon' is not a date such as 2024-04-01"),
    ],
)
def test_wrong_options(steps, table, tmp_path, options, message):
    done = steps(table, *options)

    assert isinstance(done.exception, OptionError)
    assert message in str(done.exception)
    assert [path.name for path in tmp_path.iterdir()] == [table]
