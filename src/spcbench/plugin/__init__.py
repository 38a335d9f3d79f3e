"""What a plugin author imports."""

from spcbench.plugin.adapting import one_series
from spcbench.plugin.admission import PluginInfo
from spcbench.plugin.hookspecs import API_VERSION, hookimpl
from spcbench.plugin.host import PluginHost, default_host
from spcbench.plugin.names import Offered
from spcbench.plugin.records import ChartType, OutputFormat, Pack, Reader, Rule, RuleSet, Setting
from spcbench.workbook_sheets import Workbook, open_workbook, sheet_names

__all__ = [
    "API_VERSION",
    "ChartType",
    "Offered",
    "OutputFormat",
    "Pack",
    "PluginHost",
    "PluginInfo",
    "Reader",
    "Rule",
    "RuleSet",
    "Setting",
    "Workbook",
    "default_host",
    "hookimpl",
    "one_series",
    "open_workbook",
    "sheet_names",
]
