"""What an analyst should know about a control chart: one row each, with the numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from spcbench.chart_tables import Drawn
from spcbench.intake import unknown_outcomes
from spcbench.numeric.engine import FEWEST_POINTS
from spcbench.numeric.limits import METHODS
from spcbench.tables import ADVICE

TRIAL_POINTS = 12
"""Under so many points limits are trial limits (Making Data Count)."""

OVERDISPERSED = 1.3
"""Variance ratio from which a p chart signals too often (a proposal, not published)."""

_OF_THE_MEASURE = {"unknown_outcomes", "unverified_definition"}
"""Codes of advice about a measure, whichever the unit."""

Row = tuple[int, str, str, dict[str, Any]]


def advice_table(drawn: Drawn) -> pd.DataFrame:
    """Advice on every chart, as `tables.ADVICE`.

    Parameters
    ----------
    drawn : Drawn
        The charts as arrays.

    Returns
    -------
    pandas.DataFrame
        Ordered by measure, unit and code; `evidence` holds JSON.
    """
    rows = sorted((row for kind in _KINDS for row in kind(drawn)), key=lambda row: (row[0], row[1]))
    if not rows:
        return ADVICE.empty()
    which = np.array([row[0] for row in rows])
    return ADVICE.frame(
        {
            "measure": drawn.names("measure").take(which),
            "unit": pd.Series(drawn.names("unit").take(which)).mask(
                [row[1] in _OF_THE_MEASURE for row in rows]
            ),
            "code": [row[1] for row in rows],
            "message": [row[2] for row in rows],
            "evidence": [json.dumps(row[3], sort_keys=True) for row in rows],
        }
    )


def _few_points(drawn: Drawn) -> Iterator[Row]:
    known = drawn.charted.known[drawn.phases.latest]
    for which in np.flatnonzero((known >= FEWEST_POINTS) & (known < TRIAL_POINTS)):
        yield (
            int(which),
            "few_points",
            f"The latest phase has {known[which]} points. Limits from fewer than "
            f"{TRIAL_POINTS} are trial limits: expect them to move.",
            {"points": int(known[which]), "wanted": TRIAL_POINTS},
        )


def _overdispersed(drawn: Drawn) -> Iterator[Row]:
    ratio = drawn.charted.dispersion[drawn.phases.latest]
    exact = drawn.charted.limits.method[drawn.last_known] == METHODS.index("exact")
    known = drawn.charted.known[drawn.phases.latest]
    for which in np.flatnonzero((ratio >= OVERDISPERSED) & ~exact & (known >= TRIAL_POINTS)):
        yield (
            int(which),
            "overdispersed",
            f"The points vary {ratio[which]:.1f} times as much as chance in these denominators "
            "would make them, so the limits of a p chart are too narrow and signal too often.",
            {"dispersion": round(float(ratio[which]), 3), "threshold": OVERDISPERSED},
        )


def _exact_limits(drawn: Drawn) -> Iterator[Row]:
    method = drawn.charted.limits.method[drawn.last_known]
    known = drawn.charted.known[drawn.phases.latest] >= FEWEST_POINTS
    size = drawn.series.denominator
    centre = drawn.charted.limits.centre
    for which in np.flatnonzero((method == METHODS.index("exact")) & known):
        at = drawn.last_known[which]
        cases = float(size[at]) if size is not None else float("nan")
        yield (
            int(which),
            "exact_limits",
            "Few cases are expected in some periods, so exact binomial limits are used; "
            "a longer period, such as a quarter, would say more.",
            {"latest_denominator": int(cases), "centre": round(float(centre[at]), 4)},
        )


def _gaps(drawn: Drawn) -> Iterator[Row]:
    number = drawn.taken.series.sums(drawn.series.gap.astype(np.int64))
    names = drawn.names("measure")
    for which in np.flatnonzero(number > 0):
        count = int(number[which])
        yield (
            int(which),
            "gap",
            f"Periods are missing in {count} place{'s' if count > 1 else ''} "
            f"(a period is a {drawn.frequency[names[which]]} here); runs and trends stop there.",
            {"gaps": count, "frequency": drawn.frequency[names[which]]},
        )


def _incomplete_period(drawn: Drawn) -> Iterator[Row]:
    """The latest denominator is under half the median of the six before it."""
    size, series = drawn.series.denominator, drawn.taken.series
    if size is None or not size.size:
        return
    at = series.lasts
    before = at[:, None] - np.arange(1, 7)
    recent = np.where(before >= series.starts[:, None], size[np.maximum(before, 0)], np.nan)
    enough = (~np.isnan(recent)).sum(axis=1) == recent.shape[1]
    usual = np.full(at.size, np.nan)
    if enough.any():
        usual[enough] = np.median(recent[enough], axis=1)
    for which in np.flatnonzero((usual >= 20) & (size[at] < 0.5 * usual)):
        yield (
            int(which),
            "incomplete_period",
            f"The latest period has {size[at[which]]:.0f} cases against about "
            f"{usual[which]:.0f} before: it may not be complete. until= (--until) leaves it out.",
            {"latest": int(size[at[which]]), "usual": float(usual[which])},
        )


def _unverified(drawn: Drawn) -> Iterator[Row]:
    doubtful = {name for name, shown in drawn.taken.display.items() if not shown.verified}
    if not doubtful:
        return
    names = list(drawn.names("measure"))
    for name in sorted(doubtful):
        yield (
            names.index(name),
            "unverified_definition",
            "The definition of this measure has not been checked against its source.",
            {"verified": False},
        )


def _unknown(drawn: Drawn) -> Iterator[Row]:
    names = list(drawn.names("measure"))
    for name in drawn.taken.display:
        if found := unknown_outcomes(drawn.taken.frame, name):
            yield (names.index(name), "unknown_outcomes", *found)


_KINDS = (
    _few_points,
    _overdispersed,
    _exact_limits,
    _gaps,
    _incomplete_period,
    _unknown,
    _unverified,
)
