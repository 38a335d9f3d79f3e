"""From what is known of a whole table to what every worker is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spcbench.chart_series import FREQUENCIES, MONTHS, gaps, given_lines
from spcbench.errors import OptionError, UnknownNameError
from spcbench.intake import Taken, matching, take
from spcbench.numeric.segments import Segments
from spcbench.spark.facts import Name, OfMeasure, Whole, first_error
from spcbench.tables import DATE, SUMMARY

if TYPE_CHECKING:
    from spcbench.plugin.host import PluginHost

_WAYS = ("value", "auto", "any")
"""What takes shares of cases beside values, so that the counts themselves say which."""


def stand_in(
    whole: Whole,
    takes: str,
    *,
    host: PluginHost,
    levelled: bool,
    **chosen: Any,
) -> Taken:
    """A small table with the measures of a large one, checked and chosen from like any other.

    Parameters
    ----------
    whole : Whole
        What is known of the large one.
    takes : str
        As `check_counts`.
    host : PluginHost
        Where measures are looked up.
    levelled : bool
        Whether the table has a column `level`.
    **chosen
        `measure`, `level`, `better`, `target` and `per`, as `take`.

    Returns
    -------
    Taken
        With the full names of the chosen measures, and how each is shown.

    Raises
    ------
    InputError, OptionError
        As `take`.
    """
    rows = []
    for name, one in sorted(whole.measures.items()):
        for place, level in enumerate(sorted(one.levels or {None}, key=str)):
            rows.append({**_cells(name, one, takes), "unit": str(place), "level": level})
    columns = ["measure", "unit", "period", "numerator", "denominator", "value", "mean", "sd"]
    columns += ["expected", *(["level"] if levelled else [])]
    frame = pd.DataFrame(rows, columns=columns).assign(period=pd.Timestamp("2000-01-01"))
    return take(frame, host=host, takes=takes, **chosen)


def _cells(name: str, one: OfMeasure, takes: str) -> dict[str, Any]:
    numbers: dict[str, float] = {"numerator": 0, "denominator": 1}
    if takes in _WAYS:
        share = one.shares > 0 and (takes == "auto" or not one.above)
        return {"measure": name, **(numbers if share else {"value": 1.0})}
    return {"measure": name, **numbers, "value": 1.0, "mean": 1.0, "sd": 1.0, "expected": 1.0}


def lines(
    stands_in: Taken, takes: str, **given: float | Mapping[str, float] | None
) -> dict[str, dict[str, float] | None]:
    """Lines that the analyst gave, by the full name of each measure.

    Raises
    ------
    OptionError, UnknownNameError
        As `given_lines`.
    """
    given_lines(stands_in, takes, **given)
    names = list(stands_in.display)
    return {name: _by_measure(line, names) for name, line in given.items()}


def _by_measure(
    line: float | Mapping[str, float] | None, names: Sequence[str]
) -> dict[str, float] | None:
    if line is None:
        return None
    by_measure = line if isinstance(line, Mapping) else dict.fromkeys(names, line)
    return {matching(one, names): float(value) for one, value in by_measure.items()}


def check_wanted(whole: Whole, wanted: Sequence[str], unit: str | None, until: Any) -> None:
    """Refuse a unit, or a last period, that leaves nothing.

    Raises
    ------
    UnknownNameError, OptionError
        If so.
    """
    kept = [whole.measures[name] for name in wanted]
    if unit is not None and not any(one.before_until for one in kept):
        raise UnknownNameError("unit", unit, whole.units)
    begins = min((one.begins for one in kept if one.begins), default="")
    if begins and not any(one.rows for one in kept):
        raise OptionError(f"until {until!r} leaves no period; the counts begin on {begins}")


def check_baseline(measures: Sequence[OfMeasure], baseline: Any) -> None:
    """Refuse a baseline that no series has.

    Raises
    ------
    OptionError
        If so.
    """
    if not measures or baseline is None:
        return
    longest = max(one.longest for one in measures)
    if isinstance(baseline, int) and longest < baseline:
        raise OptionError(f"baseline {baseline} is more than the {longest} periods that there are")
    if not isinstance(baseline, int) and not any(one.inside for one in measures):
        raise OptionError(f"baseline {baseline!r} holds no period of the counts")


def frequencies(whole: Whole, wanted: Sequence[str], frequency: str | None) -> dict[str, str]:
    """How long the periods of each measure last.

    Parameters
    ----------
    whole : Whole
        What is known of the table.
    wanted : sequence of str
        Measures.
    frequency : str, optional
        What the analyst says.

    Raises
    ------
    InputError
        If periods do not begin as `frequency` says.
    """
    if frequency is None:
        return {name: whole.measures[name].frequency for name in wanted}
    for name in wanted:
        one = whole.measures[name]
        if frequency in MONTHS and not one.monthly:
            dates = np.array([one.first, one.other or one.first]).astype(DATE)
            gaps(
                pd.DataFrame({"measure": name, "period": dates}),
                Segments.from_lengths([2]),
                frequency=frequency,
            )
    return dict.fromkeys(wanted, frequency)


def together(
    whole: Whole, frequency: Mapping[str, str], takes: str, *, own_target: bool
) -> list[str]:
    """Measures whose series cannot be judged apart, and those they must be judged beside.

    Parameters
    ----------
    whole : Whole
        What is known of the table.
    frequency : mapping of str to str
        How long the periods of each wanted measure last.
    takes : str
        As `check_counts`.
    own_target : bool
        Whether the counts' own targets are used.

    Raises
    ------
    InputError
        If there is no series at all that holds what is needed.
    """
    known = whole.measures
    if whole.lacking and all(one.lacking == one.counted + one.uncounted for one in known.values()):
        raise first_error(whole.lacking)
    odd = {
        # A length without a word of its own has to be found from all series of the measure.
        name
        for name, word in frequency.items()
        if word not in FREQUENCIES and word != "unknown"
    }
    odd |= {name for name, one in known.items() if one.lacking or (one.outside and one.rows)}
    if takes in ("auto", "any"):
        # A numerator alone is data only in measures without any denominator.
        odd |= {name for name, one in known.items() if one.counted and one.uncounted}
    if own_target:
        # A share as a target is dropped from charts of numbers only if shares stand beside.
        bare = {name for name, one in known.items() if not one.counted}
        odd |= bare if len(bare) < len(known) else set()
    return sorted(odd | _companions(known)) if odd else []


def _companions(known: Mapping[str, OfMeasure]) -> set[str]:
    """One measure each that shows what the table as a whole has."""
    shown = (
        [name for name, one in known.items() if one.good and not one.lacking],
        [name for name, one in known.items() if one.inside],
        [name for name, one in known.items() if one.counted],
    )
    return {names[0] for names in shown if names}


def invalid_rows(
    invalid: Mapping[Name, str], *, measure: str | None, unit: str | None
) -> list[tuple[Any, ...]]:
    """Rows of the summary for series that could not be charted, with the reason.

    Parameters
    ----------
    invalid : mapping of (measure, unit) to str
        Those series, and what is wrong with them.
    measure, unit : str, optional
        Only these.

    Examples
    --------
    >>> invalid_rows({("m", "a"): "why"}, measure=None, unit=None)[0][:2]
    ('m', 'a')
    """
    rows = []
    for (name, code), why in sorted(invalid.items()):
        if measure in (None, name) and unit in (None, code):
            cells = {"measure": name, "unit": code, "points": 0}
            cells |= {"status": "invalid_input", "reason": why}
            rows.append(tuple(cells.get(column) for column in SUMMARY.names))
    return rows
