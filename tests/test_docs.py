"""What the pages say is so: their code runs, their names exist, their links lead somewhere."""

from __future__ import annotations

import itertools
import re
import shlex
import shutil
import tomllib
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import spcbench
from spcbench import charting, steps, tables
from spcbench.cli import main
from spcbench.cli.demo_command import write_notes
from spcbench.notes import NOTES
from spcbench.numeric.engine import chart
from spcbench.numeric.limits import ChartOptions, Series, p_limits
from spcbench.numeric.moving import D4
from spcbench.numeric.segments import Segments
from spcbench.plugin.host import PluginHost
from spcbench.testing.births import write_births, write_hierarchy

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/*/README.md")],
    key=str,
)
CHART_PAGES = sorted(path.stem for path in ROOT.glob("docs/charts/*.md") if path.stem != "index")
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
        for line, below in itertools.zip_longest(lines, lines[1:], fillvalue="")
        if not re.fullmatch(r"[|\-]+", line) and not re.fullmatch(r"[|\-]+", below)
    ]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


# ------------------------------------------------------------------------ code that runs


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with the files that pages begin from, made once."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "spcbench-demo").mkdir()
    births = write_births(folder / "spcbench-demo" / "births.csv")
    write_notes(folder / "spcbench-demo")
    write_hierarchy(folder / "spcbench-demo" / "hierarchy.csv")
    shutil.copy(births, folder)
    counted = spcbench.count(
        births, packs=["pop"], unit_column="trust_code", date_column="birth_date"
    )
    counted.counts.to_csv(folder / "counts.csv", index=False)
    invented_attendances().to_csv(folder / "ae-attendances.csv", index=False)
    return folder


@pytest.fixture
def desk(files, tmp_path, monkeypatch):
    """A folder of one's own with those files."""
    shutil.copytree(files, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
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
    assert {"cord.html", "cord.png", "cord-phases.png", "funnel.png"} <= names(desk)


def test_tutorial_runs_and_finds_what_it_promises(desk, capsys):
    run("docs/tutorial.md")

    printed = capsys.readouterr().out
    assert re.search(r"run7 2022-02-01 2022-09-01 +below +concern", printed)
    assert "Empty DataFrame" in printed  # the signals of the chart in two phases
    assert re.search(r"p′ chart was taken: the points vary \d+\.\d times as much", printed)
    assert {"rj1.png", "rj1-two-phases.png", "rf4.png", "rf4-p.png"} <= names(desk)
    assert "departments.png" in names(desk)
    assert {"cord.html", "cord.csv", "cord.units.csv", "report.html"} <= names(desk)
    assert {"rj1.html", "london.html"} <= names(desk)
    made = {"report.html", "p-chart.png", "p-chart-notes.png", "funnel.png", "notes.csv"}
    made |= {"unit.html", "region.html"}
    assert made <= names(desk / "spcbench-demo")


def test_the_tutorial_shows_the_notes_of_the_demonstration(desk):
    notes = (desk / "spcbench-demo" / "notes.csv").read_text(encoding="utf-8")

    assert f"```csv\n{notes}```" in text_of("docs/tutorial.md")


def test_what_the_tutorial_says_of_the_cord_is_so(desk):
    counts = spcbench.read("counts.csv")
    whole = spcbench.control_charts(counts, measure="pop:ocm", unit="RJ1")
    parted = spcbench.control_charts(
        counts, measure="pop:ocm", unit="RJ1", notes="spcbench-demo/notes.csv"
    )

    run = whole.signals[whole.signals["side"] == "below"].iloc[0]
    assert (f"{run['first']:%Y-%m}", f"{run['last']:%Y-%m}", run["points"]) == (
        "2022-02",
        "2022-09",
        8,
    )
    centres = parted.points.groupby("phase")["centre"].first()
    assert centres.round(2).to_list() == [0.60, 0.73]
    assert parted.signals.empty
    assert 11 < whole.points["denominator"].median() < 14  # "a dozen babies a month"
    assert any("quarters" in message for message in parted.advice["message"])
    assert parted.summary["expected_false_signals"].round(2).to_list() == [0.21]


def test_the_step_that_the_page_quotes_is_the_one_suggested(desk):
    counts = spcbench.read("counts.csv")
    found = spcbench.suggested_steps(counts, measure="pop:ocm", unit="RJ2", period=12)

    (step,) = found["message"]
    quoted = " ".join(text_of("docs/step-changes.md").replace("\n> ", " ").split())
    assert f"pop@2023:ocm, RJ2: {step}" in quoted


def test_what_the_tutorial_says_of_the_demonstration_is_so(desk):
    counts = pd.read_csv("counts.csv", parse_dates=["period"])

    def shares(measure: str, by: pd.Series) -> pd.Series:
        rows = counts[counts["measure"].eq(f"pop@2023:{measure}")]
        sums = rows.groupby(by.loc[rows.index])[["numerator", "denominator"]].sum()
        return sums["numerator"] / sums["denominator"]

    quarters = shares("all_eligible", counts["period"].dt.to_period("Q"))
    assert 0.14 < quarters.iloc[0] < 0.18  # "about one in six"
    assert quarters.iloc[-1] > 0.25  # "more than one in four"
    for risen in ("mgso4", "iap", "steroids_full_course", "normothermia", "embm_24h"):
        years = shares(risen, counts["period"].dt.year)
        assert years[2024] > years[2022] + 0.03, risen
    places = shares("place_of_birth", counts["unit"]).dropna()
    assert set(places[places < 0.5]) == {0}
    assert (places[places >= 0.5] > 0.95).all()
    assert counts["unit"].nunique() == 18


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
    counts = spcbench.read("counts.csv")
    plain = spcbench.control_charts(counts, unit="RF4", better="higher", chart="p").points
    charts = spcbench.control_charts(counts, unit="RF4", better="higher")

    (summary,) = charts.summary.itertuples()
    assert "more than a hundred times" in " ".join(text_of("docs/tutorial.md").split())
    assert summary.dispersion > 100
    assert outside(plain).mean() > 0.85  # "nearly every point"
    assert 15_000 < plain["denominator"].mean() < 25_000  # "some twenty thousand"
    assert (plain["ucl"] - plain["centre"]).mean().round(2) == 0.01
    assert plain["value"].agg(["min", "max"]).round(2).to_list() == [0.55, 0.91]
    assert (summary.chart, round(summary.lcl, 2), round(summary.ucl, 2)) == ("p_prime", 0.68, 0.89)
    months = charts.points["period"][outside(charts.points)].dt.strftime("%Y-%m").to_list()
    assert months == ["2016-08", "2016-09", "2018-12", "2019-01", "2019-02"]
    assert {"chart_chosen", "autocorrelated"} <= set(charts.advice["code"])


def outside(points: pd.DataFrame) -> pd.Series:
    return (points["value"] < points["lcl"]) | (points["value"] > points["ucl"])


@pytest.mark.parametrize(
    "page", ["command-line", "control-charts", "impact", "notes", "reports", "step-changes"]
)
def test_page_runs(page, desk):
    said = run(f"docs/{page}.md")

    assert all(said)


def test_page_of_rules_runs(desk, capsys):
    assert len(run("docs/rules.md")) == 3
    assert re.search(r"mdc-six: a false signal in \d+ points", capsys.readouterr().out)


@pytest.mark.parametrize("page", CHART_PAGES)
def test_page_of_a_chart_type_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = run(f"docs/charts/{page}.md")

    assert len(said) == 1
    assert len(list(tmp_path.glob("*.png"))) == 1
    assert f"--chart {page} " in text_of(f"docs/charts/{page}.md")


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
    written = re.findall(r"^spcbench ([a-z][a-z-]*)", "\n".join(blocks), re.M)
    written += re.findall(r"`(?:\.venv/bin/)?spcbench ([a-z][a-z-]*)(?: [A-Z-][^`]*)?`", text)

    assert set(written) <= set(commands)


# --------------------------------------------------------------------------------- the names


def test_every_public_name_is_in_the_index_and_no_other():
    table = rows(section("docs/index.md", "The public names"))
    named = [name for row in table for name in quoted(row[0])]

    assert sorted(named) == sorted(spcbench.__all__)


def test_every_page_is_in_the_index():
    pages = {path.name for path in ROOT.glob("docs/*.md")} - {"index.md"} | {"charts/index.md"}

    assert set(re.findall(r"\]\(([a-z/-]+\.md)\)", text_of("docs/index.md"))) == pages


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
    "Actions": tables.ACTIONS.columns,
    "Units": tables.UNITS.columns,
    "Curve": tables.CURVE.columns,
    "Funnel summary": tables.FUNNEL_SUMMARY.columns,
    "Estimates": tables.ESTIMATES.columns,
    "Beside": tables.BESIDE.columns,
    "Advice": tables.ADVICE.columns,
    "Steps": steps.STEPS.columns,
    "Notes": NOTES.columns[:-1],  # `where` is added by reading, and told below the table
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


# ------------------------------------------------------------------- charts, rules, numbers


def own_charts():
    return {one.record.id: one.record for one in PluginHost().charts()}


def own_sets():
    return {one.record.id: one.record for one in PluginHost().rule_sets()}


def test_every_chart_type_has_a_page_and_every_page_a_chart_type():
    assert sorted(own_charts()) == CHART_PAGES


def test_the_overview_of_charts_links_to_every_page():
    linked = re.findall(r"\[`(\w+)`\]\((\w+)\.md\)", text_of("docs/charts/index.md"))

    assert {name for name, _ in linked} == set(own_charts())
    assert all(name == page for name, page in linked)


def test_what_charts_take_is_told_of_each_once():
    told = rows(section("docs/charts/index.md", "What the columns of counts must hold"))
    takes = {chart: record.takes for chart, record in own_charts().items()}
    named = [quoted(row[0]) for row in told]

    assert sorted(chart for charts in named for chart in charts) == sorted(takes)
    for row, charts in zip(told, named, strict=True):
        first = "numerator" if takes[charts[0]] not in ("value", "event", "subgroup") else ""
        assert first in row[1]


def test_what_a_value_is_is_told_of_each_chart_type_once():
    told = rows(section("docs/tables.md", "What a value is"))

    assert sorted(name for row in told for name in quoted(row[0])) == sorted(own_charts())


@pytest.mark.parametrize("page", CHART_PAGES)
def test_the_settings_on_a_page_are_those_of_the_chart_type(page):
    settings = own_charts()[page].settings
    told = {
        quoted(row[0])[0]: row[1] for row in rows(section(f"docs/charts/{page}.md", "Settings"))
    }

    assert list(told) == list(settings)
    for name, setting in settings.items():
        default = {True: "yes", False: "no"}[setting.default] if _flag(setting) else setting.default
        if isinstance(default, str):
            assert told[name] == default
        else:
            assert float(told[name].replace(" ", "")) == default


def _flag(setting) -> bool:
    return isinstance(setting.default, bool)


def test_every_rule_set_is_on_its_page_with_its_rules():
    told = rows(section("docs/rules.md", "The sets"))
    sets = own_sets()

    assert [quoted(row[0])[0] for row in told] == list(sets)
    for row in told:
        rule_set = sets[quoted(row[0])[0]]
        assert quoted(row[1]) == [rule.id for rule in rule_set.rules]
        assert row[2] == {"break": "ends a run", "skip": "is passed over"}[rule_set.ties]


def test_the_false_alarms_on_the_page_are_those_of_the_sets():
    for name, arl0, *chances in (row for row in rows(section("docs/rules.md", "False alarms"))):
        rule_set = own_sets()[quoted(name)[0]]
        assert arl0.split()[0] == ("none" if rule_set.arl0 is None else f"{rule_set.arl0:.1f}")
        assert [float(one) for one in chances[:4]] == list(rule_set.any_signal.values())


def test_the_number_of_rule_sets_is_told():
    assert len(own_sets()) == 9
    assert "Nine published rule sets" in text_of("README.md")
    assert "the other eight sets" in text_of("docs/control-charts.md")
    assert len(own_charts()) == 21
    assert "of 21 types" in text_of("CHANGELOG.md")


def test_the_limits_on_the_page_are_all_that_can_be_asked_for():
    told = [quoted(row[0])[0] for row in rows(section("docs/control-charts.md", "Limits"))]

    assert sorted(told) == sorted(charting.LIMITS)


def test_every_difference_is_shown_by_a_test():
    told = rows(text_of("docs/differences.md"))

    assert len(told) == 28
    for row in told:
        path, _, name = quoted(row[-1])[0].partition("::")
        assert f"def {name}(" in text_of(path), name


def test_screening_as_other_tools_do_it_leaves_no_moving_range():
    """The row of docs/differences.md on 23 months of 100 % and one dip."""
    value = np.array([1.0] * 10 + [0.9] + [1.0] * 13)
    ranges = np.abs(np.diff(value))
    screened = ranges[ranges <= D4 * ranges.mean()]

    assert screened.mean() == 0.0
    # Limits lie on the mean, and no month does.
    assert (value != value.mean()).sum() == 24


def test_the_false_signals_near_100_per_cent_are_as_told():
    told = [
        row for row in rows(section("docs/control-charts.md", "Near 0 and 100 %")) if len(row) == 4
    ]
    assert len(told) == 4
    for cases, share, as_signs, as_here in told:
        events = int(cases), float(share.removesuffix(" %")) / 100
        assert 100 * false_signals(*events, neutral=False) == pytest.approx(float(as_signs), abs=2)
        assert 100 * false_signals(*events, neutral=True) == pytest.approx(float(as_here), abs=1)


def false_signals(cases: int, share: float, *, neutral: bool) -> float:
    """Share of 4,000 stable charts of 24 months with any signal of the default set."""
    met = np.random.default_rng(1).binomial(cases, share, 24 * 4000).astype(np.float64)
    size = np.full(met.size, float(cases))
    series = Series(
        value=met / size,
        numerator=met,
        denominator=size,
        in_baseline=np.ones(met.size, dtype=np.bool_),
        gap=np.zeros(met.size, dtype=np.bool_),
        segments=Segments.from_lengths([24] * 4000),
    )

    def limits(series, options):
        found = p_limits(series, options)
        return found if neutral else replace(found, neutral=None)

    rules = [rule.detect for rule in PluginHost().rule_set("mdc-2023-11").rules]
    fired = chart(series, ChartOptions(), limits=limits, rules=rules).fired
    return float((series.segments.sums((fired > 0).astype(np.int64)) > 0).mean())


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
