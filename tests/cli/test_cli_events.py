"""`spcbench events`: from records to what charts of rare events take."""

from __future__ import annotations

import pandas as pd
import pytest
from click.testing import CliRunner

from spcbench.cli.events_command import command
from spcbench.plugin import PluginHost

PACK = """
[pack]
id = "doses"
title = "Doses"
version = "1"
record = "baby"

[[field]]
name = "given"
type = "boolean"

[[measure]]
id = "dose"
title = "Dose"
eligible = "TRUE"
met = "given"
better = "higher"
"""
RECORDS = "unit,born,given\n" + "".join(
    f"A,2024-01-{day:02d},{'no' if day % 5 == 0 else 'yes'}\n" for day in range(1, 31)
)
GIVEN = ["--packs", "doses.toml", "--unit-column", "unit", "--date-column", "born"]


@pytest.fixture
def run(tmp_path, monkeypatch):
    (tmp_path / "doses.toml").write_text(PACK, encoding="utf-8")
    (tmp_path / "records.csv").write_text(RECORDS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str):
        return CliRunner().invoke(command, ["records.csv", *arguments], obj=PluginHost.of())

    return run


@pytest.mark.parametrize(
    ("between", "values", "told"),
    [
        (["--between", "cases"], [4.0] * 5, "5 waits known from event to event, 2 only in part"),
        (["--between", "days"], [5.0] * 5, "waits.csv --chart t --better higher"),
        ([], [], "6 events in 30 cases"),
    ],
)
def test_events_writes_what_charts_take(run, between, values, told):
    done = run(*GIVEN, "--event", "not_met", *between, "-o", "waits.csv")

    assert done.exit_code == 0, done.output
    counts = pd.read_csv("waits.csv")
    assert told in done.stderr
    assert "30 records read, 0 set aside" in done.stderr
    if between:
        assert counts["value"].dropna().tolist() == values
    else:
        assert counts["numerator"].sum() == 6
        assert len(counts) == 30


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([*GIVEN, "-o", "waits.csv"], "Missing option '--event'"),
        ([*GIVEN, "--event", "met", "-o", "waits.xlsx"], "must end in .csv or .parquet"),
        ([*GIVEN, "--event", "met", "-o", "records.csv"], "is the file that is being read"),
        ([*GIVEN, "--event", "met", "--between", "weeks", "-o", "w.csv"], "between='weeks'"),
    ],
)
def test_wrong_options_are_refused_by_name(run, arguments, message):
    done = run(*arguments)

    assert done.exit_code != 0
    assert message in done.stderr + str(done.exception)
