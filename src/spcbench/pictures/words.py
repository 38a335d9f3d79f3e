"""Plain words for results: values, verdicts, and the description of a picture.

Comparison is "higher" or "lower than expected"; nothing is ranked.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from spcbench.pictures.results import (
    ChartResult,
    FunnelResult,
    chart_keys,
    display_of,
    funnel_keys,
    rows_of,
    unit_title,
)
from spcbench.pictures.theme import date_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from spcbench.tables import Display

VARIATION_WORDS = {
    "common_cause": "Common cause: no significant change",
    "improvement_high": "Special cause of improvement: higher values",
    "improvement_low": "Special cause of improvement: lower values",
    "concern_high": "Special cause of concern: higher values",
    "concern_low": "Special cause of concern: lower values",
    "neither_high": "Special cause: higher values",
    "neither_low": "Special cause: lower values",
    "not_enough_data": "Not enough data to say",
}
ASSURANCE_WORDS = {
    "passes": "Consistently meets the target",
    "hit_or_miss": "Sometimes meets the target, sometimes not",
    "fails": "Consistently falls short of the target",
    "none": "No target to judge by",
}
STATUS_WORDS = {
    "ok": "Calculated",
    "no_data": "No data",
    "insufficient_data": "Too few data",
    "not_estimable": "Limits cannot be estimated",
    "suppressed": "Suppressed: small numbers",
    "invalid_input": "The data are not valid",
}
POSITION_WORDS = {
    "within": "As expected",
    "above_95": "Higher than expected (outside 95% limits)",
    "below_95": "Lower than expected (outside 95% limits)",
    "above_998": "Higher than expected (outside 99.8% limits)",
    "below_998": "Lower than expected (outside 99.8% limits)",
}
UNIT_VERDICT_WORDS = {
    "as_expected": "As expected",
    "better_than_expected": "Better than expected",
    "worse_than_expected": "Worse than expected",
    "differs": "Different from expected",
}
CHART_WORDS = {
    "p": "p chart",
    "p_prime": "p′ chart (Laney)",
    "p_additive": "p chart with additive variance",
    "u": "u chart",
    "u_prime": "u′ chart (Laney)",
    "c": "c chart",
    "g": "g chart",
    "t": "t chart",
    "i": "XmR chart",
    "run": "run chart",
}


def number_text(number: float, *, decimals: int = 1) -> str:
    """Write a number with thousands separators and no idle zeros.

    Parameters
    ----------
    number : float
        NaN gives ``"no value"``.
    decimals : int
        Places kept; numbers below 1 keep one more.

    Examples
    --------
    >>> number_text(12500.04), number_text(85.0), number_text(0.155), number_text(float("nan"))
    ('12,500', '85', '0.15', 'no value')
    """
    if math.isnan(number):
        return "no value"
    places = decimals + (abs(number) < 1)
    text = f"{number:,.{places}f}".rstrip("0").rstrip(".") if places else f"{number:,.0f}"
    return "0" if text in ("-0", "") else text


def scale_text(per: int) -> str:
    """What stands behind a number: ``"%"``, ``" per 1,000"`` or nothing.

    Examples
    --------
    >>> scale_text(100), scale_text(1000), scale_text(1)
    ('%', ' per 1,000', '')
    """
    return {1: "", 100: "%"}.get(per, f" per {per:,}")


def value_text(value: Any, display: Display) -> str:
    """Write a value of a measure as people say it.

    Parameters
    ----------
    value : float
        On the natural scale (0 to 1 for a proportion). Missing gives ``"no value"``.
    display : Display
        Whose `per` scales it.

    Examples
    --------
    >>> from spcbench.tables import Display
    >>> value_text(0.8416, Display(title="Thing"))
    '84.2%'
    >>> value_text(0.0034, Display(title="Thing", per=1000))
    '3.4 per 1,000'
    """
    if _missing(value):
        return "no value"
    return number_text(float(value) * display.per) + scale_text(display.per)


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
        Sentences: what it is, the latest value, variation, limits, target,
        signals and the false signals to expect. What is missing is said.

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
    return " ".join(
        (
            f"{heading}: {chart_name(line['chart'])} of {count_text(line['points'], 'point')}"
            f"{between(line['first'], line['last'])}.",
            *_chart_findings(line, display),
            _signals_sentence(rows_of(charts.signals, key, second="unit")),
            *_false_signals_sentence(line["expected_false_signals"]),
        )
    )


def describe_funnel(funnels: FunnelResult, measure: str, group: str = "") -> str:
    """Say what one funnel plot shows, as a colleague would.

    Parameters
    ----------
    funnels : Funnels
        The result.
    measure : str
        Which measure.
    group : str
        Which group; ``""`` where units were not split into groups.

    Returns
    -------
    str
        Sentences: how many units, the line they are compared with, who is
        higher or lower than expected, and how many would be by chance.

    Raises
    ------
    UnknownNameError, AmbiguousNameError, OptionError
        If that is not one funnel of the result.
    """
    key = funnel_keys(funnels, measure=measure, group=group)[0]
    display = display_of(funnels, key[0])
    units = rows_of(funnels.units, key, second="group")
    summary = rows_of(funnels.summary, key, second="group")
    heading = display.title + (f", {key[1]}" if key[1] else "")
    if summary.empty:
        return f"{heading}: nothing to show."
    line = summary.iloc[0]
    return " ".join(
        (
            f"{heading}: funnel plot of {count_text(line['units'], 'unit')}"
            f"{between(line['first'], line['last'])}.",
            f"{target_name(line['target'], display)} {value_text(line['target'], display)}.",
            *_unusual_status(line),
            _outside_sentence(funnels, units),
            *_chance_sentence(line["expected_false_positives"]),
        )
    )


def chart_name(chart: Any) -> str:
    """What people call a chart type; one nobody named keeps its id."""
    return CHART_WORDS.get(str(chart), f"{chart} chart")


def count_text(number: Any, thing: str) -> str:
    """Count things.

    Examples
    --------
    >>> count_text(1, "point"), count_text(1200, "unit")
    ('1 point', '1,200 units')
    """
    counted = 0 if _missing(number) else int(number)
    return f"{counted:,} {thing}" + ("" if counted == 1 else "s")


def target_name(target: Any, display: Display) -> str:
    """Call the line of a funnel by its name: a target that was set, or the average.

    A target and a peer benchmark are different things.
    """
    given = display.target
    if given is not None and not _missing(target) and math.isclose(given, target, rel_tol=1e-12):
        return "Target"
    return "Average"


def _missing(value: Any) -> bool:
    import pandas as pd

    return bool(pd.isna(value))


def excess_variation(advice: pd.DataFrame, keys: Sequence[tuple[str, str]], noun: str) -> str:
    """A sentence for the caption where the data vary more than the limits allow for.

    Parameters
    ----------
    advice : pandas.DataFrame
        As `tables.ADVICE`.
    keys : sequence of (str, str)
        The charts or funnels drawn.
    noun : str
        ``"chart"`` or ``"funnel"``.
    """
    found = advice[advice["code"] == "overdispersed"]
    pairs = set(zip(found["measure"], found["unit"].fillna(""), strict=True))
    number = len(pairs & set(keys))
    if not number:
        return ""
    where = f"On this {noun}" if len(keys) == 1 else f"On {number} of these {noun}s"
    return (
        f"{where} the points vary more than chance alone would make them: "
        "the limits are too narrow there, and too much lies outside."
    )


def between(first: Any, last: Any) -> str:
    """Which periods, as the end of a phrase; dates are first days of periods."""
    if _missing(first) or _missing(last):
        return ""
    if first == last:
        return f", one period from {date_text(first)}"
    return f", {date_text(first)} to {date_text(last)}"


def _chart_findings(line: pd.Series[Any], display: Display) -> list[str]:
    found = [f"Latest value {value_text(line['latest_value'], display)}."]
    found += _unusual_status(line)
    if not _missing(line["variation"]):
        found.append(f"{VARIATION_WORDS[line['variation']]}.")
    if not _missing(line["centre"]):
        found.append(f"Centre line {value_text(line['centre'], display)}.")
    if not (_missing(line["lcl"]) or _missing(line["ucl"])):
        found.append(
            f"Limits {value_text(line['lcl'], display)} to {value_text(line['ucl'], display)}."
        )
    if not _missing(line["target"]):
        judged = line["assurance"]
        words = "" if _missing(judged) or judged == "none" else f": {_judged(judged)}"
        found.append(f"Target {value_text(line['target'], display)}{words}.")
    return found


def _judged(assurance: str) -> str:
    return {
        "passes": "the process consistently meets it",
        "hit_or_miss": "the process sometimes meets it, sometimes not",
        "fails": "the process consistently falls short of it",
    }[assurance]


def _unusual_status(line: pd.Series[Any]) -> list[str]:
    if _missing(line["status"]) or line["status"] == "ok":
        return []
    reason = "" if _missing(line["reason"]) or not line["reason"] else f": {line['reason']}"
    return [f"{STATUS_WORDS[line['status']]}{reason}".rstrip(".") + "."]


def _signals_sentence(signals: pd.DataFrame) -> str:
    if signals.empty:
        return "No special-cause signals."
    latest = signals.sort_values(["last", "first"], kind="stable").iloc[-1]
    where = (
        "rising"
        if latest["side"] == "rising"
        else "falling"
        if latest["side"] == "falling"
        else f"{latest['side']} the centre line"
    )
    when = (
        f"in {date_text(latest['last'])}"
        if latest["first"] == latest["last"]
        else f"from {date_text(latest['first'])} to {date_text(latest['last'])}"
    )
    return (
        f"{count_text(len(signals), 'special-cause signal')}, the latest {when}, {where} "
        f"(rule {latest['rule']})."
    )


def _false_signals_sentence(expected: Any) -> list[str]:
    if _missing(expected):
        return []
    return [f"A stable chart of this length gives about {number_text(expected)} false signals."]


def _outside_sentence(funnels: FunnelResult, units: pd.DataFrame) -> str:
    told = []
    for position in ("above_998", "above_95", "below_998", "below_95"):
        found = units.loc[(units["position"] == position).to_numpy(bool), "unit"]
        if found.empty:
            continue
        names = [unit_title(funnels, unit) for unit in found]
        listed = "; ".join(names[:10]) + (f"; and {len(names) - 10} more" if names[10:] else "")
        told.append(f"{POSITION_WORDS[position]}: {count_text(len(names), 'unit')} ({listed}).")
    return " ".join(told) or "All units are as expected."


def _chance_sentence(expected: Any) -> list[str]:
    if _missing(expected):
        return []
    return [
        f"By chance alone, about {number_text(expected)} units would lie outside the 95% limits."
    ]
