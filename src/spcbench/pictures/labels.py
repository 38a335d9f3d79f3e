"""Where the names of points stand, so that none hides another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_LINE_HEIGHT = 1.4
_LETTER_WIDTH = 0.56
_MARK = 0.06  # half the width of a point, in inches
_DISTANCES = (0.07, 0.14, 0.22, 0.32, 0.45, 0.6, 0.8)
_FAR = 0.2  # inches beyond which a thin line joins name and point
_NAME_WEIGHT = 4.0  # two names on each other cannot be read at all
_DISTANCE_COST = 0.03  # square inches covered that an inch nearer is worth
_SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))


@dataclass(frozen=True, slots=True)
class Panel:
    """The area that holds points and names: its size and its scales.

    Parameters
    ----------
    width, height : float
        Inches.
    x, y : tuple of float
        The least and greatest value on each axis.
    size : float
        Of the letters, in points.
    """

    width: float
    height: float
    x: tuple[float, float]
    y: tuple[float, float]
    size: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where a name stands, on the scales of the panel.

    Parameters
    ----------
    x, y : float
        Its middle.
    edge_x, edge_y : float
        The edge that is nearest to its point.
    away : bool
        True where it stands so far off that a thin line should join them.
    """

    x: float
    y: float
    edge_x: float
    edge_y: float
    away: bool


def placed_labels(
    names: Sequence[str],
    points: Sequence[tuple[float, float]],
    panel: Panel,
    *,
    avoid: Floats | None = None,
) -> list[Place]:
    """Choose a free place near each point for its name.

    Parameters
    ----------
    names : sequence of str
        One name a point; a line break makes two lines.
    points : sequence of (x, y)
        On the scales of the panel.
    panel : Panel
        The area.
    avoid : array of float, shape (marks, 3), optional
        What else should not be covered: x, y and how much it matters (1 for
        another point, less for a place on a line).

    Returns
    -------
    list of Place
        On the scales of the panel. Names are placed one after another; each
        takes the place that covers least and lies nearest.

    Examples
    --------
    >>> panel = Panel(width=4, height=4, x=(0, 4), y=(0, 4), size=7.2)
    >>> first, _ = placed_labels(["A", "B"], [(2.0, 2.0), (2.0, 2.4)], panel)
    >>> first.x > 2.0, first.y == 2.0, first.away
    (True, True, False)
    """
    import numpy as np

    origin = np.array([panel.x[0], panel.y[0]])
    inches = np.array([panel.width, panel.height]) / (np.array([panel.x[1], panel.y[1]]) - origin)
    spots = (np.array(points, dtype=float).reshape(-1, 2) - origin) * inches
    marks, weights = spots, np.ones(len(spots))
    if avoid is not None:
        marks = np.vstack([marks, (avoid[:, :2] - origin) * inches])
        weights = np.concatenate([weights, avoid[:, 2]])
    taken = np.column_stack([marks - _MARK, marks + _MARK, weights])
    places = []
    for name, spot in zip(names, spots, strict=True):
        box = _best_box(name, spot, taken, panel)
        taken = np.vstack([taken, [*box, _NAME_WEIGHT]])
        nearest = spot.clip(box[:2], box[2:])
        x, y = (float(at) for at in origin + (box[:2] + box[2:]) / 2 / inches)
        edge_x, edge_y = (float(at) for at in origin + nearest / inches)
        away = bool(np.hypot(*(nearest - spot)) > _FAR)
        places.append(Place(x, y, edge_x, edge_y, away))
    return places


def _best_box(name: str, spot: Floats, taken: Floats, panel: Panel) -> Floats:
    """The first of the candidate places that hides least: left, bottom, right, top."""
    import numpy as np

    lines = name.split("\n")
    half = np.array([max(map(len, lines)) * _LETTER_WIDTH, len(lines) * _LINE_HEIGHT])
    half = half * panel.size / 72 / 2
    middles = np.array(
        [spot + np.array(side) * (away + half) for away in _DISTANCES for side in _SIDES]
    )
    boxes = np.hstack([middles - half, middles + half])
    whole = np.array([0.0, 0.0, panel.width, panel.height, 1.0])
    cut_off = 4 * half.prod() - _shared_area(boxes, whole[None, :])
    # A name cut off at the edge is worse than one that touches a mark.
    hidden = _shared_area(boxes, taken) + 10 * cut_off
    away = np.repeat(_DISTANCES, len(_SIDES)) * _DISTANCE_COST
    return np.asarray(boxes[int(np.argmin((hidden + away).round(6)))])


def _shared_area(boxes: Floats, others: Floats) -> Floats:
    """For each box, the weighted area it shares with all the others together."""
    import numpy as np

    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:4])
    return np.asarray((high - low).clip(min=0.0).prod(axis=2) @ others[:, 4])
