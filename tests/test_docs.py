"""What the pages say is so: their code runs, their names exist, their links lead somewhere."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import click
import pandas as pd
import pytest
from click.testing import CliRunner

import spcbench
from spcbench import tables
from spcbench.cli import main
from spcbench.plugin.host import PluginHost
from spcbench.testing.births import write_births

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("plugins/*/README.md")],
    key=str,
)
REAL_ATTENDANCES = ROOT.parent / "shared" / "data" / "ae-attendances.csv"


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def section(page: str, title: str) -> str:
    """One section of a page, down to the next heading of the same rank."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text_of(page), re.M | re.S)
    assert found, f"{page} has no section {title!r}"
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The cells of every table row, without headings and rules."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line, below in zip(lines, [*lines[1:], ""], strict=True)
        if not re.fullmatch(r"[|\-]+", line) and not re.fullmatch(r"[|\-]+", below)
    ]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


# ------------------------------------------------------------------------ code that runs


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder with the files that pages begin from."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spcbench-demo").mkdir()
    births = write_births(tmp_path / "spcbench-demo" / "births.csv")
    (tmp_path / "births.csv").write_bytes(births.read_bytes())
    counted = spcbench.count(
        births, packs=["pop"], unit_column="trust_code", date_column="birth_date"
    )
    counted.counts.to_csv(tmp_path / "counts.csv", index=False)
    invented_attendances().to_csv(tmp_path / "ae-attendances.csv", index=False)
    return tmp_path


def invented_attendances() -> pd.DataFrame:
    """Three years at two departments, in the columns of the open data, with winters."""
    months = pd.date_range("2016-04-01", "2019-03-01", freq="MS")
    parts = [
        pd.DataFrame(
            {
                "period": months.strftime("%Y-%m-%d"),
                "org_code": code,
                "type": kind,
                "attendances": 20_000,
                "breaches": [wait + 150 * abs(month - 7) ** 2 // 2 for month in months.month],
                "admissions": 5_000,
            }
        )
        for code, kind, wait in (("RF4", "1", 2_000), ("R1H", "1", 3_000), ("RF4", "other", 20))
    ]
    return pd.concat(parts)


def run(page: str) -> list[str]:
    """Run the Python blocks and `spcbench` lines of a page in order; what the latter said."""
    said = []
    for language, block in re.findall(r"```(\w+)\n(.*?)```", text_of(page), re.S):
        if language == "python":
            exec(compile(block, page, "exec"), {})
        elif language == "sh":
            for line in block.splitlines():
                if line.startswith("spcbench "):
                    done = CliRunner().invoke(main, shlex.split(line)[1:])
                    assert done.exit_code == 0, f"{line}\n{done.output}"
                    said.append(done.output)
    return said


def test_readme_runs(desk, capsys):
    run("README.md")

    assert re.search(r"RJ7 .* better_than_expected", capsys.readouterr().out)
    assert {"cord.html", "cord.png", "funnel.png", "counts.csv"} <= names(desk)


def test_tutorial_runs_and_finds_what_it_promises(desk, capsys):
    run("docs/tutorial.md")

    printed = capsys.readouterr().out
    assert re.search(r"run7 2024-06-01 2024-12-01 +above +improvement", printed)
    assert re.search(r"vary \d+\.\d times as much as chance", printed)
    assert {"rj1.png", "rj1-two-phases.png", "rf4.png", "departments.png"} <= names(desk)
    assert {"cord.html", "cord.csv", "cord.units.csv", "report.html"} <= names(desk)
    assert {"report.html", "p-chart.png", "funnel.png"} <= names(desk / "spcbench-demo")


def test_what_the_tutorial_says_of_the_cord_is_so(desk):
    counts = spcbench.read("counts.csv")
    whole = spcbench.control_charts(counts, measure="pop:ocm", unit="RJ1")
    parted = spcbench.control_charts(counts, measure="pop:ocm", unit="RJ1", breaks=["2022-11-01"])

    run = whole.signals[whole.signals["side"] == "below"].iloc[0]
    assert (f"{run['first']:%Y-%m}", f"{run['last']:%Y-%m}", run["points"]) == (
        "2022-03",
        "2022-10",
        8,
    )
    centres = parted.points.groupby("phase")["centre"].first()
    assert centres.round(2).to_list() == [0.61, 0.78]
    (left,) = parted.signals.itertuples()
    assert (f"{left.first:%Y-%m}", f"{left.last:%Y-%m}", left.side) == (
        "2024-06",
        "2024-12",
        "above",
    )
    assert parted.summary["expected_false_signals"].round(2).to_list() == [0.21]


def test_what_the_tutorial_says_of_real_attendances(tmp_path, monkeypatch):
    if not REAL_ATTENDANCES.exists():
        pytest.skip("the open data on attendances are not here")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ae-attendances.csv").write_bytes(REAL_ATTENDANCES.read_bytes())
    (block,) = [
        block
        for block in re.findall(r"```python\n(.*?)```", text_of("docs/tutorial.md"), re.S)
        if "ae-attendances.csv" in block
    ]
    exec(block, {})
    charts = spcbench.control_charts(spcbench.read("counts.csv"), unit="RF4", better="higher")

    (summary,) = charts.summary.itertuples()
    outside = (charts.points["value"] < charts.points["lcl"]) | (
        charts.points["value"] > charts.points["ucl"]
    )
    assert "more than a hundred times" in text_of("docs/tutorial.md")
    assert summary.dispersion > 100
    assert outside.mean() > 0.85  # "nearly every point"
    assert 15_000 < charts.points["denominator"].mean() < 25_000  # "some twenty thousand"
    assert (charts.points["ucl"] - charts.points["centre"]).mean().round(2) == 0.01
    assert charts.points["value"].agg(["min", "max"]).round(2).to_list() == [0.55, 0.91]


@pytest.mark.parametrize("page", ["docs/command-line.md", "docs/control-charts.md"])
def test_page_runs(page, desk):
    said = run(page)

    assert all(said)


def test_funnel_page_runs_and_its_example_is_so(desk, capsys):
    run("docs/funnels.md")

    published, exact = re.findall(r"\[([\d.]+)\]", capsys.readouterr().out)
    assert float(published) < 1
    assert float(exact) == 1
    assert 0.7 < 0.95**5 < 0.8  # "three times in four"


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# ------------------------------------------------------------------------- the command line


@pytest.fixture(scope="module")
def commands() -> dict[str, click.Command]:
    with click.Context(main, obj=PluginHost()) as context:
        found = {name: main.get_command(context, name) for name in main.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}


def test_every_command_is_on_the_page_and_every_one_there_exists(commands):
    table = text_of("docs/command-line.md").partition("## Options")[0]

    assert [quoted(row[0])[0].split()[1] for row in rows(table)] == list(commands)


def test_every_option_is_on_the_page_with_its_commands(commands):
    expected = {
        (name, option)
        for name, command in commands.items()
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
    }
    told = {
        (name, option.split()[0])
        for options, names_, _ in rows(section("docs/command-line.md", "Options"))
        for name in quoted(names_)[0].split()
        for option in quoted(options)
    }

    assert told == expected


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_a_page_names_exists(page, commands):
    text = page.read_text("utf-8")
    blocks = re.findall(r"```(?:sh)?\n(.*?)```", text, re.S)
    written = re.findall(r"^spcbench ([a-z]+)", "\n".join(blocks), re.M)
    written += re.findall(r"`(?:\.venv/bin/)?spcbench ([a-z]+)(?: [A-Z-][^`]*)?`", text)

    assert set(written) <= set(commands)


# --------------------------------------------------------------------------------- the names


def test_every_public_name_is_in_the_index_and_no_other():
    table = rows(section("docs/index.md", "The public names"))
    named = [name for row in table for name in quoted(row[0])]

    assert sorted(named) == sorted(spcbench.__all__)


def test_every_page_is_in_the_index():
    pages = {path.name for path in ROOT.glob("docs/*.md")} - {"index.md"}

    assert set(re.findall(r"\]\(([a-z-]+\.md)\)", text_of("docs/index.md"))) == pages


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        assert file.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in anchors(file), f"{page.name} links to {target}"


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


# ------------------------------------------------------------------------------ the contracts

TYPE_WORDS = {
    "string": "text",
    "date": "date",
    "integer": "whole number",
    "float": "number",
    "boolean": "true or false",
    "category": "word",
}
CONTRACTS = {
    "Counts": (*tables.COUNTS.columns, *tables.COUNTS_OPTIONAL.columns),
    "Quality": tables.QUALITY.columns,
    "Rejects": tables.REJECTS.columns,
    "Points": tables.POINTS.columns,
    "Signals": tables.SIGNALS.columns,
    "Summary": tables.SUMMARY.columns,
    "Units": tables.UNITS.columns,
    "Curve": tables.CURVE.columns,
    "Funnel summary": tables.FUNNEL_SUMMARY.columns,
    "Advice": tables.ADVICE.columns,
}


@pytest.mark.parametrize("title", CONTRACTS)
def test_table_on_the_page_is_the_contract(title):
    told = [
        (name, row[1])
        for row in rows(section("docs/tables.md", title))
        if len(row) == 3
        for name in quoted(row[0])
    ]

    assert told == [(one.name, TYPE_WORDS[one.kind]) for one in CONTRACTS[title]]


@pytest.mark.parametrize("title", CONTRACTS)
def test_words_on_the_page_are_those_of_the_contract(title):
    told = {
        quoted(row[0])[0]: tuple(quoted(row[1]))
        for row in rows(section("docs/tables.md", title))
        if len(row) == 2
    }
    words = {one.name: one.words for one in CONTRACTS[title]}

    assert told.items() <= words.items()


def test_every_word_of_a_category_is_on_the_page():
    page = text_of("docs/tables.md")
    for columns in CONTRACTS.values():
        for one in columns:
            for word in one.words:
                assert f"`{word}`" in page, f"{one.name}: {word}"


def test_the_rules_on_the_page_are_those_of_the_default_set():
    rule_set = PluginHost().rule_set("mdc-2023-11")
    told = rows(section("docs/control-charts.md", "Rules"))

    assert told[:4] == [[f"`{rule.id}`", rule.title] for rule in rule_set.rules]
    assert {int(points): float(chance) for points, chance in told[4:]} == rule_set.any_signal


def test_the_readme_states_the_false_signals_of_24_months():
    chance = PluginHost().rule_set("mdc-2023-11").any_signal[24]

    assert f"24 months shows a false one {100 * chance:.0f} times in 100" in " ".join(
        text_of("README.md").split()
    )


# ---------------------------------------------------------------------------------- set-up


def test_makefile_and_readme_install_every_plugin():
    plugins = sorted(path.parent.name for path in ROOT.glob("plugins/*/pyproject.toml"))
    listed = re.search(r"^PLUGINS := (.+)$", text_of("Makefile"), re.M)
    windows = re.findall(r"-e plugins\\(\S+)", text_of("README.md"))

    assert listed
    assert sorted(Path(one).name for one in listed[1].split()) == plugins
    assert sorted(windows) == plugins


def test_readme_names_the_oldest_python():
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    oldest = project["requires-python"].removeprefix(">=")

    assert f"Python {oldest} or newer" in text_of("README.md")
    assert f"({oldest.replace('.', ', ')})" in text_of("Makefile")
