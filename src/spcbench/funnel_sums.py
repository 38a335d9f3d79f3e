"""Counts added up to one row per unit of a funnel, for one window or for two."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from spcbench.errors import InputError, OptionError
from spcbench.intake import Taken, as_date, usable_once
from spcbench.numeric.segments import Flags
from spcbench.tables import STATUS, STRING, Display

KEYS = ["measure", "group", "unit"]
AMOUNTS = ("numerator", "denominator", "expected", "variance")


def summed(taken: Taken, first: Any | None, last: Any | None, by: str | None) -> pd.DataFrame:
    """One row per measure, group and unit: sums over the periods that have data.

    Of a stock only the latest of these counts.

    Parameters
    ----------
    taken : Taken
        The counts.
    first, last : date, optional
        Periods outside are left out.
    by : str, optional
        Column of labels; units of one label are compared with each other, and
        those without one are left out.

    Raises
    ------
    OptionError, InputError
        If no period is left, there is no such column, or a unit has two labels.
    """
    frame = taken.frame
    keep = in_window(frame, first, last)
    if len(frame) and not keep.any():
        raise OptionError(
            "no period lies between first and last; the counts run from "
            f"{frame['period'].min():%Y-%m-%d} to {frame['period'].max():%Y-%m-%d}"
        )
    known = frame["status"].eq("ok").to_numpy() & keep
    known[keep] &= usable_once(frame[keep], taken.display)
    check_apart(frame[known])
    counted = pd.DataFrame(
        {
            "measure": frame["measure"],
            "group": _labels(frame, by, keep),
            "unit": frame["unit"],
            "period": frame["period"].where(known),
            "known": known,
            # Outside the window, or with counts outside it only: no data.
            "why": np.where(keep, frame["status"].cat.codes, STATUS.index("no_data")),
        }
    )
    for name in AMOUNTS:
        whole = frame[name] if name in frame.columns else pd.Series(np.nan, index=frame.index)
        counted[name] = whole.astype("float64").where(known)
    if by is not None:
        counted = counted[counted["group"].ne("")]
        if len(frame) and counted.empty:
            raise OptionError(f"by {by!r}: no unit of the counts has a {by}")
    grouped = counted.groupby(KEYS, as_index=False)
    sums = grouped[list(AMOUNTS)].sum(min_count=1)
    rest = grouped.agg(
        first=("period", "min"),
        last=("period", "max"),
        periods=("known", "sum"),
        why=("why", "max"),
    )
    return rest.assign(**{name: sums[name] for name in AMOUNTS})


def check_apart(frame: pd.DataFrame) -> None:
    """Refuse periods that reach into the next: their sum would count cases more than once.

    Raises
    ------
    InputError
        Naming the first.
    """
    if "period_end" not in frame.columns or len(frame) < 2:
        return
    begin, end = (frame[name].to_numpy() for name in ("period", "period_end"))
    same = frame["measure"].to_numpy()[1:] == frame["measure"].to_numpy()[:-1]
    same &= frame["unit"].to_numpy()[1:] == frame["unit"].to_numpy()[:-1]
    over = np.flatnonzero(same & (end[:-1] >= begin[1:]))
    if over.size:
        row = frame.iloc[int(over[0])]
        raise InputError(
            f"the period from {row['period']:%Y-%m-%d} to {row['period_end']:%Y-%m-%d} of "
            f"{row['unit']!r} reaches into the next one, so that adding periods up would count "
            "cases more than once; count by separate periods, or choose one with first and last"
        )


def in_window(frame: pd.DataFrame, first: Any | None, last: Any | None) -> Flags:
    """Rows whose period lies between two dates, both included; None leaves a side open."""
    keep = np.ones(len(frame), dtype=np.bool_)
    if first is not None:
        keep &= frame["period"].to_numpy() >= as_date(first, "first")
    if last is not None:
        keep &= frame["period"].to_numpy() <= as_date(last, "last")
    return keep


def _labels(frame: pd.DataFrame, by: str | None, keep: Flags) -> pd.Series:
    """Which funnel of its measure each row belongs to; "" if there is but one.

    A unit that moved belongs where it was in the window; to none, which is ""
    too, if it had no label in a part of it.
    """
    if by is None:
        return pd.Series("", index=frame.index)
    if not isinstance(by, str) or by not in frame.columns:
        raise OptionError(f"by {by!r} is no column of the counts; they have {', '.join(frame)}")
    labels = frame[by].astype("string").fillna("")
    units = [frame["measure"], frame["unit"]]
    inside = labels.where(pd.Series(keep, index=frame.index))
    several = inside.replace("", pd.NA).groupby(units).nunique()
    if (several > 1).any():
        measure, unit = several.index[int(np.argmax(several.to_numpy() > 1))]
        raise InputError(
            f"unit {unit!r} has more than one {by} in measure {measure!r}; each unit belongs to "
            "one funnel (choose a window in which it does not change)"
        )
    last = labels.groupby(units).transform("last")
    partly = inside.eq("").fillna(False).groupby(units).transform("any")
    return inside.groupby(units).transform("first").fillna(last).mask(partly, "")


def paired(
    taken: Taken, before: tuple[Any, Any], first: Any | None, last: Any | None, by: str | None
) -> pd.DataFrame:
    """One row per measure, group and unit: sums over two windows.

    Parameters
    ----------
    taken : Taken
        The counts.
    before : tuple of date
        First and last period of the earlier window.
    first, last : date, optional
        The later window; without `first` all that comes after the earlier one.
    by : str, optional
        As `summed`.

    Returns
    -------
    pandas.DataFrame
        As `summed` for the later window, with the sums of the earlier one
        beside them, named ``..._before``. `periods` is 0 without data in either.

    Raises
    ------
    OptionError, InputError
        As `summed`, or if the windows overlap or are the wrong way round.
    """
    if not len(taken.frame):
        return summed(taken, None, None, by).assign(
            **{f"{name}_before": pd.Series(dtype="float64") for name in AMOUNTS}
        )
    start, end = as_date(before[0], "before"), as_date(before[1], "before")
    if start > end:
        raise OptionError(f"before runs from {_day(start)} to {_day(end)}: the wrong way round")
    period = taken.frame["period"].to_numpy()
    if first is None:
        later = period[period > end]
        if not later.size:
            raise OptionError(f"no period of the counts comes after {_day(end)}, the end of before")
        first = later.min()
    if as_date(first, "first") <= end:
        raise OptionError(
            f"first, {_day(as_date(first, 'first'))}, does not come after {_day(end)}, the last "
            "period of before: a period cannot count on both sides of a change"
        )
    made = summed(taken, first, last, by)
    # A unit may have another label in the earlier window: it stands where it stands now.
    units = pd.MultiIndex.from_frame(made[["measure", "unit"]])
    earlier = summed(taken, before[0], before[1], None).set_index(["measure", "unit"]).loc[units]
    for name in AMOUNTS:
        made[f"{name}_before"] = earlier[name].to_numpy()
    made["periods"] = made["periods"].where(earlier["periods"].to_numpy() > 0, 0)
    made["why"] = np.maximum(made["why"].to_numpy(), earlier["why"].to_numpy())
    return made


def with_lost_measures(taken: Taken) -> Taken:
    """The same, with a name to show for each measure of which nothing could be used."""
    lost = {name: Display(title=name) for name, _ in taken.invalid if name not in taken.display}
    return replace(taken, display={**taken.display, **lost}) if lost else taken


def with_invalid(rows: pd.DataFrame, taken: Taken) -> pd.DataFrame:
    """The same, with a row for each unit that was left out for breaking the contract."""
    lost = list(taken.invalid)
    if not lost:
        return rows
    more = pd.DataFrame(lost, columns=["measure", "unit"]).assign(
        group="", periods=0, why=STATUS.index("invalid_input")
    )
    made = pd.concat([rows, more.astype({"measure": STRING, "unit": STRING})], ignore_index=True)
    return made.sort_values(KEYS, ignore_index=True).astype(rows.dtypes.to_dict())


def _day(date: np.datetime64) -> str:
    return str(date.astype("datetime64[D]"))
