"""Plain words for funnels and caterpillars: positions, targets, and what one shows.

Comparison is "higher" or "lower than expected"; nothing is ranked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from spcbench.levels import level_names, level_words
from spcbench.pictures.funnel_rows import reference_values
from spcbench.pictures.funnel_scale import value_words
from spcbench.pictures.results import (
    FunnelResult,
    Key,
    display_of,
    funnel_keys,
    rows_of,
    unit_title,
    view_of,
)
from spcbench.pictures.words import (
    STATUS_WORDS,
    between,
    count_text,
    doubt_text,
    missing,
    number_text,
    target_name,
    unusual_status,
)

if TYPE_CHECKING:
    import pandas as pd

    from spcbench.funnel_view import Highlight

_MOST_NAMED = 10
_SIDES = {"above": "Higher than expected", "below": "Lower than expected"}


def position_words(position: Any) -> str:
    """Where a unit stands, in words.

    Parameters
    ----------
    position : str
        Of the table of units. Missing gives ``"Not compared"``.

    Examples
    --------
    >>> position_words("within"), position_words("below_998")
    ('As expected', 'Lower than expected (outside 99.8% limits)')
    """
    if missing(position):
        return "Not compared"
    side, _, level = str(position).partition("_")
    if side not in _SIDES:
        return "As expected"
    return f"{_SIDES[side]} (outside {level_words(level)} limits)"


def positions_outside(levels: Sequence[str]) -> list[str]:
    """Positions outside limits: high ones first, then low ones, the outermost first.

    Examples
    --------
    >>> positions_outside(("95", "998"))
    ['above_998', 'above_95', 'below_998', 'below_95']
    """
    return [f"{side}_{level}" for side in _SIDES for level in reversed(levels)]


def describe_funnel(funnels: FunnelResult, measure: str, group: str = "") -> str:
    """Say what one funnel shows, as a colleague would.

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
        higher or lower than expected and how many would be by chance, where
        the highlighted units stand, and whether units vary more than chance.

    Raises
    ------
    UnknownNameError, AmbiguousNameError, OptionError
        If that is not one funnel of the result.
    """
    key = funnel_keys(funnels, measure=measure, group=group)[0]
    units = rows_of(funnels.units, key, second="group")
    summary = rows_of(funnels.summary, key, second="group")
    heading = display_of(funnels, key[0]).title + (f", {key[1]}" if key[1] else "")
    if summary.empty:
        return f"{heading}: nothing to show."
    line = summary.iloc[0]
    target = value_words(funnels, key[0], line["target"])
    said = [
        f"{heading}: {_picture(funnels)} of {count_text(line['units'], 'unit')}"
        f"{between(line['first'], line['last'], frequency=frequency_of(funnels))}"
        f"{against(funnels)}.",
        f"{target_name(funnels.method)} {target}{target_doubt(funnels, key[0])}.",
        *_reference_words(funnels, key[0]),
        *unusual_status(line),
        _outside_words(funnels, units),
        *_chance_words(funnels, line["expected_false_positives"]),
        *(_highlight_words(funnels, key[0], one, units) for one in view_of(funnels).highlight),
        *_variation_words(funnels, key, line),
    ]
    return " ".join(said)


def frequency_of(funnels: FunnelResult) -> str:
    """How long a period is, as the funnels say; empty where they do not."""
    return str(funnels.method.get("frequency") or "")


def against(funnels: FunnelResult) -> str:
    """The earlier window of a change, as the end of a phrase; nothing of other data."""
    import pandas as pd

    before = funnels.method.get("before")
    if not before:
        return ""
    first, last = (pd.Timestamp(one) for one in before)
    return ", against" + between(first, last, frequency=frequency_of(funnels)).removeprefix(",")


def extra_variation(funnels: FunnelResult, keys: Sequence[Key]) -> dict[Key, bool]:
    """Funnels whose units vary more than chance, and whether their limits allow for it."""
    advice = funnels.advice[funnels.advice["code"] == "overdispersed"]
    found: dict[Key, bool] = {}
    for measure, text in zip(advice["measure"], advice["evidence"], strict=True):
        evidence = json.loads(text)
        for key in keys:
            if key[0] == measure and (evidence.get("group", key[1]) or "") == key[1]:
                found[key] = bool(evidence.get("allowed_for"))
    return found


def _picture(funnels: FunnelResult) -> str:
    if view_of(funnels).picture == "caterpillar":
        return "caterpillar plot (values with their intervals, largest unit at the top)"
    return "funnel plot" + (" of change" if funnels.method.get("data_type") == "change" else "")


def target_doubt(funnels: FunnelResult, measure: str) -> str:
    """What is said behind a measure's own target that nobody has checked at its source."""
    return doubt_text(funnels.method, display_of(funnels, measure))


def _reference_words(funnels: FunnelResult, measure: str) -> list[str]:
    told = reference_values(funnels, measure).items()
    said = [f"{label} {value_words(funnels, measure, value)}" for label, value in told]
    return [f"{'; '.join(said)}."] if said else []


def _outside_words(funnels: FunnelResult, units: pd.DataFrame) -> str:
    told = []
    for position in positions_outside(level_names(units.columns)):
        found = units.loc[(units["position"] == position).to_numpy(bool), "unit"]
        if len(found):
            named = _listed(funnels, list(found))
            told.append(f"{position_words(position)}: {count_text(len(found), 'unit')} ({named}).")
    return " ".join(told) or "All units are as expected."


def _listed(funnels: FunnelResult, codes: Sequence[str]) -> str:
    names = [unit_title(funnels, code) for code in codes]
    more = f"; and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return "; ".join(names[:_MOST_NAMED]) + more


def _chance_words(funnels: FunnelResult, expected: Any) -> list[str]:
    if missing(expected):
        return []
    return [f"{chance_sentence(funnels, float(expected))}."]


def chance_sentence(funnels: FunnelResult, expected: float) -> str:
    """How many units chance alone would put outside the innermost limits."""
    inner = level_words(level_names(funnels.units.columns)[0])
    number = number_text(expected)
    units = "unit" if number == "1" else "units"
    # Only exact limits keep their promise for units of every size.
    bound = "up to" if funnels.method.get("limits") == "exact" else "about"
    return f"By chance alone, {bound} {number} {units} would lie outside the {inner} limits"


def _highlight_words(
    funnels: FunnelResult, measure: str, highlight: Highlight, units: pd.DataFrame
) -> str:
    """Where highlighted units stand: each by itself where they are few."""
    rows = units[units["unit"].isin(highlight.units)]
    if rows.empty:
        return f"{highlight.name}: not on this funnel."
    if len(rows) <= 3:
        told = [_standing(funnels, measure, row) for row in rows.to_dict("records")]
        names = {unit_title(funnels, code) for code in rows["unit"]}
        if len(rows) == 1 and highlight.name in names:
            return f"{told[0]}."
        return f"{highlight.name}: {'; '.join(told)}."
    levels = level_names(units.columns)
    inside = int((rows["position"] == "within").sum())
    told = [f"{inside:,} as expected"]
    for position in positions_outside(levels):
        found = rows.loc[(rows["position"] == position).to_numpy(bool), "unit"]
        if len(found):
            words = position_words(position)
            told.append(
                f"{len(found)} {words[0].lower()}{words[1:]}: {_listed(funnels, list(found))}"
            )
    return f"{highlight.name}, {count_text(len(rows), 'unit')}: {'; '.join(told)}."


def _standing(funnels: FunnelResult, measure: str, row: Mapping[str, Any]) -> str:
    name = unit_title(funnels, row["unit"])
    if missing(row["value"]):
        return f"{name} has no value ({STATUS_WORDS.get(row['status'], 'no data').lower()})"
    words = _lower_first(position_words(row["position"]))
    return f"{name} at {value_words(funnels, measure, row['value'])}, {words}"


def _lower_first(words: str) -> str:
    return words[:1].lower() + words[1:]


def _variation_words(funnels: FunnelResult, key: Key, line: pd.Series[Any]) -> list[str]:
    found = extra_variation(funnels, [key])
    if key not in found:
        return [] if missing(line["phi"]) else ["Units vary no more than chance would make them."]
    if found[key]:
        return ["Units vary more than chance alone would make them; the limits allow for it."]
    return [
        "Units vary more than chance alone would make them: a unit outside the limits is a "
        "reason to ask, not a finding."
    ]
