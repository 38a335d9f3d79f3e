"""`spcbench impact`, and the estimate on the page of an area."""

from __future__ import annotations

import json
import subprocess
import sys

import pandas as pd
import pytest
from click.testing import CliRunner

import spcbench_pop
from spcbench.cli import main
from spcbench.report import Page
from spcbench_pop.impact import impact_of_counts, section_of
from spcbench_pop.impact.sections import impact_sections


def frame(measure: str = "pop@2023:mgso4", units: tuple[str, ...] = ("RJ1", "RJ7")) -> pd.DataFrame:
    months = pd.date_range("2022-01-01", periods=24, freq="MS")
    rows = [
        (measure, unit, month, 15 if month.year == 2022 else 18, 20, 1)
        for unit in units
        for month in months
    ]
    names = ["measure", "unit", "period", "numerator", "denominator", "missing"]
    return pd.DataFrame(rows, columns=names)


@pytest.fixture
def counts(tmp_path):
    path = tmp_path / "counts.csv"
    pd.concat([frame(), frame("pop@2023:ocm")]).to_csv(path, index=False)
    return path


def run(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["impact", *map(str, words)])
    return done.exit_code, done.output


def test_the_summary_is_in_plain_words(counts):
    code, said = run(counts, "--counterfactual", "first-year", "--preset", "hin_london_2024")

    assert code == 0
    assert "(2 units, January 2022 to December 2023)" in said
    assert "Treated: 792 of 960 women eligible (82.5 %); of 48 more it is not known" in said
    assert "about 21 cases of cerebral palsy prevented" in said  # 792 / 37 = 21.4
    assert (
        "Against the rate of the first twelve months of these data (75.0 %): about 1 case" in said
    )
    assert "not cash released" in said


def test_numbers_may_be_given_instead_of_counts():
    code, said = run("--treated", 2257, "--eligible", 2453, "--preset", "hin_london_2024")

    assert code == 0
    assert "about 61 cases" in said
    assert "gross about £61m" in said


def test_one_trust_and_some_periods(counts):
    code, said = run(counts, "--unit", "RJ1", "--from", "2023-01", "--to", "2023-06")

    assert code == 0
    assert "(RJ1, January 2023 to June 2023)" in said
    assert "Treated: 108 of 120 women" in said


def test_csv_holds_the_figures_and_how_they_were_made(counts, tmp_path):
    code, said = run(counts, "-o", tmp_path / "impact.csv")

    assert code == 0
    assert "impact.method.csv" in said
    lines = pd.read_csv(tmp_path / "impact.csv")
    others = pd.read_csv(tmp_path / "impact.others.csv")
    method = pd.read_csv(tmp_path / "impact.method.csv")
    assert lines["when"].to_list() == ["2022", "2023", "all"]
    assert lines["gross"].iloc[-1] == pytest.approx(792 / 37)
    assert others["effect"].nunique() == 3
    assert method["value"].str.contains("not cash released").any()
    assert set(method["name"]) >= {"schema_version", "preset", "effect_source", "unit_cost_label"}


def test_json_is_the_same_twice_and_holds_the_words(counts, tmp_path):
    for name in ("one.json", "two.json"):
        assert run(counts, "--measure", "pop:ocm", "-o", tmp_path / name)[0] == 0

    first, second = ((tmp_path / name).read_bytes() for name in ("one.json", "two.json"))
    assert first == second
    made = json.loads(first)
    assert made["impact"][-1]["treated"] == 792
    assert made["impact"][-1]["gross_value"] is None
    assert [row["nnt_high"] for row in made["others"]] == [100, 50, "infinite"]
    assert any("must not be added up" in line for line in made["words"])


def test_a_page_has_the_years_and_the_words(counts, tmp_path):
    pytest.importorskip("spcbench_html")
    code, _ = run(
        counts, "--measure", "pop:mgso4", "--measure", "pop:ocm", "-o", tmp_path / "i.html"
    )

    assert code == 0
    page = (tmp_path / "i.html").read_text("utf-8")
    assert "Estimated cases of cerebral palsy by year" in page
    assert "not cash released" in page


def test_lives_together_are_told_when_asked_for(counts):
    code, said = run(counts, "--measure", "pop:ocm", "--baseline-deaths", 100)

    assert code == 0
    assert "Together, of 100 deaths to expect without any of this care: about 26.4 lives" in said


def test_claims_are_listed_with_what_became_of_them():
    code, said = run("--claims")

    assert code == 0
    assert "14,270 women / 37, rounded down: 385\n  reproduced\n" in said
    assert "more than 282 lives saved over six years" in said
    assert "not reproducible: neither the kinds of care" in said


def test_effects_are_listed_with_what_is_not_verified():
    code, said = run("--effects")

    assert code == 0
    assert "mgso4-programme (mgso4) [the usual one]" in said
    assert "caffeine-cap (caffeine) [not verified]" in said
    assert "number needed to treat 63 (39 to 172)" in said
    assert "none for normothermia: " in said


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ([], 2, "give either a file of counts, or --treated"),
        (["--eligible", 3], 2, "give either a file of counts, or --treated"),
        (["COUNTS", "--treated", 3], 2, "give either a file of counts, or --treated"),
        (["COUNTS", "--eligible", 3], 2, "--eligible goes with --treated"),
        (["--treated", 3, "--unit", "RJ1"], 2, "--unit chooses rows of COUNTS"),
        (["--treated", 3, "--eligible", 2], 2, "3 treated is more than the 2 eligible"),
        (["--treated", 3, "--below-weeks", 32], 2, "births below 32. Count"),
        (
            ["COUNTS", "--measure", "pop:mgso4", "--measure", "pop:ocm", "--nnt", 9],
            2,
            "--nnt is of",
        ),
        (["--treated", 3, "--measure", "mgso4", "--measure", "ocm"], 2, "--treated is of one"),
        (["COUNTS", "--measure", "pop:mgso5"], 2, "did you mean 'pop@2023:mgso4'"),
        (["COUNTS", "--measure", "pop:ocm", "--unit-cost", "1.0m"], 2, "a unit cost is of a case"),
        (["COUNTS", "--by", "month"], 2, "by must be one of year"),
        (["--treated", 3, "--by", "decade"], 2, "by must be one of year"),
        (["--treated", 3, "--nnt", "inf"], 2, "would mean that nothing is prevented"),
        (["--treated", 3, "--nnt", "nan"], 2, "is 1 or more"),
        (["--treated", "9" * 23], 2, "the number treated is more than there are people"),
        (["--treated", 3, "--eligible", "9" * 400], 2, "the number eligible is more than there"),
        (["COUNTS", "--from", "2030-01"], 1, "has nobody eligible"),
        (["COUNTS", "-o", "COUNTS"], 2, "is the file that is being read"),
        (["COUNTS", "-o", "nowhere/impact.csv"], 2, "there is no folder 'nowhere'"),
        (["COUNTS", "-o", "impact.docx"], 2, "no format for files ending in"),
    ],
)
def test_errors_are_one_line(counts, words, code, told):
    found, said = run(*[counts if word == "COUNTS" else word for word in words])

    assert found == code
    assert told in said
    assert "Traceback" not in said


def test_records_are_not_taken_for_counts(tmp_path):
    path = tmp_path / "births.csv"
    path.write_text("baby_id,trust_code,birth_date\nB1,RJ1,2024-01-01\n")
    code, said = run(path)

    assert code == 2
    assert "make counts of them first" in said


def test_offering_the_command_loads_nothing_heavy():
    script = (
        "import sys, spcbench_pop; list(spcbench_pop.spcbench_commands()); "
        "print([name for name in ('pandas', 'numpy', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


# ----------------------------------------------------------------------- the page of an area


def page(counts: pd.DataFrame, **options) -> Page:
    given = {
        "kind": "area",
        "unit": "Y56",
        "unit_name": "London",
        "members": ("RJ1", "RJ7"),
        "first": counts["period"].min(),
        "last": counts["period"].max(),
        "names": {},
    }
    return Page(counts=counts, **{**given, **options})


def leveled() -> pd.DataFrame:
    outside = frame(units=("RXX",)).assign(level="provider")
    above = frame(units=("Y56",)).assign(level="region")
    return pd.concat([frame().assign(level="provider"), outside, above])


def test_the_page_of_an_area_counts_its_own_units_once():
    (section,) = impact_sections(page(leveled()), pack="pop@2023")

    table = section.tables[0].frame
    assert table[table["total"]]["treated"].to_list() == [792]
    assert table[table["total"]]["unit"].to_list() == ["2 units"]
    assert section.title == "Impact: an estimate"


def test_the_page_of_a_unit_has_no_estimate():
    assert tuple(impact_sections(page(leveled(), kind="unit"), pack="pop@2023")) == ()


def test_an_area_without_anybody_eligible_has_none():
    empty = leveled().assign(numerator=0, denominator=0)

    assert tuple(impact_sections(page(empty), pack="pop@2023")) == ()


def test_a_page_of_overlapping_windows_says_why_there_is_none():
    rolling = leveled()
    ends = rolling["period"] + pd.DateOffset(months=3) - pd.DateOffset(days=1)
    (section,) = impact_sections(page(rolling.assign(period_end=ends)), pack="pop@2023")

    assert section.text[0].startswith("Not estimated: the period from 2022-01-01 to 2022-03-31")
    assert section.tables == ()


def test_the_same_women_are_not_estimated_twice_by_two_packs():
    others = [frame(f"{one}:mgso4") for one in ("pop@2020", "nnap@2022", "precept@2018")]
    both = pd.concat([leveled(), *(one.assign(level="provider") for one in others)])
    made = {
        pack: len(tuple(impact_sections(page(both), pack=pack)))
        for pack in ("pop@2023", "pop@2020", "nnap@2022", "precept@2018")
    }

    assert made == {"pop@2023": 1, "pop@2020": 0, "nnap@2022": 0, "precept@2018": 0}


def test_every_pack_gives_its_sections():
    packs = {one.name: one for one in spcbench_pop.spcbench_packs()}

    (section,) = packs["nnap@2022"].sections(
        page(frame("nnap@2022:mgso4").assign(level="provider"))
    )
    assert all(pack.sections is not None for pack in packs.values())
    assert [one.id for one in section.tables] == ["impact_mgso4", "impact_mgso4_others"]


def test_the_table_reads_as_the_words_do():
    both = pd.concat([frame(), frame("pop@2023:ocm")])
    found = impact_of_counts(both, measures=["pop@2023:mgso4", "pop@2023:ocm"])
    section = section_of(found)
    cases, _, lives, _ = section.tables

    assert cases.frame["gross_words"].iloc[-1] == "21.4 (12.6 to 21.9)"
    assert cases.frame["gross_value_words"].iloc[-1].startswith("£21.4m (£12.6m to ")
    assert lives.frame["incremental_words"].iloc[0] == "the year compared with"
    assert "Value, all against none" not in lives.headings.values()
    assert "must not be added up" in section.text[-1]
