"""A report with sections as a PDF: its words, tables and pictures, in the order of a page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from reportlab.lib.units import inch, mm
from reportlab.platypus import CondPageBreak, KeepTogether, NextPageTemplate, PageBreak

from spcbench.documents.grids import grid_story, orientation_of
from spcbench.documents.paper import (
    ACROSS,
    UPRIGHT,
    WARNING,
    document_bytes,
    load_letters,
    paragraph,
    room,
    settings,
    styles,
)
from spcbench.documents.placed import Placed
from spcbench.pictures import describe_chart, describe_funnel
from spcbench.pictures.control_chart import control_chart, draw_charts
from spcbench.pictures.page_words import (
    SectionPicture,
    is_charts,
    keys_of,
    measure_notes,
    method_items,
    section_pictures,
)
from spcbench.pictures.results import Key, display_of
from spcbench.pictures.saving import CHARTS_PER_PAGE, funnel_picture

if TYPE_CHECKING:
    from plotnine import ggplot

    from spcbench.report import Report, Section

MOST_ALONE = 250
"""With more pictures in its sections than this, a document has control charts by the dozen."""
_HIGHEST = 97 * mm
"""Two pictures with their words have room on a page."""
_WIDEST = 9 * inch
"""Wider pictures lie across the paper."""
_ROOM_BELOW = 55 * mm
"""So much must be left of a page for a heading, which should not stand alone at its foot."""


@dataclass(frozen=True, slots=True)
class _Picture:
    """A picture to come: how to draw it, what it shows in words, and what to know besides."""

    draw: Callable[[], ggplot]
    descriptions: list[str]
    notes: str = ""


def report_pdf(report: Report) -> bytes:
    """Render a report with sections as a PDF on A4.

    Parameters
    ----------
    report : Report
        Its results come first, then its sections: words, tables, pictures;
        then how the results were made.

    Returns
    -------
    bytes
        Without dates: the same report gives the same bytes.
    """
    load_letters()
    alone = sum(len(keys_of(one)) for part in report.sections for one in part.results)
    groups = [
        [one for result in report.results for one in _by_the_dozen(result)],
        *(_pictures(section, alone=alone <= MOST_ALONE) for section in report.sections),
    ]
    placed = Placed(one.draw() for group in groups for one in group)
    story = _Story(report, placed)
    story.pictures(groups[0])
    for section, pictures in zip(report.sections, groups[1:], strict=True):
        story.section(section, pictures)
    story.methods(report)
    return placed.join(
        document_bytes(story.flowables, title=report.title, first=story.first), title=report.title
    )


def _pictures(section: Section, *, alone: bool) -> list[_Picture]:
    if alone:
        return [_one_picture(one) for one in section_pictures(section)]
    return [one for result in section.results for one in _by_the_dozen(result)]


def _one_picture(one: SectionPicture) -> _Picture:
    """A chart or a funnel by itself."""
    measure, other = one.key
    if is_charts(one.result):
        draw = partial(control_chart, one.result, measure=measure, unit=other)
    else:
        draw = partial(funnel_picture, one.result, measure=measure, group=other)
    notes = " ".join(measure_notes(measure, display_of(one.result, measure)))
    return _Picture(draw, [_description(one.result, one.key)], notes)


def _by_the_dozen(result: Any) -> list[_Picture]:
    """Funnels each by itself, control charts twelve side by side."""
    keys = keys_of(result)
    if not is_charts(result):
        return [
            _Picture(
                partial(funnel_picture, result, measure=key[0], group=key[1]),
                [_description(result, key)],
            )
            for key in keys
        ]
    dozens = [keys[at : at + CHARTS_PER_PAGE] for at in range(0, len(keys), CHARTS_PER_PAGE)]
    return [
        _Picture(partial(draw_charts, result, some), [_description(result, key) for key in some])
        for some in dozens
    ]


def _description(result: Any, key: Key) -> str:
    return (describe_chart if is_charts(result) else describe_funnel)(result, *key)


class _Story:
    """What stands on the pages, in reading order, and how the paper lies for it."""

    def __init__(self, report: Report, placed: Placed) -> None:
        self._placed, self._styles = placed, styles()
        self._drawn = iter(range(placed.count))
        self._lies = ""
        self.first = UPRIGHT
        self.flowables: list[Any] = [
            paragraph(report.title, self._styles["title"]),
            paragraph(WARNING, self._styles["warning"]),
        ]

    def section(self, section: Section, pictures: list[_Picture]) -> None:
        """Add the words, the tables and the pictures of a section."""
        if section.tables or pictures:
            self._lie(orientation_of(section.tables))
        shown = pictures and not section.tables
        self._heading(section.title, below=_HIGHEST + _ROOM_BELOW if shown else _ROOM_BELOW)
        for text in section.text:
            self.flowables.append(paragraph(text, self._styles["text"]))
        for table in section.tables:
            self.flowables += grid_story(table, self._lies)
        self.pictures(pictures)

    def pictures(self, pictures: list[_Picture]) -> None:
        """Add pictures, each with its words below it."""
        for one in pictures:
            number = next(self._drawn)
            wide, high = self._placed.size(number)
            across = wide > _WIDEST and wide > high
            self._lie(ACROSS if across else UPRIGHT)
            self.flowables.append(self._with_words(one, number))

    def _with_words(self, one: _Picture, number: int) -> Any:
        width, height = room(self._lies)
        words = " ".join(one.descriptions)
        large = self._placed.size(number)[0] > _WIDEST
        most = height - 45 * mm if large else _HIGHEST
        block = [self._placed.picture(number, within=(width, most), description=words)]
        # A dozen descriptions are read out, and too long to be read.
        said = words if len(one.descriptions) == 1 else ""
        block += [paragraph(text, self._styles["note"]) for text in (said, one.notes) if text]
        return KeepTogether(block)

    def methods(self, report: Report) -> None:
        """Add how the results were made and where their numbers came from."""
        named = [("", one) for one in report.results]
        named += [(f": {part.title}", one) for part in report.sections for one in part.results]
        if named:
            self._heading("Method and source")
        for where, result in named:
            title = ("Control charts" if is_charts(result) else "Funnels") + where
            self.flowables.append(paragraph(title, self._styles["figure"]))
            self.flowables.append(settings(method_items(result), self._styles["note"]))

    def _heading(self, title: str, *, below: float = _ROOM_BELOW) -> None:
        self.flowables += [
            CondPageBreak(below),
            self._placed.heading(title),
            paragraph(title, self._styles["section"]),
        ]

    def _lie(self, orientation: str) -> None:
        """Turn the paper, on a new page, if it lies otherwise."""
        if not self._lies:
            self.first = orientation
        elif self._lies != orientation:
            self.flowables += [NextPageTemplate(orientation), PageBreak()]
        self._lies = orientation
