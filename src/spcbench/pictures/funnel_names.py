"""The names inside a funnel: those of its lines, at their ends, and those of its units."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from spcbench.errors import OptionError
from spcbench.levels import level_words
from spcbench.pictures.funnel_labels import Name, Room, along, text_box
from spcbench.pictures.funnel_layout import FunnelLayout
from spcbench.pictures.funnel_marks import RING_STROKE, RINGS, STROKE, mark_of, radius_of
from spcbench.pictures.funnel_rows import FunnelRows, Window
from spcbench.pictures.results import FunnelResult
from spcbench.pictures.theme import Mark, plain, stacked
from spcbench.pictures.words import doubt_text, folded, number_text, target_name

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from spcbench.funnel_view import View

    Floats = npt.NDArray[np.float64]

MOST_RINGED = 12
"""A highlight of more units than this rings them without naming them."""

_GUTTER = 0.14  # inches between a line and its name
_SLANT = 0.02  # inches up or down beyond which a short line leads from line to name


@dataclass(frozen=True, slots=True)
class Names:
    """What is written inside one panel, and how wide that makes it.

    Parameters
    ----------
    window : Window
        What the panel shows, room for the names of lines included.
    lines : pandas.DataFrame
        ``line, words, x, y, from_x, from_y``: where each name begins, and where its line ends.
    units : pandas.DataFrame
        ``words, x, y, to_x, to_y, edge_x, edge_y, joined``.
    left_out : int
        Units to be named that found no free place.
    coded : int
        Units that stand with their codes although they have names.
    """

    window: Window
    lines: pd.DataFrame
    units: pd.DataFrame
    left_out: int
    coded: int

    @classmethod
    def of(cls, funnels: FunnelResult, rows: FunnelRows, view: View, layout: FunnelLayout) -> Names:
        """Find a place for every name of one funnel."""
        lines, window = _line_names(funnels, rows, layout)
        wanted = chosen_units(rows.points, view, rows.levels)
        room, radii = _room(rows, lines, window, view, layout)
        units = _unit_names(wanted, room, radii, window, layout)
        coded = int((units["words"].ne(units["name"]) & units["words"].eq(units["unit"])).sum())
        return cls(
            window=window, lines=lines, units=units, left_out=len(wanted) - len(units), coded=coded
        )


def check_label(label: str, levels: Sequence[str]) -> None:
    """Refuse a choice of names that these levels do not offer.

    Raises
    ------
    OptionError
        Naming the choices.

    Examples
    --------
    >>> check_label("outside_998", ("95", "998"))
    """
    known = ["outside", *(f"outside_{name}" for name in levels), "highlighted", "all", "none"]
    if label not in known:
        raise OptionError(f"label must be {', '.join(known[:-1])} or {known[-1]}, not {label!r}")


def chosen_units(points: pd.DataFrame, view: View, levels: Sequence[str]) -> pd.DataFrame:
    """The units to be named, with the order in which they take their places.

    Highlighted units come first (`order` 0), then the outermost.
    """
    named = {
        unit
        for one in view.highlight
        if len(one.units) <= MOST_RINGED and view.label != "none"
        for unit in one.units
    }
    beyond = points["position"].str.partition("_")[2]
    far = beyond.map({name: at + 1 for at, name in enumerate(levels)}).fillna(0).astype(int)
    least = {"all": 0, "outside": 1, "highlighted": 99, "none": 99}
    level = view.label.removeprefix("outside_")
    wanted = far >= least.get(view.label, levels.index(level) + 1 if level in levels else 99)
    picked = points["unit"].isin(named)
    chosen = points.assign(order=(len(levels) + 1 - far).where(~picked, 0))
    return chosen[wanted | picked].sort_values("order", kind="stable")


def short_name(name: str, *, letters: int = 24, lines: int = 2) -> str:
    """A name without what most names share, on few lines.

    Examples
    --------
    >>> print(short_name("University Hospitals Sussex NHS Foundation Trust", letters=20))
    University Hospitals
    Sussex
    """
    short = re.sub(r" (NHS )?(Foundation )?Trust$", "", name, flags=re.IGNORECASE)
    fitting = textwrap.shorten(short, letters * lines - 4 * (lines - 1), placeholder=" …")
    return "\n".join(textwrap.wrap(fitting, letters)) or short[:letters]


def _line_names(
    funnels: FunnelResult, rows: FunnelRows, layout: FunnelLayout
) -> tuple[pd.DataFrame, Window]:
    """What each line is called, right of its end, and the window that has room for it."""
    last = rows.curve.drop_duplicates("line", keep="last").sort_values("y", kind="stable")
    words = [_line_words(funnels, rows, line, layout) for line in last.itertuples()]
    width, height = layout.panel
    size = layout.label_size
    wide = max((2 * text_box(one, size)[0] for one in words), default=0.0)
    strip = min(wide + _GUTTER + 0.06, width / 2)
    start, end = rows.window.x
    window = Window((start, start + (end - start) * width / (width - strip)), rows.window.y)
    per_inch = (window.y[1] - window.y[0]) / height
    places = stacked(
        [(y - window.y[0]) / per_inch for y in last["y"]],
        [2 * text_box(one, size)[1] for one in words],
        height,
    )
    named = last.assign(
        words=[plain(one) for one in words],
        from_x=last["x"],
        from_y=last["y"],
        x=end + _GUTTER * (end - start) / (width - strip),
        edge_x=end + 0.85 * _GUTTER * (end - start) / (width - strip),
        y=[window.y[0] + place * per_inch for place in places],
    )
    slanted = (named["y"] - named["from_y"]).abs() > _SLANT * per_inch
    return named.assign(joined=slanted, half=[text_box(one, size)[0] for one in words]), window


def _line_words(funnels: FunnelResult, rows: FunnelRows, line: object, layout: FunnelLayout) -> str:
    name, label, height = (getattr(line, part) for part in ("line", "label", "y"))
    few = layout.brief or not layout.single
    letters = 12 if few else 16
    if name == "target":
        doubt = doubt_text(funnels.method, rows.scale.display)
        words = f"{target_name(funnels.method)} {rows.scale.words(height)}{doubt}"
    elif name.endswith("_fdr"):
        return f"FDR {number_text(100 * float(funnels.method.get('fdr') or 0.05))}%"
    elif label:
        words = f"{label} {rows.scale.words(height)}"
    else:
        return level_words(name.partition("_")[2]) + ("" if few else " limit")
    return "\n".join(folded(words, letters))


def _room(
    rows: FunnelRows, lines: pd.DataFrame, window: Window, view: View, layout: FunnelLayout
) -> tuple[Room, dict[int, float]]:
    """What a panel holds before units are named, and how large the mark of each unit is."""
    import numpy as np

    radii = mark_radii(rows.points, rows.levels, view, layout)
    inches = _Inches.of(window, layout)
    room = Room(
        width=layout.panel[0],
        height=layout.panel[1],
        size=layout.label_size,
        marks=np.column_stack([inches.at(rows.points[["x", "y"]]), radii]),
        lines=np.vstack(
            [np.empty((0, 2))]
            + [
                along(inches.at(line[["x", "y"]]))
                for _, line in rows.curve.groupby("line", observed=True)
            ]
        ),
        boxes=_line_boxes(lines, inches, layout),
    )
    return room, dict(zip(rows.points.index, radii, strict=True))


def _unit_names(
    chosen: pd.DataFrame,
    room: Room,
    radii: Mapping[int, float],
    window: Window,
    layout: FunnelLayout,
) -> pd.DataFrame:
    """Names (or, if many, codes) of those chosen units that find a free place."""
    import numpy as np

    words, inches = _words_of(chosen, layout), _Inches.of(window, layout)
    spots = inches.at(chosen[["x", "y"]])
    found = room.place(
        [
            Name(
                words=word,
                x=x,
                y=y,
                radius=radii[at],
                order=order,
                shorter=code if len(code) < len(word) else "",
                insists=order == 0,
            )
            for word, (x, y), at, order, code in zip(
                words, spots, chosen.index, chosen["order"], chosen["unit"], strict=True
            )
        ]
    )
    places = np.array([[s.x, s.y, s.edge_x, s.edge_y] for s in found if s]).reshape(-1, 4)
    to, edge = inches.back(places[:, :2]), inches.back(places[:, 2:])
    return chosen[np.array([spot is not None for spot in found], dtype=bool)].assign(
        words=[plain(spot.words) for spot in found if spot],
        to_x=to[:, 0],
        to_y=to[:, 1],
        edge_x=edge[:, 0],
        edge_y=edge[:, 1],
        joined=[spot.joined for spot in found if spot],
    )


def _words_of(chosen: pd.DataFrame, layout: FunnelLayout) -> list[str]:
    """Names where they are few, codes where they are many; highlighted units by themselves."""
    picked = chosen["order"] == 0
    named = {True: picked.sum() <= layout.most_names, False: len(chosen) <= layout.most_names}
    return [
        short_name(name, letters=layout.letters) if named[first] else code
        for name, code, first in zip(chosen["name"], chosen["unit"], picked, strict=True)
    ]


def mark_radii(
    points: pd.DataFrame, levels: Sequence[str], view: View, layout: FunnelLayout
) -> list[float]:
    """Half the width of each unit's mark, the rings round it included, in inches."""
    rings = {
        unit: radius_of(Mark("", shape, "", size * layout.mark), RING_STROKE)
        for one, (shape, size) in zip(view.highlight, RINGS, strict=False)
        for unit in one.units
    }
    found = []
    for unit, position, verdict in zip(
        points["unit"], points["position"], points["verdict"], strict=True
    ):
        mark = mark_of(position, verdict, levels)
        inner = radius_of(replace(mark, size=mark.size * layout.mark), STROKE)
        found.append(max(inner, rings.get(unit, 0.0)))
    return found


@dataclass(frozen=True, slots=True)
class _Inches:
    """From the scales of a panel to inches, and back."""

    origin: Floats
    per_unit: Floats

    @classmethod
    def of(cls, window: Window, layout: FunnelLayout) -> _Inches:
        import numpy as np

        ends = np.array([window.x, window.y])
        return cls(ends[:, 0], np.array(layout.panel) / (ends[:, 1] - ends[:, 0]))

    def at(self, places: pd.DataFrame) -> Floats:
        return (places.to_numpy(dtype=float) - self.origin) * self.per_unit  # type: ignore[no-any-return]

    def back(self, inches: Floats) -> Floats:
        return self.origin + inches / self.per_unit


def _line_boxes(lines: pd.DataFrame, inches: _Inches, layout: FunnelLayout) -> Floats:
    """What the names of the lines take up, the gap before them included."""
    import numpy as np

    if lines.empty:
        return np.empty((0, 4))
    middles = inches.at(lines[["x", "y"]])
    high = [text_box(words, layout.label_size)[1] for words in lines["words"]]
    return np.column_stack(
        [
            middles[:, 0] - _GUTTER,
            middles[:, 1] - high,
            middles[:, 0] + 2 * lines["half"],
            middles[:, 1] + high,
        ]
    )
