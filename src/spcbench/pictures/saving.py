"""Pictures as bytes: the same picture always gives the same bytes.

Times, versions and random ids are left out of the files; a description of
what is shown is put in.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any

from spcbench.errors import OptionError
from spcbench.pictures.caterpillar import caterpillar_plot, draw_caterpillars
from spcbench.pictures.chart_words import describe_chart
from spcbench.pictures.control_chart import control_chart, draw_charts, nothing_to_draw
from spcbench.pictures.funnel_plot import draw_funnels, funnel_plot
from spcbench.pictures.funnel_words import describe_funnel
from spcbench.pictures.results import FunnelResult, chart_keys, funnel_keys, view_of
from spcbench.pictures.theme import FONT

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from plotnine import ggplot

CHARTS_PER_PAGE = 12
_MOST_DESCRIBED = 12


def png_bytes(plot: ggplot, *, description: str, dpi: int = 150) -> bytes:
    """Draw a picture as PNG.

    Parameters
    ----------
    plot : plotnine.ggplot
        What to draw.
    description : str
        What it shows, in words; stored in the file as ``Description``.
    dpi : int
        Dots per inch.

    Returns
    -------
    bytes
        Without time or version: the same picture gives the same bytes.
    """
    return _saved(plot, "png", dpi=dpi, metadata={"Description": description, "Software": None})


def svg_bytes(plot: ggplot, *, title: str, description: str) -> bytes:
    """Draw a picture as SVG that screen readers can read out.

    Parameters
    ----------
    plot : plotnine.ggplot
        What to draw.
    title, description : str
        What it is, and what it shows; they become ``<title>`` and ``<desc>``.

    Returns
    -------
    bytes
        UTF-8. Letters stay text. Without time or version: the same picture
        gives the same bytes, in every process.
    """
    metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    drawn = _saved(plot, "svg", metadata=metadata).decode("utf-8")
    # Indentation, names nothing refers to, turns by nothing and places finer than
    # a hundredth of a point are a third of the file.
    drawn = re.sub(r' (?:d|x|y)="[^"]*"', _to_hundredths, drawn)
    drawn = re.sub(r">\s+<", "><", drawn)
    drawn = re.sub(r' id="[A-Za-z.2]+_\d+"| transform="rotate\(-?0 [^)]*\)"', "", drawn)
    drawn = drawn.replace(f"font-family: '{FONT}'", f"font-family: '{FONT}', Arial, sans-serif")
    name = hashlib.sha256(f"{title}\n{description}".encode()).hexdigest()[:8]
    opening = (
        f'<svg role="img" lang="en-GB" aria-labelledby="title-{name} desc-{name}" \\1>'
        f'<title id="title-{name}">{_in_template(title)}</title>'
        f'<desc id="desc-{name}">{_in_template(description)}</desc>'
    )
    return re.sub(r"<svg ([^>]*)>", opening, drawn, count=1).encode("utf-8")


def pdf_bytes(plots: Iterable[ggplot], *, title: str) -> bytes:
    """Draw pictures as a PDF, one a page.

    Parameters
    ----------
    plots : iterable of plotnine.ggplot
        Drawn one after another, so a generator keeps memory small.
    title : str
        Of the document.

    Returns
    -------
    bytes
        Without dates: the same pictures give the same bytes.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_pdf import PdfPages

    dated = {"CreationDate": None, "ModDate": None}
    buffer = BytesIO()
    # Type 42 embeds letters as text, which can be searched and read out.
    with (
        mpl.rc_context({"pdf.fonttype": 42}),
        PdfPages(buffer, metadata={"Title": title, "Creator": "spcbench", **dated}) as pages,
    ):
        for plot in plots:
            pages.savefig(_figure(plot))
    return buffer.getvalue()


def only_picture(results: Sequence[Any], *, suffix: str) -> tuple[ggplot, str, str]:
    """Draw the one picture of a report that goes into one image.

    Parameters
    ----------
    results : sequence of ControlCharts or Funnels
        At most one.
    suffix : str
        Of the file, for the message.

    Returns
    -------
    plot, title, description
        A picture that says so if there is nothing to draw.

    Raises
    ------
    OptionError
        If there are several results, or too many charts for one picture.
    """
    if len(results) > 1:
        raise OptionError(
            f"a {suffix} file holds one picture, and this report has {len(results)} results: "
            "write .pdf or .html, or one file for each result"
        )
    if not results:
        words = "This report is empty."
        return nothing_to_draw(words), words, words
    result = results[0]
    if hasattr(result, "points"):
        return control_chart(result), "Control charts", chart_descriptions(result)
    title = "Caterpillar plots" if _is_caterpillar(result) else "Funnel plots"
    return funnel_picture(result), title, funnel_descriptions(result)


def funnel_picture(
    funnels: FunnelResult, *, measure: str | None = None, group: str | None = None
) -> ggplot:
    """Draw funnels as their view says: as funnel plots or as caterpillars.

    Parameters
    ----------
    funnels : Funnels
        The result.
    measure, group : str, optional
        Which funnels to draw; all by default.

    Returns
    -------
    plotnine.ggplot
        As `funnel_plot` or `caterpillar_plot` gives it.
    """
    draw = caterpillar_plot if _is_caterpillar(funnels) else funnel_plot
    return draw(funnels, measure=measure, group=group)


def _is_caterpillar(funnels: FunnelResult) -> bool:
    return view_of(funnels).picture == "caterpillar"


def report_pages(results: Sequence[Any]) -> Iterator[ggplot]:
    """Draw the pages of a report one by one: 12 charts, or one funnel, a page."""
    empty = True
    for result in results:
        for page in _result_pages(result):
            empty = False
            yield page
    if empty:
        yield nothing_to_draw("This report is empty.")


def chart_descriptions(charts: Any) -> str:
    """Describe the first dozen control charts of a result, and say how many more there are."""
    keys = chart_keys(charts, measure=None, unit=None)
    return _described([describe_chart(charts, *key) for key in keys[:_MOST_DESCRIBED]], len(keys))


def funnel_descriptions(funnels: Any) -> str:
    """Describe the first dozen funnels of a result, and say how many more there are."""
    keys = funnel_keys(funnels, measure=None, group=None)
    return _described([describe_funnel(funnels, *key) for key in keys[:_MOST_DESCRIBED]], len(keys))


def _result_pages(result: Any) -> Iterator[ggplot]:
    if hasattr(result, "points"):
        keys = chart_keys(result, measure=None, unit=None)
        for first in range(0, len(keys), CHARTS_PER_PAGE):
            yield draw_charts(result, keys[first : first + CHARTS_PER_PAGE])
    else:
        draw = draw_caterpillars if _is_caterpillar(result) else draw_funnels
        for key in funnel_keys(result, measure=None, group=None):
            yield draw(result, [key])


def _described(sentences: Sequence[str], total: int) -> str:
    more = [f"And {total - len(sentences)} more."] if total > len(sentences) else []
    return "\n".join([*sentences, *more]) or "Nothing to draw."


def _figure(plot: ggplot) -> Figure:
    """Draw a copy: drawing changes a plot, and its owner may draw it again."""
    figure: Figure = deepcopy(plot).draw(show=False)
    return figure


def _saved(plot: ggplot, form: str, **options: Any) -> bytes:
    import matplotlib as mpl

    buffer = BytesIO()
    # A fixed salt, or the ids inside an SVG would differ from run to run.
    with mpl.rc_context({"svg.hashsalt": "spcbench", "svg.fonttype": "none"}):
        _figure(plot).savefig(buffer, format=form, **options)
    return buffer.getvalue()


def _to_hundredths(attribute: re.Match[str]) -> str:
    return re.sub(r"(\.\d\d)\d+", r"\1", attribute[0])


def _in_template(text: str) -> str:
    """Escape a text for XML, and its backslashes for the pattern it is put into."""
    return escape(text).replace("\\", "\\\\")
