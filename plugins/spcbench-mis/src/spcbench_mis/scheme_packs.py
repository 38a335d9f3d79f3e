"""A measure pack for each year of the scheme: what can be counted, without the evidence items."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from spcbench.measures.measure import Measure, Source
from spcbench.plugin import Pack
from spcbench_mis.scheme_data import Item, SchemeYear, scheme

PER = {"statistic": 100, "count": 1}


def scheme_pack(year: str) -> Pack:
    """The statistics and counts of one year of the scheme.

    Parameters
    ----------
    year : str
        ``"y5"``, ``"y6"`` or ``"y7"``.

    Returns
    -------
    Pack
        ``mis@y7`` and so on. The counts are the trust's own (kind ``"given"``);
        evidence items are not in it, because they are no statistics.

    Raises
    ------
    OptionError
        If the year is not known.

    Examples
    --------
    >>> pack = scheme_pack("y7")
    >>> pack.name, pack.measures[0].target_label
    ('mis@y7', 'MIS Year 7, 1 Dec 2024 to 30 Nov 2025')
    """
    told = scheme()
    chosen = told.year(year)
    return Pack(
        id="mis",
        version=chosen.id,
        title=f"{chosen.title}, {chosen.label}",
        record="case, already counted by the trust",
        source=f"NHS Resolution, {chosen.title}, {chosen.label} (not yet compared with it)",
        measures=tuple(
            _measure(item, chosen) for item in told.of_year(chosen.id) if item.kind != "evidence"
        ),
        sections=partial(_sections, year=chosen.id),
        files={"evidence": "what a trust says of items that are no statistics, .toml or .csv"},
    )


def _sections(page: Any, *, year: str) -> Iterable[Any]:
    """The scorecard on a page; the pages of reports are not loaded before one is made."""
    from spcbench_mis.scorecard_sections import mis_sections

    return mis_sections(page, year=year)


def _measure(item: Item, year: SchemeYear) -> Measure:
    mark = item.thresholds.get(year.id)
    # The mark of a count is a number, not a share; it stands in the scorecard.
    target = None if mark is None or item.kind == "count" else float(mark)
    # A mark is of the cases of its year; charts draw it over all months.
    window = scheme().window(item, year.id)
    first, last = (f"{one.day} {one:%b %Y}" for one in (window.first, window.last))
    whose = f"MIS {year.label}, {first} to {last}"
    whose = whose if item.required else "Saving Babies' Lives, no MIS mark"
    return Measure(
        id=item.id,
        title=item.title,
        kind="given",
        better=item.better,  # type: ignore[arg-type]  # a word of the data, which Measure checks
        per=1000 if item.chart == "u" else PER[item.kind],
        target=target,
        target_label="" if target is None else whose,
        target_verified=target is None,
        source=Source(title=item.sources[0]),
        verified=False,
        description=description(item),
        stock=item.form == "stock",
        chart=item.chart,
        chart_reason=item.chart_reason,
        # A number that belongs in the scorecard alone; a share of "10 of 11" is none.
        supporting=item.kind == "count" and item.shown == "scorecard",
    )


def description(item: Item) -> str:
    """What an item counts, in words, with what a reader should know.

    Examples
    --------
    >>> print(description(scheme().item("sa1_external_member")))
    Numerator: reviewed deaths with an external member at the panel. Denominator: deaths reviewed. \
Y5/Y6: encouraged, no percentage.
    """
    parts = (
        ("Numerator: ", item.numerator),
        ("Denominator: ", item.denominator),
        ("Left out: ", item.exclusions),
        ("To be shown: ", item.evidence),
        ("", item.note),
    )
    return " ".join(f"{head}{text.rstrip('.')}." for head, text in parts if text)
