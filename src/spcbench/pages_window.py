"""The window of a page: the calendar of its counts, and their sums over some of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from spcbench.errors import InputError, OptionError
from spcbench.intake import usable_once
from spcbench.tables import Display

YEAR = {"day": 365, "week": 52, "month": 12, "quarter": 4, "year": 1}
"""Periods in a year, by how long one is."""

OTHERWISE = 12
"""Periods in a window whose length nobody knows."""

FEWEST_TO_TELL = 3
"""Fewer periods of a measure do not say how long one is."""

_STEPS = {
    "day": {"days": 1},
    "week": {"days": 7},
    "month": {"months": 1},
    "quarter": {"months": 3},
    "year": {"months": 12},
}


def calendar(periods: Iterable[Any], frequency: str) -> tuple[pd.Timestamp, ...]:
    """All periods from the first to the last, also those that nobody has.

    Parameters
    ----------
    periods : iterable of Timestamp
        Those that somebody has.
    frequency : str
        How long one is; periods that do not follow it are given back alone.

    Examples
    --------
    >>> months = pd.to_datetime(["2024-01-01", "2024-02-01", "2024-04-01"])
    >>> [f"{one:%b}" for one in calendar(months, "month")]
    ['Jan', 'Feb', 'Mar', 'Apr']
    """
    there = sorted(pd.Timestamp(one) for one in periods)
    step = _STEPS.get(frequency)
    if step is None or not there:
        return tuple(there)
    made = pd.date_range(there[0], there[-1], freq=pd.DateOffset(**step))
    return tuple(made) if set(there) <= set(made) else tuple(there)


def frequencies(found: Mapping[str, str], frame: pd.DataFrame) -> tuple[str, dict[str, str]]:
    """How long a period of the page is, the shortest there is, and one of each measure.

    Parameters
    ----------
    found : mapping of str to str
        By measure, as `chart_series.gaps` gives it.
    frame : pandas.DataFrame
        Checked counts.

    Raises
    ------
    InputError
        If the longer periods of a measure do not begin where shorter ones of
        another do, as months in weeks: no window is then the same for both.
    """
    sizes = frame.groupby("measure", observed=True)["period"].nunique()
    told = {
        name: word
        for name, word in found.items()
        if word not in ("unknown", "irregular") and sizes[name] >= FEWEST_TO_TELL
    }
    first = min(told, key=lambda one: -YEAR.get(told[one], 0), default=next(iter(found)))
    for name, word in told.items():
        if word != told[first] and not _fits(name, first, told, frame):
            raise InputError(
                f"the periods of {first!r} are of {_long(told[first])} and those of {name!r} of "
                f"{_long(word)}, but a page adds all measures up over one window; count both by "
                "periods of one length, or ask for a page of each"
            )
    return found[first], {name: told.get(name, found[first]) for name in found}


def _fits(name: str, first: str, told: Mapping[str, str], frame: pd.DataFrame) -> bool:
    """Whether each period of one measure begins with one of the calendar of another."""
    if not {told[name], told[first]} <= _STEPS.keys():
        return False
    own, others = (frame["period"][frame["measure"].eq(one).to_numpy()] for one in (name, first))
    both = {*own.unique(), *others.unique()}
    made = calendar(both, told[first])
    step = pd.DateOffset(**_STEPS[told[first]])
    return all(now + step == later for now, later in pairwise(made))


def _long(word: str) -> str:
    return word if word[:1].isdigit() else f"a {word}"


def window_of(given: int | None, frequency: str) -> int:
    """How many periods make the window: a year of them where nobody says.

    Raises
    ------
    OptionError
        If the number is none.
    """
    if given is None:
        return YEAR.get(frequency, OTHERWISE)
    if isinstance(given, bool) or not isinstance(given, int) or given < 1:
        raise OptionError(f"window must be a whole number of periods, 1 or more, not {given!r}")
    return given


def summed(
    frame: pd.DataFrame,
    periods: Sequence[pd.Timestamp],
    display: Mapping[str, Display] | None = None,
) -> pd.DataFrame:
    """Sums over some periods, by measure and unit.

    Parameters
    ----------
    frame : pandas.DataFrame
        Checked counts.
    periods : sequence of Timestamp
        Which to add up.
    display : mapping of str to Display, optional
        Says which measures are stocks: of those the latest counts.

    Returns
    -------
    pandas.DataFrame
        Index (measure, unit); `numerator`, `denominator` (missing where no
        period has any), `missing` (missing where nobody counted it),
        `periods` with a row and `withheld` (suppressed, or not usable); of
        totals that lack units `units` and `of_units`, where fewest had data.
    """
    rows = frame[frame["period"].isin(list(periods)).to_numpy()]
    once = usable_once(rows, display or {})
    ok = rows["status"].eq("ok").to_numpy(dtype=np.bool_) & once
    lost = ~rows["status"].isin(["ok", "no_data"]).to_numpy(dtype=np.bool_)
    keyed = rows.assign(
        numerator=rows["numerator"].where(ok),
        denominator=rows["denominator"].where(ok),
        missing=rows["missing"] if "missing" in rows.columns else pd.NA,
        withheld=lost,
    )
    keyed["missing"] = keyed["missing"].astype("Int64").where(once, 0)
    grouped = keyed.groupby(["measure", "unit"], observed=True)
    found = grouped[["numerator", "denominator", "missing"]].sum(min_count=1)
    # Part of a number of unknown cases would look like all of it.
    found["missing"] = found["missing"].mask(grouped["missing"].count() < grouped.size())
    found["periods"] = grouped["period"].nunique()
    found["withheld"] = grouped["withheld"].sum().astype("int64")
    for name in ("units", "of_units"):
        found[name] = pd.Series(pd.NA, index=found.index, dtype="Int64")
    if "units_missing" in rows.columns:
        found.update(_fewest_units(rows[ok]))
    return found


def _fewest_units(rows: pd.DataFrame) -> pd.DataFrame:
    """How many of how many units stand behind each total in the period that lacks most."""
    lacking = rows[rows["units_missing"].gt(0).fillna(False).to_numpy(dtype=np.bool_)]
    lacking = lacking.assign(of_units=lacking["units"] + lacking["units_missing"])
    ordered = lacking.sort_values("units_missing", ascending=False, kind="stable")
    return ordered.groupby(["measure", "unit"], observed=True)[["units", "of_units"]].first()
