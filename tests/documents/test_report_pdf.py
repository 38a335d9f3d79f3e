"""A report with sections as a PDF: all words, tables and pictures, and the same bytes again."""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from pypdf import PdfReader

import spcbench as sb
from spcbench.documents.report_pdf import report_pdf
from spcbench.report import ReportTable, Section
from spcbench.tables import ASSURANCE, VARIATION

WORDS = "Perinatal review of every death, with the family’s questions – answered in writing"


def make_table(rows=3, columns=4, **given):
    """Every cell is found by a word of its own."""
    names = [f"c{at}" for at in range(columns)]
    frame = pd.DataFrame(
        {
            name: [
                f"cell{at}x{row} {WORDS[: 7 * (at % 9) + row % 11]}".strip() for row in range(rows)
            ]
            for at, name in enumerate(names)
        }
    )
    told = {
        "id": "items",
        "title": "What was counted",
        "headings": {n: f"Column {n}" for n in names},
    }
    return ReportTable(**(told | {"frame": frame} | given))


def make_counts(units=("A", "B")):
    months = pd.date_range("2024-01-01", periods=14, freq="MS")
    return pd.concat(
        pd.DataFrame({"measure": "warm", "unit": unit, "period": months}).assign(
            numerator=[6] * 7 + [9] * 7, denominator=10
        )
        for unit in units
    )


def make_report(*tables, results=(), title="Maternity – a report", **section):
    told = {"title": "Where we stand", "text": ["One paragraph.", "Another & <b>one</b>."]}
    part = Section(**(told | section), tables=tables, results=results)
    return sb.Report([], title=title, sections=[part])


def read(document):
    reader = PdfReader(io.BytesIO(document))
    return reader, [" ".join(page.extract_text().split()) for page in reader.pages]


def pictures_on(page):
    return list(page["/Resources"].get("/XObject", {}))


def cells_of(table):
    for name in table.headings:
        for value in table.frame[name]:
            yield " ".join(str(value).split())


def test_a_long_table_has_every_cell_and_its_headings_on_every_page():
    table = make_table(rows=118, columns=7, note="Invented figures.")
    reader, pages = read(report_pdf(make_report(table)))
    everything = " ".join(pages)
    missing = [cell for cell in cells_of(table) if cell not in everything]
    assert missing == []
    assert len(pages) > 3
    for number, page in enumerate(pages, start=1):
        assert "Column c0 Column c1" in page
        assert "What was counted" in page
        assert page.startswith("Maternity – a report")
        assert page.count(f"Page {number} of {len(pages)}") == 1
    for words in ("Where we stand", "One paragraph.", "Another & <b>one</b>.", "Invented figures."):
        assert everything.count(words) == 1
    assert {(float(p.mediabox.width) < float(p.mediabox.height)) for p in reader.pages} == {True}


def test_a_wide_table_lies_across_and_pictures_stand_upright():
    table = make_table(columns=10)
    charts = sb.control_charts(make_counts(["A"]))
    reader, pages = read(report_pdf(make_report(table, results=[charts])))
    across = [float(page.mediabox.width) > float(page.mediabox.height) for page in reader.pages]
    assert across == [True, False]
    assert all(cell in pages[0] for cell in cells_of(table))
    assert len(pictures_on(reader.pages[1])) == 1


def test_a_table_of_more_columns_than_fit_comes_in_parts_with_its_first_column():
    table = make_table(columns=40)
    _, pages = read(report_pdf(make_report(table)))
    everything = " ".join(pages)
    assert all(cell in everything for cell in cells_of(table))
    parts = everything.count("What was counted (part ")
    assert parts > 1
    assert f"(part {parts} of {parts})" in everything
    assert everything.count("Column c0 ") == parts


@pytest.mark.parametrize("rows", [0, 1, 30])
def test_columns_share_the_paper_and_none_is_narrower_than_its_words(rows):
    from spcbench.documents import grids, paper

    paper.load_letters()
    for columns in (1, 2, 5, 9, 14):
        table = make_table(rows=rows, columns=columns)
        orientation = grids.orientation_of([table])
        width, _ = paper.room(orientation)
        story = grids.grid_story(table, orientation)
        grid = story[0]
        assert sum(grid._colWidths) <= width + 1e-6
        least, _ = grids._widths(grids._cells(table), list(table.headings.values()), 7)
        assert all(own >= low - 1e-6 for own, low in zip(grid._colWidths, least, strict=True))


def test_a_cell_of_several_pages_and_a_word_wider_than_its_column_are_whole():
    long = " ".join(f"word{number}" for number in range(3000))
    wide = "https://example.org/" + "abcdefghij" * 30
    table = ReportTable(
        id="long",
        title="Long",
        frame=pd.DataFrame({"a": ["before", "x", "after"], "b": ["", long, wide], "c": ""}),
        headings={"a": "A", "b": "B", "c": "C"},
    )
    _, pages = read(report_pdf(make_report(table)))
    everything = " ".join(pages)
    assert [f"word{n}" for n in range(3000) if f"word{n}" not in everything.split()] == []
    assert wide in everything.replace(" ", "")
    assert everything.index("before") < everything.index("word0") < everything.index("after")


def test_a_narrow_table_with_a_long_title_is_laid_out():
    title = " ".join(f"word{n}" for n in range(60))
    table = ReportTable(
        id="narrow", title=title, frame=pd.DataFrame({"n": [1, 2]}), headings={"n": "N"}
    )
    said = " ".join(read(report_pdf(make_report(table)))[1]).split()
    assert {f"word{n}" for n in range(60)} <= set(said)


def test_signs_are_letters_of_the_document():
    signs = "✓ ✗ ≥ ≤ – — ’ “ ” ± × → £ ö ŵ μ ½"
    frame = pd.DataFrame({"a": [signs], "b": ["<b>&amp;</b> \"'"]})
    table = ReportTable(id="signs", title="Signs", frame=frame, headings={"a": "≥ 95%", "b": "✓"})
    _, (page,) = read(report_pdf(make_report(table, title="≥ ✓ <i>")))
    assert signs in page
    assert "<b>&amp;</b> \"'" in page
    assert page.startswith("≥ ✓ <i>")

    from reportlab.pdfbase import pdfmetrics

    from spcbench.documents import paper

    for name in (paper.PLAIN, paper.BOLD):
        known = pdfmetrics.getFont(name).face.charToGlyph
        assert [sign for sign in signs if ord(sign) not in known] == []


def test_an_icon_is_a_letter_beside_its_words():
    from spcbench.pictures.page_words import ICON_LETTERS

    words = [*VARIATION, *(one for one in ASSURANCE if one != "none")]
    assert set(ICON_LETTERS) == set(words)
    frame = pd.DataFrame({"said": [f"Words of {word}" for word in words], "code": words})
    frame.loc[len(frame)] = ["No icon here", "none"]
    table = ReportTable(
        id="icons", title="Icons", frame=frame, headings={"said": "Said"}, icons={"said": "code"}
    )
    _, (page,) = read(report_pdf(make_report(table)))
    for word in words:
        assert f"{ICON_LETTERS[word]} Words of {word}" in page
    assert page.count("No icon here") == 1


def test_no_picture_is_lost_and_each_has_its_words():
    counts = make_counts()
    charts, funnels = sb.control_charts(counts), sb.funnels(counts)
    for results, parts, wanted in (
        ([], [charts, funnels], 3),
        ([charts, funnels], [], 2),
        ([charts], [funnels], 2),
    ):
        part = Section(title="Drawn", results=parts)
        report = sb.Report(results, title="t", sections=[part])
        reader, pages = read(report_pdf(report))
        found = [one for page in reader.pages for one in pictures_on(page)]
        assert len(found) == len(set(found)) == wanted
        everything = " ".join(pages)
        assert everything.count("Denominator (number of cases)") == 1
        if funnels in parts:
            assert "funnel plot of 2 units" in everything
            assert "Measure warm. Neither higher nor lower is better by itself." in everything
        content = b"".join(page.get_contents().get_data() for page in reader.pages)
        assert content.count(b"/Alt") == wanted
        said = "p chart of 14 points".encode("utf-16-be").hex().encode()
        assert content.lower().count(said) == 2
        for word in ("Method and source", "Control charts", "Funnels", "Input digest:"):
            assert word in everything


def test_pictures_come_in_the_order_of_the_section():
    both = pd.concat(make_counts(["A"]).assign(measure=name) for name in ("cold", "warm"))
    charts = sb.control_charts(both)
    for order in (("warm", "cold"), ("cold", "warm")):
        _, pages = read(report_pdf(make_report(results=[charts], order=order)))
        everything = " ".join(pages)
        assert everything.index(f"Measure {order[0]}.") < everything.index(f"Measure {order[1]}.")


def test_each_picture_stands_with_its_own_words():
    both = pd.concat(make_counts(["A"]).assign(measure=name) for name in ("cold", "warm"))
    charts, funnels = sb.control_charts(both), sb.funnels(make_counts().assign(measure="mild"))
    report = make_report(results=[charts, funnels], order=("mild", "warm"))
    reader, _ = read(report_pdf(report))
    names, found = ("mild", "warm", "cold"), []
    for page in reader.pages:
        content = page.get_contents().get_data().decode("latin-1")
        for words, name in re.findall(r"/Alt <(\w+)>>> BDC (/\w+) Do", content):
            said = bytes.fromhex(words).decode("utf-16")
            drawn = page.extract_xform_text(page["/Resources"]["/XObject"][name].get_object())
            found += [(one, one in drawn.split()) for one in names if said.startswith(one)]
    assert found == [(one, True) for one in names]


def test_too_many_pictures_come_by_the_dozen(monkeypatch):
    from spcbench.documents import report_pdf as module

    monkeypatch.setattr(module, "MOST_ALONE", 12)
    charts = sb.control_charts(make_counts([f"U{number}" for number in range(13)]))
    reader, _ = read(report_pdf(make_report(results=[charts])))
    assert sum(len(pictures_on(page)) for page in reader.pages) == 2
    content = b"".join(page.get_contents().get_data() for page in reader.pages)
    said = "p chart of 14 points".encode("utf-16-be").hex().encode()
    assert content.lower().count(said) == 13


def test_the_document_is_titled_and_marked_and_has_no_dates():
    parts = [Section(title="First"), Section(title="Second ≥", tables=[make_table()])]
    document = report_pdf(sb.Report([], title="Board – report", sections=parts))
    reader, pages = read(document)
    assert reader.metadata == {
        "/Title": "Board – report", "/Creator": "spcbench", "/Producer": "spcbench",
    }  # fmt: skip
    assert b"Date" not in document
    assert reader.trailer["/Root"]["/Lang"] == "en-GB"
    assert reader.trailer["/Root"]["/ViewerPreferences"]["/DisplayDocTitle"]
    assert [one.title for one in reader.outline] == ["First", "Second ≥"]
    assert [reader.get_destination_page_number(one) for one in reader.outline] == [0, 0]
    assert "No disclosure control has been applied" in pages[0]


def test_cells_are_written_as_on_the_html_page():
    frame = pd.DataFrame({"a": ["28 of 29\n96.6%", None], "b": [12500, 3], "c": [0.25, None]})
    table = ReportTable(id="kinds", title="T", frame=frame, headings={"a": "A", "b": "B", "c": "C"})
    _, (page,) = read(report_pdf(make_report(table)))
    assert "28 of 29 96.6% 12,500 0.25 3" in page


def test_empty_tables_and_sections_are_laid_out():
    empty = make_table(rows=0)
    bare = ReportTable(id="bare", title="Bare", frame=pd.DataFrame(), headings={}, note="Nothing.")
    _, (page,) = read(report_pdf(make_report(empty, bare, text=())))
    assert "What was counted Column c0 Column c1" in page
    assert "Nothing." in page


def test_a_report_without_sections_is_as_it_was(tmp_path):
    from spcbench.pictures.saving import pdf_bytes, report_pages

    results = [sb.control_charts(make_counts()), sb.funnels(make_counts())]
    sb.write(sb.Report(results, title="t"), tmp_path / "plain.pdf")
    plain = pdf_bytes(report_pages(results), title="t")
    assert (tmp_path / "plain.pdf").read_bytes() == plain


def whole_report():
    counts = make_counts(["A"])
    table = make_table(rows=40, columns=9)
    return make_report(table, results=[sb.control_charts(counts)])


def test_the_same_report_gives_the_same_bytes_in_every_process():
    script = (
        "import sys, hashlib; sys.path.insert(0, sys.argv[1]);"
        "import test_report_pdf as t;"
        "print(hashlib.sha256(t.report_pdf(t.whole_report())).hexdigest())"
    )
    folder = str(Path(__file__).parent)
    digests = {
        subprocess.run(
            [sys.executable, "-c", script, folder],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout.strip()
        for seed in ("1", "2")
    }
    # A second document of one process is not what the first has left behind.
    report_pdf(make_report(make_table(rows=2)))
    digests.add(hashlib.sha256(report_pdf(whole_report())).hexdigest())
    assert len(digests) == 1


def test_a_report_is_written_whole_and_loads_no_paper_before(tmp_path):
    script = (
        "import sys, spcbench as sb\n"
        "from spcbench.report import Section\n"
        "report = sb.Report([], title='t', sections=[Section(title='All well')])\n"
        "sb.write(report, sys.argv[1] + '/a.csv')\n"
        "print('LOADED', {'reportlab', 'pypdf'} & set(sys.modules))\n"
        "sb.write(report, sys.argv[1] + '/a.pdf')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], check=True, capture_output=True, text=True
    )
    assert "LOADED set()" in done.stdout
    _, (page,) = read((tmp_path / "a.pdf").read_bytes())
    assert "All well" in page
