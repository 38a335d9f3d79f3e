"""What a report, or the page of a trust in it, says about the scheme."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pandas as pd

from spcbench.errors import InputError, OptionError
from spcbench_mis.evidence import Evidence, evidence_about, read_evidence
from spcbench_mis.scheme_data import YEARS, scheme
from spcbench_mis.scorecard_layout import NOT_GIVEN, trust_section, trusts_section
from spcbench_mis.scorecard_rows import OWN_PACK
from spcbench_mis.scorecard_table import Scorecard, scorecard

ABOVE = ("system", "region", "national", "group")
"""Levels whose counts are sums: the scheme judges trusts, so these have no scorecard."""


def mis_sections(page: Any, *, year: str) -> list[Any]:
    """The scorecard of a trust, or the safety actions of several, from the counts of a page.

    Parameters
    ----------
    page : spcbench.report.Page
        A page of a unit, an area or a whole report; its file ``evidence``, if
        there is one, is that of one trust.
    year : str
        Of the pack that is asked. Measures named with a year, such as
        ``mis@y6:sa8_fm_midwives``, ask for its scorecard; those without
        (``mis:``) for that of the year in which the counts end.

    Returns
    -------
    list of spcbench.report.Section
        None where the counts hold no figure of the scheme, or another year's
        pack answers.

    Raises
    ------
    OptionError
        If evidence is given and there is no one, or no year, that it is about.
    InputError
        If the counts or the evidence are faulty.
    """
    counts = _ours(page)
    if counts.empty:
        if page.kind == "unit" and "evidence" in page.files:
            raise OptionError(
                f"evidence was given, but the counts hold no figure of the scheme of "
                f"{page.unit!r}; spcbench mis-scorecard does without"
            )
        return []
    on = _as_of(page, counts)
    wanted = _years_wanted(counts, on)
    trusts = sorted(
        map(str, counts["unit"].unique()), key=lambda code: (page.names.get(code, code), code)
    )
    said = _evidence(page, trusts, wanted)
    asked = _Asked(
        counts=counts, trusts=trusts, names=page.names, years=wanted, on=on, evidence=said
    )
    return [_section(asked, one) for one in wanted if year == _answering(one, counts)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What a file of evidence says, of one trust and one year; empty where there is none."""

    unit: str = ""
    year: str = ""
    items: Mapping[str, Evidence] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What the scorecards of a page are made from; trusts are in the order of their names."""

    counts: pd.DataFrame = field(repr=False)
    trusts: Sequence[str]
    names: Mapping[str, str]
    years: Sequence[str]
    on: date
    evidence: _Said


def _ours(page: Any) -> pd.DataFrame:
    """Rows of the page's trusts that are about the scheme."""
    members = [page.unit] if page.kind == "unit" else list(page.members)
    counts: pd.DataFrame = page.counts
    keep = counts["unit"].isin(members)
    keep &= counts["measure"].astype(str).str.match(rf"{OWN_PACK}(@\w+)?:")
    if page.kind != "unit" and "level" in counts.columns:
        keep &= ~counts["level"].astype(str).isin(ABOVE)
    return counts[keep.to_numpy(dtype=bool)].reset_index(drop=True)


def _as_of(page: Any, counts: pd.DataFrame) -> date:
    """The first day on which all that the page covers is over."""
    after = pd.Timestamp(page.last) + pd.offsets.MonthBegin(1)
    if "period_end" in counts.columns and counts["period_end"].notna().any():
        after = max(after, pd.Timestamp(counts["period_end"].max()) + pd.Timedelta(days=1))
    day: date = after.date()
    return day


def _years_wanted(counts: pd.DataFrame, on: date) -> list[str]:
    """The years that names give; for names without one that in which the counts end."""
    packs = {str(name).partition(":")[0] for name in counts["measure"].unique()}
    found = {pack.partition("@")[2] for pack in packs if "@" in pack}
    if OWN_PACK in packs:
        found.add(scheme().year_on(on).id)
    return [year for year in YEARS if year in found]


def _answering(wanted: str, counts: pd.DataFrame) -> str:
    """The year whose pack gives a scorecard: its own if it is asked, else the newest that is.

    A page asks the packs that its measures belong to; a name without a year
    belongs to the newest that holds the item.
    """
    asked = set()
    for name in counts["measure"].unique():
        pack, _, item = str(name).rpartition(":")
        held = [year for year in YEARS if _has(year, item)] if pack == OWN_PACK else []
        asked.update(held[-1:] or [pack.partition("@")[2]])
    return wanted if wanted in asked else max(asked, default=wanted)


def _has(year: str, item: str) -> bool:
    return any(one.id == item and one.kind != "evidence" for one in scheme().of_year(year))


def _evidence(page: Any, trusts: Sequence[str], years: Sequence[str]) -> _Said:
    """What the file of evidence says, of the trust and the year that it is about."""
    path = page.files.get("evidence")
    if path is None:
        return _Said()
    year, unit = evidence_about(path)
    if year and year not in years:
        raise InputError(
            f"{path.name} is about the year {year!r}, but the scorecard is of {_listed(years)}; "
            "give the evidence of that year"
        )
    if not unit and len(trusts) > 1:
        raise InputError(
            f"{path.name} does not say whose evidence it is, and there are {len(trusts)} trusts: "
            'write unit = "CODE" into a .toml file, or ask for the page of the trust (--unit)'
        )
    if len(trusts) > 1 and unit not in trusts:
        raise InputError(
            f"{path.name} is the evidence of {unit!r}, of which the counts hold no figure of the "
            f"scheme; they hold {_listed(trusts)}"
        )
    about, whose = year or years[-1], unit if len(trusts) > 1 else trusts[0]
    kept = read_evidence(path, year=about, unit=whose)
    return _Said(unit=whose, year=about, items=kept)


def _section(asked: _Asked, year: str) -> Any:
    said = asked.evidence
    cards = {code: _card(asked, code, year) for code in asked.trusts}
    more = [*_other_years(asked), *_other_marks(asked.counts, year)]
    given = bool(said.unit) and said.year == year
    if said.unit and not given:
        more.append(f"The file of evidence is about {scheme().year(said.year).label}.")
    if len(cards) == 1:
        ((code, card),) = cards.items()
        name = asked.names.get(code, code)
        return trust_section(card, name=name, more=more, evidence=given)
    more.append(
        f"Evidence was given for {asked.names.get(said.unit, said.unit)} only ({len(said.items)} "
        "items); of the others evidence items are not reported."
        if given
        else NOT_GIVEN
    )
    return trusts_section(cards, names=asked.names, more=more)


def _card(asked: _Asked, code: str, year: str) -> Scorecard:
    own = asked.counts[asked.counts["unit"].eq(code).to_numpy(dtype=bool)].reset_index(drop=True)
    said = asked.evidence
    evidence = said.items if (said.unit, said.year) == (code, year) else None
    return scorecard(own, year=year, on=asked.on, unit=code, evidence=evidence)


def _other_years(asked: _Asked) -> list[str]:
    """That the counts reach into years whose scorecard is not here."""
    windows = {one: scheme().windows["main", one] for one in YEARS}
    begun = asked.counts["period"].min().date()
    others = [
        one for one, window in windows.items()
        if one not in asked.years and window.first < asked.on and window.last >= begun
    ]  # fmt: skip
    if not others:
        return []
    last = windows[others[-1]].last
    return [
        f"The counts also reach into {_listed([scheme().year(one).label for one in others])}. "
        f"--packs {OWN_PACK}@{others[-1]} --until {last.replace(day=1):%Y-%m-%d} judges by the "
        f"marks of {scheme().year(others[-1]).label}; without a year (--packs {OWN_PACK}) that in "
        "which the counts end decides."
    ]


def _other_marks(counts: pd.DataFrame, year: str) -> list[str]:
    """That charts of measures named without a year have the marks of a newer one."""
    names = [str(name).split(":") for name in counts["measure"].unique()]
    held = [[one for one in YEARS if _has(one, name[-1])] for name in names if name[0] == OWN_PACK]
    if all(one[-1:] == [year] for one in held):
        return []
    return [
        "Charts of measures named without a year show the mark of the newest year that has them; "
        f"--packs {OWN_PACK}@{year} shows that of {scheme().year(year).label}."
    ]


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)
