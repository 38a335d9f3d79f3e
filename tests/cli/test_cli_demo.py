"""The demonstration: every file is there, and says that it is invented."""

from __future__ import annotations

import pandas as pd
import pytest

from spcbench.plugin import PluginHost

FILES = {
    "births.csv",
    "chart.advice.csv",
    "chart.method.csv",
    "chart.csv",
    "chart.png",
    "chart.signals.csv",
    "chart.summary.csv",
    "counts.csv",
    "funnel-beside.png",
    "funnel.png",
    "g-chart.png",
    "hierarchy.csv",
    "impact.csv",
    "impact.method.csv",
    "impact.others.csv",
    "notes.csv",
    "p-chart-notes.png",
    "p-chart.png",
    "region.html",
    "rejects.csv",
    "report.html",
    "unit.html",
}


def test_the_demonstration(run, tmp_path):
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "mine.txt").write_text("mine", encoding="utf-8")
    done = run("demo", "new")
    assert done.exit_code == 0, done.output
    assert "All records are invented" in done.stdout
    folder = tmp_path / "new"
    assert {path.name for path in folder.iterdir()} == FILES | {"mine.txt"}
    for name in ("births", "counts", "notes", "rejects", "chart", "impact"):
        _, *rows = (folder / f"{name}.csv").read_text(encoding="utf-8").splitlines()
        assert rows
        words = "Invented: " if name == "notes" else "invented for demonstration"
        assert all(words in row for row in rows), name
    for name, title in {
        "report": "Demonstration (invented records)",
        "unit": "Guy&#39;s and St Thomas&#39; NHS Foundation Trust (invented records)",
        "region": "London (invented records)",
    }.items():
        assert title in (folder / f"{name}.html").read_text(encoding="utf-8")
    # The step of November 2022 is built in at every trust, and shows at this one.
    signals = (folder / "chart.signals.csv").read_text(encoding="utf-8").splitlines()
    assert any(",RJ1," in row and ",2022-09-01,8,below,concern," in row for row in signals)
    check_that_notes_part_charts(run, tmp_path)


def check_that_notes_part_charts(run, tmp_path):
    options = ["--measure", "pop:ocm", "--notes", "new/notes.csv", "-o", "out.csv"]
    assert run("chart", "new/counts.csv", *options).exit_code == 0

    points = pd.read_csv(tmp_path / "out.csv")
    second = points[points["phase"] == 2].groupby("unit")["period"].agg(["min", "count"])
    assert len(second) == 18
    assert set(second["min"]) == {"2022-11-01"}
    noted = points[points["unit"] == "RJ1"].dropna(subset="note")
    assert noted["period"].to_list() == ["2022-11-01", "2024-03-01"]
    assert noted["note"].str.contains("Invented: ").all()
    rebase, *comments = pd.read_csv(tmp_path / "new" / "notes.csv").itertuples()
    assert rebase.action == "rebase"
    assert "invented" in rebase.author
    assert pd.isna(rebase.unit)
    assert {(note.action, note.unit) for note in comments} == {("comment", "RJ1")}


@pytest.mark.parametrize(
    ("plugin", "other"), [("spcbench-pop", "spcbench_html"), ("spcbench-html", "spcbench_pop")]
)
def test_a_plugin_is_missing(run, tmp_path, plugin, other):
    host = PluginHost.of(pytest.importorskip(other))
    done = run("demo", "new", host=host)
    assert done.exit_code == 1
    assert f"needs the plugin {plugin}; install it with `pip install {plugin}`" in done.stderr
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_made(run, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = run("demo", "file/new")
    assert done.exit_code == 2
    assert "cannot make the folder 'file/new'" in done.stderr
