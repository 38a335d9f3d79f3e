"""Every example runs in an empty folder, prints what it found and writes what it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"

# Script: what it prints among other lines, and the files it leaves.
EXPECTED = {
    "p_charts_from_csv.py": (
        ["Ward A: ", "in June 2024; common_cause", "in June 2024; improvement_high"],
        {
            "letters.csv",
            "letters_charts.png",
            "letters_points.csv",
            "letters_points.summary.csv",
            "letters_points.signals.csv",
        },
    ),
    "funnel.py": (
        ["Hospital 30: ", "; worse_than_expected", " of 30 hospitals are outside the limits"],
        {"funnel.svg", "funnel_units.csv", "funnel_units.curve.csv", "funnel_units.summary.csv"},
    ),
    "own_measure.py": (
        ["stroke-example@2024.1:everything", "stroke_type", "wrote stroke_charts.png"],
        {"stroke.csv", "stroke_charts.png"},
    ),
    "small_unit.py": (
        [
            "by month: 4 mothers in a usual one",
            "by quarter: ",
            "mothers since the last one without",
        ],
        {"births.csv", "by_month.png", "by_quarter.png", "since_the_last.png", "page.csv"},
    ),
}


def run(script, folder, *arguments):
    return subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / script), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_example_is_tested():
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(EXPECTED)


@pytest.mark.parametrize("script", EXPECTED)
def test_example(script, tmp_path):
    said, files = EXPECTED[script]
    done = run(script, tmp_path)
    assert done.returncode == 0, done.stderr
    for words in said:
        assert words in done.stdout
    made = {path.name for path in tmp_path.iterdir()}
    assert made >= files
    assert all(path.stat().st_size > 0 for path in tmp_path.iterdir())


def test_an_example_writes_to_the_folder_it_is_given(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    done = run("funnel.py", here, str(there))
    assert done.returncode == 0, done.stderr
    assert (there / "funnel.svg").exists()
    assert not list(here.iterdir())
