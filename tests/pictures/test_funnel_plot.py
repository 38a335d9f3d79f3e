from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from spcbench.errors import OptionError, UnknownNameError
from spcbench.pictures.funnel_plot import funnel_plot
from spcbench.pictures.funnel_rows import FunnelLayout, FunnelRows

KEY = ("pop@2023:mgso4", "")
SINGLE = FunnelLayout(1, 1)


def drawn_texts(plot):
    figure = plot.draw()
    return [text.get_text() for text in figure.findobj(lambda one: hasattr(one, "get_text"))]


def with_units(funnels, **columns):
    return dataclasses.replace(funnels, units=funnels.units.assign(**columns))


def test_units_are_drawn_on_the_display_scale(drawn_funnels):
    funnels = drawn_funnels()
    rows = FunnelRows.of(funnels, KEY, SINGLE, label="outside")
    np.testing.assert_allclose(rows.points["y"], funnels.units["value"] * 100)
    np.testing.assert_allclose(rows.points["x"], funnels.units["denominator"].astype(float))


def test_lines_end_with_their_names(drawn_funnels):
    rows = FunnelRows.of(drawn_funnels(), KEY, SINGLE, label="outside")
    words = rows.line_names.set_index("line")["words"].str.strip().to_dict()
    assert words == {
        "upper_998": "99.8% limit",
        "upper_95": "95% limit",
        "target": "Average 85%",
        "lower_95": "95% limit",
        "lower_998": "99.8% limit",
    }


def test_a_target_that_was_set_is_called_target(drawn_funnels):
    funnels = drawn_funnels()
    display = {name: dataclasses.replace(one, target=0.85) for name, one in funnels.display.items()}
    rows = FunnelRows.of(
        dataclasses.replace(funnels, display=display), KEY, SINGLE, label="outside"
    )
    assert "\u00a0Target 85%" in rows.line_names["words"].tolist()


@pytest.mark.parametrize(
    ("label", "positions"),
    [
        ("outside", {"above_998", "below_998", "above_95", "below_95"}),
        ("outside_998", {"above_998", "below_998"}),
        ("all", {"above_998", "below_998", "above_95", "below_95", "within"}),
        ("none", set()),
    ],
)
def test_label_chooses_who_is_named(drawn_funnels, label, positions):
    funnels = drawn_funnels(130)
    wanted = funnels.units["position"].isin(positions).sum()
    rows = FunnelRows.of(funnels, KEY, SINGLE, label=label)
    assert set(rows.unit_names["position"]) == positions
    assert len(rows.unit_names) == wanted


def test_names_of_outside_units_do_not_hide_each_other(drawn_funnels):
    names = FunnelRows.of(drawn_funnels(130), KEY, SINGLE, label="outside").unit_names
    assert len(names) > 8
    high = 10 * 0.75 * 1.25 / 72  # one line of letters in inches, on a panel of 4 inches
    points_per_inch = 42 / SINGLE.panel[1]
    for at, one in names.iterrows():
        for _, other in names.loc[:at].iloc[:-1].iterrows():
            apart = abs(one["to_y"] - other["to_y"]) / points_per_inch
            beside = abs(one["to_x"] - other["to_x"]) > 15
            assert apart > high * 0.8 or beside, (one["words"], other["words"])


def test_many_units_stand_with_their_codes_and_the_caption_says_so(drawn_funnels):
    few, many = drawn_funnels(), drawn_funnels(130)
    named = FunnelRows.of(few, KEY, SINGLE, label="outside").unit_names["words"].tolist()
    assert "Hospital R20" in named
    named = FunnelRows.of(many, KEY, SINGLE, label="outside").unit_names["words"].tolist()
    assert "R65" in named
    said = [" ".join(text.split()) for text in drawn_texts(funnel_plot(many))]
    assert any("so they stand with their codes" in text for text in said)
    said = [" ".join(text.split()) for text in drawn_texts(funnel_plot(few))]
    assert not any("so they stand with their codes" in text for text in said)


def test_trusts_are_named_without_what_all_share(drawn_funnels):
    names = FunnelRows.of(drawn_funnels(), KEY, SINGLE, label="outside_998").unit_names
    assert sorted(names["words"]) == ["Hospital R20", "Hospital R39"]


def test_shape_says_the_side_and_words_the_judgement(drawn_funnels):
    texts = drawn_texts(funnel_plot(drawn_funnels()))
    assert "Higher than expected (99.8%), better" in texts
    assert "Lower than expected (99.8%), worse" in texts
    assert "As expected" in texts


def test_without_a_judgement_no_unit_is_better_or_worse(drawn_funnels):
    funnels = drawn_funnels()
    verdict = funnels.units["verdict"].mask(funnels.units["position"] != "within", "differs")
    texts = drawn_texts(funnel_plot(with_units(funnels, verdict=verdict)))
    assert "Higher than expected (99.8%)" in texts
    assert not any("better" in text or "worse" in text for text in texts)


def test_the_axis_shows_the_units_not_all_of_0_to_100(drawn_funnels):
    curve = FunnelRows.of(drawn_funnels(), KEY, SINGLE, label="none").curve
    assert curve["y"].min() > 55
    assert curve["y"].max() <= 100


def test_caption_subtitle_and_axis(drawn_funnels):
    texts = [" ".join(text.split()) for text in drawn_texts(funnel_plot(drawn_funnels()))]
    assert any(t.startswith("Method: exact limits at 95% and 99.8%. By chance") for t in texts)
    assert any("about 2 units would lie outside the 95% limits" in text for text in texts)
    assert "40 units, Jan 2024 to Dec 2024" in texts
    assert "Denominator (number of cases)" in texts


def test_units_without_a_value_are_counted_not_drawn(drawn_funnels):
    funnels = drawn_funnels()
    value = funnels.units["value"].mask(funnels.units["unit"] == "R03")
    texts = drawn_texts(funnel_plot(with_units(funnels, value=value)))
    assert "39 units, Jan 2024 to Dec 2024; 1 without a value not shown" in texts


def test_ratios_stand_on_what_was_expected(drawn_funnels):
    funnels = drawn_funnels()
    nothing = pd.array([pd.NA] * 40, dtype="Int64")
    funnels = with_units(funnels, denominator=nothing)
    assert "Expected number" in drawn_texts(funnel_plot(funnels))
    rows = FunnelRows.of(funnels, KEY, SINGLE, label="none")
    np.testing.assert_allclose(rows.points["x"], funnels.units["expected"])


def test_groups_stand_side_by_side(drawn_funnels):
    funnels = drawn_funnels(30, groups=("Level 3", "Level 2"))
    texts = drawn_texts(funnel_plot(funnels))
    assert any("Level 3" in text for text in texts)
    assert any("Level 2" in text for text in texts)
    assert not any("Level 3" in text for text in drawn_texts(funnel_plot(funnels, group="Level 2")))


def test_empty_funnels_are_drawn(drawn_funnels):
    texts = drawn_texts(funnel_plot(drawn_funnels(0)))
    assert "There are no funnels to draw." in texts


def test_one_unit_alone_is_drawn(drawn_funnels):
    funnels = drawn_funnels()
    one = dataclasses.replace(funnels, units=funnels.units.head(1))
    assert "1 unit, Jan 2024 to Dec 2024" in drawn_texts(funnel_plot(one))


def test_wrong_options_are_told(drawn_funnels):
    message = "label must be outside, outside_998, all or none, not 'best'"
    with pytest.raises(OptionError, match=message):
        funnel_plot(drawn_funnels(), label="best")
    with pytest.raises(UnknownNameError, match="there is no group 'Level 9'"):
        funnel_plot(drawn_funnels(), group="Level 9")


def test_more_funnels_than_fit_are_refused(drawn_funnels):
    funnels = drawn_funnels(1, groups=tuple(f"G{at:02d}" for at in range(25)))
    with pytest.raises(OptionError, match=r"25 funnels do not fit in one picture \(at most 24\)"):
        funnel_plot(funnels)
