"""What a query adds up for each measure, and under which names the numbers come back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from spcbench.measures.dialect import Dialect
from spcbench.measures.measure import Composite, Measure
from spcbench.measures.wanted import Wanted, key_of

UNKNOWN_PROBLEM = {
    "not_met": ("met_unknown_not_met",),
    "reject_record": ("met_unknown_set_aside",),
}
"""What the quality table calls an unknown `met`, by the measure's `missing`."""

SUMS = ("received_squared", "received_due", "due_squared", "clusters")
"""What the variance of a share of opportunities is made of, cluster by cluster."""

KEY_UNKNOWN = "shared_key_unknown"
"""What the quality table calls a record without the value that it should share."""

REPEATED = "repeated"
"""What the quality table calls a record whose key stands in another before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """One number the query adds up for each unit and period.

    Parameters
    ----------
    name : str
        Its column in the result.
    sql : str
        What adds it up, over rows of `judged`.
    """

    name: str
    sql: str


def problem_name(field: str, code: str) -> str:
    """Name of the tally of one problem of one column."""
    return f"problem {code} {field}"


def known_name(field: str) -> str:
    """Name of the tally of usable values of one field."""
    return f"known {field}"


RECORD = "record~number"
"""Column that counts the rows of a file; no column of records is called so."""


def broken_name(place: int) -> str:
    """Name of the tally of records set aside for one pack."""
    return f"broken {place}"


def order_name(field: str) -> str:
    """Name of the tally of dates in another order."""
    return f"order {field}"


def part_name(name: str, part: str) -> str:
    """Name of the tally of one part of one measure."""
    return f"{name} {part}"


def recorded_name(name: str, part: str, what: str) -> str:
    """Name of the tally of how often a part of a composite is ``"known"``, or ``"unknown"``.

    Examples
    --------
    >>> recorded_name("0:all", "0:warm", "known")
    '0:all of which 0:warm is known'
    """
    return part_name(name, f"of which {part} is {what}")


def parts_of(name: str, measure: Composite) -> list[str]:
    """Names in the query of what a composite is made of, from its own."""
    place = name.partition(":")[0]
    return [f"{place}:{part}" for part in measure.of]


def missing_of(measure: Measure | Composite) -> str:
    """What happens to an eligible case that is not known to be met."""
    return measure.missing if isinstance(measure, Measure) else "exclude"


class Verdicts:
    """How each wanted measure of one query is judged and added up.

    Parameters
    ----------
    wanted : sequence of Wanted
        Packs and measures; the place of a pack begins the names of its columns.
    dialect : Dialect
        The engine.
    """

    def __init__(self, wanted: Sequence[Wanted], dialect: Dialect) -> None:
        self._wanted = wanted
        self._dialect = dialect
        self._alone = {name for name, _ in self.listed()}

    def listed(self) -> list[tuple[str, Measure | Composite]]:
        """Name in the query, and measure."""
        return [
            (f"{place}:{measure.id}", measure)
            for place, wanted in enumerate(self._wanted)
            for measure in wanted.measures
        ]

    def by_key(self) -> dict[str, list[tuple[str, Measure | Composite]]]:
        """The measures that take records together, by the value they share."""
        found: dict[str, list[tuple[str, Measure | Composite]]] = {}
        for name, measure in self.listed():
            if key := key_of(measure):
                found.setdefault(f"{name.partition(':')[0]}.{key}", []).append((name, measure))
        return found

    # -- one record ---------------------------------------------------------------------

    def conditions(self) -> list[str]:
        """`eligible` and `met` of every measure on records; nothing is eligible in a broken one."""
        named = self._dialect.named
        made: list[str] = []
        for place, wanted in enumerate(self._wanted):
            for one in wanted.needed:
                asked = wanted.conditions[one]
                eligible, met = (
                    condition.to_sql(self._dialect.name, prefix=f"{place}.")
                    for condition in (asked.eligible, asked.met)
                )
                name = f"{place}:{one}"
                whole = f"NOT {named(f'{place}~broken')}"
                made.append(f"({eligible} AND {whole}) AS {self._concerned(name)}")
                made.append(f"{met} AS {named(f'{name}.met')}")
                if asked.counted_on is not None and name in self._alone:
                    here = asked.counted_on.to_sql(self._dialect.name, prefix=f"{place}.")
                    # Only the measure itself counts on one record of those that share a
                    # case; a composite asks each of them what it had.
                    made.append(f"({eligible} AND {whole} AND {here}) AS {self._eligible(name)}")
        return made

    def composites(self) -> list[str]:
        """Whether each all-or-none composite is eligible and met; the sums of an opportunity."""
        made: list[str] = []
        for name, measure in self.listed():
            if not isinstance(measure, Composite):
                continue
            if measure.form == "opportunity":
                made += self._opportunities(name, measure)
                continue
            met = _all_or_none(parts_of(name, measure), self._concerned, self._met)
            made.append(f"{self._due_any(name, measure)} AS {self._eligible(name)}")
            made.append(f"{met} AS {self._dialect.named(f'{name}.met')}")
        return made

    def aside(self) -> list[tuple[str, str]]:
        """Measures whose records are set aside where `met` is unknown, and when."""
        named = self._dialect.named
        return [
            (name, f"coalesce({self._eligible(name)} AND {named(f'{name}.met')} IS NULL, FALSE)")
            for name, measure in self.listed()
            if missing_of(measure) == "reject_record"
        ]

    def _opportunities(self, name: str, measure: Composite) -> Iterator[str]:
        """How much one record was due, received, and is not known to have been due or received."""
        parts = [(self._concerned(part), self._met(part)) for part in parts_of(name, measure)]
        one, case = self._dialect.as_integer, self._due_any(name, measure)
        for column, condition in (
            ("due", "{0} AND {1} IS NOT NULL"),
            ("received", "{0} AND {1}"),
            # What may not have been due is no opportunity, also where it was received.
            ("unknown", "({0} AND {1} IS NULL) OR ({0} IS NULL AND {2})"),
        ):
            total = " + ".join(one(condition.format(*pair, case)) for pair in parts)
            yield f"({total}) AS {self._dialect.named(f'{name}.{column}')}"
        yield f"{case} AS {self._eligible(name)}"

    def _due_any(self, name: str, measure: Composite) -> str:
        """Whether a record is known to be due any part: only then is it a case."""
        due = (f"({self._concerned(part)} IS TRUE)" for part in parts_of(name, measure))
        return f"({' OR '.join(due)})"

    def _eligible(self, name: str) -> str:
        """Whether a record is a case of a wanted measure."""
        return self._dialect.named(f"{name}.eligible")

    def _concerned(self, name: str) -> str:
        """Whether a measure is about a record, as a composite sees it."""
        place, _, one = name.partition(":")
        shared = self._wanted[int(place)].conditions[one].counted_on is not None
        return self._dialect.named(f"{name}.concerned" if shared else f"{name}.eligible")

    def _met(self, name: str) -> str:
        """`met` as a composite sees it: a measure that counts unknown as not met still does."""
        place, _, one = name.partition(":")
        pack = self._wanted[int(place)].pack
        missing = next(
            measure.missing
            for measure in pack.measures
            if isinstance(measure, Measure) and measure.id == one
        )
        column = self._dialect.named(f"{name}.met")
        return f"coalesce({column}, FALSE)" if missing == "not_met" else column

    # -- groups of records ----------------------------------------------------------------

    def tallies(self) -> Iterator[Tally]:
        """Numbers of each measure whose records count one by one."""
        for name, measure in self.listed():
            if not key_of(measure):
                yield from self._plain(name, measure)

    def recorded(self) -> Iterator[Tally]:
        """Of how many cases of each composite each part is known, and of how many not.

        Known is what settles the part. In an all-or-none composite that is also to have
        received what may not have been due. Where the composite takes records together,
        only those are asked that it can take.
        """
        for name, measure in self.listed():
            if isinstance(measure, Composite):
                yield from self._recorded(name, measure)

    def _recorded(self, name: str, measure: Composite) -> Iterator[Tally]:
        together = ""
        if key := key_of(measure):
            shared = self._dialect.named(f"{name.partition(':')[0]}.{key}")
            together = f" AND {shared} IS NOT NULL"
        for part in parts_of(name, measure):
            due, met = self._concerned(part), self._met(part)
            sure = due if measure.form == "opportunity" else f"{due} OR {met}"
            given, missed, unknown = self._dialect.outcomes(
                f"({self._eligible(name)} AND {due} IS NOT FALSE{together})",
                f"(CASE WHEN {sure} THEN {met} END)",
            )
            yield Tally(name=recorded_name(name, part, "known"), sql=f"{given} + {missed}")
            yield Tally(name=recorded_name(name, part, "unknown"), sql=unknown)

    def quality(self) -> Iterator[Tally]:
        """What the quality table says of each measure, record by record."""
        named, counted = self._dialect.named, self._dialect.counted
        for place in range(len(self._wanted)):
            yield Tally(name=broken_name(place), sql=counted(named(f"{place}~broken")))
        for name, measure in self.listed():
            asked = [self._eligible(name)]
            if isinstance(measure, Composite):
                asked = [self._concerned(part) for part in parts_of(name, measure)]
            unsure = " OR ".join(f"{one} IS NULL" for one in asked)
            yield Tally(name=part_name(name, "eligible_unknown"), sql=counted(unsure))
            unknown = f"{self._eligible(name)} AND {named(f'{name}.met')} IS NULL"
            for problem in UNKNOWN_PROBLEM.get(missing_of(measure), ()):
                yield Tally(name=part_name(name, problem), sql=counted(unknown))
            if key := key_of(measure):
                alone = named(f"{name.partition(':')[0]}.{key}") + " IS NULL"
                involved = " OR ".join(asked)
                yield Tally(
                    name=part_name(name, KEY_UNKNOWN), sql=counted(f"{alone} AND ({involved})")
                )

    def _plain(self, name: str, measure: Measure | Composite) -> Iterator[Tally]:
        if isinstance(measure, Composite) and measure.form == "opportunity":
            due, received, unknown = (
                self._dialect.named(f"{name}.{part}") for part in ("due", "received", "unknown")
            )
            yield from self._shares(name, due, received, unknown)
            return
        eligible, met = self._eligible(name), self._dialect.named(f"{name}.met")
        missing = missing_of(measure)
        given, missed, unknown = self._dialect.outcomes(eligible, met)
        parts = {"numerator": given, "denominator": f"{given} + {missed}"}
        if missing == "not_met":
            parts["denominator"] += f" + {unknown}"
        elif missing == "exclude":
            parts["missing"] = unknown
        for part, sql in parts.items():
            yield Tally(name=part_name(name, part), sql=sql)

    def _shares(self, name: str, due: str, received: str, unknown: str) -> Iterator[Tally]:
        summed = self._dialect.summed
        for part, sql in {
            "numerator": summed(received),
            "denominator": summed(due),
            "missing": summed(unknown),
            "received_squared": summed(f"{received} * {received}"),
            "received_due": summed(f"{received} * {due}"),
            "due_squared": summed(f"{due} * {due}"),
            "clusters": self._dialect.counted(f"{due} > 0"),
        }.items():
            yield Tally(name=part_name(name, part), sql=sql)

    # -- records that belong together -------------------------------------------------------

    def together(self, key: str) -> list[str]:
        """Columns for each group of records that share a key, as `shared` then adds them up."""
        named, any_of, summed = self._dialect.named, self._dialect.any_of, self._dialect.summed
        made: list[str] = []
        for name, measure in self.by_key()[key]:
            if isinstance(measure, Composite) and measure.form == "opportunity":
                made += [
                    f"{summed(named(f'{name}.{part}'))} AS {named(f'{name}.{part}')}"
                    for part in ("due", "received", "unknown")
                ]
                continue
            eligible, met = self._eligible(name), named(f"{name}.met")
            met = f"coalesce({met}, FALSE)" if missing_of(measure) == "not_met" else met
            made += [
                f"{any_of(f'{eligible} AND {met}')} AS {named(f'{name}.given')}",
                f"{any_of(f'{eligible} AND NOT {met}')} AS {named(f'{name}.missed')}",
                f"{any_of(f'{eligible} AND {met} IS NULL')} AS {named(f'{name}.unsure')}",
            ]
        return made

    def shared(self, key: str) -> Iterator[Tally]:
        """Numbers of each measure whose records count together, over rows of `together`."""
        named, counted = self._dialect.named, self._dialect.counted
        for name, measure in self.by_key()[key]:
            if isinstance(measure, Composite) and measure.form == "opportunity":
                columns = [named(f"{name}.{part}") for part in ("due", "received", "unknown")]
                yield from self._shares(name, *columns)
                continue
            given, missed, unsure = (
                named(f"{name}.{part}") for part in ("given", "missed", "unsure")
            )
            if missing_of(measure) == "reject_record":
                unsure = "FALSE"  # those records are set aside, and the others decide
            for part, condition in {
                "numerator": f"{given} AND NOT {missed} AND NOT {unsure}",
                "denominator": f"{missed} OR ({given} AND NOT {unsure})",
                "missing": f"{unsure} AND NOT {missed}",
            }.items():
                yield Tally(name=part_name(name, part), sql=counted(condition))


def _all_or_none(
    parts: Sequence[str], eligible_of: Callable[[str], str], met_of: Callable[[str], str]
) -> str:
    """Everything received: one known miss settles it, then one unknown leaves it open.

    A part that may or may not have been due is unknown too, unless it was received.
    """
    pairs = [(eligible_of(part), met_of(part)) for part in parts]
    missed = " OR ".join(f"({due} IS TRUE AND {given} IS FALSE)" for due, given in pairs)
    unsure = " OR ".join(f"({due} IS NOT FALSE AND {given} IS NOT TRUE)" for due, given in pairs)
    return f"CASE WHEN {missed} THEN FALSE WHEN {unsure} THEN NULL ELSE TRUE END"
