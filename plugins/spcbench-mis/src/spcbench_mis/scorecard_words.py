"""Verdicts in words: what a scorecard says about an item, an action and the scheme."""

from __future__ import annotations

from spcbench_mis.verdict import WORDS, PeriodVerdict

ITEM_WORDS = {
    **WORDS,
    "met_by_exception": "Short of the mark, met by an agreed exception",
    "no_mark": "No mark this year",
    "not_applicable": "Not applicable",
    "not_reported": "Not reported",
    "in_progress": "In progress",
    "unsettled": "Not settled",
}
"""Every verdict on an item as people read it."""

ACTION_WORDS = {
    word: ITEM_WORDS[word]
    for word in (
        "met", "not_met", "cannot_now_be_met", "not_reported", "unsettled", "at_risk",
        "on_course", "in_progress",
    )
}  # fmt: skip
"""Every verdict on a safety action, or on the scheme."""

SYMBOLS = {
    "met": "✓",
    "met_by_exception": "✓",
    "not_met": "✗",
    "cannot_now_be_met": "✗",
    "on_course": "→",
    "in_progress": "→",
    "at_risk": "!",
}
"""A sign beside the words; what has none is neither good nor bad."""


def verdict_text(
    verdict: str,
    found: PeriodVerdict | None = None,
    *,
    cases: int | None = None,
    count: bool = False,
    stock: bool = False,
) -> str:
    """A verdict with what stands between the trust and the mark.

    Parameters
    ----------
    verdict : str
        A key of `ITEM_WORDS`.
    found : PeriodVerdict, optional
        The numbers behind it.
    cases : int, optional
        Cases so far.
    count : bool
        Whether things done are counted, such as meetings.
    stock : bool
        Whether the cases are those of one day.

    Returns
    -------
    str
        One sentence without its stop.

    Examples
    --------
    >>> from spcbench_mis.verdict import period_verdict
    >>> verdict_text("at_risk", period_verdict(17, 20, "0.95", ended=False), cases=20)
    'At risk: the next 40 cases would all have to succeed'
    """
    words = ITEM_WORDS[verdict]
    if found is None:
        return words
    more = ""
    if verdict == "not_met" and found.cases_short:
        more = (
            f"{found.cases_short} more were needed"
            if count
            else f"{found.cases_short} more of the {cases} cases would have had to succeed"
        )
    elif verdict in ("at_risk", "on_course", "cannot_now_be_met"):
        more = _ahead(verdict, found, count=count, stock=stock)
    return f"{words}: {more}" if more else words


def action_text(verdict: str, items: list[str]) -> str:
    """A verdict on a safety action, with how many of its items are the reason.

    Examples
    --------
    >>> action_text("not_reported", ["met", "not_reported", "not_reported"])
    'Not reported (2 items)'
    """
    number = items.count(verdict)
    if verdict == "met":
        return ACTION_WORDS[verdict]
    return f"{ACTION_WORDS[verdict]} ({number} {'item' if number == 1 else 'items'})"


def _ahead(verdict: str, found: PeriodVerdict, *, count: bool, stock: bool) -> str:
    """What can still happen before the end."""
    left, further = found.failures_left, found.catch_up
    if count or stock:
        when = "by the end" if count else "today"
        return f"{found.cases_short} more needed {when}" if found.cases_short else ""
    if found.verdict == "cannot_now_be_met":
        return _lost(verdict, left)
    if left is not None:
        return f"{left or 'none'} of the cases to come may fail"
    if further == 1:
        return "the next case would have to succeed"
    return f"the next {further} cases would all have to succeed" if further else ""


def _lost(verdict: str, left: int | None) -> str:
    if verdict == "at_risk":
        return "lost, unless what failed lies outside the period"
    if left is None:
        return "too many cases have failed, whatever the rest do"
    return f"{-left} more failed than the mark allows, whatever the rest do"
