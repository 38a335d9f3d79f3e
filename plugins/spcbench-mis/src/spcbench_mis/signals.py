"""Signals of rare events by site, in the manner of NHS England's signal system (MOSS).

Public: term stillbirths and term neonatal deaths by site and month of birth; a
Poisson CUSUM against a doubling of the national reference rate; average run
lengths of 20 (level 1) and 100 (level 2); the sum starts afresh after level 2;
a chart of excess events beside it. Not public, and so chosen here: that a point
is a month, and that limits follow each month's own births.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spcbench.errors import InputError, OptionError

if TYPE_CHECKING:
    from plotnine import ggplot

    from spcbench import ControlCharts
    from spcbench.plugin import PluginHost
    from spcbench.report import Section

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


@dataclass(frozen=True, kw_only=True)
class EventSignals:
    """What `event_signals` gives.

    Parameters
    ----------
    cusum, vlad : ControlCharts
        The sums with both limits, and expected minus observed events.
    signals : pandas.DataFrame
        One row a point above a limit, with `SIGNAL_COLUMNS`; `new` where the
        point before was not.
    """

    cusum: ControlCharts
    vlad: ControlCharts
    signals: pd.DataFrame = field(repr=False)

    def plot(self, *, unit: str, measure: str | None = None) -> ggplot:
        """Draw the sums of one site with both levels.

        Parameters
        ----------
        unit : str
            The site.
        measure : str, optional
            Which; needed where there are several.

        Returns
        -------
        plotnine.ggplot
            The chart with the line of level 1, which charts do not draw.
        """
        from plotnine import aes, geom_step, geom_text

        points = self.cusum.points
        own = points[points["unit"].eq(unit)]
        own = own if measure is None else own[own["measure"].eq(measure)]
        last = own.tail(1).assign(label=[f"Level 1 {one:.1f}" for one in own["upper_warning"][-1:]])
        line = aes("period", "upper_warning")
        words = aes("period", "upper_warning", label="label")
        look = {"inherit_aes": False, "color": "#425563"}
        picture = self.cusum.plot(unit=unit, measure=measure)
        picture += geom_step(line, data=own, direction="mid", linetype="dotted", **look)
        picture += geom_text(words, data=last, ha="left", nudge_x=12, size=8, **look)
        return picture


def event_signals(
    counts: Any,
    *,
    reference_rate: float | None = None,
    host: PluginHost | None = None,
) -> EventSignals:
    """CUSUM and VLAD of rare events by site, against a doubling of the usual rate.

    Parameters
    ----------
    counts : Table or a table
        Events in `numerator`, births in `denominator`, one row a site and
        month; or `expected` events in place of births and rate.
    reference_rate : float, optional
        Events to a birth in England, such as 0.002. It has no default: the
        national figure is not published with the method.
    host : PluginHost, optional
        Where chart types are found.

    Returns
    -------
    EventSignals
        Level 2 signals where the sum lies above the limit of average run
        length 100, level 1 where above that of 20.

    Raises
    ------
    InputError
        If the counts break their contract, or births or expected events are missing.
    OptionError
        If the rate is not between 0 and 0.1.

    Notes
    -----
    An average run length of 100 months means one false signal in a hundred
    months at a site whose rate never rose. It is not "99 % confidence" that the
    rate has doubled, though public pages say so. A month without events can stay
    above level 1, so look at `new`.

    References
    ----------
    .. [1] NHS England, Maternity Outcomes Signal System, standard operating
       procedures, annexes 3, 4 and 8, and nhsengland/Maternity-MOSS.

    Examples
    --------
    >>> counts = pd.DataFrame({"measure": "mis-events:term_death", "unit": "RJ121",
    ...     "period": pd.date_range("2025-01-01", periods=6, freq="MS"),
    ...     "numerator": [0, 1, 2, 4, 0, 0], "denominator": 300})
    >>> found = event_signals(counts, reference_rate=0.002)
    >>> found.signals[["period", "level", "new", "events"]]
          period  level   new  events
    0 2025-04-01      2  True       4
    """
    import spcbench

    frame = _with_expected(_checked(counts), reference_rate)
    options: dict[str, Any] = {"better": "lower", "per": 1, "host": host}
    cusum = spcbench.control_charts(frame, chart="poisson_cusum", settings=SETTINGS, **options)
    vlad = spcbench.control_charts(frame, chart="vlad", **options)
    return EventSignals(cusum=cusum, vlad=vlad, signals=_signals(cusum.points, frame))


def signals_section(found: EventSignals) -> Section:
    """The signals of both levels as a part of a report, whose charts draw level 2 only.

    Parameters
    ----------
    found : EventSignals
        What `event_signals` gives.
    """
    from spcbench.report import ReportTable, Section

    rows = found.signals.assign(
        month=found.signals["period"].dt.strftime("%b %Y"),
        again=found.signals["new"].map({True: "new", False: "still above it"}),
        expected=found.signals["expected"].map("{:.2f}".format),
        value=found.signals["value"].map("{:.2f}".format),
        level_1=found.signals["level_1"].map("{:.2f}".format),
        level_2=found.signals["level_2"].map("{:.2f}".format),
    )
    heads = {
        "unit": "Site",
        "month": "Month",
        "level": "Level",
        "again": "New",
        "events": "Events",
        "expected": "Expected",
        "value": "Sum",
        "level_1": "Level 1 from",
        "level_2": "Level 2 from",
    }
    several = len(found.signals["measure"].unique()) > 1
    table = ReportTable(
        id="event_signals",
        title="Months with a signal",
        frame=rows,
        headings={"measure": "Measure", **heads} if several else heads,
        note="Level 1 comes by chance once in about 20 months at a site whose rate never rises, "
        "level 2 once in about 100.",
    )
    words = "The charts above mark level 2 only; this table holds both levels."
    none = "No month has a signal of level 1 or 2."
    return Section(
        title="Signals of level 1 and 2",
        text=none if rows.empty else words,
        tables=() if rows.empty else [table],
    )


def _checked(counts: Any) -> pd.DataFrame:
    from spcbench.counts_check import check_counts
    from spcbench.tables import Table

    if not isinstance(counts, Table):
        return check_counts(counts)
    if counts.kind != "counts":
        raise InputError(f"{counts.source} holds records, not counts; count them first")
    frame: pd.DataFrame = counts.data
    return frame


def _with_expected(frame: pd.DataFrame, rate: float | None) -> pd.DataFrame:
    """Events with those to be expected; births have done their work then."""
    events = frame["numerator"]
    if rate is None:
        if "expected" not in frame.columns:
            raise OptionError(
                "reference_rate is missing: give the usual number of events to a birth, such as "
                "0.002, or counts with a column expected"
            )
        expected = frame["expected"].astype("float64")
    else:
        if isinstance(rate, bool) or not (math.isfinite(rate) and 0.0 < rate < 0.1):
            raise OptionError(
                f"reference_rate is the number of events to a birth, between 0 and 0.1, "
                f"not {rate!r} (2 per 1,000 is 0.002)"
            )
        expected = frame["denominator"].astype("Float64").astype("float64") * rate
    lacking = (events.notna() & ~(expected > 0.0)).to_numpy(dtype=np.bool_)
    if lacking.any():
        row = frame.iloc[int(np.argmax(lacking))]
        raise InputError(
            f"{row['measure']}, {row['unit']}, {row['period']:%Y-%m-%d}: there are events but no "
            f"births to expect them of ({int(lacking.sum())} such rows); give the births, or leave "
            "the count empty if it is not known"
        )
    kept = [name for name in frame.columns if name not in ("denominator", "value", "target")]
    return frame[kept].assign(denominator=pd.array([pd.NA] * len(frame), "Int64"),
                              expected=expected)  # fmt: skip


def _signals(points: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Points above a limit."""
    key = ["measure", "unit", "period"]
    found = points.merge(frame[[*key, "expected"]], on=key, how="left", validate="one_to_one")
    above = found["value"] > found["upper_warning"]
    level = np.where(found["value"] > found["ucl"], 2, np.where(above, 1, 0))
    before = above.groupby([found["measure"], found["unit"]]).shift(fill_value=False)
    # After level 2 the sum is 0 again, so what comes above a limit then is new.
    fresh = pd.Series(level).groupby([found["measure"], found["unit"]]).shift(fill_value=0).eq(2)
    made = found.assign(
        level=level,
        new=~before | fresh | (level == 2),
        events=found["numerator"],
        level_1=found["upper_warning"],
        level_2=found["ucl"],
    )
    return made.loc[level > 0, list(SIGNAL_COLUMNS)].reset_index(drop=True)
