"""Picking out units on a funnel: my trust, my system, my region."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from spcbench.errors import OptionError, UnknownNameError
from spcbench.funnel_sums import in_window
from spcbench.funnel_view import MOST_HIGHLIGHTS, Highlight
from spcbench.intake import Taken


def highlights(given: Any, taken: Taken, window: tuple[Any, Any]) -> tuple[Highlight, ...]:
    """The units that are asked for, under the names they are asked by.

    Parameters
    ----------
    given : str, sequence of str, or mapping of str to str or sequence of str
        Each a unit's code or name, or ``"column=label"`` for all units with
        that label, such as ``"region=Y56"``. The keys of a mapping are the
        names in the legend.
    taken : Taken
        The counts.
    window : tuple of date
        First and last period: labels are those of the latest one in it.

    Raises
    ------
    UnknownNameError
        If there is no such unit or label.
    OptionError
        If there are more than three, or a column does not exist.
    """
    if isinstance(given, str):
        given = (given,)
    if not isinstance(given, Mapping | Sequence):
        raise OptionError(f"highlight must name units or labels, not {given!r}")
    pairs = dict(given) if isinstance(given, Mapping) else {str(one): one for one in given}
    for wanted in pairs.values():
        listed = wanted if isinstance(wanted, list | tuple) else [wanted]
        if not all(isinstance(one, str) for one in listed):
            raise OptionError(f"highlight must name units or labels as text, not {wanted!r}")
    if len(pairs) > MOST_HIGHLIGHTS:
        raise OptionError(
            f"at most {MOST_HIGHLIGHTS} highlights can be told apart, not {len(pairs)}; "
            "one may hold many units, such as region=Y56"
        )
    latest = latest_rows(taken, window)
    return tuple(_one(name, wanted, latest, taken.unit_names) for name, wanted in pairs.items())


def latest_rows(taken: Taken, window: tuple[Any, Any]) -> pd.DataFrame:
    """The latest row of each unit, within the window where it has one there."""
    inside = in_window(taken.frame, *window)
    order = pd.Series(inside, index=taken.frame.index).sort_values(kind="stable").index
    return taken.frame.loc[order].drop_duplicates("unit", keep="last").sort_index()


def _one(
    name: str, wanted: str | Sequence[str], latest: pd.DataFrame, names: Mapping[str, str]
) -> Highlight:
    found: dict[str, None] = {}
    title = name
    for one in [wanted] if isinstance(wanted, str) else wanted:
        units, called = _units(one, latest, names)
        found |= dict.fromkeys(units)
        if name == wanted:
            title = called
    return Highlight(name=title, units=tuple(found))


def _units(
    wanted: str, latest: pd.DataFrame, names: Mapping[str, str]
) -> tuple[Sequence[str], str]:
    """Codes of the units meant, and what to call them."""
    codes = latest["unit"].tolist()
    if wanted in codes:
        return [wanted], names.get(wanted, wanted)
    if named := [code for code in codes if names.get(code) == wanted]:
        return named, wanted
    column, sign, label = wanted.partition("=")
    if not sign:
        raise UnknownNameError("unit", wanted, [*codes, *names.values()])
    if column not in latest.columns:
        raise OptionError(
            f"highlight {wanted!r}: {column!r} is no column of the counts; "
            f"they have {', '.join(map(str, latest.columns))}"
        )
    labels = latest[column].astype("string")
    if not labels.eq(label).any():
        raise UnknownNameError(column, label, sorted(labels.dropna().unique()))
    found = latest.loc[labels.eq(label).to_numpy(bool, na_value=False), "unit"].tolist()
    return found, names.get(label, label)
