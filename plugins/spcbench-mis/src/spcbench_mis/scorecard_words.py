"""Verdicts in words: what a scorecard says about an item, an action and the scheme."""

from __future__ import annotations

from collections.abc import Sequence

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
        "met", "cannot_now_be_met", "not_met", "at_risk", "unsettled", "on_course",
        "in_progress", "not_reported",
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


COUNTED = {
    "met": "met",
    "met_by_exception": "met by an agreed exception",
    "none_due": "none due",
    **{word: ACTION_WORDS[word].lower() for word in ACTION_WORDS if word != "met"},
    "no_mark": "without a mark",
    "not_applicable": "not applicable",
}
"""How items are counted, in this order."""


def verdict_text(
    verdict: str,
    found: PeriodVerdict | None = None,
    *,
    cases: int | None = None,
    expected: int | None = None,
    count: bool = False,
    stock: bool = False,
    why: str = "",
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
    expected : int, optional
        Cases of the whole period, once that number is known.
    count : bool
        Whether things done are counted, such as meetings.
    stock : bool
        Whether the cases are those of one day.
    why : str
        What to say in place of the numbers.

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
    more = why
    if found is None or more:
        pass
    elif verdict == "not_met" and found.cases_short:
        more = (
            f"{found.cases_short} more were needed"
            if count
            else f"{found.cases_short} more of the {cases} cases would have had to succeed"
        )
    elif verdict in ("at_risk", "on_course", "cannot_now_be_met"):
        to_come = None if expected is None else expected - (cases or 0)
        more = _at_once(found, count=count) if count or stock else _ahead(found, expected, to_come)
    return f"{ITEM_WORDS[verdict]}: {more}" if more else ITEM_WORDS[verdict]


def action_text(verdict: str, items: Sequence[str]) -> str:
    """A verdict on a safety action, with how its required items stand.

    Examples
    --------
    >>> action_text("at_risk", ["met", "not_reported", "at_risk", "not_reported"])
    'At risk: 1 met, 1 at risk, 2 not reported'
    """
    words = ACTION_WORDS[verdict]
    return words if verdict == "met" else f"{words}: {counts_text(items)}"


def counts_text(items: Sequence[str]) -> str:
    """How many items have each verdict.

    Examples
    --------
    >>> counts_text(["not_reported", "met", "none_due", "met"])
    '2 met, 1 none due, 1 not reported'
    """
    told = [f"{items.count(word)} {said}" for word, said in COUNTED.items() if word in items]
    return ", ".join(told)


def _at_once(found: PeriodVerdict, *, count: bool) -> str:
    """What is missing of a number of things done, or of the state on a day."""
    when = "by the end" if count else "today"
    return f"{found.cases_short} more needed {when}" if found.cases_short else ""


def _ahead(found: PeriodVerdict, expected: int | None, to_come: int | None) -> str:
    """What can still happen before the end."""
    left, further = found.failures_left, found.catch_up
    if found.verdict == "cannot_now_be_met":
        if left is None:
            return "too many cases have failed, whatever the rest do"
        return f"{-left} more failed than the mark allows, whatever the rest do"
    if left is not None and expected is not None and to_come is not None:
        return _of_expected(expected, to_come, left)
    if found.verdict == "none_due":
        return "no case so far"
    if further == 1:
        return "the next case would have to succeed"
    return f"the next {further} cases would all have to succeed" if further else ""


def _of_expected(expected: int, to_come: int, left: int) -> str:
    """How many of the cases to come must succeed, if so many may fail."""
    must = to_come - left
    head = f"{expected} expected, {to_come or 'none'} still due"
    if not to_come:
        return f"{head}: the mark is reached"
    if not must:
        return f"{head}: the mark is reached whatever they do"
    if to_come == 1:
        return f"{head}: it must succeed"
    return f"{head}: {'all' if must == to_come else must} of them must succeed"
