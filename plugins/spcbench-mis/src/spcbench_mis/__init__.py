"""Published NHS maternity statistics: a reader and the measures in it."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import as_file, files

from spcbench.plugin import Pack, Reader, hookimpl

SPCBENCH_API = 1


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
    from spcbench import load_pack

    with as_file(files(__name__) / "msds_annual.toml") as path:
        return load_pack(path)


@hookimpl
def spcbench_packs() -> Iterable[Pack]:
    """Offer the pack ``msds-annual``."""
    yield annual_pack()


@hookimpl
def spcbench_readers() -> Iterable[Reader]:
    """Offer the reader ``msds-annual``."""
    from spcbench_mis.annual import looks_annual, read_annual

    yield Reader(
        id="msds-annual",
        title="NHS Maternity Statistics, annual CSV file",
        suffixes=(".csv",),
        sniff=looks_annual,
        read=read_annual,
    )
