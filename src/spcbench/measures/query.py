"""One aggregating query for all wanted measures: ten measures cost one scan.

The query has three steps. `entered` converts each cell by its declared type
and marks what is wrong; `placed` gives each record its unit and period and
marks records that are set aside for a pack; `judged` asks each measure whether
the record is eligible and met. The last step only adds up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from spcbench.measures.entry import Entry, entry, trimmed
from spcbench.measures.measure import Composite, Field, Measure
from spcbench.measures.records_sql import named, quoted
from spcbench.measures.wanted import Wanted

if TYPE_CHECKING:
    pass

Part = Literal["numerator", "denominator", "missing"]

UNKNOWN_PROBLEM = {
    "not_met": ("met_unknown_not_met",),
    "reject_record": ("met_unknown_set_aside",),
}
"""What the quality table calls an unknown `met`, by the measure's `missing`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that sets records aside.

    Parameters
    ----------
    field, code : str
        The column, and what is wrong with it.
    flag : str
        Name of the column of `entered` that marks it.
    """

    field: str
    code: str
    flag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """One number the query adds up for each unit and period.

    Parameters
    ----------
    name : str
        Its column in the result.
    condition : str
        Which records it counts.
    """

    name: str
    condition: str


class CountQuery:
    """The query for some measures on some columns.

    Parameters
    ----------
    wanted : sequence of Wanted
        Packs and measures.
    natives : mapping of str to str
        DuckDB's type of each column of the table.
    unit_column, date_column, period : str
        What a unit is, what dates a record, and how long a period lasts.
    date_format : str, optional
        How text dates are written.
    source : str
        For messages.
    """

    def __init__(
        self,
        wanted: Sequence[Wanted],
        natives: Mapping[str, str],
        *,
        unit_column: str,
        date_column: str,
        period: str,
        date_format: str | None,
        source: str,
    ) -> None:
        self._wanted = wanted
        self._natives = natives
        self._period = period
        self._source = source
        self._date_format = date_format
        self._date_column = date_column
        self._selected: list[str] = []
        self.problems: list[Problem] = []
        self.other_orders: dict[str, str] = {}
        self._classes: dict[str, str] = {}
        unit = self._enter(Field(name=unit_column, type="text", required=True), "unit")
        day = self._enter(Field(name=date_column, type="datetime", required=True), "day")
        self._base = unit + day
        self._of_pack = [
            [
                flag
                for field in cast("tuple[Field, ...]", one.pack.fields)
                if field.name in natives
                for flag in self._enter(field, f"{place}.{field.name}")
            ]
            for place, one in enumerate(wanted)
        ]
        self.tallies = list(self._tallies())

    @property
    def set_aside_late(self) -> dict[str, str]:
        """Full names of measures that set aside a record with `met` unknown, by its mark."""
        return {
            f"{name}.aside": f"{self._wanted[int(name.partition(':')[0])].pack.name}:{measure.id}"
            for name, measure in self._listed()
            if isinstance(measure, Measure) and measure.missing == "reject_record"
        }

    # -- the steps ---------------------------------------------------------------

    def counts(self, relation: str) -> str:
        """The aggregating query; one row per unit and period, one more for what has neither."""
        added = ", ".join(
            f"CAST(count(*) FILTER ({one.condition}) AS BIGINT) AS {named(one.name)}"
            for one in self.tallies
        )
        return (
            f"WITH {self._steps(relation)} SELECT unit, period, count(*) AS records, "
            f"{added} FROM judged GROUP BY unit, period ORDER BY unit, period"
        )

    def rejects(self, relation: str) -> str:
        """A second scan: place, marks and value classes of the records set aside."""
        flags = [named(problem.flag) for problem in self.problems]
        flags += [named(f"{name}.aside") for name, _ in self._aside()]
        classes = [named(class_name(field)) for field in self._classes]
        numbered = f"(SELECT *, row_number() OVER () AS record FROM {relation})"
        return (
            f"WITH {self._steps(numbered, record=True)} "
            f"SELECT record, {', '.join([*flags, *classes])} "
            f"FROM judged WHERE {' OR '.join(flags)} ORDER BY record"
        )

    def first_other_order(self, relation: str, field: str) -> str:
        """The place, and the shape without the digits, of the first date in another order."""
        shape = f"regexp_replace(trim(CAST({named(field)} AS VARCHAR)), '[0-9]', '9', 'g')"
        return (
            f"SELECT record, {shape} AS shape "
            f"FROM (SELECT *, row_number() OVER () AS record FROM {relation}) "
            f"WHERE {self.other_orders[field]} ORDER BY record LIMIT 1"
        )

    def _steps(self, relation: str, *, record: bool = False) -> str:
        kept = ["record"] if record else []
        entered = ", ".join([*kept, *self._selected])
        unplaced = " OR ".join(map(named, self._base))
        broken = [
            f"({' OR '.join(map(named, [*self._base, *flags]))}) AS {named(f'{place}.broken')}"
            for place, flags in enumerate(self._of_pack)
        ]
        placed = ", ".join(
            [
                f"* REPLACE (CASE WHEN NOT ({unplaced}) THEN {trimmed('unit')} END AS unit)",
                f"CASE WHEN NOT ({unplaced}) THEN "
                f"CAST(date_trunc({quoted(self._period)}, day) AS DATE) END AS period",
                *broken,
            ]
        )
        asked = ", ".join(["*", *self._conditions()])
        judged = ", ".join(["*", *self._verdicts()])
        return (
            f"entered AS (SELECT {entered} FROM {relation}), "
            f"placed AS (SELECT {placed} FROM entered), "
            f"asked AS (SELECT {asked} FROM placed), judged AS (SELECT {judged} FROM asked)"
        )

    # -- cells ---------------------------------------------------------------------

    def _enter(self, field: Field, alias: str) -> list[str]:
        """Take in one column; the names of the marks it can get."""
        made = entry(
            field,
            self._natives[field.name],
            source=self._source,
            date_format=self._format_for(field),
        )
        self._selected.append(f"{made.value} AS {named(alias)}")
        flags = []
        for code, condition in made.problems:
            flag = f"{code}?{alias}"
            self._selected.append(f"coalesce({condition}, FALSE) AS {named(flag)}")
            self.problems.append(Problem(field=field.name, code=code, flag=flag))
            flags.append(flag)
        self._note(field.name, made)
        return flags

    def _note(self, field: str, made: Entry) -> None:
        if field not in self._classes:
            self._classes[field] = made.value_class
            self._selected.append(f"{made.value_class} AS {named(class_name(field))}")
        if made.other_order and field not in self.other_orders:
            self.other_orders[field] = made.other_order
            self._selected.append(
                f"coalesce({made.other_order}, FALSE) AS {named(f'order?{field}')}"
            )

    def _format_for(self, field: Field) -> str | None:
        """A format with hours is for date-times, else for dates; the date column takes either."""
        if self._date_format is None or field.type not in ("date", "datetime"):
            return None
        timed = any(mark in self._date_format for mark in ("%H", "%I", "%X", "%c"))
        fits = field.name == self._date_column or timed == (field.type == "datetime")
        return self._date_format if fits else None

    # -- measures --------------------------------------------------------------------

    def _conditions(self) -> list[str]:
        """`eligible` and `met` of every measure on records, for the records that are whole."""
        return [
            f"CASE WHEN NOT {named(f'{place}.broken')} THEN "
            f"{condition.to_sql(prefix=f'{place}.')} END AS {named(f'{place}:{one}.{part}')}"
            for place, wanted in enumerate(self._wanted)
            for one in wanted.needed
            for part, condition in zip(("eligible", "met"), wanted.conditions[one], strict=True)
        ]

    def _verdicts(self) -> list[str]:
        """Whether each wanted composite is eligible and met, and what is set aside late."""
        made = []
        for name, measure in self._listed():
            if isinstance(measure, Composite):
                place = name.partition(":")[0]
                eligible, met = _all_or_none([f"{place}:{part}" for part in measure.of], self._met)
                made.append(f"{eligible} AS {named(f'{name}.eligible')}")
                made.append(f"{met} AS {named(f'{name}.met')}")
        return made + [
            f"{condition} AS {named(f'{name}.aside')}" for name, condition in self._aside()
        ]

    def _aside(self) -> list[tuple[str, str]]:
        """Measures whose records are set aside where `met` is unknown, and when."""
        return [
            (name, f"coalesce({_eligible(name)} AND {named(f'{name}.met')} IS NULL, FALSE)")
            for name, measure in self._listed()
            if isinstance(measure, Measure) and measure.missing == "reject_record"
        ]

    def _met(self, name: str) -> str:
        """`met` as a composite sees it: a measure that counts unknown as not met still does."""
        place, _, one = name.partition(":")
        pack = self._wanted[int(place)].pack
        missing = next(
            measure.missing
            for measure in pack.measures
            if isinstance(measure, Measure) and measure.id == one
        )
        column = named(f"{name}.met")
        return f"coalesce({column}, FALSE)" if missing == "not_met" else column

    def _listed(self) -> list[tuple[str, Measure | Composite]]:
        return [
            (f"{place}:{measure.id}", measure)
            for place, wanted in enumerate(self._wanted)
            for measure in wanted.measures
        ]

    def _tallies(self) -> list[Tally]:
        broken = " OR ".join(named(f"{place}.broken") for place in range(len(self._wanted)))
        tallies = [Tally(name="rejected", condition=broken)]
        tallies += [
            Tally(name=order_name(field), condition=named(f"order?{field}"))
            for field in self.other_orders
        ]
        by_problem: dict[tuple[str, str], list[str]] = {}
        for problem in self.problems:
            by_problem.setdefault((problem.field, problem.code), []).append(named(problem.flag))
        tallies += [
            Tally(name=problem_name(field, code), condition=" OR ".join(flags))
            for (field, code), flags in by_problem.items()
        ]
        for name, measure in self._listed():
            tallies += _tallies_of(name, measure, self._unsure(name, measure))
        return tallies

    def _unsure(self, name: str, measure: Measure | Composite) -> str:
        """When it is not known whether a record is eligible."""
        place = name.partition(":")[0]
        parts = (
            [f"{place}:{part}" for part in measure.of] if isinstance(measure, Composite) else [name]
        )
        unknown = " OR ".join(f"{named(f'{part}.eligible')} IS NULL" for part in parts)
        return f"NOT {named(f'{place}.broken')} AND ({unknown})"


def problem_name(field: str, code: str) -> str:
    """Name of the tally of one problem of one column."""
    return f"problem {code} {field}"


def class_name(field: str) -> str:
    """Name of the column that tells what kind of thing a cell holds."""
    return f"class?{field}"


def order_name(field: str) -> str:
    """Name of the tally of dates in another order."""
    return f"order {field}"


def part_name(name: str, part: str) -> str:
    """Name of the tally of one part of one measure."""
    return f"{name} {part}"


def _eligible(name: str) -> str:
    return named(f"{name}.eligible")


def _tallies_of(name: str, measure: Measure | Composite, unsure: str) -> list[Tally]:
    eligible, met = _eligible(name), named(f"{name}.met")
    missing = measure.missing if isinstance(measure, Measure) else "exclude"
    unknown = f"{eligible} AND {met} IS NULL"
    conditions = {
        "numerator": f"{eligible} AND {met}",
        "denominator": eligible if missing == "not_met" else f"{eligible} AND {met} IS NOT NULL",
        "missing": unknown if missing == "exclude" else "FALSE",
        "eligible_unknown": unsure,
    }
    conditions.update(dict.fromkeys(UNKNOWN_PROBLEM.get(missing, ()), unknown))
    return [
        Tally(name=part_name(name, part), condition=condition)
        for part, condition in conditions.items()
    ]


def _all_or_none(parts: Sequence[str], met_of: Any) -> tuple[str, str]:
    """Eligible for anything; everything received, where one known miss settles it."""
    eligible = [f"({_eligible(part)} IS TRUE)" for part in parts]
    met = [met_of(part) for part in parts]
    pairs = list(zip(eligible, met, strict=True))
    missed = " OR ".join(f"({due} AND {given} IS FALSE)" for due, given in pairs)
    unknown = " OR ".join(f"({due} AND {given} IS NULL)" for due, given in pairs)
    return (
        f"({' OR '.join(eligible)})",
        f"CASE WHEN {missed} THEN FALSE WHEN {unknown} THEN NULL ELSE TRUE END",
    )
