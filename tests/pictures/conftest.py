"""Charts of every kind made by hand: whoever draws them calculates no limit."""

from __future__ import annotations

import dataclasses
import io
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spcbench import tables

MEASURE = "pop@2023:thing"


@dataclasses.dataclass(frozen=True)
class HandMade:
    """The attributes of ControlCharts that pictures read."""

    points: pd.DataFrame
    signals: pd.DataFrame
    summary: pd.DataFrame
    advice: pd.DataFrame
    display: dict[str, tables.Display]
    unit_names: dict[str, str]
    method: dict[str, Any]
    provenance: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Look:
    """Plausible numbers for one kind of chart: how high, how wide, which scale."""

    centre: float
    sigma: float
    per: int = 100
    method: str = "normal"
    limits: bool = True
    least: float = 0.0
    counted: bool = False
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)


LOOKS = {
    "p": Look(0.84, 0.03, method="exact", counted=True),
    "np": Look(42.0, 4.0, counted=True),
    "p_prime": Look(0.84, 0.03, counted=True, settings={"narrow": False}),
    "p_additive": Look(0.84, 0.03, counted=True),
    "u": Look(0.0041, 0.0012, per=1000, method="exact"),
    "u_prime": Look(0.0041, 0.0012, per=1000),
    "c": Look(7.0, 2.6, method="exact"),
    "c_prime": Look(7.0, 3.0),
    "i": Look(212.0, 14.0, per=1, settings={"centre_line": "median"}),
    "mr": Look(4.1, 3.0, per=1),
    "i_prime": Look(0.84, 0.03, counted=True),
    "run": Look(0.84, 0.03, limits=False, counted=True),
    "g": Look(31.0, 20.0, method="exact", settings={"form": "probability"}),
    "t": Look(24.0, 17.0, method="exact", settings={"form": "probability"}),
    "xbar": Look(36.7, 0.1, per=1, least=30.0),
    "s": Look(0.42, 0.08, per=1),
    "ewma": Look(0.84, 0.01, settings={"weight": 0.2, "width": 0.0, "arl0": 370.0}),
    "cusum": Look(0.0, 1.6, least=-9.0, settings={"shift": 0.5, "h": 4.8, "arl0": 370.0}),
    "bernoulli_cusum": Look(0.0, 1.2, least=-9.0, settings={"odds_ratio": 2.0, "arl0": 1000.0}),
    "poisson_cusum": Look(0.0, 1.1, least=0.0, settings={"ratio": 2.0, "arl0": 100.0}),
    "vlad": Look(0.0, 2.0, limits=False, least=-99.0),
}
"""Every built-in chart type."""


def in_contract(contract: tables.Contract, rows: dict[str, Any]) -> pd.DataFrame:
    """Rows as the contract has them; columns that it does not have yet stay beside it."""
    known = {name: rows[name] for name in contract.names}
    size = max(np.size(one) for one in known.values())
    extra = {name: one for name, one in rows.items() if name not in known}
    return contract.frame(known).assign(**extra) if size else contract.empty()


def hand_made(
    chart: str, *, size: int = 30, units: int = 1, seed: int = 5, **method: Any
) -> HandMade:
    """One chart of this kind per unit, with no note, no exclusion, no target and no signal."""
    look = LOOKS.get(chart, Look(0.84, 0.03, counted=True))
    draw = np.random.default_rng(seed)
    names = {f"RX{at}": f"Hospital number {at} NHS Foundation Trust" for at in range(units)}
    parts = [_points(unit, chart, look, size, draw) for unit in names]
    points = pd.concat(parts, ignore_index=True)
    return HandMade(
        points=points,
        signals=tables.SIGNALS.empty(),
        summary=_summary(chart, look, list(names), parts),
        advice=tables.ADVICE.empty(),
        display={MEASURE: tables.Display(title="The thing that is charted", per=look.per)},
        unit_names=names,
        method={
            "sigma": 3.0,
            "rule_set": "mdc-2023-11",
            "rule_set_title": "Making Data Count, November 2023",
            "settings": look.settings,
            **method,
        },
        provenance={},
    )


def _points(
    unit: str, chart: str, look: Look, size: int, draw: np.random.Generator
) -> pd.DataFrame:
    value = look.centre + look.sigma * draw.normal(0, 1, size)
    if chart in ("vlad", "cusum", "bernoulli_cusum"):
        value = np.cumsum(draw.normal(0, 0.8, size)).clip(-4, 6)
    whole = chart in ("np", "c", "c_prime", "g", "t")
    value = np.maximum(value.round() if whole else value, look.least)
    unlimited = np.full(size, np.nan)
    lcl = np.maximum(look.centre - 3 * look.sigma, look.least)
    nothing = pd.array([pd.NA] * size, dtype="Int64")
    cases = pd.array(np.full(size, 50), dtype="Int64")
    met = pd.array((value.clip(0, 1) * 50).round().astype(int), dtype="Int64")
    return in_contract(
        tables.POINTS,
        {
            "measure": np.full(size, MEASURE),
            "unit": np.full(size, unit),
            "period": pd.date_range("2022-04-01", periods=size, freq="MS").to_numpy(),
            "numerator": met if look.counted else nothing,
            "denominator": cases if look.counted else nothing,
            "value": value,
            "centre": np.full(size, look.centre),
            "sigma": np.full(size, look.sigma) if look.limits else unlimited,
            "lcl": np.full(size, lcl) if look.limits else unlimited,
            "ucl": np.full(size, look.centre + 3 * look.sigma) if look.limits else unlimited,
            "lower_warning": unlimited,
            "upper_warning": unlimited,
            "limit_method": np.full(size, look.method),
            "phase": np.ones(size, dtype=np.int64),
            "in_baseline": np.full(size, True),
            "excluded": np.full(size, False),
            "target": unlimited,
            "trajectory": unlimited,
            "period_end": pd.NaT,
            "special_cause": np.full(size, False),
            "verdict": np.full(size, "common_cause"),
            "rules": np.full(size, ""),
            "status": np.full(size, "ok"),
            "note": np.full(size, ""),
        },
    )


def _summary(chart: str, look: Look, units: list[str], parts: list[pd.DataFrame]) -> pd.DataFrame:
    return in_contract(
        tables.SUMMARY,
        {
            "measure": np.full(len(units), MEASURE),
            "unit": units,
            "chart": chart,
            "rule_set": "mdc-2023-11",
            "points": [len(part) for part in parts],
            "first": [part["period"].iloc[0] for part in parts],
            "last": [part["period"].iloc[-1] for part in parts],
            "latest_value": [part["value"].iloc[-1] for part in parts],
            "centre": [part["centre"].iloc[-1] for part in parts],
            "lcl": [part["lcl"].iloc[-1] for part in parts],
            "ucl": [part["ucl"].iloc[-1] for part in parts],
            "target": np.nan,
            "variation": "common_cause",
            "assurance": "none",
            "dispersion": np.nan,
            "expected_false_signals": 0.21 if look.limits else np.nan,
            "status": "ok",
            "reason": "",
        },
    )


@pytest.fixture
def kind_of_chart() -> Any:
    """Make charts of one kind by hand: ``kind_of_chart("g", size=30, units=1)``."""
    return hand_made


def rendered(plot: Any, dpi: int = 100) -> Any:
    """The figure of a plot, laid out and drawn as a file would have it."""
    import matplotlib.pyplot as plt

    figure = plot.draw(show=False)
    figure.savefig(io.BytesIO(), format="png", dpi=dpi)
    figure.set_dpi(dpi)
    plt.close(figure)
    return figure


def texts_of(figure: Any) -> list[Any]:
    """Every text that is seen: not the empty ones."""
    from matplotlib.text import Text

    return [one for one in figure.findobj(Text) if one.get_text().strip() and one.get_visible()]


def words_of(plot: Any) -> list[str]:
    """Every text of a plot, with its line breaks made spaces."""
    return [" ".join(one.get_text().split()) for one in texts_of(rendered(plot))]


def boxes_of(figure: Any) -> list[list[tuple[str, Any]]]:
    """The words drawn inside each panel, with the boxes they take up in dots."""
    renderer = figure._get_renderer()
    return [
        [(one.get_text(), one.get_window_extent(renderer)) for one in axes.texts]
        for axes in figure.axes
    ]


def joins_of(figure: Any) -> list[np.ndarray]:
    """Ends of the lines that join names to points, in dots; shape (2, 2) each."""
    found = []
    for axes in figure.axes:
        for lines in axes.collections:
            if not hasattr(lines, "get_segments"):
                continue
            joining = lines.get_segments()
            found += [axes.transData.transform(one) for one in joining if len(one) == 2]
    return found


def hollow_of(figure: Any) -> list[Any]:
    """The rings of each shape that are drawn."""
    return [
        marks
        for axes in figure.axes
        for marks in axes.collections
        if hasattr(marks, "get_sizes") and not np.any(np.atleast_2d(marks.get_facecolor())[:, 3:])
    ]


@pytest.fixture
def look() -> Any:
    """Look at a plot as it is drawn: ``look.rendered(plot)``, ``look.words(plot)``, …."""
    return SimpleNamespace(
        rendered=rendered,
        texts=texts_of,
        words=words_of,
        boxes=boxes_of,
        joins=joins_of,
        hollow=hollow_of,
    )
