"""Joining months: final over provisional, each figure once, windows that do not overlap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from spcbench.errors import InputError
from spcbench_mis.monthly_rows import ABSENT, NOTE_WINDOW

if TYPE_CHECKING:
    import pandas as pd

    from spcbench.tables import Table

WINDOWS = ("latest", "quarters", "all")

NOTE_EVERY_THIRD = "three months added up, every third month shown so that none overlap"
NOTE_OVERLAPPING = "three months added up, overlapping those beside it"

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_NUMBERS = ("numerator_published", "denominator", "value")
_WORDS = ("published", "result")
"""Columns in which two files can contradict each other."""


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
    """
    from dataclasses import replace

    frame = _together([one.data for one in tables])
    frame = _each_once(_without_superseded(frame))
    _check_levels(frame)
    return replace(tables[0], data=_in_order(_windowed(frame, windows)))


def _together(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """All rows; the names of files as one category."""
    import pandas as pd
    from pandas.api.types import union_categoricals

    if len(frames) == 1:
        return frames[0].reset_index(drop=True)
    files = union_categoricals([one["file"].array for one in frames])
    rest = pd.concat([one.drop(columns="file") for one in frames], ignore_index=True)
    return rest.assign(file=files)


def _without_superseded(frame: pd.DataFrame) -> pd.DataFrame:
    """Without provisional rows of a measure and month that a final file has too."""
    month = _month_of_measure(frame)
    provisional = frame["release"].eq("provisional").to_numpy()
    settled = np.unique(month[~provisional])
    superseded = provisional & np.isin(month, settled)
    return frame[~superseded] if superseded.any() else frame


def _each_once(frame: pd.DataFrame) -> pd.DataFrame:
    """Each measure, organisation and month once, however many files say the same."""
    key = _month_of_measure(frame) * (int(_codes(frame, "unit").max(initial=0)) + 1)
    key = key + _codes(frame, "unit")
    absent = frame["published"].cat.codes.to_numpy() == ABSENT
    # An absent row is only the lack of one: any other file's row goes before it.
    order = np.lexsort([absent, key])
    again = np.zeros(len(frame), dtype=np.bool_)
    again[1:] = key[order][1:] == key[order][:-1]
    if not again.any():
        return frame
    ranked = frame.take(order)
    first = np.maximum.accumulate(np.where(again, 0, np.arange(len(ranked))))
    told = again & ~absent[order]
    _check_alike(ranked, np.flatnonzero(told), first)
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
    raise InputError(
        f"{files} for {one['measure']}, {one['unit']}, {one['reporting_month']:%B %Y}, and neither "
        "is marked provisional; keep the one that was published last, or rename a provisional "
        f"file msds-mmmyyyyProvisional-….csv ({int(differs.sum()):,} such rows)"
    )


def _check_levels(frame: pd.DataFrame) -> None:
    """Refuse one code for organisations at two levels: their figures would be one series."""
    unit, level = _codes(frame, "unit"), frame["level"].cat.codes.to_numpy().astype(np.int64)
    pairs, first = np.unique(unit * 16 + level, return_index=True)
    again = np.flatnonzero(pairs[1:] // 16 == pairs[:-1] // 16)
    if again.size:
        one, other = frame.iloc[int(first[again[0]])], frame.iloc[int(first[again[0] + 1])]
        raise InputError(_two_levels(one, other))


def _two_levels(one: pd.Series, other: pd.Series) -> str:
    return (
        f"{one['file']} has {one['unit']!r} at the level {one['level']}, {other['file']} at the "
        f"level {other['level']}; a code stands for one organisation, so leave one of them out"
    )


def _windowed(frame: pd.DataFrame, windows: str) -> pd.DataFrame:
    """Of overlapping three-month windows, those that are to stay."""
    months = frame["reporting_month"].to_numpy().astype("datetime64[M]").astype(np.int64)
    begins = frame["period"].to_numpy().astype("datetime64[M]").astype(np.int64)
    ends = frame["period_end"].to_numpy().astype("datetime64[M]").astype(np.int64)
    width = ends - begins + 1
    measure = _codes(frame, "measure")
    several = np.zeros(len(frame), dtype=np.bool_)
    keep = np.ones(len(frame), dtype=np.bool_)
    for one in np.unique(measure[width > 1]):
        rows = measure == one
        several[rows] = np.unique(months[rows]).size > 1
        # Quarters end in March, June, September and December: months 2, 5, 8, 11 since January.
        phase = (ends[rows] - 2) if windows == "quarters" else (months[rows].max() - months[rows])
        keep[rows] = (windows == "all") | (phase % width[rows] == 0)
    note = NOTE_OVERLAPPING if windows == "all" else NOTE_EVERY_THIRD
    return _renamed_note(frame[keep].reset_index(drop=True), several[keep], note)


def without_few(frame: pd.DataFrame, fewest: int) -> pd.DataFrame:
    """Counts without the figures of fewer cases than this; their rows stay, and say so."""
    few = (frame["denominator"] < fewest).fillna(False).to_numpy(dtype=np.bool_)
    if not few.any():
        return frame
    status = frame["status"].copy()
    status[few] = "insufficient_data"
    kept = {name: frame[name].mask(few) for name in ("numerator", "denominator", "value")}
    return frame.assign(status=status, **kept)


def _in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Sorted by measure, organisation and period."""
    import pandas as pd

    measure, unit = (pd.factorize(frame[name], sort=True)[0] for name in ("measure", "unit"))
    order = np.lexsort([frame["period"].to_numpy().view(np.int64), unit, measure])
    return frame.take(order).reset_index(drop=True)


def _renamed_note(frame: pd.DataFrame, rows: Flags, note: str) -> pd.DataFrame:
    """Notes of windows that say what became of them."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    if not rows.any():
        return frame
    texts = pa.chunked_array(frame["note"].array.__arrow_array__()).combine_chunks()
    said = pc.replace_substring(texts, NOTE_WINDOW, note)
    changed = pc.if_else(pa.array(rows), said, texts)
    return frame.assign(note=pd.array(changed, dtype=frame["note"].dtype))


def _month_of_measure(frame: pd.DataFrame) -> Integers:
    """A number for each measure and reporting month; shape (rows,)."""
    month = frame["reporting_month"].to_numpy().astype("datetime64[M]").astype(np.int64)
    made: Integers = _codes(frame, "measure") * 100_000 + month
    return made


def _codes(frame: pd.DataFrame, name: str) -> Integers:
    """A number for each different text of a column."""
    import pandas as pd

    if isinstance(frame[name].dtype, pd.CategoricalDtype):
        return np.asarray(frame[name].cat.codes.to_numpy(), dtype=np.int64)
    return np.asarray(pd.factorize(frame[name])[0], dtype=np.int64)
