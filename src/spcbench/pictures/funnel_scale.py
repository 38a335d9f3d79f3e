"""From values of a measure to places on the axis of a funnel, and the words for both."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spcbench.pictures.results import FunnelResult, display_of
from spcbench.pictures.words import number_text, scale_text, scaled_text, value_text

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from spcbench.tables import Display

    Floats = npt.NDArray[np.float64]

RATIOS = ("ratio", "two_counts", "change")
"""Data types whose values are ratios, which no percentage suits."""

_SIZES = {
    "rate": "Exposure",
    "ratio": "Expected number",
    "two_counts": "Both counts together",
    "change": "Effective size of both periods",
}
_CHANGES = {
    "proportion": "Odds ratio, after to before",
    "rate": "Ratio of rates, after to before",
    "ratio": "Ratio, after to before",
}


@dataclass(frozen=True, slots=True)
class Scale:
    """How the values of one measure stand on an axis.

    Parameters
    ----------
    display : Display
        Its `per` scales values.
    by_logarithm : bool
        Whether equal distances are equal ratios: so of changes, of which
        double and half are equally far from none.
    """

    display: Display
    by_logarithm: bool = False

    @classmethod
    def of(cls, funnels: FunnelResult, measure: str) -> Scale:
        """The scale of one measure of a result."""
        kind = funnels.method.get("data_type")
        return cls(shown_as(funnels, measure), kind == "change")

    def heights(self, values: Any) -> Floats:
        """Where values stand; NaN for what cannot be drawn.

        Examples
        --------
        >>> from spcbench.tables import Display
        >>> Scale(Display(title="")).heights([0.5, float("inf")]).tolist()
        [50.0, nan]
        >>> Scale(Display(title="", per=1), True).heights([10.0, 0.0]).tolist()
        [1.0, nan]
        """
        import numpy as np

        scaled = np.asarray(values, dtype=np.float64) * self.display.per
        if self.by_logarithm:
            scaled = np.log10(np.where(scaled > 0, scaled, np.nan))
        return np.where(np.isfinite(scaled), scaled, np.nan)

    def words(self, height: float) -> str:
        """What stands at a height, with its per cent sign.

        Examples
        --------
        >>> from spcbench.tables import Display
        >>> Scale(Display(title="")).words(84.25)
        '84.3%'
        """
        number = 10.0**height if self.by_logarithm else height
        if self.display.per == 1:
            return _ratio_text(number)
        return scaled_text(number, self.display.per) + ("%" if self.display.per == 100 else "")

    def breaks(self, limits: tuple[float, float]) -> Sequence[float]:
        """Marks of the axis between two heights."""
        from mizani.breaks import breaks_extended

        if not self.by_logarithm:
            return [float(at) for at in breaks_extended(n=5)(limits)]
        low, high = 10.0 ** limits[0], 10.0 ** limits[1]
        return [math.log10(at) for at in breaks_extended(n=6)((low, high)) if at > 0]


def axis_words(scales: Sequence[Scale]) -> Callable[[Sequence[float]], list[str]]:
    """What stands beside the marks of an axis that several measures may share."""
    same = len({scale.display.per for scale in scales}) == 1
    sign = "%" if same and scales[0].display.per == 100 else ""

    def words(breaks: Sequence[float]) -> list[str]:
        numbers = [10.0**at if scales[0].by_logarithm else at for at in breaks]
        return [f"{number_text(number, decimals=2)}{sign}" for number in numbers]

    return words


def shown_as(funnels: FunnelResult, measure: str) -> Display:
    """How the values of a measure are shown: those of ratios are no percentages."""
    display = display_of(funnels, measure)
    if funnels.method.get("data_type") == "change":
        return dataclasses.replace(display, per=1)
    return display


def value_words(funnels: FunnelResult, measure: str, value: Any) -> str:
    """A value of a measure as people say it."""
    if funnels.method.get("data_type") in RATIOS and shown_as(funnels, measure).per == 1:
        return _ratio_text(float(value))
    return value_text(value, shown_as(funnels, measure))


def _ratio_text(number: float) -> str:
    """Two decimals on both sides of 1, where ratios lie."""
    return number_text(number, decimals=2 - (abs(number) < 1))


def size_title(funnels: FunnelResult) -> str:
    """What the x axis is."""
    kind = str(funnels.method.get("data_type"))
    if kind not in _SIZES and len(funnels.units) and funnels.units["denominator"].isna().all():
        return "Expected number"
    return _SIZES.get(kind, "Denominator (number of cases)")


def value_title(funnels: FunnelResult, measures: Sequence[str]) -> str:
    """What the y axis is, where its marks do not say."""
    kind = funnels.method.get("data_type")
    if kind == "change":
        return _CHANGES.get(str(funnels.method.get("change_of")), "After to before")
    if kind == "two_counts":
        return "First count over second"
    scales = {display_of(funnels, measure).per for measure in measures}
    if kind == "ratio" and scales == {1}:
        return "Observed over expected"
    per = max(scales)
    return scale_text(per).strip().capitalize() if len(scales) == 1 and per > 100 else ""
