"""The control chart: values, centre line, limits, target and special causes.

Everything is drawn from the tables of the result. The only arithmetic is the
display scale, clipping to possible values, and where labels stand.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from spcbench.errors import OptionError
from spcbench.pictures.chart_caption import caption_text, chart_labels, chart_titles, tick_sign
from spcbench.pictures.chart_comments import comment_layers
from spcbench.pictures.chart_rows import (
    EDGE,
    ChartLayout,
    drawable,
    height_range,
    label_room,
    line_labels,
    line_rows,
    published_of,
    scaled_points,
)
from spcbench.pictures.results import ChartResult, Key, chart_keys
from spcbench.pictures.theme import (
    EXCLUDED_MARK,
    INK,
    LIMIT_GREY,
    MUTED,
    POINT_MARKS,
    PURPLE,
    TARGET_RED,
    UNJUDGED_MARK,
    by_day,
    date_breaks,
    date_text,
    picture_theme,
)
from spcbench.pictures.words import number_text

if TYPE_CHECKING:
    import pandas as pd
    from plotnine import ggplot

MOST_CHARTS = 150
"""More small charts than this in one picture can no longer be read."""

_LINE_COLOURS = {
    "warning": LIMIT_GREY,
    "ucl": LIMIT_GREY,
    "lcl": LIMIT_GREY,
    "centre": INK,
    "target": TARGET_RED,
    "stretch": TARGET_RED,
    "trajectory": PURPLE,
    "reference": MUTED,
}
# Told apart without colour too: short and long dashes, dash and one or two dots, dots.
_LINE_STYLES = {
    "warning": (0, (3.5, 1.5, 1, 1.5, 1, 1.5)),
    "ucl": (0, (3.5, 2)),
    "lcl": (0, (3.5, 2)),
    "centre": "solid",
    "target": (0, (9, 3)),
    "stretch": (0, (9, 8)),
    "trajectory": (0, (6, 2, 1, 2)),
    "reference": (0, (1, 1.8)),
}
_MARKS = {**POINT_MARKS, "unjudged": UNJUDGED_MARK, "excluded": EXCLUDED_MARK}


def control_chart(
    charts: ChartResult,
    *,
    measure: str | None = None,
    unit: str | None = None,
    columns: int | None = None,
) -> ggplot:
    """Draw control charts: one alone, or several as small multiples.

    Parameters
    ----------
    charts : ControlCharts
        The result; nothing is calculated again.
    measure, unit : str, optional
        Which charts to draw; all by default.
    columns : int, optional
        How many stand side by side; chosen by their number by default.

    Returns
    -------
    plotnine.ggplot
        With a sensible size. Missing values break the line; limits break at
        phases; limits beyond what is possible (below 0, above 100 %) are drawn
        at the edge. A result without charts gives an empty picture that says so.

    Raises
    ------
    UnknownNameError, AmbiguousNameError, OptionError
        If no such chart is in the result, more than 150 are asked for, or
        `columns` is less than 1.

    References
    ----------
    .. [1] Colours: NHS England, Making Data Count, as in NHSRplotthedots 0.2.
    """
    if columns is not None and columns < 1:
        raise OptionError(f"columns must be at least 1, not {columns}")
    keys = chart_keys(charts, measure=measure, unit=unit)
    if len(keys) > MOST_CHARTS:
        raise OptionError(
            f"{len(keys):,} control charts do not fit in one picture (at most {MOST_CHARTS}): "
            "choose some with --measure or --unit (measure=, unit=), or write .pdf or .html"
        )
    return draw_charts(charts, keys, columns=columns)


def draw_charts(charts: ChartResult, keys: Sequence[Key], *, columns: int | None = None) -> ggplot:
    """Draw exactly these charts (measure, unit), in this order."""
    import plotnine as p9
    from pandas.api.types import is_datetime64_any_dtype as is_date

    if not keys:
        return nothing_to_draw("There are no control charts to draw.")
    wide = min(columns or _columns_for(len(keys)), len(keys))
    layout = ChartLayout(wide, -(-len(keys) // wide))
    points = scaled_points(charts, keys, chart_titles(charts, keys, layout))
    if points["y"].isna().all():
        return nothing_to_draw("There are no values to draw.")
    published = published_of(charts, keys, layout)
    lines = line_rows(points, charts.method.get("references"), published)
    caption = caption_text(charts, keys, points, lines, layout)
    layout = replace(layout, caption_lines=caption.count("\n") + 1)
    labels = line_labels(points, lines, charts, keys, layout)
    by_event = not is_date(points["x"])
    plot = (
        p9.ggplot(mapping=p9.aes("x", "y"))
        + _phase_starts(points)
        + _line_layers(lines)
        + _value_layers(points, layout)
        + _label_layer(labels, layout)
        + comment_layers(points, lines, layout)
        + _empty_panels(points, layout)
        + _room(points, lines)
        + _x_axis(points, layout, room=label_room(labels, layout), by_event=by_event)
        + p9.scale_y_continuous(labels=_tick_words(tick_sign(charts, keys)), expand=(EDGE, 0))
        + picture_theme(width=layout.width, height=layout.height, base=layout.base)
        + chart_labels(charts, keys, layout, caption, by_event=by_event)
    )
    if layout.single:
        return plot
    return plot + p9.facet_wrap("panel", ncol=layout.columns, scales="free_y")


def nothing_to_draw(words: str) -> ggplot:
    """Draw a picture that holds only these words."""
    import pandas as pd
    import plotnine as p9

    return (
        p9.ggplot(pd.DataFrame({"x": [0.0], "y": [0.0], "words": [words]}), p9.aes("x", "y"))
        + p9.geom_text(p9.aes(label="words"), color=INK, size=11)
        + p9.theme_void()
        + p9.theme(figure_size=(6, 2), plot_background=p9.element_rect(fill="white"))
    )


def _columns_for(charts: int) -> int:
    return next(wide for wide, most in ((1, 1), (2, 4), (3, 24), (5, 10**9)) if charts <= most)


def _line_layers(lines: pd.DataFrame) -> list[Any]:
    import plotnine as p9

    if lines.empty:
        return []
    # A trajectory is a path to be followed; the others hold for a period at a time.
    path = lines["line"] == "trajectory"
    look = p9.aes(group="group", color="line", linetype="line")
    layers = []
    if not path.all():
        steps = lines[~path]
        layers.append(p9.geom_step(look, steps, direction="mid", size=0.6, show_legend=False))
    if path.any():
        layers.append(p9.geom_path(look, lines[path], size=0.7, show_legend=False))
    return [
        *layers,
        p9.scale_color_manual(_LINE_COLOURS, guide=None),
        p9.scale_linetype_manual(_LINE_STYLES, guide=None),
    ]


def _value_layers(points: pd.DataFrame, layout: ChartLayout) -> list[Any]:
    import pandas as pd
    import plotnine as p9

    known = points.dropna(subset=["y"]).copy()
    if known.empty:
        return []
    breaks = points["y"].isna() | points["missing_before"].gt(0)
    gaps = breaks.cumsum()[known.index]
    known["group"] = known["panel"].cat.codes.astype(str) + "/" + known["phase"].astype(str)
    known["group"] += "/" + gaps.astype(str)
    shown = [verdict for verdict in _MARKS if (known["verdict"] == verdict).any()]
    marks = [_MARKS[verdict] for verdict in shown]
    known["words"] = pd.Categorical(
        known["verdict"].map({verdict: mark.words for verdict, mark in _MARKS.items()}),
        [mark.words for mark in marks],
    )
    scale = 1.0 if layout.single else 0.75
    joined = drawable(known)
    path = [
        p9.geom_path(
            p9.aes(group="group"), data=joined, color="#767676", size=0.6, show_legend=False
        )
    ]
    hollow = known[known["verdict"] == "excluded"]
    under = [p9.geom_point(data=hollow, color="white", size=2.6 * scale, show_legend=False)]
    return [
        *(path if len(joined) else []),
        *(under if len(hollow) else []),
        p9.geom_point(
            p9.aes(fill="words", shape="words", size="words"), data=known, color=INK, stroke=0.4
        ),
        p9.scale_fill_manual([mark.fill for mark in marks]),
        p9.scale_shape_manual([mark.shape for mark in marks]),
        p9.scale_size_manual([mark.size * scale for mark in marks]),
    ]


def _empty_panels(points: pd.DataFrame, layout: ChartLayout) -> list[Any]:
    """Say so where a series has no value at all: its chart must not just vanish."""
    import plotnine as p9

    without = points[points.groupby("panel", observed=True)["y"].transform("count") == 0]
    if without.empty:
        return []
    words = without.drop_duplicates("panel").assign(y=0.0, words="No values to draw")
    return [p9.geom_text(p9.aes(label="words"), words, ha="left", size=layout.base, color=INK)]


def _room(points: pd.DataFrame, lines: pd.DataFrame) -> list[Any]:
    """Some height for charts on which nothing varies: a mark of 100.02 % says nothing."""
    import pandas as pd
    import plotnine as p9

    ends = [
        pd.DataFrame({"panel": panel, "x": rows["x"].iloc[0], "y": height_range(rows, lines)})
        for panel, rows in points.groupby("panel", observed=True)
        if rows["y"].notna().any()
    ]
    room = pd.concat(ends)
    room["panel"] = pd.Categorical(room["panel"], points["panel"].cat.categories)
    return [p9.geom_blank(data=room)]


def _phase_starts(points: pd.DataFrame) -> list[Any]:
    import plotnine as p9

    starts = points[points["phase"].ne(points.groupby("panel", observed=True)["phase"].shift())]
    later = starts[starts.duplicated("panel")]
    if later.empty:
        return []
    return [
        p9.geom_vline(
            p9.aes(xintercept="x"),
            later,
            linetype="dotted",
            color=LIMIT_GREY,
            show_legend=False,
        )
    ]


def _label_layer(labels: pd.DataFrame, layout: ChartLayout) -> list[Any]:
    import plotnine as p9

    if labels.empty:
        return []
    return [
        p9.geom_text(
            p9.aes(label="words", color="line"),
            data=labels,
            ha="left",
            va="center_baseline",
            size=layout.label_size,
            lineheight=1.1,
            show_legend=False,
        )
    ]


_DAY_LETTERS = 6.5
"""Width of a day such as 24 Aug 2022 with room to the next one, in sizes of ordinary text."""


def _x_axis(points: pd.DataFrame, layout: ChartLayout, *, room: float, by_event: bool) -> Any:
    import pandas as pd
    import plotnine as p9

    day = by_day(points["period"])
    most, expand = 8 if layout.single else 3, (0.02, 0, room, 0)
    most -= 2 if (by_event or day) and layout.single else 0  # labels with a day are longer
    # A label with a day needs so much of the part of the axis that holds points.
    apart = _DAY_LETTERS * layout.base / 72 * (1 + room) / max(layout.panel[0] - 0.5, 1.0)
    if by_event and layout.single:
        most = max(1, min(most, int(1 / apart)))
    if by_event:
        number = sorted(int(at) for at in points["x"].unique())
        steps = [at for at in number if at % _step(len(number), most) == 0] or number[:1]
        dates = dict(zip(points["x"], points["period"], strict=True)) if layout.single else {}
        return p9.scale_x_continuous(
            breaks=steps,
            labels=[f"{at}\n{date_text(dates[at], day=day)}" if dates else f"{at}" for at in steps],
            expand=expand,
        )
    dated = [pd.Timestamp(date) for date in sorted(points["x"].unique())]
    return p9.scale_x_datetime(
        breaks=date_breaks(dated, most=most, apart=apart if day else 0.0),
        labels=lambda breaks: [date_text(pd.Timestamp(at), day=day) for at in breaks],
        expand=expand,
    )


def _step(number: int, most: int) -> int:
    """Events from one mark of the axis to the next: 1, 2, 5, 10 and so on."""
    wide, power = -(-number // most), 1
    while True:
        for step in (power, 2 * power, 5 * power):
            if step >= wide:
                return step
        power *= 10


def _tick_words(sign: str) -> Callable[[Sequence[float]], list[str]]:
    """Numbers of the y axis, with as many decimals as keep two marks apart."""

    def words(breaks: Sequence[float]) -> list[str]:
        known = sorted({at for at in breaks if not math.isnan(at)})
        step = min((b - a for a, b in pairwise(known)), default=1.0)
        decimals = max(2, -math.floor(math.log10(step)))
        return [f"{number_text(at, decimals=decimals)}{sign}" for at in breaks]

    return words
