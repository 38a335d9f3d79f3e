"""For authors who would rather write a chart type for one series at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spcbench.numeric.limits import ChartOptions, Limits, Series


def one_series(
    limits: Callable[[Series, ChartOptions], Limits],
) -> Callable[[Series, ChartOptions], Limits]:
    """Make a chart type's function from one that knows a single segment.

    Parameters
    ----------
    limits : callable
        ``limits(series, options) -> Limits`` for a series of one segment.

    Returns
    -------
    callable
        The same for many segments: it calls `limits` for each of them, so it
        is much slower than whole-array code; the built-in charts do not use it.

    Examples
    --------
    >>> from spcbench.numeric.limits import p_limits
    >>> slow_p_limits = one_series(p_limits)
    >>> slow_p_limits.__name__
    'p_limits'
    """
    from functools import wraps

    @wraps(limits)
    def of_many(series: Series, options: ChartOptions) -> Limits:
        from dataclasses import fields, replace

        import numpy as np

        from spcbench.numeric.limits import Limits

        segments = series.segments
        arrays = {
            field.name: array
            for field in fields(series)
            if field.name != "segments" and (array := getattr(series, field.name)) is not None
        }
        made = []
        for place, (first, last) in enumerate(zip(segments.starts, segments.lasts, strict=True)):
            cut = {name: array[first : last + 1] for name, array in arrays.items()}
            one = replace(series, **cut, segments=segments.part(place, place + 1))
            made.append(limits(one, options))
        return Limits(
            **{
                field.name: np.concatenate([getattr(one, field.name) for one in made])
                for field in fields(Limits)
                if made and getattr(made[0], field.name) is not None
            }
        )

    return of_many
