"""The first periods of an area beside its last ones, of the units that have both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from spcbench.actions import difference_of_shares
from spcbench.charting import ControlCharts
from spcbench.intake import usable_once
from spcbench.pages_cells import NO_DATA, difference_lines, lost_text, rate_lines, span_text
from spcbench.pages_ground import Ground
from spcbench.pages_window import YEAR, calendar, summed
from spcbench.pictures.theme import date_text, end_text, named_by_day, period_text
from spcbench.plugin.host import PluginHost
from spcbench.report import ReportTable
from spcbench.tables import Display

REPORTING = 0.75
"""A unit has data in a window if it has them in this share of its periods (a proposal)."""


_Window = tuple[pd.Timestamp, ...]

_STATES = "Of the state on a day each unit's latest counts. "
_OWN = "Measures are counted by periods of different lengths: below each value stand its own. "


@dataclass(frozen=True, slots=True)
class _Pair:
    """Sums of one measure over both windows, and of whom they are.

    `said` tells of which units; None where the windows are not of the same.
    `when` is of a stock: of when the latest states of its units are.
    """

    then: Any
    now: Any
    said: str | None
    when: tuple[str, ...] = ("", "")


def then_and_now(
    ground: Ground, area: str, charts: ControlCharts, order: Sequence[str]
) -> ReportTable | None:
    """The first periods beside the last ones; None where there are too few for both.

    Parameters
    ----------
    ground : Ground
        The counts.
    area : str
        Whose.
    charts : ControlCharts
        Its charts, which say what values are shares of cases.
    order : sequence of str
        The measures.
    """
    size = min(len(ground.recent), len(ground.periods) // 2)
    if size < 1:
        return None
    first, last = ground.periods[:size], ground.periods[-size:]
    shares = shares_of(charts, ground.host)
    rows = []
    for name in order:
        display, windows = ground.display[name], _windows(ground, area, name, (first, last))
        pair = _pair(ground, area, name, windows)
        then, now = (
            _cell(ground, (name, area), pair, side, window) for side, window in enumerate(windows)
        )
        independent = name in shares and ground.of_cases(name)
        independent = independent and not (display.stock or _clustered(ground, name))
        rows.append(
            {
                "measure": display.brief,
                "then": then,
                "now": now,
                "difference": _difference(pair, display, independent=independent),
                "measure_id": name,
            }
        )
    heads = [_capital(span_text(one, ground.frequency)) for one in (first, last)]
    if not ground.alike:
        heads = ["First periods", "Last periods"]
    then, now = heads
    headings = {"measure": "Measure", "then": then, "now": now, "difference": "Difference"}
    return ReportTable(
        id="then_and_now",
        title="The first and the last periods side by side",
        frame=pd.DataFrame(rows, dtype="object"),
        headings=headings,
        note=("" if ground.alike else _OWN)
        + (_STATES if any(ground.display[name].stock for name in order) else "")
        + "Where units lack data, both sides are of the units that have them in both, in "
        f"{REPORTING:.0%} of the periods or more; there is no difference where these cannot be "
        "told. The interval is Newcombe's for independent cases; there is none for rates, nor "
        "where one case counts several times. A difference does not show what brought it about.",
    )


def shares_of(charts: ControlCharts, host: PluginHost) -> set[str]:
    """The measures whose charts take shares of cases, as for the interval of an action."""
    used = charts.summary[["measure", "chart"]].drop_duplicates().to_numpy()
    return {str(name) for name, chart in used if host.chart(str(chart)).takes == "proportion"}


def _windows(
    ground: Ground, area: str, name: str, windows: tuple[_Window, _Window]
) -> tuple[_Window, _Window]:
    """The first and the last periods of one measure: its own where measures differ in length."""
    if ground.alike:
        return windows
    word = ground.lengths[name]
    rows = ground.frame["measure"].eq(name) & ground.frame["unit"].eq(area)
    own = calendar(ground.frame["period"][rows.to_numpy(dtype=np.bool_)].unique(), word)
    most = len(set(own) & set(ground.recent))
    if {word, ground.frequency} <= YEAR.keys():
        most = max(1, ground.window * YEAR[word] // YEAR[ground.frequency])
    size = min(most, len(own) // 2)
    return own[:size], own[len(own) - size :]


def _cell(ground: Ground, key: tuple[str, str], pair: _Pair, side: int, window: _Window) -> str:
    """One side: a value, what it lacks, and of when it is where the heading cannot say."""
    name, area = key
    line = (pair.then, pair.now)[side]
    display, word = ground.display[name], ground.lengths[name]
    if display.stock:
        lost = pair.when[side] or ground.state_text(line, name, area, window)
    elif ground.alike:
        lost = ground.lost(line, name, window)
    else:
        lost = lost_text(line, len(window), word)
    said = rate_lines(line, display, more=", ".join(one for one in (lost, pair.said) if one))
    if display.stock or ground.alike or said == NO_DATA:
        return said
    return f"{said}\n{_when(window, word)}"


def _when(window: _Window, word: str) -> str:
    if len(window) == 1:
        return period_text(window[0], word)
    return f"{date_text(window[0], day=named_by_day(word))} to {end_text(window[-1], word)}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _pair(ground: Ground, area: str, name: str, windows: tuple[_Window, _Window]) -> _Pair:
    """One measure in both windows, of the same units on both sides if that can be told."""
    key, frame = (name, area), ground.frame
    rows = (frame["measure"].eq(name) & frame["unit"].eq(area)).to_numpy(dtype=np.bool_)
    sums = [summed(frame[rows], one, ground.display) for one in windows]
    then, now = (one.loc[key] if key in one.index else None for one in sums)
    units = _units_of(ground, area, name, [*windows[0], *windows[1]])
    if units is None:
        lacks = any(one is not None and pd.notna(one.get("of_units")) for one in (then, now))
        return _Pair(then, now, None if lacks else "")
    everyone = sorted(units["unit"].unique())
    stock = ground.display[name].stock
    least = 0.0 if stock else REPORTING
    both = sorted(set.intersection(*(_reporting(units, window, least) for window in windows)))
    if both == everyone and not stock:
        return _Pair(then, now, "")
    own = units[units["unit"].isin(both).to_numpy()]
    chosen = [_together(own, window, area, ground.display) for window in windows]
    if not both or any(key not in one.index for one in chosen):
        return _Pair(then, now, None)
    said = f"the {len(both)} of {len(everyone)} units with data in both" if both != everyone else ""
    # What single units lack in single periods is no lack of the sum of them.
    then, now = (one.loc[key].drop(["units", "of_units"]) for one in chosen)
    then["withheld"] = now["withheld"] = 0
    when = [_states(own, one, ground.lengths[name]) if stock else "" for one in windows]
    return _Pair(then, now, said, tuple(when))


def _states(units: pd.DataFrame, window: _Window, word: str) -> str:
    """Of when the latest state of each unit in a window is."""
    rows = units[(units["period"].isin(list(window)) & units["status"].eq("ok")).to_numpy(np.bool_)]
    latest = rows.groupby("unit", observed=True)["period"].max()
    if latest.min() == latest.max():
        return period_text(latest.iloc[0], word)
    return f"each unit's latest, {_when((latest.min(), latest.max()), word)}"


def _together(
    units: pd.DataFrame,
    window: Sequence[pd.Timestamp],
    area: str,
    display: Mapping[str, Display],
) -> pd.DataFrame:
    """The sum of some units over a window; of a stock the latest of each unit."""
    rows = units[units["period"].isin(list(window)).to_numpy()]
    return summed(rows[usable_once(rows, display)].assign(unit=area), window)


def _units_of(
    ground: Ground, area: str, name: str, periods: Sequence[pd.Timestamp]
) -> pd.DataFrame | None:
    """Rows of an area's units with cases in some periods; None where its figures were given."""
    whole = ground.frame
    total = (whole["unit"].eq(area) & whole["measure"].eq(name)).to_numpy(dtype=np.bool_)
    if "units" not in whole.columns or whole["units"][total].isna().all():
        return None
    rows = ground.at(ground.base)
    rows = rows[rows["measure"].eq(name).to_numpy(dtype=np.bool_)]
    level = ground.level_of(area)
    if level not in rows.columns:
        return None
    inside = rows[level].eq(area).fillna(False).to_numpy(dtype=np.bool_)
    rows = rows[inside & rows["period"].isin(periods).to_numpy()]
    none = rows["status"].eq("no_data") & rows["denominator"].eq(0).fillna(False)
    told = (rows["status"].eq("ok") | none).to_numpy(dtype=np.bool_)
    known = rows.assign(told=told)
    cases = known[known["status"].eq("ok").to_numpy(dtype=np.bool_)]["unit"].unique()
    hidden = known[~known["status"].isin(["ok", "no_data"]).to_numpy(dtype=np.bool_)]["unit"]
    uncounted = known["denominator"].isna().to_numpy(dtype=np.bool_)
    there = {*cases, *hidden, *known["unit"][uncounted]}
    return known[known["unit"].isin(there).to_numpy()]


def _reporting(units: pd.DataFrame, window: _Window, least: float) -> set[str]:
    """Units that have data in a share of the periods of a window in which anybody has."""
    rows = units[(units["period"].isin(list(window)) & units["told"]).to_numpy(dtype=np.bool_)]
    periods = rows["period"].nunique()
    own = rows.groupby("unit", observed=True).agg(
        periods=("period", "nunique"), cases=("denominator", "sum")
    )
    # A unit with none in the whole window may be late: it says nothing of this side.
    kept = own[(own["periods"].ge(least * periods) & own["cases"].gt(0)).to_numpy(np.bool_)]
    return {str(one) for one in kept.index}


def _difference(pair: _Pair, display: Display, *, independent: bool) -> str:
    then, now = pair.then, pair.now
    if pair.said is None or then is None or now is None:
        return "–"
    if pd.isna(then["denominator"]) or pd.isna(now["denominator"]):
        return "–"
    counts = [float(one[key]) for one in (then, now) for key in ("numerator", "denominator")]
    if not (counts[1] > 0 and counts[3] > 0):
        return "–"
    found = counts[2] / counts[3] - counts[0] / counts[1]
    if not independent:
        return difference_lines(found, float("nan"), float("nan"), display)
    made = difference_of_shares(*counts)
    return difference_lines(found, float(made.lower), float(made.upper), display)


def _clustered(ground: Ground, name: str) -> bool:
    if "variance" not in ground.frame.columns:
        return False
    own = ground.frame["measure"].eq(name).to_numpy()
    return bool(ground.frame["variance"][own].notna().any())
