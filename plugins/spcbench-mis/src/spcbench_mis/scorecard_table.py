"""The scorecard of one trust: ten safety actions, what each asks for, and how it stands.

It tells what a period did against the marks of the scheme. What the process will
do is another question, which control charts answer; neither follows from the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any

import pandas as pd

from spcbench_mis.evidence import Evidence
from spcbench_mis.scheme_data import Item, SchemeYear, Window, scheme
from spcbench_mis.scorecard_counts import Tally, chosen_unit, rows_by_item, tally
from spcbench_mis.scorecard_words import action_text, verdict_text
from spcbench_mis.verdict import PeriodVerdict, count_verdict, exact_interval, period_verdict

ITEM_COLUMNS = (
    "action", "action_title", "item", "title", "kind", "required", "numerator", "denominator",
    "eligible", "expected_total", "value", "lower_95", "upper_95", "threshold", "threshold_of",
    "first", "last", "due", "verdict", "verdict_text", "cases_short", "catch_up",
    "failures_left", "date", "link", "who", "source", "note",
)  # fmt: skip
"""Columns of the table of items."""

ACTION_COLUMNS = ("action", "title", "verdict", "verdict_text", "required", "met", "open")
"""Columns of the table of safety actions."""

_EVIDENCE = {
    "achieved": "met",
    "in progress": "in_progress",
    "not achieved": "not_met",
    "not applicable": "not_applicable",
    "not reported": "not_reported",
}
_FULFILLED = ("met", "met_by_exception", "none_due", "no_mark", "not_applicable")
_NOT_ASKED = ("no_mark", "not_applicable")
_INTEGERS = (
    "numerator",
    "denominator",
    "eligible",
    "expected_total",
    "cases_short",
    "catch_up",
    "failures_left",
)
_NUMBERS = ("value", "lower_95", "upper_95")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """What `scorecard` gives.

    Parameters
    ----------
    year : SchemeYear
        Of the scheme.
    unit : str
        The trust.
    on : date
        As of when.
    items : pandas.DataFrame
        One row an item, with `ITEM_COLUMNS`.
    actions : pandas.DataFrame
        One row a safety action, with `ACTION_COLUMNS`.
    """

    year: SchemeYear
    unit: str
    on: date
    items: pd.DataFrame = field(repr=False)
    actions: pd.DataFrame = field(repr=False)

    @property
    def verdict(self) -> str:
        """Of the scheme as a whole: met only if all ten actions are."""
        return _together(self.actions["verdict"].to_list())


def scorecard(
    counts: Any,
    *,
    year: str,
    on: date,
    unit: str | None = None,
    evidence: Mapping[str, Evidence] | None = None,
) -> Scorecard:
    """How one trust stands against one year of the scheme, as of a day.

    Parameters
    ----------
    counts : Table or a table
        Result of `spcbench.read`, or a frame with the columns of counts;
        `eligible` where cases are known that are not yet due; and
        `expected_total`, how many will be due by the end of the period, once
        no more can come.
    year : str
        Such as ``"y7"``.
    on : date
        Counts that begin later are left out; a period that ended before is
        judged, another is said to be on course or at risk.
    unit : str, optional
        The trust; needed where the counts hold several.
    evidence : mapping of str to Evidence, optional
        From `read_evidence`.

    Returns
    -------
    Scorecard
        With every item of the year, those that nothing is known about too.

    Raises
    ------
    InputError
        If the counts break their contract, name an item that does not exist,
        or count cases twice.
    OptionError
        If the year or the unit is not known.

    Examples
    --------
    >>> counts = pd.DataFrame({"measure": "mis:sa1_external_member", "unit": "RJ1",
    ...     "period": ["2024-12-01"], "period_end": ["2025-11-30"],
    ...     "numerator": [3], "denominator": [7]})
    >>> card = scorecard(counts, year="y7", on=date(2025, 12, 1))
    >>> card.items.set_index("item").loc["sa1_external_member", "verdict_text"]
    'Not met: 1 more of the 7 cases would have had to succeed'
    """
    chosen = scheme().year(year)
    frame = _checked(counts)
    trust = chosen_unit(frame, unit)
    rows = rows_by_item(frame, year=chosen.id, unit=trust)
    lines = []
    for item in scheme().of_year(chosen.id):
        window = scheme().window(item, chosen.id)
        said = (evidence or {}).get(item.id)
        if item.kind == "evidence":
            line = _evidence_line(said, on)
        else:
            found = tally(item, rows.get(item.id, ()), window, on)
            line = _figure_line(item, found, _judged(item, found, window, chosen, on=on), said)
        lines.append({**_common(item, window, chosen), **line})
    items = _typed(pd.DataFrame(lines, columns=list(ITEM_COLUMNS)))
    return Scorecard(year=chosen, unit=trust, on=on, items=items, actions=_actions(items))


def _checked(counts: Any) -> pd.DataFrame:
    from spcbench.counts_check import check_counts
    from spcbench.errors import InputError
    from spcbench.tables import Table

    if not isinstance(counts, Table):
        return check_counts(counts)
    if counts.kind != "counts":
        raise InputError(f"{counts.source} holds records, not counts; count them first")
    frame: pd.DataFrame = counts.data
    return frame


def _common(item: Item, window: Window, year: SchemeYear) -> dict[str, Any]:
    mark = item.threshold_text(year.id)
    whose = f"{'MIS' if item.required else 'no MIS mark,'} {year.label} (not verified)"
    return {
        "action": item.action,
        "action_title": scheme().actions[item.action],
        "item": item.id,
        "title": item.title,
        "kind": item.kind,
        "required": item.required,
        "threshold": mark,
        "threshold_of": whose if mark else "",
        "due": window.last,
        "source": item.data,
    }


def _evidence_line(said: Evidence | None, on: date) -> dict[str, Any]:
    if said is None:
        return {"verdict": "not_reported", "verdict_text": verdict_text("not_reported"), "note": ""}
    verdict, note = _EVIDENCE[said.status], said.note
    if verdict == "met" and said.date is not None and said.date > on:
        verdict = "in_progress"
        note = "; ".join(filter(None, (note, f"achieved on {said.date:%d %b %Y}, after this date")))
    return {
        "verdict": verdict,
        "verdict_text": verdict_text(verdict),
        "date": said.date,
        "link": said.link,
        "who": said.who,
        "note": note,
    }


def _figure_line(
    item: Item, found: Tally, judged: tuple[str, PeriodVerdict | None], said: Evidence | None
) -> dict[str, Any]:
    word, verdict = judged
    notes = [*found.doubts, *found.notes]
    if said is not None and said.status in ("not applicable", "achieved"):
        excepted = said.status == "achieved" and word in ("not_met", "cannot_now_be_met")
        word = "met_by_exception" if excepted else word
        word = "not_applicable" if said.status == "not applicable" else word
        notes.insert(0, said.note)
    elif word in ("not_met", "cannot_now_be_met", "at_risk") and item.exception:
        notes.append(f"{item.exception}.")
    interval = None
    if item.kind == "statistic" and item.form == "flow" and found.denominator is not None:
        interval = exact_interval(found.numerator or 0, found.denominator)
    low, high = interval or (None, None)
    share = None
    if item.kind == "statistic" and found.denominator:
        share = (found.numerator or 0) / found.denominator
    return {
        "numerator": found.numerator,
        "denominator": found.denominator,
        "eligible": found.eligible,
        "expected_total": found.expected_total,
        "value": share,
        "lower_95": low,
        "upper_95": high,
        "first": found.first,
        "last": found.last,
        "verdict": word,
        "verdict_text": verdict_text(
            word, verdict, cases=found.denominator, count=item.kind == "count",
            stock=item.form == "stock",
        ),
        "cases_short": verdict.cases_short if verdict else None,
        "catch_up": verdict.catch_up if verdict else None,
        "failures_left": verdict.failures_left if verdict else None,
        "date": said.date if said else None,
        "link": said.link if said else "",
        "who": said.who if said else "",
        "note": "; ".join(filter(None, notes)),
    }  # fmt: skip


def _judged(
    item: Item, found: Tally, window: Window, year: SchemeYear, *, on: date
) -> tuple[str, PeriodVerdict | None]:
    """The word for an item with figures, and the verdict that it comes from."""
    mark = item.thresholds.get(year.id)
    if mark is None:
        return ("no_mark" if found.known or item.required else "not_reported"), None
    ended = on > window.last
    if not found.known or (item.kind == "statistic" and found.denominator is None):
        return ("unsettled" if found.doubts else "not_reported"), None
    verdict = _verdict(item, mark, found, window, on)
    word: str = verdict.verdict
    if word == "none_due" and item.none and ended:
        word = item.none
    if not ended:
        if word == "cannot_now_be_met" and _may_be_spared(item, mark, found):
            word = "at_risk"
        return word, verdict
    done = item.kind == "count" and word == "met"  # what was done stays done
    if (found.doubts and not done) or _depends(item, mark, found):
        return "unsettled", verdict
    return word, verdict


def _verdict(item: Item, mark: Fraction, found: Tally, window: Window, on: date) -> PeriodVerdict:
    ended, numerator = on > window.last, found.numerator or 0
    if item.kind == "count":
        days = (window.last - window.first).days + 1
        elapsed = Fraction(max(0, min(days, (on - window.first).days + 1)), days)
        return count_verdict(numerator, mark, item.operator, ended=ended, elapsed=elapsed)
    cases = found.denominator or 0
    if item.form == "stock":
        now = period_verdict(numerator, cases, mark, item.operator, ended=True)
        if ended or now.verdict == "none_due":
            return now
        word = "on_course" if now.verdict == "met" else "at_risk"
        return PeriodVerdict(
            verdict=word,  # type: ignore[arg-type]  # one of two words of Verdict
            cases_short=now.cases_short,
            catch_up=None,
            failures_left=now.failures_left,
        )
    return period_verdict(
        numerator, cases, mark, item.operator, ended=ended, expected_total=found.expected_total
    )


def _depends(item: Item, mark: Fraction, found: Tally) -> bool:
    """Whether the verdict would change with the rows that lie across an edge of the period."""
    if found.lowest is None or found.highest is None:
        return False
    if item.kind == "count":
        ends = [
            count_verdict(pair[0], mark, item.operator, ended=True).verdict
            for pair in (found.lowest, found.highest)
        ]
    else:
        ends = [
            period_verdict(*pair, mark, item.operator, ended=True).verdict
            for pair in (found.lowest, found.highest)
        ]
    return len(set(ends)) > 1


def _may_be_spared(item: Item, mark: Fraction, found: Tally) -> bool:
    """Whether what failed may lie outside the period, in a row across its edge."""
    if found.highest is None:
        return False
    best = period_verdict(*found.highest, mark, item.operator, ended=False)
    return best.verdict != "cannot_now_be_met"


def _actions(items: pd.DataFrame) -> pd.DataFrame:
    """One row a safety action: met only if all that it requires is."""
    rows = []
    for number, title in scheme().actions.items():
        own = items[items["action"].eq(number) & items["required"]]
        verdicts = own["verdict"].to_list()
        word = _together(verdicts)
        # What has no mark stops no action, but it has not been met either.
        asked = [one for one in verdicts if one not in _NOT_ASKED]
        rows.append(
            {
                "action": number,
                "title": title,
                "verdict": word,
                "verdict_text": action_text(word, verdicts),
                "required": len(asked),
                "met": sum(one in _FULFILLED for one in asked),
                "open": "; ".join(own.loc[~own["verdict"].isin(_FULFILLED), "item"]),
            }
        )
    return pd.DataFrame(rows, columns=list(ACTION_COLUMNS))


def _together(verdicts: list[str]) -> str:
    """What verdicts make of a whole, of which every part must be met."""
    for word in (
        "not_met", "cannot_now_be_met", "not_reported", "unsettled", "at_risk", "on_course",
        "in_progress",
    ):  # fmt: skip
        if word in verdicts:
            return word
    return "met"


def _typed(items: pd.DataFrame) -> pd.DataFrame:
    kinds = dict.fromkeys(_INTEGERS, "Int64") | dict.fromkeys(_NUMBERS, "float64")
    texts = ("date", "link", "who", "note")
    items = items.astype(kinds)
    for name in texts[1:]:
        items[name] = items[name].fillna("").astype(str)
    return items
