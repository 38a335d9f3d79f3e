"""Indirect standardisation: what units would have had at the rates of a reference, by stratum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from spcbench.counts_cells import Place, words
from spcbench.counts_check import as_pandas, check_counts, checked
from spcbench.errors import InputError, OptionError, suggest
from spcbench.measures.counting import Counted
from spcbench.numeric.segments import Flags, Floats, Integers
from spcbench.tables import STATUS, STRING, Table

TAKES = ("proportion", "rate")
NAMED = 3
"""Most strata that a note names."""

_KEY = ["measure", "unit", "period"]
_LABELS = ("level", "unit_name", "group", "period_end")


def standardised_counts(
    counts: Any, strata: str | Sequence[str], *, reference: Any = None, takes: str = "proportion"
) -> pd.DataFrame:
    """Counts with the events that the rates of a reference would give, stratum by stratum.

    Parameters
    ----------
    counts : Table, pandas, polars or Arrow table
        Counts with a row for each measure, unit, period and stratum.
    strata : str or sequence of str
        Columns that tell strata apart, such as ``["age_band", "parity"]``.
    reference : pandas, polars or Arrow table, optional
        Columns of the strata, `numerator, denominator`, and `measure` if
        rates differ between measures; rows of a stratum are added. Without it,
        the rates of all units and periods together, each unit among them.
    takes : str
        ``"proportion"``: cases among cases, variance sum of n p (1 - p).
        ``"rate"``: events over exposure, variance the expected events.

    Returns
    -------
    pandas.DataFrame
        One row per measure, unit and period with the sums over its strata and
        `expected` and `variance`. A stratum whose count is withheld is left
        out of observed and expected alike, and `note` names it.

    Raises
    ------
    InputError
        If a stratum is blank, stands twice, has no rate in the reference, or
        counts break their contract or mix levels.
    OptionError
        If an option is out of its range.

    References
    ----------
    .. [1] Breslow & Day (1987), Statistical Methods in Cancer Research II, section 2.3.

    Examples
    --------
    >>> import pandas as pd
    >>> counts = pd.DataFrame({"measure": "m", "period": "2024-01-01",
    ...     "unit": ["a", "a", "b", "b"], "age": ["<35", "35+", "<35", "35+"],
    ...     "numerator": [1, 9, 3, 1], "denominator": [10, 30, 30, 10]})
    >>> standardised_counts(counts, "age")[["unit", "numerator", "denominator", "expected"]]
      unit  numerator  denominator  expected
    0    a         10           40       8.5
    1    b          4           40       5.5
    """
    if takes not in TAKES:
        raise OptionError(f"takes must be one of {', '.join(TAKES)}, not {takes!r}")
    names = [strata] if isinstance(strata, str) else list(strata)
    if not names or len(set(names)) < len(names):
        raise OptionError("strata must name one or more columns, each once")
    frame, number, place = _taken(counts, names, takes)
    ok = frame["status"].eq("ok").to_numpy()
    rate = _own_rates(frame, number, ok)
    if reference is not None:
        rate = _given_rates(_reference(reference, names, takes), frame)
        _refuse_lacking(np.isnan(rate) & ok, frame, names, place)
    return _summed(frame, names, ok, rate, takes)


def _taken(counts: Any, strata: list[str], takes: str) -> tuple[pd.DataFrame, Integers, Place]:
    """Checked counts by stratum, the number of each row's stratum, and where rows stood."""
    place, table = Place(None), counts
    if isinstance(counts, Counted):
        raise InputError("counts by stratum are needed; count() gives one row a unit and period")
    if isinstance(counts, Table):
        place, table = Place(counts.source, counts.text, counts.lines), counts.data
    frame = as_pandas(table)
    _check_columns(frame, strata, place)
    for name in strata:
        frame = frame.assign(**{name: words(frame[name], place, required=True)})
    number = pd.factorize(pd.MultiIndex.from_frame(frame[strata]))[0]
    _check_once(frame, [*_KEY, *strata], place)
    # The key of counts has no room for strata, but it has for events of one day.
    found = checked(frame.assign(sequence=number + 1), place=place, takes=takes)
    lines = np.arange(1, len(frame) + 1) + bool(place.text) if place.lines is None else place.lines
    done = found.frame
    if "level" in done.columns and len(done["level"].unique()) > 1:
        levels = ", ".join(sorted(map(str, done["level"].dropna().unique())))
        raise InputError(
            f"{place.whole} mixes the levels {levels}, which would count people twice; keep one"
        )
    at = Place(place.source, place.text, np.asarray(lines)[found.order])
    return done, done["sequence"].to_numpy(dtype=np.int64) - 1, at


def _check_columns(frame: pd.DataFrame, strata: Sequence[str], place: Place) -> None:
    names = [str(name) for name in frame.columns]
    for name in strata:
        if name not in names:
            raise InputError(f"{place.whole} has no column {name!r}; {suggest(name, names)}")
    if "sequence" in names:
        raise InputError(
            f"{place.whole} has a column 'sequence'; counts by stratum have one row a unit, period "
            "and stratum: add events of one day up first"
        )


def _check_once(frame: pd.DataFrame, key: list[str], place: Place) -> None:
    again: Flags = frame.duplicated([name for name in key if name in frame.columns]).to_numpy()
    if again.any():
        row = int(np.argmax(again))
        cells = ", ".join(f"{name} {frame[name].iloc[row]!s}" for name in key)
        raise InputError(
            f"{place.row(row)} repeats a stratum ({cells}); each may stand once: add them up"
            + place.also(again)
        )


def _own_rates(frame: pd.DataFrame, number: Integers, ok: Flags) -> Floats:
    """For each row, the rate of its measure and stratum over all units and periods."""
    measure = pd.factorize(frame["measure"])[0]
    group = pd.factorize(measure * (number.max(initial=0) + 1) + number)[0]
    events, cases = (
        np.bincount(group[ok], _floats(frame[name])[ok], minlength=group.max(initial=-1) + 1)
        for name in ("numerator", "denominator")
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((events / cases)[group])


def _floats(cells: pd.Series) -> Floats:
    return np.asarray(cells.to_numpy(dtype=np.float64, na_value=np.nan))


def _reference(reference: Any, strata: list[str], takes: str) -> pd.Series:
    """Rate of each stratum (of each measure, if the reference tells them apart)."""
    there = Place("the reference")
    table = as_pandas(reference)
    names = [str(name) for name in table.columns]
    key = [*(["measure"] if "measure" in names else []), *strata]
    for name in (*strata, "numerator", "denominator"):
        if name not in names:
            raise InputError(f"{there.whole} has no column {name!r}; {suggest(name, names)}")
    for name in strata:
        table = table.assign(**{name: words(table[name], there, required=True)})
    # What is wrong with these counts is said as of any others.
    plain = table[[*key, "numerator", "denominator"]].assign(
        unit="all", period="1970-01-01", sequence=np.arange(1, len(table) + 1)
    )
    if "measure" not in key:
        plain["measure"] = "all"
    done = checked(plain, place=there, takes=takes).frame
    sums = done.groupby(key)[["numerator", "denominator"]].sum().astype("float64")
    return sums["numerator"] / sums["denominator"].where(sums["denominator"] > 0)


def _given_rates(rates: pd.Series, frame: pd.DataFrame) -> Floats:
    """For each row the rate of its stratum; NaN where there is none."""
    names = list(rates.index.names)
    rows = pd.MultiIndex.from_frame(frame[names]) if len(names) > 1 else pd.Index(frame[names[0]])
    at = rates.index.get_indexer(rows)
    return np.where(at >= 0, np.append(rates.to_numpy(), np.nan)[at], np.nan)


def _refuse_lacking(lacking: Flags, frame: pd.DataFrame, strata: list[str], place: Place) -> None:
    if lacking.any():
        row = int(np.argmax(lacking))
        cells = ", ".join(f"{name} {frame[name].iloc[row]!s}" for name in ["measure", *strata])
        raise InputError(
            f"{place.row(row)}: the reference has no rate for {cells}" + place.also(lacking)
        )


def _summed(
    frame: pd.DataFrame, strata: list[str], ok: Flags, rate: Floats, takes: str
) -> pd.DataFrame:
    """One row per measure, unit and period."""
    group = frame.groupby(_KEY, sort=False).ngroup().to_numpy()
    first = np.flatnonzero(np.diff(group, prepend=-1))
    cases = _floats(frame["denominator"])
    share = 1 - rate if takes == "proportion" else np.ones(rate.size)

    def total(values: Floats) -> Floats:
        sums = np.bincount(group[ok], values[ok], minlength=first.size)
        return np.where(np.bincount(group[ok], minlength=first.size) > 0, sums, np.nan)

    codes = frame["status"].cat.codes.to_numpy().astype(np.int64)
    gravest = np.maximum.reduceat(codes, first) if first.size else codes
    some = np.bincount(group[ok], minlength=first.size) > 0
    status = np.where(some, STATUS.index("ok"), gravest)
    made = {name: frame[name].array.take(first) for name in _KEY}
    made |= {
        "numerator": pd.Series(total(_floats(frame["numerator"]))).astype("Int64").array,
        "denominator": pd.Series(total(cases)).astype("Int64").array,
        "expected": total(cases * rate),
        "variance": total(cases * rate * share),
        "status": pd.Categorical.from_codes(status, categories=list(STATUS)),
        "note": pd.array(_notes(frame, strata, group, first.size, codes), dtype=STRING),
    }
    made |= {name: frame[name].array.take(first) for name in _LABELS if name in frame.columns}
    return check_counts(pd.DataFrame(made), takes="expected")


def _notes(
    frame: pd.DataFrame, strata: list[str], group: Integers, size: int, codes: Integers
) -> list[str | None]:
    """Which strata of each row are withheld."""
    notes: list[str | None] = [None] * size
    hidden = np.flatnonzero(codes > STATUS.index("no_data"))
    for one in np.unique(group[hidden]):
        rows = hidden[group[hidden] == one]
        named = [" ".join(map(str, frame[strata].iloc[row])) for row in rows[:NAMED]]
        more = f" and {rows.size - NAMED} more" if rows.size > NAMED else ""
        notes[one] = f"without the strata {', '.join(named)}{more}"
    return notes
