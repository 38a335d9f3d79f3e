"""Signals of rare events by site, in the manner of NHS England's signal system (MOSS).

Term stillbirths and term neonatal deaths by site and month of birth; a Poisson
CUSUM against a doubling of the national reference rate, which expects each
month of a year what the mean monthly births of the calendar year before give;
average run lengths of 20 (level 1) and 100 (level 2), so levels by site and
year; afresh after level 2; no level 1 in a month without events; a chart of
excess events beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spcbench.errors import InputError
from spcbench_mis.expected_events import KEY, YEAR_COLUMNS, expected_events, named

if TYPE_CHECKING:
    from spcbench import ControlCharts
    from spcbench.plugin import PluginHost
    from spcbench.report import ReportTable, Section
    from spcbench_mis.expected_events import Where

SETTINGS: Mapping[str, Any] = {
    "ratio": 2.0,
    "arl0": 100.0,
    "warning_arl0": 20.0,
    "after_signal": "reset",
}
"""Of the chart ``poisson_cusum``, as the signal system has them."""

SIGNAL_COLUMNS = (
    "measure", "unit", "period", "level", "new", "events", "expected", "value", "level_1",
    "level_2",
)  # fmt: skip
"""Columns of the table of signals."""


LEVEL_COLUMNS = (*YEAR_COLUMNS, "level_1", "level_2")
"""Columns of the table of levels by site and year."""


@dataclass(frozen=True, kw_only=True)
class EventSignals:
    """What `event_signals` gives.

    Parameters
    ----------
    cusum, vlad : ControlCharts
        The sums with both levels, and expected minus observed events.
    signals : pandas.DataFrame
        One row a month with a signal, with `SIGNAL_COLUMNS`; `new` where the
        sum of the month before was not above level 1.
    levels : pandas.DataFrame
        One row a measure, site and year, with `LEVEL_COLUMNS`: the births that
        were used, and both levels; no rows where counts brought `expected`.
    notes : tuple of str
        Births that stand in for others, and months that are not known.
    """

    cusum: ControlCharts
    vlad: ControlCharts
    signals: pd.DataFrame = field(repr=False)
    levels: pd.DataFrame = field(repr=False)
    notes: tuple[str, ...] = ()


def event_signals(
    counts: Any,
    *,
    reference_rate: float | Mapping[int, float] | None = None,
    host: PluginHost | None = None,
) -> EventSignals:
    """CUSUM and VLAD of rare events by site, against a doubling of the usual rate.

    Parameters
    ----------
    counts : Table or a table
        Events in `numerator`, births in `denominator`, one row a site and
        month, of one measure. Births of the year before may stand in rows
        without events. Or `expected` events in place of births and rate.
    reference_rate : float or mapping, optional
        Events to a birth in England, such as 0.002, or one by calendar year
        (the system takes those of the three years before). It has no default:
        the national figures are not published with the method.
    host : PluginHost, optional
        Where chart types are found.

    Returns
    -------
    EventSignals
        Level 2 where the sum lies above the limit of average run length 100,
        level 1 where above that of 20 in a month with events.

    Raises
    ------
    InputError
        If the counts break their contract, months are doubled or left out,
        events exceed births, or there are no births or expected events.
    OptionError
        If a rate is missing or not between 0 and 0.1, or is to serve several measures.

    Notes
    -----
    A month expects the rate times the mean monthly births of the calendar year
    before; where the table has none, of the year itself, and `notes` says so.
    A month that is not known leaves the sum as it was. An average run length of
    100 months means one false signal in a hundred months at a site whose rate
    never rose. It is not "99 % confidence" that the rate has doubled, though
    public pages say so.

    References
    ----------
    .. [1] NHS England, Maternity Outcomes Signal System, standard operating
       procedures, annexes 3, 4 and 8, and nhsengland/Maternity-MOSS.

    Examples
    --------
    >>> counts = pd.DataFrame({"measure": "mis-events:term_death", "unit": "RJ121",
    ...     "period": pd.date_range("2024-01-01", periods=18, freq="MS"),
    ...     "numerator": pd.array([pd.NA] * 12 + [0, 1, 2, 4, 0, 0], "Int64"),
    ...     "denominator": pd.array([300] * 12 + [pd.NA] * 6, "Int64")})
    >>> found = event_signals(counts, reference_rate=0.002)
    >>> found.signals[["period", "level", "new", "events"]]
          period  level   new  events
    0 2025-04-01      2  True       4
    >>> found.levels[["unit", "year", "births", "births_of", "expected"]]
        unit  year  births  births_of  expected
    0  RJ121  2025   300.0       2024       0.6
    """
    import spcbench

    frame, where = _checked(counts)
    made = expected_events(frame, reference_rate, where=where)
    options: dict[str, Any] = {"better": "lower", "per": 1, "host": host}
    cusum = spcbench.control_charts(
        made.counts, chart="poisson_cusum", settings=SETTINGS, **options
    )
    vlad = spcbench.control_charts(made.counts, chart="vlad", **options)
    return EventSignals(
        cusum=cusum,
        vlad=vlad,
        signals=_signals(cusum.points, made.counts),
        levels=_levels(cusum.points, made.years),
        notes=(*made.notes, *_words_of_few(cusum.points)),
    )


def signals_section(found: EventSignals) -> Section:
    """The signals of both levels, the levels by year, and the charts, as a part of a report.

    Parameters
    ----------
    found : EventSignals
        What `event_signals` gives.
    """
    from spcbench.report import Section

    none = "No month has a signal of level 1 or 2."
    words = (
        "The table holds the signals of both levels. In the charts both levels are lines; only "
        "points above level 2 have a mark of their own."
    )
    tables = [] if found.signals.empty else [_signals_table(found)]
    if len(found.levels):
        tables.append(_levels_table(found))
    return Section(
        title="Signals of level 1 and 2",
        text=(none if found.signals.empty else words, *found.notes),
        tables=tables,
        results=[found.cusum, found.vlad],
    )


def _signals_table(found: EventSignals) -> ReportTable:
    from spcbench.report import ReportTable

    rows = found.signals.assign(
        month=found.signals["period"].dt.strftime("%b %Y"),
        again=found.signals["new"].map({True: "new", False: "still above it"}),
        **_decimals(found.signals, "expected", "value", "level_1", "level_2"),
    )
    return ReportTable(
        id="event_signals",
        title="Months with a signal",
        frame=rows,
        headings=_headings(
            rows,
            unit="Site",
            month="Month",
            level="Level",
            again="New",
            events="Events",
            expected="Expected",
            value="Sum",
            level_1="Level 1 from",
            level_2="Level 2 from",
        ),
        note="Level 1 comes by chance once in about 20 months at a site whose rate never rises, "
        "level 2 once in about 100. A month without events has no signal of level 1.",
    )


def _levels_table(found: EventSignals) -> ReportTable:
    from spcbench.report import ReportTable

    rows = found.levels.assign(
        # As text: these are names of years, not amounts.
        year=found.levels["year"].astype(str),
        births_of=found.levels["births_of"].astype(str),
        rate=found.levels["rate"].map("{:.3%}".format),
        **_decimals(found.levels, "births", "expected", "level_1", "level_2"),
    )
    return ReportTable(
        id="event_levels",
        title="Levels by site and year",
        frame=rows,
        headings=_headings(
            rows,
            unit="Site",
            year="Year",
            births="Mean monthly births",
            births_of="Births of",
            months="Months",
            rate="Reference rate",
            expected="Expected a month",
            level_1="Level 1 from",
            level_2="Level 2 from",
        ),
        note="Expected: the reference rate times the mean monthly births of the year named.",
    )


def _headings(rows: pd.DataFrame, **heads: str) -> dict[str, str]:
    """Headings of a table, with the measure where there are several."""
    return {"measure": "Measure", **heads} if len(set(rows["measure"])) > 1 else heads


def _decimals(rows: pd.DataFrame, *names: str) -> dict[str, Any]:
    return {name: rows[name].map("{:.2f}".format) for name in names}


def _checked(counts: Any) -> tuple[pd.DataFrame, Where]:
    """Checked counts, and how to say where one of their cells stands."""
    from spcbench.counts_check import check_counts
    from spcbench.tables import Table

    lines, source = None, ""
    if isinstance(counts, Table):
        if counts.kind != "counts":
            raise InputError(
                f"{counts.source} holds records, not counts, which have the columns measure, unit, "
                "period, numerator and denominator; count them first"
            )
        frame: pd.DataFrame = counts.data
        lines, source = counts.lines, f"{counts.source}, "
    else:
        frame = check_counts(counts)

    def where(row: int, column: str) -> str:
        line = "" if lines is None else f"line {lines[row]}, "
        return f"{source}{line}column {column!r} ({_site_month(frame, row)})"

    return frame.reset_index(drop=True), where


def _site_month(frame: pd.DataFrame, row: int) -> str:
    return f"{frame['unit'].iloc[row]}, {frame['period'].iloc[row]:%b %Y}"


def _signals(points: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Months with a signal; level 1 is none without events."""
    key = [*KEY, "period"]
    found = points.merge(frame[[*key, "expected"]], on=key, how="left", validate="one_to_one")
    value, second = found["value"], (found["value"] > found["ucl"]).to_numpy(dtype=np.bool_)
    above = (value > found["upper_warning"]).to_numpy(dtype=np.bool_)
    some = found["numerator"].fillna(0).gt(0).to_numpy(dtype=np.bool_)
    level = np.where(second, 2, np.where(above & some, 1, 0))
    # After level 2 the sum is 0 again; a month that is not known leaves it as it was.
    carried = pd.Series(np.where(above & ~second, 1.0, 0.0)).mask(value.isna())
    series = [found[name] for name in KEY]
    before = carried.groupby(series).ffill().groupby(series).shift(fill_value=0.0).eq(1.0)
    made = found.assign(
        level=level,
        new=~before | second,
        events=found["numerator"],
        level_1=found["upper_warning"],
        level_2=found["ucl"],
    )
    return made.loc[level > 0, list(SIGNAL_COLUMNS)].reset_index(drop=True)


def _words_of_few(points: pd.DataFrame) -> list[str]:
    """Sites of so few months that charts have no limits yet."""
    known = points.dropna(subset=["value"])
    without = known[known["ucl"].isna()].drop_duplicates(KEY)["unit"]
    if without.empty:
        return []
    return [f"Fewer than 3 months are known of {named(without)}: no levels and no signals yet."]


def _levels(points: pd.DataFrame, years: pd.DataFrame) -> pd.DataFrame:
    """Levels of each site and year: the same in all its months."""
    by = [*KEY, "year"]
    known = points.dropna(subset=["upper_warning"]).assign(year=lambda one: one["period"].dt.year)
    levels = known.drop_duplicates(by)[[*by, "upper_warning", "ucl"]]
    levels = levels.rename(columns={"upper_warning": "level_1", "ucl": "level_2"})
    return years.merge(levels, on=by, how="left")
