from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import pytest

from spcbench.errors import AmbiguousNameError, UnknownNameError
from spcbench.plugin.names import Offered, pick, pick_measure, pick_pack, version_key
from spcbench.plugin.records import Pack


def pack(identifier: str, version: str, *measures: str) -> Pack:
    made = tuple(SimpleNamespace(id=name, title=name, columns=frozenset()) for name in measures)
    return Pack(id=identifier, title="", version=version, record="baby", measures=made)


POP_2023 = pack("pop", "2023", "mgso4", "ocm", "dropped")
POP_2024 = pack("pop", "2024", "mgso4", "ocm")
LOCAL = pack("local", "1", "ocm", "skin")
PACKS = (POP_2024, POP_2023, LOCAL)

OURS = Offered("p", "charts", True, "ours")
THEIRS = Offered("p", "trust-a", False, "theirs")
OTHERS = Offered("p", "trust-b", False, "others'")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pop@2023:mgso4", POP_2023),
        ("pop@2024:mgso4", POP_2024),
        ("pop:mgso4", POP_2024),
        ("mgso4", POP_2024),
        ("pop:dropped", POP_2023),
        ("dropped", POP_2023),
        ("local:ocm", LOCAL),
        ("skin", LOCAL),
    ],
)
def test_a_measure_s_name_means_one_version(name, expected):
    found, measure = pick_measure(name, PACKS)

    assert found is expected
    assert measure.id == name.rpartition(":")[2]


def test_a_bare_measure_in_two_packs_is_ambiguous():
    with pytest.raises(AmbiguousNameError) as caught:
        pick_measure("ocm", PACKS)

    assert str(caught.value) == (
        "several packs have a measure 'ocm'; write one of: local@1:ocm, pop@2023:ocm, pop@2024:ocm"
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "mgso3",
            "there is no measure 'mgso3'; did you mean 'mgso4'? Known: dropped, mgso4, ocm, skin",
        ),
        (
            "pop:mgso3",
            "there is no measure 'pop:mgso3'; did you mean 'pop:mgso4' or 'pop:ocm'? "
            "Known: local:ocm, local:skin, pop:dropped, pop:mgso4, pop:ocm",
        ),
        (
            "local@2:skin",
            "there is no measure 'local@2:skin'; did you mean 'local@1:skin' or 'local@1:ocm'? "
            "Known: local@1:ocm, local@1:skin, pop@2023:dropped, pop@2023:mgso4, "
            "pop@2023:ocm, pop@2024:mgso4, pop@2024:ocm",
        ),
    ],
)
def test_an_unknown_measure_lists_near_matches_then_all(name, message):
    with pytest.raises(UnknownNameError) as caught:
        pick_measure(name, PACKS)

    assert str(caught.value) == message


def test_a_pack_is_its_newest_version_or_the_one_named():
    assert pick_pack("pop", PACKS) is POP_2024
    assert pick_pack("pop@2023", PACKS) is POP_2023


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("pup", "there is no pack 'pup'; did you mean 'pop'? Known: local, pop"),
        (
            "pop@2022",
            "there is no pack 'pop@2022'; did you mean 'pop@2024' or 'pop@2023'? "
            "Known: local@1, pop@2023, pop@2024",
        ),
    ],
)
def test_an_unknown_pack_lists_what_there_is(name, message):
    with pytest.raises(UnknownNameError) as caught:
        pick_pack(name, PACKS)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    "versions",
    [
        ["2023", "2023.1", "2023.2", "2023.10", "2024"],
        ["9", "10", "11.0"],
        ["1.0a", "1.0b", "1.0b2", "1.0b10"],
        ["2023-24", "2024-25"],
        ["1.0", "1.00"],
    ],
)
def test_versions_sort_with_numbers_as_numbers(versions):
    assert all(version_key(a) < version_key(b) for a, b in pairwise(versions))


def test_a_bare_id_is_the_built_in_s():
    assert pick("chart", "p", [THEIRS, OURS, OTHERS]) is OURS


def test_a_bare_id_is_else_the_only_plugin_s():
    assert pick("chart", "p", [THEIRS]) is THEIRS


def test_a_bare_id_of_two_plugins_is_ambiguous():
    with pytest.raises(AmbiguousNameError) as caught:
        pick("chart", "p", [THEIRS, OTHERS])

    assert str(caught.value) == (
        "several plugins offer the chart 'p'; write one of: trust-a:p, trust-b:p"
    )


@pytest.mark.parametrize("one", [OURS, THEIRS, OTHERS])
def test_plugin_and_id_always_works(one):
    assert pick("chart", one.full_name, [OURS, THEIRS, OTHERS]) is one


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("q", "there is no chart 'q'; Known: p"),
        ("trust-c:p", "there is no chart 'trust-c:p'; did you mean 'trust-b:p' or 'trust-a:p' "),
    ],
)
def test_an_unknown_id_lists_what_there_is(name, message):
    with pytest.raises(UnknownNameError) as caught:
        pick("chart", name, [OURS, THEIRS, OTHERS])

    assert str(caught.value).startswith(message.rstrip())
