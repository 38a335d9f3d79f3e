"""Chart types at work on counts: settings, one engine call a type, many types in one result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spcbench.errors import InputError, OptionError, UnknownNameError
from spcbench.numeric.engine import Charted, chart
from spcbench.numeric.limits import ChartOptions, Limits, Series
from spcbench.numeric.segments import Flags, Floats, Segments, Signs

if TYPE_CHECKING:
    from spcbench.plugin.records import ChartType, Rule, RuleSet, Setting

NOT_ZERO = ("nelson", "inclusive")
"""Forms of the charts of rare events that cannot take a value of 0."""

SUITED = {
    "measured": ("any", "independent", "measured"),
    "counted": ("any", "independent"),
    "dependent": ("any",),
}
"""Rules that fit, by what the points of a chart type are."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How series are to be charted.

    Parameters
    ----------
    rule_set : RuleSet
        The rules; those that do not suit a chart type are silent there.
    limit_method, screening : str
        As `ChartOptions`.
    settings : mapping
        The chart type's own settings that the analyst named.
    threads : int
        How many blocks to work on at once.
    """

    rule_set: RuleSet
    limit_method: str = "auto"
    screening: str = "none"
    settings: Mapping[str, Any]
    threads: int = 1


def run(series: Series, chart_type: ChartType, plan: Plan) -> Charted:
    """Limits and signals of series that all have one chart type.

    Parameters
    ----------
    series : Series
        What to chart.
    chart_type : ChartType
        How.
    plan : Plan
        What the analyst chose.

    Raises
    ------
    OptionError, UnknownNameError
        If a setting is not the chart type's, or not in its range.
    """
    rules = plan.rule_set.rules
    settings = chosen_settings(chart_type, plan.settings)
    if chart_type.takes == "event" and settings.get("form") in NOT_ZERO:
        _check_no_zero(series, chart_type.id, str(settings["form"]))
    return chart(
        series,
        ChartOptions(limit_method=plan.limit_method, screening=plan.screening, settings=settings),
        limits=chart_type.limits,
        rules=[_fitting(rule, chart_type) for rule in rules],
        across_gaps=[rule.across_gaps for rule in rules],
        limited=chart_type.has_limits,
        threads=plan.threads,
    )


def _check_no_zero(series: Series, chart: str, form: str) -> None:
    least = 1.0 if form == "inclusive" else np.nextafter(0.0, 1.0)
    low = int((series.value < least).sum())
    if low:
        wanted = "of 1 or more" if form == "inclusive" else "above 0"
        raise InputError(
            f"chart {chart!r} in the form {form!r} needs values {wanted}, but {low} "
            f"{'are' if low > 1 else 'is'} not (two events at once?); the form 'probability' "
            "takes them"
        )


def suits(rule: Rule, chart_type: ChartType) -> bool:
    """Whether a rule makes sense on charts of a type.

    Parameters
    ----------
    rule : Rule
        Says what points it is for.
    chart_type : ChartType
        Says what its points are; a rule about limits needs a chart that has them.
    """
    needs_limits = rule.suits == "any"
    return rule.suits in SUITED[chart_type.points] and (chart_type.has_limits or not needs_limits)


def _fitting(rule: Rule, chart_type: ChartType) -> Callable[..., Flags]:
    return rule.detect if suits(rule, chart_type) else _never


def _never(value: Floats, z: Floats, side: Signs, segments: Segments) -> Flags:
    return np.zeros(value.size, dtype=np.bool_)


def chosen_settings(chart_type: ChartType, given: Mapping[str, Any]) -> dict[str, Any]:
    """Every setting of a chart type: what the analyst said, else its default.

    Parameters
    ----------
    chart_type : ChartType
        Whose settings.
    given : mapping of str to object
        What the analyst said; texts, as a command line has them, become numbers.

    Raises
    ------
    UnknownNameError, OptionError
        If there is no such setting, or the value is not one that it takes.
    """
    for name in given:
        if name not in chart_type.settings:
            if not chart_type.settings:
                raise OptionError(f"chart {chart_type.id!r} has no settings, so {name!r} is none")
            raise UnknownNameError(f"setting of chart {chart_type.id!r}", name, chart_type.settings)
    return {
        name: _setting(f"{name} of chart {chart_type.id!r}", given[name], setting)
        if name in given
        else setting.default
        for name, setting in chart_type.settings.items()
    }


def _setting(name: str, given: Any, setting: Setting) -> float | str | bool:
    if isinstance(setting.default, bool):
        known = {"true": True, "yes": True, "false": False, "no": False}
        word = str(given).lower()
        if word not in known:
            raise OptionError(f"{name} is yes or no, not {given!r}")
        return known[word]
    if isinstance(setting.default, str):
        if setting.choices and str(given) not in setting.choices:
            raise OptionError(f"{name} must be one of {', '.join(setting.choices)}, not {given!r}")
        return str(given)
    try:
        number = float(given)
    except (TypeError, ValueError) as error:
        raise OptionError(f"{name} must be a number, not {given!r}") from error
    if not (np.isfinite(number) and setting.low <= number <= setting.high):
        raise OptionError(f"{name} must lie {_range(setting)}, not {number:g}")
    return number


def _range(setting: Setting) -> str:
    if np.isinf(setting.high):
        return f"at {setting.low:g} or above"
    if np.isinf(setting.low):
        return f"at {setting.high:g} or below"
    return f"between {setting.low:g} and {setting.high:g}"


def part_of(series: Series, kept: Flags) -> tuple[Series, npt.NDArray[np.bool_]]:
    """Some segments of the series, as if there were no others.

    Parameters
    ----------
    series : Series
        All of them.
    kept : array of bool, shape (segments,)
        Which segments.

    Returns
    -------
    Series
        Those.
    array of bool, shape (rows,)
        Where their rows stand in the whole.
    """
    rows = series.segments.spread(kept)
    cut = {
        one.name: array[rows]
        for one in fields(Series)
        if one.name != "segments" and (array := getattr(series, one.name)) is not None
    }
    lengths = series.segments.lengths[kept]
    return replace(series, **cut, segments=Segments.from_lengths(lengths)), rows


def put_in(whole: Charted, part: Charted, *, rows: Flags, kept: Flags) -> None:
    """Write what one part of the series gave into the whole, in place.

    Parameters
    ----------
    whole, part : Charted
        Of all series, and of some.
    rows, kept : array of bool
        Which rows and which segments of the whole the part has.
    """
    for one in fields(Limits):
        made = getattr(part.limits, one.name)
        if made is not None:
            getattr(whole.limits, one.name)[rows] = made
    whole.side[rows] = part.side
    whole.fired[rows] = part.fired
    whole.dispersion[kept] = part.dispersion
    whole.known[kept] = part.known
