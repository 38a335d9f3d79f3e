"""Whose workbook it is, and of which month: from the name of the file, else from its cells.

The tool's own import reads both from the name, because the month in the sheet proved
unreliable; a sheet that says otherwise is told, not believed.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from spcbench.errors import InputError
from spcbench_pop.periprem_layout import plain

if TYPE_CHECKING:
    import pandas as pd

NAME = "MAY 2024 - YEO.xlsx"
YEARS = (2018, 2100)

_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august",
           "september", "october", "november", "december")  # fmt: skip
_FILE = re.compile(r"([a-z]{3,9})\.? *(\d{4}) *[-\u2013] *([a-z][a-z0-9]{1,9})", re.IGNORECASE)
_COPY = re.compile(r"\(\d+\)|\bcopy\b", re.IGNORECASE)
_SPOKEN = re.compile(r"([a-z]{3,9})\.?[ -]*(\d{4})", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Whose babies they are, and of which month.

    Parameters
    ----------
    org_code : str
        The trust as the tool abbreviates it, in capitals.
    trust_code : str or None
        Its code of the Organisation Data Service; None where the abbreviation
        is not one of the tool's.
    trust_name : str or None
        Its name.
    month : date
        The first day.
    notes : tuple of str
        What a reader should know.
    """

    org_code: str
    trust_code: str | None
    trust_name: str | None
    month: date
    notes: tuple[str, ...] = ()


def periprem_trusts() -> pd.DataFrame:
    """The units that the PERIPrem tool abbreviates, with their published codes.

    Returns
    -------
    pandas.DataFrame
        Columns `code` (as in names of files), `name`, `trust_code` and
        `icb_code` (Organisation Data Service). Two units may be sites of one
        trust. A trust that merged stands under the code it has now.

    Examples
    --------
    >>> known = periprem_trusts().set_index("code")
    >>> known.loc["GLO", ["trust_code", "icb_code"]].tolist()
    ['RTE', 'QR1']
    """
    import pandas as pd

    return pd.DataFrame([dict(one) for one in _trusts()])


def origin_of(file: str, *, month: Any, trust: Any) -> Origin:
    """Whose workbook it is, and of which month.

    Parameters
    ----------
    file : str
        Its name, with the ending.
    month, trust : object
        What cells B3 and H3 hold; None where they are blank.

    Raises
    ------
    InputError
        If neither the name nor the cells say it, or the name is that of a copy.

    Examples
    --------
    >>> found = origin_of("MAY 2024 - YEO.xlsx", month="April 2024", trust=None)
    >>> found.org_code, found.trust_code, found.month
    ('YEO', 'RH5', datetime.date(2024, 5, 1))
    >>> found.notes
    ("cell B3 says April 2024; the month in the file's name is taken",)
    """
    stem = file.rpartition(".")[0]
    if _COPY.search(stem):
        # Of two copies in a folder every baby would count twice.
        raise InputError(f"{file}: the name looks like that of a copy; call it like {NAME!r}")
    named = _FILE.fullmatch(stem.strip())
    told = _month(month)
    if named is None:
        return _from_cells(file, told, trust)
    own = _month(f"{named[1]} {named[2]}")
    if own is None:
        raise InputError(f"{file}: {named[1]} {named[2]} is no month; call the file like {NAME!r}")
    notes = []
    if told is not None and told != own:
        notes.append(f"cell B3 says {told:%B %Y}; the month in the file's name is taken")
    code = named[3].upper()
    known = next((one for one in _trusts() if one["code"] == code), None)
    if known is None:
        listed = ", ".join(one["code"] for one in _trusts())
        notes.append(
            f"{code!r} is none of the abbreviations that the tool knows ({listed}); its babies "
            "have no trust_code, so count by org_code or put the name right"
        )
    spoken = _known_by_name(trust)
    if known is not None and spoken is not None and spoken["trust_code"] != known["trust_code"]:
        notes.append(
            f"cell H3 names {spoken['name']}; the trust in the file's name, {code}, is taken"
        )
    return _origin(code, known, trust, own, notes)


def is_named_like_tool(file: str) -> bool:
    """Whether a file's name says month, year and trust as the tool's do.

    Examples
    --------
    >>> is_named_like_tool("MAY 2024 - YEO.xlsx"), is_named_like_tool("births 2024 - a.xlsx")
    (True, False)
    """
    named = _FILE.fullmatch(file.rpartition(".")[0].strip())
    return named is not None and _month(f"{named[1]} {named[2]}") is not None


def _from_cells(file: str, month: date | None, trust: Any) -> Origin:
    known = _known_by_name(trust)
    if known is None or month is None:
        lacking = "trust (cell H3)" if known is None else "month (cell B3)"
        raise InputError(
            f"{file}: neither its name nor its cells say the {lacking}; call the file like {NAME!r}"
        )
    note = (
        f"trust and month are taken from cells H3 and B3; call the file like {NAME!r}, as two "
        "files of one month would count every baby twice"
    )
    return _origin(known["code"], known, trust, month, [note])


def _origin(
    code: str, known: dict[str, str] | None, trust: Any, month: date, notes: list[str]
) -> Origin:
    written = " ".join(str(trust).split()) if isinstance(trust, str) else None
    return Origin(
        org_code=code,
        trust_code=known["trust_code"] if known else None,
        trust_name=known["name"] if known else written,
        month=month,
        notes=tuple(notes),
    )


def _known_by_name(trust: Any) -> dict[str, str] | None:
    """The unit of that name, or None if no one unit has it."""
    if not isinstance(trust, str):
        return None
    wanted = _short(trust)
    return next((one for one in _trusts() if _short(one["name"]) == wanted), None)


def _short(name: str) -> str:
    return plain(name).replace("foundation trust", "ft")


def _month(told: Any) -> date | None:
    """The first day of a month that is written as words or a date; None for anything else."""
    if isinstance(told, date):
        found = (told.year, told.month)
    else:
        written = _SPOKEN.fullmatch(str(told).strip())
        names = [name for name in _MONTHS if written and name.startswith(written[1].lower())]
        if written is None or len(names) != 1:
            return None
        found = (int(written[2]), _MONTHS.index(names[0]) + 1)
    return date(*found, 1) if YEARS[0] <= found[0] <= YEARS[1] else None


@cache
def _trusts() -> tuple[dict[str, str], ...]:
    text = files(__package__).joinpath("periprem_trusts.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))
