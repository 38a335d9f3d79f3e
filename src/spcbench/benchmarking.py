"""Counts become funnels, which ask whether a unit is different from its peers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spcbench.errors import OptionError
from spcbench.funnel_units import TAKES, Compared, Recipe, summed
from spcbench.intake import Taken, take
from spcbench.numeric.funnel_lines import DRAWN, curve_sizes
from spcbench.numeric.funnel_tails import LINE_METHODS
from spcbench.numeric.overdispersion import TAU2_METHODS
from spcbench.tables import (
    ADVICE,
    CURVE,
    FUNNEL_SUMMARY,
    POSITION,
    STATUS,
    UNIT_VERDICT,
    UNITS,
    Column,
    Display,
)
from spcbench.tracing import provenance, unknown_outcomes

if TYPE_CHECKING:
    from plotnine import ggplot

    from spcbench.plugin.host import PluginHost

OVERDISPERSION = ("none", "additive", "multiplicative")
OVERDISPERSED_SDS = 2.0
"""Standard errors by which phi must pass 1 before adjustment is advised (a proposal)."""


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
        return _curve(self._compared)

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
    summary = _summary(compared)
    return Funnels(
        units=_units(compared, taken.display),
        summary=summary,
        advice=_advice(summary, taken.display, taken.frame, adjusted=overdispersion != "none"),
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


def _units(compared: Compared, display: Mapping[str, Display]) -> pd.DataFrame:
    """One row a unit, as `tables.UNITS`."""
    rows, known, spread = compared.rows, compared.known, compared.funnels.spread
    goal, lines = spread(compared.target), compared.limits
    better = [display[str(name)].better for name in rows["measure"].take(compared.funnels.starts)]
    whole = {
        name: pd.array(np.where(known, rows[name], np.nan), dtype="Int64")
        for name in ("numerator", "denominator")
    }
    return UNITS.frame(
        {
            "measure": rows["measure"],
            "group": rows["group"].mask(rows["group"].eq("")),
            "unit": rows["unit"],
            "first": rows["first"].to_numpy(),
            "last": rows["last"].to_numpy(),
            "periods": rows["periods"].to_numpy(),
            **whole,
            "expected": compared.size * goal,
            "value": compared.value,
            "target": goal,
            "z": compared.scored.z,
            "z_adjusted": compared.z_adjusted,
            "p_value": compared.p_value,
            "q_value": _q_values(compared),
            "lower_95": lines.lower[0],
            "upper_95": lines.upper[0],
            "lower_998": lines.lower[1],
            "upper_998": lines.upper[1],
            "position": _category(POSITION, compared.position),
            "verdict": _category(
                UNIT_VERDICT, _verdicts(compared.position, _spread_words(spread, better))
            ),
            "status": _category(
                STATUS, np.where(known, STATUS.index("ok"), rows["why"].to_numpy())
            ),
        }
    )


def _spread_words(spread: Any, words: Sequence[str]) -> np.ndarray:
    """One word a funnel, repeated for each of its units."""
    return np.asarray(spread(np.array(words, dtype=str)))


def _summary(compared: Compared) -> pd.DataFrame:
    """One row a funnel, as `tables.FUNNEL_SUMMARY`."""
    rows, funnels, alone = compared.rows, compared.funnels, compared.alone
    at, judged = funnels.starts, compared.position
    some = compared.units > 0
    methods = compared.limits.method
    drawn = -funnels.minima(-methods.astype(np.float64)).astype(np.int64) if len(funnels) else at
    grouped = rows.groupby(["measure", "group"], sort=False)
    status = np.where(some, np.where(alone, "insufficient_data", "ok"), "no_data")
    reasons = np.where(
        some,
        np.where(
            alone,
            "one unit alone has no peers to be compared with; give a target to judge it by",
            "",
        ),
        "no unit has data",
    )
    return FUNNEL_SUMMARY.frame(
        {
            "measure": rows["measure"].take(at),
            "group": rows["group"].mask(rows["group"].eq("")).take(at),
            "units": compared.units,
            "first": grouped["first"].min().to_numpy(),
            "last": grouped["last"].max().to_numpy(),
            "target": compared.target,
            "limit_method": [DRAWN[code] or compared.recipe.limits for code in drawn],
            "phi": compared.ratios.raw,
            "phi_winsorised": compared.ratios.trimmed,
            "tau2": compared.tau2,
            "expected_false_positives": np.where(alone, 0.0, 0.05 * compared.units),
            "outside_95": funnels.sums((judged > 0).astype(np.int64)),
            "outside_998": funnels.sums((judged > 2).astype(np.int64)),
            "status": status,
            "reason": reasons,
        }
    )


def _category(words: tuple[str, ...], codes: Any) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, dtype=Column("", "category", words).dtype)


def _q_values(compared: Compared) -> np.ndarray:
    """Benjamini–Hochberg false discovery rate at which each unit would be flagged."""
    from statsmodels.stats.multitest import multipletests

    p_value = compared.p_value
    made = np.full(p_value.size, np.nan)
    for first, last in zip(compared.funnels.starts, compared.funnels.lasts, strict=True):
        part = p_value[first : last + 1]
        known = ~np.isnan(part)
        if known.any():
            made[first : last + 1][known] = multipletests(part[known], method="fdr_bh")[1]
    return made


def _verdicts(position: np.ndarray, better: np.ndarray) -> np.ndarray:
    codes = np.full(position.size, UNIT_VERDICT.index("as_expected"))
    for high, sides in ((True, (1, 3)), (False, (2, 4))):
        outside = np.isin(position, sides)
        codes[outside] = UNIT_VERDICT.index("differs")
        good = better == ("higher" if high else "lower")
        bad = better == ("lower" if high else "higher")
        codes[outside & good] = UNIT_VERDICT.index("better_than_expected")
        codes[outside & bad] = UNIT_VERDICT.index("worse_than_expected")
    codes[position < 0] = -1
    return codes


def _curve(compared: Compared) -> pd.DataFrame:
    """Lines of every funnel that has a target."""
    whole = compared.recipe.data_type == "proportion"
    sizes, which = [], []
    largest = -compared.funnels.minima(np.where(compared.known, -compared.size, 0.0))
    for place in np.flatnonzero(~np.isnan(compared.target) & (largest > 0)):
        sizes.append(curve_sizes(float(largest[place]), whole=whole))
        which.append(np.full(sizes[-1].size, place))
    if not sizes:
        return CURVE.empty()
    size, funnel = np.concatenate(sizes), np.concatenate(which)
    lines, at = compared.lines(size, funnel), compared.funnels.starts[funnel]
    group = compared.rows["group"].mask(compared.rows["group"].eq(""))
    return CURVE.frame(
        {
            "measure": compared.rows["measure"].take(at),
            "group": group.take(at),
            "denominator": size,
            "target": compared.target[funnel],
            "lower_95": lines.lower[0],
            "upper_95": lines.upper[0],
            "lower_998": lines.lower[1],
            "upper_998": lines.upper[1],
        }
    )


def _advice(
    summary: pd.DataFrame,
    display: Mapping[str, Display],
    frame: pd.DataFrame,
    *,
    adjusted: bool,
) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []

    def add(measure: str, code: str, message: str, evidence: dict[str, Any]) -> None:
        rows.append(
            {
                "measure": measure,
                "unit": None,
                "code": code,
                "message": message,
                "evidence": json.dumps(evidence, sort_keys=True),
            }
        )

    for row in summary.itertuples():
        if row.status == "ok":
            threshold = 1.0 + OVERDISPERSED_SDS * float(np.sqrt(2.0 / row.units))
            if row.phi > threshold:
                add(
                    row.measure,
                    "overdispersed",
                    f"The units vary {row.phi:.1f} times as much as chance alone would make them: "
                    "differences in case-mix or recording can do that, so a unit outside the "
                    "limits is a reason to ask, not a finding."
                    + (" The limits are widened for it." if adjusted else ""),
                    {
                        "phi": round(row.phi, 3),
                        "threshold": round(threshold, 3),
                        "allowed_for": adjusted,
                        "group": None if pd.isna(row.group) else row.group,
                    },
                )
    for row in summary.drop_duplicates("measure").itertuples():
        if found := unknown_outcomes(frame, row.measure):
            add(row.measure, "unknown_outcomes", *found)
        if not display[row.measure].verified:
            add(
                row.measure,
                "unverified_definition",
                "The definition of this measure has not been checked against its source.",
                {"verified": False},
            )
    names = ADVICE.names
    return ADVICE.frame({name: [row[name] for row in rows] for name in names})
