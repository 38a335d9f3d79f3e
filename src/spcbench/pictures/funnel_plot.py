"""The funnel plot: units against the limits that chance allows for their size.

Everything is drawn from the tables of the result. The only arithmetic is the
display scale, the window of the y axis, and where labels stand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from spcbench.errors import OptionError
from spcbench.pictures.control_chart import nothing_to_draw
from spcbench.pictures.funnel_rows import MOST_NAMES, FunnelLayout, FunnelRows, mark_of, size_of
from spcbench.pictures.results import (
    FunnelResult,
    Key,
    display_of,
    funnel_keys,
    rows_of,
)
from spcbench.pictures.theme import (
    INK,
    LIMIT_GREY,
    TARGET_RED,
    picture_theme,
    wrapped,
)
from spcbench.pictures.words import between, count_text, excess_variation, number_text, scale_text

if TYPE_CHECKING:
    import pandas as pd
    from plotnine import ggplot

MOST_FUNNELS = 24
"""More funnels than this in one picture can no longer be read."""

LABELS = ("outside", "outside_998", "all", "none")

_CURVE_COLOURS = {
    "upper_998": INK,
    "lower_998": INK,
    "upper_95": LIMIT_GREY,
    "lower_95": LIMIT_GREY,
    "target": TARGET_RED,
}
_CURVE_STYLES = {
    "upper_998": "solid",
    "lower_998": "solid",
    "upper_95": "dashed",
    "lower_95": "dashed",
    "target": (0, (6, 2, 1, 2)),
}


def funnel_plot(
    funnels: FunnelResult,
    *,
    measure: str | None = None,
    group: str | None = None,
    label: str = "outside",
) -> ggplot:
    """Draw funnel plots: one alone, or several side by side.

    Parameters
    ----------
    funnels : Funnels
        The result; nothing is calculated again.
    measure, group : str, optional
        Which funnels to draw; all by default.
    label : str
        Which units are named: ``"outside"`` (the 95 % limits),
        ``"outside_998"``, ``"all"`` or ``"none"``.

    Returns
    -------
    plotnine.ggplot
        With a sensible size. Units without a value are not drawn and counted
        in the subtitle. The y axis shows the units and the limits as far as
        they lie near them. A result without funnels gives an empty picture
        that says so.

    Raises
    ------
    UnknownNameError, AmbiguousNameError, OptionError
        If no such funnel is in the result, more than 24 are asked for, or
        `label` is another word.

    References
    ----------
    .. [1] Spiegelhalter (2005), Statistics in Medicine 24:1185-1202.
    """
    if label not in LABELS:
        raise OptionError(f"label must be {', '.join(LABELS[:-1])} or {LABELS[-1]}, not {label!r}")
    keys = funnel_keys(funnels, measure=measure, group=group)
    if len(keys) > MOST_FUNNELS:
        raise OptionError(
            f"{len(keys):,} funnels do not fit in one picture (at most {MOST_FUNNELS}): choose "
            "some with --measure (measure=, group=), or write .pdf or .html"
        )
    return draw_funnels(funnels, keys, label=label)


def draw_funnels(funnels: FunnelResult, keys: Sequence[Key], *, label: str = "outside") -> ggplot:
    """Draw exactly these funnels (measure, group), in this order."""
    import plotnine as p9

    if not keys:
        return nothing_to_draw("There are no funnels to draw.")
    keys = [
        key for key in keys if rows_of(funnels.units, key, second="group")["value"].notna().any()
    ]
    if not keys:
        return nothing_to_draw("There are no values to draw.")
    columns = min(len(keys), 2 if len(keys) <= 4 else 3)
    layout = FunnelLayout(columns, -(-len(keys) // columns))
    drawn = [FunnelRows.of(funnels, key, layout, label=label) for key in keys]
    points = _together([one.points for one in drawn])
    crowded = any(len(one.unit_names) > MOST_NAMES for one in drawn)
    plot = (
        p9.ggplot(mapping=p9.aes("x", "y"))
        + _curve_layer(_together([one.curve for one in drawn]))
        + _joining_lines(_together([one.unit_names for one in drawn]))
        + _point_layer(points, layout)
        + _text_layers(drawn, layout)
        + p9.scale_x_continuous(labels=_thousands, expand=(0.01, 0, layout.room, 0))
        + p9.scale_y_continuous(labels=_axis_labels(funnels, keys), expand=(0.04, 0))
        + p9.guides(fill=p9.guide_legend(ncol=2 if layout.columns < 3 else 3))
        + picture_theme(width=layout.width, height=layout.height, base=layout.base)
        + _words(funnels, keys, layout, codes=crowded)
    )
    if layout.single:
        return plot
    return plot + p9.facet_wrap("panel", ncol=layout.columns, scales="free")


def _together(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """One table of all panels, which stay in their order."""
    import pandas as pd

    # Empty frames have nothing to add, and pandas warns about their types.
    filled = [frame for frame in frames if len(frame)]
    table = pd.concat(filled or frames[:1], ignore_index=True)
    panels = dict.fromkeys(frame["panel"].iloc[0] for frame in filled)
    table["panel"] = pd.Categorical(table["panel"], list(panels))
    return table


def _curve_layer(curve: pd.DataFrame) -> list[Any]:
    import plotnine as p9

    if curve.empty:
        return []
    return [
        p9.geom_path(
            p9.aes(group="line", color="line", linetype="line"),
            data=curve,
            size=0.6,
            show_legend=False,
        ),
        p9.scale_color_manual(_CURVE_COLOURS, guide=None),
        p9.scale_linetype_manual(_CURVE_STYLES, guide=None),
    ]


def _point_layer(points: pd.DataFrame, layout: FunnelLayout) -> list[Any]:
    import pandas as pd
    import plotnine as p9

    if points.empty:
        return []
    found = {
        mark_of(position, verdict).words: mark_of(position, verdict)
        for position, verdict in zip(points["position"], points["verdict"], strict=True)
    }
    marks = [found[words] for words in sorted(found)]
    points = points.assign(kind=pd.Categorical(points["kind"], [mark.words for mark in marks]))
    scale = 1.0 if layout.single else 0.85
    return [
        p9.geom_point(
            p9.aes(fill="kind", shape="kind", size="kind"), data=points, color=INK, stroke=0.4
        ),
        p9.scale_fill_manual([mark.fill for mark in marks]),
        p9.scale_shape_manual([mark.shape for mark in marks]),
        p9.scale_size_manual([mark.size * scale for mark in marks]),
    ]


def _joining_lines(names: pd.DataFrame) -> list[Any]:
    import plotnine as p9

    far = names[names["away"].astype(bool)]
    if far.empty:
        return []
    ends = p9.aes(xend="edge_x", yend="edge_y")
    return [p9.geom_segment(ends, data=far, color="#9AA5AD", size=0.3)]


def _text_layers(drawn: list[FunnelRows], layout: FunnelLayout) -> list[Any]:
    import plotnine as p9

    layers = []
    names = _together([one.unit_names for one in drawn])
    if len(names):
        layers.append(
            p9.geom_text(
                p9.aes("to_x", "to_y", label="words"),
                data=names,
                color=INK,
                size=layout.base * 0.75,
                lineheight=1.05,
            )
        )
    lines = _together([one.line_names for one in drawn])
    if len(lines):
        layers.append(
            p9.geom_text(
                p9.aes(label="words", color="line"),
                data=lines,
                ha="left",
                va="center_baseline",
                size=layout.base * 0.75,
                show_legend=False,
            )
        )
    return layers


def _thousands(breaks: Sequence[float]) -> list[str]:
    return [number_text(at) for at in breaks]


def _axis_labels(funnels: FunnelResult, keys: Sequence[Key]) -> Any:
    unit = "%" if {display_of(funnels, key[0]).per for key in keys} == {100} else ""
    return lambda breaks: [f"{number_text(at, decimals=2)}{unit}" for at in breaks]


def _words(funnels: FunnelResult, keys: Sequence[Key], layout: FunnelLayout, *, codes: bool) -> Any:
    import plotnine as p9

    displays = {key[0]: display_of(funnels, key[0]) for key in keys}
    only = next(iter(displays.values()))
    title = only.title if len(displays) == 1 else "Funnel plots"
    width = layout.width - 0.4
    per = {display.per for display in displays.values()}
    y = scale_text(only.per).strip().capitalize() if len(per) == 1 and only.per > 100 else ""
    return p9.labs(
        title=wrapped(title, width=width, size=layout.base * 1.3, bold=True),
        subtitle=wrapped(_subtitle(funnels, keys), width=width, size=layout.base),
        caption=wrapped(_caption(funnels, keys, codes=codes), width=width, size=layout.base * 0.78),
        x=_size_name(funnels, keys),
        y=y,
    )


def _size_name(funnels: FunnelResult, keys: Sequence[Key]) -> str:
    wanted = {key[0] for key in keys}
    units = funnels.units[funnels.units["measure"].isin(wanted)]
    kind = funnels.method.get("data_type")
    expected = len(units) and units["denominator"].isna().all()
    if expected or kind == "ratio":
        return "Expected number"
    return "Exposure" if kind == "rate" else "Denominator (number of cases)"


def _subtitle(funnels: FunnelResult, keys: Sequence[Key]) -> str:
    if len(keys) > 1:
        return f"{len(keys)} funnels"
    units = rows_of(funnels.units, keys[0], second="group")
    without = int((units["value"].isna() | size_of(units).isna()).sum())
    said = [f"{keys[0][1]}: " if keys[0][1] else "", count_text(len(units) - without, "unit")]
    if len(units):
        first, last = units["first"].min(), units["last"].max()
        said.append(between(first, last))
    if without:
        said.append(f"; {without} without a value not shown")
    return "".join(said)


def _caption(funnels: FunnelResult, keys: Sequence[Key], *, codes: bool) -> str:
    import pandas as pd

    summary = pd.concat([rows_of(funnels.summary, key, second="group") for key in keys])
    methods = dict.fromkeys(summary["limit_method"].dropna().astype(str))
    named = {"beta_binomial": "beta-binomial", "poisson_gamma": "Poisson-gamma", "mid_p": "mid-P"}
    words = ", ".join(named.get(method, method) for method in methods)
    said = [f"Method: {words or 'no'} limits at 95% and 99.8%"]
    widened = str(funnels.method.get("overdispersion", "none"))
    said.append(f", widened for overdispersion ({widened}). " if widened != "none" else ". ")
    expected = summary["expected_false_positives"].dropna()
    if len(expected):
        said.append(
            f"By chance alone, about {number_text(float(expected.sum()))} units would lie outside "
            "the 95% limits. "
        )
    if note := excess_variation(funnels.advice, [(key[0], "") for key in keys], "funnel"):
        said.append(f"{note} ")
    said.append(
        "Lines: solid = 99.8% limits; dashed = 95% limits; dash-dotted red = target or average. "
        "Outside means higher or lower than expected, not good or bad by itself."
    )
    if codes:
        said.append(" Many units are outside, so they stand with their codes.")
    return "".join(said)
