"""A measure pack: reading its TOML file and checking every key of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from spcbench.errors import PackError, suggest
from spcbench.measures.derived import derived_fields, parsed_checks
from spcbench.measures.measure import (
    Check,
    Composite,
    Example,
    Field,
    Measure,
    Reference,
    Source,
)
from spcbench.measures.pack_file import PACK_KEYS, check_keys, pack_content
from spcbench.plugin.records import Pack

if TYPE_CHECKING:
    from spcbench.measures.expression import Expression

__all__ = ["PACK_KEYS", "Conditions", "check_pack", "load_pack"]

Record = TypeVar("Record", Field, Measure, Composite, Check, Source, Reference, Example)

_INSIDE: Mapping[str, Callable[..., Any]] = {
    "source": Source,
    "references": Reference,
    "examples": Example,
}
"""Keys of a measure that hold tables of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What a measure asks of a record.

    Parameters
    ----------
    eligible, met : Expression
        Which cases count, and which of them had the thing.
    counted_on : Expression, optional
        On which of the records that share a case it is counted.
    """

    eligible: Expression
    met: Expression
    counted_on: Expression | None = None

    def columns(self, *, alone: bool) -> frozenset[str]:
        """The fields they use; those of `counted_on` where the measure counts by itself."""
        own = self.counted_on.columns if alone and self.counted_on is not None else frozenset()
        return self.eligible.columns | self.met.columns | own


def load_pack(path: str | Path) -> Pack:
    """A measure pack from its TOML file.

    Parameters
    ----------
    path : str or Path
        The file; its format is described under "Write a measure pack". Files
        that it includes stand in the same folder.

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
        return _pack(pack_content(file))
    except RecursionError:
        raise PackError(f"{file}: tables or lists are nested too deeply") from None
    except PackError as error:
        # The same kind of error, told with the file it is in.
        raise type(error)(f"{file}: {error}") from None


def check_pack(pack: Pack) -> dict[str, Conditions]:
    """The conditions of each measure on records, types checked.

    Parameters
    ----------
    pack : Pack
        From a file or built in Python.

    Returns
    -------
    dict of str to Conditions
        By the id of the measure; composites and published measures have none.

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
            conditions[measure.id] = Conditions(
                **{
                    part: parse(text, declared, pack=pack.id, measure=measure.id, part=part)
                    for part in ("eligible", "met", "counted_on")
                    if (text := getattr(measure, part))
                }
            )
    for measure in pack.measures:
        for part in measure.of if isinstance(measure, Composite) else ():
            if part not in conditions:
                raise PackError(
                    f"pack {pack.id!r}, composite {measure.id!r}: there is no measure on records "
                    f"called {part!r}; {suggest(part, conditions)}"
                )
        _check_parts(pack, measure)
        _check_examples(pack, measure)
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


def _check_examples(pack: Pack, measure: Any) -> None:
    """Refuse examples of columns that no record has."""
    given = [cast("Field", one).name for one in pack.fields if not cast("Field", one).from_]
    for example in measure.examples:
        for name in example.record:
            if name not in given:
                raise PackError(
                    f"pack {pack.id!r}, {measure.id!r}, example {example.title!r}: the record has "
                    f"no column {name!r}; {suggest(name, given)}"
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
    head = content["pack"]
    pack = Pack(
        **{key: value for key, value in head.items() if key != "include"},
        fields=_records(Field, content["field"]),
        checks=_records(Check, content["check"]),
        measures=(
            *_records(Measure, content["measure"]),
            *_records(Composite, content["composite"]),
        ),
    )
    check_pack(pack)
    return pack


def _records(
    kind: Callable[..., Record], tables: Sequence[Mapping[str, Any]]
) -> tuple[Record, ...]:
    return tuple(_record(kind, one) for one in tables)


def _record(kind: Callable[..., Record], table: Mapping[str, Any], owner: str = "") -> Record:
    """One record from its table, and the records within it."""
    noun = kind.__name__.lower()
    named = next((table[key] for key in ("id", "name", "title", "place") if key in table), None)
    where = f"{owner}{noun}" if named is None else f"{owner}{noun} {named!r}"
    names, needed = _keys(kind)
    check_keys(where, table, list(names), needed)
    settings: dict[str, Any] = {names[key]: _own(value) for key, value in table.items()}
    for key, inner in _INSIDE.items():
        if key in names and key in settings:
            settings[key] = _inside(inner, settings[key], f"{where}, ")
    try:
        return kind(**settings)
    except PackError as error:
        raise type(error)(f"{owner}{error}") from None


@cache
def _keys(kind: Callable[..., Any]) -> tuple[dict[str, str], list[str]]:
    """The keys of a record's table with their attributes, and the keys it must have."""
    declared = fields(cast("Any", kind))
    # `from` is a word of Python; its attribute is called `from_`.
    names = {one.name.rstrip("_"): one.name for one in declared}
    return names, [one.name for one in declared if one.default is MISSING]


def _own(value: Any) -> Any:
    """A value that no other record shares, since files that are included are read once."""
    if isinstance(value, list):
        return tuple(value)
    return dict(value) if isinstance(value, Mapping) else value


def _inside(kind: Callable[..., Any], value: Any, owner: str) -> Any:
    """The records of a key that holds tables; anything else is refused by its owner."""
    if isinstance(value, Mapping):
        return _record(kind, value, owner)
    if isinstance(value, tuple):
        return tuple(
            _record(kind, one, owner) if isinstance(one, Mapping) else one for one in value
        )
    return value
