"""How a measure is shown and judged: what charts, funnels and reports know of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from spcbench.errors import PackError

LEVEL = ("provider", "system", "region", "national", "group", "site")
"""What a row of counts may add up, and where comparing may be meaningful."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A value that somebody published for a measure, to be drawn beside it when asked.

    Parameters
    ----------
    value : float
        On the natural scale (0 to 1 for a proportion).
    place, period : str
        Of whom and when, in words: ``"England"``, ``"2022/23"``.
    source, note : str
        Who published it, and what else a reader should know.
    verified : bool
        False while it still has to be checked at its source.

    Raises
    ------
    PackError
        If a setting is malformed.

    Examples
    --------
    >>> Reference(value=0.855, place="England", period="2022").label
    'England 2022'
    """

    value: float
    place: str
    period: str
    source: str = ""
    note: str = ""
    verified: bool = True

    def __post_init__(self) -> None:
        for name in ("place", "period", "source", "note"):
            if not isinstance(getattr(self, name), str):
                raise PackError(f"reference: {name} must be text, not {getattr(self, name)!r}")
        where = f"reference {self.label!r}"
        for name in ("place", "period"):
            if not getattr(self, name).strip():
                raise PackError(f"{where}: {name} must not be empty")
        number = isinstance(self.value, (int, float)) and not isinstance(self.value, bool)
        if not (number and math.isfinite(self.value) and 0 <= self.value <= 1):
            raise PackError(
                f"{where}: value must lie between 0 and 1, not {self.value!r} "
                "(85 % is written 0.85)"
            )
        if not isinstance(self.verified, bool):
            raise PackError(f"{where}: verified must be true or false, not {self.verified!r}")

    @property
    def label(self) -> str:
        """Whose value it is."""
        return f"{self.place} {self.period}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Display:
    """How a measure is shown and judged.

    Parameters
    ----------
    title : str
        The measure in plain words.
    per : int
        Display scale: 100 for per cent, 1000 for "per 1,000".
    better : str
        ``"higher"``, ``"lower"`` or ``"neither"``: the direction of good.
    target, stretch : float, optional
        On the natural scale (0 to 1 for a proportion); `stretch` is the more
        ambitious one.
    target_label, stretch_label : str
        Whose they are.
    verified : bool
        False while the definition still has to be checked at its source.
    source : str
        Where the definition comes from.
    target_verified : bool
        False while the target, or the stretch target, still has to be checked.
    references : tuple of Reference
        Values that were published.
    counts : str
        What one case is: ``"baby"``, ``"mother"``; empty if nobody said.
    strata : str
        Name of a label column: units are alike only within one of its values.
    compare_at : tuple of str
        Levels at which comparing is meaningful; any if there are none.
    caution : str
        What a reader must know wherever the measure is charted or compared.
    short : str
        The measure in two or three words, for tables with many of them.
    form : str
        What kind of composite it is: ``"all_or_none"``, ``"opportunity"``; empty for others.
    chart, chart_reason : str
        The chart that ``"auto"`` takes for it whatever its counts hold, and why.
    stock : bool
        True for the state on a day: its periods are not added up.
    supporting : bool
        True for a measure that stands beside others, such as the quality of their
        data: a page of those others neither charts it nor adds it up.
    """

    title: str
    per: int = 100
    better: Literal["higher", "lower", "neither"] = "neither"
    target: float | None = None
    target_label: str = ""
    verified: bool = True
    source: str = ""
    stretch: float | None = None
    stretch_label: str = ""
    target_verified: bool = True
    references: tuple[Reference, ...] = ()
    counts: str = ""
    strata: str = ""
    compare_at: tuple[str, ...] = ()
    caution: str = ""
    short: str = ""
    form: str = ""
    chart: str = ""
    chart_reason: str = ""
    stock: bool = False
    supporting: bool = False

    @property
    def brief(self) -> str:
        """Two or three words where the measure has them, else its title."""
        return self.short or self.title
