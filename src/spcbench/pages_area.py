"""The parts of an area's page: a system, a region, or all units together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from spcbench.benchmarking import Funnels, funnels
from spcbench.charting import ControlCharts, control_charts
from spcbench.intake import is_rate
from spcbench.notes import read_notes
from spcbench.pages_actions import actions_report
from spcbench.pages_cells import (
    NO_DATA,
    position_text,
    span_text,
    variation_text,
)
from spcbench.pages_ground import ABOVE, Ground
from spcbench.pages_nation import NATION
from spcbench.pages_packs import composites_of
from spcbench.pages_quality import set_aside_at_a_glance
from spcbench.pages_tables import glance_table
from spcbench.pages_then import then_and_now
from spcbench.pages_unit import Asked, cautions, without_data
from spcbench.pages_window import summed
from spcbench.report import ReportTable, Section

MOST_MEASURES = 10
"""More measures than this do not stand side by side."""


def members_of(ground: Ground, area: str) -> list[str]:
    """The units that belonged to an area in the window, by name.

    An order by value would be a ranking.
    """
    rows = ground.at(ground.base)
    rows = rows[rows["period"].isin(list(ground.recent)).to_numpy()]
    level = ground.level_of(area)
    if level == NATION:
        found = rows["unit"].unique()
    elif level in rows.columns:
        found = rows["unit"][rows[level].eq(area).fillna(False).to_numpy(dtype=bool)].unique()
    else:
        found = []
    return sorted(map(str, found), key=lambda one: (ground.name(one).casefold(), one))


def member_charts(ground: Ground, members: Sequence[str], asked: Asked) -> ControlCharts:
    """Control charts of every measure of every unit in the area."""
    rows = ground.at(ground.base)
    own = rows["unit"].isin(list(members)) & rows["measure"].isin(ground.order)
    return control_charts(
        ground.only(rows[own.to_numpy()]),
        rules=asked.rules,
        chart=asked.chart,
        target=asked.target,
        host=ground.host,
        **asked.judged,
        **_notes_for(asked, ground, rows, members),
    )


def _notes_for(
    asked: Asked, ground: Ground, rows: pd.DataFrame, members: Sequence[str]
) -> dict[str, Any]:
    """The notes that can be about these units: others are not for their charts."""
    if asked.notes is None:
        return {}
    notes = read_notes(asked.notes)
    return {"notes": notes[(notes["unit"].isna() | notes["unit"].isin(list(members))).to_numpy()]}


def area_funnels(ground: Ground, area: str, members: Sequence[str], asked: Asked) -> list[Funnels]:
    """Funnels of the window, of like with like.

    A measure that may be compared at some levels only has its funnel there,
    and one within each stratum where its strata are known.
    """
    groups: dict[tuple[str, str | None], list[str]] = {}
    for name in ground.order:
        for how in _comparisons(ground, area, name):
            groups.setdefault(how, []).append(name)
    made = []
    for (level, by), names in groups.items():
        rows = _below(ground, area, level, members)
        rows = rows[rows["measure"].isin(names).to_numpy()]
        if by is not None:
            rows = rows[~rows[by].isin(alike(ground, rows, by)).to_numpy()]
        if _several(rows) and (rows["denominator"] > 0).fillna(False).any():
            made.append(
                funnels(
                    ground.only(rows),
                    level=level,
                    by=by,
                    first=ground.recent[0],
                    last=ground.recent[-1],
                    host=ground.host,
                    **asked.judged,
                )
            )
    return made


def alike(ground: Ground, rows: pd.DataFrame, by: str) -> list[str]:
    """Strata in which no case, or every case, is met: there is nothing to compare.

    Parameters
    ----------
    ground : Ground
        The counts; its window is looked at.
    rows : pandas.DataFrame
        Rows of one measure or several, with the label `by`.
    by : str
        The column of strata.
    """
    recent = rows[rows["period"].isin(list(ground.recent)).to_numpy()]
    sums = recent.groupby([by, "measure"], observed=True)[["numerator", "denominator"]].sum()
    flat = sums["numerator"].eq(0) | sums["numerator"].eq(sums["denominator"])
    whole = flat.groupby(level=0).all()
    return [str(one) for one in whole.index[whole.to_numpy(bool)]]


def _several(rows: pd.DataFrame) -> bool:
    return len(rows["unit"].unique()) > 1


def _comparisons(ground: Ground, area: str, name: str) -> list[tuple[str, str | None]]:
    """Levels at which a measure may be compared in the area, each with its strata or None."""
    display, strata = ground.display[name], _strata(ground, name)
    if strata is None and is_comparable(ground, name):
        return [(ground.base, None)]
    found: list[tuple[str, str | None]] = []
    own = ground.level_of(area)
    below = ABOVE[: ABOVE.index(own)] if own in ABOVE else ABOVE
    for level in display.compare_at:
        if level in below and not found and _several(_below(ground, area, level, ())):
            found.append((level, None))
    if strata is not None:
        found.append((ground.base, strata))
    return found


def is_comparable(ground: Ground, name: str) -> bool:
    """Whether a measure may be set side by side between the units."""
    shown = ground.display[name]
    if is_rate(shown, ground.host):
        return False
    return not shown.compare_at or ground.base in shown.compare_at


def _strata(ground: Ground, name: str) -> str | None:
    """The label that tells like units apart, where the measure names one that is there."""
    column = ground.display[name].strata
    return column if column and column in ground.frame.columns else None


def _below(ground: Ground, area: str, level: str, members: Sequence[str]) -> pd.DataFrame:
    """Rows of one level within the area."""
    rows = ground.at(level)
    if level == ground.base:
        return rows[rows["unit"].isin(list(members)).to_numpy()]
    own = ground.level_of(area)
    if own in rows.columns and own != NATION:
        return rows[rows[own].eq(area).fillna(False).to_numpy(dtype=bool)]
    return rows


def area_sections(
    ground: Ground, area: str, charts: ControlCharts, members: Sequence[str], asked: Asked
) -> Iterator[Section]:
    """The parts of an area's page that come before those of the packs."""
    composites = composites_of(ground)
    order = (*composites, *(one for one in ground.order if one not in composites))
    yield Section(
        title="At a glance",
        text=[
            *set_aside_at_a_glance(ground, members),
            *without_data(ground, area, charts),
            *cautions(charts),
        ],
        tables=[glance_table(ground, area, charts, published=asked.published)],
    )
    yield Section(
        title=f"{ground.name(area)} over time",
        text="All units together. Points within the limits go up and down by chance; a marked "
        "point or run is more than chance usually makes.",
        tables=[one for one in [then_and_now(ground, area, charts, order)] if one is not None],
        results=[charts],
        order=order,
    )
    if members:
        each = member_charts(ground, members, asked)
        compared = area_funnels(ground, area, members, asked)
        yield _matrix_section(ground, members, each, compared)
        yield _learning(ground, members, each)
        yield from _funnel_section(ground, members, compared)
        noted = [actions_report(ground, charts), actions_report(ground, each, of_units(asked))]
    else:
        noted = [actions_report(ground, charts)]
    if tables := [one for one in noted if one is not None]:
        yield Section(title="What was done, and what is seen since", tables=tables)


def of_units(asked: Asked) -> pd.DataFrame | None:
    """The notes about one unit each; those about all are told of the area. None without notes."""
    if asked.notes is None:
        return None
    notes = read_notes(asked.notes)
    return notes[notes["unit"].notna().to_numpy()]


def _matrix_section(
    ground: Ground, members: Sequence[str], each: ControlCharts, compared: Sequence[Funnels]
) -> Section:
    sums = summed(ground.at(ground.base), ground.recent, ground.display)
    variation: dict[tuple[str, str], Any] = {
        (line["measure"], line["unit"]): line for line in each.summary.to_dict("records")
    }
    position = _positions(compared)
    there = [one for one in ground.order if one in set(each.summary["measure"])]
    names = [one for one in there if is_comparable(ground, one)]
    left = [ground.display[one].brief for one in there if one not in names]
    rows = []
    for unit in members:
        row: dict[str, Any] = {}
        for place, name in enumerate(names):
            line = variation.get((name, unit))
            value = ground.sum_cell(sums, name, unit)
            row[f"m{place}"] = _cell(value, line, position.get((name, unit)))
            told = None if line is None or value == NO_DATA else line["variation"]
            row[f"m{place}_variation"] = told
        rows.append(row)
    tables = _matrix_tables(ground, members, names, rows)
    text = [
        "Side by side, to see where to ask and whom to ask. Numbers are small in many cells: a "
        "value without a signal is most often no different from its neighbours."
    ]
    if left:
        text.append(f"Not set side by side, because units are not alike: {'; '.join(left)}.")
    return Section(title="Units and measures", text=text, tables=tables)


def _matrix_tables(
    ground: Ground, members: Sequence[str], names: Sequence[str], rows: Sequence[dict[str, Any]]
) -> list[ReportTable]:
    """The cells of units and measures, in as many tables as keep them on a page."""
    frame = pd.DataFrame(list(rows), dtype="object")
    frame.insert(0, "unit", [ground.name(one) for one in members])
    frame.insert(1, "unit_code", list(members))
    pieces = max(1, -(-len(names) // MOST_MEASURES))
    edges = [round(len(names) * one / pieces) for one in range(pieces + 1)]
    span = span_text(ground.recent, ground.frequency)
    return [
        _matrix_table(
            ground,
            frame,
            {f"m{place}": names[place] for place in range(*edges[number - 1 : number + 1])},
            id=f"units_and_measures{f'_{number}' if number > 1 else ''}",
            title=f"Each unit and measure: {span}" + (f" ({number} of {pieces})" * (pieces > 1)),
            last=number == pieces,
        )
        for number in range(1, pieces + 1)
    ]


def _matrix_table(
    ground: Ground, frame: pd.DataFrame, names: dict[str, str], *, last: bool, **how: str
) -> ReportTable:
    icons = {place: f"{place}_variation" for place in names}
    told = [one for pair in icons.items() for one in pair]
    return ReportTable(
        **how,
        frame=frame[["unit", "unit_code", *told]],
        headings={"unit": "Unit"} | {at: ground.display[one].brief for at, one in names.items()},
        icons=icons,
        note="In each cell: the value and its counts; whether the unit's own chart shows a "
        "change at its latest points (no signal: no more than chance usually makes); and whether "
        "the unit lies within the funnel, or outside limits that hold 95% or 99.8% of units of "
        "its size. In the order of names."
        if last
        else "",
    )


def _cell(value: str, line: Any, position: Any) -> str:
    if value == NO_DATA or line is None:
        return value
    changed = variation_text(line["variation"], line["status"], short=True)
    return f"{value}\n{changed}; {position_text(position)}"


def _positions(compared: Sequence[Funnels]) -> dict[tuple[str, str], Any]:
    return {
        (line["measure"], line["unit"]): line["position"]
        for one in compared
        for line in one.units.to_dict("records")
    }


def _learning(ground: Ground, members: Sequence[str], each: ControlCharts) -> Section:
    """Where charts show improvement: whom to ask how they did it."""
    seen = each.summary[each.summary["variation"].isin(["improvement_high", "improvement_low"])]
    rows = []
    for name in ground.order:
        units = set(seen["unit"][seen["measure"].eq(name).to_numpy()])
        if units:
            named = [ground.name(one) for one in members if one in units]
            rows.append({"measure": ground.display[name].brief, "units": "; ".join(named)})
    if not rows:
        return Section(
            title="Where improvement is seen",
            text="No unit's chart shows a special cause of improvement at its latest points.",
        )
    return Section(
        title="Where improvement is seen",
        text="Units whose own chart shows a special cause of improvement at its latest points, in "
        "the order of names. What changed there may help the others.",
        tables=[
            ReportTable(
                id="improvement_seen",
                title="Special cause of improvement",
                frame=pd.DataFrame(rows, dtype="object"),
                headings={"measure": "Measure", "units": "Units"},
            )
        ],
    )


def _alike_text(ground: Ground, members: Sequence[str]) -> list[str]:
    """Which strata have no funnel, because all of their units have the same value."""
    said = []
    rows = ground.at(ground.base)
    rows = rows[rows["unit"].isin(list(members)).to_numpy()]
    for name in ground.order:
        if (by := _strata(ground, name)) is not None:
            own = rows[rows["measure"].eq(name).to_numpy()]
            if found := alike(ground, own, by):
                said.append(
                    f"{ground.display[name].brief}: no funnel within {' or '.join(found)}, where "
                    "no case was met, or every case."
                )
    return said


def _funnel_section(
    ground: Ground, members: Sequence[str], compared: Sequence[Funnels]
) -> Iterator[Section]:
    told = {name for one in compared for name in one.units["measure"].unique()}
    left = [ground.display[name].brief for name in ground.order if name not in told]
    text = [
        f"All cases of {span_text(ground.recent, ground.frequency)}. Units within the funnel "
        "differ no more than chance makes units of their size differ."
    ]
    if left:
        text.append(f"Not compared between these units: {'; '.join(left)}.")
    text += _alike_text(ground, members)
    yield Section(
        title="Is any unit different from the others?",
        text=text,
        results=compared,
        order=ground.order,
    )
