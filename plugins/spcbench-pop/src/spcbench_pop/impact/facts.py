"""What is known of effects, costs and counterfactuals: the records of ``facts.toml``."""

from __future__ import annotations

import math
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

from spcbench.errors import OptionError, UnknownNameError
from spcbench_pop.impact.arithmetic import Counted, Rounding, needed_to_treat, relative_risk_of
from spcbench_pop.impact.ranges import Range, check_nnt

OUR_PACKS = ("pop", "periprem", "nnap", "precept")
"""Packs whose measures keep to the gestation that `BELOW_WEEKS` says, in every version."""
BELOW_WEEKS = {"mgso4": 30, "caffeine": 30, "place_of_birth": 28, "hydrocortisone": 28}
"""Weeks that the births of a measure are below; 34 for every other."""

_PERCENT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*")
_MONEY = re.compile(r"£?(\d+(?:\.\d+)?)\s*(m|million|k)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a source says that care does: on whom, to what, and how much.

    Parameters
    ----------
    id, measure, title : str
        Its name, the measure whose numerator received the care, what it is about.
    whose : str
        Who gives the number, in a word or two.
    one, many : str
        The outcome in words, such as ``"life"`` and ``"lives"``.
    counted : str
        ``"women"`` or ``"babies"``.
    source : str
    verified : bool
        False while it still has to be checked at its source.
    range, range_note : str
        ``"confidence"`` (95 % limits) or ``"settings"`` (figures that different
        bodies use), and what a reader must know of them.
    nnt, nnt_low, nnt_high : float, optional
        Numbers needed to treat; the highest may be infinite.
    below_weeks : int, optional
        Weeks that the births must be below.
    risk_ratio, risk_ratio_low, risk_ratio_high : float, optional
        With the care over without it; `odds_ratio` likewise.
    baseline_cases, baseline_people : int, optional
        Those without the care in the trials.
    counterfactual : str
        The one taken unless another is named.
    default, death : bool
        Whether it is the measure's own choice; whether the outcome is death averted.
    """

    id: str
    measure: str
    title: str
    whose: str
    one: str
    many: str
    counted: Counted
    source: str
    verified: bool
    range: str
    range_note: str
    nnt: float | None = None
    nnt_low: float | None = None
    nnt_high: float | None = None
    below_weeks: int | None = None
    risk_ratio: float | None = None
    risk_ratio_low: float | None = None
    risk_ratio_high: float | None = None
    odds_ratio: float | None = None
    odds_ratio_low: float | None = None
    odds_ratio_high: float | None = None
    baseline_cases: int | None = None
    baseline_people: int | None = None
    counterfactual: str = ""
    default: bool = False
    death: bool = False

    @property
    def cerebral_palsy(self) -> bool:
        """Whether the unit costs, which are of cerebral palsy, go with it."""
        return "cerebral palsy" in self.one

    @property
    def done(self) -> str:
        """What is done with the outcome: a life is saved, a case is prevented."""
        return "saved" if self.death else "prevented"

    @property
    def has_limits(self) -> bool:
        """False where the source gives one figure and says nothing of how sure it is."""
        own = (self.nnt_low, self.nnt_high)
        ratios = (self.risk_ratio_low, self.risk_ratio_high)
        low, high = own if self.nnt_low is not None else ratios
        return low is None or low != high

    @property
    def has_point(self) -> bool:
        """False where the source gives a span and no single figure."""
        return self.nnt_low is None or self.nnt is not None

    def numbers_needed(self, baseline_risk: float | None = None) -> Range:
        """The number needed to treat; the middle of a span on the scale of risks.

        Parameters
        ----------
        baseline_risk : float, optional
            Risk of the outcome without the care, over what the source says.

        Raises
        ------
        OptionError
            If it takes a baseline risk and none is given, or takes none.
        """
        ratios = self._risk_ratios(baseline_risk)
        if baseline_risk is not None and ratios is None:
            raise OptionError(
                f"the effect {self.id!r} has no relative risk to go with a baseline risk; "
                "leave the baseline risk out"
            )
        if baseline_risk is None and self.baseline_people and self.baseline_cases:
            baseline_risk = self.baseline_cases / self.baseline_people
        if baseline_risk is not None and ratios is not None:
            low, point, high = (needed_to_treat(baseline_risk, one) for one in ratios)
            return Range(low=low, point=point, high=high)
        if self.nnt_low is None or self.nnt_high is None:
            raise OptionError(
                f"the effect {self.id!r} needs a baseline risk, which its source does not give: "
                "say the share of births that would have that outcome without the care"
            )
        middle = 2.0 / (1.0 / self.nnt_low + 1.0 / self.nnt_high)
        return Range(low=self.nnt_low, point=self.nnt or middle, high=self.nnt_high)

    def _risk_ratios(self, baseline_risk: float | None) -> tuple[float, ...] | None:
        risks = (self.risk_ratio_low, self.risk_ratio, self.risk_ratio_high)
        odds = (self.odds_ratio_low, self.odds_ratio, self.odds_ratio_high)
        if baseline_risk is not None and None not in odds:
            return tuple(relative_risk_of(one, baseline_risk) for one in odds if one is not None)
        return None if None in risks else tuple(one for one in risks if one is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCost:
    """Pounds that one case is taken to cost, whose figure that is, and where it comes from."""

    pounds: float
    label: str
    id: str = ""
    source: str = ""
    verified: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterfactual:
    """What the rate would have been: a `rate`, or the present one less an `uplift`.

    Parameters
    ----------
    label : str
        In words.
    rate : float, optional
        A share; None with `uplift` None means the first twelve months of the data.
    uplift, uplift_low, uplift_high : float, optional
        Points that an evaluation found on top, with their limits, as shares.
    caution, source, id, measure : str
    verified : bool
    """

    label: str
    rate: float | None = None
    uplift: float | None = None
    uplift_low: float | None = None
    uplift_high: float | None = None
    caution: str = ""
    source: str = ""
    id: str = ""
    measure: str = ""
    verified: bool = True

    @property
    def from_first_year(self) -> bool:
        """Whether it is the rate of the first twelve months of the data."""
        return self.rate is None and self.uplift is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Settings that a body uses, by name."""

    id: str
    effect: str
    unit_cost: str
    rounding: Rounding
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WithoutNumber:
    """Care for which no number is given here, and why."""

    measure: str
    why: str
    source: str


FIRST_YEAR = Counterfactual(
    id="first-year",
    label="the rate of the first twelve months of these data",
    caution="the rate may have risen without any programme, and a first year is itself uncertain",
)

Fact = TypeVar("Fact", Effect, UnitCost, Counterfactual, Preset, WithoutNumber)
_TABLES: dict[str, Any] = {
    "effect": Effect,
    "unit_cost": UnitCost,
    "counterfactual": Counterfactual,
    "preset": Preset,
    "without_number": WithoutNumber,
}


@cache
def _facts() -> dict[str, tuple[Any, ...]]:
    """Every record of the file, by its table."""
    text = (files(__package__) / "facts.toml").read_text(encoding="utf-8")
    parsed = tomllib.loads(text)
    return {name: tuple(kind(**row) for row in parsed[name]) for name, kind in _TABLES.items()}


def effects(measure: str | None = None) -> tuple[Effect, ...]:
    """Effects that are known, of one measure if it is named by its id.

    Examples
    --------
    >>> [one.id for one in effects("mgso4")]
    ['mgso4-programme', 'mgso4-crowther-2017', 'mgso4-cochrane-2009']
    """
    return tuple(one for one in _facts()["effect"] if measure in (None, one.measure))


def without_number() -> tuple[WithoutNumber, ...]:
    """Care that has no number needed to treat here, with the reason."""
    return _facts()["without_number"]


def presets() -> tuple[Preset, ...]:
    """Settings that are known by a name."""
    return _facts()["preset"]


def counterfactuals(measure: str | None = None) -> tuple[Counterfactual, ...]:
    """Counterfactuals that are known, of one measure if it is named by its id."""
    return tuple(one for one in _facts()["counterfactual"] if measure in (None, one.measure))


def effect_of(measure: str, name: str | None = None) -> Effect:
    """The effect of a name, or the measure's own choice.

    Parameters
    ----------
    measure : str
        Id of the measure, such as ``"mgso4"``.
    name : str, optional
        Id of the effect.

    Raises
    ------
    OptionError
        If there is none, or none that is taken unless it is named.
    """
    known = effects(measure)
    if name is not None:
        return _named("effect", name, known)
    for one in known:
        if one.default:
            return one
    if known:
        names = " or ".join(one.id if one.verified else f"{one.id} (not verified)" for one in known)
        raise OptionError(f"no effect of {measure!r} is taken unless it is named: {names}")
    why = [one.why for one in without_number() if measure in one.measure.split(", ")]
    reason = f": {why[0]}" if why else ""
    raise OptionError(f"no number needed to treat is known for {measure!r}{reason}")


def preset_of(name: str) -> Preset:
    """The preset of a name.

    Raises
    ------
    UnknownNameError
        If there is none.
    """
    return _named("preset", name, presets())


def counterfactual_of(given: str | float, measure: str) -> Counterfactual:
    """A counterfactual from a rate, a name, or ``"first-year"``.

    Parameters
    ----------
    given : str or float
        A rate between 0 and 1, also as text.
    measure : str
        Id of the measure.

    Raises
    ------
    OptionError
        If it is out of range or unknown.

    Examples
    --------
    >>> counterfactual_of("0.7", "ocm").label
    'a rate of 70.0 %'
    """
    try:
        rate = float(given)
    except ValueError:
        if given == FIRST_YEAR.id:
            return FIRST_YEAR
        if percent := _PERCENT.fullmatch(str(given)):
            share = float(percent[1]) / 100
            raise OptionError(
                f"a counterfactual rate is a share between 0 and 1; write {given} as {share:g}"
            ) from None
        return _named("counterfactual", str(given), (*counterfactuals(measure), FIRST_YEAR))
    if not 0.0 <= rate <= 1.0:
        raise OptionError(
            f"a counterfactual rate lies between 0 and 1, not {rate:g}; write 65.8 % as 0.658"
        )
    return Counterfactual(rate=rate, label=f"a rate of {100 * rate:.1f} %")


def unit_cost_of(given: str | float) -> UnitCost:
    """What a case costs, from pounds or a name.

    Parameters
    ----------
    given : str or float
        ``1_000_000``, ``"1.0m"``, ``"800k"``, ``"programme"`` or ``"ahsn"``.

    Raises
    ------
    OptionError
        If it is neither.

    Examples
    --------
    >>> unit_cost_of("0.8m").label, unit_cost_of("0.75m").label
    ('AHSN Network 2021', 'as given')
    """
    known: tuple[UnitCost, ...] = _facts()["unit_cost"]
    written = _MONEY.fullmatch(str(given).strip().replace(",", ""))
    if written is None:
        return _named("unit cost", str(given), known)
    scale = {"m": 1e6, "million": 1e6, "k": 1e3}.get((written[2] or "").lower(), 1.0)
    pounds = round(float(written[1]) * scale, 2)
    if not (math.isfinite(pounds) and pounds >= 1000.0):
        raise OptionError(
            f"a case costs {given} pounds? Write a million as 1.0m, or 1000000 in full"
        )
    for one in known:
        if one.pounds == pounds:
            return one
    return UnitCost(pounds=pounds, label="as given")


def cohort_below(measure: str) -> int | None:
    """Weeks that the births of a measure are below; None if it is not one of ours.

    Parameters
    ----------
    measure : str
        Its full name, such as ``"pop@2023:mgso4"``.

    Examples
    --------
    >>> cohort_below("pop@2023:mgso4"), cohort_below("mine@1:mgso4")
    (30, None)
    """
    pack, _, name = measure.rpartition(":")
    return BELOW_WEEKS.get(name, 34) if pack.split("@")[0] in OUR_PACKS else None


def numbers_given(
    effect: Effect, nnt: float | None, low: float | None, high: float | None
) -> Range:
    """A number needed to treat that the caller gives, with its range.

    Parameters
    ----------
    effect : Effect
        Whose span is taken in where no range is given: one number alone would
        say more than anybody knows.
    nnt, low, high : float, optional
        At least one.

    Raises
    ------
    OptionError
        If they are out of order, or only one end of the range is given.
    """
    if (low is None) != (high is None) or (low is not None and nnt is None):
        raise OptionError("a range of numbers needed to treat is given as all of nnt, low and high")
    for one in (nnt, low, high):
        if one is not None:
            check_nnt(one)
    if nnt is not None and math.isinf(nnt):
        raise OptionError(
            "a number needed to treat without end would mean that nothing is prevented; "
            "only the high end of a range may be so"
        )
    if nnt is None:
        return effect.numbers_needed()
    if low is not None and high is not None:
        return Range(low=low, point=nnt, high=high)
    if not effect.has_limits or (effect.nnt_low is None and effect.baseline_people is None):
        raise OptionError(
            f"no range is known for the effect {effect.id!r}; give the low and the high one too"
        )
    known = effect.numbers_needed()
    return Range(low=min(nnt, known.low), point=nnt, high=max(nnt, known.high))


def _named(kind: str, name: str, known: tuple[Fact, ...]) -> Fact:
    for one in known:
        if getattr(one, "id", "") == name:
            return one
    raise UnknownNameError(kind, name, [getattr(one, "id", "") for one in known])
