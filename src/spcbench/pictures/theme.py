"""One look for every picture: colours, marks, dates and sizes.

Colours are those of Making Data Count. Its blue and grey are too pale on white
to carry meaning, so every mark also has a dark outline and a shape of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from spcbench.pictures.periods import LONG, is_longer

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from plotnine import theme

INK = "#231F20"
MUTED = "#425563"
GRID = "#E8EDEE"
GREY = "#A6A6A6"
BLUE = "#00B0F0"
ORANGE = "#E46C0A"
PURPLE = "#490092"
TARGET_RED = "#DE1B1B"
LIMIT_GREY = "#6E6E6E"

FONT = "DejaVu Sans"  # comes with matplotlib: the same picture on every machine

_APART = 0.7
"""Labels of an axis stand at least this share of an even spacing apart."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Mark:
    """How one kind of point looks: its words, shape, fill and size."""

    words: str
    shape: str
    fill: str
    size: float


POINT_MARKS = {
    "common_cause": Mark("Common cause", "o", GREY, 2.0),
    "improvement": Mark("Improvement", "D", BLUE, 2.5),
    "concern": Mark("Concern", "s", ORANGE, 2.6),
    "neither": Mark("Special cause", "^", PURPLE, 2.8),
}
"""Points of a control chart, by verdict."""

UNJUDGED_MARK = Mark("Not judged by rules", "o", GREY, 2.0)
"""A point of a chart that no rule fits."""

EXCLUDED_MARK = Mark("Not used", "$⦻$", INK, 4.2)
"""A point that is shown and not used, whatever its verdict: a hollow circle with a cross."""


def month_text(date: pd.Timestamp) -> str:
    """A month in British English, whatever the locale of the machine.

    Examples
    --------
    >>> import pandas as pd
    >>> month_text(pd.Timestamp("2024-04-01"))
    'Apr 2024'
    """
    return f"{_MONTHS[date.month - 1]} {date.year}"


def date_text(date: pd.Timestamp, *, day: bool = False) -> str:
    """A date in British English: the day first, and only where it matters.

    Parameters
    ----------
    date : Timestamp
        The first day of a period, or the day of an event.
    day : bool
        Whether to name the day even if it is the first of its month, as among
        the dates of events.

    Examples
    --------
    >>> import pandas as pd
    >>> date_text(pd.Timestamp("2024-04-01")), date_text(pd.Timestamp("2024-04-12"))
    ('Apr 2024', '12 Apr 2024')
    >>> date_text(pd.Timestamp("2024-04-01"), day=True)
    '1 Apr 2024'
    """
    return f"{date.day} {month_text(date)}" if day or date.day > 1 else month_text(date)


def last_day(date: pd.Timestamp, frequency: str) -> pd.Timestamp:
    """The last day of a quarter or a year that begins on a day; of other periods the first.

    Examples
    --------
    >>> import pandas as pd
    >>> last_day(pd.Timestamp("2024-10-01"), "quarter")
    Timestamp('2024-12-31 00:00:00')
    """
    import pandas as pd

    months = LONG.get(frequency)
    return date + pd.DateOffset(months=months, days=-1) if months else date


def named_by_day(frequency: str) -> bool:
    """Whether periods are so short that the day they begin on is named, the 1st too.

    Examples
    --------
    >>> named_by_day("week"), named_by_day("10 days"), named_by_day("month")
    (True, True, False)
    """
    return frequency.endswith(("day", "days", "week"))


def period_text(date: pd.Timestamp, frequency: str, *, day: bool = False, ends: Any = None) -> str:
    """A period in words: of a quarter or a year from its first month to its last.

    Parameters
    ----------
    date : Timestamp
        Its first day.
    frequency : str
        How long it is, such as ``"quarter"``.
    day : bool
        As for `date_text`.
    ends : Timestamp, optional
        Its last day, if it is known: a period longer than usual is named by both.

    Examples
    --------
    >>> import pandas as pd
    >>> period_text(pd.Timestamp("2024-12-01"), "month", ends=pd.Timestamp("2025-09-30"))
    'Dec 2024 to Sep 2025'
    >>> period_text(pd.Timestamp("2024-10-01"), "quarter")
    'Oct to Dec 2024'
    >>> period_text(pd.Timestamp("2023-12-01"), "quarter")
    'Dec 2023 to Feb 2024'
    >>> period_text(pd.Timestamp("2024-10-01"), "month")
    'Oct 2024'
    >>> period_text(pd.Timestamp("2024-10-01"), "week")
    '1 Oct 2024'
    """
    if is_longer(date, ends, frequency):
        whole = date.day == 1 and ends.is_month_end
        return f"{date_text(date)} to {month_text(ends) if whole else date_text(ends, day=True)}"
    if frequency not in LONG:
        return date_text(date, day=day or named_by_day(frequency))
    begins, ends = date_text(date), end_text(date, frequency)
    same_year = begins.endswith(ends[-4:]) and date.day == 1
    return f"{begins[:-5] if same_year else begins} to {ends}"


def end_text(date: pd.Timestamp, frequency: str, *, day: bool = False) -> str:
    """To when a period goes that begins on a day, as the end of a span.

    Examples
    --------
    >>> import pandas as pd
    >>> end_text(pd.Timestamp("2024-10-01"), "quarter")
    'Dec 2024'
    >>> end_text(pd.Timestamp("2024-04-06"), "year")
    '5 Apr 2025'
    """
    if frequency not in LONG:
        return date_text(date, day=day or named_by_day(frequency))
    last = last_day(date, frequency)
    return month_text(last) if date.day == 1 else date_text(last, day=True)


def by_day(dates: pd.Series[pd.Timestamp]) -> bool:
    """Whether dates are those of days, not of months: their days are to be named."""
    return bool(dates.dt.day.gt(1).any())


def date_breaks(
    dates: Sequence[pd.Timestamp], *, most: int, apart: float = 0.0
) -> list[pd.Timestamp]:
    """Every so many of the dates, so that at most `most` labels stand on the axis.

    Parameters
    ----------
    dates : sequence of Timestamp
        Distinct and sorted.
    most : int
        At least 1.
    apart : float
        Least share of the whole span between two labels, where they are long.

    Returns
    -------
    list of Timestamp
        The first date and every 1st, 2nd, 3rd, 6th, 12th … after it, so that
        months fall on quarters and years; fewer where dates crowd together.

    Examples
    --------
    >>> import pandas as pd
    >>> months = list(pd.date_range("2023-04-01", periods=24, freq="MS"))
    >>> [month_text(date) for date in date_breaks(months, most=5)]
    ['Apr 2023', 'Oct 2023', 'Apr 2024', 'Oct 2024']
    """
    needed = -(-len(dates) // most)
    step = next((step for step in (1, 2, 3, 6, 12, 24, 60, 120) if step >= needed), needed)
    kept, room = list(dates[:1]), max(apart, _APART / most)
    for date in dates[:: max(step, 1)]:
        # Events come when they come: labels of days close together would overlap.
        if (date - kept[-1]) >= room * (dates[-1] - dates[0]) and date > kept[-1]:
            kept.append(date)
    return kept


def picture_theme(*, width: float, height: float, base: float) -> theme:
    """The theme of every picture.

    Parameters
    ----------
    width, height : float
        Of the whole picture, in inches.
    base : float
        Size of ordinary text, in points.

    Returns
    -------
    plotnine.theme
        To be added to a plot.
    """
    import plotnine as p9

    return p9.theme_minimal(base_size=base, base_family=FONT) + p9.theme(
        figure_size=(width, height),
        text=p9.element_text(color=INK),
        plot_title=p9.element_text(size=base * 1.3, weight="bold", ha="left", linespacing=1.2),
        plot_subtitle=p9.element_text(
            size=base, color=MUTED, ha="left", linespacing=1.2, margin={"b": 9, "units": "pt"}
        ),
        plot_caption=p9.element_text(
            size=base * 0.78,
            color=MUTED,
            ha="left",
            linespacing=1.3,
            margin={"t": 6, "units": "pt"},
        ),
        plot_title_position="plot",
        plot_caption_position="plot",
        plot_background=p9.element_rect(fill="white", color="white"),
        panel_spacing_y=0.035,
        panel_grid_minor=p9.element_blank(),
        panel_grid_major_x=p9.element_blank(),
        panel_grid_major_y=p9.element_line(color=GRID, size=0.5),
        axis_text=p9.element_text(color=INK, size=base * 0.85),
        axis_title=p9.element_text(size=base * 0.9),
        axis_ticks_major_x=p9.element_line(color=LIMIT_GREY, size=0.4),
        axis_line_x=p9.element_line(color=LIMIT_GREY, size=0.5),
        strip_text=p9.element_text(weight="bold", size=base * 0.95, ha="left", linespacing=1.1),
        legend_position="bottom",
        legend_title=p9.element_blank(),
        legend_text=p9.element_text(size=base * 0.9),
        legend_key=p9.element_blank(),
        legend_box_spacing=0.01,
        legend_key_size=base * 1.6,
        strip_background=p9.element_blank(),
        plot_margin=0.015,
    )


def wrapped(text: str, *, width: float, size: float, bold: bool = False, indent: str = "") -> str:
    """Break a text into lines that fit `width` inches at `size` points.

    Parameters
    ----------
    text : str
        Plain text; its own line breaks are kept.
    width : float
        Inches.
    size : float
        Points.
    bold : bool
        Whether the letters are bold, hence wider.
    indent : str
        What stands before the second and later lines.

    Returns
    -------
    str
        Words longer than a line are broken, so nothing is ever cut off. Dollar
        signs are escaped: between two of them letters would be set as a formula.

    Examples
    --------
    >>> print(wrapped("Babies admitted with a low temperature", width=2.0, size=12))
    Babies admitted with
    a low temperature
    """
    import textwrap

    # The mean letter of DejaVu Sans is about 0.55 of its size, a bold one 0.62.
    letters = max(8, int(width * 72 / (size * (0.66 if bold else 0.58))))
    filled = "\n".join(
        textwrap.fill(line, letters, subsequent_indent=indent) for line in text.split("\n")
    )
    return plain(filled)


def plain(text: str) -> str:
    r"""Keep dollar signs from being read as the marks of a formula.

    Examples
    --------
    >>> print(plain("from $5 to $6"))
    from \$5 to \$6
    """
    return text.replace("$", r"\$")


def spread(
    places: Sequence[float], *, gap: float, lines: Sequence[int] | None = None
) -> list[float]:
    """Move labels apart, as little as needed, so that none hides another.

    Parameters
    ----------
    places : sequence of float
        Where each label wants to stand.
    gap : float
        The least distance between two of one line, at least 0.
    lines : sequence of int, optional
        How many lines each label has; 1 by default.

    Returns
    -------
    list of float
        In the order given, neighbours at least `gap` apart, more if they have more lines.

    Examples
    --------
    >>> spread([10.0, 10.0, 20.0], gap=2.0)
    [9.0, 11.0, 20.0]
    """
    order = sorted(range(len(places)), key=lambda at: places[at])
    tall = [1] * len(places) if lines is None else lines
    upward, downward = list(places), list(places)
    for below, at in pairwise(order):
        upward[at] = max(places[at], upward[below] + gap * (tall[at] + tall[below]) / 2)
    for above, at in pairwise(reversed(order)):
        downward[at] = min(places[at], downward[above] - gap * (tall[at] + tall[above]) / 2)
    # Both keep the gap, one pushing up and one down: so does their mean.
    return [(up + down) / 2 for up, down in zip(upward, downward, strict=True)]


def stacked(places: Sequence[float], heights: Sequence[float], most: float) -> list[float]:
    """Places for text of these heights, apart from one another and between 0 and `most`.

    Examples
    --------
    >>> stacked([9.5, 9.5], [2.0, 2.0], 10.0)
    [7.0, 9.0]
    """
    if not places:
        return []
    gap = min(heights)
    moved = spread(list(places), gap=gap, lines=[max(1, round(high / gap)) for high in heights])
    order = sorted(range(len(moved)), key=lambda at: moved[at])
    floor = 0.0
    for at in order:
        moved[at] = max(moved[at], floor + heights[at] / 2)
        floor = moved[at] + heights[at] / 2
    ceiling = most
    for at in reversed(order):
        moved[at] = min(moved[at], ceiling - heights[at] / 2)
        ceiling = moved[at] - heights[at] / 2
    return moved
