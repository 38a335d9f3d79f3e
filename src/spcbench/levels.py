"""The levels of a funnel's limits: their names, words and columns.

A level is named for what it is: the digits of its two-sided probability
(``95``, ``998``, ``9973``) or its number of standard deviations (``2sd``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from spcbench.errors import OptionError

PRESETS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "95-998": ((0.95, 0.998), ()),
    "2sd-3sd": ((), (2.0, 3.0)),
}
"""Probabilities and standard deviations by name; the second is what national
neonatal and diabetes audits call alert and alarm."""

MOST_LEVELS = 4
"""More pairs of lines than this cannot be told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One pair of limits.

    Parameters
    ----------
    name : str
        What stands behind ``lower_`` and ``upper_`` in columns.
    alpha : float
        One-sided tail probability.
    """

    name: str
    alpha: float


def chosen_levels(
    preset: str | None = None,
    probabilities: Sequence[float] | None = None,
    sigmas: Sequence[float] | None = None,
) -> tuple[Level, ...]:
    """The levels asked for, the innermost first.

    Parameters
    ----------
    preset : str, optional
        One of `PRESETS`, in place of the others.
    probabilities : sequence of float, optional
        Two-sided, at least 0.5 and below 1; 0.95 and 0.998 if nothing is given.
    sigmas : sequence of float, optional
        Numbers of standard deviations, above 0.

    Returns
    -------
    tuple of Level

    Raises
    ------
    OptionError
        If one is out of its range or given twice, there are none or more than
        four, or a preset stands beside the others.

    Examples
    --------
    >>> [level.name for level in chosen_levels(sigmas=[3, 2])]
    ['2sd', '3sd']
    >>> [level.name for level in chosen_levels(probabilities=[0.9, 0.9973])]
    ['90', '9973']
    """
    if preset is not None:
        if not isinstance(preset, str) or preset not in PRESETS:
            raise OptionError(f"preset must be one of {', '.join(PRESETS)}, not {preset!r}")
        if probabilities is not None or sigmas is not None:
            raise OptionError(
                "preset already says which limits; leave probabilities and sigmas out"
            )
        probabilities, sigmas = PRESETS[preset]
    elif probabilities is None and sigmas is None:
        probabilities = PRESETS["95-998"][0]
    made = [_by_probability(one) for one in _listed(probabilities, "probabilities")]
    made += [_by_sigma(one) for one in _listed(sigmas, "sigmas")]
    made.sort(key=lambda level: -level.alpha)
    if not 1 <= len(made) <= MOST_LEVELS:
        raise OptionError(f"a funnel has 1 to {MOST_LEVELS} pairs of limits, not {len(made)}")
    if len({level.name for level in made}) < len(made):
        raise OptionError("the same limits are asked for twice in probabilities or sigmas")
    return tuple(made)


def _listed(values: Sequence[float] | None, option: str) -> list[float]:
    if values is None:
        return []
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise OptionError(f"{option} must be a list of numbers, not {values!r}")
    made = []
    for one in values:
        try:
            made.append(float(one))
        except (TypeError, ValueError) as error:
            raise OptionError(f"{option} must be numbers, not {one!r}") from error
    return made


def _by_probability(value: float) -> Level:
    if not 0.5 <= value < 1.0:
        raise OptionError(
            f"probabilities lie between 0.5 and 1, not {value:g}; write 99.8 % as 0.998"
        )
    digits = f"{value * 100:.10g}".replace(".", "")
    if digits == "100":
        raise OptionError(f"probability {value!r} is too near to 1 to be named")
    # Rounded, or 95 % would not be 0.025 on a side to the last digit.
    return Level(name=digits, alpha=round((1.0 - value) / 2.0, 15))


def _by_sigma(value: float) -> Level:
    if not 0.0 < value <= 8.0:
        raise OptionError(f"sigmas lie above 0 and up to 8, not {value:g}")
    return Level(name=f"{value:g}sd", alpha=0.5 * math.erfc(value / math.sqrt(2.0)))


def level_names(columns: Iterable[str]) -> tuple[str, ...]:
    """Names of the levels that a table of units or a curve has, the innermost first.

    Examples
    --------
    >>> level_names(["unit", "lower_95", "upper_95", "lower_998", "upper_998", "lower_fdr"])
    ('95', '998')
    """
    return tuple(
        name.removeprefix("lower_")
        for name in columns
        if name.startswith("lower_") and name[6:7].isdigit()
    )


def level_words(name: str) -> str:
    """How a level is said.

    Examples
    --------
    >>> level_words("95"), level_words("998"), level_words("9973"), level_words("2sd")
    ('95%', '99.8%', '99.73%', '2 SD')
    """
    if name.endswith("sd"):
        return f"{name.removesuffix('sd')} SD"
    return f"{name[:2]}{'.' if name[2:] else ''}{name[2:]}%"
