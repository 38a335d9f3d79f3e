"""What a plugin may offer: one kind of record per hook.

Every record is frozen and checks itself when made, so a record that exists is
valid. Nothing heavy is imported here: `spcbench --help` loads this module.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from spcbench.errors import PackError, PluginError, suggest

if TYPE_CHECKING:
    import numpy as np

    from spcbench.numeric.limits import ChartOptions, Limits, Series
    from spcbench.numeric.segments import Segments
    from spcbench.report import Page, Section
    from spcbench.tables import Table

ID_PATTERN = re.compile(r"[a-z][a-z0-9_-]*")
VERSION_PATTERN = re.compile(r"[0-9a-z][0-9a-z._-]*")


class PackField(Protocol):
    """What a pack needs of a field (see `spcbench.measures.measure.Field`)."""

    @property
    def name(self) -> str:
        """Name of the column."""
        ...


@runtime_checkable
class PackMeasure(Protocol):
    """What a pack needs of a measure (see `spcbench.measures.measure`)."""

    @property
    def id(self) -> str:
        """Name of the measure within its pack."""
        ...

    @property
    def title(self) -> str:
        """The measure in plain words."""
        ...

    @property
    def columns(self) -> frozenset[str]:
        """Names of the record's columns that its expressions use."""
        ...


@runtime_checkable
class PackCheck(Protocol):
    """What a pack needs of a check (see `spcbench.measures.field.Check`)."""

    @property
    def id(self) -> str:
        """Name of the check within its pack."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """Measures that belong together, at one version.

    Parameters
    ----------
    id, version : str
        Together the name of the pack: ``pop@2023``.
    title : str
        The name people use.
    record : str
        What one record is: a baby, a mother, a birth.
    fields : tuple of Field
        The columns that the expressions may use.
    measures : tuple of Measure or Composite
        At least one; ids unique within the pack.
    source : str
        Where the definitions come from.
    checks : tuple of Check
        What must hold between fields of a record.
    valid : str
        When the definitions hold, in words: ``"2023/24 onward"``.
    sections : callable, optional
        ``sections(page)`` gives what the page of one unit or area, or a report,
        says besides its charts (see `spcbench.report.Page`). Not from a file.
    key : str
        The field that names one record: the same value twice is the same
        record twice, which is told.
    files : mapping of str to str
        Files that `sections` can use, in ``page.files``: their names, and in
        words what each holds.

    Raises
    ------
    PackError
        If an id is malformed or repeated, or a measure or `key` uses a column
        that is not declared.
    """

    id: str
    title: str
    version: str
    record: str
    fields: tuple[PackField, ...] = ()
    measures: tuple[PackMeasure, ...]
    source: str = ""
    checks: tuple[PackCheck, ...] = ()
    valid: str = ""
    sections: Callable[[Page], Iterable[Section]] | None = None
    key: str = ""
    files: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not ID_PATTERN.fullmatch(self.id):
            raise PackError(f"pack id {self.id!r} must match {ID_PATTERN.pattern}")
        if not VERSION_PATTERN.fullmatch(self.version):
            raise PackError(
                f"pack {self.id!r}: version {self.version!r} must match {VERSION_PATTERN.pattern}"
            )
        if not self.measures:
            raise PackError(f"pack {self.id!r} has no measures")
        if not isinstance(self.valid, str):
            raise PackError(f"pack {self.id!r}: valid must be text, not {self.valid!r}")
        if self.sections is not None and not callable(self.sections):
            raise PackError(
                f"pack {self.id!r}: sections must be a function, not {type(self.sections).__name__}"
            )
        self._check_files()
        for what, names in (
            ("measure", [measure.id for measure in self.measures]),
            ("field", [declared.name for declared in self.fields]),
            ("check", [check.id for check in self.checks]),
        ):
            repeated = sorted({name for name in names if names.count(name) > 1})
            if repeated:
                raise PackError(f"pack {self.id!r} declares {what} {repeated[0]!r} twice")
        declared = {declared.name for declared in self.fields}
        if self.key and self.key not in declared:
            raise PackError(
                f"pack {self.id!r}: key names the field {self.key!r}, which the pack does not "
                f"declare; {suggest(self.key, declared)}"
            )
        for measure in self.measures:
            unknown = sorted(measure.columns - declared)
            if unknown:
                raise PackError(
                    f"pack {self.id!r}, measure {measure.id!r} uses the column {unknown[0]!r}, "
                    "which the pack does not declare as a field"
                )

    def _check_files(self) -> None:
        for name in self.files:
            if not ID_PATTERN.fullmatch(name):
                raise PackError(
                    f"pack {self.id!r}: the name of a file, {name!r}, must match "
                    f"{ID_PATTERN.pattern}"
                )
        if self.files and self.sections is None:
            raise PackError(f"pack {self.id!r} names files, but has no sections that use them")

    @property
    def name(self) -> str:
        """``id@version``, the name that results carry."""
        return f"{self.id}@{self.version}"


def _check_id(record: str, identifier: str) -> None:
    if not isinstance(identifier, str) or not ID_PATTERN.fullmatch(identifier):
        raise PluginError(f"{record} id {identifier!r} must match {ID_PATTERN.pattern}")


def _check_callable(record: str, name: str, value: object) -> None:
    if not callable(value):
        raise PluginError(f"{record}: {name} must be a function, not {type(value).__name__}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A way to read one kind of file.

    Parameters
    ----------
    id, title : str
        Its name, and what people call such files.
    suffixes : tuple of str
        File endings it may open, lower case with the dot: ``(".csv",)``.
    sniff : callable
        ``sniff(head, path) -> bool``: are these first bytes such a file's?
    read : callable
        ``read(path) -> Table`` of records or of counts.
    general : bool
        True for a reader of any file with that suffix. A reader that knows
        one publication is asked before the general ones.
    join : callable, optional
        ``join(tables) -> Table``: one table of counts from those of the files
        that are read together, one or many, each with its file's name as
        `source`. Without it files of counts are not read together.
    """

    id: str
    title: str
    suffixes: tuple[str, ...]
    sniff: Callable[[bytes, Path], bool]
    read: Callable[[Path], Table]
    general: bool = False
    join: Callable[[Sequence[Table]], Table] | None = None

    def __post_init__(self) -> None:
        _check_id("reader", self.id)
        _check_suffixes(f"reader {self.id!r}", self.suffixes)
        _check_callable(f"reader {self.id!r}", "sniff", self.sniff)
        _check_callable(f"reader {self.id!r}", "read", self.read)
        if self.join is not None:
            _check_callable(f"reader {self.id!r}", "join", self.join)


def _check_suffixes(record: str, suffixes: Iterable[str]) -> None:
    for suffix in suffixes:
        if not re.fullmatch(r"(\.[a-z0-9]+)+", suffix):
            raise PluginError(f"{record}: suffix {suffix!r} must look like '.csv'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Something that a chart type lets the analyst choose.

    Parameters
    ----------
    title : str
        What it does, in one sentence.
    default : float, str or bool
        What holds when nothing is said; choices of the analyst have its type.
    choices : tuple of str
        The words that are allowed; any, if there are none.
    low, high : float
        The range that a number must lie in, its ends included.
    """

    title: str
    default: float | str | bool
    choices: tuple[str, ...] = ()
    low: float = -math.inf
    high: float = math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartType:
    """A kind of control chart.

    Parameters
    ----------
    id, title, source : str
        Its name, what people call it, and where its formulas come from.
    limits : callable
        ``limits(series, options) -> Limits``, for many series at once.
    uses_denominator, uses_order : bool
        Whether denominators, and the order of the points, affect the limits.
    takes : str
        What a row of counts must hold: ``"proportion"`` (a numerator of at
        most its denominator), ``"rate"`` (events over exposure), ``"count"``
        (a numerator), ``"value"`` (a value, else numerator over denominator),
        ``"event"`` (a value for each event, so that dates have no gaps),
        ``"subgroup"`` (mean, sd and denominator) or ``"expected"`` (a
        numerator beside the number expected). Without it ``"proportion"`` if
        `uses_denominator`, else ``"value"``.
    points : str
        ``"measured"``: every rule fits; ``"counted"``: rules for measurements
        alone are left out; ``"dependent"``: each point depends on those before
        it, so that only rules about the limits themselves are used.
    scale : str
        ``"measure"``: values are on the measure's own scale; ``"spread"``: so
        are they, but as distances, which have no target; ``"count"``: they are
        numbers of cases, for which the measure's own target is not meant;
        ``"own"``: they are sums or times with neither scale nor target.
    has_limits : bool
        False for charts with a centre line and no limits.
    settings : mapping of str to Setting
        What the analyst may choose; reaches `limits` in ``options.settings``.
    small_counts : bool
        Whether ``options.limit_method`` may be exact, mid-P or Jeffreys.
    """

    id: str
    title: str
    source: str
    limits: Callable[[Series, ChartOptions], Limits]
    uses_denominator: bool
    uses_order: bool
    takes: str = ""
    points: str = "measured"
    scale: str = "measure"
    has_limits: bool = True
    settings: Mapping[str, Setting] = field(default_factory=dict)
    small_counts: bool = False

    def __post_init__(self) -> None:
        _check_id("chart", self.id)
        _check_callable(f"chart {self.id!r}", "limits", self.limits)
        if not self.takes:
            takes = "proportion" if self.uses_denominator else "value"
            object.__setattr__(self, "takes", takes)
        for name, choices in _CHART_WORDS.items():
            _check_word(f"chart {self.id!r}", name, getattr(self, name), choices)


_CHART_WORDS = {
    "takes": ("proportion", "rate", "count", "value", "event", "subgroup", "expected"),
    "points": ("measured", "counted", "dependent"),
    "scale": ("measure", "spread", "count", "own"),
}


def _check_word(record: str, name: str, word: str, choices: tuple[str, ...]) -> None:
    if word not in choices:
        raise PluginError(f"{record}: {name} must be one of {', '.join(choices)}, not {word!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One test for special causes, part of a rule set.

    Parameters
    ----------
    id, title : str
        Its short name, unique in the set, and one sentence in plain words.
    detect : callable
        ``detect(value, z, side, segments)`` gives a boolean array, True for
        every point that takes part.
    judged_by : str
        ``"side"``: good or bad by the side of the centre line; ``"direction"``:
        by whether the values rise or fall (trends); ``"none"``: it is neither
        good nor bad (alternation, say); ``"chart"``: the signal is
        one of the whole phase, True on all its points, and marks none of them.
    suits : str
        Which charts it fits: ``"any"`` (it asks only for points beyond the
        limits), ``"independent"`` (points that do not depend on each other) or
        ``"measured"`` (measurements, not counts).
    across_gaps : bool
        Whether points without data are passed over, as if those beside them
        were neighbours; by default they end whatever went before.
    reach : int
        How many rows apart two points of one firing may stand: 0 when every
        point is a firing of its own, 1 for stretches, 2 for "two of three".
    """

    id: str
    title: str
    detect: Callable[[np.ndarray, np.ndarray, np.ndarray, Segments], np.ndarray]
    judged_by: str = "side"
    reach: int = 1
    suits: str = "independent"
    across_gaps: bool = False

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", self.id):
            raise PluginError(f"rule id {self.id!r} must match [a-z0-9][a-z0-9_-]*")
        _check_callable(f"rule {self.id!r}", "detect", self.detect)
        for name, choices in _RULE_WORDS.items():
            _check_word(f"rule {self.id!r}", name, getattr(self, name), choices)


_RULE_WORDS = {
    "judged_by": ("side", "direction", "none", "chart"),
    "suits": ("any", "independent", "measured"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """A published combination of rules, dated and immutable.

    Parameters
    ----------
    id, title, source : str
        Its name, what people call it, where it was published.
    rules : tuple of Rule
        In order of precedence: the first that fires gives the point its label.
    ties : str
        What a point on the centre line does to a run: ``"break"`` or ``"skip"``.
    any_signal : mapping of int to float
        Chance that a stable chart of so many points shows any signal.
    arl0 : float, optional
        Mean number of points to the first false signal when nothing changed.
    any_signal_counted : mapping of int to float
    arl0_counted : float, optional
        The same on charts of counts, for a set with rules that suit
        measurements only; empty where there are none.
    """

    id: str
    title: str
    source: str
    rules: tuple[Rule, ...]
    ties: str = "break"
    any_signal: Mapping[int, float] = field(default_factory=dict)
    arl0: float | None = None
    any_signal_counted: Mapping[int, float] = field(default_factory=dict)
    arl0_counted: float | None = None

    def __post_init__(self) -> None:
        _check_id("rule set", self.id)
        if not self.rules:
            raise PluginError(f"rule set {self.id!r} has no rules")
        if len(self.rules) > 8:
            raise PluginError(f"rule set {self.id!r} has more than eight rules")
        ids = [rule.id for rule in self.rules]
        if len(set(ids)) < len(ids):
            raise PluginError(f"rule set {self.id!r} names a rule twice")
        if self.ties not in ("break", "skip"):
            raise PluginError(f"rule set {self.id!r}: ties must be 'break' or 'skip'")

    def adapted(
        self,
        *,
        id: str,  # noqa: A002 - the name of the field
        title: str,
        source: str,
        without: Iterable[str] = (),
        with_rules: Iterable[Rule] = (),
    ) -> RuleSet:
        """Make a set of your own from this one, under a name of its own.

        Parameters
        ----------
        id, title, source : str
            Of the new set; who adapted it, and why, belongs into `source`.
        without : iterable of str
            Ids of rules to leave out.
        with_rules : iterable of Rule
            Rules to add, after the others in precedence. To replace a rule,
            leave it out and add another.

        Returns
        -------
        RuleSet
            Without false-alarm figures: those belong to the published
            combination. ``spcbench rules NAME --arl`` simulates them.

        Raises
        ------
        PluginError
            If the id is that of this set, it has no rule that is to be left
            out, or the new set would be none (see `RuleSet`).

        Examples
        --------
        >>> far = Rule(id="3s", title="Far", detect=lambda value, z, side, segments: abs(z) > 3)
        >>> near = Rule(id="2s", title="Near", detect=lambda value, z, side, segments: abs(z) > 2)
        >>> plain = RuleSet(id="plain", title="Plain", source="", rules=(far,), arl0=370.4)
        >>> ours = plain.adapted(id="ours", title="Ours", source="", with_rules=(near,))
        >>> [rule.id for rule in ours.rules], ours.arl0
        (['3s', '2s'], None)
        """
        if id == self.id:
            raise PluginError(f"an adapted rule set needs a name of its own, not {id!r} again")
        left_out = frozenset(without)
        known = [rule.id for rule in self.rules]
        for name in sorted(left_out - set(known)):
            raise PluginError(f"rule set {self.id!r} has no rule {name!r}; {suggest(name, known)}")
        kept = tuple(rule for rule in self.rules if rule.id not in left_out)
        return RuleSet(
            id=id, title=title, source=source, rules=(*kept, *with_rules), ties=self.ties
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFormat:
    """A way to write a report.

    Parameters
    ----------
    id, title : str
        Its name, and what people call such files.
    suffix : str
        The file ending that chooses it, with the dot.
    media_type : str
        Such as ``"text/csv"``.
    render : callable
        ``render(report)`` gives the bytes of the file. A format of several
        files gives a mapping from what stands before the suffix (``""`` for
        the main file, ``"summary"`` for ``out.summary.csv``) to bytes.
    """

    id: str
    title: str
    suffix: str
    media_type: str
    render: Callable[[Any], bytes | Mapping[str, bytes]]

    def __post_init__(self) -> None:
        _check_id("format", self.id)
        _check_suffixes(f"format {self.id!r}", (self.suffix,))
        _check_callable(f"format {self.id!r}", "render", self.render)
