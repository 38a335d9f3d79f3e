"""Every number and every comparison in a definition has an example that would notice a change."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

import spcbench_pop
from spcbench.measures.measure import Measure
from spcbench.measures.trying import tried_examples

# A digit within a name, such as milk_24h, is no number.
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])")
SIGN = re.compile(r"<=|>=|<|>")
OTHER_SIGN = {"<=": "<", "<": "<=", ">=": ">", ">": ">="}

NO_DIFFERENCE = {
    # A whole minute is 60 seconds or more of either length, and the rule asks for 60.
    "COALESCE(cord_clamp_seconds, cord_clamp_minute * 61 + cord_clamp_second)",
}
"""Changed texts that mean the same."""


def definitions():
    """Each definition once, though several packs may share it."""
    found = {}
    for pack in spcbench_pop.spcbench_packs():
        for one in pack.measures:
            if isinstance(one, Measure):
                key = (one.eligible, one.met, one.counted_on, one.missing, str(one.examples))
                found.setdefault(key, (pack, one))
    return list(found.values())


DEFINITIONS = definitions()


def changed(text):
    """The text with one number moved by its last place, or one comparison made looser or tighter.

    >>> changed("x <= 36.5")
    ['x <= 36.4', 'x <= 36.6', 'x < 36.5']
    """
    made = []
    for match in NUMBER.finditer(text):
        step = 0.1 if "." in match[0] else 1
        for moved in (float(match[0]) - step, float(match[0]) + step):
            made.append(f"{text[: match.start()]}{moved:g}{text[match.end() :]}")
    for match in SIGN.finditer(text):
        made.append(f"{text[: match.start()]}{OTHER_SIGN[match[0]]}{text[match.end() :]}")
    return made


def unnoticed(pack, measures):
    """Measures all of whose examples come out as before."""
    whole = replace(pack, measures=tuple(measures))
    noticed = {one.measure.id for one in tried_examples(whole) if not one.agrees}
    return [one for one in measures if one.id not in noticed]


@pytest.mark.parametrize(
    ("pack", "measure"), DEFINITIONS, ids=[f"{p.name}:{m.id}" for p, m in DEFINITIONS]
)
def test_a_changed_definition_fails_an_example(pack, measure):
    mutants = [
        replace(measure, id=f"m{part}{place}", **{part: text})
        for part in ("eligible", "met", "counted_on")
        for place, text in enumerate(changed(getattr(measure, part)))
    ]

    assert unnoticed(pack, [measure]) == [measure]
    assert len(mutants) >= 2
    assert [(one.eligible, one.met, one.counted_on) for one in unnoticed(pack, mutants)] == []


def derived():
    """Each changed text of a field that is worked out from others, by the field's name."""
    fields = {
        one.name: one
        for pack, _ in DEFINITIONS
        for one in pack.fields
        if one.from_ and not one.name.startswith("form_")
    }
    return [(name, text) for name, one in fields.items() for text in changed(one.from_)]


@pytest.mark.parametrize(
    ("name", "text"), derived(), ids=[f"{name}{n}" for n, (name, _) in enumerate(derived())]
)
def test_a_changed_field_fails_an_example(name, text):
    users = [(pack, one) for pack, one in DEFINITIONS if name in one.columns]

    assert users
    assert any(notices(pack, one, name, text) for pack, one in users) != (text in NO_DIFFERENCE)


def notices(pack, measure, name, text):
    """Whether an example of a measure comes out otherwise with a field worked out otherwise."""
    fields = (replace(one, from_=text) if one.name == name else one for one in pack.fields)
    return not unnoticed(replace(pack, fields=tuple(fields)), [measure])
