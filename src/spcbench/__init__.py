"""Control charts and funnel plots for healthcare.

Is this change real? Is this trust different from its peers? The public names
load when first used, so that importing spcbench costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "ControlCharts": "spcbench.charting",
    "Counted": "spcbench.measures.counting",
    "Expected": "spcbench.case_mix",
    "Funnels": "spcbench.benchmarking",
    "InputWarning": "spcbench.text_files",
    "Report": "spcbench.report",
    "Validated": "spcbench.measures.validating",
    "accepted_steps": "spcbench.steps",
    "area_report": "spcbench.pages",
    "compared_with": "spcbench.hierarchy",
    "control_charts": "spcbench.charting",
    "count": "spcbench.measures.counting",
    "event_counts": "spcbench.measures.events",
    "expected_counts": "spcbench.case_mix",
    "funnels": "spcbench.benchmarking",
    "load_pack": "spcbench.measures.pack",
    "note": "spcbench.notes",
    "pack_sections": "spcbench.pages_packs",
    "published_counts": "spcbench.measures.published",
    "read": "spcbench.reading",
    "read_hierarchy": "spcbench.hierarchy_check",
    "read_notes": "spcbench.notes",
    "read_sql": "spcbench.reading_sql",
    "rolled_up": "spcbench.hierarchy",
    "standardised_counts": "spcbench.case_mix",
    "suggested_steps": "spcbench.steps",
    "unit_report": "spcbench.pages",
    "validate": "spcbench.measures.validating",
    "write": "spcbench.writing",
}

__all__ = [
    "ControlCharts",
    "Counted",
    "Expected",
    "Funnels",
    "InputWarning",
    "Report",
    "Validated",
    "__version__",
    "accepted_steps",
    "area_report",
    "compared_with",
    "control_charts",
    "count",
    "event_counts",
    "expected_counts",
    "funnels",
    "load_pack",
    "note",
    "pack_sections",
    "published_counts",
    "read",
    "read_hierarchy",
    "read_notes",
    "read_sql",
    "rolled_up",
    "standardised_counts",
    "suggested_steps",
    "unit_report",
    "validate",
    "write",
]

if TYPE_CHECKING:
    from spcbench.benchmarking import Funnels, funnels
    from spcbench.case_mix import Expected, expected_counts, standardised_counts
    from spcbench.charting import ControlCharts, control_charts
    from spcbench.hierarchy import compared_with, rolled_up
    from spcbench.hierarchy_check import read_hierarchy
    from spcbench.measures.counting import Counted, count
    from spcbench.measures.events import event_counts
    from spcbench.measures.pack import load_pack
    from spcbench.measures.published import published_counts
    from spcbench.measures.validating import Validated, validate
    from spcbench.notes import note, read_notes
    from spcbench.pages import area_report, unit_report
    from spcbench.pages_packs import pack_sections
    from spcbench.reading import read
    from spcbench.reading_sql import read_sql
    from spcbench.report import Report
    from spcbench.steps import accepted_steps, suggested_steps
    from spcbench.text_files import InputWarning
    from spcbench.writing import write


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'spcbench' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
