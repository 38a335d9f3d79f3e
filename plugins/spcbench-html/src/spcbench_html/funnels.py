"""The parts of a page that show funnels: their summary, and each with its tables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from spcbench.levels import level_names, level_words
from spcbench.pictures import describe_funnel, svg_bytes
from spcbench.pictures.funnel_scale import value_words
from spcbench.pictures.funnel_words import position_words, positions_outside, target_doubt
from spcbench.pictures.page_words import cell_text
from spcbench.pictures.results import display_of, rows_of, unit_title
from spcbench.pictures.saving import funnel_picture
from spcbench.pictures.words import STATUS_WORDS, target_name
from spcbench_html.parts import Figure, Grid, data_uri, is_known, value_or_dash

if TYPE_CHECKING:
    from spcbench import Funnels

_MOST_NAMED = 10
"""More units than this are named in their own table only."""

_COUNTS = {
    "ratio": (("numerator", "Observed"), ("expected", "Expected")),
    "two_counts": (("numerator", "First count"), ("denominator", "Second count")),
}
_VALUES = {"two_counts": "First over second", "change": "After over before"}


def funnel_summary(funnels: Funnels) -> Grid:
    """One row a funnel: who is outside the limits, and how many chance would put there."""
    levels = level_names(funnels.units.columns)
    rows = []
    for line in funnels.summary.to_dict("records"):
        group = line["group"] if is_known(line["group"]) else ""
        units = rows_of(funnels.units, (line["measure"], group), second="group")
        target = value_words(funnels, line["measure"], line["target"])
        rows.append(
            [
                display_of(funnels, line["measure"]).title,
                group or "All units",
                cell_text(line["units"]),
                f"{target_name(funnels.method)} {target}{target_doubt(funnels, line['measure'])}",
                _named(funnels, units, "above"),
                _named(funnels, units, "below"),
                cell_text(line["expected_false_positives"]),
            ]
        )
    headings = [
        "Measure",
        "Group",
        "Units",
        "Compared with",
        "Higher than expected",
        "Lower than expected",
        f"Outside {level_words(levels[0])} by chance alone (about)",
    ]
    return Grid("Funnels: is any unit different from the others?", headings, rows)


def _named(funnels: Funnels, units: pd.DataFrame, side: str) -> str:
    """Name the units on one side of the limits, with the limit they are outside."""
    named = [
        f"{unit_title(funnels, unit)} ({level_words(position.partition('_')[2])})"
        for position in positions_outside(level_names(units.columns))
        if position.startswith(side)
        for unit in units.loc[(units["position"] == position).to_numpy(bool), "unit"]
    ]
    more = len(named) - _MOST_NAMED
    return "; ".join(named[:_MOST_NAMED]) + (f"; and {more} more" if more > 0 else "") or "None"


def funnel_figure(funnels: Funnels, key: tuple[str, str], anchor: str, title: str = "") -> Figure:
    """One funnel: its picture, the units outside its limits, and all units."""
    title = title or key[1] or "All units"
    description = describe_funnel(funnels, *key)
    plot = funnel_picture(funnels, measure=key[0], group=key[1])
    units = rows_of(funnels.units, key, second="group")
    outside = units["position"].notna() & units["position"].ne("within")
    found = _grid(funnels, key[0], units[outside], f"Units outside the limits: {title}")
    return Figure(
        title,
        anchor,
        data_uri(svg_bytes(plot, title=title, description=description)),
        description,
        _grid(funnels, key[0], units, title),
        first=[found] if outside.any() else [],
    )


def _grid(funnels: Funnels, measure: str, units: pd.DataFrame, caption: str) -> Grid:
    """Units by name: an order by value would be a ranking."""
    kind = str(funnels.method.get("data_type"))
    levels = level_names(units.columns)
    counts = _COUNTS.get(kind, (("numerator", "Numerator"), ("denominator", "Denominator")))
    if kind == "change":
        counts = (("value_before", "Before"), ("value_after", "After"))
    headings = ["Unit", *(heading for _, heading in counts), _VALUES.get(kind, "Value")]
    headings += [*(f"{level_words(name)} limits" for name in levels), "Finding"]
    rows = sorted(
        units.to_dict("records"), key=lambda line: unit_title(funnels, line["unit"]).casefold()
    )
    return Grid(
        caption,
        headings,
        [
            [
                _name_and_code(funnels, line["unit"]),
                *(_count(funnels, measure, line[name]) for name, _ in counts),
                _value(funnels, measure, line["value"]),
                *(_limits(funnels, measure, line, name) for name in levels),
                _finding(line),
            ]
            for line in rows
        ],
    )


def _count(funnels: Funnels, measure: str, value: Any) -> str:
    """A count; of changes, which set two values side by side, a value."""
    if funnels.method.get("data_type") == "change":
        return value_or_dash(value, display_of(funnels, measure))
    return cell_text(value)


def _finding(line: Mapping[str, Any]) -> str:
    if is_known(line["position"]):
        return position_words(line["position"])
    return STATUS_WORDS.get(line["status"], "–")


def _value(funnels: Funnels, measure: str, value: float) -> str:
    return value_words(funnels, measure, value) if math.isfinite(value) else "–"


def _limits(funnels: Funnels, measure: str, line: Mapping[str, Any], level: str) -> str:
    lower, upper = line[f"lower_{level}"], line[f"upper_{level}"]
    if pd.isna(lower) and pd.isna(upper):
        return "–"
    return f"{_value(funnels, measure, lower)} to {_value(funnels, measure, upper)}"


def _name_and_code(funnels: Funnels, unit: str) -> str:
    """A unit's name with its code, which a crowded picture shows instead."""
    name = unit_title(funnels, unit)
    return name if name == unit else f"{name} ({unit})"
