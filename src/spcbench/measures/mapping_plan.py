"""Where each wanted column of one extract comes from, and how the extract spells its names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from spcbench.errors import InputError
from spcbench.measures.column_names import CHECK_FIRST, column_meant, squeezed, suggest_columns
from spcbench.measures.scans import named

if TYPE_CHECKING:
    from spcbench.measures.mapping import ColumnMapping

_RESERVED = (
    *("AND", "OR", "NOT", "IS", "IN", "BETWEEN", "LIKE", "ESCAPE", "NULL", "TRUE", "FALSE"),
    *("CASE", "WHEN", "THEN", "ELSE", "END"),
)
"""Words that are never taken for a part of a name unless it stands in quotation marks."""

WORDS_MAX = 12
"""The longest name, in words, that is found without quotation marks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One wanted column that a mapping makes.

    Parameters
    ----------
    name : str
        The wanted column.
    text : str
        The expression, with the columns of the extract in quotation marks.
    sources : tuple of str
        Those columns.
    """

    name: str
    text: str
    sources: tuple[str, ...]

    @property
    def renamed(self) -> bool:
        """Whether it is another column as it stands."""
        return len(self.sources) == 1 and self.text == named(self.sources[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Where the wanted columns of one file come from.

    Parameters
    ----------
    passed : tuple of str
        Columns that are taken as they stand.
    made : tuple of Made
        Columns that are made.
    types : mapping of str to str
        What a column of the extract holds, where the mapping says so.
    date_format : str, optional
        How dates are written in text.
    zone : str
        Whose clocks moments with a time zone are told by.
    owner : str
        Whose expressions they are, for messages.
    passed_over : tuple of str
        What to say of columns that are not used, though they nearly have the name of a field.
    """

    passed: tuple[str, ...] = ()
    made: tuple[Made, ...] = ()
    types: Mapping[str, str] = field(default_factory=dict)
    date_format: str | None = None
    zone: str = ""
    owner: str = ""
    passed_over: tuple[str, ...] = ()

    @property
    def mapped(self) -> bool:
        """Whether anything is made."""
        return bool(self.made)

    @property
    def sources(self) -> list[str]:
        """Every column of the extract that is needed."""
        needed = [source for one in self.made for source in one.sources]
        return list(dict.fromkeys([*self.passed, *needed]))


def planned(
    mapping: ColumnMapping,
    names: Sequence[str],
    wanted: Sequence[str],
    beside: Sequence[str],
    source: str,
) -> Plan:
    """Where each wanted column comes from: the mapping first, then a column of that name.

    Parameters
    ----------
    mapping : ColumnMapping
        How columns are made.
    names : sequence of str
        The columns of the extract.
    wanted, beside : sequence of str
        The columns that must be there, and those that come along.
    source : str
        The extract, for messages.

    Raises
    ------
    InputError
        If a wanted column is neither there nor can be made.
    """
    mapping.check_asked([*wanted, *beside])
    passed, made = [], []
    for name in dict.fromkeys([*wanted, *beside]):
        text = mapping.expression(name)
        found = None if text is None else spelled(text, names, source)
        if found is not None and not found.lacking:
            made.append(Made(name=name, text=found.text, sources=found.sources))
        elif name in names and name not in mapping.asked:
            passed.append(name)
        elif name in wanted or name in mapping.asked:
            _refuse(name, found, names, source)
    types = {column_meant(one, names, source) or one: kind for one, kind in mapping.types.items()}
    return Plan(
        passed=tuple(passed),
        made=tuple(made),
        types=types,
        date_format=mapping.date_format,
        zone=mapping.zone,
        owner=mapping.title,
        passed_over=tuple(_passed_over(passed, made, names, [*wanted, *beside])),
    )


def _passed_over(
    passed: Sequence[str], made: Sequence[Made], names: Sequence[str], fields: Sequence[str]
) -> Iterator[str]:
    """Columns in almost the name of a field that nothing fills, and that nobody uses."""
    filled = {*passed, *(one.name for one in made)}
    used = {*passed, *(source for one in made for source in one.sources)}
    for name in dict.fromkeys(fields):
        if name in filled or not squeezed(name):
            continue
        alike = [one for one in names if squeezed(one) == squeezed(name) and one not in used]
        if alike:
            yield (
                f"{CHECK_FIRST}the column {alike[0]!r} is not used, because the pack calls it "
                f"{name!r} and the mapping does not name it; rename it, or add {name!r} to the "
                "mapping"
            )


def _refuse(name: str, found: Spelled | None, names: Sequence[str], source: str) -> None:
    if found is None:
        raise InputError(
            f"{source} has no column {name!r}, and the mapping does not make it; "
            f"{suggest_columns(name, names)}"
        )
    lacking = found.lacking[0]
    raise InputError(
        f"{source} has no column {lacking!r}, from which the mapping makes {name!r}; "
        f"{suggest_columns(lacking, names)}"
    )


@dataclass(frozen=True, slots=True)
class Spelled:
    """An expression with every column as the extract spells it.

    Parameters
    ----------
    text : str
        The columns found stand in quotation marks.
    sources, lacking : tuple of str
        The columns found, and the names for which there is none.
    """

    text: str
    sources: tuple[str, ...]
    lacking: tuple[str, ...]


def spelled(text: str, names: Sequence[str], source: str) -> Spelled:
    """An expression with every column as the extract spells it.

    Parameters
    ----------
    text : str
        As it was written: names with blanks may stand without quotation
        marks, and capitals, blanks and underscores need not be the same.
    names : sequence of str
        The columns of the extract.
    source : str
        The extract, for messages.

    Examples
    --------
    >>> spelled("gestation weeks*7 + days", ["Gestation Weeks", "Days"], "births.csv").text
    '"Gestation Weeks"*7 + "Days"'
    """
    from sqlglot.errors import SqlglotError
    from sqlglot.tokens import Tokenizer

    try:
        tokens = Tokenizer().tokenize(text)
    except SqlglotError:
        return Spelled(text, (), ())  # told, with its place, when it is parsed
    written, sources, lacking, at, place = [], [], [], 0, 0
    while place < len(tokens):
        size, column = _longest(tokens, place, text, names, source)
        first, last = tokens[place], tokens[place + max(size, 1) - 1]
        if column is not None:
            written.append(text[at : first.start] + named(column))
            sources.append(column)
            at = last.end + 1
        elif _is_name(tokens, place, text):
            lacking.append(first.text)
        place += max(size, 1)
    whole = "".join([*written, text[at:]])
    return Spelled(whole, tuple(dict.fromkeys(sources)), tuple(dict.fromkeys(lacking)))


def _longest(
    tokens: list[Any], place: int, text: str, names: Sequence[str], source: str
) -> tuple[int, str | None]:
    """How many words from a place on are the name of a column, and of which."""
    if text[tokens[place].start] == '"':
        return 1, column_meant(tokens[place].text, names, source)
    words = 0
    while words < WORDS_MAX and _is_word(tokens, place + words, text):
        words += 1
    for size in range(words, 0, -1):
        last = place + size - 1
        if _is_called(tokens, last, text):
            continue
        span = text[tokens[place].start : tokens[last].end + 1]
        column = column_meant(span, names, source)
        if column is not None:
            return size, column
    return 1, None


def _is_word(tokens: list[Any], place: int, text: str) -> bool:
    """Whether a token may be a word of a name; a number may be, though not the first."""
    if place >= len(tokens):
        return False
    word = text[tokens[place].start : tokens[place].end + 1]
    if word.upper() in ("DATE", "TIMESTAMP"):
        return not _is_followed_by(tokens, place, text, "'")  # else DATE '2024-04-01'
    plain = word.replace("_", "a").isalnum()
    return plain and word.upper() not in _RESERVED


def _is_name(tokens: list[Any], place: int, text: str) -> bool:
    word = text[tokens[place].start : tokens[place].end + 1]
    if word.startswith('"'):
        return True
    plain = tokens[place].token_type.name == "VAR" and word.upper() not in _RESERVED
    return plain and not _is_called(tokens, place, text)


def _is_called(tokens: list[Any], place: int, text: str) -> bool:
    return _is_followed_by(tokens, place, text, "(")


def _is_followed_by(tokens: list[Any], place: int, text: str, sign: str) -> bool:
    return place + 1 < len(tokens) and text[tokens[place + 1].start] == sign
