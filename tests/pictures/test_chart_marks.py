"""Comments, points not used, further lines and events: what stands on a control chart."""

from __future__ import annotations

import dataclasses
import io
import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from spcbench import tables
from spcbench.pictures.chart_comments import MOST_COMMENTS, comment_rows
from spcbench.pictures.chart_rows import ChartLayout, line_labels, line_rows, scaled_points
from spcbench.pictures.chart_words import describe_chart
from spcbench.pictures.control_chart import _LINE_STYLES, control_chart
from spcbench.pictures.results import chart_keys
from spcbench.pictures.theme import EXCLUDED_MARK, POINT_MARKS

MEASURE = "pop@2023:thing"


def with_points(charts, **columns):
    return dataclasses.replace(charts, points=charts.points.assign(**columns))


def noted(charts, comments):
    notes = np.full(len(charts.points), "", dtype=object)
    for row, words in comments.items():
        notes[row] = words
    return with_points(charts, note=notes)


def rows_behind(charts):
    keys = chart_keys(charts, measure=None, unit=None)
    points = scaled_points(charts, keys, {key: key[1] for key in keys})
    return points, line_rows(points, charts.method.get("references"))


def texts_of(figure):
    return [
        one
        for one in figure.findobj(lambda one: hasattr(one, "get_text"))
        if one.get_text().strip() and one.get_visible()
    ]


def laid_out(plot):
    """The figure with everything in its place: plotnine finds it while saving."""
    figure = plot.draw()
    figure.savefig(io.BytesIO())
    return figure


def words_on(plot):
    return [
        " ".join(one.get_text().replace("\u00a0", " ").split()) for one in texts_of(plot.draw())
    ]


LONG = "Consultant of the week introduced, with ward rounds at eight every morning; " * 3


# ------------------------------------------------------------------------------- comments


def test_comments_are_numbered_on_the_chart_and_listed_below(kind_of_chart):
    charts = noted(kind_of_chart("p"), {3: "Cold\n snap", 20: LONG})
    words = words_on(control_chart(charts))
    caption = next(text for text in words if "Method:" in text)
    assert {"1", "2"} <= set(words)
    assert caption.startswith("1 Jul 2022: Cold snap 2 Dec 2023: Consultant of the week")
    assert caption.index("Consultant") < caption.index("Method:")


def test_dollars_in_words_are_no_formula(kind_of_chart):
    charts = noted(kind_of_chart("p", references={"Paid $9": 0.8}), {3: "from $5 to $6"})
    figure = laid_out(control_chart(charts))  # an unfinished formula would raise here
    caption = next(one for one in texts_of(figure) if "Method:" in one.get_text())
    assert r"from \$5 to \$6" in caption.get_text()


def test_long_comments_are_wrapped_and_take_nothing_from_the_chart(kind_of_chart):
    few = control_chart(noted(kind_of_chart("p"), {3: "Cold snap"}))
    many = control_chart(noted(kind_of_chart("p"), dict.fromkeys(range(8), LONG)))
    heights = [plot.theme.themeables["figure_size"].properties["value"][1] for plot in (few, many)]
    assert heights[0] == 5.0
    figures = [laid_out(plot) for plot in (few, many)]
    panels = []
    for figure in figures:
        panels.append(figure.axes[0].get_window_extent().height / figure.dpi)
        wide, high = figure.get_size_inches() * figure.dpi
        # Texts of the legend know their place only while they are drawn.
        caption = next(one for one in texts_of(figure) if "Method:" in one.get_text())
        for text in (caption, *figure.axes[0].texts):
            box = text.get_window_extent()
            assert 0 <= box.x0 <= box.x1 <= wide, text.get_text()
            assert 0 <= box.y0 <= box.y1 <= high, text.get_text()
    assert panels[1] > 0.9 * panels[0]


def test_markers_hide_neither_points_nor_each_other(kind_of_chart):
    charts = noted(kind_of_chart("p", size=60), {row: f"Comment {row}" for row in range(2, 58, 4)})
    figure = laid_out(control_chart(charts))
    axes = figure.axes[0]
    boxes = [one.get_window_extent() for one in axes.texts if one.get_text().strip().isdigit()]
    assert len(boxes) == 14
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
    spots = axes.transData.transform(axes.collections[-1].get_offsets())
    assert not any(box.contains(*spot) for box in boxes for spot in spots)


def test_what_is_said_of_every_point_marks_none_and_is_listed_once(kind_of_chart):
    rows = len(kind_of_chart("p").points)
    said = dict.fromkeys(range(rows), "Invented")
    caption = control_chart(noted(kind_of_chart("p"), said)).labels.caption
    assert "All points: Invented" in " ".join(caption.split())
    both = control_chart(noted(kind_of_chart("p"), {**said, 3: "Invented; Cold snap"}))
    assert "Cold snap" in both.labels.caption
    assert both.labels.caption.count("Invented") == 1


def test_too_many_comments_are_cut_short_and_counted(kind_of_chart):
    charts = noted(kind_of_chart("p"), {row: f"Comment {row}" for row in range(20)})
    points, _ = rows_behind(charts)
    assert len(comment_rows(points)) == MOST_COMMENTS == 15
    caption = next(text for text in words_on(control_chart(charts)) if "Method:" in text)
    assert caption.startswith("5 earlier in the table of points. 1 Sep 2022: Comment 5 2 Oct")


def test_a_comment_without_a_value_is_listed_with_a_dash(kind_of_chart):
    charts = noted(kind_of_chart("p"), {3: "No data came", 5: "They did"})
    value = charts.points["value"].to_numpy().copy()
    value[3] = np.nan
    words = words_on(control_chart(with_points(charts, value=value)))
    caption = next(text for text in words if "Method:" in text)
    assert caption.startswith("– Jul 2022: No data came 1 Sep 2022: They did")


def test_small_charts_have_stars_and_no_words(kind_of_chart):
    charts = noted(kind_of_chart("p", units=2), {3: "Cold snap", 40: "Audit"})
    words = words_on(control_chart(charts))
    assert words.count("*") == 2
    assert not any("Cold snap" in text for text in words)
    assert any("A star marks a comment; the table of points holds" in text for text in words)


# ------------------------------------------------------------------------- points not used


def test_points_not_used_have_a_shape_and_a_name_of_their_own(kind_of_chart):
    excluded = np.zeros(30, dtype=bool)
    excluded[[4, 9]] = True
    charts = with_points(kind_of_chart("p"), excluded=excluded, verdict="concern")
    words = words_on(control_chart(charts))
    assert {"Not used", "Concern"} <= set(words)
    assert EXCLUDED_MARK.shape not in {mark.shape for mark in POINT_MARKS.values()}
    points, _ = rows_behind(charts)
    assert points["verdict"].value_counts().to_dict() == {"concern": 28, "excluded": 2}
    assert any("Points that were not used feed neither limits nor rules." in t for t in words)
    assert "Shown but not used: 2 points (Aug 2022, Jan 2023)." in describe_chart(
        charts, MEASURE, "RX0"
    )


def test_results_without_the_newer_columns_are_drawn(kind_of_chart):
    charts = kind_of_chart("p")
    older = charts.points.drop(columns=["excluded", "trajectory"])
    method = {"sigma": 3.0}
    charts = dataclasses.replace(charts, points=older, method=method)
    assert "Common cause" in words_on(control_chart(charts))
    assert "p chart of 30 points" in describe_chart(charts, MEASURE, "RX0")


# -------------------------------------------------------------------------- further lines


def test_lines_are_told_apart_without_colour():
    styles = [str(_LINE_STYLES[line]) for line in ("ucl", "centre", "target", "trajectory")]
    assert len({*styles, str(_LINE_STYLES["reference"])}) == 5


def test_the_trajectory_is_one_path_and_is_named(kind_of_chart):
    plan = np.where(np.arange(30) < 10, np.nan, np.linspace(0.8, 0.9, 30))
    charts = with_points(kind_of_chart("p"), trajectory=plan, phase=np.arange(30) // 15)
    _, lines = rows_behind(charts)
    path = lines[lines["line"] == "trajectory"]
    assert len(path["group"].unique()) == 1
    assert (len(path), path["y"].iloc[-1]) == (20, 90.0)
    words = words_on(control_chart(charts))
    assert "Trajectory 90%" in words
    assert any("dash-dotted purple = trajectory" in text for text in words)
    assert "Trajectory 90% at the latest point." in describe_chart(charts, MEASURE, "RX0")


def test_references_are_drawn_across_on_the_scale_of_the_measure(kind_of_chart):
    named = "Best quarter of all trusts in England in 2023/24"
    charts = kind_of_chart("p", references={"National median": 0.81, named: 0.9})
    points, lines = rows_behind(charts)
    drawn = lines[lines["line"] == "reference"].groupby("name")["y"].agg(["size", "first", "last"])
    assert drawn.loc["National median"].tolist() == [30.0, 81.0, 81.0]
    keys = chart_keys(charts, measure=None, unit=None)
    labels = line_labels(points, lines, charts, keys, ChartLayout(1, 1))
    long = next(text for text in labels["words"] if "Best" in text)
    assert max(map(len, long.split("\n"))) <= 24
    assert "National median 81%" in words_on(control_chart(charts))
    said = describe_chart(charts, MEASURE, "RX0")
    assert f"For reference: National median 81%; {named} 90%." in said


def test_names_of_lines_fit_and_do_not_touch(kind_of_chart):
    references = {
        "Median of all the trusts of England in the year before": 0.841,
        "Network median of last year": 0.8405,
    }
    charts = with_points(kind_of_chart("p", references=references), target=0.842)
    figure = laid_out(control_chart(charts))
    boxes = [one.get_window_extent() for one in figure.axes[0].texts]
    assert len(boxes) == 6
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
    assert max(box.x1 for box in boxes) <= figure.get_size_inches()[0] * figure.dpi


def test_lines_at_one_height_share_a_name(kind_of_chart):
    flat = with_points(kind_of_chart("p"), value=1.0, centre=1.0, lcl=1.0, ucl=1.0)
    words = words_on(control_chart(flat))
    assert "Mean, lower, upper 100%" in words
    assert not any(text.startswith("100.") for text in words)
    low, high = control_chart(flat).draw().axes[0].get_ylim()
    assert 94 < low < 95.1
    assert 100 <= high < 101


# -------------------------------------------------------------- part of a chart, and events


def test_only_the_last_points_are_drawn_with_the_limits_of_all(kind_of_chart):
    charts = kind_of_chart("p", units=2, show_last=12)
    points, lines = rows_behind(charts)
    assert points.groupby("panel", observed=True).size().to_list() == [12, 12]
    assert points["period"].min() == pd.Timestamp("2023-10-01")
    assert lines.loc[lines["line"] == "ucl", "y"].unique() == pytest.approx([93.0])
    words = words_on(control_chart(charts))
    assert any("Only the last 24 of 60 points are drawn; all count" in text for text in words)
    longer = kind_of_chart("p", show_last=99)
    assert any("All points are drawn." in text for text in words_on(control_chart(longer)))


def test_several_events_on_one_day_keep_their_order(kind_of_chart):
    charts = kind_of_chart("t", size=12)
    days = pd.to_datetime(["2024-01-03"] * 3 + ["2024-02-01"] * 2 + ["2024-03-09"] * 7)
    charts = with_points(charts, period=days)
    points, _ = rows_behind(charts)
    assert points["x"].to_list() == list(range(1, 13))
    words = words_on(control_chart(charts))
    assert "Event, in order of time" in words
    assert {"2 3 Jan 2024", "4 1 Feb 2024"} <= set(words)
    said = describe_chart(charts, MEASURE, "RX0")
    assert said.count("1 Apr 2022 to 1 Mar 2023") == 1  # all days are named where some matter
    last = dataclasses.replace(charts, method={**charts.method, "show_last": 4})
    assert rows_behind(last)[0]["x"].to_list() == [9, 10, 11, 12]


def test_dates_that_come_as_they_come_do_not_crowd_the_axis(kind_of_chart):
    days = pd.Timestamp("2024-01-02") + pd.to_timedelta(
        [0, 1, 2, 3, 60, 61, 62, 150, 151, 300, 301, 302], unit="D"
    )
    figure = laid_out(control_chart(with_points(kind_of_chart("g", size=12), period=days)))
    boxes = [one.get_window_extent() for one in figure.axes[0].get_xticklabels()]
    assert len(boxes) >= 3
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


# ------------------------------------------------------------------------- what is said


def test_signals_of_the_whole_chart_are_said_in_words(kind_of_chart):
    signals = tables.SIGNALS.frame(
        {
            "measure": [MEASURE] * 4,
            "unit": ["RX0"] * 4,
            "rule_set": "anhoej-2014",
            "rule": ["crossings", "longest-run", "14alt", "odd"],
            "first": [pd.Timestamp("2022-04-01")] * 4,
            "last": [pd.Timestamp("2024-09-01")] * 4,
            "points": 30,
            "side": [None, "above", None, None],
            "verdict": "neither",
            "latest": True,
        }
    )
    said = describe_chart(
        dataclasses.replace(kind_of_chart("run"), signals=signals), MEASURE, "RX0"
    )
    when = "from Apr 2022 to Sep 2024"
    assert (
        f"1 special-cause signal, the latest {when}, above the centre line (rule longest-run)."
        in (said)
    )
    assert (
        f"Special-cause signal {when}: fewer crossings of the median than chance allows "
        "(rule crossings)." in said
    )
    assert f"{when}: values that go up and down in turn (rule 14alt)." in said
    assert said.endswith(f"Special-cause signal {when} (rule odd).")


def test_comments_are_told_the_latest_last(kind_of_chart):
    charts = noted(kind_of_chart("c"), {row: f"Step {row}." for row in range(7)})
    said = describe_chart(charts, MEASURE, "RX0")
    assert "Comments: 2 earlier comments; Jun 2022: Step 2; Jul 2022: Step 3;" in said
    assert said.endswith("Oct 2022: Step 6.")


def test_what_is_said_of_many_points_is_told_once(kind_of_chart):
    size = len(kind_of_chart("p").points)
    rounded = "three months added up; 5 shown for 1 to 7"
    notes = {row: rounded if row % 2 else "three months added up" for row in range(size)}
    charts = noted(kind_of_chart("p"), notes)
    said = describe_chart(charts, MEASURE, "RX0")
    assert said.endswith(
        "Comments: all points: three months added up; "
        f"May 2022, Jul 2022 and {size // 2 - 2} more: 5 shown for 1 to 7."
    )
    caption = control_chart(charts).labels.caption
    assert caption.count("5 shown for 1 to 7") == 1
    points, _ = rows_behind(charts)
    assert set(comment_rows(points)["marker"]) == {"1"}


def test_long_comments_are_cut_in_a_description_and_kept_in_the_table(kind_of_chart):
    charts = noted(kind_of_chart("p"), {row: f"{row} {LONG}" for row in range(20)})
    said = describe_chart(charts, MEASURE, "RX0").partition("Comments: ")[2]
    assert said.startswith("18 earlier comments; ")
    assert said.endswith("introduced, with …")
    assert len(said) < 700
    assert charts.points["note"].iloc[19] == f"19 {LONG}"


def label_gaps(charts):
    """Inches between neighbouring labels below the chart."""
    figure = control_chart(charts).draw()
    FigureCanvasAgg(figure).draw()
    boxes = [one.get_window_extent() for one in figure.axes[-1].get_xticklabels()]
    return [(after.x0 - before.x1) / figure.dpi for before, after in itertools.pairwise(boxes)]


@pytest.mark.parametrize("units", [1, 4])
@pytest.mark.parametrize("twice", [False, True])
def test_days_below_the_axis_do_not_run_into_one_another(kind_of_chart, units, twice):
    days = pd.to_datetime(
        ["2022-01-03", "2022-08-24", "2022-12-01", "2023-04-19", "2023-08-26", "2024-12-28"]
    )
    if twice:  # several events on one day: the axis has numbers, and days below them
        days = days.repeat(2)
    charts = with_points(kind_of_chart("g", size=len(days), units=units), period=[*days] * units)
    gaps = label_gaps(charts)

    assert gaps
    assert min(gaps) > 0.05
