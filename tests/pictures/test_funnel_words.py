from __future__ import annotations

import dataclasses
import json
import re

import numpy as np
import pandas as pd
import pytest

from spcbench import tables
from spcbench.errors import UnknownNameError
from spcbench.funnel_view import Highlight, View
from spcbench.pictures.funnel_words import describe_funnel, position_words, positions_outside

MEASURE = "pop@2023:mgso4"


def overdispersed(funnels, *, allowed_for):
    advice = tables.ADVICE.frame(
        {
            "measure": [MEASURE],
            "unit": [None],
            "code": ["overdispersed"],
            "message": ["more"],
            "evidence": [json.dumps({"allowed_for": allowed_for, "group": None})],
        }
    )
    return dataclasses.replace(funnels, advice=advice)


def test_a_funnel_is_described_without_ranking(drawn_funnels):
    funnels = drawn_funnels()
    keep = funnels.units["position"].isin(["within", "above_998", "below_998"])
    funnels = dataclasses.replace(funnels, units=funnels.units[keep])
    assert describe_funnel(funnels, MEASURE) == (
        "Mother given magnesium sulphate: funnel plot of 40 units, Jan 2024 to Dec 2024. "
        "Average 85%. Higher than expected (outside 99.8% limits): 1 unit (Hospital R39 NHS "
        "Trust). Lower than expected (outside 99.8% limits): 1 unit (Hospital R20 NHS Trust). "
        "By chance alone, up to 2 units would lie outside the 95% limits. "
        "Units vary no more than chance would make them."
    )


def test_all_as_expected(drawn_funnels):
    funnels = drawn_funnels()
    within = funnels.units[funnels.units["position"] == "within"]
    said = describe_funnel(dataclasses.replace(funnels, units=within), MEASURE)
    assert "All units are as expected." in said


def test_many_names_are_cut_short_and_counted(drawn_funnels):
    funnels = drawn_funnels()
    units = funnels.units.assign(position=pd.Categorical(["above_95"] * 40))
    said = describe_funnel(dataclasses.replace(funnels, units=units), MEASURE)
    assert "Hospital R09 NHS Trust; and 30 more)" in said


def test_other_limits_are_said_as_they_are(drawn_funnels):
    said = describe_funnel(drawn_funnels(levels=("2sd", "3sd")), MEASURE)
    assert "Lower than expected (outside 3 SD limits): 1 unit (Hospital R20 NHS Trust)." in said
    assert "up to 2 units would lie outside the 2 SD limits" in said
    said = describe_funnel(drawn_funnels(levels=("80", "90", "95", "998")), MEASURE)
    told = re.findall(r"Lower than expected \(outside ([\d.]+)% limits", said)
    assert told == sorted(told, key=float, reverse=True)
    assert "80" in told


def test_what_units_are_compared_with_is_named(drawn_funnels):
    funnels = drawn_funnels(
        target="standard",
        references={"England": 0.8},
        view=View(references=((MEASURE, "North", 0.9), ("pop@2023:other", "South", 0.7))),
    )
    said = describe_funnel(funnels, MEASURE)
    assert "Standard 85%. England 80%; North 90%." in said
    assert "South" not in said


def test_a_highlighted_unit_is_told_by_itself(drawn_funnels):
    trust = "Hospital R20 NHS Trust"
    for name, begins in ((trust, trust), ("My trust", f"My trust: {trust}")):
        view = View(highlight=(Highlight(name=name, units=("R20",)),))
        said = describe_funnel(drawn_funnels(view=view), MEASURE)
        assert f". {begins} at 60%, lower than expected (outside 99.8% limits)." in said


def test_many_highlighted_units_are_counted_and_those_outside_named(drawn_funnels):
    view = View(highlight=(Highlight(name="My system", units=("R01", "R02", "R20", "R26")),))
    said = describe_funnel(drawn_funnels(view=view), MEASURE)
    assert (
        "My system, 4 units: 2 as expected; "
        "1 lower than expected (outside 99.8% limits): Hospital R20 NHS Trust; "
        "1 lower than expected (outside 95% limits): Hospital R26 NHS Trust."
    ) in said


def test_highlighted_units_without_a_value_or_elsewhere_are_told(drawn_funnels):
    view = View(
        highlight=(
            Highlight(name="My trust", units=("R03",)),
            Highlight(name="My region", units=("X99",)),
        )
    )
    funnels = drawn_funnels(view=view)
    gone = funnels.units["unit"] == "R03"
    units = funnels.units.assign(
        value=funnels.units["value"].mask(gone),
        status=funnels.units["status"].mask(gone, "suppressed"),
    )
    said = describe_funnel(dataclasses.replace(funnels, units=units), MEASURE)
    assert "My trust: Hospital R03 NHS Trust has no value (suppressed: small numbers)." in said
    assert "My region: not on this funnel." in said


@pytest.mark.parametrize(
    ("allowed_for", "words"),
    [
        (False, "Units vary more than chance alone would make them: a unit outside the limits is"),
        (True, "Units vary more than chance alone would make them; the limits allow for it."),
    ],
)
def test_more_variation_than_chance_is_told(drawn_funnels, allowed_for, words):
    assert words in describe_funnel(
        overdispersed(drawn_funnels(), allowed_for=allowed_for), MEASURE
    )


def test_a_change_is_told_against_its_earlier_window(drawn_funnels):
    funnels = drawn_funnels(
        data_type="change", change_of="proportion", before=["2023-01-01", "2023-12-01"]
    )
    funnels = dataclasses.replace(
        funnels,
        summary=funnels.summary.assign(target=1.0372),
        view=View(highlight=(Highlight(name="My trust", units=("R20",)),)),
    )
    said = describe_funnel(funnels, MEASURE)
    assert (
        "funnel plot of change of 40 units, Jan 2024 to Dec 2024, against Jan 2023 to Dec" in said
    )
    assert "Average 1.04." in said
    assert "Hospital R20 NHS Trust at 0.6, lower" in said
    assert "%." not in said.split("Higher")[0]


def test_a_caterpillar_is_called_one(drawn_funnels):
    said = describe_funnel(drawn_funnels(view=View(picture="caterpillar")), MEASURE)
    assert "caterpillar plot (values with their intervals, largest unit at the top) of 40" in said


def test_a_funnel_that_is_not_as_it_should_be_says_why(drawn_funnels):
    funnels = drawn_funnels(1)
    summary = funnels.summary.assign(
        status=pd.Categorical(["insufficient_data"]),
        reason="one unit alone has no peers",
        target=np.nan,
        phi=np.nan,
        expected_false_positives=np.nan,
    )
    said = describe_funnel(dataclasses.replace(funnels, summary=summary), MEASURE)
    assert "Average no value. Too few data: one unit alone has no peers." in said
    assert "chance" not in said


def test_a_funnel_that_is_not_there_is_refused(drawn_funnels):
    with pytest.raises(UnknownNameError, match="there is no group 'Level 9'"):
        describe_funnel(drawn_funnels(), MEASURE, "Level 9")


@pytest.mark.parametrize("levels", [("95", "998"), ("2sd", "3sd"), ("80", "90", "9973")])
def test_every_position_has_plain_words_and_none_ranks(levels):
    positions = tables.positions(levels)
    spoken = {position: position_words(position) for position in positions}
    assert len(set(spoken.values())) == len(positions)
    assert not any("worst" in text.lower() or "best" in text.lower() for text in spoken.values())
    assert set(positions_outside(levels)) == set(positions) - {"within"}
    assert position_words(None) == "Not compared"
