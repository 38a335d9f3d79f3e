"""The one place that checks a table of counts.

Whatever enters as counts (a file, a frame, the result of `count`) leaves here
in the contract's order and types, or as one error that says what is wrong,
where, what was expected and what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from spcbench.counts_cells import Place, changes, dates, named, numbers, words
from spcbench.errors import InputError, suggest
from spcbench.numeric.segments import Flags, Floats, Integers, Segments
from spcbench.tables import COUNTS, COUNTS_OPTIONAL, DATE, STATUS, STRING

_OPTIONAL = {column.name: column for column in COUNTS_OPTIONAL.columns}
_WHOLE = ("numerator", "denominator", "missing", "sequence")

Rates = Callable[[Iterable[str]], Collection[str]]


@dataclass(frozen=True, slots=True)
class CheckedCounts:
    """Counts in the order and types of the contract.

    Parameters
    ----------
    frame : pandas.DataFrame
        Sorted by measure, unit, period and sequence.
    series : Segments
        One segment per measure and unit.
    order : array of int64, shape (rows,)
        Row of the table as it came that each row was.
    """

    frame: pd.DataFrame
    series: Segments
    order: Integers


def check_counts(
    frame: Any,
    *,
    source: str | None = None,
    text: bool = False,
    date_format: str | None = None,
    suppressed: Sequence[str] = (),
    takes: str = "any",
) -> pd.DataFrame:
    """Counts in the order and types of the contract.

    Parameters
    ----------
    frame : pandas, polars or Arrow table
        Columns `measure`, `unit`, `period`, and `numerator` with
        `denominator`, or `value`; optional and label columns beside them.
    source : str, optional
        The file's name, for messages.
    text : bool
        True when all cells are text as they stood in a file.
    date_format : str, optional
        How dates are written when not as YYYY-MM-DD, such as ``"%d/%m/%Y"``.
    suppressed : sequence of str
        Cell texts that stand for a suppressed count, such as ``"*"``.
    takes : str
        What the rows must hold, as `ChartType.takes`; ``"auto"``: a numerator
        of at most its denominator, else a value, else a numerator alone.

    Returns
    -------
    pandas.DataFrame
        A new frame; missing counts are null and their `status` says why.

    Raises
    ------
    InputError
        For the first offending cell or row, with how many there are.

    Examples
    --------
    >>> import pandas as pd
    >>> counts = pd.DataFrame(
    ...     {"measure": "early_milk", "unit": "RJ1", "period": ["2024-02-01", "2024-01-01"],
    ...      "numerator": [7, 0], "denominator": [9, 0]}
    ... )
    >>> check_counts(counts)[["period", "numerator", "status"]]
          period  numerator   status
    0 2024-01-01          0  no_data
    1 2024-02-01          7       ok
    """
    return checked(
        frame,
        place=Place(source, text),
        date_format=date_format,
        suppressed=suppressed,
        takes=takes,
    ).frame


def checked(
    frame: Any,
    *,
    place: Place,
    date_format: str | None = None,
    suppressed: Sequence[str] = (),
    takes: str = "any",
    rates: Rates | None = None,
) -> CheckedCounts:
    """Counts as `check_counts` gives them, with where each series starts.

    `rates` says which of some measures count one case several times.
    """
    frame = as_pandas(frame)
    markers = (suppressed,) if isinstance(suppressed, str) else tuple(suppressed)
    _check_columns(frame, place, takes)
    measure, of_measure = named(frame["measure"], place, required=True)
    unit, of_unit = named(frame["unit"], place, required=True)
    built: dict[str, pd.Series] = {
        "measure": measure,
        "unit": unit,
        "period": dates(frame["period"], place, date_format=date_format, required=True),
    }
    hidden = np.zeros(len(frame), dtype=np.bool_)
    for name in ("numerator", "denominator"):
        built[name], marked = numbers(_column(frame, name), place, whole=True, markers=markers)
        hidden |= marked
    for name in frame.columns:
        if name not in built and name != "status":
            built[name], marked = _optional(frame[name], place, date_format, markers)
            hidden |= marked
    _check_some_data(built, place, takes)
    built["status"] = _status(frame, built, hidden, place, takes)
    if takes in ("proportion", "auto"):
        _check_proportion(built, place, rates)
    if takes == "event":
        _check_waits(built, place)
    if takes == "expected":
        _check_expected(built, place)
    return _in_order(built, place, _ranks(unit, of_unit), _ranks(measure, of_measure))


def as_pandas(frame: Any) -> pd.DataFrame:
    """A pandas frame of whatever table the caller has, without its index."""
    if isinstance(frame, pd.DataFrame):
        return frame.reset_index(drop=True) if frame.index.nlevels == 1 else frame.reset_index()
    if isinstance(frame, pa.Table):
        return frame.to_pandas(types_mapper=_arrow_strings)
    if hasattr(frame, "to_arrow"):
        return as_pandas(frame.to_arrow())
    raise InputError(
        "counts must be a pandas, polars or Arrow table, the result of count() or of read(); "
        f"this is {type(frame).__name__}"
    )


def _arrow_strings(kind: pa.DataType) -> Any:
    return STRING if pa.types.is_string(kind) or pa.types.is_large_string(kind) else None


_NEEDED = {
    "proportion": (("numerator", "denominator"),),
    "rate": (("numerator", "denominator"),),
    "two_counts": (("numerator", "denominator"),),
    "count": (("numerator",),),
    "subgroup": (("mean", "sd", "denominator"),),
    "expected": (("numerator", "expected"),),
    "value": (("value",), ("numerator", "denominator")),
    "event": (("value",),),
    "any": (
        ("numerator", "denominator"),
        ("value",),
        ("mean", "sd", "denominator"),
        ("numerator", "expected"),
        ("numerator",),
    ),
    "auto": (("numerator", "denominator"), ("value",), ("numerator",)),
}
"""Columns that a row's value is made of, by what a chart takes: one of these."""


def _check_columns(frame: pd.DataFrame, place: Place, takes: str) -> None:
    names = [str(name) for name in frame.columns]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InputError(f"{place.whole} has the column {repeated[0]!r} twice; keep one of them")
    ways = _NEEDED[takes]
    fitting = [way for way in ways if set(way) <= set(names)]
    usual = "numerator" in names and ("numerator", "denominator") in ways
    if fitting == [("numerator",)] and takes in ("any", "auto") and _misspelt(names):
        fitting = []  # a misspelt denominator must not turn shares of cases into counts
    way = (fitting or [("numerator", "denominator") if usual else ways[0]])[0]
    needed = ["measure", "unit", "period", *way]
    for name in needed:
        if name not in names:
            raise InputError(
                f"{place.whole} has no column {name!r}; {suggest(name, names)}. "
                f"Counts need the columns {', '.join(needed)}"
            )


def _misspelt(names: list[str]) -> bool:
    others = [name.lower() for name in names if name != "numerator"]
    return bool(get_close_matches("denominator", others, cutoff=0.75))


def _column(frame: pd.DataFrame, name: str) -> pd.Series:
    if name in frame.columns:
        return frame[name]
    return pd.Series(np.full(len(frame), np.nan), name=name)


def _optional(
    cells: pd.Series, place: Place, date_format: str | None, suppressed: Sequence[str]
) -> tuple[pd.Series, Flags]:
    column = _OPTIONAL.get(str(cells.name))
    plain = np.zeros(len(cells), dtype=np.bool_)
    if column is None:
        return cells, plain
    if column.kind == "date":
        return dates(cells, place, date_format=date_format), plain
    if column.kind in ("integer", "float"):
        return numbers(cells, place, whole=str(cells.name) in _WHOLE, markers=suppressed)
    return words(cells, place, choices=column.words), plain


def _status(
    frame: pd.DataFrame, built: dict[str, pd.Series], hidden: Flags, place: Place, takes: str
) -> pd.Series:
    """What stands, and why what does not stand is missing; blanks those counts."""
    codes = np.zeros(len(frame), dtype=np.int8)
    if takes != "two_counts":
        _check_none_of_none(built, place)
    codes[_no_data(built, takes)] = STATUS.index("no_data")
    codes[hidden] = STATUS.index("suppressed")
    if "status" in frame.columns:
        given = words(frame["status"], place, choices=STATUS)
        stated = given.cat.codes.to_numpy()
        codes = np.where((stated > 0), stated, codes).astype(np.int8)
    for name in ("numerator", "denominator", "value", "mean", "sd", "expected", "variance"):
        # A column that is blank there already is not copied.
        if name in built and (codes[built[name].notna().to_numpy()] > 1).any():
            built[name] = built[name].mask(codes > 1)
    return pd.Series(pd.Categorical.from_codes(codes, categories=list(STATUS)))


def _check_some_data(built: dict[str, pd.Series], place: Place, takes: str) -> None:
    """Refuse a table that holds data, but none of the kind that is wanted."""
    holding = [
        name
        for name in ("numerator", "denominator", "value", "mean", "sd", "expected")
        if name in built and built[name].notna().any()
    ]
    ways = _NEEDED[takes]
    if not holding or any(set(way) <= set(holding) for way in ways):
        return
    wanted = ", or ".join(" and ".join(way) for way in ways)
    raise InputError(
        f"{place.whole} has no {wanted}: there is nothing but {' and '.join(holding)}; choose "
        "a chart that takes those (spcbench charts), or add the columns"
    )


def _check_expected(built: dict[str, pd.Series], place: Place) -> None:
    expected = built["expected"].to_numpy(dtype=np.float64)
    # Nothing expected of no cases says nothing; an event that could not be says something is wrong.
    wrong = (expected < 0) | ((expected == 0) & (_floats(built["numerator"]) > 0))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(
            f"{place.at(row, 'expected')}: {expected[row]:g} cannot be expected where "
            f"{built['numerator'].iloc[row]} happened; a number expected is above 0"
            + place.also(wrong)
        )


def _check_waits(built: dict[str, pd.Series], place: Place) -> None:
    negative = built["value"].lt(0).to_numpy(dtype=np.bool_)
    if negative.any():
        row = int(np.argmax(negative))
        raise InputError(
            f"{place.at(row, 'value')}: {built['value'].iloc[row]:g} cannot be; the value is the "
            "number of cases, or the time, since the event before" + place.also(negative)
        )


def _floats(cells: pd.Series) -> Floats:
    """Counts as plain numbers, NaN where missing: quicker than nullable ones."""
    return np.asarray(cells.to_numpy(dtype=np.float64, na_value=np.nan))


def _check_none_of_none(built: dict[str, pd.Series], place: Place) -> None:
    impossible = (_floats(built["denominator"]) == 0) & (_floats(built["numerator"]) > 0)
    if impossible.any():
        row = int(np.argmax(impossible))
        raise InputError(
            f"{place.at(row, 'denominator')}: {built['numerator'].iloc[row]} of 0 cannot be; "
            "a period without cases has 0 of 0" + place.also(impossible)
        )


def _no_data(built: dict[str, pd.Series], takes: str) -> Flags:
    """Rows that lack what their value is made of, or have no cases."""
    size = len(built["numerator"])
    lacking = {
        name: built[name].isna().to_numpy() if name in built else np.ones(size, dtype=np.bool_)
        for way in _NEEDED[takes]
        for name in way
    }
    if "denominator" in lacking and takes != "two_counts":
        lacking["denominator"] = lacking["denominator"] | (_floats(built["denominator"]) == 0)
    if takes in ("auto", "any") and lacking["denominator"].any():
        # A numerator alone is data only for a measure that has no denominators at all.
        alone = built["denominator"].notna().groupby(built["measure"]).transform("any")
        lacking["numerator"] = lacking["numerator"] | (
            alone.to_numpy(dtype=np.bool_) & lacking["denominator"]
        )
    ways = [np.logical_or.reduce([lacking[name] for name in way]) for way in _NEEDED[takes]]
    made: Flags = np.logical_and.reduce(ways)
    return made


def _check_proportion(
    built: dict[str, pd.Series], place: Place, rates: Rates | None = None
) -> None:
    if "target" in built:
        beyond = ~built["target"].isna().to_numpy() & ~built["target"].between(0, 1).to_numpy()
        beyond &= built["denominator"].notna().to_numpy()
        if beyond.any():
            row = int(np.argmax(beyond))
            raise InputError(
                f"{place.at(row, 'target')}: {built['target'].iloc[row]:g} is not a proportion "
                "between 0 and 1; write 85 % as 0.85" + place.also(beyond)
            )
    numerator, denominator = built["numerator"], built["denominator"]
    above = _floats(numerator) > _floats(denominator)
    if rates and above.any():
        of_rates = rates(built["measure"][above].unique())
        above &= ~built["measure"].isin(list(of_rates)).to_numpy(dtype=np.bool_)
    if above.any():
        row = int(np.argmax(above))
        raise InputError(
            "every numerator must lie between 0 and its denominator; "
            f"{place.row(row)} ({built['unit'].iloc[row]}, {built['period'].iloc[row]:%b %Y}) has "
            f"{numerator.iloc[row]} of {denominator.iloc[row]}" + place.also(above)
        )


def _in_order(
    built: dict[str, pd.Series],
    place: Place,
    unit: tuple[Integers, int],
    measure: tuple[Integers, int],
) -> CheckedCounts:
    """Sort by measure, unit, period and sequence; refuse a repeated key."""
    series = measure[0] * max(unit[1], 1) + unit[0]
    keys = [series, built["period"].to_numpy().view(np.int64)]
    if "sequence" in built:
        keys.append(built["sequence"].fillna(-1).to_numpy(dtype=np.int64))
    order = np.arange(series.size)
    smaller, equal = _compare(keys)
    if not (smaller | equal).all():
        order = np.lexsort(keys[::-1])
        keys = [key[order] for key in keys]
        built = {name: column.take(order) for name, column in built.items()}
        _, equal = _compare(keys)
    if equal.any():
        at = int(np.argmax(equal))
        first, second = sorted((int(order[at]), int(order[at + 1])))
        column = {name: cells.iloc[at] for name, cells in built.items()}
        raise InputError(
            f"{place.row(first)} and {place.row(second)} are both measure {column['measure']!r}, "
            f"unit {column['unit']!r}, period {column['period']:%Y-%m-%d}; each measure, unit and "
            "period may stand once (add them up, or give events of one day a `sequence`)"
            + place.also(equal)
        )
    breaks = np.ones(series.size, dtype=np.bool_)
    breaks[1:] = keys[0][1:] != keys[0][:-1]
    return CheckedCounts(_contract_order(built), Segments.from_breaks(breaks), order)


def _ranks(cells: pd.Series, starts: Integers | None) -> tuple[Integers, int]:
    """Place of each text in the sorted list of texts, and how many there are."""
    starts = changes(cells) if starts is None else starts
    coded = pa.chunked_array(cells.array.take(starts).__arrow_array__()).combine_chunks()
    coded = coded.dictionary_encode()
    rank = pc.rank(coded.dictionary).to_numpy() - 1
    codes = rank.astype(np.int64)[coded.indices.to_numpy()]
    return np.repeat(codes, np.diff(starts, append=len(cells))), len(rank)


def _compare(keys: list[Integers]) -> tuple[Flags, Flags]:
    """For each neighbouring pair of rows, whether the first is smaller and whether they equal."""
    size = max(keys[0].size - 1, 0)
    smaller, equal = np.zeros(size, dtype=np.bool_), np.ones(size, dtype=np.bool_)
    for key in keys:
        smaller |= equal & (key[:-1] < key[1:])
        equal &= key[:-1] == key[1:]
    return smaller, equal


def _contract_order(built: dict[str, pd.Series]) -> pd.DataFrame:
    known = [*COUNTS.names, *(name for name in COUNTS_OPTIONAL.names if name in built)]
    labels = [name for name in built if name not in known]
    columns = {name: built[name].array for name in [*known, *labels]}
    columns["period"] = built["period"].to_numpy().astype(DATE, copy=False)
    return pd.DataFrame(columns, copy=False)
