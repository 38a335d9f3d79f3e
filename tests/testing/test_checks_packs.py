from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from spcbench.measures.example import Example
from spcbench.measures.measure import Composite, Field, Measure
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


def with_examples(*, expected="met", given=True, **more) -> Pack:
    """A pack whose one measure and composite have worked examples in them."""
    example = Example(title="199 days", record={"days": 199, "given": given}, expected=expected)
    made = pack()
    dose = Measure(
        id="dose", title="Dose", better="higher", eligible="days < 200", met="given",
        examples=(example, Example(title="200 days", record={"days": 200}, expected="outside")),
    )  # fmt: skip
    held = Measure(id="held", title="Held", better="higher", eligible="TRUE", met="given")
    both = Composite(
        id="both", title="Both", better="higher", of=("dose", "held"), examples=(example,)
    )
    fields = (Field(name="days", type="integer"), Field(name="given", type="boolean"))
    return replace(made, fields=fields, measures=(dose, held, both), **more)


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


def test_worked_examples_that_come_out_pass():
    assert failures(with_examples()) == {}
    assert failures(with_examples(given=None, expected="unknown")) == {}


def test_examples_that_come_out_otherwise_fail_their_check_all_in_one_message():
    assert failures(with_examples(given=False)) == {
        "reproduces_its_examples": "pack mine@1: reproduces its examples: 2 of 3 examples differ: "
        "dose, '199 days': expected met, counts as not_met; "
        "both, '199 days': expected met, counts as not_met"
    }


def test_examples_of_a_pack_that_cannot_be_counted_fail_only_the_check_of_that():
    sound = with_examples()
    broken = replace(sound.measures[1], met="days = 'x'")
    measures = (sound.measures[0], broken, sound.measures[2])
    assert list(failures(replace(sound, measures=measures))) == ["parses_every_expression"]


def test_where_a_case_is_counted_is_an_expression_too():
    sound = with_examples()
    for counted_on, check in (
        ("days = 'x'", "parses_every_expression"),
        ("nowhere = 1", "declares_every_column"),
    ):
        # A pack of such a measure cannot be made, so that the kit sees a stand-in of it.
        names = ("id", "title", "eligible", "met", "source", "examples")
        dose = {name: getattr(sound.measures[0], name) for name in names}
        columns = frozenset()
        made = SimpleNamespace(**dose, columns=columns, counted_on=counted_on)
        failed = failures(replace(sound, measures=(made,)))
        assert list(failed) == [check]
        assert "counted_on of measure 'dose'" in failed[check]
