"""Comments on a control chart: numbered markers on it, and their words below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spcbench.pictures.chart_rows import ChartLayout, height_range
from spcbench.pictures.labels import Panel, placed_labels
from spcbench.pictures.theme import INK, by_day, period_text, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import numpy.typing as npt
    import pandas as pd

MOST_DATES = 2
"""More periods than this, of which the same is said, are counted and not named."""

MOST_COMMENTS = 15
"""The words of more comments than this take more room than the chart."""


def comment_rows(points: pd.DataFrame) -> pd.DataFrame:
    """The points that carry a comment, with the marker of each.

    Numbered from 1 within each chart, points of which the same is said alike; a
    dash where there is no value to mark. Where a chart has too many, its latest
    are kept. What is said of every point of a chart marks none.
    """
    import pandas as pd

    noted = _without_remarks(points)
    noted = noted[noted["note"].str.strip().ne("")]
    noted = noted.groupby("panel", observed=True).tail(MOST_COMMENTS)
    seen = noted["y"].notna()
    marker = pd.Series("–", index=noted.index)
    for _, notes in noted["note"][seen].groupby(noted["panel"], observed=True):
        marker[notes.index] = (pd.factorize(notes)[0] + 1).astype(str)
    return noted.assign(marker=marker)


def _without_remarks(points: pd.DataFrame) -> pd.DataFrame:
    """Points whose notes say only what is not said of all points of their chart."""
    left = points.copy()
    for _, notes in points.groupby("panel", observed=True)["note"]:
        left.loc[notes.index, "note"] = own_words(notes)
    return left


def own_words(notes: pd.Series) -> list[str]:
    """The notes of one chart without what stands in all of them."""
    remark = everywhere(notes)
    return ["; ".join(part for part in note.split("; ") if part not in remark) for note in notes]


def dates_text(dates: Iterable[pd.Timestamp], frequency: str, *, day: bool) -> str:
    """The first periods of which something is said, and how many more there are.

    Examples
    --------
    >>> import pandas as pd
    >>> dates_text(pd.date_range("2024-04-01", periods=13, freq="MS"), "month", day=False)
    'Apr 2024, May 2024 and 11 more'
    """
    told = [period_text(one, frequency, day=day) for one in dates]
    if len(told) <= MOST_DATES:
        return " and ".join(told)
    return f"{', '.join(told[:MOST_DATES])} and {len(told) - MOST_DATES} more"


def everywhere(notes: pd.Series) -> list[str]:
    """What stands in the note of every point of a chart, where there are several points."""
    if len(notes) < 2:
        return []
    said = [dict.fromkeys(note.split("; ")) for note in notes.unique()]
    return [part for part in said[0] if part.strip() and all(part in one for one in said)]


def comment_list(points: pd.DataFrame, *, width: float, size: float, frequency: str = "") -> str:
    """The words of the comments, each once, wrapped; empty without comments.

    Parameters
    ----------
    points : pandas.DataFrame
        As `scaled_points` gives them, of one chart.
    width, size : float
        Of the line in inches, of the letters in points.
    frequency : str
        How long a period is.
    """
    kept, day = comment_rows(points), by_day(points["period"])
    listed = [
        wrapped(
            f"{marker}  {dates_text(dates, frequency, day=day)}: {' '.join(str(note).split())}",
            width=width,
            size=size,
            indent="\u00a0" * 4,
        )
        for (marker, note), dates in kept.groupby(["marker", "note"], sort=False)["period"]
    ]
    unseen = int(_without_remarks(points)["note"].str.strip().ne("").sum()) - len(kept)
    remarks = "; ".join(everywhere(points["note"]))
    if remarks:
        words = f"All points: {' '.join(remarks.split())}"
        listed.append(wrapped(words, width=width, size=size, indent="\u00a0" * 4))
    if unseen > 0:
        listed.insert(0, f"{unseen} earlier in the table of points.")
    return "\n".join(listed)


def comment_layers(points: pd.DataFrame, lines: pd.DataFrame, layout: ChartLayout) -> list[Any]:
    """Markers near their points: numbers on one chart, stars on small ones."""
    import pandas as pd
    import plotnine as p9

    noted = comment_rows(points).dropna(subset=["y"])
    if noted.empty:
        return []
    placed = pd.concat(
        [
            _placed(rows, points[points["panel"] == panel], lines[lines["panel"] == panel], layout)
            for panel, rows in noted.groupby("panel", observed=True)
        ]
    )
    ends = p9.aes("x", "y", xend="edge_x", yend="edge_y")
    # Always joined: between two points a marker alone could belong to either.
    joins = [p9.geom_segment(ends, data=placed, color=INK, size=0.3)]
    marker = p9.aes("to_x", "to_y", label="marker")
    if not layout.single:
        return [*joins, p9.geom_text(marker, data=placed, color=INK, size=11, va="center")]
    return [
        *joins,
        p9.geom_label(
            marker,
            data=placed,
            color=INK,
            fill="white",
            size=layout.base * 0.72,
            label_size=0.4,
            label_padding=0.18,
            label_r=0.15,
        ),
    ]


def _placed(
    noted: pd.DataFrame, points: pd.DataFrame, lines: pd.DataFrame, layout: ChartLayout
) -> pd.DataFrame:
    """Where the markers of one chart stand: near their points, on nothing else."""
    import numpy as np

    known = points.dropna(subset=["y"])
    low, high = height_range(points, lines)
    margin = 0.06 * (high - low)
    origin = points["x"].min()
    here, there = _steps(known["x"], origin), _steps(lines["x"], origin)
    width, height = layout.panel
    panel = Panel(
        width=width * (0.82 if layout.single else 0.7),  # the rest holds the names of lines
        height=height,
        x=(0.0, max(1.0, float(here.max()))),
        y=(low - margin, high + margin),
        size=layout.base * 0.9,
    )
    between = _between(here), _between(known["y"].to_numpy())
    avoid = np.concatenate(
        [
            np.column_stack([here, known["y"], np.ones(len(known))]),
            np.column_stack([*between, np.full(len(between[0]), 0.5)]),
            np.column_stack([there, lines["y"], np.full(len(lines), 0.3)]),
        ]
    )
    marker = noted["marker"] if layout.single else ["*"] * len(noted)
    spots = list(zip(_steps(noted["x"], origin), noted["y"], strict=True))
    places = placed_labels([f" {one} " for one in marker], spots, panel, avoid=avoid)
    return noted.assign(
        marker=marker,
        to_x=_dates([place.x for place in places], origin),
        to_y=[place.y for place in places],
        edge_x=_dates([place.edge_x for place in places], origin),
        edge_y=[place.edge_y for place in places],
    )


def _between(places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Three places on each stretch of a line, so that no marker stands on it."""
    import numpy as np

    steps = np.arange(len(places))
    at = np.concatenate([steps[:-1] + part for part in (0.25, 0.5, 0.75)])
    return np.asarray(np.interp(at, steps, places), dtype=np.float64)


def _steps(x: pd.Series[Any], origin: Any) -> npt.NDArray[np.float64]:
    """Days, or events, since the first point."""
    import numpy as np
    import pandas as pd

    since = x - origin
    days = since / pd.Timedelta(days=1) if isinstance(origin, pd.Timestamp) else since
    return np.asarray(days, dtype=np.float64)


def _dates(steps: list[float], origin: Any) -> Any:
    """The way back from `_steps` to the axis."""
    import numpy as np
    import pandas as pd

    if isinstance(origin, pd.Timestamp):
        return origin + pd.to_timedelta(steps, unit="D")
    return np.asarray(steps) + origin
