"""Perinatal optimisation measures: care around a birth before 34 weeks."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import as_file, files

from spcbench.plugin import Pack, hookimpl

SPCBENCH_API = 1


@hookimpl
def spcbench_packs() -> Iterable[Pack]:
    """Offer the pack ``pop``, as ``pop.toml`` in this package defines it."""
    from spcbench import load_pack

    with as_file(files(__name__) / "pop.toml") as path:
        yield load_pack(path)
