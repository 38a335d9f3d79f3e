"""The description of a control chart in plain words, as a colleague would say it."""

from __future__ import annotations

from textwrap import shorten
from typing import TYPE_CHECKING, Any

from spcbench.pictures.chart_comments import dates_text, everywhere, own_words
from spcbench.pictures.chart_kinds import (
    ChartKind,
    centre_name,
    frequency_of,
    kind_in,
    warning_length,
)
from spcbench.pictures.periods import is_longer
from spcbench.pictures.results import ChartResult, Key, chart_keys, display_of, rows_of, unit_title
from spcbench.pictures.theme import by_day, date_text, end_text, period_text
from spcbench.pictures.words import (
    VARIATION_WORDS,
    between,
    count_text,
    missing,
    number_text,
    unusual_status,
)

if TYPE_CHECKING:
    import pandas as pd


_MOST_TOLD = 5
_MOST_LETTERS = 600
"""Of the comments in a description: whoever hears it read out cannot skip them."""
_FEWEST = 3
"""Fewer points than this can show nothing."""
_ALIKE = 1e-9
"""Limits that differ by less do so only by rounding."""
_ASSURED = {
    "passes": "the process consistently meets it",
    "hit_or_miss": "the process sometimes meets it, sometimes not",
    "fails": "the process consistently falls short of it",
}
_SIDELESS = {
    "crossings": "fewer crossings of the {centre} than chance allows",
    "few-runs": "fewer runs about the {centre} than chance allows",
    "many-runs": "more runs about the {centre} than chance allows",
    "longest-run": "a longer run on one side of the {centre} than chance allows",
    "alt": "values that go up and down in turn",
    "in": "values closer to the centre line than chance would leave them",
    "out": "values on both sides that keep away from the centre line",
}
"""What a signal without a side says, by rule without its number; `{centre}` is mean, median …"""


def describe_chart(charts: ChartResult, measure: str, unit: str) -> str:
    """Say what one control chart shows, as a colleague would.

    Parameters
    ----------
    charts : ControlCharts
        The result.
    measure, unit : str
        Which chart.

    Returns
    -------
    str
        Sentences: what it is, the latest value, variation, centre, limits,
        target and other lines, phases, signals and the false ones to expect,
        points not used, comments. What is missing is said.

    Raises
    ------
    UnknownNameError, AmbiguousNameError, OptionError
        If that is not one chart of the result.
    """
    key = chart_keys(charts, measure=measure, unit=unit)[0]
    display = display_of(charts, key[0])
    heading = f"{display.title}, {unit_title(charts, key[1])}"
    rows = rows_of(charts.summary, key, second="unit")
    if rows.empty:
        return f"{heading}: nothing to show."
    line = rows.iloc[0]
    _, kind = kind_in(charts, key)
    points = rows_of(charts.points, key, second="unit")
    day, often = by_day(points["period"]), frequency_of(charts, key[0])
    plotted = kind.axis[:1].lower() + kind.axis[1:]
    ends = points["period_end"].iloc[-1] if "period_end" in points and len(points) else None
    shown = f" Plotted: {plotted}." if plotted and kind.axis != "Number" else ""
    return " ".join(
        (
            f"{heading}: {kind.name} of {count_text(line['points'], 'point')}"
            f"{between(line['first'], line['last'], day=day, frequency=often, ends=ends)}.{shown}",
            *_findings(charts, key, line, points),
            *_other_lines(charts, key, points, kind),
            *_phases(points, day=day),
            *_signal_sentences(charts, key, day=day),
            *_false_signals(line["expected_false_signals"]),
            *_longer(points, often),
            *_left_out(points, often, day=day),
            *_comments(points, often, day=day),
        )
    )


def _findings(
    charts: ChartResult, key: Key, line: pd.Series[Any], points: pd.DataFrame
) -> list[str]:
    display, (chart, kind) = display_of(charts, key[0]), kind_in(charts, key)
    found = [f"Latest value {kind.value_words(line['latest_value'], display)}."]
    found += unusual_status(line)
    if not missing(line["variation"]):
        found.append(_latest_points(str(line["variation"])))
    if not missing(line["centre"]) and kind.centre != "Zero":
        name = centre_name(charts, key)
        name = "Centre line" if name in ("Mean", "Centre", "Expected") else name
        found.append(f"{name} {kind.value_words(line['centre'], display)}.")
    if not (missing(line["lcl"]) or missing(line["ucl"])):
        named = {"decision": "Decision limits", "probability": "Probability limits"}
        found.append(
            f"{named.get(kind.limits, 'Limits')} {_where_limits(points)}"
            f"{kind.range_words(line['lcl'], line['ucl'], display)}."
        )
    if warning_length(charts, chart) and not missing(line["ucl"]):
        first, second = points["upper_warning"].dropna().iloc[-1], line["ucl"]
        found.append(
            f"Two levels: level 1 at {kind.value_words(first, display)}, "
            f"level 2 at {kind.value_words(second, display)}."
        )
        if first < line["latest_value"] <= second:
            found.append("The latest point lies above level 1.")
    if not missing(line["target"]):
        judged = "" if missing(line["assurance"]) else str(line["assurance"])
        words = f": {_ASSURED[judged]}" if judged in _ASSURED else ""
        own = display.target is not None and line["target"] == display.target
        doubt = " (not verified)" if own and not display.target_verified else ""
        found.append(f"Target {kind.value_words(line['target'], display)}{doubt}{words}.")
        if not missing(line["reason"]) and "no assurance icon" in line["reason"]:
            found.append(f"{line['reason'][:1].upper()}{line['reason'][1:]}.")
    return found


def _latest_points(variation: str) -> str:
    """What the chart shows of late: earlier points may say something else."""
    words = VARIATION_WORDS[variation]
    if variation == "not_enough_data":
        return f"{words}."
    return f"At its latest points: {words[:1].lower()}{words[1:].replace(': ', ', ')}."


def _where_limits(points: pd.DataFrame) -> str:
    """That limits are those of the latest point, where others of its phase have others."""
    known = points.dropna(subset=["lcl", "ucl"])
    known = known[(known["phase"] == known["phase"].max()).to_numpy(bool)]
    alike = ((known[["lcl", "ucl"]].max() - known[["lcl", "ucl"]].min()) < _ALIKE).all()
    return "" if alike else "at the latest point "


def _other_lines(charts: ChartResult, key: Key, points: pd.DataFrame, kind: ChartKind) -> list[str]:
    said, display = [], display_of(charts, key[0])
    if display.stretch is not None:
        doubt = "" if display.target_verified else " (not verified)"
        said.append(f"Stretch target {kind.value_words(display.stretch, display)}{doubt}.")
    planned = points["trajectory"].dropna() if "trajectory" in points else points["value"].head(0)
    if len(planned):
        said.append(
            f"Trajectory {kind.value_words(planned.iloc[-1], display)} at the latest point."
        )
    told = [
        f"{name} {kind.value_words(one, display)}"
        for name, one in (charts.method.get("references") or {}).items()
    ]
    for one in charts.method.get("published") or ():
        if one["measure"] == key[0]:
            note = f" ({one['note']})" if one["note"] else ""
            told.append(f"{one['label']} {kind.value_words(one['value'], display)}{note}")
    if told:
        said.append(f"For reference: {'; '.join(told)}.")
    return said


def _phases(points: pd.DataFrame, *, day: bool) -> list[str]:
    starts = points.drop_duplicates("phase")
    if len(starts) < 2:
        return []
    return [
        f"{len(starts)} phases, the latest from {date_text(starts['period'].iloc[-1], day=day)}."
    ]


def _signal_sentences(charts: ChartResult, key: Key, *, day: bool) -> list[str]:
    often = frequency_of(charts, key[0])
    signals = rows_of(charts.signals, key, second="unit")
    sided = signals[signals["side"].notna()]
    if signals.empty and kind_in(charts, key)[1].rules == "none":
        return ["Not judged: no rule for special causes fits this chart."]
    if signals.empty and rows_of(charts.points, key, second="unit")["value"].count() < _FEWEST:
        return ["Too few points to look for special causes."]
    if signals.empty:
        return ["No special-cause signals."]
    said = [_latest_signal(sided, often, day=day)] if len(sided) else []
    return said + whole_chart_words(charts, key, signals[signals["side"].isna()], day=day)


def whole_chart_words(
    charts: ChartResult, key: Key, signals: pd.DataFrame, *, day: bool = False
) -> list[str]:
    """Signals without a side, which no point of the chart shows, in words."""
    said = []
    centre, often = centre_name(charts, key).lower(), frequency_of(charts, key[0])
    for rule, found in signals.groupby("rule", sort=False):
        words = _SIDELESS.get(str(rule).lstrip("0123456789"), "").format(centre=centre)
        when = _when(found.sort_values("last", kind="stable").iloc[-1], often, day=day)
        said.append(
            f"Special-cause signal {when}: {words} (rule {rule})."
            if words
            else f"Special-cause signal {when} (rule {rule})."
        )
    return said


def _latest_signal(signals: pd.DataFrame, often: str, *, day: bool) -> str:
    latest = signals.sort_values(["last", "first"], kind="stable").iloc[-1]
    side = str(latest["side"])
    where = side if side in ("rising", "falling") else f"{side} the centre line"
    return (
        f"{count_text(len(signals), 'special-cause signal')}, the latest "
        f"{_when(latest, often, day=day)}, {where} (rule {latest['rule']})."
    )


def _when(signal: pd.Series[Any], often: str, *, day: bool) -> str:
    if signal["first"] == signal["last"]:
        return f"in {period_text(signal['first'], often, day=day)}"
    ends = end_text(signal["last"], often, day=day)
    return f"from {date_text(signal['first'], day=day)} to {ends}"


def _false_signals(expected: Any) -> list[str]:
    if missing(expected):
        return []
    return [f"A stable chart of this length gives about {number_text(expected)} false signals."]


def _longer(points: pd.DataFrame, often: str) -> list[str]:
    return longer_points(points, points["period_end"], often) if "period_end" in points else []


def longer_points(points: pd.DataFrame, ends: pd.Series, frequency: str) -> list[str]:
    """Which points stand for more than a period of the usual length, in words."""
    told = [
        period_text(date, frequency, ends=end)
        for date, end in zip(points["period"], ends, strict=True)
        if is_longer(date, end, frequency)
    ]
    if not told:
        return []
    if len(told) == len(points) > 1:
        return [f"Each point is of more than a {frequency or 'month'}: the latest {told[-1]}."]
    more = f" and {len(told) - _MOST_TOLD} more" if told[_MOST_TOLD:] else ""
    which = "One point is of a longer period"
    if len(told) > 1:
        which = f"{len(told)} points are of longer periods"
    return [f"{which}: {', '.join(told[:_MOST_TOLD])}{more}."]


def _left_out(points: pd.DataFrame, often: str, *, day: bool) -> list[str]:
    if "excluded" not in points or not points["excluded"].any():
        return []
    dates = [
        period_text(date, often, day=day)
        for date in points.loc[points["excluded"].astype(bool), "period"]
    ]
    more = f" and {len(dates) - _MOST_TOLD} more" if dates[_MOST_TOLD:] else ""
    listed = ", ".join(dates[:_MOST_TOLD]) + more
    return [f"Shown but not used: {count_text(len(dates), 'point')} ({listed})."]


def _comments(points: pd.DataFrame, often: str, *, day: bool) -> list[str]:
    """What is said of all points once, then the latest comments, equal ones together."""
    notes = points["note"].astype("string").fillna("").str.strip()
    own = points.assign(said=own_words(notes))
    own = own[own["said"].ne("").to_numpy(bool)]
    found = sorted(own.groupby("said", sort=False)["period"], key=lambda one: one[1].max())
    told: list[str] = []
    for text, dates in reversed(found[-_MOST_TOLD:]):
        one = f"{dates_text(dates, often, day=day)}: {_shortened(str(text))}"
        if told and sum(map(len, told)) + len(one) > _MOST_LETTERS:
            break
        told.insert(0, one)
    if earlier := len(found) - len(told):
        told.insert(0, count_text(earlier, "earlier comment"))
    if common := everywhere(notes):
        told.insert(0, f"all points: {_shortened('; '.join(common))}")
    said = f"Comments: {'; '.join(told)}"
    return [said if said.endswith("…") else f"{said}."] if told else []


def _shortened(text: str) -> str:
    """A comment in one line, its end left to the table of points where it is long."""
    return shorten(text, _MOST_LETTERS // 3, placeholder=" …").rstrip(".")
