"""Indirect standardisation: what units would have had at the rates of a reference, by stratum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from spcbench.case_mix_files import table_frame
from spcbench.counts_cells import Place, words
from spcbench.counts_check import as_pandas, check_counts, checked
from spcbench.errors import InputError, OptionError, UnknownNameError, suggest
from spcbench.measures.counting import Counted
from spcbench.numeric.segments import Flags, Floats, Integers
from spcbench.tables import COUNTS_OPTIONAL, STATUS, STRING, Table

TAKES = ("proportion", "rate")
NAMED = 3
"""Most strata that a note names."""

_KEY = ["measure", "unit", "period"]
_SUMS = ["numerator", "denominator"]
_LABELS = ("level", "unit_name", "group", "period_end")


def standardised_counts(
    counts: Any,
    strata: str | Sequence[str],
    *,
    reference: Any = None,
    takes: str = "proportion",
    level: str | None = None,
    date_format: str | None = None,
    suppressed: Sequence[str] = (),
) -> pd.DataFrame:
    """Counts with the events that the rates of a reference would give, stratum by stratum.

    Parameters
    ----------
    counts : Table, pandas, polars or Arrow table
        Counts with a row for each measure, unit, period and stratum.
    strata : str or sequence of str
        Columns that tell strata apart, such as ``["age_band", "parity"]``.
    reference : Table, pandas, polars or Arrow table, optional
        Columns of the strata, `numerator, denominator`, and `measure` if
        rates differ between measures; rows of a stratum are added. Without it,
        the rates of all units and periods together, each unit among them.
    takes : str
        ``"proportion"``: cases among cases, variance sum of n p (1 - p).
        ``"rate"``: events over exposure, variance the expected events.
    level : str, optional
        Only the rows of this level.
    date_format : str, optional
        How periods are written in text when not as YYYY-MM-DD.
    suppressed : sequence of str
        Cell texts that stand for a suppressed count, such as ``"*"``.

    Returns
    -------
    pandas.DataFrame
        One row per measure, unit and period with the sums over its strata and
        `expected` and `variance`. A stratum whose count is withheld is left
        out of observed and expected alike, and `note` names it. Labels stay
        where all strata of a row agree.

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
    how = {"takes": takes, "suppressed": suppressed}
    taken = _taken(counts, names, level, {**how, "date_format": date_format})
    frame = taken.frame
    ok = frame["status"].eq("ok").to_numpy()
    rate = _own_rates(frame, taken.number, ok)
    if reference is not None:
        rate = _given_rates(_reference(reference, names, how), frame)
        _refuse_lacking(np.isnan(rate) & ok, taken, names)
    return _summed(frame, names, ok, rate, takes)


@dataclass(frozen=True, slots=True)
class _Taken:
    """Checked counts by stratum.

    Arrays of shape (rows,): `number` of each row's stratum, and `origin`, the
    row of the table as it came, whose `place` names it.
    """

    frame: pd.DataFrame
    number: Integers
    origin: Integers
    place: Place


def _taken(counts: Any, strata: list[str], level: str | None, how: dict[str, Any]) -> _Taken:
    if isinstance(counts, Counted):
        raise InputError("counts by stratum are needed; count() gives one row a unit and period")
    frame, place = _opened(counts, [*_KEY, *_SUMS, *strata], COUNTS_OPTIONAL.names, None)
    _check_columns(frame, strata, place)
    for name in strata:
        frame = frame.assign(**{name: words(frame[name], place, required=True)})
    number = pd.factorize(pd.MultiIndex.from_frame(frame[strata]))[0]
    _check_once(frame, [*_KEY, *strata], place)
    # The key of counts has no room for strata, but it has for events of one day.
    found = checked(frame.assign(sequence=number + 1), place=place, **how)
    default = counts.default_level if isinstance(counts, Table) else None
    keep = _at_level(found.frame, level, default, place)
    done = found.frame[keep].reset_index(drop=True)
    return _Taken(done, done["sequence"].to_numpy(np.int64) - 1, found.order[keep], place)


def _opened(
    given: Any, needed: Sequence[str], beside: Sequence[str], whole: str | None
) -> tuple[pd.DataFrame, Place]:
    if isinstance(given, Table):
        return table_frame(given, needed, beside=beside)
    return as_pandas(given), Place(whole)


def _at_level(frame: pd.DataFrame, level: str | None, default: str | None, place: Place) -> Flags:
    """The rows that are wanted; refuses several levels of which none is chosen."""
    if "level" not in frame.columns:
        if level is not None:
            raise InputError(f"{place.whole} has no column 'level', so level={level!r} fits no row")
        return np.ones(len(frame), dtype=np.bool_)
    present = sorted(map(str, frame["level"].dropna().unique()))
    chosen = level or (default if default in present else None)
    if chosen is not None:
        if chosen not in present:
            raise UnknownNameError("level", chosen, present)
        return np.asarray(frame["level"].eq(chosen), dtype=np.bool_)
    if len(frame["level"].unique()) > 1:
        raise InputError(
            f"{place.whole} mixes the levels {', '.join(present)}, which would count people twice; "
            "choose one with level= (--level)"
        )
    return np.ones(len(frame), dtype=np.bool_)


def _check_columns(frame: pd.DataFrame, strata: Sequence[str], place: Place) -> None:
    names = [str(name) for name in frame.columns]
    for name in strata:
        if name not in names:
            raise InputError(f"{place.whole} has no column {name!r}; {suggest(name, names)}")
        if name in (*_KEY, *_SUMS):
            raise OptionError(f"strata names {name!r}, which all counts have for another purpose")
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
            f"{place.row(row)} repeats a stratum ({cells}); each may stand once: add them up, or "
            "name the further columns that tell strata apart" + place.also(again)
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


def _reference(reference: Any, strata: list[str], how: dict[str, Any]) -> pd.Series:
    """Rate of each stratum (of each measure, if the reference tells them apart)."""
    needed = [*strata, *_SUMS]
    table, there = _opened(reference, needed, ("measure", "level"), "the reference")
    names = [str(name) for name in table.columns]
    key = [*(["measure"] if "measure" in names else []), *strata]
    for name in needed:
        if name not in names:
            raise InputError(f"{there.whole} has no column {name!r}; {suggest(name, names)}")
    for name in strata:
        table = table.assign(**{name: words(table[name], there, required=True)})
    # What is wrong with these counts is said as of any others.
    kept = [*key, *_SUMS, *(["level"] if "level" in names else [])]
    plain = table[kept].assign(
        unit="all", period="1970-01-01", sequence=np.arange(1, len(table) + 1)
    )
    if "measure" not in key:
        plain["measure"] = "all"
    done = checked(plain, place=there, **how).frame
    _at_level(done, None, None, there)
    sums = done.groupby(key)[_SUMS].sum().astype("float64")
    return sums["numerator"] / sums["denominator"].where(sums["denominator"] > 0)


def _given_rates(rates: pd.Series, frame: pd.DataFrame) -> Floats:
    """For each row the rate of its stratum; NaN where there is none."""
    names = list(rates.index.names)
    rows = pd.MultiIndex.from_frame(frame[names]) if len(names) > 1 else pd.Index(frame[names[0]])
    at = rates.index.get_indexer(rows)
    return np.where(at >= 0, np.append(rates.to_numpy(), np.nan)[at], np.nan)


def _refuse_lacking(lacking: Flags, taken: _Taken, strata: list[str]) -> None:
    if lacking.any():
        row = int(np.argmax(lacking))
        cells = ", ".join(
            f"{name} {taken.frame[name].iloc[row]!s}" for name in ["measure", *strata]
        )
        raise InputError(
            f"{taken.place.row(int(taken.origin[row]))}: the reference has no rate for {cells}"
            + taken.place.also(lacking)
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
    known = {*_KEY, *_SUMS, *COUNTS_OPTIONAL.names, *strata}
    labels = [name for name in _LABELS if name in frame.columns and name not in strata]
    made |= {name: frame[name].array.take(first) for name in labels}
    made |= {
        str(name): _agreed(frame[name], group, first) for name in frame.columns if name not in known
    }
    return check_counts(pd.DataFrame(made), takes="expected")


def _agreed(cells: pd.Series, group: Integers, first: Integers) -> pd.Series:
    """A label of each row, missing where its strata do not agree."""
    codes = pd.factorize(cells)[0]
    unlike = codes != codes[first][group]
    told = cells.iloc[first].reset_index(drop=True)
    return told.mask(np.bincount(group[unlike], minlength=first.size) > 0)


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
