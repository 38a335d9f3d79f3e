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
from spcbench.intake import Taken, as_date, take
from spcbench.numeric import funnel
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

DATA_TYPES = ("proportion",)
FEWEST_UNITS = 2
"""With fewer units there are no peers to compare with, unless a target is given."""

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
    _taken: Taken = field(repr=False)
    _host: PluginHost = field(repr=False)

    @cached_property
    def curve(self) -> pd.DataFrame:
        """The lines of each funnel, as `tables.CURVE`; calculated when asked for."""
        parts = [
            _curve(self.units[self.units["measure"] == row.measure], row, self.method["limits"])
            for row in self.summary.itertuples()
            if row.status == "ok"
        ]
        return pd.concat(parts, ignore_index=True) if parts else CURVE.empty()

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
        ``"proportion"``.
    limits : str
        ``"exact"``: no unit in control is flagged more often than nominal;
        ``"normal"``; ``"spiegelhalter"``: the published interpolation, for
        parity with other tools.
    target : float, optional
        On the natural scale (0 to 1); pooled from the units without it.
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
        ("data_type", data_type, DATA_TYPES),
        ("limits", limits, funnel.METHODS),
    ):
        if value not in choices:
            raise OptionError(f"{name} must be one of {', '.join(choices)}, not {value!r}")
    taken = take(
        counts,
        host=host,
        measure=measure,
        level=level,
        better=better,
        target=target,
        date_format=date_format,
        suppressed=suppressed,
    )
    summed = _summed(taken, first, last)
    drawn = [
        _funnel(part, str(name), taken.display[str(name)], limits, target)
        for name, part in summed.groupby("measure", sort=False)
    ]
    units = pd.concat([one[0] for one in drawn], ignore_index=True) if drawn else UNITS.empty()
    summary = FUNNEL_SUMMARY.frame(
        {name: [one[1][name] for one in drawn] for name in FUNNEL_SUMMARY.names}
    )
    return Funnels(
        units=units,
        summary=summary,
        advice=_advice(summary, taken.display, taken.frame),
        display=taken.display,
        unit_names=taken.unit_names,
        method={
            "chart": "funnel",
            "data_type": data_type,
            "limits": limits,
            "target": "pooled" if target is None else "given",
            "overdispersion": "none",
            "first": _iso(summary["first"].min()),
            "last": _iso(summary["last"].max()),
            "disclosure": "none",
        },
        _taken=taken,
        _host=host,
    )


def _iso(date: Any) -> str | None:
    return None if pd.isna(date) else f"{date:%Y-%m-%d}"


def _summed(taken: Taken, first: Any | None, last: Any | None) -> pd.DataFrame:
    """One row per measure and unit: sums over the periods that have data."""
    frame = taken.frame
    keep = np.ones(len(frame), dtype=np.bool_)
    if first is not None:
        keep &= frame["period"].to_numpy() >= as_date(first, "first")
    if last is not None:
        keep &= frame["period"].to_numpy() <= as_date(last, "last")
    if len(frame) and not keep.any():
        raise OptionError(
            f"no period lies between first and last; the counts run from "
            f"{_iso(frame['period'].min())} to {_iso(frame['period'].max())}"
        )
    known = frame["status"].eq("ok").to_numpy() & keep
    counted = pd.DataFrame(
        {
            "measure": frame["measure"],
            "unit": frame["unit"],
            "period": frame["period"].where(keep),
            "known": known,
            "numerator": frame["numerator"].where(known, 0).astype("int64"),
            "denominator": frame["denominator"].where(known, 0).astype("int64"),
            # Outside the window, or with counts outside it only: no data.
            "why": np.where(keep, frame["status"].cat.codes, STATUS.index("no_data")),
        }
    )
    return counted.groupby(["measure", "unit"], sort=False, as_index=False).agg(
        first=("period", "min"),
        last=("period", "max"),
        periods=("known", "sum"),
        numerator=("numerator", "sum"),
        denominator=("denominator", "sum"),
        why=("why", "max"),
    )


def _funnel(
    part: pd.DataFrame, name: str, display: Display, limits: str, given: float | None
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The units and the summary of one funnel."""
    known = (part["periods"] > 0).to_numpy()
    numerator = np.where(known, part["numerator"].to_numpy(dtype=np.float64), np.nan)
    denominator = np.where(known, part["denominator"].to_numpy(dtype=np.float64), np.nan)
    target = funnel.pooled_target(numerator, denominator) if given is None else given
    alone = given is None and int(known.sum()) < FEWEST_UNITS
    if alone:
        target = np.nan
    lines = funnel.proportion_limits(denominator, target, method=limits)
    scores = funnel.proportion_scores(numerator, denominator, target, lines)
    status = np.where(known, STATUS.index("ok"), part["why"].to_numpy())
    units = UNITS.frame(
        {
            "measure": part["measure"],
            "group": [None] * len(part),
            "unit": part["unit"],
            "first": part["first"].to_numpy(),
            "last": part["last"].to_numpy(),
            "periods": part["periods"].to_numpy(),
            "numerator": pd.arrays.IntegerArray(part["numerator"].to_numpy(np.int64), ~known),
            "denominator": pd.arrays.IntegerArray(part["denominator"].to_numpy(np.int64), ~known),
            "expected": denominator * target,
            "value": numerator / denominator,
            "target": target,
            "z": scores.z,
            "z_adjusted": np.nan,
            "p_value": scores.p_value,
            "q_value": _q_values(scores.p_value),
            "lower_95": lines.lower_95,
            "upper_95": lines.upper_95,
            "lower_998": lines.lower_998,
            "upper_998": lines.upper_998,
            "position": _category(
                POSITION, np.where(np.isnan(scores.p_value), -1, scores.position)
            ),
            "verdict": _category(UNIT_VERDICT, _verdicts(scores, display.better)),
            "status": _category(STATUS, status),
        }
    )
    phi, winsorised = funnel.variance_ratios(scores.z)
    compared = 0 if alone else int(known.sum())
    return units, {
        "measure": name,
        "group": None,
        "units": int(known.sum()),
        "first": part["first"].min(),
        "last": part["last"].max(),
        "target": target,
        "limit_method": limits,
        "phi": phi,
        "phi_winsorised": winsorised,
        "tau2": np.nan,
        "expected_false_positives": 0.05 * compared,
        "outside_95": int((scores.position > 0).sum()),
        "outside_998": int((scores.position > 2).sum()),
        "status": _funnel_status(alone, bool(known.any())),
        "reason": _reason(alone, bool(known.any())),
    }


def _category(words: tuple[str, ...], codes: Any) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, dtype=Column("", "category", words).dtype)


def _q_values(p_value: np.ndarray) -> np.ndarray:
    """Benjamini–Hochberg false discovery rate at which each unit would be flagged."""
    from statsmodels.stats.multitest import multipletests

    made = np.full(p_value.size, np.nan)
    known = ~np.isnan(p_value)
    if known.any():
        made[known] = multipletests(p_value[known], method="fdr_bh")[1]
    return made


def _verdicts(scores: funnel.UnitScores, better: str) -> np.ndarray:
    above = np.isin(scores.position, [1, 3])
    below = np.isin(scores.position, [2, 4])
    codes = np.full(scores.position.size, UNIT_VERDICT.index("as_expected"))
    codes[above] = UNIT_VERDICT.index(
        {"higher": "better_than_expected", "lower": "worse_than_expected"}.get(better, "differs")
    )
    codes[below] = UNIT_VERDICT.index(
        {"higher": "worse_than_expected", "lower": "better_than_expected"}.get(better, "differs")
    )
    codes[np.isnan(scores.p_value)] = -1
    return codes


def _funnel_status(alone: bool, any_data: bool) -> str:
    if not any_data:
        return "no_data"
    return "insufficient_data" if alone else "ok"


def _reason(alone: bool, any_data: bool) -> str:
    if not any_data:
        return "no unit has data"
    if alone:
        return "one unit alone has no peers to be compared with; give a target to judge it by"
    return ""


def _curve(units: pd.DataFrame, row: Any, method: str) -> pd.DataFrame:
    size = funnel.curve_denominators(float(units["denominator"].max()))
    lines = funnel.proportion_limits(size, float(row.target), method=method)
    return CURVE.frame(
        {
            "measure": [row.measure] * size.size,
            "group": [None] * size.size,
            "denominator": size,
            "target": row.target,
            "lower_95": lines.lower_95,
            "upper_95": lines.upper_95,
            "lower_998": lines.lower_998,
            "upper_998": lines.upper_998,
        }
    )


def _advice(
    summary: pd.DataFrame, display: Mapping[str, Display], frame: pd.DataFrame
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
                    "limits is a reason to ask, not a finding.",
                    {"phi": round(row.phi, 3), "threshold": round(threshold, 3)},
                )
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
