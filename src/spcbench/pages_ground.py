"""The counts behind a page: its window, its measures in order, and who belongs to whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spcbench.chart_series import gaps
from spcbench.counts_cells import Place
from spcbench.counts_check import as_pandas, checked
from spcbench.errors import (
    AmbiguousNameError,
    InputError,
    OptionError,
    UnknownNameError,
)
from spcbench.funnel_sums import check_apart
from spcbench.hierarchy import rolled_up
from spcbench.hierarchy_base import taken_counts
from spcbench.hierarchy_check import ALSO_CALLED, Hierarchy, read_hierarchy
from spcbench.intake import as_date, is_rate, matching, take, usable_once
from spcbench.measures.counting import Counted
from spcbench.pages_cells import lost_text, rate_lines, span_text, units_text
from spcbench.pages_nation import NATION, check_lengths, is_path, with_nation
from spcbench.pages_window import YEAR, calendar, frequencies, window_of
from spcbench.pictures.periods import is_longer
from spcbench.pictures.theme import date_text, end_text, period_text
from spcbench.tables import LEVEL, Display, Table

if TYPE_CHECKING:
    from spcbench.plugin.host import PluginHost

ABOVE = ("system", "region", "national")
"""Levels that a unit is set beside, the nearest first."""

EXPOSED = ("rate", "count", "expected")
"""What charts take where the denominator, if any, is no number of cases."""

_Key = tuple[str, str, pd.Timestamp]

ALL = "all"
"""Code of all units together, where no area is named."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """What the parts of a page are made from.

    Parameters
    ----------
    counts : Counted, Table or pandas.DataFrame
        The counts of all levels, as the verbs take them.
    frame : pandas.DataFrame
        The same, checked, with `level`.
    base : str
        Level of the units.
    display : mapping of str to Display
        Every measure.
    names : mapping of str to str
        Of units that have one.
    order : tuple of str
        The measures that the page is of, in the order of their packs; without
        those that only support others, unless there are no others.
    periods : tuple of Timestamp
        All periods of the calendar from the units' first to their last, in
        order; also those that no unit has.
    frequency : str
        How long one is; the shortest where measures differ.
    lengths : mapping of str to str
        The same for each measure.
    window : int
        How many of the latest make the window.
    host : PluginHost
        Where packs are found.
    shares : bool
        Whether values are shares of cases, as the charts that were asked for
        take them; not so rates, whose denominator is an exposure.
    began : mapping
        First days of parts of months, which stand under their months, by measure,
        unit and month.
    """

    counts: Any
    frame: pd.DataFrame
    base: str
    display: Mapping[str, Display]
    names: Mapping[str, str]
    order: tuple[str, ...]
    periods: tuple[pd.Timestamp, ...]
    frequency: str
    lengths: Mapping[str, str]
    window: int
    host: PluginHost
    shares: bool = True
    began: Mapping[_Key, pd.Timestamp] = field(default_factory=dict)

    def as_given(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Rows with the first days that they came with."""
        keys = zip(rows["measure"], rows["unit"], rows["period"], strict=True)
        return rows.assign(
            period=pd.Series(
                [self.began.get((str(one), str(unit), day), day) for one, unit, day in keys],
                index=rows.index,
                dtype=rows["period"].dtype,
            )
        )

    @property
    def recent(self) -> tuple[pd.Timestamp, ...]:
        """The periods of the window."""
        return self.periods[-self.window :]

    def name(self, unit: str) -> str:
        """Name of a unit; its code where it has none."""
        return self.names.get(unit) or unit

    def level_of(self, unit: str) -> str:
        """Level of a unit.

        Raises
        ------
        UnknownNameError
            If the counts have no such unit.
        """
        own = self.frame["level"][self.frame["unit"].eq(unit).to_numpy()]
        if own.empty:
            raise UnknownNameError("unit", unit, self.frame["unit"].unique())
        return str(own.iloc[0])

    def above(self, unit: str) -> dict[str, str]:
        """Level and code of whatever a unit belonged to in its latest period."""
        own = self.frame[self.frame["unit"].eq(unit).to_numpy()]
        own = own[own["period"].eq(own["period"].max()).to_numpy()]
        made = {}
        for level in ABOVE:
            there = set(self.at(level)["unit"])
            codes = there if level == NATION else set(own.get(level, pd.Series()).dropna()) & there
            codes -= {unit}
            if len(codes) == 1:
                made[level] = str(codes.pop())
        return made

    def at(self, level: str) -> pd.DataFrame:
        """Rows of one level."""
        return self.frame[self.frame["level"].eq(level).to_numpy(dtype=np.bool_)]

    def sum_cell(self, sums: pd.DataFrame, measure: str, unit: str) -> str:
        """A measure's value over some periods, its counts, and what they lack."""
        line = sums.loc[(measure, unit)] if (measure, unit) in sums.index else None
        if self.display[measure].stock:
            lost = self.state_text(line, measure, unit, self.recent)
        else:
            lost = self.lost(line, measure, self.recent)
        return rate_lines(line, self.display[measure], more=lost)

    def state_text(self, line: Any, measure: str, unit: str, window: Sequence[pd.Timestamp]) -> str:
        """Of when the latest state of a stock in some periods is, and of how many units."""
        rows = self.frame["measure"].eq(measure) & self.frame["unit"].eq(unit)
        rows &= self.frame["status"].eq("ok") & self.frame["period"].isin(list(window))
        found = self.frame[rows.to_numpy(dtype=np.bool_)]
        when = ""
        if len(found):
            latest = found.loc[found["period"].idxmax()]
            ends = latest.get("period_end")
            known = ends is not None and not pd.isna(ends)
            when = (
                date_text(ends, day=True)
                if known
                else period_text(latest["period"], self.lengths[measure])
            )
        return ", ".join(one for one in (when, units_text(line)) if one)

    def lost(self, line: Any, measure: str, window: Sequence[pd.Timestamp]) -> str:
        """What a measure's sum over some periods lacks.

        Where its periods are longer than those of the page, they are told where they do not
        begin and end with the others: a quarter may reach beyond the last month.
        """
        word = self.lengths[measure]
        reach = self._reach(line, window)
        if reach:
            # A row of many periods stands for all of them: which, says more than how many rows.
            return ", ".join(
                one for one in (reach, lost_text(line, int(line["periods"]), word)) if one
            )
        if word == self.frequency:
            return lost_text(line, len(window), word)
        if line is None:
            return ""
        rows = self.frame["measure"].eq(measure) & self.frame["period"].isin(list(window))
        own = calendar(self.frame["period"][rows.to_numpy()].unique(), word)
        said = lost_text(line, len(own), word)
        ends = (end_text(own[-1], word), end_text(window[-1], self.frequency))
        if own[0] == window[0] and ends[0] == ends[1]:
            return said
        return ", ".join(one for one in (said, span_text(own, word)) if one)

    def _reach(self, line: Any, window: Sequence[pd.Timestamp]) -> str:
        """From when to when rows go of which one is longer than a period usually is."""
        if line is None or "period_end" not in self.frame.columns:
            return ""
        measure, unit = line.name
        rows = self.frame["measure"].eq(measure) & self.frame["unit"].eq(unit)
        rows &= self.frame["status"].eq("ok") & self.frame["period"].isin(list(window))
        own = self.frame[rows.to_numpy(dtype=np.bool_)]
        word = self.lengths[measure]
        if not longer_rows(own, word):
            return ""
        named = word if word in YEAR else "month"
        return period_text(own["period"].min(), named, ends=own["period_end"].max())

    @property
    def alike(self) -> bool:
        """Whether the periods of all measures are of one length."""
        return set(self.lengths.values()) == {self.frequency}

    def of_cases(self, measure: str) -> bool:
        """Whether a measure's values are shares of cases, not rates over an exposure.

        Of a measure that no pack defines and that is not shown per cent, nobody knows.
        """
        shown = self.display[measure]
        if is_rate(shown, self.host):
            return False
        return self.shares and (shown.per == 100 or _is_packed(measure, self.host))

    def only(self, rows: pd.DataFrame) -> Any:
        """Some rows, as the verbs take them."""
        return like(self.counts, rows.reset_index(drop=True))


def longer_rows(rows: pd.DataFrame, frequency: str) -> bool:
    """Whether a row covers more than a period usually does; more than a month, if none is usual."""
    ends = rows.get("period_end", rows["period"])
    word = frequency if frequency in YEAR and frequency != "day" else "month"
    return any(map(is_longer, rows["period"], ends, repeat(word)))


def like(counts: Any, frame: pd.DataFrame) -> Any:
    """Other rows with what is known of these counts: source, display, quality."""
    if isinstance(counts, Counted):
        return replace(counts, counts=frame)
    if isinstance(counts, Table):
        return replace(counts, data=frame, text=False, lines=None)
    return frame


def ground_of(
    counts: Any,
    *,
    measure: str | None = None,
    hierarchy: Any | None,
    national: Any | None,
    level: str | None,
    until: Any | None,
    window: int | None,
    host: PluginHost,
    shown: Mapping[str, Any] | None = None,
    chart: str = "auto",
) -> Ground:
    """Take counts in, add them up to what units belong to, and find their window.

    Parameters
    ----------
    counts : Counted, Table, pandas, polars or Arrow table
        Numerators and denominators.
    measure : str, optional
        The only one that is wanted.
    hierarchy : path, table or Hierarchy, optional
        As `rolled_up` takes it.
    national : path, Table or table, optional
        Counts of the nation by the same measures and periods.
    level : str, optional
        Level of the units, where the counts hold several.
    until : date, optional
        Last period to use.
    window : int, optional
        Periods to add up; a year of them by default.
    host : PluginHost
        Where packs are found.
    shown : mapping, optional
        `better`, `target` and `per` over what the measures say.
    chart : str
        The chart type that is asked for.

    Raises
    ------
    InputError, OptionError
        If counts, hierarchy or options are faulty.
    """
    own, place, default = taken_counts(counts)
    if measure is not None:
        full = matching(measure, list(own["measure"].unique()), host=host)
        own = own[own["measure"].eq(full).to_numpy(bool)].reset_index(drop=True)
        counts = like(counts, own)
    if own.empty:
        raise InputError(f"{place.whole} has no rows, so there is nothing to report")
    own = _stocks_by_month(own, host)
    counts = like(counts, own)
    base = ALSO_CALLED.get(level or "", level) or default
    beside = own["measure"].isin(supporting(own["measure"].unique(), host)).to_numpy()
    if hierarchy is None or beside.all() or not beside.any():
        whole, base = _with_levels(counts, own, hierarchy, base)
    else:
        # Measures that support others may come as values, which nobody can add up.
        others = own[~beside].reset_index(drop=True)
        whole, base = _with_levels(like(counts, others), others, hierarchy, base)
        whole = _put_beside(whole, own[beside], base)
    if national is not None:
        whole = with_nation(whole, national, host)
    if until is not None:
        last = as_date(until, "until")
        kept = whole[whole["period"].to_numpy() <= last].reset_index(drop=True)
        if kept.empty:
            raise OptionError(
                f"until {until!r} leaves no period; the counts begin on "
                f"{whole['period'].min():%Y-%m-%d}"
            )
        whole = kept
    whole, began = _parts_by_month(whole)
    known = like(counts, whole)
    taken = take(known, host=host, level=base, rates=True, **(shown or {}))
    # A page adds periods up; of a stock it takes the latest alone.
    added = taken.frame["status"].eq("ok").to_numpy() & usable_once(taken.frame, taken.display)
    check_apart(taken.frame[added])
    # The calendar is of what is shown: what stands beside it keeps periods of its own.
    order = pack_order(_charted(taken.display), host)
    own = taken.frame[taken.frame["measure"].isin(order).to_numpy(dtype=np.bool_)]
    found = gaps(taken.frame, taken.series)[1]
    frequency, lengths = frequencies({name: found[name] for name in order}, own)
    if national is not None:
        check_lengths(known, lengths, host)
    whole = _with_strata(whole, hierarchy, {one.strata for one in taken.display.values()})
    return Ground(
        counts=like(counts, whole),
        frame=whole,
        base=base,
        display=taken.display,
        names=taken.unit_names,
        order=order,
        periods=calendar(own["period"].unique(), frequency),
        frequency=frequency,
        lengths=lengths,
        window=window_of(window, frequency),
        host=host,
        shares=chart == "auto" or host.chart(chart).takes not in EXPOSED,
        began=began,
    )


def _charted(display: Mapping[str, Display]) -> list[str]:
    """The measures that a page is of: those that support others stand beside them."""
    own = [name for name, shown in display.items() if not shown.supporting]
    return own or list(display)


def supporting(names: Iterable[str], host: PluginHost) -> list[str]:
    """Those of some measures that only support others.

    Parameters
    ----------
    names : iterable of str
        The measures of counts.
    host : PluginHost
        Where packs are found.
    """
    return [
        name
        for name in map(str, names)
        if _is_packed(name, host) and getattr(host.measure(name)[1], "supporting", False)
    ]


def _stocks_by_month(frame: pd.DataFrame, host: PluginHost) -> pd.DataFrame:
    """Counts in which the state on a day stands under its month, and ends on that day.

    The days of a stock are the trust's own; the calendar of a page is of months.
    A measure of which a unit has two states in a month stays as it is.
    """
    stocks = [
        name
        for name in map(str, frame["measure"].unique())
        if _is_packed(name, host) and getattr(host.measure(name)[1], "stock", False)
    ]
    month = frame["period"].dt.to_period("M").dt.start_time.astype(frame["period"].dtype)
    rows = frame["measure"].isin(stocks).to_numpy(dtype=np.bool_)
    keys = frame.assign(period=month)[["measure", "unit", "period"]]
    twice = frame["measure"].isin(frame["measure"][rows & keys.duplicated().to_numpy()])
    rows = rows & ~twice.to_numpy(dtype=np.bool_)
    if frame["period"].eq(month).to_numpy()[rows].all():
        return frame
    ends = frame.get("period_end", pd.Series(pd.NaT, index=frame.index, dtype=month.dtype))
    return frame.assign(
        period=frame["period"].mask(rows, month),
        period_end=ends.mask(rows, ends.fillna(frame["period"])),
    )


def _parts_by_month(frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[_Key, pd.Timestamp]]:
    """Counts in which a part of a month stands under its month, and when such parts began.

    A scheme may begin on the second day of a month: the row is split there, and what
    is left of the month is its only row. Months with two rows stay as they are.
    """
    if "period_end" not in frame.columns:
        return frame, {}
    month = frame["period"].dt.to_period("M").dt.start_time.astype(frame["period"].dtype)
    keys = frame.assign(period=month)[["measure", "unit", "period"]]
    part = frame["period"].ne(month) & frame["period_end"].dt.to_period("M").eq(
        frame["period"].dt.to_period("M")
    )
    alone = ~keys.duplicated(keep=False).groupby(frame["measure"]).transform("any")
    rows = (part & alone).to_numpy(dtype=np.bool_)
    told = zip(*(keys[rows][one] for one in keys), frame["period"][rows], strict=True)
    began = {(str(name), str(unit), at): day for name, unit, at, day in told}
    return frame.assign(period=month.where(rows, frame["period"])), began


def _put_beside(whole: pd.DataFrame, rows: pd.DataFrame, base: str) -> pd.DataFrame:
    """Counts with rows of their units that were not added up."""
    if "level" in rows.columns:
        rows = rows[rows["level"].eq(base).to_numpy(dtype=np.bool_)]
    both = [whole.astype({"level": "string"}), rows.assign(level=base).astype({"level": "string"})]
    return checked(pd.concat(both, ignore_index=True), place=Place("the counts of units")).frame


def _with_levels(
    counts: Any, own: pd.DataFrame, hierarchy: Any | None, base: str | None
) -> tuple[pd.DataFrame, str]:
    """Counts with a level in every row, those of totals made where a hierarchy is given."""
    if hierarchy is not None:
        tree = read_hierarchy(hierarchy)
        rolled = rolled_up(counts, tree, level=base)
        frame = rolled.counts if isinstance(rolled, Counted) else rolled
        named = frame["unit"].map(tree.names()).astype("string")
        if "unit_name" in frame.columns:
            named = frame["unit_name"].astype("string").fillna(named)
        frame = frame.assign(unit_name=named)
        if base is None:
            units = frame["unit"].isin(own["unit"].unique())
            base = str(frame["level"][units.to_numpy()].iloc[0])
        return frame, base
    if "level" not in own.columns:
        base = base or "provider"
        return own.assign(level=pd.Categorical([base] * len(own), categories=list(LEVEL))), base
    levels = [str(one) for one in own["level"].dropna().unique()]
    if own["level"].isna().any() or (base is None and len(levels) > 1):
        raise InputError(
            f"the counts hold the levels {', '.join(sorted(levels))}, and a page is of units of "
            "one level; say which with level= (--level)"
        )
    if base is not None and base not in levels:
        raise UnknownNameError("level", base, levels)
    return own, base or levels[0]


def _with_strata(whole: pd.DataFrame, hierarchy: Any | None, wanted: set[str]) -> pd.DataFrame:
    """Counts with the labels that tell like units apart, where the hierarchy has them."""
    missing = {name for name in wanted if name and name not in whole.columns}
    if not missing or hierarchy is None or isinstance(hierarchy, Hierarchy):
        return whole
    table = pd.read_csv(hierarchy, dtype="str") if is_path(hierarchy) else as_pandas(hierarchy)
    told = table.columns.intersection(sorted(missing))
    for name in told:
        labels = table[["unit", name]].dropna().drop_duplicates("unit", keep="last")
        whole = whole.assign(**{name: whole["unit"].map(labels.set_index("unit")[name])})
    return whole


def check_counted(ground: Ground, unit: str) -> None:
    """Refuse the page of a unit or area of which there is nothing to draw.

    Raises
    ------
    InputError
        If all of its counts are withheld, or without cases.
    """
    own = ground.frame[ground.frame["unit"].eq(unit).to_numpy()]
    if (own["status"].eq("ok") & own["denominator"].gt(0).fillna(False)).any():
        return
    withheld = int((~own["status"].isin(["ok", "no_data"])).sum())
    raise InputError(
        f"there is nothing to draw of {unit!r}: all of its counts are withheld or without data "
        f"({withheld:,} of {len(own):,} withheld)"
    )


def pack_order(names: Iterable[str], host: PluginHost) -> tuple[str, ...]:
    """Measures in the order that their packs tell them; others by name, after them.

    Parameters
    ----------
    names : iterable of str
        The measures there are.
    host : PluginHost
        Where packs are found.
    """
    places = {}
    for name in names:
        try:
            pack, measure = host.measure(name) if ":" in name else (None, None)
        except (UnknownNameError, AmbiguousNameError):
            pack = None
        if pack is not None and measure is not None:
            places[name] = (pack.name, [one.id for one in pack.measures].index(measure.id))
    return (*sorted(places, key=lambda one: places[one]), *sorted(set(names) - set(places)))


def _is_packed(name: str, host: PluginHost) -> bool:
    try:
        return ":" in name and host.measure(name) is not None
    except (UnknownNameError, AmbiguousNameError):
        return False


def with_everyone(ground: Ground) -> Ground:
    """The same ground with rows of all units together, under the code ``all``.

    Of the measures that the page is of only.

    Raises
    ------
    InputError
        If a unit has that code already.
    """
    units = [str(one) for one in ground.at(ground.base)["unit"].unique()]
    if ALL in set(ground.frame["unit"]):
        raise InputError(f"a unit has the code {ALL!r}, which is that of all units together")
    tree = pd.DataFrame(
        {
            "unit": [ALL, *units],
            "parent": [None] + [ALL] * len(units),
            "level": ["group"] + [ground.base] * len(units),
            "name": ["All units"] + [ground.names.get(one) for one in units],
        }
    )
    base = ground.at(ground.base).drop(columns="group", errors="ignore")
    # Measures that support others may come as values, which nobody can add up.
    base = base[base["measure"].isin(ground.order).to_numpy()].reset_index(drop=True)
    rolled = rolled_up(base, tree, to="group", keep=False)
    made = rolled[rolled["unit"].eq(ALL).to_numpy()].assign(unit_name="All units")
    own = ground.frame
    if "group" in own.columns:
        own = own.drop(columns="group")
    inside = own["level"].eq(ground.base)
    own = own.assign(group=inside.map({True: ALL, False: None}))
    both = pd.concat(
        [own.astype({"level": "string"}), made.astype({"level": "string"})], ignore_index=True
    )
    frame = checked(both, place=Place("the counts of all units")).frame
    return replace(
        ground,
        counts=like(ground.counts, frame),
        frame=frame,
        names={**ground.names, ALL: "All units"},
    )
