"""The tables that pages of units and of areas share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from spcbench.charting import ControlCharts
from spcbench.measures.counting import Counted
from spcbench.pages_cells import (
    NO_DATA,
    assurance_text,
    cases_word,
    known_lines,
    number_of,
    period_word,
    rate_lines,
    span_text,
    target_lines,
    variation_text,
)
from spcbench.pages_ground import Ground, summed
from spcbench.pictures.chart_kinds import kind_of
from spcbench.pictures.theme import date_text
from spcbench.pictures.words import value_text
from spcbench.reference_lines import published_lines
from spcbench.report import ReportTable
from spcbench.tables import Display

MOST_COLUMNS = 12
"""More periods than this do not stand side by side."""

NATIONS = ("England", "Wales", "Scotland", "Northern Ireland", "United Kingdom", "Great Britain")
"""How the place of a published value begins if it is a nation, or several."""


def glance_table(
    ground: Ground, unit: str, charts: ControlCharts, *, published: bool = False
) -> ReportTable:
    """Where one unit or area stands: each measure's values, target, findings and completeness.

    Parameters
    ----------
    ground : Ground
        The counts.
    unit : str
        Whose page it is.
    charts : ControlCharts
        Its charts.
    published : bool
        Whether to set the newest published value of each measure beside.
    """
    newest = published_cells(charts) if published else {}
    above = ground.above(unit)
    headings = _glance_headings(ground, above, bool(newest))
    sums = summed(ground.frame, ground.recent)
    lines = {line["measure"]: line for line in charts.summary.to_dict("records")}
    latest = {str(name): rows.iloc[-1] for name, rows in _with_data(charts).groupby("measure")}
    rows = []
    for name in (one for one in ground.order if one in lines):
        row = _judged(lines[name], latest.get(name), charts)
        row |= _summed_cells(ground, sums, name, unit)
        row |= {level: ground.sum_cell(sums, name, code) for level, code in above.items()}
        rows.append(row | {"published": newest.get(name, "–")})
    data = ["measure_id", "variation_code", "assurance_code"]
    return ReportTable(
        id="at_a_glance",
        title=f"At a glance: {span_text(ground.recent, ground.frequency)}",
        frame=pd.DataFrame(rows, columns=[*headings, *data], dtype="object"),
        headings=headings,
        note=_glance_note(ground, bool(above), bool(newest)),
        icons={"variation": "variation_code", "assurance": "assurance_code"},
    )


def _glance_headings(ground: Ground, above: Mapping[str, str], published: bool) -> dict[str, str]:
    return {
        "measure": "Measure",
        "latest": f"Latest {period_word(ground.frequency)}",
        "recent": f"Last {_length(ground)}",
        **{level: _level_name(ground, level, code) for level, code in above.items()},
        **({"published": "Published nationally"} if published else {}),
        "target": "Target",
        "variation": "Variation",
        "assurance": "Against the target",
        "known": "Known",
        "missed": "Missed",
    }


def _judged(
    line: Mapping[str, Any], point: pd.Series[Any] | None, charts: ControlCharts
) -> dict[str, Any]:
    """What the chart of one measure says."""
    display = charts.display[line["measure"]]
    return {
        "measure": _titled(display),
        "latest": _latest(line, point, charts),
        "target": target_lines(display),
        "variation": variation_text(line["variation"], line["status"]),
        "assurance": assurance_text(line["assurance"]),
        "measure_id": line["measure"],
        "variation_code": line["variation"],
        "assurance_code": line["assurance"],
    }


def _summed_cells(ground: Ground, sums: pd.DataFrame, name: str, unit: str) -> dict[str, str]:
    """What one measure comes to over the window: value, how much is known, and what was missed."""
    own = sums.loc[(name, unit)] if (name, unit) in sums.index else None
    return {
        "recent": ground.sum_cell(sums, name, unit),
        "known": "–" if own is None else known_lines(_zero(own["denominator"]), own["missing"]),
        "missed": _missed(own, ground.display[name]),
    }


def published_cells(charts: ControlCharts) -> dict[str, str]:
    """The newest national value that was published for each measure, and of whom and when."""
    national = {
        name: replace(
            shown,
            references=tuple(one for one in shown.references if one.place.startswith(NATIONS)),
        )
        for name, shown in charts.display.items()
    }
    made: dict[str, str] = {}
    for one in published_lines(national):
        value = value_text(one["value"], charts.display[one["measure"]])
        made.setdefault(one["measure"], f"{value}\n{one['label']}")
    return made


def _level_name(ground: Ground, level: str, code: str) -> str:
    name = ground.name(code)
    return "National" if level == "national" and name == code else name


def _glance_note(ground: Ground, beside: bool, published: bool) -> str:
    span = span_text(ground.recent, ground.frequency)
    said = [f"Values beside each other are all of {span}." if beside else ""]
    if published:
        said.append("Published values are of the nations and the time that stand below them.")
    said.append(
        "Known: of how many eligible cases it is known whether the care was given. "
        "Missed: eligible cases known not to have had it in that time."
    )
    return " ".join(one for one in said if one)


def _titled(display: Display) -> str:
    lines = dict.fromkeys([display.brief, display.title])
    return "\n".join([*lines, *([] if display.verified else ["Definition not verified"])])


def _length(ground: Ground) -> str:
    size = len(ground.recent)
    word = period_word(ground.frequency)
    return f"{size} {word}s" if size > 1 else word


def _with_data(charts: ControlCharts) -> pd.DataFrame:
    return charts.points[charts.points["value"].notna().to_numpy()]


def _latest(line: Mapping[str, Any], point: pd.Series[Any] | None, charts: ControlCharts) -> str:
    if point is None:
        return NO_DATA
    kind, display = kind_of(line["chart"]), charts.display[line["measure"]]
    when = date_text(point["period"])
    if kind.value_words(point["value"], display) == value_text(point["value"], display):
        return rate_lines(point, display, more=when)
    return f"{kind.value_words(point['value'], display)}\n{when}"


def _zero(number: Any) -> int:
    return 0 if pd.isna(number) else int(number)


def _missed(own: pd.Series[Any] | None, display: Display) -> str:
    if own is None or not _can_be_missed(display) or pd.isna(own["denominator"]):
        return "–"
    return number_of(own["denominator"] - own["numerator"], display)


def _can_be_missed(display: Display) -> bool:
    """Whether what is not in the numerator is care that was missed: of shares, more is better."""
    return display.better == "higher" and display.per == 100


def missed_table(ground: Ground, unit: str) -> ReportTable | None:
    """Cases that did not have the care they were eligible for, period by period.

    Parameters
    ----------
    ground : Ground
        The counts.
    unit : str
        Whose.

    Returns
    -------
    ReportTable or None
        None where no measure is one that more of is better.
    """
    rows = ground.frame[ground.frame["unit"].eq(unit).to_numpy()]
    made, shown = [], ground.recent[-MOST_COLUMNS:]
    for name in ground.order:
        display = ground.display[name]
        own = rows[rows["measure"].eq(name).to_numpy()].set_index("period")
        counted = own["status"].eq("ok") & (own["denominator"] > 0).fillna(False)
        if not _can_be_missed(display) or not counted.any():
            continue
        cells = {
            f"{period:%Y-%m-%d}": _missed_of(own.loc[period] if period in own.index else None)
            for period in shown
        }
        made.append({"measure": f"{display.brief} ({cases_word(display)})", **cells})
    if not made:
        return None
    headings = {f"{period:%Y-%m-%d}": date_text(period) for period in shown}
    return ReportTable(
        id="missed_by_period",
        title=f"Missed, {period_word(ground.frequency)} by {period_word(ground.frequency)}",
        frame=pd.DataFrame(made, dtype="object"),
        headings={"measure": "Measure", **headings},
        note="“2 of 6”: two of six eligible did not have it. A dash: nobody was eligible, or "
        "nothing is known of those who were.",
    )


def _missed_of(line: pd.Series[Any] | None) -> str:
    if line is None or line["status"] != "ok" or not _zero(line["denominator"]):
        return "–"
    return f"{int(line['denominator'] - line['numerator']):,} of {int(line['denominator']):,}"


def quality_table(ground: Ground, units: Sequence[str]) -> ReportTable | None:
    """How complete the fields of records are, of some units over the window.

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
    keep = table["field"].notna() & table["unit"].isin(list(units))
    keep &= table["period"].isin(list(ground.recent))
    sums = table[keep.to_numpy()].groupby("field", sort=False)[["records", "known"]].sum()
    titles = field_titles(ground)
    rows = [
        {
            "field": titles.get(str(name), str(name)),
            "records": f"{int(line['records']):,}",
            "known": known_lines(line["known"], line["records"] - line["known"]),
            "column": name,
        }
        for name, line in sums.iterrows()
        if line["records"] > 0
    ]
    if not rows:
        return None
    return ReportTable(
        id="completeness",
        title=f"How complete the records are: {span_text(ground.recent, ground.frequency)}",
        frame=pd.DataFrame(rows, dtype="object"),
        headings={"field": "Item", "records": "Records", "known": "Known"},
        note="Of all records with a unit and a date, whether or not the item is asked of them.",
    )


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
    """Plain names of the fields that the measures' packs declare."""
    from spcbench.pages_packs import packs_of

    return {
        one.name: title
        for pack in packs_of(ground)
        for one in pack.fields
        if (title := getattr(one, "title", ""))
    }
