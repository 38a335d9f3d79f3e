"""Which cells a query takes in, and the marks that they can get.

Step by step, as `query` puts them together: each is a list of columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from spcbench.measures.entry import Entry, Way, entry, limits_of, plausible
from spcbench.measures.expression import Expression
from spcbench.measures.measure import Check, Field
from spcbench.measures.periods import Periods
from spcbench.measures.wanted import Wanted

OUTSIDE = "outside_periods"
"""Problem of a date that lies in none of the periods of one's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that is wrong with records.

    Parameters
    ----------
    field, code : str
        The column, or the check between fields, and what is wrong.
    flag : str
        Name of the column that marks it.
    place : int
        Which of the packs it concerns; -1 for all of them.
    sets_aside : bool
        Whether such a record is left out of the counts of its pack.
    check : Check, optional
        The check that it breaks.
    """

    field: str
    code: str
    flag: str
    place: int
    sets_aside: bool = True
    check: Check | None = None


class Cells:
    """The cells of a table that some measures need, converted and marked.

    Parameters
    ----------
    wanted, natives, way, unit_column, date_column, periods, date_format
        As for `query.CountQuery`.
    """

    def __init__(
        self,
        wanted: Sequence[Wanted],
        natives: Mapping[str, str],
        way: Way,
        *,
        unit_column: str | None,
        date_column: str | None,
        periods: Periods,
        date_format: str | None,
    ) -> None:
        self._natives = natives
        self._way = way
        self._dialect = way.dialect
        self._periods = periods
        self._date_column = date_column
        self._date_format = date_format
        self._declared: dict[tuple[int, str], Field] = {}
        self.entered: list[str] = []
        self.taken: list[str] = []
        self.levels: list[list[str]] = []
        self.flagged: list[str] = []
        self.checked: list[str] = []
        self.problems: list[Problem] = []
        self.other_orders: dict[str, str] = {}
        self.classes: dict[str, str] = {}
        self._enter_base(unit_column, date_column)
        for place, one in enumerate(wanted):
            self._enter_pack(place, one)

    def field_of(self, problem: Problem) -> Field:
        """What was declared of the field that a problem is about."""
        return self._declared[problem.place, problem.field]

    def _enter_base(self, unit_column: str | None, date_column: str | None) -> None:
        if unit_column is None:
            self.entered.append("'' AS unit")
        else:
            self._enter(Field(name=unit_column, type="text", required=True), "unit", -1)
        if date_column is None:
            self.entered.append(f"{self._dialect.value_of_null('datetime')} AS day")
            return
        self._enter(Field(name=date_column, type="datetime", required=True), "day", -1)
        if outside := self._periods.outside_sql("day", self._dialect):
            self._flag(date_column, OUTSIDE, outside, "day", -1)

    def _enter_pack(self, place: int, wanted: Wanted) -> None:
        for field in wanted.declared:
            # A column that only tells records apart costs the scan nothing, and may be of any type.
            if field.name in self._natives and field.name != wanted.only_key:
                self._enter(field, f"{place}.{field.name}", place)
        for field in wanted.absent(self._natives):
            self._enter_absent(field, place)
        level_of: dict[str, int] = {}
        for field, expression in wanted.derivable(self._natives):
            level = 1 + max((level_of.get(name, 0) for name in expression.columns), default=0)
            level_of[field.name] = level
            self._derive(field, expression, level - 1, place)
        known = {one.name for one in wanted.declared if one.name in self._natives} | set(level_of)
        known |= {one.name for one in wanted.absent(self._natives)}
        for check, condition in wanted.checks:
            if condition.columns <= known:
                self._check(check, condition, place)

    def _enter(self, field: Field, alias: str, place: int) -> None:
        """Take in one column: its value, and the marks it can get."""
        named = self._dialect.named
        self._declared[place, field.name] = field
        dated = field.type in ("date", "datetime")
        native = self._natives[field.name]
        made = entry(
            field, native, self._way, value=alias, cell=cell_name(field.name),
            date_format=self._format_for(field),
        )  # fmt: skip
        if alias == "unit" and self._dialect.native(native) == "text":
            # Blanks around the name of a unit would make two units of one.
            made = replace(made, value=self._dialect.trimmed_name(named(field.name)))
        first = f"raw~{alias}" if dated else alias
        self.entered.append(f"{made.value} AS {named(first)}")
        if dated:
            self.taken.append(f"{plausible(named(first), self._dialect)} AS {named(alias)}")
        self._note(field.name, made)
        for code, condition in made.problems:
            self._flag(field.name, code, condition, alias, place)

    def _enter_absent(self, field: Field, place: int) -> None:
        """A column that the data may lack, and do: unknown in every record."""
        alias = self._dialect.named(f"{place}.{field.name}")
        self._declared[place, field.name] = field
        self.entered.append(f"{self._dialect.value_of_null(field.type)} AS {alias}")
        self.classes.setdefault(field.name, "'blank'")

    def _derive(self, field: Field, expression: Expression, level: int, place: int) -> None:
        """Work one field out from others, a step after those it needs."""
        self._declared[place, field.name] = field
        named, alias = self._dialect.named, f"{place}.{field.name}"
        value = expression.to_sql(self._dialect.name, prefix=f"{place}.")
        fits = "TRUE"
        if field.type in ("integer", "number"):
            fits = self._dialect.finite(value)
        elif field.type == "datetime":
            value = self._dialect.cast(value, "datetime")
        while len(self.levels) <= level:
            self.levels.append([])
        self.levels[level].append(f"CASE WHEN {fits} THEN {value} END AS {named(alias)}")
        made = named(alias)
        problems = list(limits_of(field, made, self._dialect))
        if field.type == "integer":
            problems.append(("wrong_type", f"NOT {self._dialect.whole(made)}"))
        if field.required:
            problems.append(("missing", f"{made} IS NULL"))
        for code, condition in problems:
            self._flag(field.name, code, condition, alias, place)
        self.classes.setdefault(
            field.name, f"CASE WHEN {made} IS NULL THEN 'blank' ELSE 'derived' END"
        )

    def _check(self, check: Check, condition: Expression, place: int) -> None:
        """Mark the records in which a condition between fields is known not to hold."""
        named = self._dialect.named
        must = condition.to_sql(self._dialect.name, prefix=f"{place}.")
        flag = f"check?{place}.{check.id}"
        broken = f"NOT {named(f'{place}~unfit')} AND NOT {must}"
        self.checked.append(f"coalesce({broken}, FALSE) AS {named(flag)}")
        sets_aside = check.action == "set_aside"
        code = "breaks_check" if sets_aside else "breaks_check_reported"
        self.problems.append(
            Problem(
                field=check.id,
                code=code,
                flag=flag,
                place=place,
                sets_aside=sets_aside,
                check=check,
            )
        )

    def _flag(self, field: str, code: str, condition: str, alias: str, place: int) -> None:
        flag = f"{code}?{alias}"
        self.flagged.append(f"coalesce({condition}, FALSE) AS {self._dialect.named(flag)}")
        self.problems.append(Problem(field=field, code=code, flag=flag, place=place))

    def _note(self, field: str, made: Entry) -> None:
        """Keep the cell, once for all packs."""
        if field in self.classes:
            return
        named = self._dialect.named
        self.classes[field] = made.value_class
        self.entered.append(f"{named(field)} AS {named(cell_name(field))}")
        if made.other_order:
            self.other_orders[field] = made.other_order
            self.flagged.append(f"{made.other_order} AS {named(f'order?{field}')}")

    def _format_for(self, field: Field) -> str | None:
        """A format with hours is for date-times, else for dates; the date column takes either."""
        if self._date_format is None or field.type not in ("date", "datetime"):
            return None
        timed = any(mark in self._date_format for mark in ("%H", "%I", "%X", "%c"))
        fits = field.name == self._date_column or timed == (field.type == "datetime")
        return self._date_format if fits else None


def cell_name(field: str) -> str:
    """Name of the column that keeps a cell as it was."""
    return f"cell?{field}"


def class_name(field: str) -> str:
    """Name of the column that tells what kind of thing a cell holds."""
    return f"class?{field}"
