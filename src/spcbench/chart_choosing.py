"""Which chart each series gets, and all of them in one result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from spcbench.chart_running import Plan, part_of, put_in, run
from spcbench.chart_series import series_of
from spcbench.errors import OptionError
from spcbench.numeric.choice import Choice, Grounds, choice, grounds
from spcbench.numeric.engine import Charted
from spcbench.numeric.limits import Series
from spcbench.numeric.segments import Flags, Floats, Integers, Segments

if TYPE_CHECKING:
    from spcbench.plugin.host import PluginHost
    from spcbench.plugin.records import ChartType

PLAIN = {"share": "p", "value": "i", "count": "c"}
"""The chart that ``"auto"`` begins with, by what the counts of a series hold."""


CLUSTERED = 1.1
"""Variance over that of cases apart from which limits of chance are too narrow (a proposal)."""

FEWEST_TO_JUDGE = 12
"""Fewer points do not move a series off its plain chart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What holds for the rows whichever the chart: phases, gaps, baselines, given lines.

    Parameters
    ----------
    frame : pandas.DataFrame
        Checked counts.
    whole : Segments
        One per series.
    phases : Segments
        One per phase of each series.
    gap : array of bool, shape (rows,)
        True where a period is missing just before.
    in_baseline, excluded : array of bool, shape (rows,), optional
        As `numeric.limits.Series`.
    given : mapping of str to array
        `given_centre`, `given_sigma`.
    named : array of str, shape (series,), optional
        The chart that a series' measure names for itself; empty where it names none.
    """

    frame: pd.DataFrame
    whole: Segments
    phases: Segments
    gap: Flags
    in_baseline: Flags | None
    excluded: Flags | None
    given: Mapping[str, Floats]
    named: npt.NDArray[np.str_] | None = None

    def series(self, takes: str) -> Series:
        """The rows as charts that take such rows see them."""
        gap = np.zeros_like(self.gap) if takes == "event" else self.gap
        return series_of(
            self.frame,
            takes,
            segments=self.phases,
            gap=gap,
            in_baseline=self.in_baseline,
            excluded=self.excluded,
            given=self.given,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartedAll:
    """All series, each with its own chart type.

    Parameters
    ----------
    charts : tuple of ChartType
        Those that were used.
    code : array of int8, shape (series,)
        Which of them each series has.
    series : Series
        What was charted.
    charted : Charted
        Limits and signals.
    dispersion : array of float, shape (series,)
        Observed over expected variance, all phases of a series together; NaN
        where chance alone says nothing about the variance.
    choice : Choice, optional
        Why each series that holds shares of cases has its chart.
    """

    charts: tuple[ChartType, ...]
    code: npt.NDArray[np.int8]
    series: Series
    charted: Charted
    dispersion: Floats
    choice: Choice | None = None


def chart_all(rows: Rows, chart_type: ChartType | None, plan: Plan, host: PluginHost) -> ChartedAll:
    """Chart every series with one chart type, or each with the one that suits it.

    Parameters
    ----------
    rows : Rows
        The counts.
    chart_type : ChartType, optional
        None chooses for each series.
    plan : Plan
        What the analyst chose.
    host : PluginHost
        Where chart types are found.

    Raises
    ------
    OptionError
        If settings are given without saying for which chart type.
    """
    if chart_type is not None:
        series = rows.series(chart_type.takes)
        charted = run(series, chart_type, plan)
        return ChartedAll(
            charts=(chart_type,),
            code=np.zeros(len(rows.whole), dtype=np.int8),
            series=series,
            charted=charted,
            dispersion=_dispersion(rows, chart_type, series, charted),
        )
    if plan.settings:
        raise OptionError(
            f"setting {next(iter(plan.settings))!r} belongs to one chart type; name it with "
            "chart= (--chart)"
        )
    return _chosen_for_each(rows, plan, host)


def _chosen_for_each(rows: Rows, plan: Plan, host: PluginHost) -> ChartedAll:
    """A plain chart of each kind first; then the one that its dispersion asks for."""
    told, rows = rows, _without_shares(rows, host)
    kinds = _kinds(rows)
    present = [kind for kind in PLAIN if (kinds == kind).any()] or ["share"]
    charts = [host.chart(PLAIN[kind]) for kind in present]
    code = np.zeros(kinds.size, dtype=np.int8)
    series = rows.series(charts[0].takes)
    charted = run(series, charts[0], plan)
    for place, kind in enumerate(present[1:], start=1):
        code[kinds == kind] = place
        series = _replaced(rows, series, charted, charts[place], kinds == kind, plan=plan)
    alone = present == ["share"]
    shares = series if alone else rows.series("proportion")
    known = _grounds_of(rows, "proportion", shares, charted if alone else None)
    # From a few points the ratio says nothing: 28 in 100 stable charts of 12 reach 1.3.
    judged = np.where(known.points < FEWEST_TO_JUDGE, np.nan, known.dispersion)
    found = choice(replace(known, dispersion=judged))
    names = np.where(kinds == "share", np.array(found.charts)[found.code], "p")
    together = (kinds == "share") & (clustering(rows.frame, rows.whole) >= CLUSTERED)
    names = np.where(together & (names == "p"), "p_prime", names)
    # Limits that were asked for by a name that only the plain chart knows keep it.
    for name in found.charts[1:] if plan.limit_method in ("auto", "normal") else ():
        if (names == name).any():
            code[names == name] = len(charts)
            charts.append(host.chart(name))
            _chart_anew(rows, shares, charted, charts[-1], names == name, plan=plan)
    dispersion = np.where(kinds == "share", known.dispersion, np.nan)
    if (kinds == "count").any():
        dispersion = np.where(kinds == "count", _grounds_of(rows, "count").dispersion, dispersion)
    for name in () if rows.named is None else np.unique(rows.named[rows.named != ""]):
        named = host.chart(str(name))
        # A rate has denominators: a number alone keeps the plain chart of counts.
        which = (told.named == name) & ((_kinds(told) != "count") | (named.takes != "rate"))
        if not which.any():
            continue
        code[which] = len(charts)
        charts.append(named)
        series = _replaced(told, series, charted, charts[-1], which, plan=plan)
        dispersion = np.where(which & (charts[-1].points != "counted"), np.nan, dispersion)
    return ChartedAll(
        charts=tuple(charts),
        code=code,
        series=series,
        charted=charted,
        dispersion=dispersion,
        choice=found if plan.limit_method in ("auto", "normal") else None,
    )


def _without_shares(rows: Rows, host: PluginHost) -> Rows:
    """The rows without the denominators of rates, which are not tried as shares of cases."""
    if rows.named is None:
        return rows
    names = [str(name) for name in np.unique(rows.named) if name]
    rates = [name for name in names if host.chart(name).takes == "rate"]
    if not rates:
        return rows
    at = rows.whole.spread(np.isin(rows.named, rates))
    return replace(rows, frame=rows.frame.assign(denominator=rows.frame["denominator"].mask(at)))


def clustering(frame: pd.DataFrame, series: Segments) -> Floats:
    """How much more cases that go together vary than as many apart; shape (series,).

    Parameters
    ----------
    frame : pandas.DataFrame
        Checked counts.
    series : Segments
        One per series.

    Returns
    -------
    array of float
        From the variance that the counts carry, all periods together; NaN without it.
    """
    if "variance" not in frame.columns:
        return np.full(len(series), np.nan)
    columns = (frame[name] for name in ("numerator", "denominator", "variance"))
    met, size, variance = (one.to_numpy(dtype=np.float64, na_value=np.nan) for one in columns)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = met * (1.0 - met / size)
        both = ~np.isnan(variance) & ~np.isnan(apart)
        known = (np.where(both, one, 0.0) for one in (variance, apart))
        together, alone = (series.sums(one) for one in known)
        return np.asarray(together / alone)


def _kinds(rows: Rows) -> npt.NDArray[Any]:
    """What the counts of each series hold: ``share``, ``value`` or ``count``; shape (series,)."""
    frame, whole = rows.frame, rows.whole
    if not frame["denominator"].isna().to_numpy().any() or not len(whole):
        return np.full(len(whole), "share")
    good = frame["status"].cat.codes.to_numpy() == 0

    def holding(name: str) -> Flags:
        if name not in frame.columns:
            return np.zeros(len(whole), dtype=np.bool_)
        return np.asarray(whole.sums((frame[name].notna().to_numpy() & good).astype(np.int64)) > 0)

    of_cases, values, numbers = map(holding, ("denominator", "value", "numerator"))
    kinds = np.where(of_cases, "share", np.where(values, "value", "count"))
    return np.where(of_cases | values | numbers, kinds, "share")


def _replaced(
    rows: Rows,
    series: Series,
    charted: Charted,
    chart_type: ChartType,
    which: Flags,
    *,
    plan: Plan,
) -> Series:
    """Chart some of the series by what they hold; all series with the values of those."""
    own = rows.series(chart_type.takes)
    at = _chart_anew(rows, own, charted, chart_type, which, plan=plan)
    return replace(
        series,
        value=np.where(at, own.value, series.value),
        in_baseline=np.where(at, own.in_baseline, series.in_baseline),
    )


def _chart_anew(
    rows: Rows,
    own: Series,
    charted: Charted,
    chart_type: ChartType,
    which: Flags,
    *,
    plan: Plan,
) -> Flags:
    """Write other charts of some of the series into `charted`; the rows of those."""
    kept = which[_series_of(rows)]
    part, at = part_of(own, kept)
    put_in(charted, run(part, chart_type, plan), rows=at, kept=kept)
    return at


def _series_of(rows: Rows) -> Integers:
    """Series that each phase belongs to; shape (phases,)."""
    made: Integers = np.searchsorted(rows.whole.starts, rows.phases.starts, side="right") - 1
    return made


def _grounds_of(
    rows: Rows, takes: str, series: Series | None = None, plain: Charted | None = None
) -> Grounds:
    """What speaks for one chart or another, by the chance that counts have in them.

    `plain` holds charts of that chance, if they are there: with one phase a
    series their dispersion need not be found again.
    """
    series = rows.series(takes) if series is None else series
    if takes == "count":
        series = replace(series, denominator=None)
    known = plain is not None and len(rows.phases) == len(rows.whole) and not rows.given
    return grounds(
        series,
        rows.whole,
        data_type="proportion" if takes == "proportion" else "rate",
        dispersion=plain.dispersion.copy() if plain is not None and known else None,
    )


def _dispersion(rows: Rows, chart_type: ChartType, series: Series, charted: Charted) -> Floats:
    """Observed over expected variance of each series; NaN for what is not counted."""
    if chart_type.points != "counted" or chart_type.takes not in ("proportion", "rate", "count"):
        return np.full(len(rows.whole), np.nan)
    # Such charts measure by chance alone; others by the variation itself.
    plain = charted if chart_type.small_counts else None
    return _grounds_of(rows, chart_type.takes, series, plain).dispersion
