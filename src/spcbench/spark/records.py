"""Records in a Spark DataFrame, as something that a count can be asked of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
import pyarrow as pa

from spcbench.errors import InputError
from spcbench.measures.column_names import chosen_columns
from spcbench.measures.tallies import order_name

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SOURCE = "the Spark DataFrame"
"""What messages call it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SparkRecords:
    """Records that Spark scans; what a count needs of `measures.records_sql.Records`.

    Parameters
    ----------
    table : DataFrame
        The wanted columns.
    relation : str
        The name of the view that stands for it in a query.
    natives : mapping of str to str
        Spark's type of each column.
    source : str
        For messages.
    notes : tuple of str
        What was assumed.
    """

    table: DataFrame
    relation: str
    natives: Mapping[str, str]
    source: str = SOURCE
    notes: tuple[str, ...] = ()

    relations: tuple[tuple[str, str], ...] = ()
    """Of a file each in `Records`; here no record has a place that could be told."""

    def fetch(self, query: str) -> dict[str, Any]:
        """The sums that a query gives, one array per column.

        Raises
        ------
        InputError
            If Spark cannot read the records, or dates are written in another order.
        """
        from pyspark.errors import PySparkException

        try:
            found = self.table.sparkSession.sql(query).toArrow()
        except PySparkException as error:
            # The first line says what is wrong; the others hold the query and may quote data.
            reason = str(error).splitlines()[0][:200]
            raise InputError(f"{self.source}: cannot be counted ({reason})") from error
        sums = {name: _array(found[name]) for name in found.column_names}
        self._check_order(sums)
        return sums

    def _check_order(self, sums: Mapping[str, Any]) -> None:
        start = order_name("")
        for name in sums:
            if name.startswith(start) and (number := int(sums[name].sum())):
                raise InputError(
                    f"{self.source}, column {name.removeprefix(start)!r}: {number:,} dates are "
                    "written in another order than YYYY-MM-DD; say how dates are written with "
                    "date_format='%d/%m/%Y'"
                )

    def close(self) -> None:
        """Take the view away again."""
        self.table.sparkSession.catalog.dropTempView(self.relation)

    def ragged(self) -> list[tuple[str, int, str]]:
        """None: whoever made the DataFrame has dealt with those."""
        return []


def open_spark(
    table: DataFrame, *, columns: Iterable[str], beside: Iterable[str] = ()
) -> SparkRecords:
    """Records in a Spark DataFrame, ready to be counted.

    Parameters
    ----------
    table : DataFrame
        The records.
    columns : iterable of str
        The columns that must be there.
    beside : iterable of str
        Columns that come along where they exist.

    Raises
    ------
    InputError
        If a column is missing, stands twice, or has a name that Spark would
        replace.
    """
    from pyspark.sql import functions as sql

    wanted = list(dict.fromkeys(columns))
    chosen = chosen_columns(table.columns, wanted, list(beside), SOURCE)
    _check_names(chosen, table.columns)
    picked = table.select(*(sql.col("`" + name.replace("`", "``") + "`") for name in chosen))
    view = f"spcbench_{uuid4().hex}"
    picked.createOrReplaceTempView(view)
    natives = dict(picked.dtypes)
    return SparkRecords(table=picked, relation=view, natives=natives, notes=_notes(table, natives))


def _notes(table: DataFrame, natives: Mapping[str, str]) -> tuple[str, ...]:
    moments = [name for name, native in natives.items() if native == "timestamp"]
    if not moments:
        return ()
    zone = table.sparkSession.conf.get("spark.sql.session.timeZone")
    return (f"{', '.join(moments)}: told by the clocks of the Spark session, {zone}",)


def _check_names(chosen: Sequence[str], known: Sequence[str]) -> None:
    lower = [name.lower() for name in known]
    for name in chosen:
        if "${" in name:
            raise InputError(
                f"{SOURCE}, column {name!r}: rename it; Spark would put a setting in its place"
            )
        if lower.count(name.lower()) > 1:
            raise InputError(
                f"{SOURCE} has several columns {name!r} that differ in capitals only, which Spark "
                "does not tell apart; rename all but one"
            )


def _array(cells: pa.ChunkedArray) -> Any:
    """A column as DuckDB would give it: sums plain, names and days masked where null."""
    if pa.types.is_integer(cells.type):
        return cells.to_numpy()
    return np.ma.masked_array(cells.to_numpy(), mask=cells.is_null().to_numpy())
