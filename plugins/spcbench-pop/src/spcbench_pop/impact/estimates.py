"""What counts say was prevented: settings, counts and arithmetic brought together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from spcbench.errors import InputError, OptionError
from spcbench.tables import Column, Contract
from spcbench_pop.impact.arithmetic import check_word, rounded
from spcbench_pop.impact.facts import cohort_below
from spcbench_pop.impact.ranges import (
    Range,
    check_people,
    extra_treated,
    product_range,
    spared_by_one,
    treated_range,
)
from spcbench_pop.impact.settings import Settings, alternatives, check_effects, settings_of

if TYPE_CHECKING:
    from spcbench.plugin.host import PluginHost

_ENDS = ("low", "", "high")
LENGTHS = ("year", "financial_year", "all")
"""What a line may stand for."""


def _ranged(*names: str) -> tuple[Column, ...]:
    return tuple(
        Column(f"{name}_{end}" if end else name, "float") for name in names for end in _ENDS
    )


IMPACT = Contract(
    "impact",
    (
        *(Column(name, "string") for name in ("measure", "unit", "when")),
        *(Column(name, "string") for name in ("effect", "outcome", "counted")),
        Column("first", "date"),
        Column("last", "date"),
        Column("total", "boolean"),
        *(Column(name, "integer") for name in ("periods", "treated", "eligible", "missing")),
        Column("rate", "float"),
        Column("counterfactual", "string"),
        Column("counterfactual_rate", "float"),
        *(Column(name, "integer") for name in ("treated_compared", "eligible_compared")),
        *_ranged("nnt", "gross", "incremental"),
        Column("unit_cost", "float"),
        *_ranged("gross_value", "incremental_value"),
        Column("rounding", "string"),
        Column("verified", "boolean"),
    ),
)
"""One row for each measure and year, and one for all years together (`total`)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Impact:
    """Estimates of what was prevented, gross and against a counterfactual.

    Parameters
    ----------
    lines : pandas.DataFrame
        As `IMPACT`.
    alternatives : pandas.DataFrame
        The total again with every other number needed to treat and
        counterfactual that is known and verified: the same columns.
    settings : tuple of Settings
        One for each measure, in the order of the lines.
    notes : tuple of str
        What the reader must know besides, such as counts that were left out.
    """

    lines: pd.DataFrame
    alternatives: pd.DataFrame
    settings: tuple[Settings, ...]
    notes: tuple[str, ...] = ()

    @property
    def totals(self) -> pd.DataFrame:
        """One row for each measure: all years together."""
        return self.lines[self.lines["total"]].reset_index(drop=True)


def impact_of_numbers(
    treated: int,
    eligible: int | None = None,
    *,
    measure: str = "mgso4",
    below_weeks: float | None = None,
    **options: Any,
) -> Impact:
    """An estimate from numbers that are known already.

    Parameters
    ----------
    treated : int
        People who received the care.
    eligible : int, optional
        People who should have; without it there is no rate, and nothing to
        compare with a counterfactual.
    measure : str
        Id of the measure.
    below_weeks : float, optional
        Weeks that the births were below; as the measure says by default.
    **options
        As `settings_of`.

    Returns
    -------
    Impact

    Raises
    ------
    OptionError
        If numbers or options are wrong.

    Examples
    --------
    >>> one = impact_of_numbers(2257, preset="hin_london_2024").totals.iloc[0]
    >>> float(one["gross"]), float(one["gross_value"])
    (61.0, 61000000.0)
    """
    check_people(treated=treated, eligible=eligible)
    check_effects(options.get("effect"), [measure])
    if below_weeks is None:
        below_weeks = cohort_below(f"pop:{measure}")
    settings = settings_of(measure, below_weeks=below_weeks, **options)
    if settings.counterfactual is not None and settings.counterfactual.from_first_year:
        if settings.counterfactual_given:
            raise OptionError("numbers alone have no first year; give a rate as the counterfactual")
        settings = replace(settings, counterfactual=None)
    row = {
        "period": pd.NaT,
        "numerator": treated,
        "denominator": math.nan if eligible is None else eligible,
    }
    return _impact([(settings, "", pd.DataFrame([row]))], by="all", notes=())


def impact_of_counts(
    counts: Any,
    *,
    measures: str | Sequence[str] = "mgso4",
    unit: str | None = None,
    level: str | None = None,
    first: str | None = None,
    last: str | None = None,
    by: str = "year",
    host: PluginHost | None = None,
    **options: Any,
) -> Impact:
    """An estimate from a table of counts: the numerator was treated, the denominator eligible.

    Cases whose care is not known are in neither.

    Parameters
    ----------
    counts : Counted, Table or a table
        As `spcbench.control_charts` takes.
    measures : str or sequence of str
        Their names; each is estimated by itself and nothing is added up.
    unit, level : str, optional
        Only the rows of this unit, of this level.
    first, last : str, optional
        Only periods from one date to another.
    by : str
        What a line stands for: ``"year"``, ``"financial_year"`` or ``"all"``.
    host : PluginHost, optional
        Where measures are looked up.
    **options
        As `settings_of`, for every measure.

    Returns
    -------
    Impact

    Raises
    ------
    InputError
        If the counts break their contract, hold nothing to estimate from, or
        their periods overlap, as those of rolling windows do.
    OptionError
        If an option is wrong.
    """
    from spcbench.funnel_sums import check_apart
    from spcbench.intake import as_date, take
    from spcbench.plugin.host import default_host

    check_word("by", by, LENGTHS)
    asked = [measures] if isinstance(measures, str) else list(measures)
    check_effects(options.get("effect"), asked)
    found, notes = [], []
    for name in asked:
        taken = take(counts, host=host or default_host(), measure=name, unit=unit, level=level)
        frame = taken.frame
        full = str(frame["measure"].iloc[0]) if len(frame) else name
        for date, keep in ((first, "ge"), (last, "le")):
            if date is not None:
                frame = frame[getattr(frame["period"], keep)(as_date(date, "first or last"))]
        check_apart(frame)
        known = frame[frame["status"].eq("ok") & frame["denominator"].notna()]
        if not known["denominator"].sum():
            raise InputError(f"{taken.source}: {full} has nobody eligible in the rows chosen")
        left = int((~frame["status"].eq("ok") & ~frame["denominator"].eq(0).fillna(False)).sum())
        if left:
            notes.append(
                f"{full}: {left} of {len(frame)} periods have no count (withheld or not "
                "reported) and are left out: the estimate is of the others"
            )
        people = options.get("counted") or _COUNTED.get(taken.display[full].counts)
        settings = settings_of(full, **{**options, "counted": people})
        found.append((settings, unit or _units(known), known))
        notes += _too_small(settings, known)
    return _impact(found, by=by, notes=notes)


_COUNTED = {"baby": "babies", "mother": "women"}
"""Who a measure says that it counts, in the words used here."""


FEW_CASES = 20
"""Below so many cases a figure says little of one unit whose level is not known (a proposal)."""


def _too_small(settings: Settings, rows: pd.DataFrame) -> list[str]:
    """What to say where the rows are of one trust, which has too few cases for an estimate."""
    if len(rows["unit"].unique()) != 1:
        return []
    levels = rows["level"].dropna().astype(str).unique() if "level" in rows else []
    if any(one not in ("provider", "site") for one in levels):
        return []
    if not len(levels) and rows["numerator"].sum() / settings.nnt.point >= FEW_CASES:
        return []
    return [
        f"{settings.measure}: the numbers of one trust are too small to say what was prevented "
        "there; a system or a region says more. Take the figures as a range, not as cases."
    ]


def _units(frame: pd.DataFrame) -> str:
    """The unit, or how many there are."""
    codes = frame["unit"].unique()
    return str(codes[0]) if len(codes) == 1 else f"{len(codes)} units"


def _impact(
    found: Iterable[tuple[Settings, str, pd.DataFrame]], *, by: str, notes: Iterable[str]
) -> Impact:
    lines: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    chosen = []
    for settings, unit, rows in found:
        chosen.append(settings)
        compared = _compared(settings, rows)
        if by != "all":
            for year, own in rows.groupby(_years(rows["period"], by), sort=True):
                when = _year_words(int(year), by)
                lines.append({**_line(settings, unit, own, compared), "when": when})
        lines.append({**_line(settings, unit, rows, compared), "total": True})
        compare = not rows["denominator"].isna().any()
        for other in alternatives(settings, compare=compare):
            against = _compared(other, rows)
            others.append({**_line(other, unit, rows, against), "total": True})
    return Impact(
        lines=_framed(lines), alternatives=_framed(others), settings=tuple(chosen), notes=(*notes,)
    )


def _framed(rows: list[dict[str, Any]]) -> pd.DataFrame:
    if not rows:
        return IMPACT.empty()
    return IMPACT.frame({name: [row.get(name) for row in rows] for name in IMPACT.names})


def _years(period: pd.Series, by: str) -> pd.Series:
    """The year that each period belongs to; a financial year is named by its April."""
    return period.dt.year if by == "year" else period.dt.year - (period.dt.month < 4).astype(int)


def _year_words(year: int, by: str) -> str:
    return str(year) if by == "year" else f"{year}/{(year + 1) % 100:02d}"


@dataclass(frozen=True, slots=True)
class _Against:
    """Rows that are compared, and what with: limits of a rate, or (treated, eligible)."""

    keep: pd.Series
    before: Range | tuple[float, float] | None
    rate: float


def _compared(settings: Settings, rows: pd.DataFrame) -> _Against | None:
    """What a counterfactual compares; None without one, or where nobody's number is known."""
    other = settings.counterfactual
    if other is None or rows["denominator"].isna().any():
        return None
    every = pd.Series(True, index=rows.index)
    if other.rate is not None:
        fixed = Range(low=other.rate, point=other.rate, high=other.rate)
        return _Against(every, fixed, other.rate)
    if other.uplift is not None:
        return _Against(every, None, math.nan)
    later = rows["period"] >= rows["period"].min() + pd.DateOffset(years=1)
    treated, eligible = (rows.loc[~later, one].sum() for one in ("numerator", "denominator"))
    if not later.any() or not eligible or not rows.loc[later, "denominator"].sum():
        if not settings.counterfactual_given:
            return None
        raise InputError(
            f"{settings.measure}: there is nothing after the first twelve months to compare with "
            "them; give more periods, or a rate as the counterfactual"
        )
    return _Against(later, (float(treated), float(eligible)), treated / eligible)


def _line(
    settings: Settings, unit: str, rows: pd.DataFrame, against: _Against | None
) -> dict[str, Any]:
    """One row of the table: some periods, added up first and estimated then."""
    treated = float(rows["numerator"].sum())
    eligible = None if rows["denominator"].isna().any() else float(rows["denominator"].sum())
    line: dict[str, Any] = {
        "measure": settings.measure,
        "unit": unit,
        "when": "all",
        "effect": settings.effect.id,
        "outcome": settings.effect.many,
        "counted": settings.counted,
        "first": rows["period"].min(),
        "last": rows["period"].max(),
        "total": False,
        "periods": int(rows["period"].nunique()) or None,
        "treated": int(treated),
        "eligible": None if eligible is None else int(eligible),
        "missing": _unknown(rows),
        "rate": treated / eligible if eligible else math.nan,
        "rounding": settings.rounding,
        "unit_cost": settings.unit_cost.pounds if settings.unit_cost else math.nan,
        "verified": settings.effect.verified,
        **_spread("nnt", settings.nnt, settings),
    }
    line |= _cases("gross", treated_range(treated, eligible), settings)
    return line | _incremental(settings, rows, against, line["rate"])


def _unknown(rows: pd.DataFrame) -> int | None:
    """Eligible people whose care is not known; None where nobody says."""
    if "missing" not in rows or rows["missing"].isna().all():
        return None
    return int(rows["missing"].sum())


def _incremental(
    settings: Settings, rows: pd.DataFrame, against: _Against | None, rate: float
) -> dict[str, Any]:
    """What was prevented beyond the counterfactual; nothing is known without one."""
    line: dict[str, Any] = {
        "counterfactual": settings.counterfactual.label if settings.counterfactual else None,
        "counterfactual_rate": math.nan,
        **_cases("incremental", None, settings),
    }
    if against is None:
        return line
    own = rows[against.keep.loc[rows.index]]
    treated, eligible = float(own["numerator"].sum()), float(own["denominator"].sum())
    line |= {"treated_compared": int(treated), "eligible_compared": int(eligible)}
    line["counterfactual_rate"] = against.rate
    if not eligible:
        return line
    other = settings.counterfactual
    if against.before is not None:
        extra = extra_treated(treated, eligible, before=against.before)
    else:
        assert other is not None  # an uplift, which has its limits from the evaluation
        ends = (other.uplift_low, other.uplift, other.uplift_high)
        low, point, high = (eligible * (one or 0.0) for one in ends)
        extra = Range(low=low, point=point, high=high)
        line["counterfactual_rate"] = rate - point / eligible
    return line | _cases("incremental", extra, settings)


def _cases(name: str, people: Range | None, settings: Settings) -> dict[str, float]:
    """Cases and their value, each end rounded as it would be published."""
    if people is None:
        found = dict.fromkeys((f"{name}_low", name, f"{name}_high"), math.nan)
    else:
        cases = product_range(people, spared_by_one(settings.nnt))
        found = {
            key: rounded(value, settings.rounding)
            for key, value in _spread(name, cases, settings).items()
        }
    cost = settings.unit_cost.pounds if settings.unit_cost else math.nan
    values = {key.replace(name, f"{name}_value"): cost * value for key, value in found.items()}
    return found | values


def _spread(name: str, over: Range, settings: Settings) -> dict[str, float]:
    """Both ends and the point; no ends where those of the effect are not known.

    Uptake alone would give ends that are far too close together.
    """
    return {
        f"{name}_low": over.low if settings.has_limits else math.nan,
        name: over.point if settings.has_point else math.nan,
        f"{name}_high": over.high if settings.has_limits else math.nan,
    }
