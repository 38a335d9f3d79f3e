"""The words round funnels: title, axes and the caption that says how they were made."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from spcbench.levels import level_names, level_words
from spcbench.pictures.funnel_layout import FunnelLayout
from spcbench.pictures.funnel_marks import line_style_words
from spcbench.pictures.funnel_rows import reference_values
from spcbench.pictures.funnel_scale import Scale, size_title, value_title
from spcbench.pictures.funnel_words import against, chance_sentence, extra_variation, frequency_of
from spcbench.pictures.results import FunnelResult, Key, display_of, rows_of, view_of
from spcbench.pictures.theme import plain, wrapped
from spcbench.pictures.words import (
    between,
    count_text,
    doubt_text,
    doubts,
    number_text,
    target_name,
)

if TYPE_CHECKING:
    import pandas as pd

_METHODS = {
    "beta_binomial": "beta-binomial",
    "poisson_gamma": "Poisson-gamma",
    "mid_p": "mid-P",
    "jeffreys": "Jeffreys",
    "spiegelhalter": "Spiegelhalter's",
}


def funnel_labels(
    funnels: FunnelResult, keys: Sequence[Key], layout: FunnelLayout, caption: str
) -> Any:
    """Title, subtitle, caption and the names of the axes of a funnel plot."""
    import plotnine as p9

    measures = list(dict.fromkeys(key[0] for key in keys))
    y = value_title(funnels, measures)
    return p9.labs(
        title=title_text(funnels, keys, layout, "Funnel plots"),
        subtitle=subtitle_text(funnels, keys, layout, "funnels"),
        caption=caption,
        x=wrapped(size_title(funnels), width=layout.width - 0.6, size=layout.base * 0.9),
        y=wrapped(y, width=layout.panel[1], size=layout.base * 0.9),
    )


def title_text(
    funnels: FunnelResult, keys: Sequence[Key], layout: FunnelLayout, several: str
) -> str:
    """The measure, or what the funnels are where there are several; wrapped."""
    titles = list(dict.fromkeys(display_of(funnels, key[0]).title for key in keys))
    title = titles[0] if len(titles) == 1 else several
    return wrapped(title, width=layout.width - 0.4, size=layout.base * 1.3, bold=True)


def subtitle_text(
    funnels: FunnelResult, keys: Sequence[Key], layout: FunnelLayout, noun: str
) -> str:
    """How many units, and when; of several, how many they are; wrapped."""
    return wrapped(_subtitle(funnels, keys, noun), width=layout.width - 0.4, size=layout.base)


def _subtitle(funnels: FunnelResult, keys: Sequence[Key], noun: str) -> str:
    import numpy as np

    if len(keys) > 1:
        summary = summary_of(funnels, keys)
        when = between(
            summary["first"].min(), summary["last"].max(), frequency=frequency_of(funnels)
        )
        return f"{len(keys)} {noun}{when}{against(funnels)}"
    units = rows_of(funnels.units, keys[0], second="group")
    heights = Scale.of(funnels, keys[0][0]).heights(units["value"])
    without = int((np.isnan(heights) | np.isnan(units["size"])).sum())
    said = [f"{keys[0][1]}: " if keys[0][1] else "", count_text(len(units) - without, "unit")]
    if len(units):
        said += [
            between(units["first"].min(), units["last"].max(), frequency=frequency_of(funnels)),
            against(funnels),
        ]
    if without:
        said.append(f"; {without} without a value not shown")
    return "".join(said)


def caption_text(
    funnels: FunnelResult,
    keys: Sequence[Key],
    layout: FunnelLayout,
    *,
    left_out: int = 0,
    coded: bool = False,
) -> str:
    """How the funnels were made and what the lines are; wrapped.

    Parameters
    ----------
    funnels : Funnels
        The result.
    keys : sequence of (measure, group)
        Those drawn.
    layout : FunnelLayout
        Says how wide the text is, and whether it has to be brief.
    left_out : int
        Units that were to be named and found no free place.
    coded : bool
        Whether units stand with their codes although they have names.
    """
    if layout.brief:
        said = [*_method_words(funnels, keys, brief=True), *chance_words(funnels, keys)]
        said += [*_variation_words(funnels, keys, brief=True), *alarm_words(funnels)]
        said += [*unlabelled_words(funnels, keys), *_left_out_words(left_out)]
        said += _doubts(funnels, keys)
    else:
        said = [
            *_method_words(funnels, keys, brief=False),
            *chance_words(funnels, keys),
            *_variation_words(funnels, keys, brief=False),
            *_line_words(funnels, keys),
            *_fdr_words(funnels),
            *alarm_words(funnels),
            *unlabelled_words(funnels, keys),
            "Outside means higher or lower than expected, not good or bad by itself.",
            *(["Where room is short, units stand with their codes."] if coded else []),
            *_left_out_words(left_out),
            *_doubts(funnels, keys),
        ]
        said += absent_words(funnels, keys)
    return wrapped(" ".join(said), width=layout.width - 0.4, size=layout.base * 0.78)


def caterpillar_caption(
    funnels: FunnelResult, keys: Sequence[Key], layout: FunnelLayout, *, cut: bool
) -> str:
    """What order, marks and bars of a caterpillar mean; wrapped.

    Parameters
    ----------
    funnels, keys, layout
        As `caption_text`.
    cut : bool
        Whether some interval runs on beyond the picture.
    """
    levels = [level_words(name) for name in level_names(funnels.units.columns)]
    exact = "" if funnels.method.get("data_type") == "change" else "exact "
    bars = f"{exact}{levels[0]} interval"
    bars = f"thick = {bars}; thin = {levels[-1]}" if len(levels) > 1 else f"bar = {bars}"
    said = [
        "Largest unit at the top: the order says nothing of how well a unit does.",
        f"Bars: {bars}.",
    ]
    if not layout.brief:
        line = target_name(funnels.method).lower()
        said += [
            "The mark says where the unit lies on the funnel, whose limits judge it.",
            f"Shrunken estimate: the value drawn towards the {line}, small units the most.",
            *(["Intervals with an arrow run on beyond the picture."] if cut else []),
            *_variation_words(funnels, keys, brief=False),
        ]
    said += [*alarm_words(funnels), *unlabelled_words(funnels, keys), *_doubts(funnels, keys)]
    said += absent_words(funnels, keys)
    return wrapped(" ".join(said), width=layout.width - 0.4, size=layout.base * 0.78)


def summary_of(funnels: FunnelResult, keys: Sequence[Key]) -> pd.DataFrame:
    """The summary rows of these funnels."""
    import pandas as pd

    return pd.concat([rows_of(funnels.summary, key, second="group") for key in keys])


def _method_words(funnels: FunnelResult, keys: Sequence[Key], *, brief: bool) -> list[str]:
    methods = dict.fromkeys(summary_of(funnels, keys)["limit_method"].dropna().astype(str))
    words = ", ".join(_METHODS.get(method, method) for method in methods) or "no"
    levels = [level_words(name) for name in level_names(funnels.units.columns)]
    at = f"{words} limits at {', '.join(levels)}"
    at = " and ".join(at.rsplit(", ", 1))
    widened = str(funnels.method.get("overdispersion", "none"))
    wide = f", widened for overdispersion ({widened})" if widened != "none" else ""
    return [f"{at[0].upper()}{at[1:]}{wide}." if brief else f"Method: {at}{wide}."]


def chance_words(funnels: FunnelResult, keys: Sequence[Key]) -> list[str]:
    """How many units chance alone would put outside."""
    expected = summary_of(funnels, keys)["expected_false_positives"].dropna()
    return [f"{chance_sentence(funnels, float(expected.sum()))}."] if len(expected) else []


def _variation_words(funnels: FunnelResult, keys: Sequence[Key], *, brief: bool) -> list[str]:
    narrow = [key for key, allowed in extra_variation(funnels, keys).items() if not allowed]
    if not narrow:
        return []
    if brief:
        return ["Units vary more than chance: the limits are too narrow."]
    where = "On this funnel" if len(keys) == 1 else f"On {len(narrow)} of these funnels"
    return [
        f"{where} units vary more than chance alone would make them: "
        "the limits are too narrow there, and too much lies outside."
    ]


def _line_words(funnels: FunnelResult, keys: Sequence[Key]) -> list[str]:
    lines = line_style_words(level_names(funnels.units.columns))
    lines.append(f"dash-dotted red = {target_name(funnels.method).lower()}")
    if any(reference_values(funnels, key[0]) for key in keys):
        lines.append("thin long dashes = for reference")
    return [f"Lines: {'; '.join(lines)}."]


def _fdr_words(funnels: FunnelResult) -> list[str]:
    rate = funnels.method.get("fdr")
    if not rate or funnels.curve[["lower_fdr", "upper_fdr"]].isna().all(axis=None):
        return []
    share = number_text(100 * float(rate))
    return [
        f"Dotted = false discovery rate {share}%: of the units beyond it, no more than about "
        f"{share} in 100 are there by chance."
    ]


def alarm_words(funnels: FunnelResult) -> list[str]:
    """What national audits call these limits, where they are theirs."""
    if funnels.method.get("preset") != "2sd-3sd":
        return []
    return ["Beyond 2 SD is an alert and beyond 3 SD an alarm, as in national neonatal audit."]


def _left_out_words(left_out: int) -> list[str]:
    if not left_out:
        return []
    names = "1 name is" if left_out == 1 else f"{left_out:,} names are"
    return [f"{names} left out for want of room; the table has all."]


def _doubts(funnels: FunnelResult, keys: Sequence[Key]) -> list[str]:
    """Definitions, and standards drawn, that nobody has compared with their source."""
    displays = [display_of(funnels, name) for name in dict.fromkeys(key[0] for key in keys)]
    return doubts(displays, [one for one in displays if doubt_text(funnels.method, one)])


def unlabelled_words(funnels: FunnelResult, keys: Sequence[Key]) -> list[str]:
    """How many units are on no funnel, because nothing says whose peers they are."""
    advice = funnels.advice[funnels.advice["code"] == "unlabelled"]
    drawn = {key[0] for key in keys}
    units: set[str] = set()
    for measure, text in zip(advice["measure"], advice["evidence"], strict=True):
        units |= set(json.loads(text)["units"]) if measure in drawn else set()
    if not units:
        return []
    noun = "unit is" if len(units) == 1 else "units are"
    return [f"{len(units)} {noun} on no funnel, without a known {funnels.method['by']}."]


def absent_words(funnels: FunnelResult, keys: Sequence[Key]) -> list[str]:
    """Highlighted units that are not in the one funnel drawn."""
    if len(keys) != 1:
        return []
    units = rows_of(funnels.units, keys[0], second="group")
    shown = set(units.loc[units["value"].notna(), "unit"])
    said = []
    for one in view_of(funnels).highlight:
        absent = len(set(one.units) - shown)
        if absent:
            said.append(f"{plain(one.name)}: {absent} of {len(one.units)} not on this funnel.")
    return said
