"""Checking what a funnel is asked for, before any number is worked out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from numbers import Real
from typing import Any

from spcbench.errors import OptionError
from spcbench.funnel_change import SCALE
from spcbench.funnel_units import Compared, Recipe
from spcbench.funnel_view import PICTURES, SIZES, View
from spcbench.levels import chosen_levels
from spcbench.numeric.between_units import TAU2_METHODS
from spcbench.numeric.funnel_scales import SCALES
from spcbench.numeric.funnel_tails import LINE_METHODS

OVERDISPERSION = ("none", "additive", "multiplicative")


def checked_recipe(
    *,
    data_type: str,
    change_of: str | None,
    before: tuple[Any, Any] | None,
    scale: str | None,
    limits: str | None,
    probabilities: Sequence[float] | None,
    sigmas: Sequence[float] | None,
    preset: str | None,
    fdr: float | None,
    overdispersion: str,
    tau2_method: str,
    winsorise: float,
    consistent: bool,
    dependent: bool,
) -> Recipe:
    """The options of `funnels` that numbers depend on, checked.

    Raises
    ------
    OptionError
        If a name or value is not known, or two do not go together.
    """
    one_of("data_type", data_type, tuple(SCALES))
    limits = limits or ("normal" if data_type == "change" else "exact")
    one_of("limits", limits, LINE_METHODS[data_type])
    one_of("overdispersion", overdispersion, OVERDISPERSION)
    one_of("tau2_method", tau2_method, TAU2_METHODS)
    for option, flag in (("consistent", consistent), ("dependent", dependent)):
        one_of(option, flag, (True, False))
    if not (isinstance(winsorise, Real) and 0.0 <= winsorise < 0.5):
        raise OptionError(f"winsorise must be a share from 0 to below 0.5, not {winsorise!r}")
    if fdr is not None and not (isinstance(fdr, Real) and 0.0 < fdr < 1.0):
        raise OptionError(f"fdr must be a share between 0 and 1, such as 0.05, not {fdr!r}")
    return Recipe(
        data_type=data_type,
        change_of=_change_of(data_type, change_of, before),
        scale=_scale(data_type, scale, limits),
        limits=limits,
        levels=chosen_levels(preset, probabilities, sigmas),
        overdispersion=overdispersion,
        tau2_method=tau2_method,
        winsorise=winsorise,
        consistent=consistent,
        fdr=fdr,
        dependent=dependent,
    )


def one_of(option: str, value: object, choices: Sequence[object]) -> None:
    """Refuse a word that is none of those an option knows.

    Raises
    ------
    OptionError
        Naming the choices.
    """
    if not any(value is choice or value == choice for choice in choices):
        listed = ", ".join(map(str, choices))
        raise OptionError(f"{option} must be one of {listed}, not {value!r}")


def _change_of(data_type: str, change_of: str | None, before: tuple[Any, Any] | None) -> str | None:
    if data_type != "change":
        for option, given in (("change_of", change_of), ("before", before)):
            if given is not None:
                raise OptionError(f"{option} goes with data_type 'change', not {data_type!r}")
        return None
    if not (isinstance(before, list | tuple) and len(before) == 2):
        raise OptionError(
            "a change needs before, the first and last period of the earlier window, such as "
            "2023-01-01 and 2023-12-01"
        )
    one_of("change_of", change_of or "proportion", tuple(SCALE))
    return change_of or "proportion"


def _scale(data_type: str, scale: str | None, limits: str) -> str:
    if limits == "arcsine":
        one_of("with limits 'arcsine', scale", scale or "arcsine", ("arcsine",))
        return "arcsine"
    scales = ("log",) if data_type == "change" else SCALES[data_type]
    one_of("scale", scale or scales[0], scales)
    return scale or scales[0]


def check_clustering(compared: Compared) -> None:
    """Refuse limits that cannot allow for cases that go together.

    Raises
    ------
    OptionError
        If the counts carry such a variance and additive limits are asked for.
    """
    if compared.recipe.overdispersion == "additive" and (compared.clustering > 1.0).any():
        raise OptionError(
            "the counts carry the variance of cases that go together (several of one baby), which "
            "additive limits cannot allow for; use overdispersion 'multiplicative', or none"
        )


def checked_view(
    view: View,
    levels: Sequence[str],
    *,
    picture: str | None = None,
    label: str | None = None,
    size: str | None = None,
) -> View:
    """How a funnel is drawn, with what is given in place of what was.

    Raises
    ------
    OptionError
        If there is no such picture, choice of labels or size.
    """
    labels = ("outside", *(f"outside_{name}" for name in levels), "highlighted", "all", "none")
    made = replace(
        view,
        picture=picture or view.picture,
        label=label or view.label,
        size=size or view.size,
    )
    one_of("picture", made.picture, PICTURES)
    one_of("label", made.label, labels)
    one_of("size", made.size, SIZES)
    return made
