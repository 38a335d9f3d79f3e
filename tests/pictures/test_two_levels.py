"""Charts with two levels: a warning line of its own run length, drawn and told as level 1."""

from __future__ import annotations

from dataclasses import replace

import pytest

from spcbench.pictures.chart_caption import caption_text, chart_titles
from spcbench.pictures.chart_kinds import KINDS
from spcbench.pictures.chart_rows import ChartLayout, line_labels, line_rows, scaled_points
from spcbench.pictures.chart_words import describe_chart
from spcbench.pictures.control_chart import _LINE_STYLES, control_chart

MEASURE = "pop@2023:thing"
TWO = {"ratio": 2.0, "arl0": 100.0, "warning_arl0": 20.0}


def with_warning(charts, height, **settings):
    """The same chart as the engine gives it: the warning line is always filled."""
    settings = {**charts.method["settings"], **settings}
    return replace(
        charts,
        points=charts.points.assign(upper_warning=height),
        method={**charts.method, "settings": settings},
    )


def parts(charts):
    keys, layout = [(MEASURE, "RX0")], ChartLayout(1, 1)
    points = scaled_points(charts, keys, chart_titles(charts, keys, layout))
    lines = line_rows(points)
    labels = line_labels(points, lines, charts, keys, layout)
    return lines, list(labels["words"]), caption_text(charts, keys, points, lines, layout)


def test_level_1_is_drawn_beside_level_2_and_both_are_named(kind_of_chart, look):
    charts = with_warning(kind_of_chart("poisson_cusum"), 1.4, **TWO)
    lines, labels, caption = parts(charts)
    assert set(lines.loc[lines["line"] == "warning", "y"]) == {1.4}
    names = [one.strip() for one in labels]
    assert "Level 1 1.4" in names
    assert "Level 2 3.3" in names
    caption = " ".join(caption.split())
    assert "level 1 once in about 20 points (the limit is level 2)" in caption
    assert "dash and two dots, grey = level 1" in caption
    assert "warning arl0" not in caption
    told = describe_chart(charts, MEASURE, "RX0")
    assert "Two levels: level 1 at 1.4, level 2 at 3.3." in told
    assert "lies above level 1" not in told
    high = replace(charts, summary=charts.summary.assign(latest_value=2.0))
    assert "The latest point lies above level 1." in describe_chart(high, MEASURE, "RX0")
    assert {"Level 1 1.4", "Level 2 3.3"} <= set(look.words(control_chart(charts)))


def test_no_two_lines_of_a_chart_look_alike_without_colour():
    styles = {line: str(one) for line, one in _LINE_STYLES.items() if line != "lcl"}
    assert len(set(styles.values())) == len(styles)


@pytest.mark.parametrize("chart", list(KINDS))
def test_no_other_chart_draws_its_warning_line(kind_of_chart, chart):
    plain = kind_of_chart(chart)
    lines, labels, caption = parts(with_warning(plain, plain.points["ucl"] * 2 / 3))
    bare, bare_labels, bare_caption = parts(plain)
    assert "warning" not in set(lines["line"])
    assert len(lines) == len(bare)
    assert labels == bare_labels
    assert caption == bare_caption
    assert "evel 1" not in describe_chart(plain, MEASURE, "RX0")


def test_where_any_event_signals_both_levels_share_a_label(kind_of_chart):
    charts = kind_of_chart("poisson_cusum")
    charts = with_warning(charts, charts.points["ucl"], **TWO)
    _, labels, _ = parts(charts)
    assert [one.strip() for one in labels if "evel" in one] == ["Level 2, level 1 3.3"]
