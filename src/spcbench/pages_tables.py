"""The tables that pages of units and of areas share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from spcbench.charting import ControlCharts
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
    units_text,
    variation_text,
)
from spcbench.pages_ground import Ground, longer_rows
from spcbench.pages_window import summed
from spcbench.pictures.chart_kinds import kind_of
from spcbench.pictures.periods import is_longer
from spcbench.pictures.theme import period_text
from spcbench.pictures.words import value_text
from spcbench.reference_lines import published_lines
from spcbench.report import ReportTable
from spcbench.tables import Display

_SPARSE = ("target", "assurance", "known", "missed")
"""Columns that are left out where no measure has anything in them."""

MOST_COLUMNS = 12
"""More periods than this do not stand side by side."""

NATIONS = ("England", "Wales", "Scotland", "Northern Ireland", "United Kingdom", "Great Britain")
"""How the place of a published value begins if it is a nation, or several."""


_GLANCE_WORDS = {
    "published": "Published values are of the nations and the time that stand below them.",
    "variation": "Variation: what the chart shows at its latest points.",
    "known": "Known: of how many eligible cases it is known whether the care was given.",
    "missed": "Missed: eligible cases known not to have had it in that time.",
}


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
    sums = summed(ground.frame, ground.recent, ground.display)
    lines = {line["measure"]: line for line in charts.summary.to_dict("records")}
    latest = {str(name): rows.iloc[-1] for name, rows in _with_data(charts).groupby("measure")}
    rows = []
    for name in (one for one in ground.order if one in lines):
        row = _judged(lines[name], latest.get(name), charts, ground.lengths[name])
        row["latest"] = _of_units(row["latest"], latest.get(name), ground, unit)
        row |= _summed_cells(ground, sums, name, unit)
        row |= {level: ground.sum_cell(sums, name, code) for level, code in above.items()}
        rows.append(row | {"published": newest.get(name, "–")})
    data = ["measure_id", "variation_code", "assurance_code"]
    frame = pd.DataFrame(rows, columns=[*headings, *data], dtype="object")
    told = [one for one in headings if one not in _SPARSE or frame[one].ne("–").any()]
    icons = {"variation": "variation_code", "assurance": "assurance_code"}
    return ReportTable(
        id="at_a_glance",
        title=f"At a glance: {span_text(ground.recent, ground.frequency)}",
        frame=frame,
        headings={name: headings[name] for name in told},
        note=_glance_note(ground, told, beside=bool(above)),
        icons={name: code for name, code in icons.items() if name in told},
    )


def _glance_headings(ground: Ground, above: Mapping[str, str], published: bool) -> dict[str, str]:
    return {
        "measure": "Measure",
        "latest": f"Latest {_latest_word(ground)}",
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
    line: Mapping[str, Any], point: pd.Series[Any] | None, charts: ControlCharts, frequency: str
) -> dict[str, Any]:
    """What the chart of one measure says."""
    display = charts.display[line["measure"]]
    return {
        "measure": _titled(display),
        "latest": _latest(line, point, charts, frequency),
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
        "known": _known(own),
        "missed": _missed(own, ground, name),
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


def _glance_note(ground: Ground, told: Sequence[str], *, beside: bool) -> str:
    span = span_text(ground.recent, ground.frequency)
    other = "" if ground.alike else ", except where a cell names its own periods"
    said = [f"Values beside each other are all of {span}{other}." if beside else ""]
    said += [words for name, words in _GLANCE_WORDS.items() if name in told]
    if "units_missing" in ground.frame.columns and ground.frame["units_missing"].gt(0).any():
        said.append(
            "“2 of 3 units”: in one "
            f"{_latest_word(ground)} or more of that time only so many had data."
        )
    stocks = [ground.display[name].brief for name in ground.order if ground.display[name].stock]
    if stocks:
        more = f" and {len(stocks) - 2} more" if len(stocks) > 2 else ""
        said.append(
            "Some measures are the state on a day, of which the latest is shown and none is added "
            f"up: {'; '.join(stocks[:2])}{more}."
        )
    return " ".join(one for one in said if one)


def _titled(display: Display) -> str:
    lines = dict.fromkeys([display.brief, display.title])
    return "\n".join([*lines, *([] if display.verified else ["Definition not verified"])])


def _latest_word(ground: Ground) -> str:
    return period_word(ground.frequency) if ground.alike else "period"


def _length(ground: Ground) -> str:
    size = len(ground.recent)
    word = period_word(ground.frequency)
    return f"{size} {word}s" if size > 1 else word


def _with_data(charts: ControlCharts) -> pd.DataFrame:
    return charts.points[charts.points["value"].notna().to_numpy()]


def _latest(
    line: Mapping[str, Any], point: pd.Series[Any] | None, charts: ControlCharts, frequency: str
) -> str:
    if point is None:
        return NO_DATA
    kind, display = kind_of(line["chart"]), charts.display[line["measure"]]
    when = period_text(point["period"], frequency, ends=point["period_end"])
    if kind.value_words(point["value"], display) == value_text(point["value"], display):
        return rate_lines(point, display, more=when)
    return f"{kind.value_words(point['value'], display)}\n{when}"


def _of_units(said: str, point: pd.Series[Any] | None, ground: Ground, unit: str) -> str:
    """A latest value, and of how many units it is where some lack theirs."""
    if point is None:
        return said
    sums = summed(ground.frame[ground.frame["unit"].eq(unit).to_numpy()], [point["period"]])
    key = (point["measure"], unit)
    units = units_text(sums.loc[key]) if key in sums.index else ""
    return f"{said}, {units}" if units else said


def _zero(number: Any) -> int:
    return 0 if pd.isna(number) else int(number)


def _known(own: pd.Series[Any] | None) -> str:
    """How much is known; of a total that lacks units, of how many units that is."""
    if own is None:
        return "–"
    said = known_lines(_zero(own["denominator"]), own["missing"])
    return said if said == "–" else "\n".join(one for one in (said, units_text(own)) if one)


def _missed(own: pd.Series[Any] | None, ground: Ground, name: str) -> str:
    if own is None or not _can_be_missed(ground, name) or pd.isna(own["denominator"]):
        return "–"
    return number_of(own["denominator"] - own["numerator"], ground.display[name])


def _can_be_missed(ground: Ground, name: str) -> bool:
    """Whether what is not in the numerator is care that was missed: of shares, more is better."""
    return ground.of_cases(name) and ground.display[name].better == "higher"


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
        if not _can_be_missed(ground, name) or not counted.any():
            continue
        cells = {
            f"{period:%Y-%m-%d}": _missed_of(
                own.loc[period] if period in own.index else None, ground.lengths[name]
            )
            for period in shown
        }
        of = cases_word(display)
        if ground.lengths[name] != ground.frequency:
            of += f", by {period_word(ground.lengths[name])}"
        made.append({"measure": f"{display.brief} ({of})", **cells})
    if not made:
        return None
    headings = {f"{period:%Y-%m-%d}": period_text(period, ground.frequency) for period in shown}
    longer = not ground.alike or longer_rows(rows, ground.frequency)
    return ReportTable(
        id="missed_by_period",
        title=f"Missed, {period_word(ground.frequency)} by {period_word(ground.frequency)}",
        frame=pd.DataFrame(made, dtype="object"),
        headings={"measure": "Measure", **headings},
        note="“2 of 6”: two of six eligible did not have it. A dash: nobody was eligible, or "
        "nothing is known of those who were."
        + (" Longer periods stand where they begin." if longer else ""),
    )


def _missed_of(line: pd.Series[Any] | None, frequency: str) -> str:
    if line is None or line["status"] != "ok" or not _zero(line["denominator"]):
        return "–"
    said = f"{int(line['denominator'] - line['numerator']):,} of {int(line['denominator']):,}"
    ends = line.get("period_end")
    if not is_longer(line.name, ends, frequency):
        return said
    return f"{said}\n{period_text(line.name, frequency, ends=ends)}"
