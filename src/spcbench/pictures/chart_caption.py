"""The words round control charts: title, axes and the caption that says how it was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from spcbench.pictures.chart_comments import comment_list
from spcbench.pictures.chart_kinds import (
    ChartKind,
    centre_name,
    frequency_of,
    kind_in,
    kind_of,
    settings_of,
    warning_length,
)
from spcbench.pictures.chart_rows import ChartLayout
from spcbench.pictures.chart_words import longer_points, whole_chart_words
from spcbench.pictures.results import ChartResult, Key, display_of, rows_of, unit_title
from spcbench.pictures.theme import wrapped
from spcbench.pictures.words import count_text, doubts, excess_variation, number_text

if TYPE_CHECKING:
    import pandas as pd

_CHANCE_ALONE = ("p", "np", "u", "c")
"""Charts whose limits know no other variation than chance."""

_LINE_WORDS = {
    "warning": "dash and two dots, grey = level 1",
    "target": "long dashes, red = target",
    "stretch": "long dashes wide apart, red = stretch target",
    "trajectory": "dash-dotted purple = trajectory",
    "reference": "dotted = reference",
}
_SCREENED = {
    "once": "moving ranges far beyond the others left out once",
    "iterative": "moving ranges far beyond the others left out until none was",
}
_SAID_ALREADY = ("width", "h", "arl0", "warning_arl0")


def chart_titles(charts: ChartResult, keys: Sequence[Key], layout: ChartLayout) -> dict[Key, str]:
    """One different heading per chart: what differs between them, and no more."""
    measures, units = {key[0] for key in keys}, {key[1] for key in keys}
    axes = {key: axis_title(charts, key) for key in keys}
    titles: dict[Key, str] = {}
    for key in keys:
        parts = [unit_title(charts, key[1])] if len(units) > 1 else []
        if len(measures) > 1:
            parts.insert(0, display_of(charts, key[0]).title)
        if len(set(axes.values())) > 1:
            percent = kind_in(charts, key)[1].percent(display_of(charts, key[0]))
            parts += [axes[key] or percent] if axes[key] or percent else []
        title = wrapped(" · ".join(parts), width=layout.panel[0] + 0.1, size=layout.base, bold=True)
        if title in titles.values():
            title += f" [{key[0]}, {key[1]}]"
        titles[key] = title
    return titles


def axis_title(charts: ChartResult, key: Key) -> str:
    """What stands beside the y axis of one chart."""
    return kind_in(charts, key)[1].axis_title(display_of(charts, key[0]))


def tick_sign(charts: ChartResult, keys: Sequence[Key]) -> str:
    """``"%"`` where all the charts show per cent of a whole."""
    signs = {kind_in(charts, key)[1].percent(display_of(charts, key[0])) for key in keys}
    return "%" if signs == {"%"} else ""


def chart_labels(
    charts: ChartResult, keys: Sequence[Key], layout: ChartLayout, caption: str, *, by_event: bool
) -> Any:
    """Title, subtitle, caption and the names of the axes."""
    import plotnine as p9

    displays = {key[0]: display_of(charts, key[0]) for key in keys}
    units = {key[1] for key in keys}
    title = next(iter(displays.values())).title if len(displays) == 1 else "Control charts"
    named = unit_title(charts, keys[0][1]) if len(units) == 1 else count_text(len(units), "unit")
    axes = {axis_title(charts, key) for key in keys}
    width = layout.width - 0.4
    return p9.labs(
        title=wrapped(title, width=width, size=layout.base * 1.3, bold=True),
        subtitle=wrapped(named, width=width, size=layout.base),
        caption=caption,
        x="Event, in order of time" if by_event else "",
        y=wrapped(axes.pop(), width=2.6, size=layout.base) if len(axes) == 1 else "",
    )


def caption_text(
    charts: ChartResult,
    keys: Sequence[Key],
    points: pd.DataFrame,
    lines: pd.DataFrame,
    layout: ChartLayout,
) -> str:
    """Comments (under one chart), how it was made, and what the lines are; wrapped."""
    said = [
        *_method_sentences(charts, keys),
        *_baseline_words(charts),
        *_whole_chart_signals(charts, keys),
        *_false_signals(charts, keys),
        *_drawn_sentences(charts, keys, points, lines, layout),
        *_doubts(charts, keys),
    ]
    wanted = summary_of(charts, keys)
    if layout.single:
        reasons = [str(one).rstrip(".") for one in wanted["reason"].dropna() if one]
        said += [f"{one[:1].upper()}{one[1:]}." for one in reasons]
    width, size = layout.width - 0.4, layout.base * 0.74
    text = wrapped(" ".join(said), width=width, size=size)
    if not layout.single:
        return text
    often = frequency_of(charts, keys[0][0])
    comments = comment_list(points, width=width, size=size, frequency=often)
    return f"{comments}\n\n{text}" if comments else text


def _doubts(charts: ChartResult, keys: Sequence[Key]) -> list[str]:
    """Definitions, and targets of the measures' own, that nobody has compared with their source."""
    displays = {key[0]: display_of(charts, key[0]) for key in keys}
    wanted = summary_of(charts, keys)
    own = {
        name
        for name, target in zip(wanted["measure"], wanted["target"], strict=True)
        if target == displays[name].target or displays[name].stretch is not None
    }
    targets = [one for name, one in displays.items() if name in own]
    return doubts(list(displays.values()), targets)


def summary_of(charts: ChartResult, keys: Sequence[Key]) -> pd.DataFrame:
    """The summary rows of these charts."""
    return charts.summary[_wanted(charts.summary, keys)]


def _wanted(table: pd.DataFrame, keys: Sequence[Key]) -> list[bool]:
    wanted = set(keys)
    pairs = zip(table["measure"], table["unit"].fillna(""), strict=True)
    return [pair in wanted for pair in pairs]


def _method_sentences(charts: ChartResult, keys: Sequence[Key]) -> list[str]:
    """Chart types with their limits and settings, then the rule set."""
    types = summary_of(charts, keys)["chart"].dropna().astype(str)
    counted = types.value_counts(sort=False)
    by_limits: dict[str, list[str]] = {}
    for chart, number in counted.items():
        named = kind_of(chart).name
        if len(counted) > 1:
            named += f" ({count_text(number, 'chart')})"
        by_limits.setdefault(_limits_phrase(charts, keys, str(chart)), []).append(named)
    methods = [", ".join(names) + phrase for phrase, names in by_limits.items()] or ["none"]
    return [f"Method: {'. '.join(methods)}. Rules: {_rules_words(charts, list(counted.index))}."]


def _rules_words(charts: ChartResult, types: Sequence[str]) -> str:
    """The rule set, and where not all of it fits the chart."""
    title = str(charts.method.get("rule_set_title") or charts.method.get("rule_set") or "none")
    fits = {kind_of(chart).rules for chart in types}
    if fits == {"none"}:
        return "none fits this chart"
    if "limits" not in fits:
        return title
    where = "" if fits == {"limits"} else " where points depend on those before them"
    return f"{title}, and of these only what is said of the limits{where}"


def _limits_phrase(charts: ChartResult, keys: Sequence[Key], chart: str) -> str:
    """What is said of the limits of one chart type, from its semicolon on."""
    kind, settings = kind_of(chart), settings_of(charts, chart)
    parts = [_limits_words(charts, keys, chart, kind, settings)]
    if seldom := warning_length(charts, chart):
        parts.append(f"level 1 once in about {number_text(seldom)} points (the limit is level 2)")
    screening = _SCREENED.get(str(charts.method.get("screening")))
    if screening and "moving" in kind.basis:
        parts.append(screening)
    shown = {
        name: one
        for name, one in settings.items()
        if name not in _SAID_ALREADY and one is not False and one != "probability"
    }
    if shown:
        parts.append(", ".join(f"{_plain(name)} {_setting(one)}" for name, one in shown.items()))
    return "".join(f"; {part}" for part in parts if part)


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _setting(value: Any) -> str:
    if value is True:
        return "yes"
    return number_text(value, decimals=3) if isinstance(value, int | float) else _plain(str(value))


def _limits_words(
    charts: ChartResult,
    keys: Sequence[Key],
    chart: str,
    kind: ChartKind,
    settings: Mapping[str, Any],
) -> str:
    sigma = f"{number_text(float(charts.method.get('sigma', 3.0)))} sigma"
    if kind.limits == "none":
        return ""
    if kind.limits == "probability" and settings.get("form", "probability") == "probability":
        return f"probability limits ({kind.law}), passed by chance as seldom as {sigma} each side"
    if kind.limits in ("average", "decision"):
        return _calibrated_words(kind, settings)
    methods = _limit_methods(charts, keys, chart)
    known = {
        "normal": kind.basis,
        "exact": f"exact {kind.law}",
        "mid_p": f"mid-P {kind.law}",
        "jeffreys": f"Jeffreys, {kind.law}",
        "given": "about a given centre",
    }
    found = " or ".join(known.get(one, one) for one in methods)
    return f"limits at {sigma} ({found})" if found else f"limits at {sigma}"


def _limit_methods(charts: ChartResult, keys: Sequence[Key], chart: str) -> list[str]:
    drawn = [key for key in keys if kind_in(charts, key)[0] == chart]
    methods = charts.points["limit_method"][_wanted(charts.points, drawn)]
    return sorted(str(one) for one in methods.dropna().unique())


def _calibrated_words(kind: ChartKind, settings: Mapping[str, Any]) -> str:
    """Limits of charts that add up what went before, chosen by how seldom they are passed."""
    name = "limits" if kind.limits == "average" else "decision limits"
    fixed = settings.get("width" if kind.limits == "average" else "h")
    if fixed:
        of = " sigma of the weighted average" if kind.limits == "average" else ""
        return f"{name} at {number_text(float(fixed))}{of}"
    if settings.get("arl0"):
        seldom = number_text(float(settings["arl0"]))
        things = "cases" if kind is kind_of("bernoulli_cusum") else "points"
        return f"{name} that a stable series passes once in about {seldom} {things}"
    return name


def _whole_chart_signals(charts: ChartResult, keys: Sequence[Key]) -> list[str]:
    """Signals that no point of one chart shows."""
    if len(keys) != 1:
        return []
    signals = rows_of(charts.signals, keys[0], second="unit")
    return whole_chart_words(charts, keys[0], signals[signals["side"].isna()])


def _baseline_words(charts: ChartResult) -> list[str]:
    """Which points the limits come from, where that is not all of them."""
    baseline = charts.method.get("baseline")
    if baseline is None:
        return []
    if isinstance(baseline, int):
        return [f"Limits come from the first {baseline} points and hold on from there."]
    first, last = baseline
    return [f"Limits come from {first} to {last} and hold on from there."]


def _false_signals(charts: ChartResult, keys: Sequence[Key]) -> list[str]:
    said = []
    expected = summary_of(charts, keys)["expected_false_signals"].dropna()
    if len(expected):
        where = "on this chart" if len(keys) == 1 else f"on these {len(keys)} charts"
        # Exact limits are passed more seldom than nominal: how much so depends on the counts.
        points = charts.points[_wanted(charts.points, keys)]
        about = "at most about" if (points["limit_method"] == "exact").any() else "about"
        said.append(
            f"If nothing had changed, {about} {number_text(float(expected.sum()))} false signals "
            f"would be expected {where}."
        )
    by_chance = [key for key in keys if kind_in(charts, key)[0] in _CHANCE_ALONE]
    if by_chance and (note := excess_variation(charts.advice, by_chance, "chart")):
        said.append(note)
    return said


def _drawn_sentences(
    charts: ChartResult,
    keys: Sequence[Key],
    points: pd.DataFrame,
    lines: pd.DataFrame,
    layout: ChartLayout,
) -> list[str]:
    """What the lines and marks of this picture are: only of those that are drawn."""
    drawn = set(lines["line"])
    centres = sorted({centre_name(charts, key).lower() for key in keys})
    said = [f"solid black = {centres[0] if len(centres) == 1 else 'centre'}"]
    said = said if "centre" in drawn else []
    if drawn & {"ucl", "lcl"}:
        said.append("short dashes, grey = limits")
    said += [
        words + (_whose(charts, keys) if line == "target" else "")
        for line, words in _LINE_WORDS.items()
        if line in drawn
    ]
    if points.groupby("panel", observed=True)["phase"].nunique().gt(1).any():
        said.append("dotted upright = new phase")
    sentences = [f"Lines: {'; '.join(said)}."] if said else []
    if lines["beyond"].any():
        sentences.append("Limits beyond possible values are drawn at the edge.")
    if (points["verdict"] == "excluded").any():
        sentences.append("Points that were not used feed neither limits nor rules.")
    if layout.single:
        often = frequency_of(charts, keys[0][0])
        sentences += longer_points(points, points["ends"], often)
    if lost := int(points["missing_before"].sum()):
        which = "" if layout.single else " on these charts"
        sentences.append(
            f"Where the line has a gap, {count_text(lost, 'period')}{which} "
            f"{'has' if lost == 1 else 'have'} no row."
        )
    if not layout.single and points["note"].ne("").any():
        sentences.append("A star marks a comment; the table of points holds its words.")
    if charts.method.get("show_last") is not None:
        sentences.append(_shown_part(charts, keys, len(points)))
    return sentences


def _whose(charts: ChartResult, keys: Sequence[Key]) -> str:
    """Whose target of its own a chart shows, and of which time if that is said."""
    display = display_of(charts, keys[0][0])
    given = summary_of(charts, keys)["target"].iloc[0]
    own = len(keys) == 1 and display.target is not None and given == display.target
    return f" ({display.target_label})" if own and display.target_label else ""


def _shown_part(charts: ChartResult, keys: Sequence[Key], shown: int) -> str:
    total = sum(_wanted(charts.points, keys))
    if shown >= total:
        return "All points are drawn."
    return f"Only the last {shown:,} of {total:,} points are drawn; all count for the limits."
