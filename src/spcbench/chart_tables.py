"""From arrays to the tables of control charts: points, signals, summary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from spcbench.drawn import Drawn, firings
from spcbench.numeric.engine import FEWEST_POINTS
from spcbench.numeric.segments import Flags, Floats, Integers, Signs
from spcbench.tables import (
    ASSURANCE,
    LIMIT_METHOD,
    POINT_VERDICT,
    POINTS,
    SIDE,
    SIGNALS,
    STATUS,
    STRING,
    SUMMARY,
    VARIATION,
    coded,
)

ICON_POINTS = 13
"""Fewest points in the latest phase for a variation or assurance icon."""

_NO_ICON = "and cannot say whether the target will be met: no assurance icon"


def strings(choices: list[str], codes: npt.NDArray[Any]) -> Any:
    """A text column from a few words and their codes."""
    return STRING.__from_arrow__(pa.array(choices, pa.large_string()).take(pa.array(codes)))


def _verdicts(heading: Signs, good: Signs) -> npt.NDArray[np.int8]:
    """Codes of `POINT_VERDICT`: common cause, improvement, concern, neither."""
    codes = np.full(heading.size, POINT_VERDICT.index("neither"), dtype=np.int8)
    towards = heading * good
    codes[towards > 0] = POINT_VERDICT.index("improvement")
    codes[towards < 0] = POINT_VERDICT.index("concern")
    codes[heading == 0] = POINT_VERDICT.index("common_cause")
    return codes


def points_table(drawn: Drawn) -> pd.DataFrame:
    """One row a plotted point, as `tables.POINTS`.

    Parameters
    ----------
    drawn : Drawn
        The charts as arrays.

    Returns
    -------
    pandas.DataFrame
        In the order of the counts.
    """
    frame, charted, series = drawn.taken.frame, drawn.charted, drawn.series
    size = series.value.size
    never, nothing = np.zeros(size, dtype=np.bool_), np.full(size, np.nan)
    rules = [rule.id for rule in drawn.rule_set.rules]
    joined = [
        ";".join(name for bit, name in enumerate(rules) if code >> bit & 1)
        for code in range(2 ** len(rules))
    ]
    verdict = _verdicts(drawn.heading, drawn.taken.series.spread(drawn.good))
    # A firing without a direction (alternation, say) is still a special cause.
    odd = (verdict == 0) & (drawn.fired != 0)
    verdict[odd] = POINT_VERDICT.index("neither")
    limits = charted.limits
    return POINTS.frame(
        {
            **{name: frame[name] for name in ("measure", "unit", "period")},
            **{name: frame[name] for name in ("numerator", "denominator")},
            "value": drawn.value,
            "centre": limits.centre,
            "sigma": limits.sigma,
            "lcl": limits.lcl,
            "ucl": limits.ucl,
            "lower_warning": limits.lower_warning,
            "upper_warning": limits.upper_warning,
            "limit_method": coded(LIMIT_METHOD, limits.method),
            "phase": pd.arrays.IntegerArray(drawn.phases.number, never),
            "in_baseline": series.in_baseline,
            "target": drawn.target,
            "special_cause": drawn.fired != 0,
            "verdict": coded(POINT_VERDICT, verdict),
            "rules": strings(joined, drawn.fired),
            "status": frame["status"],
            "note": _notes(drawn),
            "excluded": never if series.excluded is None else series.excluded,
            "trajectory": _trajectory(drawn, nothing),
            "period_end": frame["period_end"] if "period_end" in frame.columns else pd.NaT,
        }
    )


def _trajectory(drawn: Drawn, nothing: Floats) -> Any:
    """The trajectory of the counts, where the chart shows values on its scale."""
    if "trajectory" not in drawn.taken.frame.columns:
        return nothing
    fits = drawn.taken.series.spread(np.isin(drawn.of_chart("scale"), ("measure", "count")))
    return drawn.taken.frame["trajectory"].where(fits)


def _notes(drawn: Drawn) -> Any:
    """What the counts and the notes say about each point, joined where both do."""
    frame, comment = drawn.taken.frame, drawn.comment
    if comment is None and "note" in frame.columns:
        return frame["note"].array
    if comment is None:
        return strings([""], np.zeros(len(frame), dtype=np.int8))
    made = np.asarray(comment, dtype=object)
    if "note" in frame.columns:
        own = frame["note"].fillna("").to_numpy(dtype=object)
        both = (own != "") & (made != "")
        made = np.where(both, own + "; " + made, own + made)
    return pd.array(made, dtype=STRING)


def signals_table(drawn: Drawn) -> pd.DataFrame:
    """One row a firing of a rule, as `tables.SIGNALS`.

    Parameters
    ----------
    drawn : Drawn
        The charts as arrays.

    Returns
    -------
    pandas.DataFrame
        Ordered by measure, unit, first period and rule.
    """
    parts = [
        found
        for bit, rule in enumerate(drawn.rule_set.rules)
        if (found := firings(drawn, bit, rule)) is not None
    ]
    if not parts:
        return SIGNALS.empty()
    first, last, number, heading, rule = (
        np.concatenate([part[at] for part in parts]) for at in range(5)
    )
    order = np.lexsort((rule, first))
    first, last, number, heading, rule = (x[order] for x in (first, last, number, heading, rule))
    which = np.searchsorted(drawn.taken.series.starts, first, side="right") - 1
    period = drawn.taken.frame["period"].to_numpy()
    ids = [one.id for one in drawn.rule_set.rules]
    trend = np.array([one.judged_by == "direction" for one in drawn.rule_set.rules])[rule]
    side = np.where(trend, np.where(heading > 0, 2, 3), np.where(heading > 0, 0, 1))
    return SIGNALS.frame(
        {
            "measure": drawn.names("measure").take(which),
            "unit": drawn.names("unit").take(which),
            "rule_set": strings([drawn.rule_set.id], np.zeros(first.size, dtype=np.int8)),
            "rule": strings(ids, rule),
            "first": period[first],
            "last": period[last],
            "points": pd.array(number, dtype="Int64"),
            "side": coded(SIDE, np.where(heading == 0, -1, side)),
            "verdict": coded(POINT_VERDICT, _signal_verdicts(heading, drawn.good[which])),
            "latest": last == drawn.last_known[which],
        }
    )


def _signal_verdicts(heading: Signs, good: Signs) -> npt.NDArray[np.int8]:
    codes = _verdicts(heading, good)
    codes[codes == 0] = POINT_VERDICT.index("neither")
    return codes


def summary_table(drawn: Drawn) -> pd.DataFrame:
    """One row a chart, as `tables.SUMMARY`.

    Parameters
    ----------
    drawn : Drawn
        The charts as arrays.

    Returns
    -------
    pandas.DataFrame
        Limits, variation and assurance are those at the latest point with
        data, in the latest phase.
    """
    series, charted = drawn.taken.series, drawn.charted
    period = drawn.taken.frame["period"].to_numpy()
    at, phase = drawn.last_known, drawn.phases.latest
    known = charted.known[phase]
    limits, unlimited = charted.limits, known < FEWEST_POINTS
    if drawn.series.given_centre is None and not drawn.series.in_baseline.all():
        baseline = drawn.phases.segments.sums(drawn.series.in_baseline.astype(np.int64))
        unlimited |= baseline[phase] < FEWEST_POINTS
    all_known = series.sums((~np.isnan(drawn.value)).astype(np.int64))
    status = np.zeros(len(series), dtype=np.int8)
    limitless = np.isnan(limits.sigma[at]) & drawn.of_chart("has_limits")
    status[limitless] = STATUS.index("not_estimable")
    status[unlimited] = STATUS.index("insufficient_data")
    status[all_known == 0] = STATUS.index("no_data")
    centre, lcl, ucl = (
        np.where(unlimited, np.nan, line[at]) for line in (limits.centre, limits.lcl, limits.ucl)
    )
    enough = known >= ICON_POINTS
    made = SUMMARY.frame(
        {
            "measure": drawn.names("measure"),
            "unit": drawn.names("unit"),
            "chart": strings([chart.id for chart in drawn.charts], drawn.chart_code),
            "rule_set": strings([drawn.rule_set.id], np.zeros(len(series), dtype=np.int8)),
            "points": pd.array(all_known, dtype="Int64"),
            "first": period[series.starts],
            "last": period[series.lasts],
            "latest_value": drawn.value[at],
            "centre": centre,
            "lcl": lcl,
            "ucl": ucl,
            "target": drawn.target[at],
            "variation": coded(VARIATION, _variation(drawn, at, enough)),
            "assurance": coded(ASSURANCE, _assurance(drawn, at, phase, enough)),
            "dispersion": drawn.dispersion,
            "expected_false_signals": _expected_false(drawn),
            "status": coded(STATUS, status),
            "reason": _reasons(drawn, status, centre, known),
        }
    )
    return _with_invalid(made, drawn) if drawn.taken.invalid else made


def _with_invalid(made: pd.DataFrame, drawn: Drawn) -> pd.DataFrame:
    """Series that could not be charted stand among the others, with the reason."""
    rows = [
        {"measure": measure, "unit": unit, "status": "invalid_input", "reason": reason, "points": 0}
        for (measure, unit), reason in drawn.taken.invalid.items()
    ]
    left_out = pd.DataFrame(rows).reindex(columns=SUMMARY.names)
    left_out = left_out.astype({column.name: column.dtype for column in SUMMARY.columns})
    both = pd.concat([made, left_out], ignore_index=True)
    return both.sort_values(["measure", "unit"], kind="stable", ignore_index=True)


def _variation(drawn: Drawn, at: Integers, enough: npt.NDArray[np.bool_]) -> Integers:
    heading = drawn.heading[at]
    verdict = _verdicts(heading, drawn.good)
    # A firing without a direction (alternation, too few crossings) is a special cause too.
    odd = (heading == 0) & (drawn.charted.fired[at] != 0)
    codes = np.zeros(at.size, dtype=np.int64)
    for code, word in enumerate(POINT_VERDICT[1:], start=1):
        for sign, height in ((1, "high"), (-1, "low")):
            codes[(verdict == code) & (heading == sign)] = VARIATION.index(f"{word}_{height}")
    above = drawn.value[at] >= drawn.charted.limits.centre[at]
    codes[odd & above] = VARIATION.index("neither_high")
    codes[odd & ~above] = VARIATION.index("neither_low")
    codes[~enough] = VARIATION.index("not_enough_data")
    # Without limits and with points that hang together no rule can speak.
    codes[(drawn.of_chart("points") == "dependent") & ~drawn.of_chart("has_limits")] = -1
    return codes


def _assurance(
    drawn: Drawn, at: Integers, phase: Integers, enough: npt.NDArray[np.bool_]
) -> Integers:
    """Target against the limits; where they touch, every point must meet the target to pass.

    Limits of shares that fell together on the target, because no case was ever missed (or
    met), say how few cases there were, not how the process does: no icon.
    """
    target, good, limits = drawn.target[at], drawn.good, drawn.charted.limits
    if np.isnan(target).all():
        return np.full(at.size, ASSURANCE.index("none"))
    lcl, ucl = limits.lcl[at], limits.ucl[at]
    value, segments = drawn.value, drawn.phases.segments
    way = drawn.taken.series.spread(good)
    with np.errstate(invalid="ignore"):
        missed = ((value - drawn.target) * way < 0) & drawn.used
        above, below = target > ucl, target < lcl
        touching = (target == ucl) | (target == lcl)
    none_missed = (segments.sums(missed.astype(np.int64)) == 0)[phase]
    codes = np.full(at.size, ASSURANCE.index("hit_or_miss"))
    codes[np.where(good > 0, below, above) | (touching & none_missed)] = ASSURANCE.index("passes")
    codes[np.where(good > 0, above, below)] = ASSURANCE.index("fails")
    codes[(good == 0) | np.isnan(target) | np.isnan(ucl) | ~enough] = ASSURANCE.index("none")
    codes[_shares(drawn) & (lcl == ucl) & (target == lcl)] = ASSURANCE.index("none")
    return codes


def _shares(drawn: Drawn) -> Flags:
    """Series that plot shares of counted cases."""
    share = (drawn.of_chart("takes") == "proportion") & (drawn.of_chart("scale") == "measure")
    return np.asarray(share, dtype=np.bool_)


def _expected_false(drawn: Drawn) -> Floats:
    """False signals to expect if nothing changed, summed over a chart's phases."""
    rules, known = drawn.rule_set, drawn.charted.known
    chart = np.searchsorted(drawn.taken.series.starts, drawn.phases.segments.starts, side="right")
    chance = any_signal(rules.any_signal, rules.arl0, known)
    if rules.any_signal_counted:
        counted = (drawn.of_chart("points") == "counted")[chart - 1]
        fewer = any_signal(rules.any_signal_counted, rules.arl0_counted, known)
        chance = np.where(counted, fewer, chance)
    size = len(drawn.taken.series)
    # The chances were found on independent points, whose limits come from those very points.
    if drawn.series.given_centre is not None or drawn.series.given_sigma is not None:
        chance = np.full(chance.size, np.nan)
    chance = np.where(_frozen(drawn), np.nan, chance)
    expected = np.bincount(chart - 1, weights=chance, minlength=size).astype(np.float64)
    expected[(drawn.of_chart("points") == "dependent") | ~drawn.of_chart("has_limits")] = np.nan
    return expected


def _frozen(drawn: Drawn) -> Flags:
    """Phases that are judged beyond the points which their limits come from."""
    beyond = drawn.used & ~drawn.series.in_baseline
    if not beyond.any():
        return np.zeros(len(drawn.phases.segments), dtype=np.bool_)
    return drawn.phases.segments.sums(beyond.astype(np.int64)) > 0


def any_signal(table: Mapping[int, float], arl0: float | None, points: Integers) -> Floats:
    """Chance of any false signal in charts of so many points.

    Parameters
    ----------
    table : mapping of int to float
        Simulated chances by number of points; empty if not known.
    arl0 : float, optional
        Mean points to the first false signal, for charts longer than the table.
    points : array of int
        Points with data of each chart.

    Returns
    -------
    array of float
        Interpolated from (0, 0) on; NaN when the table is empty.

    Examples
    --------
    >>> import numpy as np
    >>> any_signal({12: 0.05, 24: 0.15}, 90.0, np.array([0, 12, 18])).round(3)
    array([0.  , 0.05, 0.1 ])
    """
    if not table:
        return np.full(points.size, np.nan)
    known = sorted(table)
    chance = np.interp(points, [0, *known], [0.0, *(table[size] for size in known)])
    longer = np.maximum(points - known[-1], 0)
    if arl0 is not None:
        chance = 1.0 - (1.0 - chance) * (1.0 - 1.0 / arl0) ** longer
    return np.where(points < FEWEST_POINTS, 0.0, chance)


def _latest_range(drawn: Drawn) -> tuple[Floats, Floats]:
    """Smallest and largest used value of each series' latest phase."""
    segments, latest = drawn.phases.segments, drawn.phases.latest
    low = segments.minima(np.where(drawn.used, drawn.value, np.inf))[latest]
    high = -segments.minima(np.where(drawn.used, -drawn.value, np.inf))[latest]
    return low, high


def _reasons(drawn: Drawn, status: npt.NDArray[np.int8], centre: Floats, known: Integers) -> Any:
    choices = [
        "",
        "no period has data",
        f"fewer than {FEWEST_POINTS} points in the latest phase: no limits",
        "every case was met: the centre and both limits are 100%",
        "no case was met: the centre and both limits are 0%",
        f"fewer than {ICON_POINTS} points in the latest phase: too few for an icon",
        "the values do not vary from one to the next: limits cannot be estimated",
        "the spread of these points cannot be estimated: no limits",
        f"fewer than {FEWEST_POINTS} points in the baseline of the latest phase: no limits",
        f"every case was met: the centre and both limits are 100%, {_NO_ICON}",
        f"no case was met: the centre and both limits are 0%, {_NO_ICON}",
    ]
    codes = np.zeros(status.size, dtype=np.int8)
    share, judged = _shares(drawn), drawn.good != 0
    on_target = judged & (drawn.target[drawn.last_known] == centre) & (known >= ICON_POINTS)
    codes[known < ICON_POINTS] = 5
    codes[share & (centre == 1.0)] = 3
    codes[share & (centre == 0.0)] = 4
    codes[share & (centre == 1.0) & on_target] = 9
    codes[share & (centre == 0.0) & on_target] = 10
    flat = status == STATUS.index("not_estimable")
    if flat.any():
        low, high = _latest_range(drawn)
        codes[flat] = 7
        codes[flat & (high - low <= 1e-9 * np.abs(high))] = 6
    few = known < FEWEST_POINTS
    codes[status == STATUS.index("insufficient_data")] = 8
    codes[(status == STATUS.index("insufficient_data")) & few] = 2
    codes[status == STATUS.index("no_data")] = 1
    return strings(choices, codes)
