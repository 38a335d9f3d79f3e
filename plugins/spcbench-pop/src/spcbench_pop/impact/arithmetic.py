"""What care is estimated to have prevented: the arithmetic, with numpy only.

Everything comes down to one product: people who received the care, times how
many cases one of them spares on average (one over the number needed to treat).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from spcbench.errors import OptionError
from spcbench_pop.impact.ranges import check_nnt, check_people

Rounding = Literal["none", "floor", "nearest"]
Counted = Literal["women", "babies"]

ROUNDINGS: tuple[Rounding, ...] = ("none", "floor", "nearest")
COUNTED: tuple[Counted, ...] = ("women", "babies")
ROUNDING_WORDS = {"none": "not rounded", "floor": "rounded down", "nearest": "rounded to nearest"}

MGSO4_BELOW_WEEKS = 30
"""Magnesium sulphate showed no clear effect from 30 weeks on (MAGENTA 2023)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prevented:
    """Cases prevented, with the settings that made the figure.

    Parameters
    ----------
    cases : float
        Rounded as `rounding` says.
    treated : float
        People who received the care.
    nnt : float
        The number needed to treat.
    rounding : str
        One of `ROUNDINGS`.
    unit : str
        Who was counted, one of `COUNTED`.
    """

    cases: float
    treated: float
    nnt: float
    rounding: Rounding
    unit: Counted

    @property
    def words(self) -> str:
        """The figure with its sum, to be printed."""
        shown = f"{self.cases:,.1f}" if self.rounding == "none" else f"{self.cases:,.0f}"
        how = ROUNDING_WORDS[self.rounding]
        return f"{shown} ({self.treated:,.0f} {self.unit} / {self.nnt:g}, {how})"


def rounded(value: float, rounding: Rounding = "none") -> float:
    """A figure as a body that publishes it would round it.

    Parameters
    ----------
    value : float
        NaN stays NaN.
    rounding : str
        ``"none"``; ``"floor"``, never up, also below zero; ``"nearest"``, halves
        away from zero.

    Returns
    -------
    float

    Raises
    ------
    OptionError
        If `rounding` is another word.

    Examples
    --------
    >>> [rounded(80.97, how) for how in ("none", "floor", "nearest")]
    [80.97, 80.0, 81.0]
    """
    check_word("rounding", rounding, ROUNDINGS)
    if rounding == "none" or not math.isfinite(value):
        return float(value)
    # Without this a product such as 2257 * (1 / 37) may lie a hair below 61.
    exact = round(value, 9)
    if rounding == "floor":
        return float(math.floor(exact))
    return float(math.copysign(math.floor(abs(exact) + 0.5), exact)) + 0.0


def cases_prevented(
    treated: float,
    *,
    nnt: float = 37.0,
    rounding: Rounding = "none",
    unit: Counted = "women",
    below_weeks: float = MGSO4_BELOW_WEEKS,
) -> Prevented:
    """Cases of cerebral palsy that magnesium sulphate is estimated to have prevented, gross.

    Everyone treated is set against nobody treated; see `extra_treated` for
    what changed.

    Parameters
    ----------
    treated : float
        People who received it before a birth below `below_weeks`.
    nnt : float
        Number needed to treat; 37 is the figure of the English programme.
    rounding : str
        One of `ROUNDINGS`: some bodies round down, some to the nearest.
    unit : str
        ``"women"``, or ``"babies"`` as some bodies count: a label that goes
        with the figure, which it does not change.
    below_weeks : float
        Weeks of gestation that all the births were below.

    Returns
    -------
    Prevented
        The figure with its settings.

    Raises
    ------
    OptionError
        If births of 30 weeks or more are among them, or a number is out of range.

    References
    ----------
    .. [1] NHS England, PReCePT: "for every 37 women treated, one fewer case".

    Examples
    --------
    >>> cases_prevented(14_270, rounding="floor").words
    '385 (14,270 women / 37, rounded down)'
    """
    check_word("unit", unit, COUNTED)
    if not below_weeks <= MGSO4_BELOW_WEEKS:
        raise OptionError(
            "the number needed to treat for magnesium sulphate holds for births below "
            f"{MGSO4_BELOW_WEEKS} weeks; it was asked for births below {below_weeks:g} weeks. "
            "Count only women who gave birth below 30 weeks"
        )
    check_people(treated=treated)
    check_nnt(nnt)
    return Prevented(
        cases=rounded(treated / nnt, rounding),
        treated=treated,
        nnt=nnt,
        rounding=rounding,
        unit=unit,
    )


def needed_to_treat(baseline_risk: float, relative_risk: float) -> float:
    """Number needed to treat, from the risk without the care and the relative risk with it.

    Parameters
    ----------
    baseline_risk : float
        Risk of the outcome without the care, above 0 and at most 1.
    relative_risk : float
        Risk with the care over risk without it, above 0; from 1 on nothing is
        prevented.

    Returns
    -------
    float
        Infinite where nothing is prevented.

    Raises
    ------
    OptionError
        If a number is out of range.

    Examples
    --------
    >>> round(needed_to_treat(157 / 2326, 0.68), 1)
    46.3
    """
    if not 0.0 < baseline_risk <= 1.0:
        raise OptionError(f"a baseline risk lies above 0 and at most at 1, not {baseline_risk:g}")
    if not relative_risk > 0.0:
        raise OptionError(f"a relative risk is above 0, not {relative_risk:g}")
    spared = baseline_risk * (1.0 - relative_risk)
    return 1.0 / spared if spared > 0.0 else math.inf


def relative_risk_of(odds_ratio: float, baseline_risk: float) -> float:
    """The relative risk that an odds ratio means at a baseline risk.

    Parameters
    ----------
    odds_ratio : float
        Odds with the care over odds without it.
    baseline_risk : float
        Risk without the care, 0 to 1.

    Returns
    -------
    float

    Examples
    --------
    >>> round(relative_risk_of(0.68, 0.10), 3)
    0.702
    """
    return odds_ratio / (1.0 - baseline_risk + baseline_risk * odds_ratio)


def capped_cases(
    baseline_cases: float,
    reductions: Sequence[float],
    uptakes: Sequence[float],
    *,
    before: Sequence[float] | None = None,
) -> float:
    """Cases prevented by several kinds of care together, never more than there would be.

    The effects found in trials overlap in the same babies, so adding them up
    says too much. Here each spares its share of what the others left:
    ``cases * (1 - product(1 - reduction * uptake))``.

    Parameters
    ----------
    baseline_cases : float
        Cases, such as deaths, to be expected if nobody had any of this care.
    reductions : sequence of float, shape (kinds,)
        One minus the relative risk of each, 0 to 1.
    uptakes : sequence of float, shape (kinds,)
        Share that received each, 0 to 1.
    before : sequence of float, shape (kinds,), optional
        Counterfactual shares; without them everyone is set against nobody.

    Returns
    -------
    float
        Below zero where the uptakes fell.

    Raises
    ------
    OptionError
        If a number is out of range or the sequences differ in length.

    Examples
    --------
    >>> round(capped_cases(100, [0.32, 0.31], [0.7, 0.9]), 1)
    44.1
    """
    earlier = [0.0] * len(reductions) if before is None else list(before)
    if not len(reductions) == len(uptakes) == len(earlier) > 0:
        raise OptionError(
            "each kind of care needs a reduction of risk and an uptake: there are "
            f"{len(reductions)} reductions, {len(uptakes)} uptakes and {len(earlier)} before"
        )
    for one in (*reductions, *uptakes, *earlier):
        if not 0.0 <= one <= 1.0:
            raise OptionError(f"reductions and uptakes lie between 0 and 1, not {one:g}")
    check_people(baseline_cases=baseline_cases)
    cut = np.asarray(reductions, dtype=np.float64)
    left, left_before = (np.prod(1.0 - cut * np.asarray(share)) for share in (uptakes, earlier))
    return float(baseline_cases * (left_before - left))


def implied_treated(cases: float, *, nnt: float = 37.0, rounding: Rounding) -> tuple[int, int]:
    """Fewest and most people treated that give a published whole number of cases.

    Parameters
    ----------
    cases : float
        As published, a whole number.
    nnt : float
        Number needed to treat.
    rounding : str
        ``"floor"`` or ``"nearest"``.

    Returns
    -------
    tuple of int
        The fewest and the most.

    Examples
    --------
    >>> implied_treated(61, rounding="floor"), implied_treated(61, rounding="nearest")
    ((2257, 2293), (2239, 2275))
    """
    check_word("rounding", rounding, ("floor", "nearest"))
    check_nnt(nnt)
    half = 0.0 if rounding == "floor" else 0.5
    fewest, next_one = (math.ceil((cases + step - half) * nnt) for step in (0, 1))
    return fewest, next_one - 1


def check_word(option: str, given: str, words: Sequence[str]) -> None:
    """Refuse a word that is not one of some.

    Raises
    ------
    OptionError
        Naming the option and the words.
    """
    if given not in words:
        raise OptionError(f"{option} must be one of {', '.join(words)}, not {given!r}")
