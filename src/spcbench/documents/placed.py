"""Pictures and bookmarks of a PDF, and the pages on which they come.

Pictures stay vectors: matplotlib draws them, reportlab leaves room, pypdf joins both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from io import BytesIO
from typing import Any

from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    FloatObject,
    NameObject,
    StreamObject,
)
from reportlab.platypus import Flowable

from spcbench.pictures.saving import pdf_bytes


class Placed:
    """Pictures drawn once, and where in a document they and its headings were placed.

    Parameters
    ----------
    plots : iterable of plotnine.ggplot
        Drawn one after another, so a generator keeps memory small; perhaps none.
    """

    def __init__(self, plots: Iterable[Any]) -> None:
        drawn = pdf_bytes(plots, title="")
        self._drawn = list(PdfReader(BytesIO(drawn)).pages) if drawn else []
        self.pages: dict[int, list[int]] = defaultdict(list)
        self.headings: list[tuple[str, int]] = []

    @property
    def count(self) -> int:
        """How many pictures were drawn."""
        return len(self._drawn)

    def heading(self, title: str) -> Any:
        """Nothing to be seen: the bookmark of a heading that follows."""
        return _Bookmark(self, title)

    def size(self, number: int) -> tuple[float, float]:
        """Width and height of a picture, in points."""
        box = self._drawn[number].mediabox
        return float(box.width), float(box.height)

    def picture(self, number: int, *, within: tuple[float, float], description: str) -> Any:
        """A picture as large as there is room, but no larger than it was drawn."""
        size = self.size(number)
        scale = min(1.0, *(room / own for room, own in zip(within, size, strict=True)))
        return _Picture(self, number, size, scale, description)

    def join(self, document: bytes, *, title: str) -> bytes:
        """Put pictures and bookmarks into the document in which they were placed.

        Parameters
        ----------
        document : bytes
            A PDF with room for them.
        title : str
            Of the document.

        Returns
        -------
        bytes
            Without dates: the same document and pictures give the same bytes.
        """
        writer = PdfWriter(clone_from=BytesIO(document))
        for page, numbers in sorted(self.pages.items()):
            resources = writer.pages[page - 1]["/Resources"].get_object()
            if not isinstance(resources, DictionaryObject):
                raise TypeError("a page of the document has no resources")
            forms = resources.setdefault(NameObject("/XObject"), DictionaryObject()).get_object()
            for number in numbers:
                forms[NameObject(_name(number))] = self._form(writer, number)
        for heading, page in self.headings:
            writer.add_outline_item(title=heading, page_number=page - 1)
        writer.metadata = {"/Title": title, "/Creator": "spcbench", "/Producer": "spcbench"}
        buffer = BytesIO()
        writer.write(buffer)
        return buffer.getvalue()

    def _form(self, writer: PdfWriter, number: int) -> Any:
        """A page of the drawn pictures as something that a page can show; letters are shared."""
        page = self._drawn[number]
        drawn = page["/Contents"].get_object()
        form = drawn.clone(writer) if isinstance(drawn, StreamObject) else None
        if not isinstance(form, StreamObject) or form.indirect_reference is None:
            raise TypeError("a drawn picture is one stream")
        form[NameObject("/Type")] = NameObject("/XObject")
        form[NameObject("/Subtype")] = NameObject("/Form")
        form[NameObject("/BBox")] = ArrayObject(FloatObject(edge) for edge in page.mediabox)
        form[NameObject("/Resources")] = page.raw_get("/Resources").clone(writer)
        if "/Group" in page:  # how what shines through is mixed
            form[NameObject("/Group")] = page["/Group"].clone(writer)
        return form.indirect_reference


def _name(number: int) -> str:
    return f"/Picture{number}"


class _Picture(Flowable):  # type: ignore[misc, unused-ignore]  # reportlab has no types
    """Room for one picture, with the description that is read out instead of it."""

    def __init__(
        self, placed: Placed, number: int, size: tuple[float, float], scale: float, words: str
    ) -> None:
        super().__init__()
        self.width, self.height = size[0] * scale, size[1] * scale
        self._placed, self._number, self._scale, self._words = placed, number, scale, words

    def draw(self) -> None:
        """Name the picture in the page; `Placed.join` says what the name means."""
        self._placed.pages[self.canv.getPageNumber()].append(self._number)
        read_out = f"\ufeff{self._words}".encode("utf-16-be", "replace").hex()
        self.canv.saveState()
        self.canv.scale(self._scale, self._scale)
        self.canv.addLiteral(f"/Span <</Alt <{read_out}>>> BDC {_name(self._number)} Do EMC")
        self.canv.restoreState()


class _Bookmark(Flowable):  # type: ignore[misc, unused-ignore]  # reportlab has no types
    """Tells on which page a heading came."""

    def __init__(self, placed: Placed, title: str) -> None:
        super().__init__()
        self.width = self.height = 0
        self._placed, self._title = placed, title

    def draw(self) -> None:
        """Remember the page; `Placed.join` makes the bookmark."""
        self._placed.headings.append((self._title, self.canv.getPageNumber()))
