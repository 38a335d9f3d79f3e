"""How complete the records behind a page are: what is known, and what was set aside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from spcbench.measures.counting import Counted
from spcbench.pages_cells import known_lines, number_of, span_text
from spcbench.pages_ground import Ground
from spcbench.pages_packs import packs_of
from spcbench.pictures.words import count_text, number_text
from spcbench.report import ReportTable, Section
from spcbench.tables import Display

TOLD_AT_ONCE = 0.01
"""From this share of records set aside on, the page says so at a glance (a proposal)."""

OPPORTUNITY = "opportunity"


def quality_sections(ground: Ground, units: list[str], *, whole: bool) -> Iterator[Section]:
    """How complete the records are, what was set aside, and on an area's page all that was wrong.

    Parameters
    ----------
    ground : Ground
        The counts; only those counted from records tell.
    units : list of str
        Whose records.
    whole : bool
        Whether to add what is known of all records that were read.
    """
    tables = [
        quality_table(ground, units),
        set_aside_table(ground, units),
        problems_table(ground) if whole else None,
    ]
    kept = [one for one in tables if one is not None]
    aside = set_aside_text(ground, units)
    if kept or aside:
        yield Section(
            title="How complete the records are",
            text=[
                "A value is only as good as the records behind it: cases of which it is not "
                "known whether the care was given are in no value, and neither are records that "
                "were set aside.",
                *aside,
            ],
            tables=kept,
        )


def set_aside_at_a_glance(ground: Ground, units: Sequence[str]) -> list[str]:
    """A line for the head of a page where more than 1 % of its records are in no value.

    Parameters
    ----------
    ground : Ground
        The counts.
    units : sequence of str
        Whose records.
    """
    read, aside = _records_of(ground, units)
    if not read or aside <= TOLD_AT_ONCE * read:
        return []
    return [f"{_aside_words(read, aside, units)} See “How complete the records are”."]


def tells_records(ground: Ground) -> bool:
    """Whether the counts of a page say how many records were read and set aside."""
    return isinstance(ground.counts, Counted) and not ground.counts.units.empty


def set_aside_text(ground: Ground, units: Sequence[str]) -> list[str]:
    """How many records of some units are in no value; nothing where nobody counted records."""
    counted = ground.counts
    if not tells_records(ground):
        return []
    read, aside = _records_of(ground, units)
    these = _whose(units)
    said = [f"None of the {count_text(read, 'record')} of {these} that were read was set aside."]
    if aside:
        said = [_aside_words(read, aside, units)]
    if nobody := int(counted.units["records"][counted.units["unit"].isna().to_numpy()].sum()):
        everything = int(counted.units["records"].sum())
        said.append(
            f"{nobody:,} of all {count_text(everything, 'record')} that were read "
            + ("has" if nobody == 1 else "have")
            + " no unit or date that is known, so "
            + ("it is" if nobody == 1 else "they are")
            + " on nobody's page."
        )
    return said


def _aside_words(read: int, aside: int, units: Sequence[str]) -> str:
    share = number_text(100 * aside / read)
    return (
        f"{aside:,} of the {count_text(read, 'record')} of {_whose(units)} that were read "
        f"({share}%) {'was' if aside == 1 else 'were'} set aside: they are in no value here, "
        "and not among the cases that are not known."
    )


def _whose(units: Sequence[str]) -> str:
    return "this unit" if len(units) == 1 else "these units"


def _records_of(ground: Ground, units: Sequence[str]) -> tuple[int, int]:
    """Records of some units over all periods, and how many of them were set aside."""
    counted = ground.counts
    if not isinstance(counted, Counted):
        return 0, 0
    own = counted.units[counted.units["unit"].isin(list(units)).to_numpy()]
    return int(own["records"].sum()), int(own["set_aside"].sum())


def set_aside_table(ground: Ground, units: Sequence[str]) -> ReportTable | None:
    """Why records of some units were set aside; None where none was, or nobody knows."""
    counted = ground.counts
    if not isinstance(counted, Counted) or counted.unit_problems.empty:
        return None
    own = counted.unit_problems[counted.unit_problems["unit"].isin(list(units)).to_numpy()]
    if own.empty:
        return None
    titles = field_titles(ground)
    sums = own.groupby(["field", "problem", "reason"], sort=False, dropna=False)["records"].sum()
    rows = [
        {
            "field": titles.get(str(field), str(field)),
            "reason": str(reason),
            "records": f"{int(number):,}",
            "problem": problem,
        }
        for (field, problem, reason), number in sums.items()
    ]
    return ReportTable(
        id="set_aside",
        title="Why records were set aside, in all periods",
        frame=pd.DataFrame(rows, dtype="object"),
        headings={"field": "Item or check", "reason": "Why", "records": "Records"},
        note="A record with several such problems stands in several lines.",
    )


def quality_table(ground: Ground, units: Sequence[str]) -> ReportTable | None:
    """Of how many eligible cases of each measure it is known whether they met it.

    Items of the records are not told one by one: many are asked of some cases
    only, so that they look incomplete where nothing is missing.

    Parameters
    ----------
    ground : Ground
        The counts; only those counted from records tell.
    units : sequence of str
        Whose records.

    Returns
    -------
    ReportTable or None
        None where nobody counted.
    """
    counted = ground.counts
    if not isinstance(counted, Counted) or counted.completeness.empty:
        return None
    table = counted.completeness
    keep = table["measure"].notna() & table["unit"].isin(list(units))
    keep &= table["period"].isin(list(ground.recent))
    wanted = ["records", "known", "eligible_unknown"]
    sums = table[keep.to_numpy()].groupby("measure", sort=False)[wanted].sum()
    rows = [
        _measure_row(ground.display[name], sums.loc[name], name)
        for name in ground.order
        if name in sums.index and sums.loc[name, ["records", "eligible_unknown"]].gt(0).any()
    ]
    if not rows:
        return None
    return ReportTable(
        id="completeness",
        title=f"How complete the records are: {span_text(ground.recent, ground.frequency)}",
        frame=pd.DataFrame(rows, dtype="object"),
        headings={
            "measure": "Measure",
            "eligible": "Eligible",
            "known": "Known whether it was met",
            "unsure": "Not known whether eligible",
        },
        note="Known: of the cases that the measure asks about. Those of which it is not known "
        "whether the measure asks about them are not among the eligible.",
    )


def _measure_row(display: Display, line: Mapping[str, Any], name: str) -> dict[str, Any]:
    eligible = int(line["records"])
    if display.form == OPPORTUNITY and not display.counts:
        display = replace(display, counts=OPPORTUNITY)
    return {
        "measure": display.brief,
        "eligible": number_of(eligible, display),
        "known": known_lines(line["known"], eligible - line["known"]),
        "unsure": f"{int(line['eligible_unknown']):,}",
        "measure_id": name,
    }


def problems_table(ground: Ground) -> ReportTable | None:
    """What could not be used in the whole of the records; None where nothing is known or wrong."""
    counted = ground.counts
    if not isinstance(counted, Counted) or counted.quality.empty:
        return None
    titles = field_titles(ground)
    rows = [
        {
            "subject": _subject(line, ground, titles),
            "problem": str(line["problem"]).replace("_", " "),
            "records": f"{int(line['records']):,}",
        }
        for line in counted.quality.to_dict("records")
    ]
    return ReportTable(
        id="problems",
        title="What could not be used, in all records that were read",
        frame=pd.DataFrame(rows, dtype="object"),
        headings={"subject": "Item or measure", "problem": "Problem", "records": "Records"},
    )


def _subject(line: Mapping[str, Any], ground: Ground, titles: Mapping[str, str]) -> str:
    if isinstance(line["field"], str) and not isinstance(line["measure"], str):
        return titles.get(line["field"], line["field"])
    if isinstance(line["measure"], str) and line["measure"] in ground.display:
        return ground.display[line["measure"]].brief
    return str(line["measure"]) if isinstance(line["measure"], str) else "The record"


def field_titles(ground: Ground) -> dict[str, str]:
    """Plain names of the fields and checks that the measures' packs declare."""
    return {
        getattr(one, "name", "") or getattr(one, "id", ""): title
        for pack in packs_of(ground.order, ground.host)
        for one in (*pack.fields, *pack.checks)
        if (title := getattr(one, "title", ""))
    }
