"""Perinatal optimisation measures: care around a birth before 34 weeks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

from spcbench.plugin import Pack, Reader, hookimpl
from spcbench_pop.neonatal_units import designations

if TYPE_CHECKING:
    import click

    from spcbench.report import Page, Section

__all__ = ["designations"]

SPCBENCH_API = 1

PACKS = (
    *("pop-2020", "pop-2023"),
    *("periprem-2020", "periprem-2021"),
    *("nnap-2021", "nnap-2022", "nnap-2024"),
    "precept-2018",
)
"""Files of `packs`, one for each programme and version."""


@dataclass(frozen=True, slots=True)
class _Estimates:
    """Sections of a pack on the page of an area; pandas loads only when they are asked for."""

    pack: str

    def __call__(self, page: Page) -> Iterable[Section]:
        """What care is estimated to have prevented, by the measures of the pack."""
        from spcbench_pop.impact.sections import impact_sections

        return impact_sections(page, pack=self.pack)


@hookimpl
def spcbench_packs() -> Iterable[Pack]:
    """Offer the packs of the perinatal programmes, as the files in `packs` define them."""
    from spcbench import load_pack

    with as_file(files(__name__) / "packs") as folder:
        for name in PACKS:
            pack = load_pack(folder / f"{name}.toml")
            yield replace(pack, sections=_Estimates(pack.name))


@hookimpl
def spcbench_readers() -> Iterable[Reader]:
    """Offer the reader ``periprem``."""
    from spcbench_pop.periprem import looks_periprem, read_periprem

    yield Reader(
        id="periprem",
        title="PERIPrem optimisation tool, workbook of one trust and month",
        suffixes=(".xlsx", ".xlsm"),
        sniff=looks_periprem,
        read=read_periprem,
    )


@hookimpl
def spcbench_commands() -> Iterable[click.Command]:
    """Offer ``spcbench impact``."""
    from spcbench_pop.impact.command import command

    yield command
