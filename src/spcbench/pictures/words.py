"""Plain words for results: values, verdicts, counts of things and stretches of time."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from spcbench.pictures.periods import is_longer
from spcbench.pictures.theme import date_text, end_text, period_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
UNIT_VERDICT_WORDS = {
    "as_expected": "As expected",
    "better_than_expected": "Better than expected",
    "worse_than_expected": "Worse than expected",
    "differs": "Different from expected",
}
DOUBT = "not verified"
TARGET_WORDS = {
    "pooled": "Average",
    "given": "Target",
    "standard": "Standard",
    "national": "National figure",
}


_SAME = 1e-12
"""Numbers that differ by less do so only by the arithmetic."""
_EXACT = 1e15
"""Numbers beyond have no decimals that are certain."""


def number_text(number: float, *, decimals: int = 1) -> str:
    """Write a number with thousands separators and no idle zeros; halves go up.

    Parameters
    ----------
    number : float
        NaN gives ``"no value"``.
    decimals : int
        Places kept; numbers below 1 keep one more.

    Examples
    --------
    >>> number_text(12500.04), number_text(85.0), number_text(0.155), number_text(float("nan"))
    ('12,500', '85', '0.16', 'no value')
    """
    if math.isnan(number):
        return "no value"
    places = decimals + (abs(number) < 1)
    text = _rounded(number, places)
    text = text.rstrip("0").rstrip(".") if places else text
    return "0" if text in ("-0", "") else text


def _rounded(number: float, places: int) -> str:
    """A number to so many places, halves up as written: 96.55 is 96.6, however it was reached."""
    from decimal import ROUND_HALF_UP, Decimal

    if not abs(number) < _EXACT:
        return f"{number:,.{places}f}"
    # Twelve digits: what lies beyond comes from the arithmetic.
    written, step = Decimal(f"{number:.12g}"), Decimal(f"1e-{int(places)}")
    return f"{written.quantize(step, ROUND_HALF_UP):,f}"


def scaled_text(number: float, per: int) -> str:
    """Write a number that is already scaled: what is not all or nothing never reads as if it were.

    Parameters
    ----------
    number : float
        Such as 99.97 per cent.
    per : int
        Its scale: 100 for per cent.

    Examples
    --------
    >>> scaled_text(99.97, 100), scaled_text(99.99995, 100), scaled_text(100.0, 100)
    ('99.97', '>99.999', '100')
    >>> scaled_text(0.0004, 100), scaled_text(0.0, 100), scaled_text(99.97, 1000)
    ('<0.001', '0', '100')
    """
    whole = 100.0 if per == 100 else math.inf
    if per == 1 or not 0.0 < number < whole or math.isclose(number, whole, rel_tol=_SAME):
        return number_text(number)
    for places in (1 + (number < 1), 2, 3):
        text = _rounded(number, places).rstrip("0").rstrip(".")
        if text not in ("", "0", "100") or (text == "100" and whole > 100.0):
            return text
    return "<0.001" if number < 1 else ">99.999"


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
    if missing(value):
        return "no value"
    return scaled_text(float(value) * display.per, display.per) + scale_text(display.per)


def count_text(number: Any, thing: str) -> str:
    """Count things.

    Examples
    --------
    >>> count_text(1, "point"), count_text(1200, "unit")
    ('1 point', '1,200 units')
    """
    counted = 0 if missing(number) else int(number)
    return f"{counted:,} {thing}" + ("" if counted == 1 else "s")


def target_name(method: Mapping[str, Any]) -> str:
    """Call the line of a funnel by its name.

    A target and a peer benchmark are different things.

    Parameters
    ----------
    method : mapping
        Of a result; its `target` says where the line comes from.

    Examples
    --------
    >>> target_name({"target": "given"}), target_name({})
    ('Target', 'Average')
    """
    return TARGET_WORDS.get(str(method.get("target")), "Average")


def doubt_text(method: Mapping[str, Any], display: Display) -> str:
    """What is said behind a measure's own target that nobody has checked at its source.

    Examples
    --------
    >>> from spcbench.tables import Display
    >>> doubt_text({"target": "standard"}, Display(title="Thing", target_verified=False))
    ' (not verified)'
    """
    own = method.get("target") == "standard"
    return f" ({DOUBT})" if own and not display.target_verified else ""


def doubts(displays: Sequence[Display], targets: Sequence[Display]) -> list[str]:
    """What the caption of a picture says of definitions and targets that nobody has checked.

    Parameters
    ----------
    displays : sequence of Display
        Of the measures in the picture.
    targets : sequence of Display
        Of those whose own target is drawn.

    Examples
    --------
    >>> from spcbench.tables import Display
    >>> milk = Display(title="Milk", verified=False, target_verified=False)
    >>> doubts([milk], [milk])
    ['Definition not verified.', 'Target not verified.']
    >>> doubts([milk, Display(title="Cord")], [])
    ['Definition not verified of 1 of 2 measures.']
    """
    found = {
        "Definition": [one for one in displays if not one.verified],
        "Target": [one for one in targets if not one.target_verified],
    }
    said: list[str] = []
    for what, which in found.items():
        part = f" of {len(which)} of {len(displays)} measures" if which != list(displays) else ""
        said += [f"{what} {DOUBT}{part}."] if which else []
    return said


def folded(text: str, letters: int) -> list[str]:
    """A label in short lines, none of which ends between "not" and "verified".

    Examples
    --------
    >>> folded("Target (not verified) 80%", 12)
    ['Target', '(not verified)', '80%']
    """
    import textwrap

    if DOUBT in text:
        letters = max(letters, len(f"({DOUBT}),"))
    whole = text.replace(DOUBT, DOUBT.replace(" ", "\u00a0"))
    lines = textwrap.wrap(whole, letters, break_on_hyphens=False)
    return [line.replace("\u00a0", " ") for line in lines]


def missing(value: Any) -> bool:
    """Whether one value is null, of whatever type."""
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
    # Some limits allow for it, and say so.
    pairs = {
        (measure, unit)
        for measure, unit, evidence in zip(
            found["measure"], found["unit"].fillna(""), found["evidence"], strict=True
        )
        if not json.loads(evidence).get("allowed_for")
    }
    number = len(pairs & set(keys))
    if not number:
        return ""
    where = f"On this {noun}" if len(keys) == 1 else f"On {number} of these {noun}s"
    return (
        f"{where} the points vary more than chance alone would make them: "
        "the limits are too narrow there, and too much lies outside."
    )


def between(
    first: Any, last: Any, *, day: bool = False, frequency: str = "", ends: Any | None = None
) -> str:
    """Which periods, as the end of a phrase; dates are first days of periods, or days.

    `ends` is the last day of the last one, if it is known.

    Examples
    --------
    >>> import pandas as pd
    >>> first, last = pd.Timestamp("2022-01-01"), pd.Timestamp("2024-10-01")
    >>> between(first, last), between(first, last, frequency="quarter")
    (', Jan 2022 to Oct 2024', ', Jan 2022 to Dec 2024')
    """
    if missing(first) or missing(last):
        return ""
    if first == last:
        told = period_text(first, frequency, day=day, ends=ends)
        return f", {told}" if " to " in told else f", one period from {told}"
    if is_longer(last, ends, frequency):
        _, _, until = period_text(last, frequency, ends=ends).rpartition(" to ")
        return f", {date_text(first, day=day)} to {until}"
    return f", {date_text(first, day=day)} to {end_text(last, frequency, day=day)}"


def unusual_status(line: pd.Series[Any]) -> list[str]:
    """A sentence on a chart or funnel that is not as it should be; none where all is well."""
    if missing(line["status"]) or line["status"] == "ok":
        return []
    reason = "" if missing(line["reason"]) or not line["reason"] else f": {line['reason']}"
    return [f"{STATUS_WORDS[line['status']]}{reason}".rstrip(".") + "."]
