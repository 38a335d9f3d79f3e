"""What a measure is: measures on the fields of a record, composites of measures.

Every record here is frozen and checks itself when made. Types are checked
when a pack is loaded or counted, because a measure alone does not know the
fields of its pack.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from spcbench.display import Display, Reference
from spcbench.errors import PackError
from spcbench.measures.checks import check_choice, check_text_tuple, check_texts
from spcbench.measures.example import Example
from spcbench.measures.field import TYPES, Check, Field, FieldType, Source
from spcbench.measures.settings import BETTER, check_common

__all__ = [
    "BETTER",
    "TYPES",
    "Check",
    "Composite",
    "Example",
    "Field",
    "FieldType",
    "Measure",
    "Reference",
    "Source",
    "display_of",
]

Better = Literal["higher", "lower", "neither"]
Missing = Literal["exclude", "not_met", "reject_record"]

KINDS = ("records", "published", "given")
MISSING = ("exclude", "not_met", "reject_record")
FORMS = ("all_or_none", "opportunity")
ABSENT = ("unknown", "zero")
_NOT_GIVEN = (
    "eligible", "met", "count_by", "counted_on", "examples", "indicator", "dimension", "count_of",
    "met_categories", "not_met_categories", "unknown_categories",
)  # fmt: skip

_SHOWN = tuple(one.name for one in fields(Display) if one.name not in ("source", "caution", "form"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """Which cases count, and which of them had the thing.

    Parameters
    ----------
    id, title : str
        Its short name, unique in the pack, and plain words.
    short : str
        Two or three words for tables with many measures; the title without it.
    better : str
        ``"higher"``, ``"lower"`` or ``"neither"``; a judgement, so it has no default.
    per : int
        Display scale: 100 for per cent.
    target : float, optional
        Between 0 and 1.
    target_label : str
        Whose target that is.
    stretch, stretch_label : float, optional, and str
        A more ambitious target, and whose it is.
    target_verified : bool
        False while the target, or the stretch target, has not been compared
        with its source, though the definition may have been.
    kind : str
        ``"records"``; ``"published"`` for figures that only exist added up; or
        ``"given"`` for counts that their owner keeps, whose cases are never seen.
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
    counts : str
        What one case is: ``"baby"``, ``"mother"`` or another short word.
    counted_on : str
        A condition: of the records that share a case (the babies of one mother),
        the one on which it is counted. The measure counts only records for which
        it holds; composites ask every record.
    attribution, timing : str
        To which unit a case belongs, and when the thing must have happened, in words.
    strata : str
        Name of a label column: units are alike only within one of its values.
    compare_at : tuple of str
        Levels at which comparing is meaningful, such as ``("system", "region")``;
        any if there are none.
    caution : str
        What a reader must know wherever the measure is charted or compared.
    references : tuple of Reference
        Values that were published for it.
    examples : tuple of Example
        Invented records, and what the measure must make of each.
    dimension, count_of : str
        Which published categories, and what they count (kind ``"published"``).
    met_categories, not_met_categories, unknown_categories : tuple of str
        What adds up to the numerator, to the rest of the denominator, and to
        the missing cases.
    absent : str
        What a category without a row means: ``"unknown"`` or ``"zero"``.
    indicator : str
        A published indicator with numerator and denominator, in place of a
        dimension (kind ``"published"``).
    chart : str
        The chart that ``"auto"`` takes for it, whatever its counts hold.
    chart_reason : str
        Why; needed with `chart`, and said in the advice.
    stock : bool
        True for the state on a day, such as staff in date: periods hold mostly the
        same cases, so funnels and pages take the latest and add none up.
    supporting : bool
        True for a measure that stands beside others, such as the quality of their
        data: a page of those others neither charts it nor adds it up.

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
    stretch: float | None = None
    stretch_label: str = ""
    target_verified: bool = True
    kind: Literal["records", "published", "given"] = "records"
    eligible: str = ""
    met: str = ""
    missing: Missing = "exclude"
    count_by: str = ""
    counts: str = ""
    counted_on: str = ""
    short: str = ""
    attribution: str = ""
    timing: str = ""
    strata: str = ""
    compare_at: tuple[str, ...] = ()
    caution: str = ""
    references: tuple[Reference, ...] = ()
    examples: tuple[Example, ...] = ()
    source: Source | None = None
    verified: bool = False
    description: str = ""
    dimension: str = ""
    count_of: str = ""
    met_categories: tuple[str, ...] = ()
    not_met_categories: tuple[str, ...] = ()
    unknown_categories: tuple[str, ...] = ()
    absent: Literal["unknown", "zero"] = "unknown"
    indicator: str = ""
    chart: str = ""
    chart_reason: str = ""
    stock: bool = False
    supporting: bool = False

    def __post_init__(self) -> None:
        where = f"measure {self.id!r}"
        check_common(where, self)
        check_choice(where, "kind", self.kind, KINDS)
        check_choice(where, "missing", self.missing, MISSING)
        check_choice(where, "absent", self.absent, ABSENT)
        check_texts(
            where,
            eligible=self.eligible,
            met=self.met,
            count_by=self.count_by,
            counted_on=self.counted_on,
            attribution=self.attribution,
            timing=self.timing,
            dimension=self.dimension,
            count_of=self.count_of,
            indicator=self.indicator,
        )
        if self.kind == "records":
            self._check_records(where)
        elif self.kind == "published":
            self._check_published(where)
        else:
            self._check_given(where)

    def _check_records(self, where: str) -> None:
        published = (
            "indicator", "dimension", "count_of",
            "met_categories", "not_met_categories", "unknown_categories",
        )  # fmt: skip
        for key in published:
            if getattr(self, key):
                raise PackError(f'{where}: {key} goes with kind = "published" only')
        for key in ("eligible", "met"):
            if not getattr(self, key).strip():
                raise PackError(f"{where}: {key} is missing; it says which cases count")
        if self.count_by and self.counted_on:
            raise PackError(
                f"{where}: count_by and counted_on are two ways to count a shared case once; "
                "keep one of them"
            )
        _check_examples(where, self.examples, shares=False)
        _ = self.columns  # parses them all, so that what exists can be counted

    def _check_published(self, where: str) -> None:
        for key in ("eligible", "met", "count_by", "counted_on", "examples"):
            if getattr(self, key):
                raise PackError(f'{where}: {key} goes with kind = "records" only')
        if self.missing != "exclude":
            raise PackError(f'{where}: missing goes with kind = "records" only')
        if self.indicator:
            self._check_indicator(where)
            return
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

    def _check_given(self, where: str) -> None:
        for key in _NOT_GIVEN:
            if getattr(self, key):
                raise PackError(
                    f'{where}: {key} does not go with kind = "given", whose counts its owner keeps'
                )
        if self.missing != "exclude":
            raise PackError(f'{where}: missing goes with kind = "records" only')

    def _check_indicator(self, where: str) -> None:
        for key in (
            "dimension", "count_of", "met_categories", "not_met_categories", "unknown_categories"
        ):  # fmt: skip
            if getattr(self, key):
                raise PackError(
                    f"{where}: {key} does not go with indicator, which is published with its "
                    "numerator and denominator"
                )

    @property
    def columns(self) -> frozenset[str]:
        """Names of the record's columns that its expressions use."""
        if self.kind != "records":
            return frozenset()
        from spcbench.measures.expression import column_names

        return frozenset([self.count_by] if self.count_by else []).union(
            *(
                column_names(getattr(self, part), measure=self.id, part=part)
                for part in ("eligible", "met", "counted_on")
                if getattr(self, part)
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Composite:
    """A measure made of other measures of its pack.

    Parameters
    ----------
    id, title, better, per, target, target_label, source, verified, description
        As for `Measure`.
    short, stretch, stretch_label, target_verified, counts, strata, compare_at, caution,
    chart, chart_reason, stock, supporting
        As for `Measure`.
    references, examples : tuple of Reference, tuple of Example
        As for `Measure`; its measures' own are not asked.
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
    stretch: float | None = None
    stretch_label: str = ""
    target_verified: bool = True
    counts: str = ""
    short: str = ""
    strata: str = ""
    compare_at: tuple[str, ...] = ()
    caution: str = ""
    references: tuple[Reference, ...] = ()
    examples: tuple[Example, ...] = ()
    source: Source | None = None
    verified: bool = False
    description: str = ""
    chart: str = ""
    chart_reason: str = ""
    stock: bool = False
    supporting: bool = False

    def __post_init__(self) -> None:
        where = f"composite {self.id!r}"
        check_common(where, self)
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
        _check_examples(where, self.examples, shares=self.form == "opportunity")

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
    same = {name: getattr(measure, name) for name in _SHOWN}
    return Display(
        **same,
        source="" if measure.source is None else str(measure.source),
        caution=" ".join(measure.caution.split()),  # one line, however the file breaks it
        form=measure.form if isinstance(measure, Composite) else "",
    )


def squeezed(category: str) -> str:
    """A category's name without what varies between publications: capitals and spaces.

    Examples
    --------
    >>> squeezed(" Missing  Value / Outside ")
    'missing value / outside'
    """
    return " ".join(category.split()).casefold()


def _check_examples(where: str, examples: tuple[Example, ...], *, shares: bool) -> None:
    """Refuse an outcome that the measure cannot have, and a title that stands twice."""
    titles = [one.title for one in examples]
    for one in examples:
        if shares and one.expected in ("met", "not_met"):
            raise PackError(
                f"{where}, example {one.title!r}: a share of opportunities is not "
                f'{one.expected!r}; write how much was received, such as "2 of 3"'
            )
        if one.is_share and not shares:
            raise PackError(
                f"{where}, example {one.title!r}: expected {one.expected!r} goes with "
                'form = "opportunity" only'
            )
        if titles.count(one.title) > 1:
            raise PackError(f"{where}: two examples have the title {one.title!r}")
