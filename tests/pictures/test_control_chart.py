from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from spcbench.errors import AmbiguousNameError, OptionError, UnknownNameError
from spcbench.pictures.chart_rows import ChartLayout, line_labels, line_rows, scaled_points
from spcbench.pictures.control_chart import control_chart
from spcbench.pictures.results import chart_keys
from spcbench.tables import Display

MEASURE = "pop@2023:mgso4"


def rows_behind(charts):
    keys = chart_keys(charts, measure=None, unit=None)
    points = scaled_points(charts, keys, {key: key[1] for key in keys})
    return points, line_rows(points)


def drawn_texts(plot):
    figure = plot.draw()
    return [text.get_text() for text in figure.findobj(lambda one: hasattr(one, "get_text"))]


def with_points(charts, **columns):
    return dataclasses.replace(charts, points=charts.points.assign(**columns))


def test_values_are_drawn_on_the_display_scale(drawn_charts):
    charts = drawn_charts()
    points, _ = rows_behind(charts)
    np.testing.assert_allclose(points["y"], charts.points["value"] * 100)
    assert points["y"].isna().sum() == 1


def test_limits_break_at_the_phase_and_the_target_does_not(drawn_charts):
    _, lines = rows_behind(drawn_charts())
    groups = lines.groupby("line", observed=True)["group"].nunique()
    assert groups.to_dict() == {"ucl": 2, "lcl": 2, "centre": 2, "target": 1}


def test_a_limit_above_100_per_cent_is_drawn_at_the_edge_and_named_so(drawn_charts):
    charts = drawn_charts()
    assert charts.points["ucl"].max() > 1
    points, lines = rows_behind(charts)
    assert lines.loc[lines["line"] == "ucl", "y"].max() == 100.0
    keys = chart_keys(charts, measure=None, unit=None)
    labels = line_labels(points, lines, charts, keys, ChartLayout(1, 1))
    words = [text.strip() for text in labels["words"]]
    assert sorted(words) == ["Lower 76%", "Mean 86%", "Target 85%", "Upper > 100%"]


def test_single_values_know_no_edge(drawn_charts):
    charts = drawn_charts()
    nothing = pd.array([pd.NA] * len(charts.points), dtype="Int64")
    charts = with_points(charts, numerator=nothing, denominator=nothing)
    charts = dataclasses.replace(charts, summary=charts.summary.assign(chart="i"))
    _, lines = rows_behind(charts)
    assert lines.loc[lines["line"] == "ucl", "y"].max() == pytest.approx(102.0)


def test_a_rate_may_pass_one_but_not_fall_below_nought(drawn_charts):
    charts = drawn_charts()
    charts = dataclasses.replace(
        with_points(charts, lcl=-0.2, ucl=1.3), summary=charts.summary.assign(chart="u")
    )
    _, lines = rows_behind(charts)
    assert lines.loc[lines["line"] == "lcl", "y"].unique().tolist() == [0.0]
    assert lines.loc[lines["line"] == "ucl", "y"].unique().tolist() == [130.0]


def test_labels_of_close_lines_are_moved_apart(drawn_charts):
    charts = drawn_charts(target=0.86)
    points, lines = rows_behind(charts)
    keys = chart_keys(charts, measure=None, unit=None)
    labels = line_labels(points, lines, charts, keys, ChartLayout(1, 1))
    places = labels["y"].sort_values().to_numpy()
    assert np.diff(places).min() > 1.5


def test_the_value_line_breaks_at_a_gap(drawn_charts):
    lines = control_chart(drawn_charts()).draw().axes[0].get_lines()
    pieces = [line for line in lines if to_hex(line.get_color()) == "#767676"]
    # One gap and one change of phase: three pieces.
    assert [len(piece.get_xdata()) for piece in pieces] == [7, 4, 12]


def test_every_kind_of_point_has_its_own_shape_and_words(drawn_charts):
    charts = drawn_charts()
    verdicts = charts.points["verdict"].copy()
    verdicts.iloc[10] = "neither"
    texts = drawn_texts(control_chart(with_points(charts, verdict=verdicts)))
    assert {"Common cause", "Improvement", "Concern", "Special cause"} <= set(texts)
    from spcbench.pictures.theme import POINT_MARKS

    assert len({mark.shape for mark in POINT_MARKS.values()}) == len(POINT_MARKS)


def test_words_title_caption_and_dates(drawn_charts):
    texts = drawn_texts(control_chart(drawn_charts()))
    caption = " ".join(next(text for text in texts if text.startswith("Method")).split())
    assert "p chart; limits at 3 sigma (normal approximation)" in caption
    assert "Rules: Making Data Count, November 2023." in caption
    assert "about 0.15 false signals would be expected on this chart" in caption
    assert "Hospital number 0 NHS Foundation Trust" in texts
    assert "Apr 2022" in texts
    title = next(text for text in texts if text.startswith("Babies born"))
    assert "\n" in title
    assert max(map(len, title.split("\n"))) <= 64


def test_small_multiples_show_each_series_and_add_up_false_signals(drawn_charts):
    figure = control_chart(drawn_charts(units=3), columns=2).draw()
    found = figure.findobj(lambda one: hasattr(one, "get_text"))
    texts = [" ".join(text.get_text().split()) for text in found]
    assert [f"Hospital number {at} NHS Foundation Trust" in texts for at in range(3)] == [True] * 3
    assert any("about 0.45 false signals would be expected on these 3 charts" in t for t in texts)
    assert len(figure.axes) == 3


def test_one_unit_of_several(drawn_charts):
    plot = control_chart(drawn_charts(units=3), measure="mgso4", unit="RX001")
    texts = drawn_texts(plot)
    assert "Hospital number 1 NHS Foundation Trust" in texts
    assert "Hospital number 0 NHS Foundation Trust" not in texts


def test_per_thousand_is_named_on_the_axis(drawn_charts):
    charts = drawn_charts()
    display = {MEASURE: Display(title="Deaths", per=1000)}
    assert "Per 1,000" in drawn_texts(control_chart(dataclasses.replace(charts, display=display)))


def test_a_series_without_values_says_so(drawn_charts):
    charts = drawn_charts(units=2)
    empty = charts.points["value"].mask(charts.points["unit"] == "RX001")
    assert "No values to draw" in drawn_texts(control_chart(with_points(charts, value=empty)))
    nothing = with_points(charts, value=np.nan)
    assert "There are no values to draw." in drawn_texts(control_chart(nothing))


def test_a_single_point_and_an_empty_result_are_drawn(drawn_charts):
    charts = drawn_charts()
    one = dataclasses.replace(charts, points=charts.points.head(1))
    assert "Common cause" in drawn_texts(control_chart(one))
    assert "There are no control charts to draw." in drawn_texts(
        control_chart(drawn_charts(units=0))
    )


def test_unknown_names_are_told(drawn_charts):
    charts = drawn_charts(units=2)
    with pytest.raises(UnknownNameError, match="no measure 'mgso5'; did you mean 'pop@2023:mgso4'"):
        control_chart(charts, measure="mgso5")
    with pytest.raises(UnknownNameError, match="there is no unit 'RX009'; did you mean"):
        control_chart(charts, unit="RX009")
    with pytest.raises(OptionError, match="columns must be at least 1, not 0"):
        control_chart(charts, columns=0)


def test_a_short_name_of_two_measures_is_refused(drawn_charts):
    charts = drawn_charts(units=2)
    names = charts.points["measure"].mask(charts.points["unit"] == "RX001", "mis@2024:mgso4")
    charts = with_points(charts, measure=names)
    message = "'mgso4' could be mis@2024:mgso4 or pop@2023:mgso4; write it in full"
    with pytest.raises(AmbiguousNameError, match=message):
        control_chart(charts, measure="mgso4")
    with pytest.raises(OptionError, match="no unit 'RX001' for the measure 'pop@2023:mgso4'"):
        control_chart(charts, measure="pop:mgso4", unit="RX001")


def test_more_charts_than_fit_are_refused(drawn_charts):
    charts = drawn_charts(units=1)
    parts = [charts.points.head(1).assign(unit=f"U{at}") for at in range(151)]
    many = dataclasses.replace(charts, points=pd.concat(parts, ignore_index=True))
    message = (
        r"151 control charts do not fit in one picture \(at most 150\).*--measure or --unit.*pdf"
    )
    with pytest.raises(OptionError, match=message):
        control_chart(many)
    fits = dataclasses.replace(many, points=many.points.head(150))
    assert control_chart(fits).theme.themeables


def test_drawing_leaves_settings_and_figures_alone(drawn_charts):
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    before, figures = dict(mpl.rcParams), plt.get_fignums()
    control_chart(drawn_charts()).draw()
    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == figures
