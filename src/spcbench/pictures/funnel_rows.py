"""The rows behind a funnel plot: units and lines on the display scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spcbench.levels import level_names
from spcbench.pictures.funnel_layout import FunnelLayout
from spcbench.pictures.funnel_marks import mark_of
from spcbench.pictures.funnel_scale import Scale
from spcbench.pictures.results import (
    FunnelResult,
    Key,
    display_of,
    rows_of,
    unit_title,
    view_of,
)
from spcbench.pictures.theme import wrapped

if TYPE_CHECKING:
    import pandas as pd

HEADROOM = 0.11
"""Inches round what is drawn, where marks are as large as on a page: none must be cut."""


@dataclass(frozen=True, slots=True)
class Window:
    """The part of the plane that a panel shows, on its own scales."""

    x: tuple[float, float]
    y: tuple[float, float]


@dataclass(frozen=True, slots=True)
class FunnelRows:
    """The rows behind one funnel.

    Parameters
    ----------
    scale : Scale
        Of the y axis.
    levels : tuple of str
        Names of the limits, the innermost first.
    points, curve : pandas.DataFrame
        Units with a value; target, limits and references as long rows.
    window : Window
        What is shown of them, without room for names.
    """

    scale: Scale
    levels: tuple[str, ...]
    points: pd.DataFrame
    curve: pd.DataFrame
    window: Window

    @classmethod
    def of(cls, funnels: FunnelResult, key: Key, layout: FunnelLayout) -> FunnelRows:
        """The rows of one funnel."""
        scale, levels = Scale.of(funnels, key[0]), level_names(funnels.units.columns)
        points = unit_points(funnels, key)
        curve = _curve_lines(funnels, key, scale, levels)
        window = _window(points, curve, layout)
        return cls(
            scale=scale,
            levels=levels,
            points=points,
            curve=_within(curve, window),
            window=window,
        )


def panel_titles(funnels: FunnelResult, keys: Sequence[Key], layout: FunnelLayout) -> list[str]:
    """What stands above each of several panels: what differs between them, and no more."""
    measures = {key[0] for key in keys}
    made = []
    for measure, group in keys:
        parts = [display_of(funnels, measure).title] if len(measures) > 1 or not group else []
        title = " · ".join([*parts, *([group] if group else [])])
        made.append(wrapped(title, width=layout.panel[0] - 0.1, size=layout.base * 0.95, bold=True))
    return made


def unit_points(funnels: FunnelResult, key: Key) -> pd.DataFrame:
    """Units that can be drawn: where they stand, what kind of point, and their name.

    Returns
    -------
    pandas.DataFrame
        ``x, y, position, verdict, kind, unit, name`` and, for the window, the
        outermost limits as ``low`` and ``high``.
    """
    import numpy as np
    import pandas as pd

    rows = rows_of(funnels.units, key, second="group")
    scale, levels = Scale.of(funnels, key[0]), level_names(funnels.units.columns)
    size, heights = rows["size"].to_numpy(), scale.heights(rows["value"])
    drawn = np.isfinite(heights) & np.isfinite(size)
    rows = rows[drawn]
    positions = rows["position"].astype("string").fillna("within")
    verdicts = rows["verdict"].astype("string").fillna("as_expected")
    kinds = [mark_of(*pair, levels).words for pair in zip(positions, verdicts, strict=True)]
    return pd.DataFrame(
        {
            "x": size[drawn],
            "y": heights[drawn],
            "low": scale.heights(rows[f"lower_{levels[-1]}"]),
            "high": scale.heights(rows[f"upper_{levels[-1]}"]),
            "position": positions.to_numpy(),
            "verdict": verdicts.to_numpy(),
            "kind": kinds,
            "unit": rows["unit"].to_numpy(),
            "name": [unit_title(funnels, unit) for unit in rows["unit"]],
        }
    )


def reference_values(funnels: FunnelResult, measure: str) -> dict[str, float]:
    """Further lines to draw on the funnels of a measure, by label, on the natural scale."""
    found = dict(funnels.method.get("references") or {})
    found |= {
        one["label"]: one["value"]
        for one in funnels.method.get("published") or ()
        if one["measure"] == measure
    }
    found |= {label: value for of, label, value in view_of(funnels).references if of == measure}
    return found


def _curve_lines(
    funnels: FunnelResult, key: Key, scale: Scale, levels: Sequence[str]
) -> pd.DataFrame:
    """Target, limits and references as long rows: ``x, y, line, label``."""
    import pandas as pd

    rows = rows_of(funnels.curve, key, second="group").sort_values("denominator")
    wanted = [f"upper_{name}" for name in reversed(levels)]
    wanted += ["upper_fdr", "target", "lower_fdr", *(f"lower_{name}" for name in levels)]
    parts = [
        pd.DataFrame({"x": rows["denominator"].to_numpy(), "y": scale.heights(rows[line])}).assign(
            line=line, label=""
        )
        for line in wanted
        if line in rows
    ]
    for label, value in reference_values(funnels, key[0]).items():
        flat = pd.DataFrame({"x": rows["denominator"].to_numpy(), "y": scale.heights([value])[0]})
        parts.append(flat.assign(line=f"reference {label}", label=label))
    return pd.concat(parts, ignore_index=True).dropna(subset=["y"])


def _window(points: pd.DataFrame, lines: pd.DataFrame, layout: FunnelLayout) -> Window:
    """What is worth showing: the units, and the limits of all but the smallest."""
    import pandas as pd

    flat = ~lines["line"].str.startswith(("upper_", "lower_"))
    least = points["x"].quantile(0.15)
    usual = points[points["x"] >= least]
    # Where chance alone would put hardly any unit, this line is the outermost.
    flat |= lines["line"].str.endswith("_fdr") & (lines["x"] >= least)
    heights = pd.concat([points["y"], usual["low"], usual["high"], lines.loc[flat, "y"]]).dropna()
    low, high = float(heights.min()), float(heights.max())
    if high - low < 1e-9:
        # Nobody has a share below 0 %.
        spare = 0.05 * abs(low) or 1.0
        low, high = (low - spare if low else 0.0), high + spare
    most = float(pd.concat([points["x"], lines["x"]]).max())
    side, above = (HEADROOM * layout.mark / inches for inches in layout.panel)
    room = (high - low) * above / (1 - 2 * above)
    return Window((-side * most, most * (1 + 0.2 * side)), (low - room, high + room))


def _within(lines: pd.DataFrame, window: Window) -> pd.DataFrame:
    """Lines as far as they lie in the window."""
    import pandas as pd

    lines = lines[lines["y"].between(*window.y)]
    lines = lines[lines.groupby("line")["y"].transform("size") > 1] if len(lines) else lines
    return lines.assign(line=pd.Categorical(lines["line"], list(dict.fromkeys(lines["line"]))))
