"""The page of a pack says all that the pack says, and nothing breaks its tables."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from spcbench.display import Reference
from spcbench.measures.describing import code, pack_page, paragraphs, table, text
from spcbench.measures.example import Example
from spcbench.measures.measure import Check, Composite, Field, Measure, Source
from spcbench.plugin.records import Pack

DOSE = Measure(
    id="dose",
    title="A dose | of <b>magnesium</b>",
    better="higher",
    eligible="days < 210\n  AND labour",
    met="given",
    target=0.85,
    target_label="their aim",
    target_verified=False,
    stretch=0.9,
    missing="not_met",
    counts="mother",
    counted_on="births = 1",
    attribution="trust of birth",
    timing="within 24 hours",
    strata="designation",
    compare_at=("system", "region"),
    caution="Near 100 % by construction.",
    references=(
        Reference(value=0.855, place="England", period="2022", source="A report"),
        Reference(value=0.9, place="London", period="2023", verified=False),
    ),
    examples=(
        Example(
            title="29+6", record={"ga_days": 209, "given": True, "celsius": 36.5}, expected="met"
        ),
        Example(title="nothing known", record={}, expected="unknown"),
    ),
    source=Source(title="A guideline", publisher="A college", year=2024),
    description="First paragraph.\n\n# Second paragraph,\nnot a heading.",
)
WARM = Measure(
    id="warm", title="Warm", better="higher", eligible="TRUE", met="celsius > 36", verified=True
)
PACK = Pack(
    id="p",
    title="An example",
    version="2",
    record="baby",
    valid="2023/24 onward",
    source="Written for this test",
    fields=(
        Field(name="ga_days", type="integer", title="Gestation", unit="days", range=(140, 320)),
        Field(name="days", type="integer", from_="COALESCE(ga_days, 0)", required=True),
        Field(name="births", type="integer", optional=True),
        Field(name="celsius", type="number"),
        *(Field(name=one, type="boolean") for one in ("given", "labour")),
        Field(name="unused", type="text", values=("a|b",)),
    ),
    checks=(Check(id="order", title="In order", must="days > 0", action="report"),),
    measures=(
        DOSE,
        WARM,
        Composite(
            id="all",
            title="All",
            better="higher",
            of=("dose", "warm"),
            form="opportunity",
            cluster="unused",
        ),
    ),
)


@pytest.fixture(scope="module")
def page():
    return pack_page(PACK)


def tables(page):
    """Rows of cells; a bar that stands in a cell is escaped."""
    found, rows = [], []
    for line in [*page.splitlines(), ""]:
        if line.startswith("|"):
            rows.append([one.strip() for one in re.split(r"(?<!\\)\|", line)[1:-1]])
        elif rows:
            found.append(rows)
            rows = []
    return found


def test_the_head_says_which_pack_and_how_to_make_the_page_again(page):
    assert page.startswith("# An example\n\nPack `p@2`, valid 2023/24 onward. One record is one ")
    assert "`spcbench measures --pack p@2 --markdown`" in page
    assert page.endswith("\n")
    assert pack_page(PACK) == page


def test_the_table_of_measures(page):
    headings, _, dose, warm, composite = tables(page)[0]
    told = dict(zip(headings, dose, strict=True))
    assert told == {
        "measure": "`dose`",
        "what": r"A dose \| of &lt;b>magnesium&lt;/b>",
        "who counts": "`days < 210 AND labour`",
        "met when": "`given`",
        "clock": "within 24 hours",
        "one case is": "mother",
        "outcome unknown": "counts as not met",
        "target": "85 % (their aim, not verified); stretch 90 % (not verified)",
        "published values": "England 2022: 85.5 % (A report); London 2023: 90 % (not verified)",
        "source": "A guideline. A college, 2024",
        "verified": "**not verified**",
    }
    assert warm[-1] == "yes"
    assert composite[2] == "whoever any of its measures is about"


def test_every_table_has_as_many_cells_in_each_row(page):
    assert len(tables(page)) == 4
    for rows in tables(page):
        assert {len(row) for row in rows} == {len(rows[0])}


def test_each_measure_has_its_section_in_plain_words_then_sql(page):
    section = page[page.index("### `dose`") : page.index("### `warm`")]
    for line in (
        "First paragraph.",
        r"\# Second paragraph, not a heading.",
        "- **Take care**: Near 100 % by construction.",
        "- One case is: mother, counted on the record where `births = 1`",
        "- Belongs to: trust of birth",
        "- Outcome unknown: counts as not met",
        "- Units are alike only within one: `designation`",
        "- Compare at: system, region",
        "- Definition: **not verified**",
        "-- counted on the record where",
    ):
        assert line in section.splitlines(), line
    assert "```sql\n-- who counts\ndays < 210\n  AND labour\n-- met when\ngiven\n" in section
    assert section.index("First paragraph") < section.index("```sql")


def test_the_worked_examples_are_a_table(page):
    assert tables(page)[1] == [
        ["example", "record", "what comes of it"],
        ["---"] * 3,
        ["29+6", "`ga_days` 209, `given` yes, `celsius` 36.5", "met"],
        ["nothing known", "nothing known", "unknown"],
    ]


def test_a_composite_names_its_measures(page):
    section = page[page.index("### `all`") : page.index("## The columns")]
    assert r"- Of: `dose` (A dose \| of &lt;b>magnesium&lt;/b>), `warm` (Warm)" in section
    assert "how much was received, clustered by `unused`" in section


def test_the_columns_that_are_used_and_the_checks(page):
    _, _, columns, checks = tables(page)
    assert [row[0] for row in columns[2:]] == [
        "`ga_days`",
        "`days`",
        "`births`",
        "`celsius`",
        "`given`",
        "`labour`",
        "`unused`",  # by which the composite is clustered
    ]
    headings = columns[0]
    told = [dict(zip(headings, row, strict=True)) for row in columns[2:]]
    assert (told[0]["allowed"], told[0]["needed"]) == ("140 to 320", "yes")
    assert (told[1]["worked out from"], told[1]["needed"]) == (
        "`COALESCE(ga_days, 0)`",
        "in every record",
    )
    assert told[2]["needed"] == ""
    assert told[-1]["allowed"] == r"a\|b"
    assert checks[2] == ["`order`", "In order", "`days > 0`", "told, and counted all the same"]


def test_a_published_measure_tells_its_categories():
    published = Measure(
        id="apgar",
        title="Apgar",
        better="lower",
        kind="published",
        dimension="ApgarScore5",
        met_categories=("0 to 6",),
        not_met_categories=("7 to 10",),
        per=1000,
        target=0.012,
    )
    page = pack_page(replace(PACK, measures=(published,), fields=(), checks=()))
    assert tables(page)[1] == [
        ["", "published as ApgarScore5"],
        ["---"] * 2,
        ["met", "0 to 6"],
        ["not met", "7 to 10"],
    ]
    assert "already counted" in page
    assert "12 per 1,000" in page
    assert "## The columns" not in page


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("a | b", r"a \| b"),
        ("two\nlines", "two lines"),
        ("<script>", "&lt;script>"),
        ("`code` *bold* [link](x)", r"\`code\` \*bold\* \[link\](x)"),
        ("back\\slash|", r"back\\slash\|"),
        ("R&D &lt;", "R&amp;D &amp;lt;"),
    ],
)
def test_text_cannot_break_out_of_its_cell(said, written):
    assert text(said) == written


def test_code_with_bars_and_backticks():
    assert code("a LIKE 'x|y'") == r"`a LIKE 'x\|y'`"
    assert code("a = '`'") == "`` a = '`' ``"


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("# one", r"\# one"),
        ("- two", r"\- two"),
        ("3. three", r"3\. three"),
        ("22+0 is early", "22+0 is early"),
    ],
)
def test_a_paragraph_begins_no_heading_and_no_list(said, written):
    assert paragraphs(f"a\nb\n\n{said}") == f"a b\n\n{written}"


def test_a_column_without_content_is_left_out():
    assert table(("a", "b"), [("x", ""), ("y", "")]) == "| a |\n| --- |\n| x |\n| y |"
