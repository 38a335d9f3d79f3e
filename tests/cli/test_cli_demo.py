"""The demonstration: every file is there, and says that it is invented."""

from __future__ import annotations

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
    "funnel.png",
    "p-chart.png",
    "rejects.csv",
    "report.html",
}


def test_the_demonstration(run, tmp_path):
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "mine.txt").write_text("mine", encoding="utf-8")
    done = run("demo", "new")
    assert done.exit_code == 0, done.output
    assert "All records are invented" in done.stdout
    folder = tmp_path / "new"
    assert {path.name for path in folder.iterdir()} == FILES | {"mine.txt"}
    for name in ("births", "counts", "rejects", "chart"):
        _, *rows = (folder / f"{name}.csv").read_text(encoding="utf-8").splitlines()
        assert rows
        assert all("invented for demonstration" in row for row in rows)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Demonstration (invented records)" in page
    # The step of November 2022 is built in at every trust, and shows at this one.
    signals = (folder / "chart.signals.csv").read_text(encoding="utf-8").splitlines()
    assert any(",RJ1," in row and row.endswith(",above,improvement,True") for row in signals)


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
