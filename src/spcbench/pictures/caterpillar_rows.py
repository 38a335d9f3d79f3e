"""The rows behind a caterpillar plot: units with their intervals, and how large all is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spcbench.errors import OptionError
from spcbench.levels import level_names
from spcbench.pictures.funnel_layout import SLIDE_HEIGHT, FunnelLayout
from spcbench.pictures.funnel_names import short_name
from spcbench.pictures.funnel_rows import reference_values, unit_points
from spcbench.pictures.funnel_scale import Scale
from spcbench.pictures.results import FunnelResult, Key, rows_of
from spcbench.pictures.theme import plain
from spcbench.pictures.words import doubt_text, target_name

if TYPE_CHECKING:
    import pandas as pd

MOST_UNITS = 200
"""A taller picture than this many rows is better read as a table."""

MOST_CATERPILLARS = {"page": 6, "half": 2, "slide": 3}
_ROW = 1.32
"""Height of a row, as a multiple of its letters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaterpillarLayout(FunnelLayout):
    """Sizes in inches and points, from the number of panels and of units.

    Parameters
    ----------
    units : int
        Of the panel with the most.
    """

    units: int = 1

    @classmethod
    def of(cls, funnels: int, size: str, *, units: int = 1) -> CaterpillarLayout:
        """The layout of so many caterpillars of up to so many units.

        Raises
        ------
        OptionError
            If they do not fit.
        """
        most = MOST_CATERPILLARS[size]
        if funnels > most:
            where = "" if size == "page" else f" of the size {size!r}"
            raise OptionError(
                f"{funnels:,} caterpillars do not fit in one picture{where} (at most {most}): "
                "choose some with --measure (measure=, group=), or write .pdf or .html"
            )
        if units > MOST_UNITS:
            raise OptionError(
                f"{units:,} units do not fit in one caterpillar (at most {MOST_UNITS}): choose a "
                "group (by=, group=), or write .csv for the table of estimates"
            )
        columns = 1 if size == "half" else min(funnels, 3)
        return cls(columns=columns, rows=-(-funnels // columns), size=size, units=units)

    def check(self) -> None:
        """Refuse a slide with more units than can be read.

        Raises
        ------
        OptionError
            Naming how many fit.
        """
        most = int(self.panel[1] / self._row_height) - 2
        if self.size == "slide" and self.units > most:
            raise OptionError(
                f"{self.units:,} units do not fit in a caterpillar on a slide (at most {most}): "
                "choose a group (by=, group=), or the size page"
            )

    @property
    def _panel_height(self) -> float:
        if self.size == "slide":
            return max(0.1, (SLIDE_HEIGHT - self._around) / self.rows)
        return (self.units + 2.5) * self._row_height

    @property
    def name_size(self) -> float:
        """Of the names of units, in points."""
        if self.size == "slide":
            return 14.0
        if self.size == "half":
            return 6.5
        return 8.0 if self.units <= 40 else 7.0

    @property
    def _row_height(self) -> float:
        airy = 1.3 if self.size == "page" and self.units <= 40 else 1.0
        return airy * _ROW * self.name_size / 72

    @property
    def name_letters(self) -> int:
        """Longest name of a unit."""
        return 36 if self.size == "page" and self.columns == 1 else 24


@dataclass(frozen=True, slots=True)
class CaterpillarRows:
    """The rows behind one caterpillar.

    Parameters
    ----------
    scale : Scale
        Of the x axis.
    points : pandas.DataFrame
        One row a unit: ``x, y, shrunken, inner_low, inner_high, outer_low,
        outer_high, kind, unit``, intervals as far as they are shown.
    lines : pandas.DataFrame
        Target and references: ``line, words, side, x, bottom, top``.
    cut : pandas.DataFrame
        ``x, y, words`` at every interval that runs on beyond the picture.
    names : mapping of float to str
        What each unit is called, by its height.
    edges : mapping
        ``left, right`` of the panel, ``bottom, top``.
    """

    scale: Scale
    points: pd.DataFrame
    lines: pd.DataFrame
    cut: pd.DataFrame
    names: Mapping[float, str]
    edges: Mapping[str, float]

    @property
    def corners(self) -> pd.DataFrame:
        """Lower left and upper right of the panel."""
        import pandas as pd

        return pd.DataFrame(
            {
                "x": [self.edges["left"], self.edges["right"]],
                "y": [self.edges["bottom"], self.edges["top"]],
            }
        )

    def bands(self, units: Collection[str]) -> pd.DataFrame:
        """The rows of these units, from edge to edge."""
        rows = self.points.loc[self.points["unit"].isin(units), ["y"]]
        return rows.assign(
            low_y=rows["y"] - 0.5,
            high_y=rows["y"] + 0.5,
            left=self.edges["left"],
            right=self.edges["right"],
        )

    @classmethod
    def of(
        cls, funnels: FunnelResult, key: Key, layout: CaterpillarLayout, *, floor: float
    ) -> CaterpillarRows:
        """The rows of one caterpillar, whose lowest unit stands just above `floor`."""
        scale = Scale.of(funnels, key[0])
        points = _with_intervals(funnels, key, scale)
        # The largest at the top; units of one size by their code.
        points = points.sort_values(["x", "unit"], ascending=[True, False], kind="stable")
        size = points["x"].to_numpy()
        points = points.assign(x=points["y"], y=floor + 1.0 + _counted(points))
        lines = _named_lines(funnels, key, scale)
        left, right = _window(points, size, lines)
        above = floor + len(points) + 0.6
        edges = {
            "left": left,
            "right": right,
            "bottom": floor + 0.3,
            "top": above + 1.1 + 1.2 * (len(lines) - 1),
        }
        points, cut = _cut(points, left, right)
        return cls(
            scale=scale,
            points=points,
            lines=_placed_lines(lines, edges, above),
            cut=cut,
            names=dict(zip(points["y"], _unit_names(points, layout), strict=True)),
            edges=edges,
        )


def _counted(points: pd.DataFrame) -> Any:
    import numpy as np

    return np.arange(len(points), dtype=float)


def _unit_names(points: pd.DataFrame, layout: CaterpillarLayout) -> list[str]:
    return [
        plain(short_name(name, letters=layout.name_letters, lines=1)) for name in points["name"]
    ]


def _with_intervals(funnels: FunnelResult, key: Key, scale: Scale) -> pd.DataFrame:
    """Units as a funnel has them, with their intervals and shrunken values."""
    own = rows_of(funnels.estimates, key, second="group").set_index("unit")
    points = unit_points(funnels, key)
    own = own.reindex(points["unit"].to_numpy())
    levels = level_names(funnels.units.columns)
    made = {"shrunken": scale.heights(own["shrunken"])}
    bars = [("inner", levels[0]), *([("outer", levels[-1])] if len(levels) > 1 else [])]
    for bar, level in bars:
        low = scale.heights(own[f"interval_lower_{level}"])
        high = scale.heights(own[f"interval_upper_{level}"])
        made[f"{bar}_low"], made[f"{bar}_high"] = _open_ends(low, high)
    without = {name: float("nan") for name in ("outer_low", "outer_high") if name not in made}
    return points.assign(**made, **without)


def _open_ends(low: Any, high: Any) -> tuple[Any, Any]:
    """An interval that has one end only runs on for ever on the other side."""
    import numpy as np

    known = ~(np.isnan(low) & np.isnan(high))
    return (
        np.where(known & np.isnan(low), -np.inf, low),
        np.where(known & np.isnan(high), np.inf, high),
    )


def _named_lines(funnels: FunnelResult, key: Key, scale: Scale) -> pd.DataFrame:
    """Target and references with their names, from left to right."""
    import pandas as pd

    summary = rows_of(funnels.summary, key, second="group")["target"]
    doubt = doubt_text(funnels.method, scale.display)
    told = [("target", target_name(funnels.method) + doubt, value) for value in summary[:1]]
    told += [("reference", label, one) for label, one in reference_values(funnels, key[0]).items()]
    heights = scale.heights([value for _, _, value in told])
    lines = pd.DataFrame(
        {
            "line": [line for line, _, _ in told],
            "words": [
                plain(f"{name} {scale.words(float(at))}")
                for (_, name, _), at in zip(told, heights, strict=True)
            ],
            "x": heights,
        }
    )
    return lines.dropna(subset=["x"]).sort_values("x", kind="stable")


def _placed_lines(lines: pd.DataFrame, edges: Mapping[str, float], above: float) -> pd.DataFrame:
    """Each name above all units and above the one before, turned inwards near the edge."""
    import numpy as np

    share = (lines["x"] - edges["left"]) / (edges["right"] - edges["left"])
    return lines.assign(
        bottom=edges["bottom"],
        top=above + 1.2 * np.arange(len(lines)),
        side=np.select([share < 0.2, share > 0.8], ["left", "right"], "center"),
    )


def _window(points: pd.DataFrame, size: Any, lines: pd.DataFrame) -> tuple[float, float]:
    """What is worth showing: values, and the intervals of all but the smallest units."""
    import numpy as np
    import pandas as pd

    usual = points[size >= np.quantile(size, 0.15)]
    bars = [usual[f"{bar}_{end}"] for bar in ("inner", "outer") for end in ("low", "high")]
    seen = pd.concat([points["x"], points["shrunken"], lines["x"], *bars])
    seen = seen[np.isfinite(seen)]
    low, high = float(seen.min()), float(seen.max())
    room = 0.02 * (high - low) or 0.05 * max(abs(high), 1.0)
    return low - room, high + room


def _cut(points: pd.DataFrame, left: float, right: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Intervals as far as they lie in the window, and where they run on beyond it."""
    import pandas as pd

    ends = []
    for side, edge, beyond, words in (
        ("low", left, pd.Series.lt, "‹"),
        ("high", right, pd.Series.gt, "›"),
    ):
        longest = points[f"outer_{side}"].fillna(points[f"inner_{side}"])
        rows = points.loc[beyond(longest, edge), ["y"]]
        ends.append(rows.assign(x=edge, words=words))
    bars = {
        name: points[name].clip(left, right)
        for name in ("inner_low", "inner_high", "outer_low", "outer_high")
    }
    return points.assign(**bars), pd.concat(ends, ignore_index=True)
