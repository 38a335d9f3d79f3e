"""The words in the cells of a page: values, counts, windows, findings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from spcbench.pictures.theme import date_text, end_text, named_by_day, period_text
from spcbench.pictures.words import (
    ASSURANCE_WORDS,
    STATUS_WORDS,
    VARIATION_WORDS,
    number_text,
    value_text,
)
from spcbench.tables import Display

NO_DATA = "No data"

_SHORT = {
    "common_cause": "No signal",
    "improvement_high": "Improvement",
    "improvement_low": "Improvement",
    "concern_high": "Concern",
    "concern_low": "Concern",
    "neither_high": "Change: higher",
    "neither_low": "Change: lower",
    "not_enough_data": "Too few points",
}

_POSITIONS = {"above": "higher than the others", "below": "lower than the others"}


def cases_word(display: Display, number: float = 2) -> str:
    """What one or several cases of a measure are called.

    Examples
    --------
    >>> cases_word(Display(title="Thing", counts="baby")), cases_word(Display(title="Thing"), 1)
    ('babies', 'case')
    """
    word = display.counts or "case"
    if number == 1:
        return word
    return f"{word[:-1]}ies" if re.search("[^aeiou]y$", word) else f"{word}s"


def number_of(number: float, display: Display) -> str:
    """Cases, counted.

    Examples
    --------
    >>> number_of(1, Display(title="Thing", counts="mother"))
    '1 mother'
    """
    return f"{int(number):,} {cases_word(display, number)}"


def rate_lines(
    line: Mapping[str, Any] | pd.Series[Any] | None, display: Display, *, more: str = ""
) -> str:
    r"""A value, and below it the counts that it comes from.

    Parameters
    ----------
    line : mapping or None
        With `numerator` and `denominator`.
    display : Display
        How the measure is shown.
    more : str
        What stands behind the counts, such as a date.

    Examples
    --------
    >>> rate_lines({"numerator": 34, "denominator": 39}, Display(title="Thing"), more="Dec 2024")
    '87.2%\n34 of 39, Dec 2024'
    >>> rate_lines(None, Display(title="Thing"))
    'No data'
    """
    if line is None or pd.isna(line["denominator"]) or not line["denominator"] > 0:
        return NO_DATA
    if pd.isna(line["numerator"]):
        return NO_DATA
    value = value_text(float(line["numerator"]) / float(line["denominator"]), display)
    counts = f"{int(line['numerator']):,} of {int(line['denominator']):,}"
    return "\n".join([value, ", ".join(part for part in (counts, more) if part)])


def lost_text(line: Mapping[str, Any] | pd.Series[Any] | None, size: int, frequency: str) -> str:
    """What a sum over a window lacks; empty where it is whole.

    Parameters
    ----------
    line : mapping or None
        With `periods` that have a row, and `withheld` ones among them; of
        totals also `units` of `of_units`, the fewest that had data in a period.
    size : int
        Periods in the window.
    frequency : str
        How long one is.

    Examples
    --------
    >>> lost_text({"periods": 11, "withheld": 2}, 12, "month")
    '11 of 12 months, 2 months withheld'
    """
    if line is None:
        return ""
    word, withheld = period_word(frequency), int(line["withheld"])
    said = [f"{int(line['periods'])} of {size} {word}s"] if line["periods"] < size else []
    if withheld:
        said.append(f"{withheld} {word}{'' if withheld == 1 else 's'} withheld")
    return ", ".join(one for one in (*said, units_text(line)) if one)


def units_text(line: Mapping[str, Any] | pd.Series[Any] | None) -> str:
    """How many units a total rests on, where it lacks some; else nothing.

    Parameters
    ----------
    line : mapping or None
        With `units` and `of_units`, or without them.

    Examples
    --------
    >>> units_text({"units": 2, "of_units": 3}), units_text({})
    ('2 of 3 units', '')
    """
    if line is None or pd.isna(line.get("of_units")):
        return ""
    return f"{int(line['units'])} of {int(line['of_units'])} units"


def span_text(periods: Sequence[pd.Timestamp], frequency: str) -> str:
    """Some periods in words.

    Examples
    --------
    >>> months = pd.date_range("2024-01-01", periods=12, freq="MS")
    >>> span_text(list(months), "month")
    'the 12 months from Jan 2024 to Dec 2024'
    >>> span_text([pd.Timestamp("2024-07-01"), pd.Timestamp("2024-10-01")], "quarter")
    'the 2 quarters from Jul 2024 to Dec 2024'
    """
    size = len(periods)
    if size == 1:
        return f"the {period_word(frequency)} from {period_text(periods[0], frequency)}"
    begins = date_text(periods[0], day=named_by_day(frequency))
    return (
        f"the {size} {period_word(frequency)}s from {begins} to {end_text(periods[-1], frequency)}"
    )


def period_word(frequency: str) -> str:
    """What one period is called.

    Examples
    --------
    >>> period_word("quarter"), period_word("10 days")
    ('quarter', 'period')
    """
    return frequency if frequency in ("day", "week", "month", "quarter", "year") else "period"


def variation_text(variation: Any, status: Any, *, short: bool = False) -> str:
    """What a chart's variation icon says; why there is none where there is none."""
    if pd.isna(variation):
        return STATUS_WORDS.get(str(status), "–")
    return (_SHORT if short else VARIATION_WORDS)[str(variation)]


def assurance_text(assurance: Any) -> str:
    """What a chart's assurance icon says."""
    return "–" if pd.isna(assurance) or assurance == "none" else ASSURANCE_WORDS[str(assurance)]


def position_text(position: Any) -> str:
    """Where a unit stands among the others, briefly.

    Examples
    --------
    >>> position_text("within"), position_text("below_998"), position_text(None)
    ('in the funnel', 'lower than the others (99.8%)', 'not compared')
    """
    from spcbench.levels import level_words

    if pd.isna(position):
        return "not compared"
    side, _, level = str(position).partition("_")
    if side not in _POSITIONS:
        return "in the funnel"
    return f"{_POSITIONS[side]} ({level_words(level)})"


def target_lines(display: Display) -> str:
    r"""A measure's target and stretch target, whose they are, and whether that is checked.

    Examples
    --------
    >>> target_lines(Display(title="Thing", target=0.85, target_label="PERIPrem"))
    '85%\nPERIPrem'
    """
    if display.target is None:
        return "–"
    lines = [value_text(display.target, display)]
    if display.target_label:
        lines.append(display.target_label)
    if display.stretch is not None:
        whose = f" ({display.stretch_label})" if display.stretch_label else ""
        lines.append(f"Stretch {value_text(display.stretch, display)}{whose}")
    if not display.target_verified:
        lines.append("Not verified")
    return "\n".join(lines)


def difference_lines(difference: float, lower: float, upper: float, display: Display) -> str:
    r"""A difference between two values, and its interval.

    Examples
    --------
    >>> difference_lines(0.073, -0.031, 0.167, Display(title="Thing"))
    '7.3 points higher\n95% interval: 3.1 lower to 16.7 higher'
    """
    if pd.isna(difference):
        return "–"
    unit = " points" if display.per == 100 else ""
    said = _moved(difference, display, unit, none="no difference")
    if pd.isna(lower) or pd.isna(upper):
        return said
    return f"{said}\n95% interval: {_moved(lower, display)} to {_moved(upper, display)}"


def _moved(difference: float, display: Display, unit: str = "", none: str = "0") -> str:
    amount = number_text(abs(difference) * display.per)
    if amount == "0":
        return none
    return f"{amount}{unit} {'higher' if difference > 0 else 'lower'}"


def known_lines(known: float, missing: Any) -> str:
    r"""How much is known: a share, and how many are not known.

    Examples
    --------
    >>> known_lines(98, 2), known_lines(0, None)
    ('98%\n2 of 100 not known', '–')
    """
    if pd.isna(missing) or known + missing <= 0:
        return "–"
    share = number_text(100 * known / (known + missing))
    if not missing:
        return "100%"
    # Not rounded up to all where something is missing.
    share = "99.9" if share == "100" else share
    return f"{share}%\n{int(missing):,} of {int(known + missing):,} not known"
