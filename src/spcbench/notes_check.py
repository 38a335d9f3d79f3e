"""Notes as they come in: one row one decision, checked before any chart sees them.

A decision that changes limits (a new phase, a frozen baseline, an excluded
point) needs a reason and an author; a comment needs only its text.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from spcbench.counts_cells import Place, dates, words
from spcbench.counts_check import as_pandas
from spcbench.errors import InputError, suggest
from spcbench.notes_file import opened
from spcbench.numeric.segments import Flags
from spcbench.tables import Column, Contract

ACTIONS = ("rebase", "freeze", "exclude", "comment")
FEWEST_FROZEN = 3
"""Fewest points that a baseline is frozen on: with fewer there are no limits."""

NOTES = Contract(
    "notes",
    (
        Column("measure", "string"),
        Column("unit", "string"),
        Column("date", "date"),
        Column("action", "string"),
        Column("reason", "string"),
        Column("author", "string"),
        Column("until", "date"),
        Column("points", "integer"),
        Column("where", "string"),
    ),
)
"""Checked notes; `where` is the place that messages name, such as ``notes.csv, line 3``."""

NEEDED = NOTES.names[:6]
OPTIONAL = NOTES.names[6:]


def note(
    action: str,
    *,
    date: Any,
    reason: str,
    author: str | None = None,
    measure: str | None = None,
    unit: str | None = None,
    until: Any = None,
    points: int | None = None,
) -> pd.DataFrame:
    """One decision or comment about a chart.

    Parameters
    ----------
    action : str
        ``"rebase"``: a new phase starts at `date`. ``"freeze"``: the limits of
        the phase that starts at `date` come from its first `points` points, or
        from its points up to `until`. ``"exclude"``: the point of `date`, or
        those from `date` to `until`, are shown and not used. ``"comment"``:
        `reason` is shown beside the chart.
    date : date or str in ISO order
        First day of a period; a comment's may fall within one. None only for
        a freeze of the first phase.
    reason : str
        Why; the text of a comment.
    author : str, optional
        Who decided; required but for a comment.
    measure, unit : str, optional
        What the note is about; all of them if not given.
    until : date or str in ISO order, optional
        Last day of a freeze's baseline or of an exclusion.
    points : int, optional
        Points with data that a freeze uses, at least 3.

    Returns
    -------
    pandas.DataFrame
        One row with the columns of notes.

    Raises
    ------
    InputError
        If something is missing, contradictory or not of its kind.

    Examples
    --------
    >>> one = note("rebase", date="2024-04-01", reason="New clinic", author="A. Shah", unit="RJ1")
    >>> one[["unit", "date", "action", "reason"]]
      unit       date  action      reason
    0  RJ1 2024-04-01  rebase  New clinic
    """
    cells = {
        "measure": measure,
        "unit": unit,
        "date": date,
        "action": action,
        "reason": reason,
        "author": author,
        "until": until,
        "points": points,
    }
    frame = pd.DataFrame({name: pd.Series([cell], dtype="object") for name, cell in cells.items()})
    return checked_notes(frame, Place("the note")).drop(columns="where")


def read_notes(source: Any, *, date_format: str | None = None) -> pd.DataFrame:
    """Notes from a CSV file, a table, or a list of what `note` gives; all checked.

    Parameters
    ----------
    source : path, pandas, polars or Arrow table, or a list of tables
        With the columns `measure, unit, date, action, reason, author`, and
        perhaps `until` and `points`. A file is UTF-8 text whose first line
        names them.
    date_format : str, optional
        How dates are written in text when not as YYYY-MM-DD.

    Returns
    -------
    pandas.DataFrame
        As `NOTES`, in the order they came; blank cells are missing.

    Raises
    ------
    InputError
        For the first fault; names file, line, column, what stands there and
        what was expected.

    Examples
    --------
    >>> notes = read_notes([
    ...     note("freeze", date=None, points=12, reason="First year", author="A. Shah"),
    ...     note("comment", date="2024-03-11", reason="PDSA 1: wristbands")])
    >>> notes["where"].to_list()
    ['the notes, row 1', 'the notes, row 2']
    """
    if isinstance(source, str | os.PathLike):
        file = opened(Path(source))
        cells = [[cell.strip() or None for cell in row] for row in file.cells]
        frame = pd.DataFrame(cells, columns=file.names, dtype="object")
        place = Place(file.source, text=True, lines=np.array(file.lines, dtype=np.int64))
        return checked_notes(frame, place, date_format=date_format)
    if isinstance(source, list | tuple):
        return checked_notes(_joined(source), Place("the notes"), date_format=date_format)
    return checked_notes(_table(source), Place("the notes"), date_format=date_format)


def checked_notes(
    frame: pd.DataFrame, place: Place, *, date_format: str | None = None
) -> pd.DataFrame:
    """Notes in the order and types of `NOTES`, or an error that says what is wrong.

    Parameters
    ----------
    frame : pandas.DataFrame
        The notes, with an index of 0, 1, 2, …
    place : Place
        For messages.
    date_format : str, optional
        How dates are written in text.
    """
    _check_columns(frame, place)
    frame = frame.reindex(columns=[*NEEDED, *OPTIONAL])
    action = _action(frame["action"], place)
    built: dict[str, Any] = {"action": action}
    for name in ("measure", "unit", "reason", "author", "where"):
        built[name] = words(frame[name], place)
    for name in ("date", "until"):
        built[name] = dates(frame[name], place, date_format=date_format)
    built["points"] = _points(frame["points"], place)
    _check_missing(built, action.to_numpy(dtype="object"), place)
    _check_span(built, action.to_numpy(dtype="object"), place)
    rows = pd.Series([place.row(row) for row in range(len(frame))], dtype="object")
    built["where"] = built["where"].astype("object").where(built["where"].notna(), rows)
    made = NOTES.frame(built)
    check_repeated(made)
    return made


def _table(source: Any) -> pd.DataFrame:
    if not (isinstance(source, pd.DataFrame | pa.Table) or hasattr(source, "to_arrow")):
        raise InputError(
            "notes must be the name of a CSV file, a pandas, polars or Arrow table, or a list of "
            f"note(...); this is {type(source).__name__}"
        )
    return as_pandas(source)


def _joined(parts: Sequence[Any]) -> pd.DataFrame:
    tables = [_table(part) for part in parts]
    for table in tables:
        _check_columns(table, Place("the notes"))
    columns = [*NEEDED, *OPTIONAL]
    # As objects, so that a column that is blank in one part does not change the others' type.
    loose = [table.reindex(columns=columns).astype("object") for table in tables]
    if not loose:
        return NOTES.empty()
    return pd.concat(loose, ignore_index=True)


def _check_columns(frame: pd.DataFrame, place: Place) -> None:
    names = [str(name) for name in frame.columns]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InputError(f"{place.whole} has the column {repeated[0]!r} twice; keep one of them")
    for name in NEEDED:
        if name not in names:
            raise InputError(
                f"{place.whole} has no column {name!r}; {suggest(name, names)}. "
                f"Notes need the columns {', '.join(NEEDED)}"
            )
    # A misspelt `until` would leave a range at its first day, and nobody would see it.
    for name in names:
        if name not in NOTES.names:
            raise InputError(
                f"{place.whole} has a column {name!r}, which notes do not have; "
                f"{suggest(name, [*NEEDED, *OPTIONAL[:2]])}"
            )


def _refuse(bad: Flags, place: Place, message: str) -> None:
    """Raise for the first bad row; the message has `{at}` where its place goes."""
    if bad.any():
        row = int(np.argmax(bad))
        raise InputError(message.format(row=place.row(row)) + place.also(bad))


def _action(cells: pd.Series, place: Place) -> pd.Series:
    made = words(cells, place)
    wrong = ~made.isin(ACTIONS).to_numpy(dtype=np.bool_)
    if wrong.any():
        row = int(np.argmax(wrong))
        told = made.iloc[row]
        if pd.isna(told):
            said = f" is blank; expected one of {', '.join(ACTIONS)}"
        else:
            said = f": {told!r} is not an action; {suggest(str(told), ACTIONS)}"
        raise InputError(place.at(row, "action") + said + place.also(wrong))
    return made


def _points(cells: pd.Series, place: Place) -> pd.Series:
    made: list[Any] = []
    for row, cell in enumerate(cells.astype("object")):
        text = "" if pd.isna(cell) else str(cell).strip()
        if not text:
            made.append(pd.NA)
            continue
        if not re.fullmatch(r"\d{1,9}(\.0*)?", text) or float(text) < FEWEST_FROZEN:
            raise InputError(
                f"{place.at(row, 'points')}: {text} is not a whole number of {FEWEST_FROZEN} or "
                "more; fewer points give no limits"
            )
        made.append(int(float(text)))
    return pd.Series(made, dtype=pd.Int64Dtype(), name="points")


def _blank(cells: pd.Series) -> Flags:
    made: Flags = cells.isna().to_numpy(dtype=np.bool_)
    return made


def _check_missing(
    built: dict[str, pd.Series], action: npt.NDArray[np.object_], place: Place
) -> None:
    """Who, why and when: each action wants its own."""
    wanting = {
        "reason": np.ones(action.size, dtype=np.bool_),
        "author": action != "comment",
        "date": action != "freeze",
    }
    use = {
        "reason": "say why; of a comment it is the text",
        "author": "say who decided",
        "date": "give the first day of a period",
    }
    for name, wanted in wanting.items():
        bad = wanted & _blank(built[name])
        if bad.any():
            row = int(np.argmax(bad))
            raise InputError(
                f"{place.at(row, name)} is blank; {_noun(action[row])} needs a"
                f"{'n' if name == 'author' else ''} {name}: {use[name]}" + place.also(bad)
            )


def _noun(action: str) -> str:
    return f"an {action}" if action == "exclude" else f"a {action}"


def _check_span(built: dict[str, pd.Series], action: npt.NDArray[np.object_], place: Place) -> None:
    """`until` and `points`: where they belong, and that they agree with the rest."""
    until, points = ~_blank(built["until"]), ~_blank(built["points"])
    freeze = action == "freeze"
    _refuse(
        until & np.isin(action, ("rebase", "comment")),
        place,
        "{row}, column 'until' is for freeze and exclude only; leave it blank",
    )
    _refuse(points & ~freeze, place, "{row}, column 'points' is for freeze only; leave it blank")
    _refuse(
        freeze & ~until & ~points,
        place,
        "{row}: a freeze needs either points (how many) or until (a date); both are blank",
    )
    _refuse(
        freeze & until & points,
        place,
        "{row}: a freeze has either points or until; both are given",
    )
    early = built["until"].lt(built["date"]).to_numpy(dtype=np.bool_)
    if early.any():
        row = int(np.argmax(early))
        first, last = built["date"].iloc[row], built["until"].iloc[row]
        raise InputError(
            f"{place.at(row, 'until')}: {last:%Y-%m-%d} is before the date, {first:%Y-%m-%d}"
            + place.also(early)
        )


def check_repeated(notes: pd.DataFrame) -> None:
    """The same decision twice, or two baselines for one phase."""
    loose = notes.astype("object").where(notes.notna(), None).to_dict("records")
    seen: dict[tuple[Any, ...], int] = {}
    frozen: dict[tuple[Any, ...], int] = {}
    for row, one in enumerate(loose):
        about = (one["measure"], one["unit"], one["date"])
        text = one["reason"] if one["action"] == "comment" else None
        key = (one["action"], *about, one["until"], one["points"], text)
        first = seen.setdefault(key, row)
        if first != row:
            when = "" if one["date"] is None else f" on {one['date']:%Y-%m-%d}"
            raise InputError(
                f"{one['where']} repeats {loose[first]['where']} ({one['action']}{when}); "
                "keep one of them"
            )
        if one["action"] == "freeze" and frozen.setdefault(about, row) != row:
            raise InputError(
                f"{one['where']} freezes the same phase as {loose[frozen[about]]['where']}, on "
                "other points; keep one of them"
            )
