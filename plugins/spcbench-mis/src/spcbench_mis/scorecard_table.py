"""The scorecard of one trust: ten safety actions, what each asks for, and how it stands.

It tells what a period did against the marks of the scheme. What the process will
do is another question, which control charts answer; neither follows from the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd

from spcbench_mis.evidence import Evidence, check_said, evidence_given
from spcbench_mis.scheme_data import Item, SchemeYear, Window, scheme
from spcbench_mis.scheme_due import given_day
from spcbench_mis.scheme_published import PROVISIONAL
from spcbench_mis.scorecard_actions import action_rows, together
from spcbench_mis.scorecard_counts import Tally, tally
from spcbench_mis.scorecard_rows import Row, chosen_unit, row_places, rows_by_item
from spcbench_mis.scorecard_said import evidence_line, exception_changes
from spcbench_mis.scorecard_words import verdict_text
from spcbench_mis.verdict import PeriodVerdict, count_verdict, exact_interval, period_verdict

ITEM_COLUMNS = (
    "action", "action_title", "item", "title", "kind", "required", "numerator", "denominator",
    "eligible", "expected_total", "value", "lower_95", "upper_95", "threshold", "threshold_of",
    "first", "last", "due", "verdict", "verdict_text", "cases_short", "catch_up",
    "failures_left", "date", "link", "who", "source", "note",
)  # fmt: skip
"""Columns of the table of items."""

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
    unused : pandas.DataFrame
        Rows of the trust that are about the scheme and do not count, and why:
        `measure`, `period`, `period_end`, `why`.
    """

    year: SchemeYear
    unit: str
    on: date
    items: pd.DataFrame = field(repr=False)
    actions: pd.DataFrame = field(repr=False)
    unused: pd.DataFrame = field(repr=False)

    @property
    def verdict(self) -> str:
        """Of the scheme as a whole: met only if all ten actions are."""
        return together(self.actions["verdict"].to_list())


def scorecard(
    counts: Any,
    *,
    year: str,
    on: date | str,
    unit: str | None = None,
    evidence: Mapping[str, Evidence] | str | Path | None = None,
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
    on : date or str
        Counts that begin later are left out; a period that ended before is
        judged, another is said to be on course or at risk.
    unit : str, optional
        The trust; needed where the counts hold several.
    evidence : path, or mapping of str to Evidence, optional
        The trust's file of evidence, or what `read_evidence` made of it.

    Returns
    -------
    Scorecard
        With every item of the year, those that nothing is known about too.

    Raises
    ------
    InputError
        If the counts break their contract, name an item that does not exist,
        or count cases twice; if evidence says of an item what nobody may.
    OptionError
        If the year or the unit is not known, `on` is no date, or `evidence` something else.

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
    on = given_day(on, "on")
    frame = _checked(counts)
    trust = chosen_unit(frame, unit)
    kept = evidence_given(evidence, year=chosen.id, unit=trust)
    found_rows = rows_by_item(frame, year=chosen.id, unit=trust, on=on, places=row_places(counts))
    rows = found_rows.rows
    lines = []
    for item in scheme().of_year(chosen.id):
        window = scheme().window(item, chosen.id)
        said = kept.get(item.id)
        if said is not None:
            check_said(item, said, chosen.id)
        if item.kind == "evidence":
            line = evidence_line(said, window, chosen, on)
        else:
            own = rows.get(item.id, [])
            found = tally(item, own, window, on)
            judged = _judged(
                item, found, window, chosen, on=on, split=found.choice or _to_split(own, window)
            )
            judged = _excepted(item, found, judged, said, year=chosen, on=on)
            line = _figure_line(item, found, judged, said)
        lines.append({**_common(item, window, chosen), **line})
    items = _typed(pd.DataFrame(lines, columns=list(ITEM_COLUMNS)))
    return Scorecard(
        year=chosen,
        unit=trust,
        on=on,
        items=items,
        actions=action_rows(items),
        unused=found_rows.unused,
    )


def _checked(counts: Any) -> pd.DataFrame:
    from spcbench.counts_check import check_counts
    from spcbench.errors import InputError
    from spcbench.tables import Table

    if not isinstance(counts, Table):
        return check_counts(counts)
    if counts.kind != "counts":
        raise InputError(
            f"{counts.source} holds records, not counts, which have the columns measure, unit, "
            "period, numerator and denominator; count them first"
        )
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """A verdict on figures, why (where the numbers do not tell it), and what else to know."""

    word: str
    verdict: PeriodVerdict | None = None
    why: str = ""
    notes: tuple[str, ...] = ()


def _excepted(
    item: Item, found: Tally, judged: _Judged, said: Evidence | None, *, year: SchemeYear, on: date
) -> _Judged:
    """The verdict after what the trust says of the item."""
    if said is not None and said.status == "not applicable":
        return _Judged(word="not_applicable", notes=(said.note,))
    share = Fraction(found.numerator or 0, found.denominator) if found.denominator else None
    ended = on > scheme().window(item, year.id).last
    word, why, notes = exception_changes(item, judged.word, share, said, year, ended=ended, on=on)
    return replace(judged, word=word, why=why or judged.why, notes=tuple(notes))


def _figure_line(
    item: Item, found: Tally, judged: _Judged, said: Evidence | None
) -> dict[str, Any]:
    verdict = judged.verdict
    notes = [*judged.notes, *found.doubts, *found.notes]
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
        "verdict": judged.word,
        "verdict_text": verdict_text(
            judged.word, verdict, cases=found.denominator, expected=found.expected_total,
            count=item.kind == "count", stock=item.form == "stock", why=judged.why,
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
    item: Item, found: Tally, window: Window, year: SchemeYear, *, on: date, split: str
) -> _Judged:
    """The verdict on an item with figures."""
    mark = item.thresholds.get(year.id) if item.required else None
    counted = item.kind != "statistic" or found.denominator is not None
    if not found.known or (mark is not None and not counted):
        return _Judged(word="unsettled" if found.doubts else "not_reported")
    if mark is None:
        # A verdict on what the scheme does not ask for would be invented.
        whose = "; its mark is not of the scheme" if year.id in item.thresholds else ""
        return _Judged(word="no_mark", why="" if item.required else f"for context{whose}")
    verdict = _verdict(item, mark, found, window, on)
    depends = _depends(item, mark, found)
    if on <= window.last:
        return _before_the_end(verdict, depends=depends, split=split)
    return _after_the_end(item, found, verdict, depends=depends, split=split)


def _after_the_end(
    item: Item, found: Tally, verdict: PeriodVerdict, *, depends: bool, split: str
) -> _Judged:
    """What is over is judged, unless something about its figures is open."""
    word: str = verdict.verdict
    if word == "none_due" and item.none:
        word = item.none
    done = item.kind == "count" and word == "met"  # what was done stays done
    if depends:
        return _Judged(word="unsettled", verdict=verdict, why=split)
    if found.doubts and not done:
        return _Judged(word="unsettled", verdict=verdict)
    if any(PROVISIONAL in note for note in found.notes):
        why = f"{'met' if word == 'met' else 'short of the mark'} as it stands, {PROVISIONAL}"
        return _Judged(word="unsettled", verdict=verdict, why=why)
    return _Judged(word=word, verdict=verdict)


def _before_the_end(verdict: PeriodVerdict, *, depends: bool, split: str) -> _Judged:
    """What is not over is neither met nor lost for what may lie outside the period."""
    word: str = verdict.verdict
    if word == "none_due":  # there may be a case yet
        return _Judged(word="on_course", verdict=verdict)
    if depends and word == "cannot_now_be_met":
        why = f"lost if what failed belongs to the period; {split}"
        return _Judged(word="at_risk", verdict=verdict, why=why)
    if depends and word == "met":
        return _Judged(word="on_course", verdict=verdict, why=split)
    return _Judged(word=word, verdict=verdict)


def _to_split(rows: Sequence[Row], window: Window) -> str:
    """Which rows across an edge of the period would have to be two, and where."""
    told = []
    for row in rows:
        if row.numerator is None:
            continue
        name = f"the row of {row.dates}"
        if row.first < window.first <= row.last:
            told.append(f"split {name} before {window.first:%d %b %Y}")
        if row.first <= window.last < row.last:
            told.append(f"split {name} after {window.last:%d %b %Y}")
    return "; ".join(told)


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
            failures_left=None,
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


def _typed(items: pd.DataFrame) -> pd.DataFrame:
    kinds = dict.fromkeys(_INTEGERS, "Int64") | dict.fromkeys(_NUMBERS, "float64")
    texts = ("date", "link", "who", "note")
    items = items.astype(kinds)
    for name in texts[1:]:
        items[name] = items[name].fillna("").astype(str)
    return items
