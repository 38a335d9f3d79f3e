"""Reading the annual CSV file of NHS Maternity Statistics.

One row of the file is one category of one dimension at one organisation. The
file is read strictly: a row that does not fit stops the reading and is named,
because a wrong count would go unnoticed into a funnel plot.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from spcbench.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from spcbench.tables import Table

COLUMNS = {
    "period": "Period",
    "dimension": "Dimension",
    "orglevel": "Org_Level",
    "orgcode": "Org_Code",
    "orgname": "Org_Name",
    "measure": "Measure",
    "countof": "Count_Of",
    "value": "Value",
}
"""The file's columns: as they are compared, and as they are published."""

# These five tell the annual file from the monthly ones, which have dates instead
# of a period. A file with them that lacks another column is a damaged annual file.
TELLING = {"period", "dimension", "orglevel", "orgcode", "countof"}

LEVELS = {
    "national": "national",
    "nhs england (region)": "region",
    "provider": "provider",
}
PUBLISHED_LEVELS = "National, NHS England (Region) or Provider"

MISSING = "Missing value / Value outside reporting parameters"
"""The category of cases that are not known; capitals and spaces vary."""

ROUNDED_TO = 5
SHOWN_FOR_SMALL = 5
NOTE_SMALL = "published as 5: the true count is between 1 and 7"


class Entry(NamedTuple):
    """One row of the file, read and checked."""

    period: str
    level: str
    unit: str
    unit_name: str
    dimension: str
    category: str
    count_of: str
    value: int

    @property
    def key(self) -> tuple[str, ...]:
        """What no two rows may share."""
        return (
            self.period,
            self.level,
            self.unit,
            self.dimension,
            self.category.casefold(),
            self.count_of,
        )


def looks_annual(head: bytes, path: Path) -> bool:
    """Whether these are the first bytes of an annual file.

    Parameters
    ----------
    head : bytes
        The beginning of the file, its first line at least.
    path : pathlib.Path
        Not used: the files are published under many names.

    Returns
    -------
    bool
        True if the header has the columns that tell this file from others,
        whatever their case, with or without underscores, spaces and a byte
        order mark, and the first row has a year for its period.

    Examples
    --------
    >>> looks_annual(b"Period,Dimension,Org_Level,Org_Code,Count_Of", Path("x.csv"))
    True
    >>> looks_annual(b"measure,unit,period,numerator,denominator", Path("x.csv"))
    False
    """
    lines = head.decode("utf-8-sig", errors="replace").splitlines()
    header = [_plain(name) for name in next(csv.reader(lines[:1]), [])]
    if not TELLING.issubset(header):
        return False
    # Monthly files before 2019 have the same columns, with a month for a period.
    row = next(csv.reader(lines[1:2]), [])
    place = header.index("period")
    return len(row) <= place or looks_like_year(row[place])


def looks_like_year(text: str) -> bool:
    """Whether a period is meant for a year, and not for a month or a day.

    Examples
    --------
    >>> looks_like_year("2022-23"), looks_like_year("2022/23"), looks_like_year("18-Dec")
    (True, True, False)
    """
    return re.fullmatch(r"\d{4}( ?[-/] ?(\d{4}|\d{2}))?", text.strip(), re.ASCII) is not None


def read_annual(path: Path) -> Table:
    """Counts of every measure of the pack, from an annual file.

    Parameters
    ----------
    path : pathlib.Path
        The CSV file, in UTF-8 or Windows-1252.

    Returns
    -------
    Table
        Counts at three levels, as published; charts and funnels use the
        providers unless told otherwise. The period is the financial year
        from 1 April. Counts are rounded by the publisher; where the
        numerator is 5 the note says what that hides. A missing category is
        kept out of the denominator and counted in `missing`.

    Raises
    ------
    InputError
        If the file is missing or does not follow the publication, with the
        line at fault.

    References
    ----------
    .. [1] NHS England, NHS Maternity Statistics (OGL v3.0).
    """
    from spcbench import published_counts
    from spcbench.tables import STRING, Table
    from spcbench_mis import annual_pack

    path = Path(path)
    counts = published_counts(tidy_annual(path), annual_pack(), source=path.name)
    small = counts["numerator"].eq(SHOWN_FOR_SMALL).fillna(False)
    counts = counts.assign(note=small.map({True: NOTE_SMALL, False: None}).astype(STRING))
    return Table(kind="counts", data=counts, source=path.name, default_level="provider")


def join_annual(tables: Sequence[Table]) -> Table:
    """One table of the annual files of several years.

    Parameters
    ----------
    tables : sequence of Table
        As `read_annual` gives them, at least one.

    Raises
    ------
    InputError
        If two files hold the same year.
    """
    import pandas as pd

    of_year: dict[object, str] = {}
    for table in tables:
        for year in table.data["period"].unique():
            other = of_year.setdefault(year, table.source)
            if other != table.source:
                raise InputError(
                    f"{other} and {table.source} both hold the year from {year:%d %B %Y}; "
                    "keep one of them"
                )
    data = pd.concat([table.data for table in tables], ignore_index=True)
    return tables[0] if len(tables) == 1 else replace(tables[0], data=data)


def tidy_annual(path: Path) -> pd.DataFrame:
    """The file's rows, checked, before any measure is made of them.

    Parameters
    ----------
    path : pathlib.Path
        The CSV file.

    Returns
    -------
    pandas.DataFrame
        Columns `period` (first day of the financial year), `level`, `unit`,
        `unit_name`, `dimension`, `category`, `count_of`, `value` (whole number)
        and `period_end`, in the order of the file.

    Raises
    ------
    InputError
        As `read_annual`.
    """
    import pandas as pd

    from spcbench.tables import DATE

    frame = pd.DataFrame(_entries(path), columns=list(Entry._fields))
    starts = pd.to_datetime(frame["period"].str[:4] + "-04-01", format="%Y-%m-%d")
    ends = starts + pd.DateOffset(years=1, days=-1)
    return frame.assign(period=starts.astype(DATE), period_end=ends.astype(DATE))


def _entries(path: Path) -> list[Entry]:
    """Every row, or the first that does not fit."""
    lines = csv_lines(path, published=True)
    _, header = next(lines, (1, []))
    places = _places(header, path.name)
    seen: dict[tuple[str, ...], int] = {}
    entries = []
    for line, cells in lines:
        where = f"{path.name}, line {line}"
        if len(cells) != len(header):
            raise InputError(
                f"{where} has {len(cells)} cells, the header has {len(header)}: "
                "the row is cut short or broken; download the file again"
            )
        entry = _entry({name: cells[place] for name, place in places.items()}, where)
        if (other := seen.setdefault(entry.key, line)) != line:
            raise InputError(
                f"{where} repeats line {other}: {entry.dimension}, {entry.category or 'total'}, "
                f"{entry.unit}, {entry.period}; each category may stand once for an organisation; "
                "remove one of the two"
            )
        entries.append(entry)
    if not entries:
        raise InputError(f"{path.name} has a header but no rows; download the file again")
    return entries


def csv_lines(path: Path, *, published: bool = False) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of every row of a file that is not empty.

    Parameters
    ----------
    path : pathlib.Path
        The CSV file.
    published : bool
        Whether its last line must have an end and its cells commas between them, as
        published files have; a file of one's own may have semicolons.

    Raises
    ------
    InputError
        If the file cannot be read, is not CSV in UTF-8 or Windows-1252, or may
        have been cut short.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    if b"\x00" in content:
        raise InputError(f"{path.name} is not plain text; expected the CSV file as published")
    if published and content and content[-1:] not in b"\r\n":
        # A figure that is cut is still a figure: 6635 would be read as 66.
        raise InputError(
            f"{path.name} does not end with the end of a line, so it may have been cut short; "
            "download the file again"
        )
    # Newlines stay as they are, so that a quoted name may hold one.
    text = _decoded(content, path.name)
    head = text.partition("\n")[0]
    mark = "," if published or head.count(";") <= head.count(",") else ";"
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    while True:
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(
                f"{path.name}, line {rows.line_num} is not CSV ({error}); download the file again"
            ) from error
        if cells:
            yield rows.line_num, cells


def _decoded(content: bytes, name: str) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InputError(
        f"{name} is neither UTF-8 nor Windows-1252 text; expected the CSV file as published"
    )


def _plain(name: str) -> str:
    return re.sub(r"[\s_\ufeff]", "", name).casefold()


def _squeezed(text: str) -> str:
    return " ".join(text.split()).casefold()


def _places(header: list[str], name: str) -> dict[str, int]:
    """Where each column stands."""
    plain = [_plain(column) for column in header]
    missing = [published for column, published in COLUMNS.items() if column not in plain]
    if missing:
        raise InputError(
            f"{name}, line 1: no column {missing[0]!r}; the annual file of NHS Maternity "
            f"Statistics has {', '.join(COLUMNS.values())}"
        )
    repeated = [column for column in COLUMNS if plain.count(column) > 1]
    if repeated:
        raise InputError(f"{name}, line 1: the column {COLUMNS[repeated[0]]!r} stands there twice")
    return {column: plain.index(column) for column in COLUMNS}


def _entry(cells: dict[str, str], where: str) -> Entry:
    """One row, checked cell by cell."""
    cells = {name: cell.strip() for name, cell in cells.items()}
    level = LEVELS.get(_squeezed(cells["orglevel"]))
    if level is None:
        raise InputError(
            f"{where}, column Org_Level: unknown level {cells['orglevel']!r}; "
            f"expected {PUBLISHED_LEVELS}"
        )
    for column in ("orgcode", "dimension"):
        if not cells[column]:
            raise InputError(f"{where}, column {COLUMNS[column]}: the cell is empty")
    value = re.fullmatch(r"(\d+)(?:\.0+)?", cells["value"], re.ASCII)
    if value is None:
        raise InputError(
            f"{where}, column Value: {cells['value']!r} is not a whole number; "
            "the publication gives rounded counts such as 0, 5 or 1215"
        )
    if int(value[1]) % ROUNDED_TO:
        raise InputError(
            f"{where}, column Value: {cells['value']!r} is not a multiple of {ROUNDED_TO}, as all "
            "counts of the publication are; the file has been changed: download it again"
        )
    return Entry(
        period=_financial_year(cells["period"], where),
        level=level,
        unit=cells["orgcode"] if level == "national" else cells["orgcode"].upper(),
        unit_name=cells["orgname"],
        dimension=cells["dimension"],
        category=_category(cells["measure"], cells["dimension"]),
        count_of=cells["countof"],
        value=int(value[1]),
    )


@lru_cache(maxsize=4096)
def _category(text: str, dimension: str) -> str:
    """A category as the publication means it, whatever spaces and spreadsheets made of it."""
    from spcbench_mis.dimension_file import mended_category

    category = mended_category(" ".join(text.split()), dimension)
    return MISSING if _plain(category) == _plain(MISSING) else category


def _financial_year(period: str, where: str) -> str:
    year = re.fullmatch(r"(\d{4})-(\d{2})", period, re.ASCII)
    if year is None or int(year[2]) != (int(year[1]) + 1) % 100:
        raise InputError(
            f"{where}, column Period: {period!r} is not a financial year such as 2022-23; "
            "this reader takes the annual file, not the monthly ones"
        )
    return period
