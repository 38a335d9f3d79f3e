"""Events that a site would see at the national rate, as the signal system reckons them.

Every month of a calendar year expects the same: the reference rate times the
mean monthly births of the calendar year before. So the levels change each
January and at no other time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from spcbench.errors import InputError, OptionError

YEAR_COLUMNS = (
    "measure", "unit", "year", "births", "births_of", "months", "rate", "expected",
)  # fmt: skip
"""Columns of the table of years: mean monthly births, of which year and of how many months."""

KEY = ["measure", "unit"]
MOST_NAMED = 5

Where = Callable[[int, str], str]
"""The place of a cell in words, from its row in the table and its column."""


@dataclass(frozen=True, kw_only=True)
class ExpectedEvents:
    """What `expected_events` gives.

    Parameters
    ----------
    counts : pandas.DataFrame
        Counts with `expected` of each month and without births, for charts.
    years : pandas.DataFrame
        One row a measure, site and year, with `YEAR_COLUMNS`; no rows where
        the counts brought their own `expected`.
    notes : tuple of str
        What a reader must know: births that stand in for others, months not known.
    """

    counts: pd.DataFrame = field(repr=False)
    years: pd.DataFrame
    notes: tuple[str, ...]


def expected_events(
    frame: pd.DataFrame, rate: float | Mapping[int, float] | None, *, where: Where
) -> ExpectedEvents:
    """Events to be expected of each site and month.

    Parameters
    ----------
    frame : pandas.DataFrame
        Checked counts: events in `numerator`, births in `denominator`, one row
        a site and month. Rows before the first known count of a site are there
        for their births.
    rate : float or mapping, optional
        Events to a birth, the same for all years or by calendar year; None
        where `frame` has a column `expected`.
    where : callable
        For messages.

    Returns
    -------
    ExpectedEvents
        Where the year before has no births, the mean of the year itself stands
        in; `notes` says so.

    Raises
    ------
    InputError
        If months are doubled or left out, events exceed births, a count is
        rounded, or there are no births to expect events of.
    OptionError
        If rates are missing, out of range, or one is to serve several measures.
    """
    own = rate is None
    if own and "expected" not in frame.columns:
        raise OptionError(
            "reference_rate is missing: give the usual number of events to a birth, such as "
            "0.002, or counts with a column expected"
        )
    if not own and "expected" in frame.columns:
        raise OptionError(
            "the counts have a column expected, and a reference_rate is given too: give one of them"
        )
    measures = sorted(set(frame["measure"]))
    if not own and len(measures) > 1:
        raise OptionError(
            f"the counts hold {len(measures)} measures ({', '.join(measures)}), and one rate "
            "cannot fit them all: choose one (--measure), or give a column expected"
        )
    _check_cells(frame, where)
    months = _charted(frame)
    _check_months(months, frame, where)
    if own:
        expected, years, said = months["expected"], pd.DataFrame(columns=YEAR_COLUMNS), []
        _check_expected(months, where)
    else:
        years = _years(frame, months, rate)
        at = months.assign(year=months["period"].dt.year)[[*KEY, "year"]]
        expected = at.merge(years, on=[*KEY, "year"], how="left")["expected"].to_numpy()
        said = _words_of_births(years)
    kept = [name for name in months.columns if name not in ("denominator", "value", "target")]
    counts = months[kept].assign(denominator=pd.array([pd.NA] * len(months), "Int64"),
                                 expected=expected)  # fmt: skip
    notes = (*said, *_words_of_unknown(months))
    return ExpectedEvents(counts=counts.reset_index(drop=True), years=years, notes=notes)


def _check_cells(frame: pd.DataFrame, where: Where) -> None:
    more = (frame["numerator"] > frame["denominator"]).fillna(value=False).to_numpy(dtype=np.bool_)
    if more.any():
        row = int(np.argmax(more))
        raise InputError(
            f"{where(row, 'numerator')}: {frame['numerator'].iloc[row]} events of "
            f"{frame['denominator'].iloc[row]} births cannot be{_also(more)}; count babies, by "
            "month of birth, in both columns"
        )
    if "published" in frame.columns:  # of the readers of the monthly files
        rounded = (frame["published"].notna() & frame["numerator"].notna()).to_numpy(dtype=np.bool_)
        if rounded.any():
            raise InputError(
                f"{where(int(np.argmax(rounded)), 'numerator')}: a published count, rounded to "
                f"fives (1 to 7 are all 5){_also(rounded)}; signals need exact counts"
            )


def _charted(frame: pd.DataFrame) -> pd.DataFrame:
    """Months of each site from its first known count on; a month without births has none."""
    closed = frame["denominator"].eq(0).fillna(value=False)
    events = frame["numerator"].mask(closed)
    begun = events.notna().groupby([frame[name] for name in KEY]).cummax()
    if not begun.any():
        raise InputError("no row has a count of events (numerator): there is nothing to chart")
    status = frame["status"].mask(frame["status"].eq("no_data"), "ok")
    return frame.assign(numerator=events, status=status)[begun]


def _check_months(months: pd.DataFrame, frame: pd.DataFrame, where: Where) -> None:
    """Refuse months doubled or left out: a sum would count them wrongly in silence."""
    number = frame["period"].dt.year * 12 + frame["period"].dt.month
    step = number.groupby([frame[name] for name in KEY]).diff()
    doubled = step.eq(0).to_numpy(dtype=np.bool_)
    if doubled.any():
        row = int(np.argmax(doubled))
        raise InputError(
            f"{where(row - 1, 'period')} and {where(row, 'period')} are of one month"
            f"{_also(doubled)}; signals take one row a site and month: add them up"
        )
    charted = frame.index.isin(months.index)
    charted &= charted & np.roll(charted, 1)  # the first row of a site follows none
    gap = charted & step.gt(1).to_numpy(dtype=np.bool_)
    if gap.any():
        row = int(np.argmax(gap))
        raise InputError(
            f"{where(row, 'period')}: the month before is not in the table{_also(gap)}; signals "
            "take one row a site and month. A month without events has the numerator 0, one that "
            "is not known an empty numerator"
        )


def _check_expected(months: pd.DataFrame, where: Where) -> None:
    lacking = (months["numerator"].notna() & ~(months["expected"] > 0.0)).to_numpy(dtype=np.bool_)
    if lacking.any():
        row = int(months.index[int(np.argmax(lacking))])
        raise InputError(
            f"{where(row, 'expected')}: a number above 0 is needed where events are counted"
            + _also(lacking)
        )


def _years(
    frame: pd.DataFrame, months: pd.DataFrame, rate: float | Mapping[int, float] | None
) -> pd.DataFrame:
    """Births, rate and expected events of each site and year that is charted."""
    births = frame["denominator"].astype("Float64").astype("float64")
    by = [*KEY, "year"]
    known = frame.assign(births=births, year=frame["period"].dt.year).groupby(by)["births"]
    found = {key: (one.mean(), int(one.count())) for key, one in known}
    asked = months.assign(year=months["period"].dt.year)
    asked = asked[asked["numerator"].notna()].drop_duplicates(by)
    made = []
    for measure, unit, year in asked[by].itertuples(index=False):
        for of in (year - 1, year):
            mean, number = found.get((measure, unit, of), (math.nan, 0))
            if mean > 0.0:
                break
        else:
            raise InputError(
                f"{unit} has events in {year}, but no births in {year - 1} or {year} to expect "
                "them of (column denominator)"
            )
        here = _rate_of(rate, year)
        made.append((measure, unit, year, mean, of, number, here, mean * here))
    return pd.DataFrame(made, columns=YEAR_COLUMNS)


def _rate_of(rate: float | Mapping[int, float] | None, year: int) -> float:
    if isinstance(rate, Mapping) and year not in rate:
        held = ", ".join(str(one) for one in sorted(rate)) or "none"
        raise OptionError(f"reference_rate has none for {year}; it has {held}")
    here = rate[year] if isinstance(rate, Mapping) else rate
    if isinstance(here, bool) or not isinstance(here, Real) or not 0.0 < here < 0.1:
        raise OptionError(
            f"reference_rate is the number of events to a birth, between 0 and 0.1, "
            f"not {here!r} (2 per 1,000 is 0.002)"
        )
    return float(here)


def _words_of_births(years: pd.DataFrame) -> list[str]:
    said = []
    itself = years[years["births_of"] == years["year"]]
    if len(itself):
        listed = named(f"{one.unit} {one.year}" for one in itself.itertuples())
        said.append(
            f"No births of the year before for {listed}: the mean of that year's own months is "
            "used, so its levels may move as months are added."
        )
    part = years[(years["births_of"] < years["year"]) & (years["months"] < 12)]
    if len(part):
        listed = named(
            f"{one.unit} {one.year} ({one.months} of {one.births_of})" for one in part.itertuples()
        )
        said.append(f"Births of fewer than 12 months of the year before for {listed}.")
    return said


def _words_of_unknown(months: pd.DataFrame) -> list[str]:
    unknown = months[months["numerator"].isna()]
    if unknown.empty:
        return []
    listed = named(f"{one.unit} {one.period:%b %Y}" for one in unknown.itertuples())
    return [
        f"Suppressed, not known or without births: {listed}. The sum stays as it was there, so it "
        "may be too low."
    ]


def named(names: Iterable[str]) -> str:
    """The first few of some names, and how many more there are."""
    every = list(names)
    more = len(every) - MOST_NAMED
    return ", ".join(every[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _also(bad: Any) -> str:
    count = int(bad.sum())
    return f" ({count:,} such rows)" if count > 1 else ""
