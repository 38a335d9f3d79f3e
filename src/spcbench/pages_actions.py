"""What was noted, and what is seen since: the table of actions, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from spcbench.actions import CAUTION, DATED
from spcbench.charting import ControlCharts
from spcbench.pages_cells import difference_lines, rate_lines
from spcbench.pages_ground import Ground
from spcbench.pictures.theme import date_text, end_text, named_by_day, period_text
from spcbench.pictures.words import number_text
from spcbench.report import ReportTable

_SINCE = {
    "improvement": "A signal of improvement",
    "concern": "A signal of concern",
    "neither": "A signal of change",
}
_DECISIONS = {"rebase": "New phase: ", "freeze": "Limits held: ", "exclude": "Not used: "}

HEADINGS = {
    "date": "Date",
    "unit": "Unit",
    "what": "What was noted",
    "measure": "Measure",
    "before": "Before",
    "after": "After",
    "difference": "Difference",
    "since": "Since then",
}
"""Columns of the table; the unit's only where there are several."""


def actions_report(
    ground: Ground, charts: ControlCharts, notes: pd.DataFrame | None = None
) -> ReportTable | None:
    """What was noted, and the points before and after; None where nothing was.

    Parameters
    ----------
    ground : Ground
        For the order of measures.
    charts : ControlCharts
        Of one unit or area; of several units where `notes` is given.
    notes : pandas.DataFrame, optional
        Only these, each about one unit, whose name is then told.
    """
    table = charts.actions if notes is None else _only(charts, notes)
    if table.empty:
        return None
    place = {name: number for number, name in enumerate(ground.order)}
    table = table.assign(place=table["measure"].map(place)).sort_values(
        ["date", "place"], kind="stable", na_position="first"
    )
    rows = [_row(one, ground, charts) for one in table.to_dict("records")]
    headings = dict(HEADINGS)
    if notes is None:
        del headings["unit"]
    return ReportTable(
        id="noted_and_since" if notes is None else "units_noted",
        title="Noted, and seen since" if notes is None else "Noted by units, and seen since",
        frame=pd.DataFrame(rows, columns=list(headings), dtype="object"),
        headings=headings,
        note=CAUTION + " Up to 12 points on each side, within one phase of the chart; a period in "
        "which the date falls after its first day is on neither side. The interval is Newcombe's "
        "for independent cases.",
    )


def _row(line: Mapping[str, Any], ground: Ground, charts: ControlCharts) -> dict[str, str]:
    display = charts.display[line["measure"]]
    often = ground.lengths.get(line["measure"], ground.frequency)
    ends = (line["difference"], line["difference_lower"], line["difference_upper"])
    return {
        "date": "–" if pd.isna(line["date"]) else date_text(line["date"], day=True),
        "unit": ground.name(line["unit"]),
        "what": _what(line),
        "measure": display.brief,
        "before": _side(line, "before", charts, often),
        "after": _side(line, "after", charts, often),
        "difference": difference_lines(*ends, display),
        "since": _since(line),
    }


def _only(charts: ControlCharts, notes: pd.DataFrame) -> pd.DataFrame:
    """The rows of actions that come from some notes, each about one unit."""
    wanted = set(zip(notes["unit"], notes["date"], notes["action"], notes["reason"], strict=True))
    table = charts.actions
    own = zip(table["unit"], table["date"], table["action"], table["text"], strict=True)
    return table[np.array([one in wanted for one in own], dtype=np.bool_)]


def _what(line: Mapping[str, Any]) -> str:
    author = f" ({line['author']})" if isinstance(line["author"], str) and line["author"] else ""
    return f"{_DECISIONS.get(line['action'], '')}{line['text']}{author}"


def _side(line: Mapping[str, Any], side: str, charts: ControlCharts, often: str) -> str:
    if pd.isna(line[f"value_{side}"]):
        return "–"
    first, last = line[f"first_{side}"], line[f"last_{side}"]
    when = period_text(first, often)
    if first != last:
        begins = date_text(first, day=named_by_day(often))
        when = f"{begins} to {end_text(last, often)}"
    display = charts.display[line["measure"]]
    counts = {name: line[f"{name}_{side}"] for name in ("numerator", "denominator")}
    if not any(pd.isna(one) for one in counts.values()):
        return rate_lines(counts, display, more=when)
    return f"{number_text(line[f'value_{side}'] * display.per)}\n{when}"


def _since(line: Mapping[str, Any]) -> str:
    if line["action"] not in DATED:
        return "A decision about limits"
    if not line["periods_after"]:
        return "No points yet"
    said = [_SINCE[word] for word in line["verdicts_after"].split(";") if word in _SINCE]
    return "; ".join(said) or "No signal"
