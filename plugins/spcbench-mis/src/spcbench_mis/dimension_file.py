"""The monthly file of counts by dimension."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from spcbench.errors import InputError, suggest
from spcbench_mis import monthly_rows as said
from spcbench_mis.monthly_cells import (
    BLANK,
    DNS,
    LEFT_OUT,
    LOW_DQ,
    NUMBER,
    SUPPRESSED,
    check_codes,
    figure,
    figure_kind,
    levels,
    reporting_months,
)
from spcbench_mis.monthly_rounding import SMALL, bounds, unrounded
from spcbench_mis.monthly_rows import MonthlyRows, Unit, counts_frame, numbered, units
from spcbench_mis.monthly_text import Flags, Integers, Sheet, opened, plain

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

WANTED = {
    "start": ("ReportingPeriodStartDate", "RPStartDate"),
    "end": ("ReportingPeriodEndDate", "RPEndDate"),
    "period": ("Period",),
    "dimension": ("Dimension",),
    "level": ("Org_Level",),
    "unit": ("Org_Code", "Org_Geog_Code"),
    "unit_name": ("Org_Name",),
    "category": ("Measure", "Measure_Desc", "Measure_Description"),
    "count_of": ("Count_Of",),
    "figure": ("Final_value", "Value"),
}
"""Columns of this file, the spelling of today first."""

TELLING = frozenset({"dimension", "orglevel"})
"""With dates or a month, columns that tell this file from others."""

APGAR = "apgarscore5termgroup7"
_SEVEN_TO_TEN = re.compile(r"0?7-oct(-\d+)?|10-jul|\d{4}-10-07( 00:00:00)?|7 ?- ?10", re.IGNORECASE)
_NAUGHT_TO_SIX = re.compile(r"0 ?- ?6")

HIDDEN = {SUPPRESSED: said.SUPPRESSED, DNS: said.DNS, LOW_DQ: said.LOW_DQ}


def mended_category(category: str, dimension: str) -> str:
    """A category as the publication means it, where a spreadsheet has made a date of it.

    Examples
    --------
    >>> mended_category("07-Oct", "ApgarScore5TermGroup7")
    '7 to 10'
    >>> mended_category("0-6", "ApgarScore5TermGroup7")
    '0 to 6'
    >>> mended_category("07-Oct", "TotalBabies")
    '07-Oct'
    """
    if plain(dimension) != APGAR:
        return category
    if _SEVEN_TO_TEN.fullmatch(category):
        return "7 to 10"
    return "0 to 6" if _NAUGHT_TO_SIX.fullmatch(category) else category


class Listed(NamedTuple):
    """A measure of a dimension: its categories in order, and what each adds to."""

    measure: str
    dimension: str
    categories: tuple[str, ...]
    met: int
    not_met: int

    @property
    def parts(self) -> tuple[slice, slice, slice]:
        """Which categories are met, not met and unknown."""
        both = self.met + self.not_met
        return slice(0, self.met), slice(self.met, both), slice(both, len(self.categories))


class Figures(NamedTuple):
    """The figures of each measure, organisation and month; arrays of shape (keys, categories)."""

    kind: Integers
    number: Floats


def dimension_counts(path: Path) -> pd.DataFrame:
    """Counts of every measure of the pack ``msds-monthly``.

    Parameters
    ----------
    path : Path
        A file of counts by dimension, as CSV or workbook.

    Returns
    -------
    pandas.DataFrame
        As `counts_frame` makes it. Where women live and who pays is left
        out. Of sites, those of booking are taken for dimensions of booking,
        those of delivery for all others. A category without a row is not
        known, so that its measure is ``incomplete``.

    Raises
    ------
    InputError
        At the first row that does not follow the publication, or that has a
        category which its measure does not list.
    """
    sheet = opened(path, WANTED, optional=("start", "end", "period", "unit_name", "count_of"))
    if not ({"start", "end"} <= sheet.columns.keys() or "period" in sheet.columns):
        raise InputError(
            f"{sheet.name}, line 1: no columns 'ReportingPeriodStartDate' and "
            "'ReportingPeriodEndDate' (nor 'Period'); the month is not known"
        )
    months, level = reporting_months(sheet), levels(sheet)
    check_codes(sheet)
    listed = listed_measures()
    places = {plain(one.dimension): place for place, one in enumerate(listed)}
    which = sheet.columns["dimension"].mapped(lambda text: places.get(plain(text), -1))
    care = level.mapped(lambda text: text != LEFT_OUT, np.bool_)
    rows = np.flatnonzero((which >= 0) & care & ~_other_sites(sheet))
    if not rows.size:
        raise InputError(
            f"{sheet.name} holds no dimension of the pack msds-monthly; its first is "
            f"{sheet.columns['dimension'].texts[0]!r}"
        )
    _check_figures(sheet, rows)
    _check_one_kind(sheet, rows, which[rows], listed)
    unit, organisations = units(sheet, level, rows)
    earliest = int(months[rows].min())
    month = months[rows] - earliest
    keys, _, at = numbered((month * len(organisations) + unit) * len(listed) + which[rows])
    category = _category(sheet, rows, which[rows], listed)
    # As wide as any measure is, also where a file lacks a category everywhere.
    shape = (keys.size, max(len(one.categories) for one in listed))
    figures = _figures(sheet, rows, at, category, shape)
    made = _rows(
        figures,
        listed,
        organisations,
        which=keys % len(listed),
        unit=keys // len(listed) % len(organisations),
        month=keys // len(listed) // len(organisations) + earliest,
    )
    return counts_frame(made, sheet.name)


def listed_measures() -> list[Listed]:
    """The measures of the pack ``msds-monthly``, each of a dimension of its own."""
    from spcbench_mis import monthly_pack

    pack, made = monthly_pack(), []
    for one in pack.measures:
        measure: Any = one
        met, not_met = measure.met_categories, measure.not_met_categories
        categories = (*met, *not_met, *measure.unknown_categories)
        made.append(
            Listed(
                f"{pack.name}:{measure.id}", measure.dimension, categories, len(met), len(not_met)
            )
        )
    return made


def _other_sites(sheet: Sheet) -> Flags:
    """Rows of sites that a dimension is not about."""
    booking = sheet.columns["dimension"].mapped(lambda text: "booking" in plain(text), np.bool_)
    level = sheet.columns["level"]
    of_delivery = level.mapped(lambda text: plain(text) == "deliverysite", np.bool_)
    of_booking = level.mapped(lambda text: plain(text) == "bookingsite", np.bool_)
    other: Flags = (of_delivery & booking) | (of_booking & ~booking)
    return other


def _check_figures(sheet: Sheet, rows: Integers) -> None:
    """Refuse figures that are neither counts nor words of the publication."""
    column = sheet.columns["figure"]
    kinds, numbers = column.mapped(figure_kind), column.mapped(figure, np.float64)
    bad = np.zeros(kinds.size, dtype=np.bool_)
    bad[rows] = ~np.isin(kinds[rows], (NUMBER, BLANK, *HIDDEN))
    sheet.refuse(
        bad, "figure", lambda text: f"{text!r} is not a count; expected a number, DNS, Low DQ or *"
    )
    bad[rows] = ~np.isnan(numbers[rows]) & (numbers[rows] != np.floor(numbers[rows]))
    sheet.refuse(bad, "figure", lambda text: f"{text!r} is not a whole number; counts are whole")


def _check_one_kind(
    sheet: Sheet, rows: Integers, which: Integers, listed: Sequence[Listed]
) -> None:
    """Refuse a dimension that is counted for women and for babies: they are never added up."""
    if "count_of" not in sheet.columns:
        return
    column = sheet.columns["count_of"]
    pairs = np.unique(which * max(len(column.texts), 1) + column.codes[rows])
    owner = pairs // max(len(column.texts), 1)
    twice = np.flatnonzero(owner[1:] == owner[:-1])
    if twice.size:
        words = [column.texts[pairs[twice[0] + more] % len(column.texts)] for more in (0, 1)]
        raise InputError(
            f"{sheet.name}: {listed[int(owner[twice[0]])].dimension} is given for {words[0]} and "
            f"for {words[1]}; spcbench-mis does not know which of the two is meant"
        )


def _category(sheet: Sheet, rows: Integers, which: Integers, listed: Sequence[Listed]) -> Integers:
    """Place of each row's category among those of its measure; shape (rows,)."""
    held = sheet.columns["category"]
    size = max(len(held.texts), 1)
    pairs, _, inverse = numbered(which * size + held.codes[rows])
    places = [_place(held.texts[one % size], listed[one // size]) for one in pairs.tolist()]
    made: Integers = np.array(places, dtype=np.int64)[inverse]
    strange = np.zeros(held.codes.size, dtype=np.bool_)
    strange[rows] = made < 0
    if strange.any():
        known = listed[int(which[np.argmax(made < 0)])]
        sheet.refuse(
            strange,
            "category",
            lambda text: (
                f"measure {known.measure!r} does not list the category {text!r}; "
                f"{suggest(text, known.categories)}"
            ),
        )
    return made


def _place(category: str, measure: Listed) -> int:
    """Which category of a measure a text means; −1 for none."""
    mended = _compared(mended_category(category, measure.dimension))
    known = [_compared(one) for one in measure.categories]
    return known.index(mended) if mended in known else -1


def _compared(category: str) -> str:
    """A category without what varies between files: capitals, and spaces, also at a slash."""
    return re.sub(r"\s*/\s*", "/", " ".join(category.split())).casefold()


def _figures(
    sheet: Sheet, rows: Integers, at: Integers, category: Integers, shape: tuple[int, int]
) -> Figures:
    """Figures by key and category; one that stands twice is refused."""
    column = sheet.columns["figure"]
    place = at * shape[1] + category
    first = np.full(shape[0] * shape[1], -1, dtype=np.int64)
    first[place[::-1]] = rows[::-1]
    twice = np.flatnonzero(first[place] != rows)
    if twice.size:
        again = int(rows[twice[0]])
        cell = {
            name: sheet.columns[name].texts[sheet.columns[name].codes[again]]
            for name in ("dimension", "category", "unit")
        }
        raise InputError(
            f"{sheet.where(again)} repeats line {sheet.line_of(int(first[place][twice[0]]))}: "
            f"{cell['dimension']}, {cell['category']}, {cell['unit']}; each figure may stand once "
            f"for an organisation and a month; remove one of the two ({twice.size:,} such rows)"
        )
    row = first.reshape(shape)
    return Figures(
        kind=np.where(row >= 0, column.mapped(figure_kind)[row], BLANK),
        number=np.where(row >= 0, column.mapped(figure, np.float64)[row], np.nan),
    )


def _rows(
    figures: Figures,
    listed: Sequence[Listed],
    organisations: list[Unit],
    *,
    which: Integers,
    unit: Integers,
    month: Integers,
) -> MonthlyRows:
    """What the figures of each measure, organisation and month mean together."""
    sums = np.full((3, which.size), np.nan)
    published = np.full(which.size, said.OK, dtype=np.int64)
    single = np.zeros(which.size, dtype=np.bool_)
    for place, measure in enumerate(listed):
        rows = which == place
        for part, columns in enumerate(measure.parts):
            # A sum without one of its parts would be wrong: a missing one leaves none.
            sums[part, rows] = figures.number[rows, columns].sum(axis=1)
        judged = figures.kind[rows][:, : measure.met + measure.not_met]
        for word, code in HIDDEN.items():
            published[np.flatnonzero(rows)[(judged == word).any(axis=1)]] = code
        single[rows] = measure.met == 1
    met, not_met, unknown = sums
    published[(published == said.OK) & np.isnan(met + not_met)] = said.INCOMPLETE
    published[(published == said.OK) & single & (met == SMALL)] = said.SMALL
    strange = unrounded(*figures.number.T)
    # Of one category only: what a sum of several hides depends on each of them.
    hidden = single & (figures.kind[:, 0] == SUPPRESSED)
    once = np.array([one.level in ("provider", "site") for one in organisations], dtype=np.bool_)
    shown = np.isin(published, (said.OK, said.SMALL)) & ~strange
    known = np.select([hidden, shown], [float(SMALL), met], np.nan)
    low, high = bounds(np.where(single & once[unit], known, np.nan))
    return MonthlyRows(
        measures=[one.measure for one in listed],
        units=organisations,
        measure=which,
        unit=unit,
        month=month,
        window=np.ones(unit.size, dtype=np.int64),
        lag=np.zeros(unit.size, dtype=np.int64),
        published=published,
        numerator=met,
        denominator=met + not_met,
        missing=unknown,
        low=low,
        high=high,
        remarks=[(strange, said.NOTE_UNROUNDED)],
    )
