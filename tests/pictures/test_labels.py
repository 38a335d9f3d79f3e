from __future__ import annotations

import numpy as np
import pytest

from spcbench.pictures.labels import Panel, placed_labels
from spcbench.pictures.theme import spread, wrapped

PANEL = Panel(width=4.0, height=4.0, x=(0.0, 40.0), y=(0.0, 1.0), size=7.2)


def test_a_lone_name_stands_right_of_its_point():
    [place] = placed_labels(["ABC"], [(20.0, 0.5)], PANEL)
    assert place.y == pytest.approx(0.5)
    assert place.x > 20.0
    assert not place.away


def test_at_the_right_edge_it_moves_to_the_left():
    [place] = placed_labels(["A long name"], [(39.5, 0.5)], PANEL)
    assert place.x < 39.5


def test_a_mark_to_avoid_turns_the_name_away():
    [free] = placed_labels(["ABC"], [(20.0, 0.5)], PANEL)
    [moved] = placed_labels(["ABC"], [(20.0, 0.5)], PANEL, avoid=np.array([[free.x, free.y, 1.0]]))
    assert (moved.x, moved.y) != (free.x, free.y)


def test_names_of_one_place_do_not_cover_each_other():
    places = placed_labels(["AAAAAA"] * 4, [(20.0, 0.5)] * 4, PANEL)
    wide, high = 6 * 7.2 * 0.56 / 72 * 10, 7.2 * 1.4 / 72 / 4
    for at, one in enumerate(places):
        for other in places[:at]:
            assert abs(one.x - other.x) >= wide - 1e-6 or abs(one.y - other.y) >= high - 1e-6, (
                places
            )


def test_a_name_pushed_far_off_is_joined_by_a_line():
    xs, ys = np.meshgrid(np.arange(13, 27, 0.8), np.arange(0.42, 0.58, 0.02))
    crowd = np.column_stack([xs.ravel(), ys.ravel(), np.ones(xs.size)])
    [place] = placed_labels(["ABC"], [(20.0, 0.5)], PANEL, avoid=crowd)
    assert place.away


@pytest.mark.parametrize(
    ("places", "gap", "moved"),
    [
        ([], 1.0, []),
        ([3.0], 1.0, [3.0]),
        ([1.0, 5.0], 1.0, [1.0, 5.0]),
        ([5.0, 5.0, 5.0], 1.0, [4.0, 5.0, 6.0]),
        ([10.0, 9.5], 1.0, [10.25, 9.25]),
    ],
)
def test_spread(places, gap, moved):
    assert spread(places, gap=gap) == moved


def test_wrapping_never_cuts_a_long_word_off():
    lines = wrapped("x" * 100, width=1.0, size=10).split("\n")
    assert "".join(lines) == "x" * 100
    assert max(map(len, lines)) <= 12
