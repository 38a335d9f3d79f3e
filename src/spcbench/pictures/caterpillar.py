"""The caterpillar plot: each unit's value with its own interval, the largest unit at the top.

Everything is drawn from the tables of the result. The order is that of size,
which says nothing of how well a unit does: nothing is ranked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spcbench.levels import level_names
from spcbench.pictures.caterpillar_rows import CaterpillarLayout, CaterpillarRows
from spcbench.pictures.control_chart import nothing_to_draw
from spcbench.pictures.funnel_caption import (
    caterpillar_caption,
    subtitle_text,
    title_text,
)
from spcbench.pictures.funnel_labels import LINE_HEIGHT
from spcbench.pictures.funnel_layers import different, funnel_theme, mark_layers, together
from spcbench.pictures.funnel_marks import SHRUNKEN, line_look, marks_drawn, ring_marks
from spcbench.pictures.funnel_rows import panel_titles, unit_points
from spcbench.pictures.funnel_scale import axis_words, value_title
from spcbench.pictures.results import FunnelResult, Key, funnel_keys, view_of
from spcbench.pictures.theme import GRID, INK, MUTED, Mark

if TYPE_CHECKING:
    import pandas as pd
    from plotnine import ggplot

    from spcbench.funnel_view import View

_BAR = "#8A949B"


def caterpillar_plot(
    funnels: FunnelResult,
    *,
    measure: str | None = None,
    group: str | None = None,
    view: View | None = None,
) -> ggplot:
    """Draw caterpillar plots: one alone, or up to six side by side.

    Parameters
    ----------
    funnels : Funnels
        The result; nothing is calculated again.
    measure, group : str, optional
        Which funnels to draw so; all by default.
    view : View, optional
        Which units are highlighted, and how large all is; that of the result
        by default. All units are named.

    Returns
    -------
    plotnine.ggplot
        As tall as its units need. Marks are those of the funnel: they say
        where a unit lies on it. Thick bars are intervals of the innermost
        level, thin ones of the outermost; a hollow diamond is the shrunken
        estimate. Units without a value are not drawn and counted in the
        subtitle.

    Raises
    ------
    UnknownNameError, AmbiguousNameError, OptionError
        If no such funnel is in the result, more are asked for than fit (6; 3
        on a slide, 2 at half width), or one has more units than fit (200;
        fewer on a slide).
    """
    keys = funnel_keys(funnels, measure=measure, group=group)
    return draw_caterpillars(funnels, keys, view=view)


def draw_caterpillars(
    funnels: FunnelResult, keys: Sequence[Key], *, view: View | None = None
) -> ggplot:
    """Draw exactly these funnels (measure, group) as caterpillars, in this order."""
    import plotnine as p9

    view = view or view_of(funnels)
    if not keys:
        return nothing_to_draw("There are no units to draw.")
    CaterpillarLayout.of(len(keys), view.size)  # refuses what does not fit
    keys = [key for key in keys if len(unit_points(funnels, key))]
    if not keys:
        return nothing_to_draw("There are no values to draw.")
    drawing = _Drawing.of(funnels, keys, view)
    layout = drawing.layout
    plot = (
        p9.ggplot(mapping=p9.aes("x", "y"))
        + _bands(drawing, view)
        + _lines(drawing)
        + _bars(drawing)
        + mark_layers(drawing.marked, drawing.marks, drawing.rings, view, layout)
        + _axes(drawing)
        + funnel_theme(layout)
        + _row_theme(layout)
        + _labels(funnels, keys, drawing)
    )
    if layout.single:
        return plot
    return plot + p9.facet_wrap("panel", ncol=layout.columns, scales="free")


@dataclass(frozen=True)
class _Drawing:
    """Everything that one picture of caterpillars shows."""

    layout: CaterpillarLayout
    titles: Sequence[str]
    marks: Sequence[Mark]
    rings: Sequence[Mark]
    rows: Sequence[CaterpillarRows]
    caption: str

    @classmethod
    def of(cls, funnels: FunnelResult, keys: Sequence[Key], view: View) -> _Drawing:
        points = [unit_points(funnels, key) for key in keys]
        layout = CaterpillarLayout.of(len(keys), view.size, units=max(map(len, points)))
        marks = [*marks_drawn(together(points), level_names(funnels.units.columns)), SHRUNKEN]
        rings = ring_marks(
            view.highlight, [mark.words for mark in marks], letters=layout.legend_letters
        )
        rows = [
            CaterpillarRows.of(funnels, key, layout, floor=1000.0 * at)
            for at, key in enumerate(keys)
        ]
        caption = caterpillar_caption(funnels, keys, layout, cut=any(len(one.cut) for one in rows))
        titles = different(panel_titles(funnels, keys, layout))
        layout = layout.fitted(
            title=title_text(funnels, keys, layout, "Caterpillar plots"),
            subtitle=subtitle_text(funnels, keys, layout, "caterpillars"),
            caption=caption,
            headings=titles,
            legend=[mark.words for mark in (*marks, *rings)],
            named_y=False,
        )
        layout.check()
        return cls(layout, titles, marks, rings, rows, caption)

    @property
    def marked(self) -> pd.DataFrame:
        """Shrunken estimates and values, which lie on top of them."""
        shrunken = [
            one.points.assign(x=one.points["shrunken"], kind=SHRUNKEN.words, unit="").dropna(
                subset=["x"]
            )
            for one in self.rows
        ]
        units = [one.points for one in self.rows]
        return together([*shrunken, *units], [*self.titles, *self.titles])

    def of_panels(self, frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
        """One table of all panels, which stay in their order."""
        return together(frames, self.titles)


def _bands(drawing: _Drawing, view: View) -> list[Any]:
    """A pale band behind the rows of highlighted units, and the corners of each panel."""
    import plotnine as p9

    corners = drawing.of_panels([one.corners for one in drawing.rows])
    picked = {unit for one in view.highlight for unit in one.units}
    bands = drawing.of_panels([one.bands(picked) for one in drawing.rows])
    layers = [p9.geom_blank(data=corners)]
    if len(bands):
        ends = p9.aes(xmin="left", xmax="right", ymin="low_y", ymax="high_y")
        layers.append(p9.geom_rect(ends, data=bands, inherit_aes=False, fill=GRID))
    return layers


def _lines(drawing: _Drawing) -> list[Any]:
    """Target and references from bottom to top, with their names above all units."""
    import plotnine as p9

    lines = drawing.of_panels([one.lines for one in drawing.rows])
    size = drawing.layout.label_size
    layers = []
    for is_target, rows in lines.groupby(lines["line"] == "target"):
        colour, dashes, width = line_look("target" if is_target else "reference", ())
        ends = p9.aes("x", "bottom", xend="x", yend="top")
        layers += [
            p9.geom_segment(
                ends, data=rows, color=colour, linetype=dashes, size=width * drawing.layout.bold
            ),
            *(
                p9.geom_text(
                    p9.aes("x", "top", label="words"),
                    data=named,
                    color=colour if is_target else MUTED,
                    size=size,
                    ha=side,
                    va="bottom",
                    lineheight=LINE_HEIGHT,
                )
                for side, named in rows.groupby("side")
            ),
        ]
    return layers


def _bars(drawing: _Drawing) -> list[Any]:
    """Intervals: thin ones first, thick ones over them, and where they are cut."""
    import plotnine as p9

    layers = []
    points = drawing.of_panels([one.points for one in drawing.rows])
    bold = drawing.layout.bold
    for low, high, width, colour in (
        ("outer_low", "outer_high", 0.35, INK),
        ("inner_low", "inner_high", 1.3, _BAR),
    ):
        known = points.dropna(subset=[low, high])
        if len(known):
            ends = p9.aes(low, "y", xend=high, yend="y")
            layers.append(p9.geom_segment(ends, data=known, color=colour, size=width * bold))
    cut = drawing.of_panels([one.cut for one in drawing.rows])
    if len(cut):
        layers.append(
            p9.geom_text(
                p9.aes(label="words"),
                data=cut,
                size=drawing.layout.name_size,
                color=INK,
                va="center_baseline",
            )
        )
    return layers


def _axes(drawing: _Drawing) -> list[Any]:
    import plotnine as p9

    names = {at: name for one in drawing.rows for at, name in one.names.items()}
    scale = drawing.rows[0].scale
    return [
        p9.scale_x_continuous(
            breaks=scale.breaks,
            labels=axis_words([one.scale for one in drawing.rows]),
            expand=(0, 0),
        ),
        p9.scale_y_continuous(
            breaks=list(names),
            labels=lambda breaks: [names.get(at, "") for at in breaks],
            expand=(0, 0),
        ),
    ]


def _row_theme(layout: CaterpillarLayout) -> Any:
    import plotnine as p9

    return p9.theme(
        axis_text_y=p9.element_text(size=layout.name_size),
        panel_grid_major_y=p9.element_blank(),
        panel_grid_major_x=p9.element_line(color=GRID, size=0.5),
    )


def _labels(funnels: FunnelResult, keys: Sequence[Key], drawing: _Drawing) -> Any:
    import plotnine as p9

    return p9.labs(
        title=title_text(funnels, keys, drawing.layout, "Caterpillar plots"),
        subtitle=subtitle_text(funnels, keys, drawing.layout, "caterpillars"),
        caption=drawing.caption,
        x=value_title(funnels, [key[0] for key in keys]),
        y="",
    )
