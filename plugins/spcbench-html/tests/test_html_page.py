from __future__ import annotations

import dataclasses
import importlib.util
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

import spcbench_html
from spcbench.errors import OptionError
from spcbench_html.page import html_page

# The results made by hand are those of spcbench's own tests.
_HAND_MADE = Path(__file__).parents[3] / "tests" / "conftest.py"


@pytest.fixture(scope="module")
def made():
    if not _HAND_MADE.exists():
        pytest.skip("the tests of spcbench are not beside this plugin")
    spec = importlib.util.spec_from_file_location("hand_made_results", _HAND_MADE)
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def page(made):
    report = made.DrawnReport(
        (made.make_charts(2), made.make_funnels(40, groups=("Level 3", "Level 2"))),
        "Board <report> & more",
    )
    return html_page(report).decode("utf-8")


class Outline(HTMLParser):
    """The tags of a page with their attributes, and whether they are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_one_format_is_offered():
    [record] = spcbench_html.spcbench_formats()
    assert (record.id, record.suffix, record.media_type) == ("html", ".html", "text/html")
    assert spcbench_html.SPCBENCH_API == 1


def test_the_page_is_whole_and_needs_nothing_else(page):
    outline = Outline(page)
    assert outline.open == []
    assert page.lstrip().startswith("<!DOCTYPE html>")
    assert outline.named("html")[0]["lang"] == "en-GB"
    assert outline.named("script") == outline.named("link") == []
    sources = [one["src"] for one in outline.named("img")]
    assert len(sources) == 4
    assert all(source.startswith("data:image/svg+xml,") for source in sources)
    assert not re.search(r"url\((?!%23)|@import|src=\"http", page)


def test_everything_is_escaped(page):
    assert "<title>Board &lt;report&gt; &amp; more</title>" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in page
    assert "<script" not in page


def test_pictures_have_words_and_can_be_read_back(page):
    images = Outline(page).named("img")
    assert images[0]["alt"].startswith("Babies born before 30 weeks")
    assert "Latest value" in images[0]["alt"]
    assert "Higher than expected" in images[2]["alt"]
    drawn = unquote(images[0]["src"].partition(",")[2])
    assert drawn.startswith("<?xml")
    assert drawn.rstrip().endswith("</svg>")


def test_ids_are_unique_and_links_lead_somewhere(page):
    outline = Outline(page)
    ids = [attributes["id"] for _, attributes in outline.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [one["href"] for one in outline.named("a")]
    assert links[0] == "#main"
    assert {link.removeprefix("#") for link in links} <= set(ids)
    assert len(links) == 5


def test_tables_have_scope_and_captions(page):
    outline = Outline(page)
    assert {one.get("scope") for one in outline.named("th")} == {"col", "row"}
    assert len(outline.named("table")) == len(outline.named("caption")) == 6


def test_summary_says_it_in_words_and_letters(page):
    assert 'class="icon common_cause" aria-hidden="true">–</span> Common cause' in page
    assert 'class="icon hit_or_miss" aria-hidden="true">?</span> Sometimes meets' in page
    assert "<td>Hospital R39 NHS Trust (99.8%)</td>" in page
    assert "<td>Average 85%</td>" in page
    assert "Making Data Count, November 2023" in page
    assert "sha256:0f1e" in page


@pytest.mark.parametrize(
    ("variation", "kind", "letter"),
    [
        ("improvement_high", "improvement", "H"),
        ("concern_low", "concern", "L"),
        ("neither_high", "neither", "H"),
        ("not_enough_data", "not_enough_data", "–"),
    ],
)
def test_variation_has_a_letter_beside_its_colour(made, variation, kind, letter):
    charts = made.make_charts(1, 4 + 8)
    charts = dataclasses.replace(charts, summary=charts.summary.assign(variation=variation))
    text = html_page(made.DrawnReport((charts,))).decode()
    assert f'<span class="icon {kind}" aria-hidden="true">{letter}</span>' in text


def test_the_page_warns_that_small_numbers_are_shown(page):
    assert "No disclosure control has been applied" in page


def test_a_point_without_data_says_so_in_its_table(page):
    assert "<td>No data</td>" in page


def test_the_same_report_gives_the_same_bytes_and_an_empty_one_says_so(made):
    report = made.DrawnReport((made.make_charts(1),))
    assert html_page(report) == html_page(report)
    assert b"This report is empty." in html_page(made.DrawnReport(()))


def test_more_pictures_than_fit_are_refused(made):
    charts = made.make_charts(251, 8)
    message = r"251 charts and funnels do not fit in one page \(at most 250\).*--measure or --unit"
    with pytest.raises(OptionError, match=message):
        html_page(made.DrawnReport((charts,)))
