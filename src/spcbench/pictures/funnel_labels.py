"""Free places for the names of points: on no other name, mark or joining line, or nowhere.

Lengths are inches from the lower left corner of the panel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]

LINE_HEIGHT = 1.05
_PAD = 0.018  # between two names
_NEAR = (0.015, 0.04, 0.07, 0.1)  # from the edge of a mark; nearer than this no line joins the two
_NEARER = 0.01  # by how much a name stands nearer to its own mark than to any other
_OFF = (0.14, 0.18, 0.24, 0.32)
_FAR = (0.42, 0.54, 0.68, 0.84, 1.0)
_REACH = 0.27  # of the height of the panel: a longer line is hard to follow
_CROSSING_COST = 0.3  # inches farther off that an inch less on a line is worth
_SAMPLE = 0.03  # inches from one place on a line to the next
_STEPS = tuple(step / 4 for step in range(-4, 5))
_SIDES = tuple((x, y) for x in _STEPS for y in _STEPS if max(abs(x), abs(y)) == 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A name that looks for a place.

    Parameters
    ----------
    words : str
        A line break makes two lines.
    x, y : float
        Its point.
    radius : float
        Of the mark at its point.
    order : int
        Lower comes first.
    shorter : str
        Written in place of the words where only that finds a place; ``""`` for nothing.
    insists : bool
        Whether it may cover marks where there is no other way.
    """

    words: str
    x: float
    y: float
    radius: float
    order: int = 0
    shorter: str = ""
    insists: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where a name stands.

    Parameters
    ----------
    words : str
        As they are written.
    x, y : float
        Its middle.
    edge_x, edge_y : float
        The place on its edge that is nearest to its point.
    joined : bool
        True where it stands so far off that a thin line joins them.
    """

    words: str
    x: float
    y: float
    edge_x: float
    edge_y: float
    joined: bool


@dataclass
class Room:
    """What a panel holds already; names are added one by one.

    Parameters
    ----------
    width, height : float
        Of the panel.
    size : float
        Of the letters, in points.
    marks : array of float, shape (marks, 3)
        x, y and radius of what must not be covered.
    lines : array of float, shape (places, 2)
        Places on lines, which are better not covered.
    boxes : array of float, shape (boxes, 4)
        Left, bottom, right, top of what is taken, such as other text.
    """

    width: float
    height: float
    size: float
    marks: Floats
    lines: Floats
    boxes: Floats
    joins: Floats = field(init=False)

    def __post_init__(self) -> None:
        import numpy as np

        self.joins = np.empty((0, 4))

    def place(self, names: Sequence[Name]) -> list[Spot | None]:
        """Find a place for each name.

        Parameters
        ----------
        names : sequence of Name
            Those of one `order` first look close to their points, one after
            another; then those left over look farther away.

        Returns
        -------
        list of Spot or None
            In the order given; None for a name without a free place.

        Examples
        --------
        >>> import numpy as np
        >>> room = Room(
        ...     width=2.0, height=1.0, size=7.2, marks=np.array([[1.0, 0.5, 0.05]]),
        ...     lines=np.empty((0, 2)), boxes=np.empty((0, 4)))
        >>> [spot] = room.place([Name(words="RX1", x=1.0, y=0.5, radius=0.05)])
        >>> spot.x > 1.05, spot.y == 0.5, spot.joined
        (True, True, False)
        """
        found: dict[int, Spot | None] = {}
        far = tuple(away for away in _FAR if away <= _REACH * self.height)
        for order in sorted({name.order for name in names}):
            rest = self._hemmed_in_first(names, order)
            for away, short, over in _passes(far):
                for at in rest:
                    name = names[at]
                    words = name.shorter if short else name.words
                    if words and (name.insists or not over):
                        found[at] = self._placed(name, words, away, over_marks=over)
                rest = [at for at in rest if found.get(at) is None]
        return [found[at] for at in range(len(names))]

    def _hemmed_in_first(self, names: Sequence[Name], order: int) -> list[int]:
        """Names of one order, those with the fewest free places first: waiting costs them most."""
        here = [at for at, name in enumerate(names) if name.order == order]
        tried = {at: _Candidates.round(names[at], names[at].words, self.size, _NEAR) for at in here}
        free = {at: int(self._free(tried[at], over_marks=False).sum()) for at in here}
        return sorted(here, key=lambda at: free[at])

    def _placed(
        self, name: Name, words: str, away: Sequence[float], *, over_marks: bool
    ) -> Spot | None:
        import numpy as np

        tried = _Candidates.round(name, words, self.size, away)
        free = self._free(tried, over_marks=over_marks)
        if not free.any():
            return None
        choice = np.flatnonzero(free)
        crossed = _SAMPLE * _held(tried.boxes[choice], self.lines)
        cost = tried.cost[choice] + _CROSSING_COST * crossed
        best = int(choice[np.argmin(cost.round(6))])
        self.boxes = np.vstack([self.boxes, tried.boxes[best]])
        if tried.joined[best]:
            self.joins = np.vstack([self.joins, tried.joins[best]])
        return tried.spot(best, words)

    def _free(self, tried: _Candidates, *, over_marks: bool) -> Flags:
        """Which boxes, with the lines that join them to their point, meet nothing."""
        import numpy as np

        boxes, joined = tried.boxes, tried.joined
        free = (boxes[:, :2] >= 0).all(axis=1)
        free &= (boxes[:, 2] <= self.width) & (boxes[:, 3] <= self.height)
        free &= ~_overlapping(boxes, self.boxes) & ~_through(boxes, self.joins)
        own = (np.abs(self.marks[:, :2] - tried.point) < 1e-9).all(axis=1)
        if not over_marks:
            gap, other = _gaps(boxes, self.marks[own]), _gaps(boxes, self.marks[~own])
            # A name nearer to the mark of another unit would be read as that unit's.
            free &= (gap >= 0) & (other >= 0) & (joined | (other >= gap + _NEARER))
        far = np.flatnonzero(free & joined)
        joins = tried.joins[far]
        blocked = _meeting(joins, self.joins) | _hit(joins, self.boxes)
        if not over_marks:
            blocked |= _passing(joins, self.marks[~own])
        free[far[blocked]] = False
        return np.asarray(free)


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Places to try for one name: boxes, and the lines that would join them to its point."""

    point: Floats
    boxes: Floats
    joins: Floats
    joined: Flags
    cost: Floats

    @classmethod
    def round(cls, name: Name, words: str, size: float, away: Sequence[float]) -> _Candidates:
        """Boxes on all sides of a mark, so far away from its edge."""
        import numpy as np

        point, half = np.array([name.x, name.y]), np.array(text_box(words, size))
        sides = np.tile(np.array(_SIDES), (len(away), 1))
        gaps = name.radius + np.repeat(np.array(away), len(_SIDES))[:, None]
        # At a corner the gap is that of the diagonal.
        middles = point + sides * (gaps / np.hypot(*sides.T)[:, None] + half)
        boxes = np.hstack([middles - half, middles + half])
        nearest = np.clip(point, boxes[:, :2], boxes[:, 2:])
        distance = np.hypot(*(nearest - point).T)
        return cls(
            point=point,
            boxes=boxes,
            joins=np.column_stack([np.broadcast_to(point, nearest.shape), nearest]),
            joined=distance > name.radius + _OFF[0] - 0.02,
            # People look for a name on the right, then on the left.
            cost=distance + 0.02 * np.abs(sides[:, 1]) + 0.01 * (sides[:, 0] < 0),
        )

    def spot(self, best: int, words: str) -> Spot:
        x, y = (self.boxes[best, :2] + self.boxes[best, 2:]) / 2
        edge_x, edge_y = self.joins[best, 2:]
        return Spot(
            words=words,
            x=float(x),
            y=float(y),
            edge_x=float(edge_x),
            edge_y=float(edge_y),
            joined=bool(self.joined[best]),
        )


def _passes(far: Sequence[float]) -> list[tuple[Sequence[float], bool, bool]]:
    """In which order to look: how far off, whether for the shorter words, whether over marks."""
    # A code close by is easier to read than a name at the end of a long line.
    looks = [(_NEAR, False), (_OFF, False), (_NEAR, True), (_OFF, True), (far, False), (far, True)]
    return [(away, short, over) for over in (False, True) for away, short in looks if away]


def text_box(words: str, size: float) -> tuple[float, float]:
    """Half the width and half the height of words, in inches.

    Examples
    --------
    >>> wide, high = text_box("RX1", 7.2)
    >>> round(2 * wide, 1), round(2 * high, 1)
    (0.2, 0.1)
    """
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    from spcbench.pictures.theme import FONT

    font = FontProperties(family=FONT, size=size)
    lines = words.split("\n")
    wide = max(text_to_path.get_text_width_height_descent(line, font, False)[0] for line in lines)
    # Letters are fitted to whole dots where they are drawn, which may widen them a little.
    return (float(wide) * 1.03 + 1.0) / 144, len(lines) * size * LINE_HEIGHT / 144


def _overlapping(boxes: Floats, others: Floats) -> Flags:
    import numpy as np

    low = boxes[:, None, :2] < others[None, :, 2:] + _PAD
    high = boxes[:, None, 2:] > others[None, :, :2] - _PAD
    met: Flags = np.asarray((low & high).all(axis=2))
    return np.asarray(met.any(axis=1))


def _gaps(boxes: Floats, marks: Floats) -> Floats:
    """From each box to the edge of the nearest mark; below 0 where it covers some of it."""
    import numpy as np

    nearest = np.clip(marks[None, :, :2], boxes[:, None, :2], boxes[:, None, 2:])
    gap = np.hypot(*np.moveaxis(nearest - marks[None, :, :2], 2, 0)) - marks[None, :, 2]
    return np.asarray(gap.min(axis=1, initial=np.inf))


def along(path: Floats) -> Floats:
    """Places on a line through these points, evenly spaced, as `Room` wants them.

    Parameters
    ----------
    path : array of float, shape (points, 2)
        Inches.
    """
    import numpy as np

    if len(path) < 2:
        return path
    steps = np.hypot(*np.diff(path, axis=0).T)
    walked = np.concatenate([[0.0], np.cumsum(steps)])
    at = np.arange(0.0, walked[-1], _SAMPLE)
    return np.column_stack([np.interp(at, walked, path[:, side]) for side in (0, 1)])


def _held(boxes: Floats, places: Floats) -> Floats:
    """How many places lie in each box."""
    import numpy as np

    inside = (places[None] >= boxes[:, None, :2]) & (places[None] <= boxes[:, None, 2:])
    return np.asarray(inside.all(axis=2).sum(axis=1), dtype=np.float64)


def _passing(joins: Floats, marks: Floats) -> Flags:
    """Which lines run over a mark."""
    import numpy as np

    start, along = joins[:, None, :2], (joins[:, 2:] - joins[:, :2])[:, None]
    since = marks[None, :, :2] - start
    length = (along**2).sum(axis=2)
    share = np.clip((since * along).sum(axis=2) / np.where(length > 0, length, 1.0), 0.0, 1.0)
    gap = np.hypot(*np.moveaxis(since - share[..., None] * along, 2, 0))
    return np.asarray((gap < marks[None, :, 2]).any(axis=1))


def _hit(joins: Floats, boxes: Floats) -> Flags:
    """Which lines run through a box."""
    import numpy as np

    return np.asarray(_crossed(joins, boxes).any(axis=1))


def _through(boxes: Floats, joins: Floats) -> Flags:
    """Which boxes a line runs through."""
    import numpy as np

    return np.asarray(_crossed(joins, boxes).any(axis=0))


def _crossed(joins: Floats, boxes: Floats) -> Flags:
    """Whether each line meets each box: shape (lines, boxes)."""
    import numpy as np

    start, along = joins[:, None, :2], (joins[:, 2:] - joins[:, :2])[:, None]
    along = np.where(np.abs(along) < 1e-12, 1e-12, along)
    first = (boxes[None, :, :2] - _PAD - start) / along
    second = (boxes[None, :, 2:] + _PAD - start) / along
    enters = np.minimum(first, second).max(axis=2)
    leaves = np.maximum(first, second).min(axis=2)
    return np.asarray((enters < leaves) & (enters < 1.0) & (leaves > 0.0))


def _meeting(joins: Floats, others: Floats) -> Flags:
    """Which lines cross one of the others."""
    import numpy as np

    def side(a: Floats, b: Floats, c: Floats) -> Floats:
        return np.asarray(
            (b[..., 0] - a[..., 0]) * (c[..., 1] - a[..., 1])
            - (b[..., 1] - a[..., 1]) * (c[..., 0] - a[..., 0])
        )

    a, b = joins[:, None, :2], joins[:, None, 2:]
    c, d = others[None, :, :2], others[None, :, 2:]
    apart = side(a, b, c) * side(a, b, d), side(c, d, a) * side(c, d, b)
    return np.asarray(((apart[0] < 0) & (apart[1] < 0)).any(axis=1))
