"""What a page is made of: tables, pictures and sections as text, ready for the template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pandas as pd

from spcbench.pictures.chart_kinds import ChartKind
from spcbench.pictures.words import value_text
from spcbench.tables import Display


@dataclass(frozen=True, slots=True)
class Advice:
    """One kind of advice: what it is called, and what is said."""

    title: str
    lines: list[str]


@dataclass(frozen=True, slots=True)
class Icon:
    """A letter in a shape: the class gives the colour, the words the meaning."""

    letter: str
    kind: str
    words: str


@dataclass(frozen=True, slots=True)
class Cell:
    """What is read first, what stands below it, and perhaps an icon before both."""

    first: str
    more: Sequence[str] = ()
    icon: Icon | None = None


@dataclass(frozen=True, slots=True)
class Grid:
    """A table as text: its caption, its headings and its cells.

    As `cards` each row is a block of its own on narrow screens, with the
    heading beside every cell.
    """

    caption: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str | Icon | Cell]]
    note: str = ""
    cards: bool = False
    dense: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """One picture, what it shows, the tables to read first, and the one behind it all."""

    title: str
    anchor: str
    picture: str
    description: str
    grid: Grid
    first: Sequence[Grid] = field(default_factory=tuple)
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """One measure of one result; `wide` where its tables need the whole width."""

    title: str
    anchor: str
    notes: Sequence[str]
    figures: Sequence[Figure]
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One section of the report: its words, its tables and its pictures."""

    title: str
    anchor: str
    text: Sequence[str]
    grids: Sequence[Grid]
    figures: Sequence[Figure]


@dataclass(frozen=True, slots=True)
class Method:
    """How one result was made and where its numbers came from."""

    title: str
    items: Sequence[tuple[str, str]]


def value_or_dash(value: float, display: Display, kind: ChartKind | None = None) -> str:
    """A value on its display scale; a dash where there is none."""
    if pd.isna(value):
        return "–"
    return kind.value_words(value, display) if kind else value_text(value, display)


def is_known(value: Any) -> bool:
    """Whether a cell says anything."""
    return not pd.isna(value) and value != ""


def data_uri(picture: bytes) -> str:
    """A picture inside the page, where its ids cannot meet those of another."""
    readable = " /:;=,.()-_'!*"  # shorter than base64, for these need no escape
    return "data:image/svg+xml," + quote(picture, safe=readable).replace("%0A", " ")
