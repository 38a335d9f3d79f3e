"""The names of lines, as they are drawn: whole, inside their panel, and not one upon another."""

from __future__ import annotations

import dataclasses
import io
import itertools
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

import spcbench as sb
from spcbench.pictures import describe_chart
from spcbench.pictures.control_chart import control_chart
from spcbench.pictures.saving import funnel_picture
from spcbench.tables import Display

DOUBTED = Display(title="Milk", better="higher", target=1.0, target_verified=False)


def counts(units, *, least):
    draw = np.random.default_rng(2)
    return pd.DataFrame(
        {
            "measure": "milk",
            "unit": np.repeat([f"U{at:02d}" for at in range(units)], 15),
            "period": np.tile(pd.date_range("2024-01-01", periods=15, freq="MS"), units),
            "numerator": draw.integers(least, 32, 15 * units),
            "denominator": 31,
        }
    )


def doubted_charts(units, *, least=31, shown=DOUBTED):
    charts = sb.control_charts(counts(units, least=least), better="higher", target=shown.target)
    return dataclasses.replace(charts, display={"milk": shown})


def doubted_funnels(units):
    made = sb.funnels(counts(units, least=20))
    target = {**made.method, "target": "standard"}
    return dataclasses.replace(made, display={"milk": DOUBTED}, method=target)


def names_drawn(plot):
    """The text in each panel with its box, and the box of the panel."""
    figure = plot.draw()
    figure.savefig(io.BytesIO())
    renderer = FigureCanvasAgg(figure).get_renderer()
    for axes in figure.axes:
        told = [one for one in axes.texts if one.get_text().strip()]
        boxes = [(one.get_text(), one.get_window_extent(renderer)) for one in told]
        yield boxes, axes.get_window_extent(renderer)


@pytest.mark.parametrize("least", [31, 27])
@pytest.mark.parametrize("units", [1, 2, 6, 13])
def test_a_doubt_is_drawn_whole_and_inside_the_panel(units, least):
    shown = dataclasses.replace(DOUBTED, target=0.95, stretch=1.0)
    panels = list(names_drawn(control_chart(doubted_charts(units, least=least, shown=shown))))
    assert len(panels) == units
    for names, panel in panels:
        lines = [line for text, _ in names for line in text.split("\n")]
        assert any("(not verified)" in line for line in lines)
        assert not [line for line in lines if "verified" in line and "not verified" not in line]
        for text, box in names:
            assert box.y0 >= panel.y0 - 1, text
            assert box.y1 <= panel.y1 + 1, text
            assert box.x1 <= panel.x1 + 1, text
        for (one, first), (other, second) in itertools.combinations(names, 2):
            shared = min(first.y1, second.y1) - max(first.y0, second.y0)
            assert shared < 3 or not first.overlaps(second), (one, other)


def test_the_standard_of_a_funnel_carries_its_doubt():
    (names, panel), *_ = names_drawn(funnel_picture(doubted_funnels(4)))
    (label,) = (text for text, _ in names if "Standard" in text)
    assert label.split("\n") == ["Standard 83.3%", "(not verified)"]
    assert all(box.y1 <= panel.y1 + 1 for _, box in names)


def caption_of(plot):
    return " ".join(plot.labels.caption.split())


def test_captions_say_what_nobody_has_checked():
    shown = {"milk": dataclasses.replace(DOUBTED, verified=False)}
    for made, draw in ((doubted_charts(2), control_chart), (doubted_funnels(3), funnel_picture)):
        both = caption_of(draw(dataclasses.replace(made, display=shown)))
        assert "Definition not verified. Target not verified." in both
        assert "Definition" not in caption_of(draw(made))
        checked = {"milk": Display(title="Milk", target=1.0)}
        assert "verified" not in caption_of(draw(dataclasses.replace(made, display=checked)))
    given = sb.control_charts(counts(1, least=27), better="higher", target=0.5)
    given = dataclasses.replace(given, display={"milk": DOUBTED})
    assert "Target not verified" not in caption_of(control_chart(given))


def test_it_is_said_why_nothing_is_assured():
    said = describe_chart(doubted_charts(1), "milk", "U00")
    assert "Target 100% (not verified). Every case was met" in said
    assert "consistently" not in said


def test_a_pdf_says_not_verified(tmp_path):
    if not shutil.which("pdftotext"):
        pytest.skip("pdftotext is not installed")
    for result in (doubted_charts(1), doubted_charts(5), doubted_funnels(3)):
        (path,) = sb.write(sb.Report([result]), tmp_path / "made.pdf")
        text = subprocess.run(
            ["pdftotext", "-layout", str(path), "-"], capture_output=True, text=True, check=True
        ).stdout
        assert "(not verified)" in text
        assert text.count("verified") == text.count("not verified")
