"""What every rule set promises: `detect(value, z, side, segments) -> bool array`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spcbench.numeric.segments import Segments
    from spcbench.plugin import Rule, RuleSet


def gives_one_flag_a_point(rule_set: RuleSet) -> None:
    """Each rule gives a boolean array of one entry a row, False where there is no data.

    A rule about the chart as a whole flags every point with data, or none.
    """
    import numpy as np

    for rule in rule_set.rules:
        points = sample(holes=True)
        flags = _flags(rule, points)
        if not (isinstance(flags, np.ndarray) and np.issubdtype(flags.dtype, np.bool_)):
            raise AssertionError(f"rule {rule.id!r} must give a boolean array")
        if flags.shape != points.value.shape:
            raise AssertionError(
                f"rule {rule.id!r} gives shape {flags.shape}, wanted {points.value.shape}"
            )
        known = ~np.isnan(points.value)
        if np.any(flags & ~known):
            raise AssertionError(f"rule {rule.id!r} flags a point that has no data")
        if rule.judged_by == "chart":
            flagged = points.segments.sums(flags.astype(np.int64))
            with_data = points.segments.sums(known.astype(np.int64))
            if np.any((flagged > 0) & (flagged < with_data)):
                raise AssertionError(
                    f"rule {rule.id!r} is judged by the chart and flags only some of its points"
                )


def is_silent_on_the_centre_line(rule_set: RuleSet) -> None:
    """No rule fires where every point lies on the centre line."""
    import numpy as np

    for rule in rule_set.rules:
        if np.any(_flags(rule, sample(on_the_centre_line=True))):
            raise AssertionError(f"rule {rule.id!r} fires on points that lie on the centre line")


def flags_the_same_in_percent(rule_set: RuleSet) -> None:
    """A proportion and the same in per cent have the same signals."""
    import numpy as np

    for rule in rule_set.rules:
        proportion, percent = sample(), sample(scale=100.0)
        if not np.array_equal(_flags(rule, proportion), _flags(rule, percent)):
            raise AssertionError(f"rule {rule.id!r} depends on the unit of the values")


def does_not_leak_between_segments(rule_set: RuleSet) -> None:
    """One segment at a time equals all together."""
    import numpy as np

    for rule in rule_set.rules:
        together = _flags(rule, sample())
        points = sample()  # afresh, for a rule that writes to its input
        for place, first in enumerate(points.segments.starts):
            rows = slice(int(first), int(first + points.segments.lengths[place]))
            if not np.array_equal(_flags(rule, points.part(place, rows)), together[rows]):
                raise AssertionError(f"rule {rule.id!r} looks across the edge of a segment")


def writes_to_no_input(rule_set: RuleSet) -> None:
    """The arrays are as they were."""
    import numpy as np

    for rule in rule_set.rules:
        points, untouched = sample(), sample()
        _flags(rule, points)
        for name in ("value", "z", "side"):
            if not np.array_equal(getattr(points, name), getattr(untouched, name)):
                raise AssertionError(f"rule {rule.id!r} changed {name}")


RULE_SET_PROMISES = (
    gives_one_flag_a_point,
    is_silent_on_the_centre_line,
    flags_the_same_in_percent,
    does_not_leak_between_segments,
    writes_to_no_input,
)


@dataclass(frozen=True, slots=True)
class Points:
    """What a rule sees; arrays of shape (rows,)."""

    value: Any
    z: Any
    side: Any
    segments: Segments

    def part(self, place: int, rows: slice) -> Points:
        """One segment by itself."""
        return Points(
            self.value[rows],
            self.z[rows],
            self.side[rows],
            self.segments.part(place, place + 1),
        )


def sample(*, scale: float = 1.0, on_the_centre_line: bool = False, holes: bool = False) -> Points:
    """Make points that invite rules to fire, most of all across the edges of segments.

    Parameters
    ----------
    scale : float
        Factor of the values: 100 for per cent.
    on_the_centre_line : bool
        Whether every point lies exactly there.
    holes : bool
        Whether some points have no data, as the engine hands them over: value
        and score not a number, side 0.

    Returns
    -------
    Points
        Five segments; the same at every call.
    """
    import numpy as np

    from spcbench.numeric.segments import Segments

    rising = np.arange(1, 7) * 0.2
    alternating = np.tile([0.9, -0.9], 6)
    pieces = (
        # A run and a trend of six before an edge and six after it,
        np.concatenate(([-0.5, 0.3, -0.2], rising)),
        np.concatenate((rising + 1.2, [-0.4, 0.6, -0.1, 2.5])),
        # then two of three beyond two sigma,
        np.concatenate(([2.6, -0.3, 0.2, -3.5], alternating)),
        # then 24 points that alternate,
        np.concatenate((alternating, [-1.2, -1.4, -1.6, -1.8])),
        # then a noisy stretch with a shift in it.
        np.concatenate((np.random.default_rng(7).normal(0, 1.5, 30), np.full(12, -0.7))),
    )
    z = np.concatenate(pieces) * (0.0 if on_the_centre_line else 1.0)
    if holes:
        z[4::17] = np.nan
    return Points(
        value=scale * (0.5 + 0.05 * z),
        z=z,
        side=np.sign(np.nan_to_num(z)).astype(np.int8),
        segments=Segments.from_lengths([piece.size for piece in pieces]),
    )


def _flags(rule: Rule, points: Points) -> Any:
    return rule.detect(points.value, points.z, points.side, points.segments)
