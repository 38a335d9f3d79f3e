"""No two names on a funnel touch: measured on the letters as they are drawn."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import spcbench as sb
from spcbench.funnel_view import Highlight, View
from spcbench.pictures.funnel_labels import Name, Room, along, text_box
from spcbench.pictures.funnel_plot import funnel_plot

ATTENDANCES = Path(__file__).parents[3] / "shared" / "data" / "ae-attendances.csv"
RINGED = (
    Highlight(name="My trust", units=("R05",)),
    Highlight(name="My system", units=("R01", "R05", "R09", "R17")),
    Highlight(name="My region", units=tuple(f"R{at:02d}" for at in range(1, 30, 4))),
)


def room(*, marks=(), lines=(), boxes=(), width=4.0, height=4.0):
    return Room(
        width=width,
        height=height,
        size=7.2,
        marks=np.array(marks, dtype=float).reshape(-1, 3),
        lines=np.array(lines, dtype=float).reshape(-1, 2),
        boxes=np.array(boxes, dtype=float).reshape(-1, 4),
    )


def name(words="ABC", x=2.0, y=2.0, **more):
    return Name(words=words, x=x, y=y, radius=0.04, **more)


def overlapping(boxes):
    return [(one[0], two[0]) for one, two in combinations(boxes, 2) if one[1].overlaps(two[1])]


def run_through(joins, boxes):
    """Names that a joining line runs through: sampled along it, without its last part."""
    found = []
    for start, end in joins:
        places = start + np.linspace(0, 0.97, 60)[:, None] * (end - start)
        found += [
            words
            for words, box in boxes
            if any(box.x0 < x < box.x1 and box.y0 < y < box.y1 for x, y in places)
        ]
    return found


def check(figure, look):
    """What holds for every funnel, however crowded; gives the number of names drawn."""
    panels = look.boxes(figure)
    joins = look.joins(figure)
    for boxes in panels:
        assert overlapping(boxes) == []
        assert run_through(joins, boxes) == []
    return sum(len(boxes) for boxes in panels)


@pytest.mark.parametrize("size", ["page", "half", "slide"])
@pytest.mark.parametrize(("units", "seed"), [(35, 1), (130, 2), (130, 3)])
def test_no_two_names_touch(drawn_funnels, look, units, seed, size):
    funnels = drawn_funnels(units, seed=seed, fdr=0.05, references={"England": 0.84})
    view = View(size=size, label="all", highlight=RINGED)
    figure = look.rendered(funnel_plot(funnels, view=view), dpi=100 + 50 * (seed % 2))
    assert check(figure, look) > 20


@pytest.mark.parametrize("levels", [("90", "95", "998", "9973"), ("2sd", "3sd"), ("95",)])
def test_nor_with_other_limits_and_several_panels(drawn_funnels, look, levels):
    funnels = drawn_funnels(60, levels=levels, groups=("NICU", "LNU", "SCU"), seed=5)
    figure = look.rendered(funnel_plot(funnels, view=View(label="all", highlight=RINGED)))
    assert check(figure, look) > 60


@pytest.mark.parametrize("size", ["page", "half", "slide"])
def test_real_and_crowded(look, size):
    if not ATTENDANCES.exists():
        pytest.skip("the published attendances are not beside this repository")
    rows = pd.read_csv(ATTENDANCES)
    rows = rows[rows["org_code"].isin(rows.loc[rows["type"] == "1", "org_code"])]
    whole = rows.groupby(["org_code", "period"], as_index=False)[["attendances", "breaches"]].sum()
    counts = whole.rename(
        columns={"org_code": "unit", "attendances": "denominator", "breaches": "numerator"}
    ).assign(measure="breaches")
    funnels = sb.funnels(counts, better="lower")
    assert len(funnels.outside) > 120  # the crowd is there
    plot = funnel_plot(funnels, view=View(size=size))
    drawn = check(look.rendered(plot), look)
    assert drawn > {"page": 80, "half": 35, "slide": 55}[size]
    left_out = len(funnels.outside) - (drawn - 5)
    assert any(f"{left_out} names are left out for want of room" in one for one in look.words(plot))


def test_a_lone_name_stands_right_of_its_point():
    [spot] = room(marks=[(2, 2, 0.04)]).place([name()])
    assert spot.y == 2.0
    assert spot.x > 2.04
    assert not spot.joined


def test_at_the_right_edge_it_moves_to_the_left():
    [spot] = room().place([name("A long name", x=3.98)])
    assert spot.x < 3.98


def test_a_name_keeps_off_a_line_where_it_can():
    path = along(np.array([[0.0, 2.0], [4.0, 2.0]]))
    assert len(path) > 100
    [spot] = room(lines=path).place([name()])
    assert abs(spot.y - 2.0) > text_box("ABC", 7.2)[1]


def test_a_name_is_not_put_nearer_to_another_point():
    [spot] = room(marks=[(2, 2, 0.04), (2.5, 2, 0.04)]).place([name(words="A longer name")])
    half = text_box("A longer name", 7.2)[0]
    assert spot.x < 2.0
    assert spot.x + half < 2.0


def hemmed_in():
    """A point with others on all sides, as far as a name reaches."""
    xs, ys = np.meshgrid(np.arange(1.0, 3.01, 0.1), np.arange(1.0, 3.01, 0.1))
    return np.column_stack([xs.ravel(), ys.ravel(), np.full(xs.size, 0.04)])


def test_a_name_without_a_free_place_is_left_out():
    assert room(marks=hemmed_in()).place([name()]) == [None]


def test_a_highlighted_one_then_covers_marks_but_no_name():
    marks = hemmed_in()
    first, second = room(marks=marks).place([name("ONE", insists=True), name("TWO", insists=True)])
    wide, high = (2 * half for half in text_box("TWO", 7.2))
    assert abs(first.x - second.x) >= wide * 0.9 or abs(first.y - second.y) >= high


def test_a_code_takes_the_place_that_a_name_does_not_find():
    """Free on the right only, for as much as a code is wide."""
    blocked = [(0.0, 0.0, 4.0, 1.9), (0.0, 2.1, 4.0, 4.0), (0.0, 1.9, 1.97, 2.1)]
    names = [name("A long name", shorter="RX1")]
    [spot] = room(boxes=[*blocked, (2.5, 1.9, 4.0, 2.1)]).place(names)
    assert spot.words == "RX1"
    [spot] = room(boxes=blocked).place(names)
    assert spot.words == "A long name"


def test_a_name_far_off_is_joined_to_its_point():
    """Room above only: the names below and beside are taken."""
    blocked = [(0.0, 0.0, 4.0, 1.9), (0.0, 1.9, 1.9, 2.3), (2.1, 1.9, 4.0, 2.3)]
    [spot] = room(boxes=blocked).place([name("A rather long name")])
    assert spot.joined
    assert spot.y > 2.3
    assert spot.edge_y == pytest.approx(spot.y - text_box("ABC", 7.2)[1])


def test_the_first_in_order_takes_the_place():
    """Two points, one free place."""
    blocked = [(0.0, 0.0, 4.0, 1.9), (0.0, 2.1, 4.0, 4.0), (0.0, 1.9, 2.02, 2.1)]
    later, sooner = room(boxes=blocked, width=2.6).place(
        [name("LATER", order=2), name("SOONER", order=1)]
    )
    assert later is None
    assert sooner is not None


def test_measured_letters_are_as_wide_as_drawn_ones(look):
    import plotnine as p9

    words = "University Hospitals\nof Derby"
    frame = pd.DataFrame({"x": [0.0], "y": [0.0], "words": [words]})
    plot = p9.ggplot(frame, p9.aes("x", "y", label="words")) + p9.geom_text(
        size=9, lineheight=1.05, family="DejaVu Sans"
    )
    [[(_, box)]] = look.boxes(look.rendered(plot, dpi=200))
    wide, high = text_box(words, 9)
    assert box.width / 200 <= 2 * wide <= box.width / 200 * 1.08
    assert box.height / 200 <= 2 * high + 1e-6
