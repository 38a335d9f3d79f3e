"""What care is estimated to have prevented, with its range and with what that is not.

The names load when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOMES = {
    "Impact": "estimates",
    "capped_cases": "arithmetic",
    "capped_lives": "together",
    "cases_prevented": "arithmetic",
    "effects": "facts",
    "impact_of_counts": "estimates",
    "impact_of_numbers": "estimates",
    "impact_sections": "sections",
    "implied_treated": "arithmetic",
    "needed_to_treat": "arithmetic",
    "published_claims": "claims",
    "section_of": "sections",
    "summary_lines": "words",
}

__all__ = [
    "Impact",
    "capped_cases",
    "capped_lives",
    "cases_prevented",
    "effects",
    "impact_of_counts",
    "impact_of_numbers",
    "impact_sections",
    "implied_treated",
    "needed_to_treat",
    "published_claims",
    "section_of",
    "summary_lines",
]

if TYPE_CHECKING:
    from spcbench_pop.impact.arithmetic import (
        capped_cases,
        cases_prevented,
        implied_treated,
        needed_to_treat,
    )
    from spcbench_pop.impact.claims import published_claims
    from spcbench_pop.impact.estimates import Impact, impact_of_counts, impact_of_numbers
    from spcbench_pop.impact.facts import effects
    from spcbench_pop.impact.sections import impact_sections, section_of
    from spcbench_pop.impact.together import capped_lives
    from spcbench_pop.impact.words import summary_lines


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
