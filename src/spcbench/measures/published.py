"""Counts from figures that are only ever published already added up, by category."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spcbench.errors import InputError, suggest
from spcbench.measures.measure import Measure, squeezed

if TYPE_CHECKING:
    import pandas as pd

    from spcbench.plugin.records import Pack

COLUMNS = ("period", "level", "unit", "unit_name", "dimension", "category", "count_of", "value")
"""The columns of a table of published figures, one row a figure."""

_KEYS = ("period", "level", "unit")
_PARTS = ("met_categories", "not_met_categories", "unknown_categories")


def published_counts(frame: pd.DataFrame, pack: Pack, *, source: str) -> pd.DataFrame:
    """Counts of every published measure of a pack.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns `COLUMNS`, and `period_end` if known; `period` is a date,
        `value` a whole number or missing. Names of dimensions and categories
        are compared without regard to capitals and repeated spaces.
    pack : Pack
        Its measures of a published dimension are counted, the others left.
    source : str
        The file's name, for messages.

    Returns
    -------
    pandas.DataFrame
        Counts, with `missing`, `level`, `status` and `unit_name`. The
        denominator holds the categories that are met and not met; the unknown
        ones are in `missing`. Where a figure of a known category is missing,
        or its row is absent (unless the measure says ``absent = "zero"``),
        numerator and denominator are null and the status is ``no_data``: a sum
        without one of its parts would be wrong. A measure whose dimension the
        file does not hold has no rows.

    Raises
    ------
    InputError
        If a column is missing, no measure of the pack is in the file, a
        category is not one the measure lists, a figure stands twice, or a
        value is not a whole number of at least 0.
    """
    import pandas as pd

    from spcbench.counts_check import check_counts

    for name in COLUMNS:
        if name not in frame.columns:
            raise InputError(f"{source} has no column {name!r}; {suggest(name, frame.columns)}")
    figures = frame.reset_index(drop=True)
    figures = figures.assign(
        squeezed=_squeezed(figures["category"]),
        value=_whole_values(figures, source),
    )
    parts = [
        counts
        for measure in pack.measures
        if isinstance(measure, Measure) and measure.dimension
        if (counts := _measure_counts(figures, measure, pack, source)) is not None
    ]
    if not parts:
        known = frame["dimension"].dropna().unique()
        raise InputError(
            f"{source} holds no measure of the pack {pack.name}; its dimensions are: "
            + ", ".join(sorted(map(str, known)))
        )
    return check_counts(pd.concat(parts, ignore_index=True), source=source)


def _whole_values(figures: pd.DataFrame, source: str) -> Any:
    """Values as nullable integers."""
    import numpy as np
    import pandas as pd

    values = pd.to_numeric(figures["value"], errors="coerce").astype("Float64")
    plain = values.to_numpy(dtype="float64", na_value=np.nan)
    wrong = (np.isnan(plain) & figures["value"].notna().to_numpy()) | (plain < 0)
    wrong |= plain != np.where(np.isnan(plain), plain, np.trunc(plain))
    wrong &= figures["value"].notna().to_numpy()
    if wrong.any():
        first = figures.iloc[int(np.argmax(wrong))]
        raise InputError(
            f"{source}, {_where(first)}: {str(first['value'])!r} is not a whole "
            f"number of at least 0 ({int(wrong.sum()):,} such figures)"
        )
    return values.astype("Int64")


def _measure_counts(
    figures: pd.DataFrame, measure: Measure, pack: Pack, source: str
) -> pd.DataFrame | None:
    """Counts of one measure; None where the file does not hold its dimension."""
    dimensions = _squeezed(figures["dimension"])
    rows = figures[dimensions == squeezed(measure.dimension)]
    if not len(rows):
        return None
    rows = _of_one_kind(rows, measure, source)
    _check_categories(rows, measure, source)
    groups = rows.groupby(list(_KEYS), sort=True, dropna=False)
    labels = groups[[name for name in ("unit_name", "period_end") if name in rows]].first()
    met, not_met, unknown = (_sums(rows, measure, part).reindex(labels.index) for part in _PARTS)
    denominator = met + not_met  # null where either is
    return labels.assign(
        measure=f"{pack.name}:{measure.id}",
        numerator=met.where(denominator.notna()),
        denominator=denominator,
        missing=unknown,
    ).reset_index()


def _sums(rows: pd.DataFrame, measure: Measure, part: str) -> pd.Series:
    """The sum of some categories by period, level and unit; null where one of them is missing."""
    import pandas as pd

    categories = [squeezed(category) for category in getattr(measure, part)]
    everything = rows.groupby(list(_KEYS), dropna=False)["value"].size().index
    groups = rows[rows["squeezed"].isin(categories)].groupby(list(_KEYS), dropna=False)["value"]
    rows_given = groups.size().reindex(everything, fill_value=0)
    figures_given = groups.count().reindex(everything, fill_value=0)
    sums = groups.sum().astype("Int64").reindex(everything, fill_value=0)
    complete = rows_given == figures_given
    if measure.absent == "unknown":
        complete &= rows_given == len(categories)
    return pd.Series(sums, dtype="Int64").where(complete)


def _of_one_kind(rows: pd.DataFrame, measure: Measure, source: str) -> pd.DataFrame:
    """The rows that count what the measure counts: women or babies, never both added up."""
    kinds = _squeezed(rows["count_of"])
    listed = ", ".join(sorted(map(str, rows["count_of"].dropna().unique())))
    if not measure.count_of:
        if len(set(kinds.dropna())) > 1:
            raise InputError(
                f"{source}: {measure.dimension} is published for {listed}; "
                f"measure {measure.id!r} must say which with count_of"
            )
        return rows
    chosen = rows[kinds == squeezed(measure.count_of)]
    if not len(chosen):
        raise InputError(
            f"{source}: {measure.dimension} is published for {listed or 'nothing named'}, "
            f"not for {measure.count_of}, which measure {measure.id!r} counts"
        )
    return chosen


def _check_categories(rows: pd.DataFrame, measure: Measure, source: str) -> None:
    """Refuse a category the measure does not list, and a figure that stands twice."""
    listed = [category for part in _PARTS for category in getattr(measure, part)]
    strange = ~rows["squeezed"].isin([squeezed(category) for category in listed])
    if strange.any():
        first = rows[strange].iloc[0]
        raise InputError(
            f"{source}, {_where(first)}: measure {measure.id!r} does not list this category; "
            f"{suggest(str(first['category']), listed)} ({int(strange.sum()):,} such figures)"
        )
    twice = rows.duplicated([*_KEYS, "squeezed"])
    if twice.any():
        raise InputError(
            f"{source}, {_where(rows[twice].iloc[0])}: this figure stands twice; "
            f"keep one of them ({int(twice.sum()):,} such figures)"
        )


def _squeezed(names: pd.Series) -> pd.Series:
    """Names compared; each different one is looked at once."""
    return names.map({name: squeezed(name) for name in names.dropna().unique()})


def _where(figure: pd.Series) -> str:
    """Which figure, in words."""
    return (
        f"{figure['dimension']} / {figure['category']} of {figure['unit']} in "
        f"{str(figure['period'])[:10]}"
    )
