from __future__ import annotations

import dataclasses
import importlib.util
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest

import spcbench as sb
import spcbench_html
from spcbench.errors import OptionError
from spcbench.pictures.page_words import measure_notes
from spcbench.report import ReportTable, Section
from spcbench.tables import Display
from spcbench_html.charts import chart_summary
from spcbench_html.funnels import funnel_summary
from spcbench_html.page import html_page
from spcbench_html.parts import Cell

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
    # Two summaries, a table for each of four pictures, units outside for two of them.
    assert len(outline.named("table")) == len(outline.named("caption")) == 8


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


def cells_of(text, caption):
    """The table of this caption, row by row, and what stands before it on the page."""
    before, _, rest = text.partition(f"<caption>{caption}</caption>")
    assert rest, f"there is no table {caption!r}"
    body = rest.partition("<tbody>")[2].partition("</tbody>")[0]
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in body.split("</tr>")]
    headings = re.findall(r"<th scope=\"col\">(.*?)</th>", rest.partition("</thead>")[0])
    return headings, [row for row in rows if row], before


def page_of(made, **options):
    return html_page(made.DrawnReport((made.make_funnels(**options),))).decode()


def test_units_outside_the_limits_come_first_and_all_are_folded_away(page):
    headings, rows, before = cells_of(page, "Units outside the limits: Level 3")
    assert headings == [
        "Unit",
        "Numerator",
        "Denominator",
        "Value",
        "95% limits",
        "99.8% limits",
        "Finding",
    ]
    assert all("expected (outside" in row[-1] for row in rows)
    assert before.count("<details>") == before.count("</details>")
    _, every, before = cells_of(page, "Level 3")
    assert len(every) == 40
    assert before.count("<details>") == before.count("</details>") + 1
    assert {row[0] for row in rows} == {row[0] for row in every if "outside" in row[-1]}


def test_units_stand_by_name_not_by_value(made):
    names = {"R00": "Zebra", "R01": "aardvark", "R02": "Badger"}
    funnels = dataclasses.replace(made.make_funnels(3), unit_names=names)
    text = html_page(made.DrawnReport((funnels,))).decode()
    _, rows, _ = cells_of(text, "All units")
    assert [row[0] for row in rows] == ["aardvark (R01)", "Badger (R02)", "Zebra (R00)"]
    assert "rank" not in text.lower()


def test_other_limits_have_columns_of_their_own(made):
    text = page_of(made, levels=("80", "90", "95", "998"))
    headings, rows, _ = cells_of(text, "All units")
    limits = ["80% limits", "90% limits", "95% limits", "99.8% limits"]
    assert headings[4:] == [*limits, "Finding"]
    assert {len(row) for row in rows} == {9}
    assert "Outside 80% by chance alone (about)" in text
    assert "Higher than expected (outside 90% limits)" in text
    text = page_of(made, levels=("2sd", "3sd"))
    assert "<td>Hospital R39 NHS Trust (3 SD)</td>" in text


def test_a_change_shows_what_it_was_and_what_it_is(made):
    funnels = made.make_funnels(3, data_type="change", change_of="proportion")
    units = funnels.units.assign(value=1.25, value_before=0.8, value_after=0.84)
    funnels = dataclasses.replace(funnels, units=units)
    text = html_page(made.DrawnReport((funnels,))).decode()
    headings, rows, _ = cells_of(text, "All units")
    assert headings[1:4] == ["Before", "After", "After over before"]
    assert rows[0][1:4] == ["80%", "84%", "1.25"]


def test_ratios_show_what_was_expected(made):
    headings, rows, _ = cells_of(page_of(made, units=3, data_type="ratio"), "All units")
    assert headings[1:3] == ["Observed", "Expected"]
    assert all(float(row[2]) > 0 for row in rows)


def test_many_units_outside_are_counted_in_the_summary(made):
    funnels = made.make_funnels(30)
    position = funnels.units["position"].mask(funnels.units["position"] == "within", "above_95")
    funnels = dataclasses.replace(funnels, units=funnels.units.assign(position=position))
    text = html_page(made.DrawnReport((funnels,))).decode()
    assert re.search(r"<td>Hospital [^<]*; and \d+ more</td>", text)
    _, rows, _ = cells_of(text, "Units outside the limits: All units")
    assert len(rows) == 30


def test_without_units_outside_there_is_no_such_table(made):
    funnels = made.make_funnels(6)
    units = funnels.units.assign(position="within")
    funnels = dataclasses.replace(funnels, units=units)
    assert "Units outside the limits" not in html_page(made.DrawnReport((funnels,))).decode()


def test_the_picture_is_the_one_that_the_result_asks_for(made):
    text = page_of(made, units=6, view=made.View(picture="caterpillar"))
    assert "Mother given magnesium sulphate: caterpillar plots" in text
    [image] = Outline(text).named("img")
    assert "Largest unit at the top" in unquote(image["src"])
    assert "caterpillar plot" in image["alt"]


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


# --------------------------------------------------------------------------------- sections


def _section(results=(), **table):
    frame = pd.DataFrame(
        {
            "unit": ["A & B", "C"],
            "value": ["80%\n8 of <10>", None],
            "number": [1234, None],
            "code": ["improvement_high", None],
            "aim": ["fails", "none"],
        },
        dtype="object",
    )
    made = {
        "frame": frame,
        "headings": {"unit": "Unit", "value": "Last 12 months", "number": "Cases"},
        "icons": {"value": "code", "number": "aim"},
        "note": "Invented <b>numbers</b>.",
    }
    one = ReportTable(id="glance", title="At a glance", **(made | table))
    return Section(
        title="Where we stand", text=["First & foremost.", "More."], tables=[one], results=results
    )


@pytest.fixture(scope="module")
def sections(made):
    charts, funnels = made.make_charts(2), made.make_funnels(40, groups=("Level 3", "Level 2"))
    drawn = made.DrawnReport((), "A trust", sections=(_section(), _Drawn((charts, funnels))))
    return html_page(drawn).decode("utf-8")


class _Drawn:
    """A section of hand-made results, which a Section would refuse."""

    title, text, tables, order = "Pictures", (), (), ()

    def __init__(self, results):
        self.results = results


def test_a_report_of_sections_has_no_summary_of_its_own(sections):
    outline = Outline(sections)
    assert outline.open == []
    titles = re.findall(r"<h2[^>]*>([^<]*)</h2>", sections)
    assert titles == [
        "Contents",
        "Where we stand",
        "Pictures",
        "Advice to the analyst",
        "Method and source",
    ]
    ids = [attributes["id"] for _, attributes in outline.tags if "id" in attributes]
    links = {one["href"].removeprefix("#") for one in outline.named("a")}
    assert len(ids) == len(set(ids))
    assert links <= set(ids)


def test_without_results_there_is_no_heading_on_method(made):
    page = html_page(made.DrawnReport((), "A trust", sections=(_section(),))).decode("utf-8")
    assert "Where we stand" in page
    assert "Method and source" not in page
    assert "#method" not in page


def test_cells_of_a_section_have_lines_icons_and_their_heading(sections):
    assert '<p class="text">First &amp; foremost.</p>' in sections
    assert (
        '<td data-label="Last 12 months"><div><span class="icon improvement" aria-hidden="true">'
        'H</span> <span class="first">80%</span><br><span class="more">8 of &lt;10&gt;</span>'
        "</div></td>"
    ) in sections
    assert '<span class="icon fails" aria-hidden="true">F</span> ' in sections
    assert '<span class="first lone">1,234</span>' in sections
    assert '<th scope="row"><span class="first lone">A &amp; B</span></th>' in sections
    assert "Invented &lt;b&gt;numbers&lt;/b&gt;." in sections


def test_pictures_of_a_section_are_named_by_measure_and_unit(sections):
    assert sections.count("<img ") == 4
    headings = re.findall(r"<h3>([^<]*)</h3>", sections)
    assert len(headings) == 4 + 2  # two methods
    assert "Measure pop@2023:mgso4. Higher is better." in sections
    assert "<h3>Control charts: Pictures</h3>" in sections


def test_pictures_of_a_section_come_in_its_order(made):
    months = pd.date_range("2024-01-01", periods=14, freq="MS")
    counts = pd.concat(
        pd.DataFrame({"measure": name, "unit": "A", "period": months, "numerator": 8,
                      "denominator": 10})
        for name in ("cold", "warm", "wet")
    )  # fmt: skip
    charts = sb.control_charts(counts)
    for order in (["wet", "cold"], []):
        section = Section(title="Charts", results=[charts], order=order)
        page = html_page(sb.Report([], sections=[section])).decode()
        drawn = re.findall(r"<figure[^>]*>\n<h3>([^<]*)</h3>", page)
        assert drawn == ([*order, "warm"] if order else ["cold", "warm", "wet"])


def test_results_and_sections_stand_together(made):
    drawn = made.DrawnReport((made.make_charts(1),), "Both", sections=(_section(),))
    titles = re.findall(r"<h2[^>]*>([^<]*)</h2>", html_page(drawn).decode())
    assert titles[1] == "Summary"
    assert titles[-2:] == ["Where we stand", "Method and source"]


def test_the_same_sections_give_the_same_bytes(made, sections):
    report = sb.Report([], title="x", sections=[_section()])
    assert html_page(report) == html_page(report)


def test_pictures_of_sections_count_towards_the_most(made):
    charts = made.make_charts(251)
    with pytest.raises(OptionError, match="251 charts and funnels do not fit"):
        html_page(made.DrawnReport((), sections=(_Drawn((charts,)),)))


def test_the_overview_says_which_targets_nobody_has_checked():
    counts = pd.DataFrame(
        {
            "measure": "warm",
            "unit": ["A", "B"] * 13,
            "period": pd.date_range("2024-01-01", periods=13, freq="MS").repeat(2),
            "numerator": 8,
            "denominator": 10,
        }
    )
    shown = {"warm": Display(title="Warm", target=0.85, target_verified=False)}
    charts = sb.control_charts(counts, better="higher", target=0.85)
    grid = chart_summary(dataclasses.replace(charts, display=shown))
    cells = {row[grid.headings.index("Target")] for row in grid.rows}
    assert cells == {Cell("85%", ("Not\u00a0verified",))}
    checked = {"warm": dataclasses.replace(shown["warm"], target_verified=True)}
    grid = chart_summary(dataclasses.replace(charts, display=checked))
    assert {row[grid.headings.index("Target")] for row in grid.rows} == {"85%"}
    made = sb.funnels(counts)
    funnels = dataclasses.replace(made, display=shown, method={**made.method, "target": "standard"})
    (row,) = funnel_summary(funnels).rows
    assert row[3].endswith("(not verified)")


def test_a_stretch_target_and_an_unchecked_one_are_told():
    display = Display(
        title="Warm", target=0.85, stretch=0.9, stretch_label="PERIPrem", target_verified=False
    )
    assert measure_notes("a@1:warm", display)[1:] == [
        "Target 85%, still to be checked at its source.",
        "Stretch target 90% (PERIPrem).",
    ]
