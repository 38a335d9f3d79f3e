"""Records that stand in the data twice, by the field that names one record of a pack.

They are told and not dropped: which of two is right, only those who keep the data know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spcbench.measures.column_names import CHECK_FIRST
from spcbench.measures.dialect import Dialect
from spcbench.measures.dialect_duckdb import DUCKDB
from spcbench.measures.rejects import numbered
from spcbench.measures.tallies import RECORD
from spcbench.measures.wanted import Wanted
from spcbench.tables import REJECTS

if TYPE_CHECKING:
    import pandas as pd

    from spcbench.measures.records_sql import Records

_PLACE, _KEY = "part~number", "key~text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """How many records repeat another, by key field.

    Parameters
    ----------
    found : mapping of str to int
        Records beyond the first with each value, for every key that the data know.
    notes : tuple of str
        What to say of it, and of keys that could not be looked at.
    """

    found: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def repeats(wanted: Sequence[Wanted], records: Records, dialect: Dialect) -> Repeats:
    """Look for records with one key, at one query for each field that is a key.

    Parameters
    ----------
    wanted : sequence of Wanted
        Packs; those without a key ask nothing.
    records : Records
        On any engine.
    dialect : Dialect
        The engine.
    """
    found, notes = {}, []
    for key, record in {one.pack.key: one.pack.record for one in wanted if one.pack.key}.items():
        known, different, read = _known(key, records, dialect)
        if read and not known:
            notes.append(
                f"there is no {key}: not checked whether a {record} stands in the data twice"
            )
        found[key] = known - different
        if found[key]:
            verb = "repeats" if found[key] == 1 else "repeat"
            notes.append(
                f"{CHECK_FIRST}{found[key]:,} of {read:,} records {verb} the {key} of another "
                f"record. None is left out, so the same {record} may count more than once; keep "
                f"one record for each {record}"
            )
    return Repeats(found=found, notes=tuple(notes))


def repeat_rows(found: Repeats, records: Records, *, most: int | None) -> pd.DataFrame:
    """Where the repeats stand, by file and row; never what they say.

    Parameters
    ----------
    found : Repeats
        From `repeats`.
    records : Records
        In files or frames, which DuckDB scans.
    most : int, optional
        Only the first so many for each key.

    Returns
    -------
    pandas.DataFrame
        Columns of `tables.REJECTS`.
    """
    rows: list[tuple[Any, ...]] = []
    for key, number in found.found.items():
        if not number:
            continue
        places = records.fetch(_places(key, records, most))
        for part, (path, _) in enumerate(records.relations):
            own = [int(one) for one in places[RECORD][places[_PLACE] == part]]
            reason = f"the same {key} stands in an earlier record"
            at = records.rows(path, own)
            rows += [(Path(path).name, row, key, "key", reason) for row in at]
    columns = list(zip(*rows, strict=True)) or [()] * len(REJECTS.names)
    return REJECTS.frame(dict(zip(REJECTS.names, map(list, columns), strict=True)))


def _known(key: str, records: Records, dialect: Dialect) -> tuple[int, int, int]:
    """How many records have a key, how many keys there are, and how many records."""
    native = records.natives.get(key)
    if native is None or dialect.native(native) == "null":
        return 0, 0, 1
    sums = records.fetch(
        f"SELECT count(key_text) AS known, count(DISTINCT key_text) AS different, "
        f"count(*) AS records FROM (SELECT {_text(key, dialect)} AS key_text "
        f"FROM {records.relation}) AS keys"
    )
    return int(sums["known"][0]), int(sums["different"][0]), int(sums["records"][0])


def _text(key: str, dialect: Dialect) -> str:
    """A key as text, without blanks around it; null where there is none."""
    text = dialect.trimmed_name(dialect.as_text(dialect.named(key)))
    return f"CASE WHEN lower({text}) <> 'nan' THEN {text} END"


def _places(key: str, records: Records, most: int | None) -> str:
    """The query for the places of all records but the first of each key."""
    named = DUCKDB.named
    each = " UNION ALL ".join(
        f"SELECT {part} AS {named(_PLACE)}, {named(RECORD)}, {_text(key, DUCKDB)} AS "
        f"{named(_KEY)} FROM {numbered(relation)}"
        for part, (_, relation) in enumerate(records.relations)
    )
    order = f"{named(_PLACE)}, {named(RECORD)}"
    limit = "" if most is None else f" LIMIT {most}"
    return (
        f"SELECT {order} FROM ({each}) WHERE {named(_KEY)} IS NOT NULL "
        f"QUALIFY row_number() OVER (PARTITION BY {named(_KEY)} ORDER BY {order}) > 1 "
        f"ORDER BY {order}{limit}"
    )
