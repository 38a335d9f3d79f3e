"""The monthly file of data quality: how many records of each item are valid."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spcbench.errors import InputError
from spcbench_mis import monthly_rows as said
from spcbench_mis.monthly_cells import (
    BLANK,
    DNS,
    LOW_DQ,
    NATIONAL,
    NUMBER,
    SUPPRESSED,
    check_codes,
    figure,
    figure_kind,
    reporting_months,
)
from spcbench_mis.monthly_rounding import SMALL, bounds, unrounded
from spcbench_mis.monthly_rows import MonthlyRows, counts_frame, units
from spcbench_mis.monthly_text import Flags, Sheet, opened, plain

if TYPE_CHECKING:
    import pandas as pd

WANTED = {
    "start": ("ReportingPeriodStartDate", "RPStartDate"),
    "end": ("ReportingPeriodEndDate", "RPEndDate"),
    "unit": ("Org_Code", "Org_Geog_Code"),
    "unit_name": ("Org_Name",),
    "table": ("DataTable",),
    "uid": ("UID",),
    "item": ("DataItem",),
    "valid": ("Valid",),
    "default": ("Default",),
    "invalid": ("Invalid",),
    "missing": ("Missing",),
    "denominator": ("Denominator",),
}
"""Columns of this file, the spelling of today first."""

TELLING = frozenset({"dataitem", "valid", "denominator"})
"""Columns that no other file of the publication has."""

ENGLAND = tuple(name for name in NATIONAL if name)
"""Codes of England. This file has no levels: a row without a code is anybody's."""

AMOUNTS = ("valid", "default", "invalid", "missing", "denominator")


def validity(path: Path) -> pd.DataFrame:
    """How many records of every item are valid, as the file says.

    Parameters
    ----------
    path : Path
        A file of data quality, as CSV or workbook.

    Returns
    -------
    pandas.DataFrame
        Columns `unit`, `unit_name`, `month`, `table`, `uid`, `item`, and as
        numbers `valid`, `default`, `invalid`, `missing`, `denominator`
        (missing where withheld), in the order of the file.

    Raises
    ------
    InputError
        At the first row that does not follow the publication.
    """
    import pandas as pd

    sheet = _opened(Path(path))
    made = {
        name: np.array(sheet.columns[name].texts, dtype=object)[sheet.columns[name].codes]
        for name in ("unit", "unit_name", "table", "uid", "item")
        if name in sheet.columns
    }
    month = reporting_months(sheet).astype("datetime64[M]").astype("datetime64[us]")
    numbers = {
        name: pd.array(sheet.columns[name].mapped(figure, np.float64), dtype="Float64").astype(
            "Int64"
        )
        for name in AMOUNTS
    }
    return pd.DataFrame({**made, "month": month, **numbers})


def quality_counts(path: Path) -> pd.DataFrame:
    """Counts of every measure of the pack ``msds-dq``.

    Parameters
    ----------
    path : Path
        A file of data quality, as CSV or workbook.

    Returns
    -------
    pandas.DataFrame
        As `counts_frame` makes it: valid records over all.

    Raises
    ------
    InputError
        At the first row that does not follow the publication.
    """
    from spcbench_mis import quality_pack

    sheet, pack = _opened(path), quality_pack()
    items = [plain(getattr(one, "indicator", "")) for one in pack.measures]
    which = sheet.columns["item"].mapped(
        lambda text: items.index(plain(text)) if plain(text) in items else -1
    )
    rows = np.flatnonzero(which >= 0)
    if not rows.size:
        raise InputError(
            f"{sheet.name} holds no measure of the pack {pack.name}; its first item is "
            f"{sheet.columns['item'].texts[0]!r}"
        )
    level = sheet.columns["unit"].reworded(
        lambda text: "national" if plain(text) in ENGLAND else "provider"
    )
    months = reporting_months(sheet)[rows]
    unit, organisations = units(sheet, level, rows)
    _check_once(sheet, np.stack([months, unit, which[rows]]), rows)
    parts = ("valid", "denominator")
    valid, total = (sheet.columns[one].mapped(figure, np.float64)[rows] for one in parts)
    kinds = np.stack([sheet.columns[one].mapped(figure_kind)[rows] for one in parts])
    provider = np.array([one.level == "provider" for one in organisations], dtype=np.bool_)
    strange = unrounded(valid, total)
    published = _published(kinds, valid, total)
    shown = np.isin(published, (said.OK, said.SMALL)) & ~strange
    known = np.select([kinds[0] == SUPPRESSED, shown], [float(SMALL), valid], np.nan)
    low, high = bounds(np.where(provider[unit], known, np.nan))
    return counts_frame(
        MonthlyRows(
            measures=[f"{pack.name}:{one.id}" for one in pack.measures],
            units=organisations,
            measure=which[rows],
            unit=unit,
            month=months,
            window=np.ones(rows.size, dtype=np.int64),
            lag=np.zeros(rows.size, dtype=np.int64),
            published=published,
            numerator=valid,
            denominator=total,
            low=low,
            high=high,
            remarks=[(strange, said.NOTE_UNROUNDED)],
        ),
        sheet.name,
    )


def _published(kinds: np.ndarray, valid: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Place in `PUBLISHED` of each row; a 0 beside a word is no zero."""
    dns, low, hidden = ((kinds == word).any(axis=0) for word in (DNS, LOW_DQ, SUPPRESSED))
    return np.select(
        [dns, low, hidden, np.isnan(valid) | np.isnan(total)],
        [said.DNS, said.LOW_DQ, said.SUPPRESSED, said.INCOMPLETE],
        np.where(valid == SMALL, said.SMALL, said.OK),
    )


def _opened(path: Path) -> Sheet:
    """The file, its figures checked."""
    sheet = opened(path, WANTED, optional=("unit_name", "uid"))
    check_codes(sheet)
    for name in AMOUNTS:
        kinds = sheet.columns[name].mapped(figure_kind)
        bad: Flags = ~np.isin(kinds, (NUMBER, DNS, LOW_DQ, SUPPRESSED, BLANK))
        sheet.refuse(bad, name, lambda text: f"{text!r} is not a count; expected a number")
        numbers = sheet.columns[name].mapped(figure, np.float64)
        broken = ~np.isnan(numbers) & (numbers != np.floor(numbers))
        sheet.refuse(broken, name, lambda text: f"{text!r} is not a whole number")
    valid, total = (
        sheet.columns[one].mapped(figure, np.float64) for one in ("valid", "denominator")
    )
    with np.errstate(invalid="ignore"):
        above = valid > total
    sheet.refuse(above, "valid", lambda text: f"{text} valid records are more than all of them")
    return sheet


def _check_once(sheet: Sheet, keys: np.ndarray, rows: np.ndarray) -> None:
    _, first, where = np.unique(keys, axis=1, return_index=True, return_inverse=True)
    repeats = np.flatnonzero(first[where.reshape(-1)] != np.arange(rows.size))
    if repeats.size:
        at = int(repeats[0])
        earlier = int(first[where.reshape(-1)[at]])
        item = sheet.columns["item"]
        raise InputError(
            f"{sheet.where(int(rows[at]))} repeats line {sheet.line_of(int(rows[earlier]))}: "
            f"{item.texts[item.codes[rows[at]]]} of the same organisation and month; "
            "remove one of the two"
        )
