"""What was done and what is seen since: the points before and after each note on a chart.

A difference after a date does not show what brought it about, so nothing here
says so: it tells two windows apart, and how sure the difference is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from spcbench.drawn import Drawn
from spcbench.errors import InputError
from spcbench.numeric.segments import Flags, Floats, Integers
from spcbench.tables import ACTIONS, POINT_VERDICT

WINDOW = 12
"""Most points on either side of a note that are compared."""

DATED = ("comment", "rebase")
"""Actions that mark a day on which something was done; the others decide about limits."""

CAUTION = (
    "Points before and after a date, side by side. A difference does not show what brought it "
    "about: other things change too, and figures vary by chance."
)
"""What stands beside every table of actions."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference between two shares and its interval; arrays of one shape."""

    difference: Floats
    lower: Floats
    upper: Floats


def difference_of_shares(
    numerator_before: Any, denominator_before: Any, numerator_after: Any, denominator_after: Any
) -> Difference:
    """The later share less the earlier one, with its 95 % interval.

    Parameters
    ----------
    numerator_before, denominator_before, numerator_after, denominator_after : array of float
        Cases; NaN where they are not known.

    Returns
    -------
    Difference
        On the natural scale (0.1 is ten points of a percentage); NaN where a
        count is not known or a denominator is 0.

    Raises
    ------
    InputError
        If a numerator does not lie between 0 and its denominator.

    References
    ----------
    .. [1] Newcombe (1998), Statistics in Medicine 17:873, method 10 (each
       share's Wilson interval), for cases that are independent of each other.

    Examples
    --------
    >>> found = difference_of_shares(48, 80, 56, 70)
    >>> print(round(float(found.difference), 3), float(found.lower.round(4)),
    ...       float(found.upper.round(4)))
    0.2 0.0524 0.3339
    """
    given = (numerator_before, denominator_before, numerator_after, denominator_after)
    x0, n0, x1, n1 = np.broadcast_arrays(*(np.asarray(one, dtype=np.float64) for one in given))
    wrong = (x0 < 0) | (x0 > n0) | (x1 < 0) | (x1 > n1)
    if wrong.any():
        raise InputError(
            "every numerator must lie between 0 and its denominator to be compared before and "
            f"after; {int(wrong.sum())} of {wrong.size} do not"
        )
    known = (n0 > 0) & (n1 > 0) & ~np.isnan(x0) & ~np.isnan(x1)
    made = [np.full(x0.shape, np.nan) for _ in range(3)]
    if known.any():
        from statsmodels.stats.proportion import confint_proportions_2indep

        lower, upper = confint_proportions_2indep(
            x1[known], n1[known], x0[known], n0[known], method="newcomb", compare="diff"
        )
        for whole, part in zip(
            made, (x1[known] / n1[known] - x0[known] / n0[known], lower, upper), strict=True
        ):
            whole[known] = part
    return Difference(*made)


def actions_table(drawn: Drawn, signals: pd.DataFrame) -> pd.DataFrame:
    """Each note on each chart that it concerns, with the points before and after it.

    Parameters
    ----------
    drawn : Drawn
        The charts as arrays.
    signals : pandas.DataFrame
        Theirs, as `tables.SIGNALS`.

    Returns
    -------
    pandas.DataFrame
        As `tables.ACTIONS`, by measure, unit and date. The windows hold up to
        12 points that are used, and end where a phase does. The note's own
        period is the first after it when the note is of its first day, and in
        neither window when it falls within. Where periods reach into the next
        there are values alone, the means of those of the periods: sums would
        count cases more than once, and there is no interval.
    """
    parts = [
        _compared(note, rows, drawn)
        for note, rows in zip(drawn.notes, drawn.note_rows, strict=True)
        if rows.size
    ]
    if not parts:
        return ACTIONS.empty()
    table = pd.concat(parts, ignore_index=True)
    table = table.join(_differences(table))
    after = list(_verdicts(table, signals))
    table["special_cause_after"] = [bool(one) for one in after]
    table["verdicts_after"] = after
    ordered = table.sort_values(["row", "action"], kind="stable")
    ordered = ordered.sort_values(["series", "date"], kind="stable", na_position="first")
    return ACTIONS.frame({name: ordered[name] for name in ACTIONS.names})


def _compared(note: Mapping[str, Any], rows: Integers, drawn: Drawn) -> pd.DataFrame:
    """One note on every chart that it concerns."""
    series = np.searchsorted(drawn.taken.series.starts, rows, side="right") - 1
    date = pd.Timestamp(note["date"]) if note["date"] else pd.NaT
    frame = {
        "series": series,
        "row": rows,
        "measure": drawn.names("measure").take(series),
        "unit": drawn.names("unit").take(series),
        "date": date,
        "action": note["action"],
        "text": note["reason"],
        "author": note["author"],
    }
    size = rows.size
    nothing = np.zeros(size, dtype=np.int64)
    before = after = (nothing, nothing)
    if note["action"] in DATED:
        own = drawn.taken.frame["period"].to_numpy()[rows] >= date.to_datetime64()
        before, after = _windows(rows, np.where(own, rows, rows + 1), drawn)
    for name, (first, last) in (("before", before), ("after", after)):
        frame |= {f"{key}_{name}": found for key, found in _sums(first, last, series, drawn)}
    return pd.DataFrame(frame).assign(
        of_shares=_of_shares(drawn)[series], date=pd.Series([date] * size, dtype="datetime64[us]")
    )


def _windows(
    rows: Integers, begin: Integers, drawn: Drawn
) -> tuple[tuple[Integers, Integers], tuple[Integers, Integers]]:
    """Places among the used points, from and to (not included), before and after.

    `begin` is the first row after the note. A window lies in one phase: that
    of the row before the note's own, or that of `begin`.
    """
    used = np.flatnonzero(drawn.used)
    segments, series = drawn.phases.segments, drawn.taken.series
    edges = np.append(segments.starts, segments.size)
    own = np.searchsorted(series.starts, rows, side="right") - 1
    start_of_series, end_of_series = series.starts[own], series.lasts[own] + 1

    earlier = np.maximum(rows - 1, start_of_series)
    low = edges[np.searchsorted(segments.starts, earlier, side="right") - 1]
    to = np.searchsorted(used, rows)
    since = np.maximum(np.searchsorted(used, low), to - WINDOW)

    within = np.minimum(begin, end_of_series - 1)
    high = edges[np.searchsorted(segments.starts, within, side="right")]
    first = np.searchsorted(used, begin)
    until = np.minimum(np.searchsorted(used, high), first + WINDOW)
    return (since, np.maximum(to, since)), (first, np.maximum(until, first))


def _sums(
    first: Integers, last: Integers, series: Integers, drawn: Drawn
) -> Iterator[tuple[str, Any]]:
    """What stands in windows of used points: dates, points, sums and value."""
    used = np.flatnonzero(drawn.used)
    frame, empty = drawn.taken.frame, first == last
    period = frame["period"].to_numpy()[used]
    dates = np.append(period, np.datetime64("NaT"))
    end = used.size
    yield "first", dates[np.where(empty, end, first)]
    yield "last", dates[np.where(empty, end, last - 1)]
    yield "periods", last - first
    sums = {
        name: _between(frame[name].to_numpy(dtype=np.float64, na_value=np.nan)[used], first, last)
        for name in ("numerator", "denominator")
    }
    twice = _overlapping(drawn)[series]
    for name, found in sums.items():
        yield name, pd.array(np.where(empty | twice, np.nan, found), dtype="Int64")
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = sums["numerator"] / sums["denominator"]
        mean = _between(drawn.value[used], first, last) / (last - first)
        each = _between(_shares_of_rows(drawn)[used], first, last) / (last - first)
    pooled = np.where(twice, each, pooled)
    takes, scale = drawn.of_chart("takes")[series], drawn.of_chart("scale")[series]
    # Distances and sums have no mean that says where the measure stands, nor have smoothed values.
    lost = (drawn.of_chart("points")[series] == "dependent") | (scale == "spread")
    lost |= (scale == "own") & (takes != "event")
    value = np.where(np.isin(takes, ("proportion", "rate")), pooled, mean)
    yield "value", np.where(lost | ~np.isfinite(value), np.nan, value)


def _shares_of_rows(drawn: Drawn) -> Floats:
    """Numerator over denominator of each row by itself."""
    frame = drawn.taken.frame
    above, below = (
        frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
        for name in ("numerator", "denominator")
    )
    return np.asarray(above / below, dtype=np.float64)


def _overlapping(drawn: Drawn) -> Flags:
    """Series of which a period reaches into the next: their sums would count cases again."""
    frame, series = drawn.taken.frame, drawn.taken.series
    if "period_end" not in frame.columns:
        return np.zeros(len(series), dtype=np.bool_)
    begin, end = (frame[name].to_numpy() for name in ("period", "period_end"))
    over = np.zeros(len(frame), dtype=np.int64)
    over[:-1] = (end[:-1] >= begin[1:]) & ~series.breaks[1:]
    return np.asarray(series.sums(over) > 0)


def _between(values: Floats, first: Integers, last: Integers) -> Floats:
    """Sums of stretches of values; NaN where a value in one is."""
    unknown = np.isnan(values)
    total = np.append(0.0, np.cumsum(np.where(unknown, 0.0, values)))
    lost = np.append(0, np.cumsum(unknown))
    return np.where(lost[last] > lost[first], np.nan, total[last] - total[first])


def _of_shares(drawn: Drawn) -> Flags:
    """Series whose values are shares of cases that are independent of each other."""
    shares = np.asarray(drawn.of_chart("takes") == "proportion") & ~_overlapping(drawn)
    frame = drawn.taken.frame
    if "variance" in frame.columns:
        # Opportunities of one case hang together: chance alone says too little of their variance.
        clustered = frame["variance"].notna().to_numpy(dtype=np.int64)
        shares = shares & (drawn.taken.series.sums(clustered) == 0)
    return shares


def _differences(table: pd.DataFrame) -> pd.DataFrame:
    """The later value less the earlier one; an interval for shares of cases."""
    made = {"difference": (table["value_after"] - table["value_before"]).to_numpy()}
    shares = table["of_shares"].to_numpy() & ~np.isnan(made["difference"])
    counts = [
        table[name].to_numpy(dtype=np.float64, na_value=np.nan)[shares]
        for name in (
            "numerator_before",
            "denominator_before",
            "numerator_after",
            "denominator_after",
        )
    ]
    found = difference_of_shares(*counts)
    for name, part in (("difference_lower", found.lower), ("difference_upper", found.upper)):
        made[name] = np.full(len(table), np.nan)
        made[name][shares] = part
    return pd.DataFrame(made, index=table.index)


def _verdicts(table: pd.DataFrame, signals: pd.DataFrame) -> Iterator[str]:
    """What signals that began in each window after a note say, joined by ``;``."""
    own = {key: part[["first", "verdict"]] for key, part in signals.groupby(["measure", "unit"])}
    for row in table.itertuples(index=False):
        part = own.get((row.measure, row.unit))
        if part is None or pd.isna(row.first_after):
            yield ""
            continue
        there = set(part["verdict"][part["first"].between(row.first_after, row.last_after)])
        yield ";".join(word for word in POINT_VERDICT if word in there)
