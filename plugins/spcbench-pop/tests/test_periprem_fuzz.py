"""Cut and mangled workbooks: a table or one clear error, never a crash or a word of a record."""

from __future__ import annotations

import importlib.util
import random
import warnings
import zipfile
from pathlib import Path

import pytest

import spcbench as sb
from spcbench.errors import InputError
from spcbench_pop.periprem import looks_periprem, read_periprem


def _beside(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


books = _beside("periprem_books")
SECRET = "Zebedee"
NAME = "MAY 2024 - YEO.xlsx"
CASES = 40
"""Mangled files of each kind in one run of the tests."""

MARKS = (
    "<c",
    "</c>",
    'r="',
    't="s"',
    "<v>",
    "</v>",
    "<row",
    "</row>",
    "<sheetData",
    "/>",
    "&",
    ">",
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    rows = books.babies(5, 12)
    rows[3]["cord_mgt"] = SECRET
    return books.write_book(tmp_path_factory.mktemp("tool") / NAME, rows).read_bytes()


def outcome(path):
    """What reading gives: the number of babies, or the message."""
    recognised = looks_periprem(path.read_bytes()[:65536], path)
    assert recognised in (True, False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sb.InputWarning)
        try:
            return read_periprem(path).data.num_rows
        except InputError as error:
            message = str(error)
            assert SECRET not in message
            assert "\n" not in message
            assert NAME in message
            return message


def test_the_whole_file_is_read(tmp_path, whole):
    (tmp_path / NAME).write_bytes(whole)
    assert outcome(tmp_path / NAME) == 12


def test_a_cut_file_is_told_in_one_sentence(tmp_path, whole):
    draw = random.Random(1)
    for size in [1, 2, 4, 30, len(whole) - 1, *(draw.randrange(5, len(whole)) for _ in range(20))]:
        (tmp_path / NAME).write_bytes(whole[:size])
        assert outcome(tmp_path / NAME) == (
            f"{NAME} is not a whole workbook; open it in Excel and save it again"
        )
        with pytest.raises(InputError, match=r"MAY 2024 - YEO\.xlsx"):
            sb.read(tmp_path / NAME)


@pytest.mark.parametrize("seed", range(3))
def test_changed_bytes(tmp_path, whole, seed):
    draw = random.Random(seed)
    for _ in range(CASES):
        content = bytearray(whole)
        for _ in range(draw.randrange(1, 6)):
            content[draw.randrange(len(content))] = draw.randrange(256)
        (tmp_path / NAME).write_bytes(bytes(content))
        found = outcome(tmp_path / NAME)
        assert isinstance(found, str) or 0 <= found <= 12


@pytest.mark.parametrize(
    "part",
    [
        *("xl/workbook.xml", "xl/_rels/workbook.xml.rels"),
        *("xl/worksheets/sheet2.xml", "xl/sharedStrings.xml"),
    ],
)
def test_mangled_parts_of_the_archive(tmp_path, whole, part):
    """The archive is sound and what is in it is not: pieces cut out, doubled, or put in."""
    (tmp_path / "whole.xlsx").write_bytes(whole)
    draw = random.Random(part)
    for _ in range(CASES):
        with zipfile.ZipFile(tmp_path / "whole.xlsx") as book:
            parts = {name: book.read(name) for name in book.namelist()}
        text = parts[part].decode()
        for _ in range(draw.randrange(1, 4)):
            at = draw.randrange(len(text))
            piece = text[at : at + draw.randrange(1, 40)]
            change = draw.choice(["", piece * 2, draw.choice(MARKS), "\x00", "é"])
            text = text[:at] + change + text[at + len(piece) :]
        parts[part] = text.encode()
        with zipfile.ZipFile(tmp_path / NAME, "w") as book:
            for name, content in parts.items():
                book.writestr(name, content)
        found = outcome(tmp_path / NAME)
        assert isinstance(found, str) or 0 <= found <= 20


def test_parts_that_are_not_there(tmp_path, whole):
    (tmp_path / "whole.xlsx").write_bytes(whole)
    with zipfile.ZipFile(tmp_path / "whole.xlsx") as book:
        parts = {name: book.read(name) for name in book.namelist()}
    for lost in parts:
        with zipfile.ZipFile(tmp_path / NAME, "w") as book:
            for name, content in parts.items():
                if name != lost:
                    book.writestr(name, content)
        found = outcome(tmp_path / NAME)
        assert isinstance(found, str) or found == 12


@pytest.mark.parametrize("seed", range(3))
def test_invented_cells_are_read_or_refused(tmp_path, seed):
    """Whatever stands in the sheet: rows are babies with their number, or the file is refused."""
    draw = random.Random(seed)
    cells = [
        *(None, "", " ", "Yes", "no ", "N/A", "27 - 27+6", "<800g", "Single", SECRET, "=1+1"),
        *(0, 1, 2, 3.5, -1, 1e300, True, "#N/A", "’", "\u00a0Yes"),
    ]
    for _ in range(10):
        rows = [
            {name: draw.choice(cells) for name in books.NAMES} for _ in range(draw.randrange(0, 9))
        ]
        headings = list(books.HEADINGS)
        if draw.random() < 0.3:
            draw.shuffle(headings)
        path = books.write_book(
            tmp_path / NAME, rows, headings=headings, merged=draw.random() < 0.5,
            month=draw.choice([None, "May 2024", 5, "x"]), trust=draw.choice([None, "x", "YEO"]),
        )  # fmt: skip
        found = outcome(path)
        if not isinstance(found, str):
            table = read_periprem_quietly(path)
            assert set(table.lines.tolist()) <= set(range(10, 10 + len(rows)))
            sb.validate(table, packs=["periprem"], mapping="periprem", rows=2)


def read_periprem_quietly(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sb.InputWarning)
        return read_periprem(path)
