"""The parts of a page that show control charts: their summary, and each with its table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from spcbench.pictures import describe_chart, svg_bytes
from spcbench.pictures.chart_kinds import ChartKind, frequency_of, kind_in, kind_of
from spcbench.pictures.control_chart import control_chart
from spcbench.pictures.page_words import ICON_LETTERS, cell_text
from spcbench.pictures.results import display_of, rows_of, unit_title
from spcbench.pictures.theme import period_text
from spcbench.pictures.words import ASSURANCE_WORDS, STATUS_WORDS, VARIATION_WORDS
from spcbench_html.parts import (
    Cell,
    Figure,
    Grid,
    Icon,
    data_uri,
    is_known,
    value_or_dash,
)

if TYPE_CHECKING:
    from spcbench import ControlCharts
    from spcbench.tables import Display


def chart_summary(charts: ControlCharts) -> Grid:
    """One row a chart: its latest value, its icons, its limits."""
    rows = []
    for line in charts.summary.to_dict("records"):
        display = display_of(charts, line["measure"])
        kind = kind_of(line["chart"])
        rows.append(
            [
                display.title,
                unit_title(charts, line["unit"]),
                kind.name.replace(" ", "\u00a0"),
                kind.value_words(line["latest_value"], display),
                _target(line["target"], display),
                _variation_icon(line),
                _assurance_icon(line["assurance"]),
                value_or_dash(line["centre"], display, kind),
                _limits_text(line["lcl"], line["ucl"], display, kind),
            ]
        )
    headings = [
        "Measure",
        "Unit",
        "Chart",
        "Latest value",
        "Target",
        "Variation",
        "Assurance",
        "Centre",
        "Limits, latest point",
    ]
    return Grid("Control charts: has anything changed?", headings, rows)


def _target(target: Any, display: Display) -> Cell | str:
    """A target; one of the measure's own that nobody checked at its source is told."""
    said = value_or_dash(target, display)
    own = not pd.isna(target) and target == display.target
    return Cell(said, ("Not\u00a0verified",)) if own and not display.target_verified else said


def _variation_icon(line: Mapping[str, Any]) -> Icon | str:
    return icon_of(line["variation"]) or STATUS_WORDS.get(line["status"], "–")


def _assurance_icon(assurance: Any) -> Icon | str:
    return icon_of(assurance) or "–"


def icon_of(word: Any) -> Icon | None:
    """The icon of a word of variation or assurance; None for nothing to show."""
    if not isinstance(word, str) or word == "none":
        return None
    if word not in ICON_LETTERS:
        return None
    words = ASSURANCE_WORDS.get(word) or VARIATION_WORDS[word]
    return Icon(ICON_LETTERS[word], word.removesuffix("_high").removesuffix("_low"), words)


def _limits_text(lower: float, upper: float, display: Display, kind: ChartKind) -> str:
    if pd.isna(lower) and pd.isna(upper):
        return "–"
    return kind.range_words(lower, upper, display)


def chart_figure(
    charts: ControlCharts, key: tuple[str, str], anchor: str, title: str = ""
) -> Figure:
    """One chart: its picture, what it shows, and its points."""
    title = title or unit_title(charts, key[1])
    description = describe_chart(charts, *key)
    picture = svg_bytes(
        control_chart(charts, measure=key[0], unit=key[1]), title=title, description=description
    )
    display, kind = display_of(charts, key[0]), kind_in(charts, key)[1]
    often = frequency_of(charts, key[0])
    rows = [
        [
            period_text(line["period"], often, ends=line.get("period_end")),
            cell_text(line["numerator"]),
            cell_text(line["denominator"]),
            value_or_dash(line["value"], display, kind),
            value_or_dash(line["centre"], display, kind),
            _limits_text(line["lcl"], line["ucl"], display, kind),
            _verdict_text(line),
            line["note"] if is_known(line["note"]) else "",
        ]
        for line in rows_of(charts.points, key, second="unit").to_dict("records")
    ]
    headings = [
        "Period",
        "Numerator",
        "Denominator",
        "Value",
        "Centre",
        "Limits",
        "Finding",
        "Note",
    ]
    return Figure(title, anchor, data_uri(picture), description, Grid(title, headings, rows))


def _verdict_text(line: Mapping[str, Any]) -> str:
    if is_known(line["status"]) and line["status"] != "ok":
        return STATUS_WORDS[line["status"]]
    if pd.isna(line["verdict"]):
        return "–"
    words = str(line["verdict"]).replace("_", " ").replace("neither", "special cause")
    rules = f" (rule {line['rules'].replace(';', ', ')})" if is_known(line["rules"]) else ""
    return words.capitalize() + rules
