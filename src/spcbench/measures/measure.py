"""What a measure is: measures on the fields of a record, composites of measures.

Every record here is frozen and checks itself when made. Types are checked
when a pack is loaded or counted, because a measure alone does not know the
fields of its pack.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from spcbench.errors import PackError
from spcbench.measures.checks import (
    check_choice,
    check_flag,
    check_text_tuple,
    check_texts,
    is_number,
)
from spcbench.measures.field import TYPES, Check, Field, FieldType, Source
from spcbench.plugin.records import ID_PATTERN

if TYPE_CHECKING:
    from spcbench.tables import Display

__all__ = ["TYPES", "Check", "Composite", "Field", "FieldType", "Measure", "Source", "display_of"]

Better = Literal["higher", "lower", "neither"]
Missing = Literal["exclude", "not_met", "reject_record"]

BETTER = ("higher", "lower", "neither")
KINDS = ("records", "published")
MISSING = ("exclude", "not_met", "reject_record")
FORMS = ("all_or_none", "opportunity")
ABSENT = ("unknown", "zero")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """Which cases count, and which of them had the thing.

    Parameters
    ----------
    id, title : str
        Its short name, unique in the pack, and plain words.
    better : str
        ``"higher"``, ``"lower"`` or ``"neither"``; a judgement, so it has no default.
    per : int
        Display scale: 100 for per cent.
    target : float, optional
        Between 0 and 1.
    target_label : str
        Whose target that is.
    kind : str
        ``"records"``, or ``"published"`` for figures that only exist added up.
    eligible, met : str
        Conditions on a record (kind ``"records"``).
    missing : str
        What happens to an eligible case whose `met` is unknown: ``"exclude"``,
        ``"not_met"`` or ``"reject_record"``.
    source : Source, optional
        Where the definition comes from.
    verified : bool
        True once it has been compared with its source.
    description : str
        What else a reader should know.
    count_by : str
        A field that several records may share, such as the mother's id: they
        count once, and as met only if every eligible one of them is.
    dimension, count_of : str
        Which published categories, and what they count (kind ``"published"``).
    met_categories, not_met_categories, unknown_categories : tuple of str
        What adds up to the numerator, to the rest of the denominator, and to
        the missing cases.
    absent : str
        What a category without a row means: ``"unknown"`` or ``"zero"``.

    Raises
    ------
    PackError
        If a setting is malformed or does not go with the kind.
    ExpressionError
        If `eligible` or `met` is outside the permitted SQL.

    Examples
    --------
    >>> mgso4 = Measure(id="mgso4", title="Magnesium given", better="higher",
    ...                 eligible="ga_days < 210", met="mgso4_given")
    >>> sorted(mgso4.columns)
    ['ga_days', 'mgso4_given']
    """

    id: str
    title: str
    better: Better
    per: int = 100
    target: float | None = None
    target_label: str = ""
    kind: Literal["records", "published"] = "records"
    eligible: str = ""
    met: str = ""
    missing: Missing = "exclude"
    count_by: str = ""
    source: Source | None = None
    verified: bool = False
    description: str = ""
    dimension: str = ""
    count_of: str = ""
    met_categories: tuple[str, ...] = ()
    not_met_categories: tuple[str, ...] = ()
    unknown_categories: tuple[str, ...] = ()
    absent: Literal["unknown", "zero"] = "unknown"

    def __post_init__(self) -> None:
        where = f"measure {self.id!r}"
        _check_common(where, self)
        check_choice(where, "kind", self.kind, KINDS)
        check_choice(where, "missing", self.missing, MISSING)
        check_choice(where, "absent", self.absent, ABSENT)
        check_texts(
            where,
            eligible=self.eligible,
            met=self.met,
            count_by=self.count_by,
            dimension=self.dimension,
            count_of=self.count_of,
        )
        if self.kind == "records":
            self._check_records(where)
        else:
            self._check_published(where)

    def _check_records(self, where: str) -> None:
        published = (
            "dimension", "count_of", "met_categories", "not_met_categories", "unknown_categories"
        )  # fmt: skip
        for key in published:
            if getattr(self, key):
                raise PackError(f'{where}: {key} goes with kind = "published" only')
        for key in ("eligible", "met"):
            if not getattr(self, key).strip():
                raise PackError(f"{where}: {key} is missing; it says which cases count")
        _ = self.columns  # parses both, so that what exists can be counted

    def _check_published(self, where: str) -> None:
        for key in ("eligible", "met", "count_by"):
            if getattr(self, key):
                raise PackError(f'{where}: {key} goes with kind = "records" only')
        if self.missing != "exclude":
            raise PackError(f'{where}: missing goes with kind = "records" only')
        for key in ("dimension", "met_categories", "not_met_categories"):
            if not getattr(self, key):
                raise PackError(f"{where}: {key} is missing; a published measure needs it")
        seen: dict[str, str] = {}
        for key in ("met_categories", "not_met_categories", "unknown_categories"):
            check_text_tuple(where, key, getattr(self, key))
            for category in map(squeezed, getattr(self, key)):
                if category in seen:
                    raise PackError(
                        f"{where}: the category {category!r} stands in {seen[category]} "
                        f"and in {key}; each category may stand once"
                    )
                seen[category] = key

    @property
    def columns(self) -> frozenset[str]:
        """Names of the record's columns that its expressions use."""
        if self.kind == "published":
            return frozenset()
        from spcbench.measures.expression import column_names

        return frozenset([self.count_by] if self.count_by else []).union(
            *(
                column_names(getattr(self, part), measure=self.id, part=part)
                for part in ("eligible", "met")
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Composite:
    """A measure made of other measures of its pack.

    Parameters
    ----------
    id, title, better, per, target, target_label, source, verified, description
        As for `Measure`.
    of : tuple of str
        Ids of at least two measures of the same pack.
    form : str
        ``"all_or_none"``: did the case receive everything it was eligible for?
        ``"opportunity"``: of all that cases were eligible for, how much was received?
    count_by : str
        As for `Measure` (form ``"all_or_none"``).
    cluster : str
        A field that records share whose opportunities go together (form
        ``"opportunity"``); each record by itself if none is given.

    Raises
    ------
    PackError
        If a setting is malformed or does not go with the form.
    """

    id: str
    title: str
    better: Better
    of: tuple[str, ...]
    form: Literal["all_or_none", "opportunity"] = "all_or_none"
    count_by: str = ""
    cluster: str = ""
    per: int = 100
    target: float | None = None
    target_label: str = ""
    source: Source | None = None
    verified: bool = False
    description: str = ""

    def __post_init__(self) -> None:
        where = f"composite {self.id!r}"
        _check_common(where, self)
        check_choice(where, "form", self.form, FORMS)
        check_texts(where, count_by=self.count_by, cluster=self.cluster)
        if self.cluster and self.form != "opportunity":
            raise PackError(
                f'{where}: cluster goes with form = "opportunity" only; '
                "count_by says which records count once"
            )
        if self.count_by and self.form == "opportunity":
            raise PackError(
                f'{where}: count_by goes with form = "all_or_none" only, because every opportunity '
                "counts; cluster says which of them go together"
            )
        check_text_tuple(where, "of", self.of)
        if len(self.of) < 2 or len(set(self.of)) < len(self.of):
            raise PackError(f"{where}: of must name at least two different measures")

    @property
    def columns(self) -> frozenset[str]:
        """The field it counts or clusters by; its measures name theirs."""
        return frozenset(one for one in (self.count_by, self.cluster) if one)


def display_of(measure: Measure | Composite) -> Display:
    """How a measure is shown and judged, for charts and funnels.

    Examples
    --------
    >>> display_of(Measure(id="a", title="A", better="lower", eligible="x", met="y")).better
    'lower'
    """
    from spcbench.tables import Display

    return Display(
        title=measure.title,
        per=measure.per,
        better=measure.better,
        target=measure.target,
        target_label=measure.target_label,
        verified=measure.verified,
        source="" if measure.source is None else str(measure.source),
    )


def squeezed(category: str) -> str:
    """A category's name without what varies between publications: capitals and spaces.

    Examples
    --------
    >>> squeezed(" Missing  Value / Outside ")
    'missing value / outside'
    """
    return " ".join(category.split()).casefold()


def _check_common(where: str, measure: Measure | Composite) -> None:
    if not isinstance(measure.id, str) or not ID_PATTERN.fullmatch(measure.id):
        raise PackError(f"{where}: id must match {ID_PATTERN.pattern}")
    check_texts(
        where,
        title=measure.title,
        target_label=measure.target_label,
        description=measure.description,
    )
    if not measure.title.strip():
        raise PackError(f"{where}: title must not be empty")
    check_choice(where, "better", measure.better, BETTER)
    check_flag(where, "verified", measure.verified)
    if not isinstance(measure.per, int) or measure.per is True or measure.per < 1:
        raise PackError(f"{where}: per must be a whole number of at least 1, not {measure.per!r}")
    target = measure.target
    if target is not None and not (is_number(target) and 0 <= target <= 1):
        raise PackError(
            f"{where}: target must lie between 0 and 1, not {target!r} (85 % is written 0.85)"
        )
    if measure.source is not None and not isinstance(measure.source, Source):
        raise PackError(f"{where}: source must be a Source, not {type(measure.source).__name__}")
