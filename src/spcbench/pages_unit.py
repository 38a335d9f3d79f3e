"""The parts of one unit's page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spcbench.chart_tables import ICON_POINTS
from spcbench.charting import ControlCharts, control_charts
from spcbench.measures.counting import Counted
from spcbench.pages_actions import actions_report
from spcbench.pages_cells import cases_word, number_of, period_word, span_text
from spcbench.pages_ground import Ground, check_counted, ground_of
from spcbench.pages_packs import composites_of
from spcbench.pages_quality import OPPORTUNITY, set_aside_at_a_glance, tells_records
from spcbench.pages_tables import glance_table, missed_table
from spcbench.pictures.theme import date_text
from spcbench.pictures.words import count_text, number_text
from spcbench.reference_lines import PUBLISHED
from spcbench.report import ReportTable, Section
from spcbench.tables import Display

if TYPE_CHECKING:
    from spcbench.plugin.host import PluginHost

SMALL = 10
"""Below so many cases in a usual period one period says little."""

_LONGER = {"week": ("month", 4), "month": ("quarter", 3), "quarter": ("year", 4)}
"""What is counted by instead of a short period, and how many of these it holds."""

FEWEST_WAITS = 4
"""Fewer waits from one missed case to the next make no chart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the analyst asked of the charts of a page; as in `control_charts`."""

    notes: Any | None = None
    chart: str = "auto"
    rules: str = "mdc-2023-11"
    references: Any | None = None
    better: str | None = None
    target: float | None = None
    per: int | None = None

    @property
    def published(self) -> bool:
        """Whether values that were published are to be drawn."""
        return isinstance(self.references, str) and self.references == PUBLISHED

    @property
    def judged(self) -> dict[str, Any]:
        """What is said over the words of the measures."""
        return {"better": self.better, "per": self.per}


def charts_of(ground: Ground, unit: str, asked: Asked) -> ControlCharts:
    """Control charts of every measure of the page that one unit or area has data for."""
    check_counted(ground, unit)
    frame = ground.frame
    own = frame["unit"].eq(unit).to_numpy()
    with_data = own & frame["status"].eq("ok").to_numpy(dtype=np.bool_)
    with_data &= (frame["denominator"] > 0).fillna(False).to_numpy(dtype=np.bool_)
    told = set(frame["measure"][with_data]) & set(ground.order)
    keep = ~own | frame["measure"].isin(told).to_numpy()
    return control_charts(
        ground.only(frame[keep]),
        unit=unit,
        level=ground.level_of(unit),
        notes=asked.notes,
        chart=asked.chart,
        rules=asked.rules,
        references=asked.references,
        target=asked.target,
        host=ground.host,
        **asked.judged,
    )


def without_data(ground: Ground, unit: str, charts: ControlCharts) -> list[str]:
    """Lines that name the measures without a chart, and why if the counts say so."""
    told = set(charts.summary["measure"])
    missing = [name for name in ground.order if name not in told]
    reasons = {name: why for name in missing if (why := _only_note(ground, unit, name))}
    plain = [name for name in missing if name not in reasons]
    counted = [name for name in plain if _has_numbers(ground, unit, name)]
    without = [name for name in plain if name not in counted]
    return [
        *_named(ground, "No data for", without),
        *_named(ground, "Not charted here, for the counts have no denominators", counted),
        *(f"{ground.display[name].brief}: {why}." for name, why in reasons.items()),
    ]


def _named(ground: Ground, said: str, measures: list[str]) -> list[str]:
    """A line on some measures; none without any."""
    named = "; ".join(ground.display[name].brief for name in measures)
    return [f"{said}: {named}."] if named else []


def _has_numbers(ground: Ground, unit: str, measure: str) -> bool:
    """Whether a unit has data of a measure in some period, but never with a denominator."""
    frame = ground.frame
    own = frame[(frame["unit"].eq(unit) & frame["measure"].eq(measure)).to_numpy(bool)]
    return bool(own["status"].eq("ok").any() and own["denominator"].isna().all())


def _only_note(ground: Ground, unit: str, measure: str) -> str:
    """What every row of a measure of one unit says; nothing where they differ."""
    if "note" not in ground.frame.columns:
        return ""
    frame = ground.frame
    own = frame["note"][(frame["unit"].eq(unit) & frame["measure"].eq(measure)).to_numpy(bool)]
    notes = own.dropna().unique()
    return str(notes[0]) if len(notes) == 1 and own.notna().all() else ""


def unit_sections(
    ground: Ground, unit: str, charts: ControlCharts, events: Counted | None, asked: Asked
) -> Iterator[Section]:
    """The parts of a unit's page that come before those of the packs."""
    yield Section(
        title="At a glance",
        text=[
            *set_aside_at_a_glance(ground, [unit]),
            *without_data(ground, unit, charts),
            *small_text(ground, unit),
            *cautions(charts),
        ],
        tables=[glance_table(ground, unit, charts, published=asked.published)],
    )
    yield Section(
        title="Has anything changed?",
        text="A chart for each measure. Points within the limits go up and down by chance; a "
        "marked point or run is more than chance usually makes.",
        results=[charts],
        order=ground.order,
    )
    yield from _missed(ground, unit, events)
    if (noted := actions_report(ground, charts)) is not None:
        yield Section(title="What was done, and what is seen since", tables=[noted])


def _missed(ground: Ground, unit: str, events: Counted | None) -> Iterator[Section]:
    table = missed_table(ground, unit)
    since = None if events is None else since_table(ground, unit, events)
    waits = None if events is None else waits_charts(ground, unit, events)
    tables = [one for one in (table, since) if one is not None]
    if not tables and waits is None:
        return
    text = [
        "Care that somebody was eligible for and is known not to have had. Some of it could not "
        "be given: too little time, or a reason not to."
    ]
    if waits is not None:
        text.append(
            "Where few are eligible, the charts below count cases from one missed to the next: "
            "a higher point is a longer stretch without one."
        )
    yield Section(
        title="Missed opportunities",
        text=text,
        tables=tables,
        results=[] if waits is None else [waits],
        order=[] if events is None else _in_order(ground, events),
    )


def _in_order(ground: Ground, events: Counted) -> list[str]:
    """The measures of waits, in the order of the measures that they are of."""
    place = {name: number for number, name in enumerate(ground.order)}
    return sorted(events.display, key=lambda one: place.get(_measure_of(one), len(place)))


def _measure_of(waits: str) -> str:
    """The measure that waits are of: its name stands before the last full stop."""
    return waits.rpartition(".")[0]


def waits_charts(ground: Ground, unit: str, events: Counted) -> ControlCharts | None:
    """Charts (g) of one unit's cases between missed ones; None where there are too few events."""
    rows = events.counts
    own = rows[rows["unit"].eq(unit).to_numpy()]
    known = own[own["value"].notna().to_numpy()].groupby("measure").size()
    told = set(known[known >= FEWEST_WAITS].index)
    if not told:
        return None
    kept = own[own["measure"].isin(told).to_numpy()].reset_index(drop=True)
    kept = kept.assign(unit_name=ground.name(unit))
    shown = {name: _between_missed(ground, name, one) for name, one in events.display.items()}
    return control_charts(
        replace(events, counts=kept, display=shown), chart="g", unit=unit, host=ground.host
    )


def _between_missed(ground: Ground, name: str, display: Display) -> Display:
    """Waits of a measure that the page has, called as people call them."""
    own = ground.display.get(_measure_of(name))
    if own is None:
        return display
    return replace(display, title=f"{own.brief}: {cases_word(own)} between missed ones", short="")


def since_table(ground: Ground, unit: str, events: Counted) -> ReportTable | None:
    """How many cases there have been since the last missed one; None where none was missed."""
    rows = events.counts[events.counts["unit"].eq(unit).to_numpy()]
    made = []
    for name in _in_order(ground, events):
        own = rows[rows["measure"].eq(name).to_numpy()]
        # The last row is the wait that has not ended; the one before it a missed case.
        if len(own) < 2 or not pd.isna(own["value"].iloc[-1]):
            continue
        display = ground.display.get(_measure_of(name)) or events.display[name]
        made.append(
            {
                "measure": display.brief,
                "last": date_text(own["period"].iloc[-2], day=True),
                "since": number_of(_at_least(own.iloc[-1]), display),
            }
        )
    if not made:
        return None
    return ReportTable(
        id="since_last_missed",
        title="Since the last missed one",
        frame=pd.DataFrame(made, dtype="object"),
        headings={"measure": "Measure", "last": "Last missed", "since": "Cases since then"},
        note="Cases of which it is not known whether they had the care are not among them.",
    )


def _at_least(line: pd.Series[Any]) -> float:
    return 0.0 if pd.isna(line["at_least"]) else float(line["at_least"])


def usual_cases(ground: Ground, unit: str) -> dict[str, float]:
    """Median eligible cases a period over the window, by measure; those with data only."""
    frame = ground.frame
    rows = frame[frame["unit"].eq(unit).to_numpy()]
    rows = rows[rows["period"].isin(list(ground.recent)).to_numpy()]
    rows = rows[rows["status"].isin(["ok", "no_data"]).to_numpy()]
    found = rows.groupby("measure")["denominator"].agg(["median", "sum"])
    return {
        name: float(found["median"][name])
        for name in ground.order
        if name in found.index and found["sum"][name] > 0
    }


def rare_measures(counts: Counted, unit: str, host: PluginHost) -> list[str]:
    """Measures of which a unit has few eligible cases, and more is better; no composites.

    Parameters
    ----------
    counts : Counted
        What was counted from records.
    unit : str
        Its code.
    host : PluginHost
        Where packs are found.
    """
    ground = ground_of(
        counts, hierarchy=None, national=None, level=None, until=None, window=None, host=host
    )
    composites = composites_of(ground)
    return [
        name
        for name, usual in usual_cases(ground, unit).items()
        if usual < SMALL and ground.display[name].better == "higher" and name not in composites
    ]


def small_text(ground: Ground, unit: str) -> list[str]:
    """What small numbers mean here, in plain words; nothing where numbers are large."""
    # Opportunities are no cases: a baby has several.
    usual = {
        name: n
        for name, n in usual_cases(ground, unit).items()
        if ground.display[name].form != OPPORTUNITY
    }
    small = {name: n for name, n in usual.items() if n < SMALL}
    if not small:
        return []
    word = period_word(ground.frequency) if ground.alike else "period"
    last = f"{len(ground.recent)}{'' if ground.alike else f' {period_word(ground.frequency)}s'}"
    least, most = min(small.values()), max(small.values())
    which = "each measure here"
    if len(small) < len(usual):
        which = "; ".join(ground.display[name].brief for name in small)
    return [
        f"Numbers here are small: in a usual {word} {_about(least, most)} towards {which}. "
        f"One more or one fewer moves a {word}'s value a long way, so a single {word} says little, "
        f"good or bad. Look at the run of {word}s, and at the last {last} together."
        f"{_longer_text(ground)} The limits allow for it: where counts are small they are exact."
    ]


def _about(least: float, most: float) -> str:
    """How many cases count, roughly."""
    low, high = number_text(least, decimals=0), number_text(most, decimals=0)
    if high == "0":
        return "fewer than one case counts"
    if low == "0":
        return f"up to about {high} cases count"
    if low == high:
        return f"about {high} {'case counts' if high == '1' else 'cases count'}"
    return f"about {low} to {high} cases count"


def _longer_text(ground: Ground) -> str:
    """Whether longer periods would help: a chart has to keep enough points for its icons."""
    longer, times = _LONGER.get(ground.frequency, ("", 1))
    if not longer or not ground.alike:
        return ""
    left = len(ground.periods) // times
    if left >= ICON_POINTS:
        return f" Counting by {longer}s steadies the picture."
    return (
        f" Counting by {longer}s would leave {count_text(left, 'point')}, and a chart needs "
        f"{ICON_POINTS} to say whether anything has changed."
    )


def cautions(charts: ControlCharts) -> list[str]:
    """What the packs say must be known wherever these measures are shown, each once."""
    told = dict.fromkeys(
        f"{charts.display[name].brief}: {charts.display[name].caution}"
        for name in charts.display
        if charts.display[name].caution
    )
    return list(told)


def reading_section(ground: Ground, charts: ControlCharts, *, area: bool) -> Section:
    """How to read the page, with what chance alone would show."""
    expected = float(charts.summary["expected_false_signals"].sum())
    said = [
        f"“The last {len(ground.recent)} {period_word(ground.frequency)}s” are "
        f"{span_text(ground.recent, ground.frequency)}; values over them are all cases together.",
        "Control charts ask whether something has changed. The limits hold nearly all points of "
        "a process that has not. Blue diamonds mark improvement, orange squares concern, purple "
        "triangles a change that is neither, by rules that are named under Method and source. The "
        "words beside speak of the latest points: earlier ones may be marked where these are not.",
        f"Chance alone would put about {number_text(expected)} false signals on the "
        f"{len(charts.summary)} charts of this page together.",
    ]
    if area:
        said.append(
            "Funnels ask whether a unit is different from the others, given its size. Units stand "
            "in the order of their names. A difference can come from the cases, the records or "
            "the care; it is a reason to ask, not an answer."
        )
    if aside := len(ground.display) - len(ground.order):
        said.append(
            f"{count_text(aside, 'measure')} that only support{'s' if aside == 1 else ''} others, "
            "such as the quality of their data or numbers for a scorecard, "
            f"{'is' if aside == 1 else 'are'} not charted here."
        )
    if not tells_records(ground):
        said.append(
            "This page is made from counts: they do not say how many records were set aside "
            "before they were counted."
        )
    said.append(
        "A target is what somebody aims for; limits are what the process does. A process can be "
        "stable and still miss its target."
    )
    return Section(title="How to read this page", text=said)
