"""One aggregating query for all wanted measures: ten measures cost one scan.

The query goes step by step, and each step sees the columns of those before:

`entered` converts each cell by its declared type and keeps the cell; `taken`
drops moments that cannot be; `derived…` works fields out from others;
`flagged` marks what is wrong; `placed` gives each record its unit and period
and marks records that are set aside for a pack; `checked` asks the checks
between fields; `asked` asks each measure whether the record is eligible and
met; `judged` does so for composites. The last step only adds up.

What differs between engines is said by a `Dialect`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from spcbench.measures.cells import OUTSIDE, Cells, Problem, cell_name, class_name
from spcbench.measures.entry import Way
from spcbench.measures.field import Field
from spcbench.measures.periods import Periods
from spcbench.measures.tallies import RECORD, Tally, Verdicts, known_name, order_name, problem_name
from spcbench.measures.wanted import Wanted

__all__ = ["OUTSIDE", "CountQuery", "Problem", "cell_name", "class_name"]


class CountQuery:
    """The query for some measures on some columns.

    Parameters
    ----------
    wanted : sequence of Wanted
        Packs and measures.
    natives : mapping of str to str
        The engine's type of each column of the table.
    way : Way
        The engine, and how its cells are to be read.
    unit_column, date_column : str, optional
        What a unit is and what dates a record; without them all is one group.
    periods : Periods
        How records are divided by time.
    date_format : str, optional
        How text dates are written.
    quality : bool
        Whether to tell what is wrong and how complete the fields are; records
        are set aside all the same.
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
        date_format: str | None = None,
        quality: bool = True,
    ) -> None:
        self._wanted = wanted
        self._natives = natives
        self.dialect = self._dialect = way.dialect
        self._periods = periods
        self._cells = Cells(
            wanted,
            natives,
            way,
            unit_column=unit_column,
            date_column=date_column,
            periods=periods,
            date_format=date_format,
        )
        self.problems = self._cells.problems
        self.other_orders = self._cells.other_orders
        self.classes = self._cells.classes
        self.verdicts = Verdicts(wanted, way.dialect)
        self.tallies = list(self._tallies(quality))

    @property
    def set_aside_late(self) -> dict[str, str]:
        """Full names of measures that set aside a record with `met` unknown, by its mark."""
        found = {}
        for name, _ in self.verdicts.aside():
            place, _, one = name.partition(":")
            found[f"{name}.aside"] = f"{self._wanted[int(place)].pack.name}:{one}"
        return found

    def field_of(self, problem: Problem) -> Field:
        """What was declared of the field that a problem is about."""
        return self._cells.field_of(problem)

    # -- the queries -------------------------------------------------------------------

    def counts(self, relation: str) -> str:
        """The aggregating query; one row per unit and period, one more for what has neither."""
        named = self._dialect.named
        added = ", ".join(
            ["count(*) AS records", *(f"{one.sql} AS {named(one.name)}" for one in self.tallies)]
        )
        return (
            f"WITH {self.steps(relation)} SELECT at_unit AS unit, at_period AS period, {added} "
            "FROM judged GROUP BY at_unit, at_period ORDER BY at_unit, at_period"
        )

    def shared(self, relation: str) -> Iterator[str]:
        """A query for each field by which measures take records together (often none)."""
        named = self._dialect.named
        for key in self.verdicts.by_key():
            together = ", ".join(self.verdicts.together(key))
            added = ", ".join(
                f"{one.sql} AS {named(one.name)}" for one in self.verdicts.shared(key)
            )
            yield (
                f"WITH {self.steps(relation)}, together AS (SELECT at_unit, at_period, {together} "
                f"FROM judged WHERE at_period IS NOT NULL AND {named(key)} IS NOT NULL "
                f"GROUP BY at_unit, at_period, {named(key)}) "
                f"SELECT at_unit AS unit, at_period AS period, {added} FROM together "
                "GROUP BY at_unit, at_period ORDER BY at_unit, at_period"
            )

    def rejects(
        self, numbered: str, *, only: Sequence[int] | None = None, reported: bool = False
    ) -> str:
        """A second scan: place, marks and value classes of the records set aside.

        Parameters
        ----------
        numbered : str
            A relation whose column `record` counts its rows from 1.
        only : sequence of int, optional
            Just these records, whether set aside or not.
        reported : bool
            Also records that break a check which is only reported.
        """
        named = self._dialect.named
        place = named(RECORD)
        flags = [*(named(one.flag) for one in self.problems), *map(named, self.set_aside_late)]
        classes = [f"{sql} AS {named(class_name(field))}" for field, sql in self.classes.items()]
        chosen = " OR ".join(self._marks(reported)) or "FALSE"
        if only is not None:
            chosen = f"{place} IN ({', '.join(map(str, only)) or 'NULL'})"
        return (
            f"WITH {self.steps(numbered, record=True)} "
            f"SELECT {', '.join([place, *flags, *classes])} "
            f"FROM judged WHERE {chosen} ORDER BY {place}"
        )

    def first_places(self, numbered: str, most: int) -> str:
        """The first few places of each mark, as one row of lists (DuckDB only)."""
        size, named = max(most, 1), self._dialect.named
        listed = ", ".join(
            f"min({named(RECORD)}, {size}) FILTER (WHERE {mark}) AS {named(str(place))}"
            for place, mark in enumerate(self._marks(reported=True))
        )
        return f"WITH {self.steps(numbered, record=True)} SELECT {listed or 'NULL'} FROM judged"

    def _marks(self, reported: bool) -> list[str]:
        marks = [one.flag for one in self.problems if one.sets_aside or reported]
        return [self._dialect.named(one) for one in (*marks, *self.set_aside_late)]

    def first_other_order(self, numbered: str, field: str) -> str:
        """The place, and the shape without the digits, of the first date in another order."""
        named = self._dialect.named
        shape = self._dialect.without_digits(named(cell_name(field)))
        return (
            f"WITH {self.steps(numbered, record=True)} SELECT {named(RECORD)}, {shape} AS shape "
            f"FROM judged WHERE {named(f'order?{field}')} ORDER BY {named(RECORD)} LIMIT 1"
        )

    def steps(self, relation: str, *, record: bool = False) -> str:
        """The steps up to `judged`, as the inside of WITH.

        Parameters
        ----------
        relation : str
            What to scan.
        record : bool
            Whether it has a column `RECORD` to carry along.
        """
        named = self._dialect.named
        aside = [f"{condition} AS {named(f'{name}.aside')}" for name, condition in
                 self.verdicts.aside()]  # fmt: skip
        steps = [("entered", [*([named(RECORD)] if record else []), *self._cells.entered])]
        steps += [("taken", ["*", *self._cells.taken])]
        steps += [(f"derived{n}", ["*", *made]) for n, made in enumerate(self._cells.levels)]
        steps += [("flagged", ["*", *self._cells.flagged]), ("placed", ["*", *self._placed()])]
        if self._cells.checked:
            steps += [
                ("checked", ["*", *self._cells.checked]),
                ("weighed", ["*", *self._weighed()]),
            ]
        steps += [("asked", ["*", *self.verdicts.conditions()])]
        steps += [("judged", ["*", *self.verdicts.composites(), *aside])]
        written, before = [], relation
        for step, columns in steps:
            if columns != ["*"] or step == "judged":
                written.append(f"{step} AS (SELECT {', '.join(columns)} FROM {before})")
                before = step
        return ", ".join(written)

    # -- records ---------------------------------------------------------------------------

    def _placed(self) -> list[str]:
        """Unit and period where there are both; which packs can use the record so far."""
        named = self._dialect.named
        base = [named(one.flag) for one in self.problems if one.place < 0]
        unplaced = " OR ".join(base) or "FALSE"
        period = self._periods.start_sql("day", self._dialect)
        made = [
            f"CASE WHEN NOT ({unplaced}) THEN unit END AS at_unit",
            f"CASE WHEN NOT ({unplaced}) THEN {period} END AS at_period",
        ]
        name = "unfit" if self._cells.checked else "broken"
        for place in range(len(self._wanted)):
            flags = [named(one.flag) for one in self.problems if one.place == place
                     and one.check is None]  # fmt: skip
            made.append(
                f"({' OR '.join([*base, *flags]) or 'FALSE'}) AS {named(f'{place}~{name}')}"
            )
        return made

    def _weighed(self) -> Iterator[str]:
        named = self._dialect.named
        for place in range(len(self._wanted)):
            flags = [
                named(one.flag)
                for one in self.problems
                if one.place == place and one.check is not None and one.sets_aside
            ]
            broken = " OR ".join([named(f"{place}~unfit"), *flags])
            yield f"({broken}) AS {named(f'{place}~broken')}"

    # -- sums ------------------------------------------------------------------------------

    def _tallies(self, quality: bool) -> Iterator[Tally]:
        named, counted = self._dialect.named, self._dialect.counted
        # A record that one pack cannot use may serve another.
        broken = " AND ".join(named(f"{place}~broken") for place in range(len(self._wanted)))
        yield Tally(name="rejected", sql=counted(broken))
        for field in self.other_orders:
            yield Tally(name=order_name(field), sql=counted(named(f"order?{field}")))
        yield from self.verdicts.tallies()
        yield from self.verdicts.recorded()
        if not quality:
            return
        by_problem: dict[tuple[str, str], list[str]] = {}
        for problem in self.problems:
            by_problem.setdefault((problem.field, problem.code), []).append(named(problem.flag))
        for (field, code), flags in by_problem.items():
            yield Tally(name=problem_name(field, code), sql=counted(" OR ".join(flags)))
        yield from self.verdicts.quality()
        for field in self.complete_fields:
            yield Tally(name=known_name(field), sql=counted(self._known(field)))

    @property
    def complete_fields(self) -> list[str]:
        """The fields that the wanted measures use.

        A column that the data may lack, and do, is among them only where a measure names
        it: what is worked out from it, or from another column instead, speaks for it.
        """
        return list(
            dict.fromkeys(
                name
                for one in self._wanted
                for name in one.fields
                if name in one.asked or name not in {lost.name for lost in self.absent(one)}
            )
        )

    def absent(self, wanted: Wanted) -> list[Field]:
        """The fields of a pack that its measures use, that the data may lack, and do."""
        used = set(wanted.fields)
        return [one for one in wanted.absent(self._natives) if one.name in used]

    def _known(self, field: str) -> str:
        """Whether a record has a value of a field that every pack that uses it can use."""
        named = self._dialect.named
        conditions = []
        for place, one in enumerate(self._wanted):
            if field in one.fields:
                conditions.append(f"{named(f'{place}.{field}')} IS NOT NULL")
                conditions += [
                    f"NOT {named(problem.flag)}"
                    for problem in self.problems
                    if (problem.place, problem.field) == (place, field) and problem.check is None
                ]
        return " AND ".join(conditions)
