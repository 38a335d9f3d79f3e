"""How a query is put for one engine: everything that differs between engines, and nothing else.

`entry` and `query` say what is asked and build it from these methods; an
engine is a subclass that says how its SQL puts them. A new engine overrides
what is abstract here, and whatever it can do faster.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from spcbench.measures.engine_text import Dialect as DialectName

Native = Literal["text", "boolean", "integer", "number", "date", "datetime", "zoned", "null"]
"""What a column of a table holds; ``zoned`` is a moment with a time zone."""

BLANKS = " \t\r\n\u00a0"
"""What may stand around the text of a cell without meaning anything."""


class Dialect(ABC):
    """The SQL of one engine.

    Every method takes SQL and gives SQL. Numbers are DOUBLE, moments are
    timestamps without a time zone, and a condition is true, false or null.
    """

    name: ClassVar[DialectName]
    """What `Expression.to_sql` calls it."""
    types: ClassVar[Mapping[str, str]]
    """The engine's type for each of `measure.TYPES`."""

    # -- names and literals --------------------------------------------------------

    @abstractmethod
    def named(self, column: str) -> str:
        """A name as an identifier."""

    @abstractmethod
    def quoted(self, text: str) -> str:
        """A text as a literal."""

    @abstractmethod
    def native(self, native_type: str) -> str:
        """What a column of that type of the engine holds: a `Native`, or the type itself."""

    # -- cells ---------------------------------------------------------------------

    @abstractmethod
    def as_text(self, cell: str) -> str:
        """Any value as text, unchanged where it is text already."""

    def taken(self, cell: str, native_type: str) -> str:
        """A cell of a type of its own without what the next cast would add to it."""
        return cell

    @abstractmethod
    def trimmed(self, cell: str) -> str:
        """The text of a cell without the `BLANKS` around it; null where nothing is left."""

    @abstractmethod
    def matches(self, text: str, pattern: str) -> str:
        """Whether the whole text matches a regular expression (RE2 and Java agree on ours)."""

    @abstractmethod
    def try_cast(self, text: str, kind: str) -> str:
        """A value of the engine's type for `kind`; null where it cannot be one."""

    @abstractmethod
    def parsed(self, text: str, date_format: str, zone: str) -> str:
        """A moment written in a format such as ``%d/%m/%Y``; null where it is not."""

    @abstractmethod
    def wall_clock(self, moment: str, zone: str) -> str:
        """What clocks in a zone show at a moment that has a time zone."""

    @abstractmethod
    def zoned(self, text: str, zone: str) -> str:
        """What clocks in a zone show at a moment written with its distance from UTC."""

    @abstractmethod
    def finite(self, value: str) -> str:
        """Whether a DOUBLE is neither NaN nor infinite, or a date not infinite."""

    @abstractmethod
    def whole(self, number: str) -> str:
        """Whether a DOUBLE has no decimal places."""

    @abstractmethod
    def moment(self, text: str) -> str:
        """A literal moment, from ``YYYY-MM-DD``."""

    def quick(self, kind: str, cell: str) -> tuple[str, str] | None:
        """A cheaper way to take in most cells of text: when it will do, and what it gives.

        What it gives must equal what the strict way of `entry` gives.
        """
        del kind, cell
        return None

    def trimmed_name(self, cell: str) -> str:
        """As `trimmed`, for cells that hardly ever have blanks around them."""
        return self.trimmed(cell)

    # -- periods, sums and places ------------------------------------------------------

    @abstractmethod
    def period_start(self, moment: str, length: str) -> str:
        """First day, as DATE, of the day, week (from Monday), month, quarter or year."""

    @abstractmethod
    def months_later(self, moment: str, months: int) -> str:
        """The same day of a month so many months later or earlier."""

    def counted(self, condition: str) -> str:
        """How many rows of a group meet a condition, as BIGINT."""
        return f"CAST(count(*) FILTER (WHERE {condition}) AS BIGINT)"

    def outcomes(self, eligible: str, met: str) -> tuple[str, str, str]:
        """How many eligible rows of a group are met, not met and unknown, each as BIGINT."""
        return (
            self.counted(f"{eligible} AND {met}"),
            self.counted(f"{eligible} AND NOT {met}"),
            self.counted(f"{eligible} AND {met} IS NULL"),
        )

    def summed(self, number: str) -> str:
        """The sum of a whole number over a group, as BIGINT; 0 over nothing."""
        return f"CAST(coalesce(sum({number}), 0) AS BIGINT)"

    def as_integer(self, condition: str) -> str:
        """1 where a condition is true, else 0."""
        return f"CAST(coalesce({condition}, FALSE) AS INTEGER)"

    def any_of(self, condition: str) -> str:
        """Whether any row of a group meets a condition; false where it is null."""
        return f"bool_or(coalesce({condition}, FALSE))"

    @abstractmethod
    def without_digits(self, text: str) -> str:
        """A text with every digit replaced by 9."""

    # -- ways to say things that are the same everywhere ---------------------------------

    def value_of_null(self, kind: str) -> str:
        """A null of a type."""
        return f"CAST(NULL AS {self.types[kind]})"

    def cast(self, value: str, kind: str) -> str:
        """A value as the engine's type for `kind`."""
        return f"CAST({value} AS {self.types[kind]})"

    def listed(self, values: Sequence[str | int]) -> str:
        """Literals as a list for IN."""
        return ", ".join(self.quoted(one) if isinstance(one, str) else str(one) for one in values)
