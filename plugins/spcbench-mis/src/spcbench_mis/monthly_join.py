"""Joining months: final over provisional, each figure once, windows that do not overlap."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from spcbench.errors import InputError
from spcbench_mis.monthly_rows import ABSENT, NOTE_WINDOWS, categories

if TYPE_CHECKING:
    import pandas as pd

    from spcbench.tables import Table

WINDOWS = ("latest", "quarters", "all")

NOTE_EVERY_THIRD = f"{NOTE_WINDOWS[3]}, every third month shown so that none overlap"
NOTE_OVERLAPPING = f"{NOTE_WINDOWS[3]}, overlapping those beside it"
NOTES_APART = {
    NOTE_WINDOWS[3]: NOTE_EVERY_THIRD,
    NOTE_WINDOWS[6]: f"{NOTE_WINDOWS[6]}, every sixth month shown so that none overlap",
}
NOTES_OVERLAPPING = {
    NOTE_WINDOWS[3]: NOTE_OVERLAPPING,
    NOTE_WINDOWS[6]: f"{NOTE_WINDOWS[6]}, overlapping those beside it",
}

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

FAR_FEWER, FEWEST_LOST = 0.95, 3
"""A file is thought to be cut if it has less than this share of the trusts of the month beside it,
and lacks so many."""
NEAR = 100
"""Days within which trusts are not expected to go in numbers."""

_NUMBERS = ("numerator_published", "denominator", "value", "missing")
_WORDS = ("published", "result")
"""Columns in which two files can contradict each other."""

_DATES = ("period", "period_end", "reporting_month")
_TEXTS = ("note", "measure", "unit_name", "unit")
"""Columns that are categories until all files are together; texts the longest first."""

_KEYS = ("measure", "unit", "level", "published", "release", "file", *_DATES)
"""Columns that say which rows stay, and in which order."""


class Chosen(NamedTuple):
    """Rows that stay, by measure, organisation and period; arrays of shape (rows,)."""

    rows: npt.NDArray[np.int32]
    """Where they stand in the files one after the other."""
    several: Flags
    """Those of windows that overlap, or would if all had stayed."""
    notes: Mapping[str, str]
    """What is to be said of these."""


def joined(tables: Sequence[Table], *, windows: str) -> Table:
    """One table from those of one or many files.

    Parameters
    ----------
    tables : sequence of Table
        As `monthly.read_month` gives them, at least one.
    windows : str
        One of `WINDOWS`, as `monthly.read_months` explains them.

    Returns
    -------
    Table
        Sorted by measure, unit and period. Where a final file has a measure of
        a month, rows of provisional files for both are dropped. A row that two
        files have alike stays once.

    Raises
    ------
    InputError
        If two files of the same standing differ, or one code stands for
        organisations at two levels.

    Warns
    -----
    InputWarning
        If a month has far fewer trusts than one beside it.
    """
    from dataclasses import replace

    frames = [one.data for one in tables]
    chosen = _chosen(frames, windows)
    _warn_of_gaps(frames)
    return replace(tables[0], data=_spelled_out(frames, chosen))


def _warn_of_gaps(frames: Sequence[pd.DataFrame]) -> None:
    """Warn of a month with far fewer trusts than those beside it: a file may lack its end."""
    from spcbench import InputWarning

    trusts: dict[str, dict[pd.Timestamp, set[str]]] = {}
    names: dict[tuple[str, pd.Timestamp], str] = {}
    for frame in frames:
        # The first measure that a file could hold tells the kind of the file.
        kind, unit = str(frame["measure"].cat.categories[0]), frame["unit"].cat
        provider = frame["level"].eq("provider").to_numpy()
        month_of = _codes(frame, "reporting_month")
        for place, month in enumerate(frame["reporting_month"].cat.categories):
            own = np.unique(unit.codes.to_numpy()[provider & (month_of == place)])
            if not own.size:  # of the packs that were asked for, it may have none
                continue
            trusts.setdefault(kind, {}).setdefault(month, set()).update(unit.categories[own])
            names[kind, month] = str(frame["file"].cat.categories[0])
    for kind, found in trusts.items():
        for month in found:
            most = max(_beside(month, found), key=lambda one: len(found[one]), default=month)
            lost = sorted(found[most] - found[month])
            if len(lost) >= FEWEST_LOST and len(found[month]) < FAR_FEWER * len(found[most]):
                more = f" and {len(lost) - 5} more" if len(lost) > 5 else ""
                warnings.warn(
                    f"{names[kind, month]} has {len(found[month])} trusts, {names[kind, most]} "
                    f"has {len(found[most])}: the first may have been cut short; it lacks "
                    f"{', '.join(lost[:5])}{more}",
                    InputWarning,
                    stacklevel=4,
                )


def _beside(month: pd.Timestamp, months: Iterable[pd.Timestamp]) -> list[pd.Timestamp]:
    """The months next to one, if they are near enough to have the same trusts."""
    near = sorted(one for one in months if abs((one - month).days) < NEAR)
    place = near.index(month)
    return [*near[max(place - 1, 0) : place], *near[place + 1 : place + 2]]


def _chosen(frames: Sequence[pd.DataFrame], windows: str) -> Chosen:
    """Which rows stay."""
    keys = _each_once(_without_superseded(_together(frames, _KEYS)), frames)
    _check_levels(keys)
    keep, several = _windowed(keys, windows)
    order = _in_order(keys)
    order = order[keep[order]]
    rows = keys.index.to_numpy()[order].astype(np.int32)
    notes = NOTES_OVERLAPPING if windows == "all" else NOTES_APART
    return Chosen(rows, several[order], notes)


def _together(frames: Sequence[pd.DataFrame], names: Iterable[str]) -> pd.DataFrame:
    """All rows of some columns, still short."""
    import pandas as pd

    columns = {name: _united([one[name] for one in frames]) for name in names}
    return pd.DataFrame(columns, copy=False)


def _united(parts: Sequence[pd.Series]) -> Any:
    """One column of those of many files; their categories in the order in which they come."""
    import pandas as pd

    if not isinstance(parts[0].dtype, pd.CategoricalDtype):
        return pd.concat(parts, ignore_index=True).array
    if all(one.dtype is parts[0].dtype for one in parts):
        codes = np.concatenate([one.cat.codes.to_numpy() for one in parts])
        return pd.Categorical.from_codes(codes, dtype=parts[0].dtype)
    seen: dict[Any, int] = {}
    held = []
    for one in parts:
        # A missing cell has the code −1, and so the last of these.
        places = [seen.setdefault(value, len(seen)) for value in one.cat.categories.tolist()]
        held.append(np.array([*places, -1], dtype=np.int32)[one.cat.codes.to_numpy()])
    return pd.Categorical.from_codes(np.concatenate(held), categories=list(seen))


def _without_superseded(frame: pd.DataFrame) -> pd.DataFrame:
    """Without provisional rows of a measure and month that a final file has too."""
    provisional = frame["release"].eq("provisional").to_numpy()
    if not provisional.any():
        return frame
    month = _month_of_measure(frame)
    superseded = provisional & np.isin(month, np.unique(month[~provisional]))
    return frame[~superseded]


def _each_once(frame: pd.DataFrame, frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Each measure, organisation and month once, however many files say the same."""
    key = _month_of_measure(frame) * len(frame["unit"].cat.categories) + _codes(frame, "unit")
    in_order = np.sort(key)
    if not (in_order[1:] == in_order[:-1]).any():
        return frame
    absent = frame["published"].cat.codes.to_numpy() == ABSENT
    # An absent row is only the lack of one: any other file's row goes before it.
    order = np.lexsort([absent, key])
    again = np.zeros(len(frame), dtype=np.bool_)
    again[1:] = key[order][1:] == key[order][:-1]
    ranked = frame.take(order)
    first = np.maximum.accumulate(np.where(again, 0, np.arange(len(ranked))))
    told = np.flatnonzero(again & ~absent[order])
    if told.size:
        whole = _together(frames, frames[0].columns).take(ranked.index.to_numpy())
        _check_alike(whole, told, first)
    return ranked[~again].sort_index()


def _check_alike(frame: pd.DataFrame, rows: Integers, first: Integers) -> None:
    """Refuse a row that differs from the first of its key."""
    differs = np.zeros(rows.size, dtype=np.bool_)
    same_file = _codes(frame, "file")[rows] == _codes(frame, "file")[first[rows]]
    for name in _NUMBERS:
        held = frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
        one, other = held[rows], held[first[rows]]
        differs |= (one != other) & ~(np.isnan(one) & np.isnan(other))
    for name in _WORDS:
        codes = _codes(frame, name)
        differs |= codes[rows] != codes[first[rows]]
    levels = frame["level"].cat.codes.to_numpy()
    differs |= levels[rows] != levels[first[rows]]
    if not differs.any():
        return
    at = int(rows[int(np.argmax(differs))])
    one, other = frame.iloc[int(first[at])], frame.iloc[at]
    if one["level"] != other["level"]:
        raise InputError(_two_levels(one, other))
    if bool(same_file[int(np.argmax(differs))]):
        files = f"{one['file']} gives two figures"
    else:
        files = f"{one['file']} and {other['file']} give different figures"
    what = "; keep the one that was published last"
    if one["release"] == "provisional":
        what = f", and both are provisional{what}"
    elif files.endswith("different figures"):
        what = (
            f", and neither is marked provisional{what}, or rename a provisional file "
            "msds-mmmyyyyProvisional-….csv"
        )
    raise InputError(
        f"{files} for {one['measure']}, {one['unit']}, {one['reporting_month']:%B %Y}{what} "
        f"({int(differs.sum()):,} such rows)"
    )


def _check_levels(frame: pd.DataFrame) -> None:
    """Refuse one code for organisations at two levels: their figures would be one series."""
    levels = len(frame["level"].cat.categories)
    pair = _codes(frame, "unit") * levels + frame["level"].cat.codes.to_numpy()
    held = np.zeros((len(frame["unit"].cat.categories), levels), dtype=np.bool_)
    held.reshape(-1)[pair] = True
    again = np.flatnonzero(held.sum(axis=1) > 1)
    if again.size:
        pairs = int(again[0]) * levels + np.flatnonzero(held[again[0]])[:2]
        one, other = (frame.iloc[int(np.argmax(pair == number))] for number in pairs)
        raise InputError(_two_levels(one, other))


def _two_levels(one: pd.Series, other: pd.Series) -> str:
    return (
        f"{one['file']} has {one['unit']!r} at the level {one['level']}, {other['file']} at the "
        f"level {other['level']}; a code stands for one organisation, so leave one of them out"
    )


def _windowed(frame: pd.DataFrame, windows: str) -> tuple[Flags, Flags]:
    """Rows that stay of overlapping three-month windows, and rows of windows that overlap."""
    months, ends = _months(frame, "reporting_month"), _months(frame, "period_end")
    width = ends - _months(frame, "period") + 1
    measure = frame["measure"].cat.codes.to_numpy()
    several = np.zeros(len(frame), dtype=np.bool_)
    keep = np.ones(len(frame), dtype=np.bool_)
    for one in np.unique(measure[width > 1]):
        rows = measure == one
        several[rows] = np.unique(months[rows]).size > 1
        # Quarters end in March, June, September and December: months 2, 5, 8, 11 since January.
        phase = (ends[rows] - 2) if windows == "quarters" else (months[rows].max() - months[rows])
        keep[rows] = (windows == "all") | (phase % width[rows] == 0)
    return keep, several


def without_few(frame: pd.DataFrame, fewest: int) -> pd.DataFrame:
    """Counts without the figures of fewer cases than this; their rows stay, and say so."""
    few = (frame["denominator"] < fewest).fillna(False).to_numpy(dtype=np.bool_)
    if not few.any():
        return frame
    status = frame["status"].copy()
    status[few] = "insufficient_data"
    kept = {name: frame[name].mask(few) for name in ("numerator", "denominator", "value")}
    return frame.assign(status=status, **kept)


def _in_order(frame: pd.DataFrame) -> Integers:
    """Rows by measure, organisation and period."""
    key = _ranks(frame, "measure")
    for name in ("unit", "period"):
        key = key * len(frame[name].cat.categories) + _ranks(frame, name)
    return np.argsort(key, kind="stable")


def _renamed_note(notes: pd.Series, rows: Flags, named: Mapping[str, str]) -> pd.Categorical:
    """Notes of windows that say what became of them."""
    texts = [*notes.cat.categories.tolist(), None]
    said = list(texts)
    for old, new in named.items():
        said = [None if text is None else text.replace(old, new) for text in said]
    codes = notes.cat.codes.to_numpy().astype(np.int32) % len(texts)
    codes[rows] += len(texts)
    return categories(codes, [*texts, *said])


def _spelled_out(frames: Sequence[pd.DataFrame], chosen: Chosen) -> pd.DataFrame:
    """The rows that stay, with texts, dates and numbers as a table of counts has them.

    One column after the other, so that little is held in both forms.
    """
    import pandas as pd

    made = {}
    for name in dict.fromkeys([*_TEXTS, *frames[0].columns]):
        column = pd.Series(_united([one[name] for one in frames]).take(chosen.rows), name=name)
        if name == "note":
            column = pd.Series(_renamed_note(column, chosen.several, chosen.notes), name=name)
        made[name] = _long(column)
    return pd.DataFrame({name: made[name] for name in frames[0].columns}, copy=False)


def _long(column: pd.Series) -> Any:
    """One column as a table of counts has it."""
    import pandas as pd
    import pyarrow as pa

    from spcbench.tables import DATE, STRING

    if pd.api.types.is_integer_dtype(column.dtype):
        return column.array.astype("Int64")
    if column.name not in (*_DATES, *_TEXTS):
        return column.array
    codes, values = column.cat.codes.to_numpy(), column.cat.categories
    if column.name in _DATES:
        return values.to_numpy(dtype=DATE)[codes]
    texts = pa.array(values.tolist(), type=pa.large_string())
    found = texts.take(pa.array(codes, mask=codes < 0))
    return STRING.__from_arrow__(found)


def _month_of_measure(frame: pd.DataFrame) -> Integers:
    """A number for each measure and reporting month; shape (rows,)."""
    return _codes(frame, "measure") * 100_000 + _months(frame, "reporting_month")


def _months(frame: pd.DataFrame, name: str) -> npt.NDArray[np.int32]:
    """Months since January 1970 of a column of dates; shape (rows,)."""
    held = frame[name].cat
    months = held.categories.to_numpy().astype("datetime64[M]").astype(np.int32)
    return np.asarray(months[held.codes.to_numpy()])


def _ranks(frame: pd.DataFrame, name: str) -> Integers:
    """Place of each row's value among the sorted values of its column; shape (rows,)."""
    held = frame[name].cat
    place = np.argsort(np.argsort(np.array(held.categories.tolist())))
    return np.asarray(place[held.codes.to_numpy()])


def _codes(frame: pd.DataFrame, name: str) -> Integers:
    """A number for each different value of a column."""
    return np.asarray(frame[name].cat.codes.to_numpy(), dtype=np.int64)
