"""What a trust says of an item, and what that changes: evidence and agreed exceptions."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

from spcbench_mis.evidence import Evidence
from spcbench_mis.scheme_data import AgreedException, Item, SchemeYear, Window
from spcbench_mis.scorecard_actions import SHORT
from spcbench_mis.scorecard_words import verdict_text

_STATUS = {
    "achieved": "met",
    "in progress": "in_progress",
    "not achieved": "not_met",
    "not applicable": "not_applicable",
    "not reported": "not_reported",
}


def evidence_line(
    said: Evidence | None, window: Window, year: SchemeYear, on: date
) -> dict[str, Any]:
    """The verdict on an item that is no statistic, and what else to know.

    Parameters
    ----------
    said : Evidence, optional
        What the trust says; None where it says nothing.
    window : Window
        The item's period.
    year : SchemeYear
        Whose declaration is due after it.
    on : date
        As of when.

    Returns
    -------
    dict
        `verdict`, `verdict_text`, `note`, and `date`, `link`, `who` where something is said.
    """
    if said is None:
        return {"verdict": "not_reported", "verdict_text": verdict_text("not_reported"), "note": ""}
    verdict, why, notes = _STATUS[said.status], "", [said.note]
    if verdict == "met":
        verdict, about = _achieved(said.date, window, year, on)
        notes += [about, _lacking(said)]
    elif verdict == "not_met" and on <= window.last:
        verdict, why = "at_risk", "not achieved so far"
    return {
        "verdict": verdict,
        "verdict_text": verdict_text(verdict, why=why),
        "date": said.date,
        "link": said.link,
        "who": said.who,
        "note": "; ".join(filter(None, notes)),
    }


def _achieved(day: date | None, window: Window, year: SchemeYear, on: date) -> tuple[str, str]:
    """The verdict on what is said to be achieved on a day, and what is odd about that day."""
    declared = year.declaration.date()
    if day is None:
        return "met", ""
    if day > on:
        return "in_progress", f"achieved on {_told(day)}, after this date"
    if day > declared:
        return "not_met", (
            f"achieved on {_told(day)}, after the declaration of the Board was due "
            f"({_told(declared)})"
        )
    if day > window.last:
        return "met", f"achieved on {_told(day)}, after the period ended ({_told(window.last)})"
    if day < window.first:
        return "met", f"achieved on {_told(day)}, before the period began ({_told(window.first)})"
    return "met", ""


def _lacking(said: Evidence) -> str:
    """What would show that it was achieved, and is not given."""
    parts = {"date": said.date, "link": said.link, "person": said.who}
    names = [name for name, value in parts.items() if not value]
    return f"said without a {', '.join(names)}" if names else ""


def exception_changes(
    item: Item, word: str, share: Fraction | None, said: Evidence | None, year: SchemeYear,
    *, ended: bool, on: date,
) -> tuple[str, str, list[str]]:  # fmt: skip
    """What an exception makes of a figure short of its mark.

    Parameters
    ----------
    item : Item
        A statistic or a count.
    word : str
        Verdict of its figures.
    share : Fraction, optional
        Of successes; None without cases.
    said : Evidence, optional
        What the trust says of it.
    year : SchemeYear
        Whose exceptions hold.
    ended : bool
        Whether the period is over.
    on : date
        As of when.

    Returns
    -------
    tuple of (str, str, list of str)
        The verdict, why (empty where the numbers tell it), and notes. Only once
        the period is over does an exception make anything met.
    """
    known = item.exceptions.get(year.id)
    if known is None or word not in SHORT:
        return word, "", [said.note] if said else []
    claimed = said is not None and said.status == "achieved"
    against = _against(known, share, said, year, on) if claimed else ""
    agreed = claimed and not against
    notes = [said.note, _lacking(said)] if agreed and said else [against, f"{known.text}."]
    if ended:
        return ("met_by_exception" if agreed else word), "", notes
    if agreed:
        return "at_risk", "below the mark; an exception is agreed", notes
    if word == "cannot_now_be_met":
        return "at_risk", "below the mark; only an agreed exception can meet it", notes
    return word, "", notes


def _against(
    known: AgreedException,
    share: Fraction | None,
    said: Evidence | None,
    year: SchemeYear,
    on: date,
) -> str:
    """Why an exception that is said to be agreed does not hold; empty where it does."""
    day, declared = said.date if said else None, year.declaration.date()
    if day is not None and day > on:
        return f"the exception is of {_told(day)}, after this date"
    if day is not None and day > declared:
        return (
            f"the exception is of {_told(day)}, after the declaration was due ({_told(declared)})"
        )
    if known.floor is not None and (share is None or share < known.floor):
        return f"the exception asks for at least {float(known.floor * 100):g}%"
    return ""


def _told(day: date) -> str:
    return f"{day:%d %b %Y}"
