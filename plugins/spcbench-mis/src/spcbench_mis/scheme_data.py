"""The Maternity Incentive Scheme as dated data: years, periods, safety actions, items.

The data stand in ``mis.toml``. Thresholds are exact fractions from the file on:
95 % is 19/20, so no count lies on the wrong side of a mark through rounding.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from spcbench.errors import OptionError, suggest

YEARS = ("y5", "y6", "y7")
"""The years of the scheme that the data hold, oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Dates between which cases bear on an item.

    Parameters
    ----------
    title : str
        Which period of the scheme it is.
    first, last : date
        Both belong to it.
    rule : str
        What else is said about it, such as "any six months within these dates".
    audit_months : int, optional
        If an audit within the dates is asked for: of how many months in a row
        at least, 0 where that is not said. None where the whole period counts.
    """

    title: str
    first: date
    last: date
    rule: str = ""
    audit_months: int | None = None

    def __str__(self) -> str:
        said = f"{self.first:%d %b %Y} to {self.last:%d %b %Y}"
        return f"{said} ({self.rule})" if self.rule else said


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemeYear:
    """One year of the scheme.

    Parameters
    ----------
    id, label, title : str
        ``y7``, ``Year 7``, and what the scheme was called.
    published : date
        When its guidance was.
    declaration : datetime
        When the Board's declaration is due.
    """

    id: str
    label: str
    title: str
    published: date
    declaration: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreedException:
    """When a figure short of its mark may pass all the same, if the Board has agreed.

    Parameters
    ----------
    text : str
        In words.
    floor : Fraction, optional
        The least share that may pass.
    """

    text: str
    floor: Fraction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that the scheme, or the care bundle within it, asks for.

    Parameters
    ----------
    id, title : str
        Its short name, the same in every year, and plain words.
    action : int
        Safety action, 1 to 10.
    kind : str
        ``"statistic"``, ``"count"`` or ``"evidence"``.
    form : str
        ``"flow"``: cases add up over the period. ``"stock"``: the latest state
        stands for itself, and months must not be added.
    better : str
        ``"higher"``, ``"lower"``, ``"neither"``; empty for evidence.
    numerator, denominator, exclusions, evidence : str
        What is counted, or what is to be shown, in words.
    thresholds : mapping of str to Fraction
        By year; a year without one has no mark.
    operator : str
        ``">="`` or ``">"``.
    required : bool
        Whether it bears on the verdict of its safety action.
    years : tuple of str
        Those whose standard holds it.
    period : str
        Name of its period.
    none : str
        What no case at all means, ``"met"`` or ``"not_met"``; empty if the
        scheme does not say.
    exceptions : mapping of str to AgreedException
        By year: when a figure short of the threshold may pass all the same.
    not_applicable : str
        When a required item may be said not to apply; empty where it always does.
    chart, chart_reason : str
        As for `spcbench.measures.measure.Measure`.
    indicator : str
        Its name in the published Maternity Services files, if it is there.
    data, shown, note : str
        Where figures come from, how they are shown, what else to know.
    sources, supported_by : tuple of str
        Titles of the documents that set the rule, and that confirm part of it.
    status : str
        ``"unverified"`` or ``"attributed"``.
    confidence : float
        0 to 1, for the entry as a whole.
    """

    id: str
    title: str
    action: int
    kind: Literal["statistic", "count", "evidence"]
    form: Literal["flow", "stock"] = "flow"
    better: str = ""
    numerator: str = ""
    denominator: str = ""
    exclusions: str = ""
    evidence: str = ""
    thresholds: Mapping[str, Fraction]
    operator: Literal[">=", ">"] = ">="
    required: bool
    years: tuple[str, ...]
    period: str
    none: Literal["", "met", "not_met"] = ""
    exceptions: Mapping[str, AgreedException] = field(default_factory=dict)
    not_applicable: str = ""
    chart: str = ""
    chart_reason: str = ""
    indicator: str = ""
    data: str = ""
    shown: str = ""
    note: str = ""
    sources: tuple[str, ...] = ()
    supported_by: tuple[str, ...] = ()
    status: Literal["unverified", "attributed"] = "unverified"
    confidence: float

    def threshold_text(self, year: str) -> str:
        """The mark of a year as people write it; empty where there is none.

        Examples
        --------
        >>> scheme().item("sa1_parent_views").threshold_text("y7")
        '≥ 95%'
        >>> scheme().item("sa9_bsc_meetings").threshold_text("y7")
        '≥ 3'
        """
        mark = self.thresholds.get(year)
        if mark is None:
            return ""
        sign = {">=": "≥", ">": ">"}[self.operator]
        return f"{sign} {mark}" if self.kind == "count" else f"{sign} {float(mark * 100):g}%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """All that the data hold.

    Parameters
    ----------
    years : mapping of str to SchemeYear
        By id.
    actions : mapping of int to str
        Titles of the ten safety actions.
    items : tuple of Item
        In the order of safety actions.
    windows : mapping of (str, str) to Window
        By name of the period and year.
    """

    years: Mapping[str, SchemeYear]
    actions: Mapping[int, str]
    items: tuple[Item, ...]
    windows: Mapping[tuple[str, str], Window]

    def year(self, name: str) -> SchemeYear:
        """The year ``y7``, also written ``Y7`` or ``7``.

        Raises
        ------
        OptionError
            If the data hold no such year.

        Examples
        --------
        >>> scheme().year("7").label
        'Year 7'
        """
        key = str(name).strip().lower().removeprefix("y")
        found = self.years.get(f"y{key}")
        if found is None:
            raise OptionError(
                f"year {name!r} of the scheme is not known; it is one of {', '.join(self.years)}"
            )
        return found

    def of_year(self, year: str) -> tuple[Item, ...]:
        """The items in the standard of a year."""
        return tuple(item for item in self.items if year in item.years)

    def item(self, name: str) -> Item:
        """The item of that id.

        Raises
        ------
        OptionError
            If there is none.
        """
        for item in self.items:
            if item.id == name:
                return item
        raise OptionError(
            f"{name!r} is no item of the scheme; {suggest(name, [one.id for one in self.items])}"
        )

    def window(self, item: Item, year: str) -> Window:
        """The dates of an item's period in a year."""
        return self.windows[item.period, year]

    def year_on(self, day: date) -> SchemeYear:
        """The year that a day falls in: the latest whose first period has begun.

        Examples
        --------
        >>> scheme().year_on(date(2024, 10, 1)).id
        'y6'
        """
        begun = [one for one in self.years.values() if self.windows["main", one.id].first <= day]
        return begun[-1] if begun else next(iter(self.years.values()))


@cache
def scheme() -> Scheme:
    """The scheme as ``mis.toml`` in this package tells it.

    Returns
    -------
    Scheme
        Read once.

    Examples
    --------
    >>> len(scheme().actions), scheme().item("sa1_published_6m").thresholds["y7"]
    (10, Fraction(3, 4))
    """
    text = files("spcbench_mis").joinpath("mis.toml").read_text(encoding="utf-8")
    # Fraction("0.95") is 19/20; the float 0.95 is a little less.
    told = tomllib.loads(text, parse_float=Fraction)
    sources = {key: one["title"] for key, one in told["source"].items()}
    exceptions = {key: AgreedException(**one) for key, one in told["exception"].items()}
    return Scheme(
        years={key: _year(key, one) for key, one in told["year"].items()},
        actions={one["number"]: one["title"] for one in told["action"]},
        items=tuple(_item(one, sources, exceptions) for one in told["item"]),
        windows={
            (name, year): Window(title=one["title"], **one[year])
            for name, one in told["period"].items()
            for year in told["year"]
        },
    )


def _year(name: str, told: Mapping[str, Any]) -> SchemeYear:
    kept = ("label", "title", "published", "declaration")
    return SchemeYear(id=name, **{key: told[key] for key in kept})


def _item(
    told: Mapping[str, Any],
    sources: Mapping[str, str],
    exceptions: Mapping[str, AgreedException],
) -> Item:
    cells = dict(told)
    for key in ("sources", "supported_by"):
        cells[key] = tuple(sources[name] for name in cells.get(key, ()))
    marks = {year: Fraction(mark) for year, mark in cells.get("thresholds", {}).items()}
    cells |= {"thresholds": marks, "years": tuple(cells["years"])}
    agreed = cells.get("exceptions", {})
    cells["exceptions"] = {year: exceptions[name] for year, name in agreed.items()}
    cells["confidence"] = float(cells["confidence"])
    return Item(**cells)
