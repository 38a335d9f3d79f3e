"""Settings that measures and composites share, and what must hold of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spcbench.display import LEVEL, Reference
from spcbench.errors import PackError
from spcbench.measures.checks import (
    check_choice,
    check_flag,
    check_text_tuple,
    check_texts,
    is_number,
)
from spcbench.measures.example import Example
from spcbench.measures.field import Source
from spcbench.plugin.records import ID_PATTERN

if TYPE_CHECKING:
    from spcbench.measures.measure import Composite, Measure

BETTER = ("higher", "lower", "neither")

_TEXTS = (
    *(
        "title",
        "short",
        "target_label",
        "stretch_label",
        "description",
        "counts",
        "strata",
        "caution",
        "chart",
        "chart_reason",
    ),
)


def check_common(where: str, measure: Measure | Composite) -> None:
    """Refuse what can be wrong with a measure of any kind.

    Raises
    ------
    PackError
        Names the setting.
    """
    if not isinstance(measure.id, str) or not ID_PATTERN.fullmatch(measure.id):
        raise PackError(f"{where}: id must match {ID_PATTERN.pattern}")
    check_texts(where, **{name: getattr(measure, name) for name in _TEXTS})
    if bool(measure.chart) != bool(measure.chart_reason):
        raise PackError(f"{where}: chart and chart_reason go together; the advice says why")
    if not measure.title.strip():
        raise PackError(f"{where}: title must not be empty")
    check_choice(where, "better", measure.better, BETTER)
    check_flag(where, "verified", measure.verified)
    check_flag(where, "target_verified", measure.target_verified)
    check_flag(where, "stock", measure.stock)
    check_flag(where, "supporting", measure.supporting)
    if not isinstance(measure.per, int) or measure.per is True or measure.per < 1:
        raise PackError(f"{where}: per must be a whole number of at least 1, not {measure.per!r}")
    _check_targets(where, measure)
    if measure.source is not None and not isinstance(measure.source, Source):
        raise PackError(f"{where}: source must be a Source, not {type(measure.source).__name__}")
    check_text_tuple(where, "compare_at", measure.compare_at)
    for level in measure.compare_at:
        check_choice(where, "compare_at", level, LEVEL)
    for key, kind in (("references", Reference), ("examples", Example)):
        values = getattr(measure, key)
        if not isinstance(values, tuple) or not all(isinstance(one, kind) for one in values):
            raise PackError(f"{where}: {key} must be a list of {key}, not {values!r}")


def _check_targets(where: str, measure: Measure | Composite) -> None:
    for key in ("target", "stretch"):
        value = getattr(measure, key)
        if value is not None and not (is_number(value) and 0 <= value <= 1):
            raise PackError(
                f"{where}: {key} must lie between 0 and 1, not {value!r} (85 % is written 0.85)"
            )
    target, stretch = measure.target, measure.stretch
    if stretch is None:
        return
    if target is None:
        raise PackError(f"{where}: stretch goes with target only; it is the more ambitious one")
    easier = {"higher": stretch < target, "lower": stretch > target}.get(measure.better, False)
    if easier:
        raise PackError(
            f"{where}: stretch {stretch:g} is easier to reach than target {target:g}; "
            "it must be the more ambitious one"
        )
