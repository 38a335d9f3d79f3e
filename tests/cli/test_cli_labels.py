"""`spcbench funnel --labels`: a table of labels beside the counts."""

from __future__ import annotations

import pandas as pd

LABELS = "unit,kind\nA,north\nB,north\nC,south\nD,south\n"


def test_one_funnel_for_each_label(run, written, tmp_path):
    source = written(*(f"m,{unit},2024-01-01,{40 + at},100" for at, unit in enumerate("ABCDE")))
    (tmp_path / "kinds.csv").write_text(LABELS, encoding="utf-8")
    done = run("funnel", source, "--labels", "kinds.csv", "--by", "kind", "-o", "units.csv")
    assert done.exit_code == 0, done.output
    assert "1 of 5 units has no kind" in done.output
    assert "(E)" in done.output
    assert "m, north: 0 of 2 units outside" in done.output
    units = pd.read_csv(tmp_path / "units.csv")
    assert units["group"].tolist() == ["north", "north", "south", "south"]
    method = pd.read_csv(tmp_path / "units.method.csv").set_index("name")["value"]
    assert method["labels"] == "kinds.csv"
    drawn = run("funnel", source, "--labels", "kinds.csv", "--by", "kind", "-o", "f.png")
    assert drawn.exit_code == 0, drawn.output


def test_what_is_wrong_is_said_in_one_line(run, written, tmp_path):
    source = written("m,A,2024-01-01,40,100", "m,B,2024-01-01,40,100")
    (tmp_path / "kinds.csv").write_text(LABELS + "A,south\n", encoding="utf-8")
    done = run("funnel", source, "--labels", "kinds.csv", "--by", "kind", "-o", "units.csv")
    assert done.exit_code == 1
    assert "kinds.csv, line 2 and kinds.csv, line 6: 'A' has two labels" in done.output
    assert not (tmp_path / "units.csv").exists()
    alone = run("funnel", source, "--labels", "kinds.csv", "-o", "units.csv")
    assert alone.exit_code == 2
    assert "--by" in alone.output
    over = run("funnel", source, "--labels", "kinds.csv", "--by", "kind", "-o", "kinds.csv")
    assert over.exit_code == 2
    assert "is the file that is being read" in over.output
