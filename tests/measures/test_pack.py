from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from spcbench.errors import ExpressionError, PackError
from spcbench.measures.measure import Composite, Field, Measure, Source
from spcbench.measures.pack import check_pack, load_pack

PACK = """
[pack]
id = "example"
title = "An example"
version = "2025.1"
record = "baby"

[[field]]
name = "ga_days"
type = "integer"
range = [140, 320]

[[field]]
name = "given"
type = "boolean"

[[measure]]
id = "early"
title = "Given early"
eligible = "ga_days BETWEEN 154 AND 209"
met = "given"
better = "higher"
target = 0.85
source = { title = "A guideline", year = 2024 }

[[measure]]
id = "late"
title = "Given late"
eligible = "ga_days > 209"
met = "given"
better = "neither"

[[composite]]
id = "both"
title = "Both"
of = ["early", "late"]
better = "higher"
"""


@pytest.fixture
def write_pack(tmp_path):
    def write(text: str = PACK) -> Path:
        path = tmp_path / "example.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_pack_holds_what_its_file_says(write_pack):
    pack = load_pack(write_pack())
    assert pack.name == "example@2025.1"
    assert pack.fields[0] == Field(name="ga_days", type="integer", range=(140, 320))
    early, late, both = pack.measures
    assert early == Measure(
        id="early",
        title="Given early",
        eligible="ga_days BETWEEN 154 AND 209",
        met="given",
        better="higher",
        target=0.85,
        source=Source(title="A guideline", year=2024),
    )
    assert not late.verified
    assert both == Composite(id="both", title="Both", of=("early", "late"), better="higher")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("better = \"neither\"\n", "", "measure 'late': the key 'better' is missing"),
        ("target =", "traget =", "measure 'early': the key 'traget' is not known; did"),
        ("[[measure]]", "[[mesure]]", "the file: the key 'mesure' is not known; did you"),
        ('version = "2025.1"', "version = 2025.1", "[pack]: version must be text, not 2025.1 (wri"),
        ('record = "baby"', "", "[pack]: the key 'record' is missing"),
        ("[pack]", "[[pack]]", "[pack] must be a table, written once"),
        ("{ title =", "{ titel =", "measure 'early', source: the key 'titel' is not known"),
        ('"late"]', '"lat"]', "composite 'both': there is no measure on records called 'lat'; did"),
        ("target = 0.85", "target = 85", "measure 'early': target must lie between 0 and 1"),
        ('id = "late"', 'id = "early"', "pack 'example' declares measure 'early' twice"),
        ('"ga_days"', '"GA_days"', "uses the column 'ga_days', which the pack does not declare"),
        ('"given"\ntype', '"GA_DAYS"\ntype', "the fields 'ga_days' and 'GA_DAYS' differ only in"),
        ("[pack]", "[pack", "is not valid TOML ("),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_file_and_key(write_pack, old, new, message):
    text = PACK.replace(old, new)
    if "differ only" in message:
        text = text.replace('met = "given"', 'met = "GA_DAYS"')
    path = write_pack(text)
    with pytest.raises(PackError) as caught:
        load_pack(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")


def test_an_expression_is_told_with_file_pack_and_measure(write_pack):
    path = write_pack(PACK.replace('"ga_days > 209"', "\"ga_days > 'x'\""))
    with pytest.raises(ExpressionError) as caught:
        load_pack(path)
    assert str(caught.value) == (
        f"{path}: pack 'example', measure 'late', eligible: a number and a text cannot stand "
        "together\n  ga_days > 'x'\n  ^^^^^^^^^^^^^"
    )


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(PackError, match=r"no\.toml: cannot be read \(No such file or directory\)"):
        load_pack(tmp_path / "no.toml")


def test_a_pack_built_in_python_goes_through_the_same_checks(make_pack, make_measure):
    with pytest.raises(ExpressionError, match="pack 'test', measure 'a', met: expected true or"):
        check_pack(make_pack(make_measure(met="n")))


def test_a_composite_of_a_composite_is_refused(make_pack, make_measure):
    def composite(name: str, of: tuple[str, ...]) -> Composite:
        return Composite(id=name, title="C", better="higher", of=of)

    pack = make_pack(
        make_measure(), make_measure(id="z"), composite("c", ("a", "z")), composite("e", ("a", "c"))
    )
    with pytest.raises(PackError, match="composite 'e': there is no measure on records called 'c'"):
        check_pack(pack)


def test_a_pack_is_listed_without_heavy_libraries(write_pack):
    code = (
        "import sys; from spcbench.measures.pack import load_pack; "
        f"load_pack({str(write_pack())!r}); "
        "print({'pandas', 'duckdb', 'numpy', 'pyarrow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
