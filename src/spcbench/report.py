"""A report: results with their method and where the numbers came from; no drawing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spcbench.errors import OptionError

if TYPE_CHECKING:
    from spcbench.benchmarking import Funnels
    from spcbench.charting import ControlCharts


@dataclass(frozen=True, init=False)
class Report:
    """Results to be written together.

    Parameters
    ----------
    results : iterable of ControlCharts or Funnels
        In the order they should appear.
    title : str
        The heading.

    Raises
    ------
    OptionError
        If something else than a result is given.
    """

    results: tuple[ControlCharts | Funnels, ...]
    title: str

    def __init__(
        self, results: Iterable[ControlCharts | Funnels], *, title: str = "spcbench report"
    ) -> None:
        from spcbench.benchmarking import Funnels
        from spcbench.charting import ControlCharts

        kept = tuple(results)
        for result in kept:
            if not isinstance(result, (ControlCharts, Funnels)):
                raise OptionError(
                    "a report takes results of control_charts() and funnels(); "
                    f"it was given {type(result).__name__}"
                )
        object.__setattr__(self, "results", kept)
        object.__setattr__(self, "title", title)
