"""What a table of monthly counts holds, and what rounding does to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spcbench.errors import InputError
from spcbench_mis.monthly_rows import FEW_CASES, NOTE_MISFIT, PUBLISHED
from spcbench_mis.organisations import is_listed

if TYPE_CHECKING:
    import pandas as pd

    from spcbench.tables import Table


def published_summary(counts: Table) -> pd.DataFrame:
    """How often each measure is given, withheld or uncertain.

    Parameters
    ----------
    counts : Table
        As `spcbench.read` gives them from monthly files.

    Returns
    -------
    pandas.DataFrame
        One row a measure and level: `measure`, `level`, `units`, `periods`, one
        column for each word of `monthly_rows.PUBLISHED`, `provisional`,
        `under_50` (rows with fewer cases than that), `misfit` (rows whose
        published rate does not fit their counts) and `advice`: what rounding
        means for charts of it; empty where it means little.

    Raises
    ------
    InputError
        If the table is not of monthly files.
    """
    import pandas as pd

    frame = _frame(counts)
    given = pd.get_dummies(frame["published"]).reindex(columns=list(PUBLISHED), fill_value=False)
    few = (frame["denominator"] < FEW_CASES).fillna(False).astype(bool)
    marks = given.assign(provisional=frame["release"].eq("provisional"), under_50=few)
    marks["misfit"] = frame["note"].str.contains(NOTE_MISFIT, regex=False, na=False).astype(bool)
    keys = [frame["measure"], frame["level"].astype("string")]
    grouped = frame.groupby(keys, sort=True)
    made = pd.concat(
        [
            grouped.agg(units=("unit", "nunique"), periods=("period", "nunique")),
            marks.groupby(keys, sort=True).sum().astype("int64"),
        ],
        axis=1,
    )
    made.index.names = ["measure", "level"]
    made["advice"] = [_advice(one) for one in made.to_dict("records")]
    return made.reset_index()


def unlisted_organisations(counts: Table) -> pd.DataFrame:
    """Organisations whose codes are not on the list of maternity providers.

    They are read like any other.

    Parameters
    ----------
    counts : Table
        As `spcbench.read` gives them from monthly files.

    Returns
    -------
    pandas.DataFrame
        Columns `unit`, `unit_name`, `level`, `rows`: providers that are not
        listed, and organisations of any level without a code.

    Raises
    ------
    InputError
        If the table is not of monthly files.
    """
    frame = _frame(counts)
    provider = frame["level"].eq("provider")
    codes = {code: is_listed(code) for code in frame["unit"].unique()}
    strange = provider & ~frame["unit"].map(codes).astype(bool)
    strange |= frame["unit"].str.startswith("Unknown (")
    found = frame[strange].assign(level=frame["level"].astype("string"))
    made = found.groupby(["unit", "level"], sort=True).agg(
        unit_name=("unit_name", "last"), rows=("measure", "size")
    )
    return made.reset_index()[["unit", "unit_name", "level", "rows"]]


def _advice(row: dict[str, int]) -> str:
    """What rounding means, in words."""
    shown = row["ok"] + row["small"]
    if not shown:
        return ""
    said = []
    if row["small"] > 0.1 * shown:
        said.append(
            f"{row['small']} of {shown} numerators are published as 5 and may be 1 to 7: a chart "
            "takes them as 5"
        )
    if row["under_50"] > 0.1 * shown:
        said.append(
            f"{row['under_50']} of {shown} denominators are under {FEW_CASES}: rounding alone can "
            "move a point beyond a limit; use longer periods, or counts of your own"
        )
    return ". ".join(said)


def _frame(counts: Table) -> pd.DataFrame:
    frame = counts.data
    if "published" not in getattr(frame, "columns", ()):
        raise InputError(f"{counts.source} is not a table of monthly files")
    return frame.assign(numerator=frame["numerator"].astype("Int64")) if np.size(frame) else frame
