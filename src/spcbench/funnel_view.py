"""How a funnel is to be shown: which picture, whose names, how large. No number depends on it."""

from __future__ import annotations

from dataclasses import dataclass

PICTURES = ("funnel", "caterpillar")
SIZES = ("page", "half", "slide")
MOST_HIGHLIGHTS = 3
"""My trust, my system, my region: more kinds of ring cannot be told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Highlight:
    """Units that are picked out by a mark of their own.

    Parameters
    ----------
    name : str
        What they are called in the legend, such as a trust or a system.
    units : tuple of str
        Their codes.
    """

    name: str
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How funnels are drawn, in files as on the screen.

    Parameters
    ----------
    picture : str
        ``"funnel"`` or ``"caterpillar"``.
    label : str
        Which units are named: ``"outside"`` (any limit), ``"outside_"`` and a
        level such as ``"outside_998"``, ``"highlighted"``, ``"all"`` or
        ``"none"``. Highlighted units are named unless it is ``"none"``.
    highlight : tuple of Highlight
        At most three.
    size : str
        ``"page"``, ``"half"`` (half the width of A4) or ``"slide"``.
    references : tuple of (str, str, float)
        Lines to draw beside those of the method: measure, label, value.
    """

    picture: str = "funnel"
    label: str = "outside"
    highlight: tuple[Highlight, ...] = ()
    size: str = "page"
    references: tuple[tuple[str, str, float], ...] = ()
