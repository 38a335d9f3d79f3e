"""The tables that walk through spcbench: their columns, types and words.

Tables are tidy and long, have no index and a fixed order of rows and columns,
and keep the same types when they are empty. What the columns mean is written
in the documentation under "Tables". Checking counts is in `counts_check`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import numpy as np
import pandas as pd

from spcbench.display import LEVEL, Display, Reference

__all__ = [
    "ACTIONS",
    "ADVICE",
    "ASSURANCE",
    "BESIDE",
    "CHANGE_COLUMNS",
    "COUNTS",
    "COUNTS_OPTIONAL",
    "CURVE",
    "DATE",
    "ESTIMATES",
    "FUNNEL_METHOD",
    "FUNNEL_SUMMARY",
    "LEVEL",
    "LEVELS",
    "LIMIT_METHOD",
    "POINTS",
    "POINT_VERDICT",
    "QUALITY",
    "REJECTS",
    "SCHEMA_VERSION",
    "SIDE",
    "SIGNALS",
    "STATUS",
    "STRING",
    "SUMMARY",
    "UNITS",
    "UNIT_VERDICT",
    "VARIATION",
    "Column",
    "Contract",
    "Display",
    "FileScan",
    "Reference",
    "Table",
    "beside_contract",
    "category",
    "coded",
    "curve_contract",
    "estimates_contract",
    "funnel_summary_contract",
    "positions",
    "units_contract",
]

SCHEMA_VERSION = "1.0"
"""Version of the table contracts; every written file carries it."""

Kind = Literal["string", "date", "integer", "float", "boolean", "category"]

STRING = (
    pd.StringDtype("pyarrow_numpy")  # the name that pandas 2.2 knows it by
    if pd.__version__.startswith("2.2")
    else pd.StringDtype(storage="pyarrow", na_value=np.nan)
)
DATE = np.dtype("datetime64[us]")

STATUS = (
    "ok",
    "no_data",
    "insufficient_data",
    "not_estimable",
    "suppressed",
    "invalid_input",
)
POINT_VERDICT = ("common_cause", "improvement", "concern", "neither")
UNIT_VERDICT = ("as_expected", "better_than_expected", "worse_than_expected", "differs")
SIDE = ("above", "below", "rising", "falling")
LEVELS = ("95", "998")
"""Names of the limits of a funnel unless others are asked for (see `levels`)."""
VARIATION = (
    "common_cause",
    "improvement_high",
    "improvement_low",
    "concern_high",
    "concern_low",
    "neither_high",
    "neither_low",
    "not_enough_data",
)
ASSURANCE = ("passes", "hit_or_miss", "fails", "none")
LIMIT_METHOD = ("normal", "exact", "mid_p", "jeffreys", "spiegelhalter", "arcsine", "given")
FUNNEL_METHOD = (*LIMIT_METHOD, "chi2", "beta_binomial", "poisson_gamma")


@cache
def category(words: tuple[str, ...]) -> pd.CategoricalDtype:
    """The type of a column of these words; pandas takes half a millisecond to make one."""
    return pd.CategoricalDtype(list(words))


def coded(words: tuple[str, ...], codes: Any) -> pd.Categorical:
    """A category column from the codes of its words; −1 is missing."""
    return pd.Categorical.from_codes(codes, dtype=category(words))


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: its name, type and, for a category, its words."""

    name: str
    kind: Kind
    words: tuple[str, ...] = ()

    @property
    def dtype(self) -> Any:
        """The pandas type, the same whether the table has rows or not."""
        if self.kind == "category":
            return category(self.words)
        return {
            "string": STRING,
            "date": DATE,
            "integer": pd.Int64Dtype(),
            "float": np.dtype("float64"),
            "boolean": np.dtype("bool"),
        }[self.kind]


@dataclass(frozen=True, slots=True)
class Contract:
    """The columns of one table, in order."""

    name: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        """Column names in order."""
        return [column.name for column in self.columns]

    def empty(self) -> pd.DataFrame:
        """A table of no rows with every column and type."""
        return pd.DataFrame(
            {column.name: pd.Series([], dtype=column.dtype) for column in self.columns}
        )

    def frame(self, data: Mapping[str, Any]) -> pd.DataFrame:
        """A table from arrays, in the order and types of the contract.

        Parameters
        ----------
        data : mapping
            One array (or scalar, if another is an array) per column; columns
            that are not in the contract are an error of the caller.

        Returns
        -------
        pandas.DataFrame
            Without copying the arrays that already have the right type.
        """
        extra = set(data) - set(self.names)
        if extra:
            raise KeyError(f"{self.name} has no column {sorted(extra)[0]!r}")
        sizes = [len(value) for value in data.values() if np.ndim(value) > 0]
        size = sizes[0] if sizes else 0
        built = {}
        for column in self.columns:
            value = data[column.name]
            if isinstance(value, pd.Series):
                value = value.array  # an index of its own would misplace the rows
            if np.ndim(value) == 0:
                plain = column.kind in ("float", "boolean")
                value = np.full(size, value) if plain else [value] * size
            if getattr(value, "dtype", None) != column.dtype:
                value = pd.Series(value, dtype=column.dtype).array
            built[column.name] = value
        return pd.DataFrame(built, copy=False)


def _strings(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, "string") for name in names)


def _floats(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, "float") for name in names)


def _integers(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, "integer") for name in names)


def _dates(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, "date") for name in names)


_STATUS = Column("status", "category", STATUS)


def positions(levels: Sequence[str] = LEVELS) -> tuple[str, ...]:
    """Where a unit can be: within, or beyond which pair of limits on which side.

    Examples
    --------
    >>> positions()
    ('within', 'above_95', 'below_95', 'above_998', 'below_998')
    """
    return ("within", *(f"{side}_{name}" for name in levels for side in ("above", "below")))


def _limits(levels: Sequence[str], before: str = "") -> tuple[Column, ...]:
    return _floats(*(f"{before}{side}_{name}" for name in levels for side in ("lower", "upper")))


COUNTS = Contract(
    "counts",
    (*_strings("measure", "unit"), *_dates("period"), *_integers("numerator", "denominator")),
)
"""The columns that every table of counts has."""

COUNTS_OPTIONAL = Contract(
    "counts",
    (
        *_floats("value", "expected", "mean", "sd", "variance"),
        *_integers("missing"),
        *_floats("target", "trajectory"),
        Column("level", "category", LEVEL),
        *_dates("period_end"),
        *_integers("sequence"),
        _STATUS,
        *_strings("note", "unit_name", "group"),
    ),
)
"""The columns that a table of counts may have; any other is a label, kept as it is."""

POINTS = Contract(
    "points",
    (
        *_strings("measure", "unit"),
        *_dates("period"),
        *_integers("numerator", "denominator"),
        *_floats("value", "centre", "sigma", "lcl", "ucl", "lower_warning", "upper_warning"),
        Column("limit_method", "category", LIMIT_METHOD),
        *_integers("phase"),
        Column("in_baseline", "boolean"),
        *_floats("target"),
        Column("special_cause", "boolean"),
        Column("verdict", "category", POINT_VERDICT),
        *_strings("rules"),
        _STATUS,
        *_strings("note"),
        Column("excluded", "boolean"),
        *_floats("trajectory"),
        *_dates("period_end"),
    ),
)

SIGNALS = Contract(
    "signals",
    (
        *_strings("measure", "unit", "rule_set", "rule"),
        *_dates("first", "last"),
        *_integers("points"),
        Column("side", "category", SIDE),
        Column("verdict", "category", POINT_VERDICT),
        Column("latest", "boolean"),
    ),
)

SUMMARY = Contract(
    "summary",
    (
        *_strings("measure", "unit", "chart", "rule_set"),
        *_integers("points"),
        *_dates("first", "last"),
        *_floats("latest_value", "centre", "lcl", "ucl", "target"),
        Column("variation", "category", VARIATION),
        Column("assurance", "category", ASSURANCE),
        *_floats("dispersion", "expected_false_signals"),
        _STATUS,
        *_strings("reason"),
    ),
)


def units_contract(levels: Sequence[str] = LEVELS, extra: Sequence[Column] = ()) -> Contract:
    """Columns of one unit on one funnel, with the limits of these levels and more at the end."""
    return Contract(
        "units",
        (
            *_strings("measure", "group", "unit"),
            *_dates("first", "last"),
            *_integers("periods", "numerator", "denominator"),
            *_floats("expected", "value", "target", "z", "z_adjusted", "p_value", "q_value"),
            *_limits(levels),
            Column("position", "category", positions(levels)),
            Column("verdict", "category", UNIT_VERDICT),
            _STATUS,
            *_floats("size", "q_value_by"),
            *extra,
        ),
    )


def curve_contract(levels: Sequence[str] = LEVELS) -> Contract:
    """Columns of one denominator on one funnel; the lines of a false discovery rate last."""
    return Contract(
        "curve",
        (
            *_strings("measure", "group"),
            *_floats("denominator", "target"),
            *_limits(levels),
            *_floats("lower_fdr", "upper_fdr"),
        ),
    )


def funnel_summary_contract(levels: Sequence[str] = LEVELS) -> Contract:
    """Columns of one funnel."""
    return Contract(
        "summary",
        (
            *_strings("measure", "group"),
            *_integers("units"),
            *_dates("first", "last"),
            *_floats("target"),
            Column("limit_method", "category", FUNNEL_METHOD),
            *_floats("phi", "phi_winsorised", "tau2", "expected_false_positives"),
            *_integers(*(f"outside_{name}" for name in levels)),
            _STATUS,
            *_strings("reason"),
            *_floats("phi_threshold"),
            *_integers("outside_fdr"),
        ),
    )


def estimates_contract(levels: Sequence[str] = LEVELS) -> Contract:
    """Columns of what each unit's own figures say beside its funnel."""
    return Contract(
        "estimates",
        (
            *_strings("measure", "group", "unit"),
            *_floats("value"),
            *_limits(levels, "interval_"),
            *_floats("shrunken"),
            *_limits(levels, "shrunken_"),
            *_floats("kept", "detectable_below", "detectable_above"),
            _STATUS,
            *_strings("note"),
        ),
    )


def beside_contract(levels: Sequence[str] = LEVELS) -> Contract:
    """Columns of one unit, or of what it belongs to, beside a funnel."""
    return Contract(
        "beside",
        (
            *_strings("measure", "unit"),
            Column("level", "category", LEVEL),
            *_strings("unit_name"),
            *_dates("first", "last"),
            *_integers("periods", "numerator", "denominator"),
            *_floats("expected", "value"),
            *_limits(levels, "interval_"),
        ),
    )


UNITS = units_contract()
CURVE = curve_contract()
FUNNEL_SUMMARY = funnel_summary_contract()
ESTIMATES = estimates_contract()
BESIDE = beside_contract()

CHANGE_COLUMNS = (
    *_integers("numerator_before", "denominator_before"),
    *_floats("expected_before", "value_before", "value_after", "kept"),
)
"""What units have besides when two periods are compared."""

ADVICE = Contract("advice", _strings("measure", "unit", "code", "message", "evidence"))

ACTIONS = Contract(
    "actions",
    (
        *_strings("measure", "unit"),
        *_dates("date"),
        *_strings("action", "text", "author"),
        *_dates("first_before", "last_before"),
        *_integers("periods_before", "numerator_before", "denominator_before"),
        *_floats("value_before"),
        *_dates("first_after", "last_after"),
        *_integers("periods_after", "numerator_after", "denominator_after"),
        *_floats("value_after", "difference", "difference_lower", "difference_upper"),
        Column("special_cause_after", "boolean"),
        *_strings("verdicts_after"),
    ),
)
"""One note on one chart, with the points before and after it."""

QUALITY = Contract("quality", (*_strings("measure", "field", "problem"), *_integers("records")))
"""What could not be used: `measure` is null for a problem of the record itself."""

REJECTS = Contract(
    "rejects",
    (*_strings("file"), *_integers("row"), *_strings("field", "value_class", "reason")),
)
"""One record set aside: where it stands and why; never what it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What a reader gives: records or counts, and where they came from.

    Parameters
    ----------
    kind : str
        ``"records"`` (one row a case) or ``"counts"`` (already added up).
    data : object
        Counts: a pandas frame. Records: a `FileScan`, or a pandas, polars or
        Arrow table, left as it is.
    source : str
        The file's name for messages and provenance, without its folders.
    text : bool
        True when the cells are text as they stood in the file (numbers and
        dates are then read strictly, and errors name the line).
    lines : array of int, optional
        Line of the file that each row of checked counts came from.
    default_level : str, optional
        The level that charts and funnels use when none is chosen.
    covers : str, optional
        Of records: what this file alone is of, such as a trust and month. Two
        files of the same are not read together, as each record would count twice.
    """

    kind: Literal["records", "counts"]
    data: Any
    source: str
    text: bool = False
    lines: Any = None
    default_level: str | None = None
    covers: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileScan:
    """Record files that are read where they lie, when they are counted.

    Parameters
    ----------
    paths : tuple of str
        The files.
    form : str
        ``"csv"``, ``"parquet"`` or ``"json"``.
    options : mapping
        What the reader found out, such as the delimiter.
    """

    paths: tuple[str, ...]
    form: Literal["csv", "parquet", "json"]
    options: Mapping[str, Any] = field(default_factory=dict)
