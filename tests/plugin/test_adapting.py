"""A chart type written for one series, made to serve many."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from spcbench.numeric.limits import ChartOptions, Limits, Series, p_limits
from spcbench.numeric.segments import Segments
from spcbench.plugin import one_series


def test_one_at_a_time_equals_all_together():
    draw = np.random.default_rng(3)
    size = draw.integers(5, 80, 40).astype(float)
    events = draw.binomial(size.astype(int), 0.8).astype(float)
    series = Series(
        value=events / size,
        numerator=events,
        denominator=size,
        in_baseline=np.ones(40, dtype=bool),
        gap=np.zeros(40, dtype=bool),
        segments=Segments.from_lengths([12, 3, 25]),
    )
    seen = []

    def limits(one: Series, options: ChartOptions) -> Limits:
        seen.append((len(one.segments), one.segments.size))
        return p_limits(one, options)

    found = one_series(limits)(series, ChartOptions())
    expected = p_limits(series, ChartOptions())
    assert seen == [(1, 12), (1, 3), (1, 25)]
    for field in fields(Limits):
        np.testing.assert_array_equal(getattr(found, field.name), getattr(expected, field.name))
