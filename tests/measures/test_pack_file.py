"""Packs that share files and definitions, and what else a measure may say of itself."""

from __future__ import annotations

import dataclasses
import os
import tomllib
from pathlib import Path

import pandas as pd
import pytest
import sqlglot

from spcbench.charting import control_charts
from spcbench.display import Display, Reference
from spcbench.errors import ExpressionError, PackError
from spcbench.measures import expression, gates, pack_file
from spcbench.measures.counting import count
from spcbench.measures.example import Example
from spcbench.measures.measure import Composite, Field, Measure, display_of
from spcbench.measures.pack import load_pack
from spcbench.measures.pack_file import BYTES_MAX
from spcbench.plugin.records import Pack

RECORD = """
[[field]]
name = "ga_days"
type = "integer"

[[field]]
name = "given"
type = "boolean"

[[check]]
id = "early_enough"
title = "Gestation is that of a baby"
must = "ga_days < 320"
"""
SHARED = """
[[definition]]
id = "early"
title = "Given early"
eligible = "ga_days < 210"
met = "given"
better = "higher"
counts = "mother"
source = { title = "A guideline" }
references = [{ value = 0.855, place = "England", period = "2022" }]
"""
PACK = """
[pack]
id = "example"
title = "An example"
version = "1"
record = "baby"
valid = "2023/24 onward"
include = ["record.toml", "shared.toml"]

[[measure]]
like = "early"

[[measure]]
like = "early"
id = "earlier"
eligible = "ga_days < 189"
references = []
"""


@pytest.fixture
def folder(tmp_path):
    """A folder of the three files; what is given replaces a file or adds one."""

    def write(**files):
        for name, text in {"pack": PACK, "record": RECORD, "shared": SHARED, **files}.items():
            (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
        return tmp_path / "pack.toml"

    return write


def test_a_pack_takes_in_files_of_its_folder_before_its_own(folder):
    own = '\n[[field]]\nname = "own"\ntype = "text"\n'
    pack = load_pack(folder(pack=PACK + own))
    assert [one.name for one in pack.fields] == ["ga_days", "given", "own"]
    assert [one.id for one in pack.checks] == ["early_enough"]
    assert pack.valid == "2023/24 onward"
    # A definition is no measure until a measure is like it.
    assert [one.id for one in pack.measures] == ["early", "earlier"]


def test_a_measure_like_a_definition_says_only_what_differs(folder):
    early, earlier = load_pack(folder()).measures
    assert early == Measure(
        id="early",
        title="Given early",
        better="higher",
        eligible="ga_days < 210",
        met="given",
        counts="mother",
        source=early.source,
        references=(Reference(value=0.855, place="England", period="2022"),),
    )
    assert (earlier.id, earlier.eligible, earlier.references) == ("earlier", "ga_days < 189", ())
    assert (earlier.met, earlier.counts, earlier.source) == ("given", "mother", early.source)


def test_a_definition_may_stand_in_the_pack_itself(folder):
    pack = load_pack(folder(pack=PACK.replace(', "shared.toml"', "") + SHARED))
    assert [one.id for one in pack.measures] == ["early", "earlier"]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../record.toml", "must be the plain name of a .toml file in the same folder"),
        ("/etc/passwd", "must be the plain name"),
        ("sub/record.toml", "must be the plain name"),
        ("..\\\\record.toml", "must be the plain name"),
        (".hidden.toml", "must be the plain name"),
        ("record.toml/../../record.toml", "must be the plain name"),
        ("record.toml/x", "must be the plain name"),
        ("C:record.toml", "must be the plain name"),
        ("record.txt", "must be the plain name"),
        ("", "must be the plain name"),
        ("pack.toml", "include names the pack's own file, 'pack.toml'"),
        ("shared.toml", "include names 'shared.toml' twice"),
        ("nowhere.toml", "included file 'nowhere.toml': cannot be read (No such file"),
    ],
)
def test_a_pack_includes_nothing_else(folder, name, why):
    path = folder(pack=PACK.replace('"record.toml"', f'"{name}"'))
    with pytest.raises(PackError) as caught:
        load_pack(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"record": '[pack]\nid = "a"\ninclude = ["pack.toml"]\n'},
            "included file 'record.toml': has a [pack] of its own; an included file holds only "
            "[[field]], [[check]], [[definition]]",
        ),
        (
            {"record": 'include = ["shared.toml"]\n'},
            "included file 'record.toml': the file: the key 'include' is not known; ",
        ),
        ({"record": "[[measure]]\n"}, "included file 'record.toml': the file: the key 'measure'"),
        ({"record": "[[field]\n"}, "included file 'record.toml': is not valid TOML ("),
        ({"record": 'field = "x"\n'}, "field must be written [[field]], once for each"),
        ({"shared": SHARED + SHARED}, "definition 'early' stands twice"),
        ({"shared": '[[definition]]\ntitle = "x"\n'}, "a [[definition]] has no id, by which"),
        (
            {"shared": SHARED + 'like = "other"\n'},
            "definition 'early': like goes with [[measure]] only",
        ),
        (
            {"shared": SHARED.replace('"early"', '"earl"')},
            "measure 'early': there is no [[definition]] 'early' to be like; did you mean 'earl'?",
        ),
        ({"shared": SHARED + "traget = 1\n"}, "measure 'early': the key 'traget' is not known;"),
        (
            {"pack": PACK.replace('["record.toml", "shared.toml"]', '"record.toml"')},
            '[pack]: include must be a list of files, such as ["record.toml"]',
        ),
        ({"pack": PACK.replace('valid = "2023/24 onward"', "valid = 2023")}, "valid must be text"),
        ({"pack": PACK + RECORD}, "declares field 'ga_days' twice"),
        (
            {"pack": PACK + '[[composite]]\nlike = "early"\n'},
            "composite: the key 'like' is not known",
        ),
    ],
)
def test_a_fault_in_an_included_file_is_told(folder, files, message):
    path = folder(**files)
    with pytest.raises(PackError) as caught:
        load_pack(path)
    assert message in str(caught.value)


# ------------------------------------------------------------------ files from a stranger


def refused(path):
    with pytest.raises(PackError) as caught:
        load_pack(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


DEEP = ("[" * 3000 + "]" * 3000, "{ a = " * 3000 + "1" + " }" * 3000)
DOTTED = ".".join(["a"] * 3000) + " = 1\n"  # read without recursion, and as deep


@pytest.mark.parametrize("deep", [*(f"field = {one}\n" for one in DEEP), DOTTED])
@pytest.mark.parametrize("name", ["pack", "record"])
def test_deep_nesting_is_one_error(folder, name, deep):
    text = {"pack": PACK, "record": RECORD}[name]
    message = refused(folder(**{name: deep + text}))
    assert "nested too deeply" in message or "the key 'a' is not known" in message


@pytest.mark.parametrize("key", ["description", "examples", "references", "like", "target"])
def test_deep_nesting_under_a_key_that_is_known_is_one_error(folder, key):
    own = '[[measure]]\nid = "own"\ntitle = "Own"\nbetter = "higher"\neligible = "given"\n'
    message = refused(folder(pack=f'{PACK}{own}met = "given"\n{key}.{DOTTED}'))
    known = ("nested too deeply", f"{key} must be", "is missing", "is not known", "there is no")
    assert any(one in message for one in known)


def test_a_link_out_of_the_folder_is_not_followed(folder, tmp_path):
    path = folder()
    outside = tmp_path.parent / f"{tmp_path.name}-outside.toml"
    (tmp_path / "record.toml").replace(outside)
    (tmp_path / "record.toml").symlink_to(outside)
    assert "included file 'record.toml': is a link to a file outside the" in refused(path)


def test_links_within_the_folder_and_a_folder_of_links_are_read(folder, tmp_path):
    path = folder()
    (tmp_path / "record.toml").replace(tmp_path / "fields.toml")
    (tmp_path / "record.toml").symlink_to(tmp_path / "fields.toml")
    expected = load_pack(path)
    assert expected.id == "example"
    # Some installers link every file of a package to one store of them all.
    links = tmp_path / "links"
    links.mkdir()
    for name in ("pack.toml", "record.toml", "shared.toml"):
        (links / name).symlink_to(tmp_path / name)
    assert load_pack(links / "pack.toml") == expected


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("name", ["pack", "record"])
def test_a_pipe_is_refused_and_not_waited_for(folder, tmp_path, name):
    path = folder()
    (tmp_path / f"{name}.toml").unlink()
    os.mkfifo(tmp_path / f"{name}.toml")
    assert "is not a file of text but a folder, a pipe or a device" in refused(path)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no /dev/zero")
def test_a_device_without_an_end_is_refused(tmp_path):
    (tmp_path / "pack.toml").symlink_to("/dev/zero")
    assert "a folder, a pipe or a device" in refused(tmp_path / "pack.toml")


@pytest.mark.parametrize("name", ["pack", "record"])
def test_a_huge_file_is_refused_before_it_is_parsed(folder, name):
    text = {"pack": PACK, "record": RECORD}[name]
    at_most = text + "#" * (BYTES_MAX - len(text))
    assert load_pack(folder(**{name: at_most})).id == "example"
    assert "is larger than 5 MB, which no pack is" in refused(folder(**{name: at_most + "#"}))


# ------------------------------------------------------------------ packs that share files


def test_what_packs_share_is_read_and_parsed_once(folder, tmp_path, monkeypatch):
    path = folder()
    other = tmp_path / "other.toml"
    other.write_text(PACK.replace('id = "example"', 'id = "other"'), encoding="utf-8")
    asked = []
    for module, name in ((sqlglot, "parse_one"), (tomllib, "loads")):
        plain = getattr(module, name)

        def counted(text, *args, plain=plain, **options):
            asked.append(text)
            return plain(text, *args, **options)

        monkeypatch.setattr(module, name, counted)
    for kept in (pack_file._parsed, gates.parsed, expression._walked):
        kept.cache_clear()
    assert (load_pack(path).name, load_pack(other).name) == ("example@1", "other@1")
    expressions = {"ga_days < 210", "ga_days < 189", "given", "ga_days < 320"}
    assert {*asked} == {*expressions, PACK, RECORD, SHARED, other.read_text(encoding="utf-8")}
    assert len(asked) == len({*asked})


def test_a_change_to_one_pack_does_not_reach_the_next(folder):
    example = '[[definition.examples]]\ntitle = "x"\nrecord = { ga_days = 3 }\nexpected = "met"\n'
    path = folder(shared=SHARED + example)
    for _ in range(2):
        record = load_pack(path).measures[0].examples[0].record
        assert record == {"ga_days": 3}
        record["ga_days"] = 4


def test_a_file_that_was_changed_is_read_again(folder):
    assert load_pack(folder()).measures[0].target is None
    assert load_pack(folder(shared=SHARED + "target = 0.5\n")).measures[0].target == 0.5


# --------------------------------------------------------------- what a measure says of itself


def measure(**settings):
    defaults = {"id": "a", "title": "A", "better": "higher", "eligible": "x", "met": "y"}
    return Measure(**{**defaults, **settings})


def test_what_a_measure_says_of_itself_is_shown():
    said = {
        "target": 0.85,
        "target_label": "aim",
        "stretch": 0.9,
        "stretch_label": "more",
        "target_verified": False,
        "verified": True,
        "references": (Reference(value=0.5, place="England", period="2022"),),
        "counts": "mother",
        "strata": "designation",
        "compare_at": ("system", "region"),
        "per": 1000,
    }
    shown = display_of(measure(**said, caution="Look\n at  the strata.\n"))
    assert {name: getattr(shown, name) for name in said} == said
    assert shown.caution == "Look at the strata."
    both = Composite(id="c", title="C", better="higher", of=("a", "b"), **said)
    assert {name: getattr(display_of(both), name) for name in said} == said


def test_every_fact_that_is_shown_is_one_of_a_measure():
    shown = {one.name for one in dataclasses.fields(Display)} - {"form"}  # only composites have one
    for record in (Measure, Composite):
        assert shown <= {one.name for one in dataclasses.fields(record)}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"stretch": 0.9}, "measure 'a': stretch goes with target only"),
        ({"target": 0.9, "stretch": 95}, "measure 'a': stretch must lie between 0 and 1, not 95"),
        ({"target": 0.9, "stretch": 0.8}, "stretch 0.8 is easier to reach than target 0.9"),
        (
            {"target": 0.1, "stretch": 0.2, "better": "lower"},
            "stretch 0.2 is easier to reach than target 0.1",
        ),
        ({"stretch_label": 3}, "measure 'a': stretch_label must be text, not 3"),
        ({"target_verified": "no"}, "measure 'a': target_verified must be true or false"),
        ({"counts": 1}, "measure 'a': counts must be text, not 1"),
        ({"caution": ("x",)}, "measure 'a': caution must be text"),
        ({"compare_at": ("system", "icb")}, "measure 'a': compare_at cannot be 'icb'; "),
        ({"compare_at": "system"}, "measure 'a': compare_at must be a list of texts"),
        ({"references": (0.5,)}, "measure 'a': references must be a list of references"),
        ({"examples": ({},)}, "measure 'a': examples must be a list of examples"),
        (
            {"count_by": "mother", "counted_on": "first"},
            "measure 'a': count_by and counted_on are two ways to count a shared case once",
        ),
    ],
)
def test_a_measure_refuses_what_does_not_go(settings, message):
    with pytest.raises(PackError) as caught:
        measure(**settings)
    assert message in str(caught.value)


def test_counted_on_goes_through_the_permitted_sql():
    assert measure(counted_on="births = 1 OR place = 1").columns == {"x", "y", "births", "place"}
    with pytest.raises(ExpressionError) as caught:
        measure(counted_on="place = (SELECT 1)")
    assert "measure 'a', counted_on: " in str(caught.value)


def test_a_target_of_ones_own_takes_the_place_of_all_that_was_said_of_targets():
    settings = {"id": "p", "title": "P", "version": "1", "record": "baby"}
    one = measure(target=0.8, target_label="aim", stretch=0.9, target_verified=False, counts="baby")
    fields = (Field(name="x", type="boolean"), Field(name="y", type="boolean"))
    pack = Pack(**settings, fields=fields, measures=(one,))
    days = pd.date_range("2024-01-01", periods=14, freq="MS")
    records = pd.DataFrame({"unit": "A", "born": days, "x": True, "y": True})
    counted = count(records, packs=[pack], unit_column="unit", date_column="born")
    assert control_charts(counted).display["p@1:a"] == display_of(one)
    own = control_charts(counted, target=0.7).display["p@1:a"]
    assert own == dataclasses.replace(
        display_of(one), target=0.7, target_label="", stretch=None, target_verified=True
    )


@pytest.mark.parametrize("key", ["counted_on", "examples"])
def test_a_published_measure_has_no_records(key):
    value = "x" if key == "counted_on" else (Example(title="x", record={}, expected="met"),)
    with pytest.raises(PackError) as caught:
        Measure(id="a", title="A", better="lower", kind="published", **{key: value})
    assert f'{key} goes with kind = "records" only' in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"value": 85.5}, "reference 'England 2022': value must lie between 0 and 1, not 85.5"),
        ({"value": True}, "value must lie between 0 and 1, not True"),
        ({"value": float("nan")}, "value must lie between 0 and 1, not nan"),
        ({"place": " "}, "place must not be empty"),
        ({"period": 2022}, "reference: period must be text, not 2022"),
        ({"verified": None}, "verified must be true or false, not None"),
    ],
)
def test_a_reference_checks_itself(settings, message):
    with pytest.raises(PackError) as caught:
        Reference(**{"value": 0.5, "place": "England", "period": "2022", **settings})
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"title": ""}, "example '': title must be text that says what it shows"),
        ({"record": [1]}, "example 'x': record must be a table of columns, not [1]"),
        ({"record": {"a": [1]}}, "example 'x': a must be one value, not [1]"),
        ({"expected": "missed"}, "example 'x': expected cannot be 'missed'; "),
        ({"expected": True}, "example 'x': expected cannot be True; "),
        ({"expected": "0 of 0"}, "expected cannot be '0 of 0'"),
    ],
)
def test_an_example_checks_itself(settings, message):
    with pytest.raises(PackError) as caught:
        Example(**{"title": "x", "record": {}, "expected": "met", **settings})
    assert message in str(caught.value)


def test_a_measure_with_examples_can_stand_in_a_set():
    one = Example(title="x", record={"x": True}, expected="met")
    assert {measure(examples=(one,)), measure(examples=(one,))} == {measure(examples=(one,))}


def test_examples_say_what_their_measure_can_make_of_them():
    one = Example(title="x", record={}, expected="met")
    share = Example(title="x", record={}, expected="1 of 2 and 1 unknown")
    with pytest.raises(PackError) as caught:
        measure(examples=(share,))
    assert "expected '1 of 2 and 1 unknown' goes with form = \"opportunity\"" in str(caught.value)
    with pytest.raises(PackError) as caught:
        Composite(
            id="c", title="C", better="higher", of=("a", "b"), form="opportunity", examples=(one,)
        )
    assert "a share of opportunities is not 'met'; write how much was" in str(caught.value)
    with pytest.raises(PackError) as caught:
        measure(examples=(one, one))
    assert "two examples have the title 'x'" in str(caught.value)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ("{ ga_day = 200 }", "the record has no column 'ga_day'; did you mean 'ga_days'?"),
        ("{ weeks = 20 }", "the record has no column 'weeks'; "),
    ],
)
def test_an_example_gives_columns_that_records_have(folder, record, message):
    derived = '\n[[field]]\nname = "weeks"\ntype = "number"\nfrom = "ga_days / 7"\n'
    example = f'examples = [{{ title = "x", record = {record}, expected = "met" }}]\n'
    with pytest.raises(PackError) as caught:
        load_pack(folder(shared=SHARED + example, record=RECORD + derived))
    assert f"pack 'example', 'early', example 'x': {message}" in str(caught.value)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (
            "references = [{ value = 0.5, place = 'London' }]",
            "measure 'early', reference 'London': the key 'period' is missing",
        ),
        (
            "references = [{ value = 50, place = 'London', period = '2022' }]",
            "measure 'early', reference 'London 2022': value must lie between 0 and 1, not 50",
        ),
        ("references = [0.5]", "measure 'early': references must be a list of references"),
        (
            "references = { value = 0.5, place = 'x', period = 'y' }",
            "measure 'early': references must be a list of references",
        ),
        (
            "references = []\nexamples = [{ title = 'x', expected = 'met' }]",
            "measure 'early', example 'x': the key 'record' is missing",
        ),
        (
            "references = []\nexamples = [{ title = 'x', record = {}, expected = 'so' }]",
            "measure 'early', example 'x': expected cannot be 'so'",
        ),
    ],
)
def test_tables_within_a_measure_tell_whose_they_are(folder, key, message):
    old = 'references = [{ value = 0.855, place = "England", period = "2022" }]'
    with pytest.raises(PackError) as caught:
        load_pack(folder(shared=SHARED.replace(old, key)))
    assert message in str(caught.value)


def test_a_pack_may_offer_sections_for_a_page():
    settings = {"id": "p", "title": "P", "version": "1", "record": "baby", "measures": (measure(),)}
    fields = (Field(name="x", type="boolean"), Field(name="y", type="boolean"))
    assert Pack(**settings, fields=fields, sections=iter).sections is iter
    with pytest.raises(PackError, match="sections must be a function, not str"):
        Pack(**settings, fields=fields, sections="text")
