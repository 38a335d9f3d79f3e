from __future__ import annotations

import csv
import html
import io
import itertools
import json

import pytest

from spcbench.errors import OptionError
from spcbench.plugin import OutputFormat
from spcbench.testing.checks import Check
from spcbench.testing.checks_formats import FORMAT_PROMISES, sample_report


def failures(render, media_type: str = "text/html") -> dict[str, str]:
    made = OutputFormat(
        id="page", title="Page", suffix=".page", media_type=media_type, render=render
    )
    failed = {}
    for promise in FORMAT_PROMISES:
        try:
            Check("format page", promise, made)()
        except AssertionError as error:
            failed[promise.__name__] = str(error)
    return failed


def texts(report) -> list[str]:
    """The title and the units of a report: what an author may forget to escape."""
    units = [str(unit) for result in report.results for unit in result.summary["unit"]]
    return [report.title, *units]


def page(report) -> bytes:
    return "<br>".join(html.escape(text) for text in texts(report)).encode()


def picture(report) -> bytes:
    return f"<svg>{page(report).decode().replace('<br>', '<g/>')}</svg>".encode()


def table(report) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerows([text, "1"] for text in texts(report))
    return written.getvalue().encode()


def envelope(report) -> bytes:
    return json.dumps(texts(report)).encode()


@pytest.mark.parametrize(
    ("render", "media_type"),
    [
        (page, "text/html"),
        (picture, "image/svg+xml"),
        (table, "text/csv"),
        (envelope, "application/json"),
        (lambda report: {"": page(report), "more": b"more"}, "text/html"),
        (lambda report: str(texts(report)).encode(), "text/x-unheard-of"),
    ],
)
def test_a_sound_format_passes(render, media_type):
    assert failures(render, media_type) == {}


def test_bytes_that_differ_fail_their_check():
    count = itertools.count()

    assert failures(lambda report: page(report) + b"%d" % next(count)) == {
        "gives_the_same_bytes_twice": "format page: gives the same bytes twice: "
        "the same report gave different bytes"
    }


def test_a_format_that_renders_nothing_fails_that_check():
    assert failures(lambda report: b"") == {
        "gives_the_same_bytes_twice": "format page: gives the same bytes twice: it rendered nothing"
    }


def test_a_crash_on_an_empty_report_fails_its_check():
    assert failures(lambda report: page(report) + texts(report)[1][:0].encode()) == {
        "stands_an_empty_report": "format page: stands an empty report: "
        "it raised IndexError: list index out of range"
    }


def refusing(message: str):
    def render(report):
        if not report.results:
            raise OptionError(message)
        return page(report)

    return render


def test_a_format_may_refuse_an_empty_report_if_it_says_why():
    assert failures(refusing("there is nothing to draw")) == {}
    assert failures(refusing("")) == {
        "stands_an_empty_report": "format page: stands an empty report: "
        "it refuses an empty report without saying why"
    }


@pytest.mark.parametrize(
    ("render", "media_type", "detail"),
    [
        (
            lambda report: "<br>".join(texts(report)).encode(),
            "text/html",
            "markup in a name reached the file as markup",
        ),
        (
            lambda report: f"<svg a='{report.title.replace('<', '')}'/>".encode(),
            "image/svg+xml",
            "the file is not XML: ",
        ),
        (
            lambda report: f'{{"title": "{report.title}"}}'.encode(),
            "application/json",
            "the file is not JSON: ",
        ),
    ],
)
def test_text_that_is_not_escaped_fails_its_check(render, media_type, detail):
    failed = failures(render, media_type)

    assert list(failed) == ["escapes_awkward_text"]
    assert failed["escapes_awkward_text"].startswith(f"format page: escapes awkward text: {detail}")


def test_a_table_with_torn_rows_fails_its_check():
    def torn(report) -> bytes:
        return ("title,value\n" + "".join(f"{text},1\n" for text in texts(report))).encode()

    assert failures(torn, "text/csv") == {
        "escapes_awkward_text": "format page: escapes awkward text: "
        "row 2 of the table has 3 cells, the first row 2"
    }


def test_text_instead_of_bytes_is_told():
    assert failures(lambda report: "text")["gives_the_same_bytes_twice"] == (
        "format page: gives the same bytes twice: render() gave a str, wanted bytes"
    )


def test_the_sample_report_holds_one_chart_of_two_years():
    report = sample_report(unit="RJ2", title="Mine")

    (charts,) = report.results
    assert report.title == "Mine"
    assert charts.points["unit"].unique().tolist() == ["RJ2"]
    assert len(charts.points) == 24
