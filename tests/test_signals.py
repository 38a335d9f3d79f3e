"""Firings of rules in the table of signals, against plain searches of every stretch."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import spcbench as sb

MONTHS = pd.date_range("2020-01-01", periods=60, freq="MS")


def charted(values, rules, *, notes=None, sigma=1.0, centre=0.0, chart="i"):
    frame = pd.DataFrame(
        {"measure": "m", "unit": "A", "period": MONTHS[: len(values)], "value": values}
    )
    lines = {} if chart == "run" else {"centre": centre, "sigma": sigma}
    return sb.control_charts(frame, chart=chart, rules=rules, notes=notes, **lines)


def found(charts, rule):
    rows = charts.signals[charts.signals["rule"] == rule]
    place = {month: at for at, month in enumerate(MONTHS)}
    return [(place[one.first], place[one.last], one.points, one.side) for one in rows.itertuples()]


def runs(values, length, *, across=()):
    """Maximal stretches strictly on one side of 0; NaN and 0 end them unless passed over."""
    made, current = [], []
    for at, value in enumerate([*values, np.nan]):
        if at in across or (value == 0 and "ties" in across):
            continue
        if current and value * values[current[-1]] > 0:
            current.append(at)
            continue
        if len(current) >= length:
            side = "above" if values[current[0]] > 0 else "below"
            made.append((current[0], current[-1], len(current), side))
        current = [at] if value and not np.isnan(value) else []
    return made


def trends(values, length):
    """Maximal stretches of steps all one way; a tie or NaN ends them."""
    made, begin = [], 0
    for at in range(1, len(values) + 1):
        step = np.sign(values[at] - values[at - 1]) if at < len(values) else 0
        before = np.sign(values[at - 1] - values[at - 2]) if at - 1 > begin else step
        if at < len(values) and step == before and step != 0:
            continue
        if at - begin >= length:
            way = "rising" if values[at - 1] > values[begin] else "falling"
            made.append((begin, at - 1, at - begin, way))
        begin = at - 1 if step != 0 and not np.isnan(step) else at
    return made


def noisy(seed):
    draw = np.random.default_rng(seed)
    values = np.round(draw.normal(0, 1, 48).cumsum() * 0.4 + draw.normal(0, 0.7, 48), 1)
    values[draw.random(48) < 0.06] = np.nan
    return values


@pytest.mark.parametrize("seed", range(25))
def test_runs_and_trends_are_those_of_a_plain_search(seed):
    values = noisy(seed)
    charts = charted(values, "mdc-2023-11")
    assert found(charts, "run7") == runs(values, 7)
    assert found(charts, "trend7") == trends(values, 7)
    eight = charted(values, "western-electric-1956")
    assert found(eight, "run8") == runs(values, 8)


@pytest.mark.parametrize("seed", range(25))
def test_shifts_past_ties_end_where_data_are_missing(seed):
    values = np.where(np.abs(noisy(seed)) < 0.35, 0.0, noisy(seed))
    values -= np.nanmedian(values)
    charts = charted(values, "ihi-run", chart="run")
    assert found(charts, "shift6") == runs(values, 6, across={"ties"})


def test_two_falls_with_anything_between_are_two_trends():
    values = [5, 4, 3, 2, 1, *[9, 0] * 10, 5, 4, 3, 2, 1, 3]
    assert found(charted(values, "ihi-run", chart="run"), "trend5") == [
        (0, 4, 5, "falling"),
        (25, 29, 5, "falling"),
    ]


def test_a_trend_past_repeats_counts_them_once():
    values = [1, 2, 2, 3, 4, 4, 5, 1, 1]
    assert found(charted(values, "ihi-run", chart="run"), "trend5") == [(0, 6, 5, "rising")]


def test_no_rise_is_made_of_what_lies_between_two_trends():
    values = [-1, 0, 1, 2, 3, 4, 5, 3, 5, 6, 5.5, 4, 3.5, 2, 1, 0.5, 0.2]
    charts = charted(values, "mdc-2023-11", sigma=10.0, centre=2.0)
    assert found(charts, "trend7") == trends(values, 7)


def test_two_of_three_on_both_sides_are_one_firing_each():
    values = [0, 0, 0, 0, 2.5, -2.25, 2.1, -2.14, 0.6, 0]
    assert found(charted(values, "western-electric-1956"), "2of3") == [
        (4, 6, 2, "above"),
        (5, 7, 2, "below"),
    ]


def test_clusters_are_not_joined_over_a_missing_point():
    values = [0, 2.5, 2.5, np.nan, 2.5, 2.5, 0, 0]
    firings = found(charted([0, 0, *values, 0, 0], "western-electric-1956"), "2of3")
    assert [one[2] for one in firings] == [2, 2]


def test_an_excluded_point_ends_no_long_run():
    values = [1.0] * 8 + [-1.0] + [1.0] * 8 + [-1.0, 1.0] * 3
    note = sb.note("exclude", date="2020-09-01", reason="Strike", author="A")
    firings = found(charted(values, "anhoej-2014", notes=[note]), "longest-run")
    assert firings == [(0, 16, 16, "above")]


def test_excluding_the_latest_point_leaves_the_signal_before_it():
    values = [0.5, -0.5] * 6 + [1.0] * 8 + [0.9]
    note = sb.note("exclude", date="2021-09-01", reason="Strike", author="A")
    charts = charted(values, "mdc-2023-11", notes=[note])
    (row,) = charts.summary.itertuples()
    assert row.variation == "neither_high"
    assert row.latest_value == 1.0
    assert charts.signals["latest"].tolist() == [True]
