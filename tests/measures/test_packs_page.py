"""The page "Write a measure pack" says what the code does."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from pathlib import Path

import pytest

import spcbench
from spcbench.measures import expression, pack, subset
from spcbench.measures.measure import TYPES, Check, Composite, Field, Measure, Source

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


@pytest.mark.parametrize("record", [Check, Field, Measure, Composite, Source])
def test_every_key_is_on_the_page(page, record):
    for one in dataclasses.fields(record):
        assert f"`{one.name.rstrip('_')}`" in page or one.name in page, one.name


def test_every_word_of_the_format_is_on_the_page(page):
    for word in (*TYPES, *pack.PACK_KEYS, "exclude", "not_met", "reject_record"):
        assert f"`{word}`" in page or f'`"{word}"`' in page, word
    for function in subset.FUNCTIONS:
        assert re.search(rf"`{function}\b", page, re.IGNORECASE), function


def test_the_limits_on_the_page_are_those_of_the_code(page):
    assert f"nested {expression.DEPTH_MAX} levels deep" in page
    assert f"be {expression.TOKENS_MAX:,} words and signs long" in page
