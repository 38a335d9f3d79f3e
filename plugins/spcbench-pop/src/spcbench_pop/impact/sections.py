"""An estimate laid out for a page: words, the years, and what other figures would give."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from spcbench.errors import InputError
from spcbench_pop.impact.estimates import Impact, impact_of_counts
from spcbench_pop.impact.facts import OUR_PACKS, effects
from spcbench_pop.impact.settings import Settings
from spcbench_pop.impact.words import (
    cases_text,
    cautions,
    found_lines,
    heading,
    how_lines,
    money_text,
    needed_text,
    percent,
)

if TYPE_CHECKING:
    from spcbench.report import Page, ReportTable, Section

ESTIMATED = ("mgso4", "ocm")
"""Ids of the measures that an area's page gives estimates for: those with a default effect."""

TITLE = "Impact: an estimate"


def impact_sections(page: Page, *, pack: str) -> Iterable[Section]:
    """The estimate of an area's page; a unit's page has none, its numbers are too small.

    Parameters
    ----------
    page : Page
        Its counts hold those of the area's units.
    pack : str
        Name of the pack whose measures are taken, such as ``"pop@2023"``.

    Returns
    -------
    iterable of Section
        None where the pack's measures have nobody eligible, or another of our
        packs, or a newer version, is on the page: no case is estimated twice.
    """
    if page.kind != "area":
        return ()
    counts = page.counts
    inside = counts["unit"].isin(page.members) & counts["period"].between(page.first, page.last)
    counts = counts[inside]
    filled = counts[counts["denominator"].fillna(0).gt(0)]["measure"].unique()
    best = [_best(one, filled) for one in ESTIMATED]
    measures = [name for name in best if name.startswith(f"{pack}:")]
    if not measures:
        return ()
    try:
        return (section_of(impact_of_counts(counts, measures=measures)),)
    except InputError as error:  # such as overlapping windows, which charts may well have
        return (_not_estimated(str(error)),)


def _not_estimated(why: str) -> Section:
    from spcbench.report import Section

    return Section(title=TITLE, text=f"Not estimated: {why}.")


def _best(name: str, measures: Iterable[str]) -> str:
    """The measure of an id that the page's estimate is made from; empty if there is none."""
    ours = []
    for full in measures:
        pack, _, own = full.rpartition(":")
        programme, _, version = pack.partition("@")
        if own == name and programme in OUR_PACKS:
            ours.append((-OUR_PACKS.index(programme), version, full))
    return max(ours)[2] if ours else ""


def section_of(impact: Impact, *, title: str = TITLE) -> Section:
    """An estimate as a section of a report.

    Parameters
    ----------
    impact : Impact
    title : str
        The heading.
    """
    from spcbench.report import Section

    text: list[str] = []
    tables: list[ReportTable] = []
    for total, settings in zip(impact.totals.to_dict("records"), impact.settings, strict=True):
        text.append(f"{heading(total, settings)}. {' '.join(found_lines(total, settings))}")
        tables += _tables(impact, settings)
    text += [*impact.notes, " ".join(cautions(impact))]
    return Section(title=title, text=tuple(text), tables=tuple(tables))


def _tables(impact: Impact, settings: Settings) -> Iterator[ReportTable]:
    from spcbench.report import ReportTable

    name, many = settings.effect.measure, settings.effect.many
    own = impact.lines[impact.lines["measure"].eq(settings.measure)]
    years = "In brackets: the range."
    if len(own) > 1:
        years += " Each figure is estimated and rounded by itself: years need not add up to all."
    yield ReportTable(
        id=f"impact_{name}",
        title=f"Estimated {many} by year" if len(own) > 1 else f"Estimated {many}",
        frame=_readable(own),
        headings=_headings(own, settings, first={"when": "Year"}),
        note=" ".join([years, *how_lines(settings)]),
    )
    others = impact.alternatives[impact.alternatives["measure"].eq(settings.measure)]
    if len(others) < 2:
        return
    first = {"whose": "Number needed to treat of", "nnt_words": "Number"}
    if len(set(others["counterfactual"])) > 1:
        first["counterfactual"] = "Against"
    yield ReportTable(
        id=f"impact_{name}_others",
        title=f"Estimated {many} with other figures",
        frame=_readable(others),
        headings=_headings(others, settings, first=first, money=False, people=False),
        note="The same people, with every number needed to treat and counterfactual known here "
        "that has been checked at its source and covers these births.",
    )


def _headings(
    frame: pd.DataFrame,
    settings: Settings,
    *,
    first: Mapping[str, str],
    money: bool = True,
    people: bool = True,
) -> dict[str, str]:
    """Columns to lay out, in their words; none that would be empty."""
    compared = frame[["incremental", "incremental_low"]].notna().to_numpy().any()
    words = dict(first)
    if people:
        words |= {"treated_words": f"{settings.counted.capitalize()} treated"}
        words |= {"rate_words": "Of those eligible"} if frame["rate"].notna().any() else {}
    words |= {"gross_words": "All treated against none"}
    words |= {"incremental_words": "Against the counterfactual"} if compared else {}
    if money and settings.unit_cost is not None:
        words |= {"gross_value_words": "Value, all against none"}
        words |= (
            {"incremental_value_words": "Value, against the counterfactual"} if compared else {}
        )
    return words


def _readable(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows with columns of words beside the numbers."""
    rows, known = frame.to_dict("records"), {one.id: one for one in effects()}
    return frame.reset_index(drop=True).assign(
        treated_words=[f"{row['treated']:,}" for row in rows],
        rate_words=["" if pd.isna(row["rate"]) else percent(row["rate"]) for row in rows],
        whose=[known[row["effect"]].whose for row in rows],
        nnt_words=[_with_range(row, "nnt", needed_text) for row in rows],
        **{
            f"{name}_words": [_with_range(row, name, _writer(name, row)) for row in rows]
            for name in ("gross", "incremental", "gross_value", "incremental_value")
        },
    )


def _writer(name: str, row: Mapping[str, Any]) -> Any:
    if name.endswith("value"):
        return money_text
    return lambda value: cases_text(value, row["rounding"])


def _with_range(row: Mapping[str, Any], name: str, write: Any) -> str:
    """``"61 (36 to 62)"``; only the range where there is no single figure."""
    low, point, high = (row[key] for key in (f"{name}_low", name, f"{name}_high"))
    if math.isnan(low) and not math.isnan(point):
        return str(write(point))
    if math.isnan(low):
        begins = name.startswith("incremental") and row["eligible_compared"] == 0
        return "the year compared with" if begins else ""
    ends = f"{write(low)} to {write(high)}"
    return ends if math.isnan(point) else f"{write(point)} ({ends})"
