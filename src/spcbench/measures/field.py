"""What a record has: its fields, where definitions come from, and checks between fields.

Every record here is frozen and checks itself when made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from spcbench.errors import PackError
from spcbench.measures.checks import check_choice, check_flag, check_texts, is_number, is_pair
from spcbench.plugin.records import ID_PATTERN

FieldType = Literal["text", "integer", "number", "boolean", "date", "datetime"]

TYPES = ("text", "integer", "number", "boolean", "date", "datetime")
ACTIONS = ("set_aside", "report")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A column of the record that expressions may use.

    Parameters
    ----------
    name : str
        The column's name, exactly as in the data.
    type : str
        ``"text"``, ``"integer"``, ``"number"``, ``"boolean"``, ``"date"`` or
        ``"datetime"``.
    unit, title : str
        In plain words.
    range : tuple of two numbers, optional
        Lowest and highest value, both included.
    values : tuple, optional
        Every value that may occur.
    required : bool
        True: the column must exist, and a record without a value is set aside.
    optional : bool
        True: data without the column can be counted, and its value is then
        unknown for every record. Without it a measure that uses the column
        cannot be counted.
    from_ : str
        An expression over other fields that gives the value (``from`` in a
        pack's file); the data need no such column.

    Raises
    ------
    PackError
        If a setting is malformed or does not go with the type.

    Examples
    --------
    >>> Field(name="ga_days", type="integer", range=(140, 320)).range
    (140, 320)
    """

    name: str
    type: FieldType
    unit: str = ""
    range: tuple[float, float] | None = None
    values: tuple[str | int, ...] = ()
    required: bool = False
    title: str = ""
    from_: str = ""
    optional: bool = False

    def __post_init__(self) -> None:
        where = f"field {self.name!r}"
        if not isinstance(self.name, str) or not self.name.strip():
            raise PackError(f"{where}: name must be the name of a column")
        check_texts(where, **{"unit": self.unit, "title": self.title, "from": self.from_})
        check_choice(where, "type", self.type, TYPES)
        check_flag(where, "required", self.required)
        check_flag(where, "optional", self.optional)
        if self.optional and (self.required or self.from_):
            other = "required" if self.required else "from"
            raise PackError(f"{where}: optional does not go with {other}")
        if self.range is not None:
            self._check_range(where)
        if self.values:
            self._check_values(where)

    def _check_range(self, where: str) -> None:
        if self.type not in ("integer", "number"):
            raise PackError(f"{where}: range goes with integer and number, not with {self.type}")
        if not (is_pair(self.range) and all(is_number(end) for end in self.range or ())):
            raise PackError(f"{where}: range must be [lowest, highest], two numbers")
        low, high = self.range or (0, 0)
        if low > high:
            raise PackError(f"{where}: range starts at {low:g}, above its end {high:g}")

    def _check_values(self, where: str) -> None:
        kinds: dict[str, type] = {"text": str, "integer": int}
        if self.type not in kinds:
            raise PackError(f"{where}: values go with text and integer, not with {self.type}")
        for value in self.values:
            if not isinstance(value, kinds[self.type]) or isinstance(value, bool):
                raise PackError(f"{where}: every one of values must be {self.type}, not {value!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a definition comes from.

    Parameters
    ----------
    title : str
        The publication.
    publisher, address : str
        Who published it, and where it stands.
    year : int, optional
        When.

    Examples
    --------
    >>> str(Source(title="A guideline", publisher="A college", year=2024))
    'A guideline. A college, 2024'
    """

    title: str
    publisher: str = ""
    year: int | None = None
    address: str = ""

    def __post_init__(self) -> None:
        check_texts("source", title=self.title, publisher=self.publisher, address=self.address)
        if not self.title:
            raise PackError("source: title must not be empty")
        if self.year is not None and (not isinstance(self.year, int) or self.year is True):
            raise PackError(f"source: year must be a whole number, not {self.year!r}")

    def __str__(self) -> str:
        origin = ", ".join(str(part) for part in (self.publisher, self.year) if part)
        return ". ".join(part for part in (self.title, origin, self.address) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Something that must hold between the fields of one record.

    Parameters
    ----------
    id, title : str
        Its short name, unique in the pack, and what must hold in plain words.
    must : str
        A condition; a record for which it is false breaks the check. One for
        which it is unknown does not.
    action : str
        ``"set_aside"``: the record is left out of every count of the pack;
        ``"report"``: it is only counted in the quality table.

    Raises
    ------
    PackError
        If a setting is malformed.

    Examples
    --------
    >>> Check(id="alive", title="Seen after birth", must="seen_at >= born_at").action
    'set_aside'
    """

    id: str
    title: str
    must: str
    action: Literal["set_aside", "report"] = "set_aside"

    def __post_init__(self) -> None:
        where = f"check {self.id!r}"
        if not isinstance(self.id, str) or not ID_PATTERN.fullmatch(self.id):
            raise PackError(f"{where}: id must match {ID_PATTERN.pattern}")
        check_texts(where, title=self.title, must=self.must)
        for key in ("title", "must"):
            if not getattr(self, key).strip():
                raise PackError(f"{where}: {key} must not be empty")
        check_choice(where, "action", self.action, ACTIONS)
