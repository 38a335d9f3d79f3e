"""The rows behind a control chart: points and lines on the display scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spcbench.pictures.results import ChartResult, Key, display_of, rows_of
from spcbench.pictures.theme import spread
from spcbench.pictures.words import number_text

if TYPE_CHECKING:
    import pandas as pd

LINES = {"ucl": "Upper", "lcl": "Lower", "centre": "Mean", "target": "Target"}
_ABOVE_ONE_MAY_BE = {"u", "u_prime", "c", "g", "t"}


@dataclass(frozen=True, slots=True)
class ChartLayout:
    """Sizes in inches and points, from the number of charts."""

    columns: int
    rows: int

    @property
    def single(self) -> bool:
        """Whether one picture stands alone."""
        return self.columns * self.rows == 1

    @property
    def width(self) -> float:
        """Of the whole picture, in inches."""
        return 8.0 if self.single else max(8.0, 3.3 * self.columns)

    @property
    def height(self) -> float:
        """Of the whole picture, in inches."""
        return 5.0 if self.single else 1.7 + 2.3 * self.rows

    @property
    def base(self) -> float:
        """Of ordinary text, in points."""
        return 10.0 if self.single else 8.5


def scaled_points(charts: ChartResult, keys: Sequence[Key], panels: dict[Key, str]) -> pd.DataFrame:
    """Points of these charts on the display scale, limits clipped to what is possible."""
    import pandas as pd

    parts = []
    for key in keys:
        rows = rows_of(charts.points, key, second="unit").dropna(subset=["period"])
        per = display_of(charts, key[0]).per
        low, high = _possible(charts, key, rows, per)
        parts.append(
            pd.DataFrame(
                {
                    "panel": panels[key],
                    "period": rows["period"].to_numpy(),
                    "phase": rows["phase"].to_numpy(dtype="int64", na_value=0),
                    "y": rows["value"].to_numpy() * per,
                    "verdict": rows["verdict"].astype("string").fillna("common_cause").to_numpy(),
                    "centre": rows["centre"].to_numpy() * per,
                    "target": rows["target"].to_numpy() * per,
                    "lcl": (rows["lcl"].clip(lower=low) * per).to_numpy(),
                    "ucl": (rows["ucl"].clip(upper=high) * per).to_numpy(),
                    "lcl_beyond": rows["lcl"].lt(low).to_numpy(),
                    "ucl_beyond": rows["ucl"].gt(high).to_numpy(),
                }
            )
        )
    points = pd.concat(parts, ignore_index=True)
    points["panel"] = pd.Categorical(points["panel"], list(panels.values()))
    return points


def _possible(charts: ChartResult, key: Key, rows: pd.DataFrame, per: int) -> tuple[float, float]:
    """The least and greatest value that can be; infinite where nothing is known."""
    counted = rows.dropna(subset=["numerator"])
    if counted.empty:
        return -math.inf, math.inf
    summary = rows_of(charts.summary, key, second="unit")
    chart = summary["chart"].iloc[0] if len(summary) else ""
    parts_of_whole = (
        chart not in _ABOVE_ONE_MAY_BE
        and bool(counted["denominator"].notna().all())
        and bool((counted["numerator"] <= counted["denominator"]).all())
        and per == 100
    )
    return 0.0, 1.0 if parts_of_whole else math.inf


def line_rows(points: pd.DataFrame) -> pd.DataFrame:
    """Limits, centre and target as long rows; a new group at each phase and each gap."""
    import pandas as pd

    parts = []
    for line in LINES:
        # The target belongs to the measure, not to the phase: it does not break.
        phase = 0 if line == "target" else points["phase"]
        beyond = points.get(f"{line}_beyond", False)
        part = points[["panel", "period"]].assign(line=line, y=points[line], beyond=beyond)
        gaps = part["y"].isna().cumsum()
        part["group"] = line + points["panel"].cat.codes.astype(str)
        part["group"] += "/" + pd.Series(phase, index=points.index).astype(str)
        part["group"] += "/" + gaps.astype(str)
        parts.append(part.dropna(subset=["y"]))
    lines = pd.concat(parts, ignore_index=True)
    lines["line"] = pd.Categorical(lines["line"], list(LINES))
    return drawable(lines)


def drawable(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of groups that have two points or more: plotnine warns about the others."""
    return rows[rows.groupby("group", observed=True)["y"].transform("size") > 1]


def line_labels(
    points: pd.DataFrame,
    lines: pd.DataFrame,
    charts: ChartResult,
    keys: Sequence[Key],
    layout: ChartLayout,
) -> pd.DataFrame:
    """What each line is called, at its right end, moved apart where they would touch."""
    import pandas as pd

    per_panel = dict(zip(points["panel"].cat.categories, keys, strict=True))
    letters = 0.055 if layout.single else 0.115  # the height of a label, of the panel's height
    parts = []
    for panel, ends in lines.groupby("panel", observed=True):
        heights = pd.concat([ends["y"], points.loc[points["panel"] == panel, "y"]])
        last = ends.drop_duplicates("line", keep="last").sort_values("y", kind="stable")
        gap = letters * float(heights.max() - heights.min())
        words = [
            _line_words(charts, per_panel[panel], line, y, beyond=beyond)
            for line, y, beyond in zip(last["line"], last["y"], last["beyond"], strict=True)
        ]
        parts.append(last.assign(y=spread(list(last["y"]), gap=gap), words=words))
    if not parts:
        return lines.assign(words="")
    labels = pd.concat(parts, ignore_index=True)
    labels["period"] = points["period"].max()
    return labels


def _line_words(charts: ChartResult, key: Key, line: str, height: float, *, beyond: bool) -> str:
    name = LINES[line]
    if line == "centre":
        chart = rows_of(charts.summary, key, second="unit")["chart"]
        name = "Median" if len(chart) and chart.iloc[0] == "run" else name
    unit = "%" if display_of(charts, key[0]).per == 100 else ""
    side = ("> " if line == "ucl" else "< ") if beyond else ""
    # SVG drops an ordinary space at the start of a text.
    return f"\u00a0{name} {side}{number_text(height)}{unit}"
