"""What each chart type is called, what its axis shows and between which bounds.

Nothing here is a statistic: only words, units and what is possible.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from spcbench.pictures.results import ChartResult, Key, rows_of
from spcbench.pictures.words import number_text, scale_text, value_text

if TYPE_CHECKING:
    from spcbench.tables import Display

Bounds = tuple[float, float]
_WHOLE: Bounds = (0.0, 1.0)
_NOT_NEGATIVE: Bounds = (0.0, math.inf)
_ANY: Bounds = (-math.inf, math.inf)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartKind:
    """How one chart type is drawn and told.

    Parameters
    ----------
    name : str
        What people call it.
    axis : str
        What is plotted, where that is not the measure itself.
    centre : str
        What the centre line is.
    thing : str
        What a value counts, in words, where it has a scale of its own.
    scale : str
        ``"measure"``: the scale of the measure; ``"difference"``: distances on
        that scale; ``"own"``: counts, days or sums, never multiplied.
    bounds : (float, float), optional
        The least and greatest possible value, on the natural scale; None where
        it depends on what is charted.
    limits : str
        ``"sigma"``, ``"probability"``, ``"average"`` (of an EWMA),
        ``"decision"`` (of a CUSUM) or ``"none"``.
    basis : str
        What limits in sigma rest on.
    law : str
        The distribution that exact limits come from.
    rules : str
        ``"all"``; ``"limits"`` where points depend on those before them, so
        that only rules about the limits fit; ``"none"``.
    below : str
        What a value below zero counts, where that is another thing.
    """

    name: str
    axis: str = ""
    centre: str = "Mean"
    thing: str = ""
    scale: Literal["measure", "difference", "own"] = "measure"
    bounds: Bounds | None = None
    limits: Literal["sigma", "probability", "average", "decision", "none"] = "sigma"
    basis: str = "normal approximation"
    law: str = "binomial"
    rules: Literal["all", "limits", "none"] = "all"
    below: str = ""

    def factor(self, display: Display) -> int:
        """What a value is multiplied by to be shown."""
        return 1 if self.scale == "own" else display.per

    def percent(self, display: Display) -> str:
        """``"%"`` where numbers are per cent of a whole, else nothing."""
        return "%" if self.scale == "measure" and display.per == 100 else ""

    def axis_title(self, display: Display) -> str:
        """What stands beside the y axis; empty where the marks say ``%``."""
        if self.scale == "own":
            return self.axis
        points = self.scale == "difference" and display.per == 100
        unit = "percentage points" if points else scale_text(display.per).strip().rstrip("%")
        title = f"{self.axis}, {unit}" if self.axis and unit else self.axis or unit
        return title[:1].upper() + title[1:]

    def value_words(self, value: Any, display: Display) -> str:
        """A plotted value as people say it; missing gives ``"no value"``."""
        if self.scale == "measure" or value_text(value, display) == "no value":
            return value_text(value, display)
        number = float(value) * self.factor(display)
        if self.scale == "difference":
            unit = " percentage points" if display.per == 100 else scale_text(display.per)
            return number_text(number) + unit
        if self.below and number < 0:
            return number_text(-number) + self.below
        text = number_text(number)
        one = text == "1" and self.thing in (" cases", " days")
        return text + (self.thing.removesuffix("s") if one else self.thing)

    def range_words(self, low: Any, high: Any, display: Display) -> str:
        """From one value to another; the unit is said once where it is a word."""
        first = self.value_words(low, display)
        if not self.below:
            per = scale_text(display.per) if display.per != 100 else " percentage points"
            first = first.removesuffix(self.thing if self.scale == "own" else per)
        return f"{first} to {self.value_words(high, display)}"


_MOVING = "from moving ranges"
_WIDENED = "widened by the variation between points"
_WITHIN = "from the spread within subgroups"


def _cusum(name: str) -> ChartKind:
    return ChartKind(
        name=name,
        axis="Cumulative sum",
        centre="Zero",
        scale="own",
        bounds=_ANY,
        limits="decision",
        rules="limits",
    )


KINDS: Mapping[str, ChartKind] = {
    "p": ChartKind(name="p chart", bounds=_WHOLE),
    "np": ChartKind(
        name="np chart", axis="Number", centre="Expected", scale="own", bounds=_NOT_NEGATIVE
    ),
    "p_prime": ChartKind(name="p′ chart (Laney)", bounds=_WHOLE, basis=_WIDENED),
    "p_additive": ChartKind(
        name="p chart with additive variance",
        bounds=_WHOLE,
        basis="with the variation between points added",
    ),
    "u": ChartKind(name="u chart", bounds=_NOT_NEGATIVE, law="Poisson"),
    "u_prime": ChartKind(
        name="u′ chart (Laney)",
        bounds=_NOT_NEGATIVE,
        basis=_WIDENED,
        law="Poisson",
    ),
    "c": ChartKind(name="c chart", axis="Number", scale="own", bounds=_NOT_NEGATIVE, law="Poisson"),
    "c_prime": ChartKind(
        name="c′ chart (Laney)",
        axis="Number",
        scale="own",
        bounds=_NOT_NEGATIVE,
        basis=_WIDENED,
        law="Poisson",
    ),
    "i": ChartKind(name="XmR chart", basis=_MOVING),
    "i_prime": ChartKind(name="I′ chart", basis=_MOVING),
    "mr": ChartKind(
        name="moving range chart",
        axis="Moving range",
        scale="difference",
        rules="limits",
        bounds=_NOT_NEGATIVE,
        basis=_MOVING,
    ),
    "run": ChartKind(name="run chart", centre="Median", limits="none"),
    "g": ChartKind(
        name="g chart",
        axis="Cases between events",
        centre="Median",
        thing=" cases",
        scale="own",
        bounds=_NOT_NEGATIVE,
        limits="probability",
        law="geometric",
    ),
    "t": ChartKind(
        name="t chart",
        axis="Days between events",
        centre="Median",
        thing=" days",
        scale="own",
        bounds=_NOT_NEGATIVE,
        limits="probability",
        law="exponential",
    ),
    "xbar": ChartKind(name="x̄ chart", axis="Mean of the subgroup", basis=_WITHIN),
    "s": ChartKind(
        name="s chart",
        axis="Standard deviation within the subgroup",
        scale="difference",
        bounds=_NOT_NEGATIVE,
        basis=_WITHIN,
    ),
    "ewma": ChartKind(name="EWMA chart", axis="Weighted average", limits="average", rules="limits"),
    "cusum": _cusum("CUSUM chart"),
    "bernoulli_cusum": _cusum("Bernoulli CUSUM chart"),
    "poisson_cusum": _cusum("Poisson CUSUM chart"),
    "vlad": ChartKind(
        name="VLAD",
        axis="Expected minus observed events, added up",
        centre="Zero",
        thing=" fewer than expected",
        below=" more than expected",
        scale="own",
        bounds=_ANY,
        limits="none",
        rules="none",
    ),
}
"""The built-in chart types by id."""


def kind_of(chart: Any) -> ChartKind:
    """What is known of a chart type; one that a plugin brought keeps its id as a name.

    Examples
    --------
    >>> kind_of("g").axis, kind_of("x2").name
    ('Cases between events', 'x2 chart')
    """
    return KINDS.get(str(chart)) or ChartKind(name=f"{chart} chart")


def kind_in(charts: ChartResult, key: Key) -> tuple[str, ChartKind]:
    """The id and kind of one chart of a result; both may differ from chart to chart."""
    rows = rows_of(charts.summary, key, second="unit")
    chart = rows["chart"].iloc[0] if len(rows) else charts.method.get("chart", "")
    return str(chart), kind_of(chart)


def settings_of(charts: ChartResult, chart: str) -> dict[str, Any]:
    """What the analyst chose for this chart type, as the method records it.

    Either one mapping for all, or one for each chart type.
    """
    settings = charts.method.get("settings") or {}
    own = settings.get(chart)
    if isinstance(own, Mapping):
        return dict(own)
    return {name: one for name, one in settings.items() if not isinstance(one, Mapping)}


def frequency_of(charts: ChartResult, measure: str) -> str:
    """How long a period of one measure is, as its charts say; empty where they do not."""
    said = str(charts.method.get("frequency") or "")
    for part in said.split("; "):
        if part.startswith(f"{measure}: "):
            return part.removeprefix(f"{measure}: ")
    return said


def warning_length(charts: ChartResult, chart: str) -> float:
    """Points to a false signal of level 1, where the analyst set one below the limit; else 0.

    Such a chart has two levels: its upper warning line and its limit. Elsewhere
    the warning line is a share of the limit, and not drawn.
    """
    settings = settings_of(charts, chart)
    return float(settings.get("warning_arl0") or 0.0)


def centre_name(charts: ChartResult, key: Key) -> str:
    """What the centre line of one chart is called: mean, median, zero or given."""
    chart, kind = kind_in(charts, key)
    if kind.centre == "Zero":
        return kind.centre
    given = charts.method.get("centre")
    if isinstance(given, Mapping):
        given = any(name == key[0] or key[0].endswith(f":{name}") for name in given) or None
    if given is not None:
        return "Given centre"
    settings = settings_of(charts, chart)
    if settings.get("centre_line") == "median":
        return "Median"
    # Nelson's is the mean of roots, turned back: neither mean nor median.
    by_form = {"inclusive": "Mean", "nelson": "Centre"}
    return by_form.get(str(settings.get("form")), kind.centre)
