"""The rows behind a control chart: points and lines on the display scale."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spcbench.pictures.chart_kinds import (
    Bounds,
    ChartKind,
    centre_name,
    frequency_of,
    kind_in,
    warning_length,
)
from spcbench.pictures.periods import missing_before
from spcbench.pictures.results import ChartResult, Key, display_of, rows_of
from spcbench.pictures.theme import plain, stacked
from spcbench.pictures.words import folded, scaled_text

if TYPE_CHECKING:
    import pandas as pd

LINES = {
    "reference": "Reference",
    "warning": "Level 1",
    "ucl": "Upper",
    "lcl": "Lower",
    "centre": "Mean",
    "target": "Target",
    "stretch": "Stretch",
    "trajectory": "Trajectory",
}
"""Lines in the order they are drawn, and what they are called."""

EDGE = 0.06
"""Room above and below what is drawn, as a share of its height."""

_BY_EVENT = ("g", "t", "bernoulli_cusum")
"""Charts of events, between which no period can be missing."""

_UNBROKEN = ("target", "stretch", "trajectory", "reference")
_MOST_LETTERS = (22, 16)  # of one line of a label: alone, and on small charts
_LETTER = 0.58  # the mean width of a letter, of its size


@dataclass(frozen=True, slots=True)
class ChartLayout:
    """Sizes in inches and points, from the number of charts and the words below them."""

    columns: int
    rows: int
    caption_lines: int = 0

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
        """Of the whole picture, in inches; a long caption takes nothing from the charts."""
        usual = 5 if self.single else 6
        caption = max(0, self.caption_lines - usual) * self.caption_size * 1.35 / 72
        return round((5.0 if self.single else 1.7 + 2.3 * self.rows) + caption, 2)

    @property
    def panel(self) -> tuple[float, float]:
        """About how wide and high one chart is, in inches."""
        return (7.2, 2.8) if self.single else (self.width / self.columns - 0.6, 1.7)

    @property
    def base(self) -> float:
        """Of ordinary text, in points."""
        return 10.0 if self.single else 8.5

    @property
    def caption_size(self) -> float:
        """Of the caption, in points."""
        return self.base * 0.78

    @property
    def label_size(self) -> float:
        """Of the names of lines, in points."""
        return self.base * (0.85 if self.single else 0.8)

    @property
    def label_letters(self) -> int:
        """Letters in one line of the name of a line."""
        return _MOST_LETTERS[0] if self.single else _MOST_LETTERS[1]


def scaled_points(charts: ChartResult, keys: Sequence[Key], panels: dict[Key, str]) -> pd.DataFrame:
    """Points of these charts on the display scale, limits clipped to what is possible.

    `x` is the period; where several events share one within a chart, it is the
    number of the event in its chart instead, so that their order is kept.
    """
    import pandas as pd

    last = charts.method.get("show_last")
    tables = {
        key: rows_of(charts.points, key, second="unit").dropna(subset=["period"]) for key in keys
    }
    by_event = any(rows["period"].duplicated().any() for rows in tables.values())
    parts = []
    for key, rows in tables.items():
        part = _scaled(charts, key, rows, panels[key])
        dated = kind_in(charts, key)[0] in _BY_EVENT or by_event
        often = "" if dated else frequency_of(charts, key[0])
        part["missing_before"] = missing_before(part["period"], often, part["ends"])
        part["x"] = range(1, len(part) + 1) if by_event else part["period"]
        parts.append(part if last is None else part.tail(int(last)))
    points = pd.concat(parts, ignore_index=True)
    points["panel"] = pd.Categorical(points["panel"], list(panels.values()))
    return points


def _scaled(charts: ChartResult, key: Key, rows: pd.DataFrame, panel: str) -> pd.DataFrame:
    import pandas as pd

    chart, kind = kind_in(charts, key)
    display = display_of(charts, key[0])
    factor = kind.factor(display)
    low, high = _possible(kind, rows, factor)
    nothing = pd.Series(math.nan, index=rows.index)
    warning = rows["upper_warning"] if warning_length(charts, chart) else nothing
    verdict = rows["verdict"].astype("string").fillna("common_cause")
    if kind.rules == "none":
        verdict = verdict.where(verdict.isna(), "unjudged")
    left_out = rows["excluded"].astype(bool) if "excluded" in rows else verdict.eq("")
    return pd.DataFrame(
        {
            "panel": panel,
            "measure": key[0],
            "period": rows["period"].to_numpy(),
            "ends": rows.get("period_end", rows["period"]).to_numpy(),
            "phase": rows["phase"].to_numpy(dtype="int64", na_value=0),
            "y": rows["value"].to_numpy() * factor,
            "verdict": verdict.mask(left_out, "excluded").to_numpy(),
            "note": rows["note"].astype("string").fillna("").to_numpy(),
            "factor": factor,
            "lowest": low * factor,
            "highest": high * factor,
            "centre": rows["centre"].to_numpy() * factor,
            "target": rows["target"].to_numpy() * factor,
            "stretch": factor * (math.nan if display.stretch is None else display.stretch),
            "trajectory": rows.get("trajectory", nothing).to_numpy() * factor,
            "warning": (warning.clip(upper=high) * factor).to_numpy(),
            "lcl": (rows["lcl"].clip(lower=low) * factor).to_numpy(),
            "ucl": (rows["ucl"].clip(upper=high) * factor).to_numpy(),
            "lcl_beyond": rows["lcl"].lt(low).to_numpy(),
            "ucl_beyond": rows["ucl"].gt(high).to_numpy(),
        }
    )


def _possible(kind: ChartKind, rows: pd.DataFrame, factor: int) -> Bounds:
    """The least and greatest value that can be; infinite where nothing is known."""
    if kind.bounds is not None:
        return kind.bounds
    # XmR, run and EWMA charts know no edge of their own: the counts behind them may.
    counted = rows.dropna(subset=["numerator"])
    if counted.empty:
        return -math.inf, math.inf
    parts_of_whole = (
        bool(counted["denominator"].notna().all())
        and bool((counted["numerator"] <= counted["denominator"]).all())
        and factor == 100
    )
    return 0.0, 1.0 if parts_of_whole else math.inf


def line_rows(
    points: pd.DataFrame,
    references: Mapping[str, float] | None = None,
    published: Sequence[Mapping[str, Any]] = (),
) -> pd.DataFrame:
    """Limits, centre, target and other lines as long rows.

    A new group begins at each phase and each gap. `references` are values on
    the natural scale by name, each drawn across every chart; `published` are
    those of single measures, drawn on theirs.
    """
    import pandas as pd

    parts = [
        _line(points, "reference", points["factor"] * value, name=plain(name))
        for name, value in (references or {}).items()
    ]
    for one in published:
        own = points[points["measure"] == one["measure"]]
        height = own["factor"] * one["value"]
        parts.append(_line(own, "reference", height, name=plain(one["label"])))
    parts += [_line(points, line, points[line]) for line in LINES if line != "reference"]
    lines = pd.concat(parts, ignore_index=True)
    lines = _widened(lines, points)
    lines["line"] = pd.Categorical(lines["line"], list(LINES))
    return drawable(lines)


def published_of(
    charts: ChartResult, keys: Sequence[Key], layout: ChartLayout
) -> list[Mapping[str, Any]]:
    """Published values that are drawn: of small charts only the newest, which has room."""
    shown: list[Mapping[str, Any]] = []
    for measure in dict.fromkeys(key[0] for key in keys):
        of = [one for one in charts.method.get("published") or () if one["measure"] == measure]
        shown += of if layout.single else of[:1]
    return shown


def _widened(lines: pd.DataFrame, points: pd.DataFrame) -> pd.DataFrame:
    """Lines that hold for a single point, drawn as wide as a period: a gap on both sides."""
    import pandas as pd

    single = lines.groupby("group", observed=True)["y"].transform("size").eq(1)
    single &= lines["line"] != "trajectory"
    steps = points["x"].drop_duplicates().sort_values().diff().dropna()
    if not single.any() or steps.empty:
        return lines
    half = steps.min() * 0.4
    alone = lines[single]
    ends = [alone.assign(x=alone["x"] - half), alone.assign(x=alone["x"] + half)]
    return pd.concat([lines[~single], *ends], ignore_index=True)


def _line(points: pd.DataFrame, line: str, y: pd.Series[float], name: str = "") -> pd.DataFrame:
    # Targets belong to the measure, not to the phase: they do not break.
    phase = "" if line in _UNBROKEN else points["phase"].astype(str)
    part = points[["panel", "x", "factor"]].assign(
        line=line, name=name, y=y.astype(float), beyond=points.get(f"{line}_beyond", False)
    )
    gaps = part["y"].isna().cumsum().astype(str)
    part["group"] = line + name + points["panel"].cat.codes.astype(str) + "/" + phase + "/" + gaps
    return part.dropna(subset=["y"])


def drawable(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of groups that have two points or more: plotnine warns about the others."""
    return rows[rows.groupby("group", observed=True)["y"].transform("size") > 1]


def height_range(points: pd.DataFrame, lines: pd.DataFrame) -> tuple[float, float]:
    """How low and high one chart reaches, with some room where nothing varies.

    `points` are those of one chart, `lines` may hold those of others.
    """
    own = lines.loc[lines["panel"] == points["panel"].iloc[0], "y"]
    heights = [*points["y"].dropna(), *own]
    low, high = float(min(heights)), float(max(heights))
    if high > low:
        return low, high
    room = 0.05 * abs(high) or 1.0
    return (
        max(low - room, float(points["lowest"].iloc[0])),
        min(high + room, float(points["highest"].iloc[0])),
    )


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
    letters = 0.055 if layout.single else 0.115  # the height of a line, of the panel's height
    parts = []
    for panel, ends in lines.groupby("panel", observed=True):
        low, high = height_range(points[points["panel"] == panel], lines)
        last = ends.drop_duplicates(["line", "name"], keep="last")
        last = _told_together(charts, per_panel[panel], last.sort_values("y", kind="stable"))
        words = [_folded(text, layout.label_letters) for text in last["words"]]
        apart = stacked(
            [(y - low) / (high - low) + EDGE for y in last["y"]],
            [letters * (text.count("\n") + 1) for text in words],
            1 + 2 * EDGE,
        )
        heights = [low + (share - EDGE) * (high - low) for share in apart]
        parts.append(last.assign(y=heights, words=words))
    if not parts:
        return lines.assign(words="")
    labels = pd.concat(parts, ignore_index=True)
    labels["x"] = points["x"].max()
    return labels


def label_room(labels: pd.DataFrame, layout: ChartLayout) -> float:
    """Room for the names of lines, as a share of the length of the x axis."""
    least = 0.19 if layout.single else 0.4
    longest = max((len(row) for text in labels["words"] for row in text.split("\n")), default=0)
    needed = (longest + 2) * _LETTER * layout.label_size / 72
    return max(least, needed / max(layout.panel[0] - needed, 1.0))


def _told_together(charts: ChartResult, key: Key, ends: pd.DataFrame) -> pd.DataFrame:
    """One label for lines that end at one height, such as limits on their centre."""
    names, rows = [], []
    for (height, beyond), same in ends.groupby(["y", "beyond"], sort=False):
        first, *others = reversed(_pairs(same))
        line = first[0]
        # As in "Mean, lower, upper 100%".
        said = [_line_name(charts, key, *first) + _doubt(charts, key, line, height)]
        said += [
            name or _line_name(charts, key, other, "").lower() + _doubt(charts, key, other, height)
            for other, name in others
        ]
        joined = ", ".join(said)
        if said[0] != "Zero":
            joined += f" {_height_words(charts, key, line, height, beyond=beyond)}"
        names.append(joined)
        rows.append(same.sort_values("line", kind="stable").index[-1])
    return ends.loc[rows].assign(words=names)


def _pairs(rows: pd.DataFrame) -> list[tuple[str, str]]:
    in_order = rows.sort_values("line", kind="stable")
    return list(zip(in_order["line"], in_order["name"], strict=True))


def _line_name(charts: ChartResult, key: Key, line: str, name: str) -> str:
    if line == "centre":
        return centre_name(charts, key)
    if line == "ucl" and warning_length(charts, kind_in(charts, key)[0]):
        return "Level 2"
    return name or LINES[line]


def _doubt(charts: ChartResult, key: Key, line: str, height: float) -> str:
    """What is said behind a target of the measure that nobody has checked at its source."""
    display = display_of(charts, key[0])
    target = math.nan if display.target is None else display.target
    own = target * kind_in(charts, key)[1].factor(display)
    of_measure = line == "stretch" or (line == "target" and math.isclose(height, own))
    return " (not verified)" if of_measure and not display.target_verified else ""


def _height_words(charts: ChartResult, key: Key, line: str, height: float, *, beyond: bool) -> str:
    kind, display = kind_in(charts, key)[1], display_of(charts, key[0])
    side = ("> " if line == "ucl" else "< ") if beyond else ""
    per = display.per if kind.scale == "measure" else 1
    return f"{side}{scaled_text(height, per)}{kind.percent(display)}"


def _folded(text: str, letters: int) -> str:
    """The label in lines that fit; SVG drops an ordinary space at the start of one."""
    return "\n".join(f"\u00a0\u00a0{line}" for line in folded(text, letters) or [""])
