"""What the page of a trust in a report says about the data quality behind each metric."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pandas as pd

from spcbench_mis.cqim_rules import FAIL, PASS, metric_rules

PACK = "cqim"
LABELS = ("published", "result", "release", "reporting_month")
"""Columns that counts of monthly files have, and counts of a trust's own do not."""

WORDS = {
    "ok": "published",
    "small": "published as 5 (1 to 7)",
    "low_dq": "Low DQ (withheld)",
    "dns": "DNS (did not submit)",
    "suppressed": "suppressed",
    "absent": "no row in the file",
    "incomplete": "part of the figures only",
    "rate_only": "rate without counts",
}
"""What the publication says of a figure, in words that fit behind a number."""

HEADINGS = {
    "metric": "Metric",
    "reported": "Latest file",
    "figure": "Published",
    "result": "Data quality",
    "decided_by": "Data-quality measures",
    "all": "Periods, as published",
}


def cqim_sections(page: Any) -> list[Any]:
    """Data quality beside the metrics of a trust.

    Parameters
    ----------
    page : spcbench.report.Page
        A page of one unit, with counts as the monthly files give them.

    Returns
    -------
    list of spcbench.report.Section
        None for an area, or where the counts hold no metric with its labels.
    """
    counts = page.counts
    if page.kind != "unit" or not set(LABELS) <= set(counts.columns):
        return []
    own = counts[counts["unit"].eq(page.unit).to_numpy()]
    own = own.assign(pack=own["measure"].astype(str).str.partition(":")[0].str.partition("@")[0])
    metrics = own[own["pack"].eq(PACK)]
    if metrics.empty:
        return []
    quality = own[own["pack"].eq(f"{PACK}-dq")]
    rows = [
        _row(name, rule.dq, metrics[_called(metrics, _metric_id(name))], quality)
        for name, rule in metric_rules().items()
        if _called(metrics, _metric_id(name)).any()
    ]
    return [_section(pd.DataFrame(rows), counted=not quality.empty)]


def _row(name: str, dq: tuple[str, ...], rows: pd.DataFrame, quality: pd.DataFrame) -> Any:
    latest = rows.sort_values("reporting_month").iloc[-1]
    measures = quality[quality["reporting_month"].eq(latest["reporting_month"]).to_numpy()]
    result = latest["result"]
    return {
        "measure": latest["measure"],
        "metric": _title(name),
        "reported": f"{latest['reporting_month']:%b %Y} ({latest['release']})",
        "figure": _figure(latest),
        "result": "not stated" if pd.isna(result) else str(result),
        "decided_by": "; ".join(_quality(one, measures) for one in dq),
        "all": _history(rows),
    }


def _metric_id(indicator: str) -> str:
    return f"cqim_{indicator.removeprefix('CQIM').lower()}"


def _called(rows: pd.DataFrame, short: str) -> Any:
    return rows["measure"].astype(str).str.endswith(f":{short}").to_numpy()


def _title(indicator: str) -> str:
    from spcbench_mis import indicator_packs

    titles = {one.id: one.title for one in indicator_packs()[0].measures}
    return titles.get(_metric_id(indicator), indicator)


def _figure(row: pd.Series) -> str:
    """The figure as the file has it; what it says where there is none."""
    said = str(row["published"])
    if said not in ("ok", "small") or pd.isna(row["numerator"]):
        return WORDS.get(said, said)
    text = f"{int(row['numerator_published']):,} of {int(row['denominator']):,}"
    return f"{text}, rounded" + (" (5 stands for 1 to 7)" if said == "small" else "")


def _quality(name: str, rows: pd.DataFrame) -> str:
    """One data-quality measure with its rate and result, as far as they are known."""
    own = rows[_called(rows, name.lower())]
    if own.empty:
        return name
    row = own.iloc[0]
    result = {PASS: " pass", FAIL: " fail"}.get(row["result"], "")
    said = str(row["published"])
    if said not in ("ok", "small", "rate_only"):
        return f"{name} {WORDS.get(said, said)}{result}"
    return f"{name} {_rate(row)}{result}"


def _rate(row: pd.Series) -> str:
    """The rate that is judged: of counts as published, or as it stands where there are none."""
    met, cases = row["numerator_published"], row["denominator"]
    if not (pd.isna(met) or pd.isna(cases)):
        return f"{int(met) / int(cases):.1%}" if int(cases) else "no cases"
    return "no rate" if pd.isna(row["value"]) else f"{row['value']:.1%}"


def _history(rows: pd.DataFrame) -> str:
    """How many periods are of each state; those that did not submit stay apart from the rest."""
    found = rows["published"].astype(str).value_counts()
    return ", ".join(f"{found[one]} {words}" for one, words in WORDS.items() if found.get(one))


def _section(frame: pd.DataFrame, *, counted: bool) -> Any:
    report: Any = import_module("spcbench.report")
    failed = int(frame["result"].eq(FAIL).sum())
    more = "" if counted else " Their rates are not among these counts (pack cqim-dq)."
    return report.Section(
        title="Data quality of the metrics",
        text=(
            "NHS England withholds a metric, and a trust fails it in safety action 2, if one of "
            f"its data-quality measures fails. Of {len(frame)} metrics {failed} failed in the "
            f"latest file.{more}",
        ),
        tables=(
            report.ReportTable(
                id="cqim_quality",
                title="Each metric with what decides its data quality",
                frame=frame,
                headings=HEADINGS,
                note="Pass and Fail are those of the file. Counts are rounded to the nearest 5 by "
                "the publisher. A trust that did not submit, one with low data quality and a row "
                "that is not there are three different things.",
            ),
        ),
    )
