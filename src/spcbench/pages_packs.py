"""What the packs of the measures add to a page."""

from __future__ import annotations

from collections.abc import Iterator

from spcbench.errors import AmbiguousNameError, PluginError, SpcbenchError, UnknownNameError
from spcbench.pages_ground import Ground
from spcbench.plugin.records import Pack
from spcbench.report import Page, Section


def packs_of(ground: Ground) -> list[Pack]:
    """The installed packs that the measures belong to, each once, in their order."""
    found: dict[str, Pack] = {}
    for name in ground.order:
        if ":" not in name:
            continue
        try:
            pack, _ = ground.host.measure(name)
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


def pack_sections(ground: Ground, page: Page) -> Iterator[Section]:
    """The sections that packs give for a page.

    Parameters
    ----------
    ground : Ground
        Whose measures say which packs.
    page : Page
        What the packs are told.

    Raises
    ------
    PluginError
        If a pack fails, or gives something else than sections; names the pack.
    """
    for pack in packs_of(ground):
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
