from __future__ import annotations

from types import SimpleNamespace

import pytest

from spcbench.plugin import Pack
from spcbench.testing.checks import Check
from spcbench.testing.checks_packs import PACK_PROMISES


def pack(*, eligible="days < 200", met="given", source="A guideline", measure_source=None) -> Pack:
    measure = SimpleNamespace(
        id="thing",
        title="Thing",
        columns=frozenset(),  # a Pack checks what a measure says of itself; the kit checks the SQL
        eligible=eligible,
        met=met,
        source=measure_source,
    )
    fields = (
        SimpleNamespace(name="days", type="integer"),
        SimpleNamespace(name="given", type="boolean"),
    )
    return Pack(
        id="mine",
        title="",
        version="1",
        record="baby",
        fields=fields,
        measures=(measure,),
        source=source,
    )


def failures(made: Pack) -> dict[str, str]:
    failed = {}
    for promise in PACK_PROMISES:
        try:
            Check("pack mine@1", promise, made)()
        except AssertionError as error:
            failed[promise.__name__] = str(error)
    return failed


def test_a_sound_pack_passes():
    assert failures(pack()) == {}
    assert failures(pack(source="", measure_source="A paper")) == {}


@pytest.mark.parametrize(
    "broken", [{"met": "DROP TABLE x"}, {"eligible": "(SELECT 1) = 1"}, {"met": "days = 'x'"}]
)
def test_an_expression_outside_the_subset_fails_its_check(broken):
    failed = failures(pack(**broken))

    assert list(failed) == ["parses_every_expression"]
    part = next(iter(broken))
    assert failed["parses_every_expression"].startswith(
        f"pack mine@1: parses every expression: {part} of measure 'thing': "
    )


def test_an_undeclared_column_fails_its_check():
    assert failures(pack(met="taken")) == {
        "declares_every_column": "pack mine@1: declares every column: met of measure 'thing' "
        "uses the column 'taken', which is not declared as a field"
    }


def test_a_definition_without_a_source_fails_its_check():
    assert failures(pack(source="")) == {
        "cites_its_sources": "pack mine@1: cites its sources: "
        "neither the pack nor its measure 'thing' cites a source"
    }
