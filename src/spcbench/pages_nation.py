"""Figures of the nation that are set beside those of units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spcbench.chart_series import gaps
from spcbench.counts_cells import Place
from spcbench.counts_check import checked
from spcbench.errors import InputError, UnknownNameError
from spcbench.hierarchy_base import taken_counts
from spcbench.intake import matching, take

if TYPE_CHECKING:
    from spcbench.plugin.host import PluginHost

NATION = "national"


def is_path(given: Any) -> bool:
    """Whether something names a file."""
    return isinstance(given, str) or hasattr(given, "__fspath__")


def with_nation(whole: pd.DataFrame, national: Any, host: PluginHost) -> pd.DataFrame:
    """Counts with the rows of the nation that were given, in place of any that were added up.

    Parameters
    ----------
    whole : pandas.DataFrame
        Checked counts with levels.
    national : path, Table or table
        Figures of the nation.
    host : PluginHost
        Where readers are found.

    Raises
    ------
    InputError
        If the figures are of several units.
    """
    from spcbench.reading import read

    given = read(national, host=host) if is_path(national) else national
    frame, place, _ = taken_counts(given)
    if "level" in frame.columns and frame["level"].eq(NATION).any():
        frame = frame[frame["level"].eq(NATION).to_numpy(dtype=np.bool_)]
    if (units := len(frame["unit"].unique())) != 1:
        raise InputError(
            f"{place.whole} holds {units} units; figures of the nation are "
            "those of one, or have 'national' in the column level"
        )
    known = list(whole["measure"].unique())
    rows = frame[["measure", "unit", "period", "numerator", "denominator", "status"]].assign(
        level=NATION,
        unit_name=frame["unit_name"] if "unit_name" in frame.columns else "National",
    )
    rows["measure"] = [_matched(one, known) for one in rows["measure"]]
    kept = whole[~whole["level"].eq(NATION).to_numpy(dtype=np.bool_)]
    both = pd.concat(
        [kept.astype({"level": "string"}), rows.dropna(subset=["measure"])], ignore_index=True
    )
    return checked(both, place=Place("the counts with those of the nation")).frame


def check_lengths(known: Any, lengths: Mapping[str, str], host: PluginHost) -> None:
    """Refuse figures of the nation whose periods are not as long as those of the units.

    A total of a year is dated like its first month: beside months it would pass for one.

    Parameters
    ----------
    known : Counted, Table or pandas.DataFrame
        Counts with the rows of the nation.
    lengths : mapping of str to str
        How long the periods of the units are, by measure.
    host : PluginHost
        Where packs are found.

    Raises
    ------
    InputError
        If they differ, or the nation has a single period, whose length nobody can tell.
    """
    nation = take(known, host=host, level=NATION)
    for name, word in gaps(nation.frame, nation.series)[1].items():
        frequency = lengths.get(name, word)
        if frequency in (word, "unknown"):
            continue
        own = "a single period, whose length nobody can tell"
        if word not in ("unknown", "irregular"):
            own = f"periods of a {word}" if word[:1].isalpha() else f"periods of {word}"
        elif word == "irregular":
            own = "periods of differing lengths"
        raise InputError(
            f"the figures of the nation for {name!r} have {own}, and those of the units periods "
            f"of a {frequency}; they can stand side by side only if both are counted alike"
        )


def _matched(name: str, known: Sequence[str]) -> str | None:
    """The measure of the counts that a national row is about; None for any other."""
    try:
        return str(matching(str(name), known))
    except UnknownNameError:
        return None
