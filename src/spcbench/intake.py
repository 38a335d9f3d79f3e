"""Taking counts in: from whatever holds them to checked counts with their measures.

Both verbs, `control_charts` and `funnels`, begin here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from spcbench.counts_cells import Place
from spcbench.counts_check import checked
from spcbench.errors import AmbiguousNameError, InputError, OptionError, UnknownNameError
from spcbench.measures.counting import Counted
from spcbench.measures.measure import display_of
from spcbench.numeric.segments import Segments
from spcbench.tables import Display, Table

if TYPE_CHECKING:
    from spcbench.measures.measure import Composite, Measure
    from spcbench.plugin.host import PluginHost

UNKNOWN_SHARE = 0.1
"""Share of cases with an unknown outcome from which it is said (a proposal)."""

BETTER = ("higher", "lower", "neither")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Checked counts and what is known about them.

    Parameters
    ----------
    frame : pandas.DataFrame
        Counts in the contract's order and types.
    series : Segments
        One segment per measure and unit.
    display : mapping of str to Display
        For every measure in the frame.
    unit_names : mapping of str to str
        Names of the units that have one.
    source : str
        Where the counts came from.
    """

    frame: pd.DataFrame
    series: Segments
    display: Mapping[str, Display]
    unit_names: Mapping[str, str]
    source: str


def take(
    counts: Any,
    *,
    host: PluginHost,
    measure: str | None = None,
    unit: str | None = None,
    level: str | None = None,
    better: str | None = None,
    target: float | None = None,
    date_format: str | None = None,
    suppressed: Sequence[str] = (),
) -> Taken:
    """Counts from `count`, `read`, or a pandas, polars or Arrow table.

    Parameters
    ----------
    counts : Counted, Table or a table
        What to take in.
    host : PluginHost
        Where measures are looked up.
    measure, unit, level : str, optional
        Keep only these rows.
    better : str, optional
        ``"higher"``, ``"lower"`` or ``"neither"``, over what the measure says.
    target : float, optional
        On the natural scale, over what the measure says.
    date_format, suppressed
        As `check_counts`.

    Raises
    ------
    InputError
        If the counts break the contract, or mix levels and none is chosen.
    OptionError
        If an option is out of its range, or names nothing in the counts.
    """
    _check_options(better, target)
    table, place, default_level, known = _opened(counts)
    found = checked(
        table, place=place, date_format=date_format, suppressed=suppressed, proportion=True
    )
    frame = found.frame
    keep = _at_level(frame, level, default_level, place)
    if measure is not None:
        name = matching(measure, frame["measure"].unique())
        keep = keep & frame["measure"].eq(name).to_numpy(dtype=np.bool_)
    if unit is not None:
        units = frame["unit"][keep]
        if not units.eq(unit).any():
            raise UnknownNameError("unit", unit, units.unique())
        keep = keep & frame["unit"].eq(unit).to_numpy(dtype=np.bool_)
    taken = Taken(
        frame=frame,
        series=found.series,
        display={},
        unit_names=_unit_names(frame),
        source=place.source or _described(counts),
    )
    taken = keep_rows(taken, keep)
    names = [str(name) for name in taken.frame["measure"].unique()]
    display = {name: _shown(name, known, host, better, target) for name in names}
    return replace(taken, display=display)


def _check_options(better: str | None, target: float | None) -> None:
    if better is not None and better not in BETTER:
        raise OptionError(f"better must be one of {', '.join(BETTER)}, not {better!r}")
    if target is not None and not 0.0 <= target <= 1.0:
        raise OptionError(
            f"target {target:g} is not a proportion between 0 and 1; write 85 % as 0.85"
        )


def _opened(counts: Any) -> tuple[Any, Place, str | None, Mapping[str, Display]]:
    if isinstance(counts, Counted):
        return counts.counts, Place(None), None, counts.display
    if isinstance(counts, Table):
        if counts.kind == "records":
            raise InputError(
                f"{counts.source} holds records, not counts; count them first "
                "(count() in Python, --packs on the command line)"
            )
        place = Place(counts.source, counts.text, counts.lines)
        return counts.data, place, counts.default_level, {}
    return counts, Place(None), None, {}


def _described(counts: Any) -> str:
    if isinstance(counts, Counted):
        return str(counts.provenance.get("source", "counted records"))
    return "a table in memory"


def _at_level(
    frame: pd.DataFrame, level: str | None, default: str | None, place: Place
) -> np.ndarray:
    if "level" not in frame.columns:
        if level is not None:
            raise InputError(f"{place.whole} has no column 'level', so level={level!r} fits no row")
        return np.ones(len(frame), dtype=np.bool_)
    present = [str(name) for name in frame["level"].dropna().unique()]
    chosen = level or (default if default in present else None)
    if chosen is None:
        if frame["level"].isna().any() and present:
            present.append("(none stated)")
        if len(present) > 1:
            raise InputError(
                f"{place.whole} mixes the levels {', '.join(sorted(present))}, which would count "
                "people twice; choose one with level= (--level)"
            )
        return np.ones(len(frame), dtype=np.bool_)
    if chosen not in present:
        raise UnknownNameError("level", chosen, present)
    return np.asarray(frame["level"].eq(chosen), dtype=np.bool_)


def matching(name: str, names: Sequence[str]) -> str:
    """Full name of the one measure that a full, partly or bare name means.

    Parameters
    ----------
    name : str
        ``pop@2023:mgso4``, ``pop:mgso4`` or ``mgso4``.
    names : sequence of str
        The measures in a table.

    Raises
    ------
    UnknownNameError, AmbiguousNameError
        If none fits, or several do.

    Examples
    --------
    >>> matching("pop:mgso4", ["pop@2023:mgso4", "pop@2023:ocm"])
    'pop@2023:mgso4'
    """
    if name in names:
        return name
    pack, _, bare = name.rpartition(":")
    fitting = []
    for one in names:
        owner, _, own = one.rpartition(":")
        if own == bare and pack in ("", owner, owner.partition("@")[0]):
            fitting.append(one)
    if not fitting:
        raise UnknownNameError("measure", name, names)
    if len(fitting) > 1:
        raise AmbiguousNameError(
            f"measure {name!r} could be {' or '.join(sorted(fitting))}; write the full name"
        )
    return fitting[0]


def keep_rows(taken: Taken, keep: np.ndarray) -> Taken:
    """Only some rows of the counts, the series marked anew.

    Parameters
    ----------
    taken : Taken
        The counts.
    keep : array of bool, shape (rows,)
        Which rows stay.
    """
    if keep.all():
        return taken
    number = np.cumsum(taken.series.breaks)[keep]
    breaks = np.ones(number.size, dtype=np.bool_)
    breaks[1:] = number[1:] != number[:-1]
    frame = taken.frame[keep].reset_index(drop=True)
    return replace(taken, frame=frame, series=Segments.from_breaks(breaks))


def as_date(given: Any, option: str) -> np.datetime64:
    """A date that an option names, such as ``"2024-04-01"`` or ``"2024-04"``.

    Raises
    ------
    OptionError
        If it is not a date in ISO order.
    """
    text = given if not isinstance(given, str) else given.strip()
    if isinstance(text, str) and not re.fullmatch(r"\d{4}-\d{2}(-\d{2})?", text):
        raise OptionError(f"{option} {given!r} is not a date such as 2024-04-01")
    try:
        return np.datetime64(pd.Timestamp(text).tz_localize(None), "us")
    except (ValueError, TypeError) as error:
        raise OptionError(f"{option} {given!r} is not a date such as 2024-04-01") from error


def _shown(
    name: str,
    known: Mapping[str, Display],
    host: PluginHost,
    better: str | None,
    target: float | None,
) -> Display:
    display = known.get(name)
    if display is None and ":" in name:
        try:
            display = display_of(cast("Measure | Composite", host.measure(name)[1]))
        except (UnknownNameError, AmbiguousNameError):
            display = None
    display = display or Display(title=name)
    if better is not None:
        display = replace(display, better=cast("Any", better))
    if target is not None:
        display = replace(display, target=target, target_label="")
    return display


def _unit_names(frame: pd.DataFrame) -> dict[str, str]:
    if "unit_name" not in frame.columns:
        return {}
    named = frame[["unit", "unit_name"]].dropna().drop_duplicates("unit", keep="last")
    return dict(zip(named["unit"], named["unit_name"], strict=True))


def unknown_outcomes(frame: pd.DataFrame, measure: str) -> tuple[str, dict[str, Any]] | None:
    """What to say of cases whose outcome is unknown, or None where there are few.

    Parameters
    ----------
    frame : pandas.DataFrame
        Checked counts.
    measure : str
        Which measure.

    Returns
    -------
    message, evidence
        When at least `UNKNOWN_SHARE` of one unit's cases, or of all, are left
        out of the denominators because it is not known whether the measure
        was met.
    """
    if "missing" not in frame.columns:
        return None
    rows = frame[frame["measure"] == measure]
    sums = rows[["unit", "missing", "denominator"]].fillna(0).groupby("unit").sum()
    share = (sums["missing"] / (sums["missing"] + sums["denominator"])).astype("float64")
    total = float(sums["missing"].sum() / max(1, (sums["missing"] + sums["denominator"]).sum()))
    many = share[share >= UNKNOWN_SHARE]
    if total < UNKNOWN_SHARE and many.empty:
        return None
    return (
        f"It is not known whether {total:.0%} of the cases met the measure; they are left out of "
        f"the denominators. In {len(many)} of {len(sums)} units it is {UNKNOWN_SHARE:.0%} or more, "
        "and what is known of those may not stand for the rest.",
        {
            "share_unknown": round(total, 4),
            "units": {str(unit): round(float(part), 4) for unit, part in many.items()},
        },
    )


def provenance(
    taken: Taken, *, host: PluginHost, extra: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Where numbers came from: enough to trace every one of them.

    Parameters
    ----------
    taken : Taken
        The counts that were used.
    host : PluginHost
        The plugins that were active.
    extra : mapping, optional
        Further entries.

    Returns
    -------
    dict
        `generator`, `version`, `source`, `input_digest`, `plugins`, `measures`.
    """
    from spcbench import __version__

    return {
        "generator": "spcbench",
        "version": __version__,
        "source": taken.source,
        "input_digest": digest(taken.frame),
        "plugins": [
            f"{one.name} {one.version}" for one in host.plugins() if one.status == "active"
        ],
        "measures": sorted(taken.display),
        **(extra or {}),
    }


def digest(frame: pd.DataFrame) -> str:
    """SHA-256 of the counts themselves: same counts, same digest, wherever they came from.

    Parameters
    ----------
    frame : pandas.DataFrame
        Checked counts.

    Returns
    -------
    str
        ``sha256:`` and 64 hexadecimal digits, over measure, unit, period,
        numerator and denominator written as CSV.

    Examples
    --------
    >>> from spcbench.counts_check import check_counts
    >>> import pandas as pd
    >>> counts = check_counts(pd.DataFrame(
    ...     {"measure": "m", "unit": "a", "period": ["2024-01-01"],
    ...      "numerator": [1], "denominator": [2]}))
    >>> digest(counts) == digest(counts.iloc[::-1].sort_index())
    True
    """
    columns = [*("measure", "unit", "period", "numerator", "denominator")]
    columns += [name for name in ("value", "status") if name in frame.columns]
    text = frame[columns].to_csv(index=False, date_format="%Y-%m-%d", lineterminator="\n")
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
