"""From records to reports, command by command."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from spcbench.tables import SCHEMA_VERSION
from spcbench.testing.births import write_births

BY = ("--unit-column", "trust_code", "--date-column", "birth_date")


@pytest.fixture
def births(tmp_path):
    return write_births(tmp_path / "births.csv", months=14).name


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(("better", "verdict"), [("higher", "concern"), ("lower", "improvement")])
def test_chart_writes_every_table_and_tells_their_names(run, two_years, tmp_path, better, verdict):
    done = run("chart", two_years, "--better", better, "-o", "out.csv")
    assert done.exit_code == 0, done.output
    told = [f"out{part}.csv" for part in ("", ".signals", ".summary", ".advice", ".method")]
    assert sorted(done.stdout.splitlines()) == sorted(told)
    points = rows_of(tmp_path / "out.csv")
    assert len(points) == 48
    assert (points[23]["unit"], points[23]["verdict"]) == ("A", verdict)
    assert {row["limit_method"] for row in points} == {"normal"}


def test_chart_hands_every_option_on(run, two_years, tmp_path):
    (tmp_path / "notes.csv").write_text(
        "measure,unit,date,action,reason,author\n,,2023-01-01,rebase,New pathway,A Smith\n"
    )
    options = ["--unit", "B", "--limits", "exact", "--notes", "notes.csv", "--until", "2023-10-01"]
    options += ["--target", "0.9", "--measure", "early_milk", "--chart", "p"]
    options += ["--reference", "England=0.7", "--show-last", "12", "--per", "1000"]
    assert run("chart", two_years, *options, "-o", "out.json").exit_code == 0
    points = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["points"]
    assert {point["unit"] for point in points} == {"B"}
    assert [point["phase"] for point in points] == [1] * 12 + [2] * 10
    assert {(point["limit_method"], point["target"]) for point in points} == {("exact", 0.9)}


def test_chart_hands_its_numbers_on(run, two_years, tmp_path):
    options = ["--unit", "B", "--chart", "i", "--centre", "0.7", "--sigma", "0.05"]
    options += ["--setting", "centre_line=median", "--baseline", "12", "--screening", "once"]
    options += ["--frequency", "month"]
    assert run("chart", two_years, *options, "-o", "out.json").exit_code == 0
    written = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    points, method = written["points"], written["results"][0]["method"]
    assert {(point["centre"], point["sigma"]) for point in points} == {(0.7, 0.05)}
    assert sum(point["in_baseline"] for point in points) == 12
    assert method["settings"]["i"]["centre_line"] == "median"
    assert (method["screening"], method["frequency"]) == ("once", "month")


def test_a_suppressed_cell_is_a_gap(run, written, tmp_path):
    name = written("m,A,2024-01-01,3,9", "m,A,2024-02-01,*,9", "m,A,2024-03-01,4,9")
    assert run("chart", name, "--suppressed", "*", "-o", "out.csv").exit_code == 0
    point = rows_of(tmp_path / "out.csv")[1]
    assert (point["numerator"], point["status"]) == ("", "suppressed")


def test_dates_in_another_order(run, written, tmp_path):
    name = written("m,A,01/02/2024,3,9", "m,A,01/03/2024,4,9")
    done = run("chart", name, "--date-format", "%d/%m/%Y", "-o", "out.csv")
    assert done.exit_code == 0, done.stderr
    assert [row["period"] for row in rows_of(tmp_path / "out.csv")] == ["2024-02-01", "2024-03-01"]


def test_funnel_adds_up_the_window(run, two_years, tmp_path):
    done = run("funnel", two_years, "--first", "2023-01-01", "--last", "2023-06-01", "-o", "f.csv")
    assert done.exit_code == 0, done.output
    units = rows_of(tmp_path / "f.csv")
    assert [(row["unit"], row["denominator"], row["periods"]) for row in units] == [
        ("A", "600", "6"),
        ("B", "600", "6"),
    ]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_counts_that_were_written_can_be_charted(run, births, tmp_path, suffix):
    done = run("count", births, "--packs", "pop", *BY, "-o", f"counts{suffix}")
    assert done.exit_code == 0, done.output
    assert done.stdout == f"counts{suffix}\n"
    assert run("chart", f"counts{suffix}", "--measure", "ocm", "-o", "two.csv").exit_code == 0
    # Counted on the way, the same points come out.
    on_the_way = ["--packs", "pop", *BY, "--measure", "pop:ocm", "-o", "one.csv"]
    assert run("chart", births, *on_the_way).exit_code == 0
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    assert len(rows_of(tmp_path / "one.csv")) == 18 * 14


def test_parquet_carries_the_version_of_the_tables(run, births, tmp_path):
    run("count", births, "--packs", "pop", *BY, "-o", "counts.parquet")
    schema = pq.read_schema(tmp_path / "counts.parquet")
    assert schema.metadata[b"schema_version"] == SCHEMA_VERSION.encode()


def test_count_tells_what_it_set_aside_and_lists_it(run, births, tmp_path):
    options = ["--packs", "pop", "--measure", "mgso4", *BY, "--period", "quarter"]
    done = run("count", births, *options, "--rejects", "rejects.csv", "-o", "counts.csv")
    assert done.stdout == "counts.csv\nrejects.csv\n"
    assert re.search(r"^births.csv: [\d,]+ records read, 8 set aside$", done.stderr, re.MULTILINE)
    assert "  birth_date: missing (2 records)" in done.stderr
    counts = rows_of(tmp_path / "counts.csv")
    assert {row["measure"] for row in counts} == {"pop@2023:mgso4"}
    assert len({row["period"] for row in counts}) == 5
    fields = [row["field"] for row in rows_of(tmp_path / "rejects.csv")]
    assert fields.count("birth_date") == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([*BY, "-o", "counts.csv"], "Missing option '--packs'."),
        (["--packs", "pop", *BY, "-o", "counts.xls"], "the name must end in .csv or .parquet"),
        (["--packs", "pop", *BY, "-o", "births.csv"], "is the file that is being read"),
        (["--packs", "pp", *BY, "-o", "c.csv"], "no pack 'pp'; did you mean 'pop'?"),
        (["--packs", "pop", *BY, "--period", "mnth", "-o", "c.csv"], "did you mean 'month'"),
        (["--packs", "pop", *BY, "--measure", "mgs04", "-o", "c.csv"], "pop@2023:mgso4"),
        (["--packs", "pop", *BY, "--rejects", "c.csv", "-o", "c.csv"], "both name 'c.csv'"),
    ],
)
def test_count_with_a_wrong_option(run, births, tmp_path, options, message):
    done = run("count", births, *options)
    assert done.exit_code == 2
    assert message in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["births.csv"]


def test_counts_are_not_counted_again(run, two_years):
    done = run("count", two_years, "--packs", "pop", *BY, "-o", "again.csv")
    assert done.exit_code == 1
    assert "counts.csv holds counts already, not records" in done.stderr


def test_report_has_charts_and_funnels(run, two_years, tmp_path):
    done = run("report", two_years, "--title", "Milk", "-o", "out.json")
    assert done.exit_code == 0, done.output
    report = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert report["title"] == "Milk"
    assert [one["kind"] for one in report["results"]] == ["control_charts", "funnels"]


def test_report_of_one_period_has_funnels_only(run, written, tmp_path):
    name = written("m,A,2024-01-01,3,9", "m,B,2024-01-01,4,9")
    assert run("report", name, "-o", "out.json").exit_code == 0
    report = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert [one["kind"] for one in report["results"]] == ["funnels"]
    assert report["title"] == "Charts and funnels of counts.csv"


def test_notes_name_what_they_are_about(run, two_years):
    done = run("funnel", two_years, "-o", "out.csv")
    notes = [line for line in done.stderr.splitlines() if line.startswith("Note on ")]
    assert notes
    assert all(line.startswith("Note on early_milk") for line in notes)


def test_the_published_annual_file(run, tmp_path):
    mis = pytest.importorskip("spcbench_mis")
    annual = Path(__file__).parents[3] / "shared" / "data" / "msds-annual-2022-23.csv"
    if not annual.exists():
        pytest.skip("the published file is not here")
    from spcbench.plugin import PluginHost

    options = ["--measure", "msds-annual:first_feed_breastmilk", "-o", "out.csv"]
    done = run("funnel", annual, *options, host=PluginHost.of(mis))
    assert done.exit_code == 0, done.output
    units = rows_of(tmp_path / "out.csv")
    assert {row["measure"] for row in units} == {"msds-annual@2022:first_feed_breastmilk"}
    assert len(units) > 100  # trusts only: the reader says which level is meant


def test_what_reading_warns_of_is_one_plain_line(run, tmp_path):
    text = "measure,unit,unit_name,period,numerator,denominator\n"
    text += "m,A,Caf\u00e9,2024-01-01,3,9\nm,A,Caf\u00e9,2024-02-01,4,9\n"
    (tmp_path / "old.csv").write_bytes(text.encode("cp1252"))
    done = run("chart", "old.csv", "-o", "out.csv")
    assert done.exit_code == 0, done.stderr
    told = [line for line in done.stderr.splitlines() if "Windows-1252" in line]
    assert len(told) == 1
    assert told[0].startswith("Warning: old.csv is not UTF-8")


def test_a_date_far_from_all_others_is_asked_about(run, births, tmp_path):
    path = tmp_path / births
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    rows[4][header.index("birth_date")] = "2099-01-01"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    done = run("count", births, "--packs", "pop", *BY, "-o", "counts.csv")
    assert done.exit_code == 0, done.stderr
    assert "no record at all lies between the periods that begin on 2023-02-01" in done.stderr
