"""Layers that funnels and caterpillars share: marks, rings and the legend of both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from spcbench.pictures.funnel_layout import FunnelLayout
from spcbench.pictures.funnel_marks import RING_STROKE, STROKE
from spcbench.pictures.theme import INK, Mark, picture_theme

if TYPE_CHECKING:
    import pandas as pd

    from spcbench.funnel_view import View


def together(frames: Sequence[pd.DataFrame], titles: Sequence[str] | None = None) -> pd.DataFrame:
    """One table of all panels, which stay in their order.

    Parameters
    ----------
    frames : sequence of DataFrame
        One a panel, with the same columns.
    titles : sequence of str, optional
        What stands above each panel, all different; becomes the column `panel`.
    """
    import pandas as pd

    if titles is not None:
        frames = [frame.assign(panel=title) for frame, title in zip(frames, titles, strict=True)]
    # Empty frames have nothing to add, and pandas warns about their types.
    table = pd.concat([one for one in frames if len(one)] or frames[:1], ignore_index=True)
    if titles is not None:
        table["panel"] = pd.Categorical(table["panel"], list(dict.fromkeys(titles)))
    return table


def different(titles: Sequence[str]) -> list[str]:
    """The same titles, each made different by spaces that nobody sees.

    Examples
    --------
    >>> [len(title) for title in different(["A", "B", "A"])]
    [1, 1, 2]
    """
    made: list[str] = []
    for title in titles:
        while title in made:
            title += "\u200b"  # noqa: PLW2901
        made.append(title)
    return made


def funnel_theme(layout: FunnelLayout) -> Any:
    """The theme of every picture, with a legend as low as its letters allow."""
    import plotnine as p9

    return picture_theme(width=layout.width, height=layout.height, base=layout.base) + p9.theme(
        legend_text=p9.element_text(size=layout.legend_size),
        legend_key_size=layout.base * 1.25,
        legend_key_spacing_y=0,
        legend_key_spacing_x=layout.base,
        legend_box_spacing=0.004,
        axis_title_x=p9.element_text(margin={"t": 2, "units": "pt"}),
    )


def mark_layers(
    points: pd.DataFrame,
    marks: Sequence[Mark],
    rings: Sequence[Mark],
    view: View,
    layout: FunnelLayout,
) -> list[Any]:
    """Units and the rings round those highlighted, with one legend for both.

    Parameters
    ----------
    points : pandas.DataFrame
        ``x, y, kind, unit, panel`` of every unit.
    marks, rings : sequence of Mark
        All that occur; `kind` holds the words of `marks`.
    view : View
        Whose highlights the rings are, in the same order.
    layout : FunnelLayout
        Says how large marks are.
    """
    import pandas as pd
    import plotnine as p9

    every = [*marks, *rings]
    words = [mark.words for mark in every]
    look = p9.aes(fill="kind", shape="kind", size="kind")
    points = points.assign(kind=pd.Categorical(points["kind"], words))
    layers = [p9.geom_point(look, data=points, color=INK, stroke=STROKE)]
    ringed = [
        points[points["unit"].isin(one.units)].assign(kind=pd.Categorical([ring.words], words)[0])
        for one, ring in zip(view.highlight, rings, strict=False)
    ]
    if any(len(one) for one in ringed):
        around = pd.concat([one for one in ringed if len(one)])
        around["kind"] = pd.Categorical(around["kind"], words)
        layers.append(p9.geom_point(look, data=around, color=INK, stroke=RING_STROKE))
    # In the legend rings stand round nothing and need less room.
    keys = {
        "stroke": [STROKE] * len(marks) + [RING_STROKE] * len(rings),
        "size": [mark.size * layout.mark for mark in marks] + [3.4 * layout.mark] * len(rings),
    }
    key = p9.guide_legend(ncol=layout.legend_columns, override_aes=keys)
    return [
        *layers,
        # All kinds are named, even where no ring lands on this picture.
        p9.scale_fill_manual([mark.fill for mark in every], limits=words),
        p9.scale_shape_manual([mark.shape for mark in every], limits=words),
        p9.scale_size_manual([mark.size * layout.mark for mark in every], limits=words),
        p9.guides(fill=key),
    ]
