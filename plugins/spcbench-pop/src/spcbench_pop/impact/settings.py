"""Which number needed to treat, cost and counterfactual go with a measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from spcbench.errors import OptionError, UnknownNameError
from spcbench_pop.impact.arithmetic import COUNTED, Counted, Rounding, check_word, rounded
from spcbench_pop.impact.facts import (
    FIRST_YEAR,
    Counterfactual,
    Effect,
    UnitCost,
    cohort_below,
    counterfactual_of,
    counterfactuals,
    effect_of,
    effects,
    numbers_given,
    preset_of,
    unit_cost_of,
)
from spcbench_pop.impact.ranges import Range


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that turns counts of one measure into an estimate.

    Parameters
    ----------
    measure : str
        Its full name, or its id where numbers are given by hand.
    effect : Effect
    nnt : Range
    has_point : bool
        False where the source gives a span and no single number.
    nnt_given : bool
        True where the caller gave the number.
    unit_cost : UnitCost, optional
        Of cerebral palsy only.
    rounding : str
    counted : str
        Who the people treated are: ``"women"`` or ``"babies"``.
    counterfactual : Counterfactual, optional
    counterfactual_given : bool
        True where the caller chose it: it is then an error if it cannot be used.
    below_weeks : float, optional
        What the births were below.
    baseline_risk : float, optional
    preset : str
        Its id, if one was taken.
    nnt_alone : bool
        True where the caller gave the number without its range: that of the
        effect is then taken in.
    """

    measure: str
    effect: Effect
    nnt: Range
    has_point: bool
    nnt_given: bool
    unit_cost: UnitCost | None
    rounding: Rounding
    counted: Counted
    counterfactual: Counterfactual | None
    counterfactual_given: bool
    below_weeks: float | None
    baseline_risk: float | None
    preset: str
    nnt_alone: bool = False

    @property
    def has_limits(self) -> bool:
        """False where nothing says how sure the number needed to treat is: no range is told."""
        return self.nnt_given or self.nnt.low < self.nnt.high


def settings_of(
    measure: str,
    *,
    preset: str | None = None,
    effect: str | Sequence[str] | None = None,
    nnt: float | None = None,
    nnt_low: float | None = None,
    nnt_high: float | None = None,
    baseline_risk: float | None = None,
    unit_cost: str | float | None = None,
    rounding: Rounding | None = None,
    counterfactual: str | float | None = None,
    below_weeks: float | None = None,
    counted: Counted | None = None,
) -> Settings:
    """Settings that go together, from those that were given and the measure's own.

    Parameters
    ----------
    measure : str
        Full name, such as ``"pop@2023:mgso4"``, or the id alone.
    preset : str, optional
        ``"programme"`` or ``"hin_london_2024"``; the first is taken for
        magnesium sulphate. What is given besides goes before it.
    effect : str or sequence of str, optional
        Whose number needed to treat; the measure's own choice by default. Of
        several the one that is about this measure is taken; one name must be of this measure.
    nnt, nnt_low, nnt_high : float, optional
        A number of the caller's own, with its 95 % limits or span.
    baseline_risk : float, optional
        Risk without the care, for effects that have a relative risk.
    unit_cost : str or float, optional
        Pounds for a case of cerebral palsy.
    rounding : str, optional
        One of `ROUNDINGS`; ``"none"`` by default.
    counterfactual : str or float, optional
        A rate, ``"first-year"``, or a name.
    below_weeks : float, optional
        Weeks that the births were below, for measures of packs that are not ours.
    counted : str, optional
        ``"women"`` or ``"babies"``: who was treated; those whom the effect is
        about by default.

    Raises
    ------
    OptionError
        If something is unknown, out of range or does not go together.
    """
    name = measure.rpartition(":")[2]
    if isinstance(effect, str):
        check_effects(effect, [measure])
    if preset is None and name == "mgso4":
        preset = "programme"
    own = None if preset is None else preset_of(preset)
    chosen = effect_of(name, _about(name, effect) or (own.effect if own else None))
    given = any(one is not None for one in (nnt, nnt_low, nnt_high))
    if given and baseline_risk is not None:
        raise OptionError("give either a number needed to treat or a baseline risk, not both")
    needed = (
        numbers_given(chosen, nnt, nnt_low, nnt_high)
        if given
        else chosen.numbers_needed(baseline_risk)
    )
    cost = unit_cost if unit_cost is not None else (own.unit_cost if own else None)
    if cost is not None and not chosen.cerebral_palsy:
        raise OptionError(
            f"a unit cost is of a case of cerebral palsy; the effect {chosen.id!r} is about "
            f"{chosen.many}, for which no value is known here"
        )
    compared = counterfactual if counterfactual is not None else chosen.counterfactual
    compared = FIRST_YEAR.id if compared == "" else compared
    rounding = rounding or (own.rounding if own else "none")
    rounded(0.0, rounding)  # refuses another word
    check_word("counted", counted or chosen.counted, COUNTED)
    return Settings(
        measure=measure,
        effect=chosen,
        nnt=needed,
        has_point=given or chosen.has_point or baseline_risk is not None,
        nnt_given=given,
        unit_cost=None if cost is None else unit_cost_of(cost),
        rounding=rounding,
        counted=counted or chosen.counted,
        counterfactual=counterfactual_of(compared, name),
        counterfactual_given=counterfactual is not None,
        below_weeks=_births_below(measure, chosen, below_weeks),
        baseline_risk=baseline_risk,
        preset=own.id if own else "",
        nnt_alone=nnt is not None and nnt_low is None,
    )


def check_effects(given: str | Sequence[str] | None, measures: Sequence[str]) -> None:
    """Refuse an effect that is of none of the measures: it must not be passed over.

    Parameters
    ----------
    given : str or sequence of str, optional
        Ids of effects.
    measures : sequence of str
        Full names or ids.

    Raises
    ------
    UnknownNameError
        If there is no effect of that id.
    OptionError
        If it is of another measure than those estimated.
    """
    known = {one.id: one for one in effects()}
    for name in [given] if isinstance(given, str) else given or ():
        if name not in known:
            raise UnknownNameError("effect", name, known)
        if known[name].measure not in [one.rpartition(":")[2] for one in measures]:
            raise OptionError(
                f"the effect {name!r} is of {known[name].measure!r}, not of "
                f"{' or '.join(map(repr, measures))}; `spcbench impact --effects` lists those "
                "of each measure"
            )


def _about(measure: str, given: str | Sequence[str] | None) -> str | None:
    """The effect among those given that is about a measure."""
    if given is None or isinstance(given, str):
        return given
    known = {one.id: one for one in effects()}
    for name in given:
        if name not in known:
            raise UnknownNameError("effect", name, known)
    own = [name for name in given if known[name].measure == measure]
    if len(own) > 1:
        raise OptionError(f"{measure}: choose one effect, not {' and '.join(own)}")
    return own[0] if own else None


def _births_below(measure: str, effect: Effect, said: float | None) -> float | None:
    """Weeks that the births were below, refused where the effect does not reach so far."""
    known = cohort_below(measure)
    if known is not None and said is not None and said > known:
        raise OptionError(f"{measure} takes births below {known} weeks, not below {said:g}")
    below = said if said is not None else known
    if effect.below_weeks is None:
        return below
    if below is None:
        raise OptionError(
            f"the effect {effect.id!r} holds for births below {effect.below_weeks} weeks; say with "
            f"below_weeks that those of {measure} are"
        )
    if not 0 < below <= effect.below_weeks:
        raise OptionError(
            f"the effect {effect.id!r} holds for births below {effect.below_weeks} weeks; "
            f"{measure} takes births below {below:g}. Count those below "
            f"{effect.below_weeks} weeks only"
        )
    return below


def alternatives(settings: Settings, *, compare: bool) -> list[Settings]:
    """Every verified effect and counterfactual that can be told without more input.

    Parameters
    ----------
    settings : Settings
        What was chosen; its rounding, unit cost and births are kept.
    compare : bool
        Whether there is a rate to compare with other counterfactuals.
    """
    made: list[Settings] = []
    for effect in effects(settings.effect.measure):
        same = effect.many == settings.effect.many
        reach = effect.below_weeks is None or (settings.below_weeks or 99) <= effect.below_weeks
        known = effect.nnt_low is not None or effect.baseline_people is not None
        if not (effect.verified and same and reach and known):
            continue
        own = replace(
            settings,
            effect=effect,
            nnt=effect.numbers_needed(),
            has_point=effect.has_point,
            nnt_given=False,
            nnt_alone=False,
        )
        if not compare:
            made.append(replace(own, counterfactual=None))
            continue
        first = [settings.counterfactual] if settings.counterfactual else []
        others = [*first, *(one for one in counterfactuals(effect.measure) if one not in first)]
        made += [replace(own, counterfactual=one) for one in others or (None,)]
    return made


def _origin(one: Settings) -> str:
    """Where the number needed to treat comes from, and its range."""
    if one.nnt_alone:
        return f"given without a range; that of {one.effect.id} is taken in"
    return "given" if one.nnt_given else one.effect.range_note


def method_of(one: Settings) -> dict[str, Any]:
    """How an estimate was made: enough to make it again.

    Parameters
    ----------
    one : Settings

    Returns
    -------
    dict
        Text and numbers.
    """
    other = one.counterfactual
    return {
        "measure": one.measure,
        "preset": one.preset,
        "effect": one.effect.id,
        "effect_source": one.effect.source,
        "effect_verified": one.effect.verified,
        "nnt": _origin(one),
        "births_below_weeks": one.below_weeks,
        "baseline_risk": one.baseline_risk,
        "counted": one.counted,
        "rounding": one.rounding,
        "unit_cost": None if one.unit_cost is None else one.unit_cost.pounds,
        "unit_cost_label": None if one.unit_cost is None else one.unit_cost.label,
        "unit_cost_source": None if one.unit_cost is None else one.unit_cost.source,
        "counterfactual": None if other is None else other.label,
        "counterfactual_source": None if other is None else other.source,
    }
