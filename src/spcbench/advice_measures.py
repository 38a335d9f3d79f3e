"""Advice that a measure itself asks for: with whom its units may be compared, and where."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spcbench.advice_facts import number
from spcbench.tables import Display

if TYPE_CHECKING:
    from spcbench.advice_facts import Facts, Rows

NEARLY_ALL = 0.99
"""Centre line from which a measure whose units are of several kinds may be so by
construction (a proposal)."""

LEVEL_WORDS = {
    "provider": "trusts",
    "site": "sites",
    "system": "systems",
    "region": "regions",
    "national": "nations",
    "group": "groups",
}

Told = tuple[str, str, dict[str, Any]]
"""Code, message, evidence."""


def of_measures(facts: Facts) -> Rows:
    """What holds for a measure as a whole; once a measure."""
    names = list(facts.drawn.names("measure"))
    level = level_of(facts.drawn.taken.frame)
    for name, shown in facts.drawn.taken.display.items():
        for told in of_measure(shown, level):
            yield (names.index(name), *told)


def of_measure(shown: Display, level: str | None) -> Iterator[Told]:
    """What a reader must know wherever this measure is charted or compared.

    Parameters
    ----------
    shown : Display
        The measure.
    level : str, optional
        What its rows are: ``"provider"``, ``"system"`` and so on; None where
        nobody says.

    Examples
    --------
    >>> shown = Display(title="Place", compare_at=("system", "region"))
    >>> [code for code, _, _ in of_measure(shown, "provider")], list(of_measure(shown, "region"))
    (['prefer_level'], [])
    """
    if shown.caution:
        yield "caution", " ".join(shown.caution.split()), {"caution": True}
    if shown.compare_at and level not in shown.compare_at:
        wanted = " or ".join(LEVEL_WORDS.get(one, one) for one in shown.compare_at)
        rows = f"These rows are of {LEVEL_WORDS.get(level, level)}" if level else "Of these rows"
        rows += "." if level else " nobody says at which level they are."
        yield (
            "prefer_level",
            f"This measure is best compared between {wanted}. {rows} `spcbench roll-up` adds "
            "counts up, and level= (--level) chooses which to take.",
            {"level": level, "compare_at": list(shown.compare_at)},
        )


def by_construction(facts: Facts) -> Rows:
    """A centre line near 100 %, of a measure that units of one kind reach whatever they do."""
    display = facts.drawn.taken.display
    mixed = {name for name, shown in display.items() if shown.strata}
    if not mixed:
        return
    names = facts.drawn.names("measure")
    centre = facts.drawn.charted.limits.centre[facts.at]
    concerned = np.isin(np.asarray(names, dtype=object), list(mixed))
    with np.errstate(invalid="ignore"):
        found = concerned & facts.percent & facts.limited & (centre >= NEARLY_ALL)
    for which in np.flatnonzero(found):
        column = display[str(names[which])].strata
        yield (
            int(which),
            "by_construction",
            f"The centre line is at {NEARLY_ALL:.0%} or above. By what this measure counts, units "
            f"of one kind ({column.replace('_', ' ')}) come out there whatever they do: it is no "
            "sign of better care, and leaves nothing to improve.",
            {"centre": number(float(centre[which])), "threshold": NEARLY_ALL, "strata": column},
        )


def mixed_strata(shown: Display, frame: pd.DataFrame, by: str | None) -> Iterator[Told]:
    """Units that are compared though they are not alike.

    Parameters
    ----------
    shown : Display
        The measure.
    frame : pandas.DataFrame
        Its rows.
    by : str, optional
        Column of labels that tells the funnels apart.
    """
    if not shown.strata or by == shown.strata or frame["unit"].nunique() < 2:
        return
    known = shown.strata in frame.columns
    if known and len(frame[shown.strata].drop_duplicates()) == 1:
        return
    sums = frame.groupby("unit")[["numerator", "denominator"]].sum()
    share = sums["numerator"] / sums["denominator"].where(sums["denominator"] > 0)
    near = [str(unit) for unit in sums.index[(share >= NEARLY_ALL).fillna(False)]]
    word = shown.strata.replace("_", " ")
    how = (
        f"by={shown.strata!r} (--by {shown.strata}) draws a funnel for each"
        if known
        else f"give the counts a column {shown.strata!r} and choose by={shown.strata!r} "
        f"(--by {shown.strata})"
    )
    yield (
        "by_construction",
        f"These units are alike only within one {word}, and stand together here: some come out "
        f"near 100 % by what the measure counts, and pull the average up. To compare like with "
        f"like, {how}.",
        {"strata": shown.strata, "column_present": known, "units_at_99": near},
    )


def level_of(frame: pd.DataFrame) -> str | None:
    """The one level that rows of counts are at; None where nobody says.

    Examples
    --------
    >>> level_of(pd.DataFrame({"level": ["provider", "provider"]}))
    'provider'
    """
    if "level" not in frame.columns:
        return None
    levels = frame["level"].dropna().unique()
    return str(levels[0]) if len(levels) == 1 else None
