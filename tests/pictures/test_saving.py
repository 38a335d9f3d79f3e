from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from html import escape
from pathlib import Path

import pytest

from spcbench.errors import OptionError
from spcbench.funnel_view import View
from spcbench.pictures import (
    caterpillar_plot,
    control_chart,
    funnel_plot,
    pdf_bytes,
    png_bytes,
    svg_bytes,
)
from spcbench.pictures.saving import only_picture, report_pages

SVG = "{http://www.w3.org/2000/svg}"


def test_png_carries_a_description_and_no_time_or_version(drawn_charts):
    from PIL import Image

    picture = png_bytes(control_chart(drawn_charts()), description="What it shows", dpi=50)
    image = Image.open(io.BytesIO(picture))
    assert set(image.info) == {"Description", "dpi"}
    assert image.info["Description"] == "What it shows"
    assert image.size == (400, 250)


def test_svg_can_be_read_out(drawn_charts):
    picture = svg_bytes(
        control_chart(drawn_charts()), title="A & B \\1", description='Rose <5% to "9"'
    )
    root = ET.fromstring(picture)
    assert root.get("role") == "img"
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title.text == "A & B \\1"
    assert description.text == 'Rose <5% to "9"'
    assert root.get("aria-labelledby").split() == [title.get("id"), description.get("id")]
    assert "Mean 86%" in "".join(root.itertext())
    assert b"Arial, sans-serif" in picture
    assert b"<metadata" not in picture
    assert b"matplotlib" not in picture.lower()


def test_every_reference_inside_the_svg_exists(drawn_charts):
    root = ET.fromstring(svg_bytes(control_chart(drawn_charts()), title="t", description="d"))
    known = {one.get("id") for one in root.iter() if one.get("id")}
    used = {one.get("{http://www.w3.org/1999/xlink}href")[1:] for one in root.iter(f"{SVG}use")}
    assert used
    assert used <= known


def test_the_same_picture_gives_the_same_bytes(drawn_charts, drawn_funnels):
    for save in (
        lambda plot: png_bytes(plot, description="d", dpi=50),
        lambda plot: svg_bytes(plot, title="t", description="d"),
        lambda plot: pdf_bytes([plot], title="t"),
    ):
        assert save(control_chart(drawn_charts())) == save(control_chart(drawn_charts()))
        for draw in (funnel_plot, caterpillar_plot):
            assert save(draw(drawn_funnels(12))) == save(draw(drawn_funnels(12)))


def test_another_process_gives_the_same_bytes(drawn_charts):
    script = (
        "import sys, hashlib; sys.path.insert(0, sys.argv[1]); import conftest\n"
        "from spcbench.pictures import control_chart, svg_bytes\n"
        "plot = control_chart(conftest.make_charts())\n"
        "print(hashlib.sha256(svg_bytes(plot, title='t', description='d')).hexdigest())"
    )
    folder = str(Path(__file__).parents[1])
    digests = {
        subprocess.run(
            [sys.executable, "-c", script, folder],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_pdf_has_a_title_and_no_dates(drawn_charts):
    document = pdf_bytes([control_chart(drawn_charts())], title="Board report")
    assert b"/Title (Board report)" in document
    assert b"Date" not in document


def test_pages_hold_twelve_charts_or_one_funnel(drawn_charts, drawn_funnels):
    pages = list(report_pages([drawn_charts(units=13), drawn_funnels(groups=("A", "B"))]))
    assert len(pages) == 4
    assert len(list(report_pages([]))) == 1
    assert len(list(report_pages([drawn_charts(units=0)]))) == 1


def test_pdf_counts_its_pages(drawn_charts):
    document = pdf_bytes(report_pages([drawn_charts(units=13)]), title="t")
    assert b"/Count 2" in document


@pytest.mark.parametrize(
    ("picture", "title", "words"),
    [
        ("funnel", "Funnel plots", "Denominator (number of cases)"),
        ("caterpillar", "Caterpillar plots", "Largest unit at the top"),
    ],
)
def test_a_file_holds_the_picture_that_the_result_asks_for(drawn_funnels, picture, title, words):
    funnels = drawn_funnels(12, groups=("A", "B"), view=View(picture=picture))
    plot, named, description = only_picture([funnels], suffix=".svg")
    assert named == title
    assert description.startswith(f"Mother given magnesium sulphate, A: {picture} plot")
    drawn = svg_bytes(plot, title=named, description=description).decode()
    assert words in " ".join(drawn.split())
    assert escape(description.split("\n")[0]) in drawn
    pages = list(report_pages([funnels]))
    assert len(pages) == 2
    assert words in svg_bytes(pages[0], title="t", description="d").decode()


def test_funnels_keep_their_size_in_every_file(drawn_funnels):
    from PIL import Image

    funnels = drawn_funnels(12, view=View(size="slide"))
    plot, _, description = only_picture([funnels], suffix=".png")
    image = Image.open(io.BytesIO(png_bytes(plot, description=description, dpi=100)))
    assert image.size == (1333, 750)
    document = pdf_bytes(report_pages([funnels]), title="t")
    assert re.search(rb"/MediaBox\s*\[\s*0 0 959.76 540\s*\]", document)


def test_several_results_do_not_go_into_one_image(drawn_charts, drawn_funnels):
    message = "a .png file holds one picture, and this report has 2 results: write .pdf or .html"
    with pytest.raises(OptionError, match=message):
        only_picture([drawn_charts(), drawn_funnels()], suffix=".png")


def test_the_description_of_many_charts_is_cut_short_and_counted(drawn_charts):
    _, title, description = only_picture([drawn_charts(units=14)], suffix=".png")
    assert title == "Control charts"
    assert description.count("p chart of 23 points") == 12
    assert description.endswith("And 2 more.")


def test_an_empty_report_is_drawn():
    plot, title, description = only_picture([], suffix=".svg")
    assert title == description == "This report is empty."
    assert b"This report is empty." in svg_bytes(plot, title=title, description=description)


def test_one_plot_may_be_saved_again_and_again(drawn_charts):
    plot = control_chart(drawn_charts())
    first = png_bytes(plot, description="d", dpi=50)
    svg_bytes(plot, title="t", description="d")
    pdf_bytes([plot], title="t")
    assert png_bytes(plot, description="d", dpi=50) == first


def test_saving_leaves_settings_alone(drawn_charts):
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    before, figures = dict(mpl.rcParams), plt.get_fignums()
    svg_bytes(control_chart(drawn_charts()), title="t", description="d")
    pdf_bytes([control_chart(drawn_charts())], title="t")
    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == figures
