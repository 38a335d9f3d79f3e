"""Damaged and invented files: a table or an `InputError`, and never a word of a record."""

from __future__ import annotations

import gzip
import io
import json
import random
import warnings
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spcbench.errors import InputError
from spcbench.measures.counting import count
from spcbench.measures.measure import Field, Measure
from spcbench.plugin.records import Pack
from spcbench.text_files import InputWarning

SECRET = "Zebedee"
NAMES = ["unit", "born", "days", "note"]
PACK = Pack(
    id="fuzz", title="F", version="1", record="baby",
    fields=(Field(name="days", type="integer"), Field(name="note", type="text")),
    measures=(
        Measure(id="m", title="M", better="higher", eligible="days > 0",
                met=f"note = '{SECRET} 1'"),
    ),
)  # fmt: skip
CASES = 40
"""Damaged files of each form in one run of the tests."""


def rows() -> list[list[str]]:
    return [
        [f"RX{n % 3}", f"2024-{n % 9 + 1:02}-11", str(150 + n), f"{SECRET} {n}"] for n in range(60)
    ]


def delimited(mark: str, *, quoted: bool = False) -> bytes:
    cells = [NAMES, *rows()]
    edge = '"' if quoted else ""
    return "\r\n".join(mark.join(edge + cell + edge for cell in row) for row in cells).encode()


def json_lines() -> bytes:
    return "\n".join(json.dumps(dict(zip(NAMES, row, strict=True))) for row in rows()).encode()


def parquet() -> bytes:
    columns = list(zip(*rows(), strict=True))
    buffer = io.BytesIO()
    pq.write_table(pa.table(dict(zip(NAMES, columns, strict=True))), buffer)
    return buffer.getvalue()


def workbook() -> bytes:
    writer = pytest.importorskip("xlsxwriter")
    pytest.importorskip("python_calamine")
    buffer = io.BytesIO()
    with writer.Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for at, row in enumerate([NAMES, *rows()]):
            sheet.write_row(at, 0, row)
    return buffer.getvalue()


FORMS = {
    "a.csv": lambda: delimited(","),
    "quoted.csv": lambda: delimited(";", quoted=True),
    "a.tsv": lambda: delimited("\t"),
    "a.csv.gz": lambda: gzip.compress(delimited(","), mtime=0),
    "a.jsonl": json_lines,
    "a.jsonl.gz": lambda: gzip.compress(json_lines(), mtime=0),
    "a.parquet": parquet,
    "a.xlsx": workbook,
}


def damaged(content: bytes, chance: random.Random) -> bytes:
    """The content cut, shuffled, or with bytes flipped, put in or left out."""
    found = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 5))):
        if not found:
            break
        at, size = chance.randrange(len(found)), chance.randrange(1, 30)
        kind = chance.choice(("cut", "flip", "flip", "insert", "remove", "repeat", "shuffle"))
        if kind == "cut":
            del found[at:]
        elif kind == "flip":
            found[at] ^= 1 << chance.randrange(8)
        elif kind == "insert":
            odd = (b'"', b"\n", b"\r", b"\0", b"\xff", b",", b"\xc3", b"{", b"\xef\xbb\xbf", b"''")
            found[at:at] = chance.choice(odd)
        elif kind == "remove":
            del found[at : at + size]
        elif kind == "repeat":
            found[at:at] = found[at : at + size] * chance.randrange(1, 40)
        else:
            block = found[at : at + size]
            chance.shuffle(block)
            found[at : at + size] = block
    return bytes(found)


def outcome(path: Path) -> str:
    """What became of a file: ``"counted"``, or why not."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InputWarning)
            counted = count(
                path, packs=[PACK], unit_column="unit", date_column="born", rejects=True
            )
    except InputError as error:
        told = str(error)
        assert SECRET not in told
        assert path.name in told
        return told
    known = counted.provenance
    assert known["records_used"] + known["records_rejected"] == known["records_read"]
    assert not counted.rejects.astype(str).apply(lambda one: one.str.contains(SECRET)).any().any()
    return "counted"


@pytest.mark.parametrize("name", FORMS)
def test_a_whole_file_is_counted(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(FORMS[name]())
    assert outcome(path) == "counted"


@pytest.mark.parametrize("name", FORMS)
def test_a_damaged_file_is_counted_or_refused(tmp_path, name):
    content = FORMS[name]()
    chance = random.Random(f"damage {name}")
    path = tmp_path / name
    found = []
    for _ in range(CASES):
        path.write_bytes(damaged(content, chance))
        found.append(outcome(path))
    assert any(one != "counted" for one in found)


@pytest.mark.parametrize("name", ["a.csv.gz", "a.jsonl.gz"])
def test_every_flipped_bit_of_a_gzip_file_is_found_or_harmless(tmp_path, name):
    content = FORMS[name]()
    path = tmp_path / name
    path.write_bytes(content)
    whole = count(path, packs=[PACK], unit_column="unit", date_column="born").counts
    for at in range(10, len(content), max(len(content) // CASES, 1)):
        changed = bytearray(content)
        changed[at] ^= 0x10
        path.write_bytes(bytes(changed))
        if outcome(path) == "counted":
            again = count(path, packs=[PACK], unit_column="unit", date_column="born").counts
            assert again.equals(whole)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    text=st.one_of(
        st.binary(max_size=300),
        st.text(alphabet='a,;\t"\n\r\x00é\ufeff01-', max_size=200).map(str.encode),
        st.lists(
            st.lists(st.sampled_from(["", '"', '""', "RX1", "2024-01-02", "7", "a,b", "x\ny"]),
                     min_size=1, max_size=6),
            max_size=8,
        ).map(lambda made: "\n".join([",".join(NAMES), *map(",".join, made)]).encode()),
    ),
    name=st.sampled_from(["x.csv", "x.tsv", "x.jsonl", "x.parquet", "x.csv.gz"]),
)  # fmt: skip
def test_any_content_is_counted_or_refused(tmp_path, text, name):
    path = tmp_path / name
    path.write_bytes(text)
    outcome(path)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    made=st.lists(
        st.tuples(
            st.text(
                alphabet=st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=20
            ).map(lambda text: "N" + text),
            st.integers(1, 400),
        ),
        min_size=1,
        max_size=12,
    ),
    end=st.sampled_from(["\n", "\r\n"]),
    mark=st.sampled_from([",", ";", "\t"]),
)
def test_what_a_csv_writer_writes_is_read_back(tmp_path, made, end, mark):
    import csv

    path = tmp_path / "written.csv"
    with path.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened, delimiter=mark, lineterminator=end)
        writer.writerow(NAMES)
        writer.writerows(["RX1", "2024-01-01", days, note] for note, days in made)
    counted = count(path, packs=[PACK], unit_column="unit", date_column="born")
    assert counted.provenance["records_read"] == len(made)
    assert counted.provenance["records_rejected"] == 0
