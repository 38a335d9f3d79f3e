"""What the cells of the monthly files mean: dates, levels, codes of organisations, figures."""

from __future__ import annotations

import calendar
import datetime
import re
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from spcbench_mis.monthly_text import Coded, Integers, Sheet, plain

if TYPE_CHECKING:
    import numpy.typing as npt

LEVELS = {
    "national": "national",
    "nhsengland(region)": "region",
    "region": "region",
    "mbrracegrouping": "group",
    "mbrrace": "group",
    "localmaternitysystem": "system",
    "provider": "provider",
    "trust": "provider",
    "deliverysite": "site",
    "bookingsite": "site",
}
"""What each published level is called in a table of counts, by its plain name."""

NOT_CARE = ("localauthorityofresidence", "subicbofresponsibility", "ccgofresponsibility")
"""Levels that say where women live or who pays, not where care was given; they are left out."""

LEFT_OUT = "left out"

NATIONAL = ("", "all", "allsubmitters", "national", "england")
UNKNOWN = "Unknown"
NO_CODE = ("", "unknown", "null", "none", "nan", "-1")

GROUPS = {
    "1": "Group 1. Level 3 NICU & NS",
    "2": "Group 2. Level 3 NICU",
    "3": "Group 3. 4,000 or more",
    "4": "Group 4. 2,000 - 3,999",
    "5": "Group 5. Under 2,000",
    "6": "Group 6. Unknown",
}
"""MBRRACE-UK comparator groups as the files of today spell them."""

NUMBER, DNS, LOW_DQ, SUPPRESSED, PASS, FAIL, BLANK, STRANGE = range(8)
"""What a cell of figures can hold."""

_WORDS = {
    "dns": DNS,
    "lowdq": LOW_DQ,
    "*": SUPPRESSED,
    "pass": PASS,
    "fail": FAIL,
    "": BLANK,
}
_MONTHS = {name.casefold(): number for number, name in enumerate(calendar.month_name) if number}
_MONTHS |= {name.casefold(): number for number, name in enumerate(calendar.month_abbr) if number}
_SERIALS = datetime.date(1899, 12, 30)
_NUMBER = re.compile(r"(\d+|\d{1,3}(?:,\d{3})+)(\.\d+)?", re.ASCII)


def date_in(text: str) -> datetime.date | None:
    """A day as the files have written it; None for anything else.

    Parameters
    ----------
    text : str
        ``2025-07-01``, ``01/07/2025`` (the day first, always), or the number
        that a spreadsheet keeps for a day.

    Examples
    --------
    >>> date_in("01/07/2025") == date_in("2025-07-01 00:00:00") == date_in("45839")
    True
    >>> date_in("07/31/2025") is None
    True
    """
    iso = re.fullmatch(r"(\d{4})-(\d{2})-(\d{2})(?:[ T]00:00:00)?", text, re.ASCII)
    british = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})(?: 00:00(?::00)?)?", text, re.ASCII)
    serial = re.fullmatch(r"([34]\d{4}|[56]\d{4})(?:\.0+)?", text, re.ASCII)
    try:
        if iso:
            return datetime.date(int(iso[1]), int(iso[2]), int(iso[3]))
        if british:
            return datetime.date(int(british[3]), int(british[2]), int(british[1]))
    except ValueError:
        return None
    return _SERIALS + datetime.timedelta(days=int(serial[1])) if serial else None


def month_in(text: str) -> int | None:
    """A month as files before 2019 have written it, as months since January 1970.

    Examples
    --------
    >>> month_in("Dec-18") == month_in("December 2018") == month_in("Dec 2018") == 587
    True
    >>> month_in("2018-19") is None
    True
    """
    found = re.fullmatch(r"([A-Za-z]+)[- ](\d{2}|\d{4})", text, re.ASCII)
    number = _MONTHS.get(found[1].casefold()) if found else None
    if found is None or number is None:
        return None
    year = int(found[2]) + (2000 if len(found[2]) == 2 else 0)
    return (year - 1970) * 12 + number - 1


def reporting_months(sheet: Sheet) -> Integers:
    """The month that each row reports, as months since January 1970; shape (rows,).

    Parameters
    ----------
    sheet : Sheet
        With the columns `start` and `end`, or `period` alone.

    Raises
    ------
    InputError
        For the first row whose dates are none, or are not the first and last
        day of one month.
    """
    if "start" not in sheet.columns:
        months = sheet.columns["period"].mapped(
            lambda text: -1 if (m := month_in(text)) is None else m
        )
        sheet.refuse(
            months < 0,
            "period",
            lambda text: f"{text!r} is not a month such as Dec-18 or December 2018",
        )
        return months
    days = {name: _days(sheet, name) for name in ("start", "end")}
    begun = days["start"].astype("datetime64[M]")
    _check_period(sheet, np.asarray(begun.astype(np.int64)))
    whole = days["start"] == begun.astype("datetime64[D]")
    sheet.refuse(
        ~whole,
        "start",
        lambda text: (
            f"{text!r} is not the first day of a month; dates are read with the day "
            "before the month, and a row reports one month"
        ),
    )
    ends = days["end"] + np.timedelta64(1, "D")
    one_month = ends == (begun + np.timedelta64(1, "M")).astype("datetime64[D]")
    sheet.refuse(
        ~one_month,
        "end",
        lambda text: (
            f"{text!r} is not the last day of the month that the row begins in; "
            "a row reports one month"
        ),
    )
    return np.asarray(begun.astype(np.int64))


def _check_period(sheet: Sheet, months: Integers) -> None:
    """Refuse a month that is not that of the dates beside it."""
    if "period" not in sheet.columns:
        return
    said = sheet.columns["period"].mapped(lambda text: -1 if (m := month_in(text)) is None else m)
    sheet.refuse(
        (said >= 0) & (said != months),
        "period",
        lambda text: f"{text!r} is not the month of the dates in the same row",
    )


def _days(sheet: Sheet, name: str) -> npt.NDArray[np.datetime64]:
    made = sheet.columns[name].mapped(
        lambda text: np.datetime64(date_in(text) or "NaT", "D"), "datetime64[D]"
    )
    sheet.refuse(
        np.isnat(made),
        name,
        lambda text: f"{text!r} is not a date such as 2025-07-01 or 01/07/2025",
    )
    return made


def level_of(text: str) -> str:
    """The level of a row in words of a table of counts; ``"left out"`` or empty if unknown.

    Examples
    --------
    >>> level_of("NHS England (Region)"), level_of("Trust"), level_of("Sub ICB of Responsibility")
    ('region', 'provider', 'left out')
    """
    name = plain(text)
    return LEFT_OUT if name in NOT_CARE else LEVELS.get(name, "")


def levels(sheet: Sheet) -> Coded:
    """The level of each row.

    Raises
    ------
    InputError
        For the first row of a level that no file has had.
    """
    held = sheet.columns["level"]
    sheet.refuse(
        held.mapped(lambda text: not level_of(text), np.bool_),
        "level",
        lambda text: (
            f"unknown level {text!r}; expected National, NHS England (Region), "
            "Local Maternity System, MBRRACE Grouping, Provider or a site"
        ),
    )
    return held.reworded(level_of)


def unit_of(code: str, level: str) -> str:
    """The code of an organisation as all files together spell it.

    Parameters
    ----------
    code : str
        As published.
    level : str
        Of a table of counts.

    Returns
    -------
    str
        ``National`` for all its spellings; groups of MBRRACE-UK as the files
        of today spell them; an organisation without a code is ``Unknown`` with
        its level, since several levels have one.

    Examples
    --------
    >>> unit_of("AllSubmitters", "national"), unit_of("Group 5. under 2000", "group")
    ('National', 'Group 5. Under 2,000')
    >>> unit_of("null", "site"), unit_of("RJ1", "provider")
    ('Unknown (site)', 'RJ1')
    """
    if level == "national" and plain(code) in NATIONAL:
        return "National"
    if plain(code) in NO_CODE:
        return f"{UNKNOWN} ({level})"
    group = re.match(r"group\s*([1-6])\b", code, re.IGNORECASE)
    if level == "group" and group:
        return GROUPS[group[1]]
    return code.upper() if level in ("provider", "site") else code


@lru_cache(maxsize=16_384)
def figure_kind(text: str) -> int:
    """What a cell of figures holds, such as `NUMBER` or `DNS`.

    Examples
    --------
    >>> figure_kind("1,085") == figure_kind("5.0") == NUMBER, figure_kind("Low DQ") == LOW_DQ
    (True, True)
    >>> figure_kind("1.0.85") == STRANGE
    True
    """
    if _NUMBER.fullmatch(text):
        return NUMBER
    return _WORDS.get(plain(text), STRANGE)


@lru_cache(maxsize=16_384)
def figure(text: str) -> float:
    """The number in a cell; NaN where it holds none."""
    return float(text.replace(",", "")) if _NUMBER.fullmatch(text) else float("nan")


def check_whole(sheet: Sheet, column: str, values: npt.NDArray[np.float64]) -> None:
    """Refuse a count that is not a whole number.

    Raises
    ------
    InputError
        For the first such row.
    """
    broken = ~np.isnan(values) & (values != np.floor(values))
    sheet.refuse(broken, column, lambda text: f"{text!r} is not a whole number; counts are whole")


def check_codes(sheet: Sheet) -> None:
    """Refuse a code that a spreadsheet has turned into something else.

    Raises
    ------
    InputError
        For the first code with a sign that no code has.
    """
    column = sheet.columns["unit"]
    # Groups have words; all other codes are letters and digits. 1.00E+05 was a code once.
    damaged = column.mapped(lambda text: bool(re.fullmatch(r"\d\.\d+E\+\d+", text)), np.bool_)
    sheet.refuse(
        damaged,
        "unit",
        lambda text: (
            f"{text!r} is a number that a spreadsheet made of a code; "
            "download the file again and do not save it there"
        ),
    )


def released(name: str) -> str:
    """Whether a file is final or provisional, by its name; ``"not stated"`` if that is silent.

    Examples
    --------
    >>> released("msds-apr2025Provisional-exp-measures.csv")
    'provisional'
    >>> released("msds-jul2025-exp-measures.csv"), released("july.csv")
    ('final', 'not stated')
    """
    if "provisional" in name.casefold():
        return "provisional"
    return "final" if re.match(r"msds-[a-z]{3}\d{4}-", name.casefold()) else "not stated"


def refuse_strange(sheet: Sheet, kinds: Integers, rows: Integers, column: str, words: str) -> None:
    """Refuse figures that are none, and no word of the publication.

    Raises
    ------
    InputError
        For the first such row.
    """
    bad = np.zeros(len(sheet.columns[column].codes), dtype=np.bool_)
    bad[rows[kinds[rows] == STRANGE]] = True
    sheet.refuse(bad, column, lambda text: f"{text!r} is neither a number nor {words}")
