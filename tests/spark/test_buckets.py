"""Series dealt into buckets give the tables of the whole, to the last bit; no Spark needed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spcbench.chart_series import gaps
from spcbench.counts_check import Place, checked
from spcbench.errors import InputError, OptionError, UnknownNameError
from spcbench.spark.facts import OfMeasure, Reading, facts, merged

SHARES = ("share", "doubtful", "quarter")
YEAR = ("2020-01-01", "2020-12-31")


@pytest.mark.parametrize("seed", [0, 1])
def test_all_kinds_of_counts_at_once(
    seed, random_counts, charted_apart, charted_whole, assert_same
):
    frame = random_counts(seed)
    whole = charted_whole(frame, better="higher")
    assert whole["advice"].num_rows > 20
    assert_same(charted_apart(frame, seed=seed, better="higher"), whole)


@pytest.mark.parametrize(
    "options",
    [
        {"chart": "p", "better": "lower", "target": 0.8, "limits": "normal"},
        {"chart": "p", "baseline": YEAR},
        {"chart": "p", "centre": {"m_share": 0.6}},
        {"chart": "u", "per": 1000, "unit": "U2"},
        {"baseline": 12, "until": "2021-06-30", "rules": "nelson-1984"},
        {"measure": "m_share", "frequency": "month"},
    ],
    ids="-".join,
)
def test_options_mean_the_same(options, random_counts, charted_apart, charted_whole, assert_same):
    frame = random_counts(3, kinds=SHARES, units=4)
    assert_same(charted_apart(frame, **options), charted_whole(frame, **options))


def test_own_targets_beside_numbers_alone(random_counts, charted_apart, charted_whole, assert_same):
    frame = random_counts(4, kinds=("share", "number"))
    frame["target"] = np.where(frame["denominator"].notna(), 0.8, 5.0)
    whole = charted_whole(frame, better="lower")
    assert any(one is not None for one in whole["summary"]["target"].to_pylist())
    assert_same(charted_apart(frame, better="lower"), whole)


def test_notes_take_effect_where_their_series_lie(
    random_counts, charted_apart, charted_whole, assert_same
):
    frame = random_counts(5, kinds=("share",))
    notes = pd.DataFrame(
        {
            "measure": [None, "m_share", None],
            "unit": [None, "U1", "U2"],
            "date": pd.to_datetime(["2020-09-01", "2020-10-01", "2020-11-20"]),
            "action": ["rebase", "exclude", "comment"],
            "reason": ["New clinic", "A strike", "Snow"],
            "author": ["AS", "AS", None],
        }
    )
    whole = charted_whole(frame, notes=notes)
    assert set(whole["points"]["phase"].to_pylist()) == {1, 2}
    assert_same(charted_apart(frame, notes=notes), whole)


@pytest.mark.parametrize("level", [None, "provider", "region"])
def test_what_a_measure_asks_for_is_told_once(
    level, random_counts, charted_apart, charted_whole, assert_same
):
    frame = random_counts(6, kinds=("share",), units=4).assign(measure="pop@2023:place_of_birth")
    frame = frame if level is None else frame.assign(level=level)
    whole = charted_whole(frame)
    told = whole["advice"]["code"].to_pylist()
    assert told.count("caution") == 1
    assert told.count("prefer_level") == (0 if level == "region" else 1)
    assert_same(charted_apart(frame), whole)


@pytest.mark.parametrize("seed", range(8))
def test_lengths_of_periods_are_found_from_parts(seed, random_counts):
    frame = random_counts(seed, units=4)
    whole = checked(frame, place=Place(None), takes="auto")
    _, expected = gaps(whole.frame, whole.series)
    reading = Reading(takes="auto")
    parts = [part.reset_index(drop=True) for _, part in frame.groupby("unit")]
    found = merged(facts(part, reading) for part in parts)
    assert {name: one.frequency for name, one in found.measures.items()} == expected


def test_no_period_twice_and_none_at_all_have_no_length():
    assert OfMeasure().frequency == "unknown"
    assert OfMeasure(first="2024-01-01").frequency == "unknown"


def _one_bad_series(frame: pd.DataFrame) -> pd.DataFrame:
    bad = frame["unit"].eq("U3") & frame["measure"].eq("m_share")
    return frame.assign(numerator=frame["numerator"].mask(bad, frame["denominator"] + 1))


def test_a_bad_series_is_named_by_its_key(random_counts, charted_apart):
    frame = _one_bad_series(random_counts(6, kinds=("share",)))
    with pytest.raises(InputError, match="between 0 and its denominator; measure 'm_share', unit"):
        charted_apart(frame)


def test_bad_series_get_a_row_and_the_others_their_charts(
    random_counts, charted_apart, charted_whole, assert_same
):
    frame = _one_bad_series(random_counts(6, kinds=("share", "value")))
    apart = charted_apart(frame, on_error="row")
    whole = charted_whole(frame, on_error="row")
    invalid = [row for row in apart["summary"].to_pylist() if row["status"] == "invalid_input"]
    assert [(row["measure"], row["unit"]) for row in invalid] == [("m_share", "U3")]
    # The reason names the row by its key, because a Spark table has no row numbers.
    left, right = (one["summary"].drop_columns("reason") for one in (apart, whole))
    assert left.equals(right)
    assert_same({name: apart[name] for name in ("points", "signals", "advice")}, whole)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"unit": "RX9"}, UnknownNameError, "there is no unit 'RX9'"),
        ({"measure": "nothing"}, UnknownNameError, "there is no measure 'nothing'"),
        ({"until": "2001-01-31"}, OptionError, "leaves no period; the counts begin on 2020-"),
        ({"baseline": 900}, OptionError, "baseline 900 is more than the"),
        ({"baseline": ("1999-01-01", "1999-12-31")}, OptionError, "holds no period of the counts"),
        ({"chart": "q"}, UnknownNameError, "'q'"),
        ({"target": 85.0}, OptionError, "target 85 is not a proportion"),
        ({"centre": {"other": 0.5}}, UnknownNameError, "there is no measure 'other'"),
        ({"references": {"England": 0.5}}, OptionError, "references is not offered for Spark"),
    ],
)
def test_what_fits_nothing_is_refused_before_any_chart(
    options, error, message, random_counts, charted_apart
):
    with pytest.raises(error, match=message):
        charted_apart(random_counts(7, kinds=("share",), units=3), **options)


def test_periods_that_begin_otherwise_are_refused(random_counts, charted_apart):
    with pytest.raises(InputError, match="wants periods that begin on the same day of the month"):
        charted_apart(random_counts(8, kinds=("ten_days",)), frequency="month")


def test_mixed_levels_are_refused_though_no_bucket_has_both(charted_apart):
    frame = pd.DataFrame(
        {
            "measure": "m",
            "unit": ["a", "b"],
            "period": ["2024-01-01"] * 2,
            "numerator": 1,
            "denominator": 2,
            "level": ["provider", "region"],
        }
    )
    with pytest.raises(InputError, match="mixes the levels provider, region"):
        charted_apart(frame, buckets=50)
    made = charted_apart(frame, buckets=50, level="region")
    assert made["points"]["unit"].to_pylist() == ["b"]


def test_no_rows_give_empty_tables(charted_apart, random_counts):
    made = charted_apart(random_counts(0, units=1).iloc[:0])
    assert {name: table.num_rows for name, table in made.items()} == dict.fromkeys(made, 0)
