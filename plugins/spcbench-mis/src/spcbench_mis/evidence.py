"""The evidence that a trust keeps for items that are no statistics: a small TOML or CSV file.

An item that is not in the file is "not reported", which is neither achieved
nor not achieved. Nothing is inferred from a figure.
"""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from spcbench.errors import InputError, OptionError, suggest
from spcbench_mis.scheme_data import Item, scheme

STATUSES = ("achieved", "in progress", "not achieved", "not applicable", "not reported")
"""What may be said about an item."""

COLUMNS = ("item", "status", "date", "link", "who", "note")
"""Columns of the CSV form; `item` and `status` are needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a trust says about one item.

    Parameters
    ----------
    item : str
        Id of the item.
    status : str
        One of `STATUSES`.
    date : date, optional
        When it was achieved, or when this was last looked at.
    link, who, note : str
        Where the evidence is, who answers for it, what else there is to say.
    """

    item: str
    status: str
    date: date | None = None
    link: str = ""
    who: str = ""
    note: str = ""


def read_evidence(path: str | Path, *, year: str, unit: str | None = None) -> dict[str, Evidence]:
    """The evidence that a trust keeps, by item.

    Parameters
    ----------
    path : str or Path
        A ``.toml`` or ``.csv`` file.
    year : str
        Whose items it is about.
    unit : str, optional
        Code of the trust; a TOML file that names another is refused.

    Returns
    -------
    dict of str to Evidence
        Items that the file does not name are not in it.

    Raises
    ------
    InputError
        If the file cannot be read, names an item that the year does not have,
        or says something else than may be said; names file, row and column.
    OptionError
        If the year is not known, or the name ends in something else.
    """
    file = Path(path)
    wanted = scheme().year(year).id
    readers = {".toml": _from_toml, ".csv": _from_csv}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise OptionError(
            f"evidence is kept in a .toml or .csv file, not {file.name!r}; "
            "spcbench mis-scorecard --template writes one to fill in"
        )
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{file} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(
            f"{file.name} is not UTF-8 text; save it as TOML, or as CSV UTF-8 from Excel"
        ) from None
    kept: dict[str, Evidence] = {}
    for where, cells in reader(file.name, text, wanted, unit):
        made = _evidence(where, cells, wanted)
        if made.item in kept:
            raise InputError(f"{where[0]}: the item {made.item!r} stands there twice; keep one row")
        kept[made.item] = made
    return kept


def template(year: str, *, form: str = "toml") -> str:
    """A file of evidence to fill in: every evidence item of a year, "not reported" yet.

    Parameters
    ----------
    year : str
        Whose items.
    form : str
        ``"toml"`` or ``"csv"``.

    Returns
    -------
    str
        The text of the file.

    Raises
    ------
    OptionError
        If the year or the form is not known.

    Examples
    --------
    >>> print(template("y7", form="csv").splitlines()[1])
    sa1_quarterly_reports,not reported,,,,
    """
    chosen = scheme().year(year)
    items = [item for item in scheme().of_year(chosen.id) if item.kind == "evidence"]
    if form == "csv":
        rows = [",".join(COLUMNS), *(f"{item.id},not reported,,,," for item in items)]
        return "\n".join(rows) + "\n"
    if form != "toml":
        raise OptionError(f"a template is written as .toml or .csv, not {form!r}")
    head = [
        f"# Evidence for {chosen.title}, {chosen.label}.",
        f"# status: {', '.join(STATUSES)}.",
        '# Items that are statistics take an entry only to say "not applicable", or that an',
        '# exception was agreed ("achieved"), each with a note.',
        f'year = "{chosen.id}"',
        'unit = ""',
    ]
    parts = [
        f"\n# {item.title}\n# To be shown: {item.evidence}\n[evidence.{item.id}]\n"
        'status = "not reported"\n# date = 2025-01-31\nlink = ""\nwho = ""\nnote = ""'
        for item in items
    ]
    return "\n".join([*head, *parts]) + "\n"


Place = tuple[str, str]
"""File and row for messages, and what separates them from the column's name."""


def _from_toml(
    name: str, text: str, year: str, unit: str | None
) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{name} is not valid TOML ({error})") from None
    for key in told:
        if key not in ("year", "unit", "evidence"):
            raise InputError(
                f"{name}: the key {key!r} is not known; items stand in tables such as "
                "[evidence.sa7_mnvp_funded]"
            )
    if "year" in told and scheme().year(str(told["year"])).id != year:
        raise InputError(
            f"{name} is about the year {told['year']!r}, but {year} was asked for; "
            "give the evidence of that year"
        )
    if unit and told.get("unit") and str(told["unit"]).strip() != unit:
        raise InputError(f"{name} is the evidence of {told['unit']!r}, but {unit!r} was asked for")
    entries = told.get("evidence", {})
    if not isinstance(entries, Mapping):
        raise InputError(f"{name}: evidence must be written [evidence.ITEM], once for each item")
    for item, cells in entries.items():
        where = f"{name}, [evidence.{item}]"
        if not isinstance(cells, Mapping):
            raise InputError(f"{where} must be a table with a status, not {cells!r}")
        _check_keys(where, list(cells))
        yield (where, ", "), {**cells, "item": item}


def _from_csv(
    name: str, text: str, year: str, unit: str | None
) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    if text.lstrip()[:1] == "<":
        raise InputError(f"{name} is a web page, not a CSV file; save it as CSV UTF-8 from Excel")
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    heading: list[str] | None = None
    try:
        for cells in rows:
            if not any(cell.strip() for cell in cells):
                continue
            if heading is None:
                heading = [cell.strip().lower() for cell in cells]
                _check_keys(f"{name}, row 1", heading)
                _check_needed(name, heading)
                continue
            where = f"{name}, row {rows.line_num}"
            if len(cells) > len(heading):
                raise InputError(
                    f"{where} has {len(cells)} cells, more than the {len(heading)} columns; put "
                    "text with commas in quotes"
                )
            # A row may end early; what is not there is empty.
            yield (where, ", column "), dict(zip(heading, cells, strict=False))
    except csv.Error as error:
        raise InputError(f"{name}, row {rows.line_num}: is not CSV ({error})") from None
    if heading is None:
        raise InputError(f"{name} is empty; its columns are {', '.join(COLUMNS)}")


def _check_keys(where: str, keys: list[str]) -> None:
    for key in keys:
        if key not in COLUMNS:
            raise InputError(f"{where}: {key!r} is not known; {suggest(key, COLUMNS)}")
        if keys.count(key) > 1:
            raise InputError(f"{where}: {key!r} stands there twice")


def _check_needed(name: str, heading: list[str]) -> None:
    for key in ("item", "status"):
        if key not in heading:
            raise InputError(f"{name} has no column {key!r}; its columns are {', '.join(COLUMNS)}")


def _evidence(where: Place, cells: Mapping[str, Any], year: str) -> Evidence:
    def wrong(column: str, why: str) -> InputError:
        return InputError(f"{where[0]}{where[1]}{column}: {why}")

    texts = {}
    for key in ("item", "status", "link", "who", "note"):
        value = cells.get(key, "")
        if not isinstance(value, str):
            raise wrong(key, f"must be text, not {value!r} (write it in quotes)")
        texts[key] = value.strip()
    item = _item(texts["item"], year, wrong)
    status = " ".join(texts["status"].replace("_", " ").split()).lower()
    if status not in STATUSES:
        raise wrong("status", f"{texts['status']!r} is not one of {', '.join(STATUSES)}")
    if item.kind != "evidence":
        _check_statistic(item, status, texts["note"], wrong)
    if status == "not applicable" and not texts["note"]:
        raise wrong("note", f"{item.id!r} is said not to apply; say why")
    return Evidence(
        item=item.id,
        status=status,
        date=_day(cells.get("date", ""), wrong),
        **{key: texts[key] for key in ("link", "who", "note")},
    )


def _item(name: str, year: str, wrong: Any) -> Item:
    known = [item.id for item in scheme().of_year(year)]
    if name not in known:
        others = [item for item in scheme().items if item.id == name]
        if others:
            held = ", ".join(others[0].years)
            raise wrong("item", f"{name!r} is not in the standard of {year}, but of {held}")
        raise wrong("item", f"{name!r} is no item of the scheme; {suggest(name, known)}")
    return scheme().item(name)


def _check_statistic(item: Item, status: str, note: str, wrong: Any) -> None:
    """A figure speaks for itself; evidence may only say that it need not."""
    if status in ("not applicable", "not reported"):
        return
    if not (item.exception and status == "achieved"):
        raise wrong(
            "status",
            f"{item.id!r} is a {item.kind}, which its figures decide; evidence may only say "
            "'not applicable'"
            + (" or, where an exception was agreed, 'achieved'" if item.exception else ""),
        )
    if not note:
        raise wrong("note", f"{item.id!r} is said to pass by an exception; say which was agreed")


def _day(value: Any, wrong: Any) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = value.strip() if isinstance(value, str) else value
    if text == "":
        return None
    try:
        return date.fromisoformat(text) if len(text) == len("2025-01-31") else _refused(text)
    except (ValueError, TypeError):
        raise wrong("date", f"{value!r} is not a date such as 2025-01-31") from None


def _refused(text: str) -> date:
    # Python also takes 20250131 and 2025-W05-5, which a reader would not.
    raise ValueError(text)
