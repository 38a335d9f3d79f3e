"""A scorecard, or those of several trusts, laid out as sections of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import pandas as pd

from spcbench_mis.scheme_data import SchemeYear, scheme
from spcbench_mis.scorecard_actions import context_last, missing_items, next_dates, short_items
from spcbench_mis.scorecard_page import CAUTION, figures
from spcbench_mis.scorecard_rows import unused_lines
from spcbench_mis.scorecard_table import Scorecard
from spcbench_mis.scorecard_words import ACTION_WORDS, SYMBOLS

ACTION_HEADINGS = {
    "action_shown": "Safety action",
    "verdict_shown": "Verdict",
    "counts": "Required items",
}
SHORT_HEADINGS = {
    "item_shown": "Item",
    "figures_shown": "Figures (95% interval)",
    "verdict_shown": "Verdict",
    "due_shown": "End of period (not verified)",
}
DATE_HEADINGS = {
    "date_shown": "Day (not verified)",
    "what": "What",
    "open": "Required items not yet met",
}
ITEM_HEADINGS = {
    "item_shown": "Item",
    "figures_shown": "Figures (95% interval)",
    "threshold_shown": "Mark (not verified)",
    "due_shown": "End of period (not verified)",
    "verdict_shown": "Verdict",
}
EVIDENCE_HEADINGS = {
    "item_shown": "Item",
    "verdict_shown": "What the trust says",
    "kept": "Where the evidence is",
    "due_shown": "End of period (not verified)",
}
OPEN_HEADINGS = {"action_shown": "Safety action", "items": "Items"}


NOT_GIVEN = (
    "No file of evidence was given (--with evidence=FILE), so that evidence items are not reported."
)
"""Why nothing is known of items that are no statistics."""


def trust_section(card: Scorecard, *, name: str, more: Sequence[str], evidence: bool) -> Any:
    """The whole scorecard of one trust.

    Parameters
    ----------
    card : Scorecard
        What to lay out.
    name : str
        Of the trust.
    more : sequence of str
        What else a reader must know.
    evidence : bool
        Whether a file of evidence was given.

    Returns
    -------
    spcbench.report.Section
    """
    items = _laid_out(card, context_last(card.items))
    is_evidence = items["kind"].eq("evidence")
    # No figure: not reported, or without a mark and not asked for.
    known = items["numerator"].notna() | ~items["verdict"].isin(["not_reported", "no_mark"])
    tables = [_action_table(card), *_ahead(card)]
    if (known & ~is_evidence).any():
        tables.append(_item_table(card, items[known & ~is_evidence]))
    if (known & is_evidence).any():
        tables.append(_evidence_table(card, items[known & is_evidence]))
    return _section(
        title=_title(card.year),
        text=(
            f"{name}, as of {card.on:%d %b %Y}: {_signed(card.verdict)} (all ten actions "
            f"together). {guidance(card.year)}",
            CAUTION,
            *more,
            *(() if evidence else (NOT_GIVEN,)),
            *(f"{one}." for one in unused_lines(card.unused)),
        ),
        tables=tables,
    )


def scorecard_report(card: Scorecard, *, evidence: bool) -> Any:
    """The scorecard of one trust as a document of its own.

    Parameters
    ----------
    card : Scorecard
        What to lay out.
    evidence : bool
        Whether a file of evidence was given.

    Returns
    -------
    spcbench.Report
    """
    from spcbench import Report

    none = (
        "No file of evidence was given (--evidence FILE), so that evidence items are not reported."
    )
    more = () if evidence else (none,)
    section = trust_section(card, name=card.unit, more=more, evidence=True)
    return Report([], title=f"{card.unit}: scorecard", sections=[section])


def trusts_section(
    cards: Mapping[str, Scorecard], *, names: Mapping[str, str], more: Sequence[str]
) -> Any:
    """The ten safety actions of several trusts, in the order of their names.

    Parameters
    ----------
    cards : mapping of str to Scorecard
        By code of the trust, in the order of the rows; of one year and day.
    names : mapping of str to str
        Names of those that have one.
    more : sequence of str
        What else a reader must know.

    Returns
    -------
    spcbench.report.Section
    """
    year, on = (getattr(next(iter(cards.values())), name) for name in ("year", "on"))
    told = [_trust_row(code, names.get(code, code), card) for code, card in cards.items()]
    actions = {f"action_{number}": f"{number}. {title}" for number, title in _actions()}
    table = _table(
        id=f"mis_trusts_{year.id}",
        title=f"Safety actions of {year.label} by trust (not verified)",
        frame=pd.DataFrame(told),
        headings={"trust_shown": "Trust", "together": "All ten actions"}
        | {f"{name}_shown": title for name, title in actions.items()},
        note="Trusts stand in the order of their names: there is no ranking. Below each verdict: "
        "how many of the required items are met.",
    )
    return _section(
        title=_title(year),
        text=(
            f"{len(cards)} trusts, as of {on:%d %b %Y}. {guidance(year)}",
            CAUTION,
            *more,
            "The page of a trust has its whole scorecard (--unit CODE).",
        ),
        tables=[table],
    )


def guidance(year: SchemeYear) -> str:
    """Whose marks and dates decide, and that nobody has compared them yet.

    Examples
    --------
    >>> print(guidance(scheme().year("y7")))
    Judged by the guidance of NHS Resolution, Maternity (and Perinatal) Incentive Scheme, Year 7, \
published 02 Apr 2025: not verified.
    """
    return (
        f"Judged by the guidance of NHS Resolution, {year.title}, {year.label}, published "
        f"{year.published:%d %b %Y}: not verified."
    )


def _laid_out(card: Scorecard, items: pd.DataFrame) -> pd.DataFrame:
    rows = items.to_dict("records")
    return items.assign(
        figures=[figures(row) for row in rows],
        figures_shown=[figures(row) or "–" for row in rows],
        item_shown=[
            f"{row['title']}\nSafety action {row['action']}"
            + ("" if row["required"] else "; for context, not required")
            for row in rows
        ],
        threshold_shown=[row["threshold"] or "–" for row in rows],
        due_shown=[f"{row['due']:%d %b %Y}" for row in rows],
        kept=[_kept(row) for row in rows],
        verdict_shown=[
            _beside(row["verdict"], row["verdict_text"], card.year, row["note"]) for row in rows
        ],
    ).reset_index(drop=True)


def _kept(row: Mapping[str, Any]) -> str:
    """Where evidence is, who answers for it and of when it is, a line each."""
    day = "" if pd.isna(row["date"]) else f"{row['date']:%d %b %Y}"
    return "\n".join(filter(None, (row["who"], day, row["link"]))) or "–"


def _action_table(card: Scorecard) -> Any:
    rows = card.actions.to_dict("records")
    frame = card.actions.assign(
        action_shown=[f"{row['action']}. {row['title']}" for row in rows],
        verdict_shown=[
            _beside(row["verdict"], ACTION_WORDS[row["verdict"]], card.year) for row in rows
        ],
    )
    return _table(
        id=f"mis_actions_{card.year.id}",
        title="The ten safety actions",
        frame=frame,
        headings=ACTION_HEADINGS,
    )


def _ahead(card: Scorecard) -> list[Any]:
    """What is short or at risk, what is missing, and the next dates; each only if there is any."""
    tables = []
    short = short_items(card.items)
    if len(short):
        tables.append(
            _table(
                id=f"mis_short_{card.year.id}",
                title="Short of the mark, at risk or not settled",
                frame=_laid_out(card, short),
                headings=SHORT_HEADINGS,
                note="The gravest first; only what is required.",
            )
        )
    dates = next_dates(card.items, card.year, card.on)
    if len(dates):
        shown = dates.assign(date_shown=[f"{day:%d %b %Y}" for day in dates["date"]])
        tables.append(
            _table(
                id=f"mis_dates_{card.year.id}",
                title="Next dates",
                frame=shown,
                headings=DATE_HEADINGS,
            )
        )
    if len(missing_items(card.items)):
        tables.append(_open_table(card))
    return tables


def _item_table(card: Scorecard, items: pd.DataFrame) -> Any:
    return _table(
        id=f"mis_items_{card.year.id}",
        title="What was counted, against its mark",
        frame=items.reset_index(drop=True),
        headings=ITEM_HEADINGS,
        note="Figures are exact counts; no share is rounded up to a whole per cent.",
    )


def _evidence_table(card: Scorecard, items: pd.DataFrame) -> Any:
    return _table(
        id=f"mis_evidence_{card.year.id}",
        title="What evidence shows",
        frame=items.reset_index(drop=True),
        headings=EVIDENCE_HEADINGS,
        note="As the trust's file of evidence says; nobody else has looked at it.",
    )


def _open_table(card: Scorecard) -> Any:
    """Required items of which nothing is reported, by safety action."""
    items = missing_items(card.items)
    rows = []
    for number, title in _actions():
        own = items[items["action"].eq(number)]
        if len(own):
            many = f"{len(own)} item{'' if len(own) == 1 else 's'}"
            listed = [f"• {row['title']} ({row['kind']})" for row in own.to_dict("records")]
            row = {"action": number, "action_shown": f"{number}. {title}"}
            rows.append(row | {"items": "\n".join((many, *listed))})
    return _table(
        id=f"mis_open_{card.year.id}",
        title="Required, and nothing is reported",
        frame=pd.DataFrame(rows),
        headings=OPEN_HEADINGS,
        note="Neither met nor not met.",
    )


def _trust_row(code: str, name: str, card: Scorecard) -> dict[str, Any]:
    row: dict[str, Any] = {
        "unit": code,
        "unit_name": name,
        "trust_shown": name if name == code else f"{name}\n{code}",
        "verdict": card.verdict,
        "together": _signed(card.verdict),
    }
    for one in card.actions.to_dict("records"):
        action = f"action_{one['action']}"
        row[action] = one["verdict"]
        row[f"{action}_shown"] = f"{_signed(one['verdict'])}\n{one['met']} of {one['required']}"
    return row


def _actions() -> Sequence[tuple[int, str]]:
    return tuple(scheme().actions.items())


def _title(year: SchemeYear) -> str:
    return f"{year.title}, {year.label}: scorecard"


def _beside(verdict: str, words: str, year: SchemeYear, note: str = "") -> str:
    """A verdict with its sign, below it by whose marks, and what else to know."""
    said = f"{SYMBOLS.get(verdict, '')} {words}".strip()
    return "\n".join(filter(None, (said, f"{year.label}, not verified", note)))


def _signed(verdict: str) -> str:
    return f"{SYMBOLS.get(verdict, '')} {ACTION_WORDS[verdict]}".strip()


def _table(**given: Any) -> Any:
    # Loaded when a page is made: every run of spcbench imports every plugin.
    report: Any = import_module("spcbench.report")
    return report.ReportTable(**given)


def _section(**given: Any) -> Any:
    report: Any = import_module("spcbench.report")
    return report.Section(**given)
