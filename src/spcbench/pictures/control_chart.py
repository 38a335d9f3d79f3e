"""The control chart: values, centre line, limits, target and special causes.

Everything is drawn from the tables of the result. The only arithmetic is the
display scale, clipping to possible values, and where labels stand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from spcbench.errors import OptionError
from spcbench.pictures.chart_rows import (
    ChartLayout,
    drawable,
    line_labels,
    line_rows,
    scaled_points,
)
from spcbench.pictures.results import (
    ChartResult,
    Key,
    chart_keys,
    display_of,
    unit_title,
)
from spcbench.pictures.theme import (
    INK,
    LIMIT_GREY,
    POINT_MARKS,
    TARGET_RED,
    date_breaks,
    date_text,
    picture_theme,
    wrapped,
)
from spcbench.pictures.words import (
    chart_name,
    count_text,
    excess_variation,
    number_text,
    scale_text,
)

if TYPE_CHECKING:
    import pandas as pd
    from plotnine import ggplot

MOST_CHARTS = 150
"""More small charts than this in one picture can no longer be read."""

_LINE_COLOURS = {"ucl": LIMIT_GREY, "lcl": LIMIT_GREY, "centre": INK, "target": TARGET_RED}
_LINE_STYLES = {"ucl": "dashed", "lcl": "dashed", "centre": "solid", "target": (0, (6, 2, 1, 2))}


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

    if not keys:
        return nothing_to_draw("There are no control charts to draw.")
    wide = columns or _columns_for(len(keys))
    layout = ChartLayout(min(wide, len(keys)), -(-len(keys) // min(wide, len(keys))))
    panels = _panel_titles(charts, keys, layout)
    points = scaled_points(charts, keys, panels)
    if points["y"].isna().all():
        return nothing_to_draw("There are no values to draw.")
    lines = line_rows(points)
    plot = (
        p9.ggplot(mapping=p9.aes("period", "y"))
        + _phase_starts(points)
        + _line_layer(lines)
        + _value_layers(points, layout)
        + _label_layer(line_labels(points, lines, charts, keys, layout), layout)
        + _empty_panels(points, layout)
        + _date_axis(points, layout)
        + p9.scale_y_continuous(labels=_axis_labels(charts, keys), expand=(0.06, 0))
        + picture_theme(width=layout.width, height=layout.height, base=layout.base)
        + _words(charts, keys, layout)
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


def _panel_titles(charts: ChartResult, keys: Sequence[Key], layout: ChartLayout) -> dict[Key, str]:
    """One different heading per chart: what differs between them, and no more."""
    measures, units = {key[0] for key in keys}, {key[1] for key in keys}
    width = layout.width / layout.columns - 0.5
    titles: dict[Key, str] = {}
    for key in keys:
        display = display_of(charts, key[0])
        parts = [unit_title(charts, key[1])] if len(units) > 1 else []
        if len(measures) > 1:
            parts.insert(0, f"{display.title}{scale_text(display.per)}")
        title = wrapped(" · ".join(parts), width=width, size=layout.base, bold=True)
        if title in titles.values():
            title += f" [{key[0]}, {key[1]}]"
        titles[key] = title
    return titles


def _line_layer(lines: pd.DataFrame) -> list[Any]:
    import plotnine as p9

    if lines.empty:
        return []
    return [
        p9.geom_step(
            p9.aes(group="group", color="line", linetype="line"),
            data=lines,
            direction="mid",
            size=0.6,
            show_legend=False,
        ),
        p9.scale_color_manual(_LINE_COLOURS, guide=None),
        p9.scale_linetype_manual(_LINE_STYLES, guide=None),
    ]


def _value_layers(points: pd.DataFrame, layout: ChartLayout) -> list[Any]:
    import pandas as pd
    import plotnine as p9

    known = points.dropna(subset=["y"]).copy()
    if known.empty:
        return []
    gaps = points["y"].isna().cumsum()[known.index]
    known["group"] = known["panel"].cat.codes.astype(str) + "/" + known["phase"].astype(str)
    known["group"] += "/" + gaps.astype(str)
    shown = [verdict for verdict in POINT_MARKS if (known["verdict"] == verdict).any()]
    marks = [POINT_MARKS[verdict] for verdict in shown]
    known["words"] = pd.Categorical(
        known["verdict"].map({verdict: mark.words for verdict, mark in POINT_MARKS.items()}),
        [mark.words for mark in marks],
    )
    scale = 1.0 if layout.single else 0.75
    joined = drawable(known)
    path = [
        p9.geom_path(
            p9.aes(group="group"), data=joined, color="#767676", size=0.6, show_legend=False
        )
    ]
    return [
        *(path if len(joined) else []),
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


def _phase_starts(points: pd.DataFrame) -> list[Any]:
    import plotnine as p9

    starts = points[points["phase"].ne(points.groupby("panel", observed=True)["phase"].shift())]
    later = starts[starts.duplicated("panel")]
    if later.empty:
        return []
    return [
        p9.geom_vline(
            p9.aes(xintercept="period"),
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
            size=layout.base * (0.85 if layout.single else 0.8),
            show_legend=False,
        )
    ]


def _date_axis(points: pd.DataFrame, layout: ChartLayout) -> Any:
    import pandas as pd
    import plotnine as p9

    dates = [pd.Timestamp(date) for date in sorted(points["period"].unique())]
    room = 0.19 if layout.single else 0.4  # for the names of the lines
    return p9.scale_x_datetime(
        breaks=date_breaks(dates, most=8 if layout.single else 3),
        labels=lambda breaks: [date_text(pd.Timestamp(at)) for at in breaks],
        expand=(0.02, 0, room, 0),
    )


def _axis_labels(charts: ChartResult, keys: Sequence[Key]) -> Any:
    scales = {display_of(charts, key[0]).per for key in keys}
    unit = "%" if scales == {100} else ""
    return lambda breaks: [f"{number_text(at, decimals=2)}{unit}" for at in breaks]


def _words(charts: ChartResult, keys: Sequence[Key], layout: ChartLayout) -> Any:
    import plotnine as p9

    displays = {key[0]: display_of(charts, key[0]) for key in keys}
    units = {key[1] for key in keys}
    only = next(iter(displays.values()))
    title = only.title if len(displays) == 1 else "Control charts"
    named = unit_title(charts, keys[0][1]) if len(units) == 1 else count_text(len(units), "unit")
    width = layout.width - 0.4
    per = {display.per for display in displays.values()}
    y = scale_text(only.per).strip().capitalize() if len(per) == 1 and only.per > 100 else ""
    return p9.labs(
        title=wrapped(title, width=width, size=layout.base * 1.3, bold=True),
        subtitle=wrapped(named, width=width, size=layout.base),
        caption=wrapped(_caption(charts, keys), width=width, size=layout.base * 0.74),
        x="",
        y=y,
    )


def _limit_words(charts: ChartResult, wanted: set[Key]) -> str:
    """How the drawn limits were calculated."""
    points = charts.points
    pairs = zip(points["measure"], points["unit"].fillna(""), strict=True)
    methods = points["limit_method"][[pair in wanted for pair in pairs]]
    known = {"normal": "normal approximation", "exact": "exact binomial"}
    return " or ".join(known.get(str(one), str(one)) for one in sorted(methods.dropna().unique()))


def _caption(charts: ChartResult, keys: Sequence[Key]) -> str:
    method = charts.method
    wanted = set(keys)
    pairs = zip(charts.summary["measure"], charts.summary["unit"].fillna(""), strict=True)
    summary = charts.summary[[pair in wanted for pair in pairs]]
    kinds = dict.fromkeys(chart_name(chart) for chart in summary["chart"].dropna())
    rules = method.get("rule_set_title") or method.get("rule_set") or "none"
    said = [
        f"Method: {', '.join(kinds) or 'none'}; limits at {number_text(method.get('sigma', 3.0))} "
        f"sigma ({_limit_words(charts, wanted)}). Rules: {rules}."
    ]
    expected = summary["expected_false_signals"].dropna()
    if len(expected):
        where = "on this chart" if len(keys) == 1 else f"on these {len(keys)} charts"
        said.append(
            f"If nothing had changed, about {number_text(float(expected.sum()))} false signals "
            f"would be expected {where}."
        )
    if note := excess_variation(charts.advice, keys, "chart"):
        said.append(note)
    said.append(
        "Lines: solid black = centre; dashed grey = limits; dash-dotted red = target; "
        "dotted upright = new phase. Limits beyond possible values are drawn at the edge."
    )
    if len(keys) == 1:
        said += [reason.rstrip(".") + "." for reason in summary["reason"].dropna() if reason]
    return " ".join(said)
