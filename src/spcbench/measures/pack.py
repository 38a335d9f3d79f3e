"""A measure pack: reading its TOML file and checking every key of it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from spcbench.errors import PackError, suggest
from spcbench.measures.derived import derived_fields, parsed_checks
from spcbench.measures.measure import Check, Composite, Field, Measure, Source
from spcbench.plugin.records import Pack

if TYPE_CHECKING:
    from spcbench.measures.expression import Expression

Record = TypeVar("Record", Field, Measure, Composite, Check)

SECTIONS = ("pack", "field", "check", "measure", "composite")
PACK_KEYS = ("id", "title", "version", "record", "source")


def load_pack(path: str | Path) -> Pack:
    """A measure pack from its TOML file.

    Parameters
    ----------
    path : str or Path
        The file; its format is described under "Write a measure pack".

    Returns
    -------
    Pack
        Checked: every expression is inside the permitted SQL, every column is
        declared, every composite names measures that exist.

    Raises
    ------
    PackError
        If the file cannot be read or breaks the format; names file and key.
    ExpressionError
        If an expression is outside the permitted SQL.
    """
    file = Path(path)
    try:
        with file.open("rb") as opened:
            content = tomllib.load(opened)
    except OSError as error:
        raise PackError(f"{file}: cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PackError(f"{file}: is not valid TOML ({error})") from None
    try:
        return _pack(content)
    except PackError as error:
        # The same kind of error, told with the file it is in.
        raise type(error)(f"{file}: {error}") from None


def check_pack(pack: Pack) -> dict[str, tuple[Expression, Expression]]:
    """The conditions `eligible` and `met` of each measure on records, types checked.

    Parameters
    ----------
    pack : Pack
        From a file or built in Python.

    Returns
    -------
    dict of str to (Expression, Expression)
        By the id of the measure, `eligible` before `met`; composites and
        published measures have none.

    Raises
    ------
    PackError
        If the pack holds something else than measures, or a composite names a
        measure that is not there.
    ExpressionError
        If an expression does not fit the types of its fields.
    """
    from spcbench.measures.expression import parse

    declared = [cast("Field", one) for one in pack.fields]
    _check_names_apart(pack.id, declared)
    derived_fields(pack)
    parsed_checks(pack)
    conditions = {}
    for measure in pack.measures:
        if not isinstance(measure, (Measure, Composite)):
            raise PackError(
                f"pack {pack.id!r}: {measure.id!r} must be a Measure or a Composite, "
                f"not {type(measure).__name__}"
            )
        if isinstance(measure, Measure) and measure.kind == "records":
            eligible, met = (
                parse(text, declared, pack=pack.id, measure=measure.id, part=part)
                for part, text in (("eligible", measure.eligible), ("met", measure.met))
            )
            conditions[measure.id] = (eligible, met)
    for measure in pack.measures:
        for part in measure.of if isinstance(measure, Composite) else ():
            if part not in conditions:
                raise PackError(
                    f"pack {pack.id!r}, composite {measure.id!r}: there is no measure on records "
                    f"called {part!r}; {suggest(part, conditions)}"
                )
        _check_parts(pack, measure)
    return conditions


def _check_parts(pack: Pack, measure: Any) -> None:
    """Refuse fields to count by that cannot tell one case from another."""
    for key in ("count_by", "cluster"):
        name = getattr(measure, key, "")
        kind = next((cast("Field", one).type for one in pack.fields if one.name == name), "text")
        if name and kind not in ("text", "integer"):
            raise PackError(
                f"pack {pack.id!r}, {measure.id!r}: {key} names the field {name!r}, which is "
                f"declared as {kind}; expected a field of type text or integer"
            )


def _check_names_apart(pack_id: str, declared: list[Field]) -> None:
    """Refuse names that an engine would take for one: SQL does not heed capitals."""
    seen: dict[str, str] = {}
    for one in declared:
        other = seen.setdefault(one.name.lower(), one.name)
        if other != one.name:
            raise PackError(
                f"pack {pack_id!r}: the fields {other!r} and {one.name!r} differ only in capitals"
            )


def _pack(content: Mapping[str, Any]) -> Pack:
    _check_keys("the file", content, SECTIONS, ("pack", "measure"))
    head = content["pack"]
    if not isinstance(head, Mapping):
        raise PackError("[pack] must be a table, written once")
    _check_keys("[pack]", head, PACK_KEYS, ("id", "title", "version", "record"))
    for key, value in head.items():
        if not isinstance(value, str):
            raise PackError(f"[pack]: {key} must be text, not {value!r} (write it in quotes)")
    pack = Pack(
        id=head["id"],
        title=head["title"],
        version=head["version"],
        record=head["record"],
        source=head.get("source", ""),
        fields=tuple(_record(Field, one) for one in _tables(content, "field")),
        checks=tuple(_record(Check, one) for one in _tables(content, "check")),
        measures=(
            *(_record(Measure, one) for one in _tables(content, "measure")),
            *(_record(Composite, one) for one in _tables(content, "composite")),
        ),
    )
    check_pack(pack)
    return pack


def _tables(content: Mapping[str, Any], section: str) -> list[Mapping[str, Any]]:
    tables = content.get(section, [])
    if not isinstance(tables, list) or not all(isinstance(one, Mapping) for one in tables):
        raise PackError(f"{section} must be written [[{section}]], once for each")
    return tables


def _record(kind: Callable[..., Record], table: Mapping[str, Any]) -> Record:
    noun = kind.__name__.lower()
    where = f"{noun} {table.get('id', table.get('name', '?'))!r}"
    declared = fields(cast("Any", kind))
    # `from` is a word of Python; its attribute is called `from_`.
    names = {one.name.rstrip("_"): one.name for one in declared}
    needed = [one.name for one in declared if one.default is MISSING]
    _check_keys(where, table, list(names), needed)
    settings: dict[str, Any] = {
        names[key]: tuple(value) if isinstance(value, list) else value
        for key, value in table.items()
    }
    if isinstance(settings.get("source"), Mapping):
        settings["source"] = _source(where, settings["source"])
    return kind(**settings)


def _source(where: str, table: Mapping[str, Any]) -> Source:
    _check_keys(f"{where}, source", table, [one.name for one in fields(Source)], ["title"])
    return Source(**table)


def _check_keys(
    where: str, table: Mapping[str, Any], known: tuple[str, ...] | list[str], needed: Any
) -> None:
    for key in table:
        if key not in known:
            raise PackError(f"{where}: the key {key!r} is not known; {suggest(key, known)}")
    for key in needed:
        if key not in table:
            raise PackError(f"{where}: the key {key!r} is missing")
