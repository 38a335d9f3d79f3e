"""What the codes of data-quality measures stand for, in words."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

import pandas as pd

from spcbench_mis.cqim_rules import QualityRule, quality_rules


def pass_text(rule: QualityRule) -> str:
    """When a data-quality measure passes, in words.

    Examples
    --------
    >>> pass_text(quality_rules()["CQIMDQ18"]), pass_text(quality_rules()["CQIMDQ05"])
    ('more than 40%', '0.5% to 50%')
    """
    least, most = (
        None if one is None else f"{float(100 * one):g}%" for one in (rule.least, rule.most)
    )
    if rule.ratio and rule.least == rule.most == 1:
        return "any at all"
    if least and most:
        return f"{least} to {most}"
    if least:
        return f"{'more than' if rule.above else 'at least'} {least}"
    return f"at most {most}" if most else "not known"


def quality_codes(names: Iterable[str]) -> Any:
    """A table of data-quality measures: what each asks, and when it passes.

    Parameters
    ----------
    names : iterable of str
        Such as ``"CQIMDQ14"``; each is listed once.

    Returns
    -------
    spcbench.report.ReportTable
        In the order of the codes.
    """
    from spcbench_mis import indicator_packs

    report: Any = import_module("spcbench.report")
    titles = {one.id: one.title for one in indicator_packs()[1].measures}
    rules = quality_rules()
    rows = [
        {"code": name, "asks": titles.get(name.lower(), name), "passes": pass_text(rules[name])}
        for name in sorted(set(names))
    ]
    return report.ReportTable(
        id="cqim_quality_codes",
        title="What the codes of the data-quality measures stand for",
        frame=pd.DataFrame(rows, dtype="object"),
        headings={"code": "Code", "asks": "What is counted", "passes": "Passes at"},
        note="Wording and limits are attributed to the metadata file that is published with each "
        "release, and not yet compared with it.",
    )
