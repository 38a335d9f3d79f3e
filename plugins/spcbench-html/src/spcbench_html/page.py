"""The page: what the template shows, made from the tables of the results."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from spcbench.errors import OptionError
from spcbench.pictures.page_words import keys_of
from spcbench.pictures.results import display_of, unit_title
from spcbench_html.parts import Advice, Cell, Icon, Method, is_known
from spcbench_html.sections import measure_sections, method_of, parts_of, summary_of

if TYPE_CHECKING:
    from spcbench import Report

MOST_FIGURES = 250
"""More pictures than this make a page that opens slowly."""


def html_page(report: Report) -> bytes:
    """Render a report as one HTML page.

    Parameters
    ----------
    report : Report
        Control charts, funnels, sections or all of these; it may be empty.

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
    figures = sum(len(keys_of(result)) for result in report.all_results)
    if figures > MOST_FIGURES:
        raise OptionError(
            f"{figures:,} charts and funnels do not fit in one page (at most {MOST_FIGURES}): "
            "choose some with --measure or --unit, or write .pdf"
        )
    page = (
        _environment()
        .get_template("page.html")
        .render(
            title=report.title,
            summaries=[summary_of(result) for result in report.results],
            # A report of results alone is summed up, also if there are none.
            summed_up=bool(report.results) or not report.sections,
            advice=_advice(report.all_results),
            sections=[
                section
                for number, result in enumerate(report.results, start=1)
                for section in measure_sections(result, f"r{number}")
            ],
            parts=list(parts_of(report.sections)),
            methods=_methods(report),
        )
    )
    return page.encode("utf-8")


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("spcbench_html", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests["icon"] = lambda cell: isinstance(cell, Icon)
    environment.tests["lines"] = lambda cell: isinstance(cell, Cell)
    return environment


def _advice(results: Iterable[Any]) -> list[Advice]:
    """Advice by its kind: a line for each thing said, naming every unit it holds for."""
    units: dict[str, dict[tuple[str, str], list[str]]] = {}
    for result in results:
        for line in result.advice.to_dict("records"):
            title = display_of(result, line["measure"]).title if is_known(line["measure"]) else ""
            said = units.setdefault(line["code"], {})
            named = said.setdefault((title, line["message"]), [])
            if is_known(line["unit"]):
                named.append(unit_title(result, line["unit"]))
    return [
        Advice(
            code.replace("_", " ").capitalize(),
            [_said(*key, list(dict.fromkeys(named))) for key, named in said.items()],
        )
        for code, said in units.items()
    ]


def _said(title: str, message: str, units: list[str]) -> str:
    about = title + (f" ({', '.join(units)})" if units else "")
    return f"{about}: {message}" if about else message


def _methods(report: Report) -> list[Method]:
    """How each result was made, under the section that shows it."""
    found = [method_of(result) for result in report.results]
    found += [
        method_of(result, section.title)
        for section in report.sections
        for result in section.results
    ]
    return found
