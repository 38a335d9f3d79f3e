from __future__ import annotations

import dataclasses
import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from spcbench import funnels as made_funnels
from spcbench import tables
from spcbench.errors import OptionError, UnknownNameError
from spcbench.funnel_view import Highlight, View
from spcbench.pictures.funnel_caption import caption_text
from spcbench.pictures.funnel_layout import FunnelLayout
from spcbench.pictures.funnel_marks import mark_of
from spcbench.pictures.funnel_names import Names, chosen_units
from spcbench.pictures.funnel_plot import _Drawing, funnel_plot
from spcbench.pictures.funnel_rows import FunnelRows, unit_points
from spcbench.pictures.funnel_scale import Scale
from spcbench.pictures.results import funnel_keys

KEY = ("pop@2023:mgso4", "")
SINGLE = FunnelLayout.of(1, "page")
RINGED = (
    Highlight(name="My trust", units=("R20",)),
    Highlight(name="My system", units=("R01", "R20")),
    Highlight(name="My region", units=("R02", "R03", "R20")),
)


def rows_of(funnels):
    return FunnelRows.of(funnels, KEY, SINGLE)


def line_words(funnels, layout=SINGLE):
    names = Names.of(funnels, FunnelRows.of(funnels, KEY, layout), View(), layout).lines
    return names.set_index("line")["words"].to_dict()


def with_units(funnels, **columns):
    return dataclasses.replace(funnels, units=funnels.units.assign(**columns))


def changed(funnels):
    """The same units as ratios of after to before, on the axis of effective sizes."""
    ratio = np.linspace(0.5, 2.0, len(funnels.units))
    curve = funnels.curve.assign(
        target=1.0, lower_95=0.7, upper_95=1 / 0.7, lower_998=0.5, upper_998=2.0
    )
    units = funnels.units.assign(
        value=ratio, denominator=pd.array([pd.NA] * len(ratio), dtype="Int64"), size=400.0
    )
    method = {
        **funnels.method,
        "data_type": "change",
        "change_of": "proportion",
        "before": ["2023-01-01", "2023-12-01"],
    }
    summary = funnels.summary.assign(target=1.0)
    return dataclasses.replace(funnels, units=units, curve=curve, method=method, summary=summary)


# ------------------------------------------------------------------------- what is drawn


def test_units_are_drawn_on_the_display_scale(drawn_funnels):
    funnels = drawn_funnels()
    points = rows_of(funnels).points
    np.testing.assert_allclose(points["y"], funnels.units["value"] * 100)
    np.testing.assert_allclose(points["x"], funnels.units["size"])


def test_lines_end_with_their_names(drawn_funnels):
    assert line_words(drawn_funnels()) == {
        "upper_998": "99.8% limit",
        "upper_95": "95% limit",
        "target": "Average 85%",
        "lower_95": "95% limit",
        "lower_998": "99.8% limit",
    }


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("pooled", "Average 85%"),
        ("given", "Target 85%"),
        ("standard", "Standard 85%"),
        ("national", "National figure\n85%"),
    ],
)
def test_the_middle_line_is_called_what_it_is(drawn_funnels, target, words):
    assert line_words(drawn_funnels(target=target))["target"] == words


def test_other_limits_are_named_for_what_they_are(drawn_funnels):
    words = line_words(drawn_funnels(levels=("2sd", "3sd")))
    assert words["upper_2sd"] == "2 SD limit"
    words = line_words(drawn_funnels(levels=("80", "90", "95", "998")))
    assert len(words) == 9
    assert words["lower_80"] == "80% limit"


def test_a_false_discovery_line_has_its_name_and_its_sentence(drawn_funnels, look):
    funnels = drawn_funnels(fdr=0.05)
    words = line_words(funnels)
    assert words["upper_fdr"] == words["lower_fdr"] == "FDR 5%"
    said = " ".join(look.words(funnel_plot(funnels)))
    assert "Dotted = false discovery rate 5%: of the units beyond it, no more than about" in said
    assert "upper_fdr" not in line_words(drawn_funnels())
    assert "false discovery" not in " ".join(look.words(funnel_plot(drawn_funnels())))


def test_references_are_lines_with_names(drawn_funnels, look):
    funnels = drawn_funnels(
        references={"England": 0.82}, view=View(references=((KEY[0], "My region", 0.9),))
    )
    curve = rows_of(funnels).curve
    assert set(curve.loc[curve["label"] == "England", "y"].round(9)) == {82.0}
    said = look.words(funnel_plot(funnels))
    assert "England 82%" in said
    assert "My region 90%" in said
    assert any("thin long dashes = for reference" in text for text in said)


def test_names_of_lines_close_together_stand_apart_and_are_joined(drawn_funnels):
    funnels = drawn_funnels(references={"England": 0.8501, "North": 0.8499, "South": 0.85})
    lines = Names.of(funnels, rows_of(funnels), View(), SINGLE).lines
    inch = SINGLE.panel[1] / (rows_of(funnels).window.y[1] - rows_of(funnels).window.y[0])
    places = np.sort(lines["y"].to_numpy()) * inch
    assert np.diff(places).min() > SINGLE.label_size / 72
    assert lines.loc[lines["label"] != "", "joined"].sum() >= 2


def test_the_axis_shows_the_units_not_all_of_0_to_100(drawn_funnels):
    low, high = rows_of(drawn_funnels()).window.y
    assert 55 < low < 60
    assert high < 103


def test_units_without_a_value_are_counted_not_drawn(drawn_funnels, look):
    funnels = drawn_funnels()
    value = funnels.units["value"].mask(funnels.units["unit"] == "R03")
    said = look.words(funnel_plot(with_units(funnels, value=value)))
    assert "39 units, Jan 2024 to Dec 2024; 1 without a value not shown" in said


# --------------------------------------------------------------------------- data types


def test_ratios_stand_on_what_was_expected(drawn_funnels, look):
    funnels = drawn_funnels(data_type="ratio")
    display = {KEY[0]: tables.Display(title="Deaths", per=1)}
    funnels = with_units(
        dataclasses.replace(funnels, display=display),
        denominator=pd.array([pd.NA] * 40, dtype="Int64"),
        size=funnels.units["expected"],
    )
    said = look.words(funnel_plot(funnels))
    assert "Expected number" in said
    assert "Observed over expected" in said
    assert "Average 0.85" in said
    np.testing.assert_allclose(rows_of(funnels).points["x"], funnels.units["expected"])


def test_a_change_stands_where_double_and_half_are_equally_far(drawn_funnels, look):
    funnels = changed(drawn_funnels())
    scale = Scale.of(funnels, KEY[0])
    double, none, half = scale.heights([2.0, 1.0, 0.5])
    assert double - none == pytest.approx(none - half)
    assert scale.words(double) == "2"
    said = look.words(funnel_plot(funnels))
    assert "40 units, Jan 2024 to Dec 2024, against Jan 2023 to Dec 2023" in said
    assert "Odds ratio, after to before" in said
    assert "Effective size of both periods" in said
    assert "Average 1" in said


def test_two_counts_of_which_the_second_is_none_are_not_drawn(drawn_funnels, look):
    funnels = drawn_funnels(data_type="two_counts")
    value = funnels.units["value"].mask(funnels.units["unit"] == "R03", np.inf)
    said = look.words(funnel_plot(with_units(funnels, value=value)))
    assert "39 units, Jan 2024 to Dec 2024; 1 without a value not shown" in said
    assert "Both counts together" in said
    assert "First count over second" in said


# -------------------------------------------------------------------------------- marks


def test_shape_says_the_side_and_words_the_judgement(drawn_funnels, look):
    said = look.words(funnel_plot(drawn_funnels()))
    assert "Higher than expected (99.8%), better" in said
    assert "Lower than expected (99.8%), worse" in said
    assert "As expected" in said


def test_without_a_judgement_no_unit_is_better_or_worse(drawn_funnels, look):
    funnels = drawn_funnels()
    verdict = funnels.units["verdict"].mask(funnels.units["position"] != "within", "differs")
    said = look.words(funnel_plot(with_units(funnels, verdict=verdict)))
    assert "Higher than expected (99.8%)" in said
    assert not any("better" in text or "worse" in text for text in said)


def luminance(colour):
    """As WCAG 2.2 defines it, of which print in grey shows little else."""
    parts = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    high, low = sorted([luminance(one), luminance(other)], reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("verdict", ["better_than_expected", "worse_than_expected", "differs"])
@pytest.mark.parametrize("levels", [("95", "998"), ("80", "90", "95", "998"), ("95",)])
def test_marks_are_told_apart_in_grey(verdict, levels):
    """Shape for the side, depth for the level; the outline is seen whatever the fill."""
    high = [mark_of(f"above_{name}", verdict, levels) for name in levels]
    low = [mark_of(f"below_{name}", verdict, levels) for name in levels]
    within = mark_of("within", "as_expected", levels)
    assert len({high[0].shape, low[0].shape, within.shape}) == 3
    depths = [luminance(mark.fill) for mark in high]
    assert depths == sorted(depths, reverse=True)
    if len(levels) > 1:
        assert contrast(high[0].fill, high[-1].fill) > 1.8
    # The outline of pale marks against white paper is that of the ink.
    assert contrast("#231F20", "#FFFFFF") > 15


# -------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("label", "positions"),
    [
        ("outside", {"above_998", "below_998", "above_95", "below_95"}),
        ("outside_95", {"above_998", "below_998", "above_95", "below_95"}),
        ("outside_998", {"above_998", "below_998"}),
        ("all", {"above_998", "below_998", "above_95", "below_95", "within"}),
        ("highlighted", set()),
        ("none", set()),
    ],
)
def test_label_chooses_who_is_named(drawn_funnels, label, positions):
    funnels = drawn_funnels(130)
    points = unit_points(funnels, KEY)
    chosen = chosen_units(points, View(label=label), ("95", "998"))
    assert set(chosen["position"]) == positions
    assert len(chosen) == funnels.units["position"].isin(positions).sum()


def test_the_outermost_take_their_places_first_but_after_the_highlighted(drawn_funnels):
    points = unit_points(drawn_funnels(130), KEY)
    view = View(highlight=(Highlight(name="Mine", units=("R03",)),))
    chosen = chosen_units(points, view, ("95", "998"))
    assert chosen["unit"].iloc[0] == "R03"
    order = chosen["order"].to_numpy()
    assert (np.diff(order) >= 0).all()
    assert set(chosen.loc[chosen["order"] == 1, "position"]) <= {"above_998", "below_998"}
    assert set(chosen.loc[chosen["order"] == 2, "position"]) <= {"above_95", "below_95"}


def test_highlighted_units_are_named_unless_nobody_is(drawn_funnels):
    points = unit_points(drawn_funnels(), KEY)
    for label in ("outside_998", "highlighted"):
        chosen = chosen_units(points, View(label=label, highlight=RINGED), ("95", "998"))
        assert {"R01", "R02", "R03", "R20"} <= set(chosen["unit"])
    nobody = chosen_units(points, View(label="none", highlight=RINGED), ("95", "998"))
    assert nobody.empty


def test_a_large_highlight_is_ringed_without_names(drawn_funnels):
    points = unit_points(drawn_funnels(), KEY)
    large = Highlight(name="All", units=tuple(points["unit"].iloc[:13]))
    chosen = chosen_units(points, View(label="highlighted", highlight=(large,)), ("95", "998"))
    assert chosen.empty


def test_many_units_stand_with_their_codes_and_the_caption_says_so(drawn_funnels, look):
    few, many = (look.words(funnel_plot(drawn_funnels(units))) for units in (40, 130))
    assert "Hospital R20" in few
    assert "R65" in many
    assert any("units stand with their codes" in text for text in many)
    assert not any("units stand with their codes" in text for text in few)


def test_units_that_have_no_names_are_not_said_to_stand_with_their_codes(drawn_funnels, look):
    funnels = dataclasses.replace(drawn_funnels(130), unit_names={})
    assert not any("codes" in text for text in look.words(funnel_plot(funnels)))


def test_dollars_in_a_name_are_not_read_as_a_formula(drawn_funnels, look):
    funnels = drawn_funnels()
    funnels = dataclasses.replace(funnels, unit_names={"R20": "The $5 and $6 hospital"})
    assert any(r"The \$5 and \$6 hospital" in text for text in look.words(funnel_plot(funnels)))


# --------------------------------------------------------------------------- highlights


def test_rings_of_three_shapes_stand_in_the_legend(drawn_funnels, look):
    plot = funnel_plot(drawn_funnels(), view=View(highlight=RINGED))
    figure = look.rendered(plot)
    said = [one.get_text() for one in look.texts(figure)]
    assert {"My trust", "My system", "My region"} <= set(said)
    hollow = look.hollow(figure)
    assert Counter(len(one.get_offsets()) for one in hollow) == Counter([1, 2, 3])
    assert len({one.get_paths()[0].vertices.tobytes() for one in hollow}) == 3


def test_highlighted_units_that_are_not_there_are_counted(drawn_funnels, look):
    view = View(highlight=(Highlight(name="My system", units=("R20", "X99")),))
    said = " ".join(look.words(funnel_plot(drawn_funnels(), view=view)))
    assert "My system" in said
    funnels = drawn_funnels(view=view)
    said = " ".join(look.words(funnel_plot(funnels)))
    assert "My system: 1 of 2 not on this funnel." in said


def test_highlights_of_one_name_have_a_ring_each(drawn_funnels, look):
    twice = tuple(Highlight(name="As expected", units=(unit,)) for unit in ("R01", "R02"))
    said = look.words(funnel_plot(drawn_funnels(), view=View(highlight=twice)))
    assert sum(text == "As expected" for text in said) == 3


# ------------------------------------------------------------------------------- words


def test_caption_subtitle_and_axis(drawn_funnels, look):
    said = look.words(funnel_plot(drawn_funnels()))
    assert any(t.startswith("Method: exact limits at 95% and 99.8%. By chance") for t in said)
    assert any("up to 2 units would lie outside the 95% limits" in text for text in said)
    assert any("dashed = 95% limits; dash-dotted red = average." in text for text in said)
    assert "40 units, Jan 2024 to Dec 2024" in said
    assert "Denominator (number of cases)" in said


@pytest.mark.parametrize("size", ["page", "half"])
def test_limits_of_national_audit_are_called_alert_and_alarm(drawn_funnels, look, size):
    funnels = drawn_funnels(levels=("2sd", "3sd"), preset="2sd-3sd")
    said = " ".join(look.words(funnel_plot(funnels, view=View(size=size))))
    assert "limits at 2 SD and 3 SD" in said
    assert "Beyond 2 SD is an alert and beyond 3 SD an alarm, as in national neonatal" in said
    plain = drawn_funnels(levels=("2sd", "3sd"))
    assert "alarm" not in " ".join(look.words(funnel_plot(plain)))


def test_more_variation_than_chance_is_said_of_the_funnel_it_is_in(drawn_funnels):
    evidence = json.dumps({"phi": 9.0, "allowed_for": False, "group": "NICU"})
    funnels = drawn_funnels(groups=("NICU", "SCU"))
    advice = tables.ADVICE.frame(
        {
            "measure": [KEY[0]],
            "unit": [None],
            "code": ["overdispersed"],
            "message": [""],
            "evidence": [evidence],
        }
    )
    funnels = dataclasses.replace(funnels, advice=advice)
    words = "units vary more than chance alone would make them"
    nicu, scu = (KEY[0], "NICU"), (KEY[0], "SCU")

    def caption(*keys):
        return " ".join(caption_text(funnels, keys, SINGLE).split())

    assert f"On 1 of these funnels {words}" in caption(nicu, scu)
    assert f"On this funnel {words}" in caption(nicu)
    assert words not in caption(scu)


# ------------------------------------------------------------------------------- sizes


@pytest.mark.parametrize(
    ("size", "least", "width"), [("page", 7.0, 8.0), ("half", 6.5, 3.35), ("slide", 14.0, 13.33)]
)
def test_letters_are_large_enough_and_none_is_cut_off(drawn_funnels, look, size, least, width):
    funnels = drawn_funnels(60, references={"North East and Yorkshire": 0.8})
    figure = look.rendered(funnel_plot(funnels, view=View(size=size, highlight=RINGED)))
    assert figure.get_figwidth() == pytest.approx(width)
    if size == "slide":
        assert figure.get_figheight() == 7.5
    renderer = figure._get_renderer()
    for text in look.texts(figure):
        box = text.get_window_extent(renderer)
        assert text.get_fontsize() >= least
        assert box.x0 >= -0.5
        assert box.x1 <= figure.bbox.width + 0.5, text.get_text()
        assert box.y0 >= -0.5
        assert box.y1 <= figure.bbox.height + 0.5


@pytest.mark.parametrize(
    ("size", "groups"),
    [("page", 1), ("page", 2), ("page", 6), ("half", 1), ("half", 4), ("slide", 1), ("slide", 3)],
)
@pytest.mark.parametrize("highlight", [(), RINGED])
def test_panels_are_no_smaller_than_names_were_placed_for(
    drawn_funnels, look, size, groups, highlight
):
    """Names stand apart in the panel that is drawn only if it is no smaller than planned."""
    names = tuple(f"Level {at}" for at in range(groups)) if groups > 1 else ("",)
    funnels = drawn_funnels(12, groups=names)
    view = View(size=size, label="none", highlight=highlight)
    keys = funnel_keys(funnels, measure=None, group=None)
    planned = _Drawing.of(funnels, keys, view).layout.panel
    figure = look.rendered(funnel_plot(funnels, view=view))
    for axes in figure.axes[:groups]:
        box = axes.get_window_extent()
        assert box.width / figure.dpi >= planned[0]
        assert box.height / figure.dpi >= planned[1]


# ------------------------------------------------------------------------ which funnels


def test_groups_stand_side_by_side(drawn_funnels, look):
    funnels = drawn_funnels(30, groups=("Level 3", "Level 2"))
    said = look.words(funnel_plot(funnels))
    assert {"Level 3", "Level 2", "2 funnels, Jan 2024 to Dec 2024"} <= set(said)
    assert not any("Level 3" in text for text in look.words(funnel_plot(funnels, group="Level 2")))


def test_measures_of_one_title_keep_a_panel_each(drawn_funnels, look):
    one = drawn_funnels(20)
    tables_of = {
        name: pd.concat([table, table.assign(measure="pop@2023:other")], ignore_index=True)
        for name in ("units", "curve", "summary")
        for table in [getattr(one, name)]
    }
    display = {**one.display, "pop@2023:other": one.display[KEY[0]]}
    funnels = dataclasses.replace(one, display=display, **tables_of)
    figure = look.rendered(funnel_plot(funnels))
    assert len([axes for axes in figure.axes if axes.collections]) == 2


def test_the_view_of_the_result_counts_unless_another_is_given(drawn_funnels, look):
    funnels = drawn_funnels(view=View(size="half"))
    assert look.rendered(funnel_plot(funnels)).get_figwidth() == pytest.approx(3.35)
    wide = look.rendered(funnel_plot(funnels, view=View(size="slide")))
    assert wide.get_figwidth() == pytest.approx(13.33)


def test_empty_funnels_are_drawn(drawn_funnels, look):
    assert "There are no funnels to draw." in look.words(funnel_plot(drawn_funnels(0)))
    nothing = with_units(drawn_funnels(), value=np.nan)
    assert "There are no values to draw." in look.words(funnel_plot(nothing))


@pytest.mark.parametrize("size", ["page", "half", "slide"])
def test_one_unit_alone_is_drawn(drawn_funnels, look, size):
    funnels = drawn_funnels()
    one = dataclasses.replace(funnels, units=funnels.units.head(1), curve=funnels.curve.head(0))
    said = look.words(funnel_plot(one, view=View(size=size)))
    assert "1 unit, Jan 2024 to Dec 2024" in said


def test_wrong_options_are_told(drawn_funnels):
    message = (
        "label must be outside, outside_95, outside_998, highlighted, all or none, not 'outside_2sd"
    )
    with pytest.raises(OptionError, match=message):
        funnel_plot(drawn_funnels(), view=View(label="outside_2sd"))
    with pytest.raises(UnknownNameError, match="there is no group 'Level 9'"):
        funnel_plot(drawn_funnels(), group="Level 9")


@pytest.mark.parametrize(
    ("size", "most", "words"),
    [
        ("page", 24, "in one picture "),
        ("half", 4, "in one picture of the size 'half' "),
        ("slide", 3, "in one picture of the size 'slide' "),
    ],
)
def test_more_funnels_than_fit_are_refused(drawn_funnels, size, most, words):
    funnels = drawn_funnels(1, groups=tuple(f"G{at:02d}" for at in range(most + 1)))
    message = rf"{most + 1} funnels do not fit {words}\(at most {most}\): choose some with"
    with pytest.raises(OptionError, match=message):
        funnel_plot(funnels, view=View(size=size))


@pytest.mark.parametrize("met", [0.0, 1.0])
def test_units_of_one_value_have_an_axis_of_shares(met):
    counts = pd.DataFrame(
        {
            "measure": "m",
            "unit": list("ABC"),
            "period": pd.Timestamp("2024-01-01"),
            "numerator": [int(met * n) for n in (10, 20, 30)],
            "denominator": [10, 20, 30],
        }
    )
    figure = made_funnels(counts).plot().draw()
    low, high = figure.axes[0].get_ylim()
    assert high - low >= 1  # of 100: not a picture of hundredths of a per cent
    assert low <= 100 * met <= high
