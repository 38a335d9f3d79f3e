"""What the packs of the measures add to a page, or to a report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from spcbench.errors import (
    AmbiguousNameError,
    OptionError,
    PluginError,
    SpcbenchError,
    UnknownNameError,
    suggest,
)
from spcbench.hierarchy_base import taken_counts
from spcbench.hierarchy_check import ALSO_CALLED
from spcbench.intake import as_date, matching
from spcbench.pages_ground import ALL, Ground
from spcbench.plugin.records import Pack
from spcbench.report import Page, Section
from spcbench.tables import LEVEL

if TYPE_CHECKING:
    from spcbench.plugin.host import PluginHost


def pack_sections(
    counts: Any,
    *,
    measure: str | None = None,
    level: str | None = None,
    until: Any | None = None,
    files: Mapping[str, str | Path] | None = None,
    host: PluginHost | None = None,
) -> tuple[Section, ...]:
    """What the packs of the measures say of counts, for a report of charts and funnels.

    Parameters
    ----------
    counts : Counted, Table, pandas, polars or Arrow table
        As for `control_charts`.
    measure : str, optional
        Only this one: its full name, or a part that names no other.
    level : str, optional
        Level of the units, where counts hold several.
    until : date, optional
        Last period to use.
    files : mapping of str to path, optional
        Files for the packs, by the names that they give them (`Pack.files`).
    host : PluginHost, optional
        Where packs are found.

    Returns
    -------
    tuple of Section
        For ``Report(results, sections=...)``; none where no pack has any.

    Raises
    ------
    OptionError
        If no pack of these measures uses a file of that name; lists those that do.
    InputError, PluginError
        If counts or a file are faulty, or a pack fails.

    Examples
    --------
    >>> pack_sections(pd.DataFrame({"measure": "warm", "unit": "RJ1", "period": ["2024-01-01"],
    ...                             "numerator": 8, "denominator": 10}))
    ()
    """
    from spcbench.plugin.host import default_host

    host = host or default_host()
    own, _, default = taken_counts(counts)
    if measure is not None:
        own = own[own["measure"].eq(matching(measure, list(own["measure"].unique()), host=host))]
    if until is not None:
        own = own[own["period"].to_numpy() <= as_date(until, "until")]
    packs, given = packs_for(map(str, own["measure"].unique()), files, host)
    if own.empty or not any(pack.sections for pack in packs):
        return ()
    base = ALSO_CALLED.get(level or "", level) or default
    return tuple(page_sections(packs, _whole(own.reset_index(drop=True), base, given)))


def _whole(frame: pd.DataFrame, base: str | None, files: Mapping[str, Path]) -> Page:
    """All counts as a page: every unit of a level, or of any where none is meant."""
    if "level" not in frame.columns:
        base = base or "provider"
        frame = frame.assign(level=pd.Categorical([base] * len(frame), categories=list(LEVEL)))
    inside = frame if base is None else frame[frame["level"].eq(base).to_numpy(dtype=bool)]
    names = {}
    if "unit_name" in frame.columns:
        named = frame[["unit", "unit_name"]].dropna().astype(str)
        names = dict(zip(named["unit"], named["unit_name"], strict=True))
    return Page(
        kind="report",
        unit=ALL,
        unit_name="All units",
        counts=frame,
        members=tuple(map(str, inside["unit"].unique())),
        first=frame["period"].min(),
        last=frame["period"].max(),
        names=names,
        files=files,
    )


def packs_for(
    measures: Iterable[str], files: Mapping[str, str | Path] | None, host: PluginHost
) -> tuple[list[Pack], dict[str, Path]]:
    """The packs of some measures, and the files that were given for them.

    Raises
    ------
    OptionError
        If none of the packs uses a file of that name.
    """
    packs = packs_of(measures, host)
    known = {name for pack in packs for name in pack.files}
    for name in files or {}:
        if name not in known:
            listed = suggest(name, known) if known else "they use no file"
            raise OptionError(
                f"no pack of these measures uses a file called {name!r}; {listed} "
                f"(packs: {', '.join(pack.name for pack in packs) or 'none'})"
            )
    return packs, {name: Path(path) for name, path in (files or {}).items()}


def packs_of(measures: Iterable[str], host: PluginHost) -> list[Pack]:
    """The installed packs that some measures belong to, each once, in their order."""
    found: dict[str, Pack] = {}
    for name in measures:
        if ":" not in name:
            continue
        try:
            pack, _ = host.measure(name)
        except (UnknownNameError, AmbiguousNameError):
            continue
        found.setdefault(pack.name, pack)
    return list(found.values())


def composites_of(ground: Ground) -> list[str]:
    """The measures that put others together, in order."""
    from spcbench.measures.measure import Composite

    made = []
    for name in ground.order:
        try:
            measure = ground.host.measure(name)[1] if ":" in name else None
        except (UnknownNameError, AmbiguousNameError):
            continue
        if isinstance(measure, Composite):
            made.append(name)
    return made


def page_sections(packs: Iterable[Pack], page: Page) -> Iterator[Section]:
    """The sections that packs give for a page.

    Parameters
    ----------
    packs : iterable of Pack
        Those that are asked.
    page : Page
        What they are told.

    Raises
    ------
    PluginError
        If a pack fails, or gives something else than sections; names the pack.
    """
    for pack in packs:
        if pack.sections is None:
            continue
        try:
            made = tuple(pack.sections(page))
        except SpcbenchError:
            raise
        except Exception as error:
            raise PluginError(
                f"pack {pack.name!r} failed when asked for its sections of the page of "
                f"{page.unit!r}: {type(error).__name__}: {error}"
            ) from error
        for one in made:
            if not isinstance(one, Section):
                raise PluginError(
                    f"pack {pack.name!r}: sections gives Sections, not {type(one).__name__}"
                )
        yield from made
