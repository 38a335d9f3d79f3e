"""The page "Write a measure pack" says what the code does."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from pathlib import Path

import pytest

import spcbench
from spcbench.measures import expression, pack, subset
from spcbench.measures.example import OUTCOMES
from spcbench.measures.measure import (
    TYPES,
    Check,
    Composite,
    Example,
    Field,
    Measure,
    Reference,
    Source,
)
from spcbench.measures.pack_file import SHARED
from spcbench.measures.trying import tried_examples
from spcbench.tables import LEVEL

PAGE = Path(__file__).parents[2] / "docs" / "packs.md"


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


BIRTHS = """unit,born_at,ga_days,temperature_c,temperature_at,skin_to_skin
RJ1,2024-01-01 10:00,237,36.5,2024-01-01 11:00:59,yes
RJ1,2024-01-02 10:00,237,36.5,2024-01-02 11:01,
RJ1,2024-01-03 10:00,238,,,no
RJ1,2024-01-04 10:00,190,,2024-01-04 10:30,
RJ1,2024-01-05 10:00,999,37,2024-01-05 10:30,yes
"""


def test_the_example_counts_as_it_stands(page, tmp_path, monkeypatch, capsys):
    (tmp_path / "warmth.toml").write_text(blocks(page, "toml")[0], encoding="utf-8")
    (tmp_path / "births.csv").write_text(BIRTHS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    made: dict[str, object] = {}
    exec(blocks(page, "python")[0], made)
    counted = made["counted"]
    assert isinstance(counted, spcbench.Counted)
    rows = counted.counts[["measure", "numerator", "denominator", "missing"]].to_numpy().tolist()
    assert rows == [
        ["warmth@2024.1:both", 1, 3, 1],
        ["warmth@2024.1:held", 1, 3, 0],
        ["warmth@2024.1:warm", 1, 2, 1],
    ]
    assert "out_of_range" in capsys.readouterr().out


def test_the_example_of_a_derived_field_and_a_check_goes_with_the_first(page, tmp_path):
    warmth, more = blocks(page, "toml")[:2]
    days = '[[field]]\nname = "ga_weeks"\ntype = "integer"\n'
    days += '[[field]]\nname = "ga_extra_days"\ntype = "integer"\n'
    first, last = warmth.index("[[field]]"), warmth.index('[[field]]\nname = "temperature_c"')
    path = tmp_path / "warmth.toml"
    path.write_text(warmth[:first] + days + more + warmth[last:], encoding="utf-8")
    loaded = pack.load_pack(path)
    assert [one.id for one in loaded.checks] == ["warm_after_birth"]
    assert "ga_weeks * 7 + ga_extra_days" in [one.from_ for one in loaded.fields]


def test_the_published_example_is_a_measure(page):
    (settings,) = tomllib.loads(blocks(page, "toml")[2])["measure"]
    made = {key: tuple(one) if isinstance(one, list) else one for key, one in settings.items()}
    assert Measure(**made).met_categories == ("0 to 6",)


@pytest.mark.parametrize("record", [Check, Field, Measure, Composite, Source, Reference, Example])
def test_every_key_is_on_the_page(page, record):
    for one in dataclasses.fields(record):
        name = one.name.rstrip("_")
        assert re.search(rf"`[^`\n]*\b{name}\b[^`\n]*`", page), name


def test_every_key_of_a_measure_is_in_its_table(page):
    """Also `like`, which is a key of the file alone; of a published measure the table is below."""
    cells = re.findall(r"^\| (.*?) \|", page, re.M)
    told = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert {one.name for one in dataclasses.fields(Measure)} | {"like"} <= told
    composite = page[page.index("`[[composite]]` has") :].partition("\n\n")[0]
    named = set(re.findall(r"`(\w+)`", composite))
    assert named == {one.name for one in dataclasses.fields(Composite)}


def test_the_worked_examples_of_the_page_come_out(page, tmp_path):
    warmth, *_, shown, _, _ = blocks(page, "toml")
    path = tmp_path / "warmth.toml"
    path.write_text(warmth[: warmth.index("[[measure]]")] + shown, encoding="utf-8")
    tried = tried_examples(pack.load_pack(path))
    assert [(one.outcome, one.agrees) for one in tried] == [
        (expected, True)
        for expected in ("met", "not_met", "outside", "unknown", "unknown", "set_aside")
    ]


def test_the_packs_of_the_page_that_share_definitions(page, tmp_path):
    *_, shared, own = blocks(page, "toml")
    (tmp_path / "shared.toml").write_text(shared, encoding="utf-8")
    (tmp_path / "magnesium.toml").write_text(own, encoding="utf-8")
    made = pack.load_pack(tmp_path / "magnesium.toml").measures
    assert [(one.id, one.eligible, one.target, one.target_label) for one in made] == [
        ("magnesium", "ga_days < 210", 0.85, "local aim"),
        ("magnesium_below_27", "ga_days < 189", 0.9, "local aim"),
    ]


def test_what_an_included_file_may_hold_is_on_the_page(page):
    listed = " and ".join(f"`[[{one}]]`" for one in SHARED)
    assert re.sub(r"` and (?=.*` and)", "`, ", listed, count=1) in page
    assert set(OUTCOMES) == set(re.findall(r'expected = "(\w+)"', page))


def test_the_levels_are_on_the_page(page):
    assert ", ".join(f"`{one}`" for one in LEVEL) in page


def test_every_word_of_the_format_is_on_the_page(page):
    for word in (*TYPES, *pack.PACK_KEYS, "exclude", "not_met", "reject_record"):
        assert f"`{word}`" in page or f'`"{word}"`' in page, word
    for function in subset.FUNCTIONS:
        assert re.search(rf"`{function}\b", page, re.IGNORECASE), function


def test_the_limits_on_the_page_are_those_of_the_code(page):
    assert f"nested {expression.DEPTH_MAX} levels deep" in page
    assert f"be {expression.TOKENS_MAX:,} words and signs long" in page
