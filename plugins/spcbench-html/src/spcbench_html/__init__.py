"""Reports as one HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from spcbench.plugin import OutputFormat, hookimpl

if TYPE_CHECKING:
    from spcbench import Report

SPCBENCH_API = 1


@hookimpl
def spcbench_formats() -> Iterable[OutputFormat]:
    """Offer the format ``html``."""
    yield OutputFormat(
        id="html",
        title="HTML page with pictures and tables",
        suffix=".html",
        media_type="text/html",
        render=_page,
    )


def _page(report: Report) -> bytes:
    from spcbench_html.page import html_page  # jinja2 and plotnine load only now

    return html_page(report)
