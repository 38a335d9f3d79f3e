"""`spcbench roll-up`: from a file of counts and one of who belongs to whom, to files and charts."""

from __future__ import annotations

import csv

import pandas as pd
import pytest

TREE = """unit,parent,level,from,to,name
ENG,,national,,,England
Y56,ENG,region,,,London
QKK,Y56,system,,,South East London
QWE,Y56,system,,,South West London
RJ1,QKK,trust,,,
RJ2,QKK,trust,,,
RAX,QWE,trust,,,
RJ7,QWE,trust,,,
"""
MET = {"RJ1": 70, "RJ2": 75, "RAX": 72, "RJ7": 30}


@pytest.fixture
def hierarchy(tmp_path):
    """Write a hierarchy; gives the file's name."""

    def hierarchy(text=TREE, name="hierarchy.csv"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return name

    return hierarchy


@pytest.fixture
def counts(written):
    """Three months of four trusts; RJ2 lacks the last."""
    return written(
        *(
            f"m,{unit},2024-{month:02d}-01,{met + month},100"
            for unit, met in MET.items()
            for month in (1, 2, 3)
            if (unit, month) != ("RJ2", 3)
        )
    )


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def figures(path, level):
    return {
        (row["unit"], int(row["period"][5:7])): (row["numerator"], row["denominator"])
        for row in rows_of(path)
        if row["level"] == level
    }


def test_counts_are_added_up_and_told(run, counts, hierarchy, tmp_path):
    done = run("roll-up", counts, "--hierarchy", hierarchy(), "-o", "rolled.csv")

    assert done.exit_code == 0, done.output
    assert done.stdout == "rolled.csv\n"
    assert done.stderr.splitlines()[-5:] == [
        "provider: 4 units, 11 rows",
        "system: 2 units, 6 rows",
        "region: 1 unit, 3 rows",
        "national: 1 unit, 3 rows",
        "3 totals lack a unit that usually reports, or whose count is withheld; the column note "
        "names it",
    ]
    assert figures(tmp_path / "rolled.csv", "system") == {
        ("QKK", 1): ("147", "200"),
        ("QKK", 2): ("149", "200"),
        ("QKK", 3): ("73", "100"),
        ("QWE", 1): ("104", "200"),
        ("QWE", 2): ("106", "200"),
        ("QWE", 3): ("108", "200"),
    }
    assert figures(tmp_path / "rolled.csv", "national")["ENG", 1] == ("251", "400")
    rows = {(row["unit"], row["period"]): row for row in rows_of(tmp_path / "rolled.csv")}
    assert rows["QKK", "2024-03-01"]["note"] == "1 of 2 units; without RJ2"
    assert [rows["RAX", "2024-01-01"][name] for name in ("system", "region")] == ["QWE", "Y56"]


def test_the_result_goes_into_charts_and_funnels(run, counts, hierarchy, tmp_path):
    run("roll-up", counts, "--hierarchy", hierarchy(), "-o", "rolled.csv")

    mixed = run("funnel", "rolled.csv", "-o", "units.csv")
    assert mixed.exit_code == 1
    assert "choose one with level= (--level)" in mixed.stderr
    done = run("funnel", "rolled.csv", "--level", "provider", "--by", "system", "-o", "units.csv")
    assert done.exit_code == 0, done.output
    units = rows_of(tmp_path / "units.csv")
    assert {(row["group"], row["unit"]) for row in units} == {
        *(("QKK", one) for one in ("RJ1", "RJ2")),
        *(("QWE", one) for one in ("RAX", "RJ7")),
    }
    done = run("chart", "rolled.csv", "--level", "national", "-o", "points.csv")
    assert done.exit_code == 0, done.output
    assert [row["numerator"] for row in rows_of(tmp_path / "points.csv")] == ["251", "255", "181"]


def test_parquet_keeps_the_types(run, counts, hierarchy, tmp_path):
    tree = hierarchy()
    for name in ("rolled.csv", "rolled.parquet"):
        assert run("roll-up", counts, "--hierarchy", tree, "-o", name).exit_code == 0

    frame = pd.read_parquet(tmp_path / "rolled.parquet")
    assert frame["numerator"].dtype == "Int64"
    assert frame["system"].isna().sum() == 6
    again = run("roll-up", "rolled.parquet", "--hierarchy", tree, "--level", "trust", "-o", "2.csv")
    assert again.exit_code == 0, again.output
    assert (tmp_path / "2.csv").read_bytes() == (tmp_path / "rolled.csv").read_bytes()


def test_options_are_handed_on(run, counts, hierarchy, tmp_path):
    tree, out = hierarchy(), tmp_path / "out.csv"

    def levels(*options):
        done = run("roll-up", counts, "--hierarchy", tree, *options, "-o", "out.csv")
        assert done.exit_code == 0, done.output
        return {row["level"] for row in rows_of(out)}

    assert levels("--to", "region", "--to", "country") == {"provider", "region", "national"}
    assert levels("--to", "region", "--no-keep") == {"region"}
    assert levels("--level", "trust", "--keep") == {"provider", "system", "region", "national"}
    levels("--partial", "leave_out")
    blanked = {row["unit"] for row in rows_of(out) if row["status"] == "insufficient_data"}
    assert blanked == {"QKK", "Y56", "ENG"}


def test_records_are_counted_on_the_way(run, hierarchy, tmp_path):
    pytest.importorskip("spcbench_pop")
    from spcbench.testing.births import TRUSTS, invented_births

    invented_births(months=3).to_csv(tmp_path / "births.csv", index=False)
    trusts = "".join(f"{trust.code},ENG,trust\n" for trust in TRUSTS)
    tree = hierarchy("unit,parent,level\nENG,,country\n" + trusts)
    done = run(
        *("roll-up", "births.csv", "--hierarchy", tree, "--packs", "pop", "-o", "out.csv"),
        *("--unit-column", "trust_code", "--date-column", "birth_date", "--no-keep"),
    )

    assert done.exit_code == 0, done.output
    assert "records read" in done.stderr
    rows = rows_of(tmp_path / "out.csv")
    assert {row["unit"] for row in rows} == {"ENG"}
    assert {"pop@2023:ocm"} < {row["measure"] for row in rows}


def test_dates_of_the_hierarchy_have_a_format_of_their_own(run, counts, hierarchy, tmp_path):
    moved = TREE.replace(
        "RJ7,QWE,trust,,,", "RJ7,QWE,trust,,31/01/2024,\nRJ7,QKK,trust,01/02/2024,,"
    )
    options = ("roll-up", counts, "--hierarchy", hierarchy(moved), "-o", "out.csv")

    done = run(*options)
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1] == (
        "Error: hierarchy.csv, line 10, column 'from': '01/02/2024' is not a date in ISO order "
        "(YYYY-MM-DD), and the order is never guessed; say how dates are written, such as "
        "date_format='%d/%m/%Y' (--hierarchy-date-format '%d/%m/%Y')"
    )
    assert run(*options, "--hierarchy-date-format", "%d/%m/%Y").exit_code == 0
    systems = figures(tmp_path / "out.csv", "system")
    assert systems["QWE", 1] == ("104", "200")
    assert systems["QWE", 2] == ("74", "100")


@pytest.mark.parametrize(
    "options_code_message",
    [
        (["-o", "o.csv", "--hierarchy", "h.csv"], 1, "there is no file h.csv; check the name"),
        (["-o", "o.csv"], 2, "Missing option '--hierarchy'."),
        (["--hierarchy", "hierarchy.csv"], 2, "Missing option '-o' / '--output'."),
        (["--hierarchy", "hierarchy.csv", "-o", "counts.csv"], 2, "'counts.csv' is the file that"),
        (
            ["--hierarchy", "hierarchy.csv", "-o", "hierarchy.csv"],
            2,
            "'hierarchy.csv' is the file that is being read; give another name after -o",
        ),
        (
            ["--hierarchy", "hierarchy.csv", "-o", "out.xlsx"],
            2,
            "cannot write 'out.xlsx': the name must end in .csv or .parquet",
        ),
        (["--hierarchy", "hierarchy.csv", "-o", "no/o.csv"], 2, "there is no folder 'no'"),
        (
            ["--hierarchy", "hierarchy.csv", "--to", "regoin", "-o", "o.csv"],
            2,
            "to: 'regoin' is not a level; did you mean 'region'?",
        ),
        (
            ["--hierarchy", "hierarchy.csv", "--to", "site", "-o", "o.csv"],
            1,
            "hierarchy.csv has no unit of level 'site'",
        ),
        (
            ["--hierarchy", "hierarchy.csv", "--level", "system", "-o", "o.csv"],
            2,
            "there is no level 'system'; Known: provider",
        ),
        (
            ["--hierarchy", "hierarchy.csv", "--partial", "drop", "-o", "o.csv"],
            2,
            "partial must be one of note, leave_out, not 'drop'",
        ),
        (
            ["--hierarchy", "counts.csv", "-o", "o.csv"],
            1,
            "counts.csv has no column 'parent'; Known: denominator, measure, numerator, period, "
            "unit. A hierarchy needs the columns unit, parent, level",
        ),
    ],
)
def test_wrong_options(run, counts, hierarchy, tmp_path, options_code_message):
    options, code, message = options_code_message
    hierarchy()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    done = run("roll-up", counts, *options)

    assert done.exit_code == code, done.output
    assert message in done.stderr.splitlines()[-1]
    assert done.stdout == ""
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    "tree_rows_message",
    [
        (
            "unit,parent,level\nA,B,group\nB,A,group\nRJ1,A,trust\n",
            (),
            "hierarchy.csv, line 2: 'A' stands above itself: A in B in A",
        ),
        (
            TREE.replace("RJ7,QWE", "RJ7,QWF"),
            (),
            "hierarchy.csv, line 9, column 'parent': 'QWF', the parent of 'RJ7', has no row of its "
            "own; did you mean 'QWE'?",
        ),
        (
            TREE.replace("RJ7,QWE", "RJ8,QWE"),
            (),
            "counts.csv, line 10, column 'unit': 'RJ7' is nowhere in hierarchy.csv; did you mean",
        ),
        (
            TREE,
            ("m,QKK,2024-01-01,147,200",),
            "counts.csv holds the levels provider, system, so some rows may be totals of others; "
            "say which level to add from with level= (--level)",
        ),
        (
            TREE,
            ("m,RJ1,2024-04-01,201,200,RJ1",),
            "counts.csv, line 13 has 6 cells, expected 5",
        ),
    ],
    ids=["loop", "parent", "nowhere", "mixed", "ragged"],
)
def test_wrong_files(run, counts, hierarchy, tmp_path, tree_rows_message):
    tree, rows, message = tree_rows_message
    table = tmp_path / counts
    table.write_text(table.read_text("utf-8") + "".join(f"{row}\n" for row in rows), "utf-8")
    done = run("roll-up", counts, "--hierarchy", hierarchy(tree), "-o", "rolled.csv")

    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1].startswith(f"Error: {message}")
    assert not (tmp_path / "rolled.csv").exists()
