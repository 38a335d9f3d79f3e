"""The chart types that spcbench brings itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from spcbench.plugin import ChartType, hookimpl

if TYPE_CHECKING:
    from spcbench.numeric.limits import ChartOptions, Limits, Series

SPCBENCH_API = 1


@hookimpl
def spcbench_charts() -> Iterable[ChartType]:
    """Offer the built-in chart types."""
    yield ChartType(
        id="p",
        title="p chart: proportions with their own denominators",
        source="Montgomery, Introduction to Statistical Quality Control; exact limits for small "
        "counts after Spiegelhalter (2005), Statistics in Medicine 24:1185",
        limits=_p,
        uses_denominator=True,
        uses_order=False,
    )


def _p(series: Series, options: ChartOptions) -> Limits:
    from spcbench.numeric.limits import p_limits

    return p_limits(series, options)
