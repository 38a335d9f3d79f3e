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
from spcbench.pages_cells import difference_lines, rate_lines, span_text
from spcbench.pages_ground import Ground
from spcbench.pages_window import summed
from spcbench.plugin.host import PluginHost
from spcbench.report import ReportTable
from spcbench.tables import Display

REPORTING = 0.75
"""A unit has data in a window if it has them in this share of its periods (a proposal)."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """Sums of one measure over both windows, and of whom they are.

    `said` tells of which units; None where the windows are not of the same.
    """

    then: Any
    now: Any
    said: str | None


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
    sums = tuple(summed(ground.frame, one, ground.display) for one in (first, last))
    shares = shares_of(charts, ground.host)
    rows = []
    for name in order:
        display, pair = ground.display[name], _pair(ground, area, name, sums, (first, last))
        then, now = (
            rate_lines(one, display, more=_lacking(one, pair, ground, name, window))
            for one, window in ((pair.then, first), (pair.now, last))
        )
        independent = name in shares and ground.of_cases(name)
        independent = independent and not _clustered(ground, name)
        rows.append(
            {
                "measure": display.brief,
                "then": then,
                "now": now,
                "difference": _difference(pair, display, independent=independent),
                "measure_id": name,
            }
        )
    headings = {
        "measure": "Measure",
        "then": _capital(span_text(first, ground.frequency)),
        "now": _capital(span_text(last, ground.frequency)),
        "difference": "Difference",
    }
    return ReportTable(
        id="then_and_now",
        title="The first and the last periods side by side",
        frame=pd.DataFrame(rows, dtype="object"),
        headings=headings,
        note="Where units lack data, both sides are of the units that have them in both, in "
        f"{REPORTING:.0%} of the periods or more; there is no difference where these cannot be "
        "told. The interval is Newcombe's for independent cases; there is none for rates, nor "
        "where one case counts several times. A difference does not show what brought it about.",
    )


def shares_of(charts: ControlCharts, host: PluginHost) -> set[str]:
    """The measures whose charts take shares of cases, as for the interval of an action."""
    used = charts.summary[["measure", "chart"]].drop_duplicates().to_numpy()
    return {str(name) for name, chart in used if host.chart(str(chart)).takes == "proportion"}


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lacking(
    line: Any, pair: _Pair, ground: Ground, name: str, window: Sequence[pd.Timestamp]
) -> str:
    """What one side lacks; of which units it is where these are chosen."""
    lost = ground.lost(line, name, window)
    return ", ".join(one for one in (lost, pair.said) if one)


def _pair(
    ground: Ground, area: str, name: str, sums: Sequence[pd.DataFrame], windows: Sequence[Any]
) -> _Pair:
    """One measure in both windows, of the same units on both sides if that can be told."""
    key = (name, area)
    then, now = (one.loc[key] if key in one.index else None for one in sums)
    units = _units_of(ground, area, name, [*windows[0], *windows[1]])
    if units is None:
        lacks = any(one is not None and pd.notna(one.get("of_units")) for one in (then, now))
        return _Pair(then, now, None if lacks else "")
    everyone = sorted(units["unit"].unique())
    both = sorted(set.intersection(*(_reporting(units, window) for window in windows)))
    if both == everyone:
        return _Pair(then, now, "")
    own = units[units["unit"].isin(both).to_numpy()]
    chosen = [_together(own, window, area, ground.display) for window in windows]
    if not both or any(key not in one.index for one in chosen):
        return _Pair(then, now, None)
    said = f"the {len(both)} of {len(everyone)} units with data in both"
    # What single units lack in single periods is no lack of the sum of them.
    then, now = (one.loc[key].drop(["units", "of_units"]) for one in chosen)
    then["withheld"] = now["withheld"] = 0
    return _Pair(then, now, said)


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


def _reporting(units: pd.DataFrame, window: Sequence[pd.Timestamp]) -> set[str]:
    """Units that have data in most periods of a window, of those in which anybody has."""
    rows = units[(units["period"].isin(list(window)) & units["told"]).to_numpy(dtype=np.bool_)]
    periods = rows["period"].nunique()
    own = rows.groupby("unit", observed=True).agg(
        periods=("period", "nunique"), cases=("denominator", "sum")
    )
    # A unit with none in the whole window may be late: it says nothing of this side.
    kept = own[(own["periods"].ge(REPORTING * periods) & own["cases"].gt(0)).to_numpy(np.bool_)]
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
