"""The evidence that a trust keeps for items that are no statistics: a small TOML or CSV file.

An item that is not in the file is "not reported", which is neither achieved
nor not achieved. Nothing is inferred from a figure.
"""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from spcbench.errors import InputError, OptionError, suggest
from spcbench_mis.scheme_data import Item, scheme

STATUSES = ("achieved", "in progress", "not achieved", "not applicable", "not reported")
"""What may be said about an item."""

COLUMNS = ("item", "status", "date", "link", "who", "note")
"""What an entry holds; `item` and `status` are needed."""

CSV_COLUMNS = (*COLUMNS, "unit")
"""Columns of the CSV form, of which the last says whose evidence it is."""


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
        Code of the trust; a file that names another is refused.

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
    text = _text(file)
    reader = _from_toml if file.suffix.lower() == ".toml" else _from_csv
    kept: dict[str, Evidence] = {}
    for where, cells in reader(file.name, text, wanted, unit):
        made = _evidence(where, cells, wanted)
        if made.item in kept:
            raise InputError(f"{where[0]}: the item {made.item!r} stands there twice; keep one row")
        kept[made.item] = made
    return kept


def evidence_given(
    given: Mapping[str, Evidence] | str | Path | None, *, year: str, unit: str
) -> Mapping[str, Evidence]:
    """Evidence as a caller brings it: read already, as a file, or none.

    Raises
    ------
    InputError, OptionError
        As `read_evidence`, or if it is something else.
    """
    if given is None:
        return {}
    if isinstance(given, str | Path):
        return read_evidence(given, year=year, unit=unit)
    if not isinstance(given, Mapping):
        raise OptionError(
            f"evidence must be a .toml or .csv file, or what read_evidence gives, not {given!r}"
        )
    for name in given:
        _item(name, year, lambda column, why: InputError(f"evidence, {column}: {why}"))
    return given


def evidence_about(path: str | Path) -> tuple[str, str]:
    """The year and the trust that a file of evidence names.

    Parameters
    ----------
    path : str or Path
        A ``.toml`` or ``.csv`` file.

    Returns
    -------
    tuple of (str, str)
        Such as ``("y7", "RJ1")``; empty where it does not say. A CSV file has no
        year, and the trust in its column ``unit``.

    Raises
    ------
    InputError, OptionError
        If the file cannot be read, or the year is not known.
    """
    file = Path(path)
    text = _text(file)
    if file.suffix.lower() == ".csv":
        return "", next(
            (unit for _, cells in _csv_rows(file.name, text) if (unit := _whose(cells))), ""
        )
    told = _toml(file.name, text)
    year = scheme().year(str(told["year"])).id if "year" in told else ""
    return year, str(told.get("unit", "")).strip()


def _text(file: Path) -> str:
    if file.suffix.lower() not in (".toml", ".csv"):
        raise OptionError(
            f"evidence is kept in a .toml or .csv file, not {file.name!r}; "
            "spcbench mis-scorecard --template writes one to fill in"
        )
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{file} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(
            f"{file.name} is not UTF-8 text; save it as TOML, or as CSV UTF-8 from Excel"
        ) from None


def _toml(name: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{name} is not valid TOML ({error})") from None


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
    sa1_quarterly_reports,not reported,,,,,
    """
    chosen = scheme().year(year)
    items = [item for item in scheme().of_year(chosen.id) if item.kind == "evidence"]
    if form == "csv":
        rows = [",".join(CSV_COLUMNS), *(f"{item.id},not reported,,,,," for item in items)]
        return "\n".join(rows) + "\n"
    if form != "toml":
        raise OptionError(f"a template is written as .toml or .csv, not {form!r}")
    head = [
        f"# Evidence for {chosen.title}, {chosen.label}.",
        f"# status: {', '.join(STATUSES)}.",
        '# "not applicable" (with a note) only where the scheme knows such a case. Statistics',
        "# take an entry only to say so, or that an exception was agreed",
        '# ("achieved", with a note).',
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
    told = _toml(name, text)
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
    whose = ""
    for where, cells in _csv_rows(name, text):
        told = _whose(cells)
        if told and unit and told != unit:
            raise InputError(f"{where} is the evidence of {told!r}, but {unit!r} was asked for")
        if told and whose and told != whose:
            raise InputError(
                f"{where} is the evidence of {told!r}, the rows above are that of {whose!r}; keep "
                "a file for each trust"
            )
        whose = whose or told
        yield (where, ", column "), {key: cells[key] for key in cells if key in COLUMNS}


def _whose(cells: Mapping[str, str]) -> str:
    return cells.get("unit", "").strip()


def _csv_rows(name: str, text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Where each row stands, and its cells by column."""
    if text.lstrip()[:1] == "<":
        raise InputError(f"{name} is a web page, not a CSV file; save it as CSV UTF-8 from Excel")
    # Excel separates by semicolons where commas are the decimal sign.
    first = text.lstrip().partition("\n")[0]
    separator = ";" if ";" in first and "," not in first else ","
    rows = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
    heading: list[str] | None = None
    try:
        for cells in rows:
            if not any(cell.strip() for cell in cells):
                continue
            if heading is None:
                heading = [cell.strip().lower() for cell in cells]
                _check_keys(f"{name}, row 1", heading, CSV_COLUMNS)
                _check_needed(name, heading)
                continue
            where = f"{name}, row {rows.line_num}"
            if len(cells) > len(heading):
                raise InputError(
                    f"{where} has {len(cells)} cells, more than the {len(heading)} columns; put "
                    "text with commas in quotes"
                )
            # A row may end early; what is not there is empty.
            yield where, dict(zip(heading, cells, strict=False))
    except csv.Error as error:
        raise InputError(f"{name}, row {rows.line_num}: is not CSV ({error})") from None
    if heading is None:
        raise InputError(f"{name} is empty; its columns are {', '.join(CSV_COLUMNS)}")


def _check_keys(where: str, keys: list[str], known: Sequence[str] = COLUMNS) -> None:
    for key in keys:
        if key not in known:
            raise InputError(f"{where}: {key!r} is not known; {suggest(key, known)}")
        if keys.count(key) > 1:
            raise InputError(f"{where}: {key!r} stands there twice")


def _check_needed(name: str, heading: list[str]) -> None:
    for key in ("item", "status"):
        if key not in heading:
            raise InputError(
                f"{name} has no column {key!r}; its columns are {', '.join(CSV_COLUMNS)}"
            )


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
    refused = _refusal(item, status, texts["note"], year)
    if refused:
        raise wrong(*refused)
    return Evidence(
        item=item.id,
        status=status,
        date=_day(cells.get("date", ""), wrong),
        **{key: texts[key] for key in ("link", "who", "note")},
    )


def check_said(item: Item, said: Evidence, year: str) -> None:
    """Refuse what nobody may say of an item, wherever it comes from.

    Parameters
    ----------
    item : Item
        What it is about.
    said : Evidence
        What is said.
    year : str
        Of the scheme.

    Raises
    ------
    InputError
        If a status is not known, a statistic is said to be achieved where no
        exception exists, a required item not to apply, or a note is missing.
    """
    if said.status not in STATUSES:
        raise InputError(
            f"evidence, {item.id}, status: {said.status!r} is not one of {', '.join(STATUSES)}"
        )
    refused = _refusal(item, said.status, said.note, year)
    if refused:
        raise InputError(f"evidence, {item.id}, {refused[0]}: {refused[1]}")


def _item(name: str, year: str, wrong: Any) -> Item:
    known = [item.id for item in scheme().of_year(year)]
    if name not in known:
        others = [item for item in scheme().items if item.id == name]
        if others:
            held = ", ".join(others[0].years)
            raise wrong("item", f"{name!r} is not in the standard of {year}, but of {held}")
        raise wrong("item", f"{name!r} is no item of the scheme; {suggest(name, known)}")
    return scheme().item(name)


def _refusal(item: Item, status: str, note: str, year: str) -> tuple[str, str] | None:
    """What is wrong with a status: in which column, and why; None if nothing is."""
    if status == "not reported" or (item.kind == "evidence" and status != "not applicable"):
        return None
    excepted = year in item.exceptions
    waived = bool(item.not_applicable) or not item.required
    if status == "not applicable" and not waived:
        return "status", (
            f"{item.id!r} is required, and the scheme knows no case in which it does not apply; "
            f"say how it stands{'' if item.kind == 'evidence' else _NO_CASE}"
        )
    if status not in ("not applicable", "achieved") or (status == "achieved" and not excepted):
        # A figure speaks for itself; evidence may only say that it need not.
        may = ["'not applicable'"] * waived
        may += ["'achieved', where an exception was agreed"] * excepted
        only = f"evidence may only say {' or '.join(may)}" if may else f"leave it out{_NO_CASE}"
        return "status", f"{item.id!r} is a {item.kind}, which its figures decide; {only}"
    if note:
        return None
    what = (
        "not to apply; say why"
        if status == "not applicable"
        else ("to pass by an exception; say which was agreed")
    )
    return "note", f"{item.id!r} is said {what}"


_NO_CASE = ", or give 0 of 0 among the counts if there was no case"


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
