"""How the columns of a local extract become those that a pack asks for.

A mapping is data, like a pack: expressions in the same SQL subset, each with
how sure it is. It is written on the spot, or in a TOML file, or is one of the
profiles that come with a plugin.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from spcbench.errors import InputError, OptionError, UnknownNameError, suggest

if TYPE_CHECKING:
    from spcbench.plugin.host import PluginHost

SURE = ("high", "medium", "low")
"""How sure it is that a column of a profile means what is made of it."""

TYPES = ("text", "integer", "number", "boolean", "date", "datetime")
_HEAD = ("title", "source", "note")
_COLUMN = ("name", "from", "sure", "note")


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedColumn:
    """One wanted column, and what it is made from.

    Parameters
    ----------
    name : str
        The column that a pack or an option asks for.
    expression : str
        The name of a column of the extract, or an expression over several.
    sure : str
        ``"high"``, ``"medium"`` or ``"low"``; empty where it was written for
        this extract.
    note : str
        What a reader should know.
    """

    name: str
    expression: str
    sure: Literal["", "high", "medium", "low"] = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMapping:
    """How the columns of an extract become the wanted ones.

    Parameters
    ----------
    columns : tuple of MappedColumn
        No name twice.
    title : str
        Where the mapping comes from, for messages.
    types : mapping of str to str
        What columns of the extract hold, where that does not follow from
        what is done with them.
    asked : frozenset of str
        Columns that were written on the spot, and must be of use.
    date_format : str, optional
        How dates are written in text.
    zone : str
        Whose clocks moments with a time zone are told by.
    """

    columns: tuple[MappedColumn, ...]
    title: str = "the mapping"
    types: Mapping[str, str] = field(default_factory=dict)
    asked: frozenset[str] = frozenset()
    date_format: str | None = None
    zone: str = "Europe/London"

    def expression(self, name: str) -> str | None:
        """What a wanted column is made from; None if the mapping does not make it."""
        return next((one.expression for one in self.columns if one.name == name), None)

    def check_asked(self, wanted: Sequence[str]) -> None:
        """Refuse a mapping written on the spot for a column that nobody asks for.

        Raises
        ------
        OptionError
            Names the column and those near it.
        """
        for name in sorted(self.asked):
            if name not in wanted:
                raise OptionError(
                    f"the mapping makes the column {name!r}, which no pack or option asks for; "
                    f"{suggest(name, wanted)}"
                )

    def notes(self, made: Sequence[str], passed: Sequence[str]) -> tuple[str, ...]:
        """What was made from what, and how sure that is, for the provenance.

        Parameters
        ----------
        made : sequence of str
            Columns that were made.
        passed : sequence of str
            Columns that were taken as they stand, though some could be made:
            what they would be made from is not there.
        """
        return tuple(
            f"{one.name} is made from {one.expression} ({self.title}"
            f"{f'; sure: {one.sure}' if one.sure else ''})"
            if one.name in made
            else f"{one.name} is taken as it stands: what {self.title} would make it from is "
            "not there"
            for one in self.columns
            if one.name in made or one.name in passed
        )


def column_mapping(
    mapping: str | Path | ColumnMapping | None = None,
    columns: Mapping[str, str] | None = None,
    *,
    date_format: str | None = None,
    zone: str = "Europe/London",
    host: PluginHost | None = None,
) -> ColumnMapping | None:
    """A mapping from a file or profile, and from what was written on the spot.

    Parameters
    ----------
    mapping : str, Path or ColumnMapping, optional
        A TOML file, or the name of a profile such as ``"badgernet"``.
    columns : mapping of str to str, optional
        Wanted columns and their expressions; these go before `mapping`.
    date_format : str, optional
        How dates are written in text when not as YYYY-MM-DD.
    zone : str
        Whose clocks moments with a time zone are told by.
    host : PluginHost, optional
        Whose plugins bring profiles; the default host if none is given.

    Returns
    -------
    ColumnMapping or None
        None if neither was given.

    Raises
    ------
    OptionError
        If a name or an expression is no text.
    UnknownNameError
        If there is no such profile.
    InputError
        If the file breaks the format; names file and key.

    Examples
    --------
    >>> made = column_mapping(columns={"ga_days": "gestation weeks * 7 + days"})
    >>> made.expression("ga_days")
    'gestation weeks * 7 + days'
    """
    base = mapping
    if isinstance(mapping, (str, Path)):
        text = str(mapping)
        is_file = isinstance(mapping, Path) or text.lower().endswith(".toml")
        base = load_mapping(mapping) if is_file else _profile(text, host)
    elif mapping is not None and not isinstance(mapping, ColumnMapping):
        raise OptionError(
            f"mapping must be a TOML file or the name of a profile, not {type(mapping).__name__}; "
            "columns= takes a dictionary"
        )
    known = cast("ColumnMapping | None", base)
    if not columns:
        return known and replace(known, date_format=date_format, zone=zone)
    for name, text in columns.items():
        if not (isinstance(name, str) and isinstance(text, str) and name and text.strip()):
            raise OptionError(f"columns: {name!r} must have an expression as text, not {text!r}")
    own = tuple(MappedColumn(name=name, expression=text) for name, text in columns.items())
    others = tuple(one for one in (known.columns if known else ()) if one.name not in columns)
    return ColumnMapping(
        columns=(*own, *others),
        title=known.title if known else "the mapping",
        types=known.types if known else {},
        asked=frozenset(columns),
        date_format=date_format,
        zone=zone,
    )


def load_mapping(path: str | Path) -> ColumnMapping:
    """A mapping from its TOML file.

    Parameters
    ----------
    path : str or Path
        The file; its format is described under "Map the columns".

    Raises
    ------
    InputError
        If the file cannot be read or breaks the format; names file and key.
    """
    file = Path(path)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror})") from None
    return _mapping(content, file.name, file.stem)


def profiles(host: PluginHost | None = None) -> dict[str, ColumnMapping]:
    """The profiles that plugins bring: TOML files in their folder ``profiles``.

    Parameters
    ----------
    host : PluginHost, optional
        Whose plugins; the default host if none is given.

    Returns
    -------
    dict of str to ColumnMapping
        By name, in the order of the names.
    """
    found = dict(_profile_files(host))
    return {
        name: _mapping(found[name].read_bytes(), f"{name}.toml", name) for name in sorted(found)
    }


def _profile(name: str, host: PluginHost | None) -> ColumnMapping:
    found = dict(_profile_files(host))
    if name not in found:
        raise UnknownNameError("mapping profile (a file ends in .toml)", name, found)
    return _mapping(found[name].read_bytes(), f"{name}.toml", name)


def _profile_files(host: PluginHost | None) -> Iterator[tuple[str, Traversable]]:
    from spcbench.plugin.host import default_host

    for info in (host or default_host()).plugins():
        if info.status != "active":
            continue
        try:
            folder = files(info.module).joinpath("profiles")
        except (ImportError, TypeError):
            continue  # a plugin that is one module has no folder
        for file in folder.iterdir() if folder.is_dir() else ():
            if file.name.endswith(".toml"):
                yield file.name.removesuffix(".toml"), file


def _mapping(content: bytes, file: str, name: str) -> ColumnMapping:
    try:
        tables = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: is not valid TOML ({error})") from None
    _check_keys(file, tables, ("mapping", "column", "types"))
    head = tables.get("mapping", {})
    _check_texts(f"{file}, [mapping]", head, _HEAD)
    types = tables.get("types", {})
    _check_texts(f"{file}, [types]", types, None)
    for column, kind in types.items():
        if kind not in TYPES:
            raise InputError(f"{file}, [types]: {column!r} is {kind!r}; {suggest(kind, TYPES)}")
    columns = tables.get("column", [])
    if not isinstance(columns, list) or not columns:
        raise InputError(f"{file}: has no [[column]]; write one for each column to be made")
    return ColumnMapping(
        columns=tuple(_columns(columns, file)),
        title=f"mapping {name!r}",
        types=dict(types),
    )


def _columns(tables: list[Any], file: str) -> Iterator[MappedColumn]:
    seen: set[str] = set()
    for table in tables:
        where = f"{file}, column {table.get('name', '?') if isinstance(table, dict) else '?'!r}"
        _check_texts(where, table, _COLUMN)
        for key in ("name", "from"):
            if not table.get(key, "").strip():
                raise InputError(f"{where}: the key {key!r} is missing")
        sure = table.get("sure", "")
        if sure and sure not in SURE:
            raise InputError(f"{where}: sure is {sure!r}; {suggest(sure, SURE)}")
        if table["name"] in seen:
            raise InputError(f"{where}: stands twice; keep one of them")
        seen.add(table["name"])
        yield MappedColumn(
            name=table["name"], expression=table["from"], sure=sure, note=table.get("note", "")
        )


def _check_texts(where: str, table: Any, known: Sequence[str] | None) -> None:
    if not isinstance(table, dict):
        raise InputError(f"{where}: must be a table of keys and texts")
    if known is not None:
        _check_keys(where, table, known)
    for key, value in table.items():
        if not isinstance(value, str):
            raise InputError(f"{where}: {key} must be text (write it in quotes)")


def _check_keys(where: str, table: Mapping[str, Any], known: Sequence[str]) -> None:
    for key in table:
        if key not in known:
            raise InputError(f"{where}: the key {key!r} is not known; {suggest(key, known)}")
