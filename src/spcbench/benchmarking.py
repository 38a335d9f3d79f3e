"""Counts become funnels, which ask whether a unit is different from its peers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from spcbench.chart_series import gaps
from spcbench.funnel_advice import advice_table
from spcbench.funnel_beside import beside_table, reference_lines
from spcbench.funnel_change import Changed
from spcbench.funnel_estimates import estimates_table
from spcbench.funnel_goals import given_number, goals_of, kind_of_target
from spcbench.funnel_highlights import highlights
from spcbench.funnel_labels import with_labels
from spcbench.funnel_options import check_clustering, checked_recipe, checked_view
from spcbench.funnel_sums import paired, summed, with_invalid, with_lost_measures
from spcbench.funnel_tables import curve_table, summary_table, units_table
from spcbench.funnel_units import TAKES, Compared
from spcbench.funnel_view import View
from spcbench.intake import Taken, take
from spcbench.reference_lines import checked_references, published_on_funnels
from spcbench.tables import Display
from spcbench.tracing import provenance

if TYPE_CHECKING:
    from plotnine import ggplot

    from spcbench.plugin.host import PluginHost

RATIOS = ("ratio", "two_counts", "change")
"""Data types whose values are ratios, which no percentage suits."""


@dataclass(frozen=True, kw_only=True)
class Funnels:
    """What `funnels` gives: tables, and how they were made.

    Parameters
    ----------
    units, summary, advice : pandas.DataFrame
        As `tables.UNITS`, `FUNNEL_SUMMARY` and `ADVICE`, with the limits asked for.
    display : mapping of str to Display
        How each measure is shown.
    unit_names : mapping of str to str
        Names of units that have one.
    method : mapping
        Data type, limits, target, window.
    view : View
        How it is drawn; see `shown`.
    """

    units: pd.DataFrame
    summary: pd.DataFrame
    advice: pd.DataFrame
    display: Mapping[str, Display]
    unit_names: Mapping[str, str]
    method: Mapping[str, Any]
    view: View = field(default_factory=View)
    _compared: Compared = field(repr=False)
    _taken: Taken = field(repr=False)
    _window: tuple[Any, Any] = field(repr=False)
    _host: PluginHost = field(repr=False)

    @cached_property
    def curve(self) -> pd.DataFrame:
        """The lines of each funnel, as `tables.CURVE`; calculated when asked for."""
        return curve_table(self._compared)

    @cached_property
    def estimates(self) -> pd.DataFrame:
        """Intervals, shrunken values and detectable differences, as `tables.ESTIMATES`.

        Calculated when asked for.
        """
        return estimates_table(self._compared)

    @property
    def outside(self) -> pd.DataFrame:
        """The rows of `units` that lie outside any limits, in the same order: no ranks."""
        beyond = self.units["position"].notna() & self.units["position"].ne("within")
        return self.units[beyond].reset_index(drop=True)

    def beside(self, unit: str) -> pd.DataFrame:
        """One unit, its system, its region and the nation, as `tables.BESIDE`.

        Parameters
        ----------
        unit : str
            Its code or name.

        Returns
        -------
        pandas.DataFrame
            Values over the same window, each with its own exact interval. The
            system is that of the unit's latest period in the window. For this
            the counts need rows of those levels, as `rolled_up` makes them.

        Raises
        ------
        UnknownNameError, InputError, OptionError
            If there is no such unit, nothing that it belongs to, or changes
            are compared.
        """
        first, last = self._window
        return beside_table(self._taken, self._compared.recipe, unit, first=first, last=last)

    @cached_property
    def provenance(self) -> Mapping[str, Any]:
        """Where the numbers came from: version, source, digest of the counts, plugins."""
        return provenance(self._taken, host=self._host)

    def shown(
        self,
        *,
        picture: str | None = None,
        label: str | None = None,
        highlight: Any | None = None,
        size: str | None = None,
        beside: str | None = None,
    ) -> Funnels:
        """The same numbers, to be drawn in another way, here and in files.

        Parameters
        ----------
        picture : str, optional
            ``"funnel"`` or ``"caterpillar"``: each unit's own interval.
        label : str, optional
            Which units are named: ``"outside"`` (any limits), ``"outside_998"``
            (those limits), ``"highlighted"``, ``"all"`` or ``"none"``.
        highlight : str, sequence of str, or mapping, optional
            At most three: each a unit's code or name, or ``"column=label"``
            for all with that label, such as ``"region=Y56"``. The keys of a
            mapping are what the legend calls them.
        size : str, optional
            ``"page"``, ``"half"`` (half the width of A4) or ``"slide"``.
        beside : str, optional
            A unit, to be picked out if nothing else is, with lines for its
            system, its region and the nation: see `beside`.

        Returns
        -------
        Funnels
            What is not given stays as it was.

        Raises
        ------
        OptionError, UnknownNameError
            If there is no such choice, unit or label.
        """
        levels = self.method["levels"]
        view = checked_view(self.view, levels, picture=picture, label=label, size=size)
        if beside is not None:
            lines = reference_lines(self.beside(beside))
            highlight = beside if highlight is None else highlight
            view = replace(view, references=lines)
        if highlight is not None:
            view = replace(view, highlight=highlights(highlight, self._taken, self._window))
        return replace(self, view=view)

    def plot(self, *, measure: str | None = None, group: str | None = None, **how: Any) -> ggplot:
        """Draw one funnel, or several side by side.

        Parameters
        ----------
        measure, group : str, optional
            Which; all if not given.
        **how
            As `shown`.

        Returns
        -------
        plotnine.ggplot
            Yours to go on editing.
        """
        shown = self.shown(**how)
        if shown.view.picture == "caterpillar":
            from spcbench.pictures.caterpillar import caterpillar_plot

            return caterpillar_plot(shown, measure=measure, group=group)
        from spcbench.pictures.funnel_plot import funnel_plot

        return funnel_plot(shown, measure=measure, group=group)


def funnels(
    counts: Any,
    *,
    data_type: str = "proportion",
    change_of: str | None = None,
    before: tuple[Any, Any] | None = None,
    scale: str | None = None,
    limits: str | None = None,
    probabilities: Sequence[float] | None = None,
    sigmas: Sequence[float] | None = None,
    preset: str | None = None,
    target: float | str | None = None,
    overdispersion: str = "none",
    tau2_method: str = "dl",
    winsorise: float = 0.1,
    consistent: bool = True,
    fdr: float | None = None,
    dependent: bool = False,
    references: Mapping[str, float] | str | None = None,
    by: str | None = None,
    labels: Any | None = None,
    per: int | None = None,
    first: Any | None = None,
    last: Any | None = None,
    better: str | None = None,
    measure: str | None = None,
    level: str | None = None,
    date_format: str | None = None,
    suppressed: Sequence[str] = (),
    on_error: str = "raise",
    host: PluginHost | None = None,
) -> Funnels:
    """One funnel for each measure in a table of counts.

    The periods of each unit between `first` and `last` are added up, then the
    units are compared with the target: the one given, or the pooled value of
    the units on the funnel. A measure's own target is a standard to reach,
    not a benchmark of peers, so it is only used when asked for.

    Parameters
    ----------
    counts : Counted, Table, pandas, polars or Arrow table
        The result of `count` or `read`, or a table with the columns of counts.
    data_type : str
        ``"proportion"`` (cases met of all cases), ``"rate"`` (events over
        exposure), ``"ratio"`` (events over those expected), ``"two_counts"``
        (one count over another) or ``"change"`` (the later period over an
        earlier one).
    change_of : str, optional
        What changed: ``"proportion"`` (the default; the value is an odds
        ratio), ``"rate"`` or ``"ratio"`` (the value is a ratio of rates).
    before : tuple of date, optional
        First and last period of the earlier window of a change; the later one
        is from `first`, or the period after, to `last`.
    scale : str, optional
        On which z, phi and tau² are worked out: of proportions ``"natural"``,
        ``"arcsine"`` or ``"logit"``; of rates and ratios ``"log"``, ``"sqrt"``
        or ``"natural"``. The first of each without it.
    limits : str, optional
        ``"exact"`` (the default): no unit in control is flagged more often
        than nominal; ``"mid_p"``: none more than twice as often;
        ``"jeffreys"``; ``"normal"`` (the only one of changes);
        ``"spiegelhalter"`` (the published interpolation), ``"arcsine"`` and
        ``"chi2"`` for parity with other tools.
    probabilities : sequence of float, optional
        Two-sided, of each pair of limits; 0.95 and 0.998 without it.
    sigmas : sequence of float, optional
        Pairs of limits by standard deviations, in place of probabilities or
        beside them.
    preset : str, optional
        ``"95-998"``, or ``"2sd-3sd"`` as national audits have it.
    target : float or str, optional
        On the natural scale (0 to 1 for a proportion); ``"pooled"`` from the
        units (the default); ``"standard"``, the measure's own target; or
        ``"national"``, the figure of the national rows in the counts. Of a
        change a ratio: 1 is no change.
    overdispersion : str
        ``"none"``; ``"additive"``: units differ by a variance tau² of their
        own; ``"multiplicative"``: all variances are phi times those of chance.
    tau2_method : str
        ``"dl"`` (DerSimonian–Laird), ``"pm"`` (Paule–Mandel) or ``"reml"``.
    winsorise : float
        Share of the scores at each end that is drawn in before phi and tau²
        are estimated.
    consistent : bool
        Whether phi and tau² make up for what winsorising takes from them when
        only chance is at work. False is the published way, which finds about a
        third of tau² (see "How often funnels cry wolf" in the documentation).
    fdr : float, optional
        Also draw the line of this false discovery rate, such as 0.05.
    dependent : bool
        Whether that line holds however units depend on each other
        (Benjamini–Yekutieli, not Benjamini–Hochberg).
    references : mapping of str to float, or "published", optional
        Further lines to draw, by label, on the natural scale; or the newest
        values that were published for each measure.
    by : str, optional
        Column of labels, such as ``"group"``: one funnel for each. A unit
        without a label throughout the window is on none; the advice names it.
    labels : path or table, optional
        Where the column of `by` is, if not in the counts: a table with the
        columns `unit`, that of `by`, and `valid_from` and `valid_to` where
        labels changed.
    per : int, optional
        Display scale, such as 1000 for "per 1,000".
    first, last : date, optional
        First and last period to add up; all without them.
    better : str, optional
        ``"higher"``, ``"lower"`` or ``"neither"``, over what the measure says.
    measure, level : str, optional
        Only these.
    date_format, suppressed
        As `spcbench.counts_check.check_counts`.
    on_error : str
        ``"raise"``, or ``"row"``: units that break the contract keep a row
        with status ``invalid_input``.
    host : PluginHost, optional
        Where measures are found.

    Returns
    -------
    Funnels
        A unit without data keeps its row, with NaN and its status. One unit
        alone has no peers: status ``insufficient_data`` unless a target is
        given.

    Raises
    ------
    InputError
        If the counts break the contract; names the row.
    OptionError
        If a name or value of an option is not known.

    References
    ----------
    .. [1] Spiegelhalter (2005), Statistics in Medicine 24:1185.

    Examples
    --------
    >>> import pandas as pd
    >>> counts = pd.DataFrame({
    ...     "measure": "early_milk", "unit": ["A", "B", "C"], "period": "2024-01-01",
    ...     "numerator": [80, 85, 40], "denominator": 100})
    >>> funnels(counts, better="higher").units[["unit", "position", "verdict"]]
      unit   position               verdict
    0    A   above_95  better_than_expected
    1    B  above_998  better_than_expected
    2    C  below_998   worse_than_expected
    """
    from spcbench.plugin.host import default_host

    host = host or default_host()
    recipe = checked_recipe(
        data_type=data_type,
        change_of=change_of,
        before=before,
        scale=scale,
        limits=limits,
        probabilities=probabilities,
        sigmas=sigmas,
        preset=preset,
        overdispersion=overdispersion,
        tau2_method=tau2_method,
        winsorise=winsorise,
        consistent=consistent,
        fdr=fdr,
        dependent=dependent,
    )
    taken = take(
        counts,
        host=host,
        measure=measure,
        level=level,
        better=better,
        # That of a change is a ratio, though it may be shares that changed.
        target=None if data_type == "change" else given_number(target),
        date_format=date_format,
        suppressed=suppressed,
        takes=TAKES[recipe.change_of or data_type],
        per=per if per or data_type not in RATIOS else 1,
        on_error=on_error,
    )
    taken, labelled = (taken, None) if labels is None else with_labels(taken, labels, by)
    taken = with_lost_measures(taken)
    goals = goals_of(taken, target, data_type=data_type, first=first, last=last)
    compared = (
        Compared(with_invalid(summed(taken, first, last, by), taken), recipe, goals)
        if before is None
        else Changed(with_invalid(paired(taken, before, first, last, by), taken), recipe, goals)
    )
    check_clustering(compared)
    summary = summary_table(compared)
    return Funnels(
        units=units_table(compared, taken.display),
        summary=summary,
        advice=advice_table(summary, taken.display, taken.frame, compared, by),
        display=taken.display,
        unit_names=taken.unit_names,
        method={
            "chart": "funnel",
            "data_type": data_type,
            "change_of": recipe.change_of,
            "before": None if before is None else [_iso(pd.Timestamp(one)) for one in before],
            "scale": recipe.scale,
            "limits": recipe.limits,
            "levels": [level.name for level in recipe.levels],
            "preset": preset,
            "target": kind_of_target(target),
            "overdispersion": overdispersion,
            "tau2_method": tau2_method if overdispersion == "additive" else None,
            "winsorise": winsorise,
            "consistent": consistent,
            "fdr": fdr,
            "dependent": dependent,
            "references": checked_references(references, taken),
            "published": published_on_funnels(references, data_type, taken.display),
            "by": by,
            "labels": labelled,
            "first": _iso(summary["first"].min()),
            "last": _iso(summary["last"].max()),
            "frequency": _frequency(taken),
            "disclosure": "none",
        },
        _compared=compared,
        _taken=taken,
        _window=(first, last),
        _host=host,
    )


def _frequency(taken: Taken) -> str | None:
    """How long a period is, where that is the same for all measures."""
    words = set(gaps(taken.frame, taken.series)[1].values())
    return words.pop() if len(words) == 1 else None


def _iso(date: Any) -> str | None:
    return None if pd.isna(date) else f"{date:%Y-%m-%d}"
