"""The parts of a page, made from the sections and the results of a report."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from spcbench.pictures.results import (
    chart_keys,
    display_of,
    funnel_keys,
    unit_title,
    view_of,
)
from spcbench.pictures.words import value_text
from spcbench_html.charts import chart_figure, chart_summary, icon_of
from spcbench_html.funnels import funnel_figure, funnel_summary
from spcbench_html.parts import Cell, Figure, Grid, Method, Part, Section, cell_text

if TYPE_CHECKING:
    from spcbench import ControlCharts, Funnels
    from spcbench.report import ReportTable
    from spcbench.report import Section as ReportSection
    from spcbench.tables import Display

Key = tuple[str, str]

_DENSE = 7
"""Tables of more columns are set smaller."""


def _is_charts(result: ControlCharts | Funnels) -> bool:
    return hasattr(result, "points")


def summary_of(result: Any) -> Grid:
    """One row a chart, or a funnel."""
    return chart_summary(result) if _is_charts(result) else funnel_summary(result)


def keys_of(result: Any) -> list[Key]:
    """Name every chart or funnel of a result."""
    if _is_charts(result):
        return chart_keys(result, measure=None, unit=None)
    return funnel_keys(result, measure=None, group=None)


def measure_sections(result: Any, name: str) -> list[Section]:
    """A section for each measure of one result."""
    charts, keys = _is_charts(result), keys_of(result)
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


def measure_notes(measure: str, display: Display) -> list[str]:
    """What a reader must know of a measure: direction, targets, definition."""
    wanted = {
        "higher": "Higher is better.",
        "lower": "Lower is better.",
        "neither": "Neither higher nor lower is better by itself.",
    }
    notes = [f"Measure {measure}. {wanted[display.better]}"]
    if display.target is not None:
        label = f" ({display.target_label})" if display.target_label else ""
        checked = "" if display.target_verified else ", still to be checked at its source"
        notes.append(f"Target {value_text(display.target, display)}{label}{checked}.")
    if display.stretch is not None:
        label = f" ({display.stretch_label})" if display.stretch_label else ""
        notes.append(f"Stretch target {value_text(display.stretch, display)}{label}.")
    if display.source:
        notes.append(f"Definition: {display.source}.")
    if not display.verified:
        notes.append("This definition still has to be checked at its source.")
    return notes


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
    place = {name: number for number, name in enumerate(section.order)}
    wanted = [(result, key) for result in section.results for key in keys_of(result)]
    wanted.sort(key=lambda pair: place.get(pair[1][0], len(place)))
    return [
        _figure(result, key, f"{anchor}f{number}")
        for number, (result, key) in enumerate(wanted, start=1)
    ]


def _figure(result: Any, key: Key, anchor: str) -> Figure:
    display, charts = display_of(result, key[0]), _is_charts(result)
    title = display.title
    if not charts and key[1]:
        title += f": {key[1]}"
    elif charts and len({unit for _, unit in keys_of(result)}) > 1:
        title += f": {unit_title(result, key[1])}"
    draw = chart_figure if charts else funnel_figure
    # The description names the units outside the limits, and there is little room for a table.
    figure = draw(result, key, anchor, title)
    return replace(figure, first=(), notes=measure_notes(key[0], display))


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
    text = "" if pd.isna(value) else value if isinstance(value, str) else cell_text(value)
    first, *more = text.split("\n")
    return Cell(first, more, icon_of(word))


def method_of(result: Any, where: str = "") -> Method:
    """How one result was made and where its numbers came from."""
    title = "Control charts" if _is_charts(result) else "Funnels"
    both = {**result.method, **result.provenance}
    items = [(_label(name), _setting_text(both[name])) for name in both]
    return Method(f"{title}: {where}" if where else title, items)


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _setting_text(value: Any) -> str:
    """One setting in a line; settings within settings as JSON."""
    if value is None or (isinstance(value, (str, list, tuple, dict)) and not value):
        return "none"
    if isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value):
        return "; ".join(value)
    if isinstance(value, list) and all("label" in one and "value" in one for one in value):
        return "; ".join(f"{one['label']} {one['value']:g} ({one['measure']})" for one in value)
    if isinstance(value, (Mapping, list, tuple)):
        return json.dumps(value, default=str, ensure_ascii=False)
    return str(value)
