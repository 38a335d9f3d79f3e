"""Every chart type by its own name, scale and axis, and no word of what it does not have."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from spcbench.pictures.chart_kinds import KINDS, kind_of
from spcbench.pictures.chart_words import describe_chart
from spcbench.pictures.control_chart import control_chart
from spcbench.plugin.host import PluginHost
from spcbench.tables import Display

MEASURE = "pop@2023:thing"


def texts_of(plot):
    found = plot.draw().findobj(lambda one: hasattr(one, "get_text"))
    return [" ".join(one.get_text().replace("\u00a0", " ").split()) for one in found]


def caption_of(plot):
    return next(text for text in texts_of(plot) if "Method:" in text)


def test_every_built_in_chart_type_has_its_words():
    built_in = {chart.id for chart in PluginHost().charts()}
    assert set(KINDS) >= built_in
    assert len({kind.name for kind in KINDS.values()}) == len(KINDS)


@pytest.mark.parametrize("chart", KINDS)
def test_every_kind_is_drawn_and_told_by_its_name(kind_of_chart, chart):
    charts = kind_of_chart(chart)
    texts = texts_of(control_chart(charts))
    kind = kind_of(chart)
    caption = next(text for text in texts if text.startswith("Method:"))
    assert caption.startswith(f"Method: {kind.name}")
    assert f": {kind.name} of 30 points, Apr 2022 to Sep 2024." in describe_chart(
        charts, MEASURE, "RX0"
    )
    centre = "Median" if chart == "i" else kind.centre
    assert any(text.startswith(centre) for text in texts)


@pytest.mark.parametrize(
    ("chart", "per", "axis"),
    [
        ("p", 100, ""),
        ("p", 1000, "Per 1,000"),
        ("u", 1000, "Per 1,000"),
        ("u", 1, ""),
        ("np", 100, "Number"),
        ("c", 100, "Number"),
        ("i", 1, ""),
        ("mr", 1, "Moving range"),
        ("mr", 100, "Moving range, percentage points"),
        ("g", 100, "Cases between events"),
        ("t", 100, "Days between events"),
        ("s", 1, "Standard deviation within the subgroup"),
        ("ewma", 1000, "Weighted average, per 1,000"),
        ("cusum", 100, "Cumulative sum"),
        ("vlad", 100, "Expected minus observed events, added up"),
    ],
)
def test_the_axis_says_what_is_plotted(kind_of_chart, chart, per, axis):
    assert kind_of(chart).axis_title(Display(title="", per=per)) == axis
    charts = dataclasses.replace(
        kind_of_chart(chart), display={MEASURE: Display(title="Thing", per=per)}
    )
    if axis:
        assert axis in texts_of(control_chart(charts))


@pytest.mark.parametrize("chart", ["np", "c", "g", "t", "cusum", "vlad"])
def test_counts_days_and_sums_are_never_multiplied(kind_of_chart, chart):
    charts = kind_of_chart(chart)
    plotted = control_chart(charts).draw().axes[0].collections[-1].get_offsets()
    np.testing.assert_allclose(sorted(plotted[:, 1]), sorted(charts.points["value"]))
    assert not any(text.endswith("%") for text in texts_of(control_chart(charts)))


@pytest.mark.parametrize("chart", ["run", "vlad"])
def test_charts_without_limits_do_not_mention_any(kind_of_chart, chart):
    charts = kind_of_chart(chart)
    said = " ".join(texts_of(control_chart(charts))) + describe_chart(charts, MEASURE, "RX0")
    assert "limit" not in said.lower()
    assert "Upper" not in said
    assert "false signals" not in said


@pytest.mark.parametrize(
    ("chart", "said"),
    [
        ("p", "p chart; limits at 3 sigma (exact binomial). Rules: Making Data Count"),
        ("u", "u chart; limits at 3 sigma (exact Poisson). Rules:"),
        ("p_prime", "(widened by the variation between points). Rules:"),
        ("i", "XmR chart; limits at 3 sigma (from moving ranges); centre line median. Rules:"),
        ("g", "probability limits (geometric), passed by chance as seldom as 3 sigma each side."),
        ("t", "probability limits (exponential), passed by chance as seldom as 3 sigma each side."),
        ("ewma", "limits that a stable series passes once in about 370 points; weight 0.2."),
        ("cusum", "decision limits at 4.8; shift 0.5."),
        ("bernoulli_cusum", "passes once in about 1,000 cases; odds ratio 2."),
        ("cusum", "November 2023, and of these only what is said of the limits."),
        ("vlad", "Method: VLAD. Rules: none fits this chart."),
        ("run", "Method: run chart. Rules: Making Data Count, November 2023. Lines: solid black"),
    ],
)
def test_the_caption_says_how_limits_and_rules_were_chosen(kind_of_chart, chart, said):
    assert said in caption_of(control_chart(kind_of_chart(chart)))


def test_classic_g_limits_are_not_called_probability_limits(kind_of_chart):
    charts = kind_of_chart("g", settings={"form": "classic"})
    charts = dataclasses.replace(charts, points=charts.points.assign(limit_method="normal"))
    caption = caption_of(control_chart(charts))
    assert "probability" not in caption
    assert "g chart; limits at 3 sigma (normal approximation); form classic." in caption


def test_screening_and_settings_of_each_chart_are_said(kind_of_chart):
    charts = kind_of_chart("i", screening="once", settings={"i": {"moving_range": "median"}})
    caption = caption_of(control_chart(charts))
    assert "moving ranges far beyond the others left out once; moving range median." in caption


def test_a_given_centre_is_called_that(kind_of_chart):
    charts = kind_of_chart("p")
    given = dataclasses.replace(
        charts,
        points=charts.points.assign(limit_method="given"),
        method={**charts.method, "centre": 0.84},
    )
    assert "Given centre 84%" in texts_of(control_chart(given))
    assert "Given centre 84%." in describe_chart(given, MEASURE, "RX0")
    assert "limits at 3 sigma (about a given centre)" in caption_of(control_chart(given))


def test_a_chart_of_a_plugin_keeps_its_id(kind_of_chart):
    assert "Method: demerit chart; limits at 3 sigma" in caption_of(
        control_chart(kind_of_chart("demerit"))
    )


def test_charts_of_several_kinds_in_one_picture(kind_of_chart):
    charts = kind_of_chart("p", units=3)
    charts = dataclasses.replace(charts, summary=charts.summary.assign(chart=["p", "g", "p"]))
    texts = texts_of(control_chart(charts))
    caption = next(text for text in texts if text.startswith("Method:"))
    assert "Method: p chart (2 charts); limits at 3 sigma (exact binomial). g chart (1 chart);" in (
        caption
    )
    assert "solid black = centre" in caption
    assert "Hospital number 1 NHS Foundation Trust · Cases between events" in texts
    assert "Hospital number 0 NHS Foundation Trust · %" in texts
    assert "90%" not in texts  # the marks of the axis serve all panels
    assert "90" in texts


def test_limits_of_a_chart_that_auto_widened_are_not_called_too_narrow(kind_of_chart):
    advice = pd.DataFrame(
        {
            "measure": [MEASURE],
            "unit": ["RX0"],
            "code": ["overdispersed"],
            "message": [""],
            "evidence": ["{}"],
        }
    )
    told = {
        chart: "too narrow"
        in caption_of(control_chart(dataclasses.replace(kind_of_chart(chart), advice=advice)))
        for chart in ("p", "p_prime", "p_additive", "i")
    }
    assert told == {"p": True, "p_prime": False, "p_additive": False, "i": False}


@pytest.mark.parametrize(
    ("chart", "value", "said"),
    [
        ("p", 0.842, "84.2%"),
        ("u", 0.0034, "0.34%"),
        ("c", 7.0, "7"),
        ("mr", 0.023, "2.3 percentage points"),
        ("g", 12.0, "12 cases"),
        ("t", 34.0, "34 days"),
        ("vlad", 2.25, "2.3 fewer than expected"),
        ("vlad", -4.0, "4 more than expected"),
        ("c", float("nan"), "no value"),
    ],
)
def test_values_are_said_in_the_unit_of_the_chart(chart, value, said):
    assert kind_of(chart).value_words(value, Display(title="")) == said


def test_a_unit_in_words_is_said_once_for_both_limits():
    assert kind_of("t").range_words(0.0, 75.0, Display(title="")) == "0 to 75 days"
    assert kind_of("u").range_words(0.0, 0.01, Display(title="", per=1000)) == "0 to 10 per 1,000"
    assert kind_of("mr").range_words(0.0, 0.1, Display(title="")) == "0 to 10 percentage points"
    assert kind_of("p").range_words(0.75, 0.93, Display(title="")) == "75% to 93%"


def test_shares_and_counts_have_edges_and_sums_have_none():
    assert {name for name, kind in KINDS.items() if kind.bounds == (0.0, 1.0)} == {
        "p",
        "p_prime",
        "p_additive",
    }
    assert kind_of("cusum").bounds[0] == -np.inf
    assert kind_of("i").bounds is None
