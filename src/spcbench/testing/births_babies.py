"""Who was born where, when and at what gestation, among the invented births."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from spcbench.testing.births_trusts import TRUSTS

Texts = np.ndarray[Any, np.dtype[np.object_]]

# Gestation at birth in days: first and last day of each band of `Trust` from
# 28 weeks on, then 34+0 to 36+6, whose babies are eligible for nothing.
BANDS = np.array([[196, 223], [224, 237], [238, 258]])
LATER_BABIES = 0.5  # born at 34+0 to 36+6, for each one born earlier
TWIN_PREGNANCIES = 0.15
# Of the babies below 28 weeks, the shares born at 22, 23, … 27 weeks. Mothers
# who are likely to give birth so early are moved to a NICU beforehand.
EARLIEST = {
    "NICU": (0.07, 0.14, 0.17, 0.20, 0.22, 0.20),
    "LNU": (0.02, 0.03, 0.04, 0.06, 0.08, 0.77),
}
MOVED_BELOW = 196  # 28+0
OUTSIDE_A_UNIT = 0.007  # born at home or on the way
# Of the births at a trust with several maternity units, those at the main one.
AT_MAIN_UNIT, EARLY_AT_MAIN_UNIT = 0.70, 0.99


@dataclass(frozen=True, slots=True)
class Babies:
    """Arrays of one length, one entry a baby; `mother` numbers the pregnancies."""

    mother: np.ndarray
    trust: np.ndarray
    born: np.ndarray
    ga_days: np.ndarray
    births: np.ndarray
    birth_order: np.ndarray

    def __len__(self) -> int:
        return len(self.mother)


def babies_born(rng: np.random.Generator, first: date, months: int) -> Babies:
    """Draw the pregnancies of each trust and month, and the babies born of them."""
    bands = np.array([[t.to_27, t.from_28_to_31, t.from_32_to_33] for t in TRUSTS])
    yearly = np.column_stack([bands, LATER_BABIES * bands.sum(axis=1)])
    rate = yearly / 12 / (1 + TWIN_PREGNANCIES)
    pregnancies = rng.poisson(rate, size=(months, *rate.shape))
    month, trust, band = (
        np.repeat(place, pregnancies.ravel())
        for place in (grid.ravel() for grid in np.indices(pregnancies.shape))
    )
    size = len(month)
    births = np.where(rng.random(size) < TWIN_PREGNANCIES, 2, 1)
    ga_days = _gestations(rng, trust, band)
    born = _days(rng, first, months, month)
    order = np.argsort(born, kind="stable")
    mother = np.repeat(np.arange(size), births[order])
    pregnancy = order[mother]
    second = np.r_[False, mother[1:] == mother[:-1]]
    return Babies(
        mother=mother,
        trust=trust[pregnancy],
        born=born[pregnancy],
        ga_days=ga_days[pregnancy],
        births=births[pregnancy],
        birth_order=np.where(second, 2, 1),
    )


def _gestations(rng: np.random.Generator, trust: np.ndarray, band: np.ndarray) -> np.ndarray:
    """Days of gestation within each one's band."""
    shares = np.array([EARLIEST[one.designation] for one in TRUSTS]).cumsum(axis=1)
    weeks = (rng.random(len(band))[:, None] >= shares[trust][:, :-1]).sum(axis=1)
    earliest = 154 + 7 * weeks + rng.integers(0, 7, size=len(band))
    lowest, highest = BANDS[np.maximum(band - 1, 0)].T
    later = rng.integers(lowest, highest, endpoint=True)
    days: np.ndarray = np.where(band == 0, earliest, later)
    return days


def _days(rng: np.random.Generator, first: date, months: int, month: np.ndarray) -> np.ndarray:
    """A day of birth within each one's month."""
    starts = (np.datetime64(first, "M") + np.arange(months + 1)).astype("datetime64[D]")
    lengths = np.diff(starts).astype("int64")
    days: np.ndarray = starts[month] + rng.integers(0, lengths[month])
    return days


def places_of_birth(rng: np.random.Generator, babies: Babies) -> Texts:
    """Level of neonatal care where each baby was born; the same for twins."""
    main = np.array([trust.designation for trust in TRUSTS], dtype=object)
    other = np.array([trust.other or trust.designation for trust in TRUSTS], dtype=object)
    luck = rng.random((2, int(babies.mother.max(initial=-1)) + 1))[:, babies.mother]
    at_main = luck[0] < np.where(babies.ga_days < MOVED_BELOW, EARLY_AT_MAIN_UNIT, AT_MAIN_UNIT)
    level: Texts = np.where(at_main, main[babies.trust], other[babies.trust])
    level[luck[1] < OUTSIDE_A_UNIT] = "other"
    return level


def weights(rng: np.random.Generator, babies: Babies) -> np.ndarray:
    """Birthweights in grams: the middle for the gestation, a seventh up or down."""
    middle = np.interp(babies.ga_days, [154, 168, 182, 196, 210, 224, 238, 258], MIDDLE_WEIGHTS)
    twins = np.where(babies.births > 1, 0.95, 1.0)
    grams = middle * twins * np.exp(rng.normal(0, 0.14, size=len(babies)))
    rounded: np.ndarray = (np.rint(grams / 5) * 5).astype("int64")
    return rounded


# At 22, 24, … 34 and 36+6 weeks, in grams; rounded, and invented like the rest.
MIDDLE_WEIGHTS = (480, 660, 890, 1170, 1450, 1800, 2200, 2800)
