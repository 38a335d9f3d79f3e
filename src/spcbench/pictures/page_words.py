"""What every page says beside pictures and in tables, whatever its format."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spcbench.pictures.results import (
    Key,
    chart_keys,
    display_of,
    funnel_keys,
    unit_title,
)
from spcbench.pictures.theme import date_text
from spcbench.pictures.words import number_text, value_text

if TYPE_CHECKING:
    from spcbench.report import Section
    from spcbench.tables import Display

ICON_LETTERS = {
    "common_cause": "–",
    "improvement_high": "H",
    "improvement_low": "L",
    "concern_high": "H",
    "concern_low": "L",
    "neither_high": "H",
    "neither_low": "L",
    "not_enough_data": "–",
    "passes": "P",
    "hit_or_miss": "?",
    "fails": "F",
}
"""The letter inside the icon of each word of `tables.VARIATION` and `tables.ASSURANCE`."""

_WANTED = {
    "higher": "Higher is better.",
    "lower": "Lower is better.",
    "neither": "Neither higher nor lower is better by itself.",
}


@dataclass(frozen=True, slots=True)
class SectionPicture:
    """One chart or funnel of a section: its result, its key and its heading."""

    result: Any
    key: Key
    title: str


def is_charts(result: Any) -> bool:
    """Whether a result is control charts; otherwise it is funnels."""
    return hasattr(result, "points")


def keys_of(result: Any) -> list[Key]:
    """Name every chart or funnel of a result."""
    if is_charts(result):
        return chart_keys(result, measure=None, unit=None)
    return funnel_keys(result, measure=None, group=None)


def section_pictures(section: Section) -> list[SectionPicture]:
    """The pictures of all results of a section, by measure in the section's order.

    Parameters
    ----------
    section : Section
        Of a report.

    Returns
    -------
    list of SectionPicture
        One a chart and one a funnel.
    """
    place = {name: number for number, name in enumerate(section.order)}
    wanted = [(result, key) for result in section.results for key in keys_of(result)]
    wanted.sort(key=lambda pair: place.get(pair[1][0], len(place)))
    return [SectionPicture(result, key, _title(result, key)) for result, key in wanted]


def _title(result: Any, key: Key) -> str:
    title = display_of(result, key[0]).title
    if not is_charts(result):
        return f"{title}: {key[1]}" if key[1] else title
    several = len({unit for _, unit in keys_of(result)}) > 1
    return f"{title}: {unit_title(result, key[1])}" if several else title


def measure_notes(measure: str, display: Display) -> list[str]:
    """What a reader must know of a measure: direction, targets, definition."""
    notes = [f"Measure {measure}. {_WANTED[display.better]}"]
    if display.target is not None:
        label = f" ({display.target_label})" if display.target_label else ""
        checked = "" if display.target_verified else ", still to be checked at its source"
        notes.append(f"Target {value_text(display.target, display)}{label}{checked}.")
    if display.stretch is not None:
        label = f" ({display.stretch_label})" if display.stretch_label else ""
        notes.append(f"Stretch target {value_text(display.stretch, display)}{label}.")
    if display.source:
        notes.append(f"Definition: {display.source}.")
    if not display.verified:
        notes.append("This definition still has to be checked at its source.")
    return notes


def cell_text(value: Any) -> str:
    """A cell of a table as people write it.

    Examples
    --------
    >>> cell_text(12500), cell_text(0.25), cell_text(None)
    ('12,500', '0.25', '–')
    """
    import pandas as pd

    if pd.isna(value):
        return "–"
    if isinstance(value, pd.Timestamp):
        return date_text(value)
    if isinstance(value, float):
        return number_text(value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def cell_lines(value: Any) -> list[str]:
    r"""The lines of a cell of a report's table: the first is read first; missing is empty.

    Examples
    --------
    >>> cell_lines("28 of 29\n96.6%"), cell_lines(None)
    (['28 of 29', '96.6%'], [''])
    """
    import pandas as pd

    if pd.isna(value):
        return [""]
    return (value if isinstance(value, str) else cell_text(value)).split("\n")


def method_items(result: Any) -> list[tuple[str, str]]:
    """How one result was made and where its numbers came from: each setting with its name."""
    both = {**result.method, **result.provenance}
    return [(name.replace("_", " ").capitalize(), _setting_text(both[name])) for name in both]


def _setting_text(value: Any) -> str:
    """One setting in a line; settings within settings as JSON."""
    if value is None or (isinstance(value, (str, list, tuple, dict)) and not value):
        return "none"
    if isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value):
        return "; ".join(value)
    if isinstance(value, list) and all("label" in one and "value" in one for one in value):
        return "; ".join(f"{one['label']} {one['value']:g} ({one['measure']})" for one in value)
    if isinstance(value, (Mapping, list, tuple)):
        return json.dumps(value, default=str, ensure_ascii=False)
    return str(value)
