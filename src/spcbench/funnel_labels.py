"""Labels of units from a dated table of their own, so that peers are compared with peers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from spcbench.counts_cells import Place, dates, words
from spcbench.dated_tables import check_columns, table_of
from spcbench.errors import InputError, OptionError
from spcbench.intake import Taken
from spcbench.numeric.segments import Flags
from spcbench.tables import COUNTS, COUNTS_OPTIONAL, STRING

FIRST, LAST = "valid_from", "valid_to"
MEANT = {"from": FIRST, "start": FIRST, "to": LAST, "end": LAST, "until": LAST}
"""What people call these columns by mistake."""

ALWAYS = (pd.Timestamp("1000-01-01"), pd.Timestamp("9000-01-01"))
"""For a row without a first day, without a last day."""

# A label cannot stand where figures or codes do.
_TAKEN = {*COUNTS.names, *COUNTS_OPTIONAL.names} - {"group"}


def with_labels(taken: Taken, labels: Any, by: str | None) -> tuple[Taken, str]:
    """Counts with a column of labels from a table.

    A label counts for a period if it holds on its first and on its last day.

    Parameters
    ----------
    taken : Taken
        The counts.
    labels : path, pandas, polars or Arrow table
        Columns `unit`, that of `by`, and perhaps `valid_from` and `valid_to`
        (both included; blank for always). A blank label is none. Other
        columns are left.
    by : str, optional
        Which column.

    Returns
    -------
    taken, source
        Null where a unit has no label; and what the table is called.

    Raises
    ------
    InputError
        If the table is faulty, a unit has two labels at one time, or no unit
        of the counts stands in it.
    OptionError
        If `by` is missing, or the counts have such a column already.
    """
    if by is None:
        raise OptionError(
            "labels need by (--by), the column of labels within which units are compared"
        )
    frame = taken.frame
    if by in _TAKEN:
        raise OptionError(f"by {by!r} is a column of counts, which labels cannot have for a name")
    if by in frame.columns and frame[by].notna().any():
        raise OptionError(
            f"the counts have labels of their own in {by!r}; leave out the table of labels, or "
            "call its column something else"
        )
    table, place = _checked(labels, by)
    if len(frame) and not frame["unit"].isin(table["unit"]).any():
        there = ", ".join(map(repr, table["unit"].unique()[:3]))
        mine = ", ".join(map(repr, frame["unit"].unique()[:3]))
        raise InputError(
            f"no unit of the counts stands in {place.whole}, which has "
            f"{there or 'no rows'}; the counts have {mine}"
        )
    return replace(taken, frame=frame.assign(**{by: _joined(frame, table, by)})), place.whole


def _checked(source: Any, by: str) -> tuple[pd.DataFrame, Place]:
    """The table, by unit and date, with a day for every blank date."""
    frame, place = table_of(source, what="the list of labels")
    check_columns(
        frame,
        place,
        needed=["unit", by],
        optional=[FIRST, LAST],
        what="A list of labels",
        meant=MEANT,
    )
    frame = frame.reindex(columns=["unit", by, FIRST, LAST])
    made = pd.DataFrame(
        {
            "unit": words(frame["unit"], place, required=True),
            by: words(frame[by], place),
            FIRST: _dates(frame[FIRST], place).fillna(ALWAYS[0]),
            LAST: _dates(frame[LAST], place).fillna(ALWAYS[1]),
        }
    )
    lines = np.arange(1, len(made) + 1) if place.lines is None else place.lines
    order = made.sort_values(["unit", FIRST, LAST], kind="stable").index.to_numpy()
    made = made.iloc[order].reset_index(drop=True)
    _check_spans(made, replace(place, lines=lines[order]), by)
    return made, place


def _dates(cells: pd.Series, place: Place) -> pd.Series:
    try:
        return dates(cells, place)
    except InputError as error:
        # What --date-format says is how the counts are written.
        raise InputError(str(error).partition("; say how dates")[0]) from None


def _check_spans(table: pd.DataFrame, place: Place, by: str) -> None:
    """Refuse a row that ends before it begins, and two rows of a unit on one day."""
    backwards: Flags = (table[LAST] < table[FIRST]).to_numpy(dtype=np.bool_)
    if backwards.any():
        row = int(np.argmax(backwards))
        one = table.iloc[row]
        raise InputError(
            f"{place.at(row, LAST)}: {one['unit']!r} has {one[by]!r} to {one[LAST]:%Y-%m-%d}, "
            f"before it began on {one[FIRST]:%Y-%m-%d}" + place.also(backwards)
        )
    same = table["unit"].eq(table["unit"].shift(-1)).fillna(False)
    both: Flags = (same & (table[FIRST].shift(-1) <= table[LAST])).to_numpy(dtype=np.bool_)
    if not both.any():
        return
    row = int(np.argmax(both))
    one, other = table.iloc[row], table.iloc[row + 1]
    begun = one[FIRST] == other[FIRST] == ALWAYS[0]
    when = "at one time" if begun else f"on {other[FIRST]:%Y-%m-%d}"
    told = [repr(cell) if isinstance(cell, str) else "none" for cell in (one[by], other[by])]
    what = (
        f"has two labels, {told[0]} and {told[1]}, {when}"
        if told[0] != told[1]
        else f"stands there twice {when}"
    )
    first, second = sorted((row, row + 1), key=lambda at: int(np.asarray(place.lines)[at]))
    raise InputError(
        f"{place.row(first)} and {place.row(second)}: {one['unit']!r} {what}; give the dates from "
        f"which and to which each holds ({FIRST}, {LAST})" + place.also(both)
    )


def _joined(frame: pd.DataFrame, table: pd.DataFrame, by: str) -> pd.Series:
    """The label of each row of counts."""
    end = frame["period"]
    if "period_end" in frame.columns:
        end = frame["period_end"].fillna(end)
    wanted = pd.DataFrame({"unit": frame["unit"], "start": frame["period"], "end": end})
    distinct = wanted.drop_duplicates(ignore_index=True)
    found = distinct.reset_index(names="row").merge(table, on="unit")
    holds = (found[FIRST] <= found["start"]) & (found["end"] <= found[LAST])
    label = found[holds].set_index("row")[by].reindex(range(len(distinct)))
    placed = wanted.merge(distinct.assign(label=label), how="left")
    return placed["label"].astype(STRING).set_axis(frame.index)
