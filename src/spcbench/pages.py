"""A page for one unit, and a page for an area: counts become a report that reads by itself.

Pages compute no statistic: they add counts up over a window and put what charts
and funnels find into words and tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from spcbench.errors import OptionError, UnknownNameError
from spcbench.measures.counting import Counted
from spcbench.pages_area import area_sections, members_of
from spcbench.pages_ground import ALL, Ground, ground_of, with_everyone
from spcbench.pages_packs import packs_for, page_sections
from spcbench.pages_quality import quality_sections
from spcbench.pages_unit import (
    Asked,
    charts_of,
    reading_section,
    unit_sections,
)
from spcbench.pictures.theme import last_day, named_by_day
from spcbench.report import Page, Report, Section

if TYPE_CHECKING:
    from spcbench.plugin.host import PluginHost


_LEVEL_WORDS = {"system": "a system", "region": "a region", "national": "the nation"}


def unit_report(
    counts: Any,
    *,
    unit: str,
    measure: str | None = None,
    hierarchy: Any | None = None,
    national: Any | None = None,
    references: Any | None = None,
    notes: Any | None = None,
    events: Counted | None = None,
    chart: str = "auto",
    rules: str = "mdc-2023-11",
    better: str | None = None,
    target: float | None = None,
    per: int | None = None,
    level: str | None = None,
    until: Any | None = None,
    window: int | None = None,
    title: str | None = None,
    files: Mapping[str, str | Path] | None = None,
    host: PluginHost | None = None,
) -> Report:
    r"""The page of one unit: where it stands, what changed, what was missed, what was done.

    Parameters
    ----------
    counts : Counted, Table, pandas, polars or Arrow table
        Shares of cases of this unit, and of others where it is to be set
        beside its system and region.
    unit : str
        Its code.
    measure : str, optional
        Only this one: its full name, or a part that names no other (``"mgso4"``).
    hierarchy : path, table or Hierarchy, optional
        Who belongs to whom, as `rolled_up` takes it; without it the counts'
        own rows of systems and regions, if there are any.
    national : path, Table or table, optional
        Counts of the nation by the same measures and periods, in place of the
        sum of the units.
    references : mapping of str to float, or "published", optional
        Further lines on the charts, as for `control_charts`; the newest
        published value of each measure then stands at a glance too.
    notes : path, table, or list of notes, optional
        As for `control_charts`; each is listed with the points before and after.
    events : Counted, optional
        What `event_counts` gives with ``event="not_met", between="cases"``:
        drawn as charts of cases between missed ones.
    chart, rules, better, target, per
        As for `control_charts`; the last three over what every measure says.
    level : str, optional
        Level of the units, where counts hold several.
    until : date, optional
        Last period to use, to leave out one that is not complete.
    window : int, optional
        How many of the latest periods are added up; by default a year of them.
    title : str, optional
        The heading; by default the unit's name and the periods.
    files : mapping of str to path, optional
        Files for the packs of these measures, by the names that the packs give
        them (`Pack.files`).
    host : PluginHost, optional
        Where charts, rule sets and packs are found.

    Returns
    -------
    Report
        Sections in the order of the page. Measures without data are named in
        one line.

    Raises
    ------
    UnknownNameError
        If the counts have no such unit, or no such measure.
    InputError, OptionError
        If counts, hierarchy, notes or options are faulty.

    Examples
    --------
    >>> import pandas as pd
    >>> counts = pd.DataFrame({
    ...     "measure": "warm", "unit": "RJ1", "period": pd.date_range("2024-01-01", periods=14,
    ...     freq="MS"), "numerator": 8, "denominator": 10})
    >>> page = unit_report(counts, unit="RJ1")
    >>> page.title
    'RJ1: January 2024 to February 2025'
    >>> page.sections[0].tables[0].frame["recent"].to_list()
    ['80%\n96 of 120']
    """
    ground, asked = _opened(counts, locals())
    packs, given = packs_for(ground.order, files, ground.host)
    _check_unit(ground, unit)
    charts = charts_of(ground, unit, asked)
    page = _page(ground, "unit", unit, [unit], given)
    sections = [
        *unit_sections(ground, unit, charts, events, asked),
        *page_sections(packs, page),
        *quality_sections(ground, [unit], whole=False),
        reading_section(ground, charts, area=False),
    ]
    return Report([], title=title or _title(ground, unit), sections=sections)


def area_report(
    counts: Any,
    *,
    area: str | None = None,
    measure: str | None = None,
    hierarchy: Any | None = None,
    national: Any | None = None,
    references: Any | None = None,
    notes: Any | None = None,
    chart: str = "auto",
    rules: str = "mdc-2023-11",
    better: str | None = None,
    target: float | None = None,
    per: int | None = None,
    level: str | None = None,
    until: Any | None = None,
    window: int | None = None,
    title: str | None = None,
    files: Mapping[str, str | Path] | None = None,
    host: PluginHost | None = None,
) -> Report:
    """The page of an area: all together over time, units and measures side by side, funnels.

    Parameters
    ----------
    counts : Counted, Table, pandas, polars or Arrow table
        Shares of cases of units.
    area : str, optional
        Code of a system, a region or another total; all units together
        without it.
    measure, hierarchy, national, references, notes, chart, rules, better, target, per
        As for `unit_report`, and so are the rest. Lines of `references` are on
        the area's charts.
    level, until, window, title, files, host
        As for `unit_report`.

    Returns
    -------
    Report
        Units stand in the order of their names: there is no ranking.

    Raises
    ------
    UnknownNameError
        If the counts and the hierarchy have no such area or measure.
    OptionError
        If `area` is a unit, or nobody says what belongs to it.
    InputError
        If counts, hierarchy or notes are faulty.

    Examples
    --------
    >>> import pandas as pd
    >>> counts = pd.DataFrame({
    ...     "measure": "warm", "unit": ["A", "B"] * 13, "period": pd.date_range("2024-01-01",
    ...     periods=13, freq="MS").repeat(2), "numerator": 8, "denominator": 10})
    >>> page = area_report(counts)
    >>> [section.title for section in page.sections][:3]
    ['At a glance', 'All units over time', 'Units and measures']
    """
    ground, asked = _opened(counts, locals())
    packs, given = packs_for(ground.order, files, ground.host)
    if area is None:
        ground, area = with_everyone(ground), ALL
    _check_area(ground, area, hierarchy)
    charts = charts_of(ground, area, asked)
    members = members_of(ground, area)
    page = _page(ground, "area", area, members, given)
    sections: list[Section] = [
        *area_sections(ground, area, charts, members, asked),
        *page_sections(packs, page),
        *quality_sections(ground, members, whole=True),
        reading_section(ground, charts, area=True),
    ]
    return Report([], title=title or _title(ground, area), sections=sections)


def _opened(counts: Any, given: dict[str, Any]) -> tuple[Ground, Asked]:
    from spcbench.plugin.host import default_host

    host = given["host"] or default_host()
    host.rule_set(given["rules"])
    names = ("measure", "hierarchy", "national", "level", "until", "window", "chart")
    shown = {name: given[name] for name in ("better", "target", "per")}
    ground = ground_of(counts, host=host, shown=shown, **{name: given[name] for name in names})
    wanted = ("notes", "chart", "rules", "references", *shown)
    return ground, Asked(**{name: given[name] for name in wanted})


def _check_unit(ground: Ground, unit: str) -> None:
    if not isinstance(unit, str):
        raise OptionError(f"unit must be the code of a unit, not {unit!r}")
    own = ground.at(ground.base)["unit"]
    if own.eq(unit).any():
        return
    if ground.frame["unit"].eq(unit).any():
        level = _LEVEL_WORDS.get(ground.level_of(unit), "a total")
        raise OptionError(
            f"{unit!r} is {level}, not one unit: ask for its page with area= (--area), or give "
            "the code of a unit"
        )
    raise UnknownNameError("unit", unit, own.unique())


def _check_area(ground: Ground, area: str, hierarchy: Any | None) -> None:
    if not isinstance(area, str):
        raise OptionError(f"area must be the code of an area, not {area!r}")
    own = ground.frame["unit"].eq(area).to_numpy()
    above = ground.frame["unit"][~ground.frame["level"].eq(ground.base).to_numpy(dtype=bool)]
    if not own.any() and hierarchy is None and not len(above):
        raise OptionError(
            f"the counts hold units only, so nobody knows what belongs to the area {area!r}; say "
            "who belongs to whom with hierarchy= (--hierarchy), or leave area= out for all units "
            "together (--area all)"
        )
    if not own.any():
        raise UnknownNameError("area", area, above.unique())
    if ground.level_of(area) == ground.base:
        raise OptionError(
            f"{area!r} is one unit, not an area: ask for its page with unit= (--unit), or give "
            "the code of a system or region"
        )


def _page(
    ground: Ground, kind: Any, unit: str, members: Sequence[str], files: Mapping[str, Path]
) -> Page:
    wanted = {unit, *members, *ground.above(unit).values()}
    rows = ground.as_given(ground.frame[ground.frame["unit"].isin(list(wanted)).to_numpy()])
    return Page(
        kind=kind,
        unit=unit,
        unit_name=ground.name(unit),
        counts=rows.reset_index(drop=True),
        members=tuple(members),
        first=ground.periods[0],
        last=ground.periods[-1],
        names=dict(ground.names),
        files=files,
    )


def _title(ground: Ground, unit: str) -> str:
    first, last = ground.periods[0], ground.periods[-1]
    last = last_day(last, ground.frequency)
    by_day = named_by_day(ground.frequency)
    when = _month(first, day=by_day)
    if first != last:
        end = _month(last, end=last > ground.periods[-1], day=by_day)
        when = f"{when} to {end}"
    return f"{ground.name(unit)}: {when}"


def _month(date: pd.Timestamp, *, end: bool = False, day: bool = False) -> str:
    whole = not day and (date.day == 1 or (end and date.is_month_end))
    return f"{date:%B %Y}" if whole else f"{date.day} {date:%B %Y}"
