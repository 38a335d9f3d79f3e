"""The funnel plot: units against the limits that chance allows for their size.

Everything is drawn from the tables of the result. The only arithmetic is the
display scale, the window of the axes, and where names stand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spcbench.levels import level_names
from spcbench.pictures.control_chart import nothing_to_draw
from spcbench.pictures.funnel_caption import (
    caption_text,
    funnel_labels,
    subtitle_text,
    title_text,
)
from spcbench.pictures.funnel_labels import LINE_HEIGHT
from spcbench.pictures.funnel_layers import different, funnel_theme, mark_layers, together
from spcbench.pictures.funnel_layout import FunnelLayout
from spcbench.pictures.funnel_marks import line_look, marks_drawn, ring_marks
from spcbench.pictures.funnel_names import Names, check_label, chosen_units
from spcbench.pictures.funnel_rows import FunnelRows, panel_titles, unit_points
from spcbench.pictures.funnel_scale import axis_words, value_title
from spcbench.pictures.results import FunnelResult, Key, funnel_keys, view_of
from spcbench.pictures.theme import INK, Mark
from spcbench.pictures.words import number_text

if TYPE_CHECKING:
    import pandas as pd
    from plotnine import ggplot

    from spcbench.funnel_view import View

_JOIN = "#8A949B"


def funnel_plot(
    funnels: FunnelResult,
    *,
    measure: str | None = None,
    group: str | None = None,
    view: View | None = None,
) -> ggplot:
    """Draw funnel plots: one alone, or several side by side.

    Parameters
    ----------
    funnels : Funnels
        The result; nothing is calculated again.
    measure, group : str, optional
        Which funnels to draw; all by default.
    view : View, optional
        Which units are named, which are highlighted, and how large all is;
        that of the result by default.

    Returns
    -------
    plotnine.ggplot
        With a sensible size. Units without a value are not drawn and counted
        in the subtitle. The y axis shows the units and the limits as far as
        they lie near them. No name covers another; names without a free
        place are left out, and counted in the caption. A result without
        funnels gives an empty picture that says so.

    Raises
    ------
    UnknownNameError, AmbiguousNameError, OptionError
        If no such funnel is in the result, more are asked for than fit (24 on
        a page, 3 on a slide, 4 at half width), or the view asks for labels
        that these limits do not have.

    References
    ----------
    .. [1] Spiegelhalter (2005), Statistics in Medicine 24:1185-1202.
    """
    keys = funnel_keys(funnels, measure=measure, group=group)
    return draw_funnels(funnels, keys, view=view)


def draw_funnels(funnels: FunnelResult, keys: Sequence[Key], *, view: View | None = None) -> ggplot:
    """Draw exactly these funnels (measure, group), in this order."""
    import plotnine as p9

    view = view or view_of(funnels)
    check_label(view.label, level_names(funnels.units.columns))
    if not keys:
        return nothing_to_draw("There are no funnels to draw.")
    FunnelLayout.of(len(keys), view.size)  # refuses what does not fit
    keys = [key for key in keys if len(unit_points(funnels, key))]
    if not keys:
        return nothing_to_draw("There are no values to draw.")
    drawing = _Drawing.of(funnels, keys, view)
    layout = drawing.layout
    plot = (
        p9.ggplot(mapping=p9.aes("x", "y"))
        + _corners(drawing)
        + _curve_layers(drawing)
        + _joining_lines(drawing)
        + mark_layers(drawing.points, drawing.marks, drawing.rings, view, layout)
        + _text_layers(drawing)
        + _axes(drawing)
        + funnel_theme(layout)
        + funnel_labels(funnels, keys, layout, drawing.caption)
    )
    if layout.single:
        return plot
    return plot + p9.facet_wrap("panel", ncol=layout.columns, scales="free")


@dataclass(frozen=True)
class _Drawing:
    """Everything that one picture of funnels shows, and where."""

    layout: FunnelLayout
    titles: Sequence[str]
    marks: Sequence[Mark]
    rings: Sequence[Mark]
    rows: Sequence[FunnelRows]
    names: Sequence[Names]
    caption: str

    @classmethod
    def of(cls, funnels: FunnelResult, keys: Sequence[Key], view: View) -> _Drawing:
        levels = level_names(funnels.units.columns)
        points = together([unit_points(funnels, key) for key in keys])
        layout = FunnelLayout.of(len(keys), view.size)
        marks = marks_drawn(points, levels)
        rings = ring_marks(
            view.highlight, [mark.words for mark in marks], letters=layout.legend_letters
        )
        named = len(chosen_units(points, view, levels)) > 0
        # How many names are left out is known only when they are placed, in a
        # panel that the caption leaves room for.
        longest = caption_text(funnels, keys, layout, left_out=99 * named, coded=named)
        layout = layout.fitted(
            title=title_text(funnels, keys, layout, "Funnel plots"),
            subtitle=subtitle_text(funnels, keys, layout, "funnels"),
            caption=longest,
            headings=panel_titles(funnels, keys, layout),
            legend=[mark.words for mark in (*marks, *rings)],
            named_y=bool(value_title(funnels, [key[0] for key in keys])),
        )
        rows = [FunnelRows.of(funnels, key, layout) for key in keys]
        names = [Names.of(funnels, one, view, layout) for one in rows]
        caption = caption_text(
            funnels,
            keys,
            layout,
            left_out=sum(one.left_out for one in names),
            coded=any(one.coded for one in names),
        )
        titles = different(panel_titles(funnels, keys, layout))
        return cls(layout, titles, marks, rings, rows, names, caption)

    @property
    def points(self) -> pd.DataFrame:
        """Units of all panels."""
        return self.of_panels([one.points for one in self.rows])

    def of_panels(self, frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
        """One table of all panels, which stay in their order."""
        return together(frames, self.titles)


def _corners(drawing: _Drawing) -> list[Any]:
    """Nothing to see, but each panel then shows its whole window and no more."""
    import pandas as pd
    import plotnine as p9

    ends = [pd.DataFrame({"x": one.window.x, "y": one.window.y}) for one in drawing.names]
    return [p9.geom_blank(data=drawing.of_panels(ends))]


def _curve_layers(drawing: _Drawing) -> list[Any]:
    import plotnine as p9

    curve = drawing.of_panels([one.curve for one in drawing.rows])
    if curve.empty:
        return []
    looks = {line: line_look(line, drawing.rows[0].levels) for line in curve["line"].unique()}
    widths = curve["line"].astype(str).map({line: look[2] for line, look in looks.items()})
    aes = p9.aes(group="line", color="line", linetype="line")
    return [
        # A layer for each width: the scale of sizes belongs to the marks.
        *(
            p9.geom_path(aes, data=rows, size=width * drawing.layout.bold, show_legend=False)
            for width, rows in curve.groupby(widths)
        ),
        p9.scale_color_manual({line: look[0] for line, look in looks.items()}, guide=None),
        p9.scale_linetype_manual({line: look[1] for line, look in looks.items()}, guide=None),
    ]


def _joining_lines(drawing: _Drawing) -> list[Any]:
    """Thin lines from points to names far off, and from lines to names moved up or down."""
    import plotnine as p9

    units = drawing.of_panels([one.units for one in drawing.names])
    lines = drawing.of_panels([one.lines for one in drawing.names])
    layers = []
    for rows, ends in (
        (units, p9.aes("x", "y", xend="edge_x", yend="edge_y")),
        (lines, p9.aes("from_x", "from_y", xend="edge_x", yend="y")),
    ):
        far = rows[rows["joined"].astype(bool)]
        if len(far):
            width = 0.3 * drawing.layout.bold
            layers.append(p9.geom_segment(ends, data=far, color=_JOIN, size=width))
    return layers


def _text_layers(drawing: _Drawing) -> list[Any]:
    import plotnine as p9

    size, layers = drawing.layout.label_size, []
    units = drawing.of_panels([one.units for one in drawing.names])
    if len(units):
        place = p9.aes("to_x", "to_y", label="words")
        layers.append(p9.geom_text(place, data=units, color=INK, size=size, lineheight=LINE_HEIGHT))
    lines = drawing.of_panels([one.lines for one in drawing.names])
    if len(lines):
        layers.append(
            p9.geom_text(
                p9.aes(label="words", color="line"),
                data=lines,
                ha="left",
                va="center",
                size=size,
                lineheight=LINE_HEIGHT,
                show_legend=False,
            )
        )
    return layers


def _axes(drawing: _Drawing) -> list[Any]:
    import plotnine as p9
    from mizani.breaks import breaks_extended

    scale = drawing.rows[0].scale
    few = drawing.layout.size == "half" or not drawing.layout.single
    return [
        p9.scale_x_continuous(
            breaks=breaks_extended(n=4 if few else 5),
            labels=lambda breaks: [number_text(at) for at in breaks],
            expand=(0, 0),
        ),
        p9.scale_y_continuous(
            breaks=scale.breaks,
            labels=axis_words([one.scale for one in drawing.rows]),
            expand=(0, 0),
        ),
    ]
