"""The parts of a page, made from the sections and the results of a report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from spcbench.pictures.page_words import (
    SectionPicture,
    cell_lines,
    is_charts,
    keys_of,
    measure_notes,
    method_items,
    section_pictures,
)
from spcbench.pictures.results import display_of, view_of
from spcbench_html.charts import chart_figure, chart_summary, icon_of
from spcbench_html.funnels import funnel_figure, funnel_summary
from spcbench_html.parts import Cell, Figure, Grid, Method, Part, Section

if TYPE_CHECKING:
    from spcbench.report import ReportTable
    from spcbench.report import Section as ReportSection

_DENSE = 7
"""Tables of more columns are set smaller."""


def summary_of(result: Any) -> Grid:
    """One row a chart, or a funnel."""
    return chart_summary(result) if is_charts(result) else funnel_summary(result)


def measure_sections(result: Any, name: str) -> list[Section]:
    """A section for each measure of one result."""
    charts, keys = is_charts(result), keys_of(result)
    sections = []
    for number, measure in enumerate(dict.fromkeys(key[0] for key in keys), start=1):
        display = display_of(result, measure)
        kind = "control charts" if charts else f"{view_of(result).picture} plots"
        anchor = f"{name}m{number}"
        figures = [
            (chart_figure if charts else funnel_figure)(result, key, f"{anchor}f{at}")
            for at, key in enumerate((key for key in keys if key[0] == measure), start=1)
        ]
        sections.append(
            Section(
                f"{display.title}: {kind}",
                anchor,
                measure_notes(measure, display),
                figures,
                wide=not charts,
            )
        )
    return sections


def parts_of(sections: Iterable[ReportSection]) -> Iterator[Part]:
    """The sections of a report, ready for the template."""
    for number, section in enumerate(sections, start=1):
        anchor = f"s{number}"
        yield Part(
            section.title,
            anchor,
            section.text,
            [table_grid(one) for one in section.tables],
            _figures(section, anchor),
        )


def _figures(section: ReportSection, anchor: str) -> list[Figure]:
    """The pictures of all results of a section, by measure in the section's order."""
    return [
        _figure(one, f"{anchor}f{number}")
        for number, one in enumerate(section_pictures(section), start=1)
    ]


def _figure(one: SectionPicture, anchor: str) -> Figure:
    draw = chart_figure if is_charts(one.result) else funnel_figure
    # The description names the units outside the limits, and there is little room for a table.
    figure = draw(one.result, one.key, anchor, one.title)
    measure = one.key[0]
    return replace(figure, first=(), notes=measure_notes(measure, display_of(one.result, measure)))


def table_grid(table: ReportTable) -> Grid:
    """A table of a report as text, its icons beside the words."""
    rows = [
        [
            _cell(row[name], row[table.icons[name]] if name in table.icons else None)
            for name in table.headings
        ]
        for row in table.frame.to_dict("records")
    ]
    headings = list(table.headings.values())
    return Grid(
        table.title, headings, rows, note=table.note, cards=True, dense=len(headings) > _DENSE
    )


def _cell(value: Any, word: Any) -> Cell:
    """Lines of a cell: the first is read first."""
    first, *more = cell_lines(value)
    return Cell(first, more, icon_of(word))


def method_of(result: Any, where: str = "") -> Method:
    """How one result was made and where its numbers came from."""
    title = "Control charts" if is_charts(result) else "Funnels"
    return Method(f"{title}: {where}" if where else title, method_items(result))
