"""Notes on charts: new phases, frozen baselines, excluded points and comments.

Nothing about a chart is changed silently: each of these has a date, a reason
and an author, and goes into the method of the result.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spcbench.errors import InputError
from spcbench.notes_check import NOTES, check_repeated, note, read_notes
from spcbench.notes_file import extend
from spcbench.notes_rows import Codes, Concern, Ground, as_text, beginning, concern, containing
from spcbench.notes_rows import ground as _ground
from spcbench.numeric.segments import Flags, Integers, Segments
from spcbench.tables import STRING

__all__ = ["NOTES", "Placed", "appended", "note", "place", "read_notes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where notes took effect; arrays of shape (rows,) unless said.

    Parameters
    ----------
    phase : array of int64
        1 for the first phase of a series.
    segments : Segments
        One per phase of each series.
    latest : array of int64, shape (series,)
        Which segment is the last phase of each series.
    in_baseline : array of bool
        False after the points that a phase's limits are frozen on.
    excluded : array of bool
        Points that are shown and not used.
    comment : pandas string array
        Comments and reasons, joined by ``"; "``; empty where there is none.
    applied : list of dict
        Each note that took effect: `action, date, until, points, reason,
        author, measure, unit`; dates as text, None where blank.
    rows : list of array of int64
        Of each of those, in order: the row of each series that it begins with.
    """

    phase: Integers
    segments: Segments
    latest: Integers
    in_baseline: Flags
    excluded: Flags
    comment: Any
    applied: list[dict[str, Any]]
    rows: list[Integers] = field(default_factory=list)


def place(
    notes: pd.DataFrame,
    frame: pd.DataFrame,
    series: Segments,
    *,
    known_measures: Iterable[str] | None = None,
    known_units: Iterable[str] | None = None,
    known_periods: Any = None,
    until: Any = None,
    frequency: Mapping[str, str] | None = None,
) -> Placed:
    """Where notes take effect in checked counts.

    Parameters
    ----------
    notes : pandas.DataFrame
        What `read_notes` gives.
    frame : pandas.DataFrame
        Checked counts, in order of measure, unit and period. Rows whose
        `status` is not ``"ok"`` are no points: a freeze does not count them.
    series : Segments
        One segment per measure and unit.
    known_measures, known_units, known_periods : iterable, optional
        All names and first days of the whole table, when `frame` is a part of
        it: notes on the others are then not for this chart.
    until : date, optional
        Last period that was kept, when later ones were left out: notes on
        those are not for this chart.
    frequency : mapping of str to str, optional
        How long each measure's periods last, such as ``"month"`` or
        ``"10 days"``; found from the periods if not given.

    Returns
    -------
    Placed
        A note on several series starts in each with its first period on or
        after the date.

    Raises
    ------
    InputError
        If a note names a measure, unit or date that the counts do not have,
        two freezes contradict each other, or notes leave a phase no point to
        estimate limits from. Names the note's line.

    Examples
    --------
    >>> from spcbench.counts_check import check_counts
    >>> counts = check_counts(pd.DataFrame(
    ...     {"measure": "m", "unit": "a", "period": ["2024-01-01", "2024-02-01", "2024-03-01"],
    ...      "numerator": 1, "denominator": 2}))
    >>> notes = read_notes([note("rebase", date="2024-02-01", reason="New clinic", author="AS")])
    >>> placed = place(notes, counts, Segments.from_lengths([3]))
    >>> placed.phase
    array([1, 2, 2])
    >>> list(placed.comment)
    ['', 'New phase: New clinic (AS)', '']
    """
    if notes.empty or not series.size:
        return _placed(series, series)
    counts = _ground(
        frame,
        series,
        known_measures=known_measures,
        known_units=known_units,
        known_periods=known_periods,
        until=until,
        frequency=frequency,
    )
    found = (concern(row, counts) for row in notes.itertuples(index=False))
    told = [(one, _rows(one, counts)) for one in found if one is not None]
    told = [(one, rows) for one, rows in told if rows.size]
    edges, excluded = counts.edge.copy(), np.zeros(series.size, dtype=np.bool_)
    for one, rows in told:
        if one.action == "rebase":
            edges[rows] = True
        elif one.action == "exclude":
            excluded[rows] = True
    segments = Segments.from_breaks(edges)
    in_baseline = _baseline(told, counts, segments)
    _check_something_left(told, counts, segments, in_baseline & ~excluded)
    return _placed(series, segments, told=told, in_baseline=in_baseline, excluded=excluded)


def _placed(
    series: Segments,
    segments: Segments,
    *,
    told: Sequence[tuple[Concern, Integers]] = (),
    in_baseline: Flags | None = None,
    excluded: Flags | None = None,
) -> Placed:
    """What notes come to, once it is known where."""
    own = np.searchsorted(series.starts, segments.starts, side="right") - 1
    first = np.searchsorted(segments.starts, series.starts)
    phase = segments.spread(np.arange(len(segments)) - first[own] + 1)
    texts = _Texts(np.zeros(series.size, dtype=np.int32))
    for one, rows in told:
        texts.add(_words(one), rows)
    return Placed(
        phase=phase,
        segments=segments,
        latest=np.append(first, len(segments))[1:] - 1,
        in_baseline=np.ones(series.size, dtype=np.bool_) if in_baseline is None else in_baseline,
        excluded=np.zeros(series.size, dtype=np.bool_) if excluded is None else excluded,
        comment=texts.joined(),
        applied=[one.entry() for one, _ in told],
        rows=[_first_of_each(rows, series) for _, rows in told],
    )


def _first_of_each(rows: Integers, series: Segments) -> Integers:
    """The first of the rows in each series that has any; rows rise."""
    number = np.searchsorted(series.starts, rows, side="right")
    return np.asarray(rows[np.append(True, number[1:] != number[:-1])])


def _words(one: Concern) -> str:
    """What the chart says of a note: what was decided, why, and by whom."""
    what = {
        "rebase": "New phase: ",
        "exclude": "Not used: ",
        "freeze": "Limits from here"
        + (f", {one.points} points: " if one.points else f" to {one.until!s:.10}: "),
    }.get(one.action, "")
    return f"{what}{one.reason}" + (f" ({one.author})" if one.author else "")


def _rows(one: Concern, counts: Ground) -> Integers:
    """Rows where a note starts (rebase, freeze), or that it is about (exclude, comment)."""
    if one.action == "comment":
        return containing(one, counts)
    first = beginning(one, counts)
    if one.action != "exclude":
        return one.firsts(first)
    last = one.date if np.isnat(one.until) else one.until
    beyond = int(np.searchsorted(counts.dates, last, side="right"))
    return one.at((one.code >= first) & (one.code < beyond))


def _baseline(
    told: Sequence[tuple[Concern, Integers]], counts: Ground, segments: Segments
) -> Flags:
    """False on the rows of frozen phases that their limits are not estimated from."""
    size = segments.size
    edges = np.append(segments.starts, size)
    freezes = [(one, rows) for one, rows in told if one.action == "freeze"]
    by = np.full(len(segments), -1, dtype=np.int64)
    # +1 where rows begin to be left out, -1 where their phase ends.
    change = np.zeros(size + 1, dtype=np.int32)
    for number, (one, rows) in enumerate(freezes):
        phase = np.searchsorted(segments.starts, rows, side="right") - 1
        _check_begins(one, rows, edges[phase], counts, segments)
        _check_agrees(one, [other for other, _ in freezes], by[phase], rows, counts)
        by[phase] = number
        stop = _stop(one, rows, edges[phase + 1], counts)
        left_out = stop < edges[phase + 1]
        change[stop[left_out]] += 1
        change[edges[phase + 1][left_out]] -= 1
    return np.asarray(np.cumsum(change[:-1], dtype=np.int32) == 0)


def _stop(one: Concern, rows: Integers, ends: Integers, counts: Ground) -> Integers:
    """One past the last row of the baseline, for each phase that begins at `rows`.

    It lies beyond the end of a phase that has fewer points than are asked for.
    """
    if one.points is not None:
        return np.searchsorted(counts.points_before, counts.points_before[rows] + one.points)
    stop = counts.after(rows, one.until)
    beyond = stop > ends
    if beyond.any():
        row = int(np.argmax(beyond))
        raise InputError(
            f"{one.where}, column 'until': {as_text(one.until)} lies in another phase of "
            f"{counts.named(int(rows[row]))}, which begins on {counts.period(int(ends[row]))}; "
            "a baseline lies in one phase"
        )
    return stop


def _check_begins(
    one: Concern, rows: Integers, starts: Integers, counts: Ground, segments: Segments
) -> None:
    """A freeze belongs to a phase, so one must begin there."""
    late = rows != starts
    if late.any():
        row = int(rows[np.argmax(late)])
        own = int(counts.series_of(np.array([row]))[0])
        within = counts.series_of(segments.starts) == own
        begin = ", ".join(counts.period(int(at)) for at in segments.starts[within])
        raise InputError(
            f"{one.where}, column 'date': no phase of {counts.named(row)} begins on "
            f"{counts.period(row)}; its phases begin on {begin}. Give one of these, or rebase"
        )


def _check_agrees(
    one: Concern, freezes: Sequence[Concern], by: Integers, rows: Integers, counts: Ground
) -> None:
    """Two freezes of one phase must say the same."""
    for number in np.unique(by[by >= 0]):
        other = freezes[number]
        # As text, because a blank date is not equal to itself.
        if any(other.entry()[name] != one.entry()[name] for name in ("points", "until")):
            row = int(rows[np.argmax(by == number)])
            raise InputError(
                f"{one.where} contradicts {other.where}: both freeze {counts.named(row)} from "
                f"{counts.period(row)}, on different points; keep one of them"
            )


def _check_something_left(
    told: Sequence[tuple[Concern, Integers]], counts: Ground, segments: Segments, used: Flags
) -> None:
    """Limits of a phase with data need at least one point."""
    if used.all():
        return
    had = segments.sums(counts.has_data.astype(np.int64))
    left = segments.sums((counts.has_data & used).astype(np.int64))
    empty = (had > 0) & (left == 0)
    if empty.any():
        phase = int(np.argmax(empty))
        first, last = int(segments.starts[phase]), int(segments.lasts[phase])
        guilty = [
            one.where
            for one, rows in told
            if one.action in ("freeze", "exclude") and ((rows >= first) & (rows <= last)).any()
        ]
        raise InputError(
            f"{' and '.join(guilty)}: no point of {counts.named(first)} from "
            f"{counts.period(first)} to {counts.period(last)} is left to estimate limits from; "
            "exclude fewer points, or freeze more"
        )


def appended(
    path: str | os.PathLike[str], notes: Any, *, date_format: str | None = None
) -> pd.DataFrame:
    """Add notes at the end of a CSV file; what stands in it stays byte for byte.

    Parameters
    ----------
    path : path
        A file of notes; it is made if there is none.
    notes : path, table or list of tables
        As `read_notes` takes them.
    date_format : str, optional
        How the file writes dates when not as YYYY-MM-DD.

    Returns
    -------
    pandas.DataFrame
        All notes that the file then holds.

    Raises
    ------
    InputError
        If old or new notes have a fault, a new one repeats or contradicts one
        of the file, or the file lacks a column that a new one needs. The file
        is then as it was.
    OptionError
        If it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "notes.csv"
    ...     _ = appended(file, note("comment", date="2024-03-11", reason="PDSA 1"))
    ...     print(file.read_text())
    measure,unit,date,action,reason,author,until,points
    ,,2024-03-11,comment,PDSA 1,,,
    <BLANKLINE>
    """
    file, form = Path(path), date_format or "%Y-%m-%d"
    new = read_notes(notes)
    if file.exists():
        new["where"] = [f"the new note {row + 1}" for row in range(len(new))]
        check_repeated(pd.concat([read_notes(file, date_format=date_format), new]))
    columns = NOTES.names[:-1]
    loose = new[columns].astype("object")
    for name in ("date", "until"):
        loose[name] = new[name].dt.strftime(form)
    texts = loose.where(loose.notna(), "").to_numpy(dtype="object")
    extend(file, columns, [[str(cell) for cell in row] for row in texts])
    return read_notes(file, date_format=date_format)


@dataclass(slots=True)
class _Texts:
    """The texts of each row, as numbers of combinations: rows are many, combinations few."""

    code: Codes
    parts: list[tuple[str, ...]] = field(default_factory=lambda: [()])

    def add(self, text: str, rows: Integers) -> None:
        """Say `text` at some rows, after what is said there already."""
        here = self.code[rows]
        present = np.zeros(len(self.parts), dtype=np.bool_)
        present[here] = True
        new = np.arange(len(self.parts), dtype=np.int32)
        for old in np.flatnonzero(present):
            if text not in self.parts[old]:
                new[old] = len(self.parts)
                self.parts.append((*self.parts[old], text))
        self.code[rows] = new[here]

    def joined(self) -> Any:
        """The text of each row."""
        return pd.array(["; ".join(parts) for parts in self.parts], dtype=STRING).take(self.code)
