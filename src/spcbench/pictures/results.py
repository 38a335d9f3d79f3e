"""What a picture needs of a result, and which series or funnels were asked for.

Pictures name no class: whatever has these tables can be drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from spcbench.errors import AmbiguousNameError, OptionError, UnknownNameError
from spcbench.funnel_view import View
from spcbench.tables import Display

if TYPE_CHECKING:
    import pandas as pd


class Result(Protocol):
    """What control charts and funnels have in common."""

    @property
    def summary(self) -> pd.DataFrame:
        """One row a chart or funnel."""
        ...

    @property
    def advice(self) -> pd.DataFrame:
        """What the analyst should know."""
        ...

    @property
    def display(self) -> Mapping[str, Display]:
        """How each measure is shown."""
        ...

    @property
    def unit_names(self) -> Mapping[str, str]:
        """What each unit is called."""
        ...

    @property
    def method(self) -> Mapping[str, Any]:
        """How it was calculated."""
        ...

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Where the numbers came from."""
        ...


class ChartResult(Result, Protocol):
    """Control charts: see `spcbench.ControlCharts`."""

    @property
    def points(self) -> pd.DataFrame:
        """One row a plotted point."""
        ...

    @property
    def signals(self) -> pd.DataFrame:
        """One row a firing of a rule."""
        ...


class FunnelResult(Result, Protocol):
    """Funnels: see `spcbench.Funnels`."""

    @property
    def units(self) -> pd.DataFrame:
        """One row a unit on a funnel."""
        ...

    @property
    def curve(self) -> pd.DataFrame:
        """One row a denominator on a funnel."""
        ...

    @property
    def estimates(self) -> pd.DataFrame:
        """One row a unit: what its own figures say."""
        ...


Key = tuple[str, str]
"""A chart is a measure and a unit; a funnel is a measure and a group."""


def chart_keys(charts: ChartResult, *, measure: str | None, unit: str | None) -> list[Key]:
    """Name the charts that were asked for, in the order of the tables.

    Parameters
    ----------
    charts : ControlCharts
        The result.
    measure, unit : str or None
        Which to keep; None keeps all. A measure may be shortened
        (``mgso4`` for ``pop@2023:mgso4``) where that names only one.

    Returns
    -------
    list of (measure, unit)
        Empty only when the result is empty and nothing was asked for.

    Raises
    ------
    UnknownNameError
        If no such measure or unit is in the result.
    AmbiguousNameError
        If the short name fits several measures.
    OptionError
        If measure and unit both exist, but not together.
    """
    return _chosen(_keys(charts.points, "unit"), measure, unit, kind="unit")


def funnel_keys(funnels: FunnelResult, *, measure: str | None, group: str | None) -> list[Key]:
    """Name the funnels that were asked for, in the order of the tables.

    Parameters
    ----------
    funnels : Funnels
        The result.
    measure, group : str or None
        Which to keep; None keeps all. A measure may be shortened. Funnels that
        were not split by group have the group ``""``.

    Returns
    -------
    list of (measure, group)
        Empty only when the result is empty and nothing was asked for.

    Raises
    ------
    UnknownNameError
        If no such measure or group is in the result.
    AmbiguousNameError
        If the short name fits several measures.
    OptionError
        If measure and group both exist, but not together.
    """
    return _chosen(_keys(funnels.units, "group"), measure, group, kind="group")


def rows_of(table: pd.DataFrame, key: Key, *, second: str) -> pd.DataFrame:
    """The rows of one chart (``second="unit"``) or one funnel (``"group"``).

    A group that is null counts as ``""``.
    """
    return table[(table["measure"] == key[0]) & (table[second].fillna("") == key[1])]


def display_of(result: Result, measure: str) -> Display:
    """How a measure is shown; a measure nobody described shows its own name."""
    return result.display.get(measure) or Display(title=measure)


def view_of(result: FunnelResult) -> View:
    """How funnels are to be drawn; as usual where the result does not say."""
    view: View | None = getattr(result, "view", None)
    return view or View()


def unit_title(result: Result, unit: str) -> str:
    """The name of a unit, or its code where it has no name."""
    return result.unit_names.get(unit) or unit


def _keys(table: pd.DataFrame, second: str) -> list[Key]:
    pairs = table[["measure", second]].fillna("").drop_duplicates()
    return [(str(first), str(other)) for first, other in pairs.itertuples(index=False)]


def _chosen(keys: list[Key], measure: str | None, other: str | None, *, kind: str) -> list[Key]:
    if measure is not None:
        measure = _full_name(measure, dict.fromkeys(key[0] for key in keys))
    known = dict.fromkeys(key[1] for key in keys)
    if other is not None and other not in known:
        raise UnknownNameError(kind, other, known)
    kept = [key for key in keys if measure in (None, key[0]) and (other is None or key[1] == other)]
    if keys and not kept:
        raise OptionError(f"the result has no {kind} {other!r} for the measure {measure!r}")
    return kept


def _full_name(asked: str, known: Iterable[str]) -> str:
    """The one measure that is called `asked`, in full or without pack or version."""
    names = list(known)
    if asked in names:
        return asked
    fits = [name for name in names if asked in _short_names(name)]
    if len(fits) > 1:
        raise AmbiguousNameError(
            f"the measure {asked!r} could be {' or '.join(sorted(fits))}; write it in full"
        )
    if not fits:
        raise UnknownNameError("measure", asked, names)
    return fits[0]


def _short_names(name: str) -> tuple[str, str]:
    pack, _, measure = name.rpartition(":")
    return measure, f"{pack.partition('@')[0]}:{measure}"
