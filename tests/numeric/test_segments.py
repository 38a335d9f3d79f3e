import numpy as np
import pytest

from spcbench.numeric.segments import Segments


def test_sums_minima_and_spread_stay_inside_each_segment():
    segments = Segments.from_lengths([2, 1, 3])
    values = np.array([4.0, 3.0, -7.0, 1.0, 2.0, 0.5])
    assert segments.sums(values).tolist() == [7.0, -7.0, 3.5]
    assert segments.minima(values).tolist() == [3.0, -7.0, 0.5]
    assert segments.spread(np.array([1, 2, 3])).tolist() == [1, 1, 2, 3, 3, 3]
    assert segments.lengths.tolist() == [2, 1, 3]
    assert segments.lasts.tolist() == [1, 2, 5]


def test_breaks_round_trip_and_the_first_row_always_starts_one():
    breaks = np.array([False, False, True, True, False])
    segments = Segments.from_breaks(breaks)
    assert segments.starts.tolist() == [0, 2, 3]
    assert segments.breaks.tolist() == [True, False, True, True, False]
    assert Segments.from_breaks(segments.breaks).starts.tolist() == [0, 2, 3]


@pytest.mark.parametrize(
    "empty", [Segments.from_lengths([]), Segments.from_breaks(np.zeros(0, bool))]
)
def test_no_rows_give_no_segments(empty):
    assert (len(empty), empty.size) == (0, 0)
    assert empty.sums(np.zeros(0)).size == 0
    assert empty.minima(np.zeros(0)).size == 0
    assert empty.spread(np.zeros(0)).size == 0
    assert list(empty.blocks()) == []


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (1, [(0, 1), (1, 2), (2, 3), (3, 4)]),
        (4, [(0, 2), (2, 3), (3, 4)]),
        (5, [(0, 3), (3, 4)]),
        (100, [(0, 4)]),
    ],
)
def test_blocks_hold_whole_segments_and_miss_none(rows, expected):
    assert list(Segments.from_lengths([2, 2, 4, 1]).blocks(rows)) == expected


def test_a_part_counts_from_its_own_first_row():
    segments = Segments.from_lengths([2, 3, 4])
    assert segments.part(1, 3).starts.tolist() == [0, 3]
    assert segments.part(1, 3).size == 7
    assert segments.part(1, 2).size == 3
