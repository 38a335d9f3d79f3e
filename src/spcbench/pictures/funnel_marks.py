"""Marks and lines of funnels and caterpillars: what stands for what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from spcbench.levels import level_words
from spcbench.pictures.theme import (
    BLUE,
    GREY,
    INK,
    LIMIT_GREY,
    MUTED,
    ORANGE,
    PURPLE,
    TARGET_RED,
    Mark,
    wrapped,
)

if TYPE_CHECKING:
    import pandas as pd

    from spcbench.funnel_view import Highlight

_FILLS = {
    "better_than_expected": (BLUE, "#C5EDFC", ", better"),
    "worse_than_expected": (ORANGE, "#F8DCC6", ", worse"),
    "differs": (PURPLE, "#D6C6E8", ""),
}
_SIDES = {"above": ("Higher than expected", "^"), "below": ("Lower than expected", "v")}
AS_EXPECTED = Mark("As expected", "o", GREY, 2.0)
SHRUNKEN = Mark("Shrunken estimate", "D", "white", 1.3)
STROKE = 0.4
RING_STROKE = 0.65
RINGS = (("o", 4.0), ("s", 4.8), ("D", 4.8))
"""Shape and size of the rings: all can be seen where they stand round one unit."""

_LINE_STYLES: tuple[Any, ...] = ("solid", (0, (6, 2.5)), (0, (2.5, 1.8)), "solid")
_LINE_WIDTHS = (0.6, 0.6, 0.6, 0.3)
STYLE_WORDS = ("solid", "dashed", "short dashes", "thin solid grey")
TARGET_STYLE = (0, (6, 2, 1, 2))
FDR_STYLE = (0, (0.6, 2.2))
REFERENCE_STYLE = (0, (10, 4))


def mark_of(position: str, verdict: str, levels: Sequence[str]) -> Mark:
    """Shape says the side, depth of fill how far out, colour the judgement.

    Parameters
    ----------
    position : str
        Such as ``"above_998"``; anything but a side and a level is as expected.
    verdict : str
        As `tables.UNIT_VERDICT`.
    levels : sequence of str
        Names of the levels, the innermost first.

    Examples
    --------
    >>> mark_of("below_2sd", "worse_than_expected", ("2sd", "3sd")).words
    'Lower than expected (2 SD), worse'
    """
    side, _, level = position.partition("_")
    if side not in _SIDES or level not in levels:
        return AS_EXPECTED
    words, shape = _SIDES[side]
    full, pale, judged = _FILLS.get(verdict, _FILLS["differs"])
    steps = len(levels) - 1
    depth = levels.index(level) / steps if steps else 1.0
    return Mark(
        words=f"{words} ({level_words(level)}){judged}",
        shape=shape,
        fill=_mixed(pale, full, depth),
        size=2.7 + 0.3 * depth,
    )


def _mixed(first: str, second: str, share: float) -> str:
    pairs = zip(_parts(first), _parts(second), strict=True)
    return "#" + "".join(f"{round(a + share * (b - a)):02X}" for a, b in pairs)


def _parts(colour: str) -> list[int]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]


def marks_drawn(points: pd.DataFrame, levels: Sequence[str]) -> list[Mark]:
    """The different marks of these units: as expected, then from high to low."""
    found = {}
    for position, verdict in dict.fromkeys(zip(points["position"], points["verdict"], strict=True)):
        mark = mark_of(position, verdict, levels)
        found[mark.words] = (_order(mark, position, levels), mark)
    return [mark for _, mark in sorted(found.values(), key=lambda one: one[0])]


def _order(mark: Mark, position: str, levels: Sequence[str]) -> tuple[int, int, str]:
    side, _, level = position.partition("_")
    if mark is AS_EXPECTED:
        return (0, 0, "")
    far = levels.index(level)
    return (1, -far, mark.words) if side == "above" else (2, far, mark.words)


def ring_marks(
    highlights: Sequence[Highlight], taken: Iterable[str], *, letters: int
) -> list[Mark]:
    """A hollow mark for each highlight, with its name broken into lines of `letters`."""
    made: list[Mark] = []
    used = set(taken)
    for highlight, (shape, size) in zip(highlights, RINGS, strict=False):
        words = wrapped(highlight.name, width=letters * 0.58 / 72, size=1.0)
        while words in used:  # a legend cannot hold one name twice
            words += "\u00a0"
        used.add(words)
        made.append(Mark(words, shape, "none", size))
    return made


def scaled(marks: Sequence[Mark], by: float) -> list[Mark]:
    """The same marks, larger or smaller."""
    return [replace(mark, size=mark.size * by) for mark in marks]


def radius_of(mark: Mark, stroke: float) -> float:
    """Half the width of a mark where it is drawn, in inches."""
    # plotnine draws a mark of size s and stroke t √π·(s + t) points wide; squares have corners.
    reach = 1.42 if mark.shape in ("s", "D") else 1.0
    return reach * (mark.size + stroke) * 1.7725 / 72 / 2


def line_look(line: str, levels: Sequence[str]) -> tuple[str, Any, float]:
    """Colour, dashes and width of a line of a funnel: told apart without colour too."""
    if line == "target":
        return TARGET_RED, TARGET_STYLE, 0.6
    if line.endswith("_fdr"):
        return INK, FDR_STYLE, 0.8
    name = line.partition("_")[2]
    if line.partition("_")[0] not in ("lower", "upper") or name not in levels:
        return MUTED, REFERENCE_STYLE, 0.4
    inwards = len(levels) - 1 - levels.index(name)
    colour = INK if inwards == 0 else LIMIT_GREY
    return colour, _LINE_STYLES[inwards], _LINE_WIDTHS[inwards]


def line_style_words(levels: Sequence[str]) -> list[str]:
    """``["solid = 99.8% limits", "dashed = 95% limits"]``: the outermost first."""
    return [
        f"{style} = {level_words(name)} limits"
        for style, name in zip(STYLE_WORDS, reversed(levels), strict=False)
    ]
