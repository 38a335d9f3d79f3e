"""Rows of counts as every monthly file gives them, before months are joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from spcbench_mis.monthly_cells import released, unit_of
from spcbench_mis.monthly_text import Coded, Integers, Sheet
from spcbench_mis.organisations import is_listed

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

PUBLISHED = (
    "ok",
    "small",
    "low_dq",
    "dns",
    "suppressed",
    "absent",
    "incomplete",
    "rate_only",
)
"""What the publication says of a figure; words of the column `published`."""

OK, SMALL, LOW_DQ, DNS, SUPPRESSED, ABSENT, INCOMPLETE, RATE_ONLY = range(len(PUBLISHED))

STATUSES = (
    "ok",
    "ok",
    "insufficient_data",
    "no_data",
    "suppressed",
    "no_data",
    "no_data",
    "ok",
)
"""The status of a row of counts for each of `PUBLISHED`."""

RELEASES = ("final", "provisional", "not stated")
RESULTS = ("Pass", "Fail")

NOTES = {
    SMALL: "published as 5: the true count is between 1 and 7",
    LOW_DQ: "Low DQ: withheld by the publisher because data quality failed",
    DNS: "DNS: the organisation did not submit",
    SUPPRESSED: "suppressed by the publisher",
    ABSENT: "the file has no row for it",
    INCOMPLETE: "the file holds only part of the figures",
}
NOTE_WINDOWS = {3: "three months added up", 6: "six months added up"}
NOTE_WINDOW_UNKNOWN = "how many months are added up is not known: points may overlap"
NOTE_RATE = "numerators above 7 worked out from the published rate"
NOTE_MISFIT = "the published rate does not fit the rounded counts"
NOTE_UNROUNDED = "counts are not rounded as published"
NOTE_FEW = "fewer than 50 cases: rounding matters"
NOTE_PROVISIONAL = "provisional"
NOTE_UNLISTED = "code not on the list of maternity providers"

FEW_CASES = 50
"""Denominator below which rounding can move a point far (a proposal of this project)."""


class Unit(NamedTuple):
    """An organisation at one level."""

    code: str
    level: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthlyRows:
    """What one file says, one row an indicator or dimension, organisation and month.

    Parameters
    ----------
    measures : sequence of str
        Full names.
    units : sequence of Unit
        The organisations.
    measure, unit, month : array of int64, shape (rows,)
        Places in these two, and the reporting month since January 1970.
    window, lag : array of int64, shape (rows,)
        Months added up (0: not known), and months by which the window ends
        earlier.
    published : array of int64, shape (rows,)
        Places in `PUBLISHED`.
    numerator, denominator : array of float, shape (rows,)
        As published.
    value : array of float, shape (rows,), optional
        On the natural scale.
    best, low, high : array of float, shape (rows,), optional
        The numerator to use, and the least and most that it can be.
    missing : array of float, shape (rows,), optional
        Cases whose outcome is not known.
    result : array of int64, shape (rows,), optional
        Places in `RESULTS`; −1 where there is none.
    remarks : sequence of (array of bool, str)
        What else is to be noted of some rows.
    """

    measures: Sequence[str]
    units: Sequence[Unit]
    measure: Integers
    unit: Integers
    month: Integers
    window: Integers
    lag: Integers
    published: Integers
    numerator: Floats
    denominator: Floats
    value: Floats | None = None
    best: Floats | None = None
    low: Floats | None = None
    high: Floats | None = None
    missing: Floats | None = None
    result: Integers | None = None
    remarks: Sequence[tuple[npt.NDArray[np.bool_], str]] = field(default=())


def units(sheet: Sheet, level: Coded, rows: Integers) -> tuple[Integers, list[Unit]]:
    """The organisation of each of these rows; shape (rows,), and all of them in order.

    An organisation's name is the one that its first row has.
    """
    held = sheet.columns["unit"]
    size = max(len(held.texts), 1)
    pairs, first, which = numbered(level.codes[rows] * size + held.codes[rows])
    names = sheet.columns.get("unit_name")
    found: dict[tuple[str, str], int] = {}
    made: list[Unit] = []
    places = np.zeros(pairs.size, dtype=np.int64)
    for number, (one, row) in enumerate(zip(pairs, rows[first], strict=True)):
        at = level.texts[one // size]
        code = _apart(unit_of(held.texts[held.codes[row]], at), at)
        if (code, at) not in found:
            found[code, at] = len(made)
            made.append(Unit(code, at, names.texts[names.codes[row]] if names else ""))
        places[number] = found[code, at]
    return places[which], made


def _apart(code: str, level: str) -> str:
    """A site under its trust's code of three letters is told apart from the trust."""
    return f"{code} (site)" if level == "site" and len(code) == 3 else code


def counts_frame(rows: MonthlyRows, name: str) -> pd.DataFrame:
    """Rows as a table of counts.

    Parameters
    ----------
    rows : MonthlyRows
        What a file says.
    name : str
        The file's name, which says whether it is provisional.

    Returns
    -------
    pandas.DataFrame
        Columns of counts with the labels `published` (see `PUBLISHED`),
        `release`, `result`, `reporting_month`, `numerator_published`,
        `numerator_low`, `numerator_high` and `file`. Where the publication
        withholds a figure, all of them are null. Texts and dates are
        categories and numbers short, because as many of these are held at
        once as there are files; `monthly_join.joined` spells them out.
    """
    import pandas as pd

    from spcbench.tables import LEVEL, STATUS, coded

    shown = np.isin(rows.published, (OK, SMALL))
    bounded = shown | (rows.published == SUPPRESSED)
    best = rows.numerator if rows.best is None else rows.best
    release = released(name)
    end = rows.month - rows.lag
    level = np.array([LEVEL.index(one.level) for one in rows.units], dtype=np.int64)
    status = np.array([STATUS.index(word) for word in STATUSES], dtype=np.int64)
    blank = np.full(rows.month.size, np.nan)
    result = np.full(rows.month.size, -1) if rows.result is None else rows.result
    kept = {
        "numerator_published": np.where(shown, rows.numerator, np.nan),
        "numerator_low": np.where(bounded, blank if rows.low is None else rows.low, np.nan),
        "numerator_high": np.where(bounded, blank if rows.high is None else rows.high, np.nan),
    }
    return pd.DataFrame(
        {
            "measure": categories(rows.measure, rows.measures),
            "unit": categories(rows.unit, [one.code for one in rows.units]),
            "period": _dates(end - np.maximum(rows.window, 1) + 1),
            "numerator": _whole(np.where(shown, best, np.nan)),
            "denominator": _whole(np.where(shown, rows.denominator, np.nan)),
            "value": blank if rows.value is None else rows.value,
            "missing": _whole(blank if rows.missing is None else rows.missing),
            "level": coded(LEVEL, level[rows.unit]),
            "period_end": _dates(end + 1, before=1),
            "status": coded(STATUS, status[rows.published]),
            "note": _notes(rows, release),
            "unit_name": categories(rows.unit, [one.name or None for one in rows.units]),
            "published": coded(PUBLISHED, rows.published),
            "release": coded(RELEASES, np.full(rows.month.size, RELEASES.index(release))),
            "result": coded(RESULTS, result),
            "reporting_month": _dates(rows.month),
            **{name: _whole(numbers) for name, numbers in kept.items()},
            "file": categories(np.zeros(rows.month.size, dtype=np.int64), [name]),
        },
        copy=False,
    )


def _notes(rows: MonthlyRows, release: str) -> Any:
    """What is to be said of each row; each different note is put together once."""
    few = np.isin(rows.published, (OK, SMALL)) & (rows.denominator < FEW_CASES)
    unlisted = np.array(
        [one.level == "provider" and not is_listed(one.code) for one in rows.units], dtype=np.bool_
    )
    # What is true of a whole chart comes first: a chart says it once, not at every point.
    said: list[tuple[npt.NDArray[np.bool_], str]] = [
        *((rows.window == months, text) for months, text in NOTE_WINDOWS.items()),
        (rows.window == 0, NOTE_WINDOW_UNKNOWN),
        *rows.remarks,
        *((rows.published == code, text) for code, text in NOTES.items()),
        (few, NOTE_FEW),
        (unlisted[rows.unit] if len(rows.units) else few, NOTE_UNLISTED),
    ]
    if release == "provisional":
        said.append((np.ones(rows.month.size, dtype=np.bool_), NOTE_PROVISIONAL))
    code = np.zeros(rows.month.size, dtype=np.int64)
    for place, (flags, _) in enumerate(said):
        code += flags.astype(np.int64) << place
    different, _, which = numbered(code)
    texts = [
        "; ".join(text for place, (_, text) in enumerate(said) if one >> place & 1) or None
        for one in different.tolist()
    ]
    return categories(which, texts)


def numbered(keys: Integers) -> tuple[Integers, Integers, Integers]:
    """Different keys in order, the first row of each, and which of them each row has.

    As `numpy.unique` gives them, without sorting where keys are dense.

    Parameters
    ----------
    keys : array of int64, shape (rows,)
        0 or more.

    Examples
    --------
    >>> [part.tolist() for part in numbered(np.array([7, 2, 7, 3]))]
    [[2, 3, 7], [1, 3, 0], [2, 0, 2, 1]]
    """
    size = int(keys.max(initial=-1)) + 1
    if size > 16 * keys.size:
        different, first, which = np.unique(keys, return_index=True, return_inverse=True)
        return different, first, which.reshape(-1)
    rows = np.full(size, -1, dtype=np.int64)
    rows[keys[::-1]] = np.arange(keys.size)[::-1]
    different = np.flatnonzero(rows >= 0)
    place = np.zeros(size, dtype=np.int64)
    place[different] = np.arange(different.size)
    return different, rows[different], place[keys]


def categories(codes: Integers, values: Sequence[Any]) -> pd.Categorical:
    """A category column of codes; values may repeat, and None is missing."""
    import pandas as pd

    seen: dict[Any, int] = {}
    places = [-1 if one is None else seen.setdefault(one, len(seen)) for one in values]
    taken = np.array([*places, -1], dtype=np.int32)[codes]
    return pd.Categorical.from_codes(taken, dtype=_kind(tuple(seen)))


@lru_cache(maxsize=16)
def _kind(values: tuple[Any, ...]) -> pd.CategoricalDtype:
    """The type of a category column, which one month mostly shares with the next."""
    import pandas as pd

    return pd.CategoricalDtype(list(values))


def _dates(months: Integers, *, before: int = 0) -> pd.Categorical:
    """The first day of each month, or a day so many days before it."""
    import pandas as pd

    from spcbench.tables import DATE

    earliest = int(months.min(initial=0))
    different, _, which = numbered(months - earliest)
    days = (different + earliest).astype("datetime64[M]").astype("datetime64[D]")
    days = days - np.timedelta64(before, "D")
    return pd.Categorical.from_codes(which, categories=pd.Index(days.astype(DATE)))


def _whole(numbers: Floats) -> Any:
    """Whole numbers; missing where there is none."""
    import pandas as pd

    missing = np.isnan(numbers)
    held = np.where(missing, 0, numbers)
    return pd.arrays.IntegerArray(
        held.astype(np.min_scalar_type(int(held.max(initial=0)))), missing
    )
