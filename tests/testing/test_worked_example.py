from __future__ import annotations

import pandas as pd
import pytest

from spcbench import load_pack
from spcbench.errors import UnknownNameError
from spcbench.testing import assert_counts

PACK = """
[pack]
id = "warmth"
title = "Warmth"
version = "1"
record = "baby"

[[field]]
name = "temperature_c"
type = "number"
range = [25, 45]

[[field]]
name = "held"
type = "boolean"

[[measure]]
id = "warm"
title = "Warm"
eligible = "TRUE"
met = "temperature_c >= 36.5"
better = "higher"

[[measure]]
id = "held"
title = "Held"
eligible = "temperature_c IS NOT NULL"
met = "held"
better = "higher"
"""

RECORDS = [
    {"temperature_c": 36.4, "held": True},
    {"temperature_c": 36.5, "held": None},
    {"temperature_c": None, "held": True},
]


@pytest.fixture
def pack(tmp_path):
    path = tmp_path / "warmth.toml"
    path.write_text(PACK, encoding="utf-8")
    return load_pack(path)


@pytest.mark.parametrize(
    "expected",
    [{"warm": (1, 2)}, {"warm": (1, 2, 1), "held": (1, 1, 1)}, {"held": (1, 1)}],
)
def test_counts_by_hand_agree(pack, expected):
    assert_counts(pack, RECORDS, expected)
    assert_counts(pack, pd.DataFrame(RECORDS), expected)


def test_every_measure_that_differs_is_told(pack):
    with pytest.raises(AssertionError) as caught:
        assert_counts(pack, RECORDS, {"warm": (2, 2), "held": (1, 1, 0)})

    assert str(caught.value) == (
        "pack warmth@1, worked example: warm counts 1 of 2, expected 2 of 2; "
        "held counts 1 of 1 with 1 unknown, expected 1 of 1 with 0 unknown"
    )


def test_a_field_left_out_is_missing(pack):
    assert_counts(pack, [{"temperature_c": 37.0}, {"temperature_c": 36.0}], {"held": (0, 0, 2)})


def test_a_measure_that_the_pack_does_not_have_is_told(pack):
    with pytest.raises(UnknownNameError, match="there is no measure 'warmer'; did you mean 'warm'"):
        assert_counts(pack, RECORDS, {"warmer": (1, 2)})


def test_a_record_that_cannot_be_counted_is_told(pack):
    records = [{"temperature_c": 37.0}, {"temperature_c": 99.0}]

    with pytest.raises(AssertionError) as caught:
        assert_counts(pack, records, {"warm": (1, 1)})

    assert str(caught.value).startswith(
        "pack warmth@1, worked example: record 2 cannot be counted: temperature_c: "
    )
    assert "99" not in str(caught.value)
