"""Taking counts in: from whatever holds them to checked counts with their measures.

Both verbs, `control_charts` and `funnels`, begin here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from numbers import Real
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from spcbench.counts_cells import Place
from spcbench.counts_check import CheckedCounts, as_pandas, checked
from spcbench.errors import AmbiguousNameError, InputError, OptionError, UnknownNameError
from spcbench.measures.counting import Counted
from spcbench.measures.event_words import event_display, named_event
from spcbench.measures.measure import display_of
from spcbench.numeric.segments import Flags, Integers, Segments
from spcbench.plugin.names import published_as
from spcbench.tables import Display, Table

if TYPE_CHECKING:
    from spcbench.measures.measure import Composite, Measure
    from spcbench.plugin.host import PluginHost

ON_ERROR = ("raise", "row")
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
    whole : pandas.DataFrame
        All checked counts, before some rows were chosen.
    invalid : mapping of (measure, unit) to str
        Series that were left out, and what is wrong with them.
    """

    frame: pd.DataFrame
    series: Segments
    display: Mapping[str, Display]
    unit_names: Mapping[str, str]
    source: str
    whole: pd.DataFrame
    invalid: Mapping[tuple[str, str], str] = field(default_factory=dict)


def usable_once(frame: pd.DataFrame, display: Mapping[str, Display]) -> Flags:
    """Rows that may be added up over time: all, but of stocks each unit's latest with data.

    A stock is the state on a day: the next period counts mostly the same cases again.
    """
    stocks = [name for name, shown in display.items() if shown.stock]
    keep = np.ones(len(frame), dtype=np.bool_)
    if not stocks:
        return keep
    of_stock = frame["measure"].isin(stocks).to_numpy(dtype=np.bool_)
    ok = frame["status"].eq("ok").to_numpy(dtype=np.bool_)
    known = frame["period"].where(of_stock & ok)
    latest = known.groupby([frame["measure"], frame["unit"]], observed=True).transform("max")
    same = frame["period"].eq(latest).to_numpy(dtype=np.bool_)
    keep[of_stock] = same[of_stock]
    return keep


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
    takes: str = "proportion",
    per: int | None = None,
    on_error: str = "raise",
    rates: bool = False,
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
    date_format, suppressed, takes
        As `check_counts`.
    per : int, optional
        Display scale, such as 1000 for "per 1,000", over what the measure says.
    on_error : str
        ``"raise"``, or ``"row"``: leave out series that break the contract.
    rates : bool
        Whether a case may count several times in measures that name a chart of rates.

    Raises
    ------
    InputError
        If the counts break the contract, or mix levels and none is chosen.
    OptionError
        If an option is out of its range, or names nothing in the counts.
    """
    _check_options(better, target, per=per)
    table, place, default_level, known = _opened(counts)
    how: dict[str, Any] = {"date_format": date_format, "suppressed": suppressed, "takes": takes}
    if rates or takes == "auto":
        how["rates"] = partial(_rates, known=known, host=host)
    found, invalid = _checked(table, on_error, place=place, **how)
    frame = found.frame
    keep = _at_level(frame, level, default_level, place)
    if measure is not None:
        name = matching(measure, frame["measure"].unique(), host=host)
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
        whole=frame,
        invalid={
            (name, code): why
            for (name, code), why in invalid.items()
            if (unit is None or unit == code) and _is_wanted(name, measure)
        },
    )
    taken = keep_rows(taken, keep)
    names = _measures(taken, taken.series.starts)
    shares = _of_cases(taken, takes)
    if target is not None and shares and not 0.0 <= target <= 1.0:
        raise OptionError(
            f"target {target:g} is not a proportion between 0 and 1; write 85 % as 0.85"
        )
    display = {}
    for name in names:
        unknown = Display(title=name, per=100 if name in shares else 1)
        shown = known.get(name) or _measured(name, host) or unknown
        display[name] = replace(shown, **_own_words(better, target, per))
    return replace(taken, display=display)


def _checked(
    table: Any, on_error: str, *, place: Place, **how: Any
) -> tuple[CheckedCounts, dict[tuple[str, str], str]]:
    """Checked counts, and the series that had to be left out."""
    if on_error not in ON_ERROR:
        raise OptionError(f"on_error must be one of {', '.join(ON_ERROR)}, not {on_error!r}")
    try:
        return checked(table, place=place, **how), {}
    except InputError:
        if on_error == "raise":
            raise
    frame = as_pandas(table)
    if not {"measure", "unit"} <= set(frame.columns):
        return checked(frame, place=place, **how), {}  # raises: there are no series to tell apart
    lines = np.arange(len(frame)) + (2 if place.text else 1) if place.lines is None else place.lines
    invalid, good = {}, np.zeros(len(frame), dtype=np.bool_)
    checked(frame.iloc[:0], place=place, **how)  # a column that is missing is no series' fault
    for (measure, unit), rows in frame.groupby(["measure", "unit"], dropna=False).indices.items():
        own = replace(place, lines=np.asarray(lines)[rows])
        try:
            checked(frame.iloc[rows], place=own, **how)
            good[rows] = True
        except InputError as error:
            invalid[str(measure), str(unit)] = str(error)
    return checked(frame[good], place=replace(place, lines=np.asarray(lines)[good]), **how), invalid


def _rates(names: Iterable[str], known: Mapping[str, Display], host: PluginHost) -> set[str]:
    """Those measures that name a chart of rates for themselves: a case may count several times."""
    shown = {str(name): known.get(str(name)) or _measured(str(name), host) for name in names}
    return {name for name, one in shown.items() if one and is_rate(one, host)}


def is_rate(shown: Display, host: PluginHost) -> bool:
    """Whether a measure names a chart of rates for itself: it is no share of cases."""
    return bool(shown.chart) and host.chart(shown.chart).takes == "rate"


def rates_among(names: Iterable[str], host: PluginHost) -> set[str]:
    """Those measures of installed packs that are rates."""
    return _rates(names, {}, host)


def _is_wanted(name: str, measure: str | None) -> bool:
    if measure is None:
        return True
    try:
        return matching(measure, [name]) == name
    except UnknownNameError:
        return False


def _measures(taken: Taken, rows: Integers) -> list[str]:
    """Different measures that stand on some rows, in their order."""
    return [str(name) for name in pd.unique(taken.frame["measure"].array.take(rows))]


def _of_cases(taken: Taken, takes: str) -> set[str]:
    """Measures whose values are shares of cases, which per cent suits."""
    if takes not in ("proportion", "value", "auto", "any"):
        return set()
    starts, frame = taken.series.starts, taken.frame
    if takes == "proportion":
        return set(_measures(taken, starts))
    shares = (frame["denominator"].notna() & frame["numerator"].notna()).to_numpy()
    above = np.zeros(len(frame), dtype=np.bool_)
    if takes in ("value", "any"):  # the others refuse such rows
        above = (frame["numerator"] > frame["denominator"]).fillna(False).to_numpy(dtype=np.bool_)
    if "value" in frame.columns:
        shares = shares & frame["value"].isna().to_numpy()
    sums = taken.series.sums
    found = _measures(taken, starts[sums(shares.astype(np.int64)) > 0])
    return set(found) - set(_measures(taken, starts[sums(above.astype(np.int64)) > 0]))


def _check_options(better: str | None, target: float | None, *, per: int | None) -> None:
    if better is not None and better not in BETTER:
        raise OptionError(f"better must be one of {', '.join(BETTER)}, not {better!r}")
    if per is not None and (per < 1 or per != int(per)):
        raise OptionError(f"per must be a whole number such as 100 or 1000, not {per!r}")
    number = isinstance(target, Real) and not isinstance(target, bool)
    if target is not None and not (number and np.isfinite(target)):
        raise OptionError(f"target must be a number, not {target!r}")


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


def matching(name: str, names: Sequence[str], *, host: PluginHost | None = None) -> str:
    """Full name of the one measure that a full, partly or bare name means.

    Parameters
    ----------
    name : str
        ``pop@2023:mgso4``, ``pop:mgso4`` or ``mgso4``.
    names : sequence of str
        The measures in a table.
    host : PluginHost, optional
        Where packs are found: the error then suggests a measure by the name that
        it was published under, too.

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
        meant = [] if host is None else [one for one in names if _published(one, host, bare)]
        raise UnknownNameError("measure", name, names, meant=meant)
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
    part = replace(taken, frame=frame, series=Segments.from_breaks(breaks))
    left = set(_measures(part, part.series.starts))
    shown = {name: one for name, one in taken.display.items() if name in left}
    return replace(part, display=shown)


def as_date(given: Any, option: str) -> np.datetime64:
    """A date that an option names, such as ``"2024-04-01"`` or ``"2024-04"``.

    Raises
    ------
    OptionError
        If it is not a date in ISO order.
    """
    text = given if not isinstance(given, str) else given.strip()
    # A bare number would be taken for nanoseconds since 1970.
    written = not isinstance(text, str) or re.fullmatch(r"\d{4}-\d{2}(-\d{2})?", text)
    if isinstance(text, Real) or not written:
        raise OptionError(f"{option} {given!r} is not a date such as 2024-04-01")
    try:
        return np.datetime64(pd.Timestamp(text).tz_localize(None), "us")
    except (ValueError, TypeError) as error:
        raise OptionError(f"{option} {given!r} is not a date such as 2024-04-01") from error


def _published(name: str, host: PluginHost, called: str) -> bool:
    """Whether a measure of an installed pack is published under a name."""
    try:
        own = published_as(host.measure(name)[1]) if ":" in name else ""
    except (UnknownNameError, AmbiguousNameError):
        return False
    return bool(own) and own.casefold() == called.casefold()


def _measured(name: str, host: PluginHost) -> Display | None:
    """How a measure of an installed pack is shown; None for any other."""
    if ":" not in name:
        return None
    try:
        if waits := named_event(name):
            full, event, between = waits
            measure = cast("Measure | Composite", host.measure(full)[1])
            return event_display(measure, event, between)
        return display_of(cast("Measure | Composite", host.measure(name)[1]))
    except (UnknownNameError, AmbiguousNameError):
        return None


def _own_words(better: str | None, target: float | None, per: int | None) -> dict[str, Any]:
    """What the analyst says over what the measure says."""
    made: dict[str, Any] = {}
    if better is not None:
        made["better"] = better
    if target is not None:
        # What the measure says of its own target does not hold for another one.
        made |= {"target": target, "target_label": "", "target_verified": True}
        made |= {"stretch": None, "stretch_label": ""}
    if per is not None:
        made["per"] = per
    return made


def _unit_names(frame: pd.DataFrame) -> dict[str, str]:
    if "unit_name" not in frame.columns:
        return {}
    named = frame[["unit", "unit_name"]].dropna().drop_duplicates("unit", keep="last")
    return dict(zip(named["unit"], named["unit_name"], strict=True))
