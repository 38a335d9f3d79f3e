"""What units are compared with: a given target, the measure's own standard, a national figure."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from spcbench.errors import InputError, OptionError
from spcbench.funnel_sums import AMOUNTS, in_window
from spcbench.intake import Taken

KINDS = ("pooled", "standard", "national")
"""Targets that are asked for by name."""


def kind_of_target(target: Any) -> str:
    """Which kind of target is asked for: one of `KINDS`, or ``"given"`` for a number.

    Raises
    ------
    OptionError
        If it is another word.
    """
    if target is None:
        return "pooled"
    if not isinstance(target, str):
        return "given"
    if target not in KINDS:
        raise OptionError(f"target must be a number, or one of {', '.join(KINDS)}, not {target!r}")
    return target


def given_number(target: Any) -> float | None:
    """The target if it is a number, else None.

    Raises
    ------
    OptionError
        As `kind_of_target`.
    """
    return target if kind_of_target(target) == "given" else None


def goals_of(
    taken: Taken, target: Any, *, data_type: str, first: Any, last: Any
) -> pd.Series[float] | None:
    """The target of each measure, or None where it is pooled from the units.

    Parameters
    ----------
    taken : Taken
        The counts, and all rows that came with them.
    target : float or str, optional
        As `funnels`.
    data_type : str
        As `funnels`.
    first, last : date, optional
        The window that a national figure is added up over.

    Raises
    ------
    OptionError, InputError
        If a target is out of its range, a measure has no standard of its own,
        or the counts have no national rows.
    """
    kind = kind_of_target(target)
    names = list(taken.display)
    if kind == "pooled":
        return None
    if not len(taken.frame):
        return pd.Series(dtype="float64")
    if kind == "given":
        if isinstance(target, bool) or not isinstance(target, Real):
            raise OptionError(f"target must be a number, not {target!r}")
        if data_type != "proportion" and not 0 < float(target) < np.inf:
            raise OptionError(f"target must be above 0 for a {data_type}, not {target:g}")
        return pd.Series(float(target), index=names)
    if data_type == "change":
        raise OptionError(
            "a change is compared with that of all units, or with a target such as 1 (no change)"
        )
    if kind == "standard":
        return _standards(taken, names)
    return _national(taken, names, data_type, first, last)


def _standards(taken: Taken, names: list[str]) -> pd.Series[float]:
    found = {name: taken.display[name].target for name in names}
    for name, value in found.items():
        if value is None:
            raise OptionError(
                f"the measure {name!r} has no target of its own; give a number, or leave target out"
            )
    return pd.Series(found, dtype="float64")


def _national(
    taken: Taken, names: list[str], data_type: str, first: Any, last: Any
) -> pd.Series[float]:
    """National events over national cases, each over the same window as the units'."""
    whole = taken.whole
    if "level" not in whole.columns or not whole["level"].eq("national").any():
        raise InputError(
            f"{taken.source} has no rows of the level 'national', so there is no national figure; "
            "give the target as a number, or roll the counts up to the nation first"
        )
    nation = whole["level"].eq("national").to_numpy(bool, na_value=False)
    keep = nation & whole["status"].eq("ok").to_numpy() & in_window(whole, first, last)
    # Only periods of the units: a nation with a year more would be another comparison.
    frame = taken.frame
    seen = frame[frame["status"].eq("ok").to_numpy() & in_window(frame, first, last)]
    periods = pd.MultiIndex.from_frame(seen[["measure", "period"]].drop_duplicates())
    keep &= pd.MultiIndex.from_frame(whole[["measure", "period"]]).isin(periods)
    rows = whole[keep]
    codes = rows["unit"].unique()
    if len(codes) > 1:
        raise InputError(
            f"{taken.source} has several units of the level 'national' ({', '.join(codes)}); "
            "keep the rows of one, or give the target as a number"
        )
    sums = rows.groupby("measure")[[name for name in AMOUNTS if name in rows]].sum(min_count=1)
    sums = sums.astype("float64").reindex(names)
    figure = sums["numerator"] / sums["expected" if data_type == "ratio" else "denominator"]
    missing = figure.index[~np.isfinite(figure.to_numpy()) | (figure.to_numpy() <= 0)]
    if data_type == "proportion":
        missing = figure.index[figure.isna().to_numpy()]
    if len(missing):
        raise InputError(
            f"{taken.source} has no national figure of {str(missing[0])!r} in the periods of the "
            "units; give the target as a number"
        )
    return figure
