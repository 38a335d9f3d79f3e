"""Comparator groups of MBRRACE-UK: who is in which, through mergers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from spcbench.errors import InputError
from spcbench_mis.annual import csv_lines
from spcbench_mis.monthly_cells import GROUPS, date_in
from spcbench_mis.organisations import Successor, successors

if TYPE_CHECKING:
    import pandas as pd

NEEDED = {"mbrracegroup": "MBRRACE_Group", "orgcode": "Org_Code"}
"""Columns that a table of comparator groups must have: as compared, and as published."""

UNKNOWN = GROUPS["6"]
BY_BIRTHS = (GROUPS["4"], GROUPS["5"])
"""Groups that two trusts may outgrow when they become one."""

NO_CODE = ("NA", "N/A")
"""For health boards of other nations, and a few trusts."""

_SPELLINGS = {
    "level3nicu&ns": "1",
    "level3nicu": "2",
    "4000ormore": "3",
    ">=4000": "3",
    "2000-3999": "4",
    "under2000": "5",
    "<2000": "5",
    "unknown": "6",
}


class Entry(NamedTuple):
    """One row of the table of groups, checked."""

    code: str
    group: str
    first: date | None
    last: date | None
    line: int
    name: str
    country: str


class Span(NamedTuple):
    """A trust's group from one day to another; None for no group."""

    group: str | None
    first: date | None
    last: date | None
    how: str
    note: str

    def holds(self, day: date) -> bool:
        """Whether the day lies in it."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


def comparator_groups(path: str | Path) -> pd.DataFrame:
    """MBRRACE-UK comparator groups, as labels for `spcbench.funnels`.

    Codes that were merged since are followed, which is never a guess: a trust
    has a group if all that it was made of had that one, and it cannot have
    outgrown it. A row that begins on the day of the merger says so itself.

    Parameters
    ----------
    path : str or Path
        A CSV file with the columns `MBRRACE_Group` (1 to 6, or in words) and
        `Org_Code`, and `valid_from` and `valid_to` where groups changed.

    Returns
    -------
    pandas.DataFrame
        Columns `unit`, `group` (as the monthly files spell it; missing for
        none), `valid_from` and `valid_to` (dates; missing: always), `how`
        (``"listed"``, ``"followed"`` from other codes, ``"none"``) and `note`
        (why). Rows without a code (``NA``) are left out.

    Raises
    ------
    InputError
        If the file is missing, a column is missing, or a row does not fit; a
        provider may stand in one group at a time.
    """
    import pandas as pd

    from spcbench.tables import DATE, STRING

    rows = [
        (code, span.group, span.first, span.last, span.how, span.note)
        for code, spans in sorted(_spans(coded(entries(Path(path)))).items())
        for span in spans
    ]
    columns = ["unit", "group", "valid_from", "valid_to", "how", "note"]
    made = pd.DataFrame(rows, columns=columns)
    dates = {name: pd.to_datetime(made[name]).astype(DATE) for name in columns[2:4]}
    return made.assign(**dates).astype(dict.fromkeys(["unit", "group", "how", "note"], STRING))


def entries(path: Path) -> list[Entry]:
    """Every row of a table of groups, checked; those without a code too.

    Raises
    ------
    InputError
        As `comparator_groups`.
    """
    lines = csv_lines(path)
    _, header = next(lines, (1, []))
    names = [re.sub(r"[\s_]", "", name).casefold() for name in header]
    for name, published in NEEDED.items():
        if names.count(name) != 1:
            told = "no column" if name not in names else "more than one column"
            raise InputError(
                f"{path.name}, line 1: {told} {published!r}; a table of comparator "
                f"groups has {', '.join(NEEDED.values())}"
            )
    made = []
    for line, cells in lines:
        where = f"{path.name}, line {line}"
        if len(cells) != len(header):
            raise InputError(f"{where} has {len(cells)} cells, the header has {len(header)}")
        made.append(_entry(dict(zip(names, map(str.strip, cells), strict=True)), line, where))
    _check_once(coded(made), path.name)
    return made


def coded(rows: Sequence[Entry]) -> list[Entry]:
    """Those that have a code."""
    return [row for row in rows if row.code.upper() not in NO_CODE]


def group_of(text: str) -> str | None:
    """A comparator group as the monthly files spell it; None for anything else.

    Examples
    --------
    >>> group_of("3") == group_of("4000 or more") == group_of(">= 4000 births")
    True
    >>> group_of("Group 5. under 2000"), group_of("7")
    ('Group 5. Under 2,000', None)
    """
    told = " ".join(text.casefold().split())
    numbered = re.match(r"group ?([1-6])\b", told) or re.fullmatch(r"([1-6])(?:\.0+)?", told)
    if numbered:
        return GROUPS[numbered[1]]
    for sign, plain in (("≥", ">="), ("–", "-"), (",", ""), (" ", ""), ("births", "")):
        told = told.replace(sign, plain)
    return GROUPS[_SPELLINGS[told]] if told in _SPELLINGS else None


def _entry(cells: dict[str, str], line: int, where: str) -> Entry:
    written = cells["mbrracegroup"]
    group = group_of(written)
    if group is None:
        raise InputError(f"{where}, column MBRRACE_Group: {written!r} is not a group from 1 to 6")
    described = group_of(cells.get("mbrracegroupdescription", ""))
    if described not in (None, group):
        raise InputError(
            f"{where}: MBRRACE_Group is {written!r}, but its description is that of {described!r}"
        )
    if not cells["orgcode"]:
        raise InputError(f"{where}, column Org_Code: the cell is empty")
    days = []
    for name in ("valid_from", "valid_to"):
        text = cells.get(name.replace("_", ""), "")
        days.append(date_in(text) if text else None)
        if text and days[-1] is None:
            raise InputError(f"{where}, column {name}: {text!r} is not a date as YYYY-MM-DD")
    if days[0] and days[1] and days[1] < days[0]:
        raise InputError(f"{where}, column valid_to: {days[1]} is before {days[0]}, valid_from")
    name, country = cells.get("orgname", ""), cells.get("country", "")
    return Entry(cells["orgcode"], group, days[0], days[1], line, name, country)


def _check_once(rows: Sequence[Entry], source: str) -> None:
    ordered = sorted(rows, key=lambda row: (row.code, row.first or date.min, row.line))
    for one, other in pairwise(ordered):
        apart = one.last is not None and other.first is not None and one.last < other.first
        if one.code == other.code and not apart:
            raise InputError(
                f"{source}, line {other.line}: {one.code} stands in two groups at one time; "
                "give the earlier one a valid_to"
            )


def _spans(rows: Sequence[Entry]) -> dict[str, list[Span]]:
    """The groups of each code, with those of merged trusts."""
    made: dict[str, list[Span]] = {}
    for row in sorted(rows, key=lambda row: row.first or date.min):
        known = row.group != UNKNOWN
        span = Span(
            row.group if known else None,
            row.first,
            row.last,
            "listed" if known else "none",
            "" if known else f"listed as {row.group!r}",
        )
        made.setdefault(row.code, []).append(span)
    for (since, into), gone in _mergers():
        _merge(made, into, since, gone)
    return made


def _mergers() -> Iterator[tuple[tuple[date, str], list[tuple[str, Successor]]]]:
    """Each merger: when and into what, and the codes that ended."""
    listed = sorted(successors().items(), key=lambda one: (one[1].since, one[1].into, one[0]))
    for key, gone in groupby(listed, key=lambda one: (one[1].since, one[1].into)):
        yield key, list(gone)


def _merge(
    spans: dict[str, list[Span]], into: str, since: date, gone: Sequence[tuple[str, Successor]]
) -> None:
    """Give the trust that went on the group that follows from what it was made of."""
    eve = since - timedelta(days=1)
    before = {code: _on(spans, code, eve) for code in (into, *(code for code, _ in gone))}
    parts = {code: span for code, span in before.items() if span is not None}
    if set(parts) <= {into} or any(span.first == since for span in spans.get(into, ())):
        return
    divided = [code for code, one in gone if one.divided and code in parts]
    group, why = _merged({code: span.group for code, span in parts.items()}, divided)
    later = [span.first for span in spans.get(into, ()) if span.first and span.first > since]
    own = before[into]
    end = min(later) - timedelta(days=1) if later else None
    if own is not None and own.last is not None and own.last >= since:
        end = own.last
    told = f"merged on {since} from {_listed(parts)}: {why}"
    new = Span(group, since, end, "none" if group is None else "followed", told)
    kept = [one._replace(last=eve) if one is own else one for one in spans.get(into, ())]
    spans[into] = sorted([*kept, new], key=lambda one: one.first or date.min)


def _on(spans: dict[str, list[Span]], code: str, day: date) -> Span | None:
    return next((span for span in spans.get(code, ()) if span.holds(day)), None)


def _listed(parts: dict[str, Span]) -> str:
    return ", ".join(f"{code} ({span.group or 'group not known'})" for code, span in parts.items())


def _merged(parts: dict[str, str | None], divided: Sequence[str]) -> tuple[str | None, str]:
    """The group of a trust made of others, if that follows, and why or why not."""
    known = {group for group in parts.values() if group is not None}
    if len(known) > 1:
        return None, "they were in different groups"
    if None in parts.values() or not known:
        return None, "the group of one is not known"
    if divided:
        return None, f"{', '.join(divided)} was divided, and only a part went here"
    (group,) = known
    if len(parts) > 1 and group in BY_BIRTHS:
        return None, "together they may have too many births for that group"
    return group, "the group follows"
