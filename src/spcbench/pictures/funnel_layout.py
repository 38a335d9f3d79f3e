"""Sizes of funnels and caterpillars: the picture, its panels and its letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from spcbench.errors import OptionError

MOST_FUNNELS = {"page": 24, "half": 4, "slide": 3}
"""More funnels than this in one picture can no longer be read."""

_BASE = {"page": 10.0, "half": 8.4, "slide": 18.0}
_WIDTH = {"page": 8.0, "half": 3.35, "slide": 13.33}
SLIDE_HEIGHT = 7.5
_LETTER = 0.6
"""Width of a middling letter, as a share of its size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunnelLayout:
    """Sizes in inches and points, from the number of funnels and of lines of text.

    Parameters
    ----------
    columns, rows : int
        Of funnels.
    size : str
        As `funnel_view.SIZES`.
    title_lines, subtitle_lines, caption_lines, heading_lines : int
        Of the texts above, below and over each funnel.
    legend_rows, legend_columns : int
        Of entries of the legend.
    named_y : bool
        Whether words stand beside the y axis.
    """

    columns: int
    rows: int
    size: str = "page"
    title_lines: int = 1
    subtitle_lines: int = 1
    caption_lines: int = 4
    heading_lines: int = 1
    legend_rows: int = 2
    legend_columns: int = 2
    named_y: bool = False

    @classmethod
    def of(cls, funnels: int, size: str) -> FunnelLayout:
        """The layout of so many funnels.

        Raises
        ------
        OptionError
            If they do not fit.
        """
        most = MOST_FUNNELS[size]
        if funnels > most:
            where = "one picture" if size == "page" else f"one picture of the size {size!r}"
            raise OptionError(
                f"{funnels:,} funnels do not fit in {where} (at most {most}): choose "
                "some with --measure (measure=, group=), or write .pdf or .html"
            )
        columns = {"half": 1, "slide": min(funnels, 3)}.get(
            size, min(funnels, 2 if funnels <= 4 else 3)
        )
        return cls(columns=columns, rows=-(-funnels // columns), size=size)

    def fitted(
        self,
        *,
        title: str,
        subtitle: str,
        caption: str,
        headings: Sequence[str],
        legend: Sequence[str],
        named_y: bool,
    ) -> Self:
        """The same, with room for these texts as they are broken into lines."""
        letters = max((len(line) for words in legend for line in words.split("\n")), default=1)
        entry = self._legend_indent + letters * _LETTER * self.legend_size / 72
        columns = max(1, min(3, len(legend), int(0.96 * self.width / entry)))
        broken = max((words.count("\n") for words in legend), default=0)
        return replace(
            self,
            title_lines=title.count("\n") + 1,
            subtitle_lines=subtitle.count("\n") + 1,
            caption_lines=caption.count("\n") + 1,
            heading_lines=max(heading.count("\n") for heading in headings) + 1,
            legend_rows=-(-len(legend) // columns) + broken,
            legend_columns=columns,
            named_y=named_y,
        )

    @property
    def single(self) -> bool:
        """Whether one picture stands alone."""
        return self.columns * self.rows == 1

    @property
    def brief(self) -> bool:
        """Whether there is room for few words only."""
        return self.size != "page"

    @property
    def base(self) -> float:
        """Of ordinary text, in points."""
        return 9.0 if self.size == "page" and not self.single else _BASE[self.size]

    @property
    def label_size(self) -> float:
        """Of names inside a panel, in points."""
        return self.base * 0.78

    @property
    def width(self) -> float:
        """Of the whole picture, in inches."""
        if self.size != "page":
            return _WIDTH[self.size]
        return 8.0 if self.single else 4.5 * self.columns

    @property
    def height(self) -> float:
        """Of the whole picture, in inches."""
        if self.size == "slide":
            return SLIDE_HEIGHT
        return self._around + self.rows * self.panel[1]

    @property
    def panel(self) -> tuple[float, float]:
        """Width and height of one panel, in inches: no more than it will have."""
        return self._panel_width, self._panel_height

    @property
    def _panel_width(self) -> float:
        ticks = 6 * _LETTER * 0.85 * self.base / 72 + 0.05
        named = 1.2 * self.base / 72 if self.named_y else 0.0
        width = 0.97 * self.width - named - (self.columns - 1) * 0.2
        return width / self.columns - ticks

    @property
    def _panel_height(self) -> float:
        if self.size == "slide":
            return max(0.1, (SLIDE_HEIGHT - self._around) / self.rows)
        if self.size == "half":
            return 2.3
        return 3.7 if self.single else 2.7

    @property
    def _around(self) -> float:
        """Height of everything but the panels, in inches."""
        lines = 1.56 * self.title_lines + 1.2 * self.subtitle_lines
        lines += 1.02 * self.caption_lines + 1.65 * self.legend_rows
        if not self.single:
            lines += self.rows * 1.3 * (self.heading_lines + 0.2) + (self.rows - 1) * 1.3
        # Gaps grow partly with the letters, partly with the width of the picture.
        gaps = 0.036 * self.base + (0.074 + 0.04 * (self.rows - 1)) * self.width
        return lines * self.base / 72 + gaps

    @property
    def mark(self) -> float:
        """How large marks are, beside those of one picture on a page."""
        if self.size == "slide":
            return 1.6 if self.single else 1.2
        return 0.8 if self.size == "half" else 1.0 if self.single else 0.85

    @property
    def bold(self) -> float:
        """How thick lines are, beside those on a page."""
        return 1.7 if self.size == "slide" else 1.0

    @property
    def most_names(self) -> int:
        """Above this many, units stand with their codes: names would take all the room."""
        return 10 if self.single and self.size == "page" else 5

    @property
    def letters(self) -> int:
        """Longest line of a name inside a panel."""
        return 24 if self.single and self.size != "half" else 16

    @property
    def legend_size(self) -> float:
        """Of the names in the legend, in points."""
        return self.base * (0.8 if self.size == "slide" else 0.9)

    @property
    def legend_letters(self) -> int:
        """Longest line of a name in the legend."""
        wide = 0.96 * self.width - self._legend_indent
        return min(40, int(wide * 72 / (self.legend_size * _LETTER)))

    @property
    def _legend_indent(self) -> float:
        """Width of the mark before a name in the legend, with the gaps round it."""
        return 3.4 * self.base / 72
