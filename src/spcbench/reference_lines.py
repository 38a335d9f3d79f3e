"""Lines beside a chart: those that are given, those that were published, and stretch targets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from spcbench.errors import OptionError
from spcbench.intake import Taken
from spcbench.numeric.segments import Flags, Floats
from spcbench.tables import Display, Reference

PUBLISHED = "published"
"""What `references` is called that the measures bring along themselves."""

MOST_OF_A_PLACE, MOST = 2, 3
"""Published lines on one chart, the newest first: more could not be told apart."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def checked_references(given: Any, taken: Taken) -> dict[str, float]:
    """Lines to draw beside the charts, by label.

    Parameters
    ----------
    given : mapping of str to float, or "published", optional
        On the natural scale; those that were published are `published_lines`.
    taken : Taken
        The counts; of shares of cases a line lies between 0 and 1.

    Raises
    ------
    OptionError
        If a value is no number, or cannot be on the chart.
    """
    if isinstance(given, str) and given == PUBLISHED:
        return {}
    if given is not None and not isinstance(given, Mapping):
        raise OptionError(
            "references must map labels to values, such as {'England': 0.72}, or be "
            f"{PUBLISHED!r}, not {given!r}"
        )
    shares = taken.frame["denominator"].notna().any() and all(
        shown.per == 100 for shown in taken.display.values()
    )
    made = {}
    for label, value in (given or {}).items():
        if isinstance(value, str | bool) or not np.isfinite(value):
            raise OptionError(f"reference {label!r} must be a number, not {value!r}")
        if shares and not 0.0 <= value <= 1.0:
            raise OptionError(
                f"reference {label!r}: {value:g} is not a proportion between 0 and 1; "
                "write 72 % as 0.72"
            )
        made[str(label)] = float(value)
    return made


def published_lines(display: Mapping[str, Display]) -> list[dict[str, Any]]:
    """The published values that are drawn, of every measure.

    Parameters
    ----------
    display : mapping of str to Display
        The measures, as their charts show them.

    Returns
    -------
    list of dict
        `measure, label, value, source, note, verified`: of each place the
        newest, then the second newest, three in all.

    Examples
    --------
    >>> from spcbench.tables import Display, Reference
    >>> known = [Reference(value=0.8, place="England", period=one) for one in ("2020", "2022")]
    >>> known.append(Reference(value=0.9, place="London", period="2022", verified=False))
    >>> shown = {"m": Display(title="Thing", references=tuple(known))}
    >>> [one["label"] for one in published_lines(shown)]
    ['England 2022', 'London 2022 (not verified)', 'England 2020']
    """
    return [
        {"measure": measure, "label": label, "value": one.value}
        | {"source": one.source, "note": one.note, "verified": one.verified}
        for measure, shown in display.items()
        for label, one in _labelled(_newest(shown.references))
    ]


def published_on_funnels(
    given: Any, data_type: str, display: Mapping[str, Display]
) -> list[dict[str, Any]]:
    """The published values that are drawn on funnels, if they are asked for.

    Parameters
    ----------
    given : object
        What was asked for as `references`, checked.
    data_type : str
        What the funnels compare.
    display : mapping of str to Display
        The measures.

    Raises
    ------
    OptionError
        If the funnels show something else than shares of cases.
    """
    if not isinstance(given, str):
        return []
    if data_type != "proportion":
        raise OptionError(
            f"references {PUBLISHED!r} are shares of cases; funnels of data_type {data_type!r} "
            "show something else"
        )
    return published_lines(display)


def _newest(known: tuple[Reference, ...]) -> list[Reference]:
    """The newest of each place, then the second newest, as long as there is room."""
    places: dict[str, list[Reference]] = {}
    for one in sorted(known, key=lambda one: _when(one.period), reverse=True):
        places.setdefault(one.place, []).append(one)
    ranked = [
        (rank, one) for own in places.values() for rank, one in enumerate(own[:MOST_OF_A_PLACE])
    ]
    ranked.sort(key=lambda pair: pair[0])  # keeps the order of the places, the newest first
    return [one for _, one in ranked[:MOST]]


def _when(period: str) -> tuple[int, int, str]:
    """Year and month that words such as ``May 2020``, ``2020-05`` and ``2022/23 Q4`` begin with.

    A whole year counts as its last month.
    """
    year = re.search(r"\d{4}", period)
    number = re.search(r"\d{4}-(\d\d)", period)
    name = re.search("|".join(_MONTHS), period.lower())
    month = int(number[1]) if number else _MONTHS.index(name[0]) + 1 if name else 12
    return int(year[0]) if year else 0, month, period


def _labelled(references: list[Reference]) -> list[tuple[str, Reference]]:
    """Each with a label of its own, which says so where it is not verified."""
    made: dict[str, Reference] = {}
    for one in references:
        label = one.label if one.verified else f"{one.label} (not verified)"
        if label in made:
            label += f", {one.source or len(made)}"
        made[label] = one
    return list(made.items())


def fitting_lines(taken: Taken, scale: Any, aim: Floats) -> Taken:
    """Without the lines of measures that the charts cannot have.

    Parameters
    ----------
    taken : Taken
        The counts.
    scale : array of str, shape (series,)
        What each chart shows, as `ChartType.scale`.
    aim : array of float, shape (rows,)
        The target of each row.

    Returns
    -------
    Taken
        A measure loses what was published of it where one of its charts shows
        something else than its values, and its stretch target also where the
        counts have a target of their own: the two do not go together.
    """
    concerned = {
        name
        for name, shown in taken.display.items()
        if shown.references or shown.stretch is not None
    }
    if not concerned:
        return taken
    names = taken.frame["measure"].array.take(taken.series.starts)
    display = dict(taken.display)
    for name in concerned:
        own = np.asarray(names == name, dtype=np.bool_)
        shown = display[name]
        if not (np.asarray(scale)[own] == "measure").all():
            shown = replace(shown, references=(), stretch=None, stretch_label="")
        elif shown.stretch is not None and not _own_target(shown, aim, taken.series.spread(own)):
            shown = replace(shown, stretch=None, stretch_label="")
        display[name] = shown
    return replace(taken, display=display)


def _own_target(shown: Display, aim: Floats, rows: Flags) -> bool:
    """Whether every row has the target of the measure itself."""
    target = np.nan if shown.target is None else shown.target
    return bool(np.array_equal(aim[rows], np.full(rows.sum(), target), equal_nan=True))
