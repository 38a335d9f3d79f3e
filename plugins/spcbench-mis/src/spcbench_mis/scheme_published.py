"""What the published Maternity Services files say about safety action 2."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from spcbench.errors import InputError
from spcbench_mis.cqim_rules import metric_rules
from spcbench_mis.scheme_data import scheme

if TYPE_CHECKING:
    from spcbench.tables import Table

ITEM = "sa2_cqims_passed"
PROVISIONAL = "from a provisional file"
"""The note of a count that the final file may change."""
NEEDED = ("measure", "unit", "level", "reporting_month", "result", "release")


def cqims_passed(counts: Table, *, year: str) -> pd.DataFrame:
    """How many of the metrics that count passed their data-quality criteria in July.

    Parameters
    ----------
    counts : Table
        As `spcbench.read` gives them from monthly files of measures; with
        ``reader="msds-monthly-all-windows"``, else July may have been left out
        of the overlapping windows.
    year : str
        Of the scheme, such as ``"y7"``.

    Returns
    -------
    pandas.DataFrame
        Counts for the scorecard, one row a trust: `measure, unit, period,
        numerator, denominator, note`. The numerator is null, and the note says
        why, for a trust of which a result is missing.

    Raises
    ------
    InputError
        If the table is not of such files, or holds nothing of that July.
    """
    chosen = scheme().year(year)
    month = pd.Timestamp(scheme().windows["sa2_july", chosen.id].first)
    frame = counts.data
    for name in NEEDED:
        if name not in frame.columns:
            raise InputError(
                f"{counts.source} is no table of monthly Maternity Services files: it has no "
                f"column {name!r}"
            )
    wanted = [
        f"cqim_{name.removeprefix('CQIM').lower()}"
        for name, rule in metric_rules().items()
        if rule.counts_towards_sa2
    ]
    short = frame["measure"].astype(str).str.rpartition(":")[2]
    keep = frame["reporting_month"].eq(month) & frame["level"].eq("provider") & short.isin(wanted)
    rows = frame[keep].assign(metric=short[keep])
    if rows.empty:
        raise InputError(
            f"{counts.source} holds no metric of a trust reported in {month:%B %Y}; read the file "
            'of that month, with reader="msds-monthly-all-windows"'
        )
    made = [_row(str(unit), own, wanted) for unit, own in rows.groupby("unit", sort=True)]
    return (
        pd.DataFrame(made)
        .assign(measure=f"mis@{chosen.id}:{ITEM}", period=month)[
            ["measure", "unit", "period", "numerator", "denominator", "note"]
        ]
        .astype({"numerator": "Int64", "denominator": "Int64"})
    )


def _row(unit: str, rows: pd.DataFrame, wanted: list[str]) -> dict[str, object]:
    known = rows[rows["result"].notna()].set_index("metric")["result"].astype(str)
    missing = [name for name in wanted if name not in known.index]
    notes = [f"no result published for {', '.join(missing)}"] if missing else []
    if rows["release"].eq("provisional").any():
        notes.append(PROVISIONAL)
    return {
        "unit": unit,
        "numerator": pd.NA if missing else int(known.eq("Pass").sum()),
        "denominator": pd.NA if missing else len(wanted),
        "note": "; ".join(notes),
    }
