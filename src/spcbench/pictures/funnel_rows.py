"""The rows behind a funnel plot: units, lines and names on the display scale."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spcbench.pictures.labels import Panel, placed_labels
from spcbench.pictures.results import FunnelResult, Key, display_of, rows_of, unit_title
from spcbench.pictures.theme import BLUE, GREY, ORANGE, PURPLE, Mark, spread, wrapped
from spcbench.pictures.words import number_text, target_name

if TYPE_CHECKING:
    import pandas as pd

_FILLS = {
    "better_than_expected": (BLUE, "#C5EDFC", ", better"),
    "worse_than_expected": (ORANGE, "#F8DCC6", ", worse"),
    "differs": (PURPLE, "#D6C6E8", ""),
}
_SIDES = {
    "above_998": ("Higher than expected (99.8%)", "^", 0),
    "above_95": ("Higher than expected (95%)", "^", 1),
    "below_95": ("Lower than expected (95%)", "v", 1),
    "below_998": ("Lower than expected (99.8%)", "v", 0),
}
_AS_EXPECTED = Mark("As expected", "o", GREY, 2.0)
MOST_NAMES = 10
"""Above this many, units stand with their codes: names would hide one another."""

CURVES = ("upper_998", "upper_95", "target", "lower_95", "lower_998")


@dataclass(frozen=True, slots=True)
class FunnelLayout:
    """Sizes in inches and points, from the number of funnels."""

    columns: int
    rows: int

    @property
    def single(self) -> bool:
        """Whether one picture stands alone."""
        return self.columns * self.rows == 1

    @property
    def panel(self) -> tuple[float, float]:
        """Width and height of one panel, in inches."""
        return (7.2, 4.0) if self.single else (3.9, 3.0)

    @property
    def width(self) -> float:
        """Of the whole picture, in inches."""
        return 8.0 if self.single else 4.5 * self.columns

    @property
    def height(self) -> float:
        """Of the whole picture, in inches."""
        return 5.6 if self.single else 1.8 + 3.4 * self.rows

    @property
    def room(self) -> float:
        """For the names of the lines, beside the panel's data."""
        return 0.14 if self.single else 0.26

    @property
    def base(self) -> float:
        """Of ordinary text, in points."""
        return 10.0 if self.single else 9.0


@dataclass(frozen=True, slots=True)
class FunnelRows:
    """The rows behind one funnel, on the display scale."""

    points: pd.DataFrame
    curve: pd.DataFrame
    line_names: pd.DataFrame
    unit_names: pd.DataFrame

    @classmethod
    def of(cls, funnels: FunnelResult, key: Key, layout: FunnelLayout, *, label: str) -> FunnelRows:
        """The rows of one funnel; `label` says which units are named."""
        panel = _panel_title(funnels, key, layout)
        points = _unit_points(funnels, key).assign(panel=panel)
        curve = _curve_lines(funnels, key, points).assign(panel=panel)
        return cls(
            points=points,
            curve=curve,
            line_names=_line_names(funnels, key, curve, layout),
            unit_names=_unit_names(points, curve, layout, label=label).assign(panel=panel),
        )


def _panel_title(funnels: FunnelResult, key: Key, layout: FunnelLayout) -> str:
    title = " · ".join(part for part in (display_of(funnels, key[0]).title, key[1]) if part)
    return wrapped(title, width=layout.panel[0] - 0.2, size=layout.base, bold=True)


def _unit_points(funnels: FunnelResult, key: Key) -> pd.DataFrame:
    """Units with a value: where they stand, what kind of point, and their name."""
    import pandas as pd

    rows = rows_of(funnels.units, key, second="group")
    rows = rows[rows["value"].notna() & size_of(rows).notna()]
    per = display_of(funnels, key[0]).per
    positions = rows["position"].astype("string").fillna("within")
    verdicts = rows["verdict"].astype("string").fillna("as_expected")
    limits = [name for name in ("lower_998", "upper_998") if name in rows]
    return pd.DataFrame(
        {
            "x": size_of(rows).to_numpy(dtype=float, na_value=float("nan")),
            "y": rows["value"].to_numpy() * per,
            **{name: rows[name].to_numpy() * per for name in limits},
            "position": positions.to_numpy(),
            "kind": [mark_of(*pair).words for pair in zip(positions, verdicts, strict=True)],
            "verdict": verdicts.to_numpy(),
            "unit": rows["unit"].to_numpy(),
            "name": [unit_title(funnels, unit) for unit in rows["unit"]],
        }
    )


def size_of(rows: pd.DataFrame) -> pd.Series[float]:
    """The denominator or, for ratios of observed to expected, what was expected."""
    return rows["denominator"].astype("Float64").fillna(rows["expected"])


def mark_of(position: str, verdict: str) -> Mark:
    """Shape says the side, depth of colour the limit, colour the judgement."""
    if position not in _SIDES:
        return _AS_EXPECTED
    words, shape, depth = _SIDES[position]
    fills = _FILLS.get(verdict, _FILLS["differs"])
    return Mark(words + fills[2], shape, fills[depth], 3.0 if depth == 0 else 2.7)


def _curve_lines(funnels: FunnelResult, key: Key, points: pd.DataFrame) -> pd.DataFrame:
    """Target and limits as long rows, kept to the window that the units need."""
    import pandas as pd

    rows = rows_of(funnels.curve, key, second="group").sort_values("denominator")
    per = display_of(funnels, key[0]).per
    parts = [
        pd.DataFrame(
            {"x": rows["denominator"].to_numpy(), "y": rows[line].to_numpy() * per, "line": line}
        )
        for line in CURVES
        if line in rows
    ]
    if not parts:
        return pd.DataFrame({"x": [], "y": [], "line": []})
    lines = pd.concat(parts, ignore_index=True).dropna(subset=["y"])
    low, high = _window(points, lines)
    lines = lines[lines["y"].between(low, high)]
    lines["line"] = pd.Categorical(lines["line"], CURVES)
    return lines[lines.groupby("line", observed=True)["y"].transform("size") > 1]


def _window(points: pd.DataFrame, lines: pd.DataFrame) -> tuple[float, float]:
    """The range of y worth showing: the units, and the limits of all but the smallest."""
    import pandas as pd

    if points.empty:
        return float(lines["y"].min()), float(lines["y"].max())
    usual = points[points["x"] >= points["x"].quantile(0.15)]
    limits = [usual[name] for name in ("lower_998", "upper_998") if name in usual]
    heights = pd.concat([points["y"], *limits, lines.loc[lines["line"] == "target", "y"]])
    room = 0.02 * float(heights.max() - heights.min())
    return float(heights.min()) - room, float(heights.max()) + room


def _line_names(
    funnels: FunnelResult, key: Key, curve: pd.DataFrame, layout: FunnelLayout
) -> pd.DataFrame:
    """What each line is called, at its right end."""
    display = display_of(funnels, key[0])
    last = curve.drop_duplicates("line", keep="last").sort_values("y", kind="stable")
    if last.empty:
        return last.assign(words="")
    summary = rows_of(funnels.summary, key, second="group")["target"]
    unit = "%" if display.per == 100 else ""
    target = target_name(summary.iloc[0] if len(summary) else None, display)
    words = [
        f"\u00a0{target} {number_text(y)}{unit}"
        if line == "target"
        else f"\u00a0{_percent(line)} limit"
        for line, y in zip(last["line"], last["y"], strict=True)
    ]
    gap = layout.base * 0.02 / layout.panel[1] * float(curve["y"].max() - curve["y"].min())
    return last.assign(words=words, y=spread(list(last["y"]), gap=gap), x=curve["x"].max())


def _percent(line: str) -> str:
    """``upper_998`` is 99.8%: the digits of the two-sided probability."""
    digits = line.partition("_")[2]
    return f"{digits[:2]}{'.' if digits[2:] else ''}{digits[2:]}%"


def _unit_names(
    points: pd.DataFrame, curve: pd.DataFrame, layout: FunnelLayout, *, label: str
) -> pd.DataFrame:
    """Names (or, if many, codes) of the chosen units, each in a free place."""
    import pandas as pd

    wanted = {
        "all": points["position"].notna(),
        "none": points["position"].isna(),
        "outside": points["position"] != "within",
        "outside_998": points["position"].isin(["above_998", "below_998"]),
    }[label]
    # The outermost take the best places.
    chosen = points[wanted].sort_values("position", key=lambda at: ~at.str.endswith("998"))
    if chosen.empty:
        return chosen.assign(words="", to_x=0.0, to_y=0.0, edge_x=0.0, edge_y=0.0, away=False)
    seen = pd.concat([points[["x", "y"]].assign(weight=1.0), curve[["x", "y"]].assign(weight=0.15)])
    panel = Panel(
        width=layout.panel[0] * (1 - layout.room),
        height=layout.panel[1],
        x=(float(seen["x"].min()), float(seen["x"].max()) or 1.0),
        y=(float(seen["y"].min()) - 1e-9, float(seen["y"].max()) + 1e-9),
        size=layout.base * 0.75,
    )
    names = chosen["unit"] if len(chosen) > MOST_NAMES else chosen["name"]
    words = [_short_name(name) for name in names]
    spots = list(zip(chosen["x"], chosen["y"], strict=True))
    places = placed_labels(words, spots, panel, avoid=seen.to_numpy())
    return chosen.assign(
        words=words,
        to_x=[place.x for place in places],
        to_y=[place.y for place in places],
        edge_x=[place.edge_x for place in places],
        edge_y=[place.edge_y for place in places],
        away=[place.away for place in places],
    )


def _short_name(name: str) -> str:
    """A name without what most names share, on two lines at most."""
    short = re.sub(r" (NHS )?(Foundation )?Trust$", "", name, flags=re.IGNORECASE)
    return "\n".join(textwrap.wrap(textwrap.shorten(short, 44, placeholder=" …"), 24))
