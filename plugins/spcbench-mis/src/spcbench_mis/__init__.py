"""Published NHS maternity statistics: their readers and the measures in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from importlib import import_module
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spcbench.plugin import Pack, Reader, hookimpl

if TYPE_CHECKING:
    import click

    from spcbench.report import Page, Section

SPCBENCH_API = 1

_HOMES = {
    "Window": "scheme_data",
    "comparator_groups": "comparators",
    "cqims_passed": "scheme_published",
    "due_counts": "scheme_due",
    "event_signals": "signals",
    "metric_result": "cqim_rules",
    "period_verdict": "verdict",
    "published_summary": "monthly_summary",
    "quality_result": "cqim_rules",
    "read_evidence": "evidence",
    "read_months": "monthly",
    "scheme": "scheme_data",
    "scheme_pack": "scheme_packs",
    "scorecard": "scorecard_table",
    "training_counts": "training",
    "training_forecast": "training",
    "unlisted_organisations": "monthly_summary",
    "validity": "quality_file",
}
"""Names for users, and the module of each, which is imported when first used."""

__all__ = [*_HOMES]  # noqa: PLE0604 - each is text


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    # Hooks are found by these names; what was imported for this module's own use is no part of it.
    own = {name for name, one in globals().items() if getattr(one, "__module__", "") == __name__}
    return sorted({*own, *_HOMES, "SPCBENCH_API", "__all__", "__doc__"})


def annual_pack() -> Pack:
    """The measures of the annual file.

    Returns
    -------
    Pack
        ``msds-annual``, as ``msds_annual.toml`` in this package defines it.

    Examples
    --------
    >>> annual_pack().name
    'msds-annual@2022'
    """
    return _pack("msds_annual.toml")


def monthly_pack() -> Pack:
    """The measures of the monthly file of counts by dimension.

    Returns
    -------
    Pack
        ``msds-monthly``, as ``msds_monthly.toml`` in this package defines it.

    Examples
    --------
    >>> monthly_pack().name
    'msds-monthly@2025'
    """
    return _pack("msds_monthly.toml")


def quality_pack() -> Pack:
    """The measures of the monthly file of data quality.

    Returns
    -------
    Pack
        ``msds-dq``, as ``msds_dq.toml`` in this package defines it.

    Examples
    --------
    >>> quality_pack().name
    'msds-dq@2025'
    """
    return _pack("msds_dq.toml")


def indicator_packs() -> tuple[Pack, ...]:
    """The measures of the monthly file of measures.

    Returns
    -------
    tuple of Pack
        The Clinical Quality Improvement Metrics, their data-quality measures,
        and other indicators.

    Examples
    --------
    >>> [pack.name for pack in indicator_packs()]
    ['cqim@2023', 'cqim-dq@2023', 'msds-measures@2025']
    """
    return tuple(_pack(name) for name in ("cqim.toml", "cqim_dq.toml", "msds_measures.toml"))


def incentive_packs() -> tuple[Pack, ...]:
    """What the Maternity Incentive Scheme counts, year by year.

    Returns
    -------
    tuple of Pack
        Counts that a trust keeps itself, and the rare events behind some of them.

    Examples
    --------
    >>> [pack.name for pack in incentive_packs()]
    ['mis@y5', 'mis@y6', 'mis@y7', 'mis-events@1']
    """
    from spcbench_mis.scheme_data import YEARS
    from spcbench_mis.scheme_packs import scheme_pack

    return (*map(scheme_pack, YEARS), _pack("mis_events.toml"))


@cache
def _pack(name: str) -> Pack:
    from spcbench import load_pack

    with as_file(files(__name__) / name) as path:
        return load_pack(path)


def _quality_sections(page: Page) -> Iterable[Section]:
    from spcbench_mis.cqim_sections import cqim_sections

    return cqim_sections(page)


@hookimpl
def spcbench_packs() -> Iterable[Pack]:
    """Offer the measures of the published files and of the incentive scheme."""
    yield annual_pack()
    for pack in indicator_packs():
        yield replace(pack, sections=_quality_sections) if pack.id == "cqim" else pack
    yield monthly_pack()
    yield quality_pack()
    yield from incentive_packs()


@hookimpl
def spcbench_readers() -> Iterable[Reader]:
    """Offer the readers ``msds-annual`` and ``msds-monthly``."""
    from spcbench_mis.annual import join_annual, looks_annual, read_annual
    from spcbench_mis.monthly import join_all_windows, join_months, looks_monthly, read_month

    yield Reader(
        id="msds-annual",
        title="NHS Maternity Statistics, annual CSV file",
        suffixes=(".csv",),
        sniff=looks_annual,
        read=read_annual,
        join=join_annual,
    )
    yield Reader(
        id="msds-monthly",
        title="Maternity Services Monthly Statistics: measures, counts by dimension, data quality",
        suffixes=(".csv", ".xlsx"),
        sniff=looks_monthly,
        read=read_month,
        join=join_months,
    )
    yield Reader(
        id="msds-monthly-all-windows",
        title="The same with every three-month window, overlapping or not; only when asked for",
        suffixes=(".csv", ".xlsx"),
        sniff=_only_when_asked_for,
        read=read_month,
        join=join_all_windows,
    )


def _only_when_asked_for(head: bytes, path: Path) -> bool:
    return False


@hookimpl
def spcbench_commands() -> Iterable[click.Command]:
    """Offer ``mis-scorecard``, ``mis-signals``, ``mis-training`` and ``mis-groups``."""
    from spcbench_mis import commands, comparators_command

    yield commands.scorecard_command
    yield commands.signals_command
    yield commands.training_command
    yield comparators_command.groups_command
