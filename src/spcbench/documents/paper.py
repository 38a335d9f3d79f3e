"""The paper of a PDF: A4 upright or across, its letters, its header and its page numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate, Paragraph

from spcbench.pictures.theme import INK, MUTED

PLAIN, BOLD = "DejaVuSans", "DejaVuSans-Bold"
"""The letters of the pictures: they come with matplotlib and know ✓, ≥ and ’."""

UPRIGHT, ACROSS = "upright", "across"
SIZES = {UPRIGHT: A4, ACROSS: landscape(A4)}
_MARGIN, _HEAD, _FOOT = 15 * mm, 20 * mm, 17 * mm

FOOTER = "For local use: small numbers appear as they are. Do not publish."
WARNING = (
    "For local use. No disclosure control has been applied: small numbers appear as they are. "
    "Do not publish this document as it stands."
)


def room(orientation: str) -> tuple[float, float]:
    """Width and height between the margins, in points."""
    width, height = SIZES[orientation]
    return width - 2 * _MARGIN, height - _HEAD - _FOOT


def load_letters() -> None:
    """Make the letters known to reportlab, once."""
    import matplotlib as mpl

    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    for name in {PLAIN, BOLD} - set(pdfmetrics.getRegisteredFontNames()):
        pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))


def _style(name: str, size: float, **options: Any) -> ParagraphStyle:
    told = {"fontName": PLAIN, "textColor": HexColor(INK), "leading": 1.35 * size, **options}
    # What is not in these letters is shown as a box, and no word runs over an edge.
    return ParagraphStyle(name, fontSize=size, splitLongWords=1, **told)


def styles() -> dict[str, ParagraphStyle]:
    """How each kind of text looks."""
    muted = HexColor(MUTED)
    return {
        "title": _style("title", 17, fontName=BOLD, leading=21, spaceAfter=8),
        "warning": _style("warning", 8.5, textColor=muted, spaceAfter=10),
        "section": _style("section", 13, fontName=BOLD, spaceBefore=10, spaceAfter=5),
        "figure": _style("figure", 10, fontName=BOLD, spaceBefore=4, spaceAfter=3),
        "text": _style("text", 9, spaceAfter=5),
        "note": _style("note", 7.2, textColor=muted, spaceBefore=1, spaceAfter=3),
        "caption": _style("caption", 9.5, fontName=BOLD),
    }


def paragraph(text: str, style: ParagraphStyle) -> Paragraph:
    """Text as it is: nothing in it is taken for markup."""
    return Paragraph("<br/>".join(map(escape, text.split("\n"))), style)


def settings(items: Iterable[tuple[str, str]], style: ParagraphStyle) -> Paragraph:
    """Names in bold with their values, running on."""
    named = (f'<font name="{BOLD}">{escape(name)}:</font> {escape(value)}' for name, value in items)
    return Paragraph(";\n".join(named), style)


def document_bytes(story: list[Any], *, title: str, first: str) -> bytes:
    """Lay a story out on pages.

    Parameters
    ----------
    story : list of reportlab flowables
        In reading order.
    title : str
        Of the document, at the head of every page.
    first : str
        How the first page lies, ``UPRIGHT`` or ``ACROSS``.

    Returns
    -------
    bytes
        A PDF without the time of its making: the same story gives the same bytes.
    """
    buffer = BytesIO()
    template = BaseDocTemplate(
        buffer, title=title, author="", creator="spcbench", lang="en-GB", displayDocTitle=1,
        invariant=1,
        pageTemplates=[_template(one, title) for one in sorted(SIZES, key=lambda at: at != first)],
    )  # fmt: skip
    template.build(story, canvasmaker=_NumberedCanvas)
    return buffer.getvalue()


def _template(orientation: str, title: str) -> PageTemplate:
    width, height = room(orientation)
    frame = Frame(
        _MARGIN, _FOOT, width, height,
        leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0,
    )  # fmt: skip
    return PageTemplate(
        orientation, [frame], onPage=_header(orientation, title), pagesize=SIZES[orientation]
    )


def _header(orientation: str, title: str) -> Callable[[Any, Any], None]:
    """What draws the title and its rule at the head, and the warning at the foot."""
    width, height = SIZES[orientation]
    lines = simpleSplit(title, PLAIN, 7.5, width - 2 * _MARGIN) or [""]
    said = lines[0] + (" …" if len(lines) > 1 else "")

    def draw(canvas: Any, _: Any) -> None:
        canvas.saveState()
        canvas.setFont(PLAIN, 7.5)
        canvas.setFillColor(HexColor(MUTED))
        canvas.setStrokeColor(HexColor("#AEB7BD"))
        canvas.drawString(_MARGIN, height - 12 * mm, said)
        canvas.line(_MARGIN, height - 14 * mm, width - _MARGIN, height - 14 * mm)
        canvas.drawString(_MARGIN, 9 * mm, FOOTER)
        canvas.restoreState()

    return draw


class _NumberedCanvas(Canvas):  # type: ignore[misc, unused-ignore]  # reportlab has no types
    """A canvas that keeps its pages back until it knows how many there are."""

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self._kept: list[dict[str, Any]] = []

    def showPage(self) -> None:  # noqa: N802
        self._kept.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        for number, page in enumerate(self._kept, start=1):
            self.__dict__.update(page)
            self.setFont(PLAIN, 7.5)
            self.setFillColor(HexColor(MUTED))
            self.drawRightString(
                self._pagesize[0] - _MARGIN, 9 * mm, f"Page {number} of {len(self._kept)}"
            )
            super().showPage()
        super().save()
