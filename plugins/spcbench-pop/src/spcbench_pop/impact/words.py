"""What an estimate says in plain words: what it is, what it could be, and what it is not."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from spcbench_pop.impact.arithmetic import ROUNDING_WORDS
from spcbench_pop.impact.estimates import Impact
from spcbench_pop.impact.facts import Effect
from spcbench_pop.impact.settings import Settings

WHAT_IT_IS = (
    "An estimate: people treated, divided by a number needed to treat that comes from trials of "
    "other people. No case was counted."
)
GROSS = (
    "Gross sets everyone treated against nobody treated. It is not what a programme or a trust "
    "brought about: many would have been treated anyway."
)
AGAINST = (
    "The figure against a counterfactual is nearer to that, but it does not show what brought the "
    "change about."
)
MONEY = (
    "The value is a lifetime cost to society by programme convention, not cash released to the "
    "NHS; its price year is not known."
)
NOT_ADDED = (
    "Estimates for different kinds of care must not be added up: their effects overlap in the same "
    "babies, so a sum says too much."
)
NO_LIMITS = "no range, because the limits of this effect are not known"
NO_RATE = "Against a counterfactual: not known, because the number eligible is not."
TOO_SHORT = (
    "Against a counterfactual: not known; there are no periods after the first twelve months."
)


def summary_lines(impact: Impact) -> list[str]:
    """The whole estimate in words, a line each.

    Parameters
    ----------
    impact : Impact

    Returns
    -------
    list of str
        For each measure a heading and what belongs to it, indented; then what
        the figures are and are not.
    """
    lines = []
    for total, settings in zip(impact.totals.to_dict("records"), impact.settings, strict=True):
        lines.append(heading(total, settings))
        lines += [f"  {line}" for line in measure_lines(total, settings)]
    return [*lines, *impact.notes, *cautions(impact)]


def heading(total: Mapping[str, Any], settings: Settings) -> str:
    """What is estimated, for whom and when."""
    place = [total["unit"]] if total["unit"] else []
    if not pd.isna(total["first"]):
        place.append(f"{total['first']:%B %Y} to {total['last']:%B %Y}")
    return settings.effect.title + (f" ({', '.join(place)})" if place else "")


def measure_lines(total: Mapping[str, Any], settings: Settings) -> Iterator[str]:
    """What was found of one measure, and how."""
    yield from found_lines(total, settings)
    yield from how_lines(settings)


def found_lines(total: Mapping[str, Any], settings: Settings) -> Iterator[str]:
    """What was found of one measure."""
    yield _treated(total)
    yield f"Gross, all treated against none: {_found(total, 'gross', settings.effect)}."
    yield _incremental(total, settings)
    if settings.unit_cost is not None:
        yield _value(total, settings)


def how_lines(settings: Settings) -> Iterator[str]:
    """Which number needed to treat and settings a figure was made with."""
    yield _needed(settings)
    yield _settings(settings)
    if settings.counted != settings.effect.counted:
        yield (
            f"The number is of {settings.effect.counted}, yet {settings.counted} are "
            "divided by it, as some bodies do: twins make the figure differ."
        )
    if not settings.effect.verified:
        yield "NOT VERIFIED: this effect still has to be checked at its source."


def _treated(total: Mapping[str, Any]) -> str:
    who = total["counted"]
    if pd.isna(total["eligible"]):
        return f"Treated: {total['treated']:,} {who}; how many were eligible is not known."
    words = (
        f"Treated: {total['treated']:,} of {total['eligible']:,} {who} eligible "
        f"({percent(total['rate'])})"
    )
    if pd.isna(total["missing"]) or not total["missing"]:
        return f"{words}."
    return f"{words}; of {total['missing']:,} more it is not known, and they are left out."


def _incremental(total: Mapping[str, Any], settings: Settings) -> str:
    other = settings.counterfactual
    if other is None or not _known(total, "incremental"):
        return NO_RATE if pd.isna(total["eligible"]) else TOO_SHORT
    rate = total["counterfactual_rate"]
    shown = "" if percent(rate) in other.label else f" ({percent(rate)})"
    return f"Against {other.label}{shown}: {_difference(total, settings.effect)}."


def _known(total: Mapping[str, Any], name: str) -> bool:
    """Whether there is a figure: a point, or a span without one."""
    return not (pd.isna(total[name]) and pd.isna(total[f"{name}_low"]))


def _difference(total: Mapping[str, Any], effect: Effect) -> str:
    """A difference that may be none, or one the other way, is never called prevented."""
    low, point, high = (total[f"incremental{end}"] for end in ("_low", "", "_high"))
    found = _found(total, "incremental", effect)
    if not pd.isna(low) and low < 0 <= high:
        bare = found.replace(f" {effect.done}", "")
        return f"no more than chance may give; fewer or more {effect.many} are possible ({bare})"
    top = point if pd.isna(high) else high
    if top > 0 or (pd.isna(point) and top == 0):
        return found
    if top == 0 and (pd.isna(low) or low == 0):
        return f"no difference in {effect.many}"
    if pd.isna(point):
        ends = span(-high, -low, total["rounding"])
        return f"fewer were treated than that: {ends} {effect.many} more than at that rate"
    shown = cases_text(-point, total["rounding"])
    many = effect.one if shown == "1" else effect.many
    ends = "" if pd.isna(low) else f", range {span(-high, -low, total['rounding'])}"
    return f"fewer were treated than that: about {shown} {many} more than at that rate{ends}"


def _found(total: Mapping[str, Any], name: str, effect: Effect) -> str:
    """A figure with its range: ``"61.4 cases prevented, range 36.1 to 61.9"``."""
    done = effect.done
    low, point, high = (total[key] for key in (f"{name}_low", name, f"{name}_high"))
    ends = span(low, high, total["rounding"])
    if math.isnan(point):
        return f"{ends} {effect.many} {done}"
    shown = cases_text(point, total["rounding"])
    said = f"about {shown} {effect.one if shown == '1' else effect.many} {done}"
    return f"{said}; {NO_LIMITS}" if math.isnan(low) else f"{said}, range {ends}"


def _value(total: Mapping[str, Any], settings: Settings) -> str:
    cost = settings.unit_cost
    if cost is None:
        return ""
    parts = [f"gross {_money_range(total, 'gross_value')}"]
    low, high = total["incremental_low"], total["incremental_high"]
    if not pd.isna(low) and low < 0 <= high:
        parts.append(
            "against the counterfactual no more than chance may give "
            f"({_money_range(total, 'incremental_value')})"
        )
    elif _known(total, "incremental_value"):
        parts.append(f"against the counterfactual {_money_difference(total)}")
    return f"Value at {money_text(cost.pounds)} a case ({cost.label}): {'; '.join(parts)}."


def _money_difference(total: Mapping[str, Any]) -> str:
    """What a difference is worth; one the other way is a cost, and says so without a sign."""
    ends = ("_low", "", "_high")
    values = {f"incremental_value{end}": total[f"incremental_value{end}"] for end in ends}
    if not any(one < 0 for one in values.values()):
        return _money_range(values, "incremental_value")
    turned = {"_low": "_high", "": "", "_high": "_low"}
    other = {f"more{end}": -values[f"incremental_value{turned[end]}"] for end in ends}
    return f"{_money_range(other, 'more')} more cost than at that rate"


def _money_range(total: Mapping[str, Any], name: str) -> str:
    low, point, high = (total[key] for key in (f"{name}_low", name, f"{name}_high"))
    if math.isnan(low):
        return f"about {money_text(point)}"
    ends = f"{money_text(low)} to {money_text(high)}"
    return ends if math.isnan(point) else f"about {money_text(point)}, range {ends}"


def _needed(settings: Settings) -> str:
    nnt, effect = settings.nnt, settings.effect
    ends = f"{needed_text(nnt.low)} to {needed_text(nnt.high)}"
    point = f"{needed_text(nnt.point)}, range {ends}" if settings.has_point else ends
    if not settings.has_limits:
        point = needed_text(nnt.point)
    if settings.nnt_alone:
        return (
            f"Number needed to treat: {needed_text(nnt.point)}, as given without a range of its "
            f"own; so that figures do not look surer than they are, they reach over that of "
            f"{effect.whose} too: {ends}."
        )
    if settings.nnt_given:
        return f"Number needed to treat: {point}, as given."
    source = f"Source: {effect.source}"
    if settings.baseline_risk is not None:
        risk = percent(settings.baseline_risk)
        return f"Number needed to treat: {point}, from a risk of {risk} without the care. {source}."
    kind = "; no probability goes with this range"
    kind = kind if settings.has_limits and effect.range != "confidence" else ""
    return f"Number needed to treat: {point} ({effect.range_note}{kind}). {source}."


def _settings(settings: Settings) -> str:
    below = settings.below_weeks
    parts = [
        f"{settings.counted} are counted",
        f"figures are {ROUNDING_WORDS[settings.rounding]}",
        *([f"births are below {below:g} weeks"] if below is not None else []),
        *([f"preset {settings.preset}"] if settings.preset else []),
    ]
    return f"Settings: {', '.join(parts)}."


def cautions(impact: Impact) -> list[str]:
    """What the figures are and are not.

    Parameters
    ----------
    impact : Impact

    Returns
    -------
    list of str
        Sentences; only those that concern something estimated.
    """
    told = [WHAT_IT_IS]
    if any(one.has_limits for one in impact.settings):
        told.append(
            "Ranges carry the range of the number needed to treat and chance in the uptake."
        )
    told.append(GROSS)
    if impact.lines["incremental"].notna().any() or impact.lines["incremental_low"].notna().any():
        told.append(AGAINST)
        others = dict.fromkeys(
            (one.counterfactual.label, one.counterfactual.caution)
            for one in impact.settings
            if one.counterfactual is not None and one.counterfactual.caution
        )
        told += [f"On {label}: {caution}." for label, caution in others]
    if any(one.unit_cost is not None for one in impact.settings):
        told.append(MONEY)
    if len(impact.settings) > 1 or any(one.effect.death for one in impact.settings):
        told.append(NOT_ADDED)
    return told


def cases_text(value: float, rounding: str) -> str:
    """Cases as they are rounded: with one decimal where they are not.

    Examples
    --------
    >>> cases_text(61.35, "none"), cases_text(61.0, "floor"), cases_text(-0.01, "none")
    ('61.4', '61', '0.0')
    """
    text = f"{value:,.1f}" if rounding == "none" else f"{value:,.0f}"
    return text.removeprefix("-") if not text.strip("-0.") else text


def span(low: float, high: float, rounding: str) -> str:
    """Both ends of a range.

    Examples
    --------
    >>> span(36, 61, "floor")
    '36 to 61'
    """
    return f"{cases_text(low, rounding)} to {cases_text(high, rounding)}"


def money_text(pounds: float) -> str:
    """Pounds in millions.

    Examples
    --------
    >>> money_text(61_000_000), money_text(800_000), money_text(-5_100_000)
    ('£61m', '£0.8m', '-£5.1m')
    """
    text = f"{abs(pounds) / 1e6:,.2f}" if abs(pounds) < 1e6 else f"{abs(pounds) / 1e6:,.1f}"
    whole = text.rstrip("0").rstrip(".") if "." in text else text
    return ("-" if pounds < 0 and whole != "0" else "") + f"£{whole or '0'}m"


def needed_text(nnt: float) -> str:
    """A number needed to treat.

    Examples
    --------
    >>> needed_text(46.3), needed_text(37.0), needed_text(float("inf"))
    ('46', '37', 'no effect')
    """
    return "no effect" if math.isinf(nnt) else f"{nnt:,.0f}"


def percent(share: float) -> str:
    """A share in per cent.

    Examples
    --------
    >>> percent(0.658)
    '65.8 %'
    """
    return "not known" if math.isnan(share) else f"{100 * share:.1f} %"
