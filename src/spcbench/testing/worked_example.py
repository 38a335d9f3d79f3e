"""A worked example: records that anyone can count by hand, and the counts they must give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from spcbench.errors import UnknownNameError

if TYPE_CHECKING:
    from spcbench.plugin import Pack

UNIT_COLUMN = "worked_example_unit"
DATE_COLUMN = "worked_example_date"


def assert_counts(
    pack: Pack,
    records: Sequence[Mapping[str, Any]] | Any,
    expected: Mapping[str, tuple[int, ...]],
) -> None:
    """Check that a pack counts records as its author did by hand.

    Parameters
    ----------
    pack : Pack
        The definitions.
    records : sequence of mappings, or a pandas frame
        One per case, holding the pack's fields; a field left out is missing
        (null). No unit and no date are needed.
    expected : mapping of str to tuple of int
        By the measure's id: ``(numerator, denominator)``, or
        ``(numerator, denominator, missing)`` to check the unknown cases too.

    Raises
    ------
    AssertionError
        If a measure counts differently; the message lists every one that does.
    UnknownNameError
        If `expected` names a measure that the pack does not have.
    InputError
        If the records cannot be counted.
    """
    from spcbench import count

    known = [measure.id for measure in pack.measures]
    for measure in expected:
        if measure not in known:
            raise UnknownNameError("measure", measure, known)
    counted = count(
        _with_unit_and_date(pack, records),
        packs=[pack],
        unit_column=UNIT_COLUMN,
        date_column=DATE_COLUMN,
        rejects=True,
    )
    if len(counted.rejects):
        first = counted.rejects.iloc[0]
        raise AssertionError(
            f"pack {pack.name}, worked example: record {first['row']} cannot be counted: "
            f"{first['field']}: {first['reason']}"
        )
    sums = counted.counts.groupby("measure", observed=True)[
        ["numerator", "denominator", "missing"]
    ].sum()
    wrong = []
    for measure, wanted in expected.items():
        got = tuple(int(value) for value in sums.loc[f"{pack.name}:{measure}"])[: len(wanted)]
        if got != tuple(wanted):
            wrong.append(f"{measure} counts {_said(got)}, expected {_said(wanted)}")
    if wrong:
        raise AssertionError(f"pack {pack.name}, worked example: " + "; ".join(wrong))


def _with_unit_and_date(pack: Pack, records: Any) -> Any:
    import pandas as pd

    frame = pd.DataFrame(records)
    for declared in pack.fields:
        if declared.name not in frame.columns:
            frame[declared.name] = None
    return frame.assign(**{UNIT_COLUMN: "example", DATE_COLUMN: "2024-01-15"})


def _said(counts: Sequence[int]) -> str:
    said = f"{counts[0]} of {counts[1]}"
    return said if len(counts) < 3 else f"{said} with {counts[2]} unknown"
