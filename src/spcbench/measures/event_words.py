"""What waits and cases one by one are called, in counts and on charts, also after saving."""

from __future__ import annotations

import re
from dataclasses import replace

from spcbench.measures.measure import Composite, Measure, display_of
from spcbench.tables import Display

_NAME = re.compile(r"(?P<measure>.+)\.(?P<what>every_case|\w+_between)_(?P<event>not_met|met)")

_WHO = {"mother": "mothers", "baby": "babies"}
"""What a measure says that it counts, of many; any other word becomes cases."""


def event_name(full: str, event: str, between: str | None) -> str:
    """A measure's own name and what is told of it; a pack's ids have no dots.

    Examples
    --------
    >>> event_name("pop@2023:mgso4", "not_met", "cases")
    'pop@2023:mgso4.cases_between_not_met'
    """
    return f"{full}.{'every_case' if between is None else f'{between}_between'}_{event}"


def named_event(name: str) -> tuple[str, str, str | None] | None:
    """Measure, event and what lies between, from the name in a table; None for other names.

    Examples
    --------
    >>> named_event("pop@2023:mgso4.cases_between_not_met")
    ('pop@2023:mgso4', 'not_met', 'cases')
    """
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    between = found["what"].removesuffix("_between")
    return found["measure"], found["event"], None if between == "every_case" else between


def event_display(measure: Measure | Composite, event: str, between: str | None) -> Display:
    """How the values are shown; long waits are good where the event is bad.

    Parameters
    ----------
    measure : Measure or Composite
        Whose events they are.
    event : str
        ``"met"`` or ``"not_met"``.
    between : str, optional
        ``"cases"``, ``"days"`` or ``"hours"``; None for cases one by one.
    """
    shown = display_of(measure)
    better = shown.better
    if better != "neither":
        event_is_good = (better == "higher") == (event == "met")
        better = "higher" if event_is_good == (between is None) else "lower"
    return replace(
        shown,
        title=f"{shown.title}: {_told(shown, event, between)}",
        per=1,
        better=better,
        # A target for a share of cases is none for a wait, nor is a published share.
        target=None,
        target_label="",
        stretch=None,
        stretch_label="",
        short="",
        target_verified=True,
        references=(),
        form="",
    )


def _told(shown: Display, event: str, between: str | None) -> str:
    """As in "mothers between missed ones"; only what should be met can be missed."""
    missed = event == "not_met" and shown.better == "higher"
    if between is None:
        return "case by case, " + ("missed" if missed else event.replace("_", " "))
    who = _WHO.get(shown.counts, "cases") if between == "cases" else between
    if missed:
        return f"{who} between missed ones"
    if event == "met" and shown.better == "lower":
        return f"{who} from one to the next"  # such as deaths, which meet nothing
    return f"{who} between those {'that met it' if event == 'met' else 'that did not'}"


def wait_text(length: float, between: str) -> str:
    """A wait in words.

    Examples
    --------
    >>> wait_text(1, "cases"), wait_text(12, "days")
    ('1 case', '12 days')
    """
    return f"{length:g} {between.removesuffix('s') if length == 1 else between}"
