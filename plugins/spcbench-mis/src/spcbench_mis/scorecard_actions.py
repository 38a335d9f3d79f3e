"""What the verdicts on items make of a safety action, what is at risk, and what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pandas as pd

from spcbench_mis.scheme_data import SchemeYear, scheme
from spcbench_mis.scorecard_words import action_text, counts_text

ACTION_COLUMNS = (
    "action", "title", "verdict", "verdict_text", "required", "met", "open", "counts",
)  # fmt: skip
"""Columns of the table of safety actions."""

FULFILLED = ("met", "met_by_exception", "none_due", "no_mark", "not_applicable")
"""Verdicts on an item that stop no action."""

NOT_ASKED = ("no_mark", "not_applicable")
"""Of these, what has not been met either."""

SHORT = ("cannot_now_be_met", "not_met", "at_risk")
"""What is known to stand between a trust and an action, the gravest first."""

_OTHERS = ("unsettled", "not_reported", "on_course", "in_progress")


def together(verdicts: Sequence[str]) -> str:
    """What verdicts make of a whole, of which every part must be met.

    What is known to be short comes before what is not known.

    Examples
    --------
    >>> together(["met", "not_reported", "at_risk"])
    'at_risk'
    """
    for word in (*SHORT, *_OTHERS):
        if word in verdicts:
            return word
    return "met"


def action_rows(items: pd.DataFrame) -> pd.DataFrame:
    """One row a safety action: met only if all that it requires is.

    Parameters
    ----------
    items : pandas.DataFrame
        Of a scorecard.

    Returns
    -------
    pandas.DataFrame
        With `ACTION_COLUMNS`.
    """
    own: dict[int, list[tuple[str, str]]] = {number: [] for number in scheme().actions}
    required = items.loc[items["required"], ["action", "item", "verdict"]]
    for action, item, verdict in required.itertuples(index=False, name=None):
        own[action].append((item, verdict))
    rows = []
    for number, title in scheme().actions.items():
        verdicts = [verdict for _, verdict in own[number]]
        word = together(verdicts)
        # What has no mark stops no action, but it has not been met either.
        asked = [one for one in verdicts if one not in NOT_ASKED]
        rows.append(
            {
                "action": number,
                "title": title,
                "verdict": word,
                "verdict_text": action_text(word, verdicts),
                "required": len(asked),
                "met": sum(one in FULFILLED for one in asked),
                "open": "; ".join(item for item, one in own[number] if one not in FULFILLED),
                "counts": counts_text(verdicts),
            }
        )
    return pd.DataFrame(rows, columns=list(ACTION_COLUMNS))


def short_items(items: pd.DataFrame) -> pd.DataFrame:
    """Required items that are short, at risk or not settled: the gravest first, then by action."""
    words = (*SHORT, "unsettled")
    found = items[items["required"] & items["verdict"].isin(words)]
    order = found["verdict"].map(words.index)
    return found.loc[order.sort_values(kind="stable").index].reset_index(drop=True)


def missing_items(items: pd.DataFrame) -> pd.DataFrame:
    """Required items of which nothing is reported."""
    keep = items["required"] & items["verdict"].eq("not_reported")
    return items[keep].reset_index(drop=True)


def context_last(items: pd.DataFrame) -> pd.DataFrame:
    """Items in the same order, but those that are only for context after the others."""
    order = (~items["required"]).sort_values(kind="stable").index
    return items.loc[order].reset_index(drop=True)


def next_dates(items: pd.DataFrame, year: SchemeYear, on: date) -> pd.DataFrame:
    """Days to come on which something is decided.

    Parameters
    ----------
    items : pandas.DataFrame
        Of a scorecard.
    year : SchemeYear
        Whose Board declaration is due.
    on : date
        As of when.

    Returns
    -------
    pandas.DataFrame
        `date, what, open`: ends of periods and the declaration, with how many
        required items are not yet met; those of which none is open are left out.
    """
    open_items = items[items["required"] & ~items["verdict"].isin(FULFILLED)]
    rows: list[dict[str, Any]] = []
    for due, own in open_items[open_items["due"].ge(on)].groupby("due", sort=True):
        numbers = sorted(own["action"].unique())
        listed = ", ".join(map(str, numbers))
        what = f"Last day of periods of safety action{'' if len(numbers) == 1 else 's'} {listed}"
        rows.append({"date": due, "what": what, "open": len(own)})
    if year.declaration.date() >= on:
        what = f"Declaration of the Board due, {year.declaration:%H:%M}"
        rows.append({"date": year.declaration.date(), "what": what, "open": len(open_items)})
    return pd.DataFrame(rows, columns=["date", "what", "open"])
