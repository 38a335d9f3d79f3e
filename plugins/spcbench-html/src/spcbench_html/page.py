"""The page: what the template shows, made from the tables of the results."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from spcbench.errors import OptionError
from spcbench.pictures import describe_chart, svg_bytes
from spcbench.pictures.chart_kinds import ChartKind, kind_in, kind_of
from spcbench.pictures.control_chart import control_chart
from spcbench.pictures.results import (
    chart_keys,
    display_of,
    funnel_keys,
    rows_of,
    unit_title,
    view_of,
)
from spcbench.pictures.words import ASSURANCE_WORDS, STATUS_WORDS, VARIATION_WORDS, value_text
from spcbench_html.funnels import funnel_figure, funnel_summary
from spcbench_html.parts import (
    Advice,
    Figure,
    Grid,
    Icon,
    Method,
    Section,
    cell_text,
    data_uri,
    is_known,
    value_or_dash,
)

if TYPE_CHECKING:
    from spcbench import ControlCharts, Funnels, Report
    from spcbench.tables import Display

MOST_FIGURES = 250
"""More pictures than this make a page that opens slowly."""

_VARIATION_LETTERS = {"high": "H", "low": "L"}
_ASSURANCE_LETTERS = {"passes": "P", "hit_or_miss": "?", "fails": "F"}


def html_page(report: Report) -> bytes:
    """Render a report as one HTML page.

    Parameters
    ----------
    report : Report
        Control charts, funnels or both; it may be empty.

    Returns
    -------
    bytes
        UTF-8, with style and pictures inside and no scripts. All text is
        escaped. The same report gives the same bytes.

    Raises
    ------
    OptionError
        If the report has more than 250 charts and funnels.
    """
    figures = sum(len(_keys(result)) for result in report.results)
    if figures > MOST_FIGURES:
        raise OptionError(
            f"{figures:,} charts and funnels do not fit in one page (at most {MOST_FIGURES}): "
            "choose some with --measure or --unit, or write .pdf"
        )
    environment = Environment(
        loader=PackageLoader("spcbench_html", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests["icon"] = lambda cell: isinstance(cell, Icon)
    sections: list[Section] = []
    for number, result in enumerate(report.results, start=1):
        sections += _sections(result, f"r{number}")
    page = environment.get_template("page.html").render(
        title=report.title,
        summaries=[_summary(result) for result in report.results],
        advice=[line for result in report.results for line in _advice(result)],
        sections=sections,
        methods=[_method(result) for result in report.results],
    )
    return page.encode("utf-8")


def _is_charts(result: ControlCharts | Funnels) -> bool:
    return hasattr(result, "points")


def _summary(result: Any) -> Grid:
    return _chart_summary(result) if _is_charts(result) else funnel_summary(result)


def _chart_summary(charts: ControlCharts) -> Grid:
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
                value_or_dash(line["target"], display),
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
        "Limits",
    ]
    return Grid("Control charts: has anything changed?", headings, rows)


def _variation_icon(line: Mapping[str, Any]) -> Icon | str:
    variation = line["variation"]
    if pd.isna(variation):
        return STATUS_WORDS.get(line["status"], "–")
    kind, _, side = variation.rpartition("_")
    if side not in _VARIATION_LETTERS:
        kind = variation
    return Icon(_VARIATION_LETTERS.get(side, "–"), kind, VARIATION_WORDS[variation])


def _assurance_icon(assurance: Any) -> Icon | str:
    if pd.isna(assurance) or assurance == "none":
        return "–"
    return Icon(_ASSURANCE_LETTERS[assurance], assurance, ASSURANCE_WORDS[assurance])


def _limits_text(lower: float, upper: float, display: Display, kind: ChartKind) -> str:
    if pd.isna(lower) and pd.isna(upper):
        return "–"
    return kind.range_words(lower, upper, display)


def _advice(result: Any) -> list[Advice]:
    """Advice by its kind: a line for each thing said, naming every unit it holds for."""
    units: dict[str, dict[tuple[str, str], list[str]]] = {}
    for line in result.advice.to_dict("records"):
        title = display_of(result, line["measure"]).title if is_known(line["measure"]) else ""
        said = units.setdefault(line["code"], {})
        named = said.setdefault((title, line["message"]), [])
        if is_known(line["unit"]):
            named.append(unit_title(result, line["unit"]))
    return [
        Advice(
            code.replace("_", " ").capitalize(), [_said(*key, named) for key, named in said.items()]
        )
        for code, said in units.items()
    ]


def _said(title: str, message: str, units: list[str]) -> str:
    about = title + (f" ({', '.join(units)})" if units else "")
    return f"{about}: {message}" if about else message


def _keys(result: Any) -> list[tuple[str, str]]:
    if _is_charts(result):
        return chart_keys(result, measure=None, unit=None)
    return funnel_keys(result, measure=None, group=None)


def _sections(result: Any, name: str) -> list[Section]:
    charts, keys = _is_charts(result), _keys(result)
    sections = []
    for number, measure in enumerate(dict.fromkeys(key[0] for key in keys), start=1):
        display = display_of(result, measure)
        kind = "control charts" if charts else f"{view_of(result).picture} plots"
        anchor = f"{name}m{number}"
        figures = [
            (_chart_figure if charts else funnel_figure)(result, key, f"{anchor}f{at}")
            for at, key in enumerate((key for key in keys if key[0] == measure), start=1)
        ]
        sections.append(
            Section(
                f"{display.title}: {kind}",
                anchor,
                _measure_notes(measure, display),
                figures,
                wide=not charts,
            )
        )
    return sections


def _measure_notes(measure: str, display: Display) -> list[str]:
    wanted = {
        "higher": "Higher is better.",
        "lower": "Lower is better.",
        "neither": "Neither higher nor lower is better by itself.",
    }
    notes = [f"Measure {measure}. {wanted[display.better]}"]
    if display.target is not None:
        label = f" ({display.target_label})" if display.target_label else ""
        notes.append(f"Target {value_text(display.target, display)}{label}.")
    if display.source:
        notes.append(f"Definition: {display.source}.")
    if not display.verified:
        notes.append("This definition still has to be checked at its source.")
    return notes


def _chart_figure(charts: ControlCharts, key: tuple[str, str], anchor: str) -> Figure:
    title = unit_title(charts, key[1])
    description = describe_chart(charts, *key)
    picture = svg_bytes(
        control_chart(charts, measure=key[0], unit=key[1]), title=title, description=description
    )
    display, kind = display_of(charts, key[0]), kind_in(charts, key)[1]
    rows = [
        [
            cell_text(line["period"]),
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


def _method(result: Any) -> Method:
    title = "Control charts" if _is_charts(result) else "Funnels"
    both = {**result.method, **result.provenance}
    return Method(title, [(_label(name), _setting_text(both[name])) for name in both])


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _setting_text(value: Any) -> str:
    """One setting in a line; settings within settings as JSON."""
    if value is None or (isinstance(value, (str, list, tuple, dict)) and not value):
        return "none"
    if isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value):
        return "; ".join(value)
    if isinstance(value, (Mapping, list, tuple)):
        return json.dumps(value, default=str, ensure_ascii=False)
    return str(value)
