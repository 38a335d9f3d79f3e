"""What was done for the invented babies.

Care of one birth goes together: on a hard night several things are missed at
once. Each mother therefore has one hidden number for how the night went, and
every outcome leans on it, so that outcomes of one baby are correlated while
each alone keeps the rate it was given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spcbench.testing.births_trusts import TRUSTS

if TYPE_CHECKING:
    from spcbench.testing.births_babies import Babies, Texts

IMPROVED_FROM = np.datetime64("2022-11-01")
CORD_BEFORE, CORD_AFTER = 0.58, 0.72
# A real trust must not look bad on invented data, so the one that differs does better.
CORD_DIFFERS, CORD_DIFFERENCE = "RJ7", 0.15
# These rise evenly between two days, and are level before and after them.
RISES_BETWEEN = (np.datetime64("2022-01-01"), np.datetime64("2024-12-31"))
MGSO4 = (0.845, 0.92)
ANTIBIOTICS = (0.49, 0.66)
NORMOTHERMIA = (0.68, 0.83)
STEROIDS_IN_TIME = (0.48, 0.56)
# By these hours of age: the share on the first day, and on the last.
MILK = ((6, 0.24, 0.36), (24, 0.62, 0.78), (48, 0.80, 0.90), (120, 0.92, 0.96))
# These stay level.
STEROIDS_ANY = 0.92
IN_LABOUR = 0.62
CAFFEINE, CAFFEINE_LATE = 0.95, 0.98  # within 24 hours; at all
VOLUME_TARGETED = 0.85
VENTILATED = ((189, 210, 238), (0.80, 0.45, 0.15, 0.03))  # below those days, and after
ONE_NIGHT = 0.45  # share of the hidden numbers' variance that a night has in common

UNKNOWN = {
    "birthweight_g": 0.01,
    "birth_place_level": 0.01,
    "steroids_given": 0.02,
    "steroids_full_course": 0.04,
    "steroids_last_dose_hours": 0.05,
    "mgso4_given": 0.02,
    "active_labour": 0.03,
    "antibiotics_given": 0.05,
    "cord_clamp_seconds": 0.04,
    "admission_age_hours": 0.01,
    "temperature_c": 0.03,
    "temperature_age_minutes": 0.02,
    "own_milk_given": 0.05,
    "first_milk_age_hours": 0.03,
    "caffeine_given": 0.03,
    "caffeine_age_hours": 0.03,
    "invasive_ventilation": 0.02,
    "volume_targeted": 0.05,
}
"""Share of cells of each column that nobody filled in; trusts have up to a third more or less."""


class Chances:
    """Random numbers that lean on how the night went.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where they come from.
    mother : array of int
        Which pregnancy each baby is of: the night is the mother's.
    """

    def __init__(self, rng: np.random.Generator, mother: np.ndarray) -> None:
        self._rng = rng
        self._mother = mother
        self._mothers = int(mother.max(initial=-1)) + 1
        self._night = rng.normal(size=self._mothers)[mother]

    def baby(self) -> np.ndarray:
        """One number a baby, evenly spread from 0 to 1; small is good."""
        return self._leaning(self._rng.normal(size=len(self._mother)))

    def of_mother(self) -> np.ndarray:
        """The same, with one number for all babies of a mother."""
        return self._leaning(self._rng.normal(size=self._mothers)[self._mother])

    def of_mother_alone(self) -> np.ndarray:
        """One number a mother that no night has a part in."""
        drawn: np.ndarray = self._rng.random(self._mothers)[self._mother]
        return drawn

    def _leaning(self, own: np.ndarray) -> np.ndarray:
        from scipy.special import ndtr

        spread: np.ndarray = ndtr(np.sqrt(ONE_NIGHT) * self._night + np.sqrt(1 - ONE_NIGHT) * own)
        return spread


def care_given(rng: np.random.Generator, babies: Babies) -> dict[str, Texts]:
    """What was done before, at and after birth, as texts by column.

    Nothing is missing yet but where there is nothing to enter.
    """
    chances = Chances(rng, babies.mother)
    return (
        _before_birth(rng, babies, chances)
        | _at_birth(rng, babies, chances)
        | _milk(babies, chances)
        | _first_day(rng, babies, chances)
    )


def left_blank(rng: np.random.Generator, babies: Babies, cells: dict[str, Texts]) -> None:
    """Take out the cells that nobody filled in; what concerns the mother, for both twins."""
    trusts = rng.uniform(2 / 3, 4 / 3, size=len(TRUSTS))[babies.trust]
    mothers = int(babies.mother.max(initial=-1)) + 1
    for column, share in UNKNOWN.items():
        luck = rng.random(len(babies))
        if column in OF_THE_MOTHER:
            luck = rng.random(mothers)[babies.mother]
        cells[column][luck < share * trusts] = None


OF_THE_MOTHER = frozenset(
    {
        *("birth_place_level", "steroids_given", "steroids_full_course"),
        *("steroids_last_dose_hours", "mgso4_given", "active_labour", "antibiotics_given"),
    }
)


def _texts(values: np.ndarray, known: np.ndarray | None = None, form: str = "{}") -> Texts:
    """Each value as it would be typed, None where there is nothing to type."""
    shown = np.array([form.format(value) for value in values.tolist()], dtype=object)
    if known is not None:
        shown[~known] = None
    return shown


def _booleans(values: np.ndarray, known: np.ndarray | None = None) -> Texts:
    return _texts(np.where(values, "true", "false"), known)


def _rising(ends: tuple[float, float], born: np.ndarray) -> np.ndarray:
    """A rate that climbs evenly from the first day of `RISES_BETWEEN` to the last."""
    first, last = RISES_BETWEEN
    part = np.clip((born - first) / (last - first), 0, 1)
    rates: np.ndarray = ends[0] + (ends[1] - ends[0]) * part
    return rates


def _before_birth(rng: np.random.Generator, babies: Babies, chances: Chances) -> dict[str, Texts]:
    """Steroids, magnesium sulphate and antibiotics: what the mother was given."""
    early = babies.ga_days < 238
    luck = chances.of_mother()
    steroids = luck < np.where(early, STEROIDS_ANY, 0.20)
    in_time = luck < np.where(early, _rising(STEROIDS_IN_TIME, babies.born), 0.08)
    too_early = steroids & ~in_time & (chances.of_mother_alone() < 0.3)
    part = chances.of_mother_alone()
    hours = np.where(in_time, 24 + 143 * part, np.where(too_early, 170 + 430 * part, 1 + 22 * part))
    labour = chances.of_mother_alone() < IN_LABOUR
    antibiotics = chances.of_mother() < np.where(labour, _rising(ANTIBIOTICS, babies.born), 0.25)
    magnesium = chances.of_mother() < np.where(
        babies.ga_days < 210, _rising(MGSO4, babies.born), 0.03
    )
    return {
        "steroids_given": _booleans(steroids),
        "steroids_full_course": _booleans(in_time | too_early),
        "steroids_last_dose_hours": _texts(np.rint(hours).astype("int64"), steroids),
        "mgso4_given": _booleans(magnesium),
        "active_labour": _booleans(labour),
        "antibiotics_given": _booleans(antibiotics),
    }


def _at_birth(rng: np.random.Generator, babies: Babies, chances: Chances) -> dict[str, Texts]:
    """The cord, admission, and the first temperature."""
    size = len(babies)
    differs = np.array([trust.code == CORD_DIFFERS for trust in TRUSTS])[babies.trust]
    deferred = (
        np.where(babies.born >= IMPROVED_FROM, CORD_AFTER, CORD_BEFORE) + CORD_DIFFERENCE * differs
    )
    seconds = np.where(
        chances.baby() < deferred,
        rng.choice([60, 75, 90, 120, 180], size=size),
        rng.integers(0, 60, size=size),
    )
    admitted = rng.random(size) < np.select(
        [babies.ga_days < 161, babies.ga_days < 238], [0.70, 0.97], 0.20
    )
    moved = admitted & (rng.random(size) < _moved(babies))
    soon = np.where(moved, rng.uniform(3, 8, size=size), rng.uniform(0.2, 3, size=size))
    hours = np.where(rng.random(size) < 0.99, soon, rng.uniform(12.5, 48, size=size))
    return {
        "cord_clamp_seconds": _texts(seconds),
        "admission_trust_code": _texts(_admitted_to(rng, babies, moved), admitted),
        "admitted": _booleans(admitted),
        "admission_age_hours": _texts(hours, admitted, "{:.1f}"),
        **_warmth(rng, babies, chances, admitted),
    }


def _moved(babies: Babies) -> np.ndarray:
    """How likely a baby is first admitted elsewhere: often, if born early far from a NICU."""
    nicu = np.array([trust.designation == "NICU" for trust in TRUSTS])[babies.trust]
    return np.where(~nicu & (babies.ga_days < 189), 0.6, 0.01)


def _admitted_to(rng: np.random.Generator, babies: Babies, moved: np.ndarray) -> np.ndarray:
    """Code of the trust of first admission: that of birth, or a NICU of its system."""
    codes = np.array([trust.code for trust in TRUSTS])
    nearest = [
        [two.code for two in TRUSTS if (two.system, two.designation) == (one.system, "NICU")]
        for one in TRUSTS
    ]
    choice = rng.random(len(babies))
    there = [
        nearest[trust][int(part * len(nearest[trust]))]
        for trust, part in zip(babies.trust.tolist(), choice.tolist(), strict=True)
    ]
    return np.where(moved, np.array(there, dtype=codes.dtype), codes[babies.trust])


def _warmth(
    rng: np.random.Generator, babies: Babies, chances: Chances, admitted: np.ndarray
) -> dict[str, Texts]:
    """The first temperature of those admitted, and how old the baby was."""
    size = len(babies)
    warm = _rising(NORMOTHERMIA, babies.born)
    # What goes wrong: too cold, too warm, measured too late.
    missed = np.where(
        chances.baby() < warm, 0, rng.choice([1, 2, 3], size=size, p=[0.55, 0.20, 0.25])
    )
    tenths = rng.integers(
        np.array([365, 350, 376, 365])[missed],
        np.array([375, 364, 384, 375])[missed],
        endpoint=True,
    )
    minutes = np.where(
        missed == 3,
        rng.integers(61, 180, size=size),
        rng.integers(10, 60, size=size, endpoint=True),
    )
    return {
        "temperature_c": _texts(tenths / 10, admitted, "{:.1f}"),
        "temperature_age_minutes": _texts(minutes, admitted),
    }


def _milk(babies: Babies, chances: Chances) -> dict[str, Texts]:
    """Whether the baby ever had the mother's own milk, and at what age first."""
    luck = chances.baby()
    age = np.full(len(babies), np.inf)
    sooner, earlier = np.zeros(len(babies)), 0.5
    for hours, *ends in MILK:
        by_then = _rising((ends[0], ends[1]), babies.born)
        between = (luck >= sooner) & (luck < by_then)
        spread = earlier + (hours - earlier) * (luck - sooner) / (by_then - sooner)
        age[between] = spread[between]
        sooner, earlier = by_then, hours
    given = np.isfinite(age)
    # Upwards: 6.04 hours must not turn into 6.0.
    age = np.ceil(np.where(given, age, 0) * 10) / 10
    return {
        "own_milk_given": _booleans(given),
        "first_milk_age_hours": _texts(age, given, "{:.1f}"),
    }


def _first_day(rng: np.random.Generator, babies: Babies, chances: Chances) -> dict[str, Texts]:
    """Caffeine and ventilation."""
    size, early = len(babies), babies.ga_days < 210
    luck = chances.baby()
    caffeine = luck < np.where(early, CAFFEINE_LATE, 0.10)
    within = luck < np.where(early, CAFFEINE, 0.10)
    hours = np.where(within, 23.9 * rng.random(size) ** 2, rng.uniform(24.1, 96, size=size))
    days, shares = VENTILATED
    ventilated = rng.random(size) < np.array(shares)[np.searchsorted(days, babies.ga_days, "right")]
    return {
        "caffeine_given": _booleans(caffeine),
        "caffeine_age_hours": _texts(hours, caffeine, "{:.1f}"),
        "invasive_ventilation": _booleans(ventilated),
        "volume_targeted": _booleans(chances.baby() < VOLUME_TARGETED, ventilated),
    }
