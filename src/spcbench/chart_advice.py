"""What an analyst should know about a control chart: one row each, with the numbers."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from spcbench import advice_data, advice_limits, advice_measures, advice_patterns
from spcbench.advice_facts import Facts
from spcbench.drawn import Drawn
from spcbench.tables import ADVICE

CODES = (
    "rounded_widely",
    "clustered",
    "overdispersed",
    "rolling",
    "incomplete_period",
    "by_construction",
    "constant",
    "rounded",
    "few_points",
    "small_denominators",
    "near_ceiling",
    "seasonal",
    "autocorrelated",
    "varying_denominators",
    "gap",
    "dispersion_unknown",
    "perhaps_a_rate",
    "perhaps_events",
    "underdispersed",
    "chart_chosen",
    "clipped_limits",
    "exact_limits",
    "caution",
    "prefer_level",
    "unknown_outcomes",
    "unverified_definition",
)
"""Every code, in the order of rows about one chart: what matters most comes first."""

_OF_THE_MEASURE = {"caution", "prefer_level", "unknown_outcomes", "unverified_definition"}
"""Codes of advice about a measure, whichever the unit."""

_KINDS = (
    advice_data.clustered,
    advice_limits.overdispersed,
    advice_limits.underdispersed,
    advice_limits.chart_chosen,
    advice_limits.exact_limits,
    advice_limits.edges,
    advice_patterns.rolling_totals,
    advice_patterns.seasonal_or_autocorrelated,
    advice_data.few_points,
    advice_data.constant,
    advice_data.small_denominators,
    advice_data.gap,
    advice_data.dispersion_unknown,
    advice_data.perhaps_a_rate,
    advice_data.perhaps_events,
    advice_data.incomplete_period,
    advice_data.rounded,
    advice_data.rounded_widely,
    advice_data.varying_denominators,
    advice_measures.by_construction,
    advice_measures.of_measures,
    advice_data.unknown,
    advice_data.unverified_definition,
)


def advice_table(drawn: Drawn) -> pd.DataFrame:
    """Advice on every chart, as `tables.ADVICE`.

    Parameters
    ----------
    drawn : Drawn
        The charts as arrays.

    Returns
    -------
    pandas.DataFrame
        Ordered by measure and unit, then as `CODES`; `evidence` holds JSON,
        with null where a figure is not known.
    """
    if not len(drawn.taken.series):
        return ADVICE.empty()
    facts = Facts(drawn)
    rows = [row for kind in _KINDS for row in kind(facts)]
    if not rows:
        return ADVICE.empty()
    rank = {code: place for place, code in enumerate(CODES)}
    rows.sort(key=lambda row: (row[0], rank[row[1]]))
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
