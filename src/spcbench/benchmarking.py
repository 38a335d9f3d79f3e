"""Counts become funnels, which ask whether a unit is different from its peers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from spcbench.errors import OptionError
from spcbench.funnel_tables import advice_table, curve_table, summary_table, units_table
from spcbench.funnel_units import TAKES, Compared, Recipe, summed
from spcbench.intake import Taken, take
from spcbench.numeric.between_units import TAU2_METHODS
from spcbench.numeric.funnel_tails import LINE_METHODS
from spcbench.tables import Display
from spcbench.tracing import provenance

if TYPE_CHECKING:
    from plotnine import ggplot

    from spcbench.plugin.host import PluginHost

OVERDISPERSION = ("none", "additive", "multiplicative")


@dataclass(frozen=True, kw_only=True)
class Funnels:
    """What `funnels` gives: tables, and how they were made.

    Parameters
    ----------
    units, summary, advice : pandas.DataFrame
        As `tables.UNITS`, `FUNNEL_SUMMARY` and `ADVICE`.
    display : mapping of str to Display
        How each measure is shown.
    unit_names : mapping of str to str
        Names of units that have one.
    method : mapping
        Data type, limits, target, window.
    """

    units: pd.DataFrame
    summary: pd.DataFrame
    advice: pd.DataFrame
    display: Mapping[str, Display]
    unit_names: Mapping[str, str]
    method: Mapping[str, Any]
    _compared: Compared = field(repr=False)
    _taken: Taken = field(repr=False)
    _host: PluginHost = field(repr=False)

    @cached_property
    def curve(self) -> pd.DataFrame:
        """The lines of each funnel, as `tables.CURVE`; calculated when asked for."""
        return curve_table(self._compared)

    @cached_property
    def provenance(self) -> Mapping[str, Any]:
        """Where the numbers came from: version, source, digest of the counts, plugins."""
        return provenance(self._taken, host=self._host)

    def plot(self, *, measure: str | None = None, group: str | None = None) -> ggplot:
        """Draw one funnel, or several side by side.

        Parameters
        ----------
        measure, group : str, optional
            Which; all if not given.

        Returns
        -------
        plotnine.ggplot
            Yours to go on editing.
        """
        from spcbench.pictures.funnel_plot import funnel_plot

        return funnel_plot(self, measure=measure, group=group)


def funnels(
    counts: Any,
    *,
    data_type: str = "proportion",
    limits: str = "exact",
    target: float | None = None,
    overdispersion: str = "none",
    tau2_method: str = "dl",
    winsorise: float = 0.1,
    by: str | None = None,
    per: int | None = None,
    first: Any | None = None,
    last: Any | None = None,
    better: str | None = None,
    measure: str | None = None,
    level: str | None = None,
    date_format: str | None = None,
    suppressed: Sequence[str] = (),
    host: PluginHost | None = None,
) -> Funnels:
    """One funnel for each measure in a table of counts.

    The periods of each unit between `first` and `last` are added up, then the
    units are compared with the target: the one given, or the pooled proportion
    of the units on the funnel. A measure's own target is a standard to reach,
    not a benchmark of peers, so it is only used when asked for.

    Parameters
    ----------
    counts : Counted, Table, pandas, polars or Arrow table
        The result of `count` or `read`, or a table with the columns of counts.
    data_type : str
        ``"proportion"`` (cases met of all cases), ``"rate"`` (events over
        exposure) or ``"ratio"`` (events over those expected).
    limits : str
        ``"exact"``: no unit in control is flagged more often than nominal;
        ``"mid_p"``: none more than twice as often; ``"jeffreys"``;
        ``"normal"``; ``"spiegelhalter"`` (the published interpolation),
        ``"arcsine"`` and ``"chi2"`` for parity with other tools.
    target : float, optional
        On the natural scale (0 to 1 for a proportion); pooled from the units
        without it.
    overdispersion : str
        ``"none"``; ``"additive"``: units differ by a variance tau² of their
        own; ``"multiplicative"``: all variances are phi times those of chance.
    tau2_method : str
        ``"dl"`` (DerSimonian–Laird), ``"pm"`` (Paule–Mandel) or ``"reml"``.
    winsorise : float
        Share of the scores at each end that is drawn in before phi and tau²
        are estimated.
    by : str, optional
        Column of labels, such as ``"group"``: one funnel for each.
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
    for name, value, choices in (
        ("data_type", data_type, tuple(TAKES)),
        ("limits", limits, LINE_METHODS.get(data_type, ())),
        ("overdispersion", overdispersion, OVERDISPERSION),
        ("tau2_method", tau2_method, TAU2_METHODS),
    ):
        if value not in choices:
            raise OptionError(f"{name} must be one of {', '.join(choices)}, not {value!r}")
    if not 0.0 <= winsorise < 0.5:
        raise OptionError(f"winsorise must be a share from 0 to below 0.5, not {winsorise!r}")
    taken = take(
        counts,
        host=host,
        measure=measure,
        level=level,
        better=better,
        target=target,
        date_format=date_format,
        suppressed=suppressed,
        takes=TAKES[data_type],
        per=per,
    )
    if target is not None and data_type != "proportion" and target <= 0:
        raise OptionError(f"target must be above 0 for a {data_type}, not {target:g}")
    recipe = Recipe(
        data_type=data_type,
        limits=limits,
        target=target,
        overdispersion=overdispersion,
        tau2_method=tau2_method,
        winsorise=winsorise,
    )
    compared = Compared(summed(taken, first, last, by), recipe)
    summary = summary_table(compared)
    return Funnels(
        units=units_table(compared, taken.display),
        summary=summary,
        advice=advice_table(summary, taken.display, taken.frame, compared),
        display=taken.display,
        unit_names=taken.unit_names,
        method={
            "chart": "funnel",
            "data_type": data_type,
            "limits": limits,
            "target": "pooled" if target is None else "given",
            "overdispersion": overdispersion,
            "tau2_method": tau2_method if overdispersion == "additive" else None,
            "winsorise": winsorise,
            "by": by,
            "first": _iso(summary["first"].min()),
            "last": _iso(summary["last"].max()),
            "disclosure": "none",
        },
        _compared=compared,
        _taken=taken,
        _host=host,
    )


def _iso(date: Any) -> str | None:
    return None if pd.isna(date) else f"{date:%Y-%m-%d}"
