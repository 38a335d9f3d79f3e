"""The monthly file of measures: an indicator of an organisation in up to five rows.

The rows of an indicator (numerator, denominator, rates, result) are read
together before any of them means something: a 0 beside "Low DQ" is not a zero.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from spcbench.errors import InputError
from spcbench_mis import monthly_rows as said
from spcbench_mis.cqim_rules import metric_rules, quality_rules
from spcbench_mis.monthly_cells import (
    BLANK,
    DNS,
    FAIL,
    LEFT_OUT,
    LOW_DQ,
    NUMBER,
    PASS,
    STRANGE,
    SUPPRESSED,
    check_codes,
    figure,
    figure_kind,
    levels,
    reporting_months,
)
from spcbench_mis.monthly_rounding import (
    SMALL,
    SMALL_RANGE,
    from_rounded,
    off,
    restored,
    unrounded,
)
from spcbench_mis.monthly_rows import MonthlyRows, Unit, counts_frame, numbered, units
from spcbench_mis.monthly_text import Flags, Integers, Sheet, opened, plain

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

WANTED = {
    "start": ("RPStartDate", "ReportingPeriodStartDate"),
    "end": ("RPEndDate", "ReportingPeriodEndDate"),
    "period": ("Period",),
    "level": ("Org_Level",),
    "unit": ("Org_Code", "Org_Geog_Code"),
    "unit_name": ("Org_Name",),
    "indicator": ("Indicator",),
    "currency": ("Currency",),
    "figure": ("Value", "Final_value"),
}
"""Columns of this file, the spelling of today first."""

TELLING = frozenset({"indicator", "currency"})
"""Columns that no other file of the publication has."""

PARTS = ("numerator", "denominator", "rate", "rateperthousand", "result")
NUMERATOR, DENOMINATOR, RATE, PER_THOUSAND, RESULT = range(5)


class Known(NamedTuple):
    """An indicator that is a measure of a pack."""

    indicator: str
    measure: str
    window: int
    """Months added up; 0 where it is not known."""
    lag: int
    ratio: bool
    judged: bool
    """Whether its rate is withheld where its result is Fail."""


class Cells(NamedTuple):
    """What the rows of each indicator, organisation and month hold; shape (keys, 5)."""

    kind: Integers
    number: Floats
    row: Integers
    """Row of the file; −1 where there is none, and the kind is then `BLANK`."""


class Counts(NamedTuple):
    """Numerators of each key, with what is to be said of them; arrays of shape (keys,)."""

    best: Floats
    low: Floats
    high: Floats
    misfit: Flags
    """Counts that the published rate does not fit."""
    strange: Flags
    """Counts that are not rounded."""
    given_back: Flags
    """Whether rates per thousand say more than the counts."""


class Keys(NamedTuple):
    """Which indicator, organisation and month; shape (keys,)."""

    which: Integers
    unit: Integers
    month: Integers


def measures_counts(path: Path) -> pd.DataFrame:
    """Counts of every indicator that is a measure.

    Parameters
    ----------
    path : Path
        A file of measures, as CSV or workbook.

    Returns
    -------
    pandas.DataFrame
        As `counts_frame` makes it, with every window, overlapping or not. A
        provider without a row for an indicator that others have gets one
        that is ``absent``.

    Raises
    ------
    InputError
        At the first row that does not follow the publication.
    """
    sheet = opened(path, WANTED, optional=("start", "end", "period", "unit_name"))
    _check_has_dates(sheet)
    months, level = reporting_months(sheet), levels(sheet)
    check_codes(sheet)
    known = known_indicators()
    places = {plain(one.indicator): place for place, one in enumerate(known)}
    which = sheet.columns["indicator"].mapped(lambda text: places.get(plain(text), -1))
    rows = np.flatnonzero((which >= 0) & level.mapped(lambda text: text != LEFT_OUT, np.bool_))
    if not rows.size:
        raise InputError(
            f"{sheet.name} holds no indicator of the packs of spcbench-mis; its first is "
            f"{sheet.columns['indicator'].texts[0]!r}"
        )
    part = _parts(sheet, rows)
    unit, organisations = units(sheet, level, rows)
    earliest = int(months[rows].min())
    month = months[rows] - earliest
    keys, _, at = numbered((month * len(organisations) + unit) * len(known) + which[rows])
    cells = _cells(sheet, rows, at, part, keys.size)
    made = Keys(
        keys % len(known),
        keys // len(known) % len(organisations),
        keys // len(known) // len(organisations) + earliest,
    )
    return counts_frame(_rows(sheet, cells, made, known, organisations), sheet.name)


def known_indicators() -> list[Known]:
    """Every indicator of the file of measures that is a measure of an own pack."""
    from spcbench_mis import indicator_packs

    metrics, quality = metric_rules(), quality_rules()
    made = []
    for pack in indicator_packs():
        for measure in pack.measures:
            indicator = getattr(measure, "indicator", "")
            checks = quality.get(indicator)
            rule = metrics.get(indicator) or checks
            made.append(
                Known(
                    indicator=indicator,
                    measure=f"{pack.name}:{measure.id}",
                    window=1 if rule is None else rule.window or 0,
                    lag=0 if rule is None else rule.lag,
                    ratio=checks is not None and checks.ratio,
                    judged=indicator in metrics,
                )
            )
    return made


def _check_has_dates(sheet: Sheet) -> None:
    if not ({"start", "end"} <= sheet.columns.keys() or "period" in sheet.columns):
        raise InputError(
            f"{sheet.name}, line 1: no columns 'RPStartDate' and 'RPEndDate' (nor 'Period', "
            "which files before 2019 have); the month is not known"
        )


def _parts(sheet: Sheet, rows: Integers) -> Integers:
    """Place in `PARTS` of each of these rows."""
    held = sheet.columns["currency"]
    made = held.mapped(lambda text: PARTS.index(plain(text)) if plain(text) in PARTS else -1)
    bad = np.zeros(made.size, dtype=np.bool_)
    bad[rows] = made[rows] < 0
    sheet.refuse(
        bad,
        "currency",
        lambda text: (
            f"unknown currency {text!r}; expected Numerator, Denominator, Rate, "
            "Rate per Thousand or Result"
        ),
    )
    return made[rows]


def _cells(sheet: Sheet, rows: Integers, at: Integers, part: Integers, size: int) -> Cells:
    """The cells of each key; a figure that is none, or stands twice, is refused."""
    column = sheet.columns["figure"]
    kinds, numbers = column.mapped(figure_kind), column.mapped(figure, np.float64)
    is_result = part == RESULT
    kind = kinds[rows]
    wrong = np.zeros(kinds.size, dtype=np.bool_)
    wrong[rows] = np.where(
        is_result,
        np.isin(kind, (NUMBER, STRANGE)),
        np.isin(kind, (PASS, FAIL, STRANGE)),
    )
    sheet.refuse(
        wrong,
        "figure",
        lambda text: (
            f"{text!r} is not what this row can hold; expected a number, DNS, Low DQ "
            "or *, and Pass or Fail for a Result"
        ),
    )
    broken = np.zeros(kinds.size, dtype=np.bool_)
    broken[rows] = (part <= DENOMINATOR) & (numbers[rows] != np.floor(numbers[rows]))
    broken &= ~np.isnan(numbers)
    sheet.refuse(broken, "figure", lambda text: f"{text!r} is not a whole number; counts are whole")
    place = at * len(PARTS) + part
    first = np.full(size * len(PARTS), -1, dtype=np.int64)
    first[place[::-1]] = rows[::-1]
    _check_once(sheet, rows, first[place])
    row = first.reshape(size, len(PARTS))
    there = row >= 0
    return Cells(
        kind=np.where(there, kinds[row], BLANK),
        number=np.where(there, numbers[row], np.nan),
        row=row,
    )


def _check_once(sheet: Sheet, rows: Integers, first: Integers) -> None:
    """Refuse a row that repeats an earlier one."""
    twice = np.flatnonzero(rows != first)
    if not twice.size:
        return
    row = int(rows[twice[0]])
    cell = {
        name: sheet.columns[name].texts[sheet.columns[name].codes[row]]
        for name in ("indicator", "unit", "currency")
    }
    more = f" ({twice.size:,} such rows)" if twice.size > 1 else ""
    raise InputError(
        f"{sheet.where(row)} repeats line {sheet.line_of(int(first[twice[0]]))}: "
        f"{cell['indicator']}, {cell['unit']}, {cell['currency']}; each figure may stand once for "
        f"an organisation and a month; remove one of the two{more}"
    )


def _rows(
    sheet: Sheet, cells: Cells, keys: Keys, known: list[Known], organisations: list[Unit]
) -> MonthlyRows:
    """What the cells of each key mean together, and the providers that have none."""
    provider = np.array([one.level == "provider" for one in organisations], dtype=np.bool_)
    keys, cells = _with_absent(keys, cells, len(known), provider)
    at_provider = provider[keys.unit]
    window, lag, ratio, judged = (
        np.array([getattr(one, name) for one in known])[keys.which]
        for name in ("window", "lag", "ratio", "judged")
    )
    published = _published(cells, judged)
    whole = np.isin(published, (said.OK, said.SMALL))
    published = _without_lone_rates(published, keys, organisations)
    _check_not_above(sheet, cells, whole & ~ratio)
    numerator, denominator = cells.number[:, NUMERATOR], cells.number[:, DENOMINATOR]
    counts = _restored(cells, at_provider, whole)
    with np.errstate(divide="ignore", invalid="ignore"):
        as_ratio = np.where(denominator > 0, numerator / denominator, np.nan)
    return MonthlyRows(
        measures=[one.measure for one in known],
        units=organisations,
        measure=keys.which,
        unit=keys.unit,
        month=keys.month,
        window=window,
        lag=lag,
        published=published,
        numerator=numerator,
        denominator=np.where(ratio, np.nan, denominator),
        value=np.where(ratio & whole, as_ratio, _value(cells, published, counts.misfit)),
        best=np.where(ratio, np.nan, counts.best),
        low=counts.low,
        high=counts.high,
        result=_result(cells),
        remarks=[
            (counts.given_back & _with_rate(cells, keys, len(known)), said.NOTE_RATE),
            (counts.misfit, said.NOTE_MISFIT),
            (counts.strange, said.NOTE_UNROUNDED),
        ],
    )


def _restored(cells: Cells, at_provider: Flags, whole: Flags) -> Counts:
    """What rounding hides of the numerators, and what the rates beside them give back."""
    numerator, denominator, rate = (cells.number[:, one] for one in (NUMERATOR, DENOMINATOR, RATE))
    exact_rate = np.where(at_provider & whole, cells.number[:, PER_THOUSAND], np.nan)
    best = restored(numerator, denominator, exact_rate)
    misfit = (~best.fits | (at_provider & off(numerator, denominator, rate))) & whole
    nothing_back = from_rounded(numerator, denominator, exact_rate)
    if nothing_back:
        best = restored(numerator, denominator, np.full_like(exact_rate, np.nan))
    strange = unrounded(numerator, denominator) & whole
    misfit |= strange & off(numerator, denominator, exact_rate / 10.0)
    bounded = at_provider & whole & ~strange
    # Behind a star are 1 to 7 cases.
    starred = at_provider & (cells.kind[:, NUMERATOR] == SUPPRESSED)
    return Counts(
        best=np.where(strange, numerator, best.numerator),
        low=np.select([starred, bounded], [SMALL_RANGE[0], best.low], np.nan),
        high=np.select([starred, bounded], [SMALL_RANGE[1], best.high], np.nan),
        misfit=misfit,
        strange=strange,
        given_back=at_provider & (not nothing_back),
    )


def _with_rate(cells: Cells, keys: Keys, size: int) -> Flags:
    """Keys of indicators that have a rate per thousand, withheld or not.

    What is said of every month of a chart, the chart says once.
    """
    held = np.zeros(size, dtype=np.bool_)
    held[keys.which[cells.row[:, PER_THOUSAND] >= 0]] = True
    return np.asarray(held[keys.which])


def _published(cells: Cells, judged: Flags) -> Integers:
    """Place in `PUBLISHED` of each key, from its rows together."""
    numerator, denominator, rate, per_thousand, result = cells.kind.T
    figures = cells.kind[:, :RESULT]
    dns = (figures == DNS).any(axis=1)
    # A metric that fails has no rate; a count beside a Fail is what remains of it.
    low = (figures == LOW_DQ).any(axis=1) | (result == LOW_DQ) | (judged & (result == FAIL))
    # The rate stands below the counts: without it the file has been cut, or a row lost.
    whole = (cells.row[:, [RATE, PER_THOUSAND]] >= 0).any(axis=1)
    counted = (numerator == NUMBER) & (denominator == NUMBER) & whole
    small = counted & (cells.number[:, NUMERATOR] == SMALL)
    hidden_rate = (rate == SUPPRESSED) | (per_thousand == SUPPRESSED)
    hidden = (numerator == SUPPRESSED) | (denominator == SUPPRESSED) | (hidden_rate & ~small)
    rated = (rate == NUMBER) | (per_thousand == NUMBER)
    rated &= (cells.row[:, [NUMERATOR, DENOMINATOR]] < 0).all(axis=1)
    none = (cells.row < 0).all(axis=1)
    made: Integers = np.select(
        [none, dns, low, hidden, small, counted, rated],
        [said.ABSENT, said.DNS, said.LOW_DQ, said.SUPPRESSED, said.SMALL, said.OK, said.RATE_ONLY],
        said.INCOMPLETE,
    )
    return made


def _without_lone_rates(published: Integers, keys: Keys, organisations: list[Unit]) -> Integers:
    """A rate without counts stands only where the file gives no counts at that level.

    Beside counts it would be a gap in a chart of shares that looks like a figure.
    """
    names = sorted({one.level for one in organisations})
    level = np.array([names.index(one.level) for one in organisations], dtype=np.int64)
    group = keys.which * len(names) + level[keys.unit]
    counted = np.isin(group, group[np.isin(published, (said.OK, said.SMALL))])
    return np.where(counted & (published == said.RATE_ONLY), said.INCOMPLETE, published)


def _value(cells: Cells, published: Integers, misfit: Flags) -> Floats:
    """The published rate on the natural scale, where it says more than the counts do.

    Beside 1 to 7 cases it says nothing: some files have 0 there. Nor does it where
    there were none to begin with.
    """
    nobody = cells.number[:, DENOMINATOR] == 0
    shown = np.isin(published, (said.OK, said.RATE_ONLY)) & ~misfit & ~nobody
    value = np.where(shown, cells.number[:, PER_THOUSAND] / 1000.0, np.nan)
    alone = (published == said.RATE_ONLY) & np.isnan(value)
    return np.where(alone, cells.number[:, RATE] / 100.0, value)


def _result(cells: Cells) -> Integers:
    kind = cells.kind[:, RESULT]
    return np.select([kind == PASS, kind == FAIL], [0, 1], -1)


def _with_absent(keys: Keys, cells: Cells, size: int, provider: Flags) -> tuple[Keys, Cells]:
    """With providers of the file that have no row for an indicator that another provider has."""
    here = provider[keys.unit]
    more = [keys]
    for month in np.unique(keys.month):
        rows = here & (keys.month == month)
        held = np.zeros((provider.size, size), dtype=np.bool_)
        held[keys.unit[rows], keys.which[rows]] = True
        unit, which = np.nonzero(~held & np.outer(held.any(axis=1), held.any(axis=0)))
        more.append(Keys(which, unit, np.full(unit.size, month)))
    joined = Keys(*(np.concatenate(parts) for parts in zip(*more, strict=True)))
    blank = (joined.which.size - keys.which.size, len(PARTS))
    return joined, Cells(
        kind=np.concatenate([cells.kind, np.full(blank, BLANK)]),
        number=np.concatenate([cells.number, np.full(blank, np.nan)]),
        row=np.concatenate([cells.row, np.full(blank, -1)]),
    )


def _check_not_above(sheet: Sheet, cells: Cells, counted: Flags) -> None:
    above = counted & (cells.number[:, NUMERATOR] > cells.number[:, DENOMINATOR])
    if not above.any():
        return
    rows = cells.row[above, NUMERATOR]
    place = int(np.flatnonzero(above)[np.argmin(rows)])
    more = f" ({int(above.sum()):,} such figures)" if above.sum() > 1 else ""
    raise InputError(
        f"{sheet.where(int(rows.min()), 'figure')}: a numerator of "
        f"{cells.number[place, NUMERATOR]:g} is above its denominator of "
        f"{cells.number[place, DENOMINATOR]:g}; download the file again{more}"
    )
