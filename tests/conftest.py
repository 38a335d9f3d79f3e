"""Results made by hand, for whatever draws or writes: no limit is calculated here; and a Spark."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spcbench import tables
from spcbench.funnel_view import View


@dataclass(frozen=True)
class DrawnCharts:
    """The attributes of ControlCharts that pictures and formats read."""

    points: pd.DataFrame
    signals: pd.DataFrame
    summary: pd.DataFrame
    advice: pd.DataFrame
    display: dict[str, tables.Display]
    unit_names: dict[str, str]
    method: dict[str, Any]
    provenance: dict[str, Any]


@dataclass(frozen=True)
class DrawnFunnels:
    """The attributes of Funnels that pictures and formats read."""

    units: pd.DataFrame
    curve: pd.DataFrame
    summary: pd.DataFrame
    advice: pd.DataFrame
    display: dict[str, tables.Display]
    unit_names: dict[str, str]
    method: dict[str, Any]
    provenance: dict[str, Any]
    estimates: pd.DataFrame
    view: View = field(default_factory=View)


@dataclass(frozen=True)
class DrawnReport:
    """The attributes of Report that formats read."""

    results: tuple[Any, ...]
    title: str = "A report"
    extra: dict[str, Any] = field(default_factory=dict)
    sections: tuple[Any, ...] = ()

    @property
    def all_results(self):
        return (*self.results, *(one for part in self.sections for one in part.results))

    @property
    def all_tables(self):
        return tuple(table for section in self.sections for table in section.tables)


MEASURE = "pop@2023:mgso4"
PROVENANCE = {
    "generator": "spcbench",
    "version": "0.1.0",
    "source": "counts.csv",
    "input_digest": "sha256:0f1e",
    "plugins": ["pop"],
}


def _one_chart(unit: str, values: np.ndarray, *, target: float) -> dict[str, Any]:
    size = len(values)
    phase = np.where(np.arange(size) < size // 2, 1, 2)
    centre = np.where(phase == 1, 0.80, 0.86)
    verdict = np.full(size, "common_cause", dtype=object)
    verdict[values > 0.95] = "improvement"
    verdict[values < 0.70] = "concern"
    seen = ~np.isnan(values)
    lcl, ucl = centre - 0.10, np.where(phase == 1, 0.90, 1.02)
    return {
        "measure": np.full(size, MEASURE),
        "unit": np.full(size, unit),
        "period": pd.date_range("2022-04-01", periods=size, freq="MS").to_numpy(),
        "numerator": pd.array(
            np.where(seen, np.round(np.nan_to_num(values) * 200), np.nan), "Int64"
        ),
        "denominator": pd.array(np.where(seen, 200.0, np.nan), "Int64"),
        "value": values,
        "centre": centre,
        "sigma": np.full(size, 0.10 / 3),
        "lcl": lcl,
        "ucl": ucl,
        "lower_warning": centre - 0.067,
        "upper_warning": centre + 0.067,
        "limit_method": np.full(size, "normal"),
        "phase": phase,
        "in_baseline": np.full(size, True),
        "target": np.full(size, target),
        "special_cause": verdict != "common_cause",
        "verdict": verdict,
        "rules": np.where(verdict == "common_cause", "", "3s;run7"),
        "status": np.where(seen, "ok", "no_data"),
        "note": np.full(size, ""),
        "excluded": np.full(size, False),
        "trajectory": np.full(size, np.nan),
        "period_end": pd.NaT,
    }


def make_charts(units: int = 1, size: int = 24, *, target: float = 0.85) -> DrawnCharts:
    """Charts with two phases, one gap, one improvement and one concern each."""
    draw = np.random.default_rng(7)
    parts, names = [], {}
    for at in range(units):
        values = np.round(draw.normal(0.83, 0.03, size).clip(0.72, 0.94), 3)
        values[4], values[7], values[size - 3] = 0.66, np.nan, 0.97
        names[f"RX{at:03d}"] = f"Hospital number {at} NHS Foundation Trust"
        parts.append(tables.POINTS.frame(_one_chart(f"RX{at:03d}", values, target=target)))
    points = pd.concat(parts, ignore_index=True) if parts else tables.POINTS.empty()
    codes = list(names)
    last = points["period"].max()
    summary = tables.SUMMARY.frame(
        {
            "measure": [MEASURE] * units,
            "unit": codes,
            "chart": "p",
            "rule_set": "mdc-2023-11",
            "points": size - 1,
            "first": [points["period"].min()] * units,
            "last": [last] * units,
            "latest_value": [part["value"].iloc[-1] for part in parts],
            "centre": 0.86,
            "lcl": 0.76,
            "ucl": 1.0,
            "target": target,
            "variation": "common_cause",
            "assurance": "hit_or_miss",
            "dispersion": 1.1,
            "expected_false_signals": 0.15,
            "status": "ok",
            "reason": "",
        }
    )
    signals = tables.SIGNALS.frame(
        {
            "measure": [MEASURE] * units,
            "unit": codes,
            "rule_set": "mdc-2023-11",
            "rule": "3s",
            "first": [pd.Timestamp("2022-08-01")] * units,
            "last": [pd.Timestamp("2022-08-01")] * units,
            "points": 1,
            "side": "below",
            "verdict": "concern",
            "latest": False,
        }
    )
    advice = tables.ADVICE.frame(
        {
            "measure": [MEASURE],
            "unit": ["RX000"],
            "code": ["few_points"],
            "message": ["Only 23 points <script>alert(1)</script> & more"],
            "evidence": ['{"points": 23}'],
        }
    )
    return DrawnCharts(
        points=points,
        signals=signals,
        summary=summary,
        advice=advice if units else tables.ADVICE.empty(),
        display={
            MEASURE: tables.Display(
                title="Babies born before 30 weeks whose mother was given magnesium sulphate",
                better="higher",
                target=target,
            )
        },
        unit_names=names,
        method={
            "chart": "p",
            "limits": "normal",
            "sigma": 3.0,
            "rule_set": "mdc-2023-11",
            "rule_set_title": "Making Data Count, November 2023",
            "rules": ["A point beyond the limits.", "Seven points on one side of the centre."],
            "expected_false_signals": 0.15,
        },
        provenance=PROVENANCE,
    )


WIDTHS = {"80": 0.45, "90": 0.6, "95": 0.7, "2sd": 0.71, "3sd": 1.05, "9973": 1.05, "998": 1.1}
"""How far from the target hand-made limits lie, times the square root of the size."""


def make_funnels(
    units: int = 40,
    *,
    groups: tuple[str, ...] = ("",),
    levels: tuple[str, ...] = ("95", "998"),
    view: View | None = None,
    fdr: float | None = None,
    seed: int = 11,
    **method: Any,
) -> DrawnFunnels:
    """Funnels around 85 % whose limits are a plain curve, not a statistic.

    Two units stand out: the middling one at 60 % and the largest at 95 %.
    """
    draw = np.random.default_rng(seed)
    frames, curves = [], []
    for group in groups:
        babies = np.sort(draw.integers(20, 400, units))
        values = (0.85 + draw.normal(0, 0.45, units) / np.sqrt(babies)).clip(0, 1)
        if units:
            values[units // 2], values[-1] = 0.60, 0.95
        frames.append(_one_funnel(group, babies, values, levels))
        curves.append(_one_curve(group, levels, fdr))
    table = pd.concat(frames, ignore_index=True)
    codes = list(dict.fromkeys(table["unit"]))
    return DrawnFunnels(
        units=table,
        curve=pd.concat(curves, ignore_index=True),
        summary=_funnel_summary(groups, units, levels),
        advice=tables.ADVICE.empty(),
        display={MEASURE: tables.Display(title="Mother given magnesium sulphate", better="higher")},
        unit_names={code: f"Hospital {code} NHS Trust" for code in codes},
        method={
            "limits": "exact",
            "overdispersion": "none",
            "data_type": "proportion",
            "target": "pooled",
            "levels": list(levels),
            "fdr": fdr,
            **method,
        },
        provenance=PROVENANCE,
        estimates=_own_figures(table, levels),
        view=view or View(),
    )


def _funnel_summary(groups: tuple[str, ...], units: int, levels: tuple[str, ...]) -> pd.DataFrame:
    return tables.funnel_summary_contract(levels).frame(
        {
            "measure": [MEASURE] * len(groups),
            "group": list(groups),
            "units": units,
            "first": [pd.Timestamp("2024-01-01")] * len(groups),
            "last": [pd.Timestamp("2024-12-01")] * len(groups),
            "target": 0.85,
            "limit_method": "exact",
            "phi": 1.2,
            "phi_winsorised": 1.1,
            "tau2": 0.0,
            "expected_false_positives": 0.05 * units,
            **{f"outside_{name}": 2 for name in levels},
            "status": "ok",
            "reason": "",
            "phi_threshold": 1.4,
            "outside_fdr": pd.array([pd.NA] * len(groups), dtype="Int64"),
        }
    )


def _one_curve(group: str, levels: tuple[str, ...], fdr: float | None) -> pd.DataFrame:
    grid = np.linspace(5.0, 420.0, 60)
    half = (1.0 if fdr else np.nan) / np.sqrt(grid)
    return tables.curve_contract(levels).frame(
        {
            "measure": [MEASURE] * 60,
            "group": group,
            "denominator": grid,
            "target": 0.85,
            **_bounds(grid, levels),
            "lower_fdr": (0.85 - half).clip(0, 1),
            "upper_fdr": (0.85 + half).clip(0, 1),
        }
    )


def _bounds(babies: np.ndarray, levels: tuple[str, ...]) -> dict[str, np.ndarray]:
    found = {}
    for name in levels:
        half = WIDTHS[name] / np.sqrt(babies)
        found[f"lower_{name}"] = (0.85 - half).clip(0, 1)
        found[f"upper_{name}"] = (0.85 + half).clip(0, 1)
    return found


def _own_figures(units: pd.DataFrame, levels: tuple[str, ...]) -> pd.DataFrame:
    """Each unit's interval and shrunken value: plain curves again."""
    value, babies = units["value"].to_numpy(), units["denominator"].to_numpy(dtype=float)
    shrunken = 0.85 + 0.6 * (value - 0.85)
    columns = {}
    for name in levels:
        half = WIDTHS[name] / np.sqrt(babies)
        columns[f"interval_lower_{name}"] = (value - half).clip(0, 1)
        columns[f"interval_upper_{name}"] = (value + half).clip(0, 1)
        columns[f"shrunken_lower_{name}"] = (shrunken - 0.6 * half).clip(0, 1)
        columns[f"shrunken_upper_{name}"] = (shrunken + 0.6 * half).clip(0, 1)
    return tables.estimates_contract(levels).frame(
        {
            **{name: units[name] for name in ("measure", "group", "unit", "value", "status")},
            **columns,
            "shrunken": shrunken,
            "kept": 0.6,
            "detectable_below": 0.7,
            "detectable_above": 0.95,
            "note": "",
        }
    )


def _one_funnel(
    group: str, babies: np.ndarray, values: np.ndarray, levels: tuple[str, ...]
) -> pd.DataFrame:
    bounds = _bounds(babies, levels)
    position = np.full(len(babies), "within", dtype=object)
    for name in levels:
        position[values > bounds[f"upper_{name}"]] = f"above_{name}"
        position[values < bounds[f"lower_{name}"]] = f"below_{name}"
    verdict = [
        {"above": "better_than_expected", "below": "worse_than_expected"}.get(
            one.partition("_")[0], "as_expected"
        )
        for one in position
    ]
    size = len(babies)
    return tables.units_contract(levels).frame(
        {
            "measure": [MEASURE] * size,
            "group": group,
            "unit": [f"R{at:02d}" for at in range(size)],
            "first": [pd.Timestamp("2024-01-01")] * size,
            "last": [pd.Timestamp("2024-12-01")] * size,
            "periods": 12,
            "numerator": pd.array(np.round(values * babies), "Int64"),
            "denominator": pd.array(babies, "Int64"),
            "expected": babies * 0.85,
            "value": values,
            "target": 0.85,
            "z": (values - 0.85) / 0.1,
            "z_adjusted": (values - 0.85) / 0.1,
            "p_value": 0.5,
            "q_value": 0.5,
            **bounds,
            "position": position,
            "verdict": verdict,
            "status": "ok",
            "size": babies.astype(float),
            "q_value_by": 0.5,
        }
    )


@pytest.fixture
def drawn_charts() -> Any:
    """Make charts by hand: ``drawn_charts(units=1, size=24, target=0.85)``."""
    return make_charts


@pytest.fixture
def drawn_funnels() -> Any:
    """Make funnels by hand: ``drawn_funnels(units=40, groups=("",))``."""
    return make_funnels


@pytest.fixture
def drawn_report() -> Any:
    """Bind results into a report: ``drawn_report(results, title)``."""
    return DrawnReport


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A local Spark with two workers and few partitions, one for all tests."""
    sql = pytest.importorskip("pyspark.sql", reason="needs the extra spcbench[spark]")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("Spark needs Java, which is not on this machine")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    session = (
        sql.SparkSession.builder.master("local[2]")
        .appName("spcbench tests")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.warehouse.dir", str(tmp_path_factory.mktemp("warehouse")))
        .config("spark.sql.shuffle.partitions", "3")
        .config("spark.sql.session.timeZone", "Europe/London")
        .config("spark.sql.timestampType", "TIMESTAMP_NTZ")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.log.level", "ERROR")
        .config("spark.ui.showConsoleProgress", "false")
        # Tests run each query once: compiling it well would cost more than it saves.
        .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1")
        .getOrCreate()
    )
    yield session
    session.stop()
