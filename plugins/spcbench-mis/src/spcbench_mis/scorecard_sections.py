"""What the page of a trust in a report says about the scheme."""

from __future__ import annotations

from datetime import date
from importlib import import_module
from typing import Any

import pandas as pd

from spcbench_mis.scheme_data import YEARS, scheme
from spcbench_mis.scorecard_counts import OWN_PACK
from spcbench_mis.scorecard_page import CAUTION, figures
from spcbench_mis.scorecard_table import Scorecard, scorecard

ACTION_HEADINGS = {
    "action": "Action",
    "title": "What it is about",
    "verdict_text": "Verdict",
    "met": "Required items met",
    "required": "Required items",
}
ITEM_HEADINGS = {
    "action": "Action",
    "title": "Item",
    "figures": "Figures (95% interval)",
    "threshold": "Mark (not verified)",
    "due": "End of period",
    "verdict_text": "Verdict",
    "note": "Notes",
}


def mis_sections(page: Any, *, year: str) -> list[Any]:
    """The scorecard of a trust, from the counts of its page.

    Parameters
    ----------
    page : spcbench.report.Page
        A page of one unit; the page of an area gets none, because the scheme
        judges trusts and their counts must not be added up.
    year : str
        Of the pack that is asked. A page may hold measures of several years'
        packs, each of which is asked; one answers.

    Returns
    -------
    list of spcbench.report.Section
        None where the counts hold no figure of the scheme. Evidence items are
        "not reported", because a report is not given the file of evidence.
    """
    if page.kind != "unit" or not _holds_ours(page.counts, page.unit):
        return []
    on = _day_after(page.last)
    asked = _years_asked(page.counts)
    chosen = scheme().year_on(on).id
    if year != (chosen if chosen in asked else asked[-1]):
        return []
    return [_section(scorecard(page.counts, year=chosen, on=on, unit=page.unit))]


def _years_asked(counts: pd.DataFrame) -> list[str]:
    """Years whose packs a page asks: those that names give, else the newest with the item."""
    found = set()
    for name in counts["measure"].unique():
        pack, _, item = str(name).rpartition(":")
        if pack == OWN_PACK:
            found.update([year for year in YEARS if _has(year, item)][-1:])
        elif pack.startswith(f"{OWN_PACK}@"):
            found.add(pack.partition("@")[2])
    return [year for year in YEARS if year in found]


def _has(year: str, item: str) -> bool:
    return any(one.id == item and one.kind != "evidence" for one in scheme().of_year(year))


def _holds_ours(counts: pd.DataFrame, unit: str) -> bool:
    own = counts.loc[counts["unit"].eq(unit), "measure"].astype(str)
    return bool(own.str.match(rf"{OWN_PACK}(@\w+)?:").any())


def _day_after(last: pd.Timestamp) -> date:
    """The first day after the page's last month, on which that month is over."""
    day: date = (pd.Timestamp(last) + pd.offsets.MonthBegin(1)).date()
    return day


def _section(card: Scorecard) -> Any:
    report: Any = import_module("spcbench.report")
    items = card.items.assign(
        figures=[figures(row) for row in card.items.to_dict("records")],
        due=[f"{day:%d %b %Y}" for day in card.items["due"]],
    )
    # No figure: not reported, or without a mark and not asked for.
    known = items["figures"].ne("") | ~items["verdict"].isin(["not_reported", "no_mark"])
    reported = items[items["kind"].ne("evidence") & known]
    return report.Section(
        title=f"{card.year.title}, {card.year.label}",
        text=(
            f"As of {card.on:%d %b %Y}. {CAUTION}",
            "Evidence items are not reported here; spcbench mis-scorecard takes them from the "
            "file that the trust keeps.",
        ),
        tables=(
            report.ReportTable(
                id="mis_actions",
                title="The ten safety actions",
                frame=card.actions,
                headings=ACTION_HEADINGS,
            ),
            report.ReportTable(
                id="mis_items",
                title="What was counted, against its mark",
                frame=reported.reset_index(drop=True),
                headings=ITEM_HEADINGS,
                note="Figures are exact counts; a share is cut to one decimal, never rounded up.",
            ),
        ),
    )
