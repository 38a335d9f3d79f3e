"""A report: results and sections with their method and where the numbers came from; no drawing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from spcbench.errors import OptionError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from spcbench.benchmarking import Funnels
    from spcbench.charting import ControlCharts

_ID = re.compile(r"[a-z][a-z0-9_-]*")
TAKEN_IDS = frozenset(
    ("points", "signals", "summary", "advice", "units", "curve", "estimates", "funnel_summary")
) | {"actions", "method", "text"}
"""Names that files beside a written table have already."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ReportTable:
    """A table of a report, ready to be read.

    Parameters
    ----------
    id : str
        Its name in files, such as ``"at_a_glance"``: lower-case letters,
        digits, ``_`` and ``-``.
    title : str
        What it shows, in words.
    frame : pandas.DataFrame
        One row a line; cells as they should be read (text, whole numbers);
        missing shows as an empty cell.
    headings : mapping of str to str
        Columns to lay out, in order, with their words. Columns that are not
        named here stand in files of data only.
    note : str
        What a reader must know besides.
    icons : mapping of str to str
        For a laid-out column the column that holds a word of
        `tables.VARIATION` or `tables.ASSURANCE`, to be drawn beside its words.

    Raises
    ------
    OptionError
        If the id is malformed or taken, or a column is not in the frame.

    Examples
    --------
    >>> import pandas as pd
    >>> table = ReportTable(id="births", title="Births", headings={"trust": "Trust", "n": "Births"},
    ...                     frame=pd.DataFrame({"trust": ["RJ1"], "n": [12]}))
    >>> list(table.headings.values())
    ['Trust', 'Births']
    """

    id: str
    title: str
    frame: pd.DataFrame = field(repr=False)
    headings: Mapping[str, str]
    note: str = ""
    icons: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.id, str) or not _ID.fullmatch(self.id):
            raise OptionError(
                "the id of a report's table takes lower-case letters, digits, _ and -, "
                f"and begins with a letter; not {self.id!r}"
            )
        if self.id in TAKEN_IDS:
            raise OptionError(f"a report has a table {self.id!r} of its own; choose another id")
        columns = list(self.frame.columns)
        if len(set(columns)) < len(columns):
            raise OptionError(f"the frame of table {self.id!r} has two columns of one name")
        for name in (*self.headings, *self.icons, *self.icons.values()):
            if name not in columns:
                raise OptionError(
                    f"table {self.id!r} names a column {name!r} that its frame does not have "
                    f"(it has {', '.join(map(str, columns)) or 'none'})"
                )
        object.__setattr__(self, "headings", MappingProxyType(dict(self.headings)))
        object.__setattr__(self, "icons", MappingProxyType(dict(self.icons)))


@dataclass(frozen=True, init=False, slots=True, eq=False)
class Section:
    """A part of a report: words, tables and results under a heading.

    Parameters
    ----------
    title : str
        The heading.
    text : iterable of str, or str
        Paragraphs, before the tables.
    tables : iterable of ReportTable
        In the order they should appear.
    results : iterable of ControlCharts or Funnels
        Drawn after the tables.
    order : iterable of str
        Measures in the order in which their pictures should come; others
        follow in that of the results.

    Raises
    ------
    OptionError
        If a part is not of its kind.

    Examples
    --------
    >>> Section(title="Quality", text="All records could be used.").text
    ('All records could be used.',)
    """

    title: str
    text: tuple[str, ...]
    tables: tuple[ReportTable, ...]
    results: tuple[ControlCharts | Funnels, ...] = field(repr=False)
    order: tuple[str, ...]

    def __init__(
        self,
        *,
        title: str,
        text: str | Iterable[str] = (),
        tables: Iterable[ReportTable] = (),
        results: Iterable[ControlCharts | Funnels] = (),
        order: Iterable[str] = (),
    ) -> None:
        words = (text,) if isinstance(text, str) else tuple(text)
        if not isinstance(title, str) or not all(isinstance(one, str) for one in words):
            raise OptionError("the title and the paragraphs of a section are text")
        kept = tuple(tables)
        for one in kept:
            if not isinstance(one, ReportTable):
                raise OptionError(
                    f"the tables of section {title!r} are ReportTables; "
                    f"it was given {type(one).__name__}"
                )
        object.__setattr__(self, "title", title)
        object.__setattr__(self, "text", words)
        object.__setattr__(self, "tables", kept)
        object.__setattr__(self, "results", _checked_results(results))
        object.__setattr__(self, "order", tuple(order))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Page:
    """What a pack is told when it is asked for sections of a page.

    Parameters
    ----------
    kind : str
        ``"unit"`` (one trust or site), ``"area"`` (a system, a region, all) or
        ``"report"`` (charts and funnels of all units, as they are).
    unit : str
        Code of the unit or area; ``"all"`` of a report.
    unit_name : str
        Its name; the code where it has none.
    counts : pandas.DataFrame
        Counts, as `tables.COUNTS` with `level`, of the unit, its members and
        all levels above; of a report all.
    members : tuple of str
        Codes of the units in an area or a report; of a unit its own.
    first, last : pandas.Timestamp
        First days of the first and last period that the page covers.
    names : mapping of str to str
        Names of the units that have one.
    files : mapping of str to Path
        Files that were given for packs to use, by the names in `Pack.files`.
    """

    kind: Literal["unit", "area", "report"]
    unit: str
    unit_name: str
    counts: pd.DataFrame = field(repr=False)
    members: tuple[str, ...]
    first: pd.Timestamp
    last: pd.Timestamp
    names: Mapping[str, str] = field(repr=False)
    files: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True, init=False, eq=False)
class Report:
    """Results to be written together.

    Parameters
    ----------
    results : iterable of ControlCharts or Funnels
        In the order they should appear.
    title : str
        The heading.
    sections : iterable of Section
        Further parts, after the results.

    Raises
    ------
    OptionError
        If something else than a result or a section is given, or two tables
        of the sections have one id.

    Examples
    --------
    >>> Report([], title="Quality", sections=[Section(title="All well")]).sections[0].title
    'All well'
    """

    results: tuple[ControlCharts | Funnels, ...]
    title: str
    sections: tuple[Section, ...]

    def __init__(
        self,
        results: Iterable[ControlCharts | Funnels],
        *,
        title: str = "spcbench report",
        sections: Iterable[Section] = (),
    ) -> None:
        kept = tuple(sections)
        seen: set[str] = set()
        for section in kept:
            if not isinstance(section, Section):
                raise OptionError(
                    f"the sections of a report are Sections; it was given {type(section).__name__}"
                )
            for table in section.tables:
                if table.id in seen:
                    raise OptionError(f"two tables of the report have the id {table.id!r}")
                seen.add(table.id)
        object.__setattr__(self, "results", _checked_results(results))
        object.__setattr__(self, "title", title)
        object.__setattr__(self, "sections", kept)

    @property
    def all_results(self) -> tuple[ControlCharts | Funnels, ...]:
        """The results, then those of the sections, in order."""
        return (*self.results, *(one for part in self.sections for one in part.results))

    @property
    def all_tables(self) -> tuple[ReportTable, ...]:
        """The tables of the sections, in order."""
        return tuple(table for section in self.sections for table in section.tables)


def _checked_results(results: Iterable[Any]) -> tuple[ControlCharts | Funnels, ...]:
    from spcbench.benchmarking import Funnels
    from spcbench.charting import ControlCharts

    kept = tuple(results)
    for result in kept:
        if not isinstance(result, (ControlCharts, Funnels)):
            raise OptionError(
                "a report takes results of control_charts() and funnels(); "
                f"it was given {type(result).__name__}"
            )
    return kept
