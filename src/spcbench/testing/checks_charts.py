"""What every chart type promises: `limits(series, options) -> Limits`."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spcbench.numeric.limits import Limits, Series
    from spcbench.plugin import ChartType

SEGMENT_ROWS = (24, 12, 30)
BASELINE_ROWS = 12
NO_DATA_ROW = 5
LIMIT_NAMES = ("centre", "sigma", "lcl", "ucl")


def gives_one_value_a_point(chart: ChartType) -> None:
    """Every array has one entry a row, and NaN only where there is no data.

    What is plotted may be missing where the value is not (a moving range has
    none for the first point); a chart without limits has a centre line only.
    """
    import numpy as np

    from spcbench.numeric.limits import METHODS

    series = sample(chart)
    limits = _limits(chart, series)
    known = ~np.isnan(series.value)
    plotted = known if limits.value is None else known & ~np.isnan(limits.value)
    promised = {"z": plotted, "centre": known}
    if chart.has_limits:
        promised |= dict.fromkeys(("sigma", "lcl", "ucl", "lower_warning", "upper_warning"), known)
    else:
        del promised["z"]
    for name, values in _arrays(limits).items():
        if values.shape != series.value.shape:
            raise AssertionError(f"{name} has shape {values.shape}, wanted {series.value.shape}")
        if not np.isfinite(values[promised.get(name, known & False)]).all():
            raise AssertionError(f"{name} is not a number on a row that has data")
    method = limits.method[known]
    if not np.isin(method, np.arange(len(METHODS))).all():
        raise AssertionError("method must hold indices into spcbench.numeric.limits.METHODS")


def encloses_the_centre(chart: ChartType) -> None:
    """``lcl <= centre <= ucl`` wherever there is data."""
    import numpy as np

    series = sample(chart)
    limits = _limits(chart, series)
    known = ~np.isnan(series.value)
    if (limits.lcl > limits.centre)[known].any():
        raise AssertionError("lcl lies above the centre line")
    if (limits.ucl < limits.centre)[known].any():
        raise AssertionError("ucl lies below the centre line")


def widens_with_sigma(chart: ChartType) -> None:
    """Three-sigma limits lie nowhere inside two-sigma limits, and somewhere outside."""
    import numpy as np

    if not chart.has_limits:
        return
    known = ~np.isnan(sample(chart).value)
    narrow, wide = (_limits(chart, sample(chart), sigma=sigma) for sigma in (2.0, 3.0))
    grown = ((wide.ucl - wide.lcl) - (narrow.ucl - narrow.lcl))[known]
    if (grown < 0).any() or not (grown > 0).any():
        raise AssertionError("limits at 3 sigma must be wider than at 2 sigma")


def keeps_to_its_baseline(chart: ChartType) -> None:
    """Points outside the baseline leave the centre line and the limits as they were."""
    import numpy as np

    before = _limits(chart, sample(chart, baseline=BASELINE_ROWS))
    after = _limits(chart, sample(chart, baseline=BASELINE_ROWS, later=0.5))
    for name in LIMIT_NAMES:
        if not np.array_equal(getattr(before, name), getattr(after, name), equal_nan=True):
            raise AssertionError(f"{name} depends on points outside the baseline")


def writes_to_no_input(chart: ChartType) -> None:
    """The arrays of the series are as they were."""
    import numpy as np

    series, untouched = sample(chart), sample(chart)
    _limits(chart, series)
    for name, values in _arrays(untouched).items():
        if not np.array_equal(getattr(series, name), values, equal_nan=values.dtype.kind == "f"):
            raise AssertionError(f"it changed series.{name}")
    if not np.array_equal(series.segments.starts, untouched.segments.starts):
        raise AssertionError("it changed series.segments")


def gives_each_segment_the_same_alone(chart: ChartType) -> None:
    """One segment at a time equals all together, to the last bit."""
    import numpy as np

    together = _arrays(_limits(chart, sample(chart)))
    series = sample(chart)  # afresh, for a chart that writes to its input
    for place, first in enumerate(series.segments.starts):
        rows = slice(int(first), int(first + series.segments.lengths[place]))
        part = replace(
            series,
            segments=series.segments.part(place, place + 1),
            **{name: values[rows] for name, values in _arrays(series).items()},
        )
        for name, values in _arrays(_limits(chart, part)).items():
            if not np.array_equal(values, together[name][rows], equal_nan=values.dtype.kind == "f"):
                raise AssertionError(f"{name} of a segment depends on the other segments")


CHART_PROMISES = (
    gives_one_value_a_point,
    encloses_the_centre,
    widens_with_sigma,
    keeps_to_its_baseline,
    writes_to_no_input,
    gives_each_segment_the_same_alone,
)


def sample(chart: ChartType, *, baseline: int | None = None, later: float = 1.0) -> Series:
    """Make a series that any chart type can draw: proportions, or counts without denominator.

    Parameters
    ----------
    chart : ChartType
        Decides whether there are denominators.
    baseline : int, optional
        Rows at the start of each segment that limits come from; None for all.
    later : float
        Factor of the numerators, means and spreads outside the baseline.

    Returns
    -------
    Series
        Three segments with a row without data and a gap; the same at every call.
    """
    import numpy as np

    from spcbench.numeric.limits import Series
    from spcbench.numeric.segments import Segments

    segments = Segments.from_lengths(SEGMENT_ROWS)
    place = np.arange(segments.size) - np.repeat(segments.starts, segments.lengths)
    in_baseline = place < (segments.size if baseline is None else baseline)
    factor = np.where(in_baseline, 1.0, later)
    random = np.random.default_rng(20231101)
    denominator = random.integers(80, 160, segments.size).astype(float)
    chance = np.repeat([0.3, 0.5, 0.6], segments.lengths)
    numerator = np.floor(random.binomial(denominator.astype(int), chance) * factor)
    spread = random.uniform(0.05, 0.15, segments.size) * factor
    for values in (numerator, denominator, spread):
        values[NO_DATA_ROW] = np.nan
    gap = np.zeros(segments.size, dtype=np.bool_)
    gap[NO_DATA_ROW + 4] = True
    rate = numerator / denominator
    shares = chart.takes in ("proportion", "rate")
    subgroups = chart.takes == "subgroup"
    return Series(
        value=(rate if shares or subgroups else numerator).copy(),
        numerator=numerator,
        denominator=denominator if shares or subgroups else None,
        expected=denominator * chance if shares or chart.takes == "expected" else None,
        mean=rate,
        sd=spread,
        in_baseline=in_baseline,
        gap=gap,
        segments=segments,
    )


def _limits(chart: ChartType, series: Series, *, sigma: float = 3.0) -> Limits:
    from spcbench.numeric.limits import ChartOptions, Limits

    settings = {name: setting.default for name, setting in chart.settings.items()}
    limits = chart.limits(series, ChartOptions(sigma=sigma, settings=settings))
    if not isinstance(limits, Limits):
        raise AssertionError(f"limits() returned a {type(limits).__name__}, wanted Limits")
    return limits


def _arrays(record: Limits | Series) -> dict[str, Any]:
    """Its arrays by name."""
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    return {name: value for name, value in values.items() if hasattr(value, "shape")}
