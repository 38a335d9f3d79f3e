"""Several files of records that are counted as one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spcbench.tables import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSet:
    """The files of a folder or of a pattern.

    Parameters
    ----------
    parts : tuple of Table
        Records of each file, in the order of their names.
    left_out : tuple of str
        Why files were left out that could not be read, one sentence each.
    skip : bool
        Whether a file that proves faulty when it is scanned may be left out too.
    """

    parts: tuple[Table, ...]
    left_out: tuple[str, ...] = ()
    skip: bool = False
