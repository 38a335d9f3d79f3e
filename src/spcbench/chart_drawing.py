"""Counts and what the analyst asked for become charts as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from spcbench.chart_choosing import ChartedAll, Rows, chart_all
from spcbench.chart_running import Plan, chosen_settings, suits
from spcbench.chart_series import gaps, given_lines, targets
from spcbench.drawn import Drawn, Phases
from spcbench.errors import OptionError
from spcbench.intake import Taken, as_date
from spcbench.notes import Placed, place, read_notes
from spcbench.numeric.engine import FEWEST_POINTS
from spcbench.numeric.segments import Flags, Floats
from spcbench.reference_lines import fitting_lines, published_lines

if TYPE_CHECKING:
    from spcbench.plugin.host import PluginHost
    from spcbench.plugin.records import ChartType

Line = float | Mapping[str, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the analyst asked for besides the chart type, limits and rules.

    The fields are the options of `control_charts` of the same names;
    `published` is its ``references="published"``.
    """

    notes: Any | None = None
    target: float | None = None
    centre: Line = None
    sigma: Line = None
    baseline: int | tuple[Any, Any] | None = None
    references: Mapping[str, float] | None = None
    published: bool = False
    frequency: str | None = None
    until: Any | None = None
    show_last: int | None = None


def drawn_from(
    taken: Taken, chart_type: ChartType | None, plan: Plan, asked: Asked, *, host: PluginHost
) -> Drawn:
    """Everything that the tables are made of, as arrays.

    Parameters
    ----------
    taken : Taken
        The counts.
    chart_type : ChartType, optional
        None chooses for each series.
    plan : Plan
        Rules, limits and settings.
    asked : Asked
        What else the analyst wants.
    host : PluginHost
        Where chart types are found.

    Raises
    ------
    InputError, OptionError
        If a note or an option does not fit the counts.
    """
    given = {"centre": asked.centre, "sigma": asked.sigma}
    gap, lengths = gaps(taken.frame, taken.series, frequency=asked.frequency)
    placed = _placed(taken, asked.notes, lengths, until=asked.until)
    rows = Rows(
        frame=taken.frame,
        whole=taken.series,
        phases=placed.segments,
        gap=gap,
        in_baseline=_in_baseline(taken, placed, asked.baseline),
        excluded=placed.excluded if placed.excluded.any() else None,
        given=given_lines(taken, _takes(chart_type), **given),
        named=_named(taken) if chart_type is None else None,
    )
    made = chart_all(rows, chart_type, plan, host)
    shown, aim = _on_scale(taken, made, targets(taken, asked.target), asked.target)
    scale = np.array([chart.scale for chart in made.charts])[made.code]
    shown = fitting_lines(shown, scale, aim)
    return Drawn(
        taken=shown,
        charts=made.charts,
        chart_code=made.code,
        rule_set=plan.rule_set,
        series=made.series,
        charted=made.charted,
        phases=Phases(placed.phase, placed.segments, placed.latest),
        frequency=lengths,
        target=aim,
        dispersion=made.dispersion,
        auto=chart_type is None,
        choice=made.choice,
        comment=placed.comment if placed.applied else None,
        notes=placed.applied,
        note_rows=placed.rows,
    )


def _named(taken: Taken) -> npt.NDArray[np.str_] | None:
    """The chart that the measure of each series names for itself; None if none does."""
    if not any(shown.chart for shown in taken.display.values()):
        return None
    measures = taken.frame["measure"].array.take(taken.series.starts)
    return np.array([taken.display[str(name)].chart for name in measures])


def _takes(chart_type: ChartType | None) -> str:
    return "auto" if chart_type is None else chart_type.takes


def _placed(
    taken: Taken, notes: Any | None, lengths: Mapping[str, str], *, until: Any | None
) -> Placed:
    if notes is None:
        size = taken.series.size
        return Placed(
            phase=np.ones(size, dtype=np.int64),
            segments=taken.series,
            latest=np.arange(len(taken.series)),
            in_baseline=np.ones(size, dtype=np.bool_),
            excluded=np.zeros(size, dtype=np.bool_),
            comment=None,
            applied=[],
        )
    whole = taken.whole
    return place(
        read_notes(notes),
        taken.frame,
        taken.series,
        known_measures=whole["measure"].unique(),
        known_units=whole["unit"].unique(),
        known_periods=whole["period"].to_numpy(),
        until=until,
        frequency=lengths,
    )


def _in_baseline(
    taken: Taken, placed: Placed, baseline: int | tuple[Any, Any] | None
) -> Flags | None:
    """Points that limits may come from, by notes and by the option."""
    frozen = placed.in_baseline
    if baseline is None:
        return frozen
    if isinstance(baseline, tuple | list):
        if len(baseline) != 2:
            raise OptionError(f"baseline must be two dates, or a number of points: {baseline!r}")
        first, last = (as_date(one, "baseline") for one in baseline)
        period = taken.frame["period"].to_numpy()
        own = (period >= first) & (period <= last)
        if own.size and not own.any():
            raise OptionError(f"baseline {baseline!r} holds no period of the counts")
    else:
        if not isinstance(baseline, int) or isinstance(baseline, bool) or baseline < FEWEST_POINTS:
            raise OptionError(
                f"baseline must be a whole number of {FEWEST_POINTS} points or more, or a pair "
                f"of dates, not {baseline!r}"
            )
        if taken.series.size and int(taken.series.lengths.max()) < baseline:
            raise OptionError(
                f"baseline {baseline} is more than the {int(taken.series.lengths.max())} periods "
                "that there are"
            )
        # The first so many points with data of each phase.
        usable = (taken.frame["status"].cat.codes.to_numpy() == 0) & ~placed.excluded
        count = np.cumsum(usable)
        begins = placed.segments.starts
        before = placed.segments.spread(count[begins] - usable[begins])
        own = count - before <= baseline
    return np.asarray(own & frozen)


def _on_scale(
    taken: Taken, made: ChartedAll, aim: Floats, asked: float | None
) -> tuple[Taken, Floats]:
    """Targets and display scales that suit what the charts show.

    Numbers of cases are shown as such and have no target but one that was
    asked for; distances and sums have none.
    """
    scale = np.array([chart.scale for chart in made.charts])[made.code]
    if (scale == "measure").all():
        return taken, aim
    takes = np.array([chart.takes for chart in made.charts])[made.code]
    if asked is not None and 0 < asked < 1 and ((scale == "count") & (takes == "count")).any():
        raise OptionError(
            f"target {asked:g} is a share, but the chart shows numbers of cases; give a number, or "
            "choose chart 'p' or 'np'"
        )
    shares = taken.series.spread((scale == "count") & (takes == "proportion"))
    if shares.any() and made.series.denominator is not None:
        aim = np.where(shares, aim * made.series.denominator, aim)
    # A target beside denominators is a share of cases, which a chart of counts alone has not.
    alone = "target" in taken.frame and taken.frame["denominator"].isna().all()
    lost = np.isin(scale, ("spread", "own"))
    if asked is None and not alone:
        lost |= (scale == "count") & (takes != "proportion")
    aim = np.where(taken.series.spread(lost), np.nan, aim)
    names = taken.frame["measure"].array.take(taken.series.starts)
    without, counted = (
        {str(name) for name in names.take(np.flatnonzero(which))}
        for which in (lost, np.isin(scale, ("count", "own")))
    )
    display = {
        name: replace(
            shown,
            per=1 if name in counted else shown.per,
            target=None if name in without else shown.target,
        )
        for name, shown in taken.display.items()
    }
    return replace(taken, display=display), aim


def _frequency(drawn: Drawn) -> str:
    """How long a period is, for the method: measures are named where they differ."""
    words = sorted(set(drawn.frequency.values()))
    if len(words) <= 1:
        return words[0] if words else "unknown"
    return "; ".join(f"{name}: {word}" for name, word in drawn.frequency.items())


def method_of(drawn: Drawn, plan: Plan, asked: Asked, summary: pd.DataFrame) -> dict[str, Any]:
    """How charts were made: enough to make them again.

    Parameters
    ----------
    drawn : Drawn
        The charts.
    plan : Plan
        Rules, limits and settings.
    asked : Asked
        What else the analyst wanted.
    summary : pandas.DataFrame
        As `tables.SUMMARY`.
    """
    charts, rules = drawn.charts, drawn.rule_set
    expected = summary["expected_false_signals"].dropna()
    return {
        "chart": ";".join(chart.id for chart in charts),
        "chart_title": "; ".join(chart.title for chart in charts),
        "chart_source": "; ".join(chart.source for chart in charts),
        "chart_chosen": "auto" if drawn.auto else "given",
        "limits": plan.limit_method,
        "sigma": 3.0,
        "settings": {
            chart.id: chosen_settings(chart, plan.settings) for chart in charts if chart.settings
        },
        "centre": asked.centre,
        "given_sigma": asked.sigma,
        "baseline": asked.baseline,
        "rule_set": rules.id,
        "rule_set_title": rules.title,
        "rule_set_source": rules.source,
        "rules": [
            rule.title for rule in rules.rules if any(suits(rule, chart) for chart in charts)
        ],
        "screening": plan.screening,
        "frequency": _frequency(drawn),
        "phases": int(drawn.phases.number.max()) if drawn.phases.number.size else 0,
        "notes": [dict(note) for note in drawn.notes],
        "references": dict(asked.references or {}),
        "published": published_lines(drawn.taken.display) if asked.published else [],
        "stretch": {
            name: shown.stretch
            for name, shown in drawn.taken.display.items()
            if shown.stretch is not None
        },
        "show_last": asked.show_last,
        "expected_false_signals": float(expected.sum()) if len(expected) else None,
        "disclosure": "none",
    }
