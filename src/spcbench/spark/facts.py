"""What must be known of a whole table before its parts can be charted apart.

Most of a chart depends on its own series only. The rest (how long a measure's
periods last, whether its values are shares of cases, which levels there are)
is found here: bucket by bucket, then merged on the driver.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from spcbench.chart_series import DAYS, IRREGULAR_BELOW, LAST_OF_ALL_MONTHS, MONTHS
from spcbench.counts_cells import Place
from spcbench.counts_check import CheckedCounts, checked
from spcbench.errors import InputError
from spcbench.numeric.segments import Flags, Integers, Segments

Dates = np.ndarray[Any, Any]
Name = tuple[str, str]

NO_SUCH_DATA = "there is nothing but"
"""What the check of counts says of rows that hold data of the wrong kind only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How counts are read, and which of them are wanted.

    Parameters
    ----------
    takes, date_format, suppressed
        As `spcbench.counts_check.check_counts`.
    level, unit : str, optional
        Keep only these rows.
    until : datetime64, optional
        Last period to use.
    baseline : pair of datetime64, optional
        First and last day that limits come from.
    names : bool
        Whether every unit and period is to be listed.
    """

    takes: str
    date_format: str | None = None
    suppressed: Sequence[str] = ()
    level: str | None = None
    unit: str | None = None
    until: np.datetime64 | None = None
    baseline: tuple[np.datetime64, np.datetime64] | None = None
    names: bool = False


@dataclass(slots=True, kw_only=True)
class OfMeasure:
    """What is known of one measure; every field can be added up over buckets.

    Parameters
    ----------
    levels : set
        Levels of its rows; None for rows without.
    counted, uncounted : int
        Series with a denominator anywhere, and without.
    lacking : int
        Series that hold data of the wrong kind only.
    rows, good : int
        Rows that are wanted, and those of them with data.
    shares, above : int
        Series of shares of cases, and with more events than cases.
    before_until : int
        Wanted rows before the last periods are left out.
    longest : int
        Periods of its longest series.
    inside, outside : int
        Series with and without a period in the baseline.
    months, days : Counter
        How often neighbouring periods are so many months, or days, apart.
    first, other : str
        The first period, and one that begins on another day of the month.
    begins : str
        The first period before the last ones are left out.
    """

    levels: set[str | None] = field(default_factory=set)
    counted: int = 0
    uncounted: int = 0
    lacking: int = 0
    rows: int = 0
    good: int = 0
    shares: int = 0
    above: int = 0
    before_until: int = 0
    longest: int = 0
    inside: int = 0
    outside: int = 0
    months: Counter[int] = field(default_factory=Counter)
    days: Counter[int] = field(default_factory=Counter)
    first: str = ""
    other: str = ""
    begins: str = ""

    def add(self, more: OfMeasure) -> None:
        """Take in what another bucket knows."""
        for name in _ADDED:
            setattr(self, name, getattr(self, name) + getattr(more, name))
        self.levels |= more.levels
        self.longest = max(self.longest, more.longest)
        self.months += more.months
        self.days += more.days
        dates = sorted(one for one in (self.first, self.other, more.first, more.other) if one)
        self.first = dates[0] if dates else ""
        self.other = next((one for one in dates if one[8:] != self.first[8:]), "")
        self.begins = min(filter(None, (self.begins, more.begins)), default="")

    @property
    def monthly(self) -> bool:
        """Whether every period begins on the same day of the month, one that all months have."""
        return not self.other and int(self.first[8:] or 1) <= LAST_OF_ALL_MONTHS

    @property
    def frequency(self) -> str:
        """How long its periods last, as `spcbench.chart_series.gaps` says it."""
        steps = self.months if self.monthly else self.days
        if not steps:
            return "unknown"
        capped: Counter[int] = Counter()
        for step, often in steps.items():
            capped[min(step, 400)] += often
        usual = min(capped, key=lambda step: (-capped[step], step))
        if not self.monthly and capped[usual] < IRREGULAR_BELOW * capped.total():
            return "irregular"
        words = {length: word for word, length in (MONTHS if self.monthly else DAYS).items()}
        return words.get(usual, f"{usual} {'months' if self.monthly else 'days'}")


_ADDED = (
    "counted",
    "uncounted",
    "lacking",
    "rows",
    "good",
    "shares",
    "above",
    "before_until",
    "inside",
    "outside",
)


@dataclass(slots=True, kw_only=True)
class Whole:
    """What is known of a table, or of one bucket of it.

    Parameters
    ----------
    measures : dict of str to OfMeasure
        By measure.
    errors, lacking : dict of (measure, unit) to str
        Series that break the contract, and series that hold data of the wrong
        kind only, which is no fault beside others that hold the right kind.
    units, periods : set
        All of them, where asked for.
    """

    measures: dict[str, OfMeasure] = field(default_factory=dict)
    errors: dict[Name, str] = field(default_factory=dict)
    lacking: dict[Name, str] = field(default_factory=dict)
    units: set[str] = field(default_factory=set)
    periods: set[str] = field(default_factory=set)

    def add(self, more: Whole) -> None:
        """Take in what another bucket knows."""
        for name, one in more.measures.items():
            self.measures.setdefault(name, OfMeasure()).add(one)
        self.errors |= more.errors
        self.lacking |= more.lacking
        self.units |= more.units
        self.periods |= more.periods


@dataclass(frozen=True, slots=True)
class SeriesPlace(Place):
    """Where a cell stands in a table without an order: by its measure, unit and period."""

    frame: pd.DataFrame | None = None

    def row(self, row: int) -> str:
        """One row, as its key."""
        if self.frame is None:
            return f"row {row + 1}"
        cells = self.frame.iloc[row]
        return ", ".join(
            f"{name} {_plain(cells[name])!r}" for name in ("measure", "unit", "period")
        )


def _plain(cell: Any) -> str:
    return "" if pd.isna(cell) else str(cell).removesuffix(" 00:00:00")


def checked_apart(frame: pd.DataFrame, reading: Reading) -> tuple[CheckedCounts, Whole]:
    """Checked counts of the series that can be used, and what is wrong with the others.

    Parameters
    ----------
    frame : pandas.DataFrame
        Whole series of a table of counts.
    reading : Reading
        How to read them.

    Returns
    -------
    CheckedCounts
        Series whose data are of the wrong kind are among them, as far as they go.
    Whole
        With `errors` and `lacking`.
    """
    found = Whole()
    try:
        return _checked(frame, reading, reading.takes), found
    except InputError:
        pass
    good = np.ones(len(frame), dtype=np.bool_)
    for key, rows in frame.groupby(["measure", "unit"], dropna=False).indices.items():
        try:
            _checked(frame.iloc[rows].reset_index(drop=True), reading, reading.takes)
        except InputError as error:
            harmless = NO_SUCH_DATA in str(error)
            said = found.lacking if harmless else found.errors
            said[str(key[0]), str(key[1])] = str(error)
            good[rows] = harmless
    rest = frame[good].reset_index(drop=True)
    return _checked(rest, reading, "any" if found.lacking else reading.takes), found


def _checked(frame: pd.DataFrame, reading: Reading, takes: str) -> CheckedCounts:
    return checked(
        frame,
        # Text is read strictly, as from a file: a bucket does not know of marks in others.
        place=SeriesPlace(None, text=True, frame=frame),
        date_format=reading.date_format,
        suppressed=reading.suppressed,
        takes=takes,
    )


def facts(frame: pd.DataFrame, reading: Reading) -> Whole:
    """What one bucket of a table of counts tells of the whole.

    Parameters
    ----------
    frame : pandas.DataFrame
        Whole series of a table of counts.
    reading : Reading
        How to read them.
    """
    counts, found = checked_apart(frame, reading)
    table = counts.frame
    if not len(table):
        return found
    if reading.names:
        found.units = set(table["unit"].unique())
        found.periods = set(map(str, table["period"].to_numpy().astype("datetime64[D]")))
    names = table["measure"].array.take(counts.series.starts)
    new = np.flatnonzero(np.append(True, names[1:] != names[:-1]))
    lacking = Counter(name.strip() for name, _ in found.lacking)
    for at, (first, last) in enumerate(_spans(new, len(names))):
        starts = counts.series.starts[first:last]
        end = counts.series.lasts[last - 1] + 1
        rows = table.iloc[int(starts[0]) : int(end)]
        one = _of_measure(rows, starts - starts[0], reading)
        one.lacking = lacking[str(names[new[at]])]
        found.measures[str(names[new[at]])] = one
    return found


def _spans(new: Integers, size: int) -> Iterable[tuple[int, int]]:
    return zip(new.tolist(), [*new[1:].tolist(), size], strict=True)


def _of_measure(rows: pd.DataFrame, starts: Integers, reading: Reading) -> OfMeasure:
    edge = np.zeros(len(rows), dtype=np.bool_)
    edge[starts] = True
    series = Segments.from_breaks(edge)
    counted = series.sums(rows["denominator"].notna().to_numpy().astype(np.int64)) > 0
    made = OfMeasure(counted=int(counted.sum()), uncounted=int((~counted).sum()))
    keep = np.ones(len(rows), dtype=np.bool_)
    if "level" in rows.columns:
        made.levels = {None if pd.isna(one) else str(one) for one in rows["level"].unique()}
        if reading.level is not None:
            keep &= rows["level"].eq(reading.level).to_numpy(dtype=np.bool_)
    if reading.unit is not None:
        keep &= rows["unit"].eq(reading.unit).to_numpy(dtype=np.bool_)
    kept, series = _part(rows, series, keep)
    made.before_until = len(kept)
    if not len(kept):
        return made
    made.shares, made.above = _shares(kept, series)
    made.begins = str(kept["period"].min())[:10]
    if reading.until is not None:
        kept, series = _part(kept, series, kept["period"].to_numpy() <= reading.until)
    return _timed(made, kept, series, reading) if len(kept) else made


def _part(rows: pd.DataFrame, series: Segments, keep: Flags) -> tuple[pd.DataFrame, Segments]:
    if keep.all():
        return rows, series
    number = np.cumsum(series.breaks)[keep]
    breaks = np.ones(number.size, dtype=np.bool_)
    breaks[1:] = number[1:] != number[:-1]
    return rows[keep], Segments.from_breaks(breaks)


def _shares(rows: pd.DataFrame, series: Segments) -> tuple[int, int]:
    """Series with shares of cases, and series with more events than cases."""
    share = (rows["denominator"].notna() & rows["numerator"].notna()).to_numpy()
    if "value" in rows.columns:
        share = share & rows["value"].isna().to_numpy()
    above = (rows["numerator"] > rows["denominator"]).fillna(False).to_numpy(dtype=np.bool_)
    found = (int((series.sums(one.astype(np.int64)) > 0).sum()) for one in (share, above))
    return next(found), next(found)


def _timed(made: OfMeasure, rows: pd.DataFrame, series: Segments, reading: Reading) -> OfMeasure:
    period = rows["period"].to_numpy()
    dates = period.astype("datetime64[D]")
    texts = pd.unique(dates)
    first = str(texts.min())
    inside = np.ones(len(rows), dtype=np.bool_)
    if reading.baseline is not None:
        inside = (period >= reading.baseline[0]) & (period <= reading.baseline[1])
    within = series.sums(inside.astype(np.int64)) > 0
    return replace(
        made,
        rows=len(rows),
        good=int((rows["status"].cat.codes.to_numpy() == 0).sum()),
        longest=int(series.lengths.max()),
        inside=int(within.sum()),
        outside=int((~within).sum()),
        months=_steps(dates.astype("datetime64[M]").astype(np.int64), series),
        days=_steps(dates.astype(np.int64), series),
        first=first,
        other=next((str(one) for one in texts if str(one)[8:] != first[8:]), ""),
    )


def _steps(number: Integers, series: Segments) -> Counter[int]:
    """How often neighbouring rows of a series are so far apart; events of one day do not count."""
    step = np.diff(number, prepend=number[0])
    steps, often = np.unique(step[~series.breaks & (step > 0)], return_counts=True)
    return Counter(dict(zip(steps.tolist(), often.tolist(), strict=True)))


def merged(parts: Iterable[Whole]) -> Whole:
    """What all buckets know together."""
    whole = Whole()
    for part in parts:
        whole.add(part)
    return whole


def first_error(errors: Mapping[Name, str]) -> InputError:
    """The fault of the first series that has one, with how many there are."""
    first = errors[min(errors)]
    more = f" ({len(errors):,} such series)" if len(errors) > 1 else ""
    return InputError(first + more)
