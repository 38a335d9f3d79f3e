"""What every output format promises: `render(report) -> bytes`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from spcbench.errors import SpcbenchError

if TYPE_CHECKING:
    from spcbench.plugin import OutputFormat
    from spcbench.report import Report

AWKWARD = """O'Hara & Söhne <script>alert("1")</script>, =1+1; ]]>"""
"""Text that breaks a page, a picture, a table or a spreadsheet that does not escape it."""


def gives_the_same_bytes_twice(output: OutputFormat) -> None:
    """One report gives one file."""
    first, second = (_files(output, sample_report()) for _ in range(2))
    if not any(first.values()):
        raise AssertionError("it rendered nothing")
    for name, content in first.items():
        if second.get(name) != content:
            raise AssertionError("the same report gave different bytes")


def stands_an_empty_report(output: OutputFormat) -> None:
    """A report without results gives a file, or says as `SpcbenchError` why it cannot."""
    from spcbench.report import Report

    try:
        _files(output, Report(()))
    except SpcbenchError as error:
        if not str(error):
            raise AssertionError("it refuses an empty report without saying why") from error


def escapes_awkward_text(output: OutputFormat) -> None:
    """Names that hold markup, quotes or separators come out as text."""
    for content in _files(output, sample_report(unit=AWKWARD, title=AWKWARD)).values():
        for judge in _JUDGES.get(output.media_type, ()):
            judge(content)


def _holds_no_markup(content: bytes) -> None:
    if b"<script>alert" in content:
        raise AssertionError("markup in a name reached the file as markup")


def _is_xml(content: bytes) -> None:
    try:
        ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        raise AssertionError(f"the file is not XML: {error}") from error


def _is_json(content: bytes) -> None:
    try:
        json.loads(content)
    except ValueError as error:
        raise AssertionError(f"the file is not JSON: {error}") from error


def _is_csv(content: bytes) -> None:
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    for number, row in enumerate(rows, start=1):
        if len(row) != len(rows[0]):
            raise AssertionError(
                f"row {number} of the table has {len(row)} cells, the first row {len(rows[0])}"
            )


_JUDGES: Mapping[str, tuple[Callable[[bytes], None], ...]] = {
    "text/html": (_holds_no_markup,),
    "image/svg+xml": (_holds_no_markup, _is_xml),
    "application/json": (_is_json,),
    "text/csv": (_is_csv,),
}
"""What can be judged of a file from outside; nothing is known of other types."""

FORMAT_PROMISES = (gives_the_same_bytes_twice, stands_an_empty_report, escapes_awkward_text)


def sample_report(*, unit: str = "RJ1", title: str = "A report") -> Report:
    """Make a small report: one control chart of 24 months.

    Parameters
    ----------
    unit, title : str
        What the unit and the report are called.

    Returns
    -------
    Report
        The same at every call.
    """
    import pandas as pd

    from spcbench import Report, control_charts

    months = pd.date_range("2022-01-01", periods=24, freq="MS")
    counts = pd.DataFrame(
        {
            "measure": "example@1:given",
            "unit": unit,
            "period": months,
            "numerator": [30 + (7 * month) % 11 for month in range(24)],
            "denominator": [50 + (5 * month) % 7 for month in range(24)],
        }
    )
    return Report([control_charts(counts)], title=title)


def _files(output: OutputFormat, report: Report) -> dict[str, bytes]:
    rendered: Any = output.render(report)
    files = dict(rendered) if isinstance(rendered, Mapping) else {"": rendered}
    for content in files.values():
        if not isinstance(content, bytes):
            raise AssertionError(f"render() gave a {type(content).__name__}, wanted bytes")
    return files
