"""Counts as the engine takes them: one array a column, missing periods, given lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from spcbench.errors import InputError, OptionError
from spcbench.intake import Taken, matching
from spcbench.numeric.limits import Series
from spcbench.numeric.segments import Flags, Floats, Segments
from spcbench.tables import DATE

MONTHS = {"month": 1, "quarter": 3, "year": 12}
DAYS = {"day": 1, "week": 7}
FREQUENCIES = (*DAYS, *MONTHS, "irregular")

LAST_OF_ALL_MONTHS = 28
"""Days that every month has."""

MEASURED = ("value", "subgroup")
"""What charts of measurements take; others take counts."""

IRREGULAR_BELOW = 0.5
"""If no step between dates is as usual as this, they are dates of events, not of periods."""

VALUES = {
    "proportion": "share",
    "rate": "share",
    "count": "count",
    "value": "value",
    "event": "own",
    "subgroup": "mean",
    "expected": "count",
}
"""What is plotted, by what a chart type takes."""


def plotted(frame: pd.DataFrame, takes: str, counts: tuple[Floats, Floats] | None = None) -> Floats:
    """Value of each row on the natural scale, for charts that take such rows.

    Parameters
    ----------
    frame : pandas.DataFrame
        Checked counts.
    takes : str
        As `ChartType.takes`.
    counts : pair of arrays, optional
        Numerator and denominator as `column` gives them.

    Returns
    -------
    array of float, shape (rows,)
        NaN where there is no data.
    """
    numerator, denominator = counts or (column(frame, "numerator"), column(frame, "denominator"))
    kind = VALUES[takes]
    if kind in ("mean", "own"):
        value = column(frame, "mean" if kind == "mean" else "value").copy()
    elif kind == "count":
        value = numerator.copy()
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            value = numerator / denominator
        if kind == "value" and "value" in frame.columns:
            own = column(frame, "value")
            value = np.where(np.isnan(own), value, own)
    value[frame["status"].cat.codes.to_numpy() != 0] = np.nan
    if takes == "expected":
        value[np.isnan(column(frame, "expected"))] = np.nan
    return value


def column(frame: pd.DataFrame, name: str) -> Floats:
    """A column of counts as floats, NaN where it is missing or not there at all."""
    if name not in frame.columns:
        return np.full(len(frame), np.nan)
    return np.asarray(frame[name].to_numpy(dtype=np.float64, na_value=np.nan))


def series_of(
    frame: pd.DataFrame,
    takes: str,
    *,
    segments: Segments,
    gap: Flags,
    in_baseline: Flags | None = None,
    excluded: Flags | None = None,
    given: Mapping[str, Floats] | None = None,
) -> Series:
    """Everything that a chart type may look at.

    Parameters
    ----------
    frame : pandas.DataFrame
        Checked counts.
    takes : str
        As `ChartType.takes`.
    segments : Segments
        One per phase of each series.
    gap, in_baseline, excluded : array of bool, shape (rows,)
        As `numeric.limits.Series`; all points without an exclusion by default.
    given : mapping of str to array, optional
        `given_centre` and `given_sigma`.
    """
    numerator, denominator = column(frame, "numerator"), column(frame, "denominator")
    value = plotted(frame, takes, (numerator, denominator))
    lost = np.isnan(value)
    if lost.any():
        # A row without a value feeds nothing: limits see other columns than the value too.
        numerator, denominator = (np.where(lost, np.nan, one) for one in (numerator, denominator))
    known = ~np.isnan(value)
    if in_baseline is not None:
        known &= in_baseline
    if excluded is not None:
        known &= ~excluded
    extra = {
        name: np.where(lost, np.nan, column(frame, name))
        for name in ("expected", "mean", "sd")
        if name in frame.columns
    }
    return Series(
        value=value,
        numerator=numerator,
        denominator=denominator,
        in_baseline=known,
        gap=gap,
        segments=segments,
        excluded=excluded,
        **extra,
        **(given or {}),
    )


def given_lines(
    taken: Taken, takes: str, **lines: float | Mapping[str, float] | None
) -> dict[str, Floats]:
    """Lines that the analyst gave, by row.

    Parameters
    ----------
    taken : Taken
        The counts.
    takes : str
        As `ChartType.takes`, or ``"auto"``.
    **lines : float, mapping of str to float, or None
        ``centre=`` and ``sigma=``: one for all, or one by measure.

    Returns
    -------
    dict of str to array
        `given_centre` and `given_sigma`; NaN for measures that have none.

    Raises
    ------
    OptionError, UnknownNameError
        If a number is not one that such charts can have, or a measure is not
        in the counts.
    """
    if lines.get("sigma") is not None and takes not in MEASURED:
        raise OptionError(
            "sigma is for charts of single values and subgroups (chart='i', say): the variation of "
            "counts follows from their centre"
        )
    made: dict[str, Floats] = {}
    if all(line is None for line in lines.values()):
        return made
    counted = taken.frame["denominator"].notna().to_numpy()
    shares = {str(one) for one in pd.unique(taken.frame["measure"][counted])}
    for name, line in lines.items():
        if line is None:
            continue
        names = [str(one) for one in taken.display]
        by_measure = line if isinstance(line, Mapping) else dict.fromkeys(names, line)
        known = {}
        for one, at in by_measure.items():
            measure = matching(one, names)
            own = "proportion" if takes == "auto" and measure in shares else takes
            known[measure] = _number(name, at, own)
        first = taken.frame["measure"].array.take(taken.series.starts)
        values = np.array([known.get(str(one), np.nan) for one in first], dtype=np.float64)
        made[f"given_{name}"] = taken.series.spread(values)
    return made


def _number(name: str, given: Any, takes: str) -> float:
    try:
        number = float(given)
    except (TypeError, ValueError) as error:
        raise OptionError(f"{name} must be a number, not {given!r}") from error
    if not np.isfinite(number) or (name == "sigma" and number <= 0):
        wanted = "a number above 0" if name == "sigma" else "a finite number"
        raise OptionError(f"{name} must be {wanted}, not {number:g}")
    if takes == "proportion" and not 0.0 <= number <= 1.0:
        raise OptionError(
            f"{name} {number:g} is not a proportion between 0 and 1; write 85 % as 0.85"
        )
    if takes not in MEASURED and number < 0:
        raise OptionError(f"{name} {number:g} is below 0, which counts cannot be")
    return number


def gaps(
    frame: pd.DataFrame, series: Segments, *, frequency: str | None = None
) -> tuple[Flags, dict[str, str]]:
    """Rows just before which a period is missing, and how long each measure's periods last.

    Parameters
    ----------
    frame : pandas.DataFrame
        Checked counts.
    series : Segments
        One per measure and unit.
    frequency : str, optional
        One of `FREQUENCIES`; inferred for each measure without it.

    Raises
    ------
    OptionError, InputError
        If the word is not known, or periods do not begin as it says.
    """
    if frequency is not None and frequency not in FREQUENCIES:
        raise OptionError(f"frequency must be one of {', '.join(FREQUENCIES)}, not {frequency!r}")
    gap = np.zeros(series.size, dtype=np.bool_)
    if not series.size:
        return gap, {}
    names = frame["measure"].array.take(series.starts)
    new = np.flatnonzero(np.append(True, names[1:] != names[:-1]))
    starts = np.append(series.starts[new], series.size)
    period, edge = frame["period"].to_numpy(), series.breaks
    found = {}
    for name, first, last in zip(names.take(new), starts[:-1], starts[1:], strict=True):
        rows = slice(first, last)
        dates, begins = period[rows], edge[rows]
        once = _one_of_all_alike(dates, begins)
        own, word = _measure_gaps(dates[:once], begins[:once], frequency)
        found[str(name)] = _told_length(frame.iloc[rows]) if word == "unknown" else word
        gap[rows] = np.tile(own, begins.size // once)
    return gap, found


def _told_length(rows: pd.DataFrame) -> str:
    """How long the one period of a measure is, if its first and last day say so."""
    if "period_end" not in rows.columns or rows["period_end"].isna().any():
        return "unknown"
    after = rows["period_end"] + pd.Timedelta(days=1)
    for word, months in MONTHS.items():
        if (rows["period"] + pd.DateOffset(months=months) == after).all():
            return word
    return "unknown"


def _one_of_all_alike(period: np.ndarray, edge: Flags) -> int:
    """Rows of the first series if all have the same periods, else of all."""
    starts = np.flatnonzero(edge)
    rows = int(starts[1]) if starts.size > 1 else edge.size
    if edge.size != rows * starts.size or not edge[::rows].all():
        return edge.size
    table = period.reshape(-1, rows)
    return rows if (table == table[0]).all() else edge.size


def _measure_gaps(period: np.ndarray, edge: Flags, frequency: str | None) -> tuple[Flags, str]:
    # Thousands of series share a few dozen periods: convert each of them once.
    codes, dates = pd.factorize(period)
    months = dates.astype("datetime64[M]")
    day = (dates - months.astype(DATE)).astype("timedelta64[D]").astype(np.int64)
    # The same day of every month counts in months: a year from 6 April has 365 days or 366.
    monthly = bool((day == day[:1]).all()) and int(day.max(initial=0)) < LAST_OF_ALL_MONTHS
    if frequency in MONTHS and not monthly:
        odd = dates[day != day[0]][:1].astype("datetime64[D]")
        raise InputError(
            f"frequency {frequency!r} wants periods that begin on the same day of the month, "
            f"but one begins on {dates[0].astype('datetime64[D]')} and another on "
            f"{odd[0] if odd.size else dates[-1].astype('datetime64[D]')}"
        )
    monthly = monthly and frequency not in DAYS
    count = (months if monthly else dates.astype("datetime64[D]")).astype(np.int64)[codes]
    step = np.diff(count, prepend=count[0])
    within = ~edge & (step > 0)  # events of one day do not set the frequency
    none = np.zeros(period.size, dtype=np.bool_)
    if frequency == "irregular":
        return none, frequency
    if frequency is not None:
        return within & (step > (MONTHS | DAYS)[frequency]), frequency
    if not within.any():
        return none, "unknown"
    often = np.bincount(np.minimum(step[within], 400))
    usual = int(often.argmax())
    if not monthly and often[usual] < IRREGULAR_BELOW * within.sum():
        return none, "irregular"
    words = {length: word for word, length in (MONTHS if monthly else DAYS).items()}
    name = words.get(usual, f"{usual} {'months' if monthly else 'days'}")
    return within & (step > usual), name


def targets(taken: Taken, target: float | None) -> Floats:
    """The target on each row: the one asked for, else the counts', else the measure's."""
    known = {
        name: np.nan if shown.target is None else shown.target
        for name, shown in taken.display.items()
    }
    if len(known) == 1:
        made = np.full(len(taken.frame), next(iter(known.values())))
    else:
        first = taken.frame["measure"].array.take(taken.series.starts)
        made = taken.series.spread(np.array([known[name] for name in first], dtype=np.float64))
    if target is None and "target" in taken.frame.columns:
        own = taken.frame["target"].to_numpy(dtype=np.float64)
        made = np.where(np.isnan(own), made, own)
    return made
