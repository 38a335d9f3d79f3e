"""Tables of a PDF: cells wrap, headings come again on every page, and nothing is cut off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from reportlab.lib.colors import HexColor
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.platypus import LongTable, Paragraph, Spacer, TableStyle

from spcbench.documents.paper import ACROSS, BOLD, PLAIN, UPRIGHT, paragraph, room, styles
from spcbench.pictures.page_words import ICON_LETTERS, cell_lines
from spcbench.pictures.theme import INK, MUTED
from spcbench.report import ReportTable

_DENSE, _WIDE = 6, 8
"""Tables of more columns are set smaller; of still more, the paper lies across."""
_PAD = 2.6
_MOST_FOR_A_WORD, _MOST_FOR_A_LINE = 42 * mm, 150 * mm
_ICON_COLOURS = {
    "improvement": ("#0072C6", "#FFFFFF"),
    "passes": ("#0072C6", "#FFFFFF"),
    "concern": ("#FF8A3C", INK),
    "fails": ("#FF8A3C", INK),
    "neither": ("#490092", "#FFFFFF"),
}
"""Ground and letter of an icon; those of other words are grey."""


@dataclass(frozen=True, slots=True)
class _Cell:
    """Lines of a cell, and the word whose icon stands before them."""

    lines: Sequence[str]
    icon: str = ""

    @property
    def text(self) -> str:
        """What is measured: as it is read, with room for the icon."""
        return "\n".join([("MM " if self.icon else "") + self.lines[0], *self.lines[1:]])


def orientation_of(tables: Sequence[ReportTable]) -> str:
    """How the paper must lie for these tables: across where one is wide."""
    return ACROSS if any(_is_wide(one) for one in tables) else UPRIGHT


def _is_wide(table: ReportTable) -> bool:
    if len(table.headings) > _WIDE:
        return True
    least, _ = _widths(_cells(table), list(table.headings.values()), _size(table))
    return sum(least) > room(UPRIGHT)[0]


def grid_story(table: ReportTable, orientation: str) -> list[Any]:
    """Lay out a table of a report.

    Parameters
    ----------
    table : ReportTable
        Its headings and frame.
    orientation : str
        How the paper lies.

    Returns
    -------
    list of reportlab flowables
        The table under its title, in several parts with its first column in
        each where it is too wide for the paper; then its note.
    """
    cells, headings, size = _cells(table), list(table.headings.values()), _size(table)
    least, liked = _widths(cells, headings, size)
    width, height = room(orientation)
    parts = _parts(least, width) if headings else []
    story: list[Any] = []
    for number, part in enumerate(parts, start=1):
        title = f"{table.title} (part {number} of {len(parts)})" if len(parts) > 1 else table.title
        widths = _shared([least[at] for at in part], [liked[at] for at in part], width)
        # The title is as wide as the table: a narrow one would make a column of it.
        wider = max(1.0, width / 2 / sum(widths))
        widths = [wider * own for own in widths]
        rows = [[row[at] for at in part] for row in cells]
        named = [headings[at] for at in part]
        story.append(_grid(title, named, rows, widths=widths, size=size, height=height))
        story.append(Spacer(1, 4 if table.note and number == len(parts) else 10))
    if table.note:
        story.append(paragraph(table.note, styles()["note"]))
    return story


def _size(table: ReportTable) -> float:
    return 7.2 if len(table.headings) > _DENSE else 8


def _cells(table: ReportTable) -> list[list[_Cell]]:
    return [
        [
            _Cell(
                cell_lines(row[name]), _icon(row[table.icons[name]]) if name in table.icons else ""
            )
            for name in table.headings
        ]
        for row in table.frame.to_dict("records")
    ]


def _icon(word: Any) -> str:
    return word if isinstance(word, str) and word in ICON_LETTERS else ""


def _widths(
    cells: Sequence[Sequence[_Cell]], headings: Sequence[str], size: float
) -> tuple[list[float], list[float]]:
    """What each column needs for its longest word, and what it would like for its longest line."""
    least, liked = [], []
    for at, heading in enumerate(headings):
        texts = [heading, *(row[at].text for row in cells)]
        lines = {line for text in texts for line in text.split("\n")}
        words = {word for line in lines for word in line.split(" ")}
        # A space more than is counted, because a line is broken by the same sums.
        edge = 2 * _PAD + 1
        least.append(min(max(_long(one, size) for one in words), _MOST_FOR_A_WORD) + edge)
        liked.append(min(max(_long(one, size) for one in lines), _MOST_FOR_A_LINE) + edge)
    return least, liked


def _long(text: str, size: float) -> float:
    width: float = stringWidth(text, BOLD, size)
    return width


def _parts(least: Sequence[float], width: float) -> list[list[int]]:
    """Which columns stand together: all, or as many beside the first as there is room for."""
    parts, used = [[0]], least[0]
    for at in range(1, len(least)):
        if used + least[at] > width and len(parts[-1]) > 1:
            parts.append([0])
            used = least[0]
        parts[-1].append(at)
        used += least[at]
    return parts


def _shared(least: Sequence[float], liked: Sequence[float], width: float) -> list[float]:
    """The width of each column: as liked if there is room, else by the root of what is liked.

    A column of long texts then is the widest, without crushing one of short texts.
    """
    if sum(liked) <= width:
        return list(liked)
    low, high = 0.0, width
    for _ in range(40):
        factor = (low + high) / 2
        shared = [
            min(max(own, factor * wish**0.5), wish) for own, wish in zip(least, liked, strict=True)
        ]
        low, high = (factor, high) if sum(shared) <= width else (low, factor)
    return [min(max(own, low * wish**0.5), wish) for own, wish in zip(least, liked, strict=True)]


def _grid(
    title: str,
    headings: Sequence[str],
    rows: Sequence[Sequence[_Cell]],
    *,
    widths: Sequence[float],
    size: float,
    height: float,
) -> Any:
    """One table: its title and its headings stand on every page that it reaches."""
    body = ParagraphStyle(
        "cell", fontName=PLAIN, fontSize=size, leading=1.28 * size, textColor=HexColor(INK),
        splitLongWords=1,
    )  # fmt: skip
    head = ParagraphStyle("head", parent=body, fontName=BOLD)
    top = [paragraph(title, styles()["caption"]), *[""] * (len(headings) - 1)]
    data = [top, [paragraph(one, head) for one in headings]]
    data += [[_cell(one, body, first=at == 0) for at, one in enumerate(row)] for row in rows]
    grid = _Grid(
        data, colWidths=list(widths), repeatRows=2, hAlign="LEFT", style=_look(len(headings))
    )
    grid.whole_height = height
    return grid


def _look(columns: int) -> TableStyle:
    return TableStyle(
        [
            ("SPAN", (0, 0), (columns - 1, 0)),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("VALIGN", (0, 1), (-1, 1), "BOTTOM"),
            ("LEFTPADDING", (0, 0), (-1, -1), _PAD),
            ("RIGHTPADDING", (0, 0), (-1, -1), _PAD),
            ("LEFTPADDING", (0, 0), (-1, 0), 0),
            ("TOPPADDING", (0, 0), (-1, -1), 2.4),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 3.4),
            ("BACKGROUND", (0, 1), (-1, 1), HexColor("#E8EDEE")),
            ("LINEBELOW", (0, 1), (-1, 1), 1, HexColor(MUTED)),
            ("LINEBELOW", (0, 2), (-1, -1), 0.4, HexColor("#C3CBD0")),
        ]
    )


def _cell(cell: _Cell, style: ParagraphStyle, *, first: bool) -> Paragraph:
    """What is read first, and smaller below it the rest; an icon has its words beside it."""
    head, *more = map(escape, cell.lines)
    if more and not first and not cell.icon:
        head = f'<font name="{BOLD}">{head}</font>'
    if cell.icon:
        kind = cell.icon.removesuffix("_high").removesuffix("_low")
        ground, letter = _ICON_COLOURS.get(kind, ("#DDE2E4", INK))
        mark = f"\u00a0{ICON_LETTERS[cell.icon]}\u00a0"
        head = f'<font name="{BOLD}" backColor="{ground}" color="{letter}">{mark}</font> {head}'
    below = "".join(f'<br/><font color="{MUTED}">{line}</font>' for line in more)
    return Paragraph(head + below, style)


class _Grid(LongTable):  # type: ignore[misc, unused-ignore]  # reportlab has no types
    """A table that breaks between rows, and within a row only if that is higher than a page."""

    whole_height = 0.0

    def split(self, width: float, height: float) -> list[Any]:
        self.splitInRow = int(height > 0.9 * self.whole_height)
        parts: list[Any] = super().split(width, height)
        for part in parts:
            part.whole_height = self.whole_height
        return parts
