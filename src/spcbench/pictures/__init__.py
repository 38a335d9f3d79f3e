"""Pictures of results, and the words that go with them; nothing is calculated here."""

from spcbench.pictures.caterpillar import caterpillar_plot
from spcbench.pictures.chart_words import describe_chart
from spcbench.pictures.control_chart import control_chart
from spcbench.pictures.funnel_plot import funnel_plot
from spcbench.pictures.funnel_words import describe_funnel
from spcbench.pictures.saving import pdf_bytes, png_bytes, svg_bytes

__all__ = [
    "caterpillar_plot",
    "control_chart",
    "describe_chart",
    "describe_funnel",
    "funnel_plot",
    "pdf_bytes",
    "png_bytes",
    "svg_bytes",
]
