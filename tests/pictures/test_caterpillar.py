from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from spcbench.errors import OptionError
from spcbench.funnel_view import Highlight, View
from spcbench.pictures.caterpillar import caterpillar_plot
from spcbench.pictures.caterpillar_rows import CaterpillarLayout, CaterpillarRows

KEY = ("pop@2023:mgso4", "")
PAGE = CaterpillarLayout.of(1, "page")
RINGED = (Highlight(name="My system", units=("R05", "R07")),)


def rows_of(funnels, layout=PAGE):
    return CaterpillarRows.of(funnels, KEY, layout, floor=0.0)


def test_the_largest_unit_stands_at_the_top_whatever_its_value(drawn_funnels):
    funnels = drawn_funnels(30)
    rows = rows_of(funnels)
    sizes = funnels.units.set_index("unit")["size"]
    from_top = rows.points.sort_values("y", ascending=False)["unit"]
    assert (np.diff(sizes[from_top]) <= 0).all()
    assert rows.names[rows.points["y"].max()] == f"Hospital {from_top.iloc[0]}"


def test_units_of_one_size_stand_by_their_codes(drawn_funnels):
    funnels = drawn_funnels(12)
    funnels = dataclasses.replace(funnels, units=funnels.units.assign(size=100.0))
    shuffled = dataclasses.replace(funnels, units=funnels.units.sample(frac=1, random_state=1))
    for one in (funnels, shuffled):
        from_top = rows_of(one).points.sort_values("y", ascending=False)["unit"]
        assert list(from_top) == sorted(from_top)


def test_bars_and_diamonds_are_those_of_the_estimates(drawn_funnels):
    funnels = drawn_funnels(30)
    points = rows_of(funnels).points.set_index("unit")
    own = funnels.estimates.set_index("unit").loc[points.index]
    np.testing.assert_allclose(points["shrunken"], own["shrunken"] * 100)
    left, right = rows_of(funnels).edges["left"], rows_of(funnels).edges["right"]
    for bar, level in (("inner", "95"), ("outer", "998")):
        for end, side in (("low", "lower"), ("high", "upper")):
            wanted = (own[f"interval_{side}_{level}"] * 100).clip(left, right)
            np.testing.assert_allclose(points[f"{bar}_{end}"], wanted)


def test_one_level_has_one_bar(drawn_funnels, look):
    funnels = drawn_funnels(20, levels=("95",))
    assert rows_of(funnels).points["outer_low"].isna().all()
    said = " ".join(look.words(caterpillar_plot(funnels)))
    assert "Bars: bar = exact 95% interval." in said


def test_an_interval_that_runs_on_is_cut_and_marked(drawn_funnels, look):
    funnels = drawn_funnels(30)
    smallest = funnels.units.sort_values("size")["unit"].iloc[0]
    own = funnels.estimates.copy()
    own.loc[own["unit"] == smallest, "interval_lower_998"] = 0.01
    own.loc[own["unit"] == smallest, "interval_upper_998"] = np.nan  # without end
    funnels = dataclasses.replace(funnels, estimates=own)
    rows = rows_of(funnels)
    assert rows.edges["left"] > 40
    [lowest] = rows.points.loc[rows.points["unit"] == smallest, "y"]
    assert set(rows.cut.loc[rows.cut["y"] == lowest, "words"]) == {"‹", "›"}
    point = rows.points.set_index("unit").loc[smallest]
    assert (point["outer_low"], point["outer_high"]) == (rows.edges["left"], rows.edges["right"])
    said = " ".join(look.words(caterpillar_plot(funnels)))
    assert "Intervals with an arrow run on beyond the picture." in said


def test_caption_says_that_nothing_is_ranked(drawn_funnels, look):
    said = look.words(caterpillar_plot(drawn_funnels(30, references={"England": 0.82})))
    assert any(text.startswith("Largest unit at the top: the order says nothing") for text in said)
    assert any("thick = exact 95% interval; thin = 99.8%" in text for text in said)
    assert {"Average 85%", "England 82%", "Shrunken estimate", "Hospital R29"} <= set(said)
    assert "30 units, Jan 2024 to Dec 2024" in said
    assert not any("rank" in text.lower() or "worst" in text.lower() for text in said)


def test_highlighted_units_have_a_ring_and_a_band(drawn_funnels, look):
    plot = caterpillar_plot(drawn_funnels(30), view=View(highlight=RINGED))
    figure = look.rendered(plot)
    assert "My system" in [text.get_text() for text in look.texts(figure)]
    assert [len(one.get_offsets()) for one in look.hollow(figure)] == [2]
    bands = rows_of(drawn_funnels(30)).bands(RINGED[0].units)
    assert (bands["high_y"] - bands["low_y"] == 1.0).all()


@pytest.mark.parametrize("units", [20, 200])
def test_names_of_units_do_not_touch_and_none_is_cut_off(drawn_funnels, look, units):
    figure = look.rendered(caterpillar_plot(drawn_funnels(units)))
    renderer = figure._get_renderer()
    names = [one for one in look.texts(figure) if one.get_text().startswith("Hospital")]
    assert len(names) == units
    boxes = sorted((one.get_window_extent(renderer) for one in names), key=lambda box: box.y0)
    assert all(below.y1 <= above.y0 + 0.5 for below, above in pairwise(boxes))
    assert min(box.x0 for box in boxes) >= 0
    assert min(one.get_fontsize() for one in names) >= 7


@pytest.mark.parametrize(("size", "least"), [("half", 6.5), ("slide", 14.0)])
def test_other_sizes_can_be_read(drawn_funnels, look, size, least):
    figure = look.rendered(caterpillar_plot(drawn_funnels(9), view=View(size=size)))
    renderer = figure._get_renderer()
    for text in look.texts(figure):
        box = text.get_window_extent(renderer)
        assert text.get_fontsize() >= least
        assert box.x0 >= -0.5
        assert box.x1 <= figure.bbox.width + 0.5, text.get_text()
        assert box.y0 >= -0.5
        assert box.y1 <= figure.bbox.height + 0.5


def test_the_picture_grows_with_its_units():
    heights = [CaterpillarLayout.of(1, "page", units=units).height for units in (50, 100, 200)]
    assert heights[2] - heights[1] == pytest.approx(2 * (heights[1] - heights[0]), rel=0.1)
    assert heights[0] < heights[1]


def test_groups_stand_side_by_side(drawn_funnels, look):
    funnels = drawn_funnels(12, groups=("NICU", "LNU", "SCU"))
    figure = look.rendered(caterpillar_plot(funnels))
    assert len([axes for axes in figure.axes if axes.collections]) == 3
    said = [" ".join(one.get_text().split()) for one in look.texts(figure)]
    assert {"NICU", "LNU", "SCU", "3 caterpillars, Jan 2024 to Dec 2024"} <= set(said)
    assert said.count("Hospital R11") == 3


def test_what_does_not_fit_is_refused(drawn_funnels):
    message = r"201 units do not fit in one caterpillar \(at most 200\): choose a group .* \.csv"
    with pytest.raises(OptionError, match=message):
        caterpillar_plot(drawn_funnels(201))
    message = r"7 caterpillars do not fit in one picture \(at most 6\): choose some with --measure"
    with pytest.raises(OptionError, match=message):
        caterpillar_plot(drawn_funnels(3, groups=tuple("ABCDEFG")))
    message = r"40 units do not fit in a caterpillar on a slide \(at most \d+\): choose a group"
    with pytest.raises(OptionError, match=message):
        caterpillar_plot(drawn_funnels(40), view=View(size="slide"))


def test_empty_ones_are_drawn(drawn_funnels, look):
    assert "There are no units to draw." in look.words(caterpillar_plot(drawn_funnels(0)))
    funnels = drawn_funnels(3)
    nothing = dataclasses.replace(funnels, units=funnels.units.assign(value=np.nan))
    assert "There are no values to draw." in look.words(caterpillar_plot(nothing))


def test_units_without_an_interval_keep_their_row(drawn_funnels, look):
    funnels = drawn_funnels(10)
    bare = funnels.estimates.assign(
        **{name: np.nan for name in funnels.estimates if name.startswith("interval_")},
        shrunken=np.nan,
    )
    funnels = dataclasses.replace(funnels, estimates=bare)
    assert len(rows_of(funnels).points) == 10
    assert "Hospital R09" in look.words(caterpillar_plot(funnels))


def test_changes_stand_on_an_axis_of_ratios(drawn_funnels, look):
    funnels = drawn_funnels(10, data_type="change", change_of="rate")
    ratios = {"value": 2.0, "target": 1.0}
    funnels = dataclasses.replace(
        funnels,
        units=funnels.units.assign(**ratios),
        summary=funnels.summary.assign(target=1.0),
        estimates=funnels.estimates.assign(
            shrunken=1.5,
            interval_lower_95=1.5,
            interval_upper_95=2.5,
            interval_lower_998=1.2,
            interval_upper_998=3.0,
        ),
    )
    rows = rows_of(funnels)
    np.testing.assert_allclose(rows.points["x"], np.log10(2.0))
    assert isinstance(rows.lines, pd.DataFrame)
    assert rows.lines["x"].tolist() == [0.0]
    said = look.words(caterpillar_plot(funnels))
    assert "Ratio of rates, after to before" in said
    assert "Average 1" in said
