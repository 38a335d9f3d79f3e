"""Checks of single settings of a measure; each message names the setting and its owner."""

from __future__ import annotations

import math
from collections.abc import Sequence

from spcbench.errors import PackError, suggest


def check_choice(where: str, key: str, value: object, choices: Sequence[str]) -> None:
    """Refuse a word that is not one of the choices."""
    if not isinstance(value, str) or value not in choices:
        raise PackError(f"{where}: {key} cannot be {value!r}; {suggest(str(value), choices)}")


def check_flag(where: str, key: str, value: object) -> None:
    """Refuse what is neither true nor false."""
    if not isinstance(value, bool):
        raise PackError(f"{where}: {key} must be true or false, not {value!r}")


def check_texts(where: str, **texts: object) -> None:
    """Refuse settings that are not text."""
    for key, value in texts.items():
        if not isinstance(value, str):
            raise PackError(f"{where}: {key} must be text, not {value!r}")


def check_text_tuple(where: str, key: str, values: object) -> None:
    """Refuse what is not a tuple of texts."""
    if not isinstance(values, tuple) or not all(isinstance(value, str) for value in values):
        raise PackError(f"{where}: {key} must be a list of texts")


def is_pair(value: object) -> bool:
    """Whether it is a tuple of two."""
    return isinstance(value, tuple) and len(value) == 2


def is_number(value: object) -> bool:
    """Whether it is a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
