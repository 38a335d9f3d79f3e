"""What a plugin author imports."""

from spcbench.plugin.hookspecs import API_VERSION, hookimpl
from spcbench.plugin.records import ChartType, OutputFormat, Pack, Reader, Rule, RuleSet

__all__ = [
    "API_VERSION",
    "ChartType",
    "OutputFormat",
    "Pack",
    "Reader",
    "Rule",
    "RuleSet",
    "hookimpl",
]
