"""Worked examples in a pack: one invented record, and what a measure must make of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from spcbench.errors import PackError, suggest

OUTCOMES = ("met", "not_met", "unknown", "outside", "set_aside")
"""What a measure can make of one record."""

SHARE = re.compile(r"(0|[1-9]\d*) of ([1-9]\d*)(?: and ([1-9]\d*) unknown)?")
"""What a share of opportunities makes of it: received, due, and not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One invented record, and what a measure must make of it.

    Parameters
    ----------
    title : str
        What the example shows: ``"29+6, the last day"``.
    record : mapping of str to value
        The pack's columns; one left out is missing.
    expected : str
        ``"met"``; ``"not_met"``; ``"unknown"``: whether it counts, or whether it
        was met; ``"outside"``: not eligible; ``"set_aside"``. Of a share of
        opportunities ``"2 of 3"``, or ``"2 of 3 and 1 unknown"``, instead of the
        first two.

    Raises
    ------
    PackError
        If a setting is malformed.

    Examples
    --------
    >>> Example(title="29+6", record={"ga_days": 209, "given": True}, expected="met").expected
    'met'
    """

    title: str
    record: Mapping[str, Any] = field(hash=False)
    expected: str

    def __post_init__(self) -> None:
        where = f"example {self.title!r}"
        if not isinstance(self.title, str) or not self.title.strip():
            raise PackError(f"{where}: title must be text that says what it shows")
        if not isinstance(self.record, Mapping):
            raise PackError(f"{where}: record must be a table of columns, not {self.record!r}")
        for name, value in self.record.items():
            if not isinstance(value, (str, int, float, date, type(None))):
                raise PackError(f"{where}: {name} must be one value, not {value!r}")
        expected = self.expected if isinstance(self.expected, str) else ""
        if expected not in OUTCOMES and not SHARE.fullmatch(expected):
            raise PackError(
                f"{where}: expected cannot be {self.expected!r}; {suggest(expected, OUTCOMES)}, "
                'or "2 of 3" for a share of opportunities'
            )

    @property
    def is_share(self) -> bool:
        """Whether it tells of several opportunities."""
        return self.expected not in OUTCOMES
